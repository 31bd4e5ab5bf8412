"""Changes that Varve makes to rows, as Spark sees them: deletion vectors, change files, metrics."""

import collections

import pytest

from conftest import name_of

SCHEMA = "k int not null, g string, v int, o bigint"
COLUMNS = ("k", "g", "v", "o")


@pytest.fixture(params=["copy", "mark"])
def path(request, varve):
    varve.ok("create", "t", "--schema", SCHEMA, "--partition-by", "g", "--key", "k", "--order-by",
             "o", "--property", "delta.enableChangeDataFeed=true",
             "--property", "delta.checkpointInterval=100", "--property",
             f"delta.enableDeletionVectors={'true' if request.param == 'mark' else 'false'}")
    varve.upsert("t", "k,g,v,o\n" + "".join(f"{k},{'ab'[k % 2]},{k},1\n" for k in range(12)))
    varve.upsert("t", "k,g,v,o\n1,b,100,2\n2,b,100,2\n60,c,1,1\n3,b,9,0\n5,b,5,9\n")
    varve.ok("update", "t", "--set", "v = v + 1", "--where", "k in (4, 6)")
    varve.ok("delete", "t", "--where", "k in (7, 8) or g = 'c'")
    varve.ok("overwrite", "t", "-", "--where", "k > 8", "--yes", stdin="k,g,v,o\n90,a,1,1\n")
    return varve.table("t")


def changes(rows):
    return collections.Counter(
        tuple(row[name] for name in (*COLUMNS, "_change_type", "_commit_version")) for row in rows)


def test_spark_reads_each_version_and_its_changes(varve, spark, same_rows, path):
    for version in range(6):
        same_rows(path, version)
    theirs = spark.rows(f"SELECT * FROM table_changes_by_path('{path}', 1)")
    ours = varve.rows("changes", "t", "--from", "1")
    assert changes(theirs) == changes(ours)
    assert {row["_change_type"] for row in theirs} == {
        "insert", "delete", "update_preimage", "update_postimage"}


def test_the_two_take_turns(varve, spark, same_rows, path):
    """Spark changes rows of files that Varve has marked, and the other way round."""
    name = name_of(path)
    spark(f"DELETE FROM {name} WHERE k = 1")
    spark(f"UPDATE {name} SET v = -1 WHERE k IN (0, 90)")
    varve.upsert("t", "k,g,v,o\n0,a,7,50\n3,b,7,50\n91,c,1,1\n")
    varve.ok("delete", "t", "--where", "k = 5")
    spark(f"MERGE INTO {name} t USING (SELECT 2 AS k) s ON t.k = s.k WHEN MATCHED THEN DELETE")
    rows = {row["k"]: row["v"] for row in same_rows(path)}
    assert rows == {0: 7, 3: 7, 4: 5, 6: 7, 90: -1, 91: 1}
    theirs = spark.rows(f"SELECT * FROM table_changes_by_path('{path}', 6)")
    assert changes(theirs) == changes(varve.rows("changes", "t", "--from", "6"))
    spark(f"OPTIMIZE {name}")
    varve.ok("update", "t", "--set", "v = 0", "--where", "true")
    assert {row["v"] for row in same_rows(path)} == {0}


def test_history_is_in_sparks_words(spark, path):
    entries = spark(f"DESCRIBE HISTORY {name_of(path)}").collect()
    assert [entry["operation"] for entry in entries] == [
        "WRITE", "DELETE", "UPDATE", "MERGE", "MERGE", "CREATE TABLE"]
    assert entries[0]["operationMetrics"]["numDeletedRows"] == "3"
    assert entries[1]["operationMetrics"]["numDeletedRows"] == "3"
    assert entries[2]["operationMetrics"]["numUpdatedRows"] == "2"
    assert entries[3]["operationMetrics"]["numTargetRowsUpdated"] == "2"
