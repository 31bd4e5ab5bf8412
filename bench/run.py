"""Measures Varve beside what its users have today, in one run on one machine.

    make bench                      1 M rows, minutes
    make bench-full                 5 M rows, more peers; then bench/growth.py
    make bench-spark                1 M rows, Varve, deltalake and Spark alone, in fewer turns

Every engine gets the same rows; after each write the tables are compared with a model of what an
upsert has to leave, and a wrong one ends the run. Leaves BUILD/bench/results.json (or
results-full.json), from which bench/report.py makes the tables and charts of docs/performance.md.
"""

import argparse
import os
import pathlib
import shutil
import signal
import statistics
import sys
import tempfile
import time
import typing

import data
import engines
import report
import samples
import workloads
import workloads_log

ROOT = pathlib.Path(__file__).resolve().parents[1]
WORKLOADS = ["W1", "W2", "W4", "W5", "W6", "W9", "W10", "W12", "W13"]  # W3 goes with W2, and so on
# More peers, each in an environment of its own (`./setup.sh bench-more`, `./setup.sh spark`).
MORE = {"ducklake": ".venv-bench-ducklake", "arcticdb": ".venv-bench-arcticdb"}
SLOW = {"spark": ".venv-spark"}


class Profile(typing.NamedTuple):
    """What is measured where nothing else is asked for; no engines or workloads: all."""
    rows: int
    seconds: int  # of W12, each engine
    repeats: int
    results: str
    engines: str = None
    workloads: str = None


PROFILES = {
    "quick": Profile(1_000_000, 5, 5, "results.json"),
    "full": Profile(5_000_000, 20, 5, "results-full.json"),
    "spark": Profile(1_000_000, 5, 3, "results-spark.json", "varve,varve-cli,deltalake,spark", "W1,W2,W4,W5,W6,W13"),
}
LAYOUTS = 7  # turns of W10 and W11, each a fifth of a second, of which three left the median to chance


def peers(options, root):
    there = [engines.Peer(name, root / name, options.build)
             for name in ("deltalake", "polars", "duckdb", "pandas")]
    more = {**MORE, **(SLOW if options.spark else {})}
    for name, environment in more.items():
        python = ROOT / environment / "bin" / "python"
        if python.exists():
            there.append(engines.Peer(name, root / name, options.build, python))
        else:
            print(f"{name} is left out: there is no {environment}", file=sys.stderr)
    return there


def make_engines(options, root):
    build = options.build
    ours = [engines.Varve("varve", root / "varve", build),
            engines.Varve("varve-no-sync", root / "varve-no-sync", build, durability="off"),
            engines.Varve("varve-vectors", root / "varve-vectors", build, vectors=True),
            engines.VarveCommand("varve-cli", root / "varve-cli", build)]
    package = engines.package_of(build)
    if package is not None:
        ours.append(engines.VarvePython("varve-python", root / "varve-python", build, package))
    chosen = ours + peers(options, root)
    if options.engines:
        chosen = [engine for engine in chosen if engine.name in options.engines.split(",")]
    return chosen


def run_all(run, options):
    """Workloads write into the same tables, so the order is part of what is measured."""
    jobs = {
        "W1": lambda: workloads.bulk_load(run, min(3, options.repeats),
                                          lambda folder: make_engines(options, folder)),
        "W2": lambda: workloads.small_upserts(run, options.repeats),
        "W4": lambda: workloads.late_upserts(run, "W4", options.repeats, 10_000, 30, 1),
        "W5": lambda: workloads.late_upserts(run, "W5", min(3, options.repeats), 100_000,
                                             data.DAYS, 21),
        "W6": lambda: workloads.reads(run, options.repeats),
        "W9": lambda: workloads_log.long_logs(run, options.commits, options.repeats),
        "W10": lambda: workloads_log.layouts(run, LAYOUTS),
        "W12": lambda: workloads.sustained(run, options.seconds, 1000),
        "W13": lambda: workloads.one_row_processes(run, options.repeats),
    }
    for name in WORKLOADS:
        if name == "W1" or not options.workloads or name in options.workloads.split(","):
            begin = time.monotonic()
            jobs[name]()
            facts(options, run)
            options.json.write_text(run.samples.as_json())
            print(f"{name}: {time.monotonic() - begin:.0f} s", file=sys.stderr, flush=True)


def parse():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("build", type=pathlib.Path, help="the build folder")
    parser.add_argument("--profile", choices=list(PROFILES), default="quick")
    parser.add_argument("--rows", type=int, help="of the table (1 M; full: 5 M)")
    parser.add_argument("--repeats", type=int, help="(5; spark: 3)")
    parser.add_argument("--commits", type=int, default=10_000, help="of W9")
    parser.add_argument("--seconds", type=int, help="of W12, each engine (5; full: 20)")
    parser.add_argument("--workloads", help=f"some of {','.join(WORKLOADS)}; W1 is always there")
    parser.add_argument("--engines", help="these alone, parted by commas")
    parser.add_argument("--spark", action="store_true", help="Spark as well: takes its time")
    parser.add_argument("--json", type=pathlib.Path, help="the results, to this file")
    parser.add_argument("--folder", type=pathlib.Path, help="where the tables go (a new one)")
    options = parser.parse_args()
    profile = PROFILES[options.profile]
    for name in ("rows", "seconds", "repeats", "engines", "workloads"):
        setattr(options, name, getattr(options, name) or getattr(profile, name))
    options.build = options.build.resolve()
    options.spark = options.spark or options.profile == "spark"
    options.json = options.json or options.build / "bench" / profile.results
    return options


def facts(options, run):
    told = run.samples.facts
    told.update(profile=options.profile, rows=run.market.height, strategies=run.market.strategies,
                days=run.market.loaded_days, repeats=options.repeats, commits=options.commits,
                sync_floor_ms=round(statistics.median(run.floors["sync"]), 3),
                sync_floor_least_ms=round(min(run.floors["sync"]), 3),
                sync_floor_most_ms=round(max(run.floors["sync"]), 3),
                encode_floor_ms=round(run.floors["encode"][0], 3),
                load_at_end=round(os.getloadavg()[0], 1))


def main():
    options = parse()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit("ended by a signal"))  # and tidies up
    root = pathlib.Path(tempfile.mkdtemp(prefix="varve-bench-", dir=options.folder)).resolve()
    told = samples.Samples()
    told.facts = samples.machine()
    all_engines = make_engines(options, root)
    run = workloads.Run(told, all_engines, data.Market(options.rows), root)
    try:
        run.floor()
        run_all(run, options)
        print(report.text(told.as_json()))
        print(f"all samples are in {options.json}", file=sys.stderr)
    finally:
        for engine in all_engines:
            engine.stop()
        shutil.rmtree(root, ignore_errors=True)


if __name__ == "__main__":
    main()
