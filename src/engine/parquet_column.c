#include "engine/parquet_column.h"

#include "engine/parquet_page.h"

#define INDEX_BITS_MAX 32

/* Values of one type: a dictionary, or those of the column. */
struct values {
    enum vv_pq_type type;
    int64_t *ints;
    double *doubles;
    struct vv_str *texts;
    size_t fixed_bytes; /* of each text; 0: their lengths stand before them */
    size_t len;
};

struct reader {
    struct vv_op *op;
    const struct vv_pq_chunk *chunk;
    const struct vv_pq_node *node;
    struct vv_arena *arena;
    struct values dictionary;
    struct values values;
    uint8_t *def, *rep;
    uint32_t *indexes; /* room for those of a page */
    size_t entries;    /* so far */
};

static varve_status fail_damaged(struct vv_op *op, const struct vv_pq_node *node)
{
    return vv_fail(op, VARVE_ECORRUPT, "column %.*s of the Parquet file is damaged",
        VV_ARG(node->name));
}

static bool is_text(enum vv_pq_type type)
{
    return type == VV_PQ_BYTES || type == VV_PQ_FIXED_BYTES;
}

static varve_status values_new(struct vv_op *op, struct vv_arena *arena,
    const struct vv_pq_node *node, size_t room, struct values *out)
{
    bool is_there = false;
    enum vv_pq_type type = node->type;
    *out = (struct values){.type = type};
    if (type == VV_PQ_FIXED_BYTES) {
        if (node->fixed_bytes < 1)
            return fail_damaged(op, node);
        out->fixed_bytes = (size_t)node->fixed_bytes;
    }
    if (is_text(type))
        is_there = (out->texts = vv_new(arena, struct vv_str, room + 1)) != NULL;
    else if (type == VV_PQ_FLOAT || type == VV_PQ_DOUBLE)
        is_there = (out->doubles = vv_new(arena, double, room + 1)) != NULL;
    else if (type == VV_PQ_BOOLEAN || type == VV_PQ_INT32 || type == VV_PQ_INT64)
        is_there = (out->ints = vv_new(arena, int64_t, room + 1)) != NULL;
    else
        return vv_fail(op, VARVE_EUNSUPPORTED, "a column of physical type %d", (int)type);
    return is_there ? VARVE_OK : vv_fail_memory(op);
}

/* Text is text: what is not valid UTF-8 is for the engine to complain about. */
static bool take_texts(struct vv_str *bytes, struct vv_str *out, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        uint32_t length = 0;
        if (bytes->len < sizeof(length))
            return false;
        memcpy(&length, bytes->ptr, sizeof(length));
        *bytes = vv_str_skip(*bytes, sizeof(length));
        if (length > bytes->len)
            return false;
        out[i] = vv_str_first(*bytes, length);
        *bytes = vv_str_skip(*bytes, length);
        if (!vv_utf8_valid(out[i]))
            return false;
    }
    return true;
}

/* Numbers of any width as the widest of their kind. */
static void take_ints(enum vv_pq_type type, const char *bytes, int64_t *out, size_t len)
{
    if (type == VV_PQ_INT64) {
        memcpy(out, bytes, len * sizeof(*out));
        return;
    }
    for (size_t i = 0; type == VV_PQ_BOOLEAN && i < len; i++)
        out[i] = (uint8_t)bytes[i / 8] >> i % 8 & 1;
    for (size_t i = 0; type == VV_PQ_INT32 && i < len; i++) {
        int32_t narrow = 0;
        memcpy(&narrow, bytes + i * sizeof(narrow), sizeof(narrow));
        out[i] = narrow;
    }
}

static void take_doubles(enum vv_pq_type type, const char *bytes, double *out, size_t len)
{
    if (type == VV_PQ_DOUBLE) {
        memcpy(out, bytes, len * sizeof(*out));
        return;
    }
    for (size_t i = 0; i < len; i++) {
        float narrow = 0;
        memcpy(&narrow, bytes + i * sizeof(narrow), sizeof(narrow));
        out[i] = (double)narrow;
    }
}

static bool take_fixed(struct vv_str bytes, size_t each, struct vv_str *out, size_t len)
{
    if (each == 0 || len > bytes.len / each)
        return false;
    for (size_t i = 0; i < len; i++)
        out[i] = (struct vv_str){bytes.ptr + i * each, each};
    return true;
}

/* `len` plain values behind those that are there; there is room. */
static bool take_plain(struct values *values, struct vv_str bytes, size_t len)
{
    if (values->type == VV_PQ_FIXED_BYTES) {
        if (!take_fixed(bytes, values->fixed_bytes, values->texts + values->len, len))
            return false;
    } else if (values->type == VV_PQ_BYTES) {
        if (!take_texts(&bytes, values->texts + values->len, len))
            return false;
    } else {
        size_t bits = values->type == VV_PQ_BOOLEAN                                ? 1
                      : values->type == VV_PQ_INT32 || values->type == VV_PQ_FLOAT ? 32
                                                                                   : 64;
        if (bytes.len < (len * bits + 7) / 8)
            return false;
        if (len > 0 && values->ints != NULL)
            take_ints(values->type, bytes.ptr, values->ints + values->len, len);
        else if (len > 0)
            take_doubles(values->type, bytes.ptr, values->doubles + values->len, len);
    }
    values->len += len;
    return true;
}

