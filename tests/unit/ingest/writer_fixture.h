/*
 * A writer without threads over a lake in memory, whose store can be made to fail, under a clock
 * that stands still: what is done when is the test's matter.
 */
#ifndef VARVE_WRITER_FIXTURE_H
#define VARVE_WRITER_FIXTURE_H

#include <stdio.h>

#include "engine/sql.h"
#include "harness/clock_fake.h"
#include "harness/test.h"
#include "ingest/spool.h"
#include "ingest/spool_row.h"
#include "ingest/writer.h"
#include "table/batch/quarantine.h"

#define WRITER_UNUSED __attribute__((unused))
#define NOW_US INT64_C(1738231200000000) /* 2025-01-30T10:00:00Z */

struct writer_fixture {
    struct test_clock clock;
    struct vv_op op;
    struct vv_fault_plan plan;
    struct vv_store *plain; /* the lake's, without faults; owned by lake.store */
    struct vv_lake lake;
    bool engine_is_borrowed;
    struct vv_writer_options options;
    struct vv_writer *writer;
    /* What the events said, a line each. */
    struct vv_buf told;
    uint64_t commits, retries, quarantined;
    int64_t retry_us; /* of the last one */
};

WRITER_UNUSED static void tell_commit(void *data, const struct vv_writer_commit *commit)
{
    struct writer_fixture *fixture = data;
    fixture->commits++;
    vv_buf_addf(&fixture->told, "commit %.*s to %" PRIu64 "\n", VV_ARG(commit->table),
        commit->sequence);
}

WRITER_UNUSED static void tell_quarantine(void *data, struct vv_str table, uint64_t sequence,
    struct vv_str row_json, struct vv_str reason)
{
    struct writer_fixture *fixture = data;
    fixture->quarantined++;
    vv_buf_addf(&fixture->told, "quarantine %.*s %" PRIu64 " %.*s: %.*s\n", VV_ARG(table),
        sequence, VV_ARG(row_json), VV_ARG(reason));
}

WRITER_UNUSED static void tell_retry(void *data, struct vv_str table, const varve_error *error,
    int64_t retry_us)
{
    struct writer_fixture *fixture = data;
    fixture->retries++;
    fixture->retry_us = retry_us;
    vv_buf_addf(&fixture->told, "retry %.*s: %s\n", VV_ARG(table), error->message);
}

WRITER_UNUSED static bool writer_open(struct writer_fixture *fixture)
{
    return CHECK_OK(&fixture->op,
        vv_writer_open(&fixture->op, &fixture->lake, &fixture->options, &fixture->writer));
}

/* The process that had the writer is dead; another one opens it. */
WRITER_UNUSED static bool writer_restart(struct writer_fixture *fixture)
{
    vv_writer_abandon(&fixture->writer);
    return writer_open(fixture);
}

/* One for many fixtures; NULL after a failed check. */
WRITER_UNUSED static struct vv_engine *test_engine(void)
{
    VV_CLEANUP(vv_op_done) struct vv_op op;
    const struct vv_engine_options options = {.threads = 1};
    struct vv_engine *engine = NULL;
    vv_op_init(&op, NULL, VV_OP_BYTES_DEFAULT);
    CHECK_OK(&op, vv_engine_open(&op, &options, &engine));
    return engine;
}

/* `engine` NULL: one of its own, closed with the fixture. */
WRITER_UNUSED static bool writer_fixture_open(struct writer_fixture *fixture,
    struct vv_engine *engine)
{
    *fixture = (struct writer_fixture){
        .told = VV_BUF_INIT(VV_BUF_MAX), .engine_is_borrowed = engine != NULL};
    test_clock_init(&fixture->clock, NOW_US);
    struct vv_op *op = &fixture->op;
    vv_op_init(op, &fixture->clock.env, VV_OP_BYTES_DEFAULT);
    fixture->lake = (struct vv_lake){
        .arena = VV_ARENA_INIT(1 << 20), .engine_options = {.threads = 1}, .engine = engine};
    fixture->options = (struct vv_writer_options){.spool = vv_str_of(test_path("spool")),
        .interval_us = -1,
        .no_sync = true,
        .is_manual = true,
        .events = {fixture, tell_commit, NULL, tell_quarantine, tell_retry}};
    return CHECK_OK(op, vv_store_open_memory(op, &fixture->plain)) &&
           CHECK_OK(op,
               vv_store_open_faulty(op, fixture->plain, &fixture->plan, &fixture->lake.store));
}

