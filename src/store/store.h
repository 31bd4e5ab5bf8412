/*
 * A store: bytes by key, below one root. The layers above know no files, only this.
 *
 * A key is relative to the root, parts joined by '/', without "." and "..", not escaped:
 * "_delta_log/00000000000000000007.json". Every call refuses others with EUSAGE. Bytes that a
 * call has stored are there after a power cut, unless the store was opened with sync = false.
 * Nobody ever sees half an object.
 *
 * Two kinds of object: small ones that Varve has in memory (put, put_if_absent, get) and data
 * files that the engine writes and reads by a local path (stage, publish; fetch). The latter
 * never overwrite: their keys hold a UUID.
 *
 * One store may be used by several threads.
 */
#ifndef VV_STORE_STORE_H
#define VV_STORE_STORE_H

#include "base/op.h"
#include "base/str.h"

struct vv_store;

struct vv_object {
    struct vv_str key;
    int64_t bytes;
    int64_t modified_us;
    bool is_link; /* told by the listings: the name is one, to what the rest is of */
};

struct vv_objects {
    struct vv_object *items; /* by key, in byte order */
    size_t len;
    size_t capacity;
};

/*
 * A place in the queue of the writers of one folder: a courtesy that spares them lost races,
 * never what keeps the data right. {0} is no turn.
 */
struct vv_turn {
    void (*give)(struct vv_turn *turn);
    int fd;
};

enum vv_put_outcome {
    VV_PUT_CREATED, /* ours is there, durably */
    VV_PUT_EXISTS   /* somebody's is there already (perhaps ours, by an earlier lost reply) */
};

struct vv_store_ops {
    /* The whole object. ENOTFOUND when there is none. */
    varve_status (*get)(struct vv_op *op, struct vv_store *store, struct vv_arena *arena,
        struct vv_str key, struct vv_str *out);
    /* Size and time. ENOTFOUND when there is none. */
    varve_status (*head)(struct vv_op *op, struct vv_store *store, struct vv_str key,
        struct vv_object *out);
    /* Creates or replaces. */
    varve_status (*put)(struct vv_op *op, struct vv_store *store, struct vv_str key,
        struct vv_str bytes);
    /*
     * Creates, never replaces. modified_us (0 = now) becomes the object's time where the store
     * can set it. EUNKNOWN: it may be stored, read it back, and publish what is. Any other code:
     * certainly not stored.
     */
    varve_status (*put_if_absent)(struct vv_op *op, struct vv_store *store, struct vv_str key,
        struct vv_str bytes, int64_t modified_us, enum vv_put_outcome *out);
    /*
     * Objects directly in `folder` ("" or "a/b", no slash at the end) with a key greater than
     * `after` (VV_STR_NONE: all), in byte order, at most `max` (0: all). A folder that is not
     * there is empty. Temporary files of a store are never listed.
     */
    varve_status (*list)(struct vv_op *op, struct vv_store *store, struct vv_arena *arena,
        struct vv_str folder, struct vv_str after, size_t max, struct vv_objects *out);
    /* Names of the folders directly in `folder`, in byte order; `key` is the whole key. */
    varve_status (*list_folders)(struct vv_op *op, struct vv_store *store,
        struct vv_arena *arena, struct vv_str folder, struct vv_objects *out);
    /* Gone afterwards; no error where it was not there. */
    varve_status (*remove)(struct vv_op *op, struct vv_store *store, struct vv_str key);
    /*
     * What was removed directly from `folder` is not there again after a power cut. NULL where a
     * removal is durable by itself.
     */
    varve_status (*settle)(struct vv_op *op, struct vv_store *store, struct vv_str folder);
    /*
     * Removes the temporary files that killed processes left directly in `folder`, if nothing
     * has touched them for `age_us`. Too short an age breaks a write that is under way.
     */
    varve_status (*sweep)(struct vv_op *op, struct vv_store *store, struct vv_str folder,
        int64_t age_us, size_t *out_removed);
    /*
     * Makes the folders of a new data file and returns the local path to write it at. Until
     * publish the object may or may not be visible, and may be lost. A key that is taken is
     * refused.
     */
    varve_status (*stage)(struct vv_op *op, struct vv_store *store, struct vv_arena *arena,
        struct vv_str key, struct vv_str *out_path);
    /*
     * Gives a staged file that was written another key, as if it had been staged there. A key
     * that is taken is refused. EUNSUPPORTED: it can't be moved there, and is where it was. After
     * another failure it may be under either. NULL: a store that moves nothing.
     */
    varve_status (*restage)(struct vv_op *op, struct vv_store *store, struct vv_str key,
        struct vv_str new_key);
    /*
     * A staged file, by its path, is written whole and will be published: the system may begin to
     * bring it to the disk. No more than a hint; what goes wrong does so at publish. NULL: a store
     * that does nothing about it.
     */
    void (*hasten)(struct vv_store *store, const char *path);
    /*
     * Makes staged files durable under their keys, and every folder newly made or changed up to
     * the root. After a failure none of them may be relied upon, and those that a failed sync
     * may have hit are refused from then on: write them anew under new keys. They are not
     * removed.
     *
     * Also for an object whose put_if_absent ended in EUNKNOWN and that was then found stored:
     * only publish makes it durable, or refuses since a sync of it has failed.
     */
    varve_status (*publish)(struct vv_op *op, struct vv_store *store, const struct vv_str *keys,
        size_t keys_len);
    /* A local path to read the object at; it stays readable while the store is open. */
    varve_status (*fetch)(struct vv_op *op, struct vv_store *store, struct vv_arena *arena,
        struct vv_str key, struct vv_str *out_path);
    /*
     * A store with its root at `prefix` below this one's; closed on its own. The root need not
     * be there, the first write makes it.
     */
    varve_status (*at)(struct vv_op *op, struct vv_store *store, struct vv_str prefix,
        struct vv_store **out);
    void (*close)(struct vv_store *store);
    /*
     * Tries to take the turn in `folder`, without waiting; true where no further try is of use:
     * it is taken, or there can't be one. NULL: a store without turns.
     */
    bool (*try_turn)(struct vv_op *op, struct vv_store *store, struct vv_str folder,
        struct vv_turn *out);
    /*
     * Gives an object another time of modification, durably; its bytes stay. ENOTFOUND when there
     * is none. NULL: a store whose objects have the time at which they were stored.
     */
    varve_status (*touch)(struct vv_op *op, struct vv_store *store, struct vv_str key,
        int64_t modified_us);
};

