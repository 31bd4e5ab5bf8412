"""Changes, trace and export over a restore to before a column was widened: the values that were
written, whatever the type is now."""

import datetime
import json
import time

import pyarrow.parquet as pq
import pytest


def rows_of(varve, *arguments):
    """Numbers as they are spelled, without zeros at their end."""
    text = varve.ok(*arguments, "--format", "ndjson")
    return [json.loads(line, parse_float=lambda digits: digits.rstrip("0").rstrip("."))
            for line in text.splitlines()]


def widened(varve, old, new, first, second, *arguments):
    """Version 1 has a row of the old type, 3 one of the new, 4 is as 1 was."""
    varve.ok("create", "wd", "--key", "k", "--schema", f"k bigint not null, c {old}", *arguments)
    varve.upsert("wd", json.dumps({"k": 1, "c": first}))
    varve.ok("alter", "wd", "widen", "c", new, "--upgrade")
    varve.upsert("wd", json.dumps({"k": 2, "c": second}))
    version = varve.version("wd")
    varve.ok("restore", "wd", "--version", "1", "--yes")
    assert varve.version("wd") == version + 1
    return version


CASES = [("int", "decimal(12,2)", 5, "6.55", "5", "6.55"),
         ("date", "timestamp_ntz", "2024-01-01", "2024-01-01T10:00:00",
          "2024-01-01T00:00:00.000000", "2024-01-01T10:00:00.000000"),
         ("int", "bigint", 5, 5000000000, "5", "5000000000"),
         ("float", "double", 0.5, 0.1, "0.5", "0.1"),
         ("decimal(4,1)", "decimal(38,18)", "1.5", "1234.567890123456789012", "1.5",
          "1234.567890123456789012")]


@pytest.mark.parametrize("partitioned", [False, True])
@pytest.mark.parametrize("old, new, first, second, told, wide", CASES)
def test_values_are_told_as_they_were_written(varve, old, new, first, second, told, wide,
                                              partitioned):
    if partitioned and old == "float":
        pytest.skip("no table is partitioned by floats")
    more = ("--partition-by", "c") if partitioned else ()
    version = widened(varve, old, new, first, second, *more)
    whole = {("insert", 1, 1): told, ("insert", version, 2): wide, ("delete", version + 1, 2): wide}
    for begin in (0, version, version + 1):
        said = {(row["_change_type"], row["_commit_version"], row["k"]): str(row["c"])
                for row in rows_of(varve, "changes", "wd", "--from", begin)}
        assert said == {key: value for key, value in whole.items() if key[1] >= begin}
    said = rows_of(varve, "query", f"SELECT * FROM table_changes('wd', {version}) ORDER BY ALL")
    assert [str(row["c"]) for row in said] == [wide, wide]
    after, before = rows_of(varve, "trace", "wd", "k=2")
    assert (after["change"], before["change"]) == ("insert", "delete")
    for sight in (after["after"], before["before"]):
        sight = sight if isinstance(sight, dict) else json.loads(sight, parse_float=lambda x: x)
        assert str(sight["c"]).rstrip("0") == wide.rstrip("0")


def test_an_export_tells_them_in_one_type(varve, tmp_path):
    version = widened(varve, "int", "decimal(12,2)", 5, "6.55")
    varve.ok("export", "wd", "-o", tmp_path / "x")
    files = [path for path in (tmp_path / "x").rglob("*.parquet") if path.parent.name == "changes"]
    rows = [row for path in files for row in pq.read_table(path).to_pylist()]
    said = {(row["_change_type"], row["_commit_version"]): str(row["c"]) for row in rows}
    assert said == {("insert", 1): "5.00", ("insert", version): "6.55",
                    ("delete", version + 1): "6.55"}


def test_a_key_of_the_wider_type_is_traced(varve):
    varve.ok("create", "wd", "--key", "k", "--schema", "k int not null, c int")
    varve.upsert("wd", '{"k":1,"c":1}')
    varve.ok("alter", "wd", "widen", "k", "bigint", "--upgrade")
    varve.upsert("wd", '{"k":5000000000,"c":2}')
    varve.ok("restore", "wd", "--version", "1", "--yes")
    assert [row["change"] for row in varve.rows("trace", "wd", "k=5000000000")] == ["insert", "delete"]
    assert [row["change"] for row in varve.rows("trace", "wd", "k=1")] == ["insert"]


