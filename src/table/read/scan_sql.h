/*
 * A snapshot's files as SQL: the one place that knows how to read data files right.
 *
 * Physical names or field ids, columns that a file lacks, narrower types, partition values,
 * deletion vectors, and float columns whose bounds must not be trusted are all dealt with here.
 */
#ifndef VV_TABLE_READ_SCAN_SQL_H
#define VV_TABLE_READ_SCAN_SQL_H

#include "delta/row_set.h"
#include "delta/snapshot.h"
#include "delta/value.h"
#include "table/table.h"

enum vv_scan_names {
    VV_SCAN_LOGICAL, /* columns by their names */
    VV_SCAN_INDEXED  /* c0..cN by index in the schema, and before them _file (index into the
                        files given, BIGINT) and _pos (physical row number in the file, BIGINT) */
};

struct vv_small_scan;

struct vv_scan_source {
    struct vv_store *store;
    struct vv_engine *engine; /* that runs the statement */
    const struct vv_snapshot *snapshot;
    const struct vv_file *const *files; /* a subset of the snapshot's, after pruning */
    size_t files_len;
    const int32_t *columns; /* indexes into the schema, in the order wanted; NULL: all */
    size_t columns_len;
    enum vv_scan_names names;
    bool is_without_places;                /* no _file and _pos */
    const struct vv_row_set *const *taken; /* rows to leave out, as in vv_live_source */
    const struct vv_small_scan
        *small; /* small_scan.h, of these files; NULL: the engine reads all */
    /*
     * Where `small` is NULL: those that are read again and again are held in memory, decoded
     * (held_scan.h). For what shows a user rows; what checks a table reads its files.
     */
    bool may_hold;
};

/*
 * Appends "SELECT ... FROM read_parquet(...)"; with no file: the same columns and no row. The
 * statement must be bound before the operation ends; a stream of it may go on.
 */
varve_status vv_scan_sql(struct vv_op *op, const struct vv_scan_source *source,
    struct vv_buf *out_sql);

/* What a partition column is in all rows of a file. ECORRUPT: the log's text is none of its type. */
varve_status vv_scan_partition_value(struct vv_op *op, const struct vv_file *file,
    const struct vv_field *field, struct vv_value *out);

/* The size of some files together, for vv_engine_expect. */
int64_t vv_files_bytes(const struct vv_file *const *files, size_t files_len);

/*
 * Puts files in the order in which they came to the table, as far as the log tells it, so that of
 * rows with one key the last is that of the last file.
 */
void vv_files_sort(const struct vv_file **files, size_t files_len);

#endif
