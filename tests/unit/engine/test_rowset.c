#include "engine/rowset.h"

#include <dlfcn.h>
#include <duckdb.h>
#include <string.h>

#include "base/seam.h"
#include "fixture.h"

/* How often a statement over rows was planned: the library's own calls come by here. */
static int plans;

void duckdb_bind_set_bind_data(duckdb_bind_info info, void *data, duckdb_delete_callback_t free)
{
    void (*next)(duckdb_bind_info, void *, duckdb_delete_callback_t) = NULL;
    void *symbol = dlsym(RTLD_NEXT, "duckdb_bind_set_bind_data");
    memcpy(&next, &symbol, sizeof(next));
    plans++;
    next(info, data, free);
}

static bool fill(struct fixture *fixture, struct vv_rowset *rowset, const char *sql)
{
    const struct vv_query query = {.sql = vv_str_of(sql), .is_kept = true};
    return CHECK_OK(&fixture->op, vv_rowset_fill(&fixture->op, rowset, &query));
}

/* The number that a kept statement over the rowset yields. */
static int64_t kept_number(struct fixture *fixture, const struct vv_rowset *rowset,
    const char *what)
{
    VV_CLEANUP(vv_rows_close) struct vv_rows *rows = NULL;
    VV_CLEANUP(vv_buf_done) struct vv_buf sql = VV_BUF_INIT(1 << 16);
    bool has_row = false;
    vv_buf_addf(&sql, "SELECT %s FROM %.*s", what, VV_ARG(vv_rowset_sql(rowset)));
    const struct vv_query query = {.sql = vv_buf_str(&sql), .is_kept = true};
    if (!CHECK_OK(&fixture->op,
            vv_session_rows(&fixture->op, fixture->session, &query, &rows)) ||
        !CHECK_OK(&fixture->op, vv_rows_next(&fixture->op, rows, &has_row)) || !CHECK(has_row))
        return INT64_MIN;
    return vv_rows_int64(rows, 0);
}

#define ROWSET(name)                                           \
    VV_CLEANUP(vv_rowset_close) struct vv_rowset *name = NULL; \
    REQUIRE_OK(&fixture.op, vv_rowset_open(&fixture.op, fixture.session, &(name)))

TEST(rowset, statements_read_its_rows)
{
    FIXTURE(fixture);
    ROWSET(rowset);
    REQUIRE(fill(&fixture, rowset,
        "SELECT i, 'a long enough text ' || i AS t FROM range(5000) r(i)"));
    CHECK_INT(vv_rowset_rows(rowset), 5000);
    CHECK_INT(vv_rowset_columns(rowset), 2);
    CHECK_STR(vv_rowset_name(rowset, 1), "t");
    CHECK_INT(kept_number(&fixture, rowset, "sum(i)"), 12497500);
    CHECK_INT(kept_number(&fixture, rowset, "count(*)"), 5000);
    CHECK_INT(kept_number(&fixture, rowset, "count(DISTINCT t)"), 5000);
}

TEST(rowset, a_kept_statement_sees_new_rows)
{
    FIXTURE(fixture);
    ROWSET(rowset);
    for (int64_t round = 1; round <= 5; round++) {
        VV_CLEANUP(vv_buf_done) struct vv_buf sql = VV_BUF_INIT(1 << 16);
        vv_buf_addf(&sql, "SELECT %d AS x FROM range(%d)", (int)round, (int)round);
        REQUIRE(fill(&fixture, rowset, vv_buf_str(&sql).ptr));
        CHECK_INT(kept_number(&fixture, rowset, "sum(x)"), round * round);
    }
    vv_rowset_clear(rowset);
    CHECK_INT(kept_number(&fixture, rowset, "count(x)"), 0);
}

