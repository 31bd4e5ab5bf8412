#include "table/batch/validate.h"

#include "table/input/csv.h"
#include "table/values.h"

#include <stdarg.h>
#include <stdio.h>

/* The plan's own names: prefix, letter, number. i input, c column, l lost, p gap, f finer, t twice,
 * e emptied, m momentary, v broken. */
#define OWN(plan, letter, number) VV_ARG((plan)->prefix), (letter), (int)(number)
#define OWN_FORMAT "%.*s%c%d"

static bool is_key(const struct vv_rules *rules, int32_t column)
{
    for (size_t index = 0; index < rules->key_len; index++)
        if (rules->key[index] == column)
            return true;
    return false;
}

static const struct vv_partition_from *partition_from(const struct vv_rules *rules,
    int32_t column)
{
    for (size_t index = 0; index < rules->partition_from_len; index++)
        if (rules->partition_from[index].partition == column)
            return &rules->partition_from[index];
    return NULL;
}

static bool is_partition(const struct vv_rules *rules, int32_t column)
{
    for (size_t index = 0; index < rules->partitions_len; index++)
        if (rules->partitions[index] == column)
            return true;
    return false;
}

bool vv_plan_empties(const struct vv_plan *plan, size_t column)
{
    return plan->schema->fields[column].type.kind == VV_TYPE_STRING &&
           is_partition(plan->rules, (int32_t)column);
}

static bool is_required(const struct vv_plan *plan, int32_t column)
{
    return !plan->schema->fields[column].nullable || is_key(plan->rules, column);
}

/* The clock has no value for an order column of small integers. */
static bool is_clocked(const struct vv_plan *plan, int32_t column)
{
    enum vv_type_kind kind = plan->schema->fields[column].type.kind;
    return column == plan->rules->order &&
           (kind == VV_TYPE_TIMESTAMP || kind == VV_TYPE_TIMESTAMP_NTZ || kind == VV_TYPE_LONG);
}

/* Nothing else fills it in. */
static bool has_default(const struct vv_plan *plan, int32_t column)
{
    const struct vv_column_value *values = plan->rules->values;
    return values != NULL && values[column].default_text.ptr != NULL &&
           !is_clocked(plan, column) && partition_from(plan->rules, column) == NULL;
}

static bool is_momentary_default(const struct vv_plan *plan, int32_t column)
{
    return plan->rules->values[column].is_volatile && has_default(plan, column);
}

bool vv_plan_is_momentary(const struct vv_plan *plan, size_t column)
{
    const struct vv_rules *rules = plan->rules;
    if (rules->values == NULL || !plan->options->dedupe)
        return false;
    bool is_momentary = is_momentary_default(plan, (int32_t)column);
    for (size_t from = 0; from < plan->schema->fields_len && !is_momentary; from++)
        is_momentary = vv_plan_is_of_moment(plan, column, from);
    return is_momentary;
}

bool vv_plan_is_of_moment(const struct vv_plan *plan, size_t column, size_t from)
{
    bool is_clock =
        (int32_t)from == plan->rules->order || is_momentary_default(plan, (int32_t)from);
    return is_clock &&
           vv_value_uses(&plan->rules->values[column], plan->schema->fields[from].name);
}

static varve_status defaults_make(struct vv_op *op, struct vv_plan *plan)
{
    plan->defaults = NULL;
    if (plan->rules->values == NULL)
        return VARVE_OK;
    struct vv_str now = vv_arena_format(&op->arena, "%" PRId64, plan->now_us);
    VV_NEW(op, &plan->defaults, struct vv_plan_default, plan->schema->fields_len + 1);
    if (now.ptr == NULL)
        return vv_fail_memory(op);
    for (size_t index = 0; index < plan->schema->fields_len; index++) {
        struct vv_plan_default *value = &plan->defaults[index];
        if (!has_default(plan, (int32_t)index))
            continue;
        VV_TRY(vv_values_default_sql(op, &plan->schema->fields[index], now, &value->sql));
        value->sql_kept = value->sql;
        if (plan->rules->values[index].is_volatile && plan->clock_sql.len > 0)
            VV_TRY(vv_values_default_sql(op, &plan->schema->fields[index], plan->clock_sql,
                &value->sql_kept));
    }
    return VARVE_OK;
}

