"""Parquet in: the same rows as by any other way, whoever wrote the file."""

import datetime
import decimal
import math

import polars
import pyarrow
import pyarrow.parquet
import pytest

SCHEMA = ("k long not null, s string, f double, g float, b boolean, d date, t timestamp, "
          "n timestamp_ntz, i int, c decimal(12,3), x binary, l array<int>, "
          "r struct<a:int,b:string>")
UTC = datetime.timezone.utc


def rows():
    time = datetime.datetime(2025, 1, 30, 10, 0, 0, 123456)
    whole = {"k": 1, "s": "ä,\"\n", "f": 0.1, "g": 1.5, "b": True, "d": datetime.date(2025, 1, 30),
             "t": time.replace(tzinfo=UTC), "n": time, "i": -5, "c": decimal.Decimal("1.250"),
             "x": b"\x00\xff", "l": [1, None], "r": {"a": 1, "b": None}}
    empty = {name: None for name in whole} | {"k": 2}
    odd = {name: None for name in whole} | {"k": 3, "s": "", "f": math.nan, "g": -math.inf,
                                           "x": b"", "l": []}
    return [whole, empty, odd]


def table():
    types = [("k", pyarrow.int64()), ("s", pyarrow.string()), ("f", pyarrow.float64()),
             ("g", pyarrow.float32()), ("b", pyarrow.bool_()), ("d", pyarrow.date32()),
             ("t", pyarrow.timestamp("us", "UTC")), ("n", pyarrow.timestamp("us")),
             ("i", pyarrow.int32()), ("c", pyarrow.decimal128(12, 3)), ("x", pyarrow.binary()),
             ("l", pyarrow.list_(pyarrow.int32())),
             ("r", pyarrow.struct([("a", pyarrow.int32()), ("b", pyarrow.string())]))]
    return pyarrow.Table.from_pylist(rows(), schema=pyarrow.schema(types))


@pytest.fixture
def wide(varve):
    varve.ok("create", "wide", "--schema", SCHEMA, "--key", "k")
    return varve


@pytest.mark.parametrize("options", [{}, {"compression": "snappy"}, {"compression": "none"},
                                     {"use_dictionary": False}, {"data_page_version": "2.0"},
                                     {"row_group_size": 1}, {"version": "1.0"}], ids=str)
def test_all_types_from_pyarrow(wide, tmp_path, options):
    path = tmp_path / "rows.parquet"
    pyarrow.parquet.write_table(table(), path, **options)
    wide.ok("upsert", "wide", path)
    out = tmp_path / "out.parquet"
    wide.ok("scan", "wide", "-o", out)
    back = sorted(pyarrow.parquet.read_table(out).to_pylist(), key=lambda row: row["k"])
    for found, expected in zip(back, rows()):
        assert str(found["f"]) == str(expected["f"]) and str(found["g"]) == str(expected["g"])
        assert {n: v for n, v in found.items() if n not in "fg"} == {
            n: v for n, v in expected.items() if n not in "fg"}
    assert wide.ok("upsert", "wide", out, "--json").count('"unchanged":3') == 1


def test_a_file_of_polars_by_stdin(market, tmp_path):
    frame = polars.DataFrame({
        "timestamp": [datetime.datetime(2025, 1, 30, 10, tzinfo=UTC)], "symbol": ["SPY"],
        "regime": ["bullish_low"], "vix": [15]})
    frame.write_parquet(tmp_path / "r.parquet")
    with open(tmp_path / "r.parquet", "rb") as stdin:
        import subprocess
        done = subprocess.run([str(market.program), "--lake", str(market.lake), "upsert",
                               "market_regimes", "-", "--json"], stdin=stdin, text=True,
                              capture_output=True, check=True)
    assert '"inserted":1' in done.stdout
    assert market.rows("scan", "market_regimes")[0]["vix"] == 15


def test_times_finer_than_a_microsecond(market, tmp_path):
    def write(ns, **options):
        pyarrow.parquet.write_table(pyarrow.table({
            "timestamp": pyarrow.array([ns], pyarrow.timestamp("ns")), "symbol": ["A"],
            "regime": ["bullish_low"]}), tmp_path / "t.parquet", **options)
        return market.run("upsert", "market_regimes", tmp_path / "t.parquet")

    done = write(1738231200000000001)
    assert done.returncode == 3 and "below a microsecond" in done.stderr
    assert write(1738231200000001000).returncode == 0
    assert write(1738231200000002000, use_deprecated_int96_timestamps=True).returncode == 0
    assert sorted(row["timestamp"] for row in market.rows("scan", "market_regimes")) == [
        "2025-01-30T10:00:00.000001Z", "2025-01-30T10:00:00.000002Z"]


def test_partition_values_in_the_path_are_no_columns(varve, tmp_path):
    varve.ok("create", "t", "--schema", "k int, p string", "--key", "k")
    folder = tmp_path / "p=x"
    folder.mkdir()
    pyarrow.parquet.write_table(pyarrow.table({"k": [1]}), folder / "a.parquet")
    varve.ok("upsert", "t", folder / "a.parquet")
    assert varve.rows("scan", "t") == [{"k": 1, "p": None}]


