#include "cli/sql_split.h"

#include <ctype.h>
#include <string.h>

/* Each `skip_` gives the place behind what begins at `at`; `len` where that has no end. */

/* E'...' knows backslashes; a plain string does not. */
static size_t skip_quoted(const char *sql, size_t at, size_t len)
{
    char quote = sql[at];
    bool has_escapes = quote == '\'' && at > 0 && (sql[at - 1] == 'e' || sql[at - 1] == 'E') &&
                       (at < 2 || !(isalnum((unsigned char)sql[at - 2]) || sql[at - 2] == '_'));
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
    if (at > 0 && (isalnum((unsigned char)sql[at - 1]) || sql[at - 1] == '_'))
        return 0;
    for (size_t end = at + 1; end < len; end++) {
        if (sql[end] == '$')
            return end + 1 - at;
        bool is_first_digit = end == at + 1 && isdigit((unsigned char)sql[end]);
        if (is_first_digit || !(isalnum((unsigned char)sql[end]) || sql[end] == '_'))
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

/* One token of no meaning, or one byte. */
static size_t skip(const char *sql, size_t at, size_t len)
{
    bool has_next = at + 1 < len;
    if (sql[at] == '\'' || sql[at] == '"')
        return skip_quoted(sql, at, len);
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

const char *vv_sql_skip_blank(const char *sql, size_t len)
{
    size_t at = 0;
    while (at < len) {
        bool is_comment = at + 1 < len && ((sql[at] == '-' && sql[at + 1] == '-') ||
                                              (sql[at] == '/' && sql[at + 1] == '*'));
        if (!is_comment && !isspace((unsigned char)sql[at]) && sql[at] != ';')
            break;
        at = skip(sql, at, len);
    }
    return sql + at;
}

bool vv_sql_is_blank(const char *sql, size_t len)
{
    return vv_sql_skip_blank(sql, len) == sql + len;
}
