#include "api/api.h"

#include "base/json_write.h"
#include "base/seam.h"
#include "base/time.h"
#include "table/audit/changes.h"
#include "table/maintain/checkpoint.h"
#include "table/describe.h"
#include "table/read/read.h"
#include "table/audit/trace.h"
#include "table/upsert/upsert.h"
#include "table/audit/why.h"
#include "varve/dml.h"
#include "varve/inspect.h"

static varve_status open_table(struct vv_op *op, varve_lake *lake, const char *name,
    varve_table **out)
{
    struct vv_table *inner = NULL;
    if (name == NULL || name[0] == '\0')
        return vv_fail(op, VARVE_EUSAGE, "no table given");
    VV_TRY(vv_lake_table_for_any(op, lake->lake, vv_str_of(name), &inner));
    varve_table *table = vv_malloc(sizeof(*table));
    if (table == NULL) {
        vv_table_close(&inner);
        return vv_fail_memory(op);
    }
    *table = (varve_table){.lake = lake, .table = inner};
    *out = table;
    return VARVE_OK;
}

varve_status varve_table_open(varve_lake *lake, const char *name, varve_table **out,
    varve_error *err)
{
    VV_CLEANUP(vv_op_done) struct vv_op op;
    vv_api_begin(&op, lake);
    return vv_op_report(&op, open_table(&op, lake, name, out), err);
}

void varve_table_close(varve_table *table)
{
    if (table == NULL)
        return;
    vv_table_close(&table->table);
    vv_free(table->warnings);
    vv_free(table);
}

varve_status varve_table_refresh(varve_table *table, int64_t *out_version, varve_error *err)
{
    VV_CLEANUP(vv_op_done) struct vv_op op;
    vv_api_begin(&op, table->lake);
    varve_status status = vv_table_refresh(&op, table->table);
    if (status == VARVE_OK && out_version != NULL)
        *out_version = table->table->snapshot->version;
    return vv_api_report(&op, table, status, err);
}

static varve_status describe(struct vv_op *op, varve_table *table, const char *at,
    char **out_json)
{
    VV_CLEANUP(vv_buf_done) struct vv_buf json = VV_BUF_INIT(VV_BUF_MAX);
    VV_CLEANUP(vv_snapshot_release) struct vv_snapshot *snapshot = NULL;
    struct vv_str place = VV_STR_NONE;
    VV_TRY(vv_api_given(op, "at", at, &place));
    VV_TRY(vv_table_seek(op, table->table, place, &snapshot));
    VV_TRY(vv_table_describe(op, table->table, snapshot, &json));
    return vv_api_give_text(op, &json, out_json);
}

varve_status varve_table_describe(varve_table *table, const char *at, char **out_json,
    varve_error *err)
{
    VV_CLEANUP(vv_op_done) struct vv_op op;
    vv_api_begin(&op, table->lake);
    return vv_api_report(&op, table, describe(&op, table, at, out_json), err);
}

static varve_status convert_input(struct vv_op *op, const varve_input *given,
    struct vv_input *out)
{
    if (given->use_fd != 0 && given->fd < 0)
        return vv_fail(op, VARVE_EUSAGE, "an input from descriptor %d: there is none below 0",
            given->fd);
    *out = (struct vv_input){.fd = given->use_fd != 0 ? given->fd : -1,
        .path = vv_api_text(given->path),
        .name = vv_api_text(given->path),
        .stream = given->stream};
    if (given->format == VARVE_FORMAT_CSV)
        out->format = VV_INPUT_CSV;
    else if (given->format == VARVE_FORMAT_NDJSON)
        out->format = VV_INPUT_NDJSON;
    else if (given->format == VARVE_FORMAT_PARQUET)
        out->format = VV_INPUT_PARQUET;
    else if (given->format == VARVE_FORMAT_ARROW_IPC)
        out->format = VV_INPUT_IPC;
    else if (given->format == VARVE_FORMAT_ARROW && given->stream != NULL)
        out->format = VV_INPUT_ARROW;
    else
        return vv_fail(op, VARVE_EUSAGE, "input format %d is not known, or has no stream",
            given->format);
    if (out->format != VV_INPUT_ARROW && out->fd < 0 && out->path.ptr == NULL)
        return vv_fail(op, VARVE_EUSAGE, "an input without a path");
    return VARVE_OK;
}

