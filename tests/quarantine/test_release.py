"""What is set aside is the whole row: released, it means what it meant when it came."""

import datetime
import decimal
import io
import json

import pyarrow
import pyarrow.ipc
import pyarrow.parquet
import pytest

CHECK = ("--check", "c: v > 0")


def ndjson(varve, table, *rows):
    """Bad rows, each a JSON object or a line."""
    text = "".join((row if isinstance(row, str) else json.dumps(row)) + "\n" for row in rows)
    done = json.loads(varve.ok("upsert", table, "-", "--input-format", "ndjson", "--quarantine",
                               "--json", stdin=text))
    assert done["rejected"] == len(rows)


def release(varve, table):
    done = json.loads(varve.ok("quarantine", "release", table, "--json"))
    return done["rows_in"] - done["rejected"], done["rejected"]


def file_of(varve, table):
    [path] = (varve.table(table) / "_varve" / "quarantine").iterdir()
    return path


def add_field(varve, column, name, kind):
    """What another engine does to a struct: no command of ours."""
    log = varve.table("t") / "_delta_log"
    commits = sorted(log.glob("*.json"))
    metadata = [json.loads(line)["metaData"] for path in commits
                for line in path.read_text().splitlines() if '"metaData"' in line][-1]
    schema = json.loads(metadata["schemaString"])
    [field] = [field for field in schema["fields"] if field["name"] == column]
    field["type"]["fields"].append({"name": name, "type": kind, "nullable": True, "metadata": {}})
    metadata["schemaString"] = json.dumps(schema)
    commit = [{"commitInfo": {"timestamp": 1, "operation": "ADD COLUMNS"}}, {"metaData": metadata}]
    (log / f"{len(commits):020d}.json").write_text("\n".join(map(json.dumps, commit)) + "\n")


NESTED = ("id string not null, s struct<a:int>, l array<struct<a:int>>, m map<string,struct<a:int>>, "
          "v int")


@pytest.mark.parametrize("row", [
    {"s": {"a": 1, "x": 2}}, {"l": [{"a": 1}, {"a": 1, "x": 2}]}, {"m": {"k": {"a": 1, "x": 2}}},
    {"s": "text"}, {"s": [1]}, {"l": {"a": 1}}, {"s": {"a": {"b": 1}}}, {"s": {"a": 1, "A": 2}},
    {"m": [{"key": "k", "value": {"a": 1}}]}, {"s": {"a": 1, "x": 2}, "l": "text"},
    {"new": 1, "other": {"deep": [1, None, "é"]}}, {"id": {"a": 1}}, {"id": [1]}])
def test_a_row_of_which_nothing_was_changed_stays_whole(varve, row):
    """Each shape that no column takes, and several of them in one row."""
    varve.ok("create", "t", "--key", "id", "--schema", NESTED)
    row = {"id": "e"} | row
    ndjson(varve, "t", row)
    for _ in range(2):
        [shown] = varve.rows("quarantine", "show", "t")
        assert {name: str(value) if isinstance(value, int) else value
                for name, value in row.items()} == shown["values"]
        assert release(varve, "t") == (0, 1)
    assert varve.rows("scan", "t") == []


def test_a_nested_row_is_released_when_its_column_takes_it(varve):
    varve.ok("create", "t", "--key", "id", "--schema", "id string not null, s struct<a:int>")
    ndjson(varve, "t", {"id": "e", "s": {"a": 1, "x": 2}, "new": {"y": 1.50}})
    assert release(varve, "t") == (0, 1)
    add_field(varve, "s", "x", "integer")
    assert release(varve, "t") == (0, 1)
    [shown] = varve.rows("quarantine", "show", "t")
    assert (shown["column"], shown["rule"]) == ("new", "is in no column of the table")
    varve.ok("alter", "t", "add-column", "new struct<y:decimal(5,2)>")
    assert release(varve, "t") == (1, 0)
    assert varve.rows("scan", "t") == [
        {"id": "e", "s": {"a": 1, "x": 2}, "new": {"y": 1.50}}]


