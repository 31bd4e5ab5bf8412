/*
 * What a read comes to before it is done: which files of which version of which table, and how
 * the engine goes about it. Conventions: varve.h.
 */
#ifndef VARVE_EXPLAIN_H
#define VARVE_EXPLAIN_H

#include "varve/varve.h"

#ifdef __cplusplus
extern "C" {
#endif

/*
 * Of the last statement of some SQL. A row for each place that reads a table: table, alias
 * (NULL: none), version, files (in that version), pruned_by_partition, pruned_by_statistics (files
 * that can't matter to the answer, by what is known of them without reading them), files_read
 * (the rest), bytes, bytes_read. *out_plan (may be NULL): the engine's own plan, for people. No statement runs,
 * unless the last one is EXPLAIN ANALYZE. Codes as varve_lake_query.
 */
VARVE_API VARVE_MUST_CHECK varve_status varve_lake_explain(varve_lake *lake, const char *sql,
    const varve_query_options *options, struct ArrowArrayStream *out, char **out_plan,
    varve_error *err);

/* Of a scan: one row. Codes as varve_table_scan. */
VARVE_API VARVE_MUST_CHECK varve_status varve_table_explain_scan(varve_table *table,
    const varve_scan_options *options, struct ArrowArrayStream *out, char **out_plan,
    varve_error *err);

#ifdef __cplusplus
}
#endif

#endif
