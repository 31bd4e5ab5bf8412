"""Signals, crashes, and the spool between two runs."""

import fcntl
import json
import os
import signal
import subprocess
import time

import pytest
from conftest import PROGRAM, Client, expected, signal_row, signal_rows, until


def test_sigterm_and_sigint_flush_what_has_come(lake):
    for i, number in enumerate((signal.SIGTERM, signal.SIGINT)):
        run = lake.ingest("signals", "--interval", "1h")
        run.send(signal_rows(range(i * 1000, i * 1000 + 1000)))
        run.signal(number)  # what lies in the pipe by now was sent before it
        run.end()
    assert lake.values() == expected(range(2000))


def test_sighup_flushes_and_goes_on(lake):
    run = lake.ingest("signals", "--interval", "1h", "--ack")
    run.send(signal_rows(range(10)))
    assert json.loads(run.process.stdout.readline()) == {"ack": 10}
    run.signal(signal.SIGHUP)
    until(lambda: len(lake.rows("signals")) == 10)
    run.send(signal_rows(range(10, 20)))
    assert json.loads(run.process.stdout.readline()) == {"ack": 20}
    assert run.process.poll() is None
    run.end()
    assert lake.values() == expected(range(20))


def test_a_signal_ends_a_flush_of_the_spool_and_rows_stay(lake):
    run = lake.ingest("signals", "--interval", "1h", "--ack")
    run.send(signal_rows(range(10)))
    assert json.loads(run.process.stdout.readline()) == {"ack": 10}
    run.kill()
    log = os.open(lake.path / "signals" / "_delta_log", os.O_RDONLY)
    fcntl.flock(log, fcntl.LOCK_EX)  # a commit waits a second for a writer who has its turn
    flush = subprocess.Popen([str(PROGRAM), "--lake", str(lake.path), "spool", "flush"],
                             stderr=subprocess.PIPE, text=True)
    until(lambda: f"process {flush.pid} on" in str(lake.spool()["owner"]))
    flush.send_signal(signal.SIGINT)
    said = flush.communicate(timeout=60)[1]
    os.close(log)
    assert flush.returncode == 130, said
    assert "interrupted; rows that are not flushed stay in the spool" in said
    assert lake.spool()["rows_waiting"] == 10
    lake.ok("spool", "flush")
    assert lake.values() == expected(range(10))


def away(lake):
    """Takes the table's log away, so that no flush can succeed; gives back what undoes it."""
    log = lake.path / "signals" / "_delta_log"
    hidden = lake.path / "signals" / "_hidden"
    log.rename(hidden)
    return lambda: hidden.rename(log)


def test_a_second_signal_ends_it_at_once_and_rows_stay(lake):
    run = lake.ingest("signals", "--interval", "1h", "--ack")
    run.send(signal_rows(range(10)))
    assert json.loads(run.process.stdout.readline()) == {"ack": 10}
    back = away(lake)
    run.signal(signal.SIGINT)
    until(lambda: run.heard("cannot be flushed"))
    run.signal(signal.SIGINT)
    run.process.stdin.close()
    assert run.process.wait(timeout=120) == 130
    run.reader.join(timeout=120)
    assert run.heard("10 rows stay in the spool")
    assert lake.spool()["rows_waiting"] == 10
    back()
    lake.ingest("signals", stdin=subprocess.DEVNULL).end()
    assert lake.values() == expected(range(10))


def test_a_failing_flush_is_told_once_and_repeated(lake):
    run = lake.ingest("signals", "--interval", "200ms", "--ack")
    run.send(signal_row(0))
    assert json.loads(run.process.stdout.readline()) == {"ack": 1}
    until(lambda: len(lake.rows("signals")) == 1)
    back = away(lake)
    run.send(signal_rows(range(1, 10)))
    assert json.loads(run.process.stdout.readline()) == {"ack": 10}
    until(lambda: run.heard("cannot be flushed"))
    time.sleep(2)
    assert len([line for line in run.messages if "cannot be flushed" in line]) == 1
    back()
    until(lambda: run.heard("flushed again"))
    assert lake.values() == expected(range(10))
    run.end()


@pytest.mark.slow
def test_killed_again_and_again_each_row_is_there_once(lake):
    sent = most = 0
    acked = 0
    for _ in range(12):
        run = lake.ingest("signals", "--ack", "--interval", "150ms", "--sync", "10ms")
        for _ in range(10):
            run.send(signal_rows(range(sent, sent + 40)))
            sent += 40
            time.sleep(0.01)
        acked = sent - 400 + json.loads(run.process.stdout.readline())["ack"]
        run.kill()
        most = max(most, sent)
        # What was not acknowledged is sent again, as a bot would.
        sent = acked
    run = lake.ingest("signals", "--ack")
    run.send(signal_rows(range(sent, most + 10)))
    run.end()
    values = lake.values()
    assert values == expected(range(most + 10))  # each once: `deltalake` reads no key twice
    history = [json.loads(line) for line in
               lake.ok("history", "signals", "--format", "ndjson").splitlines()]
    assert len(history) > 6


