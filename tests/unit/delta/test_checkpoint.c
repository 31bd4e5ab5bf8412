/*
 * Checkpoints as other writers make them: columns in any order, some left out.
 */
#include <stdio.h>

#include "base/seam.h"
#include "delta/checkpoint_direct.h"
#include "delta/snapshot.h"
#include "engine/engine.h"
#include "harness/clock_fake.h"
#include "harness/test.h"

#define NOW_US INT64_C(1738231200000000)

#define PROTOCOL "{'minReaderVersion': 1, 'minWriterVersion': 2}"
#define METADATA                                                                             \
    "{'id': 'some-id', 'format': {'provider': 'parquet', 'options': MAP {}::MAP(VARCHAR, "   \
    "VARCHAR)}, 'schemaString': '{\"type\":\"struct\",\"fields\":[]}', 'partitionColumns': " \
    "[]::VARCHAR[], 'configuration': MAP {'k': 'v'}, 'createdTime': 5::BIGINT}"
#define ADD(path, stats)                                                              \
    "{'path': '" path "', 'partitionValues': MAP {}::MAP(VARCHAR, VARCHAR), 'size': " \
    "10::BIGINT, 'modificationTime': 5::BIGINT, 'dataChange': false, 'stats': " stats "}"

struct table {
    struct vv_op op;
    struct test_clock clock;
    struct vv_engine *engine;
    struct vv_session *session;
    struct vv_log_handle log;
    char warning[512]; /* the last one */
};

static void note_warning(void *data, int level, const char *event, const char *fields_json)
{
    struct table *table = data;
    if (level >= VV_LOG_WARN)
        (void)snprintf(table->warning, sizeof(table->warning), "%s %s", event, fields_json);
}

static void table_done(struct table *table)
{
    vv_session_close(&table->session);
    vv_engine_close(&table->engine);
    vv_store_close(&table->log.store);
    vv_op_done(&table->op);
}

/* The folder has what is an escape in SQL and a pattern for files in its name. */
static bool table_init(struct table *table)
{
    const struct vv_store_options options = {.create = true};
    struct vv_op *op = &table->op;
    *table = (struct table){0};
    test_clock_init(&table->clock, NOW_US);
    table->clock.env.log = note_warning;
    table->clock.env.log_data = table;
    vv_op_init(op, &table->clock.env, VV_OP_BYTES_DEFAULT);
    bool is_open = CHECK_OK(op, vv_store_open(op, vv_str_of(test_path("it's [a] *table")),
                                    &options, &table->log.store)) &&
                   CHECK_OK(op, vv_engine_open(op, &(struct vv_engine_options){.threads = 1},
                                    &table->engine)) &&
                   CHECK_OK(op, vv_session_open(op, table->engine, &table->session));
    table->log.engine = table->engine;
    return is_open;
}

static bool put(struct table *table, const char *name, const char *text)
{
    struct vv_op *op = &table->op;
    struct vv_str key = vv_arena_format(&op->arena, "_delta_log/%s", name);
    return CHECK_OK(op, vv_store_put(op, table->log.store, key, vv_str_of(text)));
}

/* Writes the rows of a SELECT as a Parquet file of the log. */
static bool put_parquet_with(struct table *table, const char *name, const char *select,
    const char *options)
{
    struct vv_op *op = &table->op;
    struct vv_str key = vv_arena_format(&op->arena, "_delta_log/%s", name);
    struct vv_str path = VV_STR_NONE;
    if (!CHECK_OK(op, vv_store_stage(op, table->log.store, &op->arena, key, &path)))
        return false;
    struct vv_str sql = vv_arena_format(&op->arena,
        "COPY (%s) TO '%.*sit''s [a] *table/_delta_log/%s' (FORMAT parquet%s)", select,
        (int)(strstr(path.ptr, "it's") - path.ptr), path.ptr, name, options);
    return CHECK_OK(op, vv_session_exec(op, table->session, sql)) &&
           CHECK_OK(op, vv_store_publish(op, table->log.store, &key, 1));
}

static bool put_parquet(struct table *table, const char *name, const char *select)
{
    return put_parquet_with(table, name, select, "");
}

static bool load(struct table *table, struct vv_snapshot **out)
{
    return CHECK_OK(&table->op, vv_snapshot_load(&table->op, &table->log, VV_NO_VERSION, out));
}

static const struct vv_file *file_of(const struct vv_snapshot *snapshot, const char *key)
{
    for (size_t i = 0; i < snapshot->files_len; i++)
        if (vv_str_eq(snapshot->files[i]->key, vv_str_of(key)))
            return snapshot->files[i];
    return NULL;
}

