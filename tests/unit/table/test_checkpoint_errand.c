/*
 * When a checkpoint is due by itself, and that of a large table written while the table is used on.
 */
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "delta/checkpoint_write.h"
#include "delta/last_checkpoint.h"
#include "table/maintain/checkpoint.h"
#include "table_fixture.h"

#define FILES 1500 /* in another's commit; with as many a checkpoint is due every 40 */
#define DUE 40

static const struct table_words words = {.schema = "k bigint not null, v string", .key = "k"};

struct large {
    struct table_fixture fixture;
    int64_t next_key;
    char warning[512];
};

static void note_warning(void *data, int level, const char *event, const char *fields)
{
    struct large *large = data;
    if (level >= VV_LOG_WARN)
        (void)snprintf(large->warning, sizeof(large->warning), "%s %s", event, fields);
}

/* Files that are not there: no key of the rows below can be in one. */
static bool add_files(struct table_fixture *fixture, size_t len)
{
    VV_CLEANUP(vv_buf_done) struct vv_buf lines = VV_BUF_INIT(1 << 22);
    for (size_t i = 0; i < len; i++)
        vv_buf_addf(&lines,
            "{\"add\":{\"path\":\"f%zu.parquet\",\"partitionValues\":{},\"size\":9,"
            "\"modificationTime\":1,\"dataChange\":true,\"stats\":\"{\\\"numRecords\\\":1,"
            "\\\"minValues\\\":{\\\"k\\\":-%zu},\\\"maxValues\\\":{\\\"k\\\":-%zu},"
            "\\\"nullCount\\\":{\\\"k\\\":0}}\"}}\n",
            i, i + 1, i + 1);
    return CHECK(vv_buf_ok(&lines)) &&
           table_foreign_commit(fixture,
               vv_arena_str(&fixture->op.arena, vv_buf_str(&lines)).ptr);
}

static bool large_open(struct large *large, const struct table_words *with, size_t files)
{
    struct table_fixture *fixture = &large->fixture;
    const struct vv_store_options options = {.create = true};
    struct vv_store *plain = NULL;
    *large = (struct large){.next_key = 1};
    if (!table_fixture_begin(fixture, NULL))
        return false;
    fixture->clock.env.log = note_warning;
    fixture->clock.env.log_data = large;
    return CHECK_OK(&fixture->op,
               vv_store_open(&fixture->op, vv_str_of(test_path("lake")), &options, &plain)) &&
           table_fixture_make(fixture, with, plain) && add_files(fixture, files) &&
           CHECK_OK(&fixture->op, vv_table_refresh(&fixture->op, fixture->table));
}

static void large_close(struct large *large)
{
    table_fixture_close(&large->fixture);
}

/* One row after the other, until the table is at `version`. */
static bool write_until(struct large *large, int64_t version)
{
    struct vv_upsert_result result = {.version = VV_NO_VERSION};
    char row[64];
    while (result.version < version) {
        (void)snprintf(row, sizeof(row), "{\"k\": %" PRId64 ", \"v\": \"x\"}\n",
            large->next_key++);
        if (!table_upsert(&large->fixture, row, &result))
            return false;
    }
    return CHECK_INT(result.version, version);
}

static bool has_checkpoint(struct large *large, int64_t version)
{
    struct vv_op *op = &large->fixture.op;
    struct vv_object object;
    struct vv_str key =
        vv_arena_format(&op->arena, "t/_delta_log/%020" PRId64 ".checkpoint.parquet", version);
    if (vv_store_head(op, large->fixture.plain, key, &object) == VARVE_OK)
        return true;
    vv_forgive(op);
    return false;
}

static int64_t hint(struct large *large)
{
    int64_t version = VV_NO_VERSION;
    CHECK_OK(&large->fixture.op,
        vv_last_checkpoint_read(&large->fixture.op, large->fixture.table->log.store, &version));
    return version;
}

TEST_SECONDS(checkpoint_errand, a_large_table_is_used_on_while_its_checkpoint_is_written, 120)
{
    VV_CLEANUP(large_close) struct large large;
    REQUIRE(large_open(&large, &words, FILES));
    REQUIRE(write_until(&large, DUE - 1));
    CHECK(large.fixture.table->errand == NULL);
    REQUIRE(write_until(&large, DUE));
    CHECK(large.fixture.table->errand != NULL); /* settled by whoever comes next */
    REQUIRE(write_until(&large, DUE + 3));
    vv_table_close(&large.fixture.table);
    CHECK(has_checkpoint(&large, DUE));
    REQUIRE(table_handle(&large.fixture.op, &large.fixture, large.fixture.root,
        &large.fixture.table));
    CHECK_INT(hint(&large), DUE);
    CHECK_INT(large.fixture.table->snapshot->version, DUE + 3);
    CHECK_INT(large.fixture.table->snapshot->checkpoint_version, DUE);
    CHECK_INT((int64_t)large.fixture.table->snapshot->files_len, FILES + DUE + 2);
    for (int64_t version = 10; version < DUE; version += 10)
        CHECK(!has_checkpoint(&large, version));
    CHECK_STR(vv_str_of(large.warning), "");
}

