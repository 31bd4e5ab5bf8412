#include "base/json.h"
#include "base/seam.h"
#include "engine/sql.h"
#include "table/input/batch_input.h"
#include "table/input/convert.h"
#include "table/input/json_shape.h"
#include "table/input/lines.h"
#include "table/input/ndjson.h"
#include "table/input/row_json.h"

/* Memory of parsed lines is given back when there is that much of it. */
#define PARSED_BYTES ((size_t)1 << 20)
/* Behind the columns of the schema. */
#define FAULT_COLUMNS 3
#define EXTRA_COLUMNS (FAULT_COLUMNS + 2)

struct reader {
    const struct vv_table *table;
    const struct vv_schema *schema;
    struct vv_rules rules;
    const struct vv_batch_input *input;
    struct vv_text_appender *appender;
    struct vv_arena parsed; /* of some lines */
    struct vv_str *values;  /* of a row: the schema's columns, the fault, the arrival */
    bool *given;            /* by column: the line has it */
    struct vv_ndjson_found found;
    size_t next;      /* column that the next member is likely to be */
    bool has_faults;  /* of some line */
    bool keeps_nulls; /* the table has defaults, which null is none of */
    size_t odd;       /* of a rest: its next row among those of the whole */
};

static void reader_done(struct reader *reader)
{
    vv_text_appender_close(&reader->appender);
    vv_arena_done(&reader->parsed);
}

static void fault_set(struct reader *reader, struct vv_str name, struct vv_str value,
    struct vv_str rule)
{
    struct vv_str *fault = reader->values + reader->schema->fields_len;
    if (fault[2].ptr != NULL)
        return;
    fault[0] = name;
    fault[1] = value;
    fault[2] = rule;
    reader->has_faults = true;
}

int32_t vv_ndjson_column(const struct vv_schema *schema, struct vv_str name, size_t *next)
{
    if (*next < schema->fields_len && vv_str_eq(schema->fields[*next].name, name))
        return (int32_t)(*next)++;
    int32_t column = vv_schema_find(schema, name);
    if (column >= 0)
        *next = (size_t)column + 1;
    return column;
}

/* The text of a value; NONE for null. */
static varve_status value_text(struct vv_op *op, struct reader *reader,
    const struct vv_json *value, struct vv_str *out)
{
    switch (vv_json_kind(value)) {
    case VV_JSON_NONE:
    case VV_JSON_NULL:
        *out = VV_STR_NONE;
        break;
    case VV_JSON_BOOL:
        *out = vv_json_bool(value, false) ? VV_STR("true") : VV_STR("false");
        break;
    case VV_JSON_STRING:
    case VV_JSON_NUMBER:
        *out = vv_json_text(value);
        break;
    case VV_JSON_ARRAY:
    case VV_JSON_OBJECT:
        return vv_json_write_value(op, value, &reader->parsed, out);
    }
    return VARVE_OK;
}

static varve_status nested_take(struct vv_op *op, struct reader *reader,
    const struct vv_field *field, const struct vv_json *value, struct vv_str *out)
{
    VV_CLEANUP(vv_buf_done) struct vv_buf shaped = VV_BUF_INIT(VV_BUF_MAX);
    const char *fault = vv_json_shape(&field->type, value, &shaped);
    if (fault != NULL) {
        struct vv_str text = VV_STR_NONE;
        VV_TRY(value_text(op, reader, value, &text));
        fault_set(reader, field->name, text, vv_str_of(fault));
        return VARVE_OK;
    }
    *out = vv_arena_str(&reader->parsed, vv_buf_str(&shaped));
    return vv_buf_ok(&shaped) && out->ptr ? VARVE_OK : vv_fail_memory(op);
}

bool vv_ndjson_names_table(const struct vv_table *table, const struct vv_json *value)
{
    struct vv_str name = vv_json_is(value, VV_JSON_STRING) ? vv_json_text(value) : VV_STR_NONE;
    if (name.len == 0 || name.len > table->name.len)
        return false;
    size_t before = table->name.len - name.len;
    return vv_str_eq(vv_str_skip(table->name, before), name) &&
           (before == 0 || table->name.ptr[before - 1] == '/');
}

