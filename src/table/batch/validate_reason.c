/*
 * The statement that tells why rows are rejected: the column, the value and the rule, as texts.
 */
#include "engine/sql.h"
#include "table/batch/validate.h"
#include "table/values.h"

#define OWN(plan, letter, number) VV_ARG((plan)->prefix), (letter), (int)(number)
#define OWN_FORMAT "%.*s%c%d"
#define VALUE_CHARACTERS_MAX 200 /* of what is shown of a value */
#define CHECK_COLUMNS_MAX 4

/* What the input has in a column, or where it is absent, what was filled in. */
static void shown_sql(const struct vv_plan *plan, int32_t column, struct vv_buf *sql)
{
    VV_CLEANUP(vv_buf_done) struct vv_buf name = VV_BUF_INIT(1 << 20);
    bool is_given = plan->from[column] >= 0;
    bool is_filled = !is_given || column == plan->rules->order;
    vv_buf_addf(&name, OWN_FORMAT, OWN(plan, 'i', column));
    vv_buf_adds(sql, "left(coalesce(NULL");
    if (is_given) {
        vv_buf_adds(sql, ", ");
        vv_convert_shown(&plan->conversions[column], vv_buf_str(&name), sql);
    }
    if (is_filled)
        vv_buf_addf(sql, ", CAST(" OWN_FORMAT " AS VARCHAR)", OWN(plan, 'c', column));
    vv_buf_addf(sql, "), %d)", VALUE_CHARACTERS_MAX);
    if (!vv_buf_ok(&name))
        sql->failed = true;
}

/* The columns that an expression names, in the order in which it first does. */
static size_t check_columns(const struct vv_plan *plan, struct vv_str sql,
    int32_t columns[CHECK_COLUMNS_MAX])
{
    size_t len = 0;
    for (size_t at = 0; at < sql.len && len < CHECK_COLUMNS_MAX; at++) {
        char quote = sql.ptr[at];
        if (quote != '"' && quote != '\'')
            continue;
        struct vv_str inside = vv_str_skip(sql, at + 1);
        inside = vv_str_first(inside, vv_str_find(inside, quote));
        at += inside.len + 1;
        int32_t column = quote == '"' ? vv_schema_find(plan->schema, inside) : -1;
        for (size_t before = 0; before < len; before++)
            column = columns[before] == column ? -1 : column;
        if (column >= 0)
            columns[len++] = column;
    }
    return len;
}

static void check_value_sql(const struct vv_plan *plan, const struct vv_check *check,
    struct vv_buf *sql)
{
    int32_t columns[CHECK_COLUMNS_MAX];
    size_t len = check_columns(plan, check->sql, columns);
    if (len == 1) {
        shown_sql(plan, columns[0], sql);
        return;
    }
    vv_buf_adds(sql, "concat(''");
    for (size_t index = 0; index < len; index++) {
        VV_CLEANUP(vv_buf_done) struct vv_buf name = VV_BUF_INIT(VV_BUF_MAX);
        vv_buf_addf(&name, "%s%.*s = ", index > 0 ? ", " : "",
            VV_ARG(plan->schema->fields[columns[index]].name));
        vv_buf_adds(sql, ", ");
        vv_sql_literal(sql, vv_buf_str(&name));
        vv_buf_adds(sql, ", coalesce(");
        shown_sql(plan, columns[index], sql);
        vv_buf_adds(sql, ", 'NULL')");
        if (!vv_buf_ok(&name))
            sql->failed = true;
    }
    vv_buf_addc(sql, ')');
}

static void value_sql(const struct vv_plan *plan, const struct vv_breach *breach,
    struct vv_buf *sql)
{
    if (breach->kind == VV_BREACH_FAULT)
        vv_buf_addf(sql, "left(%.*sfault_value, %d)", VV_ARG(plan->prefix),
            VALUE_CHARACTERS_MAX);
    else if (breach->kind == VV_BREACH_CHECK)
        check_value_sql(plan, &plan->rules->checks[breach->item], sql);
    else if (breach->kind == VV_BREACH_NULL)
        vv_buf_adds(sql, "NULL");
    else if (breach->kind == VV_BREACH_LATER)
        vv_buf_addf(sql, "CAST(%.*slater AS VARCHAR)", VV_ARG(plan->prefix));
    else
        shown_sql(plan, breach->column, sql);
}

