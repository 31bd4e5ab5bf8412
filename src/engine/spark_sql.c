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

#include "engine/sql.h"
#include "engine/spark_parser.h"

#define DEPTH_MAX 64
#define CHAIN_MAX 500  /* operators in a row: each is a level for DuckDB */
#define CHOICES_MAX 16 /* of a list; more are looked up faster than compared */

static varve_status value(struct vv_op *op, struct vv_spark_parser *parser, struct vv_buf *sql);

varve_status vv_spark_advance(struct vv_op *op, struct vv_spark_parser *parser)
{
    return vv_spark_next(op, &parser->lexer, &parser->token);
}

varve_status vv_spark_refuse(struct vv_op *op, const struct vv_spark_parser *parser,
    const char *why)
{
    if (parser->token.kind == VV_SPARK_END)
        return vv_fail(op, VARVE_EUNSUPPORTED, "%s: \"%.*s\" ends too early", why,
            VV_ARG(parser->lexer.text));
    return vv_fail(op, VARVE_EUNSUPPORTED, "%s: \"%.*s\" at byte %zu of \"%.*s\"", why,
        VV_ARG(parser->token.text), parser->token.offset, VV_ARG(parser->lexer.text));
}

bool vv_spark_is_symbol(const struct vv_spark_parser *parser, const char *text)
{
    return parser->token.kind == VV_SPARK_SYMBOL &&
           vv_str_eq(parser->token.text, vv_str_of(text));
}

bool vv_spark_is_word(const struct vv_spark_parser *parser, const char *word)
{
    return parser->token.kind == VV_SPARK_WORD &&
           vv_str_eq_nocase(parser->token.text, vv_str_of(word));
}

varve_status vv_spark_accept_word(struct vv_op *op, struct vv_spark_parser *parser,
    const char *word, bool *out)
{
    *out = vv_spark_is_word(parser, word);
    return *out ? vv_spark_advance(op, parser) : VARVE_OK;
}

varve_status vv_spark_expect_symbol(struct vv_op *op, struct vv_spark_parser *parser,
    const char *text)
{
    if (!vv_spark_is_symbol(parser, text))
        return vv_spark_refuse(op, parser, "not understood");
    return vv_spark_advance(op, parser);
}

varve_status vv_spark_expect_word(struct vv_op *op, struct vv_spark_parser *parser,
    const char *word)
{
    if (!vv_spark_is_word(parser, word))
        return vv_spark_refuse(op, parser, "not understood");
    return vv_spark_advance(op, parser);
}

/* ---- Operators ----------------------------------------------------------------------------- */

static varve_status primary(struct vv_op *op, struct vv_spark_parser *parser,
    struct vv_buf *sql)
{
    struct vv_str text = parser->token.text;
    switch (parser->token.kind) {
    case VV_SPARK_NUMBER:
        return vv_spark_number(op, parser, sql);
    case VV_SPARK_STRING:
        return vv_spark_string(op, parser, sql);
    case VV_SPARK_WORD:
        return vv_spark_word(op, parser, sql);
    case VV_SPARK_NAME:
        VV_TRY(vv_spark_advance(op, parser));
        return vv_spark_column(op, parser, text, sql);
    case VV_SPARK_SYMBOL:
    case VV_SPARK_END:
        break;
    }
    if (!vv_spark_is_symbol(parser, "("))
        return vv_spark_refuse(op, parser, "not understood");
    VV_TRY(vv_spark_advance(op, parser));
    vv_buf_addc(sql, '(');
    VV_TRY(vv_spark_expression(op, parser, sql));
    vv_buf_addc(sql, ')');
    return vv_spark_expect_symbol(op, parser, ")");
}

static varve_status enter(struct vv_op *op, struct vv_spark_parser *parser)
{
    if (++parser->depth > DEPTH_MAX)
        return vv_fail(op, VARVE_EUNSUPPORTED, "an expression nested deeper than %d",
            DEPTH_MAX);
    return VARVE_OK;
}

static varve_status unary(struct vv_op *op, struct vv_spark_parser *parser, struct vv_buf *sql)
{
    if (!vv_spark_is_symbol(parser, "-") && !vv_spark_is_symbol(parser, "+"))
        return primary(op, parser, sql);
    vv_buf_addf(sql, "(%c ", parser->token.text.ptr[0]);
    VV_TRY(enter(op, parser));
    VV_TRY(vv_spark_advance(op, parser));
    VV_TRY(unary(op, parser, sql));
    parser->depth--;
    vv_buf_addc(sql, ')');
    return VARVE_OK;
}

