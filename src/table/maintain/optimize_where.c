/*
 * A condition of a user's over partition columns, asked once of every partition there is.
 */
#include "delta/clustering.h"
#include "engine/sql.h"
#include "engine/sql_tree.h"
#include "table/maintain/optimize_run.h"

/* "(0, DATE '2025-01-30'), (1, ...)" */
static void add_places(const struct vv_optimize_run *run, const struct vv_partitions *places,
    struct vv_buf *sql)
{
    for (size_t place = 0; place < places->len; place++) {
        vv_buf_addf(sql, "%s(%zu", place == 0 ? "" : ", ", place);
        for (size_t i = 0; i < run->rules.partitions_len; i++) {
            vv_buf_adds(sql, ", ");
            vv_value_sql(&places->items[place][i],
                &run->snapshot->schema.fields[run->rules.partitions[i]].type, sql);
        }
        vv_buf_addc(sql, ')');
    }
}

static varve_status where_sql(struct vv_op *op, const struct vv_optimize_run *run,
    const struct vv_partitions *places, struct vv_buf *sql)
{
    vv_buf_adds(sql, "SELECT CAST(\"vv#\" AS BIGINT) FROM (VALUES ");
    add_places(run, places, sql);
    vv_buf_adds(sql, ") AS t(\"vv#\"");
    for (size_t i = 0; i < run->rules.partitions_len; i++) {
        vv_buf_adds(sql, ", ");
        vv_sql_name(sql, run->snapshot->schema.fields[run->rules.partitions[i]].name);
    }
    vv_buf_adds(sql, ") WHERE (");
    vv_buf_add(sql, run->request->where);
    vv_buf_adds(sql, "\n)");
    return vv_buf_ok(sql) ? VARVE_OK : vv_fail_memory(op);
}

static varve_status ask(struct vv_op *op, struct vv_optimize_run *run,
    const struct vv_partitions *places, bool *chosen)
{
    VV_CLEANUP(vv_buf_done) struct vv_buf sql = VV_BUF_INIT(VV_BUF_MAX);
    VV_CLEANUP(vv_rows_close) struct vv_rows *rows = NULL;
    struct vv_sql_statement statement;
    VV_TRY(vv_sql_read_condition(op, run->session, "the condition", run->request->where,
        &statement));
    VV_TRY(where_sql(op, run, places, &sql));
    if (!vv_buf_ok(&sql))
        return vv_fail_memory(op);
    const struct vv_query query = {.sql = vv_buf_str(&sql), .is_users = true};
    if (vv_session_rows(op, run->session, &query, &rows) != VARVE_OK) {
        (void)vv_sql_blame(op, "the condition", run->request->where);
        return vv_note(op, "optimize takes whole partitions, so its condition is over the "
                           "partition columns");
    }
    for (;;) {
        bool has_row = false;
        VV_TRY(vv_rows_next(op, rows, &has_row));
        if (!has_row)
            return VARVE_OK;
        int64_t place = vv_rows_int64(rows, 0);
        VV_PRE(place >= 0 && (size_t)place < places->len);
        chosen[place] = true;
    }
}

static varve_status choose(struct vv_op *op, struct vv_optimize_run *run)
{
    struct vv_partitions places = {0};
    const struct vv_file **files = NULL;
    bool *chosen = NULL;
    size_t len = 0;
    run->spec.files = run->snapshot->files;
    run->spec.files_len = run->snapshot->files_len;
    if (run->request->choice.choose != NULL)
        return run->request->choice.choose(op, run->request->choice.data, run->snapshot,
            &run->rules, &run->spec);
    if (run->request->where.len == 0)
        return VARVE_OK;
    if (run->rules.partitions_len == 0)
        return vv_fail(op, VARVE_EUSAGE,
            "table %.*s has no partitions that a condition could choose from",
            VV_ARG(run->table->name));
    if (run->snapshot->files_len == 0)
        return VARVE_OK;
    VV_TRY(vv_partitions_find(op, &op->arena, run->snapshot, &run->rules, &places));
    VV_NEW(op, &chosen, bool, places.len + 1);
    VV_TRY(ask(op, run, &places, chosen));
    VV_NEW(op, &files, const struct vv_file *, run->snapshot->files_len + 1);
    for (size_t i = 0; i < run->snapshot->files_len; i++)
        if (chosen[places.of_file[i]])
            files[len++] = run->snapshot->files[i];
    run->spec.files = files;
    run->spec.files_len = len;
    return VARVE_OK;
}

/* Of a clustered table, be it by fields that Varve can't order by: files that nobody has clustered, or
 * Varve. */
static varve_status leave_foreign(struct vv_op *op, struct vv_optimize_run *run)
{
    const struct vv_file **files = NULL;
    size_t len = 0;
    VV_NEW(op, &files, const struct vv_file *, run->spec.files_len + 1);
    for (size_t i = 0; i < run->spec.files_len; i++)
        if (!vv_clustering_is_foreign(run->spec.files[i]))
            files[len++] = run->spec.files[i];
    run->spec.files = files;
    run->spec.files_len = len;
    return VARVE_OK;
}

varve_status vv_optimize_choose(struct vv_op *op, struct vv_optimize_run *run)
{
    VV_TRY(choose(op, run));
    return run->leaves_foreign ? leave_foreign(op, run) : VARVE_OK;
}
