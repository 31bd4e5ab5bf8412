/*
 * Deletes and updates in a store that fails, without memory, and among rivals: copy-on-write and
 * merge-on-read. Whatever happens, the table is at the old version or the new one, what the caller
 * was told is true, and the same change given again under its txn is there once.
 */
#include "../unit/table/table_fixture.h"
#include "delta/action_copy.h"
#include "fault/step.h"
#include "fault/sweep.h"
#include "table/edit/dml.h"

/* Four rows in one file; k of them is the key. */
#define STORED                                                                          \
    "{\"k\":1,\"v\":1,\"o\":5}\n{\"k\":2,\"v\":2,\"o\":5}\n{\"k\":3,\"v\":3,\"o\":5}\n" \
    "{\"k\":4,\"v\":4,\"o\":5}\n"
#define OLD_ROWS "1/1 2/2 3/3 4/4"

enum mode {
    COPY,
    MARK,
    MODES,
    FED = MODES, /* copied, with a change feed: in fewer of the tests */
    MODES_AND_FED
};

static bool start(struct table_fixture *fixture, struct vv_engine *engine, enum mode mode)
{
    const struct vv_pair property = {mode == MARK ? VV_STR("delta.enableDeletionVectors")
                                                  : VV_STR("delta.enableChangeDataFeed"),
        VV_STR("true")};
    struct vv_upsert_result result;
    return table_fixture_open(fixture, engine,
               &(struct table_words){.schema = "k bigint not null, v bigint, o bigint",
                   .key = "k",
                   .order_by = "o",
                   .check = "v < 100",
                   .properties = &property,
                   .properties_len = mode != COPY ? 1 : 0}) &&
           table_upsert(fixture, STORED, &result) && CHECK_INT(result.version, 1);
}

/* A change: a delete where `value` is NULL, else an update of v (of k: "k=..."). */
struct change {
    const char *where, *value;
};

static varve_status carry_out(struct vv_op *op, struct vv_table *table,
    const struct change *change, struct vv_str app_id, int64_t app_version,
    struct vv_edit_result *out)
{
    const struct vv_edit_options options = {
        .app_id = app_id, .app_version = app_version, .attempts_max = 4};
    struct vv_assignment assignment = {VV_STR("v"), vv_str_of(change->value)};
    if (change->value == NULL)
        return vv_table_delete(op, table, vv_str_of(change->where), &options, out);
    if (vv_str_starts(assignment.expression, VV_STR("k=")))
        assignment = (struct vv_assignment){VV_STR("k"), vv_str_skip(assignment.expression, 2)};
    const struct vv_update_request request = {vv_str_of(change->where), &assignment, 1};
    return vv_table_update(op, table, &request, &options, out);
}

/* "k/v k/v" of the latest version, in order of k. */
static struct vv_str rows_of(struct table_fixture *fixture)
{
    return table_text(fixture, "SELECT string_agg(concat(k, '/', v), ' ' ORDER BY k, v) FROM ",
        0);
}

/* Files below the root of the table: of rows and of vectors. */
static size_t files_there(struct table_fixture *fixture)
{
    struct vv_objects found = {0};
    struct vv_op *op = &fixture->op;
    CHECK_OK(op, vv_store_list(op, fixture->table->store, &op->arena, VV_STR(""), VV_STR_NONE,
                     0, &found));
    return found.len;
}

static const struct {
    struct change change;
    const char *rows;
} changes[] = {
    {{"k = 2", NULL}, "1/1 3/3 4/4"},
    {{"k >= 3", "v + 10"}, "1/1 2/2 3/13 4/14"},
};

enum faults {
    CALLS_FAIL,
    REPLIES_ARE_LOST, /* so that what was done can be in doubt */
    MEMORY_IS_OUT
};

static void check_truth(struct table_fixture *fixture, size_t which, varve_status status,
    enum faults faults)
{
    struct vv_op *op = &fixture->op;
    struct vv_edit_result again;
    fixture->plan = (struct vv_fault_plan){0};
    REQUIRE_OK(op, vv_table_refresh(op, fixture->table));
    int64_t version = fixture->table->snapshot->version;
    CHECK_STR(rows_of(fixture), version == 1 ? OLD_ROWS : changes[which].rows);
    if (status == VARVE_OK)
        CHECK_INT(version, 2);
    else if (status == VARVE_EUNKNOWN)
        CHECK(faults == REPLIES_ARE_LOST);
    else if (CHECK_INT(status, faults == MEMORY_IS_OUT ? VARVE_ELIMIT : VARVE_EIO))
        CHECK_INT(version, 1);
    REQUIRE_OK(op,
        carry_out(op, fixture->table, &changes[which].change, VV_STR("app"), 7, &again));
    CHECK_INT(again.already_applied, version == 2);
    CHECK_INT(again.version, 2);
    CHECK_STR(rows_of(fixture), changes[which].rows);
}

