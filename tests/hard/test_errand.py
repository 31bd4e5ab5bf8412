"""Hard places for the thread that writes a checkpoint and cleans up the log behind a commit: the commit
stands, what failed is said, and the next one that is due is written."""

import os
import resource
import shutil
import signal
import subprocess
import time

import errand
import pytest
from deeds import IO, UNKNOWN

INTERRUPTED = 130
NOBODY = 65534


@pytest.fixture(scope="module")
def made(varve_on, tmp_path_factory):
    varve = varve_on(tmp_path_factory.mktemp("made") / "lake")
    errand.make(varve)
    return varve


def upsert(varve, env=None, **options):
    command = [str(varve.program), "--lake", str(varve.lake), *errand.UPSERT]
    environment = {**os.environ, **errand.later(varve, **(env or {}))}
    return subprocess.run(command, input=errand.NEWS, capture_output=True, text=True,
                          env=environment, timeout=120, check=False, **options)


def judge(varve, done, cause):
    """What became of the command: "refused", "failed" (the errand, and that is said) or "done"."""
    if done.returncode != 0:
        assert done.returncode in (IO, UNKNOWN), done
        assert done.stderr.startswith("varve: ") and cause in done.stderr, done.stderr
        is_committed = done.returncode == UNKNOWN and errand.rows(varve) == errand.AFTER
        errand.check(varve, is_committed)
        return "refused"
    told = done.stderr.splitlines()
    assert sum(line.endswith("1 inserted, 1 updated; version 9") for line in told) == 1, told
    errand.check(varve, is_committed=True)
    is_whole = errand.DUE in errand.checkpoints(varve) and \
        errand.versions_of(varve, ".json")[0] == errand.BASE
    if len(told) > 1:
        assert cause in done.stderr, done.stderr
        assert sum(line.startswith("varve: warning: ") for line in told) == len(told) - 1, told
        return "failed"
    assert is_whole, "neither done nor told"
    return "done"


# ---- EIO ----------------------------------------------------------------------------------------


def counts_of(varve, made, name, tmp_path, is_due):
    """How often the upsert makes each call; not due: of the same table, a commit earlier."""
    errand.fresh(varve, made)
    if not is_due:
        (varve.table("t") / f"_delta_log/{errand.LAST:020d}.json").unlink()
    done = upsert(varve, {"VARVE_HARD_COUNTS": str(tmp_path / name)})
    assert done.returncode == 0, done
    assert (errand.DUE in errand.checkpoints(varve)) == is_due
    lines = (tmp_path / name).read_text().splitlines()
    return {call: int(count) for call, count in map(str.split, lines)}


def places(first, last):
    """From behind the commit to the end: all of few, else some."""
    count = max(0, last - first)
    step = 1 if "VARVE_HARD_STEPS" in os.environ else max(1, count // 2)
    return range(first + 1, last + 1, step)


@pytest.mark.slow
def test_its_calls_fail_once(varve, made, tmp_path):
    """Those that the command makes beside those of one that no checkpoint is due at."""
    all_of_them = counts_of(varve, made, "due", tmp_path, True)
    without = counts_of(varve, made, "not due", tmp_path, False)
    outcomes = []
    for call, last in all_of_them.items():
        for nth in places(without[call], last):
            errand.fresh(varve, made)
            done = upsert(varve, {"VARVE_HARD_EIO": f"{call}:{nth}"})
            outcomes.append(judge(varve, done, "Input/output error"))
            if outcomes[-1] == "failed" and outcomes.count("failed") % 4 == 1:
                errand.check_goes_on(varve)
    assert outcomes.count("failed") >= 4, outcomes


# ---- No room, no descriptors, no rights ---------------------------------------------------------


def test_a_disk_that_is_full_when_it_comes_to_it(varve_on, mount_disk, made):
    """With more and more room: too little for the commit, enough for that alone, enough for all."""
    disk = mount_disk(24)
    varve = varve_on(disk / "lake")
    outcomes = []
    for pages in (*range(0, 40, 4), 4000):
        errand.fresh(varve, made)
        status = os.statvfs(disk)
        room = status.f_bavail * status.f_bsize - pages * 4096
        with open(disk / "ballast", "wb") as file:
            os.posix_fallocate(file.fileno(), 0, max(room, 1))
        done = upsert(varve)
        (disk / "ballast").unlink()
        outcomes.append(judge(varve, done, "No space left"))
        assert errand.drafts(varve) == [], outcomes
        if outcomes[-1] == "failed":
            errand.check_goes_on(varve)
    assert {"refused", "failed"} <= set(outcomes) and outcomes[-1] == "done", outcomes


def test_few_descriptors(varve, made):
    outcomes = set()
    for count in range(5, 40):
        errand.fresh(varve, made)
        done = upsert(varve, preexec_fn=lambda count=count: resource.setrlimit(
            resource.RLIMIT_NOFILE, (count, count)))
        if done.returncode == 127:
            continue  # not even the loader could open the library
        outcomes.add(judge(varve, done, "Too many open files"))
        if "done" in outcomes:
            break
    assert outcomes >= {"refused", "done"}


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become somebody else")
def test_a_folder_of_its_own_that_it_may_not_write_to(varve, made):
    """All else belongs to who runs it: the commit is made, the checkpoint is not, and that is told."""
    errand.fresh(varve, made)
    for path in [varve.lake.parent, *varve.lake.parent.parents]:
        if path != path.parent and os.stat(path).st_mode & 0o005 != 0o005:
            os.chmod(path, os.stat(path).st_mode | 0o005)
    if subprocess.run([varve.program, "--version"], capture_output=True, check=False, user=NOBODY,
                      group=NOBODY, extra_groups=[]).returncode != 0:
        pytest.skip("the program lies where others may not go")
    for folder, _, names in os.walk(varve.lake):
        for path in [folder, *(os.path.join(folder, name) for name in names)]:
            os.chown(path, NOBODY, NOBODY)
    own = varve.table("t") / "_varve"
    for path in [own, *own.rglob("*")]:
        os.chown(path, 0, 0)
        os.chmod(path, 0o755 if path.is_dir() else 0o644)
    done = upsert(varve, user=NOBODY, group=NOBODY, extra_groups=[])
    assert judge(varve, done, "Permission denied") == "failed"
    errand.check_goes_on(varve)


# ---- Interrupted --------------------------------------------------------------------------------


@pytest.mark.slow
def test_ctrl_c_while_it_is_written(varve, made):
    """Wherever it comes, the command ends, and what it told is true."""
    errand.fresh(varve, made)
    begun = time.monotonic()
    assert judge(varve, upsert(varve), "") == "done"
    span = time.monotonic() - begun
    for part in (0.5, 0.7, 0.85, 1.0):
        errand.fresh(varve, made)
        process = subprocess.Popen(
            [str(varve.program), "--lake", str(varve.lake), *errand.UPSERT], text=True,
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
            env={**os.environ, **errand.later(varve)})
        process.stdin.write(errand.NEWS)
        process.stdin.close()
        process.stdin = None
        time.sleep(part * span)
        process.send_signal(signal.SIGINT)
        told = process.communicate(timeout=120)[1]
        is_committed = errand.rows(varve) == errand.AFTER
        errand.check(varve, is_committed)
        assert process.returncode in (0, INTERRUPTED, -signal.SIGINT), told
        if process.returncode == 0:
            assert is_committed and "version 9" in told
        errand.check_goes_on(varve)
    shutil.rmtree(varve.lake)
