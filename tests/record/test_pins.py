"""Tags and holds: what is pinned stays readable, whatever is cleaned up."""

import json
import os
import pathlib
import sys

import pytest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))

import lakes  # noqa: E402

NOW = ("--retain", "0s", "--unsafe", "--yes")
KEY = "2025-01-10T10:00:00Z"


def put(varve, table, *prices):
    for price in prices:
        varve.upsert(table, f"ts,sym,price\n{KEY},A,{price}\n")


def price(varve, table, *arguments):
    return [row["price"] for row in varve.rows("scan", table, *arguments)]


@pytest.fixture
def two(varve):
    for table in ("a", "b"):
        lakes.create(varve, table)
        put(varve, table, 1, 2)
    return varve


def test_a_tag_is_a_version_of_every_table_and_outlives_vacuum(two):
    two.ok("tag", "create", "q3", "--message", "third quarter")
    put(two, "a", 3, 4)
    put(two, "b", 30)
    lakes.create(two, "late")
    listed = two.rows("tag", "list")
    assert [(row["name"], row["table"], row["version"], row["message"]) for row in listed] == [
        ("q3", "a", 2, "third quarter"), ("q3", "b", 2, "third quarter")]
    for table in ("a", "b"):
        done = two.run("vacuum", table, *NOW)
        assert done.returncode == 0 and "q3" in done.stderr
        assert price(two, table, "--at", "q3") == [2.0]
    assert two.run("scan", "a", "--version", "1").returncode != 0  # nobody kept it
    assert two.run("scan", "a", "--version", "3").returncode != 0
    rows = two.rows("query", "SELECT a.price, b.price AS other FROM a AT (VERSION => 'q3') "
                    "JOIN b AT (VERSION => 'q3') USING (ts, sym)")
    assert rows == [{"price": 2.0, "other": 2.0}]
    assert two.rows("query", "SELECT sum(price) AS n FROM a", "--at", "q3") == [{"n": 2.0}]
    done = two.run("scan", "late", "--at", "q3")
    assert done.returncode == 5 and "created after tag q3" in done.stderr
    two.ok("tag", "drop", "q3")
    two.ok("vacuum", "a", *NOW)
    assert two.run("scan", "a", "--version", "2").returncode != 0


def test_only_the_pins_that_keep_a_file_are_named(two):
    def kept():
        done = two.run("vacuum", "a", *NOW)
        assert done.returncode == 0
        return [line.removeprefix("varve: warning: ") for line in done.stderr.splitlines() if " stay" in line]

    two.ok("hold", "add", "case12", "a", "--at", "1")
    two.ok("tag", "create", "q3", "a")  # of the version that is live
    assert kept() == ["1 file of table a stays for tags and holds: case12"]
    put(two, "a", 3)
    assert kept() == ["2 files of table a stay for tags and holds: case12, q3"]
    two.ok("hold", "release", "case12")
    assert kept() == ["1 file of table a stays for tags and holds: q3"]
    assert price(two, "a", "--at", "q3") == [2.0]


@pytest.mark.parametrize("lite", [(), ("--lite",)])
def test_a_hold_keeps_every_version_from_then_on(two, lite):
    put(two, "a", 3)
    two.ok("hold", "add", "audit", "a", "--at", "2")
    put(two, "a", 4, 5)
    two.ok("vacuum", two.table("a"), *NOW, *lite)  # by path, too
    for version, expected in ((2, 2.0), (3, 3.0), (4, 4.0), (5, 5.0)):
        assert price(two, "a", "--version", version) == [expected]
    assert two.run("scan", "a", "--version", "1").returncode != 0
    assert json.loads(two.ok("verify", "a", "--deep", "--json"))["whole"]
    two.ok("hold", "release", "audit")
    two.ok("vacuum", "a", *NOW)
    assert two.run("scan", "a", "--version", "3").returncode != 0


