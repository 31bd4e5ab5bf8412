#include "table/input/row_json.h"

#include "base/json_write.h"
#include "table/input/convert.h"

/* Levels of a line with words, which is written anew. */
#define DEPTH_MAX (VV_JSON_WRITER_DEPTH_MAX - 2)

struct settling {
    struct vv_op *op;
    struct vv_str column;
    struct vv_json_writer *writer;
    size_t depth;
};

static varve_status settle(struct settling *settling, const struct vv_type *type,
    const struct vv_json *value);

static bool is_number(const struct vv_json *value, const char *text)
{
    return vv_json_is(value, VV_JSON_NUMBER) && vv_str_eq(vv_json_text(value), vv_str_of(text));
}

bool vv_row_is_nan(const struct vv_json *value)
{
    return is_number(value, "NaN");
}

static bool is_infinite(const struct vv_json *value)
{
    return is_number(value, "Infinity") || is_number(value, "-Infinity");
}

/* All other numbers end in a digit. */
static bool is_word(const struct vv_json *value)
{
    struct vv_str text = vv_json_text(value);
    return vv_json_is(value, VV_JSON_NUMBER) &&
           (text.ptr[text.len - 1] < '0' || text.ptr[text.len - 1] > '9');
}

/* The base64 of bytes; NONE: the value is something else. */
static struct vv_str bytes_text(const struct vv_json *value)
{
    const struct vv_json *iterator = NULL;
    const struct vv_json *mark = NULL;
    const struct vv_json *text = NULL;
    struct vv_str name;
    if (!vv_json_is(value, VV_JSON_ARRAY) || vv_json_len(value) != 2 ||
        !vv_json_each(value, &iterator, &name, &mark) || !is_number(mark, "nan") ||
        !vv_json_each(value, &iterator, &name, &text) || !vv_json_is(text, VV_JSON_STRING))
        return VV_STR_NONE;
    return vv_json_text(text);
}

bool vv_row_is_bytes(const struct vv_json *value)
{
    return bytes_text(value).ptr != NULL;
}

static varve_status refuse(const struct settling *settling, const struct vv_type *type,
    const char *what)
{
    VV_CLEANUP(vv_buf_done) struct vv_buf name = VV_BUF_INIT(1 << 20);
    vv_type_name(type, &name);
    return vv_fail(settling->op, VARVE_EINVALID, "%.*s has %s, where type %.*s has to be",
        VV_ARG(settling->column), what, VV_ARG(vv_buf_str(&name)));
}

static varve_status settle_word(const struct settling *settling, const struct vv_type *type,
    const struct vv_json *value)
{
    bool is_nan = vv_row_is_nan(value);
    if (!is_nan && !is_infinite(value))
        return vv_fail(settling->op, VARVE_EINVALID, "not JSON: %.*s",
            VV_ARG(vv_json_text(value)));
    if (type != NULL && vv_type_is_float(type))
        vv_jw_string(settling->writer, vv_json_text(value));
    else if (is_nan)
        vv_jw_null(settling->writer);
    else if (type == NULL)
        vv_jw_string(settling->writer, vv_json_text(value));
    else
        return refuse(settling, type, "an infinite float");
    return VARVE_OK;
}

const struct vv_type *vv_row_type_within(const struct vv_type *type, bool is_object,
    struct vv_str name)
{
    if (type == NULL || !vv_type_is_nested(type))
        return type;
    if (type->kind == (is_object ? VV_TYPE_MAP : VV_TYPE_ARRAY))
        return type->element;
    for (size_t i = 0; is_object && i < type->fields_len; i++)
        if (vv_str_eq_nocase(type->fields[i].name, name))
            return &type->fields[i].type;
    return NULL;
}

static varve_status settle_composed(struct settling *settling, const struct vv_type *type,
    const struct vv_json *value)
{
    const struct vv_json *iterator = NULL;
    const struct vv_json *element = NULL;
    struct vv_str name;
    bool is_object = vv_json_is(value, VV_JSON_OBJECT);
    if (settling->depth == DEPTH_MAX)
        return vv_fail(settling->op, VARVE_EINVALID,
            "%.*s has NaN or bytes and is nested more than %d deep", VV_ARG(settling->column),
            DEPTH_MAX);
    settling->depth++;
    (is_object ? vv_jw_object : vv_jw_array)(settling->writer);
    while (vv_json_each(value, &iterator, &name, &element)) {
        if (is_object)
            vv_jw_key_str(settling->writer, name);
        VV_TRY(settle(settling, vv_row_type_within(type, is_object, name), element));
    }
    vv_jw_end(settling->writer);
    settling->depth--;
    return VARVE_OK;
}

static varve_status settle(struct settling *settling, const struct vv_type *type,
    const struct vv_json *value)
{
    struct vv_str bytes = bytes_text(value);
    if (bytes.ptr != NULL) {
        if (type != NULL && type->kind != VV_TYPE_BINARY)
            return refuse(settling, type, "bytes");
        vv_jw_string(settling->writer, bytes);
        return VARVE_OK;
    }
    if (is_word(value))
        return settle_word(settling, type, value);
    if (vv_json_is(value, VV_JSON_ARRAY) || vv_json_is(value, VV_JSON_OBJECT))
        return settle_composed(settling, type, value);
    vv_jw_json(settling->writer, value);
    return VARVE_OK;
}

static varve_status settle_row(struct vv_op *op, const struct vv_schema *schema,
    const struct vv_json *row, struct vv_json_writer *writer)
{
    struct settling settling = {.op = op, .writer = writer};
    const struct vv_json *iterator = NULL;
    const struct vv_json *value = NULL;
    if (!vv_json_is(row, VV_JSON_OBJECT))
        return settle(&settling, NULL, row);
    vv_jw_object(writer);
    while (vv_json_each(row, &iterator, &settling.column, &value)) {
        int32_t at = vv_schema_find(schema, settling.column);
        vv_jw_key_str(writer, settling.column);
        VV_TRY(settle(&settling, at >= 0 ? &schema->fields[at].type : NULL, value));
    }
    vv_jw_end(writer);
    return VARVE_OK;
}

varve_status vv_row_parse(struct vv_op *op, struct vv_arena *arena, struct vv_str text,
    const struct vv_json **out, bool *out_has_words)
{
    varve_status status = vv_json_parse(op, arena, text, out);
    *out_has_words = false;
    if (status != VARVE_ECORRUPT)
        return status;
    vv_forgive(op);
    *out_has_words = true;
    return vv_json_parse_words(op, arena, text, out);
}

varve_status vv_row_read(struct vv_op *op, struct vv_arena *arena,
    const struct vv_schema *schema, struct vv_str text, const struct vv_json **out)
{
    VV_CLEANUP(vv_buf_done) struct vv_buf plain = VV_BUF_INIT(VV_BUF_MAX);
    struct vv_json_writer writer = VV_JSON_WRITER_INIT(&plain);
    bool has_words = false;
    VV_TRY(vv_row_parse(op, arena, text, out, &has_words));
    if (!has_words)
        return VARVE_OK;
    VV_TRY(settle_row(op, schema, *out, &writer));
    return vv_buf_ok(&plain) ? vv_json_parse(op, arena, vv_buf_str(&plain), out)
                             : vv_fail_memory(op);
}
