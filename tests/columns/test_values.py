"""Columns that have a value where a row says none: defaults, and generated columns."""

import datetime
import json

import pyarrow as pa
import pyarrow.parquet
import pytest
from deltalake import DeltaTable

UTC = datetime.timezone.utc
SCHEMA = ("ts timestamp not null, sym string not null, qty int default 7 not null, "
          "tag string default 'a,b\\'c', made timestamp default current_timestamp(), "
          "day date generated always as (cast(ts as date)), "
          "twice double generated always as (qty * 2), note string")


@pytest.fixture
def table(varve):
    varve.ok("create", "t", "--key", "ts,sym", "--schema", SCHEMA)
    return varve


def scan(varve):
    return {row["sym"]: row for row in varve.rows("scan", "t")}


def refused(varve, *arguments, status, says, **options):
    before = varve.version("t")
    done = varve.run(*arguments, **options)
    assert done.returncode == status, done.stderr
    for text in [says] if isinstance(says, str) else says:
        assert text in done.stderr
    assert varve.version("t") == before
    return done.stderr


def fields(path):
    return {field.name: field.metadata for field in DeltaTable(str(path)).schema().fields}


def test_what_is_created_is_there_for_others(table):
    metadata = fields(table.table("t"))
    assert metadata["qty"]["CURRENT_DEFAULT"] == "7"
    assert metadata["tag"]["CURRENT_DEFAULT"] == r"'a,b\'c'"
    assert metadata["day"]["delta.generationExpression"] == "cast(ts as date)"
    described = {c["name"]: c for c in json.loads(table.ok("describe", "t", "--json"))["schema"]}
    assert described["qty"]["default"] == "7" and "default" not in described["note"]
    assert described["twice"]["generated"] == "qty * 2"


def test_absent_columns_are_filled_in_every_way_into_a_table(table, tmp_path):
    time = datetime.datetime(2025, 1, 10, 23, tzinfo=UTC)
    rows = pa.table({"ts": pa.array([time], pa.timestamp("us", "UTC")), "sym": ["P"]})
    pa.parquet.write_table(rows, tmp_path / "rows.parquet")
    table.upsert("t", "ts,sym\n2025-01-10T23:00:00Z,C\n2025-01-10T23:00:00Z,D\n")
    table.ok("upsert", "t", tmp_path / "rows.parquet")
    table.ok("append", "t", "-", "--allow-duplicates", "--input-format", "csv",
             stdin="ts,sym\n2025-01-10T23:00:00Z,A\n")
    table.ok("ingest", "t", stdin='{"ts":"2025-01-10T23:00:00Z","sym":"I"}\n')
    (tmp_path / "source.csv").write_text("ts,sym\n2025-01-10T23:00:00Z,M\n")
    table.ok("merge", "t", "--source", tmp_path / "source.csv", "--on", "t.sym = s.sym",
             "--when-not-matched", "insert *")
    (tmp_path / "other.csv").write_text("ts,sym\n2025-01-10T23:00:00Z,V\n")
    table.ok("merge", "t", "--source", tmp_path / "other.csv", "--on", "t.sym = s.sym",
             "--when-not-matched", "insert (ts, sym, qty, made) values (s.ts, s.sym, default, NULL)")
    found = scan(table)
    assert sorted(found) == list("ACDIMPV")
    for sym, row in found.items():
        assert (row["qty"], row["tag"], row["twice"], row["day"], row["note"]) == (
            7, "a,b'c", 14.0, "2025-01-10", None), sym
        assert (row["made"] is None) == (sym == "V")
    assert found["C"]["made"] == found["D"]["made"] < found["P"]["made"] < found["A"]["made"]


def test_a_line_of_a_merge_that_lacks_a_column_has_its_default(table):
    """Though other lines bring the column; NULL is what it says, and of many lines as of few."""
    time = "2025-01-10T23:00:00Z"

    def merge(lines):
        table.ok("merge", "t", "--source", "-", "--input-format", "ndjson", "--on", "t.sym = s.sym",
                 "--when-matched", "update *", "--when-not-matched", "insert *",
                 stdin="".join(json.dumps({"ts": time, **line}) + "\n" for line in lines))
    lines = [{"sym": "A", "qty": 1, "tag": "x"}, {"sym": "B", "tag": None}, {"sym": "C", "qty": 3}]
    merge(lines)
    found = scan(table)
    assert [(found[sym]["qty"], found[sym]["tag"], found[sym]["twice"]) for sym in "ABC"] == [
        (1, "x", 2.0), (7, None, 14.0), (3, "a,b'c", 6.0)]
    assert found["A"]["made"] is not None
    merge([{"sym": f"S{n}", **({} if n % 2 else {"qty": n})} for n in range(20000)])
    counted = table.rows("query", "SELECT count(*) FILTER (qty = 7) AS n FROM t WHERE sym LIKE 'S%'")
    assert counted == [{"n": 10000}]


