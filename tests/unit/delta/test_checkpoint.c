/*
 * Checkpoints as other writers make them: columns in any order, some left out.
 */
#include "base/seam.h"
#include "checkpoint_fixture.h"
#include "delta/checkpoint_direct.h"

#define COMMIT_3                                                                           \
    "{\"add\":{\"path\":\"new\",\"partitionValues\":{},\"size\":1,\"modificationTime\":1," \
    "\"dataChange\":true}}\n{\"remove\":{\"path\":\"old\",\"dataChange\":true}}\n"

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

TEST(checkpoint, takes_from_the_struct_what_json_has_no_number_for)
{
    VV_CLEANUP(table_done) struct table t;
    VV_CLEANUP(vv_snapshot_release) struct vv_snapshot *snapshot = NULL;
    static const char stats[] =
        "{\"numRecords\":5,\"minValues\":{\"x\":0.5,\"y\":\"-Infinity\"},"
        "\"maxValues\":{\"x\":-0.5,\"y\":\"NaN\"}}";
#define ODD_PARSED                                                                             \
    "{'numRecords': 5::BIGINT, 'minValues': {'x': 0.5::DECIMAL(15,15), 'y': '-inf'::DOUBLE}, " \
    "'maxValues': {'x': -0.5::DECIMAL(15,15), 'y': 'nan'::DOUBLE}}"
    REQUIRE(table_init(&t));
    REQUIRE(put_parquet(&t, CHECKPOINT_2,
        BASICS " UNION ALL BY NAME SELECT " ADD_PARSED("f", "",
            ODD_PARSED) " AS add"
                        " UNION ALL BY NAME SELECT " ADD_PARSED("dv",
                            "'deletionVector': {'storageType': 'u', 'pathOrInlineDv': "
                            "'aaaaaaaaaaaaaaaaaaaa', 'offset': 1::INTEGER, 'sizeInBytes': "
                            "36::INTEGER, "
                            "'cardinality': 2::BIGINT}, 'dataChange': false, ",
                            ODD_PARSED) " AS add"));
    REQUIRE(load(&t, &snapshot));
    CHECK_STR(file_of(snapshot, "f")->stats, stats);
    CHECK_STR(file_of(snapshot, "dv")->stats, stats);
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
