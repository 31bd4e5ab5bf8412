/*
 * The engine: SQL, Arrow and Parquet, by DuckDB. The layers above write SQL text (built with
 * engine/sql.h) and know no DuckDB type.
 *
 * One engine a process or lake: an in-memory database, extensions never loaded, TimeZone UTC.
 * A session is one connection; temporary tables and views belong to it. Sessions of one engine
 * may run in different threads; one session runs one statement at a time.
 */
#ifndef VV_ENGINE_ENGINE_H
#define VV_ENGINE_ENGINE_H

#include "base/op.h"
#include "base/str.h"
#include "varve/arrow.h"

struct vv_engine;
struct vv_session;
struct vv_rows;
struct vv_held;

/* Who makes a folder in `parent` for what is spilled, and removes it with all that it holds. */
struct vv_engine_spill {
    /* *out_folder NULL: it can't. *out_path: as long as that is there. */
    varve_status (*make)(struct vv_op *op, struct vv_str parent, void **out_folder,
        struct vv_str *out_path);
    void (*keep)(void *folder); /* before it may be needed: it may have gone, if it was empty */
    void (*remove)(void *folder);
};

struct vv_engine_options {
    uint32_t threads;          /* 0: one a core; no more than the memory is enough for */
    size_t memory_bytes;       /* of all that work takes, about; 0: DuckDB's default */
    struct vv_str temp_folder; /* for spilled data, must exist; none: the system's own */
    /* For each database. NULL, or where it can't: one in temp_folder that a killed process leaves. */
    const struct vv_engine_spill *spill;
    /*
     * Where set, SQL reaches files below these folders only, nothing else and no network: a
     * sandbox for a user's text. What may run at all is the caller's matter (engine/sql_tree.h).
     */
    const struct vv_str *allowed_folders;
    size_t allowed_folders_len;
    /*
     * The process goes on for long: memory that was freed goes back to the system, by threads of
     * the allocator that never end. Otherwise much of it is kept for the next statement.
     */
    bool is_lasting;
    /* What statements may keep of data files in memory (engine/held.h), by a use of its own; NULL:
     * nothing. It comes out of memory_bytes. */
    struct vv_held *held;
};

/*
 * The database itself is opened with the first session, since it takes longer than much that is
 * done without; a sandbox at once.
 */
varve_status vv_engine_open(struct vv_op *op, const struct vv_engine_options *options,
    struct vv_engine **out);
void vv_engine_close(struct vv_engine **engine);
/*
 * The same at the end of a process: to take the catalogue of the engine apart takes longer than to
 * upsert a row, and the memory goes with the process. Where something else is left, as threads or
 * spilled files, it closes.
 */
void vv_engine_leave(struct vv_engine **engine);
/*
 * The next statements work on about so many bytes each. An engine uses one thread for small ones,
 * since to share them among several costs more than it brings, and all that it may for large
 * ones. Never fails: with the wrong number of threads work is slower, not wrong. NULL: no engine.
 */
void vv_engine_expect(struct vv_engine *engine, int64_t bytes);
/* About so much may be kept in memory beside what the engine counts (engine/rowset.h). */
int64_t vv_engine_spare_bytes(const struct vv_engine *engine);
/*
 * So much may be kept in memory in the place of a table of the engine's: an eighth of what is allowed,
 * or, where nothing is said of it, of what the machine has; 1 GiB at most.
 */
int64_t vv_engine_batch_bytes(const struct vv_engine *engine);
/* How many threads may be at work for an operation, at least 1. */
size_t vv_engine_threads(const struct vv_engine *engine);
/*
 * How many sessions may write files of about so many bytes each at once, at least 1: as many as
 * there may be threads, but for what their rows take in memory on the way. Long files are written
 * one by one, by all threads.
 */
size_t vv_engine_writers(const struct vv_engine *engine, int64_t bytes);
/*
 * Several sessions are about to work at once, by threads of the caller's: each statement has its
 * own alone, from which the engine's would only take turns. Until the next large work is expected.
 */
void vv_engine_expect_many(struct vv_engine *engine);
/*
 * The next statements read files that nobody will read again: what is read is not kept in memory,
 * which takes as long as reading small files does. Until it is said otherwise. Never fails.
 */
void vv_engine_read_once(struct vv_engine *engine, bool is_once);
/* "1.5.6": the library's own word. Static storage. */
const char *vv_engine_version(void);

varve_status vv_session_open(struct vv_op *op, struct vv_engine *engine,
    struct vv_session **out);
void vv_session_close(struct vv_session **session);
/*
 * Whether the statements that follow are worth optimising; they are at first. For a few hundred
 * rows in memory the optimiser takes longer than the rest. Whatever reads files is worth it.
 */
varve_status vv_session_optimize(struct vv_op *op, struct vv_session *session,
    bool is_worth_it);

