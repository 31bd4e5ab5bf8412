#include "base/buf.h"

#include "base/json_write.h"
#include "base/seam.h"

#include "harness/prop.h"
#include "harness/test.h"

TEST(buf, an_unused_one_is_an_empty_text)
{
    VV_CLEANUP(vv_buf_done) struct vv_buf buf = VV_BUF_INIT(10);
    CHECK(vv_buf_ok(&buf));
    CHECK_STR(vv_buf_str(&buf), "");
    vv_buf_clear(&buf);
    vv_buf_add(&buf, VV_STR_NONE);
    vv_buf_adds(&buf, "");
    vv_buf_addf(&buf, "%s", "");
    CHECK(vv_buf_ok(&buf));
    CHECK_INT(buf.len, 0);
}

TEST(buf, appends_every_kind_with_a_NUL_behind)
{
    VV_CLEANUP(vv_buf_done) struct vv_buf buf = VV_BUF_INIT(VV_BUF_MAX);
    vv_buf_adds(&buf, "ab");
    vv_buf_addc(&buf, '-');
    vv_buf_add(&buf, vv_str_first(VV_STR("cdef"), 2));
    vv_buf_addf(&buf, "%03d", 7);
    CHECK_STR(vv_buf_str(&buf), "ab-cd007");
    CHECK_INT(vv_buf_str(&buf).ptr[buf.len], 0);
    vv_buf_cut(&buf, 2);
    CHECK_STR(vv_buf_str(&buf), "ab");
    CHECK_INT(vv_buf_str(&buf).ptr[2], 0);
}

TEST(buf, the_maximum_is_exact_and_failure_sticks)
{
    VV_CLEANUP(vv_buf_done) struct vv_buf buf = VV_BUF_INIT(5);
    vv_buf_adds(&buf, "abcde");
    CHECK(vv_buf_ok(&buf));
    vv_buf_addc(&buf, 'f');
    CHECK(!vv_buf_ok(&buf));
    vv_buf_cut(&buf, 1);
    vv_buf_addc(&buf, 'g');
    CHECK(!vv_buf_ok(&buf));
    CHECK(vv_str_is_lost(vv_buf_str(&buf)));
    vv_buf_clear(&buf);
    CHECK(vv_buf_ok(&buf));
    vv_buf_addf(&buf, "%s", "123456");
    CHECK(!vv_buf_ok(&buf));
    vv_buf_clear(&buf);
    vv_buf_addf(&buf, "%s", "12345");
    CHECK(vv_buf_ok(&buf));
    CHECK_STR(vv_buf_str(&buf), "12345");
}

TEST(buf, want_of_memory_fails_and_gives_no_part_of_the_content)
{
    VV_CLEANUP(vv_buf_done) struct vv_buf buf = VV_BUF_INIT(VV_BUF_MAX);
    vv_seam_fail_allocation(1);
    vv_buf_adds(&buf, "a");
    CHECK(!vv_buf_ok(&buf));
    CHECK(vv_str_is_lost(vv_buf_str(&buf)));
    vv_buf_clear(&buf);
    vv_buf_adds(&buf, "kept");
    vv_seam_fail_allocation(1);
    vv_buf_addf(&buf, "%1000d", 1);
    CHECK(!vv_buf_ok(&buf));
    CHECK(vv_str_is_lost(vv_buf_str(&buf)));
    CHECK_STR(vv_buf_str(&buf), "...");
}

TEST(buf, a_lost_text_is_refused_by_who_takes_texts_on)
{
    VV_CLEANUP(vv_op_done) struct vv_op op;
    VV_CLEANUP(vv_buf_done) struct vv_buf lost = VV_BUF_INIT(1);
    VV_CLEANUP(vv_buf_done) struct vv_buf buf = VV_BUF_INIT(VV_BUF_MAX);
    struct vv_json_writer json = VV_JSON_WRITER_INIT(&buf);
    const struct vv_json *value = NULL;
    vv_op_init(&op, NULL, VV_OP_BYTES_DEFAULT);
    vv_buf_adds(&lost, "[]");
    CHECK(!vv_str_is_lost(VV_STR("...")));
    CHECK(!vv_str_is_lost(VV_STR_NONE));
    CHECK(vv_str_is_lost(vv_str_skip(vv_buf_str(&lost), 3)));
    vv_buf_add(&buf, vv_buf_str(&lost));
    CHECK(!vv_buf_ok(&buf));
    vv_buf_clear(&buf);
    vv_jw_array(&json);
    vv_jw_string(&json, vv_buf_str(&lost));
    vv_jw_end(&json);
    CHECK(!vv_buf_ok(&buf));
    CHECK(vv_arena_str(&op.arena, vv_buf_str(&lost)).ptr == NULL);
    varve_status status = vv_json_parse(&op, &op.arena, vv_buf_str(&lost), &value);
    CHECK_FAILS(&op, status, VARVE_ELIMIT);
}

TEST(buf, done_may_be_followed_by_use)
{
    struct vv_buf buf = VV_BUF_INIT(100);
    vv_buf_adds(&buf, "one");
    vv_buf_done(&buf);
    CHECK_STR(vv_buf_str(&buf), "");
    vv_buf_adds(&buf, "two");
    CHECK_STR(vv_buf_str(&buf), "two");
    vv_buf_done(&buf);
}

TEST(buf, behaves_as_a_plain_array)
{
    struct prop prop = prop_start();
    for (int turn = 0; turn < 200; turn++) {
        char model[3000];
        size_t model_len = 0;
        size_t len_max = (size_t)prop_int(&prop, 0, 2000);
        VV_CLEANUP(vv_buf_done) struct vv_buf buf = VV_BUF_INIT(len_max);
        while (vv_buf_ok(&buf)) {
            char piece[200];
            struct vv_str text = prop_bytes(&prop, piece, sizeof(piece));
            if (prop_chance(&prop, 20)) {
                model_len = prop_choose(&prop, model_len + 1);
                vv_buf_cut(&buf, model_len);
            }
            memcpy(model + model_len, text.ptr, text.len);
            vv_buf_add(&buf, text);
            REQUIRE(CHECK_INT(vv_buf_ok(&buf), model_len + text.len <= len_max));
            if (vv_buf_ok(&buf))
                model_len += text.len;
            else
                break;
            REQUIRE(vv_str_eq(vv_buf_str(&buf), (struct vv_str){model, model_len}));
            REQUIRE(vv_buf_str(&buf).ptr[buf.len] == '\0');
        }
    }
}

/* What was done is told without memory. */
TEST(buf, hands_its_text_over)
{
    struct vv_buf buf = VV_BUF_INIT(100);
    vv_buf_adds(&buf, "text");
    vv_seam_fail_allocation(1);
    char *text = vv_buf_take(&buf);
    char *empty = vv_buf_take(&buf);
    vv_seam_fail_allocation(0);
    CHECK_STR(text, "text");
    CHECK(empty == NULL);
    CHECK_INT(buf.len, 0);
    vv_free(text);
    text = vv_buf_take(&buf);
    CHECK_STR(text, "");
    vv_free(text);
    vv_buf_adds(&buf, "more");
    vv_buf_add(&buf, VV_STR_LOST);
    CHECK(vv_buf_take(&buf) == NULL);
    vv_buf_done(&buf);
}