@pytest.mark.parametrize("depth", [197, 198])
def test_a_row_that_is_as_deep_as_json_may_be_is_read_again(varve, depth):
    """Beside other rows of its batch, which a file that is refused would take with it."""
    varve.ok("create", "t", "--key", "id", "--schema", "id string not null, v int", *CHECK)
    deep = "[" * (depth + 1) + "]" * (depth + 1)
    ndjson(varve, "t", f'{{"id":"a","v":1,"x":{deep}}}', {"id": "b", "v": 0})
    assert len(varve.rows("quarantine", "show", "t")) == 2
    varve.ok("alter", "t", "drop-constraint", "c")
    assert release(varve, "t") == (1, 1)
    varve.ok("alter", "t", "add-column", "x string")
    assert release(varve, "t") == (1, 0)
    assert [row["x"] for row in varve.rows("scan", "t")] == [deep, None]


NULLS = ("id string not null, state string default 'new', v int")


@pytest.mark.parametrize("kind", ["ndjson", "csv", "arrow"])
def test_a_null_that_was_said_is_no_default(varve, tmp_path, kind):
    varve.ok("create", "t", "--key", "id", "--schema", NULLS, *CHECK)
    path = tmp_path / f"rows.{kind}"
    if kind == "ndjson":
        path.write_text('{"id":"a","state":null,"v":0}\n{"id":"b","v":0}\n')
    elif kind == "csv":
        path.write_text("id,state,v\na,,0\n")
    else:
        rows = pyarrow.table({"id": ["a"], "state": pyarrow.array([None], "string"), "v": [0]})
        with pyarrow.ipc.new_file(path, rows.schema) as file:
            file.write_table(rows)
    varve.ok("upsert", "t", path, "--quarantine")
    assert varve.rows("quarantine", "show", "t")[0]["values"] == {"id": "a", "state": None, "v": "0"}
    varve.ok("alter", "t", "drop-constraint", "c")
    assert release(varve, "t")[1] == 0
    assert {row["id"]: row["state"] for row in varve.rows("scan", "t")} == (
        {"a": None, "b": "new"} if kind == "ndjson" else {"a": None})


@pytest.mark.parametrize("row", ['{"id":"a","v":0,"seen":null}', '{"id":"a","v":0}'])
def test_a_null_is_no_order_value(varve, row):
    varve.ok("create", "t", "--key", "id", "--order-by", "seen", "--schema",
             "id string not null, v int, seen timestamp", *CHECK)
    ndjson(varve, "t", row)
    [batch] = varve.rows("quarantine", "list", "t")
    varve.ok("alter", "t", "drop-constraint", "c")
    assert release(varve, "t") == (1, 0)
    assert varve.rows("scan", "t")[0]["seen"] == batch["arrival"]


