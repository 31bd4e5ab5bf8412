/*
 * Terms of Spark expressions: literals, names, functions, CASE and CAST.
 */
#include "engine/spark_function.h"
#include "engine/spark_parser.h"
#include "engine/sql.h"
#include "base/number.h"

#define ARGUMENTS_MAX 64
#define INTERVAL_MAX INT64_C(1000000)

/* ---- Literals and names -------------------------------------------------------------------- */

/* The bytes that a quoted string stands for. Spark joins strings side by side: refused. */
static varve_status string_bytes(struct vv_op *op, struct vv_spark_parser *parser,
    struct vv_buf *out)
{
    struct vv_str text = parser->token.text;
    for (size_t i = 0; i < text.len; i++) {
        char c = text.ptr[i];
        if (c != '\\') {
            vv_buf_addc(out, c);
            continue;
        }
        c = ++i < text.len ? text.ptr[i] : '\0';
        if (c == 'n')
            vv_buf_addc(out, '\n');
        else if (c == 't')
            vv_buf_addc(out, '\t');
        else if (c == 'r')
            vv_buf_addc(out, '\r');
        else if (c == '\\' || c == '\'' || c == '"')
            vv_buf_addc(out, c);
        else if (c == '%' || c == '_')
            vv_buf_addf(out, "\\%c", c); /* kept for LIKE, as Spark does */
        else
            return vv_spark_refuse(op, parser, "an escape without a translation");
    }
    VV_TRY(vv_spark_advance(op, parser));
    if (parser->token.kind == VV_SPARK_STRING)
        return vv_spark_refuse(op, parser, "two strings side by side");
    return VARVE_OK;
}

varve_status vv_spark_string(struct vv_op *op, struct vv_spark_parser *parser,
    struct vv_buf *sql)
{
    VV_CLEANUP(vv_buf_done) struct vv_buf bytes = VV_BUF_INIT(VV_SPARK_TEXT_MAX);
    VV_TRY(string_bytes(op, parser, &bytes));
    if (!vv_buf_ok(&bytes))
        return vv_fail_memory(op);
    vv_sql_literal(sql, vv_buf_str(&bytes));
    return VARVE_OK;
}

varve_status vv_spark_number(struct vv_op *op, struct vv_spark_parser *parser,
    struct vv_buf *sql)
{
    if (parser->token.suffix != '\0')
        vv_buf_addf(sql, "CAST(%.*s AS %s)", VV_ARG(parser->token.text),
            parser->token.suffix == 'L' ? "BIGINT" : "DOUBLE");
    else
        vv_buf_add(sql, parser->token.text);
    return vv_spark_advance(op, parser);
}

/* The bytes of a name: a back-quote inside is doubled. */
static void name_bytes(struct vv_str text, struct vv_buf *out)
{
    for (size_t i = 0; i < text.len; i++) {
        vv_buf_addc(out, text.ptr[i]);
        if (text.ptr[i] == '`')
            i++;
    }
}

/* A column of the table, or fields of a struct column: a.b.c */
varve_status vv_spark_column(struct vv_op *op, struct vv_spark_parser *parser,
    struct vv_str first, struct vv_buf *sql)
{
    VV_CLEANUP(vv_buf_done) struct vv_buf name = VV_BUF_INIT(VV_SPARK_TEXT_MAX);
    VV_CLEANUP(vv_buf_done) struct vv_buf path = VV_BUF_INIT(VV_SPARK_TEXT_MAX);
    size_t found = parser->columns->len;
    name_bytes(first, &name);
    if (!vv_buf_ok(&name))
        return vv_fail_memory(op);
    for (size_t i = 0; i < parser->columns->len; i++)
        if (vv_str_eq_nocase(parser->columns->names[i], vv_buf_str(&name)))
            found = i;
    if (found == parser->columns->len)
        return vv_fail(op, VARVE_EINVALID, "\"%.*s\" is no column of the table, in \"%.*s\"",
            VV_ARG(vv_buf_str(&name)), VV_ARG(parser->lexer.text));
    vv_sql_name(&path, parser->columns->names[found]);
    while (vv_spark_is_symbol(parser, ".")) {
        VV_CLEANUP(vv_buf_done) struct vv_buf outer = VV_BUF_INIT(VV_SPARK_TEXT_MAX);
        VV_TRY(vv_spark_advance(op, parser));
        if (parser->token.kind != VV_SPARK_WORD && parser->token.kind != VV_SPARK_NAME)
            return vv_spark_refuse(op, parser, "not the name of a field");
        vv_buf_add(&outer, vv_buf_str(&path));
        vv_buf_clear(&name);
        name_bytes(parser->token.text, &name);
        vv_buf_clear(&path);
        vv_buf_addf(&path, "struct_extract(%.*s, ", VV_ARG(vv_buf_str(&outer)));
        vv_sql_literal(&path, vv_buf_str(&name));
        vv_buf_addc(&path, ')');
        if (!vv_buf_ok(&outer))
            return vv_fail_memory(op);
        VV_TRY(vv_spark_advance(op, parser));
    }
    vv_buf_add(sql, vv_buf_str(&path));
    return vv_buf_ok(&path) && vv_buf_ok(&name) ? VARVE_OK : vv_fail_memory(op);
}

