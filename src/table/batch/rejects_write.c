/*
 * Rejected rows as text, to be kept: what the input had in them, and every rule that they break.
 */
#include "base/json_write.h"
#include "engine/sql.h"
#include "table/batch/rejects.h"

#define WHICH "IN (SELECT _row FROM temp." VV_REJECTS_TABLE ")"

/* The rejected rows of one input, side by side: texts, reasons, lines. */
struct rejected {
    const struct vv_plan *plan;
    struct vv_rows *texts;
    struct vv_rows *reasons; /* stands before the first reason of the next row */
    bool has_reason;
    int64_t *lines;
    size_t next; /* in `lines` */
};

static void rejected_done(struct rejected *rejected)
{
    vv_rows_close(&rejected->texts);
    vv_rows_close(&rejected->reasons);
}

static varve_status find_lines(struct vv_op *op, struct vv_session *session, size_t input,
    struct rejected *rejected)
{
    VV_CLEANUP(vv_rows_close) struct vv_rows *rows = NULL;
    void *numbers = NULL;
    size_t len = 0;
    size_t capacity = 0;
    struct vv_str sql = vv_arena_format(&op->arena,
        "SELECT DISTINCT _input_row FROM temp." VV_REJECTS_TABLE
        " WHERE _input = %zu ORDER BY 1",
        input);
    if (sql.ptr == NULL)
        return vv_fail_memory(op);
    VV_TRY(vv_session_query(op, session, sql, &rows));
    for (bool has_row = true;;) {
        VV_TRY(vv_rows_next(op, rows, &has_row));
        if (!has_row)
            break;
        if (!vv_arena_grow(&op->arena, &numbers, len, &capacity, sizeof(int64_t),
                _Alignof(int64_t)))
            return vv_fail_memory(op);
        ((int64_t *)numbers)[len++] = vv_rows_int64(rows, 0);
    }
    VV_NEW(op, &rejected->lines, int64_t, len + 1);
    return vv_input_lines(op, rejected->plan->input, numbers, len, rejected->lines);
}

static varve_status rejected_open(struct vv_op *op, struct vv_session *session, size_t input,
    struct rejected *rejected)
{
    VV_CLEANUP(vv_buf_done) struct vv_buf sql = VV_BUF_INIT(VV_BUF_MAX);
    VV_TRY(find_lines(op, session, input, rejected));
    vv_plan_texts_sql(rejected->plan, VV_STR(WHICH), &sql);
    if (!vv_buf_ok(&sql))
        return vv_fail_memory(op);
    VV_TRY(vv_session_query(op, session, vv_buf_str(&sql), &rejected->texts));
    vv_buf_clear(&sql);
    vv_buf_addf(&sql,
        "SELECT _row, \"column\", \"value\", rule FROM temp." VV_REJECTS_TABLE
        " WHERE _input = %zu ORDER BY _row, _breach",
        input);
    if (!vv_buf_ok(&sql))
        return vv_fail_memory(op);
    VV_TRY(vv_session_query(op, session, vv_buf_str(&sql), &rejected->reasons));
    return vv_rows_next(op, rejected->reasons, &rejected->has_reason);
}

/* What the input has, by the table's names; a member that the table lacks is there too. */
static void add_values(const struct rejected *rejected, struct vv_json_writer *line)
{
    const struct vv_plan *plan = rejected->plan;
    uint32_t at = 1;
    vv_jw_key(line, "values");
    vv_jw_object(line);
    for (size_t i = 0; i < plan->schema->fields_len; i++) {
        if (!vv_plan_has_text(plan, i))
            continue;
        const struct vv_field *field = &plan->schema->fields[i];
        struct vv_str text = vv_rows_text(rejected->texts, at);
        if (!vv_rows_is_null(rejected->texts, at++)) {
            vv_jw_key_str(line, field->name);
            if (vv_type_is_nested(&field->type) && plan->input->format != VV_INPUT_CSV)
                vv_jw_raw(line, text);
            else
                vv_jw_string(line, text);
        }
    }
    if (plan->input->has_faults && !vv_rows_is_null(rejected->texts, at) &&
        vv_schema_find(plan->schema, vv_rows_text(rejected->texts, at)) < 0) {
        vv_jw_key_str(line, vv_rows_text(rejected->texts, at));
        vv_jw_string(line, vv_rows_text(rejected->texts, at + 1));
    }
    vv_jw_end(line);
}

static varve_status add_reasons(struct vv_op *op, struct rejected *rejected, int64_t row,
    struct vv_json_writer *line)
{
    static const char *const names[] = {"column", "value", "rule"};
    vv_jw_key(line, "reasons");
    vv_jw_array(line);
    while (rejected->has_reason && vv_rows_int64(rejected->reasons, 0) == row) {
        vv_jw_object(line);
        for (uint32_t i = 0; i < VV_COUNT(names); i++)
            vv_jw_key_string(line, names[i], vv_rows_text(rejected->reasons, i + 1));
        vv_jw_end(line);
        VV_TRY(vv_rows_next(op, rejected->reasons, &rejected->has_reason));
    }
    vv_jw_end(line);
    return VARVE_OK;
}

varve_status vv_rejects_write(struct vv_op *op, struct vv_session *session,
    const struct vv_plan *plans, size_t plans_len, struct vv_buf *out)
{
    for (size_t input = 0; input < plans_len; input++) {
        VV_CLEANUP(rejected_done) struct rejected rejected = {.plan = &plans[input]};
        VV_TRY(rejected_open(op, session, input, &rejected));
        for (bool has_row = true;;) {
            struct vv_json_writer line = VV_JSON_WRITER_INIT(out);
            VV_TRY(vv_rows_next(op, rejected.texts, &has_row));
            if (!has_row)
                break;
            int64_t row = vv_rows_int64(rejected.texts, 0);
            vv_jw_object(&line);
            vv_jw_key_int(&line, "row", row);
            int64_t number = rejected.lines[rejected.next++];
            if (number > 0)
                vv_jw_key_int(&line, "line", number);
            vv_jw_key_string(&line, "source", plans[input].input->name);
            add_values(&rejected, &line);
            VV_TRY(add_reasons(op, &rejected, row, &line));
            vv_jw_end(&line);
            vv_buf_addc(out, '\n');
        }
    }
    return vv_buf_ok(out) ? VARVE_OK : vv_fail_memory(op);
}
