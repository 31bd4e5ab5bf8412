"""Values: what goes in comes out, of every type and kind, and what can't is told."""

import datetime as dt
import decimal
import math
import random
import uuid

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
import varve
from package import OPENING, UTC, regime

TYPES = {
    "bo": "boolean", "by": "byte", "sh": "short", "i": "int", "l": "bigint", "f": "float",
    "d": "double", "s": "string", "bi": "binary", "da": "date", "t": "timestamp",
    "n": "timestamp_ntz", "de": "decimal(38,9)", "dz": "decimal(5,0)",
    "ar": "array<int>", "ma": "map<string,double>",
    "st": "struct<a:int,b:array<struct<c:timestamp,d:decimal(5,2)>>>"}
D = decimal.Decimal
FULL = {
    "id": 1, "bo": True, "by": -128, "sh": 32767, "i": -2**31, "l": 2**63 - 1, "f": 1.5,
    "d": 5e-324, "s": "a\x00b\"\\\n\u2028ünï😀", "bi": bytes(range(256)),
    "da": dt.date(1, 1, 1), "t": dt.datetime(1969, 12, 31, 23, 59, 59, 999999, UTC),
    "n": dt.datetime(9999, 12, 31, 23, 59, 59, 999999), "de": D("-12345678901234567890.000000001"),
    "dz": D("99999"), "ar": [1, None, -3], "ma": {"x": 1.5, "y": None},
    "st": {"a": None, "b": [{"c": OPENING, "d": D("1.50")}, None, {"c": None, "d": None}]}}
EMPTY = {"id": 2, "s": "", "bi": b"", "ar": [], "ma": {}, "st": {"a": 0, "b": []}}


@pytest.fixture
def table(lake):
    columns = {"id": "bigint not null", **TYPES}
    lake.create("t", schema=columns, key="id")
    return lake["t"]


def test_every_type_comes_back_as_it_went_in(table):
    nothing = {"id": 3}
    table.upsert([FULL, EMPTY, nothing])
    full, empty, null = sorted(table.scan(), key=lambda row: row["id"])
    assert full == FULL
    assert {name: type(full[name]) for name in FULL} == {
        name: type(value) for name, value in FULL.items()}
    assert str(full["de"]) == str(FULL["de"])
    assert empty == {**dict.fromkeys(TYPES), **EMPTY}
    assert null == {**dict.fromkeys(TYPES), "id": 3}


def test_every_type_comes_back_through_other_libraries(table):
    table.upsert([FULL, EMPTY])
    before = sorted(table.scan().to_dicts(), key=lambda row: row["id"])
    for again in (table.scan().to_pyarrow(), table.scan().to_pyarrow().to_batches()[0],
                  table.scan()):
        assert table.upsert(again).unchanged == 2
    flat = [name for name in TYPES if name not in ("ma", "n", "da")]  # polars has no maps
    frame = table.scan(["id", *flat]).to_polars()
    assert sorted(frame.to_dicts(), key=lambda row: row["id"]) == [
        {name: row[name] for name in ("id", *flat)} for row in before]


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf, -0.0, 1.7976931348623157e308,
                                   0.1, 1e22, 5e-324, 123456789.123456789])
def test_floats_keep_their_bits(table, value):
    table.upsert({"id": 1, "d": value, "ar": None, "ma": {"k": value}})
    (row,) = table.scan(["d", "ma"])
    for found in (row["d"], row["ma"]["k"]):
        assert math.isnan(found) if math.isnan(value) else found == value
    assert math.isnan(value) or math.copysign(1, row["d"]) == math.copysign(1, value)


def test_nan_is_not_null(table):
    table.upsert([{"id": 1, "d": math.nan}, {"id": 2, "d": None}])
    assert [row["id"] for row in table.scan(where="d IS NULL")] == [2]
    assert table.upsert({"id": 1, "d": math.nan}).unchanged == 1


