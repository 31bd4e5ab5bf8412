#include "fixture.h"

TEST(text_appender, rows_and_nulls_come_back)
{
    FIXTURE(fixture);
    static const struct vv_str columns[] = {{"a", 1}, {"b \"x\"", 5}};
    struct vv_text_appender *appender = NULL;
    REQUIRE_OK(&fixture.op, vv_text_appender_open(&fixture.op, fixture.session, VV_STR("t\"1"),
                                VV_STR("_row"), columns, VV_COUNT(columns), &appender));
    /* More than one chunk of 2,048; NULL and text change places. */
    for (int64_t row = 1; row <= 5000; row++) {
        char text_a[64];
        int len = snprintf(text_a, sizeof(text_a), "%s%d", row % 2 ? "" : "longer than twelve ",
            (int)row);
        const struct vv_str values[] = {
            {text_a, (size_t)len}, row % 3 ? VV_STR("\xc3\xa9'\n") : VV_STR_NONE};
        REQUIRE_OK(&fixture.op, vv_text_appender_row(&fixture.op, appender, row, values));
    }
    REQUIRE_OK(&fixture.op, vv_text_appender_finish(&fixture.op, appender));
    vv_text_appender_close(&appender);
    CHECK_INT(number(&fixture,
                  "SELECT count(*) FROM \"t\"\"1\" WHERE a = CASE WHEN _row % 2 = 1 THEN "
                  "_row::VARCHAR ELSE 'longer than twelve ' || _row END AND \"b \"\"x\"\"\" IS "
                  "NOT "
                  "DISTINCT FROM CASE WHEN _row % 3 = 0 THEN NULL ELSE 'é''' || chr(10) END"),
        5000);
}

TEST(text_appender, no_rows_and_no_columns)
{
    FIXTURE(fixture);
    struct vv_text_appender *appender = NULL;
    REQUIRE_OK(&fixture.op, vv_text_appender_open(&fixture.op, fixture.session, VV_STR("t"),
                                VV_STR("_row"), NULL, 0, &appender));
    REQUIRE_OK(&fixture.op, vv_text_appender_finish(&fixture.op, appender));
    vv_text_appender_close(&appender);
    CHECK_INT(number(&fixture, "SELECT count(*) FROM t"), 0);
}

TEST(text_appender, what_is_not_utf8_is_refused_by_row)
{
    FIXTURE(fixture);
    static const struct vv_str columns[] = {{"a", 1}, {"b", 1}};
    static const struct vv_str values[] = {{"ok", 2}, {"\xff", 1}};
    struct vv_text_appender *appender = NULL;
    REQUIRE_OK(&fixture.op, vv_text_appender_open(&fixture.op, fixture.session, VV_STR("t"),
                                VV_STR("_row"), columns, VV_COUNT(columns), &appender));
    CHECK_INT(vv_text_appender_row(&fixture.op, appender, 17, values), VARVE_EINVALID);
    CHECK(strstr(fixture.op.error.message, "row 17, text column 2") != NULL);
    vv_forgive(&fixture.op);
    vv_text_appender_close(&appender);
}

TEST(text_appender, a_table_that_is_there_is_refused)
{
    FIXTURE(fixture);
    REQUIRE(run(&fixture, "CREATE TEMP TABLE t (a INTEGER)"));
    static const struct vv_str column = {"a", 1};
    struct vv_text_appender *appender = NULL;
    CHECK_FAILS(&fixture.op,
        vv_text_appender_open(&fixture.op, fixture.session, VV_STR("T"), VV_STR("_row"),
            &column, 1, &appender),
        VARVE_EFAILED);
    CHECK(appender == NULL);
}

TEST(text_appender, may_be_closed_at_any_time)
{
    FIXTURE(fixture);
    static const struct vv_str column = {"a", 1};
    static const struct vv_str value = {"a text of more than twelve bytes", 32};
    struct vv_text_appender *appender = NULL;
    REQUIRE_OK(&fixture.op, vv_text_appender_open(&fixture.op, fixture.session, VV_STR("t"),
                                VV_STR("_row"), &column, 1, &appender));
    for (int64_t row = 0; row < 3000; row++)
        REQUIRE_OK(&fixture.op, vv_text_appender_row(&fixture.op, appender, row, &value));
    vv_text_appender_close(&appender);
    vv_text_appender_close(&appender);
}