TEST(rowset, a_kept_statement_sees_new_numbers_and_is_planned_once)
{
    FIXTURE(fixture);
    ROWSET(rowset);
    VV_CLEANUP(vv_buf_done) struct vv_buf what = VV_BUF_INIT(1 << 10);
    vv_buf_adds(&what, "sum(x + ");
    vv_rowset_number_sql(rowset, &what);
    vv_buf_addc(&what, ')');
    REQUIRE(fill(&fixture, rowset, "SELECT i AS x FROM range(3000) r(i)"));
    plans = 0;
    for (int64_t round = -2; round <= 2; round++) {
        vv_rowset_set_number(rowset, round * 1000000);
        CHECK_INT(kept_number(&fixture, rowset, vv_buf_str(&what).ptr),
            4498500 + 3000 * round * 1000000);
    }
    CHECK_INT(plans, 1);
}

TEST(rowset, the_number_of_closed_rows_is_refused)
{
    FIXTURE(fixture);
    VV_CLEANUP(vv_buf_done) struct vv_buf sql = VV_BUF_INIT(1 << 10);
    int64_t number = 0;
    {
        ROWSET(rowset);
        vv_rowset_set_number(rowset, 7);
        vv_buf_adds(&sql, "SELECT ");
        vv_rowset_number_sql(rowset, &sql);
        REQUIRE_OK(&fixture.op,
            vv_session_int64(&fixture.op, fixture.session, vv_buf_str(&sql), &number));
        CHECK_INT(number, 7);
    }
    CHECK_INT(vv_session_int64(&fixture.op, fixture.session, vv_buf_str(&sql), &number),
        VARVE_EFAILED);
    vv_forgive(&fixture.op);
}

TEST(rowset, rows_of_other_types_make_a_kept_statement_anew)
{
    FIXTURE(fixture);
    ROWSET(rowset);
    static const struct {
        const char *sql;
        int64_t expected;
    } cases[] = {
        {"SELECT 1 AS x", 1},
        {"SELECT 1.5 AS x", 2},
        {"SELECT 1.25 AS x", 1},
        {"SELECT 'y' AS y, 7 AS x", 7},
        {"SELECT 9 AS x, 'y' AS y", 9},
    };
    for (size_t i = 0; i < VV_COUNT(cases); i++) {
        REQUIRE(fill(&fixture, rowset, cases[i].sql));
        CHECK_INT(kept_number(&fixture, rowset, "x::BIGINT"), cases[i].expected);
    }
    REQUIRE(fill(&fixture, rowset, "SELECT {'a': 1, 'b': [2]} AS x"));
    CHECK_INT(kept_number(&fixture, rowset, "x.b[1]::BIGINT"), 2);
    REQUIRE(fill(&fixture, rowset, "SELECT {'c': 1, 'b': [3]} AS x"));
    CHECK_INT(kept_number(&fixture, rowset, "x.b[1]::BIGINT"), 3);
    REQUIRE(fill(&fixture, rowset, "SELECT {'c': 1, 'b': [4::TINYINT]} AS x"));
    CHECK_INT(kept_number(&fixture, rowset, "x.b[1]::BIGINT"), 4);
}

