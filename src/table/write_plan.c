#include "table/write_plan.h"

#include "delta/action_copy.h"
#include "delta/list.h"
#include "delta/stats.h"
#include "engine/rowset.h"
#include "table/read/candidates.h"
#include "table/read/small_scan.h"
#include "table/taken_rows.h"
#include "table/upsert/upsert_plan.h"
#include "table/writers.h"

#define ROW_BYTES_ABOUT 64 /* of a new row, where the table has none to go by */
#define MANY_NEWS 10000
#define FEW_ROWS 1000 /* such a file is mostly its footer */

varve_status vv_write_plan_target(struct vv_op *op, struct vv_write_plan *plan,
    const struct vv_value *partition, struct vv_write_target **out)
{
    const struct vv_rules *rules = plan->rules;
    struct vv_str key = VV_STR_NONE;
    VV_TRY(vv_partition_key(op, plan->arena, plan->snapshot, rules, partition, &key));
    *out = vv_map_get(&plan->by_partition, key);
    if (*out != NULL)
        return VARVE_OK;
    struct vv_write_target *target = vv_new(plan->arena, struct vv_write_target, 1);
    struct vv_value *values = vv_new(plan->arena, struct vv_value, rules->partitions_len + 1);
    void *items = plan->items;
    if (target == NULL || values == NULL ||
        !vv_map_put(&plan->by_partition, key, target, NULL) ||
        !vv_arena_grow(plan->arena, &items, plan->len, &plan->capacity,
            sizeof(struct vv_write_target *), _Alignof(struct vv_write_target *)))
        return vv_fail_memory(op);
    for (size_t i = 0; i < rules->partitions_len; i++)
        values[i] = partition[i];
    target->partition = values;
    plan->items = items;
    plan->items[plan->len++] = target;
    *out = target;
    return VARVE_OK;
}

varve_status vv_write_plan_add_file(struct vv_op *op, struct vv_write_plan *plan,
    const struct vv_file *file, int64_t index)
{
    struct vv_value *partition = NULL;
    struct vv_write_target *target = NULL;
    VV_TRY(vv_partition_values(op, plan->arena, plan->snapshot, plan->rules, file, &partition));
    VV_TRY(vv_write_plan_target(op, plan, partition, &target));
    size_t capacity = target->files_capacity;
    void *files = target->files;
    void *indexes = target->indexes;
    if (!vv_arena_grow(plan->arena, &files, target->files_len, &target->files_capacity,
            sizeof(*target->files), _Alignof(struct vv_file *)) ||
        !vv_arena_grow(plan->arena, &indexes, target->files_len, &capacity,
            sizeof(*target->indexes), _Alignof(int64_t)))
        return vv_fail_memory(op);
    target->files = files;
    target->indexes = indexes;
    target->files[target->files_len] = file;
    target->indexes[target->files_len++] = index;
    return VARVE_OK;
}

static void add_partitions(const struct vv_rules *rules, const char *before, struct vv_buf *sql)
{
    for (size_t i = 0; i < rules->partitions_len; i++)
        vv_buf_addf(sql, "%sc%d", i == 0 ? before : ", ", rules->partitions[i]);
}

