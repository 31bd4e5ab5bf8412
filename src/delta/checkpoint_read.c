/*
 * Reading checkpoints: by ourselves (checkpoint_direct.c), or else with the engine, which is what
 * most of this file is about.
 *
 * Files make up nearly all of a checkpoint: their columns are read one by one. All other rows,
 * and the files with a deletion vector, come as the JSON line that a commit would have, and go
 * through the parser of commits: one place knows what an action must look like. The rows of a V2
 * checkpoint in JSON are such lines already. One statement reads both, as its rows come.
 */
#include "delta/checkpoint.h"

#include "base/json.h"
#include "base/map.h"
#include "delta/checkpoint_direct.h"
#include "delta/checkpoint_mark.h"
#include "delta/checkpoint_shape.h"
#include "delta/list.h"
#include "delta/log_name.h"
#include "delta/path.h"
#include "delta/stats.h"
#include "engine/sound_json.h"
#include "engine/sql.h"

#define SIDECAR "\"sidecar\""
/* Of a file, and of a row group of it; more is the engine's, which streams under its limit. */
#define DIRECT_BYTES_MAX ((size_t)256 << 20)
#define ROWS_A_TURN 4096 /* then the memory of the rows before is given back */

struct reader {
    const struct vv_log_handle *log;
    struct vv_session *session; /* once it took the engine */
    struct vv_replay *replay;
    int64_t version;
    bool has_protocol, has_metadata;
    bool in_sidecars;
    VV_ACTION_LIST(struct vv_str) sidecars; /* keys */
    struct vv_map known_sidecars;           /* of key */
};

static void reader_done(struct reader *reader)
{
    vv_session_close(&reader->session);
}

/* The columns of the query: of a file each on its own, of any other row the line alone. */
enum column {
    COLUMN_PATH,
    COLUMN_LINE, /* NULL: a file */
    COLUMN_PARTITION_VALUES,
    COLUMN_TAGS,
    COLUMN_BYTES,
    COLUMN_MODIFIED,
    COLUMN_STATS,
    COLUMN_BASE_ROW_ID,
    COLUMN_ROW_COMMIT_VERSION,
    COLUMN_CLUSTERING
};

static void add_member_or_null(struct vv_buf *sql, const struct vv_checkpoint_shape *shape,
    const char *member, const char *type)
{
    if (vv_checkpoint_shape_has(shape, member))
        vv_buf_addf(sql, "%s::%s", member, type);
    else
        vv_buf_addf(sql, "NULL::%s", type);
}

static void add_struct_stats(struct vv_buf *sql, const struct vv_checkpoint_shape *shape)
{
    vv_buf_adds(sql, VV_SOUND_JSON "(to_json(");
    if (shape->stats_type.ptr != NULL)
        vv_buf_addf(sql, "TRY_CAST(add.stats_parsed AS %.*s)", VV_ARG(shape->stats_type));
    else
        vv_buf_adds(sql, "add.stats_parsed");
    vv_buf_adds(sql, ")::VARCHAR)");
}

static void add_stats(struct vv_buf *sql, const struct vv_checkpoint_shape *shape)
{
    bool has_text = vv_checkpoint_shape_has(shape, "add.stats");
    if (!vv_checkpoint_shape_reads_parsed(shape)) {
        vv_buf_adds(sql, has_text ? "add.stats::VARCHAR" : "NULL::VARCHAR");
        return;
    }
    vv_buf_adds(sql, has_text ? "coalesce(add.stats, " : "");
    add_struct_stats(sql, shape);
    vv_buf_adds(sql, has_text ? ")" : "");
}

