/*
 * A hash map from byte strings to pointers, in an arena. Keys are borrowed: they must live as
 * long as the map. Grows by itself; nothing is ever removed.
 */
#ifndef VV_BASE_MAP_H
#define VV_BASE_MAP_H

#include "base/op.h"

struct vv_map {
    struct vv_arena *arena;
    struct vv_map_slot *slots;
    size_t slots_len; /* a power of two, or 0 */
    size_t len;
};

#define VV_MAP_INIT(arena_pointer) ((struct vv_map){.arena = (arena_pointer)})

/* The value of a key; NULL where absent. */
void *vv_map_get(const struct vv_map *map, struct vv_str key);
bool vv_map_has(const struct vv_map *map, struct vv_str key);
/* Sets or replaces; false when memory is out. `out_was_there` may be NULL. */
bool vv_map_put(struct vv_map *map, struct vv_str key, void *value, bool *out_was_there);

#endif
