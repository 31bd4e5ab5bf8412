"""Vacuum: what nobody needs goes, and nothing else."""

import fcntl
import json
import os
import re
import signal
import subprocess
import time

import pytest
from deltalake import DeltaTable

TABLE = "ticks"
SCHEMA = "ts timestamp not null, sym string not null, price double"
NOW = ("--retain", "0s", "--unsafe")


@pytest.fixture
def ticks(varve):
    varve.ok("create", TABLE, "--schema", SCHEMA, "--partition-by", "sym", "--key", "ts,sym")
    return varve


def put(varve, symbol, price, *arguments):
    return varve.upsert(TABLE, f"ts,sym,price\n2025-01-10T10:00:00Z,\"{symbol}\",{price}\n",
                        *arguments)


def rows(varve, *arguments):
    return sorted(varve.ok("scan", TABLE, "--format", "csv", *arguments).splitlines())


def on_disk(varve):
    folder = varve.table(TABLE)
    return {str(path.relative_to(folder)) for path in folder.rglob("*")
            if path.is_file() and "_delta_log" not in path.parts}


def live(varve):
    return {file["path"] for file in varve.rows("files", TABLE)}


def vacuum(varve, *arguments):
    return json.loads(varve.ok("vacuum", TABLE, "--json", *arguments))


def age(path, days):
    then = time.time() - days * 86400
    os.utime(path, (then, then))


def test_without_yes_it_only_says_what_would_go(ticks):
    put(ticks, "A", 1)
    put(ticks, "A", 2)
    before = on_disk(ticks)
    listed = ticks.rows("vacuum", TABLE, *NOW)
    assert {row["path"] for row in listed} == before - live(ticks) and len(listed) == 1
    result = vacuum(ticks, *NOW, "--yes", "--dry-run")
    assert (result["removed"], result["files"], result["readable_version"]) == (False, 1, 2)
    assert on_disk(ticks) == before and ticks.version(TABLE) == 2


def test_only_what_is_not_needed_goes_and_the_lost_versions_are_named(ticks):
    for price in range(1, 5):
        put(ticks, "A", price)
        put(ticks, "B", price)
    version, before = ticks.version(TABLE), rows(ticks)
    done = ticks.run("vacuum", TABLE, *NOW, "--yes")
    assert done.returncode == 0
    assert f"all versions from {version} on can be read; of those before, not all" in done.stderr
    assert on_disk(ticks) == live(ticks)
    assert rows(ticks) == rows(ticks, "--at", version) == before
    assert ticks.run("scan", TABLE, "--version", str(version - 1)).returncode != 0
    assert vacuum(ticks, *NOW, "--yes")["files"] == 0


def test_removed_files_stay_as_long_as_the_table_promises(ticks):
    put(ticks, "A", 1)
    put(ticks, "A", 2)
    before = on_disk(ticks)
    assert vacuum(ticks, "--yes")["files"] == 0 and on_disk(ticks) == before
    for path in before:
        age(ticks.table(TABLE) / path, 1000)  # long written, but removed from the table just now
    assert vacuum(ticks, "--yes")["files"] == 0 and on_disk(ticks) == before


def remove_by_others(varve, days_said, days_file, member=""):
    """Version 1 brings a file of 500 days ago, which version 2, of other software, removes."""
    put(varve, "A", 1)
    [path] = live(varve)
    age(varve.table(TABLE) / path, 500)
    commit = varve.table(TABLE) / "_delta_log" / f"{2:020}.json"
    said = (time.time() - days_said * 86400) * 1000
    commit.write_text(
        '{"commitInfo":{"timestamp":%d,"operation":"DELETE","engineInfo":"other/1"}}\n'
        '{"remove":{"path":"%s","dataChange":true%s}}\n' % (said, path, member))
    age(commit, days_file)