/* Truth values in runs, behind the length of these. */
static bool take_runs(struct reader *reader, struct vv_str bytes, size_t len)
{
    struct values *values = &reader->values;
    uint32_t length = 0;
    if (len == 0)
        return true;
    if (bytes.len < sizeof(length))
        return false;
    memcpy(&length, bytes.ptr, sizeof(length));
    bytes = vv_str_skip(bytes, sizeof(length));
    if (length > bytes.len ||
        !vv_pq_indexes(vv_str_first(bytes, length), 1, 1, reader->indexes, len))
        return false;
    for (size_t i = 0; i < len; i++)
        values->ints[values->len + i] = reader->indexes[i];
    values->len += len;
    return true;
}

static bool take_by_index(struct reader *reader, struct vv_str bytes, size_t len)
{
    struct values *values = &reader->values;
    const struct values *dictionary = &reader->dictionary;
    if (len == 0)
        return true;
    unsigned width = bytes.len > 0 ? (uint8_t)bytes.ptr[0] : INDEX_BITS_MAX + 1;
    if (width > INDEX_BITS_MAX || dictionary->len == 0 ||
        !vv_pq_indexes(vv_str_skip(bytes, 1), width, (uint32_t)dictionary->len - 1,
            reader->indexes, len))
        return false;
    for (size_t i = 0; values->texts != NULL && i < len; i++)
        values->texts[values->len + i] = dictionary->texts[reader->indexes[i]];
    for (size_t i = 0; values->ints != NULL && i < len; i++)
        values->ints[values->len + i] = dictionary->ints[reader->indexes[i]];
    for (size_t i = 0; values->doubles != NULL && i < len; i++)
        values->doubles[values->len + i] = dictionary->doubles[reader->indexes[i]];
    values->len += len;
    return true;
}

static varve_status read_dictionary(struct reader *reader, const struct vv_pq_page *page)
{
    if (page->encoding != VV_PQ_PLAIN && page->encoding != VV_PQ_OLD_DICTIONARY)
        return vv_fail(reader->op, VARVE_EUNSUPPORTED, "a dictionary of encoding %" PRId64,
            page->encoding);
    if (page->entries > page->values.len * 8) /* a value has a bit at least */
        return fail_damaged(reader->op, reader->node);
    VV_TRY(values_new(reader->op, reader->arena, reader->node, page->entries,
        &reader->dictionary));
    return take_plain(&reader->dictionary, page->values, page->entries)
               ? VARVE_OK
               : fail_damaged(reader->op, reader->node);
}

static varve_status read_data(struct reader *reader, const struct vv_pq_page *page)
{
    const struct vv_pq_node *node = reader->node;
    size_t present = page->entries;
    if (page->entries > (size_t)reader->chunk->values - reader->entries)
        return fail_damaged(reader->op, node);
    uint8_t *def = reader->def ? reader->def + reader->entries : NULL;
    if (def != NULL && !vv_pq_levels(page->def, node->def_max, def, page->entries))
        return fail_damaged(reader->op, node);
    if (reader->rep != NULL &&
        !vv_pq_levels(page->rep, node->rep_max, reader->rep + reader->entries, page->entries))
        return fail_damaged(reader->op, node);
    for (size_t i = 0; def != NULL && i < page->entries; i++)
        present -= def[i] != node->def_max;
    reader->entries += page->entries;
    bool is_right = false;
    if (page->encoding == VV_PQ_PLAIN)
        is_right = take_plain(&reader->values, page->values, present);
    else if (page->encoding == VV_PQ_DICTIONARY || page->encoding == VV_PQ_OLD_DICTIONARY)
        is_right = take_by_index(reader, page->values, present);
    else if (page->encoding == VV_PQ_RLE && node->type == VV_PQ_BOOLEAN)
        is_right = take_runs(reader, page->values, present);
    else
        return vv_fail(reader->op, VARVE_EUNSUPPORTED, "values of encoding %" PRId64,
            page->encoding);
    return is_right ? VARVE_OK : fail_damaged(reader->op, node);
}

static varve_status reader_begin(struct reader *reader, size_t entries)
{
    const struct vv_pq_node *node = reader->node;
    VV_TRY(values_new(reader->op, reader->arena, node, entries, &reader->values));
    reader->indexes = vv_new(reader->arena, uint32_t, entries + 1);
    if (node->def_max > 0)
        reader->def = vv_new(reader->arena, uint8_t, entries + 1);
    if (node->rep_max > 0)
        reader->rep = vv_new(reader->arena, uint8_t, entries + 1);
    bool is_there = reader->indexes != NULL && (node->def_max == 0 || reader->def != NULL) &&
                    (node->rep_max == 0 || reader->rep != NULL);
    return is_there ? VARVE_OK : vv_fail_memory(reader->op);
}

