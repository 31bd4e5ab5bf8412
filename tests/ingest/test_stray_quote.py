"""A stray quote in CSV costs the line that it is in, as of an upsert: those behind it are read."""

import json
import random
import signal
import subprocess

import pytest
from conftest import PROGRAM, Client, until

HEADER = "k,a,b\n"
NEVER = "the line has a quote that is never closed"
STRAY = "the line has a quote that is closed in another line, with text behind it"
LONG = "the line has a quote that is not closed within 4096 bytes (--max-line)"


@pytest.fixture
def table(lake):
    lake.ok("create", "t", "--schema", "k bigint not null, a string, b string", "--key", "k")
    return lake


def row(number):
    return f"{number},a,b\n"


def rows(numbers):
    return "".join(map(row, numbers))


def keys(lake, name="t"):
    return sorted(found["k"] for found in lake.rows(name))


def aside(lake, name="t"):
    shown = lake.ok("quarantine", "show", name, "--format", "ndjson").splitlines()
    return [(found["value"], found["rule"]) for found in map(json.loads, shown)]


def ingest(lake, text, *options, name="t"):
    run = lake.ingest(name, "--input-format", "csv", "--ack", *options)
    run.send(text)
    run.end()
    return [answer["line"] for answer in run.output() if "error" in answer]


@pytest.mark.parametrize("stray, reason", [
    ('9,"a,b\n', NEVER),
    ('9,a,"b\r\n', NEVER),
    ('9,"a,b\n8,"c,b\n', STRAY),  # the second one closes the first, and is open itself
])
def test_it_costs_its_own_line(table, stray, reason):
    lines = stray.removesuffix("\n").split("\n")
    refused = ingest(table, HEADER + rows(range(10, 20)) + stray + rows(range(20, 5000)))
    assert refused == list(range(12, 12 + len(lines)))
    assert keys(table) == list(range(10, 5000))
    assert aside(table)[0] == (lines[0], reason)
    assert [value for value, _ in aside(table)] == lines


def test_a_quote_that_is_closed_nowhere_within_the_longest_line(table):
    text = HEADER + row(1) + '9,"a,b\n' + rows(range(10, 2000)) + '2000,"a\nb",c\n' + rows(range(2001, 2010))
    assert ingest(table, text, "--max-line", "4KiB") == [3]
    assert keys(table) == [1, *range(10, 2010)]
    assert aside(table) == [('9,"a,b', LONG)]


def test_where_each_line_has_one(table):
    count = 300
    text = HEADER + "".join(f'{number},"a,b\n' for number in range(count)) + row(9999)
    assert ingest(table, text) == list(range(2, count + 2))
    assert keys(table) == [9999]
    assert len(aside(table)) == count


def test_fields_of_several_lines_are_whole(table):
    text = HEADER + '1,"a\n2,x,y\n""3"",x,y",b\n' + row(4) + '5,"a\n\n",""\n6,a,"\nb"'
    assert ingest(table, text, "--max-line", "64") == []
    assert keys(table) == [1, 4, 5, 6]
    assert [found["a"] for found in table.rows("t") if found["k"] == 1] == ['a\n2,x,y\n"3",x,y']


def test_what_is_wrong_with_a_line_is_told(table):
    faults = {'1,"a"b,c': "field 2 has text behind a closing quote (within quotes, a quote is written twice)",
              "2,a,b\rc": "field 3 has a CR without quotes (a line ends in LF or CRLF)",
              '3,a,"b': "field 3 has a quote that is never closed"}
    assert ingest(table, HEADER + "\n".join(faults)) == [2, 3, 4]
    assert dict(aside(table)) == faults


def test_where_a_connection_ends_it_may_be_a_field_that_was_cut(table):
    """What looks like rows within it is none: the client sends it again."""
    run, path = table.serve("t", "--input-format", "csv", "--ack", "committed", "--interval", "50ms")
    client = Client(path)
    client.send(HEADER + row(1) + '2,"a,b\n' + rows(range(3, 100)) + "100,a")
    client.socket.shutdown(1)
    answers = client.until_ack(101)
    assert [answer["line"] for answer in answers if "error" in answer] == [3]
    run.signal(signal.SIGTERM)
    run.end()
    assert keys(table) == [1] and aside(table) == []
    assert run.metrics[-1]["half_lines"] == 1


