/*
 * The data files of a snapshot as rows: a temporary table of texts, cast on the way out.
 */
#include "base/json_write.h"
#include "base/map.h"
#include "base/time.h"
#include "delta/ledger.h"
#include "delta/log_list.h"
#include "delta/stats.h"
#include "table/describe.h"
#include "table/read/read.h"

/* Commits below the checkpoint that are looked at for whatever files it names. */
#define COMMITS_SEARCHED_MAX 1000

enum {
    PATH,
    PARTITION,
    BYTES,
    ROWS,
    DELETED,
    LEAST,
    GREATEST,
    ADDED,
    MODIFIED,
    COLUMNS
};

struct listing {
    const struct vv_snapshot *snapshot;
    struct vv_rules rules;
    struct vv_text_appender *appender;
    const int64_t *added; /* a version a file; VV_NO_VERSION: not known */
};

static struct vv_str number(struct vv_op *op, int64_t value)
{
    return value < 0 ? VV_STR_NONE
                     : vv_str_or_lost(vv_arena_format(&op->arena, "%" PRId64, value));
}

/* {"date":"2025-01-30"}; none where the table has no partitions. */
static varve_status partition_text(struct vv_op *op, const struct vv_snapshot *snapshot,
    const struct vv_rules *rules, const struct vv_file *file, struct vv_str *out)
{
    VV_CLEANUP(vv_buf_done) struct vv_buf json = VV_BUF_INIT(VV_BUF_MAX);
    struct vv_json_writer writer = VV_JSON_WRITER_INIT(&json);
    if (rules->partitions_len == 0)
        return VARVE_OK;
    vv_jw_object(&writer);
    for (size_t i = 0; i < rules->partitions_len; i++) {
        const struct vv_field *field = &snapshot->schema.fields[rules->partitions[i]];
        struct vv_str value = vv_pairs_get(&file->partition_values, field->physical_name);
        vv_jw_key_str(&writer, field->name);
        if (value.ptr == NULL)
            vv_jw_null(&writer);
        else
            vv_jw_string(&writer, value);
    }
    vv_jw_end(&writer);
    *out = vv_arena_str(&op->arena, vv_buf_str(&json));
    return vv_buf_ok(&json) && out->ptr != NULL ? VARVE_OK : vv_fail_memory(op);
}

/* The bounds of the key columns that have some: {"timestamp":"2025-01-30T10:00:00.000000Z"} */
static varve_status bounds_text(struct vv_op *op, const struct listing *listing,
    const struct vv_file_stats *stats, bool greatest, struct vv_str *out)
{
    VV_CLEANUP(vv_buf_done) struct vv_buf json = VV_BUF_INIT(VV_BUF_MAX);
    struct vv_json_writer writer = VV_JSON_WRITER_INIT(&json);
    vv_jw_object(&writer);
    for (size_t i = 0; i < listing->rules.key_len; i++) {
        VV_CLEANUP(vv_buf_done) struct vv_buf text = VV_BUF_INIT(VV_BUF_MAX);
        const struct vv_field *field = &listing->snapshot->schema.fields[listing->rules.key[i]];
        const struct vv_value *value =
            greatest ? &stats->columns[i].max : &stats->columns[i].min;
        if (value->kind == VV_VALUE_NONE || value->kind == VV_VALUE_NULL)
            continue;
        vv_partition_format(value, &field->type, &text);
        if (!vv_buf_ok(&text))
            return vv_fail_memory(op);
        vv_jw_key_str(&writer, field->name);
        vv_jw_string(&writer, vv_buf_str(&text));
    }
    vv_jw_end(&writer);
    *out = vv_arena_str(&op->arena, vv_buf_str(&json));
    return vv_buf_ok(&json) && out->ptr != NULL ? VARVE_OK : vv_fail_memory(op);
}

static varve_status add_file(struct vv_op *op, const struct listing *listing, int64_t row,
    const struct vv_file *file)
{
    struct vv_str values[COLUMNS] = {0};
    struct vv_file_stats stats;
    char time[32];
    const struct vv_stats_columns columns = {.schema = &listing->snapshot->schema,
        .metadata = listing->snapshot->metadata,
        .indexes = listing->rules.key,
        .len = listing->rules.key_len};
    int64_t deleted = file->dv != NULL ? file->dv->cardinality : 0;
    int64_t rows = -1;
    VV_TRY(vv_stats_read(op, &op->arena, file, &columns, &stats));
    VV_TRY(vv_file_live_rows(op, file, &rows));
    values[PATH] = file->path;
    values[BYTES] = number(op, file->bytes);
    values[ROWS] = number(op, rows);
    values[DELETED] = number(op, deleted);
    values[ADDED] = number(op, listing->added[row]);
    size_t time_len = vv_time_format_ms(file->modified_ms, time);
    values[MODIFIED] =
        vv_str_or_lost(vv_arena_str(&op->arena, (struct vv_str){time, time_len}));
    VV_TRY(partition_text(op, listing->snapshot, &listing->rules, file, &values[PARTITION]));
    if (listing->rules.key_len > 0) {
        VV_TRY(bounds_text(op, listing, &stats, false, &values[LEAST]));
        VV_TRY(bounds_text(op, listing, &stats, true, &values[GREATEST]));
    }
    return vv_text_appender_row(op, listing->appender, row, values);
}

/* ---- Which version added a file ------------------------------------------------------------------- */

