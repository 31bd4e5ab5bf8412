#include "delta/last_checkpoint.h"

#include <stdlib.h>

#include "base/hash.h"
#include "delta/action.h"
#include "delta/log_name.h"

#define HINT_BYTES_MAX ((size_t)1 << 20)

/* One scalar of the document: `"k1"+"k3"+0` and its value, both in canonical form. */
struct leaf {
    struct vv_str path;
    struct vv_str value;
};

struct leaves {
    struct leaf *items;
    size_t len, capacity;
};

static bool is_unreserved(char byte)
{
    return (byte >= 'a' && byte <= 'z') || (byte >= 'A' && byte <= 'Z') ||
           (byte >= '0' && byte <= '9') || byte == '-' || byte == '.' || byte == '_' ||
           byte == '~';
}

static void add_quoted(struct vv_buf *out, struct vv_str text)
{
    vv_buf_addc(out, '"');
    for (size_t i = 0; i < text.len; i++) {
        if (is_unreserved(text.ptr[i]))
            vv_buf_addc(out, text.ptr[i]);
        else
            vv_buf_addf(out, "%%%02X", (unsigned)(unsigned char)text.ptr[i]);
    }
    vv_buf_addc(out, '"');
}

static void add_scalar(struct vv_buf *out, const struct vv_json *value)
{
    if (vv_json_is(value, VV_JSON_STRING))
        add_quoted(out, vv_json_text(value));
    else if (vv_json_is(value, VV_JSON_NUMBER))
        vv_buf_add(out, vv_json_text(value));
    else if (vv_json_is(value, VV_JSON_BOOL))
        vv_buf_adds(out, vv_json_bool(value, false) ? "true" : "false");
    else
        vv_buf_adds(out, "null");
}

static varve_status add_leaf(struct vv_op *op, struct leaves *leaves, struct vv_str path,
    const struct vv_json *value)
{
    VV_CLEANUP(vv_buf_done) struct vv_buf text = VV_BUF_INIT(VV_BUF_MAX);
    add_scalar(&text, value);
    void *items = leaves->items;
    if (!vv_buf_ok(&text) || !vv_arena_grow(&op->arena, &items, leaves->len, &leaves->capacity,
                                 sizeof(struct leaf), _Alignof(struct leaf)))
        return vv_fail_memory(op);
    leaves->items = items;
    struct leaf leaf = {
        vv_arena_str(&op->arena, path), vv_arena_str(&op->arena, vv_buf_str(&text))};
    if (leaf.path.ptr == NULL || leaf.value.ptr == NULL)
        return vv_fail_memory(op);
    leaves->items[leaves->len++] = leaf;
    return VARVE_OK;
}

/* `path` holds the path of `container` and does so again on return. Depth: base/json's limit. */
static varve_status collect(struct vv_op *op, const struct vv_json *container,
    struct vv_buf *path, struct leaves *leaves)
{
    const struct vv_json *iterator = NULL;
    const struct vv_json *value = NULL;
    struct vv_str name = VV_STR_NONE;
    bool is_array = vv_json_is(container, VV_JSON_ARRAY);
    bool is_top = path->len == 0;
    size_t path_len = path->len;
    for (size_t i = 0; vv_json_each(container, &iterator, &name, &value); i++) {
        if (is_top && vv_str_eq(name, VV_STR("checksum")))
            continue;
        if (!is_top)
            vv_buf_addc(path, '+');
        if (is_array)
            vv_buf_addf(path, "%zu", i);
        else
            add_quoted(path, name);
        if (!vv_buf_ok(path))
            return vv_fail_memory(op);
        if (vv_json_is(value, VV_JSON_ARRAY) || vv_json_is(value, VV_JSON_OBJECT))
            VV_TRY(collect(op, value, path, leaves));
        else
            VV_TRY(add_leaf(op, leaves, vv_buf_str(path), value));
        vv_buf_cut(path, path_len);
    }
    return VARVE_OK;
}

static int by_path(const void *a, const void *b)
{
    return vv_str_cmp(((const struct leaf *)a)->path, ((const struct leaf *)b)->path);
}

