"""The ingests of a story: lines from stdin, whose acknowledgements are kept, and files that are followed;
and what of their rows has to be there after a power cut.
"""

import collections
import itertools
import json
import os
import signal
import subprocess
import threading
import time

from conftest import Varve
from story import KEY, TABLE, Story, bag
from waiting import until_it_minds

# Small, since the recorder looks at all that is mapped again and again.
SMALL = ("--max-bytes", "16KB", "--max-spool", "256KB")
SECONDS_MAX = 60

# What the acknowledgements of an ingest stand for, or that it follows a file, which gets none; the
# states of the table when none, one, two ... of its lines are in it, which come there in their
# order; and that file.
Feed = collections.namedtuple("Feed", "level states path")
# By turns, and whether it is killed when all is acknowledged.
TURNS = [("spooled", True), ("committed", False), ("followed", False),
         ("spooled", False), ("committed", True), ("followed", False)]


def start(varve, *arguments, env=None, **options):
    command = [varve.program, "--lake", varve.lake, "ingest", TABLE, *arguments, *SMALL]
    return subprocess.Popen(list(map(str, command)), stdout=subprocess.PIPE,
                            env={**os.environ, **varve.environment(), **(env or {})}, **options)


def end(process, status=0):
    """What it has printed."""
    guard = threading.Timer(SECONDS_MAX, process.kill)
    guard.start()
    out, _ = process.communicate()
    guard.cancel()
    assert process.returncode == status, f"an ingest ended with {process.returncode}"
    return out


def follow(varve, path, story, state, texts=()):
    """Follows a file that grows by some texts, until the table has all of it, as that state; what it says
    of its rows."""
    process = start(varve, "--follow", path, "--json", "--quiet", "--sync", "5ms", "--interval", "100ms",
                    stdin=subprocess.DEVNULL)
    for text in texts:
        with open(path, "a", encoding="utf-8") as file:
            file.write(text)
        time.sleep(0.03)  # so that some are read by themselves; nothing rests on it
    until_it_minds(process, signal.SIGTERM)
    reader, rows = Varve(varve.program, varve.lake), story.bag_of(state)
    until = time.monotonic() + SECONDS_MAX
    while bag(reader.rows("scan", TABLE)) != rows and time.monotonic() < until:
        time.sleep(0.02)
    process.send_signal(signal.SIGTERM)
    return json.loads(end(process))


def finish(varve, story, feed):
    """Lets it go on, or another, where there is none; each row that comes to the table is a new one: none
    was taken twice."""
    said = follow(varve, feed.path, story, feed.states[-1]) if feed and feed.level == "followed" else \
        json.loads(varve.ok("ingest", TABLE, *SMALL, "--json", stdin=""))
    assert said["unchanged"] == 0, f"rows were taken twice: {said}"


class FedStory(Story):
    """One that knows how to ingest."""

    def __init__(self, varve, layout, seed):
        super().__init__(varve, layout, seed)
        self.feeds = {}  # by the number that was told before

    def ingest(self):
        """Of some it is killed, and the next run has to find what it left."""
        level, is_killed = TURNS[len(self.feeds) % len(TURNS)]
        rows = [self.row(next(self.fresh)) for _ in range(self.chance.randint(3, 9))]
        states = list(itertools.accumulate(rows, initial=self.now, func=lambda state, row:
                                           state._replace(rows={**state.rows, row[KEY]: row})))
        path = self.varve.journal.parent / f"feed{len(self.feeds)}.ndjson"
        feed = Feed(level, states, path)
        self.feeds[len(self.told) - 1] = feed
        texts = list(self.parts(rows))
        if level == "followed":
            path.touch()
            follow(self.varve, path, self, states[-1], ["".join(lines) for lines in texts])
        else:
            self.put(level, texts, len(rows) if is_killed else None)
        finish(self.varve, self, feed)
        self.find_states(states)
        return states[-1]

    def parts(self, rows):
        """Lines, some at a time. Some are longer than a sector, or a page: each reaches the disk by
        itself."""
        while rows:
            count = self.chance.randint(1, 4)
            yield [line[:-1] + " " * self.chance.choice([0, 900, 5000]) + "}\n"
                   for line in self.text(rows[:count]).splitlines()]
            rows = rows[count:]

    def put(self, level, parts, last):
        """Each part is acknowledged before the next; it is killed when `last` are."""
        env = {"VARVE_POWER_ANSWERS": "1"}
        if last is not None:
            env["VARVE_POWER_DEATH"] = f'{{"ack":{last}}}'
        process = start(self.varve, "--ack", level, "--quiet",
                        "--sync", self.chance.choice(["always", "5ms"]),
                        "--interval", self.chance.choice(["100ms", "1h"]) if level == "spooled" else "100ms",
                        stdin=subprocess.PIPE, env=env)
        sent = acked = 0
        for part in parts:
            process.stdin.write("".join(part).encode())
            process.stdin.flush()
            sent += len(part)
            while acked < sent:
                line = process.stdout.readline()
                assert line, f"it ended when {acked} lines were acknowledged"
                acked = json.loads(line)["ack"]
        end(process, 0 if last is None else -signal.SIGKILL)

    def find_states(self, states):
        """Of the versions that it has made but for the last."""
        for version in range(len(self.states), self.varve.version(TABLE)):
            rows = bag(self.varve.rows("scan", TABLE, "--version", version))
            (state,) = (state for state in states if self.bag_of(state) == rows)
            self.states.append(state)

    def bag_of(self, state):
        return bag(self.named(row, state.columns) for row in state.rows.values())


def check_feed(varve, story, version, feed, acked):
    """The table gets what is in the spool. The lines that were acknowledged are there, and none twice:
    what is in the table already makes no commit. Of a followed file all are. Returns the version then."""
    before = story.states[version]
    ends = [before]
    if feed is not None:
        ends = feed.states[-1:] if feed.level == "followed" else feed.states[acked:]
    assert feed is None or feed.level != "committed" or before in ends, \
        f"{acked} lines were told to be committed, and the table has {before.rows}"
    finish(varve, story, feed)
    rows = bag(varve.rows("scan", TABLE))
    after = next((state for state in ends if story.bag_of(state) == rows), None)
    assert after is not None, f"{acked} lines were acknowledged, and the table has {rows}"
    last = varve.version(TABLE)
    assert (last > version) == (after != before), f"versions {version} and {last} of the same rows"
    return last
