#!/usr/bin/env python3
"""How costs grow: with the rows of a table, with its commits and files, with the files of its log.

An upsert of 250 fresh rows and the reads of the newest are done at each size. A table grows by days
of 250 strategies, so that what they touch is the same at each size. The log alone is made by
simulate_log.py up to a million files, which is what 10^9 rows in files of 1,000 are.

    make bench-growth
    .venv-bench/bin/python bench/growth.py build --rows 100000,1000000 --commits none
"""

import argparse
import datetime
import os
import pathlib
import shutil
import signal
import sys
import tempfile

import pyarrow
import pyarrow.parquet

import data
import engines
import report
import samples
import simulate_log

REPEATS = 7
STRATEGIES = 250
PEER_ROWS_MAX = 10_000_000
PEER_COMMITS_MAX = 1_000


class DayFile:
    """The table of a market as one file, made a day at a time; as engines.Files, without a frame."""

    def __init__(self, folder, name, market):
        folder.mkdir(parents=True, exist_ok=True)
        self.rows, self.dte = 0, 0
        self.paths = {"parquet": folder / f"{name}.parquet"}
        writer = None
        for number in range(market.loaded_days):
            day = market.base_of_day(number)
            rows = day.to_arrow()
            writer = writer or pyarrow.parquet.ParquetWriter(self.paths["parquet"], rows.schema,
                                                             compression="zstd")
            writer.write_table(rows)
            self.rows, self.dte = self.rows + day.height, self.dte + int(day["dte"].sum())
        writer.close()


def costs_of(job, expected, repeats=REPEATS):
    costs = []
    for _ in range(repeats):
        costs.append(job())
        assert expected is None or costs[-1].number == expected, (costs[-1], expected)
    return costs


def tell(told, of, at, engine, what, costs):
    told.grew(of, at, engine.name, f"{what}, ms", [cost.ms for cost in costs])
    told.grew(of, at, engine.name, f"{what}, ms of the processor",
                 [cost.cpu_ms for cost in costs])


def point(told, of, at, engine, market, folder, window):
    """All questions at one size. `window` is the (from, to, rows) of the range of one strategy."""
    batches = []
    for number in range(REPEATS):
        batches.append(engines.Files(folder, f"fresh{number}", market.fresh()))
    costs = []
    for files in batches:
        costs.append(engine.upsert(files))
        assert costs[-1].number == files.rows, costs[-1]
    tell(told, of, at, engine, "upsert", costs)
    told.grew(of, at, engine.name, "upsert, files opened and created",
                 [cost.counts["files_opened"] + cost.counts["files_created"] for cost in costs])
    told.grew(of, at, engine.name, "upsert, KiB read",
                 [(cost.counts["bytes_read"] + cost.counts["bytes_mapped"]) / 1024
                  for cost in costs])
    begin, end, rows = window
    costs = costs_of(lambda: engine.range("strategy_100", begin.isoformat(), end.isoformat()), rows)
    tell(told, of, at, engine, "range", costs)
    costs = costs_of(engine.latest, market.strategies)
    told.grew(of, at, engine.name, "the first latest, ms", [costs[0].ms])  # its answer is kept
    tell(told, of, at, engine, "latest", costs[1:])
    if hasattr(engine, "history"):
        tell(told, of, at, engine, "history", costs_of(engine.history, None))
    told.grew(of, at, engine.name, "memory, MiB", [engine.process.memory_mib()])
    return sum(files.rows for files in batches), sum(int(files.frame["dte"].sum())
                                                     for files in batches)


def utc(time):
    return time.replace(tzinfo=datetime.timezone.utc)


def by_rows(told, build, root, sizes):
    for size in sizes:
        market = data.Market(size, STRATEGIES)
        folder = root / f"rows{size}"
        base = DayFile(folder, "base", market)
        regimes = engines.Files(folder, "regimes", market.regimes)
        last = market.days[market.loaded_days - 1]
        begin = utc(data.opening(last))
        window = (begin, begin + datetime.timedelta(hours=1), 60)
        there = [engines.Varve("varve", folder / "varve", build)]
        if size <= PEER_ROWS_MAX:
            there.append(engines.Peer("deltalake", folder / "deltalake", build))
        for engine in there:
            used = market.fresh_used
            engine.load(base, regimes)
            engine.start()
            warm_up = engines.Files(folder, "warm_up", market.fresh())
            engine.upsert(warm_up)
            rows, dte = point(told, "rows", base.rows, engine, market, folder, window)
            found = engine.content()
            expected = (base.rows + rows + warm_up.rows,
                        base.dte + dte + int(warm_up.frame["dte"].sum()))
            assert (found["rows"], found["dte"]) == expected, (engine.name, found, expected)
            engine.stop()
            market.fresh_used = used
        shutil.rmtree(folder)