@pytest.mark.parametrize("said, file", [(0, 0), (500, 0), (0, 500)])
@pytest.mark.parametrize("member", ["", ',"deletionTimestamp":0'], ids=["none", "zero"])
def test_a_remove_that_tells_no_time_is_of_its_commits(ticks, member, said, file):
    """The member is optional: what was removed a second ago is not taken for long gone."""
    remove_by_others(ticks, said, file, member)
    before = rows(ticks, "--at", "1")
    result = vacuum(ticks, "--yes")
    assert (result["files"], result["readable_version"]) == (0, None)
    assert rows(ticks, "--at", "1") == before
    result = vacuum(ticks, *NOW, "--yes")
    assert (result["files"], result["readable_version"]) == (1, 2)


def test_what_a_commit_of_no_time_before_the_cut_off_took_is_told_as_lost(ticks):
    """By both of its clocks it is older than the table: as a version it is of when that was made."""
    remove_by_others(ticks, 500, 500)
    result = vacuum(ticks)
    assert (result["files"], result["readable_version"]) == (1, 2)


@pytest.mark.parametrize("arguments, words", [
    (["--retain", "168h"], "promises to keep"), (["--retain", "-1d", "--unsafe"], "no time span"),
    (["--retain", "soon"], "no time span"),
])
def test_too_short_a_retention_is_refused(ticks, arguments, words):
    put(ticks, "A", 1)
    done = ticks.run("vacuum", TABLE, "--yes", *arguments)
    assert done.returncode == 2 and words in done.stderr


def test_a_longer_retention_than_the_tables_is_kept(varve):
    varve.ok("create", TABLE, "--schema", SCHEMA, "--partition-by", "sym", "--key", "ts,sym",
             "--property", "delta.deletedFileRetentionDuration=interval 0 seconds")
    put(varve, "A", 1)
    put(varve, "A", 2)
    for path in on_disk(varve):
        age(varve.table(TABLE) / path, 10)
    assert vacuum(varve, "--retain", "1h")["files"] == 0
    assert vacuum(varve)["files"] == 1


def age_commits(table, days, members="timestamp"):
    """Makes the commits older by what they say of themselves; what they removed stays as young."""
    for path in (table / "_delta_log").glob("*.json"):
        path.write_text(re.sub(rf'"({members})":(\d+)', lambda match: '"%s":%d' % (
            match[1], int(match[2]) - days * 86400000), path.read_text()))


@pytest.mark.contradicts_itself  # the checkpoints lack removes that are young by what holds now
@pytest.mark.parametrize("lite", [[], ["--lite"]])
@pytest.mark.parametrize("cleaned", [False, True])
def test_a_retention_that_was_raised_holds_for_what_was_removed_before(varve, lite, cleaned):
    """Checkpoints of the time before it forgot what had been removed, by what was promised then."""
    varve.ok("create", TABLE, "--schema", SCHEMA, "--partition-by", "sym", "--key", "ts,sym",
             "--property", "delta.deletedFileRetentionDuration=interval 0 seconds",
             "--property", "delta.checkpointInterval=2",
             "--property", "delta.logRetentionDuration=interval 5 days")
    for price in range(1, 5):
        put(varve, "A", price)
    folder = varve.table(TABLE)
    if cleaned:
        age_commits(folder, 20)
        put(varve, "B", 1)
        varve.ok("checkpoint", TABLE)
    assert (folder / "_varve" / "ledger").is_dir() == cleaned
    for path in folder.glob("sym=*/*.parquet"):
        age(path, 60)
    assert vacuum(varve, *lite)["files"] == 3
    varve.ok("alter", TABLE, "set", "delta.deletedFileRetentionDuration=interval 30 days")
    newest = folder / "_delta_log" / f"{varve.version(TABLE) + 1:020}.json"
    newest.write_text('{"commitInfo":{"timestamp":1,"operation":"X","engineInfo":"other/1"}}\n')
    (folder / "left.parquet").write_text("x")
    age(folder / "left.parquet", 60)
    listed = [row["path"] for row in varve.rows("vacuum", TABLE, *lite)]
    assert listed == ([] if lite else ["left.parquet"])
    before = [rows(varve, "--at", version) for version in (2, 3)]
    vacuum(varve, "--yes", *lite)
    assert [rows(varve, "--at", version) for version in (2, 3)] == before
    assert vacuum(varve, "--retain", "0s", "--unsafe", *lite)["files"] == 3


