/*
 * Snapshots share memory. What a snapshot points to lies in blocks: arenas that are filled once,
 * while a snapshot is made, and never touched again. A refreshed snapshot retains the blocks of
 * the one before it and adds one for what is new; the lists of pointers are its own. Blocks in
 * which most is dead, or too many of them, are left behind by copying what is live into a new
 * one. A block goes with the last snapshot that retains it.
 */
#include "delta/snapshot.h"

#include <stdatomic.h>

#include "base/seam.h"
#include "delta/checkpoint.h"
#include "delta/commit_time.h"
#include "delta/features.h"
#include "delta/list.h"
#include "delta/log_probe.h"
#include "delta/replay.h"
#include "delta/type_changes.h"

#define BLOCKS_MAX 64

struct block {
    atomic_size_t refs;
    struct vv_arena arena;
};

/* What stands behind the pointer that others see. */
struct box {
    struct vv_snapshot snapshot; /* first: a pointer to one is a pointer to the other */
    atomic_size_t refs;
    struct vv_arena lists;
    struct block *blocks[BLOCKS_MAX];
    size_t blocks_len;
    size_t dead_bytes; /* in the blocks, about */
    bool is_unread;    /* made to be looked at: neither features nor schema are judged */
    struct vv_log_commit newest; /* the version's commit, where it is there: of its time */
    struct vv_commit_info newest_info; /* its numbers alone */
    bool has_newest, has_newest_info;
    struct vv_snapshot *base; /* of one that is supposed: what it shares lives there */
};

static struct block *block_new(size_t bytes_max)
{
    struct block *block = vv_malloc(sizeof(*block));
    if (block == NULL)
        return NULL;
    atomic_init(&block->refs, 1);
    block->arena = VV_ARENA_INIT(bytes_max);
    return block;
}

static void block_release(struct block **block)
{
    if (*block != NULL &&
        atomic_fetch_sub_explicit(&(*block)->refs, 1, memory_order_acq_rel) == 1) {
        vv_arena_done(&(*block)->arena);
        vv_free(*block);
    }
    *block = NULL;
}

static void box_free(struct box **box)
{
    if (*box == NULL)
        return;
    for (size_t i = 0; i < (*box)->blocks_len; i++)
        block_release(&(*box)->blocks[i]);
    vv_snapshot_release(&(*box)->base);
    vv_arena_done(&(*box)->lists);
    vv_free(*box);
    *box = NULL;
}

/* A box with one empty block, the last of its list. */
static varve_status box_new(struct vv_op *op, struct box **out)
{
    struct box *box = vv_malloc(sizeof(*box));
    struct block *block = block_new(op->arena.bytes_max);
    if (box == NULL || block == NULL) {
        vv_free(box);
        block_release(&block);
        return vv_fail_memory(op);
    }
    *box = (struct box){.lists = VV_ARENA_INIT(op->arena.bytes_max)};
    atomic_init(&box->refs, 1);
    box->blocks[box->blocks_len++] = block;
    *out = box;
    return VARVE_OK;
}

static struct box *box_of(struct vv_snapshot *snapshot)
{
    return (struct box *)(void *)snapshot;
}

struct vv_snapshot *vv_snapshot_retain(struct vv_snapshot *snapshot)
{
    atomic_fetch_add_explicit(&box_of(snapshot)->refs, 1, memory_order_relaxed);
    return snapshot;
}

void vv_snapshot_release_kept(void *snapshot)
{
    struct vv_snapshot *kept = snapshot;
    vv_snapshot_release(&kept);
}

void vv_snapshot_release(struct vv_snapshot **snapshot)
{
    if (*snapshot == NULL)
        return;
    struct box *box = box_of(*snapshot);
    if (atomic_fetch_sub_explicit(&box->refs, 1, memory_order_acq_rel) == 1)
        box_free(&box);
    *snapshot = NULL;
}

/* A list of pointers, copied out of a replay. */
static varve_status copy_list(struct vv_op *op, struct vv_arena *arena, const void *items,
    size_t len, const void **out)
{
    if (len == 0)
        return VARVE_OK;
    void **copy = vv_new(arena, void *, len);
    if (copy == NULL)
        return vv_fail_memory(op);
    memcpy(copy, items, len * sizeof(void *));
    *out = copy;
    return VARVE_OK;
}

