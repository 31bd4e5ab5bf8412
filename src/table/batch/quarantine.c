#include "table/batch/quarantine.h"

#include "base/hash.h"
#include "base/json_write.h"
#include "base/os.h"
#include "base/time.h"
#include "table/batch/quarantine_file.h"

#define ID_DIGITS 16
#define SUFFIX ".ndjson"

static varve_status name_batch(struct vv_op *op, const struct vv_quarantine_batch *batch,
    struct vv_str *out)
{
    char digest[VV_SHA256_HEX_BYTES];
    bool has_txn = batch->app_id.len > 0;
    VV_TRY(vv_sha256(op, has_txn ? batch->app_id : batch->rejects, digest));
    *out = has_txn ? vv_arena_format(&op->arena, "txn-%.*s-%" PRId64, ID_DIGITS, digest,
                         batch->app_version)
                   : vv_arena_format(&op->arena, "rows-%.*s", 2 * ID_DIGITS, digest);
    return out->ptr != NULL ? VARVE_OK : vv_fail_memory(op);
}

static struct vv_str key_of(struct vv_arena *arena, struct vv_str id)
{
    return vv_arena_format(arena, VV_QUARANTINE_FOLDER "/%.*s" SUFFIX, VV_ARG(id));
}

static void add_header(const struct vv_table *table, const struct vv_quarantine_batch *batch,
    struct vv_str user_name, struct vv_buf *out)
{
    char time[32];
    struct vv_json_writer header = VV_JSON_WRITER_INIT(out);
    vv_jw_object(&header);
    vv_jw_key_int(&header, "varve.quarantine", VV_QUARANTINE_FORMAT);
    vv_jw_key_string(&header, "tableId", table->snapshot->metadata->id);
    vv_jw_key_string(&header, "arrival",
        (struct vv_str){time, vv_time_format_us(batch->arrival_us, time)});
    if (batch->app_id.len > 0) {
        vv_jw_key_string(&header, "appId", batch->app_id);
        vv_jw_key_int(&header, "appVersion", batch->app_version);
    }
    if (batch->input_tz.len > 0)
        vv_jw_key_string(&header, "inputTz", batch->input_tz);
    if (batch->truncate_time)
        vv_jw_key_bool(&header, "truncateTime", true);
    vv_jw_key_string(&header, "userName", user_name);
    vv_jw_end(&header);
    vv_buf_addc(out, '\n');
}

varve_status vv_quarantine_store(struct vv_op *op, struct vv_table *table,
    const struct vv_quarantine_batch *batch, bool replace)
{
    VV_CLEANUP(vv_buf_done) struct vv_buf bytes = VV_BUF_INIT(VV_BUF_MAX);
    enum vv_put_outcome outcome = VV_PUT_CREATED;
    struct vv_str id;
    VV_TRY(name_batch(op, batch, &id));
    struct vv_str key = key_of(&op->arena, id);
    add_header(table, batch,
        batch->user_name.len > 0 ? batch->user_name : vv_os_user(&op->arena), &bytes);
    vv_buf_add(&bytes, batch->rejects);
    if (key.ptr == NULL || !vv_buf_ok(&bytes))
        return vv_fail_memory(op);
    varve_status status = replace ? vv_store_put(op, table->store, key, vv_buf_str(&bytes))
                                  : vv_store_put_if_absent(op, table->store, key,
                                        vv_buf_str(&bytes), 0, &outcome);
    if (status != VARVE_OK)
        return vv_note(op, "keep the rejected rows in quarantine, nothing was written");
    return VARVE_OK;
}

varve_status vv_quarantine_ids(struct vv_op *op, struct vv_table *table, struct vv_arena *arena,
    struct vv_str **out, size_t *out_len)
{
    struct vv_objects objects = {0};
    VV_TRY(vv_store_list(op, table->store, arena, VV_STR(VV_QUARANTINE_FOLDER), VV_STR_NONE, 0,
        &objects));
    struct vv_str *ids = vv_new(arena, struct vv_str, objects.len + 1);
    size_t len = 0;
    if (ids == NULL)
        return vv_fail_memory(op);
    for (size_t i = 0; i < objects.len; i++) {
        struct vv_str name =
            vv_str_skip(objects.items[i].key, strlen(VV_QUARANTINE_FOLDER) + 1);
        size_t stem = name.len - strlen(SUFFIX);
        if (name.len > strlen(SUFFIX) && vv_str_eq(vv_str_skip(name, stem), VV_STR(SUFFIX)))
            ids[len++] = vv_str_first(name, stem);
    }
    *out = ids;
    *out_len = len;
    return VARVE_OK;
}

static varve_status fail_corrupt(struct vv_op *op, const struct vv_quarantine_file *file,
    size_t line)
{
    if (op->failed && op->error.code != VARVE_ECORRUPT)
        return op->error.code;
    if (op->failed)
        vv_forgive(op);
    return vv_fail(op, VARVE_ECORRUPT, "line %zu of %.*s is none of a quarantine", line,
        VV_ARG(file->key));
}