@pytest.mark.parametrize("link", ["lake", "folder", "inside", "back", "table"])
def test_files_that_the_log_names_through_a_link_are_the_tables_too(ticks, tmp_path, link):
    put(ticks, "A", 1)
    table, way = ticks.table(TABLE), tmp_path / "link"
    file, = live(ticks)
    name = file.split("/")[1]
    if link == "lake":
        way.symlink_to(ticks.lake)
        named = way / TABLE / file
    elif link == "folder":
        way.symlink_to(table / "sym=A")
        named = way / name
    elif link == "inside":
        (table / "way").symlink_to("sym=A")
        named = table / "way" / name
    elif link == "back":
        named = f"{table}/sym=B/../{file}"
        (table / "sym=B").mkdir()
    else:
        table.rename(way)
        table.symlink_to(way)
        named = way / file
    assert os.path.exists(named)
    commit = table / "_delta_log" / f"{1:020}.json"
    lines = [json.loads(line) for line in commit.read_text().splitlines()]
    for line in lines:
        if "add" in line:
            line["add"]["path"] = f"file://{named}"
    commit.write_text("".join(json.dumps(line) + "\n" for line in lines))
    before = rows(ticks)
    age(table / file, 1000)
    assert vacuum(ticks, *NOW, "--yes")["files"] == 0
    assert json.loads(ticks.ok("verify", TABLE, "--json"))["unreferenced_files"] == 0
    assert rows(ticks) == before and len(before) == 2


@pytest.mark.parametrize("lite", [[], ["--lite"]])
def test_what_lies_behind_a_link_out_of_the_table_stays(ticks, tmp_path, lite):
    table, outside = ticks.table(TABLE), tmp_path / "outside"
    put(ticks, "A", 1)
    (table / "sym=A").rename(outside)
    (table / "sym=A").symlink_to(outside)
    put(ticks, "A", 2)
    put(ticks, "B", 1)
    put(ticks, "B", 2)
    before = rows(ticks)
    for name in ("theirs", "left"):
        (outside / f"{name}.parquet").write_text("x")
    (table / "sym=C").symlink_to(outside)
    (table / "round").symlink_to(".")
    (table / "link.parquet").symlink_to(outside / "theirs.parquet")
    (table / "nowhere.parquet").symlink_to(outside / "none")
    assert len(list(outside.iterdir())) == 4
    for path in [*outside.iterdir(), *table.glob("sym=B/*")]:
        age(path, 500)
    assert vacuum(ticks, *NOW, "--yes", *lite)["files"] == 1
    assert len(list(outside.iterdir())) == 4 and len(list(table.glob("sym=B/*"))) == 1
    assert sorted(path.name for path in table.iterdir() if path.is_symlink()) == [
        "link.parquet", "nowhere.parquet", "round", "sym=A", "sym=C"]
    assert rows(ticks) == before
    told = json.loads(ticks.ok("verify", TABLE, "--json"))
    assert told["whole"] and told["unreferenced_files"] == 1


