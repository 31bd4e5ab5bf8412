"""One Ctrl-C, or one SIGTERM, ends whatever waits for somebody else: for rows that don't come, for a
reader that does not read."""

import os
import resource
import signal
import subprocess
import time

import pytest

INTERRUPTED = 130
SOON = 30  # seconds, of a machine that has other work
MANY = "SELECT i, 'a text of some length ' || i AS t FROM range(300000) r(i)"
# What waits for a pipe that is open and stays empty, and for a named one that nobody opens.
READS = {
    "rows": ["upsert", "t", "-"],
    "csv": ["upsert", "t", "-", "--input-format", "csv"],
    "ndjson": ["upsert", "t", "--input-format", "ndjson"],
    "parquet": ["upsert", "t", "-", "--input-format", "parquet"],
    "shell": ["shell"],
    "statement": ["query", "-f", "-"],
}
NAMED = {
    "csv": ["upsert", "t", "PIPE", "--input-format", "csv"],
    "arrow": ["overwrite", "t", "PIPE", "--yes", "--input-format", "arrow"],
    "statement": ["query", "-f", "PIPE"],
    "config": ["--config", "PIPE", "tables"],
    "output": ["query", "SELECT 1", "-o", "PIPE"],
    "key": ["seal", "--key", "PIPE"],
    "calendar": ["gaps", "t", "--every", "1m", "--calendar", "PIPE"],
}
WRITES = ["csv", "json", "ndjson", "box", "arrow", "parquet"]


@pytest.fixture(scope="module")
def table(varve_on, tmp_path_factory):
    varve = varve_on(tmp_path_factory.mktemp("waits") / "lake")
    varve.ok("create", "t", "--schema", "k timestamp not null, v bigint", "--key", "k")
    varve.upsert("t", "k,v\n2025-01-01T00:00:00Z,1\n")
    return varve


@pytest.fixture
def pipe():
    ends = os.pipe()
    yield ends
    for end in ends:
        os.close(end)


def worked(process):
    """What its threads have used so far, and whether all of them wait."""
    used, waits = 0, True
    for task in os.listdir(f"/proc/{process.pid}/task"):
        try:
            with open(f"/proc/{process.pid}/task/{task}/stat", encoding="ascii", errors="replace") as stat:
                fields = stat.read().rpartition(")")[2].split()
        except OSError:
            continue
        used, waits = used + int(fields[11]) + int(fields[12]), waits and fields[0] == "S"
    return used if waits else None


def until_it_waits(process):
    """Nothing was done for a while, by any thread."""
    end, before, since = time.monotonic() + 60, None, time.monotonic()
    while before is None or time.monotonic() < since + 0.25:
        assert process.poll() is None, process.stderr.read()
        assert time.monotonic() < end
        now = worked(process)
        if now is None or now != before:
            before, since = now, time.monotonic()
        time.sleep(0.02)


def interrupt(varve, words, number, **streams):
    process = subprocess.Popen([str(varve.program), "--lake", str(varve.lake), *words], text=True,
                               **{"stdin": subprocess.DEVNULL, "stdout": subprocess.DEVNULL,
                                  "stderr": subprocess.PIPE, **streams})
    try:
        until_it_waits(process)
        process.send_signal(number)
        process.wait(timeout=SOON)
        return process.returncode, process.stderr.read()
    finally:
        process.kill()
        process.wait()
        process.stderr.close()


def is_interrupted(varve, done):
    assert done[0] == INTERRUPTED and "interrupted" in done[1], done
    assert varve.version("t") == 1
    return True


@pytest.mark.parametrize("name", READS)
def test_a_pipe_that_stays_empty(table, pipe, name):
    number = (signal.SIGINT, signal.SIGTERM)[list(READS).index(name) % 2]
    assert is_interrupted(table, interrupt(table, READS[name], number, stdin=pipe[0]))


@pytest.mark.parametrize("name", NAMED)
def test_a_named_pipe_that_nobody_opens(table, tmp_path, name):
    os.mkfifo(tmp_path / "pipe")
    words = [str(tmp_path / "pipe") if word == "PIPE" else word for word in NAMED[name]]
    assert is_interrupted(table, interrupt(table, words, signal.SIGTERM))


def test_a_calendar_without_an_end(table):
    """As little of it as tells that it is none is copied to the folder of temporary files."""
    def limit():
        resource.setrlimit(resource.RLIMIT_FSIZE, (8 << 20, 8 << 20))

    done = subprocess.run([str(table.program), "--lake", str(table.lake), "gaps", "t", "--every", "1m",
                           "--calendar", "/dev/zero"], capture_output=True, text=True, check=False,
                          preexec_fn=limit, timeout=SOON)
    assert done.returncode == 2 and "calendar /dev/zero is larger than 4 MB" in done.stderr, done


@pytest.mark.parametrize("form", WRITES)
def test_a_reader_that_does_not_read(table, pipe, form):
    done = interrupt(table, ["query", MANY, "--format", form], signal.SIGTERM, stdout=pipe[1])
    assert is_interrupted(table, done)


def test_a_feed_that_nobody_reads(table, pipe):
    done = interrupt(table, ["simulate", "--days", "300"], signal.SIGINT, stdout=pipe[1])
    assert is_interrupted(table, done)


def test_a_named_pipe_whose_writer_comes_late(table, tmp_path):
    path = tmp_path / "pipe"
    os.mkfifo(path)
    process = subprocess.Popen([str(table.program), "--lake", str(table.lake), "upsert", "t", str(path),
                                "--input-format", "csv", "--dry-run", "--json"],
                               stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    until_it_waits(process)
    with open(path, "w", encoding="ascii") as writer:
        writer.write("k,v\n")
        writer.flush()
        time.sleep(0.2)
        writer.write("2025-01-02T00:00:00Z,2\n2025-01-03T00:00:00Z,3\n")
    said, complaint = process.communicate(timeout=SOON)
    assert process.returncode == 0 and '"inserted":2' in said, complaint
