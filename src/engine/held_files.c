#include "engine/held_files.h"

#include "base/seam.h"
#include "engine/held_inner.h"
#include "engine/lent.h"
#include "engine/parquet_plain.h"
#include "engine/parquet_vector.h"

/* Of the columns of a file as they are in memory, unpacked. */
#define UNPACKED_BYTES_MAX ((size_t)64 << 20)
/* For one thread: a file as it is, and of one column of one row group all that decoding takes. */
#define THREAD_BYTES_MAX ((size_t)128 << 20)
/* Files that were looked into are kept until they are read, up to so much of them together. */
#define KEPT_BYTES_MAX ((size_t)32 << 20)
#define KEYS_BYTES_MAX ((size_t)256 << 20)
/*
 * A statement looks into files, whole, as long as all that it takes are no longer than this many
 * times what may be held; and takes none whose columns alone are more than that, unpacked, since
 * each thread would have one in memory. Of more there is no hope to hold them, but for a few columns.
 */
#define LOOK_PARTS 2
#define ROWS_A_THREAD 16384 /* fewer are not worth one more */

struct item {
    struct vv_held_key key;
    struct vv_str path, sha256;
    struct vv_str bytes; /* ptr NULL: to be read */
    const struct vv_held_constant *constants;
    uint64_t index;
    size_t rows;
};

struct vv_held_files {
    struct vv_arena arena; /* of keys and columns */
    struct vv_arena kept;
    struct vv_held *held; /* a counted use */
    vv_held_read read;
    uint64_t turn;
    const struct vv_small_column *columns;
    const struct vv_held_key *keys; /* one a column */
    struct vv_held_key all;         /* of them together */
    size_t columns_len;             /* of the files; behind them are */
    size_t constants_len;
    struct item *items;
    size_t len, capacity;
    size_t rows;
    uint64_t bytes, bytes_max; /* of the files as they lie; to be looked into at most */
};

/* Of a run: which file comes next. */
struct turn {
    atomic_size_t next;
    const struct vv_held_files *files;
};

/* Of a thread of it. */
struct scan {
    struct vv_op op;
    struct vv_arena file_arena, group_arena;
    idx_t columns_len;
    idx_t *columns;                        /* of the function, that are wanted */
    struct vv_held_column **pinned;        /* one a wanted column; NULL: none of the file's */
    const struct vv_held_constant **known; /* likewise; NULL: no column with one value a file */
    duckdb_value *constants;               /* the same for the engine; NULL: it is NULL */
    const struct item *item;               /* NULL: before the first, or at the end */
    size_t row;                            /* in the file; a multiple of a vector's rows */
};

bool vv_held_is_on(const struct vv_engine *engine)
{
    return engine->options.held != NULL;
}

static struct vv_held_key key_of(struct vv_arena *arena, const struct vv_small_column *column)
{
    return vv_held_key(vv_arena_format(arena, "%d %" PRId32 " %d %d %.*s", (int)column->type,
        column->field_id, column->precision, column->scale, VV_ARG(column->physical_name)));
}

static varve_status copy_columns(struct vv_op *op, struct vv_held_files *files,
    const struct vv_small_column *columns)
{
    VV_CLEANUP(vv_buf_done) struct vv_buf all = VV_BUF_INIT(VV_BUF_MAX);
    size_t len = files->columns_len;
    struct vv_held_key *keys = vv_new(&files->arena, struct vv_held_key, len + 1);
    files->columns = vv_plain_copy_columns(&files->arena, columns, len + files->constants_len);
    if (files->columns == NULL || keys == NULL)
        return vv_fail_memory(op);
    for (size_t i = 0; i < len; i++) {
        keys[i] = key_of(&files->arena, &columns[i]);
        if (keys[i].text.ptr == NULL)
            return vv_fail_memory(op);
        vv_buf_add(&all, keys[i].text);
        vv_buf_addc(&all, '\0');
    }
    if (!vv_buf_ok(&all))
        return vv_fail_memory(op);
    files->keys = keys;
    files->all = vv_held_key(vv_arena_str(&files->arena, vv_buf_str(&all)));
    return files->all.text.ptr != NULL ? VARVE_OK : vv_fail_memory(op);
}

