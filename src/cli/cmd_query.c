#include "cli/commands.h"
#include "cli/query_run.h"

struct query_values {
    const char *file;
    struct vv_list params;
    bool explain;
};

static const struct vv_option options[] = {
    {.name = "file",
        .letter = 'f',
        .kind = VV_OPTION_TEXT,
        .value = "FILE",
        .help = "read the SQL from FILE (-: stdin)",
        .offset = offsetof(struct query_values, file)},
    {.name = "param",
        .kind = VV_OPTION_LIST,
        .value = "NAME[:TYPE]=VALUE",
        .help = "the value of $NAME in the SQL; may be given several times",
        .offset = offsetof(struct query_values, params)},
    {.name = "explain",
        .kind = VV_OPTION_FLAG,
        .help = "tell which files it would read and how, instead of reading them",
        .offset = offsetof(struct query_values, explain)},
};

static varve_status run(struct vv_cli *cli, const void *given)
{
    const struct query_values *values = given;
    const char *sql = vv_cli_argument(cli, 0);
    struct vv_text text VV_CLEANUP(vv_text_done) = {0};
    if ((sql == NULL) == (values->file == NULL))
        return vv_error_set(&cli->error, VARVE_EUSAGE,
            "query: give the SQL in quotes, or a file with it (-f FILE)");
    if (sql == NULL)
        VV_TRY(vv_read_file(cli, "option --file", values->file, &text));
    if (vv_query_is_setting(sql ? sql : vv_text_chars(&text)))
        return vv_error_set(&cli->error, VARVE_EUSAGE,
            "query: SET holds for the statements behind it, and there is none");
    VV_TRY(vv_cli_open_lake(cli, false));
    const struct vv_query_run query = {
        values->params.items, values->params.len, values->explain, NULL};
    return vv_query_show(cli, sql ? sql : vv_text_chars(&text), &query);
}

const struct vv_command vv_cmd_query = {
    .name = "query",
    .summary = "SQL over the tables by name, with time travel",
    .arguments = "'SQL'",
    .examples =
        "varve query 'SELECT regime, count(*) FROM market_regimes GROUP BY 1'\n"
        "varve query 'SELECT count(*) FROM signals' --at -7d\n"
        "varve query 'SELECT count(*) FROM signals AT (VERSION => 1)'\n"
        "varve query 'FROM signals WHERE strategy_id = $s' --param s=iron_condor_1\n"
        "varve query 'SELECT $x * $y AS area' --param x:double=1.5 --param y:bigint=2\n"
        "varve query \"FROM table_changes('signals', 0) WHERE _change_type = 'insert'\"\n"
        "varve query \"FROM asof_join('signals', 'market_regimes', tolerance => '1h')\"\n"
        "varve query \"SET known_at = 'now'; SELECT count(*) FROM signals\"\n"
        "varve query -f report.sql --format json\n"
        "varve query 'SELECT timestamp, symbol, vix FROM market_regimes' --plot\n"
        "varve query --explain \"FROM signals WHERE date = '2025-01-30'\"",
    .text = "DuckDB's SQL; the lake's tables are there by name. Each is read at one version,\n"
            "fixed before the first row: the latest, that of --at, or its own:\n"
            "    FROM signals AS s AT (VERSION => 5)\n"
            "    FROM signals AT (TIMESTAMP => '2025-01-15')     or now() - INTERVAL 1 DAY\n"
            "Functions tell of a table's versions, and stand wherever a table does:\n"
            "    table_changes('signals', '-1d', 'now')  what `varve changes` gives; versions\n"
            "                                            or times or tags, both included,\n"
            "                                            the last may be left out\n"
            "    table_history('signals')                its commits, as `varve history`\n"
            "    table_files('signals', 5)               its files, as `varve files`; without\n"
            "                                            a version or time the newest\n"
            "    asof_join('signals', 'market_regimes', tolerance => '1h',\n"
            "        condition => 'symbol = ''SPY''')    each row with the other table's one\n"
            "                                            that was in force, and known, at its\n"
            "                                            time, and how stale that was\n"
            "$NAME stands for the value of --param NAME=VALUE, as a text in quotes would,\n"
            "which has the type of what it stands beside; or --param NAME:TYPE=VALUE says\n"
            "what it is: bigint (or int), double, decimal, boolean, string, date,\n"
            "timestamp, timestamp_ntz, time, binary (in hexadecimal digits). Of several\n"
            "statements the last one's rows are shown, and `SET known_at = '-1h';` does\n"
            "what --known-at does for those behind it, up to `SET known_at = NULL`. SQL reads\n"
            "the lake alone: no files, no network. PIVOT needs its values, in FROM:\n"
            "    FROM (PIVOT t ON symbol IN ('SPY', 'QQQ') USING avg(vix))\n"
            "In json, ndjson, parquet and arrow, which are read by the names of columns, a\n"
            "second column of one name gets a number: timestamp_1.\n"
            "With --plot rows that have a time and a number are a line over time; by the\n"
            "first column of text a line each.\n"
            "--explain, like EXPLAIN in SQL, tells for each table of the last statement\n"
            "its version, its files, how many of them are ruled out by partition values and\n"
            "by statistics, and what is left to read; then, in a box, JSON and Markdown, the\n"
            "engine's plan, which EXPLAIN in SQL gives as rows in any format.",
    VV_OPTIONS(options, struct query_values),
    .arguments_most = 1,
    .reads_at = true,
    .reads_known = true,
    .run = run,
};
