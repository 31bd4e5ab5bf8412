#include "table/input/naive_time.h"

#include "engine/sql.h"

#define DAY_US "86400000000"

/* "timezone('America/New_York', " */
static void add_zone(struct vv_str zone, struct vv_buf *sql)
{
    vv_buf_adds(sql, "timezone(");
    vv_sql_literal(sql, zone);
    vv_buf_adds(sql, ", ");
}

/* The instant that the engine takes, `shift` microseconds later: the later one of two. */
static void add_later(struct vv_str zone, struct vv_str naive, const char *shift,
    struct vv_buf *sql)
{
    add_zone(zone, sql);
    vv_buf_addf(sql, "%.*s + to_microseconds(%s))", VV_ARG(naive), shift);
}

/* The instant that shows the time by the offset of the day before. */
static void add_earlier(struct vv_str zone, struct vv_str naive, struct vv_buf *sql)
{
    add_later(zone, naive, "0", sql);
    vv_buf_addf(sql, " + to_microseconds(epoch_us(%.*s) - " DAY_US " - epoch_us(",
        VV_ARG(naive));
    add_zone(zone, sql);
    add_later(zone, naive, "0", sql);
    vv_buf_adds(sql, " - to_microseconds(" DAY_US "))))");
}

/*
 * Clocks move rarely: two days from the day before to the day behind say that they do not, and the
 * engine's own instant is it. Else it is the one by the offset of before, where that shows the time.
 */
void vv_naive_instant_sql(struct vv_str zone, struct vv_str naive, struct vv_buf *sql)
{
    vv_buf_adds(sql, "CASE WHEN epoch_us(");
    add_later(zone, naive, DAY_US, sql);
    vv_buf_adds(sql, ") - epoch_us(");
    add_later(zone, naive, "-" DAY_US, sql);
    vv_buf_adds(sql, ") = 2 * " DAY_US " THEN ");
    add_later(zone, naive, "0", sql);
    vv_buf_adds(sql, " WHEN ");
    add_zone(zone, sql);
    add_later(zone, naive, "0", sql);
    vv_buf_addf(sql, ") <> %.*s THEN NULL WHEN ", VV_ARG(naive));
    add_zone(zone, sql);
    add_earlier(zone, naive, sql);
    vv_buf_addf(sql, ") = %.*s THEN ", VV_ARG(naive));
    add_earlier(zone, naive, sql);
    vv_buf_adds(sql, " ELSE ");
    add_later(zone, naive, "0", sql);
    vv_buf_adds(sql, " END");
}

void vv_naive_gap_sql(struct vv_str zone, struct vv_str naive, struct vv_buf *sql)
{
    vv_buf_addf(sql, "(%.*s IS NOT NULL AND (", VV_ARG(naive));
    vv_naive_instant_sql(zone, naive, sql);
    vv_buf_adds(sql, ") IS NULL)");
}

void vv_naive_twice_sql(struct vv_str zone, struct vv_str naive, struct vv_buf *sql)
{
    vv_buf_adds(sql, "coalesce((");
    vv_naive_instant_sql(zone, naive, sql);
    vv_buf_adds(sql, ") <> ");
    add_later(zone, naive, "0", sql);
    vv_buf_adds(sql, ", false)");
}