/* With what is most likely wrong with it. */
static varve_status unknown_column(struct vv_op *op, const struct vv_plan *plan,
    struct vv_str name)
{
    const struct vv_batch_input *input = plan->input;
    const char *separator = input->format == VV_INPUT_CSV
                                ? vv_csv_separator(input->columns, input->columns_len)
                                : NULL;
    if (separator != NULL) {
        (void)vv_fail(op, VARVE_EINVALID, VV_CSV_PARTED, separator);
        return vv_note(op, "%.*s", VV_ARG(input->name));
    }
    int32_t near = vv_schema_find(plan->schema, vv_str_trim(name));
    if (near >= 0)
        return vv_fail(op, VARVE_EINVALID,
            "%.*s: the table has no column \"%.*s\", but %.*s: take the blanks around the name "
            "out",
            VV_ARG(input->name), VV_ARG(name), VV_ARG(plan->schema->fields[near].name));
    struct vv_str guess = VV_STR_NONE;
    VV_TRY(vv_rules_guess_column(op, &op->arena, plan->schema, name, &guess));
    return vv_fail(op, VARVE_EINVALID,
        "%.*s: the table has no column \"%.*s\"%.*s %s out, or have it added "
        "(varve alter add-column, or --evolve of an upsert)",
        VV_ARG(input->name), VV_ARG(name), VV_ARG(guess.len > 0 ? guess : VV_STR(";")),
        guess.len > 0 ? "Else take it" : "take it");
}

/* Which column of the input is which of the schema. */
static varve_status columns_match(struct vv_op *op, struct vv_plan *plan)
{
    const struct vv_batch_input *input = plan->input;
    int32_t *from = NULL;
    VV_NEW(op, &from, int32_t, plan->schema->fields_len + 1);
    for (size_t index = 0; index < plan->schema->fields_len; index++)
        from[index] = -1;
    for (size_t index = 0; index < input->columns_len; index++) {
        int32_t column = vv_schema_find(plan->schema, input->columns[index]);
        if (column < 0)
            return unknown_column(op, plan, input->columns[index]);
        if (from[column] >= 0)
            return vv_fail(op, VARVE_EINVALID, "%.*s: column \"%.*s\" is there twice",
                VV_ARG(input->name), VV_ARG(input->columns[index]));
        from[column] = (int32_t)index;
    }
    plan->from = from;
    return VARVE_OK;
}

/* A column that no row can do without, and that nothing fills in. */
static varve_status absent_check(struct vv_op *op, const struct vv_plan *plan, int32_t column)
{
    const struct vv_field *field = &plan->schema->fields[column];
    const struct vv_partition_from *source = partition_from(plan->rules, column);
    /* A line of NDJSON says for itself what it has: the row is at fault, not the input. */
    if (!is_required(plan, column) || plan->input->format == VV_INPUT_NDJSON ||
        is_clocked(plan, column) || has_default(plan, column) ||
        vv_rules_is_generated(plan->rules, column) ||
        (source && plan->from[source->source] >= 0))
        return VARVE_OK;
    return vv_fail(op, VARVE_EINVALID, "%.*s: column \"%.*s\" is absent, and %s",
        VV_ARG(plan->input->name), VV_ARG(field->name),
        is_key(plan->rules, column) ? "it is part of the table's key" : "it is NOT NULL");
}

/* NULL: the input is no Arrow. */
static const struct vv_arrow_type *arrow_column(const struct vv_batch_input *input,
    struct vv_str name)
{
    for (int64_t i = 0; i < input->arrow.children_len; i++)
        if (vv_str_eq(input->arrow.children[i].name, name))
            return &input->arrow.children[i];
    return NULL;
}

