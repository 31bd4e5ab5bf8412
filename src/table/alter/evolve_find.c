#include "base/json.h"
#include "delta/list.h"
#include "engine/sql.h"
#include "table/alter/evolve.h"
#include "table/input/lines.h"
#include "table/input/row_json.h"

/* Memory of parsed lines is given back when there is that much of it. */
#define PARSED_BYTES ((size_t)1 << 20)

struct find {
    struct vv_op *op;
    const struct vv_addition_search *search;
    struct vv_additions *out;
    struct vv_additions nulls; /* of NDJSON: names of which some line says null or NaN */
};

static struct vv_addition *named(const struct vv_additions *additions, struct vv_str name)
{
    for (size_t i = 0; i < additions->len; i++)
        if (vv_str_eq_nocase(additions->items[i].field.name, name))
            return &additions->items[i];
    return NULL;
}

/* The addition of a name, ignoring case; a new one where there is none. NULL: memory is out. */
static struct vv_addition *addition_in(struct vv_additions *additions, struct vv_arena *arena,
    struct vv_str name)
{
    struct vv_addition *addition = named(additions, name);
    if (addition != NULL)
        return addition;
    addition = VV_LIST_NEW(arena, additions);
    if (addition == NULL)
        return NULL;
    *addition =
        (struct vv_addition){.field = {.name = vv_arena_str(arena, name), .nullable = true}};
    addition->field.physical_name = addition->field.name;
    return addition->field.name.ptr ? addition : NULL;
}

static struct vv_addition *addition_of(struct find *find, struct vv_str name)
{
    return addition_in(find->out, &find->op->arena, name);
}

/* ---- Inputs that bring types ----------------------------------------------------------------- */

static varve_status types_differ(struct find *find, const struct vv_addition *addition,
    const struct vv_type *type, struct vv_str input)
{
    VV_CLEANUP(vv_buf_done) struct vv_buf one = VV_BUF_INIT(1 << 16);
    VV_CLEANUP(vv_buf_done) struct vv_buf other = VV_BUF_INIT(1 << 16);
    vv_type_name(type, &one);
    vv_type_name(&addition->field.type, &other);
    return vv_fail(find->op, VARVE_EINVALID,
        "%.*s: column %.*s is %.*s here and %.*s in another input: add it to the table first",
        VV_ARG(input), VV_ARG(addition->field.name), VV_ARG(vv_buf_str(&one)),
        VV_ARG(vv_buf_str(&other)));
}

static varve_status typed_take(struct find *find, const struct vv_batch_input *input,
    size_t column)
{
    struct vv_type type;
    struct vv_addition *addition = addition_of(find, input->columns[column]);
    if (addition == NULL)
        return vv_fail_memory(find->op);
    if (vv_type_of_sql(find->op, &find->op->arena, input->types[column], &type) != VARVE_OK)
        return vv_note(find->op, "%.*s: column %.*s", VV_ARG(input->name),
            VV_ARG(input->columns[column]));
    if (addition->is_typed && !vv_type_eq(&addition->field.type, &type))
        return types_differ(find, addition, &type, input->name);
    addition->is_typed = true;
    addition->field.type = type;
    return VARVE_OK;
}

/* ---- Inputs of text -------------------------------------------------------------------------- */

static varve_status column_values(struct find *find, const struct vv_batch_input *input,
    size_t column, struct vv_guess *guess)
{
    VV_CLEANUP(vv_rows_close) struct vv_rows *rows = NULL;
    struct vv_str sql = vv_arena_format(&find->op->arena,
        "SELECT %.*s FROM %.*s WHERE %.*s IS NOT NULL", VV_ARG(input->column_sql[column]),
        VV_ARG(input->sql), VV_ARG(input->column_sql[column]));
    bool has_row = true;
    if (sql.ptr == NULL)
        return vv_fail_memory(find->op);
    VV_TRY(vv_session_query(find->op, find->search->session, sql, &rows));
    for (;;) {
        VV_TRY(vv_rows_next(find->op, rows, &has_row));
        if (!has_row)
            return VARVE_OK;
        vv_guess_take(guess, vv_rows_text(rows, 0), VV_GUESS_TEXT, find->search->truncate_time);
    }
}

