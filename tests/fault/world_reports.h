/*
 * The reports, as operations whose allocations and calls of the store fail one after the other.
 */
#ifndef VV_TESTS_WORLD_REPORTS_H
#define VV_TESTS_WORLD_REPORTS_H

#include "varve/report.h"
#include "world.h"

static inline varve_status world_correlate(struct world *world, varve_error *err)
{
    struct ArrowArrayStream stream;
    char *text = NULL;
    varve_correlate_options options = VARVE_CORRELATE_OPTIONS_INIT;
    options.from = "2025-01-01";
    options.to = "2025-02-01";
    options.by_symbol = 1;
    options.knowledge = VARVE_KNOWLEDGE_COMMIT;
    WORLD_TRY(varve_lake_correlate(world->lake, &options, &stream, &text, err));
    vv_buf_addf(&world->said, "%s", text);
    varve_free(text);
    return world_drain(world, &stream, err);
}

static inline varve_status world_outcomes(struct world *world, varve_error *err)
{
    struct ArrowArrayStream stream;
    char *text = NULL;
    varve_outcomes_options options = VARVE_OUTCOMES_OPTIONS_INIT;
    options.from = "2025-01-01";
    options.to = "2025-02-01";
    WORLD_TRY(varve_lake_outcomes(world->lake, &options, &stream, &text, err));
    vv_buf_addf(&world->said, "%s", text);
    varve_free(text);
    return world_drain(world, &stream, err);
}

static inline varve_status world_gaps(struct world *world, varve_error *err)
{
    struct ArrowArrayStream stream;
    char *text = NULL;
    varve_gaps_options options = VARVE_GAPS_OPTIONS_INIT;
    options.every = "1h";
    options.calendar = "XNYS";
    options.by = "symbol";
    WORLD_TRY(varve_lake_gaps(world->lake, "market_regimes", &options, &stream, &text, err));
    vv_buf_addf(&world->said, "%s", text);
    varve_free(text);
    WORLD_TRY(world_drain(world, &stream, err));
    WORLD_TRY(varve_lake_lateness(world->lake, "market_regimes", NULL, &stream, err));
    return world_drain(world, &stream, err);
}

static inline varve_status world_transitions(struct world *world, varve_error *err)
{
    struct ArrowArrayStream stream;
    char *text = NULL;
    WORLD_TRY(varve_lake_transitions(world->lake, NULL, &stream, &text, err));
    vv_buf_addf(&world->said, "%s", text);
    varve_free(text);
    return world_drain(world, &stream, err);
}

static inline varve_status world_signals(struct world *world, varve_error *err)
{
    varve_signals_options options = VARVE_SIGNALS_OPTIONS_INIT;
    for (int32_t report = VARVE_SIGNALS_AUDIT; report <= VARVE_SIGNALS_LATENCY; report++) {
        struct ArrowArrayStream stream;
        options.report = report;
        WORLD_TRY(varve_lake_signals(world->lake, &options, &stream, err));
        WORLD_TRY(world_drain(world, &stream, err));
    }
    return VARVE_OK;
}

#endif
