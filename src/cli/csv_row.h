/*
 * A record of CSV as a row of NDJSON: the names of the header, the values as texts, which a table
 * converts as it does those of a CSV file. Unquoted and empty is null.
 */
#ifndef VV_CLI_CSV_ROW_H
#define VV_CLI_CSV_ROW_H

#include "cli/text.h"

struct vv_csv_names {
    struct vv_text *names; /* as JSON strings; NULL: no header yet */
    size_t len;
};

void vv_csv_names_done(struct vv_csv_names *names);
/* The header. EINVALID: it is none. */
varve_status vv_csv_names_read(struct vv_csv_names *names, const char *record, size_t len,
    varve_error *err);
bool vv_csv_names_has(const struct vv_csv_names *names, const char *name);
/* Appends a header that vv_csv_names_read takes without its column `except` (NULL: none). */
void vv_csv_header_write(const char *record, size_t len, const char *except,
    struct vv_text *out);
/* Appends the row to `out`. EINVALID: another number of fields, or a field that is none. */
varve_status vv_csv_row_write(const struct vv_csv_names *names, const char *record, size_t len,
    struct vv_text *out, varve_error *err);

#endif
