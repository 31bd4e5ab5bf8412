#include "delta/checkpoint_direct.h"

#include "delta/list.h"
#include "delta/path.h"
#include "delta/stats.h"
#include "engine/parquet_rows.h"

#define PARSED \
    VV_STR("_parsed") /* columns of statistics and partition values: also there as text */

/* Kinds of rows beside files. A member that is never null tells that the row is of that kind. */
static const struct kind {
    const char *action, *member;
} kinds[] = {{"protocol", "minReaderVersion"}, {"metaData", "id"}, {"remove", "path"},
    {"txn", "appId"}, {"domainMetadata", "domain"}, {"sidecar", "path"}};

#define KINDS VV_COUNT(kinds)
#define ROWS_A_LOOK 4096 /* at whether it is to go on */

/* Where to look in a row. NULL: there is no such column, or nothing in it. */
struct columns {
    struct vv_pq_cursor *kinds[KINDS];
    struct vv_pq_cursor *path, *partition_name, *partition_value, *tag_name, *tag_value;
    struct vv_pq_cursor *bytes, *modified, *stats, *row_id, *row_version, *clustering, *vector;
};

/* Pairs of a map, in memory that is used again for the next row. */
struct pairs {
    struct vv_pair *items;
    size_t len, capacity;
};

struct reader {
    struct vv_op *op;
    struct vv_arena arena; /* of a row group */
    struct vv_pq_rows rows;
    struct columns columns;
    struct vv_replay *replay;
    struct vv_buf *lines;
    struct pairs partition_values, tags;
};

static void reader_done(struct reader *reader)
{
    vv_arena_done(&reader->arena);
}

/* What our memory is too small for is the engine's, like anything else that we can't read. */
static varve_status fitting(struct vv_op *op, varve_status status)
{
    return status == VARVE_ELIMIT ? vv_recode(op, VARVE_EUNSUPPORTED) : status;
}

/*
 * Whether the text of the statistics is all there is of them. Where they are in columns of their
 * own as well, some writers have the text of some files alone.
 */
static bool has_odd_stats(const struct vv_pq_file *file)
{
    const struct vv_pq_node *text = vv_pq_find(file, "add.stats");
    const struct vv_pq_node *path = vv_pq_find(file, "add.path");
    if (vv_pq_find(file, "add.stats_parsed") == NULL)
        return false;
    if (text == NULL || path == NULL)
        return true;
    for (size_t i = 0; i < file->groups_len; i++) {
        const struct vv_pq_chunk *chunks = file->groups[i].chunks;
        if (chunks[text->leaf].nulls < 0 ||
            chunks[text->leaf].nulls != chunks[path->leaf].nulls)
            return true;
    }
    return false;
}

static bool is_of_type(const struct vv_pq_file *file, const char *path, enum vv_pq_type type)
{
    const struct vv_pq_node *node = vv_pq_find(file, path);
    return node == NULL || node->type == type ||
           (type == VV_PQ_INT64 && node->type == VV_PQ_INT32);
}

static bool is_map(const struct vv_pq_file *file, const char *path)
{
    const struct vv_pq_node *map = vv_pq_find(file, path);
    return map == NULL || vv_pq_is_text_map(file, map);
}

/* What this can't read, or reads otherwise than the engine, is named before anything is read. */
static varve_status check_shape(struct vv_op *op, const struct vv_pq_file *file)
{
    static const struct {
        const char *path;
        enum vv_pq_type type;
    } members[] = {{"add.path", VV_PQ_BYTES}, {"add.size", VV_PQ_INT64},
        {"add.modificationTime", VV_PQ_INT64}, {"add.stats", VV_PQ_BYTES},
        {"add.baseRowId", VV_PQ_INT64}, {"add.defaultRowCommitVersion", VV_PQ_INT64},
        {"add.clusteringProvider", VV_PQ_BYTES}};
    const struct vv_pq_node *end = vv_pq_behind(file, file->nodes);
    bool is_known =
        !has_odd_stats(file) && is_map(file, "add.partitionValues") && is_map(file, "add.tags");
    for (size_t i = 0; i < VV_COUNT(members); i++)
        is_known = is_known && is_of_type(file, members[i].path, members[i].type);
    for (const struct vv_pq_node *top = file->nodes + 1; top < end;
         top = vv_pq_behind(file, top))
        is_known = is_known && top->type == VV_PQ_GROUP && top->shape == VV_PQ_STRUCT &&
                   top->repetition != VV_PQ_REPEATED;
    return is_known ? VARVE_OK
                    : vv_fail(op, VARVE_EUNSUPPORTED, "its columns are not the usual ones");
}

