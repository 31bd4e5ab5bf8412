/*
 * The bytes of a deletion vector: whatever is believed must come back from its own bytes, and be
 * what it says of itself.
 */
#include "fuzz.h"

#include "delta/row_set.h"
#include "delta/z85.h"

#define WALK_ROWS 70000

/* Rows in sequence and one by one are the same rows. */
static int64_t count_rows(const struct vv_row_set *set, int64_t first)
{
    static int64_t rows[WALK_ROWS];
    static bool found[WALK_ROWS];
    int64_t count = 0;
    for (int64_t i = 0; i < WALK_ROWS; i++)
        rows[i] = first + i;
    vv_row_set_find(set, rows, WALK_ROWS, found);
    for (size_t i = 0; i < WALK_ROWS; i++) {
        bool again = false;
        vv_row_set_find(set, &rows[i], 1, &again);
        VV_PRE(again == found[i]);
        count += found[i];
    }
    return count;
}

static void check_set(struct vv_op *op, struct vv_row_set *set)
{
    VV_CLEANUP(vv_buf_done) struct vv_buf bytes = VV_BUF_INIT(VV_BUF_MAX);
    VV_CLEANUP(vv_row_set_free) struct vv_row_set *back = NULL;
    VV_CLEANUP(vv_row_set_free) struct vv_row_set *both = vv_row_set_new();
    int64_t len = vv_row_set_len(set);
    int64_t greatest = vv_row_set_greatest(set);
    VV_PRE((len == 0) == (greatest < 0));
    VV_PRE(len <= greatest + 1);
    VV_PRE(count_rows(set, 0) <= len);
    if (greatest >= 0 && greatest < INT64_MAX - WALK_ROWS)
        VV_PRE(count_rows(set, greatest) == 1);
    vv_row_set_write(set, &bytes);
    varve_status status = vv_row_set_read(op, vv_buf_str(&bytes), &back);
    VV_PRE(status == VARVE_OK);
    VV_PRE(vv_row_set_len(back) == len && vv_row_set_greatest(back) == greatest);
    VV_PRE(vv_row_set_overlaps(set, back) == (len > 0));
    VV_PRE(both != NULL && vv_row_set_unite(both, set) && vv_row_set_unite(both, back));
    VV_PRE(vv_row_set_len(both) == len);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    VV_CLEANUP(vv_op_done) struct vv_op op;
    VV_CLEANUP(vv_row_set_free) struct vv_row_set *set = NULL;
    VV_CLEANUP(vv_buf_done) struct vv_buf raw = VV_BUF_INIT(VV_BUF_MAX);
    struct vv_str bytes = {(const char *)data, size};

    vv_op_init(&op, NULL, (size_t)1 << 30);
    if (vv_z85_decode(bytes, &raw)) {
        VV_CLEANUP(vv_buf_done) struct vv_buf text = VV_BUF_INIT(VV_BUF_MAX);
        vv_z85_encode(vv_buf_str(&raw), &text);
        VV_PRE(vv_str_eq(vv_buf_str(&text), bytes));
        bytes = vv_buf_str(&raw);
    }
    if (vv_row_set_read(&op, bytes, &set) != VARVE_OK) {
        VV_PRE(op.error.code == VARVE_ECORRUPT);
        vv_forgive(&op);
        return 0;
    }
    check_set(&op, set);
    return 0;
}
