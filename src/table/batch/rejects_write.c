/*
 * Rejected rows as text, to be kept: what the input had in them, and every rule that they break.
 */
#include "base/json_write.h"
#include "engine/sql.h"
#include "table/batch/rejects.h"
#include "table/input/ndjson.h"
#include "table/input/row_json.h"

#define WHICH "IN (SELECT _row FROM temp." VV_REJECTS_TABLE ")"
/* Memory of parsed lines is given back when there is that much of it. */
#define PARSED_BYTES ((size_t)1 << 20)

/*
 * The rejected rows of one input, side by side: texts, reasons, lines. Of NDJSON the values are those
 * of the line itself, which is read once more: no table has a place for members that are in no column,
 * are there in another shape than the column's, or are null.
 */
struct rejected {
    const struct vv_plan *plan;
    const struct vv_table *table;
    struct vv_rows *texts;
    struct vv_rows *reasons; /* stands before the first reason of the next row */
    bool has_reason;
    int64_t *lines; /* not of NDJSON */
    size_t next;    /* in `lines` */
    struct vv_ndjson_again again;
    struct vv_arena parsed;
    const struct vv_json *row; /* the line that was parsed last; NULL: it has no members */
};

static void rejected_done(struct rejected *rejected)
{
    vv_rows_close(&rejected->texts);
    vv_rows_close(&rejected->reasons);
    vv_ndjson_again_close(&rejected->again);
    vv_arena_done(&rejected->parsed);
}