/* ---- Functions ----------------------------------------------------------------------------- */

static varve_status call(struct vv_op *op, struct vv_spark_parser *parser, struct vv_str name,
    struct vv_buf *sql)
{
    const struct vv_spark_function *function = vv_spark_function_find(name);
    uint32_t arguments = 0;
    if (function == NULL)
        return vv_fail(op, VARVE_EUNSUPPORTED,
            "the function %.*s has no translation, in \"%.*s\"", VV_ARG(name),
            VV_ARG(parser->lexer.text));
    VV_TRY(vv_spark_advance(op, parser)); /* the parenthesis */
    vv_buf_adds(sql, function->before);
    while (!vv_spark_is_symbol(parser, ")")) {
        if (arguments > 0) {
            VV_TRY(vv_spark_expect_symbol(op, parser, ","));
            vv_buf_adds(sql, function->separator);
        }
        VV_TRY(vv_spark_expression(op, parser, sql));
        arguments++;
    }
    if (arguments < function->arguments_min || arguments > function->arguments_max)
        return vv_fail(op, VARVE_EUNSUPPORTED, "%u arguments of %.*s, in \"%.*s\"", arguments,
            VV_ARG(name), VV_ARG(parser->lexer.text));
    vv_buf_adds(sql, function->after);
    return vv_spark_advance(op, parser);
}

/* ---- CASE and CAST ------------------------------------------------------------------------- */

static varve_status case_when(struct vv_op *op, struct vv_spark_parser *parser,
    struct vv_buf *sql)
{
    bool more = false;
    vv_buf_adds(sql, "CASE");
    if (!vv_spark_is_word(parser, "when")) {
        vv_buf_addc(sql, ' ');
        VV_TRY(vv_spark_expression(op, parser, sql));
    }
    if (!vv_spark_is_word(parser, "when"))
        return vv_spark_refuse(op, parser, "CASE without WHEN");
    for (;;) {
        VV_TRY(vv_spark_accept_word(op, parser, "when", &more));
        if (!more)
            break;
        vv_buf_adds(sql, " WHEN ");
        VV_TRY(vv_spark_expression(op, parser, sql));
        VV_TRY(vv_spark_expect_word(op, parser, "then"));
        vv_buf_adds(sql, " THEN ");
        VV_TRY(vv_spark_expression(op, parser, sql));
    }
    VV_TRY(vv_spark_accept_word(op, parser, "else", &more));
    if (more) {
        vv_buf_adds(sql, " ELSE ");
        VV_TRY(vv_spark_expression(op, parser, sql));
    }
    vv_buf_adds(sql, " END");
    return vv_spark_expect_word(op, parser, "end");
}