/*
 * Runs statements, parted by semicolons, results thrown away. An operation that is cancelled
 * interrupts the statement (EINTERRUPTED). A statement that DuckDB refuses is EFAILED: the SQL is
 * ours; callers that run a user's text say vv_recode(op, VARVE_EUSAGE).
 * Memory limit met: ELIMIT. A file that can't be read: EIO or ECORRUPT.
 */
varve_status vv_session_exec(struct vv_op *op, struct vv_session *session, struct vv_str sql);
/* The same of a statement that makes a view over data files: the session knows which it reads then. */
varve_status vv_session_make_view(struct vv_op *op, struct vv_session *session,
    struct vv_str sql);

/*
 * Runs one statement; its rows are read one by one. Small results and metadata only; user data
 * goes out through Arrow.
 */
varve_status vv_session_query(struct vv_op *op, struct vv_session *session, struct vv_str sql,
    struct vv_rows **out);
/* False in *out_has_row: no more. */
varve_status vv_rows_next(struct vv_op *op, struct vv_rows *rows, bool *out_has_row);
void vv_rows_close(struct vv_rows **rows);
uint32_t vv_rows_columns(const struct vv_rows *rows);
struct vv_str vv_rows_name(const struct vv_rows *rows, uint32_t column);
/* Of the current row; the column must be of that SQL type (VV_PRE). */
bool vv_rows_is_null(const struct vv_rows *rows, uint32_t column);
bool vv_rows_bool(const struct vv_rows *rows, uint32_t column);
int64_t vv_rows_int64(const struct vv_rows *rows,
    uint32_t column); /* any integer, date, timestamp: raw */
double vv_rows_double(const struct vv_rows *rows, uint32_t column); /* FLOAT or DOUBLE */
/* VARCHAR or BLOB; valid until the next row. NULL gives VV_STR_NONE. */
struct vv_str vv_rows_text(const struct vv_rows *rows, uint32_t column);
/* A MAP of texts: how many pairs, and one of them, as texts above. A NULL map has none. */
size_t vv_rows_pairs(const struct vv_rows *rows, uint32_t column);
void vv_rows_pair(const struct vv_rows *rows, uint32_t column, size_t index,
    struct vv_str *out_name, struct vv_str *out_value);
/* Runs a statement that yields one row of one integer (NULL = 0). */
varve_status vv_session_int64(struct vv_op *op, struct vv_session *session, struct vv_str sql,
    int64_t *out);

enum vv_sql_type {
    VV_SQL_LITERAL, /* what a literal in quotes is */
    VV_SQL_STRING,
    VV_SQL_BOOLEAN,
    VV_SQL_BIGINT,
    VV_SQL_DOUBLE,
    VV_SQL_DECIMAL,
    VV_SQL_DATE,
    VV_SQL_TIMESTAMP,
    VV_SQL_TIMESTAMP_NTZ,
    VV_SQL_TIME,
    VV_SQL_BINARY
};

/*
 * `$name` of a statement; "1" is the name of the first `?` or `$1`. A type other than LITERAL and
 * STRING is set by vv_sql_param_read (engine/param.h).
 */
struct vv_sql_param {
    struct vv_str name;
    struct vv_str value; /* as the engine reads it in quotes; ptr NULL: NULL */
    enum vv_sql_type type;
    bool is_number; /* `number`, a BIGINT, in the place of `value` */
    int64_t number; /* BOOLEAN, BIGINT, DATE (days), times (microseconds) */
    double real;
    uint64_t
        decimal_low; /* DECIMAL: 128 bits, `width` digits, `scale` of them behind the point */
    int64_t decimal_high;
    uint8_t width, scale;
    struct vv_str bytes; /* BINARY */
};

struct vv_sql_params {
    const struct vv_sql_param *items;
    size_t len;
};
/* What stands before the number of a `?` or `$1` whose statement lost others; names begin otherwise. */
#define VV_SQL_NUMBERED "varve_parameter_"
/* By name, ignoring case; NULL: there is none. `params` may be NULL. */
const struct vv_sql_param *vv_sql_param_find(const struct vv_sql_params *params,
    struct vv_str name);

