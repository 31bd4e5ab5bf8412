#include "ingest/feed.h"

#include "base/seam.h"
#include "base/time.h"
#include "ingest/delivery.h"
#include "ingest/feed_bad.h"
#include "ingest/feed_line.h"
#include "ingest/market.h"
#include "ingest/pace.h"
#include "ingest/session.h"

#define DAYS_MAX 10000
#define STRATEGIES_MAX 10000
#define SYMBOLS_MAX 1000
#define SYMBOL_BYTES_MAX 64
#define SHARE_DEFAULT 0.01
#define RATE_MAX 100000000
#define BURST_MAX 1000
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
    int32_t minute;   /* of the session; the next one to make */
    int64_t delay_ms; /* what is late is so by some of these */

    int table;                   /* enum vv_feed_table; -1: all */
    struct vv_random bad_random; /* so that bad lines change nothing of the good ones */
    double bad_share;
    bool is_bad_next;       /* the next line is a bad one, made out of `row` */
    struct vv_feed_row row; /* given last */
    struct vv_pace pace;    /* rate 0: none */
    int64_t due_us;         /* of the line given last */
    uint64_t rows_given;
    bool is_live;
    int64_t live_start_us, live_minute_us; /* the clock at the beginning, the minute before */
    double rows_made;                      /* given to delivery, bad ones too */
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

static varve_status read_table(struct vv_op *op, struct vv_str name, int *out)
{
    static const char *const names[] = VV_FEED_TABLE_NAMES;
    *out = -1;
    for (size_t i = 0; i < VV_COUNT(names) && name.len > 0; i++)
        if (vv_str_eq(name, vv_str_of(names[i])))
            *out = (int)i;
    if (name.len > 0 && *out < 0)
        return vv_fail(op, VARVE_EUSAGE,
            "table: '%.*s' is none of market_regimes, performance_metrics, signals",
            VV_ARG(name));
    return VARVE_OK;
}

