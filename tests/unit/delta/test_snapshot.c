#include "delta/log_probe.h"
#include "log_fixture.h"

static bool load(struct fixture *fixture, int64_t version, struct vv_snapshot **out)
{
    return CHECK_OK(&fixture->op, vv_snapshot_load(&fixture->op, &fixture->log, version, out));
}

static bool refresh(struct fixture *fixture, struct vv_snapshot **snapshot)
{
    struct vv_snapshot *fresh = NULL;
    if (!CHECK_OK(&fixture->op,
            vv_snapshot_refresh(&fixture->op, &fixture->log, *snapshot, &fresh)))
        return false;
    vv_snapshot_release(snapshot);
    *snapshot = fresh;
    return true;
}

TEST(snapshot, holds_what_the_newest_mention_says)
{
    VV_CLEANUP(fixture_done) struct fixture f;
    VV_CLEANUP(vv_snapshot_release) struct vv_snapshot *snapshot = NULL;
    REQUIRE(fixture_init(&f) && put_first_commit(&f));
    REQUIRE(put_commit(&f, 1, ADD_LINE("b") ADD_LINE("c%20d")));
    REQUIRE(put_commit(&f, 2, REMOVE_LINE("a", "1738231100000") ADD_LINE("e")));
    REQUIRE(put_commit(&f, 3, REMOVE_LINE("b", "1738231100000")));
    REQUIRE(put_commit(&f, 4, ADD_LINE("b"))); /* removed and added again is legal */
    REQUIRE(load(&f, VV_NO_VERSION, &snapshot));
    CHECK_INT(snapshot->version, 4);
    CHECK_INT(snapshot->files_len, 3);
    CHECK(file_of(snapshot, "a") == NULL);
    CHECK(file_of(snapshot, "b") != NULL && file_of(snapshot, "b")->added_version == 4);
    CHECK(file_of(snapshot, "c d") != NULL);
    CHECK_STR(file_of(snapshot, "e")->stats, "{\"numRecords\":3}");
    CHECK_INT(snapshot->tombstones_len, 1);
    CHECK_STR(snapshot->tombstones[0]->key, "a");
    CHECK_INT(snapshot->schema.fields_len, 1);
    CHECK_INT(snapshot->commits_read, 5);
    CHECK_INT(snapshot->checkpoint_version, VV_NO_VERSION);
}

TEST(snapshot, each_version_is_still_there)
{
    VV_CLEANUP(fixture_done) struct fixture f;
    REQUIRE(fixture_init(&f) && put_first_commit(&f));
    REQUIRE(put_commit(&f, 1, ADD_LINE("b")));
    REQUIRE(put_commit(&f, 2, REMOVE_LINE("a", "1738231100000")));
    static const size_t files[] = {1, 2, 1};
    for (int64_t version = 0; version <= 2; version++) {
        VV_CLEANUP(vv_snapshot_release) struct vv_snapshot *snapshot = NULL;
        REQUIRE(load(&f, version, &snapshot));
        CHECK_INT(snapshot->version, version);
        CHECK_INT(snapshot->files_len, files[version]);
    }
}

TEST(snapshot, one_file_under_two_spellings_is_one)
{
    VV_CLEANUP(fixture_done) struct fixture f;
    VV_CLEANUP(vv_snapshot_release) struct vv_snapshot *snapshot = NULL;
    REQUIRE(fixture_init(&f) && put_first_commit(&f));
    REQUIRE(put_commit(&f, 1, ADD_LINE("x%20y")));
    REQUIRE(put_commit(&f, 2, REMOVE_LINE("x y", "1738231100000")));
    REQUIRE(load(&f, VV_NO_VERSION, &snapshot));
    CHECK_INT(snapshot->files_len, 1);
    CHECK(file_of(snapshot, "x y") == NULL);
}

#define DV_ADD(id, rows)                                                                     \
    "{\"add\":{\"path\":\"a\",\"partitionValues\":{},\"size\":10,\"modificationTime\":5,"    \
    "\"dataChange\":true,\"deletionVector\":{\"storageType\":\"u\",\"pathOrInlineDv\":\"" id \
    "\",\"offset\":1,\"sizeInBytes\":36,\"cardinality\":" rows "}}}\n"
#define DV_REMOVE(id)                                                                          \
    "{\"remove\":{\"path\":\"a\",\"dataChange\":true,\"deletionVector\":{\"storageType\":"     \
    "\"u\",\"pathOrInlineDv\":\"" id "\",\"offset\":1,\"sizeInBytes\":36,\"cardinality\":2}}}" \
    "\n"

