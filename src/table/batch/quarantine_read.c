/*
 * The quarantine as rows: temporary tables of texts, cast on the way out.
 */
#include "base/time.h"
#include "engine/engine.h"
#include "table/input/batch_input.h"
#include "table/batch/quarantine_file.h"

enum list_column {
    LIST_TABLE,
    LIST_ID,
    LIST_ARRIVAL,
    LIST_ROWS,
    LIST_SOURCE,
    LIST_APP_ID,
    LIST_APP_VERSION,
    LIST_USER_NAME,
    LIST_REASON,
    LIST_COLUMNS
};

enum show_column {
    SHOW_ID,
    SHOW_ARRIVAL,
    SHOW_ROW,
    SHOW_LINE,
    SHOW_SOURCE,
    SHOW_COLUMN,
    SHOW_VALUE,
    SHOW_RULE,
    SHOW_RULES,
    SHOW_VALUES,
    SHOW_COLUMNS
};

static struct vv_str number(struct vv_op *op, int64_t value)
{
    return vv_str_or_lost(vv_arena_format(&op->arena, "%" PRId64, value));
}

static struct vv_str time_text(struct vv_op *op, int64_t us)
{
    char text[32];
    size_t len = vv_time_format_us(us, text);
    return vv_str_or_lost(vv_arena_str(&op->arena, (struct vv_str){text, len}));
}

/* The first rule that a row breaks: it weighs most. */
static const struct vv_json *first_reason(const struct vv_quarantine_row *row)
{
    const struct vv_json *iterator = NULL;
    const struct vv_json *reason = NULL;
    struct vv_str name;
    (void)vv_json_each(row->reasons, &iterator, &name, &reason);
    return reason;
}

/* "confidence breaks confidence_range (...)" */
static struct vv_str reason_text(struct vv_op *op, const struct vv_quarantine_row *row)
{
    const struct vv_json *reason = first_reason(row);
    struct vv_str column = vv_json_text(vv_json_get(reason, "column"));
    struct vv_str rule = vv_json_text(vv_json_get(reason, "rule"));
    if (vv_str_eq(column, VV_STR(VV_NDJSON_LINE_TEXT)))
        return vv_str_or_lost(rule); /* no column is to blame, but the line */
    return vv_str_or_lost(vv_arena_format(&op->arena, "%.*s %.*s", VV_ARG(column),
        VV_ARG(rule)));
}

static varve_status list_read(struct vv_op *op, struct vv_table *table, struct vv_str id,
    struct vv_str values[LIST_COLUMNS])
{
    struct vv_quarantine_file file;
    struct vv_quarantine_row row;
    VV_TRY(vv_quarantine_read(op, table, &op->arena, id, &file));
    values[LIST_ARRIVAL] = time_text(op, file.arrival_us);
    values[LIST_ROWS] = number(op, (int64_t)file.lines_len);
    values[LIST_APP_ID] = file.app_id;
    if (file.app_id.len > 0)
        values[LIST_APP_VERSION] = number(op, file.app_version);
    values[LIST_USER_NAME] = file.user_name;
    if (file.lines_len > 0) {
        VV_TRY(vv_quarantine_row_read(op, &op->arena, &file, 0, &row));
        values[LIST_SOURCE] = row.source;
        values[LIST_REASON] = reason_text(op, &row);
    }
    return VARVE_OK;
}

void vv_quarantine_listing_done(struct vv_quarantine_listing *listing)
{
    vv_text_appender_close(&listing->appender);
    vv_session_close(&listing->session);
}

varve_status vv_quarantine_listing_open(struct vv_op *op, struct vv_engine *engine,
    struct vv_quarantine_listing *out)
{
    const struct vv_str names[LIST_COLUMNS] = {VV_STR("table"), VV_STR("id"), VV_STR("arrival"),
        VV_STR("rows"), VV_STR("source"), VV_STR("app_id"), VV_STR("app_version"),
        VV_STR("user_name"), VV_STR("reason")};
    VV_TRY(vv_session_open(op, engine, &out->session));
    return vv_text_appender_open(op, out->session, VV_STR("listed"), VV_STR("_row"), names,
        LIST_COLUMNS, &out->appender);
}

/* `id` none: the table itself is lost. */
static varve_status list_lost(struct vv_op *op, struct vv_quarantine_listing *listing,
    struct vv_str table, struct vv_str id, struct vv_str reason)
{
    struct vv_str values[LIST_COLUMNS] = {0};
    values[LIST_TABLE] = table;
    values[LIST_ID] = id;
    values[LIST_REASON] = reason;
    listing->damaged++;
    return vv_text_appender_row(op, listing->appender, listing->len++, values);
}

varve_status vv_quarantine_listing_add_lost(struct vv_op *op,
    struct vv_quarantine_listing *listing, struct vv_str table, struct vv_str reason)
{
    return list_lost(op, listing, table, VV_STR_NONE, reason);
}

static varve_status list_add(struct vv_op *op, struct vv_quarantine_listing *listing,
    struct vv_table *table, struct vv_str id)
{
    struct vv_str values[LIST_COLUMNS] = {0};
    values[LIST_TABLE] = table->name;
    values[LIST_ID] = id;
    struct vv_str reason;
    if (list_read(op, table, id, values) == VARVE_OK)
        return vv_text_appender_row(op, listing->appender, listing->len++, values);
    VV_TRY(vv_quarantine_pass_over(op, &reason));
    return reason.ptr == NULL ? VARVE_OK : list_lost(op, listing, table->name, id, reason);
}

