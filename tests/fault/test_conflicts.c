/*
 * The matrix of conflicts: each operation, and another writer's commit that takes the version that
 * it was about to write. Whatever the other one did, the table must be what it is when the two run
 * one after the other, the operation must answer as it does then, and it must be planned anew
 * where the winner matters to it, and only there. Both isolation levels: Varve is serializable under
 * either, which is what its commits say. What only some pairs have to do with each other, changes of
 * the rules and what breaks them, is listed by pairs.
 */
#include <stdio.h>
#include <stdlib.h>

#include "conflicts.h"

struct scene {
    varve_lake *plain, *ours;
    struct vv_op op;
    struct vv_fault_plan plan;
    const char *name; /* of the table of the case */
    size_t winner;    /* that comes when ours is about to commit */
    bool has_come;
    int verdict; /* 'b' rebased, 'p' planned anew, '-' not asked */
};

/* ---- Operations --------------------------------------------------------------------------------- */

enum {
    APPEND,
    UPSERT,
    DELETE,
    UPDATE,
    OVERWRITE,
    MERGE,
    MERGE_SOME,
    MERGE_NEW,
    OPTIMIZE,
    RESTORE,
    SET,
    CONSTRAIN,
    SET_KEY,
    RELEASE,
    OPERATIONS,
    /* Of pairs alone. */
    ADOPT = OPERATIONS,
    ADOPT_ONLY,
    ADD_NOT_NULL,
    ADD_GENERATED,
    ADD_COLUMN,
    DROP_COLUMN,
    RENAME_COLUMN,
    CLUSTER,
    DERIVE_DATE
};

static varve_status run(size_t operation, varve_table *table, varve_error *err)
{
    switch (operation) {
    case APPEND:
        return append(table, "{\"k\":6,\"v\":66,\"o\":9}\n", err);
    case UPSERT:
        return upsert(table, "{\"k\":1,\"v\":61,\"o\":9}\n{\"k\":6,\"v\":66,\"o\":9}\n", err);
    case DELETE:
        return erase(table, "k < 2", "ours", err);
    case UPDATE:
        return update(table, err);
    case OVERWRITE:
        return overwrite(table, err);
    case MERGE:
        return merge(table, err);
    case MERGE_SOME:
        return merge_some(table, err);
    case MERGE_NEW:
        return merge_new(table, err);
    case OPTIMIZE:
        return optimize(table, err);
    case RESTORE:
        return restore(table, err);
    case SET:
        return alter(table, "set", "delta.checkpointInterval=50", NULL, err);
    case CONSTRAIN:
        return alter(table, "add-constraint", "few", "v < 90", err);
    case SET_KEY:
        return alter(table, "set", "varve.key=v", NULL, err);
    case RELEASE:
        return release(table, err);
    case ADOPT:
        return adopt(table, 1, err);
    case ADOPT_ONLY:
        return adopt(table, 0, err);
    case ADD_NOT_NULL:
        return alter(table, "add-column", "w bigint not null", NULL, err);
    case ADD_GENERATED:
        return alter(table, "add-column", "w bigint generated always as (v + 1)", NULL, err);
    case ADD_COLUMN:
        return alter(table, "add-column", "w bigint", NULL, err);
    case DROP_COLUMN:
        return alter(table, "drop-column", "u", NULL, err);
    case RENAME_COLUMN:
        return alter(table, "rename-column", "u", "w", err);
    case CLUSTER:
        return alter(table, "cluster-by", "u", NULL, err);
    default:
        return alter(table, "set", "varve.partitionFrom=d=t", NULL, err);
    }
}

/* ---- Winners ------------------------------------------------------------------------------------ */

#define FOREIGN_PROTOCOL                                                                  \
    "{\"commitInfo\":{\"timestamp\":1,\"operation\":\"UPGRADE PROTOCOL\",\"engineInfo\":" \
    "\"other/1\"}}\n{\"protocol\":{\"minReaderVersion\":1,\"minWriterVersion\":7,"        \
    "\"writerFeatures\":[\"somethingNew\"]}}\n"

