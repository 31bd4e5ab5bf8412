#include "lake/pins.h"

#include "base/number.h"
#include "base/os.h"
#include "base/time.h"
#include "engine/engine.h"
#include "lake/pins_check.h"
#include "table/read/read.h"

/* Tables that got their pin in this call. */
struct pinned {
    struct vv_str *names;
    size_t len;
};

static varve_status list_tables(struct vv_op *op, struct vv_lake *lake,
    const struct vv_pin_request *request, struct vv_str **out, size_t *out_len)
{
    if (request->tables_len == 0)
        return vv_lake_list(op, lake, &op->arena, out, out_len);
    VV_NEW(op, out, struct vv_str, request->tables_len);
    memcpy(*out, request->tables, request->tables_len * sizeof(**out));
    *out_len = request->tables_len;
    return VARVE_OK;
}

static varve_status pin_table(struct vv_op *op, struct vv_lake *lake,
    const struct vv_pin_request *request, struct vv_str name, struct pinned *pinned)
{
    VV_CLEANUP(vv_table_close) struct vv_table *table = NULL;
    VV_CLEANUP(vv_snapshot_release) struct vv_snapshot *snapshot = NULL;
    struct vv_str user = lake->user.ptr != NULL ? lake->user : vv_os_user(&op->arena);
    if (vv_str_is_lost(user))
        return vv_fail_memory(op);
    VV_TRY(vv_lake_table_for_any(op, lake, name,
        &table)); /* the last good version can be kept */
    VV_TRY(vv_table_at(op, table, request->at, &snapshot));
    if (snapshot->version == VV_NO_VERSION)
        return vv_fail(op, VARVE_ENOTFOUND,
            "table %.*s was not made yet at the time that is read at: there is no version to "
            "keep",
            VV_ARG(name));
    const struct vv_pin pin = {.name = request->name,
        .kind = request->kind,
        .version = snapshot->version,
        .created_ms = vv_now_us(op) / VV_US_PER_MS,
        .user_name = user,
        .message = request->message.ptr != NULL ? request->message : lake->message};
    if (vv_pin_write(op, &table->log, &pin) != VARVE_OK)
        return vv_note(op, "table %.*s", VV_ARG(name));
    pinned->names[pinned->len++] = name;
    return vv_pin_check(op, table, snapshot, request->kind);
}

static varve_status remove_pin(struct vv_op *op, struct vv_lake *lake, struct vv_str table,
    struct vv_str name)
{
    struct vv_log_handle log = {0};
    VV_TRY(vv_lake_log(op, lake, table, &log));
    varve_status status = vv_pin_remove(op, &log, name);
    vv_store_close(&log.store);
    return status;
}

/*
 * All or none: takes back what this call has pinned, and gives the failure back. What a storage
 * that fails does not let go is told: nobody would look for it, and a vacuum leaves what it keeps.
 */
static varve_status take_back(struct vv_op *op, struct vv_lake *lake,
    const struct vv_pin_request *request, const struct pinned *pinned)
{
    const varve_error error = op->error;
    struct vv_str left = VV_STR_NONE;
    size_t left_len = 0;
    vv_forgive(op);
    for (size_t i = 0; i < pinned->len; i++)
        if (remove_pin(op, lake, pinned->names[i], request->name) != VARVE_OK) {
            vv_forgive(op);
            left = pinned->names[i];
            left_len++;
        }
    if (left_len == 0)
        return vv_fail(op, error.code, "%s", error.message);
    return vv_fail(op, error.code,
        "%zu table%s, such as %.*s, may have it still: remove the %s \"%.*s\" before you try "
        "again: %s",
        left_len, vv_plural((int64_t)left_len), VV_ARG(left),
        request->kind == VV_PIN_TAG ? "tag" : "hold", VV_ARG(request->name), error.message);
}

varve_status vv_lake_pin(struct vv_op *op, struct vv_lake *lake,
    const struct vv_pin_request *request, size_t *out_tables)
{
    struct vv_str *names = NULL;
    struct pinned pinned = {0};
    size_t len = 0;
    int64_t time_us = 0;
    VV_TRY(vv_pin_check_name(op, request->name));
    if (vv_time_parse_human(request->name, vv_now_us(op), &time_us))
        return vv_fail(op, VARVE_EUSAGE,
            "\"%.*s\" can't be a name: --at would take it for a time", VV_ARG(request->name));
    VV_TRY(list_tables(op, lake, request, &names, &len));
    if (len == 0)
        return vv_fail(op, VARVE_ENOTFOUND, "the lake has no table: there is nothing to keep");
    VV_NEW(op, &pinned.names, struct vv_str, len);
    for (size_t i = 0; i < len; i++)
        if (pin_table(op, lake, request, names[i], &pinned) != VARVE_OK)
            return take_back(op, lake, request, &pinned);
    *out_tables = pinned.len;
    return VARVE_OK;
}

