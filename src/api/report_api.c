#include "api/api.h"
#include "base/json_write.h"
#include "base/time.h"
#include "lake/report.h"
#include "varve/report.h"

static void add_regimes(struct vv_json_writer *writer, const struct vv_regimes_result *result,
    int32_t knowledge)
{
    static const char *const names[] = {"order", "commit", "event"};
    if (result->symbol.ptr != NULL)
        vv_jw_key_string(writer, "symbol", result->symbol);
    vv_jw_key_int(writer, "symbols", result->symbols);
    vv_jw_key_string(writer, "knowledge", vv_str_of(names[knowledge]));
    vv_jw_key_int(writer, "without_regime", result->pairs_no_regime);
    vv_jw_key_int(writer, "late", result->pairs_late);
    vv_jw_key_int(writer, "different", result->pairs_other);
    vv_jw_key_int(writer, "undated_regimes", result->regimes_undated);
    vv_jw_key_int(writer, "undated_files", result->files_undated);
}

static void add_newest(struct vv_json_writer *writer, int64_t rows, int64_t newest_us)
{
    char time[32];
    if (rows == 0 && newest_us != INT64_MIN)
        vv_jw_key_string(writer, "newest",
            (struct vv_str){time, vv_time_format_us(newest_us, time)});
}

static varve_status correlate_json(struct vv_op *op, const struct vv_correlate_result *result,
    int32_t knowledge, char **out_json)
{
    VV_CLEANUP(vv_buf_done) struct vv_buf json = VV_BUF_INIT(VV_BUF_MAX);
    struct vv_json_writer writer = VV_JSON_WRITER_INIT(&json);
    vv_jw_object(&writer);
    add_regimes(&writer, &result->regimes, knowledge);
    vv_jw_key_int(&writer, "rows", result->rows);
    vv_jw_key_int(&writer, "rows_without_pnl", result->rows_no_pnl);
    add_newest(&writer, result->rows, result->newest_us);
    vv_jw_end(&writer);
    return vv_api_give_text(op, &json, out_json);
}

varve_status vv_api_knowledge(struct vv_op *op, int32_t given, enum vv_knowledge *out)
{
    if (given < VARVE_KNOWLEDGE_ORDER || given > VARVE_KNOWLEDGE_EVENT)
        return vv_fail(op, VARVE_EUSAGE, "knowledge %d: there are 0 to 2", given);
    *out = given == VARVE_KNOWLEDGE_ORDER    ? VV_KNOWN_ORDER
           : given == VARVE_KNOWLEDGE_COMMIT ? VV_KNOWN_COMMIT
                                             : VV_KNOWN_EVENT;
    return VARVE_OK;
}

static varve_status correlate(struct vv_op *op, varve_lake *lake,
    const varve_correlate_options *given, struct ArrowArrayStream *out, char **out_json)
{
    varve_correlate_options options = VARVE_CORRELATE_OPTIONS_INIT;
    struct vv_correlate_result result = {0};
    struct ArrowArrayStream stream = {0};
    VV_TRY(vv_api_options(op, given, &options, sizeof(options)));
    VV_TRY(vv_api_check_span(op, options.last, options.from, options.to, options.at));
    struct vv_correlate_request request = {
        .span = {vv_api_text(options.last), vv_api_text(options.from), vv_api_text(options.to)},
        .symbol = vv_api_text(options.symbol),
        .at = vv_api_text(options.at),
        .by_symbol = options.by_symbol != 0};
    VV_TRY(vv_api_knowledge(op, options.knowledge, &request.knowledge));
    VV_TRY(vv_lake_correlate(op, lake->lake, &request, &stream, &result));
    varve_status status = VARVE_OK;
    if (out_json != NULL)
        status = correlate_json(op, &result, options.knowledge, out_json);
    return vv_api_give_stream(status, &stream, out);
}

varve_status varve_lake_correlate(varve_lake *lake, const varve_correlate_options *options,
    struct ArrowArrayStream *out, char **out_json, varve_error *err)
{
    VV_CLEANUP(vv_op_done) struct vv_op op;
    vv_api_begin(&op, lake);
    return vv_op_report(&op, correlate(&op, lake, options, out, out_json), err);
}

