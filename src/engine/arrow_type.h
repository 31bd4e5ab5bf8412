/*
 * Arrow arrays of foreign processes: what their schema says, whether they are what it says, and how
 * values are got out of them.
 *
 * arrow_type.c    the schema, as a tree of what is understood
 * arrow_check.c   whether an array is what the schema says: nothing is read before
 */
#ifndef VV_ENGINE_ARROW_TYPE_H
#define VV_ENGINE_ARROW_TYPE_H

#include "base/buf.h"
#include "base/op.h"
#include "varve/arrow.h"

#define VV_ARROW_DEPTH_MAX 64
#define VV_ARROW_NODES_MAX 100000

enum vv_arrow_kind {
    VV_ARROW_NULL,
    VV_ARROW_BOOL,
    VV_ARROW_FIXED, /* `width` bytes, as they are in DuckDB */
    VV_ARROW_DATE32,
    VV_ARROW_DATE64,
    VV_ARROW_TIMESTAMP,
    VV_ARROW_DECIMAL,
    VV_ARROW_TEXT,  /* utf8 and binary with `width` bytes an offset */
    VV_ARROW_VIEW,  /* utf8 and binary as views */
    VV_ARROW_BYTES, /* binary of `width` bytes each */
    VV_ARROW_LIST,  /* with `width` bytes an offset; a map is a list of its entries */
    VV_ARROW_ARRAY, /* `width` elements each */
    VV_ARROW_STRUCT,
    VV_ARROW_DICTIONARY /* `width` bytes an index; the values are the only child */
};

/* A column or a part of one. */
struct vv_arrow_type {
    enum vv_arrow_kind kind;
    struct vv_str name;
    struct vv_str path; /* for messages: "a.b" */
    const char *sql;    /* DuckDB's name of a scalar type; NULL for others */
    int32_t width;
    bool is_text;   /* of TEXT and VIEW: must be UTF-8 */
    bool is_signed; /* of DICTIONARY: the index */
    bool has_zone;  /* of TIMESTAMP */
    bool is_utc;    /* has_zone: it is UTC, and not a place's */
    bool is_map;
    bool is_copied;    /* of TEXT, VIEW and BYTES: else a vector points into the array */
    char unit;         /* of TIMESTAMP: 's', 'm', 'u', 'n' */
    uint8_t precision; /* of DECIMAL */
    uint8_t scale;
    struct vv_arrow_type *children;
    int64_t children_len;
};

/*
 * Reads the schema of a record batch. EUNSUPPORTED for a type that has no place here, EINVALID
 * for a schema that is none. The tree lives in the operation.
 */
varve_status vv_arrow_type_read(struct vv_op *op, const struct ArrowSchema *schema,
    struct vv_arrow_type *out);
void vv_arrow_type_sql(struct vv_buf *sql, const struct vv_arrow_type *type);
/* Texts of the type and its parts are to be copied: the rows outlive the arrays. */
void vv_arrow_type_copied(struct vv_arrow_type *type);

/* EINVALID where the array is not of the type, or would be read out of its bounds. */
varve_status vv_arrow_check(struct vv_op *op, const struct vv_arrow_type *type,
    const struct ArrowArray *array);

/* Some values of an array. */
struct vv_arrow_part {
    const struct vv_arrow_type *type;
    const struct ArrowArray *array;
    int64_t from; /* counted without the array's own offset */
    int64_t len;
};

static inline void vv_arrow_schema_done(struct ArrowSchema *schema)
{
    if (schema->release != NULL)
        schema->release(schema);
}

/* Values of buffers, which nobody promises to be aligned. */
static inline int64_t vv_arrow_offset(const void *offsets, int32_t width, int64_t index)
{
    if (width == 8) {
        int64_t wide;
        memcpy(&wide, (const char *)offsets + index * 8, 8);
        return wide;
    }
    int32_t narrow;
    memcpy(&narrow, (const char *)offsets + index * 4, 4);
    return narrow;
}

static inline bool vv_arrow_bit(const void *bits, int64_t index)
{
    return (((const uint8_t *)bits)[index / 8] >> (index % 8) & 1) != 0;
}

/* The index that a dictionary array holds; a value that fits no int64_t comes out negative. */
int64_t vv_arrow_index(const struct vv_arrow_type *type, const struct ArrowArray *array,
    int64_t position);

/* One value of a view array: 16 bytes. */
struct vv_arrow_view {
    int32_t len;
    union {
        char inlined[12];
        struct {
            char prefix[4];
            int32_t buffer;
            int32_t offset;
        } away;
    } value;
};

static inline struct vv_arrow_view vv_arrow_view_at(const void *views, int64_t index)
{
    struct vv_arrow_view view;
    memcpy(&view, (const char *)views + index * 16, 16);
    return view;
}

/*
 * A text or binary that is not NULL, of a checked array; `position` counts the array's offset in.
 * It may lie in *view.
 */
struct vv_str vv_arrow_text_at(const struct vv_arrow_type *type, const struct ArrowArray *array,
    int64_t position, struct vv_arrow_view *view);

#endif
