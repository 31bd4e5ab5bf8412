#include "base/json.h"

#include "base/buf.h"
#include "base/json_write.h"
#include "base/seam.h"

#include "harness/prop.h"
#include "harness/test.h"

static const struct vv_json *parse(struct vv_op *op, const char *text)
{
    const struct vv_json *value = NULL;
    CHECK_INT(vv_json_parse(op, &op->arena, vv_str_of(text), &value), VARVE_OK);
    return value;
}

TEST(json, reads_every_kind)
{
    VV_CLEANUP(vv_op_done) struct vv_op op;
    vv_op_init(&op, NULL, VV_OP_BYTES_DEFAULT);
    static const struct {
        const char *text;
        enum vv_json_kind kind;
    } cases[] = {
        {"null", VV_JSON_NULL},
        {"true", VV_JSON_BOOL},
        {" 12.50 ", VV_JSON_NUMBER},
        {"\"\"", VV_JSON_STRING},
        {"[]", VV_JSON_ARRAY},
        {"\n{}\n", VV_JSON_OBJECT},
    };
    for (size_t i = 0; i < VV_COUNT(cases); i++)
        CHECK_INT(vv_json_kind(parse(&op, cases[i].text)), cases[i].kind);
    CHECK_INT(vv_json_kind(NULL), VV_JSON_NONE);
}

TEST(json, numbers_keep_their_text)
{
    VV_CLEANUP(vv_op_done) struct vv_op op;
    vv_op_init(&op, NULL, VV_OP_BYTES_DEFAULT);
    const struct vv_json *value =
        parse(&op, "[12345678901234567890123456789012345678,1.50,-0,1E5,9223372036854775807]");
    static const char *const texts[] = {
        "12345678901234567890123456789012345678", "1.50", "-0", "1E5", "9223372036854775807"};
    const struct vv_json *at = NULL;
    const struct vv_json *element = NULL;
    struct vv_str name;
    for (size_t i = 0; i < VV_COUNT(texts); i++) {
        CHECK(vv_json_each(value, &at, &name, &element));
        CHECK(name.ptr == NULL);
        CHECK_STR(vv_json_text(element), texts[i]);
    }
    CHECK(!vv_json_each(value, &at, &name, &element));
    int64_t number = 42;
    CHECK(vv_json_int64(element, &number));
    CHECK_INT(number, INT64_MAX);
}

TEST(json, conversions_say_when_they_cannot)
{
    VV_CLEANUP(vv_op_done) struct vv_op op;
    vv_op_init(&op, NULL, VV_OP_BYTES_DEFAULT);
    int64_t number = 42;
    double real = 42;
    CHECK(vv_json_int64(parse(&op, "\"-77\""), &number));
    CHECK_INT(number, -77);
    CHECK(vv_json_double(parse(&op, "-77"), &real));
    CHECK(real == -77.0);
    number = 42;
    real = 42;
    static const char *const not_int[] = {
        "1.0", "1e3", "\"x\"", "true", "null", "[1]", "9223372036854775808"};
    for (size_t i = 0; i < VV_COUNT(not_int); i++)
        CHECK(!vv_json_int64(parse(&op, not_int[i]), &number));
    static const char *const not_double[] = {
        "\"1.0\"", "\"NaN\"", "true", "null", "{}", "1e999"};
    for (size_t i = 0; i < VV_COUNT(not_double); i++)
        CHECK(!vv_json_double(parse(&op, not_double[i]), &real));
    CHECK(!vv_json_int64(NULL, &number));
    CHECK(!vv_json_double(NULL, &real));
    CHECK_INT(number, 42);
    CHECK(real == 42.0);
    CHECK(vv_json_bool(parse(&op, "true"), false));
    CHECK(!vv_json_bool(parse(&op, "false"), true));
    CHECK(vv_json_bool(parse(&op, "null"), true));
    CHECK(vv_json_bool(NULL, true));
    CHECK(vv_json_text(parse(&op, "null")).ptr == NULL);
    CHECK(vv_json_text(NULL).ptr == NULL);
}

