"""What signals led to, against the same figures worked out another way."""

import bisect
import collections
import datetime
import json
import math
import os
import pathlib
import random
import statistics

import pytest

DATA = pathlib.Path(os.environ.get(
    "VARVE_DATA", pathlib.Path(__file__).resolve().parents[3] / "shared" / "data"))
GROUPS = {"regime": "regime", "strategy": "strategy_id", "source": "source",
          "type": "signal_type", "confidence": "confidence"}
COLUMNS = ["horizon", "signals", "outcomes", "pending", "hit_rate", "pnl_change",
           "mean_pnl_change", "median_pnl_change", "mean_best", "mean_worst", "ic"]
DAY = datetime.datetime(2025, 1, 30, tzinfo=datetime.timezone.utc)
SIGNALS = "timestamp,strategy_id,signal_type,signal_value,source,acted_upon\n"
PNL = "timestamp,strategy_id,total_pnl\n"
REGIMES = "timestamp,symbol,regime,ingested_at\n"
ALL = ("--from", "2025-01-01", "--to", "2025-03-01")


def clock(minute):
    return (DAY + datetime.timedelta(minutes=minute)).strftime("%Y-%m-%dT%H:%M:%SZ")


def outcomes(varve, *arguments):
    """Rows, and what stderr says."""
    done = varve.run("outcomes", *arguments, "--format", "ndjson")
    assert done.returncode == 0, done.stderr
    return [json.loads(line) for line in done.stdout.splitlines()], done.stderr


# ---- The figures, signal by signal ----------------------------------------------------------------


def tenth(value):
    if value is None or math.isnan(value):
        return None
    for above in range(1, 10):
        if value < float(f"0.{above}"):
            return f"0.{above - 1} to 0.{above}"
    return "0.9 to 1.0"


def ranks(values):
    order = sorted(values)
    return [bisect.bisect_left(order, value) + (order.count(value) - 1) / 2 for value in values]


def correlation(pairs):
    """Of ranks."""
    if len(pairs) < 2:
        return None
    left, right = ranks([pair[0] for pair in pairs]), ranks([pair[1] for pair in pairs])
    if len(set(left)) == 1 or len(set(right)) == 1:
        return None
    return statistics.correlation(left, right)


def one_outcome(signal, rows, horizon, newest, tolerance):
    """(state, change, best, worst) of a signal over a horizon in minutes."""
    rows = [row for row in rows if row[1] == signal[1] and math.isfinite(row[2])]
    before = [row for row in rows if row[0] <= signal[0]]
    within = [row for row in rows if signal[0] < row[0] <= signal[0] + horizon]
    if not before:
        return "without", None, None, None
    base, last = max(before), max(within, default=None)
    if signal[0] + horizon > newest:
        return "pending", None, None, None
    if last is None or (tolerance is not None and (
            signal[0] - base[0] > tolerance or signal[0] + horizon - last[0] > tolerance)):
        return "unknown", None, None, None
    moves = [row[2] - base[2] for row in within]
    return "known", last[2] - base[2], max(0, *moves), min(0, *moves)


def counted(count, one, many):
    return f"{count} {one if count == 1 else many}"


def expected(signals, rows, horizons, group, tolerance=None):
    newest = max(row[0] for row in rows)
    found = collections.defaultdict(list)
    for signal in signals:
        for horizon in horizons:
            found[group(signal), f"{horizon}m"].append(
                (signal, *one_outcome(signal, rows, horizon, newest, tolerance)))
    answer = {}
    for key, seen in found.items():
        known = [one for one in seen if one[1] == "known"]
        changes = [one[2] for one in known]
        answer[key] = {
            "signals": len(seen), "outcomes": len(known),
            "pending": sum(one[1] == "pending" for one in seen),
            "hit_rate": sum(c > 0 for c in changes) / len(changes) if changes else None,
            "pnl_change": math.fsum(changes) if changes else None,
            "mean_pnl_change": statistics.fmean(changes) if changes else None,
            "median_pnl_change": statistics.median(changes) if changes else None,
            "mean_best": statistics.fmean(one[3] for one in known) if changes else None,
            "mean_worst": statistics.fmean(one[4] for one in known) if changes else None,
            "ic": correlation([(one[0][3], one[2]) for one in known
                               if one[0][3] is not None and math.isfinite(one[0][3])]),
        }
    return answer