/* The column of a member, read; NULL where there is nothing in it. */
static varve_status take_member(struct reader *reader, const char *path,
    struct vv_pq_cursor **out)
{
    const struct vv_pq_node *node = vv_pq_find(reader->rows.file, path);
    *out = NULL;
    if (node == NULL || node->type == VV_PQ_GROUP)
        return VARVE_OK;
    VV_TRY(vv_pq_rows_read(reader->op, &reader->rows, node, VV_STR_NONE));
    struct vv_pq_cursor *cursor = reader->rows.cursors[node->leaf];
    *out = cursor->column.values_len > 0 ? cursor : NULL;
    return VARVE_OK;
}

/* The two columns of a map of texts. */
static varve_status take_map(struct reader *reader, const char *path,
    struct vv_pq_cursor **out_names, struct vv_pq_cursor **out_values)
{
    const struct vv_pq_node *map = vv_pq_find(reader->rows.file, path);
    *out_names = *out_values = NULL;
    if (map == NULL)
        return VARVE_OK;
    VV_TRY(vv_pq_rows_read(reader->op, &reader->rows, map, VV_STR_NONE));
    if (reader->rows.cursors[map->leaf]->column.values_len == 0)
        return VARVE_OK;
    *out_names = reader->rows.cursors[map->leaf];
    *out_values = reader->rows.cursors[map->leaf + 1];
    return VARVE_OK;
}

/* All members of an action, for lines of JSON. */
static varve_status take_action(struct reader *reader, const char *action)
{
    return vv_pq_rows_read(reader->op, &reader->rows, vv_pq_find(reader->rows.file, action),
        PARSED);
}

static varve_status take_columns(struct reader *reader)
{
    struct columns *columns = &reader->columns;
    const struct {
        const char *path;
        struct vv_pq_cursor **cursor;
    } members[] = {{"add.path", &columns->path}, {"add.size", &columns->bytes},
        {"add.modificationTime", &columns->modified}, {"add.stats", &columns->stats},
        {"add.baseRowId", &columns->row_id},
        {"add.defaultRowCommitVersion", &columns->row_version},
        {"add.clusteringProvider", &columns->clustering},
        {"add.deletionVector.storageType", &columns->vector}};
    for (size_t i = 0; i < KINDS; i++) {
        char path[64];
        (void)snprintf(path, sizeof(path), "%s.%s", kinds[i].action, kinds[i].member);
        VV_TRY(take_member(reader, path, &columns->kinds[i]));
        if (columns->kinds[i] != NULL)
            VV_TRY(take_action(reader, kinds[i].action));
    }
    for (size_t i = 0; i < VV_COUNT(members); i++)
        VV_TRY(take_member(reader, members[i].path, members[i].cursor));
    VV_TRY(take_map(reader, "add.partitionValues", &columns->partition_name,
        &columns->partition_value));
    VV_TRY(take_map(reader, "add.tags", &columns->tag_name, &columns->tag_value));
    return columns->vector != NULL ? take_action(reader, "add") : VARVE_OK;
}

static varve_status read_pairs(struct reader *reader, const struct vv_pq_cursor *names,
    const struct vv_pq_cursor *values, struct pairs *pairs)
{
    pairs->len = 0;
    if (names == NULL || values == NULL)
        return VARVE_OK;
    struct vv_pq_cursor name = *names;
    struct vv_pq_cursor value = *values;
    for (bool is_more = true; is_more;) {
        struct vv_pair pair = {vv_pq_cursor_text(&name), vv_pq_cursor_text(&value)};
        struct vv_pair *item =
            pair.name.ptr != NULL ? VV_LIST_NEW(&reader->arena, pairs) : NULL;
        if (item != NULL)
            *item = pair;
        else if (pair.name.ptr != NULL)
            return vv_fail_memory(reader->op);
        is_more = vv_pq_cursor_step(&name);
        if (vv_pq_cursor_step(&value) != is_more)
            return vv_fail(reader->op, VARVE_ECORRUPT, "a map has more keys than values");
    }
    return VARVE_OK;
}

static int64_t int_or(const struct vv_pq_cursor *cursor, int64_t fallback)
{
    return cursor != NULL && !vv_pq_cursor_is_null(cursor) ? vv_pq_cursor_int(cursor)
                                                           : fallback;
}

static struct vv_str text_of(const struct vv_pq_cursor *cursor)
{
    return cursor != NULL ? vv_pq_cursor_text(cursor) : VV_STR_NONE;
}

