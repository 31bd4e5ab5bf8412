/*
 * What a table says of itself: key, order, z-order, constraints, as read from its metaData.
 */
#ifndef VV_TABLE_RULES_H
#define VV_TABLE_RULES_H

#include "delta/snapshot.h"

#define VV_PROPERTY_KEY "varve.key"                      /* "timestamp,symbol" */
#define VV_PROPERTY_ORDER_BY "varve.orderBy"             /* "ingested_at" */
#define VV_PROPERTY_ZORDER "varve.zorder"                /* "timestamp,symbol" */
#define VV_PROPERTY_PARTITION_FROM "varve.partitionFrom" /* "date=timestamp" */
#define VV_PROPERTY_WARN "varve.warn."                   /* + name; table/warnings.h */
#define VV_PROPERTY_CONSTRAINT "delta.constraints."      /* + name */

struct vv_check {
    struct vv_str name;       /* of the constraint; for an invariant: of the column */
    struct vv_str expression; /* as stored */
    struct vv_str sql;        /* for DuckDB, over columns quoted by name */
};

struct vv_column_value;

struct vv_partition_from {
    int32_t partition; /* date column */
    int32_t source;    /* timestamp or timestamp_ntz column */
};

struct vv_rules {
    const int32_t *key; /* indexes into the schema */
    size_t key_len;     /* 0: no key declared */
    int32_t order;      /* -1: none */
    const int32_t *zorder;
    size_t zorder_len;
    const int32_t *partitions;
    size_t partitions_len;
    const struct vv_partition_from *partition_from;
    size_t partition_from_len;
    bool is_order_partition; /* partitionFrom named the order column too: that is not gone by */
    const struct vv_check *checks; /* CHECK constraints and column invariants */
    size_t checks_len;
    const struct vv_check *warnings; /* warn-level rules; only `for_write` */
    size_t warnings_len;
    const struct vv_column_value
        *values; /* table/values.h, by column; NULL: no column has any; only `for_write` */
    size_t values_len;
};

/*
 * Reads the rules of a snapshot. ECORRUPT where a property names a column that is not there;
 * EUNSUPPORTED where a constraint does not translate (only when `for_write`).
 * Property texts: names parted by commas, back-quoted where they hold a comma or blank.
 */
varve_status vv_rules_read(struct vv_op *op, struct vv_arena *arena,
    const struct vv_snapshot *snapshot, bool for_write, struct vv_rules *out);
/*
 * The same for reading alone, which needs no key: where Varve's properties don't fit the table any more
 * (another engine renamed a column) it has none of them, with a warning in the log.
 */
varve_status vv_rules_read_lenient(struct vv_op *op, struct vv_arena *arena,
    const struct vv_snapshot *snapshot, struct vv_rules *out);
/* Of rules that somebody wants a table to have. EUSAGE: a partition derived of the order column. */
varve_status vv_rules_judge(struct vv_op *op, const struct vv_rules *rules);
/* Schema, properties and partition columns are the same: what was judged by one holds for the other. */
bool vv_rules_same(const struct vv_snapshot *a, const struct vv_snapshot *b);
/* Whether the files of both say the values of the same columns beside themselves. */
bool vv_partitions_same(const struct vv_snapshot *a, const struct vv_snapshot *b);
/* Whether one of them names the column, which is in quotes (vv_sql_name). */
bool vv_checks_name(const struct vv_check *checks, size_t len, struct vv_str quoted);
/*
 * "; did you mean y?" of a name that no column has; "" where none is near. In the arena.
 */
varve_status vv_rules_guess_column(struct vv_op *op, struct vv_arena *arena,
    const struct vv_schema *schema, struct vv_str name, struct vv_str *out);
/* EUSAGE: "table t has no column x; did you mean y?" */
varve_status vv_rules_fail_column(struct vv_op *op, struct vv_str table,
    const struct vv_schema *schema, struct vv_str name);
/* EINVALID: rows that are there have NULL in a key that is to be the table's. */
varve_status vv_rules_fail_null_keys(struct vv_op *op, struct vv_str table, int64_t null_keys,
    int64_t rows);
bool vv_rules_is_key(const struct vv_rules *rules, int32_t column);
/* Whether the column's value is computed from others (never where values were not read). */
bool vv_rules_is_generated(const struct vv_rules *rules, int32_t column);
/* Back to property texts: "a,`b c`". */
void vv_rules_write_names(const struct vv_str *names, size_t len, struct vv_buf *out);
varve_status vv_rules_split_names(struct vv_op *op, struct vv_arena *arena, struct vv_str text,
    struct vv_str **out, size_t *out_len);

#endif
