#include "delta/replay.h"

#include "delta/action_copy.h"
#include "delta/list.h"

#define SEEN_SLOTS_MIN 64

void vv_replay_init(struct vv_replay *replay, struct vv_arena *keep)
{
    *replay = (struct vv_replay){.keep = keep, .memory = VV_ARENA_INIT(keep->bytes_max)};
    replay->txns = VV_MAP_INIT(&replay->memory);
    replay->domains = VV_MAP_INIT(&replay->memory);
}

void vv_replay_done(struct vv_replay *replay)
{
    vv_arena_done(&replay->memory);
}

/* The slot that holds a logical file, or the free one where it belongs. */
static struct vv_seen_slot *find_slot(const struct vv_seen *seen, uint64_t hash,
    struct vv_str key, struct vv_str dv_id)
{
    size_t mask = seen->slots_len - 1;
    size_t i = (size_t)hash & mask;
    for (;; i = (i + 1) & mask) {
        struct vv_seen_slot *slot = &seen->slots[i];
        if (slot->key.ptr == NULL ||
            (slot->hash == hash && vv_str_eq(slot->key, key) && vv_str_eq(slot->dv_id, dv_id)))
            return slot;
    }
}

/* The hash of a path is that of its logical file without deletion vector. */
static uint64_t path_hash(const struct vv_file *file)
{
    return file->dv_id.len == 0 ? file->hash : vv_str_hash(file->key);
}

static bool is_mentioned(const struct vv_seen *seen, uint64_t hash, struct vv_str key,
    struct vv_str dv_id)
{
    return seen->len > 0 && find_slot(seen, hash, key, dv_id)->is_mentioned;
}

/* Whether a newer commit says what becomes of a file. */
static bool is_outdone(const struct vv_seen *seen, const struct vv_file *file)
{
    if (seen->len == 0)
        return false;
    const struct vv_seen_slot *path = find_slot(seen, path_hash(file), file->key, VV_STR(""));
    return path->is_added || is_mentioned(seen, file->hash, file->key, file->dv_id);
}

static bool grow_seen(struct vv_arena *memory, struct vv_seen *seen)
{
    size_t slots_len = seen->slots_len == 0 ? SEEN_SLOTS_MIN : seen->slots_len * 2;
    struct vv_seen bigger = {.slots = vv_new(memory, struct vv_seen_slot, slots_len),
        .slots_len = slots_len,
        .len = seen->len};
    if (bigger.slots == NULL)
        return false;
    for (size_t i = 0; i < seen->slots_len; i++) {
        const struct vv_seen_slot *old = &seen->slots[i];
        if (old->key.ptr != NULL)
            *find_slot(&bigger, old->hash, old->key, old->dv_id) = *old;
    }
    *seen = bigger;
    return true;
}

/* The slot of a logical file, which is valid up to the next one. */
static varve_status take_slot(struct vv_op *op, struct vv_replay *replay, uint64_t hash,
    struct vv_str key, struct vv_str dv_id, struct vv_seen_slot **out)
{
    struct vv_seen *seen = &replay->seen;
    if (seen->len * 4 >= seen->slots_len * 3 && !grow_seen(&replay->memory, seen))
        return vv_fail_memory(op);
    struct vv_seen_slot *slot = find_slot(seen, hash, key, dv_id);
    *out = slot;
    if (slot->key.ptr != NULL)
        return VARVE_OK;
    /* The commit's memory goes before the replay does. */
    struct vv_str own_key = vv_arena_str(&replay->memory, key);
    struct vv_str own_dv_id =
        dv_id.len == 0 ? VV_STR("") : vv_arena_str(&replay->memory, dv_id);
    if (own_key.ptr == NULL || own_dv_id.ptr == NULL)
        return vv_fail_memory(op);
    *slot = (struct vv_seen_slot){.hash = hash, .key = own_key, .dv_id = own_dv_id};
    seen->len++;
    return VARVE_OK;
}

/* Marks a logical file as mentioned; `*out_was_new` says whether it had not been. */
static varve_status mention(struct vv_op *op, struct vv_replay *replay, uint64_t hash,
    struct vv_str key, struct vv_str dv_id, bool *out_was_new)
{
    struct vv_seen_slot *slot = NULL;
    VV_TRY(take_slot(op, replay, hash, key, dv_id, &slot));
    *out_was_new = !slot->is_mentioned;
    slot->is_mentioned = true;
    return VARVE_OK;
}

