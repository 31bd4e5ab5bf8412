/*
 * Ways to change a table beside the upsert. Conventions: varve.h.
 */
#ifndef VARVE_DML_H
#define VARVE_DML_H

#include "varve/varve.h"

#ifdef __cplusplus
extern "C" {
#endif

/*
 * Adds all good rows as new ones, as one commit, and reads nothing: a key may come to be there
 * twice. The table needs none. Options and result as of an upsert, `inserted` counts.
 */
VARVE_API VARVE_MUST_CHECK varve_status varve_table_append(varve_table *table,
    const varve_input *inputs, size_t inputs_len, const varve_upsert_options *options,
    varve_upsert_result *out, varve_error *err);

#ifdef __cplusplus
}
#endif

#endif
