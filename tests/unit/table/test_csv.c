#include "table/input/csv.h"

#include "base/buf.h"
#include "harness/prop.h"
#include "harness/test.h"

/* VV_STR is no constant. */
#define TEXT(literal)                     \
    {                                     \
        ("" literal), sizeof(literal) - 1 \
    }

/* All records of a text, fed in pieces: "line:fields[!fault@line] ...". */
static struct vv_str scan_all(struct vv_op *op, struct vv_str text, size_t piece_bytes)
{
    VV_CLEANUP(vv_buf_done) struct vv_buf out = VV_BUF_INIT(VV_BUF_MAX);
    struct vv_csv_scan scan;
    struct vv_csv_record record;
    vv_csv_scan_init(&scan);
    bool ended = false;
    for (size_t at = 0; !ended;) {
        struct vv_str piece = vv_str_first(vv_str_skip(text, at), piece_bytes);
        at += piece.len;
        ended = piece.len == 0;
        while (ended ? vv_csv_scan_end(&scan, &record)
                     : vv_csv_scan_next(&scan, &piece, &record)) {
            vv_buf_addf(&out, "%" PRId64 ":%zu", record.line, record.fields);
            if (record.fault != VV_CSV_FINE)
                vv_buf_addf(&out, "!%d@%" PRId64, (int)record.fault, record.fault_line);
            if (vv_csv_is_stray(&record))
                vv_buf_addf(&out, "~%" PRId64, record.stray_line);
            vv_buf_addc(&out, ' ');
            if (ended)
                break;
        }
    }
    return vv_arena_str(&op->arena, vv_buf_str(&out));
}

static const struct {
    struct vv_str text;
    const char *records;
} scans[] = {
    {TEXT(""), ""},
    {TEXT("a"), "1:1 "},
    {TEXT("a,b\n1,2\n"), "1:2 2:2 "},
    {TEXT("a,b\r\n1,2\r\n"), "1:2 2:2 "},
    {TEXT("a,b\r1,2\r"), "1:2 2:2 "},
    {TEXT("a\n\n\nb"), "1:1 2:0 3:0 4:1 "},
    {TEXT("a\r\n\r\nb"), "1:1 2:0 3:1 "},
    {TEXT("\xEF\xBB\xBF"
          "a,b\n1,2"),
        "1:2 2:2 "},
    {TEXT("\xEF\xBB\xBF"), ""},
    {TEXT("\xEF\xBB"), "1:0!1@1 "},
    {TEXT("\"a\nb\",c\nd,e"), "1:2 3:2 "},
    {TEXT("\"a\r\nb\",c\nd,e"), "1:2 3:2 "},
    {TEXT("\"a\"\"b\",c"), "1:2 "},
    {TEXT("\"a\"\"\n\",c\nd"), "1:2 3:1 "},
    {TEXT(" \"a,\n\"  ,c\nd"), "1:2 3:1 "},
    {TEXT("b, \"a,\n\"  \nd"), "1:2 3:1 "},
    {TEXT("  \"a,b\",\"c\"\nd"), "1:3 2:1 "},
    {TEXT("x\"a,b\"\nd"), "1:2 2:1 "},
    {TEXT("\"a\"x,c\nd"), "1:2!2@1 2:1 "},
    {TEXT("\"a\" \"b\nd"), "1:1!2@1 2:1 "},
    {TEXT("a\n\"b\nc\n"), "1:1 2:1!3@2~2 "},
    /* A stray quote, behind and before other faults */
    {TEXT("\"a\nb\nc\"x\nd"), "1:1!2@3~3 4:1 "},
    {TEXT("\"a\n\xFF\nc\"x\nd"), "1:1!1@2~3 4:1 "},
    {TEXT("\xFF,\"a\nb"), "1:2!1@1~1 "},
    {TEXT("\"a\"x,\"b\nc\"y\nd"), "1:2!2@1~2 3:1 "},
    {TEXT("\"a\"x,\"b\nc\"\nd"), "1:2!2@1 3:1 "},
    {TEXT(",,\n,"), "1:3 2:2 "},
    {TEXT(" \na"), "1:1 2:1 "},
    {TEXT("\"\"\n"), "1:1 "},
    /* UTF-8: whole, cut, overlong, surrogate, too big, lone continuation */
    {TEXT("\xC3\xA9,\xE2\x82\xAC,\xF0\x9F\x98\x80\n"), "1:3 "},
    {TEXT("a\n\xC3\n"), "1:1 2:1!1@2 "},
    {TEXT("\"\xC3\n\xA9\"\n"), "1:1!1@1 "},
    {TEXT("\xC0\xAF"), "1:1!1@1 "},
    {TEXT("\xE0\x80\x80"), "1:1!1@1 "},
    {TEXT("\xED\xA0\x80"), "1:1!1@1 "},
    {TEXT("\xF4\x90\x80\x80"), "1:1!1@1 "},
    {TEXT("\xF5"), "1:1!1@1 "},
    {TEXT("\x80"), "1:1!1@1 "},
    {TEXT("\"\n\xFF\n\"\nb"), "1:1!1@2 4:1 "},
    {TEXT("\xC3"), "1:1!1@1 "},
};

