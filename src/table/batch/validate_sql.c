#include <string.h>

#include "engine/sql.h"
#include "table/batch/batch_later.h"
#include "table/batch/validate.h"
#include "table/values.h"
#include "table/warnings.h"

#define OWN(plan, letter, number) VV_ARG((plan)->prefix), (letter), (int)(number)
#define OWN_FORMAT "%.*s%c%d"

static void own_name(const struct vv_plan *plan, char letter, size_t number, struct vv_buf *out)
{
    vv_buf_clear(out);
    vv_buf_addf(out, OWN_FORMAT, OWN(plan, letter, number));
}

static bool has_default(const struct vv_plan *plan, size_t column)
{
    return plan->defaults != NULL && plan->defaults[column].sql.ptr != NULL;
}

/* What the table makes for a row: as of a value that is given, "" may be NULL. */
static void made_sql(const struct vv_plan *plan, size_t column, struct vv_str value,
    struct vv_buf *sql)
{
    bool is_emptied = vv_plan_empties(plan, column);
    vv_buf_adds(sql, is_emptied ? "nullif(" : "");
    vv_buf_add(sql, value);
    vv_buf_adds(sql, is_emptied ? ", '')" : "");
}

/*
 * A column that a row says nothing of. A line of NDJSON may say NULL, which is no default; of
 * another input each row has the columns that the input has.
 */
static void default_sql(const struct vv_plan *plan, size_t column, bool is_kept,
    struct vv_buf *sql)
{
    const struct vv_plan_default *value = &plan->defaults[column];
    struct vv_str text = is_kept ? value->sql_kept : value->sql;
    if (plan->input->nulls_sql.len == 0) {
        made_sql(plan, column, text, sql);
        return;
    }
    vv_buf_addf(sql, "CASE WHEN contains(coalesce(%.*s, ''), ',%zu,') THEN NULL ELSE ",
        VV_ARG(plan->input->nulls_sql), column);
    made_sql(plan, column, text, sql);
    vv_buf_adds(sql, " END");
}

static void value_or_default_sql(const struct vv_plan *plan, size_t column, bool with_input,
    struct vv_buf *sql)
{
    const struct vv_batch_input *input = plan->input;
    int32_t from = plan->from[column];
    bool is_kept = !with_input;
    if (from < 0 && has_default(plan, column)) {
        default_sql(plan, column, is_kept, sql);
    } else if (from < 0) {
        vv_buf_adds(sql, "CAST(NULL AS ");
        vv_type_sql(&plan->schema->fields[column].type, sql);
        vv_buf_addc(sql, ')');
    } else if (has_default(plan, column) && input->nulls_sql.len > 0) {
        vv_buf_addf(sql, "CASE WHEN %.*s IS NULL THEN ", VV_ARG(input->column_sql[from]));
        default_sql(plan, column, is_kept, sql);
        vv_buf_adds(sql, " ELSE ");
        vv_convert_value(&plan->conversions[column], input->column_sql[from], sql);
        vv_buf_adds(sql, " END");
    } else {
        vv_convert_value(&plan->conversions[column], input->column_sql[from], sql);
    }
}

/* Some software puts quotes around all that it writes as CSV, also around nothing. */
void vv_plan_given_sql(const struct vv_plan *plan, size_t column, struct vv_buf *sql)
{
    enum vv_type_kind kind = plan->schema->fields[column].type.kind;
    struct vv_str from = plan->input->column_sql[plan->from[column]];
    bool is_value = plan->input->format != VV_INPUT_CSV || kind == VV_TYPE_STRING ||
                    kind == VV_TYPE_BINARY; /* no bytes are bytes, too */
    vv_buf_adds(sql, is_value ? "" : "nullif(");
    vv_buf_add(sql, from);
    vv_buf_adds(sql, is_value ? "" : ", '')");
}

