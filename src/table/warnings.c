#include "table/warnings.h"

#include "base/json_write.h"
#include "engine/spark_sql.h"
#include "engine/sql.h"
#include "table/constraint.h"
#include "table/record.h"

static const struct vv_str others[] = {{VV_WARNING_NOW, sizeof(VV_WARNING_NOW) - 1},
    {VV_WARNING_ARRIVAL, sizeof(VV_WARNING_ARRIVAL) - 1}};

static bool name_of(const struct vv_pair *pair, struct vv_str *out)
{
    const struct vv_str prefix = VV_STR(VV_PROPERTY_WARN);
    *out = vv_str_skip(pair->name, prefix.len);
    return pair->value.ptr != NULL &&
           vv_str_eq_nocase(vv_str_first(pair->name, prefix.len), prefix);
}

static bool is_name(struct vv_str name)
{
    for (size_t i = 0; i < name.len; i++) {
        char byte = name.ptr[i];
        if (byte != '_' && byte != '-' && !(byte >= '0' && byte <= '9') &&
            !((byte | 0x20) >= 'a' && (byte | 0x20) <= 'z'))
            return false;
    }
    return name.len > 0 && name.len <= VV_WARNING_NAME_BYTES_MAX;
}

/* The columns, and what else an expression may name; a column of such a name comes first. */
static varve_status columns_of(struct vv_op *op, const struct vv_schema *schema,
    struct vv_spark_columns *out)
{
    struct vv_str *names = NULL;
    size_t len = schema->fields_len;
    VV_NEW(op, &names, struct vv_str, len + VV_COUNT(others));
    for (size_t i = 0; i < schema->fields_len; i++)
        names[i] = schema->fields[i].name;
    for (size_t i = 0; i < VV_COUNT(others); i++)
        if (vv_schema_find(schema, others[i]) < 0)
            names[len++] = others[i];
    *out = (struct vv_spark_columns){.names = names, .len = len};
    return VARVE_OK;
}

varve_status vv_warnings_read(struct vv_op *op, struct vv_arena *arena,
    const struct vv_snapshot *snapshot, struct vv_rules *out)
{
    const struct vv_pairs *configuration = &snapshot->metadata->configuration;
    struct vv_spark_columns columns = {0};
    struct vv_check *warnings = NULL;
    size_t len = 0;
    for (size_t i = 0; i < configuration->len && len < VV_WARNINGS_MAX; i++) {
        struct vv_check warning = {.expression = configuration->items[i].value};
        if (!name_of(&configuration->items[i], &warning.name))
            continue;
        if (warnings == NULL) {
            VV_TRY(columns_of(op, &snapshot->schema, &columns));
            warnings = vv_new(arena, struct vv_check, VV_WARNINGS_MAX);
        }
        if (warnings == NULL)
            return vv_fail_memory(op);
        varve_status status =
            is_name(warning.name)
                ? vv_spark_sql_translate(op, warning.expression, &columns, arena, &warning.sql)
                : vv_fail(op, VARVE_EUSAGE, "that is no name of a rule");
        if (status == VARVE_ELIMIT)
            return status;
        if (status == VARVE_OK) {
            warnings[len++] = warning;
            continue;
        }
        vv_log(op, VV_LOG_WARN, "rule.skipped", "warn-level rule %.*s is left out: %s",
            VV_ARG(warning.name), op->error.message);
        vv_forgive(op);
    }
    out->warnings = warnings;
    out->warnings_len = len;
    return VARVE_OK;
}

static varve_status check_one(struct vv_op *op, struct vv_session *session,
    const struct vv_schema *schema, struct vv_str name, struct vv_str expression)
{
    struct vv_spark_columns columns;
    struct vv_str sql;
    if (!is_name(name))
        return vv_fail(op, VARVE_EUSAGE,
            "\"%.*s\" is no name for a rule: letters, digits, _ and -, at most %d",
            VV_ARG(vv_str_first(name, 80)), VV_WARNING_NAME_BYTES_MAX);
    VV_TRY(columns_of(op, schema, &columns));
    varve_status status = vv_spark_sql_translate(op, expression, &columns, &op->arena, &sql);
    if (status == VARVE_OK)
        status = vv_condition_try(op, session, schema, others, VV_COUNT(others), sql);
    if (status == VARVE_OK || status == VARVE_ELIMIT)
        return status;
    struct vv_str reason = vv_str_of(op->error.message);
    reason =
        vv_str_first(reason, vv_str_find(reason, '\n')); /* the statement is none of theirs */
    vv_forgive(op);
    return vv_fail(op, VARVE_EUSAGE, VV_PROPERTY_WARN "%.*s: %.*s", VV_ARG(name),
        VV_ARG(reason));
}

