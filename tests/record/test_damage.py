"""A damaged commit takes from history, changes and trace only what can't be told without it."""

import json
import os
import shutil
import time

import pytest

LAST, BAD = 7, 5
COMMIT = "_delta_log/{:020}.json"


@pytest.fixture(scope="module")
def damaged(varve_on, tmp_path_factory):
    """Seven versions of a row; what was told of the first four; then the fifth is torn."""
    varve = varve_on(tmp_path_factory.mktemp("damage") / "lake")
    varve.ok("create", "t", "--schema", "id bigint not null, x int", "--key", "id")
    for number in range(1, LAST + 1):
        varve.upsert("t", f"id,x\n1,{number}\n{number + 10},0\n")
        if number == BAD - 1:
            varve.ok("tag", "create", "good")
    before = {
        "history": varve.rows("history", "t")[LAST - BAD + 1:],
        "changes": varve.rows("changes", "t", "--from", "1", "--to", str(BAD - 1)),
        "trace": [row for row in varve.rows("trace", "t", "id=1") if row["version"] < BAD]}
    path = varve.table("t") / COMMIT.format(BAD)
    text = path.read_bytes()
    path.unlink()
    path.write_bytes(text[:100])
    return varve, before


def refused(varve, *arguments):
    done = varve.run(*arguments)
    assert (done.returncode, done.stdout) == (6, ""), done.stderr
    assert COMMIT.format(BAD) in done.stderr
    return done.stderr


@pytest.mark.parametrize("at", [str(BAD - 1), "good", "time"])
def test_what_lies_before_the_damage_is_told(damaged, at):
    varve, before = damaged
    if at == "time":
        at = before["history"][0]["timestamp"]
    assert varve.rows("history", "t", "--at", at) == before["history"]
    assert varve.rows("history", "t", "--at", at, "--limit", "2") == before["history"][:2]
    assert varve.rows("trace", "t", "id=1", "--at", at) == before["trace"]
    if at != "good":
        assert varve.rows("changes", "t", "--from", "1", "--to", at) == before["changes"]


def test_what_needs_the_damaged_commit_is_refused_and_says_what_does_not(damaged):
    varve, _ = damaged
    for arguments in (("history", "t"), ("history", "t", "--limit", "3"),
                      ("trace", "t", "id=1")):
        said = refused(varve, *arguments)
        assert f"what version {BAD}" in said and f"say --at {BAD - 1}" in said
    for arguments in (("changes", "t", "--from", "1"),
                      ("changes", "t", "--from", "2", "--to", str(LAST)),
                      ("changes", "t", "--from", str(BAD + 1), "--to", str(LAST))):
        said = refused(varve, *arguments)
        assert f"what version {BAD} and those after it" in said and f"say --to {BAD - 1}" in said


def test_newer_commits_than_the_damaged_one_have_a_history(damaged):
    varve, _ = damaged
    assert [row["version"] for row in varve.rows("history", "t", "--limit", "2")] == [7, 6]


def test_a_trace_up_to_a_version_is_the_beginning_of_the_whole(varve):
    varve.ok("create", "t", "--schema", "id bigint not null, x int", "--key", "id")
    for number in range(1, 5):
        varve.upsert("t", f"id,x\n1,{number}\n")
    varve.ok("alter", "t", "add-column", "y int")
    varve.upsert("t", "id,x,y\n1,9,9\n")
    whole = varve.rows("trace", "t", "id=1")
    part = varve.rows("trace", "t", "id=1", "--at", "3")
    assert [row["version"] for row in part] == [1, 2, 3]
    assert [row["version"] for row in whole] == [1, 2, 3, 4, 6]
    assert json.loads(part[0]["after"]) if isinstance(part[0]["after"], str) else part[0]["after"]
    assert "y" not in str(part[0]["after"])  # a column of later
    done = varve.run("trace", "t", "id=1", "--at", "77")
    assert done.returncode == 5 and "no version 77" in done.stderr.replace("there is ", "")