TEST(json, members_are_found_by_exact_name_and_the_last_counts)
{
    VV_CLEANUP(vv_op_done) struct vv_op op;
    vv_op_init(&op, NULL, VV_OP_BYTES_DEFAULT);
    const struct vv_json *value = parse(&op, "{\"a\":{\"deep\":[1,{\"b\":2}]},\"b\":null,\"a\":"
                                             "7,\"\":\"empty\",\"a\\u0062\":\"x\"}");
    int64_t number = 0;
    CHECK(vv_json_int64(vv_json_get(value, "a"), &number));
    CHECK_INT(number, 7);
    CHECK_INT(vv_json_kind(vv_json_get(value, "b")), VV_JSON_NULL);
    CHECK_STR(vv_json_text(vv_json_get(value, "")), "empty");
    CHECK_STR(vv_json_text(vv_json_get(value, "ab")), "x");
    CHECK(vv_json_get(value, "A") == NULL);
    CHECK(vv_json_get(value, "deep") == NULL);
    CHECK(vv_json_get(NULL, "a") == NULL);
    CHECK(vv_json_get(parse(&op, "[1]"), "a") == NULL);
    CHECK(vv_json_get(parse(&op, "{}"), "a") == NULL);
    CHECK(vv_json_get_kind(value, "a", VV_JSON_STRING) == NULL);
    CHECK(vv_json_get_kind(value, "b", VV_JSON_STRING) == NULL);
    CHECK(vv_json_get_kind(value, "", VV_JSON_STRING) != NULL);
    CHECK(vv_json_get_kind(value, "none", VV_JSON_STRING) == NULL);
}

TEST(json, walks_members_and_elements_in_order)
{
    VV_CLEANUP(vv_op_done) struct vv_op op;
    vv_op_init(&op, NULL, VV_OP_BYTES_DEFAULT);
    const struct vv_json *value = parse(&op, "{\"x\":[],\"y\":{\"z\":[1,2]},\"w\":\"s\"}");
    static const char *const names[] = {"x", "y", "w"};
    static const size_t lens[] = {0, 1, 0};
    const struct vv_json *at = NULL;
    const struct vv_json *member = NULL;
    struct vv_str name;
    CHECK_INT(vv_json_len(value), 3);
    for (size_t i = 0; i < VV_COUNT(names); i++) {
        CHECK(vv_json_each(value, &at, &name, &member));
        CHECK_STR(name, names[i]);
        CHECK_INT(vv_json_len(member), lens[i]);
    }
    CHECK(!vv_json_each(value, &at, &name, &member));
    at = NULL;
    CHECK(!vv_json_each(parse(&op, "[]"), &at, &name, &member));
    CHECK(!vv_json_each(parse(&op, "{}"), &at, &name, &member));
    CHECK(!vv_json_each(parse(&op, "7"), &at, &name, &member));
    CHECK(!vv_json_each(NULL, &at, &name, &member));
}

TEST(json, strings_are_unescaped_and_outlive_the_text)
{
    VV_CLEANUP(vv_op_done) struct vv_op op;
    vv_op_init(&op, NULL, VV_OP_BYTES_DEFAULT);
    char text[] = "[\"a\\n\\\"\\u20ac\\ud83d\\ude00\\/\",\"n\\u0000l\"]";
    const struct vv_json *value = parse(&op, text);
    memset(text, '!', sizeof(text) - 1);
    const struct vv_json *at = NULL;
    const struct vv_json *element = NULL;
    struct vv_str name;
    CHECK(vv_json_each(value, &at, &name, &element));
    CHECK_STR(vv_json_text(element), "a\n\"\xE2\x82\xAC\xF0\x9F\x98\x80/");
    CHECK(vv_json_each(value, &at, &name, &element));
    CHECK(vv_str_eq(vv_json_text(element), (struct vv_str){"n\0l", 3}));
}

TEST(json, what_is_not_json_is_corrupt_at_a_byte)
{
    static const struct {
        const char *text;
        const char *where;
    } cases[] = {
        {"", "byte 0"},
        {"   ", "byte 0"},
        {"{", "byte 1"},
        {"{\"a\":1,}", "byte 6"},
        {"[1 2]", "byte 3"},
        {"{} {}", "byte 3"},
        {"nul", "byte"},
        {"01", "byte"},
        {"NaN", "byte 0"},
        {"[1.]", "byte"},
        {"\"a", "byte"},
        {"\"\x01\"", "byte 1"},
        {"\"\\x\"", "byte"},
        {"\"\\ud800\"", "byte"},
        {"\"\xC0\x80\"", "byte 1"},
        {"[\"ok\",\"\xED\xA0\x80\"]", "byte 7"},
        {"\xEF\xBB\xBF{}", "byte 0"},
        {"{a:1}", "byte 1"},
        {"/**/1", "byte 0"},
    };
    for (size_t i = 0; i < VV_COUNT(cases); i++) {
        VV_CLEANUP(vv_op_done) struct vv_op op;
        vv_op_init(&op, NULL, VV_OP_BYTES_DEFAULT);
        const struct vv_json *value = NULL;
        struct vv_str text = vv_str_of(cases[i].text);
        CHECK_INT(vv_json_parse(&op, &op.arena, text, &value), VARVE_ECORRUPT);
        CHECK(value == NULL);
        if (!strstr(op.error.message, cases[i].where))
            CHECK_STR(op.error.message, cases[i].where);
    }
}