varve_status vv_lake_unpin(struct vv_op *op, struct vv_lake *lake, enum vv_pin_kind kind,
    struct vv_str name, size_t *out_tables)
{
    struct vv_str *names = NULL;
    size_t len = 0;
    size_t removed = 0;
    VV_TRY(vv_pin_check_name(op, name));
    VV_TRY(vv_lake_list(op, lake, &op->arena, &names, &len));
    for (size_t i = 0; i < len; i++) {
        struct vv_log_handle log = {0};
        struct vv_pins pins = {0};
        VV_TRY(vv_lake_log(op, lake, names[i], &log));
        varve_status status = vv_pins_read(op, &log, &op->arena, &pins);
        const struct vv_pin *pin = vv_pins_find(&pins, name);
        if (status == VARVE_OK && pin != NULL && pin->kind == kind) {
            status = vv_pin_remove(op, &log, name);
            removed++;
        }
        vv_store_close(&log.store);
        VV_TRY(status);
    }
    if (removed == 0)
        return vv_fail(op, VARVE_ENOTFOUND, "no table has a %s \"%.*s\"",
            kind == VV_PIN_TAG ? "tag" : "hold", VV_ARG(name));
    *out_tables = removed;
    return VARVE_OK;
}

enum {
    NAME,
    TABLE,
    VERSION,
    CREATED,
    USER,
    MESSAGE,
    COLUMNS
};

static varve_status add_table(struct vv_op *op, struct vv_lake *lake, enum vv_pin_kind kind,
    struct vv_str table, struct vv_text_appender *appender)
{
    struct vv_log_handle log = {0};
    struct vv_pins pins = {0};
    VV_TRY(vv_lake_log(op, lake, table, &log));
    varve_status status = vv_pins_read(op, &log, &op->arena, &pins);
    vv_store_close(&log.store);
    if (status != VARVE_OK)
        return vv_note(op, "table %.*s", VV_ARG(table));
    for (size_t i = 0; i < pins.len; i++) {
        const struct vv_pin *pin = &pins.items[i];
        char created[32];
        size_t created_len = vv_time_format_ms(pin->created_ms, created);
        const struct vv_str values[COLUMNS] = {[NAME] = pin->name,
            [TABLE] = table,
            [VERSION] = vv_arena_format(&op->arena, "%" PRId64, pin->version),
            [CREATED] = {created, created_len},
            [USER] = pin->user_name,
            [MESSAGE] = pin->message};
        if (values[VERSION].ptr == NULL)
            return vv_fail_memory(op);
        if (pin->kind == kind)
            VV_TRY(vv_text_appender_row(op, appender, (int64_t)i, values));
    }
    return VARVE_OK;
}

varve_status vv_lake_pins(struct vv_op *op, struct vv_lake *lake, enum vv_pin_kind kind,
    struct ArrowArrayStream *out)
{
    VV_CLEANUP(vv_session_close) struct vv_session *session = NULL;
    VV_CLEANUP(vv_text_appender_close) struct vv_text_appender *appender = NULL;
    const struct vv_str columns[COLUMNS] = {VV_STR("name"), VV_STR("table"), VV_STR("version"),
        VV_STR("created"), VV_STR("user"), VV_STR("message")};
    struct vv_engine *engine = NULL;
    struct vv_str *names = NULL;
    size_t len = 0;
    VV_TRY(vv_lake_list(op, lake, &op->arena, &names, &len));
    VV_TRY(vv_lake_engine(op, lake, &engine));
    VV_TRY(vv_session_open(op, engine, &session));
    VV_TRY(vv_text_appender_open(op, session, VV_STR("pins"), VV_STR("_row"), columns, COLUMNS,
        &appender));
    for (size_t i = 0; i < len; i++)
        VV_TRY(add_table(op, lake, kind, names[i], appender));
    VV_TRY(vv_text_appender_finish(op, appender));
    vv_text_appender_close(&appender);
    return vv_session_stream(op, &session,
        VV_STR("SELECT name, \"table\", version::BIGINT AS version, "
               "created::TIMESTAMPTZ AS created, \"user\", message FROM pins "
               "ORDER BY name, \"table\""),
        false, NULL, 0, out);
}
