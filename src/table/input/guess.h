/*
 * The type of a column that comes as text, told by all of its values: one that loses nothing of
 * any of them, else string.
 *
 * A text is a number only where it is written as one writes numbers: "007", "+5" and 20 digits in
 * a row are names of something. A JSON string is never a number. Dates and times are ISO 8601, as
 * an upsert takes them.
 */
#ifndef VV_TABLE_INPUT_GUESS_H
#define VV_TABLE_INPUT_GUESS_H

#include "delta/schema.h"

enum vv_guess_kind {
    VV_GUESS_TEXT,   /* of CSV: it may mean anything */
    VV_GUESS_STRING, /* of JSON */
    VV_GUESS_NUMBER,
    VV_GUESS_BOOLEAN,
    VV_GUESS_NESTED /* an array or an object */
};

/* {0} before the first value. What is true of a value that was seen rules out a type. */
struct vv_guess {
    int64_t values; /* that are not NULL */
    bool not_long, not_double, not_boolean, not_date, not_timestamp;
    bool has_nested;
};

/*
 * `truncate_time`: digits below a microsecond may go. A text of CSV without characters fits any type,
 * NULL in all but a string, and is no value to tell one by.
 */
void vv_guess_take(struct vv_guess *guess, struct vv_str text, enum vv_guess_kind kind,
    bool truncate_time);
/* False: there was no value. Not for nested ones. */
bool vv_guess_type(const struct vv_guess *guess, enum vv_type_kind *out);

#endif