bool vv_ndjson_is_fault(struct vv_str name, const struct vv_json *value)
{
    return vv_str_eq(name, VV_STR(VV_NDJSON_LINE_FAULT)) &&
           vv_json_get_kind(value, "column", VV_JSON_STRING) != NULL &&
           vv_json_get_kind(value, "rule", VV_JSON_STRING) != NULL;
}

static varve_status unknown_take(struct vv_op *op, struct reader *reader, struct vv_str name,
    const struct vv_json *value)
{
    struct vv_str text = VV_STR_NONE;
    struct vv_str guess = VV_STR_NONE;
    struct vv_str rule = VV_STR("names another table");
    bool is_table = vv_str_eq(name, VV_STR("table"));
    if (is_table && vv_ndjson_names_table(reader->table, value))
        return VARVE_OK;
    if (reader->input->passes_nulls && vv_json_is(value, VV_JSON_NULL))
        return VARVE_OK;
    if (vv_ndjson_is_fault(name, value)) {
        fault_set(reader, vv_json_text(vv_json_get(value, "column")),
            vv_json_text(vv_json_get(value, "value")),
            vv_json_text(vv_json_get(value, "rule")));
        return VARVE_OK;
    }
    VV_TRY(value_text(op, reader, value, &text));
    if (!is_table) {
        VV_TRY(vv_rules_guess_column(op, &reader->parsed, reader->schema, name, &guess));
        rule =
            vv_arena_format(&reader->parsed, "is in no column of the table%.*s", VV_ARG(guess));
        if (rule.ptr == NULL)
            return vv_fail_memory(op);
    }
    fault_set(reader, name, text, rule);
    return VARVE_OK;
}

static varve_status member_take(struct vv_op *op, struct reader *reader, struct vv_str name,
    const struct vv_json *value)
{
    int32_t column = vv_ndjson_column(reader->schema, name, &reader->next);
    if (column < 0)
        return unknown_take(op, reader, name, value);
    const struct vv_field *field = &reader->schema->fields[column];
    bool was_given = reader->given[column];
    reader->given[column] = true;
    struct vv_str *out = &reader->values[column];
    if (was_given) /* which one is meant nobody knows: the line is kept as it is */
        return vv_fail(op, VARVE_EINVALID, "%.*s is in the line twice", VV_ARG(field->name));
    if (vv_type_is_nested(&field->type) && !vv_json_is(value, VV_JSON_NULL))
        return nested_take(op, reader, field, value, out);
    VV_TRY(value_text(op, reader, value, out));
    /* As the text of a column it is what somebody may want; as a key it is a mistake. */
    bool is_composed = vv_json_is(value, VV_JSON_OBJECT) || vv_json_is(value, VV_JSON_ARRAY);
    if (is_composed && field->type.kind == VV_TYPE_STRING &&
        vv_rules_is_key(&reader->rules, column))
        fault_set(reader, field->name, *out,
            vv_json_is(value, VV_JSON_OBJECT)
                ? VV_STR("is an object, and it is part of the key: a key is a plain value")
                : VV_STR("is an array, and it is part of the key: a key is a plain value"));
    return VARVE_OK;
}

/* A line that was no row when it came, and was kept for the quarantine. */
static bool line_is_kept(const struct vv_json *json)
{
    return vv_json_len(json) == 2 &&
           vv_json_get_kind(json, VV_NDJSON_LINE_TEXT, VV_JSON_STRING) != NULL &&
           vv_json_get_kind(json, VV_NDJSON_LINE_FAULT, VV_JSON_STRING) != NULL;
}

