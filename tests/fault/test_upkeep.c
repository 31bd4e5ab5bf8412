/*
 * Every public operation that keeps tables up, or rows and versions aside, while something fails.
 */
#include "base/time.h"
#include "fault/operation.h"
#include "varve/pin.h"
#include "world_aside.h"

/* Two small files beside the one that there is: to pack them is due. */
static void prepare_files(struct world *world)
{
    varve_upsert_options options = VARVE_UPSERT_OPTIONS_INIT;
    varve_table *table = NULL;
    varve_upsert_result result;
    varve_error err;
    options.allow_duplicates = 1;
    if (!world_ok(varve_table_open(world->plain, "ticks", &table, &err), &err))
        return;
    for (int i = 0; i < 2; i++) {
        char rows[64];
        (void)snprintf(rows, sizeof(rows), "k,v\n%" PRId64 ",x\n", 5000 + ++world->number);
        const varve_input input = {
            .format = VARVE_FORMAT_CSV, .path = world_file("rows.csv", rows)};
        (void)world_ok(varve_table_append(table, &input, 1, &options, &result, &err), &err);
        CHECK_INT(result.files_added, 1);
    }
    varve_table_close(table);
}

static varve_status run_optimize(struct world *world, varve_error *err)
{
    varve_optimize_result result;
    WORLD_TRY(varve_table_optimize(world->ticks, NULL, &result, err));
    CHECK_INT(result.files_added, 1);
    return VARVE_OK;
}

/* Files of an older version, which are as old as the system's clock says. */
static void prepare_vacuum(struct world *world)
{
    int64_t now_us = vv_now_us(&(struct vv_op){.env = vv_env_system()});
    world_put_news(world);
    if (atomic_load(&world->clock.now_us) < now_us)
        atomic_store(&world->clock.now_us, now_us);
    test_clock_add(&world->clock, DAY_US);
}

static varve_status run_vacuum(struct world *world, varve_error *err)
{
    varve_vacuum_options options = VARVE_VACUUM_OPTIONS_INIT;
    varve_vacuum_result result;
    struct ArrowArrayStream files;
    options.retain = "0h";
    options.unsafe = 1;
    options.remove = 1;
    WORLD_TRY(varve_table_vacuum(world->ticks, &options, &result, &files, err));
    CHECK(result.files > 0);
    return world_drain(world, &files, err);
}

static varve_status run_checkpoint(struct world *world, varve_error *err)
{
    varve_checkpoint_result result;
    return varve_table_checkpoint(world->ticks, &result, err);
}

/* Commits that have outlived the retention, a checkpoint among them, and one that has not. */
static void prepare_clean_up(struct world *world)
{
    varve_checkpoint_result result;
    varve_table *table = NULL;
    varve_error err;
    world_put_news(world);
    if (world_ok(varve_table_open(world->plain, "ticks", &table, &err), &err))
        (void)world_ok(varve_table_checkpoint(table, &result, &err), &err);
    varve_table_close(table);
    test_clock_add(&world->clock, 40 * DAY_US);
    world_put_news(world);
}

static void prepare_aside(struct world *world)
{
    varve_table *table = NULL;
    varve_error err;
    if (world_ok(varve_table_open(world->plain, "ticks", &table, &err), &err))
        (void)world_ok(world_put_aside(table, ++world->number, &err), &err);
    varve_table_close(table);
}

static void prepare_one_aside(struct world *world)
{
    world_drop_all(world);
    prepare_aside(world);
}

/* Lists are of the same each time. */
static void prepare_list(struct world *world)
{
    varve_table *table = NULL;
    struct ArrowArrayStream stream;
    struct arrow_sum sum = {0};
    varve_error err;
    if (!world_ok(varve_table_open(world->plain, "ticks", &table, &err), &err))
        return;
    if (world_ok(varve_table_quarantine_list(table, &stream, NULL, &err), &err)) {
        CHECK_INT(arrow_sum_drain(&stream, &sum), 0);
        stream.release(&stream);
    }
    varve_table_close(table);
    if (sum.rows == 0)
        prepare_aside(world);
}

static varve_status run_aside_list(struct world *world, varve_error *err)
{
    struct ArrowArrayStream stream;
    WORLD_TRY(varve_table_quarantine_list(world->ticks, &stream, NULL, err));
    return world_drain(world, &stream, err);
}

static varve_status run_aside_show(struct world *world, varve_error *err)
{
    struct ArrowArrayStream stream;
    WORLD_TRY(varve_table_quarantine_show(world->ticks, NULL, &stream, err));
    return world_drain(world, &stream, err);
}

static varve_status run_lake_quarantine(struct world *world, varve_error *err)
{
    struct ArrowArrayStream stream;
    WORLD_TRY(varve_lake_quarantine_list(world->lake, &stream, NULL, err));
    return world_drain(world, &stream, err);
}

/* Its one row is bad still, so nothing changes but attempts. */
static varve_status run_release(struct world *world, varve_error *err)
{
    varve_release_result result;
    return varve_table_quarantine_release(world->ticks, NULL, 0, NULL, &result, err);
}