/* Whether the row would have an empty text of its default. */
static void emptied_default_sql(const struct vv_plan *plan, size_t column, struct vv_buf *sql)
{
    vv_buf_adds(sql, ", ");
    if (plan->input->nulls_sql.len > 0)
        vv_buf_addf(sql, "NOT contains(coalesce(%.*s, ''), ',%zu,') AND ",
            VV_ARG(plan->input->nulls_sql), column);
    vv_buf_addf(sql, "%.*s = '' AS " OWN_FORMAT, VV_ARG(plan->defaults[column].sql),
        OWN(plan, 'e', column));
}

/* Whether the row has its default in the column, which it says nothing of. */
static void momentary_default_sql(const struct vv_plan *plan, size_t column, struct vv_buf *sql)
{
    struct vv_str nulls = plan->input->nulls_sql;
    int32_t from = plan->from[column];
    vv_buf_adds(sql, from < 0 || nulls.len > 0 ? ", true" : ", false");
    if (from >= 0)
        vv_buf_addf(sql, " AND %.*s IS NULL", VV_ARG(plan->input->column_sql[from]));
    if (nulls.len > 0)
        vv_buf_addf(sql, " AND NOT contains(coalesce(%.*s, ''), ',%zu,')", VV_ARG(nulls),
            column);
    vv_buf_addf(sql, " AS " OWN_FORMAT, OWN(plan, 'm', column));
}

/* Whether what the row has in the column is generated of the time at which it came. */
static void momentary_generated_sql(const struct vv_plan *plan, size_t column,
    struct vv_buf *sql)
{
    vv_buf_addf(sql, ", " OWN_FORMAT " IS NULL AND (false", OWN(plan, 'c', column));
    for (size_t from = 0; from < plan->schema->fields_len; from++) {
        if (!vv_plan_is_of_moment(plan, column, from))
            continue;
        if ((int32_t)from != plan->rules->order)
            vv_buf_addf(sql, " OR " OWN_FORMAT, OWN(plan, 'm', from));
        else if (plan->from[from] < 0)
            vv_buf_adds(sql, " OR true");
        else
            vv_buf_addf(sql, " OR " OWN_FORMAT " IS NULL", OWN(plan, 'i', from));
    }
    vv_buf_addf(sql, ") AS " OWN_FORMAT, OWN(plan, 'm', column));
}

/*
 * Level 1. What the input has stands beside what became of it only where somebody asks: each
 * column more is bound once a level, which for a small batch is what the statement costs.
 */
static void convert_sql(const struct vv_plan *plan, bool with_input, struct vv_buf *sql)
{
    const struct vv_batch_input *input = plan->input;
    vv_buf_addf(sql, "SELECT %" PRId64 " + %.*s AS %.*srow", plan->rows_before,
        VV_ARG(input->row_sql), VV_ARG(plan->prefix));
    for (size_t index = 0; index < plan->schema->fields_len; index++) {
        int32_t from = plan->from[index];
        vv_buf_adds(sql, ", ");
        value_or_default_sql(plan, index, with_input, sql);
        vv_buf_addf(sql, " AS " OWN_FORMAT, OWN(plan, 'c', index));
        if (with_input && has_default(plan, index) && vv_plan_empties(plan, index))
            emptied_default_sql(plan, index, sql);
        if (has_default(plan, index) && vv_plan_is_momentary(plan, index))
            momentary_default_sql(plan, index, sql);
        if (from < 0)
            continue;
        bool is_asked = with_input || plan->has_loss[index] || plan->has_finer[index] ||
                        (int32_t)index == plan->rules->order;
        if (!is_asked)
            continue;
        vv_buf_adds(sql, ", ");
        vv_plan_given_sql(plan, index, sql);
        vv_buf_addf(sql, " AS " OWN_FORMAT, OWN(plan, 'i', index));
    }
    static const char *const faults[][2] = {{VV_NDJSON_FAULT_NAME, "fault_name"},
        {VV_NDJSON_FAULT_VALUE, "fault_value"}, {VV_NDJSON_FAULT_RULE, "fault_rule"}};
    for (size_t index = 0; input->has_faults && index < VV_COUNT(faults); index++)
        vv_buf_addf(sql, ", \"%s\" AS %.*s%s", faults[index][0], VV_ARG(plan->prefix),
            faults[index][1]);
    if (plan->keeps_arrival)
        vv_buf_addf(sql, ", %.*s AS %.*sarrival", VV_ARG(input->arrival_sql),
            VV_ARG(plan->prefix));
    vv_buf_addf(sql, " FROM %.*s", VV_ARG(input->sql));
}

