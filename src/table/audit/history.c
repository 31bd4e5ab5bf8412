/*
 * The history as rows, without the engine.
 */
#include "base/json.h"
#include "base/time.h"
#include "engine/arrow_rows.h"
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

static void put_number(struct vv_arrow_cell *cell, struct vv_str text)
{
    cell->is_null = !vv_str_int64(text, &cell->number);
}

static varve_status add_entry(struct vv_op *op, struct vv_arrow_rows *rows,
    const struct vv_history_entry *entry)
{
    struct vv_str values[COLUMNS] = {0};
    struct vv_arrow_cell cells[COLUMNS] = {0};
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
    for (size_t i = 0; i < COLUMNS; i++)
        cells[i] = (struct vv_arrow_cell){.is_null = values[i].ptr == NULL, .text = values[i]};
    cells[VERSION] = (struct vv_arrow_cell){.number = entry->version};
    cells[TIMESTAMP].is_null =
        __builtin_mul_overflow(entry->timestamp_ms, VV_US_PER_MS, &cells[TIMESTAMP].number);
    put_number(&cells[ROWS], values[ROWS]);
    put_number(&cells[FILES], values[FILES]);
    return vv_arrow_rows_add(op, rows, cells);
}

/* A history without versions that were there would say that nothing was done then. */
static void warn_of_gaps(struct vv_op *op, const struct vv_history_entry *entries, size_t len)
{
    for (size_t i = 0; i + 1 < len; i++)
        if (entries[i].version > entries[i + 1].version + 1)
            vv_log(op, VV_LOG_WARN, "history.gap",
                "the commits of versions %" PRId64 " to %" PRId64
                " are gone: what they did is not told",
                entries[i + 1].version + 1, entries[i].version - 1);
}

static varve_status give_rows(struct vv_op *op, const struct vv_history_entry *entries,
    size_t len, struct ArrowArrayStream *out)
{
    static const struct vv_arrow_column columns[COLUMNS] = {{"version", VV_ARROW_BIGINT},
        {"timestamp", VV_ARROW_TIMESTAMPTZ}, {"userName", VV_ARROW_TEXT},
        {"operation", VV_ARROW_TEXT}, {"operationParameters", VV_ARROW_TEXT},
        {"operationMetrics", VV_ARROW_TEXT}, {"userMetadata", VV_ARROW_TEXT},
        {"engineInfo", VV_ARROW_TEXT}, {"rows", VV_ARROW_BIGINT}, {"files", VV_ARROW_BIGINT}};
    VV_CLEANUP(vv_arrow_rows_close) struct vv_arrow_rows *rows = NULL;
    warn_of_gaps(op, entries, len);
    VV_TRY(vv_arrow_rows_open(op, columns, COLUMNS, &rows));
    for (size_t i = 0; i < len; i++)
        VV_TRY(add_entry(op, rows, &entries[i]));
    return vv_arrow_rows_stream(op, rows, out);
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
    return give_rows(op, entries, len, out);
}

varve_status vv_log_history_rows_to(struct vv_op *op, const struct vv_log_handle *log,
    int64_t version, int64_t limit, struct ArrowArrayStream *out)
{
    struct vv_history_entry *entries = NULL;
    size_t len = 0;
    /* Listed as a whole: times of files are held below those of the commits that follow. */
    VV_TRY(tell_damage(op, vv_log_history(op, log, version, limit > 0 ? (size_t)limit : 0,
                               &op->arena, &entries, &len)));
    return give_rows(op, entries, len, out);
}

/* What was known: of a table that was not made by then no operation. */
static varve_status known_history(struct vv_op *op, struct vv_table *table, int64_t limit,
    struct ArrowArrayStream *out)
{
    VV_CLEANUP(vv_snapshot_release) struct vv_snapshot *snapshot = NULL;
    VV_TRY(vv_table_seek(op, table, VV_STR_NONE, &snapshot));
    if (snapshot->version == VV_NO_VERSION)
        return give_rows(op, NULL, 0, out);
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
