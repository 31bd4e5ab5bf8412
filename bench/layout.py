#!/usr/bin/env python3
"""How files lie: what it takes to lay them out, and how few are read afterwards.

    make bench-layout                     about five minutes
    .venv-bench/bin/python bench/layout.py build [--repeats 5] [--rows 1000000]

W10 and W11 pack 1,000 small files and lay them out in z-order, Varve (in a process that is warm, all
synced) and deltalake by turns, each on a copy of its own. Quality: how many of the files a query has
to read that asks for a hundredth of what is there by one of the two columns: as written, sorted by
both, in deltalake's z-order and in Varve's, by the bounds in the log. Last, delete and update of one key
in a large table: only the files that can hold it may be read, so all others are taken away.
"""

import argparse
import datetime
import json
import os
import pathlib
import resource
import shutil
import statistics
import subprocess
import sys
import tempfile

import deltalake
import duckdb
import numpy
import polars
import pyarrow

import data
import engines

COLUMNS = ["timestamp", "strategy_id"]
SMALL_FILES = 1000
ROWS_EACH = 100
QUERIES = 50


def small_files(path):
    """A table of many appends, as a feed leaves it; strategies in turns."""
    for number in range(SMALL_FILES):
        times = [data.opening(data.FIRST_DAY) + datetime.timedelta(minutes=number)]
        rows = data.performance(times, ROWS_EACH, number, times[0])
        deltalake.write_deltalake(str(path), rows.to_arrow(), mode="append")
    deltalake.DeltaTable(str(path)).create_checkpoint()


class Warm:
    """bench/warm.c on one folder of tables."""

    def __init__(self, build, lake, durability):
        self.process = subprocess.Popen(
            [str(build / "bench" / "varve_warm"), str(lake), str(lake), durability],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    ask = engines.Varve.ask

    def cpu(self):
        with open(f"/proc/{self.process.pid}/stat") as stat:
            fields = stat.read().rsplit(")", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) * 1000 / os.sysconf("SC_CLK_TCK")

    def close(self):
        self.process.stdin.close()
        self.process.wait()


def theirs(path, zorder, target):
    def job():
        optimizer = deltalake.DeltaTable(str(path)).optimize
        done = (optimizer.z_order(COLUMNS, target_size=target) if zorder
                else optimizer.compact(target_size=target))
        return done["numFilesRemoved"]
    return engines.timed(job)


def own_cpu():
    used = resource.getrusage(resource.RUSAGE_SELF)
    return (used.ru_utime + used.ru_stime) * 1000


def ours(warm, path, zorder, target):
    return warm.ask("optimize", path.name, ",".join(COLUMNS) if zorder else "-", target)


def check(path, expected):
    """Sums of floats depend on the order of the rows, a little."""
    found = data.content(polars.read_delta(str(path)))
    near = abs(found["pnl"] - expected["pnl"]) <= 0.05
    if {**found, "pnl": 0} != {**expected, "pnl": 0} or not near:
        raise SystemExit(f"{path.name} holds {found}, which should be {expected}")


def measure_speed(root, build, repeats):
    """W10, W11: {workload: {engine: [(ms, ms of the processor)]}}."""
    source = root / "source"
    small_files(source)
    expected = data.content(polars.read_delta(str(source)))
    samples = {"W10": {}, "W11": {}}
    warm = {"varve": Warm(build, root, "on"), "varve, no sync": Warm(build, root, "off")}
    for repeat in range(repeats):
        for workload, zorder in (("W10", False), ("W11", True)):
            for name in ("varve", "varve, no sync", "deltalake"):
                path = root / f"{workload}_{name.replace(', ', '_').replace(' ', '_')}_{repeat}"
                shutil.copytree(source, path)
                cpu = own_cpu if name == "deltalake" else warm[name].cpu
                begin = cpu()
                ms, removed = (theirs(path, zorder, 10**8) if name == "deltalake"
                               else ours(warm[name], path, zorder, 10**8))
                used = cpu() - begin
                assert removed == SMALL_FILES, (name, removed)
                check(path, expected)
                samples[workload].setdefault(name, []).append((ms, used))
                shutil.rmtree(path)
    for process in warm.values():
        process.close()
    return samples


def report_speed(samples):
    titles = {"W10": "1,000 small files packed", "W11": "the same in z-order"}
    names = ["varve", "varve, no sync", "deltalake"]
    lines = ["| | workload | " + " | ".join(names) + " | varve / deltalake, processor |",
             "|---" * 6 + "|"]
    for workload, values in samples.items():
        wall = [statistics.median(ms for ms, _ in values[name]) for name in names]
        used = [statistics.median(ms for _, ms in values[name]) for name in names]
        cells = " | ".join(f"{ms:.0f} ({cpu:.0f})" for ms, cpu in zip(wall, used))
        lines.append(f"| {workload} | {titles[workload]} | {cells} | {used[0] / used[2]:.2f}x |")
    return "\n".join(lines) + "\n\nMedians in milliseconds, in brackets those of the processor."


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
        warm = Warm(build, root, "on")
        ms, _ = (theirs(path, True, target) if name == "deltalake"
                 else ours(warm, path, True, target))
        warm.close()
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
        ms, done = engines.timed(lambda command=command: subprocess.run(
            [str(build / "varve"), command[0], str(path), *command[1:], "--json"],
            capture_output=True, text=True, check=False))
        assert done.returncode == 0, done.stderr
        took.append(ms)
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

    def job():
        link = duckdb.connect()
        link.execute("COPY (FROM read_parquet($files) ORDER BY timestamp, strategy_id) TO "
                     f"'{root / 'out.parquet'}' (FORMAT parquet, COMPRESSION zstd)",
                     {"files": files})
        return len(files)
    theirs_ms, _ = engines.timed(job)
    warm = Warm(build, root, "on")
    ours_ms, removed = ours(warm, copy, False, 10**10)
    warm.close()
    assert removed == len(files)
    return (f"{removed} files of {size:.0f} MB into one: "
            f"varve {ours_ms / 1000:.1f} s, DuckDB reads, sorts and writes them in "
            f"{theirs_ms / 1000:.1f} s: {ours_ms / theirs_ms:.2f}x")


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("build", type=pathlib.Path, help="the build folder")
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--rows", type=int, default=1_000_000, help="of the large table")
    parser.add_argument("--folder", type=pathlib.Path, help="where the tables go (a new one)")
    options = parser.parse_args()
    build = options.build.resolve()
    root = pathlib.Path(tempfile.mkdtemp(prefix="varve-layout-", dir=options.folder))
    try:
        samples = measure_speed(root, build, options.repeats)
        print(report_speed(samples), flush=True)
        quality, large, rows = measure_quality(root, build, options.rows)
        print("\n" + quality, flush=True)
        print("\n" + beside_duckdb(root, build, large), flush=True)
        print(one_key(build, large, rows))
        print(f"load average {os.getloadavg()[0]:.1f} at the end")
    finally:
        shutil.rmtree(root, ignore_errors=True)


if __name__ == "__main__":
    main()
