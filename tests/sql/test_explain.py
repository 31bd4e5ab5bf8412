"""Which files a statement reads: skipping changes no answer, and the plan counts what is skipped."""

import json
import random

import polars as pl
import pytest
from deltalake import write_deltalake

DAYS = [f"2025-03-{day:02}" for day in range(1, 7)]


@pytest.fixture(scope="module")
def lake(varve_on, tmp_path_factory):
    """Two tables of ours, a file a day; one of somebody else's, with NaN, NULLs and few statistics."""
    varve = varve_on(tmp_path_factory.mktemp("explain") / "lake")
    varve.ok("init", "--history", "forever")
    chance = random.Random(11)
    for number, day in enumerate(DAYS):
        regimes = ["timestamp,symbol,regime,vix,confidence,ingested_at"]
        signals = ["timestamp,strategy_id,signal_type,signal_value,acted_upon,regime,ingested_at"]
        for minute in range(40):
            time = f"{day}T10:{minute:02}:00Z"
            vix = "" if chance.random() < 0.1 else f"{10 + number * 2 + chance.random() * 4:.2f}"
            regimes.append(f"{time},{chance.choice(['SPY', 'QQQ', 'IWM'])},"
                           f"{chance.choice(['bullish_low', 'neutral_low'])},{vix},0.5,{time}")
            signals.append(f"{time},s{number}{chance.randrange(3)},ml_entry,"
                           f"{chance.random():.3f},true,bullish_low,{time}")
        varve.upsert("market_regimes", "\n".join(regimes) + "\n")
        varve.upsert("signals", "\n".join(signals) + "\n")
    path = str(varve.table("theirs"))
    for number in range(5):
        x = [float(number), number + 0.5, float("nan") if number == 2 else number + 0.75, None]
        write_deltalake(path, pl.DataFrame({
            "n": [number * 10 + i for i in range(4)], "x": x,
            "s": [f"a{number}", None, "A" * 40 + str(number), f"z{number}"],
            "b": [None] * 4 if number == 3 else [number % 2 == 0, None, True, False],
            "d": pl.Series([DAYS[number]] * 4).str.to_date()}).to_arrow(), mode="append")
    return varve


def explain(varve, sql, *arguments):
    return json.loads(varve.ok("query", sql, "--explain", "--json", *arguments))


def run(varve, statements):
    """The rows of each statement, by one process."""
    mark = "SELECT 'next statement' AS _mark;"
    text = ".mode ndjson\n" + "".join(f"{sql};\n{mark}\n" for sql in statements)
    answers, rows = [], []
    for line in varve.ok("shell", "--nan", "string", stdin=text).splitlines():
        if "_mark" in line:
            answers.append(sorted(rows))
            rows = []
        else:
            rows.append(line)
    assert len(answers) == len(statements)
    return answers


# ---- Skipping changes no answer ---------------------------------------------------------------

