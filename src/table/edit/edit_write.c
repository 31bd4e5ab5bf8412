/*
 * The files that an edit leaves behind.
 *
 * Copy-on-write: a file that loses rows is written again without them, and the rows that come go
 * with the rewritten ones of their partition. Merge-on-read: the file stays and its rows are
 * marked; the rows that come make files of their own. A file that loses all rows goes either way,
 * and is not read again.
 */
#include "base/map.h"
#include "base/time.h"
#include "delta/stats.h"
#include "engine/sql.h"
#include "table/read/candidates.h"
#include "table/edit/edit.h"
#include "table/partition.h"
#include "table/read/scan_sql.h"
#include "table/upsert/upsert_plan.h"

/* Rewritten files are merged up to about this size, so that one edit's memory stays bounded. */
#define MERGED_BYTES_MAX (INT64_C(128) << 20)

/* One partition that the edit writes to. */
struct target {
    struct vv_value *partition;
    int64_t news;
    size_t *files; /* to be rewritten, by their index in the edit */
    size_t files_len;
    size_t files_capacity;
};

struct targets {
    struct vv_edit *edit;
    struct target **items;
    size_t len;
    size_t capacity;
    struct vv_map by_partition;
};

static varve_status find_target(struct vv_op *op, struct targets *targets,
    struct vv_value *partition, struct target **out)
{
    struct vv_edit *edit = targets->edit;
    struct vv_str key;
    VV_TRY(vv_partition_key(op, &edit->arena, edit->snapshot, edit->rules, partition, &key));
    *out = vv_map_get(&targets->by_partition, key);
    if (*out != NULL)
        return VARVE_OK;
    struct target *target = vv_new(&edit->arena, struct target, 1);
    void *items = targets->items;
    if (target == NULL || !vv_map_put(&targets->by_partition, key, target, NULL) ||
        !vv_arena_grow(&edit->arena, &items, targets->len, &targets->capacity,
            sizeof(struct target *), _Alignof(struct target *)))
        return vv_fail_memory(op);
    targets->items = items;
    targets->items[targets->len++] = target;
    target->partition = partition;
    *out = target;
    return VARVE_OK;
}

static varve_status add_file(struct vv_op *op, struct targets *targets, size_t file)
{
    struct vv_edit *edit = targets->edit;
    struct vv_value *partition = NULL;
    struct target *target = NULL;
    VV_TRY(vv_partition_values(op, &edit->arena, edit->snapshot, edit->rules, edit->files[file],
        &partition));
    VV_TRY(find_target(op, targets, partition, &target));
    void *files = target->files;
    if (!vv_arena_grow(&edit->arena, &files, target->files_len, &target->files_capacity,
            sizeof(size_t), _Alignof(size_t)))
        return vv_fail_memory(op);
    target->files = files;
    target->files[target->files_len++] = file;
    return VARVE_OK;
}

static void add_partitions(const struct vv_rules *rules, const char *before, struct vv_buf *sql)
{
    for (size_t i = 0; i < rules->partitions_len; i++)
        vv_buf_addf(sql, "%sc%d", i == 0 ? before : ", ", rules->partitions[i]);
}

static varve_status add_news(struct vv_op *op, struct targets *targets)
{
    VV_CLEANUP(vv_buf_done) struct vv_buf sql = VV_BUF_INIT(VV_BUF_MAX);
    VV_CLEANUP(vv_rows_close) struct vv_rows *rows = NULL;
    struct vv_edit *edit = targets->edit;
    const struct vv_rules *rules = edit->rules;
    const struct vv_field *fields = edit->snapshot->schema.fields;
    vv_buf_adds(&sql, "SELECT count(*)");
    for (size_t i = 0; i < rules->partitions_len; i++) {
        vv_buf_adds(&sql, ", ");
        vv_upsert_add_value_sql(&sql, "", rules->partitions[i], "",
            &fields[rules->partitions[i]].type);
    }
    vv_buf_addf(&sql, " FROM %.*s", VV_ARG(edit->news));
    add_partitions(rules, " GROUP BY ", &sql);
    add_partitions(rules, " ORDER BY ", &sql);
    if (!vv_buf_ok(&sql))
        return vv_fail_memory(op);
    VV_TRY(vv_session_query(op, edit->session, vv_buf_str(&sql), &rows));
    for (;;) {
        struct target *target = NULL;
        bool has_row = false;
        VV_TRY(vv_rows_next(op, rows, &has_row));
        if (!has_row)
            return VARVE_OK;
        struct vv_value *partition =
            vv_new(&edit->arena, struct vv_value, rules->partitions_len + 1);
        if (partition == NULL)
            return vv_fail_memory(op);
        for (size_t i = 0; i < rules->partitions_len; i++)
            VV_TRY(vv_upsert_value(op, &edit->arena, rows, (uint32_t)i + 1,
                &fields[rules->partitions[i]].type, &partition[i]));
        VV_TRY(find_target(op, targets, partition, &target));
        target->news = vv_rows_int64(rows, 0);
    }
}

