/*
 * Checkpoints that are no help: gone around, by an older one or by the commits, where that can be.
 */
#include "checkpoint_fixture.h"

TEST(checkpoint_bad, that_cannot_be_read_is_gone_around_with_a_warning)
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

TEST(checkpoint_bad, with_a_file_without_size_is_gone_around)
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
TEST(checkpoint_bad, with_sidecars_that_lead_on_or_come_twice_is_gone_around)
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
TEST(checkpoint_bad, with_a_path_twice_is_gone_around)
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

TEST(checkpoint_bad, that_cannot_be_read_gives_way_to_an_older_one)
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

TEST(checkpoint_bad, that_cannot_be_read_and_is_all_there_is_makes_the_table_corrupt)
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

TEST(checkpoint_bad, without_protocol_or_metadata_makes_the_table_corrupt)
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

#define METADATA_OF(schema)                                                                \
    "{'id': 'some-id', 'format': {'provider': 'parquet', 'options': MAP {}::MAP(VARCHAR, " \
    "VARCHAR)}, 'schemaString': '" schema "', 'partitionColumns': []::VARCHAR[], "         \
    "'configuration': MAP {'k': 'v'}, 'createdTime': 5::BIGINT}"
#define CHECKPOINT_1 "00000000000000000001.checkpoint.parquet"
#define STRANGER                                                                             \
    "{'minReaderVersion': 3, 'minWriterVersion': 7, 'readerFeatures': ['deletionVdctors'], " \
    "'writerFeatures': ['deletionVdctors']}"

/* It can be read, and what it says is refused: by the commits it may be seen to say something wrong. */
TEST(checkpoint_bad, whose_state_makes_no_sense_is_gone_around)
{
    static const struct {
        const char *protocol, *metadata, *words;
        varve_status status;
    } cases[] = {
        {PROTOCOL, METADATA_OF("{\"type\":\"strubt\",\"fields\":[]}"), "schema of version 3",
            VARVE_EUNSUPPORTED},
        {PROTOCOL, METADATA_OF("{\"type\":\"struct\",\"fields\"Z[]}"), "schema of version 3",
            VARVE_ECORRUPT},
        {STRANGER, METADATA, "deletionVdctors", VARVE_EUNSUPPORTED},
    };
    for (size_t i = 0; i < VV_COUNT(cases); i++) {
        VV_CLEANUP(table_done) struct table t;
        VV_CLEANUP(vv_snapshot_release) struct vv_snapshot *snapshot = NULL;
        struct vv_op *op = &t.op;
        REQUIRE(table_init(&t) && put_whole_log(&t));
        struct vv_str select = vv_arena_format(&op->arena,
            "SELECT %s AS protocol UNION ALL BY NAME SELECT %s AS metaData", cases[i].protocol,
            cases[i].metadata);
        REQUIRE(put_parquet(&t, CHECKPOINT_2, select.ptr) && load(&t, &snapshot));
        CHECK_INT(snapshot->checkpoint_version, VV_NO_VERSION);
        CHECK_INT(snapshot->files_len, 3);
        CHECK(strstr(t.warning, "checkpoint of version 2") != NULL);
        CHECK(strstr(t.warning, cases[i].words) != NULL);
        /* Nothing else is there, or it says the same: then it is the table that is refused. */
        REQUIRE_OK(op,
            vv_store_remove(op, t.log.store, VV_STR("_delta_log/00000000000000000000.json")));
        vv_snapshot_release(&snapshot);
        t.warning[0] = '\0';
        for (int again = 0; again < 2; again++) {
            varve_status status = vv_snapshot_load(op, &t.log, VV_NO_VERSION, &snapshot);
            CHECK(strstr(op->error.message, cases[i].words) != NULL);
            CHECK(strstr(op->error.message, "no older checkpoint") == NULL);
            CHECK_STR(vv_str_of(t.warning), VV_STR(""));
            CHECK_FAILS(op, status, cases[i].status);
            REQUIRE(again == 1 || put_parquet(&t, CHECKPOINT_1, select.ptr));
        }
        REQUIRE_OK(op, vv_store_remove(op, t.log.store, VV_STR("_delta_log/" CHECKPOINT_1)));
        REQUIRE_OK(op, vv_store_remove(op, t.log.store, VV_STR("_delta_log/" CHECKPOINT_2)));
    }
}