WRITER_UNUSED static void writer_fixture_done(struct writer_fixture *fixture)
{
    vv_writer_abandon(&fixture->writer);
    if (!fixture->engine_is_borrowed)
        vv_engine_close(&fixture->lake.engine);
    vv_store_close(&fixture->lake.store);
    vv_arena_done(&fixture->lake.arena);
    vv_buf_done(&fixture->told);
    vv_op_done(&fixture->op);
}

/* A table; `check` NULL: no constraint; `order` NULL: none. */
WRITER_UNUSED static bool make_table(struct writer_fixture *fixture, const char *name,
    const char *schema, const char *order, const char *check)
{
    struct vv_op *op = &fixture->op;
    static const struct vv_str key = {"k", 1};
    const struct vv_named_expression expression = {VV_STR("rule"), vv_str_of(check)};
    struct vv_table_spec spec = {.key = &key,
        .key_len = 1,
        .order_by = vv_str_of(order),
        .checks = &expression,
        .checks_len = check != NULL};
    bool created = false;
    return CHECK_OK(op, vv_schema_parse_ddl(op, &op->arena, vv_str_of(schema), &spec.schema)) &&
           CHECK_OK(op,
               vv_lake_create_table(op, &fixture->lake, vv_str_of(name), &spec, &created)) &&
           CHECK(created);
}

/* What somebody does who knows nothing of writers: the log and the data files are gone. */
WRITER_UNUSED static bool drop_table(struct writer_fixture *fixture, const char *name)
{
    struct vv_op *op = &fixture->op;
    const struct vv_str folders[] = {
        vv_arena_format(&op->arena, "%s/_delta_log", name), vv_str_of(name)};
    for (size_t folder = 0; folder < VV_COUNT(folders); folder++) {
        struct vv_objects objects = {0};
        if (!CHECK_OK(op, vv_store_list(op, fixture->plain, &op->arena, folders[folder],
                              VV_STR_NONE, 0, &objects)))
            return false;
        for (size_t i = 0; i < objects.len; i++)
            if (!CHECK_OK(op, vv_store_remove(op, fixture->plain, objects.items[i].key)))
                return false;
    }
    return true;
}

WRITER_UNUSED static bool put(struct writer_fixture *fixture, const char *table,
    const char *json)
{
    return CHECK_OK(&fixture->op, vv_writer_put_json(&fixture->op, fixture->writer,
                                      vv_str_of(table), vv_str_of(json), NULL));
}

WRITER_UNUSED static bool flush(struct writer_fixture *fixture)
{
    return CHECK_OK(&fixture->op, vv_writer_flush(&fixture->op, fixture->writer, -1));
}

/* Past the writer, as another program would. */
WRITER_UNUSED static bool upsert_directly(struct writer_fixture *fixture, const char *table,
    const char *lines)
{
    struct vv_op *op = &fixture->op;
    const char *path = test_path("direct.ndjson");
    const struct vv_input input = {
        .format = VV_INPUT_NDJSON, .path = vv_str_of(path), .fd = -1};
    const struct vv_upsert_options options = {.batch = {.dedupe = true}};
    struct vv_upsert_result result;
    struct vv_table *handle = NULL;
    bool is_done = test_file_write(path, vv_str_of(lines)) &&
                   CHECK_OK(op, vv_lake_table(op, &fixture->lake, vv_str_of(table), &handle)) &&
                   CHECK_OK(op, vv_upsert(op, handle, &input, 1, &options, &result));
    vv_table_close(&handle);
    return is_done;
}