varve_status vv_api_inputs(struct vv_op *op, const varve_input *given, size_t len,
    struct vv_input **out)
{
    VV_NEW(op, out, struct vv_input, len + 1);
    for (size_t i = 0; i < len; i++)
        VV_TRY(convert_input(op, &given[i], &(*out)[i]));
    return VARVE_OK;
}

void vv_api_inputs_release(const varve_input *inputs, size_t len)
{
    for (size_t i = 0; i < len; i++)
        if (inputs[i].stream != NULL && inputs[i].stream->release != NULL)
            inputs[i].stream->release(inputs[i].stream);
}

/* The options of an upsert or append, as the layers below want them. */
static varve_status convert_upsert(struct vv_op *op, const varve_table *table,
    const varve_upsert_options *given, struct vv_upsert_options *out)
{
    varve_upsert_options options = VARVE_UPSERT_OPTIONS_INIT;
    const struct vv_lake *lake = table->lake->lake;
    VV_TRY(vv_api_options(op, given, &options, sizeof(options)));
    struct vv_str message;
    VV_TRY(vv_api_message(op, table, options.message, &message));
    *out = (struct vv_upsert_options){.batch = {.input_tz = vv_api_text(options.input_tz),
                                          .truncate_time = options.truncate_time != 0,
                                          .reject_rows = options.quarantine != 0,
                                          .evolve = options.evolve != 0},
        .app_id = vv_api_text(options.app_id),
        .app_version = options.app_version,
        .attempts_max = options.attempts_max,
        .user_name = lake->user,
        .user_metadata = message,
        .quarantine = options.quarantine != 0,
        .dry_run = options.dry_run != 0,
        .allow_duplicates = options.allow_duplicates != 0};
    return vv_api_check_app(op, out->app_id, options.app_version);
}

void vv_api_upsert_result(const struct vv_upsert_result *result, varve_upsert_result *out)
{
    *out = (varve_upsert_result){.rows_in = result->rows_in,
        .inserted = result->inserted,
        .updated = result->updated,
        .unchanged = result->unchanged,
        .stale = result->stale,
        .duplicates_in_batch = result->duplicates_in_batch,
        .rejected = result->rejected,
        .repaired = result->repaired,
        .already_applied = result->already_applied ? 1 : 0,
        .rows_written = result->rows_written,
        .version = result->version,
        .files_added = result->files_added,
        .files_removed = result->files_removed,
        .attempts = result->attempts,
        .columns_added = result->columns_added,
        .rows_warned = result->warned.rows,
        .times_ambiguous = result->times_ambiguous};
}

const char *vv_api_warnings(struct vv_op *op, const struct vv_warned *warned, char **text)
{
    VV_CLEANUP(vv_buf_done) struct vv_buf json = VV_BUF_INIT(VV_BUF_MAX);
    struct vv_json_writer writer = VV_JSON_WRITER_INIT(&json);
    vv_free(*text);
    *text = NULL;
    if (warned->rows == 0)
        return NULL;
    vv_warned_write(warned, &writer);
    if (vv_api_give_text(op, &json, text) != VARVE_OK)
        vv_forgive(op);
    return *text;
}

varve_status vv_api_upsert(struct vv_op *op, varve_table *table, const varve_input *inputs,
    size_t inputs_len, const varve_upsert_options *given, bool append, varve_upsert_result *out)
{
    struct vv_upsert_options options;
    struct vv_input *inner_inputs = NULL;
    struct vv_upsert_result result;
    VV_TRY(convert_upsert(op, table, given, &options));
    VV_TRY(vv_api_inputs(op, inputs, inputs_len, &inner_inputs));
    options.append = append;
    options.batch.dedupe = !append;
    VV_TRY(vv_upsert(op, table->table, inner_inputs, inputs_len, &options, &result));
    vv_api_upsert_result(&result, out);
    out->warnings = vv_api_warnings(op, &result.warned, &table->warnings);
    return VARVE_OK;
}

