"""A batch whose commit was not made comes again when the rules are others: no row of it is nowhere."""

import json

import pytest

ROWS = [(1, -1), (2, 50), (3, 3)]


@pytest.fixture
def table(varve):
    varve.ok("create", "t", "--schema", "id int not null, v int, w string", "--key", "id",
             "--check", "pos: v > 0")
    return varve


# It dies behind the rows that are set aside, before the commit.
DIES = {"VARVE_TEST_SEAMS": "crash=commit.before_put:1"}


def kept(table):
    return sorted((int(row["values"]["id"]), row["rule"].split(" ")[1])
                  for row in table.rows("quarantine", "show", "t"))


def test_an_upsert(table):
    text = "id,v\n" + "".join(f"{i},{v}\n" for i, v in ROWS)
    command = ["upsert", "t", "-", "--quarantine", "--app-id", "bot", "--app-version", "7", "--json"]
    assert table.run(*command, stdin=text, env=DIES).returncode != 0
    assert kept(table) == [(1, "pos")]
    table.ok("alter", "t", "add-constraint", "small", "v < 10")
    result = json.loads(table.ok(*command, stdin=text))
    assert (result["inserted"], result["rejected"]) == (1, 2)
    assert kept(table) == [(1, "pos"), (2, "small")]
    assert json.loads(table.ok(*command, stdin=text))["already_applied"]
    assert kept(table) == [(1, "pos"), (2, "small")]
    table.ok("alter", "t", "drop-constraint", "small")
    table.ok("quarantine", "release", "t")
    assert table.rows("query", "SELECT id, v FROM t ORDER BY id") == [{"id": 2, "v": 50}, {"id": 3, "v": 3}]
    assert kept(table) == [(1, "pos")]


def test_the_rows_of_a_spool(table):
    lines = "".join(json.dumps({"table": "t", "id": i, "v": v, "w": ',"reasons":['}) + "\n" for i, v in ROWS)
    done = table.run("ingest", stdin=lines, env=DIES)
    assert done.returncode != 0
    assert kept(table) == [(1, "pos")]
    table.ok("alter", "t", "add-constraint", "small", "v < 10")
    assert "3 rows flushed" in table.run("spool", "flush").stderr
    assert table.rows("query", "SELECT id FROM t") == [{"id": 3}]
    assert kept(table) == [(1, "pos"), (2, "small")]


def test_a_batch_that_was_dropped_meanwhile_or_is_damaged(table):
    text = "id,v\n" + "".join(f"{i},{v}\n" for i, v in ROWS)
    command = ["upsert", "t", "-", "--quarantine", "--app-id", "bot", "--app-version", "7"]
    assert table.run(*command, stdin=text, env=DIES).returncode != 0
    [file] = (table.table("t") / "_varve" / "quarantine").glob("*")
    file.write_text("nonsense\n")
    table.ok(*command, stdin=text)
    file.unlink()
    assert kept(table) == [(1, "pos")]


@pytest.mark.parametrize("more", ["", "4,-1\n"], ids=["none", "another"])
def test_rows_that_the_batch_has_in_the_end_are_in_quarantine_no_more(table, more):
    text = "id,v\n" + "".join(f"{i},{v}\n" for i, v in ROWS)
    command = ["upsert", "t", "-", "--quarantine", "--app-id", "bot", "--app-version"]
    assert table.run(*command, "70", stdin="id,v\n9,-9\n", env=DIES).returncode != 0  # of another batch
    for constraint in ("", "small"):
        if constraint:
            table.ok("alter", "t", "add-constraint", "small", "v < 10")
        assert table.run(*command, "7", stdin=text + more, env=DIES).returncode != 0
    assert kept(table) == sorted([(1, "pos"), (2, "small"), (9, "pos")] + ([(4, "pos")] if more else []))
    table.ok("alter", "t", "drop-constraint", "small")
    table.ok("alter", "t", "drop-constraint", "pos")
    if more:
        table.ok("alter", "t", "add-constraint", "four", "id <> 4")
    table.ok(*command, "7", stdin=text + more)
    assert [row["id"] for row in table.rows("query", "SELECT id FROM t ORDER BY id")] == [1, 2, 3]
    # Of a row that is set aside still the reasons of the first time stay.
    assert kept(table) == ([(4, "pos")] if more else []) + [(9, "pos")]


@pytest.mark.parametrize("more", ["", "4,-1\n"], ids=["none", "another"])
def test_that_is_so_where_the_first_attempt_s_file_was_dropped(table, more):
    text = "id,v\n" + "".join(f"{i},{v}\n" for i, v in ROWS)
    command = ["upsert", "t", "-", "--quarantine", "--app-id", "bot", "--app-version", "7"]
    for constraint in ("", "small"):
        if constraint:
            table.ok("alter", "t", "add-constraint", "small", "v < 10")
        assert table.run(*command, stdin=text, env=DIES).returncode != 0
    first = min((row["id"] for row in table.rows("quarantine", "list", "t")), key=len)
    table.ok("quarantine", "drop", "t", first, "--yes")
    assert kept(table) == [(2, "small")]
    table.ok("alter", "t", "drop-constraint", "small")
    table.ok("alter", "t", "drop-constraint", "pos")
    if more:
        table.ok("alter", "t", "add-constraint", "four", "id <> 4")
    table.ok(*command, stdin=text + more)
    assert [row["id"] for row in table.rows("query", "SELECT id FROM t ORDER BY id")] == [1, 2, 3]
    assert kept(table) == ([(4, "four")] if more else [])
