/*
 * A vacuum that has not ended is found, whenever it began and whatever came behind it.
 */
#include "base/time.h"
#include "table/maintain/vacuum.h"
#include "table_fixture.h"

#define NOW_MS (NOW_US / VV_US_PER_MS)

static const struct table_words words = {.schema = "k bigint not null", .key = "k"};

static bool put_text(struct table_fixture *fixture, int64_t version, int64_t modified_us,
    struct vv_str text)
{
    enum vv_put_outcome outcome = VV_PUT_EXISTS;
    struct vv_op *op = &fixture->op;
    return CHECK_OK(op,
               vv_store_put_if_absent(op, fixture->table->store,
                   vv_log_commit_key(&op->arena, version), text, modified_us, &outcome)) &&
           CHECK_INT(outcome, VV_PUT_CREATED);
}

/* A commit of other software, by both of its clocks of that time. */
static bool put(struct table_fixture *fixture, int64_t version, int64_t time_ms,
    const char *operation, const char *parameters)
{
    struct vv_str text = vv_arena_format(&fixture->op.arena,
        "{\"commitInfo\":{\"timestamp\":%" PRId64 ",\"operation\":\"%s\",\"engineInfo\":"
        "\"other/1\",\"operationParameters\":{%s}}}\n",
        time_ms, operation, parameters);
    return put_text(fixture, version, time_ms * VV_US_PER_MS, text);
}

/* The version that announced it; VV_NO_VERSION: none is under way, -2: it can't be told. */
static int64_t found(struct table_fixture *fixture, int64_t *out_until_ms)
{
    const struct vv_history_entry *start = NULL;
    if (!CHECK_OK(&fixture->op, vv_vacuum_under_way(&fixture->op, fixture->table, &start)))
        return -2;
    if (start != NULL && out_until_ms != NULL)
        *out_until_ms = vv_vacuum_until_ms(start);
    return start != NULL ? start->version : VV_NO_VERSION;
}

TEST(vacuum_under_way, that_began_since_the_table_was_opened_is_found)
{
    VV_CLEANUP(table_fixture_close) struct table_fixture fixture;
    int64_t until_ms = 0;
    REQUIRE(table_fixture_open(&fixture, NULL, &words));
    CHECK_INT(found(&fixture, NULL), VV_NO_VERSION);
    REQUIRE(put(&fixture, 1, NOW_MS, "VACUUM START", "\"defaultRetentionMillis\":5"));
    CHECK_INT(fixture.table->snapshot->version, 0);
    CHECK_INT(found(&fixture, &until_ms), 1);
    CHECK_INT(until_ms, NOW_MS - 5);
    REQUIRE(put(&fixture, 2, NOW_MS, "VACUUM END", ""));
    CHECK_INT(found(&fixture, NULL), VV_NO_VERSION);
}

TEST(vacuum_under_way, of_a_retention_that_makes_no_sense_may_take_what_is_of_its_time)
{
    VV_CLEANUP(table_fixture_close) struct table_fixture fixture;
    int64_t until_ms = 0;
    REQUIRE(table_fixture_open(&fixture, NULL, &words));
    REQUIRE(put(&fixture, 1, NOW_MS, "VACUUM START",
        "\"specifiedRetentionMillis\":-9223372036854775808"));
    CHECK_INT(found(&fixture, &until_ms), 1);
    CHECK_INT(until_ms, NOW_MS);
    REQUIRE(put(&fixture, 2, NOW_MS, "VACUUM START",
        "\"specifiedRetentionMillis\":9223372036854775807"));
    CHECK_INT(found(&fixture, &until_ms), 2);
    CHECK_INT(until_ms, INT64_MIN);
}

TEST(vacuum_under_way, is_found_behind_any_number_of_commits_of_a_day)
{
    VV_CLEANUP(table_fixture_close) struct table_fixture fixture;
    REQUIRE(table_fixture_open(&fixture, NULL, &words));
    REQUIRE(put(&fixture, 1, NOW_MS, "VACUUM START", ""));
    for (int64_t version = 2; version < 1100; version++)
        REQUIRE(put(&fixture, version, NOW_MS, "WRITE", ""));
    CHECK_INT(found(&fixture, NULL), 1);
}

