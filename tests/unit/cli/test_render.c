#include "cli/render.h"

#include <errno.h>
#include <locale.h>
#include <math.h>
#include <stdlib.h>

#include "arrays.h"
#include "harness/test.h"

/* Two rows: name text (the second NULL), x double, at timestamp. */
struct fixture {
    struct arrays batch, name, x, at;
};

static void make(struct fixture *f)
{
    static const int32_t offsets[] = {0, 3, 3};
    static const double numbers[] = {14.5, (double)NAN};
    static const int64_t times[] = {1738231200000000, 1738231200250000};
    static const uint8_t first_only[] = {0x01};
    arrays_column(&f->name, "u", "name", 2, first_only, offsets, "a,b");
    arrays_column(&f->x, "g", "x", 2, NULL, numbers, NULL);
    arrays_column(&f->at, "tsu:UTC", "at", 2, NULL, times, NULL);
    arrays_batch(&f->batch, 2);
    arrays_add(&f->batch, &f->name);
    arrays_add(&f->batch, &f->x);
    arrays_add(&f->batch, &f->at);
}

/* What is written for `batches` batches; freed by the caller. */
static char *rendered(struct arrays *batch, int batches,
    const struct vv_render_options *options)
{
    struct arrays_stream stream;
    varve_error err;
    char *bytes = NULL;
    size_t len = 0;
    int64_t rows = -1;
    FILE *file = open_memstream(&bytes, &len);
    arrays_stream_init(&stream, batch, batches, 0);
    CHECK_INT(vv_render(&stream.stream, options, file, &rows, &err), VARVE_OK);
    CHECK_INT(rows, batch->array.length * batches);
    CHECK_INT(stream.released, 1);
    (void)fclose(file);
    return bytes;
}

static void check_rendered(struct arrays *batch, int batches,
    const struct vv_render_options *options, const char *expected)
{
    char *bytes = rendered(batch, batches, options);
    CHECK_STR((const char *)bytes, expected);
    free(bytes);
}

TEST(render, csv_tells_null_from_empty_and_quotes_what_needs_it)
{
    static const int32_t offsets[] = {0, 0, 3, 5, 6, 8};
    static const uint8_t valid[] = {0x1f};
    struct fixture f;
    struct arrays odd;
    make(&f);
    check_rendered(&f.batch, 1, &(struct vv_render_options){.format = VV_FORMAT_CSV},
        "name,x,at\n"
        "\"a,b\",14.5,2025-01-30T10:00:00.000000Z\n"
        ",NaN,2025-01-30T10:00:00.250000Z\n");
    arrays_column(&odd, "u", "o\"dd", 5, valid, offsets, "a\"b\n\rc d");
    odd.buffers[2] = "a\"b\n\rc d";
    arrays_batch(&f.batch, 5);
    arrays_add(&f.batch, &odd);
    check_rendered(&f.batch, 1, &(struct vv_render_options){.format = VV_FORMAT_CSV},
        "\"o\"\"dd\"\n\"\"\n\"a\"\"b\"\n\"\n\r\"\nc\n\" d\"\n");
}

TEST(render, ndjson_is_an_object_a_line)
{
    struct fixture f;
    struct vv_render_options options = {.format = VV_FORMAT_NDJSON};
    make(&f);
    check_rendered(&f.batch, 1, &options,
        "{\"name\":\"a,b\",\"x\":14.5,\"at\":\"2025-01-30T10:00:00.000000Z\"}\n"
        "{\"name\":null,\"x\":null,\"at\":\"2025-01-30T10:00:00.250000Z\"}\n");
    options.json.nan_as_text = true;
    char *bytes = rendered(&f.batch, 2, &options);
    CHECK(strstr(bytes, "\"x\":\"NaN\"") != NULL);
    free(bytes);
}

