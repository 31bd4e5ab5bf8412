/*
 * CSV on its way into a table, read by Varve itself as a small file and by the engine as one of
 * several: both take it or both refuse it, both have the same values and faults, and as many rows as our
 * scan sees records; fewer or more only where a quote is closed in another line, or never.
 */
#include "fuzz.h"

#include <sys/mman.h>
#include <unistd.h>

#include "fuzz_engine.h"
#include "table/batch/batch.h"
#include "table/input/batch_input.h"
#include "table/input/csv.h"
#include "table/work.h"

static struct vv_metadata metadata;
static struct vv_snapshot snapshot;

static void make_table(struct fuzz_engine *fuzz)
{
    const struct vv_str schema = VV_STR("a string, b string, c string");
    varve_status status =
        vv_schema_parse_ddl(&fuzz->op, &fuzz->op.arena, schema, &snapshot.schema);
    VV_PRE(status == VARVE_OK);
    metadata.schema_json = VV_STR("{}");
    snapshot.metadata = &metadata;
}

/* Records behind the header; of one column a blank line is one. */
static int64_t records_count(struct vv_str text, size_t columns, bool *out_stray)
{
    struct vv_csv_scan scan;
    struct vv_csv_record record = {0};
    int64_t records = -1;
    *out_stray = false;
    vv_csv_scan_init(&scan);
    for (bool is_over = false; !is_over;) {
        is_over = !vv_csv_scan_next(&scan, &text, &record);
        if (is_over && !vv_csv_scan_end(&scan, &record))
            break;
        *out_stray = *out_stray || vv_csv_is_stray(&record);
        records += records < 0 || record.fields > 0 || columns == 1;
    }
    return records;
}

static int input_of(struct vv_str text, struct vv_input *out)
{
    int fd = memfd_create("rows", MFD_CLOEXEC);
    VV_PRE(fd >= 0 && pwrite(fd, text.ptr, text.len, 0) == (ssize_t)text.len);
    *out = (struct vv_input){.format = VV_INPUT_CSV, .fd = fd};
    return fd;
}

/* All values in one text, those of faults behind the others; *out_rows of them. */
static struct vv_str values_of(struct vv_op *op, const struct vv_work *work, size_t columns,
    bool has_faults, int64_t *out_rows)
{
    VV_CLEANUP(vv_buf_done) struct vv_buf sql = VV_BUF_INIT(VV_BUF_MAX);
    VV_CLEANUP(vv_rows_close) struct vv_rows *rows = NULL;
    bool has_row = false;
    vv_buf_adds(&sql, "SELECT count(*), coalesce(string_agg(concat(''");
    for (size_t i = 0; i < columns; i++)
        vv_buf_addf(&sql, ", coalesce('<' || r%zu || '>', 'null')", i);
    if (has_faults)
        vv_buf_adds(&sql, ", \"" VV_NDJSON_FAULT_VALUE "\", \"" VV_NDJSON_FAULT_RULE "\"");
    vv_buf_adds(&sql, "), ';'), '') FROM ");
    if (work->is_small)
        vv_buf_add(&sql, vv_rowset_sql(work->input));
    else
        vv_buf_adds(&sql, "temp.batch_input_0");
    varve_status status = vv_session_query(op, work->session, vv_buf_str(&sql), &rows);
    VV_PRE(status == VARVE_OK);
    status = vv_rows_next(op, rows, &has_row);
    VV_PRE(status == VARVE_OK && has_row);
    *out_rows = vv_rows_int64(rows, 0);
    return vv_arena_str(&op->arena, vv_rows_text(rows, 1));
}

/* False: refused. `inputs_len` 2: the second one has no rows, and makes the first no small one. */
static bool load(struct vv_op *op, struct vv_str text, size_t inputs_len,
    struct vv_str *out_values, int64_t *out_rows)
{
    struct fuzz_engine *fuzz = fuzz_engine();
    VV_CLEANUP(vv_work_close) struct vv_work *work = NULL;
    VV_CLEANUP(vv_batch_source_close) struct vv_batch_source *source = NULL;
    const struct vv_table table = {.name = VV_STR("t"), .snapshot = &snapshot};
    const struct vv_batch_options options = {.dedupe = false};
    struct vv_str *names = NULL;
    size_t columns = 0;
    struct vv_input inputs[2];
    varve_status status = vv_work_open(op, fuzz->engine, &work);
    VV_PRE(status == VARVE_OK);
    int first = input_of(text, &inputs[0]);
    int second = input_of(VV_STR("a\n"), &inputs[1]);
    status = vv_batch_load(op, work, &table, inputs, inputs_len, &options, &source);
    close(first);
    close(second);
    if (status != VARVE_OK) {
        VV_PRE(status == VARVE_EINVALID && op->error.message[0] != '\0');
        vv_forgive(op);
        return false;
    }
    status = vv_csv_header(op, &op->arena, text, true, &names, &columns);
    VV_PRE(status == VARVE_OK);
    bool has_faults = vv_batch_inputs(source, &inputs_len)[0].has_faults;
    bool is_stray = false;
    int64_t records = records_count(text, columns, &is_stray);
    *out_values = values_of(op, work, columns, has_faults, out_rows);
    VV_PRE(is_stray ? has_faults : *out_rows == records);
    return true;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    VV_CLEANUP(vv_op_done) struct vv_op op;
    struct vv_str text = {(const char *)data, size};
    struct vv_str small = VV_STR_NONE;
    struct vv_str large = VV_STR_NONE;
    int64_t rows = 0;
    struct fuzz_engine *fuzz = fuzz_engine();
    if (snapshot.metadata == NULL)
        make_table(fuzz);
    vv_op_init(&op, NULL, (size_t)1 << 30);
    bool is_taken = load(&op, text, 1, &small, &rows);
    VV_PRE(load(&op, text, 2, &large, &rows) == is_taken);
    VV_PRE(vv_str_eq(small, large));
    return 0;
}
