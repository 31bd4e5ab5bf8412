/*
 * The batch writer over a store that fails: each call of it in turn, in each way that a call can.
 * However it fails, and whether the writer goes on or dies and is opened again, each row is there
 * exactly once in the end.
 */
#include "../unit/ingest/writer_fixture.h"
#include "fault/step.h"
#include "ingest/writer_state.h"

#define SCHEMA "k bigint not null, o bigint, v string"
#define KV "concat(k, '/', v)"

static bool begin(struct writer_fixture *fixture, struct vv_engine *engine)
{
    return writer_fixture_open(fixture, engine) &&
           make_table(fixture, "t", SCHEMA, "o", "k < 100") &&
           make_table(fixture, "u", SCHEMA, "o", NULL) && writer_open(fixture);
}

static bool put_first(struct writer_fixture *fixture)
{
    return put(fixture, "t", "{\"k\":1,\"v\":\"a\"}") && put_typed(fixture, "t", 2, "b") &&
           put(fixture, "u", "{\"k\":1,\"v\":\"a\"}") &&
           put(fixture, "t", "{\"k\":100,\"v\":\"bad\"}") && flush(fixture);
}

static bool put_second(struct writer_fixture *fixture)
{
    return put(fixture, "t", "{\"k\":2,\"v\":\"c\"}") && put_typed(fixture, "t", 3, "d") &&
           put(fixture, "u", "{\"k\":1,\"v\":\"e\"}") &&
           put(fixture, "t", "{\"k\":101,\"v\":\"bad\"}");
}

/* Exactly once: a commit a table and segment, whatever it took. */
static bool check_end(struct writer_fixture *fixture)
{
    VV_CLEANUP(vv_op_done) struct vv_op op;
    struct vv_table *table = NULL;
    struct ArrowArrayStream stream = {.release = NULL};
    vv_op_init(&op, NULL, VV_OP_BYTES_DEFAULT);
    fixture->plan.at = 0;
    bool is_fine = (int)CHECK_STR(table_text(fixture, "t", KV), "1/a 2/c 3/d") &
                   CHECK_STR(table_text(fixture, "u", KV), "1/e") &
                   CHECK_INT(table_version(fixture, "t"), 2) &
                   CHECK_INT(table_version(fixture, "u"), 2);
    if (CHECK_OK(&op, vv_lake_table(&op, &fixture->lake, VV_STR("t"), &table)) &&
        CHECK_OK(&op, vv_quarantine_show(&op, table, VV_STR_NONE, &stream)))
        is_fine = CHECK_STR(stream_text(fixture, &stream, "json_extract_string(values, '$.k')"),
                      "100 101") &
                  is_fine;
    vv_table_close(&table);
    return is_fine;
}

/* Up to the moment in which the process dies. */
static void run_until_failure(struct writer_fixture *fixture)
{
    int64_t wait_us = 0;
    CHECK_FAILS(&fixture->op, vv_writer_flush(&fixture->op, fixture->writer, 0), VARVE_ELIMIT);
    while (fixture->retries == 0 && vv_writer_step(&fixture->op, fixture->writer, &wait_us))
        continue;
}

/* Whether the call number `at` was reached at all. */
static bool try_one(struct vv_engine *engine, enum vv_fault_kind kind, uint64_t at, bool dies)
{
    VV_CLEANUP(writer_fixture_done) struct writer_fixture fixture;
    if (!begin(&fixture, engine) || !put_first(&fixture) || !put_second(&fixture))
        return false;
    fixture.plan.kind = kind;
    fixture.plan.calls = 0;
    fixture.plan.at = at;
    if (dies)
        run_until_failure(&fixture);
    else
        (void)flush(&fixture);
    bool was_reached = fixture.plan.calls >= at;
    if (dies) {
        fixture.plan.at = 0;
        if (!writer_restart(&fixture) || !flush(&fixture))
            return false;
    }
    struct vv_writer_stats stats;
    vv_writer_stats(fixture.writer, &stats);
    if (!((int)check_end(&fixture) & CHECK_INT(stats.rows_waiting, 0))) {
        CHECK_STR(dies ? "opened anew" : "tried again", "is exactly once");
        CHECK_INT(at, 0);
        CHECK_INT(kind, -1);
    }
    return was_reached;
}

#define EVERY_CALL(name, kind, dies)                                          \
    TEST_SECONDS(writer_faults, name, 120)                                    \
    {                                                                         \
        VV_CLEANUP(vv_engine_close) struct vv_engine *engine = test_engine(); \
        uint64_t at = 1;                                                      \
        while (try_one(engine, (kind), at, (dies)))                           \
            at += STEP(at);                                                   \
        CHECK(at > 20); /* there was work to do */                            \
    }

EVERY_CALL(a_refused_call_is_tried_again, VV_FAULT_REFUSE, false)
EVERY_CALL(a_lost_reply_is_looked_into, VV_FAULT_LOSE_REPLY, false)
EVERY_CALL(a_call_in_doubt_is_tried_again, VV_FAULT_IN_DOUBT, false)
EVERY_CALL(after_a_refused_call_another_writer_goes_on, VV_FAULT_REFUSE, true)
EVERY_CALL(after_a_lost_reply_another_writer_goes_on, VV_FAULT_LOSE_REPLY, true)

/* The store is away for a while, and comes back. */
TEST(writer_faults, an_outage_is_sat_out)
{
    VV_CLEANUP(writer_fixture_done) struct writer_fixture fixture;
    REQUIRE(begin(&fixture, NULL) && put_first(&fixture) && put_second(&fixture));
    fixture.plan.calls = 0;
    fixture.plan.at = 1;
    fixture.plan.count = 40;
    REQUIRE(flush(&fixture));
    CHECK(fixture.retries > 5);
    CHECK(check_end(&fixture));
}
