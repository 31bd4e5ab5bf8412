/*
 * Times the library from inside one process, as a bot would use it: the lake stays open, batches
 * are Arrow arrays in memory. It does what it is told on standard input, a command a line, parts
 * set apart by tabs, and answers each with "MICROSECONDS<tab>NUMBER", or "error<tab>TEXT".
 *
 *     batch NAME EXPRESSION    the rows of the table "batches" of the second lake, into memory
 *     upsert TABLE NAME        NUMBER: rows written
 *     query SQL                NUMBER: rows
 *     range TABLE STRATEGY FROM TO
 *     latest TABLE
 *     optimize TABLE COLUMNS|- TARGET    in z-order, or packed; NUMBER: files that it took
 *     cold TABLE               a lake opened anew; NUMBER: the newest version of the table
 *     open TABLE VERSION       a lake opened anew: history of 100 and the state of VERSION
 *
 * Usage: varve_warm LAKE BATCH_LAKE on|off      (durability)
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "varve/maintain.h"
#include "varve/varve.h"

#define BATCHES_MAX 4096
#define ARRAYS_MAX 1024
#define PARTS_MAX 6
#define VERSION_MEMBER "\"version\":"

/* Arrow arrays that are handed out as a stream any number of times. */
struct batch {
    char name[64];
    struct ArrowSchema schema;
    struct ArrowArray arrays[ARRAYS_MAX];
    size_t arrays_len;
};

struct replay {
    struct batch *batch;
    size_t next;
};

static struct batch *batches[BATCHES_MAX];
static size_t batches_len;

