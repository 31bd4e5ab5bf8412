/*
 * Which of the files of a scan are read without the engine's Parquet reader (engine/small_files.h):
 * where there are many small ones, to open each costs the engine more than all that is in them.
 */
#ifndef VV_TABLE_READ_SMALL_SCAN_H
#define VV_TABLE_READ_SMALL_SCAN_H

#include "table/read/scan_sql.h"

/* With fewer of them the engine reads all. */
#define VV_SMALL_SCAN_FILES_MIN 8
/* The engine reads one that is longer faster, for all that it takes to open it. */
#define VV_SMALL_SCAN_BYTES_MAX ((int64_t)192 << 10)

struct vv_small_column;
struct vv_small_files;

struct vv_small_scan {
    struct vv_small_files *files; /* lent to the engine; NULL: the engine reads all */
    size_t len;                   /* of those that it does not read */
    const char *function;         /* that gives their rows, and what it is called with */
    uint64_t id;
    const bool *is_small; /* by file; in the operation's arena */
    bool has_partitions;  /* it gives the partition columns of the source as well */
};

/* A file of so many bytes, with others, that costs the engine more to open than to read. */
bool vv_small_scan_is_candidate(const struct vv_file *file);
/*
 * The columns of a source that lie in the files, in their order; named c0, c1 .. by their index in
 * the schema. *out_len is 0 where there is none, or one of them is only for the engine.
 */
varve_status vv_small_scan_columns(struct vv_op *op, const struct vv_scan_source *source,
    struct vv_small_column **out, size_t *out_len);

/* The same of its partition columns, with their indexes. */
varve_status vv_small_scan_partitions(struct vv_op *op, const struct vv_scan_source *source,
    struct vv_small_column **out, int32_t **out_indexes, size_t *out_len);
/*
 * For the files of a source and its columns; source->small is not looked at, and may then be set
 * to `out`, also in sources with fewer columns. Looks into the files: one that can't be read, is
 * damaged or in a form of its own is the engine's, which says what is wrong with it; ECORRUPT where
 * the log has the SHA-256 of a file (VV_TAG_SHA256) and its bytes have another. What the
 * statements need is in the engine until the operation ends.
 */
varve_status vv_small_scan_open(struct vv_op *op, const struct vv_scan_source *source,
    struct vv_small_scan *out);
/*
 * The same for a statement that reads all of the source's columns of all rows, once or more: files
 * are looked into by up to so many threads, and decoded ahead of it as long as that takes little
 * memory (vv_small_files_add_ahead).
 */
varve_status vv_small_scan_open_ahead(struct vv_op *op, const struct vv_scan_source *source,
    size_t threads, struct vv_small_scan *out);
/* When no statement reads any more: gives memory back before the operation ends. */
void vv_small_scan_done(struct vv_small_scan *scan); /* accepts {0} */

#endif
