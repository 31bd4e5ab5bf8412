"""How regimes follow each other, counted another way."""

import collections
import datetime as dt
import json
import os
import pathlib
import random

import pytest

DATA = pathlib.Path(os.environ.get(
    "VARVE_DATA", pathlib.Path(__file__).resolve().parents[3] / "shared" / "data"))
DAY = dt.datetime(2025, 1, 30, tzinfo=dt.timezone.utc)
NAMES = ["bullish_low", "bearish_high", "neutral_low"]


def transitions(varve, *arguments):
    done = varve.run("transitions", *arguments, "--format", "ndjson")
    assert done.returncode == 0, done.stderr
    return [json.loads(line) for line in done.stdout.splitlines()], done.stderr


def counted(rows, changes_only=False):
    """{(from, to): (count, probability, mean stay)} of one symbol's (minute, regime), in order."""
    count, stays, since = collections.Counter(), collections.defaultdict(list), rows[0][0]
    for (_, regime), (next_at, following) in zip(rows, rows[1:]):
        if following != regime:
            stays[regime, following].append(next_at - since)
            since = next_at
        if following != regime or not changes_only:
            count[regime, following] += 1
    whole = collections.Counter()
    for (regime, _), number in count.items():
        whole[regime] += number
    return {pair: (number, number / whole[pair[0]],
                   60 * sum(stays[pair]) / number if stays[pair] else None)
            for pair, number in count.items()}


def assert_same(found, wanted):
    assert {(row["from_regime"], row["to_regime"]):
            (row["count"], pytest.approx(row["probability"]), row["mean_stay_seconds"]
             and pytest.approx(row["mean_stay_seconds"])) for row in found} == wanted


@pytest.fixture(scope="module")
def world(varve_on, tmp_path_factory):
    varve = varve_on(tmp_path_factory.mktemp("world") / "lake")
    varve.ok("init")
    chance = random.Random(7)
    rows = {symbol: [(minute, chance.choice(NAMES)) for minute in
                     sorted(chance.sample(range(900), 120))] for symbol in ("SPY", "QQQ", "ONE")}
    del rows["ONE"][1:]
    varve.upsert("market_regimes", "timestamp,symbol,regime\n" + "".join(
        f"{(DAY + dt.timedelta(minutes=minute)).isoformat()},{symbol},{regime}\n"
        for symbol, seen in rows.items() for minute, regime in seen))
    return varve, rows


@pytest.mark.parametrize("flags, changes_only", [((), False), (("--changes-only",), True)])
def test_against_the_same_counts(world, flags, changes_only):
    varve, rows = world
    found, said = transitions(varve, *flags)
    assert_same(found, counted(rows["SPY"], changes_only))
    assert "regimes of SPY" in said
    assert list(found[0]) == ["from_regime", "to_regime", "count", "probability",
                              "mean_stay_seconds"]
    found, _ = transitions(varve, "--symbol", "QQQ", *flags)
    assert_same(found, counted(rows["QQQ"], changes_only))


def test_by_symbol_is_each_symbol_alone(world):
    varve, rows = world
    found, _ = transitions(varve, "--by", "symbol")
    assert {row["symbol"] for row in found} == {"SPY", "QQQ"}  # ONE has one row, and no next
    for symbol in ("SPY", "QQQ"):
        assert_same([row for row in found if row["symbol"] == symbol], counted(rows[symbol]))


def test_a_range(world):
    varve, rows = world
    start, end = 100, 500
    found, _ = transitions(varve, "--from", (DAY + dt.timedelta(minutes=start)).isoformat(),
                           "--to", (DAY + dt.timedelta(minutes=end)).isoformat())
    assert_same(found, counted([row for row in rows["SPY"] if start <= row[0] < end]))


def test_no_rows(market):
    assert transitions(market)[0] == []
    done = market.run("transitions", "--symbol", "XXX")
    assert done.returncode == 5 and "no regime of symbol XXX" in done.stderr


@pytest.mark.skipif(not DATA.is_dir(), reason="the data is not beside the project")
def test_real_data_equals_polars(market, tmp_path):
    polars = pytest.importorskip("polars")
    lines = (DATA / "market_regimes_1999_2015.csv").read_text().splitlines(keepends=True)
    part = tmp_path / "part.csv"
    part.write_text("".join(lines[:1] + [line for line in lines if line.startswith("2008-")]))
    market.ok("upsert", "market_regimes", part)
    frame = (polars.read_csv(part, infer_schema_length=None)
             .filter(polars.col("symbol") == "IXIC").sort("timestamp")
             .with_columns(polars.col("regime").shift(-1).alias("to")).drop_nulls("to")
             .group_by("regime", "to").len())
    found, _ = transitions(market, "--symbol", "IXIC")
    assert len(found) > 8
    assert {(row["from_regime"], row["to_regime"]): row["count"] for row in found} == {
        (row["regime"], row["to"]): row["len"] for row in frame.to_dicts()}
