"""Tables made of what frames and schemas say of their columns."""

import datetime as dt

import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
import varve
from package import OPENING

ROWS = [{"ts": OPENING, "symbol": "SPY", "px": 1.5, "n": 7, "ok": True,
         "day": dt.date(2025, 1, 30)}]
EXPECTED = {"ts": "timestamp", "symbol": "string", "px": "double", "n": "long", "ok": "boolean",
            "day": "date"}


def columns_of(table):
    return {column["name"]: column["type"] for column in table.describe()["schema"]}


def pandas_frame():
    return pd.DataFrame(ROWS).astype({"day": "date32[pyarrow]"})


@pytest.mark.parametrize("make", [
    lambda: pl.DataFrame(ROWS), lambda: pl.DataFrame(ROWS).schema,
    lambda: pl.DataFrame(ROWS).lazy().collect_schema(), pandas_frame,
    lambda: pa.Table.from_pylist(ROWS), lambda: pa.Table.from_pylist(ROWS).schema,
    lambda: pa.RecordBatch.from_pylist(ROWS)])
def test_of_whatever_has_columns(lake, make):
    assert lake.create("bars", schema=make(), key=["ts", "symbol"]) is True
    assert columns_of(lake["bars"]) == EXPECTED
    assert lake["bars"].scan().to_dicts() == []
    assert lake.create("bars", schema=make(), key=["ts", "symbol"]) is False
    lake["bars"].upsert(ROWS)
    assert lake["bars"].scan().to_dicts() == ROWS


def test_of_a_stream_that_can_still_be_read(lake):
    stream = lake.query("SELECT 1 AS id, 'a' AS name")
    lake.create("named", schema=stream, key="id")
    lake["named"].upsert(stream)
    assert lake["named"].scan().to_dicts() == [{"id": 1, "name": "a"}]


def test_every_type(lake):
    types = {
        "a`b": pa.int8(), "u8": pa.uint8(), "i16": pa.int16(), "u16": pa.uint16(),
        "u32": pa.uint32(), "u64": pa.uint64(), "f": pa.float32(), "big": pa.large_string(),
        "b": pa.binary(4), "lb": pa.large_binary(), "de": pa.decimal128(9, 2),
        "ms": pa.timestamp("ms"), "ny": pa.timestamp("ns", "America/New_York"), "d64": pa.date64(),
        "cat": pa.dictionary(pa.int8(), pa.string()), "l": pa.list_(pa.int32()),
        "fl": pa.list_(pa.float64(), 2),
        "s": pa.struct([("x-y", pa.int64()), ("z", pa.list_(pa.string()))]),
        "m": pa.map_(pa.string(), pa.float64())}
    schema = pa.schema([pa.field("id", pa.int64(), nullable=False),
                        *[pa.field(name, kind) for name, kind in types.items()]])
    lake.create("every", schema=schema, key="id")
    assert columns_of(lake["every"]) == {
        "id": "long", "a`b": "byte", "u8": "short", "i16": "short", "u16": "integer", "u32": "long",
        "u64": "decimal(20,0)", "f": "float", "big": "string", "b": "binary", "lb": "binary",
        "de": "decimal(9,2)", "ms": "timestamp", "ny": "timestamp", "d64": "date", "cat": "string",
        "l": "array<integer>", "fl": "array<double>", "s": "struct<`x-y`:long,z:array<string>>",
        "m": "map<string,double>"}
    assert [column["name"] for column in lake["every"].describe()["schema"]
            if not column["nullable"]] == ["id"]


@pytest.mark.parametrize(("schema", "said"), [
    (pa.schema([("a", pa.null())]), "column a has no values and so no type"),
    (pa.schema([("t", pa.time64("us"))]), "column t is of an Arrow type"),
    (pa.schema([("s", pa.struct([]))]), "column s is of an Arrow type"),
    (pa.schema([("l", pa.list_(pa.duration("s")))]), "column l is of an Arrow type"),
    (pa.schema([("d", pa.decimal256(50, 2))]), "column d is of an Arrow type")])
def test_what_no_table_has_is_named(lake, schema, said):
    with pytest.raises(ValueError, match=said):
        lake.create("none", schema=schema)
    assert "none" not in lake


def test_the_names_of_a_lake(lake):
    names = ["market_regimes", "performance_metrics", "signals"]
    assert sorted(lake) == names and "signals" in lake and "bars" not in lake and 1 not in lake


def test_bytes_of_every_kind(lake):
    lake.create("raw", schema={"id": "int", "b": "binary"}, key="id")
    lake["raw"].upsert([{"id": 1, "b": b"a"}, {"id": 2, "b": bytearray(b"a")},
                        {"id": 3, "b": memoryview(b"xa")[1:]}])
    assert [row["b"] for row in lake["raw"].scan()] == [b"a"] * 3


def test_parameters_that_are_none_say_what_to_do(lake):
    with pytest.raises(TypeError, match="a dict of names and values"):
        lake.query("SELECT 1", [1])
    with pytest.raises(TypeError, match=r"one by one, IN \(\$a, \$b\)"):
        lake.query("SELECT $x", {"x": [1]})
    with pytest.raises(TypeError, match="INTERVAL 1 SECOND"):
        lake.query("SELECT $x", {"x": dt.timedelta(1)})
    (row,) = lake.query("SELECT 2 IN ($a, $b) AS y, "
                        "DATE '2025-01-31' + $s * INTERVAL 1 SECOND AS t",
                        {"a": 1, "b": 2, "s": 60})
    assert row == {"y": True, "t": dt.datetime(2025, 1, 31, 0, 1)}


def test_a_name_twice(lake):
    frame = pa.table([pa.array([1]), pa.array([2])], names=["a", "A"])
    with pytest.raises(varve.VarveError):
        lake.create("twice", schema=frame)