TEST_SECONDS(checkpoint_errand, one_by_hand_comes_after_the_one_that_is_at_work, 120)
{
    VV_CLEANUP(large_close) struct large large;
    struct vv_log_cleaned cleaned;
    int64_t version = 0;
    REQUIRE(large_open(&large, &words, FILES));
    REQUIRE(write_until(&large, DUE));
    REQUIRE_OK(&large.fixture.op,
        vv_table_checkpoint(&large.fixture.op, large.fixture.table, &version, &cleaned));
    CHECK(large.fixture.table->errand == NULL);
    CHECK_INT(version, DUE);
    CHECK_INT(hint(&large), DUE);
}

TEST_SECONDS(checkpoint_errand, one_that_was_written_lately_will_do, 120)
{
    VV_CLEANUP(large_close) struct large large;
    struct vv_log_cleaned cleaned;
    int64_t version = 0;
    REQUIRE(large_open(&large, &words, FILES));
    REQUIRE(write_until(&large, DUE / 2 + 1));
    REQUIRE_OK(&large.fixture.op,
        vv_table_checkpoint(&large.fixture.op, large.fixture.table, &version, &cleaned));
    REQUIRE(write_until(&large, DUE));
    CHECK(large.fixture.table->errand == NULL);
    CHECK(!has_checkpoint(&large, DUE));
}

TEST_SECONDS(checkpoint_errand, that_fails_is_told_and_leaves_the_table_as_it_was, 120)
{
    VV_CLEANUP(large_close) struct large large;
    char path[4096];
    REQUIRE(large_open(&large, &words, FILES));
    (void)snprintf(path, sizeof(path), "%s/t/_delta_log/%020d.checkpoint.parquet",
        test_path("lake"), DUE);
    REQUIRE(write_until(&large, DUE - 1));
    REQUIRE(CHECK_INT(mkdir(path, 0777), 0));
    REQUIRE(write_until(&large, DUE + 1));
    vv_table_close(&large.fixture.table);
    CHECK(strstr(large.warning, "checkpoint.failed") != NULL);
    CHECK(strstr(large.warning, "table t: checkpoint of version 40") != NULL);
    REQUIRE(CHECK_INT(rmdir(path), 0));
    REQUIRE(table_handle(&large.fixture.op, &large.fixture, large.fixture.root,
        &large.fixture.table));
    CHECK_INT(hint(&large), VV_NO_VERSION);
    CHECK_INT(large.fixture.table->snapshot->version, DUE + 1);
}

TEST_SECONDS(checkpoint_errand, an_interval_that_is_set_holds_to_the_letter, 120)
{
    static const struct vv_pair five[] = {{{"delta.checkpointInterval", 24}, {"5", 1}}};
    VV_CLEANUP(large_close) struct large large;
    struct table_words with = words;
    with.properties = five;
    with.properties_len = 1;
    REQUIRE(large_open(&large, &with, FILES));
    REQUIRE(write_until(&large, 5));
    vv_table_close(&large.fixture.table);
    CHECK(has_checkpoint(&large, 5));
}

TEST(checkpoint_errand, a_small_one_is_there_when_the_call_returns)
{
    VV_CLEANUP(large_close) struct large large;
    REQUIRE(large_open(&large, &words, 3));
    REQUIRE(write_until(&large, 10));
    CHECK(large.fixture.table->errand == NULL);
    CHECK(has_checkpoint(&large, 10));
}

TEST(checkpoint_errand, the_more_rows_a_state_has_the_longer_is_the_interval)
{
    static const struct {
        size_t files, tombstones;
        const char *set;
        int64_t commits;
    } cases[] = {{0, 0, NULL, 10}, {300, 57, NULL, 10}, {300, 58, NULL, 20},
        {1428, 0, NULL, 20}, {1429, 0, NULL, 40}, {0, 1429, NULL, 40}, {1000000, 0, NULL, 640},
        {100000000, 0, NULL, 1280}, {1000000, 0, "10", 10}, {3, 0, "1000", 1000},
        {1000000, 0, "none", 640}, {1000000, 0, "0", 640}};
    for (size_t i = 0; i < VV_COUNT(cases); i++) {
        struct vv_pair pair = {VV_STR("delta.checkpointInterval"), vv_str_of(cases[i].set)};
        struct vv_metadata metadata = {.configuration = {&pair, cases[i].set != NULL}};
        struct vv_snapshot snapshot = {.metadata = &metadata,
            .files_len = cases[i].files,
            .tombstones_len = cases[i].tombstones};
        struct vv_checkpoint_interval interval = vv_checkpoint_interval(&snapshot);
        if (!CHECK_INT(interval.commits, cases[i].commits))
            printf("# case %zu\n", i);
    }
}
