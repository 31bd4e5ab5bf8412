#include "engine/cell_appender.h"

#include "fixture.h"

static const struct vv_cell_column every_type[] = {
    {{"b", 1}, {"BOOLEAN", 7}},
    {{"y", 1}, {"TINYINT", 7}},
    {{"h", 1}, {"SMALLINT", 8}},
    {{"i", 1}, {"INTEGER", 7}},
    {{"l", 1}, {"BIGINT", 6}},
    {{"d", 1}, {"DOUBLE", 6}},
    {{"day", 3}, {"DATE", 4}},
    {{"t", 1}, {"TIMESTAMP WITH TIME ZONE", 24}},
    {{"n", 1}, {"TIMESTAMP", 9}},
    {{"s", 1}, {"VARCHAR", 7}},
};

#define TABLE                                              \
    {                                                      \
        .table = VV_STR("t"), .row_column = VV_STR("_row") \
    }

TEST(cell_appender, values_of_every_type_and_nulls_come_back)
{
    FIXTURE(fixture);
    const struct vv_load_target target = TABLE;
    struct vv_cell_appender *appender = NULL;
    REQUIRE_OK(&fixture.op, vv_cell_appender_open(&fixture.op, fixture.session, &target,
                                every_type, VV_COUNT(every_type), &appender));
    /* More than one chunk of 2,048; NULLs change places; texts in the vector and outside. */
    for (int64_t row = 1; row <= 5000; row++) {
        struct vv_cell cells[VV_COUNT(every_type)];
        char text[32];
        int len = snprintf(text, sizeof(text), "%s%d", row % 2 ? "" : "twelve bytes", (int)row);
        for (size_t i = 0; i < VV_COUNT(cells); i++) {
            cells[i].is_null = (row + (int64_t)i) % 7 == 0;
            cells[i].as.integer = i == 0 ? row % 2 : i == 1 ? -row % 100 : -row;
        }
        cells[5].as.number = (double)row / 4;
        cells[9].as.text = (struct vv_str){text, (size_t)len};
        REQUIRE_OK(&fixture.op, vv_cell_appender_row(&fixture.op, appender, row, cells));
    }
    REQUIRE_OK(&fixture.op, vv_cell_appender_finish(&fixture.op, appender));
    vv_cell_appender_close(&appender);
#define IS(column, index, value)                                    \
    " AND " column " IS NOT DISTINCT FROM CASE WHEN (_row + " index \
    ") % 7 = 0 THEN NULL ELSE " value " END"
    CHECK_INT(number(&fixture,
                  "SELECT count(*) FROM t WHERE true" IS("b", "0", "_row % 2 = 1")
                      IS("y", "1", "-(_row % 100)") IS("h", "2", "-_row") IS("i", "3", "-_row")
                          IS("l", "4", "-_row") IS("d", "5", "_row / 4") IS("day", "6",
                              "DATE '1970-01-01' - CAST(_row AS INTEGER)") IS("epoch_us(t)",
                              "7", "-_row") IS("epoch_us(n)", "8", "-_row") IS("s", "9",
                              "CASE WHEN _row % 2 = 1 THEN _row::VARCHAR ELSE 'twelve "
                              "bytes' || _row END")),
        5000);
}

TEST(cell_appender, knows_which_types_fit)
{
    CHECK(vv_cell_fits(VV_STR("TIMESTAMP")));
    CHECK(!vv_cell_fits(VV_STR("FLOAT")));
    CHECK(!vv_cell_fits(VV_STR("DECIMAL(10,2)")));
    CHECK(!vv_cell_fits(VV_STR("INTEGER[]")));
}

TEST(cell_appender, may_be_closed_at_any_time)
{
    FIXTURE(fixture);
    const struct vv_load_target target = TABLE;
    struct vv_cell cells[VV_COUNT(every_type)];
    struct vv_cell_appender *appender = NULL;
    for (size_t i = 0; i < VV_COUNT(cells); i++)
        cells[i].is_null = true;
    vv_cell_appender_close(&appender);
    REQUIRE_OK(&fixture.op, vv_cell_appender_open(&fixture.op, fixture.session, &target,
                                every_type, VV_COUNT(every_type), &appender));
    REQUIRE_OK(&fixture.op, vv_cell_appender_row(&fixture.op, appender, 1, cells));
    vv_cell_appender_close(&appender);
    vv_cell_appender_close(&appender);
}
