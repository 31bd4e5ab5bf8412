"""A table that can't be read when its first row comes: its rows wait, and those of others do not."""

import signal

import pytest
from conftest import expected, signal_row, signal_rows, until


@pytest.fixture
def sick(lake):
    """signals, its newest commit empty; gives what mends it."""
    run = lake.ingest("signals")
    run.send(signal_rows(range(3)))
    run.end()
    newest = sorted((lake.path / "signals" / "_delta_log").glob("*.json"))[-1]
    text = newest.read_bytes()
    newest.write_bytes(b"")
    return lambda: newest.write_bytes(text)


REGIME = ('{"table":"market_regimes","timestamp":"2025-01-30T12:00:00Z","symbol":"SPY",'
          '"regime":"neutral_low","confidence":0.5}\n')


def rows_of_two(numbers):
    return "".join(signal_row(number).replace("{", '{"table":"signals",', 1) for number in numbers)


def test_rows_from_stdin_wait_in_the_spool_for_a_table_that_is_damaged(lake, sick):
    run = lake.ingest("--ack", "--interval", "50ms", "--patience", "1s")
    run.send(rows_of_two(range(3, 13)) + REGIME)
    until(lambda: len(lake.rows("market_regimes")) == 1)
    run.end(status=6)
    assert run.heard("rows stay in the spool") and run.metrics[-1]["refused"] == 0
    sick()
    lake.ingest("signals").end()
    assert lake.values() == expected(range(13))


def test_rows_of_a_file_wait_for_a_table_that_is_damaged(lake, sick, tmp_path):
    log = tmp_path / "feed.ndjson"
    log.write_text(rows_of_two(range(3, 13)))
    run = lake.ingest("--follow", log, "--interval", "50ms", "--patience", "1s")
    until(lambda: lake.spool()["rows_waiting"] == 10)
    sick()
    until(lambda: len(lake.rows("signals")) == 13)
    run.signal(signal.SIGTERM)
    run.end()
    assert lake.values() == expected(range(13)) and run.metrics[-1]["refused"] == 0


def test_lines_that_can_not_be_taken_at_all_end_it_with_the_cause(lake):
    """Nothing waits in the spool whose flush would make room, and no segment can be made."""
    run = lake.ingest("signals", "--max-bytes", "64KB", "--max-spool", "256KB", "--interval", "50ms",
                      "--patience", "500ms", env={"VARVE_TEST_SEAMS": "fail=journal.allocate:3+"})
    run.send(signal_rows(range(700)))
    until(lambda: run.heard("no row is taken for now"))
    run.signal(signal.SIGTERM)
    run.end(status=8, seconds=60)
    assert run.heard("lines that came are not taken")
    values = lake.values()
    assert values == expected(range(len(values))) and len(values) < 700


def test_what_is_no_table_never_waits_in_the_spool(lake):
    """A name that is too long for a folder, and one of a file: nobody keeps such a line."""
    (lake.path / "notes").write_text("")
    run = lake.ingest("--ack")
    for name in ("x" * 300, "notes"):
        run.send(f'{{"table":"{name}","k":1}}\n')
    run.send(rows_of_two([1]))
    run.end()
    assert run.metrics[-1]["refused"] == 2 and run.metrics[-1]["rows_waiting"] == 0
    assert lake.values() == expected([1])


@pytest.mark.parametrize("seams", ["fail=journal.map:4+", "fail=journal.sync:4+"])
def test_a_spool_that_is_never_sealed_ends_it_with_the_cause(lake, seams):
    """There is no table yet whose flush could fail: the end waited for ever, and a SIGTERM did not end it."""
    run = lake.ingest("signals", "--interval", "1h", "--patience", "1s", env={"VARVE_TEST_SEAMS": seams})
    run.send(signal_rows(range(20)))
    run.end(status=8, seconds=60)
    assert run.heard("20 rows stay in the spool")
    assert sum("can't be sealed" in line for line in run.messages) == 1
    lake.ok("spool", "flush")
    assert lake.values() == expected(range(20))
