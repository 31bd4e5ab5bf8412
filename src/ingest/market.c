#include "ingest/market.h"

enum {
    BULLISH,
    BEARISH,
    NEUTRAL,
    DIRECTIONS
};

struct vv_market_symbol {
    struct vv_str name;
    double price, change; /* dollars; of the last minute */
    double put_call;
    int direction, volatility;
    int minutes; /* since the regime changed */
};

struct vv_market_strategy {
    struct vv_str name;
    size_t symbol;
    int64_t multiplier;
    double mark;                      /* dollars a share */
    double delta, gamma, theta, vega; /* of one share; theta a day */
    int64_t entry_cents, realized_cents;
    int64_t dte;
    const char *regime_at_entry;
};

static const char *const regimes[DIRECTIONS][2] = {
    {"bullish_low", "bullish_high"},
    {"bearish_low", "bearish_high"},
    {"neutral_low", "neutral_high"},
};
static const char *const trends[DIRECTIONS] = {"up", "down", "flat"};

/* What strategies trade; they differ in the side and in how much they move with the market. */
static const struct kind {
    const char *name;
    int64_t side;
    double delta, gamma, theta, vega;
} kinds[] = {
    {"iron_condor", -1, 0.02, 0.012, -0.06, 0.11},
    {"put_spread", -1, -0.22, 0.010, -0.05, 0.08},
    {"call_spread", 1, 0.30, 0.014, -0.04, 0.06},
    {"straddle", 1, 0.03, 0.035, -0.12, 0.22},
    {"strangle", -1, -0.04, 0.020, -0.09, 0.18},
};

static const struct signal_kind {
    const char *type, *source, *version;
} signal_kinds[] = {
    {"ml_entry", "model", "3.2.0"},
    {"rule_entry", "rules", "1.8.4"},
    {"futures_confirm", "futures", "0.9.1"},
};

static double clamp(double value, double least, double most)
{
    return value < least ? least : value > most ? most : value;
}

static int64_t scaled(double value, double by)
{
    double big = value * by;
    return (int64_t)(big < 0 ? big - 0.5 : big + 0.5);
}

static const char *regime_of(const struct vv_market_symbol *symbol)
{
    return regimes[symbol->direction][symbol->volatility];
}

/* Buys or sells anew at what the market gives. */
static void open_position(struct vv_market *market, struct vv_market_strategy *strategy)
{
    const struct kind *kind = &kinds[(size_t)(strategy - market->strategies) % VV_COUNT(kinds)];
    struct vv_random *random = &market->random;
    strategy->multiplier = kind->side * 100 * vv_random_between(random, 1, 8);
    strategy->entry_cents = vv_random_between(random, 180, 950);
    strategy->mark = (double)strategy->entry_cents / 100;
    strategy->delta = kind->delta + 0.02 * vv_random_bell(random);
    strategy->gamma = kind->gamma;
    strategy->theta = kind->theta;
    strategy->vega = kind->vega;
    strategy->dte = vv_random_between(random, 7, 45);
    strategy->regime_at_entry = regime_of(&market->symbols[strategy->symbol]);
}

static int64_t mark_cents(const struct vv_market_strategy *strategy)
{
    return scaled(strategy->mark, 100);
}

static int64_t unrealized_cents(const struct vv_market_strategy *strategy)
{
    return strategy->multiplier * (mark_cents(strategy) - strategy->entry_cents);
}

static void roll_position(struct vv_market *market, struct vv_market_strategy *strategy)
{
    strategy->realized_cents += unrealized_cents(strategy);
    open_position(market, strategy);
}

static varve_status add_strategies(struct vv_op *op, struct vv_arena *arena,
    struct vv_market *market)
{
    for (size_t i = 0; i < market->strategies_len; i++) {
        struct vv_market_strategy *strategy = &market->strategies[i];
        strategy->name =
            vv_arena_format(arena, "%s_%zu", kinds[i % VV_COUNT(kinds)].name, i + 1);
        if (strategy->name.ptr == NULL)
            return vv_fail_memory(op);
        strategy->symbol = i % market->symbols_len;
        open_position(market, strategy);
    }
    return VARVE_OK;
}

