"""Traps of the protocol, each in a table made by hand: read right, written right, or refused by
name."""

import json
import os
import time

import pytest


def line(**action):
    return json.dumps(action, separators=(",", ":")) + "\n"


def schema_of(fields):
    return json.dumps({"type": "struct", "fields": [
        {"name": name, "type": kind, "nullable": True, "metadata": {}} for name, kind in fields]})


def put(table, version, *lines):
    (table / "_delta_log").mkdir(parents=True, exist_ok=True)
    (table / "_delta_log" / f"{version:020}.json").write_text("".join(lines))


def begin(table, fields, partition=(), protocol=None, configuration=None):
    put(table, 0,
        line(protocol=protocol or {"minReaderVersion": 1, "minWriterVersion": 2}),
        line(metaData={"id": "5fba94ed-9794-4965-ba6e-6ee3c0d22af9",
                       "format": {"provider": "parquet", "options": {}},
                       "schemaString": schema_of(fields), "partitionColumns": list(partition),
                       "configuration": configuration or {}, "createdTime": 1700000000000}))


def parquet(varve, path, sql):
    path.parent.mkdir(parents=True, exist_ok=True)
    varve.ok("query", sql, "--format", "parquet", "-o", path)
    return path.stat().st_size


def add(path, size, partition=None, stats=None):
    action = {"path": path, "partitionValues": partition or {}, "size": size,
              "modificationTime": 1700000000000, "dataChange": True}
    if stats is not None:
        action["stats"] = stats
    return line(add=action)


@pytest.fixture
def lake(varve):
    varve.ok("create", "own", "--schema", "id bigint not null", "--key", "id")
    return varve


@pytest.mark.parametrize("feature", [
    "catalogManaged", "catalogOwned-preview", "coordinatedCommits-preview",
    "adaptiveMetadata-preview", "geospatial", "geospatial-dev", "intervalType",
    "redirectReaderWriter-preview", "timestampNanos"])
def test_a_feature_that_readers_must_know_is_refused_by_name(lake, feature):
    begin(lake.table("t"), [("id", "long")],
          protocol={"minReaderVersion": 3, "minWriterVersion": 7, "readerFeatures": [feature],
                    "writerFeatures": [feature]})
    done = lake.run("scan", "t")
    assert (done.returncode, done.stdout) == (7, "") and feature in done.stderr


@pytest.mark.parametrize("feature", ["redirectWriterOnly-preview", "somethingNew"])
def test_a_feature_that_only_writers_must_know_stops_writes_alone(lake, feature):
    table = lake.table("t")
    begin(table, [("id", "long")], protocol={
        "minReaderVersion": 1, "minWriterVersion": 7, "writerFeatures": [feature]})
    put(table, 1, add("a.parquet", parquet(lake, table / "a.parquet", "SELECT 1::BIGINT AS id")))
    assert lake.rows("scan", "t") == [{"id": 1}]
    done = lake.run("append", "t", "-", stdin="id\n2\n")
    assert done.returncode == 7 and feature in done.stderr
    assert not (table / "_delta_log" / f"{2:020}.json").exists()


@pytest.mark.parametrize("action", ["protocol", "metaData"])
def test_two_of_a_kind_in_one_commit_are_no_commit(lake, action):
    table = lake.table("t")
    begin(table, [("id", "long")])
    text = (table / "_delta_log" / f"{0:020}.json").read_text()
    again = next(one for one in text.splitlines(True) if f'"{action}"' in one)
    put(table, 0, text, again)
    done = lake.run("scan", "t")
    assert done.returncode == 6 and f"{0:020}.json" in done.stderr


@pytest.mark.parametrize("url", ["http://localhost:1/a.parquet", "s3://x/a.parquet",
                                 "file://elsewhere/x/a.parquet"])