/* A commit of other software, at the next version. */
static varve_status put_foreign(struct scene *scene, varve_table *table, const char *text)
{
    enum vv_put_outcome outcome = VV_PUT_EXISTS;
    struct vv_op *op = &scene->op;
    struct vv_table *inner = table->table;
    VV_TRY(vv_table_refresh(op, inner));
    struct vv_str key = vv_log_commit_key(&op->arena, inner->snapshot->version + 1);
    VV_TRY(vv_store_put_if_absent(op, inner->store, key, vv_str_of(text), 0, &outcome));
    return outcome == VV_PUT_CREATED ? VARVE_OK : VARVE_EFAILED;
}

enum {
    APPEND_INTO, /* blindly, into what is read */
    APPEND_BESIDE,
    UPSERT_INTO,
    REMOVE_READ, /* a file that is read and rewritten */
    REMOVE_BESIDE,
    COMPACT, /* dataChange = false */
    METADATA,
    NEW_RULE, /* that the operation's rows may break */
    PROTOCOL,
    PROTOCOL_UNKNOWN,
    SAME_APP,
    WINNERS,
    /* Of pairs alone. */
    APPEND_MISDATED = WINNERS,
    CLUSTERED,
    DROPPED
};

static varve_status win(struct scene *scene, size_t winner, varve_table *table,
    varve_error *err)
{
    switch (winner) {
    case APPEND_INTO:
        return append(table, "{\"k\":1,\"v\":80,\"o\":7}\n{\"k\":3,\"v\":83,\"o\":7}\n", err);
    case APPEND_BESIDE:
        return append(table, "{\"k\":31,\"v\":21,\"o\":7}\n", err);
    case UPSERT_INTO:
        return upsert(table, "{\"k\":1,\"v\":40,\"o\":20}\n{\"k\":5,\"v\":45,\"o\":20}\n", err);
    case REMOVE_READ:
        return erase(table, "k = 2", NULL, err);
    case REMOVE_BESIDE:
        return erase(table, "k = 22", NULL, err);
    case COMPACT:
        return optimize(table, err);
    case METADATA:
        return alter(table, "set", "delta.checkpointInterval=60", NULL, err);
    case NEW_RULE:
        return alter(table, "add-constraint", "rule", "v < 60", err);
    case PROTOCOL:
        return alter(table, "upgrade", "changeDataFeed", NULL, err);
    case PROTOCOL_UNKNOWN:
        return put_foreign(scene, table, FOREIGN_PROTOCOL);
    case SAME_APP:
        return erase(table, "k = 22", "ours", err);
    case APPEND_MISDATED:
        return append(table,
            "{\"k\":41,\"v\":41,\"o\":5,\"d\":\"2025-01-03\",\"t\":\"2025-01-02T23:00Z\"}\n",
            err);
    case CLUSTERED:
        return alter(table, "cluster-by", "u", NULL, err);
    default:
        return alter(table, "drop-column", "u", NULL, err);
    }
}

/*
 * The verdicts: b rebased, p planned anew. The upsert of SAME_APP's column is UPSERT_INTO as well,
 * since it bears the same appId. An optimize that lost its files gives them up.
 */
static const struct {
    const char *name;
    const char verdicts[WINNERS + 1];
    const char *with_vectors; /* where they differ: rows of one file are marked by both */
} matrix[OPERATIONS] = {
    /*             append    upsert remove      com meta new  protocol  same
                   in beside  in    read beside pact data rule    unkn.  app */
    [APPEND] = {"append", "bbbbbbppppb", NULL},
    [UPSERT] = {"upsert", "pbppbpppppp", NULL},
    [DELETE] = {"delete", "pbppbpppppp", "pbpbbpppppp"},
    [UPDATE] = {"update", "pbppbpppppp", NULL},
    [OVERWRITE] = {"overwrite", "pbppbpppppp", NULL},
    [MERGE] = {"merge", "pbppbpppppp", "pbpbbpppppp"},
    [MERGE_SOME] = {"merge, some", "pbppbpppppp", NULL},
    [MERGE_NEW] = {"merge, new ones", "pbppbpppppp", NULL},
    [OPTIMIZE] = {"optimize", "bbppppppppp", NULL},
    [RESTORE] = {"restore", "ppppppppppp", NULL},
    [SET] = {"set", "bbbbbbppppb", NULL},
    [CONSTRAIN] = {"add-constraint", "ppppppppppp", NULL},
    [SET_KEY] = {"set varve.key", "ppppppppppp", NULL},
    [RELEASE] = {"release", "pbppbpppppb", NULL},
};