TEST(rowset, a_part_of_other_rows_is_these_rows)
{
    static const struct {
        int64_t first, rows;
    } parts[] = {{0, 5000}, {0, 1}, {2047, 2}, {2048, 2048}, {100, 4500}, {4999, 1},
        {4095, 905}, {5000, 0}, {17, 0}};
    FIXTURE(fixture);
    ROWSET(all);
    ROWSET(part);
    REQUIRE(fill(&fixture, all,
        "SELECT i, CASE WHEN i % 3 > 0 THEN 'a text that is no short one ' || i END AS t, "
        "[i, NULL, i + 1] AS l, {'a': i, 'b': 'another text of some length ' || i} AS s "
        "FROM range(5000) r(i)"));
    plans = 0;
    for (size_t at = 0; at < VV_COUNT(parts); at++) {
        int64_t first = parts[at].first;
        int64_t end = first + parts[at].rows;
        int64_t sum = (end * (end - 1) - first * (first - 1)) / 2;
        REQUIRE_OK(&fixture.op, vv_rowset_show(&fixture.op, part, all, first, parts[at].rows));
        CHECK_INT(vv_rowset_rows(part), parts[at].rows);
        CHECK_INT(kept_number(&fixture, part, "count(*)"), parts[at].rows);
        CHECK_INT(kept_number(&fixture, part, "coalesce(sum(i)::BIGINT, 0)"), sum);
        CHECK_INT(kept_number(&fixture, part,
                      "count(*) FILTER (t IS DISTINCT FROM CASE WHEN i % 3 > 0 THEN 'a text "
                      "that is no short one ' || i END OR l IS DISTINCT FROM [i, NULL, i + 1] "
                      "OR s.a <> i OR s.b <> 'another text of some length ' || i)"),
            0);
    }
    CHECK_INT(plans, 3); /* of each statement */
    REQUIRE(fill(&fixture, part, "SELECT 7 AS i"));
    CHECK_INT(kept_number(&fixture, part, "sum(i)::BIGINT"), 7);
    CHECK_INT(kept_number(&fixture, all, "count(*)"), 5000);
}

TEST(rowset, a_part_may_be_of_another_session)
{
    FIXTURE(fixture);
    ROWSET(all);
    VV_CLEANUP(vv_session_close) struct vv_session *other = NULL;
    VV_CLEANUP(vv_rowset_close) struct vv_rowset *part = NULL;
    VV_CLEANUP(vv_buf_done) struct vv_buf sql = VV_BUF_INIT(1 << 16);
    int64_t sum = 0;
    REQUIRE(fill(&fixture, all, "SELECT i FROM range(3000) r(i)"));
    REQUIRE_OK(&fixture.op, vv_session_open(&fixture.op, fixture.engine, &other));
    REQUIRE_OK(&fixture.op, vv_rowset_open(&fixture.op, other, &part));
    REQUIRE_OK(&fixture.op, vv_rowset_show(&fixture.op, part, all, 2000, 100));
    vv_buf_addf(&sql, "SELECT sum(i)::BIGINT FROM %.*s", VV_ARG(vv_rowset_sql(part)));
    CHECK_OK(&fixture.op, vv_session_int64(&fixture.op, other, vv_buf_str(&sql), &sum));
    CHECK_INT(sum, 204950);
}

TEST(rowset, is_joined_and_sorted_like_a_table)
{
    FIXTURE(fixture);
    ROWSET(left);
    ROWSET(right);
    REQUIRE(fill(&fixture, left, "SELECT i AS a, -i AS b FROM range(3000) r(i)"));
    REQUIRE(fill(&fixture, right, "SELECT i * 2 AS a FROM range(3000) r(i)"));
    VV_CLEANUP(vv_buf_done) struct vv_buf sql = VV_BUF_INIT(1 << 16);
    vv_buf_addf(&sql, "SELECT count(*) FROM %.*s l JOIN %.*s r ON l.a = r.a",
        VV_ARG(vv_rowset_sql(left)), VV_ARG(vv_rowset_sql(right)));
    CHECK_INT(number(&fixture, vv_buf_str(&sql).ptr), 1500);
    vv_buf_clear(&sql);
    vv_buf_addf(&sql, "SELECT a FROM %.*s ORDER BY b LIMIT 1", VV_ARG(vv_rowset_sql(left)));
    CHECK_INT(number(&fixture, vv_buf_str(&sql).ptr), 2999);
}

