/* Lines of any length out of one buffer. */
#include "table/input/lines.h"

#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include "harness/test.h"
#include "table/input/batch_input.h"

#define MAX VV_INPUT_LINE_BYTES_MAX
#define LAST SIZE_MAX /* a line without an end, of three bytes */

/* Lines of these lengths, of NUL bytes, which take no room on the disk. */
static bool make_file(const char *path, const size_t *lens, size_t lens_len)
{
    off_t at = 0;
    bool is_made = true;
    int fd = open(path, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    for (size_t i = 0; i < lens_len && is_made; i++) {
        if (lens[i] == LAST) {
            is_made = pwrite(fd, "end", 3, at) == 3;
            break;
        }
        at += (off_t)lens[i];
        is_made = pwrite(fd, "\n", 1, at) == 1;
        at++;
    }
    return close(fd) == 0 && CHECK(is_made);
}

/* Lines that are in memory already come as those of a file do. */
TEST(lines, given_ones_are_taken_as_they_are)
{
    VV_CLEANUP(vv_op_done) struct vv_op op;
    char *longest = calloc(MAX + 1, 1);
    REQUIRE(longest != NULL);
    const struct vv_str given[] = {VV_STR("\xEF\xBB\xBFone"), VV_STR(""), {longest, MAX},
        {longest, MAX + 1}, VV_STR("five")};
    VV_CLEANUP(vv_source_close) struct vv_source source = VV_SOURCE_NONE;
    VV_CLEANUP(vv_lines_done) struct vv_lines lines = {.source = &source};
    struct vv_str line;
    bool has_line = true;
    vv_op_init(&op, NULL, VV_OP_BYTES_DEFAULT);
    vv_source_open_lines(given, VV_COUNT(given), &source);
    CHECK_INT(source.bytes, 6 + 0 + MAX + MAX + 1 + 4 + 5);
    for (size_t i = 0; i < VV_COUNT(given); i++) {
        REQUIRE_OK(&op, vv_lines_next(&op, &lines, &has_line, &line));
        REQUIRE(has_line);
        CHECK_INT(lines.line, i + 1);
        CHECK_INT(lines.is_cut, i == 3);
        CHECK_INT(line.len, i == 0 ? 3 : i == 3 ? MAX : given[i].len);
        CHECK_INT(vv_lines_is_blank(&lines, line), i == 1);
        CHECK(i == 0 || line.ptr == given[i].ptr);
    }
    for (int again = 0; again < 2; again++) {
        REQUIRE_OK(&op, vv_lines_next(&op, &lines, &has_line, &line));
        CHECK(!has_line);
    }
    free(longest);
}

static void check_lines(const size_t *lens, size_t lens_len)
{
    VV_CLEANUP(vv_op_done) struct vv_op op;
    VV_CLEANUP(vv_source_close) struct vv_source source = VV_SOURCE_NONE;
    VV_CLEANUP(vv_lines_done) struct vv_lines lines = {.source = &source};
    const char *path = test_path("lines");
    struct vv_str line;
    bool has_line = false;
    vv_op_init(&op, NULL, VV_OP_BYTES_DEFAULT);
    REQUIRE(make_file(path, lens, lens_len));
    REQUIRE_OK(&op, vv_source_open(&op, vv_str_of(path), -1, vv_str_of(path), &source));
    for (size_t i = 0; i < lens_len; i++) {
        size_t len = lens[i] == LAST ? 3 : lens[i];
        REQUIRE_OK(&op, vv_lines_next(&op, &lines, &has_line, &line));
        REQUIRE(has_line);
        CHECK_INT(lines.line, i + 1);
        CHECK_INT(line.len, len < MAX ? len : MAX);
        CHECK_INT(lines.is_cut, len > MAX);
        CHECK_INT(vv_lines_is_blank(&lines, line), len == 0);
        if (len > MAX)
            CHECK_FAILS(&op, vv_lines_check(&op, &lines), VARVE_EINVALID);
        else
            CHECK_OK(&op, vv_lines_check(&op, &lines));
        CHECK(lines.capacity <= MAX + (1 << 20));
    }
    REQUIRE_OK(&op, vv_lines_next(&op, &lines, &has_line, &line));
    CHECK(!has_line);
    CHECK(!lines.is_cut);
}

TEST(lines, are_cut_at_their_limit_and_others_are_whole)
{
    static const size_t around[] = {3, MAX - 1, MAX, MAX + 1, 0, 5, LAST};
    static const size_t many_times[] = {3 * MAX + 7, 1, 2 * (MAX + (1 << 20)), 2, LAST};
    static const size_t at_the_end[] = {1, MAX + (1 << 20)};
    static const size_t alone[] = {MAX + 1};
    static const size_t few[] = {0, 0, LAST};
    check_lines(around, VV_COUNT(around));
    check_lines(many_times, VV_COUNT(many_times));
    check_lines(at_the_end, VV_COUNT(at_the_end));
    check_lines(alone, VV_COUNT(alone));
    check_lines(few, VV_COUNT(few));
}

/* The bytes behind the limit have no end of a line any more. */
TEST(lines, of_a_file_that_ends_within_a_line_too_long)
{
    static const size_t lens[] = {1, 2 * MAX};
    VV_CLEANUP(vv_op_done) struct vv_op op;
    VV_CLEANUP(vv_source_close) struct vv_source source = VV_SOURCE_NONE;
    VV_CLEANUP(vv_lines_done) struct vv_lines lines = {.source = &source};
    const char *path = test_path("lines");
    struct vv_str line;
    bool has_line = false;
    vv_op_init(&op, NULL, VV_OP_BYTES_DEFAULT);
    REQUIRE(make_file(path, lens, VV_COUNT(lens)));
    REQUIRE(truncate(path, (off_t)MAX + 100) == 0);
    REQUIRE_OK(&op, vv_source_open(&op, vv_str_of(path), -1, vv_str_of(path), &source));
    REQUIRE_OK(&op, vv_lines_next(&op, &lines, &has_line, &line));
    CHECK_INT(line.len, 1);
    REQUIRE_OK(&op, vv_lines_next(&op, &lines, &has_line, &line));
    CHECK(has_line && lines.is_cut);
    CHECK_INT(line.len, MAX);
    REQUIRE_OK(&op, vv_lines_next(&op, &lines, &has_line, &line));
    CHECK(!has_line);
}
