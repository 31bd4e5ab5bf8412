#include "base/time.h"
#include "delta/ledger.h"
#include "delta/log.h"
#include "delta/log_list.h"
#include "delta/log_name.h"
#include "delta/timeline.h"

/*
 * So many commits before the first one that is asked for are looked at: where file times fall back
 * from one commit to the next, those before say how far they are made to rise.
 */
#define LOOK_BACK 100

/* What is asked for. */
struct span {
    int64_t from; /* VV_NO_VERSION: the latest */
    size_t limit; /* 0: all */
    bool passes_holes;
};

/* `at`: where that version would be in the listing. */
static varve_status fail_no_commit(struct vv_op *op, const struct vv_log_list *list, size_t at,
    int64_t version)
{
    if (at > 0 && at < list->commits.len) {
        int64_t hole = vv_log_list_hole(&list->commits.items[at - 1], &list->commits.items[at]);
        if (hole != VV_NO_VERSION)
            return vv_log_fail_hole(op, hole, version);
    }
    VV_CLEANUP(vv_buf_done) struct vv_buf there = VV_BUF_INIT(1 << 16);
    vv_log_spell(list->commits.items, list->commits.len, &there);
    if (!vv_buf_ok(&there))
        return vv_fail_memory(op);
    (void)vv_fail(op, VARVE_ENOTFOUND,
        "there is no commit of version %" PRId64 ": commits %.*s are there", version,
        VV_ARG(vv_buf_str(&there)));
    op->error.version = version;
    return VARVE_ENOTFOUND;
}

/* The commits of the log, and those of the ledger where they matter. */
static varve_status list_commits(struct vv_op *op, const struct vv_log_handle *log,
    const struct span *span, struct vv_log_list *out)
{
    size_t limit = span->limit;
    VV_TRY(vv_log_list_read(op, log, 0, &op->arena, out));
    if (vv_log_list_has_all_from(out, 0))
        return VARVE_OK;
    size_t end =
        span->from == VV_NO_VERSION ? out->commits.len : vv_log_list_lower(out, span->from) + 1;
    bool is_there =
        end <= out->commits.len &&
        (span->from == VV_NO_VERSION || out->commits.items[end - 1].version == span->from);
    if (is_there && limit > 0 && limit <= end &&
        vv_log_list_has_all_from(out, out->commits.items[end - limit].version))
        return VARVE_OK;
    return vv_ledger_extend(op, log, &op->arena, out);
}

/* A history that leaves out a version would say that nothing was there. */
static varve_status check_whole(struct vv_op *op, const struct vv_log_commit *commits,
    size_t start, size_t end)
{
    for (size_t i = start; i + 1 < end; i++) {
        int64_t hole = vv_log_list_hole(&commits[i], &commits[i + 1]);
        if (hole != VV_NO_VERSION)
            return vv_log_fail_hole(op, hole, commits[end - 1].version);
    }
    return VARVE_OK;
}

/* The entries of the `len` commits before `end`, newest first. */
static varve_status make_entries(struct vv_op *op, struct vv_timeline *timeline, size_t end,
    size_t len, struct vv_arena *arena, struct vv_history_entry **out)
{
    /* Only what is asked for has to be whole. */
    timeline->passes_damage = true;
    VV_TRY(vv_timeline_resolve(op, timeline, end - len, end));
    timeline->passes_damage = false;
    for (size_t i = end - len; i < end; i++) {
        timeline->points[i].is_read = !timeline->points[i].is_damaged;
        if (timeline->points[i].is_damaged)
            VV_TRY(vv_timeline_resolve(op, timeline, i, i + 1));
    }
    struct vv_history_entry *entries = vv_new(arena, struct vv_history_entry, len);
    if (entries == NULL)
        return vv_fail_memory(op);
    for (size_t i = 0; i < len; i++) {
        size_t index = end - 1 - i;
        entries[i] = (struct vv_history_entry){.version = timeline->commits[index].version,
            .commit = timeline->commits[index],
            .timestamp_ms = timeline->points[index].time_ms,
            .info = timeline->points[index].info};
    }
    *out = entries;
    return VARVE_OK;
}

static varve_status tell_span(struct vv_op *op, const struct vv_log_handle *log,
    const struct span *span, struct vv_arena *arena, struct vv_history_entry **out,
    size_t *out_len)
{
    struct vv_log_list list = {0};
    VV_TRY(list_commits(op, log, span, &list));
    if (list.commits.len == 0)
        return vv_log_fail_no_commit(op, log, &list);
    size_t end = list.commits.len;
    if (span->from != VV_NO_VERSION) {
        end = vv_log_list_lower(&list, span->from);
        if (end == list.commits.len || list.commits.items[end].version != span->from)
            return fail_no_commit(op, &list, end, span->from);
        end++;
    }
    size_t len = span->limit == 0 || span->limit > end ? end : span->limit;
    VV_CLEANUP(vv_timeline_done) struct vv_timeline timeline = {0};
    if (!span->passes_holes)
        VV_TRY(check_whole(op, list.commits.items, end - len, end));
    VV_TRY(vv_timeline_init(op, &timeline, log, list.commits.items, list.commits.len, arena));
    VV_TRY(make_entries(op, &timeline, end, len, arena, out));
    *out_len = len;
    return VARVE_OK;
}

