/*
 * The batch writer step by step: which rows become what, in which order, and what is tried again.
 */
#include "ingest/writer_state.h"
#include "writer_fixture.h"

#define KV "concat(k, '/', v)"
#define KOV "concat(k, '/', o, '/', v)"
#define PLAIN "k bigint not null, v string"
#define ORDERED "k bigint not null, o bigint, v string"

#define FIXTURE(name)                                           \
    VV_CLEANUP(writer_fixture_done) struct writer_fixture name; \
    REQUIRE(writer_fixture_open(&(name), NULL))

TEST(writer, the_last_row_of_a_key_wins_whatever_its_kind)
{
    FIXTURE(fixture);
    REQUIRE(make_table(&fixture, "t", PLAIN, NULL, NULL) && writer_open(&fixture));
    /* More turns than there may be inputs: all of them become text. */
    for (int64_t i = 0; i < 40; i++) {
        char json[64];
        snprintf(json, sizeof(json), "{\"k\":%d,\"v\":\"json%d\"}", (int)(i % 3), (int)i);
        REQUIRE(put_typed(&fixture, "t", i % 2, i % 2 == 0 ? "typed" : "typed, too"));
        REQUIRE(put(&fixture, "t", json));
        if (i % 20 == 3)
            REQUIRE(flush(&fixture));
    }
    REQUIRE(put_typed(&fixture, "t", 1, "last"));
    REQUIRE(flush(&fixture));
    CHECK_STR(table_text(&fixture, "t", KV), "0/json39 1/last 2/json38");
    CHECK_INT(fixture.commits, 3);
    CHECK_INT(fixture.retries, 0);
}

TEST(writer, a_row_without_an_order_value_has_the_time_of_its_put)
{
    FIXTURE(fixture);
    REQUIRE(make_table(&fixture, "t", ORDERED, "o", NULL) && writer_open(&fixture));
    REQUIRE(put(&fixture, "t", "{\"k\":1,\"v\":\"a\"}") &&
            put(&fixture, "t", "{\"k\":2,\"v\":\"a\",\"o\":null}") &&
            put(&fixture, "t", "{\"k\":3,\"v\":\"a\",\"O\":7}") &&
            put_typed(&fixture, "t", 4, "a"));
    test_clock_add(&fixture.clock, 3600 * INT64_C(1000000));
    REQUIRE(flush(&fixture));
    CHECK_STR(table_text(&fixture, "t", "concat(k, '/', o - 1738231200000000, '/', v)"),
        "1/0/a 2/1/a 3/-1738231199999993/a 4/2/a");
}

/* An order column of small integers takes no times: as for any other writer, rows must bring one. */
TEST(writer, a_small_order_column_is_not_stamped)
{
    FIXTURE(fixture);
    REQUIRE(make_table(&fixture, "t", "k bigint not null, o int, v string", "o", NULL) &&
            writer_open(&fixture));
    REQUIRE(put(&fixture, "t", "{\"k\":1,\"v\":\"a\",\"o\":3}") &&
            put(&fixture, "t", "{\"k\":1,\"v\":\"b\",\"o\":2}"));
    REQUIRE(flush(&fixture));
    CHECK_STR(table_text(&fixture, "t", KOV), "1/3/a");
    struct vv_writer_stats stats;
    vv_writer_stats(fixture.writer, &stats);
    CHECK_INT(stats.counts.duplicates_in_batch, 1);
}

/* The commit has landed, and a call after it fails. */
static bool die_after_commit(struct writer_fixture *fixture, struct vv_engine *engine,
    uint64_t at)
{
    int64_t wait_us = 0;
    char spool[32];
    snprintf(spool, sizeof(spool), "spool%d", (int)at);
    if (!writer_fixture_open(fixture, engine))
        return false;
    fixture->options.spool = vv_str_of(test_path(spool));
    if (!make_table(fixture, "t", PLAIN, NULL, NULL) || !writer_open(fixture) ||
        !put(fixture, "t", "{\"k\":1,\"v\":\"a\"}"))
        return false;
    fixture->plan.calls = 0;
    fixture->plan.at = at;
    CHECK_FAILS(&fixture->op, vv_writer_flush(&fixture->op, fixture->writer, 0), VARVE_ELIMIT);
    while (fixture->retries == 0 && vv_writer_step(&fixture->op, fixture->writer, &wait_us))
        continue;
    fixture->plan.at = 0;
    return fixture->retries > 0 && table_version(fixture, "t") == 1;
}

