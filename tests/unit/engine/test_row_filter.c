#include "engine/row_filter.h"

#include <stdatomic.h>

#include "base/seam.h"
#include "engine/sql.h"

#include "fixture.h"

struct counted {
    atomic_int *alive;
    int64_t step;
};

static void release(void *object)
{
    struct counted *counted = object;
    atomic_fetch_sub(counted->alive, 1);
    vv_free(counted);
}

/* Rows that are a multiple of step plus the number of their file stay. */
static void stays(const void *object, uint64_t file, const int64_t *rows, size_t len,
    bool *out_stays)
{
    const struct counted *counted = object;
    for (size_t i = 0; i < len; i++)
        out_stays[i] = (rows[i] - (int64_t)(file & 1)) % counted->step == 0;
}

static bool add_filter(struct vv_op *op, struct vv_engine *engine, atomic_int *alive,
    int64_t step, uint64_t *out_id)
{
    struct counted *counted = vv_malloc(sizeof(*counted));
    if (!CHECK(counted != NULL))
        return false;
    atomic_fetch_add(alive, 1);
    *counted = (struct counted){alive, step};
    const struct vv_row_filter filter = {counted, stays, release};
    return CHECK_OK(op, vv_engine_filter(op, engine, &filter, out_id));
}

static bool two_files(struct fixture *fixture)
{
    for (int i = 0; i < 2; i++) {
        VV_CLEANUP(vv_buf_done) struct vv_buf sql = VV_BUF_INIT(4096);
        char name[16];
        (void)snprintf(name, sizeof(name), "%d.parquet", i);
        vv_buf_addf(&sql, "COPY (SELECT i, %d AS f FROM range(300000) AS t(i)) TO ", i);
        vv_sql_file(&sql, vv_str_of(test_path(name)));
        vv_buf_adds(&sql, " (FORMAT parquet, ROW_GROUP_SIZE 20000)");
        if (!run(fixture, vv_arena_str(&fixture->op.arena, vv_buf_str(&sql)).ptr))
            return false;
    }
    return true;
}

static const char *select_sql(struct fixture *fixture, const char *what, uint64_t id,
    const char *more)
{
    VV_CLEANUP(vv_buf_done) struct vv_buf sql = VV_BUF_INIT(4096);
    const struct vv_str paths[] = {
        vv_str_of(test_path("0.parquet")), vv_str_of(test_path("1.parquet"))};
    vv_buf_addf(&sql, "SELECT %s FROM (SELECT i, f, file_index AS x FROM read_parquet(", what);
    vv_sql_file_list(&sql, paths, 2);
    vv_buf_addf(&sql,
        ") AS r WHERE " VV_ROW_FILTER_FUNCTION "(%" PRIu64
        ", r.file_index, r.file_row_number)) WHERE true %s",
        id, more);
    return vv_arena_str(&fixture->op.arena, vv_buf_str(&sql)).ptr;
}

TEST(row_filter, leaves_rows_out_of_each_file_whatever_else_is_asked)
{
    FIXTURE(fixture);
    atomic_int alive = 0;
    uint64_t id = 0;
    REQUIRE(two_files(&fixture));
    REQUIRE(add_filter(&fixture.op, fixture.engine, &alive, 7, &id));
    CHECK_INT(number(&fixture, select_sql(&fixture, "count(*)", id, "")), 42858 + 42857);
    CHECK_INT(number(&fixture, select_sql(&fixture, "count(*)", id, "AND (i - f) % 7 <> 0")),
        0);
    CHECK_INT(number(&fixture, select_sql(&fixture, "max(i)", id, "AND f = 1")), 299993);
    CHECK_INT(number(&fixture, select_sql(&fixture, "min(i)", id, "AND i > 250000 AND f = 0")),
        250005);
    CHECK_INT(number(&fixture, select_sql(&fixture, "count(*)", id, "AND x = 1")), 42857);
    CHECK_INT(number(&fixture, select_sql(&fixture, "count(*)", id, "AND i BETWEEN 7 AND 8")),
        2);
    CHECK_INT(number(&fixture,
                  select_sql(&fixture, "count(*) FROM (SELECT 1", id, "ORDER BY i LIMIT 3)")),
        3);
}

