"""An Arrow stream on stdin: batches are taken as they come, and what is wrong with it is said."""

import json
import signal
import struct

import pyarrow as pa
import pytest
from conftest import expected, signal_rows, until

SCHEMA = pa.schema([("timestamp", pa.timestamp("us", "UTC")), ("strategy_id", pa.string()),
                    ("signal_type", pa.dictionary(pa.int8(), pa.string())),
                    ("signal_value", pa.float64()), ("acted_upon", pa.bool_())])
BASE = 1738195200000000


def batch(numbers):
    numbers = list(numbers)
    kinds = pa.DictionaryArray.from_arrays(pa.array([0] * len(numbers), pa.int8()),
                                           pa.array(["ml_entry"]))
    return pa.record_batch([
        pa.array([BASE + number * 1000000 for number in numbers], SCHEMA[0].type),
        pa.array(["s1"] * len(numbers)), kinds,
        pa.array([number / 1000000 for number in numbers]),
        pa.array([False] * len(numbers))], schema=SCHEMA)


class Stream:
    """What a writer of Arrow sends, batch by batch."""

    def __init__(self, run, options=None):
        self.run = run
        self.sink = pa.BufferOutputStream()
        self.bytes = bytearray()
        self.writer = pa.ipc.new_stream(self, SCHEMA, options=options)

    closed = False

    def write(self, data):
        self.bytes += bytes(data)
        return len(data)

    def flush(self):
        pass

    def close(self):
        pass

    def writable(self):
        return True

    readable = seekable = lambda self: False

    def send(self, numbers, cut=None):
        self.writer.write_batch(batch(numbers))
        data = bytes(self.bytes[:cut])
        self.bytes.clear()
        self.run.send(data)

    def end(self):
        self.writer.close()
        self.run.send(bytes(self.bytes))


def start(lake, *arguments):
    return lake.ingest("signals", "--input-format", "arrow", *arguments)


@pytest.mark.parametrize("compression", [None, "zstd"])
def test_batches_are_in_the_table_before_the_stream_ends(lake, compression):
    run = start(lake, "--interval", "50ms", "--json")
    stream = Stream(run, pa.ipc.IpcWriteOptions(compression=compression))
    stream.send(range(100))
    until(lambda: lake.values() == expected(range(100)))
    stream.send(range(100, 5000))
    stream.end()
    (summary,) = run.end().output()
    assert (summary["rows_in"], summary["inserted"]) == (5000, 5000)
    assert lake.values() == expected(range(5000))


def test_a_stream_without_its_end_mark_ends_with_its_input(lake):
    run = start(lake)
    Stream(run).send(range(10))
    run.end()
    assert lake.values() == expected(range(10))


def test_a_stream_that_is_cut_keeps_the_batches_before(lake):
    run = start(lake)
    stream = Stream(run)
    stream.send(range(10))
    stream.send(range(10, 20), cut=-40)
    run.end(3)
    assert run.heard("stops before its end mark")
    assert lake.values() == expected(range(10))


def test_a_signal_takes_what_has_come(lake):
    run = start(lake, "--interval", "1h")
    stream = Stream(run)
    stream.send(range(10))
    until(lambda: lake.spool()["rows_waiting"] == 10)
    stream.send(range(10, 20))
    run.signal(signal.SIGTERM)
    assert run.process.wait(timeout=60) == 0, run.said
    assert lake.values() == expected(range(20))


def test_a_full_spool_makes_the_stream_wait(lake):
    run = start(lake, "--max-spool", "256KB", "--interval", "1h", "--json")
    stream = Stream(run)
    for first in range(0, 20000, 1000):
        stream.send(range(first, first + 1000))
    stream.end()
    run.end()
    assert len(lake.rows("signals")) == 20000


def test_rows_that_break_a_rule_are_set_aside(lake):
    run = start(lake, "--json")
    stream = Stream(run)
    stream.send([1, 2000000, 3])  # a value of 2 is none
    stream.end()
    (summary,) = run.end().output()
    assert (summary["inserted"], summary["quarantined"]) == (2, 1)


@pytest.mark.parametrize("level", ["accepted", "spooled", "committed"])
def test_each_batch_is_acknowledged(lake, level):
    run = start(lake, "--ack", level, "--interval", "50ms")
    stream = Stream(run)
    stream.send(range(100))
    first = {"ack": 1, "rows": 100, "first_sequence": 1, "last_sequence": 100}
    assert json.loads(run.process.stdout.readline()) == first
    if level == "committed":
        assert lake.values() == expected(range(100))
    stream.send([])
    stream.send(range(100, 103))
    stream.end()
    assert run.end().output() == [
        {"ack": 2, "rows": 0}, {"ack": 3, "rows": 3, "first_sequence": 101, "last_sequence": 103}]
    assert lake.values() == expected(range(103))


def test_an_acknowledged_batch_survives_a_kill(lake):
    run = start(lake, "--ack", "accepted", "--interval", "1h")
    Stream(run).send(range(1000))
    assert json.loads(run.process.stdout.readline())["last_sequence"] == 1000
    run.kill()
    lake.ok("spool", "flush")
    assert lake.values() == expected(range(1000))


def test_a_row_that_is_set_aside_is_told_before_its_batch(lake):
    run = start(lake, "--ack", "committed")
    stream = Stream(run)
    stream.send([7])
    stream.send([1, 2000000, 3])
    stream.end()
    answers = run.end().output()
    refused = next(answer for answer in answers if "error" in answer)
    assert (refused["batch"], refused["row"], refused["sequence"]) == (2, 2, 3)
    assert "signal_value = 2" in refused["error"] and refused["code"] == "INVALID_DATA"
    assert answers.index(refused) < next(i for i, one in enumerate(answers) if one.get("ack") == 2)


def file_bytes():
    sink = pa.BufferOutputStream()
    with pa.ipc.new_file(sink, SCHEMA) as writer:
        writer.write_batch(batch(range(3)))
    return sink.getvalue().to_pybytes()


@pytest.mark.parametrize("data, status, part", [
    (b"", 3, "stops before its end mark"), (b"timestamp,symbol\n1,2\n", 3, "no Arrow IPC"),
    (b"\xff\xff\xff\xff\xff\xff\xff\x7f", 3, "broken Arrow IPC"),
    (struct.pack("<II", 0xFFFFFFFF, 64) + b"x" * 64, 3, "is no message"),
    ("a file", 7, "write a stream"), (signal_rows(range(3)).encode(), 3, "no Arrow IPC")])
def test_what_is_no_stream_is_refused(lake, data, status, part):
    run = start(lake)
    run.send(file_bytes() if data == "a file" else data)
    run.end(status)
    assert run.heard(part), run.said
    assert not lake.rows("signals")


@pytest.mark.parametrize("arguments, part", [
    (("--input-format", "arrow"), "name the table"),
    (("signals", "--input-format", "arrow", "--follow", "x"), "without --socket and --follow")])
def test_what_needs_lines_is_refused(lake, arguments, part):
    done = lake.run("ingest", *arguments, stdin="")
    assert done.returncode == 2 and part in done.stderr
