/*
 * One process at work for long: several tables, each open by two handles of one lake and by one of
 * another lake on the same folder; calls of all kinds and sizes on them by turns, some of which
 * fail and some of which are interrupted. What one call leaves in a handle must do the next one no
 * harm: after each the rows are the model's, by whatever way they are read.
 */
#include "session_reads.h"

#ifdef VV_ARENA_DEBUG
#define STORIES 2 /* AddressSanitizer takes longer */
#else
#define STORIES 4
#endif
#define STEPS 60

/* ---- Writes --------------------------------------------------------------------------------- */

static bool check_counts(const varve_upsert_result *result, const struct counts *counts)
{
    return CHECK_INT(result->inserted, counts->inserted) &&
           CHECK_INT(result->updated, counts->updated) &&
           CHECK_INT(result->unchanged, counts->unchanged) &&
           CHECK_INT(result->stale, counts->stale) &&
           CHECK_INT(result->duplicates_in_batch, counts->repeated) &&
           CHECK_INT(result->rejected, counts->rejected);
}

/* With `evolve` the column comes by a commit of its own, before the rows. */
static bool evolved(struct table *table)
{
    struct state *with = state_copy(state_of(table));
    with->has_e = true;
    return install(table, table->version + 1, with);
}

static bool any_upsert_batch(struct world *world, const struct table *table,
    struct batch *batch, varve_upsert_options *options)
{
    any_batch(world->prop, world->seed++, batch);
    batch->has_e = prop_chance(world->prop, state_of(table)->has_e ? 60 : 15);
    options->evolve = batch->has_e && !state_of(table)->has_e;
    options->quarantine = prop_chance(world->prop, 20);
    if (options->quarantine != 0 && prop_chance(world->prop, 70))
        batch->bad = (int)prop_choose(world->prop, 2) * 13;
    options->dry_run = options->evolve == 0 && prop_chance(world->prop, 5);
    return options->evolve == 0 || (batch->bad = -1) < 0;
}

static bool write_upsert(struct world *world, struct table *table, struct handle *handle)
{
    varve_upsert_options options = VARVE_UPSERT_OPTIONS_INIT;
    varve_upsert_result result = {0};
    varve_input inputs[2];
    size_t inputs_len = 0;
    struct batch batch;
    struct counts counts;
    pthread_t thread = 0;
    if (!any_upsert_batch(world, table, &batch, &options) ||
        !source_inputs(&world->source, world->prop, &batch, inputs, &inputs_len))
        return false;
    if (prop_chance(world->prop, 20)) {
        options.app_id = "app";
        options.app_version = table->txn + 1;
    }
    struct state *next = state_copy(state_of(table));
    model_upsert(next, &batch, table->layout->order_by != NULL, &counts);
    next->has_e = next->has_e || options.evolve != 0;
    bool is_judged = !world->is_interrupted;
    TELL(world, "upsert %" PRId64 " + %" PRId64 " rows%s%s%s%s%s%s%s", batch.count,
        batch.repeated, batch.low > 0 || batch.span < KEYS ? " of a part" : "",
        batch.has_v ? "" : " no v", batch.has_s ? "" : " no s", batch.has_e ? " e" : "",
        batch.bad >= 0 ? " bad" : "", options.dry_run != 0 ? " dry" : "",
        options.app_id != NULL ? " txn" : "");
    if (!call_begins(world, handle, &thread))
        return false;
    varve_status status =
        varve_table_upsert(handle->table, inputs, inputs_len, &options, &result, &world->err);
    call_ends(world, thread);
    if (status == VARVE_EINTERRUPTED && !is_judged && options.evolve != 0) {
        int64_t version = 0;
        if (!CHECK_INT(varve_table_refresh(handle->table, &version, &world->err), 0))
            return false;
        if (version == table->version + 1 && !evolved(table))
            return false;
    } else if (status == VARVE_OK && options.evolve != 0 && !evolved(table)) {
        return false;
    }
    if (status == VARVE_OK && options.dry_run != 0) {
        free(next);
        next = state_copy(state_of(table));
    }
    if (status == VARVE_OK && options.app_id != NULL && options.dry_run == 0)
        table->txn++;
    bool is_done = status == VARVE_OK;
    return settle(world, table, handle, status, result.version, next) &&
           (!is_done || check_counts(&result, &counts));
}

