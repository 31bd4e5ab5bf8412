#!/usr/bin/env python3
"""The command of a build with sanitizers, driven by the Python tests: none of them may report anything.

    tests/asan_commands.py BUILD [--part K/N] [FOLDER...]    all of FOLDERS, a part of them, or those named

A report goes to a file in BUILD/reports, so that it counts where a test expects an exit status of 1 or
reads stdout alone: the test in which it came fails (tests/conftest.py), and so does the run. What is
passed over is in PASSED_OVER with a reason. Ends with "N passed, N failed": a folder is one, and so is
a report.
"""

import argparse
import os
import pathlib
import re
import shutil
import subprocess
import sys

import run

ROOT = run.ROOT

# Those whose tests drive the command. Not: api, python and tools (they load the library into a Python
# without sanitizers, or build with it), fuzz and the programs in C (`make asan` runs them), multi, crash,
# hard, power, golden and spark (what is killed reports nothing, and clocks and disks are preloaded).
FOLDERS = """
    cli sql dml quarantine formats columns maintain reports record terminal ingest interop
""".split()

# A test by FILE::NAME, or a file, and why.
PASSED_OVER = {
    "interop/test_hostile.py::test_it_is_answered_or_refused": "under ulimit -v, and ASan maps terabytes",
    "ingest/test_long_line.py": "the memory of the process is measured, that of ASan with it",
    "ingest/test_socket.py::test_ten_thousand_connects": "it counts descriptors",
}


def settings(reports):
    """Environment of the tests. A status of its own: no test expects it. gcc's runtime of UBSan writes to stderr
    alone where that of ASan is there too, and sets the path of the other's reports, to none without one of
    its own: so it has the same, and aborts, of which ASan writes a report."""
    common = f"exitcode=99:log_exe_name=1:log_path={reports}/report"
    return {
        "ASAN_OPTIONS": f"{common}:handle_abort=1:detect_leaks=1:verify_asan_link_order=0:"
                        "detect_stack_use_after_return=1:strict_string_checks=1",
        "UBSAN_OPTIONS": f"{common}:abort_on_error=1:print_stacktrace=1",
        "VARVE_TEST_REPORTS": str(reports),
    }


def misnamed():
    """Those of PASSED_OVER that are no test: pytest would pass over nothing and say nothing."""
    def exists(name):
        file, _, test = name.partition("::")
        path = ROOT / "tests" / file
        return path.is_file() and (not test or re.search(rf"^def {re.escape(test)}\(", path.read_text(), re.M))
    return [name for name in PASSED_OVER if not exists(name)]


def run_folder(folder, build, reports):
    """Whether its tests passed."""
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", str(ROOT / "tests" / folder)]
    for name in PASSED_OVER:
        command += ["--deselect", f"tests/{name}"] if name.startswith(folder) else []
    env = {**os.environ, **settings(reports), "VARVE_BUILD": str(build)}
    return subprocess.run(command, check=False, cwd=ROOT, env=env).returncode == 0


def main(arguments):
    parser = argparse.ArgumentParser(usage=__doc__)
    parser.add_argument("build", type=pathlib.Path)
    parser.add_argument("folders", nargs="*", metavar="FOLDER")
    parser.add_argument("--part", default="1/1")
    options = parser.parse_intermixed_args(arguments)
    run.hear_interrupts()
    if misnamed():
        print(f"no such test: {' '.join(misnamed())}", file=sys.stderr)
        return 2
    build = options.build.resolve()
    folders = options.folders or run.part_of(FOLDERS, options.part)
    # Parts may run side by side.
    reports = build / "reports" / (options.part.replace("/", "-of-"))
    shutil.rmtree(reports, ignore_errors=True)
    reports.mkdir(parents=True)
    failed = 0
    for folder in folders:
        print(f"tests/{folder}:", flush=True)
        failed += not run_folder(folder, build, reports)
    found = sorted(reports.iterdir())
    for path in found:
        print(f"{path}:\n{path.read_text(errors='replace')[:4000]}", flush=True)
    print(f"{len(folders) - failed} passed, {failed + len(found)} failed")
    return 1 if failed or found else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
