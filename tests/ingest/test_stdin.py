"""Rows from stdin: acknowledgements, bad lines, formats, and what is said."""

import json
import os
import signal
import subprocess

import pytest
from conftest import PROGRAM, expected, signal_row, signal_rows, until
from waiting import until_it_minds


def test_the_end_of_stdin_flushes_and_ends_it(lake):
    run = lake.ingest("signals", "--json")
    run.send(signal_rows(range(1000)))
    (summary,) = run.end().output()
    assert lake.values() == expected(range(1000))
    assert (summary["lines"], summary["inserted"], summary["committed"]) == (1000, 1000, 1000)
    assert lake.spool()["rows_waiting"] == 0


def test_each_line_names_its_table(lake):
    feed = subprocess.run([PROGRAM, "simulate", "--days", "1"], capture_output=True, check=True)
    lines = feed.stdout.decode().splitlines()
    run = lake.ingest()
    run.send(feed.stdout)
    run.end()
    tables = {}
    for line in lines:
        row = json.loads(line)
        keys = (row["timestamp"], row.get("symbol"), row.get("strategy_id"), row.get("signal_type"))
        tables.setdefault(row["table"], set()).add(keys)
    for table, keys in tables.items():
        assert len(lake.rows(table)) == len(keys)


@pytest.mark.parametrize("content", [None, "", '{"table":"nosuch"}\n'])
def test_a_file_as_stdin_that_brings_no_row_ends_it_at_once(lake, tmp_path, content):
    path = tmp_path / "rows.ndjson"
    path.write_text(content or "")
    with open("/dev/null" if content is None else path) as rows:
        done = subprocess.run([PROGRAM, "--lake", lake.path, "ingest"], stdin=rows, timeout=120,
                              capture_output=True)
    assert done.returncode == 0


def test_an_empty_csv_is_no_input_without_rows(lake, tmp_path):
    """Its source has failed before its first line, which has names of columns where there is no row."""
    done = lake.run("ingest", "signals", "--input-format", "csv", stdin="")
    assert done.returncode == 3 and "stdin is empty: CSV needs at least" in done.stderr
    header = "timestamp,strategy_id,signal_type,signal_value,acted_upon\n"
    assert lake.run("ingest", "signals", "--input-format", "csv", stdin=header).returncode == 0
    assert lake.run("ingest", "signals", "--input-format", "csv", stdin=header.rstrip()).returncode == 0
    (tmp_path / "rows.csv").write_text("")
    run = lake.ingest("signals", "--input-format", "csv", "--follow", tmp_path / "rows.csv", stdin=None)
    until_it_minds(run.process, signal.SIGTERM)  # a file may still get its header
    assert run.process.poll() is None
    run.signal(signal.SIGTERM)
    run.end()


def test_a_stdin_that_can_not_be_read_is_no_end_of_rows(lake, tmp_path):
    folder = os.open(tmp_path, os.O_RDONLY)
    done = subprocess.run([PROGRAM, "--lake", lake.path, "ingest", "signals"], stdin=folder, timeout=120,
                          capture_output=True, text=True)
    os.close(folder)
    assert done.returncode == 8 and "cannot read stdin: Is a directory" in done.stderr


def test_repeated_it_writes_nothing(lake):
    for _ in range(2):
        run = lake.ingest("signals", "--json")
        run.send(signal_rows(range(100), ingested_at="2025-01-30T12:00:00Z"))
        (summary,) = run.end().output()
    assert (summary["inserted"], summary["unchanged"]) == (0, 100)
    assert len(lake.rows("signals")) == 100


def test_a_column_of_the_key_that_an_upsert_fills_in_need_not_be_said(lake):
    lake.ok("create", "t", "--schema", "ts timestamp not null, s string not null, "
            "q int not null default 7, w int generated always as (q * 2), date date not null",
            "--key", "ts,s,q,w,date", "--partition-by", "date")
    run = lake.ingest("t")
    run.send('{"ts":"2025-01-01T23:30:00Z","s":"A"}\n{"ts":"2025-01-02","s":"A","date":"2025-01-09"}\n')
    run.end()
    assert [(row["s"], row["q"], row["w"], str(row["date"])) for row in lake.rows("t")] == [
        ("A", 7, 14, "2025-01-01")]
    assert "is not the UTC date of" in lake.ok("quarantine", "show", "t", "--format", "ndjson")


def test_a_last_line_without_an_end_is_a_line(lake):
    run = lake.ingest("signals", "--ack")
    run.send("\ufeff" + signal_row(1) + "\n   \n" + signal_row(2).rstrip("\n"))
    run.end()
    assert run.output()[-1] == {"ack": 4}
    assert lake.values() == expected([1, 2])