TEST(render, json_is_one_array_over_all_batches)
{
    struct arrays batch, x;
    struct vv_render_options options = {.format = VV_FORMAT_JSON};
    arrays_column(&x, "i", "x", 1, NULL, (int32_t[]){7}, NULL);
    arrays_batch(&batch, 1);
    arrays_add(&batch, &x);
    check_rendered(&batch, 2, &options, "[\n{\"x\":7},\n{\"x\":7}\n]\n");
    check_rendered(&batch, 0, &options, "[]\n");
}

TEST(render, texts_that_are_json_are_embedded_only_where_they_are)
{
    static const char *const columns[] = {"j", NULL};
    static const int32_t offsets[] = {0, 7, 10};
    struct arrays batch, j;
    struct vv_render_options options = {.format = VV_FORMAT_NDJSON, .json_columns = columns};
    arrays_column(&j, "u", "j", 2, NULL, offsets, "{\"a\":1}{\"a");
    arrays_batch(&batch, 2);
    arrays_add(&batch, &j);
    check_rendered(&batch, 1, &options, "{\"j\":{\"a\":1}}\n{\"j\":\"{\\\"a\"}\n");
    options.json_columns = NULL;
    batch.array.length = 1;
    check_rendered(&batch, 1, &options, "{\"j\":\"{\\\"a\\\":1}\"}\n");
}

TEST(render, a_box_aligns_numbers_and_marks_null)
{
    struct fixture f;
    struct vv_render_options options = {.format = VV_FORMAT_BOX};
    make(&f);
    check_rendered(&f.batch, 1, &options,
        "+------+------+--------------------------+\n"
        "| name |    x | at                       |\n"
        "+------+------+--------------------------+\n"
        "| a,b  | 14.5 | 2025-01-30T10:00:00Z     |\n"
        "| NULL |  NaN | 2025-01-30T10:00:00.250Z |\n"
        "+------+------+--------------------------+\n"
        "2 rows\n");
}

TEST(render, a_box_shows_the_first_and_the_last_rows)
{
    static const char *const columns[] = {"x", NULL};
    struct fixture f;
    struct vv_render_options options = {
        .format = VV_FORMAT_BOX, .rows_max = 4, .box_columns = columns};
    make(&f);
    check_rendered(&f.batch, 3, &options,
        "+------+\n|    x |\n+------+\n"
        "| 14.5 |\n|  NaN |\n"
        "+------+\n"
        "| 14.5 |\n|  NaN |\n"
        "+------+\n6 rows (4 shown), 3 columns (1 shown)\nnot shown: name, at\n");
    check_rendered(&f.batch, 0, &options,
        "+---+\n| x |\n+---+\n+---+\n0 rows, 3 columns (1 shown)\nnot shown: name, at\n");
}

TEST(render, box_columns_come_in_the_order_asked_for)
{
    static const char *const columns[] = {"x", "absent", "name", NULL};
    struct fixture f;
    struct vv_render_options options = {.format = VV_FORMAT_BOX, .box_columns = columns};
    make(&f);
    char *bytes = rendered(&f.batch, 1, &options);
    CHECK(strstr(bytes, "|    x | name |\n") != NULL);
    CHECK(strstr(bytes, " columns (2 shown)\nnot shown: ") != NULL); /* that it is not of */
    free(bytes);
}

TEST(render, a_narrow_box_hides_columns_and_cuts_texts)
{
    static const int32_t offsets[] = {0, 30};
    struct arrays batch, n, text, more;
    struct vv_render_options options = {
        .format = VV_FORMAT_BOX, .width = 31, .all_columns = "--format csv", .utf8 = true};
    (void)setlocale(LC_CTYPE, "C.UTF-8");
    arrays_column(&n, "i", "n", 1, NULL, (int32_t[]){12345678}, NULL);
    arrays_column(&text, "u", "text", 1, NULL, offsets, "abcdefghijklmnopqrstuvwxyzabcd");
    arrays_column(&more, "i", "more", 1, NULL, (int32_t[]){1}, NULL);
    arrays_batch(&batch, 1);
    arrays_add(&batch, &n);
    arrays_add(&batch, &text);
    arrays_add(&batch, &more);
    char *bytes = rendered(&batch, 1, &options);
    CHECK(strstr(bytes, "\u2502 12345678 \u2502 abcdefghijk\u2026 \u2502 \u00b7 \u2502\n") !=
          NULL);
    CHECK(strstr(bytes,
              "1 row, 3 columns (2 shown, --format csv has all)\nnot shown: more\n") != NULL);
    free(bytes);
}

