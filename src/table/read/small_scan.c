#include "table/read/small_scan.h"

#include "delta/stats.h"
#include "engine/small_files.h"

static varve_status read_file(struct vv_op *op, const void *object, struct vv_str key,
    struct vv_arena *arena, struct vv_str *out)
{
    struct vv_store *const *store = object;
    return vv_store_get(op, *store, arena, key, out);
}

/* False: a type that only the engine reads. */
static bool type_of(const struct vv_type *type, enum vv_small_type *out)
{
    static const struct {
        enum vv_type_kind kind;
        enum vv_small_type type;
    } types[] = {{VV_TYPE_STRING, VV_SMALL_VARCHAR}, {VV_TYPE_LONG, VV_SMALL_BIGINT},
        {VV_TYPE_INTEGER, VV_SMALL_INTEGER}, {VV_TYPE_SHORT, VV_SMALL_SMALLINT},
        {VV_TYPE_BYTE, VV_SMALL_TINYINT}, {VV_TYPE_FLOAT, VV_SMALL_FLOAT},
        {VV_TYPE_DOUBLE, VV_SMALL_DOUBLE}, {VV_TYPE_BOOLEAN, VV_SMALL_BOOLEAN},
        {VV_TYPE_DATE, VV_SMALL_DATE}, {VV_TYPE_TIMESTAMP, VV_SMALL_TIMESTAMPTZ},
        {VV_TYPE_TIMESTAMP_NTZ, VV_SMALL_TIMESTAMP}, {VV_TYPE_DECIMAL, VV_SMALL_DECIMAL}};
    for (size_t i = 0; i < VV_COUNT(types); i++)
        if (types[i].kind == type->kind) {
            *out = types[i].type;
            return true;
        }
    return false;
}

bool vv_small_scan_is_candidate(const struct vv_file *file)
{
    return !file->absolute && file->bytes <= VV_SMALL_SCAN_BYTES_MAX;
}

/* False: it is of a type that only the engine reads. */
static varve_status put_column(struct vv_op *op, const struct vv_snapshot *snapshot,
    int32_t index, struct vv_small_column *out, bool *out_is_known)
{
    const struct vv_field *field = &snapshot->schema.fields[index];
    *out_is_known = type_of(&field->type, &out->type);
    if (!*out_is_known)
        return VARVE_OK;
    out->precision = field->type.precision;
    out->scale = field->type.scale;
    out->field_id = snapshot->mapping == VV_MAPPING_ID ? field->field_id : 0;
    out->physical_name = field->physical_name;
    out->name = vv_arena_format(&op->arena, "c%" PRId32, index);
    return out->name.ptr != NULL ? VARVE_OK : vv_fail_memory(op);
}

static size_t columns_len_max(const struct vv_scan_source *source)
{
    return source->columns != NULL ? source->columns_len : source->snapshot->schema.fields_len;
}

/* Of the columns of a source those that are partition columns, or those that are not. */
static varve_status find_columns(struct vv_op *op, const struct vv_scan_source *source,
    bool are_partitions, struct vv_small_column *out, int32_t *out_indexes, size_t *out_len)
{
    const struct vv_snapshot *snapshot = source->snapshot;
    size_t len = columns_len_max(source);
    size_t columns_len = 0;
    bool is_known = false;
    *out_len = 0;
    for (size_t i = 0; i < len; i++) {
        int32_t index = source->columns != NULL ? source->columns[i] : (int32_t)i;
        if (vv_snapshot_is_partition(snapshot, index) != are_partitions ||
            snapshot->schema.fields[index].type.kind == VV_TYPE_VOID)
            continue;
        VV_TRY(put_column(op, snapshot, index, &out[columns_len], &is_known));
        if (!is_known)
            return VARVE_OK;
        out_indexes[columns_len++] = index;
    }
    *out_len = columns_len;
    return VARVE_OK;
}

varve_status vv_small_scan_partitions(struct vv_op *op, const struct vv_scan_source *source,
    struct vv_small_column **out, int32_t **out_indexes, size_t *out_len)
{
    VV_NEW(op, out, struct vv_small_column, columns_len_max(source) + 1);
    VV_NEW(op, out_indexes, int32_t, columns_len_max(source) + 1);
    return find_columns(op, source, true, *out, *out_indexes, out_len);
}

