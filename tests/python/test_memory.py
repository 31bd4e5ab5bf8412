"""What stays in memory after a call: nothing. Each use is repeated until a leak of what it moves,
some 100 kB, would show."""

import gc
import os
import sys

import pyarrow as pa
import pytest
import varve
from package import regime


def resident():
    with open("/proc/self/statm", encoding="ascii") as file:
        return int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")


def descriptors():
    return len(os.listdir("/proc/self/fd"))


def failing(kind, call):
    def fails():
        with pytest.raises(kind):
            call()
    return fails


LONG = [regime(minute, source="x" * 500) for minute in range(200)]  # 100 kB and more
BAD = [{**row, "regime": "sideways"} for row in LONG[:20]]
ARROW = pa.Table.from_pylist(LONG)
UNKNOWN = ARROW.append_column("nope", ARROW["source"])

USES = {
    "rows in": lambda lake, table: table.upsert(LONG, dry_run=True),
    "rows of no sense": lambda lake, table: failing(
        TypeError, lambda: table.upsert([*LONG, {"symbol": object()}]))(),
    "bad rows": lambda lake, table: failing(varve.InvalidData, lambda: table.upsert(BAD))(),
    "arrow in": lambda lake, table: table.upsert(ARROW, dry_run=True),
    "arrays in": lambda lake, table: table.upsert(ARROW.to_batches()[0], dry_run=True),
    "bad arrow in": lambda lake, table: failing(
        varve.InvalidData, lambda: table.upsert(UNKNOWN))(),
    "dicts out": lambda lake, table: table.scan().to_dicts(),
    "arrow out": lambda lake, table: table.scan().to_pyarrow(),
    "capsule that nobody reads": lambda lake, table: table.scan().__arrow_c_stream__(),
    "stream that nobody reads": lambda lake, table: table.scan(),
    "half a stream": lambda lake, table: next(iter(table.scan())),
    "nested values": lambda lake, table: lake.query(
        "SELECT $a AS a, [1.5::decimal(9,2)] AS l, MAP {'k': {'v': i}} AS m FROM range(200) r(i)",
        {"a": "y" * 500}).to_dicts(),
    "values that are none": lambda lake, table: failing(ValueError, lambda: lake.query(
        "SELECT repeat('x', 500), DATE '9999-12-31' + (i - 199)::int AS x FROM range(201) r(i)"
        ).to_dicts())(),
    "bad SQL": lambda lake, table: failing(varve.UsageError, lambda: lake.query("SELECT x"))(),
    "tables": lambda lake, table: lake.table("market_regimes").describe(),
}


def growth(call, rounds):
    """Bytes of memory that each of so many calls leaves behind."""
    before = resident()
    for _ in range(rounds):
        call()
    gc.collect()
    return (resident() - before) / rounds


@pytest.mark.slow
@pytest.mark.parametrize("use", USES.values(), ids=USES)
def test_nothing_leaks(lake, use):
    table = lake.table("market_regimes")
    table.upsert(LONG)
    for _ in range(8):
        use(lake, table)
    gc.collect()
    objects, files = len(gc.get_objects()), descriptors()
    rounds = 50
    grown = [growth(lambda: use(lake, table), rounds)]
    assert descriptors() <= files
    assert len(gc.get_objects()) < objects + rounds
    # What leaks grows each time; what an allocator keeps for its threads, once.
    while grown[-1] >= 50_000 and len(grown) < 4:
        grown.append(growth(lambda: use(lake, table), rounds))
    assert grown[-1] < 50_000, grown


def test_references_are_counted(lake):
    """One too few crashes sooner or later, one too many is a leak: both show in the count."""
    table = lake.table("market_regimes")
    seen, shared = object(), "a name that only this test has"
    row = regime(source=shared)
    counts = [sys.getrefcount(thing) for thing in (None, True, shared, row, seen)]
    for _ in range(300):
        with pytest.raises(TypeError):
            table.upsert([row, {"symbol": seen}])
        lake.query("SELECT NULL AS a, true AS b, 'x' AS c").to_dicts()
    after = [sys.getrefcount(thing) for thing in (None, True, shared, row, seen)]
    assert all(new - old < 100 for new, old in zip(after, counts)), (counts, after)


def test_lakes_come_and_go(tmp_path):
    """Also one whose callback holds the lake itself."""
    with varve.Lake(tmp_path, create=True) as lake:
        lake.init()

    def once():
        kept = []
        lake = varve.Lake(tmp_path, on_log=lambda *told: kept.append(told))
        kept.append(lake)
        lake.table("signals").scan().to_dicts()

    for _ in range(3):
        once()
    gc.collect()
    files, threads = descriptors(), len(os.listdir("/proc/self/task"))
    for _ in range(20):
        once()
    gc.collect()
    assert descriptors() <= files
    assert len(os.listdir("/proc/self/task")) <= threads
