#include "table/batch/batch_settle.h"

#include "engine/sql.h"
#include "table/batch/tuple.h"

#define RUN_BYTES_MAX (INT64_C(64) << 20) /* of rows of one partition, in memory */

varve_status vv_batch_view(struct vv_op *op, const struct vv_plan *plan,
    struct vv_relation *relation)
{
    VV_CLEANUP(vv_buf_done) struct vv_buf sql = VV_BUF_INIT(VV_BUF_MAX);
    vv_buf_addc(&sql, '(');
    vv_plan_rows_sql(plan, &sql);
    vv_buf_addc(&sql, ')');
    relation->sql = vv_arena_str(&op->arena, vv_buf_str(&sql));
    relation->in_memory = false;
    relation->is_view = true;
    return vv_buf_ok(&sql) && relation->sql.ptr != NULL ? VARVE_OK : vv_fail_memory(op);
}

static void add_key(const struct vv_rules *rules, struct vv_buf *sql)
{
    for (size_t index = 0; index < rules->key_len; index++)
        vv_buf_addf(sql, "%sc%d", index > 0 ? ", " : "", rules->key[index]);
}

/* Bad rows, and rows by the rules that they break. */
static varve_status bad_count(struct vv_op *op, struct vv_work *work,
    const struct vv_plan *plan, struct vv_batch_counts *out)
{
    const struct vv_rules *rules = plan->rules;
    VV_CLEANUP(vv_buf_done) struct vv_buf sql = VV_BUF_INIT(1 << 20);
    VV_CLEANUP(vv_rows_close) struct vv_rows *rows = NULL;
    vv_buf_adds(&sql, "SELECT count(*) FILTER (_bad), ");
    vv_buf_adds(&sql, plan->counts_twice ? "count(*) FILTER (NOT _bad AND _twice)" : "0");
    vv_warned_count_sql(rules, &sql);
    vv_buf_addf(&sql, " FROM %.*s", VV_ARG(work->batch.sql));
    if (!vv_buf_ok(&sql))
        return vv_fail_memory(op);
    VV_TRY(vv_session_query(op, work->session, vv_buf_str(&sql), &rows));
    bool has_row = false;
    VV_TRY(vv_rows_next(op, rows, &has_row));
    out->bad = vv_rows_int64(rows, 0);
    out->twice = vv_rows_int64(rows, 1);
    out->warned = rules->warnings_len > 0 ? vv_rows_int64(rows, 2) : 0;
    for (size_t i = 0; i < rules->warnings_len; i++)
        out->by_warning[i] = vv_rows_int64(rows, (uint32_t)i + 3);
    return VARVE_OK;
}

/* 2-semantics: the greatest O stays, none of its own is above all, then the last in the input. */
static void add_rank(const struct vv_rules *rules, struct vv_buf *sql)
{
    vv_buf_adds(sql, " QUALIFY row_number() OVER (PARTITION BY ");
    add_key(rules, sql);
    vv_buf_adds(sql, " ORDER BY ");
    if (rules->order >= 0)
        vv_buf_addf(sql, "_own, c%d DESC, ", rules->order);
    vv_buf_adds(sql, "_row DESC)");
}

/*
 * The rows that others of their key take the place of. Of many rows few have a rival, and only those
 * are ranked.
 */
static void add_beaten(const struct vv_rules *rules, struct vv_str batch, bool has_bad,
    struct vv_buf *sql)
{
    const char *good = has_bad ? " WHERE NOT _bad" : "";
    vv_buf_addf(sql, "SELECT _row FROM %.*s SEMI JOIN (SELECT ", VV_ARG(batch));
    add_key(rules, sql);
    vv_buf_addf(sql, " FROM %.*s%s GROUP BY ALL HAVING count(*) > 1) USING (", VV_ARG(batch),
        good);
    add_key(rules, sql);
    vv_buf_addf(sql, ")%s", good);
    add_rank(rules, sql);
    vv_buf_adds(sql, " > 1");
}

/* To drop rows in place copies nothing. */
static varve_status rows_drop(struct vv_op *op, struct vv_work *work,
    const struct vv_rules *rules, bool has_duplicates)
{
    VV_CLEANUP(vv_buf_done) struct vv_buf sql = VV_BUF_INIT(1 << 20);
    const struct vv_str batch = work->batch.sql;
    vv_buf_addf(&sql, "DELETE FROM %.*s WHERE _bad", VV_ARG(batch));
    if (has_duplicates) {
        vv_buf_adds(&sql, " OR _row IN (");
        add_beaten(rules, batch, true, &sql);
        vv_buf_addc(&sql, ')');
    }
    return vv_buf_ok(&sql) ? vv_session_exec(op, work->session, vv_buf_str(&sql))
                           : vv_fail_memory(op);
}

