#include "base/buf.h"
#include "base/json.h"
#include "base/map.h"
#include "base/time.h"
#include "harness/test.h"
#include "ingest/feed.h"
#include "ingest/pace.h"
#include "ingest/random.h"
#include "ingest/session.h"

/* A whole feed read into memory: its lines, parsed. */
struct fixture {
    struct vv_op op;
    struct vv_feed *feed;
};

static void begin(struct fixture *f, const struct vv_feed_options *options)
{
    vv_op_init(&f->op, NULL, VV_OP_BYTES_DEFAULT);
    f->feed = NULL;
    CHECK_OK(&f->op, vv_feed_open(&f->op, options, &f->feed));
}

static void end(struct fixture *f)
{
    vv_feed_close(&f->feed);
    vv_op_done(&f->op);
}

static const struct vv_json *next(struct fixture *f)
{
    struct vv_str line = VV_STR_NONE;
    const struct vv_json *json = NULL;
    if (!CHECK_OK(&f->op, vv_feed_next(&f->op, f->feed, &line)) || line.ptr == NULL)
        return NULL;
    CHECK(vv_str_starts(line, VV_STR("{\"table\":\"")));
    CHECK(vv_str_find(line, '\n') == line.len);
    CHECK_OK(&f->op, vv_json_parse(&f->op, &f->op.arena, line, &json));
    return json;
}

static struct vv_str text(const struct vv_json *row, const char *name)
{
    return vv_json_text(vv_json_get_kind(row, name, VV_JSON_STRING));
}

static double number(const struct vv_json *row, const char *name)
{
    double value = 0;
    CHECK(vv_json_double(vv_json_get_kind(row, name, VV_JSON_NUMBER), &value));
    return value;
}

static int64_t time_us(const struct vv_json *row, const char *name)
{
    int64_t us = 0;
    CHECK(vv_time_parse(text(row, name), &us, NULL, NULL));
    return us;
}

static bool is_one_of(struct vv_str value, const char *const *words)
{
    for (; *words; words++)
        if (vv_str_eq(value, vv_str_of(*words)))
            return true;
    return false;
}

static const char *const regimes[] = {"bullish_low", "bullish_high", "bearish_low",
    "bearish_high", "neutral_low", "neutral_high", NULL};
static const char *const trends[] = {"up", "down", "flat", NULL};
static const char *const types[] = {"ml_entry", "rule_entry", "futures_confirm", NULL};

static void check_regimes(const struct vv_json *row)
{
    CHECK(is_one_of(text(row, "regime"), regimes));
    CHECK(is_one_of(text(row, "futures_trend"), trends));
    CHECK(text(row, "symbol").len > 0);
    CHECK(number(row, "vix") >= 0);
    CHECK(number(row, "put_call_ratio") >= 0);
    CHECK(number(row, "confidence") >= 0 && number(row, "confidence") <= 1);
}

static int64_t cents(const struct vv_json *row, const char *name)
{
    double value = number(row, name) * 100;
    return (int64_t)(value < 0 ? value - 0.5 : value + 0.5);
}

static void check_metrics(const struct vv_json *row)
{
    CHECK(is_one_of(text(row, "regime_at_entry"), regimes));
    CHECK(is_one_of(text(row, "regime_current"), regimes));
    CHECK(text(row, "strategy_id").len > 0);
    CHECK_INT(cents(row, "total_pnl"),
        cents(row, "unrealized_pnl") + cents(row, "realized_pnl"));
    CHECK(number(row, "dte") >= 0);
    CHECK(number(row, "entry_price") > 0);
    CHECK(number(row, "current_price") > 0);
}

static void check_signals(const struct vv_json *row)
{
    bool has_time = vv_json_is(vv_json_get(row, "acted_at"), VV_JSON_STRING);
    CHECK(is_one_of(text(row, "signal_type"), types));
    CHECK(is_one_of(text(row, "regime"), regimes));
    CHECK(is_one_of(text(row, "futures_trend"), trends));
    CHECK(number(row, "signal_value") >= 0 && number(row, "signal_value") <= 1);
    CHECK_INT(has_time, vv_json_bool(vv_json_get(row, "acted_upon"), !has_time));
    if (has_time)
        CHECK(time_us(row, "acted_at") > time_us(row, "timestamp"));
}