static varve_status conversions_make(struct vv_op *op, struct vv_plan *plan)
{
    size_t len = plan->schema->fields_len;
    const struct vv_str zone = plan->options->input_tz;
    bool is_utc =
        zone.len == 0 || vv_str_eq_nocase(zone, VV_STR("UTC")) || vv_str_eq(zone, VV_STR("Z"));
    VV_NEW(op, &plan->conversions, struct vv_conversion, len + 1);
    VV_NEW(op, &plan->has_loss, bool, len + 1);
    VV_NEW(op, &plan->has_finer, bool, len + 1);
    VV_NEW(op, &plan->has_gap, bool, len + 1);
    plan->counts_twice = !is_utc;
    for (size_t index = 0; index < len; index++) {
        const struct vv_field *field = &plan->schema->fields[index];
        if (plan->from[index] < 0) {
            VV_TRY(absent_check(op, plan, (int32_t)index));
            continue;
        }
        plan->conversions[index] = (struct vv_conversion){
            .type = &field->type,
            .source_type = plan->input->types[plan->from[index]],
            .time_zone = is_utc ? VV_STR_NONE : zone,
            .arrow = arrow_column(plan->input, plan->input->columns[plan->from[index]]),
            .shaped_json = plan->input->format == VV_INPUT_NDJSON,
            .empty_is_null = vv_plan_empties(plan, index),
            .truncate_time = plan->options->truncate_time,
        };
        if (vv_convert_check(op, &plan->conversions[index], field->name) != VARVE_OK)
            return vv_note(op, "%.*s", VV_ARG(plan->input->name));
    }
    return VARVE_OK;
}

/* Appends the breach that a condition tells; the text is copied. */
static varve_status breach_add(struct vv_op *op, struct vv_plan *plan, struct vv_breach breach,
    const struct vv_buf *condition)
{
    breach.condition = vv_arena_str(&op->arena, vv_buf_str(condition));
    if (breach.condition.ptr == NULL || !vv_buf_ok(condition))
        return vv_fail_memory(op);
    plan->breaches[plan->breaches_len++] = breach;
    return VARVE_OK;
}

static varve_status breach_addf(struct vv_op *op, struct vv_plan *plan, struct vv_breach breach,
    const char *format, ...) VV_PRINTF(4, 5);

static varve_status breach_addf(struct vv_op *op, struct vv_plan *plan, struct vv_breach breach,
    const char *format, ...)
{
    va_list arguments;
    char text[512];
    va_start(arguments, format);
    int len = vsnprintf(text, sizeof(text), format, arguments);
    va_end(arguments);
    if (len < 0 || (size_t)len >= sizeof(text))
        return vv_fail(op, VARVE_ELIMIT, "a column name is too long");
    VV_CLEANUP(vv_buf_done) struct vv_buf condition = VV_BUF_INIT(VV_BUF_MAX);
    vv_buf_adds(&condition, text);
    return breach_add(op, plan, breach, &condition);
}

/* A time in a gap is one, so that its type is not what is wrong. */
static varve_status type_breach(struct vv_op *op, struct vv_plan *plan, struct vv_breach breach)
{
    int32_t column = breach.column;
    if (!plan->has_gap[column])
        return breach_addf(op, plan, breach, OWN_FORMAT, OWN(plan, 'l', column));
    return breach_addf(op, plan, breach, OWN_FORMAT " AND NOT " OWN_FORMAT,
        OWN(plan, 'l', column), OWN(plan, 'p', column));
}

