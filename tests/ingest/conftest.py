"""`varve ingest` as a process: its inputs, its answers, what it says, and the tables afterwards."""

import json
import os
import pathlib
import socket
import subprocess
import threading
import time

import pytest
from deltalake import DeltaTable

ROOT = pathlib.Path(__file__).resolve().parents[2]
BUILD = pathlib.Path(os.environ.get("VARVE_BUILD", ROOT / "build"))
PROGRAM = BUILD / "varve"


def until(condition, seconds=120, what="it"):
    """Waits for a condition; returns its value."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        value = condition()
        if value:
            return value
        time.sleep(0.01)
    raise AssertionError(f"{what} did not happen within {seconds} s")


class Ingest:
    """A running `varve ingest`. stderr is read as it comes: `said` has its lines."""

    def __init__(self, lake, *arguments, stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=None,
                 limit=None, user=None):
        command = [str(PROGRAM), "--lake", str(lake), "ingest", *map(str, arguments)]
        if limit:
            command = ["prlimit", f"--nofile={limit}", *command]
        self.process = subprocess.Popen(command, stdin=stdin, stdout=stdout,
                                        stderr=subprocess.PIPE, cwd=lake.parent, user=user, group=user,
                                        extra_groups=None if user is None else [],
                                        env={**os.environ, **(env or {})})
        self.said = []
        self.reader = threading.Thread(target=self.read, daemon=True)
        self.reader.start()

    def read(self):
        for line in self.process.stderr:
            self.said.append(line.decode(errors="replace").rstrip("\n"))

    @property
    def messages(self):
        """What it said, without the metrics."""
        return [line for line in self.said if not line.startswith("{")]

    @property
    def metrics(self):
        return [json.loads(line) for line in self.said if line.startswith("{")]

    def heard(self, part):
        return any(part in line for line in self.said)

    def send(self, data):
        self.process.stdin.write(data if isinstance(data, bytes) else data.encode())
        self.process.stdin.flush()

    def signal(self, number):
        self.process.send_signal(number)

    def end(self, status=0, seconds=60):
        """Closes stdin where it is open, waits for the end."""
        if self.process.stdin:
            self.process.stdin.close()
        assert self.process.wait(timeout=seconds) == status, self.said
        self.reader.join(timeout=120)
        return self

    def output(self):
        return [json.loads(line) for line in self.process.stdout.read().splitlines()]

    def kill(self):
        self.process.kill()
        self.process.wait(timeout=120)
        self.reader.join(timeout=120)


class Client:
    """A client of the socket."""

    def __init__(self, path):
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.socket.settimeout(30)
        self.socket.connect(str(path))
        self.answers = self.socket.makefile("rb")

    def send(self, data):
        self.socket.sendall(data if isinstance(data, bytes) else data.encode())

    def answer(self):
        line = self.answers.readline()
        return json.loads(line) if line else None

    def until_ack(self, number):
        """All answers up to the acknowledgement of a line."""
        answers = []
        while True:
            answer = self.answer()
            assert answer is not None, f"closed before {number} was acknowledged: {answers}"
            answers.append(answer)
            if answer.get("ack", 0) >= number:
                return answers

    def close(self):
        self.answers.close()
        self.socket.close()


class Lake:
    """A lake with the three market tables."""

    def __init__(self, folder):
        self.path = folder / "lake"
        self.folder = folder
        self.running = []
        self.ok("init")

    def run(self, *arguments, stdin=None):
        command = [str(PROGRAM), "--lake", str(self.path), *map(str, arguments)]
        return subprocess.run(command, input=stdin, capture_output=True, text=True, timeout=120,
                              check=False, cwd=self.folder)

    def ok(self, *arguments, stdin=None):
        done = self.run(*arguments, stdin=stdin)
        assert done.returncode == 0, done.stderr
        return done.stdout

    def ingest(self, *arguments, **more):
        self.running.append(Ingest(self.path, *arguments, **more))
        return self.running[-1]

    def serve(self, *arguments, **more):
        """One with a socket, ready; and the path of the socket."""
        path = self.folder / "bots.sock"
        process = self.ingest("--socket", path, *arguments, stdin=None, **more)
        until(lambda: can_connect(path) or process.process.poll() is not None, what="the socket")
        assert process.process.poll() is None, process.said
        return process, path

    def rows(self, table):
        """The rows as `deltalake` reads them."""
        return DeltaTable(str(self.path / table)).to_pyarrow_table().to_pylist()

    def values(self, column="signal_value", table="signals"):
        return sorted(row[column] for row in self.rows(table))

    def spool(self):
        return json.loads(self.ok("spool", "status", "--json"))


def can_connect(path):
    probe = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        probe.connect(str(path))
    except OSError:
        return False
    finally:
        probe.close()
    return True


@pytest.fixture
def lake(tmp_path):
    lake = Lake(tmp_path)
    yield lake
    for process in lake.running:
        if process.process.poll() is None:
            process.process.kill()
            process.process.wait()


def signal_row(number, **more):
    """A line of the table signals; its signal_value tells it from others."""
    minute, second = divmod(number, 60)
    hour, minute = divmod(minute, 60)
    row = {"timestamp": f"2025-01-{30 + hour // 24:02}T{hour % 24:02}:{minute:02}:{second:02}Z",
           "strategy_id": "s1", "signal_type": "ml_entry", "signal_value": number / 1000000,
           "acted_upon": False, **more}
    return json.dumps({key: value for key, value in row.items() if value is not ...}) + "\n"


def signal_rows(numbers, **more):
    return "".join(signal_row(number, **more) for number in numbers)


def expected(numbers):
    return sorted(number / 1000000 for number in numbers)