/* Moves the unexpired ones to the front. */
static void drop_expired(struct vv_state *state, int64_t cutoff_ms)
{
    size_t kept = 0;
    for (size_t i = 0; i < state->tombstones.len; i++)
        if (state->tombstones.items[i]->deleted_ms > cutoff_ms)
            state->tombstones.items[kept++] = state->tombstones.items[i];
    state->tombstones.len = kept;
}

static varve_status take_lists(struct vv_op *op, struct box *box, const struct vv_state *state)
{
    struct vv_snapshot *snapshot = &box->snapshot;
    struct vv_arena *lists = &box->lists;
    const void *files = NULL;
    const void *tombstones = NULL;
    const void *txns = NULL;
    const void *domains = NULL;
    VV_TRY(copy_list(op, lists, state->files.items, state->files.len, &files));
    VV_TRY(copy_list(op, lists, state->tombstones.items, state->tombstones.len, &tombstones));
    VV_TRY(copy_list(op, lists, state->txns.items, state->txns.len, &txns));
    VV_TRY(copy_list(op, lists, state->domains.items, state->domains.len, &domains));
    snapshot->files = files;
    snapshot->files_len = state->files.len;
    snapshot->tombstones = tombstones;
    snapshot->tombstones_len = state->tombstones.len;
    snapshot->txns = txns;
    snapshot->txns_len = state->txns.len;
    snapshot->domains = domains;
    snapshot->domains_len = state->domains.len;
    return VARVE_OK;
}

/*
 * Whoever reads a snapshot may rely on it that they are columns, spelled as in the schema: the values
 * of files are looked up by that.
 */
static varve_status check_partition_columns(struct vv_op *op,
    const struct vv_snapshot *snapshot)
{
    for (size_t i = 0; i < snapshot->metadata->partition_columns_len; i++) {
        struct vv_str name = snapshot->metadata->partition_columns[i];
        int32_t column = vv_schema_find(&snapshot->schema, name);
        if (column >= 0 && !vv_str_eq(snapshot->schema.fields[column].name, name))
            return vv_fail(op, VARVE_ECORRUPT,
                "version %" PRId64 " is partitioned by \"%.*s\", which is spelled \"%.*s\" in "
                "its schema",
                snapshot->version, VV_ARG(name), VV_ARG(snapshot->schema.fields[column].name));
        if (column < 0)
            return vv_fail(op, VARVE_ECORRUPT,
                "version %" PRId64 " is partitioned by \"%.*s\", which is no column of its "
                "schema",
                snapshot->version, VV_ARG(name));
    }
    return VARVE_OK;
}

/* The time of the version's commit. What counts as one, only the metaData says. */
static varve_status find_time(struct vv_op *op, const struct vv_log_handle *log,
    struct box *box)
{
    struct vv_snapshot *snapshot = &box->snapshot;
    const struct vv_commit_info *info = box->has_newest_info ? &box->newest_info : NULL;
    int64_t counts_from = vv_commit_time_counts_from(snapshot->metadata);
    if (!box->has_newest)
        return VARVE_OK;
    snapshot->commit_is_out_of_time =
        info != NULL && info->is_out_of_time && snapshot->version >= counts_from;
    return vv_commit_time_ms(op, log, &box->newest, info, counts_from, &snapshot->timestamp_ms);
}

/* From the outcome of a replay to a snapshot: the schema, the checks, the time, the lists. */
static varve_status finish(struct vv_op *op, const struct vv_log_handle *log, struct box *box,
    struct vv_state *state, const struct vv_snapshot *old)
{
    struct vv_snapshot *snapshot = &box->snapshot;
    if (state->protocol == NULL || state->metadata == NULL)
        return vv_fail(op, VARVE_ECORRUPT,
            "version %" PRId64 " has no %s: the log is not whole", snapshot->version,
            state->protocol == NULL ? "protocol" : "metaData");
    snapshot->protocol = state->protocol;
    snapshot->metadata = state->metadata;
    if (!box->is_unread)
        VV_TRY(vv_features_check_read(op, state->protocol));
    VV_TRY(find_time(op, log, box));
    snapshot->mapping = vv_features_mapping(state->protocol, state->metadata);
    drop_expired(state, vv_snapshot_tombstones_from(op, state->metadata));
    VV_TRY(take_lists(op, box, state));
    if (old != NULL && old->metadata == state->metadata && old->mapping == snapshot->mapping) {
        snapshot->schema = old->schema;
        return VARVE_OK;
    }
    if (box->is_unread)
        return VARVE_OK;
    struct vv_arena *arena = &box->blocks[box->blocks_len - 1]->arena;
    if (vv_schema_parse(op, arena, state->metadata->schema_json, snapshot->mapping,
            &snapshot->schema) != VARVE_OK ||
        vv_type_changes_check(op, state->protocol, &snapshot->schema) != VARVE_OK)
        return vv_note(op, "schema of version %" PRId64, snapshot->version);
    return check_partition_columns(op, snapshot);
}

