/*
 * The states of the tables in tables/ against the texts beside them.
 */
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>

#include "delta/checkpoint_write.h"
#include "harness/clock_fake.h"
#include "harness/state_check.h"
#include "harness/state_text.h"

struct golden {
    struct vv_op op;
    struct test_clock clock;
    struct vv_engine *engine;
};

static void check_text(struct vv_op *op, const char *name, const struct vv_buf *text)
{
    struct vv_str path = vv_arena_format(&op->arena, GOLDEN_DIR "/tables/%s.state", name);
    if (getenv("VARVE_GOLDEN_WRITE") != NULL)
        CHECK(test_file_write(path.ptr, vv_buf_str(text)));
    struct vv_str expected = test_file_read(path.ptr);
    struct vv_str actual = vv_buf_str(text);
    struct vv_str actual_line = VV_STR_NONE;
    struct vv_str expected_line = VV_STR_NONE;
    bool has_actual = true;
    bool has_expected = true;
    while (has_actual || has_expected) {
        has_actual = vv_str_split(&actual, '\n', &actual_line);
        has_expected = vv_str_split(&expected, '\n', &expected_line);
        if (!CHECK_STR(has_actual ? actual_line : VV_STR("(end)"),
                has_expected ? expected_line : VV_STR("(end)")))
            return;
    }
}

static void check_table(struct golden *golden, const char *name)
{
    const struct vv_store_options options = {0};
    struct vv_op *op = &golden->op;
    VV_CLEANUP(vv_store_close) struct vv_store *store = NULL;
    VV_CLEANUP(vv_snapshot_release) struct vv_snapshot *snapshot = NULL;
    VV_CLEANUP(vv_buf_done) struct vv_buf text = VV_BUF_INIT(VV_BUF_MAX);
    struct vv_str path = vv_arena_format(&op->arena, GOLDEN_DIR "/tables/%s", name);
    printf("# %s\n", name);
    REQUIRE_OK(op, vv_store_open(op, path, &options, &store));
    const struct vv_log_handle log = {.store = store, .engine = golden->engine};
    REQUIRE_OK(op, vv_snapshot_load(op, &log, VV_NO_VERSION, &snapshot));
    state_text(snapshot, true, &op->arena, &text);
    check_text(op, name, &text);
    test_state_require(&golden->clock.env, store, golden->engine);
}

TEST(golden, tables_have_the_state_that_was_written_down)
{
    struct golden golden = {0};
    struct vv_op *op = &golden.op;
    size_t tables = 0;
    test_clock_init(&golden.clock, 0); /* no tombstone has expired yet */
    vv_op_init(op, &golden.clock.env, VV_OP_BYTES_DEFAULT);
    REQUIRE_OK(op,
        vv_engine_open(op, &(struct vv_engine_options){.threads = 1}, &golden.engine));
    DIR *folder = opendir(GOLDEN_DIR "/tables");
    REQUIRE(folder != NULL);
    for (struct dirent *entry = readdir(folder); entry != NULL; entry = readdir(folder)) {
        if (strchr(entry->d_name, '.') != NULL)
            continue;
        check_table(&golden, entry->d_name);
        tables++;
    }
    (void)closedir(folder);
    CHECK_INT(tables, 4);
    vv_engine_close(&golden.engine);
    vv_op_done(op);
}

#define COMMIT(path)                                                                         \
    "{\"protocol\":{\"minReaderVersion\":1,\"minWriterVersion\":2}}\n{\"metaData\":{\"id\":" \
    "\"i\","                                                                                 \
    "\"format\":{\"provider\":\"parquet\",\"options\":{}},\"schemaString\":\"{\\\"type\\\":" \
    "\\\"struct\\\",\\\"fields\\\":[]}\",\"partitionColumns\":[],\"configuration\":{}}}\n"   \
    "{\"add\":{\"path\":\"" path                                                             \
    "\",\"partitionValues\":{},\"size\":1,\"modificationTime\":1,"                           \
    "\"dataChange\":true,\"stats\":\"{\\\"numRecords\\\":1}\"}}\n"

static bool put_first(struct vv_op *op, struct vv_store *store, const char *text)
{
    return CHECK_OK(op,
        vv_store_put(op, store, vv_log_commit_key(&op->arena, 0), vv_str_of(text)));
}

/* What every other test relies on: that a difference is seen. */
TEST(golden, a_checkpoint_that_says_something_else_than_the_commits_is_found)
{
    VV_CLEANUP(vv_op_done) struct vv_op op;
    VV_CLEANUP(vv_store_close) struct vv_store *store = NULL;
    VV_CLEANUP(vv_engine_close) struct vv_engine *engine = NULL;
    VV_CLEANUP(vv_snapshot_release) struct vv_snapshot *snapshot = NULL;
    VV_CLEANUP(vv_buf_done) struct vv_buf report = VV_BUF_INIT(VV_BUF_MAX);
    struct test_state_ways ways;
    vv_op_init(&op, NULL, VV_OP_BYTES_DEFAULT);
    REQUIRE_OK(&op, vv_engine_open(&op, &(struct vv_engine_options){.threads = 1}, &engine));
    REQUIRE_OK(&op, vv_store_open_memory(&op, &store));
    const struct vv_log_handle log = {store, engine};
    REQUIRE(put_first(&op, store, COMMIT("one")));
    REQUIRE_OK(&op, vv_snapshot_load(&op, &log, VV_NO_VERSION, &snapshot));
    REQUIRE_OK(&op, vv_checkpoint_write(&op, &log, snapshot));
    CHECK(test_state_check(NULL, &log, &ways, &report));
    CHECK(ways.by_log && ways.by_old_checkpoint && ways.by_commits && ways.by_new_checkpoint);
    CHECK_INT(report.len, 0);
    REQUIRE(put_first(&op, store, COMMIT("two")));
    CHECK(!test_state_check(NULL, &log, &ways, &report));
    CHECK(vv_str_find(vv_buf_str(&report), '\n') < report.len);
    CHECK(strstr(vv_buf_str(&report).ptr, "the state by commits differs") != NULL);
    CHECK(strstr(vv_buf_str(&report).ptr, "\"two\"") != NULL);
}