static bool is_ndjson(const struct rejected *rejected)
{
    return rejected->plan->input->format == VV_INPUT_NDJSON;
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
    if (is_ndjson(rejected))
        vv_ndjson_again_open(rejected->plan->input, &rejected->again);
    else
        VV_TRY(find_lines(op, session, input, rejected));
    VV_TRY(vv_plan_texts_sql(op, rejected->plan, VV_STR(WHICH), &sql));
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

/* What is wrong with a row of an input with faults; `name` NONE: nothing. */
struct fault {
    struct vv_str name, value;
};

static struct fault fault_of(const struct rejected *rejected)
{
    uint32_t at = 1;
    for (size_t i = 0; i < rejected->plan->schema->fields_len; i++)
        at += vv_plan_has_text(rejected->plan, i);
    if (!rejected->plan->input->has_faults || vv_rows_is_null(rejected->texts, at))
        return (struct fault){VV_STR_NONE, VV_STR_NONE};
    return (struct fault){
        vv_rows_text(rejected->texts, at), vv_rows_text(rejected->texts, at + 1)};
}

/*
 * By the table's names, of the columns that the input has. Where the engine has cut a value, the fault
 * has it whole; of a part of a nested one it stands beside it, as a column that the table lacks.
 */
static void add_columns(const struct rejected *rejected, const struct fault *fault,
    struct vv_json_writer *line)
{
    const struct vv_plan *plan = rejected->plan;
    uint32_t at = 1;
    for (size_t i = 0; i < plan->schema->fields_len; i++) {
        if (!vv_plan_has_text(plan, i))
            continue;
        const struct vv_field *field = &plan->schema->fields[i];
        bool is_null = vv_rows_is_null(rejected->texts, at);
        struct vv_str text = vv_rows_text(rejected->texts, at++);
        if (is_null && (plan->from[i] < 0 || is_ndjson(rejected)))
            continue;
        vv_jw_key_str(line, field->name);
        if (is_null)
            vv_jw_null(line);
        else if (vv_type_is_nested(&field->type) && vv_input_is_typed(plan->input))
            vv_jw_raw(line, text);
        else
            vv_jw_string(line,
                vv_str_eq_nocase(fault->name, field->name) ? fault->value : text);
    }
    if (fault->name.len > 0 && vv_schema_find(plan->schema, fault->name) < 0) {
        vv_jw_key_str(line, fault->name);
        vv_jw_string(line, fault->value);
    }
}

/* How many objects and arrays a value goes down. */
static size_t depth_of(const struct vv_json *value)
{
    const struct vv_json *iterator = NULL;
    const struct vv_json *part = NULL;
    struct vv_str name;
    size_t most = 0;
    if (!vv_json_is(value, VV_JSON_ARRAY) && !vv_json_is(value, VV_JSON_OBJECT))
        return 0;
    while (vv_json_each(value, &iterator, &name, &part)) {
        size_t depth = depth_of(part);
        most = depth > most ? depth : most;
    }
    return most + 1;
}

/* A plain value as its text, null and what is composed as they are. */
static varve_status add_member(struct vv_op *op, struct rejected *rejected,
    const struct vv_json *value, struct vv_json_writer *line)
{
    struct vv_str json = VV_STR_NONE;
    switch (vv_json_kind(value)) {
    case VV_JSON_NONE:
    case VV_JSON_NULL:
        vv_jw_null(line);
        break;
    case VV_JSON_BOOL:
        vv_jw_string(line, vv_json_bool(value, false) ? VV_STR("true") : VV_STR("false"));
        break;
    case VV_JSON_NUMBER:
    case VV_JSON_STRING:
        vv_jw_string(line, vv_json_text(value));
        break;
    case VV_JSON_ARRAY:
    case VV_JSON_OBJECT:
        VV_TRY(vv_json_write_value(op, value, &rejected->parsed, &json));
        /* Two levels deeper here than in its own line, the deepest ones would not be read again. */
        if (depth_of(value) + 2 > VV_JSON_DEPTH_MAX)
            vv_jw_string(line, json);
        else
            vv_jw_raw(line, json);
        break;
    }
    return VARVE_OK;
}

static varve_status add_members(struct vv_op *op, struct rejected *rejected, struct vv_str text,
    struct vv_json_writer *line)
{
    const struct vv_plan *plan = rejected->plan;
    const struct vv_json *row = NULL;
    const struct vv_json *iterator = NULL;
    const struct vv_json *value = NULL;
    struct vv_str name;
    bool has_order = false;
    if (rejected->parsed.bytes > PARSED_BYTES)
        vv_arena_done(&rejected->parsed);
    VV_TRY(vv_row_read(op, &rejected->parsed, plan->schema, text, &row));
    rejected->row = row;
    while (vv_json_each(row, &iterator, &name, &value)) {
        int32_t column = vv_schema_find(plan->schema, name);
        bool is_null = vv_json_is(value, VV_JSON_NULL);
        if (column < 0 && is_null && plan->input->passes_nulls)
            continue;
        if (column < 0 && vv_ndjson_is_fault(name, value))
            continue;
        if (column < 0 && vv_str_eq(name, VV_STR("table")) &&
            vv_ndjson_names_table(rejected->table, value))
            continue;
        if (column >= 0 && is_null && vv_plan_has_text(plan, (size_t)column))
            continue; /* it is filled in below */
        has_order = has_order || (column >= 0 && column == plan->rules->order);
        vv_jw_key_str(line, column >= 0 ? plan->schema->fields[column].name : name);
        VV_TRY(add_member(op, rejected, value, line));
    }
    const struct fault none = {VV_STR_NONE, VV_STR_NONE};
    if (!has_order)
        add_columns(rejected, &none, line); /* an order value that the row does not bring */
    return VARVE_OK;
}

/* What the input has, by the table's names; a member that the table lacks is there too. */
static varve_status add_values(struct vv_op *op, struct rejected *rejected, struct vv_str text,
    struct vv_json_writer *line)
{
    struct fault fault = fault_of(rejected);
    rejected->row = NULL;
    vv_jw_key(line, "values");
    vv_jw_object(line);
    if (vv_str_eq(fault.name, VV_STR(VV_NDJSON_LINE_TEXT)) && fault.value.ptr != NULL) {
        vv_jw_key_str(line, fault.name);
        vv_jw_string(line, fault.value);
    } else if (is_ndjson(rejected)) {
        VV_TRY(add_members(op, rejected, text, line));
    } else {
        add_columns(rejected, &fault, line);
    }
    vv_jw_end(line);
    return VARVE_OK;
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

/* The columns that a release has to be strict with: a text says nothing of the type it had. */
static void add_whole(const struct vv_plan *plan, struct vv_json_writer *line)
{
    bool is_open = false;
    for (size_t i = 0; i < plan->schema->fields_len; i++) {
        if (plan->from[i] < 0 || !vv_convert_is_whole(&plan->conversions[i]))
            continue;
        if (!is_open) {
            vv_jw_key(line, "whole");
            vv_jw_array(line);
        }
        vv_jw_string(line, plan->schema->fields[i].name);
        is_open = true;
    }
    if (is_open)
        vv_jw_end(line);
}

/* The same of typed rows that came as lines (whole.h). */
static void add_whole_of(const struct vv_json *row, struct vv_json_writer *line)
{
    const struct vv_json *iterator = NULL;
    const struct vv_json *value = NULL;
    struct vv_str name;
    bool is_open = false;
    while (vv_json_each(row, &iterator, &name, &value)) {
        if (!vv_ndjson_is_fault(name, value))
            continue;
        if (!is_open) {
            vv_jw_key(line, "whole");
            vv_jw_array(line);
        }
        vv_jw_string(line, vv_json_text(vv_json_get(value, "column")));
        is_open = true;
    }
    if (is_open)
        vv_jw_end(line);
}

static varve_status add_row(struct vv_op *op, struct rejected *rejected, struct vv_buf *out)
{
    const struct vv_batch_input *input = rejected->plan->input;
    struct vv_json_writer line = VV_JSON_WRITER_INIT(out);
    struct vv_str text = VV_STR_NONE;
    int64_t row = vv_rows_int64(rejected->texts, 0);
    int64_t number = 0;
    if (is_ndjson(rejected)) {
        VV_TRY(vv_ndjson_again_line(op, &rejected->again, row - rejected->plan->rows_before,
            &text));
        number = rejected->again.lines.line;
    } else {
        number = rejected->lines[rejected->next++];
    }
    vv_jw_object(&line);
    vv_jw_key_int(&line, "row", row);
    if (number > 0)
        vv_jw_key_int(&line, "line", number);
    vv_jw_key_string(&line, "source", input->name);
    if (vv_input_is_typed(input))
        add_whole(rejected->plan, &line);
    VV_TRY(add_values(op, rejected, text, &line));
    add_whole_of(rejected->row, &line);
    VV_TRY(add_reasons(op, rejected, row, &line));
    vv_jw_end(&line);
    vv_buf_addc(out, '\n');
    return VARVE_OK;
}

varve_status vv_rejects_write(struct vv_op *op, struct vv_session *session,
    const struct vv_table *table, const struct vv_plan *plans, size_t plans_len,
    struct vv_buf *out)
{
    for (size_t input = 0; input < plans_len; input++) {
        VV_CLEANUP(rejected_done)
        struct rejected rejected = {.plan = &plans[input],
            .table = table,
            .parsed = VV_ARENA_INIT(VV_OP_BYTES_DEFAULT)};
        VV_TRY(rejected_open(op, session, input, &rejected));
        for (bool has_row = true;;) {
            VV_TRY(vv_rows_next(op, rejected.texts, &has_row));
            if (!has_row)
                break;
            VV_TRY(add_row(op, &rejected, out));
        }
    }
    return vv_buf_ok(out) ? VARVE_OK : vv_fail_memory(op);
}
