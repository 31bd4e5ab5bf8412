#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

#include "batch_fixture.h"
#include "harness/proc.h"
#include "harness/prop.h"

#define HEADER "timestamp,symbol,confidence,count\n"
#define TIME "2025-01-30T10:00:00Z"

static const struct batch_spec texts = {.schema = "k long, a string, b string", .key = "k"};

#define READ_TEXTS "SELECT _row, c0, c1, c2 FROM batch ORDER BY _row"

/* What comes of a file: its rows, or that it was refused. */
static struct vv_str outcome(struct batch_fixture *fixture, const struct vv_input *inputs,
    size_t len)
{
    varve_status status = batch_read(fixture, inputs, len);
    vv_forgive(&fixture->op);
    return status == VARVE_OK ? batch_query(fixture, READ_TEXTS)
                              : vv_arena_format(&fixture->op.arena, "refused: %d", (int)status);
}

/* Anything that looks a little like CSV. */
static void add_noise(struct prop *prop, struct vv_buf *content)
{
    static const char *const pieces[] = {"1", "a b", ",", ",", "\"", "\"x\"", "\n", "\n",
        "\r\n", "\r", " ", "\"\"", "\xC3\xA9", "\xFF", "7,x,y\n", "8,\"y\nz\",\n"};
    size_t len = prop_choose(prop, 12);
    vv_buf_adds(content, prop_chance(prop, 80) ? "k,a,b" : "k");
    vv_buf_adds(content, prop_chance(prop, 70) ? "\n" : prop_chance(prop, 50) ? "\r\n" : "\r");
    for (size_t i = 0; i < len; i++) {
        vv_buf_adds(content, pieces[prop_choose(prop, VV_COUNT(pieces))]);
        if (prop_chance(prop, 8))
            vv_buf_addc(content, '\0');
    }
}

TEST_SECONDS(input_csv, small_files_are_read_as_the_engine_reads_files, 120)
{
    struct prop prop = prop_start();
    struct batch_fixture fixture;
    REQUIRE(batch_fixture_open(&fixture, &texts));
    fixture.options.dedupe = false;
    test_file_write(test_path("nothing.ndjson"), VV_STR(""));
    for (int i = 0; i < 120; i++) {
        VV_CLEANUP(vv_buf_done) struct vv_buf content = VV_BUF_INIT(1 << 16);
        add_noise(&prop, &content);
        test_file_write(test_path("rows.csv"), vv_buf_str(&content));
        const struct vv_input inputs[] = {{.format = VV_INPUT_CSV,
                                              .path = vv_str_of(test_path("rows.csv")),
                                              .fd = -1,
                                              .name = VV_STR("rows.csv")},
            {.format = VV_INPUT_NDJSON,
                .path = vv_str_of(test_path("nothing.ndjson")),
                .fd = -1}};
        if (!CHECK_STR(outcome(&fixture, inputs, 1), outcome(&fixture, inputs, 2)))
            CHECK_STR(vv_buf_str(&content), "is read in two ways");
    }
    batch_fixture_close(&fixture);
}

static const struct {
    const char *content;
    const char *rows;
} good[] = {
    {"k,a,b\n", ""},
    {"k,a,b", ""},
    {"k,a,b\n1,x,y\n", "1|1|x|y\n"},
    {"k,a,b\n1,x,y", "1|1|x|y\n"},
    {"k,a,b\r\n1,x,y\r\n2,z,\r\n", "1|1|x|y\n2|2|z|NULL\n"},
    {"k,a,b\r1,x,y\r", "1|1|x|y\n"},
    {"\xEF\xBB\xBFk,a,b\n1,x,y\n", "1|1|x|y\n"},
    {"k,a,b\n1,,\"\"\n", "1|1|NULL|\n"},
    {"b,K,A\ny,1,x\n", "1|1|x|y\n"},
    {"k\n1\n2\n", "1|1|NULL|NULL\n2|2|NULL|NULL\n"},
    {"k,a\n\n1,x\n\n\n2,y\n\n", "1|1|x|NULL\n2|2|y|NULL\n"},
    {"k,a,b\n1,\"x,\ny\",\"\"\"\"\n", "1|1|x,\ny|\"\n"},
    {"k,a,b\n1,#x,NULL\n", "1|1|#x|NULL\n"},
    {"k,a,b\n1, x ,\\N\n", "1|1| x |\\N\n"},
    {"k,a,b\n1,x\ty;z,'q'\n", "1|1|x\ty;z|'q'\n"},
    {"k,a,b\n1,\xC3\xA9,\xF0\x9F\x98\x80\n", "1|1|\xC3\xA9|\xF0\x9F\x98\x80\n"},
    {"\"k\",\"a\"\n\"1\",\"x\"\n", "1|1|x|NULL\n"},
    {"k,a,b\n1, \"x\" ,y\n2,  ,x\"y\n", "1|1|x|y\n2|2|  |x\"y\n"},
    {"k,a,b\n1,,\n2,\"\",\n", "1|1|NULL|NULL\n2|2||NULL\n"},
    {"k,a,b\n1,x,y\r\n2,x,z\n\r\n3,u,v\r4,,w", "1|1|x|y\n2|2|x|z\n3|3|u|v\n4|4|NULL|w\n"},
    {"a,k\r\n\r\n\"x\r\ny\",1\r\n\r\n", "1|1|x\r\ny|NULL\n"},
};