static varve_status column_breaches(struct vv_op *op, struct vv_plan *plan, int32_t column)
{
    const struct vv_field *field = &plan->schema->fields[column];
    struct vv_breach breach = {.column = column};
    if (plan->has_loss[column]) {
        breach.kind = VV_BREACH_TYPE;
        VV_TRY(type_breach(op, plan, breach));
    }
    if (plan->has_gap[column]) {
        breach.kind = VV_BREACH_GAP;
        VV_TRY(breach_addf(op, plan, breach, OWN_FORMAT, OWN(plan, 'p', column)));
    }
    if (plan->has_finer[column]) {
        breach.kind = VV_BREACH_FINER;
        VV_TRY(breach_addf(op, plan, breach, OWN_FORMAT, OWN(plan, 'f', column)));
    }
    VV_CLEANUP(vv_buf_done) struct vv_buf value = VV_BUF_INIT(1 << 16);
    VV_CLEANUP(vv_buf_done) struct vv_buf condition = VV_BUF_INIT(VV_BUF_MAX);
    struct vv_conversion range = plan->conversions[column];
    bool is_later = plan->options->has_later && column == plan->rules->order;
    range.type = &field->type;
    vv_buf_addf(&value, OWN_FORMAT, OWN(plan, 'c', column));
    if (!vv_buf_ok(&value))
        return vv_fail_memory(op);
    if ((plan->from[column] >= 0 || is_later) &&
        vv_convert_range(&range, vv_buf_str(&value), &condition)) {
        breach.kind = VV_BREACH_RANGE;
        VV_TRY(breach_add(op, plan, breach, &condition));
    }
    if (is_later) {
        breach.kind = VV_BREACH_LATER;
        VV_TRY(breach_addf(op, plan, breach, OWN_FORMAT " IS NULL AND %.*slater IS NOT NULL",
            OWN(plan, 'c', column), VV_ARG(plan->prefix)));
    }
    vv_buf_clear(&condition);
    if (vv_convert_nested_null(&field->type, vv_buf_str(&value), &condition)) {
        breach.kind = VV_BREACH_NULL_PART;
        VV_TRY(breach_add(op, plan, breach, &condition));
    }
    if (is_clocked(plan, column) || !is_required(plan, column))
        return VARVE_OK;
    /* NULL where its source is; that is told of the source. */
    const struct vv_partition_from *pair = partition_from(plan->rules, column);
    if (pair != NULL && is_required(plan, pair->source))
        return VARVE_OK;
    breach.kind = VV_BREACH_NULL;
    if (!plan->has_loss[column])
        return breach_addf(op, plan, breach, OWN_FORMAT " IS NULL", OWN(plan, 'c', column));
    return breach_addf(op, plan, breach, OWN_FORMAT " IS NULL AND " OWN_FORMAT " IS NOT TRUE",
        OWN(plan, 'c', column), OWN(plan, 'l', column));
}

static varve_status table_breaches(struct vv_op *op, struct vv_plan *plan)
{
    const struct vv_rules *rules = plan->rules;
    for (size_t index = 0; index < rules->partition_from_len; index++) {
        const struct vv_partition_from *pair = &rules->partition_from[index];
        struct vv_breach breach = {
            .kind = VV_BREACH_PARTITION, .column = pair->partition, .item = index};
        if (plan->from[pair->partition] >= 0)
            VV_TRY(breach_addf(op, plan, breach,
                "NOT %.*sbroken AND " OWN_FORMAT " IS DISTINCT FROM " OWN_FORMAT,
                VV_ARG(plan->prefix), OWN(plan, 'c', pair->partition),
                OWN(plan, 'd', pair->partition)));
    }
    for (size_t index = 0; index < plan->schema->fields_len; index++) {
        struct vv_breach breach = {.kind = VV_BREACH_GENERATED, .column = (int32_t)index};
        if (plan->from[index] >= 0 && vv_rules_is_generated(plan->rules, (int32_t)index))
            VV_TRY(breach_addf(op, plan, breach,
                "NOT %.*sbroken AND " OWN_FORMAT " IS DISTINCT FROM " OWN_FORMAT,
                VV_ARG(plan->prefix), OWN(plan, 'c', index), OWN(plan, 'g', index)));
    }
    for (size_t index = 0; index < rules->checks_len; index++) {
        struct vv_breach breach = {.kind = VV_BREACH_CHECK, .column = -1, .item = index};
        VV_CLEANUP(vv_buf_done) struct vv_buf condition = VV_BUF_INIT(VV_BUF_MAX);
        /* An expression that fails to compute is not TRUE either. */
        vv_buf_addf(&condition, "NOT %.*sbroken AND TRY((%.*s)) IS NOT TRUE",
            VV_ARG(plan->prefix), VV_ARG(rules->checks[index].sql));
        VV_TRY(breach_add(op, plan, breach, &condition));
    }
    return VARVE_OK;
}