# {0}, {1}, {2}: conditions on m (market_regimes), s (signals), t (theirs).
STATEMENTS = [
    "SELECT * FROM market_regimes AS m WHERE {0}",
    "SELECT m.vix * 2 AS vix, regime AS symbol FROM market_regimes m WHERE {0}",
    "SELECT count(*), max(n), min(x), max(s) FROM theirs t WHERE {2}",
    "SELECT * FROM theirs t WHERE NOT ({2}) OR n = 21",
    "SELECT m.symbol, count(*) FROM market_regimes m, signals s WHERE m.timestamp = s.timestamp "
    "AND {0} AND {1} GROUP BY 1",
    "SELECT m.*, s.signal_value FROM market_regimes m LEFT JOIN signals s ON m.timestamp = s.timestamp "
    "AND {1} WHERE {0}",
    "SELECT m.timestamp, s.strategy_id FROM market_regimes m LEFT JOIN signals s "
    "ON m.timestamp = s.timestamp WHERE {1} OR s.strategy_id IS NULL",
    "SELECT m.timestamp, s.strategy_id FROM market_regimes m LEFT JOIN signals s "
    "ON m.timestamp = s.timestamp AND s.signal_value > 0.9 WHERE s.signal_value IS NULL AND {0}",
    "SELECT m.timestamp, s.strategy_id FROM signals s RIGHT JOIN market_regimes m "
    "ON m.timestamp = s.timestamp AND {1} WHERE {0}",
    "SELECT m.timestamp, s.strategy_id FROM market_regimes m FULL JOIN signals s "
    "ON m.timestamp = s.timestamp AND {0} AND {1} WHERE {1} OR m.vix IS NULL",
    "SELECT s.timestamp FROM signals s SEMI JOIN market_regimes m ON m.timestamp = s.timestamp AND {0} "
    "WHERE {1}",
    "SELECT s.timestamp FROM signals s ANTI JOIN market_regimes m ON m.timestamp = s.timestamp AND {0} "
    "WHERE {1}",
    "SELECT s.timestamp, m.timestamp AS mt, m.vix FROM signals s ASOF JOIN market_regimes m "
    "ON s.timestamp >= m.timestamp WHERE {1} AND {0}",
    "SELECT s.timestamp, m.vix FROM signals s ASOF LEFT JOIN market_regimes m "
    "ON s.timestamp >= m.timestamp WHERE {1} AND m.vix > 14",
    "SELECT timestamp FROM signals s JOIN market_regimes m USING (timestamp, regime) WHERE {1} AND {0} "
    "AND timestamp > '2025-03-03'",
    "SELECT count(*) FROM signals s WHERE {1} AND EXISTS (SELECT 1 FROM market_regimes m "
    "WHERE m.timestamp = s.timestamp AND {0} AND {1})",
    "SELECT * FROM theirs t WHERE {2} UNION ALL SELECT * FROM theirs t WHERE n > 35",
    "WITH signals AS (SELECT * FROM market_regimes m WHERE {0}) SELECT vix FROM signals WHERE vix > 13",
    "SELECT * FROM market_regimes AS m(a, vix, c, d) WHERE a > '2025-03-04' AND c LIKE '%i%'",
    "SELECT a.n, b.n AS bn FROM theirs a JOIN theirs b ON a.n = b.n + 10 WHERE a.x > 1.5 AND b.n < 25",
    "SELECT t.n, u.vix FROM theirs t JOIN LATERAL (SELECT max(vix) AS vix FROM market_regimes m "
    "WHERE m.date = t.d AND {0}) u ON true WHERE {2}",
    "SELECT n, row_number() OVER (ORDER BY n) AS r FROM theirs t WHERE {2} QUALIFY r < 3",
    "SELECT * FROM theirs t POSITIONAL JOIN theirs u WHERE t.n > 30",
    "SELECT * FROM market_regimes m AT (VERSION => 3) WHERE {0}",
    "SELECT current_date AS d, n FROM (SELECT n, DATE '2025-03-02' AS current_date FROM theirs t WHERE {2})"
    " WHERE current_date < DATE '2025-03-03'",
]
ON_REGIMES = ["m.vix > 18", "m.vix >= 18.0 AND m.symbol = 'SPY'", "m.vix IS NULL", "m.vix IS NOT NULL",
              "m.date = '2025-03-04'", "m.date <> DATE '2025-03-04'", "m.timestamp < '2025-03-02 10:20'",
              "m.timestamp BETWEEN '2025-03-02' AND TIMESTAMP '2025-03-04 10:05:00'",
              "m.date IN ('2025-03-01', '2025-03-06')", "m.date > current_date - 7", "m.vix > 1e6",
              "m.timestamp > now() - INTERVAL 100 YEAR", "m.vix < 12 OR m.date = '2025-03-06'",
              "m.vix IS DISTINCT FROM NULL", "m.date = NULL", "m.vix BETWEEN 13 AND 14.5",
              "NOT (m.vix > 12)", "m.symbol > 'R'", "m.futures_trend IS NULL", "upper(m.symbol) = 'QQQ'"]
ON_SIGNALS = ["s.date = '2025-03-03'", "s.strategy_id = 's20'", "s.strategy_id >= 's41'",
              "s.signal_value > 0.5", "s.timestamp >= '2025-03-05T10:30:00Z'", "s.acted_at IS NULL",
              "s.date NOT IN ('2025-03-03')", "s.signal_type = 'nothing'"]
