#include "engine/sql.h"
#include "table/input/batch_input.h"

/* The file's own words about partitions are its columns, never its path. */
static void select_sql(const struct vv_batch_input *input, struct vv_buf *sql)
{
    vv_buf_addf(sql,
        "CREATE OR REPLACE TEMP TABLE %.*s AS SELECT file_row_number + 1 AS "
        "\"" VV_INPUT_ROW_COLUMN "\", * EXCLUDE (file_row_number) FROM read_parquet(",
        VV_ARG(input->table));
    vv_sql_literal(sql, vv_str_of(input->source.engine_path));
    vv_buf_adds(sql, ", hive_partitioning = false, file_row_number = true)");
}

varve_status vv_input_load_parquet(struct vv_op *op, struct vv_work *work,
    struct vv_arena *arena, struct vv_batch_input *input)
{
    /* A small file may hold many rows: they go to a table. */
    work->is_small = false;
    work->has_tables = true;
    input->sql = input->table_sql;
    VV_CLEANUP(vv_buf_done) struct vv_buf sql = VV_BUF_INIT(VV_BUF_MAX);
    select_sql(input, &sql);
    if (!vv_buf_ok(&sql))
        return vv_fail_memory(op);
    varve_status status = vv_session_exec(op, work->session, vv_buf_str(&sql));
    if (status == VARVE_EINTERRUPTED || status == VARVE_ELIMIT)
        return status;
    if (status != VARVE_OK) {
        vv_recode(op, VARVE_EINVALID);
        return vv_note(op, "%.*s cannot be read as Parquet", VV_ARG(input->name));
    }
    return vv_input_columns(op, work, arena, input);
}
