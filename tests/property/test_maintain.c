/*
 * Random days of writing with maintenance in between, in seconds: a clock that is moved on, rows
 * that come today and late, corrections and deletes, a rival who commits in the middle of a run, a
 * tag. After each run the rows are the model's, the next ones soon find nothing to do about files, a
 * partition has no more files than the policy lets it have, and every version that the table
 * promises to keep, or the tag does, reads as it was.
 */
#include <stdlib.h>

#include "../unit/table/table_fixture.h"
#include "base/time.h"
#include "delta/pins.h"
#include "harness/prop.h"
#include "table/edit/dml.h"
#include "table/maintain/maintain.h"

#ifdef VV_ARENA_DEBUG
#define SEEDS 2
#else
#define SEEDS 4
#endif
#define DAYS 12
#define HOURS 24
#define SYMBOLS 3
#define VERSIONS_MAX 1024
#define NONE INT64_MIN
#define HOUR (INT64_C(3600) * VV_US_PER_S)
#define RETENTION (2 * VV_US_PER_DAY)

/* Data files in the folder of a store in memory are of the real day: the story is in their future. */
#define FIRST_DAY INT64_C(25000) /* 2038-06-13 */

/* Of the policy: 3 files too few to be compacted, in the lowest tier; full ones by their bytes. */
#define TIER_FILES 4
#define TIERS 3
#define TARGET_BYTES 20000
#define LOOSE_MAX (TIER_FILES - 1)

struct model {
    int64_t v[DAYS][HOURS][SYMBOLS];
};

struct kept {
    int64_t version, time_us;
    struct model *model; /* shared by versions with the same rows: `owner` frees it */
};

struct story {
    struct table_fixture fixture;
    struct prop *prop;
    struct vv_session *session;
    struct model model;
    struct kept versions[VERSIONS_MAX];
    size_t versions_len;
    int64_t tagged; /* index of the version; -1: none */
    bool rival_came;
    int64_t counts[VV_DUTIES];
    int64_t vacuumed;
};

static int64_t day_of(const struct story *story)
{
    int64_t day = story->fixture.clock.now_us / VV_US_PER_DAY - FIRST_DAY;
    return day < DAYS ? day : DAYS - 1;
}

/* One row in a partition: mostly of today, some of days before. */
static void add_row(struct story *story, int64_t day, int64_t value, struct vv_buf *ndjson)
{
    char time[32];
    int64_t hour = prop_int(story->prop, 0, HOURS - 1);
    int64_t symbol = prop_int(story->prop, 0, SYMBOLS - 1);
    (void)vv_time_format_us((FIRST_DAY + day) * VV_US_PER_DAY + hour * HOUR, time);
    vv_buf_addf(ndjson, "{\"ts\":\"%s\",\"sym\":\"S%" PRId64 "\",\"v\":%" PRId64 "}\n", time,
        symbol, value);
    story->model.v[day][hour][symbol] = value;
}

static bool put(struct story *story, struct vv_op *op, struct vv_table *table)
{
    VV_CLEANUP(vv_buf_done) struct vv_buf ndjson = VV_BUF_INIT(1 << 20);
    const struct vv_upsert_options options = {.batch = {.dedupe = true}};
    struct vv_upsert_result result;
    struct vv_input input;
    int64_t today = day_of(story);
    size_t rows = 1 + prop_choose(story->prop, 20);
    for (size_t i = 0; i < rows; i++) {
        int64_t day = prop_chance(story->prop, 15) ? prop_int(story->prop, 0, today) : today;
        add_row(story, day, prop_int(story->prop, 0, 1000000), &ndjson);
    }
    return table_input(VV_INPUT_NDJSON, op == &story->fixture.op ? "a.ndjson" : "b.ndjson",
               vv_buf_str(&ndjson), &input) &&
           CHECK_OK(op, vv_upsert(op, table, &input, 1, &options, &result));
}

