#include "ingest/feed.h"

#include "base/seam.h"
#include "base/time.h"
#include "ingest/delivery.h"
#include "ingest/feed_line.h"
#include "ingest/market.h"
#include "ingest/session.h"

#define DAYS_MAX 10000
#define STRATEGIES_MAX 10000
#define SYMBOLS_MAX 1000
#define SYMBOL_BYTES_MAX 64
#define SHARE_DEFAULT 0.01
#define LINE_BYTES_MAX ((size_t)1 << 16)
#define US_PER_MINUTE (60 * VV_US_PER_S)

struct vv_feed {
    struct vv_arena arena;
    struct vv_market *market;
    struct vv_random random; /* of delivery; apart from the market's */
    struct vv_delivery delivery;
    struct vv_buf line;
    double late_share, repeat_share, correction_share;
    uint32_t days_left; /* after this one */
    int32_t day;
    int32_t minute; /* of the session; the next one to make */
};

/* ---- Options ------------------------------------------------------------------------------- */

static bool is_plain(struct vv_str text)
{
    for (size_t i = 0; i < text.len; i++)
        if ((unsigned char)text.ptr[i] < 0x20 || text.ptr[i] == 0x7f)
            return false;
    return vv_utf8_valid(text);
}

static varve_status add_symbol(struct vv_op *op, struct vv_str name, struct vv_str *symbols,
    size_t len)
{
    if (name.len == 0 || name.len > SYMBOL_BYTES_MAX || !is_plain(name))
        return vv_fail(op, VARVE_EUSAGE,
            "symbols: '%.*s' is none; give names parted by commas, such as SPY,QQQ",
            VV_ARG(name));
    if (len == SYMBOLS_MAX)
        return vv_fail(op, VARVE_EUSAGE, "symbols: more than %d", SYMBOLS_MAX);
    for (size_t i = 0; i < len; i++)
        if (vv_str_eq(symbols[i], name))
            return vv_fail(op, VARVE_EUSAGE, "symbols: '%.*s' is there twice", VV_ARG(name));
    symbols[len] = name;
    return VARVE_OK;
}

static varve_status read_symbols(struct vv_op *op, struct vv_feed *feed, struct vv_str text,
    struct vv_str **out, size_t *out_len)
{
    struct vv_str part, rest = text.len ? text : VV_STR("SPY,QQQ,IWM");
    struct vv_str *symbols = vv_new(&feed->arena, struct vv_str, SYMBOLS_MAX);
    size_t len = 0;
    rest = vv_arena_str(&feed->arena, rest);
    if (symbols == NULL || rest.ptr == NULL)
        return vv_fail_memory(op);
    while (vv_str_split(&rest, ',', &part))
        VV_TRY(add_symbol(op, vv_str_trim(part), symbols, len++));
    *out = symbols;
    *out_len = len;
    return VARVE_OK;
}

static varve_status read_share(struct vv_op *op, const char *name, double given, double *out)
{
    if (!(given <= 1))
        return vv_fail(op, VARVE_EUSAGE, "%s: a share is at most 1", name);
    *out = given < 0 ? 0 : given > 0 ? given : SHARE_DEFAULT;
    return VARVE_OK;
}

/* The first trading day: on or after the one asked for, or so that the last one is over. */
static varve_status read_start(struct vv_op *op, struct vv_str start, uint32_t days,
    int32_t *out)
{
    int32_t day = 0, least = 0, most = 0;
    VV_PRE(vv_time_parse_date(VV_STR("1971-01-01"), &least));
    VV_PRE(vv_time_parse_date(VV_STR("2200-01-01"), &most));
    if (start.len > 0) {
        if (!vv_time_parse_date(start, &day) || day < least || day > most)
            return vv_fail(op, VARVE_EUSAGE,
                "start: '%.*s' is not a date from 1971 to 2200, such as 2025-01-30",
                VV_ARG(start));
        while (!vv_session_is_day(day))
            day++;
        *out = day;
        return VARVE_OK;
    }
    day = vv_time_date_of(vv_now_us(op));
    for (uint32_t found = 0; found < days;)
        if (vv_session_is_day(--day))
            found++;
    *out = day;
    return VARVE_OK;
}

static varve_status read_options(struct vv_op *op, const struct vv_feed_options *options,
    struct vv_feed *feed)
{
    struct vv_str *symbols = NULL;
    size_t symbols_len = 0;
    uint32_t days = options->days ? options->days : 1;
    uint32_t strategies = options->strategies ? options->strategies : 3;
    if (days > DAYS_MAX || strategies > STRATEGIES_MAX)
        return vv_fail(op, VARVE_EUSAGE, "at most %d days and %d strategies", DAYS_MAX,
            STRATEGIES_MAX);
    VV_TRY(read_share(op, "late share", options->late_share, &feed->late_share));
    VV_TRY(read_share(op, "repeat share", options->repeat_share, &feed->repeat_share));
    VV_TRY(read_share(op, "correction share", options->correction_share,
        &feed->correction_share));
    VV_TRY(read_symbols(op, feed, options->symbols, &symbols, &symbols_len));
    VV_TRY(read_start(op, options->start, days, &feed->day));
    feed->days_left = days - 1;
    vv_random_init(&feed->random, ~options->seed);
    return vv_market_new(op, &feed->arena, options->seed, symbols, symbols_len, strategies,
        &feed->market);
}

