/*
 * Times the library from inside one process, as a bot would use it: the lake stays open, batches
 * are Arrow arrays in memory. It does what it is told on standard input, a command a line, parts
 * set apart by tabs, and answers each with "MICROSECONDS<tab>NUMBER", or "error<tab>TEXT".
 *
 *     batch NAME FILE          the rows of a file of an Arrow stream, into memory; NUMBER: how many
 *     load TABLE FILE          upserts a Parquet file; NUMBER: rows written
 *     upsert TABLE NAME        NUMBER: rows written
 *     query SQL                NUMBER: rows
 *     range TABLE STRATEGY FROM TO
 *     latest TABLE
 *     history TABLE            the last 100
 *     optimize TABLE COLUMNS|- TARGET    in z-order, or packed; NUMBER: files that it took
 *     cold TABLE               a lake opened anew; NUMBER: the newest version of the table
 *     log TABLE VERSION        a lake opened anew: history of 100 and the state of VERSION;
 *                              NUMBER: its files
 *
 * Usage: varve_warm LAKE on|off      (durability)
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "varve/maintain.h"
#include "varve/varve.h"
#include "warm_batch.h"

#define PARTS_MAX 6
#define VERSION_MEMBER "\"version\":"
#define FILES_MEMBER "\"files\":"
#define HISTORY_LEN 100

static int64_t now_us(void)
{
    struct timespec now;
    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

static varve_status fail(varve_error *err, const char *text)
{
    err->code = VARVE_EUSAGE;
    (void)snprintf(err->message, sizeof(err->message), "%s", text);
    return VARVE_EUSAGE;
}

/* Reads a stream to its end. */
static varve_status drain(struct ArrowArrayStream *stream, int64_t *rows, varve_error *err)
{
    struct ArrowArray array;
    varve_status status = VARVE_OK;
    *rows = 0;
    while (status == VARVE_OK) {
        if (stream->get_next(stream, &array) != 0) {
            status = fail(err, stream->get_last_error(stream));
            break;
        }
        if (array.release == NULL)
            break;
        *rows += array.length;
        array.release(&array);
    }
    stream->release(stream);
    return status;
}

static varve_status run_upsert(varve_table *table, const char *name, int64_t *rows,
    varve_error *err)
{
    struct warm_batch *batch = warm_batch_find(name);
    if (batch == NULL)
        return fail(err, "no such batch");
    struct ArrowArrayStream stream;
    varve_status status = warm_batch_stream(batch, &stream, err);
    if (status != VARVE_OK)
        return status;
    varve_input input = {.format = VARVE_FORMAT_ARROW, .stream = &stream};
    varve_upsert_result result;
    status = varve_table_upsert(table, &input, 1, NULL, &result, err);
    if (stream.release != NULL)
        stream.release(&stream);
    if (status == VARVE_OK)
        *rows = result.rows_written;
    return status;
}

static varve_status run_load(varve_table *table, const char *path, int64_t *rows,
    varve_error *err)
{
    varve_input input = {.format = VARVE_FORMAT_PARQUET, .path = path};
    varve_upsert_result result;
    varve_status status = varve_table_upsert(table, &input, 1, NULL, &result, err);
    if (status == VARVE_OK)
        *rows = result.rows_written;
    return status;
}

static varve_status run_range(varve_table *table, char **parts, int64_t *rows, varve_error *err)
{
    struct ArrowArrayStream stream;
    varve_range_options options = VARVE_RANGE_OPTIONS_INIT;
    options.strategy = parts[2];
    options.from = parts[3];
    options.to = parts[4];
    varve_status status = varve_table_range(table, &options, &stream, NULL, err);
    return status == VARVE_OK ? drain(&stream, rows, err) : status;
}

static varve_status run_latest(varve_table *table, int64_t *rows, varve_error *err)
{
    struct ArrowArrayStream stream;
    varve_status status = varve_table_latest(table, NULL, &stream, err);
    return status == VARVE_OK ? drain(&stream, rows, err) : status;
}

/* "-": packing, else the columns of a z-order; the target size in bytes. */
static varve_status run_optimize(varve_table *table, char **parts, int64_t *rows,
    varve_error *err)
{
    varve_optimize_options options = VARVE_OPTIMIZE_OPTIONS_INIT;
    varve_optimize_result result;
    options.zorder = strcmp(parts[2], "-") == 0 ? NULL : parts[2];
    options.target_bytes = strtoll(parts[3], NULL, 10);
    varve_status status = varve_table_optimize(table, &options, &result, err);
    *rows = status == VARVE_OK ? result.files_removed : 0;
    return status;
}

static varve_status run_history(varve_table *table, int64_t *rows, varve_error *err)
{
    struct ArrowArrayStream stream;
    varve_status status = varve_table_history(table, HISTORY_LEN, &stream, err);
    return status == VARVE_OK ? drain(&stream, rows, err) : status;
}

static int64_t member(const char *json, const char *name)
{
    const char *at = json;
    const char *last = NULL; /* names of columns and properties come before */
    while ((at = strstr(at, name)) != NULL) {
        at += strlen(name);
        last = at;
    }
    return last != NULL ? strtoll(last, NULL, 10) : -1;
}

