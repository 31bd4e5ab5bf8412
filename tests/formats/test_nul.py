"""A NUL is a character like others: it makes no row bad, whatever the row comes from and with."""

import json

import deltalake
import pyarrow
import pyarrow.ipc
import pyarrow.parquet
import pytest

ROWS = [{"k": "S\0Y", "v": '\0a"\0', "d": 1.0, "p": "x\0y"},
        {"k": 'q\0"\0', "v": "\0", "d": 2.0, "p": "\0"},
        {"k": "\0", "v": "\0", "d": 3.0, "p": "q"}]
CSV = 'k,v,d,p\nS\0Y,\0a"\0,1,x\0y\n"q\0""\0",\0,2,\0\n\0,"\0",3,q\n'
NDJSON = "".join(json.dumps(row) + "\n" for row in ROWS)
TABLE = pyarrow.Table.from_pylist(ROWS)


@pytest.fixture
def t(varve):
    varve.ok("create", "t", "--schema", "k string not null, v string, d double, p string",
             "--key", "k", "--partition-by", "p")
    return varve


def by_csv(t, tmp_path, more=""):
    (tmp_path / "rows.csv").write_text(CSV + more)
    t.ok("upsert", "t", tmp_path / "rows.csv", "--quarantine")


def by_csv_beside_a_bad_line(t, tmp_path):
    by_csv(t, tmp_path, "x\0,y\n")
    (line,) = t.rows("quarantine", "show", "t")
    assert line["values"] == {"varve.line": "x\0,y"}


def by_csv_of_many_rows(t, tmp_path):
    by_csv(t, tmp_path, "".join(f"many{i},v,9,q\n" for i in range(70_000)))


def by_ndjson(t, _):
    t.upsert("t", NDJSON)


def by_ingest_of_csv(t, _):
    t.ok("ingest", "t", "--input-format", "csv", stdin=CSV)


def by_ingest(t, _):
    t.ok("ingest", "t", stdin=NDJSON)


def by_parquet(t, tmp_path):
    pyarrow.parquet.write_table(TABLE, tmp_path / "rows.parquet")
    t.ok("upsert", "t", tmp_path / "rows.parquet")


def by_arrow(t, tmp_path):
    with pyarrow.ipc.new_file(tmp_path / "rows.arrow", TABLE.schema) as writer:
        writer.write_table(TABLE)
    t.ok("upsert", "t", tmp_path / "rows.arrow")


@pytest.mark.parametrize("write", [
    by_csv, by_csv_beside_a_bad_line, by_csv_of_many_rows, by_ndjson, by_ingest_of_csv, by_ingest,
    by_parquet, by_arrow])
def test_it_is_stored_as_it_came(t, tmp_path, write):
    write(t, tmp_path)
    back = t.rows("scan", "t", "--where", "d < 9")
    assert sorted(back, key=lambda row: row["d"]) == ROWS
    theirs = deltalake.DeltaTable(str(t.table("t"))).to_pyarrow_table().to_pylist()
    assert sorted((row for row in theirs if row["d"] < 9), key=lambda row: row["d"]) == ROWS
    assert t.upsert("t", NDJSON)["unchanged"] == 3, "keys are found again"


def test_a_row_goes_by_its_own_faults(t):
    """Beside a line that is no row the file is read by another reader, of the same mind."""
    row = "S\0Y,v,1,p\n"
    for more in ("", "x,y\n"):
        result = t.upsert("t", "k,v,d,p\n" + row + more, "--quarantine", "--dry-run")
        assert (result["inserted"], result["rejected"]) == (1, 1 if more else 0)


def test_in_a_number_it_is_none_and_comes_back_from_quarantine(t):
    for text in (f"k,v,d,p\nS\0Y,v,1\0,p\n", json.dumps({"k": "S\0Y", "d": "1\0"}) + "\n"):
        done = t.run("upsert", "t", "-", "--input-format", "ndjson" if text[0] == "{" else "csv",
                     stdin=text)
        assert done.returncode == 3 and "does not fit type double" in done.stderr
    t.upsert("t", "k,v,d,p\nS\0Y,v\0,x,p\n", "--quarantine")
    (row,) = t.rows("quarantine", "show", "t")
    assert row["values"] == {"k": "S\0Y", "v": "v\0", "d": "x", "p": "p"}
