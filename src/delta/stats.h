/*
 * Statistics of a file: `add.stats`, out and in.
 *
 * They are hints: whatever is missing, of a wrong type or unreadable is "unknown", and unknown
 * keeps the file. Maxima of timestamps are widened by 999 us, since writers cut them to
 * milliseconds, minima of other writers by a second. Some bounds are believed only in files of Varve, since other writers are known to
 * get them wrong: maxima of texts of 32 characters and more (unless they bear Spark's mark) and
 * bounds of decimals of more than 15 digits. A float maximum says nothing about NaN unless the
 * file bears the tag VV_TAG_NO_NAN with the column in it.
 */
#ifndef VV_DELTA_STATS_H
#define VV_DELTA_STATS_H

#include "delta/action.h"
#include "delta/schema.h"
#include "delta/snapshot.h"
#include "delta/value.h"
#include "engine/parquet.h"

#define VV_TAG_SHA256 "varve.sha256"
#define VV_TAG_NO_NAN "varve.noNaN" /* JSON array of physical names without a NaN in the file */

struct vv_bounds {
    struct vv_value min, max; /* kind NONE: unknown; NULL: a partition whose value is NULL */
    int64_t null_count;       /* -1: unknown */
    bool max_holds_nan;       /* `max` bounds NaN as well (no NaN in there, or not a float) */
};

struct vv_file_stats {
    int64_t rows; /* numRecords, physical; -1: unknown */
    bool tight;
    struct vv_bounds *columns; /* in the order asked for */
};

/* The top-level columns that are asked for, by index into the schema. Borrowed. */
struct vv_stats_columns {
    const struct vv_schema *schema;
    const struct vv_metadata *metadata;
    const int32_t *indexes;
    size_t len;
};

/*
 * What a file's statistics say of some columns. Never fails but for memory; a column that is a
 * partition column gets its partition value as both bounds.
 */
varve_status vv_stats_read(struct vv_op *op, struct vv_arena *arena, const struct vv_file *file,
    const struct vv_stats_columns *columns, struct vv_file_stats *out);
/* numRecords only, which counts the rows in the file; -1: unknown. Fails for memory alone. */
varve_status vv_stats_rows(struct vv_op *op, const struct vv_file *file, int64_t *out);
/* Those that its deletion vector leaves; -1: unknown. */
varve_status vv_file_live_rows(struct vv_op *op, const struct vv_file *file, int64_t *out);

/*
 * The JSON for a file just written: numRecords, minValues, maxValues, nullCount of the first
 * delta.dataSkippingNumIndexedCols leaves or of delta.dataSkippingStatsColumns, and of the columns that
 * the table is clustered by. Strings are cut
 * as Spark does, timestamps have milliseconds, or microseconds where they need them; a column with
 * a NaN has no bounds, an infinity is none. `out_no_nan`: the value for VV_TAG_NO_NAN; empty where
 * the table has no floats.
 */
varve_status vv_stats_write(struct vv_op *op, const struct vv_snapshot *snapshot,
    const struct vv_parquet_written *written, struct vv_arena *arena, struct vv_str *out_json,
    struct vv_str *out_no_nan);
/*
 * The same statistics for a file that has lost rows to a deletion vector: bounds that may be too
 * wide, and the number of rows in the file, which must be there then. What can't be read is left
 * out.
 */
varve_status vv_stats_loosen(struct vv_op *op, struct vv_arena *arena, struct vv_str stats,
    int64_t rows, struct vv_str *out);

#endif