static void add_columns(const struct vv_edit *edit, struct vv_buf *sql)
{
    for (size_t i = 0; i < edit->snapshot->schema.fields_len; i++)
        vv_buf_addf(sql, "%sc%zu", i == 0 ? "" : ", ", i);
}

/* Rows of the files `first` to `end` of a target that stay. */
static varve_status add_survivors(struct vv_op *op, const struct vv_edit *edit,
    const struct target *target, size_t first, size_t end, struct vv_buf *sql)
{
    const struct vv_file **files = NULL;
    VV_NEW(op, &files, const struct vv_file *, end - first + 1);
    for (size_t i = first; i < end; i++)
        files[i - first] = edit->files[target->files[i]];
    const struct vv_scan_source source = {.store = edit->table->store,
        .engine = edit->table->engine,
        .snapshot = edit->snapshot,
        .files = files,
        .files_len = end - first,
        .names = VV_SCAN_INDEXED};
    vv_buf_adds(sql, "SELECT ");
    add_columns(edit, sql);
    vv_buf_adds(sql, " FROM (");
    VV_TRY(vv_scan_sql(op, &source, sql));
    vv_buf_adds(sql, ") AS s WHERE NOT EXISTS (SELECT 1 FROM temp." VV_EDIT_GONE
                     " AS g WHERE g._pos = s._pos AND g._file = ([");
    for (size_t i = first; i < end; i++)
        vv_buf_addf(sql, "%s%zu", i == first ? "" : ", ", target->files[i]);
    vv_buf_adds(sql, "])[s._file + 1])");
    return VARVE_OK;
}

static void add_news_rows(const struct vv_edit *edit, const struct target *target,
    struct vv_buf *sql)
{
    const struct vv_rules *rules = edit->rules;
    vv_buf_adds(sql, "SELECT ");
    add_columns(edit, sql);
    vv_buf_addf(sql, " FROM %.*s", VV_ARG(edit->news));
    for (size_t i = 0; i < rules->partitions_len; i++) {
        vv_buf_addf(sql, "%sc%d IS NOT DISTINCT FROM ", i == 0 ? " WHERE " : " AND ",
            rules->partitions[i]);
        vv_value_sql(&target->partition[i],
            &edit->snapshot->schema.fields[rules->partitions[i]].type, sql);
    }
}

/* By z-order columns, else by the key; else as they lay. */
static void add_order(const struct vv_rules *rules, struct vv_buf *sql)
{
    const int32_t *columns = rules->zorder_len > 0 ? rules->zorder : rules->key;
    size_t len = rules->zorder_len > 0 ? rules->zorder_len : rules->key_len;
    for (size_t i = 0; i < len; i++)
        vv_buf_addf(sql, "%sc%d", i == 0 ? " ORDER BY " : ", ", columns[i]);
}

/* Rows stay in the partition that they lie in, be it the right one or not. */
static bool holds_undated(const struct vv_edit *edit, const struct target *target, size_t first,
    size_t end)
{
    for (size_t i = first; i < end && edit->rules->partition_from_len > 0; i++)
        if (!vv_file_is_dated(edit->files[target->files[i]]))
            return true;
    return false;
}

/* One new file: the survivors of files `first` to `end`, and the target's new rows if asked. */
static varve_status write_one(struct vv_op *op, struct vv_edit *edit,
    const struct target *target, size_t first, size_t end, bool with_news)
{
    VV_CLEANUP(vv_buf_done) struct vv_buf sql = VV_BUF_INIT(VV_BUF_MAX);
    struct vv_file file;
    if (end > first)
        VV_TRY(add_survivors(op, edit, target, first, end, &sql));
    if (end > first && with_news)
        vv_buf_adds(&sql, " UNION ALL ");
    if (with_news)
        add_news_rows(edit, target, &sql);
    add_order(edit->rules, &sql);
    if (!vv_buf_ok(&sql))
        return vv_fail_memory(op);
    const struct vv_write_request request = {.snapshot = edit->snapshot,
        .session = edit->session,
        .select_sql = vv_buf_str(&sql),
        .partition = target->partition,
        .data_change = true,
        .is_undated = holds_undated(edit, target, first, end)};
    VV_TRY(vv_write_file(op, edit->table, &request, &edit->written, &file));
    int64_t rows = -1;
    VV_TRY(vv_stats_rows(op, &file, &rows));
    if (rows == 0) { /* the log did not say how many there were, and none has stayed */
        vv_write_discard_last(op, edit->table, &edit->written);
        return VARVE_OK;
    }
    edit->rows_copied += rows - (with_news ? target->news : 0);
    struct vv_file *add = vv_actions_new_add(&edit->actions, &edit->arena);
    if (add == NULL)
        return vv_fail_memory(op);
    *add = file;
    edit->files_added++;
    edit->bytes_added += file.bytes;
    return VARVE_OK;
}

