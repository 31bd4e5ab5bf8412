/*
 * A vacuum that was announced and has not ended. One that is looked for after something was written
 * (a pin), or by a plan that whoever commits before it makes anew (a restore), is not missed: one
 * that begins later reads what was written.
 */
#include "base/json.h"
#include "base/time.h"
#include "delta/log.h"
#include "table/maintain/vacuum.h"

/* How far back it is looked for; one that is older was killed. */
#define VACUUM_MS_MAX (24 * INT64_C(3600000))
#define COMMITS_MAX 1000
#define DAMAGES_MAX 32

int64_t vv_vacuum_until_ms(const struct vv_history_entry *start)
{
    const struct vv_json *parameters = start->info->parameters;
    int64_t retention_ms = 0;
    if (!vv_json_int64(vv_json_get(parameters, "specifiedRetentionMillis"), &retention_ms))
        (void)vv_json_int64(vv_json_get(parameters, "defaultRetentionMillis"), &retention_ms);
    return retention_ms > start->timestamp_ms ? INT64_MIN : start->timestamp_ms - retention_ms;
}

/*
 * The commits from `from` downwards, as far as they can be read: *out_damaged is what stands in the
 * way of the ones below it; VV_NO_VERSION: nothing does.
 */
static varve_status read_down(struct vv_op *op, const struct vv_table *table, int64_t from,
    struct vv_history_entry **out, size_t *out_len, int64_t *out_damaged)
{
    *out_len = 0;
    *out_damaged = VV_NO_VERSION;
    for (int64_t most = COMMITS_MAX; most > 0;) {
        varve_status status =
            vv_log_history_there(op, &table->log, from, (size_t)most, &op->arena, out, out_len);
        if (status != VARVE_ECORRUPT || op->error.version < 0 || op->error.version > from)
            return status;
        *out_damaged = op->error.version; /* the first one: others may be above it */
        *out_len = 0;
        vv_forgive(op);
        most = from - *out_damaged;
    }
    return VARVE_OK;
}

/* True: no older commit matters. */
static bool find_start(const struct vv_history_entry *entries, size_t len, int64_t since_ms,
    const struct vv_history_entry **out)
{
    for (size_t i = 0; i < len; i++) {
        struct vv_str operation =
            entries[i].info != NULL ? entries[i].info->operation : VV_STR_NONE;
        if (entries[i].timestamp_ms < since_ms || vv_str_eq(operation, VV_STR("VACUUM END")))
            return true;
        if (vv_str_eq(operation, VV_STR("VACUUM START"))) {
            *out = &entries[i];
            return true;
        }
    }
    return false;
}

varve_status vv_vacuum_under_way(struct vv_op *op, const struct vv_table *table,
    int64_t version, const struct vv_history_entry **out)
{
    int64_t since_ms = vv_now_us(op) / VV_US_PER_MS - VACUUM_MS_MAX;
    int64_t from = 0;
    *out = NULL;
    VV_TRY(vv_table_newest(op, table, &from));
    for (int damages = 0; damages < DAMAGES_MAX; damages++) {
        struct vv_history_entry *entries = NULL;
        size_t len = 0;
        int64_t damaged = VV_NO_VERSION;
        varve_status status = read_down(op, table, from, &entries, &len, &damaged);
        if (status == VARVE_ENOTFOUND) { /* none is left so far down */
            vv_forgive(op);
            return VARVE_OK;
        }
        VV_TRY(status);
        if (find_start(entries, len, since_ms, out) || damaged == VV_NO_VERSION)
            return VARVE_OK;
        if (damaged <= version)
            return vv_fail(op, VARVE_ECORRUPT,
                "version %" PRId64 " of table %.*s is damaged (varve verify)", damaged,
                VV_ARG(table->name));
        vv_log(op, VV_LOG_WARN, "vacuum.damaged",
            "table %.*s: version %" PRId64 " is damaged, so whether it began a vacuum that "
            "still runs can't be told",
            VV_ARG(table->name), damaged);
        if (damaged == 0)
            return VARVE_OK;
        from = damaged - 1;
    }
    return VARVE_OK;
}