TEST(vacuum_under_way, of_more_than_a_day_ago_was_killed)
{
    VV_CLEANUP(table_fixture_close) struct table_fixture fixture;
    int64_t before_ms = NOW_MS - VV_US_PER_DAY / VV_US_PER_MS;
    REQUIRE(table_fixture_open(&fixture, NULL, &words));
    REQUIRE(put(&fixture, 1, before_ms - 2, "VACUUM START", ""));
    CHECK_INT(found(&fixture, NULL), VV_NO_VERSION);
    REQUIRE(put(&fixture, 2, before_ms + 2, "VACUUM START", ""));
    CHECK_INT(found(&fixture, NULL), 2);
    REQUIRE(put(&fixture, 3, 7, "WRITE", "")); /* a clock that is wrong, by both */
    CHECK_INT(found(&fixture, NULL), VV_NO_VERSION);
}

TEST(vacuum_under_way, one_clock_that_is_wrong_hides_none)
{
    VV_CLEANUP(table_fixture_close) struct table_fixture fixture;
    REQUIRE(table_fixture_open(&fixture, NULL, &words));
    REQUIRE(put(&fixture, 1, NOW_MS, "VACUUM START", ""));
    REQUIRE(table_foreign_commit(&fixture, "")); /* of 1970 by its own word */
    CHECK_INT(found(&fixture, NULL), 1);
    REQUIRE(put_text(&fixture, 3, 7,
        vv_arena_format(&fixture.op.arena,
            "{\"commitInfo\":{\"timestamp\":%" PRId64 ",\"operation\":\"WRITE\"}}\n", NOW_MS)));
    CHECK_INT(found(&fixture, NULL), 1);
}

TEST(vacuum_under_way, is_found_behind_damaged_and_missing_commits)
{
    VV_CLEANUP(table_fixture_close) struct table_fixture fixture;
    struct vv_op *op = &fixture.op;
    REQUIRE(table_fixture_open(&fixture, NULL, &words));
    REQUIRE(put(&fixture, 1, NOW_MS, "VACUUM START", ""));
    REQUIRE(put_text(&fixture, 3, NOW_US, VV_STR("{\"commitInfo\":{\"time")));
    REQUIRE(put(&fixture, 5, NOW_MS, "WRITE", ""));
    CHECK_INT(found(&fixture, NULL), 1);
    for (int64_t version = 3; version <= 5; version += 2)
        REQUIRE_OK(op,
            vv_store_remove(op, fixture.table->store, vv_log_commit_key(&op->arena, version)));
}

TEST(vacuum_under_way, is_looked_for_in_the_ledger_only_where_the_log_does_not_say)
{
    VV_CLEANUP(table_fixture_close) struct table_fixture fixture;
    struct vv_op *op = &fixture.op;
    const struct vv_history_entry *start = NULL;
    REQUIRE(table_fixture_open(&fixture, NULL, &words));
    struct vv_store *store = fixture.table->store;
    struct vv_str first = vv_log_commit_key(&op->arena, 0);
    struct vv_str bytes = VV_STR_NONE;
    REQUIRE_OK(op, vv_store_get(op, store, &op->arena, first, &bytes));
    REQUIRE(put(&fixture, 1, NOW_MS, "WRITE", ""));
    REQUIRE_OK(op, vv_store_remove(op, store, first));
    REQUIRE_OK(op, vv_store_put(op, store,
                       VV_STR("_varve/ledger/00000000000000000000-00000000000000000000.vl"),
                       VV_STR("{\"varveLedger\":99,\"commits\":[]}\n")));
    CHECK_FAILS(op, vv_vacuum_under_way(op, fixture.table, &start), VARVE_EUNSUPPORTED);
    REQUIRE(put(&fixture, 2, NOW_MS, "VACUUM END", ""));
    CHECK_INT(found(&fixture, NULL), VV_NO_VERSION);
    REQUIRE_OK(op, vv_store_put(op, store, first, bytes));
}