static varve_status mention_add(struct vv_op *op, struct vv_replay *replay,
    const struct vv_file *file, bool *out_is_live)
{
    struct vv_seen_slot *path = NULL;
    VV_TRY(take_slot(op, replay, path_hash(file), file->key, VV_STR(""), &path));
    bool was_added = path->is_added;
    path->is_added = true;
    VV_TRY(mention(op, replay, file->hash, file->key, file->dv_id, out_is_live));
    *out_is_live = *out_is_live && !was_added;
    return VARVE_OK;
}

static varve_status keep_file(struct vv_op *op, struct vv_replay *replay,
    const struct vv_file *file, bool copy)
{
    const struct vv_file *kept = copy ? vv_file_copy(replay->keep, file) : file;
    const struct vv_file **item = VV_LIST_NEW(&replay->memory, &replay->state.files);
    if (kept == NULL || item == NULL)
        return vv_fail_memory(op);
    *item = kept;
    return VARVE_OK;
}

static varve_status keep_tombstone(struct vv_op *op, struct vv_replay *replay,
    const struct vv_remove *remove, bool copy)
{
    const struct vv_remove *kept = copy ? vv_remove_copy(replay->keep, remove) : remove;
    const struct vv_remove **item = VV_LIST_NEW(&replay->memory, &replay->state.tombstones);
    if (kept == NULL || item == NULL)
        return vv_fail_memory(op);
    *item = kept;
    return VARVE_OK;
}

static varve_status keep_txn(struct vv_op *op, struct vv_replay *replay,
    const struct vv_txn *txn, bool copy)
{
    if (vv_map_has(&replay->txns, txn->app_id))
        return VARVE_OK;
    const struct vv_txn *kept = copy ? vv_txn_copy(replay->keep, txn) : txn;
    const struct vv_txn **item = VV_LIST_NEW(&replay->memory, &replay->state.txns);
    if (kept == NULL || item == NULL)
        return vv_fail_memory(op);
    *item = kept;
    /* The value says nothing: that the key is there says all. */
    return vv_map_put(&replay->txns, kept->app_id, replay, NULL) ? VARVE_OK
                                                                 : vv_fail_memory(op);
}

static varve_status keep_domain(struct vv_op *op, struct vv_replay *replay,
    const struct vv_domain *domain, bool copy)
{
    if (vv_map_has(&replay->domains, domain->domain))
        return VARVE_OK;
    const struct vv_domain *kept = copy ? vv_domain_copy(replay->keep, domain) : domain;
    if (kept == NULL || !vv_map_put(&replay->domains, kept->domain, replay, NULL))
        return vv_fail_memory(op);
    if (domain->removed)
        return VARVE_OK;
    const struct vv_domain **item = VV_LIST_NEW(&replay->memory, &replay->state.domains);
    if (item == NULL)
        return vv_fail_memory(op);
    *item = kept;
    return VARVE_OK;
}

/* Protocol, metadata, txns and domains: the newest of each, from a commit or a checkpoint. */
static varve_status take_rest(struct vv_op *op, struct vv_replay *replay,
    const struct vv_actions *actions)
{
    struct vv_state *state = &replay->state;
    if (state->protocol == NULL && actions->protocol != NULL) {
        state->protocol = vv_protocol_copy(replay->keep, actions->protocol);
        if (state->protocol == NULL)
            return vv_fail_memory(op);
    }
    if (state->metadata == NULL && actions->metadata != NULL) {
        state->metadata = vv_metadata_copy(replay->keep, actions->metadata);
        if (state->metadata == NULL)
            return vv_fail_memory(op);
    }
    for (size_t i = 0; i < actions->txns.len; i++)
        VV_TRY(keep_txn(op, replay, &actions->txns.items[i], true));
    for (size_t i = 0; i < actions->domains.len; i++)
        VV_TRY(keep_domain(op, replay, &actions->domains.items[i], true));
    return VARVE_OK;
}

varve_status vv_replay_commit(struct vv_op *op, struct vv_replay *replay,
    const struct vv_actions *actions)
{
    bool is_new = false;
    /* Adds first: a writer that removes and adds one logical file at once means to keep it. */
    for (size_t i = 0; i < actions->adds.len; i++) {
        const struct vv_file *file = &actions->adds.items[i];
        VV_TRY(mention_add(op, replay, file, &is_new));
        if (is_new)
            VV_TRY(keep_file(op, replay, file, true));
    }
    for (size_t i = 0; i < actions->removes.len; i++) {
        const struct vv_remove *remove = &actions->removes.items[i];
        VV_TRY(mention(op, replay, remove->hash, remove->key, remove->dv_id, &is_new));
        if (is_new)
            VV_TRY(keep_tombstone(op, replay, remove, true));
    }
    return take_rest(op, replay, actions);
}