static varve_status write_target(struct vv_op *op, struct vv_edit *edit,
    const struct target *target)
{
    size_t first = 0;
    int64_t bytes = 0;
    for (size_t i = 0; i < target->files_len; i++) {
        int64_t file_bytes = edit->files[target->files[i]]->bytes;
        if (i > first && bytes + file_bytes > MERGED_BYTES_MAX) {
            VV_TRY(write_one(op, edit, target, first, i, false));
            first = i;
            bytes = 0;
        }
        bytes += file_bytes;
    }
    if (first < target->files_len || target->news > 0)
        VV_TRY(write_one(op, edit, target, first, target->files_len, target->news > 0));
    return VARVE_OK;
}

static varve_status remove_file(struct vv_op *op, struct vv_edit *edit,
    const struct vv_file *file, int64_t now_ms)
{
    struct vv_remove *remove = vv_actions_new_remove(&edit->actions, &edit->arena);
    if (remove == NULL)
        return vv_fail_memory(op);
    *remove = vv_remove_of(file, now_ms, true);
    edit->files_removed++;
    edit->bytes_removed += file->bytes;
    edit->vectors_removed += file->dv != NULL;
    return VARVE_OK;
}

static varve_status count_gone(struct vv_op *op, struct vv_edit *edit)
{
    VV_CLEANUP(vv_rows_close) struct vv_rows *rows = NULL;
    edit->gone = vv_new(&edit->arena, int64_t, edit->files_len + 1);
    if (edit->gone == NULL)
        return vv_fail_memory(op);
    for (size_t i = 0; i < edit->whole_len; i++) {
        int64_t live = 0;
        VV_TRY(vv_file_live_rows(op, edit->whole[i], &live));
        edit->rows_gone += live;
    }
    if (edit->files_len == 0)
        return VARVE_OK;
    VV_TRY(vv_session_query(op, edit->session,
        VV_STR("SELECT _file, count(*) FROM temp." VV_EDIT_GONE " GROUP BY 1"), &rows));
    for (;;) {
        bool has_row = false;
        VV_TRY(vv_rows_next(op, rows, &has_row));
        if (!has_row)
            return VARVE_OK;
        int64_t file = vv_rows_int64(rows, 0);
        VV_PRE(file >= 0 && (size_t)file < edit->files_len);
        edit->gone[file] = vv_rows_int64(rows, 1);
        edit->rows_gone += edit->gone[file];
    }
}

static varve_status mark(struct vv_op *op, struct vv_edit *edit, int64_t now_ms)
{
    VV_TRY(vv_marks_read(op, &edit->marks,
        VV_STR("SELECT _file, _pos FROM temp." VV_EDIT_GONE " ORDER BY 1, 2"), edit->files,
        edit->files_len));
    return vv_marks_apply(op, &edit->marks, now_ms, &edit->actions);
}

/* The files that lose rows are to be rewritten, but for those that nothing is left of. */
static varve_status rewrite(struct vv_op *op, struct targets *targets, int64_t now_ms)
{
    struct vv_edit *edit = targets->edit;
    for (size_t i = 0; i < edit->files_len; i++) {
        if (edit->gone[i] == 0)
            continue;
        int64_t rows = -1;
        VV_TRY(remove_file(op, edit, edit->files[i], now_ms));
        VV_TRY(vv_file_live_rows(op, edit->files[i], &rows));
        if (rows != edit->gone[i])
            VV_TRY(add_file(op, targets, i));
    }
    return VARVE_OK;
}

static void expect(const struct vv_edit *edit, const struct targets *targets)
{
    int64_t bytes = 0;
    for (size_t i = 0; i < targets->len; i++)
        for (size_t f = 0; f < targets->items[i]->files_len; f++)
            bytes += edit->files[targets->items[i]->files[f]]->bytes;
    if (targets->len > 0)
        vv_engine_expect(edit->table->engine, bytes / (int64_t)targets->len);
}

varve_status vv_edit_write(struct vv_op *op, struct vv_edit *edit)
{
    struct targets targets = {.edit = edit, .by_partition = VV_MAP_INIT(&edit->arena)};
    int64_t now_ms = vv_now_us(op) / VV_US_PER_MS;
    VV_TRY(count_gone(op, edit));
    if (edit->news_len > 0)
        VV_TRY(add_news(op, &targets));
    if (!vv_marks_wanted(edit->snapshot))
        VV_TRY(rewrite(op, &targets, now_ms));
    else if (edit->files_len > 0)
        VV_TRY(mark(op, edit, now_ms));
    for (size_t i = 0; i < edit->whole_len; i++)
        VV_TRY(remove_file(op, edit, edit->whole[i], now_ms));
    expect(edit, &targets);
    for (size_t i = 0; i < targets.len; i++) {
        VV_TRY(write_target(op, edit, targets.items[i]));
        VV_TRY(vv_progress(op, "write", i + 1, targets.len));
    }
    return VARVE_OK;
}
