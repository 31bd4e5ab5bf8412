/*
 * The store on a local file system, shared by the files local*.c. Paths here are absolute, have
 * a NUL behind them and no slash at the end; "" is the root of the file system.
 */
#ifndef VV_STORE_LOCAL_H
#define VV_STORE_LOCAL_H

#include <pthread.h>
#include <sys/types.h>

#include "base/map.h"
#include "store/store.h"

struct vv_local {
    struct vv_store store; /* the first member: a vv_store of ours is one of these */
    struct vv_str root;
    /*
     * Length of the part of `root` that was there when the store was opened (for a store made
     * by `at`: when the one above it was). Folders are made below it, never at or above it.
     */
    size_t solid_len;
    bool sync;

    pthread_mutex_t lock;
    struct vv_arena arena;  /* guarded by: lock, once the store is open */
    struct vv_map anchored; /* guarded by: lock; see local_sync.c */
    struct vv_map spoiled;  /* guarded by: lock; keys of which a sync has failed */
    int sync_fd;            /* guarded by: lock; the root, open since before the first stage */
};

/* local.c */

varve_status vv_local_open(struct vv_op *op, struct vv_str path,
    const struct vv_store_options *options, struct vv_store **out);

/* local_path.c */

/* The absolute path of `location`, and how much of it is there. */
varve_status vv_path_resolve(struct vv_op *op, struct vv_arena *arena, struct vv_str location,
    struct vv_str *out_path, size_t *out_solid_len);
/* The path of a key, or of the folder "". */
varve_status vv_path_of(struct vv_op *op, struct vv_arena *arena, const struct vv_local *local,
    struct vv_str key, struct vv_str *out);
varve_status vv_path_parent(struct vv_op *op, struct vv_str path, struct vv_str *out);
/* For system calls: "/" for "". */
const char *vv_path_text(struct vv_str path);
/* Makes the folder and those above it that are not there, down from the solid part. */
varve_status vv_path_make(struct vv_op *op, const struct vv_local *local, struct vv_str folder);

/* local_put.c */

varve_status vv_local_put(struct vv_op *op, struct vv_store *store, struct vv_str key,
    struct vv_str bytes);
varve_status vv_local_put_if_absent(struct vv_op *op, struct vv_store *store, struct vv_str key,
    struct vv_str bytes, int64_t modified_us, enum vv_put_outcome *out);
/* Whether a name is one of a temporary file of ours. */
bool vv_temp_is_name(struct vv_str name);

/* local_list.c */

varve_status vv_local_list(struct vv_op *op, struct vv_store *store, struct vv_arena *arena,
    struct vv_str folder, struct vv_str after, size_t max, struct vv_objects *out);
varve_status vv_local_list_folders(struct vv_op *op, struct vv_store *store,
    struct vv_arena *arena, struct vv_str folder, struct vv_objects *out);
varve_status vv_local_sweep(struct vv_op *op, struct vv_store *store, struct vv_str folder,
    int64_t age_us, size_t *out_removed);

/* local_turn.c */

bool vv_local_try_turn(struct vv_op *op, struct vv_store *store, struct vv_str folder,
    struct vv_turn *out);

/* local_publish.c */

varve_status vv_local_stage(struct vv_op *op, struct vv_store *store, struct vv_arena *arena,
    struct vv_str key, struct vv_str *out_path);
varve_status vv_local_restage(struct vv_op *op, struct vv_store *store, struct vv_str key,
    struct vv_str new_key);
void vv_local_hasten(struct vv_store *store, const char *path);
varve_status vv_local_publish(struct vv_op *op, struct vv_store *store,
    const struct vv_str *keys, size_t keys_len);

/* local_fsync.c */

struct vv_sync_item {
    struct vv_str path;
    int failure;  /* out: 0, or an errno */
    bool spoiled; /* out: it was the sync that failed, not the way to it */
};
struct vv_sync_batch {
    struct vv_sync_item *items;
    size_t len;
    bool folders; /* or else files */
    const char *fault_point;
    const char *crash_point; /* after each item; NULL: none */
};
/* Syncs all of them, whatever comes of the others. */
void vv_sync_batch_run(const struct vv_sync_batch *batch);

/* local_sync.c */

/* What is to be synced before a write counts as durable; in the arena of the operation. */
struct vv_sync_set {
    struct vv_map by_path;
    struct vv_sync_folder **folders;
    size_t len;
    size_t capacity;
};

/*
 * Adds the folders above `path` whose entries on the way down to it may not be durable yet,
 * and with `changed` the folder that it is.
 */
varve_status vv_sync_set_add(struct vv_op *op, struct vv_local *local, struct vv_sync_set *set,
    struct vv_str path, bool changed);
/*
 * Syncs them, but for those on the device `*done_device` where not NULL, and remembers that
 * their entries are durable.
 */
varve_status vv_sync_set_run(struct vv_op *op, struct vv_local *local, struct vv_sync_set *set,
    const dev_t *done_device);
/* `seam` names the fault point. *out_is_spoiled, may be NULL: it was the sync that failed, not the way to it. */
varve_status vv_sync_folder(struct vv_op *op, struct vv_str folder, const char *seam,
    bool *out_is_spoiled);

/* local_publish.c */

/*
 * A sync that concerns the objects failed: this store never says of them that they are durable. Without
 * memory it is not remembered; the caller has the failure in any case.
 */
void vv_local_spoil(struct vv_local *local, const struct vv_str *keys, size_t keys_len);

static inline struct vv_local *vv_local_of(struct vv_store *store)
{
    return (struct vv_local *)store;
}

#endif