MERGE = ("merge", "t", "--source", "-", "--input-format", "ndjson", "--on", "t.k = s.k")


@pytest.fixture
def stored(varve):
    varve.ok("create", "t", "--schema", "k bigint not null, v double default 7, w double", "--key",
             "k")
    varve.upsert("t", "k,v,w\n1,1,1\n2,2,2\n")
    return varve


@pytest.mark.parametrize("clause, kept", [
    ("update *", None), ("update set v = s.v", None), ("update set v = coalesce(s.v, t.v)", 2.0),
    ("and s.v is not null update *", 2.0), ("and s.v is null update set v = 9", 9.0),
    ("update set w = 3", 2.0), ("update set v = default", 7.0)])
def test_a_default_is_for_rows_that_a_merge_inserts(stored, clause, kept):
    """To conditions and updates a column that a line lacks is NULL, though other lines bring it."""
    stored.ok(*MERGE, "--when-matched", clause, "--when-not-matched",
              "and s.v is null insert *", "--when-not-matched", "insert (k, v, w) values (s.k, 8, 8)",
              stdin='{"k":1,"v":5}\n{"k":2}\n{"k":3}\n{"k":4,"v":null}\n{"k":5,"v":4}\n')
    found = {row["k"]: row["v"] for row in stored.rows("scan", "t")}
    assert (found[2], found[3], found[4], found[5]) == (kept, 7.0, None, 8.0)


def test_a_merge_of_files_with_different_columns_inserts_defaults(stored, tmp_path):
    (tmp_path / "a.csv").write_text("k,v\n1,5\n8,6\n")
    (tmp_path / "b.csv").write_text("k,w\n2,5\n9,6\n")
    stored.ok("merge", "t", "--source", tmp_path / "a.csv", "--source", tmp_path / "b.csv", "--on",
              "t.k = s.k", "--when-matched", "update *", "--when-not-matched", "insert *")
    assert [(row["k"], row["v"], row["w"]) for row in stored.rows("scan", "t")] == [
        (1, 5.0, None), (2, None, 5.0), (8, 6.0, None), (9, 7.0, 6.0)]


def test_overwrite_fills_too(table):
    table.upsert("t", "ts,sym\n2025-01-10T23:00:00Z,C\n")
    table.ok("overwrite", "t", "-", "--yes", "--input-format", "csv",
             stdin="ts,sym\n2025-01-11T23:00:00Z,O\n")
    assert [(row["sym"], row["qty"], row["day"]) for row in table.rows("scan", "t")] == [
        ("O", 7, "2025-01-11")]


def test_null_is_no_default(table):
    table.upsert("t", '{"ts":"2025-01-10T10:00:00Z","sym":"A","tag":null,"made":null}\n'
                 '{"ts":"2025-01-10T10:00:00Z","sym":"B","tag":"x"}\n'
                 '{"ts":"2025-01-10T10:00:00Z","sym":"C"}\n')
    table.upsert("t", "ts,sym,tag\n2025-01-10T10:00:00Z,D,\n")
    found = scan(table)
    assert [found[sym]["tag"] for sym in "ABCD"] == [None, "x", "a,b'c", None]
    assert found["A"]["made"] is None and found["B"]["made"] is not None
    refused(table, "upsert", "t", "-", "--input-format", "ndjson", status=3,
            says="row 1 (line 1): qty must not be NULL",
            stdin='{"ts":"2025-01-10T10:00:00Z","sym":"Z","qty":null}\n')


