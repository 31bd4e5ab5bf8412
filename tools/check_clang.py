#!/usr/bin/env python3
"""check_clang.py BUILD: what clang says of every source of ours that a build by gcc compiles.

Looks and makes nothing, so it takes a minute where a build by clang takes ten.
"""

import concurrent.futures
import json
import pathlib
import shlex
import subprocess
import sys

import csource

# With what follows them; and what clang does not know.
WITH_VALUE = {"-o", "-MF", "-MQ"}
ALONE = {"-c", "-MD", "-Wduplicated-branches", "-Wduplicated-cond", "-Wlogical-op"}


def clang_command(command):
    """The command of gcc as one of clang that only looks."""
    words = shlex.split(command)
    while "=" in words[0] or pathlib.PurePath(words[0]).name == "ccache":
        words = words[1:]
    kept, skip = ["clang", "-fsyntax-only", "-fno-color-diagnostics"], False
    for word in words[1:]:
        if skip or word in WITH_VALUE:
            skip = not skip
        elif word not in ALONE and not word.startswith("-fdiagnostics-color"):
            kept.append(word)
    return kept


def check(entry):
    """What there is to say of one source."""
    done = subprocess.run(clang_command(entry["command"]), cwd=entry["directory"], check=False,
                          capture_output=True, text=True)
    return done.stderr.strip() if done.returncode != 0 or "warning:" in done.stderr else ""


def main(arguments):
    if len(arguments) != 1:
        print(__doc__, file=sys.stderr)
        return 2
    commands = json.loads((pathlib.Path(arguments[0]) / "compile_commands.json").read_text())
    ours = {entry["file"]: entry for entry in commands
            if "third_party" not in pathlib.PurePath(entry["file"]).parts}
    with concurrent.futures.ThreadPoolExecutor(2) as pool:
        problems = [text for text in pool.map(check, ours.values()) if text]
    return csource.report("check_clang", problems, f"{len(ours)} sources are fine")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
