#include "engine/param.h"

#include "base/json_write.h"
#include "base/nearest.h"
#include "base/number.h"
#include "base/time.h"

#define DECIMAL_DIGITS_MAX 38

__extension__ typedef unsigned __int128 wide;

static const struct {
    const char *name;
    enum vv_sql_type type;
    const char *engine; /* what the engine calls it */
} types[] = {
    {"string", VV_SQL_STRING, "VARCHAR"},
    {"boolean", VV_SQL_BOOLEAN, "BOOLEAN"},
    {"bigint", VV_SQL_BIGINT, "BIGINT"},
    {"double", VV_SQL_DOUBLE, "DOUBLE"},
    {"decimal", VV_SQL_DECIMAL, "DECIMAL"},
    {"date", VV_SQL_DATE, "DATE"},
    {"timestamp", VV_SQL_TIMESTAMP, "TIMESTAMP WITH TIME ZONE"},
    {"timestamp_ntz", VV_SQL_TIMESTAMP_NTZ, "TIMESTAMP"},
    {"time", VV_SQL_TIME, "TIME"},
    {"binary", VV_SQL_BINARY, "BLOB"},
};

/* What columns are called as well, where that is one of these types. */
static const struct {
    const char *name;
    enum vv_sql_type type;
} other_names[] = {
    {"varchar", VV_SQL_STRING},
    {"text", VV_SQL_STRING},
    {"bool", VV_SQL_BOOLEAN},
    {"long", VV_SQL_BIGINT},
    {"int", VV_SQL_BIGINT},
    {"integer", VV_SQL_BIGINT},
    {"numeric", VV_SQL_DECIMAL},
    {"timestamptz", VV_SQL_TIMESTAMP},
    {"blob", VV_SQL_BINARY},
};

/* Its place in `types`; behind them: there is no such type. */
static size_t find_type(struct vv_str name)
{
    size_t found = VV_COUNT(types);
    for (size_t i = 0; i < VV_COUNT(types); i++)
        found = vv_str_eq_nocase(name, vv_str_of(types[i].name)) ? i : found;
    for (size_t i = 0; i < VV_COUNT(other_names); i++)
        for (size_t j = 0;
             vv_str_eq_nocase(name, vv_str_of(other_names[i].name)) && j < VV_COUNT(types); j++)
            found = types[j].type == other_names[i].type ? j : found;
    return found;
}

static varve_status refuse_type(struct vv_op *op, struct vv_str name, struct vv_str type)
{
    struct vv_str names[VV_COUNT(types)];
    for (size_t i = 0; i < VV_COUNT(types); i++)
        names[i] = vv_str_of(types[i].name);
    struct vv_str nearest = vv_nearest_name(type, names, VV_COUNT(names));
    return vv_fail(op, VARVE_EUSAGE,
        "parameter $%.*s is of type '%.*s', which is none of string, boolean, bigint, "
        "double, decimal, date, timestamp, timestamp_ntz, time and binary%s%.*s%s",
        VV_ARG(name), VV_ARG(type), nearest.len > 0 ? "; did you mean " : "", VV_ARG(nearest),
        nearest.len > 0 ? "?" : "");
}

static bool read_boolean(struct vv_str text, struct vv_sql_param *out)
{
    out->number = vv_str_eq_nocase(text, VV_STR("true"));
    return out->number || vv_str_eq_nocase(text, VV_STR("false"));
}

/* "-12.50": the digits as one integer, and how many of them lie behind the point. */
static bool read_decimal(struct vv_str text, struct vv_sql_param *out)
{
    bool is_negative = text.len > 0 && text.ptr[0] == '-';
    size_t sign_len = is_negative || (text.len > 0 && text.ptr[0] == '+') ? 1 : 0;
    bool has_point = false;
    unsigned digits = 0;
    wide value = 0;
    out->scale = 0;
    for (size_t at = sign_len; at < text.len; at++) {
        char byte = text.ptr[at];
        if (byte == '.' && !has_point) {
            has_point = true;
            continue;
        }
        if (byte < '0' || byte > '9' || digits == DECIMAL_DIGITS_MAX)
            return false;
        value = value * 10 + (unsigned)(byte - '0');
        digits += value != 0 || has_point; /* zeros in front are none */
        out->scale = (uint8_t)(out->scale + has_point);
    }
    if (text.len == sign_len || text.ptr[text.len - 1] == '.')
        return false;
    out->width = (uint8_t)(digits > 0 ? digits : 1);
    value = is_negative ? -value : value; /* two's complement */
    out->decimal_low = (uint64_t)value;
    out->decimal_high = (int64_t)(value >> 64);
    return true;
}

static bool read_time(struct vv_op *op, struct vv_str text, struct vv_sql_param *out)
{
    bool has_zone = false;
    bool is_finer = false;
    struct vv_str whole = vv_arena_format(&op->arena, "1970-01-01T%.*s", VV_ARG(text));
    return whole.ptr != NULL && vv_time_parse(whole, &out->number, &has_zone, &is_finer) &&
           !has_zone && !is_finer;
}

static bool read_timestamp(struct vv_str text, struct vv_sql_param *out)
{
    bool has_zone = false;
    bool is_finer = false;
    return vv_time_parse(text, &out->number, &has_zone, &is_finer) && !is_finer &&
           (!has_zone || out->type == VV_SQL_TIMESTAMP);
}

static bool read_date(struct vv_str text, struct vv_sql_param *out)
{
    int32_t days = 0;
    bool is_one = vv_time_parse_date(text, &days);
    out->number = days;
    return is_one;
}