@pytest.mark.parametrize("lite", [[], ["--lite"]])
@pytest.mark.parametrize("link", ["folder", "file"])
def test_what_the_log_names_by_a_link_within_the_table_stays(ticks, link, lite):
    table = ticks.table(TABLE)
    put(ticks, "A", 1)
    put(ticks, "A", 2)
    live_file, = live(ticks)
    if link == "file":
        (table / live_file).rename(table / "x.parquet")
        (table / live_file).symlink_to("../x.parquet")
    else:
        (table / "sym=A").rename(table / "moved")
        (table / "sym=A").symlink_to("moved")
    before = rows(ticks)
    for path in table.rglob("*.parquet"):
        age(path, 500)
    result = vacuum(ticks, *NOW, "--yes", *lite)
    went = 0 if lite and link != "file" else 1
    assert (result["files"], result["readable_version"]) == (went, 2 if went else None)
    assert rows(ticks) == before
    assert json.loads(ticks.ok("verify", TABLE, "--json", "--strict"))["unreferenced_files"] == 0
    (table / "stray.parquet").write_text("x")
    (table / "linked.parquet").symlink_to("stray.parquet")  # no word of the log
    told = ticks.run("verify", TABLE, "--json", "--strict")
    assert told.returncode == 10 and json.loads(told.stdout)["unreferenced_files"] == 2


def test_a_table_within_the_table_is_not_touched(ticks):
    table = ticks.table(TABLE)
    put(ticks, "A", 1)
    for name in ("x.parquet", "day=1/x.parquet", "_delta_log/00000000000000000000.json"):
        (table / "inner" / name).parent.mkdir(parents=True, exist_ok=True)
        (table / "inner" / name).write_text("x")
        age(table / "inner" / name, 500)
    assert vacuum(ticks, *NOW, "--yes")["files"] == 0
    assert json.loads(ticks.ok("verify", TABLE, "--json"))["unreferenced_files"] == 0


@pytest.mark.parametrize("lite", [[], ["--lite"]])
def test_a_table_within_the_table_is_one_though_its_log_is_out_of_reach(ticks, lite):
    table = ticks.table(TABLE)
    put(ticks, "A", 1)
    (table / "inner").mkdir()
    (table / "inner" / "x.parquet").write_text("x")
    age(table / "inner" / "x.parquet", 500)
    (table / "inner" / "_delta_log").symlink_to("/nowhere/_delta_log")
    (table / "_delta_log" / f"{2:020}.json").write_text(
        '{"commitInfo":{"timestamp":1600000000000,"operation":"DELETE","engineInfo":"other/1"}}\n'
        '{"remove":{"path":"inner/x.parquet","dataChange":true,"deletionTimestamp":1600000000000}}\n')
    assert vacuum(ticks, *NOW, "--yes", *lite)["files"] == 0
    assert (table / "inner" / "x.parquet").exists()


def test_leftovers_go_by_their_age_and_hidden_things_stay(ticks):
    put(ticks, "A", 1)
    folder = ticks.table(TABLE)
    old = ["sym=A/left.parquet", "sym=B/left.parquet", "left.parquet", "_change_data/c.parquet",
           "deletion_vector_00000000-0000-0000-0000-000000000000.bin"]
    kept = ["sym=A/young.parquet", "_hidden/x.parquet", ".hidden/x.parquet", "sym=A/_SUCCESS",
            "sym=A/.part.crc", "_varve/quarantine/x"]
    for name in old + kept:
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("x")
        if "young" not in name:
            age(path, 500)
    listed = {row["path"] for row in ticks.rows("vacuum", TABLE)}
    assert listed == set(old)
    assert vacuum(ticks, "--yes")["files"] == len(old)
    assert on_disk(ticks) == set(kept) | live(ticks)


ODD = ["a b", "50%", "x:y", "p=q", "ünï", "[brackets]", "a/b", "q?", "#1", "%41", ""]