static bool delete_some(struct story *story, struct vv_op *op, struct vv_table *table)
{
    const struct vv_edit_options options = {0};
    struct vv_edit_result result;
    int64_t symbol = prop_int(story->prop, 0, SYMBOLS - 1);
    int64_t below = prop_int(story->prop, 0, 400000);
    struct vv_str where =
        vv_arena_format(&op->arena, "sym = 'S%" PRId64 "' AND v < %" PRId64, symbol, below);
    for (int64_t day = 0; day < DAYS; day++)
        for (int64_t hour = 0; hour < HOURS; hour++)
            if (story->model.v[day][hour][symbol] < below)
                story->model.v[day][hour][symbol] = NONE;
    return CHECK_OK(op, vv_table_delete(op, table, where, &options, &result));
}

static bool write_some(struct story *story, struct vv_op *op, struct vv_table *table)
{
    return prop_chance(story->prop, 12) ? delete_some(story, op, table) : put(story, op, table);
}

static void run_rival(struct story *story)
{
    VV_CLEANUP(vv_op_done) struct vv_op op;
    struct vv_table *table = NULL;
    story->rival_came = true;
    story->fixture.plan.before = NULL;
    vv_op_init(&op, &story->fixture.clock.env, VV_OP_BYTES_DEFAULT);
    if (table_handle(&op, &story->fixture, story->fixture.plain, &table))
        CHECK(write_some(story, &op, table));
    vv_table_close(&table);
}

static void before_call(void *data, const char *call, struct vv_str key)
{
    if (strcmp(call, "put_if_absent") == 0 && vv_str_starts(key, VV_STR("_delta_log/")) &&
        vv_str_ends(key, VV_STR(".json")))
        run_rival(data);
}

static bool check_rows(struct story *story, const struct vv_snapshot *snapshot,
    const struct model *model)
{
    VV_CLEANUP(vv_rows_close) struct vv_rows *rows = NULL;
    struct model seen;
    struct vv_op *op = &story->fixture.op;
    bool has_row = true;
    int64_t len = 0;
    for (size_t i = 0; i < sizeof(seen) / sizeof(int64_t); i++)
        ((int64_t *)&seen)[i] = NONE;
    if (!table_query(&story->fixture, snapshot,
            "SELECT epoch_us(ts), sym, v, date::DATE = ts::DATE FROM ", "", story->session,
            &rows))
        return false;
    while (CHECK_OK(op, vv_rows_next(op, rows, &has_row)) && has_row) {
        int64_t us = vv_rows_int64(rows, 0) - FIRST_DAY * VV_US_PER_DAY;
        int64_t *v = &seen.v[us / VV_US_PER_DAY][us % VV_US_PER_DAY / HOUR]
                            [vv_rows_text(rows, 1).ptr[1] - '0'];
        if (!CHECK_INT(*v, NONE) || !CHECK(vv_rows_bool(rows, 3)))
            return false;
        *v = vv_rows_int64(rows, 2);
        len++;
    }
    return CHECK(memcmp(&seen, model, sizeof(seen)) == 0);
}

/* What is there now is the model; it is remembered as of the latest version. */
static bool check_now(struct story *story)
{
    struct vv_op *op = &story->fixture.op;
    if (!CHECK_OK(op, vv_table_refresh(op, story->fixture.table)) ||
        !check_rows(story, story->fixture.table->snapshot, &story->model) ||
        !CHECK(story->versions_len < VERSIONS_MAX))
        return false;
    struct model *model = malloc(sizeof(*model));
    if (!CHECK(model != NULL))
        return false;
    *model = story->model;
    story->versions[story->versions_len++] =
        (struct kept){.version = story->fixture.table->snapshot->version,
            .time_us = story->fixture.clock.now_us,
            .model = model};
    return true;
}

static bool check_version(struct story *story, size_t index)
{
    VV_CLEANUP(vv_snapshot_release) struct vv_snapshot *snapshot = NULL;
    struct vv_op *op = &story->fixture.op;
    const struct kept *kept = &story->versions[index];
    return CHECK_OK(op,
               vv_table_snapshot(op, story->fixture.table, kept->version, &snapshot)) &&
           check_rows(story, snapshot, kept->model);
}

