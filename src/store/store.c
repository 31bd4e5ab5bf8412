#include "store/store.h"

#include <stdatomic.h>
#include <sys/stat.h>

#include "base/uuid.h"
#include "store/key.h"
#include "store/local.h"

#define TURN_PAUSE_FIRST_US 500
#define TURN_PAUSE_MAX_US 8000

/* The length of "scheme" in "scheme:...", 0 where there is none. One letter is no scheme. */
static size_t scheme_len(struct vv_str location)
{
    size_t colon = vv_str_find(location, ':');
    if (colon == location.len || colon < 2)
        return 0;
    for (size_t i = 0; i < colon; i++) {
        char byte = location.ptr[i];
        bool letter = (byte >= 'a' && byte <= 'z') || (byte >= 'A' && byte <= 'Z');
        bool other = (byte >= '0' && byte <= '9') || byte == '+' || byte == '.' || byte == '-';
        if (!letter && (i == 0 || !other))
            return 0;
    }
    /* Of a path with a colon only this is a URL; "file:/a" is how Hadoop writes one. */
    struct vv_str behind = vv_str_skip(location, colon + 1);
    bool is_file = vv_str_eq_nocase(vv_str_first(location, colon), VV_STR("file"));
    return vv_str_starts(behind, is_file ? VV_STR("/") : VV_STR("//")) ? colon : 0;
}

static int hex_value(char digit)
{
    if (digit >= '0' && digit <= '9')
        return digit - '0';
    char lower = (char)(digit | 0x20);
    return lower >= 'a' && lower <= 'f' ? lower - 'a' + 10 : -1;
}

static varve_status decode(struct vv_op *op, struct vv_str text, struct vv_str *out)
{
    char *path;
    VV_NEW(op, &path, char, text.len + 1);
    size_t len = 0;
    for (size_t i = 0; i < text.len; i++) {
        char byte = text.ptr[i];
        if (byte == '%') {
            int high = i + 2 < text.len ? hex_value(text.ptr[i + 1]) : -1;
            int low = i + 2 < text.len ? hex_value(text.ptr[i + 2]) : -1;
            if (high < 0 || low < 0)
                return vv_fail(op, VARVE_EUSAGE,
                    "\"%.*s\" has a \"%%\" without two hexadecimal digits behind it; write a"
                    " percent sign as %%25",
                    VV_ARG(text));
            byte = (char)(high * 16 + low);
            i += 2;
        }
        path[len++] = byte;
    }
    *out = (struct vv_str){path, len};
    return VARVE_OK;
}

/* The path of "file:///path", "file://localhost/path" or "file:/path". */
static varve_status file_path(struct vv_op *op, struct vv_str location, struct vv_str *out)
{
    struct vv_str path = vv_str_skip(location, sizeof("file:") - 1);
    if (vv_str_starts(path, VV_STR("//"))) {
        path = vv_str_skip(path, 2);
        struct vv_str host = vv_str_first(path, vv_str_find(path, '/'));
        if (host.len > 0 && !vv_str_eq_nocase(host, VV_STR("localhost")))
            return vv_fail(op, VARVE_EUNSUPPORTED,
                "\"%.*s\" names another machine; write file:///path for a folder of this one",
                VV_ARG(location));
        path = vv_str_skip(path, host.len);
    }
    return decode(op, path, out);
}

varve_status vv_store_open(struct vv_op *op, struct vv_str location,
    const struct vv_store_options *options, struct vv_store **out)
{
    struct vv_str path = location;
    size_t scheme = scheme_len(location);
    if (scheme > 0 && !vv_str_eq_nocase(vv_str_first(location, scheme), VV_STR("file")))
        return vv_fail(op, VARVE_EUNSUPPORTED,
            "\"%.*s\": there is no store for \"%.*s:\"; give the path of a folder",
            VV_ARG(location), VV_ARG(vv_str_first(location, scheme)));
    if (scheme > 0)
        VV_TRY(file_path(op, location, &path));
    if (path.len == 0)
        return vv_fail(op, VARVE_EUSAGE, "the path of the folder is empty");
    if (vv_str_find(path, '\0') < path.len)
        return vv_fail(op, VARVE_EUSAGE, "the path of the folder holds a NUL byte");
    return vv_local_open(op, path, options, out);
}

void vv_store_close(struct vv_store **store)
{
    if (*store != NULL)
        (*store)->ops->close(*store);
    *store = NULL;
}

varve_status vv_store_get(struct vv_op *op, struct vv_store *store, struct vv_arena *arena,
    struct vv_str key, struct vv_str *out)
{
    VV_TRY(vv_key_check(op, key));
    return store->ops->get(op, store, arena, key, out);
}

varve_status vv_store_head(struct vv_op *op, struct vv_store *store, struct vv_str key,
    struct vv_object *out)
{
    VV_TRY(vv_key_check(op, key));
    return store->ops->head(op, store, key, out);
}

varve_status vv_store_put(struct vv_op *op, struct vv_store *store, struct vv_str key,
    struct vv_str bytes)
{
    VV_TRY(vv_key_check(op, key));
    if (vv_str_is_lost(bytes))
        return vv_fail_memory(op);
    return store->ops->put(op, store, key, bytes);
}

varve_status vv_store_put_if_absent(struct vv_op *op, struct vv_store *store, struct vv_str key,
    struct vv_str bytes, int64_t modified_us, enum vv_put_outcome *out)
{
    VV_TRY(vv_key_check(op, key));
    if (vv_str_is_lost(bytes))
        return vv_fail_memory(op);
    return store->ops->put_if_absent(op, store, key, bytes, modified_us, out);
}