/* Hash of the newest commit, and what its time is found by. */
static varve_status note_newest(struct vv_op *op, const struct vv_log_commit *commit,
    const struct vv_actions *actions, struct vv_str bytes, struct box *box)
{
    const struct vv_commit_info *info = actions->commit_info;
    VV_TRY(vv_sha256(op, bytes, box->snapshot.commit_sha256));
    box->snapshot.commit_has_link = info != NULL && info->by_varve;
    box->newest = *commit;
    box->has_newest = true;
    box->has_newest_info = info != NULL;
    if (info != NULL)
        box->newest_info = (struct vv_commit_info){.timestamp_ms = info->timestamp_ms,
            .in_commit_timestamp_ms = info->in_commit_timestamp_ms,
            .is_out_of_time = info->is_out_of_time,
            .by_varve = info->by_varve};
    return VARVE_OK;
}

static varve_status replay_commits(struct vv_op *op, const struct vv_log_handle *log,
    const struct vv_log_segment *segment, struct vv_replay *replay, struct box *box)
{
    for (size_t i = segment->commits_len; i > 0; i--) {
        VV_CLEANUP(vv_arena_done)
        struct vv_arena arena = VV_ARENA_INIT(op->arena.bytes_max);
        struct vv_actions actions = {0};
        struct vv_str bytes = VV_STR_NONE;
        VV_TRY(vv_progress(op, "log", segment->commits_len - i, segment->commits_len));
        VV_TRY(vv_log_read_listed_actions(op, log, NULL, &segment->commits[i - 1], &arena,
            &actions, &bytes));
        if (i == segment->commits_len)
            VV_TRY(note_newest(op, &segment->commits[i - 1], &actions, bytes, box));
        VV_TRY(vv_replay_commit(op, replay, &actions));
    }
    box->snapshot.commits_read = segment->commits_len;
    return VARVE_OK;
}

/* A checkpoint stands for its version's commit, which may be there still, for time and hash. */
static varve_status note_checkpoint(struct vv_op *op, const struct vv_log_handle *log,
    struct box *box)
{
    VV_CLEANUP(vv_arena_done) struct vv_arena arena = VV_ARENA_INIT(op->arena.bytes_max);
    struct vv_actions actions = {0};
    struct vv_str bytes = VV_STR_NONE;
    const struct vv_log_commit commit = {.version = box->snapshot.version};
    varve_status status =
        vv_log_read_listed_actions(op, log, NULL, &commit, &arena, &actions, &bytes);
    if (status == VARVE_ENOTFOUND) {
        vv_forgive(op);
        return VARVE_OK;
    }
    return status == VARVE_OK ? note_newest(op, &commit, &actions, bytes, box) : status;
}

/* What a version that can't be built may do without. */
enum blame {
    BLAME_OTHERS,
    BLAME_CHECKPOINT, /* it can't be read */
    BLAME_STATE /* it makes no sense with what was read of a checkpoint: that is damaged, or the table */
};

/*
 * Builds the version of a segment. `*out_blame`: where it fails, whether an older checkpoint may do,
 * or none.
 */
