#include "cli/sql_split.h"

#include <ctype.h>
#include <string.h>

/* Each `skip_` gives the place behind what begins at `at`; `len` where that has no end. */

/* Bytes of a blank at `at` that is not ASCII, as DuckDB has them: SQL pasted from a page is full of these. */
static size_t wide_blank_len(const char *sql, size_t at, size_t len)
{
    static const char *const blanks[] = {"\xC2\xA0", "\xE2\x80\xAF", "\xE2\x81\x9F",
        "\xE2\x81\xA0", "\xE3\x80\x80", "\xEF\xBB\xBF"};
    for (size_t i = 0; i < VV_COUNT(blanks); i++)
        if (len - at >= strlen(blanks[i]) &&
            memcmp(sql + at, blanks[i], strlen(blanks[i])) == 0)
            return strlen(blanks[i]);
    bool is_space = len - at > 2 && memcmp(sql + at, "\xE2\x80", 2) == 0 &&
                    (unsigned char)sql[at + 2] >= 0x80 && (unsigned char)sql[at + 2] <= 0x8B;
    return is_space ? 3 : 0;
}

/* Every byte of another character that is not ASCII is one of a word, as the engine has it. */
static bool is_word_byte(char byte)
{
    unsigned char c = (unsigned char)byte;
    return isalnum(c) || c == '_' || c >= 0x80;
}

/* E'...' knows backslashes; a plain string does not. `at` is the quote. */
static size_t skip_quoted(const char *sql, size_t at, size_t len, bool has_escapes)
{
    char quote = sql[at];
    for (at++; at < len; at++) {
        if (has_escapes && sql[at] == '\\')
            at++;
        else if (sql[at] == quote && at + 1 < len && sql[at + 1] == quote)
            at++;
        else if (sql[at] == quote)
            return at + 1;
    }
    return len;
}

/* Dollars within a word are part of it. */
static size_t skip_word(const char *sql, size_t at, size_t len)
{
    while (at < len && (is_word_byte(sql[at]) || sql[at] == '$') &&
           wide_blank_len(sql, at, len) == 0)
        at++;
    return at;
}

static size_t skip_line_comment(const char *sql, size_t at, size_t len)
{
    const char *end = memchr(sql + at, '\n', len - at);
    return end ? (size_t)(end - sql) + 1 : len;
}

static size_t skip_comment(const char *sql, size_t at, size_t len)
{
    size_t depth = 0;
    while (at + 1 < len) {
        if (sql[at] == '/' && sql[at + 1] == '*') {
            depth++;
            at += 2;
        } else if (sql[at] == '*' && sql[at + 1] == '/') {
            at += 2;
            if (--depth == 0)
                return at;
        } else {
            at++;
        }
    }
    return len;
}

/* "$tag$": its length; 0 where the dollar begins something else, such as a parameter. */
static size_t tag_len(const char *sql, size_t at, size_t len)
{
    for (size_t end = at + 1; end < len; end++) {
        if (sql[end] == '$')
            return end + 1 - at;
        bool is_first_digit = end == at + 1 && isdigit((unsigned char)sql[end]);
        if (is_first_digit || !is_word_byte(sql[end]))
            return 0;
    }
    return 0;
}

static size_t skip_dollars(const char *sql, size_t at, size_t len)
{
    size_t tag = tag_len(sql, at, len);
    if (tag == 0)
        return at + 1;
    const char *end = memmem(sql + at + tag, len - at - tag, sql + at, tag);
    return end ? (size_t)(end - sql) + tag : len;
}

/* One word, one token of no meaning, or one byte. */
static size_t skip(const char *sql, size_t at, size_t len)
{
    bool has_next = at + 1 < len;
    size_t blank = wide_blank_len(sql, at, len);
    if (blank > 0)
        return at + blank;
    if (sql[at] == '\'' || sql[at] == '"')
        return skip_quoted(sql, at, len, false);
    if ((sql[at] == 'e' || sql[at] == 'E') && has_next && sql[at + 1] == '\'')
        return skip_quoted(sql, at + 1, len, true);
    if (is_word_byte(sql[at]))
        return skip_word(sql, at, len);
    if (sql[at] == '-' && has_next && sql[at + 1] == '-')
        return skip_line_comment(sql, at, len);
    if (sql[at] == '/' && has_next && sql[at + 1] == '*')
        return skip_comment(sql, at, len);
    if (sql[at] == '$')
        return skip_dollars(sql, at, len);
    return at + 1;
}

size_t vv_sql_statement_end(const char *sql, size_t len)
{
    for (size_t at = 0; at < len; at = skip(sql, at, len))
        if (sql[at] == ';')
            return at + 1;
    return 0;
}

const char *vv_sql_blank_end(const char *sql, size_t len)
{
    size_t at = 0;
    while (at < len) {
        bool is_comment = at + 1 < len && ((sql[at] == '-' && sql[at + 1] == '-') ||
                                              (sql[at] == '/' && sql[at + 1] == '*'));
        if (!is_comment && !isspace((unsigned char)sql[at]) && sql[at] != ';' &&
            wide_blank_len(sql, at, len) == 0)
            break;
        at = skip(sql, at, len);
    }
    return sql + at;
}

bool vv_sql_is_blank(const char *sql, size_t len)
{
    return vv_sql_blank_end(sql, len) == sql + len;
}