varve_status vv_held_files_new(struct vv_op *op, struct vv_engine *engine, vv_held_read read,
    const struct vv_small_column *columns, size_t columns_len, size_t constants_len,
    struct vv_held_files **out)
{
    VV_CLEANUP(vv_held_files_free) struct vv_held_files *files = vv_malloc(sizeof(*files));
    VV_PRE(vv_held_is_on(engine) && constants_len <= columns_len);
    if (files == NULL)
        return vv_fail_memory(op);
    *files = (struct vv_held_files){.arena = VV_ARENA_INIT(KEYS_BYTES_MAX),
        .kept = VV_ARENA_INIT(KEPT_BYTES_MAX + THREAD_BYTES_MAX),
        .held = vv_held_retain(engine->options.held),
        .read = read,
        .columns_len = columns_len - constants_len,
        .constants_len = constants_len};
    files->turn = vv_held_turn(files->held);
    files->bytes_max = vv_held_count(files->held).bytes_max * LOOK_PARTS;
    VV_TRY(copy_columns(op, files, columns));
    *out = VV_MOVE(files);
    return VARVE_OK;
}

void vv_held_files_free(struct vv_held_files **files)
{
    struct vv_held_files *freed = VV_MOVE(*files);
    if (freed == NULL)
        return;
    vv_held_release(&freed->held);
    vv_arena_done(&freed->kept);
    vv_arena_done(&freed->arena);
    vv_free(freed);
}

static void release(void *object)
{
    struct vv_held_files *files = object;
    vv_held_files_free(&files);
}

size_t vv_held_files_len(const struct vv_held_files *files)
{
    return files->len;
}

static bool count_rows(const struct vv_pq_file *file, size_t *out)
{
    *out = 0;
    for (size_t g = 0; g < file->groups_len; g++)
        if (file->groups[g].rows < 0 ||
            __builtin_add_overflow(*out, (size_t)file->groups[g].rows, out))
            return false;
    return true;
}

static size_t unpacked_max(const struct vv_held_files *files)
{
    return files->bytes_max < UNPACKED_BYTES_MAX ? (size_t)files->bytes_max
                                                 : UNPACKED_BYTES_MAX;
}

/*
 * Looks into a file that nothing is known of: false where it is the engine's. What is wrong with it
 * is the engine's to say, but for bytes that are not those on record.
 */
static varve_status look(struct vv_op *op, struct vv_held_files *files,
    const struct vv_held_file *file, struct item *item, bool *out_is_plain)
{
    VV_CLEANUP(vv_op_done) struct vv_op own;
    struct vv_plain_file plain = {.is_other = false};
    struct vv_str bytes = VV_STR_NONE;
    vv_op_init(&own, op->env, THREAD_BYTES_MAX);
    *out_is_plain = false;
    varve_status status = files->read(&own, file->path, &own.arena, &bytes);
    if (status == VARVE_OK)
        status = vv_plain_open(&own, bytes, file->sha256, files->columns, files->columns_len,
            &own.arena, &plain);
    bool is_other = plain.is_other;
    bool is_memory = own.error.code == VARVE_ELIMIT;
    if (is_other)
        (void)vv_fail(op, VARVE_ECORRUPT, "%.*s: %s", VV_ARG(file->path), own.error.message);
    else if (status == VARVE_OK)
        *out_is_plain = bytes.len <= (size_t)VV_HELD_FILE_BYTES_MAX &&
                        count_rows(&plain.parquet, &item->rows) &&
                        vv_plain_fits(&plain, files->columns_len, unpacked_max(files));
    if (status != VARVE_OK)
        vv_forgive(&own);
    if (is_other || is_memory)
        return is_other ? VARVE_ECORRUPT : VARVE_OK;
    vv_held_tell(files->held, &item->key, &files->all, files->turn,
        *out_is_plain ? (int64_t)item->rows : -1);
    /* Where it can't be kept it is read once more. */
    if (*out_is_plain && files->kept.bytes < KEPT_BYTES_MAX)
        item->bytes = vv_arena_str(&files->kept, bytes);
    return VARVE_OK;
}

static bool copy_constants(struct vv_held_files *files, const struct vv_held_file *file,
    struct item *item)
{
    struct vv_held_constant *constants =
        vv_new(&files->arena, struct vv_held_constant, files->constants_len + 1);
    item->constants = constants;
    for (size_t i = 0; constants != NULL && i < files->constants_len; i++) {
        constants[i] = file->constants[i];
        if (constants[i].text.ptr == NULL)
            continue;
        constants[i].text = vv_arena_str(&files->arena, constants[i].text);
        if (constants[i].text.ptr == NULL)
            return false;
    }
    return constants != NULL;
}

