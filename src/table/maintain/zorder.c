#include "table/maintain/zorder.h"

#define BITS_MAX 10
#define CURVE_BITS 60
#define SAMPLE_ROWS 20000 /* some twenty for each of the ranges */

static uint32_t bits_of(const struct vv_zorder *zorder)
{
    VV_PRE(zorder->len > 0);
    uint32_t bits = CURVE_BITS / (uint32_t)zorder->len;
    return bits < BITS_MAX ? bits : BITS_MAX;
}

/* A value as bytes that are in the order of the values. Alone, a narrow type would make a number. */
static void add_key(struct vv_buf *sql, const char *value)
{
    vv_buf_addf(sql, "create_sort_key(%s, 'ASC NULLS LAST', 0::BIGINT, 'ASC NULLS LAST')",
        value);
}

/* "(SELECT ...) AS b<index>": where the ranges of a column begin, as sort keys that ascend. */
static void add_bounds(const struct vv_zorder *zorder, size_t index, struct vv_buf *sql)
{
    int32_t column = zorder->columns[index];
    vv_buf_addf(sql, "%s(SELECT list(", index == 0 ? "" : ", ");
    add_key(sql, "v");
    vv_buf_addf(sql,
        " ORDER BY v) FROM (SELECT DISTINCT min(v) AS v FROM (SELECT c%d AS v, ntile(%lu) "
        "OVER (ORDER BY c%d) AS t FROM sample WHERE c%d IS NOT NULL) GROUP BY t)) AS b%zu",
        column, 1UL << bits_of(zorder), column, column, index);
}

varve_status vv_zorder_prepare(struct vv_op *op, struct vv_session *session,
    const struct vv_zorder *zorder, const struct vv_scan_source *source, int64_t rows)
{
    VV_CLEANUP(vv_buf_done) struct vv_buf sql = VV_BUF_INIT(VV_BUF_MAX);
    struct vv_scan_source narrow = *source;
    narrow.columns = zorder->columns;
    narrow.columns_len = zorder->len;
    VV_PRE(zorder->len > 0 && zorder->len <= VV_ZORDER_COLUMNS_MAX);
    vv_buf_adds(&sql, "CREATE OR REPLACE TEMP TABLE zorder_bounds AS WITH sample AS "
                      "MATERIALIZED (SELECT * FROM (");
    VV_TRY(vv_scan_sql(op, &narrow, &sql));
    vv_buf_adds(&sql, ") AS s");
    /* Where the number of rows is not known a tenth of them is a sample of any size. */
    if (rows < 0 || rows > SAMPLE_ROWS)
        vv_buf_addf(&sql, " USING SAMPLE %.6f PERCENT (bernoulli, 42)",
            rows < 0 ? 10.0 : 100.0 * SAMPLE_ROWS / (double)rows);
    vv_buf_adds(&sql, ") SELECT ");
    for (size_t i = 0; i < zorder->len; i++)
        add_bounds(zorder, i, &sql);
    return vv_buf_ok(&sql) ? vv_session_exec(op, session, vv_buf_str(&sql))
                           : vv_fail_memory(op);
}

static void add_curve(const struct vv_zorder *zorder, struct vv_buf *sql)
{
    vv_buf_addf(sql, "varve_curve(%u", bits_of(zorder));
    for (size_t i = 0; i < zorder->len; i++)
        vv_buf_addf(sql, ", z%zu", i);
    vv_buf_addc(sql, ')');
}

/*
 * ", ... AS z<index>": the number of a value's range. A value below the least of the sample is in
 * the first, as NULL is.
 */
static void add_range(const struct vv_zorder *zorder, size_t index, struct vv_buf *sql)
{
    char value[32];
    (void)snprintf(value, sizeof(value), "s.c%d", zorder->columns[index]);
    vv_buf_adds(sql, ", coalesce(greatest(varve_rank(");
    add_key(sql, value);
    vv_buf_addf(sql, ", r.b%zu) - 1, 0) * %lu // len(r.b%zu), 0) AS z%zu", index,
        1UL << bits_of(zorder), index, index);
}

varve_status vv_zorder_sql(struct vv_op *op, const struct vv_zorder *zorder,
    const struct vv_scan_source *source, struct vv_buf *sql)
{
    vv_buf_adds(sql, "SELECT ");
    for (size_t i = 0; i < source->snapshot->schema.fields_len; i++)
        vv_buf_addf(sql, "%sc%zu", i == 0 ? "" : ", ", i);
    vv_buf_adds(sql, " FROM (SELECT s.*");
    for (size_t i = 0; i < zorder->len; i++)
        add_range(zorder, i, sql);
    vv_buf_adds(sql, " FROM (");
    VV_TRY(vv_scan_sql(op, source, sql));
    vv_buf_adds(sql, ") AS s CROSS JOIN zorder_bounds AS r) ORDER BY ");
    add_curve(zorder, sql);
    for (size_t i = 0; i < zorder->len; i++)
        vv_buf_addf(sql, ", c%d", zorder->columns[i]);
    return vv_buf_ok(sql) ? VARVE_OK : vv_fail_memory(op);
}