static varve_status build(struct vv_op *op, const struct vv_log_handle *log,
    const struct vv_log_segment *segment, struct box *box, enum blame *out_blame)
{
    struct vv_snapshot *snapshot = &box->snapshot;
    bool has_checkpoint = segment->checkpoint.version != VV_NO_VERSION;
    VV_CLEANUP(vv_replay_done) struct vv_replay replay;
    vv_replay_init(&replay, &box->blocks[0]->arena);
    *out_blame = BLAME_OTHERS;
    snapshot->version = segment->version;
    snapshot->timestamp_ms = VV_NO_TIME;
    snapshot->checkpoint_version = segment->checkpoint.version;
    VV_TRY(replay_commits(op, log, segment, &replay, box));
    if (has_checkpoint) {
        bool is_whole = false;
        varve_status status =
            vv_checkpoint_read(op, log, &segment->checkpoint, &replay, &is_whole);
        if (status != VARVE_OK && status != VARVE_EINTERRUPTED && status != VARVE_ELIMIT)
            *out_blame = BLAME_CHECKPOINT;
        if (status != VARVE_OK)
            return vv_note(op, "checkpoint of version %" PRId64, segment->checkpoint.version);
        /* Readable and yet not whole is no accident of storage: nothing else is to be trusted. */
        if (!is_whole)
            return vv_fail(op, VARVE_ECORRUPT,
                "the checkpoint of version %" PRId64 " lacks its protocol or metaData",
                segment->checkpoint.version);
        if (segment->commits_len == 0)
            VV_TRY(note_checkpoint(op, log, box));
    }
    varve_status status = finish(op, log, box, &replay.state, NULL);
    if (has_checkpoint && (status == VARVE_ECORRUPT || status == VARVE_EUNSUPPORTED))
        *out_blame = BLAME_STATE;
    return status;
}

/* A state that was refused, and the checkpoint that it came of. */
struct doubt {
    varve_error error; /* VARVE_OK: there was none */
    int64_t checkpoint_version;
};

static varve_status fail_doubted(struct vv_op *op, const struct doubt *doubt)
{
    (void)vv_fail(op, doubt->error.code, "%s", doubt->error.message);
    op->error = doubt->error;
    return doubt->error.code;
}

static bool is_there_without(struct vv_op *op, const struct vv_log_handle *log, int64_t version,
    int64_t checkpoint_max)
{
    struct vv_log_segment older = {0};
    if (vv_log_find(op, log, version, checkpoint_max, &op->arena, &older) == VARVE_OK)
        return true;
    vv_forgive(op);
    return false;
}

static varve_status load(struct vv_op *op, const struct vv_log_handle *log, int64_t version,
    bool is_unread, struct vv_snapshot **out)
{
    int64_t checkpoint_max = INT64_MAX;
    bool has_failed = false; /* the storage, at a checkpoint */
    struct doubt doubt = {0};
    for (;;) {
        VV_CLEANUP(box_free) struct box *box = NULL;
        struct vv_log_segment segment = {0};
        enum blame blame = BLAME_OTHERS;
        VV_TRY(vv_log_find(op, log, version, checkpoint_max, &op->arena, &segment));
        VV_TRY(box_new(op, &box));
        box->is_unread = is_unread;
        varve_status status = build(op, log, &segment, box, &blame);
        if (status == VARVE_OK) {
            if (doubt.error.code != VARVE_OK)
                vv_log(op, VV_LOG_WARN, "log.bad_checkpoint",
                    "checkpoint of version %" PRId64 ": %s; going on without it",
                    doubt.checkpoint_version, doubt.error.message);
            box->snapshot.checkpoint_has_failed = has_failed;
            *out = &VV_MOVE(box)->snapshot;
            return VARVE_OK;
        }
        bool is_ended = status == VARVE_EINTERRUPTED || status == VARVE_ELIMIT;
        bool is_doubted = doubt.error.code != VARVE_OK && blame != BLAME_CHECKPOINT;
        if (is_ended || (blame == BLAME_OTHERS && !is_doubted))
            return status;
        const varve_error error = op->error;
        bool is_storage = status == VARVE_EIO || status == VARVE_EUNKNOWN;
        has_failed = has_failed || is_storage;
        vv_forgive(op);
        if (is_doubted) /* what it came of is not to blame */
            return fail_doubted(op, &doubt);
        if (blame == BLAME_STATE)
            doubt = (struct doubt){error, segment.checkpoint.version};
        checkpoint_max = segment.checkpoint.version - 1;
        bool has_way = is_there_without(op, log, segment.version, checkpoint_max);
        if (!has_way && doubt.error.code != VARVE_OK)
            return fail_doubted(op, &doubt);
        if (!has_way)
            return vv_fail(op, is_storage ? VARVE_EIO : VARVE_ECORRUPT,
                "%s; no older checkpoint and no whole log to fall back to", error.message);
        if (blame == BLAME_CHECKPOINT)
            vv_log(op, VV_LOG_WARN, "log.bad_checkpoint", "%s; going on without it",
                error.message);
    }
}

