"""What is counted of a process (bench/counts.c, bench/process.py), and how much work Varve may do.

The second half is a guard: time differs from machine to machine, the work of an operation does not.
"""

import datetime
import json
import os
import pathlib
import random
import sys

import pyarrow
import pyarrow.parquet
import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]
BUILD = pathlib.Path(os.environ.get("VARVE_BUILD", ROOT / "build")).resolve()

import data
import engines
import process

JOB = """
import os, sys
place, = sys.argv[1:]
with open(place + "/new", "wb", buffering=0) as file:
    file.write(b"x" * 700)
    file.write(b"y" * 300)
    os.fsync(file.fileno())
with open(place + "/new", "rb", buffering=0) as file:
    file.read(600)
os.listdir(place)
open("/proc/self/status").read()
"""


def test_files_below_the_folder_are_counted_and_no_others(tmp_path):
    below, beside = tmp_path / "below", tmp_path / "beside"
    for place in (below, beside):
        place.mkdir()
    wanted = {"files_opened": 1, "files_created": 1, "folders_listed": 1, "reads": 1, "bytes_read": 600,
              "bytes_mapped": 0, "writes": 2, "bytes_written": 1000}
    command = [sys.executable, "-S", "-c", JOB]
    cost, _ = process.run_once(BUILD, below, [*command, below])
    assert {**cost.counts, **wanted} == cost.counts and cost.counts["syncs"] == 1
    assert 3 < cost.peak_mib < 200  # its own, not that of who started it
    assert 0 < cost.cpu_ms
    cost, _ = process.run_once(BUILD, below, [*command, beside])
    assert {**cost.counts, **dict.fromkeys(wanted, 0)} == cost.counts


def test_a_process_that_fails_says_why(tmp_path):
    with pytest.raises(RuntimeError, match="no such thing"):
        process.run_once(BUILD, tmp_path, [sys.executable, "-S", "-c", "raise SystemExit('no such thing')"])


@pytest.fixture(scope="module")
def loaded(tmp_path_factory):
    """A table of two strategies and 55 days, a file each, and what may be put into it."""
    root = tmp_path_factory.mktemp("work")
    market = data.Market(1)
    engine = engines.Varve("varve", root / "varve", BUILD)
    engine.load(engines.Files(root / "rows", "base", market.base),
                engines.Files(root / "rows", "regimes", market.regimes))
    engine.upsert(engines.Files(root / "rows", "warm_up", market.fresh()))
    yield engine, market, root
    engine.stop()


def test_an_upsert_of_fresh_rows_reads_no_file_of_other_days(loaded):
    engine, market, root = loaded
    fresh = engines.Files(root / "rows", "fresh", market.fresh())
    cost = engine.upsert(fresh)
    assert cost.number == fresh.rows
    assert cost.counts["syncs"] == 4  # the data file, the commit, the folder of each
    assert cost.counts["files_created"] == 2 and cost.counts["folders_listed"] == 0
    assert cost.counts["files_opened"] <= 4
    assert cost.counts["bytes_read"] < 64 * 1024 and cost.counts["bytes_mapped"] == 0
    again = engine.upsert(fresh)
    assert again.number == 0
    assert (again.counts["syncs"], again.counts["bytes_written"]) == (1, 0)  # the log, which may be another's
    assert again.counts["files_created"] == 0


def test_late_rows_write_each_day_once_and_sync_each_file_once(loaded):
    engine, market, root = loaded
    late = engines.Files(root / "rows", "late", market.late(300, 10, 1))
    cost = engine.upsert(late)
    assert cost.number == late.rows
    assert cost.counts["files_created"] == 11  # ten days and the commit
    assert cost.counts["syncs"] <= 2 * 11 + 1  # each with its folder, and the table's
    # A day's old file: four times by the engine, once more for its hash (table/on_record.h); twice the new one.
    assert cost.counts["files_opened"] <= 10 * 7 + 4


def test_a_range_opens_the_files_of_its_days_alone(loaded):
    engine, market, _ = loaded
    day = market.days[5]
    begin = data.opening(day).replace(tzinfo=datetime.timezone.utc)
    cost = engine.range("strategy_001", begin.isoformat(),
                        (begin + datetime.timedelta(hours=1)).isoformat())
    assert cost.number == 60
    assert cost.counts["files_opened"] <= 3 and cost.counts["bytes_written"] == 0


def test_a_warm_handle_does_not_read_its_log_again(loaded):
    engine, _, _ = loaded
    engine.latest()
    cost = engine.history()
    assert cost.counts["folders_listed"] <= 1
    again = engine.latest()
    assert again.counts["folders_listed"] == 0


@pytest.mark.slow
def test_texts_that_do_not_fit_the_memory_of_a_batch_are_decoded_once(tmp_path):
    """As the footer tells beforehand: they go to a table, of which what memory has no room for is put aside."""
    lake, path, count = tmp_path / "lake", tmp_path / "in" / "long.parquet", 30_000
    path.parent.mkdir()
    chance = random.Random(1)  # what is random can't be packed
    texts = [chance.randbytes(1000).hex() for _ in range(count)]
    pyarrow.parquet.write_table(pyarrow.table({"k": range(count), "s": texts}), path, row_group_size=5000)
    varve = [BUILD / "varve", "--lake", lake, "--memory", "256MB", "--quiet"]
    process.run_once(BUILD, lake, [*varve, "create", "t", "--schema", "k bigint, s string", "--key", "k"])
    # The engine is given the file as it was opened.
    cost, _ = process.run_once(BUILD, "/proc/self/fd", [*varve, "upsert", "t", path])
    read = cost.counts["bytes_read"] + cost.counts["bytes_mapped"]
    assert path.stat().st_size <= read < 1.2 * path.stat().st_size
    _, out = process.run_once(BUILD, lake, [*varve, "query", "SELECT count(*) AS n, sum(len(s)) AS l FROM t",
                                            "--format", "ndjson"])
    assert json.loads(out) == {"n": count, "l": 2000 * count}


def test_a_batch_with_rejected_rows_lists_the_quarantine_once(tmp_path):
    lake, varve = tmp_path / "lake", [str(BUILD / "varve"), "--lake", str(tmp_path / "lake")]
    process.run_once(BUILD, lake, [*varve, "create", "t", "--schema", "k bigint not null", "--key", "k"])
    listed = []
    for version, row in enumerate(["x", "y", 1, "z", 2]):
        (tmp_path / "rows.csv").write_text(f"k\n{row}\n")
        cost, _ = process.run_once(BUILD, lake, [*varve, "upsert", "t", str(tmp_path / "rows.csv"), "--quarantine",
                                                 "--app-id", "a", "--app-version", str(version + 1)])
        listed.append(cost.counts["folders_listed"])
    assert len(list((lake / "t" / "_varve" / "quarantine").iterdir())) == 3
    assert listed[1:] == [listed[2]] * 4
