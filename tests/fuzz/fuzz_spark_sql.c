/*
 * An expression of a table that anyone may have written. What is translated has to be one
 * expression and nothing else: its quotes are closed, its parentheses match and close at the very
 * end, and nothing of it is a comment or ends a statement.
 */
#include "fuzz.h"

#include "engine/spark_sql.h"

static const struct vv_str names[] = {
    {"x", 1}, {"y", 1}, {"s", 1}, {"timestamp", 9}, {"a \"b`", 5}};

static const char *skip_quoted(const char *at, const char *end)
{
    char quote = *at++;
    for (; at < end; at++) {
        if (*at != quote)
            continue;
        if (at + 1 == end || at[1] != quote)
            return at;
        at++;
    }
    VV_PRE(false && "a quote is not closed");
    return end;
}

static void check_sql(struct vv_str sql)
{
    const char *end = sql.ptr + sql.len;
    size_t depth = 0;
    VV_PRE(sql.len > 1 && sql.ptr[0] == '(');
    for (const char *at = sql.ptr; at < end; at++) {
        VV_PRE(*at != '\0' && *at != ';' && *at != '$');
        VV_PRE(at + 1 == end || (memcmp(at, "--", 2) != 0 && memcmp(at, "/*", 2) != 0));
        if (*at == '\'' || *at == '"')
            at = skip_quoted(at, end);
        else if (*at == '(')
            depth++;
        else if (*at == ')')
            depth--;
        VV_PRE(depth > 0 || at + 1 == end);
    }
    VV_PRE(depth == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    VV_CLEANUP(vv_op_done) struct vv_op op;
    const struct vv_spark_columns columns = {.names = names, .len = VV_COUNT(names)};
    struct vv_str sql = VV_STR_NONE;

    vv_op_init(&op, NULL, (size_t)1 << 30);
    struct vv_str text = {(const char *)data, size};
    varve_status status = vv_spark_sql_translate(&op, text, &columns, &op.arena, &sql);
    if (status == VARVE_OK) {
        check_sql(sql);
        return 0;
    }
    VV_PRE(status == VARVE_EUNSUPPORTED || status == VARVE_EINVALID || status == VARVE_ELIMIT);
    VV_PRE(op.error.message[0] != '\0');
    return 0;
}
