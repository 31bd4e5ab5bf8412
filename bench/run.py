"""Measures Varve beside what its users have today, in one run on one machine.

    make bench                      1 M rows, about ten minutes
    make bench ROWS=5000000         the size of docs/performance.md's second table

Every engine gets the same rows; after each write the tables are compared with a model of what an
upsert has to leave, and a wrong one ends the run. Figures are medians; the engines take turns in
each repetition, so that a busy minute hits all of them.
"""

import argparse
import datetime
import json
import os
import pathlib
import platform
import resource
import shutil
import statistics
import subprocess
import sys
import tempfile
import time

import deltalake

import data
import engines
import log_of_commits

W12_SECONDS = 20


class Results:
    def __init__(self):
        self.samples = {}  # workload -> engine -> [ms]
        self.notes = []

    def add(self, workload, engine, ms):
        self.samples.setdefault(workload, {}).setdefault(engine, []).append(ms)

    def median(self, workload, engine):
        values = self.samples.get(workload, {}).get(engine)
        return statistics.median(values) if values else None

    def note(self, text):
        self.notes.append(text)
        print(f"  {text}", file=sys.stderr)


def sync_floor(folder):
    """Milliseconds of what a durable commit can't do without: two files and their folders."""
    samples = []
    for number in range(20):
        begin = time.perf_counter()
        for name in (f"data{number}", f"log{number}"):
            handle = os.open(folder / name, os.O_CREAT | os.O_WRONLY)
            os.write(handle, b"x" * 16384)
            os.fsync(handle)
            os.close(handle)
            handle = os.open(folder, os.O_RDONLY)
            os.fsync(handle)
            os.close(handle)
        samples.append((time.perf_counter() - begin) * 1000)
    return statistics.median(samples)


def check(engine, model, workload):
    if not engine.is_right:
        return
    found, expected = engine.content(), data.content(model)
    near = abs(found["pnl"] - expected["pnl"]) <= 1e-6 * abs(expected["pnl"]) + 0.05
    if {**found, "pnl": 0} != {**expected, "pnl": 0} or not near:
        raise SystemExit(f"{workload}: {engine.name} holds {found}, which should be {expected}")


def measure_upserts(results, all_engines, market, repeats):
    model = market.base
    for repeat in range(repeats):
        fresh = market.fresh()
        for engine in all_engines:
            ms, rows = engine.upsert(fresh)
            results.add("W2", engine.name, ms)
            assert rows == fresh.height, (engine.name, rows)
            ms, rows = engine.upsert(fresh)
            results.add("W3", engine.name, ms)
            assert rows == 0, (engine.name, rows)
        model = data.apply(model, fresh)
    for engine in all_engines:
        check(engine, model, "W2")
    for repeat in range(repeats):
        late = market.late(10000, 30, repeat + 1)
        for engine in all_engines:
            ms, rows = engine.upsert(late)
            results.add("W4", engine.name, ms)
            assert not engine.is_right or rows == late.height, (engine.name, rows)
        model = data.apply(model, late)
        print(f"  W4 {repeat + 1}/{repeats}", file=sys.stderr)
    for engine in all_engines:
        check(engine, model, "W4")
    return model


def measure_reads(results, all_engines, market, model, repeats):
    end = data.opening(market.days[data.DAYS])
    begin = end - datetime.timedelta(days=7)
    first = market.days[data.DAYS - 30]
    strategy = f"strategy_{market.strategies // 2:03d}"
    zone = datetime.timezone.utc
    in_range = model.filter(model["strategy_id"] == strategy,
                            model["timestamp"] >= begin.replace(tzinfo=zone),
                            model["timestamp"] < end.replace(tzinfo=zone)).height
    for _ in range(repeats):
        for engine in all_engines:
            ms, rows = engine.range(strategy, begin, end)
            results.add("W6", engine.name, ms)
            assert not engine.is_right or rows == in_range, (engine.name, rows, in_range)
            ms, rows = engine.latest()
            results.add("W7", engine.name, ms)
            assert not engine.is_right or rows == market.strategies, (engine.name, rows)
            ms, rows = engine.join(first)
            results.add("W8", engine.name, ms)
            assert rows == len(data.REGIMES), (engine.name, rows)


