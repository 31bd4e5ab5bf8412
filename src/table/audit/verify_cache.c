/*
 * What stands beside the commits: the ledger, which keeps their bytes, and checkpoints, which sum
 * them up. A checkpoint that says something else than the commits is what readers would believe.
 */
#include "delta/checkpoint.h"
#include "delta/log_name.h"
#include "table/audit/verify_run.h"

/* ---- The ledger --------------------------------------------------------------------------------- */

/* zlib checks what a gzip member holds, not the time and system that its head may name. */
static bool has_plain_head(struct vv_str member)
{
    static const char head[] = {0x1f, (char)0x8b, 8, 0, 0, 0, 0, 0, 0, 3};
    return member.len > sizeof(head) && memcmp(member.ptr, head, sizeof(head)) == 0;
}

static varve_status add_entry(struct vv_op *op, struct vv_verify_run *run,
    const struct vv_ledger_file *file, const struct vv_ledger_entry *entry, struct vv_str key)
{
    VV_CLEANUP(vv_arena_done) struct vv_arena scratch = VV_ARENA_INIT(op->arena.bytes_max);
    const struct vv_finding damaged = {
        "ledger.damaged", true, entry->version, key, VV_STR_NONE};
    struct vv_str bytes = VV_STR_NONE;
    size_t len = run->ledger.len;
    if (vv_ledger_unpack(op, file, entry, &scratch, &bytes) != VARVE_OK)
        return vv_verify_tell_error(op, run, &damaged);
    if (!has_plain_head(vv_str_skip(file->bytes, entry->offset)))
        return vv_verify_tell(op, run, &damaged,
            "%.*s, version %" PRId64 ": the head of its gzip member was altered", VV_ARG(key),
            entry->version);
    if (len > 0 && entry->version <= run->ledger.items[len - 1].version)
        return VARVE_OK; /* two writers kept it at once */
    struct vv_verify_ledger *added = VV_LIST_NEW(&run->arena, &run->ledger);
    if (added == NULL)
        return vv_fail_memory(op);
    *added = (struct vv_verify_ledger){
        .version = entry->version, .modified_us = entry->modified_us, .key = key};
    return vv_sha256(op, bytes, added->sha256);
}

static varve_status check_name(struct vv_op *op, struct vv_verify_run *run,
    const struct vv_ledger_file *file, int64_t before)
{
    int64_t first = 0;
    int64_t last = 0;
    (void)vv_ledger_name(file->key, &first, &last);
    bool is_named = file->len > 0 && file->entries[0].version == first &&
                    file->entries[file->len - 1].version == last;
    /* What was missing when it was written may have come back, and be in a file before it. */
    bool is_behind = file->missing_from == VV_NO_VERSION
                         ? first <= before + 1
                         : file->missing_from <= before + 1 && file->missing_to == first - 1;
    if (is_named && is_behind)
        return VARVE_OK;
    return vv_verify_tell(op, run,
        &(struct vv_finding){"ledger.damaged", true, first, file->key, VV_STR_NONE},
        is_named ? "%.*s does not follow the file of the ledger before it"
                 : "%.*s does not hold the versions that its name says",
        VV_ARG(file->key));
}

static varve_status read_ledger_file(struct vv_op *op, struct vv_verify_run *run,
    struct vv_str key, int64_t before)
{
    VV_CLEANUP(vv_arena_done) struct vv_arena arena = VV_ARENA_INIT(op->arena.bytes_max);
    struct vv_ledger_file file = {0};
    struct vv_str kept_key = vv_arena_str(&run->arena, key);
    if (kept_key.ptr == NULL)
        return vv_fail_memory(op);
    run->sizes.ledger_files++;
    varve_status status = vv_ledger_open(op, run->log, &arena, kept_key, &file);
    run->is_blind = run->is_blind || status == VARVE_EIO;
    if (status != VARVE_OK)
        return vv_verify_tell_error(op, run,
            &(struct vv_finding){"ledger.damaged", true, VV_NO_VERSION, kept_key, VV_STR_NONE});
    VV_TRY(check_name(op, run, &file, before));
    for (size_t i = 0; i < file.len; i++) {
        VV_TRY(vv_check_cancel(op));
        VV_TRY(add_entry(op, run, &file, &file.entries[i], kept_key));
    }
    return VARVE_OK;
}

