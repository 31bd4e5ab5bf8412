/*
 * Sets of rows against an array of booleans, and their bytes: those that other writers make, and
 * those that nobody should.
 */
#include "delta/row_set.h"

#include <stdlib.h>

#include "delta/z85.h"
#include "harness/prop.h"

#define MODEL_ROWS 200000

/* Bytes of hexadecimal digits, blanks left out. */
static struct vv_str from_hex(struct vv_op *op, const char *hex)
{
    char *bytes = vv_new(&op->arena, char, strlen(hex) + 1);
    size_t digits = 0;
    for (; bytes != NULL && *hex != '\0'; hex++) {
        if (*hex == ' ')
            continue;
        int value = *hex <= '9' ? *hex - '0' : *hex - 'a' + 10;
        bytes[digits / 2] = (char)(digits % 2 == 0 ? value << 4 : bytes[digits / 2] | value);
        digits++;
    }
    return (struct vv_str){bytes, digits / 2};
}

/* "0 9": the rows up to `max`. */
static struct vv_str rows_text(struct vv_op *op, const struct vv_row_set *set, int64_t max)
{
    VV_CLEANUP(vv_buf_done) struct vv_buf text = VV_BUF_INIT(1 << 20);
    for (int64_t row = 0; row <= max; row++) {
        bool has = false;
        vv_row_set_find(set, &row, 1, &has);
        if (has)
            vv_buf_addf(&text, "%s%" PRId64, text.len > 0 ? " " : "", row);
    }
    return vv_arena_str(&op->arena, vv_buf_str(&text));
}

#define PORTABLE "d1d33964 0100000000000000 00000000 "
/* One container of numbers, and where it lies. */
#define ARRAY(count_less_one, values) \
    "3a300000 01000000 0000" count_less_one " 10000000 " values

TEST(row_set, reads_what_others_write)
{
    static const struct {
        const char *hex, *rows;
    } cases[] = {
        {PORTABLE ARRAY("0100", "0000 0900"), "0 9"},
        {PORTABLE ARRAY("0300", "0000 0100 0400 0500"), "0 1 4 5"},
        /* Runs, without offsets: 2 to 4, and 7. */
        {PORTABLE "3b300000 01 0000 0300 0200 0200 0200 0700 0000", "2 3 4 7"},
        {"d1d33964 0000000000000000", ""},
        {PORTABLE "3a300000 00000000", ""},
        /* The older layout, both ways round. */
        {"d0d33964 01000000 14000000 " ARRAY("0100", "0000 0900"), "0 9"},
        {"6439d3d0 00000001 00000014 " ARRAY("0100", "0000 0900"), "0 9"},
        {"d0d33964 00000000", ""},
    };
    VV_CLEANUP(vv_op_done) struct vv_op op;
    vv_op_init(&op, NULL, VV_OP_BYTES_DEFAULT);
    for (size_t i = 0; i < VV_COUNT(cases); i++) {
        VV_CLEANUP(vv_row_set_free) struct vv_row_set *set = NULL;
        REQUIRE_OK(&op, vv_row_set_read(&op, from_hex(&op, cases[i].hex), &set));
        CHECK_STR(rows_text(&op, set, 20), cases[i].rows);
    }
}

/* As they stand in logs: two by Spark, one of the protocol's own text. */
TEST(row_set, reads_vectors_that_stand_in_logs)
{
    static const struct {
        const char *text, *rows;
        size_t bytes;
    } cases[] = {
        {"^Bg9^0rr910000000000iXQKl0rr91000935c8Xg000311onP9", "0 1 4 5", 40},
        {"^Bg9^0rr910000000000iXQKl0rr91000315c8Xg000f5", "0 5", 36},
        {"wi5b=000010000siXQKl0rr91000f55c8Xg0@@D72lkbi5=-{L", "3 4 7 11 18 29", 40},
    };
    VV_CLEANUP(vv_op_done) struct vv_op op;
    vv_op_init(&op, NULL, VV_OP_BYTES_DEFAULT);
    for (size_t i = 0; i < VV_COUNT(cases); i++) {
        VV_CLEANUP(vv_row_set_free) struct vv_row_set *set = NULL;
        VV_CLEANUP(vv_buf_done) struct vv_buf raw = VV_BUF_INIT(1024);
        REQUIRE(vv_z85_decode(vv_str_of(cases[i].text), &raw));
        REQUIRE_OK(&op,
            vv_row_set_read(&op, vv_str_first(vv_buf_str(&raw), cases[i].bytes), &set));
        CHECK_STR(rows_text(&op, set, 100), cases[i].rows);
    }
}

