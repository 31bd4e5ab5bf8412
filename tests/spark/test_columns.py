"""What columns know of themselves: defaults, generated values; by Varve and by Spark on one table."""

import json

import pytest

from conftest import Refused, name_of


def test_spark_fills_what_varve_declared(varve, spark, same_rows):
    varve.ok("create", "t", "--key", "k", "--schema",
             "k int not null, at timestamp, qty int default 7, tag string default 'a,b\\'c', "
             "made timestamp default current_timestamp(), "
             "day date generated always as (cast(at as date)), "
             "month string generated always as (date_format(at, 'yyyy-MM'))")
    path = varve.table("t")
    varve.upsert("t", "k,at\n1,2025-01-10T23:30:00Z\n")
    spark(f"INSERT INTO {name_of(path)} (k, at) VALUES (2, timestamp'2025-02-10 23:30:00')")
    spark(f"INSERT INTO {name_of(path)} (k, at, qty) VALUES (3, timestamp'2025-03-01 00:00:00', "
          "DEFAULT)")
    rows = {row["k"]: row for row in same_rows(path)}
    assert [(rows[k]["qty"], rows[k]["tag"], rows[k]["day"], rows[k]["month"]) for k in (1, 2, 3)
            ] == [(7, "a,b'c", "2025-01-10", "2025-01"), (7, "a,b'c", "2025-02-10", "2025-02"),
                  (7, "a,b'c", "2025-03-01", "2025-03")]
    with pytest.raises(Refused):
        spark(f"INSERT INTO {name_of(path)} (k, at, day) VALUES (4, timestamp'2025-02-10 23:30:00', "
              "date'2025-02-11')")
    spark(f"ALTER TABLE {name_of(path)} ALTER COLUMN qty DROP DEFAULT")
    varve.upsert("t", "k,at\n5,2025-01-10T23:30:00Z\n")
    assert [row["qty"] for row in same_rows(path) if row["k"] == 5] == [None]


def test_varve_fills_what_spark_declared(varve, spark, same_rows, tmp_path):
    path = tmp_path / "lake" / "s"
    spark(f"CREATE TABLE {name_of(path)} (k int, at timestamp, qty bigint DEFAULT 3, "
          "note string DEFAULT concat('n', 'o'), y int GENERATED ALWAYS AS (YEAR(at)), "
          "hour timestamp GENERATED ALWAYS AS (date_trunc('HOUR', at)), "
          "first string GENERATED ALWAYS AS (substring(note, 1, 1))) USING delta "
          "TBLPROPERTIES ('delta.feature.allowColumnDefaults' = 'supported', 'varve.key' = 'k')")
    varve.upsert(path, "k,at\n1,2025-01-10T23:30:00Z\n")
    varve.upsert(path, json.dumps({"k": 2, "at": "1969-12-31T23:59:59Z", "note": None}))
    spark(f"INSERT INTO {name_of(path)} (k, at) VALUES (3, timestamp'2025-03-10 23:30:00')")
    spark(f"UPDATE {name_of(path)} SET at = timestamp'2026-01-01 00:01:00' WHERE k = 1")
    varve.ok("update", path, "--set", "note = 'xy'", "--where", "k = 3")
    rows = {row["k"]: row for row in same_rows(path)}
    assert (rows[1]["y"], rows[1]["first"], rows[1]["qty"]) == (2026, "n", 3)
    assert (rows[2]["y"], rows[2]["first"], rows[2]["note"]) == (1969, None, None)
    assert rows[3]["first"] == "x"
    done = varve.run("upsert", path, "-", "--input-format", "csv",
                     stdin="k,at,y\n9,2025-01-10T23:30:00Z,2024\n")
    assert done.returncode == 3 and "y = 2024 is not what the column is generated as" in done.stderr
    spark(f"ALTER TABLE {name_of(path)} ALTER COLUMN qty SET DEFAULT 4")
    varve.ok("alter", path, "set-default", "note", "'z'")
    spark(f"INSERT INTO {name_of(path)} (k) VALUES (4)")
    assert [(row["qty"], row["note"]) for row in same_rows(path) if row["k"] == 4] == [(4, "z")]


def test_clustering_is_the_same_for_both(varve, spark, same_rows, tmp_path):
    varve.ok("create", "c", "--key", "k", "--schema", "k int not null, a double, b string")
    varve.ok("alter", "c", "cluster-by", "b,a", "--upgrade")
    path = varve.table("c")
    varve.upsert("c", "k,a,b\n" + "".join(f"{k},{k * 7 % 100},s{k % 3}\n" for k in range(100)))
    assert spark(f"DESCRIBE DETAIL {name_of(path)}").first()["clusteringColumns"] == ["b", "a"]
    spark(f"INSERT INTO {name_of(path)} SELECT CAST(id AS INT), id * 0.5D, 't' FROM range(100, 150)")
    varve.ok("optimize", "c")
    same_rows(path)
    spark(f"ALTER TABLE {name_of(path)} CLUSTER BY (a)")
    described = json.loads(varve.ok("describe", "c", "--json"))
    assert described["clusteringColumns"] == ["a"]
    varve.ok("alter", "c", "cluster-by", "none")
    assert spark(f"DESCRIBE DETAIL {name_of(path)}").first()["clusteringColumns"] == []
    mine = tmp_path / "lake" / "s"
    spark(f"CREATE TABLE {name_of(mine)} (k int, a int) USING delta CLUSTER BY (a) "
          "TBLPROPERTIES ('varve.key' = 'k')")
    spark(f"INSERT INTO {name_of(mine)} SELECT CAST(id AS INT), CAST(id % 7 AS INT) FROM range(50)")
    varve.upsert(mine, "k,a\n1,100\n99,1\n")
    varve.ok("alter", mine, "cluster-by", "k,a")
    varve.ok("optimize", mine)
    spark(f"OPTIMIZE {name_of(mine)}")
    assert len(same_rows(mine)) == 51
    assert spark(f"DESCRIBE DETAIL {name_of(mine)}").first()["clusteringColumns"] == ["k", "a"]
