#include "table/audit/changes_pick.h"

#include "base/hash.h"
#include "table/file_keys.h"
#include "table/read/lost.h"

bool vv_changes_pick_keeps(const void *data, struct vv_str key)
{
    const struct vv_changes_pick *pick = data;
    return !vv_hash_set_has(&pick->cannot, vv_xxh3(key));
}

/* Before a rule said so the folder of a file says nothing of its timestamps. */
static bool has_same_dates(const struct vv_metadata *a, const struct vv_metadata *b)
{
    const struct vv_str name = VV_STR(VV_PROPERTY_PARTITION_FROM);
    return vv_str_eq(vv_pairs_get(&a->configuration, name),
        vv_pairs_get(&b->configuration, name));
}

/* Notes which of the files that a commit adds can't hold a row within the ranges. */
static varve_status prune(struct vv_op *op, struct vv_changes_pick *pick,
    const struct vv_actions *actions)
{
    VV_CLEANUP(vv_arena_done) struct vv_arena arena = VV_ARENA_INIT(op->arena.bytes_max);
    struct vv_snapshot one = *pick->snapshot;
    const struct vv_file **adds = vv_new(&arena, const struct vv_file *, actions->adds.len + 1);
    const struct vv_file **left = NULL;
    size_t left_len = 0;
    size_t next = 0;
    if (adds == NULL)
        return vv_fail_memory(op);
    for (size_t i = 0; i < actions->adds.len; i++)
        adds[i] = &actions->adds.items[i];
    one.files = adds;
    one.files_len = actions->adds.len;
    struct vv_rules then = *pick->rules;
    if (!pick->is_dated)
        then.partition_from_len = 0;
    VV_TRY(vv_prune(op, &arena, &one, &then, &pick->ranges, &left, &left_len));
    for (size_t i = 0; i < actions->adds.len; i++) {
        if (next < left_len && left[next] == adds[i]) {
            next++;
            continue;
        }
        if (!vv_hash_set_put(&pick->cannot, vv_xxh3(adds[i]->key), NULL))
            return vv_fail_memory(op);
    }
    return VARVE_OK;
}

/* ---- What can't be told --------------------------------------------------------------------------- */

/* Of a file whose rows may be asked for; ptr NULL: it is there, and so is its deletion vector. */
static varve_status find_gone(struct vv_op *op, const struct vv_changes_pick *pick,
    const struct vv_file *file, struct vv_str *out)
{
    struct vv_file_keys keys;
    *out = VV_STR_NONE;
    if (!vv_changes_pick_keeps(pick, file->key))
        return VARVE_OK;
    VV_TRY(vv_file_keys_of(op, &op->arena, pick->store, file, &keys));
    return vv_file_keys_gone(op, pick->store, &keys, out);
}

static varve_status note_live(struct vv_op *op, struct vv_changes_pick *pick)
{
    VV_TRY(vv_table_refresh_for_any(op, pick->table));
    const struct vv_snapshot *latest = pick->table->snapshot;
    for (size_t i = 0; latest != NULL && i < latest->files_len; i++) {
        struct vv_file_keys keys;
        VV_TRY(vv_file_keys_of(op, pick->arena, pick->store, latest->files[i], &keys));
        const struct vv_str all[] = {
            keys.data, keys.vector, keys.data_outside, keys.vector_outside};
        for (size_t k = 0; k < VV_COUNT(all); k++)
            if (all[k].ptr != NULL && !vv_hash_set_put(&pick->live, vv_xxh3(all[k]), NULL))
                return vv_fail_memory(op);
    }
    pick->is_live_known = true;
    return VARVE_OK;
}

/* A vacuum takes nothing that the latest version needs: what is gone of that was lost otherwise. */
static varve_status check_damage(struct vv_op *op, struct vv_changes_pick *pick,
    int64_t version, struct vv_str key)
{
    if (pick->table == NULL)
        return VARVE_OK;
    if (!pick->is_live_known)
        VV_TRY(note_live(op, pick));
    if (!vv_hash_set_has(&pick->live, vv_xxh3(key)))
        return VARVE_OK;
    (void)vv_fail(op, VARVE_ECORRUPT,
        "what version %" PRId64 " of table %.*s did can't be told: %.*s is missing, and the "
        "latest version needs it",
        version, VV_ARG(pick->table->name), VV_ARG(key));
    op->error.version = version;
    return VARVE_ECORRUPT;
}

