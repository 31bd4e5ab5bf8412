"""The time between two rows, and times of day, through all that a query's rows can become."""

import datetime as dt
import os
import subprocess

import duckdb
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
import varve
from package import BUILD, regime

GAPS = "SELECT timestamp, timestamp - lag(timestamp) OVER (ORDER BY timestamp) AS gap " \
       "FROM market_regimes ORDER BY timestamp"
LENGTHS = [None, dt.timedelta(minutes=1), dt.timedelta(days=2, minutes=1, microseconds=1)]


@pytest.fixture
def gaps(lake, regimes):
    later = regime(2 * 1440 + 2)
    later["timestamp"] += dt.timedelta(microseconds=1)
    regimes.upsert([regime(0), regime(1), later])
    return lambda: lake.query(GAPS)


def test_dicts_and_frames(gaps):
    assert [row["gap"] for row in gaps().to_dicts()] == LENGTHS
    frame = gaps().to_polars()
    assert frame["gap"].to_list() == LENGTHS and frame.schema["gap"] == pl.Duration("us")
    column = gaps().to_pandas()["gap"]
    assert column.dtype == "timedelta64[us]" or column.dtype == "timedelta64[ns]"
    assert pd.isna(column[0]) and [value.to_pytimedelta() for value in column[1:]] == LENGTHS[1:]
    assert pa.types.is_interval(gaps().to_pyarrow().schema.field("gap").type)
    rows = gaps()
    assert duckdb.sql("SELECT gap FROM rows").fetchall() == [(value,) for value in LENGTHS]
    assert rows is not None


def test_no_rows_have_the_type_too(lake):
    rows = lake.query("SELECT timestamp - timestamp AS gap FROM market_regimes")
    assert rows.to_polars().schema == {"gap": pl.Duration("us")}


@pytest.mark.parametrize("value", ["INTERVAL 1 MONTH", "[INTERVAL 1 DAY]", "{'a': INTERVAL 1 DAY}"])
def test_what_is_no_duration_is_told_by_name(lake, value):
    for read in (varve.ArrowStream.to_polars, varve.ArrowStream.to_pandas):
        with pytest.raises(varve.Unsupported, match="column gap .*epoch"):
            read(lake.query(f"SELECT {value} AS gap"))


def test_without_pyarrow(bare, lake, gaps):
    said = bare(f"""
import sys, types, varve
sys.modules["polars"] = types.ModuleType("polars")
with varve.Lake({os.fspath(lake.path)!r}) as lake:
    try:
        lake.query({GAPS!r}).to_polars()
    except varve.Unsupported as error:
        print(error)
""")
    assert said.startswith("column gap is an interval of SQL") and "epoch(gap)" in said


@pytest.mark.parametrize(("value", "said"), [
    ("INTERVAL 1 DAY", "column x is an INTERVAL, which has no place here: take epoch(x)"),
    ("TIME '10:00:00'", "column x is a TIME, which has no place here: take CAST(x AS VARCHAR)")])
def test_files(lake, tmp_path, value, said):
    def query(sql, name):
        return subprocess.run([str(BUILD / "varve"), "query", "--lake", lake.path, sql, "-o",
                               str(tmp_path / name)], capture_output=True, text=True, check=False)
    done = query(f"SELECT {value} AS x", "x.parquet")
    assert done.returncode == varve.Unsupported.code and said in done.stderr
    cast = said.rpartition("take ")[2]
    done = query(f"SELECT {cast} AS x FROM (SELECT {value} AS x)", "y.parquet")
    assert done.returncode == 0, done.stderr
    for name in ("x.csv", "x.ndjson", "x.arrow"):
        done = query(f"SELECT {value} AS x", name)
        assert done.returncode == 0, done.stderr
