#include "cli/lines.h"

#include <stdlib.h>
#include <time.h>

#include "harness/test.h"

#define LINE_MAX 16
#define KEPT_MAX 1000

/* A stream that comes in pieces, and what is made of it. */
struct fixture {
    struct vv_desk desk;
    struct vv_lines lines;
};

static void begin(struct fixture *f, bool is_csv)
{
    *f = (struct fixture){.lines = {.is_csv = is_csv}};
    vv_desk_init(&f->desk, LINE_MAX, 64, KEPT_MAX);
}

static void end(struct fixture *f)
{
    vv_lines_done(&f->lines, &f->desk);
    CHECK_INT(f->desk.kept_bytes, 0);
    vv_desk_done(&f->desk);
}

/* One turn of the stream. */
static void add(struct fixture *f, const char *bytes, size_t len)
{
    size_t room = 0;
    char *at = vv_lines_begin(&f->lines, &f->desk, &room);
    REQUIRE(len <= room);
    memcpy(at, bytes, len);
    vv_lines_add(&f->lines, &f->desk, len);
}

static struct vv_str text_of(const struct vv_line *line)
{
    return (struct vv_str){line->bytes, line->len};
}

TEST(lines, the_same_whatever_pieces_they_come_in)
{
    static const char stream[] = "one\n\ntwo\r\nthree, and\n four\nfiv";
    static const char *const expected[] = {"one", "", "two\r", "three, and", " four"};
    for (size_t piece = 1; piece < sizeof(stream); piece++) {
        struct fixture f;
        struct vv_line line;
        size_t len = 0;
        begin(&f, false);
        for (size_t at = 0; at < sizeof(stream) - 1; at += piece) {
            size_t left = sizeof(stream) - 1 - at;
            add(&f, stream + at, left < piece ? left : piece);
            while (vv_lines_next(&f.lines, &f.desk, &line)) {
                REQUIRE(len < VV_COUNT(expected));
                CHECK_INT(line.number, len + 1);
                CHECK_INT(line.fault, VV_LINE_FINE);
                CHECK(memcmp(stream + line.offset, line.bytes, line.len) == 0);
                CHECK_STR(text_of(&line), expected[len++]);
            }
            vv_lines_end(&f.lines, &f.desk);
        }
        CHECK_INT(len, VV_COUNT(expected));
        add(&f, "", 0);
        CHECK(vv_lines_last(&f.lines, &f.desk, &line));
        CHECK_STR(text_of(&line), "fiv");
        CHECK_INT(line.number, len + 1);
        CHECK(!vv_lines_last(&f.lines, &f.desk, &line));
        vv_lines_end(&f.lines, &f.desk);
        end(&f);
    }
}

TEST(lines, a_line_too_long_is_told_once_and_passed_over)
{
    static const char stream[] =
        "a\n0123456789abcdef0123456789abcdef012345\nb\n0123456789abcdef\n";
    for (size_t piece = 1; piece < sizeof(stream); piece++) {
        struct fixture f;
        struct vv_line line;
        uint64_t numbers[8] = {0};
        bool cut[8] = {0};
        size_t len = 0;
        begin(&f, false);
        for (size_t at = 0; at < sizeof(stream) - 1; at += piece) {
            size_t left = sizeof(stream) - 1 - at;
            add(&f, stream + at, left < piece ? left : piece);
            while (vv_lines_next(&f.lines, &f.desk, &line) && CHECK(len < 8)) {
                numbers[len] = line.number;
                cut[len++] = line.fault == VV_LINE_TOO_LONG;
            }
            vv_lines_end(&f.lines, &f.desk);
            CHECK(f.lines.kept_len <= LINE_MAX);
        }
        CHECK_INT(len, 4);
        CHECK_INT(numbers[1], 2);
        CHECK_INT(numbers[3], 4);
        CHECK(!cut[0] && cut[1] && !cut[2] && !cut[3]);
        CHECK_INT(f.lines.offset, sizeof(stream) - 1);
        end(&f);
    }
}

TEST(lines, one_that_could_not_be_used_comes_again)
{
    struct fixture f;
    struct vv_line first, again;
    begin(&f, false);
    add(&f, "one\ntwo\nthr", 11);
    CHECK(vv_lines_next(&f.lines, &f.desk, &first));
    CHECK(vv_lines_next(&f.lines, &f.desk, &first));
    vv_lines_again(&f.lines, &f.desk, &first);
    vv_lines_end(&f.lines, &f.desk);
    add(&f, "ee\n", 3);
    CHECK(vv_lines_next(&f.lines, &f.desk, &again));
    CHECK_STR(text_of(&again), "two");
    CHECK_INT(again.number, 2);
    CHECK_INT(again.offset, 4);
    CHECK(vv_lines_next(&f.lines, &f.desk, &again));
    CHECK_STR(text_of(&again), "three");
    CHECK(!vv_lines_next(&f.lines, &f.desk, &again));
    end(&f);
}

TEST(lines, all_streams_together_keep_no_more_than_they_may)
{
    struct vv_desk desk;
    struct vv_lines lines[100] = {{0}};
    struct vv_line line;
    size_t cut = 0, room = 0;
    vv_desk_init(&desk, LINE_MAX, 64, KEPT_MAX);
    for (size_t i = 0; i < VV_COUNT(lines); i++) {
        memcpy(vv_lines_begin(&lines[i], &desk, &room), "0123456789abcdef", 16);
        vv_lines_add(&lines[i], &desk, 16);
        if (vv_lines_next(&lines[i], &desk, &line)) {
            CHECK_INT(line.fault, VV_LINE_TOO_LONG);
            cut++;
        }
        vv_lines_end(&lines[i], &desk);
        CHECK(desk.kept_bytes <= KEPT_MAX);
    }
    CHECK_INT(cut, VV_COUNT(lines) - KEPT_MAX / 16);
    for (size_t i = 0; i < VV_COUNT(lines); i++)
        vv_lines_done(&lines[i], &desk);
    CHECK_INT(desk.kept_bytes, 0);
    vv_desk_done(&desk);
}

