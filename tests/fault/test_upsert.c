/*
 * Upserts into a store that fails, without memory, and among rivals. Whatever happens, the table
 * is at the old version or the new one, what the caller was told is true, and the same batch
 * given again under its txn is there once.
 */
#include "../unit/table/table_fixture.h"
#include "fault/step.h"
#include "fault/sweep.h"

static const struct table_words words = {.schema = "k bigint not null, o bigint, v string",
    .key = "k",
    .order_by = "o",
    .check = "k > 0"};

#define STORED "{\"k\":1,\"o\":5,\"v\":\"a\"}\n{\"k\":2,\"o\":5,\"v\":\"b\"}\n"
#define BATCH "{\"k\":2,\"o\":6,\"v\":\"c\"}\n{\"k\":3,\"o\":6,\"v\":\"d\"}\n"
#define OLD_ROWS "1/5/a 2/5/b"
#define NEW_ROWS "1/5/a 2/6/c 3/6/d"

/* A writer that comes right before the put of our commit. */
struct rival {
    struct table_fixture *fixture;
    const char *rows;  /* it upserts them through a handle of its own; or */
    const char *lines; /* it commits these as another writer */
    struct vv_str app_id;
    unsigned times;  /* so often */
    unsigned staged; /* data files that we wrote */
};

static varve_status upsert(struct vv_op *op, struct vv_table *table, const char *name,
    const char *rows, struct vv_str app_id, int64_t app_version, struct vv_upsert_result *out)
{
    struct vv_upsert_options options = {.batch = {.dedupe = true},
        .app_id = app_id,
        .app_version = app_version,
        .attempts_max = 4};
    struct vv_input input;
    (void)table_input(VV_INPUT_NDJSON, name, vv_str_of(rows), &input);
    return vv_upsert(op, table, &input, 1, &options, out);
}