void vv_plan_clock_sql(const struct vv_plan *plan, struct vv_str us, struct vv_buf *sql)
{
    switch ((int)plan->schema->fields[plan->rules->order].type.kind) {
    case VV_TYPE_TIMESTAMP:
        vv_buf_addf(sql, "make_timestamptz(%.*s)", VV_ARG(us));
        break;
    case VV_TYPE_TIMESTAMP_NTZ:
        vv_buf_addf(sql, "make_timestamp(%.*s)", VV_ARG(us));
        break;
    case VV_TYPE_LONG:
        vv_buf_add(sql, us);
        break;
    default: /* a smaller integer: no time fits in there */
        vv_buf_adds(sql, "NULL");
        break;
    }
}

/* When the row came, where that is asked for and known, or else the clock; in microseconds. */
static void us_sql(const struct vv_plan *plan, bool with_arrival, bool is_kept,
    struct vv_buf *sql)
{
    if (with_arrival)
        vv_buf_addf(sql, "coalesce(%.*sarrival, ", VV_ARG(plan->prefix));
    if (is_kept && plan->clock_sql.len > 0)
        vv_buf_add(sql, plan->clock_sql);
    else
        vv_sql_int(sql, plan->now_us);
    if (with_arrival)
        vv_buf_addc(sql, ')');
}

void vv_plan_later_join_sql(const struct vv_plan *plan, struct vv_buf *sql)
{
    vv_buf_addf(sql,
        " LEFT JOIN (SELECT _row AS %.*slaterrow, max(_o) AS %.*slater FROM " VV_BATCH_LATER
        " GROUP BY _row) ON %.*slaterrow = ",
        VV_ARG(plan->prefix), VV_ARG(plan->prefix), VV_ARG(plan->prefix));
}

void vv_plan_later_sql(const struct vv_plan *plan, struct vv_buf *sql)
{
    const struct vv_type *type = &plan->schema->fields[plan->rules->order].type;
    if (vv_type_is_time(type)) {
        vv_buf_addf(sql, "TRY(%.*slater + INTERVAL 1 MICROSECOND)", VV_ARG(plan->prefix));
        return;
    }
    vv_buf_addf(sql, "TRY_CAST(CAST(%.*slater AS HUGEINT) + 1 AS ", VV_ARG(plan->prefix));
    vv_type_sql(type, sql);
    vv_buf_addc(sql, ')');
}

/*
 * The order value: the row's own or its column's default, else the clock; but what follows the
 * stored one where that is not behind. A row with one of its own is none of those that are later.
 */
static void order_sql(const struct vv_plan *plan, bool is_kept, struct vv_buf *sql)
{
    VV_CLEANUP(vv_buf_done) struct vv_buf us = VV_BUF_INIT(1 << 16);
    VV_CLEANUP(vv_buf_done) struct vv_buf value = VV_BUF_INIT(1 << 17);
    us_sql(plan, plan->has_arrival, is_kept, &us);
    vv_buf_addf(&value, "coalesce(" OWN_FORMAT ", ", OWN(plan, 'c', plan->rules->order));
    vv_plan_clock_sql(plan, vv_buf_str(&us), &value);
    vv_buf_addc(&value, ')');
    if (plan->options->has_later) {
        vv_buf_addf(sql,
            "CASE WHEN %.*slater IS NOT NULL AND (%.*s > %.*slater) IS NOT TRUE THEN ",
            VV_ARG(plan->prefix), VV_ARG(vv_buf_str(&value)), VV_ARG(plan->prefix));
        vv_plan_later_sql(plan, sql);
        vv_buf_adds(sql, " ELSE ");
    }
    vv_buf_add(sql, vv_buf_str(&value));
    if (plan->options->has_later)
        vv_buf_adds(sql, " END");
    if (!vv_buf_ok(&us) || !vv_buf_ok(&value))
        sql->failed = true;
}

