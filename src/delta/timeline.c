#include "delta/timeline.h"

#include "base/time.h"
#include "delta/commit_time.h"
#include "delta/log_name.h"
#include "delta/snapshot.h"

#define COMMIT_INFO "\"commitInfo\""

varve_status vv_timeline_init(struct vv_op *op, struct vv_timeline *timeline,
    const struct vv_log_handle *log, const struct vv_log_commit *commits, size_t len,
    struct vv_arena *arena)
{
    struct vv_timeline_point *points = vv_new(arena, struct vv_timeline_point, len + 1);
    if (points == NULL)
        return vv_fail_memory(op);
    for (size_t i = 0; i < len; i++)
        points[i].time_ms = VV_NO_TIME;
    vv_timeline_done(timeline);
    *timeline = (struct vv_timeline){.log = log,
        .arena = arena,
        .commits = commits,
        .len = len,
        .points = points,
        .ledger = {.arena = VV_ARENA_INIT(op->arena.bytes_max)}};
    return VARVE_OK;
}

void vv_timeline_done(struct vv_timeline *timeline)
{
    vv_ledger_reader_done(&timeline->ledger);
}

varve_status vv_timeline_find_info(struct vv_op *op, struct vv_arena *arena, int64_t version,
    struct vv_str bytes, const struct vv_commit_info **out)
{
    struct vv_str whole = vv_str_trim(bytes);
    struct vv_str rest = whole;
    struct vv_str line = VV_STR_NONE;
    if (whole.len == 0 || whole.ptr[whole.len - 1] != '}')
        return vv_fail(op, VARVE_ECORRUPT, "%s",
            whole.len == 0 ? "the file is empty"
                           : "the last line ends without its \"}\": it is torn");
    *out = NULL;
    while (vv_str_split(&rest, '\n', &line)) {
        struct vv_actions actions = {0};
        if (memmem(line.ptr, line.len, COMMIT_INFO, strlen(COMMIT_INFO)) == NULL)
            continue;
        VV_TRY(vv_actions_parse(op, arena, version, line, &actions));
        if (actions.commit_info != NULL) {
            *out = actions.commit_info;
            return VARVE_OK;
        }
    }
    return VARVE_OK;
}

/*
 * Whether in-commit timestamps count. For commits of Varve that makes no difference: where they have
 * one it is the time that they say. A table whose state can't be read has none to go by: what its
 * commits say is all there is.
 */
static varve_status know_counts_from(struct vv_op *op, struct vv_timeline *timeline,
    const struct vv_commit_info *info)
{
    VV_CLEANUP(vv_snapshot_release) struct vv_snapshot *newest = NULL;
    if (timeline->knows_counts_from || info == NULL || info->by_varve ||
        info->in_commit_timestamp_ms == VV_NO_TIME)
        return VARVE_OK;
    varve_status status = vv_snapshot_load_unread(op, timeline->log, &newest);
    bool has_none =
        status == VARVE_ECORRUPT || status == VARVE_ENOTFOUND || status == VARVE_EUNSUPPORTED;
    if (has_none)
        vv_forgive(op);
    else
        VV_TRY(status);
    timeline->knows_counts_from = true;
    timeline->counts_from = has_none ? 0 : vv_commit_time_counts_from(newest->metadata);
    return VARVE_OK;
}

static varve_status read_point(struct vv_op *op, struct vv_timeline *timeline, size_t index)
{
    struct vv_timeline_point *point = &timeline->points[index];
    if (point->is_read)
        return VARVE_OK;
    VV_CLEANUP(vv_arena_done) struct vv_arena scratch = VV_ARENA_INIT(op->arena.bytes_max);
    int64_t version = timeline->commits[index].version;
    struct vv_str bytes = VV_STR_NONE;
    VV_TRY(vv_check_cancel(op));
    varve_status status = vv_log_read_listed(op, timeline->log, &timeline->ledger,
        &timeline->commits[index], &scratch, &bytes);
    if (status == VARVE_OK)
        status = vv_timeline_find_info(op, timeline->arena, version, bytes, &point->info);
    if (status == VARVE_ECORRUPT && timeline->passes_damage) {
        vv_forgive(op);
        point->info = NULL;
        point->is_damaged = true;
        status = VARVE_OK;
    }
    if (status != VARVE_OK) {
        op->error.version = version;
        return vv_note(op, VV_LOG_FOLDER "/%020" PRId64 ".json", version);
    }
    VV_TRY(know_counts_from(op, timeline, point->info));
    point->own_ms = vv_commit_time_own_ms(point->info, version, timeline->counts_from);
    point->is_read = true;
    if (point->own_ms != VV_NO_TIME)
        point->time_ms = point->own_ms;
    return VARVE_OK;
}

static bool has_word(const struct vv_timeline *timeline, size_t index)
{
    return timeline->points[index].own_ms != VV_NO_TIME;
}

