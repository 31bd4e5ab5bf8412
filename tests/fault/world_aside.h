/*
 * Rows in quarantine.
 */
#ifndef VV_TESTS_WORLD_ASIDE_H
#define VV_TESTS_WORLD_ASIDE_H

#include "world.h"

static inline varve_status world_put_aside(varve_table *table, int64_t number, varve_error *err)
{
    char rows[128];
    varve_upsert_options options = VARVE_UPSERT_OPTIONS_INIT;
    options.quarantine = 1;
    (void)snprintf(rows, sizeof(rows),
        "{\"k\":-1,\"v\":\"%" PRId64 "\"}\n{\"k\":%" PRId64 "}\n", number, 9000 + number);
    return world_upsert(table, rows, &options, err);
}

static inline void world_drop_all(struct world *world)
{
    varve_table *table = NULL;
    varve_error err;
    if (world_ok(varve_table_open(world->plain, "ticks", &table, &err), &err))
        (void)world_ok(varve_table_quarantine_drop(table, NULL, 0, NULL, &err), &err);
    varve_table_close(table);
}

#endif