/* The UTC date of a timestamp column. There is no infinite one: Arrow's are refused on loading. */
static void date_sql(const struct vv_plan *plan, const struct vv_partition_from *pair,
    struct vv_buf *sql)
{
    bool is_naive = plan->schema->fields[pair->source].type.kind == VV_TYPE_TIMESTAMP_NTZ;
    vv_buf_adds(sql, is_naive ? "CAST(" : "CAST(make_timestamp(epoch_us(");
    vv_buf_addf(sql, OWN_FORMAT, OWN(plan, 'c', pair->source));
    vv_buf_adds(sql, is_naive ? " AS DATE)" : ")) AS DATE)");
}

static void replace_sql(const struct vv_plan *plan, bool with_input, struct vv_buf *sql)
{
    const struct vv_rules *rules = plan->rules;
    const char *comma = "";
    bool fills_order = rules->order >= 0 && !plan->keeps_order;
    if (!fills_order && rules->partition_from_len == 0)
        return;
    vv_buf_adds(sql, " REPLACE (");
    if (fills_order) {
        order_sql(plan, !with_input, sql);
        vv_buf_addf(sql, " AS " OWN_FORMAT, OWN(plan, 'c', rules->order));
        comma = ", ";
    }
    for (size_t index = 0; index < rules->partition_from_len; index++) {
        const struct vv_partition_from *pair = &rules->partition_from[index];
        vv_buf_addf(sql, "%scoalesce(" OWN_FORMAT ", ", comma, OWN(plan, 'c', pair->partition));
        date_sql(plan, pair, sql);
        vv_buf_addf(sql, ") AS " OWN_FORMAT, OWN(plan, 'c', pair->partition));
        comma = ", ";
    }
    vv_buf_addc(sql, ')');
}

static void losses_sql(const struct vv_plan *plan, struct vv_buf *sql)
{
    VV_CLEANUP(vv_buf_done) struct vv_buf from = VV_BUF_INIT(1 << 20);
    VV_CLEANUP(vv_buf_done) struct vv_buf value = VV_BUF_INIT(1 << 20);
    for (size_t index = 0; index < plan->schema->fields_len; index++) {
        own_name(plan, 'i', index, &from);
        own_name(plan, 'c', index, &value);
        if (!vv_buf_ok(&from) || !vv_buf_ok(&value))
            sql->failed = true;
        if (plan->has_loss[index]) {
            vv_buf_adds(sql, ", ");
            /* It was found to lose something when memory was out. */
            if (!vv_convert_loss(&plan->conversions[index], vv_buf_str(&from),
                    vv_buf_str(&value), sql))
                vv_buf_adds(sql, "false");
            vv_buf_addf(sql, " AS " OWN_FORMAT, OWN(plan, 'l', index));
        }
        if (plan->has_gap[index]) {
            vv_buf_adds(sql, ", ");
            vv_convert_gap(&plan->conversions[index], vv_buf_str(&from), vv_buf_str(&value),
                sql);
            vv_buf_addf(sql, " AS " OWN_FORMAT ", ", OWN(plan, 'p', index));
            vv_convert_twice(&plan->conversions[index], vv_buf_str(&from), vv_buf_str(&value),
                sql);
            vv_buf_addf(sql, " AS " OWN_FORMAT, OWN(plan, 't', index));
        }
        if (plan->has_finer[index]) {
            vv_buf_adds(sql, ", ");
            vv_convert_finer(&plan->conversions[index], vv_buf_str(&from), vv_buf_str(&value),
                sql);
            vv_buf_addf(sql, " AS " OWN_FORMAT, OWN(plan, 'f', index));
        }
    }
}

