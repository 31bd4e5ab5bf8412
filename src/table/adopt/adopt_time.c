/*
 * Times that say no zone, read in one: of timestamp_ntz, and of texts where one of the key or order
 * columns is made of such. A text that has a zone keeps it. When clocks are put forward some times
 * are in no day of the zone; when they are put back some come twice, and the earlier is meant.
 */
#include "engine/sql.h"
#include "table/adopt/adopt_run.h"
#include "table/read/scan_sql.h"

/* By how much clocks are put back, anywhere. */
static const int64_t shifts_us[] = {
    INT64_C(1800000000), INT64_C(3600000000), INT64_C(7200000000)};

#define HAS_ZONE                                       \
    "(contains(s.c%d, ':') AND regexp_matches(s.c%d, " \
    "'([Zz]|[+-][0-9]{2}(:?[0-9]{2})?)$'))"

static bool is_text(const struct vv_edit *edit, int32_t column)
{
    return edit->snapshot->schema.fields[column].type.kind == VV_TYPE_STRING;
}

void vv_adopt_naive_sql(const struct vv_edit *edit, int32_t column, struct vv_buf *sql)
{
    if (!is_text(edit, column)) {
        vv_buf_addf(sql, "s.c%d", column);
        return;
    }
    vv_buf_addf(sql, "CASE WHEN " HAS_ZONE " THEN NULL ELSE TRY_CAST(s.c%d AS TIMESTAMP) END",
        column, column, column);
}

/* In whatever form the engine reads; a dot is in no other place of it. */
void vv_adopt_finer_sql(const struct vv_edit *edit, const struct vv_adopt *adopt,
    int32_t column, struct vv_buf *sql)
{
    (void)adopt;
    if (is_text(edit, column))
        vv_buf_addf(sql, "coalesce(regexp_matches(s.c%d, '\\.[0-9]{6}[0-9]*[1-9]'), false)",
            column);
    else
        vv_buf_adds(sql, "false");
}

/* "timezone('America/New_York', " */
static void add_zone(const struct vv_adopt *adopt, struct vv_buf *sql)
{
    vv_buf_adds(sql, "timezone(");
    vv_sql_literal(sql, adopt->request->assume_tz);
    vv_buf_adds(sql, ", ");
}

/* The instant `shift` before or after the one that the zone gives shows the same time. */
static void add_same(const struct vv_edit *edit, const struct vv_adopt *adopt, int32_t column,
    int64_t shift_us, struct vv_buf *sql)
{
    add_zone(adopt, sql);
    add_zone(adopt, sql);
    vv_adopt_naive_sql(edit, column, sql);
    vv_buf_addf(sql, ") + to_microseconds(%" PRId64 ")) = ", shift_us);
    vv_adopt_naive_sql(edit, column, sql);
}

void vv_adopt_twice_sql(const struct vv_edit *edit, const struct vv_adopt *adopt,
    int32_t column, struct vv_buf *sql)
{
    vv_buf_adds(sql, "coalesce(false");
    for (size_t i = 0; i < VV_COUNT(shifts_us); i++) {
        vv_buf_adds(sql, " OR ");
        add_same(edit, adopt, column, shifts_us[i], sql);
        vv_buf_adds(sql, " OR ");
        add_same(edit, adopt, column, -shifts_us[i], sql);
    }
    vv_buf_adds(sql, ", false)");
}

void vv_adopt_gap_sql(const struct vv_edit *edit, const struct vv_adopt *adopt, int32_t column,
    struct vv_buf *sql)
{
    vv_buf_adds(sql, "coalesce(");
    add_same(edit, adopt, column, 0, sql);
    vv_buf_adds(sql, ", true) IS FALSE");
}

void vv_adopt_instant_sql(const struct vv_edit *edit, const struct vv_adopt *adopt,
    int32_t column, struct vv_buf *sql)
{
    vv_buf_adds(sql, "CASE");
    if (is_text(edit, column))
        vv_buf_addf(sql, " WHEN " HAS_ZONE " THEN CAST(s.c%d AS TIMESTAMP WITH TIME ZONE)",
            column, column, column);
    for (size_t i = 0; i < VV_COUNT(shifts_us); i++) {
        vv_buf_adds(sql, " WHEN ");
        add_same(edit, adopt, column, -shifts_us[i], sql);
        vv_buf_adds(sql, " THEN ");
        add_zone(adopt, sql);
        vv_adopt_naive_sql(edit, column, sql);
        vv_buf_addf(sql, ") - to_microseconds(%" PRId64 ")", shifts_us[i]);
    }
    vv_buf_adds(sql, " ELSE ");
    add_zone(adopt, sql);
    vv_adopt_naive_sql(edit, column, sql);
    vv_buf_adds(sql, ") END");
}

varve_status vv_adopt_is_time(struct vv_op *op, const struct vv_edit *edit, int32_t column,
    bool *out)
{
    VV_CLEANUP(vv_buf_done) struct vv_buf sql = VV_BUF_INIT(VV_BUF_MAX);
    const struct vv_scan_source source = {.store = edit->table->store,
        .engine = edit->table->engine,
        .snapshot = edit->snapshot,
        .files = edit->files,
        .files_len = edit->files_len,
        .names = VV_SCAN_INDEXED};
    int64_t is_time = 0;
    vv_buf_addf(&sql,
        "SELECT CAST(count(s.c%d) > 0 AND count(s.c%d) = count(TRY_CAST(s.c%d AS TIMESTAMP "
        "WITH TIME ZONE)) AS BIGINT) FROM (",
        column, column, column);
    VV_TRY(vv_scan_sql(op, &source, &sql));
    vv_buf_adds(&sql, ") AS s");
    if (!vv_buf_ok(&sql))
        return vv_fail_memory(op);
    VV_TRY(vv_session_int64(op, edit->session, vv_buf_str(&sql), &is_time));
    *out = is_time != 0;
    return VARVE_OK;
}
