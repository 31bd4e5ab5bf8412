"""docs/backup.md does what it says: its script, run while others write, and its other commands."""

import json
import os
import re
import shutil
import signal
import stat
import subprocess

import pytest
from conftest import ROOT, Varve
from waiting import until_it_minds

PAGE = (ROOT / "docs" / "backup.md").read_text("utf-8")
SCRIPT = re.search(r"^```sh\n(#!.*?)^```", PAGE, re.DOTALL | re.MULTILINE).group(1)
TOOLS = ["cp", "ls", "tar", "awk"]  # what the script works with: each is preceded by writes

# Before each of the script's programs every table gets commits, a tag, a bad row and a checkpoint.
WRITES = """#!/bin/sh
number=$(date +%s%N)
for table in ticks marked; do
    printf 'at,v\\n%s,%s\\nx,bad%s\\n' "$(date -u +%FT%T.%N | cut -c1-26)Z" "$number" "$number" |
        "$VARVE" upsert $table - --quarantine >> "$LOG" 2>&1 || exit 99
    "$VARVE" delete $table --where 'v % 3 = 0' >> "$LOG" 2>&1 || exit 99
done
"$VARVE" tag create "t$number" >> "$LOG" 2>&1 || exit 99
"$VARVE" maintain --once >> "$LOG" 2>&1 || exit 99
PATH=$OWN_PATH exec TOOL "$@"
"""


def head_of(varve, table):
    return json.loads(varve.ok("seal", table))["head"]


def rows_of(varve, table, *more):
    return varve.ok("query", f"FROM {table} ORDER BY ALL", "--format", "csv", *more)


@pytest.fixture
def lake(varve):
    """Two tables, one with deletion vectors, with checkpoints, tags and rows in quarantine."""
    for name, more in (("ticks", []), ("marked", ["--property", "delta.enableDeletionVectors=true"])):
        varve.ok("create", name, "--schema", "at timestamp not null, v bigint", "--key", "at",
                 "--property", "delta.checkpointInterval=4", *more)
        for number in range(9):
            varve.upsert(name, f"at,v\n2025-01-01T00:00:0{number}Z,{number}\nx,y{number}\n", "--quarantine")
    varve.ok("tag", "create", "before")
    varve.ok("maintain", "--once")
    return varve


def back_up(lake, folder, script=SCRIPT):
    """Runs the script with writes before each step of it."""
    tools = folder / "tools"
    tools.mkdir()
    for tool in TOOLS:
        (tools / tool).write_text(WRITES.replace("TOOL", tool))
        (tools / tool).chmod(0o755)
    path = folder / "backup.sh"
    path.write_text(script)
    path.chmod(path.stat().st_mode | stat.S_IXUSR)
    log = folder / "writes.log"
    env = {**os.environ, "PATH": f"{tools}:{os.environ['PATH']}", "OWN_PATH": os.environ["PATH"],
           "VARVE": str(lake.program), "VARVE_LAKE": str(lake.lake), "LOG": str(log)}
    done = subprocess.run([str(path), str(lake.lake), str(folder / "copy")], env=env, text=True,
                          capture_output=True, check=False, timeout=300)
    assert done.returncode == 0, (done.stderr, log.read_text()[-2000:])
    return Varve(lake.program, folder / "copy")


def check(copy, lake):
    """The copy is whole, and each of its tables a version of the original's."""
    done = copy.run("verify", "--deep", "--json")
    assert done.returncode == 0, done.stdout
    for table in ("ticks", "marked"):
        version = copy.version(table)
        assert version < lake.version(table)  # there were writes behind it
        lake.ok("verify", table, "--head", head_of(copy, table))
        assert rows_of(copy, table) == rows_of(lake, table, "--at", str(version))
        assert rows_of(copy, table, "--at", "before") == rows_of(lake, table, "--at", "before")
        history = copy.rows("history", table)
        assert history == [row for row in lake.rows("history", table) if row["version"] <= version]
        # What was set aside before a commit of the copy is in it.
        newest = history[0]["timestamp"]
        aside = {row["id"] for row in lake.rows("quarantine", "list", table) if row["arrival"] <= newest}
        assert len(aside) > 9 and aside <= {row["id"] for row in copy.rows("quarantine", "list", table)}


