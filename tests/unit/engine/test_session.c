#include "engine/engine.h"

#include <unistd.h>
#include <math.h>
#include <pthread.h>
#include <time.h>

#include "base/os.h"
#include "base/seam.h"
#include "engine/duck.h"

#include "fixture.h"
#include "harness/clock_fake.h"

TEST(session, runs_statements_and_reads_rows)
{
    FIXTURE(fixture);
    CHECK(vv_str_starts(vv_str_of(vv_engine_version()), VV_STR("1.")));
    REQUIRE(run(&fixture, "CREATE TEMP TABLE t AS SELECT 1 AS i; INSERT INTO t VALUES (2)"));
    VV_CLEANUP(vv_rows_close) struct vv_rows *rows = NULL;
    REQUIRE_OK(&fixture.op,
        vv_session_query(&fixture.op, fixture.session, VV_STR("SELECT i AS x FROM t"), &rows));
    CHECK_INT(vv_rows_columns(rows), 1);
    CHECK_STR(vv_rows_name(rows, 0), "x");
    bool has_row = false;
    for (int64_t expected = 1; expected <= 2; expected++) {
        REQUIRE_OK(&fixture.op, vv_rows_next(&fixture.op, rows, &has_row));
        REQUIRE(has_row);
        CHECK_INT(vv_rows_int64(rows, 0), expected);
    }
    for (int again = 0; again < 3; again++) {
        REQUIRE_OK(&fixture.op, vv_rows_next(&fixture.op, rows, &has_row));
        CHECK(!has_row);
    }
}

TEST(session, a_batch_in_memory_is_a_part_of_what_is_allowed)
{
    VV_CLEANUP(vv_op_done) struct vv_op op;
    static const struct {
        size_t memory;
        int64_t bytes;
    } cases[] = {{(size_t)800 << 20, INT64_C(100) << 20}, {(size_t)64 << 30, INT64_C(1) << 30}};
    vv_op_init(&op, NULL, VV_OP_BYTES_DEFAULT);
    for (size_t i = 0; i < VV_COUNT(cases); i++) {
        VV_CLEANUP(vv_engine_close) struct vv_engine *engine = NULL;
        const struct vv_engine_options options = {.threads = 1,
            .memory_bytes = cases[i].memory,
            .temp_folder = vv_str_of(test_dir())};
        REQUIRE_OK(&op, vv_engine_open(&op, &options, &engine));
        CHECK_INT(vv_engine_batch_bytes(engine), cases[i].bytes);
    }
    FIXTURE(fixture); /* of which nothing is said: a part of the machine's */
    int64_t bytes = vv_engine_batch_bytes(fixture.engine);
    CHECK(bytes > 0 && bytes <= INT64_C(1) << 30);
    CHECK(vv_os_memory() == 0 || bytes <= (int64_t)(vv_os_memory() / 8));
}

TEST(session, reads_rows_of_many_chunks)
{
    FIXTURE(fixture);
    VV_CLEANUP(vv_rows_close) struct vv_rows *rows = NULL;
    REQUIRE_OK(&fixture.op,
        vv_session_query(&fixture.op, fixture.session,
            VV_STR("SELECT CASE WHEN i % 3 = 0 THEN NULL ELSE i END, "
                   "'a long enough text ' || i FROM range(10000) r(i) ORDER BY i"),
            &rows));
    int64_t count = 0;
    for (bool has_row = true;; count++) {
        REQUIRE_OK(&fixture.op, vv_rows_next(&fixture.op, rows, &has_row));
        if (!has_row)
            break;
        char expected[64];
        snprintf(expected, sizeof(expected), "a long enough text %d", (int)count);
        REQUIRE(CHECK_STR(vv_rows_text(rows, 1), expected));
        REQUIRE(CHECK(vv_rows_is_null(rows, 0) == (count % 3 == 0)));
        if (count % 3 != 0)
            REQUIRE(CHECK_INT(vv_rows_int64(rows, 0), count));
    }
    CHECK_INT(count, 10000);
}

