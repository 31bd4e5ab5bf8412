#include "engine/engine.h"

#include <errno.h>
#include <pthread.h>
#include <time.h>

#include "base/seam.h"

#include "fixture.h"
#include "harness/clock_fake.h"

static varve_status stream_open(struct fixture *fixture, const char *sql,
    struct ArrowArrayStream *out)
{
    struct vv_session *session = NULL;
    VV_TRY(vv_session_open(&fixture->op, fixture->engine, &session));
    varve_status status =
        vv_session_stream(&fixture->op, &session, vv_str_of(sql), true, NULL, 0, out);
    CHECK((session == NULL) == (status == VARVE_OK));
    vv_session_close(&session);
    return status;
}

TEST(arrow_out, formats)
{
    static const struct {
        const char *sql;
        const char *format;
    } cases[] = {
        {"1::TINYINT", "c"},
        {"1::SMALLINT", "s"},
        {"1::INTEGER", "i"},
        {"1::BIGINT", "l"},
        {"1::FLOAT", "f"},
        {"1::DOUBLE", "g"},
        {"true", "b"},
        {"'x'", "u"},
        {"'x'::BLOB", "z"},
        {"DATE '2025-01-30'", "tdD"},
        {"TIMESTAMP '2025-01-30'", "tsu:"},
        {"TIMESTAMPTZ '2025-01-30'", "tsu:UTC"},
        {"1::DECIMAL(5, 2)", "d:5,2,128"},
        {"1::DECIMAL(38, 2)", "d:38,2,128"},
        {"[1]", "+l"},
        {"{'a': 1}", "+s"},
        {"MAP {'a': 1}", "+m"},
    };
    FIXTURE(fixture);
    for (size_t index = 0; index < VV_COUNT(cases); index++) {
        VV_CLEANUP(vv_buf_done) struct vv_buf sql = VV_BUF_INIT(1000);
        vv_buf_addf(&sql, "SELECT %s AS \"the column\"", cases[index].sql);
        struct ArrowArrayStream stream;
        struct ArrowSchema schema;
        REQUIRE_OK(&fixture.op, stream_open(&fixture, vv_buf_str(&sql).ptr, &stream));
        CHECK_INT(stream.get_schema(&stream, &schema), 0);
        CHECK_STR(schema.format, "+s");
        CHECK_INT(schema.n_children, 1);
        CHECK_STR(schema.children[0]->format, cases[index].format);
        CHECK_STR(schema.children[0]->name, "the column");
        schema.release(&schema);
        stream.release(&stream);
    }
}

/* The text is copied to find a broken file by, should there be one: without it none is named. */
TEST(arrow_out, a_sound_statement_needs_no_memory_for_the_look_at_broken_files)
{
    FIXTURE(fixture);
    uint32_t done = 0;
    bool is_over = false;
    for (uint64_t nth = 1; !is_over; nth++) {
        struct vv_session *session = NULL;
        struct ArrowArrayStream stream = {.release = NULL};
        REQUIRE_OK(&fixture.op, vv_session_open(&fixture.op, fixture.engine, &session));
        vv_seam_fail_allocation(nth);
        varve_status status = vv_session_stream(&fixture.op, &session, VV_STR("FROM range(5)"),
            true, NULL, 0, &stream);
        is_over = vv_seam_allocations_left() > 0;
        vv_seam_fail_allocation(0);
        done += status == VARVE_OK && !is_over ? 1 : 0;
        if (status == VARVE_OK)
            stream.release(&stream);
        else
            vv_forgive(&fixture.op);
        vv_session_close(&session);
    }
    CHECK_INT(done, 1);
}

/* Reads to the end; the sum of the first column, a BIGINT, comes out. */
static int stream_sum(struct ArrowArrayStream *stream, int64_t *out_rows, int64_t *out_sum)
{
    *out_rows = 0;
    *out_sum = 0;
    for (;;) {
        struct ArrowArray array;
        int code = stream->get_next(stream, &array);
        if (code != 0 || array.release == NULL)
            return code;
        const int64_t *values = array.children[0]->buffers[1];
        for (int64_t row = 0; row < array.length; row++)
            *out_sum += values[row];
        *out_rows += array.length;
        array.release(&array);
    }
}

