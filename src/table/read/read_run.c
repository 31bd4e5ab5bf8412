#include "table/read/read_run.h"

#include "engine/sql.h"
#include "table/read/event_time.h"
#include "table/read/lost.h"
#include "table/read/prune.h"
#include "table/read/small_scan.h"

void vv_read_done(struct vv_read *read)
{
    vv_session_close(&read->session);
    vv_snapshot_release(&read->snapshot);
    vv_buf_done(&read->sql);
}

varve_status vv_read_start(struct vv_op *op, struct vv_table *table, struct vv_str at,
    struct vv_read *out)
{
    *out = (struct vv_read){.table = table, .sql = VV_BUF_INIT(VV_BUF_MAX)};
    VV_TRY(vv_table_seek(op, table, at, &out->snapshot));
    VV_TRY(vv_rules_read_lenient(op, &op->arena, out->snapshot, &out->rules));
    out->time = vv_event_column(out->snapshot, &out->rules);
    return VARVE_OK;
}

varve_status vv_read_need_time(struct vv_op *op, const struct vv_read *read)
{
    if (read->time >= 0) {
        vv_time_tell_order(op, read->table, read->snapshot, &read->rules, read->time);
        return VARVE_OK;
    }
    return vv_time_fail(op, read->table->name, read->snapshot, &read->rules);
}

varve_status vv_read_prune(struct vv_op *op, struct vv_read *read,
    const struct vv_range *ranges, size_t ranges_len)
{
    return vv_prune(op, &op->arena, read->snapshot, &read->rules,
        &(struct vv_ranges){ranges, ranges_len}, &read->files, &read->files_len);
}

static struct vv_scan_source source_of(const struct vv_read *read, const int32_t *columns,
    size_t columns_len)
{
    return (struct vv_scan_source){.store = read->table->store,
        .engine = read->table->engine,
        .snapshot = read->snapshot,
        .files = read->files,
        .files_len = read->files_len,
        .columns = columns,
        .columns_len = columns_len,
        .names = read->names,
        .small = read->small,
        .may_hold = true};
}

varve_status vv_read_add_source(struct vv_op *op, struct vv_read *read, const int32_t *columns,
    size_t columns_len)
{
    const struct vv_scan_source source = source_of(read, columns, columns_len);
    vv_engine_expect(read->table->engine, vv_files_bytes(read->files, read->files_len));
    vv_buf_addc(&read->sql, '(');
    if (vv_scan_sql(op, &source, &read->sql) != VARVE_OK)
        return vv_lost_version(op, read->table, read->snapshot, read->files, read->files_len);
    vv_buf_adds(&read->sql, ") AS t");
    return VARVE_OK;
}

/* Of many files a little, by a statement that ends before the operation does. */
varve_status vv_read_add_few_columns(struct vv_op *op, struct vv_read *read,
    const int32_t *columns, size_t columns_len, struct vv_small_scan *small)
{
    const struct vv_scan_source source = source_of(read, columns, columns_len);
    VV_TRY(vv_small_scan_open(op, &source, small));
    read->small = small;
    varve_status status = vv_read_add_source(op, read, columns, columns_len);
    read->small = NULL;
    return status;
}

varve_status vv_read_stream(struct vv_op *op, struct vv_read *read, bool sql_is_users,
    struct ArrowArrayStream *out)
{
    struct vv_keep keep = {read->snapshot, vv_snapshot_release_kept};
    if (!vv_buf_ok(&read->sql))
        return vv_fail_memory(op);
    if (read->session == NULL)
        VV_TRY(vv_session_open(op, read->table->engine, &read->session));
    struct vv_query query = {.sql = vv_buf_str(&read->sql),
        .is_users = sql_is_users,
        .about = vv_arena_format(&op->arena, "table %.*s", VV_ARG(read->table->name))};
    if (query.about.ptr == NULL)
        return vv_fail_memory(op);
    vv_snapshot_retain(read->snapshot);
    varve_status status = vv_session_stream_query(op, &read->session, &query, &keep, 1, out);
    if (status != VARVE_OK)
        vv_snapshot_release_kept(read->snapshot);
    return status;
}

varve_status vv_read_find_columns(struct vv_op *op, const struct vv_read *read,
    struct vv_str names, int32_t **out, size_t *out_len)
{
    struct vv_str *split = NULL;
    VV_TRY(vv_rules_split_names(op, &op->arena, names, &split, out_len));
    VV_NEW(op, out, int32_t, *out_len + 1);
    for (size_t i = 0; i < *out_len; i++) {
        (*out)[i] = vv_schema_find(&read->snapshot->schema, split[i]);
        if ((*out)[i] < 0)
            return vv_rules_fail_column(op, read->table->name, &read->snapshot->schema,
                split[i]);
        for (size_t j = 0; j < i; j++)
            if ((*out)[j] == (*out)[i])
                return vv_fail(op, VARVE_EUSAGE, "column %.*s is named twice",
                    VV_ARG(split[i]));
    }
    return VARVE_OK;
}

void vv_read_add_column(const struct vv_read *read, int32_t column, struct vv_buf *sql)
{
    vv_sql_name(sql, read->snapshot->schema.fields[column].name);
}
