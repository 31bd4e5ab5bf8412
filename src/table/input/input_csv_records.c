/*
 * CSV files that the engine refuses, or would read otherwise than they are (input_csv.c), record by
 * record; a record is where the scan of csv.h sees one. A line that is no row is a row with a fault and no
 * values, as such a line of NDJSON is, so that it can go to the quarantine. Of a record with a stray quote
 * the line in which it begins is the one that is no row: those behind it are read as if it were not
 * there, so that it takes no good row with it.
 */
#include "base/number.h"
#include "base/seam.h"
#include "engine/sql.h"
#include "table/input/batch_input.h"
#include "table/input/csv.h"
#include "table/input/lines.h"

#define ROW_COLUMN "row_number"
#define FAULT_COLUMNS 3
#define PIECE_BYTES ((size_t)1 << 20)
/* Memory of values is given back when there is that much of it. */
#define PARSED_BYTES ((size_t)1 << 20)
#define AGAIN_BYTES_MAX (INT64_C(4) << 30) /* that are read again behind stray quotes */

struct reader {
    struct vv_batch_input *input;
    struct vv_text_appender *appender;
    struct vv_csv_scan scan;
    struct vv_buf record; /* the bytes of the one that is read, with its line end */
    bool after_return; /* it begins behind a CR: a LF at its start is of the line end before */
    struct vv_arena parsed;
    struct vv_str *values;
    int64_t rows;   /* -1: the header is to come */
    int64_t faults; /* so many of them are no rows */
    int64_t again_bytes;
    char *piece;
};

static void reader_done(struct reader *reader)
{
    vv_text_appender_close(&reader->appender);
    vv_buf_done(&reader->record);
    vv_arena_done(&reader->parsed);
    vv_free(reader->piece);
}

/* What makes the record no row; VV_STR_NONE: nothing. */
static varve_status fault_of(struct vv_op *op, struct reader *reader,
    const struct vv_csv_record *record, struct vv_str *out)
{
    *out = VV_STR_NONE;
    if (record->stray_line == record->line)
        *out = VV_STR("has a quote that is never closed");
    else if (vv_csv_is_stray(record))
        *out = vv_arena_format(&reader->parsed,
            "has a quote that is closed in line %" PRId64 ", with text behind it",
            record->stray_line);
    else if (record->fault == VV_CSV_UTF8)
        *out = VV_STR("is not valid UTF-8");
    else if (record->fault == VV_CSV_BEHIND_QUOTE)
        *out = VV_STR("has text behind a closing quote");
    if (vv_csv_is_stray(record) && out->ptr == NULL)
        return vv_fail_memory(op);
    if (out->ptr != NULL || record->fields == reader->input->columns_len || record->fields == 0)
        return VARVE_OK;
    *out = vv_arena_format(&reader->parsed, "has %zu field%s, the header has %zu",
        record->fields, vv_plural((int64_t)record->fields), reader->input->columns_len);
    return out->ptr != NULL ? VARVE_OK : vv_fail_memory(op);
}

static varve_status fields_take(struct vv_op *op, struct reader *reader, struct vv_str text)
{
    VV_CLEANUP(vv_buf_done) struct vv_buf field = VV_BUF_INIT(VV_BUF_MAX);
    for (size_t index = 0; index < reader->input->columns_len; index++) {
        bool is_quoted = false;
        struct vv_str value = vv_csv_field(&text, &field, &is_quoted);
        if (!vv_buf_ok(&field))
            return vv_fail_memory(op);
        if (!is_quoted && value.len == 0)
            continue; /* NULL */
        reader->values[index] = vv_arena_str(&reader->parsed, value);
        if (reader->values[index].ptr == NULL)
            return vv_fail_memory(op);
    }
    return VARVE_OK;
}

