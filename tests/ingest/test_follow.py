"""Followed files: growth, rotation by renaming and by copying, restarts, crashes. That nothing is
taken twice shows in the spool's sequence, which counts each row that ever was put, and each bad
line that was kept for the quarantine."""

import os
import pathlib
import random
import shutil
import signal
import subprocess
import tempfile
import threading
import time

import pytest
from conftest import PROGRAM, Client, Lake, expected, signal_row, signal_rows, until
from waiting import until_it_minds


@pytest.fixture
def log(tmp_path):
    return tmp_path / "feed.ndjson"


def append(path, text):
    with open(path, "a", encoding="utf-8") as file:
        file.write(text)


NOBODY = 65534
KILLS = int(os.environ.get("VARVE_TEST_KILLS", "5"))


def accepted(run):
    """Rows that were put so far, over all runs on the spool."""
    return run.metrics[-1]["accepted"] if run.metrics else 0


def stop(run):
    run.signal(signal.SIGTERM)
    run.end()
    return accepted(run)


def test_a_file_that_grows(lake, log):
    run = lake.ingest("signals", "--follow", log, "--interval", "1s", stdin=None)
    until(lambda: run.heard("waits for it"))
    append(log, signal_rows(range(10)) + signal_row(10)[:30])
    until(lambda: accepted(run) == 10)
    append(log, signal_row(10)[30:])
    until(lambda: accepted(run) == 11)
    append(log, "broken\n\n" + signal_row(11))
    until(lambda: accepted(run) == 13)
    assert any(line.startswith(f"varve: {log}, byte ") for line in run.messages)
    assert stop(run) == 13
    assert lake.values() == expected(range(12))


def test_a_restart_goes_on_where_it_was(lake, log):
    total = bad = 0
    for count in (100, 0, 1, 57):
        append(log, signal_rows(range(total, total + count)) + "broken\n" * (count % 3))
        total += count
        bad += count % 3
        run = lake.ingest("signals", "--follow", log, "--interval", "1h", stdin=None)
        until_it_minds(run.process, signal.SIGTERM)
        assert stop(run) == total + bad
    assert lake.values() == expected(range(total))


def test_renamed_it_is_read_to_its_end_before_the_next(lake, log):
    run = lake.ingest("signals", "--follow", log, "--interval", "1s", stdin=None)
    append(log, signal_rows(range(10)))
    until(lambda: accepted(run) == 10)
    old = log.with_name("feed.ndjson.1")
    with open(log, "a", encoding="utf-8") as writer:  # has it open, as loggers do
        log.rename(old)
        log.write_text(signal_rows(range(20, 30)))
        writer.write(signal_rows(range(10, 19)))
        writer.flush()
        time.sleep(0.5)
        writer.write(signal_row(19).rstrip("\n"))  # its last words, without a line end
    until(lambda: accepted(run) == 30)
    assert stop(run) == 30
    assert lake.values() == expected(range(30))


@pytest.mark.slow
def test_copied_and_cut_nothing_of_it_is_lost(lake, log):
    run = lake.ingest("signals", "--follow", log, "--interval", "1s", stdin=None)
    append(log, signal_rows(range(10)))
    until(lambda: accepted(run) == 10)
    run.signal(signal.SIGSTOP)  # it is slow: does not see what comes before the cut
    append(log, signal_rows(range(10, 20)))
    shutil.copy(log, log.with_name("feed.ndjson.1"))
    os.truncate(log, 0)
    append(log, signal_rows(range(20, 60)))  # and there is more by now than there was
    run.signal(signal.SIGCONT)
    until(lambda: accepted(run) == 60)
    append(log, signal_rows(range(60, 70)))
    until(lambda: accepted(run) == 70)
    assert stop(run) == 70
    assert lake.values() == expected(range(70))


def test_cut_without_a_copy_it_begins_again(lake, log):
    run = lake.ingest("signals", "--follow", log, "--interval", "1s", stdin=None)
    append(log, signal_rows(range(10)))
    until(lambda: accepted(run) == 10)
    log.write_text(signal_row(50))
    until(lambda: accepted(run) == 11)
    assert run.heard("was cut or written anew")
    assert stop(run) == 11


@pytest.mark.slow
def test_rotated_again_and_again_while_nobody_read(lake, log):
    append(log, signal_rows(range(10)))
    run = lake.ingest("signals", "--follow", log, "--interval", "1h", stdin=None)
    until_it_minds(run.process, signal.SIGTERM)
    assert stop(run) == 10
    append(log, signal_rows(range(10, 20)))
    for i in range(1, 4):
        for old in sorted(log.parent.glob("feed.ndjson.*"), reverse=True):
            old.rename(log.with_name(f"feed.ndjson.{int(old.suffix[1:]) + 1}"))
        log.rename(log.with_name("feed.ndjson.1"))
        time.sleep(0.02)
        log.write_text(signal_rows(range(10 + i * 10, 20 + i * 10)))
    run = lake.ingest("signals", "--follow", log, "--interval", "1s", stdin=None)
    until(lambda: accepted(run) == 50)
    assert stop(run) == 50
    assert lake.values() == expected(range(50))


