/*
 * NDJSON as values: the quick way for many lines. What is in no doubt goes to the engine as it is
 * to be stored. A line of which anything has to be judged stays aside, and is read as texts.
 */
#include "base/json.h"
#include "base/seam.h"
#include "table/input/json_cell.h"
#include "table/input/lines.h"
#include "table/input/ndjson.h"

/* Memory of parsed lines is given back when there is that much of it. */
#define PARSED_BYTES ((size_t)1 << 20)
/* Names of members that are remembered from one line to the next. */
#define NAME_BYTES_MAX 64
/* Lines are read twice where they stay aside: with more of them than one in eight, all as texts. */
#define ODD_ROWS_MAX 1000
#define ODD_PART 8
/* What a value takes in memory at the most, but for a long text, which takes what it takes in the line. */
#define VALUE_BYTES 16

/* A member of the last line; the next one is likely to have it at the same place. */
struct member {
    char name[NAME_BYTES_MAX];
    size_t name_len;
    int32_t column; /* -1: of none */
};

struct reader {
    const struct vv_table *table;
    const struct vv_schema *schema;
    struct vv_batch_input *input;
    struct vv_arena *arena; /* of the input */
    struct vv_cell_appender *appender;
    struct vv_arena parsed; /* of some lines */
    /* Of a row: the schema's columns, the arrival, whether it is beaten. */
    struct vv_cell *cells;
    size_t cells_len;
    struct member *members; /* as many as there are columns, and one more */
    bool *given;            /* by column: the line has it */
    struct vv_ndjson_found found;
    size_t odd_capacity;
};

static void reader_done(struct reader *reader)
{
    vv_cell_appender_close(&reader->appender);
    vv_arena_done(&reader->parsed);
}

/* The column of the member at that place of its line. */
static int32_t column_of(struct reader *reader, struct vv_str name, size_t place)
{
    if (place > reader->schema->fields_len)
        return vv_schema_find(reader->schema, name);
    struct member *member = &reader->members[place];
    if (name.len == 0 || name.len > sizeof(member->name))
        return vv_schema_find(reader->schema, name);
    if (!vv_str_eq((struct vv_str){member->name, member->name_len}, name)) {
        memcpy(member->name, name.ptr, name.len);
        member->name_len = name.len;
        member->column = vv_schema_find(reader->schema, name);
    }
    return member->column;
}

/* False: in doubt. */
static bool member_read(struct reader *reader, struct vv_str name, const struct vv_json *value,
    size_t place)
{
    int32_t column = column_of(reader, name, place);
    if (column < 0)
        return vv_str_eq(name, VV_STR("table")) && vv_ndjson_names_table(reader->table, value);
    if (reader->given[column])
        return false;
    reader->given[column] = true;
    return vv_json_cell(reader->schema->fields[column].type.kind, value,
        &reader->cells[column]);
}

static varve_status line_read(struct vv_op *op, struct reader *reader, struct vv_str line,
    bool *out_is_plain)
{
    const struct vv_json *row = NULL;
    const struct vv_json *iterator = NULL;
    const struct vv_json *value = NULL;
    struct vv_str name;
    size_t place = 0;
    *out_is_plain = false;
    if (vv_json_parse(op, &reader->parsed, line, &row) != VARVE_OK) {
        if (op->error.code != VARVE_ECORRUPT)
            return op->error.code;
        vv_forgive(op);
        return VARVE_OK;
    }
    for (size_t i = 0; i < reader->cells_len; i++)
        reader->cells[i].is_null = true;
    memset(reader->given, 0, reader->schema->fields_len * sizeof(bool));
    bool is_plain = vv_json_is(row, VV_JSON_OBJECT);
    while (is_plain && vv_json_each(row, &iterator, &name, &value))
        is_plain = member_read(reader, name, value, place++);
    *out_is_plain = is_plain;
    return VARVE_OK;
}

static varve_status row_put(struct vv_op *op, struct reader *reader, int64_t row)
{
    const struct vv_batch_input *input = reader->input;
    size_t columns_len = reader->schema->fields_len;
    for (size_t i = 0; i < columns_len; i++) {
        reader->found.has_value[i] |= !reader->cells[i].is_null;
        reader->found.is_named[i] |= reader->given[i];
    }
    if (input->arrivals != NULL && row <= (int64_t)input->arrivals_len) {
        reader->cells[columns_len].is_null = false;
        reader->cells[columns_len].as.integer = input->arrivals[row - 1];
    }
    reader->cells[columns_len + 1] = (struct vv_cell){.is_null = false};
    return vv_cell_appender_row(op, reader->appender, row, reader->cells);
}

static varve_status odd_add(struct vv_op *op, struct reader *reader, int64_t row)
{
    struct vv_batch_input *input = reader->input;
    void *rows = input->odd_rows;
    if (!vv_arena_grow(reader->arena, &rows, input->odd_len, &reader->odd_capacity,
            sizeof(int64_t), _Alignof(int64_t)))
        return vv_fail_memory(op);
    input->odd_rows = rows;
    input->odd_rows[input->odd_len++] = row;
    return VARVE_OK;
}

