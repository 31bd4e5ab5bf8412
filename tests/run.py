#!/usr/bin/env python3
"""Runs all tests of a build folder and says at the end how many passed.

    tests/run.py BUILD                   the test programs, then the Python tests
    tests/run.py --programs-only BUILD   the test programs alone
    tests/run.py --short BUILD           all of both but the slow ones, which take most of the time
        --suite NAME     those test programs of a suite of Meson's: unit, fault, threads, ...
        --patient        a case may take ten minutes, a program forty: for builds that are slow
        --part K/N       each N-th of the test programs from the K-th on, one at a time
        --jobs N         so many folders of Python tests at a time

The test programs are those that Meson knows; the Python tests are the folders of tests/ that
hold a test_*.py, run by pytest with VARVE_BUILD set to the build folder; a folder with
requirements of its own is a suite of its own, and not run here. Slow are the programs of Meson's
suite "slow" and the Python tests that are marked so. The lines "N passed,
N failed" that end each part are the result; the exit status is 0 when nothing failed.
"""

import argparse
import concurrent.futures
import json
import os
import pathlib
import re
import signal
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent
NO_TESTS = 5  # pytest's status where a folder has none but slow ones
TAP_LINE = re.compile(r"^(not )?ok\b[^#\n]*(#\s*SKIP)?", re.MULTILINE | re.IGNORECASE)


def count_tap(text):
    """Numbers of passed, failed and skipped cases in the TAP output of one program."""
    passed = failed = skipped = 0
    for negated, skip in TAP_LINE.findall(text):
        if negated:
            failed += 1
        elif skip:
            skipped += 1
        else:
            passed += 1
    return passed, failed, skipped


def count_programs(records):
    """The sum over Meson's records; a program that failed counts for one case at least."""
    totals = [0, 0, 0]
    for record in records:
        counts = list(count_tap(record.get("stdout", "")))
        if record["result"] not in ("OK", "SKIP") and counts[1] == 0:
            counts[1] = 1
        if record["result"] == "OK" and sum(counts) == 0:
            counts[0] = 1
        totals = [total + count for total, count in zip(totals, counts)]
    return totals


def part_of(items, part):
    """Each N-th from the K-th on, by "K/N": of neighbours, which are alike, each part has its own."""
    first, parts = map(int, part.split("/"))
    if not 1 <= first <= parts:
        raise ValueError(f"no part: {part}")
    return items[first - 1::parts]


def names_of(build, part):
    """Of the test programs that Meson knows, those of a part."""
    done = subprocess.run(["meson", "introspect", "--tests", str(build)], check=True,
                          capture_output=True, text=True)
    return part_of([test["name"] for test in json.loads(done.stdout)], part)


def run_programs(build, suite=None, patient=False, part=None, short=False):
    """True when all test programs passed."""
    base = f"testlog-{part.replace('/', '-of-')}" if part else "testlog"
    log = build / "meson-logs" / f"{base}.json"
    log.unlink(missing_ok=True)
    command = ["meson", "test", "-C", str(build), "--no-rebuild", "--print-errorlogs", "--logbase", base]
    command += ["--suite", suite] if suite else []
    command += ["--no-suite", "slow"] if short else []
    command += ["--num-processes", "1", *names_of(build, part)] if part else []
    command += ["--timeout-multiplier", "4"] if patient else []
    env = dict(os.environ, VARVE_TEST_SECONDS="600") if patient else None
    status = subprocess.run(command, check=False, env=env).returncode
    records = []
    if log.exists():
        records = [json.loads(line) for line in log.read_text().splitlines()]
    passed, failed, skipped = count_programs(records)
    if passed + failed == 0 or (status != 0 and failed == 0):
        failed += 1
        print("test programs: meson test itself failed or ran nothing")
    print(f"{passed} passed, {failed} failed, {skipped} skipped", flush=True)
    return failed == 0


def python_folders():
    """Those of tests/ that hold Python tests and have no requirements of their own."""
    folders = {path.parent for path in (ROOT / "tests").glob("*/test_*.py")}
    return sorted(folder for folder in folders if not (folder / "requirements.txt").exists())


def run_folder(folder, build, kept, short):
    """Whether its tests passed; and what they printed, where that is kept."""
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", str(folder)]
    command += ["-m", "not slow"] if short else []
    env = dict(os.environ, VARVE_BUILD=str(build))
    done = subprocess.run(command, check=False, cwd=ROOT, env=env, text=True,
                          stdout=subprocess.PIPE if kept else None,
                          stderr=subprocess.STDOUT if kept else None)
    return done.returncode in (0, NO_TESTS if short else 0), done.stdout


def run_python(build, jobs=1, short=False):
    """True when all Python tests passed. A folder has a run of its own, since its helpers and
    tests may bear the same names as another's."""
    good = True
    with concurrent.futures.ThreadPoolExecutor(jobs) as pool:
        # Only where they would get mixed up is what they print kept until a folder is done.
        runs = {folder: pool.submit(run_folder, folder, build, True, short)
                for folder in python_folders() if jobs > 1}
        for folder in python_folders():
            print(f"{folder.relative_to(ROOT)}:", flush=True)
            passed, text = runs[folder].result() if runs else run_folder(folder, build, False, short)
            print(text or "", end="", flush=True)
            good = passed and good
    return good


def hear_interrupts():
    """What a shell has put in the background ignores SIGINT, and so does all that it starts, the tests
    of what a SIGINT does among them."""
    signal.signal(signal.SIGINT, signal.default_int_handler)


def main(arguments):
    parser = argparse.ArgumentParser(usage=__doc__)
    parser.add_argument("build", type=pathlib.Path)
    parser.add_argument("--programs-only", action="store_true")
    parser.add_argument("--short", action="store_true")
    parser.add_argument("--suite")
    parser.add_argument("--patient", action="store_true")
    parser.add_argument("--part")
    parser.add_argument("--jobs", type=int, default=1)
    options = parser.parse_args(arguments)
    build = options.build.resolve()
    hear_interrupts()
    good = run_programs(build, options.suite, options.patient, options.part, options.short)
    if not options.programs_only:
        good = run_python(build, options.jobs, options.short) and good
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
