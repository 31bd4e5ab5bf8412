"""merge --evolve: the columns of the source that the table lacks are added, once the rows are good."""

import json

import pyarrow as pa
import pyarrow.parquet
import pytest
from deltalake import DeltaTable

ON = ("--on", "t.k = s.k")
UPSERT = (*ON, "--when-matched", "update *", "--when-not-matched", "insert *")


@pytest.fixture
def table(varve):
    varve.ok("create", "t", "--key", "k", "--schema", "k int not null, v string, "
             "positive int default 1", "--check", "good: k > 0")
    varve.upsert("t", "k,v\n1,a\n2,b\n")
    return varve


@pytest.fixture
def merge(table, tmp_path):
    def run(text, *arguments, code=0):
        source = tmp_path / ("source.ndjson" if text.startswith("{") else "source.csv")
        source.write_text(text)
        done = table.run("merge", "t", "--source", source, *arguments, "--json")
        assert done.returncode == code, done.stderr
        return json.loads(done.stdout) if code == 0 else done.stderr
    return run


def scan(varve):
    return sorted(varve.rows("scan", "t"), key=lambda row: row["k"])


def names(varve):
    return [field.name for field in DeltaTable(str(varve.table("t"))).schema().fields]


def operations(varve):
    return [row["operation"] for row in varve.rows("history", "t")][::-1]


def test_new_columns_come_by_a_commit_of_their_own(table, merge):
    result = merge("k,v,price,seen\n2,B,1.5,2025-01-30\n3,c,,\n", *UPSERT, "--evolve")
    assert (result["columns_added"], result["inserted"], result["updated"]) == (2, 1, 1)
    assert operations(table) == ["CREATE TABLE", "MERGE", "ADD COLUMNS", "MERGE"]
    assert scan(table) == [
        {"k": 1, "v": "a", "positive": 1, "price": None, "seen": None},
        {"k": 2, "v": "B", "positive": 1, "price": 1.5, "seen": "2025-01-30"},
        {"k": 3, "v": "c", "positive": 1, "price": None, "seen": None}]
    again = merge("k,v,price,seen\n2,B,1.5,2025-01-30\n", *UPSERT, "--evolve")
    assert again["columns_added"] == 0 and operations(table).count("ADD COLUMNS") == 1


def test_without_it_they_may_be_spoken_of_and_stay_out(table, merge):
    assert merge("k,v,price\n2,B,1.5\n", *UPSERT)["columns_added"] == 0
    assert names(table) == ["k", "v", "positive"]
    stderr = merge("k,v,price\n2,B,1.5\n", *ON, "--when-matched", "update set price = s.price",
                   code=2)
    assert "no column price" in stderr


def test_an_assignment_adds_what_it_names_and_no_more(table, merge):
    merge("k,price,other\n2,1.5,x\n", *ON, "--when-matched",
          "and s.other = 'x' update set price = s.price * 2", "--evolve")
    assert names(table) == ["k", "v", "positive", "price"]
    assert scan(table)[1]["price"] == 3.0
    stderr = merge("k,price\n2,1.5\n", *ON, "--when-matched", "update set gone = s.price",
                   "--evolve", code=2)
    assert "no column gone" in stderr


EMPTY = ["k,v,price\n2,B,\n", '{"k":2,"v":"B","price":null}\n',
         '{"k":2,"v":"B","price":NaN}\n{"k":9,"price":null,"":null}\n']


@pytest.mark.parametrize("text", EMPTY)
def test_a_column_without_a_value_may_be_spoken_of(table, merge, text):
    merge(text, *ON, "--when-matched", "and s.price is not null delete",
          "--when-matched", "update set v = coalesce(s.price, 'none')")
    assert scan(table)[1]["v"] == "none" and names(table) == ["k", "v", "positive"]