@pytest.mark.parametrize("ended", [False, True], ids=["begun", "whole"])
def test_verify_finds_a_pinned_version_that_cannot_be_put_together(varve, ended):
    """Clean-ups by others leave its own commit there, or none."""
    lakes.create(varve, "a", "--property", "delta.logRetentionDuration=interval 0 days")
    put(varve, "a", 1, 2, 3)
    varve.ok("tag", "create", "three", "a", "--at", "3")
    put(varve, "a", 4, 5, 6)
    lakes.age(varve.table("a"), 1)
    (varve.table("a") / "_delta_log" / f"{6:020}.crc").unlink(missing_ok=True)
    put(varve, "a", 7)
    varve.ok("checkpoint", "a")
    assert price(varve, "a", "--at", "three") == [3.0]
    assert json.loads(varve.ok("verify", "a", "--json"))["whole"]
    for version in range(6 if ended else 3):
        (varve.table("a") / "_delta_log" / f"{version:020}.json").unlink()
    assert varve.run("scan", "a", "--at", "three").returncode == 5
    done = varve.run("verify", "a", "--json")
    found = {row["kind"]: row["message"] for row in json.loads(done.stdout)["findings"] if row["wrong"]}
    kind = "commit.missing" if ended else "pin.unreadable"
    assert done.returncode == 10 and kind in found and "tag three names version 3" in found[kind]


@pytest.mark.parametrize("kind", ["hold", "tag"])
def test_verify_finds_a_pinned_file_that_is_gone(two, kind):
    two.ok(kind, "add" if kind == "hold" else "create", "audit", "a", "--at", "2")
    [pinned] = [row["path"] for row in two.rows("files", "a")]
    put(two, "a", 3)
    two.ok("vacuum", "a", *NOW)
    assert json.loads(two.ok("verify", "a", "--json"))["whole"]
    (two.table("a") / pinned).unlink()
    done = two.run("verify", "a")
    assert done.returncode == 10 and f"the {kind} audit of version 2 promises to keep it" in done.stdout
    two.ok(kind, "release" if kind == "hold" else "drop", "audit")
    assert two.run("verify", "a").returncode == 0  # nobody promised it


def test_a_hold_whose_commits_are_gone_stops_a_vacuum(two):
    two.ok("hold", "add", "audit", "a")
    put(two, "a", 3, 4, 5)
    two.ok("checkpoint", "a")
    lost = two.table("a") / "_delta_log" / f"{4:020}.json"
    lost.unlink()  # by a clean-up that knows no holds
    done = two.run("vacuum", "a", *NOW)
    assert done.returncode == 5 and "hold audit" in done.stderr and "version 4" in done.stderr
    assert len(list(two.table("a").glob("date=*/*.parquet"))) == 5


def held(varve, first, gone):
    """A hold from version 1 on is refused; from the first that it names it is taken, and keeps all."""
    done = varve.run("hold", "add", "h", "a", "--at", "1")
    assert done.returncode == 5 and "from 1 on of table a can't be held: " + gone in done.stderr
    if first is None:
        assert "is the first" not in done.stderr
        return
    assert f"; version {first} is the first that can be held from" in done.stderr
    assert varve.run("hold", "add", "h", "a", "--at", str(first - 1)).returncode != 0
    varve.ok("hold", "add", "h", "a", "--at", str(first))
    if "damaged" not in gone:  # nor is there a vacuum without it
        varve.ok("vacuum", "a", *NOW)
    assert price(varve, "a", "--at", str(first))


def test_a_hold_is_refused_where_a_later_version_lost_a_file(two):
    put(two, "a", 3, 4)
    two.ok("tag", "create", "one", "a", "--at", "1")
    two.ok("vacuum", "a", *NOW)
    assert price(two, "a", "--at", "1") == [1.0]
    held(two, 4, "the file ")
    assert json.loads(two.ok("verify", "a", "--json"))["whole"]


def test_a_hold_is_refused_where_its_own_version_lost_a_file(two):
    put(two, "a", 3)
    two.ok("vacuum", "a", *NOW)
    held(two, 3, "the file ")


def test_no_version_is_named_where_none_can_be_held_from(two):
    [path] = [row["path"] for row in two.rows("files", "a")]
    (two.table("a") / path).unlink()
    held(two, None, "the file ")


@pytest.mark.parametrize("how", ["gone", "damaged"])
@pytest.mark.contradicts_itself  # without a commit
def test_a_hold_is_refused_where_a_later_commit_is_not_there(two, how):
    put(two, "a", 3, 4)
    two.ok("checkpoint", "a")
    put(two, "a", 5)
    lost = two.table("a") / "_delta_log" / f"{3:020}.json"
    lost.unlink()
    if how == "damaged":
        lost.write_text("{")
    held(two, 4, f"the commit of version 3 is {how}")