static void check_row(const struct vv_json *row)
{
    struct vv_str table = text(row, "table");
    CHECK(time_us(row, "ingested_at") > time_us(row, "timestamp"));
    CHECK_INT(vv_time_date_of(time_us(row, "ingested_at")),
        vv_time_date_of(time_us(row, "timestamp")));
    if (vv_str_eq(table, VV_STR("market_regimes")))
        check_regimes(row);
    else if (vv_str_eq(table, VV_STR("performance_metrics")))
        check_metrics(row);
    else if (CHECK_STR(table, "signals"))
        check_signals(row);
}

static const struct vv_feed_options three_days = {
    .days = 3, .start = {"2025-01-30", 10}, .seed = 7};

TEST(feed, every_row_obeys_the_rules_of_its_table)
{
    struct fixture f;
    const struct vv_json *row = NULL;
    size_t rows = 0;
    begin(&f, &three_days);
    while ((row = next(&f)) != NULL) {
        check_row(row);
        rows++;
    }
    /* 3 days x 390 minutes x (3 symbols + 3 strategies), signals and repeats on top. */
    CHECK(rows > 3 * 390 * 6);
    CHECK(rows < 3 * 390 * 7);
    end(&f);
}

static uint64_t digest(const struct vv_feed_options *options)
{
    struct fixture f;
    struct vv_str line = VV_STR_NONE;
    uint64_t hash = 0;
    begin(&f, options);
    while (CHECK_OK(&f.op, vv_feed_next(&f.op, f.feed, &line)) && line.ptr)
        hash = hash * 31 + vv_str_hash(line);
    end(&f);
    return hash;
}

TEST(feed, same_seed_gives_the_same_bytes)
{
    struct vv_feed_options other = three_days;
    uint64_t first = digest(&three_days);
    CHECK(digest(&three_days) == first);
    other.seed = 8;
    CHECK(digest(&other) != first);
}

/* What each key has been seen with, newest ingested_at first. */
struct seen {
    struct vv_str line;
    int64_t ingested_us;
};

static struct vv_str key_of(struct fixture *f, const struct vv_json *row)
{
    return vv_arena_format(&f->op.arena, "%.*s|%.*s|%.*s|%.*s|%.*s", VV_ARG(text(row, "table")),
        VV_ARG(text(row, "timestamp")), VV_ARG(text(row, "symbol")),
        VV_ARG(text(row, "strategy_id")), VV_ARG(text(row, "signal_type")));
}

struct counts {
    size_t rows, repeats, corrections, late, stale_repeats;
};

static void count_row(struct fixture *f, struct vv_map *map, const struct vv_json *row,
    struct counts *counts)
{
    struct vv_str line;
    struct vv_str key = key_of(f, row);
    struct seen *now = vv_new(&f->op.arena, struct seen, 1);
    REQUIRE_OK(&f->op, vv_json_write_value(&f->op, row, &f->op.arena, &line));
    *now = (struct seen){line, time_us(row, "ingested_at")};
    const struct seen *before = vv_map_get(map, key);
    counts->rows++;
    if (now->ingested_us - time_us(row, "timestamp") > 2 * 60 * VV_US_PER_S)
        counts->late++;
    if (before && vv_str_eq(before->line, line))
        counts->repeats++;
    else if (before && now->ingested_us > before->ingested_us)
        counts->corrections++;
    else if (before)
        counts->stale_repeats++;
    if (before == NULL || now->ingested_us > before->ingested_us)
        CHECK(vv_map_put(map, key, now, NULL));
}

