/*
 * The three market tables: market_regimes, performance_metrics, signals.
 *
 * Each is partitioned by `date`, the UTC date of `timestamp`, has a natural key, takes the latest
 * `ingested_at` as the truth, and carries its rules as standard CHECK constraints, so that every
 * engine enforces them. Constraints on numbers name an upper bound, since engines differ on
 * whether NaN and infinity pass `x >= 0`. What is odd and may be right is a warn-level rule
 * (table/warnings.h): counted, never rejected.
 */
#ifndef VV_LAKE_MARKET_H
#define VV_LAKE_MARKET_H

#include "lake/lake.h"

enum vv_profile {
    VV_PROFILE_INTEROP,
    VV_PROFILE_AUDIT
};

struct vv_market_options {
    enum vv_profile profile;
    struct vv_str history;      /* "400d", "forever"; ptr NULL: 400 days */
    struct vv_str regimes;      /* parted by commas; ptr NULL: the six */
    struct vv_str signal_types; /* likewise; the three */
    struct vv_str symbols;      /* those that don't warn; ptr NULL: none does */
};

#define VV_MARKET_TABLES 3

struct vv_market_created {
    struct vv_str name;
    bool created; /* false: it was there already */
};

/* Creates those that are absent. EUSAGE for a bad option. */
varve_status vv_market_init(struct vv_op *op, struct vv_lake *lake,
    const struct vv_market_options *options, struct vv_market_created out[VV_MARKET_TABLES]);

/*
 * The retention properties for "400d" or "forever" (or ptr NULL), as Spark writes intervals; also
 * for `create`. Appends to a list of pairs in the operation's arena.
 */
varve_status vv_history_properties(struct vv_op *op, struct vv_str history,
    struct vv_pair out[2]);

#endif