/* An add as its JSON line: for files with a deletion vector, which are few. */
static void add_file_line(struct vv_buf *sql, const struct vv_checkpoint_shape *shape)
{
    static const char *const members[] = {"path", "partitionValues", "size", "modificationTime",
        "dataChange", "tags", "deletionVector", "baseRowId", "defaultRowCommitVersion",
        "clusteringProvider"};
    vv_buf_adds(sql, " WHEN add.path IS NOT NULL THEN json_object('add', json_object(");
    for (size_t i = 0; i < VV_COUNT(members); i++) {
        char name[64];
        (void)snprintf(name, sizeof(name), "add.%s", members[i]);
        if (vv_checkpoint_shape_has(shape, name))
            vv_buf_addf(sql, "'%s', %s, ", members[i], name);
    }
    vv_buf_adds(sql, "'stats', ");
    add_stats(sql, shape);
    vv_buf_adds(sql, "))");
}

/* Whether a row is a plain file, whose columns are read one by one. */
static void add_is_file(struct vv_buf *sql, const struct vv_checkpoint_shape *shape)
{
    vv_buf_adds(sql,
        vv_checkpoint_shape_has(shape, "add.path") ? "add.path IS NOT NULL" : "false");
    if (shape->has_vectors)
        vv_buf_adds(sql, " AND add.deletionVector.storageType IS NULL");
}

static void add_line(struct vv_buf *sql, const struct vv_checkpoint_shape *shape)
{
    /* A member that is never null tells that the row is of that kind. */
    static const struct {
        const char *action, *member;
    } kinds[] = {{"protocol", "protocol.minReaderVersion"}, {"metaData", "metaData.id"},
        {"remove", "remove.path"}, {"txn", "txn.appId"},
        {"domainMetadata", "domainMetadata.domain"}, {"sidecar", "sidecar.path"}};
    /* Files are nearly all rows: none of them is to be looked at more closely for nothing. */
    vv_buf_adds(sql, "CASE WHEN ");
    add_is_file(sql, shape);
    vv_buf_adds(sql, " THEN NULL");
    for (size_t i = 0; i < VV_COUNT(kinds); i++)
        if (vv_checkpoint_shape_has(shape, kinds[i].member))
            vv_buf_addf(sql, " WHEN %s IS NOT NULL THEN json_object('%s', %s)::VARCHAR",
                kinds[i].member, kinds[i].action, kinds[i].action);
    if (shape->has_vectors)
        add_file_line(sql, shape);
    vv_buf_adds(sql, " END");
}

static void add_select(struct vv_buf *sql, const struct vv_checkpoint_shape *shape,
    struct vv_str path)
{
    static const struct {
        const char *member, *type;
    } members[] = {{"add.path", "VARCHAR"}, {NULL, NULL},
        {"add.partitionValues", "MAP(VARCHAR, VARCHAR)"}, {"add.tags", "MAP(VARCHAR, VARCHAR)"},
        {"add.size", "BIGINT"}, {"add.modificationTime", "BIGINT"}, {NULL, NULL},
        {"add.baseRowId", "BIGINT"}, {"add.defaultRowCommitVersion", "BIGINT"},
        {"add.clusteringProvider", "VARCHAR"}};
    vv_buf_adds(sql, "SELECT ");
    for (size_t i = 0; i < VV_COUNT(members); i++) {
        vv_buf_adds(sql, i == 0 ? "" : ", ");
        if (i == COLUMN_LINE)
            add_line(sql, shape);
        else if (i == COLUMN_STATS)
            add_stats(sql, shape);
        else
            add_member_or_null(sql, shape, members[i].member, members[i].type);
    }
    vv_buf_adds(sql, " FROM read_parquet(");
    vv_sql_file(sql, path);
    vv_buf_adds(sql, ", hive_partitioning = false)");
}

/* Pairs of a map, in memory that is used again for the next row. */
struct pairs {
    struct vv_pair *items;
    size_t len, capacity;
};

struct maps {
    struct pairs partition_values, tags;
};

