/*
 * Two stores seen as one: what is written goes to the upper one, what is read comes from the upper
 * one or else from the lower one, of which nothing is ever changed. A folder of the lower one can
 * be frozen, so that what others add there is not seen.
 */
#include "base/seam.h"
#include "store/key.h"
#include "store/store.h"

struct overlay {
    struct vv_store store; /* the first member */
    struct vv_store *lower, *upper;
    struct vv_str frozen_folder, frozen_after; /* ptr NULL: none; in `arena` */
    struct vv_arena arena;
};

static struct overlay *overlay_of(struct vv_store *store)
{
    return (struct overlay *)store;
}

/* Of the lower store: whether it was not there yet when the folder was frozen. */
static bool is_hidden(const struct overlay *overlay, struct vv_str key)
{
    struct vv_str folder = overlay->frozen_folder;
    return folder.ptr != NULL && key.len > folder.len && key.ptr[folder.len] == '/' &&
           vv_str_starts(key, folder) && vv_str_cmp(key, overlay->frozen_after) > 0;
}

static varve_status fail_hidden(struct vv_op *op, struct vv_str key)
{
    return vv_fail(op, VARVE_ENOTFOUND, "%.*s: not there in this view", VV_ARG(key));
}

static varve_status overlay_get(struct vv_op *op, struct vv_store *store,
    struct vv_arena *arena, struct vv_str key, struct vv_str *out)
{
    struct overlay *overlay = overlay_of(store);
    varve_status status = vv_store_get(op, overlay->upper, arena, key, out);
    if (status != VARVE_ENOTFOUND)
        return status;
    vv_forgive(op);
    return is_hidden(overlay, key) ? fail_hidden(op, key)
                                   : vv_store_get(op, overlay->lower, arena, key, out);
}

static varve_status overlay_head(struct vv_op *op, struct vv_store *store, struct vv_str key,
    struct vv_object *out)
{
    struct overlay *overlay = overlay_of(store);
    varve_status status = vv_store_head(op, overlay->upper, key, out);
    if (status != VARVE_ENOTFOUND)
        return status;
    vv_forgive(op);
    return is_hidden(overlay, key) ? fail_hidden(op, key)
                                   : vv_store_head(op, overlay->lower, key, out);
}

static varve_status overlay_put(struct vv_op *op, struct vv_store *store, struct vv_str key,
    struct vv_str bytes)
{
    return vv_store_put(op, overlay_of(store)->upper, key, bytes);
}

static varve_status overlay_put_if_absent(struct vv_op *op, struct vv_store *store,
    struct vv_str key, struct vv_str bytes, int64_t modified_us, enum vv_put_outcome *out)
{
    struct overlay *overlay = overlay_of(store);
    struct vv_object there;
    varve_status status = is_hidden(overlay, key)
                              ? VARVE_ENOTFOUND
                              : vv_store_head(op, overlay->lower, key, &there);
    if (status == VARVE_OK) {
        *out = VV_PUT_EXISTS;
        return VARVE_OK;
    }
    if (status != VARVE_ENOTFOUND)
        return status;
    if (op->failed)
        vv_forgive(op);
    return vv_store_put_if_absent(op, overlay->upper, key, bytes, modified_us, out);
}

static varve_status object_add(struct vv_op *op, struct vv_arena *arena,
    const struct vv_object *object, struct vv_objects *out)
{
    void *items = out->items;
    if (!vv_arena_grow(arena, &items, out->len, &out->capacity, sizeof(struct vv_object),
            _Alignof(struct vv_object)))
        return vv_fail_memory(op);
    out->items = items;
    out->items[out->len++] = *object;
    return VARVE_OK;
}

/* Both are in byte order; of two of one key the upper one counts. */
static varve_status merge(struct vv_op *op, const struct overlay *overlay,
    struct vv_arena *arena, const struct vv_objects *lower, const struct vv_objects *upper,
    size_t max, struct vv_objects *out)
{
    struct vv_objects merged = {0};
    size_t low = 0;
    size_t up = 0;
    while ((low < lower->len || up < upper->len) && (max == 0 || merged.len < max)) {
        int order = 0;
        if (low < lower->len && is_hidden(overlay, lower->items[low].key)) {
            low++;
            continue;
        }
        if (low == lower->len)
            order = 1;
        else if (up == upper->len)
            order = -1;
        else
            order = vv_str_cmp(lower->items[low].key, upper->items[up].key);
        VV_TRY(object_add(op, arena, order < 0 ? &lower->items[low] : &upper->items[up],
            &merged));
        low += order <= 0;
        up += order >= 0;
    }
    *out = merged;
    return VARVE_OK;
}

static varve_status overlay_list(struct vv_op *op, struct vv_store *store,
    struct vv_arena *arena, struct vv_str folder, struct vv_str after, size_t max,
    struct vv_objects *out)
{
    struct overlay *overlay = overlay_of(store);
    struct vv_objects lower = {0};
    struct vv_objects upper = {0};
    VV_TRY(vv_store_list(op, overlay->lower, arena, folder, after, 0, &lower));
    VV_TRY(vv_store_list(op, overlay->upper, arena, folder, after, 0, &upper));
    return merge(op, overlay, arena, &lower, &upper, max, out);
}

