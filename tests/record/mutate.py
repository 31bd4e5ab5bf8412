"""Every mutation of bytes is found and named, by verify and by the checker of docs/audit.md.

    python mutate.py PROGRAM COUNT [SEED]

COUNT mutations over lakes of every kind (lakes.py); prints those that were not found, what became of
the others, and a closing line "N passed, N failed". The tests run a part of it.
"""

import collections
import importlib.util
import json
import pathlib
import random
import re
import subprocess
import sys
import tempfile

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE))

import audit_check  # noqa: E402
import lakes  # noqa: E402

# By its path: other folders of tests have a conftest too.
SPEC = importlib.util.spec_from_file_location("varve_conftest", HERE.parent / "conftest.py")
conftest = importlib.util.module_from_spec(SPEC)
SPEC.loader.exec_module(conftest)

BATCH = 250  # tables in one lake
WHAT = ("commit", "commit", "data", "data", "ledger", "checkpoint", "hint")


def unproven(kind, what, table, path):
    """What docs/audit.md says that it can't show without a head."""
    commits = lakes.files_of(table)["commit"]
    if what == "commit":
        tail = 2 if kind == "mixed" else 0  # commits of other software at the end
        return path in commits[len(commits) - 1 - tail:] or path == commits[-1]
    return what == "data" and "date=2025-03" in str(path)


def mutate(chance, kinds, source, target):
    """Copies a table and does something to it; what was done, or None."""
    kind = chance.choice(kinds)
    lakes.copy(source / kind, target)
    what = chance.choice(WHAT)
    paths = lakes.files_of(target)[what]
    name = chance.choice(sorted(lakes.MUTATIONS))
    if not paths or (name in ("swap", "replay") and len(paths) < 2):
        return None
    path = chance.choice(paths)
    needs_head = unproven(kind, what, target, path)
    before = {other: other.read_bytes() for other in paths}
    lakes.MUTATIONS[name](chance, path, paths)
    if all(other.exists() and other.read_bytes() == data for other, data in before.items()):
        return None
    return {"kind": kind, "what": what, "mutation": name, "file": path.name,
            "needs_head": needs_head, "touched": [other.name for other, data in before.items()
                                                  if not other.exists()
                                                  or other.read_bytes() != data]}


def read_all(varve, name):
    done = varve.run("scan", name, "--format", "csv")
    return done.returncode, "\n".join(sorted(done.stdout.splitlines()))


def is_same_to_readers(varve, name, original):
    """A cache whose damage changes nothing that anybody reads, or that readers refuse."""
    status, rows = read_all(varve, name)
    return status == 0 and rows == original


def names(text, name):
    """Whether a finding speaks of a file: by its name, its version, or a range of commits."""
    number = name[:20]
    if name in text or f"version {int(number)}" in text if number.isdigit() else name in text:
        return True
    ends = re.findall(r"from _delta_log/(\d{20})\.json to _delta_log/(\d{20})\.json", text)
    return any(first <= number <= last for first, last in ends)


def is_named(done, report):
    """One of the files that were touched stands in a finding that is a failure."""
    texts = [f"{finding['file']} {finding['message']}" for finding in report["findings"]
             if finding["wrong"]]
    return any(names(text, name) for text in texts for name in done["touched"])


def judge(varve, name, done, report, originals, heads):
    """None where all is as it should be, else what is not."""
    table = varve.table(name)
    if done["needs_head"]:
        if done["what"] != "commit":
            return None  # data of other software: told as not hashed
        said = varve.run("verify", name, "--deep", "--json", "--head", heads[done["kind"]])
        assert said.returncode in (0, 10), f"{done}: {said.stderr}"
        checked = json.loads(said.stdout)
        wrong, _ = audit_check.check(table, heads[done["kind"]])
        if checked["whole"] or not wrong:
            return "not found, though its head was noted"
        return None
    if done["what"] in ("commit", "data", "ledger"):
        wrong, _ = audit_check.check(table)
        # Whether something may be gone by now is not for the checker to say.
        if done["mutation"] != "remove" and bool(wrong) == report["whole"]:
            return f"the checker says {wrong}"
    if report["whole"]:
        if done["what"] in ("ledger", "commit") and done["mutation"] == "remove":
            told = [finding["kind"] for finding in report["findings"]]
            return None if "log.unproven" in told else "what is gone is not told"
        if done["what"] == "ledger" and is_only_a_time(table):
            return None
        if done["what"] == "hint" and done["mutation"] == "remove":
            return None  # readers do without
        if done["what"] in ("checkpoint", "hint") and is_same_to_readers(
                varve, name, originals[done["kind"]]):
            return None
        return "not found"
    return None if is_named(done, report) else "not named"


def outcome(done, report):
    """What becomes of a mutation that judge is content with."""
    if done["needs_head"]:
        return ("found by a head that was kept" if done["what"] == "commit" else
                "of data that other software wrote, told as not hashed")
    return "changed nothing that is read or proven" if report["whole"] else "found and named"


def is_only_a_time(table):
    """File times in a ledger's head are not proven: docs/audit.md."""
    return not audit_check.check(table)[0]


def verify_batch(varve):
    done = varve.run("verify", "--deep", "--json", timeout=600)
    assert done.returncode in (0, 10), done.stderr
    return {report["table"]: report for report in map(json.loads, done.stdout.splitlines())}


def run(program, count, seed=1, kinds=lakes.KINDS):
    """Yields (what was done, what is not as it should be or None)."""
    chance = random.Random(seed)
    with tempfile.TemporaryDirectory() as folder:
        source = conftest.Varve(program, pathlib.Path(folder) / "source")
        for kind in kinds:
            lakes.build(source, kind)
        clean = verify_batch(source)
        for kind in kinds:
            assert clean[kind]["whole"], clean[kind]["findings"]
            assert audit_check.check(source.table(kind)) == ([], clean[kind]["head"])
        heads = {kind: clean[kind]["head"] for kind in kinds}
        originals = {kind: read_all(source, kind)[1] for kind in kinds}
        left = count
        batch = 0
        while left > 0:
            batch += 1
            varve = conftest.Varve(program, pathlib.Path(folder) / f"lake{batch}")
            varve.lake.mkdir()
            done = {}
            while len(done) < min(BATCH, left):
                name = f"t{len(done):04}"
                what = mutate(chance, kinds, source.lake, varve.table(name))
                if what is None:
                    subprocess.run(["rm", "-rf", str(varve.table(name))], check=True)
                else:
                    done[name] = what
            left -= len(done)
            reports = verify_batch(varve)
            for name, what in done.items():
                what["outcome"] = outcome(what, reports[name])
                yield what, judge(varve, name, what, reports[name], originals, heads)
            subprocess.run(["rm", "-rf", str(varve.lake)], check=True)


def main():
    program, count = pathlib.Path(sys.argv[1]), int(sys.argv[2])
    seed = int(sys.argv[3]) if len(sys.argv) > 3 else 1
    counts, outcomes = collections.Counter(), collections.Counter()
    for what, wrong in run(program, count, seed):
        counts[wrong is None] += 1
        outcomes[what["outcome"]] += 1
        if wrong is not None:
            print(f"{wrong}: {what}")
    print("; ".join(f"{number} {words}" for words, number in outcomes.most_common()))
    print(f"{counts[True]} passed, {counts[False]} failed")
    return 1 if counts[False] else 0


if __name__ == "__main__":
    sys.exit(main())
