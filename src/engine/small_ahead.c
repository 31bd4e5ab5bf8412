#include "base/crew.h"
#include "base/seam.h"
#include "engine/parquet_vector.h"
#include "engine/small_inner.h"

#define PIECE_FILES 20
/* What is decoded takes no more; with pieces of that many rows at least. */
#define AHEAD_BYTES_MAX ((size_t)32 << 20)

/* Files that one thread looks into and decodes, one after the other. */
struct piece {
    struct vv_small_wanted *wanted;
    size_t len;
    struct vv_small_ahead ahead;
    bool is_decoded; /* all that are taken are in `ahead` */
};

struct look {
    const struct vv_small_files *files;
    struct piece *pieces;
    size_t pieces_len;
    size_t row_bytes;
    atomic_size_t bytes; /* of what is decoded */
};

void vv_small_ahead_done(struct vv_small_ahead *ahead)
{
    for (size_t i = 0; i < ahead->len; i++)
        duckdb_destroy_data_chunk(&ahead->chunks[i]);
    vv_arena_done(&ahead->arena);
    *ahead = (struct vv_small_ahead){.arena = VV_ARENA_INIT(AHEAD_BYTES_MAX)};
}

static duckdb_data_chunk chunk_new(struct vv_op *op, const struct vv_small_files *files)
{
    size_t len = VV_VECTOR_FIRST_COLUMN + files->columns_len;
    duckdb_logical_type *types = vv_new(&op->arena, duckdb_logical_type, len);
    if (types == NULL)
        return NULL;
    types[0] = duckdb_create_logical_type(DUCKDB_TYPE_UBIGINT);
    types[1] = duckdb_create_logical_type(DUCKDB_TYPE_BIGINT);
    for (size_t i = 0; i < files->columns_len; i++)
        types[VV_VECTOR_FIRST_COLUMN + i] = vv_vector_type(&files->columns[i]);
    duckdb_data_chunk chunk = duckdb_create_data_chunk(types, len);
    for (size_t i = 0; i < len; i++)
        duckdb_destroy_logical_type(&types[i]);
    return chunk;
}

/* What lies beside its vectors. */
static size_t text_bytes(const struct vv_small_files *files, duckdb_data_chunk chunk)
{
    size_t bytes = 0;
    for (size_t i = 0; i < files->columns_len; i++) {
        if (files->columns[i].type != VV_SMALL_VARCHAR)
            continue;
        duckdb_vector vector = duckdb_data_chunk_get_vector(chunk, VV_VECTOR_FIRST_COLUMN + i);
        const duckdb_string_t *texts = duckdb_vector_get_data(vector);
        uint64_t *validity = duckdb_vector_get_validity(vector);
        for (idx_t row = 0; row < duckdb_data_chunk_get_size(chunk); row++) {
            uint32_t len = 0;
            if (validity == NULL || duckdb_validity_row_is_valid(validity, row))
                len = texts[row].value.inlined.length; /* so it is of any text */
            bytes += len > VV_VECTOR_INLINE_MAX ? len : 0;
        }
    }
    return bytes;
}

/* Another chunk, where there is room for it. *out_is_room false: there is none. */
static varve_status ahead_grow(struct vv_op *op, struct look *look,
    struct vv_small_ahead *ahead, bool *out_is_room)
{
    const size_t bytes = look->row_bytes * (size_t)duckdb_vector_size();
    void *chunks = ahead->chunks;
    *out_is_room = atomic_fetch_add(&look->bytes, bytes) + bytes <= AHEAD_BYTES_MAX;
    if (!*out_is_room)
        return VARVE_OK;
    duckdb_data_chunk chunk = chunk_new(op, look->files);
    if (chunk == NULL || !vv_arena_grow(&ahead->arena, &chunks, ahead->len, &ahead->capacity,
                             sizeof(*ahead->chunks), _Alignof(duckdb_data_chunk))) {
        duckdb_destroy_data_chunk(&chunk);
        return vv_fail_memory(op);
    }
    ahead->chunks = chunks;
    ahead->chunks[ahead->len++] = chunk;
    return VARVE_OK;
}

/* Rows of a thread's piece on their way. */
struct decoder {
    struct look *look;
    struct vv_small_ahead *ahead;
    struct vv_small_reader *reader;
    idx_t rows; /* of the last chunk */
};

static void decoder_done(struct decoder *decoder)
{
    vv_small_reader_free(decoder->reader);
}

static varve_status decoder_begin(struct vv_op *op, struct decoder *decoder)
{
    struct vv_small_reader *reader = vv_small_reader_new();
    decoder->reader = reader;
    if (reader == NULL)
        return vv_fail_memory(op);
    reader->columns_len = VV_VECTOR_FIRST_COLUMN + decoder->look->files->columns_len;
    reader->columns = vv_new(&reader->op.arena, idx_t, reader->columns_len);
    for (idx_t i = 0; reader->columns != NULL && i < reader->columns_len; i++)
        reader->columns[i] = i;
    return vv_small_reader_begin(reader) ? VARVE_OK : vv_fail_memory(op);
}

static void end_chunk(struct decoder *decoder)
{
    struct vv_small_ahead *ahead = decoder->ahead;
    if (ahead->len == 0)
        return;
    duckdb_data_chunk chunk = ahead->chunks[ahead->len - 1];
    duckdb_data_chunk_set_size(chunk, decoder->rows);
    (void)atomic_fetch_add(&decoder->look->bytes, text_bytes(decoder->look->files, chunk));
}