def test_which_version_added_a_file_is_told_after_a_checkpoint_too(varve):
    varve.ok("create", "t", "--schema", "id bigint not null, d date not null", "--key", "id,d",
             "--partition-by", "d")
    for day in range(1, 6):
        varve.upsert("t", f"id,d\n1,2025-01-0{day}\n")
    varve.upsert("t", "id,d\n2,2025-01-03\n")
    said = {row["path"]: row["added_version"] for row in varve.rows("files", "t")}
    assert sorted(said.values())[0] == 1 and None not in said.values()
    varve.ok("checkpoint", "t")
    assert {row["path"]: row["added_version"] for row in varve.rows("files", "t")} == said
    assert {row["path"]: row["added_version"] for row in varve.rows(
        "query", "FROM table_files('t')")} == said
    commits = sorted((varve.table("t") / "_delta_log").glob("0*.json"))
    for path in commits[:3]:
        path.unlink()  # cleaned up by somebody who keeps no ledger
    shutil.rmtree(varve.table("t") / "_varve", ignore_errors=True)
    left = {row["path"]: row["added_version"] for row in varve.rows("files", "t")}
    assert left == {path: version if version > 2 else None for path, version in said.items()}
    assert None in left.values()


def test_rows_between_then_and_now_are_said_not_to_be_looked_at(varve):
    varve.ok("create", "t", "--schema", "id bigint not null, o timestamp, x int", "--key", "id",
             "--order-by", "o")
    varve.upsert("t", "id,o,x\n1,2025-01-01T00:00:00Z,1\n")
    time = varve.rows("history", "t")[0]["timestamp"]
    varve.upsert("t", "id,o,x\n2,2025-01-01T00:00:00Z,1\n")  # a backfill
    done = varve.run("leak-check", "FROM t", "--known-at", time)
    assert done.returncode == 0 and "not looked at" not in done.stderr
    varve.ok("delete", "t", "--where", "id = 2")
    done = varve.run("leak-check", "FROM t", "--known-at", time)
    assert done.returncode == 0 and "not looked at are rows" in done.stderr
    assert "one of versions 2 to 3 brought" in done.stderr
    assert "varve changes t --from 2 has them" in done.stderr
    told = varve.rows("changes", "t", "--from", "2")
    assert [(row["id"], row["_change_type"]) for row in told] == [(2, "insert"), (2, "delete")]
    done = varve.run("leak-check", "FROM t", "--known-at", time, "--knowledge", "commit")
    assert done.returncode == 0 and "not looked at" not in done.stderr


def test_versions_that_took_nothing_of_what_was_known_are_not_named(varve):
    """Each commit alone says nothing: what one brought has to be taken by a later one."""
    varve.ok("create", "t", "--schema", "id bigint not null, o timestamp, x int", "--key", "id",
             "--order-by", "o")
    varve.upsert("t", "id,o,x\n1,2025-01-01T00:00:00Z,1\n9,2025-01-01T00:00:00Z,1\n")
    time = varve.rows("history", "t")[0]["timestamp"]

    def said():
        done = varve.run("leak-check", "FROM t", "--known-at", time)
        assert done.returncode == 0
        return "not looked at" in done.stderr

    varve.upsert("t", "id,o,x\n2,2025-01-01T00:00:00Z,1\n")  # a backfill
    varve.upsert("t", "id,o,x\n3,2099-01-01T00:00:00Z,1\n")  # what came later
    varve.ok("delete", "t", "--where", "id = 9")  # of then
    assert not said()
    varve.upsert("t", "id,o,x\n3,2099-01-02T00:00:00Z,2\n")
    varve.ok("delete", "t", "--where", "id = 3")
    assert not said()  # what came later went
    varve.ok("optimize", "t")
    assert not said()  # and no row with it
    varve.upsert("t", "id,o,x\n2,2025-01-02T00:00:00Z,2\n")  # through the file of optimize
    assert said()


def test_a_commit_that_is_gone_may_have_brought_what_went(varve):
    varve.ok("create", "t", "--schema", "id bigint not null, o timestamp, x int", "--key", "id",
             "--order-by", "o")
    varve.upsert("t", "id,o,x\n1,2025-01-01T00:00:00Z,1\n")
    varve.upsert("t", "id,o,x\n2,2099-01-01T00:00:00Z,1\n")
    varve.upsert("t", "id,o,x\n3,2099-01-01T00:00:00Z,1\n")
    varve.ok("checkpoint", "t")
    done = varve.run("leak-check", "FROM t", "--known-at", "2020-01-01")
    assert done.returncode == 0 and "not looked at" not in done.stderr
    (varve.table("t") / "_delta_log/00000000000000000001.json").unlink()
    done = varve.run("leak-check", "FROM t", "--known-at", "2020-01-01")
    assert done.returncode == 0 and "not looked at" in done.stderr