#define CHECKPOINT_2 "00000000000000000002.checkpoint.parquet"
#define COMMIT_3                                                                           \
    "{\"add\":{\"path\":\"new\",\"partitionValues\":{},\"size\":1,\"modificationTime\":1," \
    "\"dataChange\":true}}\n{\"remove\":{\"path\":\"old\",\"dataChange\":true}}\n"

/* What a checkpoint needs beside files. */
#define BASICS                                                                             \
    "SELECT " PROTOCOL " AS protocol, NULL AS metaData UNION ALL BY NAME SELECT " METADATA \
    " AS metaData"

TEST(checkpoint, is_read_below_the_newer_commits)
{
    VV_CLEANUP(table_done) struct table t;
    VV_CLEANUP(vv_snapshot_release) struct vv_snapshot *snapshot = NULL;
    REQUIRE(table_init(&t));
    REQUIRE(put_parquet(&t, CHECKPOINT_2,
        BASICS " UNION ALL BY NAME SELECT " ADD("old",
            "NULL::VARCHAR") " AS add"
                             " UNION ALL BY NAME SELECT " ADD("k%20pt",
                                 "'{\"numRecords\":7}'") " AS add"));
    REQUIRE(put(&t, "00000000000000000003.json", COMMIT_3));
    REQUIRE(load(&t, &snapshot));
    CHECK_INT(snapshot->version, 3);
    CHECK_INT(snapshot->checkpoint_version, 2);
    CHECK_INT(snapshot->commits_read, 1);
    CHECK_INT(snapshot->files_len, 2);
    CHECK(file_of(snapshot, "new") != NULL && file_of(snapshot, "new")->added_version == 3);
    const struct vv_file *kept = file_of(snapshot, "k pt");
    REQUIRE(kept != NULL);
    CHECK_STR(kept->path, "k%20pt");
    CHECK_STR(kept->stats, "{\"numRecords\":7}");
    CHECK_INT(kept->bytes, 10);
    CHECK_INT(kept->modified_ms, 5);
    CHECK_INT(kept->added_version, VV_NO_VERSION);
    CHECK_INT(kept->base_row_id, -1);
    CHECK(!kept->by_varve);
    CHECK_INT(kept->hash, vv_file_hash(VV_STR("k pt"), VV_STR("")));
    CHECK_STR(vv_pairs_get(&snapshot->metadata->configuration, VV_STR("k")), "v");
    CHECK_STR(t.warning, "");
}

TEST(checkpoint, is_read_without_an_engine)
{
    VV_CLEANUP(table_done) struct table t;
    VV_CLEANUP(vv_snapshot_release) struct vv_snapshot *snapshot = NULL;
    VV_CLEANUP(vv_snapshot_release) struct vv_snapshot *odd = NULL;
    REQUIRE(table_init(&t));
    REQUIRE(put_parquet(&t, CHECKPOINT_2,
        BASICS " UNION ALL BY NAME SELECT " ADD("file", "'{}'") " AS add"));
    t.log.engine = NULL;
    REQUIRE(load(&t, &snapshot));
    CHECK(file_of(snapshot, "file") != NULL);
    /* Statistics in columns alone take the engine. */
    REQUIRE(put_parquet(&t, "00000000000000000003.checkpoint.parquet",
        BASICS " UNION ALL BY NAME SELECT {'path': 'file', 'partitionValues': MAP "
               "{}::MAP(VARCHAR, VARCHAR), 'size': 10::BIGINT, 'modificationTime': 5::BIGINT, "
               "'dataChange': false, 'stats_parsed': {'numRecords': 7}} AS add"));
    CHECK_FAILS(&t.op, vv_snapshot_load(&t.op, &t.log, VV_NO_VERSION, &odd), VARVE_ECORRUPT);
    t.log.engine = t.engine;
    REQUIRE(load(&t, &odd));
    CHECK_STR(file_of(odd, "file")->stats, "{\"numRecords\":7}");
}