static struct counts count(const struct vv_feed_options *options)
{
    struct fixture f;
    struct counts counts = {0};
    const struct vv_json *row = NULL;
    begin(&f, options);
    struct vv_map map = VV_MAP_INIT(&f.op.arena);
    while ((row = next(&f)) != NULL)
        count_row(&f, &map, row, &counts);
    end(&f);
    return counts;
}

TEST(feed, late_rows_repeats_and_corrections_come_as_often_as_asked)
{
    struct vv_feed_options options = three_days;
    struct counts usual = count(&options);
    CHECK(usual.late > usual.rows / 200 && usual.late < usual.rows / 20);
    CHECK(usual.repeats > usual.rows / 200 && usual.repeats < usual.rows / 50);
    CHECK(usual.corrections > usual.rows / 200 && usual.corrections < usual.rows / 50);
    options.late_share = options.repeat_share = options.correction_share = -1;
    struct counts none = count(&options);
    CHECK_INT(none.late + none.repeats + none.corrections + none.stale_repeats, 0);
    options.repeat_share = 1;
    struct counts all = count(&options);
    CHECK_INT(all.rows, none.rows * 2);
    CHECK_INT(all.repeats, none.rows);
}

TEST(feed, delivery_is_in_order_of_time_but_for_repeats)
{
    struct fixture f;
    struct vv_feed_options options = three_days;
    const struct vv_json *row = NULL;
    int64_t newest_us = 0;
    options.repeat_share = -1;
    begin(&f, &options);
    while ((row = next(&f)) != NULL) {
        CHECK(time_us(row, "ingested_at") >= newest_us);
        newest_us = time_us(row, "ingested_at");
    }
    end(&f);
}

TEST(feed, has_the_days_symbols_and_strategies_asked_for)
{
    struct fixture f;
    struct vv_feed_options options = {.days = 2,
        .start = VV_STR("2025-02-01"), /* a Saturday */
        .symbols = VV_STR(" ES, NQ"),
        .strategies = 2};
    static const char *const symbols[] = {"ES", "NQ", NULL};
    const struct vv_json *row = NULL;
    size_t regime_rows = 0, metric_rows = 0;
    int32_t first = INT32_MAX, last = 0;
    options.late_share = options.repeat_share = options.correction_share = -1;
    begin(&f, &options);
    while ((row = next(&f)) != NULL) {
        int32_t day = vv_time_date_of(time_us(row, "timestamp"));
        first = day < first ? day : first;
        last = day > last ? day : last;
        if (vv_str_eq(text(row, "table"), VV_STR("market_regimes"))) {
            CHECK(is_one_of(text(row, "symbol"), symbols));
            regime_rows++;
        }
        metric_rows += vv_str_eq(text(row, "table"), VV_STR("performance_metrics")) ? 1 : 0;
    }
    CHECK_INT(regime_rows, 2 * 390 * 2);
    CHECK_INT(metric_rows, 2 * 390 * 2);
    CHECK_INT(first, 20122); /* Monday, 2025-02-03 */
    CHECK_INT(last, 20123);
    end(&f);
}

TEST(feed, without_a_start_ends_on_the_latest_day_before_today)
{
    struct fixture f;
    struct vv_feed_options options = {.days = 1};
    const struct vv_json *row = NULL;
    begin(&f, &options);
    int64_t today = vv_time_date_of(vv_now_us(&f.op));
    REQUIRE((row = next(&f)) != NULL);
    int64_t day = vv_time_date_of(time_us(row, "timestamp"));
    CHECK(day < today && day >= today - 3);
    end(&f);
}