@pytest.mark.parametrize("content", [b"", b"PAR1", b"nonsense" * 20, b"PAR1" * 30])
def test_what_is_no_parquet_file_is_named(market, tmp_path, content):
    path = tmp_path / "broken.parquet"
    path.write_bytes(content)
    done = market.run("upsert", "market_regimes", path)
    assert done.returncode == 3
    assert "broken.parquet" in done.stderr
    assert market.version("market_regimes") == 0


def test_a_cut_file_is_named(market, tmp_path):
    path = tmp_path / "cut.parquet"
    pyarrow.parquet.write_table(pyarrow.table({"symbol": ["a"] * 1000}), path)
    path.write_bytes(path.read_bytes()[:-20])
    done = market.run("upsert", "market_regimes", path)
    assert done.returncode == 3 and "cut.parquet" in done.stderr


@pytest.mark.parametrize("form", ["parquet", "arrow", "csv", "ndjson"])
def test_a_whole_number_is_an_integer_in_every_format(varve, tmp_path, form):
    """And one with a fraction in none."""
    def load(value):
        path = tmp_path / f"rows.{form}"
        rows = pyarrow.table({"k": [1], "i": [float(value)]})
        if form == "parquet":
            pyarrow.parquet.write_table(rows, path)
        elif form == "arrow":
            with pyarrow.ipc.new_file(path, rows.schema) as file:
                file.write_table(rows)
        else:
            path.write_text(f"k,i\n1,{value}\n" if form == "csv" else f'{{"k":1,"i":{value}}}\n')
        return varve.run("upsert", "t", path)

    varve.ok("create", "t", "--schema", "k long not null, i int", "--key", "k")
    for value in ("5.0", "-0.0", "2e3"):
        done = load(value)
        assert done.returncode == 0, done.stderr
        assert varve.rows("scan", "t") == [{"k": 1, "i": int(float(value))}]
    for value in ("5.5", "1e-1", "3e10"):
        done = load(value)
        assert done.returncode == 3 and "does not fit type integer" in done.stderr


@pytest.mark.parametrize("form", ["csv", "ndjson", "texts"])
def test_an_exponent_is_no_rounding_of_a_decimal(varve, tmp_path, form):
    def load(value):
        path = tmp_path / "rows"
        path.write_text({"csv": f"k,d\n1,{value}\n", "ndjson": f'{{"k":1,"d":{value}}}\n',
                         "texts": f'{{"k":1,"d":"{value}","l":[{{"d":{value}}}]}}\n'}[form])
        return varve.run("upsert", "t", path, "--input-format", form.replace("texts", "ndjson"))

    varve.ok("create", "t", "--key", "k", "--schema",
             "k long not null, d decimal(18,6), l array<struct<d:decimal(18,6)>>")
    for value in ("1e-05", "1E+2", "12.5e-1"):
        done = load(value)
        assert done.returncode == 0, done.stderr
        exact = f"{decimal.Decimal(value):.6f}"
        assert varve.rows("query", "SELECT d::VARCHAR AS d FROM t") == [{"d": exact}]
        if form == "texts":
            assert varve.rows("query", "SELECT l[1].d::VARCHAR AS d FROM t") == [{"d": exact}]
    for value in ("1e-07", "1e12", "1.00000001e1"):
        done = load(value)
        assert done.returncode == 3 and "does not fit type decimal(18,6)" in done.stderr


def test_types_that_never_convert_and_columns_that_are_unknown(market, tmp_path):
    path = tmp_path / "x.parquet"
    good = {"timestamp": ["2025-01-30T10:00:00Z"], "symbol": ["A"], "regime": ["bullish_low"]}
    pyarrow.parquet.write_table(pyarrow.table(good | {"vix": [[1.0]]}), path)
    done = market.run("upsert", "market_regimes", path)
    assert done.returncode == 3 and "vix" in done.stderr
    pyarrow.parquet.write_table(pyarrow.table(good | {"nope": [1]}), path)
    done = market.run("upsert", "market_regimes", path)
    assert done.returncode == 3 and "nope" in done.stderr


def test_rejected_rows_go_to_quarantine_with_their_values(market, tmp_path):
    path = tmp_path / "q.parquet"
    pyarrow.parquet.write_table(pyarrow.table({
        "timestamp": pyarrow.array([0, 1], pyarrow.timestamp("us", "UTC")), "symbol": ["A", "B"],
        "regime": ["bullish_low", "bogus"], "vix": [1.5, 2.5]}), path)
    market.ok("upsert", "market_regimes", path, "--quarantine")
    [row] = market.rows("quarantine", "show", "market_regimes")
    assert (row["row"], row["line"], row["column"]) == (2, None, "regime")
    assert row["values"]["vix"] == "2.5"
    assert row["values"]["timestamp"].startswith("1970-01-01 00:00:00.000001")


