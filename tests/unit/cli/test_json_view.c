#include "cli/json_view.h"

#include "harness/prop.h"
#include "harness/test.h"

static bool read(const char *json, struct vv_node *out)
{
    return vv_node_read(json, strlen(json), out);
}

TEST(json_view, reads_what_the_library_gives)
{
    struct vv_node node;
    REQUIRE(read(" {\"name\":\"a\\\"\\u00e4\\ud83d\\ude00\\n\",\"n\":[1,-2.5e3,true,null],"
                 "\"o\":{\"x\":{}},\"\":7} ",
        &node));
    CHECK_STR(vv_node_chars(vv_node_get(&node, "name")), "a\"\xc3\xa4\xf0\x9f\x98\x80\n");
    const struct vv_node *list = vv_node_get(&node, "n");
    CHECK_INT(list->children_len, 4);
    CHECK_INT(vv_node_int(&list->children[0], -1), 1);
    CHECK_INT(vv_node_int(&list->children[1], -1), -1);
    CHECK_STR(vv_node_chars(&list->children[1]), "-2.5e3");
    CHECK_STR(vv_node_chars(&list->children[2]), "true");
    CHECK_INT(list->children[3].kind, VV_NODE_NULL);
    CHECK_INT(vv_node_get(vv_node_get(&node, "o"), "x")->kind, VV_NODE_OBJECT);
    CHECK_INT(vv_node_int(vv_node_get(&node, ""), 0), 7);
    CHECK_INT(vv_node_get(&node, "absent")->kind, VV_NODE_NONE);
    CHECK_INT(vv_node_get(list, "name")->kind, VV_NODE_NONE);
    CHECK_STR(vv_node_chars(vv_node_get(&node, "o")), "");
    vv_node_done(&node);
}

TEST(json_view, refuses_what_is_not_json)
{
    static const char *const broken[] = {"", " ", "{", "[1,]", "{\"a\"}", "{\"a\":}", "{a:1}",
        "[1 2]", "\"abc", "\"\\x\"", "\"\\u12g4\"", "\"\\ud800\"", "\"\\ud800\\u0041\"", "tru",
        "nan", "inf", "0x1", "1e", "--1", "{} {}", "[", "]"};
    for (size_t i = 0; i < VV_COUNT(broken); i++) {
        struct vv_node node;
        if (!CHECK(!read(broken[i], &node)))
            CHECK_STR(broken[i], "");
    }
}

TEST(json_view, refuses_to_go_too_deep)
{
    char deep[2 * VV_NODE_DEPTH_MAX + 2];
    struct vv_node node;
    memset(deep, '[', VV_NODE_DEPTH_MAX);
    memset(deep + VV_NODE_DEPTH_MAX, ']', VV_NODE_DEPTH_MAX);
    REQUIRE(vv_node_read(deep, (size_t)2 * VV_NODE_DEPTH_MAX, &node));
    vv_node_done(&node);
    memset(deep, '[', VV_NODE_DEPTH_MAX + 1);
    memset(deep + VV_NODE_DEPTH_MAX + 1, ']', VV_NODE_DEPTH_MAX + 1);
    CHECK(!vv_node_read(deep, sizeof(deep), &node));
}

TEST(json_view, any_bytes_are_read_or_refused)
{
    struct prop prop = prop_start();
    char bytes[64];
    for (int i = 0; i < 50000; i++) {
        struct vv_node node;
        struct vv_str json = prop_str(&prop, bytes, sizeof(bytes), "[]{}\",:\\u0d8ea1-.tnr \n");
        if (vv_node_read(json.ptr, json.len, &node))
            vv_node_done(&node);
    }
    CHECK(true);
}
