#include "table/input/convert.h"

#include "engine/sql.h"
#include "table/input/source_type.h"

enum source_kind {
    SOURCE_TEXT,
    SOURCE_BOOLEAN,
    SOURCE_INTEGER,
    SOURCE_FLOAT,
    SOURCE_DECIMAL,
    SOURCE_DATE,
    SOURCE_TIMESTAMP,    /* naive; to the microsecond or less fine */
    SOURCE_TIMESTAMP_NS, /* naive */
    SOURCE_TIMESTAMP_TZ,
    SOURCE_TIMESTAMP_TZ_NS, /* a struct of the two parts, as vv_session_load_arrow makes it */
    SOURCE_TIMESTAMP_PAIR, /* the same of a naive time, finer than 64 bits are (INT96 of Parquet) */
    SOURCE_BINARY,
    SOURCE_NESTED,
    SOURCE_OTHER
};

static const struct {
    const char *name;
    enum source_kind kind;
} source_names[] = {
    {"VARCHAR", SOURCE_TEXT},
    {"BOOLEAN", SOURCE_BOOLEAN},
    {"TINYINT", SOURCE_INTEGER},
    {"SMALLINT", SOURCE_INTEGER},
    {"INTEGER", SOURCE_INTEGER},
    {"BIGINT", SOURCE_INTEGER},
    {"HUGEINT", SOURCE_INTEGER},
    {"UTINYINT", SOURCE_INTEGER},
    {"USMALLINT", SOURCE_INTEGER},
    {"UINTEGER", SOURCE_INTEGER},
    {"UBIGINT", SOURCE_INTEGER},
    {"UHUGEINT", SOURCE_INTEGER},
    {"FLOAT", SOURCE_FLOAT},
    {"DOUBLE", SOURCE_FLOAT},
    {"DATE", SOURCE_DATE},
    {"TIMESTAMP", SOURCE_TIMESTAMP},
    {"TIMESTAMP_S", SOURCE_TIMESTAMP},
    {"TIMESTAMP_MS", SOURCE_TIMESTAMP},
    {"TIMESTAMP_NS", SOURCE_TIMESTAMP_NS},
    {"TIMESTAMP WITH TIME ZONE", SOURCE_TIMESTAMP_TZ},
    {"BLOB", SOURCE_BINARY},
};

static enum source_kind source_kind(struct vv_str type)
{
    if (vv_str_eq(type, VV_STR(VV_SOURCE_PAIR_TZ)))
        return SOURCE_TIMESTAMP_TZ_NS;
    if (vv_str_eq(type, VV_STR(VV_SOURCE_PAIR)))
        return SOURCE_TIMESTAMP_PAIR;
    if (vv_str_ends(type, VV_STR("]")) || vv_str_starts(type, VV_STR("STRUCT(")) ||
        vv_str_starts(type, VV_STR("MAP(")))
        return SOURCE_NESTED;
    if (vv_str_starts(type, VV_STR("DECIMAL(")))
        return SOURCE_DECIMAL;
    if (vv_str_starts(type, VV_STR("ENUM(")))
        return SOURCE_TEXT;
    for (size_t index = 0; index < VV_COUNT(source_names); index++)
        if (vv_str_eq(type, vv_str_of(source_names[index].name)))
            return source_names[index].kind;
    return SOURCE_OTHER;
}

static bool is_number(enum source_kind kind)
{
    return kind == SOURCE_INTEGER || kind == SOURCE_FLOAT || kind == SOURCE_DECIMAL;
}

static bool is_pair(enum source_kind kind)
{
    return kind == SOURCE_TIMESTAMP_TZ_NS || kind == SOURCE_TIMESTAMP_PAIR;
}

static bool is_instant(enum source_kind kind)
{
    return kind == SOURCE_DATE || kind == SOURCE_TIMESTAMP || kind == SOURCE_TIMESTAMP_NS ||
           kind == SOURCE_TIMESTAMP_TZ || is_pair(kind);
}

