/*
 * Every public operation on a lake, while one allocation after the other fails, and one call of the
 * store after the other. Whatever happens: what was told is true, a failure says why, what only
 * reads gives the right answer or none, and the tables are at the old version or the new one.
 */
#include "world_dates.h"
#include "world_merge.h"
#include "world_reports.h"

enum kind {
    READS,  /* gives out the same each time, changes nothing */
    TELLS,  /* reads, and tells of what it can't read */
    TIDIES, /* may change versions, never a row */
    WRITES  /* a success is a change, a failure is none */
};

struct operation {
    const char *name;
    enum kind kind;
    varve_status (*run)(struct world *world, varve_error *err);
    void (*prepare)(struct world *world); /* without faults; NULL: nothing */
};

#define TRY(call)                          \
    do {                                   \
        varve_status try_status_ = (call); \
        if (try_status_ != VARVE_OK)       \
            return try_status_;            \
    } while (0)

/* ---- Reading ---------------------------------------------------------------------------------- */

static varve_status run_open(struct world *world, varve_error *err)
{
    varve_table *table = NULL;
    int64_t version = 0;
    TRY(varve_table_open(world->lake, "ticks", &table, err));
    varve_status status = varve_table_refresh(table, &version, err);
    varve_table_close(table);
    return status;
}

static varve_status run_open_lake(struct world *world, varve_error *err)
{
    varve_lake *lake = NULL;
    varve_table *table = NULL;
    TRY(varve_lake_open(world->path, NULL, &lake, err));
    varve_status status = varve_table_open(lake, "signals", &table, err);
    varve_table_close(table);
    varve_lake_close(lake);
    return status;
}

static varve_status say(struct world *world, varve_status status, char *text)
{
    if (status == VARVE_OK)
        vv_buf_adds(&world->said, text);
    varve_free(status == VARVE_OK ? text : NULL);
    return status;
}

static varve_status run_describe(struct world *world, varve_error *err)
{
    char *text = NULL;
    varve_status status = varve_table_describe(world->ticks, NULL, &text, err);
    return say(world, status, text);
}

static varve_status run_tables(struct world *world, varve_error *err)
{
    struct ArrowArrayStream stream;
    TRY(varve_lake_tables(world->lake, &stream, err));
    return world_drain(world, &stream, err);
}

static varve_status run_scan(struct world *world, varve_error *err)
{
    struct ArrowArrayStream stream;
    varve_scan_options options = VARVE_SCAN_OPTIONS_INIT;
    options.where = "k < 3 OR v = 'n'";
    options.columns = "v,k";
    TRY(varve_table_scan(world->ticks, &options, &stream, err));
    return world_drain(world, &stream, err);
}

static varve_status run_scan_old(struct world *world, varve_error *err)
{
    struct ArrowArrayStream stream;
    varve_scan_options options = VARVE_SCAN_OPTIONS_INIT;
    options.at = "1";
    TRY(varve_table_scan(world->ticks, &options, &stream, err));
    return world_drain(world, &stream, err);
}

static varve_status run_query(struct world *world, varve_error *err)
{
    static const char *const names[] = {"k"};
    static const char *const values[] = {"1"};
    struct ArrowArrayStream stream;
    varve_query_options options = VARVE_QUERY_OPTIONS_INIT;
    options.param_names = names;
    options.param_values = values;
    options.params_len = 1;
    TRY(varve_lake_query(world->lake,
        "WITH old AS (FROM ticks AT (VERSION => 1)) SELECT t.k, old.v FROM ticks t LEFT JOIN "
        "old USING (k) WHERE t.k >= $k; FROM signals, ticks WHERE k > $k",
        &options, &stream, err));
    return world_drain(world, &stream, err);
}

static varve_status run_latest(struct world *world, varve_error *err)
{
    struct ArrowArrayStream stream;
    varve_table *table = NULL;
    TRY(varve_table_open(world->lake, "market_regimes", &table, err));
    varve_status status = varve_table_latest(table, NULL, &stream, err);
    if (status == VARVE_OK)
        status = world_drain(world, &stream, err);
    varve_table_close(table);
    return status;
}

