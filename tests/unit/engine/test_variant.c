/* Variants byte by byte, as VariantEncoding.md of the Parquet format has them. */
#include "base/seam.h"
#include "engine/variant.h"
#include "harness/test.h"

#define BYTES(text)            \
    {                          \
        text, sizeof(text) - 1 \
    }
#define BYTES_OF(text) ((struct vv_str)BYTES(text))
#define NO_NAMES BYTES("\x01\x00\x00")
/* "a", "b" */
#define AB                       \
    BYTES("\x01\x02\x00\x01\x02" \
          "ab")

static const struct variant_case {
    struct vv_str value;
    const char *json;
} primitives[] = {
    {BYTES("\x00"), "null"},
    {BYTES("\x04"), "true"},
    {BYTES("\x08"), "false"},
    {BYTES("\x0C\xFF"), "-1"},
    {BYTES("\x10\xD4\xFE"), "-300"},
    {BYTES("\x14\x70\x11\x01\x00"), "70000"},
    {BYTES("\x18\x00\x00\x00\x00\x00\x00\x00\x80"), "-9223372036854775808"},
    {BYTES("\x1C\x00\x00\x00\x00\x00\x00\xF8\x3F"), "1.5"},
    {BYTES("\x1C\x00\x00\x00\x00\x00\x00\xF8\x7F"), "\"NaN\""},
    {BYTES("\x1C\x00\x00\x00\x00\x00\x00\xF0\xFF"), "\"-Infinity\""},
    {BYTES("\x20\x02\xC7\xCF\xFF\xFF"), "-123.45"},
    {BYTES("\x24\x00\x15\xCD\x5B\x07\x00\x00\x00\x00"), "123456789"},
    {BYTES("\x28\x26\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF"),
        "-0.00000000000000000000000000000000000001"},
    {BYTES("\x2C\x20\x4E\x00\x00"), "\"2024-10-04\""},
    {BYTES("\x2C\xFF\xFF\xFF\x7F"), "2147483647"},
    {BYTES("\x30\x40\x22\x20\x18\x24\x0A\x06\x00"), "\"2023-11-14T22:13:20.123456Z\""},
    {BYTES("\x34\x40\x22\x20\x18\x24\x0A\x06\x00"), "\"2023-11-14T22:13:20.123456\""},
    {BYTES("\x34\xFF\xFF\xFF\xFF\xFF\xFF\xFF\x7F"), "9223372036854775807"},
    {BYTES("\x38\x00\x00\xC0\x3F"), "1.5"},
    {BYTES("\x3C\x04\x00\x00\x00"
           "abcd"),
        "\"YWJjZA==\""},
    {BYTES("\x40\x03\x00\x00\x00"
           "a\"c"),
        "\"a\\\"c\""},
    {BYTES("\x44\x40\x42\x0F\x00\x00\x00\x00\x00"), "\"00:00:01.000000\""},
    {BYTES("\x48\x15\xCD\x85\x3D\xFE\x9C\x97\x17"), "\"2023-11-14T22:13:20.123456789Z\""},
    {BYTES("\x48\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF"), "\"1969-12-31T23:59:59.999999999Z\""},
    {BYTES("\x4C\x01\x00\x00\x00\x00\x00\x00\x00"), "\"1970-01-01T00:00:00.000000001\""},
    {BYTES("\x50"
           "0123456789abcdef"),
        "\"30313233-3435-3637-3839-616263646566\""},
    {BYTES("\x0D"
           "xyz"),
        "\"xyz\""},
    {BYTES("\x01"), "\"\""},
};

TEST(variant, primitives)
{
    for (size_t i = 0; i < VV_COUNT(primitives); i++) {
        VV_CLEANUP(vv_buf_done) struct vv_buf json = VV_BUF_INIT(VV_VARIANT_JSON_MAX);
        if (!CHECK(vv_variant_json((struct vv_str)NO_NAMES, primitives[i].value, &json)))
            continue;
        CHECK_STR(vv_buf_str(&json), primitives[i].json);
        /* Each byte of it is needed. */
        for (size_t len = 0; len < primitives[i].value.len; len++) {
            vv_buf_clear(&json);
            CHECK(!vv_variant_json((struct vv_str)NO_NAMES,
                vv_str_first(primitives[i].value, len), &json));
        }
    }
}