NEWEST = "_delta_log/{:020}.json".format(3)


@pytest.fixture(scope="module")
def torn(varve_on, tmp_path_factory):
    """Three versions of a table whose newest commit is torn, and two sound tables."""
    varve = varve_on(tmp_path_factory.mktemp("torn") / "lake")
    for name in ("a", "t", "z"):
        varve.ok("create", name, "--schema", "id bigint not null, x int", "--key", "id")
    for number in range(1, 4):
        varve.upsert("t", f"id,x\n1,{number}\n")
    path = varve.table("t") / NEWEST
    text = path.read_bytes()
    path.unlink()
    path.write_bytes(text[:100])
    return varve


def test_seal_names_the_torn_commit_and_prints_the_heads_of_the_others(torn):
    done = torn.run("seal", "t")
    assert (done.returncode, done.stdout) == (6, "")
    assert f"table t: {NEWEST} (100 bytes): the last line ends without" in done.stderr
    done = torn.run("seal")
    assert done.returncode == 6 and f"table t: {NEWEST}" in done.stderr
    assert [json.loads(line)["table"] for line in done.stdout.splitlines()] == ["a", "z"]
    assert "2 of 3 tables sealed" in done.stderr


@pytest.mark.parametrize("command", [
    ("scan", "t"), ("latest", "t"), ("describe", "t"), ("doctor", "t"), ("query", "FROM t"),
    ("export", "t", "-o", "nowhere"), ("optimize", "t"), ("checkpoint", "t"), ("files", "t"),
    ("delete", "t", "--where", "id = 1")])
def test_what_needs_the_torn_commit_names_the_version_that_can_be_read(torn, command):
    done = torn.run(*command)
    assert done.returncode == 6 and NEWEST in done.stderr
    assert "version 2 can be read: varve scan t --at 2," in done.stderr
    assert "nothing can be written to the table until" in done.stderr
    assert torn.rows("scan", "t", "--at", "2") == [{"id": 1, "x": 2}]


def test_no_version_is_named_where_the_one_before_can_not_be_read_either(torn, varve_on, tmp_path):
    shutil.copytree(torn.lake, tmp_path / "lake")
    varve = varve_on(tmp_path / "lake")
    (varve.table("t") / "_delta_log/{:020}.json".format(1)).unlink()
    done = varve.run("scan", "t", "--at", "3")
    assert done.returncode == 6 and "can be read" in done.stderr and "--at 0" in done.stderr
    (varve.table("t") / "_delta_log/{:020}.json".format(0)).write_text("{")
    done = varve.run("scan", "t", "--at", "3")
    assert done.returncode == 6 and "can be read" not in done.stderr


def test_the_last_good_version_can_be_tagged_and_held(torn):
    torn.ok("tag", "create", "good", "t", "--at", "2")
    assert torn.rows("scan", "t", "--at", "good") == [{"id": 1, "x": 2}]
    torn.ok("hold", "add", "held", "t", "--at", "2")
    assert torn.run("tag", "create", "new", "t").returncode == 6
    assert torn.run("tag", "create", "new", "t", "--at", "3").returncode == 6


@pytest.mark.contradicts_itself
def test_damage_behind_a_vacuum_under_way_does_not_hide_it_from_a_tag(torn, varve_on, tmp_path):
    shutil.copytree(torn.lake, tmp_path / "lake")
    varve = varve_on(tmp_path / "lake")
    (varve.table("t") / NEWEST).write_text(json.dumps({"commitInfo": {
        "timestamp": int(time.time() * 1000), "operation": "VACUUM START", "engineInfo": "other/1",
        "operationParameters": {"defaultRetentionMillis": 0}}}) + "\n")
    (varve.table("t") / "_delta_log/{:020}.json".format(4)).write_text("{")
    done = varve.run("tag", "create", "soon", "t", "--at", "2")
    assert done.returncode == 4 and "began with version 3 and has not ended" in done.stderr
    assert "soon" not in varve.ok("tag", "list")