def test_a_hold_is_refused_where_later_changes_are_gone(varve):
    lakes.create(varve, "a", "--property", "delta.enableChangeDataFeed=true")
    put(varve, "a", 1, 2, 3)
    changes = sorted((varve.table("a") / "_change_data").rglob("*.parquet"),
                     key=lambda path: path.stat().st_mtime_ns)
    assert len(changes) == 2
    changes[0].unlink()  # of version 2
    held(varve, 2, "the change file ")


def test_a_lake_without_a_table_has_nothing_to_keep(varve):
    pathlib.Path(varve.lake).mkdir(exist_ok=True)
    done = varve.run("tag", "create", "x")
    assert done.returncode == 5 and "no table" in done.stderr


def test_a_pinned_version_outlives_the_clean_up_of_the_log(varve):
    lakes.create(varve, "a", "--property", "delta.logRetentionDuration=interval 5 days")
    put(varve, "a", 1, 2)
    varve.ok("checkpoint", "a")
    put(varve, "a", 3, 4)
    varve.ok("checkpoint", "a")
    lakes.age(varve.table("a"), 20)
    varve.ok("tag", "create", "old", "a", "--at", "2")
    put(varve, "a", 5)
    varve.ok("checkpoint", "a")
    # Even without the ledger: its checkpoint and commits are those of the tag.
    for path in (varve.table("a") / "_varve" / "ledger").glob("*.vl"):
        path.unlink()
    assert price(varve, "a", "--at", "old") == [2.0]
    varve.ok("tag", "drop", "old")
    varve.ok("checkpoint", "a")
    assert not (varve.table("a") / "_delta_log" / f"{2:020}.json").exists()


def test_versions_of_a_log_whose_beginning_others_took_outlive_its_clean_up(varve):
    """Tagged or not: a clean-up that read the pins before a tag was written takes nothing from it."""
    lakes.create(varve, "a", "--property", "delta.logRetentionDuration=interval 5 days")
    log = varve.table("a") / "_delta_log"
    put(varve, "a", 1, 2, 3, 4)
    varve.ok("checkpoint", "a")
    put(varve, "a", 5, 6)
    varve.ok("checkpoint", "a")
    put(varve, "a", 7)
    for version in range(3):
        (log / f"{version:020}.json").unlink()
    lakes.age(varve.table("a"), 20)
    put(varve, "a", 8)
    then = varve.rows("history", "a", "--at", "5", "--limit", "1")[0]["timestamp"]
    varve.ok("checkpoint", "a")
    assert [path.name[:20] for path in sorted(log.glob("0*.json"))] == [f"{n:020}" for n in (6, 7, 8)]
    for version in range(4, 9):
        assert price(varve, "a", "--version", str(version)) == [version]
    assert price(varve, "a", "--at", then) == [5.0]
    varve.ok("tag", "create", "five", "a", "--at", "5")
    varve.ok("vacuum", "a", *NOW)
    assert price(varve, "a", "--at", "five") == [5.0]
    assert json.loads(varve.ok("verify", "a", "--deep", "--json"))["whole"]


def test_what_is_gone_already_is_not_pinned(two):
    two.ok("vacuum", "a", *NOW)
    done = two.run("tag", "create", "gone", "a", "--at", "1")
    assert done.returncode == 5 and "gone" in done.stderr and "vacuum" in done.stderr
    assert two.rows("tag", "list") == []
    done = two.run("tag", "create", "x", "b", "a", "--at", "9")
    assert done.returncode == 5 and two.rows("tag", "list") == []


