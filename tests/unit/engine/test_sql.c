#include "engine/sql.h"

#include "fixture.h"

static struct vv_str built(struct vv_buf *buf)
{
    CHECK(vv_buf_ok(buf));
    return vv_buf_str(buf);
}

TEST(sql, names_and_literals_are_quoted)
{
    static const struct {
        struct vv_str text;
        const char *name;
        const char *literal;
    } cases[] = {
        {{"a", 1}, "\"a\"", "'a'"},
        {{"", 0}, "\"\"", "''"},
        {{"a\"b", 3}, "\"a\"\"b\"", "'a\"b'"},
        {{"\"", 1}, "\"\"\"\"", "'\"'"},
        {{"it's", 4}, "\"it's\"", "'it''s'"},
        {{"''", 2}, "\"''\"", "''''''"},
        {{"a\\'b", 4}, "\"a\\'b\"", "'a\\''b'"},
        {{"x'); DROP TABLE t; --", 21}, "\"x'); DROP TABLE t; --\"",
            "'x''); DROP TABLE t; --'"},
    };
    for (size_t index = 0; index < VV_COUNT(cases); index++) {
        VV_CLEANUP(vv_buf_done) struct vv_buf name = VV_BUF_INIT(1000);
        VV_CLEANUP(vv_buf_done) struct vv_buf literal = VV_BUF_INIT(1000);
        vv_sql_name(&name, cases[index].text);
        vv_sql_literal(&literal, cases[index].text);
        CHECK_STR(built(&name), cases[index].name);
        CHECK_STR(built(&literal), cases[index].literal);
    }
}

/* Each byte twice, in every place: what goes in as a literal comes out as a value. */
TEST(sql, literals_come_back_as_they_were)
{
    FIXTURE(fixture);
    for (int byte = 0; byte < 128; byte++) {
        char raw[5] = {(char)byte, 'x', (char)byte, (char)byte, '\''};
        struct vv_str value = {raw, sizeof(raw)};
        VV_CLEANUP(vv_buf_done) struct vv_buf sql = VV_BUF_INIT(1000);
        vv_buf_adds(&sql, "SELECT ");
        vv_sql_literal(&sql, value);
        vv_buf_adds(&sql, " AS ");
        vv_sql_name(&sql, byte == 0 ? VV_STR("n") : value);
        VV_CLEANUP(vv_rows_close) struct vv_rows *rows = NULL;
        bool has_row = false;
        REQUIRE_OK(&fixture.op,
            vv_session_query(&fixture.op, fixture.session, built(&sql), &rows));
        REQUIRE_OK(&fixture.op, vv_rows_next(&fixture.op, rows, &has_row));
        REQUIRE(has_row);
        CHECK_STR(vv_rows_text(rows, 0), value);
        CHECK_STR(vv_rows_name(rows, 0), byte == 0 ? VV_STR("n") : value);
    }
}

TEST(sql, a_name_with_a_nul_byte_is_never_run)
{
    FIXTURE(fixture);
    VV_CLEANUP(vv_buf_done) struct vv_buf sql = VV_BUF_INIT(1000);
    vv_buf_adds(&sql, "SELECT 1 AS ");
    vv_sql_name(&sql, (struct vv_str){"a\0b", 3});
    CHECK_FAILS(&fixture.op, vv_session_exec(&fixture.op, fixture.session, built(&sql)),
        VARVE_EINVALID);
}

TEST(sql, null_literal)
{
    VV_CLEANUP(vv_buf_done) struct vv_buf sql = VV_BUF_INIT(1000);
    vv_sql_literal(&sql, VV_STR_NONE);
    CHECK_STR(built(&sql), "NULL");
}

