#include "engine/parquet.h"

#include <stdio.h>

#include "engine/rowset.h"
#include "engine/sql.h"

#include "fixture.h"

static bool write_file(struct fixture *fixture, const char *select, int64_t row_group_rows,
    struct vv_parquet_written *out)
{
    const struct vv_parquet_write write = {.select_sql = vv_str_of(select),
        .path = vv_str_of(test_path("t.parquet")),
        .row_group_rows = row_group_rows};
    return CHECK_OK(&fixture->op,
        vv_parquet_write(&fixture->op, fixture->session, &write, &fixture->op.arena, out));
}

static const struct vv_column_stats *column_of(const struct vv_parquet_written *written,
    const char *name)
{
    for (size_t index = 0; index < written->columns_len; index++)
        if (vv_str_eq(written->columns[index].name, vv_str_of(name)))
            return &written->columns[index];
    return NULL;
}

/* Statistics of the column x of a table of one column, of which the values are listed. */
struct bounds_case {
    const char *values; /* of VALUES: "(1), (2)" */
    const char *type;
    const char *min; /* NULL: no bounds */
    const char *max;
    int64_t null_count;
};

static const struct bounds_case bounds_cases[] = {
    {"(3), (1), (NULL), (2)", "INTEGER", "1", "3", 1},
    {"(-128), (127)", "TINYINT", "-128", "127", 0},
    {"(-32768), (32767)", "SMALLINT", "-32768", "32767", 0},
    {"(-9223372036854775808), (9223372036854775807)", "BIGINT", "-9223372036854775808",
        "9223372036854775807", 0},
    {"(NULL), (NULL)", "BIGINT", NULL, NULL, 2},
    {"(1.5), (-1.25)", "DECIMAL(4, 2)", "-1.25", "1.50", 0},
    {"(123456.789), (0)", "DECIMAL(9, 3)", "0.000", "123456.789", 0},
    {"(-0.01), (12345678901234.5)", "DECIMAL(18, 2)", "-0.01", "12345678901234.50", 0},
    {"(12345678901234567890123456789.123456789), (-0.000000001)", "DECIMAL(38, 9)",
        "-0.000000001", "12345678901234567890123456789.123456789", 0},
    {"(99999999999999999999999999999999999999)", "DECIMAL(38, 0)",
        "99999999999999999999999999999999999999", "99999999999999999999999999999999999999", 0},
    {"(0.1), (1e300), (-1.7976931348623157e308)", "DOUBLE", "-1.7976931348623157e+308",
        "1e+300", 0},
    {"(5e-324), (0.30000000000000004)", "DOUBLE", "5e-324", "0.30000000000000004", 0},
    {"('inf'), ('-inf'), ('1')", "DOUBLE", "-inf", "inf", 0},
    {"('nan'), ('2'), ('1')", "DOUBLE", "1.0", "2.0", 0},
    {"('nan'), ('nan')", "DOUBLE", NULL, NULL, 0},
    {"(0.0), (1)", "DOUBLE", "-0.0", "1.0", 0},
    {"(-0.0), (0.0)", "DOUBLE", "-0.0", "0.0", 0},
    {"(-0.0)", "FLOAT", "-0.0", "0.0", 0},
    {"(0.1), (16777216)", "FLOAT", "0.1", "16777216.0", 0},
    {"('b'), (''), ('a')", "VARCHAR", "", "b", 0},
    {"('it''s'), ('a\"b'), ('a' || chr(10) || 'b')", "VARCHAR", "a\nb", "it's", 0},
    {"('é'), ('z'), ('日本')", "VARCHAR", "z", "日本", 0},
    {"('NULL'), ('null')", "VARCHAR", "NULL", "null", 0},
    {"('a, b=[c]'), ('{x: y}')", "VARCHAR", "a, b=[c]", "{x: y}", 0},
    {"('1969-12-31'), ('0001-01-01'), ('9999-12-31')", "DATE", "0001-01-01", "9999-12-31", 0},
    {"('2025-01-30 10:00:00.123456+02'), ('2025-01-30 08:00:00+00')", "TIMESTAMPTZ",
        "2025-01-30 08:00:00+00", "2025-01-30 08:00:00.123456+00", 0},
    {"('1969-12-31 23:59:59.999999+00')", "TIMESTAMPTZ", "1969-12-31 23:59:59.999999+00",
        "1969-12-31 23:59:59.999999+00", 0},
    {"('2025-01-30 10:00:00.1'), ('0001-01-01 00:00:00')", "TIMESTAMP", "0001-01-01 00:00:00",
        "2025-01-30 10:00:00.1", 0},
    {"(true), (false), (NULL)", "BOOLEAN", "0", "1", 1},
    {"('\\x00\\xFF')", "BLOB", "00FF", "00FF", 0},
};

