/*
 * A table in memory, behind a store that can be made to fail, under a clock that stands still:
 * what the tests of operations on whole tables share.
 */
#ifndef VARVE_TEST_TABLE_FIXTURE_H
#define VARVE_TEST_TABLE_FIXTURE_H

#include <stdio.h>

#include "engine/sql.h"
#include "harness/clock_fake.h"
#include "harness/state_check.h"
#include "harness/test.h"
#include "table/read/scan_sql.h"
#include "table/table.h"
#include "table/upsert/upsert.h"

#define FIXTURE_UNUSED __attribute__((unused))
#define NOW_US INT64_C(1738231200000000) /* 2025-01-30T10:00:00Z */

struct table_fixture {
    struct test_clock clock;
    struct vv_op op;
    struct vv_engine *engine; /* of the caller where given to _open */
    bool owns_engine;
    struct vv_store *plain; /* the root without faults; owned by `root` */
    struct vv_store *root;
    struct vv_fault_plan plan;
    struct vv_table *table; /* with faults */
};

/* What a table is made of; NULL: nothing. Lists are parted by commas. */
struct table_words {
    const char *schema, *partition_by, *key, *order_by, *partition_from_date, *check;
    const struct vv_pair *properties;
    size_t properties_len;
};

FIXTURE_UNUSED static bool table_names(struct vv_op *op, const char *text, struct vv_str **out,
    size_t *out_len)
{
    return CHECK_OK(op, vv_rules_split_names(op, &op->arena, vv_str_of(text), out, out_len));
}

FIXTURE_UNUSED static bool table_spec(struct vv_op *op, const struct table_words *words,
    struct vv_table_spec *out)
{
    struct vv_str *partitions = NULL;
    struct vv_str *key = NULL;
    *out = (struct vv_table_spec){.order_by = vv_str_of(words->order_by),
        .properties = {words->properties, words->properties_len}};
    if (!CHECK_OK(op,
            vv_schema_parse_ddl(op, &op->arena, vv_str_of(words->schema), &out->schema)) ||
        !table_names(op, words->partition_by, &partitions, &out->partition_columns_len) ||
        !table_names(op, words->key, &key, &out->key_len))
        return false;
    out->partition_columns = partitions;
    out->key = key;
    struct vv_pair *from = vv_new(&op->arena, struct vv_pair, 1);
    struct vv_named_expression *check = vv_new(&op->arena, struct vv_named_expression, 1);
    if (!CHECK(from != NULL && check != NULL))
        return false;
    *from = (struct vv_pair){VV_STR("date"), vv_str_of(words->partition_from_date)};
    *check = (struct vv_named_expression){VV_STR("check"), vv_str_of(words->check)};
    out->partition_from = (struct vv_pairs){from, words->partition_from_date != NULL};
    out->checks = check;
    out->checks_len = words->check != NULL;
    return true;
}

/* Another handle of the same table; `through` is fixture->plain or fixture->root. */
FIXTURE_UNUSED static bool table_handle(struct vv_op *op, struct table_fixture *fixture,
    struct vv_store *through, struct vv_table **out)
{
    struct vv_store *store = NULL;
    return CHECK_OK(op, vv_store_at(op, through, VV_STR("t"), &store)) &&
           CHECK_OK(op, vv_table_open(op, VV_STR("t"), store, fixture->engine, out));
}

FIXTURE_UNUSED static bool table_fixture_begin(struct table_fixture *fixture,
    struct vv_engine *engine)
{
    const struct vv_engine_options options = {.threads = 1};
    *fixture = (struct table_fixture){.engine = engine, .owns_engine = engine == NULL};
    test_clock_init(&fixture->clock, NOW_US);
    vv_op_init(&fixture->op, &fixture->clock.env, VV_OP_BYTES_DEFAULT);
    return engine != NULL ||
           CHECK_OK(&fixture->op, vv_engine_open(&fixture->op, &options, &fixture->engine));
}