/* Many chunks are read by several threads: each of them once, and in order where order counts. */
TEST(rowset, many_rows_are_each_read_once)
{
    FIXTURE(fixture);
    ROWSET(rowset);
    ROWSET(copy);
    REQUIRE(fill(&fixture, rowset, "SELECT i AS a FROM range(200000) r(i)"));
    CHECK_INT(kept_number(&fixture, rowset, "sum(a)::BIGINT"), INT64_C(199999) * 100000);
    CHECK_INT(kept_number(&fixture, rowset, "count(DISTINCT a)"), 200000);
    VV_CLEANUP(vv_buf_done) struct vv_buf sql = VV_BUF_INIT(1 << 16);
    vv_buf_addf(&sql, "SELECT a FROM %.*s WHERE a %% 2 = 0", VV_ARG(vv_rowset_sql(rowset)));
    REQUIRE(fill(&fixture, copy, vv_buf_str(&sql).ptr));
    VV_CLEANUP(vv_rows_close) struct vv_rows *rows = NULL;
    REQUIRE_OK(&fixture.op, vv_rowset_read(&fixture.op, copy, &rows));
    for (int64_t i = 0; i < 200000; i += 2) {
        bool has_row = false;
        REQUIRE_OK(&fixture.op, vv_rows_next(&fixture.op, rows, &has_row));
        REQUIRE(has_row);
        REQUIRE(CHECK_INT(vv_rows_int64(rows, 0), i));
    }
}

TEST(rowset, its_rows_are_read_one_by_one)
{
    FIXTURE(fixture);
    ROWSET(rowset);
    VV_CLEANUP(vv_rows_close) struct vv_rows *rows = NULL;
    bool has_row = false;
    REQUIRE(fill(&fixture, rowset,
        "SELECT i, CASE WHEN i % 2 = 0 THEN 'text ' || i END AS t FROM range(4100) r(i)"));
    REQUIRE_OK(&fixture.op, vv_rowset_read(&fixture.op, rowset, &rows));
    for (int64_t i = 0; i < 4100; i++) {
        REQUIRE_OK(&fixture.op, vv_rows_next(&fixture.op, rows, &has_row));
        REQUIRE(has_row);
        REQUIRE(CHECK_INT(vv_rows_int64(rows, 0), i));
        REQUIRE(CHECK(vv_rows_is_null(rows, 1) == (i % 2 != 0)));
    }
    REQUIRE_OK(&fixture.op, vv_rows_next(&fixture.op, rows, &has_row));
    CHECK(!has_row);
}

TEST(rowset, few_texts_stay_in_memory_and_many_go_to_a_table)
{
    FIXTURE(fixture);
    ROWSET(rowset);
    const struct vv_str columns[] = {VV_STR("t")};
    const struct vv_load_target target = {.table = VV_STR("rows"),
        .row_column = VV_STR("_row"),
        .rowset = rowset,
        .rows_max = 5000};
    static const int64_t counts[] = {0, 1, 2048, 2049, 5000};
    for (size_t i = 0; i <= VV_COUNT(counts); i++) {
        VV_CLEANUP(vv_text_appender_close) struct vv_text_appender *appender = NULL;
        int64_t count = i < VV_COUNT(counts) ? counts[i] : 5001;
        REQUIRE_OK(&fixture.op, vv_text_appender_open_at(&fixture.op, fixture.session, &target,
                                    columns, 1, &appender));
        for (int64_t row = 1; row <= count; row++) {
            struct vv_str value = row % 3 == 0 ? VV_STR_NONE : VV_STR("more than twelve bytes");
            REQUIRE_OK(&fixture.op, vv_text_appender_row(&fixture.op, appender, row, &value));
        }
        REQUIRE_OK(&fixture.op, vv_text_appender_finish(&fixture.op, appender));
        CHECK_INT(vv_rowset_rows(rowset), count <= 5000 ? count : 0);
        if (count <= 5000)
            CHECK_INT(kept_number(&fixture, rowset, "count(t)"), count - count / 3);
    }
    CHECK_INT(number(&fixture, "SELECT count(*) FROM rows"), 5001);
    CHECK_INT(number(&fixture, "SELECT sum(_row) FROM rows"), 5001 * 5002 / 2);
    CHECK_INT(number(&fixture, "SELECT count(t) FROM rows"), 3334);
}

