"""A row that can't be written is set aside, and the rows behind it arrive with the same flush."""

import json
import signal

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


def test_rows_that_fail_the_upsert_as_a_whole_are_found_and_set_aside(lake):
    lake.ok("create", "t", "--schema", "k string not null, v int", "--key", "k", "--property", "delta.appendOnly=true")
    lake.ok("upsert", "t", "-", "--input-format", "ndjson", stdin='{"k":"a5","v":0}\n{"k":"a7","v":0}\n')
    run = lake.ingest("t", "-", "--interval", "1h", "--json")
    send(run, *[{"k": f"a{n}", "v": 1} for n in range(30)], {"k": "bad", "v": "x"})
    (summary,) = run.end().output()
    assert (summary["inserted"], summary["quarantined"], summary["retries"]) == (28, 3, 0)
    assert {row["k"] for row in rows_of(lake, "t", "k, v") if row["v"] == 0} == {"a5", "a7"}
    shown = [json.loads(line) for line in lake.ok("quarantine", "show", "t", "--format", "ndjson").splitlines()]
    shown.sort(key=lambda row: row["row"])
    assert [(row["row"], row["values"], row["column"]) for row in shown] == [
        (6, {"k": "a5", "v": "1"}, "varve.line"), (8, {"k": "a7", "v": "1"}, "varve.line"),
        (31, {"k": "bad", "v": "x"}, "v")]
    assert all("fails the upsert: table t is append-only" in row["rule"] for row in shown[:2])
    # They are whole: once the table takes such rows, they are released.
    assert lake.run("quarantine", "release", "t").returncode == 2
    lake.ok("alter", "t", "set", "delta.appendOnly=false")
    assert "2 updated" in lake.run("quarantine", "release", "t").stderr
    assert [row["v"] for row in rows_of(lake, "t", "k, v")] == [1] * 30


def test_what_fails_without_any_row_is_no_matter_of_rows(lake):
    lake.ok("create", "t", "--schema", "k string not null, v int", "--key", "k")
    run = lake.ingest("t", "-", "--interval", "1h", "--patience", "300ms")
    send(run, {"k": "a", "v": 1})
    until(lambda: lake.spool()["rows_waiting"] == 1)
    lake.ok("alter", "t", "unset", "varve.key")
    run.end(2)
    assert run.heard("1 row stays in the spool")
    assert "nothing in quarantine" in lake.run("quarantine", "list", "t").stderr
    lake.ok("alter", "t", "set", "varve.key=k")
    lake.ok("spool", "flush")
    assert rows_of(lake, "t", "k, v") == [{"k": "a", "v": 1}]


@pytest.mark.slow
def test_a_search_that_found_too_many_is_not_repeated_before_the_table_has_changed(lake):
    """It takes thousands of trials: once, and not at every attempt."""
    keys = [f"a{number}" for number in range(1002)]
    lake.ok("create", "t", "--schema", "k string not null, v int", "--key", "k", "--property", "delta.appendOnly=true")
    lake.ok("upsert", "t", "-", "--input-format", "ndjson", stdin="".join(f'{{"k":"{k}","v":0}}\n' for k in keys))
    run = lake.ingest("t", "-", "--interval", "1h", "--verbose")
    send(run, *[{"k": k, "v": 1} for k in keys])
    until(lambda: lake.spool()["rows_waiting"] == len(keys))
    run.signal(signal.SIGHUP)

    def heard(what):
        return sum(what in line for line in run.messages)

    until(lambda: heard("writer.text") >= 4)
    assert heard("writer.search") == 1 and heard("each of more than 1000 rows: table t is append-only")
    lake.ok("upsert", "t", "-", "--input-format", "ndjson", stdin='{"k":"b","v":1}')
    until(lambda: heard("writer.search") == 2)
    attempts = heard("writer.text")
    until(lambda: heard("writer.text") > attempts)  # so that the search has ended: it judges by what holds meanwhile
    lake.ok("alter", "t", "set", "delta.appendOnly=false")
    run.end()
    assert {row["v"] for row in rows_of(lake, "t", "k, v")} == {1}