struct vv_store {
    const struct vv_store_ops *ops;
    struct vv_str location; /* for people: a path or URL, NUL behind it; owned by the store */
    /* To list a part of a folder looks at all of it: to ask for a few names is the shorter way. */
    bool lists_whole;
};

struct vv_store_options {
    bool sync;   /* false: durability=off, for bulk work and benchmarks */
    bool create; /* make the root (at the first write) where it is not there */
};

/* What makes `key` no key, for people ("has a part \"..\""); NULL where it is one. */
const char *vv_key_fault(struct vv_str key);

/*
 * Opens a folder of the local file system ("path" or "file:///path", there with %XX escapes). A
 * root that is not there is an error (ENOTFOUND) unless options.create.
 */
varve_status vv_store_open(struct vv_op *op, struct vv_str location,
    const struct vv_store_options *options, struct vv_store **out);
void vv_store_close(struct vv_store **store); /* accepts a pointer to NULL */
/* Whether its root is a symbolic link, to wherever that leads. */
bool vv_store_is_link(const struct vv_store *store);
/* Whether its root is that of the store with that location, by whatever links the two are reached. */
bool vv_store_is_at(const struct vv_store *store, struct vv_str location);

/*
 * Where an absolute path of the file system leads in the store's folder, through whatever links lie on
 * the way to the file: a key, a part of `path` or in `arena`; ptr NULL: elsewhere, or nowhere. Of a
 * folder that is not there it is the path that counts.
 */
varve_status vv_store_key_of_path(struct vv_op *op, struct vv_arena *arena,
    const struct vv_store *store, struct vv_str path, struct vv_str *out);
/*
 * The key, in `arena`, under which lies what a key of a file or folder leads to through links, its own
 * too; ptr NULL: it lies elsewhere, or nowhere. In a store without links it is the key itself.
 */
varve_status vv_store_real_key(struct vv_op *op, struct vv_arena *arena,
    const struct vv_store *store, struct vv_str key, struct vv_str *out);

/* In memory (data files in a private folder of the system's temporary folder). */
varve_status vv_store_open_memory(struct vv_op *op, struct vv_store **out);

/*
 * A view: reads come from `lower` (taken over, also on failure), writes stay in memory above it and
 * are gone with the view. Objects directly in `frozen_folder` with a key greater than
 * `frozen_after` are not seen in `lower`, whoever puts them there.
 */