TEST(rowset, no_statement_reaches_rows_that_are_not_there)
{
    FIXTURE(fixture);
    VV_CLEANUP(vv_rows_close) struct vv_rows *rows = NULL;
    CHECK_FAILS(&fixture.op,
        vv_session_query(&fixture.op, fixture.session, VV_STR("FROM vv_rows(999)"), &rows),
        VARVE_EFAILED);
    ROWSET(rowset);
    VV_CLEANUP(vv_buf_done) struct vv_buf sql = VV_BUF_INIT(1 << 16);
    vv_buf_addf(&sql, "FROM %.*s", VV_ARG(vv_rowset_sql(rowset)));
    CHECK_FAILS(&fixture.op,
        vv_session_query(&fixture.op, fixture.session, vv_buf_str(&sql), &rows), VARVE_EFAILED);
}

TEST(rowset, parameters_are_numbers_too)
{
    FIXTURE(fixture);
    ROWSET(rowset);
    for (int64_t value = -2; value < 3; value++) {
        const struct vv_sql_param param = {
            .name = VV_STR("now"), .is_number = true, .number = value * 1000000};
        const struct vv_sql_params params = {&param, 1};
        const struct vv_query query = {.sql = VV_STR("SELECT make_timestamptz($now) AS at"),
            .params = &params,
            .is_kept = true};
        VV_CLEANUP(vv_rows_close) struct vv_rows *rows = NULL;
        bool has_row = false;
        REQUIRE_OK(&fixture.op, vv_rowset_fill(&fixture.op, rowset, &query));
        REQUIRE_OK(&fixture.op, vv_rowset_read(&fixture.op, rowset, &rows));
        REQUIRE_OK(&fixture.op, vv_rows_next(&fixture.op, rows, &has_row));
        REQUIRE(has_row);
        CHECK_INT(vv_rows_int64(rows, 0), value * 1000000);
    }
}

TEST(rowset, more_statements_than_are_kept_all_go_on_to_work)
{
    FIXTURE(fixture);
    ROWSET(rowset);
    REQUIRE(fill(&fixture, rowset, "SELECT 5 AS x"));
    for (int round = 0; round < 2; round++)
        for (int i = 0; i < 40; i++) {
            char what[32];
            (void)snprintf(what, sizeof(what), "x + %d", i);
            REQUIRE(CHECK_INT(kept_number(&fixture, rowset, what), 5 + i));
        }
}

TEST(rowset, a_statement_that_failed_works_the_next_time)
{
    FIXTURE(fixture);
    ROWSET(rowset);
    REQUIRE(fill(&fixture, rowset, "SELECT 5 AS x"));
    CHECK_INT(kept_number(&fixture, rowset, "x"), 5);
    const struct vv_query query = {.sql = VV_STR("SELECT error('no')"), .is_kept = true};
    CHECK_FAILS(&fixture.op, vv_rowset_fill(&fixture.op, rowset, &query), VARVE_EFAILED);
    CHECK_INT(vv_rowset_rows(rowset), 0);
    vv_seam_set("fail=engine.query:1");
    CHECK_FAILS(&fixture.op, vv_rowset_fill(&fixture.op, rowset, &query), VARVE_EIO);
    vv_seam_set("");
    REQUIRE(fill(&fixture, rowset, "SELECT 6 AS x"));
    CHECK_INT(kept_number(&fixture, rowset, "x"), 6);
}

