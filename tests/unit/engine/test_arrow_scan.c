#include "engine/arrow_scan.h"

#include "engine/parquet.h"
#include "engine/sql.h"

#include "arrow_build.h"

#define BATCH_ROWS 5000 /* more than two chunks of the engine */

/* A batch of numbers from `first` on, and a text of each that is longer than what lies in a chunk. */
static struct ArrowArray *batch_new(struct vv_arena *arena, int64_t first, int64_t len)
{
    int64_t *numbers = vv_new(arena, int64_t, (size_t)len + 1);
    int32_t *offsets = vv_new(arena, int32_t, (size_t)len + 1);
    char *texts = vv_new(arena, char, (size_t)len * 32 + 1);
    offsets[0] = 0;
    for (int64_t i = 0; i < len; i++) {
        numbers[i] = first + i;
        offsets[i + 1] =
            offsets[i] + snprintf(texts + offsets[i], 32, "text of number %" PRId64, first + i);
    }
    struct ArrowArray *columns[] = {
        array_new(arena, len, 2, (const void *[]){NULL, numbers}, 0, NULL),
        array_new(arena, len, 3, (const void *[]){NULL, offsets, texts}, 0, NULL)};
    return array_new(arena, len, 1, (const void *[]){NULL}, 2, columns);
}

static struct ArrowSchema *schema_of_batch(struct vv_arena *arena)
{
    return schema_new(arena, "+s", "", 2,
        (struct ArrowSchema *[]){schema_new(arena, "l", "x", 0, NULL),
            schema_new(arena, "u", "it's \"y\"", 0, NULL)});
}

static varve_status feed_export(struct fixture *fixture, struct feed *feed, int64_t *out_rows)
{
    return vv_parquet_export(&fixture->op, fixture->session, &feed->stream,
        vv_str_of(test_path("out.parquet")), out_rows);
}

/* Makes the file a view, `out`, with the place of each row in it. */
static bool read_exported(struct fixture *fixture)
{
    VV_CLEANUP(vv_buf_done) struct vv_buf sql = VV_BUF_INIT(10000);
    vv_buf_adds(&sql, "CREATE TEMP VIEW out AS FROM read_parquet(");
    vv_sql_file(&sql, vv_str_of(test_path("out.parquet")));
    vv_buf_adds(&sql, ", file_row_number => true)");
    return run(fixture, vv_buf_str(&sql).ptr);
}

TEST(arrow_scan, rows_of_all_batches_in_their_order_by_any_thread)
{
    FIXTURE(fixture);
    struct vv_arena *arena = &fixture.op.arena;
    struct ArrowArray *batches[] = {batch_new(arena, 0, BATCH_ROWS), batch_new(arena, 0, 0),
        batch_new(arena, BATCH_ROWS, BATCH_ROWS), batch_new(arena, INT64_C(2) * BATCH_ROWS, 7)};
    struct feed feed;
    int64_t rows = 0;
    vv_engine_expect(fixture.engine, INT64_C(1) << 30); /* all threads */
    feed_init(&feed, schema_of_batch(arena), batches, VV_COUNT(batches));
    REQUIRE_OK(&fixture.op, feed_export(&fixture, &feed, &rows));
    CHECK_INT(rows, 2 * BATCH_ROWS + 7);
    CHECK_INT(feed.stream_releases, 1);
    CHECK_INT(feed.schema_releases, 1);
    CHECK_INT(feed.array_releases, (int)VV_COUNT(batches));
    REQUIRE(read_exported(&fixture));
    CHECK_INT(number(&fixture, "SELECT count(*) FROM out WHERE x = file_row_number AND "
                               "\"it's \"\"y\"\"\" = 'text of number ' || x"),
        2 * BATCH_ROWS + 7);
}

/* Each type as it is when rows are loaded, which is tested value by value (test_arrow_in.c). */
TEST(arrow_scan, what_the_engine_gives_out_is_written_as_it_was)
{
    FIXTURE(fixture);
    REQUIRE(run(&fixture,
        "CREATE TABLE source AS SELECT i, i / 3.0::DOUBLE AS d, i % 2 = 0 AS b, "
        "CASE WHEN i % 5 = 0 THEN NULL ELSE 'text number ' || i END AS s, ('b' || i)::BLOB AS "
        "z, "
        "DATE '2025-01-01' + i::INTEGER AS day, TIMESTAMPTZ '2025-01-01 00:00:00.5+00' + "
        "INTERVAL (i) SECOND AS t, i::DECIMAL(18, 3) AS d18, "
        "CASE WHEN i % 3 = 0 THEN NULL ELSE ['a long text ' || i, NULL] END AS l, "
        "CASE WHEN i % 4 = 0 THEN NULL ELSE {'a': i, 'b': {'c': 'a long text ' || i}} END AS "
        "st, "
        "MAP {i: 'v' || i} AS m FROM range(7000) r(i)"));
    struct vv_session *reader = NULL;
    struct ArrowArrayStream stream;
    REQUIRE_OK(&fixture.op, vv_session_open(&fixture.op, fixture.engine, &reader));
    REQUIRE_OK(&fixture.op,
        vv_session_stream(&fixture.op, &reader, VV_STR("FROM source ORDER BY i DESC"), false,
            NULL, 0, &stream));
    REQUIRE_OK(&fixture.op, vv_parquet_export(&fixture.op, fixture.session, &stream,
                                vv_str_of(test_path("out.parquet")), NULL));
    CHECK(stream.release == NULL);
    REQUIRE(read_exported(&fixture));
    CHECK_INT(number(&fixture, "SELECT count(*) FROM out WHERE file_row_number = 6999 - i"),
        7000);
    CHECK_INT(number(&fixture, "SELECT count(*) FROM (FROM source EXCEPT ALL SELECT * EXCLUDE "
                               "(file_row_number) FROM out)"),
        0);
}

