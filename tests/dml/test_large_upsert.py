"""Upserts into several partitions, of rows that stay in memory and of more, by Parquet: held against a
model of what an upsert has to leave, and files against the order that their rows have to lie in.
"""

import json

import polars
import pytest

SCHEMA = "k bigint not null, s string not null, part string, v double, o bigint"
PARTS, KEYS = 6, 24_000
SCALES = {"few": 6, "many": 1}  # a part of the keys
ORDERS = {"ascending", "shuffled"}


def frame(keys, value, order):
    """Rows of these keys: with (k, s) in their order, each in the partition of its key."""
    rows = polars.DataFrame({"k": keys}, schema={"k": polars.Int64})
    return rows.with_columns(
        polars.lit("s").alias("s"),
        (polars.col("k") // (KEYS // PARTS)).cast(polars.String).alias("part"),
        (polars.col("k") * 0.5 + value).alias("v"),
        polars.lit(order, dtype=polars.Int64).alias("o"))


def model(table, batch):
    """What is stored after an upsert: rows that say nothing new stay, older ones don't come."""
    stored = {(row["k"], row["s"]): row for row in table}
    for row in batch:
        was = stored.get((row["k"], row["s"]))
        if was is None:
            stored[row["k"], row["s"]] = row
        elif was["v"] != row["v"] and row["o"] >= was["o"]:
            stored[row["k"], row["s"]] = row
    return list(stored.values())


def content(lake, table):
    rows = lake.rows("query", f"SELECT k, s, part, v, o FROM {table} ORDER BY k, s")
    return [tuple(row.values()) for row in rows]


def expected(rows):
    return sorted((row["k"], row["s"], row["part"], row["v"], row["o"]) for row in rows)


def check_files(lake, table, zorder=False):
    """Each file holds its rows in the order of the key."""
    folder = lake.table(table)
    live = lake.rows("files", table)
    assert live
    for file in live:
        rows = polars.read_parquet(folder / file["path"], columns=["k", "s", "v"])
        order = ["v"] if zorder else ["k", "s"]
        assert rows.equals(rows.sort(order, maintain_order=True)), file["path"]


def upsert(lake, tmp_path, batch, order, *more):
    path = tmp_path / "batch.parquet"
    if order == "shuffled":
        batch = batch.sample(fraction=1.0, shuffle=True, seed=7)
    batch.write_parquet(path)
    return json.loads(lake.ok("upsert", "t", path, "--json", *more))


@pytest.fixture
def lake(varve):
    return varve


@pytest.fixture
def table(lake):
    def make(*more):
        lake.ok("create", "t", "--schema", SCHEMA, "--key", "part,k,s", "--order-by", "o",
                "--partition-by", "part", *more)
    return make


@pytest.mark.slow
@pytest.mark.parametrize("properties", [[], ["--property", "delta.enableDeletionVectors=true"],
                                        ["--zorder", "v"]], ids=["plain", "vectors", "zorder"])
@pytest.mark.parametrize("order", sorted(ORDERS))
@pytest.mark.parametrize("scale", sorted(SCALES))
def test_leaves_what_the_rules_say(lake, tmp_path, table, scale, order, properties):
    table(*properties)
    rows, part = [], SCALES[scale]
    steps = [
        ("all new", frame(range(0, KEYS, 2), 0, 10), {"inserted": 12_000}),
        ("half new, half corrections", frame(range(KEYS), 1, 11),
         {"inserted": 12_000, "updated": 12_000}),
        ("the same again", frame(range(KEYS), 1, 11), {"unchanged": 24_000}),
        ("some say nothing new, some are old",
         polars.concat([frame(range(0, 8_040), 2, 12), frame(range(8_040, 15_960), 1, 12),
                        frame(range(15_960, KEYS), 3, 5)]),
         {"updated": 8_040, "unchanged": 7_920, "stale": 8_040}),
        ("all are corrected", frame(range(KEYS), 4, 13), {"updated": 24_000}),
        ("some say nothing new",
         polars.concat([frame(range(0, 8_040), 4, 14), frame(range(8_040, KEYS), 5, 14)]),
         {"updated": 15_960, "unchanged": 8_040}),
    ]
    for what, batch, counts in steps:
        batch = batch.gather_every(part)
        counts = {name: count // part for name, count in counts.items()}
        told = upsert(lake, tmp_path, batch, order)
        names = ["inserted", "updated", "unchanged", "stale", "duplicates_in_batch"]
        assert {name: told[name] for name in names} == {**dict.fromkeys(names, 0), **counts}, what
        rows = model(rows, batch.to_dicts())
        assert content(lake, "t") == expected(rows), what
        check_files(lake, "t", zorder="--zorder" in properties)


@pytest.mark.parametrize("order", sorted(ORDERS))
def test_of_rows_with_one_key_the_newest_stays(lake, tmp_path, table, order):
    table()
    upsert(lake, tmp_path, frame(range(0, KEYS, 2), 0, 10), order)
    batch = polars.concat([frame(range(KEYS), 1, 11), frame(range(100, 200), 2, 12)])
    told = upsert(lake, tmp_path, batch, order)
    assert told["duplicates_in_batch"] == 100
    newest = polars.concat([frame(range(100), 1, 11), frame(range(100, 200), 2, 12),
                            frame(range(200, KEYS), 1, 11)])
    assert content(lake, "t") == expected(newest.to_dicts())
    check_files(lake, "t")


@pytest.mark.parametrize("order", sorted(ORDERS))
@pytest.mark.parametrize("zorder", [[], ["--zorder", "part,k,s"]], ids=["key", "zorder"])
def test_a_long_file_has_its_rows_in_order(lake, tmp_path, table, zorder, order):
    """It is longer than a row group, so that the engine writes it by several threads."""
    table(*zorder)
    rows = frame(range(300_000), 0, 10).with_columns(polars.lit("x").alias("part"))
    assert upsert(lake, tmp_path, rows, order)["inserted"] == 300_000
    check_files(lake, "t")
    assert lake.rows("query", "SELECT count(*) AS n, sum(v) AS v FROM t") == [
        {"n": 300_000, "v": rows["v"].sum()}]


def test_rows_without_an_order_of_their_own_are_the_newest(lake, tmp_path, table):
    table()
    later = 4_000_000_000_000_000  # after every clock
    upsert(lake, tmp_path, frame(range(0, KEYS, 2), 0, later), "ascending")
    told = upsert(lake, tmp_path, frame(range(KEYS), 1, 0).drop("o"), "shuffled")
    assert (told["inserted"], told["updated"]) == (12_000, 12_000)
    counts = lake.rows("query", f"SELECT count(*) AS n, count(*) FILTER (o = {later} + 1) AS later, "
                       "count(*) FILTER (v = k * 0.5 + 1) AS new FROM t")
    assert counts == [{"n": KEYS, "later": 12_000, "new": KEYS}]
    check_files(lake, "t")


def test_the_change_feed_tells_each_row(lake, tmp_path, table):
    table("--property", "delta.enableChangeDataFeed=true")
    upsert(lake, tmp_path, frame(range(0, KEYS, 2), 0, 10), "ascending")
    upsert(lake, tmp_path, frame(range(KEYS), 1, 11), "shuffled")
    counts = lake.rows("query", "SELECT _change_type AS t, count(*) AS n, sum(v) AS v "
                       "FROM table_changes('t', 2, 2) GROUP BY ALL ORDER BY t")
    new = frame(range(KEYS), 1, 0)["v"]
    assert counts == [
        {"t": "insert", "n": 12_000, "v": new.gather_every(2, 1).sum()},
        {"t": "update_postimage", "n": 12_000, "v": new.gather_every(2).sum()},
        {"t": "update_preimage", "n": 12_000, "v": frame(range(0, KEYS, 2), 0, 0)["v"].sum()}]


@pytest.mark.parametrize("files", [3, 70])
def test_keys_that_span_the_files_are_found_as_others_are(varve, files):
    """Of 70 files, which are too many to be compared in memory, the keys of the batch span nearly
    all; a zero of either sign is one key, and so is NaN."""
    def batch(keys, value):
        return "".join(json.dumps({"p": str(part), "k": key, "v": value + part}) + "\n"
                       for part in range(files) for key in keys)

    def told(text):
        result = varve.upsert("spans", text)
        return [result[name] for name in ("inserted", "updated", "unchanged")]

    varve.ok("create", "spans", "--schema", "p string not null, k double not null, v bigint",
             "--partition-by", "p", "--key", "p,k")
    assert told(batch([-0.0, 1.5, 7.0], 0)) == [3 * files, 0, 0]
    assert told(batch([0.0, "NaN"], 1000) + batch([1.5], 0)) == [files, files, files]
    assert told(batch([-0.0, "NaN", 8.0], 2000) + batch([7.0], 0)) == [files, 2 * files, files]
    rows = varve.rows("query", "SELECT count(*) AS n, sum(v)::BIGINT AS v FROM spans")
    parts = sum(range(files))
    assert rows == [{"n": 5 * files, "v": 5 * parts + 3 * 2000 * files}]