TEST(checkpoint, hands_over_every_kind_of_row)
{
    VV_CLEANUP(table_done) struct table t;
    VV_CLEANUP(vv_snapshot_release) struct vv_snapshot *snapshot = NULL;
    REQUIRE(table_init(&t));
    REQUIRE(put_parquet(&t, CHECKPOINT_2,
        BASICS
        " UNION ALL BY NAME SELECT {'clusteringProvider': 'liquid', 'path': 'd=1/f', 'tags':"
        " MAP {'varve.sha256': 'abc'}, 'partitionValues': MAP {'d': '1', 'e': NULL},"
        " 'defaultRowCommitVersion': 8::BIGINT, 'baseRowId': 9::BIGINT, 'size': 3::BIGINT,"
        " 'modificationTime': 4::BIGINT, 'dataChange': false, 'deletionVector':"
        " NULL::STRUCT(storageType VARCHAR, pathOrInlineDv VARCHAR, \"offset\" INTEGER,"
        " sizeInBytes INTEGER, cardinality BIGINT)} AS add"
        " UNION ALL BY NAME SELECT {'path': 'dv', 'partitionValues': MAP {'d': '2'}, 'size':"
        " 3::BIGINT, 'modificationTime': 4::BIGINT, 'dataChange': false, 'deletionVector':"
        " {'storageType': 'u', 'pathOrInlineDv': 'aaaaaaaaaaaaaaaaaaaa', 'offset': 1::INTEGER,"
        " 'sizeInBytes': 36::INTEGER, 'cardinality': 2::BIGINT}} AS add"
        " UNION ALL BY NAME SELECT {'path': 'gone', 'deletionTimestamp': 1738231100000::BIGINT,"
        " 'dataChange': false, 'extendedFileMetadata': true, 'partitionValues': MAP {'d': '1'},"
        " 'size': 6::BIGINT} AS remove"
        " UNION ALL BY NAME SELECT {'appId': 'app', 'version': 12::BIGINT, 'lastUpdated':"
        " NULL::BIGINT} AS txn"
        " UNION ALL BY NAME SELECT {'domain': 'dom', 'configuration': '{}', 'removed': false}"
        " AS domainMetadata"));
    REQUIRE(load(&t, &snapshot));
    CHECK_INT(snapshot->files_len, 2);
    const struct vv_file *file = file_of(snapshot, "d=1/f");
    REQUIRE(file != NULL);
    CHECK_STR(vv_pairs_get(&file->partition_values, VV_STR("d")), "1");
    CHECK(vv_pairs_has(&file->partition_values, VV_STR("e")));
    CHECK(vv_pairs_get(&file->partition_values, VV_STR("e")).ptr == NULL);
    CHECK_STR(vv_pairs_get(&file->tags, VV_STR("varve.sha256")), "abc");
    CHECK(file->by_varve);
    CHECK_STR(file->clustering_provider, "liquid");
    CHECK_INT(file->row_commit_version, 8);
    CHECK_INT(file->base_row_id, 9);
    CHECK(file->stats.ptr == NULL);
    const struct vv_file *with_dv = file_of(snapshot, "dv");
    REQUIRE(with_dv != NULL && with_dv->dv != NULL);
    CHECK_STR(with_dv->dv_id, "uaaaaaaaaaaaaaaaaaaaa@1");
    CHECK_INT(with_dv->dv->cardinality, 2);
    CHECK_INT(with_dv->added_version, VV_NO_VERSION);
    CHECK_STR(vv_pairs_get(&with_dv->partition_values, VV_STR("d")), "2");
    REQUIRE(snapshot->tombstones_len == 1);
    CHECK_STR(snapshot->tombstones[0]->key, "gone");
    CHECK_INT(snapshot->tombstones[0]->bytes, 6);
    CHECK_INT(vv_snapshot_txn(snapshot, VV_STR("app")), 12);
    CHECK_INT(snapshot->domains_len, 1);
}

#define PARSED(rows)                                                                 \
    "{'numRecords': " rows "::BIGINT, 'minValues': {'x': 1.25::DECIMAL(10,2), 't': " \
    "TIMESTAMPTZ '2020-01-01 00:00:00+00'}}"
#define ADD_PARSED(path, stats, parsed)                                               \
    "{'path': '" path "', 'partitionValues': MAP {}::MAP(VARCHAR, VARCHAR), 'size': " \
    "10::BIGINT, 'modificationTime': 5::BIGINT, " stats "'stats_parsed': " parsed "}"

TEST(checkpoint, takes_statistics_from_the_struct_where_there_is_no_text)
{
    static const char *const selects[] = {BASICS
        " UNION ALL BY NAME SELECT " ADD_PARSED("f", "", PARSED("5")) " AS add",
        BASICS " UNION ALL BY NAME SELECT " ADD_PARSED("f", "'stats': NULL::VARCHAR, ",
            PARSED("5")) " AS add",
        BASICS " UNION ALL BY NAME SELECT " ADD_PARSED("f", "'stats': NULL::VARCHAR, ",
            PARSED("5")) " AS add UNION ALL BY NAME SELECT " ADD_PARSED("g",
            "'stats': '{\"numRecords\":9}', ", PARSED("8")) " AS add"};
    for (size_t i = 0; i < VV_COUNT(selects); i++) {
        VV_CLEANUP(table_done) struct table t;
        VV_CLEANUP(vv_snapshot_release) struct vv_snapshot *snapshot = NULL;
        printf("# case %zu\n", i);
        REQUIRE(table_init(&t) && put_parquet(&t, CHECKPOINT_2, selects[i]));
        REQUIRE(load(&t, &snapshot));
        CHECK_STR(file_of(snapshot, "f")->stats,
            "{\"numRecords\":5,\"minValues\":{\"x\":1.25,\"t\":\"2020-01-01 00:00:00+00\"}}");
        if (i == 2)
            CHECK_STR(file_of(snapshot, "g")->stats, "{\"numRecords\":9}");
        REQUIRE_OK(&t.op,
            vv_store_remove(&t.op, t.log.store, VV_STR("_delta_log/" CHECKPOINT_2)));
    }
}

