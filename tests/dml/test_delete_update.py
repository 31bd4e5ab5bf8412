"""delete and update from outside: what they say, what they read, what other engines make of it."""

import json
import os
import signal
import subprocess

import deltalake
import polars as pl
import pyarrow as pa
import pytest

TABLE = "t"
DAYS = 4
ROWS_A_DAY = 50
EVERY_SEAM = "VARVE_TEST_KILLS" in os.environ


@pytest.fixture(params=["copy", "mark"])
def mode(request):
    return request.param


@pytest.fixture
def filled(varve, mode):
    """A file a day; id is the key, upd the order, amount has two digits and is not negative."""
    varve.ok("create", TABLE, "--schema",
             "id bigint not null, name string, amount decimal(10,2), ts timestamp not null, "
             "date date, upd timestamp", "--partition-by", "date", "--key", "id",
             "--order-by", "upd", "--check", "positive: amount >= 0",
             "--property", "varve.partitionFrom=date=ts",
             "--property", f"delta.enableDeletionVectors={'true' if mode == 'mark' else 'false'}")
    lines = ["id,name,amount,ts"]
    for number in range(DAYS * ROWS_A_DAY):
        day, row = divmod(number, ROWS_A_DAY)
        lines.append(f"{number},n{number % 5},{number}.50,2025-03-{day + 1:02d}T10:{row:02d}:00Z")
    varve.upsert(TABLE, "\n".join(lines) + "\n")
    return varve


def edit_table(varve, table, command, *arguments):
    return json.loads(varve.ok(command, table, *arguments, "--json"))


def edit(varve, command, *arguments):
    return edit_table(varve, TABLE, command, *arguments)


def ids(varve, where="true", *more):
    return sorted(row["id"] for row in varve.rows("scan", TABLE, "--where", where, *more))


def newest(varve):
    return varve.rows("history", TABLE, "--limit", "1")[0]


def check_others(varve):
    """deltalake's engine and polars see the same rows as we do."""
    ours = varve.rows("query", f"SELECT count(*) AS n, sum(id) AS s, sum(amount)::VARCHAR AS a "
                               f"FROM {TABLE}")[0]
    path = str(varve.table(TABLE))
    builder = deltalake.QueryBuilder().register("t", deltalake.DeltaTable(path))
    theirs = pa.table(builder.execute(
        "SELECT count(*) AS n, sum(id) AS s, sum(amount) AS a FROM t").read_all()).to_pylist()[0]
    assert (theirs["n"], theirs["s"], str(theirs["a"])) == (ours["n"], ours["s"], ours["a"])
    frame = pl.scan_delta(path).select(pl.len(), pl.col("id").sum()).collect()
    assert frame.row(0) == (ours["n"], ours["s"])


def test_rows_go_and_the_history_says_so(filled, mode):
    result = edit(filled, "delete", "--where", "id in (3, 60, 61)")
    assert (result["deleted"], result["version"], result["attempts"]) == (3, 2, 1)
    if mode == "mark":
        assert (result["vectors_added"], result["copied"], result["files_added"]) == (2, 0, 0)
    else:
        assert (result["vectors_added"], result["copied"], result["files_added"]) == (0, 97, 2)
    assert set(range(DAYS * ROWS_A_DAY)) - set(ids(filled)) == {3, 60, 61}
    assert len(ids(filled, "true", "--version", "1")) == DAYS * ROWS_A_DAY
    entry = newest(filled)
    assert entry["operation"] == "DELETE" and entry["rows"] == 3
    assert entry["operationParameters"] == {"predicate": '["id in (3, 60, 61)"]'}
    metrics = {name: int(value) for name, value in entry["operationMetrics"].items()}
    assert set(metrics) == {
        "numDeletedRows", "numRemovedFiles", "numAddedFiles", "numRemovedBytes", "numAddedBytes",
        "numCopiedRows", "numAddedChangeFiles", "numDeletionVectorsAdded",
        "numDeletionVectorsRemoved", "numDeletionVectorsUpdated", "executionTimeMs", "scanTimeMs",
        "rewriteTimeMs"}
    assert metrics["numDeletedRows"] == 3
    assert metrics["numDeletionVectorsAdded"] == (2 if mode == "mark" else 0)
    assert metrics["numRemovedFiles"] == metrics["numAddedFiles"] == (0 if mode == "mark" else 2)
    edit(filled, "delete", "--where", "id = 62")
    metrics = newest(filled)["operationMetrics"]
    assert metrics["numDeletionVectorsUpdated"] == ("1" if mode == "mark" else "0")
    check_others(filled)