/*
 * The rows of one more file. *out_is_done false: there is no room for them, or they can't be read,
 * which is told when the statement reads them.
 */
static varve_status decode(struct vv_op *op, struct decoder *decoder,
    const struct vv_small_file *file, bool *out_is_done)
{
    struct vv_small_files alone = *decoder->look->files;
    struct vv_small_file item = *file;
    alone.items = &item;
    alone.len = 1;
    struct vv_small_turn turn = {.files = &alone};
    struct vv_small_ahead *ahead = decoder->ahead;
    *out_is_done = false;
    for (;;) {
        bool is_room = true;
        if (ahead->len == 0 || decoder->rows == duckdb_vector_size()) {
            end_chunk(decoder);
            VV_TRY(ahead_grow(op, decoder->look, ahead, &is_room));
            decoder->rows = 0;
        }
        if (!is_room)
            return VARVE_OK;
        if (vv_small_reader_fill(decoder->reader, &turn, ahead->chunks[ahead->len - 1],
                &decoder->rows) != VARVE_OK) {
            vv_forgive(&decoder->reader->op);
            return VARVE_OK;
        }
        if (decoder->rows < duckdb_vector_size())
            break;
    }
    *out_is_done = true;
    return VARVE_OK;
}

static varve_status look_into_piece(struct vv_op *op, void *data, size_t thread, size_t index)
{
    struct look *look = data;
    struct piece *piece = &look->pieces[index];
    VV_CLEANUP(decoder_done)
    struct decoder decoder = {.look = look, .ahead = &piece->ahead};
    (void)thread;
    VV_TRY(decoder_begin(op, &decoder));
    piece->is_decoded = atomic_load(&look->bytes) < AHEAD_BYTES_MAX;
    for (size_t i = 0; i < piece->len; i++) {
        VV_CLEANUP(vv_arena_done)
        struct vv_arena arena = VV_ARENA_INIT(VV_SMALL_THREAD_BYTES_MAX);
        struct vv_small_wanted *wanted = &piece->wanted[i];
        struct vv_small_file file = {
            .key = wanted->key, .sha256 = wanted->sha256, .index = wanted->index};
        VV_TRY(vv_check_cancel(op));
        VV_TRY(vv_small_look(op, look->files, &file, &arena, &file.kept));
        wanted->is_taken = file.kept != NULL;
        if (wanted->is_taken && piece->is_decoded)
            VV_TRY(decode(op, &decoder, &file, &piece->is_decoded));
        if (!piece->is_decoded)
            vv_small_ahead_done(&piece->ahead);
    }
    end_chunk(&decoder);
    if (piece->ahead.len > 0 && decoder.rows == 0)
        duckdb_destroy_data_chunk(&piece->ahead.chunks[--piece->ahead.len]);
    return VARVE_OK;
}

static varve_status take_piece(struct vv_op *op, struct vv_small_files *files,
    struct piece *piece)
{
    bool is_first = true;
    for (size_t i = 0; i < piece->len; i++) {
        const struct vv_small_wanted *wanted = &piece->wanted[i];
        struct vv_small_file file = {.key = wanted->key,
            .sha256 = wanted->sha256,
            .index = wanted->index,
            .is_passed = piece->is_decoded};
        if (!wanted->is_taken)
            continue;
        if (is_first && piece->ahead.len > 0)
            file.ahead = &piece->ahead;
        is_first = false;
        VV_TRY(vv_small_take(op, files, &file));
    }
    return VARVE_OK;
}

varve_status vv_small_files_add_ahead(struct vv_op *op, struct vv_small_files *files,
    struct vv_small_wanted *wanted, size_t len, size_t threads)
{
    struct look look = {.files = files,
        .pieces_len = (len + PIECE_FILES - 1) / PIECE_FILES,
        .row_bytes = 2 * sizeof(int64_t)};
    struct vv_small_ahead **aheads = NULL;
    VV_PRE(files->aheads_len == 0);
    look.pieces = vv_new(&files->arena, struct piece, look.pieces_len + 1);
    aheads = vv_new(&files->arena, struct vv_small_ahead *, look.pieces_len + 1);
    if (look.pieces == NULL || aheads == NULL)
        return vv_fail_memory(op);
    for (size_t i = 0; i < look.pieces_len; i++) {
        size_t first = i * PIECE_FILES;
        size_t left = len - first;
        look.pieces[i] = (struct piece){
            .wanted = &wanted[first], .len = left < PIECE_FILES ? left : PIECE_FILES};
        look.pieces[i].ahead.arena = VV_ARENA_INIT(AHEAD_BYTES_MAX);
        aheads[i] = &look.pieces[i].ahead;
    }
    files->aheads = aheads;
    files->aheads_len = look.pieces_len;
    for (size_t i = 0; i < files->columns_len; i++)
        look.row_bytes += vv_vector_value_bytes(&files->columns[i]);
    const struct vv_crew_work work = {
        .len = look.pieces_len, .run = look_into_piece, .data = &look};
    VV_TRY(vv_crew_run(op, threads, &work));
    for (size_t i = 0; i < look.pieces_len; i++)
        VV_TRY(take_piece(op, files, &look.pieces[i]));
    return VARVE_OK;
}