static varve_status has_value(struct find *find, const struct vv_batch_input *input,
    size_t column, bool *out)
{
    int64_t count = 0;
    struct vv_str sql = vv_arena_format(&find->op->arena,
        "SELECT count(*) FROM (SELECT 1 FROM %.*s WHERE %.*s IS NOT NULL LIMIT 1)",
        VV_ARG(input->sql), VV_ARG(input->column_sql[column]));
    if (sql.ptr == NULL)
        return vv_fail_memory(find->op);
    varve_status status = vv_session_int64(find->op, find->search->session, sql, &count);
    if (status != VARVE_OK && input->format == VV_INPUT_PARQUET) /* it lies where it is */
        return vv_input_fail_parquet(find->op, input, status);
    VV_TRY(status);
    *out = count > 0;
    return VARVE_OK;
}

/* The lists may be kept for the next batch of the same shape, so these are copies. */
static varve_status column_drop(struct vv_op *op, struct vv_batch_input *input, size_t column)
{
    struct vv_str **const lists[] = {&input->columns, &input->column_sql, &input->types};
    for (size_t i = 0; i < VV_COUNT(lists); i++) {
        struct vv_str *copy = NULL;
        VV_NEW(op, &copy, struct vv_str, input->columns_len);
        memcpy(copy, *lists[i], column * sizeof(*copy));
        memcpy(copy + column, *lists[i] + column + 1,
            (input->columns_len - column - 1) * sizeof(*copy));
        *lists[i] = copy;
    }
    input->columns_len--;
    return VARVE_OK;
}

/* *out_empty: it has no value, and so no type (a column of none is a text that is NULL). */
static varve_status column_take(struct find *find, const struct vv_batch_input *input,
    size_t column, bool *out_empty)
{
    bool is_text = input->format == VV_INPUT_CSV;
    bool is_there = true;
    if (!find->search->keeps_empty &&
        (is_text || vv_str_eq(input->types[column], VV_STR("VARCHAR"))))
        VV_TRY(has_value(find, input, column, &is_there));
    *out_empty = !is_there;
    if (!is_there)
        return VARVE_OK;
    if (!is_text)
        return typed_take(find, input, column);
    struct vv_addition *addition = addition_of(find, input->columns[column]);
    return addition ? column_values(find, input, column, &addition->guess)
                    : vv_fail_memory(find->op);
}

static varve_status columns_take(struct find *find, struct vv_batch_input *input)
{
    size_t column = 0;
    while (column < input->columns_len) {
        bool is_empty = false;
        bool is_known =
            vv_schema_find(&find->search->table->snapshot->schema, input->columns[column]) >= 0;
        if (!is_known)
            VV_TRY(column_take(find, input, column, &is_empty));
        if (is_empty) {
            vv_log(find->op, VV_LOG_WARN, "evolve.empty",
                "column %.*s of %.*s holds no value: it is not added",
                VV_ARG(input->columns[column]), VV_ARG(input->name));
            VV_TRY(column_drop(find->op, input, column));
        } else {
            column++;
        }
    }
    return VARVE_OK;
}

/* ---- NDJSON ---------------------------------------------------------------------------------- */

static enum vv_guess_kind kind_of(const struct vv_json *value)
{
    switch (vv_json_kind(value)) {
    case VV_JSON_STRING:
        return VV_GUESS_STRING;
    case VV_JSON_NUMBER:
        return VV_GUESS_NUMBER;
    case VV_JSON_BOOL:
        return VV_GUESS_BOOLEAN;
    case VV_JSON_NONE:
    case VV_JSON_NULL:
    case VV_JSON_ARRAY:
    case VV_JSON_OBJECT:
        break;
    }
    return VV_GUESS_NESTED;
}

/* A member "table" says where a line belongs, and lines that were kept are no rows. */
static bool is_own(struct vv_str name)
{
    return vv_str_eq(name, VV_STR("table")) || vv_str_eq(name, VV_STR(VV_NDJSON_LINE_TEXT)) ||
           vv_str_eq(name, VV_STR(VV_NDJSON_LINE_FAULT));
}

static varve_status line_take(struct find *find, const struct vv_json *json)
{
    const struct vv_schema *schema = &find->search->table->snapshot->schema;
    const struct vv_json *iterator = NULL, *value = NULL;
    struct vv_str name;
    while (vv_json_each(json, &iterator, &name, &value)) {
        /* NaN is NULL but in a float column, which other values tell. */
        bool is_nan = vv_row_is_nan(value);
        bool is_null = is_nan || vv_json_is(value, VV_JSON_NULL);
        if (is_own(name) || vv_schema_find(schema, name) >= 0 ||
            (is_null && !find->search->tells_null && !find->search->keeps_empty))
            continue;
        struct vv_addition *addition =
            addition_in(is_null ? &find->nulls : find->out, &find->op->arena, name);
        if (addition == NULL)
            return vv_fail_memory(find->op);
        addition->guess.values += is_nan;
        if (is_null)
            continue;
        addition->has_bytes = addition->has_bytes || vv_row_is_bytes(value);
        vv_guess_take(&addition->guess, vv_json_text(value), kind_of(value),
            find->search->truncate_time);
    }
    return VARVE_OK;
}