/* The last batch of an application once more, which is of no effect, whatever its rows are. */
static bool write_again(struct world *world, struct table *table, struct handle *handle)
{
    varve_upsert_options options = VARVE_UPSERT_OPTIONS_INIT;
    varve_upsert_result result;
    varve_input inputs[2];
    size_t inputs_len = 0;
    struct batch batch;
    if (table->txn == 0)
        return true;
    TELL(world, "a txn again");
    options.app_id = "app";
    options.app_version = table->txn;
    any_batch(world->prop, world->seed++, &batch);
    if (!source_inputs(&world->source, world->prop, &batch, inputs, &inputs_len) ||
        !CHECK_INT(varve_table_upsert(handle->table, inputs, inputs_len, &options, &result,
                       &world->err),
            VARVE_OK))
        return false;
    return CHECK_INT(result.already_applied, 1) && CHECK_INT(result.version, table->version);
}

static bool write_delete(struct world *world, struct table *table, struct handle *handle)
{
    varve_edit_result result = {0};
    struct where where;
    pthread_t thread = 0;
    any_where(world->prop, &where);
    struct state *next = state_copy(state_of(table));
    int64_t deleted = model_delete(next, &where);
    TELL(world, "delete %s", where.sql);
    if (!call_begins(world, handle, &thread))
        return false;
    varve_status status =
        varve_table_delete(handle->table, where.sql, NULL, &result, &world->err);
    call_ends(world, thread);
    return settle(world, table, handle, status, result.version, next) &&
           (status != VARVE_OK || CHECK_INT(result.deleted, deleted));
}

static bool write_update(struct world *world, struct table *table, struct handle *handle)
{
    varve_edit_result result = {0};
    enum change change = (enum change)prop_choose(world->prop, CHANGES);
    const varve_assignment set = {change_columns[change], change_sql[change]};
    struct where where;
    pthread_t thread = 0;
    any_where(world->prop, &where);
    struct state *next = state_copy(state_of(table));
    int64_t updated = model_update(next, &where, change, table->layout->order_by != NULL);
    TELL(world, "update %s = %s where %s", set.column, set.expression, where.sql);
    if (!call_begins(world, handle, &thread))
        return false;
    varve_status status =
        varve_table_update(handle->table, &set, 1, where.sql, NULL, &result, &world->err);
    call_ends(world, thread);
    return settle(world, table, handle, status, result.version, next) &&
           (status != VARVE_OK || CHECK_INT(result.updated, updated));
}

static bool write_merge(struct world *world, struct table *table, struct handle *handle)
{
    static const char *const matched[] = {[MATCHED_SET_V] = "update set v = s.v",
        [MATCHED_ALL] = "update *",
        [MATCHED_DELETE] = "delete"};
    struct where where;
    struct batch batch;
    struct merge merge = {
        .matched = (enum merge_matched)prop_choose(world->prop, MATCHED_KINDS),
        .inserts = prop_chance(world->prop, 60)};
    char by_source[96];
    varve_merge_clause clauses[3] = {{VARVE_MERGE_MATCHED, matched[merge.matched]}};
    varve_input inputs[2];
    size_t inputs_len = 0;
    varve_merge call = {inputs, 1, "t.k = s.k AND t.p = s.p", clauses, 1};
    varve_edit_result result = {0};
    pthread_t thread = 0;
    any_where(world->prop, &where);
    any_batch(world->prop, world->seed++, &batch);
    batch.repeated = 0;
    batch.has_v = batch.has_v || merge.matched == MATCHED_SET_V;
    if (merge.inserts)
        clauses[call.clauses_len++] = (varve_merge_clause){VARVE_MERGE_NOT_MATCHED, "insert *"};
    if (prop_chance(world->prop, 25)) {
        merge.by_source = &where;
        (void)snprintf(by_source, sizeof(by_source), "and %s delete", where.sql);
        clauses[call.clauses_len++] =
            (varve_merge_clause){VARVE_MERGE_NOT_MATCHED_BY_SOURCE, by_source};
    }
    bool *is_matched = calloc(KEYS, sizeof(*is_matched));
    struct state *next = state_copy(state_of(table));
    model_merge(next, &batch, &merge, table->layout->order_by != NULL, is_matched);
    free(is_matched);
    TELL(world, "merge %" PRId64 " rows, %s%s%s", batch.count, matched[merge.matched],
        merge.inserts ? ", insert" : "", merge.by_source != NULL ? ", delete others" : "");
    if (!source_inputs(&world->source, world->prop, &batch, inputs, &inputs_len) ||
        !call_begins(world, handle, &thread))
        return false;
    call.inputs_len = inputs_len;
    varve_status status = varve_table_merge(handle->table, &call, NULL, &result, &world->err);
    call_ends(world, thread);
    return settle(world, table, handle, status, result.version, next);
}

