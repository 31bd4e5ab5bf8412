/*
 * Files of many partitions, written by several threads at once, in a store that fails, without
 * memory, with an engine that fails, and cancelled in the middle. Whatever happens, the table is at
 * the old version or the new one, the error is that of what failed, and no data file is left over.
 */
#include <stdatomic.h>

#include "../unit/table/table_fixture.h"
#include "fault/sweep.h"
#include "table/edit/dml.h"
#include "table/maintain/optimize.h"

#define PARTS 8
#define THREADS 4

static const struct table_words words = {
    .schema = "p bigint, k bigint not null, v string", .partition_by = "p", .key = "p,k"};

/* Rows of all partitions with these keys. */
static struct vv_str rows_text(struct vv_op *op, int64_t first, int64_t end, const char *value)
{
    VV_CLEANUP(vv_buf_done) struct vv_buf text = VV_BUF_INIT(1 << 20);
    for (int64_t p = 0; p < PARTS; p++)
        for (int64_t k = first; k < end; k++)
            vv_buf_addf(&text, "{\"p\":%" PRId64 ",\"k\":%" PRId64 ",\"v\":\"%s\"}\n", p, k,
                value);
    return vv_arena_str(&op->arena, vv_buf_str(&text));
}

static varve_status upsert(struct vv_op *op, struct vv_table *table, struct vv_str rows,
    struct vv_upsert_result *out)
{
    const struct vv_upsert_options options = {.batch = {.dedupe = true}};
    struct vv_input input;
    (void)table_input(VV_INPUT_NDJSON, "rows.ndjson", rows, &input);
    return vv_upsert(op, table, &input, 1, &options, out);
}

/* In a folder of its own: in a store in memory nobody would see a file that is left over. */
static bool make_table(struct table_fixture *fixture, struct vv_engine *engine)
{
    static unsigned tables;
    const struct vv_store_options options = {.create = true};
    struct vv_store *store = NULL;
    char name[32];
    (void)snprintf(name, sizeof(name), "lake%u", ++tables);
    return table_fixture_begin(fixture, engine) &&
           CHECK_OK(&fixture->op,
               vv_store_open(&fixture->op, vv_str_of(test_path(name)), &options, &store)) &&
           table_fixture_make(fixture, &words, store);
}

static bool start(struct table_fixture *fixture, struct vv_engine *engine)
{
    struct vv_upsert_result result;
    return make_table(fixture, engine) &&
           CHECK_OK(&fixture->op, upsert(&fixture->op, fixture->table,
                                      rows_text(&fixture->op, 1, 4, "old"), &result)) &&
           CHECK_INT(result.files_added, PARTS);
}

/* "count sum(k) number of news", of the latest version. */
static struct vv_str content(struct table_fixture *fixture)
{
    return table_text(fixture,
        "SELECT concat(count(*), ' ', sum(k), ' ', count(*) FILTER (v = 'new')) FROM ", 0);
}

#define OLD_CONTENT "24 48 0"
#define NEW_CONTENT "32 80 16" /* keys 3 and 4 are new in each partition */

/* Data files in the folders of the partitions, by the store without faults. */
static size_t data_files(struct table_fixture *fixture)
{
    VV_CLEANUP(vv_store_close) struct vv_store *store = NULL;
    struct vv_objects folders = {0};
    struct vv_op *op = &fixture->op;
    size_t len = 0;
    if (!CHECK_OK(op, vv_store_at(op, fixture->plain, VV_STR("t"), &store)) ||
        !CHECK_OK(op, vv_store_list_folders(op, store, &op->arena, VV_STR(""), &folders)))
        return 0;
    for (size_t i = 0; i < folders.len; i++) {
        struct vv_objects found = {0};
        if (!vv_str_starts(folders.items[i].key, VV_STR("p=")))
            continue;
        CHECK_OK(op,
            vv_store_list(op, store, &op->arena, folders.items[i].key, VV_STR_NONE, 0, &found));
        len += found.len;
    }
    return len;
}