static varve_status breaches_make(struct vv_op *op, struct vv_plan *plan)
{
    size_t len_max = 1 + plan->schema->fields_len * 8 + plan->rules->partition_from_len +
                     plan->rules->checks_len;
    VV_NEW(op, &plan->breaches, struct vv_breach, len_max);
    if (plan->input->has_faults)
        VV_TRY(breach_addf(op, plan, (struct vv_breach){.kind = VV_BREACH_FAULT, .column = -1},
            "%.*sfault_rule IS NOT NULL", VV_ARG(plan->prefix)));
    for (size_t index = 0; index < plan->schema->fields_len; index++)
        VV_TRY(column_breaches(op, plan, (int32_t)index));
    return table_breaches(op, plan);
}

/* Which columns can lose something, tried on a throw-away text. */
static void losses_find(struct vv_plan *plan)
{
    VV_CLEANUP(vv_buf_done) struct vv_buf unused = VV_BUF_INIT(VV_BUF_MAX);
    const struct vv_str any = VV_STR("x");
    for (size_t index = 0; index < plan->schema->fields_len; index++) {
        if (plan->from[index] < 0)
            continue;
        const struct vv_conversion *conversion = &plan->conversions[index];
        plan->has_loss[index] = vv_convert_loss(conversion, any, any, &unused);
        plan->has_gap[index] = vv_convert_gap(conversion, any, any, &unused);
        plan->has_finer[index] =
            !plan->options->truncate_time && vv_convert_finer(conversion, any, any, &unused);
    }
}

varve_status vv_plan_make(struct vv_op *op, struct vv_plan *plan)
{
    VV_TRY(vv_schema_prefix(op, plan->schema, &plan->prefix));
    VV_TRY(columns_match(op, plan));
    plan->has_arrival = plan->input->arrival_sql.len > 0 && plan->rules->order >= 0 &&
                        is_clocked(plan, plan->rules->order);
    plan->keeps_arrival = plan->has_arrival ||
                          (plan->input->arrival_sql.len > 0 && plan->rules->warnings_len > 0);
    VV_TRY(defaults_make(op, plan));
    VV_TRY(conversions_make(op, plan));
    losses_find(plan);
    return breaches_make(op, plan);
}

bool vv_plan_has_text(const struct vv_plan *plan, size_t column)
{
    bool is_made = plan->has_arrival || plan->options->has_later;
    return (plan->from[column] >= 0 && plan->input->format != VV_INPUT_NDJSON) ||
           (is_made && (int32_t)column == plan->rules->order);
}

/* Bytes are base64, as texts have them. */
static void input_text_sql(const struct vv_plan *plan, size_t column, struct vv_buf *sql)
{
    const struct vv_conversion *conversion = &plan->conversions[column];
    VV_CLEANUP(vv_buf_done) struct vv_buf given = VV_BUF_INIT(1 << 20);
    vv_plan_given_sql(plan, column, &given);
    struct vv_str from = vv_buf_str(&given);
    if (!vv_buf_ok(&given))
        sql->failed = true;
    if (vv_type_is_nested(conversion->type) && vv_input_is_typed(plan->input))
        vv_convert_json(conversion, from, sql);
    else if (vv_str_eq(conversion->source_type, VV_STR("BLOB")))
        vv_buf_addf(sql, "to_base64(%.*s)", VV_ARG(from));
    else
        vv_convert_shown(conversion, from, sql);
}

