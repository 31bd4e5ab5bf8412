"""A row without an order value of its own, where the clock is not ahead of the stored one.

Its value is the one behind the stored one, and what depends on it is judged and computed of that.
"""

import json

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

AHEAD = "2130-12-31T23:59:59.999999Z"
LAST = {"byte": 127, "short": 32767, "int": 2147483647, "long": 9223372036854775807,
        "timestamp": "9999-12-31T23:59:59.999999Z", "timestamp_ntz": "9999-12-31T23:59:59.999999"}


def lines(*rows):
    return "".join(json.dumps(row) + "\n" for row in rows)


def upsert(varve, *arguments, text):
    return varve.run("upsert", "t", "-", "--input-format", "ndjson", "--json", *arguments, stdin=text)


def stored(varve, columns="*"):
    return varve.rows("query", f"SELECT {columns} FROM t ORDER BY k")


@pytest.mark.parametrize("many", [0, 20000])
@pytest.mark.parametrize("bound", ["2131-01-01", "2131-01-02"])
@pytest.mark.parametrize("year", ["", ", y date generated always as (cast(o as date))"])
def test_what_depends_on_it_is_judged_and_computed_of_it(varve, many, bound, year):
    varve.ok("create", "t", "--key", "k", "--order-by", "o", "--check", f"c: o < '{bound}'",
             "--schema", f"k int not null, v int, o timestamp{year}")
    varve.upsert("t", f"k,v,o\n1,1,{AHEAD}\n2,1,2025-01-01T00:00:00Z\n")
    text = "k,v\n1,2\n2,2\n" + "".join(f"{n},2\n" for n in range(3, many))
    done = varve.run("upsert", "t", "-", stdin=text)
    rows = varve.rows("query", "SELECT * FROM t WHERE k < 3 ORDER BY k")
    if bound == "2131-01-02":
        assert done.returncode == 0, done.stderr
        assert [row["v"] for row in rows] == [2, 2] and rows[0]["o"] == "2131-01-01T00:00:00.000000Z"
        if year:
            assert rows[0]["y"] == "2131-01-01"
        return
    assert done.returncode == 3, done.stderr
    assert "rejected, nothing written: row 1 (line 2): o = 2131-01-01 00:00:00+00 breaks c" in done.stderr
    assert "the row brings no o, and has to be later than the stored one, 2130-12-31 23:59:59.999999+00" in done.stderr
    assert varve.version("t") == 1 and [row["v"] for row in rows] == [1, 1]
    aside = varve.upsert("t", text, "--quarantine")
    assert aside["rejected"] == 1 and aside["updated"] == 1
    assert [row["v"] for row in varve.rows("query", "SELECT v FROM t WHERE k < 3 ORDER BY k")] == [1, 2]


@pytest.mark.parametrize("type", ["byte", "short", "int", "long"])
def test_a_check_holds_for_the_value_that_is_made_up(varve, type):
    first = 4 if type != "long" else LAST["long"] - 4
    varve.ok("create", "t", "--key", "k", "--order-by", "o", "--check", f"c: o is null or o < {first + 1} or v = 9",
             "--schema", f"k string not null, v int, o {type}, w {type} generated always as (o)")
    varve.upsert("t", lines({"k": "a", "v": 1, "o": first}))
    for extra in ({}, {"o": None}):
        done = upsert(varve, text=lines({"k": "a", "v": 2, **extra}))
        assert done.returncode == 3 and f"o = {first + 1}, v = 2 breaks c" in done.stderr, done.stderr
    aside = varve.upsert("t", lines({"k": "a", "v": 3}, {"k": "b", "v": 3}), "--quarantine")
    assert (aside["rejected"], aside["inserted"], aside["updated"]) == (1, 1, 0)
    assert stored(varve, "k, v, o, w")[0] == {"k": "a", "v": 1, "o": first, "w": first}
    # Of a key's rows the newest that breaks nothing stays, however many do.
    rows = [{"k": "a", "v": 9}] + [{"k": "a", "v": n} for n in range(20, 60)]
    aside = varve.upsert("t", lines(*rows), "--quarantine")
    assert (aside["rejected"], aside["updated"]) == (40, 1)
    assert stored(varve, "k, v, o, w")[0] == {"k": "a", "v": 9, "o": first + 1, "w": first + 1}