static varve_status cast(struct vv_op *op, struct vv_spark_parser *parser, struct vv_buf *sql)
{
    static const char *const types[][2] = {{"double", "DOUBLE"}, {"float", "FLOAT"},
        {"real", "FLOAT"}, {"date", "DATE"}, {"timestamp", "TIMESTAMP WITH TIME ZONE"},
        {"timestamp_ntz", "TIMESTAMP"}};
    VV_TRY(vv_spark_expect_symbol(op, parser, "("));
    vv_buf_adds(sql, "TRY_CAST(");
    VV_TRY(vv_spark_expression(op, parser, sql));
    VV_TRY(vv_spark_expect_word(op, parser, "as"));
    for (size_t i = 0; i < VV_COUNT(types); i++) {
        if (!vv_spark_is_word(parser, types[i][0]))
            continue;
        vv_buf_addf(sql, " AS %s)", types[i][1]);
        VV_TRY(vv_spark_advance(op, parser));
        return vv_spark_expect_symbol(op, parser, ")");
    }
    return vv_spark_refuse(op, parser,
        "a cast to a type that Spark and DuckDB convert differently");
}

static varve_status if_function(struct vv_op *op, struct vv_spark_parser *parser,
    struct vv_buf *sql)
{
    VV_TRY(vv_spark_advance(op, parser)); /* the parenthesis */
    vv_buf_adds(sql, "CASE WHEN ");
    VV_TRY(vv_spark_expression(op, parser, sql));
    VV_TRY(vv_spark_expect_symbol(op, parser, ","));
    vv_buf_adds(sql, " THEN ");
    VV_TRY(vv_spark_expression(op, parser, sql));
    VV_TRY(vv_spark_expect_symbol(op, parser, ","));
    vv_buf_adds(sql, " ELSE ");
    VV_TRY(vv_spark_expression(op, parser, sql));
    vv_buf_adds(sql, " END");
    return vv_spark_expect_symbol(op, parser, ")");
}

/* ---- Dates and times ----------------------------------------------------------------------- */

/* current_timestamp, current_date() ...: the time is what the caller says it is. */
static bool add_clock(const struct vv_spark_parser *parser, struct vv_str name,
    struct vv_buf *sql)
{
    static const char *const texts[][3] = {{"current_timestamp", "make_timestamptz(", ")"},
        {"now", "make_timestamptz(", ")"}, {"localtimestamp", "make_timestamp(", ")"},
        {"current_date", "CAST(make_timestamp(", ") AS DATE)"},
        {"curdate", "CAST(make_timestamp(", ") AS DATE)"}};
    struct vv_spark_clock *clock = parser->columns->clock;
    for (size_t i = 0; clock != NULL && i < VV_COUNT(texts); i++) {
        if (!vv_str_eq_nocase(name, vv_str_of(texts[i][0])))
            continue;
        clock->is_asked = true;
        vv_buf_adds(sql, texts[i][1]);
        vv_buf_add(sql, clock->us);
        vv_buf_adds(sql, texts[i][2]);
        return true;
    }
    return false;
}

static varve_status clock_call(struct vv_op *op, struct vv_spark_parser *parser, bool *out)
{
    struct vv_spark_parser ahead = *parser;
    VV_TRY(vv_spark_advance(op, &ahead));
    *out = vv_spark_is_symbol(&ahead, ")");
    if (!*out)
        return VARVE_OK;
    *parser = ahead;
    return vv_spark_advance(op, parser);
}

/* The unit as both spell it; NULL: another one. */
static const char *unit_of(struct vv_str text)
{
    static const char *const units[][2] = {{"year", "year"}, {"yyyy", "year"}, {"yy", "year"},
        {"quarter", "quarter"}, {"month", "month"}, {"mon", "month"}, {"mm", "month"},
        {"week", "week"}, {"day", "day"}, {"dd", "day"}, {"hour", "hour"}, {"minute", "minute"},
        {"second", "second"}};
    for (size_t i = 0; i < VV_COUNT(units); i++)
        if (vv_str_eq_nocase(text, vv_str_of(units[i][0])))
            return units[i][1];
    return NULL;
}

/* date_trunc('DAY', t) */
static varve_status date_trunc(struct vv_op *op, struct vv_spark_parser *parser,
    struct vv_buf *sql)
{
    VV_TRY(vv_spark_advance(op, parser)); /* the parenthesis */
    const char *unit =
        parser->token.kind == VV_SPARK_STRING ? unit_of(parser->token.text) : NULL;
    if (unit == NULL)
        return vv_spark_refuse(op, parser, "not a unit of date_trunc that is known");
    VV_TRY(vv_spark_advance(op, parser));
    VV_TRY(vv_spark_expect_symbol(op, parser, ","));
    vv_buf_addf(sql, "date_trunc('%s', CAST(", unit);
    VV_TRY(vv_spark_expression(op, parser, sql));
    vv_buf_adds(sql, " AS TIMESTAMP WITH TIME ZONE))");
    return vv_spark_expect_symbol(op, parser, ")");
}

