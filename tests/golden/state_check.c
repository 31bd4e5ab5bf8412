/*
 * Comes to the latest version of each table in every way there is (harness/state_check.h).
 *
 *     state_check TABLE...
 *
 * Prints how many tables there were by which way, and what differs. The exit status is 1 where
 * something does.
 */
#include <stdio.h>

#include "harness/state_check.h"

struct sums {
    unsigned tables, refused, old_checkpoints, commits, new_checkpoints, different;
};

static bool check(struct vv_op *op, struct vv_engine *engine, const char *table,
    struct sums *sums)
{
    const struct vv_store_options options = {0};
    VV_CLEANUP(vv_store_close) struct vv_store *store = NULL;
    VV_CLEANUP(vv_buf_done) struct vv_buf report = VV_BUF_INIT(VV_BUF_MAX);
    struct test_state_ways ways;
    if (vv_store_open(op, vv_str_of(table), &options, &store) != VARVE_OK) {
        printf("%s: %s\n", table, op->error.message);
        vv_forgive(op);
        return false;
    }
    bool is_same =
        test_state_check(NULL, &(struct vv_log_handle){store, engine}, &ways, &report);
    sums->tables++;
    sums->refused += !ways.by_log;
    sums->old_checkpoints += ways.by_old_checkpoint;
    sums->commits += ways.by_commits;
    sums->new_checkpoints += ways.by_new_checkpoint;
    sums->different += !is_same;
    if (!is_same)
        printf("%s: %s", table, report.len > 0 ? vv_buf_str(&report).ptr : "\n");
    return is_same;
}

int main(int argc, char **argv)
{
    VV_CLEANUP(vv_op_done) struct vv_op op;
    VV_CLEANUP(vv_engine_close) struct vv_engine *engine = NULL;
    struct sums sums = {0};
    bool is_same = true;
    vv_op_init(&op, NULL, VV_OP_BYTES_DEFAULT);
    if (vv_engine_open(&op, &(struct vv_engine_options){.threads = 1}, &engine) != VARVE_OK) {
        printf("%s\n", op.error.message);
        return 1;
    }
    for (int i = 1; i < argc; i++)
        is_same = check(&op, engine, argv[i], &sums) && is_same;
    printf("%u tables: %u refused, %u by a checkpoint that was there, %u by commits alone, %u "
           "by "
           "a new checkpoint, %u different\n",
        sums.tables, sums.refused, sums.old_checkpoints, sums.commits, sums.new_checkpoints,
        sums.different);
    return is_same ? 0 : 1;
}
