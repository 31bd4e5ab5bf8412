#include "engine/parquet_page.h"

#include <snappy-c.h>
#include <zstd.h>

#include "base/gzip.h"
#include "engine/thrift.h"

enum codec {
    CODEC_NONE = 0,
    CODEC_SNAPPY = 1,
    CODEC_GZIP = 2,
    CODEC_ZSTD = 6
};

struct header {
    int64_t type, unpacked_bytes, packed_bytes;
    int64_t entries, encoding, def_encoding, rep_encoding;
    int64_t def_bytes, rep_bytes; /* of version 2 */
    bool is_packed;
};

/* The fields of the three kinds of pages, which have much in common. */
static void read_kind(struct vv_thrift *in, bool is_v2, struct header *header)
{
    struct vv_thrift_field field = {0};
    while (vv_thrift_next(in, &field)) {
        if (field.id == 1)
            header->entries = vv_thrift_int(in, &field);
        else if (field.id == (is_v2 ? 4 : 2))
            header->encoding = vv_thrift_int(in, &field);
        else if (!is_v2 && field.id == 3 && field.type == VV_THRIFT_I32)
            header->def_encoding = vv_thrift_int(in, &field);
        else if (!is_v2 && field.id == 4)
            header->rep_encoding = vv_thrift_int(in, &field);
        else if (is_v2 && field.id == 5)
            header->def_bytes = vv_thrift_int(in, &field);
        else if (is_v2 && field.id == 6)
            header->rep_bytes = vv_thrift_int(in, &field);
        else if (is_v2 && field.id == 7)
            header->is_packed = vv_thrift_bool(in, &field);
        else
            vv_thrift_skip(in, &field);
    }
}

static bool read_header(struct vv_thrift *in, struct header *header)
{
    struct vv_thrift_field field = {0};
    *header = (struct header){
        .type = -1, .is_packed = true, .def_encoding = VV_PQ_RLE, .rep_encoding = VV_PQ_RLE};
    while (vv_thrift_next(in, &field)) {
        if (field.id == 1)
            header->type = vv_thrift_int(in, &field);
        else if (field.id == 2)
            header->unpacked_bytes = vv_thrift_int(in, &field);
        else if (field.id == 3)
            header->packed_bytes = vv_thrift_int(in, &field);
        else if ((field.id == 5 || field.id == 7 || field.id == 8) &&
                 vv_thrift_struct(in, &field))
            read_kind(in, field.id == 8, header);
        else
            vv_thrift_skip(in, &field);
    }
    return !in->failed && header->packed_bytes >= 0 && header->unpacked_bytes >= 0 &&
           (uint64_t)header->packed_bytes <= in->rest.len && header->entries >= 0 &&
           header->entries <= INT32_MAX && header->unpacked_bytes <= INT32_MAX;
}

/* False where it is no Snappy, or of another length. */
static bool unpack_snappy(struct vv_str packed, char *out, size_t bytes)
{
    size_t len = 0;
    return snappy_uncompressed_length(packed.ptr, packed.len, &len) == SNAPPY_OK &&
           len == bytes && snappy_uncompress(packed.ptr, packed.len, out, &len) == SNAPPY_OK &&
           len == bytes;
}

/* A page may be of several members, which are not known here. */
static varve_status unpack_gzip(struct vv_op *op, struct vv_str packed, size_t bytes,
    struct vv_arena *arena, struct vv_str *out)
{
    varve_status status = vv_gunzip(op, arena, packed, bytes, out);
    return status == VARVE_ECORRUPT ? vv_recode(op, VARVE_EUNSUPPORTED) : status;
}

static varve_status unpack(struct vv_op *op, int32_t codec, struct vv_str packed, size_t bytes,
    struct vv_arena *arena, struct vv_str *out)
{
    if (codec == CODEC_NONE || bytes == 0) {
        *out = vv_str_first(packed, bytes);
        return packed.len >= bytes
                   ? VARVE_OK
                   : vv_fail(op, VARVE_ECORRUPT, "a page is shorter than it says");
    }
    if (codec == CODEC_GZIP)
        return unpack_gzip(op, packed, bytes, arena, out);
    if (codec != CODEC_SNAPPY && codec != CODEC_ZSTD)
        return vv_fail(op, VARVE_EUNSUPPORTED, "pages are compressed by codec %" PRId32, codec);
    char *unpacked = vv_new(arena, char, bytes);
    if (unpacked == NULL)
        return vv_fail_memory(op);
    bool is_right = codec == CODEC_SNAPPY
                        ? unpack_snappy(packed, unpacked, bytes)
                        : ZSTD_decompress(unpacked, bytes, packed.ptr, packed.len) == bytes;
    *out = (struct vv_str){unpacked, bytes};
    return is_right ? VARVE_OK
                    : vv_fail(op, VARVE_ECORRUPT, "a compressed page can't be unpacked");
}

