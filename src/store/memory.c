/*
 * A store in memory, for tests. All stores made from one by `at` share its objects, which are
 * kept sorted by key. Data files, which the engine needs by path, are in a private folder of
 * the system's temporary folder, removed with the last store; an object that was put and is to
 * be read by path is copied there.
 */
#include <errno.h>
#include <ftw.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/seam.h"
#include "store/memory_objects.h"
#include "store/store.h"

/* What all stores over the same objects share. */
struct core {
    pthread_mutex_t lock;
    size_t users;                     /* guarded by: lock */
    struct vv_memory_objects objects; /* guarded by: lock */
    struct vv_store *files;           /* immutable: data files and copies; syncs nothing */
};

struct memory {
    struct vv_store store; /* the first member */
    struct core *core;
    struct vv_arena arena;
    struct vv_str prefix; /* "" or "a/b/" */
};

static struct memory *memory_of(struct vv_store *store)
{
    return (struct memory *)store;
}

/* The key among all objects. */
static varve_status full_key(struct vv_op *op, const struct memory *memory, struct vv_str key,
    struct vv_str *out)
{
    struct vv_str full =
        vv_arena_format(&op->arena, "%.*s%.*s", VV_ARG(memory->prefix), VV_ARG(key));
    if (full.ptr == NULL)
        return vv_fail_memory(op);
    *out = full;
    return VARVE_OK;
}

/* The key of a data file in the store of files. */
static varve_status file_key(struct vv_op *op, const struct memory *memory, struct vv_str key,
    struct vv_str *out)
{
    struct vv_str full =
        vv_arena_format(&op->arena, "data/%.*s%.*s", VV_ARG(memory->prefix), VV_ARG(key));
    if (full.ptr == NULL)
        return vv_fail_memory(op);
    *out = full;
    return VARVE_OK;
}

static enum vv_memory_insertion insert(struct core *core, struct vv_memory_object *object,
    bool replace)
{
    pthread_mutex_lock(&core->lock);
    enum vv_memory_insertion result = vv_memory_objects_insert(&core->objects, object, replace);
    pthread_mutex_unlock(&core->lock);
    return result;
}

static varve_status store_bytes(struct vv_op *op, struct vv_store *store, struct vv_str key,
    struct vv_str bytes, struct vv_memory_object *object)
{
    struct vv_str full;
    VV_TRY(full_key(op, memory_of(store), key, &full));
    struct vv_str content = bytes.ptr != NULL ? bytes : VV_STR("");
    return vv_memory_object_fill(object, full, content) ? VARVE_OK : vv_fail_memory(op);
}

static varve_status memory_put_if_absent(struct vv_op *op, struct vv_store *store,
    struct vv_str key, struct vv_str bytes, int64_t modified_us, enum vv_put_outcome *out)
{
    VV_CLEANUP(vv_memory_object_done)
    struct vv_memory_object object = {
        .modified_us = modified_us != 0 ? modified_us : vv_now_us(op)};
    VV_TRY(store_bytes(op, store, key, bytes, &object));
    enum vv_memory_insertion result = insert(memory_of(store)->core, &object, false);
    if (result == VV_MEMORY_FULL)
        return vv_fail_memory(op);
    *out = result == VV_MEMORY_DONE ? VV_PUT_CREATED : VV_PUT_EXISTS;
    return VARVE_OK;
}

static varve_status memory_put(struct vv_op *op, struct vv_store *store, struct vv_str key,
    struct vv_str bytes)
{
    VV_CLEANUP(vv_memory_object_done)
    struct vv_memory_object object = {.modified_us = vv_now_us(op)};
    VV_TRY(store_bytes(op, store, key, bytes, &object));
    if (insert(memory_of(store)->core, &object, true) == VV_MEMORY_FULL)
        return vv_fail_memory(op);
    return VARVE_OK;
}

