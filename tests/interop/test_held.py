"""What a table holds, beside its features, that deltalake stumbles over: docs/engines.md says so.
Where one of these no longer fails, the page is to say less."""

import datetime as dt
import decimal

import pyarrow as pa
import pytest
from deltalake import DeltaTable, QueryBuilder, write_deltalake


def append(varve, name, **columns):
    fields = [pa.field("k", pa.int64(), False), *(pa.field(name, array.type)
                                                  for name, array in columns.items())]
    rows = pa.table([pa.array([7], pa.int64()), *columns.values()], pa.schema(fields))
    write_deltalake(str(varve.table(name)), rows, mode="append")


def test_a_constraint_in_single_quotes_suits_both_in_double_quotes_varve_and_spark(varve):
    for name, text in (("single", "s in ('a', 'b')"), ("double", 's in ("a", "b")')):
        varve.ok("create", name, "--key", "k", "--schema", "k bigint not null, s string",
                 "--check", f"few: {text}")
        varve.upsert(name, "k,s\n1,a\n")
        done = varve.run("upsert", name, "-", "--input-format", "csv", stdin="k,s\n2,z\n")
        assert done.returncode != 0 and "few" in done.stderr
    append(varve, "single", s=pa.array(["b"]))
    assert {row["s"] for row in varve.rows("scan", "single")} == {"a", "b"}
    with pytest.raises(Exception, match="1 rows failed validation"):
        append(varve, "single", s=pa.array(["z"]))
    with pytest.raises(Exception, match="No field named a"):
        append(varve, "double", s=pa.array(["b"]))


def test_a_generated_year_is_unknown_there(varve):
    varve.ok("create", "year", "--key", "k", "--schema",
             "k bigint not null, ts timestamp, y int generated always as (year(ts))")
    varve.ok("create", "sum", "--key", "k", "--schema",
             "k bigint not null, d int, y int generated always as (d + 1)")
    time = pa.array([dt.datetime(2025, 2, 2, tzinfo=dt.timezone.utc)], pa.timestamp("us", "UTC"))
    for columns in ({"ts": time}, {"ts": time, "y": pa.array([2025], pa.int32())}):
        with pytest.raises(Exception, match="Invalid function 'year'"):
            append(varve, "year", **columns)
    append(varve, "sum", d=pa.array([1], pa.int32()), y=pa.array([2], pa.int32()))


@pytest.mark.parametrize("value", ["-0.000000000000000001", "-0.5"])
def test_a_small_negative_partition_value_is_read_by_its_own_engine_alone(varve, value):
    varve.ok("create", "t", "--key", "k,d", "--partition-by", "d", "--schema",
             "k bigint not null, d decimal(38,18) not null")
    varve.upsert("t", f"k,d\n1,{value}\n")
    table = DeltaTable(str(varve.table("t")))
    with pytest.raises(pa.ArrowInvalid):
        table.to_pyarrow_table()
    rows = pa.table(QueryBuilder().register("t", table).execute("select d from t"))
    assert rows["d"].to_pylist() == [decimal.Decimal(value)]
