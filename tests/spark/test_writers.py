"""Spark, deltalake and Varve write to one table at once: each version is what some order makes of it.

Each change bears a name in its commit, so that the log says in which order they came. Replayed in that
order on a model, the changes that were told to be done, and no others, have to give the rows of every
version; one that was told to have failed has left nothing.
"""

import json
import os
import random
import subprocess

import pytest
from conftest import ROOT, Refused, name_of

TABLE = "t"
WRITERS, BATCHES, KEYS, VALUES = 3, 6, 10, 4
METADATA = "spark.databricks.delta.commitInfo.userMetadata"

WRITER = r"""
import json, subprocess, sys, time
program, lake, jobs = sys.argv[1], sys.argv[2], json.load(sys.stdin)
for name, arguments, text in jobs:
    done = subprocess.run([program, "--lake", lake, "--message", name, *arguments], input=text,
                          capture_output=True, text=True)
    print(json.dumps([name, done.returncode, done.stdout, done.stderr]), flush=True)
    time.sleep(0.3)  # Spark takes its time, and is to find others at work
"""


class Plan:
    """What each writer is to do; no two rows have the same `seen`, so that who wins is no doubt.

    There are few values, so that often a newer row says nothing new: an upsert leaves the stored one.
    """

    def __init__(self, seed):
        self.chance = random.Random(seed)
        self.seen = list(range(1, 1000))
        self.chance.shuffle(self.seen)
        self.changes = {}  # name: a function of the rows, in place

    def rows(self, keys):
        return [{"k": key, "v": self.chance.randrange(VALUES), "seen": self.seen.pop()}
                for key in keys]

    def newer(self, name, rows, says_something=lambda row, stored: True):
        def change(table):
            for row in rows:
                stored = table.get(row["k"])
                if stored is None or row["seen"] > stored["seen"] and says_something(row, stored):
                    table[row["k"]] = row
        self.changes[name] = change
        return rows

    def some(self):
        return self.chance.sample(range(KEYS), 4)

    def added(self, name, key):
        rows = self.rows([key])
        self.changes[name] = lambda table: table.update({row["k"]: row for row in rows})
        return rows

    def taken(self, name, key):
        self.changes[name] = lambda table: table.pop(key, None)


def our_jobs(plan, writer):
    jobs = []
    for number in range(BATCHES):
        name = f"upsert {writer}.{number}"
        rows = plan.newer(name, plan.rows(plan.some()), lambda row, stored: row["v"] != stored["v"])
        jobs.append([name, ["upsert", TABLE, "-", "--input-format", "ndjson", "--json"],
                     "".join(json.dumps(row) + "\n" for row in rows)])
    return jobs


def upkeep_jobs():
    return [[f"upkeep {number}", arguments, ""] for number, arguments in enumerate([
        ["optimize", TABLE], ["checkpoint", TABLE], ["vacuum", TABLE, "--yes"],
        ["optimize", TABLE], ["maintain", "--once"]])]


def start(command, jobs):
    process = subprocess.Popen(list(map(str, command)), stdin=subprocess.PIPE,
                               stdout=subprocess.PIPE, text=True)
    process.stdin.write(json.dumps(jobs))
    process.stdin.close()
    return process


FOREIGN = ROOT / ".venv" / "bin" / "python"  # that of the other suites has deltalake
APPENDER = r"""
import json, sys
import deltalake, deltalake.exceptions, pyarrow as pa
schema = pa.schema([pa.field("k", pa.int64(), False), ("v", pa.int64()), ("seen", pa.int64())])
for name, rows in json.load(sys.stdin):
    code = 0
    try:
        deltalake.write_deltalake(sys.argv[1], pa.Table.from_pylist(rows, schema), mode="append",
            commit_properties=deltalake.CommitProperties(custom_metadata={"userMetadata": name}))
    except deltalake.exceptions.CommitFailedError:
        code = 4
    print(json.dumps([name, code, '{"rows_written": 1}', ""]), flush=True)
"""


def start_theirs(plan, path):
    assert FOREIGN.exists(), "no deltalake: run ./setup.sh test"
    jobs = []
    for number in range(4):
        name = f"deltalake {number}"
        jobs.append([name, plan.added(name, 100 + number)])
    return start([FOREIGN, "-c", APPENDER, path], jobs)