varve_status vv_last_checkpoint_checksum(struct vv_op *op, const struct vv_json *object,
    char out_hex[33])
{
    VV_CLEANUP(vv_buf_done) struct vv_buf path = VV_BUF_INIT(VV_BUF_MAX);
    VV_CLEANUP(vv_buf_done) struct vv_buf text = VV_BUF_INIT(VV_BUF_MAX);
    struct leaves leaves = {0};
    VV_TRY(collect(op, object, &path, &leaves));
    if (leaves.len > 0)
        qsort(leaves.items, leaves.len, sizeof(struct leaf), by_path);
    for (size_t i = 0; i < leaves.len; i++) {
        if (i > 0)
            vv_buf_addc(&text, ',');
        vv_buf_add(&text, leaves.items[i].path);
        vv_buf_addc(&text, '=');
        vv_buf_add(&text, leaves.items[i].value);
    }
    if (!vv_buf_ok(&text))
        return vv_fail_memory(op);
    return vv_md5(op, vv_buf_str(&text), out_hex);
}

/* One that is too large for a hint is none. Else memory is out, which is told. */
static varve_status fail_large(struct vv_op *op, struct vv_store *store)
{
    struct vv_object object = {0};
    vv_forgive(op);
    varve_status status = vv_store_head(op, store, VV_STR(VV_LAST_CHECKPOINT_KEY), &object);
    if (status == VARVE_OK && object.bytes >= (int64_t)HINT_BYTES_MAX)
        return vv_fail(op, VARVE_ECORRUPT, "it has %" PRId64 " bytes", object.bytes);
    if (status != VARVE_OK && status != VARVE_ENOTFOUND)
        return status;
    if (status == VARVE_ENOTFOUND)
        vv_forgive(op);
    return vv_fail_memory(op);
}

varve_status vv_last_checkpoint_look(struct vv_op *op, struct vv_store *store,
    int64_t *out_version)
{
    VV_CLEANUP(vv_arena_done) struct vv_arena arena = VV_ARENA_INIT(HINT_BYTES_MAX);
    struct vv_str bytes;
    const struct vv_json *hint = NULL;
    varve_status status =
        vv_store_get(op, store, &arena, VV_STR(VV_LAST_CHECKPOINT_KEY), &bytes);
    if (status != VARVE_OK)
        return status == VARVE_ELIMIT ? fail_large(op, store) : status;
    VV_TRY(vv_json_parse(op, &op->arena, bytes, &hint));
    int64_t version = VV_NO_VERSION;
    if (!vv_json_is(hint, VV_JSON_OBJECT) ||
        !vv_json_int64(vv_json_get(hint, "version"), &version) || version < 0 ||
        version > VV_VERSION_MAX)
        return vv_fail(op, VARVE_ECORRUPT, "no version in it");
    struct vv_str recorded = vv_json_text(vv_json_get_kind(hint, "checksum", VV_JSON_STRING));
    if (recorded.ptr != NULL) {
        char actual[33];
        VV_TRY(vv_last_checkpoint_checksum(op, hint, actual));
        if (!vv_str_eq_nocase(recorded, vv_str_of(actual)))
            return vv_fail(op, VARVE_ECORRUPT, "its checksum does not hold");
    }
    *out_version = version;
    return VARVE_OK;
}

varve_status vv_last_checkpoint_read(struct vv_op *op, struct vv_store *store,
    int64_t *out_version)
{
    int64_t version = VV_NO_VERSION;
    varve_status status = vv_last_checkpoint_look(op, store, &version);
    if (status == VARVE_EINTERRUPTED || status == VARVE_ELIMIT)
        return status;
    if (status != VARVE_OK) {
        if (status != VARVE_ENOTFOUND)
            vv_log(op, VV_LOG_INFO, "log.hint_ignored", "%s is not used: %s",
                VV_LAST_CHECKPOINT_KEY, op->error.message);
        vv_forgive(op);
    }
    *out_version = version;
    return VARVE_OK;
}
