"""Rows with one column name twice: numbered in the formats that are read by name, as they are elsewhere."""

import json

import pyarrow.ipc
import pyarrow.parquet
import pytest

TWINS = "SELECT 1 AS a, 2 AS A, 3 AS a_1, 4 AS b, 5 AS a"
NAMES = ["a", "A_2", "a_1", "b", "a_3"]


@pytest.mark.parametrize("form", ["json", "ndjson", "parquet", "arrow"])
def test_names_are_numbered_where_rows_are_read_by_name(varve, tmp_path, form):
    out = tmp_path / f"rows.{form}"
    varve.ok("query", TWINS, "-o", str(out))
    if form == "parquet":
        row = pyarrow.parquet.read_table(out).to_pylist()[0]
    elif form == "arrow":
        row = pyarrow.ipc.open_file(out).read_all().to_pylist()[0]
    else:
        pairs = json.loads(out.read_text(), object_pairs_hook=list)
        pairs = pairs[0] if form == "json" else pairs
        assert len(pairs) == len(NAMES)
        row = dict(pairs)
    assert list(row.items()) == list(zip(NAMES, [1, 2, 3, 4, 5]))


def test_what_people_look_at_keeps_its_names(varve):
    assert varve.ok("query", TWINS).splitlines()[0] == "a,A,a_1,b,a"
    assert varve.ok("query", TWINS, "--format", "markdown").startswith("| a | A | a\\_1 | b | a |")
    box = varve.ok("query", TWINS, "--format", "box")
    assert "A_2" not in box and "a_3" not in box


def test_a_join_of_two_tables_with_the_same_columns(market, tmp_path):
    market.upsert("market_regimes", "timestamp,symbol,regime,vix\n"
                  "2025-01-30T10:00:00Z,SPY,bullish_low,15\n")
    join = "SELECT * FROM market_regimes a JOIN market_regimes b USING (symbol)"
    (row,) = market.rows("query", join)
    assert row["timestamp"] == row["timestamp_1"] and row["vix_1"] == 15
    out = tmp_path / "q.parquet"
    market.ok("query", join, "-o", str(out))
    assert pyarrow.parquet.read_schema(out).names == list(row)