TEST(feed, bad_lines_come_beside_the_good_ones)
{
    struct fixture good, mixed;
    struct vv_feed_options options = three_days;
    struct vv_str line = VV_STR_NONE, other = VV_STR_NONE;
    size_t rows = 0, bad = 0, broken = 0;
    begin(&good, &options);
    options.bad_share = 0.1;
    begin(&mixed, &options);
    while (CHECK_OK(&good.op, vv_feed_next(&good.op, good.feed, &line)) && line.ptr) {
        rows++;
        REQUIRE_OK(&mixed.op, vv_feed_next(&mixed.op, mixed.feed, &other));
        if (!vv_str_eq(line, other)) { /* at most one of them between two good ones */
            VV_CLEANUP(vv_op_done) struct vv_op op;
            const struct vv_json *json = NULL;
            vv_op_init(&op, NULL, VV_OP_BYTES_DEFAULT);
            bad++;
            if (vv_json_parse(&op, &op.arena, other, &json) != VARVE_OK) {
                broken++;
                vv_forgive(&op);
            }
            REQUIRE_OK(&mixed.op, vv_feed_next(&mixed.op, mixed.feed, &other));
        }
        REQUIRE(vv_str_eq(line, other));
    }
    CHECK(bad > rows / 12 && bad < rows / 8);
    CHECK(broken > bad / 9 && broken < bad / 3); /* two kinds of nine are no JSON */
    end(&mixed);
    end(&good);
}

TEST(feed, of_one_table_has_the_rows_of_the_whole)
{
    struct fixture whole, part;
    struct vv_feed_options options = three_days;
    struct vv_str line = VV_STR_NONE, other = VV_STR_NONE;
    size_t rows = 0;
    begin(&whole, &options);
    options.table = VV_STR("signals");
    begin(&part, &options);
    while (CHECK_OK(&whole.op, vv_feed_next(&whole.op, whole.feed, &line)) && line.ptr) {
        if (!vv_str_starts(line, VV_STR("{\"table\":\"signals\"")))
            continue;
        rows++;
        REQUIRE_OK(&part.op, vv_feed_next(&part.op, part.feed, &other));
        REQUIRE(vv_str_eq(line, other));
    }
    CHECK(rows > 20);
    CHECK_OK(&part.op, vv_feed_next(&part.op, part.feed, &other));
    CHECK(other.ptr == NULL);
    end(&part);
    end(&whole);
}

TEST(feed, a_live_one_goes_by_the_clock)
{
    struct fixture f;
    struct vv_feed_options options = {.rate = 500, .live = true};
    const struct vv_json *row = NULL;
    int64_t due_us = 0, lag_us = 0;
    begin(&f, &options);
    struct vv_map keys = VV_MAP_INIT(&f.op.arena);
    int64_t start_us = vv_now_us(&f.op);
    for (size_t i = 0; i < 20000; i++) {
        REQUIRE((row = next(&f)) != NULL);
        CHECK(vv_feed_due_us(f.feed) >= due_us);
        due_us = vv_feed_due_us(f.feed);
        lag_us = start_us + due_us - time_us(row, "timestamp");
        CHECK(lag_us > -VV_US_PER_S && lag_us < 160 * VV_US_PER_S);
        (void)vv_map_put(&keys, key_of(&f, row), &keys, NULL);
    }
    /* 500 a second, the first ones after they became known; a few keys come more than once. */
    CHECK(due_us > 39 * VV_US_PER_S && due_us < 45 * VV_US_PER_S);
    CHECK(keys.len > 19000 && keys.len < 20000);
    end(&f);
}

TEST(feed, a_paced_past_is_due_row_by_row)
{
    struct fixture f;
    struct vv_feed_options options = three_days;
    options.rate = 100;
    begin(&f, &options);
    for (int64_t i = 0; i < 500; i++) {
        REQUIRE(next(&f) != NULL);
        CHECK_INT(vv_feed_due_us(f.feed), i * 10000);
    }
    end(&f);
}

TEST(pace, bursts_are_in_every_tenth_second)
{
    static const struct due {
        struct vv_pace pace;
        double rows;
        int64_t us;
    } dues[] = {
        {{100, 1}, 0, 0},
        {{100, 1}, 1, 10000},
        {{100, 1}, 12345, 123450000},
        {{100, 5}, 899, 8990000},
        {{100, 5}, 900, 9000000},
        {{100, 5}, 1150, 9500000},
        {{100, 5}, 1400, 10000000},
        {{100, 5}, 1500, 11000000},
        {{0.5, 1}, 3, 6000000},
    };
    for (size_t i = 0; i < VV_COUNT(dues); i++)
        CHECK_INT(vv_pace_us(&dues[i].pace, dues[i].rows), dues[i].us);
}

