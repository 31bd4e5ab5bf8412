/* A folder that appears whole or not at all: after failures, races and kills. */
#include <dirent.h>
#include <signal.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/seam.h"
#include "harness/proc.h"
#include "harness/test.h"
#include "store/new_folder.h"

struct making {
    struct vv_op op;
    struct vv_new_folder folder;
    atomic_bool cancel;
    struct vv_env env;
};

static void making_done(struct making *making)
{
    vv_new_folder_done(&making->folder);
    vv_op_done(&making->op);
}

static void making_begin(struct making *making)
{
    *making = (struct making){.folder = {.lock = -1}};
    making->env.cancel = &making->cancel;
    vv_op_init(&making->op, &making->env, VV_OP_BYTES_DEFAULT);
}

/* Entries of a folder; -1 where it is not there. */
static int count_entries(const char *path)
{
    DIR *folder = opendir(path);
    if (folder == NULL)
        return -1;
    int count = -2; /* "." and ".." */
    while (readdir(folder) != NULL)
        count++;
    (void)closedir(folder);
    return count;
}

/* Three files: one written, one copied, one that somebody else writes. */
static varve_status fill(struct vv_op *op, struct vv_new_folder *folder, const char *source)
{
    struct vv_str path;
    VV_TRY(vv_new_folder_write(op, folder, VV_STR("a/written"), VV_STR("bytes")));
    VV_TRY(vv_new_folder_copy(op, folder, VV_STR("a/b/copied"), source));
    VV_TRY(vv_new_folder_stage(op, folder, VV_STR("staged"), &path));
    return test_file_write(path.ptr, VV_STR("by another")) ? VARVE_OK : VARVE_EFAILED;
}

static varve_status make(struct making *making, const char *path)
{
    struct vv_op *op = &making->op;
    VV_TRY(vv_new_folder_open(op, vv_str_of(path), &making->folder));
    VV_TRY(fill(op, &making->folder, test_path("source")));
    return vv_new_folder_publish(op, &making->folder);
}

static void check_whole(void)
{
    CHECK_INT(count_entries(test_path("in/made")), 2);
    CHECK_STR(test_file_read(test_path("in/made/a/written")), "bytes");
    CHECK_STR(test_file_read(test_path("in/made/a/b/copied")), "what is copied");
    CHECK_STR(test_file_read(test_path("in/made/staged")), "by another");
}

/* The folder that it is to be in, and a file to copy. */
static bool prepare(void)
{
    return CHECK(mkdir(test_path("in"), 0755) == 0) &&
           test_file_write(test_path("source"), VV_STR("what is copied"));
}

TEST(new_folder, has_its_name_once_it_is_whole)
{
    VV_CLEANUP(making_done) struct making making;
    struct vv_op *op = &making.op;
    making_begin(&making);
    REQUIRE(prepare());
    REQUIRE_OK(op, vv_new_folder_open(op, vv_str_of(test_path("in/made//")), &making.folder));
    REQUIRE_OK(op, fill(op, &making.folder, test_path("source")));
    CHECK_INT(count_entries(test_path("in/made")), -1);
    CHECK_INT(count_entries(test_path("in")), 1);
    REQUIRE_OK(op, vv_new_folder_publish(op, &making.folder));
    check_whole();
    vv_new_folder_done(&making.folder);
    check_whole();
    CHECK_INT(count_entries(test_path("in")), 1);
}

TEST(new_folder, leaves_nothing_where_it_is_given_up)
{
    VV_CLEANUP(making_done) struct making making;
    struct vv_op *op = &making.op;
    making_begin(&making);
    REQUIRE(prepare());
    REQUIRE_OK(op, vv_new_folder_open(op, vv_str_of(test_path("in/made")), &making.folder));
    REQUIRE_OK(op, fill(op, &making.folder, test_path("source")));
    CHECK_FAILS(op,
        vv_new_folder_copy(op, &making.folder, VV_STR("none"), test_path("missing")),
        VARVE_ENOTFOUND);
    CHECK_FAILS(op, vv_new_folder_write(op, &making.folder, VV_STR("staged"), VV_STR("twice")),
        VARVE_EIO);
    atomic_store(&making.cancel, true);
    CHECK_FAILS(op, vv_new_folder_copy(op, &making.folder, VV_STR("late"), test_path("source")),
        VARVE_EINTERRUPTED);
    vv_new_folder_done(&making.folder);
    CHECK_INT(count_entries(test_path("in")), 0);
}