TEST(session, integers_of_every_width)
{
    static const struct {
        const char *sql;
        int64_t value;
    } cases[] = {
        {"SELECT (-128)::TINYINT", -128},
        {"SELECT 255::UTINYINT", 255},
        {"SELECT (-32768)::SMALLINT", -32768},
        {"SELECT 65535::USMALLINT", 65535},
        {"SELECT (-2147483648)::INTEGER", INT32_MIN},
        {"SELECT 4294967295::UINTEGER", UINT32_MAX},
        {"SELECT 9223372036854775807::BIGINT", INT64_MAX},
        {"SELECT 18446744073709551615::UBIGINT", INT64_MAX},
        {"SELECT (-5)::HUGEINT", -5},
        {"SELECT (-9223372036854775808)::HUGEINT", INT64_MIN},
        {"SELECT (-9223372036854775809)::HUGEINT", INT64_MIN},
        {"SELECT 9223372036854775808::HUGEINT", INT64_MAX},
        {"SELECT sum(i) FROM range(101) r(i)", 5050},
        {"SELECT DATE '1969-12-31'", -1},
        {"SELECT TIMESTAMP '1970-01-01 00:00:01'", 1000000},
        {"SELECT TIMESTAMPTZ '1970-01-01 00:00:01+00'", 1000000},
        {"SELECT TIMESTAMPTZ '1970-01-01 00:00:01'", 1000000}, /* the session is in UTC */
        {"SELECT TIMESTAMP_MS '1970-01-01 00:00:01'", 1000},
        {"SELECT NULL::BIGINT", 0},
    };
    FIXTURE(fixture);
    for (size_t index = 0; index < VV_COUNT(cases); index++)
        CHECK_INT(number(&fixture, cases[index].sql), cases[index].value);
}

TEST(session, other_values)
{
    FIXTURE(fixture);
    VV_CLEANUP(vv_rows_close) struct vv_rows *rows = NULL;
    REQUIRE_OK(&fixture.op,
        vv_session_query(&fixture.op, fixture.session,
            VV_STR("SELECT true, 1.5::FLOAT, -2.25::DOUBLE, 'nan'::DOUBLE, 'short', "
                   "'\\x00\\xFF'::BLOB, NULL::VARCHAR, ''"),
            &rows));
    bool has_row = false;
    REQUIRE_OK(&fixture.op, vv_rows_next(&fixture.op, rows, &has_row));
    REQUIRE(has_row);
    CHECK(vv_rows_bool(rows, 0));
    CHECK_DOUBLE(vv_rows_double(rows, 1), 1.5);
    CHECK_DOUBLE(vv_rows_double(rows, 2), -2.25);
    CHECK(isnan(vv_rows_double(rows, 3)));
    CHECK_STR(vv_rows_text(rows, 4), "short");
    CHECK_STR(vv_rows_text(rows, 5), ((struct vv_str){"\0\xff", 2}));
    CHECK(vv_rows_text(rows, 6).ptr == NULL);
    CHECK_STR(vv_rows_text(rows, 7), "");
    CHECK(vv_rows_text(rows, 7).ptr != NULL);
}

TEST(session, one_number_is_one_number)
{
    FIXTURE(fixture);
    int64_t value = 7;
    CHECK_FAILS(&fixture.op,
        vv_session_int64(&fixture.op, fixture.session, VV_STR("SELECT 1 WHERE false"), &value),
        VARVE_EFAILED);
    CHECK_FAILS(&fixture.op,
        vv_session_int64(&fixture.op, fixture.session, VV_STR("SELECT 1, 2"), &value),
        VARVE_EFAILED);
    CHECK_INT(value, 7);
}

