"""Arrow IPC in and out: streams and files, whoever wrote or reads them."""

import io
import json
import math
import subprocess

import polars
import pyarrow
import pyarrow.feather
import pyarrow.ipc
import pytest
from test_parquet import SCHEMA, rows, table


@pytest.fixture
def wide(varve):
    varve.ok("create", "wide", "--schema", SCHEMA, "--key", "k")
    return varve


def stream(data, **options):
    sink = io.BytesIO()
    with pyarrow.ipc.new_stream(sink, data.schema, **options) as writer:
        writer.write_table(data)
    return sink.getvalue()


def file(data, batch=None, **options):
    sink = io.BytesIO()
    with pyarrow.ipc.new_file(sink, data.schema, **options) as writer:
        writer.write_table(data, max_chunksize=batch)
    return sink.getvalue()


def compressed(codec):
    return pyarrow.ipc.IpcWriteOptions(compression=codec)


def piped(varve, data, *arguments):
    """Bytes on stdin of an upsert; the exit status, the result or None, and stderr."""
    done = subprocess.run([str(varve.program), "--lake", str(varve.lake), "upsert", "wide", "-",
                           "--json", *arguments], input=data, capture_output=True, check=False)
    return (done.returncode, json.loads(done.stdout) if done.stdout else None,
            done.stderr.decode())


def same(found, expected):
    for one, other in zip(found, expected, strict=True):
        for name, value in other.items():
            is_nan = isinstance(value, float) and math.isnan(value)
            assert math.isnan(one[name]) if is_nan else one[name] == value, name


@pytest.mark.parametrize("name, data", [
    ("a.arrows", stream(table())), ("a.arrow", file(table())), ("a.ipc", file(table(), batch=1)),
    ("a.feather", file(table(), options=compressed("lz4"))),
    ("A.ARROW", file(table(), options=compressed("zstd"))),
    ("b.arrows", stream(table(), options=compressed("zstd"))),
    ("says-nothing", file(table())), ("says-nothing-too", stream(table()))])
def test_all_types_from_pyarrow(wide, tmp_path, name, data):
    path = tmp_path / name
    path.write_bytes(data)
    wide.ok("upsert", "wide", path)
    out = tmp_path / "out.arrow"
    wide.ok("query", "SELECT * FROM wide ORDER BY k", "-o", out)
    same(pyarrow.ipc.open_file(out).read_all().to_pylist(), rows())
    assert piped(wide, data)[1]["unchanged"] == 3
    assert piped(wide, data, "--input-format", "arrow")[1]["unchanged"] == 3


def test_feather_as_pandas_writes_it(wide, tmp_path):
    path = tmp_path / "rows.feather"
    pyarrow.feather.write_feather(table(), str(path))
    assert json.loads(wide.ok("upsert", "wide", path, "--json"))["inserted"] == 3
    v1 = tmp_path / "old.feather"
    v1.write_bytes(b"FEA1" + bytes(60) + b"FEA1")
    done = wide.run("upsert", "wide", v1)
    assert done.returncode == 7
    assert "Feather V1" in done.stderr


@pytest.mark.parametrize("write", [
    lambda frame, path: frame.write_ipc(path),
    lambda frame, path: frame.write_ipc(path, compression="zstd"),
    lambda frame, path: frame.write_ipc(path, compression="lz4"),
    lambda frame, path: frame.write_ipc_stream(path),
    lambda frame, path: frame.with_columns(polars.col("s").cast(polars.Categorical)).write_ipc(path),
], ids=["file", "zstd", "lz4", "stream", "categorical"])
def test_polars_writes_views_by_default(varve, tmp_path, write):
    frame = polars.DataFrame({
        "k": range(4), "s": ["short", None, "", "longer than twelve bytes, so not inlined"],
        "x": [b"\0", b"bytes that are longer than twelve", None, b""],
        "l": [["a", "one that is longer than twelve"], [], None, [None]]})
    write(frame, tmp_path / "rows.arrow")
    varve.ok("create", "t", "--schema", "k long not null, s string, x binary, l array<string>",
             "--key", "k")
    varve.ok("upsert", "t", tmp_path / "rows.arrow")
    varve.ok("query", "SELECT * FROM t ORDER BY k", "-o", tmp_path / "out.arrow")
    back = polars.read_ipc(tmp_path / "out.arrow")
    assert back.to_dicts() == frame.to_dicts()


def test_dictionaries_that_change_between_batches(wide):
    schema = pyarrow.schema([("k", pyarrow.int64()),
                             ("s", pyarrow.dictionary(pyarrow.int8(), pyarrow.string()))])
    sink = io.BytesIO()
    with pyarrow.ipc.new_stream(sink, schema) as writer:
        for first, words in ((1, ["a", "b"]), (3, ["c", "d"])):
            writer.write_batch(pyarrow.record_batch(
                [pyarrow.array([first, first + 1]), pyarrow.array(words).dictionary_encode(
                    ).cast(schema.field("s").type)], schema=schema))
    assert piped(wide, sink.getvalue())[1]["inserted"] == 4
    assert [row["s"] for row in wide.rows("query", "SELECT s FROM wide ORDER BY k")] == list("abcd")


