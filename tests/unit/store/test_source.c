#include "store/source.h"

#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/seam.h"
#include "harness/clock_fake.h"
#include "harness/test.h"

/* All of a source, by the descriptor and by the path for the engine. */
static void check_content(struct vv_op *op, const struct vv_source *source,
    const char *expected)
{
    char bytes[256];
    size_t len = 0;
    REQUIRE_OK(op, vv_source_read(op, source, 0, bytes, sizeof(bytes), &len));
    CHECK_STR(((struct vv_str){bytes, len}), expected);
    CHECK_INT(source->bytes, strlen(expected));
    for (int times = 0; times < 2; times++)
        CHECK_STR(test_file_read(source->engine_path), expected);
    REQUIRE_OK(op, vv_source_read(op, source, 2, bytes, 3, &len));
    CHECK_STR(((struct vv_str){bytes, len}), vv_str_first(vv_str_of(expected + 2), 3));
    REQUIRE_OK(op, vv_source_read(op, source, source->bytes, bytes, sizeof(bytes), &len));
    CHECK_INT(len, 0);
}

TEST(source, file_is_read_in_place)
{
    struct vv_op op;
    struct vv_source source;
    vv_op_init(&op, NULL, VV_OP_BYTES_DEFAULT);
    const struct vv_str path = vv_str_of(test_path("rows"));
    test_file_write(path.ptr, VV_STR("0123456789"));
    REQUIRE_OK(&op, vv_source_open(&op, path, -1, path, &source));
    check_content(&op, &source, "0123456789");
    unlink(path.ptr);
    check_content(&op, &source, "0123456789");
    vv_source_close(&source);
    vv_op_done(&op);
}

TEST(source, descriptor_at_its_start_is_read_in_place_and_stays_open)
{
    struct vv_op op;
    struct vv_source source;
    vv_op_init(&op, NULL, VV_OP_BYTES_DEFAULT);
    test_file_write(test_path("rows"), VV_STR("0123456789"));
    int fd = open(test_path("rows"), O_RDONLY);
    REQUIRE_OK(&op, vv_source_open(&op, VV_STR_NONE, fd, VV_STR("<stdin>"), &source));
    CHECK_INT(source.fd, fd);
    check_content(&op, &source, "0123456789");
    vv_source_close(&source);
    CHECK(fcntl(fd, F_GETFD) >= 0);
    close(fd);
    vv_op_done(&op);
}

TEST(source, what_cannot_be_read_twice_is_copied)
{
    struct vv_op op;
    vv_op_init(&op, NULL, VV_OP_BYTES_DEFAULT);
    test_file_write(test_path("rows"), VV_STR("xx0123456789"));
    int ends[2];
    int pair[2];
    REQUIRE(pipe(ends) == 0 && socketpair(AF_UNIX, SOCK_STREAM, 0, pair) == 0);
    REQUIRE(write(ends[1], "0123456789", 10) == 10 && write(pair[1], "0123456789", 10) == 10);
    close(ends[1]);
    close(pair[1]);
    const int fds[] = {open(test_path("rows"), O_RDONLY), ends[0], pair[0]};
    REQUIRE(lseek(fds[0], 2, SEEK_SET) == 2);
    for (size_t index = 0; index < VV_COUNT(fds); index++) {
        struct vv_source source;
        REQUIRE_OK(&op,
            vv_source_open(&op, VV_STR_NONE, fds[index], VV_STR("<stdin>"), &source));
        CHECK(source.fd != fds[index]);
        check_content(&op, &source, "0123456789");
        vv_source_close(&source);
        CHECK_INT(source.fd, -1);
        CHECK(fcntl(fds[index], F_GETFD) >= 0);
        close(fds[index]);
    }
    vv_op_done(&op);
}