TEST(session, refused_sql_says_what_and_where)
{
    FIXTURE(fixture);
    CHECK_INT(vv_session_exec(&fixture.op, fixture.session,
                  VV_STR("SELECT 1,\n  nope FROM range(3)")),
        VARVE_EFAILED);
    CHECK_STR(fixture.op.error.message,
        "Binder Error: Referenced column \"nope\" not found in FROM clause!");
    CHECK(strstr(fixture.op.error.detail, "LINE 2:   nope FROM range(3)") != NULL);
    CHECK(strstr(fixture.op.error.detail, "^") != NULL);
    vv_forgive(&fixture.op);
    CHECK_FAILS(&fixture.op, vv_session_exec(&fixture.op, fixture.session, VV_STR("SELEC")),
        VARVE_EFAILED);
    CHECK_INT(number(&fixture, "SELECT 5"), 5);
}

TEST(session, control_characters_of_data_do_not_reach_the_message)
{
    FIXTURE(fixture);
    CHECK_INT(vv_session_exec(&fixture.op, fixture.session,
                  VV_STR("SELECT ('a' || chr(27) || chr(7) || 'b')::INTEGER")),
        VARVE_EFAILED);
    for (const char *at = fixture.op.error.message; *at; at++)
        CHECK((unsigned char)*at >= ' ');
    vv_forgive(&fixture.op);
}

TEST(session, files_that_are_gone_or_broken)
{
    FIXTURE(fixture);
    VV_CLEANUP(vv_buf_done) struct vv_buf sql = VV_BUF_INIT(10000);
    vv_buf_addf(&sql, "SELECT * FROM read_parquet('%s')", test_path("gone.parquet"));
    CHECK_FAILS(&fixture.op, vv_session_exec(&fixture.op, fixture.session, vv_buf_str(&sql)),
        VARVE_EIO);
    static const char *const broken[] = {"", "PAR1", "this is no parquet file at all",
        "PAR1\xff\xff\xff\xff\xff\xff\xff\x7fPAR1"};
    for (size_t index = 0; index < VV_COUNT(broken); index++) {
        vv_buf_clear(&sql);
        vv_buf_addf(&sql, "SELECT * FROM read_parquet('%s')", test_path("broken.parquet"));
        REQUIRE(test_file_write(test_path("broken.parquet"), vv_str_of(broken[index])));
        CHECK_FAILS(&fixture.op,
            vv_session_exec(&fixture.op, fixture.session, vv_buf_str(&sql)), VARVE_ECORRUPT);
    }
}

/* A damaged byte anywhere ends in an answer or in ECORRUPT, never in another code. */
TEST(session, damaged_parquet_is_corrupt)
{
    FIXTURE(fixture);
    VV_CLEANUP(vv_buf_done) struct vv_buf sql = VV_BUF_INIT(10000);
    const char *path = test_path("t.parquet");
    vv_buf_addf(&sql,
        "COPY (SELECT i, i / 7.0 AS f, 'text ' || i %% 10 AS s FROM range(500) r(i)) TO '%s' "
        "(FORMAT parquet, COMPRESSION zstd)",
        path);
    REQUIRE(run(&fixture, vv_buf_str(&sql).ptr));
    vv_buf_clear(&sql);
    vv_buf_addf(&sql, "SELECT sum(i), max(f), max(s) FROM read_parquet('%s')", path);
    struct vv_str whole = test_file_read(path);
    uint32_t corrupt = 0;
    for (size_t at = 0; at < whole.len; at += 1 + whole.len / 150) {
        VV_CLEANUP(vv_buf_done) struct vv_buf damaged = VV_BUF_INIT(1 << 20);
        vv_buf_add(&damaged, whole);
        damaged.private_ptr[at] = (char)(damaged.private_ptr[at] ^ 0x5a);
        REQUIRE(test_file_write(path, vv_buf_str(&damaged)));
        varve_status status = vv_session_exec(&fixture.op, fixture.session, vv_buf_str(&sql));
        if (status == VARVE_OK)
            continue;
        if (!CHECK_STATUS(&fixture.op, VARVE_ECORRUPT))
            printf("# byte %zu\n", at);
        CHECK(strstr(fixture.op.error.message, path) != NULL);
        vv_forgive(&fixture.op);
        corrupt++;
    }
    CHECK(corrupt > 10);
}