@pytest.mark.parametrize("level, interval", [
    ("accepted", "1h"), ("spooled", "1h"), ("committed", "200ms")])
def test_levels_of_acknowledgement(lake, level, interval):
    run = lake.ingest("signals", "--ack", level, "--interval", interval)
    run.send(signal_rows(range(10)))
    until(lambda: json.loads(run.process.stdout.readline()) == {"ack": 10})
    if level == "committed":
        assert lake.values() == expected(range(10))
    else:
        assert lake.rows("signals") == []
        assert lake.spool()["rows_waiting"] == 10
    run.end()
    assert lake.values() == expected(range(10))


def test_ack_alone_is_spooled_and_the_table_may_follow(lake):
    run = lake.ingest("--ack", "signals", "--sync", "always", "--interval", "1h")
    run.send(signal_row(1))
    assert json.loads(run.process.stdout.readline()) == {"ack": 1}
    run.send(signal_row(2))
    assert json.loads(run.process.stdout.readline()) == {"ack": 2}
    assert lake.rows("signals") == []
    run.end()


BAD = [
    (b'{"timestamp":"2025-01-30T10:00:00Z","strategy_id":', "INVALID_DATA"),
    (b"not json at all", "INVALID_DATA"),
    (b"[1,2,3]", "INVALID_DATA"),
    (b'"text"', "INVALID_DATA"),
    (b"\x00\x00\x00", "INVALID_DATA"),
    (b'{"table":"signals","strategy_id":"\x00"}', "INVALID_DATA"),
    (b'{"table":"signals","strategy_id":"\xff\xfe","timestamp":"2025-01-30T10:00:00Z"}',
     "INVALID_DATA"),
    (b'{"timestamp":"2025-01-30T10:00:00Z","strategy_id":"a"}', "INVALID_DATA"),
    (b'{"table":"nope","timestamp":"2025-01-30T10:00:00Z"}', "NOT_FOUND"),
    (b'{"table":7,"timestamp":"2025-01-30T10:00:00Z"}', "INVALID_DATA"),
    (b'{"table":"../../etc","timestamp":"2025-01-30T10:00:00Z"}', None),
    (b'{"table":"signals","signal_type":"ml_entry","strategy_id":"a"}', "INVALID_DATA"),
    (b'{"table":"signals","padding":"' + b"x" * 2_000_000 + b'"}', "LIMIT"),
    (b'{"a":' * 5000 + b"1" + b"}" * 5000, "INVALID_DATA"),
]


def test_bad_lines_are_answered_with_their_reason_and_the_others_go_on(lake):
    run = lake.ingest("--ack", "--interval", "1h")
    sent = b""
    for number, (line, _) in enumerate(BAD):
        good = json.dumps({"table": "signals", **json.loads(signal_row(number))})
        sent += line + b"\n" + good.encode() + b"\n"
    run.send(sent)
    run.end()
    answers = run.output()
    refused = {answer["line"]: answer for answer in answers if "error" in answer}
    assert set(refused) == {2 * number + 1 for number in range(len(BAD))}
    for number, (_, code) in enumerate(BAD):
        answer = refused[2 * number + 1]
        assert code is None or answer["code"] == code, answer
        assert answer["error"] and len(answer["error"]) < 1200
    assert answers[-1] == {"ack": 2 * len(BAD)}
    assert lake.values() == expected(range(len(BAD)))


def test_an_acknowledgement_comes_after_the_refusals_that_it_counts(lake):
    run = lake.ingest("signals", "--ack")
    run.send(("broken\n" + signal_row(1)) * 500)
    run.end()
    done = 0
    for answer in run.output():
        if "ack" in answer:
            assert answer["ack"] >= done
            done = answer["ack"]
        else:
            assert answer["line"] > done
    assert done == 1000


def test_rows_that_break_a_rule_are_set_aside_and_told_with_their_line(lake):
    run = lake.ingest("signals", "--ack", "committed")
    run.send(signal_row(1) + signal_row(2, signal_value=7) + "broken\n" + signal_row(4)
             + signal_row(5, colour="green") + signal_row(6, timestamp="2025-01-30T10:00Z",
                                                           date="2025-01-31"))
    run.end()
    answers = run.output()
    assert sorted(answer["line"] for answer in answers if "error" in answer) == [2, 3, 5, 6]
    assert {answer["code"] for answer in answers if "error" in answer} == {"INVALID_DATA"}
    assert answers[-1] == {"ack": 6}
    assert lake.values() == expected([1, 4])
    aside = lake.ok("quarantine", "show", "signals", "--format", "ndjson").splitlines()
    assert len(aside) == 4
    assert any("broken" in row for row in aside)
    assert run.metrics[-1]["quarantined"] == 4


