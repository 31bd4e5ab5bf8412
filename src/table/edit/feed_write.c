#include "table/edit/feed_write.h"

#include "delta/features.h"
#include "table/read/scan_sql.h"
#include "table/upsert/upsert_plan.h"

#define CHANGES_TABLE "feed_changes"

bool vv_feed_wanted(const struct vv_snapshot *snapshot)
{
    return vv_property_bool(snapshot->metadata, "delta.enableChangeDataFeed", false) &&
           vv_features_has(snapshot->protocol, VV_STR("changeDataFeed"));
}

static void add_columns(const struct vv_feed *feed, const char *alias, struct vv_buf *sql)
{
    for (size_t i = 0; i < feed->snapshot->schema.fields_len; i++)
        vv_buf_addf(sql, "%s.c%zu, ", alias, i);
}

static varve_status add_scan(struct vv_op *op, const struct vv_feed *feed,
    const struct vv_file *const *files, size_t files_len, struct vv_buf *sql)
{
    const struct vv_scan_source source = {.store = feed->table->store,
        .engine = feed->table->engine,
        .snapshot = feed->snapshot,
        .files = files,
        .files_len = files_len,
        .names = VV_SCAN_INDEXED};
    vv_buf_adds(sql, " FROM (");
    VV_TRY(vv_scan_sql(op, &source, sql));
    vv_buf_adds(sql, ") AS s");
    return VARVE_OK;
}

varve_status vv_feed_gone_sql(struct vv_op *op, const struct vv_feed *feed,
    const struct vv_feed_gone *gone, struct vv_buf *sql)
{
    VV_CLEANUP(vv_buf_done) struct vv_buf indexes = VV_BUF_INIT(VV_BUF_MAX);
    const struct vv_file **files = NULL;
    size_t len = 0;
    VV_NEW(op, &files, const struct vv_file *, gone->files_len + 1);
    for (size_t i = 0; i < gone->files_len; i++) {
        if (gone->rows[i] == 0)
            continue;
        vv_buf_addf(&indexes, "%s%zu", len == 0 ? "" : ", ", i);
        files[len++] = gone->files[i];
    }
    vv_buf_adds(sql, "SELECT ");
    add_columns(feed, "s", sql);
    vv_buf_addf(sql, "%s AS " VV_FEED_TYPE, gone->type);
    VV_TRY(add_scan(op, feed, files, len, sql));
    vv_buf_addf(sql, " JOIN %.*s AS g ON g._pos = s._pos AND g._file = ([%.*s])[s._file + 1]",
        VV_ARG(gone->relation), VV_ARG(vv_buf_str(&indexes)));
    if (gone->where != NULL)
        vv_buf_addf(sql, " WHERE %s", gone->where);
    return vv_buf_ok(&indexes) ? VARVE_OK : vv_fail_memory(op);
}

varve_status vv_feed_whole_sql(struct vv_op *op, const struct vv_feed *feed,
    const struct vv_file *const *files, size_t files_len, struct vv_buf *sql)
{
    vv_buf_adds(sql, "SELECT ");
    add_columns(feed, "s", sql);
    vv_buf_adds(sql, "'delete' AS " VV_FEED_TYPE);
    return add_scan(op, feed, files, files_len, sql);
}

void vv_feed_news_sql(const struct vv_feed *feed, struct vv_str relation, const char *type,
    struct vv_buf *sql)
{
    vv_buf_adds(sql, "SELECT ");
    add_columns(feed, "n", sql);
    vv_buf_addf(sql, "%s AS " VV_FEED_TYPE " FROM %.*s AS n", type, VV_ARG(relation));
}