@pytest.mark.parametrize("given, column, expected", [
    (np.int64(-5), "l", -5), (np.uint8(5), "i", 5), (np.float64(0.1), "d", 0.1),
    (np.float32(1.5), "f", 1.5), (np.bool_(True), "bo", True), (np.str_("x"), "s", "x"),
    (np.array([1, 2]), "ar", [1, 2]),
    (np.datetime64("2025-01-30T14:30:00.000001000"), "n",
     dt.datetime(2025, 1, 30, 14, 30, 0, 1)),
    (np.datetime64("NaT"), "t", None), (pd.NaT, "t", None), (pd.NA, "l", None),
    (pd.Timestamp("2025-01-30T14:30:00.000001", tz="America/New_York"), "t",
     dt.datetime(2025, 1, 30, 19, 30, 0, 1, UTC)),
    (dt.datetime(2025, 1, 30, 14, 30, tzinfo=dt.timezone(dt.timedelta(hours=5, minutes=30))),
     "t", dt.datetime(2025, 1, 30, 9, 0, tzinfo=UTC)),
    (dt.datetime(2025, 1, 30, 14, 30), "t", OPENING), ("2025-01-30", "da", dt.date(2025, 1, 30)),
    (dt.date(2025, 1, 30), "t", dt.datetime(2025, 1, 30, tzinfo=UTC)),
    (3, "de", D("3.000000000")), (3, "d", 3.0), ((1, 2), "ar", [1, 2]),
    (uuid.UUID(int=5), "s", "00000000-0000-0000-0000-000000000005"),
    ({"a": 1}, "st", {"a": 1, "b": None})])
def test_values_of_others_are_understood(table, given, column, expected):
    table.upsert({"id": 1, column: given})
    (row,) = table.scan([column])
    assert row[column] == expected and type(row[column]) is type(expected)


class Mystery:
    pass


@pytest.mark.parametrize("column, value", [
    ("s", Mystery()), ("s", {1, 2}), ("t", dt.time(10)), ("d", 1j)])
def test_values_that_no_column_holds(table, column, value):
    with pytest.raises(TypeError, match=f"column '{column}': a value of type"):
        table.upsert([{"id": 1}, {"id": 2, column: value}])
    assert table.version == 0


@pytest.mark.parametrize("column, value", [
    ("i", 2**31), ("l", 2**70), ("dz", D("1.5")), ("i", 1.5), ("t", "yesterday"),
    ("bo", "maybe"), ("ar", "text"), ("st", {"nope": 1}), ("nope", 1),
    ("t", pd.Timestamp("2025-01-30T14:30:00.000000001")), ("n", np.datetime64("2025-01-30", "ns")
     + np.timedelta64(1, "ns"))])
def test_values_of_a_wrong_type_are_named(table, column, value):
    with pytest.raises(varve.InvalidData) as failed:
        table.upsert([{"id": 1}, {"id": 2, column: value}])
    assert "row 2" in failed.value.detail and column in failed.value.detail


@pytest.mark.parametrize("row, message", [
    ([1], "a row is a dict, not a list"), ({1: 2}, "names of columns are str"),
    ({"s": "\ud800"}, "surrogates"), (None, "not a NoneType")])
def test_rows_that_are_none(table, row, message):
    with pytest.raises((TypeError, ValueError), match=f"^row 2: .*{message}"):
        table.upsert([{"id": 1}, row])


def test_a_value_that_has_no_place_is_told_with_its_row(table):
    with pytest.raises(TypeError, match="^row 3: column 's': a value of type object has no place"):
        table.upsert({"id": number, "s": object() if number == 3 else "x"} for number in (1, 2, 3))
    with pytest.raises(KeyError, match="^'mine'$"):
        table.upsert(row if row["id"] < 2 else {}["mine"] for row in [{"id": 1}, {"id": 2}])


def test_a_nest_without_end(table):
    endless = []
    endless.append(endless)
    with pytest.raises(ValueError, match="column 'ar': nested more than 64 deep"):
        table.upsert({"id": 1, "ar": endless})


def test_what_is_no_data(table):
    for wrong in (5, None, b"id\n1\n", pl.LazyFrame({"id": [1]})):
        with pytest.raises(TypeError):
            table.upsert(wrong)
    with pytest.raises(TypeError, match="format= is for files"):
        table.upsert([], format="csv")


