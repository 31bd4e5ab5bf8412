/*
 * A lake in a folder of the case, a store that can be made to fail before it, and a clock that is
 * moved: what public operations are tried on while memory or the store fails.
 */
#ifndef VARVE_TEST_WORLD_H
#define VARVE_TEST_WORLD_H

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "api/api.h"
#include "base/hash.h"
#include "base/seam.h"
#include "harness/arrow_sum.h"
#include "harness/clock_fake.h"
#include "harness/state_check.h"
#include "varve/alter.h"
#include "varve/dml.h"
#include "varve/inspect.h"
#include "varve/maintain.h"
#include "varve/market.h"
#include "varve/quarantine.h"
#include "varve/report.h"

#define DAY_US (INT64_C(86400) * 1000000)
#define START_US INT64_C(1738231200000000) /* 2025-01-30T10:00:00Z */

#define WORLD_TRY(call)                    \
    do {                                   \
        varve_status try_status_ = (call); \
        if (try_status_ != VARVE_OK)       \
            return try_status_;            \
    } while (0)

struct world {
    const char *path; /* of the lake */
    struct test_clock clock;
    struct vv_op op;       /* the test's own */
    varve_lake *lake;      /* with faults */
    varve_table *ticks;    /* of it */
    varve_lake *plain;     /* without */
    struct vv_store *root; /* the store that `plain` works on */
    struct vv_fault_plan plan;
    struct vv_buf said; /* what an operation gave out */
    int64_t number;     /* one more each time that something new is needed */
};

static inline const char *world_file(const char *name, const char *text)
{
    const char *path = test_path(name);
    CHECK(test_file_write(path, vv_str_of(text)));
    return path;
}

static inline varve_status world_upsert(varve_table *table, const char *rows,
    const varve_upsert_options *options, varve_error *err)
{
    varve_upsert_result result;
    const varve_input input = {
        .format = VARVE_FORMAT_NDJSON, .path = world_file("rows.ndjson", rows)};
    return varve_table_upsert(table, &input, 1, options, &result, err);
}

/* For what has to succeed, without faults. */
static inline bool world_ok(varve_status status, const varve_error *err)
{
    if (!CHECK_INT(status, VARVE_OK))
        printf("# %s\n", err->message);
    return status == VARVE_OK;
}

static inline void world_put(struct world *world, const char *table_name, const char *rows)
{
    varve_table *table = NULL;
    varve_error err;
    if (world_ok(varve_table_open(world->plain, table_name, &table, &err), &err))
        (void)world_ok(world_upsert(table, rows, NULL, &err), &err);
    varve_table_close(table);
}

/* Rows of ticks that were not there before. */
static inline void world_put_news(struct world *world)
{
    char rows[128];
    world->number++;
    (void)snprintf(rows, sizeof(rows),
        "{\"k\":%" PRId64 ",\"v\":\"n\"}\n{\"k\":1,\"v\":\"%" PRId64 "\"}\n",
        1000 + world->number, world->number);
    world_put(world, "ticks", rows);
}

static inline bool world_lake(struct world *world, varve_lake **out)
{
    varve_error err;
    varve_lake_options options = VARVE_LAKE_OPTIONS_INIT;
    options.create = 1;
    options.durability_off = 1;
    options.threads = 1;
    if (!world_ok(varve_lake_open(world->path, &options, out, &err), &err))
        return false;
    (*out)->env.now_us = world->clock.env.now_us;
    (*out)->env.now_data = world->clock.env.now_data;
    (*out)->env.sleep_us = world->clock.env.sleep_us;
    (*out)->env.sleep_data = world->clock.env.sleep_data;
    return true;
}

static inline bool world_tables(struct world *world)
{
    static const char *const checks[] = {"positive: k > 0"};
    static const char *const properties[] = {
        "delta.checkpointInterval=4", "delta.logRetentionDuration=interval 30 days"};
    varve_create_options options = VARVE_CREATE_OPTIONS_INIT;
    varve_error err;
    int32_t created = 0;
    options.schema = "k bigint not null, o timestamp, v string, d double";
    options.key = "k";
    options.order_by = "o";
    options.checks = checks;
    options.checks_len = VV_COUNT(checks);
    options.properties = properties;
    options.properties_len = VV_COUNT(properties);
    return world_ok(varve_lake_init(world->plain, NULL, NULL, &err), &err) &&
           world_ok(varve_lake_create_table(world->plain, "ticks", &options, &created, &err),
               &err);
}

static inline void world_rows(struct world *world)
{
    world_put(world, "ticks",
        "{\"k\":1,\"v\":\"a\",\"d\":1.5}\n{\"k\":2,\"v\":\"b\"}\n{\"k\":3,\"d\":-0.0}\n");
    world_put(world, "market_regimes",
        "{\"timestamp\":\"2025-01-30T09:00:00Z\",\"symbol\":\"SPY\",\"regime\":\"bullish_low\","
        "\"vix\":15}\n{\"timestamp\":\"2025-01-30T09:30:00Z\",\"symbol\":\"SPY\",\"regime\":"
        "\"bearish_low\"}\n");
    world_put(world, "performance_metrics",
        "{\"timestamp\":\"2025-01-30T09:10:00Z\",\"strategy_id\":\"s\",\"total_pnl\":5}\n"
        "{\"timestamp\":\"2025-01-30T09:40:00Z\",\"strategy_id\":\"s\",\"total_pnl\":7}\n");
    world_put(world, "signals",
        "{\"timestamp\":\"2025-01-30T09:20:00Z\",\"strategy_id\":\"s\",\"signal_type\":"
        "\"ml_entry\",\"signal_value\":0.9,\"acted_upon\":false}\n");
    world_put_news(world);
}

