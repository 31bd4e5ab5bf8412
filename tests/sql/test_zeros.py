"""A zero of either sign is found by either: they are equal, though they are other bits in a file."""

import json

import pyarrow
import pyarrow.parquet
import pytest

ROWS = 40_000  # so many that the engine reads their file


@pytest.fixture
def zeros(varve, tmp_path):
    """Every other row has a zero that is negative, and no value comes so seldom that it had no dictionary."""
    values = [-0.0 if at % 2 else 3.0 + at % 5 for at in range(ROWS)]
    pyarrow.parquet.write_table(pyarrow.table({
        "k": range(ROWS), "x": values, "f": pyarrow.array(values, pyarrow.float32()),
        "s": [{"x": value} for value in values]}), tmp_path / "r.parquet")
    varve.ok("create", "t", "--schema", "k long not null, x double, f float, s struct<x:double>",
             "--key", "k")
    varve.ok("upsert", "t", tmp_path / "r.parquet")
    return varve


@pytest.mark.parametrize("column", ["x", "f", "s.x"])
@pytest.mark.parametrize("condition", ["{} = 0", "{} = -0.0", "{} IN (0)", "{} IS NOT DISTINCT FROM 0",
                                       "{} = (SELECT 0.0)", "{} >= 0 AND {} <= 0", "NOT ({} <> 0)"])
def test_a_condition_finds_them(zeros, column, condition):
    condition = condition.replace("{}", column)
    [row] = zeros.rows("query", f"SELECT count(*) AS n FROM t WHERE {condition}")
    assert row == {"n": ROWS // 2}


@pytest.mark.parametrize("column", ["x", "f", "s.x"])
def test_a_join_finds_them(zeros, column):
    for zero in ("0.0", "-0.0"):
        [row] = zeros.rows("query", f"SELECT count(*) AS n FROM t JOIN (SELECT {zero}::DOUBLE AS z) ON "
                           f"t.{column} = z")
        assert row == {"n": ROWS // 2}


def test_a_change_finds_them(zeros):
    result = json.loads(zeros.ok("update", "t", "--set", "x = 7", "--where", "x = 0", "--json"))
    assert result["updated"] == ROWS // 2
    result = json.loads(zeros.ok("delete", "t", "--where", "f = 0", "--json"))
    assert result["deleted"] == ROWS // 2


def test_a_constraint_finds_them(zeros):
    done = zeros.run("alter", "t", "add-constraint", "traded", "x <> 0")
    assert done.returncode == 3 and f"{ROWS // 2} rows of table t break" in done.stderr
