/*
 * A table in memory, behind a store that can be made to fail, under a clock that stands still;
 * and short ways to write its log.
 */
#ifndef VARVE_TEST_LOG_FIXTURE_H
#define VARVE_TEST_LOG_FIXTURE_H

#include <stdio.h>

#include "delta/commit.h"
#include "delta/log.h"
#include "delta/snapshot.h"
#include "harness/clock_fake.h"
#include "harness/state_check.h"
#include "harness/test.h"

#define NOW_US INT64_C(1738231200000000) /* 2025-01-30T10:00:00Z */
#define NOW_MS (NOW_US / 1000)

#define PROTOCOL_LINE "{\"protocol\":{\"minReaderVersion\":1,\"minWriterVersion\":2}}\n"
#define METADATA_LINE_WITH(configuration)                                                  \
    "{\"metaData\":{\"id\":\"11111111-2222-3333-4444-555555555555\",\"format\":"           \
    "{\"provider\":\"parquet\",\"options\":{}},\"schemaString\":"                          \
    "\"{\\\"type\\\":\\\"struct\\\",\\\"fields\\\":[{\\\"name\\\":\\\"x\\\",\\\"type\\\":" \
    "\\\"long\\\",\\\"nullable\\\":true,\\\"metadata\\\":{}}]}\",\"partitionColumns\":[]," \
    "\"configuration\":{" configuration "},\"createdTime\":1}}\n"
#define METADATA_LINE METADATA_LINE_WITH("")
#define ADD_LINE(path)                                                    \
    "{\"add\":{\"path\":\"" path "\",\"partitionValues\":{},\"size\":10," \
    "\"modificationTime\":5,\"dataChange\":true,\"stats\":\"{\\\"numRecords\\\":3}\"}}\n"
#define REMOVE_LINE(path, deleted)                                                            \
    "{\"remove\":{\"path\":\"" path "\",\"deletionTimestamp\":" deleted                       \
    ",\"dataChange\":true,\"extendedFileMetadata\":true,\"partitionValues\":{},\"size\":10}}" \
    "\n"
#define FOREIGN_LINE \
    "{\"commitInfo\":{\"timestamp\":7,\"operation\":\"WRITE\",\"engineInfo\":\"other/1\"}}\n"

struct fixture {
    struct vv_op op;
    struct test_clock clock;
    struct vv_store *store;
    struct vv_fault_plan plan;
    struct vv_log_handle log;
};

/* Whatever log there is now must come to one state by its commits and by a checkpoint. */
static inline void fixture_done(struct fixture *fixture)
{
    fixture->plan = (struct vv_fault_plan){0};
    if (fixture->store != NULL)
        test_state_require(&fixture->clock.env, fixture->store, fixture->log.engine);
    vv_store_close(&fixture->store);
    vv_op_done(&fixture->op);
}

static inline bool fixture_init(struct fixture *fixture)
{
    *fixture = (struct fixture){0};
    test_clock_init(&fixture->clock, NOW_US);
    struct vv_op *op = &fixture->op;
    vv_op_init(op, &fixture->clock.env, VV_OP_BYTES_DEFAULT);
    bool is_open =
        CHECK_OK(op, vv_store_open_memory(op, &fixture->store)) &&
        CHECK_OK(op, vv_store_open_faulty(op, fixture->store, &fixture->plan, &fixture->store));
    fixture->log.store = fixture->store;
    return is_open;
}

/* A file of the log, with its modification time in milliseconds. */
static inline bool put_log_file(struct fixture *fixture, const char *name, const char *text,
    int64_t modified_ms)
{
    enum vv_put_outcome outcome = VV_PUT_EXISTS;
    struct vv_op *op = &fixture->op;
    struct vv_str key = vv_arena_format(&op->arena, "_delta_log/%s", name);
    return CHECK_OK(op, vv_store_put_if_absent(op, fixture->store, key, vv_str_of(text),
                            modified_ms * 1000, &outcome)) &&
           CHECK_INT(outcome, VV_PUT_CREATED);
}

static inline bool put_commit_at(struct fixture *fixture, int64_t version, const char *text,
    int64_t modified_ms)
{
    char name[64];
    (void)snprintf(name, sizeof(name), "%020" PRId64 ".json", version);
    return put_log_file(fixture, name, text, modified_ms);
}

static inline bool put_commit(struct fixture *fixture, int64_t version, const char *text)
{
    return put_commit_at(fixture, version, text, NOW_MS - 1000 + version % 1000000);
}

static inline bool put_first_commit(struct fixture *fixture)
{
    return put_commit(fixture, 0, FOREIGN_LINE PROTOCOL_LINE METADATA_LINE ADD_LINE("a"));
}

/* The live file of a key; NULL where there is none. */
static inline const struct vv_file *file_of(const struct vv_snapshot *snapshot, const char *key)
{
    for (size_t i = 0; i < snapshot->files_len; i++)
        if (vv_str_eq(snapshot->files[i]->key, vv_str_of(key)))
            return snapshot->files[i];
    return NULL;
}

#endif
