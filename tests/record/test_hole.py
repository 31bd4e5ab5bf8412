"""A commit that is missing between others: what lies behind it is refused, what lies before it is told.

Or others cleaned it up before the ledger had it: then it is gone, and that is said."""

import json
import pathlib
import shutil
import sys

import pytest

sys.path.insert(0, str(pathlib.Path(__file__).parent))
import lakes  # noqa: E402

LAST, GONE = 6, 4
COMMIT = "_delta_log/{:020}.json"


@pytest.fixture(scope="module")
def holed(varve_on, tmp_path_factory):
    """Six versions of a row, a checkpoint at the last; what was told of the first three."""
    varve = varve_on(tmp_path_factory.mktemp("hole") / "lake")
    varve.ok("create", "t", "--schema", "id bigint not null, x int", "--key", "id")
    for number in range(1, LAST + 1):
        varve.upsert("t", f"id,x\n1,{number}\n{number + 10},0\n")
    before = {
        "history": varve.rows("history", "t")[LAST - GONE + 1:],
        "changes": varve.rows("changes", "t", "--from", "0", "--to", str(GONE - 1)),
        "trace": [row for row in varve.rows("trace", "t", "id=1") if row["version"] < GONE]}
    varve.ok("checkpoint", "t")
    (varve.table("t") / COMMIT.format(GONE)).unlink()
    return varve, before


def refused(varve, *arguments):
    done = varve.run(*arguments)
    assert (done.returncode, done.stdout) == (6, ""), (arguments, done.stdout, done.stderr)
    assert COMMIT.format(GONE) in done.stderr and "missing" in done.stderr, done.stderr
    return done.stderr


@pytest.mark.parametrize("more", [
    (), ("--limit", "3"), ("--limit", "4"), ("--at", "4"), ("--at", "4", "--limit", "1"),
    ("--at", "5"), ("--at", "5", "--limit", "2"), ("--at", "6"), ("--at", "now")])
def test_a_history_with_a_hole_is_refused_and_says_what_can_be_told(holed, more):
    varve, before = holed
    said = refused(varve, "history", "t", *more)
    assert f"what version {GONE}" in said and f"say --at {GONE - 1}" in said
    assert varve.rows("history", "t", "--at", str(GONE - 1)) == before["history"]


def test_a_history_that_ends_above_the_hole_is_told(holed):
    varve, _ = holed
    for more in ((), ("--at", "6"), ("--at", "now")):
        rows = varve.rows("history", "t", "--limit", "2", *more)
        assert [row["version"] for row in rows] == [6, 5]


def test_changes_over_the_hole_are_refused_and_say_which_are_not(holed):
    varve, before = holed
    for more in (("0",), ("4",), ("2", "--to", "5"), ("4", "--to", "4")):
        said = refused(varve, "changes", "t", "--from", *more)
        assert f"what version {GONE}" in said and f"say --to {GONE - 1}" in said
    assert varve.rows("changes", "t", "--from", "0", "--to", "3") == before["changes"]
    behind = varve.rows("changes", "t", "--from", "5")
    assert {row["_commit_version"] for row in behind} == {5, 6}


def test_a_trace_names_the_commit_that_is_missing(holed):
    varve, before = holed
    for more in ((), ("--at", "6"), ("--at", "5"), ("--at", "4")):
        said = refused(varve, "trace", "t", "id=1", *more)
        assert f"what version {GONE}" in said and f"say --at {GONE - 1}" in said
    assert varve.rows("trace", "t", "id=1", "--at", "3") == before["trace"]


def test_an_export_says_that_the_commit_is_missing(holed, tmp_path):
    varve, _ = holed
    varve.ok("export", "t", "-o", str(tmp_path / "x"))
    manifest = json.loads((tmp_path / "x" / "manifest.json").read_text(encoding="utf-8"))
    gap, = manifest["tables"][0]["changesMissing"]
    assert (gap["from"], gap["to"]) == (GONE, GONE)
    assert "missing from the log and the ledger" in gap["reason"]


def test_commits_that_the_ledger_has_are_no_hole(varve):
    """As a clean-up leaves it that a power cut ended: the ledger has what the log has no more."""
    varve.ok("create", "t", "--schema", "id bigint not null, x int", "--key", "id",
             "--property", "delta.logRetentionDuration=interval 5 days")
    for number in range(1, LAST + 1):
        varve.upsert("t", f"id,x\n1,{number}\n")
    log = varve.table("t") / "_delta_log"
    varve.ok("checkpoint", "t")
    lakes.age(varve.table("t"), 20)
    kept = {path.name: path.read_bytes() for path in log.glob("0*.json")}
    whole = varve.rows("history", "t")
    varve.upsert("t", "id,x\n1,7\n")
    varve.ok("checkpoint", "t")
    assert not (log / f"{GONE:020}.json").exists() and list(
        (varve.table("t") / "_varve" / "ledger").iterdir())
    for name in (f"{1:020}.json", f"{GONE - 1:020}.json", f"{GONE + 1:020}.json"):
        (log / name).write_bytes(kept[name])
    assert varve.rows("history", "t")[1:] == whole
    assert varve.rows("history", "t", "--at", str(GONE), "--limit", "1") == [whole[LAST - GONE]]
    assert len(varve.rows("trace", "t", "id=1")) == LAST + 1
    shutil.rmtree(varve.table("t") / "_varve" / "ledger")
    assert varve.run("history", "t").returncode == 6


