/*
 * Proof: whether a table is what was written, and what can be proven of that. docs/audit.md says
 * what that is, and how to check it without Varve. Conventions: varve.h.
 */
#ifndef VARVE_AUDIT_H
#define VARVE_AUDIT_H

#include "varve/varve.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct varve_verify_options {
    uint32_t size;
    const char *head; /* that seal printed once: it must still be in the history; NULL: none */
    int32_t deep;     /* 1: hash every data file, look at all checkpoints, at keys and dates */
    int32_t strict;   /* 1: files that nothing names, and commits that nothing proves, fail */
    int32_t as_json;  /* 1: the report is a JSON object; 0: text for people */
    const char *signature;  /* of the head, as seal printed it; needs public_key */
    const char *public_key; /* a file, PEM */
} varve_verify_options;
#define VARVE_VERIFY_OPTIONS_INIT                               \
    {                                                           \
        sizeof(varve_verify_options), NULL, 0, 0, 0, NULL, NULL \
    }

typedef struct varve_verify_result {
    int32_t whole; /* 1: nothing wrong was found, and all could be read */
    int64_t wrong; /* findings that are failures; 0 with whole 0: it could not be judged */
    int64_t first_version; /* the first and the last that were looked at */
    int64_t version;
    int64_t unreferenced; /* files in the table's folder that nothing names */
    int64_t head_version; /* of the head that was given; -1: no version has it */
    char head[65];        /* of the newest version */
} varve_verify_result;

/*
 * Looks at every commit, at what the commits name, and at what else lies there. That something is
 * wrong is a result, not a failure: VARVE_OK with whole 0; the report names each. The table need
 * not be one that can be opened. Nothing is written. out_report may be NULL.
 * EUSAGE: a head or signature that is none; ENOTFOUND: no such table or key file.
 */
VARVE_API VARVE_MUST_CHECK varve_status varve_lake_verify(varve_lake *lake, const char *table,
    const varve_verify_options *options, varve_verify_result *out, char **out_report,
    varve_error *err);

/*
 * The head of a table, to be kept elsewhere: {"table","version","head"} (of a table that was named by a
 * path the absolute path), and with `key_file` (an
 * Ed25519 key, PEM; NULL: none) "signature", in base64, of the text "varve-seal-1 <head>". ENOTFOUND: no
 * such table or key file; ECORRUPT: its log can't be read.
 */
VARVE_API VARVE_MUST_CHECK varve_status varve_lake_seal(varve_lake *lake, const char *table,
    const char *key_file, char **out_json, varve_error *err);

/*
 * A new key for seals: the private one goes to `file` (mode 0600), the public one to `file`.pub.
 * EUSAGE: one of them is there already.
 */
VARVE_API VARVE_MUST_CHECK varve_status varve_keygen(const char *file, varve_error *err);

/*
 * The rows of varve_table_history of a table that is not opened first: fast, however many files its
 * newest version has.
 */
VARVE_API VARVE_MUST_CHECK varve_status varve_lake_history(varve_lake *lake, const char *table,
    int64_t limit, struct ArrowArrayStream *out, varve_error *err);
/*
 * The same up to a version, a time or a tag (`at`; NULL: the latest); what is damaged behind it does
 * no harm. ECORRUPT: a commit that is asked for is damaged.
 */
VARVE_API VARVE_MUST_CHECK varve_status varve_lake_history_at(varve_lake *lake,
    const char *table, const char *at, int64_t limit, struct ArrowArrayStream *out,
    varve_error *err);

/* Names of the lake's tables, one a line. */
VARVE_API VARVE_MUST_CHECK varve_status varve_lake_names(varve_lake *lake, char **out_names,
    varve_error *err);

#ifdef __cplusplus
}
#endif

#endif