TEST_SECONDS(edit, tells_the_truth_whichever_call_of_the_store_fails, 300)
{
    static const enum vv_fault_kind kinds[] = {
        VV_FAULT_REFUSE, VV_FAULT_LOSE_REPLY, VV_FAULT_IN_DOUBT};
    struct vv_engine_options options = {.threads = 1};
    struct vv_engine *engine = NULL;
    struct vv_op own;
    size_t outcomes[3] = {0}; /* done, unknown, failed */
    vv_op_init(&own, NULL, VV_OP_BYTES_DEFAULT);
    REQUIRE_OK(&own, vv_engine_open(&own, &options, &engine));
    for (size_t i = 0; i < VV_COUNT(kinds) * MODES_AND_FED * VV_COUNT(changes);
         i += CASES_STEP) {
        size_t kind = i % VV_COUNT(kinds);
        size_t which = i / VV_COUNT(kinds) % VV_COUNT(changes);
        enum mode mode = (enum mode)(i / VV_COUNT(kinds) / VV_COUNT(changes));
        bool struck = true;
        for (uint64_t at = 1; struck; at++) {
            struct table_fixture fixture;
            struct vv_edit_result result = {0};
            struct vv_op op;
            REQUIRE(start(&fixture, engine, mode));
            vv_op_init(&op, &fixture.clock.env, VV_OP_BYTES_DEFAULT);
            fixture.plan = (struct vv_fault_plan){
                /* Once, or from then on: of a call of one change this, of the next one's that. */
                .kind = kinds[kind],
                .at = at,
                .count = (at + i) % 2 == 0 ? 1 : 100};
            varve_status status = carry_out(&op, fixture.table, &changes[which].change,
                VV_STR("app"), 7, &result);
            struck = fixture.plan.calls >= at;
            printf("# kind %zu, change %zu, mode %d, call %" PRIu64 ": %s %s\n", kind, which,
                (int)mode, at, varve_status_name(status), op.failed ? op.error.message : "");
            CHECK_INT(op.failed, status != VARVE_OK);
            outcomes[status == VARVE_OK ? 0 : status == VARVE_EUNKNOWN ? 1 : 2]++;
            check_truth(&fixture, which, status, kind == 0 ? CALLS_FAIL : REPLIES_ARE_LOST);
            vv_op_done(&op);
            table_fixture_close(&fixture);
        }
    }
    CHECK(outcomes[0] > 0 && outcomes[1] > 0 && outcomes[2] > 0);
    vv_engine_close(&engine);
    vv_op_done(&own);
}

static void fail_allocations(struct vv_engine *engine, enum mode mode, size_t which)
{
    struct sweep sweep = {.steps = SWEEP_STEPS(16)};
    for (; !sweep.is_over; sweep_on(&sweep)) {
        struct table_fixture fixture;
        struct vv_edit_result result = {0};
        struct vv_op op;
        REQUIRE(start(&fixture, engine, mode));
        vv_op_init(&op, &fixture.clock.env, VV_OP_BYTES_DEFAULT);
        sweep_arm(&sweep);
        varve_status status =
            carry_out(&op, fixture.table, &changes[which].change, VV_STR("app"), 7, &result);
        (void)sweep_disarm(&sweep, status);
        printf("# allocation %" PRIu64 ": %s %s\n", sweep.nth, varve_status_name(status),
            op.failed ? op.error.message : "");
        CHECK_INT(op.failed, status != VARVE_OK);
        check_truth(&fixture, which, status, MEMORY_IS_OUT);
        vv_op_done(&op);
        table_fixture_close(&fixture);
    }
    printf("# change %zu, mode %d\n", which, (int)mode);
    sweep_tell(&sweep, changes[which].change.where);
    CHECK(sweep.failures > 5);
}

TEST_SECONDS(edit, tells_the_truth_whichever_allocation_fails, 300)
{
    struct vv_engine_options options = {.threads = 1};
    struct vv_engine *engine = NULL;
    struct vv_op own;
    vv_op_init(&own, NULL, VV_OP_BYTES_DEFAULT);
    REQUIRE_OK(&own, vv_engine_open(&own, &options, &engine));
    for (enum mode mode = COPY; mode < MODES_AND_FED; mode++)
        for (size_t which = 0; which < VV_COUNT(changes); which++)
            fail_allocations(engine, mode, which);
    vv_engine_close(&engine);
    vv_op_done(&own);
}

