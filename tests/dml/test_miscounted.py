"""Files of other software of which the log says a wrong number of rows (numRecords): a hint, by which no
row goes."""

import json

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

SCHEMA = {"type": "struct", "fields": [
    {"name": "k", "type": "long", "nullable": True, "metadata": {}},
    {"name": "v", "type": "string", "nullable": True, "metadata": {}}]}
ODD = "1,x\n3,x\n5,x\n"


def foreign(varve, *counts, vectors=False):
    """A table of files with k = 1..6, 7..12, ... each, of which the log says these numbers of rows."""
    folder = varve.table("t")
    (folder / "_delta_log").mkdir(parents=True)
    features = {"readerFeatures": ["deletionVectors"], "writerFeatures": ["deletionVectors"]}
    protocol = {"minReaderVersion": 3, "minWriterVersion": 7, **features} if vectors else {
        "minReaderVersion": 1, "minWriterVersion": 2}
    lines = [{"commitInfo": {"timestamp": 1600000000000, "operation": "WRITE", "engineInfo": "other/1"}},
             {"protocol": protocol},
             {"metaData": {"id": "11111111-1111-1111-1111-111111111111", "partitionColumns": [],
                           "format": {"provider": "parquet", "options": {}}, "createdTime": 1600000000000,
                           "schemaString": json.dumps(SCHEMA),
                           "configuration": {"varve.key": "k", "delta.enableDeletionVectors":
                                             str(vectors).lower()}}}]
    for number, count in enumerate(counts):
        path = folder / f"{number}.parquet"
        keys = range(1 + 6 * number, 7 + 6 * number)
        pq.write_table(pa.table({"k": pa.array(keys, pa.int64()), "v": [f"r{key}" for key in keys]}), path)
        lines.append({"add": {"path": path.name, "partitionValues": {}, "size": path.stat().st_size,
                              "modificationTime": 1600000000000, "dataChange": True,
                              "stats": json.dumps({"numRecords": count})}})
    (folder / "_delta_log" / f"{0:020}.json").write_text("".join(json.dumps(line) + "\n" for line in lines))


def rows(varve):
    return dict(sorted((row["k"], row["v"]) for row in varve.rows("scan", "t")))


@pytest.fixture(params=[False, True], ids=["copied", "marked"])
def vectors(request):
    return request.param


@pytest.mark.parametrize("count", [0, 3, 100])
def test_an_upsert_leaves_the_rows_that_are_not_its(varve, vectors, count):
    foreign(varve, count, vectors=vectors)
    done = json.loads(varve.ok("upsert", "t", "-", "--json", stdin="k,v\n" + ODD))
    assert (done["updated"], done["inserted"]) == (3, 0)
    assert rows(varve) == {1: "x", 2: "r2", 3: "x", 4: "r4", 5: "x", 6: "r6"}


@pytest.mark.parametrize("count", [0, 3, 100])
def test_a_delete_takes_the_rows_of_its_condition(varve, vectors, count):
    foreign(varve, count, vectors=vectors)
    assert json.loads(varve.ok("delete", "t", "--where", "k in (1, 3, 5)", "--json"))["deleted"] == 3
    assert list(rows(varve)) == [2, 4, 6]
    assert json.loads(varve.ok("delete", "t", "--where", "k = 6", "--json"))["deleted"] == 1
    assert list(rows(varve)) == [2, 4]


def test_what_is_marked_one_by_one_is_counted_before_nothing_would_be_left(varve):
    foreign(varve, 3, vectors=True)
    for key in (1, 2, 3, 6):
        varve.ok("delete", "t", "--where", f"k = {key}")
    assert list(rows(varve)) == [4, 5]
    [file] = varve.rows("files", "t")
    assert (file["rows"], file["deleted"]) == (2, 4)


@pytest.mark.parametrize("statement", [
    ("update", "t", "--set", "v = 'x'", "--where", "k = 1"),
    ("merge", "t", "--source", "-", "--on", "t.k = s.k", "--when-matched", "update *"),
    ("overwrite", "t", "-", "--where", "k = 1", "--yes")], ids=lambda statement: statement[0])
def test_a_file_that_is_said_to_be_empty_is_read(varve, vectors, statement):
    foreign(varve, 0, vectors=vectors)
    varve.ok(*statement, stdin="k,v\n1,x\n")
    assert rows(varve) == {1: "x", **{key: f"r{key}" for key in range(2, 7)}}


def test_files_that_are_said_to_be_empty_are_packed_with_their_rows(varve):
    foreign(varve, 0, 0)
    varve.ok("optimize", "t")
    assert list(rows(varve)) == list(range(1, 13)) and len(varve.rows("files", "t")) == 1


def test_an_answer_is_not_taken_from_the_statistics(varve):
    foreign(varve, 3, 0)
    assert varve.rows("query", "SELECT count(*) AS n, max(k) AS most FROM t") == [{"n": 12, "most": 12}]


def test_a_file_that_is_emptied_goes_without_being_written_again(varve, vectors):
    foreign(varve, 6, vectors=vectors)
    done = json.loads(varve.ok("delete", "t", "--where", "k >= 1", "--json"))
    assert (done["deleted"], done["files_removed"], done["files_added"]) == (6, 1, 0)
    assert rows(varve) == {} and varve.rows("files", "t") == []


def test_a_vector_may_mark_rows_behind_those_that_are_said_to_be_there(varve):
    """Of a file with six rows the log says three, and another writer has marked the last."""
    foreign(varve, 6, vectors=True)
    varve.ok("delete", "t", "--where", "k = 6")
    path = varve.table("t") / "_delta_log" / f"{1:020}.json"
    lines = [json.loads(line) for line in path.read_text().splitlines()]
    for action in lines:
        if "commitInfo" in action:
            action["commitInfo"] = {"timestamp": 1600000001000, "operation": "DELETE", "engineInfo": "other/1"}
        if "add" in action:
            assert action["add"]["deletionVector"]["cardinality"] == 1
            action["add"]["stats"] = json.dumps({"numRecords": 3})
    path.write_text("".join(json.dumps(line) + "\n" for line in lines))
    assert list(rows(varve)) == [1, 2, 3, 4, 5]
    assert varve.rows("query", "SELECT count(*) AS n, max(k) AS most FROM t") == [{"n": 5, "most": 5}]
    varve.ok("delete", "t", "--where", "k in (1, 5)")
    varve.ok("upsert", "t", "-", stdin="k,v\n2,x\n6,new\n")
    assert rows(varve) == {2: "x", 3: "r3", 4: "r4", 6: "new"}