TEST(snapshot, deletion_vector_makes_another_logical_file)
{
    VV_CLEANUP(fixture_done) struct fixture f;
    VV_CLEANUP(vv_snapshot_release) struct vv_snapshot *snapshot = NULL;
    REQUIRE(fixture_init(&f) && put_first_commit(&f));
    REQUIRE(put_commit(&f, 1,
        REMOVE_LINE("a", "1738231100000") DV_ADD("aaaaaaaaaaaaaaaaaaaa", "2")));
    REQUIRE(put_commit(&f, 2,
        DV_ADD("bbbbbbbbbbbbbbbbbbbb", "3") DV_REMOVE("aaaaaaaaaaaaaaaaaaaa")));
    REQUIRE(load(&f, VV_NO_VERSION, &snapshot));
    REQUIRE(snapshot->files_len == 1);
    CHECK_STR(snapshot->files[0]->dv_id, "ubbbbbbbbbbbbbbbbbbbb@1");
    REQUIRE(snapshot->files[0]->dv != NULL);
    CHECK_INT(snapshot->files[0]->dv->cardinality, 3);
    CHECK_INT(snapshot->tombstones_len, 1); /* the other remove has no time: expired at once */
}

/* As no writer may, but rows that are there twice would be worse than to take the last word. */
TEST(snapshot, added_with_another_deletion_vector_is_there_once)
{
    VV_CLEANUP(fixture_done) struct fixture f;
    VV_CLEANUP(vv_snapshot_release) struct vv_snapshot *old = NULL;
    VV_CLEANUP(vv_snapshot_release) struct vv_snapshot *snapshot = NULL;
    REQUIRE(fixture_init(&f) && put_first_commit(&f));
    REQUIRE(load(&f, VV_NO_VERSION, &old));
    REQUIRE(put_commit(&f, 1, DV_ADD("aaaaaaaaaaaaaaaaaaaa", "2")));
    REQUIRE(load(&f, VV_NO_VERSION, &snapshot) && refresh(&f, &old));
    REQUIRE(snapshot->files_len == 1 && old->files_len == 1);
    CHECK_STR(snapshot->files[0]->dv_id, "uaaaaaaaaaaaaaaaaaaaa@1");
    CHECK_STR(old->files[0]->dv_id, "uaaaaaaaaaaaaaaaaaaaa@1");
    REQUIRE(put_commit(&f, 2, DV_REMOVE("aaaaaaaaaaaaaaaaaaaa")));
    vv_snapshot_release(&snapshot);
    REQUIRE(load(&f, VV_NO_VERSION, &snapshot) && refresh(&f, &old));
    CHECK_INT(snapshot->files_len, 0); /* what it stood for does not come back */
    CHECK_INT(old->files_len, 0);
}

TEST(snapshot, keeps_tombstones_as_long_as_the_table_says)
{
    static const struct {
        const char *metadata;
        int64_t age_ms;
        size_t kept;
    } cases[] = {
        {METADATA_LINE, INT64_C(7) * 86400000 - 1, 1},
        {METADATA_LINE, INT64_C(7) * 86400000, 0},
        {METADATA_LINE_WITH("\"delta.deletedFileRetentionDuration\":\"interval 2 days\""),
            INT64_C(2) * 86400000 - 1, 1},
        {METADATA_LINE_WITH("\"delta.deletedFileRetentionDuration\":\"interval 2 days\""),
            INT64_C(2) * 86400000, 0},
        {METADATA_LINE_WITH("\"delta.deletedFileRetentionDuration\":\"soon\""),
            INT64_C(7) * 86400000 - 1, 1},
        {METADATA_LINE_WITH("\"delta.deletedFileRetentionDuration\":\"interval 99999 days\""),
            INT64_C(400) * 86400000, 1},
    };
    for (size_t i = 0; i < VV_COUNT(cases); i++) {
        VV_CLEANUP(fixture_done) struct fixture f;
        VV_CLEANUP(vv_snapshot_release) struct vv_snapshot *snapshot = NULL;
        REQUIRE(fixture_init(&f));
        struct vv_str first = vv_arena_format(&f.op.arena, "%s%s%s", PROTOCOL_LINE,
            cases[i].metadata, ADD_LINE("a"));
        struct vv_str second = vv_arena_format(&f.op.arena,
            "{\"remove\":{\"path\":\"a\",\"deletionTimestamp\":%" PRId64
            ",\"dataChange\":true}}\n",
            NOW_MS - cases[i].age_ms);
        REQUIRE(put_commit(&f, 0, first.ptr) && put_commit(&f, 1, second.ptr));
        REQUIRE(load(&f, VV_NO_VERSION, &snapshot));
        printf("# case %zu\n", i);
        CHECK_INT(snapshot->tombstones_len, cases[i].kept);
        CHECK_INT(snapshot->files_len, 0);
    }
}

