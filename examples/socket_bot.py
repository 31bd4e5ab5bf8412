#!/usr/bin/env python3
"""A bot that writes signals to `varve ingest` over its socket, with the standard library alone.

    varve ingest --socket bots.sock --ack &
    python3 socket_bot.py bots.sock

A line that was acknowledged is on disk. What can't be a row at all is refused at once (`line N: reason`);
a row that breaks a rule of its table goes to the quarantine when it is flushed, which may be after
this bot has gone: `varve quarantine list` has it. (With `--ack committed` a bot hears of it before the
acknowledgement, which comes with the flush.)

The others are kept and sent again when the connection was
lost: each row brings its own `ingested_at`, so that a second copy of it changes nothing.
"""

import collections
import datetime
import json
import select
import socket
import sys
import time

REFUSED_SHOWN = 10
PATIENCE_SECONDS = 10


class IngestClient:
    """A connection that comes back, and what was not acknowledged on it."""

    def __init__(self, path, waiting_max=10_000):
        self.path = path
        self.waiting = collections.deque()  # lines that were not acknowledged, oldest first
        self.waiting_max = waiting_max
        self.refused = []  # (line, reason)
        self.socket = None
        self.acked = 0  # lines of this connection
        self.buffer = b""

    def connect(self):
        """Until there is a connection; what waits goes first."""
        pause = 0.05
        while self.socket is None:
            try:
                self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
                self.socket.connect(self.path)
                self.acked, self.buffer = 0, b""
                for line in self.waiting:
                    self.socket.sendall(line)
            except OSError:
                self.disconnect()
                time.sleep(pause)
                pause = min(2 * pause, 5)

    def disconnect(self):
        if self.socket is not None:
            self.socket.close()
        self.socket = None

    def send(self, row):
        """Returns at once, unless too many rows wait for their acknowledgement."""
        line = json.dumps(row, separators=(",", ":")).encode() + b"\n"
        self.connect()
        self.waiting.append(line)
        try:
            self.socket.sendall(line)
            self.listen(0)
        except OSError:
            self.disconnect()
        while len(self.waiting) >= self.waiting_max:
            self.wait()

    def wait(self):
        """Until something was acknowledged, or a while."""
        self.connect()
        waiting = len(self.waiting)
        try:
            self.listen(PATIENCE_SECONDS)
            if self.socket and len(self.waiting) == waiting:
                print("no acknowledgement yet: was varve ingest started with --ack?", file=sys.stderr)
        except OSError:
            self.disconnect()

    def listen(self, seconds):
        """Takes the answers that are there, or come within `seconds`."""
        while select.select([self.socket], [], [], seconds)[0]:
            data = self.socket.recv(65536)
            if not data:
                raise ConnectionError("varve ingest has gone")
            *lines, self.buffer = (self.buffer + data).split(b"\n")
            for line in lines:
                self.take(json.loads(line))
            seconds = 0

    def take(self, answer):
        if "error" in answer:  # in quarantine, or of no table: it counts as acknowledged
            self.refused.append((answer["line"], answer["error"]))
            return
        for _ in range(answer["ack"] - self.acked):
            self.waiting.popleft()
        self.acked = answer["ack"]

    def close(self):
        """Waits for all acknowledgements."""
        while self.waiting:
            self.wait()
        self.disconnect()


def main(path, count):
    client = IngestClient(path)
    start = datetime.datetime(2025, 1, 30, 14, 30, tzinfo=datetime.timezone.utc)
    for i in range(count):
        at = start + datetime.timedelta(seconds=i)
        client.send({
            "table": "signals",  # so that one socket is for all tables
            "timestamp": at.isoformat(),
            "strategy_id": "iron_condor_1",
            "signal_type": "ml_entry",
            "signal_value": 1.5 if i == 500 else 0.5,  # from 0 to 1: one of them is wrong
            "acted_upon": False,
            "ingested_at": (at + datetime.timedelta(seconds=1)).isoformat(),
        })
    client.close()
    print(f"{count} rows sent and acknowledged")
    for line, reason in client.refused[:REFUSED_SHOWN]:
        print(f"line {line}: {reason}")
    if len(client.refused) > REFUSED_SHOWN:
        print(f"and {len(client.refused) - REFUSED_SHOWN} more")
    print("rows that broke a rule when they were flushed: varve quarantine list", file=sys.stderr)


if __name__ == "__main__":
    main(sys.argv[1] if len(sys.argv) > 1 else "bots.sock",
         int(sys.argv[2]) if len(sys.argv) > 2 else 1000)
