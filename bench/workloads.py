"""W1 to W8, W12, W13: the table of performance metrics, loaded, written to, read.

Engines take turns in each repetition, so that a busy minute hits all of them. After each write the
content of every table is compared with a model of what an upsert has to leave.
"""

import datetime
import os
import shutil
import statistics
import time

import pyarrow
import pyarrow.parquet

import data
import engines
import floors
import process


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


def encode_floor(frame):
    """Milliseconds to make Parquet of one batch, in memory."""
    rows, samples = frame.to_arrow(), []
    for _ in range(20):
        sink = pyarrow.BufferOutputStream()
        begin = time.perf_counter()
        pyarrow.parquet.write_table(rows, sink, compression="zstd")
        samples.append((time.perf_counter() - begin) * 1000)
    return statistics.median(samples)


def differs(found, expected):
    """Sums of floats depend on the order of the rows, a little."""
    near = abs(found["pnl"] - expected["pnl"]) <= 1e-6 * abs(expected["pnl"]) + 0.05
    return {**found, "pnl": 0} != {**expected, "pnl": 0} or not near


def check(engine, expected, workload):
    found = engine.content() if engine.is_right else expected
    if differs(found, expected):
        raise SystemExit(f"{workload}: {engine.name} holds {found}, which should be {expected}")


class Run:
    """The state that workloads share: the engines, the market, and what tables should hold."""

    def __init__(self, samples, all_engines, market, folder):
        self.samples, self.engines, self.market, self.folder = samples, all_engines, market, folder
        self.model = market.base
        self.floors = {}
        self.least = floors.Floors(samples, folder)
        self.files_made = 0

    def files_of(self, frame):
        self.files_made += 1
        return engines.Files(self.folder / "batches", f"b{self.files_made % 3}", frame)

    def floor(self):
        """Again and again, since the disk of a shared machine is not always the same."""
        self.floors.setdefault("sync", []).append(sync_floor(self.folder))

    def upsert(self, workload, frame, rows):
        """Of one batch, by each engine: all of it is told to be written where `rows` says so."""
        files = self.files_of(frame)
        for engine in self.engines:
            cost = engine.upsert(files)
            self.samples.add(workload, engine.name, cost)
            assert not engine.is_right or cost.number == rows, (workload, engine.name, cost.number)
        return files

    def check(self, workload):
        expected = data.content(self.model)
        for engine in self.engines:
            check(engine, expected, workload)

    def restart(self):
        """So that each group of workloads has a process whose memory is its own."""
        warm_up = self.files_of(self.market.fresh())
        for engine in self.engines:
            engine.start()
            engine.upsert(warm_up)
        self.model = data.apply(self.model, warm_up.frame)


def load_all(run, loaded, base, regimes):
    for engine in loaded:
        cost = engine.load(base, regimes)
        run.samples.add("W1", engine.name, cost)
        assert cost.number == base.rows, (engine.name, cost.number)


def bulk_load(run, repeats, engines_in):
    """W1. The tables of the last turn stay, for what follows; those before are of `engines_in` a
    folder, and go."""
    base = engines.Files(run.folder / "batches", "base", run.market.base)
    regimes = engines.Files(run.folder / "batches", "regimes", run.market.regimes)
    expected = data.content(run.model)
    for number in range(repeats - 1):
        folder = run.folder / f"load{number}"
        passing = engines_in(folder)
        try:
            load_all(run, passing, base, regimes)
            for engine in passing:
                check(engine, expected, "W1")
        finally:
            for engine in passing:
                engine.stop()
            shutil.rmtree(folder)
    load_all(run, run.engines, base, regimes)
    run.check("W1")
    run.least.load(base.paths["parquet"])
    run.floors["encode"] = [encode_floor(run.market.base[:250])]


def small_upserts(run, repeats):
    """W2, W3."""
    run.restart()
    for _ in range(repeats):
        run.floor()
        fresh = run.market.fresh()
        files = run.upsert("W2", fresh, fresh.height)
        for engine in run.engines:
            cost = engine.upsert(files)
            run.samples.add("W3", engine.name, cost)
            assert cost.number == 0, ("W3", engine.name, cost.number)
        run.model = data.apply(run.model, fresh)
    run.check("W2")
    run.least.upsert("W2", fresh.to_arrow())


def late_upserts(run, workload, repeats, rows, days, seed):
    """W4, W5: corrections and rows that were missed."""
    run.restart()
    for repeat in range(repeats):
        late = run.market.late(rows, days, seed + repeat)
        run.upsert(workload, late, late.height)
        run.model = data.apply(run.model, late)
    run.check(workload)
    run.least.late(workload, rows, days)


