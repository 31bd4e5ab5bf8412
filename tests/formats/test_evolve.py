"""upsert and append --evolve: columns that the table lacks come before the rows."""

import datetime
import json
import subprocess
from concurrent.futures import ThreadPoolExecutor

import deltalake
import pyarrow
import pyarrow.ipc
import pyarrow.parquet
import pytest

UTC = datetime.timezone.utc


@pytest.fixture
def t(varve):
    varve.ok("create", "t", "--schema", "k long not null, a string", "--key", "k")
    varve.upsert("t", '{"k":1,"a":"x"}\n')
    return varve


def types(varve):
    schema = json.loads(varve.ok("describe", "t", "--json"))["schema"]
    assert [field["name"] for field in schema[:2]] == ["k", "a"]
    assert all(field["nullable"] for field in schema[1:])
    return {field["name"]: field["type"] for field in schema[2:]}


def history(varve):
    return [(row["version"], row["operation"]) for row in varve.rows("history", "t")]


CSV = """k,n,f,b,d,t,id,s,mixed,big,none
2,5,1.5,true,2025-01-01,2025-01-01T10:00:00Z,007,abc,1,12345678901234567890,
3,-6,2,False,2025-01-02,2025-01-02,8,,true,1,
"""
CSV_TYPES = {"n": "long", "f": "double", "b": "boolean", "d": "date", "t": "timestamp",
             "id": "string", "s": "string", "mixed": "string", "big": "string"}


def test_types_of_text_lose_nothing(t):
    result = t.upsert("t", CSV, "--evolve", "--message", "why", "--user", "ann")
    assert (result["inserted"], result["columns_added"], result["version"]) == (2, 9, 3)
    assert types(t) == CSV_TYPES
    two, three = t.rows("query", "SELECT * FROM t WHERE k > 1 ORDER BY k")
    assert two == {"k": 2, "a": None, "n": 5, "f": 1.5, "b": True, "d": "2025-01-01",
                   "t": "2025-01-01T10:00:00.000000Z", "id": "007", "s": "abc", "mixed": "1",
                   "big": "12345678901234567890"}
    assert (three["t"], three["id"], three["s"]) == ("2025-01-02T00:00:00.000000Z", "8", None)


def test_the_columns_have_a_commit_of_their_own(t):
    t.upsert("t", CSV, "--evolve", "--message", "why", "--user", "ann")
    assert history(t)[:2] == [(3, "MERGE"), (2, "ADD COLUMNS")]
    commit = t.rows("history", "t")[1]
    assert (commit["userName"], commit["userMetadata"]) == ("ann", "why")
    columns = json.loads(commit["operationParameters"]["columns"])
    assert columns[0] == {"column": {"name": "n", "type": "long", "nullable": True, "metadata": {}}}
    lines = [json.loads(line) for line in
             (t.table("t") / "_delta_log/00000000000000000002.json").read_text().splitlines()]
    assert [next(iter(line)) for line in lines] == ["commitInfo", "metaData"]


def test_old_files_read_null_and_new_files_have_statistics(t):
    t.upsert("t", CSV, "--evolve")
    assert [row["k"] for row in t.rows("scan", "t", "--where", "n IS NULL")] == [1]
    assert [row["k"] for row in t.rows("scan", "t", "--where", "n < 0")] == [3]
    assert t.rows("query", "SELECT count(n) AS n, count(*) AS all FROM t") == [{"n": 2, "all": 3}]
    add = [json.loads(line)["add"] for line in
           (t.table("t") / "_delta_log/00000000000000000003.json").read_text().splitlines()
           if "add" in json.loads(line)]
    stats = json.loads(add[0]["stats"])
    assert (stats["minValues"]["n"], stats["maxValues"]["n"]) == (-6, 5)
    assert stats["nullCount"]["s"] == 1
    found = deltalake.DeltaTable(str(t.table("t"))).to_pyarrow_table().sort_by("k").to_pylist()
    assert [row["n"] for row in found] == [None, 5, -6]
    assert found[1]["d"] == datetime.date(2025, 1, 1)
    # An update of a row in an old file rewrites it with the new columns.
    assert t.upsert("t", '{"k":1,"a":"x","n":7}\n')["updated"] == 1
    assert [row["k"] for row in t.rows("scan", "t", "--where", "n = 7")] == [1]