/* Levels of version 1 stand in front of the values, each kind behind its length. */
static bool take_levels(struct vv_str *rest, uint8_t max, struct vv_str *out)
{
    uint32_t length = 0;
    *out = VV_STR("");
    if (max == 0)
        return true;
    if (rest->len < sizeof(length))
        return false;
    memcpy(&length, rest->ptr, sizeof(length));
    *rest = vv_str_skip(*rest, sizeof(length));
    if (length > rest->len)
        return false;
    *out = vv_str_first(*rest, length);
    *rest = vv_str_skip(*rest, length);
    return true;
}

static bool has_known_levels(const struct header *header, const struct vv_pq_node *node)
{
    return (node->def_max == 0 || header->def_encoding == VV_PQ_RLE) &&
           (node->rep_max == 0 || header->rep_encoding == VV_PQ_RLE);
}

static varve_status take_v1(struct vv_op *op, const struct header *header,
    const struct vv_pq_chunk *chunk, const struct vv_pq_node *node, struct vv_str packed,
    struct vv_arena *arena, struct vv_pq_page *page)
{
    VV_TRY(unpack(op, chunk->codec, packed, (size_t)header->unpacked_bytes, arena,
        &page->values));
    if (page->type == VV_PQ_DICTIONARY_PAGE)
        return VARVE_OK;
    if (!has_known_levels(header, node))
        return vv_fail(op, VARVE_EUNSUPPORTED, "levels are encoded in an old way");
    if (take_levels(&page->values, node->rep_max, &page->rep) &&
        take_levels(&page->values, node->def_max, &page->def))
        return VARVE_OK;
    return vv_fail(op, VARVE_ECORRUPT, "the levels of a page are longer than the page");
}

/* Levels of version 2 stand in front as well, and are never compressed. */
static varve_status take_v2(struct vv_op *op, const struct header *header,
    const struct vv_pq_chunk *chunk, struct vv_str packed, struct vv_arena *arena,
    struct vv_pq_page *page)
{
    if (header->rep_bytes < 0 || header->def_bytes < 0 ||
        header->rep_bytes > (int64_t)packed.len ||
        header->def_bytes > (int64_t)packed.len - header->rep_bytes ||
        header->rep_bytes + header->def_bytes > header->unpacked_bytes)
        return vv_fail(op, VARVE_ECORRUPT, "the levels of a page are longer than the page");
    size_t bytes = (size_t)(header->unpacked_bytes - header->rep_bytes - header->def_bytes);
    page->rep = vv_str_first(packed, (size_t)header->rep_bytes);
    packed = vv_str_skip(packed, page->rep.len);
    page->def = vv_str_first(packed, (size_t)header->def_bytes);
    packed = vv_str_skip(packed, page->def.len);
    return unpack(op, header->is_packed ? chunk->codec : CODEC_NONE, packed, bytes, arena,
        &page->values);
}

varve_status vv_pq_take_page(struct vv_op *op, struct vv_str *rest,
    const struct vv_pq_chunk *chunk, const struct vv_pq_node *node, struct vv_arena *arena,
    struct vv_pq_page *out)
{
    struct vv_thrift in = {.rest = *rest};
    struct header header;
    struct vv_pq_page page = {0};
    if (!read_header(&in, &header))
        return vv_fail(op, VARVE_ECORRUPT, "the header of a page is damaged");
    struct vv_str packed = vv_str_first(in.rest, (size_t)header.packed_bytes);
    *rest = vv_str_skip(in.rest, packed.len);
    page.type = (enum vv_pq_page_type)header.type;
    page.entries = (uint32_t)header.entries;
    page.encoding = header.encoding;
    if (page.type == VV_PQ_DATA || page.type == VV_PQ_DICTIONARY_PAGE)
        VV_TRY(take_v1(op, &header, chunk, node, packed, arena, &page));
    else if (page.type == VV_PQ_DATA_V2)
        VV_TRY(take_v2(op, &header, chunk, packed, arena, &page));
    *out = page;
    return VARVE_OK;
}