@pytest.mark.parametrize("given", [False, True])
@pytest.mark.parametrize("type", list(LAST))
def test_a_type_without_a_later_value_is_a_fault_of_the_row(varve, type, given):
    varve.ok("create", "t", "--key", "k", "--order-by", "o", "--schema", f"k string not null, v int, o {type}")
    varve.upsert("t", lines({"k": "a", "v": 1, "o": LAST[type]}))
    rows = lines({"k": "a", "v": 2, **({"o": None} if given else {})}, {"k": "b", "v": 2})
    done = upsert(varve, text=rows)
    is_time = type.startswith("timestamp")
    reason = "is not in the years 0001 to 9999; the row brings no o" if is_time else \
        f"o = {LAST[type]} is stored, and the row brings none: no later one is of type {type}"
    assert done.returncode == 3 and "1 of 2 rows rejected" in done.stderr and reason in done.stderr, done.stderr
    varve.upsert("t", rows, "--quarantine")
    assert [row["v"] for row in stored(varve)] == [1, 2]
    shown = varve.rows("quarantine", "show", "t")
    assert len(shown) == 1 and reason in f"o = {shown[0]['value']} {shown[0]['rule']}"


def test_a_rule_that_warns_judges_it_too(varve):
    varve.ok("create", "t", "--key", "k", "--order-by", "o", "--schema", "k int not null, v int, o timestamp",
             "--property", "varve.warn.late=o < '2131-01-01'")
    varve.upsert("t", f"k,v,o\n1,1,{AHEAD}\n")
    done = varve.upsert("t", "k,v\n1,2\n2,2\n")
    assert done["updated"] == 1 and done["rows_warned"] == 1


@pytest.mark.parametrize("type", ["int", "smallint"])
def test_a_default_that_is_behind_gives_way_to_what_follows_the_stored_value(varve, type):
    varve.ok("create", "t", "--key", "k", "--order-by", "o",
             "--schema", f"k string not null, v int, o {type} default 5")
    for number in range(3):
        assert varve.upsert("t", lines({"k": "a", "v": number}))["rejected"] == 0
    assert stored(varve, "k, v, o") == [{"k": "a", "v": 2, "o": 7}]


@pytest.mark.parametrize("type", ["int", "smallint", "tinyint"])
def test_a_new_row_of_a_type_that_takes_no_time_gives_way_to_any_that_brings_a_value(varve, type):
    assert "int and smaller take no" in varve.ok("create", "--help")
    varve.ok("create", "t", "--key", "k", "--order-by", "o", "--schema", f"k int not null, v int, o {type}")
    for row, value in (({"v": 1}, None), ({"v": 2}, None), ({"v": 3, "o": -3}, -3), ({"v": 4}, -2)):
        varve.upsert("t", lines({"k": 1, **row}))
        assert stored(varve) == [{"k": 1, "v": row["v"], "o": value}]
    assert varve.upsert("t", lines({"k": 1, "v": 5, "o": -3}))["stale"] == 1


@pytest.mark.parametrize("form", ["csv", "ndjson", "parquet"])
@pytest.mark.parametrize("between", [False, True])
def test_a_row_rejected_for_it_is_released_with_it(varve, tmp_path, form, between):
    """It was the newest when it came, and is so at its release, unless another one came in between."""
    varve.ok("create", "t", "--key", "k", "--order-by", "o", "--check", "c: o < '2131-01-01'",
             "--schema", "k int not null, v int, o timestamp")
    varve.upsert("t", f"k,v,o\n1,1,{AHEAD}\n2,1,2025-01-01T00:00:00Z\n")
    path = tmp_path / f"rows.{form}"
    if form == "parquet":
        pq.write_table(pa.table({"k": pa.array([1, 2, 3], pa.int32()), "v": pa.array([2, 2, 2], pa.int32())}), path)
    else:
        path.write_text("k,v\n1,2\n2,2\n3,2\n" if form == "csv" else
                        lines({"k": 1, "v": 2, "o": None}, {"k": 2, "v": 2}, {"k": 3, "v": 2}))
    varve.ok("upsert", "t", path, "--quarantine")
    [row] = varve.rows("quarantine", "show", "t")
    assert row["values"] == {"k": "1", "v": "2", "o": "2131-01-01 00:00:00+00"}
    varve.ok("alter", "t", "drop-constraint", "c")
    if between:
        varve.upsert("t", "k,v,o\n1,3,2131-01-01T00:00:00.000001Z\n")
    said = json.loads(varve.ok("quarantine", "release", "t", "--json"))
    assert (said["updated"], said["stale"]) == ((0, 1) if between else (1, 0))
    assert [row["v"] for row in stored(varve)] == [3 if between else 2, 2, 2]
