/*
 * Many rows by several queries, each with a thread of its own.
 *
 * Of one query that keeps the order of a file the engine makes less of its threads: they share row
 * groups, and a file may have only one; and of rows that are to wait for those before them it
 * holds a megabyte, so that the thread which is ahead stands still until the other has come as far.
 */
#include "base/crew.h"
#include "engine/rowset_inner.h"

struct part {
    struct vv_session *session;
    struct vv_rowset *rowset;
};

struct parts {
    struct vv_engine *engine;
    const struct vv_query *queries;
    int64_t bytes_max; /* of each */
    atomic_bool is_too_much;
    struct part items[VV_CREW_MAX];
};

static void parts_done(struct parts *parts)
{
    for (size_t i = 0; i < VV_CREW_MAX; i++) {
        vv_rowset_close(&parts->items[i].rowset);
        vv_session_close(&parts->items[i].session);
    }
}

/* One thread fills what it takes from: with the engine's megabyte it would go to and fro for each. */
static varve_status part_open(struct vv_op *op, struct vv_engine *engine, struct part *part)
{
    VV_TRY(vv_session_open(op, engine, &part->session));
    VV_TRY(vv_session_exec(op, part->session, VV_STR("SET streaming_buffer_size = '16MiB'")));
    return vv_rowset_open(op, part->session, &part->rowset);
}

static varve_status fill_part(struct vv_op *op, void *data, size_t thread, size_t piece)
{
    (void)thread;
    struct parts *parts = data;
    struct part *part = &parts->items[piece];
    bool fits = true;
    if (atomic_load(&parts->is_too_much))
        return VARVE_OK;
    VV_TRY(part_open(op, parts->engine, part));
    VV_TRY(vv_rowset_fill_many(op, part->rowset, &parts->queries[piece], parts->bytes_max,
        &fits));
    if (!fits)
        atomic_store(&parts->is_too_much, true);
    return VARVE_OK;
}

static varve_status join(struct vv_op *op, struct vv_rowset *rowset, const struct parts *parts,
    size_t len)
{
    VV_TRY(vv_rowset_shape_as(op, rowset, parts->items[0].rowset));
    for (size_t i = 0; i < len; i++)
        VV_TRY(vv_rowset_append(op, rowset, parts->items[i].rowset));
    return VARVE_OK;
}

varve_status vv_rowset_fill_parts(struct vv_op *op, struct vv_rowset *rowset,
    const struct vv_query *queries, size_t len, int64_t bytes_max, bool *out_fits)
{
    VV_PRE(len > 0 && len <= VV_CREW_MAX);
    VV_CLEANUP(parts_done)
    struct parts parts = {.engine = vv_rowset_session(rowset)->engine,
        .queries = queries,
        .bytes_max = bytes_max / (int64_t)len};
    const struct vv_crew_work crew = {.len = len, .run = fill_part, .data = &parts};
    vv_rowset_clear(rowset);
    VV_TRY(vv_crew_run(op, len, &crew));
    *out_fits = !atomic_load(&parts.is_too_much);
    varve_status status = *out_fits ? join(op, rowset, &parts, len) : VARVE_OK;
    if (status != VARVE_OK)
        vv_rowset_clear(rowset);
    return status;
}
