"""Performance by market regime, against the same figures worked out another way."""

import collections
import datetime
import json
import math
import pathlib

import pytest

DATA = pathlib.Path(__file__).resolve().parents[3] / "shared" / "data"
COLUMNS = ["regime", "rows", "strategies", "share_of_time", "pnl_change", "mean_pnl_change",
           "worst_drawdown", "hit_rate"]
REGIMES = "timestamp,symbol,regime,ingested_at\n"
PNL = "timestamp,strategy_id,total_pnl\n"
ALL = ("--from", "2025-01-01", "--to", "2025-02-01")


def clock(text):
    """'10:05' of the tests' day."""
    return f"2025-01-30T{text}:00Z"


def regimes(*rows):
    return REGIMES + "".join(
        f"{clock(at)},{symbol},{regime},{clock(known) if known else ''}\n"
        for at, symbol, regime, known in rows)


def pnl(*rows):
    return PNL + "".join(f"{clock(at)},{strategy},{value}\n" for at, strategy, value in rows)


def correlate(varve, *arguments):
    """Rows by regime (and what stderr says)."""
    done = varve.run("correlate", *arguments, "--format", "ndjson")
    assert done.returncode == 0, done.stderr
    return [json.loads(line) for line in done.stdout.splitlines()], done.stderr


def by_regime(varve, *arguments):
    return {row["regime"]: row for row in correlate(varve, *arguments)[0]}


# ---- The figures, row by row ---------------------------------------------------------------------


def in_force(rows, at, knowledge):
    """The regime at an instant, by going through all of them."""
    known = [row for row in rows if row["timestamp"] <= at
             and (knowledge == "event" or row["ingested_at"] <= at)]
    return max(known, key=lambda row: row["timestamp"])["regime"] if known else None


def moves(rows, start, end):
    """(timestamp, strategy, change, drawdown) of the rows of the range."""
    previous, peak = {}, {}
    for row in sorted(rows, key=lambda row: row["timestamp"]):
        at, strategy, value = row["timestamp"], row["strategy_id"], row["total_pnl"]
        if at >= end:
            break
        good = isinstance(value, (int, float)) and math.isfinite(value)
        if at >= start:
            if good:
                peak[strategy] = max(peak.get(strategy, value), value)
            change = value - previous[strategy] if good and strategy in previous else None
            yield at, strategy, change, value - peak[strategy] if good else None
        if good:
            previous[strategy] = value


def expected(regime_rows, performance, knowledge, start="", end="9"):
    found = collections.defaultdict(list)
    memo = {}
    for move in moves(performance, start, end):
        if move[0] not in memo:
            memo[move[0]] = in_force(regime_rows, move[0], knowledge)
        found[memo[move[0]]].append(move)
    answer = {}
    for regime, rows in found.items():
        changes = [change for _, _, change, _ in rows if change is not None]
        falls = [fall for _, _, _, fall in rows if fall is not None]
        answer[regime] = {
            "regime": regime, "rows": len(rows), "strategies": len({row[1] for row in rows}),
            "share_of_time": len({row[0] for row in rows}) / len(memo),
            "pnl_change": math.fsum(changes) if changes else None,
            "mean_pnl_change": math.fsum(changes) / len(changes) if changes else None,
            "worst_drawdown": min(falls) if falls else None,
            "hit_rate": sum(c > 0 for c in changes) / len(changes) if changes else None,
        }
    return answer


def assert_same(found, wanted):
    assert found.keys() == wanted.keys()
    for regime, row in wanted.items():
        assert list(found[regime]) == COLUMNS
        for name, value in row.items():
            same = found[regime][name]
            if isinstance(value, float):
                assert same == pytest.approx(value, rel=1e-9, abs=1e-6), (regime, name)
            else:
                assert same == value, (regime, name)


# ---- A simulated market, and seventeen real years ------------------------------------------------


@pytest.fixture(scope="module")
def simulated(varve_on, tmp_path_factory):
    varve = varve_on(tmp_path_factory.mktemp("simulated") / "lake")
    varve.ok("init")
    for table in ("market_regimes", "performance_metrics"):
        lines = varve.ok("simulate", "--days", 2, "--start", "2025-01-29", "--seed", 11,
                         "--late", 0.1, "--table", table)
        varve.upsert(table, lines)
    return varve, varve.rows("scan", "market_regimes"), varve.rows("scan", "performance_metrics")


