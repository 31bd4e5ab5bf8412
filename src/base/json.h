/*
 * Reading JSON, by yyjson. A document lives in an arena; numbers keep their text, so that a
 * 38-digit decimal survives. All getters accept NULL and wrong kinds and say so by their
 * result, since what comes from storage may be anything.
 */
#ifndef VV_BASE_JSON_H
#define VV_BASE_JSON_H

#include "base/op.h"

struct vv_json; /* one value; immutable, in the arena of its document */

enum vv_json_kind {
    VV_JSON_NONE, /* no such member */
    VV_JSON_NULL,
    VV_JSON_BOOL,
    VV_JSON_NUMBER,
    VV_JSON_STRING,
    VV_JSON_ARRAY,
    VV_JSON_OBJECT
};

#define VV_JSON_DEPTH_MAX 200
#define VV_JSON_DEPTH_DEEP 2400

/*
 * Parses one value that fills the text but for blanks. ECORRUPT with the byte offset otherwise,
 * also for invalid UTF-8 and for nesting deeper than VV_JSON_DEPTH_MAX. The text may be freed
 * afterwards; the values live as long as `arena`.
 */
varve_status vv_json_parse(struct vv_op *op, struct vv_arena *arena, struct vv_str text,
    const struct vv_json **out);
/* The same of a hint: *out NULL where the text is empty, or no JSON. */
varve_status vv_json_parse_hint(struct vv_op *op, struct vv_arena *arena, struct vv_str text,
    const struct vv_json **out);
/* The same with Infinity, NaN and the like, in any case, which are numbers here. */
varve_status vv_json_parse_words(struct vv_op *op, struct vv_arena *arena, struct vv_str text,
    const struct vv_json **out);
/*
 * The same of a parse tree of DuckDB's: up to VV_JSON_DEPTH_DEEP levels, for who goes down into it
 * knowing that, and with its Infinity and NaN, which are numbers here.
 */
varve_status vv_json_parse_tree(struct vv_op *op, struct vv_arena *arena, struct vv_str text,
    const struct vv_json **out);

enum vv_json_kind vv_json_kind(const struct vv_json *value);
static inline bool vv_json_is(const struct vv_json *value, enum vv_json_kind kind)
{
    return vv_json_kind(value) == kind;
}
/* Member of an object (exact name; the last one where it is there twice), NULL where absent. */
const struct vv_json *vv_json_get(const struct vv_json *object, const char *name);
const struct vv_json *vv_json_get_str(const struct vv_json *object, struct vv_str name);
/* The same where absent, null or of another kind are all "not there". */
const struct vv_json *vv_json_get_kind(const struct vv_json *object, const char *name,
    enum vv_json_kind kind);
/* Elements of an array, members of an object; 0 for others. */
size_t vv_json_len(const struct vv_json *value);
/* Walks an array or object: start with *iterator = NULL. For arrays `*name` is VV_STR_NONE. */
bool vv_json_each(const struct vv_json *container, const struct vv_json **iterator,
    struct vv_str *name, const struct vv_json **value);

/* The text of a string (unescaped), or of a number as written; VV_STR_NONE for other kinds. */
struct vv_str vv_json_text(const struct vv_json *value);
/* Whether a member of an object has that text. */
bool vv_json_is_text(const struct vv_json *object, const char *member, const char *text);
bool vv_json_int64(const struct vv_json *value, int64_t *out); /* number, or string of digits */
bool vv_json_double(const struct vv_json *value, double *out);
bool vv_json_bool(const struct vv_json *value, bool fallback);

/* Serialises a value back, compact; unknown members of an action survive through this. */
varve_status vv_json_write_value(struct vv_op *op, const struct vv_json *value,
    struct vv_arena *arena, struct vv_str *out);

#endif
