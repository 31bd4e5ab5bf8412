/*
 * Times that say no zone, read in one: of timestamp_ntz, and of texts where one of the key or order
 * columns is made of such. A text that has a zone keeps it.
 */
#include "table/adopt/adopt_run.h"
#include "table/input/naive_time.h"
#include "table/read/scan_sql.h"

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

/* An expression of naive_time.h over the column. */
static void add_naive(const struct vv_edit *edit, const struct vv_adopt *adopt, int32_t column,
    void (*add)(struct vv_str, struct vv_str, struct vv_buf *), struct vv_buf *sql)
{
    VV_CLEANUP(vv_buf_done) struct vv_buf naive = VV_BUF_INIT(VV_BUF_MAX);
    vv_adopt_naive_sql(edit, column, &naive);
    add(adopt->request->assume_tz, vv_buf_str(&naive), sql);
    sql->failed = sql->failed || !vv_buf_ok(&naive);
}

void vv_adopt_twice_sql(const struct vv_edit *edit, const struct vv_adopt *adopt,
    int32_t column, struct vv_buf *sql)
{
    add_naive(edit, adopt, column, vv_naive_twice_sql, sql);
}

void vv_adopt_gap_sql(const struct vv_edit *edit, const struct vv_adopt *adopt, int32_t column,
    struct vv_buf *sql)
{
    add_naive(edit, adopt, column, vv_naive_gap_sql, sql);
}

void vv_adopt_instant_sql(const struct vv_edit *edit, const struct vv_adopt *adopt,
    int32_t column, struct vv_buf *sql)
{
    if (!is_text(edit, column)) {
        add_naive(edit, adopt, column, vv_naive_instant_sql, sql);
        return;
    }
    vv_buf_addf(sql,
        "CASE WHEN " HAS_ZONE " THEN CAST(s.c%d AS TIMESTAMP WITH TIME ZONE) ELSE ", column,
        column, column);
    add_naive(edit, adopt, column, vv_naive_instant_sql, sql);
    vv_buf_adds(sql, " END");
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