def test_a_file_in_another_storage_is_refused_by_name(lake, url):
    table = lake.table("t")
    begin(table, [("id", "long")])
    put(table, 1, add(url, 100, stats='{"numRecords":6}'))
    for command in (["scan", "t"], ["query", "SELECT * FROM t"], ["delete", "t", "--where", "id = 1"]):
        done = lake.run(*command)
        assert done.returncode == 7 and f"{url} lies in another storage" in done.stderr, done


@pytest.mark.parametrize("fields, said", [
    ([("id", "long"), ("id", "string")], "the column \"id\" is there twice"),
    ([("id", "long"), ("ID", "long")], "differ in case alone"),
    ([("id", "long"), ("s", {"type": "struct", "fields": []})], "a struct without fields"),
    ([("id", "long"), ("", "string")], "a column without a name")])
def test_columns_that_cannot_be_told_apart_are_refused_before_anything_is_done(lake, fields, said):
    table = lake.table("t")
    begin(table, fields)
    for number in range(10):
        put(table, number + 1, add(f"{number}.parquet", parquet(
            lake, table / f"{number}.parquet", f"SELECT {number}::BIGINT AS id")))
    for command in (["scan", "t"], ["optimize", "t"]):
        done = lake.run(*command)
        assert done.returncode in (6, 7) and "table t: " in done.stderr and said in done.stderr, done
    assert len(list((table / "_delta_log").glob("*.json"))) == 11


def test_a_partition_column_that_is_spelled_otherwise_is_refused(lake):
    table = lake.table("t")
    begin(table, [("id", "long"), ("D", "string")], ["d"])
    put(table, 1, add("a.parquet", parquet(lake, table / "a.parquet", "SELECT 1::BIGINT AS id"),
                      {"d": "x"}))
    done = lake.run("scan", "t")
    assert done.returncode == 6 and 'by "d", which is spelled "D"' in done.stderr, done


def test_other_names_in_the_log_are_passed_over(lake):
    table = lake.table("t")
    begin(table, [("id", "long")])
    put(table, 1, add("a.parquet", parquet(lake, table / "a.parquet", "SELECT 1::BIGINT AS id")))
    log = table / "_delta_log"
    for folder in ("_staged_commits", "_commits", "_sidecars"):
        (log / folder).mkdir()
        (log / folder / f"{2:020}.00000000-0000-0000-0000-000000000000.json").write_text("{}")
    for name in ("_last_vacuum_info", f".{1:020}.json.crc", f"{2:020}.json.tmp", f"{1:020}.crc",
                 "__tmp_2", f".{2:020}.json.0f.tmp"):
        (log / name).write_text("nonsense")
    assert lake.rows("scan", "t") == [{"id": 1}]
    lake.ok("append", "t", "-", stdin="id\n2\n")
    assert sorted(row["id"] for row in lake.rows("scan", "t")) == [1, 2]
    assert lake.run("verify", "t").returncode == 0


@pytest.mark.parametrize("stats", [
    '{"numRecords":3,"minValues":{"x":NaN},"maxValues":{"x":Infinity},"nullCount":{"x":0}}',
    '{"numRecords":3,"minValues":{"x":"NaN"},"maxValues":{"x":"Infinity"}}',
    '{"numRecords":3,"minValues":{"x":true},"maxValues":{"x":[1]}}', '{"numRecords":', "[]", ""])
def test_statistics_that_are_none_change_no_answer(lake, stats):
    table = lake.table("t")
    begin(table, [("x", "double")])
    put(table, 1, add("a.parquet", parquet(
        lake, table / "a.parquet", "SELECT unnest([1.5::DOUBLE, 2.5, 'nan'::DOUBLE]) AS x"), None, stats))
    for where, rows in (("x > 2", 2), ("x = 1.5", 1), ("x >= 2.5", 2), ("x < 2", 1)):
        assert len(lake.rows("scan", "t", "--where", where)) == rows, where
    assert lake.rows("query", "SELECT count(*) AS n FROM t") == [{"n": 3}]


