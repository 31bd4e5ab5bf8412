"""A late batch over large files comes to what its parts, each over a small file, come to.

Large files are compared by few columns first (table/upsert/compare.h), small ones by all at once.
The same rows go into one table as a whole and into another partition by partition.
"""

import math

import numpy
import polars as pl
import pytest

PARTS, ROWS = 6, 12000  # doubles of no pattern: of all files together more than 4 MiB, of none
VALUES = [f"v{number}" for number in range(9)]
SCHEMA = ("p int not null, k long not null, " +
          ", ".join(f"{name} double" for name in VALUES) + ", s string, o long")
COUNTED = ["rows_in", "inserted", "updated", "unchanged", "stale", "duplicates_in_batch", "repaired"]


def base(chance):
    rows = PARTS * ROWS
    # NaN, both zeros and NULL are there to be met again.
    columns = {name: chance.normal(size=rows) for name in VALUES}
    columns["v0"][::50], columns["v0"][1::50] = math.nan, -0.0
    frame = pl.DataFrame({"p": numpy.repeat(numpy.arange(PARTS, dtype="int32"), ROWS),
                          "k": numpy.arange(rows), **columns,
                          "s": chance.choice(["a", "b", "c"], rows), "o": numpy.full(rows, 10)})
    return frame.with_columns(pl.when(pl.col("k") % 7 == 0).then(None).otherwise("v1").alias("v1"))


class Twins:
    """One table gets batches as a whole, the other one in parts."""

    def __init__(self, lake, vectors):
        self.lake = lake
        for name in ("whole", "parts"):
            lake.create(name, schema=SCHEMA, key=["p", "k"], order_by="o", partition_by=["p"],
                        properties={"delta.enableDeletionVectors": str(vectors).lower()})
        self.whole, self.parts = lake.table("whole"), lake.table("parts")

    def upsert(self, frame):
        found = self.whole.upsert(frame)
        sums = dict.fromkeys(COUNTED, 0)
        for _, part in frame.group_by("p", maintain_order=True):
            result = self.parts.upsert(part)
            sums = {name: sums[name] + getattr(result, name) for name in COUNTED}
        assert {name: getattr(found, name) for name in COUNTED} == sums
        return found

    def same(self):
        rows = [self.lake.query(f"SELECT * FROM {name} ORDER BY p, k, o").to_polars()
                for name in ("whole", "parts")]
        assert rows[0].equals(rows[1])
        return rows[0]


def change(frame, column, by=1.0):
    return frame.with_columns((pl.col(column) + by).alias(column), pl.col("o") + 1)


def sample(frame, rows, seed):
    return frame.sample(rows, seed=seed, shuffle=True)


def equal(frame):
    """In all but the order value: zeros of the other sign, too."""
    zero = pl.when(pl.col("v0") == 0).then(-pl.col("v0")).otherwise("v0").alias("v0")
    return frame.with_columns(zero, pl.col("o") + 1)


def mixed(stored, seed):
    """Corrections of several columns, equal rows, old ones, new ones, and some twice."""
    parts = sample(stored, 5000, seed)
    older = change(parts[:500], "v3").with_columns(pl.col("o") - 5)
    new = change(parts[500:1500], "v3").with_columns(pl.col("k") + 10**9 + seed)
    twice = change(parts[1500:1600], "s", "x")
    absent = parts[1600:2000].with_columns(pl.lit(None, pl.Float64).alias("v6"), pl.col("o") + 1)
    given = parts[2000:2400].with_columns(pl.lit(0.5).alias("v1"), pl.col("o") + 1)
    return pl.concat([older, new, twice, twice, absent, given, equal(parts[2400:3000]),
                      change(parts[3000:4500], "v3"), change(parts[4500:], "v8")])


@pytest.mark.slow
@pytest.mark.parametrize("vectors", [False, True])
def test_outcome_of_a_whole_is_that_of_its_parts(lake, vectors):
    twins = Twins(lake, vectors)
    table = base(numpy.random.default_rng(5))
    assert twins.upsert(table).inserted == table.height
    for seed, column in enumerate(["v5", "v5", "v7", "v2"]):  # what told the second does not the third
        assert twins.upsert(change(sample(twins.same(), 3000, seed), column)).updated == 3000
    # In one file some are equal, and some in what tells the others.
    picked = sample(twins.same(), 3000, 9)
    last = picked.filter(pl.col("p") == PARTS - 1)
    few = twins.upsert(pl.concat([change(picked.filter(pl.col("p") < PARTS - 1), "v2"),
                                  equal(last[:100]), change(last[100:], "v7")]))
    assert (few.unchanged, few.updated) == (100, 2900)
    assert twins.upsert(equal(sample(twins.same(), 3000, 10))).unchanged == 3000
    for seed in (11, 12):
        result = twins.upsert(mixed(twins.same(), seed))
        assert 0 not in (result.inserted, result.updated, result.unchanged, result.stale,
                         result.duplicates_in_batch)
    twins.same()


def test_keys_that_are_stored_twice(lake):
    twins = Twins(lake, False)
    table = base(numpy.random.default_rng(6))
    twins.upsert(table)
    doubled = change(sample(table, 600, 1), "v5").with_columns(pl.col("o") + 3)
    for one in (twins.whole, twins.parts):
        one.append(doubled, allow_duplicates=True)
    batch = pl.concat([change(doubled[:200], "v5"), equal(doubled[200:400]),
                       change(sample(table.join(doubled, on="k", how="anti"), 3000, 2), "v5")])
    result = twins.upsert(batch)
    assert (result.repaired, result.unchanged) == (400, 200)
    assert twins.same().height == table.height + 200


def test_a_key_that_a_small_file_has_often(lake):
    """Some kB of a file are read into memory; not so hundreds of thousands of rows that are the same."""
    lake.create("often", schema="k string not null, o long", key=["k"], order_by="o")
    table = lake.table("often")
    key, often = "k" * 500, 300000
    table.append(pl.DataFrame({"k": [key], "o": [1]}).select(pl.all().repeat_by(often).explode()),
                 allow_duplicates=True)
    result = table.upsert([{"k": key, "o": 2}])
    assert (result.unchanged, result.repaired) == (1, often - 1)
    assert lake.query("SELECT count(*) AS n FROM often").to_polars()["n"].to_list() == [1]


def test_few_rows_that_are_long(lake):
    lake.create("texts", schema="k int not null, body string", key=["k"])
    table = lake.table("texts")
    table.upsert([{"k": 5, "body": "x"}])
    bodies = [f"{number:08d}" * 1000 for number in range(18000)]
    batch = pl.DataFrame({"k": pl.Series(range(18000), dtype=pl.Int32), "body": bodies})
    result = table.upsert(batch)
    assert (result.inserted, result.updated) == (17999, 1)