varve_status vv_warnings_check(struct vv_op *op, struct vv_engine *engine,
    const struct vv_schema *schema, const struct vv_pairs *configuration)
{
    VV_CLEANUP(vv_session_close) struct vv_session *session = NULL;
    size_t len = 0;
    for (size_t i = 0; i < configuration->len; i++) {
        struct vv_str name;
        if (!name_of(&configuration->items[i], &name))
            continue;
        if (++len > VV_WARNINGS_MAX)
            return vv_fail(op, VARVE_EUSAGE, "a table may have %d rules " VV_PROPERTY_WARN "*",
                VV_WARNINGS_MAX);
        if (session == NULL)
            VV_TRY(vv_session_open(op, engine, &session));
        VV_TRY(check_one(op, session, schema, name, configuration->items[i].value));
    }
    return VARVE_OK;
}

void vv_warned_add(const struct vv_warned *more, struct vv_warned *sum)
{
    if (sum->rules_len == 0) {
        int64_t rows = sum->rows;
        *sum = *more;
        sum->rows += rows;
        return;
    }
    sum->rows += more->rows;
    for (size_t i = 0; i < more->rules_len && more->rules_len == sum->rules_len; i++)
        sum->by_rule[i] += more->by_rule[i];
}

void vv_warned_write(const struct vv_warned *warned, struct vv_json_writer *json)
{
    vv_jw_object(json);
    for (size_t i = 0; i < warned->rules_len; i++) {
        if (warned->by_rule[i] == 0)
            continue;
        vv_jw_key_str(json, warned->rules[i].name);
        vv_jw_int(json, warned->by_rule[i]);
    }
    vv_jw_end(json);
}

void vv_warned_count_sql(const struct vv_rules *rules, struct vv_buf *sql)
{
    if (rules->warnings_len > 0)
        vv_buf_adds(sql, ", count(*) FILTER (NOT _bad AND _warned <> 0)");
    for (size_t i = 0; i < rules->warnings_len; i++)
        vv_buf_addf(sql, ", count(*) FILTER (NOT _bad AND _warned & %" PRId64 " <> 0)",
            INT64_C(1) << i);
}

varve_status vv_warned_read(struct vv_op *op, const struct vv_rows *rows, uint32_t column,
    const struct vv_rules *rules, struct vv_warned *out)
{
    *out = (struct vv_warned){.rows = 0};
    if (rules->warnings_len == 0)
        return VARVE_OK;
    VV_NEW(op, &out->by_rule, int64_t, rules->warnings_len);
    out->rules = rules->warnings;
    out->rules_len = rules->warnings_len;
    out->rows = vv_rows_int64(rows, column);
    for (size_t i = 0; i < rules->warnings_len; i++)
        out->by_rule[i] = vv_rows_int64(rows, column + 1 + (uint32_t)i);
    return VARVE_OK;
}

varve_status vv_warned_record(struct vv_op *op, const struct vv_warned *warned,
    struct vv_json_writer *writer)
{
    if (warned->rows > 0)
        vv_record_metric(writer, "numSourceRowsWarned", warned->rows);
    for (size_t i = 0; i < warned->rules_len; i++) {
        if (warned->by_rule[i] == 0)
            continue;
        struct vv_str name = vv_arena_format(&op->arena, "numSourceRowsWarned.%.*s",
            VV_ARG(warned->rules[i].name));
        if (name.ptr == NULL)
            return vv_fail_memory(op);
        vv_record_metric(writer, name.ptr, warned->by_rule[i]);
    }
    return VARVE_OK;
}
