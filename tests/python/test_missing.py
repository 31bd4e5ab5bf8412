"""What pandas has for a missing value, and bytes, in rows that are dicts: never a text."""

import json
import math

import numpy as np
import pandas as pd
import pytest
import varve

COLUMNS = {"k": "bigint not null", "s": "string", "l": "array<string>",
           "t": "struct<a:string,x:double>",
           "m": "map<string,string>", "d": "double", "f": "float", "i": "int", "day": "date",
           "at": "timestamp", "n": "decimal(9,2)", "bo": "boolean", "b": "binary",
           "lb": "array<binary>", "ld": "array<double>"}
NAN = math.nan


@pytest.fixture
def table(lake):
    lake.create("t", schema=COLUMNS, key="k")
    return lake["t"]


def by_upsert(lake, rows):
    lake["t"].upsert(rows)


def by_append(lake, rows):
    lake["t"].append(rows, allow_duplicates=True)


def by_overwrite(lake, rows):
    lake["t"].overwrite(rows)


def by_merge(lake, rows):
    lake["t"].merge(rows, "t.k = s.k").when_not_matched_insert_all().execute()


def by_put(lake, rows):
    with lake.writer(on_quarantine=lambda table, sequence, row, why: pytest.fail(why)) as writer:
        for row in rows:
            writer.put("t", row)
        writer.flush()


WAYS = [by_upsert, by_append, by_overwrite, by_merge, by_put]


@pytest.mark.parametrize("write", WAYS)
def test_a_missing_string_is_null(lake, table, write):
    frame = pd.DataFrame({"k": [1, 2], "s": ["SPY", np.nan], "d": [1.5, np.nan], "i": [7, np.nan]})
    write(lake, frame.to_dict("records"))
    first, second = lake.query("SELECT k, s, d, i FROM t ORDER BY k").to_dicts()
    assert first == {"k": 1, "s": "SPY", "d": 1.5, "i": 7}
    assert second["s"] is None and second["i"] is None and math.isnan(second["d"])


@pytest.mark.parametrize("write", WAYS)
def test_nan_is_null_in_all_but_floats_at_every_depth(lake, table, write):
    nothing = ("s", "i", "day", "at", "n", "bo", "b")
    write(lake, [{"k": 1, **dict.fromkeys(nothing, NAN), "d": NAN, "f": np.float32("nan"),
                  "l": ["a", NAN], "t": {"a": NAN, "x": NAN}, "m": {"a": NAN, "b": "x"},
                  "lb": [NAN, b"\0"], "ld": [NAN, 1, math.inf, -math.inf]}])
    (row,) = table.scan()
    assert [row[name] for name in nothing] == [None] * len(nothing)
    assert row["l"] == ["a", None] and row["m"] == {"a": None, "b": "x"}
    assert row["lb"] == [None, b"\0"] and row["t"]["a"] is None
    assert math.isnan(row["t"]["x"]) and math.isnan(row["d"]) and math.isnan(row["f"])
    assert math.isnan(row["ld"][0]) and row["ld"][1:] == [1.0, math.inf, -math.inf]


@pytest.mark.parametrize("write", WAYS)
def test_a_text_that_says_so_stays_a_text(lake, table, write):
    write(lake, [{"k": 1, "s": "NaN", "l": ["NaN", "nan"], "m": {"NaN": "Infinity"}}])
    assert table.scan(["s", "l", "m"]).to_dicts() == [
        {"s": "NaN", "l": ["NaN", "nan"], "m": {"NaN": "Infinity"}}]


@pytest.fixture
def keyed(lake):
    lake.create("t", schema={"s": "string", "v": "int"}, key="s")
    lake["t"].upsert([{"s": "NaN", "v": 0}])
    return lake["t"]


@pytest.mark.parametrize("write", [by_upsert, by_put])
def test_a_key_is_not_missing(lake, keyed, write):
    rows = pd.DataFrame({"s": ["SPY", np.nan], "v": [1, 2]}).to_dict("records")
    with pytest.raises(varve.InvalidData, match="s must not be NULL|s has no value"):
        write(lake, rows)
    assert {"s": "NaN", "v": 0} in keyed.scan().to_dicts()
    assert keyed.scan(where="v = 2").to_dicts() == []


def test_a_missing_key_of_a_source_matches_no_row(keyed):
    merge = keyed.merge([{"s": NAN, "v": 5}], "t.s = s.s").when_matched_update({"v": "s.v"})
    assert merge.execute().updated == 0
    assert keyed.scan().to_dicts() == [{"s": "NaN", "v": 0}]


def test_a_key_that_is_a_float_may_be_nan(lake):
    lake.create("t", schema={"x": "double not null", "v": "int"}, key="x")
    by_put(lake, [{"x": NAN, "v": 1}])
    by_upsert(lake, [{"x": NAN, "v": 2}])
    (row,) = lake["t"].scan()
    assert math.isnan(row["x"]) and row["v"] == 2


@pytest.mark.parametrize(("name", "value", "said"), [
    ("s", b"SPY", "s has bytes, where type string has to be"),
    ("s", ["a", b"b"], "s has bytes, where type string has to be"),
    ("s", math.inf, "s has an infinite float, where type string has to be"),
    ("b", math.inf, "b has an infinite float, where type binary has to be"),
    ("i", b"1", "i has bytes, where type integer has to be"),
    ("l", ["a", b"b"], "l has bytes, where type string has to be"),
    ("t", {"a": b"b"}, "t has bytes, where type string has to be"),
    ("m", {"a": -math.inf}, "m has an infinite float, where type string has to be")])
def test_bytes_and_infinities_are_no_texts(lake, table, name, value, said):
    for write in (by_upsert, by_append, by_overwrite, by_merge):
        with pytest.raises(varve.InvalidData, match=said):
            write(lake, [{"k": 1, name: value}])
    told = []
    with lake.writer(on_quarantine=lambda table, sequence, row, why: told.append(why)) as writer:
        writer.put("t", {"k": 1, name: value})
        writer.flush()
    assert len(told) == 1 and said in told[0]
    assert table.quarantine.release().rejected == 1, "it does not fit later, either"
    assert table.scan().to_dicts() == []


def test_rows_aside_keep_what_they_are(table):
    rows = [{"k": 1, "s": NAN, "d": NAN, "b": b"\0\xff", "l": [NAN], "i": "x"}]
    table.upsert(rows, quarantine=True)
    (row,) = table.quarantine.show().to_dicts()
    assert json.loads(row["values"]) == {
        "k": "1", "s": None, "d": "NaN", "b": "AP8=", "l": [None], "i": "x"}


@pytest.mark.parametrize("key", [NAN, b"a", None, (1, 2), math.inf])
def test_keys_of_maps_are_what_a_text_can_say(table, key):
    with pytest.raises(TypeError, match="can't be the key of a map in a dict"):
        table.upsert([{"k": 1, "m": {key: "x"}}])
    table.upsert([{"k": 1, "m": {1: "x", 1.5: "y", True: "z"}}])


def test_new_columns_are_of_the_values_that_are_there(lake, table):
    frame = pd.DataFrame({"k": [1, 2], "name": ["a", np.nan], "x": [np.nan, 2.5],
                          "none": [np.nan, np.nan]})
    table.upsert(frame.to_dict("records"), evolve=True)
    first, second = lake.query("SELECT * FROM t ORDER BY k").to_dicts()
    assert (first["name"], second["name"], second["x"]) == ("a", None, 2.5)
    assert math.isnan(first["x"]) and "none" not in first
