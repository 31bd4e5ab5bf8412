/*
 * The checkpoint and the clean-up of the log that a thread of the table's own sees to, while one
 * allocation, one call of the store, one statement after the other fails, while it is interrupted,
 * and beside another handle. Whatever becomes of it: the table and its history are what they were,
 * what failed is told, once, to who has the table, and the same work can be done afterwards.
 */
#include <semaphore.h>
#include <unistd.h>

#include "../unit/table/table_fixture.h"
#include "base/time.h"
#include "delta/last_checkpoint.h"
#include "fault/step.h"
#include "fault/sweep.h"
#include "table/describe.h"
#include "table/maintain/checkpoint.h"
#include "table/maintain/checkpoint_errand.h"

#define VERSIONS 4 /* the newest of a table that is begun with; 1 has a checkpoint */
#define ROWS "1/x 2/x 3/x 4/x"

static const struct vv_pair properties[] = {
    {{"delta.logRetentionDuration", 26}, {"interval 1 days", 15}},
    {{"delta.checkpointInterval", 24}, {"1000", 4}}};
static const struct table_words words = {.schema = "k bigint not null, v string",
    .key = "k",
    .properties = properties,
    .properties_len = 2};

struct large {
    struct table_fixture fixture;
    unsigned failures; /* that were told */
    char told[4096];   /* warnings, a line each */
};

static void note_log(void *data, int level, const char *event, const char *fields)
{
    struct large *large = data;
    if (level < VV_LOG_WARN)
        return;
    large->failures += strcmp(event, "checkpoint.failed") == 0;
    size_t len = strlen(large->told);
    (void)snprintf(large->told + len, sizeof(large->told) - len, "%s %s\n", event, fields);
}

static bool put(struct table_fixture *fixture, int64_t key)
{
    struct vv_upsert_result result;
    char row[64];
    (void)snprintf(row, sizeof(row), "{\"k\":%" PRId64 ",\"v\":\"x\"}\n", key);
    return table_upsert(fixture, row, &result) && CHECK_INT(result.inserted, 1);
}

/* In a folder of its own. Commits that have outlived their time, a checkpoint among them, and one
 * that has not. */
static bool large_open(struct large *large, struct vv_engine *engine)
{
    static unsigned lakes;
    struct table_fixture *fixture = &large->fixture;
    const struct vv_store_options options = {.create = true};
    struct vv_store *plain = NULL;
    struct vv_log_cleaned cleaned;
    int64_t version = 0;
    char name[32];
    *large = (struct large){.failures = 0};
    (void)snprintf(name, sizeof(name), "lake%u", ++lakes);
    if (!table_fixture_begin(fixture, engine))
        return false;
    fixture->clock.env.log = note_log;
    fixture->clock.env.log_data = large;
    return CHECK_OK(&fixture->op,
               vv_store_open(&fixture->op, vv_str_of(test_path(name)), &options, &plain)) &&
           table_fixture_make(fixture, &words, plain) && put(fixture, 1) &&
           CHECK_OK(&fixture->op,
               vv_table_checkpoint(&fixture->op, fixture->table, &version, &cleaned)) &&
           put(fixture, 2) && put(fixture, 3) &&
           (test_clock_add(&fixture->clock, 5 * VV_US_PER_DAY), put(fixture, 4)) &&
           CHECK_OK(&fixture->op, vv_table_refresh(&fixture->op, fixture->table));
}

static void large_close(struct large *large)
{
    table_fixture_close(&large->fixture);
}

static struct vv_str rows_of(struct table_fixture *fixture)
{
    return table_text(fixture, "SELECT string_agg(concat(k, '/', v), ' ' ORDER BY k) FROM ", 0);
}

static bool is_there(struct table_fixture *fixture, const char *format, int64_t version)
{
    struct vv_op *op = &fixture->op;
    struct vv_object object;
    char key[128];
    (void)snprintf(key, sizeof(key), "t/_delta_log/%020" PRId64 "%s", version, format);
    if (vv_store_head(op, fixture->plain, vv_str_of(key), &object) == VARVE_OK)
        return true;
    vv_forgive(op);
    return false;
}

