#include "api/api.h"
#include "api/record.h"
#include "varve/market.h"

#define FIELD(record, kind, member)                         \
    {                                                       \
#member, VV_RECORD_##kind, offsetof(record, member) \
    }

static const struct vv_record_field regime_fields[] = {
    FIELD(varve_market_regime, TIME, timestamp),
    FIELD(varve_market_regime, TEXT, symbol),
    FIELD(varve_market_regime, TEXT, regime),
    FIELD(varve_market_regime, NUMBER, vix),
    FIELD(varve_market_regime, NUMBER, put_call_ratio),
    FIELD(varve_market_regime, TEXT, futures_trend),
    FIELD(varve_market_regime, NUMBER, confidence),
    FIELD(varve_market_regime, TEXT, model_version),
    FIELD(varve_market_regime, TEXT, source),
    FIELD(varve_market_regime, TIME, ingested_at),
};
static const varve_market_regime regime_init = VARVE_MARKET_REGIME_INIT;
const struct vv_record_type vv_record_regime = {
    regime_fields, VV_COUNT(regime_fields), sizeof(varve_market_regime), &regime_init};

static const struct vv_record_field performance_fields[] = {
    FIELD(varve_performance, TIME, timestamp),
    FIELD(varve_performance, TEXT, strategy_id),
    FIELD(varve_performance, NUMBER, unrealized_pnl),
    FIELD(varve_performance, NUMBER, realized_pnl),
    FIELD(varve_performance, NUMBER, total_pnl),
    FIELD(varve_performance, NUMBER, delta),
    FIELD(varve_performance, NUMBER, gamma),
    FIELD(varve_performance, NUMBER, theta),
    FIELD(varve_performance, NUMBER, vega),
    FIELD(varve_performance, INT, dte),
    FIELD(varve_performance, NUMBER, entry_price),
    FIELD(varve_performance, NUMBER, current_price),
    FIELD(varve_performance, TEXT, regime_at_entry),
    FIELD(varve_performance, TEXT, regime_current),
    FIELD(varve_performance, TIME, ingested_at),
};
static const varve_performance performance_init = VARVE_PERFORMANCE_INIT;
const struct vv_record_type vv_record_performance = {performance_fields,
    VV_COUNT(performance_fields), sizeof(varve_performance), &performance_init};

static const struct vv_record_field signal_fields[] = {
    FIELD(varve_signal, TIME, timestamp),
    FIELD(varve_signal, TEXT, strategy_id),
    FIELD(varve_signal, TEXT, signal_type),
    FIELD(varve_signal, NUMBER, signal_value),
    FIELD(varve_signal, TEXT, source),
    FIELD(varve_signal, TEXT, source_version),
    FIELD(varve_signal, BOOL, acted_upon),
    FIELD(varve_signal, TIME, acted_at),
    FIELD(varve_signal, TEXT, regime),
    FIELD(varve_signal, TEXT, futures_trend),
    FIELD(varve_signal, TIME, ingested_at),
};
static const varve_signal signal_init = VARVE_SIGNAL_INIT;
const struct vv_record_type vv_record_signal = {
    signal_fields, VV_COUNT(signal_fields), sizeof(varve_signal), &signal_init};

static varve_status upsert(varve_table *table, const struct vv_record_type *type,
    const void *rows, size_t rows_len, const varve_upsert_options *options,
    varve_upsert_result *out, varve_error *err)
{
    VV_CLEANUP(vv_op_done) struct vv_op op;
    struct ArrowArrayStream stream = {.release = NULL};
    const varve_input input = {
        .format = VARVE_FORMAT_ARROW, .path = "records", .stream = &stream};
    /* Once: a call forgets the interrupt that came before it. */
    vv_api_begin(&op, table->lake);
    varve_status status = vv_records_stream(&op, type, rows, rows_len, &stream);
    if (status == VARVE_OK)
        status = vv_api_upsert(&op, table, &input, 1, options, false, out);
    vv_api_inputs_release(&input, 1);
    return vv_api_report(&op, table, status, err);
}

static varve_status read(const struct vv_record_type *type, struct ArrowArrayStream *stream,
    void **out, size_t *out_len, varve_error *err)
{
    VV_CLEANUP(vv_op_done) struct vv_op op;
    vv_op_init(&op, NULL, VV_OP_BYTES_DEFAULT);
    return vv_op_report(&op, vv_records_read(&op, type, stream, out, out_len), err);
}

varve_status varve_table_upsert_regimes(varve_table *table, const varve_market_regime *rows,
    size_t rows_len, const varve_upsert_options *options, varve_upsert_result *out,
    varve_error *err)
{
    return upsert(table, &vv_record_regime, rows, rows_len, options, out, err);
}

varve_status varve_table_upsert_performance(varve_table *table, const varve_performance *rows,
    size_t rows_len, const varve_upsert_options *options, varve_upsert_result *out,
    varve_error *err)
{
    return upsert(table, &vv_record_performance, rows, rows_len, options, out, err);
}

varve_status varve_table_upsert_signals(varve_table *table, const varve_signal *rows,
    size_t rows_len, const varve_upsert_options *options, varve_upsert_result *out,
    varve_error *err)
{
    return upsert(table, &vv_record_signal, rows, rows_len, options, out, err);
}

varve_status varve_read_regimes(struct ArrowArrayStream *stream, varve_market_regime **out,
    size_t *out_len, varve_error *err)
{
    void *rows = NULL;
    varve_status status = read(&vv_record_regime, stream, &rows, out_len, err);
    if (status == VARVE_OK)
        *out = rows;
    return status;
}

varve_status varve_read_performance(struct ArrowArrayStream *stream, varve_performance **out,
    size_t *out_len, varve_error *err)
{
    void *rows = NULL;
    varve_status status = read(&vv_record_performance, stream, &rows, out_len, err);
    if (status == VARVE_OK)
        *out = rows;
    return status;
}

varve_status varve_read_signals(struct ArrowArrayStream *stream, varve_signal **out,
    size_t *out_len, varve_error *err)
{
    void *rows = NULL;
    varve_status status = read(&vv_record_signal, stream, &rows, out_len, err);
    if (status == VARVE_OK)
        *out = rows;
    return status;
}
