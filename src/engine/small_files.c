#include "engine/small_files.h"

#include "base/seam.h"
#include "engine/lent.h"
#include "engine/parquet_vector.h"
#include "engine/small_inner.h"

#define KEYS_BYTES_MAX ((size_t)256 << 20)
#define FILES_A_THREAD 16 /* fewer are not worth one more */

/* Reads a file and finds its columns; whether they fit is another matter. */
static varve_status open_file(struct vv_op *op, const struct vv_small_files *files,
    const struct vv_small_file *file, struct vv_arena *arena, struct vv_plain_file **out,
    bool *out_is_other)
{
    struct vv_str bytes;
    *out_is_other = false;
    struct vv_plain_file *opened = vv_new(arena, struct vv_plain_file, 1);
    if (opened == NULL)
        return vv_fail_memory(op);
    VV_TRY(files->source.read(op, files->source.object, file->key, arena, &bytes));
    varve_status status = vv_plain_open(op, bytes, file->sha256, files->columns,
        files->columns_len, arena, opened);
    *out_is_other = opened->is_other;
    if (status != VARVE_OK)
        return status;
    if (bytes.len > (size_t)VV_SMALL_FILE_BYTES_MAX)
        return vv_fail(op, VARVE_ECORRUPT, "it is longer than it was");
    *out = opened;
    return VARVE_OK;
}

varve_status vv_small_files_new(struct vv_op *op, const struct vv_small_source *source,
    const struct vv_small_column *columns, size_t columns_len, struct vv_small_files **out)
{
    VV_CLEANUP(vv_small_files_free) struct vv_small_files *files = vv_malloc(sizeof(*files));
    if (files == NULL)
        return vv_fail_memory(op);
    *files = (struct vv_small_files){.arena = VV_ARENA_INIT(KEYS_BYTES_MAX),
        .kept = VV_ARENA_INIT(VV_SMALL_KEPT_BYTES_MAX + VV_SMALL_THREAD_BYTES_MAX),
        .source = *source,
        .columns_len = columns_len};
    files->columns = vv_plain_copy_columns(&files->arena, columns, columns_len);
    if (files->columns == NULL)
        return vv_fail_memory(op);
    *out = VV_MOVE(files);
    return VARVE_OK;
}

static void aheads_done(struct vv_small_files *files)
{
    for (size_t i = 0; i < files->aheads_len; i++)
        vv_small_ahead_done(files->aheads[i]);
    files->aheads_len = 0;
}

void vv_small_files_free(struct vv_small_files **files)
{
    struct vv_small_files *freed = VV_MOVE(*files);
    if (freed == NULL)
        return;
    aheads_done(freed);
    vv_arena_done(&freed->kept);
    vv_arena_done(&freed->arena);
    vv_free(freed);
}

static void release(void *object)
{
    struct vv_small_files *files = object;
    vv_small_files_free(&files);
}

size_t vv_small_files_len(const struct vv_small_files *files)
{
    return files->len;
}

varve_status vv_small_look(struct vv_op *op, const struct vv_small_files *files,
    const struct vv_small_file *file, struct vv_arena *arena, const struct vv_plain_file **out)
{
    bool is_other = false;
    VV_CLEANUP(vv_op_done) struct vv_op own;
    struct vv_plain_file *opened = NULL;
    vv_op_init(&own, op->env, VV_SMALL_THREAD_BYTES_MAX);
    *out = NULL;
    if (open_file(&own, files, file, arena, &opened, &is_other) != VARVE_OK) {
        if (is_other)
            (void)vv_fail(op, VARVE_ECORRUPT, "%.*s/%.*s: %s", VV_ARG(files->source.folder),
                VV_ARG(file->key), own.error.message);
        vv_forgive(&own);
        return is_other ? VARVE_ECORRUPT : VARVE_OK;
    }
    if (vv_plain_fits(opened, files->columns_len, VV_SMALL_UNPACKED_BYTES_MAX))
        *out = opened;
    return VARVE_OK;
}

varve_status vv_small_take(struct vv_op *op, struct vv_small_files *files,
    const struct vv_small_file *file)
{
    void *items = files->items;
    struct vv_small_file taken = *file;
    taken.key = vv_arena_str(&files->arena, file->key);
    taken.sha256 = vv_arena_str(&files->arena, file->sha256);
    if (taken.key.ptr == NULL || taken.sha256.ptr == NULL ||
        !vv_arena_grow(&files->arena, &items, files->len, &files->capacity,
            sizeof(*files->items), _Alignof(struct vv_small_file)))
        return vv_fail_memory(op);
    files->items = items;
    files->items[files->len++] = taken;
    return VARVE_OK;
}

