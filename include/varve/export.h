/*
 * Rows out in formats of others. Conventions: varve.h, which includes this.
 */
#ifndef VARVE_EXPORT_H
#define VARVE_EXPORT_H

#include <stddef.h>
#include <stdint.h>

#include "varve/arrow.h"
#include "varve/status.h"

#ifdef __cplusplus
extern "C" {
#endif

struct varve_lake;

/*
 * Writes the rows of a stream, which is taken over, as one Parquet file; one that is there is
 * overwritten. *out_rows (may be NULL): how many.
 */
VARVE_API VARVE_MUST_CHECK varve_status varve_lake_export_parquet(struct varve_lake *lake,
    struct ArrowArrayStream *stream, const char *path, int64_t *out_rows, varve_error *err);

/* Takes all `len` bytes; non-zero, an errno, ends the export. */
typedef int (*varve_write_fn)(void *data, const void *bytes, size_t len);

/*
 * Writes the rows of a stream, which is taken over, as Arrow IPC: a stream, or (`as_file` 1) a
 * file. *out_rows (may be NULL): how many. EUNSUPPORTED: a column of a type without a place there.
 */
VARVE_API VARVE_MUST_CHECK varve_status varve_lake_export_arrow(struct varve_lake *lake,
    struct ArrowArrayStream *stream, int32_t as_file, varve_write_fn write, void *write_data,
    int64_t *out_rows, varve_error *err);

#ifdef __cplusplus
}
#endif

#endif