OUTCOMES = ("inserted", "updated", "unchanged", "stale", "duplicates_in_batch", "quarantined", "refused")


def test_each_line_is_counted_once(lake):
    """A line that is no row goes to the quarantine of its table; only one that nobody keeps is refused."""
    sent = ("broken\n" + '{"table":"nowhere","a":1}\n' + '{"table":"signals","a":1}\n'
            + "".join(json.dumps({"table": "signals", **json.loads(signal_row(number))}) + "\n"
                      for number in (1, 2, 2)))
    run = lake.ingest("--ack", "--interval", "1h")
    run.send(sent)
    run.end()
    metrics = run.metrics[-1]
    assert metrics["lines"] == 6 == sum(metrics[name] for name in OUTCOMES)
    assert (metrics["refused"], metrics["quarantined"], metrics["inserted"]) == (2, 1, 2)
    assert "2 inserted, 0 updated, 0 unchanged, 0 stale, 1 replaced within a batch, " \
        "1 in quarantine, 2 refused; 1 commit" in run.messages[-2]
    assert "3 rows broke a warn-level rule" in run.messages[-1]


def test_without_ack_bad_lines_are_told_on_stderr_and_do_not_flood(lake):
    run = lake.ingest("signals", "--interval", "1h")
    run.send("broken\n" * 1000 + signal_row(1))
    run.end()
    assert run.process.stdout.read() == b""
    told = [line for line in run.messages if "in quarantine: " in line or "refused or" in line]
    assert told[0].startswith("varve: stdin, line 1: in quarantine: ")
    assert 10 <= len(told) <= 15
    assert any("990 further rows were refused" in line for line in run.messages)
    assert run.metrics[-1]["refused"] == 0 and run.metrics[-1]["quarantined"] == 1000
    assert lake.values() == expected([1])


def test_csv_with_a_header(lake):
    run = lake.ingest("signals", "--input-format", "csv", "--ack")
    run.send("timestamp,strategy_id,signal_type,signal_value,acted_upon,source\r\n"
             "2025-01-30T10:00:00Z,s1,ml_entry,0.5,false,\"a, \"\"b\"\"\nc\"\r\n"
             "2025-01-30 10:01,s1,ml_entry,0.25,1,\n"
             "2025-01-30 10:02,s1,ml_entry\n"
             "2025-01-30 10:03,s1,ml_entry,0.125,True,\"\"\n")
    run.end()
    answers = run.output()
    assert [answer["line"] for answer in answers if "error" in answer] == [5]
    assert answers[-1] == {"ack": 6}
    rows = sorted(lake.rows("signals"), key=lambda row: row["timestamp"])
    assert [row["signal_value"] for row in rows] == [0.5, 0.25, 0.125]
    assert [row["acted_upon"] for row in rows] == [False, True, True]
    assert [row["source"] for row in rows] == ['a, "b"\nc', None, ""]


def test_metrics_come_each_interval_and_quiet_has_none(lake):
    run = lake.ingest("signals", "--interval", "1s")
    run.send(signal_rows(range(50)) + "broken\n")
    until(lambda: run.metrics and run.metrics[-1]["committed"] == 51)
    metrics = run.metrics[-1]
    assert metrics["event"] == "metrics" and metrics["lines"] == 51
    assert metrics["accepted"] == metrics["spooled"] == 51
    assert metrics["refused"] == 0 and metrics["quarantined"] == 1
    assert metrics["rss_bytes"] > 1 << 20 and metrics["fds"] > 3 and metrics["lag_s"] == 0
    (table,) = metrics["writer"]["tables"]
    assert table["table"] == "signals" and table["inserted"] == 50
    run.end()
    quiet = lake.ingest("signals", "--interval", "1s", "--quiet")
    quiet.send(signal_rows(range(50)))
    quiet.end()
    assert quiet.said == []


def test_rows_and_bytes_flush_before_the_interval(lake):
    run = lake.ingest("signals", "--interval", "1h", "--max-rows", "100")
    run.send(signal_rows(range(250)))
    until(lambda: len(lake.rows("signals")) > 150)  # fewer than 100 wait, wherever it was sealed
    run.end()
    run = lake.ingest("signals", "--interval", "1h", "--max-bytes", "8KB")
    run.send(signal_rows(range(300, 500)))
    until(lambda: len(lake.rows("signals")) > 250)
    run.end()
    assert len(lake.rows("signals")) == 450


