#!/usr/bin/env python3
"""Work on a table that is larger than the memory which it may take: none takes more.

    bound.py PROGRAM ROWS MEGABYTES [tell | many]

Prints the time and the peak memory (RSS) of each command, and how many kept to the bound: the
MEGABYTES of --memory and what the program itself takes, PROGRAM_MB. What a command leaves is
counted afterwards. With `tell` what tells of all rows runs too, which takes longest: changes,
leak-check and export. `many` is for a hundred million rows: they are read, sorted and counted in files of
days, and one is upserted; that takes some 8 GB of the disk for a while.
"""

import contextlib
import csv
import datetime
import json
import os
import pathlib
import subprocess
import sys
import tempfile
import time

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as pacsv
import pyarrow.parquet as pq

PROGRAM_MB = 96  # with the engine's library in memory, and what the allocator has yet to give back
FILES, DAYS = 10, 5
MANY_DAYS = 50
# What the system counts for a process begins with what its parent had when it was made. So that it is
# the program's own, a small process makes it.
LAUNCHER = """
import os, sys
pid = os.posix_spawn(sys.argv[2], sys.argv[2:], os.environ)
_, status, usage = os.wait4(pid, 0)
os.write(int(sys.argv[1]), f"{os.waitstatus_to_exitcode(status)} {usage.ru_maxrss}".encode())
"""
SCHEMA = "k bigint not null, day date, sym string, a double, b double, note string"


class Runner:
    """Runs the program and notes what each command took."""

    def __init__(self, program, folder, megabytes):
        self.command = [program, "--lake", str(folder / "lake"), "--memory", f"{megabytes}MB",
                        "--quiet"]
        self.bound = megabytes + PROGRAM_MB
        self.env = {**os.environ, "TMPDIR": str(folder)}
        self.passed = self.failed = 0
        self.spilled = 0  # bytes that the last command has put aside at a time, at most

    def note(self, good, text):
        self.passed += good
        self.failed += not good
        print(text if good else f"FAILED: {text}", flush=True)

    def run(self, *arguments, to=subprocess.DEVNULL):
        """The command's peak must keep to the bound; what it prints goes nowhere, or to a file."""
        start, self.spilled = time.monotonic(), 0
        result, result_end = os.pipe()
        with open(result, encoding="utf-8") as told:
            with subprocess.Popen([sys.executable, "-I", "-S", "-c", LAUNCHER, str(result_end),
                                   *self.command, *arguments], env=self.env, stdout=to,
                                  pass_fds=[result_end]) as process:
                os.close(result_end)
                while process.poll() is None:
                    self.spilled = max(self.spilled, self.spills())
                    time.sleep(0.05)
            code, peak_kb = map(int, told.read().split())
        peak = peak_kb / 1024
        self.note(code == 0 and peak <= self.bound,
                  f"{' '.join(arguments[:2])}: exit {code}, "
                  f"{time.monotonic() - start:.1f} s, {peak:.0f} MB of {self.bound} MB")

    def spills(self):
        """Bytes that lie in the folders for what the engine's memory has no room for."""
        count = 0
        for folder in pathlib.Path(self.env["TMPDIR"]).glob("varve-spill-*"):
            with contextlib.suppress(FileNotFoundError):  # the command may be done with it
                count += sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())
        return count

    def told(self, path, expected, what):
        """The records of a CSV file, without its header, which is removed then."""
        with open(path, newline="", encoding="utf-8") as file:
            found = sum(1 for _ in csv.reader(file)) - 1
        path.unlink()
        self.note(found == expected, f"{expected} {what}: {found}")

    def sorted(self, path, column, expected):
        """The rows of a Parquet file, which is removed then, lie in the order of a column."""
        file, found, last, is_sorted = pq.ParquetFile(path), 0, None, True
        for group in range(file.num_row_groups):
            values = file.read_row_group(group, [column]).column(column).combine_chunks()
            ahead = pc.less(values[1:], values[:-1])  # pylint: disable=no-member
            is_sorted &= not pc.any(ahead).as_py() and (last is None or last <= values[0].as_py())  # pylint: disable=no-member
            found, last = found + len(values), values[-1].as_py()
        path.unlink()
        self.note(found == expected and is_sorted,
                  f"{expected} rows sorted by {column}: {found}, {'' if is_sorted else 'not '}in order")

    def version(self, table):
        done = subprocess.run([*self.command, "describe", table, "--json"], capture_output=True,
                              text=True, env=self.env, check=True)
        return json.loads(done.stdout)["version"]

    def count(self, where, expected, table="t"):
        done = subprocess.run([*self.command, "query", "--format", "csv",
                               f"SELECT count(*) FROM {table} WHERE {where}"],
                              capture_output=True, text=True, env=self.env, check=False)
        found = done.stdout.split()[-1:]
        self.note(found == [str(expected)], f"{expected} rows where {where}: {found}")


def write(path, number, rows):
    """Rows of one day; keys are counted on over all files."""
    def integers(most, seed):
        drawn = pc.random(rows, initializer=seed)  # pylint: disable=no-member
        return pc.cast(pc.floor(pc.multiply(drawn, most)), pa.int64())  # pylint: disable=no-member
    keys = pa.array(range(number * rows, (number + 1) * rows), pa.int64())
    pq.write_table(pa.table({
        "k": keys,
        "day": pa.repeat(pa.scalar(19000 + number % DAYS, pa.int32()), rows).cast(pa.date32()),
        "sym": integers(500, number + 1).cast(pa.string()),
        "a": pc.cast(pc.bit_wise_and(keys, 1023), pa.float64()),  # pylint: disable=no-member
        "b": pc.cast(integers(1 << 30, number + 101), pa.float64()),
        "note": integers(1 << 40, number + 201).cast(pa.string()),
    }), path)


