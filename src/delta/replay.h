/*
 * Replay: from commits, newest first, and what lies below them, to the state of a version.
 *
 * The newest mention of a logical file decides: an add makes it live, a remove a tombstone, and
 * everything older that names the same logical file is passed over. So is every older add of a path
 * that a newer commit adds with another deletion vector, whether or not that one was removed: no
 * path is live twice, and no row is there twice. The same as of logical files holds for each appId,
 * each domain, the protocol and the metadata. Going backwards, nothing is ever undone, so only what
 * survives is copied.
 *
 *     vv_replay_init(&replay, arena);
 *     for (version = last; version > base; version--)
 *         vv_replay_commit(op, &replay, actions of version);
 *     ... then either a checkpoint, file by file:
 *     vv_replay_base_file(op, &replay, file); vv_replay_base(op, &replay, the rest);
 *     vv_replay_base_end(op, &replay);
 *     ... or an older state, whole:
 *     vv_replay_base_state(op, &replay, &state, ...);
 */
#ifndef VV_DELTA_REPLAY_H
#define VV_DELTA_REPLAY_H

#include "base/map.h"
#include "delta/action.h"

struct vv_seen_slot {
    uint64_t hash;
    struct vv_str key, dv_id; /* key.ptr NULL: free */
    bool is_mentioned;        /* the logical file */
    bool is_added;            /* without dv_id: the path, with whatever deletion vector */
};

/* Logical files that were mentioned so far, and paths that were added. */
struct vv_seen {
    struct vv_seen_slot *slots;
    size_t slots_len; /* a power of two, or 0 */
    size_t len;
};

/* What a replay comes to. */
struct vv_state {
    const struct vv_protocol *protocol; /* NULL: none was found */
    const struct vv_metadata *metadata; /* NULL: none was found */
    VV_ACTION_LIST(const struct vv_file *) files;
    VV_ACTION_LIST(const struct vv_remove *) tombstones;
    VV_ACTION_LIST(const struct vv_txn *) txns;
    VV_ACTION_LIST(const struct vv_domain *) domains;
};

struct vv_replay {
    struct vv_arena *keep;  /* what survives is copied into it */
    struct vv_arena memory; /* dies with the replay: the lists of `state`, the seen ones */
    struct vv_seen seen;
    struct vv_map txns;    /* of appId */
    struct vv_map domains; /* of name, removed ones too */
    struct vv_state state;
    size_t dropped_bytes; /* about how much of the base's memory turned out to be dead */
};

/* The lists of `replay->state` die with the replay, what they point to with `keep`. */
void vv_replay_init(struct vv_replay *replay, struct vv_arena *keep);
void vv_replay_done(struct vv_replay *replay); /* accepts one that is {0} */

/* The next older commit. */
varve_status vv_replay_commit(struct vv_op *op, struct vv_replay *replay,
    const struct vv_actions *actions);

/* A checkpoint's rows. They have no order among themselves. */
varve_status vv_replay_base_file(struct vv_op *op, struct vv_replay *replay,
    const struct vv_file *file);
varve_status vv_replay_base(struct vv_op *op, struct vv_replay *replay,
    const struct vv_actions *actions);
/* Behind the last of them. ECORRUPT: a path is there twice, and nobody knows which one is meant. */
varve_status vv_replay_base_end(struct vv_op *op, const struct vv_replay *replay);
/*
 * Takes back what vv_replay_base_file alone has kept since `state.files.len` was `files_len`, so
 * that the same rows can be read again in another way. The copies stay in `keep`.
 */
void vv_replay_take_back(struct vv_replay *replay, size_t files_len);

/*
 * An older state of the same table. Without `copy` the new state shares its actions, and the
 * caller keeps their memory alive.
 */
struct vv_base_state {
    const struct vv_protocol *protocol;
    const struct vv_metadata *metadata;
    const struct vv_file *const *files;
    size_t files_len;
    const struct vv_remove *const *tombstones;
    size_t tombstones_len;
    const struct vv_txn *const *txns;
    size_t txns_len;
    const struct vv_domain *const *domains;
    size_t domains_len;
};
varve_status vv_replay_base_state(struct vv_op *op, struct vv_replay *replay,
    const struct vv_base_state *base, bool copy);

#endif
