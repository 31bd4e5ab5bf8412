#include "table/batch/quarantine.h"

#include "base/hash.h"
#include "base/json_write.h"
#include "base/map.h"
#include "base/os.h"
#include "base/time.h"
#include "table/batch/quarantine_file.h"

#define ID_DIGITS 16
#define SUFFIX ".ndjson"
#define FILES_AT_ONCE 4 /* to settle */

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

static varve_status put(struct vv_op *op, struct vv_table *table,
    const struct vv_quarantine_batch *batch, struct vv_str id, struct vv_str rejects,
    bool replace, bool *out_created)
{
    VV_CLEANUP(vv_buf_done) struct vv_buf bytes = VV_BUF_INIT(VV_BUF_MAX);
    enum vv_put_outcome outcome = VV_PUT_CREATED;
    struct vv_str key = key_of(&op->arena, id);
    add_header(table, batch,
        batch->user_name.len > 0 ? batch->user_name : vv_os_user(&op->arena), &bytes);
    vv_buf_add(&bytes, rejects);
    if (key.ptr == NULL || !vv_buf_ok(&bytes))
        return vv_fail_memory(op);
    varve_status status = replace ? vv_store_put(op, table->store, key, vv_buf_str(&bytes))
                                  : vv_store_put_if_absent(op, table->store, key,
                                        vv_buf_str(&bytes), 0, &outcome);
    if (status != VARVE_OK)
        return vv_note(op, "keep the rejected rows in quarantine, nothing was written");
    *out_created = outcome == VV_PUT_CREATED;
    return VARVE_OK;
}

/* A row's line without the reasons, which depend on the rules of the time. */
static struct vv_str row_of(struct vv_str line)
{
    static const char reasons[] = ",\"reasons\":[";
    size_t end = line.len;
    const char *found = line.ptr;
    /* The last one: no text of a reason has a bare quote, and a column may be called so. */
    while ((found = memmem(found, line.len - (size_t)(found - line.ptr), reasons,
                sizeof(reasons) - 1)) != NULL)
        end = (size_t)(found++ - line.ptr);
    return vv_str_first(line, end);
}

/* Appends the lines whose rows are among those of others, or those whose rows are not. */
static varve_status pick_lines(struct vv_op *op, struct vv_str lines, struct vv_str others,
    bool is_among, struct vv_buf *out)
{
    struct vv_map rows = VV_MAP_INIT(&op->arena);
    struct vv_str line;
    while (vv_str_split(&others, '\n', &line))
        if (line.len > 0 && !vv_map_put(&rows, row_of(line), out, NULL))
            return vv_fail_memory(op);
    while (vv_str_split(&lines, '\n', &line)) {
        if (line.len == 0 || vv_map_has(&rows, row_of(line)) != is_among)
            continue;
        vv_buf_add(out, line);
        vv_buf_addc(out, '\n');
    }
    return VARVE_OK;
}

/* Of the rejects those that an earlier attempt at the batch has not set aside. */
static varve_status find_others(struct vv_op *op, struct vv_table *table, struct vv_str id,
    struct vv_str rejects, struct vv_buf *out)
{
    struct vv_quarantine_file file = {.lines_len = 0};
    varve_status status = vv_quarantine_read(op, table, &op->arena, id, &file);
    if (status == VARVE_ENOTFOUND || status == VARVE_ECORRUPT)
        vv_forgive(op); /* somebody dropped it, or nothing of it can be relied on */
    else if (status != VARVE_OK)
        return status;
    return pick_lines(op, rejects, file.rows, false, out);
}

/* Beside those of an attempt that was not committed, by rules that were others. */
static varve_status put_others(struct vv_op *op, struct vv_table *table,
    const struct vv_quarantine_batch *batch, struct vv_str id, struct vv_str *stored)
{
    VV_CLEANUP(vv_buf_done) struct vv_buf others = VV_BUF_INIT(VV_BUF_MAX);
    char digest[VV_SHA256_HEX_BYTES];
    bool replace = stored->ptr != NULL;
    bool is_created = false;
    VV_TRY(find_others(op, table, id, batch->rejects, &others));
    if (!vv_buf_ok(&others))
        return vv_fail_memory(op);
    if (others.len == 0)
        return VARVE_OK;
    VV_TRY(vv_sha256(op, vv_buf_str(&others), digest));
    if (!replace)
        *stored = vv_arena_format(&op->arena, "%.*s-%.*s", VV_ARG(id), ID_DIGITS, digest);
    if (stored->ptr == NULL)
        return vv_fail_memory(op);
    VV_TRY(put(op, table, batch, *stored, vv_buf_str(&others), replace, &is_created));
    if (!replace && !is_created)
        *stored = VV_STR_NONE; /* an earlier attempt's, with the same rows */
    return VARVE_OK;
}

varve_status vv_quarantine_store(struct vv_op *op, struct vv_table *table,
    const struct vv_quarantine_batch *batch, struct vv_str *stored)
{
    struct vv_str id;
    bool is_created = false;
    VV_TRY(name_batch(op, batch, &id));
    if (stored->ptr != NULL && vv_str_eq(*stored, id))
        return put(op, table, batch, id, batch->rejects, true, &is_created);
    if (stored->ptr == NULL)
        VV_TRY(put(op, table, batch, id, batch->rejects, false, &is_created));
    if (!is_created)
        return put_others(op, table, batch, id, stored);
    *stored = id;
    return VARVE_OK;
}

