"""A data file is written under the name of a draft, and gets its own when it is whole."""

import os
import pathlib
import shutil
import tempfile

import points
import pytest

TABLE = "ticks"
SCHEMA = "ts timestamp not null, id int not null, v int, date date not null"


def lines(first, day=10):
    return "ts,id,v\n" + "".join(
        f"2025-01-{day}T10:00:{row:02d}Z,{row},{row}\n" for row in range(first, first + 20))


@pytest.fixture
def ticks(varve):
    varve.ok("create", TABLE, "--schema", SCHEMA, "--partition-by", "date", "--key", "ts,id")
    return varve


def data_files(varve):
    root = varve.lake / TABLE
    return sorted(str(path.relative_to(root)) for path in root.rglob("*.parquet"))


def upsert(varve, text, seams=None):
    env = {**os.environ, **({"VARVE_TEST_SEAMS": seams} if seams else {})}
    return varve.run("upsert", TABLE, "-", "--input-format", "csv", stdin=text, env=env)


def test_what_a_kill_leaves_is_nobodys_and_goes_with_a_vacuum(ticks):
    for number, (seam, in_root, in_place) in enumerate([("write.drafted", 1, 0),
                                                        ("store.restage.linked", 1, 1),
                                                        ("store.restaged", 0, 1)]):
        before = data_files(ticks)
        killed = upsert(ticks, lines(20 * number), f"crash={seam}:1")
        assert points.has_died(killed.returncode, seam)
        left = set(data_files(ticks)) - set(before)
        assert sum("/" not in name for name in left) == in_root
        assert len(left) == in_root + in_place
        assert upsert(ticks, lines(20 * number)).returncode == 0
        assert len(ticks.rows("scan", TABLE)) == 20 * (number + 1)
        assert left < set(data_files(ticks))
    assert len(data_files(ticks)) == 7
    ticks.ok("verify", TABLE)
    ticks.ok("vacuum", TABLE, "--retain", "0s", "--unsafe", "--yes")
    assert len(data_files(ticks)) == 3
    assert all(name.startswith("date=2025-01-10/") for name in data_files(ticks))
    assert len(ticks.rows("scan", TABLE)) == 60


def test_a_failure_leaves_no_draft(ticks):
    for fault in ("store.link:1", "store.unlink:1", "engine.query:3"):
        failed = upsert(ticks, lines(0), f"fail={fault}")
        assert failed.returncode != 0
        assert data_files(ticks) == []
    assert upsert(ticks, lines(0)).returncode == 0
    assert len(data_files(ticks)) == 1


def test_a_folder_on_another_file_system_gets_its_files_too(ticks):
    assert upsert(ticks, lines(0)).returncode == 0
    here = ticks.lake / TABLE / "date=2025-01-10"
    memory = pathlib.Path("/dev/shm")
    if not memory.is_dir() or memory.stat().st_dev == here.stat().st_dev:
        pytest.skip("there is no other file system")
    with tempfile.TemporaryDirectory(dir=memory) as other:
        shutil.move(here, f"{other}/there")
        here.symlink_to(f"{other}/there")
        assert upsert(ticks, lines(20)).returncode == 0
        assert len(ticks.rows("scan", TABLE)) == 40
        root = ticks.lake / TABLE
        assert not list(root.glob("*.parquet"))
        assert len(list(pathlib.Path(other).rglob("*.parquet"))) == 2