/* The newest version and its rows, and no version of the history is lost. */
static bool check_table(struct large *large)
{
    struct table_fixture *fixture = &large->fixture;
    struct ArrowArrayStream stream;
    struct ArrowArray batch = {0};
    fixture->plan = (struct vv_fault_plan){0};
    bool is_right = (int)CHECK_STR(rows_of(fixture), ROWS) &
                    CHECK_INT(fixture->table->snapshot->version, VERSIONS);
    if (!CHECK_OK(&fixture->op,
            vv_table_history(&fixture->op, fixture->table, VV_STR_NONE, 0, &stream)))
        return false;
    int64_t commits = 0;
    while (CHECK_INT(stream.get_next(&stream, &batch), 0) && batch.release != NULL) {
        commits += batch.length;
        batch.release(&batch);
    }
    stream.release(&stream);
    return (int)CHECK_INT(commits, VERSIONS + 1) & is_right;
}

/* A thread that nothing disturbs does all of it. */
static void check_done_after(struct large *large)
{
    struct table_fixture *fixture = &large->fixture;
    large->failures = 0;
    REQUIRE(CHECK(vv_checkpoint_errand_begin(&fixture->op, fixture->table, true)));
    vv_checkpoint_errand_end(fixture->table);
    CHECK_INT(large->failures, 0);
    CHECK(is_there(fixture, ".checkpoint.parquet", VERSIONS));
    CHECK(!is_there(fixture, ".json", 0));
    CHECK(is_there(fixture, ".json", 1));
    (void)check_table(large);
}

/* One errand with what the sweep makes to fail. */
static void try(struct large *large, struct sweep *sweep, const char *cause)
{
    struct table_fixture *fixture = &large->fixture;
    sweep_arm(sweep);
    bool is_begun = vv_checkpoint_errand_begin(&fixture->op, fixture->table, true);
    vv_checkpoint_errand_end(fixture->table);
    bool is_told = large->failures > 0;
    bool is_right = sweep_disarm(sweep, is_told || !is_begun ? VARVE_EFAILED : VARVE_OK);
    is_right =
        (int)CHECK(fixture->table->errand == NULL) & CHECK(large->failures <= 1) & is_right;
    if (is_told && large->told[0] != '\0' && strstr(large->told, "{}") == NULL)
        is_right = (int)CHECK(strstr(large->told, "table t: ") != NULL) &
                   CHECK(strstr(large->told, cause) != NULL) & is_right;
    /* What was not told was done, but for hints that a checkpoint can do without. */
    if (is_begun && !is_told)
        is_right = (int)CHECK(is_there(fixture, ".checkpoint.parquet", VERSIONS)) &
                   CHECK(!is_there(fixture, ".json", 0)) & is_right;
    if (!((int)check_table(large) & is_right))
        printf("# %" PRIu64 ": %s\n", sweep->nth, large->told);
}

static struct vv_engine *engine_of(struct vv_op *op)
{
    const struct vv_engine_options options = {.threads = 1};
    struct vv_engine *engine = NULL;
    CHECK_OK(op, vv_engine_open(op, &options, &engine));
    return engine;
}

static void fail_each(struct sweep *sweep, const char *cause)
{
    VV_CLEANUP(vv_op_done) struct vv_op own;
    vv_op_init(&own, NULL, VV_OP_BYTES_DEFAULT);
    struct vv_engine *engine = engine_of(&own);
    bool is_of_store = sweep->plan != NULL;
    REQUIRE(engine != NULL);
    for (; !sweep->is_over; sweep_on(sweep)) {
        struct large large;
        REQUIRE(large_open(&large, engine));
        if (is_of_store)
            sweep->plan = &large.fixture.plan;
        try(&large, sweep, cause);
        check_done_after(&large);
        large_close(&large);
    }
    sweep_tell(sweep, "errand");
    vv_engine_close(&engine);
}

TEST_SECONDS(errand, is_told_whichever_allocation_fails, 300)
{
    struct sweep sweep = {.steps = SWEEP_STEPS(24)};
    fail_each(&sweep, "memory");
    CHECK(sweep.failures > 10);
}

static uint64_t fail_calls(struct vv_fault_plan how, const char *cause)
{
    struct sweep sweep = {.how = how, .plan = &how};
    fail_each(&sweep, cause);
    return sweep.failures;
}

TEST_SECONDS(errand, is_told_whichever_call_of_the_store_fails, 300)
{
    const struct vv_fault_plan how = {.kind = VV_FAULT_REFUSE};
    CHECK(fail_calls(how, "is refused by the test") > 5);
}

TEST_SECONDS(errand, is_told_from_whichever_call_on_no_reply_comes, 300)
{
    const struct vv_fault_plan how = {.kind = VV_FAULT_LOSE_REPLY, .count = 1000};
    CHECK(fail_calls(how, "is lost by the test") > 5);
}

