"""Upserts of tables whose rows are marked by deletion vectors, and of append-only ones."""

import json

import deltalake
import pyarrow as pa
import pytest

SCHEMA = "k int not null, g string not null, v string, o bigint"


def create(varve, *more):
    varve.ok("create", "t", "--schema", SCHEMA, "--partition-by", "g", "--key", "k",
             "--order-by", "o", *more)


def others_rows(varve):
    """As deltalake's engine reads them, which applies deletion vectors."""
    table = deltalake.DeltaTable(str(varve.table("t")))
    builder = deltalake.QueryBuilder().register("t", table)
    return pa.table(builder.execute("SELECT k, g, v, o FROM t ORDER BY k").read_all()).to_pylist()


def metrics(varve):
    entry = varve.rows("history", "t", "--limit", "1")[0]
    return {name: int(value) for name, value in entry["operationMetrics"].items()
            if not name.endswith("Ms") and "Bytes" not in name}


@pytest.mark.parametrize("rows", [40, 30000], ids=["few", "many"])
def test_rows_are_marked_and_files_stay(varve, rows):
    create(varve, "--property", "delta.enableDeletionVectors=true")
    lines = "".join(f"{k},{'abcd'[k % 4]},old,1\n" for k in range(rows))
    varve.upsert("t", "k,g,v,o\n" + lines)
    first = {path: path.read_bytes() for path in varve.table("t").glob("g=*/*.parquet")}
    batch = [f"{k},{'abcd'[k % 4]},new,2\n" for k in range(0, rows, 5)]
    batch += [f"{rows},a,new,2\n", "1,b,late,0\n", "2,c,old,7\n", "3,a,moved,2\n"]
    result = varve.upsert("t", "k,g,v,o\n" + "".join(batch))
    updated = rows // 5 + 1
    assert result["updated"] == updated and result["inserted"] == 1
    assert (result["stale"], result["unchanged"]) == (1, 1)
    assert (result["files_added"], result["files_removed"]) == (4, 0)
    assert all(path.read_bytes() == content for path, content in first.items())
    expected = [{"k": k, "g": "abcd"[k % 4], "v": "new" if k % 5 == 0 else "old",
                 "o": 2 if k % 5 == 0 else 1} for k in range(rows)]
    expected[3] = {"k": 3, "g": "a", "v": "moved", "o": 2}
    expected.append({"k": rows, "g": "a", "v": "new", "o": 2})
    assert varve.rows("query", "SELECT k, g, v, o FROM t ORDER BY k") == expected
    assert others_rows(varve) == expected
    assert metrics(varve) == {
        "numSourceRows": len(batch), "numTargetRowsInserted": 1, "numTargetRowsUpdated": updated,
        "numTargetRowsMatchedUpdated": updated, "numTargetRowsNotMatchedBySourceUpdated": 0,
        "numTargetRowsDeleted": 0, "numTargetRowsMatchedDeleted": 0,
        "numTargetRowsNotMatchedBySourceDeleted": 0, "numTargetRowsCopied": 0,
        "numOutputRows": updated + 1, "numTargetFilesAdded": 4, "numTargetFilesRemoved": 0,
        "numTargetChangeFilesAdded": 0, "numTargetDeletionVectorsAdded": 4,
        "numTargetDeletionVectorsRemoved": 0, "numTargetDeletionVectorsUpdated": 0}
    # The last row of a file goes with it, and its vector.
    varve.ok("delete", "t", "--where", f"g = 'd' and k <> 7 and k <> {rows}")
    result = varve.upsert("t", "k,g,v,o\n7,a,moved,9\n")
    assert (result["updated"], result["files_added"], result["files_removed"]) == (1, 1, 1)
    last = metrics(varve)
    assert (last["numTargetDeletionVectorsRemoved"], last["numTargetFilesRemoved"]) == (1, 1)
    assert {"k": 7, "g": "a", "v": "moved", "o": 9} in others_rows(varve)


def test_an_append_only_table_takes_new_rows_alone(varve):
    create(varve, "--property", "delta.appendOnly=true")
    varve.upsert("t", "k,g,v,o\n1,a,x,1\n")
    done = varve.run("upsert", "t", "-", stdin="k,g,v,o\n1,a,y,2\n2,a,z,1\n")
    assert done.returncode == 2
    assert "append-only" in done.stderr and "replace 1 of its rows" in done.stderr
    result = varve.upsert("t", "k,g,v,o\n1,a,late,0\n2,a,z,1\n")
    assert (result["inserted"], result["stale"]) == (1, 1)
    assert json.loads(varve.ok("describe", "t", "--json"))["rows"] == 2
