"""What an acknowledgement stands for: none comes before its level is reached, and none that waits
for more than its level asks."""

import json
import select
import signal
import time

import pytest
from conftest import Client, expected, signal_row, signal_rows, until

SYNC_S = 60  # the longest that --sync takes
LONG = ("--sync", f"{SYNC_S}s", "--interval", "1h")


class Stdin:
    """The answers to lines from stdin."""

    def __init__(self, lake, *arguments):
        self.run = lake.ingest("signals", *arguments)
        self.send, self.answers = self.run.send, self.run.process.stdout

    def close(self):
        self.run.end()


class Socket(Client):
    """And to those of a client."""

    def __init__(self, lake, *arguments):
        self.run, path = lake.serve("signals", *arguments)
        super().__init__(path)

    def close(self):
        super().close()
        self.run.signal(signal.SIGTERM)
        self.run.end()


@pytest.fixture(params=[Stdin, Socket])
def feed(request, lake):
    """Makes an input, whose rows are all in the table once it is closed."""
    return lambda *arguments: request.param(lake, *arguments)


def put(lake, source, number):
    """One row, until it is in the spool, as its file says."""
    source.send(signal_row(number))
    until(lambda: lake.spool()["rows_waiting"] == 1, what="the row")


def is_silent(source):
    readable, _, _ = select.select([source.answers], [], [], 0.3)
    return not readable


def answer(source):
    return json.loads(source.answers.readline())


def test_accepted_is_answered_before_any_sync(lake, feed):
    begun = time.monotonic()
    source = feed("--ack", "accepted", *LONG)
    source.send(signal_rows(range(3)))
    while answer(source) != {"ack": 3}:
        pass
    assert time.monotonic() - begun < SYNC_S
    source.close()
    assert lake.values() == expected(range(3))


@pytest.mark.parametrize("level", ["spooled", "committed"])
def test_more_is_not_answered_before_the_sync(lake, feed, level):
    begun = time.monotonic()
    source = feed("--ack", level, *LONG)
    put(lake, source, 1)
    assert is_silent(source) or time.monotonic() - begun > SYNC_S
    source.run.signal(signal.SIGHUP)
    assert answer(source) == {"ack": 1}
    source.close()


def test_committed_is_not_answered_when_it_is_spooled(lake, feed):
    source = feed("--ack", "committed", "--sync", "always", "--interval", "1h")
    put(lake, source, 1)
    assert is_silent(source)
    assert lake.rows("signals") == []
    source.run.signal(signal.SIGHUP)
    assert answer(source) == {"ack": 1}
    assert lake.values() == expected([1])
    source.close()
