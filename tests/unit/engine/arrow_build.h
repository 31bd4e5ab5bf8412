/*
 * Arrow schemas, arrays and streams made by hand, in an arena. Releases are counted, and a
 * released array's buffers are not used again by anyone: those of a feed are overwritten.
 */
#ifndef VARVE_TEST_ENGINE_ARROW_BUILD_H
#define VARVE_TEST_ENGINE_ARROW_BUILD_H

#include <errno.h>
#include <stdlib.h>

#include "fixture.h"

static void schema_release(struct ArrowSchema *schema)
{
    schema->release = NULL;
    if (schema->private_data)
        ++*(int *)schema->private_data;
}

static void array_release(struct ArrowArray *array)
{
    array->release = NULL;
    if (array->private_data)
        ++*(int *)array->private_data;
}

/* Children follow as `struct ArrowSchema *`. */
static inline struct ArrowSchema *schema_new(struct vv_arena *arena, const char *format,
    const char *name, int64_t children_len, struct ArrowSchema *const *children)
{
    struct ArrowSchema *schema = vv_new(arena, struct ArrowSchema, 1);
    *schema = (struct ArrowSchema){.format = format,
        .name = name,
        .flags = ARROW_FLAG_NULLABLE,
        .n_children = children_len,
        .release = schema_release};
    if (children_len > 0) {
        schema->children = vv_new(arena, struct ArrowSchema *, (size_t)children_len);
        memcpy(schema->children, children, (size_t)children_len * sizeof(*children));
    }
    return schema;
}

static inline struct ArrowArray *array_new(struct vv_arena *arena, int64_t length,
    int64_t buffers_len, const void *const *buffers, int64_t children_len,
    struct ArrowArray *const *children)
{
    struct ArrowArray *array = vv_new(arena, struct ArrowArray, 1);
    *array = (struct ArrowArray){.length = length,
        .null_count = -1,
        .n_buffers = buffers_len,
        .n_children = children_len,
        .release = array_release};
    array->buffers = vv_new(arena, const void *, (size_t)buffers_len + 1);
    if (buffers_len > 0)
        memcpy(array->buffers, buffers, (size_t)buffers_len * sizeof(*buffers));
    if (children_len > 0) {
        array->children = vv_new(arena, struct ArrowArray *, (size_t)children_len);
        memcpy(array->children, children, (size_t)children_len * sizeof(*children));
    }
    return array;
}

/* A stream over arrays that are there. */
struct feed {
    struct ArrowArrayStream stream;
    struct ArrowSchema *schema;
    struct ArrowArray *const *arrays;
    size_t arrays_len;
    size_t at;
    int schema_error; /* what get_schema returns */
    int next_error;   /* what get_next returns after the arrays */
    const char *reason;
    int schema_releases;
    int array_releases;
    int stream_releases;
};

static int feed_get_schema(struct ArrowArrayStream *stream, struct ArrowSchema *out)
{
    struct feed *feed = stream->private_data;
    if (feed->schema_error)
        return feed->schema_error;
    *out = *feed->schema;
    if (out->release)
        out->private_data = &feed->schema_releases;
    return 0;
}

static int feed_get_next(struct ArrowArrayStream *stream, struct ArrowArray *out)
{
    struct feed *feed = stream->private_data;
    if (feed->at == feed->arrays_len) {
        *out = (struct ArrowArray){.release = NULL};
        return feed->next_error;
    }
    *out = *feed->arrays[feed->at++];
    out->private_data = &feed->array_releases;
    return 0;
}

static const char *feed_get_last_error(struct ArrowArrayStream *stream)
{
    return ((struct feed *)stream->private_data)->reason;
}

static void feed_release(struct ArrowArrayStream *stream)
{
    ((struct feed *)stream->private_data)->stream_releases++;
    stream->release = NULL;
}

static inline void feed_init(struct feed *feed, struct ArrowSchema *schema,
    struct ArrowArray *const *arrays, size_t arrays_len)
{
    *feed = (struct feed){.schema = schema, .arrays = arrays, .arrays_len = arrays_len};
    feed->stream = (struct ArrowArrayStream){
        .get_schema = feed_get_schema,
        .get_next = feed_get_next,
        .get_last_error = feed_get_last_error,
        .release = feed_release,
        .private_data = feed,
    };
}

static inline varve_status feed_load(struct fixture *fixture, struct feed *feed,
    const char *table)
{
    const struct vv_load_target target = {
        .table = vv_str_of(table), .row_column = VV_STR("_row")};
    return vv_session_load_arrow(&fixture->op, fixture->session, &feed->stream, &target, NULL);
}

/* Loads record batches of one column x; whatever comes of it, all is released once. */
static inline varve_status column_load(struct fixture *fixture, const char *table,
    struct ArrowSchema *column, struct ArrowArray *array)
{
    struct vv_arena *arena = &fixture->op.arena;
    const void *const no_validity[] = {NULL};
    struct ArrowArray *batch =
        array_new(arena, array->length, 1, no_validity, 1, (struct ArrowArray *[]){array});
    struct feed feed;
    feed_init(&feed, schema_new(arena, "+s", "", 1, (struct ArrowSchema *[]){column}), &batch,
        1);
    varve_status status = feed_load(fixture, &feed, table);
    CHECK_INT(feed.stream_releases, 1);
    CHECK_INT(feed.schema_releases, 1);
    CHECK_INT(feed.array_releases, (int)feed.at);
    return status;
}

#endif