def test_many_lines_are_filled_as_few_are(table, tmp_path):
    lines = [json.dumps({"ts": f"2025-01-{1 + i % 28:02d}T10:00:00Z", "sym": f"S{i}",
                         **({"tag": None} if i % 3 == 0 else {}),
                         **({"qty": i} if i % 5 == 0 else {})}) for i in range(20000)]
    (tmp_path / "many.ndjson").write_text("\n".join(lines))
    table.ok("upsert", "t", tmp_path / "many.ndjson")
    counted = table.rows("query", "SELECT count(*) FILTER (tag IS NULL) AS nulls, "
                         "count(*) FILTER (qty = 7) AS sevens, count(DISTINCT made) AS times, "
                         "count(*) FILTER (day = ts::DATE AND twice = 2 * qty) AS computed FROM t")
    assert counted == [{"nulls": 6667, "sevens": 16000, "times": 1, "computed": 20000}]


def test_a_repeated_batch_is_a_no_op_though_time_goes_on(table):
    batch = "ts,sym\n2025-01-10T10:00:00Z,A\n"
    table.upsert("t", batch)
    before = scan(table)
    again = table.upsert("t", batch)
    assert (again["unchanged"], again["version"]) == (1, 1)
    assert scan(table) == before
    changed = table.upsert("t", "ts,sym,qty\n2025-01-10T10:00:00Z,A,8\n")
    assert changed["updated"] == 1
    assert scan(table)["A"]["twice"] == 16.0


def test_a_given_value_of_a_generated_column_is_checked(table):
    table.upsert("t", "ts,sym,day\n2025-01-10T10:00:00Z,A,2025-01-10\n2025-01-10T10:00:00Z,B,\n")
    assert {row["day"] for row in table.rows("scan", "t")} == {"2025-01-10"}
    refused(table, "upsert", "t", "-", "--input-format", "csv", status=3,
            says=["row 2 (line 3): twice = 3 is not what the column is generated as (qty * 2), 14"],
            stdin="ts,sym,twice\n2025-01-10T10:00:00Z,A,14\n2025-01-10T10:00:00Z,B,3\n")
    result = table.upsert("t", "ts,sym,twice\n2025-01-11T10:00:00Z,A,14\n"
                          "2025-01-11T10:00:00Z,B,3\n", "--quarantine")
    assert (result["inserted"], result["rejected"]) == (1, 1)


def test_update_and_merge_compute_anew(table, tmp_path):
    table.upsert("t", "ts,sym\n2025-01-10T10:00:00Z,A\n2025-01-10T10:00:00Z,B\n")
    table.ok("update", "t", "--set", "qty = 10", "--where", "sym = 'A'")
    assert scan(table)["A"]["twice"] == 20.0
    (tmp_path / "s.csv").write_text("sym,by\nA,5\nB,6\n")
    table.ok("merge", "t", "--source", tmp_path / "s.csv", "--on", "t.sym = s.sym",
             "--when-matched", "update set qty = t.qty + s.by, ts = t.ts + INTERVAL 1 DAY")
    assert {sym: (row["qty"], row["twice"], row["day"]) for sym, row in scan(table).items()} == {
        "A": (15, 30.0, "2025-01-11"), "B": (13, 26.0, "2025-01-11")}
    refused(table, "update", "t", "--set", "twice = 1", "--where", "sym = 'A'", status=3,
            says="twice = 1")
    table.ok("update", "t", "--set", "qty = DEFAULT", "--set", "tag = NULL", "--where", "sym='A'")
    assert (scan(table)["A"]["qty"], scan(table)["A"]["tag"]) == (7, None)


def test_defaults_come_and_go(varve):
    varve.ok("create", "t", "--key", "k", "--schema", "k int not null, v string")
    varve.upsert("t", "k\n1\n")
    text = refused(varve, "alter", "t", "set-default", "v", "'x'", status=7, says="--upgrade")
    assert "allowColumnDefaults" in text
    varve.ok("alter", "t", "set-default", "v", "'x'", "--upgrade")
    protocol = DeltaTable(str(varve.table("t"))).protocol()
    assert "allowColumnDefaults" in protocol.writer_features
    varve.upsert("t", "k\n2\n")
    again = json.loads(varve.ok("alter", "t", "set-default", "v", "'x'", "--json"))
    assert not again["changed"]
    done = json.loads(varve.ok("alter", "t", "set-default", "v", "upper('y')", "--json"))
    assert done["diff"] == ["~ default of v: 'x' -> upper('y')"]
    varve.upsert("t", "k\n3\n")
    added = json.loads(varve.ok("alter", "t", "add-column", "n int default 1 + 1 after k",
                                "--json"))
    assert added["diff"] == ["+ column n integer default 1 + 1 (NULL in the rows that are there)"]
    varve.upsert("t", "k\n4\n")
    assert json.loads(varve.ok("alter", "t", "drop-default", "v", "--json"))["changed"]
    assert not json.loads(varve.ok("alter", "t", "drop-default", "v", "--json"))["changed"]
    varve.upsert("t", "k\n5\n")
    assert [(r["k"], r["n"], r["v"]) for r in sorted(varve.rows("scan", "t"), key=lambda r: r["k"])
            ] == [(1, None, None), (2, None, "x"), (3, None, "Y"), (4, 2, "Y"), (5, 2, None)]
    operations = [row["operation"] for row in varve.rows("history", "t")]
    assert operations.count("CHANGE COLUMN") == 3


