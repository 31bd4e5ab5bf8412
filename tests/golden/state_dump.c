/*
 * Prints the state of a table as text (state_text.h): what the golden files hold, and what the
 * interoperability tests compare.
 *
 *     state_dump TABLE [VERSION]
 *
 * The first line says how the snapshot was made. Tombstones of any age are in it. A failure is
 * told on the error output; the exit status is its code.
 */
#include <stdio.h>

#include "harness/state_text.h"

/* A clock that stands at 1970: no tombstone has expired yet. */
static int64_t long_ago(void *data)
{
    (void)data;
    return 0;
}

static varve_status dump(struct vv_op *op, const char *table, int64_t version)
{
    const struct vv_store_options options = {0};
    VV_CLEANUP(vv_store_close) struct vv_store *store = NULL;
    VV_CLEANUP(vv_engine_close) struct vv_engine *engine = NULL;
    VV_CLEANUP(vv_snapshot_release) struct vv_snapshot *snapshot = NULL;
    VV_CLEANUP(vv_buf_done) struct vv_buf text = VV_BUF_INIT(VV_BUF_MAX);
    VV_TRY(vv_store_open(op, vv_str_of(table), &options, &store));
    VV_TRY(vv_engine_open(op, &(struct vv_engine_options){.threads = 1}, &engine));
    const struct vv_log_handle log = {.store = store, .engine = engine};
    VV_TRY(vv_snapshot_load(op, &log, version, &snapshot));
    state_text(snapshot, true, &op->arena, &text);
    (void)printf("{\"checkpoint\":%" PRId64 ",\"commitsRead\":%zu,\"timestamp\":%" PRId64 "}\n",
        snapshot->checkpoint_version, snapshot->commits_read, snapshot->timestamp_ms);
    (void)fwrite(vv_buf_str(&text).ptr, 1, text.len, stdout);
    return VARVE_OK;
}

int main(int argc, char **argv)
{
    struct vv_env env = *vv_env_system();
    struct vv_op op;
    int64_t version = VV_NO_VERSION;
    if (argc < 2 || argc > 3 || (argc == 3 && !vv_str_int64(vv_str_of(argv[2]), &version))) {
        (void)fprintf(stderr, "usage: state_dump TABLE [VERSION]\n");
        return VARVE_EUSAGE;
    }
    env.now_us = long_ago;
    vv_op_init(&op, &env, VV_OP_BYTES_DEFAULT);
    varve_status status = dump(&op, argv[1], version);
    if (status != VARVE_OK)
        (void)fprintf(stderr, "%s: %s\n", varve_status_name(status), op.error.message);
    vv_op_done(&op);
    return (int)status;
}