struct search {
    int64_t *added;      /* a version a file */
    struct vv_map files; /* of those that are looked for: key to a place in `added` */
    size_t left;
};

/* What the checkpoint does not say: whatever is not known of the replayed commits. */
static varve_status start_search(struct vv_op *op, const struct vv_snapshot *snapshot,
    struct search *search)
{
    VV_NEW(op, &search->added, int64_t, snapshot->files_len + 1);
    for (size_t i = 0; i < snapshot->files_len; i++) {
        const struct vv_file *file = snapshot->files[i];
        search->added[i] = file->added_version;
        if (file->added_version >= 0)
            continue;
        if (!vv_map_put(&search->files, file->key, &search->added[i], NULL))
            return vv_fail_memory(op);
        search->left++;
    }
    return VARVE_OK;
}

/* A commit that can't be read leaves what it says unknown: that is no matter of a listing. */
static varve_status look_at_commit(struct vv_op *op, const struct vv_log_handle *log,
    struct vv_ledger_reader *ledger, const struct vv_log_commit *commit, struct search *search)
{
    VV_CLEANUP(vv_arena_done) struct vv_arena arena = VV_ARENA_INIT(op->arena.bytes_max);
    struct vv_actions actions = {0};
    VV_TRY(vv_check_cancel(op));
    varve_status status =
        vv_log_read_listed_actions(op, log, ledger, commit, &arena, &actions, NULL);
    if (status == VARVE_ECORRUPT || status == VARVE_ENOTFOUND) {
        vv_forgive(op);
        return VARVE_OK;
    }
    VV_TRY(status);
    for (size_t i = 0; i < actions.adds.len; i++) {
        int64_t *added = vv_map_get(&search->files, actions.adds.items[i].key);
        if (added == NULL || *added >= 0)
            continue;
        *added = commit->version;
        search->left--;
    }
    return VARVE_OK;
}

/* Newest first: the newest commit that adds a file is the one by which it is there. */
static varve_status find_added(struct vv_op *op, const struct vv_table *table,
    const struct vv_snapshot *snapshot, const int64_t **out)
{
    VV_CLEANUP(vv_ledger_reader_done)
    struct vv_ledger_reader ledger = {.arena = VV_ARENA_INIT(op->arena.bytes_max)};
    struct search search = {.files = VV_MAP_INIT(&op->arena)};
    struct vv_log_list list = {0};
    VV_TRY(start_search(op, snapshot, &search));
    *out = search.added;
    if (search.left == 0)
        return VARVE_OK;
    VV_TRY(vv_log_list_read(op, &table->log, 0, &op->arena, &list));
    if (list.commits.len > 0 && list.commits.items[0].version > 0)
        VV_TRY(vv_ledger_extend(op, &table->log, &op->arena, &list));
    size_t end = vv_log_list_lower(&list, snapshot->checkpoint_version + 1);
    for (size_t i = 0; i < end && i < COMMITS_SEARCHED_MAX && search.left > 0; i++)
        VV_TRY(look_at_commit(op, &table->log, &ledger, &list.commits.items[end - 1 - i],
            &search));
    return VARVE_OK;
}

/* ---- Rows ----------------------------------------------------------------------------------------- */

varve_status vv_table_files(struct vv_op *op, struct vv_table *table, struct vv_str at,
    struct ArrowArrayStream *out)
{
    VV_CLEANUP(vv_snapshot_release) struct vv_snapshot *snapshot = NULL;
    VV_TRY(vv_table_seek(op, table, at, &snapshot));
    return vv_table_files_of(op, table, snapshot, out);
}

varve_status vv_table_files_of(struct vv_op *op, struct vv_table *table,
    const struct vv_snapshot *snapshot, struct ArrowArrayStream *out)
{
    VV_CLEANUP(vv_session_close) struct vv_session *session = NULL;
    VV_CLEANUP(vv_text_appender_close) struct vv_text_appender *appender = NULL;
    const struct vv_str names[COLUMNS] = {VV_STR("path"), VV_STR("partition"), VV_STR("bytes"),
        VV_STR("rows"), VV_STR("deleted"), VV_STR("least"), VV_STR("greatest"), VV_STR("added"),
        VV_STR("modified")};
    struct listing listing = {.snapshot = snapshot};
    VV_TRY(vv_rules_read_lenient(op, &op->arena, snapshot, &listing.rules));
    VV_TRY(find_added(op, table, snapshot, &listing.added));
    VV_TRY(vv_session_open(op, table->engine, &session));
    VV_TRY(vv_text_appender_open(op, session, VV_STR("files"), VV_STR("_row"), names, COLUMNS,
        &appender));
    listing.appender = appender;
    for (size_t i = 0; i < snapshot->files_len; i++)
        VV_TRY(add_file(op, &listing, (int64_t)i, snapshot->files[i]));
    VV_TRY(vv_text_appender_finish(op, appender));
    vv_text_appender_close(&appender);
    return vv_session_stream(op, &session,
        VV_STR("SELECT path, \"partition\", bytes::BIGINT AS bytes, \"rows\"::BIGINT AS "
               "\"rows\", deleted::BIGINT AS deleted, least AS \"min\", greatest AS \"max\", "
               "added::BIGINT AS added_version, modified::TIMESTAMPTZ AS modified "
               "FROM files ORDER BY \"partition\", path"),
        false, NULL, 0, out);
}