/* Of one file of a batch that is committed. */
static varve_status keep_rejected(struct vv_op *op, struct vv_table *table, struct vv_str id,
    struct vv_str rejects)
{
    VV_CLEANUP(vv_buf_done) struct vv_buf bytes = VV_BUF_INIT(VV_BUF_MAX);
    struct vv_quarantine_file file;
    VV_TRY(vv_quarantine_read(op, table, &op->arena, id, &file));
    vv_buf_add(&bytes, file.header);
    vv_buf_addc(&bytes, '\n');
    size_t empty = bytes.len;
    VV_TRY(pick_lines(op, file.rows, rejects, true, &bytes));
    if (!vv_buf_ok(&bytes))
        return vv_fail_memory(op);
    if (bytes.len == empty + file.rows.len)
        return VARVE_OK;
    if (bytes.len > empty)
        return vv_store_put(op, table->store, file.key, vv_buf_str(&bytes));
    VV_TRY(vv_store_remove(op, table->store, file.key));
    return vv_store_settle(op, table->store, VV_STR(VV_QUARANTINE_FOLDER));
}

/* The id in the key of a quarantine file; none: it is the key of something else. */
static struct vv_str id_of(struct vv_str key)
{
    struct vv_str name = vv_str_skip(key, strlen(VV_QUARANTINE_FOLDER) + 1);
    size_t stem = name.len - strlen(SUFFIX);
    if (name.len > strlen(SUFFIX) && vv_str_eq(vv_str_skip(name, stem), VV_STR(SUFFIX)))
        return vv_str_first(name, stem);
    return VV_STR_NONE;
}

/* "txn-<digits>-<version>", and those with more behind it: neighbours in the order of keys. */
static bool is_of_batch(struct vv_str key, struct vv_str batch)
{
    return vv_str_starts(key, batch) &&
           (key.ptr[batch.len] == '-' || key.ptr[batch.len] == '.');
}

varve_status vv_quarantine_settle(struct vv_op *op, struct vv_table *table,
    const struct vv_quarantine_batch *batch, struct vv_str stored)
{
    struct vv_str folder = VV_STR(VV_QUARANTINE_FOLDER);
    struct vv_objects next;
    struct vv_str id;
    VV_TRY(name_batch(op, batch, &id));
    /* The first file has these very rows where this attempt made it. */
    struct vv_str made = vv_str_eq(stored, id) ? id : VV_STR_NONE;
    struct vv_str prefix =
        vv_arena_format(&op->arena, VV_QUARANTINE_FOLDER "/%.*s", VV_ARG(id));
    if (prefix.ptr == NULL)
        return vv_fail_memory(op);
    /* Few at a time, since nearly always it is the file of this attempt, or none. */
    for (struct vv_str after = prefix;; after = next.items[next.len - 1].key) {
        next = (struct vv_objects){0};
        VV_TRY(vv_store_list(op, table->store, &op->arena, folder, after, FILES_AT_ONCE,
            &next));
        for (size_t i = 0; i < next.len; i++) {
            if (!is_of_batch(next.items[i].key, prefix))
                return VARVE_OK;
            id = id_of(next.items[i].key);
            if (id.len > 0 && !vv_str_eq(id, made))
                VV_TRY(keep_rejected(op, table, id, batch->rejects));
        }
        if (next.len < FILES_AT_ONCE)
            return VARVE_OK;
    }
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
        ids[len] = id_of(objects.items[i].key);
        len += ids[len].len > 0;
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
    file.rows = bytes;
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

varve_status vv_quarantine_pass_over(struct vv_op *op, struct vv_str *out_reason)
{
    varve_status status = op->error.code;
    *out_reason = VV_STR_NONE;
    if (status == VARVE_ECORRUPT || status == VARVE_EIO)
        *out_reason = vv_str_or_lost(vv_arena_str(&op->arena, vv_str_of(op->error.message)));
    else if (status != VARVE_ENOTFOUND)
        return status;
    vv_forgive(op);
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
    (void)vv_json_int64(vv_json_get(line, "release"), &row.release);
    row.source = vv_json_text(vv_json_get(line, "source"));
    row.whole = vv_json_get_kind(line, "whole", VV_JSON_ARRAY);
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
    bool are_named = ids_len > 0;
    if (!are_named) {
        VV_TRY(vv_quarantine_ids(op, table, &op->arena, &all, &ids_len));
        ids = all;
    }
    for (size_t i = 0; i < ids_len; i++) {
        struct vv_quarantine_file file = {.lines_len = 0};
        struct vv_str key = key_of(&op->arena, ids[i]);
        if (key.ptr == NULL)
            return vv_fail_memory(op);
        varve_status status = vv_quarantine_read(op, table, &op->arena, ids[i], &file);
        bool is_gone = status == VARVE_ENOTFOUND && !are_named;
        if (status == VARVE_ECORRUPT || is_gone)
            vv_forgive(op); /* how many rows it had nobody knows */
        else
            VV_TRY(status);
        VV_TRY(vv_store_remove(op, table->store, key));
        rows += (int64_t)file.lines_len;
    }
    *out_rows = rows;
    return vv_store_settle(op, table->store, VV_STR(VV_QUARANTINE_FOLDER));
}
