/*
 * What rows of an Arrow stream are, as a number: two streams with the same rows in the same order
 * have the same one, however they are parted into batches. Of nested columns only how many rows
 * there are.
 */
#ifndef VARVE_TEST_ARROW_SUM_H
#define VARVE_TEST_ARROW_SUM_H

#include <string.h>

#include "base/hash.h"
#include "varve/arrow.h"

struct arrow_sum {
    int64_t rows;
    uint64_t hash;
};

/* Bytes of a value of fixed width; 0: the type has none. */
static inline size_t arrow_sum_width(const char *format)
{
    switch (format[0]) {
    case 'c':
    case 'C':
        return 1;
    case 's':
    case 'S':
        return 2;
    case 'i':
    case 'I':
    case 'f':
        return 4;
    case 'l':
    case 'L':
    case 'g':
        return 8;
    case 'd':
        return 16;
    case 't':
        return strncmp(format, "tdD", 3) == 0 ? 4 : 8;
    default:
        return 0;
    }
}

static inline bool arrow_sum_bit(const void *bits, int64_t at)
{
    const unsigned char *bytes = bits;
    return (bytes[at / 8] >> (at % 8) & 1) != 0;
}

static inline struct vv_str arrow_sum_value(const char *format, const struct ArrowArray *column,
    int64_t row)
{
    static const char *const bits[] = {"0", "1"};
    int64_t at = row + column->offset;
    size_t width = arrow_sum_width(format);
    if (column->null_count != 0 && column->n_buffers > 0 && column->buffers[0] != NULL &&
        !arrow_sum_bit(column->buffers[0], at))
        return VV_STR("NULL");
    if (width > 0)
        return (struct vv_str){(const char *)column->buffers[1] + (size_t)at * width, width};
    if (format[0] == 'b')
        return vv_str_of(bits[arrow_sum_bit(column->buffers[1], at)]);
    if (format[0] != 'u' && format[0] != 'z')
        return VV_STR("nested");
    const int32_t *offsets = column->buffers[1];
    size_t len = (size_t)(offsets[at + 1] - offsets[at]);
    return len > 0 ? (struct vv_str){(const char *)column->buffers[2] + offsets[at], len}
                   : VV_STR("");
}

/* Reads to the end. 0, or the errno of the stream, which is not released. */
static inline int arrow_sum_drain(struct ArrowArrayStream *stream, struct arrow_sum *out)
{
    struct ArrowSchema schema = {0};
    struct ArrowArray batch = {0};
    *out = (struct arrow_sum){0};
    int number = stream->get_schema(stream, &schema);
    while (number == 0 && (number = stream->get_next(stream, &batch)) == 0 &&
           batch.release != NULL) {
        for (int64_t row = 0; row < batch.length; row++)
            for (int64_t i = 0; i < batch.n_children; i++)
                out->hash = vv_xxh3_seeded(arrow_sum_value(schema.children[i]->format,
                                               batch.children[i], row + batch.offset),
                    out->hash);
        out->rows += batch.length;
        batch.release(&batch);
    }
    if (schema.release != NULL)
        schema.release(&schema);
    return number;
}

#endif
