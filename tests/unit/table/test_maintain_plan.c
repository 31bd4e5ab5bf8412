#include "table/maintain/maintain_plan.h"

#include <stdio.h>

#include "base/time.h"
#include "harness/test.h"

#define HOUR (INT64_C(3600) * VV_US_PER_S)
#define DAY VV_US_PER_DAY
#define NEVER INT64_MAX

/* Days and hours since some midnight are short to write: day 100. */
#define AT(day, hour) ((100 + (day)) * DAY + (hour)*HOUR)

static const struct vv_policy policy = {.is_on = true,
    .compacts = true,
    .tiers = {.files = 8, .target_bytes = 100},
    .seal_after_us = HOUR,
    .recluster_after_us = 7 * DAY,
    .vacuum_every_us = DAY,
    .checkpoint_every = 10};

/* A file as "bytes, when, laid out, with a vector". */
struct described {
    const char *what;
    struct vv_place_file files[4]; /* bytes 0 ends */
    bool has_no_day;               /* else the place is day 100's */
    int64_t now;
    enum vv_place_state state;
    int64_t next;
};

static const struct described cases[] = {
    {"an empty place", {{0}}, false, AT(2, 0), VV_PLACE_SEALED, NEVER},
    {"today, written a moment ago",
        {{10, AT(0, 5), false, false}, {10, AT(0, 6), false, false}}, false, AT(0, 7),
        VV_PLACE_OPEN, AT(1, 1)},
    {"one file has no neighbour to be laid out with", {{10, AT(0, 5), false, false}}, false,
        AT(3, 0), VV_PLACE_SEALED, NEVER},
    {"yesterday, within the hour", {{10, AT(0, 5), false, false}, {10, AT(0, 6), false, false}},
        false, AT(1, 1) - 1, VV_PLACE_OPEN, AT(1, 1)},
    {"yesterday, an hour later", {{10, AT(0, 5), false, false}, {10, AT(0, 6), false, false}},
        false, AT(1, 1), VV_PLACE_SEAL, NEVER},
    {"yesterday, still written to",
        {{10, AT(0, 5), false, false}, {10, AT(1, 2), false, false}}, false, AT(1, 3) - 1,
        VV_PLACE_OPEN, AT(1, 3)},
    {"one file, much too long", {{151, AT(0, 5), false, false}}, false, AT(1, 1), VV_PLACE_SEAL,
        NEVER},
    {"one file with a deletion vector", {{10, AT(0, 5), false, true}}, false, AT(1, 1),
        VV_PLACE_SEAL, NEVER},
    {"laid out", {{10, AT(1, 1), true, false}, {10, AT(1, 1), true, false}}, false, AT(30, 0),
        VV_PLACE_SEALED, NEVER},
    {"laid out, and a file came late",
        {{10, AT(1, 1), true, false}, {10, AT(2, 0), false, false}}, false, AT(2, 1),
        VV_PLACE_LATE, AT(8, 1)},
    {"it came just now", {{10, AT(1, 1), true, false}, {10, AT(2, 0), false, false}}, false,
        AT(2, 1) - 1, VV_PLACE_OPEN, AT(2, 1)},
    {"a week after the layout", {{10, AT(1, 1), true, false}, {10, AT(2, 0), false, false}},
        false, AT(8, 1), VV_PLACE_RECLUSTER, NEVER},
    {"rows of the layout were deleted",
        {{10, AT(1, 1), true, true}, {10, AT(1, 1), true, false}}, false, AT(8, 1),
        VV_PLACE_RECLUSTER, NEVER},
    {"a week, and it is written to",
        {{10, AT(1, 1), true, false}, {10, AT(8, 1), false, false}}, false, AT(8, 1),
        VV_PLACE_OPEN, AT(8, 2)},
    {"no day's, quiet for a day", {{10, AT(0, 5), false, false}, {10, AT(0, 6), false, false}},
        true, AT(1, 6), VV_PLACE_SEAL, NEVER},
    {"no day's, not quiet", {{10, AT(0, 5), false, false}, {10, AT(0, 6), false, false}}, true,
        AT(1, 6) - 1, VV_PLACE_OPEN, AT(1, 6)},
    {"no day's, never quiet for a week",
        {{10, AT(0, 5), false, false}, {10, AT(7, 5), false, false}}, true, AT(7, 5),
        VV_PLACE_SEAL, NEVER},
    {"no day's, never quiet since its layout",
        {{10, AT(0, 5), true, false}, {10, AT(7, 5), false, false}}, true, AT(7, 5),
        VV_PLACE_RECLUSTER, NEVER},
    {"no day's, never quiet, layout not old",
        {{10, AT(0, 5), true, false}, {10, AT(6, 5), false, false}}, true, AT(7, 4),
        VV_PLACE_OPEN, AT(7, 5)},
    {"a file from the future", {{10, INT64_MAX, false, false}, {10, AT(0, 5), false, false}},
        false, AT(9, 0), VV_PLACE_OPEN, NEVER},
};

TEST(maintain_plan, judges_a_place_by_its_day_its_files_and_the_time)
{
    for (size_t i = 0; i < VV_COUNT(cases); i++) {
        const struct described *given = &cases[i];
        struct vv_place place = {
            .has_day = !given->has_no_day, .day = 100, .files = given->files};
        struct vv_place_verdict verdict;
        while (place.files_len < VV_COUNT(given->files) &&
               given->files[place.files_len].bytes > 0)
            place.files_len++;
        vv_place_judge(&policy, given->now, &place, &verdict);
        bool is_state = CHECK_INT(verdict.state, given->state);
        bool is_next = CHECK_INT(verdict.next_us, given->next);
        if (!is_state || !is_next)
            printf("# %s\n", given->what);
    }
}

/* Whatever is due stays due, or is over, when nobody writes: nothing flickers. */
TEST(maintain_plan, what_is_due_by_some_time_is_due_then)
{
    for (size_t i = 0; i < VV_COUNT(cases); i++) {
        const struct described *given = &cases[i];
        struct vv_place place = {
            .has_day = !given->has_no_day, .day = 100, .files = given->files};
        struct vv_place_verdict verdict;
        while (place.files_len < VV_COUNT(given->files) &&
               given->files[place.files_len].bytes > 0)
            place.files_len++;
        if (given->next == NEVER)
            continue;
        vv_place_judge(&policy, given->next - 1, &place, &verdict);
        CHECK_INT(verdict.state, given->state);
        vv_place_judge(&policy, given->next, &place, &verdict);
        if (!CHECK(verdict.state != given->state))
            printf("# %s\n", given->what);
    }
}

TEST(maintain_plan, a_checkpoint_is_due_after_so_many_commits)
{
    CHECK(!vv_checkpoint_is_due(&policy, 0, VV_NO_VERSION));
    CHECK(!vv_checkpoint_is_due(&policy, 9, VV_NO_VERSION));
    CHECK(vv_checkpoint_is_due(&policy, 10, VV_NO_VERSION));
    CHECK(!vv_checkpoint_is_due(&policy, 19, 10));
    CHECK(vv_checkpoint_is_due(&policy, 20, 10));
}

TEST(maintain_plan, what_was_never_done_or_in_the_future_is_due)
{
    CHECK(vv_turn_is_due(DAY, 0, AT(0, 0)));
    CHECK(!vv_turn_is_due(DAY, AT(0, 0), AT(1, 0) - 1));
    CHECK(vv_turn_is_due(DAY, AT(0, 0), AT(1, 0)));
    CHECK(vv_turn_is_due(DAY, AT(2, 0), AT(1, 0)));
}
