#include "table/batch/rejects.h"

#include <string.h>

#include "base/number.h"
#include "engine/sql.h"

#define SHOWN_CHARACTERS_MAX 80
#define REST_BYTES_MAX 64 /* "and 44 more" */

static varve_status exec(struct vv_op *op, struct vv_session *session, const struct vv_buf *sql)
{
    return vv_buf_ok(sql) ? vv_session_exec(op, session, vv_buf_str(sql)) : vv_fail_memory(op);
}

static varve_status first_bad_rows(struct vv_op *op, const struct vv_work *work,
    int64_t rows[VV_BATCH_REJECTS_MAX], size_t *out_len)
{
    VV_CLEANUP(vv_buf_done) struct vv_buf sql = VV_BUF_INIT(1 << 16);
    VV_CLEANUP(vv_rows_close) struct vv_rows *found = NULL;
    vv_buf_addf(&sql, "SELECT _row FROM %.*s WHERE _bad ORDER BY _row LIMIT %d",
        VV_ARG(work->batch.sql), VV_BATCH_REJECTS_MAX);
    if (!vv_buf_ok(&sql))
        return vv_fail_memory(op);
    VV_TRY(vv_session_query(op, work->session, vv_buf_str(&sql), &found));
    for (size_t len = 0;; len++) {
        bool has_row = false;
        VV_TRY(vv_rows_next(op, found, &has_row));
        *out_len = len;
        if (!has_row || len == VV_BATCH_REJECTS_MAX)
            return VARVE_OK;
        rows[len] = vv_rows_int64(found, 0);
    }
}

static varve_status table_create(struct vv_op *op, struct vv_session *session)
{
    return vv_session_exec(op, session,
        VV_STR("CREATE OR REPLACE TEMP TABLE " VV_REJECTS_TABLE
               " (_row BIGINT, _input BIGINT, _input_row BIGINT, _breach BIGINT, "
               "\"column\" VARCHAR, \"value\" VARCHAR, rule VARCHAR)"));
}

static varve_status insert(struct vv_op *op, struct vv_session *session,
    const struct vv_plan *plan, size_t input, struct vv_str which)
{
    VV_CLEANUP(vv_buf_done) struct vv_buf sql = VV_BUF_INIT(VV_BUF_MAX);
    vv_buf_addf(&sql,
        "INSERT INTO temp." VV_REJECTS_TABLE " SELECT _row, %zu, _row - %" PRId64
        ", _breach, \"column\", \"value\", rule FROM (",
        input, plan->rows_before);
    vv_plan_breaches_sql(plan, which, &sql);
    vv_buf_addc(&sql, ')');
    return exec(op, session, &sql);
}

/*
 * That a line which is no row has no key, either, is no news, nor that a value at fault is NULL for all others.
 * Of an input with faults they come first.
 */
static varve_status lines_alone(struct vv_op *op, struct vv_session *session, size_t input)
{
    VV_CLEANUP(vv_buf_done) struct vv_buf sql = VV_BUF_INIT(1 << 10);
    vv_buf_addf(&sql,
        "DELETE FROM temp." VV_REJECTS_TABLE " WHERE _input = %zu AND _breach > 0 AND (_row IN "
        "(SELECT _row FROM temp." VV_REJECTS_TABLE
        " WHERE _input = %zu AND _breach = 0 AND \"column\" = '" VV_NDJSON_LINE_TEXT "') OR "
        "(\"value\" IS NULL AND (_row, lower(\"column\")) IN (SELECT (_row, lower(\"column\")) "
        "FROM temp." VV_REJECTS_TABLE " WHERE _input = %zu AND _breach = 0)))",
        input, input, input);
    return exec(op, session, &sql);
}

varve_status vv_rejects_make(struct vv_op *op, const struct vv_work *work,
    const struct vv_plan *plans, size_t plans_len, bool all)
{
    int64_t rows[VV_BATCH_REJECTS_MAX];
    size_t rows_len = 0;
    VV_TRY(table_create(op, work->session));
    if (!all)
        VV_TRY(first_bad_rows(op, work, rows, &rows_len));
    for (size_t input = 0, at = 0; input < plans_len; input++) {
        VV_CLEANUP(vv_buf_done) struct vv_buf which = VV_BUF_INIT(1 << 16);
        bool is_last = input + 1 == plans_len;
        if (all)
            vv_buf_addf(&which, "IN (SELECT _row FROM %.*s WHERE _bad",
                VV_ARG(work->batch.sql));
        for (const char *before = "IN ("; at < rows_len; at++, before = ", ") {
            if (!is_last && rows[at] > plans[input + 1].rows_before)
                break;
            vv_buf_addf(&which, "%s%" PRId64, before, rows[at]);
        }
        if (which.len == 0)
            continue;
        vv_buf_addc(&which, ')');
        if (!vv_buf_ok(&which))
            return vv_fail_memory(op);
        VV_TRY(insert(op, work->session, &plans[input], input, vv_buf_str(&which)));
        if (plans[input].input->has_faults)
            VV_TRY(lines_alone(op, work->session, input));
    }
    return VARVE_OK;
}

