"""What `make nightly` runs: see nightly.py. A command is what somebody would type in the project's folder.

The minutes are those of two cores that have nothing else to do. The builds come first, then what takes
both cores, or must have nothing beside it (memory that is measured, a feed that has to keep up), then
what takes one, the longest first.
"""

import os
import typing

LATE = 5  # a step that takes so many times its minutes hangs
MINUTES_MAX = 30  # but no step is given up before that

PYTHON = ".venv/bin/python"
PYTEST = f"{PYTHON} -m pytest -q -p no:cacheprovider"
TSAN_PARTS, MUTANT_PARTS, ASAN_PARTS = 4, 2, 2
FUZZ_MINUTES = 2  # each night; ten at once: make fuzz SECONDS=600 TARGETS=...


class Step(typing.NamedTuple):
    """A suite. `again`: whether it passed before says nothing of what is there now (builds)."""
    name: str
    cores: int
    minutes: float
    command: str
    needs: tuple = ()
    again: bool = False

    def seconds_max(self):
        return round(60 * max(MINUTES_MAX, LATE * self.minutes))


def builds(build):
    def folder(name, minutes, command):
        return Step(f"build-{name}", 2, minutes, command, ("setup",), True)
    return [
        Step("setup", 2, 1, "for what in test fuzz analyse coverage valgrind; do ./setup.sh $what || exit 1; done",
             (), True),
        folder("plain", 3, f"tools/build.sh {build}"),
        folder("tsan", 4, "tools/build.sh build-tsan --buildtype=debug -Db_sanitize=thread"),
        folder("asan", 4, "tools/build.sh build-asan --buildtype=debug -Db_sanitize=address,undefined"),
        folder("coverage", 2, "tools/build.sh build-coverage --buildtype=debug -Db_coverage=true"),
        # Each allocation is a place of its own there: otherwise an arena takes many at once.
        folder("arena", 2, "tools/build.sh build-arena --buildtype=debugoptimized -Dc_args=-DVV_ARENA_DEBUG"),
        folder("fuzz", 3, "tests/fuzz/run.py build-fuzz --build-only"),
    ]


def both_cores(build):
    return [
        Step("valgrind", 2, 10, f"python3 tests/memcheck.py {build}", ("build-plain",)),
        Step("asan", 2, 8, "python3 tests/run.py --programs-only build-asan", ("build-asan",)),
        Step("spark", 2, 6, "make test-spark", ("build-plain",)),
        Step("coverage", 2, 8, f"{PYTHON} tools/coverage.py --programs-only build-coverage", ("build-coverage",)),
        Step("analyse", 2, 10, "tools/analyse.sh", ("setup",)),
        Step("memory", 2, 3, f"{PYTHON} tests/memory/bound.py {build}/varve 10000000 512", ("build-plain",)),
        Step("memory-tell", 2, 3, f"{PYTHON} tests/memory/bound.py {build}/varve 3000000 256 tell",
             ("build-plain",)),
        Step("memory-many", 2, 6, f"{PYTHON} tests/memory/bound.py {build}/varve 100000000 512 many",
             ("build-plain",)),
        Step("soak", 2, 11, "python3 tests/ingest/soak.py --minutes 10", ("build-plain",)),
    ]


def one_core(build):
    def plain(name, minutes, command, env=""):
        return Step(name, 1, minutes, f"VARVE_BUILD=$PWD/{build} {env}{command}", ("build-plain",))
    kill = f"{PYTEST} tests/crash/test_ingest_kill.py"
    # Each call of the store, statement and allocation of what writes.
    for noun in ("changes", "upkeep", "upsert", "edit"):
        yield plain(f"fault-{noun}", 30, f"{build}/tests/fault/test_fault_{noun}",
                    "VARVE_FAULT_ALL=1 VARVE_TEST_SECONDS=7200 ")
    for part in range(1, MUTANT_PARTS + 1):
        yield Step(f"mutants-{part}", 1, 22,
                   f"{PYTHON} tests/mutants/try_mutants.py {build} --part {part}/{MUTANT_PARTS}",
                   ("build-plain",))
    for part in range(1, TSAN_PARTS + 1):
        yield Step(f"tsan-{part}", 1, 12, "python3 tests/run.py --programs-only --patient "
                   f"--part {part}/{TSAN_PARTS} build-tsan", ("build-tsan",))
    # An estimate: nine tenths of `cli` took eight minutes of a processor that had other work too.
    for part in range(1, ASAN_PARTS + 1):
        yield Step(f"asan-commands-{part}", 1, 30,
                   f"{PYTHON} tests/asan_commands.py build-asan --part {part}/{ASAN_PARTS}", ("build-asan",))
    yield plain("crash-random", 10, f"{kill}::test_killed_at_random", "VARVE_CRASH_KILLS=1100 ")
    yield plain("session", 11, f"{build}/tests/property/test_property_session",
                "VARVE_SESSION_STORIES=200 VARVE_TEST_SEED=random VARVE_TEST_SECONDS=7200 ")
    for first in (100, 110):
        yield plain(f"power-{first}", 10, f"{PYTHON} tests/power/power.py {build} 10 {first} --cuts 100")
    yield plain("record", 10, f"{PYTHON} tests/record/story.py {build}/varve 200 1000")
    yield plain("crash-seams", 3, f"{kill}::test_killed_at_every_seam", "VARVE_CRASH_NTH=5 ")
    yield plain("record-mutate", 5, f"{PYTHON} tests/record/mutate.py {build}/varve 3000")
    yield plain("record-export", 1, f"{PYTHON} tests/record/export_mutate.py {build}/varve")
    yield Step("skipping", 1, 4, "for seed in $(seq 100 119); do "
               f"{PYTHON} tests/interop/skipping.py {build} --seed $seed || exit 1; done", ("build-plain",))
    yield plain("multi", 5, f"{PYTEST} tests/multi", "VARVE_MULTI_SEEDS=20 ")
    yield plain("kills", 5, f"{PYTEST} tests/dml tests/ingest/test_follow.py -k killed", "VARVE_TEST_KILLS=100 ")
    for noun in ("proofs", "operations"):
        yield Step(f"fault-{noun}", 1, 2, "VARVE_FAULT_ALL=1 VARVE_TEST_SECONDS=3600 "
                   f"build-arena/tests/fault/test_fault_{noun} --only allocation", ("build-arena",))
    # In one process: it is the union of the points at which something died that has to be all of them.
    yield plain("crash-all", 7, f"{PYTEST} tests/crash", "VARVE_CRASH_EVERY=1 VARVE_CRASH_NTH=1 VARVE_DEEDS=all ")
    yield plain("hard-all", 10, f"{PYTEST} tests/hard", "VARVE_DEEDS=all VARVE_HARD_STEPS=5 ")


def fuzzers(root):
    for target in sorted(path.name for path in (root / "tests" / "fuzz" / "corpus").iterdir()):
        yield Step(f"fuzz-{target}", 1, FUZZ_MINUTES,
                   f"tests/fuzz/run.py build-fuzz --seconds {60 * FUZZ_MINUTES} {target}",
                   ("build-fuzz",))


def steps(root, build):
    name = os.path.relpath(build, root)
    return [*builds(name), *both_cores(name), *one_core(name), *fuzzers(root)]


def minutes(those, cores):
    """Of all, were no core ever idle."""
    return sum(step.minutes * step.cores for step in those) / cores