def test_two_ways_of_widening_have_a_type_in_common(varve):
    widened(varve, "int", "decimal(12,2)", 5, "6.55")
    varve.ok("alter", "wd", "widen", "c", "decimal(12,1)", "--upgrade")
    varve.upsert("wd", '{"k":3,"c":"12345678901.5"}')
    rows = varve.rows("changes", "wd", "--from", 0)
    said = {(row["_change_type"], row["k"]): row["c"] for row in rows}
    assert said == {("insert", 1): 5, ("insert", 2): 6.55, ("delete", 2): 6.55,
                    ("insert", 3): 12345678901.5}


def test_where_no_type_holds_all_that_is_said(varve):
    version = widened(varve, "int", "bigint", 5, 9007199254740993)
    varve.ok("alter", "wd", "widen", "c", "double", "--upgrade")
    varve.upsert("wd", '{"k":3,"c":0.5}')
    done = varve.run("changes", "wd", "--from", "0")
    assert done.returncode == 7 and "no type holds all values that column c had" in done.stderr
    rows = varve.rows("changes", "wd", "--from", version + 2)
    assert [row["c"] for row in rows] == [0.5]
    rows = varve.rows("changes", "wd", "--from", "0", "--to", version + 1)
    assert {row["c"] for row in rows} == {5, 9007199254740993}


def test_a_leak_check_by_order_knows_them(varve):
    """A row of before the restore whose type was wider then."""
    varve.ok("create", "wd", "--key", "k", "--schema", "k bigint not null, c int, seen timestamp",
             "--order-by", "seen")
    varve.upsert("wd", '{"k":1,"c":5,"seen":"2024-01-01T00:00:00Z"}')
    varve.ok("alter", "wd", "widen", "c", "decimal(12,2)", "--upgrade")
    varve.upsert("wd", '{"k":2,"c":"6.55","seen":"2024-01-01T00:00:00Z"}')
    time.sleep(0.01)
    then = datetime.datetime.now(datetime.timezone.utc).isoformat()
    time.sleep(0.01)
    varve.ok("restore", "wd", "--version", "1", "--yes")
    varve.upsert("wd", json.dumps({"k": 1, "c": 7, "seen": "2999-01-01T00:00:00Z"}))
    rows = rows_of(varve, "leak-check", "SELECT k, c FROM wd WHERE c > 6.54 AND c < 6.56",
                   "--known-at", then)
    assert [str(row["c"]) for row in rows] == ["6.55"], rows


def test_a_leak_check_of_a_table_that_others_have_made_anew_answers(varve):
    """With another type, and no row of before: nothing was widened, and nothing has to be."""
    varve.ok("create", "lk", "--key", "id", "--order-by", "o", "--schema",
             "id bigint not null, o timestamp, a bigint")
    varve.upsert("lk", '{"id":1,"o":"2024-01-01T00:00:00Z","a":1}')
    known = datetime.datetime.now(datetime.timezone.utc).isoformat()
    time.sleep(0.01)
    log = varve.table("lk") / "_delta_log"
    lines = [json.loads(line) for number in (0, 1) for line in (log / f"{number:020}.json").read_text().splitlines()]
    metadata = next(line["metaData"] for line in lines if "metaData" in line)
    schema = json.loads(metadata["schemaString"])
    schema["fields"][2]["type"] = "double"
    removed = next(line["add"]["path"] for line in lines if "add" in line)
    (log / f"{2:020}.json").write_text("".join(json.dumps(line) + "\n" for line in (
        {"commitInfo": {"timestamp": int(time.time() * 1000), "operation": "WRITE", "engineInfo": "Other/1"}},
        {"metaData": {**metadata, "schemaString": json.dumps(schema)}},
        {"remove": {"path": removed, "deletionTimestamp": int(time.time() * 1000), "dataChange": True}})))
    varve.upsert("lk", '{"id":2,"o":"2024-01-02T00:00:00Z","a":0.5}')
    assert varve.rows("leak-check", "SELECT id, a FROM lk", "--known-at", known) is not None