static varve_status write_partition(struct vv_op *op, const struct vv_feed *feed,
    const struct vv_value *partition)
{
    VV_CLEANUP(vv_buf_done) struct vv_buf sql = VV_BUF_INIT(VV_BUF_MAX);
    const struct vv_rules *rules = feed->rules;
    struct vv_cdc cdc;
    vv_buf_adds(&sql, "SELECT * FROM temp." CHANGES_TABLE);
    for (size_t i = 0; i < rules->partitions_len; i++) {
        vv_buf_addf(&sql, "%sc%d IS NOT DISTINCT FROM ", i == 0 ? " WHERE " : " AND ",
            rules->partitions[i]);
        vv_value_sql(&partition[i], &feed->snapshot->schema.fields[rules->partitions[i]].type,
            &sql);
    }
    if (!vv_buf_ok(&sql))
        return vv_fail_memory(op);
    const struct vv_write_request request = {.snapshot = feed->snapshot,
        .session = feed->session,
        .select_sql = vv_buf_str(&sql),
        .partition = partition,
        .is_feed = true};
    VV_TRY(vv_write_feed_file(op, feed->table, &request, feed->written, &cdc));
    struct vv_cdc *added = vv_actions_new_cdc(feed->actions, feed->arena);
    if (added == NULL)
        return vv_fail_memory(op);
    *added = cdc;
    return VARVE_OK;
}

/* The partitions are read before the first file is written: a session runs one statement. */
static varve_status read_partitions(struct vv_op *op, const struct vv_feed *feed,
    struct vv_value ***out, size_t *out_len)
{
    VV_CLEANUP(vv_buf_done) struct vv_buf sql = VV_BUF_INIT(VV_BUF_MAX);
    VV_CLEANUP(vv_rows_close) struct vv_rows *rows = NULL;
    const struct vv_rules *rules = feed->rules;
    const struct vv_field *fields = feed->snapshot->schema.fields;
    void *list = NULL;
    size_t capacity = 0;
    vv_buf_adds(&sql, "SELECT DISTINCT 0");
    for (size_t i = 0; i < rules->partitions_len; i++)
        vv_upsert_add_value_sql(&sql, ", ", rules->partitions[i], "",
            &fields[rules->partitions[i]].type);
    vv_buf_adds(&sql, " FROM temp." CHANGES_TABLE " ORDER BY ALL");
    if (!vv_buf_ok(&sql))
        return vv_fail_memory(op);
    VV_TRY(vv_session_query(op, feed->session, vv_buf_str(&sql), &rows));
    for (*out_len = 0;; (*out_len)++) {
        struct vv_value *partition = NULL;
        bool has_row = false;
        VV_TRY(vv_rows_next(op, rows, &has_row));
        *out = list;
        if (!has_row)
            return VARVE_OK;
        VV_NEW(op, &partition, struct vv_value, rules->partitions_len + 1);
        if (!vv_arena_grow(&op->arena, &list, *out_len, &capacity, sizeof(partition),
                _Alignof(struct vv_value *)))
            return vv_fail_memory(op);
        for (size_t i = 0; i < rules->partitions_len; i++)
            VV_TRY(vv_upsert_value(op, feed->arena, rows, (uint32_t)i + 1,
                &fields[rules->partitions[i]].type, &partition[i]));
        ((struct vv_value **)list)[*out_len] = partition;
    }
}

varve_status vv_feed_write(struct vv_op *op, const struct vv_feed *feed, struct vv_str sql)
{
    VV_CLEANUP(vv_buf_done) struct vv_buf make = VV_BUF_INIT(VV_BUF_MAX);
    struct vv_value **partitions = NULL;
    size_t len = 0;
    if (vv_schema_find(&feed->snapshot->schema, VV_STR(VV_FEED_TYPE)) >= 0)
        return vv_fail(op, VARVE_EUNSUPPORTED,
            "table %.*s has its change feed on, and a column " VV_FEED_TYPE
            ", which is what change files call theirs: rename the column",
            VV_ARG(feed->table->name));
    vv_buf_adds(&make, "CREATE OR REPLACE TEMP TABLE " CHANGES_TABLE " AS ");
    vv_buf_add(&make, sql);
    if (!vv_buf_ok(&make))
        return vv_fail_memory(op);
    VV_TRY(vv_session_exec(op, feed->session, vv_buf_str(&make)));
    VV_TRY(read_partitions(op, feed, &partitions, &len));
    for (size_t i = 0; i < len; i++) {
        VV_TRY(vv_check_cancel(op));
        VV_TRY(write_partition(op, feed, partitions[i]));
    }
    return vv_session_exec(op, feed->session, VV_STR("DROP TABLE temp." CHANGES_TABLE));
}