/* The first file that says what a commit did and that is gone; ptr NULL: all are there. */
static varve_status find_first_gone(struct vv_op *op, struct vv_changes_pick *pick,
    const struct vv_actions *actions, struct vv_str *out)
{
    *out = VV_STR_NONE;
    for (size_t i = 0; i < actions->cdcs.len && out->ptr == NULL; i++) {
        const struct vv_file file = {.key = actions->cdcs.items[i].key};
        VV_TRY(find_gone(op, pick, &file, out));
    }
    if (actions->cdcs.len > 0)
        return VARVE_OK;
    /* One that is needed may be gone behind one that a vacuum took. */
    for (size_t i = 0; i < actions->adds.len && (out->ptr == NULL || pick->table != NULL);
         i++) {
        struct vv_str gone = VV_STR_NONE;
        if (actions->adds.items[i].data_change)
            VV_TRY(find_gone(op, pick, &actions->adds.items[i], &gone));
        if (gone.ptr != NULL)
            VV_TRY(check_damage(op, pick, actions->version, gone));
        if (out->ptr == NULL)
            *out = gone;
    }
    for (size_t i = 0; i < actions->removes.len && out->ptr == NULL; i++) {
        const struct vv_remove *remove = &actions->removes.items[i];
        const struct vv_file file = {
            .key = remove->key, .absolute = remove->absolute, .dv = remove->dv};
        if (remove->data_change)
            VV_TRY(find_gone(op, pick, &file, out));
    }
    return VARVE_OK;
}

/* A longer last stretch of lost versions, or a new one. */
static varve_status note_lost(struct vv_op *op, struct vv_changes_pick *pick, int64_t version,
    struct vv_str key, const char *unclear)
{
    struct vv_changes_lost *last =
        pick->lost.len > 0 ? &pick->lost.items[pick->lost.len - 1] : NULL;
    if (last != NULL && last->to == version - 1 && last->unclear == unclear) {
        last->to = version;
        return VARVE_OK;
    }
    last = VV_LIST_NEW(pick->arena, &pick->lost);
    struct vv_str copy = vv_arena_str(pick->arena, key);
    if (last == NULL || copy.ptr == NULL)
        return vv_fail_memory(op);
    *last = (struct vv_changes_lost){version, version, copy, unclear};
    return VARVE_OK;
}

varve_status vv_changes_pick_look(struct vv_op *op, void *data,
    const struct vv_actions *actions, bool *out_skip)
{
    struct vv_changes_pick *pick = data;
    struct vv_str key = VV_STR_NONE;
    if (actions->metadata != NULL)
        pick->is_dated = has_same_dates(actions->metadata, pick->snapshot->metadata);
    VV_TRY(prune(op, pick, actions));
    const struct vv_unclear unclear = vv_changes_unclear(pick->snapshot, pick->rules, actions);
    if (unclear.why != NULL)
        key = unclear.path;
    else
        VV_TRY(find_first_gone(op, pick, actions, &key));
    *out_skip = key.ptr != NULL;
    return *out_skip ? note_lost(op, pick, actions->version, key, unclear.why) : VARVE_OK;
}

varve_status vv_changes_lost_why(struct vv_op *op, struct vv_table *table,
    const struct vv_changes_lost *lost, struct vv_buf *text)
{
    if (lost->unclear == NULL && table->snapshot != NULL)
        return vv_lost_taker(op, table, lost->from, lost->key, text);
    if (lost->unclear == NULL) {
        vv_buf_addf(text, "data files that are needed are gone, such as %.*s",
            VV_ARG(lost->key));
        return VARVE_OK;
    }
    vv_buf_addf(text, "%.*s %s", VV_ARG(lost->key), lost->unclear);
    return VARVE_OK;
}
