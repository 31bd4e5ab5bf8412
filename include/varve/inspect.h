/*
 * Looking into a table: how it lies in storage. Conventions: varve.h.
 */
#ifndef VARVE_INSPECT_H
#define VARVE_INSPECT_H

#include "varve/varve.h"

#ifdef __cplusplus
extern "C" {
#endif

/*
 * The data files at a version, time or tag (`at` NULL: the latest): path, partition, bytes, rows and deleted (of
 * them, by a deletion vector), min, max (of the key; JSON texts), added_version, modified. NULL: unknown.
 */
VARVE_API VARVE_MUST_CHECK varve_status varve_table_files(varve_table *table, const char *at,
    struct ArrowArrayStream *out, varve_error *err);

/*
 * The rows that the versions from `from` to `to`, both included, brought, took and replaced: the
 * table's columns (of `to`), then _change_type (insert, delete, update_preimage,
 * update_postimage), _commit_version, _commit_timestamp; in order of version. `from` and `to` are
 * versions, times or tags; `to` NULL: the latest, or what was known (varve_lake_known_at). By the
 * table's change feed where it was on, else by what each commit removed and added, rows that stayed
 * the same left out. EUSAGE: an empty range; ENOTFOUND: no such version or tag, or its commit is gone.
 */
VARVE_API VARVE_MUST_CHECK varve_status varve_table_changes(varve_table *table,
    const char *from, const char *to, struct ArrowArrayStream *out, varve_error *err);

/*
 * The rows of varve_table_history up to a version, a time or a tag (`at`; NULL: the latest); what
 * is damaged behind it does no harm. ECORRUPT: a commit that is asked for is damaged.
 */
VARVE_API VARVE_MUST_CHECK varve_status varve_table_history_at(varve_table *table,
    const char *at, int64_t limit, struct ArrowArrayStream *out, varve_error *err);

/*
 * Every version at which the row with a key changed: version, timestamp, userName, operation,
 * userMetadata, change (insert, update, delete), before, after: JSON objects, of an update the
 * columns that changed; in order of version. `conditions`: "column=value", one for each column of
 * the key. Compaction is no change. A version whose files are gone is left out, which the log
 * (varve_lake_options.on_log) tells. EUSAGE: a condition that is none, or one is missing.
 */
VARVE_API VARVE_MUST_CHECK varve_status varve_table_trace(varve_table *table,
    const char *const *conditions, size_t conditions_len, struct ArrowArrayStream *out,
    varve_error *err);
/*
 * The same up to a version, a time or a tag (`at`; NULL: the latest), with the columns of that
 * version; what is damaged behind it does no harm.
 */
VARVE_API VARVE_MUST_CHECK varve_status varve_table_trace_at(varve_table *table, const char *at,
    const char *const *conditions, size_t conditions_len, struct ArrowArrayStream *out,
    varve_error *err);

/*
 * The commit that brought a data file, and whence its rows came: depth (0: the file itself), file,
 * version, timestamp, userName, operation, userMetadata, bytes, is_compaction, removed_version.
 * `file`: its path in the table's folder, or the end of it. What a compaction read is followed
 * further. ENOTFOUND: no commit that is there names it; EUSAGE: several files are meant.
 */
VARVE_API VARVE_MUST_CHECK varve_status varve_table_why(varve_table *table, const char *file,
    struct ArrowArrayStream *out, varve_error *err);

#ifdef __cplusplus
}
#endif

#endif
