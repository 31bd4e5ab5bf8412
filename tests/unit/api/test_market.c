/*
 * Records in and out of the market tables, with and without values.
 */
#include <math.h>
#include <stdlib.h>

#include "harness/test.h"
#include "varve/market.h"

struct lake {
    varve_lake *lake;
    varve_table *table;
    varve_error err;
};

static void lake_done(struct lake *lake)
{
    varve_table_close(lake->table);
    varve_lake_close(lake->lake);
}

static bool lake_open(struct lake *lake, const char *table)
{
    varve_lake_options options = VARVE_LAKE_OPTIONS_INIT;
    *lake = (struct lake){0};
    options.create = 1;
    options.threads = 1;
    return CHECK_INT(varve_lake_open(test_path("lake"), &options, &lake->lake, &lake->err),
               0) &&
           CHECK_INT(varve_lake_init(lake->lake, NULL, NULL, &lake->err), 0) &&
           CHECK_INT(varve_table_open(lake->lake, table, &lake->table, &lake->err), 0);
}

static bool scan(struct lake *lake, const char *columns, struct ArrowArrayStream *out)
{
    varve_scan_options options = VARVE_SCAN_OPTIONS_INIT;
    options.columns = columns;
    return CHECK_INT(varve_table_scan(lake->table, &options, out, &lake->err), 0);
}

#define T0 INT64_C(1738231200000000) /* 2025-01-30T10:00:00Z */

TEST(market, regimes_come_back_as_they_went_in)
{
    VV_CLEANUP(lake_done) struct lake lake;
    struct ArrowArrayStream stream = {0};
    varve_market_regime rows[2] = {VARVE_MARKET_REGIME_INIT, VARVE_MARKET_REGIME_INIT};
    varve_market_regime *back = NULL;
    varve_upsert_result result;
    size_t len = 0;
    REQUIRE(lake_open(&lake, "market_regimes"));
    rows[0].timestamp = T0;
    rows[0].symbol = "SPY";
    rows[0].regime = "bullish_low";
    rows[0].vix = 15.25;
    rows[0].put_call_ratio = 0;
    rows[0].futures_trend = "up";
    rows[0].confidence = 0.9;
    rows[0].model_version = "";
    rows[0].source = "Zürich ✓";
    rows[0].ingested_at = T0 + 1;
    rows[1].timestamp = T0 + 1;
    rows[1].symbol = "QQQ";
    rows[1].regime = "neutral_high";
    rows[1].ingested_at = T0 + 2;
    REQUIRE(CHECK_INT(varve_table_upsert_regimes(lake.table, rows, 2, NULL, &result, &lake.err),
        0));
    CHECK_INT(result.inserted, 2);
    REQUIRE(scan(&lake, NULL, &stream));
    REQUIRE(CHECK_INT(varve_read_regimes(&stream, &back, &len, &lake.err), 0));
    REQUIRE(CHECK_INT(len, 2));
    const varve_market_regime *full = &back[back[0].timestamp == T0 ? 0 : 1];
    const varve_market_regime *bare = &back[back[0].timestamp == T0 ? 1 : 0];
    CHECK_INT(full->timestamp, T0);
    CHECK_STR(full->symbol, "SPY");
    CHECK_STR(full->regime, "bullish_low");
    CHECK(full->vix == 15.25 && full->put_call_ratio == 0 && full->confidence == 0.9);
    CHECK_STR(full->futures_trend, "up");
    CHECK_STR(full->model_version, "");
    CHECK_STR(full->source, "Zürich ✓");
    CHECK_INT(full->ingested_at, T0 + 1);
    CHECK_STR(bare->symbol, "QQQ");
    CHECK(isnan(bare->vix) && isnan(bare->put_call_ratio) && isnan(bare->confidence));
    CHECK(bare->futures_trend == NULL && bare->model_version == NULL && bare->source == NULL);
    varve_free(back);
}

