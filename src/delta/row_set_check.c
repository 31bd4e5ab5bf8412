/*
 * The standard Roaring format, byte by byte:
 *     cookie      12346 and then the number of containers; or in its lower half 12347 and in its
 *                 upper half the number less one, and then a bit each: it holds runs
 *     header      of each container: upper half of its numbers, count less one (16 bits each)
 *     offsets     of each container, from the cookie on (32 bits each); left out where there are
 *                 runs and fewer than four containers
 *     containers  runs: how many, then (first, count less one) each; up to 4,096 numbers: the
 *                 numbers, ascending; else: a bitmap of 8 KiB
 * All little-endian.
 */
#include "delta/row_set.h"

#define COOKIE_PLAIN 12346u
#define COOKIE_RUNS 12347u
#define CONTAINERS_MAX 65536u
#define OFFSETS_FROM 4u /* containers, where there are runs */
#define ARRAY_MAX 4096u
#define BITMAP_BYTES 8192u

struct cursor {
    const unsigned char *bytes;
    size_t len;
    size_t at;
};

static bool read_16(struct cursor *cursor, uint32_t *out)
{
    if (cursor->len - cursor->at < 2)
        return false;
    const unsigned char *bytes = cursor->bytes + cursor->at;
    *out = (uint32_t)bytes[0] | (uint32_t)bytes[1] << 8;
    cursor->at += 2;
    return true;
}

static bool read_32(struct cursor *cursor, uint32_t *out)
{
    uint32_t low = 0;
    uint32_t high = 0;
    if (!read_16(cursor, &low) || !read_16(cursor, &high))
        return false;
    *out = low | high << 16;
    return true;
}

static bool skip(struct cursor *cursor, size_t len)
{
    if (cursor->len - cursor->at < len)
        return false;
    cursor->at += len;
    return true;
}

static const char *runs_fault(struct cursor *cursor, uint32_t count)
{
    uint32_t runs = 0;
    uint32_t found = 0;
    uint32_t next = 0; /* the least number that may follow */
    if (!read_16(cursor, &runs))
        return "it ends within a container of runs";
    for (uint32_t i = 0; i < runs; i++) {
        uint32_t first = 0;
        uint32_t more = 0;
        if (!read_16(cursor, &first) || !read_16(cursor, &more))
            return "it ends within a container of runs";
        if (first < next)
            return "runs overlap or are out of order";
        if (first + more > UINT16_MAX)
            return "a run leaves its container";
        next = first + more + 1;
        found += more + 1;
    }
    return found == count ? NULL : "the runs of a container hold another number of rows";
}

static const char *array_fault(struct cursor *cursor, uint32_t count)
{
    uint32_t next = 0;
    for (uint32_t i = 0; i < count; i++) {
        uint32_t value = 0;
        if (!read_16(cursor, &value))
            return "it ends within a container of numbers";
        if (value < next)
            return "the numbers of a container do not ascend";
        next = value + 1;
    }
    return NULL;
}

static const char *bitmap_fault(struct cursor *cursor, uint32_t count)
{
    uint32_t found = 0;
    const unsigned char *bytes = cursor->bytes + cursor->at;
    if (!skip(cursor, BITMAP_BYTES))
        return "it ends within a container of bits";
    for (size_t i = 0; i < BITMAP_BYTES; i += sizeof(uint64_t)) {
        uint64_t word = 0;
        memcpy(&word, bytes + i, sizeof(word));
        found += (uint32_t)__builtin_popcountll(word);
    }
    return found == count ? NULL : "the bits of a container are not as many as it says";
}

/* Where the parts before the containers lie. */
struct layout {
    uint32_t containers;
    const unsigned char *run_flags; /* NULL: no container holds runs */
    struct cursor header;
    struct cursor offsets; /* len 0: none */
};

static const char *layout_fault(struct cursor *cursor, struct layout *out)
{
    static const char short_text[] = "it ends within its header";
    uint32_t cookie = 0;
    if (!read_32(cursor, &cookie))
        return short_text;
    if ((cookie & 0xFFFF) == COOKIE_RUNS) {
        out->containers = (cookie >> 16) + 1;
        out->run_flags = cursor->bytes + cursor->at;
        if (!skip(cursor, (out->containers + 7) / 8))
            return short_text;
    } else if (cookie != COOKIE_PLAIN) {
        return "it does not begin like a Roaring bitmap";
    } else if (!read_32(cursor, &out->containers)) {
        return short_text;
    }
    if (out->containers > CONTAINERS_MAX)
        return "it claims more than 65536 containers";
    out->header = *cursor;
    if (!skip(cursor, (size_t)out->containers * 4))
        return short_text;
    if (out->run_flags == NULL || out->containers >= OFFSETS_FROM) {
        out->offsets = *cursor;
        if (!skip(cursor, (size_t)out->containers * 4))
            return short_text;
    }
    return NULL;
}

const char *vv_roaring_fault(struct vv_str bytes, size_t *out_bytes)
{
    struct cursor cursor = {(const unsigned char *)bytes.ptr, bytes.len, 0};
    struct layout layout = {0};
    const char *fault = layout_fault(&cursor, &layout);
    uint32_t next_key = 0;
    for (uint32_t i = 0; fault == NULL && i < layout.containers; i++) {
        uint32_t key = 0;
        uint32_t count = 0;
        uint32_t offset = 0;
        (void)read_16(&layout.header, &key); /* both within what was skipped */
        (void)read_16(&layout.header, &count);
        count++;
        if (key < next_key)
            return "its containers are out of order";
        next_key = key + 1;
        if (layout.offsets.len > 0 &&
            (!read_32(&layout.offsets, &offset) || offset != cursor.at))
            return "a container does not lie where its offset says";
        if (layout.run_flags != NULL && (layout.run_flags[i / 8] >> (i % 8) & 1) != 0)
            fault = runs_fault(&cursor, count);
        else if (count <= ARRAY_MAX)
            fault = array_fault(&cursor, count);
        else
            fault = bitmap_fault(&cursor, count);
    }
    *out_bytes = cursor.at;
    return fault;
}