def by_spark(plan, spark, path, told):
    """MERGE, INSERT and DELETE; a conflict is an answer, too."""
    def do(name, sql):
        spark.session.conf.set(METADATA, name)
        try:
            spark(sql)
            told[name] = True
        except Refused as refused:
            assert "CONCURRENT" in str(refused) or "Concurrent" in str(refused), refused
            told[name] = False

    table = name_of(path)
    for number in range(4):
        name = f"merge {number}"
        values = ", ".join(f"({row['k']}L, {row['v']}L, {row['seen']}L)"
                           for row in plan.newer(name, plan.rows(plan.some())))
        do(name, f"MERGE INTO {table} t USING (SELECT * FROM VALUES {values} AS s(k, v, seen)) s "
           "ON t.k = s.k WHEN MATCHED AND s.seen > t.seen THEN UPDATE SET * "
           "WHEN NOT MATCHED THEN INSERT *")
        name = f"insert {number}"
        (row,) = plan.added(name, 200 + number)
        do(name, f"INSERT INTO {table} VALUES ({row['k']}, {row['v']}, {row['seen']})")
        if number % 2:
            name = f"delete {number}"
            plan.taken(name, 200 + number - 1)
            do(name, f"DELETE FROM {table} WHERE k = {200 + number - 1}")
    spark.session.conf.unset(METADATA)


def our_answers(processes, told):
    """What Varve and deltalake were told; a batch that wrote nothing has no commit, and is looked at apart."""
    idle = []
    for process in processes:
        for line in process.stdout:
            name, code, out, err = json.loads(line)
            assert code in (0, 4), err  # a conflict is an answer
            if not name.startswith("upkeep"):
                answer = json.loads(out) if code == 0 else {"rows_written": 0}
                told[name] = code == 0 and answer["rows_written"] > 0
                if code == 0 and answer["rows_written"] == 0:
                    idle.append((name, answer["version"]))
        assert process.wait(timeout=60) == 0
        process.stdout.close()
    return idle


def name_in(entry):
    """Of the change that made a commit; None: upkeep."""
    text = entry["userMetadata"] or ""
    return None if text.startswith("upkeep") or not text else text


def commit_name(path, entry):
    if entry["engineInfo"] and entry["engineInfo"].startswith(("delta-rs", "deltalake")):
        with open(path / "_delta_log" / f"{entry['version']:020}.json", encoding="utf-8") as file:
            infos = [json.loads(line).get("commitInfo") for line in file]
        return next(info for info in infos if info)["userMetadata"]
    return name_in(entry)


def is_idle(change, state):
    after = dict(state)
    change(after)
    return after == state


@pytest.mark.parametrize("seed", range(int(os.environ.get("VARVE_MULTI_SEEDS", "1"))))
def test_every_version_is_what_the_changes_before_it_make(varve, spark, seed):
    plan = Plan(seed)
    varve.ok("create", TABLE, "--schema", "k bigint not null, v bigint, seen bigint not null",
             "--key", "k", "--order-by", "seen", "--property", "delta.checkpointInterval=5")
    path = varve.table(TABLE)
    told = {}
    program = ["python3", "-c", WRITER, varve.program, varve.lake]
    processes = [start(program, our_jobs(plan, writer)) for writer in range(WRITERS)]
    processes += [start(program, upkeep_jobs()), start_theirs(plan, path)]
    by_spark(plan, spark, path, told)
    idle = our_answers(processes, told)
    assert sum(told.values()) + len(idle) > len(told) // 2
    changes = plan.changes

    history = list(reversed(varve.rows("history", TABLE)))
    names = [commit_name(path, entry) for entry in history]
    done = [name for name in names if name in changes]
    assert len(done) == len(set(done))
    assert set(done) <= {name for name, is_done in told.items() if is_done}
    silent = [name for name, is_done in told.items() if is_done and name not in done]
    # Spark, too, commits nothing where nothing is to be done.
    assert all(name.startswith(("merge", "delete")) for name in silent), silent
    states = []
    rows = {}
    for version, name in enumerate(names):
        if name in changes:
            changes[name](rows)
        states.append(dict(rows))
        found = sorted(varve.rows("scan", TABLE, "--version", version), key=lambda row: row["k"])
        assert found == sorted(rows.values(), key=lambda row: row["k"]), f"{version}: {name}"
    for name, version in idle:
        assert is_idle(changes[name], states[version]), f"{name} had something to write"
    for name in silent:
        assert any(is_idle(changes[name], state) for state in states), f"{name} is lost"
    last = spark.rows(f"SELECT * FROM {name_of(path)}")
    assert sorted(last, key=lambda row: row["k"]) == found
    engines = {entry["engineInfo"].split("/")[0].split(":")[0] for entry in history}
    assert len(engines) == 3, engines
    assert len(history) == len({entry["version"] for entry in history})
    varve.ok("verify", TABLE, "--deep")