/* Not even where somebody has changed the row since: the txn says that it was there before. */
TEST(writer, what_was_committed_is_not_committed_again)
{
    VV_CLEANUP(vv_engine_close) struct vv_engine *engine = test_engine();
    bool has_died = false;
    for (uint64_t at = 1; at < 100 && !has_died; at++) {
        VV_CLEANUP(writer_fixture_done) struct writer_fixture fixture;
        has_died = die_after_commit(&fixture, engine, at);
        if (!has_died)
            continue;
        REQUIRE(upsert_directly(&fixture, "t", "{\"k\":1,\"v\":\"rival\"}\n"));
        REQUIRE(writer_restart(&fixture));
        REQUIRE(flush(&fixture));
        CHECK_STR(table_text(&fixture, "t", KV), "1/rival");
        CHECK_INT(table_version(&fixture, "t"), 2);
        CHECK_INT(fixture.commits, 1);
    }
    CHECK(has_died);
}

TEST(writer, rows_that_break_a_rule_go_to_the_quarantine)
{
    FIXTURE(fixture);
    REQUIRE(make_table(&fixture, "t", PLAIN, NULL, "k > 0") && writer_open(&fixture));
    REQUIRE(put(&fixture, "t", "{\"k\":1,\"v\":\"a\"}") &&
            put(&fixture, "t", "{\"k\":-1,\"v\":\"b\"}") && put_typed(&fixture, "t", 2, "c") &&
            put_typed(&fixture, "t", -2, "d") &&
            put(&fixture, "t", "{\"k\":3,\"v\":\"e\",\"w\":0}"));
    REQUIRE(flush(&fixture));
    CHECK_STR(table_text(&fixture, "t", KV), "1/a 2/c");
    CHECK_STR(vv_buf_str(&fixture.told),
        "quarantine t 2 {\"k\":\"-1\",\"v\":\"b\"}: k = -1 breaks rule (k > 0)\n"
        "quarantine t 4 {\"k\":\"-2\",\"v\":\"d\"}: k = -2 breaks rule (k > 0)\n"
        "quarantine t 5 {\"k\":\"3\",\"v\":\"e\",\"w\":\"0\"}: w = 0 is in no column of the "
        "table\ncommit t to 5\n");
    struct vv_writer_stats stats;
    vv_writer_stats(fixture.writer, &stats);
    CHECK_INT(stats.counts.quarantined, 3);
    CHECK_INT(stats.counts.inserted, 2);
}

/* In the quarantine a row has the order value of its put, so that a release makes it no younger. */
TEST(writer, a_row_in_quarantine_keeps_the_time_of_its_put)
{
    FIXTURE(fixture);
    REQUIRE(make_table(&fixture, "t", ORDERED, "o", "k > 0") && writer_open(&fixture));
    REQUIRE(put(&fixture, "t", "{\"k\":-1,\"v\":\"b\"}") && put_typed(&fixture, "t", -2, "d"));
    test_clock_add(&fixture.clock, 1000000);
    REQUIRE(flush(&fixture));
    CHECK_STR(vv_buf_str(&fixture.told),
        "quarantine t 1 {\"k\":\"-1\",\"v\":\"b\",\"o\":\"1738231200000000\"}: k = -1 breaks "
        "rule (k > 0)\n"
        "quarantine t 2 {\"k\":\"-2\",\"o\":\"1738231200000001\",\"v\":\"d\"}: k = -2 breaks "
        "rule (k > 0)\ncommit t to 2\n");
}

