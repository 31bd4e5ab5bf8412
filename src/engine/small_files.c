#include "engine/small_files.h"

#include "base/seam.h"
#include "engine/lent.h"
#include "engine/parquet_plain.h"
#include "engine/parquet_vector.h"

/* Of a file as it is in memory, unpacked. */
#define UNPACKED_BYTES_MAX ((size_t)16 << 20)
/* For one thread: the above, what is written of it once more, and what arenas take for themselves. */
#define THREAD_BYTES_MAX ((size_t)64 << 20)
/* With so much of them in memory, further files are read anew by each statement. */
#define KEPT_BYTES_MAX ((size_t)32 << 20)
#define KEYS_BYTES_MAX ((size_t)256 << 20)
#define FILES_A_THREAD 16 /* fewer are not worth one more */

struct file {
    struct vv_str key;
    struct vv_str sha256; /* on record; len 0: none is */
    uint64_t index;
    const struct vv_plain_file *kept; /* NULL: to be read again */
};

struct vv_small_files {
    struct vv_arena arena; /* of keys and columns */
    struct vv_arena kept;
    struct vv_small_source source;
    const struct vv_small_column *columns;
    size_t columns_len;
    struct file *items;
    size_t len, capacity;
};

/* Of a run: which file comes next. */
struct turn {
    atomic_size_t next;
    const struct vv_small_files *files;
};

/* Of a thread of it. */
struct scan {
    struct vv_op op;
    struct vv_arena file_arena, group_arena;
    idx_t columns_len;
    idx_t *columns;               /* of the function, that are wanted */
    struct vv_pq_cursor *cursors; /* one a wanted column */
    const struct file *file;      /* NULL: before the first, or at the end */
    const struct vv_plain_file *opened;
    size_t group; /* the next one */
    int64_t row;  /* in the file */
    size_t left;  /* rows of the current group */
};

/* Reads a file and finds its columns; whether they fit is another matter. */
static varve_status open_file(struct vv_op *op, const struct vv_small_files *files,
    const struct file *file, struct vv_arena *arena, struct vv_plain_file **out,
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
        .kept = VV_ARENA_INIT(KEPT_BYTES_MAX + THREAD_BYTES_MAX),
        .source = *source,
        .columns_len = columns_len};
    files->columns = vv_plain_copy_columns(&files->arena, columns, columns_len);
    if (files->columns == NULL)
        return vv_fail_memory(op);
    *out = VV_MOVE(files);
    return VARVE_OK;
}

