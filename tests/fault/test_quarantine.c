/*
 * Batches in quarantine that another process takes between the listing and the read, and such as can't
 * be read: of those that were not named none holds up the others.
 */
#include "fault/world.h"

#define BATCHES 3

static void put_aside(struct world *world, int64_t number)
{
    char rows[128];
    varve_table *table = NULL;
    varve_upsert_options options = VARVE_UPSERT_OPTIONS_INIT;
    varve_error err;
    options.quarantine = 1;
    (void)snprintf(rows, sizeof(rows), "{\"k\":-1,\"v\":\"%" PRId64 "\"}\n", number);
    if (world_ok(varve_table_open(world->plain, "ticks", &table, &err), &err))
        (void)world_ok(world_upsert(table, rows, &options, &err), &err);
    varve_table_close(table);
}

static bool open_world(struct world *world)
{
    if (!CHECK(world_open(world, "lake")))
        return false;
    for (int64_t i = 0; i < BATCHES; i++)
        put_aside(world, i);
    return true;
}

static bool is_batch(const char *call, struct vv_str key)
{
    return strcmp(call, "get") == 0 && vv_str_starts(key, VV_STR("_varve/quarantine/"));
}

/* Another process drops the batch that is read next. */
static void drop_it(void *data, const char *call, struct vv_str key)
{
    struct world *world = data;
    VV_CLEANUP(vv_store_close) struct vv_store *store = NULL;
    if (!is_batch(call, key))
        return;
    world->plan.before = NULL; /* no other */
    REQUIRE_OK(&world->op, vv_store_at(&world->op, world->root, VV_STR("ticks"), &store));
    REQUIRE_OK(&world->op, vv_store_remove(&world->op, store, key));
}

/* The batch that is read next can't be. */
static void fail_it(void *data, const char *call, struct vv_str key)
{
    struct world *world = data;
    if (!is_batch(call, key))
        return;
    world->plan.before = NULL;
    world->plan.at = world->plan.calls + 1;
}

static void arm(struct world *world,
    void (*before)(void *data, const char *call, struct vv_str key))
{
    world->plan = (struct vv_fault_plan){.before = before, .before_data = world};
    vv_buf_clear(&world->said);
}

static void check_said(struct world *world, const char *rows)
{
    CHECK_STR(vv_str_first(vv_buf_str(&world->said), strlen(rows)), rows);
    CHECK(world->plan.before == NULL); /* it came to it */
    world->plan = (struct vv_fault_plan){0};
}

TEST(quarantine, a_batch_that_goes_while_a_table_is_listed_is_no_row)
{
    struct world world;
    struct ArrowArrayStream stream;
    varve_error err;
    int64_t damaged = -1;
    REQUIRE(open_world(&world));
    arm(&world, drop_it);
    if (world_ok(varve_table_quarantine_list(world.ticks, &stream, &damaged, &err), &err))
        (void)world_ok(world_drain(&world, &stream, &err), &err);
    check_said(&world, "2 rows");
    CHECK_INT(damaged, 0);
    arm(&world, drop_it);
    if (world_ok(varve_lake_quarantine_list(world.lake, &stream, &damaged, &err), &err))
        (void)world_ok(world_drain(&world, &stream, &err), &err);
    check_said(&world, "1 rows");
    CHECK_INT(damaged, 0);
    arm(&world, drop_it);
    if (world_ok(varve_table_quarantine_show(world.ticks, NULL, &stream, &err), &err))
        (void)world_ok(world_drain(&world, &stream, &err), &err);
    check_said(&world, "0 rows");
    world_close(&world);
}

TEST(quarantine, a_batch_that_can_not_be_read_is_a_row_that_says_so)
{
    struct world world;
    struct ArrowArrayStream stream;
    varve_error err;
    int64_t damaged = -1;
    REQUIRE(open_world(&world));
    arm(&world, fail_it);
    if (world_ok(varve_table_quarantine_list(world.ticks, &stream, &damaged, &err), &err))
        (void)world_ok(world_drain(&world, &stream, &err), &err);
    check_said(&world, "3 rows");
    CHECK_INT(damaged, 1);
    arm(&world, fail_it);
    if (world_ok(varve_lake_quarantine_list(world.lake, &stream, &damaged, &err), &err))
        (void)world_ok(world_drain(&world, &stream, &err), &err);
    check_said(&world, "3 rows");
    CHECK_INT(damaged, 1);
    world_close(&world);
}

/* Another process drops the table between the list of names and its turn. */
static void drop_table(void *data, const char *call, struct vv_str key)
{
    struct world *world = data;
    (void)call;
    if (!vv_str_starts(key, VV_STR("ticks/_delta_log")) || world->plan.calls == 0)
        return;
    if (world->number++ == 0)
        return; /* the list */
    world->plan.before = NULL;
    CHECK_INT(rename(test_path("lake/ticks"), test_path("ticks")), 0);
}

TEST(quarantine, a_table_that_goes_meanwhile_is_no_row)
{
    struct world world;
    struct ArrowArrayStream stream;
    varve_error err;
    int64_t damaged = -1;
    REQUIRE(open_world(&world));
    world.number = 0;
    arm(&world, drop_table);
    if (world_ok(varve_lake_quarantine_list(world.lake, &stream, &damaged, &err), &err))
        (void)world_ok(world_drain(&world, &stream, &err), &err);
    check_said(&world, "0 rows");
    CHECK_INT(damaged, 0);
    CHECK_INT(rename(test_path("ticks"), test_path("lake/ticks")), 0);
    world_close(&world);
}

TEST(quarantine, a_release_of_all_goes_on_without_what_is_gone_or_can_not_be_read)
{
    struct world world;
    varve_release_result result = {0};
    varve_error err;
    REQUIRE(open_world(&world));
    arm(&world, fail_it);
    (void)world_ok(varve_table_quarantine_release(world.ticks, NULL, 0, NULL, &result, &err),
        &err);
    CHECK_INT(result.damaged, 1);
    CHECK_INT(result.upsert.rejected, 2);
    arm(&world, drop_it);
    (void)world_ok(varve_table_quarantine_release(world.ticks, NULL, 0, NULL, &result, &err),
        &err);
    CHECK_INT(result.damaged, 0);
    CHECK_INT(result.upsert.rejected, 2);
    world.plan = (struct vv_fault_plan){0};
    world_close(&world);
}

TEST(quarantine, a_drop_of_all_goes_on_without_what_is_gone)
{
    struct world world;
    varve_error err;
    int64_t rows = 0;
    const char *gone = "rows-00";
    REQUIRE(open_world(&world));
    arm(&world, drop_it);
    (void)world_ok(varve_table_quarantine_drop(world.ticks, NULL, 0, &rows, &err), &err);
    CHECK_INT(rows, 2);
    world.plan = (struct vv_fault_plan){0};
    /* Of one that was named it is said. */
    CHECK_INT(varve_table_quarantine_drop(world.ticks, &gone, 1, &rows, &err), VARVE_ENOTFOUND);
    world_close(&world);
}