#define TXN_LINE(app, version) \
    "{\"txn\":{\"appId\":\"" app "\",\"version\":" version ",\"lastUpdated\":9}}\n"
#define DOMAIN_LINE(name, removed)            \
    "{\"domainMetadata\":{\"domain\":\"" name \
    "\",\"configuration\":\"{}\",\"removed\":" removed "}}\n"

TEST(snapshot, newest_txn_and_domain_of_each_name_win)
{
    VV_CLEANUP(fixture_done) struct fixture f;
    VV_CLEANUP(vv_snapshot_release) struct vv_snapshot *snapshot = NULL;
    REQUIRE(fixture_init(&f) && put_first_commit(&f));
    REQUIRE(put_commit(&f, 1,
        TXN_LINE("x", "5") TXN_LINE("y", "1") DOMAIN_LINE("d1", "false")
            DOMAIN_LINE("d2", "false")));
    REQUIRE(put_commit(&f, 2, TXN_LINE("x", "4") DOMAIN_LINE("d1", "true"))); /* may go down */
    REQUIRE(load(&f, VV_NO_VERSION, &snapshot));
    CHECK_INT(snapshot->txns_len, 2);
    CHECK_INT(vv_snapshot_txn(snapshot, VV_STR("x")), 4);
    CHECK_INT(vv_snapshot_txn(snapshot, VV_STR("y")), 1);
    CHECK_INT(vv_snapshot_txn(snapshot, VV_STR("z")), -1);
    REQUIRE(snapshot->domains_len == 1);
    CHECK_STR(snapshot->domains[0]->domain, "d2");
    REQUIRE(put_commit(&f, 3, TXN_LINE("y", "2") DOMAIN_LINE("d1", "false")));
    REQUIRE(refresh(&f, &snapshot));
    CHECK_INT(snapshot->txns_len, 2);
    CHECK_INT(vv_snapshot_txn(snapshot, VV_STR("x")), 4);
    CHECK_INT(vv_snapshot_txn(snapshot, VV_STR("y")), 2);
    CHECK_INT(snapshot->domains_len, 2);
}

TEST(snapshot, needs_a_protocol_and_a_metadata)
{
    static const struct {
        const char *text, *words;
    } cases[] = {{METADATA_LINE ADD_LINE("a"), "no protocol"},
        {PROTOCOL_LINE ADD_LINE("a"), "no metaData"}};
    for (size_t i = 0; i < VV_COUNT(cases); i++) {
        VV_CLEANUP(fixture_done) struct fixture f;
        struct vv_snapshot *snapshot = NULL;
        REQUIRE(fixture_init(&f) && put_commit(&f, 0, cases[i].text));
        varve_status status = vv_snapshot_load(&f.op, &f.log, VV_NO_VERSION, &snapshot);
        CHECK(strstr(f.op.error.message, cases[i].words) != NULL);
        CHECK_FAILS(&f.op, status, VARVE_ECORRUPT);
        CHECK(snapshot == NULL);
    }
}

/* Values of files are found by the name as it is spelled in the schema, "x". */
TEST(snapshot, partitioned_by_what_is_no_column_is_corrupt)
{
    static const char *const names[] = {"\"gone\"", "\"X\""};
    for (size_t i = 0; i < VV_COUNT(names); i++) {
        VV_CLEANUP(fixture_done) struct fixture fixture;
        struct vv_snapshot *snapshot = NULL;
        VV_CLEANUP(vv_buf_done) struct vv_buf text = VV_BUF_INIT(VV_BUF_MAX);
        struct vv_str line = VV_STR(METADATA_LINE);
        struct vv_str columns = VV_STR("\"partitionColumns\":[");
        REQUIRE(fixture_init(&fixture));
        char *at = strstr(line.ptr, columns.ptr);
        vv_buf_adds(&text, PROTOCOL_LINE);
        vv_buf_add(&text, vv_str_first(line, (size_t)(at - line.ptr) + columns.len));
        vv_buf_adds(&text, names[i]);
        vv_buf_adds(&text, at + columns.len);
        REQUIRE(put_commit(&fixture, 0, vv_buf_str(&text).ptr));
        varve_status status =
            vv_snapshot_load(&fixture.op, &fixture.log, VV_NO_VERSION, &snapshot);
        CHECK(strstr(fixture.op.error.message, names[i]) != NULL);
        CHECK_FAILS(&fixture.op, status, VARVE_ECORRUPT);
    }
}