/* A line of the list. */
struct reject {
    int64_t row, input_row, line;
    size_t input;
    enum vv_breach_kind kind;
    bool many_columns;
    bool is_line; /* that is no row: it has no value of a column */
    struct vv_str column, value, rule;
};

static size_t character_bytes(unsigned char first)
{
    if (first < 0x80)
        return 1;
    return first < 0xE0 ? 2 : first < 0xF0 ? 3 : 4;
}

/* Cut, and with control characters as escapes: the text comes from anyone and goes to terminals. */
static void add_shown(struct vv_buf *out, struct vv_str text)
{
    size_t at = 0;
    for (int shown = 0; at < text.len && shown < SHOWN_CHARACTERS_MAX; shown++) {
        unsigned char byte = (unsigned char)text.ptr[at];
        size_t bytes = character_bytes(byte);
        bool is_c1 =
            byte == 0xC2 && at + 1 < text.len && (unsigned char)text.ptr[at + 1] < 0xA0;
        if (byte == '\n')
            vv_buf_adds(out, "\\n");
        else if (byte == '\t')
            vv_buf_adds(out, "\\t");
        else if (byte == '\r')
            vv_buf_adds(out, "\\r");
        else if (byte < 0x20 || byte == 0x7F || is_c1)
            vv_buf_addf(out, "\\x%02X", is_c1 ? (unsigned char)text.ptr[at + 1] : byte);
        else
            vv_buf_add(out, vv_str_first(vv_str_skip(text, at), bytes));
        at += bytes;
    }
    if (at < text.len)
        vv_buf_adds(out, "...");
}

static void add_value(struct vv_buf *out, const struct reject *reject)
{
    bool quoted = reject->kind == VV_BREACH_TYPE || reject->value.len == 0;
    if (reject->value.ptr == NULL) {
        vv_buf_adds(out, "NULL");
        return;
    }
    vv_buf_adds(out, quoted ? "'" : "");
    add_shown(out, reject->value);
    vv_buf_adds(out, quoted ? "'" : "");
}

/* "row 17 (line 18): confidence = 1.5 breaks confidence_range (...)" */
static void add_line(struct vv_buf *out, const struct reject *reject, struct vv_str input)
{
    vv_buf_addf(out, "row %" PRId64, reject->row);
    if (input.len > 0 || reject->line > 0)
        vv_buf_adds(out, " (");
    add_shown(out, input);
    if (reject->line > 0)
        vv_buf_addf(out, "%sline %" PRId64, input.len > 0 ? " " : "", reject->line);
    else if (input.len > 0)
        vv_buf_addf(out, " row %" PRId64, reject->input_row);
    vv_buf_adds(out, input.len > 0 || reject->line > 0 ? "): " : ": ");
    if (reject->is_line) {
        vv_buf_add(out, reject->rule);
        vv_buf_adds(out, ": ");
        add_shown(out, reject->value);
        return;
    }
    if (reject->many_columns) {
        /* The value names its columns. */
        struct vv_str rest = reject->value;
        add_shown(out, rest);
    } else {
        add_shown(out, reject->column);
        if (reject->kind != VV_BREACH_NULL) {
            vv_buf_adds(out, " = ");
            add_value(out, reject);
        }
    }
    vv_buf_addc(out, ' ');
    vv_buf_add(out, reject->rule);
}

static varve_status reject_read(struct vv_op *op, const struct vv_plan *plans,
    const struct vv_rows *rows, struct reject *out)
{
    size_t input = (size_t)vv_rows_int64(rows, 1);
    const struct vv_breach *breach = &plans[input].breaches[vv_rows_int64(rows, 3)];
    *out = (struct reject){
        .row = vv_rows_int64(rows, 0),
        .input = input,
        .input_row = vv_rows_int64(rows, 2),
        .kind = breach->kind,
        .column = vv_arena_str(&op->arena, vv_rows_text(rows, 4)),
        .rule = vv_arena_str(&op->arena, vv_rows_text(rows, 6)),
    };
    /* Several, or none at all. */
    out->many_columns =
        breach->kind == VV_BREACH_CHECK &&
        (out->column.len == 0 || vv_str_find(out->column, ',') < out->column.len);
    out->is_line =
        breach->kind == VV_BREACH_FAULT && vv_str_eq(out->column, VV_STR(VV_NDJSON_LINE_TEXT));
    if (!vv_rows_is_null(rows, 5)) {
        out->value = vv_arena_str(&op->arena, vv_rows_text(rows, 5));
        if (out->value.ptr == NULL)
            return vv_fail_memory(op);
    }
    return out->column.ptr && out->rule.ptr ? VARVE_OK : vv_fail_memory(op);
}