static int64_t file_ms(const struct vv_timeline *timeline, size_t index)
{
    return timeline->commits[index].modified_us / VV_US_PER_MS;
}

/*
 * Times of the commits [begin, end), none of which has a word of its own. Those right before
 * and after, where there are such, either have one or do not matter.
 */
static void fill_run(struct vv_timeline *timeline, size_t begin, size_t end)
{
    struct vv_timeline_point *points = timeline->points;
    bool has_floor = begin > 0 && points[begin - 1].time_ms != VV_NO_TIME;
    int64_t floor_ms = has_floor ? points[begin - 1].time_ms : INT64_MIN;
    int64_t least_ms = has_floor ? floor_ms + 1 : INT64_MIN;
    for (size_t i = begin; i < end; i++) {
        int64_t time_ms = file_ms(timeline, i);
        points[i].time_ms = time_ms < least_ms ? least_ms : time_ms;
        least_ms = points[i].time_ms + 1;
    }
    if (end == timeline->len || points[end].time_ms == VV_NO_TIME)
        return;
    int64_t most_ms = points[end].time_ms - 1;
    for (size_t i = end; i > begin; i--) {
        /* More commits than milliseconds in between: they share the time of the floor. */
        if (most_ms < floor_ms)
            most_ms = floor_ms;
        if (points[i - 1].time_ms > most_ms)
            points[i - 1].time_ms = most_ms;
        most_ms = points[i - 1].time_ms - 1;
    }
}

/*
 * Goes left from a commit without a word to where its run begins to matter: behind one that has
 * a word, at the first commit, or where no older file time can push the ones to the right.
 */
static varve_status find_run_begin(struct vv_op *op, struct vv_timeline *timeline, size_t index,
    size_t *out)
{
    int64_t *pushed_ms = NULL; /* the time of each commit, if none before it had a word */
    VV_NEW(op, &pushed_ms, int64_t, index + 1);
    for (size_t i = 0; i <= index; i++) {
        pushed_ms[i] = file_ms(timeline, i);
        if (i > 0 && pushed_ms[i - 1] >= pushed_ms[i])
            pushed_ms[i] = pushed_ms[i - 1] + 1;
    }
    size_t begin = index;
    for (; begin > 0; begin--) {
        if (pushed_ms[begin - 1] < file_ms(timeline, begin))
            break;
        VV_TRY(read_point(op, timeline, begin - 1));
        if (has_word(timeline, begin - 1))
            break;
    }
    *out = begin;
    return VARVE_OK;
}

varve_status vv_timeline_resolve(struct vv_op *op, struct vv_timeline *timeline, size_t begin,
    size_t end)
{
    VV_PRE(begin <= end && end <= timeline->len);
    for (size_t i = begin; i < end; i++)
        VV_TRY(read_point(op, timeline, i));
    for (size_t i = begin; i < end; i++) {
        if (timeline->points[i].time_ms != VV_NO_TIME)
            continue;
        size_t run_begin = i;
        size_t run_end = i + 1;
        if (i == begin)
            VV_TRY(find_run_begin(op, timeline, i, &run_begin));
        for (; run_end < timeline->len; run_end++) {
            VV_TRY(read_point(op, timeline, run_end));
            if (has_word(timeline, run_end))
                break;
        }
        fill_run(timeline, run_begin, run_end);
    }
    return VARVE_OK;
}

/* The commit with a word of its own that is nearest to the middle of [low, high); else `high`. */
static varve_status find_pivot(struct vv_op *op, struct vv_timeline *timeline, size_t low,
    size_t high, size_t *out)
{
    size_t middle = low + (high - low) / 2;
    for (size_t i = middle; i < high; i++) {
        VV_TRY(read_point(op, timeline, i));
        if (has_word(timeline, i)) {
            *out = i;
            return VARVE_OK;
        }
    }
    for (size_t i = middle; i > low; i--) {
        VV_TRY(read_point(op, timeline, i - 1));
        if (has_word(timeline, i - 1)) {
            *out = i - 1;
            return VARVE_OK;
        }
    }
    *out = high;
    return VARVE_OK;
}

varve_status vv_timeline_count_until(struct vv_op *op, struct vv_timeline *timeline,
    int64_t time_ms, size_t *out_count)
{
    /* All before `low` are of at most that time, all from `high` on are later. */
    size_t low = 0;
    size_t high = timeline->len;
    while (low < high) {
        size_t pivot = high;
        VV_TRY(find_pivot(op, timeline, low, high, &pivot));
        if (pivot == high)
            break;
        if (timeline->points[pivot].time_ms <= time_ms)
            low = pivot + 1;
        else
            high = pivot;
    }
    /* What is left is one run without a word, and both of its neighbours have one. */
    fill_run(timeline, low, high);
    while (low < high && timeline->points[low].time_ms <= time_ms)
        low++;
    *out_count = low;
    return VARVE_OK;
}