/* The file of a row, as long as the row is. */
static varve_status make_file(struct reader *reader, struct vv_file *file)
{
    struct vv_op *op = reader->op;
    const struct columns *columns = &reader->columns;
    *file = (struct vv_file){.path = text_of(columns->path),
        .dv_id = VV_STR(""),
        .bytes = int_or(columns->bytes, -1),
        .modified_ms = int_or(columns->modified, 0),
        .stats = text_of(columns->stats),
        .base_row_id = int_or(columns->row_id, -1),
        .row_commit_version = int_or(columns->row_version, -1),
        .clustering_provider = text_of(columns->clustering),
        .added_version = VV_NO_VERSION};
    if (file->bytes < 0)
        return vv_fail(op, VARVE_ECORRUPT, "add of %.*s has no size", VV_ARG(file->path));
    VV_TRY(vv_path_decode(op, &reader->arena, file->path, &file->key, &file->absolute));
    VV_TRY(read_pairs(reader, columns->partition_name, columns->partition_value,
        &reader->partition_values));
    VV_TRY(read_pairs(reader, columns->tag_name, columns->tag_value, &reader->tags));
    file->hash = vv_file_hash(file->key, file->dv_id);
    file->partition_values =
        (struct vv_pairs){reader->partition_values.items, reader->partition_values.len};
    file->tags = (struct vv_pairs){reader->tags.items, reader->tags.len};
    file->by_varve = vv_pairs_has(&file->tags, VV_STR(VV_TAG_SHA256));
    return VARVE_OK;
}

static varve_status read_file(struct reader *reader)
{
    struct vv_file file;
    VV_TRY(fitting(reader->op, make_file(reader, &file)));
    return vv_replay_base_file(reader->op, reader->replay, &file);
}

static varve_status add_line(struct reader *reader, const char *action)
{
    vv_buf_addf(reader->lines, "{\"%s\":", action);
    VV_TRY(vv_pq_rows_json(reader->op, &reader->rows, vv_pq_find(reader->rows.file, action),
        reader->lines));
    vv_buf_adds(reader->lines, "}\n");
    return VARVE_OK;
}

static varve_status read_row(struct reader *reader)
{
    const struct columns *columns = &reader->columns;
    if (columns->path != NULL && !vv_pq_cursor_is_null(columns->path))
        return columns->vector == NULL || vv_pq_cursor_is_null(columns->vector)
                   ? read_file(reader)
                   : add_line(reader, "add");
    for (size_t i = 0; i < KINDS; i++)
        if (columns->kinds[i] != NULL && !vv_pq_cursor_is_null(columns->kinds[i]))
            return add_line(reader, kinds[i].action);
    return VARVE_OK;
}

static varve_status read_group(struct reader *reader)
{
    VV_TRY(fitting(reader->op, vv_pq_rows_begin(reader->op, &reader->rows)));
    VV_TRY(fitting(reader->op, take_columns(reader)));
    for (int64_t row = 0; row < reader->rows.group->rows; row++) {
        if (row % ROWS_A_LOOK == 0)
            VV_TRY(vv_check_cancel(reader->op));
        VV_TRY(read_row(reader));
        vv_pq_rows_next(&reader->rows);
    }
    return VARVE_OK;
}

static varve_status read_groups(struct vv_op *op, const struct vv_pq_file *file,
    size_t group_bytes_max, struct vv_replay *replay, struct vv_buf *lines)
{
    for (size_t i = 0; i < file->groups_len; i++) {
        VV_CLEANUP(reader_done)
        struct reader reader = {.op = op,
            .arena = VV_ARENA_INIT(group_bytes_max),
            .replay = replay,
            .lines = lines};
        reader.rows = (struct vv_pq_rows){
            .file = file, .group = &file->groups[i], .arena = &reader.arena};
        VV_TRY(read_group(&reader));
    }
    return VARVE_OK;
}

varve_status vv_checkpoint_direct(struct vv_op *op, struct vv_str bytes, size_t group_bytes_max,
    struct vv_replay *replay, struct vv_buf *lines)
{
    VV_CLEANUP(vv_arena_done) struct vv_arena footer = VV_ARENA_INIT(group_bytes_max);
    struct vv_pq_file file = {0};
    size_t files_len = replay->state.files.len;
    VV_TRY(vv_pq_open(op, bytes, &footer, &file));
    VV_TRY(check_shape(op, &file));
    varve_status status = read_groups(op, &file, group_bytes_max, replay, lines);
    if (status != VARVE_OK)
        vv_replay_take_back(replay, files_len);
    return status;
}