/* One statement to run. */
struct vv_query {
    struct vv_str sql;
    struct vv_str otherwise; /* where the engine refuses to plan sql; ptr NULL: nothing */
    /* Of a stream: what is said to need more memory than there is, "table t"; ptr NULL: nothing. */
    struct vv_str about;
    const struct vv_sql_params *params; /* NULL: none */
    bool is_otherwise_told;             /* for its error alone: it would give other rows */
    bool is_users;                      /* refused SQL is EUSAGE with the place, else EFAILED */
    /*
     * It will come again in this session, in the same words: it stays prepared. That saves reading
     * and planning it as long as the catalogue stays as it is, so for statements over rowsets; but
     * not the planning where it has parameters (vv_rowset_set_number).
     */
    bool is_kept;
    bool gives_way; /* a long one: while it is other threads' turn this one sleeps */
    /*
     * Of vv_session_rows: the rows come while they are read, instead of all being put by first.
     * Until they are closed the session runs nothing else.
     */
    bool is_streamed;
    /*
     * Of a stream: a column with the name of one before it (case does not count) gets a number, as the
     * engine has it in tables: a_1. A number that makes a name that is there is passed over.
     */
    bool has_own_names;
};
/* Its rows, one by one; as vv_session_query. */
varve_status vv_session_rows(struct vv_op *op, struct vv_session *session,
    const struct vv_query *query, struct vv_rows **out);

/* Something that a stream must keep alive until it is released. */
struct vv_keep {
    void *object;
    void (*release)(void *object);
};

/*
 * Runs one statement and gives its rows as a stream of record batches. Takes the session over on
 * success (*session is then NULL): it is closed, and then `keep` released, when the stream is. On
 * failure all of them stay the caller's. `sql_is_users`: refused SQL is EUSAGE with the place, else
 * EFAILED. The stream outlives the operation and the handle of the engine, but not the
 * environment's cancel flag, which interrupts get_next too. A failing get_next says why by get_last_error, and
 * by its number: EINVAL for EUSAGE, EBADMSG for ECORRUPT, ENOTSUP for EUNSUPPORTED, ENOMEM for
 * ELIMIT, ECANCELED for EINTERRUPTED, EIO for EIO, ENOTRECOVERABLE otherwise.
 */
varve_status vv_session_stream_query(struct vv_op *op, struct vv_session **session,
    const struct vv_query *query, const struct vv_keep *keep, size_t keep_len,
    struct ArrowArrayStream *out);
varve_status vv_session_stream(struct vv_op *op, struct vv_session **session, struct vv_str sql,
    bool sql_is_users, const struct vv_keep *keep, size_t keep_len,
    struct ArrowArrayStream *out);

struct vv_rowset;

/*
 * Where rows are loaded to: a new temporary table; or with a rowset (engine/rowset.h) there, for
 * as long as they are at most `rows_max`. With more the rowset ends up empty, and they are in the
 * table. Columns are those of the input, and a BIGINT `row_column` in front of them.
 */
struct vv_arrow_type;
struct vv_load_target {
    struct vv_str table;
    struct vv_str row_column;
    struct vv_rowset *rowset; /* NULL: none */
    int64_t rows_max;
    struct vv_arrow_type *out_type; /* of Arrow: what the rows are; NULL: not wanted */
};

/*
 * Loads the rows of a stream, columns named as in the stream; the row column counts from 1. The arrays are validated first
 * (lengths, offsets, buffers, indexes, UTF-8): EINVALID otherwise, also for names that occur twice
 * ignoring case. EUNSUPPORTED for types without a place in a table (time of day, intervals,
 * unions, ...). The stream is released in any case.
 *
 * Arrow timestamps in s, ms and us become TIMESTAMP, those with a zone TIMESTAMPTZ. Nanoseconds
 * are kept, since what lies below a microsecond is the caller's to judge: TIMESTAMP_NS without a
 * zone, and STRUCT("at" TIMESTAMPTZ, "ns" SMALLINT from 0 to 999) with one. A column of Arrow
 * type null is VARCHAR. A dictionary is its values, a map MAP, all kinds of lists are lists.
 * `out_rows` may be NULL.
 */
varve_status vv_session_load_arrow(struct vv_op *op, struct vv_session *session,
    struct ArrowArrayStream *stream, const struct vv_load_target *target, int64_t *out_rows);

/*
 * Creates the temporary table `table` with VARCHAR columns `columns` behind a BIGINT row column
 * and an open appender for it. Rows come one by one; a text with ptr NULL is NULL, one that is
 * not valid UTF-8 is EINVALID. Nothing is sure to be in the table before _finish.
 */
struct vv_text_appender;
varve_status vv_text_appender_open(struct vv_op *op, struct vv_session *session,
    struct vv_str table, struct vv_str row_column, const struct vv_str *columns,
    size_t columns_len, struct vv_text_appender **out);
varve_status vv_text_appender_open_at(struct vv_op *op, struct vv_session *session,
    const struct vv_load_target *target, const struct vv_str *columns, size_t columns_len,
    struct vv_text_appender **out);
varve_status vv_text_appender_row(struct vv_op *op, struct vv_text_appender *appender,
    int64_t row, const struct vv_str *values);
varve_status vv_text_appender_finish(struct vv_op *op, struct vv_text_appender *appender);
void vv_text_appender_close(struct vv_text_appender **appender);

#endif
