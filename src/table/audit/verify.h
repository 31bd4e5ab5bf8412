/*
 * Verify: whether what lies in storage is what was written, and what can be proven of that.
 *
 * Every commit that there is, in the log or in the ledger, is read, oldest first: its link is held
 * against the bytes of the one before it, its actions against the state so far and against the
 * files that they name. What is found is told, one sentence each, whatever else is broken; only
 * what keeps the walk itself from going on fails it. docs/audit.md says what that proves.
 *
 * Nothing is written. The store need not hold a table that can be opened.
 */
#ifndef VV_TABLE_AUDIT_VERIFY_H
#define VV_TABLE_AUDIT_VERIFY_H

#include "base/hash.h"
#include "base/sign.h"
#include "delta/log.h"

struct vv_verify_request {
    struct vv_str table; /* its name, for the report */
    struct vv_str head;  /* a head that was noted, 64 hexadecimal digits; len 0: none */
    bool is_signed;      /* the head has a signature, which was found right */
    bool is_deep;        /* data files are hashed, keys and all checkpoints looked at */
    bool is_strict;      /* files that nothing names, commits that nothing proves: failures */
    bool as_json;        /* the report; else it is for people */
    uint32_t threads;    /* that hash; 0: one a core */
};

struct vv_verify_result {
    bool is_whole; /* nothing wrong was found; and all could be read: else `wrong` may be 0 */
    int64_t first_version, version;
    size_t wrong;        /* findings that are failures */
    size_t unreferenced; /* files that nothing names */
    char head[VV_SHA256_HEX_BYTES];
    int64_t head_version; /* of the head that was noted; VV_NO_VERSION: it is not there */
};

/* NOT_FOUND: no table there. EUSAGE: a head that is none. */
varve_status vv_verify(struct vv_op *op, const struct vv_log_handle *log,
    const struct vv_verify_request *request, struct vv_verify_result *out,
    struct vv_buf *out_report);

/* The head to note: the chain hash (delta/chain.h) of the newest commit. NOT_FOUND: no table. */
struct vv_seal {
    int64_t version;
    char head[VV_SHA256_HEX_BYTES];
};
varve_status vv_seal(struct vv_op *op, const struct vv_log_handle *log, struct vv_seal *out);

/* What a signature is over: one of these, and a hash in hexadecimal. Never the text of anything else. */
#define VV_SEAL_PREFIX "varve-seal-1 "
#define VV_EXPORT_PREFIX "varve-export-1 "
/* Signs `prefix` and `hash` with the private key in a file. Failures: vv_key_file_read, vv_sign. */
varve_status vv_seal_sign(struct vv_op *op, const char *key_file, const char *prefix,
    const char *hash, char out[VV_SIGNATURE_BYTES]);
/* {"table","version","head"}, signed where `key_file` is not NULL; one line of JSON. */
varve_status vv_seal_write(struct vv_op *op, struct vv_str table, const struct vv_seal *seal,
    const char *key_file, struct vv_buf *out);

#endif