/* Marks them in the rows that a view is of. The view of a batch with a bad row is given up. */
static varve_status view_dedupe(struct vv_op *op, struct vv_work *work,
    const struct vv_plan *plan, struct vv_batch_counts *counts)
{
    VV_CLEANUP(vv_buf_done) struct vv_buf sql = VV_BUF_INIT(1 << 20);
    VV_CLEANUP(vv_rows_close) struct vv_rows *rows = NULL;
    uint32_t column = vv_values_beaten(plan->schema);
    if (counts->bad > 0)
        return VARVE_OK;
    add_beaten(plan->rules, work->batch.sql, false, &sql);
    if (!vv_buf_ok(&sql))
        return vv_fail_memory(op);
    VV_TRY(vv_session_query(op, work->session, vv_buf_str(&sql), &rows));
    vv_rowset_fill_bool(work->input, column, false);
    for (bool has_row = true;;) {
        VV_TRY(vv_rows_next(op, rows, &has_row));
        if (!has_row)
            return VARVE_OK;
        vv_rowset_put_bool(work->input, column, vv_rows_int64(rows, 0) - 1, true);
        counts->keys--;
    }
}

/* "c1 > k1 OR (c1 = k1 AND (c2 > k2))": the key comes after that of the row before. */
static void add_ascends(const struct vv_rules *rules, struct vv_buf *sql)
{
    vv_buf_adds(sql, "(false");
    for (size_t index = 0; index < rules->key_len; index++) {
        int32_t column = rules->key[index];
        vv_buf_addf(sql, " OR c%d > k%d OR (c%d = k%d AND (false", column, column, column,
            column);
    }
    for (size_t index = 0; index < rules->key_len; index++)
        vv_buf_adds(sql, "))");
    vv_buf_addc(sql, ')');
}

/*
 * How the rows lie: how often a row is not behind the one before it in the order of the key, and how
 * often its partition is another one. Whatever order the engine takes the rows in, each has one
 * before it but the first: where that alone does not ascend, no two rows have one key. (No key is
 * NULL among rows that are not bad; a NULL does not ascend.)
 */
static varve_status order_read(struct vv_op *op, struct vv_work *work,
    const struct vv_rules *rules, int64_t *out_descents, int64_t *out_runs)
{
    VV_CLEANUP(vv_buf_done) struct vv_buf sql = VV_BUF_INIT(1 << 20);
    VV_CLEANUP(vv_rows_close) struct vv_rows *rows = NULL;
    vv_buf_adds(&sql, "SELECT count(*) FILTER (NOT coalesce(");
    add_ascends(rules, &sql);
    vv_buf_adds(&sql, ", false)), count(*) FILTER (false");
    for (size_t index = 0; index < rules->partitions_len; index++)
        vv_buf_addf(&sql, " OR c%d IS DISTINCT FROM p%d", rules->partitions[index],
            rules->partitions[index]);
    vv_buf_adds(&sql, ") FROM (SELECT *");
    for (size_t index = 0; index < rules->key_len; index++)
        vv_buf_addf(&sql, ", lag(c%d) OVER () AS k%d", rules->key[index], rules->key[index]);
    for (size_t index = 0; index < rules->partitions_len; index++)
        vv_buf_addf(&sql, ", lag(c%d) OVER () AS p%d", rules->partitions[index],
            rules->partitions[index]);
    vv_buf_addf(&sql, " FROM %.*s)", VV_ARG(work->batch.sql));
    if (!vv_buf_ok(&sql))
        return vv_fail_memory(op);
    VV_TRY(vv_session_query(op, work->session, vv_buf_str(&sql), &rows));
    bool has_row = false;
    VV_TRY(vv_rows_next(op, rows, &has_row));
    *out_descents = vv_rows_int64(rows, 0);
    *out_runs = vv_rows_int64(rows, 1);
    return VARVE_OK;
}

static varve_status columns_of(struct vv_op *op, const int32_t *columns, size_t len,
    struct vv_rowset_part *out)
{
    uint32_t *places = NULL;
    VV_NEW(op, &places, uint32_t, len + 1);
    for (size_t index = 0; index < len; index++)
        places[index] = vv_tuple_column(columns[index]);
    *out = (struct vv_rowset_part){places, len};
    return VARVE_OK;
}

/*
 * Of rows in memory without the engine. They go to a table where it is not known how they lie, and
 * where there are so many of a partition that the engine is to write them by several threads, which
 * it does from tables alone.
 */
