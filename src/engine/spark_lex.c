#include "engine/spark_lex.h"

static bool is_letter(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
}

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static char peek(const struct vv_spark_lexer *lexer, size_t ahead)
{
    size_t at = lexer->at + ahead;
    return at < lexer->text.len ? lexer->text.ptr[at] : '\0';
}

static struct vv_str slice(const struct vv_spark_lexer *lexer, size_t from, size_t to)
{
    return (struct vv_str){lexer->text.ptr + from, to - from};
}

static varve_status refuse(struct vv_op *op, const struct vv_spark_lexer *lexer, size_t at,
    const char *what)
{
    return vv_fail(op, VARVE_EUNSUPPORTED, "%s at byte %zu of \"%.*s\"", what, at,
        VV_ARG(lexer->text));
}

/* Blanks only: a comment in a stored expression is a sign of something that we do not expect. */
static void skip_blanks(struct vv_spark_lexer *lexer)
{
    while (lexer->at < lexer->text.len) {
        char c = lexer->text.ptr[lexer->at];
        if (c != ' ' && c != '\t' && c != '\n' && c != '\r')
            return;
        lexer->at++;
    }
}

/* 'text' or "text" with backslash escapes, `name` with the quote doubled inside. */
static varve_status quoted(struct vv_op *op, struct vv_spark_lexer *lexer,
    struct vv_spark_token *out)
{
    size_t start = lexer->at;
    char quote = lexer->text.ptr[lexer->at++];
    bool is_name = quote == '`';
    for (; lexer->at < lexer->text.len; lexer->at++) {
        char c = lexer->text.ptr[lexer->at];
        if (c == '\\' && !is_name) {
            lexer->at++;
        } else if (c == quote && is_name && peek(lexer, 1) == quote) {
            lexer->at++;
        } else if (c == quote) {
            out->kind = is_name ? VV_SPARK_NAME : VV_SPARK_STRING;
            out->text = slice(lexer, start + 1, lexer->at);
            lexer->at++;
            return VARVE_OK;
        }
    }
    return refuse(op, lexer, start, "a quote that is not closed");
}

static varve_status number(struct vv_op *op, struct vv_spark_lexer *lexer,
    struct vv_spark_token *out)
{
    size_t start = lexer->at;
    while (is_digit(peek(lexer, 0)))
        lexer->at++;
    if (peek(lexer, 0) == '.') {
        lexer->at++;
        while (is_digit(peek(lexer, 0)))
            lexer->at++;
    }
    size_t sign = peek(lexer, 1) == '+' || peek(lexer, 1) == '-' ? 1 : 0;
    if ((peek(lexer, 0) == 'e' || peek(lexer, 0) == 'E') && is_digit(peek(lexer, 1 + sign))) {
        lexer->at += 1 + sign;
        while (is_digit(peek(lexer, 0)))
            lexer->at++;
    }
    out->kind = VV_SPARK_NUMBER;
    out->text = slice(lexer, start, lexer->at);
    char suffix = peek(lexer, 0);
    if (suffix == 'L' || suffix == 'l' || suffix == 'D' || suffix == 'd') {
        out->suffix = suffix == 'L' || suffix == 'l' ? 'L' : 'D';
        lexer->at++;
    }
    if (is_letter(peek(lexer, 0)))
        return refuse(op, lexer, start, "a number with an unknown ending");
    return VARVE_OK;
}

static varve_status symbol(struct vv_op *op, struct vv_spark_lexer *lexer,
    struct vv_spark_token *out)
{
    static const char *const symbols[] = {"<=>", "<=", ">=", "<>", "!=", "==", "||", "=", "<",
        ">", "+", "-", "*", "/", "%", "(", ")", ",", "!", "."};
    struct vv_str rest = vv_str_skip(lexer->text, lexer->at);
    for (size_t i = 0; i < VV_COUNT(symbols); i++) {
        struct vv_str candidate = vv_str_of(symbols[i]);
        if (!vv_str_starts(rest, candidate))
            continue;
        out->kind = VV_SPARK_SYMBOL;
        out->text = vv_str_first(rest, candidate.len);
        lexer->at += candidate.len;
        if (vv_str_starts(rest, VV_STR("--")))
            return refuse(op, lexer, out->offset, "a comment");
        return VARVE_OK;
    }
    return refuse(op, lexer, lexer->at, "a character without a meaning");
}

varve_status vv_spark_next(struct vv_op *op, struct vv_spark_lexer *lexer,
    struct vv_spark_token *out)
{
    skip_blanks(lexer);
    *out = (struct vv_spark_token){.offset = lexer->at};
    if (lexer->at >= lexer->text.len)
        return VARVE_OK;
    char c = peek(lexer, 0);
    if (c == '\'' || c == '"' || c == '`')
        return quoted(op, lexer, out);
    if (is_digit(c) || (c == '.' && is_digit(peek(lexer, 1))))
        return number(op, lexer, out);
    if (!is_letter(c))
        return symbol(op, lexer, out);
    size_t start = lexer->at;
    while (is_letter(peek(lexer, 0)) || is_digit(peek(lexer, 0)))
        lexer->at++;
    out->kind = VV_SPARK_WORD;
    out->text = slice(lexer, start, lexer->at);
    return VARVE_OK;
}

bool vv_spark_is_reserved(struct vv_str word)
{
    static const char *const words[] = {"select", "from", "where", "exists", "interval", "over",
        "and", "or", "not", "in", "like", "rlike", "regexp", "between", "is", "when", "then",
        "else", "end", "as", "case", "with", "union", "distinct", "any", "some", "all"};
    for (size_t i = 0; i < VV_COUNT(words); i++)
        if (vv_str_eq_nocase(word, vv_str_of(words[i])))
            return true;
    return false;
}
