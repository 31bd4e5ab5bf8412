"""A process that is measured: what an engine does in it, and what that costs.

It answers a line of words, parted by tabs, with "MICROSECONDS<tab>NUMBER" or "error<tab>TEXT"
(bench/warm.c, bench/worker.py). Beside the time there are those of the processor, the greatest
memory, and what was done to the files (bench/counts.c).
"""

import dataclasses
import mmap
import os
import pathlib
import resource
import struct
import subprocess
import sys
import tempfile
import time

# The order is that of `enum count` in counts.c.
NAMES = ["files_opened", "files_created", "folders_listed", "reads", "bytes_read", "bytes_mapped",
         "writes", "bytes_written", "syncs", "peak_kib"]
LAYOUT = struct.Struct(f"{len(NAMES)}q")


@dataclasses.dataclass
class Cost:
    """Of one job."""

    ms: float
    cpu_ms: float
    number: object  # rows or files, as the job says
    counts: dict    # NAMES but the last
    peak_mib: float


class Counts:
    """The memory that a process and its children count in."""

    def __init__(self, library, root):
        self.file = tempfile.NamedTemporaryFile(prefix="varve-counts-")  # noqa: SIM115
        self.file.write(bytes(LAYOUT.size))
        self.file.flush()
        self.memory = mmap.mmap(self.file.fileno(), LAYOUT.size)
        self.environment = {"LD_PRELOAD": str(library), "VARVE_COUNTS_ROOT": str(root),
                            "VARVE_COUNTS_FILE": self.file.name}

    def read(self):
        return dict(zip(NAMES, LAYOUT.unpack(self.memory[:LAYOUT.size])))

    def since(self, before):
        now = self.read()
        return {name: now[name] - before[name] for name in NAMES[:-1]}

    def close(self):
        self.memory.close()
        self.file.close()


def library_of(build):
    return build / "bench" / "libvarve_counts.so"


def cpu_ms(pid):
    """Of all threads of a process, exactly (its clock, not the ticks in /proc)."""
    return time.clock_gettime(((~pid) << 3) | 2) * 1000


def family(pid):
    """It and the processes that it began and they: the work of Spark is done by a child."""
    found = [pid]
    for path in pathlib.Path(f"/proc/{pid}/task").glob("*/children"):
        try:
            children = path.read_text().split()
        except OSError:  # the thread has ended meanwhile
            continue
        for child in children:
            found += family(int(child))
    return found


def status_mib(pid, name):
    for line in pathlib.Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith(name):
            return int(line.split()[1]) / 1024
    return 0.0


class Process:
    def __init__(self, build, root, command, environment=None):
        self.counts = Counts(library_of(build), root)
        self.name = pathlib.Path(command[0]).name
        self.process = subprocess.Popen(
            list(map(str, command)), stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
            env={**os.environ, **(environment or {}), **self.counts.environment})

    def memory_mib(self):
        return status_mib(self.process.pid, "VmRSS:")

    def talk(self, *words):
        """(milliseconds, answer); nothing else is measured."""
        try:
            self.process.stdin.write("\t".join(map(str, words)) + "\n")
            self.process.stdin.flush()
            line = self.process.stdout.readline()
        except BrokenPipeError:
            line = ""
        if not line:
            raise RuntimeError(f"{' '.join(map(str, words))}: the process ended with status "
                               f"{self.process.wait()}")
        took, answer = line.rstrip("\n").split("\t", 1)
        if took == "error":
            raise RuntimeError(f"{' '.join(map(str, words))}: {answer}")
        return int(took) / 1000, answer

    def ask(self, *words):
        pids = family(self.process.pid)
        for pid in pids:
            pathlib.Path(f"/proc/{pid}/clear_refs").write_text("5")  # the greatest memory, from now
        before, used = self.counts.read(), sum(map(cpu_ms, pids))
        ms, answer = self.talk(*words)
        pids = family(self.process.pid)
        return Cost(ms, sum(map(cpu_ms, pids)) - used, int(answer), self.counts.since(before),
                    sum(status_mib(pid, "VmHWM:") for pid in pids))

    def close(self):
        if self.process.poll() is None:
            self.process.stdin.close()
            try:
                self.process.wait(60)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
        self.process.stdout.close()
        self.counts.close()


def children_cpu_ms():
    """Of all children that have ended."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return (used.ru_utime + used.ru_stime) * 1000


def run_once(build, root, command):
    """(Cost, standard output) of a process from its start to its end."""
    counts = Counts(library_of(build), root)
    try:
        begin, used = time.perf_counter(), children_cpu_ms()
        process = subprocess.Popen(list(map(str, command)), stdout=subprocess.PIPE,
                                   stderr=subprocess.PIPE,
                                   env={**os.environ, **counts.environment})
        out, complaint = process.communicate()
        ms = (time.perf_counter() - begin) * 1000
        if process.returncode != 0:
            raise RuntimeError(f"{' '.join(map(str, command))}: {complaint.decode()}")
        told = counts.read()
        peak = told.pop("peak_kib") / 1024
    finally:
        counts.close()
    return Cost(ms, children_cpu_ms() - used, None, told, peak), out.decode()


def build_package(source, build, target):
    """Builds Varve's Python package into a folder. What went wrong, or None."""
    command = [sys.executable, "setup.py", "-q", "build", "--build-base", str(target / "work"),
               "--build-lib", str(target)]
    done = subprocess.run(command, cwd=source, capture_output=True, text=True, check=False,
                          env={**os.environ, "VARVE_BUILD": str(build)})
    return None if done.returncode == 0 else done.stderr.strip()[-500:]
