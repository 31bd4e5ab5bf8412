#include "table/table.h"

#include "base/seam.h"
#include "delta/log_list.h"
#include "table/maintain/checkpoint_errand.h"
#include "table/read/latest_kept.h"

static varve_status load_latest(struct vv_op *op, struct vv_table *table)
{
    struct vv_snapshot *latest = NULL;
    if (table->snapshot == NULL)
        VV_TRY(vv_snapshot_load(op, &table->log, VV_NO_VERSION, &latest));
    else
        VV_TRY(vv_snapshot_refresh(op, &table->log, table->snapshot, &latest));
    vv_snapshot_release(&table->snapshot);
    table->snapshot = latest;
    return VARVE_OK;
}

static varve_status refresh(struct vv_op *op, struct vv_table *table)
{
    if (load_latest(op, table) != VARVE_OK)
        return vv_note(op, "table %.*s", VV_ARG(table->name));
    return VARVE_OK;
}

static bool can_load(struct vv_op *op, const struct vv_log_handle *log, int64_t version)
{
    VV_CLEANUP(vv_snapshot_release) struct vv_snapshot *snapshot = NULL;
    bool can = vv_snapshot_load(op, log, version, &snapshot) == VARVE_OK;
    if (!can)
        vv_forgive(op);
    return can;
}

/* What can be read is tried, not believed. Behind a checkpoint a table may have lost a commit and go on. */
varve_status vv_table_tell_damage(struct vv_op *op, const struct vv_log_handle *log,
    struct vv_str table)
{
    const varve_error error = op->error;
    if (error.code != VARVE_ECORRUPT || error.version < 0)
        return error.code;
    vv_forgive(op);
    bool can_read = error.version > 0 && can_load(op, log, error.version - 1);
    bool can_write = can_load(op, log, VV_NO_VERSION);
    op->error = error; /* that the try failed, too, is no news */
    op->failed = true;
    if (can_read)
        vv_detail(op,
            "version %" PRId64 " can be read: varve scan %.*s --at %" PRId64
            ", or in SQL AT (VERSION => %" PRId64 ")\n",
            error.version - 1, VV_ARG(table), error.version - 1, error.version - 1);
    vv_detail(op, "%svarve verify %.*s tells more\n",
        can_write
            ? "the newest version can be read and written to: "
            : "nothing can be written to the table until that file is back from a backup: ",
        VV_ARG(table));
    return error.code;
}

varve_status vv_table_refresh(struct vv_op *op, struct vv_table *table)
{
    return refresh(op, table) == VARVE_OK ? VARVE_OK
                                          : vv_table_tell_damage(op, &table->log, table->name);
}

varve_status vv_table_refresh_for_any(struct vv_op *op, struct vv_table *table)
{
    varve_status status = refresh(op, table);
    if (status != VARVE_ECORRUPT)
        return status;
    vv_forgive(op);
    vv_snapshot_release(&table->snapshot); /* not the newest any more */
    table->is_damage_told = false;
    return VARVE_OK;
}

/* *out is NULL where it fails. */
static varve_status open_table(struct vv_op *op, struct vv_str name, struct vv_store *store,
    struct vv_engine *engine, bool is_for_any, struct vv_table **out)
{
    struct vv_table *table = vv_malloc(sizeof(*table));
    if (table == NULL) {
        vv_store_close(&store);
        return vv_fail_memory(op);
    }
    *table = (struct vv_table){.store = store,
        .engine = engine,
        .log = {store, engine},
        .arena = VV_ARENA_INIT(1 << 20)};
    table->name = vv_arena_str(&table->arena, name);
    varve_status status = table->name.ptr == NULL ? vv_fail_memory(op)
                          : is_for_any            ? vv_table_refresh_for_any(op, table)
                                                  : vv_table_refresh(op, table);
    if (status != VARVE_OK) {
        vv_table_close(&table);
        return status;
    }
    *out = table;
    return VARVE_OK;
}

varve_status vv_table_open(struct vv_op *op, struct vv_str name, struct vv_store *store,
    struct vv_engine *engine, struct vv_table **out)
{
    return open_table(op, name, store, engine, false, out);
}

varve_status vv_table_open_for_any(struct vv_op *op, struct vv_str name, struct vv_store *store,
    struct vv_engine *engine, struct vv_table **out)
{
    return open_table(op, name, store, engine, true, out);
}

void vv_table_close(struct vv_table **table)
{
    if (*table == NULL)
        return;
    vv_checkpoint_errand_end(*table);
    vv_work_close(&(*table)->work);
    vv_latest_kept_free(&(*table)->latest);
    vv_snapshot_release(&(*table)->snapshot);
    vv_store_close(&(*table)->store);
    vv_arena_done(&(*table)->arena);
    vv_free(*table);
    *table = NULL;
}

varve_status vv_table_newest(struct vv_op *op, const struct vv_table *table, int64_t *out)
{
    struct vv_log_list list = {0};
    if (table->snapshot != NULL) {
        *out = table->snapshot->version;
        return VARVE_OK;
    }
    VV_TRY(vv_log_list_read(op, &table->log, 0, &op->arena, &list));
    *out = vv_log_list_last(&list);
    return VARVE_OK;
}

varve_status vv_table_snapshot(struct vv_op *op, struct vv_table *table, int64_t version,
    struct vv_snapshot **out)
{
    if (table->snapshot == NULL && version == VV_NO_VERSION)
        VV_TRY(vv_table_refresh(op, table)); /* says what is wrong with the newest */
    if (table->snapshot != NULL &&
        (version == VV_NO_VERSION || table->snapshot->version == version)) {
        *out = vv_snapshot_retain(table->snapshot);
        return VARVE_OK;
    }
    if (vv_snapshot_load(op, &table->log, version, out) != VARVE_OK) {
        (void)vv_note(op, "table %.*s", VV_ARG(table->name));
        return vv_table_tell_damage(op, &table->log, table->name);
    }
    if (table->snapshot == NULL && !table->is_damage_told)
        vv_log(op, VV_LOG_WARN, "table.newest_damaged",
            "table %.*s: version %" PRId64 " can be read, the newest version can't: varve "
            "verify says why",
            VV_ARG(table->name), version);
    table->is_damage_told = true; /* of the version that was asked for, once */
    return VARVE_OK;
}
