/*
 * A merge in the world of world.h.
 */
#ifndef VV_TESTS_WORLD_MERGE_H
#define VV_TESTS_WORLD_MERGE_H

#include "world.h"

/* A row changes, one goes and one comes; a clause for rows that nothing matches is asked, too. */
static inline varve_status world_merge(struct world *world, varve_error *err)
{
    varve_edit_result result;
    char rows[96];
    world->number++;
    (void)snprintf(rows, sizeof(rows), "k,v,dead\n1,%" PRId64 ",\n2,,true\n%" PRId64 ",x,\n",
        world->number, 1000 + world->number);
    const varve_input input = {
        .format = VARVE_FORMAT_CSV, .path = world_file("rows.csv", rows)};
    const varve_merge_clause clauses[] = {{VARVE_MERGE_MATCHED, "and s.dead delete"},
        {VARVE_MERGE_MATCHED, "update set v = s.v"},
        {VARVE_MERGE_NOT_MATCHED, "insert (k, v) values (s.k, s.v)"},
        {VARVE_MERGE_NOT_MATCHED_BY_SOURCE, "and t.k = 0 update set v = 'alone'"}};
    const varve_merge merge = {&input, 1, "t.k = s.k", clauses, VV_COUNT(clauses)};
    return varve_table_merge(world->ticks, &merge, NULL, &result, err);
}

#endif
