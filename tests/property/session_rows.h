/*
 * The rows of a stream, held against those that the model has.
 */
#ifndef TESTS_PROPERTY_SESSION_ROWS_H
#define TESTS_PROPERTY_SESSION_ROWS_H

#include "session_batch.h"

static inline bool same_row(const struct row *a, const struct row *b)
{
    return a->is_there == b->is_there && same_values(a, b) && a->o == b->o;
}

/* A column of one array, by its name; -1: there is none. */
static inline int64_t column_of(const struct ArrowSchema *schema, const char *name)
{
    for (int64_t i = 0; i < schema->n_children; i++)
        if (strcasecmp(schema->children[i]->name, name) == 0)
            return i;
    return -1;
}

static inline bool is_null(const struct ArrowArray *column, int64_t row)
{
    const uint8_t *bits = column->buffers[0];
    int64_t at = row + column->offset;
    return bits != NULL && (bits[at / 8] >> (at % 8) & 1) == 0;
}

static inline int64_t int_at(const struct ArrowSchema *schema, const struct ArrowArray *array,
    const char *name, int64_t row)
{
    int64_t at = column_of(schema, name);
    if (at < 0 || is_null(array->children[at], row))
        return NONE;
    const struct ArrowArray *column = array->children[at];
    if (schema->children[at]->format[0] == 'l')
        return ((const int64_t *)column->buffers[1])[row + column->offset];
    if (schema->children[at]->format[0] == 'g')
        return (int64_t)(((const double *)column->buffers[1])[row + column->offset] * 4);
    return ((const int32_t *)column->buffers[1])[row + column->offset];
}

static inline int8_t text_at(const struct ArrowSchema *schema, const struct ArrowArray *array,
    int64_t row)
{
    int64_t at = column_of(schema, "s");
    if (at < 0 || is_null(array->children[at], row))
        return 0;
    const struct ArrowArray *column = array->children[at];
    const int32_t *ends = column->buffers[1];
    const char *bytes = column->buffers[2];
    int64_t place = row + column->offset;
    struct vv_str text = {bytes + ends[place], (size_t)(ends[place + 1] - ends[place])};
    for (int8_t i = 1; i < (int8_t)VV_COUNT(texts); i++)
        if (vv_str_eq(text, vv_str_of(texts[i])))
            return i;
    return -1;
}

/* Puts the rows of an array into a state; false: a key twice, or one that there is not. */
static inline bool take_rows(const struct ArrowSchema *schema, const struct ArrowArray *array,
    struct state *out)
{
    for (int64_t i = 0; i < array->length; i++) {
        int64_t k = int_at(schema, array, "k", i);
        if (!CHECK(k >= 0 && k < KEYS) || !CHECK(!out->rows[k].is_there) ||
            !CHECK_INT(int_at(schema, array, "p", i), part_of(k)))
            return false;
        struct row *row = &out->rows[k];
        row->is_there = true;
        row->v = (int32_t)int_at(schema, array, "v", i);
        row->o = (int32_t)int_at(schema, array, "o", i);
        row->e = (int32_t)int_at(schema, array, "e", i);
        row->s = text_at(schema, array, i);
    }
    return true;
}

/* Reads a stream to its end and releases it; `out` may be NULL. */
static inline bool drain(struct ArrowArrayStream *stream, struct state *out)
{
    struct ArrowSchema schema = {0};
    bool is_good = CHECK_INT(stream->get_schema(stream, &schema), 0);
    while (is_good) {
        struct ArrowArray array = {0};
        is_good = CHECK_INT(stream->get_next(stream, &array), 0);
        if (!is_good)
            printf("# %s\n", stream->get_last_error(stream));
        if (!is_good || array.release == NULL)
            break;
        is_good = out == NULL || take_rows(&schema, &array, out);
        array.release(&array);
    }
    if (schema.release != NULL)
        schema.release(&schema);
    stream->release(stream);
    stream->release = NULL;
    return is_good;
}

/* Whether what was read are those rows of `state` for which `where` is true (NULL: all). */
static inline bool check_rows(const struct state *read, const struct state *state,
    const struct where *where)
{
    for (int64_t k = 0; k < KEYS; k++) {
        struct row expected = {0};
        const struct row *row = &state->rows[k];
        if (row->is_there && (where == NULL || is_true(where, k, row)))
            expected = *row;
        if (same_row(&read->rows[k], &expected))
            continue;
        printf("# k %" PRId64 ": there %d/%d v %d/%d o %d/%d e %d/%d s %d/%d\n", k,
            read->rows[k].is_there, expected.is_there, read->rows[k].v, expected.v,
            read->rows[k].o, expected.o, read->rows[k].e, expected.e, read->rows[k].s,
            expected.s);
        bool is_as_the_model_has_it = false;
        return CHECK(is_as_the_model_has_it);
    }
    return true;
}

static inline bool check_stream(struct ArrowArrayStream *stream, const struct state *state,
    const struct where *where)
{
    struct state *read = calloc(1, sizeof(*read));
    bool is_good = CHECK(read != NULL) && drain(stream, read) && check_rows(read, state, where);
    free(read);
    return is_good;
}

#endif