varve_status vv_write_plan_count_news(struct vv_op *op, struct vv_write_plan *plan)
{
    VV_CLEANUP(vv_buf_done) struct vv_buf sql = VV_BUF_INIT(VV_BUF_MAX);
    VV_CLEANUP(vv_rows_close) struct vv_rows *rows = NULL;
    const struct vv_rules *rules = plan->rules;
    const struct vv_field *fields = plan->snapshot->schema.fields;
    struct vv_value *partition = NULL;
    VV_NEW(op, &partition, struct vv_value, rules->partitions_len + 1);
    vv_buf_adds(&sql, "SELECT count(*)");
    for (size_t i = 0; i < rules->partitions_len; i++) {
        vv_buf_adds(&sql, ", ");
        vv_upsert_add_value_sql(&sql, "", rules->partitions[i], "",
            &fields[rules->partitions[i]].type);
    }
    vv_buf_addf(&sql, " FROM %.*s", VV_ARG(plan->news));
    add_partitions(rules, " GROUP BY ", &sql);
    add_partitions(rules, " ORDER BY ", &sql);
    if (!vv_buf_ok(&sql))
        return vv_fail_memory(op);
    VV_TRY(vv_session_query(op, plan->session, vv_buf_str(&sql), &rows));
    for (;;) {
        struct vv_write_target *target = NULL;
        bool has_row = false;
        VV_TRY(vv_rows_next(op, rows, &has_row));
        if (!has_row)
            return VARVE_OK;
        if (vv_rows_int64(rows, 0) == 0)
            continue; /* the one row that count(*) gives without GROUP BY */
        for (size_t i = 0; i < rules->partitions_len; i++)
            VV_TRY(vv_upsert_value(op, plan->arena, rows, (uint32_t)i + 1,
                &fields[rules->partitions[i]].type, &partition[i]));
        VV_TRY(vv_write_plan_target(op, plan, partition, &target));
        target->news = vv_rows_int64(rows, 0);
    }
}

/*
 * Files of a target that are written together, and whether its new rows go with them; and what
 * became of it. Pieces are written by several threads, so each has all that it needs for itself.
 */
struct piece {
    const struct vv_write_target *target;
    size_t first, end;
    bool with_news;
    int64_t bytes; /* about */
    struct vv_write_files files;
};

/* All of them, and the rows that leave their files, by `indexes` of the targets. */
struct pieces {
    const struct vv_write_plan *plan;
    struct piece *items;
    size_t len, capacity;
    struct vv_taken_rows taken;
    int32_t *columns; /* that files have, by index in the schema */
    size_t columns_len;
};

static void pieces_done(struct pieces *pieces)
{
    vv_taken_rows_done(&pieces->taken);
}

/* Partition columns are in no file, and the same for all rows of one. */
static varve_status find_columns(struct vv_op *op, struct pieces *pieces)
{
    const struct vv_snapshot *snapshot = pieces->plan->snapshot;
    VV_NEW(op, &pieces->columns, int32_t, snapshot->schema.fields_len + 1);
    for (size_t i = 0; i < snapshot->schema.fields_len; i++)
        if (!vv_snapshot_is_partition(snapshot, (int32_t)i))
            pieces->columns[pieces->columns_len++] = (int32_t)i;
    return VARVE_OK;
}

static varve_status source_of(struct vv_op *op, const struct pieces *pieces,
    const struct piece *piece, struct vv_scan_source *out)
{
    const struct vv_write_plan *plan = pieces->plan;
    const struct vv_row_set **taken = NULL;
    size_t len = piece->end - piece->first;
    VV_NEW(op, &taken, const struct vv_row_set *, len + 1);
    for (size_t i = 0; i < len; i++)
        taken[i] = pieces->taken.files[piece->target->indexes[piece->first + i]];
    *out = (struct vv_scan_source){.store = plan->table->store,
        .engine = plan->table->engine,
        .snapshot = plan->snapshot,
        .files = len > 0 ? piece->target->files + piece->first : NULL,
        .files_len = len,
        .columns = pieces->columns,
        .columns_len = pieces->columns_len,
        .taken = taken,
        .names = VV_SCAN_INDEXED,
        .is_without_places = true};
    return VARVE_OK;
}

/* `lying`: what stands for them alone after FROM; none: they are among others. */
static void add_news(const struct pieces *pieces, const struct vv_write_target *target,
    struct vv_str lying, struct vv_buf *sql)
{
    const struct vv_write_plan *plan = pieces->plan;
    const struct vv_rules *rules = plan->rules;
    vv_buf_adds(sql, "SELECT ");
    for (size_t i = 0; i < pieces->columns_len; i++)
        vv_buf_addf(sql, "%sc%d", i == 0 ? "" : ", ", pieces->columns[i]);
    vv_buf_addf(sql, " FROM %.*s", VV_ARG(lying.len > 0 ? lying : plan->news));
    for (size_t i = 0; i < rules->partitions_len && lying.len == 0; i++) {
        const struct vv_value *value = &target->partition[i];
        vv_buf_addf(sql, "%sc%d", i == 0 ? " WHERE " : " AND ", rules->partitions[i]);
        if (value->kind == VV_VALUE_NULL) {
            vv_buf_adds(sql, " IS NULL");
            continue;
        }
        vv_buf_adds(sql, " = ");
        vv_value_sql(value, &plan->snapshot->schema.fields[rules->partitions[i]].type, sql);
    }
}