static varve_status fail_absent(struct vv_op *op, struct vv_store *store, struct vv_str key)
{
    return vv_fail(op, VARVE_ENOTFOUND, "there is no %.*s in %.*s", VV_ARG(key),
        VV_ARG(store->location));
}

/* A copy of the entry; its bytes are copied to `bytes_arena` where not NULL, else not set. */
static varve_status look_up(struct vv_op *op, struct vv_store *store, struct vv_str key,
    struct vv_arena *bytes_arena, struct vv_memory_object *out)
{
    struct core *core = memory_of(store)->core;
    struct vv_str full;
    VV_TRY(full_key(op, memory_of(store), key, &full));
    pthread_mutex_lock(&core->lock);
    const struct vv_memory_object *found = vv_memory_objects_find(&core->objects, full);
    bool is_there = found != NULL;
    bool enough_memory = true;
    struct vv_memory_object object = {0};
    if (is_there) {
        object = *found;
        object.memory = NULL;
        object.key = VV_STR_NONE;
        if (object.bytes.ptr != NULL && bytes_arena != NULL) {
            object.bytes = vv_arena_str(bytes_arena, object.bytes);
            enough_memory = object.bytes.ptr != NULL;
        }
    }
    pthread_mutex_unlock(&core->lock);
    if (!is_there)
        return fail_absent(op, store, key);
    if (!enough_memory)
        return vv_fail_memory(op);
    *out = object;
    return VARVE_OK;
}

static varve_status memory_get(struct vv_op *op, struct vv_store *store, struct vv_arena *arena,
    struct vv_str key, struct vv_str *out)
{
    struct vv_memory_object object;
    VV_TRY(look_up(op, store, key, arena, &object));
    if (object.bytes.ptr != NULL) {
        *out = object.bytes;
        return VARVE_OK;
    }
    struct vv_str file;
    VV_TRY(file_key(op, memory_of(store), key, &file));
    return vv_store_get(op, memory_of(store)->core->files, arena, file, out);
}

static int64_t bytes_of(const struct vv_memory_object *object)
{
    return object->bytes.ptr != NULL ? (int64_t)object->bytes.len : object->file_bytes;
}

static varve_status memory_head(struct vv_op *op, struct vv_store *store, struct vv_str key,
    struct vv_object *out)
{
    struct vv_memory_object object;
    VV_TRY(look_up(op, store, key, NULL, &object));
    *out = (struct vv_object){
        .key = key,
        .bytes = bytes_of(&object),
        .modified_us = object.modified_us,
    };
    return VARVE_OK;
}

static bool add_item(struct vv_objects *objects, struct vv_arena *arena,
    const struct vv_object *item)
{
    void *items = objects->items;
    if (!vv_arena_grow(arena, &items, objects->len, &objects->capacity, sizeof(*item),
            _Alignof(struct vv_object)))
        return false;
    objects->items = items;
    struct vv_object *added = &objects->items[objects->len++];
    *added = *item;
    added->key = vv_arena_str(arena, item->key);
    return added->key.ptr != NULL;
}

/* A walk over the objects below a folder, under the lock. */
struct walk {
    size_t prefix_len;    /* of the store, not part of its keys */
    struct vv_str folder; /* full, with a slash at the end, or "" */
    struct vv_str after;
    size_t max;
    bool want_folders;
    struct vv_arena *arena;
    struct vv_objects found;
};

/* What the walk shows of an object: itself, or the folder it is in. False: nothing. */
static bool show(const struct walk *walk, const struct vv_memory_object *object,
    struct vv_object *out)
{
    struct vv_str name = vv_str_skip(object->key, walk->folder.len);
    size_t slash = vv_str_find(name, '/');
    if (walk->want_folders != (slash < name.len))
        return false;
    struct vv_str key = vv_str_first(object->key, walk->folder.len + slash);
    *out = (struct vv_object){.key = vv_str_skip(key, walk->prefix_len)};
    if (!walk->want_folders) {
        out->bytes = bytes_of(object);
        out->modified_us = object->modified_us;
    }
    if (walk->after.ptr != NULL && vv_str_cmp(out->key, walk->after) <= 0)
        return false;
    /* Objects of one folder are neighbours. */
    size_t len = walk->found.len;
    return len == 0 || !vv_str_eq(walk->found.items[len - 1].key, out->key);
}

