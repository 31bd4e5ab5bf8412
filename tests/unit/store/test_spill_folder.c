/* Folders for what is spilled: one's own while one lives, and gone with the next one afterwards. */
#include <signal.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "harness/proc.h"
#include "harness/test.h"
#include "store/spill_folder.h"

struct making {
    struct vv_op op;
    struct vv_spill_folder *folder;
};

static void making_done(struct making *making)
{
    vv_spill_folder_remove(&making->folder);
    vv_op_done(&making->op);
}

static bool make(struct making *making)
{
    *making = (struct making){.folder = NULL};
    vv_op_init(&making->op, NULL, VV_OP_BYTES_DEFAULT);
    return CHECK_OK(&making->op,
               vv_spill_folder_make(&making->op, vv_str_of(test_dir()), &making->folder)) &&
           CHECK(making->folder != NULL);
}

static bool is_there(const char *path)
{
    return access(path, F_OK) == 0;
}

/* Fills a folder, says which, and stays. */
static int fill_one(void *data)
{
    struct making making;
    char path[400];
    if (!make(&making))
        return 1;
    const char *folder = vv_spill_folder_path(making.folder).ptr;
    (void)snprintf(path, sizeof(path), "%s/files", folder);
    if (mkdir(path, 0700) != 0)
        return 1;
    (void)snprintf(path, sizeof(path), "%s/files/spilled", folder);
    if (!test_file_write(path, VV_STR("rows")) || !test_file_write(data, vv_str_of(folder)))
        return 1;
    for (;;)
        (void)pause();
}

TEST(spill_folder, of_a_killed_process_goes_and_of_a_living_one_stays)
{
    struct making own;
    struct making next;
    struct test_proc proc;
    char folder[400] = "";
    char name[400];
    (void)snprintf(name, sizeof(name), "%s", test_path("name"));
    REQUIRE(test_proc_fork(&proc, fill_one, name));
    for (int i = 0; i < 4000 && folder[0] == '\0'; i++) {
        (void)usleep(10000);
        if (is_there(name))
            (void)snprintf(folder, sizeof(folder), "%.*s", VV_ARG(test_file_read(name)));
    }
    REQUIRE(make(&own));
    CHECK(is_there(folder));
    test_proc_kill(&proc, SIGKILL);
    CHECK_INT(test_proc_wait(&proc, 30000), 128 + SIGKILL);
    REQUIRE(make(&next));
    CHECK(!is_there(folder));
    CHECK(is_there(vv_spill_folder_path(own.folder).ptr));
    making_done(&next);
    making_done(&own);
}

TEST(spill_folder, is_removed_with_what_is_in_it)
{
    struct making making;
    char path[400];
    char folder[300];
    REQUIRE(make(&making));
    (void)snprintf(folder, sizeof(folder), "%s", vv_spill_folder_path(making.folder).ptr);
    (void)snprintf(path, sizeof(path), "%s/left", folder);
    REQUIRE(test_file_write(path, VV_STR("rows")));
    making_done(&making);
    CHECK(!is_there(folder));
}

/* Folders that nobody has locked, and that are not of this machine, or of no name of ours. */
TEST(spill_folder, of_others_stay)
{
    static const char *const names[] = {"varve-spill-12-0123456789abcdef",
        "varve-spill-00000000-12-0123456789abcdef", "varve-spill-notes", "other"};
    struct making making;
    char own[400];
    char link[400];
    for (size_t i = 0; i < VV_COUNT(names); i++)
        REQUIRE(mkdir(test_path(names[i]), 0700) == 0);
    REQUIRE(make(&making));
    /* One of the right name that leads elsewhere. */
    (void)snprintf(own, sizeof(own), "%s", vv_spill_folder_path(making.folder).ptr);
    making_done(&making);
    (void)snprintf(link, sizeof(link), "%s", own);
    REQUIRE(symlink(test_path("other"), link) == 0);
    REQUIRE(make(&making));
    for (size_t i = 0; i < VV_COUNT(names); i++)
        CHECK(is_there(test_path(names[i])));
    CHECK(is_there(link));
    making_done(&making);
}

