#include "table/read/held_scan.h"

#include "delta/stats.h"
#include "engine/held_files.h"
#include "store/source.h"
#include "table/file_keys.h"

/*
 * A statement that reads no more is held from its first run on: to decode all of it takes a little
 * longer than the engine needs, which would have to be done again by the second. One that the
 * engine would not read to its end (LIMIT, one key) pays for the rest, which bounds what is little.
 */
#define AT_ONCE_BYTES_MAX ((int64_t)4 << 20)

/* When a statement runs the table may be closed, so this goes by the path alone. */
static varve_status read_file(struct vv_op *op, struct vv_str path, struct vv_arena *arena,
    struct vv_str *out)
{
    VV_CLEANUP(vv_source_close) struct vv_source file = VV_SOURCE_NONE;
    size_t len = 0;
    VV_TRY(vv_source_open(op, path, -1, path, &file));
    if (!vv_source_is_direct(op, path)) /* as with a table that lies elsewhere, below */
        return vv_fail(op, VARVE_EIO, "it lies behind a symbolic link");
    if (file.bytes > VV_HELD_FILE_BYTES_MAX)
        return vv_fail(op, VARVE_ECORRUPT, "it is longer than it was");
    char *bytes = vv_new(arena, char, (size_t)file.bytes + 1);
    if (bytes == NULL)
        return vv_fail_memory(op);
    while (len < (size_t)file.bytes) {
        size_t got = 0;
        VV_TRY(vv_source_read(op, &file, (int64_t)len, bytes + len, (size_t)file.bytes - len,
            &got));
        if (got == 0)
            return vv_fail(op, VARVE_EIO, "it became shorter while it was read");
        len += got;
    }
    *out = (struct vv_str){bytes, len};
    return VARVE_OK;
}

static bool is_candidate(const struct vv_file *file)
{
    return !file->absolute && file->bytes <= VV_HELD_FILE_BYTES_MAX;
}

/* The partition columns of a source, whose values the files themselves do not have. */
struct partitions {
    struct vv_small_column *columns;
    int32_t *indexes; /* in the schema */
    struct vv_held_constant *constants;
    size_t len;          /* 0: none, or of a type whose values can't be given */
    bool is_one_of_many; /* each file, of small ones */
    bool is_little;      /* all that the statement reads */
};

/* Behind the columns that lie in the files. */
static varve_status find_partitions(struct vv_op *op, const struct vv_scan_source *source,
    struct vv_small_column **columns, size_t columns_len, struct partitions *out)
{
    struct vv_small_column *all = NULL;
    VV_TRY(vv_small_scan_partitions(op, source, &out->columns, &out->indexes, &out->len));
    VV_NEW(op, &out->constants, struct vv_held_constant, out->len + 1);
    VV_NEW(op, &all, struct vv_small_column, columns_len + out->len + 1);
    for (size_t i = 0; i < out->len; i++) {
        enum vv_small_type type = out->columns[i].type;
        if (type == VV_SMALL_FLOAT || type == VV_SMALL_DOUBLE || type == VV_SMALL_DECIMAL) {
            out->len = 0;
            return VARVE_OK;
        }
        all[columns_len + i] = out->columns[i];
    }
    memcpy(all, *columns, columns_len * sizeof(*all));
    *columns = all;
    return VARVE_OK;
}

static varve_status put_constants(struct vv_op *op, const struct vv_scan_source *source,
    const struct vv_file *file, const struct partitions *partitions)
{
    for (size_t i = 0; i < partitions->len; i++) {
        struct vv_value value;
        const struct vv_field *field = &source->snapshot->schema.fields[partitions->indexes[i]];
        VV_TRY(vv_scan_partition_value(op, file, field, &value));
        if (value.kind == VV_VALUE_TEXT && !vv_utf8_valid(value.text))
            return vv_fail(op, VARVE_ECORRUPT,
                "a partition value of column %.*s is no UTF-8 text (file %.*s)",
                VV_ARG(field->name), VV_ARG(file->path));
        partitions->constants[i] =
            (struct vv_held_constant){.is_null = value.kind == VV_VALUE_NULL,
                .number = value.integer,
                .text = value.kind == VV_VALUE_TEXT ? value.text : VV_STR_NONE};
    }
    return VARVE_OK;
}

static varve_status add(struct vv_op *op, const struct vv_scan_source *source, size_t at,
    const struct partitions *partitions, struct vv_held_files *files, bool *out_is_taken)
{
    const struct vv_file *file = source->files[at];
    struct vv_held_file held = {.bytes = file->bytes,
        .index = at,
        .sha256 = vv_pairs_get(&file->tags, VV_STR(VV_TAG_SHA256)),
        .at_once = partitions->is_little ||
                   (partitions->is_one_of_many && vv_small_scan_is_candidate(file)),
        .constants = partitions->constants};
    VV_TRY(put_constants(op, source, file, partitions));
    VV_TRY(vv_file_fetch(op, source->store, file->key, &held.path));
    held.id = vv_arena_format(&op->arena, "%.*s %" PRId64 " %" PRId64 " %.*s",
        VV_ARG(held.sha256), file->bytes, file->modified_ms, VV_ARG(held.path));
    if (held.id.ptr == NULL)
        return vv_fail_memory(op);
    return vv_held_files_add(op, files, &held, out_is_taken);
}

varve_status vv_held_scan_open(struct vv_op *op, const struct vv_scan_source *source,
    struct vv_small_scan *out)
{
    VV_CLEANUP(vv_held_files_free) struct vv_held_files *files = NULL;
    struct vv_small_column *columns = NULL;
    size_t columns_len = 0;
    size_t small = 0;
    bool *is_held = NULL;
    struct partitions partitions = {.len = 0};
    /* A table that lies elsewhere is the engine's, which looks whether SQL may go there. */
    *out = (struct vv_small_scan){.files = NULL};
    if (source->files_len == 0 || !vv_held_is_on(source->engine) ||
        vv_store_is_link(source->store))
        return VARVE_OK;
    VV_TRY(vv_small_scan_columns(op, source, &columns, &columns_len));
    if (columns_len == 0)
        return VARVE_OK;
    VV_TRY(find_partitions(op, source, &columns, columns_len, &partitions));
    VV_TRY(vv_held_files_new(op, source->engine, read_file, columns,
        columns_len + partitions.len, partitions.len, &files));
    VV_NEW(op, &is_held, bool, source->files_len);
    for (size_t i = 0; i < source->files_len; i++)
        small += vv_small_scan_is_candidate(source->files[i]);
    partitions.is_one_of_many = small >= VV_SMALL_SCAN_FILES_MIN;
    partitions.is_little =
        vv_files_bytes(source->files, source->files_len) <= AT_ONCE_BYTES_MAX;
    for (size_t i = 0; i < source->files_len; i++) {
        VV_TRY(vv_check_cancel(op));
        if (is_candidate(source->files[i]))
            VV_TRY(add(op, source, i, &partitions, files, &is_held[i]));
    }
    struct vv_small_scan scan = {.len = vv_held_files_len(files),
        .function = VV_HELD_FILES_FUNCTION,
        .has_partitions = partitions.len > 0,
        .is_small = is_held};
    if (scan.len == 0)
        return VARVE_OK;
    VV_TRY(vv_held_files_lend(op, source->engine, VV_MOVE(files), &scan.id));
    *out = scan;
    return VARVE_OK;
}
