#include "engine/parquet.h"
#include "engine/sql.h"

#define ROWS_TABLE "export rows"
/* In front of the stream's columns in the table; a name that no column of a stream has. */
#define ROW_COLUMN "export row number"

varve_status vv_parquet_export(struct vv_op *op, struct vv_session *session,
    struct ArrowArrayStream *stream, struct vv_str path, int64_t *out_rows)
{
    struct vv_parquet_written written;
    const struct vv_load_target target = {
        .table = VV_STR(ROWS_TABLE), .row_column = VV_STR(ROW_COLUMN)};
    VV_TRY(vv_session_load_arrow(op, session, stream, &target, NULL));
    struct vv_parquet_write write = {
        .select_sql = VV_STR("SELECT * EXCLUDE (\"" ROW_COLUMN "\") FROM \"" ROWS_TABLE
                             "\" ORDER BY \"" ROW_COLUMN "\""),
        .path = path};
    VV_TRY(vv_parquet_write(op, session, &write, &op->arena, &written));
    if (out_rows != NULL)
        *out_rows = written.rows;
    return VARVE_OK;
}