varve_status vv_quarantine_listing_add(struct vv_op *op, struct vv_quarantine_listing *listing,
    struct vv_table *table)
{
    struct vv_str *ids = NULL;
    size_t len = 0;
    VV_TRY(vv_quarantine_ids(op, table, &op->arena, &ids, &len));
    for (size_t i = 0; i < len; i++)
        VV_TRY(list_add(op, listing, table, ids[i]));
    return VARVE_OK;
}

#define LIST_REST                                                                         \
    "id, arrival::TIMESTAMPTZ AS arrival, \"rows\"::BIGINT AS \"rows\", source, app_id, " \
    "app_version::BIGINT AS app_version, user_name, reason FROM listed ORDER BY "

static varve_status list_stream(struct vv_op *op, struct vv_quarantine_listing *listing,
    struct vv_str sql, struct ArrowArrayStream *out)
{
    VV_TRY(vv_text_appender_finish(op, listing->appender));
    vv_text_appender_close(&listing->appender);
    return vv_session_stream(op, &listing->session, sql, false, NULL, 0, out);
}

varve_status vv_quarantine_listing_stream(struct vv_op *op,
    struct vv_quarantine_listing *listing, struct ArrowArrayStream *out)
{
    return list_stream(op, listing,
        VV_STR("SELECT \"table\", " LIST_REST "\"table\", arrival::TIMESTAMPTZ, id"), out);
}

varve_status vv_quarantine_list(struct vv_op *op, struct vv_table *table,
    struct ArrowArrayStream *out, int64_t *out_damaged)
{
    VV_CLEANUP(vv_quarantine_listing_done) struct vv_quarantine_listing listing = {0};
    VV_TRY(vv_quarantine_listing_open(op, table->engine, &listing));
    VV_TRY(vv_quarantine_listing_add(op, &listing, table));
    VV_TRY(list_stream(op, &listing, VV_STR("SELECT " LIST_REST "arrival::TIMESTAMPTZ, id"),
        out));
    *out_damaged = listing.damaged;
    return VARVE_OK;
}

static varve_status show_add(struct vv_op *op, const struct vv_quarantine_file *file,
    size_t index, struct vv_text_appender *appender, int64_t number_of_row)
{
    struct vv_str values[SHOW_COLUMNS] = {0};
    struct vv_quarantine_row row;
    VV_TRY(vv_quarantine_row_read(op, &op->arena, file, index, &row));
    const struct vv_json *reason = first_reason(&row);
    values[SHOW_ID] = file->id;
    values[SHOW_ARRIVAL] = time_text(op, file->arrival_us);
    values[SHOW_ROW] = number(op, row.row);
    if (row.line > 0)
        values[SHOW_LINE] = number(op, row.line);
    values[SHOW_SOURCE] = row.source;
    values[SHOW_COLUMN] = vv_json_text(vv_json_get(reason, "column"));
    values[SHOW_VALUE] = vv_json_text(vv_json_get(reason, "value"));
    values[SHOW_RULE] = vv_json_text(vv_json_get(reason, "rule"));
    values[SHOW_RULES] = number(op, (int64_t)vv_json_len(row.reasons));
    VV_TRY(vv_json_write_value(op, row.values, &op->arena, &values[SHOW_VALUES]));
    return vv_text_appender_row(op, appender, number_of_row, values);
}

varve_status vv_quarantine_show(struct vv_op *op, struct vv_table *table, struct vv_str id,
    struct ArrowArrayStream *out)
{
    VV_CLEANUP(vv_session_close) struct vv_session *session = NULL;
    VV_CLEANUP(vv_text_appender_close) struct vv_text_appender *appender = NULL;
    const struct vv_str names[SHOW_COLUMNS] = {VV_STR("id"), VV_STR("arrival"), VV_STR("row"),
        VV_STR("line"), VV_STR("source"), VV_STR("column"), VV_STR("value"), VV_STR("rule"),
        VV_STR("rules"), VV_STR("values")};
    struct vv_str *ids = &id;
    size_t len = 1;
    int64_t rows = 0;
    bool is_named = id.ptr != NULL;
    if (!is_named)
        VV_TRY(vv_quarantine_ids(op, table, &op->arena, &ids, &len));
    VV_TRY(vv_session_open(op, table->engine, &session));
    VV_TRY(vv_text_appender_open(op, session, VV_STR("shown"), VV_STR("_row"), names,
        SHOW_COLUMNS, &appender));
    for (size_t i = 0; i < len; i++) {
        struct vv_quarantine_file file;
        varve_status status = vv_quarantine_read(op, table, &op->arena, ids[i], &file);
        if (status == VARVE_ENOTFOUND && !is_named) {
            vv_forgive(op); /* another process has taken it since */
            continue;
        }
        VV_TRY(status);
        for (size_t line = 0; line < file.lines_len; line++)
            VV_TRY(show_add(op, &file, line, appender, rows++));
    }
    VV_TRY(vv_text_appender_finish(op, appender));
    vv_text_appender_close(&appender);
    return vv_session_stream(op, &session,
        VV_STR("SELECT id, arrival::TIMESTAMPTZ AS arrival, \"row\"::BIGINT AS \"row\", "
               "\"line\"::BIGINT AS \"line\", source, \"column\", \"value\", rule, "
               "rules::BIGINT AS rules, \"values\" "
               "FROM shown ORDER BY arrival::TIMESTAMPTZ, id, _row"),
        false, NULL, 0, out);
}
