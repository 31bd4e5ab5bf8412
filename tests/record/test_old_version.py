"""A commit that is damaged or missing: older versions can be read, the newest can't."""

import json

import pytest

from lakes import create

BROKEN = 3


def commit(varve, version):
    return varve.table("t") / "_delta_log" / f"{version:020}.json"


def time_of(varve, version):
    """Of a commit, in ms since 1970."""
    lines = commit(varve, version).read_text().splitlines()
    return next(json.loads(line)["commitInfo"]["timestamp"] for line in lines
                if "commitInfo" in line)


def stamp(ms):
    import datetime  # pylint: disable=import-outside-toplevel
    at = datetime.datetime.fromtimestamp(ms / 1000, datetime.timezone.utc)
    return at.strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def remove(path):
    path.unlink()


def tear(path):
    path.write_bytes(path.read_bytes()[:-40])


@pytest.fixture(params=[remove, tear], ids=["missing", "torn"])
def broken(varve, request):
    """Versions 0 to 4, each with one row more than the one before; commit 3 is no good."""
    create(varve, "t")
    for number in range(1, 5):
        varve.upsert("t", f"ts,sym,price\n2025-01-11T10:00:00Z,S{number},{number}\n")
    varve.ok("tag", "create", "early", "--at", "2", "t")
    varve.times = [time_of(varve, version) for version in range(5)]
    request.param(commit(varve, BROKEN))
    return varve


def refused(varve, *arguments):
    done = varve.run(*arguments)
    assert done.returncode == 6, done
    assert f"{BROKEN:020}.json" in done.stderr
    return done.stderr


def test_older_versions_are_read_by_number_and_by_tag(broken):
    for version in range(3):
        assert len(broken.rows("scan", "t", "--version", version)) == version
        assert len(broken.rows("scan", "t", "--at", version)) == version
        assert len(broken.rows("query", f"SELECT * FROM t AT (VERSION => {version})")) == version
        assert len(broken.rows("query", "SELECT * FROM t", "--at", version)) == version
    assert len(broken.rows("scan", "t", "--at", "early")) == 2
    assert len(broken.rows("query", "SELECT * FROM t AT (VERSION => 'early')")) == 2
    said = broken.run("scan", "t", "--version", 2).stderr
    assert "version 2 can be read, the newest version can't" in said


def test_older_versions_are_read_by_every_way_of_reading(broken):
    assert json.loads(broken.ok("describe", "t", "--at", 2, "--json"))["version"] == 2
    assert len(broken.rows("files", "t", "--at", 2)) == 2
    assert [row["sym"] for row in broken.rows("latest", "t", "--at", 2)] == ["S1", "S2"]
    broken.ok("export", "t", "--at", 2, "-o", broken.lake.parent / "export")


def test_older_versions_are_told_of_by_the_functions_of_sql(broken):
    told = broken.rows("query", "SELECT version FROM table_history('t')", "--at", 2)
    assert [row["version"] for row in told] == [2, 1, 0]
    changes = broken.rows("query", "FROM table_changes('t', 1, 2)", "--at", "early")
    assert [row["sym"] for row in changes] == ["S1", "S2"]
    assert len(broken.rows("query", "FROM table_files('t')", "--at", 2)) == 2


def test_older_versions_are_read_by_the_times_that_can_be_told(broken):
    times = broken.times
    for version in range(3):
        assert len(broken.rows("scan", "t", "--at", stamp(times[version]))) == version
    if times[2] - times[1] > 1:
        assert len(broken.rows("scan", "t", "--at", stamp(times[2] - 1))) == 1
        at = f"SELECT * FROM t AT (TIMESTAMP => '{stamp(times[2] - 1)}')"
        assert len(broken.rows("query", at)) == 1
        assert len(broken.rows("query", "SELECT * FROM t", "--known-at", stamp(times[2] - 1))) == 1
    # Whether version 3 was there by then is what its commit would say.
    said = refused(broken, "scan", "t", "--at", stamp(times[2] + 1))
    assert "nobody can tell whether version 3 was there" in said
    refused(broken, "scan", "t", "--at", stamp(times[4] + 1))


def test_what_needs_the_commit_is_refused(broken):
    refused(broken, "scan", "t")
    refused(broken, "scan", "t", "--version", 3)
    refused(broken, "scan", "t", "--version", 4)
    refused(broken, "query", "SELECT * FROM t")
    refused(broken, "describe", "t")
    refused(broken, "history", "t")
    log = sorted(path.name for path in (broken.table("t") / "_delta_log").iterdir())
    for words in (("upsert", "t", "-"), ("append", "t", "-")):
        done = broken.run(*words, stdin="ts,sym,price\n2025-01-11T10:00:00Z,S9,9\n")
        assert done.returncode == 6, done
    refused(broken, "restore", "t", "--version", "2", "--yes")
    refused(broken, "optimize", "t")
    refused(broken, "delete", "t", "--where", "price > 0")
    refused(broken, "alter", "t", "set", "delta.checkpointInterval=20")
    refused(broken, "adopt", "t", "--key", "ts,sym")
    refused(broken, "vacuum", "t", "--yes")
    refused(broken, "trace", "t", "ts=2025-01-11T10:00:00Z", "sym=S1")
    refused(broken, "changes", "t", "--from", "0")
    refused(broken, "tag", "create", "late", "t")
    assert log == sorted(path.name for path in (broken.table("t") / "_delta_log").iterdir())


def test_a_table_that_is_damaged_is_named_once(broken):
    said = broken.run("maintain", "--once").stderr
    assert "table t: " in said and "table t: table t: " not in said


def test_a_bad_condition_of_optimize_shows_the_condition_alone(varve):
    create(varve, "t")
    varve.upsert("t", "ts,sym,price\n2025-01-11T10:00:00Z,S,1\n")
    done = varve.run("optimize", "t", "--where", "price > 1")
    assert done.returncode == 2 and 'in "price > 1"' in done.stderr
    assert "LINE" not in done.stderr and "VALUES" not in done.stderr and "#" not in done.stderr