def assert_same(found, wanted, column):
    assert all(list(row) == [column, *COLUMNS] for row in found)
    rows = {(row[column], row["horizon"]): row for row in found}
    assert rows.keys() == wanted.keys() and len(rows) == len(found)
    for key, figures in wanted.items():
        for name, value in figures.items():
            same = rows[key][name]
            if isinstance(value, float):
                assert same == pytest.approx(value, rel=1e-9, abs=1e-9), (key, name)
            else:
                assert same == value, (key, name)


# ---- Random tables ---------------------------------------------------------------------------------


class World:
    """Random tables in a lake: signals (minute, strategy, type, value, source, acted), numbers
    (minute, strategy, pnl), regimes (minute, name, known)."""

    def __init__(self, varve, seed):
        chance = random.Random(seed)
        self.varve = varve
        self.signals = sorted({(chance.randrange(60, 600), chance.choice("abc"),
                                chance.choice(["ml_entry", "rule_entry"])): None
                               for _ in range(90)})
        self.signals = [(*key, chance.choice([None, math.nan, 0.0, 0.3, 0.7, 0.9, 1.0,
                                              round(chance.random(), 3)]),
                         chance.choice(["x", "y", None]), chance.random() < 0.5)
                        for key in self.signals]
        self.numbers = [(minute, strategy, value) for (minute, strategy), value in sorted({
            (chance.randrange(0, 700), chance.choice("ab")):
                chance.choice([math.nan, math.inf, *[chance.randrange(-50, 50)] * 8])
            for _ in range(300)}.items())]
        self.regimes = [(minute, chance.choice(["bullish_low", "bearish_high", "neutral_low"]),
                         minute + chance.choice([0, 0, 5, 60])) for minute in range(70, 600, 13)]
        varve.ok("init")
        varve.upsert("signals", SIGNALS + "".join(
            f"{clock(minute)},{strategy},{kind},{'' if value is None else value},{source or ''},"
            f"{str(acted).lower()}\n"
            for minute, strategy, kind, value, source, acted in self.signals
            if not (value is not None and math.isnan(value))))
        self.signals = [one for one in self.signals
                        if not (one[3] is not None and math.isnan(one[3]))]
        varve.upsert("performance_metrics", PNL + "".join(
            f"{clock(minute)},{strategy},{value}\n" for minute, strategy, value in self.numbers))
        varve.upsert("market_regimes", REGIMES + "".join(
            f"{clock(minute)},SPY,{name},{clock(known)}\n"
            for minute, name, known in self.regimes))

    def regime(self, signal, knowledge):
        known = [one for one in self.regimes if one[0] <= signal[0]
                 and (knowledge == "event" or one[2] <= signal[0])]
        return max(known)[1] if known else None


@pytest.fixture(scope="module", params=[1, 2])
def world(request, varve_on, tmp_path_factory):
    return World(varve_on(tmp_path_factory.mktemp("world") / "lake"), request.param)


@pytest.mark.parametrize("by, group", [("strategy", lambda one: one[1]),
                                       ("source", lambda one: one[4]),
                                       ("type", lambda one: one[2]),
                                       ("confidence", lambda one: tenth(one[3]))])
def test_groups(world, by, group):
    found, _ = outcomes(world.varve, *ALL, "--by", by, "--horizon", "5m,60m,200m")
    assert_same(found, expected(world.signals, world.numbers, [5, 60, 200], group), GROUPS[by])


@pytest.mark.parametrize("knowledge", ["order", "event"])
def test_regimes_are_those_known_at_the_signal(world, knowledge):
    found, _ = outcomes(world.varve, *ALL, "--knowledge", knowledge, "--horizon", "30m")
    wanted = expected(world.signals, world.numbers, [30],
                      lambda one: world.regime(one, knowledge))
    assert_same(found, wanted, "regime")