@pytest.mark.parametrize("kind", ["string", "long", "date", "timestamp", "boolean", "double",
                                  "decimal(10,2)"])
@pytest.mark.parametrize("value", ["", None])
def test_an_empty_partition_value_is_null(lake, kind, value):
    table = lake.table("t")
    begin(table, [("id", "long"), ("p", kind)], ["p"])
    put(table, 1, add("a.parquet", parquet(lake, table / "a.parquet", "SELECT 1::BIGINT AS id"),
                      {"p": value}))
    assert lake.rows("scan", "t") == [{"id": 1, "p": None}]
    assert lake.rows("scan", "t", "--where", "p IS NULL") == [{"id": 1, "p": None}]


def test_one_partition_value_in_two_spellings_is_one_partition(lake):
    table = lake.table("t")
    begin(table, [("id", "long"), ("p", "decimal(10,2)"), ("w", "timestamp")], ["p", "w"])
    put(table, 1, *(
        add(f"{i}.parquet", parquet(lake, table / f"{i}.parquet", f"SELECT {i}::BIGINT AS id"),
            {"p": p, "w": w})
        for i, (p, w) in enumerate([("1.50", "2025-01-30 10:00:00"),
                                    ("1.5", "2025-01-30T10:00:00.000000Z"),
                                    ("01.5", "2025-01-30 12:00:00+02:00")])))
    assert lake.rows("query", "SELECT p, w, count(*) AS n FROM t GROUP BY ALL") == [
        {"p": 1.5, "w": "2025-01-30T10:00:00.000000Z", "n": 3}]
    assert len(lake.rows("scan", "t", "--where", "w = '2025-01-30T10:00:00Z' AND p = 1.5")) == 3
    lake.ok("optimize", "t")
    assert len(lake.rows("files", "t")) == 1
    assert sorted(row["id"] for row in lake.rows("scan", "t")) == [0, 1, 2]


def test_lists_of_features_are_null_in_checkpoints_of_old_protocols(lake):
    import pyarrow.parquet  # pylint: disable=import-outside-toplevel
    lake.ok("create", "new", "--schema", "id bigint not null, w timestamp_ntz", "--key", "id")
    for name, is_there in (("own", False), ("new", True)):
        lake.upsert(name, "id\n1\n")
        lake.ok("checkpoint", name)
        path = next((lake.table(name) / "_delta_log").glob("*.checkpoint.parquet"))
        rows = pyarrow.parquet.read_table(path).to_pylist()
        said = next(row["protocol"] for row in rows if row.get("protocol"))
        for member in ("readerFeatures", "writerFeatures"):
            assert (said.get(member) is not None) == is_there, (name, said)
        for row in rows:
            if row.get("remove"):
                assert not {"stats", "tags"} & row["remove"].keys()


def test_vacuum_takes_what_lies_in_a_partition_that_looks_hidden_and_nothing_outside(lake, tmp_path):
    table = lake.table("t")
    begin(table, [("id", "long"), ("_p", "string")], ["_p"])
    outside = tmp_path / "outside.parquet"
    size = parquet(lake, outside, "SELECT 7::BIGINT AS id")
    live = "_p=US%2FEast/a.parquet"
    put(table, 1,
        add("_p=US%252FEast/a.parquet", parquet(lake, table / live, "SELECT 1::BIGINT AS id"),
            {"_p": "US/East"}),
        add("_p=1/b.parquet", parquet(lake, table / "_p=1/b.parquet", "SELECT 2::BIGINT AS id"),
            {"_p": "1"}),
        add(f"file://{outside}", size, {"_p": "o"}))
    assert sorted(row["id"] for row in lake.rows("scan", "t")) == [1, 2, 7]
    put(table, 2, *(line(remove={"path": path, "deletionTimestamp": 1, "dataChange": True,
                                 "extendedFileMetadata": True, "partitionValues": {"_p": value},
                                 "size": 1})
                    for path, value in (("_p=1/b.parquet", "1"), (f"file://{outside}", "o"))))
    kept = ("_other/c.parquet", ".hidden/d.parquet", "_delta_index/e")
    for name in kept + ("_p=US%2FEast/left.parquet",):
        (table / name).parent.mkdir(exist_ok=True)
        (table / name).write_text("x")
    old = time.time() - 30 * 86400
    for path in [*table.rglob("*"), outside]:
        if path.is_file():
            os.utime(path, (old, old))
    lake.ok("vacuum", "t", "--yes")
    there = {str(path.relative_to(table)) for path in table.rglob("*") if path.is_file()
             and "_delta_log" not in path.parts and "_varve" not in path.parts}
    assert there >= {live, "_other/c.parquet", ".hidden/d.parquet"}
    assert "_p=1/b.parquet" not in there and "_p=US%2FEast/left.parquet" not in there
    assert outside.exists()
    assert lake.rows("scan", "t") == [{"id": 1, "_p": "US/East"}]