def tell(runner, folder, of):
    """What tells of all rows: an update has two halves of each, a leak has both as well."""
    told = folder / "told.csv"
    with open(told, "wb") as file:
        runner.run("changes", "t", "--from", str(of["since"]), "--format", "csv", to=file)
    runner.told(told, 2 * of["seen"] + of["gone"], "changes")
    with open(told, "wb") as file:
        runner.run("leak-check", "SELECT * FROM t", "--known-at", of["known"], "--knowledge",
                   "commit", "--format", "csv", to=file)
    runner.told(told, 2 * of["seen"] + of["gone"], "rows differ")
    runner.run("export", "-o", str(folder / "exported"), "t")
    runner.told(folder / "exported" / "t" / "rows.csv", of["left"], "rows exported")


def load_days(runner, path, each):
    """So many rows of each day; the days differ in nothing else."""
    keys = pa.array(range(each), pa.int64())
    mixed = pc.bit_wise_and(pc.multiply(keys, 2654435761), 0xFFFFFF)  # pylint: disable=no-member
    columns = {"k": keys, "sym": pc.cast(pc.bit_wise_and(keys, 511), pa.string()),  # pylint: disable=no-member
               "a": pc.cast(mixed, pa.float64())}
    for day in range(MANY_DAYS):
        days = pa.repeat(pa.scalar(19000 + day, pa.int32()), each).cast(pa.date32())
        pq.write_table(pa.table({**columns, "day": days}), path)
        runner.run("append", "t", str(path), "--allow-duplicates")
    path.unlink()


def check_many(runner, folder, rows):
    """Rows of which only a small part fits the memory, read in each way."""
    each = rows // MANY_DAYS
    rows = each * MANY_DAYS
    out = folder / "out.parquet"
    runner.run("create", "t", "--schema", "k bigint not null, sym string, a double, day date", "--key", "k,day")
    load_days(runner, folder / "rows.parquet", each)
    runner.count("true", rows)
    runner.run("scan", "t", "--format", "csv")
    runner.run("scan", "t", "-o", str(out))
    found = pq.ParquetFile(out).metadata.num_rows
    runner.note(found == rows, f"{rows} rows scanned: {found}")
    out.unlink()
    runner.run("query", "SELECT k, a, day FROM t ORDER BY a, k, day", "--format", "csv")
    runner.note(runner.spilled > 0, f"{runner.spilled / 1e6:.0f} MB were put aside meanwhile")
    runner.run("query", "SELECT k, a, day FROM t ORDER BY a, k, day", "-o", str(out))
    runner.sorted(out, "a", rows)
    runner.run("query", "SELECT sym, count(*), sum(a) FROM t GROUP BY sym")
    (folder / "one.csv").write_text("k,sym,a,day\n5,x,-1,2022-01-08\n")
    runner.run("upsert", "t", str(folder / "one.csv"))
    runner.count("a = -1", 1)
    runner.count("true", rows)


def check_all(runner, folder, rows, also):
    """Rows that are read, changed, laid out anew and told of."""
    each = rows // FILES
    runner.run("create", "t", "--schema", SCHEMA, "--key", "k,day", "--partition-by", "day")
    for number in range(FILES):
        path = folder / "rows.parquet"
        write(path, number, each)
        runner.run("append", "t", str(path), "--allow-duplicates")
    total = each * FILES
    runner.count("true", total)
    # The last part once more as text, into a table of its own.
    pacsv.write_csv(pq.read_table(folder / "rows.parquet"), folder / "rows.csv")
    runner.run("create", "u", "--schema", SCHEMA, "--key", "k,day")
    runner.run("append", "u", str(folder / "rows.csv"), "--allow-duplicates")
    runner.run("upsert", "u", str(folder / "rows.csv"))
    runner.count("true", each, "u")
    (folder / "one.csv").write_text("k,day,sym,a,b,note\n5,2022-01-08,x,-1,2,n\n")
    runner.run("upsert", "t", str(folder / "one.csv"))
    runner.count("a = -1", 1)
    runner.run("optimize", "t")
    runner.run("optimize", "t", "--zorder", "note,sym")
    runner.count("true", total)
    runner.run("scan", "t", "--format", "csv")
    runner.run("scan", "t", "-o", str(folder / "all.parquet"))
    # Two engines at once: one sorts, with all of its memory, and one writes what comes out of it.
    runner.run("query", "SELECT * FROM t ORDER BY note", "-o", str(folder / "sorted.parquet"))
    runner.sorted(folder / "sorted.parquet", "note", total)
    runner.run("query", "SELECT sym, count(*), count(DISTINCT note) FROM t GROUP BY sym")
    now = datetime.datetime.now(datetime.timezone.utc)
    known = now.strftime("%Y-%m-%dT%H:%M:%S.%fZ")
    version = runner.version("t")
    runner.run("update", "t", "--set", "note = 'seen'", "--where", "a < 100")
    seen = sum(1 for key in range(total) if key & 1023 < 100)
    runner.count("note = 'seen'", seen)
    runner.run("delete", "t", "--where", "a >= 512")
    left = sum(1 for key in range(total) if key & 1023 < 512)
    runner.count("true", left)
    if also == "tell":
        tell(runner, folder, {"known": known, "since": version + 1, "seen": seen,
                              "gone": total - left, "left": left})


def main(program, rows, megabytes, also=""):
    program = str(pathlib.Path(program).resolve())
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        runner = Runner(program, folder, int(megabytes))
        if also == "many":
            check_many(runner, folder, int(rows))
        else:
            check_all(runner, folder, int(rows), also)
        print(f"{runner.passed} passed, {runner.failed} failed")
        return runner.failed > 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
