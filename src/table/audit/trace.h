/*
 * Trace: every version at which the row with a key changed, before and after, who, when, why.
 *
 * It is the changes of all versions that are there (table/audit/changes.h), of one row: a commit's files
 * are read only where their statistics let them hold the key, and a compaction is no change. A
 * version whose files are gone is passed over, with a warning in the log.
 */
#ifndef VV_TABLE_AUDIT_TRACE_H
#define VV_TABLE_AUDIT_TRACE_H

#include "table/table.h"
#include "varve/arrow.h"

/*
 * `conditions`: "column=value", each column of the key once; of a table without a key at least one
 * column. Rows: version, timestamp, userName, operation, userMetadata, change (insert, update,
 * delete), before, after: JSON objects with the values that a scan has (table/json_sql.h), of an
 * update those columns that changed; in order of version. `at` (vv_table_at): the last version that
 * counts, whose columns they are; what is damaged behind it does no harm. EUSAGE: a condition that is
 * none. ECORRUPT: a commit is damaged.
 */
varve_status vv_trace(struct vv_op *op, struct vv_table *table, struct vv_str at,
    const struct vv_str *conditions, size_t conditions_len, struct ArrowArrayStream *out);

#endif