static void check_truth(struct table_fixture *fixture, varve_status status)
{
    fixture->plan = (struct vv_fault_plan){0};
    struct vv_str found = content(fixture);
    int64_t version = fixture->table->snapshot->version;
    CHECK_STR(found, version == 1 ? OLD_CONTENT : NEW_CONTENT);
    if (status == VARVE_OK)
        CHECK_INT(version, 2);
    else if (status != VARVE_EUNKNOWN)
        CHECK_INT(version, 1);
    if (status != VARVE_EUNKNOWN)
        CHECK_INT(data_files(fixture), version == 1 ? PARTS : 2 * PARTS);
}

struct trial {
    struct table_fixture fixture;
    struct vv_op op;
    varve_status status;
    struct vv_upsert_result result;
    struct sweep *sweep; /* NULL: what fails is none of its */
};

/* One upsert that writes a file of every partition again, with what `arm` has made to fail. */
static bool try(struct trial *trial, struct vv_engine *engine,
    void (*arm)(struct trial *trial, uint64_t nth), uint64_t nth)
{
    if (!start(&trial->fixture, engine))
        return false;
    struct vv_str rows = rows_text(&trial->fixture.op, 3, 5, "new");
    vv_op_init(&trial->op, &trial->fixture.clock.env, VV_OP_BYTES_DEFAULT);
    arm(trial, nth);
    trial->status = upsert(&trial->op, trial->fixture.table, rows, &trial->result);
    if (trial->sweep != NULL)
        (void)sweep_disarm(trial->sweep, trial->status);
    CHECK_INT(trial->op.failed, trial->status != VARVE_OK);
    if (trial->op.failed)
        printf("# %" PRIu64 ": %s %s\n", nth, varve_status_name(trial->status),
            trial->op.error.message);
    check_truth(&trial->fixture, trial->status);
    return true;
}

static void finish(struct trial *trial)
{
    vv_op_done(&trial->op);
    table_fixture_close(&trial->fixture);
}

static struct vv_engine *engine_of(struct vv_op *op, uint32_t threads)
{
    const struct vv_engine_options options = {.threads = threads};
    struct vv_engine *engine = NULL;
    CHECK_OK(op, vv_engine_open(op, &options, &engine));
    return engine;
}

static void refuse_call(struct trial *trial, uint64_t nth)
{
    trial->fixture.plan = (struct vv_fault_plan){.kind = VV_FAULT_REFUSE, .at = nth};
}

TEST_SECONDS(writers, leave_nothing_whichever_call_of_the_store_fails, 300)
{
    VV_CLEANUP(vv_op_done) struct vv_op own;
    vv_op_init(&own, NULL, VV_OP_BYTES_DEFAULT);
    struct vv_engine *engine = engine_of(&own, THREADS);
    REQUIRE(engine != NULL);
    unsigned failures = 0;
    bool is_struck = true;
    for (uint64_t nth = 1; is_struck; nth++) {
        struct trial trial = {0};
        REQUIRE(try(&trial, engine, refuse_call, nth));
        is_struck = trial.status != VARVE_OK || nth < 2 * PARTS;
        failures += trial.status != VARVE_OK;
        if (trial.status != VARVE_OK)
            CHECK_INT(trial.status, VARVE_EIO);
        finish(&trial);
    }
    CHECK(failures > 2 * PARTS); /* each file is staged, and there is more */
    vv_engine_close(&engine);
}

static void no_fault(struct trial *trial, uint64_t nth)
{
    (void)trial;
    (void)nth;
}

static void arm_sweep(struct trial *trial, uint64_t nth)
{
    (void)nth;
    sweep_arm(trial->sweep);
}