static inline bool world_open(struct world *world, const char *name)
{
    varve_error err;
    *world = (struct world){.path = test_path(name), .said = VV_BUF_INIT(VV_BUF_MAX)};
    test_clock_init(&world->clock, START_US);
    vv_op_init(&world->op, &world->clock.env, VV_OP_BYTES_DEFAULT);
    if (!world_lake(world, &world->plain) || !world_tables(world) ||
        !world_lake(world, &world->lake))
        return false;
    world_rows(world);
    world->root = world->plain->lake->store;
    struct vv_store **store = &world->lake->lake->store;
    return CHECK_OK(&world->op,
               vv_store_open_faulty(&world->op, *store, &world->plan, store)) &&
           world_ok(varve_table_open(world->lake, "ticks", &world->ticks, &err), &err);
}

/* Calls `visit` with the store of each table that is there. */
static inline void world_each_table(struct world *world,
    void (*visit)(struct world *world, struct vv_store *store, struct vv_str name))
{
    struct vv_str *names = NULL;
    size_t len = 0;
    REQUIRE_OK(&world->op,
        vv_lake_list(&world->op, world->plain->lake, &world->op.arena, &names, &len));
    for (size_t i = 0; i < len; i++) {
        VV_CLEANUP(vv_store_close) struct vv_store *store = NULL;
        REQUIRE_OK(&world->op, vv_store_at(&world->op, world->root, names[i], &store));
        visit(world, store, names[i]);
    }
}

static inline void world_visit_state(struct world *world, struct vv_store *store,
    struct vv_str name)
{
    (void)name;
    test_state_require(&world->clock.env, store, world->plain->lake->engine);
}

static inline void world_close(struct world *world)
{
    world->plan = (struct vv_fault_plan){0};
    world_each_table(world, world_visit_state);
    varve_table_close(world->ticks);
    varve_lake_close(world->lake);
    varve_lake_close(world->plain);
    vv_buf_done(&world->said);
    vv_op_done(&world->op);
}

/* ---- What there is ---------------------------------------------------------------------------- */

static inline varve_status world_code_of(int number)
{
    return number == 0           ? VARVE_OK
           : number == ENOMEM    ? VARVE_ELIMIT
           : number == EBADMSG   ? VARVE_ECORRUPT
           : number == EIO       ? VARVE_EIO
           : number == EINVAL    ? VARVE_EUSAGE
           : number == ECANCELED ? VARVE_EINTERRUPTED
                                 : VARVE_EFAILED;
}

/* How many rows there are in `said`, and what they are; the stream is released. */
static inline varve_status world_drain(struct world *world, struct ArrowArrayStream *stream,
    varve_error *err)
{
    struct arrow_sum sum;
    varve_status status = world_code_of(arrow_sum_drain(stream, &sum));
    if (status != VARVE_OK) {
        const char *why = stream->get_last_error(stream);
        *err = (varve_error){.code = status};
        (void)snprintf(err->message, sizeof(err->message), "%s", why != NULL ? why : "");
    }
    stream->release(stream);
    vv_buf_addf(&world->said, "%" PRId64 " rows %" PRIx64 "\n", sum.rows, sum.hash);
    return status;
}

/* Its version, its rules, and what the statistics say of each file's rows. */
static inline void world_visit_version(struct world *world, struct vv_store *store,
    struct vv_str name)
{
    VV_CLEANUP(vv_snapshot_release) struct vv_snapshot *snapshot = NULL;
    const struct vv_log_handle log = {store, world->plain->lake->engine};
    if (!CHECK_OK(&world->op, vv_snapshot_load(&world->op, &log, VV_NO_VERSION, &snapshot)))
        return;
    const struct vv_pairs *properties = &snapshot->metadata->configuration;
    uint64_t rules = vv_xxh3(snapshot->metadata->schema_json);
    uint64_t rows = 0;
    for (size_t i = 0; i < properties->len; i++)
        rules += vv_xxh3_seeded(properties->items[i].value, vv_xxh3(properties->items[i].name));
    for (size_t i = 0; i < snapshot->files_len; i++)
        rows += vv_xxh3(snapshot->files[i]->stats);
    vv_buf_addf(&world->said, " %.*s %" PRId64 " %" PRIx64 " %zu %" PRIx64, VV_ARG(name),
        snapshot->version, rules, snapshot->files_len, rows);
}

/* What the rows of ticks are, and with `versions` what is seen of all tables without reading rows. */
static inline struct vv_str world_state(struct world *world, bool versions)
{
    struct ArrowArrayStream stream;
    struct ArrowArray batch = {0};
    varve_error err = {0};
    vv_buf_clear(&world->said);
    if (!world_ok(varve_lake_query(world->plain,
                      "SELECT concat(count(*), ' ', sum(hash(k, o, v, d))) FROM ticks", NULL,
                      &stream, &err),
            &err))
        return VV_STR("");
    if (CHECK_INT(stream.get_next(&stream, &batch), 0) && batch.length == 1) {
        const int32_t *offsets = batch.children[0]->buffers[1];
        const char *text = batch.children[0]->buffers[2];
        vv_buf_add(&world->said, (struct vv_str){text, (size_t)offsets[1]});
        batch.release(&batch);
    }
    stream.release(&stream);
    if (versions)
        world_each_table(world, world_visit_version);
    struct vv_str state = vv_arena_str(&world->op.arena, vv_buf_str(&world->said));
    vv_buf_clear(&world->said);
    return state;
}

#endif