static varve_status record_take(struct vv_op *op, struct reader *reader,
    const struct vv_csv_record *record)
{
    struct vv_str text = vv_buf_str(&reader->record);
    struct vv_str fault;
    size_t columns_len = reader->input->columns_len;
    if (!vv_buf_ok(&reader->record))
        return vv_fail_memory(op);
    if (reader->after_return && vv_str_starts(text, VV_STR("\n")))
        text = vv_str_skip(text, 1);
    while (text.len > 0 && (text.ptr[text.len - 1] == '\n' || text.ptr[text.len - 1] == '\r'))
        text.len--;
    if (reader->rows < 0) {
        reader->rows = 0;
        return VARVE_OK;
    }
    if (record->fields == 0 && columns_len > 1)
        return VARVE_OK; /* a blank line */
    memset(reader->values, 0, (columns_len + FAULT_COLUMNS) * sizeof(struct vv_str));
    VV_TRY(fault_of(op, reader, record, &fault));
    if (fault.ptr != NULL && ++reader->faults == VV_INPUT_LINES_TRIED &&
        reader->rows + 1 == reader->faults && !reader->input->sets_aside)
        return vv_fail(op, VARVE_EINVALID,
            "none of the first %d lines behind the header is a row: line %" PRId64 " %.*s",
            VV_INPUT_LINES_TRIED, record->line, VV_ARG(fault));
    if (fault.ptr != NULL) {
        struct vv_str *values = reader->values + columns_len;
        values[0] = VV_STR(VV_NDJSON_LINE_TEXT);
        VV_TRY(vv_lines_text(op, &reader->parsed, text, &values[1]));
        values[2] = fault;
        reader->input->has_faults = true;
    } else {
        VV_TRY(fields_take(op, reader, text));
    }
    VV_TRY(vv_text_appender_row(op, reader->appender, ++reader->rows, reader->values));
    if (reader->parsed.bytes > PARSED_BYTES)
        vv_arena_done(&reader->parsed);
    return VARVE_OK;
}

/* Behind the first line of a text, its line end too; the whole of one that has none. */
static struct vv_str behind_line(struct vv_str text)
{
    size_t at = 0;
    while (at < text.len && text.ptr[at] != '\n' && text.ptr[at] != '\r')
        at++;
    text = vv_str_skip(text, at);
    if (vv_str_starts(text, VV_STR("\r\n")))
        return vv_str_skip(text, 2);
    return vv_str_skip(text, text.len > 0 ? 1 : 0);
}

/*
 * Of a record with a stray quote one line is taken. `out`: what is to be scanned anew, the lines behind
 * that one, and `rest`, which the record was followed by.
 */
static varve_status stray_take(struct vv_op *op, struct reader *reader,
    struct vv_csv_record *record, struct vv_str rest, struct vv_buf *out)
{
    VV_CLEANUP(vv_buf_done) struct vv_buf whole = reader->record;
    reader->record = VV_BUF_INIT(VV_INPUT_LINE_BYTES_MAX);
    struct vv_str text = vv_buf_str(&whole);
    if (reader->after_return && vv_str_starts(text, VV_STR("\n")))
        text = vv_str_skip(text, 1);
    struct vv_str lines = behind_line(text);
    reader->again_bytes += (int64_t)lines.len;
    if (reader->again_bytes > AGAIN_BYTES_MAX)
        return vv_fail(op, VARVE_EINVALID,
            "too many quotes are closed in other lines or never, the last in line %" PRId64,
            record->line);
    vv_buf_add(out, lines);
    vv_buf_add(out, rest);
    reader->after_return = false;
    vv_buf_add(&reader->record, vv_str_first(text, text.len - lines.len));
    record->fields = 1;
    VV_TRY(record_take(op, reader, record));
    vv_buf_clear(&reader->record);
    vv_csv_scan_resume(&reader->scan, record->line + 1);
    return vv_buf_ok(out) && vv_buf_ok(&whole) ? VARVE_OK : vv_fail_memory(op);
}