varve_status vv_feed_open(struct vv_op *op, const struct vv_feed_options *options,
    struct vv_feed **out)
{
    struct vv_feed *feed = vv_malloc(sizeof(*feed));
    if (feed == NULL)
        return vv_fail_memory(op);
    *feed = (struct vv_feed){
        .arena = VV_ARENA_INIT((size_t)64 << 20), .line = VV_BUF_INIT(LINE_BYTES_MAX)};
    varve_status status = read_options(op, options, feed);
    if (status != VARVE_OK) {
        vv_feed_close(&feed);
        return status;
    }
    vv_market_open(feed->market, 1);
    *out = feed;
    return VARVE_OK;
}

void vv_feed_close(struct vv_feed **feed)
{
    if (*feed == NULL)
        return;
    vv_delivery_done(&(*feed)->delivery);
    vv_buf_done(&(*feed)->line);
    vv_arena_done(&(*feed)->arena);
    vv_free(*feed);
    *feed = NULL;
}

/* ---- Delivery ------------------------------------------------------------------------------ */

static int64_t some_ms(struct vv_feed *feed, int64_t least, int64_t most)
{
    return vv_random_between(&feed->random, least, most) * VV_US_PER_MS;
}

/* Late rows come by another way than the others. */
static void make_late(struct vv_feed *feed, struct vv_feed_row *row)
{
    row->ingested_us += some_ms(feed, 2 * 60000, 150 * 60000);
    if (row->table == VV_FEED_REGIMES)
        row->as.regimes.source = "backup";
}

/*
 * Hands a row to delivery, with what may befall it. Within two and a half hours after the close
 * all of it is over: before midnight UTC in summer and in winter.
 */
static varve_status deliver(struct vv_op *op, struct vv_feed *feed, struct vv_feed_row row,
    int64_t known_us)
{
    bool is_late = vv_random_chance(&feed->random, feed->late_share);
    bool is_repeated = vv_random_chance(&feed->random, feed->repeat_share);
    bool is_corrected = vv_random_chance(&feed->random, feed->correction_share);
    row.ingested_us = known_us + some_ms(feed, 80, 600);
    if (is_late)
        make_late(feed, &row);
    VV_TRY(vv_delivery_put(op, &feed->delivery, row.ingested_us, &row));
    if (is_repeated) {
        int64_t again_us = row.ingested_us + some_ms(feed, 500, 15 * 60000);
        VV_TRY(vv_delivery_put(op, &feed->delivery, again_us, &row));
    }
    if (!is_corrected || is_late)
        return VARVE_OK;
    vv_market_correct(feed->market, &row);
    row.ingested_us += some_ms(feed, 60000, 90 * 60000);
    return vv_delivery_put(op, &feed->delivery, row.ingested_us, &row);
}

/* All rows of one minute of the market. */
static varve_status make_minute(struct vv_op *op, struct vv_feed *feed, int64_t minute_us)
{
    struct vv_market *market = feed->market;
    vv_market_step(market);
    for (size_t i = 0; i < market->symbols_len; i++) {
        struct vv_feed_row row = {.table = VV_FEED_REGIMES, .timestamp_us = minute_us};
        vv_market_regimes(market, i, &row.as.regimes);
        VV_TRY(deliver(op, feed, row, minute_us));
    }
    for (size_t i = 0; i < market->strategies_len; i++) {
        struct vv_feed_row row = {.table = VV_FEED_METRICS, .timestamp_us = minute_us};
        vv_market_metrics(market, i, &row.as.metrics);
        VV_TRY(deliver(op, feed, row, minute_us));
    }
    for (size_t i = 0; i < market->strategies_len; i++) {
        struct vv_feed_row row = {.table = VV_FEED_SIGNALS};
        if (!vv_market_signal(market, i, minute_us, &row.timestamp_us, &row.as.signals))
            continue;
        int64_t acted_us = row.as.signals.acted_us;
        VV_TRY(deliver(op, feed, row, acted_us ? acted_us : row.timestamp_us));
    }
    return VARVE_OK;
}

static int64_t next_minute_us(const struct vv_feed *feed)
{
    return vv_session_open_us(feed->day) + feed->minute * US_PER_MINUTE;
}

static void go_to_next_day(struct vv_feed *feed)
{
    int32_t day = feed->day + 1;
    while (!vv_session_is_day(day))
        day++;
    vv_market_open(feed->market, day - feed->day);
    feed->day = day;
    feed->minute = 0;
    feed->days_left--;
}

/* Rows that are due before the next minute begins can go out: no later minute gives earlier ones. */
varve_status vv_feed_next(struct vv_op *op, struct vv_feed *feed, struct vv_str *out_line)
{
    struct vv_feed_row row;
    for (;;) {
        bool day_is_over = feed->minute == VV_SESSION_MINUTES;
        bool all_is_over = day_is_over && feed->days_left == 0;
        int64_t before_us = day_is_over ? INT64_MAX : next_minute_us(feed);
        if (vv_delivery_take(&feed->delivery, before_us, &row))
            break;
        if (all_is_over) {
            *out_line = VV_STR_NONE;
            return VARVE_OK;
        }
        if (day_is_over)
            go_to_next_day(feed);
        VV_TRY(make_minute(op, feed, next_minute_us(feed)));
        feed->minute++;
    }
    vv_buf_clear(&feed->line);
    vv_feed_line(&row, &feed->line);
    if (!vv_buf_ok(&feed->line))
        return vv_fail_memory(op);
    *out_line = vv_buf_str(&feed->line);
    return VARVE_OK;
}
