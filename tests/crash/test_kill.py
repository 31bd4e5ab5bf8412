"""SIGKILL during commits: an acknowledged batch is there exactly once, another whole or not at all."""

import os
import random
import signal
import subprocess
import time

import pytest

TABLE = "ticks"
ROWS = 20
# Each passage of each seam of one upsert is a place to die at; more than this are not tried.
KILLS_PER_SEAM_MAX = 3


def batch(number):
    """Rows of batch `number`: keys of its own, over three dates."""
    lines = ["ts,id,value"]
    for row in range(ROWS):
        lines.append(f"2025-01-{10 + row % 3:02d}T10:00:{row:02d}Z,b{number}-r{row},{number}")
    return "\n".join(lines) + "\n"


@pytest.fixture
def ticks(varve):
    varve.ok("create", TABLE, "--schema",
             "ts timestamp not null, id string not null, value int, date date not null",
             "--partition-by", "date", "--key", "ts,id")
    return varve


def upsert_arguments(varve, number):
    return [str(varve.program), "--lake", str(varve.lake), "upsert", TABLE, "-",
            "--input-format", "csv", "--app-id", "crash", "--app-version", str(number), "--json"]


def start(varve, number, seams=None):
    env = dict(os.environ)
    if seams:
        env["VARVE_TEST_SEAMS"] = seams
    process = subprocess.Popen(upsert_arguments(varve, number), stdin=subprocess.PIPE,
                               stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=env, text=True)
    return process


def feed(process, number):
    try:
        return process.communicate(batch(number), timeout=60)
    except BrokenPipeError:
        process.wait(timeout=60)
        return "", ""


def stored(varve):
    """Rows of each batch that the table has; fails where a row is there twice."""
    rows = varve.rows("scan", TABLE)
    keys = [row["id"] for row in rows]
    assert len(keys) == len(set(keys)), "a row is stored twice"
    counts = {}
    for row in rows:
        counts[row["value"]] = counts.get(row["value"], 0) + 1
    return counts


def check(varve, acknowledged, number):
    """After a kill in batch `number`: all or nothing of it, everything of what was acknowledged."""
    counts = stored(varve)
    for done in acknowledged:
        assert counts.get(done) == ROWS, f"batch {done} was acknowledged and is not whole"
    assert counts.get(number, 0) in (0, ROWS), "half a batch is visible"
    return counts.get(number, 0) == ROWS


def seams_of_an_upsert(varve, tmp_path):
    """Names of the seams that one upsert passes, with how often."""
    listing = tmp_path / "seams"
    process = start(varve, 1, f"list={listing}")
    feed(process, 1)
    assert process.returncode == 0
    passed = {}
    for name in listing.read_text().split():
        passed[name] = passed.get(name, 0) + 1
    return passed


@pytest.mark.slow
def test_killed_at_every_seam(ticks, tmp_path, capsys):
    seams = seams_of_an_upsert(ticks, tmp_path)
    assert any(name.startswith("commit.") for name in seams)
    acknowledged = [1]
    number = 1
    kills = landed = 0
    for name, times in sorted(seams.items()):
        for nth in range(1, min(times, KILLS_PER_SEAM_MAX) + 1):
            number += 1
            process = start(ticks, number, f"crash={name}:{nth}")
            feed(process, number)
            if process.returncode == 0:
                acknowledged.append(number)  # a seam of another kind: it only can fail a call
                continue
            assert process.returncode == -signal.SIGKILL
            kills += 1
            landed += check(ticks, acknowledged, number)
            again = ticks.upsert(TABLE, batch(number), "--app-id", "crash",
                                 "--app-version", str(number))
            assert again["rows_written"] == ROWS or again["already_applied"]
            acknowledged.append(number)
            check(ticks, acknowledged, number)
    with capsys.disabled():
        print(f"\n{kills} kills at {len(seams)} seams, {landed} of them after the commit")
    assert kills >= 12


@pytest.mark.slow
def test_killed_at_random(ticks, capsys):
    seed = int(os.environ.get("VARVE_TEST_SEED", "20261122"))
    rounds = int(os.environ.get("VARVE_CRASH_ROUNDS", "60"))
    chance = random.Random(seed)
    begun = time.monotonic()
    ticks.upsert(TABLE, batch(1), "--app-id", "crash", "--app-version", "1")
    span = time.monotonic() - begun  # what an upsert takes here
    acknowledged = [1]
    kills = 0
    for number in range(2, rounds + 2):
        process = start(ticks, number)
        process.stdin.write(batch(number))
        process.stdin.close()
        process.stdin = None
        begun = time.monotonic()
        try:
            process.wait(timeout=chance.uniform(0.1 * span, 1.2 * span))
            span = min(span, time.monotonic() - begun)  # the machine has less to do than it had
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait(timeout=60)
        if process.returncode == 0:
            acknowledged.append(number)
        else:
            kills += 1
        check(ticks, acknowledged, number)
        process.stdout.close()
        process.stderr.close()
        ticks.upsert(TABLE, batch(number), "--app-id", "crash", "--app-version", str(number))
        if number not in acknowledged:
            acknowledged.append(number)
    with capsys.disabled():
        print(f"\n{kills} kills at random of {rounds} upserts (seed {seed})")
    assert kills > rounds // 4


@pytest.mark.slow
def test_readers_never_fail_while_writers_die(ticks):
    number = 0
    end = time.monotonic() + 5
    while time.monotonic() < end or number < 6:
        number += 1
        process = start(ticks, number)
        process.stdin.write(batch(number))
        process.stdin.close()
        process.stdin = None
        time.sleep(0.03)
        counts = stored(ticks)
        assert all(count == ROWS for count in counts.values())
        process.kill()
        process.wait(timeout=60)
        process.stdout.close()
        process.stderr.close()
    assert number > 5
