/*
 * A spool that does not speak for its id alone: what another state of it has committed must never
 * be taken for what is in this one.
 */
#include "spool_folder.h"
#include "ingest/spool_state.h"
#include "ingest/writer_state.h"
#include "writer_fixture.h"

#define KV "concat(k, '/', v)"
#define PLAIN "k bigint not null, v string"

#define FIXTURE(name)                                           \
    VV_CLEANUP(writer_fixture_done) struct writer_fixture name; \
    REQUIRE(writer_fixture_open(&(name), NULL))

static bool says(const struct writer_fixture *fixture, const char *part)
{
    return CHECK(strstr(fixture->op.error.message, part) != NULL);
}

/* Refused when it is opened again, by what is in its file; taken over, all its rows get there. */
static bool adopt(struct writer_fixture *fixture)
{
    struct vv_op *op = &fixture->op;
    vv_writer_abandon(&fixture->writer);
    varve_status status =
        vv_writer_open(op, &fixture->lake, &fixture->options, &fixture->writer);
    if (!CHECK_INT(status, VARVE_ECONFLICT) || !CHECK_INT(op->error.retryable, 0) ||
        !says(fixture, "--adopt"))
        return false;
    vv_forgive(op);
    fixture->options.adopt = true;
    return writer_open(fixture);
}

/* The folder again as it was earlier, as a file system that is rolled back has it. */
static bool roll_back(struct writer_fixture *fixture, const struct folder *earlier)
{
    vv_writer_abandon(&fixture->writer);
    return folder_restore(earlier) && writer_open(fixture);
}

TEST(writer_claim, a_spool_that_was_rolled_back_takes_no_row_until_it_is_adopted)
{
    FIXTURE(fixture);
    struct vv_op *op = &fixture.op;
    struct folder earlier;
    REQUIRE(make_table(&fixture, "t", PLAIN, NULL, NULL) && writer_open(&fixture));
    REQUIRE(put(&fixture, "t", "{\"k\":1,\"v\":\"a\"}") && flush(&fixture));
    vv_writer_abandon(&fixture.writer);
    REQUIRE(folder_read(&earlier, test_path("spool")) && writer_open(&fixture));
    REQUIRE(put(&fixture, "t", "{\"k\":2,\"v\":\"b\"}") && flush(&fixture));
    REQUIRE(roll_back(&fixture, &earlier));
    varve_status status =
        vv_writer_put_json(op, fixture.writer, VV_STR("t"), VV_STR("{\"k\":3}"), NULL);
    REQUIRE(CHECK_INT(status, VARVE_ECONFLICT));
    CHECK(says(&fixture, "table t has segment ") && says(&fixture, test_path("spool")) &&
          says(&fixture, "--adopt"));
    CHECK_STR(vv_str_of(op->error.table), "t");
    CHECK_INT(op->error.retryable, 0);
    vv_forgive(op);
    CHECK_FAILS(op, vv_writer_flush(op, fixture.writer, -1), VARVE_ECONFLICT);
    REQUIRE(adopt(&fixture));
    REQUIRE(put(&fixture, "t", "{\"k\":3,\"v\":\"c\"}") && flush(&fixture));
    CHECK_STR(table_text(&fixture, "t", KV), "1/a 2/b 3/c");
}

/* As what has the spool's id beside us commits it: between our put and our flush. */
static bool rival_commit(struct writer_fixture *fixture, int64_t segment, const char *lines)
{
    struct vv_op *op = &fixture->op;
    const char *path = test_path("rival.ndjson");
    const struct vv_input input = {
        .format = VV_INPUT_NDJSON, .path = vv_str_of(path), .fd = -1};
    const struct vv_upsert_options options = {.batch = {.dedupe = true},
        .app_id = vv_spool_app_id(fixture->writer->spool),
        .app_version = segment};
    struct vv_upsert_result result = {0};
    struct vv_table *table = NULL;
    bool is_done = test_file_write(path, vv_str_of(lines)) &&
                   CHECK_OK(op, vv_lake_table(op, &fixture->lake, VV_STR("t"), &table)) &&
                   CHECK_OK(op, vv_upsert(op, table, &input, 1, &options, &result)) &&
                   CHECK(!result.already_applied);
    vv_table_close(&table);
    return is_done;
}

