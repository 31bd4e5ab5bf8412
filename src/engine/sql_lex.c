#include "engine/sql_lex.h"

#include <string.h>

/* What stands in a block comment, up to and with its end. */
static struct vv_str skip_block(struct vv_str sql, bool *out_closed)
{
    size_t depth = 0;
    do {
        if (vv_str_starts(sql, VV_STR("/*"))) {
            depth++;
            sql = vv_str_skip(sql, 2);
        } else if (vv_str_starts(sql, VV_STR("*/"))) {
            depth--;
            sql = vv_str_skip(sql, 2);
        } else {
            sql = vv_str_skip(sql, 1);
        }
    } while (depth > 0 && sql.len > 0);
    *out_closed = depth == 0;
    return sql;
}

static bool is_blank(char byte)
{
    return byte == ' ' || (byte >= '\t' && byte <= '\r');
}

/* Bytes of a blank in front that is not ASCII, as DuckDB has them: SQL pasted from a page is full of these. */
static size_t wide_blank_len(struct vv_str sql)
{
    static const char *const blanks[] = {"\xC2\xA0", "\xE2\x80\xAF", "\xE2\x81\x9F",
        "\xE2\x81\xA0", "\xE3\x80\x80", "\xEF\xBB\xBF"};
    if (sql.len == 0 || (unsigned char)sql.ptr[0] < 0xC2)
        return 0;
    for (size_t i = 0; i < VV_COUNT(blanks); i++)
        if (vv_str_starts(sql, vv_str_of(blanks[i])))
            return strlen(blanks[i]);
    bool is_space = sql.len > 2 && vv_str_starts(sql, VV_STR("\xE2\x80")) &&
                    (unsigned char)sql.ptr[2] >= 0x80 && (unsigned char)sql.ptr[2] <= 0x8B;
    return is_space ? 3 : 0;
}

static size_t blank_len(struct vv_str sql)
{
    return sql.len > 0 && is_blank(sql.ptr[0]) ? 1 : wide_blank_len(sql);
}

struct vv_str vv_sql_skip_blank(struct vv_str sql, bool *out_closed)
{
    bool is_closed = true;
    for (;;) {
        for (size_t len = blank_len(sql); len > 0; len = blank_len(sql))
            sql = vv_str_skip(sql, len);
        if (vv_str_starts(sql, VV_STR("--")))
            sql = vv_str_skip(sql, vv_str_find(sql, '\n'));
        else if (vv_str_starts(sql, VV_STR("/*")))
            sql = skip_block(sql, &is_closed);
        else
            break;
    }
    if (out_closed != NULL)
        *out_closed = is_closed;
    return sql;
}

static bool is_word_byte(char byte)
{
    unsigned char c = (unsigned char)byte;
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
           c == '_' || c >= 0x80;
}

/* Length of a text in quotes, the closing one doubled within; `from` is behind the first one. */
static size_t quoted_len(struct vv_str sql, size_t from, char quote, bool has_escapes,
    bool *out_closed)
{
    size_t i = from;
    while (i < sql.len) {
        if (has_escapes && sql.ptr[i] == '\\') {
            i += 2;
        } else if (sql.ptr[i] != quote) {
            i++;
        } else if (i + 1 < sql.len && sql.ptr[i + 1] == quote) {
            i += 2;
        } else {
            *out_closed = true;
            return i + 1;
        }
    }
    *out_closed = false;
    return sql.len;
}

/* Length of the mark that opens a text in dollars, "$$" or "$tag$"; 0: it is none. */
static size_t dollar_mark_len(struct vv_str sql)
{
    size_t i = 1;
    if (sql.len > 1 && sql.ptr[1] >= '0' && sql.ptr[1] <= '9')
        return 0;
    while (i < sql.len && is_word_byte(sql.ptr[i]))
        i++;
    return i < sql.len && sql.ptr[i] == '$' ? i + 1 : 0;
}