def test_a_file_that_loses_all_goes_and_is_not_read(filled, mode):
    """Proven by the partition, by the bounds of the key, and by counting."""
    for path in filled.table(TABLE).glob("date=2025-03-0[12]/*.parquet"):
        path.write_bytes(b"not to be read")
    result = edit(filled, "delete", "--where", "date = '2025-03-01'")
    assert (result["deleted"], result["files_removed"]) == (ROWS_A_DAY, 1)
    result = edit(filled, "delete", "--where", "id between 50 and 99 and ts is not null")
    assert (result["deleted"], result["files_removed"]) == (ROWS_A_DAY, 1)
    result = edit(filled, "delete", "--where", "id + 0 between 100 and 149")
    assert (result["deleted"], result["files_removed"], result["files_added"]) == (50, 1, 0)
    assert ids(filled) == list(range(150, 200))
    check_others(filled)


def test_only_files_that_can_hold_a_row_are_read(filled):
    for path in filled.table(TABLE).glob("date=2025-03-0[234]/*.parquet"):
        path.write_bytes(b"not to be read")
    for where in ("id = 7", "ts < '2025-03-01T10:05:00Z'", "date <= '2025-03-01' and name = 'n3'",
                  "id = 9 and ts >= '2025-03-01'"):
        assert edit(filled, "delete", "--where", where)["deleted"] > 0
    assert edit(filled, "update", "--set", "name = 'x'", "--where", "id = 40")["updated"] == 1
    assert filled.run("delete", TABLE, "--where", "name = 'n3'").returncode == 6


def test_rows_change(filled, mode):
    before = filled.rows("scan", TABLE, "--where", "id = 5")[0]
    result = edit(filled, "update", "--set", "name = upper(name)", "--set", "amount=amount*2",
                  "--where", "id = 5 or id = 199")
    assert result["updated"] == 2
    row = filled.rows("scan", TABLE, "--where", "id = 5")[0]
    assert (row["name"], row["amount"]) == ("N0", 11.00)
    assert row["upd"] > before["upd"], "the order column is stamped"
    entry = newest(filled)
    assert entry["operation"] == "UPDATE" and entry["rows"] == 2
    assert entry["operationMetrics"]["numUpdatedRows"] == "2"
    assert entry["operationMetrics"]["numCopiedRows"] == ("0" if mode == "mark" else "98")
    # An older row does not undo it, a newer one does.
    late = "id,name,amount,ts,upd\n5,late,1,2025-03-01T10:05:00Z,"
    assert filled.upsert(TABLE, late + before["upd"] + "\n")["stale"] == 1
    assert filled.upsert(TABLE, late + "2099-01-01T00:00:00Z\n")["updated"] == 1
    check_others(filled)


def test_a_partition_column_follows_its_source(filled):
    edit(filled, "update", "--set", "ts = ts + INTERVAL 1 DAY", "--where", "id < 2")
    rows = filled.rows("scan", TABLE, "--where", "id < 2")
    assert {row["date"] for row in rows} == {"2025-03-02"}
    assert {row["date"] for row in filled.rows("scan", TABLE, "--where", "date = '2025-03-02'")
            if row["id"] < 2} == {"2025-03-02"}
    done = filled.run("update", TABLE, "--set", "date = '2025-03-09'", "--where", "id < 2")
    assert done.returncode == 3 and "is not the UTC date of ts" in done.stderr
    check_others(filled)


