/*
 * What is in quarantine of all tables of a lake. A table that can't be opened is told as one: it must
 * not hide what the others have.
 */
#include "lake/lake.h"
#include "table/batch/quarantine.h"

static varve_status add_table(struct vv_op *op, struct vv_lake *lake, struct vv_str name,
    struct vv_quarantine_listing *listing)
{
    VV_CLEANUP(vv_table_close) struct vv_table *table = NULL;
    varve_status status = vv_lake_table(op, lake, name, &table);
    if (status == VARVE_OK)
        status = vv_quarantine_listing_add(op, listing, table);
    if (status == VARVE_OK || status == VARVE_EINTERRUPTED || status == VARVE_ELIMIT)
        return status;
    struct vv_str reason = vv_arena_str(&op->arena, vv_str_of(op->error.message));
    bool is_there = true;
    vv_forgive(op);
    if (status == VARVE_ENOTFOUND)
        VV_TRY(vv_lake_has_table(op, lake, name, &is_there));
    if (!is_there)
        return VARVE_OK; /* another process has dropped it since */
    return vv_quarantine_listing_add_lost(op, listing, name, vv_str_or_lost(reason));
}

varve_status vv_lake_quarantine(struct vv_op *op, struct vv_lake *lake,
    struct ArrowArrayStream *out, int64_t *out_damaged)
{
    VV_CLEANUP(vv_quarantine_listing_done) struct vv_quarantine_listing listing = {0};
    struct vv_engine *engine = NULL;
    struct vv_str *names = NULL;
    size_t len = 0;
    VV_TRY(vv_lake_list(op, lake, &op->arena, &names, &len));
    VV_TRY(vv_lake_engine(op, lake, &engine));
    VV_TRY(vv_quarantine_listing_open(op, engine, &listing));
    for (size_t i = 0; i < len; i++)
        VV_TRY(add_table(op, lake, names[i], &listing));
    VV_TRY(vv_quarantine_listing_stream(op, &listing, out));
    *out_damaged = listing.damaged;
    return VARVE_OK;
}