TEST(snapshot, refuses_a_reader_feature_by_name)
{
    VV_CLEANUP(fixture_done) struct fixture f;
    struct vv_snapshot *snapshot = NULL;
    REQUIRE(fixture_init(&f));
    REQUIRE(put_commit(&f, 0,
        "{\"protocol\":{\"minReaderVersion\":3,\"minWriterVersion\":7,\"readerFeatures\":"
        "[\"geospatial\"],\"writerFeatures\":[\"geospatial\"]}}\n" METADATA_LINE));
    varve_status status = vv_snapshot_load(&f.op, &f.log, VV_NO_VERSION, &snapshot);
    CHECK(strstr(f.op.error.message, "geospatial") != NULL);
    CHECK_FAILS(&f.op, status, VARVE_EUNSUPPORTED);
}

TEST(snapshot, empty_or_torn_commit_is_corrupt_and_named)
{
    static const char *const torn[] = {"", "\n", "{\"add\":{\"path\":\"b\",\"part",
        ADD_LINE("b") "{\"add\":", "[]\n", "\xff\n"};
    for (size_t i = 0; i < VV_COUNT(torn); i++) {
        VV_CLEANUP(fixture_done) struct fixture f;
        VV_CLEANUP(vv_snapshot_release) struct vv_snapshot *old = NULL;
        struct vv_snapshot *snapshot = NULL;
        REQUIRE(fixture_init(&f) && put_first_commit(&f));
        REQUIRE(load(&f, 0, &old));
        REQUIRE(put_commit(&f, 1, torn[i]));
        varve_status status = vv_snapshot_load(&f.op, &f.log, VV_NO_VERSION, &snapshot);
        CHECK(strstr(f.op.error.message, "00000000000000000001.json") != NULL);
        CHECK_INT(f.op.error.version, 1);
        CHECK_FAILS(&f.op, status, VARVE_ECORRUPT);
        CHECK_FAILS(&f.op, vv_snapshot_refresh(&f.op, &f.log, old, &snapshot), VARVE_ECORRUPT);
        CHECK(snapshot == NULL);
    }
}

TEST(snapshot, knows_time_and_hash_of_its_commit)
{
    VV_CLEANUP(fixture_done) struct fixture f;
    VV_CLEANUP(vv_snapshot_release) struct vv_snapshot *snapshot = NULL;
    REQUIRE(fixture_init(&f) && put_first_commit(&f));
    REQUIRE(put_commit_at(&f, 1, FOREIGN_LINE, 1234567));
    REQUIRE(load(&f, VV_NO_VERSION, &snapshot));
    CHECK_INT(snapshot->timestamp_ms, 1234567); /* a foreign commit's own word does not count */
    char hex[VV_SHA256_HEX_BYTES];
    CHECK_OK(&f.op, vv_sha256(&f.op, VV_STR(FOREIGN_LINE), hex));
    CHECK_STR(snapshot->commit_sha256, hex);
    REQUIRE(put_commit_at(&f, 2,
        "{\"commitInfo\":{\"timestamp\":77,\"engineInfo\":\"Varve/0.1.0\"}}\n", 1));
    REQUIRE(refresh(&f, &snapshot));
    CHECK_INT(snapshot->timestamp_ms, 77);
}

#define ICT(ms) "{\"commitInfo\":{\"inCommitTimestamp\":" ms ",\"timestamp\":5}}\n"
#define ICT_ENABLED "\"delta.enableInCommitTimestamps\":\"true\""

