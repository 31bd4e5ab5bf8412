"""The end of a stream: each line is acknowledged or refused once, under its own number."""

import signal
import socket

import pytest
from conftest import Client, signal_row

HEADER = "timestamp,strategy_id,signal_type,signal_value,acted_upon,ingested_at\n"
ROW = "2025-01-30T14:30:0{0}Z,s,ml_entry,0.5,false,2025-01-30T14:31:00Z\n"
TAILS = ['2025-01-30T14:30:09Z,"s,ml_entry,0.5\n', '2025-01-30T14:30:09Z,"s,ml_entry,0.5',
         '2025-01-30T14:30:09Z,"s\nml_entry,0.5\n']


@pytest.mark.parametrize("tail", TAILS)
def test_a_quote_that_is_never_closed_on_stdin(lake, tail):
    run = lake.ingest("signals", "--input-format", "csv", "--ack")
    run.send(HEADER + ROW.format(1) + ROW.format(2) + tail)
    run.end()
    answers = run.output()
    lines = 3 + tail.rstrip("\n").count("\n") + 1
    assert answers[-1] == {"ack": lines}
    assert [answer["line"] for answer in answers if "error" in answer] == list(range(4, lines + 1))


@pytest.mark.parametrize("form,sent,line,last", [
    ("csv", HEADER + ROW.format(1) + TAILS[0], 3, 3),
    ("csv", HEADER + ROW.format(1) + TAILS[2], 3, 4),
    ("ndjson", signal_row(1) + signal_row(2)[:-20], 2, 2)])
def test_a_line_that_a_connection_ends_within_is_refused_once(lake, form, sent, line, last):
    run, path = lake.serve("signals", "--ack", "--input-format", form)
    client = Client(path)
    client.send(sent)
    client.socket.shutdown(socket.SHUT_WR)
    answers = client.until_ack(last)
    assert [answer["line"] for answer in answers if "error" in answer] == [line]
    assert answers[-1] == {"ack": last}
    assert client.answer() is None
    run.signal(signal.SIGTERM)
    run.end()
