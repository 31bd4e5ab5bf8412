/*
 * Varve: an audit-grade Delta Lake store for trading systems.
 *
 * Conventions, once for all functions:
 *   Result    0 (VARVE_OK) or a code of status.h; on failure *err says why and no out parameter
 *             has been written. err may be NULL.
 *   Order     handle, inputs, options, outputs, err. options may be NULL for defaults.
 *   Options   start as VARVE_..._INIT, which sets .size. An older library refuses fields that it does not know
 *             unless they are 0. NULL and 0 mean "the default"; "" for a time, version, span or condition is EUSAGE.
 *   Owned     what comes out of a `type **out` belongs to the caller and is given back with
 *             type_close() or type_free(), which accept NULL. Any other pointer is borrowed and
 *             says until when. Text given back as `char **` is freed with varve_free().
 *   Arrow     a stream given to the library is taken over and released on success and on failure alike; one
 *             that was before is EINVALID. One given back is released by the caller, before the lake or the
 *             writer that gave it is closed. The number that get_next of either fails with tells the code:
 *             EINVAL EUSAGE, EBADMSG ECORRUPT, ENOMEM ELIMIT, ENOTSUP EUNSUPPORTED, ECANCELED EINTERRUPTED, else EIO.
 *   Closing   tables, writers and streams before their lake.
 *   Threads   one call at a time on one handle; different handles in different threads. A lake and
 *             its tables count as one handle. A forked child neither uses nor closes its parent's.
 *   Text      UTF-8, ended by NUL. Times are microseconds since 1970-01-01T00:00:00Z, or texts as
 *             the command line takes them: ISO 8601 (naive = UTC), "now", "-2h", "-7d".
 */
#ifndef VARVE_VARVE_H
#define VARVE_VARVE_H

#include <stddef.h>
#include <stdint.h>

#include "varve/arrow.h"
#include "varve/export.h"
#include "varve/feed.h"
#include "varve/query.h"
#include "varve/status.h"
#include "varve/version.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct varve_lake varve_lake;
typedef struct varve_table varve_table;

/* "0.1.0"; the versions of DuckDB and of the Delta protocol in one line. Static storage. */
VARVE_API const char *varve_version(void);
VARVE_API const char *varve_build_info(void);
VARVE_API void varve_free(void *text);

typedef enum varve_log_level {
    VARVE_LOG_DEBUG = 0,
    VARVE_LOG_INFO = 1,
    VARVE_LOG_WARN = 2,
    VARVE_LOG_ERROR = 3
} varve_log_level;

/* `event` names what happened, `fields` is a JSON object with "message"; both borrowed. */
typedef void (*varve_log_fn)(void *data, int32_t level, const char *event, const char *fields);
/* `done` of `total` units of the phase (total 0: unknown). Non-zero: cancel. */
typedef int (*varve_progress_fn)(void *data, const char *phase, uint64_t done, uint64_t total);

/* ---- Lakes ---------------------------------------------------------------------------------- */

typedef struct varve_lake_options {
    uint32_t size;
    int32_t create;         /* 1: make the folder at the first write where it is not there */
    int32_t durability_off; /* 1: no fsync; for bulk loads and benchmarks */
    uint32_t threads;       /* 0: one a core; at most one for each 205 MiB of memory_bytes */
    uint64_t memory_bytes;  /* for work, about; more spills to disk. 0: 80 % of the machine's */
    const char *user;       /* for commitInfo.userName; NULL: the login */
    const char *message;    /* for commitInfo.userMetadata; NULL: none */
    varve_log_fn on_log;    /* writers call it from threads of their own, also two at a time */
    void *on_log_data;
    varve_progress_fn on_progress;
    void *on_progress_data;
    int32_t may_be_missing;  /* 1: the folder need not be there: tables are found by path */
    int32_t interrupt_stays; /* 1: it ends later calls, too, until varve_lake_resume */
    uint64_t cache_bytes;    /* varve_lake_cache; 0: 1/16 of the memory, at most 256 MiB */
} varve_lake_options;
#define VARVE_LAKE_OPTIONS_INIT                                                             \
    {                                                                                       \
        sizeof(varve_lake_options), 0, 0, 0, 0, NULL, NULL, NULL, NULL, NULL, NULL, 0, 0, 0 \
    }

/* Reads nothing yet. ENOTFOUND: no such folder, and neither `create` nor `may_be_missing` set. */
VARVE_API VARVE_MUST_CHECK varve_status varve_lake_open(const char *location,
    const varve_lake_options *options, varve_lake **out, varve_error *err);
VARVE_API void varve_lake_close(varve_lake *lake);
/* As varve_lake_close where the process is about to end: quicker, memory is left to the system. */
VARVE_API void varve_lake_leave(varve_lake *lake);
/* Ends the call that runs on it, or the next read of an open stream, EINTERRUPTED; signal safe. */
VARVE_API void varve_lake_interrupt(varve_lake *lake);
VARVE_API void varve_lake_resume(varve_lake *lake); /* as if it had not been; signal safe */

