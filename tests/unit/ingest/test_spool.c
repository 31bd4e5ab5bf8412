/* The spool as its users see it: append, wait, seal, read, remove, open again. */
#include "spool_fixture.h"

TEST(spool, gives_back_what_was_put_into_it)
{
    VV_CLEANUP(spool_fixture_done) struct spool_fixture f;
    spool_fixture_init(&f);
    REQUIRE(spool_open(&f, "spool"));
    CHECK(vv_str_starts(vv_spool_app_id(f.spool), VV_STR("varve-spool:")));
    CHECK_INT(vv_spool_app_id(f.spool).len, strlen("varve-spool:") + 32);
    REQUIRE(put_rows(&f, "signals", 1, 100));
    uint64_t number = 0;
    REQUIRE_OK(&f.op, vv_spool_seal(&f.op, f.spool, &number));
    CHECK_INT(number, 1);
    struct rows_seen seen = see_sealed(&f);
    CHECK_INT(seen.rows, 100);
    CHECK(seen.in_order);
    CHECK_OK(&f.op, vv_spool_remove(&f.op, f.spool, number));
    CHECK_INT(see_sealed(&f).rows, 0);
    REQUIRE_OK(&f.op, vv_spool_seal(&f.op, f.spool, &number));
    CHECK_INT(number, 0);
}

TEST(spool, goes_on_where_it_was_after_a_close)
{
    VV_CLEANUP(spool_fixture_done) struct spool_fixture f;
    spool_fixture_init(&f);
    REQUIRE(spool_open(&f, "spool"));
    REQUIRE(put_rows(&f, "a", 1, 5000));
    REQUIRE(spool_close(&f));
    REQUIRE(spool_open(&f, "spool"));
    CHECK_INT(f.recovery.rows, 5000);
    CHECK_INT(f.recovery.bytes_cut, 0);
    REQUIRE(put_rows(&f, "b", 5001, 10));
    uint64_t number = 0;
    REQUIRE_OK(&f.op, vv_spool_seal(&f.op, f.spool, &number));
    struct rows_seen seen = see_sealed(&f);
    CHECK_INT(seen.rows, 5010);
    CHECK_INT(seen.last, 5010);
    CHECK(seen.in_order);
}

TEST(spool, durable_means_synced)
{
    VV_CLEANUP(spool_fixture_done) struct spool_fixture f;
    spool_fixture_init(&f);
    f.options.sync_interval_us = -1;
    REQUIRE(spool_open(&f, "spool"));
    REQUIRE(put_rows(&f, "a", 1, 10));
    struct vv_spool_stats stats;
    vv_spool_stats(f.spool, &stats);
    CHECK_INT(stats.sequence_accepted, 10);
    CHECK_INT(stats.sequence_durable, 0);
    CHECK_OK(&f.op, vv_spool_wait_durable(&f.op, f.spool, 10));
    vv_spool_stats(f.spool, &stats);
    CHECK_INT(stats.sequence_durable, 10);
    CHECK_INT(stats.rows, 10);
    CHECK_INT(stats.open_rows, 10);
}

TEST(spool, full_refuses_and_takes_again_once_a_segment_is_gone)
{
    VV_CLEANUP(spool_fixture_done) struct spool_fixture f;
    spool_fixture_init(&f);
    f.options.bytes_max = 1 << 17;
    f.options.segment_bytes = 1 << 15;
    REQUIRE(spool_open(&f, "spool"));
    uint64_t rows = 0;
    while (try_put(&f, "a", rows + 1) > 0)
        rows++;
    CHECK_INT(f.op.error.code, VARVE_ELIMIT);
    CHECK_INT(f.op.error.retryable, 1);
    vv_forgive(&f.op);
    CHECK(rows > 1000);
    CHECK(!vv_spool_wait_room(&f.op, f.spool, 1000));
    uint64_t number = 0;
    REQUIRE_OK(&f.op, vv_spool_seal(&f.op, f.spool, &number));
    CHECK_INT(see_sealed(&f).rows, rows);
    CHECK_OK(&f.op, vv_spool_remove(&f.op, f.spool, 1));
    CHECK(vv_spool_wait_room(&f.op, f.spool, 0));
    CHECK(put_rows(&f, "a", rows + 1, 100));
}

TEST(spool, what_is_open_can_be_read)
{
    VV_CLEANUP(spool_fixture_done) struct spool_fixture f;
    spool_fixture_init(&f);
    REQUIRE(spool_open(&f, "spool"));
    REQUIRE(put_rows(&f, "a", 1, 7));
    struct vv_spool_stats stats;
    vv_spool_stats(f.spool, &stats);
    struct rows_seen seen = {.in_order = true, .newest_arrival_us = INT64_MIN};
    REQUIRE(see_segment(&f, stats.open_number, &seen));
    CHECK_INT(seen.rows, 7);
    CHECK(seen.in_order);
}

TEST(spool, a_row_greater_than_a_segment_gets_its_own)
{
    VV_CLEANUP(spool_fixture_done) struct spool_fixture f;
    spool_fixture_init(&f);
    REQUIRE(spool_open(&f, "spool"));
    REQUIRE(put_rows(&f, "a", 1, 3));
    char *big = vv_new(&f.op.arena, char, 1 << 20);
    REQUIRE(big != NULL);
    memset(big, 'x', 1 << 20);
    struct vv_spool_record record = {.kind = VV_SPOOL_JSON, .payload = {big, 1 << 20}};
    REQUIRE_OK(&f.op, vv_spool_append(&f.op, f.spool, VV_STR("a"), VV_STR_NONE, &record));
    CHECK_INT(record.sequence, 4);
    record.payload.len = (size_t)1 << 30;
    CHECK_FAILS(&f.op, vv_spool_append(&f.op, f.spool, VV_STR("a"), VV_STR_NONE, &record),
        VARVE_EINVALID);
    REQUIRE(put_rows(&f, "a", 5, 3));
    struct vv_spool_stats stats;
    vv_spool_stats(f.spool, &stats);
    CHECK_INT(stats.rows, 7);
    CHECK_INT(stats.segments, 2);
}