TEST(session, memory_limit_is_a_limit)
{
    VV_CLEANUP(vv_op_done) struct vv_op op;
    vv_op_init(&op, NULL, VV_OP_BYTES_DEFAULT);
    struct vv_engine *engine = NULL;
    struct vv_session *session = NULL;
    const struct vv_engine_options options = {
        .threads = 1, .memory_bytes = 20u << 20, .temp_folder = vv_str_of(test_dir())};
    REQUIRE_OK(&op, vv_engine_open(&op, &options, &engine));
    REQUIRE_OK(&op, vv_session_open(&op, engine, &session));
    REQUIRE_OK(&op,
        vv_session_exec(&op, session, VV_STR("SET max_temp_directory_size = '0MB'")));
    CHECK_FAILS(&op,
        vv_session_exec(&op, session,
            VV_STR("SELECT count(*) FROM (SELECT DISTINCT hash(i), i FROM range(20000000) "
                   "r(i))")),
        VARVE_ELIMIT);
    CHECK_OK(&op, vv_session_exec(&op, session, VV_STR("SELECT 1")));
    vv_session_close(&session);
    vv_engine_close(&engine);
}

TEST(session, two_engines_spill_into_two_folders)
{
    VV_CLEANUP(vv_op_done) struct vv_op op;
    vv_op_init(&op, NULL, VV_OP_BYTES_DEFAULT);
    struct vv_str folders[2];
    for (int index = 0; index < 2; index++) {
        struct fixture fixture;
        REQUIRE(fixture_open(&fixture, NULL));
        folders[index] =
            vv_arena_str(&op.arena, text(&fixture, "SELECT current_setting('temp_directory')"));
        fixture_done(&fixture);
        CHECK(vv_str_starts(folders[index], vv_str_of(test_dir())));
    }
    CHECK(!vv_str_eq(folders[0], folders[1]));
}

/* Left or closed: no file of it stays. */
TEST(session, what_was_spilled_is_removed_at_the_end_of_the_process_too)
{
    VV_CLEANUP(vv_op_done) struct vv_op op;
    vv_op_init(&op, NULL, VV_OP_BYTES_DEFAULT);
    struct fixture fixture = {.engine = NULL};
    const struct vv_engine_options options = {
        .threads = 1, .memory_bytes = 20u << 20, .temp_folder = vv_str_of(test_dir())};
    vv_op_init(&fixture.op, NULL, VV_OP_BYTES_DEFAULT);
    REQUIRE_OK(&op, vv_engine_open(&op, &options, &fixture.engine));
    REQUIRE_OK(&op, vv_session_open(&op, fixture.engine, &fixture.session));
    struct vv_str folder =
        vv_arena_str(&op.arena, text(&fixture, "SELECT current_setting('temp_directory')"));
    CHECK(access(folder.ptr, F_OK) != 0);
    CHECK(run(&fixture, "CREATE TEMP TABLE large AS SELECT hash(i) AS h, i "
                        "FROM range(4000000) r(i)"));
    CHECK(access(folder.ptr, F_OK) == 0);
    vv_session_close(&fixture.session);
    vv_engine_leave(&fixture.engine);
    CHECK(fixture.engine == NULL);
    CHECK(access(folder.ptr, F_OK) != 0);
    fixture_done(&fixture);
}

TEST(session, the_first_one_opens_the_database)
{
    VV_CLEANUP(vv_op_done) struct vv_op op;
    VV_CLEANUP(vv_engine_close) struct vv_engine *engine = NULL;
    VV_CLEANUP(vv_session_close) struct vv_session *session = NULL;
    vv_op_init(&op, NULL, VV_OP_BYTES_DEFAULT);
    REQUIRE_OK(&op, vv_engine_open(&op, NULL, &engine));
    vv_engine_expect(engine, 1);
    CHECK(!atomic_load(&engine->is_open));
    REQUIRE_OK(&op, vv_session_open(&op, engine, &session));
    CHECK(atomic_load(&engine->is_open));
}

