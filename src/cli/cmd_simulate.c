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
    struct vv_real bad_share;
    struct vv_real burst;
    const char *table;
};

#define AT(member) offsetof(struct simulate_values, member)

static const struct vv_option options[] = {
    {.name = "days",
        .kind = VV_OPTION_INTEGER,
        .value = "N",
        .least = 1,
        .most = 10000,
        .help = "trading days (default 1; with --rate alone: for ever)",
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
        .help = "rows a second; without --days and --start: live, for ever",
        .offset = AT(rate)},
    {.name = "burst",
        .kind = VV_OPTION_REAL,
        .value = "TIMES",
        .help = "in every tenth second so many times the rate",
        .offset = AT(burst)},
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
    {.name = "bad-share",
        .kind = VV_OPTION_REAL,
        .value = "SHARE",
        .help = "of lines that no table takes, beside the good ones (default 0)",
        .offset = AT(bad_share)},
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

/* Waits until `due_us` after the start; false when interrupted. */
static bool wait_for_turn(const struct timespec *start, int64_t due_us)
{
    struct timespec due = *start;
    due.tv_sec += (time_t)(due_us / 1000000);
    due.tv_nsec += (long)(due_us % 1000000) * 1000;
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

static int64_t us_since(const struct timespec *start)
{
    struct timespec now = {0};
    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)(now.tv_sec - start->tv_sec) * 1000000 +
           (now.tv_nsec - start->tv_nsec) / 1000;
}

/* Lines that are due go out together; before it waits, all of them are on their way. */
static bool pace(const struct timespec *start, int64_t due_us)
{
    if (due_us <= us_since(start))
        return true;
    (void)fflush(stdout);
    return wait_for_turn(start, due_us);
}

static varve_status write_lines(struct vv_cli *cli, varve_feed *feed, bool is_paced)
{
    const char *line = NULL;
    struct timespec start;
    (void)clock_gettime(CLOCK_MONOTONIC, &start);
    while (!ferror(stdout)) {
        VV_TRY(varve_feed_next(feed, &line, &cli->error));
        if (line == NULL)
            break;
        if (vv_interrupt_signal() != 0 || (is_paced && !pace(&start, varve_feed_due_us(feed))))
            break;
        (void)fputs(line, stdout);
        (void)fputc('\n', stdout);
    }
    if (vv_interrupt_signal() != 0)
        return vv_interrupt_fail(&cli->error);
    return vv_show_text(cli, "", 0); /* flushes, and asks how that went */
}

static varve_status run(struct vv_cli *cli, const void *given)
{
    const struct simulate_values *values = given;
    varve_feed *feed VV_CLEANUP(feed_cleanup) = NULL;
    varve_feed_options feed_options = VARVE_FEED_OPTIONS_INIT;
    bool is_paced = values->rate.value > 0;
    if (cli->said.output || cli->said.format)
        return vv_error_set(&cli->error, VARVE_EUSAGE,
            "simulate: it writes NDJSON to stdout; --format and --output mean nothing to it");
    cli->globals.output = NULL;
    feed_options.days = (uint32_t)values->days.value;
    feed_options.start = values->start;
    feed_options.symbols = values->symbols;
    feed_options.strategies = (uint32_t)values->strategies.value;
    feed_options.seed = (uint64_t)values->seed.value;
    feed_options.late_share = share(values->late);
    feed_options.repeat_share = share(values->repeats);
    feed_options.correction_share = share(values->corrections);
    feed_options.table = values->table;
    feed_options.bad_share = values->bad_share.value;
    feed_options.rate = values->rate.value;
    feed_options.burst = values->burst.value;
    feed_options.live = is_paced && !values->days.given && values->start == NULL;
    VV_TRY(varve_feed_open(&feed_options, &feed, &cli->error));
    return write_lines(cli, feed, is_paced);
}

const struct vv_command vv_cmd_simulate = {
    .name = "simulate",
    .summary = "a deterministic market feed as NDJSON",
    .arguments = "",
    .examples = "varve simulate --days 5 --seed 7 > feed.ndjson\n"
                "varve simulate --days 1 --table signals | varve upsert signals -\n"
                "varve simulate --rate 2000 --bad-share 0.01 --burst 5 | head -n 5000",
    .text = "Minutes of a market that changes between six regimes: per minute one row of\n"
            "market_regimes a symbol, one of performance_metrics a strategy, and signals now\n"
            "and then, in order of delivery. Some rows come late, some twice, some are\n"
            "corrected later, as in a real feed. The same seed gives the same rows.\n"
            "With --days or --start, or without --rate, it tells of sessions in New York,\n"
            "09:30 to 16:00 from Monday to Friday (on holidays, too, and never shorter);\n"
            "`gaps --calendar XNYS` fits that.\n"
            "With --rate alone it is a live feed, day and night until it is stopped: events\n"
            "are now, what is a minute of the market takes as long as its rows do at that\n"
            "rate, and what is late by minutes is late by seconds. That market never closes:\n"
            "look at it with `gaps` without --calendar. Bad lines come beside the good ones,\n"
            "which stay the same: broken JSON, unknown tables and columns, keys and times\n"
            "that are missing, broken rules.",
    VV_OPTIONS(options, struct simulate_values),
    .run = run,
};