TEST(parquet, bounds_of_every_type)
{
    FIXTURE(fixture);
    for (size_t index = 0; index < VV_COUNT(bounds_cases); index++) {
        const struct bounds_case *expected = &bounds_cases[index];
        VV_CLEANUP(vv_buf_done) struct vv_buf sql = VV_BUF_INIT(10000);
        vv_buf_addf(&sql, "SELECT x::%s AS x FROM (VALUES %s) t(x)", expected->type,
            expected->values);
        struct vv_parquet_written written;
        REQUIRE(write_file(&fixture, vv_buf_str(&sql).ptr, 0, &written));
        const struct vv_column_stats *column = column_of(&written, "x");
        REQUIRE(column != NULL);
        bool ok = CHECK_INT(column->null_count, expected->null_count);
        ok = CHECK(column->has_bounds == (expected->min != NULL)) && ok;
        ok = CHECK_STR(column->min, expected->min) && ok;
        ok = CHECK_STR(column->max, expected->max) && ok;
        ok = CHECK(column->min_exact == column->has_bounds) && ok;
        if (!ok)
            printf("# %s\n", vv_buf_str(&sql).ptr);
    }
}

TEST(parquet, rows_bytes_and_paths)
{
    FIXTURE(fixture);
    struct vv_parquet_written written;
    REQUIRE(write_file(&fixture,
        "SELECT i AS \"a.b\", {'c': i, 'd e': {'f\"g': 'x'}} AS s, [{'h': i}] AS l, "
        "MAP {'k': i} AS m FROM range(10) r(i)",
        0, &written));
    CHECK_INT(written.rows, 10);
    CHECK_INT(written.bytes, test_file_read(test_path("t.parquet")).len);
    CHECK_INT(written.columns_len, 6);
    const struct vv_column_stats *column = column_of(&written, "a.b");
    REQUIRE(column != NULL);
    CHECK_INT(column->path_len, 1);
    column = column_of(&written, "s.d e.f\"g");
    REQUIRE(column != NULL);
    REQUIRE(column->path_len == 3);
    CHECK_STR(column->path[0], "s");
    CHECK_STR(column->path[1], "d e");
    CHECK_STR(column->path[2], "f\"g");
    CHECK_STR(column->max, "x");
    CHECK(column_of(&written, "s.c") != NULL);
    CHECK(column_of(&written, "l.element.h") != NULL);
    CHECK(column_of(&written, "m.key") != NULL);
    CHECK(column_of(&written, "m.value") != NULL);
}

TEST(parquet, no_rows)
{
    FIXTURE(fixture);
    struct vv_parquet_written written;
    REQUIRE(write_file(&fixture, "SELECT 1 AS i, 1.5::DOUBLE AS f WHERE false", 0, &written));
    CHECK_INT(written.rows, 0);
    CHECK(!column_of(&written, "i")->has_bounds);
    CHECK_INT(column_of(&written, "i")->null_count, 0);
}