/* A text converts to anything, value by value; NULL always does. */
static bool converts(enum source_kind source, const struct vv_conversion *conversion)
{
    if (source == SOURCE_TEXT)
        return true;
    switch ((int)conversion->type->kind) {
    case VV_TYPE_STRING:
        return false;
    case VV_TYPE_LONG:
    case VV_TYPE_INTEGER:
    case VV_TYPE_SHORT:
    case VV_TYPE_BYTE:
    case VV_TYPE_FLOAT:
    case VV_TYPE_DOUBLE:
    case VV_TYPE_DECIMAL:
        return is_number(source);
    case VV_TYPE_BOOLEAN:
        return source == SOURCE_BOOLEAN;
    case VV_TYPE_BINARY:
        return source == SOURCE_BINARY;
    case VV_TYPE_DATE:
    case VV_TYPE_TIMESTAMP:
    case VV_TYPE_TIMESTAMP_NTZ:
        return is_instant(source);
    case VV_TYPE_STRUCT:
    case VV_TYPE_ARRAY:
    case VV_TYPE_MAP:
        return source == SOURCE_NESTED || is_pair(source);
    default:
        return false;
    }
}

varve_status vv_convert_check(struct vv_op *op, const struct vv_conversion *conversion,
    struct vv_str column)
{
    enum source_kind source = source_kind(conversion->source_type);
    if (conversion->arrow != NULL && !vv_convert_zone_fits(conversion->type, conversion->arrow))
        return vv_fail(op, VARVE_EINVALID,
            "column \"%.*s\" has a time of a zone in the input, which does not fit "
            "timestamp_ntz, a time without one",
            VV_ARG(column));
    if (converts(source, conversion))
        return VARVE_OK;
    VV_CLEANUP(vv_buf_done) struct vv_buf name = VV_BUF_INIT(1 << 20);
    vv_type_name(conversion->type, &name);
    return vv_fail(op, VARVE_EINVALID,
        "column \"%.*s\" is %.*s in the input, which never converts to the table's %.*s",
        VV_ARG(column), VV_ARG(conversion->source_type), VV_ARG(vv_buf_str(&name)));
}

/* Taken as it is. */
static bool is_same_type(const struct vv_conversion *conversion)
{
    VV_CLEANUP(vv_buf_done) struct vv_buf name = VV_BUF_INIT(1 << 20);
    vv_type_sql(conversion->type, &name);
    return vv_buf_ok(&name) && vv_str_eq(vv_buf_str(&name), conversion->source_type);
}

static void add_cast(struct vv_str from, const struct vv_type *type, struct vv_buf *sql)
{
    vv_buf_adds(sql, "TRY_CAST(");
    vv_buf_add(sql, from);
    vv_buf_adds(sql, " AS ");
    vv_type_sql(type, sql);
    vv_buf_addc(sql, ')');
}

/* What the conversion starts from: DuckDB would cast a dictionary's numbers, not its texts. */
static void add_source(const struct vv_conversion *conversion, struct vv_str from,
    struct vv_buf *out)
{
    if (vv_str_starts(conversion->source_type, VV_STR("ENUM(")))
        vv_buf_addf(out, "CAST(%.*s AS VARCHAR)", VV_ARG(from));
    else if (is_pair(source_kind(conversion->source_type)))
        vv_buf_addf(out, "struct_extract(%.*s, 'at')", VV_ARG(from));
    else
        vv_buf_add(out, from);
}

static void text_value(const struct vv_conversion *conversion, struct vv_str from,
    struct vv_buf *sql)
{
    vv_buf_adds(sql, conversion->empty_is_null ? "nullif(" : "");
    vv_convert_text(conversion->type, conversion->time_zone, from, sql);
    vv_buf_adds(sql, conversion->empty_is_null ? ", '')" : "");
}

/* Integers of microseconds round down, also before 1970. */
#define NS_TO_US \
    "make_timestamp(epoch_ns(%.*s) // 1000 - CAST(epoch_ns(%.*s) %% 1000 < 0 AS BIGINT))"

