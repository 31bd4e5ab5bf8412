/*
 * The quarantine of a table: rows that upserts with `quarantine` set aside since they break a
 * rule of the table, each with its text and its reasons. Conventions: varve.h.
 */
#ifndef VARVE_QUARANTINE_H
#define VARVE_QUARANTINE_H

#include "varve/varve.h"

#ifdef __cplusplus
extern "C" {
#endif

/*
 * The batches in quarantine, oldest first: id, arrival (timestamp), rows, source, app_id,
 * app_version, user_name, reason (of the first row). Of a batch whose file can't be read, id and reason
 * alone, which is what is wrong with it; *out_damaged (may be NULL): how many these are. One that
 * another process takes meanwhile is no row.
 */
VARVE_API VARVE_MUST_CHECK varve_status varve_table_quarantine_list(varve_table *table,
    struct ArrowArrayStream *out, int64_t *out_damaged, varve_error *err);
/*
 * The same of all tables of the lake, by their names, with a column "table" before the others. Of a
 * table that can't be opened, table and reason alone; it counts as damaged.
 */
VARVE_API VARVE_MUST_CHECK varve_status varve_lake_quarantine_list(varve_lake *lake,
    struct ArrowArrayStream *out, int64_t *out_damaged, varve_error *err);

/*
 * The rows of a batch (`id` NULL: of all): id, arrival, row, line, source, column, value, rule (of
 * the rule that weighs most), rules (how many are broken), values (JSON). ENOTFOUND: no such id.
 */
VARVE_API VARVE_MUST_CHECK varve_status varve_table_quarantine_show(varve_table *table,
    const char *id, struct ArrowArrayStream *out, varve_error *err);

typedef struct varve_release_options {
    uint32_t size;
    /* 1: nothing changes; the result is what it would have been, each batch by itself. */
    int32_t dry_run;
} varve_release_options;
#define VARVE_RELEASE_OPTIONS_INIT       \
    {                                    \
        sizeof(varve_release_options), 0 \
    }

typedef struct varve_release_result {
    varve_upsert_result upsert; /* of all batches, added up; `rejected` rows stay */
    int64_t batches;            /* that are gone */
    int64_t damaged;            /* that can't be read, and stay */
} varve_release_result;

/*
 * Upserts the rows of these batches (none: of all), a commit each, whose operationParameters have the
 * id as `quarantine`. A row without an order value of its own gets the time of its arrival, so that
 * what was corrected since stays. Rows that still break a rule stay in quarantine. ECORRUPT: one that
 * is named is damaged; of all, those that can't be read hold up no other, and on_log is told which.
 */
VARVE_API VARVE_MUST_CHECK varve_status varve_table_quarantine_release(varve_table *table,
    const char *const *ids, size_t ids_len, const varve_release_options *options,
    varve_release_result *out, varve_error *err);

/*
 * Removes these batches (none: all) for good, damaged ones too. *out_rows (may be NULL): rows that are
 * gone, those of damaged batches not counted.
 */
VARVE_API VARVE_MUST_CHECK varve_status varve_table_quarantine_drop(varve_table *table,
    const char *const *ids, size_t ids_len, int64_t *out_rows, varve_error *err);

#ifdef __cplusplus
}
#endif

#endif
