"""SIGKILL of `varve ingest` wherever it passes a seam, and at random: between a row's acknowledgement
and its table lie the spool, a flush, a commit, a checkpoint and the removal of the segment, and after
a kill its recovery. A side log has what was acknowledged; afterwards `deltalake` finds each such row
once, no row twice, and none that was not sent.

Half of the ids are sent once: not one of them may be lost. The other half come again and again, each
time with a greater value: a segment that is committed twice takes such an id back to an older one.

Here that is done at each third crash point once, and a few times at random. VARVE_CRASH_KILLS says how
often it is to be killed at random, VARVE_CRASH_NTH at how many passages of every point: ci-long.sh makes
a hundred kills of it, `make nightly` more than a thousand.
"""

import json
import os
import random
import signal
import subprocess
import threading

import points
import pytest
from deltalake import DeltaTable

TABLES = ("a", "b")
CHUNK = 12
CHUNKS = 3
IDS_AGAIN = 20  # below it, ids that come again
LEVELS = ("accepted", "spooled", "committed")
KILLS_A_LAKE = 8
PACE = ("--max-rows", str(CHUNK), "--interval", "30ms")
NTH_MAX = int(os.environ.get("VARVE_CRASH_NTH", "0"))
KILLS = int(os.environ.get("VARVE_CRASH_KILLS", "5"))
STEP = 1 if NTH_MAX else 3


class Log:
    """A lake, what was sent to it, and what of that was acknowledged."""

    def __init__(self, varve):
        self.varve = varve
        self.sent = {table: {} for table in TABLES}  # by id: its values, the last one last
        self.acknowledged = {table: {} for table in TABLES}  # by id: its last value
        self.seen = {table: {} for table in TABLES}  # by id: the value that it had at last
        self.value = self.next = 0
        for table in TABLES:
            varve.ok("create", table, "--schema", "id bigint not null, v bigint", "--key", "id",
                     "--property", "delta.checkpointInterval=2")

    def send(self, table, key):
        self.value += 1
        self.sent[table].setdefault(key, []).append(self.value)
        return table, key, self.value

    def chunk(self):
        """Rows by turns of the two tables, and of both kinds of ids: (table, id, value) each."""
        rows = []
        for number in range(self.next, self.next + CHUNK):
            comes_again = number // 2 % 2 == 1
            rows.append(self.send(TABLES[number % 2],
                                  number % IDS_AGAIN if comes_again else IDS_AGAIN + number))
        self.next += CHUNK
        return rows

    def read(self, table):
        """What it has now, by id; nothing of it older than it was."""
        read = DeltaTable(str(self.varve.table(table))).to_pyarrow_table(columns=["id", "v"])
        ids, values = read["id"].to_pylist(), read["v"].to_pylist()
        assert len(ids) == len(set(ids)), f"{table}: a row is there twice"
        found = dict(zip(ids, values))
        for key, value in self.seen[table].items():
            assert found.get(key, 0) >= value, f"{table}: {key} had {value}, has {found.get(key)}"
        for key, value in found.items():
            assert value in self.sent[table].get(key, []), f"{table}: nobody sent {key}, {value}"
        self.seen[table] = found
        return found

    def correct(self, table):
        """Of what came last and is there nothing waits any more: another process makes it newer,
        so that a segment which is committed once more is seen by the values that it brings back."""
        found = self.read(table)
        settled = [key for key, value in found.items()
                   if key < IDS_AGAIN and value == self.sent[table][key][-1]]
        rows = [self.send(table, key) for key in settled]
        if rows:
            self.varve.upsert(table, "id,v\n" + "".join(f"{key},{v}\n" for _, key, v in rows))
        self.acknowledge(rows)

    def acknowledge(self, rows):
        for table, key, value in rows:
            self.acknowledged[table][key] = value

    def check(self):
        """All that waits is flushed by another process, then the tables are looked at."""
        for table in TABLES:
            self.correct(table)
        self.varve.ok("spool", "flush")
        for table in TABLES:
            found = self.read(table)
            for key, value in self.acknowledged[table].items():
                assert found.get(key, 0) >= value, \
                    f"{table}: {key}, {value} was acknowledged, it is {found.get(key)}"


class Run:
    """One ingest, fed in chunks; each is acknowledged before the next is sent, if it lives."""

    def __init__(self, log, level, seams=None, pace=PACE):
        self.log = log
        env = {**os.environ, **({"VARVE_TEST_SEAMS": seams} if seams else {})}
        command = [str(log.varve.program), "--lake", str(log.varve.lake), "--quiet", "ingest",
                   "--ack", level, "--sync", "5ms", *pace]
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                        stderr=subprocess.DEVNULL, env=env)
        self.rows = []
        self.acked = 0

    def read_acks(self, until):
        """False: it died first."""
        while self.acked < until:
            line = self.process.stdout.readline()
            if not line.endswith(b"\n"):
                return False
            self.acked = max(self.acked, json.loads(line)["ack"])
        return True

    def feed(self):
        try:
            for _ in range(CHUNKS):
                rows = self.log.chunk()
                self.rows += rows
                text = "".join(json.dumps({"table": table, "id": key, "v": value}) + "\n"
                               for table, key, value in rows)
                self.process.stdin.write(text.encode())
                self.process.stdin.flush()
                if not self.read_acks(len(self.rows)):
                    break
            self.process.stdin.close()
        except BrokenPipeError:
            pass
        self.process.stdin = None
        self.read_acks(len(self.rows) + 1)  # what it said before it ended
        status = self.process.wait(timeout=60)
        self.process.stdout.close()
        self.log.acknowledge(self.rows[:self.acked])
        return status