/* As a small file, and as one of several inputs, which the engine reads. */
TEST(input_csv, reads_rows_by_the_names_in_the_header)
{
    struct batch_fixture fixture;
    REQUIRE(batch_fixture_open(&fixture, &texts));
    test_file_write(test_path("nothing.ndjson"), VV_STR(""));
    for (size_t index = 0; index < VV_COUNT(good); index++) {
        test_file_write(test_path("rows.csv"), vv_str_of(good[index].content));
        const struct vv_input inputs[] = {
            {.format = VV_INPUT_CSV, .path = vv_str_of(test_path("rows.csv")), .fd = -1},
            {.format = VV_INPUT_NDJSON,
                .path = vv_str_of(test_path("nothing.ndjson")),
                .fd = -1}};
        for (size_t len = 1; len <= VV_COUNT(inputs); len++) {
            if (CHECK_OK(&fixture.op, batch_read(&fixture, inputs, len)))
                CHECK_STR(batch_query(&fixture, READ_TEXTS), good[index].rows);
            CHECK((fixture.batch.few != NULL) == (len == 1));
        }
    }
    batch_fixture_close(&fixture);
}

static const struct {
    const char *content;
    const char *message;
} bad[] = {
    {"", "rows.csv is empty: CSV needs"},
    {"\n", "rows.csv: line 1 is blank"},
    {"k,a,b,zz\n1,x,y,z\n",
        "rows.csv: the table has no column \"zz\"; take it out, or have it added (varve alter "
        "add-column, or --evolve of an upsert)"},
    {"k,a,a\n1,x,y\n", "rows.csv: column \"a\" is in the header twice"},
    {"k,a,A\n1,x,y\n", "column \"A\" is in the header twice"},
    {"a,b\nx,y\n", "rows.csv: column \"k\" is absent, and it is part of the table's key"},
    {"k,a,b\n1,x,y\n2,z\n", "1 of 2 rows rejected, nothing written: row 2 (line 3): has 2 "
                            "fields, the header has 3: 2,z"},
    {"k,a,b\n1,x,y\n2\n", "row 2 (line 3): has 1 field, the header has 3: 2"},
    {"k,a,b\n\n1,\"x\ny\",y\n\n2,z,y,1\n",
        "row 2 (line 6): has 4 fields, the header has 3: 2,z,y,1"},
    {"k,a,b\n1,x,\"y\n2,x,y\n", "row 1 (line 2): has a quote that is never closed: 1,x,\"y"},
    {"k,a,b\n1,x,\"y\"z\n", "row 1 (line 2): has text behind a closing quote: 1,x,\"y\"z"},
    {"k,a,b\n1,\"\n\",x\n1,\xFF,y\n", "row 2 (line 4): is not valid UTF-8: 1,"},
    {"k,a,b\n1,x,\"\n\"\" \"\"\"\n2,\"\n\"\",\" \"\",\" \"\n", /* the engine reads it */
        "row 2 (line 4): has a quote that is closed in line 5, with text behind it"},
    {"k;a;b\n1;x;y\n", "rows.csv: the header seems to be parted by semicolons"},
    {"k, a,b\n1,x,y\n", "no column \" a\", but a: take the blanks"},
    {"k,a,\"x\"\"; DROP TABLE batch; --\"\n1,x,y\n",
        "the table has no column \"x\"; DROP TABLE batch; --\""},
};

