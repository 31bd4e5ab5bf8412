"""Each operation is killed at each place that it passes, and interrupted at any time: the table is as
before or as it should be, and the same operation can be done again.

Here at each fourth place; VARVE_CRASH_NTH asks for all of them, at so many of their passages.
"""

import os
import random
import shutil
import signal
import subprocess
import time

import pytest
from deeds import DEEDS, finish, rows

NTH_MAX = int(os.environ.get("VARVE_CRASH_NTH", "0"))
STEP = 1 if NTH_MAX else 4
INTERRUPTED = 130


@pytest.fixture(scope="module")
def finished(varve_on, tmp_path_factory):
    return finish(varve_on, tmp_path_factory.mktemp("finished"))


def fresh(varve, finished):
    shutil.rmtree(varve.lake, ignore_errors=True)
    shutil.copytree(finished[0].lake, varve.lake)


def do(varve, name, seams=None):
    arguments, text = DEEDS[name]
    return varve.run(*arguments, stdin=text, env={"VARVE_TEST_SEAMS": seams} if seams else None)


def held(varve, finished, name):
    """As before or as it should be, and nothing in it is broken; whether it is done."""
    found = rows(varve)
    assert found in (finished[1], finished[2][name])
    varve.ok("verify", "t", "--deep")
    return found == finished[2][name]


def places(listing):
    """(seam, n-th passage) of those that are tried."""
    passed = listing.read_text().split()
    names = sorted(set(passed))
    for index, name in enumerate(names):
        if index % STEP == 0:
            yield from ((name, nth) for nth in range(1, min(passed.count(name), NTH_MAX or 1) + 1))


@pytest.mark.slow
@pytest.mark.parametrize("name", DEEDS)
def test_killed_at_its_places_and_done_again(varve, finished, name, tmp_path):
    fresh(varve, finished)
    listing = tmp_path / "seams"
    assert do(varve, name, f"list={listing}").returncode == 0
    kills = 0
    for seam, nth in places(listing):
        fresh(varve, finished)
        done = do(varve, name, f"crash={seam}:{nth}")
        assert done.returncode in (0, -signal.SIGKILL), done
        kills += done.returncode != 0
        if not held(varve, finished, name):
            assert do(varve, name).returncode == 0
            assert held(varve, finished, name)
    assert kills >= (3 if NTH_MAX else 1)


@pytest.mark.parametrize("name", DEEDS)
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
        is_done = held(varve, finished, name)
        assert status in (0, INTERRUPTED, -signal.SIGINT), said
        assert is_done or status != 0