varve_status vv_market_new(struct vv_op *op, struct vv_arena *arena, uint64_t seed,
    const struct vv_str *symbols, size_t symbols_len, size_t strategies_len,
    struct vv_market **out)
{
    struct vv_market *market = vv_new(arena, struct vv_market, 1);
    if (market == NULL)
        return vv_fail_memory(op);
    vv_random_init(&market->random, seed);
    market->symbols = vv_new(arena, struct vv_market_symbol, symbols_len);
    market->symbols_len = symbols_len;
    market->strategies = vv_new(arena, struct vv_market_strategy, strategies_len);
    market->strategies_len = strategies_len;
    if (market->symbols == NULL || market->strategies == NULL)
        return vv_fail_memory(op);
    market->direction = (int)vv_random_between(&market->random, 0, DIRECTIONS - 1);
    market->vix = 14;
    for (size_t i = 0; i < symbols_len; i++)
        market->symbols[i] = (struct vv_market_symbol){.name = symbols[i],
            .price = 180 + 400 * vv_random_unit(&market->random),
            .put_call = 0.9,
            .direction = market->direction};
    VV_TRY(add_strategies(op, arena, market));
    *out = market;
    return VARVE_OK;
}

void vv_market_open(struct vv_market *market, int32_t days)
{
    struct vv_random *random = &market->random;
    for (size_t i = 0; i < market->symbols_len; i++)
        market->symbols[i].price *= 1 + 0.003 * vv_random_bell(random);
    for (size_t i = 0; i < market->strategies_len; i++) {
        struct vv_market_strategy *strategy = &market->strategies[i];
        strategy->dte -= days;
        strategy->mark = clamp(strategy->mark * (1 + 0.02 * vv_random_bell(random)), 0.05, 500);
        if (strategy->dte <= 1)
            roll_position(market, strategy);
    }
    market->days++;
}

/* The regime of the market as a whole, and the volatility index that all rows tell. */
static void step_regime(struct vv_market *market)
{
    struct vv_random *random = &market->random;
    if (vv_random_chance(random, 1.0 / 200))
        market->direction =
            (market->direction + (int)vv_random_between(random, 1, 2)) % DIRECTIONS;
    if (vv_random_chance(random, 1.0 / 260))
        market->volatility = 1 - market->volatility;
    double target = market->volatility ? 27 : 14;
    double noise = market->volatility ? 0.22 : 0.07;
    double vix = market->vix + 0.02 * (target - market->vix) + noise * vv_random_bell(random);
    vix = clamp(vix, 9, 85);
    market->vix_change = vix - market->vix;
    market->vix = vix;
}

/* A symbol follows the market after some minutes, and now and then goes its own way. */
static void step_symbol(struct vv_market *market, struct vv_market_symbol *symbol)
{
    static const double put_call[DIRECTIONS] = {0.72, 1.28, 0.95};
    static const double drift[DIRECTIONS] = {0.00002, -0.00002, 0};
    struct vv_random *random = &market->random;
    int direction = symbol->direction, volatility = symbol->volatility;
    if (vv_random_chance(random, 0.05)) {
        direction = market->direction;
        volatility = market->volatility;
    } else if (vv_random_chance(random, 1.0 / 1500)) {
        direction = (int)vv_random_between(random, 0, DIRECTIONS - 1);
    }
    bool same = direction == symbol->direction && volatility == symbol->volatility;
    symbol->minutes = same ? symbol->minutes + 1 : 0;
    symbol->direction = direction;
    symbol->volatility = volatility;
    double spread = volatility ? 0.0006 : 0.0002;
    symbol->change = symbol->price * (drift[direction] + spread * vv_random_bell(random));
    symbol->price = clamp(symbol->price + symbol->change, 1, 100000);
    symbol->put_call =
        clamp(symbol->put_call + 0.04 * (put_call[direction] - symbol->put_call) +
                  0.02 * vv_random_bell(random),
            0.2, 3);
}

/* Its option moves as its greeks say, and is rolled at a target or a stop. */
static void step_strategy(struct vv_market *market, struct vv_market_strategy *strategy)
{
    double move = market->symbols[strategy->symbol].change;
    double change = strategy->delta * move + 0.5 * strategy->gamma * move * move +
                    strategy->theta / 390 + 0.1 * strategy->vega * market->vix_change;
    strategy->mark = clamp(strategy->mark + change, 0.05, 500);
    strategy->delta = clamp(strategy->delta + strategy->gamma * move, -0.98, 0.98);
    int64_t size = strategy->multiplier < 0 ? -strategy->multiplier : strategy->multiplier;
    int64_t at_stake = size * strategy->entry_cents;
    int64_t profit = unrealized_cents(strategy);
    if (profit > at_stake / 2 || profit < -at_stake)
        roll_position(market, strategy);
}

