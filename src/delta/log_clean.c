#include "delta/log_clean.h"

#include "base/seam.h"
#include "base/time.h"
#include "delta/features.h"
#include "delta/last_checkpoint.h"
#include "delta/ledger.h"
#include "delta/log_name.h"
#include "delta/pins.h"
#include "delta/timeline.h"

#define RETENTION_US (30 * VV_US_PER_DAY) /* the protocol's default */

/* The last moment whose commits may go, in milliseconds: a midnight. */
static int64_t cutoff_ms(const struct vv_op *op, const struct vv_metadata *metadata)
{
    int64_t retention_us = RETENTION_US;
    struct vv_str text =
        vv_pairs_get(&metadata->configuration, VV_STR("delta.logRetentionDuration"));
    if (text.ptr != NULL && !vv_time_parse_duration(text, &retention_us))
        return INT64_MIN; /* what is not understood keeps everything */
    int64_t now_us = vv_now_us(op);
    if (retention_us < 0 || retention_us >= now_us)
        return INT64_MIN;
    int64_t oldest_us = now_us - retention_us;
    return (oldest_us - oldest_us % VV_US_PER_DAY) / VV_US_PER_MS;
}

/* The least version that a tag or a hold keeps; INT64_MAX: there is none. */
static varve_status least_pinned(struct vv_op *op, const struct vv_log_handle *log,
    int64_t *out)
{
    struct vv_pins pins = {0};
    VV_TRY(vv_pins_read(op, log, &op->arena, &pins));
    *out = INT64_MAX;
    for (size_t i = 0; i < pins.len; i++)
        if (pins.items[i].version < *out)
            *out = pins.items[i].version;
    return VARVE_OK;
}

/* The first `len` commits are about to go: one that is damaged waits for its file to come back. */
static varve_status check_sound(struct vv_op *op, struct vv_timeline *timeline, size_t len)
{
    timeline->passes_damage = true;
    VV_TRY(vv_timeline_resolve(op, timeline, 0, len));
    timeline->passes_damage = false;
    for (size_t i = 0; i < len; i++) {
        timeline->points[i].is_read = !timeline->points[i].is_damaged;
        VV_TRY(vv_timeline_resolve(op, timeline, i, i + 1)); /* says what is wrong with it */
    }
    return VARVE_OK;
}

/* The newest checkpoint whose version is as old as the cut-off and no pin; VV_NO_VERSION: none. */
static varve_status find_base(struct vv_op *op, const struct vv_log_handle *log,
    const struct vv_log_list *list, int64_t until_ms, int64_t *out)
{
    VV_CLEANUP(vv_timeline_done) struct vv_timeline timeline = {0};
    size_t count = 0;
    int64_t pinned = INT64_MAX;
    VV_TRY(least_pinned(op, log, &pinned));
    VV_TRY(vv_timeline_init(op, &timeline, log, list->commits.items, list->commits.len,
        &op->arena));
    timeline.passes_damage = true;
    VV_TRY(vv_timeline_count_until(op, &timeline, until_ms, &count));
    *out = VV_NO_VERSION;
    if (count == 0)
        return VARVE_OK;
    int64_t most = list->commits.items[count - 1].version;
    for (size_t i = 0; i < list->checkpoints.len; i++)
        if (list->checkpoints.items[i].version <= (most < pinned ? most : pinned))
            *out = list->checkpoints.items[i].version;
    return check_sound(op, &timeline, vv_log_list_lower(list, *out));
}

/* A checkpoint that takes the place of commits must be one that can be read. */
static varve_status check_base(struct vv_op *op, const struct vv_log_handle *log, int64_t base)
{
    VV_CLEANUP(vv_snapshot_release) struct vv_snapshot *snapshot = NULL;
    if (vv_snapshot_load(op, log, base, &snapshot) != VARVE_OK)
        return vv_note(op, "clean up the log");
    if (snapshot->checkpoint_version != base)
        return vv_fail(op, snapshot->checkpoint_has_failed ? VARVE_EIO : VARVE_ECORRUPT,
            "the checkpoint of version %" PRId64 " can't be read: the log is not cleaned up",
            base);
    return VARVE_OK;
}

/*
 * After a power cut the hint may be older than the checkpoints that are there. It must not name one
 * that is about to go; without a hint the log is listed.
 */
static varve_status drop_hint_below(struct vv_op *op, const struct vv_log_handle *log,
    int64_t base)
{
    int64_t hint = VV_NO_VERSION;
    VV_TRY(vv_last_checkpoint_read(op, log->store, &hint));
    if (hint == VV_NO_VERSION || hint >= base)
        return VARVE_OK;
    return vv_store_remove(op, log->store, VV_STR(VV_LAST_CHECKPOINT_KEY));
}