def test_types_of_json(t):
    text = "".join(json.dumps(row) + "\n" for row in (
        {"k": 2, "n": 1, "f": 1, "b": True, "s": "1", "d": "2025-01-30", "m": 1, "none": None},
        {"k": 3, "n": 2, "f": 0.5, "b": None, "s": "2", "d": "2025-01-31", "m": "x", "table": "t"}))
    assert t.upsert("t", text, "--evolve")["columns_added"] == 6
    assert types(t) == {"n": "long", "f": "double", "b": "boolean", "s": "string", "d": "date",
                        "m": "string"}
    assert t.rows("query", "SELECT m FROM t WHERE k > 1 ORDER BY k") == [{"m": "1"}, {"m": "x"}]


def test_numbers_of_programs_are_doubles(t):
    """Of 17 digits, those that are none in front; what a double would change stays a text."""
    values = [0.1, 0.30000000000000004, 9.5e-05, 0.10000000149011612, 1 / 3, 1e22, 5e-324]
    lines = [{"k": 2 + i, "f": value, "g": 0.5} for i, value in enumerate(values)]
    text = "".join(json.dumps(line) + "\n" for line in lines)
    text += '{"k":99,"f":1,"g":0.30000000000000001}\n'
    t.upsert("t", text, "--evolve")
    t.upsert("t", "k,csv\n50,0.30000000000000004\n", "--evolve")
    assert types(t) == {"f": "double", "g": "string", "csv": "double"}
    assert [row["f"] for row in t.rows("scan", "t", "--where", "k between 2 and 49")] == values
    assert t.rows("query", "SELECT g FROM t WHERE k = 99") == [{"g": "0.30000000000000001"}]


def test_nan_and_infinity_are_doubles(t):
    t.upsert("t", '{"k":2,"inf":Infinity,"mixed":NaN}\n{"k":3,"mixed":1.5}\n', "--evolve")
    t.upsert("t", "k,csv,csv_inf,word\n4,NaN,inf,NaN\n5,nan,,x\n", "--evolve")
    assert types(t) == {"inf": "double", "mixed": "double", "csv": "double", "csv_inf": "double",
                        "word": "string"}
    rows = t.rows("query", "SELECT isinf(inf) AS inf, isnan(mixed) AS mixed, isnan(csv) AS csv, "
                           "word FROM t WHERE k IN (2, 4) ORDER BY k")
    assert rows == [{"inf": True, "mixed": True, "csv": None, "word": None},
                    {"inf": None, "mixed": None, "csv": True, "word": "NaN"}]


@pytest.mark.parametrize("text, said", [
    ('{"k":2,"new":1,"none":null}\n{"k":3,"new":null,"none":null}\n', "no value"),
    ('{"k":2,"new":1,"none":NaN}\n{"k":3,"new":NaN,"none":null}\n', "no value but NaN"),
    ("k,new,none\n2,1,\n", "no value")])
def test_a_column_without_a_value_is_told_once(t, text, said):
    done = t.run("upsert", "t", "-", "--evolve", stdin=text)
    assert done.returncode == 0
    assert done.stderr.count("it is not added") == 1
    assert "column none" in done.stderr and f"holds {said}" in done.stderr
    assert types(t) == {"new": "long"}


TYPED = pyarrow.table({
    "k": [2, 3], "i": pyarrow.array([1, None], pyarrow.int32()),
    "h": pyarrow.array([1, None], pyarrow.int16()), "f": pyarrow.array([0.5, None], pyarrow.float32()),
    "c": pyarrow.array([None, 1], pyarrow.decimal128(7, 2)), "x": [b"\0", None],
    "t": pyarrow.array([datetime.datetime(2025, 1, 1, tzinfo=UTC), None], pyarrow.timestamp("us", "UTC")),
    "u": pyarrow.array([datetime.datetime(2025, 1, 1), None], pyarrow.timestamp("us")),
    "l": [["a"], None], "r": [{"p": 1, "q": ["z"]}, None],
    "m": pyarrow.array([[("a", 1.5)], None], pyarrow.map_(pyarrow.string(), pyarrow.float64())),
    "e": pyarrow.array([None, None], pyarrow.int64())})