static size_t dollar_len(struct vv_str sql, size_t mark_len, bool *out_closed)
{
    struct vv_str mark = vv_str_first(sql, mark_len);
    for (size_t i = mark_len; i + mark_len <= sql.len; i++)
        if (vv_str_starts(vv_str_skip(sql, i), mark)) {
            *out_closed = true;
            return i + mark_len;
        }
    *out_closed = false;
    return sql.len;
}

static size_t word_len(struct vv_str sql)
{
    size_t i = 0;
    while (i < sql.len && (is_word_byte(sql.ptr[i]) || (i > 0 && sql.ptr[i] == '$')) &&
           wide_blank_len(vv_str_skip(sql, i)) == 0)
        i++;
    return i;
}

struct vv_sql_token vv_sql_token_next(struct vv_str *rest)
{
    bool is_closed = true;
    struct vv_str sql = vv_sql_skip_blank(*rest, &is_closed);
    struct vv_sql_token token = {VV_SQL_SIGN, vv_str_first(sql, 1), is_closed};
    size_t dollars = sql.len > 0 && sql.ptr[0] == '$' ? dollar_mark_len(sql) : 0;
    size_t len = 1;
    if (sql.len == 0) {
        token.kind = VV_SQL_END;
        len = 0;
    } else if (sql.ptr[0] == '"') {
        token.kind = VV_SQL_NAME;
        len = quoted_len(sql, 1, '"', false, &token.is_closed);
    } else if (sql.ptr[0] == '\'') {
        token.kind = VV_SQL_VALUE;
        len = quoted_len(sql, 1, '\'', false, &token.is_closed);
    } else if (dollars > 0) {
        token.kind = VV_SQL_VALUE;
        len = dollar_len(sql, dollars, &token.is_closed);
    } else if (sql.len > 1 && (sql.ptr[0] == 'e' || sql.ptr[0] == 'E') && sql.ptr[1] == '\'') {
        token.kind = VV_SQL_VALUE;
        len = quoted_len(sql, 2, '\'', true, &token.is_closed);
    } else if (is_word_byte(sql.ptr[0])) {
        token.kind = VV_SQL_WORD;
        len = word_len(sql);
    }
    token.text = vv_str_first(sql, len);
    *rest = vv_str_skip(sql, len);
    return token;
}

bool vv_sql_is_word(struct vv_sql_token token, const char *word)
{
    return token.kind == VV_SQL_WORD && vv_str_eq_nocase(token.text, vv_str_of(word));
}

bool vv_sql_is_sign(struct vv_sql_token token, char sign)
{
    return token.kind == VV_SQL_SIGN && token.text.ptr[0] == sign;
}

bool vv_sql_is_at(struct vv_str rest)
{
    if (!vv_sql_is_word(vv_sql_token_next(&rest), "AT") ||
        !vv_sql_is_sign(vv_sql_token_next(&rest), '('))
        return false;
    struct vv_sql_token unit = vv_sql_token_next(&rest);
    return (vv_sql_is_word(unit, "VERSION") || vv_sql_is_word(unit, "TIMESTAMP")) &&
           vv_sql_is_sign(vv_sql_token_next(&rest), '=') &&
           vv_sql_is_sign(vv_sql_token_next(&rest), '>');
}

bool vv_sql_split(struct vv_str *rest, struct vv_str *out_statement, bool *out_closed)
{
    struct vv_str sql = vv_sql_skip_blank(*rest, NULL);
    while (sql.len > 0 && sql.ptr[0] == ';') /* an empty one */
        sql = vv_sql_skip_blank(vv_str_skip(sql, 1), NULL);
    *rest = sql;
    for (;;) {
        struct vv_sql_token token = vv_sql_token_next(rest);
        bool is_end = token.kind == VV_SQL_END;
        if (!is_end && !vv_sql_is_sign(token, ';'))
            continue;
        *out_statement = vv_str_first(sql, (size_t)(token.text.ptr - sql.ptr));
        *out_closed = !is_end;
        return out_statement->len > 0;
    }
}