/* Lines that are no rows are the loader's to judge. */
static varve_status lines_take(struct find *find, const struct vv_batch_input *input)
{
    struct vv_op *op = find->op;
    VV_CLEANUP(vv_lines_done)
    struct vv_lines lines = {.source = &input->source, .name = input->name};
    VV_CLEANUP(vv_arena_done) struct vv_arena parsed = VV_ARENA_INIT(VV_OP_BYTES_DEFAULT);
    for (;;) {
        const struct vv_json *json = NULL;
        struct vv_str line;
        bool has_line = false;
        bool has_words = false;
        VV_TRY(vv_lines_next(op, &lines, &has_line, &line));
        if (!has_line)
            return VARVE_OK;
        if (lines.is_cut || vv_lines_is_blank(&lines, line))
            continue;
        varve_status status = vv_row_parse(op, &parsed, line, &json, &has_words);
        if (status == VARVE_ECORRUPT)
            vv_forgive(op);
        else if (status != VARVE_OK)
            return status;
        else if (vv_json_is(json, VV_JSON_OBJECT))
            VV_TRY(line_take(find, json));
        if (parsed.bytes > PARSED_BYTES)
            vv_arena_done(&parsed);
    }
}

/* What no column may be called nobody can speak of. */
static bool may_be_spoken_of(struct vv_str name)
{
    return name.len > 0 && memchr(name.ptr, '\0', name.len) == NULL;
}

static varve_status nulls_keep(struct find *find)
{
    for (size_t i = 0; i < find->nulls.len; i++) {
        const struct vv_addition *item = &find->nulls.items[i];
        if (named(find->out, item->field.name) != NULL || !may_be_spoken_of(item->field.name))
            continue;
        struct vv_addition *addition = addition_of(find, item->field.name);
        if (addition == NULL)
            return vv_fail_memory(find->op);
        addition->is_nan = item->guess.values > 0;
    }
    return VARVE_OK;
}

static void nulls_tell(const struct find *find)
{
    for (size_t i = 0; i < find->nulls.len; i++) {
        const struct vv_addition *item = &find->nulls.items[i];
        if (named(find->out, item->field.name) == NULL)
            vv_addition_tell_empty(find->op, item->field.name, item->guess.values > 0);
    }
}

void vv_addition_tell_empty(struct vv_op *op, struct vv_str name, bool is_nan)
{
    vv_log(op, VV_LOG_WARN, "evolve.empty", "column %.*s holds no value%s: it is not added",
        VV_ARG(name), is_nan ? " but NaN, which may stand for a missing one of any type" : "");
}

/* ---- All of them ----------------------------------------------------------------------------- */

static varve_status types_settle(struct find *find)
{
    for (size_t i = 0; i < find->out->len; i++) {
        struct vv_addition *addition = &find->out->items[i];
        if (addition->is_typed)
            continue;
        if (addition->guess.has_nested)
            return vv_fail(find->op, VARVE_EUNSUPPORTED,
                "column %.*s holds %s: add it to the table first%s",
                VV_ARG(addition->field.name),
                addition->has_bytes ? "bytes, which no type is told by"
                                    : "arrays or objects, and NDJSON does not tell their types",
                addition->has_bytes ? ", as a binary" : "");
        (void)vv_guess_type(&addition->guess, &addition->field.type.kind);
    }
    return VARVE_OK;
}

varve_status vv_additions_find(struct vv_op *op, const struct vv_addition_search *search,
    struct vv_additions *out)
{
    struct vv_additions additions = {.items = NULL};
    struct find find = {.op = op, .search = search, .out = &additions};
    for (size_t i = 0; i < search->inputs_len; i++)
        VV_TRY(search->inputs[i].format == VV_INPUT_NDJSON
                   ? lines_take(&find, &search->inputs[i])
                   : columns_take(&find, &search->inputs[i]));
    if (search->keeps_empty)
        VV_TRY(nulls_keep(&find));
    VV_TRY(types_settle(&find));
    if (search->tells_null)
        nulls_tell(&find);
    *out = additions;
    return VARVE_OK;
}
