#include "engine/parquet_vector.h"

/* What is taken from: entries of a cursor that are there one by one. */
struct source {
    struct vv_pq_cursor *cursor;
    uint64_t *validity; /* of the vector */
    idx_t at;           /* row of the vector */
    size_t left;        /* entries */
};

duckdb_logical_type vv_vector_type(const struct vv_small_column *column)
{
    static const duckdb_type types[] = {
        [VV_SMALL_BOOLEAN] = DUCKDB_TYPE_BOOLEAN,
        [VV_SMALL_TINYINT] = DUCKDB_TYPE_TINYINT,
        [VV_SMALL_SMALLINT] = DUCKDB_TYPE_SMALLINT,
        [VV_SMALL_INTEGER] = DUCKDB_TYPE_INTEGER,
        [VV_SMALL_BIGINT] = DUCKDB_TYPE_BIGINT,
        [VV_SMALL_FLOAT] = DUCKDB_TYPE_FLOAT,
        [VV_SMALL_DOUBLE] = DUCKDB_TYPE_DOUBLE,
        [VV_SMALL_VARCHAR] = DUCKDB_TYPE_VARCHAR,
        [VV_SMALL_DATE] = DUCKDB_TYPE_DATE,
        [VV_SMALL_TIMESTAMP] = DUCKDB_TYPE_TIMESTAMP,
        [VV_SMALL_TIMESTAMPTZ] = DUCKDB_TYPE_TIMESTAMP_TZ,
    };
    return column->type == VV_SMALL_DECIMAL
               ? duckdb_create_decimal_type(column->precision, column->scale)
               : duckdb_create_logical_type(types[column->type]);
}

size_t vv_vector_value_bytes(const struct vv_small_column *column)
{
    static const uint8_t bytes[] = {[VV_SMALL_BOOLEAN] = 1,
        [VV_SMALL_TINYINT] = 1,
        [VV_SMALL_SMALLINT] = 2,
        [VV_SMALL_INTEGER] = 4,
        [VV_SMALL_BIGINT] = 8,
        [VV_SMALL_FLOAT] = 4,
        [VV_SMALL_DOUBLE] = 8,
        [VV_SMALL_VARCHAR] = 16,
        [VV_SMALL_DATE] = 4,
        [VV_SMALL_TIMESTAMP] = 8,
        [VV_SMALL_TIMESTAMPTZ] = 8,
        [VV_SMALL_DECIMAL] = 16};
    return bytes[column->type];
}

/* On to the next entry that is there, NULLs on the way put down; false at the end. */
static bool next(struct source *source, idx_t *out_at, size_t *out_value)
{
    struct vv_pq_cursor *cursor = source->cursor;
    const uint8_t *def = cursor->column.def;
    while (source->left > 0) {
        bool is_there = def == NULL || def[cursor->entry] == cursor->column.node->def_max;
        *out_at = source->at++;
        source->left--;
        cursor->entry++;
        if (is_there) {
            *out_value = cursor->value++;
            return true;
        }
        duckdb_validity_set_row_invalid(source->validity, *out_at);
    }
    return false;
}

/* All entries at once where none of the column is NULL: how many, from *out_value to row *out_at. */
static size_t take_all(struct source *source, idx_t *out_at, size_t *out_value)
{
    struct vv_pq_cursor *cursor = source->cursor;
    if (cursor->column.values_len != cursor->column.entries)
        return 0;
    size_t len = source->left;
    *out_at = source->at;
    *out_value = cursor->value;
    source->at += len;
    source->left = 0;
    cursor->entry += len;
    cursor->value += len;
    return len;
}

#define PUT_NUMBERS(source, vector, type, values)         \
    do {                                                  \
        type *numbers = duckdb_vector_get_data(vector);   \
        idx_t row = 0;                                    \
        size_t value = 0;                                 \
        size_t all = take_all(source, &row, &value);      \
        for (size_t i = 0; i < all; i++)                  \
            numbers[row + i] = (type)(values)[value + i]; \
        while (next(source, &row, &value))                \
            numbers[row] = (type)(values)[value];         \
    } while (0)

static bool fits(int64_t value, int64_t min, int64_t max)
{
    return value >= min && value <= max;
}

