#!/usr/bin/env python3
"""How few files are read where a table was laid out well.

    make bench-layout                     some minutes
    .venv-bench/bin/python bench/layout.py build [--rows 1000000]

How many of the files a query has to read that asks for a hundredth of what is there by one of the
two columns: as written, sorted by both, in deltalake's z-order and in Varve's, by the bounds in the
log. Last, delete and update of one key in a large table: only the files that can hold it may be read,
so all others are taken away. What it costs to lay them out is W10 and W11 of bench/run.py.
"""

import argparse
import datetime
import json
import os
import pathlib
import shutil
import statistics
import subprocess
import sys
import tempfile
import time

import deltalake
import duckdb
import numpy
import polars
import pyarrow

import data
import process
import workloads

COLUMNS = ["timestamp", "strategy_id"]
QUERIES = 50


def warm_varve(build, root):
    """bench/warm.c on a folder of tables."""
    root.mkdir(exist_ok=True)
    return process.Process(build, root, [build / "bench" / "varve_warm", root, "on"])


def zorder_of_deltalake(path, target):
    begin = time.perf_counter()
    deltalake.DeltaTable(str(path)).optimize.z_order(COLUMNS, target_size=target)
    return (time.perf_counter() - begin) * 1000


def ours(build, path, columns, target):
    """(milliseconds, files taken) of Varve on a table."""
    warm = warm_varve(build, path.parent)
    try:
        cost = warm.ask("optimize", path.name, columns, target)
    finally:
        warm.close()
    return cost.ms, cost.number


def check(path, expected):
    found = data.content(polars.read_delta(str(path)))
    if workloads.differs(found, expected):
        raise SystemExit(f"{path.name} holds {found}, which should be {expected}")


def adds_of(path):
    return pyarrow.table(deltalake.DeltaTable(str(path)).get_add_actions(flatten=True)).to_pydict()


def bounds(path):
    """(least, greatest) of each column in each file."""
    adds = adds_of(path)
    return {name: list(zip(adds[f"min.{name}"], adds[f"max.{name}"])) for name in COLUMNS}


def files_read(path, questions):
    """Of all files, by column: those whose bounds a question's range meets; the mean."""
    told = bounds(path)
    means = []
    for name in COLUMNS:
        counts = [sum(least <= high and greatest >= low for least, greatest in told[name])
                  for low, high in questions[name]]
        means.append(statistics.mean(counts))
    return len(told[COLUMNS[0]]), means


