#include "engine/rowset_parquet.h"

#include "engine/parquet_plain.h"
#include "engine/parquet_vector.h"
#include "engine/rowset_inner.h"

/* Of all files as they are in memory, unpacked; arenas take as much once more. */
#define UNPACKED_BYTES_MAX ((size_t)16 << 20)
#define ARENA_BYTES_MAX ((size_t)64 << 20)

struct filling {
    struct vv_rowset *rowset;
    const struct vv_small_column *columns;
    size_t columns_len;
    duckdb_data_chunk chunk; /* NULL: there is no room in the last one */
    idx_t at;                /* rows in it */
    struct vv_pq_file parquet;
    uint32_t *leaves;             /* one a column */
    struct vv_pq_cursor *cursors; /* likewise */
    size_t unpacked_bytes;
};

static varve_status shape(struct vv_op *op, const struct filling *f)
{
    size_t len = f->columns_len + VV_ROWSET_FIRST;
    VV_CLEANUP(vv_duck_type_done)
    duckdb_logical_type number = duckdb_create_logical_type(DUCKDB_TYPE_BIGINT);
    duckdb_logical_type *types = NULL;
    const char **names = NULL;
    VV_NEW(op, &types, duckdb_logical_type, len);
    VV_NEW(op, &names, const char *, len);
    names[VV_ROWSET_FILE] = "file_index";
    names[VV_ROWSET_POS] = "file_row_number";
    types[VV_ROWSET_FILE] = types[VV_ROWSET_POS] = number;
    for (size_t i = 0; i < f->columns_len; i++) {
        names[VV_ROWSET_FIRST + i] = vv_arena_str(&op->arena, f->columns[i].name).ptr;
        if (names[VV_ROWSET_FIRST + i] == NULL)
            return vv_fail_memory(op);
    }
    for (size_t i = 0; i < f->columns_len; i++)
        types[VV_ROWSET_FIRST + i] = vv_vector_type(&f->columns[i]);
    varve_status status = vv_rowset_shape(op, f->rowset, types, names, len);
    for (size_t i = 0; i < f->columns_len; i++)
        duckdb_destroy_logical_type(&types[VV_ROWSET_FIRST + i]);
    return status;
}

static void chunk_end(struct filling *f)
{
    if (f->chunk != NULL)
        vv_rowset_count_chunk(f->rowset, f->at);
    f->chunk = NULL;
    f->at = 0;
}

static varve_status put_column(struct vv_op *op, struct filling *f, size_t column, size_t len)
{
    duckdb_vector vector = duckdb_data_chunk_get_vector(f->chunk, VV_ROWSET_FIRST + column);
    if (f->leaves[column] == VV_PLAIN_MISSING)
        vv_vector_put_nulls(vector, f->at, len);
    else if (!vv_vector_put(vector, &f->columns[column], &f->cursors[column], f->at, len))
        return vv_fail(op, VARVE_ECORRUPT, "a value is none of its type");
    return VARVE_OK;
}

/* The next rows of a group, as many as there is room for in the chunk. */
static varve_status put_rows(struct vv_op *op, struct filling *f, int64_t file, int64_t pos,
    size_t len)
{
    int64_t *files =
        duckdb_vector_get_data(duckdb_data_chunk_get_vector(f->chunk, VV_ROWSET_FILE));
    int64_t *rows =
        duckdb_vector_get_data(duckdb_data_chunk_get_vector(f->chunk, VV_ROWSET_POS));
    for (size_t i = 0; i < len; i++) {
        files[f->at + i] = file;
        rows[f->at + i] = pos + (int64_t)i;
    }
    for (size_t i = 0; i < f->columns_len; i++)
        VV_TRY(put_column(op, f, i, len));
    f->at += len;
    return VARVE_OK;
}

static varve_status put_group(struct vv_op *op, struct filling *f,
    const struct vv_pq_group *group, int64_t file, int64_t *pos)
{
    for (size_t i = 0; i < f->columns_len; i++) {
        f->cursors[i] = (struct vv_pq_cursor){.entry = 0};
        if (f->leaves[i] != VV_PLAIN_MISSING)
            VV_TRY(vv_pq_read_column(op, &f->parquet, group, f->leaves[i], &op->arena,
                &f->cursors[i].column));
    }
    for (size_t left = (size_t)group->rows; left > 0;) {
        if (f->chunk == NULL)
            VV_TRY(vv_rowset_add_chunk(op, f->rowset, &f->chunk));
        size_t room = (size_t)(duckdb_vector_size() - f->at);
        size_t len = left < room ? left : room;
        VV_TRY(put_rows(op, f, file, *pos, len));
        *pos += (int64_t)len;
        left -= len;
        if (f->at == duckdb_vector_size())
            chunk_end(f);
    }
    return VARVE_OK;
}

static bool is_known(struct filling *f)
{
    for (size_t g = 0; g < f->parquet.groups_len; g++)
        for (size_t i = 0; i < f->columns_len; i++)
            if (f->leaves[i] != VV_PLAIN_MISSING &&
                (!vv_pq_is_known(&f->parquet, &f->parquet.groups[g], f->leaves[i],
                     &f->unpacked_bytes) ||
                    f->unpacked_bytes > UNPACKED_BYTES_MAX))
                return false;
    return true;
}

static varve_status put_file(struct vv_op *op, struct filling *f, struct vv_str bytes,
    int64_t file)
{
    int64_t pos = 0;
    VV_TRY(vv_pq_open(op, bytes, &op->arena, &f->parquet));
    if (!vv_plain_find(&f->parquet, f->columns, f->columns_len, f->leaves) || !is_known(f))
        return vv_fail(op, VARVE_EUNSUPPORTED, "a file of another form");
    for (size_t g = 0; g < f->parquet.groups_len; g++)
        VV_TRY(put_group(op, f, &f->parquet.groups[g], file, &pos));
    return VARVE_OK;
}

static varve_status put_files(struct vv_op *op, struct filling *f, const struct vv_str *bytes,
    size_t bytes_len)
{
    VV_NEW(op, &f->leaves, uint32_t, f->columns_len + 1);
    VV_NEW(op, &f->cursors, struct vv_pq_cursor, f->columns_len + 1);
    for (size_t i = 0; i < bytes_len; i++)
        VV_TRY(put_file(op, f, bytes[i], (int64_t)i));
    chunk_end(f);
    return VARVE_OK;
}

varve_status vv_rowset_fill_parquet(struct vv_op *op, struct vv_rowset *rowset,
    const struct vv_small_column *columns, size_t columns_len, const struct vv_str *bytes,
    size_t bytes_len, bool *out_is_taken)
{
    struct filling f = {.rowset = rowset, .columns = columns, .columns_len = columns_len};
    VV_CLEANUP(vv_op_done) struct vv_op own;
    vv_op_init(&own, op->env, ARENA_BYTES_MAX);
    VV_TRY(shape(op, &f));
    *out_is_taken = put_files(&own, &f, bytes, bytes_len) == VARVE_OK;
    if (!*out_is_taken) {
        vv_forgive(&own);
        vv_rowset_clear(rowset);
    }
    return VARVE_OK;
}
