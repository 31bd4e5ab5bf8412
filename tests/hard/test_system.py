"""A system that moves part of the bytes, interrupts, fails now and then, cannot link, or has lost the
time: a change is made or is not made. system.c, preloaded, is that system.
"""

import json
import os
import shutil
import subprocess

import pytest
from deeds import DEEDS, IN_STEPS, IO, PINS, SOME, UNKNOWN, do_again, held, is_done

DAY = 86400
UNSUPPORTED = 7
# The n-th call of each kind fails, n by these steps; VARVE_HARD_STEPS=1 tries each n.
STEPS = int(os.environ.get("VARVE_HARD_STEPS", "0"))


def odd(varve, **settings):
    """The environment of a command on such a system."""
    system = varve.program.resolve().parent / "tests" / "hard" / "libhard_system.so"
    return {"LD_PRELOAD": str(system), "VARVE_HARD_ROOT": f"{varve.lake}/",
            **{f"VARVE_HARD_{name.upper()}": str(value) for name, value in settings.items()}}


def do(varve, name, **settings):
    arguments, text = DEEDS[name]
    return varve.run(*arguments, stdin=text, env=odd(varve, **settings))


@pytest.mark.parametrize("name", SOME)
def test_reads_and_writes_that_move_a_third(copy, finished, name):
    assert held(copy, finished, name, do(copy, name, short=1)) == 0


def read_counts(path):
    return {call: int(count) for call, count in map(str.split, path.read_text().splitlines())}


@pytest.mark.parametrize("name", SOME)
def test_calls_that_are_interrupted(copy, finished, name, tmp_path):
    """Those of Varve are made again, whichever they are."""
    path = tmp_path / "counts"
    done = do(copy, name, eintr=2, spare=".parquet", counts=path)
    assert held(copy, finished, name, done) == 0
    assert read_counts(path)["interrupted"] >= 5


@pytest.mark.parametrize("name", ["upsert", "checkpoint", "optimize", "adopt"])
def test_calls_of_the_engine_that_are_interrupted(copy, finished, name, tmp_path):
    """It takes its files to be local, and may give up; on its own files alone."""
    path = tmp_path / "counts"
    done = do(copy, name, eintr=2, counts=path)
    if held(copy, finished, name, done) != 0:
        assert done.returncode == IO and "Interrupted system call" in done.stderr, done.stderr
        assert "IO Error: " in done.stderr and ".parquet" in done.stderr, done.stderr
    assert read_counts(path)["interrupted"] >= 1


def counts_of(varve, name, tmp_path):
    """How often each call is made by a deed that is done well."""
    path = tmp_path / "counts"
    assert do(varve, name, counts=path).returncode == 0
    return read_counts(path)


