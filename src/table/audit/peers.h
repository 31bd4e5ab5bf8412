/*
 * Other software that reads and writes Delta tables, and what it can: one table of facts, which
 * docs/engines.md repeats with its sources (a test holds the two together).
 *
 * Other software goes by what a protocol lists, not by what the table uses of it. Nothing is asked
 * of anybody here: the facts are of the versions that are named.
 */
#ifndef VV_TABLE_AUDIT_PEERS_H
#define VV_TABLE_AUDIT_PEERS_H

#include "delta/feature_use.h"

enum vv_peer {
    VV_PEER_SPARK,
    VV_PEER_DELTA_RS,
    VV_PEER_POLARS,
    VV_PEER_KERNEL,
    VV_PEER_DUCKDB,
    VV_PEERS
};

enum vv_support {
    VV_SUPPORT_NO,
    VV_SUPPORT_PARTLY, /* `note` of the peer says which part */
    VV_SUPPORT_YES
};

struct vv_peer_facts {
    const char *name;         /* "delta-rs" */
    const char *version;      /* that the facts are of */
    const char *read_partly;  /* what PARTLY is of reading; NULL: never */
    const char *write_partly; /* the same of writing, or what it can't do whatever the table */
    const char *together;     /* of writing while Varve writes, on a local disk */
    bool is_safe_together;    /* as it comes */
};
const struct vv_peer_facts *vv_peer_facts(enum vv_peer peer);

struct vv_peer_verdict {
    enum vv_support read, write;
    /* Spark: the release of Delta Lake from which on, major * 100 + minor; 0: any. */
    int32_t read_since, write_since;
    struct vv_str *read_limits; /* features in the way of reading, or of reading all of it */
    size_t read_limits_len;
    struct vv_str *write_limits;
    size_t write_limits_len;
};
/* `features`: of the table (delta/feature_use.h). */
varve_status vv_peer_judge(struct vv_op *op, struct vv_arena *arena, enum vv_peer peer,
    const struct vv_protocol *protocol, const struct vv_feature_state *features,
    size_t features_len, struct vv_peer_verdict *out);

#endif