/* What a thread holds it can't spill. */
TEST(session, threads_are_as_many_as_the_memory_is_enough_for)
{
    static const struct {
        size_t memory_mb;
        int64_t threads;
    } cases[] = {{0, 3}, {1024, 3}, {512, 2}, {256, 1}, {16, 1}};
    for (size_t i = 0; i < VV_COUNT(cases); i++) {
        VV_CLEANUP(fixture_done) struct fixture fixture = {.engine = NULL};
        const struct vv_engine_options options = {
            .threads = 3, .memory_bytes = cases[i].memory_mb << 20};
        vv_op_init(&fixture.op, NULL, VV_OP_BYTES_DEFAULT);
        REQUIRE_OK(&fixture.op, vv_engine_open(&fixture.op, &options, &fixture.engine));
        vv_engine_expect(fixture.engine, INT64_C(1) << 40);
        REQUIRE_OK(&fixture.op, vv_session_open(&fixture.op, fixture.engine, &fixture.session));
        vv_engine_expect(fixture.engine, INT64_C(1) << 40);
        CHECK_INT(number(&fixture, "SELECT current_setting('threads')"), cases[i].threads);
    }
}

TEST(session, an_engine_is_left_while_a_session_lives)
{
    FIXTURE(fixture);
    vv_engine_leave(&fixture.engine);
    CHECK_INT(number(&fixture, "SELECT 3"), 3);
}

TEST(session, nothing_is_loaded_from_outside)
{
    FIXTURE(fixture);
    CHECK_INT(number(&fixture, "SELECT (current_setting('autoload_known_extensions') OR "
                               "current_setting('autoinstall_known_extensions'))::INTEGER"),
        0);
    CHECK_FAILS(&fixture.op,
        vv_session_exec(&fixture.op, fixture.session,
            VV_STR("SELECT * FROM 'http://x/y.parquet'")),
        VARVE_EFAILED);
}

TEST(session, outlives_the_engine_handle)
{
    struct fixture fixture;
    REQUIRE(fixture_open(&fixture, NULL));
    vv_engine_close(&fixture.engine);
    CHECK_INT(number(&fixture, "SELECT 3"), 3);
    fixture_done(&fixture);
}

TEST(session, temporary_tables_belong_to_one_session)
{
    FIXTURE(fixture);
    REQUIRE(run(&fixture, "CREATE TEMP TABLE mine AS SELECT 1 AS i"));
    struct vv_session *other = NULL;
    REQUIRE_OK(&fixture.op, vv_session_open(&fixture.op, fixture.engine, &other));
    CHECK_FAILS(&fixture.op, vv_session_exec(&fixture.op, other, VV_STR("FROM mine")),
        VARVE_EFAILED);
    CHECK_STR(text(&fixture, "SELECT current_setting('TimeZone')"), "UTC");
    vv_session_close(&other);
}

static void *cancel_soon(void *data)
{
    struct test_clock *clock = data;
    nanosleep(&(struct timespec){.tv_nsec = 100 * 1000 * 1000}, NULL);
    atomic_store(&clock->cancel, true);
    return NULL;
}

/* Statements that would take hours: one that is not cancelled ends the case by its limit. */
TEST(session, a_long_statement_is_cancelled)
{
    struct test_clock clock;
    test_clock_init(&clock, 0);
    VV_CLEANUP(fixture_done) struct fixture fixture = {.engine = NULL};
    REQUIRE(fixture_open(&fixture, &clock.env));
    pthread_t thread;
    REQUIRE(pthread_create(&thread, NULL, cancel_soon, &clock) == 0);
    CHECK_FAILS(&fixture.op,
        vv_session_exec(&fixture.op, fixture.session,
            VV_STR("SELECT count(*) FROM range(1000000000000) a(i) WHERE hash(i) = 1")),
        VARVE_EINTERRUPTED);
    pthread_join(thread, NULL);
    /* Nothing is begun while the flag is set, and all is well afterwards. */
    CHECK_FAILS(&fixture.op, vv_session_exec(&fixture.op, fixture.session, VV_STR("SELECT 1")),
        VARVE_EINTERRUPTED);
    atomic_store(&clock.cancel, false);
    CHECK_INT(number(&fixture, "SELECT 4"), 4);
}

