"""In-commit timestamps: where the table has them not enabled they are a word that anybody can write."""

import json
import os
import time

import pytest

DAY = 86400
SCHEMA = json.dumps({"type": "struct", "fields": [
    {"name": "id", "type": "long", "nullable": True, "metadata": {}}]})
ENABLED = {"delta.enableInCommitTimestamps": "true"}


def commit(table, version, file_time, info, *actions):
    log = table / "_delta_log"
    log.mkdir(parents=True, exist_ok=True)
    path = log / f"{version:020}.json"
    path.write_text("".join(json.dumps(action) + "\n"
                            for action in ({"commitInfo": info}, *actions)))
    os.utime(path, (file_time, file_time))


def begin(varve, table, names, file_time, info, configuration=None):
    """Version 0: a file of one row for each name."""
    adds = []
    for number, name in enumerate(names):
        path = table / name
        path.parent.mkdir(parents=True, exist_ok=True)
        varve.ok("query", f"SELECT {number}::BIGINT AS id", "--format", "parquet", "-o", path)
        os.utime(path, (file_time, file_time))
        adds.append({"add": {"path": name, "partitionValues": {}, "size": path.stat().st_size,
                             "modificationTime": file_time * 1000, "dataChange": True}})
    feature = {"minReaderVersion": 1, "minWriterVersion": 7, "writerFeatures": ["inCommitTimestamp"]}
    commit(table, 0, file_time, info,
           {"protocol": feature if configuration else {"minReaderVersion": 1, "minWriterVersion": 2}},
           {"metaData": {"id": "1", "format": {"provider": "parquet", "options": {}},
                         "schemaString": SCHEMA, "partitionColumns": [],
                         "configuration": configuration or {}, "createdTime": 1}}, *adds)


@pytest.fixture
def lake(varve):
    varve.ok("create", "own", "--schema", "id bigint not null", "--key", "id")
    return varve


@pytest.mark.parametrize("said", [{"inCommitTimestamp": 1}, {}])
def test_vacuum_keeps_what_was_removed_just_now(lake, said):
    table = lake.table("t")
    begin(lake, table, ["a.parquet", "b.parquet"], 1600000000, {"timestamp": 1600000000000})
    now = int(time.time())
    commit(table, 1, now, {"timestamp": now * 1000, **said},
           {"remove": {"path": "a.parquet", "dataChange": True}})
    lake.ok("vacuum", "t", "--yes")
    assert (table / "a.parquet").exists()
    assert lake.rows("scan", "t", "--version", "0") == [{"id": 0}, {"id": 1}]


def test_the_log_keeps_the_commits_of_today(lake):
    table = lake.table("t")
    now = int(time.time())
    begin(lake, table, ["a.parquet"], now, {"timestamp": now * 1000, "inCommitTimestamp": 1000})
    for version in range(1, 4):
        commit(table, version, now, {"timestamp": now * 1000, "inCommitTimestamp": 1000 + version})
    lake.ok("checkpoint", "t")
    assert len(list((table / "_delta_log").glob("*.json"))) == 4


def test_a_time_finds_the_version_by_its_file(lake):
    table = lake.table("t")
    start = 1600000000
    begin(lake, table, ["a.parquet"], start, {"timestamp": 1, "inCommitTimestamp": 2500000000000})
    for version in range(1, 3):
        commit(table, version, start + version * DAY, {"timestamp": 1})
    for version in range(3):
        described = json.loads(lake.ok("describe", "t", "--at", time.strftime(
            "%Y-%m-%dT%H:%M:%SZ", time.gmtime(start + version * DAY + 3600)), "--json"))
        assert described["version"] == version


@pytest.mark.parametrize("ms", [2**63 - 1, -2**63 + 1, 9300000000000000])
def test_nothing_is_written_above_one_that_is_no_time(lake, ms):
    table = lake.table("t")
    begin(lake, table, ["a.parquet"], int(time.time()), {"timestamp": ms, "inCommitTimestamp": ms},
          ENABLED)
    assert lake.rows("scan", "t") == [{"id": 0}]
    done = lake.run("delete", "t", "--where", "id = 0")
    assert done.returncode == 6 and f"{0:020}.json says that it was made at a time" in done.stderr
    assert len(list((table / "_delta_log").glob("*.json"))) == 1
    done = lake.run("verify", "t")
    assert done.returncode == 10 and "no commit can come after it" in done.stdout, done