TEST(rowset, its_first_columns_are_a_stream_that_outlives_it)
{
    const struct vv_str names[] = {VV_STR("Number"), VV_STR("when")};
    FIXTURE(fixture);
    struct vv_rowset *rowset = NULL;
    struct ArrowArrayStream stream;
    struct ArrowSchema schema;
    int64_t rows = 0;
    int64_t sum = 0;
    REQUIRE_OK(&fixture.op, vv_rowset_open(&fixture.op, fixture.session, &rowset));
    REQUIRE(fill(&fixture, rowset,
        "SELECT i, TIMESTAMPTZ '2025-01-30 10:00:00+00' AS t, 'not shown' AS x FROM "
        "range(5000) "
        "r(i)"));
    bool is_made = CHECK_OK(&fixture.op,
        vv_rowset_stream(&fixture.op, rowset, names, VV_COUNT(names), &stream));
    vv_rowset_close(&rowset);
    REQUIRE(is_made && CHECK_INT(stream.get_schema(&stream, &schema), 0));
    CHECK_INT(schema.n_children, 2);
    CHECK_STR(vv_str_of(schema.children[0]->name), "Number");
    CHECK_STR(vv_str_of(schema.children[1]->name), "when");
    CHECK_STR(vv_str_of(schema.children[1]->format), "tsu:UTC");
    schema.release(&schema);
    for (;;) {
        struct ArrowArray array;
        if (!CHECK_INT(stream.get_next(&stream, &array), 0) || array.release == NULL)
            break;
        CHECK_INT(array.n_children, 2);
        for (int64_t row = 0; row < array.length; row++)
            sum += ((const int64_t *)array.children[0]->buffers[1])[row];
        rows += array.length;
        array.release(&array);
    }
    stream.release(&stream);
    CHECK_INT(rows, 5000);
    CHECK_INT(sum, 12497500);
}

TEST(rowset, no_rows_are_a_stream_of_none)
{
    const struct vv_str names[] = {VV_STR("i")};
    FIXTURE(fixture);
    ROWSET(rowset);
    struct ArrowArrayStream stream;
    struct ArrowArray array;
    REQUIRE(fill(&fixture, rowset, "SELECT i FROM range(0) r(i)"));
    REQUIRE_OK(&fixture.op, vv_rowset_stream(&fixture.op, rowset, names, 1, &stream));
    if (CHECK_INT(stream.get_next(&stream, &array), 0))
        CHECK(array.release == NULL);
    stream.release(&stream);
}

TEST(rowset, many_rows_come_in_their_order_as_long_as_they_fit)
{
    FIXTURE(fixture);
    ROWSET(rowset);
    const struct vv_query query = {
        .sql = VV_STR("SELECT i AS a, 'a text that is no short one ' || i AS t "
                      "FROM range(100000) r(i) WHERE i % 2 = 0")};
    bool fits = false;
    REQUIRE_OK(&fixture.op,
        vv_rowset_fill_many(&fixture.op, rowset, &query, INT64_C(32) << 20, &fits));
    CHECK(fits);
    CHECK_INT(vv_rowset_rows(rowset), 50000);
    int64_t bytes = vv_rowset_bytes(rowset);
    VV_CLEANUP(vv_rows_close) struct vv_rows *rows = NULL;
    REQUIRE_OK(&fixture.op, vv_rowset_read(&fixture.op, rowset, &rows));
    for (int64_t i = 0; i < 100000; i += 2) {
        bool has_row = false;
        REQUIRE_OK(&fixture.op, vv_rows_next(&fixture.op, rows, &has_row));
        REQUIRE(has_row);
        REQUIRE(CHECK_INT(vv_rows_int64(rows, 0), i));
    }
    CHECK_OK(&fixture.op, vv_rowset_fill_many(&fixture.op, rowset, &query, bytes, &fits));
    CHECK(fits);
    CHECK_OK(&fixture.op, vv_rowset_fill_many(&fixture.op, rowset, &query, bytes - 1, &fits));
    CHECK(!fits);
    CHECK_INT(vv_rowset_rows(rowset), 0);
    CHECK_INT(kept_number(&fixture, rowset, "count(*)"), 0);
}

TEST(rowset, many_rows_that_fail_in_the_middle_are_none)
{
    FIXTURE(fixture);
    ROWSET(rowset);
    const struct vv_query query = {
        .sql = VV_STR("SELECT CASE WHEN i = 90000 THEN error('no') ELSE i END AS a "
                      "FROM range(100000) r(i)")};
    bool fits = false;
    CHECK_FAILS(&fixture.op,
        vv_rowset_fill_many(&fixture.op, rowset, &query, INT64_MAX - 1, &fits), VARVE_EFAILED);
    CHECK_INT(vv_rowset_rows(rowset), 0);
    CHECK_INT(number(&fixture, "SELECT 7"), 7);
}

