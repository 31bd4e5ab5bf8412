/*
 * The files that an upsert leaves behind.
 *
 * Copy-on-write: a file with a row that must leave it is rewritten without it. New rows go with
 * the rewritten ones of their partition, so that a partition gains no file that it need not have;
 * where nothing is rewritten they make one file of their own. Merge-on-read: the row is marked
 * (marks.h), and new rows always make files of their own.
 */
#include "base/map.h"
#include "base/time.h"
#include "engine/sql.h"
#include "table/batch/batch_few.h"
#include "table/partition.h"
#include "table/read/scan_sql.h"
#include "table/upsert/upsert_plan.h"

/* Rewritten files are merged up to about this size, so that one upsert's memory stays bounded. */
#define MERGED_BYTES_MAX (INT64_C(128) << 20)

#define ROW_BYTES_ABOUT 64 /* of a new row, for want of a better guess */

#define STRAIGHT_GROUPS_MAX 4 /* each reads the batch again, and what is stored of it */

/* One partition that the upsert writes to. */
struct target {
    struct vv_value *partition;
    int64_t news;                 /* new rows */
    const struct vv_file **files; /* to be rewritten */
    int64_t *indexes;             /* of the files among the candidates */
    size_t files_len;
    size_t files_capacity;
};

struct targets {
    struct target **items;
    size_t len;
    size_t capacity;
    struct vv_map by_partition;
};

static varve_status find_target(struct vv_op *op, struct vv_upsert_attempt *attempt,
    struct targets *targets, const struct vv_value *partition, struct target **out)
{
    const struct vv_rules *rules = attempt->rules;
    struct vv_str key = VV_STR_NONE;
    VV_TRY(vv_partition_key(op, &attempt->arena, attempt->snapshot, rules, partition, &key));
    *out = vv_map_get(&targets->by_partition, key);
    if (*out != NULL)
        return VARVE_OK;
    struct target *target = vv_new(&attempt->arena, struct target, 1);
    void *items = targets->items;
    if (target == NULL || !vv_map_put(&targets->by_partition, key, target, NULL) ||
        !vv_arena_grow(&attempt->arena, &items, targets->len, &targets->capacity,
            sizeof(struct target *), _Alignof(struct target *)))
        return vv_fail_memory(op);
    targets->items = items;
    targets->items[targets->len++] = target;
    target->partition = vv_new(&attempt->arena, struct vv_value, rules->partitions_len + 1);
    if (target->partition == NULL)
        return vv_fail_memory(op);
    for (size_t i = 0; i < rules->partitions_len; i++)
        target->partition[i] = partition[i];
    *out = target;
    return VARVE_OK;
}

static varve_status add_file(struct vv_op *op, struct vv_upsert_attempt *attempt,
    struct targets *targets, size_t candidate)
{
    const struct vv_file *file = attempt->candidates.files[candidate];
    struct vv_value *partition = NULL;
    struct target *target = NULL;
    VV_TRY(vv_partition_values(op, &op->arena, attempt->snapshot, attempt->rules, file,
        &partition));
    VV_TRY(find_target(op, attempt, targets, partition, &target));
    size_t capacity = target->files_capacity;
    void *files = target->files;
    void *indexes = target->indexes;
    if (!vv_arena_grow(&attempt->arena, &files, target->files_len, &target->files_capacity,
            sizeof(*target->files), _Alignof(struct vv_file *)) ||
        !vv_arena_grow(&attempt->arena, &indexes, target->files_len, &capacity,
            sizeof(*target->indexes), _Alignof(int64_t)))
        return vv_fail_memory(op);
    target->files = files;
    target->indexes = indexes;
    target->files[target->files_len] = file;
    target->indexes[target->files_len++] = (int64_t)candidate;
    return VARVE_OK;
}

/* The order in which rows lie in a file: by z-order columns, else by the key. */
static void add_order(const struct vv_rules *rules, const char *last, struct vv_buf *sql)
{
    const int32_t *columns = rules->zorder_len > 0 ? rules->zorder : rules->key;
    size_t len = rules->zorder_len > 0 ? rules->zorder_len : rules->key_len;
    if (len > 0 || *last != '\0')
        vv_buf_adds(sql, " ORDER BY ");
    for (size_t i = 0; i < len; i++)
        vv_buf_addf(sql, "%sc%d", i == 0 ? "" : ", ", columns[i]);
    vv_buf_addf(sql, "%s%s", len > 0 && *last != '\0' ? ", " : "", last);
}