def test_tolerance_acted_and_strategy(world):
    found, _ = outcomes(world.varve, *ALL, "--by", "type", "--horizon", "40m", "--tolerance", "7m")
    assert_same(found, expected(world.signals, world.numbers, [40], lambda one: one[2], 7),
                "signal_type")
    for word, wanted in (("yes", True), ("no", False)):
        signals = [one for one in world.signals if one[5] is wanted and one[1] == "a"]
        found, _ = outcomes(world.varve, *ALL, "--by", "type", "--horizon", "40m",
                            "--acted", word, "--strategy", "a")
        assert_same(found, expected(signals, world.numbers, [40], lambda one: one[2]),
                    "signal_type")


def test_what_the_answer_rests_on_is_said(world):
    _, said = outcomes(world.varve, *ALL, "--horizon", "60m")
    newest = max(row[0] for row in world.numbers)
    states = collections.Counter(
        one_outcome(one, world.numbers, 60, newest, None)[0] for one in world.signals)
    assert f"{len(world.signals)} signals" in said and "knowledge by order" in said
    assert counted(states["without"], "signal has", "signals have") + " no total_pnl to begin from" in said
    none = sum(world.regime(one, "order") is None for one in world.signals)
    assert counted(none, "signal has", "signals have") + " no regime" in said


# ---- By hand ---------------------------------------------------------------------------------------


@pytest.fixture
def hand(market):
    def fill(signals, numbers):
        market.upsert("signals", SIGNALS + "".join(
            f"{clock(at)},a,ml_entry,{value},s,false\n" for at, value in signals))
        market.upsert("performance_metrics", PNL + "".join(
            f"{clock(at)},a,{value}\n" for at, value in numbers))
        return market
    return fill


def one_row(varve, *arguments):
    rows, said = outcomes(varve, *ALL, "--by", "strategy", *arguments)
    assert len(rows) == 1
    return rows[0], said


def test_both_ends_of_a_horizon(hand):
    varve = hand([(100, 0.5)], [(100, 10), (101, 11), (160, 30), (161, 99)])
    row, _ = one_row(varve, "--horizon", "1h")
    assert (row["pnl_change"], row["mean_best"], row["mean_worst"], row["hit_rate"]) == (
        20, 20, 0, 1)


def test_a_horizon_without_a_number_in_it_is_unknown(hand):
    varve = hand([(100, 0.5)], [(99, 10), (200, 30)])
    row, said = one_row(varve, "--horizon", "1h")
    assert (row["signals"], row["outcomes"], row["pending"], row["hit_rate"]) == (1, 0, 0, None)
    assert "1 horizon has no total_pnl in it" in said


def test_a_horizon_that_is_not_over_is_pending(hand):
    varve = hand([(100, 0.5)], [(99, 10), (159, 30)])
    assert one_row(varve, "--horizon", "1h")[0]["pending"] == 1
    assert one_row(varve, "--horizon", "59m")[0]["pending"] == 0


def test_the_number_to_begin_from_may_be_months_old(hand):
    varve = hand([(100, 0.5)], [(-100 * 1440, 7), (130, 10), (200, 10)])
    assert one_row(varve, "--horizon", "1h")[0]["pnl_change"] == 3
    assert one_row(varve, "--horizon", "1h", "--tolerance", "1d")[0]["pnl_change"] is None


def test_as_it_was_known_then(hand):
    varve = hand([(100, 0.5)], [(99, 10), (159, 30), (161, 30)])
    then = varve.rows("history", "performance_metrics")[0]["timestamp"]
    varve.upsert("performance_metrics", PNL + f"{clock(159)},a,1000\n")
    assert one_row(varve, "--horizon", "1h")[0]["pnl_change"] == 990
    assert one_row(varve, "--horizon", "1h", "--known-at", then)[0]["pnl_change"] == 20


def test_an_empty_answer_says_where_the_signals_are(market):
    rows, said = outcomes(market)
    assert rows == [] and "signals has none" in said
    market.upsert("signals", SIGNALS + f"{clock(1)},a,ml_entry,0.5,s,false\n")
    rows, said = outcomes(market)
    assert rows == [] and "the newest row of signals is of 2025-01-30T00:01:00.000000Z" in said