/* Level 2, around level 1. Expressions see what level 1 made, not what is filled in here. */
static void fill_sql(const struct vv_plan *plan, bool with_input, struct vv_buf *sql)
{
    const struct vv_rules *rules = plan->rules;
    vv_buf_adds(sql, "SELECT *");
    replace_sql(plan, with_input, sql);
    losses_sql(plan, sql);
    for (size_t index = 0; index < rules->partition_from_len; index++) {
        if (plan->from[rules->partition_from[index].partition] < 0)
            continue;
        vv_buf_adds(sql, ", ");
        date_sql(plan, &rules->partition_from[index], sql);
        vv_buf_addf(sql, " AS " OWN_FORMAT,
            OWN(plan, 'd', rules->partition_from[index].partition));
    }
    vv_buf_adds(sql, ", ");
    if (plan->has_arrival)
        vv_buf_addf(sql, "%.*sarrival IS NOT NULL OR ", VV_ARG(plan->prefix));
    if (rules->order >= 0 && plan->from[rules->order] >= 0)
        vv_buf_addf(sql, OWN_FORMAT " IS NOT NULL", OWN(plan, 'i', rules->order));
    else
        vv_buf_adds(sql, "false");
    vv_buf_addf(sql, " AS %.*sown FROM (", VV_ARG(plan->prefix));
    convert_sql(plan, with_input, sql);
    vv_buf_adds(sql, ")");
    if (plan->options->has_later) {
        vv_plan_later_join_sql(plan, sql);
        vv_buf_addf(sql, "%.*srow", VV_ARG(plan->prefix));
    }
}

static bool has_generated(const struct vv_plan *plan)
{
    for (size_t index = 0; index < plan->schema->fields_len; index++)
        if (vv_rules_is_generated(plan->rules, (int32_t)index))
            return true;
    return false;
}

/*
 * Still level 2, where the table has generated columns: they see what was filled in. One that a
 * row has NULL in is computed as well, since NULL is what an absent one is.
 */
static void generate_sql(const struct vv_plan *plan, bool with_input, struct vv_buf *sql)
{
    const struct vv_column_value *values = plan->rules->values;
    const char *comma = "";
    if (!has_generated(plan)) {
        fill_sql(plan, with_input, sql);
        return;
    }
    vv_buf_adds(sql, "SELECT * EXCLUDE (");
    for (size_t index = 0; index < plan->schema->fields_len; index++) {
        vv_buf_adds(sql, index > 0 ? ", " : "");
        vv_sql_name(sql, plan->schema->fields[index].name);
    }
    vv_buf_adds(sql, ") REPLACE (");
    for (size_t index = 0; index < plan->schema->fields_len; index++) {
        if (!vv_rules_is_generated(plan->rules, (int32_t)index))
            continue;
        vv_buf_addf(sql, "%scoalesce(" OWN_FORMAT ", TRY(", comma, OWN(plan, 'c', index));
        made_sql(plan, index, values[index].generated_sql, sql);
        vv_buf_addf(sql, ")) AS " OWN_FORMAT, OWN(plan, 'c', index));
        comma = ", ";
    }
    vv_buf_addc(sql, ')');
    for (size_t index = 0; index < plan->schema->fields_len; index++) {
        if (!vv_rules_is_generated(plan->rules, (int32_t)index))
            continue;
        if (plan->from[index] >= 0) {
            vv_buf_adds(sql, ", TRY(");
            made_sql(plan, index, values[index].generated_sql, sql);
            vv_buf_addf(sql, ") AS " OWN_FORMAT, OWN(plan, 'g', index));
        }
        if (vv_plan_is_momentary(plan, index))
            momentary_generated_sql(plan, index, sql);
        if (with_input && vv_plan_empties(plan, index))
            vv_buf_addf(sql, ", TRY(%.*s) = '' AS " OWN_FORMAT,
                VV_ARG(values[index].generated_sql), OWN(plan, 'e', index));
    }
    vv_buf_adds(sql, " FROM (SELECT *");
    for (size_t index = 0; index < plan->schema->fields_len; index++) {
        vv_buf_addf(sql, ", " OWN_FORMAT " AS ", OWN(plan, 'c', index));
        vv_sql_name(sql, plan->schema->fields[index].name);
    }
    vv_buf_adds(sql, " FROM (");
    fill_sql(plan, with_input, sql);
    vv_buf_adds(sql, "))");
}