@pytest.mark.parametrize("arguments, part", [
    (("signals", "other"), "one table"),
    (("signals", "--sync", "sometimes"), "neither 'always' nor a time"),
    (("signals", "--interval", "60"), "is not a time such as 60s"),
    (("signals", "--ack=never"), "is not one of accepted|spooled|committed"),
    (("--follow", "."), "no plain file"),
    (("--follow", "a.ndjson", "--follow", "a.ndjson"), "twice"),
    (("--follow", "nowhere/a.ndjson"), "its folder"),
    (("--socket", "x" * 120), "path of a socket"),
    (("--socket", "lake"), "something else is there"),
])
def test_lines_that_make_no_sense(lake, arguments, part):
    done = lake.run("ingest", *arguments, stdin="")
    assert done.returncode in (2, 5), done.stderr
    assert part in done.stderr


def test_a_table_that_is_not_there_is_said_at_once(lake):
    done = lake.run("ingest", "nope", stdin=signal_row(1))
    assert done.returncode == 5 and "nope" in done.stderr


def test_a_table_without_a_key_is_refused_at_once(lake):
    lake.ok("create", "log", "--schema", "a int")
    done = lake.run("ingest", "log", stdin='{"a": 1}\n')
    assert done.returncode == 2 and "has no key" in done.stderr and "varve append" in done.stderr


@pytest.mark.parametrize("line", ['{"table":"sginals"}', '{"table":"signals",', "no JSON"])
def test_a_line_that_nobody_keeps_is_told_to_the_quiet_as_well(lake, line):
    done = subprocess.run([PROGRAM, "--lake", lake.path, "ingest", "--quiet"], text=True,
                          input="\n" + line + "\n", timeout=120, capture_output=True)
    assert done.returncode == 0
    (said,) = done.stderr.splitlines()
    assert said.startswith("varve: stdin, line 2: refused: ")


def test_the_quiet_are_told_how_many_more(lake):
    done = subprocess.run([PROGRAM, "--lake", lake.path, "ingest", "--quiet"], text=True,
                          input='{"table":"sginals"}\n' * 100, timeout=120, capture_output=True)
    said = done.stderr.splitlines()
    assert len(said) == 11 and "90 further rows were refused" in said[-1]


@pytest.fixture
def ahead(lake):
    """A row of a time that the clock comes to in many years, written by a clock that was wrong."""
    lake.ok("create", "t", "--schema", "k string not null, x int, o timestamp", "--key", "k",
            "--order-by", "o")
    lake.ok("upsert", "t", "-", "--input-format", "csv", stdin="k,x,o\na,1,2099-01-01T00:00:00Z\n")
    return lake


def feed_in_flushes(lake, lines, *arguments):
    run = lake.ingest("t", "--ack", "committed", "--interval", "50ms", "--json", *arguments)
    for number, line in enumerate(lines, start=1):
        run.send(line + "\n")
        until(lambda: json.loads(run.process.stdout.readline()).get("ack") == number)
    return run.end()


def test_a_row_that_loses_to_a_time_ahead_of_the_clock_is_told_once(ahead):
    run = feed_in_flushes(ahead, ['{"k":"a","x":%d}' % number for number in range(2, 6)])
    [said] = [line for line in run.messages if "dropped as stale" in line]
    assert "table t: 1 row was dropped as stale" in said and "2099-01-01T00:00:00" in said
    (summary,) = run.output()
    assert (summary["stale"], summary["updated"]) == (4, 0)
    assert [row["x"] for row in ahead.rows("t")] == [1]


def test_what_is_stale_by_its_own_time_or_with_quiet_is_no_warning(ahead):
    run = feed_in_flushes(ahead, ['{"k":"a","x":2,"o":"2025-01-01T00:00:00Z"}'])
    assert not run.heard("dropped as stale") and run.output()[0]["stale"] == 1
    run = feed_in_flushes(ahead, ['{"k":"a","x":3}'], "--quiet")
    assert run.messages == [] and run.output()[0]["stale"] == 1
    run = feed_in_flushes(ahead, ['{"k":"b","x":3}'])  # of no other key
    assert not run.heard("dropped as stale") and run.output()[0]["inserted"] == 1


def test_rows_beside_one_with_a_time_of_its_own_are_not_blamed(ahead):
    """Of such a batch nobody knows which ones were stale; and the time of a stale one is no fault of the clock."""
    run = ahead.ingest("t", "--ack", "committed", "--interval", "1h", "--json")
    run.send('{"k":"a","x":2,"o":"2025-01-01T00:00:00Z"}\n{"k":"c","x":1}\n')
    run.end()
    assert not run.heard("dropped as stale")
    summary = run.output()[-1]
    assert (summary["stale"], summary["inserted"]) == (1, 1)