def places(count):
    if STEPS:
        return range(1, count + 1, STEPS)
    return sorted({1 + count // 2, count} if count else set())


def deeds_that_fail():
    return SOME if STEPS else ("upsert", "checkpoint", "release")


@pytest.mark.slow
@pytest.mark.parametrize("name", deeds_that_fail())
def test_each_kind_of_call_fails_once(varve_on, finished, name, tmp_path):
    failures = 0
    made = varve_on(tmp_path / "counted" / "lake")
    shutil.copytree(finished[0].lake, made.lake)
    for call, count in counts_of(made, name, tmp_path).items():
        for nth in places(count):
            varve = varve_on(tmp_path / f"{call}{nth}" / "lake")
            shutil.copytree(finished[0].lake, varve.lake)
            done = do(varve, name, eio=f"{call}:{nth}")
            if held(varve, finished, name, done) != 0:
                failures += 1
                assert done.returncode in (IO, UNKNOWN), done
                assert "Input/output error" in done.stderr, done.stderr
                if STEPS or name in IN_STEPS:
                    do_again(varve, name)
                    assert is_done(varve, finished, name)
    assert failures >= (4 if name not in PINS else 1)


# ---- A log whose folder can't be synced --------------------------------------------------------


@pytest.mark.parametrize("command, said", [
    (("upsert", "t", "-", "--app-id", "a", "--app-version", "1"), "was applied before"),
    (("upsert", "t", "-"), "1 unchanged"),
    (("delete", "t", "--where", "k = 1"), "no such rows"),
    (("alter", "t", "set", "mine.x=1"), "like that already"),
    (("create", "made", "--schema", "k int"), "was there already"),
    (("restore", "t", "--version", "0", "--yes"), "as it was at version 0 already"),
])
def test_what_may_not_outlive_a_power_cut_is_not_told_to_be_done(varve, command, said):
    """Nor by a call that finds it done, which may be by a process that has not synced it yet."""
    varve.ok("create", "t", "--schema", "k bigint not null, n bigint", "--key", "k")
    varve.upsert("t", "k,n\n1,1\n")
    fails = {"env": {"VARVE_TEST_SEAMS": "fail=store.fsync_folder:1"}, "stdin": "k,n\n1,2\n"}
    done = varve.run(*command, **fails)
    assert done.returncode == UNKNOWN and "may have been written" in done.stderr, done
    done = varve.run(*command, **fails)
    assert done.returncode == IO and "may not outlive a power cut" in done.stderr, done
    done = varve.run(*command, stdin="k,n\n1,2\n")
    assert done.returncode == 0 and said in done.stderr + done.stdout, done
    assert varve.version("t") == (1 if command[0] == "create" else 2)


# ---- A file system without hard links -----------------------------------------------------------


@pytest.mark.parametrize("name", SOME)
def test_a_file_system_without_hard_links(copy, finished, name):
    assert held(copy, finished, name, do(copy, name, no_link=1)) == 0


@pytest.mark.parametrize("name", ["upsert", "delete", "optimize", "alter"])
def test_one_that_would_overwrite_commits_is_refused(copy, finished, name):
    done = do(copy, name, no_link=1, no_rename=1)
    assert held(copy, finished, name, done) == UNSUPPORTED
    assert "two writers would overwrite each other" in done.stderr


def test_writers_at_once_without_hard_links(varve):
    varve.ok("create", "t", "--schema", "k bigint not null, n bigint", "--key", "k")
    writers = []
    for writer in range(6):
        text = "".join(f'{{"k": {key}, "n": {writer}}}\n' for key in range(writer, writer + 6))
        command = [varve.program, "--lake", varve.lake, "upsert", "t", "-", "--input-format",
                   "ndjson"]
        process = subprocess.Popen(command, stdin=subprocess.PIPE, stderr=subprocess.PIPE,
                                   text=True, env={**os.environ, **odd(varve, no_link=1)})
        process.stdin.write(text)
        process.stdin.close()
        writers.append(process)
    for process in writers:
        said = process.stderr.read()
        assert process.wait(timeout=60) == 0, said
        process.stderr.close()
    assert varve.version("t") == 6
    keys = [row["k"] for row in varve.rows("scan", "t")]
    assert sorted(keys) == list(range(11))
    varve.ok("verify", "t", "--deep")


# ---- Clocks -------------------------------------------------------------------------------------


@pytest.fixture
def timed(varve):
    varve.ok("create", "t", "--schema", "k bigint not null, v bigint, seen timestamp", "--key", "k",
             "--order-by", "seen")
    return varve


def put(varve, value, **settings):
    return varve.upsert("t", f"k,v\n1,{value}\n", env=odd(varve, **settings))


def times(varve):
    return [row["timestamp"] for row in reversed(varve.rows("history", "t"))]


@pytest.mark.parametrize("clocks", [
    [10 * DAY, 0, -10 * DAY, 0],        # set back, and back again
    [0, 3600, 0, 3600, 0, 3600],        # two machines, one an hour fast
    [-400 * DAY, -400 * DAY, 0, -1],    # one that came up in another year
], ids=["set back", "two clocks", "another year"])
@pytest.mark.slow
def test_whatever_the_clock_the_last_to_come_is_the_newest(timed, clocks):
    for number, clock in enumerate(clocks):
        assert put(timed, number, clock=clock)["rows_written"] == 1
        assert [row["v"] for row in timed.rows("scan", "t")] == [number]
    told = times(timed)
    assert told == sorted(set(told))  # of two commits the later one has the later time
    for version, moment in enumerate(told[1:], 1):
        assert [row["v"] for row in timed.rows("scan", "t", "--at", moment)] == [version - 1]
    timed.ok("verify", "t", "--deep")


def test_a_clock_that_runs_backwards(timed):
    """Each look at it is an hour before the last: no span is negative, no time goes back."""
    for number in range(3):
        put(timed, number, clock_back=3600)
    timed.ok("update", "t", "--where", "k = 1", "--set", "v = 7", env=odd(timed, clock_back=3600))
    timed.ok("optimize", "t", env=odd(timed, clock_back=3600))
    assert times(timed) == sorted(set(times(timed)))
    for row in timed.rows("history", "t"):
        for name, value in (row["operationMetrics"] or {}).items():
            assert int(value) >= 0, f"{row['operation']}: {name}"
    assert [row["v"] for row in timed.rows("scan", "t")] == [7]


def test_a_vacuum_by_a_slow_clock_takes_nothing_that_is_needed(timed):
    for number in range(3):
        put(timed, number)
    timed.ok("vacuum", "t", "--yes", "--retain", "0s", "--unsafe", env=odd(timed, clock=-DAY))
    for version in range(1, 4):
        assert [row["v"] for row in timed.rows("scan", "t", "--version", version)] == [version - 1]


def test_a_feed_by_a_clock_that_is_set_back(timed):
    for number, clock in enumerate([DAY, 0, -DAY]):
        timed.ok("ingest", "t", "-", stdin=json.dumps({"k": 1, "v": number}) + "\n",
                 env=odd(timed, clock=clock))
        assert [row["v"] for row in timed.rows("scan", "t")] == [number]
