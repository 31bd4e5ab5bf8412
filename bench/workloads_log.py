"""W9, W10, W11: the log of very many commits, and very many small files made few."""

import datetime
import shutil

import deltalake
import polars

import data
import log_of_commits
import workloads

SMALL_FILES = 1000
ROWS_EACH = 100
TARGET = 10**8
ZORDER = "timestamp,strategy_id"


def one_turn(run, engine, path, workload, commits):
    cost = engine.log(path, commits // 2)
    assert cost.number == commits // 2, (workload, engine.name, cost.number)
    run.samples.add(workload, engine.name, cost)
    if workload == "W9c" and engine.name != "varve-cli":
        cost = engine.cold(path)
        assert cost.number == commits, ("W9o", engine.name, cost.number)
        run.samples.add("W9o", engine.name, cost)


def long_logs(run, commits, repeats):
    """W9 (no checkpoint), W9c (one each hundred commits), W9o (that, opened anew)."""
    there = [engine for engine in run.engines
             if engine.name in ("varve", "varve-cli", "deltalake")]
    for workload, every in (("W9", 0), ("W9c", log_of_commits.CHECKPOINT_EVERY)):
        made = run.folder / "logs" / workload
        log_of_commits.make(made, commits, every)
        path = {}
        for engine in there:
            engine.start()
            path[engine.name] = getattr(engine, "lake", engine.folder) / workload.lower()
            shutil.copytree(made, path[engine.name])
        for _ in range(repeats):
            for engine in there:
                one_turn(run, engine, path[engine.name], workload, commits)
        for folder in [made, *path.values()]:
            shutil.rmtree(folder)


def small_files(path):
    """A table of many appends, as a feed leaves it; strategies in turns."""
    for number in range(SMALL_FILES):
        times = [data.opening(data.FIRST_DAY) + datetime.timedelta(minutes=number)]
        rows = data.performance(times, ROWS_EACH, number, times[0])
        deltalake.write_deltalake(str(path), rows.to_arrow(), mode="append")
    deltalake.DeltaTable(str(path)).create_checkpoint()


def layouts(run, repeats):
    """W10, W11, each on a copy of its own."""
    source = run.folder / "small_files"
    small_files(source)
    expected = data.content(polars.read_delta(str(source)))
    there = [engine for engine in run.engines
             if engine.name in ("varve", "varve-no-sync", "varve-cli", "deltalake")]
    for engine in there:
        engine.start()
    for repeat in range(repeats):
        for workload, columns in (("W10", "-"), ("W11", ZORDER)):
            for engine in there:
                path = getattr(engine, "lake", engine.folder) / f"{workload.lower()}_{repeat}"
                shutil.copytree(source, path)
                cost = engine.optimize(path, columns, TARGET)
                assert cost.number == SMALL_FILES, (workload, engine.name, cost.number)
                run.samples.add(workload, engine.name, cost)
                found = data.content(polars.read_delta(str(path)))
                if workloads.differs(found, expected):
                    raise SystemExit(f"{workload}: {engine.name} left {found}, not {expected}")
                shutil.rmtree(path)
    run.least.pack("W10", source)
    run.least.pack("W11", source, ZORDER.split(","))
    shutil.rmtree(source)