TYPED_TYPES = {
    "i": "integer", "h": "short", "f": "float", "c": "decimal(7,2)", "x": "binary", "t": "timestamp",
    "u": "timestamp", "l": {"type": "array", "elementType": "string", "containsNull": True},
    "r": {"type": "struct", "fields": [
        {"name": "p", "type": "long", "nullable": True, "metadata": {}},
        {"name": "q", "type": {"type": "array", "elementType": "string", "containsNull": True},
         "nullable": True, "metadata": {}}]},
    "m": {"type": "map", "keyType": "string", "valueType": "double", "valueContainsNull": True},
    "e": "long"}


@pytest.mark.parametrize("name", ["rows.parquet", "rows.arrow", "rows.arrows"])
def test_types_of_parquet_and_arrow_are_kept(t, tmp_path, name):
    path = tmp_path / name
    if name.endswith("parquet"):
        pyarrow.parquet.write_table(TYPED, path)
    else:
        kind = pyarrow.ipc.new_file if name == "rows.arrow" else pyarrow.ipc.new_stream
        with kind(path, TYPED.schema) as writer:
            writer.write_table(TYPED)
    assert json.loads(t.ok("upsert", "t", path, "--evolve", "--json"))["columns_added"] == 11
    metadata = deltalake.DeltaTable(str(t.table("t"))).schema().to_json()
    found = {field["name"]: field["type"] for field in json.loads(metadata)["fields"][2:]}
    assert found == TYPED_TYPES
    back = t.rows("query", "SELECT * FROM t WHERE k = 2")[0]
    assert (back["l"], back["r"], back["i"]) == (["a"], {"p": 1, "q": ["z"]}, 1)


def test_a_dry_run_shows_it_and_writes_nothing(t):
    done = t.run("upsert", "t", "-", "--evolve", "--dry-run", "--json", stdin=CSV)
    result = json.loads(done.stdout)
    assert (result["inserted"], result["columns_added"], result["version"]) == (2, 9, 1)
    assert "t: would add columns n long, f double" in done.stderr
    assert "none" in done.stderr  # what is not added is told, too
    assert types(t) == {} and t.version("t") == 1


def test_a_batch_that_is_rejected_adds_no_column(t):
    done = t.run("upsert", "t", "-", "--evolve", stdin='{"k":"no number","n":1}\n')
    assert done.returncode == 3
    assert "column n long" not in done.stderr  # nor is it told
    assert types(t) == {} and t.version("t") == 1
    done = t.run("upsert", "t", "-", "--evolve", stdin='{"k":2,"n":1}\n')
    assert "t: added column n long" in done.stderr


def test_bad_rows_go_to_quarantine_and_come_back(t):
    text = '{"k":"no number","n":1}\n{"k":2,"n":2}\n'
    result = t.upsert("t", text, "--evolve", "--quarantine")
    assert (result["inserted"], result["rejected"], result["columns_added"]) == (1, 1, 1)
    assert len(t.rows("quarantine", "show", "t")) == 1


def test_without_it_and_with_nothing_new_all_is_as_ever(t):
    done = t.run("upsert", "t", "-", stdin=CSV)
    assert done.returncode == 3 and "--evolve" in done.stderr
    assert t.upsert("t", '{"k":1,"a":"x"}\n', "--evolve")["columns_added"] == 0
    assert t.version("t") == 1
    t.ok("upsert", "t", "-", "--app-id", "a", "--app-version", "1", stdin="k,a\n2,y\n")
    again = t.upsert("t", "k,fresh\n3,1\n", "--evolve", "--app-id", "a", "--app-version", "1")
    assert again["already_applied"] is True
    assert types(t) == {}


def test_append_evolves(t):
    result = json.loads(t.ok("append", "t", "-", "--evolve", "--allow-duplicates", "--json", stdin="k,n\n1,1\n1,2\n"))
    assert (result["inserted"], result["columns_added"]) == (2, 1)
    assert history(t)[:2] == [(3, "WRITE"), (2, "ADD COLUMNS")]