#define PART(part) "00000000000000000002.checkpoint.000000000" part ".0000000003.parquet"

TEST(checkpoint, is_put_together_from_its_parts)
{
    VV_CLEANUP(table_done) struct table t;
    VV_CLEANUP(vv_snapshot_release) struct vv_snapshot *snapshot = NULL;
    REQUIRE(table_init(&t));
    REQUIRE(put_parquet(&t, PART("1"), "SELECT " ADD("a", "'{}'") " AS add"));
    REQUIRE(put_parquet(&t, PART("2"), BASICS));
    REQUIRE(put_parquet(&t, PART("3"),
        "SELECT " ADD("b", "'{}'") " AS add UNION ALL BY NAME SELECT " ADD("c",
            "'{}'") " AS add"));
    REQUIRE(load(&t, &snapshot));
    CHECK_INT(snapshot->files_len, 3);
    CHECK(file_of(snapshot, "a") != NULL && file_of(snapshot, "c") != NULL);
}

#define UUID "6374b053-df23-479b-b2cf-c9c550132b49"
#define V2_TOP "00000000000000000002.checkpoint." UUID
#define V2_BASICS                                                                       \
    "{\"checkpointMetadata\":{\"version\":2}}\n"                                        \
    "{\"protocol\":{\"minReaderVersion\":1,\"minWriterVersion\":2}}\n"                  \
    "{\"metaData\":{\"id\":\"i\",\"format\":{\"provider\":\"parquet\",\"options\":{}}," \
    "\"schemaString\":\"{\\\"type\\\":\\\"struct\\\",\\\"fields\\\":[]}\","             \
    "\"partitionColumns\":"                                                             \
    "[],\"configuration\":{},\"createdTime\":1}}\n"

TEST(checkpoint, of_version_two_in_json_leads_to_its_sidecars)
{
    VV_CLEANUP(table_done) struct table t;
    VV_CLEANUP(vv_snapshot_release) struct vv_snapshot *snapshot = NULL;
    REQUIRE(table_init(&t));
    REQUIRE(put_parquet(&t, "_sidecars/one.parquet", "SELECT " ADD("a", "'{}'") " AS add"));
    REQUIRE(put_parquet(&t, "_sidecars/t wo.parquet", "SELECT " ADD("b", "'{}'") " AS add"));
    REQUIRE(put(&t, V2_TOP ".json",
        V2_BASICS "{\"sidecar\":{\"path\":\"one.parquet\",\"sizeInBytes\":1,"
                  "\"modificationTime\":1}}\n"
                  " { \"sidecar\" : {\"path\":\"file:/else/where/_delta_log/_sidecars/"
                  "t%20wo.parquet\",\"sizeInBytes\":1,\"modificationTime\":1}}\n"
                  "{\"txn\":{\"appId\":\"the \\\"sidecar\\\"\",\"version\":1}}\n"));
    REQUIRE(load(&t, &snapshot));
    CHECK_INT(snapshot->files_len, 2);
    CHECK_INT(vv_snapshot_txn(snapshot, VV_STR("the \"sidecar\"")), 1);
}

TEST(checkpoint, of_version_two_in_parquet_leads_to_its_sidecars)
{
    VV_CLEANUP(table_done) struct table t;
    VV_CLEANUP(vv_snapshot_release) struct vv_snapshot *snapshot = NULL;
    REQUIRE(table_init(&t));
    REQUIRE(put_parquet(&t, "_sidecars/one.parquet",
        "SELECT " ADD("a", "'{}'") " AS add UNION ALL BY NAME SELECT {'path': 'gone',"
                                   " 'deletionTimestamp': 1738231100000::BIGINT, 'dataChange': "
                                   "false} AS remove"));
    REQUIRE(put_parquet(&t, V2_TOP ".parquet",
        BASICS " UNION ALL BY NAME SELECT {'path': 'one.parquet', 'sizeInBytes': 1::BIGINT,"
               " 'modificationTime': 1::BIGINT} AS sidecar"));
    REQUIRE(load(&t, &snapshot));
    CHECK_INT(snapshot->files_len, 1);
    CHECK_INT(snapshot->tombstones_len, 1);
}