void vv_small_files_free(struct vv_small_files **files)
{
    struct vv_small_files *freed = VV_MOVE(*files);
    if (freed == NULL)
        return;
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

varve_status vv_small_files_add(struct vv_op *op, struct vv_small_files *files,
    struct vv_str key, struct vv_str sha256, uint64_t index, bool *out_is_taken)
{
    struct file file = {.key = key, .sha256 = sha256, .index = index};
    bool is_other = false;
    VV_CLEANUP(vv_op_done) struct vv_op own;
    struct vv_plain_file *opened = NULL;
    void *items = files->items;
    bool is_kept = files->kept.bytes < KEPT_BYTES_MAX;
    vv_op_init(&own, op->env, THREAD_BYTES_MAX);
    *out_is_taken = false;
    if (open_file(&own, files, &file, is_kept ? &files->kept : &own.arena, &opened,
            &is_other) != VARVE_OK) {
        if (is_other)
            (void)vv_fail(op, VARVE_ECORRUPT, "%.*s: %s", VV_ARG(key), own.error.message);
        vv_forgive(&own);
        return is_other ? VARVE_ECORRUPT : VARVE_OK;
    }
    if (!vv_plain_fits(opened, files->columns_len, UNPACKED_BYTES_MAX))
        return VARVE_OK;
    file.key = vv_arena_str(&files->arena, key);
    file.sha256 = vv_arena_str(&files->arena, sha256);
    file.kept = is_kept ? opened : NULL;
    if (file.key.ptr == NULL || file.sha256.ptr == NULL ||
        !vv_arena_grow(&files->arena, &items, files->len, &files->capacity,
            sizeof(*files->items), _Alignof(struct file)))
        return vv_fail_memory(op);
    files->items = items;
    files->items[files->len++] = file;
    *out_is_taken = true;
    return VARVE_OK;
}

void vv_small_files_forget(struct vv_small_files *files)
{
    for (size_t i = 0; i < files->len; i++)
        files->items[i].kept = NULL;
    vv_arena_done(&files->kept);
}

varve_status vv_small_files_lend(struct vv_op *op, struct vv_engine *engine,
    struct vv_small_files *files, uint64_t *out_id)
{
    return vv_engine_lend(op, engine, VV_LENT_SMALL_FILES, files, release, out_id);
}

static void scan_done(void *object)
{
    struct scan *scan = object;
    vv_arena_done(&scan->group_arena);
    vv_arena_done(&scan->file_arena);
    vv_op_done(&scan->op);
    vv_free(scan);
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
    struct turn *turn = vv_malloc(sizeof(*turn));
    if (turn == NULL) {
        duckdb_init_set_error(info, VV_DUCK_NO_MEMORY);
        return;
    }
    *turn = (struct turn){.files = lent->object};
    duckdb_init_set_init_data(info, turn, vv_free);
    duckdb_init_set_max_threads(info, turn->files->len / FILES_A_THREAD + 1);
}

static void begin_thread(duckdb_init_info info)
{
    struct scan *scan = vv_malloc_zeroed(sizeof(*scan));
    if (scan == NULL) {
        duckdb_init_set_error(info, VV_DUCK_NO_MEMORY);
        return;
    }
    vv_op_init(&scan->op, NULL, THREAD_BYTES_MAX);
    scan->file_arena = VV_ARENA_INIT(THREAD_BYTES_MAX);
    scan->group_arena = VV_ARENA_INIT(THREAD_BYTES_MAX);
    scan->columns = vv_vector_wanted(info, &scan->op.arena, &scan->columns_len);
    scan->cursors = vv_new(&scan->op.arena, struct vv_pq_cursor, scan->columns_len + 1);
    if (scan->columns == NULL || scan->cursors == NULL) {
        scan_done(scan);
        duckdb_init_set_error(info, VV_DUCK_NO_MEMORY);
        return;
    }
    duckdb_init_set_init_data(info, scan, scan_done);
}

static varve_status begin_file(struct scan *scan, const struct vv_small_files *files)
{
    scan->group = 0;
    scan->row = 0;
    scan->opened = scan->file->kept;
    if (scan->opened != NULL)
        return VARVE_OK;
    struct vv_plain_file *opened = NULL;
    bool is_other = false;
    vv_arena_done(&scan->file_arena);
    VV_TRY(open_file(&scan->op, files, scan->file, &scan->file_arena, &opened, &is_other));
    scan->opened = opened;
    return VARVE_OK;
}

static varve_status begin_group(struct scan *scan, const struct vv_small_files *files)
{
    const struct vv_pq_file *parquet = &scan->opened->parquet;
    const struct vv_pq_group *group = &parquet->groups[scan->group++];
    vv_arena_done(&scan->group_arena);
    for (idx_t i = 0; i < scan->columns_len; i++) {
        size_t column = 0;
        scan->cursors[i] = (struct vv_pq_cursor){.entry = 0};
        if (vv_vector_is_of_file(scan->columns[i], files->columns_len, &column) &&
            scan->opened->leaves[column] != VV_PLAIN_MISSING)
            VV_TRY(vv_pq_read_column(&scan->op, parquet, group, scan->opened->leaves[column],
                &scan->group_arena, &scan->cursors[i].column));
    }
    scan->left = (size_t)group->rows;
    return VARVE_OK;
}

/* On to a group with rows; `left` stays 0 where there is none. */
static varve_status advance(struct scan *scan, struct turn *turn)
{
    while (scan->left == 0) {
        if (scan->file != NULL && scan->group < scan->opened->parquet.groups_len) {
            VV_TRY(begin_group(scan, turn->files));
            continue;
        }
        size_t next = atomic_fetch_add(&turn->next, 1);
        scan->file = next < turn->files->len ? &turn->files->items[next] : NULL;
        if (scan->file == NULL)
            return VARVE_OK;
        VV_TRY(begin_file(scan, turn->files));
    }
    return VARVE_OK;
}

static varve_status put_column(struct scan *scan, const struct vv_small_files *files, idx_t i,
    duckdb_vector vector, idx_t at, size_t len)
{
    size_t column = 0;
    if (vv_vector_is_of_file(scan->columns[i], files->columns_len, &column)) {
        const struct vv_small_column *wanted = &files->columns[column];
        if (scan->opened->leaves[column] == VV_PLAIN_MISSING)
            vv_vector_put_nulls(vector, at, len);
        else if (!vv_vector_put(vector, wanted, &scan->cursors[i], at, len))
            return vv_fail(&scan->op, VARVE_ECORRUPT,
                "column %.*s holds a value that is none of its type",
                VV_ARG(wanted->physical_name));
    } else {
        vv_vector_put_place(vector, scan->columns[i], scan->file->index, scan->row, at, len);
    }
    return VARVE_OK;
}

static varve_status fill(struct scan *scan, struct turn *turn, duckdb_data_chunk out,
    idx_t *out_len)
{
    for (*out_len = 0; *out_len < duckdb_vector_size();) {
        VV_TRY(advance(scan, turn));
        if (scan->left == 0)
            return VARVE_OK;
        size_t room = (size_t)(duckdb_vector_size() - *out_len);
        size_t len = scan->left < room ? scan->left : room;
        for (idx_t i = 0; i < scan->columns_len; i++)
            VV_TRY(put_column(scan, turn->files, i, duckdb_data_chunk_get_vector(out, i),
                *out_len, len));
        scan->row += (int64_t)len;
        scan->left -= len;
        *out_len += len;
    }
    return VARVE_OK;
}

static void run(duckdb_function_info info, duckdb_data_chunk out)
{
    struct turn *turn = duckdb_function_get_init_data(info);
    struct scan *scan = duckdb_function_get_local_init_data(info);
    idx_t len = 0;
    if (fill(scan, turn, out, &len) != VARVE_OK) {
        vv_vector_tell_unread(info, &scan->op, scan->file->key);
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
