/*
 * Lines of NDJSON on their way into a table: whatever they hold, they are read or told to be
 * broken, and each line that is not blank is a row.
 */
#include "fuzz.h"

#include <sys/mman.h>
#include <unistd.h>

#include "table/batch/batch.h"

static struct vv_engine *engine;
static struct vv_work *work;
static struct vv_op lasting;
static struct vv_metadata metadata;
static struct vv_snapshot snapshot;

static void make_table(void)
{
    const struct vv_str schema =
        VV_STR("k long, s string, b boolean, n struct<a: int, l: array<double>, m: map<string, "
               "struct<x: date>>>");
    vv_op_init(&lasting, NULL, (size_t)1 << 30);
    const struct vv_engine_options options = {.threads = 1};
    varve_status status = vv_engine_open(&lasting, &options, &engine);
    VV_PRE(status == VARVE_OK);
    status = vv_work_open(&lasting, engine, &work);
    VV_PRE(status == VARVE_OK);
    status = vv_schema_parse_ddl(&lasting, &lasting.arena, schema, &snapshot.schema);
    VV_PRE(status == VARVE_OK);
    metadata.schema_json = VV_STR("{}");
    snapshot.metadata = &metadata;
}

static int64_t lines_count(struct vv_str text)
{
    int64_t lines = 0;
    struct vv_str line;
    if (vv_str_starts(text, VV_STR("\xEF\xBB\xBF")))
        text = vv_str_skip(text, 3);
    while (vv_str_split(&text, '\n', &line))
        lines += vv_str_trim(line).len > 0;
    return lines;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (engine == NULL)
        make_table();
    VV_CLEANUP(vv_op_done) struct vv_op op;
    VV_CLEANUP(vv_batch_source_close) struct vv_batch_source *source = NULL;
    const struct vv_table table = {.name = VV_STR("t"), .snapshot = &snapshot};
    const struct vv_batch_options options = {.dedupe = false};
    const struct vv_str text = {(const char *)data, size};

    int fd = memfd_create("lines", MFD_CLOEXEC);
    VV_PRE(fd >= 0 && pwrite(fd, data, size, 0) == (ssize_t)size);
    const struct vv_input input = {.format = VV_INPUT_NDJSON, .fd = fd};
    vv_op_init(&op, NULL, (size_t)1 << 30);
    varve_status status = vv_batch_load(&op, work, &table, &input, 1, &options, &source);
    close(fd);
    if (status != VARVE_OK) {
        VV_PRE(status == VARVE_EINVALID);
        return 0;
    }
    int64_t rows = vv_rowset_rows(work->input);
    if (!work->is_small)
        status = vv_session_int64(&op, work->session,
            VV_STR("SELECT count(*) FROM temp.batch_input_0"), &rows);
    VV_PRE(status == VARVE_OK && rows == lines_count(text));
    return 0;
}