/* A typed row of the columns k (bigint) and v (string). */
WRITER_UNUSED static bool put_typed(struct writer_fixture *fixture, const char *table,
    int64_t k, const char *v)
{
    struct vv_op *op = &fixture->op;
    VV_CLEANUP(vv_buf_done) struct vv_buf row = VV_BUF_INIT(VV_BUF_MAX);
    const struct vv_str schema = {"\1\2\0\0\0\1\0l\1\0\0\0k\0\0\0\0\1\0u\1\0\0\0v\0\0\0\0", 29};
    struct vv_writer_lane *lane = NULL;
    size_t mark = vv_row_begin(&row, 2);
    vv_row_put(&row, mark, 0, &k, sizeof(k));
    vv_row_put_text(&row, mark, 1, vv_str_of(v));
    return CHECK_OK(op, vv_writer_lane(op, fixture->writer, vv_str_of(table), schema, &lane)) &&
           CHECK_OK(op,
               vv_writer_put_typed(op, fixture->writer, lane, vv_buf_str(&row), false, NULL));
}

/* The rows of a stream as one text: `expression` of each, in their order, parted by blanks. */
WRITER_UNUSED static struct vv_str stream_text(struct writer_fixture *fixture,
    struct ArrowArrayStream *stream, const char *expression)
{
    struct vv_op *op = &fixture->op;
    VV_CLEANUP(vv_session_close) struct vv_session *session = NULL;
    VV_CLEANUP(vv_rows_close) struct vv_rows *rows = NULL;
    const struct vv_load_target target = {
        .table = VV_STR("rows"), .row_column = VV_STR("row number")};
    bool has_row = false;
    struct vv_str sql = vv_arena_format(&op->arena,
        "SELECT coalesce(string_agg(%s, ' ' ORDER BY %s), '') FROM rows", expression,
        expression);
    if (!CHECK_OK(op, vv_session_open(op, fixture->lake.engine, &session)) ||
        !CHECK_OK(op, vv_session_load_arrow(op, session, stream, &target, NULL)) ||
        !CHECK_OK(op, vv_session_query(op, session, sql, &rows)) ||
        !CHECK_OK(op, vv_rows_next(op, rows, &has_row)) || !CHECK(has_row))
        return VV_STR("failed");
    return vv_arena_str(&op->arena, vv_rows_text(rows, 0));
}

/* What is in the table, no matter what waits. */
WRITER_UNUSED static struct vv_str table_text(struct writer_fixture *fixture, const char *name,
    const char *expression)
{
    struct vv_op *op = &fixture->op;
    struct vv_fault_plan plan = fixture->plan;
    struct vv_table *table = NULL;
    struct ArrowArrayStream stream = {.release = NULL};
    const struct vv_scan_request request = {.limit = 0};
    struct vv_str text = VV_STR("failed");
    fixture->plan.at = 0; /* looking is no part of the test */
    if (CHECK_OK(op, vv_lake_table(op, &fixture->lake, vv_str_of(name), &table)) &&
        CHECK_OK(op, vv_table_scan(op, table, &request, &stream)))
        text = stream_text(fixture, &stream, expression);
    vv_table_close(&table);
    fixture->plan = plan;
    return text;
}

WRITER_UNUSED static struct vv_str scan_text(struct writer_fixture *fixture, const char *name,
    const char *expression)
{
    struct vv_op *op = &fixture->op;
    struct ArrowArrayStream stream = {.release = NULL};
    const struct vv_scan_request request = {.limit = 0};
    if (!CHECK_OK(op, vv_writer_scan(op, fixture->writer, vv_str_of(name), &request, &stream)))
        return VV_STR("failed");
    return stream_text(fixture, &stream, expression);
}

WRITER_UNUSED static int64_t table_version(struct writer_fixture *fixture, const char *name)
{
    struct vv_table *table = NULL;
    int64_t version = -1;
    if (CHECK_OK(&fixture->op,
            vv_lake_table(&fixture->op, &fixture->lake, vv_str_of(name), &table)))
        version = table->snapshot->version;
    vv_table_close(&table);
    return version;
}

#endif