ON_THEIRS = ["t.x > 2.6", "t.x >= 'NaN'", "t.x < 2", "t.x = 2.5", "NOT (t.x <= 2.75)", "t.n = 13", "t.n <> 13",
             "t.n < 25.5", "t.n >= '30'", "t.s = 'a1'", "t.s > 'B'", "t.s IS NULL", "t.b", "NOT t.b",
             "t.b IS NULL", "t.d >= '2025-03-04'", "t.d = DATE '2025-03-02' + 1", "t.x IS NULL", "t.n IN (3, 4)",
             "t.s >= 'AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA3'", "t.x <> 0", "2 < t.x", "t.x = t.n"]


@pytest.mark.slow
def test_skipping_changes_no_answer(lake):
    chance = random.Random(5)
    skipping, reading = [], []
    for turn in range(5):
        for statement in STATEMENTS:
            conditions = [chance.choice(list_) for list_ in (ON_REGIMES, ON_SIGNALS, ON_THEIRS)]
            if turn == 0:  # each leaves out files, and others than the ones beside it
                conditions = ["m.date = '2025-03-04'", "s.strategy_id >= 's41'", "t.n > 21"]
            skipping.append(statement.format(*(f"({text})" for text in conditions)))
            reading.append(statement.format(*(f"([{text}])[1]" for text in conditions)))
    for conditions, alias, table in ((ON_REGIMES, "m", "market_regimes"), (ON_SIGNALS, "s", "signals"),
                                     (ON_THEIRS, "t", "theirs")):
        for condition in conditions:
            for text in (condition, condition.replace(f"{alias}.", "")):
                skipping.append(f"SELECT * FROM {table} {alias} WHERE {text}")
                reading.append(f"SELECT * FROM {table} {alias} WHERE ([{text}])[1]")
    found = run(lake, skipping)
    for sql, mine, theirs in zip(skipping, found, run(lake, reading)):
        assert mine == theirs, sql
    assert sum(map(bool, found)) > len(found) / 3  # most have something to say


@pytest.mark.slow
def test_a_scan_agrees_with_sql(lake):
    for condition in ON_THEIRS:
        by_scan = lake.rows("scan", "theirs", "--where", condition, "--nan", "string")
        by_sql = run(lake, [f"SELECT * FROM theirs t WHERE ([{condition}])[1]"])[0]
        assert sorted(json.dumps(row) for row in by_scan) == \
            sorted(json.dumps(json.loads(row)) for row in by_sql), condition


# ---- The plan counts what is skipped ------------------------------------------------------------


def counts(table):
    assert table["files"] == table["pruned_by_partition"] + table["pruned_by_statistics"] + \
        table["files_read"]
    return [table[name] for name in ("files", "pruned_by_partition", "pruned_by_statistics",
                                     "files_read")]


@pytest.mark.parametrize("sql, expected", [
    ("FROM market_regimes", [[6, 0, 0, 6]]),
    ("FROM market_regimes WHERE date = '2025-03-02'", [[6, 5, 0, 1]]),
    ("FROM market_regimes WHERE timestamp >= '2025-03-05'", [[6, 4, 0, 2]]),
    ("FROM market_regimes WHERE date > '2025-03-01' AND vix > 1000", [[6, 1, 5, 0]]),
    ("FROM market_regimes WHERE random() < 2 AND vix > 1000", [[6, 0, 6, 0]]),
    ("FROM market_regimes WHERE vix > 1000 OR random() < 2", [[6, 0, 0, 6]]),
    ("FROM market_regimes TABLESAMPLE 50% WHERE vix > 1000", [[6, 0, 0, 6]]),
    ("SELECT * FROM market_regimes WHERE vix > 1000 USING SAMPLE 10", [[6, 0, 0, 6]]),
    ("FROM theirs WHERE n = 13", [[5, 0, 4, 1]]),
    ("FROM theirs WHERE x > 100", [[5, 0, 0, 5]]),  # a foreign maximum says nothing of NaN
    ("FROM theirs WHERE x < 1", [[5, 0, 4, 1]]),
    ("SELECT 1 FROM signals s JOIN market_regimes r ON s.timestamp = r.timestamp AND r.date < '2025-03-03' "
     "WHERE strategy_id = 's20'", [[6, 0, 5, 1], [6, 4, 0, 2]]),
    ("SELECT 1 FROM signals s LEFT JOIN market_regimes r ON s.timestamp = r.timestamp "
     "WHERE r.date = '2025-03-02'", [[6, 0, 0, 6], [6, 0, 0, 6]]),
    ("SELECT 1 FROM theirs a, theirs c WHERE a.n = 0 AND c.n > 35", [[5, 0, 4, 1], [5, 0, 4, 1]]),
    ("SELECT (SELECT count(*) FROM theirs WHERE n > 35) FROM theirs t WHERE t.n = 1",
     [[5, 0, 4, 1], [5, 0, 4, 1]]),
    ("WITH r AS (FROM signals WHERE date >= current_date) FROM r", [[6, 6, 0, 0]]),
    ("FROM signals AT (VERSION => 3) WHERE date > '2025-03-01'", [[3, 1, 0, 2]]),
    ("FROM duckdb_types()", []),
])
def test_the_plan_counts_files(lake, sql, expected):
    plan = explain(lake, sql)
    assert sorted(counts(table) for table in plan["tables"]) == sorted(expected)
    assert plan["plan"].strip()
    for table in plan["tables"]:
        assert (table["bytes_read"] == table["bytes"]) == (table["files_read"] == table["files"])


