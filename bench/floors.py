"""The least that a workload takes: what DuckDB, a newer one than Varve's library has for an engine, needs to
decode the files that have to be read and to encode those that have to be written, on all cores, and the
disk to sync them.

Nothing is judged, compared, sorted (but in W11) or put in a log; a thousand small files (W10, W11) are read, not
decoded, since the engine takes longer for that than Varve does. Parquet is compressed as Varve's is: Zstandard,
level 1. An upsert that writes files anew is the floor of "varve", one that reads keys alone and adds small
files that of "varve-vectors" (the deletion vectors themselves are left out), one without syncs that of
"varve-no-sync".
"""

import concurrent.futures
import os
import time

import duckdb
import process
import targets
from schema import KEY

REPEATS = 3
LOG_BYTES = 16384  # of one commit
FORMAT = "FORMAT parquet, COMPRESSION zstd, COMPRESSION_LEVEL 1"


def sync(path):
    handle = os.open(path, os.O_RDONLY)
    os.fsync(handle)
    os.close(handle)


def write(cursor, path, rows, is_synced=True):
    cursor.execute(f"COPY ({rows}) TO '{path}' ({FORMAT})")
    if is_synced:
        sync(path)


def rows_of(*paths):
    listed = ", ".join(f"'{path}'" for path in paths)
    return f"FROM read_parquet([{listed}], hive_partitioning = false)"


def cost_of(job):
    begin, used = time.perf_counter(), time.process_time()
    job()
    ms, cpu_ms = (time.perf_counter() - begin) * 1000, (time.process_time() - used) * 1000
    return process.Cost(ms, cpu_ms, None, dict.fromkeys(process.NAMES[:-1], 0), 0.0)


class Floors:
    """Has a file of each day of the table, once `load` has made them."""

    def __init__(self, samples, folder):
        self.samples, self.folder = samples, folder / "floors"
        self.folder.mkdir(parents=True)
        self.days = []
        self.engine = duckdb.connect()

    def _measure(self, workload, of, job, repeats=REPEATS):
        for _ in range(repeats):
            self.samples.add(workload, targets.LEAST[of], cost_of(job))

    def _commit(self):
        """The folder of the data, and the file of the version."""
        sync(self.folder)
        path = self.folder / "log"
        path.write_bytes(b"x" * LOG_BYTES)
        sync(path)
        sync(self.folder)

    def _each(self, job, *items):
        """A statement to a thread: of one file the engine makes one row group by one thread anyway."""
        self.engine.execute("SET threads = 1")
        with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
            list(pool.map(lambda *item: job(self.engine.cursor(), *item), *items))
        self.engine.execute(f"SET threads = {os.cpu_count()}")

    def load(self, path):
        """W1: one file into a file a day, in one pass."""
        days = self.folder / "days"

        def job():
            self.engine.execute(f"COPY ({rows_of(path)}) TO '{days}' ({FORMAT}, PARTITION_BY (date), "
                                "OVERWRITE)")
            for made in days.glob("*/*"):
                sync(made)
            self._commit()
        self._measure("W1", "varve", job)
        for day in sorted(days.iterdir()):
            self.days.append(self.folder / f"{len(self.days)}.parquet")
            write(self.engine, self.days[-1], rows_of(*day.iterdir()))

    def upsert(self, workload, rows):
        """W2, W12: one small file of the rows, an Arrow table."""
        path = self.folder / "small.parquet"
        self.engine.register("small", rows)

        def job():
            write(self.engine, path, "FROM small")
            self._commit()
        self._measure(workload, "varve", job, 20)
        self._measure(workload, "varve-no-sync",
                      lambda: write(self.engine, path, "FROM small", is_synced=False), 20)

    def late(self, workload, rows, days):
        """W4, W5: as many rows as a batch of so many days has. Their files are read and written anew; or
        their keys are read and a small file is added to each."""
        there = self.days[-days:]
        new = self.folder / "anew"
        new.mkdir(exist_ok=True)
        self.engine.execute(f"CREATE OR REPLACE TABLE part AS {rows_of(there[0])} LIMIT {max(1, rows // days)}")

        def anew(cursor, path):
            write(cursor, new / path.name, rows_of(path))

        def beside(cursor, path):
            keys = ", ".join(f"count({name})" for name in KEY)
            cursor.execute(f"SELECT {keys} {rows_of(path)}").fetchall()
            write(cursor, new / path.name, "FROM part")

        def run(job):
            self._each(job, there)
            sync(new)
            self._commit()
        self._measure(workload, "varve", lambda: run(anew))
        self._measure(workload, "varve-vectors", lambda: run(beside))

    def pack(self, workload, source, order=()):
        """W10, W11: the bytes of all files of a folder, and their rows, which lie decoded in memory, into one
        file; in order where one is given."""
        paths = [path for path in sorted(source.glob("**/*.parquet")) if "_delta_log" not in path.parts]
        self.engine.execute(f"CREATE OR REPLACE TABLE packed AS {rows_of(*paths)}")
        rows = "FROM packed" + (f" ORDER BY {', '.join(order)}" if order else "")

        def job():
            for path in paths:
                path.read_bytes()
            write(self.engine, self.folder / "packed.parquet", rows)
            self._commit()
        self._measure(workload, "varve", job)
