/*
 * Every public operation that changes rows, rules or the tables that there are, while something
 * fails.
 */
#include "fault/operation.h"
#include "varve/adopt.h"
#include "world_aside.h"

static varve_status say_upsert(struct world *world, varve_status status,
    const varve_upsert_result *result)
{
    if (status == VARVE_OK)
        vv_buf_addf(&world->said,
            "version %" PRId64 ": %" PRId64 " in, %" PRId64 " inserted, %" PRId64
            " updated, %" PRId64 " unchanged, %" PRId64 " stale, %" PRId64 " rejected, %" PRId64
            " twice",
            result->version, result->rows_in, result->inserted, result->updated,
            result->unchanged, result->stale, result->rejected, result->duplicates_in_batch);
    return status;
}

static varve_status say_edit(struct world *world, varve_status status,
    const varve_edit_result *result)
{
    if (status == VARVE_OK)
        vv_buf_addf(&world->said,
            "version %" PRId64 ": %" PRId64 " in, %" PRId64 " inserted, %" PRId64
            " updated, %" PRId64 " deleted, %" PRId64 " copied",
            result->version, result->rows_in, result->inserted, result->updated,
            result->deleted, result->copied);
    return status;
}

static varve_status run_create(struct world *world, varve_error *err)
{
    varve_create_options options = VARVE_CREATE_OPTIONS_INIT;
    char name[32];
    int32_t created = 0;
    (void)snprintf(name, sizeof(name), "made%" PRId64, ++world->number);
    options.schema = "a int not null, b struct<c: string, d: array<double>>, e date";
    options.key = "a";
    options.partition_by = "e";
    WORLD_TRY(varve_lake_create_table(world->lake, name, &options, &created, err));
    vv_buf_addf(&world->said, "%d created", created);
    return VARVE_OK;
}

static varve_status run_upsert(struct world *world, varve_error *err)
{
    char rows[128];
    varve_upsert_options options = VARVE_UPSERT_OPTIONS_INIT;
    varve_upsert_result result;
    options.app_id = "app";
    options.app_version = ++world->number;
    (void)snprintf(rows, sizeof(rows),
        "{\"k\":2,\"v\":\"%" PRId64 "\"}\n{\"k\":%" PRId64 "}\n{\"k\":2}\n", world->number,
        2000 + world->number);
    const varve_input input = {
        .format = VARVE_FORMAT_NDJSON, .path = world_file("rows.ndjson", rows)};
    return say_upsert(world,
        varve_table_upsert(world->ticks, &input, 1, &options, &result, err), &result);
}

static varve_status run_upsert_records(struct world *world, varve_error *err)
{
    varve_table *table = NULL;
    varve_upsert_result result;
    varve_market_regime row = VARVE_MARKET_REGIME_INIT;
    row.timestamp = START_US + ++world->number;
    row.symbol = "SPY";
    row.regime = "bullish_low";
    WORLD_TRY(varve_table_open(world->lake, "market_regimes", &table, err));
    varve_status status = varve_table_upsert_regimes(table, &row, 1, NULL, &result, err);
    varve_table_close(table);
    return say_upsert(world, status, &result);
}

static varve_status run_append(struct world *world, varve_error *err)
{
    char rows[64];
    varve_upsert_result result;
    (void)snprintf(rows, sizeof(rows), "k,v\n%" PRId64 ",x\n", 5000 + ++world->number);
    const varve_input input = {
        .format = VARVE_FORMAT_CSV, .path = world_file("rows.csv", rows)};
    varve_upsert_options options = VARVE_UPSERT_OPTIONS_INIT;
    options.allow_duplicates = 1;
    return say_upsert(world,
        varve_table_append(world->ticks, &input, 1, &options, &result, err), &result);
}

static varve_status run_delete(struct world *world, varve_error *err)
{
    varve_edit_result result;
    char where[32];
    (void)snprintf(where, sizeof(where), "k = %" PRId64, 1000 + world->number);
    return say_edit(world, varve_table_delete(world->ticks, where, NULL, &result, err),
        &result);
}

static varve_status run_alter(struct world *world, varve_error *err)
{
    varve_alter_result result;
    char *diff = NULL;
    char word[32];
    (void)snprintf(word, sizeof(word), "mine.x=%" PRId64, ++world->number);
    const char *const words[] = {word};
    const varve_alter_change change = {"set", words, 1};
    varve_status status = varve_table_alter(world->ticks, &change, NULL, &result, &diff, err);
    vv_buf_adds(&world->said, status == VARVE_OK ? diff : "");
    varve_free(status == VARVE_OK ? diff : NULL);
    return status;
}

static varve_status run_restore(struct world *world, varve_error *err)
{
    varve_restore_options options = VARVE_RESTORE_OPTIONS_INIT;
    varve_restore_result result;
    int64_t version = 0;
    char at[32];
    WORLD_TRY(varve_table_refresh(world->ticks, &version, err));
    (void)snprintf(at, sizeof(at), "%" PRId64, version - 1);
    options.at = at;
    WORLD_TRY(varve_table_restore(world->ticks, &options, &result, err));
    vv_buf_addf(&world->said, "version %" PRId64 ", %" PRId64 " files come, %" PRId64 " go",
        result.version, result.files_restored, result.files_removed);
    return VARVE_OK;
}