static varve_status outcomes_json(struct vv_op *op, const struct vv_outcomes_result *result,
    const varve_outcomes_options *options, char **out_json)
{
    VV_CLEANUP(vv_buf_done) struct vv_buf json = VV_BUF_INIT(VV_BUF_MAX);
    struct vv_json_writer writer = VV_JSON_WRITER_INIT(&json);
    vv_jw_object(&writer);
    if (options->by == VARVE_OUTCOMES_REGIME)
        add_regimes(&writer, &result->regimes, options->knowledge);
    vv_jw_key_int(&writer, "signals", result->signals);
    vv_jw_key_int(&writer, "without_pnl", result->without_pnl);
    vv_jw_key_int(&writer, "pending", result->pending);
    vv_jw_key_int(&writer, "unknown", result->unknown);
    add_newest(&writer, result->signals, result->newest_us);
    vv_jw_end(&writer);
    return vv_api_give_text(op, &json, out_json);
}

static varve_status outcomes_request(struct vv_op *op, const varve_outcomes_options *options,
    struct vv_outcomes_request *out)
{
    static const enum vv_outcomes_by groups[] = {VV_OUTCOMES_REGIME, VV_OUTCOMES_STRATEGY,
        VV_OUTCOMES_SOURCE, VV_OUTCOMES_TYPE, VV_OUTCOMES_CONFIDENCE};
    if (options->by < 0 || (size_t)options->by >= VV_COUNT(groups))
        return vv_fail(op, VARVE_EUSAGE, "outcomes by %d: there are 0 to 4", options->by);
    *out =
        (struct vv_outcomes_request){.span = {vv_api_text(options->last),
                                         vv_api_text(options->from), vv_api_text(options->to)},
            .horizons = vv_api_text(options->horizons),
            .tolerance = vv_api_text(options->tolerance),
            .strategy = vv_api_text(options->strategy),
            .symbol = vv_api_text(options->symbol),
            .at = vv_api_text(options->at),
            .by = groups[options->by],
            .acted = options->acted == 0  ? VV_ACTED_ALL
                     : options->acted > 0 ? VV_ACTED_YES
                                          : VV_ACTED_NO};
    return vv_api_knowledge(op, options->knowledge, &out->knowledge);
}

static varve_status outcomes(struct vv_op *op, varve_lake *lake,
    const varve_outcomes_options *given, struct ArrowArrayStream *out, char **out_json)
{
    varve_outcomes_options options = VARVE_OUTCOMES_OPTIONS_INIT;
    struct vv_outcomes_request request;
    struct vv_outcomes_result result = {0};
    struct ArrowArrayStream stream = {0};
    VV_TRY(vv_api_options(op, given, &options, sizeof(options)));
    VV_TRY(vv_api_check_span(op, options.last, options.from, options.to, options.at));
    VV_TRY(outcomes_request(op, &options, &request));
    VV_TRY(vv_lake_outcomes(op, lake->lake, &request, &stream, &result));
    varve_status status = VARVE_OK;
    if (out_json != NULL)
        status = outcomes_json(op, &result, &options, out_json);
    return vv_api_give_stream(status, &stream, out);
}

varve_status varve_lake_outcomes(varve_lake *lake, const varve_outcomes_options *options,
    struct ArrowArrayStream *out, char **out_json, varve_error *err)
{
    VV_CLEANUP(vv_op_done) struct vv_op op;
    vv_api_begin(&op, lake);
    return vv_op_report(&op, outcomes(&op, lake, options, out, out_json), err);
}

static varve_status signals(struct vv_op *op, varve_lake *lake,
    const varve_signals_options *given, struct ArrowArrayStream *out)
{
    varve_signals_options options = VARVE_SIGNALS_OPTIONS_INIT;
    VV_TRY(vv_api_options(op, given, &options, sizeof(options)));
    VV_TRY(vv_api_check_span(op, options.last, options.from, options.to, options.at));
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
