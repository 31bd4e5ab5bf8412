"""Pruning never changes an answer: range and latest skip files, the same question in SQL does not."""

import datetime as dt
import random

import polars as pl
import pytest
from deltalake import write_deltalake

UTC = dt.timezone.utc
START = dt.datetime(2025, 6, 2, tzinfo=UTC)
NAMES = ["AAA", "BBB", "CCC", "DDD"]


def iso(time):
    return time.strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def foreign(times, date):
    """Rows that another engine wrote under a date of its own choice, cut to its own statistics."""
    return pl.DataFrame({
        "timestamp": times, "symbol": [NAMES[0]] * len(times),
        "regime": ["neutral_low"] * len(times), "vix": [1.0] * len(times),
        "put_call_ratio": pl.Series([None] * len(times), dtype=pl.Float64),
        "futures_trend": ["flat"] * len(times), "confidence": [0.5] * len(times),
        "model_version": ["x"] * len(times), "source": ["py"] * len(times),
        "date": [date] * len(times), "ingested_at": times}).to_arrow()


@pytest.fixture(scope="module")
def filled(varve_on, tmp_path_factory):
    """Six days of our files, and two of somebody else's, one of them under the wrong date."""
    varve = varve_on(tmp_path_factory.mktemp("pruning") / "lake")
    varve.ok("init")
    chance = random.Random(7)
    for day in range(6):
        lines = ["timestamp,symbol,regime,ingested_at"]
        for name in NAMES:
            for _ in range(20):
                time = START + dt.timedelta(days=day, microseconds=chance.randrange(86400 * 10**6))
                lines.append(f"{iso(time)},{name},neutral_low,{iso(time)}")
        midnight = START + dt.timedelta(days=day)
        lines.append(f"{iso(midnight)},{NAMES[1]},bullish_low,{iso(midnight)}")
        last = midnight + dt.timedelta(days=1, microseconds=-1)
        lines.append(f"{iso(last)},{NAMES[2]},bullish_low,{iso(last)}")
        varve.upsert("market_regimes", "\n".join(lines) + "\n")
    path = str(varve.table("market_regimes"))
    evening = START + dt.timedelta(days=2, hours=23, microseconds=123457)
    write_deltalake(path, foreign([evening], evening.date()), mode="append")
    night = START + dt.timedelta(days=4, hours=2)
    write_deltalake(path, foreign([night], (night - dt.timedelta(days=1)).date()), mode="append")
    return varve


def moments(seed):
    """Interesting times: midnights, a microsecond around them, the foreign rows, random ones."""
    chance = random.Random(seed)
    edge = START + dt.timedelta(days=chance.randrange(7),
                                microseconds=chance.choice([-1, 0, 1, 123456, 123457, 123458]))
    late = START + dt.timedelta(days=chance.randrange(6), hours=chance.choice([2, 23]),
                                microseconds=chance.choice([0, 123456, 123457, 123458]))
    free = START + dt.timedelta(microseconds=chance.randrange(6 * 86400 * 10**6))
    return sorted(chance.sample([edge, late, free], 2))


@pytest.mark.parametrize("seed", range(12))
def test_range(filled, seed):
    first, end = moments(seed)
    name = NAMES[seed % len(NAMES)]
    found = filled.rows("range", "market_regimes", "--symbol", name, "--from", iso(first), "--to",
                        iso(end))
    expected = filled.rows("query", "SELECT * FROM market_regimes WHERE symbol = "
                           f"'{name}' AND timestamp >= '{iso(first)}' AND timestamp < "
                           f"'{iso(end)}' ORDER BY timestamp, symbol")
    assert found == expected


@pytest.mark.parametrize("first", [
    START + dt.timedelta(days=4, hours=2),  # lies under the date before
    START + dt.timedelta(days=2, hours=23, microseconds=123457)])  # statistics end at 123 ms
def test_range_of_one_foreign_row(filled, first):
    found = filled.rows("range", "market_regimes", "--symbol", NAMES[0], "--from", iso(first),
                        "--to", iso(first + dt.timedelta(microseconds=1)))
    assert [row["source"] for row in found] == ["py"]


@pytest.mark.parametrize("seed", range(12))
def test_latest(filled, seed):
    _, until = moments(seed + 100)
    found = filled.rows("latest", "market_regimes", "--until", iso(until))
    newest = {}
    for row in filled.rows("query", f"SELECT * FROM market_regimes WHERE timestamp <= "
                           f"'{iso(until)}' ORDER BY timestamp"):
        newest[row["symbol"]] = row
    assert found == [newest[name] for name in sorted(newest)]
