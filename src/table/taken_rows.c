#include "table/taken_rows.h"

#include "base/seam.h"

#define BLOCK_ROWS 4096

/* Rows of one file on their way into its set. */
struct block {
    size_t file;
    int64_t rows[BLOCK_ROWS];
    size_t len;
};

void vv_taken_rows_done(struct vv_taken_rows *taken)
{
    for (size_t i = 0; i < taken->len; i++)
        vv_row_set_free(&taken->files[i]);
    vv_free(taken->files);
    *taken = (struct vv_taken_rows){.files = NULL};
}

static varve_status flush(struct vv_op *op, struct vv_taken_rows *taken, struct block *block)
{
    struct vv_row_set **set = &taken->files[block->file];
    if (block->len == 0)
        return VARVE_OK;
    if (*set == NULL)
        *set = vv_row_set_new();
    if (*set == NULL || !vv_row_set_add(*set, block->rows, block->len))
        return vv_fail_memory(op);
    block->len = 0;
    return VARVE_OK;
}

static varve_status read_rows(struct vv_op *op, struct vv_rows *rows,
    struct vv_taken_rows *taken)
{
    struct block block = {.len = 0};
    for (;;) {
        bool has_row = false;
        VV_TRY(vv_rows_next(op, rows, &has_row));
        if (!has_row)
            return flush(op, taken, &block);
        int64_t file = vv_rows_int64(rows, 0);
        VV_PRE(file >= 0 && (size_t)file < taken->len);
        if ((size_t)file != block.file || block.len == BLOCK_ROWS)
            VV_TRY(flush(op, taken, &block));
        block.file = (size_t)file;
        block.rows[block.len++] = vv_rows_int64(rows, 1);
    }
}

varve_status vv_taken_rows_read(struct vv_op *op, struct vv_session *session, struct vv_str sql,
    size_t files_len, struct vv_taken_rows *out)
{
    VV_CLEANUP(vv_taken_rows_done) struct vv_taken_rows taken = {.files = NULL};
    VV_CLEANUP(vv_rows_close) struct vv_rows *rows = NULL;
    const struct vv_query query = {.sql = sql, .is_streamed = true};
    taken.files = vv_malloc_zeroed((files_len + 1) * sizeof(struct vv_row_set *));
    if (taken.files == NULL)
        return vv_fail_memory(op);
    taken.len = files_len;
    VV_TRY(vv_session_rows(op, session, &query, &rows));
    VV_TRY(read_rows(op, rows, &taken));
    *out = taken;
    taken = (struct vv_taken_rows){.files = NULL};
    return VARVE_OK;
}