@pytest.mark.parametrize("knowledge", ["order", "event"])
@pytest.mark.parametrize("symbol", [None, "QQQ"])
def test_simulated_market(simulated, knowledge, symbol):
    varve, regime_rows, performance = simulated
    more = ("--symbol", symbol) if symbol else ()
    found = by_regime(varve, *ALL, "--knowledge", knowledge, *more)
    rows = [row for row in regime_rows if row["symbol"] == (symbol or "SPY")]
    assert_same(found, expected(rows, performance, knowledge))
    assert sum(row["rows"] for row in found.values()) == len(performance)


def test_knowledge_changes_the_simulated_answer(simulated):
    varve, _, _ = simulated
    assert by_regime(varve, *ALL) != by_regime(varve, *ALL, "--knowledge", "event")


@pytest.mark.parametrize("knowledge", ["order", "event"])
def test_a_range_looks_back_beyond_its_start(simulated, knowledge):
    varve, regime_rows, performance = simulated
    start, end = "2025-01-30T15:00:00.000000Z", "2025-01-30T17:00:00.000000Z"
    found = by_regime(varve, "--from", start, "--to", end, "--knowledge", knowledge)
    rows = [row for row in regime_rows if row["symbol"] == "SPY"]
    assert_same(found, expected(rows, performance, knowledge, start, end))


def test_by_symbol_is_each_symbol_alone(simulated):
    varve, _, _ = simulated
    rows, said = correlate(varve, *ALL, "--by", "symbol")
    assert {row["symbol"] for row in rows} == {"SPY", "QQQ", "IWM"}
    assert "3 symbols" in said
    for symbol in ("SPY", "QQQ", "IWM"):
        alone, _ = correlate(varve, *ALL, "--symbol", symbol)
        assert [{"symbol": symbol, **row} for row in alone] == \
            [row for row in rows if row["symbol"] == symbol]


@pytest.mark.skipif(not DATA.is_dir(), reason="the data is not beside the project")
def test_real_data_equals_polars(market):
    polars = pytest.importorskip("polars")
    for table in ("market_regimes", "performance_metrics"):
        market.ok("upsert", table, DATA / f"{table}_1999_2015.csv")
    span = ("--from", "2007-01-01", "--to", "2010-01-01", "--symbol", "SPX")
    found = by_regime(market, *span, "--knowledge", "event")
    start = datetime.datetime(2007, 1, 1, tzinfo=datetime.timezone.utc)
    end = datetime.datetime(2010, 1, 1, tzinfo=datetime.timezone.utc)
    times = polars.col("timestamp").str.to_datetime(time_zone="UTC")
    right = (polars.read_csv(DATA / "market_regimes_1999_2015.csv", infer_schema_length=None)
             .with_columns(times).filter(polars.col("symbol") == "SPX").sort("timestamp"))
    rows = (polars.read_csv(DATA / "performance_metrics_1999_2015.csv", infer_schema_length=None)
            .with_columns(times).sort("timestamp")
            .with_columns(polars.col("total_pnl").diff().over("strategy_id").alias("change"))
            .filter((polars.col("timestamp") >= start) & (polars.col("timestamp") < end))
            .with_columns((polars.col("total_pnl") - polars.col("total_pnl").cum_max()
                           .over("strategy_id")).alias("fall"))
            .join_asof(right.select("timestamp", "regime"), on="timestamp"))
    moments = rows["timestamp"].n_unique()
    wanted = rows.group_by("regime").agg(
        polars.len().alias("rows"), polars.col("strategy_id").n_unique().alias("strategies"),
        (polars.col("timestamp").n_unique() / moments).alias("share_of_time"),
        polars.col("change").sum().alias("pnl_change"),
        polars.col("change").mean().alias("mean_pnl_change"),
        polars.col("fall").min().alias("worst_drawdown"),
        (polars.col("change") > 0).mean().alias("hit_rate"))
    assert len(found) == 6
    assert_same(found, {row["regime"]: row for row in wanted.to_dicts()})
    late, said = correlate(market, *span)
    assert [row["regime"] for row in late] == [None]
    assert f"{rows.height} of them have one by event time" in said


# ---- What is easily got wrong --------------------------------------------------------------------