/* The order in which rows lie in a file: by z-order columns, else by the key; then the tie. */
static void add_order(const struct vv_write_plan *plan, const char *tie, struct vv_buf *sql)
{
    const struct vv_rules *rules = plan->rules;
    const int32_t *columns = rules->zorder_len > 0 ? rules->zorder : rules->key;
    size_t len = rules->zorder_len > 0 ? rules->zorder_len : rules->key_len;
    const char *before = " ORDER BY ";
    for (size_t i = 0; i < len; i++) {
        if (vv_snapshot_is_partition(plan->snapshot, columns[i]))
            continue;
        vv_buf_addf(sql, "%sc%d", before, columns[i]);
        before = ", ";
    }
    if (*tie != '\0')
        vv_buf_addf(sql, "%s%s", before, tie);
}

/* Rows of the files that stay, and the news. */
static varve_status piece_sql(struct vv_op *op, const struct pieces *pieces,
    const struct piece *piece, const struct vv_scan_source *source, struct vv_str lying,
    struct vv_buf *sql)
{
    const struct vv_write_plan *plan = pieces->plan;
    bool has_survivors = piece->end > piece->first;
    bool is_in_order =
        plan->is_news_in_order || (lying.len > 0 && piece->target->is_run_in_order);
    if (has_survivors)
        VV_TRY(vv_scan_sql(op, source, sql));
    if (has_survivors && piece->with_news)
        vv_buf_adds(sql, " UNION ALL ");
    if (piece->with_news)
        add_news(pieces, piece->target, lying, sql);
    if (has_survivors || !is_in_order)
        add_order(plan, has_survivors ? "" : plan->news_tie, sql);
    return vv_buf_ok(sql) ? VARVE_OK : vv_fail_memory(op);
}

/* Rows stay in the partition that they lie in, be it the right one or not. */
static bool holds_undated(const struct vv_rules *rules, const struct piece *piece)
{
    for (size_t i = piece->first; i < piece->end && rules->partition_from_len > 0; i++)
        if (!vv_file_is_dated(piece->target->files[i]))
            return true;
    return false;
}

/* Those that are written together. */
struct turn {
    const struct pieces *pieces;
    const struct vv_writers_share *share;
};

/* New rows that lie one after the other are read without the others. `*out`: nothing, they do not. */
static varve_status run_sql(struct vv_op *op, const struct piece *piece,
    const struct vv_writer *writer, struct vv_str *out)
{
    const struct vv_write_target *target = piece->target;
    if (target->run == NULL || writer->part == NULL || !piece->with_news)
        return VARVE_OK;
    if (target->first == 0 && target->news == vv_rowset_rows(target->run)) {
        *out = vv_rowset_sql(target->run);
        return VARVE_OK;
    }
    VV_TRY(vv_rowset_show(op, writer->part, target->run, target->first, target->news));
    *out = vv_rowset_sql(writer->part);
    return VARVE_OK;
}

/*
 * Of rows that lie as they are to, the words that write them are the same for all pieces: the
 * statement is planned once.
 */
static bool is_as_it_lies(const struct piece *piece, struct vv_str lying)
{
    return lying.len > 0 && piece->target->is_run_in_order && piece->end == piece->first;
}

