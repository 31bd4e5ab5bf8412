/*
 * What comes from stdin, a socket or a followed file, cut into lines or records of CSV, and these as
 * rows. However the bytes come in pieces, the lines are the same ones, each has the bytes of its
 * place, and none is lost between two; a record that is taken is a JSON object of names of its header.
 *
 * The first byte of an input says whether it is CSV, the second how long a line may be, the third
 * in which pieces it comes.
 */
#include "fuzz.h"

#include "base/arena.h"
#include "base/buf.h"
#include "base/json.h"
#include "cli/csv_row.h"
#include "cli/lines.h"

#define HEAD_BYTES 3
#define LEN_MAX ((size_t)1 << 14)
#define ROOM_BYTES ((size_t)64)

struct stream {
    struct vv_desk desk;
    struct vv_lines lines;
    struct vv_str text;
    struct vv_csv_names names;
    struct vv_buf told; /* of each line what has to be the same in all pieces */
    uint64_t end;       /* offset behind the last line */
};

/* A row is what the batch writer's parser takes, or refuses for its bytes alone. */
static void check_row(const struct vv_text *row, size_t members)
{
    VV_CLEANUP(vv_op_done) struct vv_op op;
    const struct vv_json *json = NULL;
    const struct vv_json *iterator = NULL;
    const struct vv_json *value = NULL;
    struct vv_str name;
    size_t len = 0;
    vv_op_init(&op, NULL, (size_t)1 << 30);
    struct vv_str text = {row->ptr, row->len};
    if (vv_json_parse(&op, &op.arena, text, &json) != VARVE_OK) {
        VV_PRE(!vv_utf8_valid(text));
        vv_forgive(&op);
        return;
    }
    VV_PRE(vv_json_is(json, VV_JSON_OBJECT));
    while (vv_json_each(json, &iterator, &name, &value))
        len++;
    VV_PRE(len <= members); /* what is empty has none */
}

static void take_record(struct stream *stream, const struct vv_line *line)
{
    struct vv_text row VV_CLEANUP(vv_text_done) = {0};
    varve_error err;
    if (stream->names.names == NULL) {
        varve_status status = vv_csv_names_read(&stream->names, line->bytes, line->len, &err);
        VV_PRE(status == VARVE_OK || status == VARVE_EINVALID);
        vv_csv_header_write(line->bytes, line->len, "b", &row);
        return;
    }
    varve_status status = vv_csv_row_write(&stream->names, line->bytes, line->len, &row, &err);
    VV_PRE(status == VARVE_OK || status == VARVE_EINVALID);
    if (status == VARVE_OK)
        check_row(&row, stream->names.len);
}

static void take(struct stream *stream, const struct vv_line *line)
{
    bool is_whole = line->fault != VV_LINE_TOO_LONG;
    VV_PRE(line->offset >= stream->end && line->offset + line->len <= stream->text.len);
    VV_PRE(memcmp(line->bytes, stream->text.ptr + line->offset, line->len) == 0);
    stream->end = line->offset + line->len;
    vv_buf_addf(&stream->told, "%" PRIu64 " %" PRIu64 " %d %d %zu\n", line->number,
        line->offset, (int)line->fault, line->is_half, is_whole ? line->len : 0);
    if (stream->lines.is_csv && line->fault == VV_LINE_FINE && !vv_line_is_blank(line))
        take_record(stream, line);
}

static void read_all(struct stream *stream, size_t piece_bytes)
{
    struct vv_lines *lines = &stream->lines;
    struct vv_line line;
    size_t room;
    for (size_t at = 0; at < stream->text.len;) {
        char *to = vv_lines_begin(lines, &stream->desk, &room);
        size_t len = stream->text.len - at;
        len = len < piece_bytes ? len : piece_bytes;
        VV_PRE(room >= ROOM_BYTES);
        len = len < room ? len : room;
        memcpy(to, stream->text.ptr + at, len);
        vv_lines_add(lines, &stream->desk, len);
        at += len;
        while (vv_lines_next(lines, &stream->desk, &line))
            take(stream, &line);
        vv_lines_end(lines, &stream->desk);
    }
    (void)vv_lines_begin(lines, &stream->desk, &room);
    while (vv_lines_last(lines, &stream->desk, &line))
        take(stream, &line);
    vv_lines_end(lines, &stream->desk);
    VV_PRE(stream->desk.kept_bytes == 0);
}

static struct stream stream_of(struct vv_str text, bool is_csv, size_t line_bytes_max)
{
    struct stream stream = {
        .lines = {.is_csv = is_csv}, .text = text, .told = VV_BUF_INIT(VV_BUF_MAX)};
    vv_desk_init(&stream.desk, line_bytes_max, ROOM_BYTES, SIZE_MAX);
    return stream;
}

static void stream_done(struct stream *stream)
{
    vv_lines_done(&stream->lines, &stream->desk);
    vv_desk_done(&stream->desk);
    vv_csv_names_done(&stream->names);
    vv_buf_done(&stream->told);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < HEAD_BYTES || size > LEN_MAX)
        return 0;
    struct vv_str text = {(const char *)data + HEAD_BYTES, size - HEAD_BYTES};
    bool is_csv = data[0] % 2 == 1;
    size_t line_bytes_max = 1 + (size_t)data[1] * 4;
    VV_CLEANUP(stream_done) struct stream large = stream_of(text, is_csv, line_bytes_max);
    VV_CLEANUP(stream_done) struct stream small = stream_of(text, is_csv, line_bytes_max);
    read_all(&large, SIZE_MAX);
    read_all(&small, 1 + data[2] % ROOM_BYTES);
    VV_PRE(vv_str_eq(vv_buf_str(&large.told), vv_buf_str(&small.told)));
    return 0;
}