TEST(writer, a_table_that_is_gone_is_waited_for_and_the_others_go_on)
{
    FIXTURE(fixture);
    REQUIRE(make_table(&fixture, "t", PLAIN, NULL, NULL) &&
            make_table(&fixture, "u", PLAIN, NULL, NULL) && writer_open(&fixture));
    REQUIRE(put(&fixture, "t", "{\"k\":1,\"v\":\"a\"}") &&
            put(&fixture, "u", "{\"k\":1,\"v\":\"a\"}"));
    REQUIRE(drop_table(&fixture, "t"));
    CHECK_FAILS(&fixture.op, vv_writer_flush(&fixture.op, fixture.writer, 200000),
        VARVE_ELIMIT);
    CHECK_STR(table_text(&fixture, "u", KV), "1/a");
    CHECK(fixture.retries > 0);
    REQUIRE(put(&fixture, "u", "{\"k\":2,\"v\":\"b\"}"));
    CHECK_FAILS(&fixture.op, vv_writer_flush(&fixture.op, fixture.writer, 0), VARVE_ELIMIT);
    CHECK_FAILS(&fixture.op, vv_writer_flush(&fixture.op, fixture.writer, 1000), VARVE_ELIMIT);
    CHECK_STR(table_text(&fixture, "u", KV), "1/a 2/b");
    struct vv_writer_stats stats;
    vv_writer_stats(fixture.writer, &stats);
    CHECK_INT(stats.sequence_committed, 0);
    CHECK_INT(stats.rows_waiting, 2); /* a segment stays whole until all its tables are done */
    REQUIRE(make_table(&fixture, "t", PLAIN, NULL, NULL));
    REQUIRE(flush(&fixture));
    CHECK_STR(table_text(&fixture, "t", KV), "1/a");
    vv_writer_stats(fixture.writer, &stats);
    CHECK_INT(stats.sequence_committed, 3);
    CHECK_INT(stats.rows_waiting, 0);
}

/* Another table under the old name has another log: its versions are none of ours. */
TEST(writer, a_table_made_anew_is_opened_anew)
{
    FIXTURE(fixture);
    REQUIRE(make_table(&fixture, "t", PLAIN, NULL, NULL) && writer_open(&fixture));
    for (int i = 0; i < 3; i++)
        REQUIRE(put(&fixture, "t", "{\"k\":1,\"v\":\"a\"}") &&
                put_typed(&fixture, "t", 2 + i, "b") && flush(&fixture));
    CHECK_INT(table_version(&fixture, "t"), 3);
    for (int versions = 1; versions <= 5; versions += 4) {
        REQUIRE(drop_table(&fixture, "t"));
        REQUIRE(make_table(&fixture, "t", "k bigint not null, w string, v string", NULL,
            "v <> 'b'"));
        for (int i = 1; i < versions; i++) {
            REQUIRE(upsert_directly(&fixture, "t", "{\"k\":5,\"v\":\"x\"}\n") &&
                    upsert_directly(&fixture, "t", "{\"k\":5,\"v\":\"y\"}\n"));
        }
        int64_t version = table_version(&fixture, "t");
        fixture.quarantined = 0;
        REQUIRE(put(&fixture, "t", "{\"k\":5,\"v\":\"c\",\"w\":\"d\"}") &&
                put_typed(&fixture, "t", 6, "b") && put_typed(&fixture, "t", 7, "c"));
        REQUIRE(flush(&fixture));
        CHECK_INT(table_version(&fixture, "t"), version + 1);
        CHECK_STR(table_text(&fixture, "t", "concat(k, '/', v, '/', w)"), "5/c/d 7/c/");
        CHECK_INT(fixture.quarantined, 1);
    }
}

/* A column that typed rows have is gone, or takes no such values: that is the matter of each row. */
TEST(writer, typed_rows_that_fit_no_more_go_to_the_quarantine)
{
    FIXTURE(fixture);
    REQUIRE(make_table(&fixture, "t", PLAIN, NULL, NULL) &&
            make_table(&fixture, "u", PLAIN, NULL, NULL) && writer_open(&fixture));
    REQUIRE(put_typed(&fixture, "t", 1, "a") && put(&fixture, "t", "{\"k\":2}") &&
            put_typed(&fixture, "u", 1, "7") && put_typed(&fixture, "u", 2, "seven"));
    REQUIRE(drop_table(&fixture, "t") && drop_table(&fixture, "u"));
    REQUIRE(make_table(&fixture, "t", "k bigint not null", NULL, NULL) &&
            make_table(&fixture, "u", "k bigint not null, v array<int>", NULL, NULL));
    REQUIRE(flush(&fixture));
    CHECK_STR(table_text(&fixture, "t", "concat(k)"), "2");
    CHECK_STR(table_text(&fixture, "u", "concat(k)"), "");
    CHECK_INT(fixture.quarantined, 3);
    CHECK_INT(fixture.retries, 0);
}

