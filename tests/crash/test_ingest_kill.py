"""SIGKILL of `varve ingest` wherever it passes a seam, and at random: between a row's acknowledgement
and its table lie the spool, a flush, a commit, a checkpoint and the removal of the segment, and after
a kill its recovery. A side log has what was acknowledged; afterwards `deltalake` finds each such row
once, no row twice, and none that was not sent.

Here that is done at each third seam once, and a few times at random. VARVE_CRASH_KILLS says how often
it is to be killed at random, VARVE_CRASH_NTH at how many passages of every seam: ci-long.sh makes a
hundred kills of it, `make nightly` more than a thousand.
"""

import json
import os
import random
import signal
import subprocess
import threading

import pytest
from deltalake import DeltaTable

TABLES = ("a", "b")
CHUNK = 12
CHUNKS = 3
LEVELS = ("accepted", "spooled", "committed")
KILLS_A_LAKE = 8
NTH_MAX = int(os.environ.get("VARVE_CRASH_NTH", "0"))
KILLS = int(os.environ.get("VARVE_CRASH_KILLS", "5"))
SEAMS_STEP = 1 if NTH_MAX else 3


class Log:
    """A lake, what was sent to it, and what of that was acknowledged."""

    def __init__(self, varve):
        self.varve = varve
        self.sent = {table: set() for table in TABLES}
        self.acknowledged = {table: set() for table in TABLES}
        self.next = 0
        for table in TABLES:
            varve.ok("create", table, "--schema", "id bigint not null, v string", "--key", "id",
                     "--property", "delta.checkpointInterval=2")

    def chunk(self):
        """Rows with ids of their own, by turns of the two tables: (table, id) each."""
        rows = [(TABLES[number % 2], number) for number in range(self.next, self.next + CHUNK)]
        self.next += CHUNK
        for table, number in rows:
            self.sent[table].add(number)
        return rows

    def check(self):
        """All that waits is flushed by another process, then the tables are looked at."""
        self.varve.ok("spool", "flush")
        for table in TABLES:
            read = DeltaTable(str(self.varve.table(table))).to_pyarrow_table(columns=["id"])
            ids = read["id"].to_pylist()
            assert len(ids) == len(set(ids)), f"{table}: a row is there twice"
            lost = self.acknowledged[table] - set(ids)
            assert not lost, f"{table}: acknowledged and not there: {sorted(lost)}"
            assert set(ids) <= self.sent[table]


class Run:
    """One ingest, fed in chunks; each is acknowledged before the next is sent, if it lives."""

    def __init__(self, log, level, seams=None):
        self.log = log
        env = {**os.environ, **({"VARVE_TEST_SEAMS": seams} if seams else {})}
        command = [str(log.varve.program), "--lake", str(log.varve.lake), "--quiet", "ingest",
                   "--ack", level, "--max-rows", str(CHUNK), "--interval", "30ms",
                   "--sync", "5ms"]
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
                text = "".join(json.dumps({"table": table, "id": number, "v": "x"}) + "\n"
                               for table, number in rows)
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
        for table, number in self.rows[:self.acked]:
            self.log.acknowledged[table].add(number)
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


def leave_rows(log):
    """A process that dies with rows in an open segment: the next one has to recover them."""
    assert Run(log, "accepted", f"crash=spool.appended:{CHUNK + 5}").feed() == -signal.SIGKILL


def seams_passed(log, tmp_path):
    """How often each seam is passed by a run that recovers, and by one that ends well."""
    listing = tmp_path / "seams"
    leave_rows(log)
    assert Run(log, "spooled", f"list={listing}").feed() == 0
    log.check()
    passed = {}
    for name in listing.read_text().split():
        passed[name] = passed.get(name, 0) + 1
    return passed


@pytest.mark.slow
def test_killed_at_every_seam(lakes, tmp_path, capsys):
    seams = seams_passed(lakes.log(), tmp_path)
    for layer in ("spool.recover", "spool.synced", "spool.removed", "writer.", "upsert.", "commit.",
                  "checkpoint.", "store.put"):
        assert any(name.startswith(layer) for name in seams), f"{layer}: not passed"
    kills = 0
    for index, (name, times) in list(enumerate(sorted(seams.items())))[::SEAMS_STEP]:
        for nth in range(1, min(times, NTH_MAX or 1) + 1):
            log = lakes.log()
            if name.startswith("spool.recover"):
                leave_rows(log)
                kills += 1
            status = Run(log, LEVELS[(index + nth) % 3], f"crash={name}:{nth}").feed()
            assert status in (0, -signal.SIGKILL)
            kills += status != 0
            log.check()
    with capsys.disabled():
        print(f"\n{kills} kills of ingest at {len(seams)} seams")
    assert kills >= (60 if NTH_MAX > 1 else 10)


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