/* As TIMESTAMP; in UTC, where it has a zone. */
static void add_naive(enum source_kind source, struct vv_str from, struct vv_buf *sql)
{
    if (source == SOURCE_TEXT)
        vv_convert_text_naive(from, sql);
    else if (source == SOURCE_TIMESTAMP_NS)
        vv_buf_addf(sql, NS_TO_US, VV_ARG(from), VV_ARG(from));
    else if (source == SOURCE_TIMESTAMP_TZ || source == SOURCE_TIMESTAMP_TZ_NS)
        vv_buf_addf(sql, "make_timestamp(epoch_us(%.*s))", VV_ARG(from));
    else
        vv_buf_addf(sql, "TRY_CAST(%.*s AS TIMESTAMP)",
            VV_ARG(from)); /* a date may be too late */
}

static void instant_value(const struct vv_conversion *conversion, enum source_kind source,
    struct vv_str from, struct vv_buf *sql)
{
    const struct vv_type *type = conversion->type;
    VV_CLEANUP(vv_buf_done) struct vv_buf naive = VV_BUF_INIT(VV_BUF_MAX);
    bool has_zone = source == SOURCE_TIMESTAMP_TZ || source == SOURCE_TIMESTAMP_TZ_NS;
    add_naive(source, from, &naive);
    if (!vv_buf_ok(&naive))
        sql->failed = true;
    else if (type->kind == VV_TYPE_DATE)
        vv_buf_addf(sql, "CAST(%s AS DATE)", vv_buf_str(&naive).ptr);
    else if (type->kind == VV_TYPE_TIMESTAMP_NTZ)
        vv_buf_adds(sql, vv_buf_str(&naive).ptr);
    else if (has_zone)
        vv_buf_add(sql, from);
    else
        vv_convert_naive(conversion->time_zone, vv_buf_str(&naive).ptr, sql);
}

static void scalar_value(const struct vv_conversion *conversion, enum source_kind source,
    struct vv_str from, struct vv_buf *sql)
{
    if (source == SOURCE_TEXT)
        text_value(conversion, from, sql);
    else if (is_same_type(conversion))
        vv_buf_add(sql, from);
    else if (is_instant(source))
        instant_value(conversion, source, from, sql);
    else
        add_cast(from, conversion->type, sql);
}

/* Nested values that no value of the column's type is made of, other than NULL. */
static bool is_strange(const struct vv_conversion *conversion)
{
    return !conversion->shaped_json &&
           (source_kind(conversion->source_type) == SOURCE_TEXT ||
               !vv_convert_nested_casts(conversion->source_type, conversion->type));
}

void vv_convert_value(const struct vv_conversion *conversion, struct vv_str from,
    struct vv_buf *sql)
{
    enum source_kind source = source_kind(conversion->source_type);
    if (vv_type_is_nested(conversion->type)) {
        if (is_strange(conversion))
            add_cast(VV_STR("NULL"), conversion->type, sql);
        else {
            /* Of times within a nested value the engine's TRY_CAST fails beyond their range. */
            vv_buf_adds(sql, "TRY(");
            vv_convert_nested(conversion, from, sql);
            vv_buf_addc(sql, ')');
        }
        return;
    }
    VV_CLEANUP(vv_buf_done) struct vv_buf start = VV_BUF_INIT(VV_BUF_MAX);
    add_source(conversion, from, &start);
    scalar_value(conversion, source, vv_buf_str(&start), sql);
    if (!vv_buf_ok(&start))
        sql->failed = true;
}

static bool text_loss(const struct vv_conversion *conversion, struct vv_str from,
    struct vv_str value, struct vv_buf *sql)
{
    if (conversion->type->kind == VV_TYPE_STRING)
        return false;
    if (vv_type_is_float(conversion->type))
        vv_convert_text_float_loss(from, value, sql);
    else
        vv_buf_addf(sql, "(%.*s IS NOT NULL AND %.*s IS NULL)", VV_ARG(from), VV_ARG(value));
    return true;
}

static void number_loss(const struct vv_conversion *conversion, enum source_kind source,
    struct vv_str from, struct vv_str value, struct vv_buf *sql)
{
    vv_buf_addf(sql, "(%.*s IS NOT NULL AND (%.*s IS NULL", VV_ARG(from), VV_ARG(value));
    if (!vv_type_is_float(conversion->type) || source == SOURCE_INTEGER)
        vv_buf_addf(sql, " OR TRY_CAST(%.*s AS %.*s) IS DISTINCT FROM %.*s", VV_ARG(value),
            VV_ARG(conversion->source_type), VV_ARG(from));
    vv_buf_adds(sql, "))");
}