static bool is_too_odd(const struct vv_batch_input *input, int64_t rows)
{
    return input->odd_len > ODD_ROWS_MAX && (int64_t)input->odd_len > rows / ODD_PART;
}

static varve_status rows_read(struct vv_op *op, struct reader *reader, struct vv_lines *lines,
    int64_t *out_rows)
{
    while (!is_too_odd(reader->input, *out_rows)) {
        bool has_line = false;
        bool is_plain = false;
        struct vv_str line;
        VV_TRY(vv_lines_next(op, lines, &has_line, &line));
        if (!has_line)
            return vv_cell_appender_finish(op, reader->appender);
        if (vv_lines_is_blank(lines, line))
            continue;
        ++*out_rows;
        if (!lines->is_cut)
            VV_TRY(line_read(op, reader, line, &is_plain));
        VV_TRY(is_plain ? row_put(op, reader, *out_rows) : odd_add(op, reader, *out_rows));
        if (reader->parsed.bytes > PARSED_BYTES)
            vv_arena_done(&reader->parsed);
    }
    return VARVE_OK;
}

/* Names and types in the temporary table; *out_len 0: some column can't be one of values. */
static varve_status columns_make(struct vv_op *op, const struct reader *reader,
    struct vv_cell_column **out, size_t *out_len)
{
    const struct vv_schema *schema = reader->schema;
    struct vv_cell_column *columns = NULL;
    *out_len = 0;
    VV_NEW(op, &columns, struct vv_cell_column, schema->fields_len + 2);
    for (size_t i = 0; i < schema->fields_len; i++) {
        VV_CLEANUP(vv_buf_done) struct vv_buf type = VV_BUF_INIT(1 << 16);
        if (!vv_json_cell_fits(schema->fields[i].type.kind))
            return VARVE_OK;
        vv_type_sql(&schema->fields[i].type, &type);
        columns[i] = (struct vv_cell_column){vv_arena_format(reader->arena, "r%zu", i),
            vv_arena_str(reader->arena, vv_buf_str(&type))};
        if (!vv_buf_ok(&type) || columns[i].name.ptr == NULL || columns[i].type.ptr == NULL)
            return vv_fail_memory(op);
    }
    columns[schema->fields_len] = (struct vv_cell_column){VV_STR("arrival"), VV_STR("BIGINT")};
    columns[schema->fields_len + 1] =
        (struct vv_cell_column){VV_STR(VV_VALUES_BEATEN), VV_STR("BOOLEAN")};
    *out = columns;
    *out_len = schema->fields_len + 2;
    return VARVE_OK;
}

static varve_status columns_tell(struct vv_op *op, const struct reader *reader,
    const struct vv_cell_column *columns)
{
    size_t len = reader->schema->fields_len;
    struct vv_str *names = NULL;
    struct vv_str *types = NULL;
    VV_NEW(op, &names, struct vv_str, len + 1);
    VV_NEW(op, &types, struct vv_str, len + 1);
    for (size_t i = 0; i < len; i++) {
        names[i] = columns[i].name;
        types[i] = columns[i].type;
    }
    reader->input->row_sql = VV_STR("row_number");
    if (reader->input->arrivals != NULL)
        reader->input->arrival_sql = VV_STR("arrival");
    return vv_ndjson_columns(op, reader->arena, reader->schema, &reader->found, names, types,
        reader->input);
}

/* The lines that stay aside. */
static varve_status rest_load(struct vv_op *op, struct vv_work *work, struct vv_arena *arena,
    const struct vv_table *table, struct vv_batch_input *input)
{
    input->rest = NULL;
    if (input->odd_len == 0)
        return VARVE_OK;
    struct vv_batch_input *rest = vv_new(arena, struct vv_batch_input, 1);
    if (rest == NULL)
        return vv_fail_memory(op);
    *rest = (struct vv_batch_input){.format = input->format,
        .name = input->name,
        .source = input->source,
        .table = vv_arena_format(arena, "%.*s_rest", VV_ARG(input->table)),
        .table_sql = vv_arena_format(arena, "%.*s_rest", VV_ARG(input->table_sql)),
        .arrivals = input->arrivals,
        .arrivals_len = input->arrivals_len,
        .sets_aside = input->sets_aside,
        .rest_of = input};
    if (rest->table.ptr == NULL || rest->table_sql.ptr == NULL)
        return vv_fail_memory(op);
    VV_TRY(vv_input_load_ndjson(op, work, arena, table, rest));
    input->rest = rest;
    return VARVE_OK;
}

