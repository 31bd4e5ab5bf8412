/*
 * Looking into Arrow arrays: the type of a column, known once a stream, and one value of it.
 */
#ifndef VV_CLI_ARROW_VIEW_H
#define VV_CLI_ARROW_VIEW_H

#include "cli/text.h"

enum vv_kind {
    VV_KIND_NULL,
    VV_KIND_BOOL,
    VV_KIND_INT,  /* signed, `width` bytes */
    VV_KIND_UINT, /* unsigned, `width` bytes */
    VV_KIND_FLOAT,
    VV_KIND_DOUBLE,
    VV_KIND_DECIMAL, /* `width` bytes, `scale` */
    VV_KIND_TEXT,
    VV_KIND_BINARY,
    VV_KIND_DATE,      /* days (width 4) or milliseconds (width 8) */
    VV_KIND_TIME,      /* `digits` of a fraction, since midnight */
    VV_KIND_TIMESTAMP, /* `digits` of a fraction; `has_zone`: an instant */
    VV_KIND_MONTHS,
    VV_KIND_DAYS_MS,
    VV_KIND_MONTHS_DAYS_NS,
    VV_KIND_DURATION, /* `digits` of a fraction */
    VV_KIND_LIST,
    VV_KIND_STRUCT,
    VV_KIND_MAP,
    VV_KIND_UNION
};

/* Where the bytes of a text or the elements of a list lie. */
enum vv_layout {
    VV_LAYOUT_OFFSETS,       /* 32-bit offsets */
    VV_LAYOUT_LARGE_OFFSETS, /* 64-bit offsets */
    VV_LAYOUT_FIXED,         /* `width` bytes or elements each */
    VV_LAYOUT_VIEW,          /* string views, list views */
    VV_LAYOUT_LARGE_VIEW     /* list views of 64 bits */
};

struct vv_type {
    enum vv_kind kind;
    enum vv_layout layout;
    char *name; /* of the column or member */
    uint32_t width;
    uint32_t digits;
    int32_t scale;
    bool has_zone;
    bool is_sparse;    /* unions: children are as long as the union */
    int8_t *union_ids; /* type id of each child */
    struct vv_type *children;
    size_t children_len;
    struct vv_type *dictionary; /* values; the type itself is that of the index */
};

/* A row of a column. `array` lives as long as the batch that it belongs to. */
struct vv_cell {
    const struct vv_type *type;
    const struct ArrowArray *array;
    int64_t row; /* from 0, not counting the array's offset */
};

/* EUNSUPPORTED for formats that no query gives. `out` is released with vv_type_done. */
varve_status vv_type_read(const struct ArrowSchema *schema, struct vv_type *out,
    varve_error *err);
void vv_type_done(struct vv_type *type);

/* Follows dictionaries and unions to the value; false for NULL. */
bool vv_cell_resolve(struct vv_cell *cell);

/* For resolved cells of the fitting kind. */
bool vv_cell_bool(struct vv_cell cell);
int64_t vv_cell_int(struct vv_cell cell); /* all kinds that are an integer inside, below 2^63 */
uint64_t vv_cell_uint(struct vv_cell cell);
double vv_cell_double(struct vv_cell cell);
/* The value's own bytes: numbers as stored, the content of texts and binaries. */
const char *vv_cell_bytes(struct vv_cell cell, size_t *out_len);

/* Elements of a list or map, members of a struct. */
size_t vv_cell_children(struct vv_cell cell);
struct vv_cell vv_cell_child(struct vv_cell cell, size_t index);

struct vv_json_style {
    bool nan_as_text; /* "NaN"; else null */
};

/* A value that is not NULL as plain text: what CSV and boxes show; nested ones as JSON. */
void vv_cell_add_text(struct vv_cell cell, struct vv_text *text);
/* Of the text of a time, zeros that say nothing are cut: to the second or to the millisecond. */
void vv_cell_cut_fraction(struct vv_cell cell, struct vv_text *text);
/* Any value as JSON. */
void vv_cell_add_json(struct vv_cell cell, struct vv_json_style style, struct vv_text *text);

#endif