/*
 * A row without an order value of its own is the newest on arrival: later than the clock says if
 * the stored one is.
 */
static void add_news_column(const struct vv_upsert_attempt *attempt, int32_t column,
    bool has_stored, struct vv_buf *sql)
{
    if (column != attempt->rules->order || !has_stored) {
        vv_buf_addf(sql, "b.c%d", column);
        return;
    }
    enum vv_type_kind kind = attempt->snapshot->schema.fields[column].type.kind;
    bool is_time = kind == VV_TYPE_TIMESTAMP || kind == VV_TYPE_TIMESTAMP_NTZ;
    vv_buf_addf(sql,
        "CASE WHEN b._own OR o._o IS NULL THEN b.c%d ELSE greatest(b.c%d, o._o + %s) "
        "END AS c%d",
        column, column, is_time ? "INTERVAL 1 MICROSECOND" : "1", column);
}

static void add_news(const struct vv_upsert_call *call, const struct vv_upsert_attempt *attempt,
    struct vv_buf *sql)
{
    bool has_stored = attempt->candidates.files_len > 0;
    vv_buf_adds(sql, "SELECT b._row, b._own");
    for (size_t i = 0; i < attempt->snapshot->schema.fields_len; i++) {
        vv_buf_adds(sql, ", ");
        add_news_column(attempt, (int32_t)i, has_stored, sql);
    }
    vv_buf_addf(sql, " FROM %.*s AS b", VV_ARG(call->batch.sql));
    if (has_stored)
        vv_buf_addf(sql,
            " LEFT JOIN %.*s AS o ON o._row = b._row AND o._rank = 1 "
            "WHERE o._what IS NULL OR o._what = 1",
            VV_ARG(call->work->stored.sql));
}

/*
 * A batch for a few partitions, which is what a bot sends, is written straight from where it
 * lies; copying its new rows first would cost more than writing them. Few rows of which some are
 * stored are copied, since the statements that do it are prepared already.
 */
static varve_status make_news(struct vv_op *op, const struct vv_upsert_call *call,
    struct vv_upsert_attempt *attempt)
{
    VV_CLEANUP(vv_buf_done) struct vv_buf sql = VV_BUF_INIT(VV_BUF_MAX);
    const struct vv_rules *rules = attempt->rules;
    bool has_stored = attempt->candidates.files_len > 0;
    attempt->is_straight =
        attempt->groups_len <= STRAIGHT_GROUPS_MAX && (!has_stored || !call->work->is_small);
    attempt->news_sql = call->batch.sql;
    if (attempt->is_straight && !has_stored)
        return VARVE_OK;
    add_news(call, attempt, &sql);
    if (attempt->is_straight) {
        attempt->news_sql =
            vv_arena_format(&attempt->arena, "(%.*s)", VV_ARG(vv_buf_str(&sql)));
        return vv_buf_ok(&sql) && attempt->news_sql.ptr != NULL ? VARVE_OK : vv_fail_memory(op);
    }
    vv_buf_adds(&sql, " ORDER BY ");
    for (size_t i = 0; i < rules->partitions_len; i++)
        vv_buf_addf(&sql, "b.c%d, ", rules->partitions[i]);
    const int32_t *columns = rules->zorder_len > 0 ? rules->zorder : rules->key;
    size_t len = rules->zorder_len > 0 ? rules->zorder_len : rules->key_len;
    for (size_t i = 0; i < len; i++)
        vv_buf_addf(&sql, "b.c%d, ", columns[i]);
    vv_buf_adds(&sql, "b._row");
    if (!vv_buf_ok(&sql))
        return vv_fail_memory(op);
    const struct vv_query query = {.sql = vv_buf_str(&sql), .is_kept = true};
    int64_t rows_made = 0;
    VV_TRY(vv_work_make(op, call->work, &call->work->news, &query, &rows_made));
    attempt->news_sql = call->work->news.sql;
    return VARVE_OK;
}

static varve_status add_groups(struct vv_op *op, struct vv_upsert_attempt *attempt,
    const struct vv_key_group *groups, size_t groups_len, struct targets *targets)
{
    for (size_t i = 0; i < groups_len; i++) {
        struct target *target = NULL;
        VV_TRY(find_target(op, attempt, targets, groups[i].partition, &target));
        target->news = groups[i].rows;
    }
    return VARVE_OK;
}

