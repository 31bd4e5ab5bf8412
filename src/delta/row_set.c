#include "delta/row_set.h"

#include <roaring/roaring.h>

#include "base/seam.h"

#define MAGIC_PORTABLE 1681511377u
#define MAGIC_NATIVE 1681511376u
#define BLOCK_ROWS 1024

/* The rows with one upper half. */
struct part {
    uint32_t high;
    roaring_bitmap_t *low;
};

struct vv_row_set {
    struct part *parts; /* by `high`, ascending */
    size_t len;
    size_t capacity;
};

struct vv_row_set *vv_row_set_new(void)
{
    return vv_malloc_zeroed(sizeof(struct vv_row_set));
}

void vv_row_set_free(struct vv_row_set **set)
{
    struct vv_row_set *freed = VV_MOVE(*set);
    if (freed == NULL)
        return;
    for (size_t i = 0; i < freed->len; i++)
        roaring_bitmap_free(freed->parts[i].low);
    vv_free(freed->parts);
    vv_free(freed);
}

/* Index of the first part that is not below. */
static size_t place_of(const struct vv_row_set *set, uint32_t high)
{
    size_t at = 0;
    while (at < set->len && set->parts[at].high < high)
        at++;
    return at;
}

static const roaring_bitmap_t *find_part(const struct vv_row_set *set, uint32_t high)
{
    size_t at = place_of(set, high);
    return at < set->len && set->parts[at].high == high ? set->parts[at].low : NULL;
}

static bool grow(struct vv_row_set *set)
{
    if (set->len < set->capacity)
        return true;
    size_t capacity = set->capacity > 0 ? set->capacity * 2 : 1;
    struct part *parts = vv_realloc(set->parts, capacity * sizeof(*parts));
    if (parts == NULL)
        return false;
    set->parts = parts;
    set->capacity = capacity;
    return true;
}

/* Takes `low` over, on failure too; there must be no such part yet. */
static bool add_part(struct vv_row_set *set, uint32_t high, roaring_bitmap_t *low)
{
    if (low == NULL || !grow(set)) {
        if (low != NULL)
            roaring_bitmap_free(low);
        return false;
    }
    size_t at = place_of(set, high);
    memmove(set->parts + at + 1, set->parts + at, (set->len - at) * sizeof(*set->parts));
    set->parts[at] = (struct part){high, low};
    set->len++;
    return true;
}

/* The part's bitmap, made where it is not there. */
static roaring_bitmap_t *need_part(struct vv_row_set *set, uint32_t high)
{
    size_t at = place_of(set, high);
    if (at < set->len && set->parts[at].high == high)
        return set->parts[at].low;
    return add_part(set, high, roaring_bitmap_create()) ? set->parts[at].low : NULL;
}

static uint32_t high_of(int64_t row)
{
    return (uint32_t)(row >> 32);
}

static uint32_t low_of(int64_t row)
{
    return (uint32_t)(row & UINT32_MAX);
}

bool vv_row_set_add(struct vv_row_set *set, const int64_t *rows, size_t len)
{
    for (size_t at = 0; at < len;) {
        uint32_t block[BLOCK_ROWS];
        size_t block_len = 0;
        uint32_t high = high_of(rows[at]);
        VV_PRE(rows[at] >= 0);
        roaring_bitmap_t *low = need_part(set, high);
        if (low == NULL)
            return false;
        while (at < len && block_len < BLOCK_ROWS && high_of(rows[at]) == high)
            block[block_len++] = low_of(rows[at++]);
        roaring_bitmap_add_many(low, block_len, block);
    }
    return true;
}

bool vv_row_set_unite(struct vv_row_set *set, const struct vv_row_set *other)
{
    for (size_t i = 0; i < other->len; i++) {
        roaring_bitmap_t *low = need_part(set, other->parts[i].high);
        if (low == NULL)
            return false;
        roaring_bitmap_or_inplace(low, other->parts[i].low);
    }
    return true;
}

int64_t vv_row_set_len(const struct vv_row_set *set)
{
    int64_t len = 0;
    for (size_t i = 0; i < set->len; i++)
        len += (int64_t)roaring_bitmap_get_cardinality(set->parts[i].low);
    return len;
}

int64_t vv_row_set_greatest(const struct vv_row_set *set)
{
    for (size_t i = set->len; i > 0; i--)
        if (!roaring_bitmap_is_empty(set->parts[i - 1].low))
            return (int64_t)set->parts[i - 1].high << 32 |
                   (int64_t)roaring_bitmap_maximum(set->parts[i - 1].low);
    return -1;
}

bool vv_row_set_overlaps(const struct vv_row_set *set, const struct vv_row_set *other)
{
    for (size_t i = 0; i < set->len; i++) {
        const roaring_bitmap_t *low = find_part(other, set->parts[i].high);
        if (low != NULL && roaring_bitmap_intersect(set->parts[i].low, low))
            return true;
    }
    return false;
}

/* Rows that follow each other, all with one upper half: one walk through the bitmap. */
static void find_stretch(const roaring_bitmap_t *low, uint32_t first, size_t len, bool *out_has)
{
    roaring_uint32_iterator_t iterator;
    memset(out_has, 0, len * sizeof(*out_has));
    roaring_init_iterator(low, &iterator);
    bool is_there = roaring_move_uint32_iterator_equalorlarger(&iterator, first);
    while (is_there && iterator.current_value - first < len) {
        out_has[iterator.current_value - first] = true;
        is_there = roaring_advance_uint32_iterator(&iterator);
    }
}

