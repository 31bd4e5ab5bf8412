#include "table/write.h"

#include <stdio.h>
#include <unistd.h>

#include "base/hash.h"
#include "base/seam.h"
#include "base/time.h"
#include "base/uuid.h"
#include "delta/path.h"
#include "delta/stats.h"
#include "engine/parquet.h"
#include "engine/sql.h"
#include "table/read/candidates.h"

/* A file of fewer bytes is on the disk in no more time than it takes to say so. */
#define HASTEN_BYTES_MIN ((int64_t)256 << 10)

/* "date=2025-01-30/part-00000-<uuid>.c000.zstd.parquet"; partition values by physical name. */
static varve_status name_file(struct vv_op *op, struct vv_arena *arena,
    const struct vv_pairs *partition_values, bool is_feed, struct vv_str *out_key)
{
    VV_CLEANUP(vv_buf_done) struct vv_buf key = VV_BUF_INIT(VV_BUF_MAX);
    char uuid[VV_UUID_BYTES];
    VV_TRY(vv_uuid(op, uuid));
    if (is_feed)
        vv_buf_adds(&key, "_change_data/");
    for (size_t i = 0; i < partition_values->len; i++) {
        vv_path_partition_folder(partition_values->items[i].name,
            partition_values->items[i].value, &key);
        vv_buf_addc(&key, '/');
    }
    vv_buf_addf(&key, "%s-00000-%s.c000.zstd.parquet", is_feed ? "cdc" : "part", uuid);
    *out_key = vv_arena_str(arena, vv_buf_str(&key));
    return vv_buf_ok(&key) && out_key->ptr != NULL ? VARVE_OK : vv_fail_memory(op);
}

static varve_status partition_pairs(struct vv_op *op, struct vv_arena *arena,
    const struct vv_snapshot *snapshot, const struct vv_value *partition, struct vv_pairs *out)
{
    size_t len = snapshot->metadata->partition_columns_len;
    struct vv_pair *pairs = vv_new(arena, struct vv_pair, len + 1);
    if (pairs == NULL)
        return vv_fail_memory(op);
    for (size_t i = 0; i < len; i++) {
        VV_CLEANUP(vv_buf_done) struct vv_buf text = VV_BUF_INIT(VV_BUF_MAX);
        int32_t column =
            vv_schema_find(&snapshot->schema, snapshot->metadata->partition_columns[i]);
        const struct vv_field *field = &snapshot->schema.fields[column];
        bool is_null = partition[i].kind == VV_VALUE_NULL ||
                       (partition[i].kind == VV_VALUE_TEXT && partition[i].text.len == 0);
        pairs[i].name = field->physical_name;
        if (is_null)
            continue;
        vv_partition_format(&partition[i], &field->type, &text);
        pairs[i].value = vv_arena_str(arena, vv_buf_str(&text));
        if (!vv_buf_ok(&text) || pairs[i].value.ptr == NULL)
            return vv_fail_memory(op);
    }
    *out = (struct vv_pairs){pairs, len};
    return VARVE_OK;
}

/* The rows with the names that files use, without partition columns. */
static varve_status physical_select(struct vv_op *op, const struct vv_write_request *request,
    struct vv_buf *sql, struct vv_parquet_column **out_columns, size_t *out_len)
{
    const struct vv_schema *schema = &request->snapshot->schema;
    VV_NEW(op, out_columns, struct vv_parquet_column, schema->fields_len + 2);
    *out_len = 0;
    vv_buf_adds(sql, "SELECT ");
    for (size_t i = 0; i < schema->fields_len; i++) {
        const struct vv_field *field = &schema->fields[i];
        if (vv_snapshot_is_partition(request->snapshot, (int32_t)i) ||
            field->type.kind == VV_TYPE_VOID)
            continue;
        vv_buf_addf(sql, "%sc%zu AS ", *out_len == 0 ? "" : ", ", i);
        vv_sql_name(sql, field->physical_name);
        (*out_columns)[(*out_len)++] = (struct vv_parquet_column){
            .name = field->physical_name, .field_id = field->field_id};
    }
    if (request->is_feed) {
        vv_buf_addf(sql, "%s" VV_FEED_TYPE, *out_len == 0 ? "" : ", ");
        (*out_columns)[(*out_len)++] = (struct vv_parquet_column){.name = VV_STR(VV_FEED_TYPE)};
    }
    vv_buf_adds(sql, " FROM ");
    if (request->from_sql.len > 0)
        vv_buf_add(sql, request->from_sql);
    else
        vv_buf_addf(sql, "(%.*s)", VV_ARG(request->select_sql));
    return vv_buf_ok(sql) ? VARVE_OK : vv_fail_memory(op);
}