static void instant_loss(const struct vv_conversion *conversion, enum source_kind source,
    struct vv_str from, struct vv_str value, struct vv_buf *sql)
{
    vv_buf_addf(sql, "(%.*s IS NOT NULL AND (%.*s IS NULL", VV_ARG(from), VV_ARG(value));
    /* Only midnight is a date. */
    if (conversion->type->kind == VV_TYPE_DATE && source == SOURCE_TIMESTAMP_NS)
        vv_buf_addf(sql, " OR epoch_ns(%.*s) %% 86400000000000 <> 0", VV_ARG(from));
    else if (conversion->type->kind == VV_TYPE_DATE && source != SOURCE_DATE)
        vv_buf_addf(sql, " OR epoch_us(%.*s) %% 86400000000 <> 0", VV_ARG(from));
    vv_buf_adds(sql, "))");
}

static bool scalar_loss(const struct vv_conversion *conversion, enum source_kind source,
    struct vv_str from, struct vv_str value, struct vv_buf *sql)
{
    if (source == SOURCE_TEXT)
        return text_loss(conversion, from, value, sql);
    if (is_same_type(conversion))
        return false;
    if (is_instant(source))
        instant_loss(conversion, source, from, value, sql);
    else
        number_loss(conversion, source, from, value, sql);
    return true;
}

bool vv_convert_loss(const struct vv_conversion *conversion, struct vv_str from,
    struct vv_str value, struct vv_buf *sql)
{
    enum source_kind source = source_kind(conversion->source_type);
    if (vv_type_is_nested(conversion->type)) {
        if (is_strange(conversion))
            vv_buf_addf(sql, "%.*s IS NOT NULL", VV_ARG(from));
        else
            vv_convert_nested_loss(conversion, from, value, sql);
        return true;
    }
    VV_CLEANUP(vv_buf_done) struct vv_buf start = VV_BUF_INIT(VV_BUF_MAX);
    add_source(conversion, from, &start);
    if (!vv_buf_ok(&start))
        sql->failed = true;
    if (conversion->type->kind == VV_TYPE_DATE && is_pair(source))
        vv_buf_addf(sql, "coalesce(struct_extract(%.*s, 'ns') <> 0, false) OR ", VV_ARG(from));
    return scalar_loss(conversion, source, vv_buf_str(&start), value, sql);
}

bool vv_convert_finer(const struct vv_conversion *conversion, struct vv_str from,
    struct vv_str value, struct vv_buf *sql)
{
    enum source_kind source = source_kind(conversion->source_type);
    if (!vv_type_is_time(conversion->type))
        return false;
    VV_CLEANUP(vv_buf_done) struct vv_buf start = VV_BUF_INIT(VV_BUF_MAX);
    add_source(conversion, from, &start);
    if (!vv_buf_ok(&start))
        sql->failed = true;
    if (source == SOURCE_TIMESTAMP_NS)
        vv_buf_addf(sql, "epoch_ns(%.*s) %% 1000 <> 0", VV_ARG(from));
    else if (is_pair(source))
        vv_buf_addf(sql, "struct_extract(%.*s, 'ns') <> 0", VV_ARG(from));
    else if (source == SOURCE_TEXT)
        vv_convert_text_finer(vv_buf_str(&start), value, sql);
    else
        return false;
    return true;
}

bool vv_convert_is_naive(struct vv_str source_type)
{
    enum source_kind source = source_kind(source_type);
    return source == SOURCE_TIMESTAMP || source == SOURCE_TIMESTAMP_NS ||
           source == SOURCE_TIMESTAMP_PAIR || source == SOURCE_DATE;
}