def test_a_txn_without_a_time_counts(lake):
    table = lake.table("own")
    put(table, 1, line(txn={"appId": "a", "version": 7}))
    for version, is_applied in ((7, True), (8, False)):
        done = json.loads(lake.ok("upsert", "own", "-", "--app-id", "a", "--app-version",
                                  str(version), "--json", stdin="id\n1\n"))
        assert done["already_applied"] is is_applied, done
    lake.ok("checkpoint", "own")
    done = json.loads(lake.ok("upsert", "own", "-", "--app-id", "a", "--app-version", "8",
                              "--json", stdin="id\n2\n"))
    assert done["already_applied"] is True


def test_decimal_alone_and_void_are_types(lake):
    table = lake.table("t")
    begin(table, [("id", "long"), ("d", "decimal"), ("v", "void")])
    put(table, 1, add("a.parquet", parquet(
        lake, table / "a.parquet", "SELECT 1::BIGINT AS id, 12345::DECIMAL(10,0) AS d")))
    assert lake.rows("scan", "t") == [{"id": 1, "d": 12345, "v": None}]
    said = {column["name"]: column["type"] for column in json.loads(
        lake.ok("describe", "t", "--json"))["schema"]}
    assert said["d"] == "decimal(10,0)" and said["v"] == "void"


def actions_of(table, version):
    text = (table / "_delta_log" / f"{version:020}.json").read_text()
    return [json.loads(one) for one in text.splitlines()]


def test_a_hint_newer_than_the_version_that_is_asked_for_does_no_harm(lake):
    for number in range(1, 4):
        lake.upsert("own", f"id\n{number}\n")
    lake.ok("checkpoint", "own")
    assert len(lake.rows("scan", "own", "--version", "1")) == 1
    for hint in ("", "{}", '{"version":99,"size":1}', "not JSON", '{"version":-1}'):
        (lake.table("own") / "_delta_log" / "_last_checkpoint").write_text(hint)
        assert len(lake.rows("scan", "own")) == 3
        assert len(lake.rows("scan", "own", "--version", "2")) == 2


@pytest.mark.parametrize("hint", ['{"version":9223372036854775807,"size":1}', None])
def test_a_version_at_the_end_of_all_numbers_and_a_hint_of_gigabytes_do_no_harm(lake, hint):
    lake.upsert("own", "id\n1\n")
    log = lake.table("own") / "_delta_log"
    for name in ("json", "checkpoint.parquet"):
        (log / f"{2**63 - 1:020}.{name}").write_bytes((log / f"{1:020}.json").read_bytes())
    if hint is not None:
        (log / "_last_checkpoint").write_text(hint)
    else:
        with open(log / "_last_checkpoint", "wb") as file:
            file.truncate(5 << 30)
    assert lake.rows("scan", "own") == [{"id": 1}]
    for version in (2**53, 2**63 - 1):
        done = lake.run("scan", "own", "--version", version)
        assert done.returncode == 5 and "versions 0 to 1 are there" in done.stderr, done
    assert lake.upsert("own", "id\n2\n")["version"] == 2