static bool check_old(struct story *story)
{
    if (story->versions_len == 0)
        return true;
    size_t index = prop_choose(story->prop, story->versions_len);
    if (story->versions[index].time_us < story->fixture.clock.now_us - RETENTION)
        index = story->versions_len - 1;
    return check_version(story, index) &&
           (story->tagged < 0 || check_version(story, (size_t)story->tagged));
}

static bool is_of_files(enum vv_duty duty)
{
    return duty == VV_DUTY_COMPACT || duty == VV_DUTY_SEAL || duty == VV_DUTY_RECLUSTER;
}

/* Fails at a duty that failed; *out_files: tasks about files; -1: the run itself failed. */
static int64_t maintain(struct story *story, bool is_plan)
{
    VV_CLEANUP(vv_op_done) struct vv_op op;
    int64_t files = 0;
    const struct vv_maintain_request request = {.is_plan = is_plan};
    vv_op_init(&op, &story->fixture.clock.env, VV_OP_BYTES_DEFAULT);
    struct vv_maintain_report report = {.arena = &op.arena};
    if (!CHECK_OK(&op, vv_table_maintain(&op, story->fixture.table, &request, &report)))
        return -1;
    for (size_t i = 0; i < report.len; i++) {
        const struct vv_maintain_task *task = &report.items[i];
        bool is_fine = CHECK(task->outcome != VV_TASK_FAILED);
        is_fine = CHECK(is_plan == (task->outcome == VV_TASK_PLANNED)) && is_fine;
        is_fine = CHECK(task->reason.len > 20) && is_fine;
        if (!is_fine)
            printf("# %s: %.*s: %.*s\n", vv_duty_name(task->duty), VV_ARG(task->reason),
                VV_ARG(task->note));
        files += is_of_files(task->duty);
        if (!is_plan)
            story->counts[task->duty]++;
    }
    story->vacuumed += report.files_vacuumed;
    return files;
}

/* Of each partition: what is loose and too little to be compacted, and what is full or laid out. */
static bool check_bounds(struct story *story)
{
    const struct vv_snapshot *snapshot = story->fixture.table->snapshot;
    size_t small[DAYS] = {0};
    for (size_t i = 0; i < snapshot->files_len; i++) {
        int32_t day = 0;
        if (snapshot->files[i]->bytes >= TARGET_BYTES / 2)
            continue;
        if (!CHECK(vv_time_parse_date(vv_pairs_get(&snapshot->files[i]->partition_values,
                                          VV_STR("date")),
                &day)))
            return false;
        small[day - FIRST_DAY]++;
    }
    for (size_t day = 0; day < DAYS; day++)
        /* One more: the end of what was laid out. */
        if (!CHECK(small[day] <= LOOSE_MAX + 1)) {
            printf("# day %zu: %zu small files\n", day, small[day]);
            return false;
        }
    return true;
}

static bool run_maintenance(struct story *story)
{
    story->rival_came = false;
    if (prop_chance(story->prop, 25)) {
        story->fixture.plan.before = before_call;
        story->fixture.plan.before_data = story;
    }
    int64_t planned = maintain(story, true);
    int64_t version = story->fixture.table->snapshot->version;
    story->fixture.plan.before = prop_chance(story->prop, 25) ? before_call : NULL;
    story->fixture.plan.before_data = story;
    int64_t done = maintain(story, false);
    story->fixture.plan.before = NULL;
    bool is_fine = CHECK(planned >= 0 && done >= 0) && CHECK(version >= 0);
    if (!is_fine || story->rival_came)
        return is_fine && check_now(story);
    /* What was compacted may be enough for the next tier; there are few tiers. */
    for (int again = 0; again < TIERS && maintain(story, true) > 0; again++)
        if (maintain(story, false) < 0)
            return false;
    return CHECK_INT(done, planned) && CHECK_INT(maintain(story, true), 0) &&
           check_now(story) && check_bounds(story);
}

static bool tag_once(struct story *story)
{
    struct vv_op *op = &story->fixture.op;
    const struct vv_pin pin = {.name = VV_STR("q1"),
        .kind = VV_PIN_TAG,
        .version = story->versions[story->versions_len - 1].version,
        .created_ms = story->fixture.clock.now_us / VV_US_PER_MS,
        .user_name = VV_STR("test")};
    story->tagged = (int64_t)story->versions_len - 1;
    return CHECK_OK(op, vv_pin_write(op, &story->fixture.table->log, &pin));
}