TEST(row_filter, lives_as_long_as_its_operation_or_a_statement_of_it)
{
    FIXTURE(fixture);
    atomic_int alive = 0;
    uint64_t id = 0;
    struct ArrowArrayStream stream = {0};
    struct vv_op op;
    REQUIRE(two_files(&fixture));
    vv_op_init(&op, NULL, VV_OP_BYTES_DEFAULT);
    REQUIRE(add_filter(&op, fixture.engine, &alive, 2, &id));
    const char *sql = select_sql(&fixture, "i", id, "");
    REQUIRE_OK(&fixture.op, vv_session_stream(&fixture.op, &fixture.session, vv_str_of(sql),
                                false, NULL, 0, &stream));
    vv_op_done(&op);
    CHECK_INT(atomic_load(&alive), 1);
    int64_t rows = 0;
    for (;;) {
        struct ArrowArray array = {0};
        REQUIRE(stream.get_next(&stream, &array) == 0);
        if (array.release == NULL)
            break;
        rows += array.length;
        array.release(&array);
    }
    CHECK_INT(rows, 300000);
    stream.release(&stream);
    CHECK_INT(atomic_load(&alive), 0);
    /* Its id means nothing any more. */
    REQUIRE_OK(&fixture.op, vv_session_open(&fixture.op, fixture.engine, &fixture.session));
    CHECK_FAILS(&fixture.op, vv_session_exec(&fixture.op, fixture.session, vv_str_of(sql)),
        VARVE_EFAILED);
}

TEST(row_filter, outlives_the_handle_of_its_engine)
{
    struct fixture fixture;
    atomic_int alive = 0;
    uint64_t id = 0;
    REQUIRE(fixture_open(&fixture, NULL));
    REQUIRE(add_filter(&fixture.op, fixture.engine, &alive, 2, &id));
    vv_session_close(&fixture.session);
    vv_engine_close(&fixture.engine);
    CHECK_INT(atomic_load(&alive), 1);
    vv_op_done(&fixture.op);
    CHECK_INT(atomic_load(&alive), 0);
}

TEST(row_filter, knows_files_that_alternate_apart)
{
    FIXTURE(fixture);
    atomic_int alive = 0;
    uint64_t id = 0;
    REQUIRE(add_filter(&fixture.op, fixture.engine, &alive, 2, &id));
    struct vv_str sql = vv_arena_format(&fixture.op.arena,
        "SELECT count(*) FROM range(10) AS t(i) WHERE " VV_ROW_FILTER_FUNCTION "(%" PRIu64
        ", CAST(i %% 2 AS UBIGINT), i)",
        id);
    CHECK_INT(number(&fixture, sql.ptr), 10);
}

TEST(row_filter, answers_nothing_it_was_not_made_for)
{
    FIXTURE(fixture);
    atomic_int alive = 0;
    uint64_t id = 0;
    static const char *const refused[] = {"1, 0, 0", "random(), 0, 0", "-1, 0, 0", "'x', 0, 0"};
    REQUIRE(add_filter(&fixture.op, fixture.engine, &alive, 2, &id));
    for (size_t i = 0; i < VV_COUNT(refused); i++) {
        char sql[128];
        (void)snprintf(sql, sizeof(sql), "SELECT " VV_ROW_FILTER_FUNCTION "(%s)", refused[i]);
        CHECK_FAILS(&fixture.op, vv_session_exec(&fixture.op, fixture.session, vv_str_of(sql)),
            VARVE_EFAILED);
    }
    struct vv_str sql = vv_arena_format(&fixture.op.arena,
        "SELECT count(*) FROM (SELECT " VV_ROW_FILTER_FUNCTION "(%" PRIu64
        ", NULL, NULL) AS v) WHERE v IS NULL",
        id);
    CHECK_INT(number(&fixture, sql.ptr), 1);
}