# An inline vector of the first and the last of six rows.
VECTOR = {"storageType": "i", "pathOrInlineDv": "^Bg9^0rr910000000000iXQKl0rr91000315c8Xg000f5",
          "sizeInBytes": 36, "cardinality": 2}


def test_a_path_that_is_added_with_another_vector_is_there_once(lake):
    table = lake.table("t")
    begin(table, [("id", "long")], configuration={"delta.enableDeletionVectors": "true"},
          protocol={"minReaderVersion": 3, "minWriterVersion": 7,
                    "readerFeatures": ["deletionVectors"], "writerFeatures": ["deletionVectors"]})
    size = parquet(lake, table / "a.parquet", "SELECT unnest(range(1, 7)) AS id")
    stats = '{"numRecords":6}'
    put(table, 1, add("a.parquet", size, stats=stats))
    marked = json.loads(add("a.parquet", size, stats=stats))
    marked["add"]["deletionVector"] = VECTOR
    put(table, 2, line(**marked))
    assert [row["id"] for row in lake.rows("scan", "t")] == [2, 3, 4, 5]
    lake.ok("delete", "t", "--where", "id = 3")
    lake.ok("checkpoint", "t")
    assert [row["id"] for row in lake.rows("scan", "t")] == [2, 4, 5]
    lake.ok("update", "t", "--set", "id = 9", "--where", "id = 4")
    assert sorted(row["id"] for row in lake.rows("scan", "t")) == [2, 5, 9]
    done = lake.run("verify", "t")
    assert done.returncode == 10 and "with another deletion vector" in done.stdout, done


@pytest.mark.parametrize("marker", ["r", "x", ""])
def test_an_unknown_kind_of_deletion_vector_is_refused(lake, marker):
    table = lake.table("t")
    begin(table, [("id", "long")],
          protocol={"minReaderVersion": 3, "minWriterVersion": 7,
                    "readerFeatures": ["deletionVectors"], "writerFeatures": ["deletionVectors"]})
    size = parquet(lake, table / "a.parquet", "SELECT unnest([1, 2]::BIGINT[]) AS id")
    put(table, 1, line(add={
        "path": "a.parquet", "partitionValues": {}, "size": size, "modificationTime": 1,
        "dataChange": True, "stats": '{"numRecords":2}',
        "deletionVector": {"storageType": marker, "pathOrInlineDv": "wi5b=000010000siXQKl0rr91000f5",
                           "sizeInBytes": 36, "cardinality": 1}}))
    done = lake.run("scan", "t")
    assert done.returncode in (6, 7) and done.stdout == "", done
    assert "deletion" in done.stderr or "storageType" in done.stderr


def test_a_rewrite_removes_the_file_with_its_old_vector_and_all_that_is_known_of_it(lake):
    lake.ok("create", "t", "--schema", "id bigint not null, p string", "--key", "id",
            "--property", "delta.enableDeletionVectors=true", "--partition-by", "p")
    lake.upsert("t", "id,p\n" + "".join(f"{number},a\n" for number in range(100)))
    lake.ok("delete", "t", "--where", "id < 3")
    first = [one["add"] for one in actions_of(lake.table("t"), 2) if "add" in one]
    assert len(first) == 1 and "deletionVector" in first[0]
    assert json.loads(first[0]["stats"])["numRecords"] == 100
    assert json.loads(first[0]["stats"])["tightBounds"] is False
    lake.ok("delete", "t", "--where", "id < 5")
    removed = [one["remove"] for one in actions_of(lake.table("t"), 3) if "remove" in one]
    added = [one["add"] for one in actions_of(lake.table("t"), 3) if "add" in one]
    assert removed[0]["deletionVector"] == first[0]["deletionVector"]
    assert removed[0]["extendedFileMetadata"] is True
    assert removed[0]["partitionValues"] == {"p": "a"} and removed[0]["size"] == first[0]["size"]
    assert added[0]["deletionVector"]["cardinality"] == 5
    lake.ok("delete", "t", "--where", "true")
    last = actions_of(lake.table("t"), 4)
    assert [one for one in last if "add" in one] == []
    assert [one["remove"]["deletionVector"] for one in last if "remove" in one] == [
        added[0]["deletionVector"]]
    assert lake.rows("scan", "t") == []


