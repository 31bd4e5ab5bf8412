#include "table/writers.h"

#include "engine/rowset.h"

struct run {
    struct vv_writers *writers;
    const struct vv_writers_work *work;
};

static size_t count_threads(const struct vv_engine *engine, int64_t bytes, size_t len)
{
    size_t threads = vv_engine_writers(engine, bytes);
    threads = threads < len ? threads : len;
    return threads < VV_CREW_MAX ? threads : VV_CREW_MAX;
}

size_t vv_writers_count(const struct vv_writers_work *work)
{
    return count_threads(work->table->engine, work->bytes, work->len);
}

varve_status vv_writers_part(struct vv_op *op, const struct vv_engine *engine,
    const int64_t *bytes, size_t len, struct vv_writers_share out[2])
{
    for (size_t i = 0; i < 2; i++) {
        out[i] = (struct vv_writers_share){.threads = 1};
        VV_NEW(op, &out[i].pieces, size_t, len + 1);
    }
    for (size_t i = 0; i < len; i++) {
        struct vv_writers_share *share = &out[vv_engine_writers(engine, bytes[i]) > 1];
        share->pieces[share->len++] = i;
        if (bytes[i] > share->bytes)
            share->bytes = bytes[i];
    }
    if (out[1].len > 0)
        out[1].threads = count_threads(engine, out[1].bytes, out[1].len);
    return VARVE_OK;
}

static varve_status run_piece(struct vv_op *op, void *data, size_t thread, size_t piece)
{
    const struct run *run = data;
    struct vv_writer *writer = &run->writers->items[thread];
    if (writer->session == NULL)
        VV_TRY(vv_session_open(op, run->work->table->engine, &writer->session));
    if (writer->part == NULL && run->work->part != NULL)
        VV_TRY(vv_rowset_open(op, writer->session, &writer->part));
    return run->work->run(op, run->work->data, writer, piece);
}

/* What can't be kept is removed: nobody would know of it any more. */
static bool hand_over(struct vv_op *op, const struct vv_writers_work *work,
    struct vv_written *from, struct vv_written *to)
{
    for (size_t i = 0; i < from->keys_len; i++)
        if (!vv_written_add(to, vv_arena_str(to->arena, from->keys[i]))) {
            from->keys += i;
            from->keys_len -= i;
            vv_write_discard(op, work->table, from);
            return false;
        }
    return true;
}

varve_status vv_writers_run(struct vv_op *op, struct vv_writers *writers, size_t threads,
    const struct vv_writers_work *work, struct vv_written *written)
{
    struct run run = {writers, work};
    const struct vv_crew_work crew = {.len = work->len,
        .phase = work->phase,
        .before = work->before,
        .total = work->total,
        .run = run_piece,
        .data = &run};
    *writers = (struct vv_writers){.len = 0};
    if (threads < 2) {
        writers->items[0] = (struct vv_writer){work->session, written, work->part, work->draft};
        return vv_crew_run(op, 1, &crew);
    }
    writers->len = threads;
    for (size_t i = 0; i < threads; i++) {
        writers->arenas[i] = VV_ARENA_INIT(VV_OP_BYTES_DEFAULT);
        writers->written[i] = (struct vv_written){.arena = &writers->arenas[i]};
        writers->items[i].written = &writers->written[i];
        writers->items[i].draft = work->draft != NULL ? &writers->drafts[i] : NULL;
    }
    varve_status status = vv_crew_run(op, threads, &crew);
    bool is_kept = true;
    for (size_t i = 0; i < threads; i++)
        is_kept = hand_over(op, work, &writers->written[i], written) && is_kept;
    return status == VARVE_OK && !is_kept ? vv_fail_memory(op) : status;
}

void vv_writers_done(struct vv_writers *writers)
{
    for (size_t i = 0; i < writers->len; i++) {
        vv_rowset_close(&writers->items[i].part);
        vv_session_close(&writers->items[i].session);
        vv_arena_done(&writers->arenas[i]);
    }
    writers->len = 0;
}
