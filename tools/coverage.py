#!/usr/bin/env python3
"""Which lines the tests run, folder by folder.

    tools/coverage.py BUILD                  runs all tests of a build with b_coverage, then reports
    tools/coverage.py --programs-only BUILD  runs the test programs alone
    tools/coverage.py --report-only BUILD    reports what was run before

Fails where a test fails, and where a folder of FLOORS has fewer of its lines run than it must.
BUILD/coverage.txt has the report with the lines of each file that nothing runs.
"""

import collections
import json
import pathlib
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent

# Per cent of lines. What is committed, kept and acknowledged passes through these folders.
FLOORS = {"src/delta": 90.0, "src/store": 90.0, "src/ingest": 90.0}


def gather(build):
    """What gcovr found: for each file of ours the numbers of its lines, and whether each was run."""
    out = build / "coverage.json"
    command = ["gcovr", "--root", str(ROOT), "--filter", "src/", "--json", str(out), str(build)]
    done = subprocess.run(command, check=False, cwd=ROOT, capture_output=True, text=True)
    if done.returncode != 0:
        raise SystemExit(f"coverage: gcovr failed:\n{done.stderr}")
    return {file["file"]: {line["line_number"]: line["count"] > 0 for line in file["lines"]
                           if not line.get("gcovr/noncode")}
            for file in json.loads(out.read_text())["files"]}


def by_folder(files):
    """Lines that were run and all lines of each layer's folder, and of the whole ("all")."""
    sums = collections.defaultdict(lambda: [0, 0])
    for name, lines in files.items():
        for folder in ("/".join(name.split("/")[:2]), "all"):
            sums[folder][0] += sum(lines.values())
            sums[folder][1] += len(lines)
    return {folder: tuple(pair) for folder, pair in sorted(sums.items())}


def too_low(sums, floors):
    """A sentence for each folder that is below its floor, or not there at all."""
    problems = []
    for folder, floor in floors.items():
        run, lines = sums.get(folder, (0, 0))
        if lines == 0:
            problems.append(f"{folder}: no line of it was found")
        elif 100.0 * run < floor * lines:
            problems.append(f"{folder}: {100.0 * run / lines:.1f} % of its lines are run,"
                            f" {floor:g} % have to be")
    return problems


def ranges(numbers):
    """1, 2, 3, 7 as "1-3, 7"."""
    parts = []
    for number in sorted(numbers):
        if parts and parts[-1][1] == number - 1:
            parts[-1][1] = number
        else:
            parts.append([number, number])
    return ", ".join(f"{first}" if first == last else f"{first}-{last}" for first, last in parts)


def report(files, sums):
    """The table of folders, and the lines of each file that nothing runs."""
    table = [f"{folder:12} {run:7,} of {lines:7,} lines  {100.0 * run / lines:5.1f} %"
             for folder, (run, lines) in sums.items()]
    rest = []
    for name, lines in sorted(files.items()):
        missed = [number for number, is_run in lines.items() if not is_run]
        if missed:
            rest.append(f"{name}: {len(missed)} of {len(lines)}: {ranges(missed)}")
    return table, rest


def main(arguments):
    mode = arguments[0] if len(arguments) == 2 else None
    if arguments in (["--help"], ["-h"]):
        print(__doc__)
        return 0
    if len(arguments) not in (1, 2) or mode not in (None, "--programs-only", "--report-only"):
        print(__doc__, file=sys.stderr)
        return 2
    build = pathlib.Path(arguments[-1]).resolve()
    good = True
    if mode != "--report-only":
        for counts in build.rglob("*.gcda"):
            counts.unlink()
        command = [sys.executable, str(ROOT / "tests/run.py"), str(build)]
        command[2:2] = [mode] if mode else []
        good = subprocess.run(command, check=False).returncode == 0
    files = gather(build)
    sums = by_folder(files)
    table, rest = report(files, sums)
    (build / "coverage.txt").write_text("\n".join(table + [""] + rest) + "\n")
    print("\n".join(table))
    problems = too_low(sums, FLOORS)
    print("\n".join(problems), end="\n" if problems else "")
    print(f"{len(FLOORS) - len(problems)} passed, {len(problems)} failed")
    return 0 if good and not problems else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