#define COMMIT_0                                                                        \
    "{\"protocol\":{\"minReaderVersion\":1,\"minWriterVersion\":2}}\n"                  \
    "{\"metaData\":{\"id\":\"i\",\"format\":{\"provider\":\"parquet\",\"options\":{}}," \
    "\"schemaString\":\"{\\\"type\\\":\\\"struct\\\",\\\"fields\\\":[]}\","             \
    "\"partitionColumns\":"                                                             \
    "[],\"configuration\":{},\"createdTime\":1}}\n"
#define ADD_COMMIT(path)                                           \
    "{\"add\":{\"path\":\"" path                                   \
    "\",\"partitionValues\":{},\"size\":1,\"modificationTime\":1," \
    "\"dataChange\":true}}\n"

static bool put_whole_log(struct table *table)
{
    return put(table, "00000000000000000000.json", COMMIT_0) &&
           put(table, "00000000000000000001.json", ADD_COMMIT("a")) &&
           put(table, "00000000000000000002.json", ADD_COMMIT("b")) &&
           put(table, "00000000000000000003.json", ADD_COMMIT("c"));
}

TEST(checkpoint, that_cannot_be_read_is_gone_around_with_a_warning)
{
    static const char *const garbage[] = {"", "no parquet at all, but long enough to be one",
        "PAR1xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxPAR1"};
    for (size_t i = 0; i < VV_COUNT(garbage); i++) {
        VV_CLEANUP(table_done) struct table t;
        VV_CLEANUP(vv_snapshot_release) struct vv_snapshot *snapshot = NULL;
        REQUIRE(table_init(&t) && put_whole_log(&t));
        REQUIRE(put(&t, CHECKPOINT_2, garbage[i]));
        REQUIRE(load(&t, &snapshot));
        CHECK_INT(snapshot->checkpoint_version, VV_NO_VERSION);
        CHECK_INT(snapshot->files_len, 3);
        CHECK_INT(snapshot->commits_read, 4);
        CHECK(strstr(t.warning, "log.bad_checkpoint") != NULL);
        CHECK(strstr(t.warning, CHECKPOINT_2) != NULL);
    }
}

TEST(checkpoint, with_a_file_without_size_is_gone_around)
{
    VV_CLEANUP(table_done) struct table t;
    VV_CLEANUP(vv_snapshot_release) struct vv_snapshot *snapshot = NULL;
    REQUIRE(table_init(&t) && put_whole_log(&t));
    REQUIRE(put_parquet(&t, CHECKPOINT_2,
        BASICS
        " UNION ALL BY NAME SELECT {'path': 'x', 'modificationTime': 5::BIGINT} AS add"));
    REQUIRE(load(&t, &snapshot));
    CHECK_INT(snapshot->checkpoint_version, VV_NO_VERSION);
    CHECK(strstr(t.warning, "has no size") != NULL);
}

#define SIDECAR(path) "{\"sidecar\":{\"path\":\"" path "\"}}\n"
#define SIDECAR_ROW "{'path': 'more.parquet', 'sizeInBytes': 1::BIGINT} AS sidecar"

/* A sidecar may name itself: whoever followed would never come to an end. */
TEST(checkpoint, with_sidecars_that_lead_on_or_come_twice_is_gone_around)
{
    static const struct {
        const char *lines, *more, *words;
    } cases[] = {
        {SIDECAR("more.json"), NULL, "is no Parquet file"},
        {SIDECAR("more.parquet"), "SELECT " SIDECAR_ROW,
            "more.parquet: a sidecar names the sidecar"},
        {SIDECAR("more.parquet") SIDECAR("x/%6Dore.parquet"),
            "SELECT " ADD("x", "'{}'") " AS add", "is named twice"},
    };
    for (size_t i = 0; i < VV_COUNT(cases); i++) {
        VV_CLEANUP(table_done) struct table t;
        VV_CLEANUP(vv_snapshot_release) struct vv_snapshot *snapshot = NULL;
        struct vv_op *op = &t.op;
        REQUIRE(table_init(&t) && put_whole_log(&t));
        struct vv_str top = vv_arena_format(&op->arena, "%s%s", V2_BASICS, cases[i].lines);
        REQUIRE(put(&t, V2_TOP ".json", top.ptr));
        REQUIRE(put(&t, "_sidecars/more.json", SIDECAR("more.json")));
        REQUIRE(cases[i].more == NULL ||
                put_parquet(&t, "_sidecars/more.parquet", cases[i].more));
        REQUIRE(load(&t, &snapshot));
        CHECK_INT(snapshot->checkpoint_version, VV_NO_VERSION);
        CHECK_INT(snapshot->files_len, 3);
        CHECK(strstr(t.warning, cases[i].words) != NULL);
        REQUIRE_OK(op, vv_store_remove(op, t.log.store, VV_STR("_delta_log/" V2_TOP ".json")));
        if (cases[i].more != NULL)
            REQUIRE_OK(op,
                vv_store_remove(op, t.log.store, VV_STR("_delta_log/_sidecars/more.parquet")));
    }
}

