/*
 * Every public operation that proves or tells what became of rows, while something fails: one that
 * could not see all of it never says that all is well, nor gives out a part of it.
 */
#include <dirent.h>

#include "fault/operation.h"
#include "varve/audit.h"
#include "varve/doctor.h"
#include "varve/export.h"
#include "varve/query.h"

static varve_status say(struct world *world, varve_status status, char *text)
{
    if (status == VARVE_OK)
        vv_buf_adds(&world->said, text);
    varve_free(status == VARVE_OK ? text : NULL);
    return status;
}

static varve_status verify(struct world *world, const char *table, int32_t deep,
    varve_error *err)
{
    varve_verify_options options = VARVE_VERIFY_OPTIONS_INIT;
    varve_verify_result result;
    char *report = NULL;
    options.deep = deep;
    WORLD_TRY(varve_lake_verify(world->lake, table, &options, &result, &report, err));
    vv_buf_adds(&world->said, result.whole ? "whole\n" : "not whole\n");
    /* Nothing is wrong: at worst it could not be judged. A damaged checkpoint may ask for any
       amount of memory, so that one that there is too little for counts as damaged. */
    if (!CHECK(result.wrong == 0 ||
               (result.wrong == 1 && strstr(report, "checkpoint") && strstr(report, "memory"))))
        printf("# %s\n", report);
    return say(world, VARVE_OK, report);
}

/* A file that nobody names, which is found only where the folder is listed. */
static void prepare_stray(struct world *world)
{
    char path[4096];
    (void)snprintf(path, sizeof(path), "%s/ticks/stray.parquet", world->path);
    CHECK(test_file_write(path, VV_STR("PAR1")));
}

static varve_status run_verify(struct world *world, varve_error *err)
{
    return verify(world, "ticks", 0, err);
}

static varve_status run_verify_deep(struct world *world, varve_error *err)
{
    return verify(world, "ticks", 1, err);
}

static void prepare_checkpoint(struct world *world)
{
    varve_checkpoint_result result;
    varve_table *table = NULL;
    varve_error err;
    if (world_ok(varve_table_open(world->plain, "signals", &table, &err), &err))
        (void)world_ok(varve_table_checkpoint(table, &result, &err), &err);
    varve_table_close(table);
}

static varve_status run_verify_checkpoint(struct world *world, varve_error *err)
{
    return verify(world, "signals", 1, err);
}

static varve_status run_seal(struct world *world, varve_error *err)
{
    char *json = NULL;
    varve_status status = varve_lake_seal(world->lake, "ticks", NULL, &json, err);
    return say(world, status, json);
}

static varve_status run_doctor(struct world *world, varve_error *err)
{
    varve_doctor_options options = VARVE_DOCTOR_OPTIONS_INIT;
    varve_doctor_result result;
    char *report = NULL;
    options.keys = 1;
    WORLD_TRY(varve_lake_doctor(world->lake, "ticks", &options, &result, &report, err));
    vv_buf_adds(&world->said, result.ailments == 0 ? "whole\n" : "not whole\n");
    return say(world, VARVE_OK, report);
}

static varve_status run_changes(struct world *world, varve_error *err)
{
    struct ArrowArrayStream stream;
    WORLD_TRY(varve_table_changes(world->ticks, "1", NULL, &stream, err));
    return world_drain(world, &stream, err);
}

static varve_status run_trace(struct world *world, varve_error *err)
{
    static const char *const key[] = {"k=1"};
    struct ArrowArrayStream stream;
    WORLD_TRY(varve_table_trace(world->ticks, key, 1, &stream, err));
    WORLD_TRY(world_drain(world, &stream, err));
    WORLD_TRY(varve_table_trace_at(world->ticks, "1", key, 1, &stream, err));
    return world_drain(world, &stream, err);
}

/* Of the newest file. */
static varve_status run_why(struct world *world, varve_error *err)
{
    struct ArrowArrayStream stream;
    const struct vv_snapshot *snapshot = world->ticks->table->snapshot;
    struct vv_str path = snapshot->files[0]->path;
    WORLD_TRY(varve_table_why(world->ticks, path.ptr, &stream, err));
    return world_drain(world, &stream, err);
}

static varve_status run_history(struct world *world, varve_error *err)
{
    struct ArrowArrayStream stream;
    WORLD_TRY(varve_lake_history(world->lake, "ticks", 0, &stream, err));
    WORLD_TRY(world_drain(world, &stream, err));
    WORLD_TRY(varve_lake_history_at(world->lake, "ticks", "1", 0, &stream, err));
    WORLD_TRY(world_drain(world, &stream, err));
    WORLD_TRY(varve_table_history_at(world->ticks, "1", 1, &stream, err));
    return world_drain(world, &stream, err);
}