/* The table in `plain`, which is taken over. */
FIXTURE_UNUSED static bool table_fixture_make(struct table_fixture *fixture,
    const struct table_words *words, struct vv_store *plain)
{
    struct vv_op *op = &fixture->op;
    struct vv_table_spec spec;
    struct vv_store *store = NULL;
    bool created = false;
    fixture->plain = plain;
    bool is_made = CHECK_OK(op, vv_store_open_faulty(op, fixture->plain, &fixture->plan,
                                    &fixture->root)) &&
                   CHECK_OK(op, vv_store_at(op, fixture->plain, VV_STR("t"), &store)) &&
                   table_spec(op, words, &spec) &&
                   CHECK_OK(op, vv_table_create(op, store, fixture->engine, &spec, &created)) &&
                   CHECK(created);
    vv_store_close(&store);
    return is_made && table_handle(op, fixture, fixture->root, &fixture->table);
}

/* `engine` NULL: one of its own. */
FIXTURE_UNUSED static bool table_fixture_open(struct table_fixture *fixture,
    struct vv_engine *engine, const struct table_words *words)
{
    struct vv_store *plain = NULL;
    return table_fixture_begin(fixture, engine) &&
           CHECK_OK(&fixture->op, vv_store_open_memory(&fixture->op, &plain)) &&
           table_fixture_make(fixture, words, plain);
}

/* The table must be the same by its checkpoints and by its commits, however it came about. */
FIXTURE_UNUSED static void table_fixture_check_state(struct table_fixture *fixture)
{
    VV_CLEANUP(vv_store_close) struct vv_store *store = NULL;
    fixture->plan = (struct vv_fault_plan){0};
    if (fixture->table != NULL &&
        CHECK_OK(&fixture->op, vv_store_at(&fixture->op, fixture->plain, VV_STR("t"), &store)))
        test_state_require(&fixture->clock.env, store, fixture->engine);
}

FIXTURE_UNUSED static void table_fixture_close(struct table_fixture *fixture)
{
    table_fixture_check_state(fixture);
    vv_table_close(&fixture->table);
    vv_store_close(&fixture->root);
    if (fixture->owns_engine)
        vv_engine_close(&fixture->engine);
    vv_op_done(&fixture->op);
}

/* One input of text in a file of the case. */
FIXTURE_UNUSED static bool table_input(enum vv_input_format format, const char *name,
    struct vv_str text, struct vv_input *out)
{
    const char *path = test_path(name);
    *out = (struct vv_input){.format = format, .path = vv_str_of(path), .fd = -1};
    return test_file_write(path, text);
}

FIXTURE_UNUSED static bool table_upsert(struct table_fixture *fixture, const char *ndjson,
    struct vv_upsert_result *out)
{
    struct vv_upsert_options options = {.batch = {.dedupe = true}};
    struct vv_input input;
    return table_input(VV_INPUT_NDJSON, "rows.ndjson", vv_str_of(ndjson), &input) &&
           CHECK_OK(&fixture->op,
               vv_upsert(&fixture->op, fixture->table, &input, 1, &options, out));
}

/* A data file as another writer would make it; its size, -1 after a failed check. */
FIXTURE_UNUSED static int64_t table_foreign_file(struct table_fixture *fixture, const char *key,
    const char *select_sql)
{
    VV_CLEANUP(vv_session_close) struct vv_session *session = NULL;
    VV_CLEANUP(vv_buf_done) struct vv_buf sql = VV_BUF_INIT(VV_BUF_MAX);
    VV_CLEANUP(vv_store_close) struct vv_store *store = NULL;
    struct vv_op *op = &fixture->op;
    struct vv_str keys[] = {vv_str_of(key)};
    struct vv_object object = {.bytes = -1};
    struct vv_str path;
    if (!CHECK_OK(op, vv_store_at(op, fixture->plain, VV_STR("t"), &store)) ||
        !CHECK_OK(op, vv_store_stage(op, store, &op->arena, keys[0], &path)))
        return -1;
    vv_buf_addf(&sql, "COPY (%s) TO ", select_sql);
    vv_sql_literal(&sql, path);
    vv_buf_adds(&sql, " (FORMAT parquet)");
    bool is_made = CHECK_OK(op, vv_session_open(op, fixture->engine, &session)) &&
                   CHECK_OK(op, vv_session_exec(op, session, vv_buf_str(&sql))) &&
                   CHECK_OK(op, vv_store_publish(op, store, keys, 1)) &&
                   CHECK_OK(op, vv_store_head(op, store, keys[0], &object));
    return is_made ? object.bytes : -1;
}

