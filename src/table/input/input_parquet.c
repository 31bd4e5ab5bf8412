#include <string.h>

#include "engine/parquet_footer.h"
#include "engine/sql.h"
#include "table/input/batch_input.h"

static void conditions_sql(int64_t first, int64_t end, struct vv_buf *sql)
{
    const char *before = " WHERE ";
    if (first > 0) {
        vv_buf_addf(sql, "%sfile_row_number >= %" PRId64, before, first);
        before = " AND ";
    }
    if (end < INT64_MAX)
        vv_buf_addf(sql, "%sfile_row_number < %" PRId64, before, end);
}

/*
 * What stands for the rows from `first` up to `end`: the file itself, which is decoded once, on the
 * way into the batch. The file's own words about partitions are its columns, never its path.
 *
 * Nor are its words about values believed: TRY of a column is that column, of which the engine knows
 * nothing. Of the bounds and the number of NULLs in the footer it concludes that a rule is kept, and asks
 * no row; but a NaN is within no bounds, and whatever else is in a footer nobody has proven.
 */
static varve_status rows_sql(struct vv_op *op, struct vv_arena *arena,
    const struct vv_batch_input *input, int64_t first, int64_t end, struct vv_str *out)
{
    VV_CLEANUP(vv_buf_done) struct vv_buf sql = VV_BUF_INIT(VV_BUF_MAX);
    vv_buf_addf(&sql,
        "(SELECT file_row_number + 1 AS \"" VV_INPUT_ROW_COLUMN "\", * EXCLUDE "
        "(file_row_number%.*s%s)",
        VV_ARG(input->digits_names),
        input->digits_names.len == 0 || input->has_faults ? "" : ", " VV_INPUT_FAULTS_SQL);
    if (input->replaced_sql.len > 0)
        vv_buf_addf(&sql, " REPLACE (%.*s)", VV_ARG(input->replaced_sql));
    vv_buf_adds(&sql,
        " FROM (SELECT file_row_number, TRY(COLUMNS(* EXCLUDE (file_row_number))) "
        "FROM read_parquet(");
    vv_sql_literal(&sql, vv_str_of(input->source.engine_path));
    vv_buf_adds(&sql, ", hive_partitioning = false, file_row_number = true))");
    vv_buf_add(&sql, input->digits_sql);
    conditions_sql(first, end, &sql);
    vv_buf_addc(&sql, ')');
    *out = vv_arena_str(arena, vv_buf_str(&sql));
    return vv_buf_ok(&sql) && out->ptr != NULL ? VARVE_OK : vv_fail_memory(op);
}

varve_status vv_input_part_parquet(struct vv_op *op, const struct vv_batch_input *input,
    size_t part, size_t parts_len, struct vv_str *out)
{
    VV_PRE(input->format == VV_INPUT_PARQUET && part < parts_len);
    int64_t rows = input->rows / (int64_t)parts_len;
    int64_t first = rows * (int64_t)part;
    return rows_sql(op, &op->arena, input, first,
        part + 1 < parts_len ? first + rows : INT64_MAX, out);
}

/*
 * The engine calls the file by a name that nobody gave it, and shows a place in SQL that nobody wrote.
 */
static varve_status say_plainly(struct vv_op *op, const struct vv_batch_input *input)
{
    struct vv_str path = vv_str_of(input->source.engine_path);
    struct vv_str said = vv_arena_str(&op->arena, vv_str_of(op->error.message));
    varve_status status = op->error.code;
    const char *at = said.ptr != NULL ? memmem(said.ptr, said.len, path.ptr, path.len) : NULL;
    op->error.detail[0] = '\0';
    if (at == NULL)
        return status;
    size_t before = (size_t)(at - said.ptr);
    struct vv_str after = vv_str_skip(said, before + path.len);
    bool is_in_front = before == 0 && vv_str_starts(after, VV_STR(": "));
    vv_forgive(op);
    if (is_in_front) /* as it will be anyway */
        return vv_fail(op, status, "%.*s", VV_ARG(vv_str_skip(after, 2)));
    return vv_fail(op, status, "%.*s%.*s%.*s", VV_ARG(vv_str_first(said, before)),
        VV_ARG(input->name), VV_ARG(after));
}

varve_status vv_input_fail_parquet(struct vv_op *op, const struct vv_batch_input *input,
    varve_status status)
{
    if (status == VARVE_EINTERRUPTED || status == VARVE_ELIMIT ||
        (status == VARVE_EIO &&
            op->error.os_errno != 0)) /* the disk, not what is in the file */
        return status;
    if (!vv_source_is_same(&input->source)) {
        vv_forgive(op);
        return vv_input_check_same(op, input);
    }
    (void)say_plainly(op, input);
    vv_recode(op, VARVE_EINVALID);
    return vv_note(op, "%.*s cannot be read as Parquet", VV_ARG(input->name));
}

varve_status vv_input_check_same(struct vv_op *op, const struct vv_batch_input *input)
{
    if (vv_source_is_same(&input->source))
        return VARVE_OK;
    return vv_fail(op, VARVE_EINVALID,
        "%.*s was written to while it was read; nothing was taken from it: try again when it "
        "is "
        "whole",
        VV_ARG(input->name));
}

