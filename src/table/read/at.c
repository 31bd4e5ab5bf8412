/*
 * Which version is meant: by its number, a time, a tag, or by what was known.
 */
#include "base/nearest.h"
#include "base/time.h"
#include "delta/ledger.h"
#include "delta/pins.h"
#include "table/read/read.h"

static bool is_letter(char byte)
{
    return (byte >= 'a' && byte <= 'z') || (byte >= 'A' && byte <= 'Z');
}

/* The version that a tag names. */
static varve_status find_tag(struct vv_op *op, const struct vv_log_handle *log,
    struct vv_str table, struct vv_str name, int64_t *out)
{
    VV_CLEANUP(vv_buf_done) struct vv_buf names = VV_BUF_INIT(VV_BUF_MAX);
    struct vv_pins pins = {0};
    struct vv_str *all = NULL;
    bool has_hold = false;
    VV_TRY(vv_pins_read(op, log, &op->arena, &pins));
    const struct vv_pin *pin = vv_pins_find(&pins, name);
    if (pin != NULL) {
        *out = pin->version;
        return VARVE_OK;
    }
    VV_NEW(op, &all, struct vv_str, pins.len + 1);
    for (size_t i = 0; i < pins.len; i++) {
        all[i] = pins.items[i].name;
        has_hold = has_hold || pins.items[i].kind == VV_PIN_HOLD;
        vv_buf_addf(&names, "%s%.*s", i == 0 ? "" : ", ", VV_ARG(pins.items[i].name));
    }
    if (!vv_buf_ok(&names))
        return vv_fail_memory(op);
    struct vv_str nearest = vv_nearest_name(name, all, pins.len);
    return vv_fail(op, VARVE_ENOTFOUND,
        "there is no tag %.*s of table %.*s%s%.*s%s (its tags%s: %.*s), and \"%.*s\" is no "
        "version (5) or time (now, -2h); where others have it, the table was created after tag "
        "%.*s",
        VV_ARG(name), VV_ARG(table), nearest.len > 0 ? " (did you mean " : "", VV_ARG(nearest),
        nearest.len > 0 ? "?)" : "", has_hold ? " and holds" : "",
        VV_ARG(pins.len > 0 ? vv_buf_str(&names) : VV_STR("none")), VV_ARG(name), VV_ARG(name));
}

varve_status vv_table_at_tag(struct vv_op *op, struct vv_table *table, struct vv_str name,
    struct vv_snapshot **out)
{
    int64_t version = VV_NO_VERSION;
    VV_TRY(find_tag(op, &table->log, table->name, name, &version));
    return vv_table_snapshot(op, table, version, out);
}

varve_status vv_log_at(struct vv_op *op, const struct vv_log_handle *log, struct vv_str table,
    struct vv_str at, int64_t *out)
{
    int64_t time_us = 0;
    at = vv_str_trim(at);
    if (vv_str_is_digits(at)) {
        if (vv_str_int64(at, out))
            return VARVE_OK;
        return vv_fail(op, VARVE_ENOTFOUND, "no version %.*s of table %.*s", VV_ARG(at),
            VV_ARG(table));
    }
    if (vv_time_parse_human(at, vv_now_us(op), &time_us)) {
        if (vv_log_version_at(op, log, time_us, out) != VARVE_OK)
            return vv_note(op, "table %.*s", VV_ARG(table));
        return VARVE_OK;
    }
    if (at.len > 0 && is_letter(at.ptr[0]))
        return find_tag(op, log, table, at, out);
    return vv_fail(op, VARVE_EUSAGE,
        "\"%.*s\" is neither a version nor a time: say 5, 2025-01-30T10:00:00Z, now or "
        "-2h",
        VV_ARG(at));
}

bool vv_table_is_known_at(const struct vv_table *table)
{
    return table->known != NULL && table->known->is_set;
}

/* Clocks differ: a commit of another machine may be seconds ahead of ours. */
#define AHEAD_US_MAX ((int64_t)60 * 1000000)