def test_a_late_regime_counts_from_when_it_was_known(market):
    market.upsert("market_regimes", regimes(("10:00", "SPY", "neutral_low", "10:00"),
                                            ("10:05", "SPY", "bearish_high", "10:20")))
    market.upsert("performance_metrics", pnl(("10:10", "a", 1), ("10:19", "a", 3),
                                             ("10:20", "a", 7), ("10:30", "a", 15)))
    event = by_regime(market, *ALL, "--knowledge", "event")
    assert {name: row["rows"] for name, row in event.items()} == {"bearish_high": 4}
    rows, said = correlate(market, *ALL)
    order = {row["regime"]: row for row in rows}
    assert {name: row["rows"] for name, row in order.items()} == {"neutral_low": 2,
                                                                  "bearish_high": 2}
    assert order["neutral_low"]["pnl_change"] == 2
    assert order["bearish_high"]["pnl_change"] == 12
    assert "2 rows had another regime, as known then" in said


def test_an_older_regime_that_comes_late_does_not_take_over(market):
    market.upsert("market_regimes", regimes(("10:00", "SPY", "neutral_low", "10:15"),
                                            ("10:05", "SPY", "bearish_high", "10:06")))
    market.upsert("performance_metrics", pnl(("10:20", "a", 1)))
    assert list(by_regime(market, *ALL)) == ["bearish_high"]


def test_rows_before_any_knowledge_are_counted(market):
    market.upsert("market_regimes", regimes(("10:05", "SPY", "neutral_low", "10:10")))
    market.upsert("performance_metrics", pnl(("10:00", "a", 1), ("10:07", "a", 2),
                                             ("10:10", "a", 3)))
    rows, said = correlate(market, *ALL)
    assert [(row["regime"], row["rows"]) for row in rows] == [("neutral_low", 1), (None, 2)]
    assert "2 rows have no regime" in said
    assert "1 of them has one by event time" in said


def test_a_tie_in_time_is_in_force(market):
    market.upsert("market_regimes", regimes(("10:00", "SPY", "neutral_low", "10:00"),
                                            ("10:01", "SPY", "bullish_low", "10:01")))
    market.upsert("performance_metrics", pnl(("10:01", "a", 1)))
    for knowledge in ("order", "event"):
        assert list(by_regime(market, *ALL, "--knowledge", knowledge)) == ["bullish_low"]


def test_what_is_no_number_is_passed_over(market):
    market.upsert("market_regimes", regimes(("09:00", "SPY", "neutral_low", "09:00")))
    market.upsert("performance_metrics", pnl(
        ("10:00", "a", 1), ("10:01", "a", ""), ("10:02", "a", "NaN"), ("10:03", "a", "inf"),
        ("10:04", "a", 11), ("10:05", "a", 5), ("10:05", "b", "")))
    rows, said = correlate(market, *ALL)
    assert rows == [{"regime": "neutral_low", "rows": 7, "strategies": 2, "share_of_time": 1.0,
                     "pnl_change": 4.0, "mean_pnl_change": 2.0, "worst_drawdown": -6.0,
                     "hit_rate": 0.5}]
    assert "4 rows have no number" in said


def test_what_is_older_than_a_week_before_the_range(market):
    market.upsert("market_regimes",
                  REGIMES + "2024-11-01T10:00:00Z,SPY,bullish_high,2024-11-01T10:00:00Z\n")
    market.upsert("performance_metrics",
                  PNL + "2024-11-02T10:00:00Z,a,100\n2025-01-30T10:00:00Z,a,130\n")
    assert by_regime(market, *ALL)["bullish_high"]["pnl_change"] == 30


def test_knowledge_by_commit(market):
    market.upsert("market_regimes", regimes(("10:00", "SPY", "neutral_low", "10:00")))
    market.upsert("performance_metrics", pnl(("10:30", "a", 1)) + "2100-01-01T00:00:00Z,a,5\n")
    rows, said = correlate(market, "--from", "2025-01-01", "--knowledge", "commit")
    assert [(row["regime"], row["rows"]) for row in rows] == [("neutral_low", 1), (None, 1)]
    assert "1 of them has one by event time" in said
    for day in range(1, 13):  # a checkpoint comes: files are looked up in the commits before it
        market.upsert("market_regimes", REGIMES + f"2025-02-{day:02}T10:00:00Z,SPY,bullish_low,\n")
    rows, said = correlate(market, "--from", "2025-01-01", "--knowledge", "commit")
    assert [(row["regime"], row["rows"]) for row in rows] == [("bullish_low", 1), (None, 1)]
    assert "gone, or older than one" not in said


# ---- Commits that are gone -----------------------------------------------------------------------

ADDED = {1: "bullish_low", 2: "bullish_high", 3: "bearish_low", 6: "bearish_high", 7: "neutral_low"}