static varve_status line_take(struct vv_op *op, struct reader *reader, struct vv_str line)
{
    const struct vv_json *json = NULL;
    if (vv_row_read(op, &reader->parsed, reader->schema, line, &json) != VARVE_OK) {
        if (op->error.code == VARVE_ECORRUPT)
            vv_recode(op, VARVE_EINVALID);
        return op->error.code;
    }
    if (vv_json_is(json, VV_JSON_ARRAY))
        return vv_fail(op, VARVE_EINVALID,
            "a row has to be one JSON object a line, and this is an array: jq -c '.[]' makes "
            "lines of it");
    if (!vv_json_is(json, VV_JSON_OBJECT))
        return vv_fail(op, VARVE_EINVALID, "a row has to be one JSON object a line");
    const struct vv_json *iterator = NULL;
    const struct vv_json *value = NULL;
    struct vv_str name;
    if (line_is_kept(json)) {
        fault_set(reader, VV_STR(VV_NDJSON_LINE_TEXT),
            vv_json_text(vv_json_get(json, VV_NDJSON_LINE_TEXT)),
            vv_json_text(vv_json_get(json, VV_NDJSON_LINE_FAULT)));
        return VARVE_OK;
    }
    while (vv_json_each(json, &iterator, &name, &value))
        VV_TRY(member_take(op, reader, name, value));
    return VARVE_OK;
}

static void values_clear(struct reader *reader)
{
    size_t len = reader->schema->fields_len;
    memset(reader->values, 0, (len + EXTRA_COLUMNS) * sizeof(struct vv_str));
    memset(reader->given, 0, len * sizeof(bool));
    reader->next = 0;
}

/* A line that is no row: a row with a fault and no values. */
static varve_status line_keep(struct vv_op *op, struct reader *reader, struct vv_str line)
{
    struct vv_str text;
    struct vv_str rule = vv_arena_str(&reader->parsed, vv_str_of(op->error.message));
    vv_forgive(op);
    VV_TRY(vv_lines_text(op, &reader->parsed, line, &text));
    if (rule.ptr == NULL)
        return vv_fail_memory(op);
    values_clear(reader); /* of a line that was read in part */
    fault_set(reader, VV_STR(VV_NDJSON_LINE_TEXT), text, rule);
    return VARVE_OK;
}

/* When the row came, as a text of digits. */
static varve_status arrival_set(struct vv_op *op, struct reader *reader, int64_t row)
{
    const struct vv_batch_input *input = reader->input;
    if (input->arrivals == NULL || row > (int64_t)input->arrivals_len)
        return VARVE_OK;
    struct vv_str *arrival = &reader->values[reader->schema->fields_len + FAULT_COLUMNS];
    *arrival = vv_arena_format(&reader->parsed, "%" PRId64, input->arrivals[row - 1]);
    return arrival->ptr != NULL ? VARVE_OK : vv_fail_memory(op);
}

/* The columns that the line says null of: ",3,7,". */
static varve_status nulls_set(struct vv_op *op, struct reader *reader)
{
    VV_CLEANUP(vv_buf_done) struct vv_buf text = VV_BUF_INIT(VV_BUF_MAX);
    size_t len = reader->schema->fields_len;
    if (!reader->keeps_nulls)
        return VARVE_OK;
    for (size_t index = 0; index < len; index++)
        if (reader->given[index] && reader->values[index].ptr == NULL)
            vv_buf_addf(&text, "%s%zu,", text.len == 0 ? "," : "", index);
    if (text.len == 0)
        return VARVE_OK;
    struct vv_str *nulls = &reader->values[len + FAULT_COLUMNS + 1];
    *nulls = vv_arena_str(&reader->parsed, vv_buf_str(&text));
    return vv_buf_ok(&text) && nulls->ptr != NULL ? VARVE_OK : vv_fail_memory(op);
}

static varve_status row_put(struct vv_op *op, struct reader *reader, int64_t row)
{
    VV_TRY(arrival_set(op, reader, row));
    VV_TRY(nulls_set(op, reader));
    for (size_t index = 0; index < reader->schema->fields_len; index++) {
        reader->found.has_value[index] |= reader->values[index].ptr != NULL;
        reader->found.is_named[index] |= reader->given[index];
    }
    VV_TRY(vv_text_appender_row(op, reader->appender, row, reader->values));
    values_clear(reader);
    if (reader->parsed.bytes > PARSED_BYTES)
        vv_arena_done(&reader->parsed);
    return VARVE_OK;
}