static varve_status write_piece(struct vv_op *op, void *data, const struct vv_writer *writer,
    size_t index)
{
    VV_CLEANUP(vv_buf_done) struct vv_buf sql = VV_BUF_INIT(VV_BUF_MAX);
    VV_CLEANUP(vv_small_scan_done) struct vv_small_scan small = {.files = NULL};
    const struct turn *turn = data;
    const struct pieces *pieces = turn->pieces;
    const struct vv_write_plan *plan = pieces->plan;
    struct piece *piece = &pieces->items[turn->share->pieces[index]];
    struct vv_scan_source source;
    VV_TRY(source_of(op, pieces, piece, &source));
    VV_TRY(vv_small_scan_open(op, &source, &small));
    source.small = &small;
    struct vv_str lying = VV_STR_NONE;
    VV_TRY(run_sql(op, piece, writer, &lying));
    VV_TRY(piece_sql(op, pieces, piece, &source, lying, &sql));
    if (!vv_buf_ok(&sql))
        return vv_fail_memory(op);
    struct vv_str from_sql = is_as_it_lies(piece, lying) ? lying : VV_STR_NONE;
    const struct vv_write_request request = {.snapshot = plan->snapshot,
        .session = writer->session,
        .select_sql = vv_buf_str(&sql),
        .from_sql = from_sql,
        .draft = from_sql.len > 0 ? writer->draft : NULL,
        .partition = piece->target->partition,
        .data_change = true,
        .is_undated = holds_undated(plan->rules, piece)};
    return vv_write_files(op, plan->table, &request, piece->bytes, plan->target_bytes,
        writer->written, &piece->files);
}

static varve_status add_piece(struct vv_op *op, struct pieces *pieces,
    const struct piece *piece)
{
    struct piece *added = VV_LIST_NEW(pieces->plan->arena, pieces);
    if (added == NULL)
        return vv_fail_memory(op);
    *added = *piece;
    return VARVE_OK;
}

static varve_status cut_target(struct vv_op *op, struct pieces *pieces,
    const struct vv_write_target *target, int64_t row_bytes)
{
    struct piece piece = {.target = target};
    for (size_t i = 0; i < target->files_len; i++) {
        if (i > piece.first &&
            piece.bytes + target->files[i]->bytes > pieces->plan->target_bytes) {
            piece.end = i;
            VV_TRY(add_piece(op, pieces, &piece));
            piece = (struct piece){.target = target, .first = i};
        }
        piece.bytes += target->files[i]->bytes;
    }
    piece.end = target->files_len;
    piece.with_news = target->news > 0;
    piece.bytes += target->news * row_bytes;
    return piece.first < piece.end || piece.with_news ? add_piece(op, pieces, &piece)
                                                      : VARVE_OK;
}

/* How long a row of the table is in its longest file, which is packed best. */
static varve_status find_row_bytes(struct vv_op *op, const struct vv_write_plan *plan,
    int64_t *out)
{
    const struct vv_file *longest = NULL;
    int64_t rows = -1;
    int64_t news = 0;
    *out = ROW_BYTES_ABOUT;
    for (size_t i = 0; i < plan->len; i++)
        news += plan->items[i]->news;
    if (news < MANY_NEWS)
        return VARVE_OK; /* where rows are that long, vv_write_files finds it */
    for (size_t i = 0; i < plan->snapshot->files_len; i++)
        if (longest == NULL || plan->snapshot->files[i]->bytes > longest->bytes)
            longest = plan->snapshot->files[i];
    if (longest != NULL)
        VV_TRY(vv_stats_rows(op, longest, &rows));
    if (rows >= FEW_ROWS)
        *out = longest->bytes / rows + 1;
    return VARVE_OK;
}

/* The rows that leave files which are written again; how those are called is in the targets. */
static varve_status read_taken(struct vv_op *op, struct pieces *pieces)
{
    VV_CLEANUP(vv_buf_done) struct vv_buf sql = VV_BUF_INIT(VV_BUF_MAX);
    const struct vv_write_plan *plan = pieces->plan;
    int64_t greatest = -1;
    for (size_t i = 0; i < plan->len; i++)
        for (size_t f = 0; f < plan->items[i]->files_len; f++)
            if (plan->items[i]->indexes[f] > greatest)
                greatest = plan->items[i]->indexes[f];
    if (greatest < 0)
        return VARVE_OK;
    vv_buf_addf(&sql, "SELECT g._file, g._pos FROM %.*s AND g._file <= %" PRId64,
        VV_ARG(plan->gone), greatest);
    if (!vv_buf_ok(&sql))
        return vv_fail_memory(op);
    return vv_taken_rows_read(op, plan->session, vv_buf_str(&sql), (size_t)greatest + 1,
        &pieces->taken);
}

