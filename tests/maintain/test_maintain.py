"""Maintenance by itself: what is due is said and done, and nothing that is promised is lost."""

import datetime as dt
import fcntl
import json
import os
import signal
import subprocess
import threading
import time

import pytest
from deltalake import DeltaTable

TABLE = "ticks"
SCHEMA = ("ts timestamp not null, sym string not null, price double, date date not null")
OLD = "2025-01-10"


@pytest.fixture
def ticks(varve):
    create(varve, TABLE)
    return varve


def create(varve, table, **properties):
    given = {"varve.maintain.tierFiles": "4", "varve.maintain.sealAfter": "0s", **properties}
    varve.ok("create", table, "--schema", SCHEMA, "--partition-by", "date", "--key", "ts,sym",
             "--zorder", "ts,sym", *(word for name, value in given.items()
                                     for word in ("--property", f"{name}={value}")))


def today():
    return dt.datetime.now(dt.timezone.utc).date().isoformat()


def fill(varve, day, batches, table=TABLE, first=0):
    """So many commits, each a file of its own: later rows are compared with none."""
    for number in range(first, first + batches):
        varve.upsert(table, "ts,sym,price\n" + "".join(
            f"{day}T{number // 60:02d}:{number % 60:02d}:{row:02d}Z,S{row % 7},{number * row}\n" for row in range(60)))


def rows(varve, *arguments, table=TABLE):
    return sorted(varve.ok("scan", table, "--format", "csv", *arguments).splitlines())


def plan(varve, *arguments):
    return varve.rows("maintain", "--plan", *arguments)


def duties(tasks):
    return sorted(task["duty"] for task in tasks)


def maintain(varve, *arguments):
    return json.loads(varve.ok("maintain", "--once", "--json", *arguments))


def files(varve, table=TABLE):
    return varve.rows("files", table)


def test_a_day_that_is_over_is_laid_out_once_and_then_left(ticks):
    fill(ticks, OLD, 6)
    before, version = rows(ticks), ticks.version(TABLE)
    tasks = plan(ticks)
    assert ticks.version(TABLE) == version
    assert not (ticks.table(TABLE) / "_varve" / "maintain").exists()  # a plan leaves nothing
    assert duties(tasks) == ["log", "seal", "vacuum"]
    seal = next(task for task in tasks if task["duty"] == "seal")
    assert (seal["partition"], seal["files"], seal["outcome"]) == (f"date={OLD}", 6, "planned")
    assert seal["reason"].startswith(f"date={OLD} has no layout yet and was last written to ")
    assert seal["reason"].endswith(" are laid out in z-order of ts,sym, once")
    done = maintain(ticks)
    assert (done["tables"], done["tasks"], done["failed"], done["left"]) == (1, 3, 0, 0)
    assert (done["files_removed"], done["files_added"]) == (6, 1)
    assert rows(ticks) == before == rows(ticks, "--at", version)
    assert len(files(ticks)) == 1
    commit = ticks.rows("history", TABLE, "--limit", "1")[0]
    assert commit["operation"] == "OPTIMIZE"
    assert commit["operationParameters"]["auto"] == "true"
    assert DeltaTable(str(ticks.table(TABLE))).to_pyarrow_table().num_rows == len(before) - 1
    version = ticks.version(TABLE)
    assert maintain(ticks)["tasks"] == 0
    assert ticks.version(TABLE) == version
    assert duties(plan(ticks)) == ["none"]
    assert "nothing is due" in plan(ticks)[0]["reason"]


def test_today_is_compacted_while_it_is_written_and_not_laid_out(ticks):
    fill(ticks, today(), 3)
    assert duties(plan(ticks)) == ["log", "vacuum"]  # too few
    fill(ticks, today(), 2, first=3)
    before = rows(ticks)
    assert maintain(ticks)["files_removed"] == 5
    assert len(files(ticks)) == 1
    assert rows(ticks) == before
    fill(ticks, today(), 2, first=5)
    assert maintain(ticks)["files_removed"] == 0
    fill(ticks, today(), 8, first=7)
    maintain(ticks)
    assert len(files(ticks)) < 4


def test_what_came_late_waits_for_its_turn_but_not_in_many_files(ticks):
    fill(ticks, OLD, 5)
    maintain(ticks)
    fill(ticks, OLD, 2, first=5)
    assert duties(plan(ticks)) == ["none"]
    assert "1 has rows that came late" in plan(ticks)[0]["reason"]
    fill(ticks, OLD, 3, first=7)
    done = plan(ticks)[0]
    assert (done["duty"], done["files"]) == ("compact", 5)
    before = rows(ticks)
    maintain(ticks)
    assert len(files(ticks)) == 2
    ticks.ok("alter", TABLE, "set", "varve.maintain.reclusterAfter=0s")
    again = plan(ticks)[0]
    assert (again["duty"], again["files"]) == ("recluster", 2)
    maintain(ticks)
    assert len(files(ticks)) == 1
    assert rows(ticks) == before