varve_status vv_snapshot_load(struct vv_op *op, const struct vv_log_handle *log,
    int64_t version, struct vv_snapshot **out)
{
    return load(op, log, version, false, out);
}

varve_status vv_snapshot_load_unread(struct vv_op *op, const struct vv_log_handle *log,
    struct vv_snapshot **out)
{
    return load(op, log, VV_NO_VERSION, true, out);
}

/* The commits after a version, in ascending order. */
struct news {
    VV_ACTION_LIST(struct vv_actions) commits;
    struct vv_str newest_bytes;
};

static varve_status read_news(struct vv_op *op, const struct vv_log_handle *log, int64_t after,
    struct vv_arena *arena, struct news *news)
{
    for (int64_t version = after + 1;; version++) {
        struct vv_actions actions = {0};
        struct vv_str bytes = VV_STR_NONE;
        VV_TRY(vv_check_cancel(op));
        varve_status status = vv_log_read_actions(op, log, version, arena, &actions, &bytes);
        if (status == VARVE_ENOTFOUND) {
            vv_forgive(op);
            return VARVE_OK;
        }
        if (status != VARVE_OK)
            return status;
        struct vv_actions *commit = VV_LIST_NEW(arena, &news->commits);
        if (commit == NULL)
            return vv_fail_memory(op);
        *commit = actions;
        news->newest_bytes = bytes;
    }
}

/*
 * Whether a version without a successor is the latest. It is not where a commit is missing, which a
 * reader that stays open must not take for the end; nor where the log was cleaned up behind our
 * back: then its own commit (`is_read`: that is there) is gone as well, since clean-up begins at
 * the old end.
 */
static varve_status is_latest(struct vv_op *op, const struct vv_log_handle *log,
    int64_t version, bool is_read, bool *out)
{
    struct vv_object object = {0};
    bool is_gap = false;
    struct vv_str key = vv_log_commit_key(&op->arena, version);
    if (key.ptr == NULL)
        return vv_fail_memory(op);
    varve_status status = is_read ? VARVE_OK : vv_store_head(op, log->store, key, &object);
    *out = status == VARVE_OK;
    if (status == VARVE_ENOTFOUND) {
        vv_forgive(op);
        return VARVE_OK;
    }
    VV_TRY(status);
    VV_TRY(vv_log_has_gap(op, log, version, &is_gap));
    *out = !is_gap;
    return VARVE_OK;
}

/*
 * The commits behind a version, up to the end of the log. `*out_latest` false: they don't lead
 * there. What is behind a missing commit may have come since that one was looked for, and it with
 * them: it is no gap before it was looked for again.
 */
static varve_status read_to_latest(struct vv_op *op, const struct vv_log_handle *log,
    int64_t version, struct vv_arena *arena, struct news *news, bool *out_latest)
{
    *out_latest = false;
    for (bool is_first = true;; is_first = false) {
        size_t known = news->commits.len;
        VV_TRY(read_news(op, log, version + (int64_t)known, arena, news));
        if (!is_first && news->commits.len == known)
            return VARVE_OK;
        VV_TRY(is_latest(op, log, version + (int64_t)news->commits.len, news->commits.len > 0,
            out_latest));
        if (*out_latest)
            return VARVE_OK;
    }
}

/* Whether to copy what is live of `old` out of its blocks. */
static bool is_to_compact(const struct box *old)
{
    size_t bytes = 0;
    for (size_t i = 0; i < old->blocks_len; i++)
        bytes += old->blocks[i]->arena.bytes;
    return old->blocks_len == BLOCKS_MAX || old->dead_bytes > bytes / 2;
}