varve_status vv_store_list(struct vv_op *op, struct vv_store *store, struct vv_arena *arena,
    struct vv_str folder, struct vv_str after, size_t max, struct vv_objects *out)
{
    VV_TRY(vv_key_check_folder(op, folder));
    return store->ops->list(op, store, arena, folder, after, max, out);
}

varve_status vv_store_list_folders(struct vv_op *op, struct vv_store *store,
    struct vv_arena *arena, struct vv_str folder, struct vv_objects *out)
{
    VV_TRY(vv_key_check_folder(op, folder));
    return store->ops->list_folders(op, store, arena, folder, out);
}

varve_status vv_store_remove(struct vv_op *op, struct vv_store *store, struct vv_str key)
{
    VV_TRY(vv_key_check(op, key));
    return store->ops->remove(op, store, key);
}

varve_status vv_store_settle(struct vv_op *op, struct vv_store *store, struct vv_str folder)
{
    VV_TRY(vv_key_check_folder(op, folder));
    return store->ops->settle != NULL ? store->ops->settle(op, store, folder) : VARVE_OK;
}

varve_status vv_store_touch(struct vv_op *op, struct vv_store *store, struct vv_str key,
    int64_t modified_us)
{
    VV_TRY(vv_key_check(op, key));
    if (store->ops->touch == NULL)
        return vv_fail(op, VARVE_EUNSUPPORTED,
            "the storage at %.*s sets the times of its objects itself: they can't be changed",
            VV_ARG(store->location));
    return store->ops->touch(op, store, key, modified_us);
}

varve_status vv_store_sweep(struct vv_op *op, struct vv_store *store, struct vv_str folder,
    int64_t age_us, size_t *out_removed)
{
    VV_TRY(vv_key_check_folder(op, folder));
    return store->ops->sweep(op, store, folder, age_us, out_removed);
}

varve_status vv_store_stage(struct vv_op *op, struct vv_store *store, struct vv_arena *arena,
    struct vv_str key, struct vv_str *out_path)
{
    VV_TRY(vv_key_check(op, key));
    return store->ops->stage(op, store, arena, key, out_path);
}

varve_status vv_store_restage(struct vv_op *op, struct vv_store *store, struct vv_str key,
    struct vv_str new_key)
{
    VV_TRY(vv_key_check(op, key));
    VV_TRY(vv_key_check(op, new_key));
    if (store->ops->restage == NULL)
        return vv_fail(op, VARVE_EUNSUPPORTED, "the storage at %.*s can't move a file",
            VV_ARG(store->location));
    return store->ops->restage(op, store, key, new_key);
}

void vv_store_hasten(struct vv_store *store, const char *path)
{
    if (store->ops->hasten != NULL)
        store->ops->hasten(store, path);
}

varve_status vv_store_publish(struct vv_op *op, struct vv_store *store,
    const struct vv_str *keys, size_t keys_len)
{
    for (size_t i = 0; i < keys_len; i++)
        VV_TRY(vv_key_check(op, keys[i]));
    return store->ops->publish(op, store, keys, keys_len);
}

bool vv_store_is_link(const struct vv_store *store)
{
    struct stat status;
    return lstat(store->location.ptr, &status) == 0 && S_ISLNK(status.st_mode);
}

bool vv_store_is_at(const struct vv_store *store, struct vv_str location)
{
    struct stat own;
    struct stat other;
    if (vv_str_eq(store->location, location))
        return true;
    return stat(store->location.ptr, &own) == 0 && stat(location.ptr, &other) == 0 &&
           own.st_dev == other.st_dev && own.st_ino == other.st_ino;
}

varve_status vv_store_fetch(struct vv_op *op, struct vv_store *store, struct vv_arena *arena,
    struct vv_str key, struct vv_str *out_path)
{
    VV_TRY(vv_key_check(op, key));
    return store->ops->fetch(op, store, arena, key, out_path);
}

varve_status vv_store_at(struct vv_op *op, struct vv_store *store, struct vv_str prefix,
    struct vv_store **out)
{
    VV_TRY(vv_key_check(op, prefix));
    return store->ops->at(op, store, prefix, out);
}

void vv_store_take_turn(struct vv_op *op, struct vv_store *store, struct vv_str folder,
    int64_t wait_us, struct vv_turn *out)
{
    int64_t pause_us = TURN_PAUSE_FIRST_US;
    *out = (struct vv_turn){0};
    if (store->ops->try_turn == NULL)
        return;
    while (!store->ops->try_turn(op, store, folder, out) && wait_us > 0) {
        if (op->env->cancel != NULL && atomic_load(op->env->cancel))
            return;
        /* Uneven pauses, so that nobody is always the one who looks at the wrong moment. */
        int64_t us = pause_us / 2 + (int64_t)(vv_random64() % (uint64_t)pause_us);
        vv_sleep_us(op, us);
        wait_us -= us;
        if (pause_us < TURN_PAUSE_MAX_US)
            pause_us *= 2;
    }
}

bool vv_store_try_turn(struct vv_op *op, struct vv_store *store, struct vv_str folder,
    struct vv_turn *out)
{
    *out = (struct vv_turn){0};
    return store->ops->try_turn == NULL || store->ops->try_turn(op, store, folder, out);
}

void vv_turn_give(struct vv_turn *turn)
{
    if (turn->give != NULL)
        turn->give(turn);
    *turn = (struct vv_turn){0};
}
