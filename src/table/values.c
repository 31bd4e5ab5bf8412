#include "table/values.h"

#include "delta/features.h"
#include "engine/spark_sql.h"
#include "engine/sql.h"

static struct vv_str field_text(const struct vv_field *field, const char *name)
{
    const struct vv_json *value = vv_json_get(field->metadata, name);
    bool is_text = vv_json_is(value, VV_JSON_STRING) || vv_json_is(value, VV_JSON_NUMBER);
    return is_text ? vv_json_text(value) : VV_STR_NONE;
}

struct vv_str vv_field_default(const struct vv_field *field)
{
    return field_text(field, VV_FIELD_DEFAULT);
}

struct vv_str vv_field_generated(const struct vv_field *field)
{
    return field_text(field, VV_FIELD_GENERATED);
}

/* "CAST((sql) AS type)" */
static varve_status add_cast(struct vv_op *op, struct vv_arena *arena,
    const struct vv_type *type, struct vv_str sql, struct vv_str *out)
{
    VV_CLEANUP(vv_buf_done) struct vv_buf text = VV_BUF_INIT(VV_BUF_MAX);
    vv_buf_addf(&text, "CAST((%.*s) AS ", VV_ARG(sql));
    vv_type_sql(type, &text);
    vv_buf_addc(&text, ')');
    *out = vv_arena_str(arena, vv_buf_str(&text));
    return vv_buf_ok(&text) && out->ptr != NULL ? VARVE_OK : vv_fail_memory(op);
}

static varve_status read_default(struct vv_op *op, const struct vv_field *field,
    struct vv_column_value *out)
{
    struct vv_spark_clock clock = {.us = VV_STR("0")};
    const struct vv_spark_columns no_columns = {.clock = &clock};
    struct vv_str sql;
    out->default_text = vv_field_default(field);
    if (out->default_text.ptr == NULL)
        return VARVE_OK;
    if (vv_spark_sql_translate(op, out->default_text, &no_columns, &op->arena, &sql) !=
        VARVE_OK)
        return vv_note(op, "default of column \"%.*s\"", VV_ARG(field->name));
    out->is_volatile = clock.is_asked;
    return VARVE_OK;
}

static varve_status read_generated(struct vv_op *op, struct vv_arena *arena,
    const struct vv_spark_columns *columns, const struct vv_field *field,
    struct vv_column_value *out)
{
    struct vv_str sql;
    out->generated_text = vv_field_generated(field);
    if (out->generated_text.ptr == NULL)
        return VARVE_OK;
    varve_status status =
        vv_spark_sql_translate(op, out->generated_text, columns, &op->arena, &sql);
    /* Spark divides decimals to digits that the engine does not have. */
    if (status == VARVE_OK && field->type.kind == VV_TYPE_DECIMAL &&
        vv_str_find(sql, '/') < sql.len)
        status = vv_fail(op, VARVE_EUNSUPPORTED,
            "a division of decimals has no exact translation, in \"%.*s\"",
            VV_ARG(out->generated_text));
    if (status != VARVE_OK)
        return vv_note(op, "generated column \"%.*s\"", VV_ARG(field->name));
    return add_cast(op, arena, &field->type, sql, &out->generated_sql);
}

/* Whether a field within the type has either. */
static bool has_nested(const struct vv_type *type)
{
    for (size_t i = 0; i < type->fields_len; i++)
        if (vv_field_default(&type->fields[i]).ptr != NULL ||
            vv_field_generated(&type->fields[i]).ptr != NULL ||
            has_nested(&type->fields[i].type))
            return true;
    return (type->element && has_nested(type->element)) || (type->key && has_nested(type->key));
}

static varve_status read_columns(struct vv_op *op, struct vv_arena *arena,
    const struct vv_schema *schema, bool has_defaults, bool has_generated,
    const struct vv_column_value **out)
{
    struct vv_column_value *values = vv_new(arena, struct vv_column_value, schema->fields_len);
    struct vv_str *names = NULL;
    bool is_any = false;
    VV_NEW(op, &names, struct vv_str, schema->fields_len + 1);
    if (values == NULL)
        return vv_fail_memory(op);
    const struct vv_spark_columns columns = {.names = names, .len = schema->fields_len};
    for (size_t i = 0; i < schema->fields_len; i++)
        names[i] = schema->fields[i].name;
    for (size_t i = 0; i < schema->fields_len; i++) {
        const struct vv_field *field = &schema->fields[i];
        if (has_nested(&field->type))
            return vv_fail(op, VARVE_EUNSUPPORTED,
                "column \"%.*s\" has a default or generated value within a nested type",
                VV_ARG(field->name));
        if (has_generated)
            VV_TRY(read_generated(op, arena, &columns, field, &values[i]));
        if (has_defaults && values[i].generated_text.ptr == NULL)
            VV_TRY(read_default(op, field, &values[i]));
        is_any = is_any || values[i].default_text.ptr || values[i].generated_text.ptr;
    }
    *out = is_any ? values : NULL;
    return VARVE_OK;
}