/* Rows of one part in the place of those that it has. */
static bool write_overwrite(struct world *world, struct table *table, struct handle *handle)
{
    varve_edit_result result = {0};
    struct where where = {.kind = WHERE_PART};
    struct batch batch;
    struct counts counts;
    varve_input inputs[2];
    size_t inputs_len = 0;
    pthread_t thread = 0;
    do
        any_batch(world->prop, world->seed++, &batch);
    while (batch.span == KEYS);
    batch.repeated = 0;
    where.a = part_of(batch.low);
    (void)snprintf(where.sql, sizeof(where.sql), "p = %" PRId64, where.a);
    TELL(world, "overwrite %" PRId64 " rows where %s", batch.count, where.sql);
    struct state *next = state_copy(state_of(table));
    (void)model_delete(next, &where);
    model_upsert(next, &batch, false, &counts);
    if (!source_inputs(&world->source, world->prop, &batch, inputs, &inputs_len) ||
        !call_begins(world, handle, &thread))
        return false;
    varve_status status = varve_table_overwrite(handle->table, inputs, inputs_len, where.sql,
        NULL, &result, &world->err);
    call_ends(world, thread);
    return settle(world, table, handle, status, result.version, next);
}

/* Rows that are added without a look at what is there: of keys that are not. */
static bool write_append(struct world *world, struct table *table, struct handle *handle)
{
    varve_upsert_options options = VARVE_UPSERT_OPTIONS_INIT;
    varve_upsert_result result = {0};
    struct batch batch;
    struct counts counts;
    varve_input inputs[2];
    size_t inputs_len = 0;
    any_batch(world->prop, world->seed++, &batch);
    batch.repeated = 0;
    for (int64_t i = 0; i < batch.count; i++)
        if (state_of(table)->rows[batch_key(&batch, i)].is_there)
            return true;
    TELL(world, "append %" PRId64 " rows", batch.count);
    options.allow_duplicates = 1;
    struct state *next = state_copy(state_of(table));
    model_upsert(next, &batch, false, &counts);
    if (!source_inputs(&world->source, world->prop, &batch, inputs, &inputs_len))
        return false;
    varve_status status =
        varve_table_append(handle->table, inputs, inputs_len, &options, &result, &world->err);
    return settle(world, table, handle, status, result.version, next) &&
           CHECK_INT(result.inserted, batch.count);
}

static bool write_optimize(struct world *world, struct table *table, struct handle *handle)
{
    varve_optimize_options options = VARVE_OPTIMIZE_OPTIONS_INIT;
    varve_optimize_result result = {0};
    pthread_t thread = 0;
    TELL(world, "optimize");
    options.zorder = prop_chance(world->prop, 40) ? "k,v" : NULL;
    if (!call_begins(world, handle, &thread))
        return false;
    varve_status status = varve_table_optimize(handle->table, &options, &result, &world->err);
    call_ends(world, thread);
    return settle(world, table, handle, status, result.version, state_copy(state_of(table)));
}

static bool write_restore(struct world *world, struct table *table, struct handle *handle)
{
    varve_restore_options options = VARVE_RESTORE_OPTIONS_INIT;
    varve_restore_result result = {0};
    char at[24];
    int64_t version = table->readable + (int64_t)prop_choose(world->prop,
                                            (size_t)(table->version - table->readable + 1));
    options.at = text_of_version(version, at);
    TELL(world, "restore %s", at);
    varve_status status = varve_table_restore(handle->table, &options, &result, &world->err);
    return settle(world, table, handle, status, result.version,
        state_copy(table->versions[version]));
}

/* Old versions go, and with them what handles on them and streams would have read. */
static bool write_vacuum(struct world *world, struct table *table, struct handle *handle)
{
    varve_vacuum_options options = VARVE_VACUUM_OPTIONS_INIT;
    varve_vacuum_result result = {0};
    bool is_good = table->held.release == NULL || read_later(world, table, handle);
    TELL(world, "vacuum");
    options.remove = 1;
    options.unsafe = 1;
    options.retain = "0s";
    varve_status status =
        varve_table_vacuum(handle->table, &options, &result, NULL, &world->err);
    is_good = is_good &&
              settle(world, table, handle, status, result.version, state_copy(state_of(table)));
    if (is_good && result.readable_version > table->readable)
        table->readable = result.readable_version;
    for (size_t i = 0; is_good && i < HANDLES; i++)
        is_good = refresh(world, table, &table->handles[i]);
    return is_good;
}

