#include <sys/stat.h>
#include <unistd.h>

#include "cli/demo.h"
#include "harness/test.h"

static bool exists(const char *name)
{
    struct stat status;
    return lstat(test_path(name), &status) == 0;
}

static void check_prepared(const char *name, varve_status expected)
{
    varve_error err = {0};
    CHECK_INT(vv_demo_folder_prepare(test_path(name), &err), expected);
    if (expected != VARVE_OK)
        CHECK_STATUS(&err, expected);
}

TEST(demo_folder, is_made_with_a_marker_and_emptied_the_next_time)
{
    check_prepared("a/b/demo", VARVE_OK);
    CHECK(exists("a/b/demo/.varve-demo"));
    REQUIRE(mkdir(test_path("a/b/demo/table"), 0777) == 0);
    REQUIRE(mkdir(test_path("a/b/demo/table/_delta_log"), 0777) == 0);
    REQUIRE(test_file_write(test_path("a/b/demo/table/_delta_log/0.json"), VV_STR("{}")));
    check_prepared("a/b/demo", VARVE_OK);
    CHECK(exists("a/b/demo/.varve-demo"));
    CHECK(!exists("a/b/demo/table"));
}

TEST(demo_folder, an_empty_folder_is_taken)
{
    REQUIRE(mkdir(test_path("empty"), 0777) == 0);
    check_prepared("empty", VARVE_OK);
    CHECK(exists("empty/.varve-demo"));
}

TEST(demo_folder, others_are_left_alone)
{
    REQUIRE(mkdir(test_path("mine"), 0777) == 0);
    REQUIRE(test_file_write(test_path("mine/work"), VV_STR("years of it")));
    check_prepared("mine", VARVE_EUSAGE);
    CHECK(exists("mine/work"));
    CHECK(!exists("mine/.varve-demo"));
    REQUIRE(test_file_write(test_path("file"), VV_STR("x")));
    check_prepared("file", VARVE_EUSAGE);
    check_prepared("demo", VARVE_OK);
    REQUIRE(symlink(test_path("demo"), test_path("link")) == 0);
    check_prepared("link", VARVE_EUSAGE);
    CHECK(exists("demo/.varve-demo"));
}

TEST(demo_folder, links_inside_are_removed_but_not_followed)
{
    REQUIRE(mkdir(test_path("mine"), 0777) == 0);
    REQUIRE(test_file_write(test_path("mine/work"), VV_STR("years of it")));
    check_prepared("demo", VARVE_OK);
    REQUIRE(symlink(test_path("mine"), test_path("demo/link")) == 0);
    check_prepared("demo", VARVE_OK);
    CHECK(!exists("demo/link"));
    CHECK(exists("mine/work"));
}