/* The texts live as long as the row. */
static varve_status read_pairs(struct vv_op *op, struct vv_arena *arena,
    const struct vv_rows *rows, uint32_t column, struct pairs *pairs)
{
    size_t len = vv_rows_pairs(rows, column);
    if (len > pairs->capacity) {
        pairs->items = vv_new(arena, struct vv_pair, len);
        pairs->capacity = len;
        if (pairs->items == NULL)
            return vv_fail_memory(op);
    }
    for (size_t i = 0; i < len; i++)
        vv_rows_pair(rows, column, i, &pairs->items[i].name, &pairs->items[i].value);
    pairs->len = len;
    return VARVE_OK;
}

static int64_t int_or(const struct vv_rows *rows, uint32_t column, int64_t fallback)
{
    return vv_rows_is_null(rows, column) ? fallback : vv_rows_int64(rows, column);
}

static varve_status read_file(struct vv_op *op, struct vv_arena *arena,
    const struct vv_rows *rows, struct maps *maps, struct vv_replay *replay)
{
    struct vv_file file = {.path = vv_rows_text(rows, COLUMN_PATH),
        .dv_id = VV_STR(""),
        .bytes = int_or(rows, COLUMN_BYTES, -1),
        .modified_ms = int_or(rows, COLUMN_MODIFIED, 0),
        .stats = vv_rows_text(rows, COLUMN_STATS),
        .base_row_id = int_or(rows, COLUMN_BASE_ROW_ID, -1),
        .row_commit_version = int_or(rows, COLUMN_ROW_COMMIT_VERSION, -1),
        .clustering_provider = vv_rows_text(rows, COLUMN_CLUSTERING),
        .added_version = VV_NO_VERSION};
    if (file.bytes < 0)
        return vv_fail(op, VARVE_ECORRUPT, "add of %.*s has no size", VV_ARG(file.path));
    VV_TRY(vv_path_decode(op, arena, file.path, &file.key, &file.absolute));
    VV_TRY(read_pairs(op, arena, rows, COLUMN_PARTITION_VALUES, &maps->partition_values));
    VV_TRY(read_pairs(op, arena, rows, COLUMN_TAGS, &maps->tags));
    file.hash = vv_file_hash(file.key, file.dv_id);
    file.partition_values =
        (struct vv_pairs){maps->partition_values.items, maps->partition_values.len};
    file.tags = (struct vv_pairs){maps->tags.items, maps->tags.len};
    file.by_varve = vv_pairs_has(&file.tags, VV_STR(VV_TAG_SHA256));
    return vv_replay_base_file(op, replay, &file);
}

/* Files go into the replay at once, lines are gathered. */
static varve_status read_rows(struct vv_op *op, struct reader *reader, struct vv_str sql,
    struct vv_buf *lines)
{
    VV_CLEANUP(vv_rows_close) struct vv_rows *rows = NULL;
    VV_CLEANUP(vv_arena_done) struct vv_arena arena = VV_ARENA_INIT(op->arena.bytes_max);
    const struct vv_query query = {.sql = sql, .is_streamed = true};
    struct maps maps = {0};
    VV_TRY(vv_session_rows(op, reader->session, &query, &rows));
    for (uint64_t row = 1;; row++) {
        bool has_row = false;
        VV_TRY(vv_rows_next(op, rows, &has_row));
        if (!has_row)
            return VARVE_OK;
        if (!vv_rows_is_null(rows, COLUMN_LINE)) {
            vv_buf_add(lines, vv_rows_text(rows, COLUMN_LINE));
            vv_buf_addc(lines, '\n');
        } else if (!vv_rows_is_null(rows, COLUMN_PATH)) {
            VV_TRY(read_file(op, &arena, rows, &maps, reader->replay));
        }
        if (row % ROWS_A_TURN == 0) {
            vv_arena_done(&arena);
            maps = (struct maps){0};
        }
    }
}