#define PART_SQL \
    "SELECT i AS a, 'a text that is no short one ' || i AS t FROM range(100000) r(i) "

TEST(rowset, rows_of_several_queries_lie_one_after_the_other)
{
    FIXTURE(fixture);
    ROWSET(rowset);
    const struct vv_query parts[] = {{.sql = VV_STR(PART_SQL "WHERE i < 41000")},
        {.sql = VV_STR(PART_SQL "WHERE i < 0")}, {.sql = VV_STR(PART_SQL "WHERE i >= 41000")}};
    bool fits = false;
    REQUIRE(fill(&fixture, rowset, "SELECT 'others' AS o"));
    REQUIRE_OK(&fixture.op, vv_rowset_fill_parts(&fixture.op, rowset, parts, VV_COUNT(parts),
                                INT64_C(64) << 20, &fits));
    CHECK(fits);
    CHECK_INT(vv_rowset_rows(rowset), 100000);
    CHECK_INT(kept_number(&fixture, rowset, "count(DISTINCT t)"), 100000);
    VV_CLEANUP(vv_rows_close) struct vv_rows *rows = NULL;
    REQUIRE_OK(&fixture.op, vv_rowset_read(&fixture.op, rowset, &rows));
    for (int64_t i = 0; i < 100000; i++) {
        bool has_row = false;
        REQUIRE_OK(&fixture.op, vv_rows_next(&fixture.op, rows, &has_row));
        REQUIRE(has_row);
        REQUIRE(CHECK_INT(vv_rows_int64(rows, 0), i));
    }
    /* The longest has three fifths of them, and a third of the bytes. */
    int64_t bytes = vv_rowset_bytes(rowset);
    CHECK_OK(&fixture.op,
        vv_rowset_fill_parts(&fixture.op, rowset, parts, VV_COUNT(parts), bytes, &fits));
    CHECK(!fits);
    CHECK_INT(vv_rowset_rows(rowset), 0);
}

TEST(rowset, of_queries_of_which_one_fails_there_are_no_rows)
{
    FIXTURE(fixture);
    ROWSET(rowset);
    const struct vv_query parts[] = {{.sql = VV_STR("FROM range(100000) r(i)")},
        {.sql = VV_STR("SELECT CASE WHEN i = 90000 THEN error('no') ELSE i END AS i "
                       "FROM range(100000) r(i)")}};
    const struct vv_query others[] = {
        {.sql = VV_STR("SELECT 1 AS i")}, {.sql = VV_STR("SELECT 'text' AS i")}};
    bool fits = false;
    CHECK_FAILS(&fixture.op,
        vv_rowset_fill_parts(&fixture.op, rowset, parts, 2, INT64_C(64) << 20, &fits),
        VARVE_EFAILED);
    CHECK_INT(vv_rowset_rows(rowset), 0);
    CHECK_FAILS(&fixture.op,
        vv_rowset_fill_parts(&fixture.op, rowset, others, 2, INT64_C(64) << 20, &fits),
        VARVE_EFAILED);
    CHECK_INT(vv_rowset_rows(rowset), 0);
    CHECK_INT(number(&fixture, "SELECT 7"), 7);
}

/* How rows of (number, key, key, part) lie. */
static struct vv_rowset_order order_of(struct fixture *fixture, struct vv_rowset *rowset,
    const char *rows)
{
    static const uint32_t key[] = {1, 2};
    static const uint32_t parts[] = {3};
    VV_CLEANUP(vv_buf_done) struct vv_buf sql = VV_BUF_INIT(1 << 16);
    struct vv_rowset_order order = {.is_known = false};
    vv_buf_addf(&sql, "SELECT n::BIGINT, a, b, p FROM (%s) AS r(n, a, b, p)", rows);
    if (fill(fixture, rowset, vv_buf_str(&sql).ptr))
        CHECK_OK(&fixture->op,
            vv_rowset_order(&fixture->op, rowset, &(struct vv_rowset_part){key, 2},
                &(struct vv_rowset_part){parts, 1}, &order));
    return order;
}