BREACHES = [
    ("amount = -1", 3, ["row id = 7", "amount = -1", "positive"]),
    ("amount = amount / 7", 3, ["row id = 7", "does not fit type decimal(10,2)"]),
    ("ts = NULL", 3, ["ts must not be NULL"]),
    ("id = NULL", 3, ["part of the key"]),
    ("id = id + 1", 3, ["key id = 8 is there already"]),
    ("id = 'seven'", 3, ["does not fit type long"]),
    ("amount = {'a': 1}", 3, ["amount"]),
    ("nope = 1", 2, ["no column nope"]),
    ("name = nope", 2, ["value of name", "nope"]),
    ("name = sum(id)", 2, ["aggregates"]),
    ("name = row_number() over ()", 2, ["window"]),
    ("name = (SELECT name FROM t)", 2, ["reads t"]),
    ("name = $1", 2, ["no parameter"]),
    ("name = 'a', amount = 1", 2, ["value of name", 'syntax error at or near ","']),
    ("name", 2, ["COLUMN=VALUE"]),
    ("name = ", 2, ["value"]),
]


def test_what_breaks_a_rule_changes_nothing(filled):
    for set_to, code, words in BREACHES:
        done = filled.run("update", TABLE, "--set", set_to, "--where", "id = 7")
        assert done.returncode == code, done.stderr
        for word in words:
            assert word in done.stderr
    assert filled.version(TABLE) == 1


@pytest.mark.parametrize("value, words", [
    ("amount='much'", "amount = much does not fit"), ("amount=1.005", "does not fit"),
    ("date='2025-13-01'", "date = 2025-13-01 does not fit type date"), ("name=5", "never converts"),
    ("upd=CAST('soon' AS TIMESTAMP)", "soon"), ("ts=NULL", "ts must not be NULL"),
    ("id=NULL", "part of the key")])
@pytest.mark.parametrize("where", ["id = -1", "id + 0 = -1"])
def test_what_no_row_could_be_set_to_is_refused_without_one(filled, where, value, words):
    """Whether files are read for the condition or not."""
    before = newest(filled)["version"]
    done = filled.run("update", TABLE, "--set", value, "--where", where)
    assert done.returncode in (2, 3) and words in done.stderr
    assert newest(filled)["version"] == before
    for good in ("amount=5", "amount=id", "date=DEFAULT", "upd=now()", "name=NULL"):
        assert edit(filled, "update", "--set", good, "--where", where)["updated"] == 0


@pytest.mark.parametrize("kind, greatest", [("bigint", 2**63 - 1), ("int", 2**31 - 1)])
def test_a_row_behind_which_there_is_no_order_value_is_not_changed(varve, kind, greatest, tmp_path):
    """The user added nothing up: it is said what did."""
    varve.ok("create", TABLE, "--schema", f"k int not null, x string, o {kind}", "--key", "k",
             "--order-by", "o")
    varve.upsert(TABLE, f"k,x,o\n1,a,{greatest}\n")
    (tmp_path / "s.csv").write_text("k,x\n1,b\n")
    merge = ("merge", TABLE, "--source", tmp_path / "s.csv", "--on", "t.k = s.k", "--when-matched")
    for change in (("update", TABLE, "--set", "x = 'b'", "--where", "true"),
                   (*merge, "update set x = s.x"), (*merge, "update *")):
        done = varve.run(*change)
        assert done.returncode == 3, done.stderr
        assert f"row k = 1: o = {greatest + 1} does not fit type" in done.stderr
        assert "a changed row has to be later than it was" in done.stderr
    done = varve.run("update", TABLE, "--set", f"o = {2**70}", "--where", "true")
    assert done.returncode == 3 and "has to be later" not in done.stderr
    assert edit(varve, "update", "--set", "o = 5", "--where", "true")["updated"] == 1
    assert edit(varve, "update", "--set", "x = 'b'", "--where", "true")["updated"] == 1
    assert varve.rows("scan", TABLE) == [{"k": 1, "x": "b", "o": 6}]


def test_no_option_is_named_that_an_update_does_not_have(filled):
    done = filled.run("update", TABLE, "--set", "ts = '2025-03-01T10:00:00.0000001Z'", "--where",
                      "id = 7")
    assert done.returncode == 3 and "has digits below a microsecond" in done.stderr
    assert "--truncate-time" not in done.stderr