varve_status vv_small_scan_columns(struct vv_op *op, const struct vv_scan_source *source,
    struct vv_small_column **out, size_t *out_len)
{
    int32_t *indexes = NULL;
    VV_NEW(op, out, struct vv_small_column, columns_len_max(source) + 1);
    VV_NEW(op, &indexes, int32_t, columns_len_max(source) + 1);
    return find_columns(op, source, false, *out, indexes, out_len);
}

static varve_status take_files(struct vv_op *op, const struct vv_scan_source *source,
    struct vv_small_files *files, bool *is_small)
{
    for (size_t i = 0; i < source->files_len; i++) {
        const struct vv_file *file = source->files[i];
        VV_TRY(vv_check_cancel(op));
        if (vv_small_scan_is_candidate(file))
            VV_TRY(vv_small_files_add(op, files, file->key,
                vv_pairs_get(&file->tags, VV_STR(VV_TAG_SHA256)), i, &is_small[i]));
    }
    return VARVE_OK;
}

static varve_status take_ahead(struct vv_op *op, const struct vv_scan_source *source,
    struct vv_small_files *files, size_t threads, bool *is_small)
{
    struct vv_small_wanted *wanted = NULL;
    size_t len = 0;
    VV_NEW(op, &wanted, struct vv_small_wanted, source->files_len);
    for (size_t i = 0; i < source->files_len; i++) {
        const struct vv_file *file = source->files[i];
        if (vv_small_scan_is_candidate(file))
            wanted[len++] = (struct vv_small_wanted){.key = file->key,
                .sha256 = vv_pairs_get(&file->tags, VV_STR(VV_TAG_SHA256)),
                .index = i};
    }
    VV_TRY(vv_small_files_add_ahead(op, files, wanted, len, threads));
    for (size_t i = 0; i < len; i++)
        is_small[wanted[i].index] = wanted[i].is_taken;
    return VARVE_OK;
}

/* `threads` 0: nothing is decoded ahead. */
static varve_status scan_open(struct vv_op *op, const struct vv_scan_source *source,
    size_t threads, struct vv_small_scan *out)
{
    VV_CLEANUP(vv_small_files_free) struct vv_small_files *files = NULL;
    struct vv_small_column *columns = NULL;
    size_t candidates = 0;
    size_t columns_len = 0;
    bool *is_small = NULL;
    *out = (struct vv_small_scan){.files = NULL};
    for (size_t i = 0; i < source->files_len; i++)
        candidates += vv_small_scan_is_candidate(source->files[i]);
    if (candidates < VV_SMALL_SCAN_FILES_MIN)
        return VARVE_OK;
    VV_TRY(vv_small_scan_columns(op, source, &columns, &columns_len));
    if (columns_len == 0)
        return VARVE_OK;
    struct vv_store **store = NULL;
    VV_NEW(op, &store, struct vv_store *, 1);
    VV_NEW(op, &is_small, bool, source->files_len);
    *store = source->store;
    const struct vv_small_source bytes = {(*store)->location, store, read_file};
    VV_TRY(vv_small_files_new(op, &bytes, columns, columns_len, &files));
    VV_TRY(threads > 0 ? take_ahead(op, source, files, threads, is_small)
                       : take_files(op, source, files, is_small));
    size_t len = vv_small_files_len(files);
    if (len < VV_SMALL_SCAN_FILES_MIN)
        return VARVE_OK;
    struct vv_small_scan scan = {
        .files = files, .len = len, .function = VV_SMALL_FILES_FUNCTION, .is_small = is_small};
    VV_TRY(vv_small_files_lend(op, source->engine, VV_MOVE(files), &scan.id));
    *out = scan;
    return VARVE_OK;
}

varve_status vv_small_scan_open(struct vv_op *op, const struct vv_scan_source *source,
    struct vv_small_scan *out)
{
    return scan_open(op, source, 0, out);
}

varve_status vv_small_scan_open_ahead(struct vv_op *op, const struct vv_scan_source *source,
    size_t threads, struct vv_small_scan *out)
{
    return scan_open(op, source, threads, out);
}

void vv_small_scan_done(struct vv_small_scan *scan)
{
    if (scan->files != NULL)
        vv_small_files_forget(scan->files);
    *scan = (struct vv_small_scan){.files = NULL};
}