/* Anybody can write the word; it counts where the table says so, from the version that it says. */
TEST(snapshot, takes_an_in_commit_timestamp_where_they_are_enabled)
{
    static const struct {
        const char *line, *metadata;
        int64_t expected_ms;
        bool is_out_of_time;
    } cases[] = {{ICT("88"), METADATA_LINE, 1234, false},
        {ICT("88"), METADATA_LINE_WITH("\"delta.enableInCommitTimestamps\":\"false\""), 1234,
            false},
        {ICT("88"), METADATA_LINE_WITH(ICT_ENABLED), 88, false},
        {ICT("88"),
            METADATA_LINE_WITH(ICT_ENABLED ",\"delta.inCommitTimestampEnablementVersion"
                                           "\":\"1\""),
            88, false},
        {ICT("88"),
            METADATA_LINE_WITH(ICT_ENABLED ",\"delta.inCommitTimestampEnablementVersion"
                                           "\":\"2\""),
            1234, false},
        {ICT("9223372036854775807"), METADATA_LINE_WITH(ICT_ENABLED), 1234, true},
        {ICT("-9223372036854775807"), METADATA_LINE_WITH(ICT_ENABLED), 1234, true},
        {ICT("9223372036854775807"), METADATA_LINE, 1234, false}};
    for (size_t i = 0; i < VV_COUNT(cases); i++) {
        VV_CLEANUP(fixture_done) struct fixture f;
        VV_CLEANUP(vv_snapshot_release) struct vv_snapshot *snapshot = NULL;
        VV_CLEANUP(vv_snapshot_release) struct vv_snapshot *later = NULL;
        REQUIRE(fixture_init(&f));
        struct vv_str first =
            vv_arena_format(&f.op.arena, "%s%s", PROTOCOL_LINE, cases[i].metadata);
        REQUIRE(put_commit_at(&f, 0, first.ptr, 1000) && load(&f, VV_NO_VERSION, &later));
        REQUIRE(put_commit_at(&f, 1, cases[i].line, 1234));
        REQUIRE(load(&f, VV_NO_VERSION, &snapshot) && refresh(&f, &later));
        printf("# case %zu\n", i);
        CHECK_INT(snapshot->timestamp_ms, cases[i].expected_ms);
        CHECK_INT(snapshot->commit_is_out_of_time, cases[i].is_out_of_time);
        CHECK_INT(later->timestamp_ms, cases[i].expected_ms);
        CHECK_INT(later->commit_is_out_of_time, cases[i].is_out_of_time);
    }
}

TEST(snapshot, refresh_without_news_is_the_same_one)
{
    VV_CLEANUP(fixture_done) struct fixture f;
    VV_CLEANUP(vv_snapshot_release) struct vv_snapshot *snapshot = NULL;
    REQUIRE(fixture_init(&f) && put_first_commit(&f));
    REQUIRE(load(&f, VV_NO_VERSION, &snapshot));
    struct vv_snapshot *same = NULL;
    f.plan.calls = 0;
    REQUIRE_OK(&f.op, vv_snapshot_refresh(&f.op, &f.log, snapshot, &same));
    CHECK(same == snapshot);
    /* A probe for the next commit, a look at our own, and at those behind: no listing. */
    CHECK_INT(f.plan.calls, 2 + VV_LOG_GAP_MAX);
    vv_snapshot_release(&same);
}

TEST(snapshot, refresh_reads_the_new_commits_and_nothing_else)
{
    VV_CLEANUP(fixture_done) struct fixture f;
    VV_CLEANUP(vv_snapshot_release) struct vv_snapshot *snapshot = NULL;
    REQUIRE(fixture_init(&f) && put_first_commit(&f));
    REQUIRE(put_commit(&f, 1, ADD_LINE("b")));
    REQUIRE(load(&f, VV_NO_VERSION, &snapshot));
    VV_CLEANUP(vv_snapshot_release)
    struct vv_snapshot *before = vv_snapshot_retain(snapshot);
    REQUIRE(put_commit(&f, 2, REMOVE_LINE("a", "1738231100000") ADD_LINE("c")));
    REQUIRE(put_commit(&f, 3, REMOVE_LINE("c", "1738231100000") ADD_LINE("d")));
    f.plan.calls = 0;
    REQUIRE(refresh(&f, &snapshot));
    /* Commits 2, 3, none at 4 and behind it; the time of 3. */
    CHECK_INT(f.plan.calls, 3 + VV_LOG_GAP_MAX + 1);
    CHECK_INT(snapshot->version, 3);
    CHECK_INT(snapshot->commits_read, 2);
    CHECK_INT(snapshot->files_len, 2);
    CHECK(file_of(snapshot, "b") != NULL && file_of(snapshot, "d") != NULL);
    CHECK_INT(snapshot->tombstones_len, 2);
    /* Shared, not copied; and the old one is what it was. */
    CHECK(file_of(snapshot, "b") == file_of(before, "b"));
    CHECK(snapshot->metadata == before->metadata);
    CHECK_INT(before->version, 1);
    CHECK_INT(before->files_len, 2);
    CHECK(file_of(before, "a") != NULL);
}