TEST(arrow_out, many_batches_and_the_end_again)
{
    FIXTURE(fixture);
    struct ArrowArrayStream stream;
    REQUIRE_OK(&fixture.op,
        stream_open(&fixture, "SELECT i FROM range(1000000) r(i)", &stream));
    int64_t rows;
    int64_t sum;
    CHECK_INT(stream_sum(&stream, &rows, &sum), 0);
    CHECK_INT(rows, 1000000);
    CHECK_INT(sum, INT64_C(499999500000));
    CHECK_INT(stream_sum(&stream, &rows, &sum), 0);
    CHECK_INT(rows, 0);
    CHECK(stream.get_last_error(&stream) == NULL);
    stream.release(&stream);
    CHECK(stream.release == NULL);
}

TEST(arrow_out, no_rows_have_a_schema)
{
    FIXTURE(fixture);
    struct ArrowArrayStream stream;
    struct ArrowSchema schema;
    int64_t rows;
    int64_t sum;
    REQUIRE_OK(&fixture.op, stream_open(&fixture, "SELECT 1 AS i WHERE false", &stream));
    CHECK_INT(stream_sum(&stream, &rows, &sum), 0);
    CHECK_INT(rows, 0);
    CHECK_INT(stream.get_schema(&stream, &schema), 0);
    CHECK_INT(schema.n_children, 1);
    schema.release(&schema);
    stream.release(&stream);
}

/* Batches may outlive the stream, as a consumer that hands them on expects. */
TEST(arrow_out, arrays_outlive_the_stream)
{
    FIXTURE(fixture);
    struct ArrowArrayStream stream;
    struct ArrowArray array;
    REQUIRE_OK(&fixture.op,
        stream_open(&fixture,
            "SELECT 'a text of more than twelve bytes ' || i AS s FROM range(9) r(i)",
            &stream));
    REQUIRE(stream.get_next(&stream, &array) == 0);
    stream.release(&stream);
    fixture_done(&fixture);
    REQUIRE(array.length == 9);
    const int32_t *offsets = array.children[0]->buffers[1];
    const char *bytes = array.children[0]->buffers[2];
    CHECK_STR(((struct vv_str){bytes + offsets[8], (size_t)(offsets[9] - offsets[8])}),
        "a text of more than twelve bytes 8");
    array.release(&array);
}

static void count_release(void *object)
{
    ++*(int *)object;
}

TEST(arrow_out, early_release_closes_the_session_then_what_is_kept)
{
    FIXTURE(fixture);
    int releases[2] = {0, 0};
    const struct vv_keep keep[] = {
        {&releases[0], count_release}, {&releases[1], count_release}};
    for (int batches = 0; batches < 3; batches++) {
        struct vv_session *session = NULL;
        struct ArrowArrayStream stream;
        REQUIRE_OK(&fixture.op, vv_session_open(&fixture.op, fixture.engine, &session));
        REQUIRE_OK(&fixture.op,
            vv_session_stream(&fixture.op, &session,
                VV_STR("SELECT i, 'some text ' || i FROM range(100000000) r(i)"), false, keep,
                2, &stream));
        CHECK(session == NULL);
        for (int index = 0; index < batches; index++) {
            struct ArrowArray array;
            REQUIRE(stream.get_next(&stream, &array) == 0 && array.release);
            array.release(&array);
        }
        CHECK_INT(releases[0], batches);
        stream.release(&stream);
        CHECK_INT(releases[0], batches + 1);
        CHECK_INT(releases[1], batches + 1);
    }
}

TEST(arrow_out, outlives_operation_and_engine_handle)
{
    struct fixture fixture;
    REQUIRE(fixture_open(&fixture, NULL));
    struct ArrowArrayStream stream;
    REQUIRE_OK(&fixture.op, stream_open(&fixture, "SELECT i FROM range(5000) r(i)", &stream));
    fixture_done(&fixture);
    int64_t rows;
    int64_t sum;
    CHECK_INT(stream_sum(&stream, &rows, &sum), 0);
    CHECK_INT(rows, 5000);
    stream.release(&stream);
}

