#!/usr/bin/env python3
"""A feed in batches of 250 rows: Varve's batch writer beside a loop of deltalake merges.

    .venv-bench/bin/python bench/ingest.py build [--batches 200] [--lines 1000000]

Both get the same rows in the same order, some of each batch being corrections of the one before,
and have to end with the same table, which is compared row by row with what an upsert leaves. The
merge loop commits each batch, since it has nowhere to keep it; it sees its rows as Arrow, in
memory. The batch writer (`varve ingest`, a whole process that reads NDJSON from a pipe) has each
row in its spool and commits by segments. Times are from the first row to the last commit.

Then `varve ingest` alone takes so many lines of the simulated feed of three tables.
"""

import argparse
import datetime
import json
import pathlib
import resource
import shutil
import subprocess
import tempfile
import time

import polars
import polars.testing

import data
import engines

STRATEGIES = 225
CORRECTIONS = 25


def batches_of(count):
    """A minute of all strategies each, and corrections of the minute before."""
    known = datetime.datetime(2025, 6, 1)
    days = data.trading_days(count // data.MINUTES + 1)
    before = None
    for number in range(count):
        known += datetime.timedelta(minutes=1)
        minute = data.minutes(days[number // data.MINUTES], number % data.MINUTES, 1)
        rows = data.performance(minute, STRATEGIES, number, known)
        if before is None:
            before = rows[:0]
        corrected = before[-CORRECTIONS:].with_columns(
            polars.col("total_pnl") + 1,
            polars.lit(known).cast(polars.Datetime("us", "UTC")).alias("ingested_at"))
        yield polars.concat([rows, corrected])
        before = rows


def lines_of(batch):
    stamps = [polars.col(name).dt.strftime("%Y-%m-%dT%H:%M:%S%.6fZ")
              for name in ("timestamp", "ingested_at")]
    return batch.with_columns(stamps).write_ndjson()


def ingest(build, lake, source, *arguments):
    """Seconds, seconds of processor, and the last line of metrics."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    begin = time.perf_counter()
    done = subprocess.run([str(build / "varve"), "--lake", str(lake), "ingest", *arguments],
                          stdin=source, stderr=subprocess.PIPE, text=True, check=True)
    seconds = time.perf_counter() - begin
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    used = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    metrics = [json.loads(line) for line in done.stderr.splitlines() if line.startswith("{")]
    return seconds, used, metrics[-1]


def init(build, lake):
    subprocess.run([str(build / "varve"), "--lake", str(lake), "init"], check=True,
                   stderr=subprocess.DEVNULL)


def check(name, table, expected):
    stored = polars.read_delta(str(table)).select(schema.COLUMNS).sort(schema.KEY)
    polars.testing.assert_frame_equal(stored, expected.sort(schema.KEY), check_exact=True)
    print(f"{name}: {stored.height:,} rows, as they have to be")


def merges(folder, batches):
    engine = engines.Deltalake(folder / "deltalake")
    empty = batches[0].clear()
    engine.load(empty, data.regimes(data.trading_days(1)))
    begin = time.perf_counter()
    for batch in batches:
        engine.upsert(batch)
    return time.perf_counter() - begin, engine.path


def compare(build, folder, count):
    batches = list(batches_of(count))
    rows = sum(batch.height for batch in batches)
    expected = batches[0].clear()
    for batch in batches:
        expected = data.apply(expected, batch)
    feed = folder / "feed.ndjson"
    feed.write_text("".join(lines_of(batch) for batch in batches))
    init(build, folder / "lake")
    with subprocess.Popen(["cat", str(feed)], stdout=subprocess.PIPE) as pipe:
        ours, used, _ = ingest(build, folder / "lake", pipe.stdout, "performance_metrics")
    theirs, path = merges(folder, batches)
    check("varve", folder / "lake" / "performance_metrics", expected)
    check("deltalake", path, expected)
    print(f"{count} batches, {rows:,} rows: deltalake {theirs:.1f} s, {rows / theirs:,.0f} rows/s; "
          f"varve {ours:.2f} s, {rows / ours:,.0f} rows/s ({used / rows * 1e6:.1f} us of processor "
          f"a row): {theirs / ours:.0f}x")


def feed_alone(build, folder, count):
    feed = folder / "simulated.ndjson"
    days = max(1, count // 100_000)
    with feed.open("w") as out:
        simulated = subprocess.Popen([str(build / "varve"), "simulate", "--days", str(days),
                                      "--strategies", "250"], stdout=subprocess.PIPE)
        subprocess.run(["head", "-n", str(count)], stdin=simulated.stdout, stdout=out, check=True)
        simulated.stdout.close()
        simulated.wait()
    lines = sum(1 for _ in feed.open())
    init(build, folder / "simulated")
    with feed.open() as source:
        seconds, used, metrics = ingest(build, folder / "simulated", source)
    outcomes = sum(metrics[name] for name in ("inserted", "updated", "unchanged", "stale",
                                              "duplicates_in_batch"))
    assert metrics["committed"] == lines == outcomes, metrics
    stored = sum(polars.scan_delta(str(folder / "simulated" / name)).select(polars.len())
                 .collect().item() for name in ("market_regimes", "performance_metrics", "signals"))
    assert stored == metrics["inserted"], (stored, metrics)
    print(f"{lines:,} lines of the simulated feed into {stored:,} rows of three tables: {seconds:.2f} s,"
          f" {lines / seconds:,.0f} rows/s, {used / lines * 1e6:.1f} us of processor a row")


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("build", type=pathlib.Path, help="the build folder")
    parser.add_argument("--batches", type=int, default=200)
    parser.add_argument("--lines", type=int, default=1_000_000)
    options = parser.parse_args()
    folder = pathlib.Path(tempfile.mkdtemp(prefix="varve-bench-"))
    try:
        compare(options.build.resolve(), folder, options.batches)
        feed_alone(options.build.resolve(), folder, options.lines)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    main()