/* Which of two files of one path is meant, the checkpoint can't say; their rows would be there twice. */
TEST(checkpoint, with_a_path_twice_is_gone_around)
{
    static const char *const seconds[] = {"'{}'", "NULL::VARCHAR"};
    for (size_t i = 0; i < VV_COUNT(seconds); i++) {
        VV_CLEANUP(table_done) struct table t;
        VV_CLEANUP(vv_snapshot_release) struct vv_snapshot *snapshot = NULL;
        REQUIRE(table_init(&t) && put_whole_log(&t));
        struct vv_str select = vv_arena_format(&t.op.arena,
            BASICS " UNION ALL BY NAME SELECT " ADD("a",
                "'{}'") " AS add UNION ALL BY NAME SELECT " ADD("a", "%s") " AS add",
            seconds[i]);
        REQUIRE(put_parquet(&t, CHECKPOINT_2, select.ptr));
        REQUIRE(load(&t, &snapshot));
        CHECK_INT(snapshot->checkpoint_version, VV_NO_VERSION);
        CHECK_INT(snapshot->files_len, 3);
        CHECK(strstr(t.warning, "is there twice") != NULL);
        REQUIRE_OK(&t.op,
            vv_store_remove(&t.op, t.log.store, VV_STR("_delta_log/" CHECKPOINT_2)));
    }
}

TEST(checkpoint, that_cannot_be_read_gives_way_to_an_older_one)
{
    VV_CLEANUP(table_done) struct table t;
    VV_CLEANUP(vv_snapshot_release) struct vv_snapshot *snapshot = NULL;
    REQUIRE(table_init(&t));
    REQUIRE(put(&t, "00000000000000000002.json", ADD_COMMIT("b")) &&
            put(&t, "00000000000000000003.json", ADD_COMMIT("c")));
    REQUIRE(put_parquet(&t, "00000000000000000001.checkpoint.parquet",
        BASICS " UNION ALL BY NAME SELECT " ADD("a", "'{}'") " AS add"));
    REQUIRE(put(&t, V2_TOP ".json", V2_BASICS "{\"sidecar\":{\"path\":\"lost.parquet\"}}\n"));
    REQUIRE(load(&t, &snapshot));
    CHECK_INT(snapshot->checkpoint_version, 1);
    CHECK_INT(snapshot->files_len, 3);
    CHECK(strstr(t.warning, "lost.parquet") != NULL);
}

TEST(checkpoint, that_cannot_be_read_and_is_all_there_is_makes_the_table_corrupt)
{
    VV_CLEANUP(table_done) struct table t;
    struct vv_snapshot *snapshot = NULL;
    REQUIRE(table_init(&t));
    REQUIRE(put(&t, CHECKPOINT_2, "garbage") &&
            put(&t, "00000000000000000003.json", ADD_COMMIT("c")));
    varve_status status = vv_snapshot_load(&t.op, &t.log, VV_NO_VERSION, &snapshot);
    printf("# %s\n", t.op.error.message);
    CHECK(strstr(t.op.error.message, CHECKPOINT_2) != NULL);
    CHECK(strstr(t.op.error.message, "no older checkpoint") != NULL);
    CHECK_FAILS(&t.op, status, VARVE_ECORRUPT);
}

TEST(checkpoint, without_protocol_or_metadata_makes_the_table_corrupt)
{
    static const char *const selects[] = {"SELECT " PROTOCOL " AS protocol",
        "SELECT " METADATA " AS metaData", "SELECT " ADD("a", "'{}'") " AS add"};
    for (size_t i = 0; i < VV_COUNT(selects); i++) {
        VV_CLEANUP(table_done) struct table t;
        struct vv_snapshot *snapshot = NULL;
        REQUIRE(table_init(&t) && put_whole_log(&t));
        REQUIRE(put_parquet(&t, CHECKPOINT_2, selects[i]));
        varve_status status = vv_snapshot_load(&t.op, &t.log, VV_NO_VERSION, &snapshot);
        CHECK(strstr(t.op.error.message, "lacks its protocol or metaData") != NULL);
        CHECK_FAILS(&t.op, status, VARVE_ECORRUPT);
        REQUIRE_OK(&t.op,
            vv_store_remove(&t.op, t.log.store, VV_STR("_delta_log/" CHECKPOINT_2)));
    }
}

