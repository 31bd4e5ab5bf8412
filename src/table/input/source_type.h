/*
 * DuckDB's name of the type of a typed input, such as STRUCT(a INTEGER, "b c" VARCHAR[]), and values made
 * anew by it.
 */
#ifndef VV_TABLE_INPUT_SOURCE_TYPE_H
#define VV_TABLE_INPUT_SOURCE_TYPE_H

#include "base/buf.h"

/* A time with its nanoseconds, as the engine loads one with a zone (engine.h), and a naive one. */
#define VV_SOURCE_PAIR_TZ "STRUCT(\"at\" TIMESTAMP WITH TIME ZONE, ns SMALLINT)"
#define VV_SOURCE_PAIR "STRUCT(\"at\" TIMESTAMP, ns SMALLINT)"

static inline bool vv_source_is_pair(struct vv_str type)
{
    return vv_str_eq(type, VV_STR(VV_SOURCE_PAIR_TZ)) ||
           vv_str_eq(type, VV_STR(VV_SOURCE_PAIR));
}

/* Takes a type off the front of `*rest`, up to a comma or the end of what it lies in. */
struct vv_str vv_source_take_type(struct vv_str *rest);
/* Takes `"a ""b" ` or `a ` off the front. */
void vv_source_take_name(struct vv_str *rest, struct vv_buf *out);
/* What stands between the parentheses of "STRUCT(...)"; false: it is no such type. */
bool vv_source_is_within(struct vv_str type, struct vv_str before, struct vv_str *out);
/* "T[]" and "T[3]" */
bool vv_source_is_list(struct vv_str type, struct vv_str *out_element);

/* What becomes of maps within a value, where they or their parts are changed. */
enum vv_source_maps {
    VV_SOURCE_MAPS_KEPT, /* made anew where a part is changed: a key that is there twice is an error */
    VV_SOURCE_MAPS_MADE, /* made anew in any case */
    VV_SOURCE_MAPS_JSON  /* objects of JSON, whatever their keys are */
};
/* What becomes of the parts of a value that are of some types. */
struct vv_source_change {
    bool (*is_changed)(struct vv_str type); /* NULL: none is */
    void (*change)(const void *data, struct vv_str type, struct vv_str part, bool is_key,
        struct vv_buf *sql);
    enum vv_source_maps maps;
    const void *data; /* for `change` */
};
/* Whether there are such parts in a type. */
bool vv_source_has(const struct vv_source_change *change, struct vv_str type);
/* The expression `part` of a type, with these parts changed; as it is where there are none. */
void vv_source_value(const struct vv_source_change *change, struct vv_str type,
    struct vv_str part, struct vv_buf *sql);

/* The name of a type with a time alone in the place of each such pair. */
void vv_source_times(struct vv_str type, struct vv_buf *out);
/* A time as a text with all of its digits, and those that are zero as the engine has it. */
void vv_source_pair_text(struct vv_str type, struct vv_str part, struct vv_buf *sql);

#endif