varve_status vv_log_history(struct vv_op *op, const struct vv_log_handle *log, int64_t from,
    size_t limit, struct vv_arena *arena, struct vv_history_entry **out, size_t *out_len)
{
    const struct span span = {.from = from, .limit = limit};
    return tell_span(op, log, &span, arena, out, out_len);
}

varve_status vv_log_history_there(struct vv_op *op, const struct vv_log_handle *log,
    int64_t from, size_t limit, struct vv_arena *arena, struct vv_history_entry **out,
    size_t *out_len)
{
    const struct span span = {.from = from, .limit = limit, .passes_holes = true};
    return tell_span(op, log, &span, arena, out, out_len);
}

/* The commits `first` to `last`, by name. NULL in `out`: one of them is not there. */
static varve_status look_up(struct vv_op *op, const struct vv_log_handle *log, int64_t first,
    int64_t last, struct vv_log_commit **out)
{
    struct vv_log_commit *commits = NULL;
    VV_NEW(op, &commits, struct vv_log_commit, (size_t)(last - first + 1));
    *out = NULL;
    for (int64_t version = last; version >= first; version--) {
        struct vv_object object = {0};
        struct vv_str key = vv_log_commit_key(&op->arena, version);
        if (key.ptr == NULL)
            return vv_fail_memory(op);
        varve_status status = vv_store_head(op, log->store, key, &object);
        if (status == VARVE_ENOTFOUND) {
            vv_forgive(op);
            return VARVE_OK;
        }
        VV_TRY(status);
        commits[version - first] =
            (struct vv_log_commit){.version = version, .modified_us = object.modified_us};
    }
    *out = commits;
    return VARVE_OK;
}

varve_status vv_log_history_latest(struct vv_op *op, const struct vv_log_handle *log,
    int64_t latest, size_t limit, struct vv_arena *arena, struct vv_history_entry **out,
    size_t *out_len)
{
    struct vv_log_commit *commits = NULL;
    VV_CLEANUP(vv_timeline_done) struct vv_timeline timeline = {0};
    VV_PRE(latest >= 0 && limit > 0);
    size_t all = (size_t)latest + 1;
    size_t len = limit < all ? limit : all;
    size_t seen = len + LOOK_BACK < all ? len + LOOK_BACK : all;
    VV_TRY(look_up(op, log, latest + 1 - (int64_t)seen, latest, &commits));
    if (commits == NULL)
        return vv_log_history(op, log, VV_NO_VERSION, limit, arena, out, out_len);
    VV_TRY(vv_timeline_init(op, &timeline, log, commits, seen, arena));
    VV_TRY(make_entries(op, &timeline, seen, len, arena, out));
    *out_len = len;
    return VARVE_OK;
}

static int64_t floor_to_ms(int64_t us)
{
    int64_t ms = us / VV_US_PER_MS;
    return us % VV_US_PER_MS < 0 ? ms - 1 : ms;
}

static varve_status fail_too_early(struct vv_op *op, struct vv_timeline *timeline,
    int64_t time_us)
{
    char asked[32];
    char first[32];
    char last[32];
    VV_TRY(vv_timeline_resolve(op, timeline, 0, 1));
    VV_TRY(vv_timeline_resolve(op, timeline, timeline->len - 1, timeline->len));
    (void)vv_time_format_us(time_us, asked);
    (void)vv_time_format_ms(timeline->points[0].time_ms, first);
    (void)vv_time_format_ms(timeline->points[timeline->len - 1].time_ms, last);
    return vv_fail(op, VARVE_ENOTFOUND,
        "there is no version as of %s: version %" PRId64 ", the first that is there, is of %s,"
        " version %" PRId64 ", the last, of %s",
        asked, timeline->commits[0].version, first,
        timeline->commits[timeline->len - 1].version, last);
}

/* Commits that no checkpoint leads up to have a time, but no state to go back to. */
static varve_status start_timeline(struct vv_op *op, const struct vv_log_handle *log,
    const struct vv_log_list *list, struct vv_timeline *out)
{
    size_t start = vv_log_list_lower(list, vv_log_list_first(list));
    return vv_timeline_init(op, out, log, list->commits.items + start,
        list->commits.len - start, &op->arena);
}

/* The first `*out` commits are of at most that time. */
static varve_status count_until(struct vv_op *op, const struct vv_log_handle *log,
    const struct vv_log_list *list, int64_t time_us, struct vv_timeline *timeline, size_t *out)
{
    VV_TRY(start_timeline(op, log, list, timeline));
    timeline->passes_damage = true;
    return vv_timeline_count_until(op, timeline, floor_to_ms(time_us), out);
}

/* The version after the first `count` commits where that one is not there; else none. */
static int64_t missing_after(const struct vv_timeline *timeline, size_t count)
{
    if (count == 0 || count == timeline->len)
        return VV_NO_VERSION;
    int64_t version = timeline->commits[count - 1].version + 1;
    return version < timeline->commits[count].version ? version : VV_NO_VERSION;
}

