#include "table/read/event_time.h"

#include "base/time.h"

static bool is_time(const struct vv_snapshot *snapshot, int32_t column)
{
    return vv_type_is_time(&snapshot->schema.fields[column].type);
}

static bool is_date(const struct vv_snapshot *snapshot, int32_t column)
{
    return snapshot->schema.fields[column].type.kind == VV_TYPE_DATE;
}

/* The first column of the key of a kind; -1: none. */
static int32_t find_in_key(const struct vv_snapshot *snapshot, const struct vv_rules *rules,
    bool (*is_it)(const struct vv_snapshot *, int32_t))
{
    for (size_t i = 0; i < rules->key_len; i++)
        if (is_it(snapshot, rules->key[i]))
            return rules->key[i];
    return -1;
}

int32_t vv_event_column(const struct vv_snapshot *snapshot, const struct vv_rules *rules)
{
    if (rules->partition_from_len > 0)
        return rules->partition_from[0].source;
    int32_t column = find_in_key(snapshot, rules, is_time);
    if (column < 0)
        column = find_in_key(snapshot, rules, is_date);
    if (column < 0 && rules->order >= 0 && is_time(snapshot, rules->order))
        column = rules->order;
    return column;
}

int32_t vv_time_column(const struct vv_snapshot *snapshot, const struct vv_rules *rules)
{
    int32_t column = vv_event_column(snapshot, rules);
    return column >= 0 && is_date(snapshot, column) ? -1 : column;
}

varve_status vv_time_fail(struct vv_op *op, struct vv_str table,
    const struct vv_snapshot *snapshot, const struct vv_rules *rules)
{
    int32_t date = find_in_key(snapshot, rules, is_date);
    if (date >= 0)
        return vv_fail(op, VARVE_EUSAGE,
            "table %.*s has no time column: %.*s in its key is a date, and a timestamp is "
            "needed here; days are asked for in SQL (varve query)",
            VV_ARG(table), VV_ARG(snapshot->schema.fields[date].name));
    return vv_fail(op, VARVE_EUSAGE,
        "table %.*s has no time column: none is in its key (see varve describe)",
        VV_ARG(table));
}

void vv_time_tell_order(const struct vv_op *op, struct vv_table *table,
    const struct vv_snapshot *snapshot, const struct vv_rules *rules, int32_t time)
{
    if (time < 0 || time != rules->order || table->is_order_told)
        return;
    table->is_order_told = true;
    vv_log(op, VV_LOG_INFO, "read.by_order",
        "no time is in the key of table %.*s: its rows are taken to be of the time in their "
        "order column, %.*s",
        VV_ARG(table->name), VV_ARG(snapshot->schema.fields[time].name));
}

struct vv_value vv_event_at_or_before(const struct vv_type *type, int64_t us)
{
    int64_t value = type->kind == VV_TYPE_DATE ? vv_time_date_of(us) : us;
    return (struct vv_value){.kind = VV_VALUE_INT, .integer = value};
}

struct vv_value vv_event_at_or_after(const struct vv_type *type, int64_t us)
{
    struct vv_value value = vv_event_at_or_before(type, us);
    if (vv_event_us(type, value.integer) < us)
        value.integer++;
    return value;
}

int64_t vv_event_us(const struct vv_type *type, int64_t value)
{
    int64_t us = value;
    if (type->kind == VV_TYPE_DATE && __builtin_mul_overflow(value, VV_US_PER_DAY, &us))
        return INT64_MIN;
    return us;
}