enum {
    COMMITS,
    OTHERS,
    PASSES
};

/*
 * A checkpoint that the commits behind the one before it, or behind nothing, do not lead up to: others
 * cleaned up what came before, and the versions after it are put together from nothing else.
 */
static bool is_needed(const struct vv_log_list *kept, int64_t version)
{
    int64_t before = VV_NO_VERSION;
    bool is_there = false;
    for (size_t i = 0; i < kept->checkpoints.len && !is_there; i++) {
        is_there = kept->checkpoints.items[i].version == version;
        if (!is_there)
            before = kept->checkpoints.items[i].version;
    }
    size_t commits = vv_log_list_lower(kept, version + 1) - vv_log_list_lower(kept, before + 1);
    return is_there && (int64_t)commits < version - before;
}

/* Of the log when it was listed: one that came since, the ledger was not asked for. */
static bool was_listed(const struct vv_log_list *kept, int64_t version)
{
    size_t i = vv_log_list_lower(kept, version);
    return i < kept->commits.len && kept->commits.items[i].version == version &&
           kept->commits.items[i].ledger_key.ptr == NULL;
}

/* Commits go first, in order: what is left is a log from some version on, never one with holes. */
static bool is_of_pass(struct vv_str name, int pass, int64_t base,
    const struct vv_log_list *kept)
{
    int64_t version;
    if (!vv_log_name_expirable(name, &version) || version >= base)
        return false;
    if (vv_log_commit_version(name) != VV_NO_VERSION && !was_listed(kept, version))
        return false;
    if (vv_log_name_parse(name).kind == VV_LOG_NAME_CHECKPOINT && is_needed(kept, version))
        return false;
    return (vv_log_commit_version(name) != VV_NO_VERSION) == (pass == COMMITS);
}

/* `kept`: what is in the log, and the ledger's commits. */
static varve_status remove_below(struct vv_op *op, const struct vv_log_handle *log,
    int64_t base, const struct vv_log_list *kept, struct vv_log_cleaned *cleaned)
{
    struct vv_objects objects = {0};
    VV_TRY(vv_store_list(op, log->store, &op->arena, VV_STR(VV_LOG_FOLDER), VV_STR_NONE, 0,
        &objects));
    for (int pass = COMMITS; pass < PASSES; pass++) {
        for (size_t i = 0; i < objects.len; i++) {
            if (!is_of_pass(vv_log_name_of_key(objects.items[i].key), pass, base, kept))
                continue;
            VV_TRY(vv_check_cancel(op));
            VV_TRY(vv_store_remove(op, log->store, objects.items[i].key));
            vv_crash_point("log_clean.remove");
            *(pass == COMMITS ? &cleaned->commits : &cleaned->others) += 1;
        }
    }
    return VARVE_OK;
}

static bool is_protected(const struct vv_snapshot *snapshot)
{
    const struct vv_protocol *protocol = snapshot->protocol;
    for (size_t i = 0; i < protocol->writer_features_len; i++)
        if (vv_str_eq(protocol->writer_features[i], VV_STR("checkpointProtection")))
            return true;
    return false;
}

varve_status vv_log_clean(struct vv_op *op, const struct vv_log_handle *log,
    const struct vv_snapshot *newest, struct vv_log_cleaned *out)
{
    struct vv_log_cleaned cleaned = {.first_version = VV_NO_VERSION};
    struct vv_log_list list = {0};
    int64_t base = VV_NO_VERSION;
    int64_t until_ms = cutoff_ms(op, newest->metadata);
    bool is_on = vv_property_bool(newest->metadata, "delta.enableExpiredLogCleanup", true);
    if (is_on && until_ms != INT64_MIN && !is_protected(newest)) {
        VV_TRY(vv_log_list_read(op, log, 0, &op->arena, &list));
        VV_TRY(find_base(op, log, &list, until_ms, &base));
    }
    if (base != VV_NO_VERSION && vv_log_list_lower(&list, base) > 0) {
        VV_TRY(check_base(op, log, base));
        VV_TRY(vv_ledger_keep(op, log, &list, base, &cleaned.kept_in_ledger));
        VV_TRY(vv_ledger_check(op, log, &list, base));
        VV_TRY(drop_hint_below(op, log, base));
        if (!vv_log_list_has_all_from(&list, 0))
            VV_TRY(vv_ledger_extend(op, log, &op->arena, &list));
        VV_TRY(remove_below(op, log, base, &list, &cleaned));
        cleaned.first_version = base;
    }
    *out = cleaned;
    return VARVE_OK;
}
