#include "delta/log_times.h"

#include "base/time.h"
#include "delta/log_list.h"
#include "delta/log_name.h"
#include "delta/timeline.h"

/* How many of the `len` rising sequences, one of each length, a time may be put behind. */
static size_t count_before(const struct vv_log_time *items, size_t len, int64_t said_ms)
{
    size_t low = 0;
    while (low < len) {
        size_t middle = low + (len - low) / 2;
        if (items[items[middle].last].said_ms <= said_ms)
            low = middle + 1;
        else
            len = middle;
    }
    return low;
}

static bool is_candidate(const struct vv_log_times *times, const struct vv_log_time *time)
{
    return !time->has_in_commit_ms && time->said_ms != VV_NO_TIME &&
           time->said_ms <= times->now_ms + VV_TIMES_SLACK_MS;
}

/*
 * A clock was wrong where a commit says a time of the future, or where later versions say earlier times:
 * as few as can be are taken for the wrong ones, so the longest sequence that rises is believed. Of several
 * it is the one that ends as early as can be, and comes to that as late as can be: a single clock that was
 * far off, before or after all others, is left out.
 */
static void find_believed(struct vv_log_times *times)
{
    struct vv_log_time *items = times->items;
    size_t longest = 0;
    for (size_t i = 0; i < times->len; i++) {
        items[i].is_believed = false;
        if (!is_candidate(times, &items[i]))
            continue;
        size_t length = count_before(items, longest, items[i].said_ms);
        items[i].before = length > 0 ? items[length - 1].last : i;
        items[i].instead_of = length < longest ? items[length].last : i;
        items[length].last = i;
        longest += length == longest ? 1 : 0;
    }
    size_t at = longest > 0 ? items[longest - 1].last : 0;
    for (size_t left = longest; left > 0; left--) {
        int64_t most_ms = items[at].said_ms;
        items[at].is_believed = true;
        at = items[at].before;
        while (items[at].instead_of != at && items[items[at].instead_of].said_ms <= most_ms)
            at = items[at].instead_of;
    }
}

/* What the next commit that is believed says: nothing before it can be later. */
static int64_t next_said(const struct vv_log_times *times, size_t from)
{
    for (size_t i = from; i < times->len; i++)
        if (times->items[i].is_believed)
            return times->items[i].said_ms;
    return INT64_MAX;
}

static bool is_far(const struct vv_log_time *time)
{
    return time->is_believed && (time->file_ms < time->said_ms - VV_TIMES_SLACK_MS ||
                                    time->file_ms > time->said_ms + VV_TIMES_SLACK_MS);
}

void vv_log_times_plan(struct vv_log_times *times)
{
    int64_t before_ms = INT64_MIN;
    times->wrong = 0;
    times->unordered = 0;
    times->covered = 0;
    find_believed(times);
    for (size_t i = 0; i < times->len; i++) {
        struct vv_log_time *time = &times->items[i];
        bool is_mute = !time->is_believed;
        int64_t bound_ms = is_mute ? next_said(times, i + 1) : INT64_MAX;
        bool is_late =
            is_mute && bound_ms != INT64_MAX && time->file_ms > bound_ms + VV_TIMES_SLACK_MS;
        bool is_wrong = is_far(time) || is_late;
        time->due_ms = time->file_ms;
        if (time->has_in_commit_ms) {
            times->covered++;
            before_ms = time->file_ms;
            continue;
        }
        if (is_wrong)
            time->due_ms = is_mute ? bound_ms - 1 : time->said_ms;
        if (time->due_ms <= before_ms)
            time->due_ms = before_ms + 1;
        /* Behind a file that stays as late as it is, it may be right where it is. */
        bool is_due = time->due_ms != time->file_ms;
        times->wrong += is_due && is_wrong ? 1 : 0;
        times->unordered += is_due && !is_wrong ? 1 : 0;
        before_ms = time->due_ms;
    }
}

varve_status vv_log_times_read(struct vv_op *op, const struct vv_log_handle *log,
    struct vv_arena *arena, struct vv_log_times *out)
{
    struct vv_log_list list = {0};
    struct vv_log_times times = {.now_ms = vv_now_us(op) / VV_US_PER_MS};
    VV_TRY(vv_log_list_read(op, log, 0, &op->arena, &list));
    times.items = vv_new(arena, struct vv_log_time, list.commits.len + 1);
    if (times.items == NULL)
        return vv_fail_memory(op);
    for (size_t i = 0; i < list.commits.len; i++) {
        VV_CLEANUP(vv_arena_done) struct vv_arena scratch = VV_ARENA_INIT(op->arena.bytes_max);
        const struct vv_log_commit *commit = &list.commits.items[i];
        const struct vv_commit_info *info = NULL;
        struct vv_str bytes = VV_STR_NONE;
        VV_TRY(vv_check_cancel(op));
        VV_TRY(vv_log_read(op, log, commit->version, &scratch, &bytes));
        if (vv_timeline_find_info(op, &scratch, commit->version, bytes, &info) != VARVE_OK)
            return vv_note(op, VV_LOG_FOLDER "/%020" PRId64 ".json", commit->version);
        times.items[times.len++] = (struct vv_log_time){.version = commit->version,
            .file_ms = commit->modified_us / VV_US_PER_MS,
            .said_ms = info != NULL ? info->timestamp_ms : VV_NO_TIME,
            .has_in_commit_ms = info != NULL && info->in_commit_timestamp_ms != VV_NO_TIME};
    }
    vv_log_times_plan(&times);
    *out = times;
    return VARVE_OK;
}

varve_status vv_log_times_fix(struct vv_op *op, const struct vv_log_handle *log,
    const struct vv_log_times *times, size_t *out_fixed)
{
    *out_fixed = 0;
    for (size_t i = 0; i < times->len; i++) {
        const struct vv_log_time *time = &times->items[i];
        if (time->due_ms == time->file_ms)
            continue;
        struct vv_str key = vv_log_commit_key(&op->arena, time->version);
        VV_TRY(vv_check_cancel(op));
        if (key.ptr == NULL)
            return vv_fail_memory(op);
        VV_TRY(vv_store_touch(op, log->store, key, time->due_ms * VV_US_PER_MS));
        ++*out_fixed;
    }
    return VARVE_OK;
}
