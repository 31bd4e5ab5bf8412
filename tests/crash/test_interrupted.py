"""Ctrl-C at any time in what reads, proves, exports and keeps up (test_deeds_kill.py has what writes):
it ends soon, says so or is done, leaves nothing half made, and the table as it was. Before its first
call, and where most of it is to come, it certainly says so."""

import json
import pathlib
import random
import shutil
import signal
import subprocess
import time

import points
import pytest
from waiting import until_it_minds

INTERRUPTED = 130
SOON = 30  # seconds, of a machine that has other work
VERSIONS = 12
COMMANDS = {
    "verify": ["verify", "t", "--deep"],
    "changes": ["changes", "t", "--from", "0", "--format", "csv"],
    "trace": ["trace", "t", "k=7"],
    "history": ["history", "t"],
    "doctor": ["doctor", "t", "--keys"],
    "leak-check": ["leak-check", "SELECT sum(v) FROM t", "--known-at", "2020-01-01T00:00:00Z"],
    "export": ["export", "-o", "OUT", "t"],
    "scan": ["scan", "t", "-o", "OUT"],
    "query": ["query", "SELECT a.k, b.v FROM t a JOIN t b USING (k) ORDER BY b.v", "-o", "OUT"],
    "seal": ["seal", "t"],
    "vacuum": ["vacuum", "t", "--yes", "--retain", "0s", "--unsafe"],
    "maintain": ["maintain", "--once"],
    "tag": ["tag", "create", "TAG"],
    "describe": ["describe", "t", "--json"],
}
OUTPUTS = {"export", "scan", "query"}


@pytest.fixture(scope="module")
def made(varve_on, tmp_path_factory):
    varve = varve_on(tmp_path_factory.mktemp("made") / "lake")
    varve.ok("create", "t", "--schema", "k bigint not null, v bigint, note string", "--key", "k",
             "--property", "delta.enableChangeDataFeed=true")
    for version in range(VERSIONS):
        varve.upsert("t", "k,v,note\n" + "".join(
            f"{key},{version},{key * 7919 % 100003:x}\n"
            for key in range(version * 500, version * 500 + 2500)))
    return varve, rows(varve)


def rows(varve):
    return varve.ok("query", "SELECT count(*), sum(k), sum(v) FROM t", "--format", "csv")


def run_until(varve, words, share):
    """Starts it, interrupts it after such a time; (status, what it said, seconds from there on)."""
    process = subprocess.Popen([str(varve.program), "--lake", str(varve.lake), *words],
                               stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                               stderr=subprocess.PIPE, text=True)
    try:
        until_it_minds(process, signal.SIGINT)
        time.sleep(share)
        process.send_signal(signal.SIGINT)
    except (AssertionError, FileNotFoundError):
        pass  # it was done before
    begun = time.monotonic()
    _, said = process.communicate(timeout=120)
    return process.returncode, said, time.monotonic() - begun


def run_to(varve, words, seam, nth):
    """The same, interrupted at such a passage of a seam."""
    begun = time.monotonic()
    done = varve.run(*words, env={"VARVE_TEST_SEAMS": f"interrupt={seam}:{nth}"})
    assert done.returncode == INTERRUPTED, (seam, nth, done)
    return done.returncode, done.stderr, time.monotonic() - begun


def size(path):
    """How many lines, or files: what the same rows make each time."""
    if path.is_dir():
        return sum(1 for _ in path.rglob("*"))
    return path.read_bytes().count(b"\n")


def words_of(name, folder, number):
    return [str(folder / f"out{number}.csv" if name != "export" else folder / f"out{number}")
            if word == "OUT" else f"tag{number}" if word == "TAG" else word
            for word in COMMANDS[name]]


@pytest.mark.parametrize("name", COMMANDS)
def test_it_ends_and_leaves_nothing_behind(varve, made, tmp_path, name):
    whole, before = made
    chance = random.Random(name)
    shutil.copytree(whole.lake, varve.lake)
    listing = tmp_path / "seams"
    begun = time.monotonic()
    done = varve.run(*words_of(name, tmp_path, "first"), env={"VARVE_TEST_SEAMS": f"list={listing}"})
    assert done.returncode == 0, done
    span = time.monotonic() - begun
    passed = listing.read_text().split()
    certain = [points.passage(passed, index) for index in (0, len(passed) // 4)]
    shutil.rmtree(varve.lake)
    shutil.copytree(whole.lake, varve.lake)
    for number in range(4):
        words = words_of(name, tmp_path, number)
        status, said, seconds = run_to(varve, words, *certain[number]) if number < len(certain) else \
            run_until(varve, words, chance.uniform(0, 0.8) * span)
        assert status in (0, INTERRUPTED, -signal.SIGINT), (status, said)
        assert seconds < SOON
        if status == INTERRUPTED:
            assert said.splitlines()[-1].startswith("varve: "), said
        if name in OUTPUTS:  # whole, or nothing of it; it may come when all is done but the end
            left = [path for path in tmp_path.iterdir() if f"out{number}" in path.name]
            out, first = (pathlib.Path(some[words.index("-o") + 1])
                          for some in (words, words_of(name, tmp_path, "first")))
            assert left == [out] or (left == [] and status != 0)
            assert left == [] or size(out) == size(first)
        assert rows(varve) == before
        if name == "vacuum":  # one that has not ended would keep tags waiting
            varve.ok("tag", "create", f"mine{number}")
            varve.ok("tag", "drop", f"mine{number}")
    done = varve.run(*words_of(name, tmp_path, "last"))
    assert done.returncode == 0, done.stderr
    varve.ok("verify", "t", "--deep")
    newest = json.loads(varve.ok("describe", "t", "--json"))["version"]
    assert newest >= VERSIONS
    assert rows(varve) == before