TEST(json, nesting_is_limited)
{
    char text[2 * VV_JSON_DEPTH_MAX + 64];
    size_t depth = VV_JSON_DEPTH_MAX;
    for (size_t extra = 0; extra < 2; extra++) {
        VV_CLEANUP(vv_op_done) struct vv_op op;
        vv_op_init(&op, NULL, VV_OP_BYTES_DEFAULT);
        VV_CLEANUP(vv_buf_done) struct vv_buf buf = VV_BUF_INIT(sizeof(text));
        /* Brackets in strings and closed ones do not count. */
        vv_buf_adds(&buf, "[[],\"[[\\\"[\",{},");
        for (size_t i = 1; i < depth + extra; i++)
            vv_buf_addc(&buf, '[');
        for (size_t i = 0; i < depth + extra; i++)
            vv_buf_addc(&buf, ']');
        const struct vv_json *value = NULL;
        varve_status status = vv_json_parse(&op, &op.arena, vv_buf_str(&buf), &value);
        CHECK_INT(status, extra == 0 ? VARVE_OK : VARVE_ECORRUPT);
        if (extra == 1)
            CHECK_STR(op.error.message, "JSON nested deeper than 200 levels at byte 214");
    }
}

TEST(json, writes_back_what_it_read)
{
    static const char *const texts[] = {
        "{\"add\":{\"path\":\"a b\",\"size\":12345678901234567890123456789,\"tags\":null}}",
        "{\"x\":[true,false,1.50,{}],\"\":[]}",
        "\"\\u0001\\\"\\\\\xE2\x82\xAC\"",
        "1E400",
        "[]",
    };
    for (size_t i = 0; i < VV_COUNT(texts); i++) {
        VV_CLEANUP(vv_op_done) struct vv_op op;
        vv_op_init(&op, NULL, VV_OP_BYTES_DEFAULT);
        struct vv_str out = VV_STR_NONE;
        CHECK_INT(vv_json_write_value(&op, parse(&op, texts[i]), &op.arena, &out), VARVE_OK);
        CHECK_STR(out, texts[i]);
    }
    VV_CLEANUP(vv_op_done) struct vv_op op;
    vv_op_init(&op, NULL, VV_OP_BYTES_DEFAULT);
    const struct vv_json *value = parse(&op, " { \"a\" : [ 1 , { \"b\" : 2 } ] } ");
    struct vv_str out = VV_STR_NONE;
    CHECK_INT(vv_json_write_value(&op, vv_json_get(value, "a"), &op.arena, &out), VARVE_OK);
    CHECK_STR(out, "[1,{\"b\":2}]");
}

static varve_status read_and_write(struct vv_op *op, struct vv_arena *arena, struct vv_str text,
    struct vv_str *out)
{
    const struct vv_json *value = NULL;
    VV_TRY(vv_json_parse(op, arena, text, &value));
    return vv_json_write_value(op, value, arena, out);
}

TEST(json, want_of_memory_is_LIMIT_until_there_is_enough)
{
    /* Dense enough that the parser has to enlarge its first guess. */
    VV_CLEANUP(vv_buf_done) struct vv_buf text = VV_BUF_INIT(VV_BUF_MAX);
    vv_buf_addc(&text, '[');
    for (int i = 0; i < 2000; i++)
        vv_buf_adds(&text, "1,");
    vv_buf_adds(&text, "2]");

    varve_status status = VARVE_ELIMIT;
    uint64_t nth = 0;
    while (status != VARVE_OK) {
        VV_CLEANUP(vv_op_done) struct vv_op op;
        vv_op_init(&op, NULL, VV_OP_BYTES_DEFAULT);
        VV_CLEANUP(vv_arena_done) struct vv_arena arena = VV_ARENA_INIT(1 << 20);
        struct vv_str out = VV_STR_NONE;
        vv_seam_fail_allocation(++nth);
        status = read_and_write(&op, &arena, vv_buf_str(&text), &out);
        vv_seam_fail_allocation(0);
        CHECK(status == VARVE_OK || status == VARVE_ELIMIT);
        CHECK(status != VARVE_OK || vv_str_eq(out, vv_buf_str(&text)));
        CHECK(status == VARVE_OK || out.ptr == NULL);
        if (nth > 1000)
            return;
    }
    CHECK(nth > 5);
}