/* `left` becomes (left sign right); dividing by zero is NULL, as it is in Spark. */
static varve_status binary(struct vv_op *op, struct vv_buf *left, struct vv_str sign,
    const struct vv_buf *right)
{
    VV_CLEANUP(vv_buf_done) struct vv_buf whole = VV_BUF_INIT(VV_BUF_MAX);
    bool divides = vv_str_eq(sign, VV_STR("/")) || vv_str_eq(sign, VV_STR("%"));
    vv_buf_addf(&whole, divides ? "(%.*s %.*s nullif(%.*s, 0))" : "(%.*s %.*s %.*s)",
        VV_ARG(vv_buf_str(left)), VV_ARG(sign), VV_ARG(vv_buf_str(right)));
    bool is_whole = vv_buf_ok(left) && vv_buf_ok(right) && vv_buf_ok(&whole);
    vv_buf_clear(left);
    vv_buf_add(left, vv_buf_str(&whole));
    return is_whole ? VARVE_OK : vv_fail_memory(op);
}

static varve_status chain_grow(struct vv_op *op, uint32_t *operators)
{
    if (++*operators > CHAIN_MAX)
        return vv_fail(op, VARVE_EUNSUPPORTED,
            "an expression with more than %d operators in a row", CHAIN_MAX);
    return VARVE_OK;
}

static varve_status product(struct vv_op *op, struct vv_spark_parser *parser,
    struct vv_buf *sql)
{
    uint32_t operators = 0;
    VV_CLEANUP(vv_buf_done) struct vv_buf left = VV_BUF_INIT(VV_BUF_MAX);
    VV_TRY(unary(op, parser, &left));
    while (vv_spark_is_symbol(parser, "*") || vv_spark_is_symbol(parser, "/") ||
           vv_spark_is_symbol(parser, "%")) {
        VV_CLEANUP(vv_buf_done) struct vv_buf right = VV_BUF_INIT(VV_BUF_MAX);
        struct vv_str sign = parser->token.text;
        VV_TRY(chain_grow(op, &operators));
        VV_TRY(vv_spark_advance(op, parser));
        VV_TRY(unary(op, parser, &right));
        VV_TRY(binary(op, &left, sign, &right));
    }
    vv_buf_add(sql, vv_buf_str(&left));
    return vv_buf_ok(&left) ? VARVE_OK : vv_fail_memory(op);
}

static varve_status value(struct vv_op *op, struct vv_spark_parser *parser, struct vv_buf *sql)
{
    uint32_t operators = 0;
    VV_CLEANUP(vv_buf_done) struct vv_buf left = VV_BUF_INIT(VV_BUF_MAX);
    VV_TRY(product(op, parser, &left));
    while (vv_spark_is_symbol(parser, "+") || vv_spark_is_symbol(parser, "-") ||
           vv_spark_is_symbol(parser, "||")) {
        VV_CLEANUP(vv_buf_done) struct vv_buf right = VV_BUF_INIT(VV_BUF_MAX);
        struct vv_str sign = parser->token.text;
        VV_TRY(chain_grow(op, &operators));
        VV_TRY(vv_spark_advance(op, parser));
        VV_TRY(product(op, parser, &right));
        VV_TRY(binary(op, &left, sign, &right));
    }
    vv_buf_add(sql, vv_buf_str(&left));
    return vv_buf_ok(&left) ? VARVE_OK : vv_fail_memory(op);
}

/* A string, and nothing else up to the next comma or bracket. */
static bool is_text_alone(struct vv_op *op, const struct vv_spark_parser *parser)
{
    struct vv_spark_parser ahead = *parser;
    if (parser->token.kind != VV_SPARK_STRING)
        return false;
    if (vv_spark_advance(op, &ahead) != VARVE_OK) {
        vv_forgive(op);
        return false;
    }
    return vv_spark_is_symbol(&ahead, ",") || vv_spark_is_symbol(&ahead, ")");
}

/* A column, which costs nothing to be named again. */
static bool is_name(struct vv_str sql)
{
    return sql.len > 2 && sql.ptr[0] == '"' &&
           memchr(sql.ptr + 1, '"', sql.len - 1) == sql.ptr + sql.len - 1;
}

/*
 * "x IN ('a', 'b')", or of a column and few strings "x = 'a' OR x = 'b'", which is the same: the engine
 * looks for one of six values or more by a join, which is no faster and yields rows in another
 * order, so that a batch that came in order would have to be sorted.
 */