/* History as long as asked for, or the whole was for nothing; rows: files of the version. */
static varve_status run_log(const char *location, char **parts, int64_t *rows, varve_error *err)
{
    varve_lake *lake = NULL;
    varve_table *table = NULL;
    char *json = NULL;
    varve_status status = varve_lake_open(location, NULL, &lake, err);
    if (status == VARVE_OK)
        status = varve_table_open(lake, parts[1], &table, err);
    if (status == VARVE_OK)
        status = run_history(table, rows, err);
    if (status == VARVE_OK && *rows != HISTORY_LEN)
        status = fail(err, "the history is short");
    if (status == VARVE_OK)
        status = varve_table_describe(table, parts[2], &json, err);
    if (status == VARVE_OK)
        *rows = member(json, FILES_MEMBER);
    varve_free(json);
    varve_table_close(table);
    varve_lake_close(lake);
    return status;
}

/* A handle of its own, and the newest version: all that it takes to know what a table is. */
static varve_status run_cold(const char *location, const char *name, int64_t *out_version,
    varve_error *err)
{
    varve_lake *lake = NULL;
    varve_table *table = NULL;
    char *json = NULL;
    varve_status status = varve_lake_open(location, NULL, &lake, err);
    if (status == VARVE_OK)
        status = varve_table_open(lake, name, &table, err);
    if (status == VARVE_OK)
        status = varve_table_describe(table, NULL, &json, err);
    if (status == VARVE_OK)
        *out_version = member(json, VERSION_MEMBER);
    varve_free(json);
    varve_table_close(table);
    varve_lake_close(lake);
    return status;
}

struct session {
    const char *location;
    varve_lake *lake;
    varve_table *table;
    char table_name[64];
};

static varve_status use_table(struct session *session, const char *name, varve_error *err)
{
    if (session->table != NULL && strcmp(session->table_name, name) == 0)
        return VARVE_OK;
    varve_table_close(session->table);
    session->table = NULL;
    (void)snprintf(session->table_name, sizeof(session->table_name), "%s", name);
    return varve_table_open(session->lake, name, &session->table, err);
}

static varve_status run(struct session *session, char **parts, size_t parts_len, int64_t *rows,
    varve_error *err)
{
    const char *verb = parts[0];
    if (strcmp(verb, "batch") == 0 && parts_len == 3)
        return warm_batch_read(parts[1], parts[2], rows, err);
    if (strcmp(verb, "query") == 0 && parts_len == 2) {
        struct ArrowArrayStream stream;
        varve_status status = varve_lake_query(session->lake, parts[1], NULL, &stream, err);
        return status == VARVE_OK ? drain(&stream, rows, err) : status;
    }
    if (strcmp(verb, "log") == 0 && parts_len == 3)
        return run_log(session->location, parts, rows, err);
    if (strcmp(verb, "cold") == 0 && parts_len == 2)
        return run_cold(session->location, parts[1], rows, err);
    if (parts_len < 2)
        return fail(err, "not a command");
    varve_status status = use_table(session, parts[1], err);
    if (status != VARVE_OK)
        return status;
    if (strcmp(verb, "upsert") == 0 && parts_len == 3)
        return run_upsert(session->table, parts[2], rows, err);
    if (strcmp(verb, "load") == 0 && parts_len == 3)
        return run_load(session->table, parts[2], rows, err);
    if (strcmp(verb, "history") == 0 && parts_len == 2)
        return run_history(session->table, rows, err);
    if (strcmp(verb, "range") == 0 && parts_len == 5)
        return run_range(session->table, parts, rows, err);
    if (strcmp(verb, "latest") == 0 && parts_len == 2)
        return run_latest(session->table, rows, err);
    if (strcmp(verb, "optimize") == 0 && parts_len == 4)
        return run_optimize(session->table, parts, rows, err);
    return fail(err, "not a command");
}

static void serve(struct session *session)
{
    static char line[65536];
    while (fgets(line, sizeof(line), stdin) != NULL) {
        char *parts[PARTS_MAX] = {0};
        size_t parts_len = 0;
        varve_error err;
        int64_t rows = 0;
        line[strcspn(line, "\n")] = '\0';
        char *rest = line;
        while (rest != NULL && parts_len < PARTS_MAX)
            parts[parts_len++] = strsep(&rest, "\t");
        int64_t begin = now_us();
        varve_status status = run(session, parts, parts_len, &rows, &err);
        int64_t end = now_us();
        if (status == VARVE_OK)
            (void)printf("%lld\t%lld\n", (long long)(end - begin), (long long)rows);
        else
            (void)printf("error\t%s\n", err.message);
        (void)fflush(stdout);
    }
}

int main(int argc, char **argv)
{
    if (argc != 3) {
        (void)fprintf(stderr, "usage: varve_warm LAKE on|off\n");
        return 2;
    }
    varve_error err;
    varve_lake_options options = VARVE_LAKE_OPTIONS_INIT;
    options.durability_off = strcmp(argv[2], "off") == 0;
    struct session session = {.location = argv[1]};
    if (varve_lake_open(argv[1], &options, &session.lake, &err) != VARVE_OK) {
        (void)fprintf(stderr, "varve_warm: %s\n", err.message);
        return 1;
    }
    serve(&session);
    varve_table_close(session.table);
    varve_lake_close(session.lake);
    warm_batch_free_all();
    return 0;
}
