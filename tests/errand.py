"""A table whose next commit has its checkpoint, and the clean-up of its log, seen to by a thread of its
own (docs/adr/0016-checkpoints.md), and what has to be there whatever becomes of that thread.

Its state is large enough by what it remembers of files of other software that a vacuum has taken.
"""

import json
import shutil
import time

ROWS = 1500
BASE, LAST, DUE = 6, 8, 9  # versions: with a checkpoint, the last, what the commit to come makes
DAY = 86400
OTHERS = {"commitInfo": {"timestamp": 7, "operation": "WRITE", "engineInfo": "other/1"}}
UPSERT = ["upsert", "t", "-", "--input-format", "csv"]
NEWS = "k,v\n1,9\n9,9\n"
BEFORE = ["1,8", "5,5", "6,6", "7,7", "8,8"]
AFTER = ["1,9", "5,5", "6,6", "7,7", "8,8", "9,9"]


def large_commits():
    """Two commits of other software, as texts: files, and that they are gone."""
    files = [{"path": f"gone-{number}.parquet", "partitionValues": {}, "size": 9,
              "dataChange": True} for number in range(ROWS)]
    adds = [{"add": {**file, "modificationTime": 1,
                     "stats": json.dumps({"numRecords": 1, "minValues": {"k": -9},
                                          "maxValues": {"k": -9}, "nullCount": {"k": 0}})}}
            for file in files]
    removes = [{"remove": {**file, "deletionTimestamp": int(time.time() * 1000), "extendedFileMetadata": True}}
               for file in files]
    for actions in (adds, removes):
        yield "".join(json.dumps(action) + "\n" for action in [OTHERS, *actions])


def make(varve):
    """Five days ago, as it were: the log may be cleaned up to the checkpoint."""
    varve.ok("create", "t", "--schema", "k bigint not null, v bigint", "--key", "k",
             "--property", "delta.checkpointInterval=3",
             "--property", "delta.logRetentionDuration=interval 1 days")
    for version, text in enumerate(large_commits(), 1):
        (varve.table("t") / f"_delta_log/{version:020d}.json").write_text(text)
    for number in range(ROWS):
        (varve.table("t") / f"gone-{number}.parquet").write_bytes(b"not read.")
    varve.ok("vacuum", "t", "--yes", "--retain", "0s", "--unsafe")
    for version in range(varve.version("t") + 1, DUE):
        varve.ok(*UPSERT, stdin=f"k,v\n1,{version}\n{version},{version}\n")
    assert (rows(varve), varve.version("t")) == (BEFORE, LAST)
    assert checkpoints(varve) == [BASE]


def rows(varve):
    return varve.ok("query", "SELECT k, v FROM t ORDER BY k", "--format", "csv").splitlines()[1:]


def versions_of(varve, ending):
    log = varve.table("t") / "_delta_log"
    return sorted(int(path.name[:20]) for path in log.glob(f"*{ending}") if path.name[0] == "0")


def checkpoints(varve):
    return versions_of(varve, ".checkpoint.parquet")


def drafts(varve):
    """What lies where a checkpoint lies until it is whole."""
    return list((varve.table("t") / "_varve" / "tmp").glob("*"))


def later(varve, **more):
    """The environment of a command that runs five days later."""
    system = varve.program.resolve().parent / "tests" / "hard" / "libhard_system.so"
    return {"LD_PRELOAD": str(system), "VARVE_HARD_CLOCK": str(5 * DAY),
            "VARVE_HARD_ROOT": f"{varve.lake}/", **more}


def fresh(varve, made):
    shutil.rmtree(varve.lake, ignore_errors=True)
    shutil.copytree(made.lake, varve.lake)


def check(varve, is_committed):
    """The table with or without the commit, its whole history, and nothing in it broken."""
    assert rows(varve) == (AFTER if is_committed else BEFORE)
    newest = DUE if is_committed else LAST
    assert [row["version"] for row in varve.rows("history", "t")] == list(range(newest, -1, -1))
    varve.ok("verify", "t")


def check_goes_on(varve):
    """The same rows once more, then others: in the end the checkpoint is there and the log clean."""
    varve.ok(*UPSERT, stdin=NEWS, env=later(varve))
    assert rows(varve) == AFTER
    newest = varve.version("t")
    while newest % 3 != 0 or newest == DUE:
        newest += 1
        varve.ok(*UPSERT, stdin=f"k,v\n{100 + newest},0\n", env=later(varve))
    assert checkpoints(varve)[-1] == varve.version("t")
    assert versions_of(varve, ".json")[0] >= BASE
    varve.ok("verify", "t")
