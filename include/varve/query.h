/*
 * SQL over the tables of a lake. Conventions: varve.h, which includes this.
 */
#ifndef VARVE_QUERY_H
#define VARVE_QUERY_H

#include <stddef.h>
#include <stdint.h>

#include "varve/arrow.h"
#include "varve/status.h"

#ifdef __cplusplus
extern "C" {
#endif

struct varve_lake;

typedef struct varve_query_options {
    uint32_t size;
    const char
        *at; /* version (one table only), time or tag, of every table read; NULL: the latest */
    const char *const *param_names;  /* `name` of the `$name` in the SQL */
    const char *const *param_values; /* as a literal in quotes would be; NULL: NULL */
    size_t params_len;
    /*
     * What their values are: "bigint", "double", "decimal", "boolean", "string", "date", "timestamp",
     * "timestamp_ntz", "time", "binary" (in hexadecimal digits); "int", "integer" and "long" are
     * "bigint", "varchar" and "text" "string", "bool", "numeric", "timestamptz" and "blob" what they
     * are in a schema. NULL, or NULL for one of them: a
     * literal in quotes, which has the type of what it stands beside.
     */
    const char *const *param_types;
    /*
     * Not 0: no two columns of the rows have one name. One with the name of a column before it (case
     * does not count) gets a number, as in `timestamp_1`, or the next that makes a name that is not
     * there. For what takes rows by name: JSON, Parquet, data frames.
     */
    int32_t own_names;
} varve_query_options;
#define VARVE_QUERY_OPTIONS_INIT                                  \
    {                                                             \
        sizeof(varve_query_options), NULL, NULL, NULL, 0, NULL, 0 \
    }

/*
 * Runs statements, parted by semicolons, each SELECT or EXPLAIN, over the lake's tables by name,
 * and gives the rows of the last one. `FROM t AT (VERSION => 5)` and `AT (TIMESTAMP => '...')`
 * read a table as it was; that wins over options.at. Each table is read at one version, all fixed
 * before the first row. SQL reaches neither files nor the network.
 *
 * Functions over a table stand wherever a table does: table_changes('t', from [, to]), by
 * versions, times or tags, has the rows of varve_table_changes; table_history('t') those of varve_table_history;
 * table_files('t' [, at]) those of varve_table_files. They tell of the version at which the query
 * reads the table, and of those before it. Their arguments are values or parameters.
 *
 * asof_join('t', 'u' [, by] [, tolerance] [, knowledge] [, condition] [, left_time] [, right_time])
 * has each row of t with the row of u that was in force at its time: the greatest time at or before, of those with equal `by` columns
 * (parted by commas), that were known by then: from their order column on (knowledge 'order', the
 * default) or from their time ('event'). `condition` is SQL over the rows of u; left_time and
 * right_time name the columns of time, where they are not in the keys. The columns of t, of u
 * without `by` (a name that t has ends with _right), and staleness_seconds; of an older row than
 * `tolerance` ('90s', '1h') they are NULL. Arguments may be named: tolerance => '1h'.
 *
 * `SET known_at = '...'` does what varve_lake_known_at does, for the statements behind it and, where
 * the query succeeds, for what the lake is asked later; its row is the time. `SET known_at = NULL`
 * and `RESET known_at` end it. It does not go with options.at.
 * EUSAGE: bad SQL, with the place; a parameter without a value. ENOTFOUND: no such table, version
 * or time.
 */
VARVE_API VARVE_MUST_CHECK varve_status varve_lake_query(struct varve_lake *lake,
    const char *sql, const varve_query_options *options, struct ArrowArrayStream *out,
    varve_error *err);

/*
 * From now on tables of this lake, those that are open already too, are read by themselves, by
 * queries and by reports as they were known at that time, where no `at` is given; one that was not
 * made by then reads as one without rows, and the log tells. Writes, varve_table_refresh,
 * varve_lake_tables and what looks after files go by the latest version as ever, and rows that
 * are being read stay those that were asked for. NULL: as they are, again. EUSAGE: no time, as "" is.
 */
VARVE_API VARVE_MUST_CHECK varve_status varve_lake_known_at(struct varve_lake *lake,
    const char *time, varve_error *err);

/*
 * The time that the lake is read at since varve_lake_known_at or SET known_at, in microseconds since
 * 1970, in *out_us. 0: as it is, and *out_us stays; 1: as it was then.
 */
VARVE_API int32_t varve_lake_known(struct varve_lake *lake, int64_t *out_us);

typedef struct varve_leak_check_options {
    uint32_t size;
    int32_t knowledge; /* varve_knowledge of report.h: since when a row is known */
} varve_leak_check_options;
#define VARVE_LEAK_CHECK_OPTIONS_INIT       \
    {                                       \
        sizeof(varve_leak_check_options), 0 \
    }

/*
 * The rows of a query that differ between what was known at a time and what is known now: what
 * would have leaked into a test of the past. The query's columns, and before them _known, "then"
 * or "now"; a row that occurs more often on one side comes as often as it does. Columns must have
 * names of their own.
 *
 * By order, the default, a row is known from its order column on: then there were the rows that
 * are there now and were known then, and, where rows were replaced or removed since, those of the
 * version that was committed by then. What was committed later and is gone again is on neither
 * side; no rows mean that nothing was used that was not known. By commit, the version of then is what was known; by event, the rows of now with a time up
 * to then. A table whose rows do not say it is judged by commit, and the log tells.
 * EUSAGE: no time; see varve_lake_query.
 */
VARVE_API VARVE_MUST_CHECK varve_status varve_lake_leak_check(struct varve_lake *lake,
    const char *sql, const char *known_at, const varve_leak_check_options *options,
    struct ArrowArrayStream *out, varve_error *err);

/* varve_lake_options.cache_bytes: nothing is held. */
#define VARVE_CACHE_OFF UINT64_MAX

/*
 * Data files that are read again and again in one process are held in memory, decoded, up to
 * cache_bytes, which are a part of memory_bytes; a quarter of it at most (EUSAGE).
 * This is what is held, and what came of it since the lake was opened.
 */
typedef struct varve_cache {
    uint64_t bytes, bytes_max; /* held, about; and at most */
    uint64_t files, columns;   /* held: files, and columns of them all together */
    uint64_t hits;             /* columns of files that were there when they were read */
    uint64_t misses;           /* and those that had to be decoded */
    uint64_t evicted;          /* files that made room for others */
} varve_cache;
/* `clear`: 1: and then gives the memory of what is held back. */
VARVE_API VARVE_MUST_CHECK varve_status varve_lake_cache(struct varve_lake *lake, int32_t clear,
    varve_cache *out, varve_error *err);

#ifdef __cplusplus
}
#endif

#endif
