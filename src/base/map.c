/*
 * Open addressing with linear probing, never more than three quarters full. The hash is kept in
 * the slot, so that growing reads no key and a probe compares bytes only where hashes agree.
 */
#include "base/map.h"

#define SLOTS_MIN ((size_t)16)

struct vv_map_slot {
    struct vv_str key;
    uint64_t hash;
    void *value;
    bool used; /* an empty key and a NULL value are as good as any */
};

/* The slot of the key, or the free one where it belongs. */
static struct vv_map_slot *find(const struct vv_map *map, struct vv_str key, uint64_t hash)
{
    size_t mask = map->slots_len - 1;
    size_t at = (size_t)hash & mask;
    while (map->slots[at].used) {
        if (map->slots[at].hash == hash && vv_str_eq(map->slots[at].key, key))
            break;
        at = (at + 1) & mask;
    }
    return &map->slots[at];
}

void *vv_map_get(const struct vv_map *map, struct vv_str key)
{
    return map->len > 0 ? find(map, key, vv_str_hash(key))->value : NULL;
}

bool vv_map_has(const struct vv_map *map, struct vv_str key)
{
    return map->len > 0 && find(map, key, vv_str_hash(key))->used;
}

static bool grow(struct vv_map *map)
{
    if (map->slots_len > SIZE_MAX / 2)
        return false;
    struct vv_map wider = {.arena = map->arena, .len = map->len};
    wider.slots_len = map->slots_len > 0 ? map->slots_len * 2 : SLOTS_MIN;
    wider.slots = vv_new(map->arena, struct vv_map_slot, wider.slots_len);
    if (!wider.slots)
        return false;
    size_t mask = wider.slots_len - 1;
    for (size_t i = 0; i < map->slots_len; i++) {
        if (!map->slots[i].used)
            continue;
        size_t at = (size_t)map->slots[i].hash & mask;
        while (wider.slots[at].used)
            at = (at + 1) & mask;
        wider.slots[at] = map->slots[i];
    }
    *map = wider;
    return true;
}

bool vv_map_put(struct vv_map *map, struct vv_str key, void *value, bool *out_was_there)
{
    if (map->len >= map->slots_len / 4 * 3 && !grow(map))
        return false;
    uint64_t hash = vv_str_hash(key);
    struct vv_map_slot *slot = find(map, key, hash);
    bool was_there = slot->used;
    if (!was_there) {
        *slot = (struct vv_map_slot){.key = key, .hash = hash, .used = true};
        map->len++;
    }
    slot->value = value;
    if (out_was_there)
        *out_was_there = was_there;
    return true;
}