def test_the_spool_is_seen_and_flushed_from_outside(lake):
    run, path = lake.serve("signals", "--interval", "1h", "--ack")
    client = Client(path)
    client.send(signal_rows(range(25)))
    client.until_ack(25)
    spool = lake.spool()
    assert spool["rows_waiting"] == 25 and str(run.process.pid) in spool["owner"]
    text = lake.ok("spool", "status")
    assert "25 rows" in text and "owner     process" in text
    done = json.loads(lake.ok("spool", "flush", "--json"))
    assert done == {"rows_flushed": 25}
    assert lake.values() == expected(range(25))
    assert run.process.poll() is None
    client.send(signal_row(30))
    client.until_ack(26)
    client.close()
    run.kill()
    assert lake.spool()["owner"] is None
    status = lake.ok("spool", "status")
    assert "waiting   1 row, " in status and ": sealed, 1 row, " in status or ": open, 1 row, " in status, status
    assert "1 row flushed" in lake.run("spool", "flush").stderr
    assert lake.values() == expected([*range(25), 30])
    assert lake.spool()["rows_waiting"] == 0


def leave_rows(lake):
    """A hundred in the spool, whose owner was killed."""
    run, path = lake.serve("signals", "--interval", "1h", "--ack")
    client = Client(path)
    client.send(signal_rows(range(100)))
    client.until_ack(100)
    client.close()
    run.kill()


def test_damage_is_found_and_named(lake):
    leave_rows(lake)
    verified = lake.ok("spool", "verify")
    assert "waiting   100 rows" in verified and "sound     yes" in verified
    assert "sound" not in lake.ok("spool", "status")  # it has not looked at all records
    segment = max((lake.path / "_varve" / "spool").glob("*.vs"), key=lambda file: file.stat().st_mtime)
    with open(segment, "r+b") as file:
        content = file.read()
        file.seek(content.rindex(b"ml_entry"))
        file.write(b"M")
    done = lake.run("spool", "verify")
    assert done.returncode == 10
    assert "DAMAGED at offset" in done.stdout and segment.name in done.stdout
    assert "sound " not in done.stdout
    assert lake.run("spool", "status").returncode == 0
    done = lake.run("ingest", "signals", stdin="")
    assert done.returncode == 6 and segment.name in done.stderr
    aside = lake.folder / segment.name  # as docs/ingest.md says
    segment.rename(aside)
    lake.ok("ingest", "signals", stdin=signal_rows(range(200, 210)))
    assert lake.values() == expected(range(200, 210))
    assert lake.spool()["rows_waiting"] == 0 and aside.exists()


def test_a_spool_without_its_own_file_is_damaged_and_not_empty(lake):
    leave_rows(lake)
    own = lake.path / "_varve" / "spool" / "spool"
    content = own.read_bytes()
    own.unlink()
    status = lake.ok("spool", "status")
    assert "DAMAGED" in status and "nothing waits" not in status and ".vs" in status
    assert lake.run("spool", "verify").returncode == 10
    assert lake.run("spool", "flush").returncode == 6 and not lake.values()
    own.write_bytes(content)
    lake.ok("spool", "flush", "--adopt")
    assert lake.values() == expected(range(100))


def test_a_damaged_segment_that_is_restored_gives_its_rows(lake):
    leave_rows(lake)
    segment = max((lake.path / "_varve" / "spool").glob("*.vs"), key=lambda file: file.stat().st_size)
    whole = segment.read_bytes()
    with open(segment, "r+b") as file:
        file.seek(whole.rindex(b"ml_entry"))
        file.write(b"M")
    assert lake.run("spool", "flush").returncode == 6
    segment.write_bytes(whole)
    lake.ok("spool", "flush")
    assert lake.values() == expected(range(100))


def test_a_spool_that_is_none(lake, tmp_path):
    for verb in ("status", "verify"):
        assert "nothing waits" in lake.ok("spool", verb)
    assert lake.spool()["rows_waiting"] == 0
    assert json.loads(lake.ok("spool", "flush", "--json")) == {"rows_flushed": 0}
    assert not (lake.path / "_varve" / "spool").exists()
    (tmp_path / "folder").mkdir()
    for verb in ("status", "verify", "flush", "salvage"):
        for name in ("nowhere", "folder"):
            done = lake.run("spool", verb, "--spool", tmp_path / name)
            assert done.returncode == 5 and done.stdout == "", (verb, name, done.stdout)
    assert "is no spool" in done.stderr and list((tmp_path / "folder").iterdir()) == []
    done = lake.run("spool", "empty")
    assert done.returncode == 2 and "status|flush|verify|salvage" in done.stderr


