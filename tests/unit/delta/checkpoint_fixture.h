/*
 * A table in a folder, and short ways to write checkpoints as other writers make them.
 */
#ifndef VARVE_TEST_CHECKPOINT_FIXTURE_H
#define VARVE_TEST_CHECKPOINT_FIXTURE_H

#include <stdio.h>

#include "delta/snapshot.h"
#include "engine/engine.h"
#include "harness/clock_fake.h"
#include "harness/test.h"

#define NOW_US INT64_C(1738231200000000)

#define PROTOCOL "{'minReaderVersion': 1, 'minWriterVersion': 2}"
#define METADATA                                                                             \
    "{'id': 'some-id', 'format': {'provider': 'parquet', 'options': MAP {}::MAP(VARCHAR, "   \
    "VARCHAR)}, 'schemaString': '{\"type\":\"struct\",\"fields\":[]}', 'partitionColumns': " \
    "[]::VARCHAR[], 'configuration': MAP {'k': 'v'}, 'createdTime': 5::BIGINT}"
#define ADD(path, stats)                                                              \
    "{'path': '" path "', 'partitionValues': MAP {}::MAP(VARCHAR, VARCHAR), 'size': " \
    "10::BIGINT, 'modificationTime': 5::BIGINT, 'dataChange': false, 'stats': " stats "}"

struct table {
    struct vv_op op;
    struct test_clock clock;
    struct vv_engine *engine;
    struct vv_session *session;
    struct vv_log_handle log;
    char warning[512]; /* the last one */
};

static inline void note_warning(void *data, int level, const char *event,
    const char *fields_json)
{
    struct table *table = data;
    if (level >= VV_LOG_WARN)
        (void)snprintf(table->warning, sizeof(table->warning), "%s %s", event, fields_json);
}

static inline void table_done(struct table *table)
{
    vv_session_close(&table->session);
    vv_engine_close(&table->engine);
    vv_store_close(&table->log.store);
    vv_op_done(&table->op);
}

/* The folder has what is an escape in SQL and a pattern for files in its name. */
static inline bool table_init(struct table *table)
{
    const struct vv_store_options options = {.create = true};
    struct vv_op *op = &table->op;
    *table = (struct table){0};
    test_clock_init(&table->clock, NOW_US);
    table->clock.env.log = note_warning;
    table->clock.env.log_data = table;
    vv_op_init(op, &table->clock.env, VV_OP_BYTES_DEFAULT);
    bool is_open = CHECK_OK(op, vv_store_open(op, vv_str_of(test_path("it's [a] *table")),
                                    &options, &table->log.store)) &&
                   CHECK_OK(op, vv_engine_open(op, &(struct vv_engine_options){.threads = 1},
                                    &table->engine)) &&
                   CHECK_OK(op, vv_session_open(op, table->engine, &table->session));
    table->log.engine = table->engine;
    return is_open;
}

static inline bool put(struct table *table, const char *name, const char *text)
{
    struct vv_op *op = &table->op;
    struct vv_str key = vv_arena_format(&op->arena, "_delta_log/%s", name);
    return CHECK_OK(op, vv_store_put(op, table->log.store, key, vv_str_of(text)));
}

/* Writes the rows of a SELECT as a Parquet file of the log. */
static inline bool put_parquet_with(struct table *table, const char *name, const char *select,
    const char *options)
{
    struct vv_op *op = &table->op;
    struct vv_str key = vv_arena_format(&op->arena, "_delta_log/%s", name);
    struct vv_str path = VV_STR_NONE;
    if (!CHECK_OK(op, vv_store_stage(op, table->log.store, &op->arena, key, &path)))
        return false;
    struct vv_str sql = vv_arena_format(&op->arena,
        "COPY (%s) TO '%.*sit''s [a] *table/_delta_log/%s' (FORMAT parquet%s)", select,
        (int)(strstr(path.ptr, "it's") - path.ptr), path.ptr, name, options);
    return CHECK_OK(op, vv_session_exec(op, table->session, sql)) &&
           CHECK_OK(op, vv_store_publish(op, table->log.store, &key, 1));
}

static inline bool put_parquet(struct table *table, const char *name, const char *select)
{
    return put_parquet_with(table, name, select, "");
}

static inline bool load(struct table *table, struct vv_snapshot **out)
{
    return CHECK_OK(&table->op, vv_snapshot_load(&table->op, &table->log, VV_NO_VERSION, out));
}

static inline const struct vv_file *file_of(const struct vv_snapshot *snapshot, const char *key)
{
    for (size_t i = 0; i < snapshot->files_len; i++)
        if (vv_str_eq(snapshot->files[i]->key, vv_str_of(key)))
            return snapshot->files[i];
    return NULL;
}

#define CHECKPOINT_2 "00000000000000000002.checkpoint.parquet"
/* What a checkpoint needs beside files. */
#define BASICS                                                                             \
    "SELECT " PROTOCOL " AS protocol, NULL AS metaData UNION ALL BY NAME SELECT " METADATA \
    " AS metaData"

#define UUID "6374b053-df23-479b-b2cf-c9c550132b49"
#define V2_TOP "00000000000000000002.checkpoint." UUID
#define V2_BASICS                                                                       \
    "{\"checkpointMetadata\":{\"version\":2}}\n"                                        \
    "{\"protocol\":{\"minReaderVersion\":1,\"minWriterVersion\":2}}\n"                  \
    "{\"metaData\":{\"id\":\"i\",\"format\":{\"provider\":\"parquet\",\"options\":{}}," \
    "\"schemaString\":\"{\\\"type\\\":\\\"struct\\\",\\\"fields\\\":[]}\","             \
    "\"partitionColumns\":"                                                             \
    "[],\"configuration\":{},\"createdTime\":1}}\n"

#define COMMIT_0                                                                        \
    "{\"protocol\":{\"minReaderVersion\":1,\"minWriterVersion\":2}}\n"                  \
    "{\"metaData\":{\"id\":\"i\",\"format\":{\"provider\":\"parquet\",\"options\":{}}," \
    "\"schemaString\":\"{\\\"type\\\":\\\"struct\\\",\\\"fields\\\":[]}\","             \
    "\"partitionColumns\":"                                                             \
    "[],\"configuration\":{},\"createdTime\":1}}\n"
#define ADD_COMMIT(path)                                           \
    "{\"add\":{\"path\":\"" path                                   \
    "\",\"partitionValues\":{},\"size\":1,\"modificationTime\":1," \
    "\"dataChange\":true}}\n"

static inline bool put_whole_log(struct table *table)
{
    return put(table, "00000000000000000000.json", COMMIT_0) &&
           put(table, "00000000000000000001.json", ADD_COMMIT("a")) &&
           put(table, "00000000000000000002.json", ADD_COMMIT("b")) &&
           put(table, "00000000000000000003.json", ADD_COMMIT("c"));
}

#endif
