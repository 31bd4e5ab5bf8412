"""SIGKILL during commits: an acknowledged batch is there exactly once, another whole or not at all."""

import os
import random
import subprocess
import time

import points
import pytest

TABLE = "ticks"
ROWS = 20
# Each passage of each crash point of one upsert is a place to die at; more than this are not tried.
KILLS_PER_POINT_MAX = 3
FILES_SYNCED_EACH_MAX = 64  # src/store/local_publish.c


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


def points_of_an_upsert(varve, tmp_path):
    """Names of the crash points that one upsert passes, with how often."""
    listing = tmp_path / "points"
    process = start(varve, 1, f"points={listing}")
    feed(process, 1)
    assert process.returncode == 0
    return points.passed(listing)


@pytest.mark.slow
def test_killed_at_every_seam(ticks, tmp_path, capsys):
    passed = points_of_an_upsert(ticks, tmp_path)
    assert any(name.startswith("commit.") for name in passed)
    acknowledged = [1]
    number = 1
    kills = landed = 0
    for name, times in sorted(passed.items()):
        for nth in range(1, min(times, KILLS_PER_POINT_MAX) + 1):
            number += 1
            process = start(ticks, number, f"crash={name}:{nth}")
            feed(process, number)
            assert points.has_died(process.returncode, name)
            kills += 1
            landed += check(ticks, acknowledged, number)
            again = ticks.upsert(TABLE, batch(number), "--app-id", "crash",
                                 "--app-version", str(number))
            assert again["rows_written"] == ROWS or again["already_applied"]
            acknowledged.append(number)
            check(ticks, acknowledged, number)
    with capsys.disabled():
        print(f"\n{kills} kills at {len(passed)} points, {landed} of them after the commit")
    assert landed >= 1


def test_killed_where_the_whole_device_is_synced(varve):
    """In the place of each of the many files that a batch has made."""
    varve.ok("create", TABLE, "--schema", "id bigint not null, part bigint", "--partition-by", "part",
             "--key", "id")
    text = "id,part\n" + "".join(f"{row},{row}\n" for row in range(FILES_SYNCED_EACH_MAX + 1))
    name = "store.publish.device_synced"
    killed = varve.run("upsert", TABLE, "-", "--input-format", "csv", stdin=text,
                       env={"VARVE_TEST_SEAMS": f"crash={name}:1"})
    assert points.has_died(killed.returncode, name)
    assert varve.rows("scan", TABLE) == []
    assert varve.upsert(TABLE, text)["rows_written"] == FILES_SYNCED_EACH_MAX + 1
    varve.ok("verify", TABLE, "--deep")


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