static bool write_alter(struct world *world, struct table *table, struct handle *handle)
{
    varve_alter_result result = {0};
    char word[64];
    const char *words[] = {word};
    varve_alter_change change = {"set", words, 1};
    if (prop_chance(world->prop, 40)) {
        change.verb = "add-column";
        (void)snprintf(word, sizeof(word), "n%" PRId32 " double", world->seed++);
    } else {
        (void)snprintf(word, sizeof(word), "delta.checkpointInterval=%d",
            2 + (int)prop_choose(world->prop, 9));
    }
    TELL(world, "alter %s", word);
    varve_status status =
        varve_table_alter(handle->table, &change, NULL, &result, NULL, &world->err);
    return settle(world, table, handle, status, result.version, state_copy(state_of(table)));
}

/* A checkpoint, or what is due by the tables' own rules. */
static bool write_upkeep(struct world *world, struct table *table, struct handle *handle)
{
    varve_checkpoint_result checkpoint;
    varve_maintain_result result;
    TELL(world, "upkeep");
    if (prop_chance(world->prop, 50))
        return CHECK_INT(varve_table_checkpoint(handle->table, &checkpoint, &world->err),
                   VARVE_OK) &&
               refresh(world, table, handle);
    if (!CHECK_INT(varve_lake_maintain(handle->lake, NULL, &result, NULL, &world->err),
            VARVE_OK) ||
        !CHECK_INT(result.failed, 0))
        return false;
    for (size_t i = 0; i < TABLES; i++) {
        struct table *other = &world->tables[i];
        int64_t version = 0;
        if (!CHECK_INT(varve_table_refresh(other->handles[0].table, &version, &world->err),
                0) ||
            !install(other, version, state_copy(state_of(other))))
            return false;
    }
    return true;
}

/* ---- Calls that fail ------------------------------------------------------------------------ */

static varve_status fail_rows(struct world *world, struct handle *handle, size_t kind)
{
    varve_upsert_result result;
    varve_merge_clause clause = {VARVE_MERGE_MATCHED, "update set nothing = s.v"};
    varve_input inputs[2];
    size_t inputs_len = 0;
    varve_merge merge = {inputs, 1, "t.k = s.k", &clause, 1};
    varve_edit_result edited;
    struct batch batch;
    any_batch(world->prop, world->seed++, &batch);
    batch.bad = 0;
    if (!source_inputs(&world->source, world->prop, &batch, inputs, &inputs_len))
        return VARVE_OK;
    merge.inputs_len = inputs_len;
    return kind == 0 ? varve_table_upsert(handle->table, inputs, inputs_len, NULL, &result,
                           &world->err)
                     : varve_table_merge(handle->table, &merge, NULL, &edited, &world->err);
}

static varve_status fail_input(struct world *world, struct handle *handle)
{
    varve_upsert_result result;
    static const char *const contents[] = {"k,ts,p,v\n1,2025-01-30T00:00:01Z,0,1\n2,\"2025",
        "k,ts,p,o\nx,2025-01-30T00:00:01Z,0,1\n", "nothing,k\n1,2\n"};
    const char *path = test_path("broken.csv");
    varve_input input = {.format = VARVE_FORMAT_CSV, .path = path};
    const char *content = contents[prop_choose(world->prop, VV_COUNT(contents))];
    if (!test_file_write(path, vv_str_of(content)))
        return VARVE_OK;
    if (prop_chance(world->prop, 25))
        input.path = "/nowhere/at-all.csv";
    return varve_table_upsert(handle->table, &input, 1, NULL, &result, &world->err);
}

