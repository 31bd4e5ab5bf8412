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


@pytest.mark.parametrize("wrong", ["the log last", "tags behind the log"])
@pytest.mark.contradicts_itself
def test_in_another_order_it_would_not_be_one(lake, tmp_path, wrong):
    """What the page warns of does happen, and verify tells of it."""
    head, steps, tail = re.split(r"(?ms)^(    for part in.*?)^done\n", SCRIPT)
    first, second, third = re.split(r"(?m)^(?=    (?:ls \"\$log\" \| grep|tar -C \"\$from\"))", steps)
    order = {"the log last": first + third + second, "tags behind the log": second + third + first}
    copy = back_up(lake, tmp_path, head + order[wrong] + "done\n" + tail)
    done = copy.run("verify", "--json")
    kind = {"the log last": "file.missing", "tags behind the log": "commit.missing"}[wrong]
    assert done.returncode == 10 and f'"{kind}"' in done.stdout


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