/* False when memory is out. */
static bool walk_objects(const struct vv_memory_objects *objects, struct walk *walk)
{
    for (size_t i = vv_memory_objects_from(objects, walk->folder); i < objects->len; i++) {
        if (!vv_str_starts(objects->items[i].key, walk->folder))
            break;
        struct vv_object item;
        if (!show(walk, &objects->items[i], &item))
            continue;
        if (walk->max != 0 && walk->found.len == walk->max)
            break;
        if (!add_item(&walk->found, walk->arena, &item))
            return false;
    }
    return true;
}

static varve_status walk_folder(struct vv_op *op, struct vv_store *store, struct vv_str folder,
    struct walk *walk, struct vv_objects *out)
{
    const struct memory *memory = memory_of(store);
    VV_TRY(full_key(op, memory, folder, &walk->folder));
    if (folder.len > 0)
        walk->folder = vv_arena_format(&op->arena, "%.*s/", VV_ARG(walk->folder));
    if (walk->folder.ptr == NULL)
        return vv_fail_memory(op);
    walk->prefix_len = memory->prefix.len;
    pthread_mutex_lock(&memory->core->lock);
    bool enough_memory = walk_objects(&memory->core->objects, walk);
    pthread_mutex_unlock(&memory->core->lock);
    if (!enough_memory)
        return vv_fail_memory(op);
    *out = walk->found;
    return VARVE_OK;
}

static int compare_objects(const void *a, const void *b)
{
    const struct vv_object *left = a;
    const struct vv_object *right = b;
    return vv_str_cmp(left->key, right->key);
}

static varve_status memory_list(struct vv_op *op, struct vv_store *store,
    struct vv_arena *arena, struct vv_str folder, struct vv_str after, size_t max,
    struct vv_objects *out)
{
    struct walk walk = {.after = after, .max = max, .arena = arena};
    return walk_folder(op, store, folder, &walk, out);
}

static varve_status memory_list_folders(struct vv_op *op, struct vv_store *store,
    struct vv_arena *arena, struct vv_str folder, struct vv_objects *out)
{
    struct walk walk = {.want_folders = true, .arena = arena};
    struct vv_objects found;
    VV_TRY(walk_folder(op, store, folder, &walk, &found));
    /* "a!/x" is before "a/x" among keys, but "a" is before "a!" among folders. */
    if (found.len > 1)
        qsort(found.items, found.len, sizeof(found.items[0]), compare_objects);
    *out = found;
    return VARVE_OK;
}

static varve_status memory_remove(struct vv_op *op, struct vv_store *store, struct vv_str key)
{
    struct core *core = memory_of(store)->core;
    struct vv_str full;
    struct vv_str file;
    VV_TRY(full_key(op, memory_of(store), key, &full));
    VV_TRY(file_key(op, memory_of(store), key, &file));
    pthread_mutex_lock(&core->lock);
    vv_memory_objects_remove(&core->objects, full);
    pthread_mutex_unlock(&core->lock);
    return vv_store_remove(op, core->files, file);
}

static varve_status memory_sweep(struct vv_op *op, struct vv_store *store, struct vv_str folder,
    int64_t age_us, size_t *out_removed)
{
    (void)op;
    (void)store;
    (void)folder;
    (void)age_us;
    *out_removed = 0; /* there are no temporary files in memory */
    return VARVE_OK;
}