def questions_of(rows):
    """Ranges that hold a hundredth of the rows, for each column, at random places."""
    chance = numpy.random.default_rng(11)
    out = {}
    for name in COLUMNS:
        values = rows[name].sort()
        width = max(1, len(values) // 100)
        starts = chance.integers(0, len(values) - width, QUERIES)
        out[name] = [(values[int(start)], values[int(start) + width - 1]) for start in starts]
    return out


def measure_quality(root, build, count):
    """Tables of the same rows, laid out in four ways into as many files."""
    minutes = count // 250
    times = [data.opening(data.FIRST_DAY) + datetime.timedelta(minutes=minute)
             for minute in range(minutes)]
    rows = data.performance(times, 250, 5, times[0]).sample(fraction=1, shuffle=True, seed=3)
    written, each = root / "as_written", max(1, rows.height // 64)
    for start in range(0, rows.height, each):
        deltalake.write_deltalake(str(written), rows[start:start + each].to_arrow(), mode="append")
    total = sum(path.stat().st_size for path in written.glob("*.parquet"))
    target = total // 64
    linear = root / "sorted"
    in_order = rows.sort(COLUMNS)
    for start in range(0, rows.height, each):
        deltalake.write_deltalake(str(linear), in_order[start:start + each].to_arrow(),
                                  mode="append")
    questions = questions_of(rows)
    lines = ["| layout | files | by timestamp | by strategy | made in |", "|---" * 5 + "|"]

    def tell(name, path, ms):
        files, means = files_read(path, questions)
        share = [f"{mean:.1f} ({100 * mean / files:.0f} %)" for mean in means]
        lines.append(f"| {name} | {files} | {share[0]} | {share[1]} | "
                     f"{'' if ms is None else f'{ms / 1000:.1f} s'} |")
        return means

    tell("as written", written, None)
    tell("sorted by both", linear, None)
    for name in ("deltalake", "varve"):
        path = root / f"zorder_{name}"
        shutil.copytree(written, path)
        ms = (zorder_of_deltalake(path, target) if name == "deltalake"
              else ours(build, path, ",".join(COLUMNS), target)[0])
        check(path, data.content(rows))
        tell(f"{name}'s z-order", path, ms)
    return "\n".join(lines), root / "zorder_varve", rows


def one_key(build, path, rows):
    """Delete and update of one key, with all files taken away that can't hold it."""
    key = rows[rows.height // 2]
    stamp, strategy = key["timestamp"][0], key["strategy_id"][0]
    adds = adds_of(path)
    can = [name for name, low, high, first, last in zip(
        adds["path"], adds["min.timestamp"], adds["max.timestamp"], adds["min.strategy_id"],
        adds["max.strategy_id"]) if low <= stamp <= high and first <= strategy <= last]
    away = path.parent / "away"
    away.mkdir()
    for name in adds["path"]:
        if name not in can:
            (path / name).rename(away / name)
    where = f"timestamp = TIMESTAMPTZ '{stamp.isoformat()}' AND strategy_id = '{strategy}'"
    took = []
    for command in (["update", "--set", "dte = 1", "--where", where], ["delete", "--where", where]):
        begin = time.perf_counter()
        done = subprocess.run([str(build / "varve"), command[0], str(path), *command[1:], "--json"],
                              capture_output=True, text=True, check=False)
        took.append((time.perf_counter() - begin) * 1000)
        assert done.returncode == 0, done.stderr
        print(f"  {command[0]}: {json.loads(done.stdout)}", file=sys.stderr)
    for file in away.iterdir():
        file.rename(path / file.name)
    left = polars.read_delta(str(path))
    assert left.height == rows.height - 1
    assert left.filter((polars.col("timestamp") == stamp) &
                       (polars.col("strategy_id") == strategy)).is_empty()
    return (f"One key among {rows.height:,} rows in {len(adds['path'])} files: {len(can)} can hold it and "
            f"no other is read; update {took[0]:.0f} ms, delete {took[1]:.0f} ms (a process each)")


def beside_duckdb(root, build, path):
    """Compaction of a large table beside what DuckDB needs to read and write the same files."""
    copy = root / "large"
    shutil.copytree(path, copy)
    files = [str(copy / name) for name in adds_of(copy)["path"]]
    size = sum(os.path.getsize(file) for file in files) / 1e6

    begin = time.perf_counter()
    duckdb.connect().execute(
        "COPY (FROM read_parquet($files) ORDER BY timestamp, strategy_id) TO "
        f"'{root / 'out.parquet'}' (FORMAT parquet, COMPRESSION zstd)", {"files": files})
    theirs_ms = (time.perf_counter() - begin) * 1000
    ours_ms, removed = ours(build, copy, "-", 10**10)
    assert removed == len(files)
    return (f"{removed} files of {size:.0f} MB into one: "
            f"varve {ours_ms / 1000:.1f} s, DuckDB reads, sorts and writes them in "
            f"{theirs_ms / 1000:.1f} s: {ours_ms / theirs_ms:.2f}x")


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("build", type=pathlib.Path, help="the build folder")
    parser.add_argument("--rows", type=int, default=1_000_000, help="of the large table")
    parser.add_argument("--folder", type=pathlib.Path, help="where the tables go (a new one)")
    options = parser.parse_args()
    build = options.build.resolve()
    root = pathlib.Path(tempfile.mkdtemp(prefix="varve-layout-", dir=options.folder))
    try:
        quality, large, rows = measure_quality(root, build, options.rows)
        print(quality, flush=True)
        print("\n" + beside_duckdb(root, build, large), flush=True)
        print(one_key(build, large, rows))
        print(f"load average {os.getloadavg()[0]:.1f} at the end")
    finally:
        shutil.rmtree(root, ignore_errors=True)


if __name__ == "__main__":
    main()