/* The folder that one lay in, and its name. */
static void make_and_leave(char home[400], char name[200])
{
    struct making making;
    home[0] = name[0] = '\0';
    if (!make(&making))
        return;
    const char *path = vv_spill_folder_path(making.folder).ptr;
    const char *slash = strrchr(path, '/');
    (void)snprintf(name, 200, "%s", slash + 1);
    (void)snprintf(home, 400, "%.*s", (int)(slash - path), path);
    making_done(&making);
}

TEST(spill_folder, lies_in_one_of_the_user_alone_beside_which_nothing_is_read)
{
    char home[400], again[400], name[200], other[200];
    struct stat info;
    make_and_leave(home, name);
    REQUIRE(stat(home, &info) == 0);
    CHECK_INT(info.st_mode & 0777, 0700);
    REQUIRE(mkdir(test_path(name), 0700) == 0); /* as a build that knew of none may leave it */
    make_and_leave(again, other);
    CHECK(strcmp(home, again) == 0);
    CHECK(is_there(test_path(name)));
    REQUIRE(rmdir(home) == 0);
    make_and_leave(again, other);
    CHECK(strcmp(home, again) == 0);
    CHECK(!is_there(test_path(name)));
}

static bool is_file_instead(const char *home)
{
    return test_file_write(home, VV_STR("not ours"));
}

static bool is_link_instead(const char *home)
{
    return mkdir(test_path("elsewhere"), 0700) == 0 && symlink("elsewhere", home) == 0;
}

static bool is_open_to_all_instead(const char *home)
{
    return mkdir(home, 0700) == 0 && chmod(home, 0777) == 0;
}

static bool is_of_another_instead(const char *home)
{
    return mkdir(home, 0755) == 0 && (geteuid() != 0 || chown(home, 65534, 65534) == 0);
}

TEST(spill_folder, lies_in_none_that_somebody_else_may_have_made)
{
    static bool (*const instead[])(const char *home) = {
        is_file_instead, is_link_instead, is_open_to_all_instead, is_of_another_instead};
    char home[400], found[400], name[200], other[200];
    make_and_leave(home, name);
    REQUIRE(rmdir(home) == 0);
    for (size_t i = 0; i + (geteuid() != 0) < VV_COUNT(instead); i++) {
        REQUIRE(instead[i](home));
        REQUIRE(mkdir(test_path(name), 0700) == 0);
        make_and_leave(found, other);
        CHECK(strcmp(found, test_dir()) == 0);
        CHECK(!is_there(test_path(name)));
        REQUIRE(rmdir(home) == 0 || unlink(home) == 0);
    }
}

TEST(spill_folder, is_none_where_it_cannot_be_made)
{
    VV_CLEANUP(vv_op_done) struct vv_op op;
    struct vv_spill_folder *folder = NULL;
    vv_op_init(&op, NULL, VV_OP_BYTES_DEFAULT);
    CHECK_OK(&op, vv_spill_folder_make(&op, vv_str_of(test_path("nowhere")), &folder));
    CHECK(folder == NULL);
}

static void check_made_anew(bool with_home)
{
    struct making own, next;
    char home[400];
    if (!make(&own))
        return;
    const char *path = vv_spill_folder_path(own.folder).ptr;
    (void)snprintf(home, sizeof(home), "%.*s", (int)(strrchr(path, '/') - path), path);
    REQUIRE(rmdir(path) == 0 && (!with_home || rmdir(home) == 0));
    vv_spill_folder_keep(own.folder);
    CHECK(is_there(path));
    if (make(&next)) { /* which sweeps */
        CHECK(is_there(path));
        making_done(&next);
    }
    making_done(&own);
}

TEST(spill_folder, one_that_somebody_has_taken_away_is_made_anew_and_locked)
{
    check_made_anew(false);
    check_made_anew(true);
}
