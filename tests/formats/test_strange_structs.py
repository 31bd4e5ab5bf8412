"""Structs that have no member of the table's are rows with a fault, and stop nobody else's."""

import json
import subprocess

import pyarrow
import pyarrow.parquet
import pytest

STRANGE = pyarrow.struct([("q", pyarrow.int64())])
KINDS = {
    "struct<a:int>": (STRANGE, {"q": 1}),
    "array<struct<a:int>>": (pyarrow.list_(STRANGE), [{"q": 1}]),
    "map<string,struct<a:int>>": (pyarrow.map_(pyarrow.string(), STRANGE), [("x", {"q": 1})]),
    "struct<b:struct<a:int>>": (pyarrow.struct([("b", STRANGE)]), {"b": {"q": 1}}),
}


def write(folder, form, column):
    kind, value = KINDS[column]
    rows = pyarrow.table({"id": ["bad", "good"], "s": pyarrow.array([value, None], kind)})
    path = folder / f"rows.{form}"
    if form == "parquet":
        pyarrow.parquet.write_table(rows, path)
    else:
        with pyarrow.ipc.new_stream(path, rows.schema) as file:
            file.write_table(rows)
    return path


@pytest.mark.parametrize("form", ["parquet", "arrows"])
@pytest.mark.parametrize("column", KINDS)
def test_such_a_row_is_rejected_or_set_aside(varve, tmp_path, form, column):
    varve.ok("create", "t", "--schema", f"id string not null, s {column}", "--key", "id")
    path = write(tmp_path, form, column)
    done = varve.run("upsert", "t", path)
    assert done.returncode == 3
    assert "1 of 2 rows rejected, nothing written: row 1: s = " in done.stderr
    assert "does not fit type" in done.stderr
    done = json.loads(varve.ok("upsert", "t", path, "--quarantine", "--json"))
    assert (done["inserted"], done["rejected"]) == (1, 1)
    assert [row["id"] for row in varve.rows("scan", "t")] == ["good"]


@pytest.mark.parametrize("column", KINDS)
def test_nor_is_a_table_blocked_by_one(varve, tmp_path, column):
    varve.ok("create", "t", "--schema", f"id string not null, s {column}", "--key", "id")
    batch = write(tmp_path, "arrows", column).read_bytes()
    command = [str(varve.program), "--lake", str(varve.lake), "ingest", "t", "--patience", "10s"]
    done = subprocess.run([*command, "--input-format", "arrow"], input=batch, capture_output=True,
                          timeout=60, check=False)
    assert done.returncode == 0, done.stderr
    done = subprocess.run(command, input=b'{"id":"behind"}\n', capture_output=True, timeout=60,
                          check=False)
    assert done.returncode == 0, done.stderr
    assert sorted(row["id"] for row in varve.rows("scan", "t")) == ["behind", "good"]
    shown = json.loads(varve.ok("quarantine", "show", "t", "--format", "ndjson"))
    assert shown["values"]["id"] == "bad"