TEST(new_folder, is_refused_where_the_name_will_not_do)
{
    static const struct {
        const char *name;
        varve_status status;
    } cases[] = {
        {"in/taken", VARVE_EUSAGE},
        {"in/.", VARVE_EUSAGE},
        {"in/..", VARVE_EUSAGE},
        {"missing/made", VARVE_ENOTFOUND},
        {"source/made", VARVE_EIO},
    };
    VV_CLEANUP(making_done) struct making making;
    struct vv_op *op = &making.op;
    making_begin(&making);
    REQUIRE(prepare());
    REQUIRE(test_file_write(test_path("in/taken"), VV_STR("theirs")));
    for (size_t i = 0; i < VV_COUNT(cases); i++) {
        CHECK_FAILS(op,
            vv_new_folder_open(op, vv_str_of(test_path(cases[i].name)), &making.folder),
            cases[i].status);
        vv_new_folder_done(&making.folder);
    }
    CHECK_FAILS(op, vv_new_folder_open(op, VV_STR("/"), &making.folder), VARVE_EUSAGE);
    vv_new_folder_done(&making.folder);
    CHECK_STR(test_file_read(test_path("in/taken")), "theirs");
    CHECK_INT(count_entries(test_path("in")), 1);
}

/* By a rename that never replaces, and where the file system has none. */
TEST(new_folder, never_replaces_what_somebody_made_meanwhile)
{
    static const char *const seams[] = {NULL, "fail=store.rename_new_missing"};
    REQUIRE(prepare());
    for (size_t i = 0; i < VV_COUNT(seams); i++) {
        VV_CLEANUP(making_done) struct making making;
        struct vv_op *op = &making.op;
        making_begin(&making);
        REQUIRE_OK(op, vv_new_folder_open(op, vv_str_of(test_path("in/made")), &making.folder));
        REQUIRE_OK(op, fill(op, &making.folder, test_path("source")));
        REQUIRE(test_file_write(test_path("in/made"), VV_STR("theirs")));
        vv_seam_set(seams[i]);
        CHECK_FAILS(op, vv_new_folder_publish(op, &making.folder), VARVE_EUSAGE);
        vv_seam_set(NULL);
        vv_new_folder_done(&making.folder);
        CHECK_STR(test_file_read(test_path("in/made")), "theirs");
        CHECK_INT(count_entries(test_path("in")), 1);
        REQUIRE(unlink(test_path("in/made")) == 0);
        vv_seam_set(seams[i]);
        CHECK_OK(op, make(&making, test_path("in/made")));
        vv_seam_set(NULL);
        check_whole();
        vv_new_folder_done(&making.folder);
        REQUIRE(rename(test_path("in/made"), test_path(i == 0 ? "first" : "second")) == 0);
    }
}

/* Out of the way of the next one, under a new name; true: it was there, and whole. */
static bool set_aside(int number)
{
    char name[32];
    if (count_entries(test_path("in/made")) < 0)
        return false;
    check_whole();
    (void)snprintf(name, sizeof(name), "aside%d", number);
    return CHECK(rename(test_path("in/made"), test_path(name)) == 0);
}

