/*
 * A rule that is held against rows which are there: a date that no statistics prove, and a key.
 */
#ifndef VV_TESTS_WORLD_DATES_H
#define VV_TESTS_WORLD_DATES_H

#include "world.h"

static inline void world_put_undated(struct world *world)
{
    varve_create_options options = VARVE_CREATE_OPTIONS_INIT;
    varve_error err;
    int32_t created = 0;
    options.schema = "k bigint not null, v bigint, d date, t timestamp";
    options.key = "k";
    options.partition_by = "d";
    if (world_ok(varve_lake_create_table(world->plain, "undated", &options, &created, &err),
            &err) &&
        created)
        world_put(world, "undated", "{\"k\":1,\"v\":8}\n{\"k\":2,\"v\":9}\n");
}

static inline varve_status world_rule(struct world *world, varve_error *err)
{
    const char *const words[] = {"varve.partitionFrom=d=t", "varve.key=v"};
    const varve_alter_change change = {"set", words, 2};
    varve_alter_options options = VARVE_ALTER_OPTIONS_INIT;
    varve_alter_result result;
    varve_table *table = NULL;
    char *diff = NULL;
    options.dry_run = 1;
    varve_status status = varve_table_open(world->lake, "undated", &table, err);
    if (status == VARVE_OK)
        status = varve_table_alter(table, &change, &options, &result, &diff, err);
    vv_buf_clear(&world->said);
    if (status == VARVE_OK)
        vv_buf_adds(&world->said, diff);
    varve_free(diff);
    varve_table_close(table);
    return status;
}

#endif