enum form {
    OF_MATRIX,
    SET_ASIDE, /* the same, with rows in quarantine that may go into it by now */
    KEYLESS,
    CLUSTERED_BY_V,
    EMPTY,
    PARTITIONED
};

struct pair {
    const char *name;
    enum form form;
    size_t operation, winner;
    char verdict;
    varve_status status;
};

static const struct pair pairs[] = {
    {"adopted, a key came twice", KEYLESS, ADOPT, APPEND_INTO, 'p', VARVE_OK},
    {"adopted, rows came", KEYLESS, ADOPT, APPEND_BESIDE, 'p', VARVE_OK},
    {"adopted, a row went", KEYLESS, ADOPT, REMOVE_READ, 'p', VARVE_OK},
    {"adopted, files became one", KEYLESS, ADOPT, COMPACT, 'b', VARVE_OK},
    {"adopted, a rule came", KEYLESS, ADOPT, NEW_RULE, 'p', VARVE_OK},
    {"adopted as it is, a key came twice", KEYLESS, ADOPT_ONLY, APPEND_INTO, 'p',
        VARVE_EINVALID},
    {"not null, rows came", EMPTY, ADD_NOT_NULL, APPEND_INTO, 'p', VARVE_EUSAGE},
    {"not null, a rule came", EMPTY, ADD_NOT_NULL, NEW_RULE, 'p', VARVE_OK},
    {"generated, rows came", EMPTY, ADD_GENERATED, APPEND_INTO, 'p', VARVE_EUSAGE},
    {"nullable, rows came", EMPTY, ADD_COLUMN, APPEND_INTO, 'b', VARVE_OK},
    {"dropped, clustered by", CLUSTERED_BY_V, DROP_COLUMN, CLUSTERED, 'p', VARVE_EUSAGE},
    {"renamed, clustered by", CLUSTERED_BY_V, RENAME_COLUMN, CLUSTERED, 'p', VARVE_OK},
    {"clustered by, dropped", CLUSTERED_BY_V, CLUSTER, DROPPED, 'p', VARVE_EUSAGE},
    {"clustered by, rows came", CLUSTERED_BY_V, CLUSTER, APPEND_INTO, 'b', VARVE_OK},
    {"key set, it came twice", CLUSTERED_BY_V, SET_KEY, APPEND_BESIDE, 'p', VARVE_EINVALID},
    {"derived, another date came", PARTITIONED, DERIVE_DATE, APPEND_MISDATED, 'p',
        VARVE_EINVALID},
    {"derived, rows came", PARTITIONED, DERIVE_DATE, APPEND_BESIDE, 'p', VARVE_OK},
};

/* ---- A case ------------------------------------------------------------------------------------- */

static bool create(struct scene *scene, const char *name, enum form form, const char *level,
    bool marks, varve_error *err)
{
    const char *const properties[] = {level, "delta.enableDeletionVectors=true"};
    varve_create_options options = VARVE_CREATE_OPTIONS_INIT;
    varve_table *table = NULL;
    int32_t created = 0;
    options.schema =
        form == OF_MATRIX || form == SET_ASIDE
            ? "k bigint not null, v bigint, o bigint"
            : "k bigint not null, v bigint, o bigint, u bigint, d date, t timestamp";
    options.cluster_by = form == CLUSTERED_BY_V ? "v" : NULL;
    options.partition_by = form == PARTITIONED ? "d" : NULL;
    options.key = form == KEYLESS ? NULL : "k";
    options.order_by = form == KEYLESS ? NULL : "o";
    options.properties = properties;
    options.properties_len = marks ? 2 : 1;
    bool ok =
        varve_lake_create_table(scene->plain, name, &options, &created, err) == VARVE_OK &&
        varve_table_open(scene->plain, name, &table, err) == VARVE_OK;
    if (ok && form != EMPTY)
        ok = append(table, "{\"k\":1,\"v\":1,\"o\":5}\n{\"k\":2,\"v\":2,\"o\":5}\n", err) ==
                 VARVE_OK &&
             append(table, "{\"k\":21,\"v\":21,\"o\":5}\n{\"k\":22,\"v\":22,\"o\":5}\n", err) ==
                 VARVE_OK;
    if (ok && form == SET_ASIDE)
        ok = set_aside(table, err) == VARVE_OK;
    varve_table_close(table);
    return ok;
}

