/*
 * Spark SQL expressions as DuckDB SQL, by recursive descent over Spark's grammar of expressions.
 *
 * Every binary operation comes out in parentheses, so that DuckDB's precedence does not matter.
 * Where the two differ in meaning the translation says so explicitly (a division by zero is NULL,
 * LIKE escapes with a backslash), and what cannot be said exactly is refused: a cast to an
 * integer (Spark cuts, DuckDB rounds), to a string (they print floats differently), substring
 * (they count from different ends), subqueries, lambdas, everything that depends on the session.
 */
#include "engine/spark_sql.h"

#include "base/buf.h"
#include "engine/spark_lex.h"
#include "engine/sql.h"

#define DEPTH_MAX 64
#define TEXT_MAX ((size_t)64 << 10)
#define ARGUMENTS_MAX 64

struct parser {
    struct vv_spark_lexer lexer;
    struct vv_spark_token token; /* the one to be looked at */
    const struct vv_spark_columns *columns;
    uint32_t depth;
};

static varve_status expression(struct vv_op *op, struct parser *parser, struct vv_buf *sql);
static varve_status value(struct vv_op *op, struct parser *parser, struct vv_buf *sql);

static varve_status advance(struct vv_op *op, struct parser *parser)
{
    return vv_spark_next(op, &parser->lexer, &parser->token);
}

static varve_status refuse(struct vv_op *op, const struct parser *parser, const char *why)
{
    if (parser->token.kind == VV_SPARK_END)
        return vv_fail(op, VARVE_EUNSUPPORTED, "%s: \"%.*s\" ends too early", why,
            VV_ARG(parser->lexer.text));
    return vv_fail(op, VARVE_EUNSUPPORTED, "%s: \"%.*s\" at byte %zu of \"%.*s\"", why,
        VV_ARG(parser->token.text), parser->token.offset, VV_ARG(parser->lexer.text));
}

static bool is_symbol(const struct parser *parser, const char *text)
{
    return parser->token.kind == VV_SPARK_SYMBOL &&
           vv_str_eq(parser->token.text, vv_str_of(text));
}

static bool is_word(const struct parser *parser, const char *word)
{
    return parser->token.kind == VV_SPARK_WORD &&
           vv_str_eq_nocase(parser->token.text, vv_str_of(word));
}

static varve_status accept_word(struct vv_op *op, struct parser *parser, const char *word,
    bool *out)
{
    *out = is_word(parser, word);
    return *out ? advance(op, parser) : VARVE_OK;
}

static varve_status expect_symbol(struct vv_op *op, struct parser *parser, const char *text)
{
    if (!is_symbol(parser, text))
        return refuse(op, parser, "not understood");
    return advance(op, parser);
}

static varve_status expect_word(struct vv_op *op, struct parser *parser, const char *word)
{
    if (!is_word(parser, word))
        return refuse(op, parser, "not understood");
    return advance(op, parser);
}

/* ---- Literals and names -------------------------------------------------------------------- */

/* The bytes that a quoted string stands for. Spark joins strings side by side: refused. */
static varve_status string_bytes(struct vv_op *op, struct parser *parser, struct vv_buf *out)
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
            return refuse(op, parser, "an escape without a translation");
    }
    VV_TRY(advance(op, parser));
    if (parser->token.kind == VV_SPARK_STRING)
        return refuse(op, parser, "two strings side by side");
    return VARVE_OK;
}

static varve_status string(struct vv_op *op, struct parser *parser, struct vv_buf *sql)
{
    VV_CLEANUP(vv_buf_done) struct vv_buf bytes = VV_BUF_INIT(TEXT_MAX);
    VV_TRY(string_bytes(op, parser, &bytes));
    if (!vv_buf_ok(&bytes))
        return vv_fail_memory(op);
    vv_sql_literal(sql, vv_buf_str(&bytes));
    return VARVE_OK;
}