varve_status vv_small_files_add(struct vv_op *op, struct vv_small_files *files,
    struct vv_str key, struct vv_str sha256, uint64_t index, bool *out_is_taken)
{
    VV_CLEANUP(vv_arena_done)
    struct vv_arena passing = VV_ARENA_INIT(VV_SMALL_THREAD_BYTES_MAX);
    struct vv_small_file file = {.key = key, .sha256 = sha256, .index = index};
    const struct vv_plain_file *opened = NULL;
    bool is_kept = files->kept.bytes < VV_SMALL_KEPT_BYTES_MAX;
    *out_is_taken = false;
    VV_TRY(vv_small_look(op, files, &file, is_kept ? &files->kept : &passing, &opened));
    if (opened == NULL)
        return VARVE_OK;
    file.kept = is_kept ? opened : NULL;
    VV_TRY(vv_small_take(op, files, &file));
    *out_is_taken = true;
    return VARVE_OK;
}

void vv_small_files_forget(struct vv_small_files *files)
{
    for (size_t i = 0; i < files->len; i++) {
        files->items[i].kept = NULL;
        files->items[i].ahead = NULL;
        files->items[i].is_passed = false;
    }
    aheads_done(files);
    vv_arena_done(&files->kept);
}

varve_status vv_small_files_lend(struct vv_op *op, struct vv_engine *engine,
    struct vv_small_files *files, uint64_t *out_id)
{
    return vv_engine_lend(op, engine, VV_LENT_SMALL_FILES, files, release, out_id);
}

struct vv_small_reader *vv_small_reader_new(void)
{
    struct vv_small_reader *reader = vv_malloc_zeroed(sizeof(*reader));
    if (reader == NULL)
        return NULL;
    vv_op_init(&reader->op, NULL, VV_SMALL_THREAD_BYTES_MAX);
    reader->file_arena = VV_ARENA_INIT(VV_SMALL_THREAD_BYTES_MAX);
    reader->group_arena = VV_ARENA_INIT(VV_SMALL_THREAD_BYTES_MAX);
    return reader;
}

void vv_small_reader_free(void *object)
{
    struct vv_small_reader *reader = object;
    if (reader == NULL)
        return;
    vv_arena_done(&reader->group_arena);
    vv_arena_done(&reader->file_arena);
    vv_op_done(&reader->op);
    vv_free(reader);
}

bool vv_small_reader_begin(struct vv_small_reader *reader)
{
    reader->cursors = vv_new(&reader->op.arena, struct vv_pq_cursor, reader->columns_len + 1);
    return reader->columns != NULL && reader->cursors != NULL;
}

static void bind(duckdb_bind_info info)
{
    const struct vv_small_files *files =
        vv_lent_bind(info, VV_LENT_SMALL_FILES, VV_SMALL_FILES_FUNCTION);
    if (files == NULL)
        return;
    vv_vector_bind(info, files->columns, files->columns_len);
}

static void begin(duckdb_init_info info)
{
    const struct vv_lent *lent = duckdb_init_get_bind_data(info);
    struct vv_small_turn *turn = vv_malloc(sizeof(*turn));
    if (turn == NULL) {
        duckdb_init_set_error(info, VV_DUCK_NO_MEMORY);
        return;
    }
    *turn = (struct vv_small_turn){.files = lent->object};
    duckdb_init_set_init_data(info, turn, vv_free);
    duckdb_init_set_max_threads(info, turn->files->len / FILES_A_THREAD + 1);
}

static void begin_thread(duckdb_init_info info)
{
    struct vv_small_reader *reader = vv_small_reader_new();
    if (reader != NULL)
        reader->columns = vv_vector_wanted(info, &reader->op.arena, &reader->columns_len);
    if (reader == NULL || !vv_small_reader_begin(reader)) {
        vv_small_reader_free(reader);
        duckdb_init_set_error(info, VV_DUCK_NO_MEMORY);
        return;
    }
    duckdb_init_set_init_data(info, reader, vv_small_reader_free);
}

static varve_status begin_file(struct vv_small_reader *reader,
    const struct vv_small_files *files)
{
    reader->group = 0;
    reader->row = 0;
    reader->opened = reader->file->kept;
    if (reader->opened != NULL)
        return VARVE_OK;
    struct vv_plain_file *opened = NULL;
    bool is_other = false;
    vv_arena_done(&reader->file_arena);
    VV_TRY(open_file(&reader->op, files, reader->file, &reader->file_arena, &opened,
        &is_other));
    reader->opened = opened;
    return VARVE_OK;
}