static varve_status run_upsert(varve_table *table, const varve_input *inputs, size_t inputs_len,
    const varve_upsert_options *options, bool append, varve_upsert_result *out,
    varve_error *err)
{
    VV_CLEANUP(vv_op_done) struct vv_op op;
    vv_api_begin(&op, table->lake);
    varve_status status = vv_api_upsert(&op, table, inputs, inputs_len, options, append, out);
    vv_api_inputs_release(inputs, inputs_len);
    return vv_api_report(&op, table, status, err);
}

varve_status varve_table_upsert(varve_table *table, const varve_input *inputs,
    size_t inputs_len, const varve_upsert_options *options, varve_upsert_result *out,
    varve_error *err)
{
    return run_upsert(table, inputs, inputs_len, options, false, out, err);
}

varve_status varve_table_append(varve_table *table, const varve_input *inputs,
    size_t inputs_len, const varve_upsert_options *options, varve_upsert_result *out,
    varve_error *err)
{
    return run_upsert(table, inputs, inputs_len, options, true, out, err);
}

varve_status vv_api_check_limit(struct vv_op *op, int64_t limit)
{
    if (limit < 0)
        return vv_fail(op, VARVE_EUSAGE, "a limit of %" PRId64 " rows", limit);
    return VARVE_OK;
}

varve_status vv_api_scan_request(struct vv_op *op, const varve_scan_options *options,
    struct vv_scan_request *out)
{
    const struct vv_api_given given[] = {{"where", options->where}, {"at", options->at}};
    VV_TRY(vv_api_check_given(op, given, VV_COUNT(given)));
    *out = (struct vv_scan_request){.columns = vv_api_text(options->columns),
        .where = vv_api_text(options->where),
        .at = vv_api_text(options->at),
        .limit = options->limit};
    return vv_api_check_limit(op, options->limit);
}

static varve_status scan(struct vv_op *op, varve_table *table, const varve_scan_options *given,
    struct ArrowArrayStream *out)
{
    varve_scan_options options = VARVE_SCAN_OPTIONS_INIT;
    struct vv_scan_request request;
    VV_TRY(vv_api_options(op, given, &options, sizeof(options)));
    VV_TRY(vv_api_scan_request(op, &options, &request));
    return vv_table_scan(op, table->table, &request, out);
}

varve_status varve_table_scan(varve_table *table, const varve_scan_options *options,
    struct ArrowArrayStream *out, varve_error *err)
{
    VV_CLEANUP(vv_op_done) struct vv_op op;
    vv_api_begin(&op, table->lake);
    return vv_api_report(&op, table, scan(&op, table, options, out), err);
}

static varve_status latest(struct vv_op *op, varve_table *table,
    const varve_latest_options *given, struct ArrowArrayStream *out)
{
    varve_latest_options options = VARVE_LATEST_OPTIONS_INIT;
    VV_TRY(vv_api_options(op, given, &options, sizeof(options)));
    const struct vv_api_given texts[] = {{"until", options.until}, {"at", options.at}};
    VV_TRY(vv_api_check_given(op, texts, VV_COUNT(texts)));
    struct vv_latest_request request = {.by = vv_api_text(options.by),
        .until = vv_api_text(options.until),
        .at = vv_api_text(options.at)};
    return vv_table_latest(op, table->table, &request, out);
}

varve_status varve_table_latest(varve_table *table, const varve_latest_options *options,
    struct ArrowArrayStream *out, varve_error *err)
{
    VV_CLEANUP(vv_op_done) struct vv_op op;
    vv_api_begin(&op, table->lake);
    return vv_api_report(&op, table, latest(&op, table, options, out), err);
}

static varve_status parse_time(struct vv_op *op, struct vv_str text, int64_t now_us,
    int64_t *out_us)
{
    if (vv_time_parse_bound(text, now_us, out_us))
        return VARVE_OK;
    return vv_fail(op, VARVE_EUSAGE,
        "\"%.*s\" is not a time: say 2025-01-30, 2025-01-30T10:00:00Z, now or -2h",
        VV_ARG(text));
}

