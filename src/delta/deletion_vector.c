#include "delta/deletion_vector.h"

#include "base/hash.h"
#include "delta/path.h"
#include "delta/stats.h"
#include "delta/z85.h"
#include "store/source.h"

#define FILE_VERSION 1
#define NAME_CHARS 20 /* the UUID's 16 bytes as Z85; what is before it is a folder */
#define UUID_RAW_BYTES 16
#define FRAME_BYTES 4                    /* the size before a vector, the checksum behind it */
#define FILE_BYTES_MAX ((size_t)1 << 31) /* offsets in the log have 31 bits */

void vv_dv_reader_init(struct vv_dv_reader *reader, struct vv_store *store)
{
    *reader =
        (struct vv_dv_reader){.store = store, .arena = VV_ARENA_INIT(VV_OP_BYTES_DEFAULT)};
    reader->files = VV_MAP_INIT(&reader->arena);
}

void vv_dv_reader_done(struct vv_dv_reader *reader)
{
    vv_arena_done(&reader->arena);
}

static uint32_t big_endian_32(const char *bytes)
{
    uint32_t number = 0;
    memcpy(&number, bytes, sizeof(number));
    return __builtin_bswap32(number);
}

static void add_big_endian_32(struct vv_buf *out, uint32_t number)
{
    number = __builtin_bswap32(number);
    vv_buf_add(out, (struct vv_str){(const char *)&number, sizeof(number)});
}

/* "ab/deletion_vector_d2c639aa-8816-431a-aaf6-d3fe2512ff61.bin" of "ab^-aqEH.-t@S}K{vb[*k^". */
static varve_status relative_key(struct vv_op *op, struct vv_arena *arena, struct vv_str name,
    struct vv_str *out)
{
    static const char hex[] = "0123456789abcdef";
    VV_CLEANUP(vv_buf_done) struct vv_buf raw = VV_BUF_INIT(UUID_RAW_BYTES);
    VV_CLEANUP(vv_buf_done) struct vv_buf key = VV_BUF_INIT(VV_BUF_MAX);
    size_t folder_len = name.len < NAME_CHARS ? 0 : name.len - NAME_CHARS;
    if (name.len < NAME_CHARS || !vv_z85_decode(vv_str_skip(name, folder_len), &raw))
        return vv_fail(op, VARVE_ECORRUPT, "\"%.*s\" names no file", VV_ARG(name));
    if (!vv_buf_ok(&raw))
        return vv_fail_memory(op);
    vv_buf_add(&key, vv_str_first(name, folder_len));
    vv_buf_adds(&key, folder_len > 0 ? "/deletion_vector_" : "deletion_vector_");
    for (size_t i = 0; i < UUID_RAW_BYTES; i++) {
        unsigned char byte = (unsigned char)vv_buf_str(&raw).ptr[i];
        if (i == 4 || i == 6 || i == 8 || i == 10)
            vv_buf_addc(&key, '-');
        vv_buf_addc(&key, hex[byte >> 4]);
        vv_buf_addc(&key, hex[byte & 15]);
    }
    vv_buf_adds(&key, ".bin");
    *out = vv_arena_str(arena, vv_buf_str(&key));
    if (!vv_buf_ok(&key) || out->ptr == NULL)
        return vv_fail_memory(op);
    if (vv_key_fault(*out) != NULL)
        return vv_fail(op, VARVE_ECORRUPT, "its file's name \"%.*s\" %s", VV_ARG(*out),
            vv_key_fault(*out));
    return VARVE_OK;
}

varve_status vv_dv_key(struct vv_op *op, struct vv_arena *arena,
    const struct vv_deletion_vector *dv, struct vv_str *out, bool *out_absolute)
{
    *out_absolute = dv->storage == 'p';
    if (!*out_absolute)
        return relative_key(op, arena, dv->path_or_inline, out);
    VV_TRY(vv_path_decode(op, arena, dv->path_or_inline, out, out_absolute));
    if (!*out_absolute)
        return vv_fail(op, VARVE_ECORRUPT, "\"%.*s\" is no absolute path",
            VV_ARG(dv->path_or_inline));
    return VARVE_OK;
}

static varve_status read_absolute(struct vv_op *op, struct vv_arena *arena, struct vv_str key,
    struct vv_str *out)
{
    VV_CLEANUP(vv_source_close) struct vv_source source = VV_SOURCE_NONE;
    struct vv_object there;
    size_t len = 0;
    /* What is no file is none: a pipe would be waited for, a device copied without end. */
    VV_TRY(vv_source_head(op, key, &there));
    if ((uint64_t)there.bytes > FILE_BYTES_MAX)
        return vv_fail(op, VARVE_ELIMIT, "its file %.*s has %" PRId64 " bytes", VV_ARG(key),
            there.bytes);
    VV_TRY(vv_source_open(op, key, -1, key, &source));
    char *bytes = vv_new(arena, char, (size_t)source.bytes + 1);
    if (bytes == NULL)
        return vv_fail_memory(op);
    for (size_t got = 1; got > 0 && len < (size_t)source.bytes; len += got)
        VV_TRY(vv_source_read(op, &source, (int64_t)len, bytes + len,
            (size_t)source.bytes - len, &got));
    *out = (struct vv_str){bytes, len};
    return VARVE_OK;
}