static varve_status order_find(struct vv_op *op, struct vv_work *work,
    const struct vv_rules *rules, int64_t *out_descents, int64_t *out_runs)
{
    const struct vv_rowset *rowset = work->batch.rowset;
    struct vv_rowset_part key;
    struct vv_rowset_part parts;
    struct vv_rowset_order order = {.is_known = false};
    if (!work->batch.in_memory)
        return order_read(op, work, rules, out_descents, out_runs);
    VV_TRY(columns_of(op, rules->key, rules->key_len, &key));
    VV_TRY(columns_of(op, rules->partitions, rules->partitions_len, &parts));
    VV_TRY(vv_rowset_order(op, rowset, &key, &parts, &order));
    if (!order.is_known || !order.is_numbered ||
        vv_rowset_bytes(rowset) / vv_rowset_rows(rowset) * order.run_max > RUN_BYTES_MAX) {
        VV_TRY(vv_work_spill(op, work, &work->batch));
        return order_read(op, work, rules, out_descents, out_runs);
    }
    *out_descents = order.ascends && rules->key_len > 0 ? 1 : vv_rowset_rows(rowset);
    *out_runs = rules->partitions_len > 0 ? order.runs : 0;
    return VARVE_OK;
}

/* And keys of the rows that are not bad; without dedupe as many as those rows. */
static varve_status rows_count(struct vv_op *op, struct vv_work *work,
    const struct vv_plan *plan, bool dedupe, struct vv_batch_counts *out)
{
    VV_CLEANUP(vv_buf_done) struct vv_buf sql = VV_BUF_INIT(1 << 20);
    const struct vv_rules *rules = plan->rules;
    VV_TRY(bad_count(op, work, plan, out));
    out->keys = out->rows - out->bad;
    if (work->batch.is_view)
        return dedupe ? view_dedupe(op, work, plan, out) : VARVE_OK;
    int64_t descents = out->rows;
    if (out->rows > VV_WORK_ROWS_MAX && out->bad == 0)
        VV_TRY(order_find(op, work, rules, &descents, &out->runs));
    out->is_ascending = descents == 1 && rules->key_len > 0;
    if (!dedupe || descents == 1)
        return VARVE_OK;
    vv_buf_adds(&sql, "SELECT count(*) FROM (SELECT DISTINCT ");
    add_key(rules, &sql);
    vv_buf_addf(&sql, " FROM %.*s%s)", VV_ARG(work->batch.sql),
        out->bad > 0 ? " WHERE NOT _bad" : "");
    return vv_buf_ok(&sql) ? vv_session_int64(op, work->session, vv_buf_str(&sql), &out->keys)
                           : vv_fail_memory(op);
}

varve_status vv_batch_count(struct vv_op *op, struct vv_work *work, const struct vv_plan *plan,
    struct vv_batch_counts *counts)
{
    const struct vv_relation *batch = &work->batch;
    /* A single row is no duplicate, and the way of a single row is to be short. */
    bool dedupe = plan->options->dedupe && counts->rows > 1;
    if (batch->in_memory && counts->rows <= VV_WORK_ROWS_MAX &&
        vv_few_can_count(plan->schema, plan->rules))
        return vv_few_count(op, batch->rowset, plan, dedupe, counts);
    return rows_count(op, work, plan, dedupe, counts);
}

/* The view without them. */
static varve_status view_settle(struct vv_op *op, struct vv_work *work,
    const struct vv_plan *whole)
{
    struct vv_plan plan = *whole;
    struct vv_batch_input input = *whole->input;
    input.sql = vv_arena_format(&op->arena,
        "(SELECT * FROM %.*s WHERE NOT " VV_VALUES_BEATEN ")", VV_ARG(whole->input->sql));
    plan.input = &input;
    return input.sql.ptr != NULL ? vv_batch_view(op, &plan, &work->batch_kept)
                                 : vv_fail_memory(op);
}

varve_status vv_batch_settle(struct vv_op *op, struct vv_work *work, const struct vv_plan *plan,
    bool has_bad, bool has_duplicates, const struct vv_relation **out)
{
    const struct vv_rules *rules = plan->rules;
    VV_CLEANUP(vv_buf_done) struct vv_buf sql = VV_BUF_INIT(1 << 20);
    int64_t rows = 0;
    *out = &work->batch;
    if (!has_bad && !has_duplicates)
        return VARVE_OK;
    if (work->batch.is_view) {
        VV_PRE(!has_bad);
        *out = &work->batch_kept;
        return view_settle(op, work, plan);
    }
    if (work->batch.in_memory && vv_rowset_rows(work->batch.rowset) > VV_WORK_ROWS_MAX)
        VV_TRY(vv_work_spill(op, work, &work->batch));
    if (!work->batch.in_memory)
        return rows_drop(op, work, rules, has_duplicates);
    vv_buf_addf(&sql, "SELECT * FROM %.*s WHERE NOT _bad", VV_ARG(work->batch.sql));
    if (has_duplicates) {
        add_rank(rules, &sql);
        vv_buf_adds(&sql, " = 1");
    }
    if (!vv_buf_ok(&sql))
        return vv_fail_memory(op);
    const struct vv_query query = {.sql = vv_buf_str(&sql), .is_kept = true};
    *out = &work->batch_kept;
    return vv_work_make(op, work, &work->batch_kept, &query, &rows);
}