@pytest.mark.parametrize("words, says", [
    (("set-default", "sym", "qty + 1"), '"qty" is no column'),
    (("set-default", "qty", "'seven'"), "seven"),
    (("set-default", "note", "uuid()"), "uuid() has no translation"),
    (("set-default", "note", "'a' ||"), "ends too early"),
    (("set-default", "day", "date '2025-01-01'"), "generated"),
    (("set-default", "gone", "1"), "no column gone"),
    (("widen", "qty", "bigint", "--upgrade"), "a generated column comes of it"),
    (("drop-column", "qty", "--upgrade"), "the table's rules need it"),
    (("drop-column", "qty", "--upgrade"), "varve alter t drop-constraint NAME"),
    (("add-column", "g int generated always as (qty)"), "can't be generated"),
    (("add-column", "g int default not null"), "an expression expected"),
])
def test_what_makes_no_sense_is_refused(table, words, says):
    table.upsert("t", "ts,sym\n2025-01-10T10:00:00Z,A\n")
    refused(table, "alter", "t", *words, status=2, says=says)


@pytest.mark.parametrize("column, says", [
    ("g int generated always as (k + gone)", "gone"),
    ("g string generated always as (uuid())", "uuid"),
    ("g date generated always as (current_date())", "current_date"),
    ("g int generated always as (h), h int generated always as (k)", "h"),
    ("g int generated as (k)", "always as"),
    ("g int generated always as (k", '")"'),
    ("g decimal(10,2) generated always as (k / 3)", "division of decimals"),
    ("g int default (1", "ends too early"),
])
def test_what_can_not_be_computed_is_not_created(varve, column, says):
    done = varve.run("create", "t", "--key", "k", "--schema", f"k int not null, {column}")
    assert done.returncode == 2 and says in done.stderr
    assert not varve.table("t").exists()


def foreign(varve, name, field):
    """A table whose log some other engine has written."""
    log = varve.table(name) / "_delta_log"
    log.mkdir(parents=True)
    schema = {"type": "struct", "fields": [
        {"name": "k", "type": "integer", "nullable": True, "metadata": {}}, field]}
    lines = [{"protocol": {"minReaderVersion": 1, "minWriterVersion": 7, "writerFeatures": [
        "allowColumnDefaults", "generatedColumns", "appendOnly", "invariants"]}},
        {"metaData": {"id": "00000000-0000-0000-0000-000000000001", "partitionColumns": [],
                      "format": {"provider": "parquet", "options": {}}, "createdTime": 1,
                      "schemaString": json.dumps(schema), "configuration": {"varve.key": "k"}}}]
    (log / f"{0:020d}.json").write_text("\n".join(map(json.dumps, lines)))


@pytest.mark.parametrize("metadata, says", [
    ({"CURRENT_DEFAULT": "uuid()"}, ['default of column "g"', "uuid()"]),
    ({"delta.generationExpression": "hash(k)"}, ['generated column "g"', "hash"]),
])
def test_an_expression_of_others_that_is_not_understood_refuses_the_write(varve, metadata, says):
    foreign(varve, "t", {"name": "g", "type": "string", "nullable": True, "metadata": metadata})
    refused(varve, "upsert", "t", "-", "--input-format", "csv", status=7, says=says, stdin="k\n1\n")
    assert varve.rows("scan", "t") == []


def test_a_number_of_another_engine_is_an_expression(varve):
    foreign(varve, "t", {"name": "g", "type": "long", "nullable": True,
                         "metadata": {"CURRENT_DEFAULT": 5}})
    varve.upsert("t", "k\n1\n")
    assert varve.rows("scan", "t") == [{"k": 1, "g": 5}]