/* A number of another width must not change on its way: damaged files hold such. */
static bool put_narrow(struct source *source, duckdb_vector vector, bool is_byte)
{
    int8_t *bytes = duckdb_vector_get_data(vector);
    int16_t *shorts = duckdb_vector_get_data(vector);
    idx_t row;
    size_t index;
    while (next(source, &row, &index)) {
        int64_t value = source->cursor->column.ints[index];
        if (!(is_byte ? fits(value, INT8_MIN, INT8_MAX) : fits(value, INT16_MIN, INT16_MAX)))
            return false;
        if (is_byte)
            bytes[row] = (int8_t)value;
        else
            shorts[row] = (int16_t)value;
    }
    return true;
}

/* A text that lies in its cell, with zeros behind it, by which cells are compared. */
static duckdb_string_t short_text(struct vv_str text)
{
    duckdb_string_t cell;
    memset(&cell, 0, sizeof(cell));
    cell.value.inlined.length = (uint32_t)text.len;
    memcpy(cell.value.inlined.inlined, text.ptr, text.len);
    return cell;
}

static void put_texts(struct source *source, duckdb_vector vector)
{
    duckdb_string_t *cells = duckdb_vector_get_data(vector);
    idx_t row;
    size_t index;
    while (next(source, &row, &index)) {
        struct vv_str text = source->cursor->column.texts[index];
        if (text.len <= VV_VECTOR_INLINE_MAX)
            cells[row] = short_text(text);
        else
            duckdb_vector_assign_string_element_len(vector, row, text.ptr, text.len);
    }
}

/* Big endian, in two's complement, of at most 16 bytes. */
static duckdb_hugeint wide_of(struct vv_str bytes)
{
    bool is_negative = bytes.len > 0 && (uint8_t)bytes.ptr[0] >= 0x80;
    uint64_t high = is_negative ? UINT64_MAX : 0;
    uint64_t low = high;
    for (size_t i = 0; i < bytes.len; i++) {
        high = high << 8 | low >> 56;
        low = low << 8 | (uint8_t)bytes.ptr[i];
    }
    return (duckdb_hugeint){.lower = low, .upper = (int64_t)high};
}

static duckdb_hugeint decimal_at(const struct vv_pq_column *column, size_t index)
{
    if (column->texts != NULL)
        return wide_of(column->texts[index]);
    int64_t value = column->ints[index];
    return (duckdb_hugeint){.lower = (uint64_t)value, .upper = value < 0 ? -1 : 0};
}

/* A decimal lies in the narrowest number that has room for its digits. */
static bool put_decimal(void *numbers, idx_t row, uint8_t precision, duckdb_hugeint wide)
{
    int64_t value = (int64_t)wide.lower;
    if (precision > 18) {
        ((duckdb_hugeint *)numbers)[row] = wide;
        return true;
    }
    if (wide.upper != (value < 0 ? -1 : 0))
        return false;
    if (precision > 9) {
        ((int64_t *)numbers)[row] = value;
        return true;
    }
    if (precision > 4) {
        ((int32_t *)numbers)[row] = (int32_t)value;
        return fits(value, INT32_MIN, INT32_MAX);
    }
    ((int16_t *)numbers)[row] = (int16_t)value;
    return fits(value, INT16_MIN, INT16_MAX);
}

static bool put_decimals(struct source *source, duckdb_vector vector, uint8_t precision)
{
    void *numbers = duckdb_vector_get_data(vector);
    idx_t row;
    size_t index;
    while (next(source, &row, &index))
        if (!put_decimal(numbers, row, precision, decimal_at(&source->cursor->column, index)))
            return false;
    return true;
}

