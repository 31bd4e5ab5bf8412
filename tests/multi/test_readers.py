"""Readers beside all that changes a table or takes files away: never half a commit, never an error."""

import itertools
import json
import os
import subprocess
import threading
import time

import pytest

DAY = 86400
SECONDS = 4
PAIRS = 12
# A commit writes both rows of a pair, which lie in two partitions, so that each version sums up to zero.
QUESTION = "SELECT coalesce(sum(v), 0) AS sum, count(*) % 2 AS odd, count(*) AS n FROM pairs"


def pair(number, value):
    return f"{number},left,{value}\n{number},right,{-value}\n"


def clock(varve, days):
    system = varve.program.resolve().parent / "tests" / "hard" / "libhard_system.so"
    return {"LD_PRELOAD": str(system), "VARVE_HARD_ROOT": f"{varve.lake}/", "VARVE_HARD_CLOCK": str(days * DAY)}


@pytest.fixture
def pairs(varve):
    """A table with commits that may leave the log, and files that a vacuum may take."""
    env = clock(varve, -30)
    varve.ok("create", "pairs", "--schema", "id int not null, side string not null, v bigint",
             "--key", "id,side", "--partition-by", "side", "--history", "10d",
             "--property", "delta.logRetentionDuration=interval 1 days", env=env)
    for value in range(4):
        rows = "".join(pair(number, value) for number in range(PAIRS))
        varve.upsert("pairs", "id,side,v\n" + rows, env=env)
    for path in varve.table("pairs").rglob("*.parquet"):
        os.utime(path, (time.time() - 30 * DAY,) * 2)
    return varve


class Beside:
    """Threads that call the program again and again until the time is over, and each often enough."""

    def __init__(self, varve, seconds):
        self.varve, self.until = varve, time.monotonic() + seconds
        self.failed, self.threads = [], []

    def start(self, work, least):
        """`work(n)` for n = 0, 1, ..."""
        def loop():
            try:
                for number in itertools.count():
                    if self.failed or time.monotonic() > self.until and number >= least:
                        return
                    work(number)
            except BaseException as error:  # pylint: disable=broad-exception-caught
                self.failed.append(error)
        self.threads.append(threading.Thread(target=loop))
        self.threads[-1].start()

    def end(self):
        for thread in self.threads:
            thread.join()
        for error in self.failed:
            raise error


def change(varve, turn):
    """Whether it was made: CONFLICT is an answer, too."""
    number, value = turn % PAIRS, 10 + turn
    rows = "id,side,v\n" + pair(number, value) + pair((number + 5) % PAIRS, value)
    arguments, text = (
        (["upsert", "pairs", "-"], rows),
        (["update", "pairs", "--where", f"id = {number}", "--set", "v = v * 2"], None),
        (["upsert", "pairs", "-"], rows),
        (["delete", "pairs", "--where", f"id = {number}"], None),
        (["overwrite", "pairs", "-", "--where", "id >= 0", "--yes"], rows),
        (["restore", "pairs", "--version", "", "--yes"], None))[turn % 6]
    if "restore" in arguments:
        arguments[3] = varve.version("pairs") - 2
    done = varve.run(*arguments, stdin=text)
    assert done.returncode in (0, 4), done.stderr
    return done.returncode == 0


def keep_up(varve, turn):
    kinds = ((["optimize", "pairs"], 0), (["checkpoint", "pairs"], 5), (["vacuum", "pairs", "--yes"], 0))
    kind, days = kinds[turn % len(kinds)]
    done = varve.run(*kind, env=clock(varve, days))
    assert done.returncode in (0, 4), done.stderr


def whole(answers):
    rows = [json.loads(line) for line in answers.splitlines()]
    assert all((row["sum"], row["odd"]) == (0, 0) for row in rows), answers
    return [row["n"] for row in rows]


@pytest.mark.slow
def test_readers_beside_writers_and_upkeep(pairs):
    log = pairs.table("pairs") / "_delta_log"
    files = set(pairs.table("pairs").rglob("*.parquet"))
    done = {"changes": 0, "seen": []}

    def write(turn):
        done["changes"] += change(pairs, turn)

    def ask(_):
        done["seen"] += whole(pairs.ok("query", QUESTION, "--format", "ndjson"))

    def ask_in_one_process(_):
        command = [pairs.program, "--lake", pairs.lake, "--format", "ndjson", "shell"]
        with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                              text=True) as shell:
            for _ in range(40):
                shell.stdin.write(QUESTION + ";\n")
                shell.stdin.flush()
                done["seen"] += whole(shell.stdout.readline())
            said = shell.communicate()[1]
            assert shell.returncode == 0, said

    beside = Beside(pairs, SECONDS)
    for work, least in ((write, 6), (lambda turn: write(turn + 3), 6), (lambda turn: keep_up(pairs, turn), 3),
                        (ask, 5), (ask_in_one_process, 1)):
        beside.start(work, least)
    beside.end()
    assert done["changes"] >= 6 and len(done["seen"]) > 40 and len(set(done["seen"])) > 1
    # What was taken away meanwhile: commits, and the files of the versions of a month ago.
    assert not (log / f"{1:020d}.json").exists() and not all(path.exists() for path in files)
    pairs.ok("verify", "pairs", "--deep")
