/*
 * A set of 64-bit hashes, in an arena: for "was this there before?" over millions of names, at
 * eight bytes each. Two names of one hash are taken for one, which over a million names happens
 * once in forty million sets.
 */
#ifndef VV_BASE_HASH_SET_H
#define VV_BASE_HASH_SET_H

#include "base/arena.h"

struct vv_hash_set {
    struct vv_arena *arena;
    uint64_t *slots;  /* 0: free */
    size_t slots_len; /* a power of two, or 0 */
    size_t len;
};

#define VV_HASH_SET_INIT(arena_pointer) ((struct vv_hash_set){.arena = (arena_pointer)})

bool vv_hash_set_has(const struct vv_hash_set *set, uint64_t hash);
/* False when memory is out. `out_was_there` may be NULL. */
bool vv_hash_set_put(struct vv_hash_set *set, uint64_t hash, bool *out_was_there);

#endif