TEST_SECONDS(errand, is_told_whichever_statement_fails, 300)
{
    struct sweep sweep = {.place = "engine.query"};
    fail_each(&sweep, "a test made this statement fail");
    CHECK(sweep.failures > 2);
}

/* Sets the flag of an interrupt before the n-th call. */
struct interrupter {
    struct table_fixture *fixture;
    uint64_t nth;
    uint64_t calls;
};

static void interrupt_at(void *data, const char *call, struct vv_str key)
{
    struct interrupter *interrupter = data;
    (void)call;
    (void)key;
    if (++interrupter->calls == interrupter->nth)
        atomic_store(&interrupter->fixture->clock.cancel, true);
}

TEST_SECONDS(errand, that_is_interrupted_anywhere_harms_nothing, 300)
{
    VV_CLEANUP(vv_op_done) struct vv_op own;
    vv_op_init(&own, NULL, VV_OP_BYTES_DEFAULT);
    struct vv_engine *engine = engine_of(&own);
    unsigned failures = 0;
    bool is_reached = true;
    REQUIRE(engine != NULL);
    for (uint64_t nth = 1; is_reached; nth += STEP(nth)) {
        struct large large;
        REQUIRE(large_open(&large, engine));
        struct interrupter interrupter = {&large.fixture, nth, 0};
        large.fixture.plan =
            (struct vv_fault_plan){.before = interrupt_at, .before_data = &interrupter};
        REQUIRE(vv_checkpoint_errand_begin(&large.fixture.op, large.fixture.table, true));
        vv_checkpoint_errand_end(large.fixture.table);
        large.fixture.plan = (struct vv_fault_plan){0};
        is_reached = atomic_exchange(&large.fixture.clock.cancel, false);
        if (large.failures > 0)
            CHECK(strstr(large.told, "interrupted") != NULL);
        failures += large.failures;
        (void)check_table(&large);
        check_done_after(&large);
        large_close(&large);
    }
    printf("# %u interrupted\n", failures);
    CHECK(failures > 4);
    vv_engine_close(&engine);
}

/* ---- Held up at a call, until the test lets it go on ----------------------------------------- */

struct gate {
    const char *call, *name; /* of the call at which it is held up: what its key ends with */
    atomic_bool is_passed;
    sem_t reached, opened;
};

static void wait_at_gate(void *data, const char *call, struct vv_str key)
{
    struct gate *gate = data;
    size_t len = strlen(gate->name);
    if (strcmp(call, gate->call) != 0 || key.len < len ||
        memcmp(key.ptr + key.len - len, gate->name, len) != 0 ||
        atomic_exchange(&gate->is_passed, true))
        return;
    sem_post(&gate->reached);
    while (sem_wait(&gate->opened) != 0) {
    }
}

/* Begins an errand, which is at the gate when this returns. */
static bool begin_at_gate(struct large *large, struct gate *gate)
{
    (void)sem_init(&gate->reached, 0, 0);
    (void)sem_init(&gate->opened, 0, 0);
    large->fixture.plan = (struct vv_fault_plan){.before = wait_at_gate, .before_data = gate};
    if (!CHECK(vv_checkpoint_errand_begin(&large->fixture.op, large->fixture.table, true)))
        return false;
    while (sem_wait(&gate->reached) != 0) {
    }
    return true;
}

TEST_SECONDS(errand, is_over_when_its_table_is_closed, 60)
{
    struct gate gate = {.call = "put", .name = "4.checkpoint.parquet"};
    struct large large;
    REQUIRE(large_open(&large, NULL));
    REQUIRE(begin_at_gate(&large, &gate));
    CHECK(!is_there(&large.fixture, ".checkpoint.parquet", VERSIONS));
    CHECK(vv_checkpoint_errand_is_at_work(large.fixture.table));
    sem_post(&gate.opened);
    vv_table_close(&large.fixture.table);
    CHECK(is_there(&large.fixture, ".checkpoint.parquet", VERSIONS));
    CHECK(!is_there(&large.fixture, ".json", 0));
    CHECK_STR(large.told, "");
    large_close(&large);
}