@pytest.mark.parametrize("odd", ["link", "round", "folder", "pipe", "pins", "beside"])
def test_a_pin_that_is_out_of_reach_stops_a_vacuum(two, odd):
    """On a volume that is not mounted, say: it has not been dropped."""
    two.ok("tag", "create", "q3", "a")
    put(two, "a", 3)
    table = two.table("a")
    name = {"pins": "_varve/pins", "beside": "_varve"}.get(odd, "_varve/pins/q3.json")
    away = table.parent / "away"
    (table / name).rename(away)
    if odd == "folder":
        (table / name).mkdir()
    elif odd == "pipe":
        os.mkfifo(table / name)
    else:
        (table / name).symlink_to({"round": "q3.json"}.get(odd, "nowhere"))
    before = sorted(table.rglob("*.parquet"))
    for command in (["vacuum", "a"], ["vacuum", "a", *NOW], ["vacuum", "a", "--lite", *NOW]):
        done = two.run(*command)
        assert done.returncode == 6 and name in done.stderr
    assert sorted(table.rglob("*.parquet")) == before
    (table / name).rmdir() if odd == "folder" else (table / name).unlink()
    away.rename(table / name)
    two.ok("vacuum", "a", *NOW)
    assert price(two, "a", "--at", "q3") == [2]


def test_a_pin_that_cannot_be_read_stops_a_vacuum(two):
    two.ok("tag", "create", "q3", "a")
    put(two, "a", 3)
    pin = two.table("a") / "_varve" / "pins" / "q3.json"
    pin.write_text("{")
    done = two.run("vacuum", "a", *NOW)
    assert done.returncode == 6 and "q3.json" in done.stderr
    assert price(two, "a", "--version", "2") == [2.0]
    done = two.run("verify", "a")
    assert done.returncode == 10 and "q3.json" in done.stdout


@pytest.mark.parametrize("arguments, status, words", [
    (("tag", "create"), 2, "name"), (("tag", "create", "3q"), 2, "letter"),
    (("tag", "create", "now"), 2, "time"), (("tag", "create", "a/b"), 2, "letter"),
    (("tag", "make", "x"), 2, "create, list or drop"),
    (("tag", "drop", "none"), 5, "no table has a tag"),
    (("hold", "release", "none"), 5, "no table has a hold"),
    (("scan", "a", "--at", "none"), 5, "none"), (("tag", "create", "x", "none"), 5, "no table none"),
])
def test_questions_that_make_no_sense_are_refused(two, arguments, status, words):
    done = two.run(*arguments)
    assert done.returncode == status and words in done.stderr


def test_a_name_is_never_moved(two):
    two.ok("tag", "create", "q3", "a")
    done = two.run("tag", "create", "q3", "b", "a")
    assert done.returncode == 2 and "already" in done.stderr
    assert [row["table"] for row in two.rows("tag", "list")] == ["a"]
    assert two.run("hold", "release", "q3").returncode == 5


@pytest.mark.parametrize("command", ["tag drop q3", "hold release h"])
def test_what_is_given_free_stays_so_after_a_power_cut_or_it_is_said(two, command):
    """A vacuum that does not see a pin takes what it kept: the pin may not come back."""
    two.ok("tag", "create", "q3", "a")
    two.ok("hold", "add", "h", "a")
    done = two.run(*command.split(), env={"VARVE_TEST_SEAMS": "fail=store.fsync_folder:1"})
    assert done.returncode == 8
    assert "is removed, and a power cut may bring it back" in done.stderr


def test_a_vacuum_that_is_not_sure_of_the_pins_removes_nothing(two):
    two.ok("hold", "add", "h", "a", "--at", "1")
    put(two, "a", 3)
    two.ok("hold", "release", "h")
    for nth in (1, 2, 3):
        done = two.run("vacuum", "a", *NOW, env={
            "VARVE_TEST_SEAMS": f"fail=store.fsync_folder:{nth},crash=vacuum.remove:1"})
        if nth == 2:  # after the announcement
            assert done.returncode == 8, done
            assert two.rows("history", "a")[0]["operationParameters"]["status"] == "FAILED"
            assert price(two, "a", "--version", "1") == [1.0]


def test_a_pin_under_another_name_is_named_and_keeps_what_it_says(two):
    two.ok("tag", "create", "q1", "a")
    pins = two.table("a") / "_varve" / "pins"
    (pins / "z.json").write_bytes((pins / "q1.json").read_bytes())
    put(two, "a", 3)
    for command in (("tag", "drop", "q1"), ("tag", "list"), ("vacuum", "a", *NOW)):
        done = two.run(*command)
        assert done.returncode == 6 and "pins/z.json" in done.stderr and '"q1"' in done.stderr, command
    assert price(two, "a", "--version", "2") == [2.0]
    (pins / "z.json").unlink()
    two.ok("tag", "drop", "q1")
    assert two.rows("tag", "list") == []