class Lakes:
    """Lakes one after the other, since a table of many small files is slow to look at."""

    def __init__(self, varve_on, folder):
        self.varve_on = varve_on
        self.folder = folder
        self.made = 0
        self.left = 0

    def log(self):
        if self.left == 0:
            if self.made > 0:
                self.current.check()
            self.made += 1
            self.left = KILLS_A_LAKE
            self.current = Log(self.varve_on(self.folder / f"lake{self.made}"))
        self.left -= 1
        return self.current


@pytest.fixture
def lakes(varve_on, tmp_path):
    return Lakes(varve_on, tmp_path)


# Passed only where rows of a small file go and others of it stay (test_draft_kill.py).
BY_CHANCE = {"write.drafted", "store.restage.linked", "store.restaged"}


def is_by_chance(name):
    """A checkpoint comes each second commit, and a slow machine may make but one (test_errand_kill.py)."""
    return name in BY_CHANCE or name.startswith("checkpoint.")


def leave_rows(log, name="spool.recover_copied"):
    """A process that dies with rows in an open segment: the next one has to recover them. And one that
    dies in that: what it has made goes first."""
    if name.startswith("spool.recover_"):
        assert Run(log, "accepted", f"crash=spool.appended:{CHUNK + 5}").feed() == -signal.SIGKILL
    if name == "spool.recover_dropped":
        assert Run(log, "accepted", "crash=spool.recover_copied:1").feed() == -signal.SIGKILL


def points_passed(log, tmp_path):
    """How often each crash point is passed by a run that recovers, and ends well."""
    listing = tmp_path / "points"
    leave_rows(log, "spool.recover_dropped")
    assert Run(log, "spooled", f"points={listing}").feed() == 0
    log.check()
    return points.passed(listing)


@pytest.mark.slow
def test_killed_at_every_seam(lakes, tmp_path, capsys):
    passed = points_passed(lakes.log(), tmp_path)
    for layer in ("spool.recover", "spool.synced", "spool.removed", "writer.", "upsert.", "commit.",
                  "checkpoint.", "store.put"):
        assert any(name.startswith(layer) for name in passed), f"{layer}: not passed"
    kills = 0
    for index, (name, times) in list(enumerate(sorted(passed.items())))[::STEP]:
        for nth in range(1, min(times, NTH_MAX or 1) + 1):
            log = lakes.log()
            leave_rows(log, name)
            status = Run(log, LEVELS[(index + nth) % 3], f"crash={name}:{nth}").feed()
            kills += points.has_died(status, name, must=nth == 1 and not is_by_chance(name))
            log.check()
    with capsys.disabled():
        print(f"\n{kills} kills of ingest at {len(passed)} points")


@pytest.mark.parametrize("name", ["made", "copied", "used", "removed"])
def test_killed_while_a_segment_gets_another_file(lakes, name):
    """Since its sync has failed: the seventh that there is, unless the thread that makes the next
    segment comes late."""
    name = "spool.replaced_removed" if name == "removed" else f"spool.replacement_{name}"
    for nth in (7, 8, 6, 4):
        log = lakes.log()
        run = Run(log, "spooled", f"fail=journal.sync:{nth},crash={name}:1",
                  pace=("--max-rows", "1000", "--interval", "1m"))
        has_died = points.has_died(run.feed(), name, must=False)
        log.check()
        if has_died:
            return
    pytest.fail("none of these was the sync of a segment")


def test_killed_at_random(lakes, capsys):
    seed = int(os.environ.get("VARVE_TEST_SEED", "20261128"))
    chance = random.Random(seed)
    kills = acknowledged = runs = 0
    while kills < KILLS:
        assert runs < 20 + 5 * KILLS, "hardly a run is killed"
        log = lakes.log()
        run = Run(log, LEVELS[runs % 3])
        timer = threading.Timer(chance.uniform(0.01, 0.25), run.process.kill)
        timer.start()
        status = run.feed()
        timer.cancel()
        assert status in (0, -signal.SIGKILL)
        runs += 1
        kills += status != 0
        acknowledged += run.acked
        if chance.random() < 0.5:  # else the next run recovers, and may die in it
            log.check()
    log.check()
    with capsys.disabled():
        print(f"\n{kills} kills of {runs} runs of ingest at random (seed {seed}), "
              f"{acknowledged} rows acknowledged")