/* The key of a sidecar: they all lie in one folder, whatever a path spells before the name. */
static varve_status find_sidecar_key(struct vv_op *op, struct vv_str path, struct vv_str *out)
{
    struct vv_str key = VV_STR_NONE;
    bool absolute = false;
    if (path.ptr == NULL)
        return vv_fail(op, VARVE_ECORRUPT, "a sidecar without path");
    VV_TRY(vv_path_decode(op, &op->arena, path, &key, &absolute));
    if (!vv_str_ends(key, VV_STR(".parquet")))
        return vv_fail(op, VARVE_ECORRUPT, "the sidecar \"%.*s\" is no Parquet file",
            VV_ARG(path));
    *out =
        vv_arena_format(&op->arena, VV_LOG_SIDECARS "/%.*s", VV_ARG(vv_log_name_of_key(key)));
    return out->ptr != NULL ? VARVE_OK : vv_fail_memory(op);
}

/* Each is read once, and none leads to others: else the end of them need never come. */
static varve_status add_sidecar(struct vv_op *op, struct reader *reader, struct vv_str line)
{
    const struct vv_json *object = NULL;
    VV_TRY(vv_json_parse(op, &op->arena, line, &object));
    const struct vv_json *sidecar = vv_json_get_kind(object, "sidecar", VV_JSON_OBJECT);
    if (sidecar == NULL)
        return VARVE_OK;
    struct vv_str path = vv_json_text(vv_json_get_kind(sidecar, "path", VV_JSON_STRING));
    if (reader->in_sidecars)
        return vv_fail(op, VARVE_ECORRUPT, "a sidecar names the sidecar \"%.*s\"",
            VV_ARG(path));
    struct vv_str key = VV_STR_NONE;
    bool was_there = false;
    VV_TRY(find_sidecar_key(op, path, &key));
    struct vv_str *item = VV_LIST_NEW(&op->arena, &reader->sidecars);
    if (item == NULL || !vv_map_put(&reader->known_sidecars, key, reader, &was_there))
        return vv_fail_memory(op);
    if (was_there)
        return vv_fail(op, VARVE_ECORRUPT, "the sidecar \"%.*s\" is named twice", VV_ARG(path));
    *item = key;
    return VARVE_OK;
}

/* Rows as lines of JSON: everything but plain files. */
static varve_status take_lines(struct vv_op *op, struct reader *reader, struct vv_str lines)
{
    VV_CLEANUP(vv_arena_done) struct vv_arena arena = VV_ARENA_INIT(op->arena.bytes_max);
    struct vv_actions actions = {0};
    struct vv_str rest = lines;
    struct vv_str line = VV_STR_NONE;
    if (lines.len == 0)
        return VARVE_OK;
    VV_TRY(vv_actions_parse(op, &arena, reader->version, lines, &actions));
    for (size_t i = 0; i < actions.adds.len; i++) {
        struct vv_file *file = &actions.adds.items[i];
        file->added_version = VV_NO_VERSION;
        file->by_varve = vv_pairs_has(&file->tags, VV_STR(VV_TAG_SHA256));
    }
    VV_TRY(vv_replay_base(op, reader->replay, &actions));
    reader->has_protocol = reader->has_protocol || actions.protocol != NULL;
    reader->has_metadata = reader->has_metadata || actions.metadata != NULL;
    while (vv_str_split(&rest, '\n', &line))
        if (memmem(line.ptr, line.len, SIDECAR, strlen(SIDECAR)) != NULL)
            VV_TRY(add_sidecar(op, reader, line));
    return VARVE_OK;
}

