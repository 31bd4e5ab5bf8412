#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "cli/commands.h"

struct simulate_values {
    struct vv_integer days;
    const char *start;
    const char *symbols;
    struct vv_integer strategies;
    struct vv_integer seed;
    struct vv_real rate;
    struct vv_real late;
    struct vv_real repeats;
    struct vv_real corrections;
    const char *table;
};

#define AT(member) offsetof(struct simulate_values, member)

static const struct vv_option options[] = {
    {.name = "days",
        .kind = VV_OPTION_INTEGER,
        .value = "N",
        .least = 1,
        .most = 10000,
        .help = "trading days (default 1)",
        .offset = AT(days)},
    {.name = "start",
        .kind = VV_OPTION_TEXT,
        .value = "DATE",
        .help = "first day (default: so that the last one is the latest before today)",
        .offset = AT(start)},
    {.name = "symbols",
        .kind = VV_OPTION_TEXT,
        .value = "A,B",
        .help = "default SPY,QQQ,IWM",
        .offset = AT(symbols)},
    {.name = "strategies",
        .kind = VV_OPTION_INTEGER,
        .value = "N",
        .least = 1,
        .most = 10000,
        .help = "how many (default 3)",
        .offset = AT(strategies)},
    {.name = "seed",
        .kind = VV_OPTION_INTEGER,
        .value = "S",
        .most = INT64_MAX,
        .help = "another number, another market (default 0)",
        .offset = AT(seed)},
    {.name = "rate",
        .kind = VV_OPTION_REAL,
        .value = "R",
        .help = "rows a second (default 0: as fast as possible)",
        .offset = AT(rate)},
    {.name = "table",
        .kind = VV_OPTION_TEXT,
        .value = "TABLE",
        .help = "only the rows of this table",
        .offset = AT(table)},
    {.name = "late",
        .kind = VV_OPTION_REAL,
        .value = "SHARE",
        .help = "of rows that come minutes to hours late (default 0.01)",
        .offset = AT(late)},
    {.name = "repeats",
        .kind = VV_OPTION_REAL,
        .value = "SHARE",
        .help = "of rows that come twice (default 0.01)",
        .offset = AT(repeats)},
    {.name = "corrections",
        .kind = VV_OPTION_REAL,
        .value = "SHARE",
        .help = "of rows that are corrected later (default 0.01)",
        .offset = AT(corrections)},
};

static void feed_cleanup(varve_feed **feed)
{
    varve_feed_close(*feed);
    *feed = NULL;
}

/* A share of nothing at all is negative to the library, 0 is its default. */
static double share(struct vv_real given)
{
    return given.given && !(given.value > 0) ? -1 : given.value;
}

/* Every line starts with its table. */
static bool is_of_table(const char *line, const char *table)
{
    static const char start[] = "{\"table\":\"";
    size_t len = strlen(table);
    const char *name = line + sizeof(start) - 1;
    return strncmp(line, start, sizeof(start) - 1) == 0 && strncmp(name, table, len) == 0 &&
           name[len] == '"';
}

/* Waits until row number `row` is due; false when interrupted. */
static bool wait_for_turn(const struct timespec *start, double rate, uint64_t row)
{
    double after = (double)row / rate;
    struct timespec due = *start;
    due.tv_sec += (time_t)after;
    due.tv_nsec += (long)((after - (double)(time_t)after) * 1e9);
    if (due.tv_nsec >= 1000000000) {
        due.tv_nsec -= 1000000000;
        due.tv_sec++;
    }
    while (vv_interrupt_signal() == 0) {
        int number = clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &due, NULL);
        if (number != EINTR)
            return true;
    }
    return false;
}

static varve_status write_lines(struct vv_cli *cli, varve_feed *feed,
    const struct simulate_values *values)
{
    const char *line = NULL;
    struct timespec start;
    double rate = values->rate.value;
    bool is_paced = rate > 0;
    (void)clock_gettime(CLOCK_MONOTONIC, &start);
    for (uint64_t row = 0; !ferror(stdout);) {
        VV_TRY(varve_feed_next(feed, &line, &cli->error));
        if (line == NULL)
            break;
        if (values->table && !is_of_table(line, values->table))
            continue;
        if (vv_interrupt_signal() != 0 || (is_paced && !wait_for_turn(&start, rate, row)))
            return vv_error_set(&cli->error, VARVE_EINTERRUPTED, "interrupted");
        (void)fputs(line, stdout);
        (void)fputc('\n', stdout);
        if (is_paced)
            (void)fflush(stdout);
        row++;
    }
    return vv_show_text(cli, "", 0); /* flushes, and asks how that went */
}

static varve_status check_table(struct vv_cli *cli, const char *table)
{
    static const char *const names[] = {"market_regimes", "performance_metrics", "signals"};
    for (size_t i = 0; i < VV_COUNT(names); i++)
        if (table == NULL || strcmp(table, names[i]) == 0)
            return VARVE_OK;
    return vv_error_set(&cli->error, VARVE_EUSAGE,
        "option --table: '%s' is none of market_regimes, performance_metrics, signals", table);
}

static varve_status run(struct vv_cli *cli, const void *given)
{
    const struct simulate_values *values = given;
    varve_feed *feed VV_CLEANUP(feed_cleanup) = NULL;
    varve_feed_options feed_options = VARVE_FEED_OPTIONS_INIT;
    if (cli->globals.output || cli->globals.format)
        return vv_error_set(&cli->error, VARVE_EUSAGE,
            "simulate: it writes NDJSON to stdout; --format and --output mean nothing to it");
    VV_TRY(check_table(cli, values->table));
    feed_options.days = (uint32_t)values->days.value;
    feed_options.start = values->start;
    feed_options.symbols = values->symbols;
    feed_options.strategies = (uint32_t)values->strategies.value;
    feed_options.seed = (uint64_t)values->seed.value;
    feed_options.late_share = share(values->late);
    feed_options.repeat_share = share(values->repeats);
    feed_options.correction_share = share(values->corrections);
    VV_TRY(varve_feed_open(&feed_options, &feed, &cli->error));
    return write_lines(cli, feed, values);
}

const struct vv_command vv_cmd_simulate = {
    .name = "simulate",
    .summary = "a deterministic market feed as NDJSON",
    .arguments = "",
    .examples = "varve simulate --days 5 --seed 7 > feed.ndjson\n"
                "varve simulate --days 1 --table signals | varve upsert signals -",
    .text = "Minutes of a market that changes between six regimes: per minute one row of\n"
            "market_regimes a symbol, one of performance_metrics a strategy, and signals now\n"
            "and then, in order of delivery. Some rows come late, some twice, some are\n"
            "corrected later, as in a real feed. The same seed gives the same rows.",
    VV_OPTIONS(options, struct simulate_values),
    .run = run,
};