static varve_status run_drop(struct world *world, varve_error *err)
{
    return varve_table_quarantine_drop(world->ticks, NULL, 0, NULL, err);
}

/* ---- Pins -------------------------------------------------------------------------------------- */

static const char *const pinned[] = {"ticks", "signals"};

static varve_status pin(varve_lake *lake, varve_error *err)
{
    varve_pin_options options = VARVE_PIN_OPTIONS_INIT;
    options.kind = VARVE_PIN_HOLD;
    options.tables = pinned;
    options.tables_len = VV_COUNT(pinned);
    return varve_lake_pin(lake, "held", &options, NULL, err);
}

static int64_t pins_there(struct world *world)
{
    struct ArrowArrayStream stream;
    struct arrow_sum sum = {0};
    varve_error err;
    if (!world_ok(varve_lake_pins(world->plain, VARVE_PIN_HOLD, &stream, &err), &err))
        return -1;
    CHECK_INT(arrow_sum_drain(&stream, &sum), 0);
    stream.release(&stream);
    return sum.rows;
}

static void prepare_free(struct world *world)
{
    varve_error err;
    if (pins_there(world) > 0)
        (void)world_ok(varve_lake_unpin(world->plain, "held", VARVE_PIN_HOLD, NULL, &err),
            &err);
}

static void prepare_held(struct world *world)
{
    varve_error err;
    prepare_free(world);
    (void)world_ok(pin(world->plain, &err), &err);
}

static varve_status run_pin(struct world *world, varve_error *err)
{
    return pin(world->lake, err);
}

static varve_status run_unpin(struct world *world, varve_error *err)
{
    return varve_lake_unpin(world->lake, "held", VARVE_PIN_HOLD, NULL, err);
}

/* All or none, and where that can't be, it is told. */
static bool is_held(struct world *world, const varve_error *failure)
{
    int64_t pins = pins_there(world);
    if (failure->code == VARVE_OK)
        return CHECK_INT(pins, VV_COUNT(pinned));
    bool is_told = failure->code == VARVE_EUNKNOWN ||
                   strstr(failure->message, "may have it still") != NULL;
    return CHECK(pins == 0 || is_told);
}

static bool is_free(struct world *world, const varve_error *failure)
{
    int64_t pins = pins_there(world);
    return CHECK(pins == 0 || (pins > 0 && failure->code != VARVE_OK));
}

static varve_status run_pins(struct world *world, varve_error *err)
{
    struct ArrowArrayStream stream;
    WORLD_TRY(varve_lake_pins(world->lake, VARVE_PIN_HOLD, &stream, err));
    return world_drain(world, &stream, err);
}

/* ---- All of it --------------------------------------------------------------------------------- */

/* Two days later, with files to be packed. */
static void prepare_due(struct world *world)
{
    test_clock_add(&world->clock, 2 * DAY_US);
    prepare_files(world);
}

/* What fails of its duties is in the result, and no error. */
static varve_status run_maintain(struct world *world, varve_error *err)
{
    struct ArrowArrayStream tasks;
    varve_maintain_options options = VARVE_MAINTAIN_OPTIONS_INIT;
    varve_maintain_result result;
    options.table = "ticks";
    WORLD_TRY(varve_lake_maintain(world->lake, &options, &result, &tasks, err));
    return world_drain(world, &tasks, err);
}

static const struct operation operations[] = {
    {.name = "optimize", .kind = TIDIES, .run = run_optimize, .prepare = prepare_files},
    {.name = "checkpoint", .kind = TIDIES, .run = run_checkpoint},
    {.name = "checkpoint and clean-up",
        .kind = TIDIES,
        .run = run_checkpoint,
        .prepare = prepare_clean_up},
    {.name = "maintain", .kind = TIDIES, .run = run_maintain, .prepare = prepare_due},
    {.name = "quarantine list", .kind = TELLS, .run = run_aside_list, .prepare = prepare_list},
    {.name = "quarantine show", .kind = READS, .run = run_aside_show, .prepare = prepare_list},
    {.name = "quarantine list of the lake",
        .kind = TELLS,
        .run = run_lake_quarantine,
        .prepare = prepare_list},
    {.name = "quarantine release",
        .kind = TIDIES,
        .run = run_release,
        .prepare = prepare_one_aside},
    {.name = "quarantine drop", .kind = TIDIES, .run = run_drop, .prepare = prepare_aside},
    {.name = "pin", .kind = TIDIES, .run = run_pin, .prepare = prepare_free, .check = is_held},
    {.name = "pins", .kind = READS, .run = run_pins, .prepare = prepare_held},
    {.name = "unpin",
        .kind = TIDIES,
        .run = run_unpin,
        .prepare = prepare_held,
        .check = is_free},
    {.name = "vacuum", .kind = TIDIES, .run = run_vacuum, .prepare = prepare_vacuum},
};

OPERATION_TESTS(upkeep, operations)
