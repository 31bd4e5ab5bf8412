"""The first line of CSV is held against the table at once, as an upsert does: under a wrong one no row is good."""

import signal

import pytest
from conftest import Client, until

GOOD = "timestamp,strategy_id,signal_type,signal_value,acted_upon\n"
ROW = "2025-01-30T10:00:0{0}Z,s,ml_entry,0.{0},false\n"
BAD = {
    "no key column": (GOOD.replace(",signal_type", ",source"), 'column "signal_type" is absent, and it is part of'),
    "no column that is not null": (GOOD.replace("acted_upon", "source"), 'column "acted_upon" is absent, and it is NOT NULL'),
    "unknown column": (GOOD.replace("signal_value", "colour"), 'the table has no column "colour"'),
    "blanks": (GOOD.replace(",strategy", ", strategy"), "take the blanks around the name out"),
    "semicolons": (GOOD.replace(",", ";"), "parted by semicolons"),
    "twice": (GOOD.replace("signal_value", "Signal_type"), "in the header twice"),
    "blank": ("\n", "column 1 has no name"),
    "too long": (GOOD.replace("timestamp", "t" * 9000), "longer than 8192 bytes"),
}


@pytest.mark.parametrize("name", BAD)
@pytest.mark.parametrize("ack", [[], ["--ack"]])
def test_it_ends_the_run_before_any_row_is_taken(lake, name, ack):
    header, part = BAD[name]
    run = lake.ingest("signals", "--input-format", "csv", "--max-line", "8KiB", *ack)
    run.send(header + ROW.format(1) + ROW.format(2))
    run.end(status=9 if name == "too long" else 3)
    answers = run.output()
    assert run.messages[-1].startswith("varve: stdin: ") and part in run.messages[-1]
    assert [answer["line"] for answer in answers if "error" in answer] == ([1] if ack else [])
    assert answers[-1:] == ([{"ack": 1}] if ack else [])
    assert run.metrics[-1]["accepted"] == 0 and run.metrics[-1]["refused"] == 1
    assert lake.ok("quarantine", "list", "signals", "--format", "ndjson") == ""


@pytest.mark.parametrize("name", sorted(set(BAD) - {"too long", "blank", "semicolons", "twice"}))
def test_an_upsert_says_the_same(lake, name):
    (lake.folder / "stdin").write_text(BAD[name][0])
    done = lake.run("upsert", "signals", "stdin", "--input-format", "csv")
    run = lake.ingest("signals", "--input-format", "csv")
    run.send(BAD[name][0])
    run.end(status=done.returncode)
    assert run.messages[-1] == done.stderr.splitlines()[-1]


def test_what_an_upsert_fills_in_need_not_be_there(lake):
    lake.ok("create", "t", "--schema", "k bigint not null, at timestamp not null, d int not null default 7, s string",
            "--key", "k", "--order-by", "at", "--property", "delta.feature.allowColumnDefaults=supported")
    run = lake.ingest("t", "--input-format", "csv")
    run.send("K\n1\n")
    run.end()
    assert [(row["k"], row["d"]) for row in lake.rows("t")] == [(1, 7)]


def test_a_column_that_says_whose_rows_they_are(lake):
    lake.ok("create", "t", "--schema", '"table" string not null, k bigint not null', "--key", "k")
    head, row = "table,k\n", "signals,1\n"
    run = lake.ingest("t", "--input-format", "csv")
    run.send(head + row)  # here it is a column like others
    run.end()
    assert lake.rows("t") == [{"table": "signals", "k": 1}]
    run = lake.ingest("t", "--input-format", "csv")
    run.send("k\n1\n")
    run.end(status=3)
    run = lake.ingest("signals", "--input-format", "csv")
    run.send('"table",' + GOOD + "signals," + ROW.format(1))
    run.end()
    assert lake.values() == [0.1]
    run = lake.ingest("--input-format", "csv")
    run.send("table," + GOOD + "signals," + ROW.format(2) + "nowhere," + ROW.format(3))
    run.end()
    assert lake.values() == [0.1, 0.2]
    run = lake.ingest("--input-format", "csv")
    run.send(GOOD + ROW.format(4))
    run.end(status=3)
    assert 'no column "table"' in run.messages[-1]


def test_a_client_is_told_and_let_go_and_the_others_go_on(lake):
    run, path = lake.serve("signals", "--input-format", "csv", "--ack", "committed", "--interval", "50ms")
    good, bad = Client(path), Client(path)
    good.send(GOOD + ROW.format(1))
    bad.send(BAD["no key column"][0])
    assert bad.answer() == {"line": 1, "code": "INVALID_DATA",
                            "error": 'the header: column "signal_type" is absent, and it is part of the table\'s key'}
    assert bad.answer() == {"ack": 1}
    assert bad.answer() is None
    good.send(ROW.format(2))
    good.until_ack(3)
    run.signal(signal.SIGTERM)
    run.end()
    assert lake.values() == [0.1, 0.2]