static varve_status query_news(struct vv_op *op, const struct vv_upsert_call *call,
    struct vv_upsert_attempt *attempt, struct targets *targets)
{
    VV_CLEANUP(vv_buf_done) struct vv_buf sql = VV_BUF_INIT(VV_BUF_MAX);
    VV_CLEANUP(vv_rows_close) struct vv_rows *rows = NULL;
    const struct vv_rules *rules = attempt->rules;
    struct vv_value *partition = NULL;
    bool has_row = false;
    VV_NEW(op, &partition, struct vv_value, rules->partitions_len + 1);
    vv_buf_adds(&sql, "SELECT count(*)");
    for (size_t i = 0; i < rules->partitions_len; i++) {
        vv_buf_adds(&sql, ", ");
        vv_upsert_add_value_sql(&sql, "", rules->partitions[i], "",
            &attempt->snapshot->schema.fields[rules->partitions[i]].type);
    }
    vv_buf_addf(&sql, " FROM %.*s", VV_ARG(attempt->news_sql));
    for (size_t i = 0; i < rules->partitions_len; i++)
        vv_buf_addf(&sql, "%sc%d", i == 0 ? " GROUP BY " : ", ", rules->partitions[i]);
    for (size_t i = 0; i < rules->partitions_len; i++)
        vv_buf_addf(&sql, "%sc%d", i == 0 ? " ORDER BY " : ", ", rules->partitions[i]);
    if (!vv_buf_ok(&sql))
        return vv_fail_memory(op);
    VV_TRY(vv_session_query(op, call->work->session, vv_buf_str(&sql), &rows));
    for (;;) {
        struct target *target = NULL;
        VV_TRY(vv_rows_next(op, rows, &has_row));
        if (!has_row)
            return VARVE_OK;
        for (size_t i = 0; i < rules->partitions_len; i++)
            VV_TRY(vv_upsert_value(op, &attempt->arena, rows, (uint32_t)i + 1,
                &attempt->snapshot->schema.fields[rules->partitions[i]].type, &partition[i]));
        if (vv_rows_int64(rows, 0) == 0)
            continue; /* the one row that count(*) gives without GROUP BY */
        VV_TRY(find_target(op, attempt, targets, partition, &target));
        target->news = vv_rows_int64(rows, 0);
    }
}

/* How many new rows each partition gets. */
static varve_status count_news(struct vv_op *op, const struct vv_upsert_call *call,
    struct vv_upsert_attempt *attempt, struct targets *targets)
{
    const struct vv_schema *schema = &attempt->snapshot->schema;
    const struct vv_relation *news = &call->work->news;
    struct vv_key_group *groups = NULL;
    size_t groups_len = 0;
    /* Nothing is stored under the keys of the batch: its groups are the news. */
    if (attempt->candidates.files_len == 0)
        return add_groups(op, attempt, attempt->groups, attempt->groups_len, targets);
    if (attempt->is_straight || !news->in_memory || !vv_few_can_count(schema, attempt->rules))
        return query_news(op, call, attempt, targets);
    VV_TRY(vv_few_groups(op, &attempt->arena, news->rowset, schema, attempt->rules, &groups,
        &groups_len));
    return add_groups(op, attempt, groups, groups_len, targets);
}

static void add_columns(const struct vv_upsert_attempt *attempt, struct vv_buf *sql)
{
    for (size_t i = 0; i < attempt->snapshot->schema.fields_len; i++)
        vv_buf_addf(sql, "%sc%zu", i == 0 ? "" : ", ", i);
}

/* Rows of the files `first` to `end` of a target that stay. */
static varve_status add_survivors(struct vv_op *op, const struct vv_upsert_call *call,
    const struct vv_upsert_attempt *attempt, const struct target *target, size_t first,
    size_t end, struct vv_buf *sql)
{
    struct vv_scan_source source = {.store = call->table->store,
        .engine = call->table->engine,
        .snapshot = attempt->snapshot,
        .files = target->files + first,
        .files_len = end - first,
        .names = VV_SCAN_INDEXED};
    vv_buf_adds(sql, "SELECT ");
    add_columns(attempt, sql);
    vv_buf_adds(sql, " FROM (");
    VV_TRY(vv_scan_sql(op, &source, sql));
    vv_buf_addf(sql,
        ") AS s WHERE NOT EXISTS (SELECT 1 FROM %.*s AS g WHERE (g._rank > 1 OR "
        "g._what = 1) AND g._pos = s._pos AND g._file = ([",
        VV_ARG(call->work->stored.sql));
    for (size_t i = first; i < end; i++)
        vv_buf_addf(sql, "%s%" PRId64, i == first ? "" : ", ", target->indexes[i]);
    vv_buf_adds(sql, "])[s._file + 1])");
    return VARVE_OK;
}

