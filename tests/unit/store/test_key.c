#include "store/key.h"

#include <stdio.h>

#include "harness/test.h"

TEST(key, names_what_is_wrong_with_it)
{
    const struct {
        struct vv_str key;
        const char *fault; /* NULL: none */
    } cases[] = {
        {VV_STR("a"), NULL},
        {VV_STR("_delta_log/00000000000000000007.json"), NULL},
        {VV_STR("date=2025-01-30/part-0.parquet"), NULL},
        {VV_STR("..."), NULL},
        {VV_STR(".hidden/..x/x.."), NULL},
        {VV_STR("a b/%20/\xff"), NULL},
        {VV_STR(""), "is empty"},
        {VV_STR("/a"), "starts with \"/\": it must be relative"},
        {VV_STR("/"), "starts with \"/\": it must be relative"},
        {VV_STR("a/"), "ends with \"/\""},
        {VV_STR("a//b"), "has an empty part"},
        {VV_STR("."), "has a part \".\""},
        {VV_STR("a/./b"), "has a part \".\""},
        {VV_STR(".."), "has a part \"..\""},
        {VV_STR("a/.."), "has a part \"..\""},
        {VV_STR("../../etc/passwd"), "has a part \"..\""},
        {VV_STR("a\0b"), "holds a NUL byte"},
    };
    for (size_t i = 0; i < VV_COUNT(cases); i++)
        CHECK_STR(vv_key_fault(cases[i].key), cases[i].fault);

    static char longest[4097];
    memset(longest, 'x', sizeof(longest));
    CHECK(vv_key_fault((struct vv_str){longest, 4096}) == NULL);
    CHECK_STR(vv_key_fault((struct vv_str){longest, 4097}), "is longer than 4096 bytes");
}

TEST(key, is_refused_with_the_fault_in_the_message)
{
    VV_CLEANUP(vv_op_done) struct vv_op op;
    vv_op_init(&op, NULL, VV_OP_BYTES_DEFAULT);
    CHECK_INT(vv_key_check(&op, VV_STR("a/../b")), VARVE_EUSAGE);
    CHECK_STR(op.error.message, "\"a/../b\" is no key of a store: it has a part \"..\"");
    vv_forgive(&op);
    CHECK_OK(&op, vv_key_check_folder(&op, VV_STR("")));
    CHECK_FAILS(&op, vv_key_check_folder(&op, VV_STR("a/")), VARVE_EUSAGE);
}

TEST(key, has_a_folder)
{
    CHECK_STR(vv_key_folder(VV_STR("a/b/c")), "a/b");
    CHECK_STR(vv_key_folder(VV_STR("a/b")), "a");
    CHECK_STR(vv_key_folder(VV_STR("a")), "");
    CHECK_STR(vv_key_folder(VV_STR("/a")), "");
}

/* Against the definition: names that must be greater are those whose whole key is. */
TEST(key, after_is_turned_into_a_name_of_the_folder)
{
    static const char *const folders[] = {"", "b", "b/c", "b!"};
    static const char *const afters[] = {"a", "b", "b/", "b/c", "b/c/", "b/c/k", "b!", "b!/k",
        "b0", "b/d", "c", "k", "k/x", "", "b/c/k/x", "b/c0", "b/c!"};
    static const char *const names[] = {"!", "a", "j", "k", "k0", "kk", "l", "c", "b", "z"};
    for (size_t f = 0; f < VV_COUNT(folders); f++) {
        for (size_t a = 0; a < VV_COUNT(afters); a++) {
            struct vv_str after = vv_str_of(afters[a]);
            struct vv_str name_after;
            bool any = vv_key_after_in(vv_str_of(folders[f]), after, &name_after);
            for (size_t n = 0; n < VV_COUNT(names); n++) {
                struct vv_str name = vv_str_of(names[n]);
                bool is_after =
                    any && (name_after.ptr == NULL || vv_str_cmp(name, name_after) > 0);
                char key[64];
                int len = snprintf(key, sizeof(key), "%s%s%s", folders[f],
                    folders[f][0] != '\0' ? "/" : "", names[n]);
                struct vv_str whole = {key, (size_t)len};
                CHECK_INT(is_after, vv_str_cmp(whole, after) > 0);
            }
        }
    }
    struct vv_str none;
    CHECK(vv_key_after_in(VV_STR("b"), VV_STR_NONE, &none));
    CHECK(none.ptr == NULL);
}