SQL = [
    ("5::hugeint", D(5)), ("INTERVAL 36 HOUR", dt.timedelta(hours=36)),
    ("TIME '10:11:12.5'", dt.time(10, 11, 12, 500000)), ("1::utinyint", 1),
    ("18446744073709551615::ubigint", 2**64 - 1), ("'x'::ENUM('w', 'x')", "x"),
    ("[1, 2]::int[2]", [1, 2]), ("[[1], NULL, []]", [[1], None, []]),
    ("MAP {1: 'a', 2: NULL}", {1: "a", 2: None}), ("MAP {[1]: 'a'}", [([1], "a")]),
    ("TIMESTAMP_NS '2020-01-01 00:00:00.000001'", dt.datetime(2020, 1, 1, 0, 0, 0, 1)),
    ("TIMESTAMP_S '2020-01-01'", dt.datetime(2020, 1, 1)), ("NULL", None),
    ("TIMESTAMP_MS '1969-12-31 23:59:59.999'", dt.datetime(1969, 12, 31, 23, 59, 59, 999000)),
    ("'abc'::blob", b"abc"), ("0.5::float", 0.5),
    ("DATE '0001-01-01'", dt.date(1, 1, 1)), ("DATE '9999-12-31'", dt.date(9999, 12, 31)),
    ("1.50::decimal(4,2)", D("1.50")), ("{'a': {'b': [NULL, 1]}}", {"a": {"b": [None, 1]}})]


@pytest.mark.parametrize("sql, expected", SQL, ids=[sql for sql, _ in SQL])
def test_whatever_sql_gives(lake, sql, expected):
    (row,) = lake.query(f"SELECT {sql} AS x")
    assert row == {"x": expected} and type(row["x"]) is type(expected)


@pytest.mark.parametrize("sql, message", [
    ("TIMESTAMP_NS '2020-01-01 00:00:00.000000001'", "below a microsecond"),
    ("DATE '0001-01-01' - INTERVAL 1 DAY", "outside the years 1 to 9999"),
    ("DATE '10000-01-01'", "outside the years"), ("'infinity'::timestamp", "outside the years"),
    ("INTERVAL 1 MONTH", "interval with months"), ("TIME '24:00:00'", "time of 24:00:00")])
def test_times_that_python_lacks_name_their_column(lake, sql, message):
    with pytest.raises(ValueError, match=f"column 'x' holds a.* {message}"):
        lake.query(f"SELECT {sql} AS x").to_dicts()


def test_dates_of_all_years_are_those_of_python(lake):
    rows = lake.query("SELECT (DATE '0001-01-01' + (i * 17)::int) AS d FROM range(214800) r(i)")
    first = dt.date(1, 1, 1).toordinal()
    assert [row["d"].toordinal() for row in rows] == [first + i * 17 for i in range(214800)]


def test_rows_at_random(lake):
    """Against pyarrow, which decodes the same batches in its own way."""
    made = random.Random(4711)
    lake.create("r", schema="id bigint not null, s string, d double, t timestamp, a array<string>",
                key="id")
    rows = [{
        "id": number,
        "s": made.choice([None, "", "".join(chr(made.randrange(1, 0xd800)) for _ in range(9))]),
        "d": made.choice([None, made.uniform(-1e300, 1e300), made.random()]),
        "t": OPENING + dt.timedelta(microseconds=made.randrange(-10**15, 10**15)),
        "a": made.choice([None, [], [None, "x" * made.randrange(30)]])}
        for number in range(5000)]
    lake["r"].upsert(rows)
    ours = lake.query("SELECT * FROM r ORDER BY id").to_dicts()
    assert ours == rows
    assert ours == lake.query("SELECT * FROM r ORDER BY id").to_pyarrow().to_pylist()


def test_slices_of_arrays(regimes):
    batch = pa.RecordBatch.from_pylist([regime(minute) for minute in range(10)])
    assert regimes.upsert(batch.slice(3, 4)).inserted == 4
    assert [row["timestamp"].minute for row in regimes.range(last="999w")] == [33, 34, 35, 36]


def test_columns_of_one_name_get_numbers(lake):
    (row,) = lake.query("SELECT 1 AS a, 2 AS A, 3 AS a_1, 4 AS a").to_dicts()
    assert row == {"a": 1, "A_2": 2, "a_1": 3, "a_3": 4}