bool vv_plan_named(const struct vv_check *checks, size_t len, struct vv_str name)
{
    VV_CLEANUP(vv_buf_done) struct vv_buf quoted = VV_BUF_INIT(VV_BUF_MAX);
    vv_sql_name(&quoted, name);
    return !vv_buf_ok(&quoted) || vv_checks_name(checks, len, vv_buf_str(&quoted));
}

/* Whether a constraint, an invariant or a warn-level rule names the column. */
static bool is_checked(const struct vv_plan *plan, size_t column)
{
    const struct vv_rules *rules = plan->rules;
    struct vv_str name = plan->schema->fields[column].name;
    return vv_plan_named(rules->checks, rules->checks_len, name) ||
           vv_plan_named(rules->warnings, rules->warnings_len, name);
}

/* What warn-level rules may name beside the columns. */
static void others_sql(const struct vv_plan *plan, bool is_kept, struct vv_buf *sql)
{
    const struct vv_rules *rules = plan->rules;
    const struct vv_str now = VV_STR(VV_WARNING_NOW);
    const struct vv_str arrival = VV_STR(VV_WARNING_ARRIVAL);
    if (vv_plan_named(rules->warnings, rules->warnings_len, now) &&
        vv_schema_find(plan->schema, now) < 0) {
        vv_buf_adds(sql, ", make_timestamptz(");
        us_sql(plan, plan->keeps_arrival, is_kept, sql);
        vv_buf_adds(sql, ") AS ");
        vv_sql_name(sql, now);
    }
    if (vv_plan_named(rules->warnings, rules->warnings_len, arrival) &&
        vv_schema_find(plan->schema, arrival) < 0) {
        if (plan->keeps_arrival)
            vv_buf_addf(sql, ", make_timestamptz(%.*sarrival) AS ", VV_ARG(plan->prefix));
        else
            vv_buf_adds(sql, ", CAST(NULL AS TIMESTAMPTZ) AS ");
        vv_sql_name(sql, arrival);
    }
}

/* Level 3, around level 2. */
static void name_sql(const struct vv_plan *plan, bool with_input, struct vv_buf *sql)
{
    vv_buf_adds(sql, "SELECT *, coalesce(false");
    for (size_t index = 0; index < plan->schema->fields_len; index++)
        if (plan->has_loss[index])
            vv_buf_addf(sql, " OR " OWN_FORMAT, OWN(plan, 'l', index));
    vv_buf_addf(sql, ", false) AS %.*sbroken", VV_ARG(plan->prefix));
    for (size_t index = 0; index < plan->schema->fields_len; index++) {
        if (!is_checked(plan, index))
            continue;
        vv_buf_addf(sql, ", " OWN_FORMAT " AS ", OWN(plan, 'c', index));
        vv_sql_name(sql, plan->schema->fields[index].name);
    }
    others_sql(plan, !with_input, sql);
    vv_buf_adds(sql, " FROM (");
    generate_sql(plan, with_input, sql);
    vv_buf_adds(sql, ")");
}

void vv_plan_levels_sql(const struct vv_plan *plan, bool with_conditions, struct vv_buf *sql)
{
    vv_buf_addc(sql, '(');
    if (with_conditions) {
        vv_buf_adds(sql, "SELECT *");
        for (size_t index = 0; index < plan->breaches_len; index++)
            vv_buf_addf(sql, ", (%.*s) AS " OWN_FORMAT, VV_ARG(plan->breaches[index].condition),
                OWN(plan, 'v', index));
        vv_buf_adds(sql, " FROM (");
    }
    name_sql(plan, with_conditions, sql);
    vv_buf_adds(sql, with_conditions ? "))" : ")");
}
