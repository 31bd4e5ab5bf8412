"""An open table keeps what `latest` answered: the next answer is that of reading everything, after
commits of every kind, of this handle and of others."""

import datetime as dt
import random

import pyarrow as pa
import pytest
import varve
from package import UTC

BEGIN = dt.datetime(2025, 1, 1, tzinfo=UTC)
SCHEMA = "t timestamp, name string, venue int, x double, v long, seen long, day date"
QUESTIONS = [["name"], ["venue"], ["name", "venue"], ["x"], ["day", "name"]]
FLOATS = [0.0, -0.0, float("nan"), float("inf"), 1.5, None]


@pytest.fixture(params=["false", "true"], ids=["copies", "vectors"])
def table(request, tmp_path):
    with varve.Lake(tmp_path / "lake", create=True) as lake:
        lake.create("readings", schema=SCHEMA, key="v", order_by="seen", partition_by="day",
                    properties={"varve.partitionFrom": "day=t",
                                "delta.enableDeletionVectors": request.param})
        yield lake, lake.table("readings")


def rows(chance, count, numbers=100_000, days=12):
    """Times at full hours, so that many rows are of one time."""
    return [{"t": None if chance.random() < 0.02 else
             BEGIN + dt.timedelta(days=chance.randrange(days), hours=chance.randrange(24)),
             "name": chance.choice([None, "a", "b", "c", "d"]),
             "venue": chance.choice([None, 1, 2, 3]),
             "x": chance.choice(FLOATS), "v": chance.randrange(numbers),
             "seen": chance.choice([1, 2, 3])} for _ in range(count)]


def everything(lake, by, name="t", where="true", source="readings"):
    columns = ", ".join(by)
    return repr(lake.query(
        f"SELECT * FROM {source} WHERE {where} QUALIFY row_number() OVER (PARTITION BY {columns} "
        f"ORDER BY {name} DESC NULLS LAST, seen DESC NULLS LAST, v) = 1 ORDER BY {columns}")
        .to_dicts())


def same(lake, table, name="t"):
    for by in QUESTIONS:
        assert repr(table.latest(by).to_dicts()) == everything(lake, by, name), by
        assert repr(table.latest(by).to_dicts()) == everything(lake, by, name), (by, "again")


def deed(chance, lake, table):
    """A commit of a random kind; what it was, for messages."""
    table_by_another = varve.Lake(lake.path).table("readings")
    days = sorted({str(BEGIN.date() + dt.timedelta(days=number)) for number in range(12)})
    late = BEGIN + dt.timedelta(days=12, hours=chance.randrange(24))
    kinds = {
        "few rows": lambda: table.upsert(rows(chance, 20)),
        "many rows": lambda: table.upsert(rows(chance, 3000)),
        "newest rows": lambda: table.upsert([{**row, "t": late} for row in rows(chance, 12)]),
        "of another": lambda: table_by_another.upsert(rows(chance, 30)),
        "delete of the newest": lambda: table.delete("t >= TIMESTAMPTZ '2025-01-12 00:00:00Z'"),
        "delete of a group": lambda: table.delete(f"name = '{chance.choice('abcd')}'"),
        "delete of a few": lambda: table.delete(f"v % 7 = {chance.randrange(7)}"),
        "delete of a day": lambda: table.delete(f"day = DATE '{chance.choice(days)}'"),
        "older order": lambda: table.update({"seen": "seen - 1"}, "v % 5 = 0"),
        "other values": lambda: table.update({"venue": "venue + 1"}, "venue = 2"),
        "optimize": table.optimize,
        "z-order": lambda: table.optimize(zorder=["name", "t"]),
        "restore": lambda: table.restore(chance.randrange(1, table.version + 1)),
        "property": lambda: table.alter("set", f"delta.checkpointInterval={chance.randrange(3, 9)}"),
        "new column": lambda: table.alter("add-column", f"more{table.version} string"),
        "checkpoint": table.checkpoint,
    }
    kind = chance.choice(list(kinds))
    kinds[kind]()
    return kind


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(2))
def test_after_commits_of_every_kind(table, seed):
    lake, readings = table
    chance = random.Random(seed)
    readings.upsert(rows(chance, 400))
    done = []
    for _ in range(10):
        done.append(deed(chance, lake, readings))
        try:
            same(lake, readings)
        except AssertionError as error:
            raise AssertionError(done) from error


def test_questions_with_a_limit_or_a_version_are_answered_by_themselves(table):
    lake, readings = table
    chance = random.Random(5)
    for _ in range(3):
        readings.upsert(rows(chance, 300))
        same(lake, readings)
    for version in (1, 2, 3):
        assert (repr(readings.latest("name", at=version).to_dicts())
                == everything(lake, ["name"], source=f"readings AT (VERSION => {version})"))
    until = "2025-01-05T07:00:00Z"
    assert (repr(readings.latest("name", until=until).to_dicts())
            == everything(lake, ["name"], where=f"t <= TIMESTAMPTZ '{until}'"))
    same(lake, readings)


def test_known_at_an_earlier_time(table):
    lake, readings = table
    chance = random.Random(6)
    readings.upsert(rows(chance, 100))
    before = readings.latest("name").to_dicts()
    then = dt.datetime.now(UTC)
    readings.upsert([{**row, "t": BEGIN + dt.timedelta(days=30)} for row in rows(chance, 50)])
    same(lake, readings)
    with lake.known_at(then):
        assert repr(readings.latest("name").to_dicts()) == repr(before)
    same(lake, readings)


def test_a_column_that_was_renamed_and_one_that_was_dropped(table):
    lake, readings = table
    readings.upsert(rows(random.Random(7), 200))
    same(lake, readings)
    readings.alter("rename-column", "t", "at_time", upgrade=True)
    same(lake, readings, "at_time")
    readings.alter("add-column", "note string")
    readings.alter("drop-column", "note", upgrade=True)
    readings.alter("add-column", "note long")
    same(lake, readings, "at_time")


def test_a_stream_outlives_the_answer_that_it_reads(table):
    _, readings = table
    chance = random.Random(8)
    readings.upsert(rows(chance, 200))
    expected = repr(readings.latest("name").to_dicts())
    streams = [readings.latest("name") for _ in range(3)]
    readings.upsert([{**row, "t": BEGIN + dt.timedelta(days=40)} for row in rows(chance, 50)])
    assert repr(readings.latest("name").to_dicts()) != expected
    readings.close()
    assert [repr(stream.to_dicts()) for stream in streams] == [expected] * 3


def test_more_questions_than_are_kept(table):
    lake, readings = table
    readings.upsert(rows(random.Random(9), 300))
    for _ in range(3):
        same(lake, readings)
        for by in (["seen"], ["v"], ["name", "seen"], ["venue", "seen"]):
            assert repr(readings.latest(by).to_dicts()) == everything(lake, by), by


def test_more_groups_than_are_kept(table):
    lake, readings = table
    for seed in (10, 11):
        readings.upsert(rows(random.Random(seed), 6000))
        assert repr(readings.latest("v").to_dicts()) == everything(lake, ["v"])


@pytest.mark.slow
def test_many_groups_that_came_at_once(table):
    lake, readings = table
    for count in (100, 20_000, 300_000):  # the first are kept; the last are many rows in few bytes
        readings.upsert(pa.table({
            "v": pa.array(range(count), pa.int64()), "seen": pa.array([count] * count, pa.int64()),
            "t": pa.array([BEGIN] * count, pa.timestamp("us", "UTC"))}))
        for _ in range(2):
            assert pa.table(readings.latest("v")).num_rows == count
    same(lake, readings)