TEST(market, performance_comes_back_as_it_went_in)
{
    VV_CLEANUP(lake_done) struct lake lake;
    struct ArrowArrayStream stream = {0};
    varve_performance rows[2] = {VARVE_PERFORMANCE_INIT, VARVE_PERFORMANCE_INIT};
    varve_performance *back = NULL;
    varve_upsert_result result;
    size_t len = 0;
    REQUIRE(lake_open(&lake, "performance_metrics"));
    rows[0] = (varve_performance){T0, "condor", -1.5, 2.5, 1, 0.1, 0.2, 0.3, 0.4, -7, 10, 11,
        "bullish_low", "bearish_high", T0};
    rows[1].timestamp = T0;
    rows[1].strategy_id = "butterfly";
    REQUIRE(CHECK_INT(varve_table_upsert_performance(lake.table, rows, 2, NULL, &result,
                          &lake.err),
        0));
    REQUIRE(scan(&lake, NULL, &stream));
    REQUIRE(CHECK_INT(varve_read_performance(&stream, &back, &len, &lake.err), 0));
    REQUIRE(CHECK_INT(len, 2));
    const varve_performance *full = &back[strcmp(back[0].strategy_id, "condor") == 0 ? 0 : 1];
    const varve_performance *bare = &back[strcmp(back[0].strategy_id, "condor") == 0 ? 1 : 0];
    CHECK(full->unrealized_pnl == -1.5 && full->realized_pnl == 2.5 && full->total_pnl == 1);
    CHECK(full->delta == 0.1 && full->gamma == 0.2 && full->theta == 0.3 && full->vega == 0.4);
    CHECK(full->entry_price == 10 && full->current_price == 11);
    CHECK_INT(full->dte, -7);
    CHECK_STR(full->regime_at_entry, "bullish_low");
    CHECK_STR(full->regime_current, "bearish_high");
    CHECK_INT(bare->dte, VARVE_NO_INT);
    CHECK(isnan(bare->total_pnl) && bare->regime_at_entry == NULL);
    CHECK(bare->ingested_at > T0); /* on arrival: the clock */
    varve_free(back);
}

TEST(market, signals_come_back_as_they_went_in)
{
    VV_CLEANUP(lake_done) struct lake lake;
    struct ArrowArrayStream stream = {0};
    varve_signal rows[10];
    varve_signal *back = NULL;
    varve_upsert_result result;
    size_t len = 0;
    REQUIRE(lake_open(&lake, "signals"));
    for (size_t i = 0; i < VV_COUNT(rows); i++) {
        rows[i] = (varve_signal)VARVE_SIGNAL_INIT;
        rows[i].timestamp = T0 + (int64_t)i;
        rows[i].strategy_id = "s";
        rows[i].signal_type = "ml_entry";
        rows[i].acted_upon = i % 3 == 0 ? 1 : 0;
        if (i % 3 == 0)
            rows[i].acted_at = T0 + 100;
        if (i % 2 == 0)
            rows[i].signal_value = (double)i / 10;
    }
    REQUIRE(CHECK_INT(varve_table_upsert_signals(lake.table, rows, 10, NULL, &result,
                          &lake.err),
        0));
    REQUIRE(scan(&lake, NULL, &stream));
    REQUIRE(CHECK_INT(varve_read_signals(&stream, &back, &len, &lake.err), 0));
    REQUIRE(CHECK_INT(len, 10));
    for (size_t i = 0; i < len; i++) {
        size_t number = (size_t)(back[i].timestamp - T0);
        REQUIRE(number < 10);
        CHECK_INT(back[i].acted_upon, number % 3 == 0);
        CHECK_INT(back[i].acted_at, number % 3 == 0 ? T0 + 100 : VARVE_NO_TIME);
        CHECK(number % 2 == 0 ? back[i].signal_value == (double)number / 10
                              : isnan(back[i].signal_value));
    }
    varve_free(back);
}

TEST(market, a_bad_record_is_named_and_nothing_is_written)
{
    VV_CLEANUP(lake_done) struct lake lake;
    varve_market_regime rows[3] = {
        VARVE_MARKET_REGIME_INIT, VARVE_MARKET_REGIME_INIT, VARVE_MARKET_REGIME_INIT};
    varve_upsert_result result = {.version = -7};
    REQUIRE(lake_open(&lake, "market_regimes"));
    for (size_t i = 0; i < 3; i++) {
        rows[i].timestamp = T0 + (int64_t)i;
        rows[i].symbol = "SPY";
        rows[i].regime = i == 1 ? "sideways" : "bullish_low";
    }
    CHECK_INT(varve_table_upsert_regimes(lake.table, rows, 3, NULL, &result, &lake.err),
        VARVE_EINVALID);
    CHECK(strstr(lake.err.detail, "row 2") != NULL);
    CHECK(strstr(lake.err.detail, "sideways") != NULL);
    CHECK_INT(result.version, -7);
    rows[1].symbol = NULL;
    CHECK_INT(varve_table_upsert_regimes(lake.table, rows, 3, NULL, &result, &lake.err),
        VARVE_EINVALID);
    rows[1].symbol = "\xff";
    CHECK_INT(varve_table_upsert_regimes(lake.table, rows, 3, NULL, &result, &lake.err),
        VARVE_EINVALID);
}

