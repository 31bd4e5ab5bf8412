/*
 * Lines become rows of the spool. What can't be one is refused, and told to whoever sent it; what
 * could not be put now, since the spool is full, stays where it is and is tried again.
 */
#include <inttypes.h>
#include <string.h>

#include "cli/ingest.h"
#include "cli/input.h"

enum outcome {
    TAKEN,
    NOT_NOW
};

/* Why no row can be made of a line. */
struct fault {
    const char *reason;
    varve_status code;
    const char *table; /* whose row it would have been; NULL: not known */
};

static enum outcome accept(struct vv_ingest *ingest, struct vv_stream *stream,
    const struct vv_line *line, uint64_t sequence)
{
    ingest->sequence = sequence;
    ingest->has_put = true;
    ingest->full_since_ms = 0;
    if (ingest->is_full_said)
        vv_report_room(ingest);
    if (stream->kind != VV_STREAM_FILE)
        vv_runs_add(&stream->runs, sequence, line->number);
    return TAKEN;
}

/* Whether the same may be put later, when there is room. */
static bool is_passing(const varve_error *error)
{
    return error->retryable || error->code == VARVE_EIO || error->code == VARVE_ECONFLICT;
}

static enum outcome wait(struct vv_ingest *ingest, const varve_error *error)
{
    ingest->is_full = ingest->do_lines_wait = true;
    /* Nothing that goes on here makes it the owner of its id again. */
    ingest->is_refused = error->code == VARVE_ECONFLICT;
    ingest->full_error = *error;
    if (ingest->full_since_ms == 0)
        ingest->full_since_ms = vv_now_ms();
    vv_report_full(ingest, error);
    return NOT_NOW;
}

/*
 * A line that no row can be made of goes to the quarantine of its table as it is, by way of the
 * spool like a row; where the table is not known, nobody keeps it but who sent it.
 */
static enum outcome refuse(struct vv_ingest *ingest, struct vv_stream *stream,
    const struct vv_line *line, const struct fault *fault)
{
    const char *table = ingest->options->table ? ingest->options->table : fault->table;
    varve_error error = {.code = VARVE_ENOTFOUND};
    uint64_t sequence = 0;
    varve_status status = VARVE_ENOTFOUND;
    if (table && *table && fault->code != VARVE_ENOTFOUND)
        status = varve_writer_put_rejected(ingest->writer, table, line->bytes, line->len,
            fault->reason, &sequence, &error);
    if (status == VARVE_OK) {
        vv_runs_add(&ingest->told, sequence, sequence);
        (void)accept(ingest, stream, line, sequence);
    } else if (is_passing(&error) &&
               line->fault != VV_LINE_TOO_LONG) { /* that would not come again */
        return wait(ingest, &error);
    } else {
        ingest->counts.refused++;
        if (stream->trail)
            (void)vv_trail_refused(stream->trail, line->offset, &error);
    }
    if (stream->kind == VV_STREAM_FILE)
        vv_report_refusal(ingest, vv_text_chars(&stream->name), "byte", line->offset,
            status == VARVE_OK, fault->reason);
    else
        vv_answer_refusal(ingest, stream, line->number, status == VARVE_OK, fault->reason,
            fault->code);
    return TAKEN;
}

static enum outcome put(struct vv_ingest *ingest, struct vv_stream *stream,
    const struct vv_line *line, const char *json, size_t len)
{
    varve_error error;
    uint64_t sequence = 0;
    varve_status status = varve_writer_put_json(ingest->writer, ingest->options->table, json,
        len, &sequence, &error);
    if (status == VARVE_OK)
        return accept(ingest, stream, line, sequence);
    if (is_passing(&error))
        return wait(ingest, &error);
    struct vv_text reason VV_CLEANUP(vv_text_done) = {0};
    vv_text_adds(&reason, error.message);
    if (line->offset == 0) /* of what is no NDJSON at all no line is a row */
        vv_input_add_guess(line->bytes, line->len, &reason);
    const struct fault fault = {vv_text_chars(&reason), error.code, error.table};
    return refuse(ingest, stream, line, &fault);
}

/*
 * No row could be made of any line behind it, so none is looked at: a client is told so, and let go.
 * An input that the run was begun with ends the run; a followed file stays where it is, to be read
 * from this line on by the next one.
 */
static enum outcome refuse_header(struct vv_ingest *ingest, struct vv_stream *stream,
    const struct vv_line *line, const varve_error *error)
{
    ingest->counts.refused++;
    if (stream->kind != VV_STREAM_CLIENT)
        ingest->failure = *error;
    if (stream->kind == VV_STREAM_CLIENT || vv_answer_can_hear(ingest, stream))
        vv_answer_refusal(ingest, stream, line->number, false, error->message, error->code);
    ingest->desk.from = ingest->desk.to = 0;
    vv_lines_restart(&stream->lines, &ingest->desk, line->offset);
    stream->has_ended = true;
    return TAKEN;
}

