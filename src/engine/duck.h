/*
 * What the files of this folder share. The only header that includes duckdb.h; nothing outside
 * src/engine may include it.
 */
#ifndef VV_ENGINE_DUCK_H
#define VV_ENGINE_DUCK_H

#include <duckdb.h>
#include <pthread.h>

#include "base/buf.h"
#include "engine/engine.h"
#include "engine/watch.h"

/* Counted: the handle of vv_engine_open and each session hold one use. */
struct vv_engine {
    atomic_uint uses;
    struct vv_engine_options
        options; /* what it takes to open the database; no folders; of .held a use */
    pthread_mutex_t opening;
    atomic_bool is_open;      /* once it is, it stays so */
    duckdb_database database; /* set under `opening` */
    char *temp_folder;        /* where the next is made; with vv_free */
    char *spill_folder;       /* is there once something was spilled; set under `opening` */
    void *spill;              /* of options.spill, what that lies in; set under `opening` */
    struct vv_watch watch;
    uint32_t threads_max;  /* that it may use */
    atomic_bool is_scaled; /* it uses them */
    atomic_int small_left; /* so many small works are done before it uses one again */
    pthread_mutex_t rowsets_lock;
    struct vv_rowset *rowsets; /* guarded by: rowsets_lock */
    int64_t rowsets_made;      /* guarded by: rowsets_lock */
    pthread_mutex_t lent_lock;
    struct vv_lent *lent; /* lent.h; guarded by: lent_lock */
};

#define VV_KEPT_MAX 16

/* A statement that stays prepared (vv_query.is_kept). */
struct vv_kept {
    struct vv_str sql;
    char *text; /* the bytes of sql; NULL: a free place */
    duckdb_prepared_statement prepared;
    uint64_t used; /* when, counted in statements */
};

struct vv_session {
    struct vv_engine *engine; /* a counted use */
    duckdb_connection connection;
    bool is_plain;       /* vv_session_optimize */
    bool is_blaming;     /* its statements look for a broken file (blame.c) */
    struct vv_buf views; /* their texts (vv_session_make_view), for vv_duck_blame */
    uint64_t statements; /* kept ones that were run */
    struct vv_kept kept[VV_KEPT_MAX];
};

/* Opens the database where that is still to be done. */
varve_status vv_engine_ready(struct vv_op *op, struct vv_engine *engine);
/* vv_session_open with a database that is there. */
varve_status vv_session_connect(struct vv_op *op, struct vv_engine *engine,
    struct vv_session **out);

/*
 * Records what DuckDB says. `refused` is the code of a statement that DuckDB refuses; memory,
 * files and cancelling have codes of their own. The first line becomes the message, the others
 * (the place in the statement) the detail. `text` may be NULL.
 */
varve_status vv_duck_fail(struct vv_op *op, varve_status refused, duckdb_error_type type,
    const char *text);
/* The same for an error object; OK where it holds none. The object is destroyed. */
varve_status vv_duck_take_error(struct vv_op *op, varve_status refused,
    duckdb_error_data error);
/* What a function of ours says to DuckDB where vv_malloc has given nothing. */
#define VV_DUCK_NO_MEMORY "no memory is left for rows in memory"
/* variant.h: a value of a file is not what its column says. */
#define VV_DUCK_NO_VARIANT "a variant column holds a value that is no variant"
/* small_files.h, held_files.h: before the name of a file and what is wrong with it. */
#define VV_DUCK_DAMAGED "a data file is damaged"
#define VV_DUCK_UNREAD "a data file can't be read"
/* The code alone, without an operation to record it in. */
varve_status vv_duck_code(varve_status refused, duckdb_error_type type, const char *text);

/*
 * Makes a NUL-terminated copy for DuckDB, which cuts at the first NUL byte: EINVALID where there
 * is one. `what` names the text in the message. Free `*out` with vv_free.
 */
