#include "api/api.h"
#include "base/json_write.h"
#include "base/time.h"
#include "lake/report.h"
#include "varve/report.h"

static varve_status correlate_json(struct vv_op *op, const struct vv_correlate_result *result,
    int32_t knowledge, char **out_json)
{
    static const char *const names[] = {"order", "commit", "event"};
    VV_CLEANUP(vv_buf_done) struct vv_buf json = VV_BUF_INIT(VV_BUF_MAX);
    struct vv_json_writer writer = VV_JSON_WRITER_INIT(&json);
    char time[32];
    vv_jw_object(&writer);
    if (result->symbol.ptr != NULL)
        vv_jw_key_string(&writer, "symbol", result->symbol);
    vv_jw_key_int(&writer, "symbols", result->symbols);
    vv_jw_key_string(&writer, "knowledge", vv_str_of(names[knowledge]));
    vv_jw_key_int(&writer, "rows", result->rows);
    vv_jw_key_int(&writer, "rows_without_pnl", result->rows_no_pnl);
    vv_jw_key_int(&writer, "without_regime", result->pairs_no_regime);
    vv_jw_key_int(&writer, "late", result->pairs_late);
    vv_jw_key_int(&writer, "different", result->pairs_other);
    vv_jw_key_int(&writer, "undated_regimes", result->regimes_undated);
    vv_jw_key_int(&writer, "undated_files", result->files_undated);
    if (result->rows == 0 && result->newest_us != INT64_MIN)
        vv_jw_key_string(&writer, "newest",
            (struct vv_str){time, vv_time_format_us(result->newest_us, time)});
    vv_jw_end(&writer);
    return vv_api_give_text(op, &json, out_json);
}

static varve_status correlate(struct vv_op *op, varve_lake *lake,
    const varve_correlate_options *given, struct ArrowArrayStream *out, char **out_json)
{
    varve_correlate_options options = VARVE_CORRELATE_OPTIONS_INIT;
    struct vv_correlate_result result = {0};
    struct ArrowArrayStream stream = {0};
    VV_TRY(vv_api_options(op, given, &options, sizeof(options)));
    if (options.knowledge < VARVE_KNOWLEDGE_ORDER || options.knowledge > VARVE_KNOWLEDGE_EVENT)
        return vv_fail(op, VARVE_EUSAGE, "knowledge %d: there are 0 to 2", options.knowledge);
    struct vv_correlate_request request = {
        .span = {vv_api_text(options.last), vv_api_text(options.from), vv_api_text(options.to)},
        .symbol = vv_api_text(options.symbol),
        .at = vv_api_text(options.at),
        .knowledge = options.knowledge == VARVE_KNOWLEDGE_ORDER    ? VV_KNOWN_ORDER
                     : options.knowledge == VARVE_KNOWLEDGE_COMMIT ? VV_KNOWN_COMMIT
                                                                   : VV_KNOWN_EVENT,
        .by_symbol = options.by_symbol != 0};
    VV_TRY(vv_lake_correlate(op, lake->lake, &request, &stream, &result));
    varve_status status = VARVE_OK;
    if (out_json != NULL)
        status = correlate_json(op, &result, options.knowledge, out_json);
    if (status != VARVE_OK)
        stream.release(&stream);
    else
        *out = stream;
    return status;
}

varve_status varve_lake_correlate(varve_lake *lake, const varve_correlate_options *options,
    struct ArrowArrayStream *out, char **out_json, varve_error *err)
{
    VV_CLEANUP(vv_op_done) struct vv_op op;
    vv_api_begin(&op, lake);
    return vv_op_report(&op, correlate(&op, lake, options, out, out_json), err);
}

static varve_status signals(struct vv_op *op, varve_lake *lake,
    const varve_signals_options *given, struct ArrowArrayStream *out)
{
    varve_signals_options options = VARVE_SIGNALS_OPTIONS_INIT;
    VV_TRY(vv_api_options(op, given, &options, sizeof(options)));
    if (options.report < VARVE_SIGNALS_AUDIT || options.report > VARVE_SIGNALS_LATENCY)
        return vv_fail(op, VARVE_EUSAGE, "signal report %d: there are 0 to 2", options.report);
    struct vv_signals_request request = {
        .report = options.report == VARVE_SIGNALS_AUDIT    ? VV_SIGNALS_AUDIT
                  : options.report == VARVE_SIGNALS_MISSED ? VV_SIGNALS_MISSED
                                                           : VV_SIGNALS_LATENCY,
        .span = {vv_api_text(options.last), vv_api_text(options.from), vv_api_text(options.to)},
        .strategy = vv_api_text(options.strategy),
        .at = vv_api_text(options.at),
        .min_value = options.min_value_set != 0 ? options.min_value : 0.8};
    return vv_lake_signals(op, lake->lake, &request, out);
}

varve_status varve_lake_signals(varve_lake *lake, const varve_signals_options *options,
    struct ArrowArrayStream *out, varve_error *err)
{
    VV_CLEANUP(vv_op_done) struct vv_op op;
    vv_api_begin(&op, lake);
    return vv_op_report(&op, signals(&op, lake, options, out), err);
}
