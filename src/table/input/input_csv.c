#include "engine/sql.h"
#include "table/input/batch_input.h"
#include "table/input/csv.h"

#include "base/seam.h"

/*
 * The engine reads the rows; a file that it refuses is read record by record by a scan of ours
 * (input_csv_records.c), whose messages name the line of the file, and whose idea of a row is the
 * engine's. A small file in which nothing is out of the ordinary is read by that scan at once
 * (input_csv_small.c).
 */
#define HEADER_BYTES_MAX ((size_t)1 << 20)
#define PIECE_BYTES ((size_t)1 << 20)
/* Of a line that the engine reads; our reader takes VV_INPUT_LINE_BYTES_MAX. */
#define VALUE_BYTES_MAX ((size_t)16 << 20)
/* What is read at once. The engine would take sixteen of the longest lines, 256 MiB in one piece. */
#define BUFFER_BYTES (2 * VALUE_BYTES_MAX)

static void piece_free(char **piece)
{
    vv_free(*piece);
    *piece = NULL;
}

/* Behind a byte order mark the engine takes a quote for text, and would see other columns. */
static varve_status check_marked(struct vv_op *op, const struct vv_batch_input *input)
{
    struct vv_str name = input->columns[0];
    for (size_t at = 0; at < name.len; at++)
        if (name.ptr[at] == ',' || name.ptr[at] == '\n' || name.ptr[at] == '\r')
            return vv_fail(op, VARVE_EINVALID,
                "the name of column 1 has a comma or a line end, and the file begins with a "
                "byte order mark: take that out");
    return VARVE_OK;
}

static varve_status header_read(struct vv_op *op, struct vv_arena *arena,
    struct vv_batch_input *input)
{
    size_t bytes_max = (size_t)input->source.bytes < HEADER_BYTES_MAX
                           ? (size_t)input->source.bytes + 1
                           : HEADER_BYTES_MAX;
    VV_CLEANUP(piece_free) char *piece = vv_malloc(bytes_max);
    if (piece == NULL)
        return vv_fail_memory(op);
    size_t bytes = 0;
    VV_TRY(vv_source_read(op, &input->source, 0, piece, bytes_max, &bytes));
    const char *format = vv_input_typed_by_head((struct vv_str){piece, bytes});
    if (format != NULL)
        return vv_fail(op, VARVE_EINVALID, "this is no CSV, but %s", format);
    VV_TRY(vv_csv_header(op, arena, (struct vv_str){piece, bytes}, bytes < bytes_max,
        &input->columns, &input->columns_len));
    return vv_str_starts((struct vv_str){piece, bytes}, VV_STR("\xEF\xBB\xBF"))
               ? check_marked(op, input)
               : VARVE_OK;
}

static varve_status columns_name(struct vv_op *op, struct vv_arena *arena,
    struct vv_batch_input *input)
{
    input->column_sql = vv_new(arena, struct vv_str, input->columns_len);
    input->types = vv_new(arena, struct vv_str, input->columns_len);
    if (input->column_sql == NULL || input->types == NULL)
        return vv_fail_memory(op);
    for (size_t index = 0; index < input->columns_len; index++) {
        for (size_t before = 0; before < index; before++)
            if (vv_str_eq_nocase(input->columns[before], input->columns[index]))
                return vv_fail(op, VARVE_EINVALID, "column \"%.*s\" is in the header twice",
                    VV_ARG(input->columns[index]));
        input->column_sql[index] = vv_arena_format(arena, "r%zu", index);
        input->types[index] = VV_STR("VARCHAR");
        if (input->column_sql[index].ptr == NULL)
            return vv_fail_memory(op);
    }
    return VARVE_OK;
}

static varve_status rows_read(struct vv_op *op, struct vv_session *session,
    const struct vv_batch_input *input)
{
    VV_CLEANUP(vv_buf_done) struct vv_buf sql = VV_BUF_INIT(VV_BUF_MAX);
    vv_buf_addf(&sql, "CREATE OR REPLACE TEMP TABLE %.*s AS SELECT * FROM read_csv(",
        VV_ARG(input->table_sql));
    vv_sql_literal(&sql, vv_str_of(input->source.engine_path));
    vv_buf_addf(&sql,
        ", auto_detect = false, header = true, delim = ',', quote = '\"', escape = '\"', "
        "comment = '', nullstr = '', allow_quoted_nulls = false, strict_mode = true, "
        "compression = 'none', hive_partitioning = false, max_line_size = %zu, "
        "buffer_size = %zu, columns = {",
        VALUE_BYTES_MAX, BUFFER_BYTES);
    for (size_t index = 0; index < input->columns_len; index++)
        vv_buf_addf(&sql, "%s'r%zu': 'VARCHAR'", index > 0 ? ", " : "", index);
    vv_buf_adds(&sql, "})");
    return vv_buf_ok(&sql) ? vv_session_exec(op, session, vv_buf_str(&sql))
                           : vv_fail_memory(op);
}