varve_status vv_values_read(struct vv_op *op, struct vv_arena *arena,
    const struct vv_snapshot *snapshot, struct vv_rules *out)
{
    const struct vv_type row = {
        .fields = snapshot->schema.fields, .fields_len = snapshot->schema.fields_len};
    out->values = NULL;
    out->values_len = row.fields_len;
    if (!has_nested(&row))
        return VARVE_OK;
    bool has_defaults = vv_features_has(snapshot->protocol, VV_STR("allowColumnDefaults"));
    bool has_generated = vv_features_has(snapshot->protocol, VV_STR("generatedColumns"));
    return read_columns(op, arena, &snapshot->schema, has_defaults, has_generated,
        &out->values);
}

varve_status vv_values_default_sql(struct vv_op *op, const struct vv_field *field,
    struct vv_str us, struct vv_str *out)
{
    struct vv_spark_clock clock = {.us = us};
    const struct vv_spark_columns no_columns = {.clock = &clock};
    struct vv_str sql;
    VV_TRY(vv_spark_sql_translate(op, vv_field_default(field), &no_columns, &op->arena, &sql));
    return add_cast(op, &op->arena, &field->type, sql, out);
}

bool vv_value_uses(const struct vv_column_value *value, struct vv_str name)
{
    struct vv_str sql = value->generated_sql;
    if (sql.ptr == NULL)
        return false;
    VV_CLEANUP(vv_buf_done) struct vv_buf quoted = VV_BUF_INIT(VV_BUF_MAX);
    vv_sql_name(&quoted, name);
    return !vv_buf_ok(&quoted) ||
           memmem(sql.ptr, sql.len, vv_buf_str(&quoted).ptr, quoted.len) != NULL;
}

bool vv_values_uses(const struct vv_rules *rules, struct vv_str name)
{
    for (size_t i = 0; rules->values != NULL && i < rules->values_len; i++)
        if (vv_value_uses(&rules->values[i], name))
            return true;
    return false;
}

/* Of a row of NULLs in the table's types; of a default its value. */
static varve_status try_value(struct vv_op *op, struct vv_session *session,
    const struct vv_schema *schema, struct vv_str sql)
{
    VV_CLEANUP(vv_buf_done) struct vv_buf query = VV_BUF_INIT(VV_BUF_MAX);
    vv_buf_addf(&query, "SELECT (%.*s) FROM (SELECT 0", VV_ARG(sql));
    for (size_t i = 0; i < schema->fields_len; i++) {
        vv_buf_adds(&query, ", CAST(NULL AS ");
        vv_type_sql(&schema->fields[i].type, &query);
        vv_buf_adds(&query, ") AS ");
        vv_sql_name(&query, schema->fields[i].name);
    }
    vv_buf_addc(&query, ')');
    return vv_buf_ok(&query) ? vv_session_exec(op, session, vv_buf_str(&query))
                             : vv_fail_memory(op);
}

static varve_status check_default(struct vv_op *op, struct vv_session *session,
    const struct vv_schema *schema, const struct vv_field *field)
{
    struct vv_str sql;
    VV_TRY(vv_values_default_sql(op, field, VV_STR("0"), &sql));
    return try_value(op, session, schema, sql);
}

/* The other columns of the table, but for those that are generated themselves. */
static varve_status check_generated(struct vv_op *op, struct vv_session *session,
    const struct vv_schema *schema, const struct vv_field *field)
{
    struct vv_column_value value = {.is_volatile = false};
    struct vv_str *names = NULL;
    VV_NEW(op, &names, struct vv_str, schema->fields_len + 1);
    struct vv_spark_columns columns = {.names = names};
    for (size_t i = 0; i < schema->fields_len; i++)
        if (vv_field_generated(&schema->fields[i]).ptr == NULL)
            names[columns.len++] = schema->fields[i].name;
    VV_TRY(read_generated(op, &op->arena, &columns, field, &value));
    return try_value(op, session, schema, value.generated_sql);
}

static varve_status check_field(struct vv_op *op, struct vv_session *session,
    const struct vv_schema *schema, const struct vv_field *field)
{
    bool is_generated = vv_field_generated(field).ptr != NULL;
    bool has_default = vv_field_default(field).ptr != NULL;
    if (is_generated && has_default)
        return vv_fail(op, VARVE_EUSAGE, "column %.*s is generated: it can't have a default",
            VV_ARG(field->name));
    varve_status status = is_generated ? check_generated(op, session, schema, field)
                                       : check_default(op, session, schema, field);
    if (status == VARVE_OK || status == VARVE_ELIMIT)
        return status;
    struct vv_str reason = vv_str_of(op->error.message);
    reason = vv_str_first(reason, vv_str_find(reason, '\n')); /* our statement is behind it */
    vv_forgive(op);
    return vv_fail(op, VARVE_EUSAGE, "%s of column %.*s: %.*s",
        is_generated ? "the generated value" : "the default", VV_ARG(field->name),
        VV_ARG(reason));
}

varve_status vv_values_check(struct vv_op *op, struct vv_engine *engine,
    const struct vv_schema *schema)
{
    VV_CLEANUP(vv_session_close) struct vv_session *session = NULL;
    for (size_t i = 0; i < schema->fields_len; i++) {
        const struct vv_field *field = &schema->fields[i];
        if (vv_field_default(field).ptr == NULL && vv_field_generated(field).ptr == NULL)
            continue;
        if (session == NULL)
            VV_TRY(vv_session_open(op, engine, &session));
        VV_TRY(check_field(op, session, schema, field));
    }
    return VARVE_OK;
}