static varve_status describe_file(struct vv_op *op, const struct vv_write_request *request,
    struct vv_arena *arena, const struct vv_parquet_written *parquet, const char *sha256,
    struct vv_file *file)
{
    struct vv_str no_nan = VV_STR_NONE;
    struct vv_pair *tags = vv_new(arena, struct vv_pair, 4);
    if (tags == NULL)
        return vv_fail_memory(op);
    VV_TRY(vv_stats_write(op, request->snapshot, parquet, arena, &file->stats, &no_nan));
    tags[0] = (struct vv_pair){VV_STR(VV_TAG_SHA256), vv_arena_str(arena, vv_str_of(sha256))};
    if (tags[0].value.ptr == NULL)
        return vv_fail_memory(op);
    size_t tags_len = 1;
    if (no_nan.len > 0)
        tags[tags_len++] = (struct vv_pair){VV_STR(VV_TAG_NO_NAN), no_nan};
    if (request->is_undated)
        tags[tags_len++] = (struct vv_pair){VV_STR(VV_TAG_UNDATED), VV_STR("true")};
    if (request->tag != NULL)
        tags[tags_len++] = *request->tag;
    file->tags = (struct vv_pairs){tags, tags_len};
    file->bytes = parquet->bytes;
    file->modified_ms = vv_now_us(op) / VV_US_PER_MS;
    file->data_change = request->data_change;
    file->dv_id = VV_STR("");
    file->hash = vv_file_hash(file->key, file->dv_id);
    file->base_row_id = -1;
    file->row_commit_version = -1;
    file->added_version = VV_NO_VERSION;
    file->by_varve = true;
    return VARVE_OK;
}

bool vv_written_add(struct vv_written *written, struct vv_str key)
{
    void *items = written->keys;
    if (key.ptr == NULL ||
        !vv_arena_grow(written->arena, &items, written->keys_len, &written->keys_capacity,
            sizeof(*written->keys), _Alignof(struct vv_str)))
        return false;
    written->keys = items;
    written->keys[written->keys_len++] = key;
    return true;
}

static varve_status encode_path(struct vv_op *op, struct vv_arena *arena, struct vv_str key,
    struct vv_str *out)
{
    VV_CLEANUP(vv_buf_done) struct vv_buf path = VV_BUF_INIT(VV_BUF_MAX);
    vv_path_encode(key, &path);
    *out = vv_arena_str(arena, vv_buf_str(&path));
    return vv_buf_ok(&path) && out->ptr != NULL ? VARVE_OK : vv_fail_memory(op);
}

/* A file on its way: what the engine is told, and what is known of what it wrote. */
struct making {
    const struct vv_write_request *request;
    struct vv_table *table;
    struct vv_written *written;
    struct vv_parquet_write parquet;
    struct vv_parquet_written done;
    char sha256[VV_SHA256_HEX_BYTES];
};

static varve_status make_at(struct vv_op *op, struct making *making, struct vv_str key)
{
    struct vv_arena *arena = making->written->arena;
    VV_TRY(vv_store_stage(op, making->table->store, arena, key, &making->parquet.path));
    if (vv_parquet_write(op, making->request->session, &making->parquet, arena,
            &making->done) != VARVE_OK)
        return vv_note_path(op, "write", key);
    if (making->done.bytes >= HASTEN_BYTES_MIN)
        vv_store_hasten(making->table->store, making->parquet.path.ptr);
    return vv_sha256_file(op, making->parquet.path.ptr, making->sha256, NULL);
}

static varve_status name_draft(struct vv_op *op, struct vv_write_draft *draft)
{
    char uuid[VV_UUID_BYTES];
    if (draft->key[0] != '\0' && draft->process == (int64_t)getpid())
        return VARVE_OK;
    VV_TRY(vv_uuid(op, uuid));
    (void)snprintf(draft->key, sizeof(draft->key), "part-00000-%s.c000.zstd.parquet", uuid);
    draft->process = (int64_t)getpid();
    return VARVE_OK;
}

static varve_status make_draft(struct vv_op *op, struct making *making, struct vv_str key)
{
    struct vv_str draft = vv_str_of(making->request->draft->key);
    VV_TRY(make_at(op, making, draft));
    vv_crash_point("write.drafted");
    return vv_store_restage(op, making->table->store, draft, key);
}

/* By a statement that stays prepared, where that can be. */
static varve_status make_file(struct vv_op *op, struct making *making, struct vv_str key)
{
    struct vv_write_draft *draft = making->request->draft;
    if (draft == NULL || draft->is_unfit)
        return make_at(op, making, key);
    VV_TRY(name_draft(op, draft));
    making->parquet.is_kept = true;
    varve_status status = make_draft(op, making, key);
    if (status == VARVE_OK)
        return VARVE_OK;
    vv_write_discard_one(op, making->table, vv_str_of(draft->key));
    draft->key[0] = '\0';
    if (status != VARVE_EUNSUPPORTED)
        return status;
    vv_forgive(op);
    draft->is_unfit = true;
    making->parquet.is_kept = false;
    return make_at(op, making, key);
}