TEST(feed, refuses_options_that_make_no_sense)
{
    static const struct refused {
        struct vv_feed_options options;
        const char *part;
    } refused[] = {
        {{.start = {"soon", 4}}, "'soon' is not a date"},
        {{.start = {"1960-01-01", 10}}, "not a date from 1971"},
        {{.symbols = {"SPY,,QQQ", 8}}, "symbols: ''"},
        {{.symbols = {"SPY,SPY", 7}}, "twice"},
        {{.symbols = {"S\x01", 2}}, "symbols"},
        {{.late_share = 1.5}, "late share"},
        {{.days = 20000}, "at most"},
        {{.strategies = 20000}, "at most"},
        {{.bad_share = 2}, "bad share"},
        {{.rate = -1}, "rate"},
        {{.rate = 1, .burst = 0.5}, "burst"},
        {{.burst = 2}, "burst without a rate"},
        {{.live = true}, "live without a rate"},
        {{.table = {"prices", 6}}, "table: 'prices' is none of"},
    };
    for (size_t i = 0; i < VV_COUNT(refused); i++) {
        struct vv_op op;
        struct vv_feed *feed = NULL;
        vv_op_init(&op, NULL, VV_OP_BYTES_DEFAULT);
        CHECK_INT(vv_feed_open(&op, &refused[i].options, &feed), VARVE_EUSAGE);
        if (!CHECK(strstr(op.error.message, refused[i].part) != NULL))
            CHECK_STR(op.error.message, refused[i].part);
        CHECK(feed == NULL);
        vv_op_done(&op);
    }
}

TEST(session, opens_at_half_past_nine_in_new_york)
{
    static const struct opening {
        const char *date;
        const char *open;
    } openings[] = {
        {"2025-01-30", "2025-01-30T14:30:00.000000Z"},
        {"2025-03-07", "2025-03-07T14:30:00.000000Z"}, /* Friday before summer time */
        {"2025-03-10", "2025-03-10T13:30:00.000000Z"},
        {"2025-10-31", "2025-10-31T13:30:00.000000Z"}, /* Friday before winter time */
        {"2025-11-03", "2025-11-03T14:30:00.000000Z"},
        {"2026-03-06", "2026-03-06T14:30:00.000000Z"},
        {"2026-03-09", "2026-03-09T13:30:00.000000Z"},
        {"2020-11-02", "2020-11-02T14:30:00.000000Z"}, /* 1 November was a Sunday */
    };
    for (size_t i = 0; i < VV_COUNT(openings); i++) {
        int32_t day = 0;
        char open[32];
        CHECK(vv_time_parse_date(vv_str_of(openings[i].date), &day));
        (void)vv_time_format_us(vv_session_open_us(day), open);
        CHECK_STR((const char *)open, openings[i].open);
        CHECK(vv_session_is_day(day));
    }
    CHECK(!vv_session_is_day(20120)); /* 2025-02-01, a Saturday */
    CHECK(!vv_session_is_day(20121));
}

TEST(random, is_the_published_sequence)
{
    struct vv_random random = {{1, 2, 3, 4}};
    CHECK(vv_random_next(&random) == 11520);
    CHECK(vv_random_next(&random) == 0);
    CHECK(vv_random_next(&random) == 1509978240);
    CHECK(vv_random_next(&random) == 1215971899390074240);
}

TEST(random, stays_within_its_bounds)
{
    struct vv_random random;
    double sum = 0;
    vv_random_init(&random, 1);
    for (int i = 0; i < 10000; i++) {
        double unit = vv_random_unit(&random);
        int64_t between = vv_random_between(&random, -3, 3);
        CHECK(unit >= 0 && unit < 1);
        CHECK(between >= -3 && between <= 3);
        sum += vv_random_bell(&random);
    }
    CHECK(sum > -400 && sum < 400);
}