varve_status vv_replay_base_file(struct vv_op *op, struct vv_replay *replay,
    const struct vv_file *file)
{
    if (is_outdone(&replay->seen, file))
        return VARVE_OK;
    return keep_file(op, replay, file, true);
}

void vv_replay_take_back(struct vv_replay *replay, size_t files_len)
{
    VV_PRE(files_len <= replay->state.files.len);
    replay->state.files.len = files_len;
}

varve_status vv_replay_base(struct vv_op *op, struct vv_replay *replay,
    const struct vv_actions *actions)
{
    for (size_t i = 0; i < actions->adds.len; i++)
        VV_TRY(vv_replay_base_file(op, replay, &actions->adds.items[i]));
    for (size_t i = 0; i < actions->removes.len; i++) {
        const struct vv_remove *remove = &actions->removes.items[i];
        if (!is_mentioned(&replay->seen, remove->hash, remove->key, remove->dv_id))
            VV_TRY(keep_tombstone(op, replay, remove, true));
    }
    return take_rest(op, replay, actions);
}

/* A file that is in the table: at eight bytes each, since there may be millions. */
struct known_path {
    uint32_t hash;   /* a part of it */
    uint32_t number; /* counted from 1; 0: free */
};

/* False: another file has its path. `index` is of `file`. */
static bool know_path(struct known_path *known, size_t mask, const struct vv_replay *replay,
    size_t index)
{
    const struct vv_file *file = replay->state.files.items[index];
    uint64_t hash = path_hash(file);
    size_t i = (size_t)hash & mask;
    for (; known[i].number != 0; i = (i + 1) & mask) {
        if (known[i].hash == (uint32_t)(hash >> 32) &&
            vv_str_eq(replay->state.files.items[known[i].number - 1]->key, file->key))
            return false;
    }
    known[i] = (struct known_path){(uint32_t)(hash >> 32), (uint32_t)index + 1};
    return true;
}

varve_status vv_replay_base_end(struct vv_op *op, const struct vv_replay *replay)
{
    VV_CLEANUP(vv_arena_done) struct vv_arena scratch = VV_ARENA_INIT(op->arena.bytes_max);
    size_t len = replay->state.files.len;
    size_t slots_len = SEEN_SLOTS_MIN;
    VV_PRE(len < UINT32_MAX);
    while (slots_len < len + len / 2)
        slots_len *= 2;
    struct known_path *known = vv_new(&scratch, struct known_path, slots_len);
    if (known == NULL)
        return vv_fail_memory(op);
    for (size_t i = 0; i < len; i++)
        if (!know_path(known, slots_len - 1, replay, i))
            return vv_fail(op, VARVE_ECORRUPT, "the file \"%.*s\" is there twice",
                VV_ARG(replay->state.files.items[i]->path));
    return VARVE_OK;
}

/* About what a file takes in its arena: enough to decide when to copy the live ones out. */
static size_t weight_of(const struct vv_file *file)
{
    return sizeof(*file) + file->path.len + file->stats.len +
           (file->partition_values.len + file->tags.len) * sizeof(struct vv_pair);
}

static varve_status take_base_files(struct vv_op *op, struct vv_replay *replay,
    const struct vv_base_state *base, bool copy)
{
    for (size_t i = 0; i < base->files_len; i++) {
        const struct vv_file *file = base->files[i];
        if (is_outdone(&replay->seen, file))
            replay->dropped_bytes += weight_of(file);
        else
            VV_TRY(keep_file(op, replay, file, copy));
    }
    for (size_t i = 0; i < base->tombstones_len; i++) {
        const struct vv_remove *remove = base->tombstones[i];
        if (!is_mentioned(&replay->seen, remove->hash, remove->key, remove->dv_id))
            VV_TRY(keep_tombstone(op, replay, remove, copy));
    }
    return VARVE_OK;
}

varve_status vv_replay_base_state(struct vv_op *op, struct vv_replay *replay,
    const struct vv_base_state *base, bool copy)
{
    struct vv_state *state = &replay->state;
    VV_TRY(take_base_files(op, replay, base, copy));
    for (size_t i = 0; i < base->txns_len; i++)
        VV_TRY(keep_txn(op, replay, base->txns[i], copy));
    for (size_t i = 0; i < base->domains_len; i++)
        VV_TRY(keep_domain(op, replay, base->domains[i], copy));
    if (state->protocol == NULL)
        state->protocol =
            copy ? vv_protocol_copy(replay->keep, base->protocol) : base->protocol;
    if (state->metadata == NULL)
        state->metadata =
            copy ? vv_metadata_copy(replay->keep, base->metadata) : base->metadata;
    return state->protocol == NULL || state->metadata == NULL ? vv_fail_memory(op) : VARVE_OK;
}
