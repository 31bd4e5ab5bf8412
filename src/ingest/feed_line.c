#include "ingest/feed_line.h"

#include <stdio.h>

#include "base/json_write.h"
#include "base/time.h"

static void add_text(struct vv_json_writer *writer, const char *name, const char *text)
{
    vv_jw_key_string(writer, name, vv_str_of(text));
}

static void add_time(struct vv_json_writer *writer, const char *name, int64_t us)
{
    char text[32];
    size_t len = vv_time_format_us(us, text);
    vv_jw_key_string(writer, name, (struct vv_str){text, len});
}

/* `value` in units of 1 / 10^digits, exact. */
static void add_scaled(struct vv_json_writer *writer, const char *name, int64_t value,
    int digits)
{
    int64_t unit = 1;
    for (int i = 0; i < digits; i++)
        unit *= 10;
    int64_t size = value < 0 ? -value : value;
    char text[48];
    int len = snprintf(text, sizeof(text), "%s%" PRId64 ".%0*" PRId64, value < 0 ? "-" : "",
        size / unit, digits, size % unit);
    vv_jw_key(writer, name);
    vv_jw_raw(writer, (struct vv_str){text, (size_t)len});
}

static void add_regimes(struct vv_json_writer *writer, const struct vv_regimes_row *row)
{
    vv_jw_key_string(writer, "symbol", row->symbol);
    add_text(writer, "regime", row->regime);
    add_scaled(writer, "vix", row->vix_cents, 2);
    add_scaled(writer, "put_call_ratio", row->put_call_thousandths, 3);
    add_text(writer, "futures_trend", row->futures_trend);
    add_scaled(writer, "confidence", row->confidence_thousandths, 3);
    add_text(writer, "model_version", row->model_version);
    add_text(writer, "source", row->source);
}

static void add_metrics(struct vv_json_writer *writer, const struct vv_metrics_row *row)
{
    int64_t unrealized = vv_metrics_unrealized_cents(row);
    vv_jw_key_string(writer, "strategy_id", row->strategy);
    add_scaled(writer, "unrealized_pnl", unrealized, 2);
    add_scaled(writer, "realized_pnl", row->realized_cents, 2);
    add_scaled(writer, "total_pnl", unrealized + row->realized_cents, 2);
    add_scaled(writer, "delta", row->delta_e4, 4);
    add_scaled(writer, "gamma", row->gamma_e4, 4);
    add_scaled(writer, "theta", row->theta_e4, 4);
    add_scaled(writer, "vega", row->vega_e4, 4);
    vv_jw_key_int(writer, "dte", row->dte);
    add_scaled(writer, "entry_price", row->entry_cents, 2);
    add_scaled(writer, "current_price", row->current_cents, 2);
    add_text(writer, "regime_at_entry", row->regime_at_entry);
    add_text(writer, "regime_current", row->regime_current);
}

static void add_signals(struct vv_json_writer *writer, const struct vv_signals_row *row)
{
    vv_jw_key_string(writer, "strategy_id", row->strategy);
    add_text(writer, "signal_type", row->type);
    add_scaled(writer, "signal_value", row->value_thousandths, 3);
    add_text(writer, "source", row->source);
    add_text(writer, "source_version", row->source_version);
    vv_jw_key_bool(writer, "acted_upon", row->acted_us != 0);
    if (row->acted_us != 0)
        add_time(writer, "acted_at", row->acted_us);
    else
        vv_jw_key_string(writer, "acted_at", VV_STR_NONE);
    add_text(writer, "regime", row->regime);
    add_text(writer, "futures_trend", row->futures_trend);
}

void vv_feed_line(const struct vv_feed_row *row, struct vv_buf *out)
{
    static const char *const names[] = VV_FEED_TABLE_NAMES;
    struct vv_json_writer writer = VV_JSON_WRITER_INIT(out);
    vv_jw_object(&writer);
    add_text(&writer, "table", names[row->table]);
    add_time(&writer, "timestamp", row->timestamp_us);
    switch (row->table) {
    case VV_FEED_REGIMES:
        add_regimes(&writer, &row->as.regimes);
        break;
    case VV_FEED_METRICS:
        add_metrics(&writer, &row->as.metrics);
        break;
    case VV_FEED_SIGNALS:
        add_signals(&writer, &row->as.signals);
        break;
    }
    add_time(&writer, "ingested_at", row->ingested_us);
    vv_jw_end(&writer);
}
