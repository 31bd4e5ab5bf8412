#include "engine/parquet_plain.h"

#include "base/hash.h"
#include "engine/parquet_column.h"

#define DECIMAL_BYTES_MAX 16

/* Text that differs in the case of letters alone: the engine takes one for the other. */
static bool is_alike(struct vv_str a, struct vv_str b)
{
    return !vv_str_eq(a, b) && vv_str_eq_nocase(a, b);
}

/* How a column of each type lies in a file; a bare integer may say that it is one. */
static const struct form {
    enum vv_pq_type type;
    enum vv_pq_meaning meaning, other_meaning;
} forms[] = {
    [VV_SMALL_BOOLEAN] = {VV_PQ_BOOLEAN, VV_PQ_BARE, VV_PQ_BARE},
    [VV_SMALL_TINYINT] = {VV_PQ_INT32, VV_PQ_INT_8, VV_PQ_INT_8},
    [VV_SMALL_SMALLINT] = {VV_PQ_INT32, VV_PQ_INT_16, VV_PQ_INT_16},
    [VV_SMALL_INTEGER] = {VV_PQ_INT32, VV_PQ_BARE, VV_PQ_INT_32},
    [VV_SMALL_BIGINT] = {VV_PQ_INT64, VV_PQ_BARE, VV_PQ_INT_64},
    [VV_SMALL_FLOAT] = {VV_PQ_FLOAT, VV_PQ_BARE, VV_PQ_BARE},
    [VV_SMALL_DOUBLE] = {VV_PQ_DOUBLE, VV_PQ_BARE, VV_PQ_BARE},
    [VV_SMALL_VARCHAR] = {VV_PQ_BYTES, VV_PQ_TEXT, VV_PQ_TEXT},
    [VV_SMALL_DATE] = {VV_PQ_INT32, VV_PQ_DATE, VV_PQ_DATE},
    [VV_SMALL_TIMESTAMP] = {VV_PQ_INT64, VV_PQ_MICROS, VV_PQ_MICROS},
    [VV_SMALL_TIMESTAMPTZ] = {VV_PQ_INT64, VV_PQ_MICROS, VV_PQ_MICROS},
};

static bool is_decimal(const struct vv_pq_node *node, const struct vv_small_column *column)
{
    bool is_stored = node->type == VV_PQ_INT32 || node->type == VV_PQ_INT64 ||
                     (node->type == VV_PQ_FIXED_BYTES && node->fixed_bytes > 0 &&
                         node->fixed_bytes <= DECIMAL_BYTES_MAX);
    return is_stored && node->meaning == VV_PQ_DECIMAL &&
           node->precision == column->precision && node->scale == column->scale;
}

static bool is_plain(const struct vv_pq_node *node, const struct vv_small_column *column)
{
    if (node->type == VV_PQ_GROUP || node->repetition > VV_PQ_OPTIONAL)
        return false;
    if (column->type == VV_SMALL_DECIMAL)
        return is_decimal(node, column);
    const struct form *form = &forms[column->type];
    return node->type == form->type &&
           (node->meaning == form->meaning || node->meaning == form->other_meaning);
}

static bool find_one(const struct vv_pq_file *file, const struct vv_small_column *column,
    uint32_t *out)
{
    const struct vv_pq_node *found = NULL;
    const struct vv_pq_node *end = file->nodes + file->nodes_len;
    for (const struct vv_pq_node *node = file->nodes + 1; node < end;
         node = vv_pq_behind(file, node)) {
        bool by_id = column->field_id != 0;
        if (by_id && !node->has_field_id)
            return false;
        if (!by_id && is_alike(node->name, column->physical_name))
            return false;
        if (by_id ? node->field_id != column->field_id
                  : !vv_str_eq(node->name, column->physical_name))
            continue;
        if (found != NULL)
            return false;
        found = node;
    }
    *out = found != NULL ? found->leaf : VV_PLAIN_MISSING;
    return found == NULL || is_plain(found, column);
}

bool vv_plain_find(const struct vv_pq_file *file, const struct vv_small_column *columns,
    size_t columns_len, uint32_t *out_leaves)
{
    for (size_t i = 0; i < columns_len; i++)
        if (!find_one(file, &columns[i], &out_leaves[i]))
            return false;
    return true;
}

static varve_status check_hash(struct vv_op *op, struct vv_str bytes, struct vv_str sha256,
    bool *out_is_other)
{
    char found[VV_SHA256_HEX_BYTES];
    if (sha256.len == 0)
        return VARVE_OK;
    VV_TRY(vv_sha256(op, bytes, found));
    *out_is_other = !vv_str_eq(sha256, vv_str_of(found));
    if (!*out_is_other)
        return VARVE_OK;
    return vv_fail(op, VARVE_ECORRUPT,
        "the file is not as it was written: its SHA-256 is %s, and %.*s is on record", found,
        VV_ARG(sha256));
}

const struct vv_small_column *vv_plain_copy_columns(struct vv_arena *arena,
    const struct vv_small_column *columns, size_t columns_len)
{
    struct vv_small_column *copies = vv_new(arena, struct vv_small_column, columns_len + 1);
    for (size_t i = 0; copies != NULL && i < columns_len; i++) {
        copies[i] = columns[i];
        copies[i].name = vv_arena_str(arena, columns[i].name);
        copies[i].physical_name = vv_arena_str(arena, columns[i].physical_name);
        if (copies[i].name.ptr == NULL || copies[i].physical_name.ptr == NULL)
            return NULL;
    }
    return copies;
}

varve_status vv_plain_open(struct vv_op *op, struct vv_str bytes, struct vv_str sha256,
    const struct vv_small_column *columns, size_t columns_len, struct vv_arena *arena,
    struct vv_plain_file *out)
{
    *out = (struct vv_plain_file){.is_other = false};
    out->leaves = vv_new(arena, uint32_t, columns_len + 1);
    if (out->leaves == NULL)
        return vv_fail_memory(op);
    VV_TRY(check_hash(op, bytes, sha256, &out->is_other));
    VV_TRY(vv_pq_open(op, bytes, arena, &out->parquet));
    if (!vv_plain_find(&out->parquet, columns, columns_len, out->leaves))
        return vv_fail(op, VARVE_ECORRUPT, "it has other columns than it had");
    return VARVE_OK;
}

bool vv_plain_fits(const struct vv_plain_file *file, size_t columns_len, size_t bytes_max)
{
    size_t bytes = 0;
    for (size_t g = 0; g < file->parquet.groups_len; g++)
        for (size_t i = 0; i < columns_len; i++)
            if (file->leaves[i] != VV_PLAIN_MISSING &&
                (!vv_pq_is_known(&file->parquet, &file->parquet.groups[g], file->leaves[i],
                     &bytes) ||
                    bytes > bytes_max))
                return false;
    return true;
}
