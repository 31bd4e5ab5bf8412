#include "engine/sql.h"

static void add_quoted(struct vv_buf *sql, struct vv_str text, char quote)
{
    vv_buf_addc(sql, quote);
    while (text.len > 0) {
        size_t len = vv_str_find(text, quote);
        vv_buf_add(sql, vv_str_first(text, len));
        if (len == text.len)
            break;
        vv_buf_addc(sql, quote);
        vv_buf_addc(sql, quote);
        text = vv_str_skip(text, len + 1);
    }
    vv_buf_addc(sql, quote);
}

/* A NUL byte stays in the text: no statement that holds one is ever run. */
void vv_sql_name(struct vv_buf *sql, struct vv_str name)
{
    add_quoted(sql, name, '"');
}

/* DuckDB ends a statement at a NUL byte, so in a literal it becomes a call. */
void vv_sql_literal(struct vv_buf *sql, struct vv_str text)
{
    if (text.ptr == NULL) {
        vv_buf_adds(sql, "NULL");
        return;
    }
    size_t len = vv_str_find(text, '\0');
    if (len == text.len) {
        add_quoted(sql, text, '\'');
        return;
    }
    vv_buf_addc(sql, '(');
    for (;;) {
        add_quoted(sql, vv_str_first(text, len), '\'');
        if (len == text.len)
            break;
        vv_buf_adds(sql, " || chr(0) || ");
        text = vv_str_skip(text, len + 1);
        len = vv_str_find(text, '\0');
    }
    vv_buf_addc(sql, ')');
}

/* The least integer is no literal: its digits without the sign do not fit. */
void vv_sql_int(struct vv_buf *sql, int64_t value)
{
    if (value == INT64_MIN)
        vv_buf_adds(sql, "(-9223372036854775807 - 1)");
    else
        vv_buf_addf(sql, value < 0 ? "(%" PRId64 ")" : "%" PRId64, value);
}

void vv_sql_timestamptz(struct vv_buf *sql, int64_t us)
{
    vv_buf_adds(sql, "make_timestamptz(");
    vv_sql_int(sql, us);
    vv_buf_addc(sql, ')');
}

void vv_sql_timestamp(struct vv_buf *sql, int64_t us)
{
    vv_buf_adds(sql, "make_timestamp(");
    vv_sql_int(sql, us);
    vv_buf_addc(sql, ')');
}

/* Not by calendar text, which has limits of its own. */
void vv_sql_date(struct vv_buf *sql, int32_t days)
{
    vv_buf_adds(sql, "(DATE '1970-01-01' + ");
    vv_sql_int(sql, days);
    vv_buf_adds(sql, "::INTEGER)");
}

void vv_sql_file(struct vv_buf *sql, struct vv_str path)
{
    sql->failed = sql->failed || vv_str_is_lost(path);
    vv_buf_addc(sql, '\'');
    for (size_t index = 0; index < path.len; index++) {
        char byte = path.ptr[index];
        if (byte == '*' || byte == '?' || byte == '[')
            vv_buf_addf(sql, "[%c]", byte);
        else if (byte == '\'')
            vv_buf_adds(sql, "''");
        else
            vv_buf_addc(sql, byte);
    }
    vv_buf_addc(sql, '\'');
}

varve_status vv_sql_file_path(struct vv_op *op, struct vv_str literal, struct vv_str *out)
{
    char *path = NULL;
    size_t len = 0;
    VV_NEW(op, &path, char, literal.len + 1);
    for (size_t index = 1; index + 1 < literal.len; index++) {
        bool is_escaped = literal.ptr[index] == '[' && index + 2 < literal.len;
        if (is_escaped || literal.ptr[index] == '\'')
            index++;
        path[len++] = literal.ptr[index];
        if (is_escaped)
            index++;
    }
    *out = (struct vv_str){path, len};
    return VARVE_OK;
}

static void add_list(struct vv_buf *sql, const struct vv_str *texts, size_t len,
    void (*add)(struct vv_buf *sql, struct vv_str text))
{
    vv_buf_addc(sql, '[');
    for (size_t index = 0; index < len; index++) {
        if (index > 0)
            vv_buf_adds(sql, ", ");
        add(sql, texts[index]);
    }
    vv_buf_addc(sql, ']');
}

void vv_sql_file_list(struct vv_buf *sql, const struct vv_str *paths, size_t len)
{
    add_list(sql, paths, len, vv_sql_file);
}

void vv_sql_text_list(struct vv_buf *sql, const struct vv_str *texts, size_t len)
{
    add_list(sql, texts, len, vv_sql_literal);
}