/* All bytes of the file that a vector lies in. */
static varve_status fetch(struct vv_op *op, struct vv_dv_reader *reader,
    const struct vv_deletion_vector *dv, struct vv_str *out)
{
    struct vv_str name =
        vv_arena_format(&reader->arena, "%c%.*s", dv->storage, VV_ARG(dv->path_or_inline));
    if (name.ptr == NULL)
        return vv_fail_memory(op);
    struct vv_str *bytes = vv_map_get(&reader->files, name);
    if (bytes == NULL) {
        struct vv_str key;
        bool is_absolute = false;
        bytes = vv_new(&reader->arena, struct vv_str, 1);
        if (bytes == NULL)
            return vv_fail_memory(op);
        VV_TRY(vv_dv_key(op, &reader->arena, dv, &key, &is_absolute));
        if (is_absolute)
            VV_TRY(read_absolute(op, &reader->arena, key, bytes));
        else
            VV_TRY(vv_store_get(op, reader->store, &reader->arena, key, bytes));
        if (!vv_map_put(&reader->files, name, bytes, NULL))
            return vv_fail_memory(op);
    }
    *out = *bytes;
    return VARVE_OK;
}

/* The bytes of one vector within its file. */
static varve_status cut_out(struct vv_op *op, const struct vv_deletion_vector *dv,
    struct vv_str file, struct vv_str *out)
{
    size_t offset = (size_t)(dv->has_offset ? dv->offset : 0);
    size_t bytes = (size_t)dv->size_bytes;
    if (offset > 0 && file.len > 0 && file.ptr[0] != FILE_VERSION)
        return vv_fail(op, VARVE_EUNSUPPORTED,
            "its file has version %d of the format of deletion vectors, Varve reads version %d",
            file.ptr[0], FILE_VERSION);
    if (file.len < 2 * FRAME_BYTES || offset > file.len - 2 * FRAME_BYTES ||
        bytes > file.len - 2 * FRAME_BYTES - offset)
        return vv_fail(op, VARVE_ECORRUPT,
            "its file has %zu bytes, too few for %zu at offset %zu", file.len, bytes, offset);
    uint32_t stored_bytes = big_endian_32(file.ptr + offset);
    if (stored_bytes != bytes)
        return vv_fail(op, VARVE_ECORRUPT,
            "it has %" PRIu32 " bytes in its file, the log says %zu", stored_bytes, bytes);
    struct vv_str content = {file.ptr + offset + FRAME_BYTES, bytes};
    if (vv_crc32(content) != big_endian_32(content.ptr + bytes))
        return vv_fail(op, VARVE_ECORRUPT, "its bytes don't have the checksum in its file");
    *out = content;
    return VARVE_OK;
}

static varve_status read_inline(struct vv_op *op, struct vv_dv_reader *reader,
    const struct vv_deletion_vector *dv, struct vv_str *out)
{
    VV_CLEANUP(vv_buf_done) struct vv_buf raw = VV_BUF_INIT(VV_BUF_MAX);
    size_t bytes = (size_t)dv->size_bytes;
    if (!vv_z85_decode(dv->path_or_inline, &raw))
        return vv_fail(op, VARVE_ECORRUPT, "its text in the log is not Z85");
    /* Filled up to whole groups of four bytes. */
    if (vv_buf_ok(&raw) && (bytes > raw.len || raw.len - bytes >= 4))
        return vv_fail(op, VARVE_ECORRUPT, "its text in the log has %zu bytes, not %zu",
            raw.len, bytes);
    *out = vv_arena_str(&reader->arena, vv_str_first(vv_buf_str(&raw), bytes));
    return vv_buf_ok(&raw) && out->ptr != NULL ? VARVE_OK : vv_fail_memory(op);
}

static varve_status read_bytes(struct vv_op *op, struct vv_dv_reader *reader,
    const struct vv_deletion_vector *dv, struct vv_str *out)
{
    struct vv_str file = VV_STR_NONE;
    switch (dv->storage) {
    case 'i':
        return read_inline(op, reader, dv, out);
    case 'u':
    case 'p':
        VV_TRY(fetch(op, reader, dv, &file));
        return cut_out(op, dv, file, out);
    default:
        return vv_fail(op, VARVE_EUNSUPPORTED,
            "storage type \"%c\" of deletion vectors is none of u, p and i", dv->storage);
    }
}