@pytest.mark.parametrize("digits", [38, 39, 40, 60, 76])
def test_a_decimal_of_more_digits_than_a_table_has(varve, tmp_path, digits):
    """The engine calls it a double, and reads its bytes as another number's."""
    kind = pyarrow.decimal256(digits, 2)
    inner = pyarrow.struct([("a", pyarrow.list_(kind))])
    value = decimal.Decimal("1.50")
    varve.ok("create", "t", "--schema", "k long not null, x decimal(38,2)", "--key", "k")
    files = {"x": pyarrow.array([value], kind), "r": pyarrow.array([{"a": [value]}], inner)}
    for name, column in files.items():
        path = tmp_path / f"{name}.parquet"
        pyarrow.parquet.write_table(pyarrow.table({"k": [1], name: column}), path)
        for command in (["upsert", "t", path], ["overwrite", "t", path, "--yes"],
                        ["upsert", "t", path, "--evolve"],
                        ["merge", "t", "--source", path, "--on", "t.k = s.k", "--evolve",
                         "--when-not-matched", "insert *"]):
            done = varve.run(*command)
            if digits == 38:
                assert done.returncode == (3 if name == "r" and "--evolve" not in command else 0)
                continue
            assert done.returncode == 7 and f"{name}.parquet: column {name}" in done.stderr
            assert "a decimal of more than 38 digits" in done.stderr
    if digits == 38:
        assert varve.rows("query", "SELECT x::VARCHAR AS x, r.a[1]::VARCHAR AS a FROM t") == [
            {"x": None, "a": "1.50"}]
    else:
        assert varve.version("t") == 0


@pytest.mark.parametrize("writer", ["pyarrow", "polars"])
@pytest.mark.parametrize("kind", ["string", "bigint", "boolean", "timestamp", "decimal(9,2)",
                                  "binary", "date", "array<string>", "struct<a:int>"])
def test_a_column_of_no_type_is_null_in_any(varve, tmp_path, writer, kind):
    """Its physical type is an integer's, which says nothing."""
    path = tmp_path / "null.parquet"
    if writer == "pyarrow":
        pyarrow.parquet.write_table(pyarrow.table({"k": [1, 2], "x": pyarrow.nulls(2)}), path)
    else:
        polars.DataFrame({"k": [1, 2], "x": [None, None]}).write_parquet(path)
    varve.ok("create", "t", "--schema", f"k bigint not null, x {kind}", "--key", "k")
    varve.ok("upsert", "t", path)
    assert varve.rows("query", "SELECT k, x IS NULL AS n FROM t ORDER BY k") == [
        {"k": 1, "n": True}, {"k": 2, "n": True}]


def test_a_column_of_no_type_where_there_must_be_a_value(varve, tmp_path):
    path = tmp_path / "null.parquet"
    pyarrow.parquet.write_table(pyarrow.table({"k": pyarrow.nulls(1)}), path)
    varve.ok("create", "t", "--schema", "k bigint not null", "--key", "k")
    assert "k must not be NULL" in varve.run("upsert", "t", path).stderr


@pytest.mark.parametrize("kind", [pyarrow.null(), pyarrow.string()], ids=str)
def test_a_column_without_a_value_is_not_added(varve, tmp_path, kind):
    path = tmp_path / "null.parquet"
    pyarrow.parquet.write_table(
        pyarrow.table({"k": [1], "it's": pyarrow.nulls(1, kind), "y": ["z"]}), path)
    varve.ok("create", "t", "--schema", "k bigint not null", "--key", "k")
    done = varve.run("upsert", "t", path, "--evolve")
    assert done.returncode == 0
    assert "column it's of " in done.stderr
    assert "null.parquet holds no value: it is not added" in done.stderr
    assert varve.rows("scan", "t") == [{"k": 1, "y": "z"}]


@pytest.mark.parametrize("evolve", [(), ("--evolve",)])
@pytest.mark.parametrize("kind", ["int64", "timestamp[ns, tz=UTC]", "null"])
def test_names_that_differ_in_case_alone(varve, tmp_path, kind, evolve):
    """The engine calls the second one V_1: values would be NULL without a word."""
    kind = {"int64": pyarrow.int64(), "null": pyarrow.null()}.get(kind, pyarrow.timestamp("ns", "UTC"))
    value = None if kind == pyarrow.null() else 5000
    varve.ok("create", "t", "--schema", "k bigint not null, v string, v_1 string", "--key", "k")
    pyarrow.parquet.write_table(pyarrow.table({
        "k": [1], "v": pyarrow.array([value], kind), "V": pyarrow.array([None], pyarrow.null())}),
        tmp_path / "twice.parquet")
    done = varve.run("upsert", "t", tmp_path / "twice.parquet", *evolve)
    assert done.returncode == 3 and "column V is in the input twice: give one" in done.stderr
    assert varve.version("t") == 0


@pytest.mark.parametrize("kind", [pyarrow.null(), pyarrow.string()])
def test_a_column_without_a_name(varve, tmp_path, kind):
    varve.ok("create", "t", "--schema", "k bigint not null", "--key", "k")
    pyarrow.parquet.write_table(pyarrow.table({"k": [1], "": pyarrow.array([None], kind)}),
                                tmp_path / "none.parquet")
    done = varve.run("upsert", "t", tmp_path / "none.parquet", "--evolve")
    assert done.returncode == 3 and "column 2 of the input has no name" in done.stderr
