#include "base/json_write.h"

#include <math.h>
#include <signal.h>

#include "base/json.h"

#include "dies.h"
#include "harness/test.h"

TEST(json_write, commas_and_nesting_come_by_themselves)
{
    VV_CLEANUP(vv_buf_done) struct vv_buf buf = VV_BUF_INIT(VV_BUF_MAX);
    struct vv_json_writer w = VV_JSON_WRITER_INIT(&buf);
    vv_jw_object(&w);
    vv_jw_key_string(&w, "path", VV_STR("a.parquet"));
    vv_jw_key_int(&w, "size", -7);
    vv_jw_key_bool(&w, "dataChange", true);
    vv_jw_key_string(&w, "stats", VV_STR_NONE);
    vv_jw_key(&w, "empty");
    vv_jw_object(&w);
    vv_jw_end(&w);
    vv_jw_key_str(&w, VV_STR("list"));
    vv_jw_array(&w);
    vv_jw_int(&w, 1);
    vv_jw_array(&w);
    vv_jw_end(&w);
    vv_jw_double(&w, 2);
    vv_jw_raw(&w, VV_STR("{\"x\":1}"));
    vv_jw_null(&w);
    vv_jw_bool(&w, false);
    vv_jw_end(&w);
    vv_jw_end(&w);
    CHECK_STR(vv_buf_str(&buf),
        "{\"path\":\"a.parquet\",\"size\":-7,\"dataChange\":true,\"stats\":null,\"empty\":{},"
        "\"list\":[1,[],2.0,{\"x\":1},null,false]}");
}

TEST(json_write, several_values_make_lines)
{
    VV_CLEANUP(vv_buf_done) struct vv_buf buf = VV_BUF_INIT(VV_BUF_MAX);
    struct vv_json_writer w = VV_JSON_WRITER_INIT(&buf);
    for (int64_t i = 0; i < 2; i++) {
        vv_jw_object(&w);
        vv_jw_key_int(&w, "v", i);
        vv_jw_end(&w);
        vv_buf_addc(&buf, '\n');
    }
    CHECK_STR(vv_buf_str(&buf), "{\"v\":0}\n{\"v\":1}\n");
}

static struct vv_str string_of(struct vv_buf *buf, struct vv_str text)
{
    vv_buf_clear(buf);
    struct vv_json_writer w = VV_JSON_WRITER_INIT(buf);
    vv_jw_string(&w, text);
    return vv_buf_str(buf);
}

TEST(json_write, strings_are_escaped)
{
    VV_CLEANUP(vv_buf_done) struct vv_buf buf = VV_BUF_INIT(VV_BUF_MAX);
    CHECK_STR(string_of(&buf, VV_STR("")), "\"\"");
    CHECK_STR(string_of(&buf, VV_STR("a\"b\\c/d")), "\"a\\\"b\\\\c/d\"");
    CHECK_STR(string_of(&buf, VV_STR("\b\f\n\r\t\x01\x1f\x7f")),
        "\"\\b\\f\\n\\r\\t\\u0001\\u001F\x7f\"");
    CHECK_STR(string_of(&buf, (struct vv_str){"a\0b", 3}), "\"a\\u0000b\"");
    CHECK_STR(string_of(&buf, VV_STR("\xE2\x82\xAC")), "\"\xE2\x82\xAC\"");
    CHECK_STR(string_of(&buf, VV_STR("a\xFFz\xC3")), "\"a\xEF\xBF\xBDz\xEF\xBF\xBD\"");
}

TEST(json_write, integers_of_every_size)
{
    VV_CLEANUP(vv_buf_done) struct vv_buf buf = VV_BUF_INIT(VV_BUF_MAX);
    struct vv_json_writer w = VV_JSON_WRITER_INIT(&buf);
    vv_jw_array(&w);
    vv_jw_int(&w, 0);
    vv_jw_int(&w, INT64_MAX);
    vv_jw_int(&w, INT64_MIN);
    vv_jw_end(&w);
    CHECK_STR(vv_buf_str(&buf), "[0,9223372036854775807,-9223372036854775808]");
}