/* "k/v k/v" of a table, "" where it can't be read. */
static void read_rows(struct scene *scene, const char *name, char out[512])
{
    struct ArrowArrayStream stream;
    struct ArrowArray batch = {0};
    char sql[128];
    varve_error err;
    out[0] = '\0';
    (void)snprintf(sql, sizeof(sql),
        "SELECT coalesce(string_agg(concat(k, '/', v), ' ' ORDER BY k, v), '') FROM %s", name);
    if (varve_lake_query(scene->plain, sql, NULL, &stream, &err) != VARVE_OK) {
        CHECK_STR(vv_str_of(err.message), "");
        return;
    }
    if (CHECK_INT(stream.get_next(&stream, &batch), 0)) {
        const int32_t *offsets = batch.children[0]->buffers[1];
        (void)snprintf(out, 512, "%.*s", (int)offsets[1],
            (const char *)batch.children[0]->buffers[2]);
        batch.release(&batch);
    }
    stream.release(&stream);
}

/* " and N aside": rows of a table that are in quarantine. */
static void add_aside(varve_table *table, char rows[512])
{
    struct ArrowArrayStream stream;
    struct ArrowArray batch;
    int64_t count = 0;
    varve_error err;
    if (!CHECK_INT(varve_table_quarantine_show(table, NULL, &stream, &err), VARVE_OK))
        return;
    while (CHECK_INT(stream.get_next(&stream, &batch), 0) && batch.release != NULL) {
        count += batch.length;
        batch.release(&batch);
    }
    stream.release(&stream);
    size_t len = strlen(rows);
    (void)snprintf(rows + len, 512 - len, " and %" PRId64 " aside", count);
}

static void let_winner_in(void *data, const char *call, struct vv_str key)
{
    struct scene *scene = data;
    varve_table *table = NULL;
    varve_error err;
    bool is_commit = strcmp(call, "put_if_absent") == 0 && vv_str_ends(key, VV_STR(".json"));
    if (scene->has_come || !is_commit)
        return;
    scene->has_come = true;
    if (CHECK_INT(varve_table_open(scene->plain, scene->name, &table, &err), VARVE_OK) &&
        !CHECK_INT(win(scene, scene->winner, table, &err), VARVE_OK))
        fprintf(stderr, "%s\n", err.message);
    varve_table_close(table);
}

static void hear(void *data, int32_t level, const char *event, const char *fields)
{
    struct scene *scene = data;
    (void)level;
    (void)fields;
    if (strcmp(event, "commit.rebase") == 0 && scene->verdict == '-')
        scene->verdict = 'b';
    else if (strcmp(event, "commit.replan") == 0 && scene->verdict == '-')
        scene->verdict = 'p';
}

/* One after the other: what must come out. */
static varve_status run_serially(struct scene *scene, size_t operation, size_t winner,
    const char *name, char rows[512])
{
    varve_table *table = NULL;
    varve_error err = {0};
    if (!CHECK_INT(varve_table_open(scene->plain, name, &table, &err), VARVE_OK))
        return VARVE_EFAILED;
    if (!CHECK_INT(win(scene, winner, table, &err), VARVE_OK))
        fprintf(stderr, "%s\n", err.message);
    varve_status status = run(operation, table, &err);
    read_rows(scene, name, rows);
    add_aside(table, rows);
    varve_table_close(table);
    return status;
}

static varve_status run_at_once(struct scene *scene, size_t operation, size_t winner,
    const char *name, char rows[512])
{
    varve_table *table = NULL;
    varve_error err = {0};
    scene->name = name;
    scene->winner = winner;
    scene->has_come = false;
    scene->verdict = '-';
    if (!CHECK_INT(varve_table_open(scene->ours, name, &table, &err), VARVE_OK))
        return VARVE_EFAILED;
    scene->plan.before = let_winner_in;
    scene->plan.before_data = scene;
    varve_status status = run(operation, table, &err);
    scene->plan.before = NULL;
    read_rows(scene, name, rows);
    add_aside(table, rows);
    varve_table_close(table);
    return status;
}

