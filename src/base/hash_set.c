#include "base/hash_set.h"

#define SLOTS_MIN 64

/* The slot that holds a hash, or the free one where it belongs. */
static size_t find_slot(const struct vv_hash_set *set, uint64_t hash)
{
    size_t mask = set->slots_len - 1;
    size_t i = (size_t)hash & mask;
    while (set->slots[i] != 0 && set->slots[i] != hash)
        i = (i + 1) & mask;
    return i;
}

static bool grow(struct vv_hash_set *set)
{
    struct vv_hash_set bigger = {.arena = set->arena,
        .slots_len = set->slots_len == 0 ? SLOTS_MIN : set->slots_len * 2,
        .len = set->len};
    bigger.slots = vv_new(set->arena, uint64_t, bigger.slots_len);
    if (bigger.slots == NULL)
        return false;
    for (size_t i = 0; i < set->slots_len; i++)
        if (set->slots[i] != 0)
            bigger.slots[find_slot(&bigger, set->slots[i])] = set->slots[i];
    *set = bigger;
    return true;
}

/* Zero marks a free slot: it is kept as another number. */
static uint64_t stored(uint64_t hash)
{
    return hash == 0 ? 1 : hash;
}

bool vv_hash_set_has(const struct vv_hash_set *set, uint64_t hash)
{
    return set->len > 0 && set->slots[find_slot(set, stored(hash))] != 0;
}

bool vv_hash_set_put(struct vv_hash_set *set, uint64_t hash, bool *out_was_there)
{
    if (set->len * 4 >= set->slots_len * 3 && !grow(set))
        return false;
    size_t slot = find_slot(set, stored(hash));
    bool was_there = set->slots[slot] != 0;
    if (!was_there) {
        set->slots[slot] = stored(hash);
        set->len++;
    }
    if (out_was_there != NULL)
        *out_was_there = was_there;
    return true;
}
