/*
 * The states of the tables in tables/ against the texts beside them.
 */
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>

#include "harness/clock_fake.h"
#include "harness/test.h"
#include "state_text.h"

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