static varve_status fail_call(struct world *world, struct table *table, struct handle *handle)
{
    varve_scan_options scan = VARVE_SCAN_OPTIONS_INIT;
    const varve_assignment set = {"k", "NULL"};
    struct ArrowArrayStream stream = {0};
    varve_edit_result result;
    char sql[80];
    size_t kind = prop_choose(world->prop, 7);
    TELL(world, "fail %zu", kind);
    switch (kind) {
    case 0:
    case 1:
        return fail_rows(world, handle, kind);
    case 2:
        return fail_input(world, handle);
    case 3:
        scan.where = prop_chance(world->prop, 50) ? "nothing = 1" : "k = = 1";
        return varve_table_scan(handle->table, &scan, &stream, &world->err);
    case 4:
        scan.at = "99999";
        return varve_table_scan(handle->table, &scan, &stream, &world->err);
    case 5: /* a statement that fails while it runs */
        (void)snprintf(sql, sizeof(sql),
            "SELECT error('stop') FROM (SELECT 1) WHERE '%s' <> ''", table->name);
        if (varve_lake_query(handle->lake, sql, NULL, &stream, &world->err) != VARVE_OK)
            return world->err.code;
        stream.release(&stream);
        return VARVE_EFAILED; /* the rows would have failed */
    default:
        if (varve_table_update(handle->table, &set, 1, "true", NULL, &result, &world->err) !=
            VARVE_OK)
            return world->err.code;
        return result.updated == 0 ? VARVE_EINVALID : VARVE_OK; /* there was no row */
    }
}

/* It fails, and nothing has happened. */
static bool write_nothing(struct world *world, struct table *table, struct handle *handle)
{
    return CHECK(fail_call(world, table, handle) != VARVE_OK) && refresh(world, table, handle);
}

/* ---- Stories -------------------------------------------------------------------------------- */

static bool write_any(struct world *world, struct table *table, struct handle *handle)
{
    static bool (*const interruptible[])(struct world *, struct table *, struct handle *) = {
        write_upsert, write_upsert, write_upsert, write_upsert, write_upsert, write_delete,
        write_update, write_merge, write_merge, write_overwrite, write_optimize};
    static bool (*const others[])(struct world *, struct table *, struct handle *) = {
        write_again, write_append, write_append, write_restore, write_vacuum, write_alter,
        write_upkeep, write_nothing, write_nothing};
    if (prop_chance(world->prop, 30))
        return others[prop_choose(world->prop, VV_COUNT(others))](world, table, handle);
    world->is_interrupted = prop_chance(world->prop, 12);
    if (world->is_interrupted)
        TELL(world, "interrupted");
    return interruptible[prop_choose(world->prop, VV_COUNT(interruptible))](world, table,
        handle);
}

static bool step(struct world *world)
{
    struct table *table = &world->tables[prop_choose(world->prop, TABLES)];
    struct handle *handle = &table->handles[prop_choose(world->prop, HANDLES)];
    struct ArrowArrayStream stream = {0};
    vv_buf_addf(&world->told, "\n# %s %" PRId64 " by %zu", table->name, table->version,
        (size_t)(handle - table->handles));
    if (prop_chance(world->prop, 40))
        return read_any(world, table, handle);
    if (!write_any(world, table, handle))
        return false;
    if (prop_chance(world->prop, 50))
        return read_any(world, table, handle);
    return CHECK_INT(varve_table_scan(handle->table, NULL, &stream, &world->err), VARVE_OK) &&
           check_stream(&stream, table->versions[table->version], NULL);
}

static bool run_story(struct prop *prop, size_t number)
{
    VV_CLEANUP(world_close)
    struct world world = {.prop = prop, .seed = 1, .told = VV_BUF_INIT(VV_BUF_MAX)};
    if (!source_open(&world.source) || !world_open(&world))
        return false;
    for (size_t i = 0; i < TABLES; i++) {
        struct table *table = &world.tables[i];
        (void)snprintf(table->name, sizeof(table->name), "t%zu", i);
        table->layout = &layouts[(number + i) % VV_COUNT(layouts)];
        if (!table_make(&world, table))
            return false;
    }
    for (size_t i = 0; i < STEPS; i++)
        if (!step(&world)) {
            printf("%s\n# step %zu: %s\n%s\n", vv_buf_str(&world.told).ptr, i,
                world.err.message, world.err.detail);
            return false;
        }
    return true;
}

TEST_SECONDS(session, what_a_call_leaves_does_the_next_one_no_harm, 900)
{
    struct prop seeds = prop_start();
    const char *wish = getenv("VARVE_SESSION_STORIES"); /* for a long run */
    int64_t stories = STORIES;
    if (wish != NULL)
        REQUIRE(CHECK(vv_str_int64(vv_str_of(wish), &stories)));
    for (int64_t i = 0; i < stories; i++) {
        struct prop prop = {prop_u64(&seeds)};
        uint64_t seed = prop.state;
        if (run_story(&prop, (size_t)i))
            continue;
        printf("# story %" PRId64 ", seed %" PRIu64 "\n", i, seed);
        return;
    }
}