static bool progress_goes_on(void *data, const char *phase, uint64_t done, uint64_t total)
{
    const bool *goes_on = data;
    (void)phase;
    (void)done;
    (void)total;
    return *goes_on;
}

/* The caller says so in between, not by the flag that is watched; other threads are at work. */
TEST(session, a_statement_that_its_progress_ends_leaves_no_thread_at_work)
{
    struct vv_env env = *vv_env_system();
    bool goes_on = true; /* what makes the rows may take a while, too */
    env.progress = progress_goes_on;
    env.progress_data = &goes_on;
    VV_CLEANUP(fixture_done) struct fixture fixture = {.engine = NULL};
    REQUIRE(fixture_open(&fixture, &env));
    vv_engine_expect(fixture.engine, INT64_C(1) << 40);
    struct vv_session *session = NULL;
    struct vv_rows *rows = NULL;
    REQUIRE_OK(&fixture.op, vv_session_open(&fixture.op, fixture.engine, &session));
    /* Row groups enough for both threads. */
    REQUIRE_OK(&fixture.op, vv_session_exec(&fixture.op, session,
                                VV_STR("CREATE TEMP TABLE t AS FROM range(1000000)")));
    const struct vv_query query = {.sql = VV_STR("SELECT count(*) FROM t, range(100000000)"),
        .is_users = true,
        .is_streamed = true};
    goes_on = false;
    CHECK_FAILS(&fixture.op, vv_session_rows(&fixture.op, session, &query, &rows),
        VARVE_EINTERRUPTED);
    vv_session_close(&session);
}

/* Many short statements in threads of their own, all under watch, one of them cancelled. */
struct watched_thread {
    struct fixture *fixture;
    const struct vv_env *env;
    const char *sql;
    uint32_t repeat;
    varve_status status;
};

static void *watched_run(void *data)
{
    struct watched_thread *mine = data;
    struct vv_op op;
    vv_op_init(&op, mine->env, VV_OP_BYTES_DEFAULT);
    struct vv_session *session = NULL;
    mine->status = vv_session_open(&op, mine->fixture->engine, &session);
    for (uint32_t turn = 0; turn < mine->repeat && mine->status == VARVE_OK; turn++)
        mine->status = vv_session_exec(&op, session, vv_str_of(mine->sql));
    vv_session_close(&session);
    vv_op_done(&op);
    return NULL;
}

TEST(session, cancel_meets_only_its_own_statements)
{
    FIXTURE(fixture);
    struct test_clock clocks[3];
    struct watched_thread threads[3];
    pthread_t ids[3];
    for (int index = 0; index < 3; index++) {
        test_clock_init(&clocks[index], 0);
        threads[index] = (struct watched_thread){.fixture = &fixture,
            .env = &clocks[index].env,
            .sql = index == 0
                       ? "SELECT count(*) FROM range(1000000000000) a(i) WHERE hash(i) = 1"
                       : "SELECT count(*) FROM range(1000) r(i)",
            .repeat = index == 0 ? 1 : 300};
        REQUIRE(pthread_create(&ids[index], NULL, watched_run, &threads[index]) == 0);
    }
    cancel_soon(&clocks[0]);
    for (int index = 0; index < 3; index++)
        pthread_join(ids[index], NULL);
    CHECK_INT(threads[0].status, VARVE_EINTERRUPTED);
    CHECK_INT(threads[1].status, VARVE_OK);
    CHECK_INT(threads[2].status, VARVE_OK);
}