/* By ourselves. `*out_done` false: it takes the engine to read the file, or to say what is wrong. */
static varve_status read_directly(struct vv_op *op, struct reader *reader, struct vv_str key,
    bool *out_done)
{
    VV_CLEANUP(vv_arena_done) struct vv_arena arena = VV_ARENA_INIT(DIRECT_BYTES_MAX);
    VV_CLEANUP(vv_buf_done) struct vv_buf lines = VV_BUF_INIT(VV_BUF_MAX);
    struct vv_str bytes = VV_STR_NONE;
    varve_status status = vv_store_get(op, reader->log->store, &arena, key, &bytes);
    bool is_large = status == VARVE_ELIMIT;
    if (status != VARVE_OK && !is_large)
        return status;
    if (status == VARVE_OK) {
        VV_TRY(vv_checkpoint_mark_check(op, bytes));
        status = vv_checkpoint_direct(op, bytes, DIRECT_BYTES_MAX, reader->replay, &lines);
    }
    *out_done = status == VARVE_OK;
    if (status == VARVE_OK)
        return vv_buf_ok(&lines) ? take_lines(op, reader, vv_buf_str(&lines))
                                 : vv_fail_memory(op);
    if (status != VARVE_EUNSUPPORTED && status != VARVE_ECORRUPT && !is_large)
        return status;
    vv_log(op, VV_LOG_DEBUG, "log.checkpoint_by_engine", "%.*s is left to the engine: %s",
        VV_ARG(key), op->error.message);
    vv_forgive(op);
    return VARVE_OK;
}

static varve_status read_by_engine(struct vv_op *op, struct reader *reader, struct vv_str key)
{
    VV_CLEANUP(vv_buf_done) struct vv_buf sql = VV_BUF_INIT(VV_BUF_MAX);
    VV_CLEANUP(vv_buf_done) struct vv_buf lines = VV_BUF_INIT(VV_BUF_MAX);
    struct vv_checkpoint_shape shape = {0};
    struct vv_str path = VV_STR_NONE;
    if (reader->log->engine == NULL)
        return vv_fail(op, VARVE_EFAILED, "no engine is open to read a checkpoint with");
    if (reader->session == NULL)
        VV_TRY(vv_session_open(op, reader->log->engine, &reader->session));
    VV_TRY(vv_store_fetch(op, reader->log->store, &op->arena, key, &path));
    VV_TRY(vv_checkpoint_shape_read(op, reader->session, path, &shape));
    add_select(&sql, &shape, path);
    if (!vv_buf_ok(&sql))
        return vv_fail_memory(op);
    VV_TRY(read_rows(op, reader, vv_buf_str(&sql), &lines));
    return vv_buf_ok(&lines) ? take_lines(op, reader, vv_buf_str(&lines)) : vv_fail_memory(op);
}

static varve_status read_parquet(struct vv_op *op, struct reader *reader, struct vv_str key)
{
    bool is_done = false;
    VV_TRY(read_directly(op, reader, key, &is_done));
    return is_done ? VARVE_OK : read_by_engine(op, reader, key);
}

static varve_status read_part(struct vv_op *op, struct reader *reader, struct vv_str key)
{
    VV_TRY(vv_check_cancel(op));
    varve_status status = VARVE_OK;
    if (vv_str_ends(key, VV_STR(".json"))) {
        struct vv_str lines = VV_STR_NONE;
        status = vv_store_get(op, reader->log->store, &op->arena, key, &lines);
        if (status == VARVE_OK)
            status = take_lines(op, reader, lines);
    } else {
        status = read_parquet(op, reader, key);
    }
    return status == VARVE_OK ? VARVE_OK : vv_note(op, "%.*s", VV_ARG(key));
}

varve_status vv_checkpoint_read(struct vv_op *op, const struct vv_log_handle *log,
    const struct vv_checkpoint_ref *checkpoint, struct vv_replay *replay, bool *out_is_whole)
{
    VV_CLEANUP(reader_done)
    struct reader reader = {.log = log,
        .replay = replay,
        .version = checkpoint->version,
        .known_sidecars = VV_MAP_INIT(&op->arena)};
    for (uint32_t i = 0; i < checkpoint->parts; i++)
        VV_TRY(read_part(op, &reader, checkpoint->keys[i]));
    reader.in_sidecars = true;
    for (size_t i = 0; i < reader.sidecars.len; i++)
        VV_TRY(read_part(op, &reader, reader.sidecars.items[i]));
    VV_TRY(vv_replay_base_end(op, replay));
    *out_is_whole = reader.has_protocol && reader.has_metadata;
    return VARVE_OK;
}