TEST(snapshot, refresh_takes_new_metadata_and_protocol)
{
    VV_CLEANUP(fixture_done) struct fixture f;
    VV_CLEANUP(vv_snapshot_release) struct vv_snapshot *snapshot = NULL;
    REQUIRE(fixture_init(&f) && put_first_commit(&f));
    REQUIRE(load(&f, VV_NO_VERSION, &snapshot));
    REQUIRE(put_commit(&f, 1, METADATA_LINE_WITH("\"k\":\"v\"")));
    REQUIRE(put_commit(&f, 2,
        "{\"protocol\":{\"minReaderVersion\":1,\"minWriterVersion\":3}}"));
    REQUIRE(refresh(&f, &snapshot));
    CHECK_STR(vv_pairs_get(&snapshot->metadata->configuration, VV_STR("k")), "v");
    CHECK_INT(snapshot->protocol->min_writer, 3);
    CHECK_INT(snapshot->schema.fields_len, 1);
    CHECK_STR(snapshot->schema.fields[0].name, "x");
}

TEST(snapshot, refresh_takes_a_new_schema)
{
    VV_CLEANUP(fixture_done) struct fixture f;
    VV_CLEANUP(vv_snapshot_release) struct vv_snapshot *snapshot = NULL;
    REQUIRE(fixture_init(&f) && put_first_commit(&f));
    REQUIRE(load(&f, VV_NO_VERSION, &snapshot));
    REQUIRE(put_commit(&f, 1,
        "{\"metaData\":{\"id\":\"i\",\"format\":{\"provider\":\"parquet\",\"options\":{}},"
        "\"schemaString\":\"{\\\"type\\\":\\\"struct\\\",\\\"fields\\\":[{\\\"name\\\":"
        "\\\"p\\\",\\\"type\\\":\\\"string\\\",\\\"nullable\\\":true,\\\"metadata\\\":{}},"
        "{\\\"name\\\":\\\"y\\\",\\\"type\\\":\\\"long\\\",\\\"nullable\\\":true,"
        "\\\"metadata\\\":{}}]}\",\"partitionColumns\":[\"p\"],\"configuration\":{}}}\n"));
    REQUIRE(refresh(&f, &snapshot));
    REQUIRE(snapshot->schema.fields_len == 2);
    CHECK_STR(snapshot->schema.fields[1].name, "y");
    CHECK(vv_snapshot_is_partition(snapshot, 0));
    CHECK(!vv_snapshot_is_partition(snapshot, 1));
    CHECK(!vv_snapshot_is_partition(snapshot, 2));
    CHECK(!vv_snapshot_is_partition(snapshot, -1));
}

/* What is dead for the most part is left behind: the live file is copied out. */
TEST(snapshot, refresh_gives_back_the_memory_of_removed_files)
{
    VV_CLEANUP(fixture_done) struct fixture f;
    VV_CLEANUP(vv_snapshot_release) struct vv_snapshot *snapshot = NULL;
    REQUIRE(fixture_init(&f) && put_first_commit(&f));
    struct vv_str big = vv_arena_format(&f.op.arena,
        "{\"add\":{\"path\":\"big\",\"partitionValues\":{},\"size\":1,\"modificationTime\":1,"
        "\"dataChange\":true,\"stats\":\"%0100000d\"}}\n",
        0);
    REQUIRE(put_commit(&f, 1, big.ptr));
    REQUIRE(load(&f, VV_NO_VERSION, &snapshot));
    uintptr_t before = (uintptr_t)file_of(snapshot, "a");
    REQUIRE(put_commit(&f, 2, REMOVE_LINE("big", "1")) && refresh(&f, &snapshot));
    CHECK((uintptr_t)file_of(snapshot, "a") == before);
    REQUIRE(put_commit(&f, 3, ADD_LINE("b")) && refresh(&f, &snapshot));
    CHECK((uintptr_t)file_of(snapshot, "a") != before);
    REQUIRE(put_commit(&f, 4, ADD_LINE("c")));
    before = (uintptr_t)file_of(snapshot, "a");
    REQUIRE(refresh(&f, &snapshot));
    CHECK((uintptr_t)file_of(snapshot, "a") == before);
    CHECK_INT(snapshot->files_len, 3);
}

