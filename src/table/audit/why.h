/*
 * Why a data file is there: the commit that brought it, and whence its rows came.
 */
#ifndef VV_TABLE_AUDIT_WHY_H
#define VV_TABLE_AUDIT_WHY_H

#include "table/table.h"
#include "varve/arrow.h"

/*
 * `file`: as the log or `files` names it, or the end of that. Rows: depth (0: the file itself; the
 * files that its rows were taken from have one more than the file they went to), file, version,
 * timestamp, userName, operation, userMetadata, bytes, is_compaction, removed_version (NULL: it is
 * in the table; of a source the version that took its rows on). Files that a compaction read are followed further, those that a change rewrote
 * are not. NOT_FOUND: no commit that is there names such a file; EUSAGE: several do.
 */
varve_status vv_why(struct vv_op *op, struct vv_table *table, struct vv_str file,
    struct ArrowArrayStream *out);

#endif
