#!/usr/bin/env python3
"""Limits on files and functions. A thing that is too long is two things.

Exceptions stand in check_size.txt as "path what: N, reason", where N is the measure that is
allowed; it may only shrink: a smaller measure than the one written there is a complaint too.
"""

import pathlib
import sys

import csource

FILE_MAX = 600
HEADER_MAX = 300
FUNCTION_MAX = 70
PARAMETERS_MAX = 7
NESTING_MAX = 4
TOOL_MAX = 150


def measure(name, text):
    """(what, value, limit, line) of everything that has a limit in this file."""
    lines = text.count("\n") + (not text.endswith("\n"))
    if name.endswith(".py"):
        yield "lines", lines, TOOL_MAX, 1
        return
    yield "lines", lines, HEADER_MAX if name.endswith(".h") else FILE_MAX, 1
    for function in csource.functions(text):
        at = function.first
        yield f"{function.name} lines", function.length(), FUNCTION_MAX, at
        yield f"{function.name} parameters", len(function.parameters), PARAMETERS_MAX, at
        yield f"{function.name} nesting", function.nesting(), NESTING_MAX, at


def check_file(name, text, excused, used):
    """The problems of one file; the exceptions that it needs are added to `used`."""
    problems = []
    for what, value, limit, line in measure(name, text):
        key = f"{name} {what}"
        if key in excused:
            used.add(key)
            allowed, _, reason = excused[key].partition(", ")
            if not allowed.isdigit() or not reason:
                problems.append(f"tools/check_size.txt: {key}: wants a number and a reason")
                continue
            if value <= limit:
                problems.append(f"tools/check_size.txt: not needed any more: {key}")
            elif value < int(allowed):
                problems.append(f"tools/check_size.txt: {key} is {value} by now: write that")
            limit = max(limit, int(allowed))
        if value > limit:
            problems.append(f"{name}:{line}: {what}: {value}, more than {limit}")
    return problems


def check(root):
    """All problems of the tree, as lines."""
    excused = csource.exceptions(pathlib.Path(root) / "tools/check_size.txt")
    problems, used = [], set()
    for path in csource.files(root, *csource.SOURCES, "tools/*.py"):
        name = path.relative_to(root).as_posix()
        problems += check_file(name, path.read_text("utf-8"), excused, used)
    for key in sorted(set(excused) - used):
        problems.append(f"tools/check_size.txt: no such thing: {key}")
    return problems


if __name__ == "__main__":
    sys.exit(csource.report("check_size", check(csource.ROOT), "nothing is too long"))