@pytest.mark.contradicts_itself  # by its commits alone nobody can put it together
def test_damage_that_a_version_does_not_need_keeps_it_from_no_tag(varve):
    varve.ok("create", "t", "--schema", "id bigint not null, x int", "--key", "id")
    for number in range(1, 7):
        varve.upsert("t", f"id,x\n1,{number}\n")
    varve.ok("checkpoint", "t")
    varve.upsert("t", "id,x\n1,7\n")
    (varve.table("t") / COMMIT.format(3)).write_text("{")
    varve.ok("tag", "create", "newest", "t")
    varve.ok("tag", "create", "six", "t", "--at", "6")
    assert varve.rows("scan", "t", "--at", "six") == [{"id": 1, "x": 6}]
    assert varve.run("tag", "create", "five", "t", "--at", "5").returncode == 6


@pytest.mark.contradicts_itself
def test_a_vacuum_says_what_it_can_not_know_and_a_checkpoint_needs_nothing_of_the_damage(varve):
    varve.ok("create", "t", "--schema", "id bigint not null, x int", "--key", "id")
    for number in range(1, 7):
        varve.upsert("t", f"id,x\n1,{number}\n")
    varve.ok("checkpoint", "t")
    varve.upsert("t", "id,x\n1,7\n")
    (varve.table("t") / COMMIT.format(3)).write_text("{")
    done = varve.run("vacuum", "t", "--retain", "0s", "--unsafe", "--yes")
    assert done.returncode == 6 and "table t: what version 3 took from it is not known" in done.stderr
    assert "varve verify" in done.stderr and COMMIT.format(3) in done.stderr
    assert varve.rows("scan", "t", "--at", "6") == [{"id": 1, "x": 6}]
    varve.ok("checkpoint", "t")
    assert (varve.table("t") / COMMIT.format(0)).exists()


def test_one_torn_file_is_one_thing_that_is_wrong(torn):
    said = torn.run("verify", "t").stdout
    assert "NOT WHOLE: 1 thing is wrong" in said
    assert said.count(NEWEST.rsplit("/", maxsplit=1)[1]) == 1
    told = json.loads(torn.run("verify", "t", "--json").stdout)
    assert [row["kind"] for row in told["findings"] if row["wrong"]] == ["commit.unreadable"]


def test_changes_before_the_damage_warn_once(torn):
    said = torn.run("changes", "t", "--from", "1", "--to", "2").stderr
    assert said.count("can be read") == 1 and "version 2 can be read" in said


@pytest.mark.parametrize("checkpoint", [False, True], ids=["log", "checkpoint"])
@pytest.mark.parametrize("odd", ["link", "folder", "pipe"])
def test_a_newest_commit_that_is_out_of_reach_is_no_end_of_the_log(varve, odd, checkpoint):
    """On a volume that is not mounted, say: an older version is not taken for the newest."""
    varve.ok("create", "t", "--schema", "id bigint not null, x int", "--key", "id")
    for number in (1, 2, 3):
        varve.upsert("t", f"id,x\n1,{number}\n")
        if number == 2 and checkpoint:
            varve.ok("checkpoint", "t")
    path = varve.table("t") / COMMIT.format(3)
    away = varve.table("t") / "away"
    path.rename(away)
    if odd == "folder":
        path.mkdir()
    elif odd == "pipe":
        os.mkfifo(path)
    else:
        path.symlink_to("nowhere")
    for command in (["scan", "t"], ["upsert", "t", "-"], ["vacuum", "t"], ["query", "SELECT * FROM t"]):
        done = varve.run(*command, stdin="id,x\n1,4\n")
        assert done.returncode == 6 and COMMIT.format(3) in done.stderr, done.stderr
    assert varve.rows("scan", "t", "--at", "2") == [{"id": 1, "x": 2}]
    found = json.loads(varve.run("verify", "t", "--json").stdout)["findings"]
    assert [(row["kind"], row["version"]) for row in found if row["wrong"]] == [("commit.unreadable", 3)]
    path.rmdir() if odd == "folder" else path.unlink()
    away.rename(path)
    assert varve.rows("scan", "t") == [{"id": 1, "x": 3}] and varve.run("verify", "t").returncode == 0