/* A writer that comes right before the put of our commit. */
struct rival {
    struct table_fixture *fixture;
    const struct change *change;
    const char *rows;  /* it upserts them; or */
    const char *lines; /* it commits these as another writer */
    struct vv_str app_id;
    unsigned times;
    unsigned staged; /* data files that we wrote */
};

static void run_rival(struct rival *rival)
{
    VV_CLEANUP(vv_op_done) struct vv_op op;
    struct vv_table *table = NULL;
    struct vv_edit_result result;
    struct vv_upsert_result upserted;
    const struct vv_upsert_options options = {.batch = {.dedupe = true}};
    struct vv_input input;
    vv_op_init(&op, &rival->fixture->clock.env, VV_OP_BYTES_DEFAULT);
    if (rival->lines != NULL) {
        (void)table_foreign_commit(rival->fixture, rival->lines);
        return;
    }
    if (!table_handle(&op, rival->fixture, rival->fixture->plain, &table))
        return;
    if (rival->change != NULL)
        CHECK_OK(&op, carry_out(&op, table, rival->change, rival->app_id,
                          rival->app_id.len > 0 ? 1 : 0, &result));
    else if (table_input(VV_INPUT_NDJSON, "rivals", vv_str_of(rival->rows), &input))
        CHECK_OK(&op, vv_upsert(&op, table, &input, 1, &options, &upserted));
    vv_table_close(&table);
}

static void before_call(void *data, const char *call, struct vv_str key)
{
    struct rival *rival = data;
    rival->staged += strcmp(call, "stage") == 0;
    if (strcmp(call, "put_if_absent") != 0 || !vv_str_ends(key, VV_STR(".json")) ||
        rival->times == 0)
        return;
    rival->times--;
    run_rival(rival);
}

struct race {
    const char *what;
    struct change ours, rivals;
    const char *rivals_rows, *rivals_lines;
    bool rivals_txn;
    varve_status status;
    unsigned staged[MODES];
    int64_t gone;
    uint32_t attempts;
    const char *rows;
    int64_t vectors_updated; /* MARK */
};

static const struct race races[] = {
    {.what = "other rows of the file: theirs go, and ours",
        .ours = {"k = 2", NULL},
        .rivals = {"k = 3", NULL},
        .staged = {2, 0},
        .gone = 1,
        .attempts = 2,
        .rows = "1/1 4/4",
        .vectors_updated = 1},
    {.what = "the row that we delete is gone: nothing to do",
        .ours = {"k = 2", NULL},
        .rivals = {"k = 2", NULL},
        .staged = {1, 0},
        .gone = 0,
        .attempts = 2, /* of which the second records the txn */
        .rows = "1/1 3/3 4/4"},
    {.what = "the row that we delete was updated, and still matches",
        .ours = {"k = 2", NULL},
        .rivals = {"k = 2", "50"},
        .staged = {2, 0},
        .gone = 1,
        .attempts = 2,
        .rows = "1/1 3/3 4/4"},
    {.what = "the row that we update was updated: the later sees the earlier",
        .ours = {"k = 2", "v + 1"},
        .rivals = {"k = 2", "50"},
        .staged = {2, 2},
        .gone = 1,
        .attempts = 2,
        .rows = "1/1 2/51 3/3 4/4"},
    {.what = "other rows updated, far from ours: joined",
        .ours = {"k = 1", "v + 1"},
        .rivals = {"k = 4", "50"},
        .staged = {2, 1},
        .gone = 1,
        .attempts = 2,
        .rows = "1/2 2/2 3/3 4/50",
        .vectors_updated = 1},
    {.what = "a row comes that the condition is true for: it goes too",
        .ours = {"v >= 4", NULL},
        .rivals_rows = "{\"k\":9,\"v\":9,\"o\":1}\n",
        .staged = {2, 0},
        .gone = 2,
        .attempts = 2,
        .rows = "1/1 2/2 3/3"},
    {.what = "a row comes that the condition is not true for",
        .ours = {"v >= 4", NULL},
        .rivals_rows = "{\"k\":9,\"v\":0,\"o\":1}\n",
        .staged = {1, 0},
        .gone = 1,
        .attempts = 2,
        .rows = "1/1 2/2 3/3 9/0"},
    {.what = "a row comes with the key that we would give to another",
        .ours = {"v = 2", "k=9"},
        .rivals_rows = "{\"k\":9,\"v\":0,\"o\":1}\n",
        .staged = {1, 1},
        .status = VARVE_EINVALID,
        .rows = "1/1 2/2 3/3 4/4 9/0"},
    {.what = "our own txn, by somebody else: nothing to do",
        .ours = {"k = 2", NULL},
        .rivals = {"k = 3", NULL},
        .rivals_txn = true,
        .staged = {1, 0},
        .attempts = 1,
        .rows = "1/1 2/2 4/4"},
    {.what = "a protocol that we do not know: nothing is written",
        .ours = {"k = 2", NULL},
        .rivals_lines = "{\"protocol\":{\"minReaderVersion\":1,\"minWriterVersion\":7,"
                        "\"writerFeatures\":[\"checkConstraints\",\"invariants\","
                        "\"appendOnly\",\"lucidDreams\"]}}\n",
        .staged = {1, 0},
        .status = VARVE_EUNSUPPORTED,
        .rows = OLD_ROWS},
};

