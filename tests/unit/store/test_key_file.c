/* Key files: written once and whole, a private one for nobody else. */
#include <signal.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/seam.h"
#include "harness/proc.h"
#include "harness/test.h"
#include "store/key_file.h"

static const struct vv_str key = {"-----BEGIN KEY-----\nabc\n", 24};

static void op_open(struct vv_op *op)
{
    vv_op_init(op, NULL, VV_OP_BYTES_DEFAULT);
}

static int rights_of(const char *path)
{
    struct stat status;
    return stat(path, &status) == 0 ? (int)(status.st_mode & 0777) : -1;
}

TEST(key_file, is_written_once_and_a_private_one_is_for_its_owner)
{
    VV_CLEANUP(vv_op_done) struct vv_op op;
    char bytes[VV_KEY_FILE_BYTES_MAX];
    size_t len = 0;
    op_open(&op);
    mode_t old = umask(0);
    REQUIRE_OK(&op, vv_key_file_write(&op, test_path("private"), true, key));
    REQUIRE_OK(&op, vv_key_file_write(&op, test_path("public"), false, key));
    (void)umask(old);
    CHECK_INT(rights_of(test_path("private")), 0600);
    CHECK_INT(rights_of(test_path("public")), 0644);
    CHECK_FAILS(&op, vv_key_file_write(&op, test_path("private"), true, VV_STR("another")),
        VARVE_EUSAGE);
    REQUIRE_OK(&op, vv_key_file_read(&op, test_path("private"), true, bytes, &len));
    CHECK_STR(((struct vv_str){bytes, len}), key);
    CHECK(vv_key_file_is_there(test_path("private")));
    vv_key_file_remove(test_path("private"));
    CHECK(!vv_key_file_is_there(test_path("private")));
    CHECK_FAILS(&op, vv_key_file_read(&op, test_path("private"), true, bytes, &len),
        VARVE_ENOTFOUND);
}

TEST(key_file, a_key_in_place_of_a_path_is_not_repeated)
{
    VV_CLEANUP(vv_op_done) struct vv_op op;
    char bytes[VV_KEY_FILE_BYTES_MAX];
    size_t len = 0;
    op_open(&op);
    CHECK_INT(vv_key_file_read(&op, key.ptr, true, bytes, &len), VARVE_EUSAGE);
    CHECK(strstr(op.error.message, "a key itself was given") != NULL);
    CHECK(strstr(op.error.message, "abc") == NULL);
    CHECK(strcmp(vv_key_file_name(key.ptr), "a key") == 0);
    CHECK(strcmp(vv_key_file_name("audit.key"), "audit.key") == 0);
}

TEST(key_file, a_public_one_where_a_private_is_asked_for_is_named_as_that)
{
    VV_CLEANUP(vv_op_done) struct vv_op op;
    char bytes[VV_KEY_FILE_BYTES_MAX];
    size_t len = 0;
    op_open(&op);
    REQUIRE_OK(&op,
        vv_key_file_write(&op, test_path("k.pub"), false,
            VV_STR("-----BEGIN PUBLIC KEY-----\nMCow\n-----END PUBLIC KEY-----\n")));
    CHECK_INT(vv_key_file_read(&op, test_path("k.pub"), true, bytes, &len), VARVE_EUSAGE);
    CHECK(strstr(op.error.message, "is a public key") != NULL);
    vv_forgive(&op);
    CHECK_OK(&op, vv_key_file_read(&op, test_path("k.pub"), false, bytes, &len));
}

TEST(key_file, a_private_one_that_others_may_read_is_refused)
{
    VV_CLEANUP(vv_op_done) struct vv_op op;
    char bytes[VV_KEY_FILE_BYTES_MAX];
    size_t len = 0;
    op_open(&op);
    REQUIRE_OK(&op, vv_key_file_write(&op, test_path("k"), true, key));
    REQUIRE(chmod(test_path("k"), 0640) == 0);
    CHECK_INT(vv_key_file_read(&op, test_path("k"), true, bytes, &len), VARVE_EUSAGE);
    CHECK(strstr(op.error.message, "chmod 600") != NULL);
    CHECK_INT(bytes[0], '\0'); /* nothing of it is left */
    vv_forgive(&op);
    CHECK_OK(&op, vv_key_file_read(&op, test_path("k"), false, bytes, &len));
    CHECK_INT(len, key.len);
}

TEST(key_file, one_that_is_too_long_or_a_folder_is_refused)
{
    VV_CLEANUP(vv_op_done) struct vv_op op;
    static char longest[VV_KEY_FILE_BYTES_MAX];
    char bytes[VV_KEY_FILE_BYTES_MAX];
    size_t len = 0;
    op_open(&op);
    memset(longest, 'k', sizeof(longest));
    REQUIRE(test_file_write(test_path("k"), (struct vv_str){longest, sizeof(longest) - 1}));
    REQUIRE_OK(&op, vv_key_file_read(&op, test_path("k"), false, bytes, &len));
    CHECK_INT(len, sizeof(longest) - 1);
    REQUIRE(test_file_write(test_path("k"), (struct vv_str){longest, sizeof(longest)}));
    CHECK_FAILS(&op, vv_key_file_read(&op, test_path("k"), false, bytes, &len), VARVE_EUSAGE);
    CHECK_FAILS(&op, vv_key_file_read(&op, test_dir(), false, bytes, &len), VARVE_EIO);
}

TEST(key_file, is_not_there_where_it_cannot_be_made_durable)
{
    VV_CLEANUP(vv_op_done) struct vv_op op;
    op_open(&op);
    vv_seam_set("fail=key.sync");
    CHECK_FAILS(&op, vv_key_file_write(&op, test_path("k"), true, key), VARVE_EIO);
    vv_seam_set(NULL);
    CHECK(!vv_key_file_is_there(test_path("k")));
    CHECK_FAILS(&op, vv_key_file_write(&op, test_path("no/k"), true, key), VARVE_ENOTFOUND);
    CHECK_OK(&op, vv_key_file_write(&op, test_path("k"), true, key));
}

/* In a child: no file may become longer than ten bytes, and the name is a relative one. */
static int write_without_room(void *data)
{
    struct vv_op op;
    const struct rlimit limit = {10, 10};
    (void)data;
    op_open(&op);
    if (chdir(test_dir()) != 0)
        return 2;
    if (vv_key_file_write(&op, "whole", true, key) != VARVE_OK)
        return 3;
    if (signal(SIGXFSZ, SIG_IGN) == SIG_ERR || setrlimit(RLIMIT_FSIZE, &limit) != 0)
        return 4;
    varve_status status = vv_key_file_write(&op, "cut", true, key);
    vv_op_done(&op);
    return status == VARVE_EIO ? 0 : 5;
}

TEST(key_file, no_part_of_it_is_left_where_there_is_no_room)
{
    struct test_proc child;
    (void)test_dir();
    REQUIRE(test_proc_fork(&child, write_without_room, NULL));
    CHECK_INT(test_proc_wait(&child, 60000), 0);
    CHECK(vv_key_file_is_there(test_path("whole")));
    CHECK(!vv_key_file_is_there(test_path("cut")));
}