def test_nobody_writes_into_a_long_hole(varve):
    varve.ok("create", "t", "--schema", "id bigint not null, x int", "--key", "id",
             "--property", "delta.checkpointInterval=100")
    for number in range(1, 5):
        varve.upsert("t", f"id,x\n1,{number}\n")
    varve.ok("checkpoint", "t")
    for number in range(5, 17):
        varve.upsert("t", f"id,x\n1,{number}\n")
    for number in range(5, 13):
        (varve.table("t") / COMMIT.format(number)).unlink()
    hole = varve.table("t") / COMMIT.format(5)
    for command, rows in ((("tables",), None), (("scan", "t"), None),
                          (("upsert", "t", "-", "--input-format", "csv"), "id,x\n1,99\n")):
        done = varve.run(*command, stdin=rows)
        assert f"{hole.name} is missing" in done.stdout + done.stderr, (command, done.stdout)
        assert done.returncode == 6 or command == ("tables",)
    assert not hole.exists()
    assert varve.rows("scan", "t", "--at", "4")[0]["x"] == 4


# ---- Commits that others cleaned up, between those of the ledger and those of the log ------------------

@pytest.fixture(scope="module")
def gapped(varve_on, tmp_path_factory):
    """Versions 0 to 8 are in the ledger, 12 to 16 in the log; the times that all of them had."""
    varve = varve_on(tmp_path_factory.mktemp("gap") / "lake")
    varve.ok("create", "t", "--schema", "id bigint not null, x int", "--key", "id",
             "--property", "delta.checkpointInterval=3")
    for number in range(1, 9):
        varve.upsert("t", f"id,x\n1,{number}\n")
    varve.ok("maintain", "--once")
    for number in range(varve.version("t") + 1, 17):
        varve.upsert("t", f"id,x\n1,{number}\n")
    times = {row["version"]: row["timestamp"] for row in varve.rows("history", "t")}
    log = varve.table("t") / "_delta_log"
    assert [path.name for path in (log.parent / "_varve" / "ledger").iterdir()] == [f"{0:020}-{8:020}.vl"]
    for version in range(12):
        for path in log.glob(f"{version:020}.*"):
            path.unlink()
    return varve, times


@pytest.mark.parametrize("asked", [
    ("scan", "t", "--known-at"), ("scan", "t", "--timestamp"), ("query", "from t", "--at"),
    ("restore", "t", "--dry-run", "--timestamp"), ("history", "t", "--at"), ("changes", "t", "--from", "0", "--to")],
    ids=lambda asked: " ".join((asked[0], asked[-1])))
def test_a_time_within_a_gap_has_no_version(gapped, asked):
    varve, times = gapped
    for version in (9, 10, 11):
        done = varve.run(*asked, times[version])
        assert (done.returncode, done.stdout) == (5, ""), (done.stdout, done.stderr)
        assert "commits 0 to 8 and 12 to 16 are there" in done.stderr, done.stderr
    assert varve.run("query", f"from t AT (TIMESTAMP => '{times[11]}')").returncode == 5


def test_times_beside_a_gap_have_theirs(gapped):
    varve, times = gapped
    for version in (0, 1, 8, 12, 16):
        rows = varve.rows("scan", "t", "--known-at", times[version])
        assert [row["x"] for row in rows] == ([version] if version > 0 else [])
    assert varve.rows("scan", "t", "--known-at", "1999-01-01") == []


def test_what_is_told_over_a_gap_names_it(gapped):
    varve, times = gapped
    done = varve.run("history", "t", "--format", "ndjson")
    assert [json.loads(line)["version"] for line in done.stdout.splitlines()] == [
        *range(16, 11, -1), *range(8, -1, -1)]
    assert "the commits of versions 9 to 11 are gone" in done.stderr
    assert "gone" not in varve.run("history", "t", "--limit", "5").stderr
    done = varve.run("trace", "t", "id=1", "--format", "ndjson")
    assert [json.loads(line)["version"] for line in done.stdout.splitlines()] == list(range(12, 17))
    assert "the commits of versions 9 to 11 are gone" in done.stderr and "at version 8" in done.stderr
    assert len(varve.rows("trace", "t", "id=1", "--at", "8")) == 8
    for asked in (("changes", "t", "--from", "0"), ("changes", "t", "--from", times[10]),
                  ("query", "from table_changes('t', 0)")):
        done = varve.run(*asked)
        assert done.returncode == 5 and "versions 0 to 8 and 12 to 16" in done.stderr, done.stderr
    assert {row["_commit_version"] for row in varve.rows("changes", "t", "--from", "0", "--to", "8")} == set(
        range(1, 9))
    assert {row["_commit_version"] for row in varve.rows("changes", "t", "--from", "12")} == set(range(12, 17))


def test_only_what_can_not_be_written_to_is_called_so(varve):
    varve.ok("create", "t", "--schema", "id bigint not null, x int", "--key", "id")
    for number in range(1, LAST + 1):
        varve.upsert("t", f"id,x\n1,{number}\n")
    varve.ok("checkpoint", "t")
    (varve.table("t") / COMMIT.format(GONE)).unlink()
    said = refused(varve, "scan", "t", "--at", "5")
    assert f"version {GONE - 1} can be read" in said and "nothing can be written" not in said
    assert "the newest version can be read and written to" in said
    varve.upsert("t", "id,x\n2,1\n")
    (varve.table("t") / COMMIT.format(LAST + 1)).write_text("{")
    assert "nothing can be written to the table until" in varve.run("scan", "t").stderr