static varve_status run_leak_check(struct world *world, varve_error *err)
{
    struct ArrowArrayStream stream;
    WORLD_TRY(varve_lake_leak_check(world->lake, "SELECT symbol, regime FROM market_regimes",
        "2025-01-30T09:15:00Z", NULL, &stream, err));
    return world_drain(world, &stream, err);
}

/* A version is told by the time that it was committed at, which is one in the past. */
static void prepare_later(struct world *world)
{
    if (atomic_load(&world->clock.now_us) < START_US + DAY_US)
        test_clock_add(&world->clock, DAY_US);
}

static varve_status run_known_at(struct world *world, varve_error *err)
{
    struct ArrowArrayStream stream;
    int64_t at_us = 0;
    WORLD_TRY(varve_lake_known_at(world->lake, "2025-01-30T10:00:01Z", err));
    CHECK_INT(varve_lake_known(world->lake, &at_us), 1);
    CHECK_INT(at_us, START_US + 1000000);
    WORLD_TRY(varve_lake_query(world->lake, "FROM market_regimes", NULL, &stream, err));
    return world_drain(world, &stream, err);
}

/* The others read what there is now. */
static bool read_now(struct world *world, const varve_error *failure)
{
    varve_error err;
    (void)failure;
    return world_ok(varve_lake_known_at(world->lake, NULL, &err), &err);
}

/* ---- Export ------------------------------------------------------------------------------------ */

static const char *export_path(const struct world *world)
{
    char name[64];
    (void)snprintf(name, sizeof(name), "export%05" PRId64, world->number);
    return test_path(name);
}

static char seal[1024]; /* of the table, which its export is held against */

static void prepare_seal(struct world *world)
{
    char *json = NULL;
    varve_error err;
    prepare_later(world);
    if (world_ok(varve_lake_seal(world->plain, "ticks", NULL, &json, &err), &err)) {
        CHECK(strlen(json) < sizeof(seal));
        (void)snprintf(seal, sizeof(seal), "%s", json);
        varve_free(json);
    }
}

/* To a new folder each time, which is not told of. */
static varve_status run_export(struct world *world, varve_error *err)
{
    static const char *const tables[] = {"ticks"};
    varve_audit_export_options options = VARVE_AUDIT_EXPORT_OPTIONS_INIT;
    char *json = NULL;
    options.tables = tables;
    options.tables_len = VV_COUNT(tables);
    options.seals = seal;
    world->number++;
    WORLD_TRY(varve_lake_export(world->lake, export_path(world), &options, &json, err));
    const char *rest = strstr(json, "\"tables\"");
    CHECK(rest != NULL);
    vv_buf_adds(&world->said, rest != NULL ? rest : json);
    varve_free(json);
    return VARVE_OK;
}

/* It is there, or nothing is. */
static bool is_exported(struct world *world, const varve_error *failure)
{
    DIR *folder = opendir(export_path(world));
    bool is_there = folder != NULL;
    if (is_there)
        (void)closedir(folder);
    return CHECK_INT(is_there, failure->code == VARVE_OK);
}

static const struct operation operations[] = {
    {.name = "verify", .kind = JUDGES, .run = run_verify, .prepare = prepare_stray},
    {.name = "verify deeply", .kind = JUDGES, .run = run_verify_deep, .prepare = prepare_stray},
    {.name = "verify a checkpoint",
        .kind = JUDGES,
        .run = run_verify_checkpoint,
        .prepare = prepare_checkpoint},
    {.name = "seal", .kind = READS, .run = run_seal},
    {.name = "doctor", .kind = JUDGES, .run = run_doctor},
    {.name = "changes", .kind = READS, .run = run_changes},
    {.name = "trace", .kind = READS, .run = run_trace},
    {.name = "why", .kind = READS, .run = run_why},
    {.name = "history", .kind = READS, .run = run_history},
    {.name = "leak check", .kind = READS, .run = run_leak_check},
    {.name = "known at",
        .kind = READS,
        .run = run_known_at,
        .prepare = prepare_later,
        .check = read_now},
    {.name = "export",
        .kind = READS,
        .run = run_export,
        .prepare = prepare_seal,
        .check = is_exported},
};

OPERATION_TESTS(proofs, operations)