/* All reasons of the rows that are named. */
static varve_status rejects_read(struct vv_op *op, struct vv_session *session,
    const struct vv_plan *plans, struct reject **out, size_t *out_len)
{
    VV_CLEANUP(vv_rows_close) struct vv_rows *rows = NULL;
    void *rejects = NULL;
    size_t len = 0;
    size_t capacity = 0;
    VV_TRY(vv_session_query(op, session,
        VV_STR("SELECT _row, _input, _input_row, _breach, \"column\", \"value\", rule FROM "
               "temp." VV_REJECTS_TABLE " ORDER BY _row, _breach"),
        &rows));
    for (bool has_row = true;; len++) {
        VV_TRY(vv_rows_next(op, rows, &has_row));
        if (!has_row)
            break;
        if (!vv_arena_grow(&op->arena, &rejects, len, &capacity, sizeof(struct reject),
                _Alignof(struct reject)))
            return vv_fail_memory(op);
        VV_TRY(reject_read(op, plans, rows, (struct reject *)rejects + len));
    }
    *out = rejects;
    *out_len = len;
    return VARVE_OK;
}

/* Rejects come in the order of rows, so that those of one input lie side by side. */
static varve_status lines_find(struct vv_op *op, const struct vv_plan *plans,
    struct reject *rejects, size_t len)
{
    for (size_t from = 0, to = 0; from < len; from = to) {
        int64_t rows[VV_BATCH_REJECTS_MAX]; /* each once, whatever the number of its reasons */
        int64_t lines[VV_BATCH_REJECTS_MAX];
        size_t input = rejects[from].input;
        size_t rows_len = 0;
        for (to = from; to < len && rejects[to].input == input; to++)
            if (to == from || rejects[to].row != rejects[to - 1].row)
                rows[rows_len++] = rejects[to].input_row;
        VV_TRY(vv_input_lines(op, plans[input].input, rows, rows_len, lines));
        for (size_t index = from, at = 0; index < to; index++) {
            at += index > from && rejects[index].row != rejects[index - 1].row;
            rejects[index].line = lines[at];
        }
    }
    return VARVE_OK;
}

/* Long lines fill the detail before its twenty rows are there: the count of the rest is to stand. */
static bool has_room(const struct vv_op *op, const struct vv_buf *line)
{
    return strlen(op->error.detail) + line->len + REST_BYTES_MAX < sizeof(op->error.detail);
}

varve_status vv_rejects_fail(struct vv_op *op, struct vv_session *session,
    const struct vv_plan *plans, size_t plans_len, int64_t rows_bad, int64_t rows_in)
{
    struct reject *rejects = NULL;
    size_t len = 0;
    VV_TRY(rejects_read(op, session, plans, &rejects, &len));
    VV_TRY(lines_find(op, plans, rejects, len));
    int64_t rows_shown = 0;
    bool has_many = plans_len > 1 && (plans_len > 2 || plans[1].input->rest_of == NULL);
    for (size_t index = 0; index < len; index++) {
        VV_CLEANUP(vv_buf_done) struct vv_buf line = VV_BUF_INIT(1 << 20);
        struct vv_str input = has_many ? plans[rejects[index].input].input->name : VV_STR("");
        add_line(&line, &rejects[index], input);
        if (!vv_buf_ok(&line))
            return op->failed ? op->error.code : vv_fail_memory(op);
        if (index > 0 && !has_room(op, &line))
            break;
        rows_shown += index == 0 || rejects[index].row != rejects[index - 1].row;
        if (index == 0)
            vv_fail(op, VARVE_EINVALID,
                "%" PRId64 " of %" PRId64 " row%s rejected, nothing written: %s", rows_bad,
                rows_in, vv_plural(rows_in), vv_buf_str(&line).ptr);
        vv_detail(op, "%s%s", index > 0 ? "\n" : "", vv_buf_str(&line).ptr);
    }
    if (len == 0)
        return vv_fail(op, VARVE_EFAILED, "rows were found to be bad, but not why");
    if (rows_bad > rows_shown)
        vv_detail(op, "\nand %" PRId64 " more", rows_bad - rows_shown);
    return op->error.code;
}