static varve_status run_range(struct world *world, varve_error *err)
{
    struct ArrowArrayStream stream;
    varve_table *table = NULL;
    int64_t newest_us = 0;
    varve_range_options options = VARVE_RANGE_OPTIONS_INIT;
    options.symbol = "SPY";
    TRY(varve_table_open(world->lake, "market_regimes", &table, err));
    varve_status status = varve_table_range(table, &options, &stream, &newest_us, err);
    if (status == VARVE_OK)
        status = world_drain(world, &stream, err);
    varve_table_close(table);
    return status;
}

static varve_status run_history(struct world *world, varve_error *err)
{
    struct ArrowArrayStream stream;
    TRY(varve_table_history(world->ticks, 0, &stream, err));
    return world_drain(world, &stream, err);
}

static varve_status run_files(struct world *world, varve_error *err)
{
    struct ArrowArrayStream stream;
    TRY(varve_table_files(world->ticks, NULL, &stream, err));
    return world_drain(world, &stream, err);
}

static varve_status run_read_records(struct world *world, varve_error *err)
{
    struct ArrowArrayStream stream;
    varve_market_regime *rows = NULL;
    size_t len = 0;
    TRY(varve_lake_query(world->lake, "FROM market_regimes", NULL, &stream, err));
    TRY(varve_read_regimes(&stream, &rows, &len, err));
    vv_buf_addf(&world->said, "%zu records", len);
    varve_free(rows);
    return VARVE_OK;
}

static varve_status run_export(struct world *world, varve_error *err)
{
    struct ArrowArrayStream stream;
    int64_t rows = 0;
    TRY(varve_lake_query(world->lake, "FROM ticks", NULL, &stream, err));
    TRY(varve_lake_export_parquet(world->lake, &stream, test_path("out.parquet"), &rows, err));
    vv_buf_addf(&world->said, "%" PRId64 " exported", rows);
    return VARVE_OK;
}

/* ---- Writing ---------------------------------------------------------------------------------- */

static varve_status run_create(struct world *world, varve_error *err)
{
    varve_create_options options = VARVE_CREATE_OPTIONS_INIT;
    char name[32];
    int32_t created = 0;
    (void)snprintf(name, sizeof(name), "made%" PRId64, ++world->number);
    options.schema = "a int not null, b struct<c: string, d: array<double>>, e date";
    options.key = "a";
    options.partition_by = "e";
    return varve_lake_create_table(world->lake, name, &options, &created, err);
}

static varve_status run_init(struct world *world, varve_error *err)
{
    char *text = NULL;
    varve_status status = varve_lake_init(world->lake, NULL, &text, err);
    return say(world, status, text);
}

static varve_status run_upsert(struct world *world, varve_error *err)
{
    char rows[128];
    varve_upsert_options options = VARVE_UPSERT_OPTIONS_INIT;
    options.app_id = "app";
    options.app_version = ++world->number;
    (void)snprintf(rows, sizeof(rows),
        "{\"k\":2,\"v\":\"%" PRId64 "\"}\n{\"k\":%" PRId64 "}\n{\"k\":2}\n", world->number,
        2000 + world->number);
    return world_upsert(world->ticks, rows, &options, err);
}

static varve_status run_upsert_records(struct world *world, varve_error *err)
{
    varve_table *table = NULL;
    varve_upsert_result result;
    varve_market_regime row = VARVE_MARKET_REGIME_INIT;
    row.timestamp = START_US + ++world->number;
    row.symbol = "SPY";
    row.regime = "bullish_low";
    TRY(varve_table_open(world->lake, "market_regimes", &table, err));
    varve_status status = varve_table_upsert_regimes(table, &row, 1, NULL, &result, err);
    varve_table_close(table);
    return status;
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
    return varve_table_append(world->ticks, &input, 1, &options, &result, err);
}

