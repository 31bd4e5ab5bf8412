/*
 * The history as rows: a temporary table of texts, cast on the way out.
 */
#include "base/json.h"
#include "base/time.h"
#include "table/describe.h"
#include "table/read/read.h"

enum {
    VERSION,
    TIMESTAMP,
    USER_NAME,
    OPERATION,
    PARAMETERS,
    METRICS,
    USER_METADATA,
    ENGINE_INFO,
    ROWS,
    FILES,
    COLUMNS
};

/* The first of some metrics that is there, as text: Spark writes strings, others numbers. */
static struct vv_str metric(const struct vv_json *metrics, const char *const *names, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        struct vv_str text = vv_json_text(vv_json_get(metrics, names[i]));
        int64_t value;
        if (text.ptr != NULL && vv_str_int64(text, &value))
            return text;
    }
    return VV_STR_NONE;
}

/* Rows and files that the operation wrote or removed, whoever's names its metrics have. */
static varve_status summarise(struct vv_op *op, const struct vv_commit_info *info,
    struct vv_str *values)
{
    static const char *const row_names[] = {"numOutputRows", "numDeletedRows", "numUpdatedRows",
        "num_added_rows", "num_output_rows", "num_deleted_rows", "num_updated_rows"};
    static const char *const file_names[] = {"numTargetFilesAdded", "numAddedFiles", "numFiles",
        "num_added_files", "num_target_files_added"};
    static const char *const taken_names[] = {"numDeletedRows", "num_deleted_rows"};
    int64_t inserted = 0;
    int64_t updated = 0;
    bool is_merge =
        vv_json_int64(vv_json_get(info->metrics, "numTargetRowsInserted"), &inserted) &&
        vv_json_int64(vv_json_get(info->metrics, "numTargetRowsUpdated"), &updated);
    values[FILES] = metric(info->metrics, file_names, VV_COUNT(file_names));
    values[ROWS] = metric(info->metrics, row_names, VV_COUNT(row_names));
    /* What took rows and put none in their place. */
    if (values[ROWS].len == 1 && values[ROWS].ptr[0] == '0')
        values[ROWS] = metric(info->metrics, taken_names, VV_COUNT(taken_names));
    if (values[ROWS].ptr == NULL)
        values[ROWS] = metric(info->metrics, row_names, VV_COUNT(row_names));
    if (is_merge)
        values[ROWS] = vv_arena_format(&op->arena, "%" PRId64, inserted + updated);
    return is_merge && values[ROWS].ptr == NULL ? vv_fail_memory(op) : VARVE_OK;
}

static varve_status add_entry(struct vv_op *op, struct vv_text_appender *appender, int64_t row,
    const struct vv_history_entry *entry)
{
    struct vv_str values[COLUMNS] = {0};
    char time[32];
    size_t time_len = vv_time_format_ms(entry->timestamp_ms, time);
    values[VERSION] = vv_str_or_lost(vv_arena_format(&op->arena, "%" PRId64, entry->version));
    values[TIMESTAMP] = (struct vv_str){time, time_len};
    if (entry->info != NULL) {
        const struct vv_commit_info *info = entry->info;
        values[USER_NAME] = info->user_name;
        values[OPERATION] = info->operation;
        values[USER_METADATA] = info->user_metadata;
        values[ENGINE_INFO] = info->engine_info;
        if (info->parameters != NULL)
            VV_TRY(vv_json_write_value(op, info->parameters, &op->arena, &values[PARAMETERS]));
        if (info->metrics != NULL)
            VV_TRY(vv_json_write_value(op, info->metrics, &op->arena, &values[METRICS]));
        VV_TRY(summarise(op, info, values));
    }
    return vv_text_appender_row(op, appender, row, values);
}