TEST(input_csv, tells_what_is_wrong_and_in_which_line)
{
    struct batch_fixture fixture;
    REQUIRE(batch_fixture_open(&fixture, &texts));
    for (size_t index = 0; index < VV_COUNT(bad); index++) {
        batch_read_text(&fixture, VV_INPUT_CSV, bad[index].content);
        CHECK_STATUS(&fixture.op, VARVE_EINVALID);
        if (!CHECK(strstr(fixture.op.error.message, bad[index].message) != NULL))
            CHECK_STR(fixture.op.error.message, bad[index].message);
        vv_forgive(&fixture.op);
    }
    batch_fixture_close(&fixture);
}

TEST(input_csv, file_that_is_not_there_is_not_found)
{
    struct batch_fixture fixture;
    REQUIRE(batch_fixture_open(&fixture, &texts));
    struct vv_input input = {
        .format = VV_INPUT_CSV, .path = vv_str_of(test_path("nowhere.csv")), .fd = -1};
    CHECK_FAILS(&fixture.op, batch_read(&fixture, &input, 1), VARVE_ENOTFOUND);
    CHECK(strstr(fixture.op.error.message, "nowhere.csv") != NULL);
    input.path = vv_str_of(test_dir());
    CHECK_FAILS(&fixture.op, batch_read(&fixture, &input, 1), VARVE_EINVALID);
    batch_fixture_close(&fixture);
}

/* Characters that a glob or a quote would trip over. */
TEST(input_csv, file_names_are_taken_as_they_are)
{
    struct batch_fixture fixture;
    REQUIRE(batch_fixture_open(&fixture, &texts));
    const char *path = test_path("a*b?[c]'\";d.csv");
    test_file_write(path, VV_STR("k\n7\n"));
    test_file_write(test_path("aXbYc.csv"), VV_STR("k\n8\n"));
    struct vv_input input = {.format = VV_INPUT_CSV, .path = vv_str_of(path), .fd = -1};
    CHECK_OK(&fixture.op, batch_read(&fixture, &input, 1));
    CHECK_STR(batch_query(&fixture, READ_TEXTS), "1|7|NULL|NULL\n");
    batch_fixture_close(&fixture);
}

struct writer {
    int fd;
    int rows;
};

static int write_rows(void *data)
{
    const struct writer *writer = data;
    FILE *file = fdopen(writer->fd, "w");
    fputs("k,a\n", file);
    for (int row = 1; row <= writer->rows; row++)
        fprintf(file, "%d,row %d\n", row, row);
    return fclose(file) == 0 ? 0 : 1;
}

TEST(input_csv, reads_a_pipe_and_knows_its_lines)
{
    struct batch_fixture fixture;
    REQUIRE(batch_fixture_open(&fixture, &texts));
    const int counts[] = {0, 1, 50000};
    for (size_t index = 0; index < VV_COUNT(counts); index++) {
        int ends[2];
        struct test_proc proc;
        REQUIRE(pipe(ends) == 0);
        struct writer writer = {ends[1], counts[index]};
        REQUIRE(test_proc_fork(&proc, write_rows, &writer));
        close(ends[1]);
        struct vv_input input = {
            .format = VV_INPUT_CSV, .fd = ends[0], .name = VV_STR("<stdin>")};
        CHECK_OK(&fixture.op, batch_read(&fixture, &input, 1));
        CHECK_INT(fixture.batch.rows, counts[index]);
        CHECK_INT(test_proc_wait(&proc, 20000), 0);
        close(ends[0]);
    }
    batch_fixture_close(&fixture);
}

TEST(input_csv, descriptor_is_read_from_where_it_stands_and_stays_open)
{
    struct batch_fixture fixture;
    REQUIRE(batch_fixture_open(&fixture, &texts));
    test_file_write(test_path("two.csv"), VV_STR("k\n1\nk\n2\nx\n"));
    int fd = open(test_path("two.csv"), O_RDONLY);
    struct vv_input input = {.format = VV_INPUT_CSV, .fd = fd, .name = VV_STR("<stdin>")};
    REQUIRE(lseek(fd, 4, SEEK_SET) == 4);
    CHECK_FAILS(&fixture.op, batch_read(&fixture, &input, 1), VARVE_EINVALID);
    CHECK(strstr(fixture.op.error.message, "row 2 (line 3)") != NULL);
    REQUIRE(lseek(fd, 0, SEEK_SET) == 0);
    CHECK_FAILS(&fixture.op, batch_read(&fixture, &input, 1), VARVE_EINVALID);
    CHECK(strstr(fixture.op.error.message, "row 2 (line 3): k = 'k'") != NULL);
    CHECK(fcntl(fd, F_GETFD) >= 0);
    close(fd);
    batch_fixture_close(&fixture);
}