TEST(json_write, what_json_cannot_say_is_null)
{
    VV_CLEANUP(vv_buf_done) struct vv_buf buf = VV_BUF_INIT(VV_BUF_MAX);
    struct vv_json_writer w = VV_JSON_WRITER_INIT(&buf);
    vv_jw_array(&w);
    vv_jw_double(&w, (double)NAN);
    vv_jw_double(&w, (double)INFINITY);
    vv_jw_double(&w, -(double)INFINITY);
    vv_jw_end(&w);
    CHECK_STR(vv_buf_str(&buf), "[null,null,null]");
}

TEST(json_write, the_deepest_nesting_works)
{
    VV_CLEANUP(vv_buf_done) struct vv_buf buf = VV_BUF_INIT(VV_BUF_MAX);
    struct vv_json_writer w = VV_JSON_WRITER_INIT(&buf);
    for (int i = 0; i < VV_JSON_WRITER_DEPTH_MAX / 2; i++) {
        vv_jw_array(&w);
        vv_jw_object(&w);
        vv_jw_key(&w, "k");
    }
    vv_jw_int(&w, 1);
    for (int i = 0; i < VV_JSON_WRITER_DEPTH_MAX; i++)
        vv_jw_end(&w);
    CHECK_INT(w.depth, 0);
    VV_CLEANUP(vv_op_done) struct vv_op op;
    vv_op_init(&op, NULL, VV_OP_BYTES_DEFAULT);
    const struct vv_json *value = NULL;
    CHECK_INT(vv_json_parse(&op, &op.arena, vv_buf_str(&buf), &value), VARVE_OK);
}

static struct vv_json_writer started(void)
{
    static struct vv_buf buf = {.len_max = 1000};
    struct vv_json_writer w = VV_JSON_WRITER_INIT(&buf);
    vv_jw_object(&w);
    return w;
}

static void value_without_key(void)
{
    struct vv_json_writer w = started();
    vv_jw_int(&w, 1);
}

static void key_after_key(void)
{
    struct vv_json_writer w = started();
    vv_jw_key(&w, "a");
    vv_jw_key(&w, "b");
}

static void end_after_key(void)
{
    struct vv_json_writer w = started();
    vv_jw_key(&w, "a");
    vv_jw_end(&w);
}

static void end_too_often(void)
{
    struct vv_json_writer w = started();
    vv_jw_end(&w);
    vv_jw_end(&w);
}

static void key_in_array(void)
{
    struct vv_json_writer w = started();
    vv_jw_key(&w, "a");
    vv_jw_array(&w);
    vv_jw_key(&w, "b");
}

static void too_deep(void)
{
    struct vv_json_writer w = started();
    vv_jw_key(&w, "a");
    for (int i = 0; i < VV_JSON_WRITER_DEPTH_MAX; i++)
        vv_jw_array(&w);
}

TEST(json_write, unbalanced_calls_are_defects)
{
    CHECK_INT(signal_of(value_without_key), SIGABRT);
    CHECK_INT(signal_of(key_after_key), SIGABRT);
    CHECK_INT(signal_of(end_after_key), SIGABRT);
    CHECK_INT(signal_of(end_too_often), SIGABRT);
    CHECK_INT(signal_of(key_in_array), SIGABRT);
    CHECK_INT(signal_of(too_deep), SIGABRT);
}

TEST(json_write, a_full_buffer_is_the_only_failure)
{
    VV_CLEANUP(vv_buf_done) struct vv_buf buf = VV_BUF_INIT(8);
    struct vv_json_writer w = VV_JSON_WRITER_INIT(&buf);
    vv_jw_object(&w);
    vv_jw_key_string(&w, "path", VV_STR("a.parquet"));
    vv_jw_end(&w);
    CHECK(!vv_buf_ok(&buf));
}