varve_status vv_verify_ledger(struct vv_op *op, struct vv_verify_run *run)
{
    struct vv_objects objects = {0};
    int64_t before = -1;
    VV_TRY(vv_store_list(op, run->log->store, &op->arena, VV_STR(VV_LEDGER_FOLDER), VV_STR_NONE,
        0, &objects));
    for (size_t i = 0; i < objects.len; i++) {
        int64_t first = 0;
        int64_t last = 0;
        if (!vv_ledger_name(objects.items[i].key, &first, &last)) {
            VV_TRY(vv_verify_tell(op, run,
                &(struct vv_finding){
                    "ledger.damaged", true, VV_NO_VERSION, objects.items[i].key, VV_STR_NONE},
                "%.*s has no name of a file of the ledger", VV_ARG(objects.items[i].key)));
            continue;
        }
        VV_TRY(vv_progress(op, "ledger", i, objects.len));
        VV_TRY(read_ledger_file(op, run, objects.items[i].key, before));
        before = last > before ? last : before;
    }
    return VARVE_OK;
}

varve_status vv_verify_ledger_bytes(struct vv_op *op, struct vv_verify_run *run,
    const struct vv_verify_ledger *entry, struct vv_arena *arena, struct vv_str *out)
{
    struct vv_ledger_file *file = &run->ledger_file;
    if (!vv_str_eq(file->key, entry->key)) {
        *file = (struct vv_ledger_file){0};
        vv_arena_done(&run->ledger_arena);
        VV_TRY(vv_ledger_open(op, run->log, &run->ledger_arena, entry->key, file));
    }
    for (size_t i = 0; i < file->len; i++)
        if (file->entries[i].version == entry->version)
            return vv_ledger_unpack(op, file, &file->entries[i], arena, out);
    return vv_fail(op, VARVE_ECORRUPT, "%.*s has lost version %" PRId64, VV_ARG(entry->key),
        entry->version);
}

/* ---- Checkpoints -------------------------------------------------------------------------------- */

struct side {
    struct vv_verify_run *run;
    const struct vv_state *state;
    int64_t version;
    struct vv_str key; /* of the checkpoint */
};

static varve_status tell_checkpoint(struct vv_op *op, const struct side *side, const char *what,
    struct vv_str name)
{
    return vv_verify_tell(op, side->run,
        &(struct vv_finding){"checkpoint.differs", true, side->version, side->key, VV_STR_NONE},
        "%.*s says something else than the commits: %s%.*s", VV_ARG(side->key), what,
        VV_ARG(name));
}

/*
 * Statistics that a checkpoint has as typed columns alone are what of the text is a value of its
 * column's type, of columns that are still there, and is believed: of these the number of rows counts.
 */
static bool are_stats_same(const struct side *side, const struct vv_file_digest *told,
    const struct vv_file_digest *here)
{
    struct vv_str as_json = vv_pairs_get(&side->state->metadata->configuration,
        VV_STR("delta.checkpoint.writeStatsAsJson"));
    if (here->stats == 0 || here->stats == told->stats)
        return true;
    return vv_str_eq_nocase(as_json, VV_STR("false")) &&
           (here->rows == 0 || here->rows == told->rows);
}

static varve_status compare_files(struct vv_op *op, const struct side *side)
{
    struct vv_verify_state *state = &side->run->state;
    uint64_t sum = 0;
    for (size_t i = 0; i < side->state->files.len; i++) {
        const struct vv_file *file = side->state->files.items[i];
        const struct vv_verify_file *entry = vv_map_get(&state->files, file->key);
        struct vv_file_digest digest;
        VV_TRY(vv_verify_digest_file(op, file, &digest));
        sum += digest.rest;
        if (entry == NULL || !entry->is_live)
            return tell_checkpoint(op, side, "it has a file that is not in the table, ",
                file->key);
        if (entry->digest.rest != digest.rest || !are_stats_same(side, &entry->digest, &digest))
            return tell_checkpoint(op, side, "it describes a file differently, ", file->key);
    }
    if (sum != state->files_digest)
        return tell_checkpoint(op, side, "a file of the table is not in it", VV_STR_NONE);
    return VARVE_OK;
}

/* A removed file that a checkpoint speaks of is one that a commit removed. */
static varve_status compare_tombstones(struct vv_op *op, const struct side *side)
{
    struct vv_verify_state *state = &side->run->state;
    for (size_t i = 0; state->is_whole && i < side->state->tombstones.len; i++) {
        const struct vv_remove *remove = side->state->tombstones.items[i];
        if (!vv_hash_set_has(&state->removed, vv_verify_removed(remove)))
            return tell_checkpoint(op, side, "no commit removed the file as it says, ",
                remove->key);
    }
    return VARVE_OK;
}

