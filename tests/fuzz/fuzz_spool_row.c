/*
 * A schema and rows of it, as the spool has them: two bytes say how long the schema is, behind it
 * the rows, each behind two bytes with its length. Whatever they hold, they are read or told to be
 * corrupt, by both ways of reading a row alike, and what was read is an array that may be used.
 */
#include "fuzz.h"

#include "ingest/spool_row.h"

static bool take(struct vv_str *from, struct vv_str *out)
{
    if (from->len < 2)
        return false;
    size_t len = (unsigned char)from->ptr[0] | (size_t)(unsigned char)from->ptr[1] << 8;
    *from = vv_str_skip(*from, 2);
    *out = vv_str_first(*from, len);
    *from = vv_str_skip(*from, len);
    return true;
}

static void check_stream(struct vv_op *op, struct vv_row_batch **batch, int64_t rows)
{
    struct ArrowArrayStream stream;
    struct ArrowSchema schema;
    struct ArrowArray array;
    struct vv_arrow_type type;
    vv_row_batch_stream(batch, &stream);
    VV_PRE(stream.get_schema(&stream, &schema) == 0);
    if (vv_arrow_type_read(op, &schema, &type) != VARVE_OK) {
        vv_forgive(op); /* a column may be called as the arrival is */
    } else if (stream.get_next(&stream, &array) == 0 && array.release != NULL) {
        VV_PRE(array.length == rows);
        if (vv_arrow_check(op, &type, &array) != VARVE_OK)
            vv_forgive(op); /* texts are not looked into */
        array.release(&array);
    }
    schema.release(&schema);
    stream.release(&stream);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    VV_CLEANUP(vv_op_done) struct vv_op op;
    VV_CLEANUP(vv_row_batch_free) struct vv_row_batch *batch = NULL;
    VV_CLEANUP(vv_buf_done) struct vv_buf json = VV_BUF_INIT((size_t)1 << 26);
    struct vv_str rest = {(const char *)data, size};
    struct vv_str payload;
    struct vv_str row;
    struct vv_row_schema schema;
    int64_t rows = 0;

    vv_op_init(&op, NULL, (size_t)1 << 30);
    if (!take(&rest, &payload))
        return 0;
    varve_status status = vv_row_schema_read(&op, payload, &schema);
    if (status != VARVE_OK) {
        VV_PRE(status == VARVE_ECORRUPT || status == VARVE_ELIMIT);
        return 0;
    }
    status = vv_row_batch_new(&op, payload, "varve row arrival", &batch);
    VV_PRE(status == VARVE_OK);
    while (take(&rest, &row)) {
        vv_buf_clear(&json);
        varve_status as_text = vv_row_json(&op, &schema, row, &json);
        if (as_text != VARVE_OK)
            vv_forgive(&op);
        status = vv_row_batch_add(&op, batch, row, rows);
        /* A map with a NULL key is a row; as text it is none. */
        VV_PRE(status == VARVE_OK || as_text != VARVE_OK);
        if (status != VARVE_OK)
            return 0;
        rows++;
    }
    check_stream(&op, &batch, rows);
    return 0;
}