@pytest.mark.parametrize("lite", [[], ["--lite"]])
def test_odd_partition_values_lead_to_the_right_files(varve, lite):
    varve.ok("create", TABLE, "--schema", "ts timestamp not null, sym string, price double",
             "--partition-by", "sym", "--key", "ts")
    stamps = {symbol: f"2025-01-10T10:00:{number:02d}Z" for number, symbol in enumerate(ODD)}
    for price in (1, 2):
        for symbol, stamp in stamps.items():
            quoted = symbol.replace('"', '""')
            varve.upsert(TABLE, f"ts,sym,price\n{stamp},\"{quoted}\",{price}\n")
    before = rows(varve)
    assert vacuum(varve, *NOW, "--yes", *lite)["files"] == len(ODD)
    assert rows(varve) == before
    assert len(on_disk(varve)) == len(ODD)
    assert DeltaTable(str(varve.table(TABLE))).to_pyarrow_table().num_rows == len(ODD)


def test_it_lists_what_deltalake_lists(ticks):
    for price in range(3):
        put(ticks, "A", price)
        put(ticks, "B", price)
    theirs = DeltaTable(str(ticks.table(TABLE))).vacuum(
        retention_hours=0, dry_run=True, enforce_retention_duration=False, full=True)
    assert {row["path"] for row in ticks.rows("vacuum", TABLE, *NOW)} == set(theirs)


def test_a_lite_vacuum_goes_by_the_log_alone(ticks):
    put(ticks, "A", 1)
    put(ticks, "A", 2)
    leftover = ticks.table(TABLE) / "sym=A" / "left.parquet"
    leftover.write_text("x")
    age(leftover, 500)
    assert vacuum(ticks, *NOW, "--lite", "--yes")["files"] == 1
    assert leftover.exists()
    put(ticks, "A", 3)
    assert vacuum(ticks, *NOW, "--lite", "--yes")["files"] == 1
    assert vacuum(ticks, *NOW)["files"] == 1


@pytest.mark.parametrize("first", ([], ["--lite"]), ids=("listed", "lite"))
def test_a_lite_vacuum_sees_what_stayed_for_a_tag_that_is_dropped(ticks, first):
    for price in range(3):
        put(ticks, "A", price)
        if price == 1:
            ticks.ok("tag", "create", "q1")
    assert vacuum(ticks, *NOW, *first, "--yes")["files"] == 1
    put(ticks, "A", 4)
    assert vacuum(ticks, *NOW, *first, "--yes")["files"] == 1
    ticks.ok("tag", "drop", "q1")
    assert vacuum(ticks, *NOW, "--lite", "--yes")["files"] == 1
    assert len(on_disk(ticks)) == 1
    assert vacuum(ticks, *NOW, "--lite")["files"] == 0


@pytest.mark.contradicts_itself  # the commits are made older than the ledger knows them
@pytest.mark.parametrize("first", ([], ["--lite"]), ids=("listed", "lite"))
@pytest.mark.parametrize("young", ["commit", "file"])
def test_a_lite_vacuum_sees_what_stayed_for_one_clock_that_was_late(ticks, first, young):
    """As in a table that was copied: what its commits say is old, and files are of now."""
    for price in range(3):
        put(ticks, "A", price)
        if price == 1:
            [second] = live(ticks)
    folder = ticks.table(TABLE)
    age_commits(folder, 500, "timestamp|deletionTimestamp")
    late = {"commit": folder / "_delta_log" / f"{3:020}.json", "file": folder / second}[young]
    for path in [*folder.glob("sym=*/*.parquet"), *folder.glob("_delta_log/*.json")]:
        age(path, 0 if path == late else 500)
    assert vacuum(ticks, *first, "--yes")["files"] == 1
    age(late, 500)
    assert vacuum(ticks, "--lite", "--yes")["files"] == 1
    assert on_disk(ticks) == live(ticks)


def test_a_lite_vacuum_takes_deletion_vectors_too(ticks):
    ticks.ok("alter", TABLE, "set", "delta.enableDeletionVectors=true", "--upgrade")
    ticks.upsert(TABLE, "ts,sym,price\n" + "".join(
        f"2025-01-10T{row // 3600:02d}:{row // 60 % 60:02d}:{row % 60:02d}Z,A,{row * row % 7}\n"
        for row in range(9000)))
    for price in (1, 2):
        ticks.ok("delete", TABLE, "--where", f"price = {price}")
    gone = {row["path"] for row in ticks.rows("vacuum", TABLE, *NOW)}
    assert any(path.endswith(".bin") for path in gone)
    assert {row["path"] for row in ticks.rows("vacuum", TABLE, *NOW, "--lite")} == gone