varve_status vv_held_files_add(struct vv_op *op, struct vv_held_files *files,
    const struct vv_held_file *file, bool *out_is_taken)
{
    int64_t rows = 0;
    void *items = files->items;
    struct item item = {.key = vv_held_key(file->id), .index = file->index};
    *out_is_taken = false;
    enum vv_held_answer answer =
        vv_held_ask(files->held, &item.key, &files->all, files->turn, file->at_once, &rows);
    if (answer == VV_HELD_NOT ||
        (answer == VV_HELD_UNSURE && files->bytes + (uint64_t)file->bytes > files->bytes_max))
        return VARVE_OK;
    bool is_plain = answer == VV_HELD_PLAIN;
    if (is_plain)
        item.rows = (size_t)rows;
    else
        VV_TRY(look(op, files, file, &item, &is_plain));
    if (!is_plain)
        return VARVE_OK;
    item.key.text = vv_arena_str(&files->arena, file->id);
    item.path = vv_arena_str(&files->arena, file->path);
    item.sha256 = vv_arena_str(&files->arena, file->sha256);
    if (item.key.text.ptr == NULL || item.path.ptr == NULL || item.sha256.ptr == NULL ||
        !copy_constants(files, file, &item) ||
        !vv_arena_grow(&files->arena, &items, files->len, &files->capacity, sizeof(item),
            _Alignof(struct item)))
        return vv_fail_memory(op);
    files->items = items;
    files->items[files->len++] = item;
    files->rows += item.rows;
    files->bytes += (uint64_t)file->bytes;
    *out_is_taken = true;
    return VARVE_OK;
}

varve_status vv_held_files_lend(struct vv_op *op, struct vv_engine *engine,
    struct vv_held_files *files, uint64_t *out_id)
{
    return vv_engine_lend(op, engine, VV_LENT_HELD_FILES, files, release, out_id);
}

/* ---- Decoding ------------------------------------------------------------------------------- */

/* What a vector takes besides its values: the engine's object and its marks of NULLs. */
#define VECTOR_BYTES 512

static struct vv_held_column *make_vectors(const struct vv_small_column *column, size_t rows)
{
    size_t len_max = (size_t)duckdb_vector_size();
    VV_CLEANUP(vv_duck_type_done) duckdb_logical_type type = vv_vector_type(column);
    VV_CLEANUP(vv_held_column_release)
    struct vv_held_column *made = vv_held_column_new((rows + len_max - 1) / len_max);
    for (size_t i = 0; made != NULL && i < made->len; i++) {
        size_t left = rows - i * len_max;
        size_t capacity = left < len_max ? (left + 63) / 64 * 64 : len_max;
        made->vectors[i] = duckdb_create_vector(type, capacity);
        if (made->vectors[i] == NULL)
            return NULL;
        made->bytes += capacity * vv_vector_value_bytes(column) + VECTOR_BYTES;
    }
    return VV_MOVE(made);
}

static size_t text_bytes(const struct vv_pq_column *column)
{
    size_t bytes = 0;
    for (size_t i = 0; column->texts != NULL && i < column->values_len; i++)
        bytes += column->texts[i].len > VV_VECTOR_INLINE_MAX ? column->texts[i].len : 0;
    return bytes;
}

/* A column of a row group to the rows from `row` on. */
static varve_status put_group(struct scan *scan, const struct vv_small_column *column,
    struct vv_pq_cursor *cursor, size_t rows, size_t row, struct vv_held_column *made)
{
    size_t len_max = (size_t)duckdb_vector_size();
    made->bytes += text_bytes(&cursor->column);
    while (rows > 0) {
        size_t at = row % len_max;
        size_t len = rows < len_max - at ? rows : len_max - at;
        if (!vv_vector_put(made->vectors[row / len_max], column, cursor, at, len))
            return vv_fail(&scan->op, VARVE_ECORRUPT,
                "column %.*s holds a value that is none of its type",
                VV_ARG(column->physical_name));
        row += len;
        rows -= len;
    }
    return VARVE_OK;
}

static varve_status decode(struct scan *scan, const struct vv_pq_file *parquet, uint32_t leaf,
    const struct vv_small_column *column, struct vv_held_column **out)
{
    bool is_missing = leaf == VV_PLAIN_MISSING;
    VV_CLEANUP(vv_held_column_release)
    struct vv_held_column *made =
        is_missing ? vv_held_column_new(0) : make_vectors(column, scan->item->rows);
    size_t row = 0;
    if (made == NULL)
        return vv_fail_memory(&scan->op);
    for (size_t g = 0; !is_missing && g < parquet->groups_len; g++) {
        const struct vv_pq_group *group = &parquet->groups[g];
        struct vv_pq_cursor cursor = {.entry = 0};
        vv_arena_done(&scan->group_arena);
        VV_TRY(vv_pq_read_column(&scan->op, parquet, group, leaf, &scan->group_arena,
            &cursor.column));
        VV_TRY(put_group(scan, column, &cursor, (size_t)group->rows, row, made));
        row += (size_t)group->rows;
    }
    vv_arena_done(&scan->group_arena);
    *out = VV_MOVE(made);
    return VARVE_OK;
}