static enum outcome take_header(struct vv_ingest *ingest, struct vv_stream *stream,
    const struct vv_line *line)
{
    varve_error error;
    if (vv_header_read(ingest, stream, line, &error) == VARVE_OK)
        return TAKEN;
    return refuse_header(ingest, stream, line, &error);
}

static enum outcome take_record(struct vv_ingest *ingest, struct vv_stream *stream,
    const struct vv_line *line)
{
    varve_error error;
    vv_text_clear(&ingest->row);
    if (vv_csv_row_write(&stream->names, line->bytes, line->len, &ingest->row, &error) ==
        VARVE_OK)
        return put(ingest, stream, line, ingest->row.ptr, ingest->row.len);
    const struct fault fault = {error.message, VARVE_EINVALID, NULL};
    return refuse(ingest, stream, line, &fault);
}

static enum outcome refuse_fault(struct vv_ingest *ingest, struct vv_stream *stream,
    const struct vv_line *line)
{
    struct vv_text reason VV_CLEANUP(vv_text_done) = {0};
    struct fault fault = {.code = VARVE_EINVALID};
    size_t bytes_max = ingest->desk.line_bytes_max;
    if (line->fault == VV_LINE_TOO_LONG) {
        fault.code = VARVE_ELIMIT;
        vv_text_addf(&reason, "the line is longer than %zu bytes (--max-line)", bytes_max);
    } else if (line->fault == VV_LINE_LONG_QUOTE) {
        fault.code = VARVE_ELIMIT;
        vv_text_addf(&reason,
            "the line has a quote that is not closed within %zu bytes (--max-line)", bytes_max);
    } else if (line->fault == VV_LINE_STRAY) {
        vv_text_adds(&reason,
            "the line has a quote that is closed in another line, with text behind it");
    } else {
        vv_text_adds(&reason, "the line has a quote that is never closed");
    }
    fault.reason = vv_text_chars(&reason);
    return refuse(ingest, stream, line, &fault);
}

static enum outcome take(struct vv_ingest *ingest, struct vv_stream *stream,
    const struct vv_line *line)
{
    if (ingest->options->is_csv && line->offset == 0)
        return take_header(ingest, stream, line);
    if (line->fault != VV_LINE_FINE)
        return refuse_fault(ingest, stream, line);
    if (vv_line_is_blank(line))
        return TAKEN;
    if (ingest->options->is_csv)
        return take_record(ingest, stream, line);
    if (line->offset == 0 && line->len >= 3 && memcmp(line->bytes, "\xef\xbb\xbf", 3) == 0)
        return put(ingest, stream, line, line->bytes + 3, line->len - 3);
    return put(ingest, stream, line, line->bytes, line->len);
}

/*
 * Its other half may be what made it a row: it is not known what was meant. Who still hears is told.
 */
static void refuse_half(struct vv_ingest *ingest, struct vv_stream *stream,
    const struct vv_line *line)
{
    ingest->counts.cut++;
    if (!stream->is_deaf && !vv_line_is_blank(line))
        vv_answer_refusal(ingest, stream, line->number, false,
            "the connection ended within this line: a line ends with a line end, and a quoted "
            "field of CSV with a quote; nothing of it was taken",
            VARVE_EINVALID);
}

/* What lies on the desk, with what `next` makes of it. */
static void take_all(struct vv_ingest *ingest, struct vv_stream *stream,
    bool (*next)(struct vv_lines *, struct vv_desk *, struct vv_line *))
{
    struct vv_line line;
    stream->has_lines = false;
    while (!stream->has_lines && next(&stream->lines, &ingest->desk, &line)) {
        if (line.is_half && stream->kind == VV_STREAM_CLIENT) {
            refuse_half(ingest, stream, &line);
            continue;
        }
        if (take(ingest, stream, &line) == NOT_NOW) {
            vv_lines_again(&stream->lines, &ingest->desk, &line);
            stream->has_lines = true;
            break;
        }
        ingest->counts.lines++;
        stream->has_lines = vv_answer_is_stalled(stream);
    }
    stream->runs.line_last = stream->lines.number;
    vv_lines_end(&stream->lines, &ingest->desk);
}

void vv_take_lines(struct vv_ingest *ingest, struct vv_stream *stream)
{
    take_all(ingest, stream, vv_lines_next);
}

void vv_take_last(struct vv_ingest *ingest, struct vv_stream *stream)
{
    size_t room = 0;
    (void)vv_lines_begin(&stream->lines, &ingest->desk, &room);
    take_all(ingest, stream,
        stream->kind == VV_STREAM_CLIENT ? vv_lines_last_cut : vv_lines_last);
}