static varve_status run_delete(struct world *world, varve_error *err)
{
    varve_edit_result result;
    char where[32];
    (void)snprintf(where, sizeof(where), "k = %" PRId64, 1000 + world->number);
    return varve_table_delete(world->ticks, where, NULL, &result, err);
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
    return say(world, status, diff);
}

static varve_status run_restore(struct world *world, varve_error *err)
{
    varve_restore_options options = VARVE_RESTORE_OPTIONS_INIT;
    varve_restore_result result;
    int64_t version = 0;
    char at[32];
    TRY(varve_table_refresh(world->ticks, &version, err));
    (void)snprintf(at, sizeof(at), "%" PRId64, version - 1);
    options.at = at;
    return varve_table_restore(world->ticks, &options, &result, err);
}

static varve_status run_optimize(struct world *world, varve_error *err)
{
    varve_optimize_result result;
    return varve_table_optimize(world->ticks, NULL, &result, err);
}

static varve_status run_vacuum(struct world *world, varve_error *err)
{
    varve_vacuum_options options = VARVE_VACUUM_OPTIONS_INIT;
    varve_vacuum_result result;
    struct ArrowArrayStream files;
    options.retain = "0h";
    options.unsafe = 1;
    TRY(varve_table_vacuum(world->ticks, &options, &result, &files, err));
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

/* ---- Quarantine ------------------------------------------------------------------------------- */

static varve_status put_aside(varve_table *table, int64_t number, varve_error *err)
{
    char rows[128];
    varve_upsert_options options = VARVE_UPSERT_OPTIONS_INIT;
    options.quarantine = 1;
    (void)snprintf(rows, sizeof(rows),
        "{\"k\":-1,\"v\":\"%" PRId64 "\"}\n{\"k\":%" PRId64 "}\n", number, 9000 + number);
    return world_upsert(table, rows, &options, err);
}

static void prepare_aside(struct world *world)
{
    varve_table *table = NULL;
    varve_error err;
    if (world_ok(varve_table_open(world->plain, "ticks", &table, &err), &err))
        (void)world_ok(put_aside(table, ++world->number, &err), &err);
    varve_table_close(table);
}

static void drop_all(struct world *world)
{
    varve_table *table = NULL;
    varve_error err;
    if (world_ok(varve_table_open(world->plain, "ticks", &table, &err), &err))
        (void)world_ok(varve_table_quarantine_drop(table, NULL, 0, NULL, &err), &err);
    varve_table_close(table);
}

static void prepare_one_aside(struct world *world)
{
    drop_all(world);
    prepare_aside(world);
}

static varve_status run_aside(struct world *world, varve_error *err)
{
    return put_aside(world->ticks, ++world->number, err);
}

static varve_status run_aside_list(struct world *world, varve_error *err)
{
    struct ArrowArrayStream stream;
    TRY(varve_table_quarantine_list(world->ticks, &stream, NULL, err));
    TRY(world_drain(world, &stream, err));
    TRY(varve_table_quarantine_show(world->ticks, NULL, &stream, err));
    return world_drain(world, &stream, err);
}

static varve_status run_lake_quarantine(struct world *world, varve_error *err)
{
    struct ArrowArrayStream stream;
    TRY(varve_lake_quarantine_list(world->lake, &stream, NULL, err));
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

static const struct operation operations[] = {
    {"open a lake", READS, run_open_lake, NULL},
    {"open a table", READS, run_open, NULL},
    {"describe", READS, run_describe, NULL},
    {"tables", TELLS, run_tables, NULL},
    {"scan", READS, run_scan, NULL},
    {"scan an old version", READS, run_scan_old, NULL},
    {"query", READS, run_query, NULL},
    {"latest", READS, run_latest, NULL},
    {"range", READS, run_range, NULL},
    {"history", READS, run_history, NULL},
    {"files", READS, run_files, NULL},
    {"correlate", READS, world_correlate, NULL},
    {"outcomes", READS, world_outcomes, NULL},
    {"gaps", READS, world_gaps, NULL},
    {"transitions", READS, world_transitions, NULL},
    {"signals", READS, world_signals, NULL},
    {"read records", READS, run_read_records, NULL},
    {"export", READS, run_export, NULL},
    {"init again", READS, run_init, NULL},
    {"create", WRITES, run_create, NULL},
    {"upsert", WRITES, run_upsert, NULL},
    {"upsert records", WRITES, run_upsert_records, NULL},
    {"append", WRITES, run_append, NULL},
    {"delete", WRITES, run_delete, world_put_news},
    {"update", WRITES, world_update, NULL},
    {"overwrite", WRITES, world_overwrite, NULL},
    {"merge", WRITES, world_merge, NULL},
    {"alter", WRITES, run_alter, NULL},
    {"alter by what is there", READS, world_rule, world_put_undated},
    {"restore", WRITES, run_restore, world_put_news},
    {"optimize", TIDIES, run_optimize, world_put_news},
    {"vacuum", TIDIES, run_vacuum, NULL},
    {"checkpoint", TIDIES, run_checkpoint, NULL},
    {"checkpoint and clean-up", TIDIES, run_checkpoint, prepare_clean_up},
    {"quarantine", WRITES, run_aside, drop_all},
    {"quarantine list", READS, run_aside_list, prepare_one_aside},
    {"quarantine list of the lake", TELLS, run_lake_quarantine, prepare_one_aside},
    {"quarantine release", TIDIES, run_release, prepare_one_aside},
    {"quarantine drop", TIDIES, run_drop, prepare_aside},
};

/* ---- Faults ----------------------------------------------------------------------------------- */

struct trial {
    const struct operation *operation;
    struct vv_str right; /* what it gives out when nothing fails */
    uint64_t allocation; /* that fails; 0: none */
    struct vv_fault_plan plan;
    varve_error err;
};

static bool is_expected(const struct trial *trial, varve_status status)
{
    if (trial->allocation > 0)
        return status == VARVE_ELIMIT;
    return status == VARVE_EIO ||
           (status == VARVE_EUNKNOWN && trial->plan.kind != VV_FAULT_REFUSE);
}

static void print_trial(const struct trial *trial, varve_status status)
{
    printf("# %s, allocation %" PRIu64 ", store kind %d, call %" PRIu64 " and so on %" PRIu64
           ": %s: %s\n",
        trial->operation->name, trial->allocation, (int)trial->plan.kind, trial->plan.at,
        trial->plan.count, varve_status_name(status), trial->err.message);
}

static void check_failure(const struct trial *trial, varve_status status)
{
    bool is_told = (int)CHECK(is_expected(trial, status)) & CHECK_INT(trial->err.code, status) &
                   CHECK(trial->err.message[0] != '\0');
    if (!is_told)
        print_trial(trial, status);
}

static void check_state(const struct trial *trial, varve_status status, struct vv_str before,
    struct vv_str after)
{
    bool is_same = vv_str_eq(before, after);
    bool is_true = true;
    if (trial->operation->kind == WRITES && status == VARVE_OK)
        is_true = CHECK(!is_same);
    else if (trial->operation->kind != WRITES || status != VARVE_EUNKNOWN)
        is_true = CHECK_STR(after, before);
    if (!is_true)
        print_trial(trial, status);
}

static varve_status run_trial(struct world *world, struct trial *trial)
{
    const struct operation *operation = trial->operation;
    bool versions = operation->kind != TIDIES;
    world->plan = (struct vv_fault_plan){0};
    if (operation->prepare != NULL)
        operation->prepare(world);
    CHECK_INT(varve_table_refresh(world->ticks, NULL, &trial->err), VARVE_OK);
    struct vv_str before = world_state(world, versions);
    trial->err = (varve_error){0};
    world->plan = trial->plan;
    vv_seam_fail_allocation(trial->allocation);
    varve_status status = operation->run(world, &trial->err);
    vv_seam_fail_allocation(0);
    trial->plan = world->plan;
    world->plan = (struct vv_fault_plan){0};
    if (status != VARVE_OK)
        check_failure(trial, status);
    else if (operation->kind == READS && trial->right.ptr != NULL &&
             !CHECK_STR(vv_buf_str(&world->said), trial->right))
        print_trial(trial, status);
    else if (operation->kind == READS)
        trial->right = vv_arena_str(&world->op.arena, vv_buf_str(&world->said));
    check_state(trial, status, before, world_state(world, versions));
    return status;
}

static bool start(struct world *world, const struct operation *operation, struct trial *trial)
{
    *trial = (struct trial){.operation = operation};
    return world_open(world, operation->name) && CHECK_INT(run_trial(world, trial), VARVE_OK);
}

/* Every single one takes minutes: by default the later ones are tried in growing steps. */
static bool is_every_one(void)
{
    return getenv("VARVE_FAULT_ALL") != NULL;
}

static void fail_allocations(const struct operation *operation)
{
    struct world world;
    struct trial trial;
    uint64_t failures = 0;
    uint64_t nth = 0;
    REQUIRE(start(&world, operation, &trial));
    for (unsigned in_a_row = 0; in_a_row < 3; nth += is_every_one() ? 1 : STEP(nth)) {
        trial.allocation = nth + 1;
        bool is_fine = run_trial(&world, &trial) == VARVE_OK;
        in_a_row = is_fine ? in_a_row + 1 : 0;
        failures += !is_fine;
    }
    printf("# %s: %" PRIu64 " failures up to allocation %" PRIu64 "\n", operation->name,
        failures, nth);
    CHECK(failures > 0);
    world_close(&world);
}

static void fail_store_calls(const struct operation *operation)
{
    static const struct vv_fault_plan plans[] = {{.kind = VV_FAULT_REFUSE, .count = 1},
        {.kind = VV_FAULT_LOSE_REPLY, .count = 100}, {.kind = VV_FAULT_IN_DOUBT, .count = 1},
        {.kind = VV_FAULT_REFUSE, .count = 100}, {.kind = VV_FAULT_LOSE_REPLY, .count = 1},
        {.kind = VV_FAULT_IN_DOUBT, .count = 100}};
    size_t plans_len = is_every_one() ? VV_COUNT(plans) : VV_COUNT(plans) / 2;
    struct world world;
    struct trial trial;
    uint64_t failures = 0;
    REQUIRE(start(&world, operation, &trial));
    for (size_t i = 0; i < plans_len; i++) {
        bool struck = true;
        for (uint64_t at = 1; struck; at += is_every_one() ? 1 : STEP(at)) {
            trial.allocation = 0;
            trial.plan = plans[i];
            trial.plan.at = at;
            failures += run_trial(&world, &trial) != VARVE_OK;
            struck = trial.plan.calls >= at;
        }
    }
    printf("# %s: %" PRIu64 " failures\n", operation->name, failures);
    world_close(&world);
}

static void for_each(enum kind first, enum kind last,
    void (*try_faults)(const struct operation *operation))
{
    for (size_t i = 0; i < VV_COUNT(operations); i++)
        if (operations[i].kind >= first && operations[i].kind <= last) {
            fflush(stdout);
            try_faults(&operations[i]);
        }
}

TEST_SECONDS(operations, that_read_are_right_or_fail_whichever_allocation_fails, 600)
{
    for_each(READS, TELLS, fail_allocations);
}

TEST_SECONDS(operations, that_tidy_keep_all_rows_whichever_allocation_fails, 600)
{
    for_each(TIDIES, TIDIES, fail_allocations);
}

TEST_SECONDS(operations, that_write_tell_the_truth_whichever_allocation_fails, 600)
{
    for_each(WRITES, WRITES, fail_allocations);
}

TEST_SECONDS(operations, that_read_are_right_or_fail_whichever_call_of_the_store_fails, 600)
{
    for_each(READS, TELLS, fail_store_calls);
}

TEST_SECONDS(operations, that_tidy_keep_all_rows_whichever_call_of_the_store_fails, 600)
{
    for_each(TIDIES, TIDIES, fail_store_calls);
}

TEST_SECONDS(operations, that_write_tell_the_truth_whichever_call_of_the_store_fails, 600)
{
    for_each(WRITES, WRITES, fail_store_calls);
}