/* What the log says of it, and of the file. */
static varve_status check(struct vv_op *op, const struct vv_file *file, int64_t file_rows,
    const struct vv_row_set *rows)
{
    int64_t len = vv_row_set_len(rows);
    int64_t greatest = vv_row_set_greatest(rows);
    if (len != file->dv->cardinality)
        return vv_fail(op, VARVE_ECORRUPT, "it holds %" PRId64 " rows, the log says %" PRId64,
            len, file->dv->cardinality);
    if (file_rows >= 0 && greatest >= file_rows)
        return vv_fail(op, VARVE_ECORRUPT,
            "it holds row %" PRId64 " of a file of %" PRId64 " rows", greatest, file_rows);
    return VARVE_OK;
}

static varve_status read_checked(struct vv_op *op, struct vv_dv_reader *reader,
    const struct vv_file *file, struct vv_row_set **out)
{
    VV_CLEANUP(vv_row_set_free) struct vv_row_set *rows = NULL;
    struct vv_str bytes;
    int64_t file_rows = -1;
    VV_TRY(read_bytes(op, reader, file->dv, &bytes));
    VV_TRY(vv_row_set_read(op, bytes, &rows));
    if (file->by_varve) /* others may have counted wrongly, and no answer is to hang on that */
        VV_TRY(vv_stats_rows(op, file, &file_rows));
    VV_TRY(check(op, file, file_rows, rows));
    *out = VV_MOVE(rows);
    return VARVE_OK;
}

varve_status vv_dv_read(struct vv_op *op, struct vv_dv_reader *reader,
    const struct vv_file *file, struct vv_row_set **out)
{
    VV_PRE(file->dv != NULL);
    if (read_checked(op, reader, file, out) != VARVE_OK)
        return vv_note(op, "deletion vector of file %.*s", VV_ARG(file->path));
    return VARVE_OK;
}

static unsigned char hex_value(char digit)
{
    return (unsigned char)(digit <= '9' ? digit - '0' : digit - 'a' + 10);
}

varve_status vv_dv_begin(struct vv_op *op, struct vv_arena *arena, struct vv_dv_writer *out)
{
    VV_CLEANUP(vv_buf_done) struct vv_buf name = VV_BUF_INIT(VV_BUF_MAX);
    char uuid[VV_UUID_BYTES];
    char raw[UUID_RAW_BYTES];
    size_t len = 0;
    VV_TRY(vv_uuid(op, uuid));
    for (size_t i = 0; i + 1 < VV_UUID_BYTES; i += uuid[i] == '-' ? 1 : 2)
        if (uuid[i] != '-')
            raw[len++] = (char)(hex_value(uuid[i]) << 4 | hex_value(uuid[i + 1]));
    vv_z85_encode((struct vv_str){raw, len}, &name);
    *out = (struct vv_dv_writer){.name = vv_arena_str(arena, vv_buf_str(&name)),
        .key = vv_arena_format(arena, "deletion_vector_%s.bin", uuid),
        .bytes = VV_BUF_INIT(FILE_BYTES_MAX)};
    if (!vv_buf_ok(&name) || out->name.ptr == NULL || out->key.ptr == NULL)
        return vv_fail_memory(op);
    vv_buf_addc(&out->bytes, FILE_VERSION);
    return VARVE_OK;
}

void vv_dv_writer_done(struct vv_dv_writer *writer)
{
    vv_buf_done(&writer->bytes);
}

varve_status vv_dv_add(struct vv_op *op, struct vv_dv_writer *writer, struct vv_row_set *rows,
    struct vv_deletion_vector *out)
{
    VV_CLEANUP(vv_buf_done) struct vv_buf content = VV_BUF_INIT(FILE_BYTES_MAX);
    size_t offset = writer->bytes.len;
    vv_row_set_write(rows, &content);
    add_big_endian_32(&writer->bytes, (uint32_t)content.len);
    vv_buf_add(&writer->bytes, vv_buf_str(&content));
    add_big_endian_32(&writer->bytes, vv_crc32(vv_buf_str(&content)));
    if (!vv_buf_ok(&content) || !vv_buf_ok(&writer->bytes))
        return vv_fail_memory(op);
    if (writer->bytes.len > INT32_MAX)
        return vv_fail(op, VARVE_ELIMIT,
            "the deletion vectors of one commit have more than 2 GiB: change fewer rows at "
            "once");
    *out = (struct vv_deletion_vector){.storage = 'u',
        .path_or_inline = writer->name,
        .has_offset = true,
        .offset = (int32_t)offset,
        .size_bytes = (int32_t)content.len,
        .cardinality = vv_row_set_len(rows)};
    return VARVE_OK;
}

varve_status vv_dv_store(struct vv_op *op, struct vv_store *store,
    const struct vv_dv_writer *writer)
{
    if (vv_store_put(op, store, writer->key, vv_buf_str(&writer->bytes)) != VARVE_OK)
        return vv_note(op, "write deletion vectors to %.*s", VV_ARG(writer->key));
    return VARVE_OK;
}