/* What is missing there was cleaned up by others, and is no damage. */
static bool is_gone_after(const struct vv_timeline *timeline, size_t count)
{
    return missing_after(timeline, count) != VV_NO_VERSION &&
           vv_log_list_hole(&timeline->commits[count - 1], &timeline->commits[count]) ==
               VV_NO_VERSION;
}

static varve_status fail_gone(struct vv_op *op, struct vv_timeline *timeline, size_t count,
    int64_t time_us)
{
    VV_CLEANUP(vv_buf_done) struct vv_buf there = VV_BUF_INIT(1 << 16);
    const struct vv_log_commit *commits = timeline->commits;
    int64_t version = missing_after(timeline, count);
    char asked[32];
    char before[32];
    char after[32];
    VV_TRY(vv_timeline_resolve(op, timeline, count - 1, count + 1));
    vv_log_spell(commits, timeline->len, &there);
    if (!vv_buf_ok(&there))
        return vv_fail_memory(op);
    (void)vv_time_format_us(time_us, asked);
    (void)vv_time_format_ms(timeline->points[count - 1].time_ms, before);
    (void)vv_time_format_ms(timeline->points[count].time_ms, after);
    (void)vv_fail(op, VARVE_ENOTFOUND,
        "nobody can tell which version was there at %s: version %" PRId64 " is of %s, version "
        "%" PRId64
        " of %s, and the commits between are gone; commits %.*s are there: ask for a "
        "version by its number",
        asked, commits[count - 1].version, before, commits[count].version, after,
        VV_ARG(vv_buf_str(&there)));
    op->error.version = version;
    return VARVE_ENOTFOUND;
}

/*
 * Commits that are damaged or missing have a time that nobody knows. Only right behind the version
 * that is found does it matter: it may have been the latest at that time instead, but for the very
 * millisecond of the version that is found.
 */
static varve_status check_next(struct vv_op *op, struct vv_timeline *timeline, size_t count,
    int64_t time_us, bool passes_gone)
{
    char asked[32];
    int64_t version = missing_after(timeline, count);
    bool is_missing = version != VV_NO_VERSION;
    bool is_gone = is_gone_after(timeline, count);
    if (!is_missing && count < timeline->len && timeline->points[count].is_damaged)
        version = timeline->commits[count].version;
    bool is_found_ones = count > 0 &&
                         timeline->points[count - 1].own_ms == floor_to_ms(time_us) &&
                         timeline->points[count - 1].own_ms != VV_NO_TIME;
    if (version == VV_NO_VERSION || is_found_ones || (is_gone && passes_gone))
        return VARVE_OK;
    if (is_gone)
        return fail_gone(op, timeline, count, time_us);
    (void)vv_time_format_us(time_us, asked);
    (void)vv_fail(op, VARVE_ECORRUPT,
        "commit " VV_LOG_FOLDER "/%020" PRId64 ".json is %s, so that nobody can tell whether "
        "version %" PRId64 " was there at %s: restore that file from a backup, or ask for an "
        "older version by its number",
        version, is_missing ? "missing" : "damaged", version, asked);
    op->error.version = version;
    return VARVE_ECORRUPT;
}

static varve_status find_at(struct vv_op *op, const struct vv_log_handle *log, int64_t time_us,
    bool passes_gone, int64_t *out_version)
{
    struct vv_log_list list = {0};
    VV_CLEANUP(vv_timeline_done) struct vv_timeline timeline = {0};
    size_t count = 0;
    VV_TRY(vv_log_list_read(op, log, 0, &op->arena, &list));
    int64_t last = vv_log_list_last(&list);
    if (last == VV_NO_VERSION)
        return vv_log_fail_no_table(op, log);
    VV_TRY(count_until(op, log, &list, time_us, &timeline, &count));
    if ((count == 0 && vv_log_list_first(&list) != 0) ||
        missing_after(&timeline, count) != VV_NO_VERSION) {
        VV_TRY(vv_ledger_extend(op, log, &op->arena, &list));
        VV_TRY(count_until(op, log, &list, time_us, &timeline, &count));
    }
    VV_TRY(check_next(op, &timeline, count, time_us, passes_gone));
    if (timeline.len == 0)
        return vv_fail(op, VARVE_ENOTFOUND,
            "the time of version %" PRId64 " is not known, its commit is gone: ask for the"
            " version by number",
            last);
    if (count == 0)
        return fail_too_early(op, &timeline, time_us);
    *out_version = count == timeline.len ? last : timeline.commits[count - 1].version;
    return VARVE_OK;
}

varve_status vv_log_version_at(struct vv_op *op, const struct vv_log_handle *log,
    int64_t time_us, int64_t *out_version)
{
    return find_at(op, log, time_us, false, out_version);
}

varve_status vv_log_version_there(struct vv_op *op, const struct vv_log_handle *log,
    int64_t time_us, int64_t *out_version)
{
    return find_at(op, log, time_us, true, out_version);
}