/* Threads come in any order, so that one more or less is passed from round to round. */
static void fail_each(struct sweep *sweep, varve_status code, const char *cause)
{
    VV_CLEANUP(vv_op_done) struct vv_op own;
    vv_op_init(&own, NULL, VV_OP_BYTES_DEFAULT);
    struct vv_engine *engine = engine_of(&own, THREADS);
    REQUIRE(engine != NULL);
    for (; !sweep->is_over; sweep_on(sweep)) {
        struct trial trial = {.sweep = sweep};
        REQUIRE(try(&trial, engine, arm_sweep, sweep->nth));
        if (trial.status != VARVE_OK) {
            CHECK_INT(trial.status, code);
            CHECK(strstr(trial.op.error.message, cause) != NULL);
        }
        finish(&trial);
    }
    sweep_tell(sweep, "the upsert");
    vv_engine_close(&engine);
}

TEST_SECONDS(writers, leave_nothing_whichever_statement_fails, 300)
{
    struct sweep sweep = {.place = "engine.query"};
    fail_each(&sweep, VARVE_EIO, "a test made this statement fail");
    CHECK(sweep.failures >= PARTS);
    CHECK_INT(sweep.tolerated, 0);
}

TEST_SECONDS(writers, leave_nothing_whichever_allocation_fails, 300)
{
    struct sweep sweep = {.steps = SWEEP_STEPS(64)};
    fail_each(&sweep, VARVE_ELIMIT, "memory");
    CHECK(sweep.failures > 15);
}

/* Cancels when so many files have been staged. */
struct canceller {
    atomic_bool *cancel;
    atomic_uint staged;
    unsigned at;
};

static void count_staged(void *data, const char *call, struct vv_str key)
{
    struct canceller *canceller = data;
    (void)key;
    if (strcmp(call, "stage") == 0 &&
        atomic_fetch_add(&canceller->staged, 1) + 1 == canceller->at)
        atomic_store(canceller->cancel, true);
}

static struct canceller canceller;

static void cancel_at(struct trial *trial, uint64_t nth)
{
    canceller = (struct canceller){.cancel = &trial->fixture.clock.cancel, .at = (unsigned)nth};
    trial->fixture.plan =
        (struct vv_fault_plan){.before = count_staged, .before_data = &canceller};
}

TEST_SECONDS(writers, leave_nothing_when_they_are_cancelled, 300)
{
    VV_CLEANUP(vv_op_done) struct vv_op own;
    vv_op_init(&own, NULL, VV_OP_BYTES_DEFAULT);
    struct vv_engine *engine = engine_of(&own, THREADS);
    REQUIRE(engine != NULL);
    for (uint64_t nth = 1; nth <= PARTS; nth++) {
        struct trial trial = {0};
        REQUIRE(start(&trial.fixture, engine));
        vv_op_init(&trial.op, &trial.fixture.clock.env, VV_OP_BYTES_DEFAULT);
        struct vv_str rows = rows_text(&trial.fixture.op, 3, 5, "new");
        cancel_at(&trial, nth);
        trial.status = upsert(&trial.op, trial.fixture.table, rows, &trial.result);
        atomic_store(&trial.fixture.clock.cancel, false);
        CHECK_INT(trial.status, VARVE_EINTERRUPTED);
        check_truth(&trial.fixture, trial.status);
        finish(&trial);
    }
    vv_engine_close(&engine);
}

/* A second file in each partition, so that there is something to pack. */
static bool add_files(struct table_fixture *fixture)
{
    struct vv_op *op = &fixture->op;
    struct vv_upsert_result result;
    return CHECK_OK(op, upsert(op, fixture->table, rows_text(op, 10, 12, "more"), &result)) &&
           CHECK_INT(result.files_added, PARTS) && CHECK_INT(result.files_removed, 0);
}