@pytest.mark.parametrize("text, status, words", [
    ('{"k":2,"nest":[1]}\n', 7, "nest"), ('{"k":2,"bad name":1}\n', 3, "bad name"),
    ('{"k":2,"x;y":1}\n', 3, "x;y"), ("k,N,n\n1,1,1\n", 3, "n")])
def test_what_no_column_can_be_is_refused(t, text, status, words):
    done = t.run("upsert", "t", "-", "--evolve", stdin=text)
    assert done.returncode == status
    assert words in done.stderr
    assert t.version("t") == 1


def test_files_of_one_batch_agree_or_are_refused(t, tmp_path):
    (tmp_path / "a.csv").write_text("k,n\n2,1\n")
    (tmp_path / "b.csv").write_text("k,N\n3,1.5\n")
    t.ok("upsert", "t", tmp_path / "a.csv", tmp_path / "b.csv", "--evolve")
    assert types(t) == {"n": "double"}
    for name, column in (("a", [1]), ("b", ["x"])):
        pyarrow.parquet.write_table(pyarrow.table({"k": [4], "new": column}), tmp_path / f"{name}.parquet")
    done = t.run("upsert", "t", tmp_path / "a.parquet", tmp_path / "b.parquet", "--evolve")
    assert done.returncode == 3
    assert "new" in done.stderr and "string" in done.stderr and "long" in done.stderr


def test_a_type_never_changes(t):
    t.upsert("t", "k,n\n2,1\n", "--evolve")
    done = t.run("upsert", "t", "-", "--evolve", stdin="k,n\n3,1.5\n")
    assert done.returncode == 3
    assert types(t) == {"n": "long"}


def test_a_table_with_column_mapping_gets_names_of_its_own(t):
    t.ok("alter", "t", "upgrade", "columnMapping")
    t.ok("alter", "t", "rename-column", "a", "a2", "--upgrade")
    t.upsert("t", "k,n\n2,1\n", "--evolve")
    assert t.rows("query", "SELECT n FROM t ORDER BY k") == [{"n": None}, {"n": 1}]
    schema = json.loads([json.loads(line) for line in sorted(
        (t.table("t") / "_delta_log").glob("*.json"))[-2].read_text().splitlines()][1]
        ["metaData"]["schemaString"])
    assert schema["fields"][2]["metadata"]["delta.columnMapping.physicalName"].startswith("col-")


def test_concurrent_evolvers_lose_nothing(t):
    """Each adds a column of its own and one that all add."""
    def evolve(i):
        text = f"k,common,own{i}\n{100 + i},{i},{i}\n"
        return subprocess.run([str(t.program), "--lake", str(t.lake), "upsert", "t", "-", "--evolve",
                               "--json", "--quiet"], input=text, capture_output=True, text=True,
                              check=False)

    with ThreadPoolExecutor(6) as pool:
        done = list(pool.map(evolve, range(6)))
    assert [run.returncode for run in done] == [0] * 6, [run.stderr for run in done]
    assert sorted(types(t)) == ["common"] + [f"own{i}" for i in range(6)]
    rows = {row["k"]: row for row in t.rows("scan", "t")}
    assert all(rows[100 + i]["common"] == i and rows[100 + i][f"own{i}"] == i for i in range(6))
    added = [column["column"]["name"] for row in t.rows("history", "t")
             if row["operation"] == "ADD COLUMNS"
             for column in json.loads(row["operationParameters"]["columns"])]
    assert sorted(added) == ["common"] + [f"own{i}" for i in range(6)]


def test_a_parquet_file_that_is_broken_has_its_own_name(t, tmp_path):
    """Its texts are no UTF-8, which comes out where a type is looked for."""
    path = tmp_path / "badutf.parquet"
    texts = pyarrow.StringArray.from_buffers(
        1, pyarrow.py_buffer(b"\0\0\0\0\2\0\0\0"), pyarrow.py_buffer(b"\xff\xfe"))
    pyarrow.parquet.write_table(pyarrow.table({"k": [2], "b": texts}), path)
    done = t.run("upsert", "t", path, "--evolve")
    assert done.returncode == 3 and "badutf.parquet cannot be read as Parquet: " in done.stderr
    assert "/proc/" not in done.stderr and types(t) == {}