TEST(variant, objects_and_arrays)
{
    VV_CLEANUP(vv_buf_done) struct vv_buf json = VV_BUF_INIT(VV_VARIANT_JSON_MAX);
    /* {"b": 7, "a": [true, null]}: ids 1 and 0, offsets 0, 2 and 9 */
    struct vv_str object = BYTES_OF("\x02\x02\x01\x00\x00\x02\x09"
                                    "\x0C\x07"
                                    "\x03\x02\x00\x01\x02\x04\x00");
    CHECK(vv_variant_json((struct vv_str)AB, object, &json));
    CHECK_STR(vv_buf_str(&json), "{\"b\":7,\"a\":[true,null]}");
    /* The same array with four bytes a length and two an offset. */
    vv_buf_clear(&json);
    CHECK(vv_variant_json((struct vv_str)NO_NAMES,
        BYTES_OF("\x17\x02\x00\x00\x00\x00\x00\x01\x00\x02\x00\x04\x00"), &json));
    CHECK_STR(vv_buf_str(&json), "[true,null]");
    vv_buf_clear(&json);
    CHECK(vv_variant_json((struct vv_str)NO_NAMES, BYTES_OF("\x02\x00\x00"), &json));
    CHECK_STR(vv_buf_str(&json), "{}");
}

TEST(variant, what_is_none_is_told)
{
    static const struct {
        struct vv_str metadata, value;
    } cases[] = {
        {BYTES(""), BYTES("\x00")}, {BYTES("\x02\x00\x00"), BYTES("\x00")}, /* version 2 */
        {BYTES("\x01\x05\x00"), BYTES("\x00")},        /* fewer offsets than names */
        {NO_NAMES, BYTES("\x54")},                     /* a type that is not there yet */
        {NO_NAMES, BYTES("\x20\x27\x01\x00\x00\x00")}, /* scale 39 */
        {NO_NAMES, BYTES("\x05\xFF")},                 /* no UTF-8 */
        {NO_NAMES, BYTES("\x40\xFF\xFF\xFF\xFF"
                         "abc")},                      /* a length beyond the end */
        {NO_NAMES, BYTES("\x02\x01\x00\x00\x01\x00")}, /* a name that is not there */
        {BYTES("\x01\x01\x05\x09"
               "a"),
            BYTES("\x02\x01\x00\x00\x01\x00")},
        {NO_NAMES, BYTES("\x17\xFF\xFF\xFF\xFF\x00")}, /* 4 billion elements */
        {NO_NAMES, BYTES("\x03\x01\x09\x09\x00")},     /* an offset beyond the end */
    };
    for (size_t i = 0; i < VV_COUNT(cases); i++) {
        VV_CLEANUP(vv_buf_done) struct vv_buf json = VV_BUF_INIT(VV_VARIANT_JSON_MAX);
        CHECK(!vv_variant_json(cases[i].metadata, cases[i].value, &json));
    }
}

/* Each level is an array whose 200 elements are all the next level: 200^n elements. */
TEST(variant, shared_elements_end_with_the_buffer)
{
    VV_CLEANUP(vv_buf_done) struct vv_buf value = VV_BUF_INIT(1 << 20);
    VV_CLEANUP(vv_buf_done) struct vv_buf json = VV_BUF_INIT(1 << 16);
    for (size_t level = 0; level < 8; level++) {
        vv_buf_adds(&value, "\x03\xC8");
        for (size_t i = 0; i < 201; i++)
            vv_buf_addc(&value, '\0');
    }
    vv_buf_addc(&value, '\0');
    CHECK(!vv_variant_json((struct vv_str)NO_NAMES, vv_buf_str(&value), &json));
    CHECK(!vv_buf_ok(&json));
}

TEST(variant, sixty_levels_and_no_more)
{
    for (size_t levels = 59; levels <= 62; levels++) {
        VV_CLEANUP(vv_buf_done) struct vv_buf value = VV_BUF_INIT(1 << 20);
        VV_CLEANUP(vv_buf_done) struct vv_buf json = VV_BUF_INIT(1 << 16);
        for (size_t i = 0; i < levels; i++)
            vv_buf_add(&value, BYTES_OF("\x03\x01\x00\x00"));
        vv_buf_addc(&value, '\0');
        CHECK(vv_variant_json((struct vv_str)NO_NAMES, vv_buf_str(&value), &json) ==
              (levels <= 60));
    }
}
