"""Deeds that are done in hard places, and what may be there afterwards.

Each is first done to a copy of the lake, where nothing is in its way: what the table has then, or
what it had before, is what it may have after the same deed in a hard place, and nothing else.
"""

import shutil

SCHEMA = "k bigint not null, g string, v bigint, note string"
LINE = '{{"k": {}, "g": "{}", "v": {}, "note": "{}"}}\n'
IO, UNKNOWN, FAILURES = 8, 11, range(1, 13)  # exit statuses


def lines(keys, value):
    return "".join(LINE.format(key, "abc"[key % 3], value, f"{key * 7919 % 100003:x}" * 20)
                   for key in keys)


DEEDS = {
    "upsert": (["upsert", "t", "-", "--input-format", "ndjson"], lines(range(500, 4500), 2)),
    "append": (["append", "t", "-", "--allow-duplicates", "--input-format", "ndjson"],
               lines(range(5000, 9000), 3)),
    "delete": (["delete", "t", "--where", "v = 1 AND k % 5 = 0"], ""),
    "update": (["update", "t", "--where", "k < 1000", "--set", "note = concat(note, 'x')"], ""),
    "merge": (["merge", "t", "--source", "-", "--input-format", "ndjson", "--on", "t.k = s.k",
               "--when-matched", "update set v = s.v", "--when-not-matched", "insert *"],
              lines(range(0, 3000, 2), 5)),
    "overwrite": (["overwrite", "t", "-", "--where", "g = 'a'", "--yes", "--input-format", "ndjson"],
                  lines(range(9000, 12000, 3), 6)),
    "optimize": (["optimize", "t", "--zorder", "k"], ""),
    "restore": (["restore", "t", "--yes", "--version", "1"], ""),
    "checkpoint": (["checkpoint", "t"], ""),
    "alter": (["alter", "t", "add-column", "more string"], ""),
}


def make(varve):
    varve.ok("create", "t", "--schema", SCHEMA, "--key", "k", "--partition-by", "g",
             "--property", "delta.enableDeletionVectors=true")
    for first in (0, 1500):
        varve.ok("upsert", "t", "-", "--input-format", "ndjson",
                 stdin=lines(range(first, first + 1500), 1))
    varve.ok("delete", "t", "--where", "k % 50 = 0")


def rows(varve):
    return sorted(varve.ok("scan", "t", "--format", "ndjson").splitlines())


def finish(varve_on, folder):
    """A lake, its rows, and for each deed the rows after it."""
    lake = varve_on(folder / "lake")
    make(lake)
    after = {}
    for name, (arguments, text) in DEEDS.items():
        copy = varve_on(lake.lake.parent / name)
        shutil.copytree(lake.lake, copy.lake)
        copy.ok(*arguments, stdin=text)
        after[name] = rows(copy)
    assert len({tuple(found) for found in after.values()}) >= len(DEEDS) - 2  # they do something
    return lake, rows(lake), after


def held(varve, finished, name, done):
    """The table is as it was, or as it should be; and the exit status says which."""
    _, before, after = finished
    found = rows(varve)
    assert done.returncode == 0 or done.returncode in FAILURES, done
    if done.returncode == 0:
        assert found == after[name]
    else:
        assert found == before or (done.returncode == UNKNOWN and found == after[name]), done.stderr
        assert len(done.stderr.splitlines()) <= 2 and done.stderr.startswith("varve: "), done.stderr
    varve.ok("verify", "t", "--deep")
    return done.returncode