TEST(source, a_file_that_is_written_to_is_not_the_same)
{
    struct vv_op op;
    struct vv_source source;
    vv_op_init(&op, NULL, VV_OP_BYTES_DEFAULT);
    const struct vv_str path = vv_str_of(test_path("rows"));
    const struct timespec times[2] = {{.tv_sec = 1}, {.tv_sec = 1}};
    test_file_write(path.ptr, VV_STR("0123456789"));
    REQUIRE_OK(&op, vv_source_open(&op, path, -1, path, &source));
    CHECK(vv_source_is_same(&source));
    REQUIRE(utimensat(AT_FDCWD, path.ptr, times, 0) == 0);
    CHECK(!vv_source_is_same(&source));
    vv_source_close(&source);
    REQUIRE_OK(&op, vv_source_open(&op, path, -1, path, &source));
    CHECK(vv_source_is_same(&source));
    REQUIRE(truncate(path.ptr, 9) == 0 && utimensat(AT_FDCWD, path.ptr, times, 0) == 0);
    CHECK(!vv_source_is_same(&source));
    vv_source_close(&source);
    REQUIRE_OK(&op, vv_source_open_bytes(&op, VV_STR("01"), &source));
    CHECK(vv_source_is_same(&source));
    vv_source_close(&source);
    vv_op_done(&op);
}

TEST(source, copy_has_no_name_and_is_gone_when_closed)
{
    struct vv_op op;
    struct vv_source source;
    int ends[2];
    vv_op_init(&op, NULL, VV_OP_BYTES_DEFAULT);
    const char *folder = test_path("temporary");
    REQUIRE(mkdir(folder, 0700) == 0);
    setenv("TMPDIR", folder, 1);
    REQUIRE(pipe(ends) == 0 && write(ends[1], "x", 1) == 1);
    close(ends[1]);
    REQUIRE_OK(&op, vv_source_open(&op, VV_STR_NONE, ends[0], VV_STR("<stdin>"), &source));
    /* A folder that holds nothing can be removed. */
    CHECK(rmdir(folder) == 0);
    vv_source_close(&source);
    close(ends[0]);
    vv_op_done(&op);
}

TEST(source, failures_are_told_by_name)
{
    struct vv_op op;
    struct vv_source source = VV_SOURCE_NONE;
    int ends[2];
    vv_op_init(&op, NULL, VV_OP_BYTES_DEFAULT);
    const struct vv_str absent = vv_str_of(test_path("absent"));
    const struct vv_str folder = vv_str_of(test_dir());
    CHECK_FAILS(&op, vv_source_open(&op, absent, -1, absent, &source), VARVE_ENOTFOUND);
    CHECK(strstr(op.error.message, absent.ptr) != NULL);
    CHECK_FAILS(&op, vv_source_open(&op, folder, -1, folder, &source), VARVE_EINVALID);
    CHECK_FAILS(&op, vv_source_open(&op, VV_STR(""), -1, VV_STR(""), &source), VARVE_EUSAGE);
    CHECK_FAILS(&op, vv_source_open(&op, VV_STR("a\0b"), -1, VV_STR("x"), &source),
        VARVE_EUSAGE);
    REQUIRE(pipe(ends) == 0);
    close(ends[1]);
    vv_seam_set("fail=source.read:1");
    CHECK_FAILS(&op, vv_source_open(&op, VV_STR_NONE, ends[0], VV_STR("<stdin>"), &source),
        VARVE_EIO);
    CHECK(strstr(op.error.message, "cannot read <stdin>") != NULL);
    vv_seam_set(NULL);
    setenv("TMPDIR", absent.ptr, 1);
    CHECK(vv_source_open(&op, VV_STR_NONE, ends[0], VV_STR("<stdin>"), &source) != VARVE_OK);
    CHECK(strstr(op.error.message, absent.ptr) != NULL);
    vv_forgive(&op);
    CHECK_INT(source.fd, -1);
    close(ends[0]);
    vv_op_done(&op);
}

static void *cancel_soon(void *data)
{
    struct test_clock *clock = data;
    usleep(100000);
    atomic_store(&clock->cancel, true);
    return NULL;
}

/* Nobody writes, and nobody closes the other end. */
TEST(source, waiting_at_a_pipe_can_be_cancelled)
{
    struct test_clock clock;
    struct vv_op op;
    struct vv_source source;
    pthread_t thread;
    int ends[2];
    test_clock_init(&clock, 0);
    vv_op_init(&op, &clock.env, VV_OP_BYTES_DEFAULT);
    REQUIRE(pipe(ends) == 0 && pthread_create(&thread, NULL, cancel_soon, &clock) == 0);
    CHECK_FAILS(&op, vv_source_open(&op, VV_STR_NONE, ends[0], VV_STR("<stdin>"), &source),
        VARVE_EINTERRUPTED);
    pthread_join(thread, NULL);
    close(ends[0]);
    close(ends[1]);
    vv_op_done(&op);
}
