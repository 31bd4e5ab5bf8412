"""SIGKILL while a checkpoint is written and the log cleaned up: no version and no history is lost."""

import os
import shutil
import subprocess
import time

import deltalake
import points
import pyarrow as pa
import pytest

DAY = 86400
COMMITS = 12


@pytest.fixture
def old_table(varve, tmp_path):
    """Commits of which all but the last two are older than the retention."""
    path = tmp_path / "template"
    for number in range(COMMITS):
        deltalake.write_deltalake(
            path, pa.table({"k": pa.array([number], pa.int64())}), mode="append",
            configuration=None if number else {"delta.logRetentionDuration": "interval 5 days"})
        if number == COMMITS - 3:
            deltalake.DeltaTable(path).create_checkpoint()
    now = time.time()
    for version in range(COMMITS):
        when = now - (20 * DAY if version < COMMITS - 2 else 0) + version
        os.utime(path / "_delta_log" / f"{version:020}.json", (when, when))
    varve.lake.mkdir()
    return path


def checkpoint(varve, seams):
    env = {**os.environ, "VARVE_TEST_SEAMS": seams}
    command = [str(varve.program), "--lake", str(varve.lake), "checkpoint", "t"]
    return subprocess.run(command, env=env, capture_output=True, timeout=60, check=False).returncode


def fresh_copy(varve, template):
    shutil.rmtree(varve.lake / "t", ignore_errors=True)
    shutil.copytree(template, varve.lake / "t")


def check(varve):
    for version in (0, COMMITS - 4, COMMITS - 1):
        assert len(varve.rows("scan", "t", "--at", version)) == version + 1
    versions = [row["version"] for row in varve.rows("history", "t")]
    assert versions == list(range(COMMITS - 1, -1, -1))
    assert deltalake.DeltaTable(varve.lake / "t").version() == COMMITS - 1


@pytest.mark.slow
def test_killed_at_every_seam(varve, old_table, tmp_path, capsys):
    fresh_copy(varve, old_table)
    listing = tmp_path / "points"
    assert checkpoint(varve, f"points={listing}") == 0
    check(varve)
    passed = points.passed(listing)
    assert passed["log_clean.remove"] > 5 and "ledger.put" in passed
    kills = 0
    for name, times in sorted(passed.items()):
        for nth in sorted({1, min(2, times), times}):
            fresh_copy(varve, old_table)
            kills += points.has_died(checkpoint(varve, f"crash={name}:{nth}"), name)
            check(varve)
            varve.ok("checkpoint", "t")
            check(varve)
            assert not (varve.lake / "t" / "_delta_log" / f"{COMMITS - 4:020}.json").exists()
    with capsys.disabled():
        print(f"\n{kills} kills at {len(passed)} points")