/* The n-th call of each kind fails, n = 1, 2, ... until none does. */
TEST(new_folder, is_whole_or_not_there_after_any_failure)
{
    static const char *const calls[] = {"store.open", "store.read", "store.write",
        "store.close", "store.fsync", "store.fsync_folder", "store.rename_new"};
    int made = 0;
    int not_made = 0;
    REQUIRE(prepare());
    for (size_t i = 0; i < VV_COUNT(calls); i++) {
        varve_status status = VARVE_EIO;
        for (int nth = 1; status != VARVE_OK && nth < 100; nth++) {
            VV_CLEANUP(making_done) struct making making;
            char seam[64];
            making_begin(&making);
            (void)snprintf(seam, sizeof(seam), "fail=%s:%d", calls[i], nth);
            vv_seam_set(seam);
            status = make(&making, test_path("in/made"));
            vv_seam_set(NULL);
            vv_forgive(&making.op);
            vv_new_folder_done(&making.folder);
            bool is_there = set_aside(made);
            if (!CHECK(is_there || status == VARVE_EIO) ||
                !CHECK_INT(count_entries(test_path("in")), 0))
                printf("# %s\n", seam);
            made += is_there ? 1 : 0;
            not_made += is_there ? 0 : 1;
        }
        CHECK_INT(status, VARVE_OK);
    }
    CHECK(made >= (int)VV_COUNT(calls) && not_made >= (int)VV_COUNT(calls));
}

/* What a cut of the power may take back is told, although the folder has its name. */
TEST(new_folder, tells_that_its_name_may_not_last)
{
    VV_CLEANUP(making_done) struct making making;
    making_begin(&making);
    REQUIRE(prepare());
    vv_seam_set("fail=new_folder.sync_parent");
    CHECK_FAILS(&making.op, make(&making, test_path("in/made")), VARVE_EIO);
    vv_seam_set(NULL);
    vv_new_folder_done(&making.folder);
    check_whole();
}

/* In a child, by relative names: dies with the folder half made. */
static int die_at_work(void *data)
{
    struct making making;
    (void)data;
    making_begin(&making);
    if (chdir(test_path("in")) != 0 ||
        vv_new_folder_open(&making.op, VV_STR("made"), &making.folder) != VARVE_OK ||
        fill(&making.op, &making.folder, test_path("source")) != VARVE_OK)
        return 1;
    (void)raise(SIGKILL);
    return 2;
}

static int make_beside(void *data)
{
    VV_CLEANUP(making_done) struct making making;
    (void)data;
    making_begin(&making);
    return chdir(test_path("in")) == 0 && make(&making, "made") == VARVE_OK ? 0 : 1;
}

TEST(new_folder, the_next_one_removes_what_a_killed_process_left)
{
    struct test_proc child;
    REQUIRE(prepare());
    REQUIRE(mkdir(test_path("in/.made.part-notes"), 0755) == 0);
    REQUIRE(mkdir(test_path("in/.other.part-01234567"), 0755) == 0);
    REQUIRE(test_proc_fork(&child, die_at_work, NULL));
    CHECK_INT(test_proc_wait(&child, 60000), 128 + SIGKILL);
    CHECK_INT(count_entries(test_path("in")), 3);
    REQUIRE(test_proc_fork(&child, make_beside, NULL));
    CHECK_INT(test_proc_wait(&child, 60000), 0);
    check_whole();
    CHECK_INT(count_entries(test_path("in")), 3);
    CHECK_INT(count_entries(test_path("in/.made.part-notes")), 0);
    CHECK_INT(count_entries(test_path("in/.other.part-01234567")), 0);
}

TEST(new_folder, what_another_is_at_work_on_is_left_alone)
{
    VV_CLEANUP(making_done) struct making first;
    VV_CLEANUP(making_done) struct making second;
    making_begin(&first);
    making_begin(&second);
    REQUIRE(prepare());
    REQUIRE_OK(&first.op,
        vv_new_folder_open(&first.op, vv_str_of(test_path("in/made")), &first.folder));
    REQUIRE_OK(&second.op,
        vv_new_folder_open(&second.op, vv_str_of(test_path("in/made")), &second.folder));
    CHECK_INT(count_entries(test_path("in")), 2);
    REQUIRE_OK(&first.op, fill(&first.op, &first.folder, test_path("source")));
    REQUIRE_OK(&first.op, vv_new_folder_publish(&first.op, &first.folder));
    CHECK_FAILS(&second.op, vv_new_folder_publish(&second.op, &second.folder), VARVE_EUSAGE);
    vv_new_folder_done(&second.folder);
    check_whole();
    CHECK_INT(count_entries(test_path("in")), 1);
}
