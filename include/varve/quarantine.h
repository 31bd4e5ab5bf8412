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
 * app_version, user_name, reason (of the first row). Of a batch whose file is damaged, id and reason
 * alone, which is what is wrong with it; *out_damaged (may be NULL): how many these are.
 */
VARVE_API VARVE_MUST_CHECK varve_status varve_table_quarantine_list(varve_table *table,
    struct ArrowArrayStream *out, int64_t *out_damaged, varve_error *err);

/*
 * The rows of a batch (`id` NULL: of all): id, arrival, row, line, source, column, value, rule (of
 * the rule that weighs most), rules (how many are broken), values (JSON). ENOTFOUND: no such id.
 */
VARVE_API VARVE_MUST_CHECK varve_status varve_table_quarantine_show(varve_table *table,
    const char *id, struct ArrowArrayStream *out, varve_error *err);

/*
 * Upserts the rows of these batches (none: of all), a commit each. A row without an order value of
 * its own gets the time of its arrival, so that what was corrected since stays. Rows that still
 * break a rule stay in quarantine: `rejected` in *out, which adds up all batches. *out_batches
 * (may be NULL): batches that are gone.
 */
VARVE_API VARVE_MUST_CHECK varve_status varve_table_quarantine_release(varve_table *table,
    const char *const *ids, size_t ids_len, varve_upsert_result *out, int64_t *out_batches,
    varve_error *err);

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