static varve_status piece_take(struct vv_op *op, struct reader *reader, struct vv_str piece)
{
    VV_CLEANUP(vv_buf_done) struct vv_buf again = VV_BUF_INIT(VV_BUF_MAX);
    while (piece.len > 0) {
        struct vv_csv_record record;
        struct vv_str before = piece;
        if (reader->record.len == 0)
            reader->after_return = reader->scan.after_cr;
        bool has_record = vv_csv_scan_next(&reader->scan, &piece, &record);
        vv_buf_add(&reader->record, vv_str_first(before, before.len - piece.len));
        if (!vv_buf_ok(&reader->record))
            return vv_fail(op, VARVE_EINVALID,
                "the record that begins in line %" PRId64
                " is longer than %zu MB; is a quote never closed there?",
                has_record ? record.line : reader->scan.record.line,
                VV_INPUT_LINE_BYTES_MAX >> 20);
        if (!has_record)
            return VARVE_OK;
        if (reader->rows >= 0 && vv_csv_is_stray(&record)) {
            struct vv_buf joined = VV_BUF_INIT(VV_BUF_MAX);
            varve_status status = stray_take(op, reader, &record, piece, &joined);
            vv_buf_done(&again);
            again = joined;
            VV_TRY(status);
            if (!vv_buf_ok(&again))
                return vv_fail_memory(op);
            piece = vv_buf_str(&again);
            continue;
        }
        VV_TRY(record_take(op, reader, &record));
        vv_buf_clear(&reader->record);
    }
    return VARVE_OK;
}

static varve_status file_take(struct vv_op *op, struct reader *reader)
{
    struct vv_batch_input *input = reader->input;
    struct vv_csv_record record;
    int64_t offset = 0;
    for (;;) {
        size_t bytes = 0;
        VV_TRY(vv_progress(op, "read", (uint64_t)offset, (uint64_t)input->source.bytes));
        VV_TRY(vv_source_read(op, &input->source, offset, reader->piece, PIECE_BYTES, &bytes));
        if (bytes == 0)
            break;
        offset += (int64_t)bytes;
        VV_TRY(piece_take(op, reader, (struct vv_str){reader->piece, bytes}));
    }
    while (vv_csv_scan_end(&reader->scan, &record)) {
        VV_CLEANUP(vv_buf_done) struct vv_buf again = VV_BUF_INIT(VV_BUF_MAX);
        if (!vv_csv_is_stray(&record)) {
            VV_TRY(record_take(op, reader, &record));
            break;
        }
        VV_TRY(stray_take(op, reader, &record, VV_STR(""), &again));
        if (!vv_buf_ok(&again))
            return vv_fail_memory(op);
        VV_TRY(piece_take(op, reader, vv_buf_str(&again)));
    }
    return vv_text_appender_finish(op, reader->appender);
}

varve_status vv_input_read_csv(struct vv_op *op, struct vv_work *work, struct vv_arena *arena,
    struct vv_batch_input *input)
{
    VV_CLEANUP(reader_done)
    struct reader reader = {.input = input,
        .record = VV_BUF_INIT(VV_INPUT_LINE_BYTES_MAX),
        .parsed = VV_ARENA_INIT(VV_OP_BYTES_DEFAULT),
        .rows = -1,
        .piece = vv_malloc(PIECE_BYTES)};
    size_t len = input->columns_len;
    struct vv_str *names = vv_new(arena, struct vv_str, len + FAULT_COLUMNS);
    struct vv_load_target target;
    if (reader.piece == NULL || names == NULL)
        return vv_fail_memory(op);
    memcpy(names, input->column_sql, len * sizeof(*names));
    names[len] = VV_STR(VV_NDJSON_FAULT_NAME);
    names[len + 1] = VV_STR(VV_NDJSON_FAULT_VALUE);
    names[len + 2] = VV_STR(VV_NDJSON_FAULT_RULE);
    VV_NEW(op, &reader.values, struct vv_str, len + FAULT_COLUMNS);
    VV_TRY(vv_input_target(op, work, input, VV_STR(ROW_COLUMN), &target));
    VV_TRY(vv_text_appender_open_at(op, work->session, &target, names, len + FAULT_COLUMNS,
        &reader.appender));
    vv_csv_scan_init(&reader.scan);
    VV_TRY(file_take(op, &reader));
    vv_input_loaded(work, input, &target, reader.rows);
    input->row_sql = VV_STR(ROW_COLUMN);
    return VARVE_OK;
}
