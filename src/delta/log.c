#include "delta/log.h"

#include "delta/last_checkpoint.h"
#include "delta/ledger.h"
#include "delta/log_list.h"
#include "delta/log_name.h"
#include "delta/log_probe.h"
#include "store/odd_name.h"

struct vv_str vv_log_commit_key(struct vv_arena *arena, int64_t version)
{
    VV_PRE(version >= 0);
    return vv_arena_format(arena, VV_LOG_FOLDER "/%020" PRId64 ".json", version);
}

int64_t vv_log_commit_version(struct vv_str name)
{
    struct vv_log_name parsed = vv_log_name_parse(name);
    return parsed.kind == VV_LOG_NAME_COMMIT ? parsed.version : VV_NO_VERSION;
}

/* A commit that was not found, and may be out of reach: that is no end of the log. */
static varve_status check_name(struct vv_op *op, const struct vv_log_handle *log,
    int64_t version, struct vv_str key)
{
    const varve_error absent = op->error;
    bool is_odd = false;
    vv_forgive(op);
    VV_TRY(vv_store_is_odd_name(op, log->store, key, &is_odd));
    if (!is_odd)
        return vv_fail(op, VARVE_ENOTFOUND, "%s", absent.message);
    (void)vv_fail(op, VARVE_ECORRUPT,
        "%.*s is there and leads to no file (is all that it links to mounted?): restore it "
        "from "
        "a backup, or read an older version",
        VV_ARG(key));
    op->error.version = version;
    return VARVE_ECORRUPT;
}

varve_status vv_log_read(struct vv_op *op, const struct vv_log_handle *log, int64_t version,
    struct vv_arena *arena, struct vv_str *out_bytes)
{
    struct vv_str key = vv_log_commit_key(arena, version);
    if (key.ptr == NULL)
        return vv_fail_memory(op);
    varve_status status = vv_store_get(op, log->store, arena, key, out_bytes);
    return status == VARVE_ENOTFOUND ? check_name(op, log, version, key) : status;
}

varve_status vv_log_settle(struct vv_op *op, const struct vv_log_handle *log)
{
    if (vv_store_settle(op, log->store, VV_STR(VV_LOG_FOLDER)) == VARVE_OK)
        return VARVE_OK;
    return vv_note(op, "what it was to do is done already, and may not outlive a power cut");
}

varve_status vv_log_read_listed(struct vv_op *op, const struct vv_log_handle *log,
    struct vv_ledger_reader *ledger, const struct vv_log_commit *commit, struct vv_arena *arena,
    struct vv_str *out_bytes)
{
    if (commit->ledger_key.ptr == NULL)
        return vv_log_read(op, log, commit->version, arena, out_bytes);
    return ledger != NULL ? vv_ledger_reader_read(op, log, ledger, commit, arena, out_bytes)
                          : vv_ledger_read(op, log, commit, arena, out_bytes);
}

varve_status vv_log_read_listed_actions(struct vv_op *op, const struct vv_log_handle *log,
    struct vv_ledger_reader *ledger, const struct vv_log_commit *commit, struct vv_arena *arena,
    struct vv_actions *out, struct vv_str *out_bytes)
{
    struct vv_str bytes = VV_STR_NONE;
    VV_TRY(vv_log_read_listed(op, log, ledger, commit, arena, &bytes));
    if (vv_actions_parse(op, arena, commit->version, bytes, out) != VARVE_OK) {
        op->error.version = commit->version;
        return vv_note(op, VV_LOG_FOLDER "/%020" PRId64 ".json (%zu bytes)", commit->version,
            bytes.len);
    }
    if (out_bytes != NULL)
        *out_bytes = bytes;
    return VARVE_OK;
}

varve_status vv_log_read_actions(struct vv_op *op, const struct vv_log_handle *log,
    int64_t version, struct vv_arena *arena, struct vv_actions *out, struct vv_str *out_bytes)
{
    const struct vv_log_commit commit = {.version = version};
    return vv_log_read_listed_actions(op, log, NULL, &commit, arena, out, out_bytes);
}

/* The newest checkpoint of at most `max`; NULL where there is none. */
static const struct vv_checkpoint_ref *newest_checkpoint(const struct vv_log_list *list,
    int64_t max)
{
    for (size_t i = list->checkpoints.len; i > 0; i--)
        if (list->checkpoints.items[i - 1].version <= max)
            return &list->checkpoints.items[i - 1];
    return NULL;
}

static varve_status fail_no_version(struct vv_op *op, const struct vv_log_list *list,
    int64_t version)
{
    int64_t first = vv_log_list_first(list);
    int64_t last = vv_log_list_last(list);
    varve_status status =
        version > last
            ? vv_fail(op, VARVE_ENOTFOUND,
                  "there is no version %" PRId64 " yet: versions %" PRId64 " to %" PRId64
                  " are there",
                  version, first, last)
            : vv_fail(op, VARVE_ENOTFOUND,
                  "version %" PRId64 " is gone, its log was cleaned up: versions %" PRId64
                  " to %" PRId64 " are there",
                  version, first, last);
    op->error.version = version;
    return status;
}

