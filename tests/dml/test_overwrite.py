"""overwrite: rows in the place of all, or of those that a condition is true for."""

import collections
import json

import deltalake
import pyarrow as pa
import pytest

SCHEMA = "k int not null, g string, v int, o bigint"


@pytest.fixture(params=["copy", "mark", "feed"])
def table(request, varve):
    """Twelve rows in two partitions."""
    properties = {"copy": [], "mark": ["delta.enableDeletionVectors=true"],
                  "feed": ["delta.enableChangeDataFeed=true"]}[request.param]
    varve.ok("create", "t", "--schema", SCHEMA, "--partition-by", "g", "--key", "k", "--order-by",
             "o", "--check", "small: v < 1000",
             *(part for text in properties for part in ("--property", text)))
    varve.upsert("t", "k,g,v,o\n" + "".join(f"{k},{'ab'[k % 2]},{k},1\n" for k in range(12)))
    varve.mode = request.param
    return varve


def overwrite(varve, text, *arguments):
    return json.loads(varve.ok("overwrite", "t", "-", "--json", "--yes", *arguments, stdin=text))


def keys(varve, *more):
    return sorted(row["k"] for row in varve.rows("scan", "t", *more))


def check_others(varve):
    builder = deltalake.QueryBuilder().register("t", deltalake.DeltaTable(str(varve.table("t"))))
    theirs = pa.table(builder.execute("SELECT k, g, v, o FROM t").read_all()).to_pylist()
    as_set = [collections.Counter(tuple(sorted(row.items())) for row in rows)
              for rows in (theirs, varve.rows("scan", "t"))]
    assert as_set[0] == as_set[1]


def check_changes(varve, version):
    """What `changes` says leads from the version before to this one."""
    def rows(number):
        return collections.Counter(tuple(row[name] for name in ("k", "g", "v", "o"))
                                   for row in varve.rows("scan", "t", "--version", str(number)))
    now = rows(version - 1)
    for row in varve.rows("changes", "t", "--from", str(version), "--to", str(version)):
        now[tuple(row[name] for name in ("k", "g", "v", "o"))] += (
            1 if row["_change_type"] in ("insert", "update_postimage") else -1)
    assert +now == rows(version) and not -now


def newest(varve):
    return varve.rows("history", "t", "--limit", "1")[0]


def test_the_whole_table(table):
    for path in table.table("t").glob("g=*/*.parquet"):
        path.write_bytes(b"not to be read")
    result = overwrite(table, "k,g,v,o\n1,a,5,1\n1,a,6,2\n40,c,7,1\n")
    assert (result["rows_in"], result["inserted"], result["deleted"]) == (3, 2, 12)
    assert (result["files_removed"], result["files_added"], result["copied"]) == (2, 2, 0)
    assert keys(table) == [1, 40]
    entry = newest(table)
    assert entry["operation"] == "WRITE" and entry["rows"] == 2
    assert entry["operationParameters"] == {"mode": "Overwrite", "partitionBy": '["g"]'}
    metrics = entry["operationMetrics"]
    assert {name: metrics[name] for name in ("numFiles", "numOutputRows", "numRemovedFiles")} == {
        "numFiles": "2", "numOutputRows": "2", "numRemovedFiles": "2"}
    check_others(table)
    # No rows: an empty table.
    assert overwrite(table, "k,g,v,o\n")["deleted"] == 2
    assert keys(table) == []


def test_rows_of_a_condition(table):
    text = "k,g,v,o\n1,b,100,1\n100,b,1,1\n"
    result = overwrite(table, text, "--where", "g = 'b'")
    assert (result["deleted"], result["inserted"], result["copied"]) == (6, 2, 0)
    assert keys(table) == [0, 1, 2, 4, 6, 8, 10, 100]
    check_changes(table, 2)
    # Within a file.
    result = overwrite(table, "k,g,v,o\n4,b,1,1\n11,a,3,1\n", "--where", "k between 3 and 12")
    assert (result["deleted"], result["inserted"]) == (4, 2)
    assert result["vectors_added"] == (1 if table.mode == "mark" else 0)
    assert keys(table) == [0, 1, 2, 4, 11, 100]
    check_changes(table, 3)
    entry = newest(table)
    assert entry["operationParameters"]["predicate"] == "k between 3 and 12"
    metrics = entry["operationMetrics"]
    copied = "0" if table.mode == "mark" else "2"
    assert (metrics["numDeletedRows"], metrics["numOutputRows"]) == ("4", "2")
    assert metrics["numCopiedRows"] == copied
    assert metrics["numAddedChangeFiles"] == ("2" if table.mode == "feed" else "0")
    check_others(table)


BREACHES = [
    ("k,g,v,o\n7,a,1,1\n", "g = 'b'", 3, ["not true for 1 of 1 new rows", "row 1", "k = 7"]),
    ("k,g,v,o\n1,b,1,1\n2,,1,1\n", "g = 'b'", 3, ["not true for 1 of 2", "row 2"]),
    ("k,g,v,o\n2,b,1,1\n", "g = 'b'", 3, ["key k = 2 is there already"]),
    ("k,g,v,o\n2,b,5000,1\n", None, 3, ["small", "row 1"]),
    ("k,g,v,o\nx,b,1,1\n", None, 3, ["k = 'x'"]),
    ("k,nope\n1,1\n", None, 3, ["nope"]),
    ("k,g,v,o\n", "nope = 1", 2, ["nope"]),
    ("k,g,v,o\n", "g = ", 2, ["syntax error"]),
]


def test_what_breaks_a_rule_changes_nothing(table):
    for text, where, code, words in BREACHES:
        done = table.run("overwrite", "t", "-", "--yes", *(["--where", where] if where else []),
                         stdin=text)
        assert done.returncode == code, done.stderr
        assert all(word in done.stderr for word in words), done.stderr
    assert table.version("t") == 1 and len(list(table.table("t").rglob("*.parquet"))) == 2


def test_it_asks_first(table):
    done = table.run("overwrite", "t", "-", stdin="k,v\n1,1\n")
    assert done.returncode == 2 and "--yes" in done.stderr
    result = json.loads(table.ok("overwrite", "t", "-", "--dry-run", "--json", stdin="k,v\n1,1\n"))
    assert (result["deleted"], result["inserted"], result["version"]) == (12, 1, 1)
    assert table.version("t") == 1 and len(list(table.table("t").rglob("*.parquet"))) == 2


@pytest.mark.parametrize("condition", ["", " "])
def test_an_empty_condition_does_not_mean_all_rows(table, condition):
    done = table.run("overwrite", "t", "-", "--yes", "--where", condition, stdin="k,v\n1,1\n")
    assert done.returncode == 2 and "--where is empty" in done.stderr
    assert table.version("t") == 1


def test_a_txn_is_applied_once(table):
    txn = ["--app-id", "load", "--app-version", "1"]
    assert overwrite(table, "k,v\n1,1\n", *txn)["version"] == 2
    again = overwrite(table, "k,v\n2,1\n", *txn)
    assert again["already_applied"] and again["version"] == 2 and keys(table) == [1]


def test_tables_without_a_key_and_append_only_ones(varve):
    varve.ok("create", "t", "--schema", "a int, b string")
    varve.ok("append", "t", "-", stdin="a,b\n1,x\n")
    assert overwrite(varve, "a,b\n2,y\n2,y\n")["inserted"] == 2
    varve.ok("alter", "t", "set", "delta.appendOnly=true")
    done = varve.run("overwrite", "t", "-", "--yes", stdin="a,b\n3,z\n")
    assert done.returncode == 2 and "append-only" in done.stderr