TEST(row_set, believes_no_broken_bytes)
{
    static const struct {
        const char *hex, *words;
    } cases[] = {
        {"", "too early"},
        {"d1d339", "too early"},
        {"d2d33964 0000000000000000", "magic number"},
        {"d1d33964 00000000", "too early"},
        {"d1d33964 0100000000000000", "too early"},
        {"d1d33964 ffffffffffffffff", "too early"},
        {"d1d33964 0100000000000000 00000080 " ARRAY("0000", "0000"), "out of order"},
        {"d1d33964 0200000000000000 00000000 " ARRAY("0000", "0000") " 00000000 " ARRAY("0000",
             "0000"),
            "out of order"},
        {PORTABLE, "ends within its header"},
        {PORTABLE "3a30", "ends within its header"},
        {PORTABLE "3c300000 00000000", "does not begin"},
        {PORTABLE "3a300000 ffffffff", "65536"},
        {PORTABLE "3a300000 00000100", "ends within its header"},
        {PORTABLE "3a300000 01000000 00000000", "ends within its header"},
        {PORTABLE ARRAY("0100", "0000"), "ends within a container of numbers"},
        {PORTABLE ARRAY("0100", "0900 0000"), "do not ascend"},
        {PORTABLE ARRAY("0100", "0900 0900"), "do not ascend"},
        {PORTABLE "3a300000 01000000 00000000 11000000 0000 00", "offset"},
        {PORTABLE ARRAY("ff0f", "0000"), "container of numbers"},
        {PORTABLE ARRAY("0010", "0000"), "container of bits"},
        {PORTABLE ARRAY("0000", "0000") " 00", "left over"},
        {PORTABLE "3a300000 02000000 01000000 00000000 18000000 1a000000 0000 0000",
            "containers are out of order"},
        {PORTABLE "3b300000 01 0000 0000", "container of runs"},
        {PORTABLE "3b300000 01 0000 0000 0000", "another number"},
        {PORTABLE "3b300000 01 0000 0300 0100 0200 0200", "another number"},
        {PORTABLE "3b300000 01 0000 0300 0200 0200 0200 0400 0000", "overlap"},
        {PORTABLE "3b300000 01 0000 0300 0100 feff 0300", "leaves its container"},
        {"d0d33964 01000000 15000000 " ARRAY("0100", "0000 0900"), "another size"},
        {"d0d33964 02000000 14000000 " ARRAY("0100", "0000 0900"), "too early"},
    };
    VV_CLEANUP(vv_op_done) struct vv_op op;
    vv_op_init(&op, NULL, VV_OP_BYTES_DEFAULT);
    for (size_t i = 0; i < VV_COUNT(cases); i++) {
        struct vv_row_set *set = NULL;
        CHECK_INT(vv_row_set_read(&op, from_hex(&op, cases[i].hex), &set), VARVE_ECORRUPT);
        if (!CHECK(strstr(op.error.message, cases[i].words) != NULL))
            CHECK_STR(op.error.message, cases[i].words);
        CHECK(set == NULL);
        vv_forgive(&op);
    }
}

struct model {
    struct prop prop;
    struct vv_op op;
    bool *has;
    struct vv_row_set *set;
};

/* A stretch of rows, or some here and there; now and then many. */
static void add_some(struct model *model)
{
    struct prop *prop = &model->prop;
    size_t len =
        prop_chance(prop, 20) ? 5000 + prop_choose(prop, 10000) : 1 + prop_choose(prop, 50);
    bool is_stretch = prop_chance(prop, 50);
    int64_t *rows = vv_new(&model->op.arena, int64_t, len);
    size_t first = prop_choose(prop, MODEL_ROWS - len);
    REQUIRE(rows != NULL);
    for (size_t i = 0; i < len; i++) {
        rows[i] = (int64_t)(is_stretch ? first + i : prop_choose(prop, MODEL_ROWS));
        model->has[rows[i]] = true;
    }
    CHECK(vv_row_set_add(model->set, rows, len));
}