def test_a_client_may_send_another_header_once_the_table_was_altered(lake):
    run, path = lake.serve("signals", "--input-format", "csv", "--ack", "committed", "--interval", "50ms")
    sent = GOOD.replace("signal_value", "colour") + "2025-01-30T10:00:00Z,s,ml_entry,red,false\n"
    for fits in (False, True):
        client = Client(path)
        client.send(sent)
        assert ("error" in client.answer()) is not fits
        client.close()
        if not fits:
            lake.ok("alter", "signals", "add-column", "colour string")
    run.signal(signal.SIGTERM)
    run.end()
    assert [row["colour"] for row in lake.rows("signals")] == ["red"]


def test_a_followed_file_stays_where_it_is(lake):
    """Nothing of it is lost: once the table has the column, the next run reads it whole."""
    log = lake.folder / "feed.csv"
    log.write_text(GOOD.replace("signal_value", "colour") + "2025-01-30T10:00:00Z,s,ml_entry,red,false\n")
    for _ in range(2):
        run = lake.ingest("signals", "--follow", log, "--input-format", "csv", stdin=None)
        run.end(status=3)
        assert run.messages[-1].startswith(f'varve: {log}: the table has no column "colour"')
    lake.ok("alter", "signals", "add-column", "colour string")
    run = lake.ingest("signals", "--follow", log, "--input-format", "csv", "--interval", "50ms", stdin=None)
    until(lambda: lake.rows("signals"))
    with log.open("a") as more:
        more.write("2025-01-30T10:00:01Z,s,ml_entry,blue,false\n")
    until(lambda: len(lake.rows("signals")) == 2)
    run.signal(signal.SIGTERM)
    run.end()
    # And behind its first line, too, where the table lost the column meanwhile.
    lake.ok("alter", "signals", "drop-column", "colour", "--upgrade")
    run = lake.ingest("signals", "--follow", log, "--input-format", "csv", stdin=None)
    run.end(status=3)
    assert run.messages[-1].startswith(f'varve: {log}: the table has no column "colour"')
    assert lake.ok("quarantine", "list", "signals", "--format", "ndjson") == ""


def test_a_file_that_was_rotated_meanwhile_is_the_one_that_is_named(lake):
    """It is gone on with where it was left, and there is none once it is taken away."""
    log, rotated = lake.folder / "feed.csv", lake.folder / "feed.csv.1"
    log.write_text(BAD["no key column"][0] + ROW.format(1))
    run = lake.ingest("signals", "--follow", "feed.csv", "--input-format", "csv", stdin=None)
    run.end(status=3)
    assert run.messages[-1].startswith(f"varve: {log}: ")
    log.rename(rotated)
    log.write_text(GOOD + ROW.format(2))
    run = lake.ingest("signals", "--follow", "feed.csv", "--input-format", "csv", stdin=None)
    run.end(status=3)
    assert run.messages[-1].startswith(f"varve: {rotated}: ")
    rotated.unlink()
    run = lake.ingest("signals", "--follow", "feed.csv", "--input-format", "csv", "--interval", "50ms", stdin=None)
    until(lambda: lake.values() == [0.2])
    run.signal(signal.SIGTERM)
    run.end()


def test_a_file_that_takes_the_place_of_another_has_its_own(lake):
    log = lake.folder / "feed.csv"
    log.write_text(GOOD + ROW.format(1))
    run = lake.ingest("signals", "--follow", log, "--input-format", "csv", "--interval", "50ms", stdin=None)
    until(lambda: lake.values() == [0.1])
    log.rename(log.with_name("feed.csv.1"))
    log.write_text(BAD["no key column"][0] + ROW.format(2))
    run.end(status=3)
    log.write_text(GOOD + ROW.format(3))
    run = lake.ingest("signals", "--follow", log, "--input-format", "csv", "--interval", "50ms", stdin=None)
    until(lambda: lake.values() == [0.1, 0.3])
    run.signal(signal.SIGTERM)
    run.end()


def test_that_rows_could_not_be_flushed_hides_no_bad_header(lake):
    lake.ok("create", "b", "--schema", "k bigint not null", "--key", "k")
    run = lake.ingest("b", "--ack=spooled", "--interval", "60s")
    run.send('{"k":1}\n')
    until(lambda: run.metrics or run.process.stdout.readline())
    run.process.kill()
    run.process.wait()
    (lake.folder / "lake" / "b" / "_delta_log" / f"{1:020}.json").write_text("garbage\n")
    run = lake.ingest("signals", "--input-format", "csv", "--patience", "1s")
    run.send(BAD["unknown column"][0])
    run.end(status=6)
    assert 'the table has no column "colour"' in run.messages[-1]
    assert "ended without everything flushed: 1 row stays" in run.messages[-1]