TEST(csv, scan_knows_lines_fields_and_faults)
{
    struct vv_op op;
    vv_op_init(&op, NULL, VV_OP_BYTES_DEFAULT);
    for (size_t index = 0; index < VV_COUNT(scans); index++)
        for (size_t piece = 1; piece < 6; piece++)
            CHECK_STR(scan_all(&op, scans[index].text, piece), scans[index].records);
    vv_op_done(&op);
}

TEST(csv, scan_says_the_same_for_pieces_of_any_length)
{
    struct prop prop = prop_start();
    struct vv_op op;
    vv_op_init(&op, NULL, VV_OP_BYTES_DEFAULT);
    for (int i = 0; i < 3000; i++) {
        char text[64];
        struct vv_str bytes = prop_str(&prop, text, sizeof(text), "a,\"\n\r \xEF\xBB\xBF\xC3");
        struct vv_str whole = scan_all(&op, bytes, sizeof(text));
        CHECK_STR(scan_all(&op, bytes, 1 + prop_choose(&prop, 7)), whole);
    }
    vv_op_done(&op);
}

TEST(csv, scan_agrees_with_the_utf8_of_the_base)
{
    struct prop prop = prop_start();
    for (int i = 0; i < 20000; i++) {
        char text[12];
        struct vv_str bytes = prop_str(&prop, text, sizeof(text),
            "a\x7F\x80\x8F\x90\x9F\xA0\xBF\xC2\xC1\xE0\xED\xEE\xF0\xF4\xF5");
        struct vv_csv_scan scan;
        struct vv_csv_record record = {.fault = VV_CSV_FINE};
        struct vv_str rest = bytes;
        vv_csv_scan_init(&scan);
        CHECK(!vv_csv_scan_next(&scan, &rest, &record));
        bool has_record = vv_csv_scan_end(&scan, &record);
        CHECK_INT(has_record, bytes.len > 0);
        CHECK_INT(record.fault == VV_CSV_FINE, vv_utf8_valid(bytes));
    }
}

TEST(csv, header_gives_the_names)
{
    struct vv_op op;
    struct vv_str *names = NULL;
    size_t len = 0;
    vv_op_init(&op, NULL, VV_OP_BYTES_DEFAULT);
    const struct vv_str text =
        VV_STR("\xEF\xBB\xBF"
               "a, \"b \"\"x\"\",\nc\" ,d e ,\"\xC3\xA9\"\r\n1,2,3,4\r\n");
    REQUIRE_OK(&op, vv_csv_header(&op, &op.arena, text, true, &names, &len));
    REQUIRE(len == 4);
    CHECK_STR(names[0], "a");
    CHECK_STR(names[1], "b \"x\",\nc");
    CHECK_STR(names[2], "d e ");
    CHECK_STR(names[3], "\xC3\xA9");
    vv_op_done(&op);
}

static const struct {
    struct vv_str text;
    bool is_whole;
    const char *message;
} bad_headers[] = {
    {TEXT(""), true, "empty"},
    {TEXT("\n\na,b\n"), true, "line 1 is blank"},
    {TEXT("\r\na,b\n"), true, "line 1 is blank"},
    {TEXT("a,,b\n"), true, "column 2 has no name"},
    {TEXT("a,b,\n"), true, "column 3 has no name"},
    {TEXT("a,\"\"\n"), true, "column 2 has no name"},
    {TEXT("sep=,\na,b\n"), true, "line 1 is Excel's \"sep=,\""},
    {TEXT("\xEF\xBB\xBFSEP=;\r\na;b\r\n"), true, "line 1 is Excel's \"SEP=;\""},
    {TEXT("a,\"b\nc\n"), true, "never closed"},
    {TEXT("a,\"b\"c\n"), true, "behind a closing quote"},
    {TEXT("\x1F\x8B\x08\xFF\n"), true, "not UTF-8"},
    {TEXT("a,b"), false, "does not end within 3 bytes"},
};

TEST(csv, header_that_is_none_is_told)
{
    for (size_t index = 0; index < VV_COUNT(bad_headers); index++) {
        struct vv_op op;
        struct vv_str *names = NULL;
        size_t len = 0;
        vv_op_init(&op, NULL, VV_OP_BYTES_DEFAULT);
        vv_csv_header(&op, &op.arena, bad_headers[index].text, bad_headers[index].is_whole,
            &names, &len);
        CHECK_STATUS(&op, VARVE_EINVALID);
        if (!CHECK(strstr(op.error.message, bad_headers[index].message) != NULL))
            CHECK_STR(op.error.message, bad_headers[index].message);
        CHECK(names == NULL);
        vv_op_done(&op);
    }
}