static bool live(struct story *story)
{
    struct table_fixture *fixture = &story->fixture;
    while (fixture->clock.now_us < (FIRST_DAY + DAYS) * VV_US_PER_DAY) {
        test_clock_add(&fixture->clock, prop_int(story->prop, 5, 300) * 60 * VV_US_PER_S);
        if (!prop_chance(story->prop, 15) &&
            (!write_some(story, &fixture->op, fixture->table) || !check_now(story)))
            return false;
        if (prop_chance(story->prop, 45) && !run_maintenance(story))
            return false;
        if (story->tagged < 0 && story->versions_len > 10 && !tag_once(story))
            return false;
        if (prop_chance(story->prop, 30) && !check_old(story))
            return false;
    }
    /* When all have gone home. */
    test_clock_add(&fixture->clock, 9 * VV_US_PER_DAY);
    return run_maintenance(story);
}

static bool tell(struct story *story, struct vv_engine *engine, bool by_vectors)
{
    const struct vv_pair properties[] = {{VV_STR("varve.zorder"), VV_STR("ts,sym")},
        {VV_STR("delta.targetFileSize"), VV_STR("20000")},
        {VV_STR("varve.maintain.tierFiles"), VV_STR("4")},
        {VV_STR("delta.deletedFileRetentionDuration"), VV_STR("interval 2 days")},
        {VV_STR("delta.logRetentionDuration"), VV_STR("interval 2 days")},
        {VV_STR("delta.enableDeletionVectors"), by_vectors ? VV_STR("true") : VV_STR("false")}};
    const struct table_words words = {
        .schema = "ts timestamp not null, sym string not null, v bigint, date date",
        .partition_by = "date",
        .key = "ts,sym",
        .partition_from_date = "ts",
        .properties = properties,
        .properties_len = VV_COUNT(properties)};
    struct vv_op *op = &story->fixture.op;
    for (size_t i = 0; i < sizeof(story->model) / sizeof(int64_t); i++)
        ((int64_t *)&story->model)[i] = NONE;
    bool is_fine = table_fixture_open(&story->fixture, engine, &words) &&
                   CHECK_OK(op, vv_session_open(op, engine, &story->session));
    story->fixture.clock.now_us = FIRST_DAY * VV_US_PER_DAY;
    is_fine = is_fine && live(story);
    vv_session_close(&story->session);
    table_fixture_close(&story->fixture);
    return is_fine;
}

TEST_SECONDS(maintain, rows_stay_and_files_stay_few_whatever_is_written, 900)
{
    struct vv_engine_options options = {.threads = 1};
    struct vv_engine *engine = NULL;
    struct prop prop = prop_start();
    struct vv_op op;
    int64_t counts[VV_DUTIES] = {0};
    int64_t vacuumed = 0;
    vv_op_init(&op, NULL, VV_OP_BYTES_DEFAULT);
    REQUIRE_OK(&op, vv_engine_open(&op, &options, &engine));
    for (size_t seed = 0; seed < SEEDS; seed++) {
        struct story *story = calloc(1, sizeof(*story));
        REQUIRE(story != NULL);
        story->prop = &prop;
        story->tagged = -1;
        bool is_fine = tell(story, engine, seed % 2 == 1);
        for (size_t i = 0; i < VV_DUTIES; i++)
            counts[i] += story->counts[i];
        vacuumed += story->vacuumed;
        for (size_t i = 0; i < story->versions_len; i++)
            free(story->versions[i].model);
        free(story);
        if (!is_fine) {
            printf("# seed %zu\n", seed);
            break;
        }
    }
    /* Each duty came up: what was never done was not tested. */
    for (size_t i = 0; i < VV_DUTIES; i++)
        if (!CHECK(counts[i] > 0))
            printf("# %s\n", vv_duty_name((enum vv_duty)i));
    CHECK(vacuumed > 0);
    vv_engine_close(&engine);
    vv_op_done(&op);
}
