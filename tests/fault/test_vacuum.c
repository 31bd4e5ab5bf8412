/*
 * A vacuum that is cancelled before each call of the store, and one whose calls fail: no row goes,
 * and one that was announced is announced as ended, since tags and holds wait for that.
 */
#include "../unit/table/table_fixture.h"
#include "base/time.h"
#include "delta/log.h"
#include "fault/step.h"
#include "table/maintain/vacuum.h"

#define ROWS "1/4 2/x"

static const struct table_words words = {.schema = "k bigint not null, v string", .key = "k"};

static bool put(struct table_fixture *fixture, int64_t key, const char *value)
{
    struct vv_upsert_result result;
    char row[64];
    (void)snprintf(row, sizeof(row), "{\"k\":%" PRId64 ",\"v\":\"%s\"}\n", key, value);
    return table_upsert(fixture, row, &result) && CHECK_INT(result.rows_written, 1);
}

/* Files of older versions of a row, which a vacuum takes. */
static bool begin(struct table_fixture *fixture, struct vv_engine *engine)
{
    static unsigned lakes;
    const struct vv_store_options options = {.create = true};
    struct vv_store *plain = NULL;
    char name[32];
    (void)snprintf(name, sizeof(name), "lake%u", ++lakes);
    if (!table_fixture_begin(fixture, engine) ||
        !CHECK_OK(&fixture->op,
            vv_store_open(&fixture->op, vv_str_of(test_path(name)), &options, &plain)) ||
        !table_fixture_make(fixture, &words, plain) || !put(fixture, 2, "x") ||
        !put(fixture, 1, "1") || !put(fixture, 1, "2") || !put(fixture, 1, "3") ||
        !put(fixture, 1, "4"))
        return false;
    /* The folder's files are as old as the system's clock says. */
    atomic_store(&fixture->clock.now_us, vv_now_us(&(struct vv_op){.env = vv_env_system()}));
    test_clock_add(&fixture->clock, VV_US_PER_DAY);
    return true;
}

static varve_status vacuum(struct vv_op *op, struct vv_table *table,
    struct vv_vacuum_result *out)
{
    const struct vv_vacuum_request request = {
        .retain = VV_STR("0 seconds"), .removes = true, .is_unsafe = true};
    return vv_vacuum(op, table, &request, out, NULL);
}

static struct vv_str rows_of(struct table_fixture *fixture)
{
    return table_text(fixture, "SELECT string_agg(concat(k, '/', v), ' ' ORDER BY k) FROM ", 0);
}

/* Vacuums that began, less those that ended. */
static int64_t open_vacuums(struct table_fixture *fixture)
{
    struct vv_history_entry *entries = NULL;
    size_t len = 0;
    int64_t open = 0;
    if (!CHECK_OK(&fixture->op, vv_log_history_there(&fixture->op, &fixture->table->log,
                                    VV_NO_VERSION, 100, &fixture->op.arena, &entries, &len)))
        return -1;
    for (size_t i = 0; i < len; i++) {
        struct vv_str operation = entries[i].info->operation;
        open += vv_str_eq(operation, VV_STR("VACUUM START"));
        open -= vv_str_eq(operation, VV_STR("VACUUM END"));
    }
    return open;
}

struct canceller {
    struct table_fixture *fixture;
    uint64_t nth, calls;
};

static void cancel_at(void *data, const char *call, struct vv_str key)
{
    struct canceller *canceller = data;
    (void)call;
    (void)key;
    if (++canceller->calls == canceller->nth)
        atomic_store(&canceller->fixture->clock.cancel, true);
}

static struct vv_engine *engine_of(struct vv_op *op)
{
    const struct vv_engine_options options = {.threads = 1};
    struct vv_engine *engine = NULL;
    CHECK_OK(op, vv_engine_open(op, &options, &engine));
    return engine;
}

static varve_status try(struct table_fixture *fixture)
{
    VV_CLEANUP(vv_op_done) struct vv_op op;
    struct vv_vacuum_result result;
    vv_op_init(&op, &fixture->clock.env, VV_OP_BYTES_DEFAULT);
    varve_status status = vacuum(&op, fixture->table, &result);
    atomic_store(&fixture->clock.cancel, false);
    fixture->plan = (struct vv_fault_plan){0};
    CHECK_INT(op.failed, status != VARVE_OK);
    if (op.failed) {
        printf("# %s\n", op.error.message);
        vv_forgive(&op);
    }
    return status;
}

static void check_after(struct table_fixture *fixture)
{
    struct vv_vacuum_result result;
    CHECK_STR(rows_of(fixture), ROWS);
    CHECK_OK(&fixture->op, vacuum(&fixture->op, fixture->table, &result));
    CHECK_STR(rows_of(fixture), ROWS);
    CHECK_INT(open_vacuums(fixture) > 1, 0);
}

TEST_SECONDS(vacuum, that_is_cancelled_anywhere_is_over, 300)
{
    VV_CLEANUP(vv_op_done) struct vv_op own;
    vv_op_init(&own, NULL, VV_OP_BYTES_DEFAULT);
    struct vv_engine *engine = engine_of(&own);
    unsigned cancelled = 0;
    unsigned announced = 0;
    varve_status status = VARVE_EINTERRUPTED;
    for (uint64_t nth = 1; status != VARVE_OK && nth < 500; nth += STEP(nth)) {
        VV_CLEANUP(table_fixture_close) struct table_fixture fixture;
        REQUIRE(engine != NULL && begin(&fixture, engine));
        struct canceller canceller = {&fixture, nth, 0};
        fixture.plan = (struct vv_fault_plan){.before = cancel_at, .before_data = &canceller};
        int64_t before = fixture.table->snapshot->version;
        status = try(&fixture);
        CHECK(status == VARVE_OK || status == VARVE_EINTERRUPTED);
        CHECK_INT(open_vacuums(&fixture), 0);
        CHECK_STR(rows_of(&fixture), ROWS);
        cancelled += status != VARVE_OK;
        announced += status != VARVE_OK && fixture.table->snapshot->version > before + 1;
        check_after(&fixture);
    }
    printf("# %u cancelled, %u of them after they were announced\n", cancelled, announced);
    CHECK(announced > 3);
    vv_engine_close(&engine);
}

TEST_SECONDS(vacuum, that_fails_anywhere_keeps_all_rows, 300)
{
    VV_CLEANUP(vv_op_done) struct vv_op own;
    vv_op_init(&own, NULL, VV_OP_BYTES_DEFAULT);
    struct vv_engine *engine = engine_of(&own);
    unsigned failed = 0;
    bool is_reached = true;
    for (uint64_t nth = 1; is_reached && nth < 500; nth += STEP(nth)) {
        VV_CLEANUP(table_fixture_close) struct table_fixture fixture;
        REQUIRE(engine != NULL && begin(&fixture, engine));
        fixture.plan = (struct vv_fault_plan){.kind = VV_FAULT_REFUSE, .at = nth};
        VV_CLEANUP(vv_op_done) struct vv_op op;
        struct vv_vacuum_result result;
        vv_op_init(&op, &fixture.clock.env, VV_OP_BYTES_DEFAULT);
        varve_status status = vacuum(&op, fixture.table, &result);
        is_reached = fixture.plan.calls >= nth;
        fixture.plan = (struct vv_fault_plan){0};
        if (status != VARVE_OK)
            vv_forgive(&op);
        CHECK(status == VARVE_OK || status == VARVE_EIO);
        failed += status != VARVE_OK;
        check_after(&fixture);
    }
    CHECK(failed > 5);
    vv_engine_close(&engine);
}
