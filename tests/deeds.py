"""Deeds that are done in hard places, and what may be there afterwards.

Each is first done to a copy of the lake, where nothing is in its way: what the table has then, or
what it had before, is what it may have after the same deed in a hard place, and nothing else. What a
deed leaves beside that, as its next step, has to be there when it has been done, or done again.
"""

import json
import os
import shutil

SCHEMA = "k bigint not null, g string, v bigint, note string"
BROKEN = '{"k": null, "g": "a", "v": 1, "note": "no key"}\n'
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
    "release": (["quarantine", "release", "t"], ""),
    "adopt": (["adopt", "u", "--key", "k", "--dedupe"], ""),
    "aside": (["upsert", "t", "-", "--quarantine", "--app-id", "aside", "--app-version", "1",
               "--input-format", "ndjson"], lines(range(0, 4500, 9), 8) + BROKEN),
    "vacuum": (["vacuum", "u", "--yes", "--retain", "0s", "--unsafe"], ""),
    "maintain": (["maintain", "--once"], ""),
    "tag": (["tag", "create", "q3"], ""),
    "hold": (["hold", "add", "audit"], ""),
    "ingest": (["ingest", "t", "-", "--patience", "100ms"], lines(range(0, 3000, 4), 11)),
    "create": (["create", "w", "--schema", SCHEMA, "--key", "k"], ""),
}
# Where each deed costs several runs of the program, these are done by night (VARVE_DEEDS=all).
BY_NIGHT = {"ingest", "aside", "maintain", "vacuum", "tag", "hold", "create"}
SOME = [name for name in DEEDS if name not in BY_NIGHT or os.environ.get("VARVE_DEEDS") == "all"]
IN_STEPS = {"release", "ingest"}  # a step may be made, and the next one fail
TALKATIVE = {"maintain", "ingest"}  # each table's failure, each attempt's
# One pin a table. A command that is killed leaves those that it has made; they are never moved, so
# that whoever tags anew drops the name first.
PINS = {"tag": ["tag", "drop", "q3"], "hold": ["hold", "release", "audit"]}


def make(varve):
    """The table "t" with rows in its quarantine that its rules have come to allow, but for one; and "u",
    which has no key and keys that came twice, and files that nobody needs."""
    varve.ok("create", "t", "--schema", SCHEMA, "--key", "k", "--partition-by", "g",
             "--property", "delta.enableDeletionVectors=true")
    for first in (0, 1500):
        varve.ok("upsert", "t", "-", "--input-format", "ndjson",
                 stdin=lines(range(first, first + 1500), 1))
    varve.ok("delete", "t", "--where", "k % 50 = 0")
    varve.ok("alter", "t", "add-constraint", "small", "v < 100", "--upgrade")
    varve.ok("upsert", "t", "-", "--quarantine", "--input-format", "ndjson",
             stdin=lines(range(2900, 3100), 100) + BROKEN)
    varve.ok("alter", "t", "drop-constraint", "small")
    varve.ok("create", "u", "--schema", SCHEMA)
    for value in range(3):
        varve.ok("append", "u", "-", "--input-format", "ndjson",
                 stdin=lines(range(100, 800 + value), value))
    varve.ok("optimize", "u")


def rows(varve, table="t"):
    return sorted(varve.ok("scan", table, "--format", "ndjson").splitlines())


def table_of(name):
    return "u" if name in ("adopt", "vacuum") else "t"


def pins(varve, kind):
    return [(row["name"], row["table"], row["version"]) for row in varve.rows(kind, "list")]


def state(varve, name):
    """What a deed changes at once: as it was, or as it is to be."""
    if name in PINS:
        return pins(varve, name)
    if name == "create":
        return [(row["table"], row["key"]) for row in varve.rows("tables")]
    found = rows(varve, table_of(name))
    if name == "adopt":
        found.append(json.loads(varve.ok("describe", "u", "--json"))["key"])
    return found


def beside(varve, name):
    """What is there as well when it has been done."""
    if name in ("release", "aside"):
        return sorted(json.dumps(row["values"]) for row in varve.rows("quarantine", "show", "t"))
    if name == "vacuum":
        return sorted(path.name for path in varve.table("u").rglob("*.parquet"))
    return None


def finish(varve_on, folder, names=tuple(DEEDS)):
    """A lake, and for each of these deeds its state before and after it, and what is beside it then."""
    lake = varve_on(folder / "lake")
    make(lake)
    before, after = {}, {}
    for name in names:
        arguments, text = DEEDS[name]
        copy = varve_on(lake.lake.parent / name)
        shutil.copytree(lake.lake, copy.lake)
        before[name] = (state(copy, name), beside(copy, name))
        copy.ok(*arguments, stdin=text)
        after[name] = (state(copy, name), beside(copy, name))
    unseen = {name for name in names if before[name] == after[name]}
    assert unseen == {"optimize", "checkpoint", "maintain"} & set(names), unseen
    return lake, before, after


def is_done(varve, finished, name):
    """Its state is as before or as it should be, and nothing in the table is broken; whether all of
    it is done, as far as rows and files tell."""
    _, before, after = finished
    found = state(varve, name)
    if name in PINS:
        assert set(found) <= set(after[name][0])
    else:
        assert found in (before[name][0], after[name][0])
    varve.ok("verify", table_of(name), "--deep")
    return (found, beside(varve, name)) == after[name]


def do_again(varve, name):
    """After a kill."""
    arguments, text = DEEDS[name]
    if name in PINS and pins(varve, name):
        assert "already" in varve.run(*arguments).stderr
        varve.ok(*PINS[name])
    varve.ok(*arguments, stdin=text)


def held(varve, finished, name, done):
    """The same; and the exit status says which."""
    _, before, _ = finished
    assert done.returncode == 0 or done.returncode in FAILURES, done
    was_done = is_done(varve, finished, name)
    if done.returncode == 0:
        assert was_done
    else:
        may_be_there = done.returncode == UNKNOWN or name in IN_STEPS
        assert may_be_there or state(varve, name) == before[name][0], done.stderr
        assert done.stderr.startswith("varve: "), done.stderr
        assert len(done.stderr.splitlines()) <= 2 or name in TALKATIVE, done.stderr
    return done.returncode
