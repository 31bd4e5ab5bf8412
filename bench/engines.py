"""The engines of a run, as the workloads see them: each works in a process of its own.

Jobs are words to that process (see worker.py, warm.c); a job's cost is what process.py measures.
A file of rows is written once for all engines.
"""

import json
import pathlib
import shutil
import sys

import pyarrow
import pyarrow.parquet

import process
import schema

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parent
TABLE = "performance_metrics"


class Files:
    """Rows as a file of each kind that an engine reads, by the kind."""

    def __init__(self, folder, name, frame, kinds=("arrow", "parquet")):
        self.frame, self.rows = frame, frame.height
        self.paths = {kind: folder / f"{name}.{kind}" for kind in kinds}
        self._write(folder)

    def _write(self, folder):
        folder.mkdir(parents=True, exist_ok=True)
        rows = self.frame.to_arrow()
        fields = [pyarrow.field(field.name, pyarrow.string())
                  if pyarrow.types.is_large_string(field.type) else field for field in rows.schema]
        rows = rows.cast(pyarrow.schema(fields))
        if "arrow" in self.paths:
            with pyarrow.ipc.new_stream(self.paths["arrow"], rows.schema) as writer:
                writer.write_table(rows.combine_chunks())
        if "parquet" in self.paths:
            pyarrow.parquet.write_table(rows, self.paths["parquet"], compression="zstd")


class Engine:
    """What all have: start, load, upsert, reads, content, stop."""

    batch_kind = "arrow"
    is_right = True
    has_log = False

    def __init__(self, name, folder, build):
        self.name, self.folder, self.build = name, folder.resolve(), build
        self.process = None
        self.folder.mkdir(parents=True)

    def command(self):
        raise NotImplementedError

    def environment(self):
        return None

    def start(self):
        self.stop()
        self.process = process.Process(self.build, self.folder.parent, self.command(),
                                       self.environment())

    def stop(self):
        if self.process is not None:
            self.process.close()
            self.process = None

    def ready(self):
        if self.process is None:
            self.start()
        return self.process

    def prepare(self, files):
        """Into the memory of the process, which is not measured."""
        self.ready().talk("batch", "b", files.paths[self.batch_kind])

    def upsert(self, files):
        self.prepare(files)
        return self.upsert_prepared()

    def upsert_prepared(self):
        return self.process.ask("upsert", "b")

    def load(self, files, regimes):
        self.start()
        cost = self.process.ask("load", files.paths["parquet"])
        self.process.talk("regimes", regimes.paths["parquet"])
        return cost

    def range(self, strategy, begin, end):
        return self.ready().ask("range", strategy, begin, end)

    def latest(self):
        return self.ready().ask("latest")

    def join(self, first):
        return self.ready().ask("join", first)

    def content(self):
        return json.loads(self.ready().talk("content")[1])


class Peer(Engine):
    """bench/worker.py with an engine, by the Python that has its package."""

    def __init__(self, name, folder, build, python=None):
        super().__init__(name, folder, build)
        self.python = python or sys.executable
        self.is_right = name != "pandas"  # its anti-join loses updates
        self.batch_kind = "parquet" if name == "spark" else "arrow"

    def command(self):
        return [self.python, HERE / "worker.py", self.name, self.folder]

    def log(self, path, version):
        return self.ready().ask("log", path, version)

    def cold(self, path):
        return self.ready().ask("cold", path)

    def history(self):
        return self.ready().ask("history")

    def optimize(self, path, columns, target):
        return self.ready().ask("optimize", path, columns, target)


class VarvePython(Peer):
    """The package `varve`: built below the build folder."""

    def __init__(self, name, folder, build, package):
        super().__init__(name, folder, build)
        self.package = package

    def environment(self):
        return {"PYTHONPATH": str(self.package)}