/* A walk over all records of a file. */
struct walk {
    const struct vv_batch_input *input;
    struct vv_csv_scan scan;
    struct vv_str rest; /* of the piece */
    char *piece;
    int64_t offset;
    /* Where the record begins; with a LF of the line end before, if `after_return`. */
    int64_t begun;
    bool after_return;
    bool ended;
};

static varve_status walk_next(struct vv_op *op, struct walk *walk, bool *out_has,
    struct vv_csv_record *out)
{
    walk->begun = walk->offset - (int64_t)walk->rest.len;
    walk->after_return = walk->scan.after_cr;
    while (!vv_csv_scan_next(&walk->scan, &walk->rest, out)) {
        if (walk->ended) {
            *out_has = false;
            return VARVE_OK;
        }
        VV_TRY(vv_progress(op, "read", (uint64_t)walk->offset,
            (uint64_t)walk->input->source.bytes));
        size_t bytes = 0;
        VV_TRY(vv_source_read(op, &walk->input->source, walk->offset, walk->piece, PIECE_BYTES,
            &bytes));
        walk->offset += (int64_t)bytes;
        walk->rest = (struct vv_str){walk->piece, bytes};
        walk->ended = bytes == 0;
        if (walk->ended) {
            *out_has = vv_csv_scan_end(&walk->scan, out);
            return VARVE_OK;
        }
    }
    *out_has = true;
    return VARVE_OK;
}

/* Of a record with a stray quote: goes on behind its first line. */
static varve_status walk_behind_line(struct vv_op *op, struct walk *walk, int64_t line)
{
    bool is_found = false;
    bool after_return = walk->after_return;
    char last = '\0';
    walk->offset = walk->begun;
    for (;;) {
        size_t bytes = 0;
        VV_TRY(vv_source_read(op, &walk->input->source, walk->offset, walk->piece, PIECE_BYTES,
            &bytes));
        walk->offset += (int64_t)bytes;
        walk->ended = bytes == 0;
        walk->rest = (struct vv_str){walk->piece, bytes};
        if (after_return && vv_str_starts(walk->rest, VV_STR("\n")))
            walk->rest = vv_str_skip(walk->rest, 1);
        after_return = false;
        for (; walk->rest.len > 0; walk->rest = vv_str_skip(walk->rest, 1)) {
            if (is_found && (last != '\r' || *walk->rest.ptr != '\n'))
                break;
            if (is_found && last == '\r') {
                last = '\n';
                continue;
            }
            last = *walk->rest.ptr;
            is_found = last == '\n' || last == '\r';
        }
        if (walk->ended || walk->rest.len > 0)
            break;
    }
    vv_csv_scan_resume(&walk->scan, line + 1);
    return VARVE_OK;
}

static bool is_row(const struct vv_batch_input *input, const struct vv_csv_record *record)
{
    return record->fields > 0 || input->columns_len == 1;
}

/*
 * Whether the engine would read other rows than there are, and say nothing. How lines end it takes from
 * the first line end of the file, though that be one within quotes, of a name: behind it it finds no row.
 * And of one column, where a blank line is a row, it sees two where one ends in CRLF and others in LF.
 */
static bool misleads(const struct vv_batch_input *input)
{
    for (size_t index = 0; index < input->columns_len; index++) {
        struct vv_str name = input->columns[index];
        if (vv_str_find(name, '\n') < name.len || vv_str_find(name, '\r') < name.len)
            return true;
    }
    return input->columns_len == 1;
}

static varve_status find_fault(struct vv_op *op, const struct vv_batch_input *input,
    char *piece, bool *out_has)
{
    struct walk walk = {.input = input, .piece = piece};
    struct vv_csv_record record;
    bool has_record = true;
    vv_csv_scan_init(&walk.scan);
    for (*out_has = false; has_record && !*out_has;) {
        VV_TRY(walk_next(op, &walk, &has_record, &record));
        *out_has = has_record && record.fault != VV_CSV_FINE;
    }
    return VARVE_OK;
}