def test_keys_that_meet_are_told(filled):
    done = filled.run("update", TABLE, "--set", "id = 1000", "--where", "id < 2")
    assert done.returncode == 3 and "several rows would get the key id = 1000" in done.stderr
    # Moving all of them on meets nobody: the rows that are in the way move as well.
    assert edit(filled, "update", "--set", "id = id + 1", "--where", "true")["updated"] == 200
    assert ids(filled) == list(range(1, 201))


@pytest.mark.parametrize("arguments, words", [
    (["delete", TABLE], "--where"),
    (["update", TABLE, "--set", "name='x'"], "--where"),
    (["update", TABLE, "--where", "true"], "--set"),
    (["delete", TABLE, "--where", "id ="], "condition"),
    (["delete", TABLE, "--where", "id = 1; drop table t"], "more than one statement"),
    (["delete", TABLE, "--where", "id"], "of type BIGINT"),
    (["delete", TABLE, "--where", "1"], "of type INTEGER"),
    (["update", TABLE, "--set", "id = 2", "--where", "'yes'"], "of type VARCHAR"),
    (["delete", TABLE, "--where", "nope = 1"], "nope"),
    (["delete", TABLE, "--where", "id in (select * from read_csv('/etc/passwd'))"], "read_csv"),
    (["delete", TABLE, "--where", "id = 1", "--app-id", "a"], "--app-version"),
])
def test_what_makes_no_sense_is_refused(varve, arguments, words):
    varve.ok("create", TABLE, "--schema", "id bigint", "--key", "id")
    done = varve.run(*arguments)
    assert done.returncode == 2 and words in done.stderr


def test_an_append_only_table_loses_no_row(varve):
    varve.ok("create", TABLE, "--schema", "id bigint, v int", "--property", "delta.appendOnly=true")
    varve.ok("append", TABLE, "-", stdin="id,v\n1,1\n")
    for arguments in (["delete", TABLE], ["update", TABLE, "--set", "v=2"]):
        done = varve.run(*arguments, "--where", "true")
        assert done.returncode == 2 and "append-only" in done.stderr
    assert varve.rows("scan", TABLE) == [{"id": 1, "v": 1}]


def test_a_txn_is_applied_once(filled):
    txn = ["--app-id", "correction", "--app-version", "3"]
    assert edit(filled, "delete", "--where", "id = 1", *txn)["deleted"] == 1
    again = edit(filled, "delete", "--where", "id = 2", *txn)
    assert again["already_applied"] and again["version"] == 2
    # One that changes nothing is recorded as well: its replay stays a no-op.
    txn = ["--app-id", "correction", "--app-version", "4"]
    assert edit(filled, "delete", "--where", "id = 1", *txn)["version"] == 3
    assert edit(filled, "delete", "--where", "true", *txn)["already_applied"]
    assert len(ids(filled)) == DAYS * ROWS_A_DAY - 1


def test_a_dry_run_leaves_no_trace(filled):
    before = sorted(str(path) for path in filled.table(TABLE).rglob("*"))
    result = edit(filled, "update", "--set", "name='x'", "--where", "id < 60", "--dry-run")
    assert (result["updated"], result["version"]) == (60, 1)
    assert sorted(str(path) for path in filled.table(TABLE).rglob("*")) == before
    done = filled.run("delete", TABLE, "--where", "id < 60", "--dry-run")
    assert "60 deleted" in done.stderr and "dry run" in done.stderr


def test_names_may_be_anything(varve):
    varve.ok("create", TABLE, "--schema", "`vv_file` bigint, `where` string, `c0` int, _file int")
    varve.ok("append", TABLE, "-", stdin="vv_file,where,c0,_file\n1,a,5,9\n2,b,6,9\n")
    edit(varve, "update", "--set", '"where" = concat("where", c0, _file)', "--where", "vv_file=1")
    edit(varve, "delete", "--where", '"where" = \'b\' and t.c0 = 6')
    assert varve.rows("scan", TABLE) == [{"vv_file": 1, "where": "a59", "c0": 5, "_file": 9}]