TEST(snapshot, refresh_notices_that_the_log_was_cleaned_up_behind_it)
{
    VV_CLEANUP(fixture_done) struct fixture f;
    VV_CLEANUP(vv_snapshot_release) struct vv_snapshot *snapshot = NULL;
    struct vv_op *op = &f.op;
    REQUIRE(fixture_init(&f) && put_first_commit(&f));
    REQUIRE(load(&f, VV_NO_VERSION, &snapshot));
    /* Versions 0 to 4 came and went; a checkpoint that can't be read here is at 4. */
    REQUIRE(put_log_file(&f, "00000000000000000004.checkpoint.parquet", "-", NOW_MS));
    REQUIRE(put_commit(&f, 5, ADD_LINE("b")));
    REQUIRE_OK(op, vv_store_remove(op, f.store, vv_log_commit_key(&op->arena, 0)));
    struct vv_snapshot *fresh = NULL;
    varve_status status = vv_snapshot_refresh(op, &f.log, snapshot, &fresh);
    CHECK(strstr(op->error.message, "checkpoint of version 4") != NULL);
    CHECK_FAILS(op, status, VARVE_ECORRUPT);
    CHECK(fresh == NULL);
}

/* As whoever opens the table then. */
TEST(snapshot, refresh_goes_past_a_damaged_commit_that_a_checkpoint_stands_for)
{
    VV_CLEANUP(fixture_done) struct fixture f;
    VV_CLEANUP(vv_snapshot_release) struct vv_snapshot *snapshot = NULL;
    REQUIRE(fixture_init(&f) && put_first_commit(&f));
    REQUIRE(load(&f, VV_NO_VERSION, &snapshot));
    REQUIRE(put_commit(&f, 1, "{\"add\":{\"path\":\n") && put_commit(&f, 2, ADD_LINE("c")));
    struct vv_snapshot *fresh = NULL;
    CHECK_FAILS(&f.op, vv_snapshot_refresh(&f.op, &f.log, snapshot, &fresh), VARVE_ECORRUPT);
    CHECK(strstr(f.op.error.message, "00000000000000000001.json") != NULL);
    vv_forgive(&f.op);
    REQUIRE(put_log_file(&f,
        "00000000000000000002.checkpoint.80a083e8-7026-4e79-81be-64bd76c43a11.json",
        PROTOCOL_LINE METADATA_LINE ADD_LINE("a") ADD_LINE("b") ADD_LINE("c"), NOW_MS));
    REQUIRE(refresh(&f, &snapshot));
    CHECK_INT(snapshot->version, 2);
    CHECK_INT(snapshot->files_len, 3);
    /* It is back from a backup: whoever closes the fixture holds it against the checkpoint. */
    REQUIRE_OK(&f.op,
        vv_store_put(&f.op, f.store, vv_log_commit_key(&f.op.arena, 1), VV_STR(ADD_LINE("b"))));
}

/* A reader that stays open must not take a missing commit for the end, however old its data. */
TEST(snapshot, refresh_finds_the_gap_that_a_fresh_reader_finds)
{
    for (int64_t seen = 1; seen <= 2; seen++) {
        VV_CLEANUP(fixture_done) struct fixture f;
        VV_CLEANUP(vv_snapshot_release) struct vv_snapshot *snapshot = NULL;
        struct vv_snapshot *fresh = NULL;
        REQUIRE(fixture_init(&f) && put_first_commit(&f));
        REQUIRE(put_commit(&f, 1, ADD_LINE("b")));
        REQUIRE(seen == 2 || load(&f, VV_NO_VERSION, &snapshot));
        REQUIRE(put_commit(&f, 2, ADD_LINE("c")));
        REQUIRE(seen == 1 || load(&f, VV_NO_VERSION, &snapshot));
        /* 3 and 4 are gone: next to the version that is known, or behind news. */
        REQUIRE(put_commit(&f, 5, ADD_LINE("d")));
        CHECK_FAILS(&f.op, vv_snapshot_refresh(&f.op, &f.log, snapshot, &fresh),
            VARVE_ECORRUPT);
        CHECK(strstr(f.op.error.message, "00000000000000000003.json is missing") != NULL);
        vv_forgive(&f.op);
        REQUIRE(put_commit(&f, 3, ADD_LINE("x")) && put_commit(&f, 4, ADD_LINE("y")));
        REQUIRE(refresh(&f, &snapshot));
        CHECK_INT(snapshot->version, 5);
        CHECK_INT(snapshot->files_len, 6);
    }
}

