"""What is written at once is split at the target size, by upserts and edits alike."""

import random

import pytest
from deltalake import DeltaTable

TABLE = "ticks"
TARGET = 60000
ROWS = 12000


@pytest.fixture
def ticks(varve):
    varve.ok("create", TABLE, "--key", "ts,sym", "--partition-by", "date", "--schema",
             "ts timestamp not null, sym string not null, price double, date date",
             "--property", f"delta.targetFileSize={TARGET}")
    return varve


def csv(day, rows=ROWS, seed=1):
    chance = random.Random(seed)
    lines = [f"{day}T{row // 3600:02d}:{row // 60 % 60:02d}:{row % 60:02d}Z,"
             f"S{chance.randrange(5)},{chance.random()}\n" for row in range(rows)]
    chance.shuffle(lines)
    return "ts,sym,price\n" + "".join(lines)


def check(varve, day, rows=ROWS):
    """Files near the target, in the order of the key, with all rows in them."""
    adds = DeltaTable(str(varve.table(TABLE))).get_add_actions(flatten=True)
    columns = {name: adds.column(name).to_pylist() for name in (
        "path", "size_bytes", "num_records", "min.ts", "max.ts")}
    files = sorted((file for file in zip(*columns.values()) if f"date={day}" in file[0]),
                   key=lambda file: file[3])
    assert sum(file[2] for file in files) == rows
    assert len(files) > 2
    assert all(file[1] < TARGET * 1.4 for file in files), files
    assert sum(file[1] < TARGET / 2 for file in files) <= 1, files
    assert all(one[4] <= other[3] for one, other in zip(files, files[1:])), "they overlap"
    return len(files)


def test_an_upsert_of_many_rows(ticks):
    ticks.upsert(TABLE, csv("2025-01-10"))
    check(ticks, "2025-01-10")
    ticks.upsert(TABLE, csv("2025-01-11", seed=2))  # by what a row took in the first ones
    check(ticks, "2025-01-11")
    ticks.ok("verify", TABLE)


def test_an_overwrite_of_many_rows(ticks, tmp_path):
    ticks.upsert(TABLE, csv("2025-01-10", rows=10))
    file = tmp_path / "rows.csv"
    file.write_text(csv("2025-01-10"))
    ticks.ok("overwrite", TABLE, str(file), "--yes")
    check(ticks, "2025-01-10")
    ticks.ok("verify", TABLE)


def test_rows_that_come_to_a_file_that_is_written_anew(ticks):
    """A correction in the old file, and so many rows beside it that one file would be too long."""
    first = csv("2025-01-10", rows=100)
    ticks.upsert(TABLE, first)
    ticks.upsert(TABLE, csv("2025-01-10", seed=3))
    stored = ticks.rows("query", f"SELECT count(*) AS n, count(DISTINCT ts || sym) AS k FROM {TABLE}")
    assert stored[0]["n"] == stored[0]["k"]
    check(ticks, "2025-01-10", stored[0]["n"])


def test_few_rows_make_one_file(ticks):
    ticks.upsert(TABLE, csv("2025-01-10", rows=500))
    assert len(ticks.rows("files", TABLE)) == 1


def test_few_rows_that_are_long(ticks):
    """Nothing tells how long they are before they are written, or that those in the table are short."""
    chance = random.Random(7)
    ticks.ok("alter", TABLE, "add-column", "note string")
    for day, earlier in (("2025-01-10", False), ("2025-01-11", True)):
        if earlier:
            ticks.upsert(TABLE, csv(day, rows=20))
        lines = [f"{day}T01:{row // 60:02d}:{row % 60:02d}Z,S,1.5,{chance.randbytes(1000).hex()}\n"
                 for row in range(400)]
        ticks.upsert(TABLE, "ts,sym,price,note\n" + "".join(lines))
        check(ticks, day, 420 if earlier else 400)
    on_disk = {path.name for path in ticks.table(TABLE).glob("date=*/*.parquet")}
    live = {row["path"].split("/")[-1] for row in ticks.rows("files", TABLE)}
    assert on_disk == live, "what was too long is left behind"
    ticks.ok("verify", TABLE)
