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
 * The data files at a version or time (`at` NULL: the latest): path, partition, min, max (of the key; JSON texts), bytes, rows and deleted (of
 * them, by a deletion vector), added_version, modified. NULL: unknown.
 */
VARVE_API VARVE_MUST_CHECK varve_status varve_table_files(varve_table *table, const char *at,
    struct ArrowArrayStream *out, varve_error *err);

#ifdef __cplusplus
}
#endif

#endif