static bool run_pair(struct scene *scene, const struct pair *pair, const char *level,
    bool marks, varve_status *out)
{
    static size_t number;
    char serial[32];
    char at_once[32];
    char expected[512];
    char rows[512];
    varve_error err = {0};
    (void)snprintf(serial, sizeof(serial), "s%zu", number);
    (void)snprintf(at_once, sizeof(at_once), "c%zu", number++);
    if (!CHECK(create(scene, serial, pair->form, level, marks, &err)) ||
        !CHECK(create(scene, at_once, pair->form, level, marks, &err))) {
        fprintf(stderr, "%s\n", err.message);
        return false;
    }
    varve_status due = run_serially(scene, pair->operation, pair->winner, serial, expected);
    *out = run_at_once(scene, pair->operation, pair->winner, at_once, rows);
    bool ok = CHECK_INT(*out, due);
    ok = CHECK_STR(vv_str_of(rows), expected) && ok;
    ok = CHECK_INT(scene->verdict, pair->verdict) && ok;
    return CHECK(scene->has_come) && ok;
}

static void check_pair(struct scene *scene, size_t operation, size_t winner, const char *level,
    bool marks)
{
    varve_status status = VARVE_OK;
    const char *verdicts = marks && matrix[operation].with_vectors != NULL
                               ? matrix[operation].with_vectors
                               : matrix[operation].verdicts;
    const struct pair pair = {.operation = operation,
        .winner = winner,
        .form = operation == RELEASE ? SET_ASIDE : OF_MATRIX,
        .verdict = verdicts[winner]};
    if (!run_pair(scene, &pair, level, marks, &status))
        fprintf(stderr, "%s, winner %zu, %s%s: %d\n", matrix[operation].name, winner, level,
            marks ? ", with vectors" : "", (int)status);
}

static bool scene_open(struct scene *scene)
{
    varve_error err;
    varve_lake_options options = VARVE_LAKE_OPTIONS_INIT;
    *scene = (struct scene){0};
    vv_op_init(&scene->op, NULL, VV_OP_BYTES_DEFAULT);
    options.create = 1;
    options.durability_off = 1;
    options.threads = 1;
    if (!CHECK_INT(varve_lake_open(test_path("lake"), &options, &scene->plain, &err), VARVE_OK))
        return false;
    options.on_log = hear;
    options.on_log_data = scene;
    return CHECK_INT(varve_lake_open(test_path("lake"), &options, &scene->ours, &err),
               VARVE_OK) &&
           CHECK_OK(&scene->op, vv_store_open_faulty(&scene->op, scene->ours->lake->store,
                                    &scene->plan, &scene->ours->lake->store));
}

static void scene_close(struct scene *scene)
{
    varve_lake_close(scene->ours);
    varve_lake_close(scene->plain);
    vv_op_done(&scene->op);
}

static void check_all(const char *level, bool marks)
{
    VV_CLEANUP(scene_close) struct scene scene;
    REQUIRE(scene_open(&scene));
    for (size_t operation = 0; operation < OPERATIONS; operation++)
        for (size_t winner = 0; winner < WINNERS; winner++)
            check_pair(&scene, operation, winner, level, marks);
}

#define SERIALIZABLE "delta.isolationLevel=Serializable"
#define WRITE_SERIALIZABLE "delta.isolationLevel=WriteSerializable"

TEST_SECONDS(conflicts, come_out_as_one_after_the_other_under_serializable, 300)
{
    check_all(SERIALIZABLE, false);
}

TEST_SECONDS(conflicts, come_out_so_under_serializable_with_deletion_vectors, 300)
{
    check_all(SERIALIZABLE, true);
}

TEST_SECONDS(conflicts, come_out_so_under_write_serializable, 300)
{
    check_all(WRITE_SERIALIZABLE, false);
}

TEST_SECONDS(conflicts, come_out_so_under_write_serializable_with_deletion_vectors, 300)
{
    check_all(WRITE_SERIALIZABLE, true);
}

TEST_SECONDS(conflicts, of_a_change_of_the_rules_with_what_breaks_it, 120)
{
    VV_CLEANUP(scene_close) struct scene scene;
    REQUIRE(scene_open(&scene));
    for (size_t i = 0; i < VV_COUNT(pairs); i++) {
        varve_status status = VARVE_EFAILED;
        if (!run_pair(&scene, &pairs[i], SERIALIZABLE, false, &status) ||
            !CHECK_INT(status, pairs[i].status))
            fprintf(stderr, "%s: %d\n", pairs[i].name, (int)status);
    }
}