class Varve(Engine):
    """libvarve in a process of its own (bench/warm.c): the lake open, batches in memory."""

    def __init__(self, name, folder, build, durability="on", vectors=False):
        super().__init__(name, folder, build)
        self.durability, self.vectors = durability, vectors
        self.lake = self.folder / "lake"

    def command(self):
        return [self.build / "bench" / "varve_warm", self.lake, self.durability]

    def cli(self, *words):
        return process.run_once(self.build, self.folder.parent,
                                [self.build / "varve", "--lake", self.lake, *words])

    def init(self):
        self.cli("init")
        if self.vectors:
            self.cli("alter", TABLE, "set", "delta.enableDeletionVectors=true", "--upgrade")

    def load(self, files, regimes):
        self.init()
        self.start()
        cost = self.process.ask("load", TABLE, files.paths["parquet"])
        self.process.talk("load", "market_regimes", regimes.paths["parquet"])
        return cost

    def upsert_prepared(self):
        return self.process.ask("upsert", TABLE, "b")

    def range(self, strategy, begin, end):
        return self.ready().ask("range", TABLE, strategy, begin, end)

    def latest(self):
        return self.ready().ask("latest", TABLE)

    def join(self, first):
        return self.ready().ask("query", schema.join_sql(first))

    def history(self):
        return self.ready().ask("history", TABLE)

    def content(self):
        out = self.cli("query", schema.CONTENT_SQL, "--format", "ndjson")[1]
        return schema.content_of(json.loads(out.splitlines()[0]))

    def inside(self, path):
        """A table's name, as this engine's process knows it: below its lake."""
        return path.relative_to(self.lake)

    def log(self, path, version):
        return self.ready().ask("log", self.inside(path), version)

    def cold(self, path):
        return self.ready().ask("cold", self.inside(path))

    def optimize(self, path, columns, target):
        return self.ready().ask("optimize", self.inside(path), columns, target)


class VarveCommand(Varve):
    """A process of the command for each job: what a cron job pays."""

    def start(self):
        self.stop()

    def prepare(self, files):
        self.files = files

    def written(self, *words):
        cost, out = self.cli("upsert", *words, "--json")
        told = json.loads(out)
        cost.number = told["inserted"] + told["updated"]
        return cost

    def lines(self, *words):
        cost, out = self.cli(*words, "--format", "ndjson")
        cost.number = out.count("\n")
        return cost

    def load(self, files, regimes):
        self.init()
        cost = self.written(TABLE, files.paths["parquet"])
        self.written("market_regimes", regimes.paths["parquet"])
        return cost

    def upsert_prepared(self):
        return self.written(TABLE, self.files.paths["arrow"])

    def range(self, strategy, begin, end):
        return self.lines("range", TABLE, "--strategy", strategy, "--from", begin, "--to", end)

    def latest(self):
        return self.lines("latest", TABLE)

    def join(self, first):
        return self.lines("query", schema.join_sql(first))

    def log(self, path, version):
        first = self.lines("history", self.inside(path), "--limit", "100")
        if first.number != 100:
            raise RuntimeError("the history is short")
        cost, out = self.cli("describe", self.inside(path), "--at", version, "--json")
        for name in ("ms", "cpu_ms"):
            setattr(cost, name, getattr(cost, name) + getattr(first, name))
        cost.number = json.loads(out)["files"]
        cost.peak_mib = max(cost.peak_mib, first.peak_mib)
        cost.counts = {name: cost.counts[name] + first.counts[name] for name in cost.counts}
        return cost

    def optimize(self, path, columns, target):
        words = [] if columns == "-" else ["--zorder", columns]
        cost, out = self.cli("optimize", self.inside(path), *words, "--target-size", target, "--json")
        cost.number = json.loads(out)["files_removed"]
        return cost


def one_row_commands(root, all_engines, row):
    """W13: {engine: the command that upserts the rows of a CSV file as a process of its own}."""
    places = {"deltalake": TABLE, "polars": TABLE, "pandas": TABLE, "spark": TABLE,
              "duckdb": "market.duckdb", "ducklake": ""}
    commands = {}
    for engine in all_engines:
        if isinstance(engine, VarveCommand):
            commands[engine.name] = [engine.build / "varve", "--lake", engine.lake, "upsert", TABLE,
                                     row]
        elif engine.name in places:
            commands[engine.name] = [engine.python, HERE / "one_row.py", engine.name,
                                     root / engine.name / places[engine.name], row]
    return commands


def package_of(build):
    """Where the Python package is, built anew where the library is newer; None: it can't be."""
    target = build / "bench" / "package"
    library = build / "libvarve.so.0"
    stamp = target / "stamp"
    if stamp.exists() and stamp.stat().st_mtime >= library.stat().st_mtime:
        return target
    shutil.rmtree(target, ignore_errors=True)
    done = process.build_package(ROOT / "python", build, target)
    if done is not None:
        print(f"no Python package: {done}", file=sys.stderr)
        return None
    stamp.touch()
    return target