static void columns_sql(const struct vv_plan *plan, const struct vv_breach *breach,
    struct vv_buf *sql)
{
    VV_CLEANUP(vv_buf_done) struct vv_buf names = VV_BUF_INIT(VV_BUF_MAX);
    int32_t columns[CHECK_COLUMNS_MAX] = {breach->column};
    size_t len = 1;
    if (breach->kind == VV_BREACH_FAULT) {
        vv_buf_addf(sql, "%.*sfault_name", VV_ARG(plan->prefix));
        return;
    }
    if (breach->kind == VV_BREACH_CHECK)
        len = check_columns(plan, plan->rules->checks[breach->item].sql, columns);
    for (size_t index = 0; index < len; index++)
        vv_buf_addf(&names, "%s%.*s", index > 0 ? ", " : "",
            VV_ARG(plan->schema->fields[columns[index]].name));
    vv_sql_literal(sql, vv_buf_str(&names));
    if (!vv_buf_ok(&names))
        sql->failed = true;
}

/* As CSV has it, where a text may well be the JSON that NDJSON would take. */
static bool is_text_of_nested(const struct vv_plan *plan, int32_t column)
{
    const struct vv_conversion *conversion = &plan->conversions[column];
    return vv_type_is_nested(&plan->schema->fields[column].type) && !conversion->shaped_json &&
           vv_str_eq(conversion->source_type, VV_STR("VARCHAR"));
}

static void rule_text(const struct vv_plan *plan, const struct vv_breach *breach,
    struct vv_buf *out)
{
    switch (breach->kind) {
    case VV_BREACH_FAULT:
        break;
    case VV_BREACH_TYPE:
        vv_buf_adds(out, "does not fit type ");
        vv_type_name(&plan->schema->fields[breach->column].type, out);
        if (plan->schema->fields[breach->column].type.kind == VV_TYPE_TIMESTAMP_NTZ)
            vv_buf_adds(out, ", a time without an offset");
        if (is_text_of_nested(plan, breach->column))
            vv_buf_adds(out, ", whose values come by NDJSON, Parquet or Arrow");
        break;
    case VV_BREACH_GAP:
        vv_buf_addf(out, "is a time that %.*s never had, clocks were put forward",
            VV_ARG(plan->options->input_tz));
        break;
    case VV_BREACH_FINER:
        vv_buf_adds(out, "has digits below a microsecond, which would be lost");
        vv_buf_adds(out, plan->is_made ? "" : " (--truncate-time cuts them)");
        break;
    case VV_BREACH_RANGE:
        vv_buf_adds(out, "is not in the years 0001 to 9999");
        break;
    case VV_BREACH_LATER:
        vv_buf_adds(out, "is stored, and the row brings none: no later one is of type ");
        vv_type_name(&plan->schema->fields[breach->column].type, out);
        break;
    case VV_BREACH_NULL:
        vv_buf_adds(out, "must not be NULL");
        for (size_t index = 0; index < plan->rules->key_len; index++)
            if (plan->rules->key[index] == breach->column)
                vv_buf_adds(out, ", it is part of the key");
        if (breach->column == plan->rules->order)
            vv_buf_adds(out, ", the clock has no value of its type");
        break;
    case VV_BREACH_NULL_PART:
        vv_buf_adds(out, "holds NULL where its type has none");
        break;
    case VV_BREACH_PARTITION:
        vv_buf_addf(out, "is not the UTC date of %.*s, ",
            VV_ARG(plan->schema->fields[plan->rules->partition_from[breach->item].source]
                       .name));
        break;
    case VV_BREACH_GENERATED:
        vv_buf_addf(out, "is not what the column is generated as (%.*s), ",
            VV_ARG(plan->rules->values[breach->column].generated_text));
        break;
    case VV_BREACH_CHECK:
        vv_buf_addf(out, "breaks %.*s (%.*s)", VV_ARG(plan->rules->checks[breach->item].name),
            VV_ARG(plan->rules->checks[breach->item].expression));
        break;
    }
}

/* Whether a rule is broken by the value of the order column, among others. */
static bool is_of_order(const struct vv_plan *plan, const struct vv_breach *breach)
{
    const struct vv_rules *rules = plan->rules;
    if (rules->order < 0 || breach->kind != VV_BREACH_CHECK)
        return rules->order >= 0 && breach->kind == VV_BREACH_RANGE &&
               breach->column == rules->order;
    return vv_plan_named(&rules->checks[breach->item], 1,
        plan->schema->fields[rules->order].name);
}