bool vv_vector_put(duckdb_vector vector, const struct vv_small_column *column,
    struct vv_pq_cursor *cursor, idx_t at, size_t len)
{
    struct source source = {.cursor = cursor, .at = at, .left = len};
    if (cursor->column.values_len != cursor->column.entries) {
        duckdb_vector_ensure_validity_writable(vector);
        source.validity = duckdb_vector_get_validity(vector);
    }
    switch (column->type) {
    case VV_SMALL_BOOLEAN:
        PUT_NUMBERS(&source, vector, bool, cursor->column.ints);
        return true;
    case VV_SMALL_TINYINT:
    case VV_SMALL_SMALLINT:
        return put_narrow(&source, vector, column->type == VV_SMALL_TINYINT);
    case VV_SMALL_INTEGER:
    case VV_SMALL_DATE:
        PUT_NUMBERS(&source, vector, int32_t, cursor->column.ints);
        return true;
    case VV_SMALL_BIGINT:
    case VV_SMALL_TIMESTAMP:
    case VV_SMALL_TIMESTAMPTZ:
        PUT_NUMBERS(&source, vector, int64_t, cursor->column.ints);
        return true;
    case VV_SMALL_FLOAT:
        PUT_NUMBERS(&source, vector, float, cursor->column.doubles);
        return true;
    case VV_SMALL_DOUBLE:
        PUT_NUMBERS(&source, vector, double, cursor->column.doubles);
        return true;
    case VV_SMALL_VARCHAR:
        put_texts(&source, vector);
        return true;
    case VV_SMALL_DECIMAL:
        return put_decimals(&source, vector, column->precision);
    }
    return false;
}

void vv_vector_put_nulls(duckdb_vector vector, idx_t at, size_t len)
{
    duckdb_vector_ensure_validity_writable(vector);
    uint64_t *validity = duckdb_vector_get_validity(vector);
    for (size_t i = 0; i < len; i++)
        duckdb_validity_set_row_invalid(validity, at + i);
}

void vv_vector_bind(duckdb_bind_info info, const struct vv_small_column *columns, size_t len)
{
    VV_CLEANUP(vv_duck_type_done)
    duckdb_logical_type index = duckdb_create_logical_type(DUCKDB_TYPE_UBIGINT);
    VV_CLEANUP(vv_duck_type_done)
    duckdb_logical_type row = duckdb_create_logical_type(DUCKDB_TYPE_BIGINT);
    duckdb_bind_add_result_column(info, "file_index", index);
    duckdb_bind_add_result_column(info, "file_row_number", row);
    for (size_t i = 0; i < len; i++) {
        VV_CLEANUP(vv_duck_type_done)
        duckdb_logical_type type = vv_vector_type(&columns[i]);
        VV_CLEANUP(vv_duck_text_done) char *name = NULL;
        VV_CLEANUP(vv_op_done) struct vv_op op;
        vv_op_init(&op, NULL, (size_t)1 << 16);
        if (vv_duck_text(&op, "the name of a column", columns[i].name, &name) != VARVE_OK) {
            duckdb_bind_set_error(info, VV_DUCK_NO_MEMORY);
            vv_forgive(&op);
            return;
        }
        duckdb_bind_add_result_column(info, name, type);
    }
}

idx_t *vv_vector_wanted(duckdb_init_info info, struct vv_arena *arena, idx_t *out_len)
{
    *out_len = duckdb_init_get_column_count(info);
    idx_t *columns = vv_new(arena, idx_t, *out_len + 1);
    for (idx_t i = 0; columns != NULL && i < *out_len; i++)
        columns[i] = duckdb_init_get_column_index(info, i);
    return columns;
}

bool vv_vector_is_of_file(idx_t column, size_t columns_len, size_t *out)
{
    *out = (size_t)column - VV_VECTOR_FIRST_COLUMN;
    return column >= VV_VECTOR_FIRST_COLUMN && *out < columns_len;
}

void vv_vector_put_place(duckdb_vector vector, idx_t column, uint64_t file_index, int64_t row,
    idx_t at, size_t len)
{
    void *numbers = duckdb_vector_get_data(vector);
    for (size_t i = 0; column == 0 && i < len; i++)
        ((uint64_t *)numbers)[at + i] = file_index;
    for (size_t i = 0; column == 1 && i < len; i++)
        ((int64_t *)numbers)[at + i] = row + (int64_t)i;
}

void vv_vector_tell_unread(duckdb_function_info info, struct vv_op *op, struct vv_str file)
{
    varve_status code = op->error.code;
    bool is_damaged = code == VARVE_ECORRUPT || code == VARVE_EUNSUPPORTED;
    const char *what = code == VARVE_ELIMIT ? VV_DUCK_NO_MEMORY
                       : is_damaged         ? VV_DUCK_DAMAGED
                                            : VV_DUCK_UNREAD;
    struct vv_str text =
        vv_arena_format(&op->arena, "%s: %.*s: %s", what, VV_ARG(file), op->error.message);
    duckdb_function_set_error(info, text.ptr != NULL ? text.ptr : what);
    vv_forgive(op);
}