TEST(checkpoint, stands_for_a_commit_whose_time_and_hash_are_known)
{
    VV_CLEANUP(table_done) struct table t;
    VV_CLEANUP(vv_snapshot_release) struct vv_snapshot *snapshot = NULL;
    static const char commit[] =
        "{\"commitInfo\":{\"timestamp\":123,\"engineInfo\":\"Varve/0.1.0\"}}\n";
    char hex[VV_SHA256_HEX_BYTES];
    REQUIRE(table_init(&t));
    REQUIRE(put_parquet(&t, CHECKPOINT_2, BASICS));
    REQUIRE(load(&t, &snapshot));
    CHECK_INT(snapshot->timestamp_ms, VV_NO_TIME);
    CHECK_STR(snapshot->commit_sha256, "");
    vv_snapshot_release(&snapshot);
    REQUIRE(put(&t, "00000000000000000002.json", commit));
    REQUIRE(load(&t, &snapshot));
    CHECK_INT(snapshot->commits_read, 0);
    CHECK_INT(snapshot->timestamp_ms, 123);
    REQUIRE_OK(&t.op, vv_sha256(&t.op, vv_str_of(commit), hex));
    CHECK_STR(snapshot->commit_sha256, hex);
}

TEST(checkpoint, of_ten_thousand_files_is_read_whole)
{
    VV_CLEANUP(table_done) struct table t;
    VV_CLEANUP(vv_snapshot_release) struct vv_snapshot *snapshot = NULL;
    REQUIRE(table_init(&t));
    REQUIRE(put_parquet(&t, CHECKPOINT_2,
        BASICS " UNION ALL BY NAME SELECT {'path': 'd=' || (i // 360) || '/f' || i,"
               " 'partitionValues': MAP {'d': (i // 360)::VARCHAR}, 'size': i::BIGINT,"
               " 'modificationTime': 5::BIGINT, 'stats': '{\"numRecords\":' || i || '}'} AS add"
               " FROM range(10000) r(i)"));
    REQUIRE(load(&t, &snapshot));
    REQUIRE(snapshot->files_len == 10000);
    int64_t bytes = 0;
    for (size_t i = 0; i < snapshot->files_len; i++) {
        const struct vv_file *file = snapshot->files[i];
        struct vv_str path = vv_arena_format(&t.op.arena, "d=%.*s/f%" PRId64,
            VV_ARG(vv_pairs_get(&file->partition_values, VV_STR("d"))), file->bytes);
        if (!CHECK_STR(file->path, path))
            return;
        bytes += file->bytes;
    }
    CHECK_INT(bytes, 49995000);
}

#define GROUPS ", ROW_GROUP_SIZE 2048"
#define FILES(count, stats)                                                                    \
    "SELECT {'path': 'f' || i, 'partitionValues': MAP {}::MAP(VARCHAR, VARCHAR), 'size':"      \
    " i::BIGINT, 'modificationTime': 5::BIGINT, 'stats': " stats "} AS add FROM range(" #count \
    ") r(i)"

/* A map that only the engine knows how to read, behind files that were handed over already. */
TEST(checkpoint, is_left_to_the_engine_whole)
{
    VV_CLEANUP(table_done) struct table t;
    VV_CLEANUP(vv_snapshot_release) struct vv_snapshot *snapshot = NULL;
    REQUIRE(table_init(&t));
    REQUIRE(put_parquet_with(&t, CHECKPOINT_2,
        FILES(5000, "'{}'") " UNION ALL BY NAME SELECT {'path': 'gone', 'deletionTimestamp': "
                            "1738231100000::BIGINT,"
                            " 'dataChange': false, 'odd': MAP {1: 'x'}} AS remove UNION ALL BY "
                            "NAME " BASICS,
        GROUPS));
    REQUIRE(put(&t, "00000000000000000003.json",
        ADD_COMMIT("new") "{\"remove\":{\"path\":\"f7\",\"dataChange\":true,"
                          "\"deletionTimestamp\":1738231100000}}\n"));
    t.log.engine = NULL;
    CHECK_FAILS(&t.op, vv_snapshot_load(&t.op, &t.log, VV_NO_VERSION, &snapshot),
        VARVE_ECORRUPT);
    t.log.engine = t.engine;
    REQUIRE(load(&t, &snapshot));
    CHECK_INT(snapshot->files_len, 5000);
    CHECK_INT(snapshot->tombstones_len, 2);
    int64_t bytes = 0;
    for (size_t i = 0; i < snapshot->files_len; i++)
        bytes += snapshot->files[i]->bytes;
    CHECK_INT(bytes, 12497500 - 7 + 1);
}