TEST(arrow_scan, what_fails_is_what_the_stream_says_and_the_file_stays)
{
    FIXTURE(fixture);
    struct vv_arena *arena = &fixture.op.arena;
    struct feed feed;
    struct ArrowArray *batches[] = {batch_new(arena, 0, BATCH_ROWS), batch_new(arena, 0, 5)};

    feed_init(&feed, schema_of_batch(arena), batches, 1); /* a file that is there already */
    REQUIRE_OK(&fixture.op, feed_export(&fixture, &feed, NULL));

    feed_init(&feed, schema_of_batch(arena), batches, VV_COUNT(batches));
    feed.next_error = EIO;
    feed.reason = "the other end hung up";
    CHECK_INT(feed_export(&fixture, &feed, NULL), VARVE_EIO);
    CHECK_STR(vv_str_of(fixture.op.error.message),
        "the Arrow stream gives no next record batch: the other end hung up");
    vv_forgive(&fixture.op);
    CHECK_INT(feed.stream_releases, 1);
    CHECK_INT(feed.array_releases, 2);

    batches[1]->n_children = 1;
    feed_init(&feed, schema_of_batch(arena), batches, VV_COUNT(batches));
    CHECK_INT(feed_export(&fixture, &feed, NULL), VARVE_EINVALID);
    CHECK(vv_str_starts(vv_str_of(fixture.op.error.message), VV_STR("record batch 2: ")));
    vv_forgive(&fixture.op);
    CHECK_INT(feed.stream_releases, 1);
    CHECK_INT(feed.array_releases, 2);

    feed_init(&feed, schema_new(arena, "+s", "", 0, NULL), NULL, 0);
    CHECK_FAILS(&fixture.op, feed_export(&fixture, &feed, NULL), VARVE_EINVALID);
    CHECK_INT(feed.stream_releases, 1);
    CHECK_FAILS(&fixture.op, feed_export(&fixture, &feed, NULL), VARVE_EINVALID);
    CHECK_INT(feed.stream_releases, 1);

    REQUIRE(read_exported(&fixture));
    CHECK_INT(number(&fixture, "SELECT count(*) FROM out"), BATCH_ROWS);
}

static atomic_bool is_cancelled;

static int next_and_cancel(struct ArrowArrayStream *stream, struct ArrowArray *out)
{
    atomic_store(&is_cancelled, true);
    return feed_get_next(stream, out);
}

TEST(arrow_scan, an_operation_that_is_cancelled_asks_for_no_more_rows)
{
    VV_CLEANUP(fixture_done) struct fixture fixture = {.engine = NULL};
    struct vv_env env = *vv_env_system();
    env.cancel = &is_cancelled;
    REQUIRE(fixture_open(&fixture, &env));
    struct vv_arena *arena = &fixture.op.arena;
    struct ArrowArray *batches[] = {batch_new(arena, 0, 5), batch_new(arena, 5, 5)};
    struct feed feed;
    feed_init(&feed, schema_of_batch(arena), batches, VV_COUNT(batches));
    feed.stream.get_next = next_and_cancel;
    CHECK_FAILS(&fixture.op, feed_export(&fixture, &feed, NULL), VARVE_EINTERRUPTED);
    CHECK_INT((int64_t)feed.at, 1);
    CHECK_INT(feed.array_releases, 1);
    CHECK_INT(feed.stream_releases, 1);
}

TEST(arrow_scan, a_statement_may_want_some_columns_or_none)
{
    static const struct {
        const char *select, *rows;
    } cases[] = {{"count(*)", "5000"}, {"max(\"it's \"\"y\"\"\")", "text of number 999"},
        {"max(x)", "4999"}};
    FIXTURE(fixture);
    struct vv_arena *arena = &fixture.op.arena;
    for (size_t i = 0; i < VV_COUNT(cases); i++) {
        struct ArrowArray *batch = batch_new(arena, 0, BATCH_ROWS);
        struct feed feed;
        struct vv_arrow_scan *scan = NULL;
        feed_init(&feed, schema_of_batch(arena), &batch, 1);
        REQUIRE_OK(&fixture.op,
            vv_arrow_scan_open(&fixture.op, fixture.session, &feed.stream, &scan));
        struct vv_str sql = vv_arena_format(arena,
            "SELECT (%s)::VARCHAR FROM " VV_ARROW_SCAN_FUNCTION "(%" PRId64 ")",
            cases[i].select, vv_arrow_scan_id(scan));
        CHECK_STR(text(&fixture, sql.ptr), cases[i].rows);
        CHECK_OK(&fixture.op, vv_arrow_scan_end(&fixture.op, scan, VARVE_OK));
    }
}

TEST(arrow_scan, a_number_of_nobody_has_no_rows)
{
    FIXTURE(fixture);
    CHECK_INT(vv_session_exec(&fixture.op, fixture.session,
                  VV_STR("SELECT * FROM " VV_ARROW_SCAN_FUNCTION "(1)")),
        VARVE_EFAILED);
    CHECK(strstr(fixture.op.error.message, "is for Varve's own statements") != NULL);
    vv_forgive(&fixture.op);
}