/*
 * Whether text is behind a closing quote, and a blank, where the engine takes it for more of the value, of
 * whose length is memory then that nobody wrote. Nearly always no quote has a blank behind it.
 */
static varve_status find_text_behind_quote(struct vv_op *op, const struct vv_batch_input *input,
    bool *out_has)
{
    VV_CLEANUP(piece_free) char *piece = vv_malloc(PIECE_BYTES);
    size_t bytes = 0;
    bool after_quote = false; /* at the end of the piece before */
    *out_has = false;
    if (piece == NULL)
        return vv_fail_memory(op);
    for (int64_t offset = 0; !*out_has; offset += (int64_t)bytes) {
        VV_TRY(vv_progress(op, "read", (uint64_t)offset, (uint64_t)input->source.bytes));
        VV_TRY(vv_source_read(op, &input->source, offset, piece, PIECE_BYTES, &bytes));
        if (bytes == 0)
            break;
        *out_has = (after_quote && piece[0] == ' ') || memmem(piece, bytes, "\" ", 2) != NULL;
        after_quote = piece[bytes - 1] == '"';
    }
    return *out_has ? find_fault(op, input, piece, out_has) : VARVE_OK;
}

/* Whether our reader may take a file that the engine refused: there was memory, and the file was read. */
static bool is_refused(varve_status status)
{
    return status != VARVE_OK && status != VARVE_EINTERRUPTED && status != VARVE_ELIMIT &&
           status != VARVE_EIO;
}

varve_status vv_input_load_csv(struct vv_op *op, struct vv_work *work, struct vv_arena *arena,
    struct vv_batch_input *input)
{
    bool is_taken = false;
    if (input->source.bytes == 0)
        return vv_fail(op, VARVE_EINVALID,
            "%.*s is empty: CSV needs at least a line with the names of the columns",
            VV_ARG(input->name));
    if (header_read(op, arena, input) != VARVE_OK || columns_name(op, arena, input) != VARVE_OK)
        return vv_note(op, "%.*s", VV_ARG(input->name));
    if (work->is_small)
        VV_TRY(vv_input_take_csv(op, work, input, &is_taken));
    if (is_taken)
        return VARVE_OK;
    work->is_small = false;
    work->has_tables = true;
    input->sql = input->table_sql;
    bool is_ours = misleads(input);
    if (!is_ours && find_text_behind_quote(op, input, &is_ours) != VARVE_OK)
        return vv_note(op, "%.*s", VV_ARG(input->name));
    varve_status status = is_ours ? VARVE_OK : rows_read(op, work->session, input);
    /* The engine keeps the order of a file, and nothing is ever deleted from this table. */
    input->row_sql = VV_STR("(rowid + 1)");
    if (is_refused(status)) {
        vv_forgive(op);
        is_ours = true;
    }
    if (is_ours)
        status = vv_input_read_csv(op, work, arena, input);
    return status == VARVE_OK ? VARVE_OK : vv_note(op, "%.*s", VV_ARG(input->name));
}

varve_status vv_input_lines_csv(struct vv_op *op, const struct vv_batch_input *input,
    const int64_t *rows, size_t rows_len, int64_t *out_lines)
{
    VV_CLEANUP(piece_free) char *piece = vv_malloc(PIECE_BYTES);
    if (piece == NULL)
        return vv_fail_memory(op);
    struct walk walk = {.input = input, .piece = piece};
    vv_csv_scan_init(&walk.scan);
    int64_t row = -1; /* the header is row 0, whatever it looks like */
    size_t found = 0;
    while (found < rows_len) {
        struct vv_csv_record record;
        bool has_record = false;
        VV_TRY(walk_next(op, &walk, &has_record, &record));
        if (!has_record)
            break;
        row += row < 0 || is_row(input, &record);
        while (found < rows_len && rows[found] == row)
            out_lines[found++] = record.line;
        if (row > 0 && input->has_faults && vv_csv_is_stray(&record))
            VV_TRY(walk_behind_line(op, &walk, record.line));
    }
    while (found < rows_len)
        out_lines[found++] = 0;
    return VARVE_OK;
}