static varve_status overlay_list_folders(struct vv_op *op, struct vv_store *store,
    struct vv_arena *arena, struct vv_str folder, struct vv_objects *out)
{
    struct overlay *overlay = overlay_of(store);
    struct vv_objects lower = {0};
    struct vv_objects upper = {0};
    VV_TRY(vv_store_list_folders(op, overlay->lower, arena, folder, &lower));
    VV_TRY(vv_store_list_folders(op, overlay->upper, arena, folder, &upper));
    return merge(op, overlay, arena, &lower, &upper, 0, out);
}

/* Of the upper one alone: an object of the lower one stays to be seen. */
static varve_status overlay_remove(struct vv_op *op, struct vv_store *store, struct vv_str key)
{
    return vv_store_remove(op, overlay_of(store)->upper, key);
}

static varve_status overlay_settle(struct vv_op *op, struct vv_store *store,
    struct vv_str folder)
{
    return vv_store_settle(op, overlay_of(store)->upper, folder);
}

static varve_status overlay_sweep(struct vv_op *op, struct vv_store *store,
    struct vv_str folder, int64_t age_us, size_t *out_removed)
{
    return vv_store_sweep(op, overlay_of(store)->upper, folder, age_us, out_removed);
}

static varve_status overlay_stage(struct vv_op *op, struct vv_store *store,
    struct vv_arena *arena, struct vv_str key, struct vv_str *out_path)
{
    return vv_store_stage(op, overlay_of(store)->upper, arena, key, out_path);
}

static varve_status overlay_restage(struct vv_op *op, struct vv_store *store, struct vv_str key,
    struct vv_str new_key)
{
    return vv_store_restage(op, overlay_of(store)->upper, key, new_key);
}

static varve_status overlay_publish(struct vv_op *op, struct vv_store *store,
    const struct vv_str *keys, size_t keys_len)
{
    return vv_store_publish(op, overlay_of(store)->upper, keys, keys_len);
}

static varve_status overlay_fetch(struct vv_op *op, struct vv_store *store,
    struct vv_arena *arena, struct vv_str key, struct vv_str *out_path)
{
    struct overlay *overlay = overlay_of(store);
    struct vv_object object;
    varve_status status = vv_store_head(op, overlay->upper, key, &object);
    if (status != VARVE_OK && status != VARVE_ENOTFOUND)
        return status;
    if (status == VARVE_OK)
        return vv_store_fetch(op, overlay->upper, arena, key, out_path);
    vv_forgive(op);
    return vv_store_fetch(op, overlay->lower, arena, key, out_path);
}

static varve_status overlay_at(struct vv_op *op, struct vv_store *store, struct vv_str prefix,
    struct vv_store **out)
{
    (void)store;
    (void)out;
    return vv_fail(op, VARVE_EFAILED, "a view has no store below it (%.*s)", VV_ARG(prefix));
}

static void overlay_close(struct vv_store *store)
{
    struct overlay *overlay = overlay_of(store);
    vv_store_close(&overlay->lower);
    vv_store_close(&overlay->upper);
    vv_arena_done(&overlay->arena);
    vv_free(overlay);
}

static const struct vv_store_ops overlay_ops = {
    .get = overlay_get,
    .head = overlay_head,
    .put = overlay_put,
    .put_if_absent = overlay_put_if_absent,
    .list = overlay_list,
    .list_folders = overlay_list_folders,
    .remove = overlay_remove,
    .settle = overlay_settle,
    .sweep = overlay_sweep,
    .stage = overlay_stage,
    .restage = overlay_restage,
    .publish = overlay_publish,
    .fetch = overlay_fetch,
    .at = overlay_at,
    .close = overlay_close,
};

varve_status vv_store_open_overlay(struct vv_op *op, struct vv_store *lower,
    struct vv_str frozen_folder, struct vv_str frozen_after, struct vv_store **out)
{
    struct overlay *overlay = vv_malloc_zeroed(sizeof(*overlay));
    if (overlay == NULL) {
        vv_store_close(&lower);
        return vv_fail_memory(op);
    }
    overlay->arena = VV_ARENA_INIT(1 << 20);
    overlay->lower = lower;
    overlay->store.ops = &overlay_ops;
    overlay->store.location = lower->location;
    overlay->store.lists_whole = lower->lists_whole;
    overlay->frozen_folder = vv_arena_str(&overlay->arena, frozen_folder);
    overlay->frozen_after = vv_arena_str(&overlay->arena, frozen_after);
    varve_status status =
        overlay->frozen_folder.ptr == NULL || overlay->frozen_after.ptr == NULL
            ? vv_fail_memory(op)
            : vv_store_open_memory(op, &overlay->upper);
    if (status != VARVE_OK)
        overlay_close(&overlay->store);
    else
        *out = &overlay->store;
    return status;
}
