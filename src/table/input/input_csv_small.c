/*
 * Small files of CSV, without the engine: it takes longer to ask it than to read them.
 *
 * Only what leaves no doubt is read here: every record sound and as long as the header.
 * Anything else is left to the engine, and what is wrong with it to input_csv.c, so that both sizes
 * of files are read and refused alike.
 */
#include "base/seam.h"
#include "table/input/batch_input.h"
#include "table/input/csv.h"

#define ROW_COLUMN "row_number"

/* A walk over the records of a text. */
struct walk {
    struct vv_csv_scan scan;
    struct vv_str rest;
    struct vv_csv_record record;
    struct vv_str text; /* of the record, without its line end */
    bool has_ended;
};

static void text_free(char **text)
{
    vv_free(*text);
    *text = NULL;
}

/* The line end of `text` is cut off; so is the rest of the one before it. */
static void cut_line_ends(struct vv_str *text, bool after_return)
{
    if (after_return && vv_str_starts(*text, VV_STR("\n")))
        *text = vv_str_skip(*text, 1);
    if (text->len > 0 && (text->ptr[text->len - 1] == '\n' || text->ptr[text->len - 1] == '\r'))
        text->len--;
}

static bool walk_next(struct walk *walk)
{
    struct vv_str before = walk->rest;
    bool after_return = walk->scan.after_cr;
    if (walk->has_ended)
        return false;
    if (!vv_csv_scan_next(&walk->scan, &walk->rest, &walk->record)) {
        walk->has_ended = true;
        walk->text = before;
        cut_line_ends(&walk->text, after_return);
        return vv_csv_scan_end(&walk->scan, &walk->record);
    }
    walk->text = vv_str_first(before, before.len - walk->rest.len);
    cut_line_ends(&walk->text, after_return);
    return true;
}

static bool is_row(const struct walk *walk, const struct vv_batch_input *input)
{
    return walk->record.fields > 0 || input->columns_len == 1;
}

static bool is_plain(const struct vv_batch_input *input, struct vv_str text)
{
    struct walk walk = {.rest = text};
    bool is_sound = true;
    vv_csv_scan_init(&walk.scan);
    while (is_sound && walk_next(&walk))
        is_sound = walk.record.fault == VV_CSV_FINE &&
                   (walk.record.fields == input->columns_len || walk.record.fields == 0);
    return is_sound;
}

/* The fields of a record, unquoted ones in place and the others in `fields`; empty ones are NULL. */
static varve_status row_put(struct vv_op *op, struct vv_text_appender *appender, int64_t row,
    struct vv_str text, size_t len, struct vv_str *values)
{
    VV_CLEANUP(vv_buf_done) struct vv_buf field = VV_BUF_INIT(VV_BUF_MAX);
    VV_CLEANUP(vv_arena_done) struct vv_arena quoted = VV_ARENA_INIT(VV_OP_BYTES_DEFAULT);
    for (size_t index = 0; index < len; index++) {
        bool is_quoted = false;
        struct vv_str value = vv_csv_field(&text, &field, &is_quoted);
        if (is_quoted)
            value = vv_arena_str(&quoted, value);
        else if (value.len == 0)
            value = VV_STR_NONE;
        if (!vv_buf_ok(&field) || (is_quoted && value.ptr == NULL))
            return vv_fail_memory(op);
        values[index] = value;
    }
    return vv_text_appender_row(op, appender, row, values);
}

static varve_status rows_put(struct vv_op *op, struct vv_work *work,
    struct vv_batch_input *input, struct vv_str text)
{
    VV_CLEANUP(vv_text_appender_close) struct vv_text_appender *appender = NULL;
    struct vv_load_target target;
    struct walk walk = {.rest = text};
    struct vv_str *values = NULL;
    int64_t rows = -1; /* the header is the first record */
    VV_NEW(op, &values, struct vv_str, input->columns_len + 1);
    VV_TRY(vv_input_target(op, work, input, VV_STR(ROW_COLUMN), &target));
    VV_TRY(vv_text_appender_open_at(op, work->session, &target, input->column_sql,
        input->columns_len, &appender));
    vv_csv_scan_init(&walk.scan);
    while (walk_next(&walk)) {
        if (rows >= 0 && !is_row(&walk, input))
            continue;
        if (++rows > 0)
            VV_TRY(row_put(op, appender, rows, walk.text, input->columns_len, values));
    }
    VV_TRY(vv_text_appender_finish(op, appender));
    vv_input_loaded(work, input, &target, rows);
    input->row_sql = VV_STR(ROW_COLUMN);
    return VARVE_OK;
}

varve_status vv_input_take_csv(struct vv_op *op, struct vv_work *work,
    struct vv_batch_input *input, bool *out_taken)
{
    size_t bytes = 0;
    *out_taken = false;
    if (input->source.bytes > VV_INPUT_SMALL_BYTES_MAX)
        return VARVE_OK;
    VV_CLEANUP(text_free) char *memory = vv_malloc((size_t)input->source.bytes + 1);
    if (memory == NULL)
        return vv_fail_memory(op);
    VV_TRY(vv_source_read(op, &input->source, 0, memory, (size_t)input->source.bytes, &bytes));
    struct vv_str text = {memory, bytes};
    *out_taken = is_plain(input, text);
    return *out_taken ? rows_put(op, work, input, text) : VARVE_OK;
}