static int64_t now_us(void)
{
    struct timespec now;
    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

/* The memory stays the batch's: what is handed out is released by doing nothing. */
static void release_schema(struct ArrowSchema *schema)
{
    schema->release = NULL;
}

static void release_array(struct ArrowArray *array)
{
    array->release = NULL;
}

static int replay_schema(struct ArrowArrayStream *stream, struct ArrowSchema *out)
{
    struct replay *replay = stream->private_data;
    *out = replay->batch->schema;
    out->release = release_schema;
    return 0;
}

static int replay_next(struct ArrowArrayStream *stream, struct ArrowArray *out)
{
    struct replay *replay = stream->private_data;
    memset(out, 0, sizeof(*out));
    if (replay->next == replay->batch->arrays_len)
        return 0;
    *out = replay->batch->arrays[replay->next++];
    out->release = release_array;
    return 0;
}

static const char *replay_error(struct ArrowArrayStream *stream)
{
    (void)stream;
    return NULL;
}

static void replay_release(struct ArrowArrayStream *stream)
{
    stream->release = NULL;
}

static struct batch *find(const char *name)
{
    for (size_t i = 0; i < batches_len; i++)
        if (strcmp(batches[i]->name, name) == 0)
            return batches[i];
    return NULL;
}

static varve_status fail(varve_error *err, const char *text)
{
    err->code = VARVE_EUSAGE;
    (void)snprintf(err->message, sizeof(err->message), "%s", text);
    return VARVE_EUSAGE;
}

/* Reads a stream to its end, into `keep` where not NULL. */
static varve_status drain(struct ArrowArrayStream *stream, struct batch *keep, int64_t *rows,
    varve_error *err)
{
    struct ArrowArray array;
    varve_status status = VARVE_OK;
    *rows = 0;
    if (keep != NULL && stream->get_schema(stream, &keep->schema) != 0)
        status = fail(err, "no schema");
    while (status == VARVE_OK) {
        if (stream->get_next(stream, &array) != 0) {
            status = fail(err, stream->get_last_error(stream));
            break;
        }
        if (array.release == NULL)
            break;
        *rows += array.length;
        if (keep == NULL)
            array.release(&array);
        else if (keep->arrays_len < ARRAYS_MAX)
            keep->arrays[keep->arrays_len++] = array;
        else
            status = fail(err, "too many arrays");
    }
    stream->release(stream);
    return status;
}

static varve_status run_batch(varve_lake *lake, char **parts, int64_t *rows, varve_error *err)
{
    struct ArrowArrayStream stream;
    varve_table *table = NULL;
    struct batch *batch = calloc(1, sizeof(*batch));
    if (batch == NULL || batches_len == BATCHES_MAX) {
        free(batch);
        return fail(err, "too many batches");
    }
    (void)snprintf(batch->name, sizeof(batch->name), "%s", parts[1]);
    batches[batches_len++] = batch;
    varve_scan_options options = VARVE_SCAN_OPTIONS_INIT;
    options.where = parts[2];
    options.columns = parts[3];
    varve_status status = varve_table_open(lake, "batches", &table, err);
    if (status == VARVE_OK)
        status = varve_table_scan(table, &options, &stream, err);
    if (status == VARVE_OK)
        status = drain(&stream, batch, rows, err);
    varve_table_close(table);
    return status;
}

static varve_status run_upsert(varve_table *table, const char *name, int64_t *rows,
    varve_error *err)
{
    struct batch *batch = find(name);
    if (batch == NULL)
        return fail(err, "no such batch");
    struct replay replay = {batch, 0};
    struct ArrowArrayStream stream = {
        replay_schema, replay_next, replay_error, replay_release, &replay};
    varve_input input = {.format = VARVE_FORMAT_ARROW, .stream = &stream};
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
    return status == VARVE_OK ? drain(&stream, NULL, rows, err) : status;
}

static varve_status run_latest(varve_table *table, int64_t *rows, varve_error *err)
{
    struct ArrowArrayStream stream;
    varve_status status = varve_table_latest(table, NULL, &stream, err);
    return status == VARVE_OK ? drain(&stream, NULL, rows, err) : status;
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

static varve_status run_open(const char *location, char **parts, int64_t *rows,
    varve_error *err)
{
    struct ArrowArrayStream stream;
    varve_lake *lake = NULL;
    varve_table *table = NULL;
    char *json = NULL;
    varve_status status = varve_lake_open(location, NULL, &lake, err);
    if (status == VARVE_OK)
        status = varve_table_open(lake, parts[1], &table, err);
    if (status == VARVE_OK)
        status = varve_table_history(table, 100, &stream, err);
    if (status == VARVE_OK)
        status = drain(&stream, NULL, rows, err);
    if (status == VARVE_OK)
        status = varve_table_describe(table, parts[2], &json, err);
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
    const char *version = status == VARVE_OK ? strstr(json, VERSION_MEMBER) : NULL;
    if (version != NULL)
        *out_version = strtoll(version + strlen(VERSION_MEMBER), NULL, 10);
    varve_free(json);
    varve_table_close(table);
    varve_lake_close(lake);
    return status;
}

struct session {
    const char *location;
    varve_lake *lake;
    varve_lake *batch_lake;
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
    if (strcmp(verb, "batch") == 0 && parts_len == 4)
        return run_batch(session->batch_lake, parts, rows, err);
    if (strcmp(verb, "query") == 0 && parts_len == 2) {
        struct ArrowArrayStream stream;
        varve_status status = varve_lake_query(session->lake, parts[1], NULL, &stream, err);
        return status == VARVE_OK ? drain(&stream, NULL, rows, err) : status;
    }
    if (strcmp(verb, "open") == 0 && parts_len == 3)
        return run_open(session->location, parts, rows, err);
    if (strcmp(verb, "cold") == 0 && parts_len == 2)
        return run_cold(session->location, parts[1], rows, err);
    if (parts_len < 2)
        return fail(err, "not a command");
    varve_status status = use_table(session, parts[1], err);
    if (status != VARVE_OK)
        return status;
    if (strcmp(verb, "upsert") == 0 && parts_len == 3)
        return run_upsert(session->table, parts[2], rows, err);
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
    if (argc != 4) {
        (void)fprintf(stderr, "usage: varve_warm LAKE BATCH_LAKE on|off\n");
        return 2;
    }
    varve_error err;
    varve_lake_options options = VARVE_LAKE_OPTIONS_INIT;
    options.durability_off = strcmp(argv[3], "off") == 0;
    struct session session = {.location = argv[1]};
    if (varve_lake_open(argv[1], &options, &session.lake, &err) != VARVE_OK ||
        varve_lake_open(argv[2], NULL, &session.batch_lake, &err) != VARVE_OK) {
        (void)fprintf(stderr, "varve_warm: %s\n", err.message);
        return 1;
    }
    serve(&session);
    varve_table_close(session.table);
    varve_lake_close(session.lake);
    varve_lake_close(session.batch_lake);
    for (size_t i = 0; i < batches_len; i++) {
        for (size_t j = 0; j < batches[i]->arrays_len; j++)
            batches[i]->arrays[j].release(&batches[i]->arrays[j]);
        batches[i]->schema.release(&batches[i]->schema);
        free(batches[i]);
    }
    return 0;
}
