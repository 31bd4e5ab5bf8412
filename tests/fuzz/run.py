#!/usr/bin/env python3
"""Lets libFuzzer loose on the fuzz targets.

    tests/fuzz/run.py BUILD [--seconds N] [--jobs N] [--seed N] [--build-only] [TARGET...]

Builds BUILD with clang where needed and runs each target (all, by default) for so many seconds of a
processor, however long they take, with a copy of its corpus. An input that fails is kept in BUILD/found/ and named; one that reaches
new code too, in BUILD/corpus/TARGET, for the next run. With a seed it goes the same way each time,
from the corpus in git alone. Ends with "N passed, N failed".
"""

import argparse
import concurrent.futures
import os
import pathlib
import shutil
import signal
import subprocess
import sys

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parent.parent
OPTIONS = ["--buildtype=debugoptimized", "-Db_sanitize=address,undefined", "-Dwerror=false",
           "-Dc_args=-fsanitize=fuzzer-no-link"]


def build(folder):
    configure = ["env", "CC=clang", "meson", "setup", str(folder), *OPTIONS]
    if not (folder / "build.ninja").exists():
        subprocess.run(configure, cwd=ROOT, check=True, stdout=subprocess.DEVNULL)
    built = subprocess.run(["ninja", "-C", str(folder), "--quiet", "fuzzers"], cwd=ROOT,
                           check=False, capture_output=True, text=True)
    if built.returncode != 0:
        sys.exit(built.stdout + built.stderr)


def processor_seconds(pid):
    """What a process has used by now, all its threads."""
    stat = pathlib.Path(f"/proc/{pid}/stat").read_text(encoding="ascii", errors="replace")
    fields = stat.rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def run_for(command, seconds):
    """Its exit status, what it said, and the seconds of a processor that it took. libFuzzer itself
    counts those of the clock; by SIGUSR1 it is asked to end."""
    used, is_asked = 0, False
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE) as process:
        while True:
            try:
                said = process.communicate(timeout=0.2)[1]
                return process.returncode, said.decode(errors="replace"), used
            except subprocess.TimeoutExpired:
                used = processor_seconds(process.pid)
                if used >= seconds and not is_asked:
                    process.send_signal(signal.SIGUSR1)
                    is_asked = True


def run(folder, target, seconds, seed):
    """The target's name, whether nothing was found, and what there is to say. Seed 0: a new one."""
    grown = folder / ("seeded" if seed else "corpus") / target
    found = folder / "found"
    if seed:
        shutil.rmtree(grown, ignore_errors=True)
    grown.mkdir(parents=True, exist_ok=True)
    found.mkdir(exist_ok=True)
    # Leaks are for the sanitizers' run over the corpus: looking for them after each input is slow.
    command = [folder / "tests" / "fuzz" / f"fuzz_{target}", f"-seed={seed}", "-timeout=60",
               "-rss_limit_mb=4096", "-detect_leaks=0", "-print_final_stats=1", f"-artifact_prefix={found}/{target}-", grown, HERE / "corpus" / target]
    status, text, used = run_for(command, seconds)
    runs = text.rpartition("stat::number_of_executed_units:")[2].split("\n")[0].strip()
    if status == 0 and used >= seconds:
        return target, True, f"{runs} inputs in {used:.0f} seconds of a processor"
    return target, False, text[-3000:]


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("build", type=lambda text: pathlib.Path(text).resolve())
    parser.add_argument("--seconds", type=int, default=60)
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--build-only", action="store_true")
    parser.add_argument("targets", nargs="*")
    options = parser.parse_intermixed_args()
    known = sorted(path.name for path in (HERE / "corpus").iterdir())
    unknown = set(options.targets) - set(known)
    if unknown:
        parser.error(f"no target {', '.join(sorted(unknown))}; there are {', '.join(known)}")
    build(options.build)
    if options.build_only:
        return 0
    failed = 0
    with concurrent.futures.ThreadPoolExecutor(options.jobs) as pool:
        jobs = [pool.submit(run, options.build, target, options.seconds, options.seed)
                for target in options.targets or known]
        for job in concurrent.futures.as_completed(jobs):
            target, is_fine, text = job.result()
            failed += not is_fine
            print(f"{'ok' if is_fine else 'FAILED'} {target}: {text}", flush=True)
    print(f"{len(jobs) - failed} passed, {failed} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
