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

TEST(spill_folder, is_none_where_it_cannot_be_made)
{
    VV_CLEANUP(vv_op_done) struct vv_op op;
    struct vv_spill_folder *folder = NULL;
    vv_op_init(&op, NULL, VV_OP_BYTES_DEFAULT);
    CHECK_OK(&op, vv_spill_folder_make(&op, vv_str_of(test_path("nowhere")), &folder));
    CHECK(folder == NULL);
}

TEST(spill_folder, one_that_somebody_has_taken_away_is_made_anew_and_locked)
{
    struct making own;
    struct making next;
    if (!make(&own))
        return;
    REQUIRE(rmdir(vv_spill_folder_path(own.folder).ptr) == 0);
    vv_spill_folder_keep(own.folder);
    CHECK(is_there(vv_spill_folder_path(own.folder).ptr));
    if (make(&next)) { /* which sweeps */
        CHECK(is_there(vv_spill_folder_path(own.folder).ptr));
        making_done(&next);
    }
    making_done(&own);
}