/* Of a rest, the rows that are no values. */
static bool is_wanted(struct reader *reader, int64_t row)
{
    const struct vv_batch_input *whole = reader->input->rest_of;
    if (whole == NULL)
        return true;
    if (reader->odd == whole->odd_len || whole->odd_rows[reader->odd] != row)
        return false;
    reader->odd++;
    return true;
}

static varve_status row_take(struct vv_op *op, struct reader *reader, int64_t row,
    struct vv_str line)
{
    const struct vv_str *faults = reader->input->faults;
    if (faults == NULL || faults[row - 1].ptr == NULL)
        return line_take(op, reader, line);
    fault_set(reader, VV_STR(VV_NDJSON_LINE_TEXT), VV_STR_NONE, faults[row - 1]);
    return VARVE_OK;
}

static varve_status rows_read(struct vv_op *op, struct reader *reader, struct vv_lines *lines,
    int64_t *out_rows)
{
    int64_t faults = 0;
    for (;;) {
        bool has_line = false;
        struct vv_str line;
        VV_TRY(vv_lines_next(op, lines, &has_line, &line));
        if (!has_line)
            return vv_text_appender_finish(op, reader->appender);
        if (vv_lines_is_blank(lines, line))
            continue;
        ++*out_rows;
        if (!is_wanted(reader, *out_rows))
            continue;
        varve_status status = vv_lines_check(op, lines);
        if (status == VARVE_OK)
            status = row_take(op, reader, *out_rows, line);
        if (status == VARVE_EINVALID && ++faults == VV_INPUT_LINES_TRIED &&
            *out_rows == faults && !reader->input->sets_aside)
            vv_note(op, "none of the first %d lines is a row", VV_INPUT_LINES_TRIED);
        else if (status == VARVE_EINVALID)
            status = line_keep(op, reader,
                lines->is_cut ? vv_str_first(line, VV_LINES_CUT_BYTES) : line);
        if (status != VARVE_OK || row_put(op, reader, *out_rows) != VARVE_OK)
            return vv_note(op, "%.*s: line %" PRId64, VV_ARG(lines->name), lines->line);
    }
}

/* The names in the temporary table: of all columns of the schema, and of the fault. */
static varve_status texts_name(struct vv_op *op, struct vv_arena *arena, size_t columns_len,
    struct vv_str **out)
{
    struct vv_str *names = vv_new(arena, struct vv_str, columns_len + EXTRA_COLUMNS);
    if (names == NULL)
        return vv_fail_memory(op);
    for (size_t index = 0; index < columns_len; index++) {
        names[index] = vv_arena_format(arena, "r%zu", index);
        if (names[index].ptr == NULL)
            return vv_fail_memory(op);
    }
    names[columns_len] = VV_STR(VV_NDJSON_FAULT_NAME);
    names[columns_len + 1] = VV_STR(VV_NDJSON_FAULT_VALUE);
    names[columns_len + 2] = VV_STR(VV_NDJSON_FAULT_RULE);
    names[columns_len + FAULT_COLUMNS] = VV_STR("arrival");
    names[columns_len + FAULT_COLUMNS + 1] = VV_STR("nulls");
    *out = names;
    return VARVE_OK;
}

varve_status vv_ndjson_columns(struct vv_op *op, struct vv_arena *arena,
    const struct vv_schema *schema, const struct vv_ndjson_found *found,
    const struct vv_str *names, const struct vv_str *types, struct vv_batch_input *input)
{
    input->columns_len = 0;
    input->null_columns_len = 0;
    input->columns = vv_new(arena, struct vv_str, schema->fields_len + 1);
    input->null_columns = vv_new(arena, struct vv_str, schema->fields_len + 1);
    input->column_sql = vv_new(arena, struct vv_str, schema->fields_len + 1);
    input->types = vv_new(arena, struct vv_str, schema->fields_len + 1);
    if (input->columns == NULL || input->null_columns == NULL || input->column_sql == NULL ||
        input->types == NULL)
        return vv_fail_memory(op);
    for (size_t index = 0; index < schema->fields_len; index++) {
        if (!found->is_named[index])
            continue;
        struct vv_str name = vv_arena_str(arena, schema->fields[index].name);
        if (name.ptr == NULL)
            return vv_fail_memory(op);
        if (!found->has_value[index]) {
            input->null_columns[input->null_columns_len++] = name;
            continue;
        }
        size_t at = input->columns_len++;
        input->columns[at] = name;
        input->column_sql[at] = names[index];
        input->types[at] = types != NULL ? types[index] : VV_STR("VARCHAR");
    }
    return VARVE_OK;
}