def reads(run, repeats):
    """W6, W7, W8, and W6 again where tables are laid out for it."""
    run.restart()
    market, days = run.market, run.market.loaded_days
    end = data.opening(market.days[days]).replace(tzinfo=datetime.timezone.utc)
    begin, first = end - datetime.timedelta(days=7), str(market.days[max(0, days - 30)])
    strategy = f"strategy_{market.strategies // 2:03d}"
    in_range = run.model.filter(run.model["strategy_id"] == strategy,
                                run.model["timestamp"] >= begin,
                                run.model["timestamp"] < end).height
    jobs = {"W6": (lambda engine: engine.range(strategy, begin.isoformat(), end.isoformat()),
                   in_range),
            "W7": (lambda engine: engine.latest(), market.strategies),
            "W8": (lambda engine: engine.join(first), len(data.REGIMES))}
    for _ in range(repeats):
        for workload, (job, rows) in jobs.items():
            for engine in run.engines:
                cost = job(engine)
                run.samples.add(workload, engine.name, cost)
                assert not engine.is_right or cost.number == rows, (workload, engine.name,
                                                                    cost.number, rows)
    lay_out(run)
    for _ in range(repeats):
        for engine in run.engines:
            cost = jobs["W6"][0](engine)
            run.samples.add("W6z", engine.name, cost)
            assert not engine.is_right or cost.number == in_range, ("W6z", engine.name, cost.number)
    run.check("W6z")


def lay_out(run):
    """In z-order by what questions ask for, where an engine has it: what upkeep does by night."""
    for engine in run.engines:
        if isinstance(engine, engines.Varve):
            engine.optimize(engine.lake / engines.TABLE, "strategy_id,timestamp", 10**8)
        elif engine.name == "deltalake":
            engine.optimize(engine.folder / engines.TABLE, "strategy_id,timestamp", 10**8)


def sustained(run, seconds, batches_max):
    """W12: batch after batch, each to every engine that has time left."""
    run.restart()
    spent = {engine.name: 0.0 for engine in run.engines if engine.name != "pandas"}
    series = {name: [] for name in spent}
    frames = []
    for number in range(batches_max):
        left = [engine for engine in run.engines if spent.get(engine.name, seconds * 1000) <
                seconds * 1000]
        if not left or run.market.fresh_left() < run.market.per_batch:
            break
        frames.append(run.market.fresh())
        files = run.files_of(frames[-1])
        if number % 50 == 0:
            run.floor()
        for engine in left:
            cost = engine.upsert(files)
            assert cost.number == files.rows, ("W12", engine.name, cost.number)
            run.samples.add("W12", engine.name, cost)
            spent[engine.name] += cost.ms
            series[engine.name].append(round(cost.ms, 3))
    run.samples.series = series
    run.least.upsert("W12", frames[-1].to_arrow())
    for engine in run.engines:
        if not series.get(engine.name):
            continue
        took = series[engine.name]
        check(engine, data.content(data.apply(run.model, frames[:len(took)])), "W12")
        tenth = max(1, len(took) // 10)
        growth = statistics.median(took[-tenth:]) / statistics.median(took[:tenth])
        run.samples.note(f"W12 {engine.name}: {len(took)} upserts in {spent[engine.name] / 1000:.1f}"
                         f" s, p99 {sorted(took)[int(len(took) * 0.99)]:.1f} ms, last tenth "
                         f"{growth:.2f}x the first")


def one_row_processes(run, repeats):
    """W13. The warm processes are gone by then: DuckDB's file belongs to one."""
    for engine in run.engines:
        engine.stop()
    path = run.folder / "one.csv"
    for repeat in range(repeats):
        time_of = data.opening(run.market.days[-1]) + datetime.timedelta(seconds=1 + repeat)
        row = data.performance([time_of], 1, repeat, run.market.loaded)
        row.write_csv(path)
        for name, command in engines.one_row_commands(run.folder, run.engines, path).items():
            cost, _ = process.run_once(run.engines[0].build, run.folder, command)
            run.samples.add("W13", name, cost)
    count = f"SELECT count(*) AS n FROM {engines.TABLE} WHERE timestamp >= TIMESTAMPTZ '{{}}'"
    for engine in run.engines:
        if isinstance(engine, engines.VarveCommand):
            midnight = run.market.days[-1].isoformat()
            _, out = engine.cli("query", count.format(midnight), "--format", "ndjson")
            assert f'"n":{repeats}' in out.replace(" ", ""), out