/* The value is none that the row came with. */
static void later_note_sql(const struct vv_plan *plan, struct vv_buf *sql)
{
    VV_CLEANUP(vv_buf_done) struct vv_buf text = VV_BUF_INIT(VV_BUF_MAX);
    vv_buf_addf(&text, "; the row brings no %.*s, and has to be later than the stored one, ",
        VV_ARG(plan->schema->fields[plan->rules->order].name));
    vv_buf_adds(sql, " || coalesce(");
    vv_sql_literal(sql, vv_buf_str(&text));
    vv_buf_addf(sql, " || CAST(%.*slater AS VARCHAR), '')", VV_ARG(plan->prefix));
    if (!vv_buf_ok(&text))
        sql->failed = true;
}

/* The row has an empty text where NULL must not be, of itself or made for it. */
static void emptied_sql(const struct vv_plan *plan, int32_t column, struct vv_buf *sql)
{
    bool is_made = vv_rules_is_generated(plan->rules, column) ||
                   (plan->defaults != NULL && plan->defaults[column].sql.ptr != NULL);
    vv_buf_adds(sql, " || CASE WHEN false");
    if (plan->from[column] >= 0)
        vv_buf_addf(sql, " OR CAST(" OWN_FORMAT " AS VARCHAR) = ''", OWN(plan, 'i', column));
    if (is_made)
        vv_buf_addf(sql, " OR " OWN_FORMAT, OWN(plan, 'e', column));
    vv_buf_adds(sql, " THEN ', and an empty text in a partition column is NULL' ELSE '' END");
}

static void rule_sql(const struct vv_plan *plan, const struct vv_breach *breach,
    struct vv_buf *sql)
{
    VV_CLEANUP(vv_buf_done) struct vv_buf text = VV_BUF_INIT(VV_BUF_MAX);
    if (breach->kind == VV_BREACH_FAULT) {
        vv_buf_addf(sql, "%.*sfault_rule", VV_ARG(plan->prefix));
        return;
    }
    rule_text(plan, breach, &text);
    vv_sql_literal(sql, vv_buf_str(&text));
    if (breach->kind == VV_BREACH_NULL && vv_plan_empties(plan, (size_t)breach->column))
        emptied_sql(plan, breach->column, sql);
    if (breach->kind == VV_BREACH_PARTITION || breach->kind == VV_BREACH_GENERATED)
        vv_buf_addf(sql, " || coalesce(CAST(" OWN_FORMAT " AS VARCHAR), 'NULL')",
            OWN(plan, breach->kind == VV_BREACH_PARTITION ? 'd' : 'g', breach->column));
    if (plan->options->has_later && is_of_order(plan, breach))
        later_note_sql(plan, sql);
    if (!vv_buf_ok(&text))
        sql->failed = true;
}

/* One text for each breach. */
static void case_sql(const struct vv_plan *plan, const char *name,
    void (*part)(const struct vv_plan *, const struct vv_breach *, struct vv_buf *),
    struct vv_buf *sql)
{
    vv_buf_addf(sql, ", CASE %.*sbreach", VV_ARG(plan->prefix));
    for (size_t index = 0; index < plan->breaches_len; index++) {
        vv_buf_addf(sql, " WHEN %zu THEN ", index);
        part(plan, &plan->breaches[index], sql);
    }
    vv_buf_addf(sql, " END AS %s", name);
}

void vv_plan_breaches_sql(const struct vv_plan *plan, struct vv_str which, struct vv_buf *sql)
{
    VV_PRE(plan->breaches_len > 0);
    vv_buf_addf(sql, "SELECT %.*srow AS _row, %.*sbreach AS _breach", VV_ARG(plan->prefix),
        VV_ARG(plan->prefix));
    case_sql(plan, "\"column\"", columns_sql, sql);
    case_sql(plan, "\"value\"", value_sql, sql);
    case_sql(plan, "rule", rule_sql, sql);
    vv_buf_adds(sql, " FROM (SELECT *, unnest(list_filter([");
    for (size_t index = 0; index < plan->breaches_len; index++)
        vv_buf_addf(sql, "%sCASE WHEN " OWN_FORMAT " THEN %zu END", index > 0 ? ", " : "",
            OWN(plan, 'v', index), index);
    vv_buf_addf(sql, "], lambda e: e IS NOT NULL)) AS %.*sbreach FROM ", VV_ARG(plan->prefix));
    vv_plan_levels_sql(plan, true, sql);
    vv_buf_addf(sql, " WHERE %.*srow %.*s)", VV_ARG(plan->prefix), VV_ARG(which));
}