@pytest.mark.slow
def test_the_script_copies_a_lake_that_is_written_to(lake, tmp_path):
    with subprocess.Popen([str(lake.program), "--lake", str(lake.lake), "ingest", "ticks", "--interval",
                           "50ms", "--maintain", "--quiet", "-"], stdin=subprocess.PIPE, text=True) as ingest:
        for number in range(2000):
            ingest.stdin.write(f'{{"at":"2025-02-01T00:00:00.{number:06d}Z","v":{number}}}\n')
        ingest.stdin.flush()
        until_it_minds(ingest, signal.SIGTERM)
        copy = back_up(lake, tmp_path)
        ingest.stdin.close()
        assert ingest.wait(timeout=60) == 0
    check(copy, lake)
    assert not [path for path in copy.lake.rglob("*") if path.name.startswith(".tmp-")]
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        "backup.sh", "copy", "lake", "tools", "writes.log"]


@pytest.mark.slow
@pytest.mark.parametrize("wrong", ["the log last", "tags behind the log"])
@pytest.mark.contradicts_itself
def test_in_another_order_it_would_not_be_one(lake, tmp_path, wrong):
    """What the page warns of does happen, and verify tells of it."""
    head, steps, tail = re.split(r"(?ms)^(    for part in.*?)^done\n", SCRIPT)
    first, second, third = re.split(r"(?m)^(?=    (?:ls \"\$log\" \| grep|\{ tar -C \"\$from\"))", steps)
    order = {"the log last": first + third + second, "tags behind the log": second + third + first}
    copy = back_up(lake, tmp_path, head + order[wrong] + "done\n" + tail)
    done = copy.run("verify", "--json")
    kind = {"the log last": "file.missing", "tags behind the log": "commit.missing"}[wrong]
    assert done.returncode == 10 and f'"{kind}"' in done.stdout


@pytest.mark.slow
def test_a_copy_is_restored_and_written_to(lake, tmp_path):
    lake.ok("hold", "add", "copying")
    copy = back_up(lake, tmp_path)
    lake.ok("hold", "release", "copying")
    lost = head_of(lake, "ticks")
    noted = head_of(copy, "ticks")
    lake.lake.rename(tmp_path / "lake.broken")
    subprocess.run(["cp", "-a", str(copy.lake), str(lake.lake)], check=True)
    lake.ok("verify", "--deep")
    lake.ok("verify", "ticks", "--head", noted)
    done = lake.run("verify", "ticks", "--head", lost)
    assert done.returncode == 10 and "head.unknown" in lake.run(
        "verify", "ticks", "--head", lost, "--json").stdout
    lake.ok("hold", "release", "copying")
    lake.upsert("ticks", "at,v\n2025-03-01T00:00:00Z,1\n")
    lake.ok("vacuum", "ticks", "--yes")
    lake.ok("verify", "--deep")
    assert copy.run("verify", "--deep").returncode == 0


# As tar does where a file can't be read (2), or changes or goes while it is read (1).
FAILING_TAR = """#!/bin/sh
PATH=$OWN_PATH tar "$@" || exit
for argument; do
    [ "$argument" != "$STEP" ] || exit $STATUS
done
"""


@pytest.mark.parametrize(("step", "status", "is_whole"), [
    ("-T", 2, False), ("--exclude=./_varve/pins", 2, False), ("--exclude=./_varve/pins", 1, True)])