TEST(writer_claim, a_segment_that_another_committed_under_our_id_is_kept)
{
    FIXTURE(fixture);
    struct vv_op *op = &fixture.op;
    struct vv_writer_stats stats;
    REQUIRE(make_table(&fixture, "t", PLAIN, NULL, NULL) &&
            make_table(&fixture, "u", PLAIN, NULL, NULL) && writer_open(&fixture));
    REQUIRE(put(&fixture, "t", "{\"k\":1,\"v\":\"ours\"}") &&
            put(&fixture, "u", "{\"k\":1,\"v\":\"ours\"}"));
    REQUIRE(rival_commit(&fixture, 1, "{\"k\":2,\"v\":\"theirs\"}\n"));
    varve_status status = vv_writer_flush(op, fixture.writer, -1);
    REQUIRE(CHECK_INT(status, VARVE_ECONFLICT));
    CHECK(says(&fixture, "table t has segment 1 "));
    vv_forgive(op);
    vv_writer_stats(fixture.writer, &stats);
    CHECK_INT(stats.rows_waiting, 2);
    CHECK_INT(stats.sequence_committed, 0);
    CHECK_STR(table_text(&fixture, "u", KV), "1/ours"); /* others are not held up */
    CHECK_FAILS(op,
        vv_writer_put_json(op, fixture.writer, VV_STR("u"), VV_STR("{\"k\":3}"), NULL),
        VARVE_ECONFLICT);
    REQUIRE(adopt(&fixture) && flush(&fixture));
    CHECK_STR(table_text(&fixture, "t", KV), "1/ours 2/theirs");
    CHECK_STR(table_text(&fixture, "u", KV), "1/ours");
}

/* The same later, when the table has taken segments of ours already. */
TEST(writer_claim, a_later_segment_that_another_committed_under_our_id_is_kept)
{
    FIXTURE(fixture);
    struct vv_op *op = &fixture.op;
    REQUIRE(make_table(&fixture, "t", PLAIN, NULL, NULL) && writer_open(&fixture));
    REQUIRE(put(&fixture, "t", "{\"k\":1,\"v\":\"ours\"}") && flush(&fixture));
    REQUIRE(put(&fixture, "t", "{\"k\":2,\"v\":\"ours\"}"));
    int64_t next = (int64_t)fixture.writer->spool->open->number;
    REQUIRE(CHECK(next > 1) && rival_commit(&fixture, next, "{\"k\":3,\"v\":\"theirs\"}\n"));
    varve_status status = vv_writer_flush(op, fixture.writer, -1);
    REQUIRE(CHECK_INT(status, VARVE_ECONFLICT));
    CHECK(says(&fixture, "it was not this one that did it"));
    vv_forgive(op);
    REQUIRE(adopt(&fixture) && flush(&fixture));
    CHECK_STR(table_text(&fixture, "t", KV), "1/ours 2/ours 3/theirs");
}

enum failed {
    FAILED_NEVER, /* there is no n-th call */
    FAILED_BEFORE,
    FAILED_LANDED
};

/* Puts a row; its flush fails at the n-th call to the store: before the commit, or after it. */
static bool fail_once(struct writer_fixture *fixture, struct vv_engine *engine, uint64_t at,
    enum failed *out)
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
    while (fixture->retries + fixture->commits == 0 &&
           vv_writer_step(&fixture->op, fixture->writer, &wait_us))
        continue;
    *out = fixture->plan.calls < at ? FAILED_NEVER : FAILED_BEFORE;
    fixture->plan.at = 0;
    if (fixture->retries > 0 && table_version(fixture, "t") == 1)
        *out = FAILED_LANDED;
    return true;
}

/* An attempt of ours that ended in an error after it had landed is no rival. */
TEST(writer_claim, what_an_attempt_of_ours_has_committed_is_ours)
{
    VV_CLEANUP(vv_engine_close) struct vv_engine *engine = test_engine();
    enum failed failed = FAILED_BEFORE;
    int landed = 0;
    for (uint64_t at = 1; failed != FAILED_NEVER; at++) {
        VV_CLEANUP(writer_fixture_done) struct writer_fixture fixture;
        REQUIRE(fail_once(&fixture, engine, at, &failed));
        landed += failed == FAILED_LANDED;
        REQUIRE(flush(&fixture));
        CHECK_STR(table_text(&fixture, "t", KV), "1/a");
        CHECK_INT(table_version(&fixture, "t"), 1);
        CHECK_INT(fixture.commits, 1);
    }
    CHECK(landed > 0);
}
