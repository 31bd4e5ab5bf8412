/*
 * Why something is due, in whole sentences.
 */
#include "base/number.h"
#include "base/time.h"
#include "table/maintain/maintain_run.h"

#define MINUTE_US (INT64_C(60) * VV_US_PER_S)
#define HOUR_US (INT64_C(60) * MINUTE_US)

static const char *const duty_names[VV_DUTIES] = {
    "none", "compact", "seal", "recluster", "checkpoint", "log", "vacuum"};
static const char *const outcome_names[VV_TASK_OUTCOMES] = {
    "planned", "done", "left", "failed", "skipped"};

const char *vv_duty_name(enum vv_duty duty)
{
    return duty_names[duty];
}

const char *vv_task_outcome_name(enum vv_task_outcome outcome)
{
    return outcome_names[outcome];
}

struct vv_str vv_maintain_say_span(struct vv_arena *arena, int64_t us)
{
    static const struct {
        int64_t us;
        const char *name;
    } units[] = {{VV_US_PER_DAY, "day"}, {HOUR_US, "hour"}, {MINUTE_US, "minute"},
        {VV_US_PER_S, "second"}};
    for (size_t i = 0; i < VV_COUNT(units); i++) {
        int64_t count = us / units[i].us;
        if (count > 0)
            return vv_arena_format(arena, "%" PRId64 " %s%s", count, units[i].name,
                vv_plural(count));
    }
    return VV_STR("less than a second");
}

/* "its 12 files (3.1 MB)" */
static struct vv_str its_files(struct vv_arena *arena, const struct vv_maintain_task *task)
{
    return vv_arena_format(arena, "its %" PRId64 " file%s (%s)", task->files,
        vv_plural(task->files), vv_size_text(task->bytes).chars);
}

static struct vv_str laid_out(const struct vv_maintain_run *run, struct vv_arena *arena)
{
    if (run->policy.zorder.len == 0)
        return vv_arena_format(arena, "packed up to %.0f MB",
            (double)run->policy.tiers.target_bytes / 1e6);
    return vv_arena_format(arena, "laid out in z-order of %.*s", VV_ARG(run->policy.zorder));
}

struct vv_str vv_maintain_say_place(const struct vv_maintain_run *run, enum vv_duty duty,
    const struct vv_maintain_place *place, const struct vv_maintain_task *task, size_t bins)
{
    struct vv_arena *arena = run->report->arena;
    const struct vv_place_verdict *verdict = &place->verdict;
    struct vv_str name = place->name.len > 0 ? place->name : VV_STR("the table");
    if (duty == VV_DUTY_COMPACT)
        return vv_arena_format(arena,
            "%.*s %s: %" PRId64 " file%s (%s) of about one size, or with many deleted "
            "rows, become%s %zu",
            VV_ARG(name),
            verdict->state == VV_PLACE_LATE ? "got rows after it was laid out"
                                            : "may still be written to",
            task->files, vv_plural(task->files), vv_size_text(task->bytes).chars,
            task->files == 1 ? "s" : "", bins);
    struct vv_str files = vv_str_or_lost(its_files(arena, task));
    struct vv_str layout = vv_str_or_lost(laid_out(run, arena));
    if (duty == VV_DUTY_RECLUSTER)
        return vv_arena_format(arena,
            "%.*s was laid out %.*s ago and has %zu newer file%s and %zu deletion vector%s: "
            "%.*s are %.*s again",
            VV_ARG(name),
            VV_ARG(vv_str_or_lost(vv_maintain_say_span(arena, run->now_us - verdict->laid_us))),
            verdict->loose, vv_plural((int64_t)verdict->loose), verdict->vectors,
            vv_plural((int64_t)verdict->vectors), VV_ARG(files), VV_ARG(layout));
    return vv_arena_format(arena,
        "%.*s has no layout yet and was last written to %.*s ago: %.*s are %.*s, once",
        VV_ARG(name),
        VV_ARG(vv_str_or_lost(vv_maintain_say_span(arena, run->now_us - verdict->written_us))),
        VV_ARG(files), VV_ARG(layout));
}

struct vv_str vv_maintain_say_none(const struct vv_maintain_run *run,
    const struct vv_maintain_place *places, size_t len)
{
    struct vv_arena *arena = run->report->arena;
    size_t counts[VV_PLACE_STATES] = {0};
    int64_t next_us = INT64_MAX;
    char time[32] = "";
    for (size_t i = 0; i < len; i++) {
        const struct vv_place_verdict *verdict = &places[i].verdict;
        counts[verdict->state]++;
        if (verdict->next_us > run->now_us && verdict->next_us < next_us)
            next_us = verdict->next_us;
    }
    if (next_us != INT64_MAX)
        (void)vv_time_format_us(next_us, time);
    return vv_arena_format(arena,
        "nothing is due: of %zu partition%s %zu may still be written to, %zu %s rows that "
        "came late, and the others need nothing%s%s",
        len, vv_plural((int64_t)len), counts[VV_PLACE_OPEN], counts[VV_PLACE_LATE],
        counts[VV_PLACE_LATE] == 1 ? "has" : "have",
        next_us != INT64_MAX ? "; the next one is due by " : "", time);
}
