#include "cli/input.h"

#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

#include "harness/test.h"

TEST(input, the_name_of_a_file_says_its_format)
{
    static const struct name {
        const char *path;
        varve_status status;
        int32_t format;
    } names[] = {
        {"a.csv", VARVE_OK, VARVE_FORMAT_CSV},
        {"dir.d/A.CSV", VARVE_OK, VARVE_FORMAT_CSV},
        {"a.ndjson", VARVE_OK, VARVE_FORMAT_NDJSON},
        {"a.jsonl", VARVE_OK, VARVE_FORMAT_NDJSON},
        {"a.Parquet", VARVE_OK, VARVE_FORMAT_PARQUET},
        {"a.arrow", VARVE_OK, VARVE_FORMAT_ARROW_IPC},
        {"a.arrows", VARVE_OK, VARVE_FORMAT_ARROW_IPC},
        {"a.ipc", VARVE_OK, VARVE_FORMAT_ARROW_IPC},
        {"a.feather", VARVE_OK, VARVE_FORMAT_ARROW_IPC},
        {"a.txt", VARVE_ENOTFOUND, 0},
        {".csv", VARVE_ENOTFOUND, 0},
        {"a", VARVE_ENOTFOUND, 0},
    };
    for (size_t i = 0; i < VV_COUNT(names); i++) {
        varve_input input = {0};
        varve_error err;
        CHECK_INT(vv_input_read(names[i].path, VV_INPUT_BY_NAME, &input, &err),
            names[i].status);
        CHECK_INT(input.format, names[i].format);
    }
}

TEST(input, a_file_whose_name_says_nothing_is_looked_into)
{
    static const struct content {
        const char *bytes;
        varve_status status;
        int32_t format;
    } contents[] = {
        {"ARROW1", VARVE_OK, VARVE_FORMAT_ARROW_IPC},
        {"PAR1...", VARVE_OK, VARVE_FORMAT_PARQUET},
        {"\xff\xff\xff\xff", VARVE_OK, VARVE_FORMAT_ARROW_IPC},
        {"a,b\n1,2\n", VARVE_OK, VARVE_FORMAT_CSV}, /* as of stdin */
        {"\n {\"a\":1}\n", VARVE_OK, VARVE_FORMAT_NDJSON},
        {"[{\"a\":1}]", VARVE_EUSAGE, 0},
        {"\x1f\x8b\x08", VARVE_EUSAGE, 0}, /* packed: that could be anything */
        {"", VARVE_EINVALID, 0},
    };
    for (size_t i = 0; i < VV_COUNT(contents); i++) {
        varve_input input = {0};
        varve_error err;
        REQUIRE(test_file_write(test_path("rows"), vv_str_of(contents[i].bytes)));
        CHECK_INT(vv_input_read(test_path("rows"), VV_INPUT_BY_NAME, &input, &err),
            contents[i].status);
        CHECK_INT(input.format, contents[i].format);
    }
}

TEST(input, a_choice_wins_over_the_name)
{
    varve_input input = {0};
    varve_error err;
    CHECK_INT(vv_input_read("a.csv", VV_INPUT_AS_NDJSON, &input, &err), VARVE_OK);
    CHECK_INT(input.format, VARVE_FORMAT_NDJSON);
    CHECK_INT(vv_input_read("a.txt", VV_INPUT_AS_CSV, &input, &err), VARVE_OK);
    CHECK_INT(input.format, VARVE_FORMAT_CSV);
    CHECK_INT(input.use_fd, 0);
}

/* Peeks, then reads: both must see all of it. */
static void check_peek(int fd, const char *content)
{
    char head[64] = {0}, body[64] = {0};
    size_t len = 0;
    REQUIRE(vv_input_peek(fd, head, sizeof(head) - 1, &len));
    CHECK_INT(len, strlen(content));
    CHECK_STR((const char *)head, content);
    CHECK_INT(read(fd, body, sizeof(body) - 1), (int64_t)strlen(content));
    CHECK_STR((const char *)body, content);
}

TEST(input, peeking_takes_nothing_from_pipes_sockets_and_files)
{
    int ends[2];
    REQUIRE(pipe(ends) == 0);
    REQUIRE(write(ends[1], "{\"a\":1}", 7) == 7);
    check_peek(ends[0], "{\"a\":1}");
    (void)close(ends[1]);
    check_peek(ends[0], "");
    REQUIRE(socketpair(AF_UNIX, SOCK_STREAM, 0, ends) == 0);
    REQUIRE(write(ends[1], "a,b\n", 4) == 4);
    check_peek(ends[0], "a,b\n");
    REQUIRE(test_file_write(test_path("rows"), VV_STR("skipped{}")));
    FILE *file = fopen(test_path("rows"), "r");
    REQUIRE(file != NULL);
    REQUIRE(lseek(fileno(file), 7, SEEK_SET) == 7);
    check_peek(fileno(file), "{}");
    (void)fclose(file);
}

TEST(input, the_first_byte_of_stdin_says_its_format)
{
    static const struct head {
        const char *bytes;
        int32_t format;
    } heads[] = {
        {"{\"a\":1}\n", VARVE_FORMAT_NDJSON},
        {" \n\t{", VARVE_FORMAT_NDJSON},
        {"\xef\xbb\xbf{\"a\":1}", VARVE_FORMAT_NDJSON},
        {"a,b\n", VARVE_FORMAT_CSV},
        {"\xef\xbb\xbf"
         "a,b\n",
            VARVE_FORMAT_CSV},
        {"", VARVE_FORMAT_CSV},
        {"PAR1", VARVE_FORMAT_PARQUET},
        {"ARROW1", VARVE_FORMAT_ARROW_IPC},
        {"\xff\xff\xff\xff\x10", VARVE_FORMAT_ARROW_IPC},
    };
    for (size_t i = 0; i < VV_COUNT(heads); i++) {
        int ends[2];
        varve_input input = {0};
        varve_error err;
        size_t len = strlen(heads[i].bytes);
        REQUIRE(pipe(ends) == 0);
        REQUIRE(write(ends[1], heads[i].bytes, len) == (ssize_t)len);
        (void)close(ends[1]);
        REQUIRE(dup2(ends[0], STDIN_FILENO) == STDIN_FILENO);
        (void)close(ends[0]);
        CHECK_INT(vv_input_read("-", VV_INPUT_BY_NAME, &input, &err), VARVE_OK);
        CHECK_INT(input.format, heads[i].format);
        CHECK_INT(input.use_fd, 1);
        CHECK_INT(input.fd, STDIN_FILENO);
    }
}