def test_what_is_gone_is_said(lake, log):
    append(log, signal_rows(range(10)))
    run = lake.ingest("signals", "--follow", log, "--interval", "1h", stdin=None)
    until_it_minds(run.process, signal.SIGTERM)
    stop(run)
    log.unlink()
    log.write_text("\n" + signal_row(20))
    run = lake.ingest("signals", "--follow", log, "--interval", "1h", stdin=None)
    until_it_minds(run.process, signal.SIGTERM)
    assert stop(run) == 11
    assert run.heard("is not there any more")


def test_csv_needs_its_header_after_a_restart_too(lake, log):
    append(log, "timestamp,strategy_id,signal_type,signal_value,acted_upon\n")
    for i in range(3):
        append(log, f"2025-01-30T10:00:0{i}Z,s1,ml_entry,0.{i + 1},false\n"
                    f"\"2025-01-30T11:00:0{i}Z\",\"s\n1\",ml_entry,0.{i + 1}5,true\n")
        run = lake.ingest("signals", "--follow", log, "--input-format", "csv", stdin=None)
        until_it_minds(run.process, signal.SIGTERM)
        assert stop(run) == 2 * i + 2
    assert lake.values() == [0.1, 0.15, 0.2, 0.25, 0.3, 0.35]


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become somebody else")
def test_the_folder_that_the_spool_is_in_may_not_be_listed():
    """It is root's, the spool a service's that runs as somebody else."""
    with tempfile.TemporaryDirectory() as folder:
        os.chmod(folder, 0o711)
        lake, log, spool = Lake(pathlib.Path(folder)), os.path.join(folder, "log"), os.path.join(folder, "spool")
        append(log, signal_rows(range(10)))
        for path in (spool, spool + ".follow"):
            os.mkdir(path)
        for path in (lake.path, *lake.path.rglob("*"), spool, spool + ".follow"):
            os.chown(path, NOBODY, NOBODY)
        if subprocess.run([PROGRAM, "version"], user=NOBODY, group=NOBODY, extra_groups=[],
                          capture_output=True, check=False).returncode != 0:
            pytest.skip("the program lies where others can't go")
        run = lake.ingest("signals", "--spool", spool, "--follow", log, "--interval", "1s", stdin=None,
                          user=NOBODY)
        until(lambda: accepted(run) == 10 or run.process.poll() is not None)
        assert stop(run) == 10
        assert lake.values() == expected(range(10))


@pytest.mark.slow
def test_killed_at_any_moment_no_line_is_lost_or_doubled(lake, log, tmp_path):
    """Two files that grow and rotate in both ways, and clients beside them."""
    rng = random.Random(7)
    other = tmp_path / "other.log"
    done = threading.Event()
    written = {log: 0, other: 0, "bad": 0}

    def write():
        number = 0
        while not done.is_set() and number < 9000:
            for path, base in ((log, 0), (other, 40000)):
                count = rng.randrange(1, 30)
                bad = "broken\n" if rng.random() < 0.1 else ""
                append(path, signal_rows(range(base + written[path], base + written[path] + count))
                       + bad)
                written[path] += count
                written["bad"] += 1 if bad else 0
            number += count
            if rng.random() < 0.01:
                log.rename(log.with_name(f"feed.ndjson-{number}"))
            if rng.random() < 0.01:
                shutil.copy(other, other.with_name(f"other.log.{number}"))
                os.truncate(other, 0)
            time.sleep(0.003)

    append(log, "")
    append(other, "")
    writer = threading.Thread(target=write)
    writer.start()
    sent = 0
    sock = tmp_path / "bots.sock"
    for _ in range(KILLS):
        run = lake.ingest("signals", "--follow", log, "--follow", other, "--socket", sock, "--ack",
                          "accepted", "--interval", "200ms", "--sync", "10ms", stdin=None)
        until(lambda: sock.exists())
        client = until(lambda: connect(sock))
        client.send(signal_rows(range(80000 + sent, 80000 + sent + 5)))
        client.until_ack(5)
        sent += 5
        client.close()
        time.sleep(rng.random() * 0.5)
        run.kill()
    done.set()
    writer.join()
    run = lake.ingest("signals", "--follow", log, "--follow", other, "--interval", "1s", stdin=None)
    total = sum(written.values()) + sent
    until(lambda: accepted(run) >= total, what=f"{total} rows")
    time.sleep(1.5)
    assert stop(run) == total
    assert lake.values() == expected([*range(written[log]),
                                      *range(40000, 40000 + written[other]),
                                      *range(80000, 80000 + sent)])


def connect(path):
    try:
        return Client(path)
    except OSError:
        return None