def by_commits(told, build, root, marks):
    """Real commits of 250 rows, a file each."""
    for name in ("varve", "deltalake"):
        folder = root / f"commits_{name}"
        market = data.Market(1, STRATEGIES, marks[-1] // data.MINUTES + 3)
        engine = (engines.Varve(name, folder / name, build) if name == "varve"
                  else engines.Peer(name, folder / name, build))
        first = engines.Files(folder, "first", market.fresh())
        engine.load(first, engines.Files(folder, "regimes", market.regimes[:1]))
        commits, rows, dte = 1, first.rows, int(first.frame["dte"].sum())
        begin = utc(data.opening(market.days[market.loaded_days]))
        window = (begin, begin + datetime.timedelta(minutes=10), 10)
        for mark in marks:
            if name != "varve" and mark > PEER_COMMITS_MAX:
                break
            while commits < mark:
                files = engines.Files(folder, "next", market.fresh(), ["arrow"])
                engine.prepare(files)
                cost = engine.upsert_prepared()
                assert cost.number == files.rows
                commits, rows = commits + 1, rows + files.rows
                dte += int(files.frame["dte"].sum())
            more = point(told, "commits", mark, engine, market, folder, window)
            commits, rows, dte = commits + REPEATS, rows + more[0], dte + more[1]
            found = engine.content()
            assert (found["rows"], found["dte"]) == (rows, dte), (name, found, rows, dte)
        engine.stop()
        shutil.rmtree(folder)


def by_files(told, build, root, counts):
    """The log alone: a checkpoint of so many files that are not there."""
    for count in counts:
        folder = root / f"files{count}"
        engine = engines.Varve("varve", folder / "varve", build)
        engine.init()
        table = engine.lake / engines.TABLE
        last = simulate_log.make(table, count)
        peer = engines.Peer("deltalake", folder / "deltalake", build)
        for one in (engine, peer):
            one.start()
            costs = costs_of(lambda one=one: one.cold(table), 1, 3)
            tell(told, "files", count, one, "open", costs)
            told.grew("files", count, one.name, "open, peak MiB of the process",
                         [cost.peak_mib for cost in costs])
            one.stop()
        peer.stop()
        engine.start()
        costs = []
        for number in range(2 * REPEATS):
            frame = data.performance([last + datetime.timedelta(minutes=1 + number)], STRATEGIES,
                                     number, last + datetime.timedelta(days=1))
            files = engines.Files(folder, "next", frame)
            costs.append(engine.upsert(files))
            assert costs[-1].number == files.rows
        told.grew("files", count, engine.name, "first upsert, ms", [costs[0].ms])
        tell(told, "files", count, engine, "upsert", costs[1:])
        told.grew("files", count, engine.name, "the costliest upsert, ms of the processor",
                  [max(cost.cpu_ms for cost in costs[1:])])
        day = utc(last + datetime.timedelta(days=1))
        costs = costs_of(lambda engine=engine, day=day: engine.range(
            "strategy_100", day.isoformat(), (day + datetime.timedelta(days=1)).isoformat()), 0)
        tell(told, "files", count, engine, "range that finds nothing", costs)
        told.grew("files", count, engine.name, "memory, MiB", [engine.process.memory_mib()])
        engine.stop()
        shutil.rmtree(folder)


def sizes_of(text):
    return [int(size) for size in text.split(",")] if text != "none" else []


def parse():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("build", type=pathlib.Path, help="the build folder")
    parser.add_argument("--rows", type=sizes_of, default="100000,1000000,10000000,50000000",
                        help="sizes of the table, parted by commas, or none")
    parser.add_argument("--commits", type=sizes_of, default="10,1000,10000")
    parser.add_argument("--files", type=sizes_of, default="1000,10000,100000,1000000",
                        help="in the log alone")
    parser.add_argument("--folder", type=pathlib.Path, help="where the tables go (a new one)")
    return parser.parse_args()


def main():
    options = parse()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit("ended by a signal"))  # and tidies up
    build = options.build.resolve()
    root = pathlib.Path(tempfile.mkdtemp(prefix="varve-growth-", dir=options.folder)).resolve()
    told = samples.Samples()
    told.facts = {**samples.machine(), "profile": "growth"}
    try:
        for job, sizes in ((by_files, options.files), (by_rows, options.rows),
                           (by_commits, options.commits)):
            if sizes:
                job(told, build, root, sizes)
            told.facts["load_at_end"] = round(os.getloadavg()[0], 1)
            (build / "bench" / "results-growth.json").write_text(told.as_json())
        print(report.text(told.as_json()))
    finally:
        shutil.rmtree(root, ignore_errors=True)


if __name__ == "__main__":
    main()
