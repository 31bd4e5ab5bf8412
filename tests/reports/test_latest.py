"""latest finds the newest rows by two columns first; the answer is that of reading everything."""

import random

import pytest

HEADER = "t,name,v,seen"


@pytest.fixture
def readings(varve):
    varve.ok("create", "readings", "--schema",
             "t timestamp, name string, v long, seen long, day date",
             "--partition-by", "day", "--key", "v", "--order-by", "seen",
             "--property", "varve.partitionFrom=day=t")
    return varve


def load(varve, rows):
    lines = [HEADER]
    lines += [f"{row['t']},{row['name']},{row['v']},{row['seen']}" for row in rows]
    varve.upsert("readings", "\n".join(lines) + "\n")


def expected(rows, until="9"):
    """By name: the greatest time, then the greatest order, then the least key."""
    newest = {}
    for row in rows:
        if row["t"] > until:
            continue
        best = newest.get(row["name"])
        rank = (row["t"], row["seen"], -row["v"])
        if best is None or rank > (best["t"], best["seen"], -best["v"]):
            newest[row["name"]] = row
    return {name: row["v"] for name, row in newest.items()}


def found(varve, *options):
    return {row["name"]: row["v"]
            for row in varve.rows("latest", "readings", "--by", "name", *options)}


def make(count, names, seed, days=20):
    chance = random.Random(seed)
    return [{"t": f"2025-01-{1 + chance.randrange(days):02d}T{chance.randrange(24):02d}:00:00Z",
             "name": f"n{chance.randrange(names):04d}", "v": number,
             "seen": chance.randrange(5)} for number in range(count)]


@pytest.mark.parametrize("count, names", [(400, 7), (3000, 2900), (5, 5)])
def test_equals_reading_everything(readings, count, names):
    rows = make(count, names, count)
    load(readings, rows[: count // 2])
    load(readings, rows[count // 2:])
    assert found(readings) == expected(rows)
    assert (found(readings, "--until", "2025-01-09T12:00:00Z")
            == expected(rows, "2025-01-09T12:00:00Z"))


def test_more_times_than_are_remembered(readings):
    rows = [{"t": f"2025-01-{1 + n % 20:02d}T{n // 3600 % 24:02d}:{n // 60 % 60:02d}:{n % 60:02d}Z",
             "name": f"n{n:05d}", "v": n, "seen": 1} for n in range(1300)]
    load(readings, rows)
    assert found(readings) == expected(rows)


def test_a_group_without_any_time(readings):
    rows = make(60, 3, 1) + [{"t": "", "name": "timeless", "v": 1000, "seen": 1},
                             {"t": "", "name": "timeless", "v": 1001, "seen": 9}]
    load(readings, rows)
    assert found(readings) == expected(rows)


def test_by_the_time_itself(readings):
    rows = make(40, 3, 2)
    load(readings, rows)
    times = readings.rows("latest", "readings", "--by", "t")
    assert len(times) == len({row["t"] for row in rows})


def test_an_empty_table_and_a_time_before_all(readings):
    assert readings.rows("latest", "readings", "--by", "name") == []
    load(readings, make(10, 3, 3))
    assert found(readings, "--until", "2020-01-01") == {}


def test_many_small_files_are_read_without_the_engine(readings):
    """A file a day: the same answer as before they are packed, also with a deleted newest row."""
    rows = make(600, 12, 5)
    load(readings, rows)
    assert len(readings.rows("files", "readings")) >= 8
    before = found(readings)
    assert before == expected(rows)
    gone = next(iter(before.values()))
    readings.ok("delete", "readings", "--where", f"v = {gone}")
    rows = [row for row in rows if row["v"] != gone]
    assert found(readings) == expected(rows)