/* A data file of given bytes, as another writer would leave it. */
FIXTURE_UNUSED static bool table_foreign_bytes(struct table_fixture *fixture, const char *key,
    struct vv_str bytes)
{
    VV_CLEANUP(vv_store_close) struct vv_store *store = NULL;
    struct vv_op *op = &fixture->op;
    struct vv_str keys[] = {vv_str_of(key)};
    struct vv_str path;
    return CHECK_OK(op, vv_store_at(op, fixture->plain, VV_STR("t"), &store)) &&
           CHECK_OK(op, vv_store_stage(op, store, &op->arena, keys[0], &path)) &&
           test_file_write(path.ptr, bytes) &&
           CHECK_OK(op, vv_store_publish(op, store, keys, 1));
}

/* A commit as another writer would make it, at the version after the latest. */
FIXTURE_UNUSED static bool table_foreign_commit(struct table_fixture *fixture,
    const char *lines)
{
    VV_CLEANUP(vv_store_close) struct vv_store *store = NULL;
    VV_CLEANUP(vv_snapshot_release) struct vv_snapshot *latest = NULL;
    struct vv_op *op = &fixture->op;
    enum vv_put_outcome outcome = VV_PUT_EXISTS;
    if (!CHECK_OK(op, vv_store_at(op, fixture->plain, VV_STR("t"), &store)))
        return false;
    struct vv_log_handle log = {store, fixture->engine};
    if (!CHECK_OK(op, vv_snapshot_load(op, &log, VV_NO_VERSION, &latest)))
        return false;
    struct vv_str body = vv_arena_format(&op->arena,
        "{\"commitInfo\":{\"timestamp\":7,\"operation\":\"WRITE\",\"engineInfo\":\"other/"
        "1\"}}\n"
        "%s",
        lines);
    return CHECK_OK(op,
               vv_store_put_if_absent(op, store,
                   vv_log_commit_key(&op->arena, latest->version + 1), body, 0, &outcome)) &&
           CHECK_INT(outcome, VV_PUT_CREATED);
}

/* Rows of a version by logical names, as a query `before`(SELECT ...)`after`. */
FIXTURE_UNUSED static bool table_query(struct table_fixture *fixture,
    const struct vv_snapshot *snapshot, const char *before, const char *after,
    struct vv_session *session, struct vv_rows **out)
{
    VV_CLEANUP(vv_buf_done) struct vv_buf sql = VV_BUF_INIT(VV_BUF_MAX);
    struct vv_scan_source source = {.store = fixture->table->store,
        .engine = fixture->engine,
        .snapshot = snapshot,
        .files = snapshot->files,
        .files_len = snapshot->files_len};
    struct vv_op *op = &fixture->op;
    vv_buf_adds(&sql, before);
    vv_buf_addc(&sql, '(');
    if (!CHECK_OK(op, vv_scan_sql(op, &source, &sql)))
        return false;
    vv_buf_addf(&sql, ") %s", after);
    return CHECK_OK(op, vv_session_query(op, session, vv_buf_str(&sql), out));
}

/* The text in a column of the one row that a query of the latest version has. */
FIXTURE_UNUSED static struct vv_str table_text(struct table_fixture *fixture,
    const char *before, uint32_t column)
{
    VV_CLEANUP(vv_session_close) struct vv_session *session = NULL;
    VV_CLEANUP(vv_rows_close) struct vv_rows *rows = NULL;
    struct vv_op *op = &fixture->op;
    bool has_row = false;
    if (!CHECK_OK(op, vv_session_open(op, fixture->engine, &session)) ||
        !CHECK_OK(op, vv_table_refresh(op, fixture->table)) ||
        !table_query(fixture, fixture->table->snapshot, before, "", session, &rows) ||
        !CHECK_OK(op, vv_rows_next(op, rows, &has_row)) || !CHECK(has_row))
        return VV_STR_NONE;
    return vv_arena_str(&op->arena, vv_rows_text(rows, column));
}

#endif