TEST_SECONDS(writers, leave_nothing_of_a_compaction_whichever_call_of_the_store_fails, 300)
{
    VV_CLEANUP(vv_op_done) struct vv_op own;
    vv_op_init(&own, NULL, VV_OP_BYTES_DEFAULT);
    struct vv_engine *engine = engine_of(&own, THREADS);
    REQUIRE(engine != NULL);
    unsigned failures = 0;
    bool is_struck = true;
    for (uint64_t nth = 1; is_struck; nth++) {
        const struct vv_optimize_request request = {.target_bytes = 1 << 20};
        struct vv_optimize_result result = {0};
        struct trial trial = {0};
        REQUIRE(start(&trial.fixture, engine) && add_files(&trial.fixture));
        vv_op_init(&trial.op, &trial.fixture.clock.env, VV_OP_BYTES_DEFAULT);
        refuse_call(&trial, nth);
        trial.status = vv_optimize(&trial.op, trial.fixture.table, &request, &result);
        trial.fixture.plan = (struct vv_fault_plan){0};
        CHECK_INT(trial.op.failed, trial.status != VARVE_OK);
        CHECK_STR(content(&trial.fixture), "40 216 0");
        /* It reads the table anew after its commit, too. */
        int64_t version = trial.fixture.table->snapshot->version;
        CHECK_INT(data_files(&trial.fixture), version == 2 ? 2 * PARTS : 3 * PARTS);
        is_struck = trial.status != VARVE_OK || nth < 2 * PARTS;
        failures += trial.status != VARVE_OK;
        if (trial.status == VARVE_OK)
            CHECK_INT(version, 3);
        else
            CHECK_INT(trial.status, VARVE_EIO);
        finish(&trial);
    }
    CHECK(failures > 2 * PARTS);
    vv_engine_close(&engine);
}

/* Partition, size, and statistics of each added file, in the order of the log. */
static struct vv_str adds_of(struct table_fixture *fixture)
{
    VV_CLEANUP(vv_buf_done) struct vv_buf text = VV_BUF_INIT(1 << 20);
    const struct vv_snapshot *snapshot = fixture->table->snapshot;
    for (size_t i = 0; i < snapshot->files_len; i++) {
        const struct vv_file *file = snapshot->files[i];
        vv_buf_addf(&text, "%.*s %" PRId64 " %.*s\n",
            VV_ARG(file->partition_values.items[0].value), file->bytes, VV_ARG(file->stats));
    }
    return vv_arena_str(&fixture->op.arena, vv_buf_str(&text));
}

/* Upsert, compaction and delete, by one thread and by several. */
TEST_SECONDS(writers, write_what_one_thread_writes, 120)
{
    VV_CLEANUP(vv_op_done) struct vv_op own;
    vv_op_init(&own, NULL, VV_OP_BYTES_DEFAULT);
    struct vv_str expected = VV_STR_NONE;
    static const uint32_t threads[] = {1, 2, THREADS};
    for (size_t i = 0; i < VV_COUNT(threads); i++) {
        struct vv_engine *engine = engine_of(&own, threads[i]);
        const struct vv_optimize_request packing = {.target_bytes = 1 << 20};
        const struct vv_edit_options options = {.attempts_max = 1};
        struct vv_optimize_result packed;
        struct vv_edit_result edited;
        struct trial trial = {0};
        REQUIRE(engine != NULL && try(&trial, engine, no_fault, 0));
        CHECK_INT(trial.status, VARVE_OK);
        CHECK_INT(trial.result.inserted, PARTS);
        CHECK_INT(trial.result.updated, PARTS);
        REQUIRE(add_files(&trial.fixture));
        REQUIRE_OK(&trial.op, vv_optimize(&trial.op, trial.fixture.table, &packing, &packed));
        CHECK_INT(packed.files_added, PARTS);
        CHECK_INT(packed.files_removed, 2 * PARTS);
        REQUIRE_OK(&trial.op, vv_table_delete(&trial.op, trial.fixture.table,
                                  VV_STR("k % 2 = 1"), &options, &edited));
        CHECK_INT(edited.deleted, 3 * PARTS); /* 1, 3 and 11 */
        CHECK_INT(edited.files_added, PARTS);
        REQUIRE_OK(&trial.op, vv_table_refresh(&trial.op, trial.fixture.table));
        struct vv_str adds = vv_arena_str(&own.arena, adds_of(&trial.fixture));
        if (i == 0)
            expected = adds;
        CHECK(expected.len > 0);
        CHECK_STR(adds, expected.ptr);
        finish(&trial);
        vv_engine_close(&engine);
    }
}
