"""A row that can't be written is set aside, and the rows behind it arrive with the same flush."""

import json

import pytest
from conftest import until


def send(run, *rows):
    run.send("".join(json.dumps(row) + "\n" for row in rows))


def rows_of(lake, table, columns):
    text = lake.ok("query", f"SELECT {columns} FROM {table} ORDER BY k", "--format", "ndjson")
    return [json.loads(line) for line in text.splitlines()]


@pytest.mark.parametrize("last", [True, False])
def test_an_order_value_that_can_not_follow_the_stored_one(lake, last):
    first = 2147483647 if last else 4
    lake.ok("create", "t", "--schema", "k string not null, v int, o int", "--key", "k", "--order-by", "o",
            *([] if last else ["--check", "c: o is null or o < 5"]))
    run = lake.ingest("t", "-", "--interval", "50ms")
    send(run, {"k": "a", "v": 1, "o": first})
    until(lambda: rows_of(lake, "t", "k"))
    send(run, {"k": "a", "v": 2}, {"k": "b", "v": 2})
    run.end()
    assert rows_of(lake, "t", "k, v, o") == [{"k": "a", "v": 1, "o": first}, {"k": "b", "v": 2, "o": None}]
    assert "no o" in lake.ok("quarantine", "show", "t") or "brings none" in lake.ok("quarantine", "show", "t")


def test_a_partition_that_no_folder_can_be_called_after(lake):
    lake.ok("create", "t", "--schema", "k string not null, p string", "--key", "k", "--partition-by", "p")
    run = lake.ingest("t", "-", "--interval", "50ms")
    long = "/x" * 200
    send(run, {"k": "a", "p": long}, {"k": "b", "p": "short"})
    run.end()
    assert rows_of(lake, "t", "k, p") == [{"k": "a", "p": long}, {"k": "b", "p": "short"}]
    lake.ok("upsert", "t", "-", "--input-format", "ndjson", stdin=json.dumps({"k": "a", "p": "short"}))
    assert rows_of(lake, "t", "k, p") == [{"k": "a", "p": "short"}, {"k": "b", "p": "short"}]
    lake.ok("verify", "t", "--deep", "--strict")