def test_a_file_that_is_followed_and_read_again(table):
    log = table.folder / "feed.csv"
    log.write_text(HEADER + rows(range(1, 20)) + '900,"a,b\n' + rows(range(20, 2000)) + '901,"a,b\n')
    options = ("t", "--follow", log, "--input-format", "csv", "--max-line", "4KiB", "--interval", "1h")
    run = table.ingest(*options, stdin=None)
    until(lambda: table.spool()["rows_waiting"] >= 1999)
    run.kill()
    with log.open("a", encoding="utf-8") as more:
        more.write(rows(range(2000, 3000)))
    run = table.ingest(*options[:-1], "50ms", stdin=None)
    until(lambda: len(keys(table)) >= 2999)
    run.signal(signal.SIGTERM)
    run.end()
    assert keys(table) == list(range(1, 3000))
    assert sorted(value for value, _ in aside(table)) == ['900,"a,b', '901,"a,b']
    assert run.metrics[-1]["duplicates_in_batch"] == 0


FIELDS = ["a", "", '"a"', '"a""b"', '"', '""', 'a"', '"a', '"a\nb"', '"\n1,a,b\n"', ' "a"', '  "a', '"a" ', '""",', "a b"]


@pytest.mark.parametrize("seed", range(20))
def test_an_upsert_takes_the_same_rows(table, seed):
    chance = random.Random(seed)
    lines = [f"{number}," + ",".join(chance.choice(FIELDS) if chance.random() < 0.4 else "a" for _ in "ab")
             for number in range(1000 * seed, 1000 * seed + 40)]
    text = HEADER + "\n".join(lines) + "\n"
    table.ok("create", "u", "--schema", "k bigint not null, a string, b string", "--key", "k")
    table.ok("upsert", "u", "-", "--input-format", "csv", "--quarantine", stdin=text)
    ingest(table, text)
    def whole(name):
        return sorted((found["k"], found["a"], found["b"]) for found in table.rows(name))
    assert whole("t") == whole("u") != []
    assert [value for value, _ in aside(table)] == [value for value, _ in aside(table, "u")]


def test_lines_that_wait_behind_an_open_quote_are_told(table):
    log = table.folder / "feed.csv"
    log.write_text(HEADER + row(1) + '2,"a,b\n' + rows(range(3, 8)))
    options = ("t", "--follow", log, "--input-format", "csv", "--interval", "1s")
    run = table.ingest(*options, stdin=None)
    begun = len(HEADER + row(1))
    until(lambda: run.heard("from there on wait"), seconds=30)
    until(lambda: run.metrics, seconds=30)
    assert run.metrics[-1]["lines_held"] == 6
    run.signal(signal.SIGTERM)
    run.end()
    told = [line for line in run.messages if "a quote is open" in line]
    assert told == [
        f"varve: warning: {log}, byte {begun}: a quote is open, and 6 lines from there on wait: they are taken when it "
        "is closed, or known to be a stray one",
        f"varve: warning: {log}, byte {begun}: a quote is open, and 6 lines from there on are not taken: the next run "
        "reads the file from there"]
    assert keys(table) == [1]
    with log.open("a", encoding="utf-8") as more:
        more.write('c",b\n' + row(9))
    run = table.ingest(*options, stdin=None)
    until(lambda: len(keys(table)) == 3)
    run.signal(signal.SIGTERM)
    run.end()
    assert run.metrics[-1]["lines_held"] == 0 and not run.heard("a quote is open")
    assert keys(table) == [1, 2, 9]


@pytest.mark.parametrize("options", [[], ["--quiet"]])
def test_what_stdin_had_sent_behind_an_open_quote_is_told_at_a_signal(table, options):
    run = table.ingest("t", "--input-format", "csv", "--interval", "50ms", *options)
    run.send(HEADER + row(1) + '2,"a,b\n' + row(3))
    until(lambda: keys(table) == [1])
    run.signal(signal.SIGTERM)
    assert run.process.wait(timeout=60) == 0
    run.end()
    assert run.heard("stdin, line 3: a quote is open, and 2 lines from there on are not taken, nor acknowledged")


@pytest.mark.parametrize("stray", [b'9,"x\xff,b\n', b'9,"x"y,"b\n', b'9,"x,b\n8,\xff,b\n'])
@pytest.mark.parametrize("verb", ["upsert", "ingest"])
def test_whatever_else_is_wrong_with_it_it_costs_its_own_line(table, verb, stray):
    """And the line of the other fault."""
    text = (HEADER + rows(range(10, 20))).encode() + stray + rows(range(20, 1000)).encode()
    path = table.folder / "rows.csv"
    path.write_bytes(text)
    options = ["--quarantine"] if verb == "upsert" else ["--input-format", "csv"]
    with path.open("rb") as stdin:
        words = ["t", "-", "--input-format", "csv", *options] if verb == "upsert" else ["t", *options]
        subprocess.run([PROGRAM, "--lake", table.path, verb, *words], stdin=stdin, check=True, timeout=120)
    assert keys(table) == list(range(10, 1000))
    assert len(aside(table)) == stray.count(b"\n")