def test_a_clustered_table_is_laid_out_by_its_clustering_columns(varve):
    columns = SCHEMA.removesuffix(", date date not null")
    varve.ok("create", TABLE, "--schema", columns, "--key", "ts,sym", "--zorder", "ts",
             "--property", "varve.maintain.reclusterAfter=0s")
    varve.ok("alter", TABLE, "cluster-by", "sym,ts", "--upgrade")
    fill(varve, OLD, 3)
    seal = next(task for task in plan(varve) if task["duty"] == "seal")
    assert seal["partition"] is None and "z-order of sym,ts" in seal["reason"]
    maintain(varve)
    (commit,) = (varve.table(TABLE) / "_delta_log").glob(f"{varve.version(TABLE):020d}.json")
    (add,) = [line["add"] for line in map(json.loads, commit.read_text().splitlines())
              if "add" in line]
    assert add["clusteringProvider"] == "varve"
    assert duties(plan(varve)) == ["none"]


def rewrite(varve, version, edit, table=TABLE):
    """Edits the actions of a commit, as another engine would have written them."""
    path = varve.table(table) / "_delta_log" / f"{version:020d}.json"
    actions = [json.loads(line) for line in path.read_text().splitlines()]
    for action in actions:
        edit(action)
    path.write_text("".join(json.dumps(action) + "\n" for action in actions))


def test_files_that_another_engine_has_clustered_are_left_alone(varve):
    """They are laid out as they are."""
    columns = SCHEMA.removesuffix(", date date not null")
    varve.ok("create", TABLE, "--schema", columns, "--key", "ts,sym",
             "--property", "varve.maintain.tierFiles=4")
    varve.ok("alter", TABLE, "cluster-by", "sym,ts", "--upgrade")
    fill(varve, OLD, 5)

    def cluster(action):
        if "add" in action:
            action["add"]["clusteringProvider"] = "liquid"
    for version in range(2, 7):
        rewrite(varve, version, cluster)
    before = sorted(row["path"] for row in files(varve))
    assert duties(plan(varve)) == ["log", "vacuum"]
    assert maintain(varve)["files_removed"] == 0
    assert sorted(row["path"] for row in files(varve)) == before
    assert "of 1 partition 0 may still be written to" in plan(varve)[0]["reason"]
    fill(varve, OLD, 4, first=5)
    assert maintain(varve)["files_removed"] == 4  # those that nobody has clustered
    assert set(before) < {row["path"] for row in files(varve)}


def test_vacuum_keeps_what_a_tag_needs_until_it_is_dropped(varve):
    create(varve, TABLE, **{"delta.deletedFileRetentionDuration": "interval 0 seconds",
                            "varve.maintain.vacuumEvery": "0s"})
    fill(varve, OLD, 5)
    tagged = rows(varve)
    varve.ok("tag", "create", "q1")
    varve.ok("delete", TABLE, "--where", "sym = 'S1'")
    left = rows(varve)
    maintain(varve)
    assert rows(varve, "--at", "q1") == tagged
    vacuum = next(task for task in plan(varve) if task["duty"] == "vacuum")
    assert vacuum["files"] is None and "5 more stay for tags and holds" in vacuum["reason"]
    varve.ok("tag", "drop", "q1")
    assert maintain(varve)["files_vacuumed"] == 5
    assert rows(varve) == left


def test_a_folder_that_is_kept_for_ever_is_looked_through_once_a_day(varve):
    create(varve, TABLE)

    def keep(action):
        if "metaData" in action:
            action["metaData"]["configuration"]["delta.deletedFileRetentionDuration"] = "for ever"
    rewrite(varve, 0, keep)
    maintain(varve)
    state = json.loads((varve.table(TABLE) / "_varve" / "maintain" / "state.json").read_text())
    assert len(state) > 1 and all(state.values()), state


def test_the_log_goes_to_the_ledger_and_gets_checkpoints(ticks):
    ticks.ok("alter", TABLE, "set", "delta.checkpointInterval=1000")
    fill(ticks, today(), 12)
    ticks.ok("alter", TABLE, "set", "delta.checkpointInterval=10")
    maintain(ticks)
    log = ticks.table(TABLE) / "_delta_log"
    assert len(list(log.glob("*.checkpoint.parquet"))) == 1
    ledger = list((ticks.table(TABLE) / "_varve" / "ledger").iterdir())
    assert [path.suffix for path in ledger] == [".vl"]
    ticks.ok("verify", TABLE)


def test_a_table_that_fails_does_not_keep_the_others_from_being_done(varve):
    for name in ("a", "b", "c"):
        create(varve, name)
        fill(varve, OLD, 4, table=name)
    commits = sorted((varve.table("b") / "_delta_log").glob("*.json"))
    commits[-1].write_text("no JSON")
    done = varve.run("maintain", "--once", "--json")
    assert done.returncode == 6, done.stderr
    result = json.loads(done.stdout)
    assert (result["tables"], result["failed"]) == (3, 1)
    quiet = varve.run("maintain", "--once", "--quiet")
    assert quiet.returncode == 6 and quiet.stderr.startswith("varve: table b: "), quiet.stderr
    doctor = varve.run("doctor")
    assert doctor.returncode == 6 and doctor.stderr.startswith("varve: table b: "), doctor.stderr
    assert doctor.stderr.count("table b") == 1
    assert len(files(varve, "a")) == len(files(varve, "c")) == 1
    tasks = varve.run("maintain", "--plan", "--format", "ndjson")
    bad = [task for task in map(json.loads, tasks.stdout.splitlines()) if task["table"] == "b"]
    assert [task["outcome"] for task in bad] == ["failed"] and bad[0]["note"]


