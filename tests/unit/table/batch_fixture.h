/*
 * A table without a log, and a session to read batches into: what the tests of the way in share.
 */
#ifndef VARVE_TEST_BATCH_FIXTURE_H
#define VARVE_TEST_BATCH_FIXTURE_H

#include "base/buf.h"
#include "harness/clock_fake.h"
#include "harness/test.h"
#include "table/batch/batch.h"

#define FIXTURE_UNUSED __attribute__((unused))
#define FIXTURE_NOW_US INT64_C(1738231200000000) /* 2025-01-30T10:00:00Z */

/* For static tables: VV_STR is no constant. */
#define FIXTURE_TEXT(literal)             \
    {                                     \
        ("" literal), sizeof(literal) - 1 \
    }

/* A table as the three market tables are, small. */
#define FIXTURE_SCHEMA                                                          \
    "timestamp timestamp not null, symbol string not null, confidence double, " \
    "count integer, date date not null, ingested_at timestamp not null"

struct batch_fixture {
    struct test_clock clock;
    struct vv_op op;
    struct vv_engine *engine;
    struct vv_work *work;
    struct vv_session *session; /* the work's */
    struct vv_snapshot snapshot;
    struct vv_metadata metadata;
    struct vv_table table;
    struct vv_rules rules;
    struct vv_batch_options options;
    struct vv_batch batch;
    struct vv_batch_source *source;
};

/* What a table says of itself; NULL: nothing. */
struct batch_spec {
    const char *schema;
    const char *key;
    const char *order_by;
    const char *partition_by;
    const char *partition_from;
    const struct vv_check *checks;
    size_t checks_len;
};

static const struct vv_check batch_checks[] = {
    {FIXTURE_TEXT("confidence_range"),
        FIXTURE_TEXT("confidence IS NULL OR (confidence >= 0 AND confidence <= 1)"),
        FIXTURE_TEXT("\"confidence\" IS NULL OR (\"confidence\" >= 0 AND \"confidence\" <= "
                     "1)")},
    {FIXTURE_TEXT("count_implies_confidence"),
        FIXTURE_TEXT("count IS NULL OR confidence IS NOT NULL"),
        FIXTURE_TEXT("\"count\" IS NULL OR \"confidence\" IS NOT NULL")},
};

static const struct batch_spec batch_market FIXTURE_UNUSED = {
    .schema = FIXTURE_SCHEMA,
    .key = "timestamp,symbol",
    .order_by = "ingested_at",
    .partition_by = "date",
    .partition_from = "date=timestamp",
    .checks = batch_checks,
    .checks_len = VV_COUNT(batch_checks),
};

FIXTURE_UNUSED static bool batch_fixture_table(struct batch_fixture *fixture,
    const struct batch_spec *spec)
{
    struct vv_op *op = &fixture->op;
    struct vv_schema schema;
    if (!CHECK_OK(op, vv_schema_parse_ddl(op, &op->arena, vv_str_of(spec->schema), &schema)))
        return false;
    VV_CLEANUP(vv_buf_done) struct vv_buf json = VV_BUF_INIT(VV_BUF_MAX);
    vv_schema_write(&schema, &json);
    struct vv_pair *pairs = vv_new(&op->arena, struct vv_pair, 3);
    struct vv_str *partition = vv_new(&op->arena, struct vv_str, 1);
    if (!CHECK(pairs != NULL && partition != NULL))
        return false;
    pairs[0] = (struct vv_pair){VV_STR(VV_PROPERTY_KEY), vv_str_of(spec->key)};
    pairs[1] = (struct vv_pair){VV_STR(VV_PROPERTY_ORDER_BY), vv_str_of(spec->order_by)};
    pairs[2] =
        (struct vv_pair){VV_STR(VV_PROPERTY_PARTITION_FROM), vv_str_of(spec->partition_from)};
    *partition = vv_str_of(spec->partition_by);
    fixture->metadata = (struct vv_metadata){
        .schema_json = vv_arena_str(&op->arena, vv_buf_str(&json)),
        .partition_columns = partition,
        .partition_columns_len = spec->partition_by != NULL,
        .configuration = {.items = pairs, .len = 3},
    };
    fixture->snapshot = (struct vv_snapshot){.metadata = &fixture->metadata, .schema = schema};
    fixture->table = (struct vv_table){.name = VV_STR("lake/regimes"),
        .engine = fixture->engine,
        .snapshot = &fixture->snapshot};
    bool is_read =
        CHECK_OK(op, vv_rules_read(op, &op->arena, &fixture->snapshot, false, &fixture->rules));
    fixture->rules.checks = spec->checks;
    fixture->rules.checks_len = spec->checks_len;
    return is_read;
}