/* The commits `from` to `to` of the listing, which must all be there. */
static varve_status take_commits(struct vv_op *op, const struct vv_log_list *list, int64_t from,
    int64_t to, struct vv_log_segment *segment)
{
    size_t start = vv_log_list_lower(list, from);
    int64_t expected = from;
    size_t i = start;
    for (; expected <= to; i++, expected++) {
        if (i < list->commits.len && list->commits.items[i].version == expected)
            continue;
        (void)vv_fail(op, VARVE_ECORRUPT,
            "commit " VV_LOG_FOLDER "/%020" PRId64 ".json is missing, but version %" PRId64
            " needs it: restore that file from a backup, or read an older version",
            expected, to);
        op->error.version = expected;
        return VARVE_ECORRUPT;
    }
    segment->commits_len = i - start;
    if (segment->commits_len > 0)
        segment->commits = list->commits.items + start;
    return VARVE_OK;
}

/* Puts `version` together from a whole listing, or from one that starts at a checkpoint. */
static varve_status assemble(struct vv_op *op, const struct vv_log_list *list, int64_t version,
    int64_t checkpoint_max, struct vv_log_segment *out)
{
    struct vv_log_segment segment = {
        .version = version, .checkpoint = {.version = VV_NO_VERSION}};
    int64_t max = version < checkpoint_max ? version : checkpoint_max;
    const struct vv_checkpoint_ref *checkpoint = newest_checkpoint(list, max);
    if (checkpoint != NULL)
        segment.checkpoint = *checkpoint;
    VV_TRY(take_commits(op, list, segment.checkpoint.version + 1, version, &segment));
    *out = segment;
    return VARVE_OK;
}

/*
 * The listing to work with: from the checkpoint of the hint where that one is usable, else
 * whole. A hint that is newer than what is asked for, or whose checkpoint is gone, is no use.
 */
static varve_status list_for(struct vv_op *op, const struct vv_log_handle *log, int64_t version,
    int64_t checkpoint_max, struct vv_arena *arena, struct vv_log_list *out)
{
    int64_t hint = VV_NO_VERSION;
    VV_TRY(vv_last_checkpoint_read(op, log->store, &hint));
    int64_t max = checkpoint_max;
    if (version != VV_NO_VERSION && version < max)
        max = version;
    if (hint > 0 && hint <= max) {
        struct vv_log_list list = {0};
        VV_TRY(vv_log_list_read(op, log, hint, arena, &list));
        int64_t last = vv_log_list_last(&list);
        if (newest_checkpoint(&list, max) != NULL &&
            (version == VV_NO_VERSION || version <= last)) {
            *out = list;
            return VARVE_OK;
        }
    }
    return vv_log_list_read(op, log, 0, arena, out);
}

/* A version older than what the log can put together: with the commits of the ledger, or not. */
static varve_status find_old(struct vv_op *op, const struct vv_log_handle *log, int64_t version,
    int64_t checkpoint_max, struct vv_arena *arena, struct vv_log_list *list,
    struct vv_log_segment *out)
{
    const struct vv_log_list without = *list;
    bool is_hopeless = vv_log_list_first(list) == VV_NO_VERSION;
    VV_TRY(vv_ledger_extend(op, log, arena, list));
    bool is_longer = list->commits.len > without.commits.len;
    if (!is_longer && is_hopeless)
        return assemble(op, list, version, checkpoint_max, out); /* says what is missing */
    if (!is_longer || version < vv_log_list_first(list))
        return fail_no_version(op, &without, version);
    varve_status status = assemble(op, list, version, checkpoint_max, out);
    if (status != VARVE_ECORRUPT)
        return status;
    /* A hole below the log is no damage: somebody cleaned up before the ledger had it. */
    vv_forgive(op);
    return fail_no_version(op, &without, version);
}

/*
 * A clean-up that was cut short has taken commits above a checkpoint that is there still: the
 * ledger has them. A commit that it lacks as well is missing.
 */
static varve_status find_with_ledger(struct vv_op *op, const struct vv_log_handle *log,
    int64_t version, int64_t checkpoint_max, struct vv_arena *arena, struct vv_log_list *list,
    struct vv_log_segment *out)
{
    varve_status status = assemble(op, list, version, checkpoint_max, out);
    if (status != VARVE_ECORRUPT)
        return status;
    const varve_error missing = op->error;
    size_t without = list->commits.len;
    vv_forgive(op);
    VV_TRY(vv_ledger_extend(op, log, arena, list));
    if (list->commits.len > without)
        return assemble(op, list, version, checkpoint_max, out);
    (void)vv_fail(op, VARVE_ECORRUPT, "%s", missing.message);
    op->error.version = missing.version;
    return VARVE_ECORRUPT;
}

varve_status vv_log_find(struct vv_op *op, const struct vv_log_handle *log, int64_t version,
    int64_t checkpoint_max, struct vv_arena *arena, struct vv_log_segment *out)
{
    struct vv_log_list list = {0};
    bool found = false;
    if (log->store->lists_whole && checkpoint_max == INT64_MAX)
        VV_TRY(vv_log_probe(op, log, version, arena, out, &found));
    if (found)
        return VARVE_OK;
    VV_TRY(list_for(op, log, version, checkpoint_max, arena, &list));
    int64_t last = vv_log_list_last(&list);
    if (last == VV_NO_VERSION)
        return vv_log_fail_no_table(op, log);
    if (version == VV_NO_VERSION)
        version = last;
    if (version > last)
        return fail_no_version(op, &list, version);
    int64_t first = vv_log_list_first(&list);
    if (first == VV_NO_VERSION || version < first)
        return find_old(op, log, version, checkpoint_max, arena, &list, out);
    return find_with_ledger(op, log, version, checkpoint_max, arena, &list, out);
}