/*
 * The interval that a range asks for. `--last` counts back from the time that is read at, where
 * one is given, else from now.
 */
static varve_status find_interval(struct vv_op *op, const struct vv_lake *lake,
    const varve_range_options *options, struct vv_range_request *out)
{
    struct vv_str last = vv_api_text(options->last);
    struct vv_str from = vv_api_text(options->from);
    struct vv_str to = vv_api_text(options->to);
    int64_t now_us = vv_lake_now_us(op, lake);
    int64_t span_us = 7 * VV_US_PER_DAY;
    int64_t version = 0;
    if (out->at.ptr != NULL && !vv_str_int64(out->at, &version))
        (void)vv_time_parse_human(out->at, now_us, &now_us); /* a tag says no time */
    if (last.ptr != NULL && (from.ptr != NULL || to.ptr != NULL))
        return vv_fail(op, VARVE_EUSAGE, "last goes without from and to");
    if (last.ptr != NULL && (!vv_time_parse_duration(last, &span_us) || span_us <= 0))
        return vv_fail(op, VARVE_EUSAGE, "\"%.*s\" is not a span of time: say 90s, 15m, 2h, 7d",
            VV_ARG(last));
    out->from_us = INT64_MIN;
    out->to_us = INT64_MAX;
    if (from.ptr == NULL && to.ptr == NULL)
        out->from_us = now_us - span_us;
    if (from.ptr != NULL)
        VV_TRY(parse_time(op, from, now_us, &out->from_us));
    if (to.ptr != NULL)
        VV_TRY(parse_time(op, to, now_us, &out->to_us));
    if (out->from_us > out->to_us)
        return vv_fail(op, VARVE_EUSAGE, "the range begins at %.*s, after its end, %.*s",
            VV_ARG(from), VV_ARG(to));
    return VARVE_OK;
}

static varve_status range(struct vv_op *op, varve_table *table,
    const varve_range_options *given, struct ArrowArrayStream *out, int64_t *out_newest_us)
{
    varve_range_options options = VARVE_RANGE_OPTIONS_INIT;
    int64_t newest_us = INT64_MIN;
    VV_TRY(vv_api_options(op, given, &options, sizeof(options)));
    VV_TRY(vv_api_check_span(op, options.last, options.from, options.to, options.at));
    struct vv_str symbol = vv_api_text(options.symbol);
    struct vv_str strategy = vv_api_text(options.strategy);
    struct vv_range_request request = {.at = vv_api_text(options.at)};
    if (symbol.ptr != NULL && strategy.ptr != NULL)
        return vv_fail(op, VARVE_EUSAGE, "a symbol or a strategy, not both");
    if (symbol.ptr != NULL) {
        request.column = VV_STR("symbol");
        request.value = symbol;
    } else if (strategy.ptr != NULL) {
        request.column = VV_STR("strategy_id");
        request.value = strategy;
    }
    VV_TRY(find_interval(op, table->lake->lake, &options, &request));
    VV_TRY(vv_table_range(op, table->table, &request, out,
        out_newest_us != NULL ? &newest_us : NULL));
    if (out_newest_us != NULL)
        *out_newest_us = newest_us;
    return VARVE_OK;
}

varve_status varve_table_range(varve_table *table, const varve_range_options *options,
    struct ArrowArrayStream *out, int64_t *out_newest_us, varve_error *err)
{
    VV_CLEANUP(vv_op_done) struct vv_op op;
    vv_api_begin(&op, table->lake);
    return vv_api_report(&op, table, range(&op, table, options, out, out_newest_us), err);
}

varve_status varve_table_history(varve_table *table, int64_t limit,
    struct ArrowArrayStream *out, varve_error *err)
{
    return varve_table_history_at(table, NULL, limit, out, err);
}

static varve_status history(struct vv_op *op, varve_table *table, const char *at, int64_t limit,
    struct ArrowArrayStream *out)
{
    struct vv_str place = VV_STR_NONE;
    VV_TRY(vv_api_given(op, "at", at, &place));
    VV_TRY(vv_api_check_limit(op, limit));
    return vv_table_history(op, table->table, place, limit, out);
}

