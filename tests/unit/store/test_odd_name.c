#include "store/odd_name.h"

#include <sys/stat.h>
#include <unistd.h>

#include "fixture.h"

TEST(odd_name, is_one_that_leads_to_no_file)
{
    static const struct {
        const char *key;
        bool is_odd;
    } cases[] = {{"p/file", false}, {"p/link", false}, {"p/none", false}, {"none/x", false},
        {"p/file/x", false}, {"p/folder", true}, {"p/lost", true}, {"p/pipe", true},
        {"p/round", true}, {"p/through", true}, {"p", true}};
    VV_CLEANUP(fixture_done) struct fixture fixture = {0};
    struct vv_op *op = &fixture.op;
    struct vv_objects found = {0};
    REQUIRE(fixture_open_local(&fixture, "root", true));
    put(&fixture, "p/file", "content");
    put(&fixture, "p/folder/x", "x");
    REQUIRE(symlink("file", test_path("root/p/link")) == 0 &&
            symlink("none", test_path("root/p/lost")) == 0 &&
            symlink("round", test_path("root/p/round")) == 0 &&
            symlink("folder", test_path("root/p/through")) == 0 &&
            symlink("none", test_path("root/lost")) == 0 &&
            mkfifo(test_path("root/p/pipe"), 0600) == 0);
    for (size_t i = 0; i < VV_COUNT(cases); i++) {
        bool is_odd = !cases[i].is_odd;
        CHECK_OK(op, vv_store_is_odd_name(op, fixture.store, vv_str_of(cases[i].key), &is_odd));
        CHECK(is_odd == cases[i].is_odd);
    }
    REQUIRE_OK(op, vv_store_odd_names(op, fixture.store, &op->arena, VV_STR("p"), &found));
    REQUIRE(CHECK_INT(found.len, 5));
    for (size_t i = 0; i < found.len; i++)
        CHECK_STR(found.items[i].key, cases[5 + i].key);
    CHECK_OK(op, vv_store_odd_names(op, fixture.store, &op->arena, VV_STR("none/x"), &found));
    CHECK_INT(found.len, 0);
    const char *const no_folders[] = {"lost", "lost/x", "p/file", "p/lost/x"};
    for (size_t i = 0; i < VV_COUNT(no_folders); i++)
        CHECK_FAILS(op,
            vv_store_odd_names(op, fixture.store, &op->arena, vv_str_of(no_folders[i]), &found),
            VARVE_ECORRUPT);
}
