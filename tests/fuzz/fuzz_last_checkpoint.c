/*
 * `_last_checkpoint`: whatever is in it, opening goes on, with its version or without. An object
 * that names a version is believed with the checksum that we work out for it, and not with
 * another.
 */
#include "fuzz.h"

#include "delta/action.h"
#include "delta/last_checkpoint.h"
#include "delta/log_name.h"

static int64_t read_hint(struct vv_op *op, struct vv_store *store, struct vv_str bytes)
{
    int64_t version = 7;
    varve_status status = vv_store_put(op, store, VV_STR(VV_LAST_CHECKPOINT_KEY), bytes);
    VV_PRE(status == VARVE_OK);
    status = vv_last_checkpoint_read(op, store, &version);
    VV_PRE(status == VARVE_OK && version >= VV_NO_VERSION);
    return version;
}

/* The object with a checksum behind its members (the last of two names is the one that counts). */
static struct vv_str with_checksum(struct vv_op *op, struct vv_str object, const char *checksum)
{
    object = vv_str_trim(object);
    return vv_arena_format(&op->arena, "%.*s,\"checksum\":\"%s\"}", (int)object.len - 1,
        object.ptr, checksum);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    VV_CLEANUP(vv_op_done) struct vv_op op;
    VV_CLEANUP(vv_store_close) struct vv_store *store = NULL;
    const struct vv_json *hint = NULL;
    struct vv_str bytes = {(const char *)data, size};
    int64_t version;
    char checksum[33];

    vv_op_init(&op, NULL, (size_t)1 << 30);
    varve_status status = vv_store_open_memory(&op, &store);
    VV_PRE(status == VARVE_OK);
    int64_t believed = read_hint(&op, store, bytes);
    status = vv_json_parse(&op, &op.arena, bytes, &hint);
    bool has_version = status == VARVE_OK && vv_json_is(hint, VV_JSON_OBJECT) &&
                       vv_json_int64(vv_json_get(hint, "version"), &version) && version >= 0 &&
                       version <= VV_VERSION_MAX;
    if (!has_version) {
        vv_forgive(&op);
        VV_PRE(believed == VV_NO_VERSION);
        return 0;
    }
    VV_PRE(believed == version || believed == VV_NO_VERSION);
    status = vv_last_checkpoint_checksum(&op, hint, checksum);
    VV_PRE(status == VARVE_OK);
    VV_PRE(read_hint(&op, store, with_checksum(&op, bytes, checksum)) == version);
    checksum[5] = checksum[5] == '0' ? '1' : '0';
    VV_PRE(read_hint(&op, store, with_checksum(&op, bytes, checksum)) == VV_NO_VERSION);
    return 0;
}