/* date_format(t, 'yyyy-MM-dd'): letters whose meaning is the same everywhere. */
static varve_status date_format(struct vv_op *op, struct vv_spark_parser *parser,
    struct vv_buf *sql)
{
    static const char *const letters[][2] = {
        {"yyyy", "%Y"}, {"MM", "%m"}, {"dd", "%d"}, {"HH", "%H"}, {"mm", "%M"}, {"ss", "%S"}};
    VV_TRY(vv_spark_advance(op, parser)); /* the parenthesis */
    vv_buf_adds(sql, "strftime(CAST(");
    VV_TRY(vv_spark_expression(op, parser, sql));
    vv_buf_adds(sql, " AS TIMESTAMP WITH TIME ZONE), '");
    VV_TRY(vv_spark_expect_symbol(op, parser, ","));
    struct vv_str rest = parser->token.text;
    bool is_known = parser->token.kind == VV_SPARK_STRING && rest.len > 0;
    while (is_known && rest.len > 0) {
        size_t i = 0;
        while (i < VV_COUNT(letters) && !vv_str_starts(rest, vv_str_of(letters[i][0])))
            i++;
        char byte = rest.ptr[0];
        struct vv_str behind =
            vv_str_skip(rest, i < VV_COUNT(letters) ? vv_str_of(letters[i][0]).len : 1);
        /* yyyyy and MMM are other things. */
        is_known = i < VV_COUNT(letters) ? behind.len == 0 || behind.ptr[0] != byte
                                         : byte != '\0' && strchr("-/:_. ", byte) != NULL;
        if (i < VV_COUNT(letters))
            vv_buf_adds(sql, letters[i][1]);
        else
            vv_buf_addc(sql, byte);
        rest = behind;
    }
    if (!is_known)
        return vv_spark_refuse(op, parser, "not a pattern of date_format that is known");
    vv_buf_adds(sql, "')");
    VV_TRY(vv_spark_advance(op, parser));
    return vv_spark_expect_symbol(op, parser, ")");
}

/* substring(s, 1, 3): from a place that is counted from the front. */
static varve_status substring(struct vv_op *op, struct vv_spark_parser *parser,
    struct vv_buf *sql)
{
    VV_TRY(vv_spark_advance(op, parser)); /* the parenthesis */
    vv_buf_adds(sql, "substring(");
    VV_TRY(vv_spark_expression(op, parser, sql));
    for (size_t i = 0; i < 2; i++) {
        int64_t number = 0;
        if (i == 1 && vv_spark_is_symbol(parser, ")"))
            break;
        VV_TRY(vv_spark_expect_symbol(op, parser, ","));
        bool is_number = parser->token.kind == VV_SPARK_NUMBER &&
                         parser->token.suffix == '\0' &&
                         vv_str_int64(parser->token.text, &number);
        if (!is_number || number < (i == 0 ? 1 : 0) || number > INTERVAL_MAX)
            return vv_spark_refuse(op, parser, "not a whole number of substring, from 1");
        vv_buf_addf(sql, ", %" PRId64, number);
        VV_TRY(vv_spark_advance(op, parser));
    }
    vv_buf_addc(sql, ')');
    return vv_spark_expect_symbol(op, parser, ")");
}

/* DATE '2025-01-30', TIMESTAMP '...' */
static varve_status typed_string(struct vv_op *op, struct vv_spark_parser *parser,
    const char *type, struct vv_buf *sql)
{
    vv_buf_adds(sql, "CAST(");
    VV_TRY(vv_spark_string(op, parser, sql));
    vv_buf_addf(sql, " AS %s)", type);
    return VARVE_OK;
}

/*
 * INTERVAL 5 MINUTES, INTERVAL '5' MINUTE. A day is as long as the session's time zone has it, and a
 * month more so: neither.
 */