TEST(rowset, tells_how_its_rows_lie)
{
    static const struct {
        const char *rows, *order; /* ascends, is numbered, runs, the longest of them */
    } cases[] = {
        {"VALUES (1, 1, 'a', 1), (2, 1, 'b', 1), (3, 2, 'a', 2)", "1 1 2 2"},
        {"VALUES (1, 1, 'a', 1), (2, 1, 'a', 1)", "0 1 1 2"},
        {"VALUES (1, 1, 'b', 1), (2, 1, 'a', 1)", "0 1 1 2"},
        {"VALUES (1, 2, 'a', 1), (2, 1, 'b', 2), (3, 1, 'c', 1)", "0 1 3 1"},
        {"VALUES (1, 1, 'a', 1), (3, 1, 'b', 1)", "1 0 1 2"},
        {"VALUES (1, 1, 'a', 'x'), (2, 1, 'ab', 'x'), (3, 1, 'b', 'y')", "1 1 2 2"},
        {"VALUES (1, 1, 'a text of some length', 1), (2, 1, 'a text of some length and more', "
         "1), (3, 1, 'a text of sone', 1)",
            "1 1 1 3"},
        {"VALUES (1, 1, chr(127), 1), (2, 1, chr(233), 1)", "1 1 1 2"},
        {"VALUES (1, TIMESTAMPTZ '1969-12-31 23:59:59Z', DATE '1969-12-31', DATE "
         "'1969-12-31'), "
         "(2, TIMESTAMPTZ '1970-01-01 00:00:00Z', DATE '1960-01-01', DATE '1970-01-01')",
            "1 1 2 1"},
        {"VALUES (1, 1, 2::INTEGER, -1::INTEGER), (2, 1, -2::INTEGER, -1::INTEGER)", "0 1 1 2"},
        {"VALUES (1, 1, 'a', 1), (2, 1, NULL, 1)", "unknown"},
        {"VALUES (1, 1, 'a', NULL), (2, 1, 'b', 1)", "unknown"},
        {"VALUES (1, 1.5::DOUBLE, 'a', 1)", "unknown"},
        {"VALUES (1, 1, 'a', 1.5)", "unknown"},
        {"SELECT i + 1, i // 3, (i % 3)::VARCHAR, i // 2500 FROM range(10000) r(i)",
            "1 1 4 2500"},
        {"SELECT i + 1, CASE WHEN i = 6144 THEN 0 ELSE i END, 'x', i // 4096 FROM range(10000) "
         "r(i)",
            "0 1 3 4096"},
        {"SELECT i + 1, i, 'x', 7 FROM range(5000) r(i)", "1 1 1 5000"},
    };
    FIXTURE(fixture);
    ROWSET(rowset);
    for (size_t i = 0; i < VV_COUNT(cases); i++) {
        struct vv_rowset_order order = order_of(&fixture, rowset, cases[i].rows);
        VV_CLEANUP(vv_buf_done) struct vv_buf told = VV_BUF_INIT(1 << 10);
        VV_CLEANUP(vv_buf_done) struct vv_buf wanted = VV_BUF_INIT(1 << 16);
        vv_buf_addf(&told, "%s: ", cases[i].rows);
        vv_buf_addf(&wanted, "%s: %s", cases[i].rows, cases[i].order);
        if (order.is_known)
            vv_buf_addf(&told, "%d %d %" PRId64 " %" PRId64, order.ascends, order.is_numbered,
                order.runs, order.run_max);
        else
            vv_buf_adds(&told, "unknown");
        CHECK_STR(vv_buf_str(&told).ptr, vv_buf_str(&wanted).ptr);
    }
}