def test_a_table_may_want_none_or_no_compaction(varve):
    create(varve, TABLE, **{"varve.maintain": "false"})
    fill(varve, OLD, 5)
    assert plan(varve)[0]["reason"] == "the table wants no maintenance: varve.maintain is false"
    maintain(varve)
    assert len(files(varve)) == 5
    assert not (varve.table(TABLE) / "_varve" / "maintain").exists()
    varve.ok("alter", TABLE, "set", "varve.maintain=true", "delta.autoOptimize.autoCompact=false")
    fill(varve, today(), 5)
    maintain(varve)
    assert len(files(varve)) == 6


def test_properties_that_make_no_sense_are_refused(ticks):
    for wrong in ("varve.maintain=perhaps", "varve.maintain.tierFiles=1",
                  "varve.maintain.sealAfter=soon", "varve.maintain.vacuumEvery=-1d"):
        done = ticks.run("alter", TABLE, "set", wrong)
        assert done.returncode == 2 and wrong.split("=")[0] in done.stderr
    for wrong in (("--plan", "--once"), ("--once", "--interval", "5s"), ("no_such_table", "--once")):
        assert ticks.run("maintain", *wrong).returncode in (2, 5)


def test_the_second_of_two_leaves_the_table_to_the_first(ticks):
    fill(ticks, OLD, 5)
    maintain(ticks, TABLE)
    fill(ticks, today(), 5)
    folder = os.open(ticks.table(TABLE) / "_varve" / "maintain", os.O_RDONLY)
    fcntl.flock(folder, fcntl.LOCK_EX)
    result = maintain(ticks)
    assert (result["tasks"], result["left"], result["failed"]) == (0, 1, 0)
    os.close(folder)
    assert maintain(ticks)["files_removed"] == 5


@pytest.mark.slow
def test_a_writer_and_the_loop_at_the_same_time(ticks):
    """No failure on either side; the loop says a line a run and ends by SIGTERM."""
    command = [str(ticks.program), "--lake", str(ticks.lake), "maintain", "--interval", "1s"]
    said = []
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as loop:
        reader = threading.Thread(target=lambda: said.extend(loop.stderr))
        reader.start()
        begun = time.monotonic()
        number = 0
        try:
            while (time.monotonic() < begun + 5 or len(said) < 3) and \
                    time.monotonic() < begun + 60:
                fill(ticks, (OLD, today())[number % 2], 1, first=number)
                number += 1
        finally:
            loop.send_signal(signal.SIGTERM)
        assert loop.wait(60) == 0
        reader.join(60)
    assert len(said) >= 3 and all(" 1 table: " in line for line in said), said
    assert not any("failed" in line for line in said), said
    assert len(rows(ticks)) == number * 60 + 1
    assert len(files(ticks)) < number
    ticks.ok("verify", TABLE)


def test_a_table_that_varve_may_not_write_is_skipped_and_no_failure(varve):
    for name in ("a", "b", "c", "d"):
        create(varve, name)
        fill(varve, OLD, 4, table=name)

    def need(feature, reads):
        def edit(action):
            if "protocol" in action:
                action["protocol"] = {
                    "minReaderVersion": 3 if reads else 1, "minWriterVersion": 7,
                    **({"readerFeatures": [feature]} if reads else {}),
                    "writerFeatures": [feature]}
        return edit
    rewrite(varve, 0, need("fromTheFuture", False), table="b")
    rewrite(varve, 0, need("fromAfar", True), table="d")
    skipped = {task["table"]: task for task in plan(varve) if task["outcome"] == "skipped"}
    assert set(skipped) == {"b", "d"}
    assert skipped["b"]["reason"] == ('skipped: the table has the feature "fromTheFuture", which '
                                      "Varve does not write; reading it is fine")
    assert '"fromAfar"' in skipped["d"]["reason"]
    done = maintain(varve)
    assert (done["tables"], done["failed"], done["skipped"]) == (4, 0, 2)
    assert done["failure"] is None
    assert len(files(varve, "a")) == len(files(varve, "c")) == 1
    assert len(files(varve, "b")) == 4
    assert "; 2 skipped" in varve.run("maintain", "--once").stderr
    box = varve.ok("maintain", "--plan", "--format", "box")
    assert 'skipped: the table has the feature "fromTheFuture"' in box
    named = varve.run("maintain", "b", "--once")  # who asks for it is told
    assert named.returncode == 7 and '"fromTheFuture"' in named.stderr
    ingest = varve.run("ingest", "a", "--maintain", "--maintain-every", "1s", "--json", stdin="")
    assert ingest.returncode == 0, ingest.stderr