static void run_race(const struct race *race, struct vv_engine *engine, enum mode mode)
{
    struct table_fixture fixture;
    struct vv_edit_result result = {0};
    struct vv_op op;
    printf("# %s (%d)\n", race->what, (int)mode);
    REQUIRE(start(&fixture, engine, mode));
    struct rival rival = {.fixture = &fixture,
        .change = race->rivals.where != NULL ? &race->rivals : NULL,
        .rows = race->rivals_rows,
        .lines = race->rivals_lines,
        .app_id = race->rivals_txn ? VV_STR("app") : VV_STR_NONE,
        .times = 1};
    fixture.plan = (struct vv_fault_plan){.before = before_call, .before_data = &rival};
    vv_op_init(&op, &fixture.clock.env, VV_OP_BYTES_DEFAULT);
    varve_status status = carry_out(&op, fixture.table, &race->ours, VV_STR("app"), 1, &result);
    fixture.plan.before = NULL;
    if (!CHECK_INT(status, race->status))
        printf("# %s\n", op.failed ? op.error.message : "");
    if (status == VARVE_OK) {
        CHECK_INT(result.rows_gone, race->gone);
        CHECK_INT(result.attempts, race->attempts);
        CHECK_INT(result.already_applied, race->rivals_txn);
        if (mode == MARK)
            CHECK_INT(result.vectors_updated, race->vectors_updated);
    }
    CHECK_INT(rival.times, 0);
    CHECK_INT(rival.staged, race->staged[mode]);
    CHECK_STR(rows_of(&fixture), race->rows);
    vv_op_done(&op);
    table_fixture_close(&fixture);
}

TEST_SECONDS(edit, comes_out_right_whoever_wins_the_race, 120)
{
    struct vv_engine_options options = {.threads = 1};
    struct vv_engine *engine = NULL;
    struct vv_op op;
    vv_op_init(&op, NULL, VV_OP_BYTES_DEFAULT);
    REQUIRE_OK(&op, vv_engine_open(&op, &options, &engine));
    for (size_t i = 0; i < VV_COUNT(races) * MODES; i++)
        run_race(&races[i / MODES], engine, (enum mode)(i % MODES));
    vv_engine_close(&engine);
    vv_op_done(&op);
}

/* The commit says what was done in the end, and nothing done in vain is left. */
TEST(edit, joins_the_rows_that_others_mark_and_says_so)
{
    struct table_fixture fixture;
    struct vv_edit_result result = {0};
    struct vv_str bytes;
    const struct change ours = {"k = 2", NULL};
    const struct change theirs = {"k = 3", NULL};
    REQUIRE(start(&fixture, NULL, MARK));
    struct vv_op *op = &fixture.op;
    struct rival rival = {.fixture = &fixture, .change = &theirs, .times = 1};
    fixture.plan = (struct vv_fault_plan){.before = before_call, .before_data = &rival};
    REQUIRE_OK(op, carry_out(op, fixture.table, &ours, VV_STR_NONE, 0, &result));
    fixture.plan.before = NULL;
    CHECK_INT(result.version, 3);
    CHECK_INT(result.vectors_added, 0);
    CHECK_INT(result.vectors_updated, 1);
    REQUIRE_OK(op, vv_store_get(op, fixture.table->store, &op->arena,
                       VV_STR("_delta_log/00000000000000000003.json"), &bytes));
    CHECK(strstr(bytes.ptr, "\"numDeletionVectorsAdded\":\"0\"") != NULL);
    CHECK(strstr(bytes.ptr, "\"numDeletionVectorsUpdated\":\"1\"") != NULL);
    CHECK(strstr(bytes.ptr, "\"cardinality\":2") != NULL);
    CHECK(strstr(bytes.ptr, "\\\"tightBounds\\\":false") != NULL);
    CHECK(strstr(bytes.ptr, "\"varve.sha256\"") != NULL);
    CHECK_STR(rows_of(&fixture), "1/1 4/4");
    /* One file of rows, one of vectors of each version. */
    CHECK_INT(files_there(&fixture), 3);
    /* What is left of the file goes: then it goes. */
    const struct change rest = {"v >= 0", NULL};
    REQUIRE_OK(op, carry_out(op, fixture.table, &rest, VV_STR_NONE, 0, &result));
    CHECK_INT(result.files_removed, 1);
    CHECK_INT(result.vectors_removed, 1);
    REQUIRE_OK(op, vv_table_refresh(op, fixture.table));
    CHECK_INT(fixture.table->snapshot->files_len, 0);
    table_fixture_close(&fixture);
}

