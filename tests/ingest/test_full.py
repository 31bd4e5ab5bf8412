"""A spool that is full, and a disk that is: inputs wait, nothing is lost, and it goes on."""

import json
import os
import shutil
import signal
import time

import pytest
from conftest import Client, Lake, expected, signal_row, signal_rows, until
from test_signals import away


def test_a_full_spool_makes_clients_wait(lake):
    run, path = lake.serve("signals", "--ack", "--interval", "100ms", "--max-spool", "256KB",
                           "--max-bytes", "64KB")
    client = Client(path)
    client.send(signal_row(0))
    client.until_ack(1)
    until(lambda: len(lake.rows("signals")) == 1)
    back = away(lake)
    numbers = range(1, 20001)
    client.socket.settimeout(0.5)
    with pytest.raises(OSError):  # in the end it is not read any more
        client.send(signal_rows(numbers))
    until(lambda: run.heard("no row is taken for now"))
    assert lake.spool()["bytes_waiting"] < 300_000
    client.close()
    back()
    until(lambda: run.heard("rows are taken again"))
    run.signal(signal.SIGTERM)
    run.end()
    values = lake.values()
    assert values == expected(range(len(values)))  # all whole lines that it could send
    assert len(values) > 1000


@pytest.mark.slow
def test_a_full_spool_makes_stdin_and_files_wait(lake, tmp_path):
    log = tmp_path / "feed.ndjson"
    log.write_text(signal_rows(range(30000, 40000)))
    run = lake.ingest("signals", "-", "--follow", log, "--interval", "50ms", "--max-spool", "256KB",
                      "--max-bytes", "64KB")
    run.send(signal_rows(range(20000)))
    run.process.stdin.close()
    until(lambda: len(lake.rows("signals")) == 30000, seconds=60)
    run.signal(signal.SIGTERM)
    run.end()
    assert run.metrics[-1]["accepted"] == 30000
    assert lake.values() == expected([*range(20000), *range(30000, 40000)])


@pytest.fixture
def small_disk(mount_disk):
    return mount_disk(48)


def fill(folder, leave):
    """Takes the room of a disk but for some bytes."""
    status = os.statvfs(folder)
    size = status.f_bavail * status.f_bsize - leave
    with open(folder / "ballast", "wb") as file:
        os.posix_fallocate(file.fileno(), 0, size)
    return folder / "ballast"


def test_a_full_disk_under_lake_and_spool(small_disk):
    lake = Lake(small_disk)
    run, path = lake.serve("signals", "--ack", "--interval", "200ms", "--max-bytes", "1MB",
                           "--max-spool", "8MB")
    client = Client(path)
    client.send(signal_rows(range(100)))
    client.until_ack(100)
    until(lambda: len(lake.rows("signals")) == 100)
    ballast = fill(small_disk, 0)
    client.send(signal_rows(range(100, 200)))
    until(lambda: run.heard("No space left"))
    time.sleep(1)
    assert run.process.poll() is None
    assert len(run.messages) < 10
    said = [line for line in run.messages if "No space left" in line and "no row" not in line]
    assert len(said) <= 1 and "run it again" not in "".join(said)  # it is tried five times a second
    ballast.unlink()
    client.until_ack(200)
    until(lambda: len(lake.rows("signals")) == 200)
    client.close()
    run.signal(signal.SIGTERM)
    run.end()
    assert lake.values() == expected(range(200))


def test_a_disk_too_small_for_the_spool_says_how_much_it_takes_and_what_takes_less(mount_disk):
    """... and leaves a spool that was never begun, which is no damage."""
    lake = Lake(mount_disk(16))
    spool = lake.path / "_varve" / "spool"
    ballast = fill(lake.path.parent, 0)
    run = lake.ingest("signals", "-")
    run.process.stdin.close()
    assert run.process.wait(timeout=60) == 8
    run.reader.join(timeout=60)
    assert (spool / "spool").stat().st_size == 0, run.said
    for verb in ("status", "verify"):
        told = json.loads(lake.ok("spool", verb, "--json"))
        assert told["sound"] and "never begun" in told["note"] and "damage" not in told
    ballast.unlink()
    assert "nothing was done" in lake.run("spool", "salvage").stderr
    run = lake.ingest("signals", "-")
    run.process.stdin.close()
    assert run.process.wait(timeout=60) == 8
    run.reader.join(timeout=60)
    [said] = [line for line in run.messages if "No space left" in line]
    assert "two files of 77 MB" in said and "--max-bytes" in said and "--max-spool" in said
    assert "cannot allocate 76546048 bytes" in said and "free some space there" in said
    run = lake.ingest("signals", "-", "--max-bytes", "1MB", "--interval", "50ms")
    run.send(signal_rows(range(100)))
    run.process.stdin.close()
    run.end()
    assert lake.values() == expected(range(100))


def test_what_cannot_be_flushed_in_the_end_stays_in_the_spool(lake):
    """The disk of the table is the trouble, at the very end: it says so, and gives up."""
    run = lake.ingest("signals", "--ack", "--interval", "1h", "--patience", "1s")
    run.send(signal_rows(range(10)))
    assert json.loads(run.process.stdout.readline()) == {"ack": 10}
    shutil.move(lake.path / "signals" / "_delta_log", lake.path / "signals" / "_hidden")
    run.signal(signal.SIGTERM)
    run.process.stdin.close()
    assert run.process.wait(timeout=60) != 0
    run.reader.join(timeout=120)
    assert run.heard("10 rows stay in the spool")
    shutil.move(lake.path / "signals" / "_hidden", lake.path / "signals" / "_delta_log")
    lake.ok("spool", "flush")
    assert lake.values() == expected(range(10))


@pytest.mark.slow
def test_in_the_end_it_is_tried_again_when_it_says_so(lake):
    run = lake.ingest("signals", "--ack", "--interval", "1h", "--patience", "4s")
    run.send(signal_rows(range(10)))
    assert json.loads(run.process.stdout.readline()) == {"ack": 10}
    shutil.move(lake.path / "signals" / "_delta_log", lake.path / "signals" / "_hidden")
    run.process.stdin.close()
    assert run.process.wait(timeout=60) != 0
    run.reader.join(timeout=120)
    assert 3 <= sum("is tried again in" in line for line in run.messages) <= 9, run.messages


def test_a_signal_while_it_ends_ends_it_at_once(lake):
    run = lake.ingest("signals", "--ack", "--interval", "1h", "--patience", "10m")
    run.send(signal_rows(range(10)))
    assert json.loads(run.process.stdout.readline()) == {"ack": 10}
    shutil.move(lake.path / "signals" / "_delta_log", lake.path / "signals" / "_hidden")
    run.process.stdin.close()
    until(lambda: run.heard("is tried again in"))
    run.signal(signal.SIGINT)
    assert run.process.wait(timeout=30) == 130
    run.reader.join(timeout=120)
    assert run.heard("10 rows stay in the spool")