void vv_market_step(struct vv_market *market)
{
    step_regime(market);
    for (size_t i = 0; i < market->symbols_len; i++)
        step_symbol(market, &market->symbols[i]);
    for (size_t i = 0; i < market->strategies_len; i++)
        step_strategy(market, &market->strategies[i]);
}

static const char *trend_of(struct vv_market *market, const struct vv_market_symbol *symbol)
{
    bool agrees = vv_random_chance(&market->random, 0.85);
    return trends[agrees ? symbol->direction
                         : (int)vv_random_between(&market->random, 0, DIRECTIONS - 1)];
}

void vv_market_regimes(struct vv_market *market, size_t index, struct vv_regimes_row *out)
{
    const struct vv_market_symbol *symbol = &market->symbols[index];
    double age = symbol->minutes;
    double confidence = 0.52 + 0.4 * age / (age + 12) + 0.02 * vv_random_bell(&market->random);
    *out = (struct vv_regimes_row){.symbol = symbol->name,
        .regime = regime_of(symbol),
        .futures_trend = trend_of(market, symbol),
        .model_version = market->days <= 10 ? "1.4.0" : "1.5.0",
        .source = "primary",
        .vix_cents = scaled(market->vix, 100),
        .put_call_thousandths = scaled(symbol->put_call, 1000),
        .confidence_thousandths = scaled(clamp(confidence, 0.3, 0.99), 1000)};
}

void vv_market_metrics(struct vv_market *market, size_t index, struct vv_metrics_row *out)
{
    const struct vv_market_strategy *strategy = &market->strategies[index];
    double size = (double)strategy->multiplier;
    *out = (struct vv_metrics_row){.strategy = strategy->name,
        .regime_at_entry = strategy->regime_at_entry,
        .regime_current = regime_of(&market->symbols[strategy->symbol]),
        .multiplier = strategy->multiplier,
        .entry_cents = strategy->entry_cents,
        .current_cents = mark_cents(strategy),
        .realized_cents = strategy->realized_cents,
        .delta_e4 = scaled(strategy->delta * size, 1e4),
        .gamma_e4 = scaled(strategy->gamma * size, 1e4),
        .theta_e4 = scaled(strategy->theta * size, 1e4),
        .vega_e4 = scaled(strategy->vega * size, 1e4),
        .dte = strategy->dte};
}

bool vv_market_signal(struct vv_market *market, size_t index, int64_t minute_us,
    int64_t *out_timestamp_us, struct vv_signals_row *out)
{
    struct vv_random *random = &market->random;
    const struct vv_market_strategy *strategy = &market->strategies[index];
    const struct vv_market_symbol *symbol = &market->symbols[strategy->symbol];
    if (!vv_random_chance(random, 1.0 / 60))
        return false;
    const struct signal_kind *kind =
        &signal_kinds[vv_random_between(random, 0, (int64_t)VV_COUNT(signal_kinds) - 1)];
    int64_t value = vv_random_between(random, 350, 990);
    int64_t timestamp_us = minute_us + vv_random_between(random, 0, 59999) * 1000;
    bool acted = vv_random_chance(random, value > 800 ? 0.85 : 0.2);
    int64_t wait_us = vv_random_between(random, 400, 45000) * 1000;
    *out = (struct vv_signals_row){.strategy = strategy->name,
        .type = kind->type,
        .source = kind->source,
        .source_version = kind->version,
        .regime = regime_of(symbol),
        .futures_trend = trend_of(market, symbol),
        .value_thousandths = value,
        .acted_us = acted ? timestamp_us + wait_us : 0};
    *out_timestamp_us = timestamp_us;
    return true;
}

void vv_market_correct(struct vv_market *market, struct vv_feed_row *row)
{
    struct vv_random *random = &market->random;
    int64_t by = vv_random_between(random, 1, 25);
    switch (row->table) {
    case VV_FEED_REGIMES:
        row->as.regimes.vix_cents += by;
        row->as.regimes.confidence_thousandths -= by;
        return;
    case VV_FEED_METRICS:
        row->as.metrics.current_cents += by;
        return;
    case VV_FEED_SIGNALS:
        row->as.signals.value_thousandths -= by;
        return;
    }
}