static varve_status begin_group(struct vv_small_reader *reader,
    const struct vv_small_files *files)
{
    const struct vv_pq_file *parquet = &reader->opened->parquet;
    const struct vv_pq_group *group = &parquet->groups[reader->group++];
    vv_arena_done(&reader->group_arena);
    for (idx_t i = 0; i < reader->columns_len; i++) {
        size_t column = 0;
        reader->cursors[i] = (struct vv_pq_cursor){.entry = 0};
        if (vv_vector_is_of_file(reader->columns[i], files->columns_len, &column) &&
            reader->opened->leaves[column] != VV_PLAIN_MISSING)
            VV_TRY(vv_pq_read_column(&reader->op, parquet, group,
                reader->opened->leaves[column], &reader->group_arena,
                &reader->cursors[i].column));
    }
    reader->left = (size_t)group->rows;
    return VARVE_OK;
}

/* On to rows that are decoded, or else to a group with rows; `left` stays 0 where there is none. */
static varve_status advance(struct vv_small_reader *reader, struct vv_small_turn *turn)
{
    while (reader->left == 0 && reader->ahead == NULL) {
        if (reader->opened != NULL && reader->group < reader->opened->parquet.groups_len) {
            VV_TRY(begin_group(reader, turn->files));
            continue;
        }
        size_t next = atomic_fetch_add(&turn->next, 1);
        reader->file = next < turn->files->len ? &turn->files->items[next] : NULL;
        reader->opened = NULL;
        if (reader->file == NULL)
            return VARVE_OK;
        reader->ahead = reader->file->ahead;
        if (reader->ahead == NULL && !reader->file->is_passed)
            VV_TRY(begin_file(reader, turn->files));
    }
    return VARVE_OK;
}

static varve_status put_column(struct vv_small_reader *reader,
    const struct vv_small_files *files, idx_t i, duckdb_vector vector, idx_t at, size_t len)
{
    size_t column = 0;
    if (vv_vector_is_of_file(reader->columns[i], files->columns_len, &column)) {
        const struct vv_small_column *wanted = &files->columns[column];
        if (reader->opened->leaves[column] == VV_PLAIN_MISSING)
            vv_vector_put_nulls(vector, at, len);
        else if (!vv_vector_put(vector, wanted, &reader->cursors[i], at, len))
            return vv_fail(&reader->op, VARVE_ECORRUPT,
                "column %.*s holds a value that is none of its type",
                VV_ARG(wanted->physical_name));
    } else {
        vv_vector_put_place(vector, reader->columns[i], reader->file->index, reader->row, at,
            len);
    }
    return VARVE_OK;
}

/* The vectors themselves: they are shared, not copied. */
static void hand_out(struct vv_small_reader *reader, duckdb_data_chunk out, idx_t *out_len)
{
    duckdb_data_chunk chunk = reader->ahead->chunks[reader->chunk++];
    for (idx_t i = 0; i < reader->columns_len; i++)
        if (reader->columns[i] < duckdb_data_chunk_get_column_count(chunk))
            duckdb_vector_reference_vector(duckdb_data_chunk_get_vector(out, i),
                duckdb_data_chunk_get_vector(chunk, reader->columns[i]));
    *out_len = duckdb_data_chunk_get_size(chunk);
    if (reader->chunk < reader->ahead->len)
        return;
    reader->ahead = NULL;
    reader->chunk = 0;
}

varve_status vv_small_reader_fill(struct vv_small_reader *reader, struct vv_small_turn *turn,
    duckdb_data_chunk out, idx_t *out_len)
{
    while (*out_len < duckdb_vector_size()) {
        VV_TRY(advance(reader, turn));
        if (reader->ahead != NULL && *out_len == 0)
            hand_out(reader, out, out_len);
        if (reader->left == 0)
            return VARVE_OK;
        size_t room = (size_t)(duckdb_vector_size() - *out_len);
        size_t len = reader->left < room ? reader->left : room;
        for (idx_t i = 0; i < reader->columns_len; i++)
            VV_TRY(put_column(reader, turn->files, i, duckdb_data_chunk_get_vector(out, i),
                *out_len, len));
        reader->row += (int64_t)len;
        reader->left -= len;
        *out_len += len;
    }
    return VARVE_OK;
}

static void run(duckdb_function_info info, duckdb_data_chunk out)
{
    struct vv_small_turn *turn = duckdb_function_get_init_data(info);
    struct vv_small_reader *reader = duckdb_function_get_local_init_data(info);
    idx_t len = 0;
    if (vv_small_reader_fill(reader, turn, out, &len) != VARVE_OK) {
        vv_vector_tell_unread(info, &reader->op,
            vv_arena_format(&reader->op.arena, "%.*s/%.*s", VV_ARG(turn->files->source.folder),
                VV_ARG(reader->file->key)));
        len = 0;
    }
    duckdb_data_chunk_set_size(out, len);
}

varve_status vv_small_files_register(struct vv_op *op, struct vv_session *session)
{
    static const struct vv_lent_function function = {
        VV_SMALL_FILES_FUNCTION, bind, begin, begin_thread, run};
    return vv_lent_register(op, session, &function);
}
