/*
 * What a commit says of itself: when it was made, and how many files it adds and removes. The newest
 * one is proven by no link, but one that was altered, or cut behind a line, may contradict itself.
 */
#include "base/time.h"
#include "table/audit/verify_run.h"

#define AHEAD_MS (INT64_C(10) * 60 * 1000) /* clocks differ; what is further off was wrong */

/* A commit of Varve's is later than the one before it, whatever the clock says (commit.h). */
static varve_status check_own_time(struct vv_op *op, struct vv_verify_run *run,
    const struct vv_actions *actions)
{
    const struct vv_commit_info *info = actions->commit_info;
    int64_t before_ms = run->state.varve_ms;
    bool is_ours = info != NULL && info->by_varve;
    run->state.varve_ms = is_ours ? info->timestamp_ms : VV_NO_TIME;
    if (!is_ours || before_ms == VV_NO_TIME || info->timestamp_ms == VV_NO_TIME ||
        info->timestamp_ms > before_ms)
        return VARVE_OK;
    return vv_verify_tell(op, run,
        &(struct vv_finding){"rule.time", true, actions->version, VV_STR(""), VV_STR_NONE},
        "version %" PRId64 " says that it was made no later than version %" PRId64
        ", which Varve never writes: one of the two was altered",
        actions->version, actions->version - 1);
}

static varve_status check_in_commit_time(struct vv_op *op, struct vv_verify_run *run,
    const struct vv_actions *actions)
{
    struct vv_verify_state *state = &run->state;
    const struct vv_commit_info *info = actions->commit_info;
    int64_t before_ms = state->in_commit_ms;
    int64_t ms = info != NULL ? info->in_commit_timestamp_ms : VV_NO_TIME;
    state->in_commit_ms = state->has_in_commit_times ? ms : VV_NO_TIME;
    if (state->has_in_commit_times && info != NULL && info->is_out_of_time)
        return vv_verify_tell(op, run,
            &(struct vv_finding){"rule.time", true, actions->version, VV_STR(""), VV_STR_NONE},
            "version %" PRId64 " has an in-commit timestamp outside the years 1 to 9999: no "
            "commit can come after it",
            actions->version);
    if (!state->has_in_commit_times || before_ms == VV_NO_TIME || ms == VV_NO_TIME ||
        ms > before_ms)
        return VARVE_OK;
    return vv_verify_tell(op, run,
        &(struct vv_finding){"rule.time", true, actions->version, VV_STR(""), VV_STR_NONE},
        "version %" PRId64 " has an in-commit timestamp that is not after the one before it",
        actions->version);
}

/* A file that is only marked by another deletion vector is removed and added, and no metric of these. */
static varve_status check_metrics(struct vv_op *op, struct vv_verify_run *run,
    const struct vv_actions *actions)
{
    const struct {
        const char *name;
        size_t there;
        const char *what;
    } metrics[] = {{"numTargetFilesAdded", actions->adds.len, "adds"},
        {"numAddedFiles", actions->adds.len, "adds"}, {"numFiles", actions->adds.len, "adds"},
        {"numRestoredFiles", actions->adds.len, "adds"},
        {"numTargetFilesRemoved", actions->removes.len, "removes"},
        {"numRemovedFiles", actions->removes.len, "removes"},
        {"numTargetChangeFilesAdded", actions->cdcs.len, "adds change files,"},
        {"numAddedChangeFiles", actions->cdcs.len, "adds change files,"}};
    const struct vv_commit_info *info = actions->commit_info;
    for (size_t i = 0; i < VV_COUNT(metrics) && info != NULL && info->by_varve; i++) {
        const struct vv_json *json = vv_json_get(info->metrics, metrics[i].name);
        int64_t said = 0;
        bool is_said = vv_json_int64(json, &said) || vv_str_int64(vv_json_text(json), &said);
        if (!is_said || said <= (int64_t)metrics[i].there)
            continue;
        return vv_verify_tell(op, run,
            &(struct vv_finding){
                "rule.metrics", true, actions->version, VV_STR(""), VV_STR_NONE},
            "version %" PRId64 " says that it %s %" PRId64
            " files (%s), and %zu are in it: it was cut or altered",
            actions->version, metrics[i].what, said, metrics[i].name, metrics[i].there);
    }
    return VARVE_OK;
}

varve_status vv_verify_said(struct vv_op *op, struct vv_verify_run *run,
    const struct vv_actions *actions)
{
    VV_TRY(check_own_time(op, run, actions));
    VV_TRY(check_in_commit_time(op, run, actions));
    return check_metrics(op, run, actions);
}

/* ---- At the end --------------------------------------------------------------------------------- */

bool vv_verify_has_commits(const struct vv_verify_run *run)
{
    return run->chain.version != VV_NO_VERSION;
}

int64_t vv_verify_open_from(const struct vv_verify_run *run)
{
    int64_t by_head = run->result.head_version;
    if (by_head != VV_NO_VERSION)
        return by_head + 1;
    return vv_verify_has_commits(run) ? vv_chain_walk_open(&run->chain) : run->first_version;
}

/* The newest commit of Varve's is not among them: there always is one that is proven by nothing yet. */
static varve_status tell_unproven(struct vv_op *op, struct vv_verify_run *run)
{
    for (size_t i = 0; i < run->chain.ranges.len; i++) {
        struct vv_cover_range range = run->chain.ranges.items[i];
        bool is_tail = range.cover == VV_COVER_TAIL;
        if (!is_tail && range.cover != VV_COVER_UNCOVERED && range.cover != VV_COVER_UNPROVEN)
            continue;
        /* What no link reaches, up to the newest, a head proves all the same. */
        bool is_open = is_tail || (range.cover == VV_COVER_UNPROVEN &&
                                      range.from >= vv_chain_walk_open(&run->chain));
        if (is_open && range.from < vv_verify_open_from(run))
            range.from = vv_verify_open_from(run);
        if (range.from > range.to)
            continue;
        VV_TRY(vv_verify_tell(op, run,
            &(struct vv_finding){"commit.unproven", true, range.from, VV_STR(""), VV_STR_NONE},
            "nothing proves the commits %" PRId64 " to %" PRId64 ": %s", range.from, range.to,
            range.cover == VV_COVER_UNPROVEN
                ? "they left the log, and no link reaches them in the ledger"
            : is_tail ? "they are of other software, and Varve has committed nothing since"
                      : "they are of other software, and the next link does not reach them"));
    }
    return VARVE_OK;
}

static varve_status tell_ahead(struct vv_op *op, struct vv_verify_run *run)
{
    char text[32];
    int64_t now_ms = vv_now_us(op) / VV_US_PER_MS;
    if (run->last_ms == VV_NO_TIME || run->last_ms - AHEAD_MS <= now_ms)
        return VARVE_OK;
    size_t len = vv_time_format_ms(run->last_ms, text);
    return vv_verify_tell(op, run,
        &(struct vv_finding){"time.ahead", false, run->last_version, VV_STR(""), VV_STR_NONE},
        "version %" PRId64 " says that it was made at %.*s, which is ahead of the clock: its "
        "clock was wrong, or it was altered; until then all commits get later times than that, "
        "and what is asked for as known now does not have it",
        run->last_version, (int)len, text);
}

varve_status vv_verify_unproven(struct vv_op *op, struct vv_verify_run *run)
{
    if (run->request->is_strict && !run->is_blind)
        VV_TRY(tell_unproven(op, run));
    return tell_ahead(op, run);
}