/* As many commits as are said to be noticed may be missing in a row, and no more are looked for. */
TEST(snapshot, refresh_finds_a_gap_of_many_commits)
{
    for (int64_t more = 0; more <= 1; more++) {
        VV_CLEANUP(fixture_done) struct fixture f;
        VV_CLEANUP(vv_snapshot_release) struct vv_snapshot *snapshot = NULL;
        struct vv_snapshot *fresh = NULL;
        struct vv_op *op = &f.op;
        int64_t behind = VV_LOG_GAP_MAX + 1 + more;
        REQUIRE(fixture_init(&f) && put_first_commit(&f));
        REQUIRE(load(&f, VV_NO_VERSION, &snapshot));
        REQUIRE(put_commit(&f, behind, ADD_LINE("b")));
        varve_status status = vv_snapshot_refresh(op, &f.log, snapshot, &fresh);
        if (more == 0) {
            CHECK_FAILS(op, status, VARVE_ECORRUPT);
            CHECK(strstr(op->error.message, "00000000000000000001.json is missing") != NULL);
            vv_forgive(op);
        } else {
            REQUIRE_OK(op, status);
            CHECK_INT(fresh->version, 0);
            vv_snapshot_release(&fresh);
        }
        REQUIRE_OK(op, vv_store_remove(op, f.store, vv_log_commit_key(&op->arena, behind)));
    }
}

/* Two commits come when the first of them was found not to be there. */
struct late {
    struct fixture *fixture;
    bool is_done;
    int listings;
};

static void commit_late(void *data, const char *call, struct vv_str key)
{
    struct late *late = data;
    late->listings += strcmp(call, "list") == 0;
    if (late->is_done || strcmp(call, "head") != 0 ||
        !vv_str_ends(key, VV_STR("00000000000000000002.json")))
        return;
    late->is_done = true;
    CHECK(put_commit(late->fixture, 1, ADD_LINE("b")) &&
          put_commit(late->fixture, 2, ADD_LINE("c")));
}

TEST(snapshot, refresh_takes_commits_that_come_meanwhile_for_no_gap)
{
    VV_CLEANUP(fixture_done) struct fixture f;
    VV_CLEANUP(vv_snapshot_release) struct vv_snapshot *snapshot = NULL;
    struct late late = {.fixture = &f};
    REQUIRE(fixture_init(&f) && put_first_commit(&f));
    REQUIRE(load(&f, VV_NO_VERSION, &snapshot));
    f.plan.before = commit_late;
    f.plan.before_data = &late;
    REQUIRE(refresh(&f, &snapshot));
    CHECK(late.is_done);
    CHECK_INT(late.listings, 0); /* nothing was loaded anew */
    CHECK_INT(snapshot->version, 2);
    CHECK_INT(snapshot->commits_read, 2);
    CHECK_INT(snapshot->files_len, 3);
}

TEST(snapshot, five_hundred_refreshes_come_to_the_right_state)
{
    VV_CLEANUP(fixture_done) struct fixture f;
    VV_CLEANUP(vv_snapshot_release) struct vv_snapshot *snapshot = NULL;
    REQUIRE(fixture_init(&f) && put_first_commit(&f));
    REQUIRE(load(&f, VV_NO_VERSION, &snapshot));
    for (int64_t version = 1; version <= 500; version++) {
        struct vv_str text = vv_arena_format(&f.op.arena,
            "{\"remove\":{\"path\":\"f%" PRId64 "\",\"dataChange\":true}}\n"
            "{\"add\":{\"path\":\"f%" PRId64 "\",\"partitionValues\":{},\"size\":1,"
            "\"modificationTime\":1,\"dataChange\":true}}\n",
            version - 1, version);
        REQUIRE(put_commit(&f, version, text.ptr));
        REQUIRE(refresh(&f, &snapshot));
        REQUIRE(snapshot->version == version && snapshot->files_len == 2);
    }
    CHECK(file_of(snapshot, "a") != NULL);
    CHECK(file_of(snapshot, "f500") != NULL);
}