def measure_sustained(results, engine, market, seconds):
    """Batch after batch. The samples are kept apart, for whether they grow."""
    used = market.fresh_used
    batches = []
    while market.fresh_left() >= market.per_batch and len(batches) < 400:
        batches.append(market.fresh())
    market.fresh_used = used
    names = None
    if isinstance(engine, engines.Varve):
        names = [engine.prepare(batch) for batch in batches]
    samples = []
    spent = 0
    for number, batch in enumerate(batches):
        if names is not None:
            ms, _ = engine.ask("upsert", "performance_metrics", names[number])
        else:
            ms, _ = engine.upsert(batch)
        samples.append(ms)
        results.add("W12", engine.name, ms)
        spent += ms
        if spent > seconds * 1000:
            break
    tenth = max(1, len(samples) // 10)
    growth = statistics.median(samples[-tenth:]) / statistics.median(samples[:tenth])
    results.note(f"W12 {engine.name}: {len(samples)} upserts in {spent / 1000:.1f} s, "
                 f"p99 {sorted(samples)[int(len(samples) * 0.99)]:.1f} ms, "
                 f"last tenth {growth:.2f}x the first")


def measure_processes(results, folder, build, market, repeats):
    for repeat in range(repeats):
        row = data.performance([data.opening(market.days[-1]) +
                                datetime.timedelta(seconds=1 + repeat)], 1, repeat,
                               market.loaded)
        for name, command in engines.one_row_processes(folder, build, row).items():
            begin = time.perf_counter()
            done = subprocess.run(command, capture_output=True, text=True, check=False)
            results.add("W13", name, (time.perf_counter() - begin) * 1000)
            if done.returncode != 0:
                raise SystemExit(f"W13: {' '.join(command)}: {done.stderr}")


def measure_log(results, folder, varve, commits, repeats):
    table = folder / "varve" / "lake" / "commits"
    log_of_commits.make(table, commits)
    half = commits // 2
    for _ in range(repeats):
        def job():
            opened = deltalake.DeltaTable(str(table))
            assert len(opened.history(100)) == 100
            old = deltalake.DeltaTable(str(table), version=half)
            return len(old.file_uris())
        ms, files = engines.timed(job)
        assert files == half, files
        results.add("W9c", "deltalake", ms)
        ms, rows = varve.ask("open", "commits", half)
        assert rows == 100
        results.add("W9c", "varve", ms)
        ms, _ = engines.timed(lambda: deltalake.DeltaTable(str(table)).version())
        results.add("W9o", "deltalake", ms)
        ms, version = varve.ask("cold", "commits")
        assert version == commits
        results.add("W9o", "varve", ms)


TITLES = {
    "W2": "upsert of 250 fresh rows",
    "W3": "the same again, nothing to write",
    "W4": "10,000 late rows over 30 days, half corrections",
    "W6": "one strategy, last 7 days",
    "W7": "newest row of each strategy",
    "W8": "regime x performance, 30 days",
    "W9c": "10,000 commits: open, history, version 5,000",
    "W9o": "the same log, opened anew: its newest version",
    "W12": "sustained upserts of 250 rows, p50",
    "W13": "one row, a whole process",
}
ORDER = ["varve", "varve, no sync", "varve, vectors", "deltalake", "polars", "duckdb", "pandas"]


def cell(results, workload, name):
    values = results.samples[workload].get(name)
    if not values:
        return ""
    spread = f" ({min(values):.1f}-{max(values):.1f})" if len(values) > 1 else ""
    return f"{statistics.median(values):.1f}{spread}"


def table_of(results, names):
    lines = ["| | workload | " + " | ".join(names) + " | varve / deltalake | varve / duckdb |",
             "|---" * (len(names) + 4) + "|"]
    for workload in TITLES:
        if workload not in results.samples:
            continue
        ours = results.median(workload, "varve")
        ratios = []
        for peer in ("deltalake", "duckdb"):
            theirs = results.median(workload, peer)
            ratios.append(f"{ours / theirs:.2f}x" if ours and theirs else "")
        cells = [cell(results, workload, name) for name in names]
        lines.append(f"| {workload} | {TITLES[workload]} | " + " | ".join(cells + ratios) + " |")
    return "\n".join(lines)


def describe(market, floor, repeats):
    cores = os.cpu_count()
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    return (f"{market.base.height:,} rows, {market.strategies} strategies, {data.DAYS} days; "
            f"{cores} cores, {memory:.0f} GiB, {platform.system()} {platform.machine()}; "
            f"medians of {repeats} (smallest-greatest) in milliseconds; two synced files and "
            f"their folder take {floor:.1f} ms here; load average {os.getloadavg()[0]:.1f} "
            "at the end")


def parse():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("build", type=pathlib.Path, help="the build folder")
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--commits", type=int, default=10_000)
    parser.add_argument("--seconds", type=int, default=W12_SECONDS, help="of W12, each engine")
    parser.add_argument("--json", type=pathlib.Path, help="all samples, to this file")
    parser.add_argument("--folder", type=pathlib.Path, help="where the tables go (a new one)")
    return parser.parse_args()


def main():
    options = parse()
    options.build = options.build.resolve()
    root = pathlib.Path(tempfile.mkdtemp(prefix="varve-bench-", dir=options.folder))
    results = Results()
    market = data.Market(options.rows)
    all_engines = [engines.Varve(root / "varve", options.build),
                   engines.Varve(root / "varve_no_sync", options.build, "off"),
                   engines.Varve(root / "varve_vectors", options.build, vectors=True),
                   engines.Deltalake(root / "deltalake"), engines.Polars(root / "polars"),
                   engines.Duckdb(root / "duckdb"), engines.Seed(root / "pandas")]
    try:
        floor = sync_floor(root)
        for engine in all_engines:
            ms, _ = engine.load(market.base, market.regimes)
            results.note(f"load of {market.base.height:,} rows, {engine.name}: {ms / 1000:.1f} s")
        model = measure_upserts(results, all_engines, market, options.repeats)
        measure_reads(results, all_engines, market, model, options.repeats)
        measure_log(results, root, all_engines[0], options.commits, options.repeats)
        for engine in all_engines:
            if engine.name != "pandas":
                measure_sustained(results, engine, market, options.seconds)
        for engine in all_engines:
            engine.close()
        measure_processes(results, root, options.build, market, options.repeats)
        print(describe(market, floor, options.repeats) + "\n")
        print(table_of(results, ORDER))
        print("\n" + "\n".join(f"- {note}" for note in results.notes))
        peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024
        print(f"- greatest memory of a process of Varve: {peak:.0f} MiB")
        if options.json:
            options.json.write_text(json.dumps(results.samples, indent=1))
    finally:
        for engine in all_engines:
            engine.close()
        shutil.rmtree(root, ignore_errors=True)


if __name__ == "__main__":
    main()