/* Decodes what is wanted of a file and not held, and holds it where there is room. */
static varve_status load(struct scan *scan, const struct vv_held_files *files)
{
    const struct item *item = scan->item;
    struct vv_str bytes = item->bytes;
    /* Bytes that were looked into are known to be those on record. */
    struct vv_str sha256 = bytes.ptr == NULL ? item->sha256 : VV_STR_NONE;
    struct vv_plain_file plain;
    size_t rows = 0;
    if (bytes.ptr == NULL)
        VV_TRY(files->read(&scan->op, item->path, &scan->file_arena, &bytes));
    VV_TRY(vv_plain_open(&scan->op, bytes, sha256, files->columns, files->columns_len,
        &scan->file_arena, &plain));
    if (!count_rows(&plain.parquet, &rows) || rows != item->rows)
        return vv_fail(&scan->op, VARVE_ECORRUPT, "it has other rows than it had");
    for (idx_t i = 0; i < scan->columns_len; i++) {
        size_t column = 0;
        if (!vv_vector_is_of_file(scan->columns[i], files->columns_len, &column) ||
            scan->pinned[i] != NULL)
            continue;
        VV_TRY(decode(scan, &plain.parquet, plain.leaves[column], &files->columns[column],
            &scan->pinned[i]));
        vv_held_put(files->held, &item->key, &files->keys[column], files->turn,
            scan->pinned[i]);
    }
    vv_arena_done(&scan->file_arena);
    return VARVE_OK;
}

/* ---- The function --------------------------------------------------------------------------- */

/* What a column is in all rows of the file; NULL: no memory. */
static duckdb_value make_constant(const struct vv_small_column *column,
    const struct vv_held_constant *constant)
{
    int64_t number = constant->number;
    switch (column->type) {
    case VV_SMALL_BOOLEAN:
        return duckdb_create_bool(number != 0);
    case VV_SMALL_TINYINT:
        return duckdb_create_int8((int8_t)number);
    case VV_SMALL_SMALLINT:
        return duckdb_create_int16((int16_t)number);
    case VV_SMALL_INTEGER:
        return duckdb_create_int32((int32_t)number);
    case VV_SMALL_DATE:
        return duckdb_create_date((duckdb_date){(int32_t)number});
    case VV_SMALL_TIMESTAMP:
        return duckdb_create_timestamp((duckdb_timestamp){number});
    case VV_SMALL_TIMESTAMPTZ:
        return duckdb_create_timestamp_tz((duckdb_timestamp){number});
    case VV_SMALL_VARCHAR:
        return duckdb_create_varchar_length(constant->text.ptr, constant->text.len);
    case VV_SMALL_BIGINT:
    case VV_SMALL_FLOAT:
    case VV_SMALL_DOUBLE:
    case VV_SMALL_DECIMAL:
    default:
        return duckdb_create_int64(number);
    }
}

/* Which of the columns with one value a file it is. */
static bool is_constant(const struct vv_held_files *files, idx_t column, size_t *out)
{
    bool is_known =
        vv_vector_is_of_file(column, files->columns_len + files->constants_len, out);
    *out -= files->columns_len;
    return is_known && *out < files->constants_len;
}

static void unpin(struct scan *scan)
{
    for (idx_t i = 0; scan->pinned != NULL && i < scan->columns_len; i++)
        vv_held_column_release(&scan->pinned[i]);
    for (idx_t i = 0; scan->constants != NULL && i < scan->columns_len; i++)
        if (scan->constants[i] != NULL)
            duckdb_destroy_value(&scan->constants[i]);
}

static void scan_done(void *object)
{
    struct scan *scan = object;
    unpin(scan);
    vv_arena_done(&scan->group_arena);
    vv_arena_done(&scan->file_arena);
    vv_op_done(&scan->op);
    vv_free(scan);
}