/* What was written, in the order of the pieces, whoever has written what. */
static varve_status add_files(struct vv_op *op, struct vv_write_plan *plan,
    const struct piece *piece, struct vv_actions *actions)
{
    for (size_t i = 0; i < piece->files.len; i++) {
        const struct vv_file *copy = vv_file_copy(plan->arena, &piece->files.items[i]);
        struct vv_file *add = vv_actions_new_add(actions, plan->arena);
        if (copy == NULL || add == NULL)
            return vv_fail_memory(op);
        *add = *copy;
    }
    plan->files_added += (int64_t)piece->files.len;
    plan->bytes_added += piece->files.bytes;
    /* Without files there were no survivors either: the log did not say how many rows there are. */
    if (piece->files.len > 0)
        plan->rows_copied += piece->files.rows - (piece->with_news ? piece->target->news : 0);
    return VARVE_OK;
}

/* `before`: pieces that are written already. */
static varve_status write_share(struct vv_op *op, struct pieces *pieces,
    const struct vv_writers_share *share, size_t before, struct vv_writers *writers,
    struct vv_written *written)
{
    const struct vv_write_plan *plan = pieces->plan;
    struct turn turn = {pieces, share};
    const struct vv_writers_work work = {.table = plan->table,
        .session = plan->session,
        .part = plan->part,
        .draft = plan->draft,
        .len = share->len,
        .bytes = share->bytes,
        .phase = "write",
        .before = before,
        .total = pieces->len,
        .run = write_piece,
        .data = &turn};
    if (share->len == 0)
        return VARVE_OK;
    size_t threads = plan->is_news_shared ? share->threads : 1;
    if (threads > 1)
        vv_engine_expect_many(plan->table->engine);
    else
        vv_engine_expect(plan->table->engine, share->bytes);
    return vv_writers_run(op, writers, threads, &work, written);
}

static varve_status write_pieces(struct vv_op *op, struct pieces *pieces,
    struct vv_writers *others, struct vv_written *written)
{
    struct vv_writers one = {.len = 0}; /* the caller's thread has nothing of its own */
    struct vv_writers_share shares[2];
    int64_t *bytes = NULL;
    VV_NEW(op, &bytes, int64_t, pieces->len);
    for (size_t i = 0; i < pieces->len; i++)
        bytes[i] = pieces->items[i].bytes;
    VV_TRY(vv_writers_part(op, pieces->plan->table->engine, bytes, pieces->len, shares));
    VV_TRY(write_share(op, pieces, &shares[0], 0, &one, written));
    return write_share(op, pieces, &shares[1], shares[0].len, others, written);
}

varve_status vv_write_plan_run(struct vv_op *op, struct vv_write_plan *plan,
    struct vv_written *written, struct vv_actions *actions)
{
    VV_CLEANUP(pieces_done) struct pieces pieces = {.plan = plan};
    VV_CLEANUP(vv_writers_done) struct vv_writers others = {.len = 0};
    int64_t row_bytes = 0;
    VV_TRY(find_row_bytes(op, plan, &row_bytes));
    for (size_t i = 0; i < plan->len; i++)
        VV_TRY(cut_target(op, &pieces, plan->items[i], row_bytes));
    if (pieces.len == 0)
        return VARVE_OK;
    VV_TRY(find_columns(op, &pieces));
    VV_TRY(read_taken(op, &pieces));
    VV_TRY(write_pieces(op, &pieces, &others, written));
    for (size_t i = 0; i < pieces.len; i++)
        VV_TRY(add_files(op, plan, &pieces.items[i], actions));
    return VARVE_OK;
}