varve_status vv_input_load_ndjson(struct vv_op *op, struct vv_work *work,
    struct vv_arena *arena, const struct vv_table *table, struct vv_batch_input *input)
{
    const struct vv_schema *schema = &table->snapshot->schema;
    VV_CLEANUP(vv_lines_done)
    struct vv_lines lines = {.source = &input->source, .name = input->name};
    VV_CLEANUP(reader_done)
    struct reader reader = {.table = table,
        .schema = schema,
        .input = input,
        .parsed = VV_ARENA_INIT(VV_OP_BYTES_DEFAULT),
        .keeps_nulls = vv_schema_has_defaults(schema)};
    struct vv_str *texts = NULL;
    VV_TRY(vv_rules_read(op, arena, table->snapshot, false, &reader.rules));
    VV_TRY(texts_name(op, arena, schema->fields_len, &texts));
    VV_NEW(op, &reader.found.has_value, bool, schema->fields_len + 1);
    VV_NEW(op, &reader.found.is_named, bool, schema->fields_len + 1);
    VV_NEW(op, &reader.values, struct vv_str, schema->fields_len + EXTRA_COLUMNS);
    VV_NEW(op, &reader.given, bool, schema->fields_len + 1);
    struct vv_load_target target;
    int64_t rows = 0;
    VV_TRY(vv_input_target(op, work, input, VV_STR("row_number"), &target));
    VV_TRY(vv_text_appender_open_at(op, work->session, &target, texts,
        schema->fields_len + EXTRA_COLUMNS, &reader.appender));
    VV_TRY(rows_read(op, &reader, &lines, &rows));
    vv_input_loaded(work, input, &target, rows);
    input->row_sql = VV_STR("row_number");
    if (input->arrivals != NULL)
        input->arrival_sql = VV_STR("CAST(arrival AS BIGINT)");
    input->has_faults = reader.has_faults;
    input->nulls_sql = reader.keeps_nulls ? VV_STR("nulls") : VV_STR_NONE;
    return vv_ndjson_columns(op, arena, schema, &reader.found, texts, NULL, input);
}

void vv_ndjson_again_open(const struct vv_batch_input *input, struct vv_ndjson_again *out)
{
    *out = (struct vv_ndjson_again){
        .lines = {.source = &input->source, .name = input->name}, .has_line = true};
}

void vv_ndjson_again_close(struct vv_ndjson_again *again)
{
    vv_lines_done(&again->lines);
}

varve_status vv_ndjson_again_line(struct vv_op *op, struct vv_ndjson_again *again, int64_t row,
    struct vv_str *out)
{
    while (again->row < row && again->has_line) {
        VV_TRY(vv_lines_next(op, &again->lines, &again->has_line, &again->text));
        again->row += again->has_line && !vv_lines_is_blank(&again->lines, again->text);
    }
    *out = again->has_line ? again->text : VV_STR_NONE;
    return VARVE_OK;
}

varve_status vv_input_lines_ndjson(struct vv_op *op, const struct vv_batch_input *input,
    const int64_t *rows, size_t rows_len, int64_t *out_lines)
{
    VV_CLEANUP(vv_ndjson_again_close) struct vv_ndjson_again again;
    vv_ndjson_again_open(input, &again);
    for (size_t index = 0; index < rows_len; index++) {
        struct vv_str line;
        VV_TRY(vv_ndjson_again_line(op, &again, rows[index], &line));
        out_lines[index] = line.ptr != NULL ? again.lines.line : 0;
    }
    return VARVE_OK;
}
