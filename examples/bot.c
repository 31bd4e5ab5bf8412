/*
 * A bot that writes its market regime each minute, exactly once.
 *
 *     cc bot.c $(pkg-config --cflags --libs varve) -o bot && ./bot my-lake
 *
 * Each batch has a number. If the program dies, or a call ends in doubt, it sends the same batch
 * under the same number again: what is there already is not written twice.
 */
#include <stdio.h>
#include <varve/market.h>

#define MINUTE_US INT64_C(60000000)
#define OPENING_US INT64_C(1738247400000000) /* 2025-01-30T14:30:00Z */

static int fail(const varve_error *error)
{
    fprintf(stderr, "bot: %s\n", error->message);
    return (int)error->code;
}

/* What a model would say; here VIX falls through the day. */
static varve_market_regime classify(int minute)
{
    varve_market_regime regime = VARVE_MARKET_REGIME_INIT;
    regime.timestamp = OPENING_US + minute * MINUTE_US;
    regime.symbol = "SPY";
    regime.vix = 21.0 - minute * 0.5;
    regime.regime = regime.vix > 20 ? "bullish_high" : "bullish_low";
    regime.confidence = 0.9;
    regime.source = "example";
    return regime;
}

static varve_status write_minutes(varve_table *table, varve_error *error)
{
    for (int minute = 0; minute < 5; minute++) {
        const varve_market_regime regime = classify(minute);
        varve_upsert_options options = VARVE_UPSERT_OPTIONS_INIT;
        varve_upsert_result result;
        options.app_id = "bot";
        options.app_version = minute + 1;
        varve_status status =
            varve_table_upsert_regimes(table, &regime, 1, &options, &result, error);
        if (status != VARVE_OK)
            return status;
        printf("minute %d: %s\n", minute, result.already_applied ? "was there" : "written");
    }
    return VARVE_OK;
}

static varve_status show_latest(varve_table *table, varve_error *error)
{
    struct ArrowArrayStream stream;
    varve_market_regime *rows = NULL;
    size_t len = 0;
    varve_status status = varve_table_latest(table, NULL, &stream, error);
    if (status == VARVE_OK)
        status = varve_read_regimes(&stream, &rows, &len, error);
    for (size_t i = 0; status == VARVE_OK && i < len; i++)
        printf("%s is %s, VIX %.1f\n", rows[i].symbol, rows[i].regime, rows[i].vix);
    varve_free(rows);
    return status;
}

int main(int argc, char **argv)
{
    varve_lake_options options = VARVE_LAKE_OPTIONS_INIT;
    varve_lake *lake = NULL;
    varve_table *table = NULL;
    varve_error error;
    options.create = 1;
    options.user = "bot";
    varve_status status = varve_lake_open(argc > 1 ? argv[1] : "lake", &options, &lake, &error);
    if (status == VARVE_OK)
        status = varve_lake_init(lake, NULL, NULL, &error);
    if (status == VARVE_OK)
        status = varve_table_open(lake, "market_regimes", &table, &error);
    if (status == VARVE_OK)
        status = write_minutes(table, &error);
    if (status == VARVE_OK)
        status = show_latest(table, &error);
    varve_table_close(table);
    varve_lake_close(lake);
    return status == VARVE_OK ? 0 : fail(&error);
}