@pytest.mark.parametrize("text", EMPTY)
def test_a_column_without_a_value_is_told_where_it_would_be_set(table, tmp_path, text):
    source = tmp_path / ("source.ndjson" if text.startswith("{") else "source.csv")
    source.write_text(text)
    told = []
    for clause in ("update *", "update set v = s.v"):
        done = table.run("merge", "t", "--source", source, *ON, "--when-matched", clause, "--evolve")
        assert done.returncode == 0, done.stderr
        told.append(done.stderr.count("column price holds no value"))
        assert ("but NaN" in done.stderr) == ("NaN" in text and told[-1] == 1)
    assert told == [1, 0] and names(table) == ["k", "v", "positive"]
    done = table.run("merge", "t", "--source", source, *ON, "--when-matched",
                     "update set price = s.price", "--evolve")
    assert done.returncode == (2 if "NaN" in text else 0), done.stderr
    assert ("price" in names(table)) == ("NaN" not in text)


def test_columns_without_a_clause_or_a_value_are_not_added(table, merge):
    assert merge("k,extra\n1,5\n", *ON, "--when-matched", "delete", "--evolve")["deleted"] == 1
    merge("k,v,empty\n2,B,\n", *UPSERT, "--evolve")
    assert names(table) == ["k", "v", "positive"]


def test_a_merge_that_is_refused_adds_nothing(table, merge):
    before = table.version("t")
    assert "good" in merge("k,v,price\n-1,x,2\n", *UPSERT, "--evolve", code=3)
    assert "several rows" in merge("k,v,price\n1,x,2\n1,y,3\n", *UPSERT, "--evolve", code=3)
    assert table.version("t") == before and names(table) == ["k", "v", "positive"]


def test_a_dry_run_tells_and_writes_nothing(table, merge):
    before = sorted(path for path in table.table("t").rglob("*") if path.is_file())
    result = merge('{"k":1,"price":2}\n{"k":7,"note":"x"}\n', *UPSERT, "--evolve", "--dry-run")
    assert (result["columns_added"], result["updated"], result["inserted"]) == (2, 1, 1)
    assert sorted(path for path in table.table("t").rglob("*") if path.is_file()) == before
    merge('{"k":1,"price":2}\n{"k":7,"note":"x"}\n', *UPSERT, "--evolve")
    assert [(row["k"], row["price"], row["note"]) for row in scan(table)] == [
        (1, 2, None), (2, None, None), (7, None, "x")]


def test_types_of_parquet_come_as_they_are(table, tmp_path):
    rows = pa.table({"k": pa.array([1, 9], pa.int32()), "tags": [["a", None], []],
                     "at": pa.array([0, 1], pa.timestamp("us", "UTC"))})
    pa.parquet.write_table(rows, tmp_path / "s.parquet")
    table.ok("merge", "t", "--source", tmp_path / "s.parquet", *UPSERT, "--evolve")
    assert [(row["k"], row["tags"]) for row in scan(table)] == [
        (1, ["a", None]), (2, None), (9, [])]


def test_a_txn_is_the_merges(table, merge):
    first = merge("k,v,n\n1,x,1\n", *UPSERT, "--evolve", "--app-id", "a", "--app-version", "1")
    again = merge("k,v,m\n1,x,1\n", *UPSERT, "--evolve", "--app-id", "a", "--app-version", "1")
    assert again["already_applied"] and again["version"] == first["version"]
    assert names(table) == ["k", "v", "positive", "n"]


def test_a_mapped_table_gets_names_that_no_file_has(table, merge):
    table.ok("alter", "t", "drop-column", "v", "--upgrade")
    merge("k,v\n1,new\n", *UPSERT, "--evolve")
    assert [row["v"] for row in scan(table)] == ["new", None]


def test_numbers_of_the_source_are_compared_as_numbers(varve, tmp_path):
    """0.30000000000000004 was a text, and with it every number of its column: '9.5e-05' > '0.3'."""
    path = tmp_path / "s.ndjson"
    path.write_text('{"k":1,"hi":9.5e-05,"lo":0.30000000000000004}\n'
                    '{"k":2,"hi":0.30000000000000004,"lo":0.1}\n')
    varve.ok("create", "t", "--schema", "k bigint not null, v double", "--key", "k")
    varve.upsert("t", "k,v\n1,1\n2,2\n")
    varve.ok("merge", "t", "--source", path, *ON, "--when-matched", "and s.hi > s.lo update set v = 77")
    assert [row["v"] for row in varve.rows("scan", "t")] == [1, 77]