varve_status vv_duck_text(struct vv_op *op, const char *what, struct vv_str text, char **out);
void vv_duck_text_done(char **text);

/*
 * Called with the failure of a statement recorded. Where it is for a broken file that the message does
 * not name, the path of that file is put before it. A user's statement (`refused` is EUSAGE) all of whose
 * files are sound is refused: a value only reads like such a failure. Of an `sql` that memory was too short
 * for no file is named. Returns the recorded code.
 */
varve_status vv_duck_blame(struct vv_op *op, struct vv_session *session, varve_status refused,
    struct vv_str sql);

/* Runs SQL, cancel watched. `*out` needs duckdb_destroy_result; written on success only. */
varve_status vv_duck_query(struct vv_op *op, struct vv_session *session, struct vv_str sql,
    varve_status refused, duckdb_result *out);

/* The same of SQL that ends in NUL; nothing is watched. */
varve_status vv_duck_run(struct vv_op *op, struct vv_session *session, const char *sql,
    varve_status refused, duckdb_result *out);

/*
 * Prepares one statement (or finds it prepared, where it is a kept one), gives its parameters
 * values and runs it, cancel watched: whole, or `streaming` up to its first rows. EUSAGE for a
 * parameter without a value. `*out` as above.
 */
varve_status vv_duck_execute(struct vv_op *op, struct vv_session *session,
    const struct vv_query *query, bool streaming, duckdb_result *out);

/* Drops the kept statements that have `part` in their text. */
void vv_session_forget(struct vv_session *session, struct vv_str part);

/*
 * The next rows of a result, NULL at its end; a statement that fails on its values gives `refused`. Of a
 * stream this is asked with care: where a thread has failed while rows of another are waiting, the
 * engine gives those, and asked once more it has forgotten why.
 */
varve_status vv_duck_fetch(struct vv_op *op, duckdb_result *result, varve_status refused,
    duckdb_data_chunk *out);
void vv_duck_result_done(duckdb_result *result);
void vv_duck_chunk_done(duckdb_data_chunk *chunk);
void vv_duck_type_done(duckdb_logical_type *type);

/* Whether two types are the same; false where that is hard to tell. */
bool vv_duck_type_eq(duckdb_logical_type a, duckdb_logical_type b);
/* row_filter.c: makes the function known to the database. */
varve_status vv_row_filter_register(struct vv_op *op, struct vv_session *session);
/* variant_function.c: likewise. */
varve_status vv_variant_register(struct vv_op *op, struct vv_session *session);
/* sound_json.c: likewise. */
varve_status vv_sound_json_register(struct vv_op *op, struct vv_session *session);
/* small_files.c: likewise. */
varve_status vv_small_files_register(struct vv_op *op, struct vv_session *session);
/* held_files.c: likewise. */
varve_status vv_held_files_register(struct vv_op *op, struct vv_session *session);
/* curve_function.c: likewise. */
varve_status vv_curve_register(struct vv_op *op, struct vv_session *session);
/* rank_function.c: likewise. */
varve_status vv_rank_register(struct vv_op *op, struct vv_session *session);
/* step_function.c: likewise. */
varve_status vv_step_register(struct vv_op *op, struct vv_session *session);
/* moves_function.c: likewise. */
varve_status vv_moves_register(struct vv_op *op, struct vv_session *session);

/* The bytes of a string in a vector; they live as long as its chunk. */
struct vv_str vv_duck_string(const duckdb_string_t *string);

/* Registers a function that is described whole, and destroys the description in any case. */
varve_status vv_duck_register_scalar(struct vv_op *op, duckdb_connection connection,
    duckdb_scalar_function *function);
/* One of a value and a list of its kind, that gives a BIGINT: where in the list the value belongs. */
varve_status vv_duck_register_place(struct vv_op *op, struct vv_session *session,
    const char *name, duckdb_type of, duckdb_scalar_function_t run);

#endif