TEST(arrow_out, refused_sql_leaves_all_with_the_caller)
{
    FIXTURE(fixture);
    int releases = 0;
    const struct vv_keep keep = {&releases, count_release};
    static const char *const refused[] = {"SELEC", "SELECT nope", "SELECT 1; SELECT 2", "",
        "SELECT * FROM nowhere", "SELECT 'x'::INTEGER"};
    for (size_t index = 0; index < VV_COUNT(refused); index++) {
        struct ArrowArrayStream stream = {.release = NULL};
        for (int is_users = 0; is_users < 2; is_users++)
            CHECK_FAILS(&fixture.op,
                vv_session_stream(&fixture.op, &fixture.session, vv_str_of(refused[index]),
                    is_users == 1, &keep, 1, &stream),
                is_users ? VARVE_EUSAGE : VARVE_EFAILED);
        CHECK(stream.release == NULL);
        REQUIRE(fixture.session != NULL);
    }
    CHECK_INT(releases, 0);
    CHECK_INT(number(&fixture, "SELECT 1"), 1);
    struct ArrowArrayStream stream;
    CHECK_INT(vv_session_stream(&fixture.op, &fixture.session, VV_STR("SELECT 1,\n nope"), true,
                  NULL, 0, &stream),
        VARVE_EUSAGE);
    CHECK(strstr(fixture.op.error.detail, "LINE 2:  nope") != NULL);
    vv_forgive(&fixture.op);
}

TEST(arrow_out, a_missing_file_is_io_even_in_a_users_sql)
{
    FIXTURE(fixture);
    struct ArrowArrayStream stream;
    CHECK_FAILS(&fixture.op,
        stream_open(&fixture, "SELECT * FROM read_parquet('/no/such/file.parquet')", &stream),
        VARVE_EIO);
}

/* An error after the first batches comes from get_next, and stays. */
TEST(arrow_out, an_error_midway_is_told_by_get_next)
{
    FIXTURE(fixture);
    REQUIRE(run(&fixture, "SET threads = 1"));
    struct ArrowArrayStream stream;
    REQUIRE_OK(&fixture.op,
        stream_open(&fixture,
            "SELECT CASE WHEN i = 5000000 THEN error('out of' || chr(10) || 'luck')::BIGINT "
            "ELSE i END FROM range(10000000) r(i)",
            &stream));
    int64_t rows;
    int64_t sum;
    for (int again = 0; again < 2; again++) {
        CHECK_INT(stream_sum(&stream, &rows, &sum), EINVAL);
        CHECK(again == 0 ? rows > 0 : rows == 0);
        const char *reason = stream.get_last_error(&stream);
        REQUIRE(reason != NULL);
        CHECK(strstr(reason, "out of") != NULL);
    }
    stream.release(&stream);
}

static void *cancel_soon(void *data)
{
    struct test_clock *clock = data;
    nanosleep(&(struct timespec){.tv_nsec = 100 * 1000 * 1000}, NULL);
    atomic_store(&clock->cancel, true);
    return NULL;
}

TEST(arrow_out, cancel_stops_the_first_rows_and_the_next)
{
    static const char *const statements[] = {
        "SELECT count(*) FROM range(1000000000000) r(i) WHERE hash(i) = 1",
        "SELECT i FROM range(1000000000000) r(i) WHERE i = 0 OR hash(i) = 1",
    };
    for (size_t index = 0; index < VV_COUNT(statements); index++) {
        struct test_clock clock;
        test_clock_init(&clock, 0);
        VV_CLEANUP(fixture_done) struct fixture fixture = {.engine = NULL};
        REQUIRE(fixture_open(&fixture, &clock.env));
        pthread_t thread;
        REQUIRE(pthread_create(&thread, NULL, cancel_soon, &clock) == 0);
        struct ArrowArrayStream stream;
        varve_status status = stream_open(&fixture, statements[index], &stream);
        if (status == VARVE_OK) {
            int64_t rows;
            int64_t sum;
            CHECK_INT(stream_sum(&stream, &rows, &sum), ECANCELED);
            CHECK(strstr(stream.get_last_error(&stream), "cancel") != NULL);
            stream.release(&stream);
        } else {
            CHECK_STATUS(&fixture.op, VARVE_EINTERRUPTED);
            vv_forgive(&fixture.op);
        }
        pthread_join(thread, NULL);
    }
}