/* Where typed rows become text, since they come by turns with others: a text would be rounded. */
TEST(writer, an_integer_that_a_float_would_round_is_a_fault_of_its_row_as_text_too)
{
    FIXTURE(fixture);
    struct vv_table *table = NULL;
    struct vv_quarantine_release_result result;
    const struct vv_upsert_options options = {.batch = {.dedupe = true}};
    REQUIRE(make_table(&fixture, "t", "k double not null, v string", NULL, NULL) &&
            writer_open(&fixture));
    REQUIRE(put_typed(&fixture, "t", INT64_C(9007199254740993), "odd") &&
            put_typed(&fixture, "t", INT64_MAX, "max"));
    for (int64_t i = 0; i < 20; i++)
        REQUIRE(put(&fixture, "t", "{\"k\":1.5}") &&
                put_typed(&fixture, "t", INT64_C(9007199254740994), "even"));
    REQUIRE(flush(&fixture));
    CHECK_STR(table_text(&fixture, "t", KV), "1.5/ 9007199254740994.0/even");
    CHECK(strstr(vv_buf_str(&fixture.told).ptr,
              "quarantine t 1 {\"k\":\"9007199254740993\",\"v\":\"odd\"}: k = "
              "9007199254740993 does not fit type double\nquarantine t 2 ") != NULL);
    REQUIRE(CHECK_OK(&fixture.op,
        vv_lake_table(&fixture.op, &fixture.lake, VV_STR("t"), &table)));
    CHECK_OK(&fixture.op,
        vv_quarantine_release(&fixture.op, table, NULL, 0, &options, &result));
    CHECK_INT(result.upsert.rejected, 2);
    vv_table_close(&table);
    CHECK_STR(table_text(&fixture, "t", KV), "1.5/ 9007199254740994.0/even");
}

TEST(writer, a_failing_flush_waits_longer_each_time)
{
    FIXTURE(fixture);
    REQUIRE(make_table(&fixture, "t", PLAIN, NULL, NULL) && writer_open(&fixture));
    REQUIRE(put(&fixture, "t", "{\"k\":1,\"v\":\"a\"}"));
    REQUIRE(drop_table(&fixture, "t"));
    int64_t begun_us = fixture.clock.now_us;
    CHECK_FAILS(&fixture.op, vv_writer_flush(&fixture.op, fixture.writer, 600 * 1000000),
        VARVE_ELIMIT);
    CHECK(fixture.clock.now_us - begun_us >= 600 * INT64_C(1000000));
    CHECK(fixture.retry_us > 22500000 && fixture.retry_us <= 30000000);
    CHECK(fixture.retries > 20 && fixture.retries < 40);
    struct vv_writer_stats stats;
    vv_writer_stats(fixture.writer, &stats);
    CHECK_INT(stats.counts.retries, fixture.retries);
}

TEST(writer, what_a_flush_waits_for_is_in_its_error)
{
    FIXTURE(fixture);
    REQUIRE(make_table(&fixture, "t", PLAIN, NULL, NULL) && writer_open(&fixture));
    REQUIRE(put(&fixture, "t", "{\"k\":1,\"v\":\"a\"}"));
    REQUIRE(drop_table(&fixture, "t"));
    CHECK_INT(vv_writer_flush(&fixture.op, fixture.writer, 1000), VARVE_ELIMIT);
    CHECK(strstr(fixture.op.error.message,
              "the flush takes longer than it may; 1 row waits in the spool ") != NULL);
    CHECK(strstr(fixture.op.error.message, "; table t: no table t") != NULL);
    vv_forgive(&fixture.op);
}

TEST(writer, a_close_tries_once_and_keeps_the_rows)
{
    FIXTURE(fixture);
    REQUIRE(make_table(&fixture, "t", PLAIN, NULL, NULL) &&
            make_table(&fixture, "u", PLAIN, NULL, NULL) && writer_open(&fixture));
    REQUIRE(put(&fixture, "t", "{\"k\":1,\"v\":\"a\"}") &&
            put(&fixture, "u", "{\"k\":1,\"v\":\"a\"}"));
    REQUIRE(drop_table(&fixture, "t"));
    CHECK_FAILS(&fixture.op, vv_writer_close(&fixture.op, &fixture.writer), VARVE_ENOTFOUND);
    CHECK(fixture.writer == NULL);
    CHECK_INT(fixture.retries, 1);
    CHECK_STR(table_text(&fixture, "u", KV), "1/a");
    REQUIRE(make_table(&fixture, "t", PLAIN, NULL, NULL) && writer_open(&fixture));
    REQUIRE(CHECK_OK(&fixture.op, vv_writer_close(&fixture.op, &fixture.writer)));
    CHECK_STR(table_text(&fixture, "t", KV), "1/a");
    CHECK_INT(table_version(&fixture, "u"), 1);
}