def test_a_restore_keeps_the_newer_protocol(lake):
    lake.upsert("own", "id\n1\n")
    lake.ok("alter", "own", "set", "delta.enableDeletionVectors=true", "--upgrade")
    before = json.loads(lake.ok("describe", "own", "--json"))["protocol"]
    assert "deletionVectors" in before["readerFeatures"]
    lake.ok("restore", "own", "--version", "1", "--yes")
    done = json.loads(lake.ok("describe", "own", "--json"))
    assert done["protocol"] == before
    assert done["properties"].get("delta.enableDeletionVectors") != "true"


def test_an_upgrade_carries_over_what_the_old_protocol_implied(lake):
    table = lake.table("t")
    begin(table, [("id", "long")], protocol={"minReaderVersion": 1, "minWriterVersion": 4})
    lake.ok("alter", "t", "set", "delta.enableDeletionVectors=true", "--upgrade")
    said = json.loads(lake.ok("describe", "t", "--json"))["protocol"]
    assert (said["minReaderVersion"], said["minWriterVersion"]) == (3, 7)
    assert set(said["writerFeatures"]) >= {"appendOnly", "invariants", "checkConstraints",
                                           "changeDataFeed", "generatedColumns", "deletionVectors"}
    assert said["readerFeatures"] == ["deletionVectors"]
    kept = [one["metaData"]["configuration"] for one in actions_of(table, 1) if "metaData" in one]
    assert not any(name.startswith("delta.feature.") for one in kept for name in one)


@pytest.mark.parametrize("expression", ["id > 0", "id > 0 OR id IS NULL"])
def test_an_invariant_must_be_true(lake, expression):
    field = {"name": "id", "type": "long", "nullable": True, "metadata": {
        "delta.invariants": json.dumps({"expression": {"expression": expression}})}}
    table = lake.table("t")
    begin(table, [])
    text = (table / "_delta_log" / f"{0:020}.json").read_text().splitlines(True)
    meta = json.loads(text[1])
    meta["metaData"]["schemaString"] = json.dumps({"type": "struct", "fields": [field]})
    put(table, 0, text[0], json.dumps(meta) + "\n")
    lake.ok("append", "t", "-", stdin="id\n1\n")
    assert lake.run("append", "t", "-", stdin="id\n-1\n").returncode == 3
    null = lake.run("append", "t", "-", "--input-format", "ndjson", stdin='{"id":null}\n')
    assert null.returncode == (0 if "NULL" in expression else 3), null.stderr


def test_append_only_tables_lose_no_row_but_may_be_compacted(lake):
    lake.ok("create", "t", "--schema", "id bigint", "--property", "delta.appendOnly=true")
    for number in range(3):
        lake.ok("append", "t", "-", stdin=f"id\n{number}\n")
    for arguments in (("delete", "t", "--where", "id = 1"),
                      ("update", "t", "--set", "id=9", "--where", "true"),
                      ("overwrite", "t", "-", "--yes"),
                      ("restore", "t", "--version", "1", "--yes")):
        done = lake.run(*arguments, stdin="id\n7\n")
        assert done.returncode != 0 and "ppend" in done.stderr, (arguments, done)
    lake.ok("optimize", "t")
    assert len(lake.rows("files", "t")) == 1 and len(lake.rows("scan", "t")) == 3