/* What is said of long strings holds; that it is exact only where it is. */
TEST(parquet, bounds_of_long_strings_hold)
{
    static const char *const selects[] = {
        "SELECT repeat('a', 255) AS x",
        "SELECT repeat('a', 256) AS x",
        "SELECT repeat('a', 257) || i AS x FROM range(10) r(i)",
        "SELECT repeat('a', 255) || 'é' || i AS x FROM range(10) r(i)",
        "SELECT repeat('é', 200) || i AS x FROM range(10) r(i)",
        "SELECT repeat(chr(127), 300) AS x UNION ALL SELECT 'a'",
        "SELECT repeat('z', 1000) AS x UNION ALL SELECT 'zz'",
        "SELECT repeat('日本', 43) AS x",
        "SELECT 'a' || repeat(chr(127), 300) AS x",
        "SELECT repeat('a', 253) || '😀' AS x",
        "SELECT repeat('a', 252) || '😀' || 'b' AS x",
        "SELECT repeat('a', 254) || chr(127) || '日' AS x",
    };
    FIXTURE(fixture);
    for (size_t index = 0; index < VV_COUNT(selects); index++) {
        struct vv_parquet_written written;
        REQUIRE(write_file(&fixture, selects[index], 0, &written));
        const struct vv_column_stats *column = column_of(&written, "x");
        REQUIRE(column != NULL);
        if (!column->has_bounds)
            continue;
        VV_CLEANUP(vv_buf_done) struct vv_buf sql = VV_BUF_INIT(100000);
        vv_buf_addf(&sql, "SELECT count(*) FROM (%s) WHERE x < ", selects[index]);
        vv_sql_literal(&sql, column->min);
        vv_buf_adds(&sql, " OR x > ");
        vv_sql_literal(&sql, column->max);
        if (!CHECK_INT(number(&fixture, vv_buf_str(&sql).ptr), 0))
            printf("# %s\n", selects[index]);
        vv_buf_clear(&sql);
        vv_buf_addf(&sql, "SELECT count(*) FROM (%s) WHERE x = ", selects[index]);
        vv_sql_literal(&sql, column->min);
        if (column->min_exact && !CHECK(number(&fixture, vv_buf_str(&sql).ptr) > 0))
            printf("# %s\n", selects[index]);
        CHECK(!column->max_exact);
    }
}

/* Where RETURN_STATS tells of the last row group alone, and where there is only one. */
TEST(parquet, nan_in_any_row_group_is_seen)
{
    FIXTURE(fixture);
    static const int64_t places[] = {5, 2047, 2048, 3000, 4095, 5, 4095};
    for (size_t index = 0; index < VV_COUNT(places); index++) {
        int64_t group_rows = index < 5 ? 2048 : 4096;
        VV_CLEANUP(vv_buf_done) struct vv_buf sql = VV_BUF_INIT(10000);
        vv_buf_addf(&sql,
            "SELECT CASE WHEN i = %d THEN 'nan'::DOUBLE ELSE i END AS f, "
            "i::FLOAT AS clean, NULL::DOUBLE AS none, CASE WHEN i < 2048 THEN 1.5::DOUBLE END "
            "AS "
            "half, {'f': CASE WHEN i = %d THEN 'nan'::DOUBLE ELSE i END} AS s, i "
            "FROM range(4096) r(i) ORDER BY i",
            (int)places[index], (int)places[index]);
        struct vv_parquet_written written;
        REQUIRE(write_file(&fixture, vv_buf_str(&sql).ptr, group_rows, &written));
        static const struct {
            const char *name;
            bool nan_known;
            bool has_nan;
        } expected[] = {{"f", true, true}, {"clean", true, false}, {"none", true, false},
            {"half", true, false}, {"s.f", true, true}, {"i", false, false}};
        for (size_t at = 0; at < VV_COUNT(expected); at++) {
            const struct vv_column_stats *column = column_of(&written, expected[at].name);
            REQUIRE(column != NULL);
            bool ok = CHECK(column->nan_known == expected[at].nan_known);
            ok = CHECK(column->has_nan == expected[at].has_nan) && ok;
            if (!ok)
                printf("# %s, NaN at %d\n", expected[at].name, (int)places[index]);
        }
        CHECK_STR(column_of(&written, "f")->max, places[index] == 4095 ? "4094.0" : "4095.0");
    }
}

/* Threads that finish in any order must not part a small file into row groups unseen. */
TEST(parquet, nan_of_rows_without_order_is_seen)
{
    FIXTURE(fixture);
    REQUIRE(run(&fixture, "SET threads = 4"));
    REQUIRE(run(&fixture, "CREATE TEMP TABLE big AS SELECT i FROM range(1000000) r(i)"));
    for (int turn = 0; turn < 5; turn++) {
        struct vv_parquet_written written;
        REQUIRE(write_file(&fixture,
            "SELECT CASE WHEN i % 20011 = 7 THEN 'nan'::DOUBLE ELSE i END AS f "
            "FROM (SELECT DISTINCT i FROM big WHERE i % 17 = 0)",
            0, &written));
        CHECK(column_of(&written, "f")->has_nan);
        REQUIRE(write_file(&fixture, "SELECT DISTINCT i::DOUBLE AS f FROM big WHERE i % 17 = 0",
            0, &written));
        CHECK(column_of(&written, "f")->nan_known && !column_of(&written, "f")->has_nan);
    }
}

