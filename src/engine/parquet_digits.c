#include "engine/parquet_digits.h"

#include "engine/parquet_page.h"

#define NS_PER_US 1000
#define US_PER_DAY INT64_C(86400000000)
#define JULIAN_DAY_1970 2440588
#define INT96_BYTES 12 /* nanoseconds of the day, and the day: 8 and 4 bytes */
#define INDEX_BITS_MAX 32
#define CHUNK_BYTES_MAX ((size_t)2 << 30) /* of a column in a row group, packed */
#define PAGE_BYTES_MAX \
    ((size_t)256 << 20) /* unpacked, with its levels: a few bytes can ask for any */

/* A column of a row group on its way. */
struct look {
    struct vv_op *op;
    const struct vv_pq_chunk *chunk;
    const struct vv_pq_node *node;
    const struct vv_pq_fine_taker *to;
    struct vv_arena kept;     /* its bytes, and its dictionary */
    struct vv_arena passing;  /* of a page */
    struct vv_str dictionary; /* plain values */
    bool has_fine;            /* the dictionary has one */
    uint32_t leaf;
    int64_t row; /* that the last entry was of */
    int64_t entries;
};

static void look_done(struct look *look)
{
    vv_arena_done(&look->kept);
    vv_arena_done(&look->passing);
}

varve_status vv_pq_read_footer(struct vv_op *op, const struct vv_pq_bytes *from,
    struct vv_arena *arena, struct vv_pq_file *out)
{
    char tail[VV_PQ_TAIL_BYTES] = {0};
    uint32_t length = 0;
    size_t got = 0;
    int64_t left = from->len - VV_PQ_TAIL_BYTES;
    if (left >= 0)
        VV_TRY(from->read(op, from->data, left, tail, sizeof(tail), &got));
    memcpy(&length, tail, got == sizeof(tail) ? sizeof(length) : 0);
    if (got < sizeof(tail) ||
        !vv_str_eq((struct vv_str){tail + sizeof(length), 4}, VV_STR(VV_PQ_MAGIC)) ||
        length > left)
        return vv_fail(op, VARVE_ECORRUPT, "it is no Parquet file");
    char *footer = vv_new(arena, char, (size_t)length + 1);
    if (footer == NULL)
        return vv_fail_memory(op);
    VV_TRY(from->read(op, from->data, left - length, footer, length, &got));
    return vv_pq_open_footer(op, (struct vv_str){footer, got}, arena, out);
}

static size_t value_bytes(const struct vv_pq_node *node)
{
    return node->type == VV_PQ_INT96 ? INT96_BYTES : sizeof(int64_t);
}

/* Below the microsecond, counted from the one before it, also before 1970. */
static int64_t digits_of(const char *value)
{
    int64_t nanos = 0;
    memcpy(&nanos, value, sizeof(nanos));
    int64_t digits = nanos % NS_PER_US;
    return digits < 0 ? digits + NS_PER_US : digits;
}

/* A time that no microsecond reaches is as late as one can be. */
static int64_t us_of(const struct vv_pq_node *node, const char *value)
{
    int64_t nanos = 0, us = 0;
    int32_t day = JULIAN_DAY_1970;
    memcpy(&nanos, value, sizeof(nanos));
    if (node->type == VV_PQ_INT96)
        memcpy(&day, value + sizeof(nanos), sizeof(day));
    int64_t of_day = nanos / NS_PER_US - (nanos % NS_PER_US < 0);
    bool is_out = __builtin_mul_overflow((int64_t)day - JULIAN_DAY_1970, US_PER_DAY, &us) ||
                  __builtin_add_overflow(us, of_day, &us);
    return is_out ? INT64_MAX : us;
}

static bool has_fine(const struct vv_pq_node *node, struct vv_str values)
{
    size_t each = value_bytes(node);
    for (size_t at = 0; at + each <= values.len; at += each)
        if (digits_of(values.ptr + at) != 0)
            return true;
    return false;
}

static varve_status fail_damaged(const struct look *look)
{
    return vv_fail(look->op, VARVE_ECORRUPT, "column %.*s of the Parquet file is damaged",
        VV_ARG(look->node->name));
}

static varve_status look_at_dictionary(struct look *look, const struct vv_pq_page *page)
{
    if (page->encoding != VV_PQ_PLAIN && page->encoding != VV_PQ_OLD_DICTIONARY)
        return vv_fail(look->op, VARVE_EUNSUPPORTED, "a dictionary of encoding %" PRId64,
            page->encoding);
    look->dictionary = page->values;
    look->has_fine = has_fine(look->node, page->values);
    return VARVE_OK;
}

/* Levels of a page; NULL: the column has none. */
static varve_status levels_read(struct look *look, struct vv_str runs, uint8_t max, size_t len,
    uint8_t **out)
{
    *out = NULL;
    if (max == 0)
        return VARVE_OK;
    *out = vv_new(&look->passing, uint8_t, len + 1);
    if (*out == NULL)
        return vv_fail_memory(look->op);
    return vv_pq_levels(runs, max, *out, len) ? VARVE_OK : fail_damaged(look);
}

/* What a page has, entry by entry. */
struct page_values {
    const uint8_t *def, *rep;
    const uint32_t *indexes; /* into the dictionary; NULL: `values` are the values */
    struct vv_str values;
};