static void add_news_rows(const struct vv_upsert_attempt *attempt, const struct target *target,
    struct vv_buf *sql)
{
    const struct vv_rules *rules = attempt->rules;
    vv_buf_adds(sql, "SELECT ");
    add_columns(attempt, sql);
    vv_buf_addf(sql, " FROM %.*s", VV_ARG(attempt->news_sql));
    for (size_t i = 0; i < rules->partitions_len; i++) {
        const struct vv_value *value = &target->partition[i];
        vv_buf_addf(sql, "%sc%d", i == 0 ? " WHERE " : " AND ", rules->partitions[i]);
        if (value->kind == VV_VALUE_NULL) {
            vv_buf_adds(sql, " IS NULL");
            continue;
        }
        vv_buf_adds(sql, " = ");
        vv_value_sql(value, &attempt->snapshot->schema.fields[rules->partitions[i]].type, sql);
    }
}

/* Rows stay in the partition that they lie in, be it the right one or not. */
static bool holds_undated(const struct vv_rules *rules, const struct target *target,
    size_t first, size_t end)
{
    for (size_t i = first; i < end && rules->partition_from_len > 0; i++)
        if (!vv_file_is_dated(target->files[i]))
            return true;
    return false;
}

/* One new file: the survivors of files `first` to `end`, and the target's new rows if asked. */
static varve_status write_one(struct vv_op *op, const struct vv_upsert_call *call,
    struct vv_upsert_attempt *attempt, const struct target *target, size_t first, size_t end,
    bool with_news)
{
    VV_CLEANUP(vv_buf_done) struct vv_buf sql = VV_BUF_INIT(VV_BUF_MAX);
    struct vv_file file;
    if (end > first)
        VV_TRY(add_survivors(op, call, attempt, target, first, end, &sql));
    if (end > first && with_news)
        vv_buf_adds(&sql, " UNION ALL ");
    if (with_news)
        add_news_rows(attempt, target, &sql);
    if (end > first || attempt->is_straight) /* `news` alone is in order already */
        add_order(attempt->rules, end > first ? "" : "_row", &sql);
    if (!vv_buf_ok(&sql))
        return vv_fail_memory(op);
    struct vv_write_request request = {.snapshot = attempt->snapshot,
        .session = call->work->session,
        .select_sql = vv_buf_str(&sql),
        .partition = target->partition,
        .data_change = true,
        .is_undated = holds_undated(attempt->rules, target, first, end)};
    VV_TRY(vv_write_file(op, call->table, &request, &attempt->written, &file));
    int64_t rows = -1;
    VV_TRY(vv_stats_rows(op, &file, &rows));
    if (rows == 0) { /* the log did not say how many there were, and none has stayed */
        vv_write_discard_last(op, call->table, &attempt->written);
        return VARVE_OK;
    }
    attempt->rows_copied += rows - (with_news ? target->news : 0);
    struct vv_file *add = vv_actions_new_add(&attempt->actions, &attempt->arena);
    if (add == NULL)
        return vv_fail_memory(op);
    *add = file;
    attempt->bytes_added += file.bytes;
    return VARVE_OK;
}

/* Files that nothing is left of need not be read again. */
static varve_status drop_emptied(struct vv_op *op, const struct vv_upsert_attempt *attempt,
    struct target *target)
{
    size_t kept = 0;
    for (size_t i = 0; i < target->files_len; i++) {
        int64_t rows = -1; /* stays where the statistics don't say how many it has */
        VV_TRY(vv_file_live_rows(op, target->files[i], &rows));
        if (rows >= 0 && rows == attempt->gone[target->indexes[i]])
            continue;
        target->files[kept] = target->files[i];
        target->indexes[kept++] = target->indexes[i];
    }
    target->files_len = kept;
    return VARVE_OK;
}

