"""The progress bar: on a terminal's stderr, after a second, gone before the result."""

import os
import pty
import re
import subprocess
import threading
import time

import pytest

LINES = "".join(f'{{"k":{number},"v":{number}.5}}\n' for number in range(200))
SLOW = "SELECT sum(hash(range)::DOUBLE) AS s FROM range(1000000000000)"


@pytest.fixture(scope="module")
def lake(varve_on, tmp_path_factory):
    varve = varve_on(tmp_path_factory.mktemp("progress") / "lake")
    varve.ok("create", "t", "--schema", "k bigint not null, v double", "--key", "k")
    varve.upsert("t", LINES)
    return varve


def feed(process, seconds, seen, until):
    """Gives the lines slowly, and then blanks until something is seen, however late it began."""
    pieces = [LINES[at:at + 1000] for at in range(0, len(LINES), 1000)]
    for piece in pieces:
        process.stdin.write(piece.encode())
        process.stdin.flush()
        time.sleep(seconds / len(pieces))
    end = time.monotonic() + 60
    while until and until not in b"".join(seen) and time.monotonic() < end:
        process.stdin.write(b" " * 4096 + b"\n")
        process.stdin.flush()
        time.sleep(0.05)
    process.stdin.close()


def run(lake, *words, slow=0, until=None, terminal=True, stop_after=None):
    """Exit status, stdout, and what stderr got."""
    leader, follower = pty.openpty() if terminal else os.pipe()
    process = subprocess.Popen([str(lake.program), "--lake", str(lake.lake), *map(str, words)],
                               stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=follower)
    os.close(follower)
    seen = []

    def read():
        try:
            is_stopped = False
            while piece := os.read(leader, 65536):
                seen.append(piece)
                if stop_after and stop_after in b"".join(seen) and not is_stopped:
                    process.send_signal(2)
                    is_stopped = True
        except OSError:
            pass  # a terminal whose program has ended

    reader = threading.Thread(target=read)
    reader.start()
    if slow:
        feed(process, slow, seen, until)
    else:
        process.stdin.close()
    out = process.stdout.read().decode()
    status = process.wait(60)
    reader.join(20)
    os.close(leader)
    return status, out, b"".join(seen).decode()


def last_line(seen):
    """What is left to be seen of a terminal's last line that was written over."""
    return re.split(r"\r\x1b\[K", seen)[-1]


def test_reading_an_input_shows_how_much_was_read(lake):
    status, out, seen = run(lake, "upsert", "t", "-", "--input-format", "ndjson", "--json", slow=1.8,
                            until=b"read: ")
    assert status == 0 and '"rows_in":200' in out
    assert re.search(r"\r\x1b\[Kread: \d+", seen)
    assert last_line(seen).strip() == ""


@pytest.mark.slow
@pytest.mark.parametrize("options, terminal", [
    (["--no-progress"], True), (["--quiet"], True), ([], False)])
def test_who_does_not_want_it_or_can_not_see_it_gets_none(lake, options, terminal):
    status, _, seen = run(lake, "upsert", "t", "-", "--input-format", "ndjson", "--json", *options,
                          slow=1.6, terminal=terminal)
    assert status == 0 and seen == ""


def test_what_is_quick_shows_none(lake):
    for _ in range(20):
        begun = time.monotonic()
        status, out, seen = run(lake, "query", "SELECT count(*) AS n FROM t")
        assert (status, out.split()) == (0, ["n", "200"])
        if time.monotonic() - begun < 1:
            break  # else it was not quick, on a machine that has other work
    else:
        pytest.skip("nothing is quick here")
    assert seen == ""


def test_a_long_query_shows_it_and_is_stopped(lake):
    status, out, seen = run(lake, "query", SLOW, stop_after=b"query")
    assert (status, out) == (130, "")
    assert re.search(r"\r\x1b\[Kquery: \d+ s", seen)
    assert "\x1b[K" in seen and "varve: " in last_line(seen)  # the message has a line of its own


def test_a_query_that_fails_says_why_as_ever(lake):
    sql = "SELECT sum(CASE WHEN a.k + b.k = 398 THEN error('enough') ELSE 1 END) FROM t a, t b"
    status, _, seen = run(lake, "query", sql)
    quiet = lake.run("query", sql)
    assert status == quiet.returncode == 2
    assert last_line(seen).replace("\r\n", "\n") == quiet.stderr
    assert "enough" in seen


def test_an_export_counts_its_rows(lake, tmp_path):
    path = tmp_path / "rows.csv"
    os.mkfifo(path)
    lines = []

    def read_slowly():
        with open(path, "rb", buffering=0) as rows:
            begin = time.monotonic()
            while piece := rows.read(8192):
                lines.append(piece.count(b"\n"))
                if time.monotonic() - begin < 2.5:
                    time.sleep(0.05)

    reader = threading.Thread(target=read_slowly)
    reader.start()
    status, out, seen = run(lake, "query", "SELECT a.k, b.v, a.v AS w FROM t a, t b", "-o", path)
    reader.join(20)
    assert (status, out, sum(lines)) == (0, "", 200 * 200 + 1)
    assert re.search(r"\r\x1b\[Krows: \d+", seen) and last_line(seen).strip() == ""
