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

static varve_status read_history(struct vv_op *op, const struct vv_table *table,
    int64_t version, struct vv_history_entry **out, size_t *out_len)
{
    varve_status status = vv_log_history_there(op, &table->log, VV_NO_VERSION, COMMITS_MAX,
        &op->arena, out, out_len);
    if (status != VARVE_ECORRUPT || op->error.version <= version)
        return status;
    int64_t damaged = op->error.version;
    vv_forgive(op);
    vv_log(op, VV_LOG_WARN, "vacuum.damaged",
        "table %.*s: version %" PRId64 " is damaged, so whether it began a vacuum that "
        "still runs can't be told",
        VV_ARG(table->name), damaged);
    return vv_log_history_there(op, &table->log, damaged - 1, COMMITS_MAX, &op->arena, out,
        out_len);
}

int64_t vv_vacuum_until_ms(const struct vv_history_entry *start)
{
    const struct vv_json *parameters = start->info->parameters;
    int64_t retention_ms = 0;
    if (!vv_json_int64(vv_json_get(parameters, "specifiedRetentionMillis"), &retention_ms))
        (void)vv_json_int64(vv_json_get(parameters, "defaultRetentionMillis"), &retention_ms);
    return retention_ms > start->timestamp_ms ? INT64_MIN : start->timestamp_ms - retention_ms;
}

varve_status vv_vacuum_under_way(struct vv_op *op, const struct vv_table *table,
    int64_t version, const struct vv_history_entry **out)
{
    struct vv_history_entry *entries = NULL;
    size_t len = 0;
    int64_t since_ms = vv_now_us(op) / VV_US_PER_MS - VACUUM_MS_MAX;
    *out = NULL;
    VV_TRY(read_history(op, table, version, &entries, &len));
    for (size_t i = 0; i < len && entries[i].timestamp_ms >= since_ms; i++) {
        struct vv_str operation =
            entries[i].info != NULL ? entries[i].info->operation : VV_STR_NONE;
        if (vv_str_eq(operation, VV_STR("VACUUM END")))
            return VARVE_OK;
        if (!vv_str_eq(operation, VV_STR("VACUUM START")))
            continue;
        *out = &entries[i];
        return VARVE_OK;
    }
    return VARVE_OK;
}
