#include "api/api.h"
#include "base/json_write.h"
#include "base/time.h"
#include "lake/report.h"
#include "varve/report.h"

static void add_time(struct vv_json_writer *writer, const char *name, int64_t us)
{
    char time[32];
    vv_jw_key_string(writer, name, (struct vv_str){time, vv_time_format_us(us, time)});
}

static varve_status gaps_json(struct vv_op *op, const struct vv_gaps_result *result,
    char **out_json)
{
    VV_CLEANUP(vv_buf_done) struct vv_buf json = VV_BUF_INIT(VV_BUF_MAX);
    struct vv_json_writer writer = VV_JSON_WRITER_INIT(&json);
    vv_jw_object(&writer);
    vv_jw_key_string(&writer, "calendar", result->calendar);
    vv_jw_key_string(&writer, "time", result->time);
    vv_jw_key_bool(&writer, "by_order", result->by_order);
    add_time(&writer, "from", result->from_us);
    add_time(&writer, "to", result->to_us);
    vv_jw_key_int(&writer, "groups", result->groups);
    vv_jw_key_int(&writer, "expected", result->expected);
    vv_jw_key_int(&writer, "missing", result->missing);
    if (result->expected > 0) {
        vv_jw_key(&writer, "coverage");
        vv_jw_double(&writer,
            (double)(result->expected - result->missing) / (double)result->expected);
    }
    vv_jw_key_int(&writer, "rows", result->rows);
    vv_jw_key_int(&writer, "outside", result->outside);
    if (result->newest_us != INT64_MIN)
        add_time(&writer, "newest", result->newest_us);
    vv_jw_end(&writer);
    return vv_api_give_text(op, &json, out_json);
}

static varve_status check_table(struct vv_op *op, const char *table)
{
    if (table == NULL || *table == '\0')
        return vv_fail(op, VARVE_EUSAGE, "which table?");
    return VARVE_OK;
}

static varve_status gaps(struct vv_op *op, varve_lake *lake, const char *table,
    const varve_gaps_options *given, struct ArrowArrayStream *out, char **out_json)
{
    varve_gaps_options options = VARVE_GAPS_OPTIONS_INIT;
    struct vv_gaps_result result = {0};
    struct ArrowArrayStream stream = {0};
    VV_TRY(vv_api_options(op, given, &options, sizeof(options)));
    VV_TRY(vv_api_check_span(op, options.last, options.from, options.to, options.at));
    VV_TRY(check_table(op, table));
    const struct vv_gaps_request request = {.table = vv_str_of(table),
        .span = {vv_api_text(options.last), vv_api_text(options.from), vv_api_text(options.to)},
        .every = vv_api_text(options.every),
        .calendar = vv_api_text(options.calendar),
        .by = vv_api_text(options.by),
        .at = vv_api_text(options.at),
        .is_coverage = options.coverage != 0};
    VV_TRY(vv_lake_gaps(op, lake->lake, &request, &stream, &result));
    varve_status status = out_json != NULL ? gaps_json(op, &result, out_json) : VARVE_OK;
    return vv_api_give_stream(status, &stream, out);
}

varve_status varve_lake_gaps(varve_lake *lake, const char *table,
    const varve_gaps_options *options, struct ArrowArrayStream *out, char **out_json,
    varve_error *err)
{
    VV_CLEANUP(vv_op_done) struct vv_op op;
    vv_api_begin(&op, lake);
    return vv_op_report(&op, gaps(&op, lake, table, options, out, out_json), err);
}

static varve_status lateness(struct vv_op *op, varve_lake *lake, const char *table,
    const varve_lateness_options *given, struct ArrowArrayStream *out)
{
    varve_lateness_options options = VARVE_LATENESS_OPTIONS_INIT;
    VV_TRY(vv_api_options(op, given, &options, sizeof(options)));
    VV_TRY(vv_api_check_span(op, options.last, options.from, options.to, options.at));
    VV_TRY(check_table(op, table));
    const struct vv_lateness_request request = {.table = vv_str_of(table),
        .span = {vv_api_text(options.last), vv_api_text(options.from), vv_api_text(options.to)},
        .by = vv_api_text(options.by),
        .at = vv_api_text(options.at)};
    return vv_lake_lateness(op, lake->lake, &request, out);
}

varve_status varve_lake_lateness(varve_lake *lake, const char *table,
    const varve_lateness_options *options, struct ArrowArrayStream *out, varve_error *err)
{
    VV_CLEANUP(vv_op_done) struct vv_op op;
    vv_api_begin(&op, lake);
    return vv_op_report(&op, lateness(&op, lake, table, options, out), err);
}

static varve_status transitions(struct vv_op *op, varve_lake *lake,
    const varve_transitions_options *given, struct ArrowArrayStream *out, char **out_symbol)
{
    VV_CLEANUP(vv_buf_done) struct vv_buf text = VV_BUF_INIT(VV_BUF_MAX);
    varve_transitions_options options = VARVE_TRANSITIONS_OPTIONS_INIT;
    struct ArrowArrayStream stream = {0};
    struct vv_str symbol = VV_STR_NONE;
    VV_TRY(vv_api_options(op, given, &options, sizeof(options)));
    VV_TRY(vv_api_check_span(op, options.last, options.from, options.to, options.at));
    const struct vv_transitions_request request = {
        .span = {vv_api_text(options.last), vv_api_text(options.from), vv_api_text(options.to)},
        .symbol = vv_api_text(options.symbol),
        .at = vv_api_text(options.at),
        .by_symbol = options.by_symbol != 0,
        .changes_only = options.changes_only != 0};
    VV_TRY(vv_lake_transitions(op, lake->lake, &request, &stream, &symbol));
    vv_buf_add(&text, symbol);
    varve_status status =
        out_symbol != NULL ? vv_api_give_text(op, &text, out_symbol) : VARVE_OK;
    return vv_api_give_stream(status, &stream, out);
}

varve_status varve_lake_transitions(varve_lake *lake, const varve_transitions_options *options,
    struct ArrowArrayStream *out, char **out_symbol, varve_error *err)
{
    VV_CLEANUP(vv_op_done) struct vv_op op;
    vv_api_begin(&op, lake);
    return vv_op_report(&op, transitions(&op, lake, options, out, out_symbol), err);
}