void vv_row_set_find(const struct vv_row_set *set, const int64_t *rows, size_t len,
    bool *out_has)
{
    for (size_t at = 0; at < len;) {
        uint32_t high = high_of(rows[at]);
        const roaring_bitmap_t *low = find_part(set, high);
        size_t end = at + 1;
        while (end < len && rows[end] == rows[end - 1] + 1 && high_of(rows[end]) == high)
            end++;
        if (low == NULL)
            memset(out_has + at, 0, (end - at) * sizeof(*out_has));
        else if (end - at == 1)
            out_has[at] = roaring_bitmap_contains(low, low_of(rows[at]));
        else
            find_stretch(low, low_of(rows[at]), end - at, out_has + at);
        at = end;
    }
}

/* Bytes that are read from the front; both orders are in use. */
struct input {
    struct vv_str rest;
    bool is_big_endian;
};

static bool read_32(struct input *input, uint32_t *out)
{
    if (input->rest.len < sizeof(*out))
        return false;
    memcpy(out, input->rest.ptr, sizeof(*out));
    *out = input->is_big_endian ? __builtin_bswap32(*out) : *out;
    input->rest = vv_str_skip(input->rest, sizeof(*out));
    return true;
}

static bool read_64(struct input *input, uint64_t *out)
{
    if (input->rest.len < sizeof(*out))
        return false;
    memcpy(out, input->rest.ptr, sizeof(*out));
    input->rest = vv_str_skip(input->rest, sizeof(*out));
    return true;
}

static varve_status fail_short(struct vv_op *op)
{
    return vv_fail(op, VARVE_ECORRUPT, "its bytes end too early");
}

static varve_status read_bitmap(struct vv_op *op, struct input *input, uint32_t high,
    struct vv_row_set *set)
{
    size_t bytes = 0;
    const char *fault = vv_roaring_fault(input->rest, &bytes);
    if (fault != NULL)
        return vv_fail(op, VARVE_ECORRUPT, "its bitmap is broken: %s", fault);
    roaring_bitmap_t *low = roaring_bitmap_portable_deserialize_safe(input->rest.ptr, bytes);
    if (!add_part(set, high, low))
        return vv_fail_memory(op);
    input->rest = vv_str_skip(input->rest, bytes);
    return VARVE_OK;
}

static varve_status read_portable(struct vv_op *op, struct input *input, struct vv_row_set *set)
{
    uint64_t bitmaps = 0;
    uint64_t next = 0;
    if (!read_64(input, &bitmaps))
        return fail_short(op);
    for (uint64_t i = 0; i < bitmaps; i++) {
        uint32_t high = 0;
        if (!read_32(input, &high))
            return fail_short(op);
        if (high < next || high > INT32_MAX)
            return vv_fail(op, VARVE_ECORRUPT, "its bitmaps are out of order");
        next = (uint64_t)high + 1;
        VV_TRY(read_bitmap(op, input, high, set));
    }
    return VARVE_OK;
}

/* The older layout: a number of bitmaps, and before each its size. */
static varve_status read_native(struct vv_op *op, struct input *input, struct vv_row_set *set)
{
    uint32_t bitmaps = 0;
    if (!read_32(input, &bitmaps))
        return fail_short(op);
    for (uint32_t high = 0; high < bitmaps; high++) {
        uint32_t bytes = 0;
        if (!read_32(input, &bytes))
            return fail_short(op);
        size_t before = input->rest.len;
        if (high > INT32_MAX)
            return vv_fail(op, VARVE_ECORRUPT, "it has too many bitmaps");
        VV_TRY(read_bitmap(op, input, high, set));
        if (before - input->rest.len != bytes)
            return vv_fail(op, VARVE_ECORRUPT, "a bitmap in it has another size than it says");
    }
    return VARVE_OK;
}

varve_status vv_row_set_read(struct vv_op *op, struct vv_str bytes, struct vv_row_set **out)
{
    VV_CLEANUP(vv_row_set_free) struct vv_row_set *set = vv_row_set_new();
    struct input input = {.rest = bytes};
    uint32_t magic = 0;
    if (set == NULL)
        return vv_fail_memory(op);
    if (!read_32(&input, &magic))
        return fail_short(op);
    input.is_big_endian = magic == __builtin_bswap32(MAGIC_NATIVE);
    if (magic == MAGIC_PORTABLE)
        VV_TRY(read_portable(op, &input, set));
    else if (magic == MAGIC_NATIVE || input.is_big_endian)
        VV_TRY(read_native(op, &input, set));
    else
        return vv_fail(op, VARVE_ECORRUPT, "its magic number is %" PRIu32 ", not %" PRIu32,
            magic, (uint32_t)MAGIC_PORTABLE);
    if (input.rest.len > 0)
        return vv_fail(op, VARVE_ECORRUPT, "%zu bytes are left over behind its bitmaps",
            input.rest.len);
    *out = VV_MOVE(set);
    return VARVE_OK;
}

static void add_number(struct vv_buf *out, const void *number, size_t bytes)
{
    vv_buf_add(out, (struct vv_str){number, bytes});
}

void vv_row_set_write(struct vv_row_set *set, struct vv_buf *out)
{
    const uint32_t magic = MAGIC_PORTABLE;
    const uint64_t bitmaps = set->len;
    add_number(out, &magic, sizeof(magic));
    add_number(out, &bitmaps, sizeof(bitmaps));
    for (size_t i = 0; i < set->len; i++) {
        roaring_bitmap_t *low = set->parts[i].low;
        (void)roaring_bitmap_run_optimize(low);
        size_t bytes = roaring_bitmap_portable_size_in_bytes(low);
        char *serialized = vv_malloc(bytes);
        add_number(out, &set->parts[i].high, sizeof(set->parts[i].high));
        if (serialized == NULL) {
            out->failed = true;
            continue;
        }
        bytes = roaring_bitmap_portable_serialize(low, serialized);
        vv_buf_add(out, (struct vv_str){serialized, bytes});
        vv_free(serialized);
    }
}
