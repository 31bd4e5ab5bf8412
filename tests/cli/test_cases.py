"""A table of cases: command, exit status, parts of stdout and of stderr."""

import pytest

USAGE, INVALID, NOT_FOUND, IO = 2, 3, 5, 8

# arguments, exit status, what stdout has, what stderr has
CASES = [
    # help
    ("", USAGE, [], ["Commands:", "upsert", "Example:"]),
    ("--help", 0, ["Commands:", "Global options:", "--lake", "varve demo"], []),
    ("-h", 0, ["Commands:"], []),
    ("help", 0, ["Commands:"], []),
    ("help upsert", 0, ["Example:\n  varve upsert", "--app-id"], []),
    ("upsert --help", 0, ["Example:\n  varve upsert"], []),
    ("--help upsert", 0, ["Example:\n  varve upsert"], []),
    ("help nothing", USAGE, [], ["unknown command 'nothing'"]),
    ("help upsrt", USAGE, [], ["did you mean 'upsert'?"]),
    ("--version", 0, ["varve 0."], []),
    ("version", 0, ["varve 0.", "DuckDB", "Delta protocol"], []),
    ("version --json", 0, ['{"version":"0.', '","build":"varve 0.', "Delta protocol"], []),
    ("version --format ndjson", 0, ['{"version":"0.'], []),
    ("version --format csv", USAGE, [], ["version prints words, or JSON by --json: it has no rows"]),
    ("version -o v.md", USAGE, [], ["it has no rows"]),
    ("version --plot", USAGE, [], ["it has no chart"]),
    ("completion bash --json", USAGE, [], ["completion prints words: it has no JSON"]),
    ("completion fish -o varve.json", USAGE, [], ["it has no JSON"]),
    ("help scan --format ndjson", USAGE, [], ["help prints words: it has no JSON"]),
    ("completion fish -o varve.fish", 0, [], []),
    ("keygen a.key --json", 0, ['{"private_key":"a.key","public_key":"a.key.pub"}'], []),
    # wrong lines
    ("upsrt market_regimes", USAGE, [], ["unknown command 'upsrt'; did you mean 'upsert'?"]),
    ("scan market_regimes --limt 3", USAGE, [], ["did you mean --limit?"]),
    ("scan market_regimes --limit many", USAGE, [], ["'many' is not a whole number"]),
    ("scan market_regimes --limit", USAGE, [], ["--limit needs a value"]),
    ("scan", USAGE, [], ["varve scan TABLE"]),
    ("scan a b", USAGE, [], ["'b' is one argument too many"]),
    ("scan market_regimes --format xml", USAGE, [], ["'xml' is not one of box|csv|json|ndjson"]),
    ("scan market_regimes --format arow", USAGE, [], ["'arow' is not one of box|csv"]),
    ("describe market_regimes --format arrow", USAGE, [], ["gives no rows"]),
    ("history market_regimes --known-at now", USAGE, [], ["--known-at means nothing"]),
    ("verify market_regimes --at 1", USAGE, [], ["--at means nothing to verify"]),
    ("scan market_regimes --at 1 --version 1", USAGE, [], ["one of --version"]),
    ("scan market_regimes --version first", USAGE, [], ["'first' is not a version"]),
    ("scan market_regimes --timestamp 12", USAGE, [], ["'12' is not a time"]),
    ("range market_regimes --last 7d --to now", USAGE, [], ["not both"]),
    ("query", USAGE, [], ["give the SQL"]),
    ("query x -f y", USAGE, [], ["give the SQL"]),
    ("query -f absent.sql", NOT_FOUND, [], ["absent.sql"]),
    ("create t", USAGE, [], ["--schema is missing"]),
    ("upsert market_regimes rows.arrow", NOT_FOUND, [], ["cannot open rows.arrow"]),
    ("upsert market_regimes rows.txt", NOT_FOUND, [], ["cannot open rows.txt"]),
    ("upsert market_regimes /dev/null", USAGE, [], ["does not say what it holds", "--input-format"]),
    ("upsert market_regimes - --input-format arow", USAGE, [], ["'arow' is not one of csv|"]),
    ("upsert market_regimes - -", USAGE, [], ["'-' is there twice"]),
    ("upsert market_regimes --app-id a", USAGE, [], ["belong together"]),
    ("simulate --format csv", USAGE, [], ["mean nothing"]),
    ("simulate --table nope", USAGE, [], ["is none of market_regimes"]),
    ("simulate --days 0", USAGE, [], ["out of range"]),
    ("simulate --start soon", USAGE, [], ["'soon' is not a date"]),
    ("simulate --late 2", USAGE, [], ["late share"]),
    ("demo --json", USAGE, [], ["mean nothing"]),
    ("--memory lots tables", USAGE, [], ["not a size"]),
    ("--config absent tables", NOT_FOUND, [], ["absent"]),
    # not there
    ("scan nope", NOT_FOUND, [], ["nope"]),
    ("describe nope", NOT_FOUND, [], ["nope"]),
    ("--lake elsewhere tables", NOT_FOUND, [], ["elsewhere"]),
    ("scan market_regimes --version 99", NOT_FOUND, [], ["99"]),
    ("upsert market_regimes absent.csv", NOT_FOUND, [], ["absent.csv"]),
    ("scan market_regimes -o no/folder/x.csv", IO, [], ["no/folder/x.csv"]),
    # rows
    ("scan market_regimes --columns symbol,vix --where vix>30", 0, ["symbol,vix\nQQQ,31.25\n"], []),
    ("scan market_regimes --version 1 --columns vix --where vix<15", 0, ["vix\n14.5\n"], []),
    ("scan market_regimes --at 1 --columns vix --where vix<15", 0, ["vix\n14.5\n"], []),
    ("scan market_regimes --timestamp now --columns vix --where vix<21", 0, ["vix\n20.0\n"], []),
    ("latest market_regimes --format ndjson", 0,
     ['"symbol":"QQQ"', '"timestamp":"2025-01-30T10:01:00.000000Z"'], []),
    ("latest market_regimes --until 2025-01-30T10:00:30Z --json", 0,
     ['[\n{"timestamp":"2025-01-30T10:00:00.000000Z","symbol":"SPY"'], []),
    ("range market_regimes --symbol SPY --from 2025-01-30 --to 2025-01-30T10:01:00Z", 0,
     ["2025-01-30T10:00:00.000000Z,SPY,bearish_low,20.0"], []),
    ("range market_regimes --symbol SPY", 0, ["timestamp,symbol"],
     ["no rows in that time: the newest row of SPY is of 2025-01-30T10:01:00.000000Z"]),
    ("range market_regimes --symbol XXX", 0, ["timestamp,symbol"],
     ["there are none of XXX at any time"]),
    ("tables", 0, ["table,version", "market_regimes,2,", "signals,0,"], []),
    ("tables --json", 0, ['"table":"market_regimes"'], []),
    ("tables --format box", 0, ["| market_regimes ", "3 rows"], []),
    ("describe market_regimes", 0,
     ["property,value\nname,market_regimes\n", "column.symbol,\"string not null, key\""], []),
    ("describe market_regimes --format box", 0,
     ["key           timestamp, symbol", "order by      ingested_at"], []),
    ("history market_regimes --limit 1 --format ndjson", 0,
     ['{"version":2,', '"operationMetrics":{"', '"userMetadata":"second"'], []),
    ("history market_regimes --format box", 0, ["userMetadata", "3 rows"], []),
    ("history signals --format csv", 0, [",ann,"], []),
]