TEST(parquet, field_ids)
{
    FIXTURE(fixture);
    static const struct vv_parquet_column columns[] = {{{"i", 1}, 1}, {{"q\"u'o", 5}, 2},
        {{"s", 1}, 3}, {{"none", 4}, 0}, {{"l", 1}, 7}, {{"m", 1}, 10}};
    static const struct vv_str s_a[] = {{"s", 1}, {"a", 1}};
    static const struct vv_str s_b[] = {{"s", 1}, {"b", 1}};
    static const struct vv_str s_b_c[] = {{"s", 1}, {"b", 1}, {"c", 1}};
    static const struct vv_str l_element[] = {{"l", 1}, {"element", 7}};
    static const struct vv_str l_element_z[] = {{"l", 1}, {"element", 7}, {"z", 1}};
    static const struct vv_str m_value[] = {{"m", 1}, {"value", 5}};
    static const struct vv_parquet_nested nested[] = {{s_b_c, 3, 6}, {s_a, 2, 4}, {s_b, 2, 5},
        {l_element, 2, 8}, {l_element_z, 3, 9}, {m_value, 2, 11}};
    const struct vv_parquet_write write = {
        .select_sql = VV_STR("SELECT 1 AS i, 2 AS \"q\"\"u'o\", {'a': 1, 'b': {'c': 2}} AS s, "
                             "3 AS none, [{'z': 1}] AS l, MAP {'k': 1} AS m"),
        .path = vv_str_of(test_path("ids.parquet")),
        .columns = columns,
        .columns_len = VV_COUNT(columns),
        .nested = nested,
        .nested_len = VV_COUNT(nested),
    };
    struct vv_parquet_written written;
    REQUIRE_OK(&fixture.op,
        vv_parquet_write(&fixture.op, fixture.session, &write, &fixture.op.arena, &written));
    VV_CLEANUP(vv_buf_done) struct vv_buf sql = VV_BUF_INIT(10000);
    vv_buf_addf(&sql,
        "SELECT string_agg(name || '=' || field_id, ' ' ORDER BY field_id) FROM "
        "parquet_schema('%s') WHERE field_id IS NOT NULL",
        write.path.ptr);
    CHECK_STR(text(&fixture, vv_buf_str(&sql).ptr),
        "i=1 q\"u'o=2 s=3 a=4 b=5 c=6 l=7 element=8 z=9 m=10 value=11");
}