varve_status vv_input_load_cells(struct vv_op *op, struct vv_work *work, struct vv_arena *arena,
    const struct vv_table *table, struct vv_batch_input *input, bool *out_taken)
{
    VV_CLEANUP(vv_lines_done)
    struct vv_lines lines = {.source = &input->source, .name = input->name};
    VV_CLEANUP(reader_done)
    struct reader reader = {.table = table,
        .schema = &table->snapshot->schema,
        .input = input,
        .arena = arena,
        .parsed = VV_ARENA_INIT(VV_OP_BYTES_DEFAULT)};
    struct vv_cell_column *columns = NULL;
    struct vv_load_target target;
    int64_t rows = 0;
    *out_taken = false;
    input->odd_rows = NULL;
    input->odd_len = 0;
    input->rest = NULL;
    VV_TRY(columns_make(op, &reader, &columns, &reader.cells_len));
    if (reader.cells_len == 0)
        return VARVE_OK;
    if (work->is_single && input->source.bytes <= vv_engine_spare_bytes(table->engine))
        input->values_rows_max = vv_engine_spare_bytes(table->engine) /
                                 (VALUE_BYTES * (int64_t)(reader.cells_len + 1));
    VV_NEW(op, &reader.cells, struct vv_cell, reader.cells_len);
    VV_NEW(op, &reader.given, bool, reader.cells_len);
    VV_NEW(op, &reader.members, struct member, reader.schema->fields_len + 1);
    VV_NEW(op, &reader.found.has_value, bool, reader.cells_len);
    VV_NEW(op, &reader.found.is_named, bool, reader.cells_len);
    VV_TRY(vv_input_target(op, work, input, VV_STR("row_number"), &target));
    VV_TRY(vv_cell_appender_open(op, work->session, &target, columns, reader.cells_len,
        &reader.appender));
    VV_TRY(rows_read(op, &reader, &lines, &rows));
    vv_lines_done(&lines); /* the rest has a buffer of its own */
    if (is_too_odd(input, rows)) {
        input->values_rows_max = 0;
        return VARVE_OK;
    }
    *out_taken = true;
    vv_input_loaded(work, input, &target, rows);
    VV_TRY(columns_tell(op, &reader, columns));
    return rest_load(op, work, arena, table, input);
}

/* Of the input's rows, those that are bad in the batch. */
static struct vv_str bad_rows_sql(struct vv_op *op, const struct vv_work *work,
    const struct vv_batch_input *input, int64_t rows_before)
{
    return vv_arena_format(&op->arena,
        "SELECT row_number FROM %.*s WHERE row_number + %" PRId64
        " IN (SELECT _row FROM %.*s WHERE _bad)",
        VV_ARG(input->sql), rows_before, VV_ARG(work->batch.sql));
}

/* Among the rows that stay aside anyway, in their order. */
static varve_status odd_merge(struct vv_op *op, struct vv_rows *bad, struct vv_arena *arena,
    struct vv_batch_input *input)
{
    void *merged = NULL;
    size_t len = 0;
    size_t capacity = 0;
    size_t old = 0;
    bool has_row = false;
    VV_TRY(vv_rows_next(op, bad, &has_row));
    while (has_row || old < input->odd_len) {
        if (!vv_arena_grow(arena, &merged, len, &capacity, sizeof(int64_t), _Alignof(int64_t)))
            return vv_fail_memory(op);
        int64_t row = has_row ? vv_rows_int64(bad, 0) : INT64_MAX;
        bool is_old = old < input->odd_len && input->odd_rows[old] < row;
        ((int64_t *)merged)[len++] = is_old ? input->odd_rows[old] : row;
        old += is_old;
        if (!is_old)
            VV_TRY(vv_rows_next(op, bad, &has_row));
    }
    input->odd_rows = merged;
    input->odd_len = len;
    return VARVE_OK;
}

/* Leaves rows out. Those in memory can't be deleted; they go to the table that they are too few for. */
static struct vv_str without_sql(struct vv_op *op, const struct vv_batch_input *input,
    struct vv_str which)
{
    if (!input->in_memory)
        return vv_arena_format(&op->arena, "DELETE FROM %.*s WHERE row_number IN (%.*s)",
            VV_ARG(input->table_sql), VV_ARG(which));
    return vv_arena_format(&op->arena,
        "CREATE OR REPLACE TEMP TABLE %.*s AS SELECT * FROM %.*s WHERE row_number NOT IN "
        "(%.*s)",
        VV_ARG(input->table_sql), VV_ARG(input->sql), VV_ARG(which));
}

varve_status vv_input_demote_cells(struct vv_op *op, struct vv_work *work,
    struct vv_arena *arena, const struct vv_table *table, struct vv_batch_input *input,
    int64_t rows_before)
{
    VV_CLEANUP(vv_rows_close) struct vv_rows *bad = NULL;
    struct vv_str which = bad_rows_sql(op, work, input, rows_before);
    struct vv_str ordered = vv_arena_format(&op->arena, "%.*s ORDER BY 1", VV_ARG(which));
    struct vv_str gone = without_sql(op, input, which);
    if (which.ptr == NULL || ordered.ptr == NULL || gone.ptr == NULL)
        return vv_fail_memory(op);
    VV_TRY(vv_session_query(op, work->session, ordered, &bad));
    VV_TRY(odd_merge(op, bad, arena, input));
    vv_rows_close(&bad);
    VV_TRY(vv_session_exec(op, work->session, gone));
    if (input->in_memory)
        vv_rowset_clear(work->input);
    input->in_memory = false;
    input->sql = input->table_sql;
    work->has_tables = true;
    return rest_load(op, work, arena, table, input);
}