void vv_table_warn_future(struct vv_op *op, const struct vv_table *table, int64_t time_us,
    const struct vv_snapshot *snapshot)
{
    char time[32];
    if (time_us <= vv_now_us(op) || time_us - vv_now_us(op) <= AHEAD_US_MAX)
        return;
    (void)vv_time_format_us(time_us, time);
    vv_log(op, VV_LOG_WARN, "table.future",
        "%s is in the future: table %.*s is answered as of now, version %" PRId64, time,
        VV_ARG(table->name), snapshot->version);
}

varve_status vv_table_at(struct vv_op *op, struct vv_table *table, struct vv_str at,
    struct vv_snapshot **out)
{
    int64_t version = VV_NO_VERSION;
    int64_t time_us = 0;
    at = vv_str_trim(at);
    if (at.len > 0)
        VV_TRY(vv_log_at(op, &table->log, table->name, at, &version));
    else if (vv_table_is_known_at(table))
        return vv_table_known_at(op, table, table->known->us, out);
    VV_TRY(vv_table_snapshot(op, table, version, out));
    if (at.len > 0 && !vv_str_is_digits(at) && vv_time_parse_human(at, vv_now_us(op), &time_us))
        vv_table_warn_future(op, table, time_us, *out);
    return VARVE_OK;
}

varve_status vv_table_seek(struct vv_op *op, struct vv_table *table, struct vv_str at,
    struct vv_snapshot **out)
{
    bool is_newest = vv_str_trim(at).len == 0 && !vv_table_is_known_at(table);
    VV_TRY(is_newest ? vv_table_refresh(op, table) : vv_table_refresh_for_any(op, table));
    return vv_table_at(op, table, at, out);
}

/* Whether the table began after a time that no version is of: its very first commit is there. */
static varve_status began_later(struct vv_op *op, struct vv_table *table, bool *out)
{
    char sha256[VV_SHA256_HEX_BYTES];
    struct vv_object object = {0};
    struct vv_str key = vv_log_commit_key(&op->arena, 0);
    if (key.ptr == NULL)
        return vv_fail_memory(op);
    varve_status status = vv_store_head(op, table->store, key, &object);
    *out = status == VARVE_OK;
    if (status != VARVE_ENOTFOUND)
        return status;
    vv_forgive(op);
    VV_TRY(vv_ledger_sha256(op, &table->log, 0, sha256));
    *out = sha256[0] != '\0';
    return VARVE_OK;
}

varve_status vv_table_known_at(struct vv_op *op, struct vv_table *table, int64_t time_us,
    struct vv_snapshot **out)
{
    VV_CLEANUP(vv_snapshot_release) struct vv_snapshot *first = NULL;
    int64_t version = VV_NO_VERSION;
    bool is_later = false;
    char time[32];
    varve_status status = vv_log_version_at(op, &table->log, time_us, &version);
    if (status == VARVE_OK) {
        VV_TRY(vv_table_snapshot(op, table, version, out));
        vv_table_warn_future(op, table, time_us, *out);
        return VARVE_OK;
    }
    const varve_error error = op->error;
    /* One that names a version is about a table that was there, and lost that one since. */
    if (status != VARVE_ENOTFOUND || error.version != VV_NO_VERSION)
        return vv_note(op, "table %.*s", VV_ARG(table->name));
    vv_forgive(op);
    VV_TRY(began_later(op, table, &is_later));
    if (!is_later)
        return vv_fail(op, VARVE_ENOTFOUND, "table %.*s: %s", VV_ARG(table->name),
            error.message);
    VV_TRY(vv_table_snapshot(op, table, 0, &first));
    (void)vv_time_format_us(time_us, time);
    vv_log(op, VV_LOG_WARN, "table.unmade",
        "table %.*s was made after %s: it is read as one without rows", VV_ARG(table->name),
        time);
    return vv_snapshot_unmade(op, first, out);
}

varve_status vv_table_at_time(struct vv_op *op, struct vv_table *table, int64_t time_us,
    struct vv_snapshot **out)
{
    int64_t version = VV_NO_VERSION;
    if (vv_log_version_at(op, &table->log, time_us, &version) != VARVE_OK)
        return vv_note(op, "table %.*s", VV_ARG(table->name));
    return vv_table_snapshot(op, table, version, out);
}
