/* Rows that are made without the engine are those that it would give. */
#include "engine/arrow_rows.h"

#include <nanoarrow/nanoarrow.h>

#include "fixture.h"

#define ROWS 5000 /* several batches */

static const struct vv_arrow_column columns[] = {
    {"n", VV_ARROW_BIGINT}, {"at", VV_ARROW_TIMESTAMPTZ}, {"t", VV_ARROW_TEXT}};

#define ENGINES_ROWS                                                                      \
    "SELECT CASE WHEN i % 5 <> 0 THEN i::BIGINT - 2000 END AS n, CASE WHEN i "            \
    "% 7 <> 0 THEN make_timestamptz(i::BIGINT * 1000003) END AS \"at\", "                 \
    "CASE WHEN i % 3 <> 0 THEN repeat('\xc3\xa4', (i % 40)::BIGINT) END AS t FROM range(" \
    "5000) r(i)"

static void put(struct fixture *fixture, struct vv_arrow_rows *rows, int64_t i)
{
    char text[2 * 40 + 1] = "";
    for (int64_t at = 0; at < i % 40; at++)
        memcpy(text + 2 * at, "\xc3\xa4", 3);
    const struct vv_arrow_cell cells[] = {{.is_null = i % 5 == 0, .number = i - 2000},
        {.is_null = i % 7 == 0, .number = i * 1000003},
        {.is_null = i % 3 == 0, .text = vv_str_of(text)}};
    REQUIRE_OK(&fixture->op, vv_arrow_rows_add(&fixture->op, rows, cells));
}

static bool load(struct fixture *fixture, struct ArrowArrayStream *stream, const char *table)
{
    const struct vv_load_target target = {
        .table = vv_str_of(table), .row_column = VV_STR("_row")};
    int64_t rows = 0;
    return CHECK_OK(&fixture->op,
               vv_session_load_arrow(&fixture->op, fixture->session, stream, &target, &rows)) &&
           CHECK_INT(rows, ROWS);
}

static void same_schema(struct ArrowArrayStream *ours, struct ArrowArrayStream *engines)
{
    struct ArrowSchema a;
    struct ArrowSchema b;
    REQUIRE(ours->get_schema(ours, &a) == 0 && engines->get_schema(engines, &b) == 0);
    CHECK_INT(a.n_children, b.n_children);
    for (int64_t i = 0; i < a.n_children && i < b.n_children; i++) {
        CHECK_STR(vv_str_of(a.children[i]->name), b.children[i]->name);
        CHECK_STR(vv_str_of(a.children[i]->format), b.children[i]->format);
        CHECK_INT(a.children[i]->flags, b.children[i]->flags);
    }
    a.release(&a);
    b.release(&b);
}

TEST(arrow_rows, are_those_of_the_engine)
{
    FIXTURE(fixture);
    struct vv_op *op = &fixture.op;
    VV_CLEANUP(vv_arrow_rows_close) struct vv_arrow_rows *rows = NULL;
    VV_CLEANUP(vv_session_close) struct vv_session *other = NULL;
    struct ArrowArrayStream ours;
    struct ArrowArrayStream engines;
    int64_t different = -1;
    REQUIRE_OK(op, vv_arrow_rows_open(op, columns, VV_COUNT(columns), &rows));
    for (int64_t i = 0; i < ROWS; i++)
        put(&fixture, rows, i);
    REQUIRE_OK(op, vv_arrow_rows_stream(op, rows, &ours));
    REQUIRE_OK(op, vv_session_open(op, fixture.engine, &other));
    REQUIRE_OK(op,
        vv_session_stream(op, &other, VV_STR(ENGINES_ROWS), false, NULL, 0, &engines));
    same_schema(&ours, &engines);
    REQUIRE(load(&fixture, &ours, "ours") && load(&fixture, &engines, "engines"));
    CHECK_OK(op, vv_session_int64(op, fixture.session,
                     VV_STR("SELECT count(*) FROM ours FULL JOIN engines USING (_row) WHERE "
                            "ours.n IS DISTINCT FROM engines.n OR ours.\"at\" IS DISTINCT FROM "
                            "engines.\"at\" OR ours.t IS DISTINCT FROM engines.t"),
                     &different));
    CHECK_INT(different, 0);
}

TEST(arrow_rows, may_be_none_and_are_valid_text)
{
    FIXTURE(fixture);
    struct vv_op *op = &fixture.op;
    VV_CLEANUP(vv_arrow_rows_close) struct vv_arrow_rows *rows = NULL;
    VV_CLEANUP(vv_arrow_rows_close) struct vv_arrow_rows *bad = NULL;
    struct ArrowArrayStream stream;
    struct ArrowArray array;
    const struct vv_arrow_cell cells[] = {
        {.number = 1}, {.number = 2}, {.text = VV_STR("\xff")}};
    REQUIRE_OK(op, vv_arrow_rows_open(op, columns, VV_COUNT(columns), &rows));
    REQUIRE_OK(op, vv_arrow_rows_stream(op, rows, &stream));
    CHECK_INT(stream.get_next(&stream, &array), 0);
    CHECK(array.release == NULL);
    stream.release(&stream);
    REQUIRE_OK(op, vv_arrow_rows_open(op, columns, VV_COUNT(columns), &bad));
    CHECK_FAILS(op, vv_arrow_rows_add(op, bad, cells), VARVE_EINVALID);
}