TEST(json, a_document_over_the_limit_of_its_arena_is_refused)
{
    VV_CLEANUP(vv_op_done) struct vv_op op;
    vv_op_init(&op, NULL, VV_OP_BYTES_DEFAULT);
    VV_CLEANUP(vv_arena_done) struct vv_arena arena = VV_ARENA_INIT(40);
    const struct vv_json *value = NULL;
    CHECK_INT(vv_json_parse(&op, &arena, VV_STR("[1,2,3]"), &value), VARVE_ELIMIT);
    CHECK(value == NULL);
    vv_forgive(&op);
    CHECK_INT(vv_json_parse(&op, &arena, VV_STR("\"a text longer than the arena may be big\""),
                  &value),
        VARVE_ELIMIT);
}

static void write_any(struct prop *prop, struct vv_json_writer *writer, int depth)
{
    char bytes[40];
    size_t kind = prop_choose(prop, depth > 5 ? 5 : 7);
    bool object = kind == 5;
    switch (kind) {
    case 0:
        vv_jw_null(writer);
        return;
    case 1:
        vv_jw_bool(writer, prop_chance(prop, 50));
        return;
    case 2:
        vv_jw_int(writer, prop_int(prop, INT64_MIN, INT64_MAX));
        return;
    case 3:
        vv_jw_double(writer, prop_double(prop));
        return;
    case 4:
        vv_jw_string(writer, prop_utf8(prop, bytes, sizeof(bytes)));
        return;
    default:
        break;
    }
    if (object)
        vv_jw_object(writer);
    else
        vv_jw_array(writer);
    for (size_t i = prop_choose(prop, 6); i > 0; i--) {
        if (object)
            vv_jw_key_str(writer, prop_utf8(prop, bytes, sizeof(bytes)));
        write_any(prop, writer, depth + 1);
    }
    vv_jw_end(writer);
}

TEST(json, what_is_written_is_read_and_written_the_same)
{
    struct prop prop = prop_start();
    for (int i = 0; i < 5000; i++) {
        VV_CLEANUP(vv_buf_done) struct vv_buf buf = VV_BUF_INIT(VV_BUF_MAX);
        struct vv_json_writer writer = VV_JSON_WRITER_INIT(&buf);
        write_any(&prop, &writer, 0);
        VV_CLEANUP(vv_op_done) struct vv_op op;
        vv_op_init(&op, NULL, VV_OP_BYTES_DEFAULT);
        struct vv_str out = VV_STR_NONE;
        REQUIRE_OK(&op, read_and_write(&op, &op.arena, vv_buf_str(&buf), &out));
        REQUIRE(CHECK_STR(out, vv_buf_str(&buf)));
    }
}

/* Touches everything that can be reached. */
static size_t visit(const struct vv_json *value)
{
    struct vv_str text = vv_json_text(value);
    size_t sum = text.len > 0 ? (unsigned char)text.ptr[text.len - 1] : 1;
    const struct vv_json *at = NULL;
    const struct vv_json *inner = NULL;
    struct vv_str name;
    size_t members = 0;
    while (vv_json_each(value, &at, &name, &inner)) {
        members++;
        sum += name.len + visit(inner);
    }
    CHECK_INT(vv_json_len(value), members);
    return sum;
}

TEST(json, a_damaged_text_is_refused_or_reads_as_something)
{
    struct prop prop = prop_start();
    size_t refused = 0;
    for (int i = 0; i < 20000; i++) {
        VV_CLEANUP(vv_buf_done) struct vv_buf buf = VV_BUF_INIT(VV_BUF_MAX);
        struct vv_json_writer writer = VV_JSON_WRITER_INIT(&buf);
        vv_jw_array(&writer);
        write_any(&prop, &writer, 0);
        vv_jw_end(&writer);
        if (prop_chance(&prop, 30))
            vv_buf_cut(&buf, prop_choose(&prop, buf.len));
        if (buf.len > 0)
            buf.private_ptr[prop_choose(&prop, buf.len)] =
                prop_chance(&prop, 50) ? "{}[]\",:0e\\"[prop_choose(&prop, 10)]
                                       : (char)prop_u64(&prop);
        VV_CLEANUP(vv_op_done) struct vv_op op;
        vv_op_init(&op, NULL, VV_OP_BYTES_DEFAULT);
        const struct vv_json *value = NULL;
        varve_status status = vv_json_parse(&op, &op.arena, vv_buf_str(&buf), &value);
        if (status == VARVE_OK) {
            CHECK(visit(value) > 0);
            struct vv_str once = VV_STR_NONE;
            struct vv_str twice = VV_STR_NONE;
            REQUIRE_OK(&op, vv_json_write_value(&op, value, &op.arena, &once));
            REQUIRE_OK(&op, read_and_write(&op, &op.arena, once, &twice));
            REQUIRE(CHECK_STR(twice, once));
        } else {
            REQUIRE(CHECK_INT(status, VARVE_ECORRUPT));
            refused++;
        }
    }
    CHECK(refused > 5000);
}
