#include "delta/z85.h"

#include "harness/prop.h"

TEST(z85, known_answers)
{
    /* The example of the RFC; the name of the protocol's own example, without its folder. */
    static const unsigned char hello[] = {0x86, 0x4F, 0xD2, 0x6F, 0xB5, 0x59, 0xF7, 0x5B};
    static const unsigned char uuid[] = {0xd2, 0xc6, 0x39, 0xaa, 0x88, 0x16, 0x43, 0x1a, 0xaa,
        0xf6, 0xd3, 0xfe, 0x25, 0x12, 0xff, 0x61};
    VV_CLEANUP(vv_buf_done) struct vv_buf out = VV_BUF_INIT(1024);
    vv_z85_encode((struct vv_str){(const char *)hello, sizeof(hello)}, &out);
    CHECK_STR(vv_buf_str(&out), "HelloWorld");
    vv_buf_clear(&out);
    vv_z85_encode((struct vv_str){(const char *)uuid, sizeof(uuid)}, &out);
    CHECK_STR(vv_buf_str(&out), "^-aqEH.-t@S}K{vb[*k^");
    vv_buf_clear(&out);
    CHECK(vv_z85_decode(VV_STR("HelloWorld"), &out));
    CHECK_STR(vv_buf_str(&out), ((struct vv_str){(const char *)hello, sizeof(hello)}));
}

TEST(z85, what_is_not_z85_is_refused)
{
    static const char *const texts[] = {"a", "abcd", "abcdef", "ab d ", "ab\"de", "abc~d",
        "abcd\x80", /* 85^5 - 1, and the first text above 2^32 - 1 */ "#####", "%nSc1"};
    for (size_t i = 0; i < VV_COUNT(texts); i++) {
        VV_CLEANUP(vv_buf_done) struct vv_buf out = VV_BUF_INIT(1024);
        CHECK(!vv_z85_decode(vv_str_of(texts[i]), &out));
    }
    VV_CLEANUP(vv_buf_done) struct vv_buf out = VV_BUF_INIT(1024);
    CHECK(vv_z85_decode(VV_STR("%nSc0"), &out));
    CHECK_STR(vv_buf_str(&out), "\xff\xff\xff\xff");
    CHECK(vv_z85_decode(VV_STR(""), &out));
}

TEST(z85, comes_back_filled_up_to_whole_groups)
{
    struct prop prop = prop_start();
    for (int i = 0; i < 2000; i++) {
        char bytes[64];
        VV_CLEANUP(vv_buf_done) struct vv_buf text = VV_BUF_INIT(1024);
        VV_CLEANUP(vv_buf_done) struct vv_buf back = VV_BUF_INIT(1024);
        struct vv_str input = prop_bytes(&prop, bytes, sizeof(bytes));
        vv_z85_encode(input, &text);
        CHECK_INT(text.len, (input.len + 3) / 4 * 5);
        REQUIRE(vv_z85_decode(vv_buf_str(&text), &back));
        REQUIRE(back.len >= input.len && back.len - input.len < 4);
        CHECK_STR(vv_str_first(vv_buf_str(&back), input.len), input);
        for (size_t at = input.len; at < back.len; at++)
            CHECK_INT(vv_buf_str(&back).ptr[at], 0);
    }
}
