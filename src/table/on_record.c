#include "table/on_record.h"

#include "base/hash.h"
#include "delta/stats.h"
#include "table/file_keys.h"

#define AT_ONCE_BYTES (INT64_C(256) << 10) /* are hashed in less time than a thread is worth */

struct vv_on_record_file {
    struct vv_str path, sha256;
};

static varve_status judge_size(struct vv_op *op, const struct vv_store *store,
    const struct vv_file *file, int64_t found)
{
    if (found == file->bytes)
        return VARVE_OK;
    return vv_fail(op, VARVE_ECORRUPT,
        "%.*s: the file is not as it was written: it has %" PRId64 " bytes, and %" PRId64
        " are on record",
        VV_ARG(vv_file_path(op, store, file)), found, file->bytes);
}

static varve_status judge_hash(struct vv_op *op, struct vv_str path, struct vv_str said,
    const char *found)
{
    if (vv_str_eq(said, vv_str_of(found)))
        return VARVE_OK;
    return vv_fail(op, VARVE_ECORRUPT,
        "%.*s: the file is not as it was written: its SHA-256 is %s, and %.*s is on record",
        VV_ARG(path), found, VV_ARG(said));
}

static varve_status check_size(struct vv_op *op, struct vv_store *store,
    const struct vv_file *file)
{
    struct vv_object object = {0};
    struct vv_str key = VV_STR_NONE;
    VV_TRY(vv_key_in_folder(op, &op->arena, store, file->key, file->absolute, &key));
    if (key.ptr == NULL)
        return VARVE_OK;
    varve_status status = vv_store_head(op, store, key, &object);
    if (status == VARVE_OK)
        return judge_size(op, store, file, object.bytes);
    if (status != VARVE_ENOTFOUND)
        return status;
    vv_forgive(op);
    return VARVE_OK;
}

varve_status vv_on_record_sizes(struct vv_op *op, struct vv_store *store,
    const struct vv_file *const *files, size_t files_len)
{
    for (size_t i = 0; i < files_len; i++) {
        VV_TRY(vv_check_cancel(op));
        VV_TRY(check_size(op, store, files[i]));
    }
    return VARVE_OK;
}

static varve_status check_hash(struct vv_op *op, const struct vv_on_record_file *file)
{
    char found[VV_SHA256_HEX_BYTES];
    if (vv_sha256_file(op, file->path.ptr, found, NULL) != VARVE_OK)
        return vv_file_unread(op);
    return judge_hash(op, file->path, file->sha256, found);
}

static varve_status check_hashes(struct vv_op *op, void *data)
{
    const struct vv_on_record *record = data;
    for (size_t i = 0; i < record->len; i++)
        VV_TRY(check_hash(op, &record->items[i]));
    return VARVE_OK;
}

static varve_status add_file(struct vv_op *op, struct vv_store *store,
    const struct vv_file *file, struct vv_on_record *record)
{
    struct vv_str sha256 = vv_pairs_get(&file->tags, VV_STR(VV_TAG_SHA256));
    struct vv_on_record_file *item = &record->items[record->len];
    if (sha256.len == 0)
        return VARVE_OK;
    *item = (struct vv_on_record_file){.sha256 = sha256};
    if (file->absolute)
        item->path = vv_arena_str(&op->arena, file->key);
    else
        VV_TRY(vv_file_fetch(op, store, file->key, &item->path));
    record->len++;
    return item->path.ptr != NULL ? VARVE_OK : vv_fail_memory(op);
}

varve_status vv_on_record_bytes(struct vv_op *op, const struct vv_store *store,
    const struct vv_file *file, struct vv_str bytes)
{
    char found[VV_SHA256_HEX_BYTES];
    struct vv_str said = vv_pairs_get(&file->tags, VV_STR(VV_TAG_SHA256));
    if (said.len == 0)
        return judge_size(op, store, file, (int64_t)bytes.len);
    VV_TRY(vv_sha256(op, bytes, found));
    return judge_hash(op, vv_file_path(op, store, file), said, found);
}

varve_status vv_on_record_begin(struct vv_op *op, struct vv_store *store,
    const struct vv_file *const *files, size_t files_len, struct vv_on_record *out)
{
    int64_t bytes = 0;
    *out = (struct vv_on_record){.len = 0};
    VV_NEW(op, &out->items, struct vv_on_record_file, files_len + 1);
    for (size_t i = 0; i < files_len; i++) {
        VV_TRY(add_file(op, store, files[i], out));
        bytes += files[i]->bytes;
    }
    if (bytes > AT_ONCE_BYTES)
        vv_aside_begin(op, check_hashes, out, &out->aside);
    return VARVE_OK;
}

varve_status vv_on_record_end(struct vv_op *op, struct vv_on_record *record)
{
    varve_status status = VARVE_OK;
    if (!vv_aside_wait(op,
            &record->aside)) /* it was not begun, or what it found is to be told */
        status = check_hashes(op, record);
    record->len = 0;
    return status;
}

void vv_on_record_stop(struct vv_on_record *record)
{
    vv_aside_stop(&record->aside);
}