static varve_status read_header(struct vv_op *op, struct vv_arena *arena,
    struct vv_quarantine_file *file)
{
    const struct vv_json *header = NULL;
    if (vv_json_parse(op, arena, file->header, &header) != VARVE_OK ||
        !vv_json_int64(vv_json_get(header, "varve.quarantine"), &file->format) ||
        file->format < 1 || file->format > VV_QUARANTINE_FORMAT ||
        !vv_time_parse_human(vv_json_text(vv_json_get(header, "arrival")), 0,
            &file->arrival_us))
        return fail_corrupt(op, file, 1);
    file->app_id = vv_json_text(vv_json_get(header, "appId"));
    file->input_tz = vv_json_text(vv_json_get(header, "inputTz"));
    file->truncate_time = vv_json_bool(vv_json_get(header, "truncateTime"), false);
    file->user_name = vv_json_text(vv_json_get(header, "userName"));
    if (file->app_id.len > 0 &&
        !vv_json_int64(vv_json_get(header, "appVersion"), &file->app_version))
        return fail_corrupt(op, file, 1);
    return VARVE_OK;
}

/* An id is part of a key: what is none never gets there. */
static bool is_id(struct vv_str id)
{
    for (size_t i = 0; i < id.len; i++) {
        char byte = id.ptr[i];
        if (!((byte >= 'a' && byte <= 'z') || (byte >= '0' && byte <= '9') || byte == '-'))
            return false;
    }
    return id.len > 0;
}

varve_status vv_quarantine_read(struct vv_op *op, struct vv_table *table,
    struct vv_arena *arena, struct vv_str id, struct vv_quarantine_file *out)
{
    struct vv_quarantine_file file = {.id = id, .key = key_of(arena, id)};
    struct vv_str bytes;
    struct vv_str line;
    size_t capacity = 0;
    void *lines = NULL;
    if (file.key.ptr == NULL)
        return vv_fail_memory(op);
    varve_status status = VARVE_ENOTFOUND;
    if (is_id(id))
        status = vv_store_get(op, table->store, arena, file.key, &bytes);
    if (status == VARVE_ENOTFOUND) {
        if (op->failed)
            vv_forgive(op);
        return vv_fail(op, VARVE_ENOTFOUND,
            "table %.*s has no batch \"%.*s\" in quarantine: varve quarantine list %.*s names "
            "those it has",
            VV_ARG(table->name), VV_ARG(id), VV_ARG(table->name));
    }
    VV_TRY(status);
    if (!vv_str_split(&bytes, '\n', &file.header))
        return fail_corrupt(op, &file, 1);
    VV_TRY(read_header(op, arena, &file));
    while (vv_str_split(&bytes, '\n', &line)) {
        if (line.len == 0)
            continue;
        if (!vv_arena_grow(arena, &lines, file.lines_len, &capacity, sizeof(struct vv_str),
                _Alignof(struct vv_str)))
            return vv_fail_memory(op);
        ((struct vv_str *)lines)[file.lines_len++] = line;
    }
    file.lines = lines;
    *out = file;
    return VARVE_OK;
}

varve_status vv_quarantine_row_read(struct vv_op *op, struct vv_arena *arena,
    const struct vv_quarantine_file *file, size_t index, struct vv_quarantine_row *out)
{
    const struct vv_json *line = NULL;
    struct vv_quarantine_row row = {0};
    if (vv_json_parse(op, arena, file->lines[index], &line) != VARVE_OK ||
        !vv_json_int64(vv_json_get(line, "row"), &row.row))
        return fail_corrupt(op, file, index + 2);
    (void)vv_json_int64(vv_json_get(line, "line"), &row.line);
    row.source = vv_json_text(vv_json_get(line, "source"));
    row.values = vv_json_get_kind(line, "values", VV_JSON_OBJECT);
    row.reasons = vv_json_get_kind(line, "reasons", VV_JSON_ARRAY);
    if (row.values == NULL || vv_json_len(row.reasons) == 0)
        return fail_corrupt(op, file, index + 2);
    *out = row;
    return VARVE_OK;
}

varve_status vv_quarantine_drop(struct vv_op *op, struct vv_table *table,
    const struct vv_str *ids, size_t ids_len, int64_t *out_rows)
{
    struct vv_str *all = NULL;
    int64_t rows = 0;
    if (ids_len == 0) {
        VV_TRY(vv_quarantine_ids(op, table, &op->arena, &all, &ids_len));
        ids = all;
    }
    for (size_t i = 0; i < ids_len; i++) {
        struct vv_quarantine_file file;
        VV_TRY(vv_quarantine_read(op, table, &op->arena, ids[i], &file));
        VV_TRY(vv_store_remove(op, table->store, file.key));
        rows += (int64_t)file.lines_len;
    }
    *out_rows = rows;
    return vv_store_settle(op, table->store, VV_STR(VV_QUARANTINE_FOLDER));
}
