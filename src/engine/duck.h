/*
 * What the files of this folder share. The only header that includes duckdb.h; nothing outside
 * src/engine may include it.
 */
#ifndef VV_ENGINE_DUCK_H
#define VV_ENGINE_DUCK_H

#include <duckdb.h>

#include "base/buf.h"
#include "engine/engine.h"
#include "engine/watch.h"

/* Counted: the handle of vv_engine_open and each session hold one use. */
struct vv_engine {
    atomic_uint uses;
    duckdb_database database;
    struct vv_watch watch;
    uint32_t threads_max;  /* that it may use */
    atomic_bool is_scaled; /* it uses them */
};

struct vv_session {
    struct vv_engine *engine; /* a counted use */
    duckdb_connection connection;
    bool is_plain; /* vv_session_optimize */
};

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
/* The code alone, without an operation to record it in. */
varve_status vv_duck_code(varve_status refused, duckdb_error_type type, const char *text);

/*
 * Makes a NUL-terminated copy for DuckDB, which cuts at the first NUL byte: EINVALID where there
 * is one. `what` names the text in the message. Free `*out` with vv_free.
 */
varve_status vv_duck_text(struct vv_op *op, const char *what, struct vv_str text, char **out);
void vv_duck_text_done(char **text);

/* Runs SQL, cancel watched. `*out` needs duckdb_destroy_result; written on success only. */
varve_status vv_duck_query(struct vv_op *op, struct vv_session *session, struct vv_str sql,
    varve_status refused, duckdb_result *out);

/*
 * Prepares one statement, gives its parameters values and runs it, cancel watched: whole, or
 * `streaming` up to its first rows. EUSAGE for a parameter without a value. `*out` as above.
 */
varve_status vv_duck_execute(struct vv_op *op, struct vv_session *session,
    const struct vv_query *query, bool streaming, duckdb_result *out);

void vv_duck_result_done(duckdb_result *result);
void vv_duck_chunk_done(duckdb_data_chunk *chunk);
void vv_duck_type_done(duckdb_logical_type *type);

/* The bytes of a string in a vector; they live as long as its chunk. */
struct vv_str vv_duck_string(const duckdb_string_t *string);

#endif