/* Where the pages of a column lie; false: not within the file, or they are of another column. */
static bool find_pages(const struct vv_pq_file *file, const struct vv_pq_group *group,
    uint32_t leaf, struct vv_str *out)
{
    const struct vv_pq_chunk *chunk = &group->chunks[leaf];
    const struct vv_pq_node *node = file->leaves[leaf];
    if (chunk->offset < 0 || chunk->bytes < 0 || chunk->values < 0 ||
        chunk->type != node->type || (uint64_t)chunk->offset > file->bytes.len ||
        (uint64_t)chunk->bytes > file->bytes.len - (uint64_t)chunk->offset ||
        (node->rep_max == 0 && chunk->values != group->rows))
        return false;
    *out = vv_str_first(vv_str_skip(file->bytes, (size_t)chunk->offset), (size_t)chunk->bytes);
    return true;
}

static bool is_known_encoding(const struct vv_pq_passed *page, const struct vv_pq_node *node)
{
    if (page->type != VV_PQ_DATA && page->type != VV_PQ_DATA_V2 &&
        page->type != VV_PQ_DICTIONARY_PAGE)
        return false;
    if (page->type == VV_PQ_DICTIONARY_PAGE)
        return page->encoding == VV_PQ_PLAIN || page->encoding == VV_PQ_OLD_DICTIONARY;
    return page->encoding == VV_PQ_PLAIN || page->encoding == VV_PQ_DICTIONARY ||
           page->encoding == VV_PQ_OLD_DICTIONARY ||
           (page->encoding == VV_PQ_RLE && node->type == VV_PQ_BOOLEAN);
}

bool vv_pq_is_known(const struct vv_pq_file *file, const struct vv_pq_group *group,
    uint32_t leaf, size_t *bytes)
{
    const struct vv_pq_chunk *chunk = &group->chunks[leaf];
    const struct vv_pq_node *node = file->leaves[leaf];
    const size_t value_bytes =
        (is_text(node->type) ? sizeof(struct vv_str) : sizeof(int64_t)) + 2;
    struct vv_str rest;
    size_t text_bytes = 0; /* of one of the dictionary, about */
    if (node->type == VV_PQ_INT96 || !find_pages(file, group, leaf, &rest))
        return false;
    for (size_t entries = 0; entries < (size_t)chunk->values;) {
        struct vv_pq_passed page;
        if (!vv_pq_pass_page(&rest, chunk, node, &page))
            return false;
        *bytes += page.unpacked_bytes;
        if (page.type == VV_PQ_INDEX)
            continue;
        if (!is_known_encoding(&page, node))
            return false;
        *bytes += page.entries * value_bytes;
        if (page.type == VV_PQ_DICTIONARY_PAGE) {
            if (node->type == VV_PQ_BYTES && page.entries > 0)
                text_bytes = page.unpacked_bytes / page.entries;
            continue;
        }
        entries += page.entries;
        if (page.encoding == VV_PQ_DICTIONARY || page.encoding == VV_PQ_OLD_DICTIONARY)
            *bytes += page.entries * text_bytes;
    }
    *bytes += (size_t)chunk->values * sizeof(uint32_t); /* indexes */
    return true;
}

varve_status vv_pq_read_column(struct vv_op *op, const struct vv_pq_file *file,
    const struct vv_pq_group *group, uint32_t leaf, struct vv_arena *arena,
    struct vv_pq_column *out)
{
    const struct vv_pq_chunk *chunk = &group->chunks[leaf];
    struct vv_str rest;
    struct reader reader = {
        .op = op, .chunk = chunk, .node = file->leaves[leaf], .arena = arena};
    if (!find_pages(file, group, leaf, &rest))
        return fail_damaged(op, reader.node);
    VV_TRY(reader_begin(&reader, (size_t)chunk->values));
    while (reader.entries < (size_t)chunk->values) {
        struct vv_pq_page page;
        VV_TRY(vv_pq_take_page(op, &rest, chunk, reader.node, arena, &page));
        if (page.type == VV_PQ_DICTIONARY_PAGE)
            VV_TRY(read_dictionary(&reader, &page));
        else if (page.type == VV_PQ_DATA || page.type == VV_PQ_DATA_V2)
            VV_TRY(read_data(&reader, &page));
    }
    *out = (struct vv_pq_column){.node = reader.node,
        .def = reader.def,
        .rep = reader.rep,
        .entries = reader.entries,
        .values_len = reader.values.len,
        .ints = reader.values.ints,
        .doubles = reader.values.doubles,
        .texts = reader.values.texts};
    return VARVE_OK;
}
