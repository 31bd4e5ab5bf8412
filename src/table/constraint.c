#include "table/constraint.h"

#include "engine/spark_sql.h"
#include "engine/sql.h"
#include "table/rules.h"

varve_status vv_condition_try(struct vv_op *op, struct vv_session *session,
    const struct vv_schema *schema, const struct vv_str *times, size_t times_len,
    struct vv_str sql)
{
    VV_CLEANUP(vv_buf_done) struct vv_buf query = VV_BUF_INIT(VV_BUF_MAX);
    VV_CLEANUP(vv_rows_close) struct vv_rows *rows = NULL;
    bool has_row = false;
    vv_buf_addf(&query, "SELECT typeof(x), x FROM (SELECT (%.*s) AS x FROM (SELECT 0",
        VV_ARG(sql));
    for (size_t i = 0; i < times_len; i++) {
        if (vv_schema_find(schema, times[i]) >= 0)
            continue;
        vv_buf_adds(&query, ", CAST(NULL AS TIMESTAMPTZ) AS ");
        vv_sql_name(&query, times[i]);
    }
    for (size_t i = 0; i < schema->fields_len; i++) {
        vv_buf_adds(&query, ", CAST(NULL AS ");
        vv_type_sql(&schema->fields[i].type, &query);
        vv_buf_adds(&query, ") AS ");
        vv_sql_name(&query, schema->fields[i].name);
    }
    vv_buf_adds(&query, "))");
    if (!vv_buf_ok(&query))
        return vv_fail_memory(op);
    VV_TRY(vv_session_query(op, session, vv_buf_str(&query), &rows));
    VV_TRY(vv_rows_next(op, rows, &has_row));
    struct vv_str type = has_row ? vv_rows_text(rows, 0) : VV_STR("");
    if (vv_str_eq(type, VV_STR("BOOLEAN")))
        return VARVE_OK;
    return vv_fail(op, VARVE_EUSAGE, "it is no condition: its type is %.*s, not BOOLEAN",
        VV_ARG(type));
}

static varve_status check_one(struct vv_op *op, struct vv_session *session,
    const struct vv_schema *schema, const struct vv_spark_columns *columns,
    const struct vv_named_expression *check)
{
    struct vv_str sql;
    varve_status status =
        vv_spark_sql_translate(op, check->expression, columns, &op->arena, &sql);
    if (status == VARVE_OK)
        status = vv_condition_try(op, session, schema, NULL, 0, sql);
    if (status == VARVE_OK || status == VARVE_ELIMIT || status == VARVE_EINTERRUPTED)
        return status;
    /* The first line: the statement behind it is none of theirs. */
    struct vv_str reason = vv_arena_str(&op->arena, vv_str_of(op->error.message));
    bool has_quotes = vv_str_find(check->expression, '"') < check->expression.len;
    if (reason.ptr == NULL)
        return status;
    vv_forgive(op);
    return vv_fail(op, VARVE_EUSAGE, "constraint %.*s: %.*s%s", VV_ARG(check->name),
        VV_ARG(vv_str_first(reason, vv_str_find(reason, '\n'))),
        has_quotes ? " (in a constraint double quotes make a text, `back-quotes` name a column)"
                   : "");
}

varve_status vv_constraints_check(struct vv_op *op, struct vv_engine *engine,
    const struct vv_schema *schema, const struct vv_named_expression *checks, size_t len)
{
    VV_CLEANUP(vv_session_close) struct vv_session *session = NULL;
    struct vv_str *names = NULL;
    if (len == 0)
        return VARVE_OK;
    VV_NEW(op, &names, struct vv_str, schema->fields_len + 1);
    for (size_t i = 0; i < schema->fields_len; i++)
        names[i] = schema->fields[i].name;
    const struct vv_spark_columns columns = {.names = names, .len = schema->fields_len};
    VV_TRY(vv_session_open(op, engine, &session));
    for (size_t i = 0; i < len; i++)
        VV_TRY(check_one(op, session, schema, &columns, &checks[i]));
    return VARVE_OK;
}

varve_status vv_constraint_property(struct vv_op *op, struct vv_str name, struct vv_str *out)
{
    VV_CLEANUP(vv_buf_done) struct vv_buf text = VV_BUF_INIT(1 << 20);
    vv_buf_adds(&text, VV_PROPERTY_CONSTRAINT);
    for (size_t i = 0; i < name.len; i++) {
        char byte = name.ptr[i];
        vv_buf_addc(&text, byte >= 'A' && byte <= 'Z' ? (char)(byte | 0x20) : byte);
    }
    *out = vv_arena_str(&op->arena, vv_buf_str(&text));
    return vv_buf_ok(&text) && out->ptr != NULL ? VARVE_OK : vv_fail_memory(op);
}

struct vv_str vv_constraint_find(const struct vv_pairs *properties, struct vv_str property)
{
    if (!vv_str_starts(property, VV_STR(VV_PROPERTY_CONSTRAINT)) ||
        vv_pairs_get(properties, property).ptr != NULL)
        return property;
    for (size_t i = 0; i < properties->len; i++)
        if (vv_str_eq_nocase(properties->items[i].name, property))
            return properties->items[i].name;
    return property;
}