/* Texts are copied to find a broken file by, should there be one: without them none is named. */
TEST(session, sound_statements_need_no_memory_for_the_look_at_broken_files)
{
    FIXTURE(fixture);
    const struct vv_query query = {.sql = VV_STR("FROM range(5)"), .is_streamed = true};
    uint32_t done = 0;
    bool is_over = false;
    vv_seam_fail_allocation(1);
    varve_status status = vv_session_make_view(&fixture.op, fixture.session,
        VV_STR("CREATE TEMP VIEW seven AS SELECT 7"));
    vv_seam_fail_allocation(0);
    CHECK_OK(&fixture.op, status);
    CHECK_INT(number(&fixture, "FROM seven"), 7);
    for (uint64_t nth = 1; !is_over; nth++) {
        VV_CLEANUP(vv_rows_close) struct vv_rows *rows = NULL;
        vv_seam_fail_allocation(nth);
        status = vv_session_rows(&fixture.op, fixture.session, &query, &rows);
        is_over = vv_seam_allocations_left() > 0;
        vv_seam_fail_allocation(0);
        done += status == VARVE_OK && !is_over ? 1 : 0;
        if (status != VARVE_OK)
            vv_forgive(&fixture.op);
    }
    CHECK_INT(done, 1);
}

/* More rows than one chunk; a statement that is given up half way leaves the session usable. */
TEST(session, streamed_rows_come_with_their_maps)
{
    FIXTURE(fixture);
    const struct vv_query query = {
        .sql = VV_STR("SELECT CASE WHEN i % 3 = 0 THEN NULL ELSE MAP {'a': i::VARCHAR, 'b': "
                      "NULL} END, i FROM range(5000) AS r(i)"),
        .is_streamed = true};
    for (int64_t rows_max = 5000; rows_max > 0; rows_max -= 4000) {
        VV_CLEANUP(vv_rows_close) struct vv_rows *rows = NULL;
        REQUIRE_OK(&fixture.op, vv_session_rows(&fixture.op, fixture.session, &query, &rows));
        for (int64_t row = 0; row < rows_max; row++) {
            bool has_row = false;
            REQUIRE_OK(&fixture.op, vv_rows_next(&fixture.op, rows, &has_row));
            REQUIRE(has_row);
            CHECK_INT(vv_rows_int64(rows, 1), row);
            CHECK_INT(vv_rows_pairs(rows, 0), row % 3 == 0 ? 0 : 2);
            if (row % 3 == 0)
                continue;
            struct vv_str name, value;
            vv_rows_pair(rows, 0, 0, &name, &value);
            CHECK_STR(name, "a");
            int64_t number_of_text = -1;
            CHECK(vv_str_int64(value, &number_of_text) && number_of_text == row);
            vv_rows_pair(rows, 0, 1, &name, &value);
            CHECK_STR(name, "b");
            CHECK(value.ptr == NULL);
        }
    }
    CHECK_INT(number(&fixture, "SELECT 7"), 7);
}

TEST(session, a_damaged_file_is_told_from_a_refused_statement)
{
    static const char *const damaged[] = {"Page size mismatch: the header says otherwise",
        "Error reading file: invalid TType", "TProtocolException: Invalid data"};
    for (size_t i = 0; i < VV_COUNT(damaged); i++) {
        CHECK_INT(vv_duck_code(VARVE_EUSAGE, DUCKDB_ERROR_INVALID, damaged[i]), VARVE_ECORRUPT);
        CHECK_INT(vv_duck_code(VARVE_EUSAGE, DUCKDB_ERROR_PARSER, damaged[i]), VARVE_EUSAGE);
        CHECK_INT(vv_duck_code(VARVE_EUSAGE, DUCKDB_ERROR_INVALID_INPUT, damaged[i]),
            VARVE_ECORRUPT);
    }
    CHECK_INT(vv_duck_code(VARVE_EUSAGE, DUCKDB_ERROR_INVALID_INPUT, "no such thing"),
        VARVE_EUSAGE);
}