TEST(input_csv, lines_of_bad_rows_are_those_of_the_file)
{
    struct batch_fixture fixture;
    REQUIRE(batch_fixture_open(&fixture, &texts));
    const char *content = "k,a,\"b\"\n"
                          "1,\"two\nlines\",x\n"
                          "\n"
                          "bad,x,y\n"
                          "2,\"\r\n\",\"\"\"\n\"\n"
                          "worse,\"\n\",y\n";
    CHECK_FAILS(&fixture.op, batch_read_text(&fixture, VV_INPUT_CSV, content), VARVE_EINVALID);
    CHECK_STR(fixture.op.error.message, "2 of 4 rows rejected, nothing written: row 2 (line "
                                        "5): k = 'bad' does not fit type long");
    CHECK_STR(fixture.op.error.detail, "row 2 (line 5): k = 'bad' does not fit type long\n"
                                       "row 4 (line 9): k = 'worse' does not fit type long");
    batch_fixture_close(&fixture);
}

/* A blank line is a row where there is one column, and only there. */
TEST(input_csv, blank_line_of_one_column_is_null)
{
    struct batch_fixture fixture;
    REQUIRE(batch_fixture_open(&fixture, &texts));
    CHECK_FAILS(&fixture.op, batch_read_text(&fixture, VV_INPUT_CSV, "k\n1\n\n2\n\n"),
        VARVE_EINVALID);
    CHECK_STR(fixture.op.error.detail,
        "row 2 (line 3): k must not be NULL, it is part of the key\n"
        "row 4 (line 5): k must not be NULL, it is part of the key");
    vv_forgive(&fixture.op);
    /* Lines that end in different ways are no more of them, in one of several inputs neither. */
    test_file_write(test_path("rows.csv"), VV_STR("k\n\r\n2"));
    test_file_write(test_path("nothing.csv"), VV_STR("k\n"));
    const struct vv_input inputs[] = {
        {.format = VV_INPUT_CSV, .path = vv_str_of(test_path("rows.csv")), .fd = -1},
        {.format = VV_INPUT_CSV, .path = vv_str_of(test_path("nothing.csv")), .fd = -1}};
    for (size_t len = 1; len <= VV_COUNT(inputs); len++) {
        CHECK_FAILS(&fixture.op, batch_read(&fixture, inputs, len), VARVE_EINVALID);
        CHECK(strstr(fixture.op.error.message, "1 of 2 rows rejected") != NULL);
        CHECK(strstr(fixture.op.error.detail, "line 2): k must not be NULL") != NULL);
        vv_forgive(&fixture.op);
    }
    batch_fixture_close(&fixture);
}

/* A row group of the engine holds 122,880 rows: numbers go on across its end. */
TEST(input_csv, row_numbers_hold_in_large_files)
{
    struct batch_fixture fixture;
    REQUIRE(batch_fixture_open(&fixture, &texts));
    const int counts[] = {122879, 122880, 122881, 300001};
    for (size_t index = 0; index < VV_COUNT(counts); index++) {
        VV_CLEANUP(vv_buf_done) struct vv_buf content = VV_BUF_INIT(VV_BUF_MAX);
        vv_buf_adds(&content, "k,a\n");
        for (int row = 1; row <= counts[index]; row++)
            vv_buf_addf(&content, "%d,\"%s\"\n", row, row % 1000 == 0 ? "\n" : "x");
        REQUIRE_OK(&fixture.op,
            batch_read_text(&fixture, VV_INPUT_CSV, vv_buf_str(&content).ptr));
        CHECK_INT(fixture.batch.rows, counts[index]);
        CHECK_STR(batch_query(&fixture, "SELECT count(*) FROM batch WHERE _row <> c0"), "0\n");
        vv_buf_adds(&content, "x,y\n");
        CHECK_FAILS(&fixture.op,
            batch_read_text(&fixture, VV_INPUT_CSV, vv_buf_str(&content).ptr), VARVE_EINVALID);
        struct vv_str place = vv_arena_format(&fixture.op.arena, "row %d (line %d)",
            counts[index] + 1, counts[index] + 2 + counts[index] / 1000);
        CHECK(strstr(fixture.op.error.message, place.ptr) != NULL);
    }
    batch_fixture_close(&fixture);
}