varve_status varve_table_history_at(varve_table *table, const char *at, int64_t limit,
    struct ArrowArrayStream *out, varve_error *err)
{
    VV_CLEANUP(vv_op_done) struct vv_op op;
    vv_api_begin(&op, table->lake);
    return vv_api_report(&op, table, history(&op, table, at, limit, out), err);
}

varve_status varve_table_files(varve_table *table, const char *at, struct ArrowArrayStream *out,
    varve_error *err)
{
    VV_CLEANUP(vv_op_done) struct vv_op op;
    struct vv_str place = VV_STR_NONE;
    vv_api_begin(&op, table->lake);
    varve_status status = vv_api_given(&op, "at", at, &place);
    if (status == VARVE_OK)
        status = vv_table_files(&op, table->table, place, out);
    return vv_api_report(&op, table, status, err);
}

varve_status varve_table_changes(varve_table *table, const char *from, const char *to,
    struct ArrowArrayStream *out, varve_error *err)
{
    VV_CLEANUP(vv_op_done) struct vv_op op;
    const struct vv_api_given given[] = {{"from", from}, {"to", to}};
    const struct vv_changes_request request = {
        .from = vv_api_text(from), .to = vv_api_text(to)};
    vv_api_begin(&op, table->lake);
    varve_status status = vv_api_check_given(&op, given, VV_COUNT(given));
    if (status == VARVE_OK)
        status = vv_table_changes(&op, table->table, &request, out);
    return vv_api_report(&op, table, status, err);
}

static varve_status trace(struct vv_op *op, varve_table *table, const char *at,
    const char *const *conditions, size_t conditions_len, struct ArrowArrayStream *out)
{
    struct vv_str *texts = NULL;
    struct vv_str place = VV_STR_NONE;
    VV_TRY(vv_api_given(op, "at", at, &place));
    VV_NEW(op, &texts, struct vv_str, conditions_len + 1);
    for (size_t i = 0; i < conditions_len; i++)
        texts[i] = vv_str_of(conditions[i]);
    return vv_trace(op, table->table, place, texts, conditions_len, out);
}

varve_status varve_table_trace(varve_table *table, const char *const *conditions,
    size_t conditions_len, struct ArrowArrayStream *out, varve_error *err)
{
    return varve_table_trace_at(table, NULL, conditions, conditions_len, out, err);
}

varve_status varve_table_trace_at(varve_table *table, const char *at,
    const char *const *conditions, size_t conditions_len, struct ArrowArrayStream *out,
    varve_error *err)
{
    VV_CLEANUP(vv_op_done) struct vv_op op;
    vv_api_begin(&op, table->lake);
    return vv_api_report(&op, table, trace(&op, table, at, conditions, conditions_len, out),
        err);
}

varve_status varve_table_why(varve_table *table, const char *file, struct ArrowArrayStream *out,
    varve_error *err)
{
    VV_CLEANUP(vv_op_done) struct vv_op op;
    vv_api_begin(&op, table->lake);
    varve_status status = vv_api_text(file).len > 0
                              ? vv_why(&op, table->table, vv_api_text(file), out)
                              : vv_fail(&op, VARVE_EUSAGE, "no file given");
    return vv_api_report(&op, table, status, err);
}

varve_status varve_table_checkpoint(varve_table *table, varve_checkpoint_result *out,
    varve_error *err)
{
    VV_CLEANUP(vv_op_done) struct vv_op op;
    struct vv_log_cleaned cleaned = {.first_version = VV_NO_VERSION};
    int64_t version = VV_NO_VERSION;
    vv_api_begin(&op, table->lake);
    varve_status status = vv_table_checkpoint(&op, table->table, &version, &cleaned);
    if (status == VARVE_OK)
        *out = (varve_checkpoint_result){.version = version,
            .commits_cleaned = (int64_t)cleaned.commits,
            .commits_kept = (int64_t)cleaned.kept_in_ledger,
            .log_first_version = cleaned.first_version};
    return vv_api_report(&op, table, status, err);
}