static varve_status memory_stage(struct vv_op *op, struct vv_store *store,
    struct vv_arena *arena, struct vv_str key, struct vv_str *out_path)
{
    struct vv_memory_object object;
    if (look_up(op, store, key, NULL, &object) == VARVE_OK)
        return vv_fail(op, VARVE_EIO, "cannot make a new file: %.*s is there", VV_ARG(key));
    if (op->error.code != VARVE_ENOTFOUND)
        return op->error.code;
    vv_forgive(op);
    struct vv_str file;
    VV_TRY(file_key(op, memory_of(store), key, &file));
    return vv_store_stage(op, memory_of(store)->core->files, arena, file, out_path);
}

static varve_status memory_restage(struct vv_op *op, struct vv_store *store, struct vv_str key,
    struct vv_str new_key)
{
    struct vv_str file;
    struct vv_str new_path;
    VV_TRY(memory_stage(op, store, &op->arena, new_key, &new_path));
    VV_TRY(file_key(op, memory_of(store), key, &file));
    struct vv_str new_file;
    VV_TRY(file_key(op, memory_of(store), new_key, &new_file));
    return vv_store_restage(op, memory_of(store)->core->files, file, new_file);
}

static varve_status publish_file(struct vv_op *op, struct vv_store *store, struct vv_str key)
{
    const struct memory *memory = memory_of(store);
    struct vv_memory_object known;
    if (look_up(op, store, key, NULL, &known) == VARVE_OK)
        return VARVE_OK;
    if (op->error.code != VARVE_ENOTFOUND)
        return op->error.code;
    vv_forgive(op);
    struct vv_str full;
    struct vv_str file;
    struct vv_object status;
    VV_TRY(full_key(op, memory, key, &full));
    VV_TRY(file_key(op, memory, key, &file));
    VV_TRY(vv_store_head(op, memory->core->files, file, &status));
    VV_CLEANUP(vv_memory_object_done)
    struct vv_memory_object object = {
        .file_bytes = status.bytes, .modified_us = status.modified_us};
    if (!vv_memory_object_fill(&object, full, VV_STR_NONE) ||
        insert(memory->core, &object, false) == VV_MEMORY_FULL)
        return vv_fail_memory(op);
    return VARVE_OK;
}

static varve_status memory_publish(struct vv_op *op, struct vv_store *store,
    const struct vv_str *keys, size_t keys_len)
{
    for (size_t i = 0; i < keys_len; i++)
        VV_TRY(publish_file(op, store, keys[i]));
    return VARVE_OK;
}

static varve_status memory_fetch(struct vv_op *op, struct vv_store *store,
    struct vv_arena *arena, struct vv_str key, struct vv_str *out_path)
{
    struct vv_store *files = memory_of(store)->core->files;
    struct vv_memory_object object;
    struct vv_str file;
    VV_TRY(look_up(op, store, key, &op->arena, &object));
    if (object.bytes.ptr == NULL) {
        VV_TRY(file_key(op, memory_of(store), key, &file));
        return vv_store_fetch(op, files, arena, file, out_path);
    }
    /* Each content has a copy of its own, so that one fetched before stays readable. */
    file = vv_arena_format(&op->arena, "copies/%" PRIu64, object.number);
    if (file.ptr == NULL)
        return vv_fail_memory(op);
    enum vv_put_outcome outcome;
    VV_TRY(vv_store_put_if_absent(op, files, file, object.bytes, object.modified_us, &outcome));
    return vv_store_fetch(op, files, arena, file, out_path);
}

static int remove_entry(const char *path, const struct stat *status, int type,
    struct FTW *where)
{
    (void)status;
    (void)type;
    (void)where;
    (void)remove(path);
    return 0;
}

static void core_free(struct core *core)
{
    vv_memory_objects_done(&core->objects);
    if (core->files != NULL)
        (void)nftw(core->files->location.ptr, remove_entry, 16, FTW_DEPTH | FTW_PHYS);
    vv_store_close(&core->files);
    (void)pthread_mutex_destroy(&core->lock);
    vv_free(core);
}

