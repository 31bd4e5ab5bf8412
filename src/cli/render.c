#include "cli/render.h"

#include <errno.h>
#include <string.h>

/* The numbers that a stream may fail with, as the codes of calls. */
static varve_status stream_status(int number)
{
    switch (number) {
    case EINVAL:
        return VARVE_EUSAGE;
    case ENOENT:
        return VARVE_ENOTFOUND;
    case EBADMSG:
        return VARVE_ECORRUPT;
    case ENOTSUP:
        return VARVE_EUNSUPPORTED;
    case EIO:
        return VARVE_EIO;
    case ENOMEM:
        return VARVE_ELIMIT;
    case EINTR:
    case ECANCELED:
        return VARVE_EINTERRUPTED;
    default:
        return VARVE_EFAILED;
    }
}

static varve_status stream_failed(struct ArrowArrayStream *stream, int number, varve_error *err)
{
    const char *why = stream->get_last_error ? stream->get_last_error(stream) : NULL;
    return vv_error_set(err, stream_status(number), "%s", why ? why : vv_errno_text(number));
}

static void write_batch(struct vv_writer *writer, const struct ArrowArray *batch, int64_t *rows)
{
    for (int64_t row = 0; row < batch->length && !ferror(writer->file); row++)
        writer->row(writer, (struct vv_cell){writer->root, batch, row});
    *rows += batch->length;
}

static varve_status write_rows(struct ArrowArrayStream *stream, struct vv_writer *writer,
    int64_t *out_rows, varve_error *err)
{
    int64_t rows = 0;
    writer->begin(writer);
    while (!ferror(writer->file)) {
        struct ArrowArray batch = {0};
        int number = stream->get_next(stream, &batch);
        if (number != 0)
            return stream_failed(stream, number, err);
        if (batch.release == NULL)
            break;
        write_batch(writer, &batch, &rows);
        batch.release(&batch);
    }
    if (writer->end)
        writer->end(writer, rows);
    *out_rows = rows;
    return VARVE_OK;
}

static varve_status render_with_type(struct ArrowArrayStream *stream,
    const struct vv_type *root, const struct vv_render_options *options, FILE *file,
    int64_t *out_rows, varve_error *err)
{
    bool is_chart = options->format == VV_FORMAT_PLOT || options->format == VV_FORMAT_SVG;
    if (is_chart && options->plot_line && !vv_line_fits(root, options->plot_value))
        return vv_error_set(err, VARVE_EUSAGE,
            "a chart of these rows needs a column of times and one of numbers");
    struct vv_writer writer = {.options = options, .root = root, .file = file};
    if (options->format == VV_FORMAT_BOX)
        vv_writer_box(&writer);
    else if (options->format == VV_FORMAT_CSV)
        vv_writer_csv(&writer);
    else if (options->format == VV_FORMAT_MARKDOWN)
        vv_writer_markdown(&writer);
    else if (is_chart && options->plot_line)
        vv_writer_line(&writer);
    else if (is_chart)
        vv_writer_plot(&writer);
    else
        vv_writer_json(&writer);
    varve_status status = write_rows(stream, &writer, out_rows, err);
    if (writer.done)
        writer.done(&writer);
    vv_text_done(&writer.line);
    vv_text_done(&writer.value);
    return status;
}

varve_status vv_render(struct ArrowArrayStream *stream, const struct vv_render_options *options,
    FILE *file, int64_t *out_rows, varve_error *err)
{
    struct ArrowSchema schema = {0};
    struct vv_type root VV_CLEANUP(vv_type_done) = {0};
    varve_status status = VARVE_OK;
    int number = stream->get_schema(stream, &schema);
    if (number != 0) {
        status = stream_failed(stream, number, err);
    } else {
        status = vv_type_read(&schema, &root, err);
        schema.release(&schema);
    }
    if (status == VARVE_OK)
        status = render_with_type(stream, &root, options, file, out_rows, err);
    stream->release(stream);
    return status;
}