@pytest.mark.parametrize("line, status, out, err", CASES, ids=[case[0] or "(none)" for case in CASES])
def test_case(filled, line, status, out, err):
    done = filled(*line.split())
    assert done.returncode == status, done.stderr
    for part in out:
        assert part in done.stdout
    for part in err:
        assert part in done.stderr
    if status != 0:
        assert done.stdout == ""
        assert done.stderr.startswith("varve: ") or line == ""


QUERIES = [
    ("SELECT count(*) AS n FROM market_regimes", 0, "n\n3\n", ""),
    ("SELECT symbol, max(vix) AS v FROM market_regimes GROUP BY 1 ORDER BY 1", 0,
     "symbol,v\nQQQ,31.25\nSPY,20.0\n", ""),
    ("SELEC 1", USAGE, "", "syntax error"),
    ("SELECT nothing FROM market_regimes", USAGE, "", "nothing"),
    ("SELECT * FROM nope", NOT_FOUND, "", "nope"),
    ("SELECT 'a' || chr(27) AS x", 0, "x\na\x1b\n", ""),
]


@pytest.mark.parametrize("sql, status, out, err", QUERIES, ids=[case[0] for case in QUERIES])
def test_query(filled, sql, status, out, err):
    done = filled("query", sql)
    assert done.returncode == status, done.stderr
    assert done.stdout == out
    assert err in done.stderr


COMMANDS = {"demo", "init", "create", "upsert", "simulate", "query", "scan", "latest", "range",
            "history", "describe", "tables", "version", "help"}


def commands(varve):
    """The commands that the overview names."""
    listed = varve.ok("--help").split("Commands:\n")[1].split("\n\n")[0]
    return [line.split()[0] for line in listed.splitlines() if line[2] != " "]


def test_overview_names_every_command_once(varve):
    named = commands(varve)
    assert COMMANDS <= set(named)
    assert len(named) == len(set(named))


def test_help_opens_with_an_example_and_fits_a_terminal(varve):
    for command in commands(varve):
        text = varve.ok(command, "--help")
        first, second = text.splitlines()[:2]
        assert first == "Example:", command
        assert second.split()[0] == "varve" and command in second.split()
        assert f"Usage: varve {command}" in text
        assert all(len(line) <= 80 for line in text.splitlines()), command
        assert text == varve.ok("help", command)