/* The blocks of `old` before the new one. */
static void share_blocks(struct box *box, const struct box *old)
{
    struct block *own = box->blocks[0];
    for (size_t i = 0; i < old->blocks_len; i++) {
        atomic_fetch_add_explicit(&old->blocks[i]->refs, 1, memory_order_relaxed);
        box->blocks[i] = old->blocks[i];
    }
    box->blocks[old->blocks_len] = own;
    box->blocks_len = old->blocks_len + 1;
}

static varve_status advance(struct vv_op *op, const struct vv_log_handle *log, struct box *old,
    const struct news *news, struct box *box)
{
    const struct vv_snapshot *from = &old->snapshot;
    const struct vv_base_state base = {.protocol = from->protocol,
        .metadata = from->metadata,
        .files = from->files,
        .files_len = from->files_len,
        .tombstones = from->tombstones,
        .tombstones_len = from->tombstones_len,
        .txns = from->txns,
        .txns_len = from->txns_len,
        .domains = from->domains,
        .domains_len = from->domains_len};
    const struct vv_actions *newest = &news->commits.items[news->commits.len - 1];
    bool compact = is_to_compact(old);
    VV_CLEANUP(vv_replay_done) struct vv_replay replay;
    vv_replay_init(&replay, &box->blocks[0]->arena);
    box->snapshot.version = newest->version;
    box->snapshot.checkpoint_version = from->checkpoint_version;
    box->snapshot.commits_read = news->commits.len;
    box->snapshot.timestamp_ms = VV_NO_TIME;
    VV_TRY(note_newest(op, &(struct vv_log_commit){.version = newest->version}, newest,
        news->newest_bytes, box));
    for (size_t i = news->commits.len; i > 0; i--)
        VV_TRY(vv_replay_commit(op, &replay, &news->commits.items[i - 1]));
    VV_TRY(vv_replay_base_state(op, &replay, &base, compact));
    if (!compact) {
        share_blocks(box, old);
        box->dead_bytes = old->dead_bytes + replay.dropped_bytes;
    }
    return finish(op, log, box, &replay.state, from);
}

varve_status vv_snapshot_refresh(struct vv_op *op, const struct vv_log_handle *log,
    struct vv_snapshot *old, struct vv_snapshot **out)
{
    VV_CLEANUP(vv_arena_done) struct vv_arena arena = VV_ARENA_INIT(op->arena.bytes_max);
    VV_CLEANUP(box_free) struct box *box = NULL;
    struct news news = {0};
    bool latest = false;
    varve_status status = read_to_latest(op, log, old->version, &arena, &news, &latest);
    /* A checkpoint behind it may stand for what can't be read. */
    if (status == VARVE_ECORRUPT || status == VARVE_EUNSUPPORTED)
        vv_forgive(op);
    else
        VV_TRY(status);
    if (!latest)
        return vv_snapshot_load(op, log, VV_NO_VERSION, out);
    if (news.commits.len == 0) {
        *out = vv_snapshot_retain(old);
        return VARVE_OK;
    }
    VV_TRY(box_new(op, &box));
    VV_TRY(advance(op, log, box_of(old), &news, box));
    *out = &VV_MOVE(box)->snapshot;
    return VARVE_OK;
}

varve_status vv_snapshot_suppose(struct vv_op *op, struct vv_snapshot *base,
    const struct vv_metadata *metadata, struct vv_snapshot **out)
{
    VV_CLEANUP(box_free) struct box *box = NULL;
    VV_TRY(box_new(op, &box));
    box->base = vv_snapshot_retain(base);
    box->snapshot = *base;
    box->snapshot.metadata = metadata;
    VV_TRY(vv_schema_parse(op, &box->lists, metadata->schema_json, base->mapping,
        &box->snapshot.schema));
    *out = &VV_MOVE(box)->snapshot;
    return VARVE_OK;
}

varve_status vv_snapshot_unmade(struct vv_op *op, struct vv_snapshot *base,
    struct vv_snapshot **out)
{
    VV_CLEANUP(box_free) struct box *box = NULL;
    VV_TRY(box_new(op, &box));
    box->base = vv_snapshot_retain(base);
    box->snapshot = *base;
    box->snapshot.version = VV_NO_VERSION;
    box->snapshot.files_len = 0;
    box->snapshot.tombstones_len = 0;
    box->snapshot.txns_len = 0;
    box->snapshot.domains_len = 0;
    *out = &VV_MOVE(box)->snapshot;
    return VARVE_OK;
}