TEST(writer, a_full_spool_refuses_or_flushes_itself)
{
    FIXTURE(fixture);
    char json[4200];
    snprintf(json, sizeof(json), "{\"k\":1,\"v\":\"%04000d\"}", 0);
    fixture.options.spool_bytes_max = 1 << 18;
    fixture.options.full_fails = true;
    REQUIRE(make_table(&fixture, "t", PLAIN, NULL, NULL) && writer_open(&fixture));
    varve_status status = VARVE_OK;
    int rows = 0;
    while (status == VARVE_OK && rows < 100) {
        status =
            vv_writer_put_json(&fixture.op, fixture.writer, VV_STR("t"), vv_str_of(json), NULL);
        rows += status == VARVE_OK;
    }
    CHECK_STATUS(&fixture.op, VARVE_ELIMIT);
    vv_forgive(&fixture.op);
    CHECK(rows > 10 && rows < 100);
    vv_writer_abandon(&fixture.writer);
    fixture.options.full_fails = false;
    REQUIRE(writer_open(&fixture));
    for (int i = 0; i < 100; i++)
        REQUIRE(put(&fixture, "t", json));
    REQUIRE(flush(&fixture));
    struct vv_writer_stats stats;
    vv_writer_stats(fixture.writer, &stats);
    CHECK_INT(stats.sequence_committed, (uint64_t)rows + 100);
    CHECK_INT(stats.counts.commits, fixture.commits);
    CHECK(fixture.commits > 2);
}

TEST(writer, a_row_larger_than_the_spool_can_hold_is_refused)
{
    FIXTURE(fixture);
    static char json[1 << 17];
    snprintf(json, sizeof(json), "{\"k\":1,\"v\":\"%0100000d\"}", 0);
    fixture.options.spool_bytes_max = 1 << 18;
    REQUIRE(make_table(&fixture, "t", PLAIN, NULL, NULL) && writer_open(&fixture));
    CHECK_FAILS(&fixture.op,
        vv_writer_put_json(&fixture.op, fixture.writer, VV_STR("t"), vv_str_of(json), NULL),
        VARVE_EINVALID);
}

TEST(writer, rows_and_bytes_and_time_seal)
{
    FIXTURE(fixture);
    fixture.options.interval_us = 60 * INT64_C(1000000);
    fixture.options.rows_max = 3;
    fixture.options.bytes_max = 400;
    REQUIRE(make_table(&fixture, "t", PLAIN, NULL, NULL) && writer_open(&fixture));
    struct vv_writer_stats stats;
    REQUIRE(put(&fixture, "t", "{\"k\":1}") && put(&fixture, "t", "{\"k\":2}"));
    int64_t wait_us = 0;
    CHECK(!vv_writer_step(&fixture.op, fixture.writer, &wait_us));
    REQUIRE(put(&fixture, "t", "{\"k\":3}"));
    CHECK(vv_writer_step(&fixture.op, fixture.writer, &wait_us)); /* seals */
    CHECK(vv_writer_step(&fixture.op, fixture.writer, &wait_us)); /* commits */
    CHECK(!vv_writer_step(&fixture.op, fixture.writer, &wait_us));
    CHECK_INT(fixture.commits, 1);
    char json[512];
    snprintf(json, sizeof(json), "{\"k\":1,\"v\":\"%0400d\"}", 0);
    REQUIRE(put(&fixture, "t", json));
    CHECK(vv_writer_step(&fixture.op, fixture.writer, &wait_us));
    CHECK(vv_writer_step(&fixture.op, fixture.writer, &wait_us));
    CHECK_INT(fixture.commits, 2);
    REQUIRE(put(&fixture, "t", "{\"k\":4}"));
    CHECK(!vv_writer_step(&fixture.op, fixture.writer, &wait_us));
    test_clock_add(&fixture.clock, 61 * INT64_C(1000000));
    CHECK(vv_writer_step(&fixture.op, fixture.writer, &wait_us));
    CHECK(vv_writer_step(&fixture.op, fixture.writer, &wait_us));
    CHECK_INT(fixture.commits, 3);
    vv_writer_stats(fixture.writer, &stats);
    CHECK_INT(stats.rows_waiting, 0);
}