typedef struct varve_init_options {
    uint32_t size;
    const char *profile;      /* NULL or "interop"; "audit" */
    const char *history;      /* retention: "400d" (default), "forever" */
    const char *regimes;      /* other regimes, parted by commas */
    const char *signal_types; /* other signal types, parted by commas */
    const char *symbols;      /* all others warn; NULL: none does */
} varve_init_options;
#define VARVE_INIT_OPTIONS_INIT                                  \
    {                                                            \
        sizeof(varve_init_options), NULL, NULL, NULL, NULL, NULL \
    }

/*
 * Creates the three market tables where they are absent. *out_json (may be NULL):
 * [{"table","location","created",...}]. EUSAGE as of varve_lake_create_table.
 */
VARVE_API VARVE_MUST_CHECK varve_status varve_lake_init(varve_lake *lake,
    const varve_init_options *options, char **out_json, varve_error *err);

typedef struct varve_create_options {
    uint32_t size;
    const char *schema;       /* "a timestamp not null, b string, ..." */
    const char *partition_by; /* column names parted by commas */
    const char *key;
    const char *order_by;
    const char *zorder;
    const char *history;       /* as in varve_init_options */
    const char *const *checks; /* "name: expression" */
    size_t checks_len;
    const char *const *properties; /* "name=value" */
    size_t properties_len;
    const char *description;
    const char *cluster_by; /* liquid clustering: up to four columns; as alter cluster-by */
} varve_create_options;
#define VARVE_CREATE_OPTIONS_INIT                                                           \
    {                                                                                       \
        sizeof(varve_create_options), NULL, NULL, NULL, NULL, NULL, NULL, NULL, 0, NULL, 0, \
            NULL, NULL                                                                      \
    }

/*
 * *out_created 0: it was there and stays. EUSAGE: it lacks a column, or differs in type, key,
 * partition; Parquet files lie there without a log.
 */
VARVE_API VARVE_MUST_CHECK varve_status varve_lake_create_table(varve_lake *lake,
    const char *name, const varve_create_options *options, int32_t *out_created,
    varve_error *err);

/* The lake's tables: table, version, files, rows, bytes, last_commit (timestamp), key, location, error. */
VARVE_API VARVE_MUST_CHECK varve_status varve_lake_tables(varve_lake *lake,
    struct ArrowArrayStream *out, varve_error *err);

/* ---- Tables --------------------------------------------------------------------------------- */

/* A name in the lake, or a path or file URL of any Delta table. ENOTFOUND: no table there. */
VARVE_API VARVE_MUST_CHECK varve_status varve_table_open(varve_lake *lake, const char *name,
    varve_table **out, varve_error *err);
/* Waits for the checkpoint of a large table that is being written, if one is. */
VARVE_API void varve_table_close(varve_table *table);
/* Sees what others have committed since. *out_version (may be NULL): the latest version. */
VARVE_API VARVE_MUST_CHECK varve_status varve_table_refresh(varve_table *table,
    int64_t *out_version, varve_error *err);
/* The JSON object of `varve describe --json`: name, location, version, protocol, schema, ... */
VARVE_API VARVE_MUST_CHECK varve_status varve_table_describe(varve_table *table, const char *at,
    char **out_json, varve_error *err);

typedef enum varve_format {
    VARVE_FORMAT_CSV = 1,
    VARVE_FORMAT_NDJSON = 2,
    VARVE_FORMAT_ARROW = 3, /* an ArrowArrayStream */
    VARVE_FORMAT_PARQUET = 4,
    VARVE_FORMAT_ARROW_IPC = 5 /* the bytes of an Arrow stream or file */
} varve_format;

typedef struct varve_input {
    int32_t format; /* varve_format */
    int32_t use_fd; /* 1: read `fd`, from 0 on, to its end; it stays open */
    int32_t fd;
    const char *path;                /* a local file; with use_fd: the name for messages */
    struct ArrowArrayStream *stream; /* VARVE_FORMAT_ARROW */
} varve_input;

typedef struct varve_upsert_options {
    uint32_t size;
    const char *app_id;    /* with app_version: a batch repeated under them is a no-op */
    int64_t app_version;   /* >= 0; one not above the last of the app_id is taken for applied */
    uint32_t attempts_max; /* 0: 10 */
    const char *input_tz;  /* zone of naive times; NULL: UTC. What it never had is a bad row */
    int32_t truncate_time; /* 1: cut digits below a microsecond instead of rejecting */
    const char *message;   /* for this commit; NULL: the lake's */
    int32_t quarantine;    /* 1: bad rows go to the quarantine (quarantine.h), not EINVALID */
    int32_t dry_run;       /* 1: all but the commit; the result is what it would have been */
    int32_t evolve; /* 1: columns that the table lacks are added first, by another commit */
    int32_t allow_duplicates; /* of an append (dml.h); 1: to a table with a key, too */
} varve_upsert_options;
#define VARVE_UPSERT_OPTIONS_INIT                                           \
    {                                                                       \
        sizeof(varve_upsert_options), NULL, 0, 0, NULL, 0, NULL, 0, 0, 0, 0 \
    }

