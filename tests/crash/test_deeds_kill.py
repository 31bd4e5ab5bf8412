"""Each operation is killed at each crash point that it passes, and interrupted at any time: the table is
as before or as it should be, and the same operation can be done again.

Here at each fourth point; VARVE_CRASH_NTH asks for all of them, at so many of their passages.
"""

import os
import random
import shutil
import signal
import subprocess
import time

import points
import pytest
from deeds import DEEDS, SOME, beside, do_again, finish, is_done, state

NTH_MAX = int(os.environ.get("VARVE_CRASH_NTH", "0"))
STEP = 1 if NTH_MAX else 4
INTERRUPTED = 130
UNCOMMITTED = {"checkpoint", "vacuum", "maintain", "tag", "hold"}
TRIED = [name for name in DEEDS if name != "ingest"]  # that has test_ingest_kill.py


@pytest.fixture(scope="module")
def finished(varve_on, tmp_path_factory):
    return finish(varve_on, tmp_path_factory.mktemp("finished"))


def fresh(varve, finished):
    shutil.rmtree(varve.lake, ignore_errors=True)
    shutil.copytree(finished[0].lake, varve.lake)


def do(varve, name, seams=None):
    arguments, text = DEEDS[name]
    return varve.run(*arguments, stdin=text, env={"VARVE_TEST_SEAMS": seams} if seams else None)


def places(name, listing):
    """(crash point, n-th passage) of those that are tried: of each deed others."""
    passed = points.passed(listing)
    assert name in UNCOMMITTED or {"commit.before_put", "commit.after_put"} <= set(passed)
    first = list(DEEDS).index(name) % STEP
    for point in sorted(passed)[first::STEP]:
        yield from ((point, nth) for nth in range(1, min(passed[point], NTH_MAX or 1) + 1))


@pytest.mark.slow
@pytest.mark.parametrize("name", TRIED)
def test_killed_at_its_places_and_done_again(varve, finished, name, tmp_path):
    _, before, after = finished
    fresh(varve, finished)
    listing = tmp_path / "points"
    assert do(varve, name, f"points={listing}").returncode == 0
    kills = 0
    for point, nth in places(name, listing):
        fresh(varve, finished)
        done = do(varve, name, f"crash={point}:{nth}")
        kills += points.has_died(done.returncode, point, must=nth == 1)
        if not is_done(varve, finished, name) or before[name] == after[name]:
            do_again(varve, name)
            assert is_done(varve, finished, name)
    assert kills >= 1


@pytest.mark.parametrize("name", TRIED)
def test_interrupted_in_its_midst(varve, finished, name, tmp_path):
    """SIGINT before its first call, or with most of it to come, ends it with 130 and nothing is done."""
    _, before, _ = finished
    listing = tmp_path / "seams"
    fresh(varve, finished)
    assert do(varve, name, f"list={listing}").returncode == 0
    passed = listing.read_text().split()
    for seam, nth in (points.passage(passed, index) for index in (0, len(passed) // 5)):
        fresh(varve, finished)
        done = do(varve, name, f"interrupt={seam}:{nth}")
        assert done.returncode == INTERRUPTED, (seam, nth, done)
        assert done.stderr.splitlines()[-1].startswith("varve: "), done
        assert (state(varve, name), beside(varve, name)) == before[name]


@pytest.mark.parametrize("name", [name for name in TRIED if NTH_MAX or name in SOME])
def test_interrupted_at_any_time(varve, finished, name):
    """SIGINT ends it soon: with 130, or it was done before."""
    chance = random.Random(name)
    arguments, text = DEEDS[name]
    fresh(varve, finished)
    begun = time.monotonic()
    do(varve, name)
    span = time.monotonic() - begun
    for _ in range(max(1, NTH_MAX)):
        fresh(varve, finished)
        process = subprocess.Popen(
            [str(varve.program), "--lake", str(varve.lake), *arguments], stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
        process.stdin.write(text)
        process.stdin.close()
        time.sleep(chance.uniform(0.2, 0.9) * span)
        process.send_signal(signal.SIGINT)
        said = process.stderr.read()
        status = process.wait(timeout=60)
        process.stderr.close()
        was_done = is_done(varve, finished, name)
        assert status in (0, INTERRUPTED, -signal.SIGINT), said
        assert was_done or status != 0