/* A segment that is full lies behind the open one, sealed or not: its rows are committed when they are. */
TEST(writer, rows_of_a_full_segment_are_not_committed_before_they_are)
{
    FIXTURE(fixture);
    struct vv_writer_stats stats;
    char json[65536];
    fixture.options.bytes_max = 1;
    REQUIRE(make_table(&fixture, "t", PLAIN, NULL, NULL) && writer_open(&fixture));
    uint64_t put_len = 0;
    do {
        snprintf(json, sizeof(json), "{\"k\":%d,\"v\":\"%060000d\"}", (int)put_len, 0);
        REQUIRE(put(&fixture, "t", json));
        put_len++;
        vv_writer_stats(fixture.writer, &stats);
        CHECK_INT(stats.sequence_accepted, put_len);
        REQUIRE(CHECK_INT(stats.sequence_committed, 0));
    } while (stats.segments_waiting < 3);
    int64_t wait_us = 0;
    CHECK(vv_writer_step(&fixture.op, fixture.writer, &wait_us)); /* seals */
    vv_writer_stats(fixture.writer, &stats);
    CHECK_INT(stats.sequence_committed, 0);
    uint64_t before = 0;
    for (uint64_t commit = 1; commit <= 3; commit++) {
        CHECK(vv_writer_step(&fixture.op, fixture.writer, &wait_us));
        vv_writer_stats(fixture.writer, &stats);
        CHECK_INT(fixture.commits, commit);
        CHECK(stats.sequence_committed > before && stats.sequence_committed <= put_len);
        CHECK_INT(stats.sequence_committed == put_len, commit == 3);
        before = stats.sequence_committed;
    }
}

TEST(writer, metrics_are_an_object_with_all_tables)
{
    FIXTURE(fixture);
    VV_CLEANUP(vv_buf_done) struct vv_buf json = VV_BUF_INIT(VV_BUF_MAX);
    REQUIRE(make_table(&fixture, "t", PLAIN, NULL, NULL) && writer_open(&fixture));
    REQUIRE(put(&fixture, "t", "{\"k\":1}") && flush(&fixture) &&
            put(&fixture, "t", "{\"k\":2}"));
    REQUIRE_OK(&fixture.op, vv_writer_metrics(&fixture.op, fixture.writer, &json));
    struct vv_str text = vv_buf_str(&json);
    CHECK(strstr(text.ptr, "{\"time\":\"2025-01-30T10:00:00.000000Z\",\"spool\":\"") ==
          text.ptr);
    CHECK(strstr(text.ptr, "\"sequence_accepted\":2") != NULL);
    CHECK(strstr(text.ptr, "\"sequence_committed\":1") != NULL);
    CHECK(strstr(text.ptr, "\"rows_waiting\":1") != NULL);
    CHECK(strstr(text.ptr, "\"tables\":[{\"table\":\"t\",\"rows_put\":2,\"rows_sealed\":0,"
                           "\"sequence_committed\":1,\"version\":1,\"inserted\":1") != NULL);
}

TEST(writer, an_interrupt_ends_what_waits)
{
    FIXTURE(fixture);
    REQUIRE(make_table(&fixture, "t", PLAIN, NULL, NULL) && writer_open(&fixture));
    REQUIRE(put(&fixture, "t", "{\"k\":1,\"v\":\"a\"}"));
    vv_writer_interrupt(fixture.writer);
    CHECK_FAILS(&fixture.op, vv_writer_flush(&fixture.op, fixture.writer, -1),
        VARVE_EINTERRUPTED);
    CHECK_FAILS(&fixture.op, vv_writer_close(&fixture.op, &fixture.writer), VARVE_EINTERRUPTED);
    CHECK_INT(table_version(&fixture, "t"), 0);
    REQUIRE(writer_open(&fixture));
    REQUIRE(flush(&fixture));
    CHECK_STR(table_text(&fixture, "t", KV), "1/a");
}

/* A stream with a dictionary, sliced, would be refused by nobody; one with an unknown column waits
   for the quarantine, one without a key is refused before its first row. */
TEST(writer, a_stream_without_a_key_is_refused)
{
    FIXTURE(fixture);
    struct vv_writer_lane *lane = NULL;
    const struct vv_str schema = {"\1\1\0\0\0\1\0u\1\0\0\0v\0\0\0\0", 17};
    REQUIRE(make_table(&fixture, "t", PLAIN, NULL, NULL) && writer_open(&fixture));
    CHECK_INT(vv_writer_lane(&fixture.op, fixture.writer, VV_STR("t"), schema, &lane),
        VARVE_EINVALID);
    CHECK_STR(fixture.op.error.message,
        "column \"k\" is absent, and it is part of the key of table t");
    vv_forgive(&fixture.op);
}