/* The text of a column, or of what fills it in. */
static void text_sql(const struct vv_plan *plan, size_t column, struct vv_buf *sql)
{
    bool is_order = (int32_t)column == plan->rules->order;
    vv_buf_adds(sql, ", coalesce(NULL");
    if (plan->from[column] >= 0) {
        vv_buf_adds(sql, ", ");
        input_text_sql(plan, column, sql);
    }
    if (is_order && plan->options->has_later) {
        vv_buf_adds(sql, ", CAST(");
        vv_plan_later_sql(plan, sql);
        vv_buf_adds(sql, " AS VARCHAR)");
    }
    if (is_order && plan->has_arrival) {
        vv_buf_adds(sql, ", CAST(");
        vv_plan_clock_sql(plan, plan->input->arrival_sql, sql);
        vv_buf_adds(sql, " AS VARCHAR)");
    }
    vv_buf_addc(sql, ')');
}

varve_status vv_plan_texts_sql(struct vv_op *op, const struct vv_plan *plan,
    struct vv_str which, struct vv_buf *sql)
{
    const struct vv_batch_input *input = plan->input;
    vv_buf_addf(sql, "SELECT %" PRId64 " + %.*s AS _row", plan->rows_before,
        VV_ARG(input->row_sql));
    for (size_t index = 0; index < plan->schema->fields_len; index++) {
        if (vv_plan_has_text(plan, index))
            text_sql(plan, index, sql);
    }
    if (input->has_faults)
        vv_buf_adds(sql, ", " VV_INPUT_FAULTS_SQL);
    vv_buf_addf(sql, " FROM %.*s", VV_ARG(input->sql));
    if (plan->options->has_later) {
        vv_plan_later_join_sql(plan, sql);
        vv_buf_addf(sql, "%" PRId64 " + %.*s", plan->rows_before, VV_ARG(input->row_sql));
    }
    vv_buf_addf(sql, " WHERE %" PRId64 " + %.*s %.*s ORDER BY 1", plan->rows_before,
        VV_ARG(input->row_sql), VV_ARG(which));
    return vv_buf_ok(sql) ? VARVE_OK : vv_fail_memory(op);
}

/* A bit for each warn-level rule that the row breaks. One that fails to compute is broken too. */
static void warned_sql(const struct vv_plan *plan, struct vv_buf *sql)
{
    vv_buf_adds(sql, ", CAST(0 AS BIGINT)");
    for (size_t index = 0; index < plan->rules->warnings_len; index++)
        vv_buf_addf(sql,
            " + CASE WHEN TRY(CAST((%.*s) AS BOOLEAN)) THEN 0 ELSE %" PRId64 " END",
            VV_ARG(plan->rules->warnings[index].sql), INT64_C(1) << index);
    vv_buf_adds(sql, " AS _warned");
}

/* Whether one of the row's times is one that the zone has twice. */
static void twice_sql(const struct vv_plan *plan, struct vv_buf *sql)
{
    vv_buf_adds(sql, ", (false");
    for (size_t index = 0; index < plan->schema->fields_len; index++)
        if (plan->has_gap[index])
            vv_buf_addf(sql, " OR " OWN_FORMAT, OWN(plan, 't', index));
    vv_buf_adds(sql, ") AS _twice");
}

void vv_plan_rows_sql(const struct vv_plan *plan, struct vv_buf *sql)
{
    vv_buf_addf(sql, "SELECT %.*srow AS _row, %.*sown AS _own", VV_ARG(plan->prefix),
        VV_ARG(plan->prefix));
    for (size_t index = 0; index < plan->schema->fields_len; index++)
        vv_buf_addf(sql, ", " OWN_FORMAT " AS c%zu", OWN(plan, 'c', index), index);
    for (size_t index = 0; index < plan->schema->fields_len; index++)
        if (vv_plan_is_momentary(plan, index))
            vv_buf_addf(sql, ", " OWN_FORMAT " AS _m%zu", OWN(plan, 'm', index), index);
    if (plan->counts_twice)
        twice_sql(plan, sql);
    if (plan->rules->warnings_len > 0)
        warned_sql(plan, sql);
    vv_buf_adds(sql, ", coalesce(false");
    for (size_t index = 0; index < plan->breaches_len; index++)
        vv_buf_addf(sql, " OR (%.*s)", VV_ARG(plan->breaches[index].condition));
    vv_buf_adds(sql, ", false) AS _bad FROM ");
    vv_plan_levels_sql(plan, false, sql);
}