static void run_rival(struct rival *rival)
{
    VV_CLEANUP(vv_op_done) struct vv_op op;
    struct vv_table *table = NULL;
    struct vv_upsert_result result;
    vv_op_init(&op, &rival->fixture->clock.env, VV_OP_BYTES_DEFAULT);
    if (rival->lines != NULL) {
        (void)table_foreign_commit(rival->fixture, rival->lines);
        return;
    }
    if (table_handle(&op, rival->fixture, rival->fixture->plain, &table))
        CHECK_OK(&op, upsert(&op, table, "rivals", rival->rows, rival->app_id, 1, &result));
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

/* "k/o/v k/o/v" of the latest version, in order of k. */
static struct vv_str rows_of(struct table_fixture *fixture)
{
    return table_text(fixture,
        "SELECT string_agg(concat(k, '/', o, '/', v), ' ' ORDER BY k, o) FROM ", 0);
}

/* Objects below the root of the table that are data files. */
static size_t data_files(struct table_fixture *fixture)
{
    struct vv_objects found = {0};
    struct vv_op *op = &fixture->op;
    CHECK_OK(op, vv_store_list(op, fixture->table->store, &op->arena, VV_STR(""), VV_STR_NONE,
                     0, &found));
    return found.len;
}

/* By vectors, and then with a change feed as well. */
static bool start(struct table_fixture *fixture, struct vv_engine *engine, bool by_vectors)
{
    const struct vv_pair properties[] = {
        {VV_STR("delta.enableDeletionVectors"), VV_STR("true")},
        {VV_STR("delta.enableChangeDataFeed"), VV_STR("true")}};
    struct table_words own = words;
    struct vv_upsert_result result;
    own.properties = properties;
    own.properties_len = by_vectors ? VV_COUNT(properties) : 0;
    return table_fixture_open(fixture, engine, &own) &&
           table_upsert(fixture, STORED, &result) && CHECK_INT(result.version, 1);
}

enum faults {
    CALLS_FAIL,
    REPLIES_ARE_LOST, /* so that what was done can be in doubt */
    MEMORY_IS_OUT
};

/* What was told of the batch, then the same batch again. */
static void check_truth(struct table_fixture *fixture, varve_status status,
    const struct vv_upsert_result *result, enum faults faults, bool by_vectors)
{
    struct vv_op *op = &fixture->op;
    struct vv_upsert_result again;
    fixture->plan = (struct vv_fault_plan){0};
    REQUIRE_OK(op, vv_table_refresh(op, fixture->table));
    int64_t version = fixture->table->snapshot->version;
    CHECK_STR(rows_of(fixture), version == 1 ? OLD_ROWS : NEW_ROWS);
    if (status == VARVE_OK) {
        CHECK_INT(version, 2);
        CHECK_INT(result->version, 2);
        CHECK_INT(result->inserted, 1);
        CHECK_INT(result->updated, 1);
    } else if (status == VARVE_EUNKNOWN) {
        CHECK(faults == REPLIES_ARE_LOST);
    } else {
        CHECK_INT(status, faults == MEMORY_IS_OUT ? VARVE_ELIMIT : VARVE_EIO);
        CHECK_INT(version, 1);
    }
    REQUIRE_OK(op, upsert(op, fixture->table, "ours", BATCH, VV_STR("app"), 7, &again));
    CHECK_INT(again.already_applied, version == 2);
    CHECK_INT(again.version, 2);
    CHECK_STR(rows_of(fixture), NEW_ROWS);
    CHECK_INT(fixture->table->snapshot->version, 2);
    CHECK_INT(fixture->table->snapshot->files_len, by_vectors ? 2 : 1);
}

TEST_SECONDS(upsert, tells_the_truth_whichever_call_of_the_store_fails, 300)
{
    static const enum vv_fault_kind kinds[] = {
        VV_FAULT_REFUSE, VV_FAULT_LOSE_REPLY, VV_FAULT_IN_DOUBT};
    static const uint64_t strikes[] = {1, 100};
    struct vv_engine_options options = {.threads = 1};
    struct vv_engine *engine = NULL;
    struct vv_op own;
    size_t outcomes[3] = {0}; /* done, unknown, failed */
    vv_op_init(&own, NULL, VV_OP_BYTES_DEFAULT);
    REQUIRE_OK(&own, vv_engine_open(&own, &options, &engine));
    for (size_t i = 0; i < 2 * VV_COUNT(kinds) * VV_COUNT(strikes); i += CASES_STEP) {
        bool by_vectors = i >= VV_COUNT(kinds) * VV_COUNT(strikes);
        bool struck = true;
        for (uint64_t at = 1; struck; at++) {
            struct table_fixture fixture;
            struct vv_upsert_result result = {0};
            struct vv_op op;
            REQUIRE(start(&fixture, engine, by_vectors));
            vv_op_init(&op, &fixture.clock.env, VV_OP_BYTES_DEFAULT);
            fixture.plan = (struct vv_fault_plan){.kind = kinds[i % VV_COUNT(kinds)],
                .at = at,
                .count = strikes[i / VV_COUNT(kinds) % VV_COUNT(strikes)]};
            varve_status status =
                upsert(&op, fixture.table, "ours", BATCH, VV_STR("app"), 7, &result);
            struck = fixture.plan.calls >= at;
            printf("# kind %zu, %" PRIu64 " calls from %" PRIu64 ": %s %s\n",
                i % VV_COUNT(kinds), fixture.plan.count, at, varve_status_name(status),
                op.failed ? op.error.message : "");
            CHECK_INT(op.failed, status != VARVE_OK);
            outcomes[status == VARVE_OK ? 0 : status == VARVE_EUNKNOWN ? 1 : 2]++;
            check_truth(&fixture, status, &result,
                i % VV_COUNT(kinds) == 0 ? CALLS_FAIL : REPLIES_ARE_LOST, by_vectors);
            vv_op_done(&op);
            table_fixture_close(&fixture);
        }
    }
    CHECK(outcomes[0] > 0 && outcomes[1] > 0 && outcomes[2] > 0);
    vv_engine_close(&engine);
    vv_op_done(&own);
}

static void fail_allocations(struct vv_engine *engine, bool by_vectors)
{
    struct sweep sweep = {.steps = SWEEP_STEPS(32)};
    for (; !sweep.is_over; sweep_on(&sweep)) {
        struct table_fixture fixture;
        struct vv_upsert_result result = {0};
        struct vv_op op;
        REQUIRE(start(&fixture, engine, by_vectors));
        vv_op_init(&op, &fixture.clock.env, VV_OP_BYTES_DEFAULT);
        sweep_arm(&sweep);
        varve_status status =
            upsert(&op, fixture.table, "ours", BATCH, VV_STR("app"), 7, &result);
        (void)sweep_disarm(&sweep, status);
        printf("# allocation %" PRIu64 ": %s %s\n", sweep.nth, varve_status_name(status),
            op.failed ? op.error.message : "");
        CHECK_INT(op.failed, status != VARVE_OK);
        check_truth(&fixture, status, &result, MEMORY_IS_OUT, by_vectors);
        vv_op_done(&op);
        table_fixture_close(&fixture);
    }
    sweep_tell(&sweep, by_vectors ? "by vectors" : "by copies");
    CHECK(sweep.failures > 10);
}

TEST_SECONDS(upsert, tells_the_truth_whichever_allocation_fails, 300)
{
    struct vv_engine_options options = {.threads = 1};
    struct vv_engine *engine = NULL;
    struct vv_op own;
    vv_op_init(&own, NULL, VV_OP_BYTES_DEFAULT);
    REQUIRE_OK(&own, vv_engine_open(&own, &options, &engine));
    fail_allocations(engine, false);
    fail_allocations(engine, true);
    vv_engine_close(&engine);
    vv_op_done(&own);
}

/* One batch against one rival. */
struct race {
    const char *what;
    const char *ours;
    const char *rivals; /* rows, or lines of the log */
    bool rivals_lines, rivals_txn;
    varve_status status;
    unsigned staged;
    struct vv_upsert_result result; /* what counts of it */
    const char *rows;
};

static const struct race races[] = {
    {.what = "other keys: the same file at the next version",
        .ours = "{\"k\":20,\"o\":1,\"v\":\"x\"}\n",
        .rivals = "{\"k\":30,\"o\":1,\"v\":\"y\"}\n",
        .staged = 1,
        .result = {.inserted = 1, .version = 3, .attempts = 2},
        .rows = OLD_ROWS " 20/1/x 30/1/y"},
    {.what = "the key that we insert, older: an update",
        .ours = "{\"k\":20,\"o\":5,\"v\":\"x\"}\n",
        .rivals = "{\"k\":20,\"o\":4,\"v\":\"y\"}\n",
        .staged = 2,
        .result = {.updated = 1, .version = 3, .attempts = 2},
        .rows = OLD_ROWS " 20/5/x"},
    {.what = "the key that we insert, newer: stale",
        .ours = "{\"k\":20,\"o\":5,\"v\":\"x\"}\n",
        .rivals = "{\"k\":20,\"o\":6,\"v\":\"y\"}\n",
        .staged = 1,
        .result = {.stale = 1, .version = 3, .attempts = 2},
        .rows = OLD_ROWS " 20/6/y"},
    {.what = "the row that was unchanged: an update",
        .ours = "{\"k\":1,\"o\":9,\"v\":\"a\"}\n{\"k\":20,\"o\":1,\"v\":\"x\"}\n",
        .rivals = "{\"k\":1,\"o\":8,\"v\":\"y\"}\n",
        .staged = 2,
        .result = {.inserted = 1, .updated = 1, .version = 3, .attempts = 2},
        .rows = "1/9/a 2/5/b 20/1/x"},
    {.what = "the row that was stale: newer still",
        .ours = "{\"k\":1,\"o\":4,\"v\":\"z\"}\n{\"k\":20,\"o\":1,\"v\":\"x\"}\n",
        .rivals = "{\"k\":1,\"o\":8,\"v\":\"y\"}\n",
        .staged = 2,
        .result = {.inserted = 1, .stale = 1, .version = 3, .attempts = 2},
        .rows = "1/8/y 2/5/b 20/1/x"},
    {.what = "a neighbour of the row that we update: not lost",
        .ours = "{\"k\":1,\"o\":9,\"v\":\"z\"}\n",
        .rivals = "{\"k\":2,\"o\":8,\"v\":\"y\"}\n",
        .staged = 2,
        .result = {.updated = 1, .version = 3, .attempts = 2},
        .rows = "1/9/z 2/8/y"},
    {.what = "our own txn, by somebody else: nothing to do",
        .ours = "{\"k\":20,\"o\":1,\"v\":\"x\"}\n",
        .rivals = "{\"k\":20,\"o\":1,\"v\":\"x\"}\n",
        .rivals_txn = true,
        .staged = 1,
        .result = {.already_applied = true, .version = 2, .attempts = 1},
        .rows = OLD_ROWS " 20/1/x"},
    {.what = "a protocol that we do not know: nothing is written",
        .ours = "{\"k\":20,\"o\":1,\"v\":\"x\"}\n",
        .rivals = "{\"protocol\":{\"minReaderVersion\":1,\"minWriterVersion\":7,"
                  "\"writerFeatures\":[\"checkConstraints\",\"invariants\",\"appendOnly\","
                  "\"lucidDreams\"]}}\n",
        .rivals_lines = true,
        .status = VARVE_EUNSUPPORTED,
        .staged = 1,
        .rows = OLD_ROWS},
};

static void run_race(const struct race *race, struct vv_engine *engine, bool by_vectors)
{
    struct table_fixture fixture;
    struct vv_upsert_result result = {0};
    struct vv_op op;
    printf("# %s\n", race->what);
    REQUIRE(start(&fixture, engine, by_vectors));
    struct rival rival = {.fixture = &fixture,
        .rows = race->rivals_lines ? NULL : race->rivals,
        .lines = race->rivals_lines ? race->rivals : NULL,
        .app_id = race->rivals_txn ? VV_STR("app") : VV_STR_NONE,
        .times = 1};
    fixture.plan = (struct vv_fault_plan){.before = before_call, .before_data = &rival};
    vv_op_init(&op, &fixture.clock.env, VV_OP_BYTES_DEFAULT);
    varve_status status =
        upsert(&op, fixture.table, "ours", race->ours, VV_STR("app"), 1, &result);
    fixture.plan.before = NULL;
    if (CHECK_INT(status, race->status) && status == VARVE_OK) {
        CHECK_INT(result.inserted, race->result.inserted);
        CHECK_INT(result.updated, race->result.updated);
        CHECK_INT(result.unchanged, race->result.unchanged);
        CHECK_INT(result.stale, race->result.stale);
        CHECK_INT(result.already_applied, race->result.already_applied);
        CHECK_INT(result.version, race->result.version);
        CHECK_INT(result.attempts, race->result.attempts);
    }
    CHECK_INT(rival.times, 0);
    if (!by_vectors) /* change files are staged, too */
        CHECK_INT(rival.staged, race->staged);
    if (status == VARVE_OK) {
        CHECK_STR(rows_of(&fixture), race->rows);
        /* What an attempt wrote in vain is gone: nothing but files of some version is there. */
        size_t older = by_vectors ? 5 : 2; /* files, and files of vectors and of changes */
        CHECK(data_files(&fixture) <= fixture.table->snapshot->files_len + older);
    }
    vv_op_done(&op);
    table_fixture_close(&fixture);
}

TEST_SECONDS(upsert, comes_out_right_whoever_wins_the_race, 120)
{
    struct vv_engine_options options = {.threads = 1};
    struct vv_engine *engine = NULL;
    struct vv_op op;
    vv_op_init(&op, NULL, VV_OP_BYTES_DEFAULT);
    REQUIRE_OK(&op, vv_engine_open(&op, &options, &engine));
    for (size_t i = 0; i < 2 * VV_COUNT(races); i++)
        run_race(&races[i / 2], engine, i % 2 == 1);
    vv_engine_close(&engine);
    vv_op_done(&op);
}

/* The metaData of the table with one more constraint, as a line of the log. */
static struct vv_str constrained(struct table_fixture *fixture, const char *expression)
{
    VV_CLEANUP(vv_buf_done) struct vv_buf line = VV_BUF_INIT(VV_BUF_MAX);
    struct vv_metadata metadata = *fixture->table->snapshot->metadata;
    size_t len = metadata.configuration.len;
    struct vv_pair *pairs = vv_new(&fixture->op.arena, struct vv_pair, len + 1);
    if (!CHECK(pairs != NULL))
        return VV_STR("");
    memcpy(pairs, metadata.configuration.items, len * sizeof(*pairs));
    pairs[len] = (struct vv_pair){VV_STR(VV_PROPERTY_CONSTRAINT "late"), vv_str_of(expression)};
    metadata.configuration = (struct vv_pairs){pairs, len + 1};
    vv_action_write_metadata(&metadata, &line);
    return vv_arena_str(&fixture->op.arena, vv_buf_str(&line));
}

TEST(upsert, validates_again_when_a_winner_has_changed_the_rules)
{
    for (int breaks_it = 0; breaks_it < 2; breaks_it++) {
        struct table_fixture fixture;
        struct vv_upsert_result result = {0};
        REQUIRE(start(&fixture, NULL, false));
        struct rival rival = {.fixture = &fixture,
            .lines = constrained(&fixture, breaks_it ? "v <> 'c'" : "v <> 'q'").ptr,
            .times = 1};
        fixture.plan = (struct vv_fault_plan){.before = before_call, .before_data = &rival};
        struct vv_op op;
        vv_op_init(&op, &fixture.clock.env, VV_OP_BYTES_DEFAULT);
        varve_status status =
            upsert(&op, fixture.table, "ours", BATCH, VV_STR("app"), 1, &result);
        fixture.plan.before = NULL;
        CHECK_INT(status, breaks_it ? VARVE_EINVALID : VARVE_OK);
        CHECK_STR(rows_of(&fixture), breaks_it ? OLD_ROWS : NEW_ROWS);
        CHECK_INT(fixture.table->snapshot->version, breaks_it ? 2 : 3);
        CHECK_INT(data_files(&fixture), breaks_it ? 1 : 2);
        vv_op_done(&op);
        table_fixture_close(&fixture);
    }
}

/* The metaData of the table without its constraints. */
static struct vv_str freed(struct table_fixture *fixture)
{
    VV_CLEANUP(vv_buf_done) struct vv_buf line = VV_BUF_INIT(VV_BUF_MAX);
    struct vv_metadata metadata = *fixture->table->snapshot->metadata;
    struct vv_pair *pairs =
        vv_new(&fixture->op.arena, struct vv_pair, metadata.configuration.len + 1);
    size_t len = 0;
    if (!CHECK(pairs != NULL))
        return VV_STR("");
    for (size_t i = 0; i < metadata.configuration.len; i++)
        if (!vv_str_starts(metadata.configuration.items[i].name,
                VV_STR(VV_PROPERTY_CONSTRAINT)))
            pairs[len++] = metadata.configuration.items[i];
    CHECK(len < metadata.configuration.len);
    metadata.configuration = (struct vv_pairs){pairs, len};
    vv_action_write_metadata(&metadata, &line);
    return vv_arena_str(&fixture->op.arena, vv_buf_str(&line));
}

TEST(upsert, keeps_no_row_in_quarantine_that_a_winner_has_made_good)
{
    struct table_fixture fixture;
    struct vv_objects kept = {0};
    struct vv_upsert_result result = {0};
    struct vv_input input;
    const struct vv_upsert_options options = {
        .batch = {.dedupe = true, .reject_rows = true}, .quarantine = true};
    REQUIRE(start(&fixture, NULL, false));
    struct rival rival = {.fixture = &fixture, .lines = freed(&fixture).ptr, .times = 1};
    fixture.plan = (struct vv_fault_plan){.before = before_call, .before_data = &rival};
    (void)table_input(VV_INPUT_NDJSON, "ours",
        VV_STR("{\"k\":0,\"o\":6,\"v\":\"z\"}\n{\"k\":3,\"o\":6,\"v\":\"d\"}\n"), &input);
    CHECK_OK(&fixture.op, vv_upsert(&fixture.op, fixture.table, &input, 1, &options, &result));
    fixture.plan.before = NULL;
    CHECK_INT(rival.times, 0);
    CHECK_INT(result.inserted, 2);
    CHECK_INT(result.rejected, 0);
    CHECK_STR(rows_of(&fixture), "0/6/z 1/5/a 2/5/b 3/6/d");
    CHECK_OK(&fixture.op, vv_store_list(&fixture.op, fixture.table->store, &fixture.op.arena,
                              VV_STR("_varve/quarantine"), VV_STR_NONE, 0, &kept));
    CHECK_INT(kept.len, 0);
    table_fixture_close(&fixture);
}

TEST(upsert, gives_up_when_others_win_every_attempt)
{
    struct table_fixture fixture;
    struct vv_upsert_result result = {0};
    REQUIRE(start(&fixture, NULL, false));
    struct rival rival = {.fixture = &fixture,
        .lines = "{\"txn\":{\"appId\":\"other\",\"version\":1}}\n",
        .times = 4};
    fixture.plan = (struct vv_fault_plan){.before = before_call, .before_data = &rival};
    CHECK_FAILS(&fixture.op,
        upsert(&fixture.op, fixture.table, "ours", BATCH, VV_STR("app"), 1, &result),
        VARVE_ECONFLICT);
    fixture.plan.before = NULL;
    CHECK_INT(rival.times, 0);
    CHECK_STR(rows_of(&fixture), OLD_ROWS);
    CHECK_INT(data_files(&fixture), 1);
    table_fixture_close(&fixture);
}