static void compare(struct model *model, const struct vv_row_set *set)
{
    int64_t len = 0;
    int64_t greatest = -1;
    for (int64_t row = 0; row < MODEL_ROWS; row++) {
        len += model->has[row];
        greatest = model->has[row] ? row : greatest;
    }
    CHECK_INT(vv_row_set_len(set), len);
    CHECK_INT(vv_row_set_greatest(set), greatest);
    /* In blocks as a scan asks: rows in sequence, some of them left out, any. */
    for (int i = 0; i < 60; i++) {
        int64_t rows[2048];
        bool found[2048];
        size_t block = 1 + prop_choose(&model->prop, VV_COUNT(rows));
        size_t kind = prop_choose(&model->prop, 3);
        size_t row = prop_choose(&model->prop, MODEL_ROWS - 3 * block);
        for (size_t r = 0; r < block; r++) {
            rows[r] = (int64_t)(kind == 2 ? prop_choose(&model->prop, MODEL_ROWS) : row);
            row += kind == 1 ? 1 + prop_choose(&model->prop, 3) : 1;
        }
        vv_row_set_find(set, rows, block, found);
        for (size_t r = 0; r < block; r++)
            if (!CHECK_INT(found[r], model->has[rows[r]]))
                return;
    }
}

TEST_SECONDS(row_set, is_what_was_added_before_and_after_its_bytes, 180)
{
    for (int round = 0; round < 12; round++) {
        struct model model = {.prop = prop_start()};
        VV_CLEANUP(vv_buf_done) struct vv_buf bytes = VV_BUF_INIT(1 << 24);
        VV_CLEANUP(vv_row_set_free) struct vv_row_set *back = NULL;
        for (int skip = 0; skip < round; skip++)
            (void)prop_u64(&model.prop);
        vv_op_init(&model.op, NULL, VV_OP_BYTES_DEFAULT);
        model.has = calloc(MODEL_ROWS, sizeof(bool));
        model.set = vv_row_set_new();
        REQUIRE(model.has != NULL && model.set != NULL);
        for (size_t adds = prop_choose(&model.prop, 8); adds > 0; adds--)
            add_some(&model);
        compare(&model, model.set);
        vv_row_set_write(model.set, &bytes);
        REQUIRE_OK(&model.op, vv_row_set_read(&model.op, vv_buf_str(&bytes), &back));
        compare(&model, back);
        vv_row_set_free(&model.set);
        free(model.has);
        vv_op_done(&model.op);
    }
}

TEST(row_set, holds_rows_beyond_32_bits)
{
    static const int64_t rows[] = {INT64_C(5000000000), 3, INT64_C(4294967296),
        INT64_C(4294967295), INT64_C(9223372032559808512)};
    VV_CLEANUP(vv_op_done) struct vv_op op;
    VV_CLEANUP(vv_buf_done) struct vv_buf bytes = VV_BUF_INIT(1 << 20);
    VV_CLEANUP(vv_row_set_free) struct vv_row_set *set = vv_row_set_new();
    VV_CLEANUP(vv_row_set_free) struct vv_row_set *back = NULL;
    bool found[6];
    vv_op_init(&op, NULL, VV_OP_BYTES_DEFAULT);
    REQUIRE(vv_row_set_add(set, rows, VV_COUNT(rows)));
    vv_row_set_write(set, &bytes);
    REQUIRE_OK(&op, vv_row_set_read(&op, vv_buf_str(&bytes), &back));
    CHECK_INT(vv_row_set_len(back), VV_COUNT(rows));
    CHECK_INT(vv_row_set_greatest(back), INT64_C(9223372032559808512));
    /* Across the border between two bitmaps in one stretch. */
    vv_row_set_find(back,
        (const int64_t[]){INT64_C(4294967294), INT64_C(4294967295), INT64_C(4294967296),
            INT64_C(4294967297), -1, INT64_MAX},
        6, found);
    CHECK(!found[0] && found[1] && found[2] && !found[3] && !found[4] && !found[5]);
}

TEST(row_set, unites_and_tells_overlaps)
{
    VV_CLEANUP(vv_row_set_free) struct vv_row_set *a = vv_row_set_new();
    VV_CLEANUP(vv_row_set_free) struct vv_row_set *b = vv_row_set_new();
    CHECK(!vv_row_set_overlaps(a, b));
    CHECK_INT(vv_row_set_greatest(a), -1);
    REQUIRE(vv_row_set_add(a, (const int64_t[]){1, 2, INT64_C(4294967297)}, 3));
    REQUIRE(vv_row_set_add(b, (const int64_t[]){3, INT64_C(8589934593)}, 2));
    CHECK(!vv_row_set_overlaps(a, b));
    REQUIRE(vv_row_set_add(b, (const int64_t[]){INT64_C(4294967297)}, 1));
    CHECK(vv_row_set_overlaps(a, b) && vv_row_set_overlaps(b, a));
    REQUIRE(vv_row_set_unite(a, b));
    CHECK_INT(vv_row_set_len(a), 5);
    CHECK_INT(vv_row_set_len(b), 3);
}