static void bind(duckdb_bind_info info)
{
    const struct vv_held_files *files =
        vv_lent_bind(info, VV_LENT_HELD_FILES, VV_HELD_FILES_FUNCTION);
    if (files == NULL)
        return;
    vv_vector_bind(info, files->columns, files->columns_len + files->constants_len);
    duckdb_bind_set_cardinality(info, (idx_t)files->rows, true);
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
    size_t threads = turn->files->rows / ROWS_A_THREAD + 1;
    duckdb_init_set_init_data(info, turn, vv_free);
    duckdb_init_set_max_threads(info, threads < turn->files->len ? threads : turn->files->len);
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
    scan->pinned = vv_new(&scan->op.arena, struct vv_held_column *, scan->columns_len + 1);
    scan->constants = vv_new(&scan->op.arena, duckdb_value, scan->columns_len + 1);
    scan->known =
        vv_new(&scan->op.arena, const struct vv_held_constant *, scan->columns_len + 1);
    if (scan->columns == NULL || scan->pinned == NULL || scan->constants == NULL ||
        scan->known == NULL) {
        scan_done(scan);
        duckdb_init_set_error(info, VV_DUCK_NO_MEMORY);
        return;
    }
    duckdb_init_set_init_data(info, scan, scan_done);
}

static varve_status begin_constant(struct scan *scan, const struct vv_held_files *files,
    idx_t i, size_t constant)
{
    scan->known[i] = &scan->item->constants[constant];
    if (!scan->known[i]->is_null)
        scan->constants[i] =
            make_constant(&files->columns[files->columns_len + constant], scan->known[i]);
    return scan->known[i]->is_null || scan->constants[i] != NULL ? VARVE_OK
                                                                 : vv_fail_memory(&scan->op);
}

static varve_status begin_file(struct scan *scan, const struct vv_held_files *files)
{
    bool is_whole = true;
    scan->row = 0;
    for (idx_t i = 0; i < scan->columns_len; i++) {
        size_t column = 0;
        if (is_constant(files, scan->columns[i], &column)) {
            VV_TRY(begin_constant(scan, files, i, column));
            continue;
        }
        if (!vv_vector_is_of_file(scan->columns[i], files->columns_len, &column))
            continue;
        scan->pinned[i] = vv_held_find(files->held, &scan->item->key, &files->keys[column]);
        is_whole = is_whole && scan->pinned[i] != NULL;
    }
    return is_whole ? VARVE_OK : load(scan, files);
}

/* On to a file with rows; scan->item is NULL where there is none. */
static varve_status advance(struct scan *scan, struct turn *turn)
{
    while (scan->item == NULL || scan->row >= scan->item->rows) {
        unpin(scan);
        size_t next = atomic_fetch_add(&turn->next, 1);
        scan->item = next < turn->files->len ? &turn->files->items[next] : NULL;
        if (scan->item == NULL)
            return VARVE_OK;
        VV_TRY(begin_file(scan, turn->files));
    }
    return VARVE_OK;
}

/* Hands out the vectors themselves: they are shared, not copied. */
static void put_column(const struct scan *scan, idx_t i, duckdb_vector vector, size_t len)
{
    const struct vv_held_column *column = scan->pinned[i];
    if (scan->constants[i] != NULL) {
        duckdb_vector_reference_value(vector, scan->constants[i]);
    } else if (column != NULL && column->vectors != NULL) {
        duckdb_vector_reference_vector(vector,
            column->vectors[scan->row / (size_t)duckdb_vector_size()]);
    } else if (column != NULL || scan->known[i] != NULL) {
        vv_vector_put_nulls(vector, 0, len);
    } else {
        vv_vector_put_place(vector, scan->columns[i], scan->item->index, (int64_t)scan->row, 0,
            len);
    }
}

static varve_status fill(struct scan *scan, struct turn *turn, duckdb_data_chunk out,
    idx_t *out_len)
{
    VV_TRY(advance(scan, turn));
    if (scan->item == NULL)
        return VARVE_OK;
    size_t left = scan->item->rows - scan->row;
    size_t len = left < (size_t)duckdb_vector_size() ? left : (size_t)duckdb_vector_size();
    for (idx_t i = 0; i < scan->columns_len; i++)
        put_column(scan, i, duckdb_data_chunk_get_vector(out, i), len);
    scan->row += len;
    *out_len = len;
    return VARVE_OK;
}

static void run(duckdb_function_info info, duckdb_data_chunk out)
{
    struct turn *turn = duckdb_function_get_init_data(info);
    struct scan *scan = duckdb_function_get_local_init_data(info);
    idx_t len = 0;
    if (fill(scan, turn, out, &len) != VARVE_OK) {
        vv_vector_tell_unread(info, &scan->op, scan->item->path);
        scan->row = scan->item->rows;
        len = 0;
    }
    duckdb_data_chunk_set_size(out, len);
}

varve_status vv_held_files_register(struct vv_op *op, struct vv_session *session)
{
    static const struct vv_lent_function function = {
        VV_HELD_FILES_FUNCTION, bind, begin, begin_thread, run};
    return vv_lent_register(op, session, &function);
}