static varve_status interval(struct vv_op *op, struct vv_spark_parser *parser,
    struct vv_buf *sql)
{
    static const struct {
        const char *one, *many;
        int64_t us;
    } units[] = {{"second", "seconds", 1000000}, {"minute", "minutes", 60000000},
        {"hour", "hours", 3600000000}};
    const struct vv_spark_token *token = &parser->token;
    int64_t number = 0;
    bool is_number = (token->kind == VV_SPARK_NUMBER && token->suffix == '\0') ||
                     token->kind == VV_SPARK_STRING;
    if (!is_number || !vv_str_int64(token->text, &number) || number > INTERVAL_MAX ||
        number < -INTERVAL_MAX)
        return vv_spark_refuse(op, parser, "not a whole number of an interval");
    VV_TRY(vv_spark_advance(op, parser));
    for (size_t i = 0; i < VV_COUNT(units); i++) {
        if (!vv_spark_is_word(parser, units[i].one) && !vv_spark_is_word(parser, units[i].many))
            continue;
        vv_buf_addf(sql, "to_microseconds(%" PRId64 ")", number * units[i].us);
        return vv_spark_advance(op, parser);
    }
    return vv_spark_refuse(op, parser, "an interval is in seconds, minutes or hours");
}

/* The parenthesis behind a name is next. */
static varve_status function(struct vv_op *op, struct vv_spark_parser *parser,
    struct vv_str name, struct vv_buf *sql)
{
    static const struct {
        const char *name;
        varve_status (*read)(struct vv_op *op, struct vv_spark_parser *parser,
            struct vv_buf *sql);
    } special[] = {{"cast", cast}, {"if", if_function}, {"date_trunc", date_trunc},
        {"date_format", date_format}, {"substring", substring}, {"substr", substring}};
    bool is_bare = false;
    for (size_t i = 0; i < VV_COUNT(special); i++)
        if (vv_str_eq_nocase(name, vv_str_of(special[i].name)))
            return special[i].read(op, parser, sql);
    if (parser->columns->clock != NULL)
        VV_TRY(clock_call(op, parser, &is_bare));
    if (is_bare && add_clock(parser, name, sql))
        return VARVE_OK;
    if (is_bare)
        return vv_fail(op, VARVE_EUNSUPPORTED,
            "the function %.*s() has no translation, in \"%.*s\"", VV_ARG(name),
            VV_ARG(parser->lexer.text));
    return call(op, parser, name, sql);
}

/* Of the times these may stand without brackets. */
static bool is_clock_word(struct vv_str text)
{
    return vv_str_eq_nocase(text, VV_STR("current_timestamp")) ||
           vv_str_eq_nocase(text, VV_STR("current_date")) ||
           vv_str_eq_nocase(text, VV_STR("localtimestamp"));
}

varve_status vv_spark_word(struct vv_op *op, struct vv_spark_parser *parser, struct vv_buf *sql)
{
    static const char *const constants[] = {"true", "false", "null"};
    struct vv_str text = parser->token.text;
    bool is_case = vv_spark_is_word(parser, "case");
    bool is_interval = vv_spark_is_word(parser, "interval");
    bool is_reserved_word = !is_case && !is_interval && vv_spark_is_reserved(text);
    if (is_reserved_word)
        return vv_spark_refuse(op, parser, "not understood");
    VV_TRY(vv_spark_advance(op, parser));
    if (is_case)
        return case_when(op, parser, sql);
    if (is_interval)
        return interval(op, parser, sql);
    for (size_t i = 0; i < VV_COUNT(constants); i++)
        if (vv_str_eq_nocase(text, vv_str_of(constants[i])))
            return vv_buf_adds(sql, constants[i]), VARVE_OK;
    if (vv_spark_is_symbol(parser, "("))
        return function(op, parser, text, sql);
    if (parser->token.kind == VV_SPARK_STRING && vv_str_eq_nocase(text, VV_STR("date")))
        return typed_string(op, parser, "DATE", sql);
    if (parser->token.kind == VV_SPARK_STRING && vv_str_eq_nocase(text, VV_STR("timestamp")))
        return typed_string(op, parser, "TIMESTAMP WITH TIME ZONE", sql);
    if (is_clock_word(text) && add_clock(parser, text, sql))
        return VARVE_OK;
    return vv_spark_column(op, parser, text, sql);
}