def test_optimize_and_delete_keep_what_is_there(table):
    for day in (10, 11, 12):
        table.upsert("t", f"ts,sym\n2025-01-{day}T10:00:00Z,A\n")
    before = sorted(map(str, table.rows("scan", "t")))
    table.ok("optimize", "t")
    table.ok("delete", "t", "--where", "ts < '2025-01-11'")
    assert sorted(map(str, table.rows("scan", "t"))) == before[1:]


@pytest.mark.parametrize("text", ["id,x\n1,a\n2,b\n", '{"id":1,"x":"a"}\n{"id":2,"x":"b"}\n'])
@pytest.mark.parametrize("column", ["made", "at"])
def test_what_is_generated_of_the_clock_makes_no_update_of_a_repeated_batch(varve, text, column):
    varve.ok("create", "t", "--key", "id", "--order-by", "at", "--schema",
             "id long not null, x string, at timestamp, made timestamp default current_timestamp(), "
             f"seen timestamp generated always as ({column})")
    varve.upsert("t", text)
    before = varve.rows("scan", "t")
    again = varve.upsert("t", text)
    assert (again["updated"], again["unchanged"]) == (0, 2)
    assert varve.rows("scan", "t") == before
    assert varve.upsert("t", text.replace("b", "c"))["updated"] == 1
    given = varve.upsert("t", f"id,x,{column}\n1,a,2030-01-01T00:00:00Z\n")
    assert given["updated"] == 1 and varve.rows("scan", "t") != before


@pytest.mark.parametrize("many", [1, 5000])
def test_each_row_says_by_itself_whether_its_value_is_the_clock_s(varve, many):
    """Though others of the batch bring one; and NULL is something that a row says."""
    varve.ok("create", "t", "--key", "k", "--schema",
             "k long not null, x int, made timestamp default current_timestamp(), "
             "day date generated always as (cast(made as date))")
    others = [{"k": k, "x": 1} for k in range(2, many + 2)]

    def upsert(*rows):
        result = varve.upsert("t", "".join(json.dumps(row) + "\n" for row in rows))
        return result["updated"], result["unchanged"]
    given = {"k": 1, "x": 1, "made": "2023-01-01T00:00:00Z"}
    upsert(given, *others)
    before = varve.rows("scan", "t")
    assert upsert(given, *others) == (0, many + 1)
    assert upsert(*others) == (0, many)
    assert upsert({"k": 1, "x": 1}, *others) == (0, many + 1)
    assert varve.version("t") == 1 and varve.rows("scan", "t") == before
    assert upsert({**given, "made": "2023-01-02T00:00:00Z"}, *others) == (1, many)
    assert varve.rows("scan", "t", "--where", "k = 1")[0]["day"] == "2023-01-02"
    assert upsert({"k": 1, "x": 1, "made": None}, *others) == (1, many)
    assert varve.rows("scan", "t", "--where", "k = 1") == [{"k": 1, "x": 1, "made": None, "day": None}]
    assert upsert({"k": 1, "x": 2}, *others) == (1, many)
    assert varve.rows("scan", "t", "--where", "k = 1")[0]["made"] is not None


def test_of_several_files_one_may_have_the_column(varve, tmp_path):
    varve.ok("create", "t", "--key", "k", "--order-by", "o", "--schema",
             "k long not null, made timestamp default current_timestamp(), o timestamp, "
             "seen timestamp generated always as (o)")
    (tmp_path / "with.csv").write_text("k,made,o\n1,2023-01-01,2023-01-01\n")
    (tmp_path / "without.csv").write_text("k\n2\n")
    for files in (["with", "without"], ["without", "with"], ["without"], ["with"]):
        varve.ok("upsert", "t", *(tmp_path / f"{name}.csv" for name in files))
        assert varve.version("t") == 1
    (tmp_path / "with.csv").write_text("k,made,o\n1,2023-01-01,2023-01-02\n")
    varve.ok("upsert", "t", tmp_path / "with.csv", tmp_path / "without.csv")
    assert varve.version("t") == 2
    assert varve.rows("history", "t", "--limit", "1")[0]["operationMetrics"][
        "numTargetRowsUpdated"] == "1"