def test_a_dictionary_that_grows_is_refused_by_name(wide):
    schema = pyarrow.schema([("k", pyarrow.int64()),
                             ("s", pyarrow.dictionary(pyarrow.int8(), pyarrow.string()))])
    sink = io.BytesIO()
    options = pyarrow.ipc.IpcWriteOptions(emit_dictionary_deltas=True)
    with pyarrow.ipc.new_stream(sink, schema, options=options) as writer:
        for words in (["a"], ["a", "b"]):
            values = pyarrow.DictionaryArray.from_arrays(
                pyarrow.array([len(words) - 1], pyarrow.int8()), pyarrow.array(words))
            writer.write_batch(pyarrow.record_batch([pyarrow.array([len(words)]), values],
                                                    schema=schema))
    status, _, words = piped(wide, sink.getvalue())
    assert status == 7
    assert "column s" in words and "delta" in words
    assert wide.version("wide") == 0


@pytest.mark.parametrize("make", [stream, file])
def test_what_is_cut_anywhere_is_refused(wide, make):
    data = make(table().select(["k", "s"]))
    for end in [0, 3, 7, 8, 9, 40, len(data) // 2, *range(len(data) - 12, len(data))]:
        status, _, words = piped(wide, data[:end], "--input-format", "arrow")
        assert status == 3, (end, words)
    assert wide.version("wide") == 0


def test_what_is_no_arrow_is_refused(wide):
    for data in (b"k,s\n1,a\n", b"ARROW1\0\0ARROW1", b"PAR1" * 5, b"\xff" * 64, bytes(64)):
        status, _, words = piped(wide, data, "--input-format", "arrow")
        assert status == 3, words
        assert "Arrow IPC" in words


def test_rows_that_break_a_rule_are_named(wide):
    data = pyarrow.table({"k": [1, None], "s": ["a", "b"]})
    status, _, words = piped(wide, stream(data))
    assert status == 3
    assert "row 2" in words and "k" in words
    status, result, _ = piped(wide, stream(data), "--quarantine")
    assert (status, result["inserted"], result["rejected"]) == (0, 1, 1)


def test_types_without_a_place_are_refused_by_name(wide):
    data = pyarrow.table({"k": [1], "s": pyarrow.array([1], pyarrow.duration("s"))})
    status, _, words = piped(wide, stream(data))
    assert status == 7
    assert "column s" in words


def test_append_takes_it_too(varve, tmp_path):
    varve.ok("create", "t", "--schema", "k long, s string")
    path = tmp_path / "rows.arrow"
    path.write_bytes(file(pyarrow.table({"k": [1, 2], "s": ["a", None]})))
    assert json.loads(varve.ok("append", "t", path, path, "--json"))["inserted"] == 4


# ---- Out -------------------------------------------------------------------------------------


def output(varve, *arguments):
    done = subprocess.run([str(varve.program), "--lake", str(varve.lake), *arguments],
                          capture_output=True, check=True)
    return done.stdout


def test_a_pipe_gets_a_stream(wide):
    assert piped(wide, stream(table()))[0] == 0
    data = output(wide, "query", "SELECT * FROM wide ORDER BY k", "--format", "arrow")
    read = pyarrow.ipc.open_stream(data).read_all()
    read.validate(full=True)
    same(read.to_pylist(), rows())
    assert read.schema.field("t").type == pyarrow.timestamp("us", "UTC")
    assert read.schema.field("c").type == pyarrow.decimal128(12, 3)
    assert piped(wide, data)[1]["unchanged"] == 3


def test_the_name_of_the_file_decides_between_stream_and_file(wide, tmp_path):
    piped(wide, stream(table()))
    for name, opener in (("o.arrow", pyarrow.ipc.open_file), ("o.feather", pyarrow.ipc.open_file),
                         ("o.ipc", pyarrow.ipc.open_file), ("o.arrows", pyarrow.ipc.open_stream)):
        wide.ok("scan", "wide", "-o", tmp_path / name)
        assert opener(tmp_path / name).read_all().num_rows == 3
    wide.ok("scan", "wide", "--format", "arrow", "-o", tmp_path / "o.bin")
    assert pyarrow.ipc.open_stream(tmp_path / "o.bin").read_all().num_rows == 3
    assert polars.read_ipc(tmp_path / "o.arrow").height == 3


def test_many_rows_and_none(varve):
    data = output(varve, "query", "SELECT i, 'x' || i AS s FROM range(100000) t(i)",
                  "--format", "arrow")
    read = pyarrow.ipc.open_stream(data).read_all()
    assert read["i"].to_pylist() == list(range(100000))
    assert read["s"][99999].as_py() == "x99999"
    data = output(varve, "query", "SELECT 1 AS i, 'a' AS s WHERE false", "--format", "arrow")
    read = pyarrow.ipc.open_stream(data).read_all()
    assert (read.num_rows, read.schema.names) == (0, ["i", "s"])
    for name in ("open_file", "open_stream"):
        path = varve.lake.parent / f"{name}.arrow{'s' if name == 'open_stream' else ''}"
        output(varve, "query", "SELECT 1 AS i WHERE false", "-o", str(path))
        assert getattr(pyarrow.ipc, name)(path).read_all().num_rows == 0


def test_an_enum_is_refused_by_name(varve):
    done = varve.run("query", "SELECT CAST('a' AS ENUM('a', 'b')) AS e", "--format", "arrow")
    assert (done.returncode, done.stdout) == (7, "")
    assert "column e is an enum" in done.stderr
