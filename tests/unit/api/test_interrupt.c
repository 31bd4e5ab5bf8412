/*
 * An interrupt that comes between two calls, of a lake on which it stays and of one that forgets it.
 */
#include <stdio.h>

#include "harness/test.h"
#include "varve/audit.h"
#include "varve/dml.h"
#include "varve/doctor.h"
#include "varve/maintain.h"
#include "varve/pin.h"
#include "varve/query.h"

struct world {
    varve_lake *lake;
    varve_table *table;
    varve_error err;
};

static void world_done(struct world *world)
{
    varve_table_close(world->table);
    varve_lake_close(world->lake);
}

static varve_status upsert(struct world *world)
{
    varve_input input = {.format = VARVE_FORMAT_CSV, .path = test_path("rows.csv")};
    varve_upsert_result result;
    return varve_table_upsert(world->table, &input, 1, NULL, &result, &world->err);
}

static varve_status update(struct world *world)
{
    const varve_assignment set = {"v", "v + 1"};
    varve_edit_result result;
    return varve_table_update(world->table, &set, 1, "k = 1", NULL, &result, &world->err);
}

static varve_status delete_rows(struct world *world)
{
    varve_edit_result result;
    return varve_table_delete(world->table, "k = 2", NULL, &result, &world->err);
}

static varve_status optimize(struct world *world)
{
    varve_optimize_result result;
    return varve_table_optimize(world->table, NULL, &result, &world->err);
}

static varve_status checkpoint(struct world *world)
{
    varve_checkpoint_result result;
    return varve_table_checkpoint(world->table, &result, &world->err);
}

static varve_status open_table(struct world *world)
{
    varve_table *table = NULL;
    varve_status status = varve_table_open(world->lake, "t", &table, &world->err);
    varve_table_close(table);
    return status;
}

static varve_status verify(struct world *world)
{
    varve_verify_result result;
    char *report = NULL;
    varve_status status =
        varve_lake_verify(world->lake, "t", NULL, &result, &report, &world->err);
    varve_free(report);
    return status;
}

static varve_status seal(struct world *world)
{
    char *json = NULL;
    varve_status status = varve_lake_seal(world->lake, "t", NULL, &json, &world->err);
    varve_free(json);
    return status;
}

static varve_status tag(struct world *world)
{
    varve_pin_options options = VARVE_PIN_OPTIONS_INIT;
    int64_t tables = 0;
    return varve_lake_pin(world->lake, "a", &options, &tables, &world->err);
}

static varve_status untag(struct world *world)
{
    int64_t tables = 0;
    return varve_lake_unpin(world->lake, "a", VARVE_PIN_TAG, &tables, &world->err);
}

static varve_status maintain(struct world *world)
{
    varve_maintain_result result;
    varve_status status = varve_lake_maintain(world->lake, NULL, &result, NULL, &world->err);
    return status == VARVE_OK ? result.failure.code : status;
}

static varve_status query(struct world *world)
{
    struct ArrowArrayStream stream;
    varve_status status =
        varve_lake_query(world->lake, "SELECT count(*) FROM t", NULL, &stream, &world->err);
    if (status == VARVE_OK)
        stream.release(&stream);
    return status;
}

static varve_status create(struct world *world)
{
    varve_create_options options = VARVE_CREATE_OPTIONS_INIT;
    int32_t created = 0;
    options.schema = "k int not null, v int";
    options.key = "k";
    return varve_lake_create_table(world->lake, "t", &options, &created, &world->err);
}

static varve_status init(struct world *world)
{
    varve_init_options options = VARVE_INIT_OPTIONS_INIT;
    char *lines = NULL;
    varve_status status = varve_lake_init(world->lake, &options, &lines, &world->err);
    varve_free(lines);
    return status;
}

static const struct call {
    const char *name;
    varve_status (*run)(struct world *world);
} calls[] = {{"open", open_table}, {"upsert", upsert}, {"update", update},
    {"delete", delete_rows}, {"optimize", optimize}, {"checkpoint", checkpoint},
    {"verify", verify}, {"seal", seal}, {"tag", tag}, {"untag", untag}, {"maintain", maintain},
    {"query", query}, {"init", init}};

static bool open_world(struct world *world, bool stays)
{
    varve_lake_options options = VARVE_LAKE_OPTIONS_INIT;
    *world = (struct world){0};
    options.create = 1;
    options.threads = 1;
    options.interrupt_stays = stays ? 1 : 0;
    FILE *file = fopen(test_path("rows.csv"), "w");
    if (!CHECK(file != NULL))
        return false;
    bool is_written = fputs("k,v\n1,1\n2,2\n", file) >= 0;
    is_written = fclose(file) == 0 && is_written;
    return CHECK(is_written) &&
           CHECK_INT(varve_lake_open(test_path("lake"), &options, &world->lake, &world->err),
               0) &&
           CHECK_INT(create(world), 0) &&
           CHECK_INT(varve_table_open(world->lake, "t", &world->table, &world->err), 0);
}

TEST(interrupt, one_that_stays_ends_each_later_call_until_it_is_taken_back)
{
    VV_CLEANUP(world_done) struct world world;
    if (!open_world(&world, true))
        return;
    for (size_t i = 0; i < VV_COUNT(calls); i++) {
        varve_lake_interrupt(world.lake);
        for (int again = 0; again < 2; again++)
            if (!CHECK_INT(calls[i].run(&world), VARVE_EINTERRUPTED))
                printf("  %s\n", calls[i].name);
        varve_lake_resume(world.lake);
        if (!CHECK_INT(calls[i].run(&world), 0))
            printf("  %s: %s\n", calls[i].name, world.err.message);
    }
}

TEST(interrupt, otherwise_it_is_forgotten_by_the_next_call)
{
    VV_CLEANUP(world_done) struct world world;
    if (!open_world(&world, false))
        return;
    varve_lake_interrupt(world.lake);
    CHECK_INT(upsert(&world), 0);
}