def test_a_copy_that_lacks_a_file_gets_no_name(lake, tmp_path, step, status, is_whole):
    (tmp_path / "tools").mkdir()
    for name, text in (("tools/tar", FAILING_TAR), ("backup.sh", SCRIPT)):
        (tmp_path / name).write_text(text)
        (tmp_path / name).chmod(0o755)
    done = subprocess.run([str(tmp_path / "backup.sh"), str(lake.lake), str(tmp_path / "copy")], env={
        **os.environ, "PATH": f"{tmp_path / 'tools'}:{os.environ['PATH']}", "OWN_PATH": os.environ["PATH"],
        "STEP": step, "STATUS": str(status)}, check=False, timeout=60)
    made = {path.name for path in tmp_path.iterdir()} - {"tools", "backup.sh", "lake"}
    if is_whole:
        assert done.returncode == 0 and made == {"copy"}
    else:
        assert done.returncode == 1 and made == {"copy.part", "copy.failed"}
        assert all(name in (tmp_path / "copy.failed").read_text() for name in ("ticks", "marked"))


def test_a_copy_that_is_there_is_not_taken_for_a_new_one(lake, tmp_path):
    def run(*words):
        (tmp_path / "backup.sh").write_text(SCRIPT)
        return subprocess.run(["sh", "backup.sh", *words], cwd=tmp_path, capture_output=True, text=True,
                              check=False, timeout=60)
    assert run(lake.lake, "copy").returncode == 0
    before = rows_of(Varve(lake.program, tmp_path / "copy"), "ticks")
    lake.upsert("ticks", "at,v\n2025-03-01T00:00:00Z,1\n")
    for name in ("copy", "copy/"):
        done = run(lake.lake, name)
        assert (done.returncode, done.stderr) == (1, "copy is there already\n")
    assert rows_of(Varve(lake.program, tmp_path / "copy"), "ticks") == before
    assert run("no lake", "other").returncode != 0
    assert sorted(path.name for path in tmp_path.iterdir()) == ["backup.sh", "copy", "lake"]


def follow(varve, path, *more):
    """Takes what a followed file has by now."""
    with subprocess.Popen([str(varve.program), "--lake", str(varve.lake), "ingest", "feed", "--follow",
                           str(path), "--quiet", *more], stdin=subprocess.DEVNULL) as ingest:
        until_it_minds(ingest, signal.SIGTERM)
        ingest.send_signal(signal.SIGTERM)
        assert ingest.wait(timeout=60) == 0


@pytest.mark.parametrize(("way", "order", "value"), [
    ("whole", None, 99), ("without the spool", None, 1), ("without the spool", "at", 99),
    ("by the script", None, 1), ("by the script", "at", 99)])
def test_a_followed_file_after_a_restoring(varve, tmp_path, way, order, value):
    """With the spool it goes on; without, it begins again, which only an order value makes nothing of."""
    varve.ok("create", "feed", "--schema", "k bigint not null, at bigint, v bigint", "--key", "k",
             *(["--order-by", order] if order else []))
    log = tmp_path / "feed.ndjson"
    log.write_text('{"k":1,"at":1,"v":1}\n')
    follow(varve, log)
    varve.upsert("feed", "k,at,v\n1,2,99\n")
    copy = tmp_path / "copy"
    if way == "by the script":
        (tmp_path / "backup.sh").write_text(SCRIPT)
        subprocess.run(["sh", str(tmp_path / "backup.sh"), str(varve.lake), str(copy)], check=True)
    else:
        subprocess.run(["cp", "-a", str(varve.lake), str(copy)], check=True)
    if way == "without the spool":
        for name in ("spool", "spool.follow"):
            shutil.rmtree(copy / "_varve" / name)
    varve.lake.rename(tmp_path / "lake.broken")
    subprocess.run(["cp", "-a", str(copy), str(varve.lake)], check=True)
    with log.open("a") as file:
        file.write('{"k":2,"at":1,"v":2}\n')
    follow(varve, log, *(["--adopt"] if way == "whole" else []))
    assert varve.ok("query", "SELECT k, v FROM feed ORDER BY k", "--format", "csv") == f"k,v\n1,{value}\n2,2\n"
