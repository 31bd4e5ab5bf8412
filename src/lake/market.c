#include "lake/market.h"

#include "base/time.h"
#include "table/alter/property.h"
#include "table/rules.h"

#define REGIMES "bullish_low,bullish_high,bearish_low,bearish_high,neutral_low,neutral_high"
#define SIGNAL_TYPES "ml_entry,rule_entry,futures_confirm"
#define FINITE_NOT_NEGATIVE(x) x " IS NULL OR (" x " >= 0 AND " x " <= 1.7976931348623157E308)"
#define SHARE(x) x " IS NULL OR (" x " >= 0 AND " x " <= 1)"
#define TREND "futures_trend IS NULL OR futures_trend IN ('up','down','flat')"
#define HISTORY_DEFAULT "400d"
/* What "forever" means in a property that can't say it: a thousand years. */
#define FOREVER_DAYS INT64_C(365000)
#define CHECKS_MAX 8
#define PROPERTIES_MAX 16
/* A feed's clock may be a little ahead; what a batch writer gets is not from days ago. */
#define WARN_FUTURE "timestamp <= _now + INTERVAL 5 MINUTES"
#define WARN_STALE "_arrival IS NULL OR timestamp >= _arrival - INTERVAL 24 HOURS"
#define WARN_ACTED "acted_at IS NULL OR acted_at >= timestamp"

/* A constraint; where `values` is not NONE the expression is made from a list. */
enum values {
    VALUES_NONE,
    VALUES_REGIMES,
    VALUES_SIGNAL_TYPES,
    VALUES_SYMBOLS
};
struct market_check {
    const char *name;
    const char *expression; /* of VALUES_*: the column */
    enum values values;
    bool nullable; /* of VALUES_*: NULL passes */
};

struct market_table {
    const char *name, *description, *schema, *key, *zorder;
    struct market_check checks[CHECKS_MAX];
};

static const struct market_table tables[VV_MARKET_TABLES] = {
    {"market_regimes", "Market regime of a symbol, as classified at a time",
        "timestamp timestamp not null, symbol string not null, regime string not null, "
        "vix double, put_call_ratio double, futures_trend string, confidence double, "
        "model_version string, source string, date date not null, "
        "ingested_at timestamp not null",
        "timestamp,symbol", "timestamp,symbol",
        {{"regime_known", "regime", VALUES_REGIMES, true},
            {"futures_trend_known", TREND, VALUES_NONE, false},
            {"confidence_range", SHARE("confidence"), VALUES_NONE, false},
            {"vix_range", FINITE_NOT_NEGATIVE("vix"), VALUES_NONE, false},
            {"put_call_ratio_range", FINITE_NOT_NEGATIVE("put_call_ratio"), VALUES_NONE,
                false}}},
    {"performance_metrics", "Profit, loss and risk of a strategy at a time",
        "timestamp timestamp not null, strategy_id string not null, unrealized_pnl double, "
        "realized_pnl double, total_pnl double, delta double, gamma double, theta double, "
        "vega double, dte int, entry_price double, current_price double, "
        "regime_at_entry string, regime_current string, date date not null, "
        "ingested_at timestamp not null",
        "timestamp,strategy_id", "timestamp,strategy_id",
        {{"regime_at_entry_known", "regime_at_entry", VALUES_REGIMES, true},
            {"regime_current_known", "regime_current", VALUES_REGIMES, true}}},
    {"signals", "Signals of a strategy, and whether they were acted upon",
        "timestamp timestamp not null, strategy_id string not null, "
        "signal_type string not null, signal_value double, source string, "
        "source_version string, acted_upon boolean not null, acted_at timestamp, "
        "regime string, futures_trend string, date date not null, "
        "ingested_at timestamp not null",
        "timestamp,strategy_id,signal_type", "timestamp,acted_upon",
        {{"signal_regime_known", "regime", VALUES_REGIMES, true},
            {"futures_trend_known", TREND, VALUES_NONE, false},
            {"signal_type_known", "signal_type", VALUES_SIGNAL_TYPES, false},
            {"signal_value_range", SHARE("signal_value"), VALUES_NONE, false},
            {"acted_at_implies_acted", "acted_at IS NULL OR acted_upon", VALUES_NONE, false}}},
};