/* Rows are written, read, and the next commits made, while the thread stands still. */
TEST_SECONDS(errand, holds_up_nobody, 60)
{
    struct gate gate = {.call = "put", .name = "4.checkpoint.parquet"};
    struct large large;
    REQUIRE(large_open(&large, NULL));
    REQUIRE(begin_at_gate(&large, &gate));
    for (int64_t key = 5; key < 9; key++)
        CHECK(put(&large.fixture, key));
    CHECK_STR(rows_of(&large.fixture), "1/x 2/x 3/x 4/x 5/x 6/x 7/x 8/x");
    CHECK(vv_checkpoint_errand_is_at_work(large.fixture.table));
    CHECK(!is_there(&large.fixture, ".checkpoint.parquet", VERSIONS));
    sem_post(&gate.opened);
    vv_checkpoint_errand_end(large.fixture.table);
    CHECK(is_there(&large.fixture, ".checkpoint.parquet", VERSIONS));
    CHECK_STR(large.told, "");
    large_close(&large);
}

/*
 * Of two handles each writes one, of different versions, and the one that began later ends first:
 * held up before it looks for a newer hint, the older one leaves that; held up behind, it may put
 * its own, which is an older way to the same state.
 */
TEST_SECONDS(errand, of_one_handle_stands_beside_that_of_another, 120)
{
    static const struct {
        const char *call, *name;
        int64_t hint;
    } cases[] = {{"put", "4.checkpoint.parquet", VERSIONS + 1},
        {"put", "_last_checkpoint", VERSIONS}, {"put_if_absent", "4.crc", VERSIONS + 1},
        {"remove", "0.json", VERSIONS + 1}};
    for (size_t i = 0; i < VV_COUNT(cases); i++) {
        struct gate gate = {.call = cases[i].call, .name = cases[i].name};
        struct large large;
        struct vv_table *other = NULL;
        int64_t hint = VV_NO_VERSION;
        REQUIRE(large_open(&large, NULL));
        struct table_fixture *fixture = &large.fixture;
        REQUIRE(begin_at_gate(&large, &gate));
        REQUIRE(put(fixture, 5));
        REQUIRE(table_handle(&fixture->op, fixture, fixture->plain, &other));
        REQUIRE(vv_checkpoint_errand_begin(&fixture->op, other, true));
        vv_table_close(&other);
        sem_post(&gate.opened);
        vv_checkpoint_errand_end(fixture->table);
        fixture->plan = (struct vv_fault_plan){0};
        CHECK_INT(large.failures, 0);
        REQUIRE_OK(&fixture->op,
            vv_last_checkpoint_read(&fixture->op, fixture->table->log.store, &hint));
        CHECK_INT(hint, cases[i].hint);
        for (int64_t version = VERSIONS; version <= VERSIONS + 1; version++)
            CHECK(is_there(fixture, ".checkpoint.parquet", version));
        CHECK(!is_there(fixture, ".json", 0));
        CHECK_STR(rows_of(fixture), ROWS " 5/x");
        large_close(&large);
    }
}

/* ---- When it is told ------------------------------------------------------------------------- */

/* The next commit after it, whatever its version; not only the next that a checkpoint is due at. */
TEST_SECONDS(errand, that_failed_is_told_by_the_next_commit, 60)
{
    struct large large;
    REQUIRE(large_open(&large, NULL));
    large.fixture.plan = (struct vv_fault_plan){.kind = VV_FAULT_REFUSE, .at = 1};
    REQUIRE(vv_checkpoint_errand_begin(&large.fixture.op, large.fixture.table, false));
    while (__atomic_load_n(&large.fixture.plan.calls, __ATOMIC_RELAXED) == 0)
        (void)usleep(1000); /* the call that fails is the thread's */
    for (int64_t key = 5; large.failures == 0 && key < 100; key++)
        REQUIRE(put(&large.fixture, key));
    CHECK_INT(large.failures, 1);
    CHECK(large.fixture.table->errand == NULL);
    large_close(&large);
}

/* A checkpoint without the hint beside it is none the worse, but it is said. */
TEST_SECONDS(errand, tells_what_it_had_to_say_meanwhile, 60)
{
    struct large large;
    REQUIRE(large_open(&large, NULL));
    vv_seam_set("fail=store.link:1");
    REQUIRE(vv_checkpoint_errand_begin(&large.fixture.op, large.fixture.table, false));
    vv_checkpoint_errand_end(large.fixture.table);
    vv_seam_set(NULL);
    CHECK_INT(large.failures, 0);
    CHECK(strstr(large.told, "checksum.unwritten") != NULL);
    CHECK(strstr(large.told, "of version 4") != NULL);
    CHECK(is_there(&large.fixture, ".checkpoint.parquet", VERSIONS));
    large_close(&large);
}
