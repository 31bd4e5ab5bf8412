#!/usr/bin/env python3
"""A live feed into `varve ingest` for some time: memory, descriptors and files must not grow.

    tests/ingest/soak.py [--minutes 10] [--rate 2000] [--interval 10] [--rewrite] [--maintain]

With --maintain the tables are kept in order meanwhile (`ingest --maintain`) and promise to keep old
versions for a minute only: neither the files of the newest version nor those in the folder may
become more and more.

The tables have deletion vectors, as those of a feed with corrections should: without them
(--rewrite) each flush writes the day's file anew, and takes memory in proportion to that.

Prints a line an interval, then what has to hold: every good line of the feed is accounted for, no
more memory and descriptors at the end than in the middle, an empty spool.
"""

import argparse
import json
import os
import pathlib
import subprocess
import sys
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]
PROGRAM = pathlib.Path(os.environ.get("VARVE_BUILD", ROOT / "build")) / "varve"
MB = 1 << 20
TABLES = ("market_regimes", "performance_metrics", "signals")


# What makes the work of weeks due within minutes.
HURRIED = ("delta.deletedFileRetentionDuration=interval 1 minutes", "varve.maintain.vacuumEvery=30s")
LIVE_MAX = 40  # of a table with a partition or two: at most 7 a size tier, of which there are few

RSS_MAX = 400  # MB: ingest's own, and 256 of maintenance


def files_of(folder):
    return sum(1 for path in folder.rglob("*") if path.is_file())


def data_files(lake):
    return sum(1 for table in TABLES for path in (lake / table).rglob("date=*/*"))


def live_files(base):
    """Of the table that has most."""
    told = subprocess.run([*base, "tables", "--format", "json"], check=True, capture_output=True)
    return max(table["files"] for table in json.loads(told.stdout))


def run(options, folder):
    """The metrics lines of the whole run, each with the number of files in lake and spool."""
    lake = folder / "lake"
    base = [str(PROGRAM), "--lake", str(lake)]
    subprocess.run([*base, "init"], check=True, stderr=subprocess.DEVNULL)
    for table in () if options.rewrite else TABLES:
        subprocess.run([*base, "alter", table, "set", "delta.enableDeletionVectors=true",
                        "--upgrade"], check=True, stderr=subprocess.DEVNULL)
    for table in TABLES if options.maintain else ():
        subprocess.run([*base, "alter", table, "set", *HURRIED], check=True,
                       stderr=subprocess.DEVNULL)
    upkeep = ["--maintain", "--maintain-every", f"{options.interval}s"] if options.maintain else []
    feed = subprocess.Popen([str(PROGRAM), "simulate", "--rate", str(options.rate), "--burst", "3",
                             "--late", "0.02", "--bad-share", "0.001"], stdout=subprocess.PIPE)
    sink = subprocess.Popen([*base, "ingest", "--interval", f"{options.interval}s", *upkeep],
                            stdin=feed.stdout, stderr=subprocess.PIPE, text=True)
    feed.stdout.close()
    end = time.monotonic() + options.minutes * 60
    samples = []
    for line in sink.stderr:
        if not line.startswith("{"):
            continue
        sample = json.loads(line)
        sample["lake_files"] = files_of(lake)
        sample["spool_files"] = files_of(lake / "_varve")
        sample["live_files"], sample["data_files"] = live_files(base), data_files(lake)
        samples.append(sample)
        print(f"{sample['uptime_s']:7.1f} s {sample['lines']:9d} lines "
              f"{sample['committed']:9d} committed, lag {sample['lag_s']:5.1f} s, "
              f"rss {sample['rss_bytes'] / MB:6.1f} MB, {sample['fds']:3d} fds, "
              f"{sample['lake_files']:5d} files, {sample['spool_files']} of the spool, "
              f"{sample['data_files']} of data, {sample['live_files']} live in one table, "
              f"{sample['quarantined']} in quarantine", flush=True)
        if time.monotonic() > end and feed.poll() is None:
            feed.terminate()
    feed.wait()
    return samples, sink.wait()


def check(samples, status, options):
    """What does not hold, as sentences."""
    last = samples[-1]
    running = samples[:-1]
    third = max(1, len(running) // 3)
    middle, late = running[third:2 * third] or running, running[-third:]
    rss = [max(sample["rss_bytes"] for sample in part) / MB for part in (middle, late)]
    fds = [max(sample["fds"] for sample in part) for part in (middle, late)]
    print(f"rss at most {rss[0]:.1f} MB in the middle, {rss[1]:.1f} MB in the end; "
          f"fds {fds[0]}, {fds[1]}; {last['lines'] / last['uptime_s']:.0f} lines a second")
    if status != 0:
        yield f"exit status {status}"
    if last["accepted"] != last["committed"] or last["rows_waiting"] != 0:
        yield "rows were left in the spool"
    outcomes = sum(last[name] for name in ("inserted", "updated", "unchanged", "stale",
                                           "duplicates_in_batch", "quarantined"))
    if outcomes != last["accepted"]:
        yield f"{last['accepted']} rows were accepted, {outcomes} have an outcome"
    if last["lines"] < options.rate * options.minutes * 60 * 0.9:
        yield f"only {last['lines']} lines: it does not keep up"
    # Compaction takes memory in proportion to its files, up to the limit of its thread.
    if rss[1] > (RSS_MAX if options.maintain else rss[0] * 1.15 + 16):
        yield "memory grows"
    if fds[1] > fds[0] + 4:
        yield "descriptors grow"
    if options.maintain:
        upkeep = last["maintenance"]
        data = [max(sample["data_files"] for sample in part) for part in (middle, late)]
        live = max(sample["live_files"] for sample in running)
        print(f"{last['commits']} commits; at most {live} live files in a table; data files in the "
              f"folders at most {data[0]} in the middle, {data[1]} in the end; {upkeep}")
        if upkeep["failed"] > 0 or upkeep["runs"] == 0:
            yield "maintenance failed"
        if live > LIVE_MAX:
            yield "live files grow"
        if data[1] > data[0] * 1.5 + 60:
            yield "the folders grow"
    if max(sample["spool_files"] for sample in late) > 20:
        yield "segments stay in the spool"


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--minutes", type=float, default=10)
    parser.add_argument("--rate", type=int, default=2000)
    parser.add_argument("--interval", type=int, default=10)
    parser.add_argument("--rewrite", action="store_true", help="tables without deletion vectors")
    parser.add_argument("--maintain", action="store_true",
                        help="tables that are maintained meanwhile")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        samples, status = run(options, pathlib.Path(folder))
    faults = list(check(samples, status, options))
    for fault in faults:
        print(f"soak: {fault}")
    print("0 passed, 1 failed" if faults else "1 passed, 0 failed")
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