def test_values_come_through_exactly(varve):
    """Of every type, those of rows that are copied and those that are set."""
    varve.ok("create", TABLE, "--schema",
             "k int, d double, f float, m decimal(38,9), b boolean, x binary, n timestamp_ntz, "
             "s struct<a: int, b: array<string>>, e map<string, double>")
    varve.ok("append", TABLE, "-", stdin="".join(json.dumps(row) + "\n" for row in [
        {"k": 1, "d": "NaN", "f": 0.1, "m": "12345678901234567890123456789.123456789", "b": True,
         "x": "AP8=", "n": "2025-01-01T00:00:00.000001", "s": {"a": 1, "b": ["q", None]},
         "e": {"y": 2.5}},
        {"k": 2, "d": -0.0}]))
    before = varve.rows("scan", TABLE, "--where", "k = 1", "--nan", "string")
    edit(varve, "update", "--set", "d = 'Infinity'", "--set", "s = {'a': k, 'b': ['z']}",
         "--where", "k = 2")
    assert varve.rows("scan", TABLE, "--where", "k = 1", "--nan", "string") == before
    changed = varve.rows("scan", TABLE, "--where", "k = 2", "--nan", "string")[0]
    assert changed["d"] == "Infinity" and changed["s"] == {"a": 2, "b": ["z"]}
    edit(varve, "update", "--set", "s = NULL", "--set", "m = 1.5", "--where", "k = 1")
    changed = varve.rows("scan", TABLE, "--where", "k = 1", "--nan", "string")[0]
    assert changed["s"] is None and changed["e"] == {"y": 2.5} and changed["d"] == "NaN"


def test_foreign_files_without_statistics(varve, mode):
    """deltalake's own tables, their protocol raised where rows are to be marked."""
    path = varve.table("f")
    data = pa.table({"id": list(range(100)), "v": ["a", "b"] * 50})
    deltalake.write_deltalake(str(path), data, configuration={"delta.dataSkippingNumIndexedCols": "0"})
    if mode == "mark":
        table = deltalake.DeltaTable(str(path))
        table.alter.add_feature([deltalake.TableFeatures.DeletionVectors],
                                allow_protocol_versions_increase=True)
        table.alter.set_table_properties({"delta.enableDeletionVectors": "true"})
    result = json.loads(varve.ok("delete", "f", "--where", "id % 10 = 0", "--json"))
    assert result["deleted"] == 10
    assert result["vectors_added"] == (1 if mode == "mark" else 0)
    assert json.loads(varve.ok("update", "f", "--set", "v='c'", "--where", "id=1", "--json")
                      )["updated"] == 1
    builder = deltalake.QueryBuilder().register("t", deltalake.DeltaTable(str(path)))
    rows = pa.table(builder.execute("SELECT count(*) AS n, sum(id) AS s FROM t").read_all())
    assert rows.to_pylist() == [{"n": 90, "s": 4500}]
    if mode == "mark":
        add = [json.loads(line)["add"] for line in
               sorted((path / "_delta_log").glob("*.json"))[-2].read_text().splitlines()
               if line.startswith('{"add"')][0]
        assert json.loads(add["stats"]) | {"numRecords": 100, "tightBounds": False} == \
            json.loads(add["stats"])