/* How fast, and whether by the clock. */
static varve_status read_pace(struct vv_op *op, const struct vv_feed_options *options,
    struct vv_feed *feed)
{
    if (!(options->rate >= 0 && options->rate <= RATE_MAX))
        return vv_fail(op, VARVE_EUSAGE, "rate: from 0 to %d rows a second", RATE_MAX);
    if (options->burst != 0 && !(options->burst >= 1 && options->burst <= BURST_MAX))
        return vv_fail(op, VARVE_EUSAGE, "burst: from 1 to %d times the rate", BURST_MAX);
    if (options->rate == 0 && (options->live || options->burst > 1))
        return vv_fail(op, VARVE_EUSAGE, "%s without a rate", options->live ? "live" : "burst");
    feed->pace = (struct vv_pace){options->rate, options->burst > 1 ? options->burst : 1};
    feed->is_live = options->live;
    feed->live_start_us = vv_now_us(op);
    feed->live_minute_us = feed->live_start_us - 1;
    feed->delay_ms = options->live ? 1000 : 60000;
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
    if (!(options->bad_share >= 0 && options->bad_share <= 1))
        return vv_fail(op, VARVE_EUSAGE, "bad share: from 0 to 1");
    feed->bad_share = options->bad_share;
    VV_TRY(read_table(op, options->table, &feed->table));
    VV_TRY(read_pace(op, options, feed));
    VV_TRY(read_symbols(op, feed, options->symbols, &symbols, &symbols_len));
    VV_TRY(read_start(op, options->start, days, &feed->day));
    feed->days_left = days - 1;
    vv_random_init(&feed->random, ~options->seed);
    vv_random_init(&feed->bad_random, options->seed ^ UINT64_C(0xbad));
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

static varve_status put(struct vv_op *op, struct vv_feed *feed, int64_t due_us,
    const struct vv_feed_row *row)
{
    if (feed->table >= 0 && (int)row->table != feed->table)
        return VARVE_OK;
    feed->rows_made += 1 + feed->bad_share;
    return vv_delivery_put(op, &feed->delivery, due_us, row);
}

/* Late rows come by another way than the others. */
static void make_late(struct vv_feed *feed, struct vv_feed_row *row)
{
    row->ingested_us += some_ms(feed, 2 * feed->delay_ms, 150 * feed->delay_ms);
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
    VV_TRY(put(op, feed, row.ingested_us, &row));
    if (is_repeated) {
        int64_t again_us = row.ingested_us + some_ms(feed, 500, 15 * feed->delay_ms);
        VV_TRY(put(op, feed, again_us, &row));
    }
    if (!is_corrected || is_late)
        return VARVE_OK;
    vv_market_correct(feed->market, &row);
    row.ingested_us += some_ms(feed, feed->delay_ms, 90 * feed->delay_ms);
    return put(op, feed, row.ingested_us, &row);
}

/* A live minute begins when the rows before it are due. */
static int64_t next_minute_us(const struct vv_feed *feed)
{
    if (!feed->is_live)
        return vv_session_open_us(feed->day) + feed->minute * US_PER_MINUTE;
    int64_t at_us = feed->live_start_us + vv_pace_us(&feed->pace, feed->rows_made);
    return at_us > feed->live_minute_us ? at_us : feed->live_minute_us + 1;
}

/* Signals are spread over their minute, which is as long as the rows of it take. */
static void make_live(const struct vv_feed *feed, struct vv_feed_row *row, int64_t minute_us)
{
    int64_t end_us = next_minute_us(feed);
    int64_t after_us = row->timestamp_us - minute_us;
    int64_t us = minute_us + after_us * (end_us - minute_us) / US_PER_MINUTE;
    if (row->as.signals.acted_us != 0)
        row->as.signals.acted_us -= row->timestamp_us - us;
    row->timestamp_us = us;
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
        if (feed->is_live)
            make_live(feed, &row, minute_us);
        int64_t acted_us = row.as.signals.acted_us;
        VV_TRY(deliver(op, feed, row, acted_us ? acted_us : row.timestamp_us));
    }
    return VARVE_OK;
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
static varve_status next_row(struct vv_op *op, struct vv_feed *feed, bool *out_has_row)
{
    int64_t due_us = 0;
    for (;;) {
        bool day_is_over = !feed->is_live && feed->minute == VV_SESSION_MINUTES;
        bool all_is_over = day_is_over && feed->days_left == 0;
        int64_t minute_us = next_minute_us(feed);
        int64_t before_us = day_is_over ? INT64_MAX : minute_us;
        *out_has_row = vv_delivery_take(&feed->delivery, before_us, &feed->row, &due_us);
        if (*out_has_row || all_is_over)
            break;
        if (day_is_over) {
            go_to_next_day(feed);
            continue;
        }
        VV_TRY(make_minute(op, feed, minute_us));
        feed->live_minute_us = minute_us;
        feed->minute += feed->is_live ? 0 : 1;
    }
    if (feed->is_live)
        feed->due_us = due_us - feed->live_start_us;
    return VARVE_OK;
}

varve_status vv_feed_next(struct vv_op *op, struct vv_feed *feed, struct vv_str *out_line)
{
    bool is_bad = feed->is_bad_next, has_row = true;
    if (!is_bad)
        VV_TRY(next_row(op, feed, &has_row));
    if (!has_row) {
        *out_line = VV_STR_NONE;
        return VARVE_OK;
    }
    vv_buf_clear(&feed->line);
    if (is_bad)
        vv_feed_bad_line(&feed->bad_random, &feed->row, &feed->line);
    else
        vv_feed_line(&feed->row, &feed->line);
    if (!vv_buf_ok(&feed->line))
        return vv_fail_memory(op);
    feed->is_bad_next = !is_bad && vv_random_chance(&feed->bad_random, feed->bad_share);
    if (!feed->is_live && feed->pace.rate > 0)
        feed->due_us = vv_pace_us(&feed->pace, (double)feed->rows_given);
    feed->rows_given++;
    *out_line = vv_buf_str(&feed->line);
    return VARVE_OK;
}

int64_t vv_feed_due_us(const struct vv_feed *feed)
{
    return feed->due_us;
}