TEST(market, nothing_is_something_to_write_and_to_read)
{
    VV_CLEANUP(lake_done) struct lake lake;
    struct ArrowArrayStream stream = {0};
    varve_signal *back = NULL;
    varve_upsert_result result;
    size_t len = 7;
    REQUIRE(lake_open(&lake, "signals"));
    CHECK_INT(varve_table_upsert_signals(lake.table, NULL, 0, NULL, &result, &lake.err), 0);
    CHECK_INT(result.rows_in, 0);
    CHECK_INT(result.version, 0);
    REQUIRE(scan(&lake, NULL, &stream));
    CHECK_INT(varve_read_signals(&stream, &back, &len, &lake.err), 0);
    CHECK_INT(len, 0);
    varve_free(back);
}

TEST(market, a_stream_is_read_by_the_names_of_its_columns)
{
    VV_CLEANUP(lake_done) struct lake lake;
    struct ArrowArrayStream stream = {0};
    varve_market_regime row = VARVE_MARKET_REGIME_INIT;
    varve_market_regime *back = NULL;
    varve_upsert_result result;
    size_t len = 0;
    REQUIRE(lake_open(&lake, "market_regimes"));
    row.timestamp = T0;
    row.symbol = "SPY";
    row.regime = "bullish_low";
    row.vix = 15;
    REQUIRE(CHECK_INT(varve_table_upsert_regimes(lake.table, &row, 1, NULL, &result, &lake.err),
        0));
    REQUIRE(scan(&lake, "vix,date,symbol", &stream));
    REQUIRE(CHECK_INT(varve_read_regimes(&stream, &back, &len, &lake.err), 0));
    REQUIRE(CHECK_INT(len, 1));
    CHECK_STR(back[0].symbol, "SPY");
    CHECK(back[0].vix == 15 && back[0].regime == NULL);
    CHECK_INT(back[0].timestamp, VARVE_NO_TIME);
    varve_free(back);
    REQUIRE(CHECK_INT(varve_lake_query(lake.lake, "SELECT 'x' AS vix", NULL, &stream,
                          &lake.err),
        0));
    CHECK_INT(varve_read_regimes(&stream, &back, &len, &lake.err), VARVE_EUSAGE);
    CHECK(strstr(lake.err.message, "vix") != NULL);
    CHECK(stream.release == NULL);
}

#define MANY_DAYS 6
#define MANY_A_DAY 5000 /* more in all than stay in memory */

/* A row a second over some days, `vix` in all. */
static bool upsert_many(struct lake *lake, double vix, varve_upsert_result *result)
{
    size_t len = (size_t)MANY_DAYS * MANY_A_DAY;
    varve_market_regime *rows = calloc(len, sizeof(*rows));
    if (!CHECK(rows != NULL))
        return false;
    for (size_t i = 0; i < len; i++) {
        int64_t second = (int64_t)(i / MANY_A_DAY) * 86400 + (int64_t)(i % MANY_A_DAY);
        rows[i] = (varve_market_regime)VARVE_MARKET_REGIME_INIT;
        rows[i].timestamp = T0 + second * 1000000;
        rows[i].symbol = "SPY";
        rows[i].regime = "bullish_low";
        rows[i].vix = vix;
    }
    varve_status status =
        varve_table_upsert_regimes(lake->table, rows, len, NULL, result, &lake->err);
    free(rows);
    return CHECK_INT(status, 0);
}

/* What a small batch leaves in an open table is not what a large one needs, and the other way. */
TEST(market, small_and_large_batches_take_turns_in_one_open_table)
{
    VV_CLEANUP(lake_done) struct lake lake;
    varve_market_regime row = VARVE_MARKET_REGIME_INIT;
    varve_upsert_result result;
    REQUIRE(lake_open(&lake, "market_regimes"));
    row.timestamp = T0;
    row.symbol = "QQQ";
    row.regime = "bullish_low";
    for (int turn = 0; turn < 2; turn++) {
        row.vix = 15 + turn;
        REQUIRE(CHECK_INT(varve_table_upsert_regimes(lake.table, &row, 1, NULL, &result,
                              &lake.err),
            0));
        CHECK_INT(result.inserted + result.updated, 1);
        REQUIRE(upsert_many(&lake, 20 + turn, &result));
        CHECK_INT(turn == 0 ? result.inserted : result.updated, MANY_DAYS * MANY_A_DAY);
    }
}
