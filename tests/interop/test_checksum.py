"""`<version>.crc` beside a checkpoint: what the version has, for others to hold against their own."""

import json

import pytest


@pytest.fixture
def table(varve):
    varve.ok("create", "t", "--schema", "k bigint not null, v string", "--key", "k",
             "--property", "delta.enableDeletionVectors=true",
             "--property", "delta.enableInCommitTimestamps=true",
             "--property", "delta.checkpointInterval=1000")
    for first in (0, 10):
        varve.upsert("t", "k,v\n" + "".join(f"{first + k},x\n" for k in range(10)))
    varve.ok("delete", "t", "--where", "k in (1, 2, 12)")
    varve.ok("checkpoint", "t")
    return varve


def path_of(varve, version):
    return varve.table("t") / "_delta_log" / f"{version:020d}.crc"


def check(varve):
    report = json.loads(varve.ok("doctor", "t", "--json"))
    (found,) = [one for one in report["health"] if one["check"] == "checksum"]
    return found


def test_it_says_what_the_version_has(table):
    said = json.loads(path_of(table, 3).read_text())
    log = [json.loads(line) for version in (0, 3) for line in
           (table.table("t") / "_delta_log" / f"{version:020d}.json").read_text().splitlines()]
    files = table.rows("files", "t")
    assert (said["numFiles"], said["tableSizeBytes"]) == (2, sum(row["bytes"] for row in files))
    assert (said["numMetadata"], said["numProtocol"]) == (1, 1)
    assert said["metadata"] == next(line["metaData"] for line in log if "metaData" in line)
    assert said["protocol"] == next(line["protocol"] for line in log if "protocol" in line)
    (time,) = [line["commitInfo"]["inCommitTimestamp"] for line in log[-9:]
               if line.get("commitInfo", {}).get("operation") == "DELETE"]
    assert said["inCommitTimestampOpt"] == time
    assert check(table)["good"] and "version 3 is right" in check(table)["message"]


def test_one_that_is_there_stays(table):
    path_of(table, 3).write_text("theirs")
    table.ok("checkpoint", "t")
    assert path_of(table, 3).read_text() == "theirs"


def test_one_of_a_version_that_left_the_log_is_told(varve):
    """The clean-up of other software leaves it where it was."""
    varve.ok("create", "t", "--schema", "k bigint not null", "--key", "k",
             "--property", "delta.checkpointInterval=1000")
    for k in range(6):
        varve.upsert("t", f"k\n{k}\n")
    varve.ok("checkpoint", "t")
    for k in range(6, 12):
        varve.upsert("t", f"k\n{k}\n")
    varve.ok("checkpoint", "t")
    path_of(varve, 12).unlink()
    for version in range(12):
        (varve.table("t") / "_delta_log" / f"{version:020d}.json").unlink()
    (varve.table("t") / "_delta_log" / f"{6:020d}.checkpoint.parquet").unlink()
    found = check(varve)
    assert found["good"] and found["message"].startswith(
        "the newest checksum file is of version 6, which has left the log")


@pytest.mark.parametrize("change, says", [
    (lambda said: said.update(numFiles=3), "it says 3 files, the log comes to 2"),
    (lambda said: said.update(tableSizeBytes=1), "it says 1 bytes"),
    (lambda said: said.update(numDeletedRecordsOpt=2), "it says 2 deleted rows, the log comes to 3"),
    (lambda said: said.update(numFiles="many"), "its numFiles is no number"),
    (lambda said: said["metadata"].update(id="other"), "another id than the log"),
    (lambda said: said["protocol"].update(minWriterVersion=2), "it says 2 as writer version"),
    (lambda said: said.clear(), "does not say the number of files")])
def test_one_that_is_wrong_is_told_and_harms_nobody(table, change, says):
    said = json.loads(path_of(table, 3).read_text())
    change(said)
    path_of(table, 3).write_text(json.dumps(said))
    found = check(table)
    assert not found["good"] and says in found["message"]
    assert len(table.rows("scan", "t")) == 17


def test_it_is_held_against_its_own_version(table):
    table.upsert("t", "k,v\n100,x\n")
    assert check(table)["good"] and "version 3" in check(table)["message"]
    for text in ("", "{nonsense", "[]", "null"):
        path_of(table, 4).write_text(text)
        assert not check(table)["good"], text
        table.upsert("t", "k,v\n100,x\n")  # a no-op
        assert len(table.rows("scan", "t")) == 18
    path_of(table, 4).unlink()
    path_of(table, 3).unlink()
    assert check(table)["message"] == "no version has a checksum file"
    table.ok("verify", "t", "--strict")