TEST(render, a_narrow_box_hides_last_what_it_is_told_to_keep)
{
    static const char *const keeps[] = {"_what", NULL};
    struct arrays batch, key, more, what;
    struct vv_render_options options = {
        .format = VV_FORMAT_BOX, .width = 27, .box_keeps = keeps};
    arrays_column(&key, "i", "key", 1, NULL, (int32_t[]){12345678}, NULL);
    arrays_column(&more, "i", "more", 1, NULL, (int32_t[]){23456789}, NULL);
    arrays_column(&what, "i", "_what", 1, NULL, (int32_t[]){34567890}, NULL);
    arrays_batch(&batch, 1);
    arrays_add(&batch, &key);
    arrays_add(&batch, &more);
    arrays_add(&batch, &what);
    char *bytes = rendered(&batch, 1, &options);
    CHECK(strstr(bytes, "| 12345678 | . | 34567890 |\n") != NULL);
    CHECK(strstr(bytes, "not shown: more\n") != NULL);
    free(bytes);
}

TEST(render, a_box_rounds_long_fractions_and_csv_does_not)
{
    static const struct {
        double number;
        const char *box;
    } cases[] = {
        {0.38453683442742526, "| 0.384537 |"},
        {-1234567.891234567, "| -1234567.8912 |"},
        {2.0 / 3e9, "| 6.66667e-10 |"},
        {1e22 / 3, "| 3.33333e+21 |"},
        {14.5, "| 14.5 |"},
        {123456.75, "| 123456.75 |"},
    };
    for (size_t i = 0; i < VV_COUNT(cases); i++) {
        struct arrays batch, x;
        struct vv_render_options box = {.format = VV_FORMAT_BOX};
        struct vv_render_options csv = {.format = VV_FORMAT_CSV};
        arrays_column(&x, "g", "x", 1, NULL, &cases[i].number, NULL);
        arrays_batch(&batch, 1);
        arrays_add(&batch, &x);
        char *bytes = rendered(&batch, 1, &box);
        CHECK(strstr(bytes, cases[i].box) != NULL);
        free(bytes);
        bytes = rendered(&batch, 1, &csv);
        CHECK(strtod(strchr(bytes, '\n') + 1, NULL) == cases[i].number);
        free(bytes);
    }
}

TEST(render, cells_do_not_break_a_box)
{
    static const int32_t offsets[] = {0, 4};
    struct arrays batch, text;
    arrays_column(&text, "u", "t", 1, NULL, offsets, "\x1b\nab");
    arrays_batch(&batch, 1);
    arrays_add(&batch, &text);
    check_rendered(&batch, 1, &(struct vv_render_options){.format = VV_FORMAT_BOX},
        "+----------+\n| t        |\n+----------+\n| \\x1b\\nab |\n+----------+\n1 row\n");
}

TEST(render, a_failing_stream_says_why_with_a_code)
{
    static const struct failure {
        int number;
        varve_status status;
    } failures[] = {{EINVAL, VARVE_EUSAGE}, {ENOENT, VARVE_ENOTFOUND},
        {EBADMSG, VARVE_ECORRUPT}, {ENOTSUP, VARVE_EUNSUPPORTED}, {EIO, VARVE_EIO},
        {ENOMEM, VARVE_ELIMIT}, {ECANCELED, VARVE_EINTERRUPTED}, {EDOM, VARVE_EFAILED}};
    struct fixture f;
    make(&f);
    for (size_t i = 0; i < VV_COUNT(failures); i++) {
        struct arrays_stream stream;
        varve_error err;
        int64_t rows = 0;
        FILE *file = fopen("/dev/null", "w");
        arrays_stream_init(&stream, &f.batch, 1, failures[i].number);
        CHECK_INT(vv_render(&stream.stream,
                      &(struct vv_render_options){.format = VV_FORMAT_BOX}, file, &rows, &err),
            failures[i].status);
        CHECK_STR((const char *)err.message, "the test says so");
        CHECK_INT(stream.released, 1);
        (void)fclose(file);
    }
}