/* A restore between: the rows that it brings back are looked at. */
TEST(edit, sees_the_rows_that_come_back)
{
    struct table_fixture fixture;
    struct vv_edit_result result = {0};
    VV_CLEANUP(vv_buf_done) struct vv_buf lines = VV_BUF_INIT(1 << 20);
    const struct change first = {"k = 2", NULL};
    const struct change ours = {"k <= 3", NULL};
    REQUIRE(start(&fixture, NULL, MARK));
    struct vv_op *op = &fixture.op;
    REQUIRE_OK(op, vv_table_refresh(op, fixture.table));
    const struct vv_file *stored = vv_file_copy(&op->arena, fixture.table->snapshot->files[0]);
    REQUIRE(stored != NULL);
    struct vv_file before = *stored;
    REQUIRE_OK(op, carry_out(op, fixture.table, &first, VV_STR_NONE, 0, &result));
    REQUIRE_OK(op, vv_table_refresh(op, fixture.table));
    struct vv_remove remove = vv_remove_of(fixture.table->snapshot->files[0], 5, true);
    vv_action_write_remove(&remove, &lines);
    before.data_change = true;
    vv_action_write_add(&before, &lines);
    struct rival rival = {.fixture = &fixture, .lines = vv_buf_str(&lines).ptr, .times = 1};
    fixture.plan = (struct vv_fault_plan){.before = before_call, .before_data = &rival};
    REQUIRE_OK(op, carry_out(op, fixture.table, &ours, VV_STR_NONE, 0, &result));
    fixture.plan.before = NULL;
    CHECK_INT(result.rows_gone, 3);
    CHECK_STR(rows_of(&fixture), "4/4");
    table_fixture_close(&fixture);
}

TEST(edit, leaves_nothing_behind_where_it_changes_nothing)
{
    static const struct {
        struct change change;
        varve_status status;
    } cases[] = {{{"k = 77", NULL}, VARVE_OK}, {{"k = 77", "1"}, VARVE_OK},
        {{"k = 2", "100"}, VARVE_EINVALID}, {{"k = 2", "k=3"}, VARVE_EINVALID},
        {{"k = 2", "CAST('x' AS INT)"}, VARVE_EUSAGE}, {{"k = 2 AND", NULL}, VARVE_EUSAGE}};
    for (size_t i = 0; i < VV_COUNT(cases) * MODES; i++) {
        struct table_fixture fixture;
        struct vv_edit_result result = {0};
        REQUIRE(start(&fixture, NULL, (enum mode)(i % MODES)));
        struct vv_op *op = &fixture.op;
        varve_status status =
            carry_out(op, fixture.table, &cases[i / MODES].change, VV_STR_NONE, 0, &result);
        CHECK_INT(status, cases[i / MODES].status);
        vv_forgive(op);
        CHECK_STR(rows_of(&fixture), OLD_ROWS);
        CHECK_INT(fixture.table->snapshot->version, 1);
        CHECK_INT(files_there(&fixture), 1);
        table_fixture_close(&fixture);
    }
}

TEST(edit, tries_without_leaving_a_trace)
{
    for (enum mode mode = COPY; mode < MODES; mode++) {
        struct table_fixture fixture;
        struct vv_edit_result result = {0};
        const struct vv_edit_options options = {.dry_run = true};
        REQUIRE(start(&fixture, NULL, mode));
        struct vv_op *op = &fixture.op;
        REQUIRE_OK(op, vv_table_delete(op, fixture.table, VV_STR("k > 2"), &options, &result));
        CHECK_INT(result.rows_gone, 2);
        CHECK_INT(result.version, 1);
        CHECK_INT(result.vectors_added, mode == MARK ? 1 : 0);
        CHECK_INT(result.rows_copied, mode == COPY ? 2 : 0);
        CHECK_STR(rows_of(&fixture), OLD_ROWS);
        CHECK_INT(files_there(&fixture), 1);
        table_fixture_close(&fixture);
    }
}