static varve_status in_list(struct vv_op *op, struct vv_spark_parser *parser,
    struct vv_str left, struct vv_buf *sql)
{
    VV_CLEANUP(vv_buf_done) struct vv_buf list = VV_BUF_INIT(VV_BUF_MAX);
    VV_CLEANUP(vv_buf_done) struct vv_buf any = VV_BUF_INIT(VV_BUF_MAX);
    bool is_any = is_name(left);
    VV_TRY(vv_spark_expect_symbol(op, parser, "("));
    for (size_t len = 1;; len++) {
        VV_CLEANUP(vv_buf_done) struct vv_buf item = VV_BUF_INIT(VV_BUF_MAX);
        is_any = is_any && len <= CHOICES_MAX && is_text_alone(op, parser);
        VV_TRY(vv_spark_expression(op, parser, &item));
        if (!vv_buf_ok(&item))
            return vv_fail_memory(op);
        vv_buf_addf(&list, "%s%.*s", len > 1 ? ", " : "", VV_ARG(vv_buf_str(&item)));
        if (is_any)
            vv_buf_addf(&any, "%s%.*s = %.*s", len > 1 ? " OR " : "", VV_ARG(left),
                VV_ARG(vv_buf_str(&item)));
        if (!vv_spark_is_symbol(parser, ","))
            break;
        VV_TRY(vv_spark_advance(op, parser));
    }
    if (!vv_buf_ok(&list) || !vv_buf_ok(&any))
        return vv_fail_memory(op);
    if (is_any)
        vv_buf_add(sql, vv_buf_str(&any));
    else
        vv_buf_addf(sql, "%.*s IN (%.*s)", VV_ARG(left), VV_ARG(vv_buf_str(&list)));
    return vv_spark_expect_symbol(op, parser, ")");
}

static varve_status like(struct vv_op *op, struct vv_spark_parser *parser, struct vv_buf *sql)
{
    bool has_escape = false;
    vv_buf_adds(sql, " LIKE ");
    VV_TRY(value(op, parser, sql));
    VV_TRY(vv_spark_accept_word(op, parser, "escape", &has_escape));
    vv_buf_adds(sql, " ESCAPE ");
    if (!has_escape)
        return vv_buf_adds(sql, "'\\'"), VARVE_OK;
    if (parser->token.kind != VV_SPARK_STRING)
        return vv_spark_refuse(op, parser, "not an escape character");
    return vv_spark_string(op, parser, sql);
}