static int hex_of(char byte)
{
    if (byte >= '0' && byte <= '9')
        return byte - '0';
    byte = (char)(byte | 0x20);
    return byte >= 'a' && byte <= 'f' ? byte - 'a' + 10 : -1;
}

/* The bytes, for the engine; and how it writes them in a text. */
static bool read_binary(struct vv_op *op, struct vv_str text, struct vv_sql_param *out)
{
    char *bytes = vv_new(&op->arena, char, text.len / 2 + 1);
    char *literal = vv_new(&op->arena, char, text.len * 2 + 1);
    if (bytes == NULL || literal == NULL || text.len % 2 != 0)
        return false;
    for (size_t i = 0; i < text.len / 2; i++) {
        int high = hex_of(text.ptr[2 * i]);
        int low = hex_of(text.ptr[2 * i + 1]);
        if (high < 0 || low < 0)
            return false;
        bytes[i] = (char)(high * 16 + low);
        literal[4 * i] = '\\';
        literal[4 * i + 1] = 'x';
        literal[4 * i + 2] = text.ptr[2 * i];
        literal[4 * i + 3] = text.ptr[2 * i + 1];
    }
    out->bytes = (struct vv_str){bytes, text.len / 2};
    out->value = (struct vv_str){literal, text.len * 2};
    return true;
}

static bool read_value(struct vv_op *op, struct vv_str text, struct vv_sql_param *out)
{
    switch (out->type) {
    case VV_SQL_LITERAL:
    case VV_SQL_STRING:
        return true;
    case VV_SQL_BOOLEAN:
        return read_boolean(text, out);
    case VV_SQL_BIGINT:
        return vv_str_int64(text, &out->number);
    case VV_SQL_DOUBLE:
        return vv_number_parse(text, &out->real);
    case VV_SQL_DECIMAL:
        return read_decimal(text, out);
    case VV_SQL_DATE:
        return read_date(text, out);
    case VV_SQL_TIMESTAMP:
    case VV_SQL_TIMESTAMP_NTZ:
        return read_timestamp(text, out);
    case VV_SQL_TIME:
        return read_time(op, text, out);
    case VV_SQL_BINARY:
    default:
        return read_binary(op, text, out);
    }
}

varve_status vv_sql_param_read(struct vv_op *op, struct vv_str name, struct vv_str type,
    struct vv_str value, struct vv_sql_param *out)
{
    struct vv_sql_param param = {.name = name, .value = value};
    size_t found = type.ptr != NULL ? find_type(type) : VV_COUNT(types);
    if (type.ptr != NULL && found == VV_COUNT(types))
        return refuse_type(op, name, type);
    if (type.ptr != NULL)
        param.type = types[found].type;
    if (value.ptr != NULL && !read_value(op, value, &param))
        return vv_fail(op, VARVE_EUSAGE, "the value '%.*s' of the parameter $%.*s is no %s%s",
            VV_ARG(vv_str_first(value, 100)), VV_ARG(name), types[found].name,
            param.type == VV_SQL_BINARY ? " in hexadecimal digits" : "");
    *out = param;
    return VARVE_OK;
}

static void add_text(struct vv_json_writer *writer, struct vv_str text)
{
    vv_jw_object(writer);
    vv_jw_key_string(writer, "class", VV_STR("CONSTANT"));
    vv_jw_key_string(writer, "type", VV_STR("VALUE_CONSTANT"));
    vv_jw_key_string(writer, "alias", VV_STR(""));
    vv_jw_key(writer, "value");
    vv_jw_object(writer);
    vv_jw_key(writer, "type");
    vv_jw_raw(writer, VV_STR("{\"id\":\"VARCHAR\",\"type_info\":null}"));
    vv_jw_key_bool(writer, "is_null", text.ptr == NULL);
    if (text.ptr != NULL)
        vv_jw_key_string(writer, "value", text);
    vv_jw_end(writer);
    vv_jw_end(writer);
}

static void add_type(struct vv_json_writer *writer, const struct vv_sql_param *param)
{
    const char *engine = "VARCHAR";
    for (size_t i = 0; i < VV_COUNT(types); i++)
        engine = types[i].type == param->type ? types[i].engine : engine;
    vv_jw_object(writer);
    vv_jw_key_string(writer, "id", vv_str_of(engine));
    vv_jw_key(writer, "type_info");
    if (param->type == VV_SQL_DECIMAL && param->value.ptr != NULL) {
        vv_jw_object(writer);
        vv_jw_key_string(writer, "type", VV_STR("DECIMAL_TYPE_INFO"));
        vv_jw_key_string(writer, "alias", VV_STR(""));
        vv_jw_key_string(writer, "extension_info", VV_STR_NONE);
        vv_jw_key_int(writer, "width", param->width);
        vv_jw_key_int(writer, "scale", param->scale);
        vv_jw_end(writer);
    } else {
        vv_jw_null(writer);
    }
    vv_jw_end(writer);
}

void vv_sql_param_add_node(const struct vv_sql_param *param, struct vv_buf *json)
{
    struct vv_json_writer writer = VV_JSON_WRITER_INIT(json);
    if (param->type == VV_SQL_LITERAL) {
        add_text(&writer, param->value);
        return;
    }
    vv_jw_object(&writer);
    vv_jw_key_string(&writer, "class", VV_STR("CAST"));
    vv_jw_key_string(&writer, "type", VV_STR("OPERATOR_CAST"));
    vv_jw_key_string(&writer, "alias", VV_STR(""));
    vv_jw_key(&writer, "child");
    add_text(&writer, param->value);
    vv_jw_key(&writer, "cast_type");
    add_type(&writer, param);
    vv_jw_key_bool(&writer, "try_cast", false);
    vv_jw_end(&writer);
}