def test_a_lite_vacuum_takes_no_file_that_a_listing_would_not_come_to(ticks):
    """Whatever the log says was removed: the log itself, what Varve has beside the table, what is hidden,
    and files of a table within the table stay."""
    put(ticks, "A", 1)
    table = ticks.table(TABLE)
    log = "_delta_log/00000000000000000000.json"
    kept = [log, "_varve/note", "_hidden/x.parquet", "sym=A/.part.crc", "inner/x.parquet",
            "inner/day=1/x.parquet", f"inner/{log}"]
    due = ["sym=A/left.parquet", "ab/deletion_vector_00000000-0000-0000-0000-000000000000.bin",
           "deletion_vector_00000000-0000-0000-0000-000000000001.bin", "_change_data/c.parquet",
           "_change_data/sym=A/c.parquet"]
    for name in kept + due:
        path = table / name
        path.parent.mkdir(parents=True, exist_ok=True)
        if not path.exists():
            path.write_text("x")
    (table / "_delta_log" / f"{2:020}.json").write_text(
        '{"commitInfo":{"timestamp":1600000000000,"operation":"DELETE","engineInfo":"other/1"}}\n' +
        "".join('{"remove":{"path":"%s","dataChange":true,"deletionTimestamp":1600000000000}}\n' % name
                for name in kept + due))
    for path in table.rglob("*"):
        if path.is_file() and path.name != f"{2:020}.json":
            age(path, 500)
    before = rows(ticks)
    assert {row["path"] for row in ticks.rows("vacuum", TABLE, *NOW, "--lite")} == set(due)
    assert vacuum(ticks, *NOW, "--lite", "--yes")["files"] == len(due)
    assert all((table / name).exists() for name in kept)
    assert rows(ticks) == before


def test_a_lite_vacuum_without_the_whole_log_is_refused(ticks):
    put(ticks, "A", 1)
    put(ticks, "A", 2)
    ticks.ok("checkpoint", TABLE)
    (ticks.table(TABLE) / "_delta_log" / f"{0:020d}.json").unlink()
    done = ticks.run("vacuum", TABLE, *NOW, "--lite")
    assert done.returncode == 2 and "without --lite" in done.stderr


def test_history_announces_it(ticks):
    put(ticks, "A", 1)
    put(ticks, "A", 2)
    size = sum(row["bytes"] for row in ticks.rows("vacuum", TABLE, *NOW))
    vacuum(ticks, *NOW, "--yes", "--message", "spring")
    end, start = ticks.rows("history", TABLE, "--limit", "2")
    assert (start["operation"], end["operation"]) == ("VACUUM START", "VACUUM END")
    assert start["operationMetrics"] == {"numFilesToDelete": "1", "sizeOfDataToDelete": str(size)}
    assert end["operationParameters"] == {"status": "COMPLETED"}
    assert end["operationMetrics"]["numDeletedFiles"] == "1"
    assert end["userMetadata"] == "spring"
    assert DeltaTable(str(ticks.table(TABLE))).history(1)[0]["operation"] == "VACUUM END"