/* Protocol, metadata, transactions, domains. */
static varve_status compare_rest(struct vv_op *op, const struct side *side)
{
    VV_CLEANUP(vv_arena_done) struct vv_arena arena = VV_ARENA_INIT(op->arena.bytes_max);
    const struct vv_verify_state *state = &side->run->state;
    struct vv_verify_run other = {0};
    other.state.txns = VV_MAP_INIT(&arena);
    other.state.domains = VV_MAP_INIT(&arena);
    const struct vv_verify_rest rest = {side->state->protocol, side->state->metadata};
    VV_TRY(vv_verify_take_rest(op, &other, &rest, false));
    for (size_t i = 0; i < side->state->txns.len; i++)
        VV_TRY(vv_verify_take_txn(op, &other.state, side->state->txns.items[i]));
    for (size_t i = 0; i < side->state->domains.len; i++)
        VV_TRY(vv_verify_take_domain(op, &other.state, side->state->domains.items[i]));
    if (other.state.protocol_digest != state->protocol_digest)
        return tell_checkpoint(op, side, "the protocol", VV_STR_NONE);
    if (other.state.metadata_digest != state->metadata_digest)
        return tell_checkpoint(op, side, "the metadata", VV_STR_NONE);
    if (other.state.txns_digest != state->txns_digest && !state->txns_expire)
        return tell_checkpoint(op, side, "the versions of applications (txn)", VV_STR_NONE);
    if (other.state.domains_digest != state->domains_digest)
        return tell_checkpoint(op, side, "the domain metadata", VV_STR_NONE);
    return VARVE_OK;
}

/*
 * What the checkpoint has and no commit that is left has done, one that is gone did: it was no older
 * than that.
 */
static void note_gone(const struct side *side, int64_t time_ms)
{
    if (time_ms > side->run->gone_ms)
        side->run->gone_ms = time_ms;
}

/* The commits below are gone: the checkpoint is all there is of them. */
static varve_status begin_with(struct vv_op *op, const struct side *side)
{
    struct vv_verify_run *run = side->run;
    const struct vv_state *given = side->state;
    const struct vv_verify_rest rest = {given->protocol, given->metadata};
    VV_TRY(vv_verify_take_rest(op, run, &rest, true));
    for (size_t i = 0; i < given->files.len; i++) {
        const struct vv_verify_file *entry =
            vv_map_get(&run->state.files, given->files.items[i]->key);
        if (entry != NULL && entry->is_live)
            continue;
        note_gone(side, given->files.items[i]->modified_ms);
        VV_TRY(vv_verify_add(op, run, given->files.items[i], side->version));
    }
    for (size_t i = 0; i < given->tombstones.len; i++) {
        const struct vv_remove *remove = given->tombstones.items[i];
        struct vv_str vector = VV_STR_NONE;
        if (!vv_hash_set_has(&run->state.removed, vv_verify_removed(remove)))
            note_gone(side, remove->deleted_ms);
        VV_TRY(vv_verify_name(op, run, remove->key, remove->absolute));
        if (vv_verify_name_vector(op, run, &op->arena, remove->dv, &vector) != VARVE_OK)
            VV_TRY(vv_verify_tell_error(op, run,
                &(struct vv_finding){
                    "rule.vector", true, side->version, remove->key, VV_STR_NONE}));
    }
    for (size_t i = 0; i < given->txns.len; i++)
        VV_TRY(vv_verify_take_txn(op, &run->state, given->txns.items[i]));
    for (size_t i = 0; i < given->domains.len; i++)
        VV_TRY(vv_verify_take_domain(op, &run->state, given->domains.items[i]));
    run->state.is_complete = true;
    run->state.version = side->version;
    return VARVE_OK;
}

varve_status vv_verify_checkpoint(struct vv_op *op, struct vv_verify_run *run,
    const struct vv_checkpoint_ref *checkpoint)
{
    VV_CLEANUP(vv_arena_done) struct vv_arena arena = VV_ARENA_INIT(op->arena.bytes_max);
    VV_CLEANUP(vv_replay_done) struct vv_replay replay = {0};
    bool is_whole = false;
    struct side side = {run, &replay.state, checkpoint->version,
        vv_arena_str(&run->arena, checkpoint->keys[0])};
    const struct vv_finding unreadable = {
        "checkpoint.unreadable", true, checkpoint->version, side.key, VV_STR_NONE};
    if (side.key.ptr == NULL)
        return vv_fail_memory(op);
    vv_replay_init(&replay, &arena);
    run->sizes.checkpoints++;
    varve_status status = vv_checkpoint_read(op, run->log, checkpoint, &replay, &is_whole);
    if (status == VARVE_ELIMIT) /* damage may ask for any amount of memory */
        (void)vv_recode(op, VARVE_ECORRUPT);
    if (status != VARVE_OK)
        return vv_verify_tell_error(op, run, &unreadable);
    if (!is_whole)
        return vv_verify_tell(op, run, &unreadable, "%.*s has no protocol or no metaData",
            VV_ARG(side.key));
    if (!run->state.is_complete)
        return begin_with(op, &side);
    size_t wrong = run->wrong;
    VV_TRY(compare_files(op, &side));
    if (run->wrong == wrong)
        VV_TRY(compare_tombstones(op, &side));
    return run->wrong == wrong ? compare_rest(op, &side) : VARVE_OK;
}
