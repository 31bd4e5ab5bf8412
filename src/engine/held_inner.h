/*
 * What held.c has for held_files.c: files by what they are, and columns of them as vectors.
 */
#ifndef VV_ENGINE_HELD_INNER_H
#define VV_ENGINE_HELD_INNER_H

#include "engine/duck.h"
#include "engine/held.h"

/* A text and its hash: which file or column it is. */
struct vv_held_key {
    struct vv_str text;
    uint64_t hash;
};
struct vv_held_key vv_held_key(struct vv_str text);

/*
 * A column of a file, as vectors of duckdb_vector_size() rows, the last one shorter. Counted, and
 * never changed once others have it.
 */
struct vv_held_column {
    atomic_uint uses;
    duckdb_vector *vectors; /* NULL: the file lacks the column */
    size_t len;
    size_t bytes; /* all that it takes, about */
};
/* With one use and room for so many vectors, which the caller makes. NULL: no memory. */
struct vv_held_column *vv_held_column_new(size_t len);
void vv_held_column_release(struct vv_held_column **column); /* accepts a pointer to NULL */

enum vv_held_answer {
    VV_HELD_NOT,    /* it is the engine's: read for the first time, or of another form */
    VV_HELD_UNSURE, /* to be looked into: vv_held_tell */
    VV_HELD_PLAIN   /* its columns are of a plain form, wherever they are */
};

/* A number for a statement; later ones have greater numbers. */
uint64_t vv_held_turn(struct vv_held *held);
/*
 * Says that a statement reads a file, and wants some of the columns that `columns` names. *out_rows
 * is set for PLAIN. `at_once`: it is worth holding when it is first read, else from the second time
 * on.
 */
enum vv_held_answer vv_held_ask(struct vv_held *held, const struct vv_held_key *file,
    const struct vv_held_key *columns, uint64_t turn, bool at_once, int64_t *out_rows);
/*
 * What was found out: the rows of the file, or -1 where it is of another form. It is counted too,
 * and not kept where there is no room.
 */
void vv_held_tell(struct vv_held *held, const struct vv_held_key *file,
    const struct vv_held_key *columns, uint64_t turn, int64_t rows);
/* With a use for the caller; NULL: it is not held. */
struct vv_held_column *vv_held_find(struct vv_held *held, const struct vv_held_key *file,
    const struct vv_held_key *column);
/* Holds a column, with a use of its own, where there is room. */
void vv_held_put(struct vv_held *held, const struct vv_held_key *file,
    const struct vv_held_key *key, uint64_t turn, struct vv_held_column *column);

#endif