def test_a_file_that_cannot_go_does_not_keep_the_others(ticks):
    if os.geteuid() == 0 and subprocess.run(["which", "chattr"], capture_output=True,
                                            check=False).returncode:
        pytest.skip("needs chattr")
    for symbol in "AB":
        put(ticks, symbol, 1)
        put(ticks, symbol, 2)
    stuck = ticks.table(TABLE) / next(path for path in on_disk(ticks) - live(ticks)
                                      if path.startswith("sym=A"))
    if subprocess.run(["chattr", "+i", stuck], capture_output=True, check=False).returncode:
        pytest.skip("this file system has no immutable files")
    try:
        done = ticks.run("vacuum", TABLE, *NOW, "--yes")
    finally:
        subprocess.run(["chattr", "-i", stuck], check=True)
    assert done.returncode == 8 and "1 of 2 files can't be removed" in done.stderr
    assert on_disk(ticks) - live(ticks) == {str(stuck.relative_to(ticks.table(TABLE)))}
    assert ticks.rows("history", TABLE, "--limit", "1")[0]["operationParameters"] == {
        "status": "FAILED"}


@pytest.mark.parametrize("number", [1, 2, 3])
def test_killed_on_the_way_it_can_be_done_again(ticks, number):
    for price in range(4):
        put(ticks, "A", price)
    before = rows(ticks)
    environment = dict(os.environ, VARVE_TEST_SEAMS=f"crash=vacuum.remove:{number}")
    done = subprocess.run([ticks.program, "--lake", ticks.lake, "vacuum", TABLE, *NOW, "--yes"],
                          env=environment, capture_output=True, check=False, timeout=60)
    assert done.returncode == -signal.SIGKILL
    assert len(on_disk(ticks)) == 4 - (number - 1)
    assert rows(ticks) == before
    assert vacuum(ticks, *NOW, "--yes")["files"] == 4 - number
    assert rows(ticks) == before and on_disk(ticks) == live(ticks)


@pytest.mark.parametrize("place", ["commit.before_put", "commit.after_put"])
def test_one_that_was_killed_at_its_end_is_ended_by_the_next_with_nothing_left_to_remove(
        ticks, place):
    for price in range(3):
        put(ticks, "A", price)
    done = ticks.run("vacuum", TABLE, *NOW, "--yes", env={"VARVE_TEST_SEAMS": f"crash={place}:2"})
    assert done.returncode == -signal.SIGKILL and on_disk(ticks) == live(ticks)
    ended = place == "commit.after_put"
    done = ticks.run("tag", "create", "before", TABLE)
    assert done.returncode == (0 if ended else 4)
    assert vacuum(ticks, *NOW, "--yes")["files"] == 0
    ticks.ok("tag", "create", "after", TABLE)
    version = ticks.version(TABLE)
    assert vacuum(ticks, *NOW, "--yes")["files"] == 0 and ticks.version(TABLE) == version


def test_a_second_one_at_the_same_time_is_told_to_wait(ticks):
    put(ticks, "A", 1)
    put(ticks, "A", 2)
    folder = os.open(ticks.table(TABLE), os.O_RDONLY)
    try:
        fcntl.flock(folder, fcntl.LOCK_EX)
        done = ticks.run("vacuum", TABLE, *NOW, "--yes")
        assert done.returncode == 4 and "another vacuum is removing files" in done.stderr
        assert len(ticks.rows("vacuum", TABLE, *NOW)) == 1  # what it would do can be told
        put(ticks, "A", 3)
    finally:
        os.close(folder)
    assert vacuum(ticks, *NOW, "--yes")["files"] == 2


def test_versions_that_can_still_be_read_are_not_said_to_be_lost(ticks):
    """The file of version 1 is needed again, that of version 2 by none that is kept."""
    put(ticks, "A", 1)
    ticks.ok("delete", TABLE, "--where", "sym = 'A'")
    put(ticks, "A", 2)
    ticks.ok("restore", TABLE, "--version", "1", "--yes")
    assert "all versions from 4 on can then be read; of those before, not all" in ticks.run("vacuum", TABLE, *NOW).stderr
    assert "all versions from 4 on can be read; of those before, not all" in ticks.run(
        "vacuum", TABLE, *NOW, "--yes").stderr
    readable = [ticks.run("scan", TABLE, "--version", version).returncode == 0 for version in range(5)]
    assert readable == [True, True, True, False, True]