/* Another name is given to each file, as write.c does: the one of the statement is free again. */
TEST(parquet, a_statement_that_stays_prepared_writes_the_same_files)
{
    FIXTURE(fixture);
    struct vv_op *op = &fixture.op;
    static const char *const rows[] = {"SELECT 1 AS i, 'a' AS t, {'f': 0.5::DOUBLE} AS s",
        "SELECT i, 't' || i AS t, {'f': CASE WHEN i % 3 > 0 THEN 'nan'::DOUBLE END} AS s FROM "
        "(SELECT range::INTEGER AS i FROM range(3000))",
        "SELECT 1 AS i, NULL::VARCHAR AS t, NULL::STRUCT(f DOUBLE) AS s LIMIT 0",
        "SELECT -i AS i, 'u' AS t, {'f': -0.0::DOUBLE} AS s FROM (SELECT range::INTEGER AS i "
        "FROM "
        "range(7))"};
    const struct vv_str path[] = {VV_STR("s"), VV_STR("f")};
    const struct vv_parquet_column columns[] = {
        {VV_STR("i"), 3}, {VV_STR("t"), 4}, {VV_STR("s"), 5}};
    const struct vv_parquet_nested nested = {path, 2, 6};
    VV_CLEANUP(vv_rowset_close) struct vv_rowset *rowset = NULL;
    REQUIRE_OK(op, vv_rowset_open(op, fixture.session, &rowset));
    struct vv_parquet_write write = {.columns = columns,
        .columns_len = VV_COUNT(columns),
        .nested = &nested,
        .nested_len = 1,
        .select_sql =
            vv_arena_format(&op->arena, "SELECT * FROM %.*s", VV_ARG(vv_rowset_sql(rowset)))};
    for (size_t round = 0; round < 2 * VV_COUNT(rows); round++) {
        const struct vv_query query = {.sql = vv_str_of(rows[round % VV_COUNT(rows)])};
        struct vv_parquet_written written[2];
        struct vv_str bytes[2];
        REQUIRE_OK(op, vv_rowset_fill(op, rowset, &query));
        for (size_t way = 0; way < 2; way++) {
            write.is_kept = way == 1;
            write.path = vv_str_of(test_path(way == 1 ? "kept.parquet" : "other.parquet"));
            REQUIRE_OK(op,
                vv_parquet_write(op, fixture.session, &write, &op->arena, &written[way]));
            bytes[way] = test_file_read(write.path.ptr);
            REQUIRE(remove(write.path.ptr) == 0);
        }
        CHECK(vv_str_eq(bytes[0], bytes[1]));
        CHECK_INT(written[0].rows, vv_rowset_rows(rowset));
        CHECK_INT(written[0].rows, written[1].rows);
        CHECK_INT(written[0].bytes, written[1].bytes);
        REQUIRE(CHECK_INT(written[0].columns_len, written[1].columns_len));
        for (size_t i = 0; i < written[0].columns_len; i++) {
            CHECK(vv_str_eq(written[0].columns[i].min, written[1].columns[i].min));
            CHECK(vv_str_eq(written[0].columns[i].max, written[1].columns[i].max));
            CHECK_INT(written[0].columns[i].null_count, written[1].columns[i].null_count);
            CHECK_INT(written[0].columns[i].has_nan, written[1].columns[i].has_nan);
        }
    }
}

TEST(parquet, files_are_zstd_with_pages_v1_and_times_in_utc)
{
    FIXTURE(fixture);
    struct vv_parquet_written written;
    REQUIRE(write_file(&fixture,
        "SELECT TIMESTAMPTZ '2025-01-30 10:00:00+00' AS z, TIMESTAMP '2025-01-30 10:00:00' AS "
        "n",
        0, &written));
    VV_CLEANUP(vv_buf_done) struct vv_buf sql = VV_BUF_INIT(10000);
    vv_buf_addf(&sql, "SELECT DISTINCT compression FROM parquet_metadata('%s')",
        test_path("t.parquet"));
    CHECK_STR(text(&fixture, vv_buf_str(&sql).ptr), "ZSTD");
    vv_buf_clear(&sql);
    vv_buf_addf(&sql, "SELECT string_agg(logical_type, ' ') FROM parquet_schema('%s')",
        test_path("t.parquet"));
    struct vv_str logical = text(&fixture, vv_buf_str(&sql).ptr);
    CHECK(strstr(logical.ptr, "isAdjustedToUTC=1") != NULL);
    CHECK(strstr(logical.ptr, "isAdjustedToUTC=0") != NULL);
    CHECK(strstr(logical.ptr, "MICROS") != NULL);
}

TEST(parquet, a_path_cannot_break_out_of_its_quotes)
{
    FIXTURE(fixture);
    struct vv_parquet_written written;
    const struct vv_parquet_write write = {
        .select_sql = VV_STR("SELECT 1 AS i -- a comment at the end"),
        .path = vv_str_of(test_path("it's [1]*.parquet")),
    };
    REQUIRE_OK(&fixture.op,
        vv_parquet_write(&fixture.op, fixture.session, &write, &fixture.op.arena, &written));
    CHECK_INT(test_file_read(write.path.ptr).len, written.bytes);
}

TEST(parquet, a_folder_that_is_not_there_is_io)
{
    FIXTURE(fixture);
    struct vv_parquet_written written;
    const struct vv_parquet_write write = {.select_sql = VV_STR("SELECT 1 AS i"),
        .path = vv_str_of(test_path("no/such/folder.parquet"))};
    CHECK_FAILS(&fixture.op,
        vv_parquet_write(&fixture.op, fixture.session, &write, &fixture.op.arena, &written),
        VARVE_EIO);
}