/* "regime IS NULL OR regime IN ('a','b')" */
static varve_status list_expression(struct vv_op *op, const struct market_check *check,
    struct vv_str values, struct vv_str *out)
{
    VV_CLEANUP(vv_buf_done) struct vv_buf sql = VV_BUF_INIT(VV_BUF_MAX);
    struct vv_str value;
    const char *separator = "";
    if (check->nullable)
        vv_buf_addf(&sql, "%s IS NULL OR ", check->expression);
    vv_buf_addf(&sql, "%s IN (", check->expression);
    while (vv_str_split(&values, ',', &value)) {
        value = vv_str_trim(value);
        for (size_t i = 0; i < value.len; i++)
            if (value.ptr[i] == '\'' || value.ptr[i] == '\\' ||
                (unsigned char)value.ptr[i] < 0x20)
                return vv_fail(op, VARVE_EUSAGE, "\"%.*s\" can't be a value of %s",
                    VV_ARG(value), check->expression);
        if (value.len == 0)
            return vv_fail(op, VARVE_EUSAGE, "an empty value of %s", check->expression);
        vv_buf_addf(&sql, "%s'%.*s'", separator, VV_ARG(value));
        separator = ",";
    }
    vv_buf_addc(&sql, ')');
    if (*separator == '\0')
        return vv_fail(op, VARVE_EUSAGE, "no value of %s", check->expression);
    *out = vv_arena_str(&op->arena, vv_buf_str(&sql));
    return vv_buf_ok(&sql) && out->ptr != NULL ? VARVE_OK : vv_fail_memory(op);
}

static varve_status make_checks(struct vv_op *op, const struct market_table *table,
    const struct vv_market_options *options, struct vv_table_spec *spec)
{
    struct vv_named_expression *checks = NULL;
    VV_NEW(op, &checks, struct vv_named_expression, CHECKS_MAX);
    for (size_t i = 0; i < CHECKS_MAX && table->checks[i].name != NULL; i++) {
        const struct market_check *check = &table->checks[i];
        struct vv_str regimes = options->regimes.ptr ? options->regimes : VV_STR(REGIMES);
        struct vv_str types =
            options->signal_types.ptr ? options->signal_types : VV_STR(SIGNAL_TYPES);
        checks[i].name = vv_str_of(check->name);
        checks[i].expression = vv_str_of(check->expression);
        if (check->values != VALUES_NONE)
            VV_TRY(list_expression(op, check, check->values == VALUES_REGIMES ? regimes : types,
                &checks[i].expression));
        spec->checks_len++;
    }
    spec->checks = checks;
    return VARVE_OK;
}

varve_status vv_history_properties(struct vv_op *op, struct vv_str history,
    struct vv_pair out[2])
{
    int64_t us = FOREVER_DAYS * VV_US_PER_DAY;
    if (history.ptr == NULL)
        history = VV_STR(HISTORY_DEFAULT);
    if (!vv_str_eq(history, VV_STR("forever")) &&
        (!vv_time_parse_duration(history, &us) || us < VV_US_PER_DAY ||
            us > FOREVER_DAYS * VV_US_PER_DAY))
        return vv_fail(op, VARVE_EUSAGE,
            "history \"%.*s\": say for how long, such as 400d (at least a day), or forever",
            VV_ARG(history));
    struct vv_str text = VV_STR_NONE;
    VV_TRY(vv_property_span(op, us, &text));
    out[0] = (struct vv_pair){VV_STR("delta.logRetentionDuration"), text};
    out[1] = (struct vv_pair){VV_STR("delta.deletedFileRetentionDuration"), text};
    return VARVE_OK;
}