bool vv_pq_pass_page(struct vv_str *rest, const struct vv_pq_chunk *chunk,
    const struct vv_pq_node *node, struct vv_pq_passed *out)
{
    struct vv_thrift in = {.rest = *rest};
    struct header header;
    if (!read_header(&in, &header))
        return false;
    *rest = vv_str_skip(in.rest, (size_t)header.packed_bytes);
    *out = (struct vv_pq_passed){.type = (enum vv_pq_page_type)header.type,
        .entries = (uint32_t)header.entries,
        .encoding = header.encoding,
        .unpacked_bytes = (size_t)header.unpacked_bytes};
    if (out->type == VV_PQ_DATA && !has_known_levels(&header, node))
        return false;
    return chunk->codec == CODEC_NONE || chunk->codec == CODEC_SNAPPY ||
           chunk->codec == CODEC_ZSTD;
}

/* A run: `len` times `value`, or so many packed ones. */
struct run {
    size_t len;
    uint32_t value;
    bool is_packed;
    struct vv_str packed;
};

static bool take_varint(struct vv_str *rest, uint64_t *out)
{
    *out = 0;
    for (unsigned shift = 0; shift < 35; shift += 7) {
        if (rest->len == 0)
            return false;
        uint8_t byte = (uint8_t)rest->ptr[0];
        *rest = vv_str_skip(*rest, 1);
        *out |= (uint64_t)(byte & 0x7F) << shift;
        if (byte < 0x80)
            return true;
    }
    return false;
}

/* A run of packed values may be cut at the end of the page, where the last are only padding. */
static bool take_run(struct vv_str *rest, unsigned width, struct run *run)
{
    uint64_t head = 0;
    if (!take_varint(rest, &head))
        return false;
    *run = (struct run){.len = (size_t)(head >> 1), .is_packed = head & 1};
    if (run->is_packed) {
        size_t bytes = run->len * width;
        run->len *= 8;
        run->packed = vv_str_first(*rest, bytes);
        if (run->packed.len < bytes && width > 0)
            run->len = run->packed.len * 8 / width;
        *rest = vv_str_skip(*rest, run->packed.len);
        return run->len > 0;
    }
    size_t bytes = (width + 7) / 8;
    if (rest->len < bytes)
        return false;
    for (size_t i = 0; i < bytes; i++)
        run->value |= (uint32_t)(uint8_t)rest->ptr[i] << 8 * i;
    *rest = vv_str_skip(*rest, bytes);
    return run->len > 0;
}

/* The number that begins at a bit; it lies within the bytes. */
static uint32_t number_at(struct vv_str bytes, size_t bit, unsigned width)
{
    uint64_t window = 0;
    size_t from = bit / 8;
    if (bytes.ptr == NULL) /* of a width of 0 there are none */
        return 0;
    if (bytes.len - from >= sizeof(window))
        memcpy(&window, bytes.ptr + from, sizeof(window));
    else if (bytes.len > from)
        memcpy(&window, bytes.ptr + from, bytes.len - from);
    return (uint32_t)(window >> bit % 8 & ((UINT64_C(1) << width) - 1));
}

bool vv_pq_levels(struct vv_str runs, uint8_t max, uint8_t *out, size_t len)
{
    unsigned width = 0;
    while (max >> width > 0)
        width++;
    for (size_t done = 0; done < len;) {
        struct run run;
        if (!take_run(&runs, width, &run))
            return false;
        size_t take = run.len < len - done ? run.len : len - done;
        if (!run.is_packed) {
            if (run.value > max)
                return false;
            memset(out + done, (int)run.value, take);
        }
        for (size_t i = 0; run.is_packed && i < take; i++) {
            uint32_t value = number_at(run.packed, i * width, width);
            if (value > max)
                return false;
            out[done + i] = (uint8_t)value;
        }
        done += take;
    }
    return true;
}

bool vv_pq_indexes(struct vv_str runs, unsigned width, uint32_t max, uint32_t *out, size_t len)
{
    for (size_t done = 0; done < len;) {
        struct run run;
        if (!take_run(&runs, width, &run))
            return false;
        size_t take = run.len < len - done ? run.len : len - done;
        if (!run.is_packed && run.value > max)
            return false;
        for (size_t i = 0; !run.is_packed && i < take; i++)
            out[done + i] = run.value;
        for (size_t i = 0; run.is_packed && i < take; i++) {
            uint32_t value = number_at(run.packed, i * width, width);
            if (value > max)
                return false;
            out[done + i] = value;
        }
        done += take;
    }
    return true;
}