def test_a_parameter_counts_as_its_value(lake):
    plan = explain(lake, "FROM market_regimes WHERE date = $d AND vix > $v", "--param", "d=2025-03-02",
                   "--param", "v=1000")
    assert counts(plan["tables"][0]) == [6, 5, 1, 0]
    assert lake.rows("query", "SELECT count(*) AS n FROM market_regimes WHERE date = $d",
                     "--param", "d=2025-03-02") == [{"n": 40}]


def test_all_ways_to_ask(lake):
    sql = "SELECT * FROM market_regimes WHERE date = '2025-03-02'"
    rows = lake.rows("query", sql, "--explain")
    assert [counts(row) for row in rows] == [[6, 5, 0, 1]] and rows[0]["table"] == "market_regimes"
    for text in ("EXPLAIN " + sql, f"SELECT 1; /* x */ explain {sql};"):
        tables, plan = lake.rows("query", text)
        assert (tables["explain_key"], plan["explain_key"]) == ("tables", "physical_plan")
        assert tables["explain_value"].startswith("market_regimes, version 6: 1 of 6 files read (")
        assert tables["explain_value"].endswith("; pruned by partition 5, by statistics 0\n")
        assert lake.ok("query", text, "--format", "box") == lake.ok("query", sql, "--explain",
                                                                    "--format", "box")
    by_scan = lake.rows("scan", "market_regimes", "--where", "date = '2025-03-02'", "--explain")
    assert by_scan == rows and rows[0]["version"] == 6
    box = lake.ok("query", sql, "--explain", "--format", "box")
    assert "pruned_by_partition" in box and "READ_PARQUET" in box
    analyzed = lake.ok("query", "EXPLAIN ANALYZE " + sql, "--format", "box")
    assert "Total Files Read: 1" in analyzed
    shell = lake.ok("shell", "--format", "ndjson",
                    stdin=f".explain {sql}\n.explain on\n{sql};\n.explain off\nSELECT 5 AS five;\n")
    assert [json.loads(line) for line in shell.splitlines()] == [*rows, *rows, {"five": 5}]


def test_what_can_not_be_explained(lake):
    assert lake.run("query", "--explain", "SELECT nothing FROM signals").returncode == 2
    assert lake.run("query", "--explain", "SELECT * FROM nowhere").returncode == 5
    assert lake.run("scan", "signals", "--explain", "--where", "nothing = 1").returncode == 2
    done = lake.run("query", "--explain", "SELECT * FROM signals WHERE date > $x")
    assert done.returncode == 2 and "$x" in done.stderr
    bad = lake.run("query", "SELECT * FROM theirs WHERE d > 'soon'")
    assert bad.returncode == 2 and "soon" in bad.stderr
    bad = lake.run("query", "SELECT * FROM theirs WHERE d > CAST('so' || 'on' AS DATE) AND n > 3")
    assert bad.returncode == 2 and "soon" in bad.stderr
