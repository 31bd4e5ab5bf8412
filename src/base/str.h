/*
 * A slice of bytes that somebody else owns. Passed by value, printed with "%.*s".
 */
#ifndef VV_BASE_STR_H
#define VV_BASE_STR_H

#include <string.h>

#include "base/common.h"

struct vv_str {
    const char *ptr;
    size_t len;
};

#define VV_STR(literal) ((struct vv_str){("" literal), sizeof(literal) - 1})
#define VV_STR_NONE ((struct vv_str){NULL, 0})
/*
 * What stands for a text that memory was too short for: "...", never a part of it. Whoever takes
 * texts on (buffers and with them JSON and SQL, arenas, statements, stores) refuses it as out of
 * memory.
 */
#define VV_STR_LOST ((struct vv_str){vv_lost_text, sizeof(vv_lost_text) - 1})
extern const char vv_lost_text[4];
/*
 * The two arguments of a "%.*s". AddressSanitizer looks at the bytes of a "%s" and not at those of
 * a "%.*s": where it is at work they are read here.
 */
#ifdef VV_ARENA_DEBUG
#define VV_ARG(text) ((int)((text).len)), vv_str_read_all(text)
#else
#define VV_ARG(text) ((int)((text).len)), ((text).ptr ? (text).ptr : "")
#endif

/* Reads each byte; "" where there is no text. */
static inline const char *vv_str_read_all(struct vv_str text)
{
    for (size_t i = 0; text.ptr != NULL && i < text.len; i++)
        (void)*(const volatile char *)&text.ptr[i];
    return text.ptr != NULL ? text.ptr : "";
}

static inline struct vv_str vv_str_of(const char *text)
{
    return (struct vv_str){text, text ? strlen(text) : 0};
}

/* Whether it is VV_STR_LOST, or a part of that. */
static inline bool vv_str_is_lost(struct vv_str text)
{
    return (uintptr_t)text.ptr - (uintptr_t)vv_lost_text < sizeof(vv_lost_text);
}

/* A text that an arena was to give, where NULL would be a value of its own. */
static inline struct vv_str vv_str_or_lost(struct vv_str text)
{
    return text.ptr != NULL ? text : VV_STR_LOST;
}

/* From `from` (clamped) to the end. */
struct vv_str vv_str_skip(struct vv_str text, size_t from);
struct vv_str vv_str_first(struct vv_str text, size_t len);
struct vv_str vv_str_trim(struct vv_str text); /* ASCII blanks at both ends */
bool vv_str_eq(struct vv_str a, struct vv_str b);
bool vv_str_eq_nocase(struct vv_str a, struct vv_str b); /* ASCII letters only */
int vv_str_cmp(struct vv_str a, struct vv_str b);        /* by unsigned bytes */
bool vv_str_starts(struct vv_str text, struct vv_str prefix);
bool vv_str_ends(struct vv_str text, struct vv_str suffix);
bool vv_str_is_digits(struct vv_str text); /* one at least, 0 to 9 alone */
/* Index of the first `byte`, or `text.len`. */
size_t vv_str_find(struct vv_str text, char byte);
/*
 * Cuts the part before the first `separator` off `*rest`; false when `*rest` was used up (its
 * ptr is NULL then). "a,b," has three parts, "" has one.
 */
bool vv_str_split(struct vv_str *rest, char separator, struct vv_str *part);
/* The whole text as a decimal number; false on anything else, overflow included. */
bool vv_str_int64(struct vv_str text, int64_t *out);
/* By vv_number_parse: JSON's grammar, "NaN", "Infinity"; no matter the locale. */
bool vv_str_double(struct vv_str text, double *out);
uint64_t vv_str_hash(struct vv_str text); /* XXH3-64 */
bool vv_utf8_valid(struct vv_str text);
/* Bytes of the character in front, 0 where there is none or it is not valid UTF-8. */
size_t vv_utf8_first(struct vv_str text);

#endif