typedef struct varve_upsert_result {
    int64_t rows_in;
    int64_t inserted;
    int64_t updated;
    int64_t unchanged; /* equal to the stored row in every column but the order column */
    int64_t stale;     /* older than the stored row */
    int64_t duplicates_in_batch; /* lost to another row of the batch with the same key */
    int64_t rejected;
    int64_t repaired;        /* surplus rows of keys that were stored several times */
    int64_t already_applied; /* 1: the txn was recorded before; nothing was compared */
    int64_t rows_written;    /* inserted + updated */
    int64_t version;         /* of the table afterwards */
    int64_t files_added;
    int64_t files_removed;
    int64_t attempts;
    int64_t columns_added; /* with evolve */
    int64_t rows_warned;   /* not rejected, and against a rule varve.warn.NAME of the table */
    const char *warnings;  /* {"future_time":2} or NULL; borrowed until the table's next call */
    int64_t times_ambiguous; /* rows with a time that input_tz had twice: the earlier is it */
} varve_upsert_result;

/*
 * Inserts rows, replaces those with equal keys where they are newer, as one commit or none.
 * EINVALID   a row breaks the table's rules: err->detail names the rows; nothing was written
 * ECONFLICT  other writers won every attempt; nothing was written; retry
 * EUNKNOWN   the storage never answered; retry with the same app_id and app_version
 */
VARVE_API VARVE_MUST_CHECK varve_status varve_table_upsert(varve_table *table,
    const varve_input *inputs, size_t inputs_len, const varve_upsert_options *options,
    varve_upsert_result *out, varve_error *err);

typedef struct varve_scan_options {
    uint32_t size;
    const char *columns; /* names parted by commas; NULL: all */
    const char *where;   /* an SQL expression over the table's columns */
    const char *at;      /* version (all digits), time or tag; NULL: the latest */
    int64_t limit;       /* 0: none */
} varve_scan_options;
#define VARVE_SCAN_OPTIONS_INIT                         \
    {                                                   \
        sizeof(varve_scan_options), NULL, NULL, NULL, 0 \
    }

/* Rows of a table. EUSAGE: bad expression or column; ENOTFOUND: no such version. */
VARVE_API VARVE_MUST_CHECK varve_status varve_table_scan(varve_table *table,
    const varve_scan_options *options, struct ArrowArrayStream *out, varve_error *err);

typedef struct varve_latest_options {
    uint32_t size;
    const char *by;    /* column(s); NULL: the key without its time column */
    const char *until; /* event time, included; NULL: no limit */
    const char *at;
} varve_latest_options;
#define VARVE_LATEST_OPTIONS_INIT                      \
    {                                                  \
        sizeof(varve_latest_options), NULL, NULL, NULL \
    }

/* The newest row of each symbol or strategy, ordered by it. */
VARVE_API VARVE_MUST_CHECK varve_status varve_table_latest(varve_table *table,
    const varve_latest_options *options, struct ArrowArrayStream *out, varve_error *err);

typedef struct varve_range_options {
    uint32_t size;
    const char *symbol;   /* value of the column symbol */
    const char *strategy; /* value of the column strategy_id */
    const char *last;     /* "7d" back from now; NULL with neither from nor to: 7d */
    const char *from;     /* included */
    const char *to;       /* not included */
    const char *at;
} varve_range_options;
#define VARVE_RANGE_OPTIONS_INIT                                        \
    {                                                                   \
        sizeof(varve_range_options), NULL, NULL, NULL, NULL, NULL, NULL \
    }

/*
 * The rows of a time range in order of time. *out_newest_us (may be NULL): event time of the
 * newest row of that symbol or strategy, INT64_MIN where there is none; for empty answers.
 */
VARVE_API VARVE_MUST_CHECK varve_status varve_table_range(varve_table *table,
    const varve_range_options *options, struct ArrowArrayStream *out, int64_t *out_newest_us,
    varve_error *err);

/*
 * The operations on a table, newest first, at most `limit` (0: all; EUSAGE below 0): version, timestamp, userName, operation,
 * operationParameters, operationMetrics (JSON), userMetadata, engineInfo, rows, files (NULL: unknown).
 */
VARVE_API VARVE_MUST_CHECK varve_status varve_table_history(varve_table *table, int64_t limit,
    struct ArrowArrayStream *out, varve_error *err);

typedef struct varve_checkpoint_result {
    int64_t version;           /* of the checkpoint */
    int64_t commits_cleaned;   /* that left the log: older than delta.logRetentionDuration */
    int64_t commits_kept;      /* of those: new in the ledger, which keeps their history */
    int64_t log_first_version; /* the oldest that the log itself gives; -1: none was cleaned */
} varve_checkpoint_result;

/* A checkpoint now, not only each delta.checkpointInterval, and the clean-up of the log. */
VARVE_API VARVE_MUST_CHECK varve_status varve_table_checkpoint(varve_table *table,
    varve_checkpoint_result *out, varve_error *err);

#ifdef __cplusplus
}
#endif

#endif