/* The second row group takes more memory than the first. */
TEST(checkpoint, hands_over_all_its_files_or_none)
{
    static const struct {
        size_t group_bytes, keep_bytes;
        varve_status status;
    } cases[] = {{(size_t)16 << 20, (size_t)16 << 20, VARVE_OK},
        {(size_t)1 << 20, (size_t)16 << 20, VARVE_EUNSUPPORTED},
        {(size_t)16 << 20, (size_t)1 << 20, VARVE_ELIMIT}, {1, 1, VARVE_ECORRUPT}};
    VV_CLEANUP(table_done) struct table t;
    struct vv_str bytes = VV_STR_NONE;
    REQUIRE(table_init(&t));
    REQUIRE(put_parquet_with(&t, CHECKPOINT_2,
        FILES(4096, "CASE WHEN i < 2048 THEN '{}' ELSE repeat(i::VARCHAR, 250) END"), GROUPS));
    REQUIRE_OK(&t.op, vv_store_get(&t.op, t.log.store, &t.op.arena,
                          VV_STR("_delta_log/" CHECKPOINT_2), &bytes));
    for (size_t i = 0; i < VV_COUNT(cases); i++) {
        VV_CLEANUP(vv_arena_done) struct vv_arena keep = VV_ARENA_INIT(cases[i].keep_bytes);
        VV_CLEANUP(vv_replay_done) struct vv_replay replay;
        VV_CLEANUP(vv_buf_done) struct vv_buf lines = VV_BUF_INIT(VV_BUF_MAX);
        vv_replay_init(&replay, &keep);
        printf("# case %zu\n", i);
        varve_status status =
            vv_checkpoint_direct(&t.op, bytes, cases[i].group_bytes, &replay, &lines);
        if (status != VARVE_OK)
            vv_forgive(&t.op);
        CHECK_INT(status, cases[i].status);
        CHECK_INT(replay.state.files.len, status == VARVE_OK ? 4096 : 0);
        CHECK(cases[i].group_bytes == 1 || keep.bytes > 0);
    }
}

/* Moves the footer away from the data, so that the file is larger, by a hole. */
static bool stretch(const char *path, long bytes)
{
    static char footer[1 << 16];
    uint32_t length = 0;
    FILE *file = fopen(path, "r+b");
    bool is_done = file != NULL && fseek(file, -8, SEEK_END) == 0 &&
                   fread(&length, sizeof(length), 1, file) == 1 &&
                   length + 8 <= sizeof(footer) &&
                   fseek(file, -(long)(length + 8), SEEK_END) == 0 &&
                   fread(footer, length + 8, 1, file) == 1 &&
                   fseek(file, bytes - (long)(length + 8), SEEK_SET) == 0 &&
                   fwrite(footer, length + 8, 1, file) == 1;
    return file != NULL && fclose(file) == 0 && is_done;
}

TEST(checkpoint, larger_than_a_fixed_memory_takes_the_engine)
{
    VV_CLEANUP(table_done) struct table t;
    VV_CLEANUP(vv_snapshot_release) struct vv_snapshot *snapshot = NULL;
    struct vv_str path = VV_STR_NONE;
    REQUIRE(table_init(&t));
    REQUIRE(put_parquet(&t, CHECKPOINT_2,
        BASICS " UNION ALL BY NAME SELECT " ADD("file", "'{}'") " AS add"));
    REQUIRE_OK(&t.op, vv_store_fetch(&t.op, t.log.store, &t.op.arena,
                          VV_STR("_delta_log/" CHECKPOINT_2), &path));
    REQUIRE(stretch(path.ptr, (256 << 20) + 1));
    t.log.engine = NULL;
    CHECK_FAILS(&t.op, vv_snapshot_load(&t.op, &t.log, VV_NO_VERSION, &snapshot),
        VARVE_ECORRUPT);
    t.log.engine = t.engine;
    REQUIRE(load(&t, &snapshot));
    CHECK(file_of(snapshot, "file") != NULL);
}

TEST(checkpoint, is_read_right_or_not_at_all_when_memory_is_out)
{
    size_t failed = 0, loaded = 0;
    VV_CLEANUP(table_done) struct table t;
    REQUIRE(table_init(&t));
    REQUIRE(put_parquet_with(&t, CHECKPOINT_2,
        BASICS " UNION ALL BY NAME " FILES(3000, "'{\"numRecords\":1}'"), GROUPS));
    for (uint64_t nth = 1; nth <= 120; nth++) {
        VV_CLEANUP(vv_snapshot_release) struct vv_snapshot *snapshot = NULL;
        vv_seam_fail_allocation(nth);
        varve_status status = vv_snapshot_load(&t.op, &t.log, VV_NO_VERSION, &snapshot);
        vv_seam_fail_allocation(0);
        failed += status != VARVE_OK;
        loaded += status == VARVE_OK;
        if (!CHECK(status == VARVE_OK ? snapshot->files_len == 3000 : status == VARVE_ELIMIT))
            printf("# allocation %" PRIu64 ": %s\n", nth, t.op.error.message);
        if (status != VARVE_OK)
            vv_forgive(&t.op);
    }
    printf("# %zu failed, %zu loaded\n", failed, loaded);
    CHECK(failed > 0 && loaded > 0);
}