/* What may follow `[NOT]` behind a value; the left side is in `left` already. */
static varve_status set_predicate(struct vv_op *op, struct vv_spark_parser *parser, bool is_not,
    struct vv_buf *left)
{
    VV_CLEANUP(vv_buf_done) struct vv_buf right = VV_BUF_INIT(VV_BUF_MAX);
    VV_CLEANUP(vv_buf_done) struct vv_buf whole = VV_BUF_INIT(VV_BUF_MAX);
    bool is_between = vv_spark_is_word(parser, "between");
    bool is_in = vv_spark_is_word(parser, "in");
    bool is_like = vv_spark_is_word(parser, "like");
    bool is_regular = vv_spark_is_word(parser, "rlike") || vv_spark_is_word(parser, "regexp");
    if (!is_between && !is_in && !is_like && !is_regular)
        return vv_spark_refuse(op, parser, "not understood");
    VV_TRY(vv_spark_advance(op, parser));
    if (!vv_buf_ok(left))
        return vv_fail_memory(op);
    if (is_in) {
        VV_TRY(in_list(op, parser, vv_buf_str(left), &right));
        vv_buf_clear(left);
    } else if (is_like) {
        VV_TRY(like(op, parser, &right));
    } else {
        vv_buf_adds(&right, is_between ? " BETWEEN " : ", ");
        VV_TRY(value(op, parser, &right));
    }
    if (is_between) {
        VV_TRY(vv_spark_expect_word(op, parser, "and"));
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
static varve_status is_predicate(struct vv_op *op, struct vv_spark_parser *parser,
    struct vv_buf *left)
{
    static const char *const words[] = {"null", "true", "false"};
    VV_CLEANUP(vv_buf_done) struct vv_buf whole = VV_BUF_INIT(VV_BUF_MAX);
    bool is_not = false;
    VV_TRY(vv_spark_advance(op, parser));
    VV_TRY(vv_spark_accept_word(op, parser, "not", &is_not));
    vv_buf_addf(&whole, "(%.*s IS %s", VV_ARG(vv_buf_str(left)), is_not ? "NOT " : "");
    bool found = false;
    for (size_t i = 0; i < VV_COUNT(words) && !found; i++) {
        VV_TRY(vv_spark_accept_word(op, parser, words[i], &found));
        if (found)
            vv_buf_adds(&whole, words[i]);
    }
    if (!found) {
        VV_TRY(vv_spark_expect_word(op, parser, "distinct"));
        VV_TRY(vv_spark_expect_word(op, parser, "from"));
        vv_buf_adds(&whole, "DISTINCT FROM ");
        VV_TRY(value(op, parser, &whole));
    }
    vv_buf_addc(&whole, ')');
    bool is_whole = vv_buf_ok(left) && vv_buf_ok(&whole);
    vv_buf_clear(left);
    vv_buf_add(left, vv_buf_str(&whole));
    return is_whole ? VARVE_OK : vv_fail_memory(op);
}

static const char *comparison(const struct vv_spark_parser *parser)
{
    static const char *const operators[][2] = {{"=", "="}, {"==", "="}, {"<>", "<>"},
        {"!=", "<>"}, {"<", "<"}, {"<=", "<="}, {">", ">"}, {">=", ">="},
        {"<=>", "IS NOT DISTINCT FROM"}};
    for (size_t i = 0; i < VV_COUNT(operators); i++)
        if (vv_spark_is_symbol(parser, operators[i][0]))
            return operators[i][1];
    return NULL;
}

static varve_status predicate(struct vv_op *op, struct vv_spark_parser *parser,
    struct vv_buf *sql)
{
    uint32_t operators = 0;
    VV_CLEANUP(vv_buf_done) struct vv_buf left = VV_BUF_INIT(VV_BUF_MAX);
    VV_TRY(value(op, parser, &left));
    for (;;) {
        bool is_not = false;
        const char *sign = comparison(parser);
        VV_TRY(chain_grow(op, &operators));
        if (sign != NULL) {
            VV_CLEANUP(vv_buf_done) struct vv_buf right = VV_BUF_INIT(VV_BUF_MAX);
            VV_TRY(vv_spark_advance(op, parser));
            VV_TRY(value(op, parser, &right));
            VV_TRY(binary(op, &left, vv_str_of(sign), &right));
        } else if (vv_spark_is_word(parser, "is")) {
            VV_TRY(is_predicate(op, parser, &left));
        } else if (vv_spark_is_word(parser, "not") || vv_spark_is_word(parser, "in") ||
                   vv_spark_is_word(parser, "between") || vv_spark_is_word(parser, "like") ||
                   vv_spark_is_word(parser, "rlike") || vv_spark_is_word(parser, "regexp")) {
            VV_TRY(vv_spark_accept_word(op, parser, "not", &is_not));
            VV_TRY(set_predicate(op, parser, is_not, &left));
        } else {
            vv_buf_add(sql, vv_buf_str(&left));
            return vv_buf_ok(&left) ? VARVE_OK : vv_fail_memory(op);
        }
    }
}

static varve_status negation(struct vv_op *op, struct vv_spark_parser *parser,
    struct vv_buf *sql)
{
    if (!vv_spark_is_word(parser, "not") && !vv_spark_is_symbol(parser, "!"))
        return predicate(op, parser, sql);
    VV_TRY(vv_spark_advance(op, parser));
    VV_TRY(enter(op, parser));
    vv_buf_adds(sql, "(NOT ");
    VV_TRY(negation(op, parser, sql));
    vv_buf_addc(sql, ')');
    parser->depth--;
    return VARVE_OK;
}

static varve_status conjunction(struct vv_op *op, struct vv_spark_parser *parser,
    struct vv_buf *sql)
{
    bool more = true;
    vv_buf_addc(sql, '(');
    while (more) {
        VV_TRY(negation(op, parser, sql));
        VV_TRY(vv_spark_accept_word(op, parser, "and", &more));
        vv_buf_adds(sql, more ? " AND " : ")");
    }
    return VARVE_OK;
}

varve_status vv_spark_expression(struct vv_op *op, struct vv_spark_parser *parser,
    struct vv_buf *sql)
{
    bool more = true;
    VV_TRY(enter(op, parser));
    vv_buf_addc(sql, '(');
    while (more) {
        VV_TRY(conjunction(op, parser, sql));
        VV_TRY(vv_spark_accept_word(op, parser, "or", &more));
        vv_buf_adds(sql, more ? " OR " : ")");
    }
    parser->depth--;
    return vv_buf_ok(sql) ? VARVE_OK : vv_fail_memory(op);
}

varve_status vv_spark_sql_translate(struct vv_op *op, struct vv_str expression_text,
    const struct vv_spark_columns *columns, struct vv_arena *arena, struct vv_str *out_sql)
{
    VV_CLEANUP(vv_buf_done) struct vv_buf sql = VV_BUF_INIT(VV_BUF_MAX);
    struct vv_spark_parser parser = {.lexer = {.text = expression_text}, .columns = columns};
    if (expression_text.len > VV_SPARK_TEXT_MAX)
        return vv_fail(op, VARVE_EUNSUPPORTED, "an expression of %zu bytes",
            expression_text.len);
    VV_TRY(vv_spark_advance(op, &parser));
    VV_TRY(vv_spark_expression(op, &parser, &sql));
    if (parser.token.kind != VV_SPARK_END)
        return vv_spark_refuse(op, &parser, "not understood");
    struct vv_str kept = vv_arena_str(arena, vv_buf_str(&sql));
    if (!vv_buf_ok(&sql) || kept.ptr == NULL)
        return vv_fail_memory(op);
    *out_sql = kept;
    return VARVE_OK;
}
