/*
 * What an operation lends to functions of ours in SQL, which can name it by a number alone. It is
 * in the engine until the operation ends; a statement that was bound before keeps it alive by
 * itself, so a stream may go on.
 */
#ifndef VV_ENGINE_LENT_H
#define VV_ENGINE_LENT_H

#include "engine/duck.h"

enum vv_lent_kind {
    VV_LENT_ROW_FILTER,  /* row_filter.c */
    VV_LENT_SMALL_FILES, /* small_files.c */
    VV_LENT_HELD_FILES,  /* held_files.c */
    VV_LENT_ARROW_SCAN   /* arrow_scan.c */
};

/* Counted: its place in the engine and each bound statement hold one use. */
struct vv_lent {
    atomic_uint uses;
    uint64_t id; /* not to be guessed: a user's SQL may name the functions */
    enum vv_lent_kind kind;
    void *object;
    void (*release_object)(void *object);
    struct vv_engine *engine; /* a counted use, while it has its place there */
    struct vv_lent *next;     /* guarded by: the engine's lent_lock */
};

/* Takes the object over, on failure too. */
varve_status vv_engine_lend(struct vv_op *op, struct vv_engine *engine, enum vv_lent_kind kind,
    void *object, void (*release)(void *object), uint64_t *out_id);
/* With a use for the caller; NULL: there is none of this kind. */
struct vv_lent *vv_lent_find(struct vv_engine *engine, enum vv_lent_kind kind, uint64_t id);
/*
 * In the bind of a table function: the object that its number names, which the statement keeps alive.
 * NULL: there is none, which the statement is told.
 */
const void *vv_lent_bind(duckdb_bind_info info, enum vv_lent_kind kind, const char *function);
/* For DuckDB, which knows only that they are pointers. */
void *vv_lent_retain(void *object);
void vv_lent_release(void *object); /* accepts NULL */

/* A table function over such an object, whose number it is called with. */
struct vv_lent_function {
    const char *name;
    duckdb_table_function_bind_t bind;                /* its extra info is the engine */
    duckdb_table_function_init_t begin, begin_thread; /* the latter may be NULL */
    duckdb_table_function_t run;
};
/* Makes it known to the database. It is told which columns are wanted. */
varve_status vv_lent_register(struct vv_op *op, struct vv_session *session,
    const struct vv_lent_function *function);

#endif