@pytest.mark.parametrize("arguments, words", [
    (("--horizon", "soon"), 'horizon "soon" is not a length of time'),
    (("--horizon", "1h,"), 'horizon "" is not'),
    (("--horizon", ",".join(f"{n}m" for n in range(1, 20))), "more than 16 horizons"),
    (("--horizon", "0s"), "is not a length of time"),
    (("--tolerance", "old"), 'tolerance "old"'),
    (("--by", "moon"), "regime|strategy|source|type|confidence"),
    (("--at", "3"), "is a version"),
    (("--last", "7d", "--to", "now"), "not both"),
])
def test_wrong_questions(market, arguments, words):
    done = market.run("outcomes", *arguments)
    assert done.returncode == 2 and words in done.stderr


@pytest.mark.slow
def test_the_figures_of_a_horizon_are_the_same_whatever_else_is_asked(market):
    """To the last digit: sums of many parts, taken in an order that only the signals give."""
    for table in ("performance_metrics", "signals"):
        market.ok("upsert", table, "-", stdin=market.ok(
            "simulate", "--days", "30", "--start", "2025-01-01", "--table", table))
    alone = {}
    for horizons in ("1h", "1h,1d", "1h,1h", "4h,1h,2h"):
        rows, _ = outcomes(market, *ALL, "--by", "type", "--horizon", horizons)
        for row in rows:
            if row["horizon"] == "1h":
                assert row == alone.setdefault(row["signal_type"], row), horizons
    assert alone and all(row["ic"] is not None for row in alone.values())


# ---- Real data against polars ----------------------------------------------------------------------


@pytest.mark.skipif(not DATA.is_dir(), reason="the data is not beside the project")
def test_real_data_equals_polars(market, tmp_path):
    polars = pytest.importorskip("polars")
    frames = {}
    for table in ("market_regimes", "performance_metrics", "signals"):
        text = (DATA / f"{table}_1999_2015.csv").read_text().splitlines(keepends=True)
        part = tmp_path / f"{table}.csv"
        part.write_text("".join(text[:1] + [line for line in text if line.startswith("2008-")]))
        market.ok("upsert", table, part)
        frames[table] = polars.read_csv(part, infer_schema_length=None).with_columns(
            polars.col("timestamp").str.to_datetime(time_zone="UTC")).sort("timestamp")
    numbers = frames["performance_metrics"].select("timestamp", "strategy_id", "total_pnl")
    regimes = frames["market_regimes"].filter(polars.col("symbol") == "SPX")
    days = datetime.timedelta(days=7)
    ends = numbers.rename({"timestamp": "at", "total_pnl": "end"}).with_columns(
        polars.col("at").alias("end_at"))
    rows = (frames["signals"].select("timestamp", "strategy_id", "signal_value")
            .join_asof(numbers, on="timestamp", by="strategy_id", check_sortedness=False)
            .join_asof(regimes.select("timestamp", "regime"), on="timestamp")
            .with_columns((polars.col("timestamp") + days).alias("at"))
            .join_asof(ends, on="at", by="strategy_id", check_sortedness=False)
            .with_columns(polars.when((polars.col("end_at") > polars.col("timestamp"))
                                      & (polars.col("at") <= numbers["timestamp"].max()))
                          .then(polars.col("end") - polars.col("total_pnl")).alias("change")))
    wanted = rows.group_by("regime").agg(
        polars.len().alias("signals"), polars.col("change").count().alias("outcomes"),
        polars.col("change").sum().alias("pnl_change"),
        (polars.col("change") > 0).mean().alias("hit_rate"),
        polars.corr(polars.col("signal_value").filter(polars.col("change").is_not_null()),
                    polars.col("change").drop_nulls(), method="spearman").alias("ic"))
    found, _ = outcomes(market, "--from", "2008-01-01", "--to", "2009-01-01", "--symbol", "SPX",
                        "--knowledge", "event", "--horizon", "7d")
    by_regime = {row["regime"]: row for row in found}
    assert len(by_regime) >= 4 and by_regime.keys() == set(wanted["regime"])
    for row in wanted.to_dicts():
        for name in ("signals", "outcomes", "pnl_change", "hit_rate", "ic"):
            value = row[name]
            if value is None or math.isnan(value):
                assert by_regime[row["regime"]][name] is None
            else:
                assert by_regime[row["regime"]][name] == pytest.approx(value), (row, name)