static void core_release(struct core **core)
{
    if (*core == NULL)
        return;
    pthread_mutex_lock(&(*core)->lock);
    size_t left = --(*core)->users;
    pthread_mutex_unlock(&(*core)->lock);
    if (left == 0)
        core_free(*core);
    *core = NULL;
}

static void memory_close(struct vv_store *store)
{
    struct memory *memory = memory_of(store);
    core_release(&memory->core);
    vv_arena_done(&memory->arena);
    vv_free(memory);
}

static varve_status memory_at(struct vv_op *op, struct vv_store *store, struct vv_str prefix,
    struct vv_store **out);

static const struct vv_store_ops memory_ops = {
    .get = memory_get,
    .head = memory_head,
    .put = memory_put,
    .put_if_absent = memory_put_if_absent,
    .list = memory_list,
    .list_folders = memory_list_folders,
    .remove = memory_remove,
    .sweep = memory_sweep,
    .stage = memory_stage,
    .restage = memory_restage,
    .publish = memory_publish,
    .fetch = memory_fetch,
    .at = memory_at,
    .close = memory_close,
};

/* Becomes one more user of the core. */
static varve_status memory_new(struct vv_op *op, struct core *core, struct vv_str prefix,
    struct vv_store **out)
{
    struct memory *memory = vv_malloc(sizeof(*memory));
    if (memory == NULL)
        return vv_fail_memory(op);
    *memory = (struct memory){.arena = VV_ARENA_INIT((size_t)1 << 20)};
    memory->store.ops = &memory_ops;
    memory->prefix = vv_arena_str(&memory->arena, prefix);
    memory->store.location = vv_arena_format(&memory->arena, "memory:%.*s", VV_ARG(prefix));
    if (memory->prefix.ptr == NULL || memory->store.location.ptr == NULL) {
        memory_close(&memory->store);
        return vv_fail_memory(op);
    }
    memory->core = core;
    pthread_mutex_lock(&core->lock);
    core->users++;
    pthread_mutex_unlock(&core->lock);
    *out = &memory->store;
    return VARVE_OK;
}

static varve_status memory_at(struct vv_op *op, struct vv_store *store, struct vv_str prefix,
    struct vv_store **out)
{
    struct vv_str full;
    VV_TRY(full_key(op, memory_of(store), prefix, &full));
    full = vv_arena_format(&op->arena, "%.*s/", VV_ARG(full));
    if (full.ptr == NULL)
        return vv_fail_memory(op);
    return memory_new(op, memory_of(store)->core, full, out);
}

static varve_status open_files(struct vv_op *op, struct vv_store **out)
{
    const char *parent = getenv("TMPDIR");
    struct vv_str pattern = vv_arena_format(&op->arena, "%s/varve-memory-XXXXXX",
        parent != NULL && parent[0] == '/' ? parent : "/tmp");
    char *path = vv_new(&op->arena, char, pattern.len + 1);
    if (pattern.ptr == NULL || path == NULL)
        return vv_fail_memory(op);
    memcpy(path, pattern.ptr, pattern.len);
    if (mkdtemp(path) == NULL)
        return vv_fail_errno(op, errno, "cannot make the temporary folder %s", path);
    const struct vv_store_options options = {.sync = false, .create = false};
    return vv_store_open(op, vv_str_of(path), &options, out);
}

varve_status vv_store_open_memory(struct vv_op *op, struct vv_store **out)
{
    VV_CLEANUP(core_release) struct core *core = vv_malloc(sizeof(*core));
    if (core == NULL)
        return vv_fail_memory(op);
    *core = (struct core){.users = 1};
    if (pthread_mutex_init(&core->lock, NULL) != 0) {
        vv_free(core);
        core = NULL;
        return vv_fail_memory(op);
    }
    VV_TRY(open_files(op, &core->files));
    return memory_new(op, core, VV_STR_NONE, out);
}