@pytest.mark.slow
@pytest.mark.parametrize("seams_of", ["delete", "update"])
def test_killed_at_its_seams(filled, tmp_path, seams_of, mode):
    """All of a change or nothing; then the same change again, which is there once."""
    if not EVERY_SEAM and (seams_of == "delete") != (mode == "mark"):
        pytest.skip("tests/dml/ci-long.sh has them all")

    def command(number):
        change = ["--set", "name='k'"] if seams_of == "update" else []
        return [str(filled.program), "--lake", str(filled.lake), seams_of, TABLE, *change,
                "--where", f"id in ({number}, {number + 100})", "--app-id", "crash",
                "--app-version", str(number)]

    def run(number, seams):
        return subprocess.run(command(number), capture_output=True, check=False,
                              env={**os.environ, "VARVE_TEST_SEAMS": seams}).returncode

    listing = tmp_path / "seams"
    assert run(1, f"list={listing}") == 0
    names = sorted(set(listing.read_text().split()))
    assert ("marks.before_store" in names) == (mode == "mark")
    if not EVERY_SEAM:
        names = [name for name in names if name.split(".")[0] in ("edit", "marks")] + names[::4]
    kills = 0
    for number, name in enumerate(names, start=2):
        condition = f"id in ({number}, {number + 100})"
        condition += " and name = 'k'" if seams_of == "update" else ""
        if run(number, f"crash={name}:1") == -signal.SIGKILL:
            kills += 1
            assert len(ids(filled, condition)) in (0, 2)
        assert subprocess.run(command(number), capture_output=True, check=False).returncode == 0
        assert len(ids(filled, condition)) == (2 if seams_of == "update" else 0)
        assert len(ids(filled)) == DAYS * ROWS_A_DAY - (2 * number if seams_of == "delete" else 0)
    assert kills >= (8 if EVERY_SEAM else 4)
    check_others(filled)


def test_a_file_that_does_not_say_its_size_may_lose_all(varve):
    """No empty file comes of it, be it by an upsert that moves its row, or by an update."""
    for how in ("upsert", "update"):
        path = varve.table(how)
        deltalake.write_deltalake(str(path), pa.table({"id": [1, 2], "g": ["a", "b"]}),
                                  partition_by=["g"])
        log = path / "_delta_log" / f"{0:020}.json"
        actions = [json.loads(line) for line in log.read_text().splitlines()]
        for action in actions:
            action.get("add", {}).pop("stats", None)
        log.write_text("".join(json.dumps(action) + "\n" for action in actions))
        varve.ok("alter", how, "set", "varve.key=id")
        if how == "upsert":
            result = varve.upsert(how, "id,g\n1,b\n")
        else:
            result = edit_table(varve, how, "update", "--set", "g='b'", "--where", "id=1")
        assert (result["updated"], result["files_added"]) == (1, 1)
        assert varve.rows("scan", how) == [{"id": 1, "g": "b"}, {"id": 2, "g": "b"}]
        assert len(list(path.glob("g=*/*.parquet"))) == 3


@pytest.mark.parametrize("command", ["delete", "update", "overwrite", "merge"])
def test_is_distinct_from_finds_null_beside_or(varve, mode, command):
    """The engine holds such an OR against bounds that know no NULL (tests/sql/test_query.py has its forms)."""
    condition = "x is distinct from 5 or x = 7"
    varve.ok("create", TABLE, "--schema", "k bigint not null, x bigint, done boolean", "--key", "k",
             "--property", f"delta.enableDeletionVectors={'true' if mode == 'mark' else 'false'}")
    varve.upsert(TABLE, '{"k":1,"x":5}\n{"k":2,"x":5}\n{"k":3}\n')
    varve.upsert(TABLE, '{"k":4}\n')
    if command == "overwrite":
        done = varve.ok("overwrite", TABLE, "-", "--where", condition, "--json", "--yes", "--input-format",
                        "ndjson", stdin='{"k":3,"done":true}\n{"k":4,"done":true}\n')
        assert json.loads(done)["deleted"] == 2
    elif command == "merge":
        done = varve.ok("merge", TABLE, "--source", "-", "--input-format", "ndjson", "--on",
                        f"t.k = s.k and ({condition.replace('x', 't.x')})", "--when-matched",
                        "update set done = true", "--json",
                        stdin="".join(f'{{"k":{k}}}\n' for k in range(6)))
        assert json.loads(done)["updated"] == 2
    else:
        what = ["--set", "done=true"] if command == "update" else []
        assert edit(varve, command, "--where", condition, *what)[f"{command}d"] == 2
    changed = [] if command == "delete" else [3, 4]
    assert sorted(row["k"] for row in varve.rows("scan", TABLE, "--where", "done")) == changed
    assert len(varve.rows("scan", TABLE)) == 2 + len(changed)
