"""The log is cleaned up, and the history outlives it; other engines go on reading."""

import gzip
import hashlib
import json
import os
import time

import deltalake
import pyarrow as pa
import pytest

DAY = 86400
KEPT = "interval 50 days"


def add(path, number):
    rows = pa.table({"k": pa.array([number], pa.int64()), "v": pa.array([f"v{number}"])})
    configuration = {"delta.logRetentionDuration": KEPT} if number == 0 else None
    deltalake.write_deltalake(path, rows, mode="append", configuration=configuration)


def commit_file(path, version):
    return path / "_delta_log" / f"{version:020}.json"


@pytest.fixture
def old_table(varve):
    """25 commits of another engine, one a day, the newest 60 days old; a checkpoint at 20."""
    path = varve.lake / "old"
    path.parent.mkdir()
    for number in range(25):
        add(path, number)
    deltalake.DeltaTable(path, version=20).create_checkpoint()
    now = time.time()
    for version in range(25):
        when = now - (60 + 24 - version) * DAY
        os.utime(commit_file(path, version), (when, when))
    return path


def members(file):
    """The commits of a file of the ledger, read from docs/format-ledger.md alone."""
    head, _, rest = file.read_bytes().partition(b"\n")
    for commit in json.loads(head)["commits"]:
        member, rest = rest[:commit["stored"]], rest[commit["stored"]:]
        yield commit, gzip.decompress(member)
    assert rest == b""


def test_clean_up_keeps_history_versions_and_bytes(varve, old_table):
    bytes_before = {v: commit_file(old_table, v).read_bytes() for v in range(25)}
    history_before = varve.rows("history", "old")
    third_before = varve.rows("scan", "old", "--at", "3")
    result = json.loads(varve.ok("checkpoint", "old", "--json"))
    assert result == {"table": "old", "version": 24, "commits_cleaned": 24, "commits_kept": 24}
    assert not commit_file(old_table, 23).exists()
    assert commit_file(old_table, 24).exists()
    assert varve.rows("history", "old") == history_before
    assert varve.rows("scan", "old", "--at", "3") == third_before
    assert len(third_before) == 4
    (ledger,) = (old_table / "_varve" / "ledger").iterdir()
    assert ledger.name == f"{0:020}-{23:020}.vl"
    for commit, content in members(ledger):
        assert content == bytes_before[commit["version"]]
        assert commit["sha256"] == hashlib.sha256(content).hexdigest()
        assert commit["bytes"] == len(content)


def test_other_engines_read_on_and_write_on(varve, old_table):
    varve.ok("checkpoint", "old")
    table = deltalake.DeltaTable(old_table)
    assert table.version() == 24
    assert table.to_pyarrow_table().num_rows == 25
    add(old_table, 25)
    assert len(varve.rows("scan", "old")) == 26
    assert [row["version"] for row in varve.rows("history", "old")] == list(range(25, -1, -1))


def test_time_travel_by_time_reaches_into_the_ledger(varve, old_table):
    varve.ok("checkpoint", "old")
    moment = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() - 79.5 * DAY))
    assert len(varve.rows("scan", "old", "--at", moment)) == 5


def test_a_second_clean_up_finds_nothing(varve, old_table):
    varve.ok("checkpoint", "old")
    again = json.loads(varve.ok("checkpoint", "old", "--json"))
    assert (again["commits_cleaned"], again["commits_kept"]) == (0, 0)


def test_what_another_engine_cleaned_up_is_gone_and_says_so(varve, old_table):
    for version in range(5):
        commit_file(old_table, version).unlink()
    varve.ok("checkpoint", "old")
    (ledger,) = (old_table / "_varve" / "ledger").iterdir()
    head = json.loads(ledger.read_bytes().partition(b"\n")[0])
    assert head["missing"] == [0, 4]
    done = varve.run("scan", "old", "--at", "3")
    assert done.returncode == 5
    assert "version 3 is gone" in done.stderr
    assert [row["version"] for row in varve.rows("history", "old")] == list(range(24, 4, -1))


def test_a_writer_cleans_up_by_itself_once_a_day(varve):
    """The first checkpoint of a UTC day; the hint of the last one says which day that was."""
    varve.ok("create", "t", "--schema", "k bigint not null, v string", "--key", "k",
             "--history", "50d", "--property", "delta.checkpointInterval=5")
    for number in range(12):
        varve.upsert("t", f"k,v\n{number},a\n")
    log = varve.table("t") / "_delta_log"
    assert not (varve.table("t") / "_varve" / "ledger").exists()
    for version in range(13):  # Varve's commits have their own word on their time
        file = commit_file(varve.table("t"), version)
        lines = file.read_text().splitlines()
        info = json.loads(lines[0])
        info["commitInfo"]["timestamp"] -= (70 - version) * DAY * 1000
        file.write_text("\n".join([json.dumps(info), *lines[1:]]) + "\n")
    for number in range(12, 14):
        varve.upsert("t", f"k,v\n{number},a\n")
    assert commit_file(varve.table("t"), 0).exists()
    yesterday = time.time() - DAY
    os.utime(log / "_last_checkpoint", (yesterday, yesterday))
    varve.upsert("t", "k,v\n14,a\n")
    assert not commit_file(varve.table("t"), 9).exists()
    assert commit_file(varve.table("t"), 10).exists()
    assert len(varve.rows("history", "t")) == 16
    assert len(varve.rows("scan", "t", "--at", "7")) == 7
