"""Columns with a blank in their names, as deltalake and polars write them, without column mapping."""

import deltalake
import polars
import pytest


@pytest.fixture
def table(varve):
    path = str(varve.table("sp"))
    polars.DataFrame({"Trade Date": [1, 2], "px": [1.5, 2.5], "n": [1, 2]}).write_delta(path)
    return varve


@pytest.mark.parametrize("verb", [
    ["add-column", "note string"],
    ["add-constraint", "pos", "`Trade Date` > 0"],
    ["set", "delta.appendOnly=false"],
    ["widen", "px", "double"],
    ["upgrade", "columnMapping"],
])
def test_a_table_can_be_changed(table, verb):
    before = table.version("sp")
    done = table.run("alter", "sp", *verb)
    assert done.returncode == 0, done.stderr
    assert table.rows("query", 'SELECT sum("Trade Date") AS s FROM sp') == [{"s": 3}]
    if verb[0] == "add-column":
        assert table.version("sp") == before + 1
        assert deltalake.DeltaTable(str(table.table("sp"))).to_pyarrow_table().num_columns == 4


def test_it_can_be_adopted(table):
    table.ok("adopt", "sp", "--key", "Trade Date")
    table.upsert("sp", "Trade Date,px,n\n2,9,9\n")
    assert table.rows("query", 'SELECT px FROM sp WHERE "Trade Date" = 2') == [{"px": 9.0}]


def test_a_new_column_has_a_name_that_all_software_takes(table):
    for ddl in "`x y` int", "s struct<`x y` int>":
        done = table.run("alter", "sp", "add-column", ddl)
        assert done.returncode == 2 and "Spark can't write it without column mapping" in done.stderr
    done = table.run("create", "t", "--schema", "`x y` int")
    assert done.returncode == 2 and "Spark can't write it without column mapping" in done.stderr


def test_with_column_mapping_it_may_be_any(table):
    table.ok("alter", "sp", "rename-column", "n", "n n", "--upgrade")
    table.ok("alter", "sp", "add-column", "`x y` int")
    table.ok("append", "sp", "-", stdin="Trade Date,px,n n,x y\n3,1,1,7\n")
    assert table.rows("query", 'SELECT max("x y") AS m, sum("n n") AS s FROM sp') == [
        {"m": 7, "s": 4}]