@pytest.mark.parametrize("times", [1, 30000], ids=["small", "large"])
def test_a_row_with_a_map_is_released(varve, times):
    varve.ok("create", "t", "--key", "id", "--schema",
             "id string not null, m map<string,double>, d struct<n:array<map<string,int>>>, v int",
             *CHECK)
    row = {"m": {"k": 1.5, "é": None}, "d": {"n": [{"a": 1}, {}]}, "v": 0}
    text = "".join(json.dumps({"id": f"k{n}"} | row | {"v": n % 3}) + "\n" for n in range(times))
    varve.ok("upsert", "t", "-", "--input-format", "ndjson", "--quarantine", stdin=text)
    varve.ok("alter", "t", "drop-constraint", "c")
    assert release(varve, "t") == ((times + 2) // 3, 0)
    assert varve.rows("scan", "t", "--where", "id = 'k0'") == [{"id": "k0"} | row]
    assert len(varve.rows("scan", "t")) == times


def test_what_stays_says_what_it_breaks_now(varve):
    varve.ok("create", "t", "--key", "id", "--schema", "id string not null, v int, w int", *CHECK,
             "--check", "d: w > 0")
    ndjson(varve, "t", {"id": "a", "v": 0, "w": 0}, {"id": "b", "v": 0, "w": 1})
    before = json.loads(file_of(varve, "t").read_text().splitlines()[1])
    varve.ok("alter", "t", "drop-constraint", "c")
    done = varve.run("quarantine", "release", "t")
    assert "1 of 2 rows released" in done.stderr and "varve quarantine show t" in done.stderr
    [row] = varve.rows("quarantine", "show", "t")
    assert (row["row"], row["line"], row["rules"]) == (1, 1, 1) and "breaks d" in row["rule"]
    assert "breaks d" in varve.rows("quarantine", "list", "t")[0]["reason"]
    after = json.loads(file_of(varve, "t").read_text().splitlines()[1])
    assert after.pop("reasons") == before.pop("reasons")[1:] and after == before


def test_digits_that_were_to_be_cut_are_cut(varve):
    varve.ok("create", "t", "--key", "id", "--schema", "id string not null, ts timestamp, v int",
             *CHECK)
    text = "id,ts,v\nd,2026-07-01T10:00:00.1234567Z,0\n"
    varve.upsert("t", text, "--truncate-time", "--quarantine")
    varve.ok("alter", "t", "drop-constraint", "c")
    assert release(varve, "t") == (1, 0)
    assert varve.rows("scan", "t")[0]["ts"] == "2026-07-01T10:00:00.123456Z"
    varve.upsert("t", text, "--quarantine")
    assert release(varve, "t") == (0, 1)


def stream_of(rows):
    sink = io.BytesIO()
    with pyarrow.ipc.new_file(sink, rows.schema) as file:
        file.write_table(rows)
    return sink.getvalue()


@pytest.mark.parametrize("zone, end", [("UTC", "Z"), ("America/New_York", "Z"), (None, "")])
def test_digits_below_a_microsecond_are_kept(varve, tmp_path, zone, end):
    varve.ok("create", "t", "--key", "ts", "--schema", "ts timestamp not null, v bigint")
    path = tmp_path / "ns.arrow"
    ns = [1763650000000000001, 1763650000000000999, -1]
    path.write_bytes(stream_of(pyarrow.table(
        {"ts": pyarrow.array(ns, pyarrow.timestamp("ns", zone)), "v": [1, 2, 3]})))
    texts = ["2025-11-20T14:46:40.000000001", "2025-11-20T14:46:40.000000999",
             "1969-12-31T23:59:59.999999999"]
    texts = [(text if zone else text.replace("T", " ")) + end for text in texts]
    done = varve.run("upsert", "t", path)
    assert done.returncode == 3 and f"ts = {texts[0]} has digits below" in done.stderr
    varve.ok("upsert", "t", path, "--quarantine")
    for _ in range(2):
        rows = varve.rows("quarantine", "show", "t")
        assert [row["values"]["ts"] for row in rows] == texts
        assert [row["value"] for row in rows] == texts
        assert release(varve, "t") == (0, 3)
    assert varve.rows("scan", "t") == []
    varve.ok("quarantine", "drop", "t", "--yes")
    varve.ok("upsert", "t", path, "--truncate-time")
    assert len(varve.rows("scan", "t")) == 2


OLD = {"varve.quarantine": 1, "tableId": "t", "arrival": "2025-01-30T10:00:00.000000Z",
       "userName": "ann"}


def keep_old(varve, *rows):
    """A file as builds wrote it before format 2."""
    folder = varve.table("t") / "_varve" / "quarantine"
    folder.mkdir(parents=True, exist_ok=True)
    lines = [OLD] + [{"row": n + 1, "source": "<stdin>"} | row for n, row in enumerate(rows)]
    (folder / "rows-0123456789abcdef0123456789abcdef.ndjson").write_text(
        "".join(json.dumps(line) + "\n" for line in lines))


def test_a_file_of_an_earlier_build_is_released(varve):
    varve.ok("create", "t", "--key", "id", "--schema",
             "id string not null, m map<string,double>, d struct<N:array<map<string,int>>>, "
             "l array<struct<key:string,value:string>>, state string default 'new'")
    rule = [{"column": "v", "value": "0", "rule": "breaks c (v > 0)"}]
    keep_old(varve, {"values": {
        "id": "a", "m": [{"key": "k", "value": "1.5"}, {"key": "n", "value": None}],
        "d": {"N": [[{"key": "x", "value": "1"}], []]}, "l": [{"key": "p", "value": "q"}]},
        "reasons": rule})
    assert release(varve, "t") == (1, 0)
    assert varve.rows("scan", "t") == [
        {"id": "a", "m": {"k": 1.5, "n": None}, "d": {"N": [{"x": 1}, {}]},
         "l": [{"key": "p", "value": "q"}], "state": "new"}]


@pytest.mark.parametrize("text", ['{"a":1,"x":2}', '{"a":1,"x":"' + "x" * 188])
def test_a_value_that_an_earlier_build_left_out_is_missed(varve, text):
    """Only the reason has it, and of a long one not all of it."""
    varve.ok("create", "t", "--key", "id", "--schema", "id string not null, s struct<a:int>")
    keep_old(varve, {"values": {"id": "e"}, "reasons": [
        {"column": "s", "value": text, "rule": "holds a field that the type does not have"}]},
        {"values": {"id": "g"}, "reasons": [
            {"column": "id", "value": None, "rule": "breaks a rule that is gone"}]})
    assert release(varve, "t") == (1, 1)
    assert varve.rows("scan", "t") == [{"id": "g", "s": None}]
    add_field(varve, "s", "x", "integer")
    assert release(varve, "t") == ((1, 0) if text.endswith("}") else (0, 1))


def test_a_line_that_is_no_row_stays_what_it_is(varve):
    varve.ok("create", "t", "--key", "id", "--order-by", "seen", "--schema",
             "id string not null, v int, seen timestamp")
    varve.upsert("t", "id,v\na,1\nb\n", "--quarantine")
    before = varve.rows("quarantine", "show", "t")
    assert before[0]["rule"] == "has 1 field, the header has 2"
    assert release(varve, "t") == (0, 1)
    assert varve.rows("quarantine", "show", "t") == before


NAN, INF = float("nan"), float("inf")


@pytest.mark.parametrize("kind, value, column", [
    (pyarrow.float32(), 0.1, "double"), (pyarrow.float32(), 0.1, "float"),
    (pyarrow.binary(), b"abcd", "binary"), (pyarrow.binary(), b"\0\xffz", "binary"),
    (pyarrow.struct([("d", pyarrow.float64()), ("f", pyarrow.float32())]),
     {"d": NAN, "f": -INF}, "struct<d:double,f:float>"),
    (pyarrow.struct([("d", pyarrow.float64()), ("i", pyarrow.int64())]),
     {"d": 0.1 + 0.2, "i": 2**63 - 1}, "struct<d:double,i:bigint>"),
    (pyarrow.list_(pyarrow.list_(pyarrow.float64())), [[1.5, NAN, None], None, []],
     "array<array<double>>"),
    (pyarrow.map_(pyarrow.string(), pyarrow.binary()), [("k'\"", b"\x01ab"), ("n", None)],
     "map<string,binary>"),
    (pyarrow.map_(pyarrow.binary(), pyarrow.float64()), [(b"\0\xff", NAN), (b"", 1.5)],
     "map<binary,double>"),
    (pyarrow.list_(pyarrow.timestamp("ns", "UTC")), [1763650000000001000, None, -1000],
     "array<timestamp>"),
    (pyarrow.map_(pyarrow.timestamp("ns", "UTC"), pyarrow.struct([
        ("t", pyarrow.timestamp("ns", "UTC"))])),
     [(1763650000000001000, {"t": 1000}), (-1000, None), (0, {"t": None})],
     "map<timestamp,struct<t:timestamp>>"),
    (pyarrow.list_(pyarrow.timestamp("ns")), [1763650000000001000, None, -1000],
     "array<timestamp>"),
    (pyarrow.struct([("a\"b'", pyarrow.list_(pyarrow.struct([("x", pyarrow.binary())])))]),
     {"a\"b'": [{"x": b"abcd"}, None]}, "struct<`a\"b'`:array<struct<x:binary>>>"),
    (pyarrow.decimal128(38, 10), decimal.Decimal("1234567890123456789012345678.0123456789"),
     "decimal(38,10)"),
    (pyarrow.map_(pyarrow.string(), pyarrow.decimal128(18, 18)),
     [("a", decimal.Decimal("0.5")), ("b", decimal.Decimal("-0.5")), ("c", decimal.Decimal(0))],
     "map<string,decimal(18,18)>"),
    (pyarrow.struct([("d", pyarrow.decimal128(38, 38)), ("m", pyarrow.map_(
        pyarrow.decimal128(16, 16), pyarrow.struct([("b", pyarrow.binary()),
                                                    ("d", pyarrow.decimal128(38, 10))])))]),
     {"d": decimal.Decimal("0." + "123456789" * 4), "m": [(decimal.Decimal("0.25"), {
         "b": b"abcd", "d": decimal.Decimal("1234567890123456789012345678.0123456789")})]},
     "struct<d:decimal(38,38),m:map<decimal(16,16),struct<b:binary,d:decimal(38,10)>>>"),
])
def test_a_typed_row_is_released_as_it_came(varve, tmp_path, kind, value, column):
    """Beside another one, which a file that nobody can read would take with it."""
    path = tmp_path / "rows.arrow"
    path.write_bytes(stream_of(pyarrow.table(
        {"id": ["a", "b"], "v": [0, 0], "x": pyarrow.array([value, None], kind)})))
    schema = f"id string not null, v int, x {column}"
    varve.ok("create", "t", "--key", "id", "--schema", schema, *CHECK)
    varve.ok("create", "direct", "--key", "id", "--schema", schema)
    varve.ok("upsert", "t", path, "--quarantine")
    varve.ok("upsert", "direct", path)
    varve.ok("alter", "t", "drop-constraint", "c")
    assert release(varve, "t") == (2, 0)
    rows = [varve.ok("query", f"SELECT * FROM {name} ORDER BY id", "--format", "ndjson", "--nan",
                     "string") for name in ("t", "direct")]
    assert rows[0] == rows[1] and rows[0].count("\n") == 2


@pytest.mark.parametrize("kind, value, column", [
    (pyarrow.int64(), 2**53 + 1, "double"), (pyarrow.int64(), 2**24 + 1, "float"),
    (pyarrow.uint64(), 2**64 - 1, "double"), (pyarrow.int64(), -2**53 - 1, "double"),
    (pyarrow.list_(pyarrow.int64()), [1, 2**53 + 1], "array<double>"),
    (pyarrow.map_(pyarrow.string(), pyarrow.struct([("a", pyarrow.int64())])),
     [("k", {"a": 2**24 + 1})], "map<string,struct<a:float>>"),
], ids=str)
def test_a_whole_number_that_a_float_does_not_hold_is_not_let_in(varve, tmp_path, kind, value,
                                                                 column):
    """A text of the same digits is rounded, wherever it comes from."""
    varve.ok("create", "t", "--key", "id", "--schema", f"id string not null, x {column}")
    path = tmp_path / "rows.parquet"
    pyarrow.parquet.write_table(pyarrow.table({"id": ["a"], "x": pyarrow.array([value], kind)}),
                                path)
    varve.ok("upsert", "t", path, "--quarantine")
    before = varve.rows("quarantine", "show", "t")
    assert before[0]["rule"] == f"does not fit type {column}"
    for _ in range(2):
        assert release(varve, "t") == (0, 1)
    [after] = varve.rows("quarantine", "show", "t")
    assert after["values"] == before[0]["values"] and after["rules"] == 1
    assert (after["column"], after["rule"]) == ("x", before[0]["rule"])
    assert varve.rows("scan", "t") == []


@pytest.mark.parametrize("kind, column", [
    (pyarrow.int64(), "double"), (pyarrow.string(), "double"), (pyarrow.int32(), "float"),
    (pyarrow.list_(pyarrow.int64()), "array<double>")], ids=str)
def test_a_number_that_was_set_aside_for_another_rule_is_let_in(varve, tmp_path, kind, column):
    values = {"int64": [2**53, -7], "int32": [2**24, -7],
              "string": [str(2**53 + 1), "18446744073709551615"]}.get(str(kind), [[2**60], [None]])
    path = tmp_path / "rows.parquet"
    pyarrow.parquet.write_table(pyarrow.table(
        {"id": ["a", "b"], "v": [0, 0], "x": pyarrow.array(values, kind)}), path)
    varve.ok("create", "t", "--key", "id", "--schema", f"id string not null, v int, x {column}",
             *CHECK)
    varve.ok("upsert", "t", path, "--quarantine")
    varve.ok("alter", "t", "drop-constraint", "c")
    assert release(varve, "t") == (2, 0)


@pytest.mark.parametrize("kind, value, column", [
    (pyarrow.struct([("x", pyarrow.int64()), ("t", pyarrow.time64("us")), ("z", pyarrow.float64()),
                     ("b", pyarrow.binary())]),
     {"x": 1, "t": datetime.time(10), "z": NAN, "b": b"\0\xff"},
     "struct<x:bigint,t:string,z:double,b:binary>"),
    (pyarrow.list_(pyarrow.time64("us")), [datetime.time(10), None], "array<string>")],
    ids=["struct", "array"])
def test_a_type_that_no_table_has_is_whole_within_nested_values(varve, tmp_path, kind, value,
                                                                column):
    path = tmp_path / "rows.parquet"
    pyarrow.parquet.write_table(pyarrow.table(
        {"id": ["a"], "v": [0], "x": pyarrow.array([value], kind)}), path)
    schema = f"id string not null, v int, x {column}"
    varve.ok("create", "t", "--key", "id", "--schema", schema, *CHECK)
    varve.ok("create", "direct", "--key", "id", "--schema", schema)
    varve.ok("upsert", "t", path, "--quarantine")
    varve.ok("upsert", "direct", path)
    varve.ok("alter", "t", "drop-constraint", "c")
    assert release(varve, "t") == (1, 0)
    rows = [varve.ok("scan", name, "--format", "ndjson", "--nan", "string")
            for name in ("t", "direct")]
    assert rows[0] == rows[1] and "10:00:00" in rows[0]


@pytest.mark.parametrize("kind, value, shown", [
    (pyarrow.list_(pyarrow.timestamp("ns", "UTC")), [1763650000000000000, 1763650000000000001, -1],
     ["2025-11-20 14:46:40+00", "2025-11-20T14:46:40.000000001Z",
      "1969-12-31T23:59:59.999999999Z"]),
    (pyarrow.struct([("a", pyarrow.timestamp("ns", "UTC")), ("b", pyarrow.string())]),
     {"a": 1763650000000000001, "b": "x"}, {"a": "2025-11-20T14:46:40.000000001Z", "b": "x"})],
    ids=["array", "struct"])
def test_nested_digits_below_a_microsecond_are_kept(varve, tmp_path, kind, value, shown):
    column = "array<timestamp>" if isinstance(shown, list) else "struct<a:timestamp,b:string>"
    varve.ok("create", "t", "--key", "id", "--schema", f"id string not null, x {column}")
    path = tmp_path / "rows.arrow"
    path.write_bytes(stream_of(pyarrow.table({"id": ["a"], "x": pyarrow.array([value], kind)})))
    varve.ok("upsert", "t", path, "--quarantine")
    for _ in range(2):
        assert [row["values"]["x"] for row in varve.rows("quarantine", "show", "t")] == [shown]
        assert release(varve, "t") == (0, 1)
    varve.ok("quarantine", "drop", "t", "--yes")
    varve.ok("upsert", "t", path, "--truncate-time")
    assert len(varve.rows("scan", "t")) == 1


@pytest.mark.parametrize("form", ["parquet", "arrow"])
@pytest.mark.parametrize("kind, twice, once, column", [
    (pyarrow.map_(pyarrow.string(), pyarrow.float64()), [("x", 1.5), ("x", NAN)], [("x", NAN)],
     "map<string,double>"),
    (pyarrow.list_(pyarrow.map_(pyarrow.string(), pyarrow.string())), [[("x", "a"), ("x", "b")]],
     [[("x", "a")], None, []], "array<map<string,string>>"),
    (pyarrow.map_(pyarrow.timestamp("ns", "UTC"), pyarrow.int64()), [(1000, 1), (1000, 2)],
     [(1000, 1)], "map<timestamp,long>")], ids=["map", "array", "times"])
def test_a_key_that_is_twice_in_a_map_is_refused(varve, tmp_path, form, kind, twice, once, column):
    """As from NDJSON: no other engine reads such a map."""
    varve.ok("create", "t", "--key", "id", "--schema", f"id string not null, m {column}")
    rows = pyarrow.table({"id": ["a", "b"], "m": pyarrow.array([twice, once], kind)})
    path = tmp_path / f"rows.{form}"
    if form == "arrow":
        path.write_bytes(stream_of(rows))
    else:
        pyarrow.parquet.write_table(rows, path)
    done = varve.run("upsert", "t", path)
    assert done.returncode == 3 and "1 of 2 rows rejected" in done.stderr, done.stderr
    varve.ok("upsert", "t", path, "--quarantine")
    assert [row["id"] for row in varve.rows("scan", "t")] == ["b"]
    [shown] = varve.rows("quarantine", "show", "t")
    assert (shown["column"], shown["rule"]) == ("m", f"does not fit type {column}")
    assert release(varve, "t") == (0, 1)
    text = file_of(varve, "t").read_text()
    assert text.count('"x":') + text.count('1970-01-01 00:00:00.000001') >= 2


def test_a_dry_run_says_what_a_release_would_do(varve):
    varve.ok("create", "t", "--key", "id", "--schema", "id string not null, v int", *CHECK)
    ndjson(varve, "t", {"id": "a", "v": 0}, {"id": "b", "v": "x"})
    ndjson(varve, "t", {"id": "c", "v": 0})
    varve.ok("alter", "t", "drop-constraint", "c")
    shown, version = varve.rows("quarantine", "show", "t"), varve.version("t")
    dry = json.loads(varve.ok("quarantine", "release", "t", "--dry-run", "--json"))
    assert varve.rows("quarantine", "show", "t") == shown and varve.version("t") == version
    assert varve.rows("scan", "t") == []
    said = varve.run("quarantine", "release", "t", "--dry-run").stderr
    assert "t: 2 of 3 rows would be released: 2 inserted" in said and "(a dry run: nothing written)" in said
    real = json.loads(varve.ok("quarantine", "release", "t", "--json"))
    assert real.pop("version") == dry.pop("version") + 2 and real == dry
    assert (real["inserted"], real["rejected"], real["batches_released"]) == (2, 1, 1)


@pytest.mark.parametrize("verb", ["list", "show", "drop"])
def test_only_a_release_has_a_dry_run(varve, verb):
    varve.ok("create", "t", "--key", "id", "--schema", "id string not null, v int", *CHECK)
    ndjson(varve, "t", {"id": "a", "v": 0})
    done = varve.run("quarantine", verb, "t", "--dry-run", "--yes")
    assert done.returncode == 2 and f"quarantine {verb} has no --dry-run" in done.stderr
    assert len(varve.rows("quarantine", "show", "t")) == 1


def test_the_history_tells_a_release_from_an_upsert(varve):
    varve.ok("create", "t", "--key", "id", "--schema", "id string not null, v int", *CHECK)
    ndjson(varve, "t", {"id": "a", "v": 0})
    batch = file_of(varve, "t").name[:-7]
    varve.ok("alter", "t", "drop-constraint", "c")
    varve.ok("--message", "v may be 0", "quarantine", "release", "t")
    varve.ok("upsert", "t", "-", "--input-format", "ndjson", stdin='{"id":"a","v":1}\n')
    upsert, released = varve.rows("history", "t", "--limit", "2")
    assert (released["operation"], released["userMetadata"]) == ("MERGE", "v may be 0")
    assert released["operationParameters"]["quarantine"] == batch
    assert "quarantine" not in upsert["operationParameters"]
