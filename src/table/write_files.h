/*
 * The rows of one query, in one partition, as files of the target size: one, or several where one
 * would be much longer. So neither a file nor what is in memory of it grows with what is written at
 * once.
 */
#ifndef VV_TABLE_WRITE_FILES_H
#define VV_TABLE_WRITE_FILES_H

#include "table/write.h"

/* A single file may be that much longer than the target before its rows are split. */
#define VV_WRITE_LONGER_PERCENT 10
/* One that was written as one and is so many times as long is written again, in parts. */
#define VV_WRITE_TOO_LONG 2

struct vv_write_files {
    struct vv_file *items; /* in the arena of what was written */
    size_t len, capacity;
    int64_t bytes;
    int64_t rows; /* in all of them */
};

/* How many files so many bytes are to be, at least 1. */
int64_t vv_write_files_count(int64_t bytes, int64_t target_bytes);
/*
 * As vv_write_file, in the order of the query. `bytes`: about so many it will be; how long a row
 * is is looked at again with each file, so it may be wrong by any factor. A query without rows
 * leaves no file; one whose rows are not the same each time it runs does not belong here.
 */
varve_status vv_write_files(struct vv_op *op, struct vv_table *table,
    const struct vv_write_request *request, int64_t bytes, int64_t target_bytes,
    struct vv_written *written, struct vv_write_files *out);

#endif
