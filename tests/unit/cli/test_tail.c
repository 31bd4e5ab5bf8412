#include "cli/tail.h"

#include <stdio.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "harness/test.h"

/* A file whose last change was `age_s` ago. */
static void make(const char *name, const char *content, int age_s)
{
    struct timespec times[2] = {{0}};
    REQUIRE(test_file_write(test_path(name), vv_str_of(content)));
    (void)clock_gettime(CLOCK_REALTIME, &times[0]);
    times[0].tv_sec -= age_s;
    times[1] = times[0];
    CHECK_INT(utimensat(-1, test_path(name), times, 0), 0);
}

static struct vv_mark mark_at(const char *name, uint64_t offset)
{
    struct vv_mark mark = {0};
    struct stat status;
    int fd = vv_tail_open(test_path(name), &status);
    CHECK(fd >= 0 && vv_mark_make(fd, offset, &mark));
    (void)close(fd);
    return mark;
}

/* Opens the file of the mark; what it holds. "(none)": it was not found. */
static const char *found(const char *name, const struct vv_mark *mark)
{
    static char content[256];
    int fd = vv_tail_find(test_path(name), mark);
    ssize_t len = fd >= 0 ? read(fd, content, sizeof(content) - 1) : -1;
    if (fd >= 0)
        (void)close(fd);
    if (len < 0)
        return "(none)";
    content[len] = '\0';
    return content;
}

TEST(tail, a_mark_fits_its_file_while_that_only_grows)
{
    struct stat status;
    make("log", "one\ntwo\n", 9);
    struct vv_mark mark = mark_at("log", 8);
    make("log", "one\ntwo\nthree\n", 8);
    CHECK_STR(found("log", &mark), "one\ntwo\nthree\n");
    make("log", "one\ntw", 8); /* shorter */
    CHECK_STR(found("log", &mark), "(none)");
    make("log", "one\nTWO\nthree\n", 8); /* another one before the place */
    CHECK_STR(found("log", &mark), "(none)");
    CHECK_INT(vv_tail_open(test_path("absent"), &status), -1);
}

TEST(tail, finds_a_file_that_was_renamed)
{
    make("log", "one\ntwo\n", 9);
    struct vv_mark mark = mark_at("log", 4);
    CHECK_INT(rename(test_path("log"), test_path("log.1")), 0);
    CHECK_STR(found("log", &mark), "one\ntwo\n");
    make("log", "new\n", 1);
    make("log.2", "old\n", 20);
    make("other", "one\ntwo\nno\n", 1);
    CHECK_STR(found("log", &mark), "one\ntwo\n");
    CHECK_INT(unlink(test_path("log.1")), 0);
    CHECK_STR(found("log", &mark), "(none)");
}

TEST(tail, finds_the_copy_of_a_file_that_was_cut)
{
    make("log", "one\ntwo\nthree\n", 9);
    struct vv_mark mark = mark_at("log", 8);
    make("log-20250130", "one\ntwo\nthree\n", 1);
    make("log.9", "uno\ndue\ntre\n", 1);
    make("log", "", 1);
    CHECK_STR(found("log", &mark), "one\ntwo\nthree\n");
    mark = mark_at("log", 0); /* nothing was read of it: any file would fit */
    CHECK_INT(unlink(test_path("log")), 0);
    CHECK_STR(found("log", &mark), "(none)");
}

TEST(tail, goes_on_with_the_oldest_that_is_younger)
{
    static const char *const names[] = {"log.4", "log.3", "log.2", "log.1", "log"};
    struct stat status, expected;
    bool is_packed = false;
    make("log.4", "4", 50);
    make("log.3", "3", 40);
    make("log.2", "2", 30);
    make("log.1", "1", 20);
    make("log", "0", 10);
    make("logs", "no", 35);
    int fd = vv_tail_open(test_path("log.4"), &status);
    for (size_t i = 1; i < VV_COUNT(names); i++) {
        int next = vv_tail_next(test_path("log"), fd, &is_packed);
        REQUIRE(next >= 0 && fstat(next, &status) == 0);
        CHECK_INT(stat(test_path(names[i]), &expected), 0);
        CHECK_INT(status.st_ino, expected.st_ino);
        CHECK(!is_packed);
        (void)close(fd);
        fd = next;
    }
    CHECK_INT(vv_tail_next(test_path("log"), fd, &is_packed), -1); /* it has the name */
    make("log.1.gz", "packed", 5);
    CHECK_INT(rename(test_path("log"), test_path("log.0")), 0);
    CHECK_INT(vv_tail_next(test_path("log"), fd, &is_packed), -1); /* none has it yet */
    CHECK(is_packed);
    make("log", "new", 1);
    int next = vv_tail_next(test_path("log"), fd, &is_packed);
    CHECK(next >= 0);
    (void)close(next);
    (void)close(fd);
}