static varve_status give_rows(struct vv_op *op, struct vv_engine *engine,
    const struct vv_history_entry *entries, size_t len, struct ArrowArrayStream *out)
{
    VV_CLEANUP(vv_session_close) struct vv_session *session = NULL;
    VV_CLEANUP(vv_text_appender_close) struct vv_text_appender *appender = NULL;
    const struct vv_str names[COLUMNS] = {VV_STR("version"), VV_STR("timestamp"),
        VV_STR("userName"), VV_STR("operation"), VV_STR("operationParameters"),
        VV_STR("operationMetrics"), VV_STR("userMetadata"), VV_STR("engineInfo"),
        VV_STR("rows"), VV_STR("files")};
    VV_TRY(vv_session_open(op, engine, &session));
    VV_TRY(vv_text_appender_open(op, session, VV_STR("history"), VV_STR("_row"), names, COLUMNS,
        &appender));
    for (size_t i = 0; i < len; i++)
        VV_TRY(add_entry(op, appender, (int64_t)i, &entries[i]));
    VV_TRY(vv_text_appender_finish(op, appender));
    vv_text_appender_close(&appender);
    return vv_session_stream(op, &session,
        VV_STR("SELECT version::BIGINT AS version, \"timestamp\"::TIMESTAMPTZ AS "
               "\"timestamp\", "
               "userName, operation, operationParameters, operationMetrics, userMetadata, "
               "engineInfo, TRY_CAST(\"rows\" AS BIGINT) AS \"rows\", "
               "TRY_CAST(files AS BIGINT) AS files FROM history ORDER BY _row"),
        false, NULL, 0, out);
}

/* What can be told though a commit is damaged. */
static varve_status tell_damage(struct vv_op *op, varve_status status)
{
    if (status == VARVE_ECORRUPT && op->error.version > 0)
        vv_detail(op,
            "what version %" PRId64 " did can't be told; what came before it can: say --at "
            "%" PRId64,
            op->error.version, op->error.version - 1);
    return status;
}

static varve_status history(struct vv_op *op, const struct vv_log_handle *log, int64_t latest,
    int64_t limit, struct ArrowArrayStream *out)
{
    struct vv_history_entry *entries = NULL;
    size_t len = 0;
    VV_TRY(tell_damage(op,
        limit > 0
            ? vv_log_history_latest(op, log, latest, (size_t)limit, &op->arena, &entries, &len)
            : vv_log_history(op, log, VV_NO_VERSION, 0, &op->arena, &entries, &len)));
    return give_rows(op, log->engine, entries, len, out);
}

varve_status vv_log_history_rows_to(struct vv_op *op, const struct vv_log_handle *log,
    int64_t version, int64_t limit, struct ArrowArrayStream *out)
{
    struct vv_history_entry *entries = NULL;
    size_t len = 0;
    /* Listed as a whole: times of files are held below those of the commits that follow. */
    VV_TRY(tell_damage(op, vv_log_history(op, log, version, limit > 0 ? (size_t)limit : 0,
                               &op->arena, &entries, &len)));
    return give_rows(op, log->engine, entries, len, out);
}

/* What was known: of a table that was not made by then no operation. */
static varve_status known_history(struct vv_op *op, struct vv_table *table, int64_t limit,
    struct ArrowArrayStream *out)
{
    VV_CLEANUP(vv_snapshot_release) struct vv_snapshot *snapshot = NULL;
    VV_TRY(vv_table_seek(op, table, VV_STR_NONE, &snapshot));
    if (snapshot->version == VV_NO_VERSION)
        return give_rows(op, table->engine, NULL, 0, out);
    return vv_log_history_rows_to(op, &table->log, snapshot->version, limit, out);
}

static varve_status table_history(struct vv_op *op, struct vv_table *table, struct vv_str at,
    int64_t limit, struct ArrowArrayStream *out)
{
    int64_t version = VV_NO_VERSION;
    at = vv_str_trim(at);
    if (at.len > 0) {
        VV_TRY(vv_log_at(op, &table->log, table->name, at, &version));
        return vv_log_history_rows_to(op, &table->log, version, limit, out);
    }
    if (vv_table_is_known_at(table))
        return known_history(op, table, limit, out);
    VV_TRY(vv_table_refresh(op, table));
    return history(op, &table->log, table->snapshot->version, limit, out);
}

varve_status vv_table_history(struct vv_op *op, struct vv_table *table, struct vv_str at,
    int64_t limit, struct ArrowArrayStream *out)
{
    if (table_history(op, table, at, limit, out) != VARVE_OK)
        return vv_note_table(op, table->name);
    return VARVE_OK;
}

varve_status vv_log_history_rows(struct vv_op *op, const struct vv_log_handle *log,
    int64_t limit, struct ArrowArrayStream *out)
{
    struct vv_log_segment segment;
    VV_TRY(vv_log_find(op, log, VV_NO_VERSION, INT64_MAX, &op->arena, &segment));
    return history(op, log, segment.version, limit, out);
}