/* What its footer says of its rows; where they are many, of their texts as well. */
static varve_status footer_read(struct vv_op *op, struct vv_session *session,
    struct vv_batch_input *input)
{
    VV_CLEANUP(vv_buf_done) struct vv_buf sql = VV_BUF_INIT(VV_BUF_MAX);
    VV_CLEANUP(vv_rows_close) struct vv_rows *rows = NULL;
    bool has_row = false;
    vv_buf_adds(&sql, "SELECT num_rows FROM parquet_file_metadata(");
    vv_sql_literal(&sql, vv_str_of(input->source.engine_path));
    vv_buf_addc(&sql, ')');
    if (!vv_buf_ok(&sql))
        return vv_fail_memory(op);
    VV_TRY(vv_session_query(op, session, vv_buf_str(&sql), &rows));
    VV_TRY(vv_rows_next(op, rows, &has_row));
    input->rows = has_row ? vv_rows_int64(rows, 0) : 0;
    if (input->rows <= VV_WORK_ROWS_MAX)
        return VARVE_OK;
    vv_buf_clear(&sql);
    vv_buf_adds(&sql, "SELECT coalesce(sum(total_uncompressed_size), 0)::BIGINT FROM "
                      "parquet_metadata(");
    vv_sql_literal(&sql, vv_str_of(input->source.engine_path));
    vv_buf_adds(&sql, ") WHERE type = 'BYTE_ARRAY'");
    return vv_buf_ok(&sql)
               ? vv_session_int64(op, session, vv_buf_str(&sql), &input->texts_bytes)
               : vv_fail_memory(op);
}

/* ECORRUPT: it does not begin or end like Parquet; one that is encrypted has a letter of its own. */
static varve_status check_ends(struct vv_op *op, const struct vv_batch_input *input)
{
    char head[8], tail[4];
    size_t head_len = 0, tail_len = 0;
    int64_t bytes = input->source.bytes;
    if (bytes == 0)
        return vv_fail(op, VARVE_ECORRUPT, "it is empty");
    VV_TRY(vv_source_read(op, &input->source, 0, head, sizeof(head), &head_len));
    VV_TRY(vv_source_read(op, &input->source, bytes > 4 ? bytes - 4 : 0, tail, sizeof(tail),
        &tail_len));
    const struct vv_str begin = {head, head_len};
    const struct vv_str end = {tail, tail_len};
    const char *format = vv_input_typed_by_head(begin);
    if (!vv_str_starts(begin, VV_STR("PAR1")) && !vv_str_starts(begin, VV_STR("PARE")))
        return vv_fail(op, VARVE_ECORRUPT, "it %s%s",
            format != NULL ? "is " : "does not begin with PAR1, as all Parquet does",
            format != NULL ? format : "");
    if (!vv_str_eq(end, VV_STR("PAR1")) && !vv_str_eq(end, VV_STR("PARE")))
        return vv_fail(op, VARVE_ECORRUPT,
            "it does not end with PAR1: it was not written to its end, or cut");
    return VARVE_OK;
}

/* Of a file that only the engine can look into nobody knows what its times lose, nor its decimals. */
static varve_status check_unseen(struct vv_op *op, struct vv_session *session,
    const struct vv_batch_input *input)
{
    VV_CLEANUP(vv_buf_done) struct vv_buf sql = VV_BUF_INIT(VV_BUF_MAX);
    const struct vv_str time = VV_STR("TIMESTAMP");
    int64_t wide = 0;
    vv_buf_adds(&sql, "SELECT count(*) FROM parquet_schema(");
    vv_sql_literal(&sql, vv_str_of(input->source.engine_path));
    vv_buf_addf(&sql, ") WHERE precision > %d", VV_PQ_DIGITS_MAX);
    if (!vv_buf_ok(&sql))
        return vv_fail_memory(op);
    VV_TRY(vv_session_int64(op, session, vv_buf_str(&sql), &wide));
    if (wide > 0)
        return vv_fail(op, VARVE_EUNSUPPORTED,
            "it has a decimal of more than %d digits, which no table has", VV_PQ_DIGITS_MAX);
    for (size_t i = 0; i < input->columns_len && !input->truncates_time; i++)
        if (memmem(input->types[i].ptr, input->types[i].len, time.ptr, time.len) != NULL)
            return vv_fail(op, VARVE_EINVALID,
                "column %.*s may have digits below a microsecond: have them cut "
                "(--truncate-time)",
                VV_ARG(input->columns[i]));
    return VARVE_OK;
}

varve_status vv_input_load_parquet(struct vv_op *op, struct vv_work *work,
    struct vv_arena *arena, struct vv_batch_input *input)
{
    bool is_known = false;
    /* A small file may hold many rows: they go to a table. */
    work->is_small = false;
    work->has_tables = true;
    varve_status status = check_ends(op, input);
    if (status == VARVE_OK)
        status = vv_input_look_parquet(op, arena, input, &is_known);
    bool has_faults = input->has_faults;
    input->has_faults = false; /* columns are those of the file alone */
    if (status == VARVE_OK)
        status = rows_sql(op, arena, input, 0, INT64_MAX, &input->sql);
    if (status == VARVE_OK)
        status = vv_input_columns(op, work, arena, input);
    if (status == VARVE_OK)
        status = footer_read(op, work->session, input);
    if (status == VARVE_OK && !is_known)
        status = check_unseen(op, work->session, input);
    if (status == VARVE_EINVALID ||
        status == VARVE_EUNSUPPORTED) /* of a file that can be read */
        return vv_note(op, "%.*s", VV_ARG(input->name));
    if (status != VARVE_OK)
        return vv_input_fail_parquet(op, input, status);
    input->has_faults = has_faults;
    return has_faults ? rows_sql(op, arena, input, 0, INT64_MAX, &input->sql) : VARVE_OK;
}
