/*
 * Times that are finer than the engine reads: the input is a Parquet file, of which each such column
 * is looked through: its values are told, or that they can't be, or that it is damaged.
 */
#include "fuzz.h"

#include "base/op.h"
#include "engine/parquet_digits.h"

static varve_status read_bytes(struct vv_op *op, void *data, int64_t offset, char *out,
    size_t len, size_t *out_len)
{
    const struct vv_str *bytes = data;
    (void)op;
    VV_PRE(offset >= 0);
    size_t left = (uint64_t)offset < bytes->len ? bytes->len - (size_t)offset : 0;
    *out_len = len < left ? len : left;
    if (*out_len > 0)
        memcpy(out, bytes->ptr + offset, *out_len);
    return VARVE_OK;
}

static varve_status take(struct vv_op *op, void *data, const struct vv_pq_fine *fine)
{
    int64_t *last_row = data;
    (void)op;
    VV_PRE(fine->ns >= 1 && fine->ns <= 999 && fine->row >= *last_row);
    *last_row = fine->row;
    return VARVE_OK;
}

static void allow(struct vv_op *op, varve_status status)
{
    if (status == VARVE_OK)
        return;
    VV_PRE(status == VARVE_ECORRUPT || status == VARVE_EUNSUPPORTED || status == VARVE_ELIMIT);
    vv_forgive(op);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    VV_CLEANUP(vv_op_done) struct vv_op op;
    struct vv_str bytes = {(const char *)data, size};
    const struct vv_pq_bytes from = {&bytes, (int64_t)size, read_bytes};
    struct vv_pq_file file = {0};
    vv_op_init(&op, NULL, (size_t)256 << 20);
    varve_status status = vv_pq_read_footer(&op, &from, &op.arena, &file);
    for (uint32_t leaf = 0; status == VARVE_OK && leaf < file.leaves_len; leaf++) {
        int64_t last_row = -1;
        const struct vv_pq_fine_taker to = {&last_row, take};
        if (vv_pq_is_cut(file.leaves[leaf]))
            allow(&op, vv_pq_find_fine(&op, &from, &file, leaf, &to));
    }
    allow(&op, status);
    return 0;
}