/* The file itself, staged: its place and partition go to `file`. */
static varve_status write_rows(struct vv_op *op, struct making *making, struct vv_file *file)
{
    VV_CLEANUP(vv_buf_done) struct vv_buf sql = VV_BUF_INIT(VV_BUF_MAX);
    const struct vv_write_request *request = making->request;
    struct vv_arena *arena = making->written->arena;
    struct vv_parquet_column *columns = NULL;
    VV_TRY(partition_pairs(op, arena, request->snapshot, request->partition,
        &file->partition_values));
    VV_TRY(name_file(op, arena, &file->partition_values, request->is_feed, &file->key));
    VV_TRY(encode_path(op, arena, file->key, &file->path));
    VV_TRY(physical_select(op, request, &sql, &columns, &making->parquet.columns_len));
    if (!vv_buf_ok(&sql))
        return vv_fail_memory(op);
    making->parquet.columns = columns;
    making->parquet.select_sql = vv_buf_str(&sql);
    making->parquet.row_group_rows = request->row_group_rows;
    making->parquet.is_dense = request->is_dense;
    /* First: a half-written file is ours to remove. */
    if (!vv_written_add(making->written, file->key))
        return vv_fail_memory(op);
    return make_file(op, making, file->key);
}

varve_status vv_write_file(struct vv_op *op, struct vv_table *table,
    const struct vv_write_request *request, struct vv_written *written, struct vv_file *out_add)
{
    struct vv_file file = {0};
    struct making making = {.request = request, .table = table, .written = written};
    VV_TRY(write_rows(op, &making, &file));
    VV_TRY(describe_file(op, request, written->arena, &making.done, making.sha256, &file));
    *out_add = file;
    return VARVE_OK;
}

varve_status vv_write_feed_file(struct vv_op *op, struct vv_table *table,
    const struct vv_write_request *request, struct vv_written *written, struct vv_cdc *out)
{
    struct vv_file file = {0};
    struct making making = {.request = request, .table = table, .written = written};
    struct vv_pair *tag = vv_new(written->arena, struct vv_pair, 1);
    VV_TRY(write_rows(op, &making, &file));
    struct vv_str hash = vv_arena_str(written->arena, vv_str_of(making.sha256));
    if (tag == NULL || hash.ptr == NULL)
        return vv_fail_memory(op);
    *tag = (struct vv_pair){VV_STR(VV_TAG_SHA256), hash};
    *out = (struct vv_cdc){.path = file.path,
        .key = file.key,
        .partition_values = file.partition_values,
        .bytes = making.done.bytes,
        .tags = {tag, 1}};
    return VARVE_OK;
}

varve_status vv_write_publish(struct vv_op *op, struct vv_table *table,
    const struct vv_written *written)
{
    if (written->keys_len == 0)
        return VARVE_OK;
    return vv_store_publish(op, table->store, written->keys, written->keys_len);
}

/* What was never made is not left behind, though nothing can be removed from such a disk. */
static bool is_absent(const struct vv_op *op, struct vv_table *table, struct vv_str key)
{
    VV_CLEANUP(vv_op_done) struct vv_op own;
    struct vv_object object;
    vv_op_init(&own, op->env, VV_OP_BYTES_DEFAULT);
    varve_status status = vv_store_head(&own, table->store, key, &object);
    if (status != VARVE_OK)
        vv_forgive(&own);
    return status == VARVE_ENOTFOUND;
}

void vv_write_discard_one(struct vv_op *op, struct vv_table *table, struct vv_str key)
{
    /* Runs after failures too: their error must survive what happens here. */
    VV_CLEANUP(vv_op_done) struct vv_op own;
    vv_op_init(&own, op->env, VV_OP_BYTES_DEFAULT);
    if (vv_store_remove(&own, table->store, key) == VARVE_OK)
        return;
    if (!is_absent(op, table, key))
        vv_log(op, VV_LOG_WARN, "write.discard", "left behind, vacuum removes it: %.*s: %s",
            VV_ARG(key), own.error.message);
    vv_forgive(&own);
}

void vv_write_discard_last(struct vv_op *op, struct vv_table *table, struct vv_written *written)
{
    VV_PRE(written->keys_len > 0);
    vv_write_discard_one(op, table, written->keys[--written->keys_len]);
}

void vv_write_discard(struct vv_op *op, struct vv_table *table,
    const struct vv_written *written)
{
    for (size_t i = 0; i < written->keys_len; i++)
        vv_write_discard_one(op, table, written->keys[i]);
}
