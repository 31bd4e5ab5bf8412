"""Tables with a change feed: what is written to _change_data, and what readers make of it."""

import collections
import json

import deltalake
import pyarrow as pa
import pytest

SCHEMA = "k int not null, g string, v int, o bigint"
COLUMNS = ["k", "g", "v", "o"]


@pytest.fixture(params=["copy", "mark"])
def mode(request):
    return request.param


@pytest.fixture
def table(varve, mode):
    varve.ok("create", "t", "--schema", SCHEMA, "--partition-by", "g", "--key", "k", "--order-by",
             "o", "--check", "small: v < 1000", "--property", "delta.enableChangeDataFeed=true",
             "--property", f"delta.enableDeletionVectors={'true' if mode == 'mark' else 'false'}")
    varve.upsert("t", "k,g,v,o\n" + "".join(
        f"{k},{'ab'[k % 2]},{k},1\n" for k in range(12)))
    return varve


def rows_of(varve, *more):
    return collections.Counter(
        tuple(row[name] for name in COLUMNS) for row in varve.rows("scan", "t", *more))


def feed(varve, version):
    """{type: [key, ...]} of a version; and the changes lead from the version before to it."""
    changes = varve.rows("changes", "t", "--from", str(version), "--to", str(version))
    rows = rows_of(varve, "--version", str(version - 1))
    by_type = collections.defaultdict(list)
    for change in changes:
        row = tuple(change[name] for name in COLUMNS)
        rows[row] += 1 if change["_change_type"] in ("insert", "update_postimage") else -1
        by_type[change["_change_type"]].append(change["k"])
    assert +rows == rows_of(varve, "--version", str(version)) and not -rows
    return {kind: sorted(keys) for kind, keys in by_type.items()}


def actions(varve, version, kind):
    path = varve.table("t") / "_delta_log" / f"{version:020}.json"
    found = [json.loads(line) for line in path.read_text().splitlines()]
    return [action[kind] for action in found if kind in action]


def metric(varve, name):
    return int(varve.rows("history", "t", "--limit", "1")[0]["operationMetrics"][name])


@pytest.mark.slow
def test_each_kind_of_change_says_what_it_did(table, mode):
    # New rows alone need no change files: the added files are the inserts.
    assert table.upsert("t", "k,g,v,o\n50,a,1,1\n51,c,1,1\n")["version"] == 2
    assert actions(table, 2, "cdc") == [] and feed(table, 2) == {"insert": [50, 51]}
    # Updates, one of which moves to another partition, inserts, stale and unchanged rows.
    table.upsert("t", "k,g,v,o\n1,b,100,2\n2,b,100,2\n60,c,1,1\n3,b,9,0\n5,b,5,9\n")
    assert feed(table, 3) == {"insert": [60], "update_preimage": [1, 2],
                              "update_postimage": [1, 2]}
    assert metric(table, "numTargetChangeFilesAdded") == len(actions(table, 3, "cdc")) == 3
    table.ok("update", "t", "--set", "v = v + 1", "--where", "k in (4, 6)")
    assert feed(table, 4) == {"update_preimage": [4, 6], "update_postimage": [4, 6]}
    assert metric(table, "numAddedChangeFiles") == 1
    table.ok("delete", "t", "--where", "k in (7, 8) or g = 'c'")
    assert feed(table, 5) == {"delete": [7, 8, 51, 60]}
    # Whole files need none.
    table.ok("delete", "t", "--where", "g = 'b'")
    assert actions(table, 6, "cdc") == [] and feed(table, 6) == {"delete": [1, 2, 3, 5, 9, 11]}
    assert feed(table, 1) == {"insert": list(range(12))}
    cdc = actions(table, 3, "cdc")
    assert all(action["dataChange"] is False and action["path"].startswith("_change_data/g=")
               and (table.table("t") / action["path"]).stat().st_size == action["size"]
               for action in cdc)
    if mode == "copy":  # deltalake reads no feed of a table with deletion vectors
        read = deltalake.DeltaTable(str(table.table("t"))).load_cdf(starting_version=1)
        theirs = pa.table(read.read_all()).to_pylist()
        ours = table.rows("changes", "t", "--from", "1")
        assert len(theirs) == len(ours)
        names = [*COLUMNS, "_change_type", "_commit_version"]
        assert (collections.Counter(tuple(row[name] for name in names) for row in theirs) ==
                collections.Counter(tuple(row[name] for name in names) for row in ours))


def test_a_key_that_was_there_twice(table):
    """The surplus rows that an upsert repairs are deletes, also where nothing else changes."""
    table.ok("append", "t", "-", "--allow-duplicates", stdin="k,g,v,o\n1,b,1,0\n2,a,2,0\n")
    result = table.upsert("t", "k,g,v,o\n1,b,7,5\n2,a,2,9\n")
    assert (result["repaired"], result["updated"], result["unchanged"]) == (2, 1, 1)
    assert feed(table, 3) == {"delete": [1, 2], "update_preimage": [1], "update_postimage": [1]}


def test_what_fails_leaves_no_change_file(table):
    for arguments in (["update", "t", "--set", "v = 5000", "--where", "k = 1"],
                      ["update", "t", "--set", "v = 5", "--where", "k = 1", "--dry-run"]):
        table.run(*arguments)
    table.ok("upsert", "t", "-", "--dry-run", stdin="k,g,v,o\n1,b,7,5\n")
    assert not list(table.table("t").glob("_change_data/**/*.parquet"))


def test_a_column_of_the_name_is_in_the_way(varve):
    """Of a table of others, since Varve makes none."""
    varve.lake.mkdir(exist_ok=True)
    rows = pa.table({"k": [1, 2], "_change_type": ["x", "x"]})
    deltalake.write_deltalake(varve.table("t"), rows, configuration={
        "delta.enableChangeDataFeed": "true"})
    done = varve.run("delete", "t", "--where", "k = 1")
    assert done.returncode == 7 and "_change_type" in done.stderr and varve.version("t") == 0


def test_many_rows(varve):
    """More than are worked on in memory."""
    varve.ok("create", "t", "--schema", SCHEMA, "--key", "k", "--order-by", "o",
             "--property", "delta.enableChangeDataFeed=true")
    varve.upsert("t", "k,g,v,o\n" + "".join(f"{k},a,1,1\n" for k in range(30000)))
    varve.upsert("t", "k,g,v,o\n" + "".join(f"{k},a,2,2\n" for k in range(5000, 35000)))
    counts = {key: len(keys) for key, keys in feed(varve, 2).items()}
    assert counts == {"insert": 5000, "update_preimage": 25000, "update_postimage": 25000}