static varve_status indexes_read(struct look *look, struct vv_str bytes, size_t len,
    struct page_values *out)
{
    uint32_t *indexes = vv_new(&look->passing, uint32_t, len + 1);
    size_t known = look->dictionary.len / value_bytes(look->node);
    unsigned width = bytes.len > 0 ? (uint8_t)bytes.ptr[0] : INDEX_BITS_MAX + 1;
    if (indexes == NULL)
        return vv_fail_memory(look->op);
    if (len > 0 &&
        (known == 0 || width > INDEX_BITS_MAX ||
            !vv_pq_indexes(vv_str_skip(bytes, 1), width, (uint32_t)known - 1, indexes, len)))
        return fail_damaged(look);
    out->indexes = indexes;
    out->values = look->dictionary;
    return VARVE_OK;
}

static varve_status fine_take(struct look *look, const struct page_values *page, size_t entries)
{
    size_t each = value_bytes(look->node);
    size_t value = 0;
    for (size_t entry = 0; entry < entries; entry++) {
        look->row += page->rep == NULL || page->rep[entry] == 0;
        if (page->def != NULL && page->def[entry] != look->node->def_max)
            continue;
        size_t at = page->indexes != NULL ? page->indexes[value] : value;
        const char *bytes = page->values.ptr + at * each;
        value++;
        if (digits_of(bytes) == 0)
            continue;
        struct vv_pq_fine fine = {
            look->leaf, look->row, us_of(look->node, bytes), digits_of(bytes)};
        VV_TRY(look->to->take(look->op, look->to->data, &fine));
    }
    return VARVE_OK;
}

static varve_status look_at_data(struct look *look, const struct vv_pq_page *page)
{
    struct page_values values = {.values = page->values};
    size_t present = page->entries;
    uint8_t *def = NULL, *rep = NULL;
    bool by_index =
        page->encoding == VV_PQ_DICTIONARY || page->encoding == VV_PQ_OLD_DICTIONARY;
    if (!by_index && page->encoding != VV_PQ_PLAIN)
        return vv_fail(look->op, VARVE_EUNSUPPORTED, "values of encoding %" PRId64,
            page->encoding);
    VV_TRY(levels_read(look, page->rep, look->node->rep_max, page->entries, &rep));
    if (!(by_index ? look->has_fine : has_fine(look->node, page->values))) {
        for (size_t i = 0; i < page->entries; i++)
            look->row += rep == NULL || rep[i] == 0;
        return VARVE_OK;
    }
    VV_TRY(levels_read(look, page->def, look->node->def_max, page->entries, &def));
    for (size_t i = 0; def != NULL && i < page->entries; i++)
        present -= def[i] != look->node->def_max;
    values.def = def;
    values.rep = rep;
    if (by_index)
        VV_TRY(indexes_read(look, page->values, present, &values));
    else if (present > page->values.len / value_bytes(look->node))
        return fail_damaged(look);
    return fine_take(look, &values, page->entries);
}

static varve_status look_at_pages(struct look *look, struct vv_str rest)
{
    while (look->entries < look->chunk->values) {
        struct vv_pq_page page;
        /* A dictionary, which comes first, stays for the pages behind it. */
        struct vv_arena *arena = look->entries == 0 ? &look->kept : &look->passing;
        VV_TRY(vv_check_cancel(look->op));
        VV_TRY(vv_pq_take_page(look->op, &rest, look->chunk, look->node, arena, &page));
        if (page.type == VV_PQ_DICTIONARY_PAGE) {
            if (look->entries > 0) /* it would go with the page that it came in */
                return fail_damaged(look);
            VV_TRY(look_at_dictionary(look, &page));
        } else if (page.type == VV_PQ_DATA || page.type == VV_PQ_DATA_V2) {
            if ((int64_t)page.entries > (int64_t)look->chunk->values - (int64_t)look->entries)
                return fail_damaged(look);
            VV_TRY(look_at_data(look, &page));
            look->entries += page.entries;
        }
        vv_arena_done(&look->passing);
    }
    return VARVE_OK;
}

static varve_status look_at_chunk(struct look *look, const struct vv_pq_bytes *from)
{
    const struct vv_pq_chunk *chunk = look->chunk;
    size_t got = 0;
    if (chunk->offset < 0 || chunk->bytes < 0 || chunk->offset > from->len ||
        chunk->bytes > from->len - chunk->offset || chunk->type != look->node->type)
        return fail_damaged(look);
    char *bytes = vv_new(&look->kept, char, (size_t)chunk->bytes + 1);
    if (bytes == NULL)
        return vv_fail_memory(look->op);
    VV_TRY(from->read(look->op, from->data, chunk->offset, bytes, (size_t)chunk->bytes, &got));
    return look_at_pages(look, (struct vv_str){bytes, got});
}

varve_status vv_pq_find_fine(struct vv_op *op, const struct vv_pq_bytes *from,
    const struct vv_pq_file *file, uint32_t leaf, const struct vv_pq_fine_taker *to)
{
    int64_t rows_before = 0;
    VV_PRE(leaf < file->leaves_len && vv_pq_is_cut(file->leaves[leaf]));
    for (size_t i = 0; i < file->groups_len; i++) {
        VV_CLEANUP(look_done)
        struct look look = {.op = op,
            .chunk = &file->groups[i].chunks[leaf],
            .node = file->leaves[leaf],
            .to = to,
            .kept = VV_ARENA_INIT(CHUNK_BYTES_MAX),
            .passing = VV_ARENA_INIT(PAGE_BYTES_MAX),
            .leaf = leaf,
            .row = rows_before - 1};
        VV_TRY(look_at_chunk(&look, from));
        /* A row that is counted otherwise would bear another one's digits. */
        if (__builtin_add_overflow(rows_before, file->groups[i].rows, &rows_before) ||
            look.row + 1 != rows_before)
            return fail_damaged(&look);
    }
    return VARVE_OK;
}