static varve_status write_target(struct vv_op *op, const struct vv_upsert_call *call,
    struct vv_upsert_attempt *attempt, struct target *target)
{
    size_t first = 0;
    int64_t bytes = 0;
    VV_TRY(drop_emptied(op, attempt, target));
    for (size_t i = 0; i < target->files_len; i++) {
        if (i > first && bytes + target->files[i]->bytes > MERGED_BYTES_MAX) {
            VV_TRY(write_one(op, call, attempt, target, first, i, false));
            first = i;
            bytes = 0;
        }
        bytes += target->files[i]->bytes;
    }
    if (first < target->files_len || target->news > 0)
        VV_TRY(write_one(op, call, attempt, target, first, target->files_len,
            target->news > 0));
    return VARVE_OK;
}

static varve_status remove_rewritten(struct vv_op *op, struct vv_upsert_attempt *attempt,
    int64_t now_ms)
{
    for (size_t i = 0; i < attempt->candidates.files_len; i++) {
        if (attempt->gone[i] == 0)
            continue;
        struct vv_remove *remove = vv_actions_new_remove(&attempt->actions, &attempt->arena);
        if (remove == NULL)
            return vv_fail_memory(op);
        *remove = vv_remove_of(attempt->candidates.files[i], now_ms, true);
        attempt->bytes_removed += attempt->candidates.files[i]->bytes;
        attempt->vectors_removed += attempt->candidates.files[i]->dv != NULL;
    }
    return VARVE_OK;
}

static varve_status mark(struct vv_op *op, const struct vv_upsert_call *call,
    struct vv_upsert_attempt *attempt, int64_t now_ms)
{
    struct vv_str sql = vv_arena_format(&attempt->arena,
        "SELECT _file, _pos FROM %.*s WHERE _rank > 1 OR _what = 1 ORDER BY 1, 2",
        VV_ARG(call->work->stored.sql));
    if (sql.ptr == NULL)
        return vv_fail_memory(op);
    VV_TRY(vv_marks_read(op, &attempt->marks, sql, attempt->candidates.files,
        attempt->candidates.files_len));
    return vv_marks_apply(op, &attempt->marks, now_ms, &attempt->actions);
}

bool vv_upsert_takes_rows(const struct vv_upsert_attempt *attempt)
{
    for (size_t i = 0; i < attempt->candidates.files_len; i++)
        if (attempt->gone[i] > 0)
            return true;
    return false;
}

/* One statement a target: how many threads that is worth. */
static void expect_targets(const struct vv_upsert_call *call,
    const struct vv_upsert_attempt *attempt, const struct targets *targets)
{
    int64_t bytes = 0;
    int64_t news = attempt->counts[VV_OUTCOME_INSERT] + attempt->counts[VV_OUTCOME_UPDATE];
    for (size_t i = 0; i < attempt->candidates.files_len; i++)
        bytes += attempt->gone[i] > 0 ? attempt->candidates.files[i]->bytes : 0;
    bytes += news * ROW_BYTES_ABOUT;
    if (targets->len > 0)
        vv_engine_expect(call->table->engine, bytes / (int64_t)targets->len);
}

varve_status vv_upsert_rewrite(struct vv_op *op, const struct vv_upsert_call *call,
    struct vv_upsert_attempt *attempt)
{
    struct targets targets = {.by_partition = VV_MAP_INIT(&attempt->arena)};
    int64_t rows = attempt->counts[VV_OUTCOME_INSERT] + attempt->counts[VV_OUTCOME_UPDATE];
    if (rows > 0) {
        VV_TRY(make_news(op, call, attempt));
        VV_TRY(count_news(op, call, attempt, &targets));
    }
    bool is_marking = vv_upsert_takes_rows(attempt) && vv_marks_wanted(attempt->snapshot);
    for (size_t i = 0; i < attempt->candidates.files_len && !is_marking; i++)
        if (attempt->gone[i] > 0)
            VV_TRY(add_file(op, attempt, &targets, i));
    expect_targets(call, attempt, &targets);
    for (size_t i = 0; i < targets.len; i++) {
        VV_TRY(write_target(op, call, attempt, targets.items[i]));
        VV_TRY(vv_progress(op, "write", i + 1, targets.len));
    }
    int64_t now_ms = vv_now_us(op) / VV_US_PER_MS;
    return is_marking ? mark(op, call, attempt, now_ms) : remove_rewritten(op, attempt, now_ms);
}