static varve_status make_warnings(struct vv_op *op, const struct vv_market_options *options,
    const struct vv_table_spec *spec, struct vv_pair *pairs, size_t *len)
{
    static const struct market_check symbols = {"", "symbol", VALUES_SYMBOLS, false};
    pairs[(*len)++] =
        (struct vv_pair){VV_STR(VV_PROPERTY_WARN "future_time"), VV_STR(WARN_FUTURE)};
    pairs[(*len)++] =
        (struct vv_pair){VV_STR(VV_PROPERTY_WARN "stale_feed"), VV_STR(WARN_STALE)};
    if (vv_schema_find(&spec->schema, VV_STR("acted_at")) >= 0)
        pairs[(*len)++] = (struct vv_pair){
            VV_STR(VV_PROPERTY_WARN "acted_before_signal"), VV_STR(WARN_ACTED)};
    if (options->symbols.ptr == NULL || vv_schema_find(&spec->schema, VV_STR("symbol")) < 0)
        return VARVE_OK;
    struct vv_pair *pair = &pairs[(*len)++];
    pair->name = VV_STR(VV_PROPERTY_WARN "unknown_symbol");
    return list_expression(op, &symbols, options->symbols, &pair->value);
}

static varve_status make_properties(struct vv_op *op, const struct vv_market_options *options,
    struct vv_table_spec *spec)
{
    struct vv_pair *pairs = NULL;
    size_t len = 2;
    VV_NEW(op, &pairs, struct vv_pair, PROPERTIES_MAX);
    VV_TRY(vv_history_properties(op, options->history, pairs));
    if (options->profile == VV_PROFILE_AUDIT) {
        pairs[len++] =
            (struct vv_pair){VV_STR("delta.enableInCommitTimestamps"), VV_STR("true")};
        pairs[len++] =
            (struct vv_pair){VV_STR("delta.feature.domainMetadata"), VV_STR("supported")};
    }
    VV_TRY(make_warnings(op, options, spec, pairs, &len));
    spec->properties = (struct vv_pairs){pairs, len};
    return VARVE_OK;
}

static varve_status init_table(struct vv_op *op, struct vv_lake *lake,
    const struct market_table *table, const struct vv_market_options *options,
    bool *out_created)
{
    static const struct vv_str partition = {"date", 4};
    static const struct vv_pair partition_from = {{"date", 4}, {"timestamp", 9}};
    struct vv_table_spec spec = {.partition_columns = &partition,
        .partition_columns_len = 1,
        .order_by = VV_STR("ingested_at"),
        .partition_from = {&partition_from, 1},
        .keeps_rules = true, /* init goes with whatever was made of the tables since */
        .description = vv_str_of(table->description)};
    struct vv_str *key = NULL;
    struct vv_str *zorder = NULL;
    VV_TRY(vv_schema_parse_ddl(op, &op->arena, vv_str_of(table->schema), &spec.schema));
    VV_TRY(vv_rules_split_names(op, &op->arena, vv_str_of(table->key), &key, &spec.key_len));
    VV_TRY(vv_rules_split_names(op, &op->arena, vv_str_of(table->zorder), &zorder,
        &spec.zorder_len));
    spec.key = key;
    spec.zorder = zorder;
    VV_TRY(make_checks(op, table, options, &spec));
    VV_TRY(make_properties(op, options, &spec));
    if (vv_lake_create_table(op, lake, vv_str_of(table->name), &spec, out_created) != VARVE_OK)
        return vv_note(op, "create %s", table->name);
    return VARVE_OK;
}

varve_status vv_market_init(struct vv_op *op, struct vv_lake *lake,
    const struct vv_market_options *options, struct vv_market_created out[VV_MARKET_TABLES])
{
    for (size_t i = 0; i < VV_MARKET_TABLES; i++) {
        out[i].name = vv_str_of(tables[i].name);
        VV_TRY(init_table(op, lake, &tables[i], options, &out[i].created));
    }
    return VARVE_OK;
}
