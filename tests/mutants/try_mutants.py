#!/usr/bin/env python3
"""Whether the suites notice: puts deliberate bugs into a copy of the source, one at a time.

    tests/mutants/try_mutants.py BUILD [--list] [--part K/N] [NAME...]

BUILD is a finished build; the copy is made beside it, in BUILD/mutants, and built with the same
Meson options. Of each bug in mutants.toml the tests that should notice it run until one fails; a
bug that none of them notices is a hole in the suites, and fails this run. Before the first bug the
same tests have to pass without any. A part is each N-th bug from the K-th on, in a copy of its own and by
one processor, so that parts can run side by side. Ends with "N passed, N failed"; a passed bug was caught.
"""

import argparse
import os
import pathlib
import shutil
import subprocess
import sys
import tomllib

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parent.parent
sys.path.insert(0, str(HERE.parent))

from run import part_of  # pylint: disable=wrong-import-position

SECONDS_MAX = 600  # a test that hangs has noticed too


def load():
    with open(HERE / "mutants.toml", "rb") as file:
        return tomllib.load(file)["mutant"]


def mutate(text, mutant):
    """The source with the bug in it; the text to replace has to be there exactly once."""
    old, new = mutant["old"].strip("\n"), mutant["new"].strip("\n")
    count = text.count(old)
    if count != 1:
        raise ValueError(f"{mutant['name']}: its text is in {mutant['file']} {count} times, not once")
    return text.replace(old, new)


def copy_source(tree):
    """The files that git knows, as they are now; what did not change keeps its time."""
    names = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, check=True, capture_output=True,
                           text=True).stdout.split("\0")
    for name in filter(None, names):
        source, copy = ROOT / name, tree / name
        copy.parent.mkdir(parents=True, exist_ok=True)
        if not copy.exists() or copy.read_bytes() != source.read_bytes():
            shutil.copy2(source, copy)
            if copy.name == "meson.build" and (tree / "meson.build").exists():
                os.utime(tree / "meson.build")  # Meson looks at a folder's anew
    for shared in ("third_party", ".venv"):
        if not (tree / shared).exists():
            (tree / shared).symlink_to(ROOT / shared)


def is_program(test):
    return not (test.endswith(".py") or "/" not in test)


class Bench:
    """The copy of the source and its build."""

    def __init__(self, build, part=None):
        self.tree = build / "mutants" / (f"tree-{part.replace('/', '-of-')}" if part else "tree")
        self.build = self.tree / "build"
        self.ninja = ["ninja", "-C", self.build, "--quiet", *(["-j1"] if part else [])]
        copy_source(self.tree)
        if not (self.build / "build.ninja").exists():
            subprocess.run(["meson", "setup", self.build, "-Dwerror=false"], cwd=self.tree,
                           check=True, stdout=subprocess.DEVNULL)

    def make(self, tests):
        """True when what the tests need could be built."""
        targets = [f"tests/{test}" for test in tests if is_program(test)]
        done = subprocess.run([*self.ninja, "varve", "tests/golden/state_check",
                               "tests/power/libpower_record.so", "tests/hard/libhard_system.so",
                               *targets],
                              capture_output=True, text=True, check=False)
        if done.returncode != 0:
            print(done.stdout[-2000:] + done.stderr[-2000:])
        return done.returncode == 0

    def passes(self, test):
        """Whether the test passes; one that does not end has failed."""
        if is_program(test):
            command = [self.build / "tests" / test]
        else:
            command = [self.tree / ".venv/bin/python", "-m", "pytest", "-q", "-x",
                       "-p", "no:cacheprovider", f"tests/{test}"]
        try:
            done = subprocess.run(command, cwd=self.tree, timeout=SECONDS_MAX, check=False,
                                  env={**os.environ, "VARVE_BUILD": str(self.build)},
                                  stdin=subprocess.DEVNULL, capture_output=True)
        except subprocess.TimeoutExpired:
            return False
        return done.returncode == 0

    def try_mutant(self, mutant):
        """The test that noticed the bug; None: none did; False: the bug can't be built."""
        path = self.tree / mutant["file"]
        text = path.read_text()
        try:
            path.write_text(mutate(text, mutant))
            if not self.make(mutant["tests"]):
                return False
            return next((test for test in mutant["tests"] if not self.passes(test)), None)
        finally:
            path.write_text(text)


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("build", type=lambda text: pathlib.Path(text).resolve())
    parser.add_argument("--list", action="store_true")
    parser.add_argument("--part")
    parser.add_argument("names", nargs="*")
    options = parser.parse_intermixed_args()
    mutants = [mutant for mutant in load() if not options.names or mutant["name"] in options.names]
    if options.list or not mutants:
        for mutant in load():
            print(f"{mutant['name']}: {mutant['promise']}")
        return 0 if options.list else f"no such bug: {' '.join(options.names)}"
    mutants = part_of(mutants, options.part) if options.part else mutants
    bench = Bench(options.build, options.part)
    tests = sorted({test for mutant in mutants for test in mutant["tests"]})
    if not bench.make(tests):
        return "the source does not build without a bug in it"
    broken = [test for test in tests if not bench.passes(test)]
    if broken:
        return f"these fail without a bug: {' '.join(broken)}"
    caught = 0
    for mutant in mutants:
        test = bench.try_mutant(mutant)
        caught += bool(test)
        verdict = f"caught by {test}" if test else "NOT CAUGHT" if test is None else "NOT BUILT"
        print(f"{mutant['name']}: {verdict}", flush=True)
    print(f"{caught} passed, {len(mutants) - caught} failed")
    return 0 if caught == len(mutants) else 1


if __name__ == "__main__":
    sys.exit(main())
