"""A line of a hundred megabytes: answered with the reason, in bounded memory; the others go on."""

import json
import signal
import subprocess
import time

import pytest
from conftest import PROGRAM, Client, expected, signal_row

LONG = (signal_row(2)[:-2] + ", \"source\": \"").encode() + b"x" * 100_000_000 + b"\"}\n"
MB = 1 << 20


def peak(process):
    """The most memory that it has had, in bytes."""
    with open(f"/proc/{process.pid}/status", encoding="ascii") as status:
        lines = [line.split() for line in status]
    return next((int(line[1]) * 1024 for line in lines if line[0] == "VmHWM:"), 0)  # 0: it has ended


def test_from_stdin(lake):
    run = lake.ingest("signals", "--ack", "--interval", "1h")
    run.send(signal_row(1))
    assert json.loads(run.process.stdout.readline()) == {"ack": 1}
    before = peak(run.process)
    run.send(LONG)
    run.send(signal_row(3))
    answers = [json.loads(run.process.stdout.readline())]
    while answers[-1].get("ack") != 3:
        answers.append(json.loads(run.process.stdout.readline()))
    assert peak(run.process) - before < 16 * MB
    (refusal,) = [answer for answer in answers if "error" in answer]
    assert (refusal["line"], refusal["code"]) == (2, "LIMIT")
    assert "longer than" in refusal["error"] and "--max-line" in refusal["error"]
    assert run.end().metrics[-1]["quarantined"] == 1
    assert lake.values() == expected([1, 3])
    (row,) = map(json.loads, lake.ok("quarantine", "show", "signals", "--format",
                                     "ndjson").splitlines())
    assert "longer than" in row["rule"] and MB <= len(row["values"]["varve.line"]) < 2 * MB  # --max-line


def test_from_a_client(lake):
    run, path = lake.serve("signals", "--ack")
    one, other = Client(path), Client(path)
    one.send(signal_row(1))
    one.until_ack(1)
    before = peak(run.process)
    one.send(LONG[:50_000_000])
    other.send(signal_row(10))  # nobody waits for the end of that line
    other.until_ack(1)
    one.send(LONG[50_000_000:] + signal_row(3).encode())
    answers = one.until_ack(3)
    assert peak(run.process) - before < 16 * MB
    (refusal,) = [answer for answer in answers if "error" in answer]
    assert (refusal["line"], refusal["code"]) == (2, "LIMIT")
    one.close()
    other.close()
    run.signal(signal.SIGTERM)
    run.end()
    assert lake.values() == expected([1, 3, 10])


def upsert(lake, rows, *options):
    """An upsert of NDJSON from stdin: exit status, both outputs, peak memory.

    What wait4 knows of the peak is no less than this process has had: it is looked at from outside."""
    path = lake.folder / "rows.ndjson"
    path.write_bytes(rows)
    with open(path, "rb") as stdin, open(lake.folder / "out", "w+b") as out, \
         subprocess.Popen([str(PROGRAM), "--lake", str(lake.path), "upsert", "signals", "-",
                           "--input-format", "ndjson", "--json", *options],
                          stdin=stdin, stdout=out, stderr=subprocess.STDOUT) as process:
        most = 0
        while process.poll() is None:
            most = max(most, peak(process))
            time.sleep(0.001)
        out.seek(0)
        return process.returncode, out.read().decode(), most


GOOD = [signal_row(number).encode() for number in (1, 3)]


def test_in_a_batch(lake):
    before = upsert(lake, signal_row(0).encode())[2]
    status, said, most = upsert(lake, GOOD[0] + LONG + GOOD[1])
    assert status == 3
    assert said.startswith("varve: 1 of 3 rows rejected, nothing written: row 2 (line 2): the line is "
                           "longer than 64 MB, which no row may be (its first 64 KiB are told): {")
    assert 0 < most - before < 90 * MB  # what is looked at of a line, and no copy of it
    assert lake.values() == expected([0])


@pytest.mark.parametrize("options", [[], ["--evolve"]], ids=["", "evolve"])
def test_in_a_batch_with_a_quarantine(lake, options):
    before = upsert(lake, signal_row(0).encode())[2]
    status, said, most = upsert(lake, GOOD[0] + LONG + GOOD[1], "--quarantine", *options)
    assert status == 0, said
    result = json.loads(said.splitlines()[-1])
    assert (result["rows_in"], result["inserted"], result["rejected"]) == (3, 2, 1)
    assert 0 < most - before < 90 * MB
    assert lake.values() == expected([0, 1, 3])
    (row,) = map(json.loads, lake.ok("quarantine", "show", "signals", "--format",
                                     "ndjson").splitlines())
    assert (row["row"], row["line"]) == (2, 2)
    assert "longer than 64 MB" in json.dumps(row) and len(json.dumps(row)) < MB