static varve_status run_aside(struct world *world, varve_error *err)
{
    return world_put_aside(world->ticks, ++world->number, err);
}

static varve_status run_update(struct world *world, varve_error *err)
{
    varve_edit_result result;
    char value[32];
    (void)snprintf(value, sizeof(value), "'%" PRId64 "'", ++world->number);
    const varve_assignment assignment = {"v", value};
    return say_edit(world,
        varve_table_update(world->ticks, &assignment, 1, "k < 3", NULL, &result, err), &result);
}

/* Two rows in the place of a few, which are not always the same. */
static varve_status run_overwrite(struct world *world, varve_error *err)
{
    varve_edit_result result;
    char rows[64];
    (void)snprintf(rows, sizeof(rows), "k,v\n1,%" PRId64 "\n2,y\n", ++world->number);
    const varve_input input = {
        .format = VARVE_FORMAT_CSV, .path = world_file("rows.csv", rows)};
    return say_edit(world,
        varve_table_overwrite(world->ticks, &input, 1, "k < 3", NULL, &result, err), &result);
}

/* A row changes, one goes and one comes; a clause for rows that nothing matches is asked, too. */
static varve_status run_merge(struct world *world, varve_error *err)
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
    return say_edit(world, varve_table_merge(world->ticks, &merge, NULL, &result, err),
        &result);
}

/* The row of the batch that is bad lies aside, once, where it was said that it does. */
static bool is_aside(struct world *world, const varve_error *failure)
{
    struct ArrowArrayStream stream;
    struct arrow_sum sum = {0};
    varve_table *table = NULL;
    varve_error err;
    if (failure->code != VARVE_OK)
        return true; /* it may: the row is durable before the commit that goes on without it */
    if (!world_ok(varve_table_open(world->plain, "ticks", &table, &err), &err))
        return false;
    bool is_read = world_ok(varve_table_quarantine_show(table, NULL, &stream, &err), &err);
    if (is_read) {
        CHECK_INT(arrow_sum_drain(&stream, &sum), 0);
        stream.release(&stream);
    }
    varve_table_close(table);
    return is_read && CHECK_INT(sum.rows, 1);
}

/* A table of somebody else's: it has no key, and one that it might have comes twice. */
static void prepare_foreign(struct world *world)
{
    varve_create_options options = VARVE_CREATE_OPTIONS_INIT;
    varve_upsert_options appending = VARVE_UPSERT_OPTIONS_INIT;
    varve_restore_options restoring = VARVE_RESTORE_OPTIONS_INIT;
    varve_restore_result restored;
    varve_upsert_result appended;
    varve_table *table = NULL;
    varve_error err;
    int32_t created = 0;
    options.schema = "a bigint not null, b string";
    const varve_input input = {.format = VARVE_FORMAT_CSV,
        .path = world_file("foreign.csv", "a,b\n1,x\n2,y\n1,z\n3,\n")};
    appending.allow_duplicates = 1;
    restoring.at = "1";
    if (varve_table_open(world->plain, "foreign", &table, &err) == VARVE_OK) {
        (void)world_ok(varve_table_restore(table, &restoring, &restored, &err), &err);
    } else if (world_ok(varve_lake_create_table(world->plain, "foreign", &options, &created,
                            &err),
                   &err) &&
               world_ok(varve_table_open(world->plain, "foreign", &table, &err), &err)) {
        (void)world_ok(varve_table_append(table, &input, 1, &appending, &appended, &err), &err);
    }
    varve_table_close(table);
}

static varve_status run_adopt(struct world *world, varve_error *err)
{
    varve_adopt_options options = VARVE_ADOPT_OPTIONS_INIT;
    varve_adopt_result result;
    varve_table *table = NULL;
    options.key = "a";
    options.dedupe = 1;
    WORLD_TRY(varve_table_open(world->lake, "foreign", &table, err));
    varve_status status = varve_table_adopt(table, &options, &result, NULL, err);
    varve_table_close(table);
    if (status == VARVE_OK)
        vv_buf_addf(&world->said,
            "version %" PRId64 ", changed %" PRId64 ", %" PRId64 " rows, %" PRId64
            " keys doubled, %" PRId64 " removed",
            result.version, result.changed, result.rows, result.keys_doubled,
            result.rows_removed);
    return status;
}

static const struct operation operations[] = {
    {.name = "upsert", .kind = WRITES, .run = run_upsert},
    {.name = "upsert records", .kind = WRITES, .run = run_upsert_records},
    {.name = "append", .kind = WRITES, .run = run_append},
    {.name = "delete", .kind = WRITES, .run = run_delete, .prepare = world_put_news},
    {.name = "update", .kind = WRITES, .run = run_update},
    {.name = "overwrite", .kind = WRITES, .run = run_overwrite},
    {.name = "merge", .kind = WRITES, .run = run_merge},
    {.name = "alter", .kind = WRITES, .run = run_alter},
    {.name = "restore", .kind = WRITES, .run = run_restore, .prepare = world_put_news},
    {.name = "quarantine",
        .kind = WRITES,
        .run = run_aside,
        .prepare = world_drop_all,
        .check = is_aside},
    {.name = "adopt", .kind = WRITES, .run = run_adopt, .prepare = prepare_foreign},
    {.name = "create",
        .kind = WRITES,
        .run = run_create}, /* the last: what there is is looked at each time */
};

OPERATION_TESTS(changes, operations)
