/*
 * A partition that is to be derived of a timestamp from now on (varve.partitionFrom). Of a file of
 * Varve's own that is believed at once (read/candidates.h), so it has to be true of those that are
 * there: they may have been written when the table had no such rule, or another, and hold rows
 * under any date. Files of other software are believed by their statistics alone, then as before.
 */
#ifndef VV_TABLE_ALTER_DATES_H
#define VV_TABLE_ALTER_DATES_H

#include "table/table.h"

/*
 * Looks at what these rules derive and those of the newest snapshot do not. EINVALID: rows in files
 * of Varve's lie under another date. Reads only files whose statistics leave that open.
 * *out_depends: something is derived anew, so that what others write meanwhile matters.
 */
varve_status vv_dates_check(struct vv_op *op, const struct vv_table *table,
    const struct vv_rules *rules, bool *out_depends);

/*
 * Rows of the snapshot that lie under another date than the pair says, in files that are believed
 * by it: none, unless the rule came without vv_dates_check. `lines`: some of them.
 */
varve_status vv_dates_count(struct vv_op *op, const struct vv_log_handle *log,
    const struct vv_snapshot *snapshot, const struct vv_partition_from *pair,
    struct vv_buf *lines, int64_t *out);

#endif