varve_status vv_store_open_overlay(struct vv_op *op, struct vv_store *lower,
    struct vv_str frozen_folder, struct vv_str frozen_after, struct vv_store **out);

/* What a faulty store does to the call that it counts as number `at`. */
enum vv_fault_kind {
    VV_FAULT_REFUSE,     /* fails with EIO, nothing happens */
    VV_FAULT_LOSE_REPLY, /* happens, then fails: EUNKNOWN for put_if_absent, EIO for others */
    VV_FAULT_IN_DOUBT /* put_if_absent: nothing happens, fails with EUNKNOWN; others refuse */
};
struct vv_fault_plan {
    enum vv_fault_kind kind;
    uint64_t at;    /* the call that brings `calls` to this number fails; 0 = none */
    uint64_t count; /* so many calls in a row from there; 0 = 1 */
    uint64_t
        calls; /* calls seen so far, those of stores made by `at` too; set to 0 to count anew */
    /* Where set: called before each call with its name ("put_if_absent") and key. */
    void (*before)(void *data, const char *call, struct vv_str key);
    void *before_data;
};
/*
 * For tests: passes on to `inner` (taken over, also on failure), but for the calls that the
 * plan fails. The plan outlives the store. `at` makes a store with the same plan and is not
 * counted.
 */
varve_status vv_store_open_faulty(struct vv_op *op, struct vv_store *inner,
    struct vv_fault_plan *plan, struct vv_store **out);

/* Wrappers, so that callers read well. */
varve_status vv_store_get(struct vv_op *op, struct vv_store *store, struct vv_arena *arena,
    struct vv_str key, struct vv_str *out);
varve_status vv_store_head(struct vv_op *op, struct vv_store *store, struct vv_str key,
    struct vv_object *out);
varve_status vv_store_put(struct vv_op *op, struct vv_store *store, struct vv_str key,
    struct vv_str bytes);
varve_status vv_store_put_if_absent(struct vv_op *op, struct vv_store *store, struct vv_str key,
    struct vv_str bytes, int64_t modified_us, enum vv_put_outcome *out);
varve_status vv_store_list(struct vv_op *op, struct vv_store *store, struct vv_arena *arena,
    struct vv_str folder, struct vv_str after, size_t max, struct vv_objects *out);
varve_status vv_store_list_folders(struct vv_op *op, struct vv_store *store,
    struct vv_arena *arena, struct vv_str folder, struct vv_objects *out);
varve_status vv_store_remove(struct vv_op *op, struct vv_store *store, struct vv_str key);
varve_status vv_store_settle(struct vv_op *op, struct vv_store *store, struct vv_str folder);
varve_status vv_store_sweep(struct vv_op *op, struct vv_store *store, struct vv_str folder,
    int64_t age_us, size_t *out_removed);
varve_status vv_store_stage(struct vv_op *op, struct vv_store *store, struct vv_arena *arena,
    struct vv_str key, struct vv_str *out_path);
varve_status vv_store_restage(struct vv_op *op, struct vv_store *store, struct vv_str key,
    struct vv_str new_key);
void vv_store_hasten(struct vv_store *store, const char *path);
varve_status vv_store_publish(struct vv_op *op, struct vv_store *store,
    const struct vv_str *keys, size_t keys_len);
varve_status vv_store_fetch(struct vv_op *op, struct vv_store *store, struct vv_arena *arena,
    struct vv_str key, struct vv_str *out_path);
varve_status vv_store_at(struct vv_op *op, struct vv_store *store, struct vv_str prefix,
    struct vv_store **out);
/* EUNSUPPORTED where the store can't set times. */
varve_status vv_store_touch(struct vv_op *op, struct vv_store *store, struct vv_str key,
    int64_t modified_us);
/*
 * Waits at most `wait_us` for the turn in `folder`. Never fails: without a turn (`out->give` is
 * NULL) the caller goes on as if nobody else were there, as writers of other software do.
 */
void vv_store_take_turn(struct vv_op *op, struct vv_store *store, struct vv_str folder,
    int64_t wait_us, struct vv_turn *out);
/*
 * Takes the turn in `folder` if nobody has it, without waiting. False: somebody has. In a store
 * without turns it is as if nobody were there.
 */
bool vv_store_try_turn(struct vv_op *op, struct vv_store *store, struct vv_str folder,
    struct vv_turn *out);
void vv_turn_give(struct vv_turn *turn); /* accepts {0} and leaves it */

#endif