TEST(render, stops_reading_when_the_file_takes_no_more)
{
    struct fixture f;
    struct arrays_stream stream;
    varve_error err;
    int64_t rows = 0;
    FILE *file = fopen("/dev/full", "w");
    make(&f);
    (void)setvbuf(file, NULL, _IONBF, 0);
    arrays_stream_init(&stream, &f.batch, 1000000000, 0);
    CHECK_INT(vv_render(&stream.stream, &(struct vv_render_options){.format = VV_FORMAT_CSV},
                  file, &rows, &err),
        VARVE_OK);
    CHECK(ferror(file) != 0);
    (void)fclose(file);
}

static void check_fit(size_t width, const struct vv_box_column *columns, size_t len,
    const size_t *expected)
{
    struct vv_box_column fitted[4];
    memcpy(fitted, columns, len * sizeof(*columns));
    vv_box_fit(fitted, len, width);
    for (size_t i = 0; i < len; i++)
        CHECK_INT(fitted[i].width, expected[i]);
}

TEST(box_fit, cuts_the_widest_then_hides_from_the_right)
{
    static const struct vv_box_column columns[] = {
        {.wanted = 24, .least = 24}, {.wanted = 40, .least = 12}, {.wanted = 30, .least = 12}};
    check_fit(0, columns, 3, (size_t[]){24, 40, 30});
    check_fit(104, columns, 3, (size_t[]){24, 40, 30});
    check_fit(80, columns, 3, (size_t[]){24, 23, 23});
    check_fit(58, columns, 3, (size_t[]){24, 12, 12});
    check_fit(57, columns, 3, (size_t[]){24, 22, 0});
    check_fit(40, columns, 3, (size_t[]){24, 0, 0});
    check_fit(20, columns, 3, (size_t[]){12, 0, 0});
    check_fit(5, columns, 3, (size_t[]){4, 0, 0});
}

TEST(box_fit, hides_by_rank_after_making_columns_tight)
{
    static const struct vv_box_column columns[] = {{.wanted = 20, .least = 20, .rank = 0},
        {.wanted = 15, .least = 15, .tight = 12, .rank = 1},
        {.wanted = 9, .least = 9, .rank = 3}, {.wanted = 8, .least = 8, .rank = 2}};
    check_fit(65, columns, 4, (size_t[]){20, 15, 9, 8});
    check_fit(64, columns, 4, (size_t[]){20, 14, 9, 8}); /* not tighter than it has to be */
    check_fit(62, columns, 4, (size_t[]){20, 12, 9, 8});
    check_fit(61, columns, 4,
        (size_t[]){20, 15, 0, 8}); /* a mark takes the place of the third */
    check_fit(44, columns, 4, (size_t[]){20, 13, 0, 0}); /* one mark for two neighbours */
    check_fit(30, columns, 4, (size_t[]){20, 0, 0, 0});
}

TEST(box_fit, parts_of_a_name_go_on_lines)
{
    static const struct {
        const char *name;
        size_t width, part, least;
    } cases[] = {{"share_of_time", 8, 6, 6}, {"share_of_time", 9, 9, 6},
        {"share_of_time", 13, 13, 6}, {"userName", 5, 4, 4}, {"regime", 3, 6, 6},
        {"_x", 1, 1, 1}, {"a__b", 2, 2, 2}, {"HTTPCode", 4, 8, 8}, {"", 4, 0, 0}};
    for (size_t i = 0; i < VV_COUNT(cases); i++) {
        size_t len = strlen(cases[i].name);
        CHECK_INT(vv_box_name_part(cases[i].name, len, cases[i].width), cases[i].part);
        CHECK_INT(vv_box_name_least(cases[i].name, len), cases[i].least);
    }
}
