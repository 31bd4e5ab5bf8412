/*
 * CSV as Varve itself reads it: the names in the header, and where records begin.
 */
#include "fuzz.h"

#include "base/buf.h"
#include "table/input/csv.h"

static void add_record(struct vv_buf *out, const struct vv_csv_record *record)
{
    vv_buf_addf(out, "%" PRId64 " %zu %d %" PRId64 "\n", record->line, record->fields,
        (int)record->fault, record->fault_line);
}

/* All records, of a text that comes in pieces. */
static void scan(struct vv_str text, size_t piece_bytes, struct vv_buf *out)
{
    struct vv_csv_scan scan;
    struct vv_csv_record record;
    vv_csv_scan_init(&scan);
    while (text.len > 0) {
        struct vv_str piece = vv_str_first(text, piece_bytes);
        text = vv_str_skip(text, piece.len);
        while (vv_csv_scan_next(&scan, &piece, &record))
            add_record(out, &record);
    }
    if (vv_csv_scan_end(&scan, &record))
        add_record(out, &record);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    VV_CLEANUP(vv_op_done) struct vv_op op;
    VV_CLEANUP(vv_buf_done) struct vv_buf whole = VV_BUF_INIT(VV_BUF_MAX);
    VV_CLEANUP(vv_buf_done) struct vv_buf pieces = VV_BUF_INIT(VV_BUF_MAX);
    struct vv_str text = {(const char *)data, size};
    struct vv_str *names = NULL;
    size_t len = 0;

    scan(text, size, &whole);
    scan(text, size > 0 ? 1 + data[0] % 7 : 1, &pieces);
    VV_PRE(vv_str_eq(vv_buf_str(&whole), vv_buf_str(&pieces)));

    vv_op_init(&op, NULL, (size_t)1 << 30);
    if (vv_csv_header(&op, &op.arena, text, true, &names, &len) != VARVE_OK) {
        VV_PRE(op.error.code == VARVE_EINVALID);
        return 0;
    }
    VV_PRE(len > 0);
    for (size_t index = 0; index < len; index++)
        VV_PRE(names[index].len > 0 && vv_utf8_valid(names[index]));
    return 0;
}