TEST(sql, numbers_and_times_come_back)
{
    static const int64_t values[] = {0, 1, -1, INT64_C(1738231200123456), INT64_C(-5),
        INT64_MAX, INT64_MIN, INT64_C(-62135596800000000), INT64_C(253402300799999999)};
    FIXTURE(fixture);
    for (size_t index = 0; index < VV_COUNT(values); index++) {
        VV_CLEANUP(vv_buf_done) struct vv_buf sql = VV_BUF_INIT(1000);
        int64_t value = values[index];
        vv_buf_adds(&sql, "SELECT 0 - 1 + 1 - ");
        vv_sql_int(&sql, value == INT64_MIN ? value + 1 : value);
        CHECK_INT(number(&fixture, built(&sql).ptr), -(value == INT64_MIN ? value + 1 : value));
        vv_buf_clear(&sql);
        vv_buf_adds(&sql, "SELECT ");
        vv_sql_int(&sql, value);
        CHECK_INT(number(&fixture, built(&sql).ptr), value);
        if (value == INT64_MAX || value == INT64_MIN)
            continue; /* no times */
        vv_buf_clear(&sql);
        vv_buf_adds(&sql, "SELECT epoch_us(");
        vv_sql_timestamptz(&sql, value);
        vv_buf_adds(&sql, ")");
        CHECK_INT(number(&fixture, built(&sql).ptr), value);
        vv_buf_clear(&sql);
        vv_buf_adds(&sql, "SELECT epoch_us(");
        vv_sql_timestamp(&sql, value);
        vv_buf_adds(&sql, ")");
        CHECK_INT(number(&fixture, built(&sql).ptr), value);
    }
}

TEST(sql, dates_come_back_as_dates)
{
    static const int32_t days[] = {0, 1, -1, 20118, -719162, 2932896};
    FIXTURE(fixture);
    for (size_t index = 0; index < VV_COUNT(days); index++) {
        VV_CLEANUP(vv_buf_done) struct vv_buf sql = VV_BUF_INIT(1000);
        vv_buf_adds(&sql, "SELECT ");
        vv_sql_date(&sql, days[index]);
        CHECK_INT(number(&fixture, built(&sql).ptr), days[index]);
        vv_buf_clear(&sql);
        vv_buf_adds(&sql, "SELECT typeof(");
        vv_sql_date(&sql, days[index]);
        vv_buf_adds(&sql, ")");
        CHECK_STR(text(&fixture, built(&sql).ptr), "DATE");
    }
}

TEST(sql, text_lists)
{
    static const struct vv_str texts[] = {{"a", 1}, {"b'c", 3}, {NULL, 0}};
    VV_CLEANUP(vv_buf_done) struct vv_buf sql = VV_BUF_INIT(1000);
    vv_sql_text_list(&sql, texts, VV_COUNT(texts));
    CHECK_STR(built(&sql), "['a', 'b''c', NULL]");
    vv_buf_clear(&sql);
    vv_sql_text_list(&sql, NULL, 0);
    CHECK_STR(built(&sql), "[]");
}

/* "x[1].parquet" as a pattern is the file x1.parquet, which is there too. */
TEST(sql, files_are_no_patterns)
{
    static const char *const names[] = {"x1.parquet", "x[1].parquet", "x*.parquet",
        "x?.parquet", "it's.parquet", "x[[]1].parquet", "x]1.parquet"};
    FIXTURE(fixture);
    for (size_t index = 0; index < VV_COUNT(names); index++) {
        VV_CLEANUP(vv_buf_done) struct vv_buf sql = VV_BUF_INIT(10000);
        vv_buf_addf(&sql, "COPY (SELECT %zu AS i) TO ", index);
        vv_sql_literal(&sql, vv_str_of(test_path(names[index])));
        REQUIRE(run(&fixture, built(&sql).ptr));
    }
    for (size_t index = 0; index < VV_COUNT(names); index++) {
        VV_CLEANUP(vv_buf_done) struct vv_buf sql = VV_BUF_INIT(10000);
        struct vv_str path = vv_str_of(test_path(names[index]));
        vv_buf_adds(&sql, "SELECT i FROM read_parquet(");
        vv_sql_file_list(&sql, &path, 1);
        vv_buf_adds(&sql, ")");
        CHECK_INT(number(&fixture, built(&sql).ptr), index);
        VV_CLEANUP(vv_buf_done) struct vv_buf literal = VV_BUF_INIT(10000);
        struct vv_str back;
        vv_sql_file(&literal, path);
        REQUIRE_OK(&fixture.op, vv_sql_file_path(&fixture.op, vv_buf_str(&literal), &back));
        CHECK_STR(back, path.ptr);
    }
}