TEST(lines, records_of_csv_may_hold_line_ends)
{
    static const char stream[] = "a,\"b\nc\"\nd\"e,f\n\"\"\"\n\"\",x\n \" ,g\n,'h\n";
    static const struct record {
        const char *text;
        uint64_t number;
    } records[] = {{"a,\"b\nc\"", 1}, {"d\"e,f", 3}, {"\"\"\"\n\"\",x\n \" ,g", 4}, {",'h", 7}};
    for (size_t piece = 1; piece < sizeof(stream); piece++) {
        struct fixture f;
        struct vv_line line;
        size_t len = 0;
        begin(&f, true);
        for (size_t at = 0; at < sizeof(stream) - 1; at += piece) {
            size_t left = sizeof(stream) - 1 - at;
            add(&f, stream + at, left < piece ? left : piece);
            while (vv_lines_next(&f.lines, &f.desk, &line)) {
                REQUIRE(len < VV_COUNT(records));
                CHECK_STR(text_of(&line), records[len].text);
                CHECK_INT(line.number, records[len++].number);
            }
            vv_lines_end(&f.lines, &f.desk);
        }
        CHECK_INT(len, VV_COUNT(records));
        end(&f);
    }
}

/* What is told of a line: its text, and the fault. */
struct told {
    const char *text;
    enum vv_line_fault fault;
};

static void check_told(const char *stream, const struct told *told, size_t told_len)
{
    size_t stream_len = strlen(stream);
    for (size_t piece = 1; piece <= stream_len; piece++) {
        struct fixture f;
        struct vv_line line;
        size_t len = 0;
        begin(&f, true);
        for (size_t at = 0; at <= stream_len; at += piece) {
            size_t left = stream_len - at;
            add(&f, stream + at, left < piece ? left : piece);
            bool is_end = left <= piece;
            while (is_end ? vv_lines_last(&f.lines, &f.desk, &line)
                          : vv_lines_next(&f.lines, &f.desk, &line)) {
                REQUIRE(len < told_len);
                CHECK_STR(text_of(&line), told[len].text);
                CHECK_INT(line.fault, told[len++].fault);
                CHECK_INT(line.number, len);
                CHECK(memcmp(stream + line.offset, line.bytes, line.len) == 0);
            }
            vv_lines_end(&f.lines, &f.desk);
            if (is_end)
                break;
        }
        CHECK_INT(len, told_len);
        end(&f);
    }
}

TEST(lines, a_stray_quote_costs_its_own_line)
{
    static const struct told closed[] = {{"a,\"b", VV_LINE_STRAY}, {"c,d", VV_LINE_FINE},
        {"e,f\"g", VV_LINE_FINE}, {"h,\"i", VV_LINE_STRAY}, {"j,\"k", VV_LINE_OPEN_QUOTE},
        {"l", VV_LINE_FINE}};
    check_told("a,\"b\nc,d\ne,f\"g\nh,\"i\nj,\"k\nl\n", closed, VV_COUNT(closed));
    static const struct told open[] = {{"a,b", VV_LINE_FINE}, {"a,\"b", VV_LINE_OPEN_QUOTE},
        {"c,\"\"", VV_LINE_FINE}, {"d", VV_LINE_FINE}, {",\"\"e", VV_LINE_FINE}};
    check_told("a,b\na,\"b\nc,\"\"\nd\n,\"\"e", open, VV_COUNT(open));
}

TEST(lines, a_quote_that_is_not_closed_within_the_limit_costs_its_own_line)
{
    struct fixture f;
    struct vv_line line;
    begin(&f, true);
    add(&f, "a,\"b\nc,d\ne,f\ng,h\ni,j\nk,l\n", 25);
    CHECK(vv_lines_next(&f.lines, &f.desk, &line));
    CHECK_INT(line.fault, VV_LINE_LONG_QUOTE);
    CHECK_STR(text_of(&line), "a,\"b");
    CHECK_INT(line.number, 1);
    CHECK(vv_lines_next(&f.lines, &f.desk, &line));
    CHECK_INT(line.fault, VV_LINE_FINE);
    CHECK_STR(text_of(&line), "c,d");
    CHECK_INT(line.number, 2);
    end(&f);
}

/* Each line leaves a quote open, and none is closed: a search from each one to the end would take long. */
TEST(lines, stray_quotes_are_not_searched_behind_again_and_again)
{
    static const char text[] = "a,x\",y,\"\n";
    const size_t text_len = sizeof(text) - 1, count = 50000;
    struct fixture f = {.lines = {.is_csv = true}};
    struct vv_line line;
    size_t len = 0;
    vv_desk_init(&f.desk, text_len * count / 2, text_len * count, SIZE_MAX);
    size_t room = 0;
    char *at = vv_lines_begin(&f.lines, &f.desk, &room);
    for (size_t i = 0; i < count; i++)
        memcpy(at + i * text_len, text, text_len);
    vv_lines_add(&f.lines, &f.desk, text_len * count);
    clock_t begun = clock();
    for (; vv_lines_last(&f.lines, &f.desk, &line) && line.len == text_len - 1; len++)
        if (line.fault != VV_LINE_LONG_QUOTE && line.fault != VV_LINE_OPEN_QUOTE)
            break;
    CHECK_INT(len, count);
    CHECK(clock() - begun < 5 * CLOCKS_PER_SEC);
    end(&f);
}