FIXTURE_UNUSED static bool batch_fixture_open(struct batch_fixture *fixture,
    const struct batch_spec *spec)
{
    struct vv_engine_options options = {.threads = 2};
    *fixture = (struct batch_fixture){.options = {.dedupe = spec->key != NULL}};
    test_clock_init(&fixture->clock, FIXTURE_NOW_US);
    vv_op_init(&fixture->op, &fixture->clock.env, VV_OP_BYTES_DEFAULT);
    if (!CHECK_OK(&fixture->op, vv_engine_open(&fixture->op, &options, &fixture->engine)) ||
        !CHECK_OK(&fixture->op, vv_work_open(&fixture->op, fixture->engine, &fixture->work)))
        return false;
    fixture->session = fixture->work->session;
    return batch_fixture_table(fixture, spec);
}

FIXTURE_UNUSED static void batch_fixture_close(struct batch_fixture *fixture)
{
    vv_batch_source_close(&fixture->source);
    vv_work_close(&fixture->work);
    vv_engine_close(&fixture->engine);
    vv_op_done(&fixture->op);
}

FIXTURE_UNUSED static varve_status batch_read(struct batch_fixture *fixture,
    const struct vv_input *inputs, size_t inputs_len)
{
    vv_batch_source_close(&fixture->source);
    VV_TRY(vv_batch_load(&fixture->op, fixture->work, &fixture->table, inputs, inputs_len,
        &fixture->options, &fixture->source));
    return vv_batch_prepare(&fixture->op, fixture->work, fixture->source, &fixture->table,
        &fixture->rules, &fixture->options, &fixture->batch);
}

/* One input, from a file of this content. */
FIXTURE_UNUSED static varve_status batch_read_text(struct batch_fixture *fixture,
    enum vv_input_format format, const char *content)
{
    const char *name = format == VV_INPUT_CSV ? "rows.csv" : "rows.ndjson";
    test_file_write(test_path(name), vv_str_of(content));
    struct vv_input input = {.format = format,
        .path = vv_str_of(test_path(name)),
        .fd = -1,
        .name = vv_str_of(name)};
    return batch_read(fixture, &input, 1);
}

/* A query over the batch, which it calls "batch", wherever its rows are. */
FIXTURE_UNUSED static struct vv_str batch_sql(struct batch_fixture *fixture, const char *sql)
{
    static const char name[] = "FROM batch";
    VV_CLEANUP(vv_buf_done) struct vv_buf text = VV_BUF_INIT(VV_BUF_MAX);
    for (const char *found; (found = strstr(sql, name)) != NULL;) {
        bool is_longer = found[sizeof(name) - 1] == '_';
        vv_buf_addf(&text, "%.*sFROM %.*s", (int)(found - sql), sql,
            VV_ARG(is_longer ? VV_STR("batch") : fixture->batch.sql));
        sql = found + sizeof(name) - 1;
    }
    vv_buf_adds(&text, sql);
    return vv_arena_str(&fixture->op.arena, vv_buf_str(&text));
}

/* The rows of a query as text, one a line, values parted by '|'. Lives until the op's arena dies. */
FIXTURE_UNUSED static struct vv_str batch_query(struct batch_fixture *fixture, const char *sql)
{
    struct vv_op *op = &fixture->op;
    VV_CLEANUP(vv_buf_done) struct vv_buf text = VV_BUF_INIT(VV_BUF_MAX);
    VV_CLEANUP(vv_rows_close) struct vv_rows *rows = NULL;
    struct vv_str all = vv_arena_format(&op->arena,
        "SELECT CAST(COLUMNS(*) AS VARCHAR) FROM (%.*s)", VV_ARG(batch_sql(fixture, sql)));
    if (!CHECK_OK(op, vv_session_query(op, fixture->session, all, &rows)))
        return VV_STR_NONE;
    for (bool has_row = true;;) {
        if (!CHECK_OK(op, vv_rows_next(op, rows, &has_row)) || !has_row)
            return vv_arena_str(&op->arena, vv_buf_str(&text));
        for (uint32_t column = 0; column < vv_rows_columns(rows); column++) {
            vv_buf_adds(&text, column > 0 ? "|" : "");
            vv_buf_add(&text,
                vv_rows_is_null(rows, column) ? VV_STR("NULL") : vv_rows_text(rows, column));
        }
        vv_buf_addc(&text, '\n');
    }
}

#endif