def added_by(version):
    return REGIMES + f"2025-01-0{version}T10:00:00Z,SPY,{ADDED[version]},\n"


def day_of(version):
    """When version N of `dated` was committed: one a day."""
    return datetime.datetime(2025, 2, 1 + version, tzinfo=datetime.timezone.utc)


def clean_up(table, first, last):
    """What another engine's clean-up does."""
    for version in range(first, last + 1):
        (table / "_delta_log" / f"{version:020}.json").unlink()


@pytest.fixture
def dated(market):
    """Versions 1 to 7 of market_regimes, a day each, with a checkpoint at 6. All but two add a regime:
    version 4 deletes that of version 2, and 5 restores it."""
    for version in (1, 2, 3):
        market.upsert("market_regimes", added_by(version))
    market.ok("delete", "market_regimes", "--where", f"regime = '{ADDED[2]}'")
    market.ok("restore", "market_regimes", "--version", "3", "--yes")
    market.upsert("market_regimes", added_by(6))
    market.ok("checkpoint", "market_regimes")
    market.upsert("market_regimes", added_by(7))
    for version in range(8):
        path = market.table("market_regimes") / "_delta_log" / f"{version:020}.json"
        head, rest = path.read_text().split("\n", 1)
        info = json.loads(head)
        info["commitInfo"]["timestamp"] = int(day_of(version).timestamp() * 1000)
        path.write_text(json.dumps(info) + "\n" + rest)
    market.upsert("performance_metrics", PNL + "".join(
        f"{day_of(version) + datetime.timedelta(hours=12):%Y-%m-%dT%H:%M:%SZ},a,{version}\n"
        for version in range(8)))
    return market


@pytest.mark.parametrize("hole", [None, (0, 0), (0, 5), (1, 1), (1, 3), (3, 4), (5, 5), (6, 6)])
def test_behind_a_hole_in_the_log_nothing_is_known_too_early(dated, hole):
    """A file that no commit behind the hole adds is known from the first one behind it on."""
    if hole:
        clean_up(dated.table("market_regimes"), *hole)
    kept = hole[1] + 1 if hole else 0
    since = {1: 1, 2: 5, 3: 3, 6: 6, 7: 7}  # what the restore brought back is of the restore
    wanted = {}
    for version in range(8):
        known = [added for added, first in since.items() if max(first, kept) <= version]
        wanted.setdefault(ADDED[max(known)] if known else None, []).append(version)
    rows, said = correlate(dated, "--from", "2025-01-01", "--knowledge", "commit")
    assert {row["regime"]: row["rows"] for row in rows} == {
        regime: len(versions) for regime, versions in wanted.items()}
    undated = sum(first < kept for first in since.values())
    assert ("gone, or older than one" in said) == (undated > 0), said
    assert (f"{undated} file{'s' * (undated > 1)} of regimes " in said) == (undated > 0), said


def test_no_rows_and_no_regimes(market):
    rows, said = correlate(market)
    assert rows == []
    assert "has none" in said
    market.upsert("performance_metrics", pnl(("10:00", "a", 1), ("10:01", "a", 3)))
    rows, said = correlate(market)
    assert rows == []
    assert "the newest row of performance_metrics is of 2025-01-30T10:01:00.000000Z" in said
    rows, said = correlate(market, *ALL)
    assert [(row["regime"], row["rows"], row["pnl_change"]) for row in rows] == [(None, 2, 2.0)]
    assert "2 rows have no regime" in said


def test_the_first_symbol_stands_in_for_spy(market):
    market.upsert("market_regimes", regimes(("10:00", "QQQ", "neutral_low", "10:00"),
                                            ("10:00", "IWM", "bullish_low", "10:00")))
    market.upsert("performance_metrics", pnl(("10:00", "a", 1)))
    rows, said = correlate(market, *ALL)
    assert rows[0]["regime"] == "bullish_low"
    assert "regimes of IWM" in said


@pytest.mark.parametrize("arguments, status, words", [
    (("--last", "7d", "--to", "now"), 2, "not both"),
    (("--last", "soon"), 2, "is not a length of time"),
    (("--from", "soon"), 2, "is not a time"),
    (("--at", "1"), 2, "is a version"),
    (("--by", "strategy"), 2, "regime|symbol"),
    (("--symbol", "XXX"), 5, "no regime of symbol XXX"),
])
def test_wrong_questions(market, arguments, status, words):
    done = market.run("correlate", *arguments)
    assert done.returncode == status
    assert words in done.stderr