/* The time without a zone that the value is made of; false: it is made of none. */
static bool find_naive(const struct vv_conversion *conversion, struct vv_str from,
    struct vv_buf *out)
{
    enum source_kind source = source_kind(conversion->source_type);
    bool is_naive = source == SOURCE_TEXT || vv_convert_is_naive(conversion->source_type);
    if (conversion->time_zone.len == 0 || conversion->type->kind != VV_TYPE_TIMESTAMP ||
        !is_naive)
        return false;
    VV_CLEANUP(vv_buf_done) struct vv_buf start = VV_BUF_INIT(VV_BUF_MAX);
    add_source(conversion, from, &start);
    add_naive(source, vv_buf_str(&start), out);
    out->failed = out->failed || !vv_buf_ok(&start);
    return true;
}

bool vv_convert_gap(const struct vv_conversion *conversion, struct vv_str from,
    struct vv_str value, struct vv_buf *sql)
{
    VV_CLEANUP(vv_buf_done) struct vv_buf naive = VV_BUF_INIT(VV_BUF_MAX);
    if (!find_naive(conversion, from, &naive))
        return false;
    vv_buf_addf(sql, "(%.*s IS NULL AND (%.*s) IS NOT NULL)", VV_ARG(value),
        VV_ARG(vv_buf_str(&naive)));
    sql->failed = sql->failed || !vv_buf_ok(&naive);
    return true;
}

bool vv_convert_twice(const struct vv_conversion *conversion, struct vv_str from,
    struct vv_str value, struct vv_buf *sql)
{
    VV_CLEANUP(vv_buf_done) struct vv_buf naive = VV_BUF_INIT(VV_BUF_MAX);
    if (!find_naive(conversion, from, &naive))
        return false;
    vv_buf_addf(sql, "coalesce(epoch_us(%.*s) <> epoch_us(timezone(", VV_ARG(value));
    vv_sql_literal(sql, conversion->time_zone);
    vv_buf_addf(sql, ", %.*s)), false)", VV_ARG(vv_buf_str(&naive)));
    sql->failed = sql->failed || !vv_buf_ok(&naive);
    return true;
}

bool vv_convert_range(const struct vv_conversion *conversion, struct vv_str value,
    struct vv_buf *sql)
{
    enum source_kind source = source_kind(conversion->source_type);
    const char *type = conversion->type->kind == VV_TYPE_DATE ? "DATE" : "TIMESTAMPTZ";
    if (conversion->type->kind == VV_TYPE_TIMESTAMP_NTZ)
        type = "TIMESTAMP";
    if (!vv_type_is_time(conversion->type) &&
        (conversion->type->kind != VV_TYPE_DATE || source == SOURCE_TEXT))
        return false;
    vv_buf_addf(sql, "(%.*s < %s '0001-01-01' OR %.*s >= %s '10000-01-01')", VV_ARG(value),
        type, VV_ARG(value), type);
    return true;
}

static bool has_float(const struct vv_type *type)
{
    bool found = vv_type_is_float(type) ||
                 (type->element != NULL && has_float(type->element)) ||
                 (type->key != NULL && has_float(type->key));
    for (size_t i = 0; i < type->fields_len && !found; i++)
        found = has_float(&type->fields[i].type);
    return found;
}

bool vv_convert_is_whole(const struct vv_conversion *conversion)
{
    struct vv_str type = conversion->source_type;
    if (!vv_type_is_nested(conversion->type))
        return vv_type_is_float(conversion->type) && source_kind(type) == SOURCE_INTEGER;
    return has_float(conversion->type) && memmem(type.ptr, type.len, "INT", 3) != NULL;
}

void vv_convert_shown(const struct vv_conversion *conversion, struct vv_str from,
    struct vv_buf *sql)
{
    enum source_kind source = source_kind(conversion->source_type);
    if (!is_pair(source)) {
        /* As a double that the column would have got: 0.1 of fewer digits is another one. */
        bool is_widened = conversion->type->kind == VV_TYPE_DOUBLE &&
                          vv_str_eq_nocase(conversion->source_type, VV_STR("FLOAT"));
        vv_buf_addf(sql,
            is_widened ? "CAST(CAST(%.*s AS DOUBLE) AS VARCHAR)" : "CAST(%.*s AS VARCHAR)",
            VV_ARG(from));
        return;
    }
    vv_source_pair_text(conversion->source_type, from, sql);
}