static varve_status number(struct vv_op *op, struct parser *parser, struct vv_buf *sql)
{
    if (parser->token.suffix != '\0')
        vv_buf_addf(sql, "CAST(%.*s AS %s)", VV_ARG(parser->token.text),
            parser->token.suffix == 'L' ? "BIGINT" : "DOUBLE");
    else
        vv_buf_add(sql, parser->token.text);
    return advance(op, parser);
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
static varve_status column(struct vv_op *op, struct parser *parser, struct vv_str first,
    struct vv_buf *sql)
{
    VV_CLEANUP(vv_buf_done) struct vv_buf name = VV_BUF_INIT(TEXT_MAX);
    VV_CLEANUP(vv_buf_done) struct vv_buf path = VV_BUF_INIT(TEXT_MAX);
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
    while (is_symbol(parser, ".")) {
        VV_CLEANUP(vv_buf_done) struct vv_buf outer = VV_BUF_INIT(TEXT_MAX);
        VV_TRY(advance(op, parser));
        if (parser->token.kind != VV_SPARK_WORD && parser->token.kind != VV_SPARK_NAME)
            return refuse(op, parser, "not the name of a field");
        vv_buf_add(&outer, vv_buf_str(&path));
        vv_buf_clear(&name);
        name_bytes(parser->token.text, &name);
        vv_buf_clear(&path);
        vv_buf_addf(&path, "struct_extract(%.*s, ", VV_ARG(vv_buf_str(&outer)));
        vv_sql_literal(&path, vv_buf_str(&name));
        vv_buf_addc(&path, ')');
        if (!vv_buf_ok(&outer))
            return vv_fail_memory(op);
        VV_TRY(advance(op, parser));
    }
    vv_buf_add(sql, vv_buf_str(&path));
    return vv_buf_ok(&path) && vv_buf_ok(&name) ? VARVE_OK : vv_fail_memory(op);
}

/* ---- Functions ----------------------------------------------------------------------------- */

struct function {
    const char *name;
    uint8_t arguments_min, arguments_max;
    const char *before;    /* "abs(" */
    const char *separator; /* ", " */
    const char *after;     /* ")" */
};

/* Where Spark and DuckDB agree, or can be made to by what stands around the arguments. */
static const struct function functions[] = {
    {"abs", 1, 1, "abs(", ", ", ")"},
    {"ceil", 1, 1, "ceil(", ", ", ")"},
    {"ceiling", 1, 1, "ceil(", ", ", ")"},
    {"floor", 1, 1, "floor(", ", ", ")"},
    {"sign", 1, 1, "sign(", ", ", ")"},
    {"signum", 1, 1, "sign(", ", ", ")"},
    {"greatest", 2, ARGUMENTS_MAX, "greatest(", ", ", ")"},
    {"least", 2, ARGUMENTS_MAX, "least(", ", ", ")"},
    {"coalesce", 1, ARGUMENTS_MAX, "coalesce(", ", ", ")"},
    {"ifnull", 2, 2, "coalesce(", ", ", ")"},
    {"nvl", 2, 2, "coalesce(", ", ", ")"},
    {"nullif", 2, 2, "nullif(", ", ", ")"},
    {"isnull", 1, 1, "(", ", ", " IS NULL)"},
    {"isnotnull", 1, 1, "(", ", ", " IS NOT NULL)"},
    {"isnan", 1, 1, "coalesce(isnan(CAST(", ", ", " AS DOUBLE)), false)"},
    {"length", 1, 1, "length(", ", ", ")"},
    {"char_length", 1, 1, "length(", ", ", ")"},
    {"character_length", 1, 1, "length(", ", ", ")"},
    {"lower", 1, 1, "lower(", ", ", ")"},
    {"lcase", 1, 1, "lower(", ", ", ")"},
    {"upper", 1, 1, "upper(", ", ", ")"},
    {"ucase", 1, 1, "upper(", ", ", ")"},
    {"trim", 1, 1, "trim(", ", ", ", ' ')"},
    {"ltrim", 1, 1, "ltrim(", ", ", ", ' ')"},
    {"rtrim", 1, 1, "rtrim(", ", ", ", ' ')"},
    {"concat", 1, ARGUMENTS_MAX, "(", " || ", ")"},
    {"startswith", 2, 2, "starts_with(", ", ", ")"},
    {"endswith", 2, 2, "ends_with(", ", ", ")"},
    {"contains", 2, 2, "contains(", ", ", ")"},
    {"year", 1, 1, "year(", ", ", ")"},
    {"month", 1, 1, "month(", ", ", ")"},
    {"day", 1, 1, "day(", ", ", ")"},
    {"dayofmonth", 1, 1, "day(", ", ", ")"},
    {"hour", 1, 1, "hour(", ", ", ")"},
    {"minute", 1, 1, "minute(", ", ", ")"},
    {"second", 1, 1, "second(", ", ", ")"},
    {"date", 1, 1, "TRY_CAST(", ", ", " AS DATE)"},
    {"to_date", 1, 1, "TRY_CAST(", ", ", " AS DATE)"},
};

static varve_status call(struct vv_op *op, struct parser *parser, struct vv_str name,
    struct vv_buf *sql)
{
    const struct function *function = NULL;
    uint32_t arguments = 0;
    for (size_t i = 0; i < VV_COUNT(functions); i++)
        if (vv_str_eq_nocase(name, vv_str_of(functions[i].name)))
            function = &functions[i];
    if (function == NULL)
        return vv_fail(op, VARVE_EUNSUPPORTED,
            "the function %.*s has no translation, in \"%.*s\"", VV_ARG(name),
            VV_ARG(parser->lexer.text));
    VV_TRY(advance(op, parser)); /* the parenthesis */
    vv_buf_adds(sql, function->before);
    while (!is_symbol(parser, ")")) {
        if (arguments > 0) {
            VV_TRY(expect_symbol(op, parser, ","));
            vv_buf_adds(sql, function->separator);
        }
        VV_TRY(expression(op, parser, sql));
        arguments++;
    }
    if (arguments < function->arguments_min || arguments > function->arguments_max)
        return vv_fail(op, VARVE_EUNSUPPORTED, "%u arguments of %.*s, in \"%.*s\"", arguments,
            VV_ARG(name), VV_ARG(parser->lexer.text));
    vv_buf_adds(sql, function->after);
    return advance(op, parser);
}

/* ---- CASE and CAST ------------------------------------------------------------------------- */

static varve_status case_when(struct vv_op *op, struct parser *parser, struct vv_buf *sql)
{
    bool more = false;
    vv_buf_adds(sql, "CASE");
    if (!is_word(parser, "when")) {
        vv_buf_addc(sql, ' ');
        VV_TRY(expression(op, parser, sql));
    }
    if (!is_word(parser, "when"))
        return refuse(op, parser, "CASE without WHEN");
    for (;;) {
        VV_TRY(accept_word(op, parser, "when", &more));
        if (!more)
            break;
        vv_buf_adds(sql, " WHEN ");
        VV_TRY(expression(op, parser, sql));
        VV_TRY(expect_word(op, parser, "then"));
        vv_buf_adds(sql, " THEN ");
        VV_TRY(expression(op, parser, sql));
    }
    VV_TRY(accept_word(op, parser, "else", &more));
    if (more) {
        vv_buf_adds(sql, " ELSE ");
        VV_TRY(expression(op, parser, sql));
    }
    vv_buf_adds(sql, " END");
    return expect_word(op, parser, "end");
}

static varve_status cast(struct vv_op *op, struct parser *parser, struct vv_buf *sql)
{
    static const char *const types[][2] = {{"double", "DOUBLE"}, {"float", "FLOAT"},
        {"real", "FLOAT"}, {"date", "DATE"}, {"timestamp", "TIMESTAMP WITH TIME ZONE"},
        {"timestamp_ntz", "TIMESTAMP"}};
    VV_TRY(expect_symbol(op, parser, "("));
    vv_buf_adds(sql, "TRY_CAST(");
    VV_TRY(expression(op, parser, sql));
    VV_TRY(expect_word(op, parser, "as"));
    for (size_t i = 0; i < VV_COUNT(types); i++) {
        if (!is_word(parser, types[i][0]))
            continue;
        vv_buf_addf(sql, " AS %s)", types[i][1]);
        VV_TRY(advance(op, parser));
        return expect_symbol(op, parser, ")");
    }
    return refuse(op, parser, "a cast to a type that Spark and DuckDB convert differently");
}

static varve_status if_function(struct vv_op *op, struct parser *parser, struct vv_buf *sql)
{
    VV_TRY(advance(op, parser)); /* the parenthesis */
    vv_buf_adds(sql, "CASE WHEN ");
    VV_TRY(expression(op, parser, sql));
    VV_TRY(expect_symbol(op, parser, ","));
    vv_buf_adds(sql, " THEN ");
    VV_TRY(expression(op, parser, sql));
    VV_TRY(expect_symbol(op, parser, ","));
    vv_buf_adds(sql, " ELSE ");
    VV_TRY(expression(op, parser, sql));
    vv_buf_adds(sql, " END");
    return expect_symbol(op, parser, ")");
}

/* DATE '2025-01-30', TIMESTAMP '...' */
static varve_status typed_string(struct vv_op *op, struct parser *parser, const char *type,
    struct vv_buf *sql)
{
    vv_buf_adds(sql, "CAST(");
    VV_TRY(string(op, parser, sql));
    vv_buf_addf(sql, " AS %s)", type);
    return VARVE_OK;
}

static bool is_reserved(struct vv_str word)
{
    static const char *const words[] = {"select", "from", "where", "exists", "interval", "over",
        "and", "or", "not", "in", "like", "rlike", "regexp", "between", "is", "when", "then",
        "else", "end", "as", "case", "with", "union", "distinct", "any", "some", "all"};
    for (size_t i = 0; i < VV_COUNT(words); i++)
        if (vv_str_eq_nocase(word, vv_str_of(words[i])))
            return true;
    return false;
}

static varve_status word(struct vv_op *op, struct parser *parser, struct vv_buf *sql)
{
    static const char *const constants[] = {"true", "false", "null"};
    struct vv_str text = parser->token.text;
    bool is_case = is_word(parser, "case");
    bool is_reserved_word = !is_case && is_reserved(text);
    if (is_reserved_word)
        return refuse(op, parser, "not understood");
    VV_TRY(advance(op, parser));
    if (is_case)
        return case_when(op, parser, sql);
    for (size_t i = 0; i < VV_COUNT(constants); i++)
        if (vv_str_eq_nocase(text, vv_str_of(constants[i])))
            return vv_buf_adds(sql, constants[i]), VARVE_OK;
    if (is_symbol(parser, "(")) {
        if (vv_str_eq_nocase(text, VV_STR("cast")))
            return cast(op, parser, sql);
        if (vv_str_eq_nocase(text, VV_STR("if")))
            return if_function(op, parser, sql);
        return call(op, parser, text, sql);
    }
    if (parser->token.kind == VV_SPARK_STRING && vv_str_eq_nocase(text, VV_STR("date")))
        return typed_string(op, parser, "DATE", sql);
    if (parser->token.kind == VV_SPARK_STRING && vv_str_eq_nocase(text, VV_STR("timestamp")))
        return typed_string(op, parser, "TIMESTAMP WITH TIME ZONE", sql);
    return column(op, parser, text, sql);
}

/* ---- Operators ----------------------------------------------------------------------------- */

static varve_status primary(struct vv_op *op, struct parser *parser, struct vv_buf *sql)
{
    struct vv_str text = parser->token.text;
    switch (parser->token.kind) {
    case VV_SPARK_NUMBER:
        return number(op, parser, sql);
    case VV_SPARK_STRING:
        return string(op, parser, sql);
    case VV_SPARK_WORD:
        return word(op, parser, sql);
    case VV_SPARK_NAME:
        VV_TRY(advance(op, parser));
        return column(op, parser, text, sql);
    case VV_SPARK_SYMBOL:
    case VV_SPARK_END:
        break;
    }
    if (!is_symbol(parser, "("))
        return refuse(op, parser, "not understood");
    VV_TRY(advance(op, parser));
    vv_buf_addc(sql, '(');
    VV_TRY(expression(op, parser, sql));
    vv_buf_addc(sql, ')');
    return expect_symbol(op, parser, ")");
}

static varve_status enter(struct vv_op *op, struct parser *parser)
{
    if (++parser->depth > DEPTH_MAX)
        return vv_fail(op, VARVE_EUNSUPPORTED, "an expression nested deeper than %d", DEPTH_MAX);
    return VARVE_OK;
}

static varve_status unary(struct vv_op *op, struct parser *parser, struct vv_buf *sql)
{
    if (!is_symbol(parser, "-") && !is_symbol(parser, "+"))
        return primary(op, parser, sql);
    vv_buf_addf(sql, "(%c ", parser->token.text.ptr[0]);
    VV_TRY(enter(op, parser));
    VV_TRY(advance(op, parser));
    VV_TRY(unary(op, parser, sql));
    parser->depth--;
    vv_buf_addc(sql, ')');
    return VARVE_OK;
}

/* `left` becomes (left operator right); dividing by zero is NULL, as it is in Spark. */
static varve_status binary(struct vv_op *op, struct vv_buf *left, struct vv_str operator,
    const struct vv_buf *right)
{
    VV_CLEANUP(vv_buf_done) struct vv_buf whole = VV_BUF_INIT(VV_BUF_MAX);
    bool divides = vv_str_eq(operator, VV_STR("/")) || vv_str_eq(operator, VV_STR("%"));
    vv_buf_addf(&whole, divides ? "(%.*s %.*s nullif(%.*s, 0))" : "(%.*s %.*s %.*s)",
        VV_ARG(vv_buf_str(left)), VV_ARG(operator), VV_ARG(vv_buf_str(right)));
    bool is_whole = vv_buf_ok(left) && vv_buf_ok(right) && vv_buf_ok(&whole);
    vv_buf_clear(left);
    vv_buf_add(left, vv_buf_str(&whole));
    return is_whole ? VARVE_OK : vv_fail_memory(op);
}

static varve_status product(struct vv_op *op, struct parser *parser, struct vv_buf *sql)
{
    VV_CLEANUP(vv_buf_done) struct vv_buf left = VV_BUF_INIT(VV_BUF_MAX);
    VV_TRY(unary(op, parser, &left));
    while (is_symbol(parser, "*") || is_symbol(parser, "/") || is_symbol(parser, "%")) {
        VV_CLEANUP(vv_buf_done) struct vv_buf right = VV_BUF_INIT(VV_BUF_MAX);
        struct vv_str operator = parser->token.text;
        VV_TRY(advance(op, parser));
        VV_TRY(unary(op, parser, &right));
        VV_TRY(binary(op, &left, operator, &right));
    }
    vv_buf_add(sql, vv_buf_str(&left));
    return vv_buf_ok(&left) ? VARVE_OK : vv_fail_memory(op);
}

static varve_status value(struct vv_op *op, struct parser *parser, struct vv_buf *sql)
{
    VV_CLEANUP(vv_buf_done) struct vv_buf left = VV_BUF_INIT(VV_BUF_MAX);
    VV_TRY(product(op, parser, &left));
    while (is_symbol(parser, "+") || is_symbol(parser, "-") || is_symbol(parser, "||")) {
        VV_CLEANUP(vv_buf_done) struct vv_buf right = VV_BUF_INIT(VV_BUF_MAX);
        struct vv_str operator = parser->token.text;
        VV_TRY(advance(op, parser));
        VV_TRY(product(op, parser, &right));
        VV_TRY(binary(op, &left, operator, &right));
    }
    vv_buf_add(sql, vv_buf_str(&left));
    return vv_buf_ok(&left) ? VARVE_OK : vv_fail_memory(op);
}

static varve_status in_list(struct vv_op *op, struct parser *parser, struct vv_buf *sql)
{
    const char *separator = " IN (";
    VV_TRY(expect_symbol(op, parser, "("));
    do {
        if (*separator == ',')
            VV_TRY(advance(op, parser));
        vv_buf_adds(sql, separator);
        VV_TRY(expression(op, parser, sql));
        separator = ", ";
    } while (is_symbol(parser, ","));
    vv_buf_addc(sql, ')');
    return expect_symbol(op, parser, ")");
}

static varve_status like(struct vv_op *op, struct parser *parser, struct vv_buf *sql)
{
    bool has_escape = false;
    vv_buf_adds(sql, " LIKE ");
    VV_TRY(value(op, parser, sql));
    VV_TRY(accept_word(op, parser, "escape", &has_escape));
    vv_buf_adds(sql, " ESCAPE ");
    if (!has_escape)
        return vv_buf_adds(sql, "'\\'"), VARVE_OK;
    if (parser->token.kind != VV_SPARK_STRING)
        return refuse(op, parser, "not an escape character");
    return string(op, parser, sql);
}

/* What may follow `[NOT]` behind a value; the left side is in `left` already. */
static varve_status set_predicate(struct vv_op *op, struct parser *parser, bool is_not,
    struct vv_buf *left)
{
    VV_CLEANUP(vv_buf_done) struct vv_buf right = VV_BUF_INIT(VV_BUF_MAX);
    VV_CLEANUP(vv_buf_done) struct vv_buf whole = VV_BUF_INIT(VV_BUF_MAX);
    bool is_between = is_word(parser, "between");
    bool is_in = is_word(parser, "in");
    bool is_like = is_word(parser, "like");
    bool is_regular = is_word(parser, "rlike") || is_word(parser, "regexp");
    if (!is_between && !is_in && !is_like && !is_regular)
        return refuse(op, parser, "not understood");
    VV_TRY(advance(op, parser));
    if (is_in) {
        VV_TRY(in_list(op, parser, &right));
    } else if (is_like) {
        VV_TRY(like(op, parser, &right));
    } else {
        vv_buf_adds(&right, is_between ? " BETWEEN " : ", ");
        VV_TRY(value(op, parser, &right));
    }
    if (is_between) {
        VV_TRY(expect_word(op, parser, "and"));
        vv_buf_adds(&right, " AND ");
        VV_TRY(value(op, parser, &right));
    }
    vv_buf_addf(&whole, "(%s%s%.*s%.*s%s)", is_not ? "NOT " : "",
        is_regular ? "regexp_matches(" : "(", VV_ARG(vv_buf_str(left)),
        VV_ARG(vv_buf_str(&right)), ")");
    bool is_whole = vv_buf_ok(left) && vv_buf_ok(&right) && vv_buf_ok(&whole);
    vv_buf_clear(left);
    vv_buf_add(left, vv_buf_str(&whole));
    return is_whole ? VARVE_OK : vv_fail_memory(op);
}

/* IS [NOT] NULL | TRUE | FALSE | DISTINCT FROM value */
static varve_status is_predicate(struct vv_op *op, struct parser *parser, struct vv_buf *left)
{
    static const char *const words[] = {"null", "true", "false"};
    VV_CLEANUP(vv_buf_done) struct vv_buf whole = VV_BUF_INIT(VV_BUF_MAX);
    bool is_not = false;
    VV_TRY(advance(op, parser));
    VV_TRY(accept_word(op, parser, "not", &is_not));
    vv_buf_addf(&whole, "(%.*s IS %s", VV_ARG(vv_buf_str(left)), is_not ? "NOT " : "");
    bool found = false;
    for (size_t i = 0; i < VV_COUNT(words) && !found; i++) {
        VV_TRY(accept_word(op, parser, words[i], &found));
        if (found)
            vv_buf_adds(&whole, words[i]);
    }
    if (!found) {
        VV_TRY(expect_word(op, parser, "distinct"));
        VV_TRY(expect_word(op, parser, "from"));
        vv_buf_adds(&whole, "DISTINCT FROM ");
        VV_TRY(value(op, parser, &whole));
    }
    vv_buf_addc(&whole, ')');
    bool is_whole = vv_buf_ok(left) && vv_buf_ok(&whole);
    vv_buf_clear(left);
    vv_buf_add(left, vv_buf_str(&whole));
    return is_whole ? VARVE_OK : vv_fail_memory(op);
}

static const char *comparison(const struct parser *parser)
{
    static const char *const operators[][2] = {{"=", "="}, {"==", "="}, {"<>", "<>"},
        {"!=", "<>"}, {"<", "<"}, {"<=", "<="}, {">", ">"}, {">=", ">="},
        {"<=>", "IS NOT DISTINCT FROM"}};
    for (size_t i = 0; i < VV_COUNT(operators); i++)
        if (is_symbol(parser, operators[i][0]))
            return operators[i][1];
    return NULL;
}

static varve_status predicate(struct vv_op *op, struct parser *parser, struct vv_buf *sql)
{
    VV_CLEANUP(vv_buf_done) struct vv_buf left = VV_BUF_INIT(VV_BUF_MAX);
    VV_TRY(value(op, parser, &left));
    for (;;) {
        bool is_not = false;
        const char *operator = comparison(parser);
        if (operator != NULL) {
            VV_CLEANUP(vv_buf_done) struct vv_buf right = VV_BUF_INIT(VV_BUF_MAX);
            VV_TRY(advance(op, parser));
            VV_TRY(value(op, parser, &right));
            VV_TRY(binary(op, &left, vv_str_of(operator), &right));
        } else if (is_word(parser, "is")) {
            VV_TRY(is_predicate(op, parser, &left));
        } else if (is_word(parser, "not") || is_word(parser, "in") ||
                   is_word(parser, "between") || is_word(parser, "like") ||
                   is_word(parser, "rlike") || is_word(parser, "regexp")) {
            VV_TRY(accept_word(op, parser, "not", &is_not));
            VV_TRY(set_predicate(op, parser, is_not, &left));
        } else {
            vv_buf_add(sql, vv_buf_str(&left));
            return vv_buf_ok(&left) ? VARVE_OK : vv_fail_memory(op);
        }
    }
}

static varve_status negation(struct vv_op *op, struct parser *parser, struct vv_buf *sql)
{
    if (!is_word(parser, "not") && !is_symbol(parser, "!"))
        return predicate(op, parser, sql);
    VV_TRY(advance(op, parser));
    VV_TRY(enter(op, parser));
    vv_buf_adds(sql, "(NOT ");
    VV_TRY(negation(op, parser, sql));
    vv_buf_addc(sql, ')');
    parser->depth--;
    return VARVE_OK;
}

static varve_status conjunction(struct vv_op *op, struct parser *parser, struct vv_buf *sql)
{
    bool more = true;
    vv_buf_addc(sql, '(');
    while (more) {
        VV_TRY(negation(op, parser, sql));
        VV_TRY(accept_word(op, parser, "and", &more));
        vv_buf_adds(sql, more ? " AND " : ")");
    }
    return VARVE_OK;
}

static varve_status expression(struct vv_op *op, struct parser *parser, struct vv_buf *sql)
{
    bool more = true;
    VV_TRY(enter(op, parser));
    vv_buf_addc(sql, '(');
    while (more) {
        VV_TRY(conjunction(op, parser, sql));
        VV_TRY(accept_word(op, parser, "or", &more));
        vv_buf_adds(sql, more ? " OR " : ")");
    }
    parser->depth--;
    return vv_buf_ok(sql) ? VARVE_OK : vv_fail_memory(op);
}

varve_status vv_spark_sql_translate(struct vv_op *op, struct vv_str expression_text,
    const struct vv_spark_columns *columns, struct vv_arena *arena, struct vv_str *out_sql)
{
    VV_CLEANUP(vv_buf_done) struct vv_buf sql = VV_BUF_INIT(VV_BUF_MAX);
    struct parser parser = {.lexer = {.text = expression_text}, .columns = columns};
    if (expression_text.len > TEXT_MAX)
        return vv_fail(op, VARVE_EUNSUPPORTED, "an expression of %zu bytes", expression_text.len);
    VV_TRY(advance(op, &parser));
    VV_TRY(expression(op, &parser, &sql));
    if (parser.token.kind != VV_SPARK_END)
        return refuse(op, &parser, "not understood");
    struct vv_str kept = vv_arena_str(arena, vv_buf_str(&sql));
    if (!vv_buf_ok(&sql) || kept.ptr == NULL)
        return vv_fail_memory(op);
    *out_sql = kept;
    return VARVE_OK;
}
