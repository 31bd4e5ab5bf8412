"""Maintenance that is killed between its duties: the rows stay, and the next run goes on."""

import datetime as dt
import json

import points
import pytest

TABLE = "ticks"
SEAMS = ("optimize.before_publish", "optimize.before_commit", "maintain.compacted",
         "maintain.laid_out", "maintain.logged", "vacuum.remove")


@pytest.fixture
def ticks(varve):
    """Yesterday's files to be laid out, today's to be compacted, one that nobody needs."""
    varve.ok("create", TABLE, "--key", "ts", "--partition-by", "date", "--zorder", "ts",
             "--schema", "ts timestamp not null, v bigint, date date",
             "--property", "varve.maintain.tierFiles=2",
             "--property", "varve.maintain.sealAfter=0s",
             "--property", "delta.deletedFileRetentionDuration=interval 0 seconds",
             "--property", "varve.maintain.vacuumEvery=0s")
    today = dt.datetime.now(dt.timezone.utc).date()
    for day in ("2025-01-10", today.isoformat()):
        for minute in range(3):
            varve.upsert(TABLE, f"ts,v\n{day}T00:0{minute}:00Z,{minute}\n")
    varve.upsert(TABLE, "ts,v\n2025-01-10T00:00:00Z,7\n")
    return varve


def rows(varve):
    return sorted(varve.ok("scan", TABLE, "--format", "csv").splitlines())


@pytest.mark.parametrize("seam", SEAMS)
def test_it_is_killed_and_run_again(ticks, seam):
    before = rows(ticks)
    killed = ticks.run("maintain", "--once", env={"VARVE_TEST_SEAMS": f"crash={seam}:1"})
    assert points.has_died(killed.returncode, seam)
    assert rows(ticks) == before
    done = json.loads(ticks.ok("maintain", "--once", "--json"))
    assert done["failed"] == done["left"] == 0
    assert rows(ticks) == before
    assert len(ticks.rows("files", TABLE)) == 2
    ticks.ok("maintain", "--once")
    assert [task["files"] for task in ticks.rows("maintain", "--plan")
            if task["duty"] in ("compact", "seal", "recluster")] == []
    ticks.ok("verify", TABLE, "--strict")
