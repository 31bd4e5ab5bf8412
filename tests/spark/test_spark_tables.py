"""Tables that Spark makes, read and written by Varve."""

import json

import pytest

from conftest import name_of


@pytest.fixture
def made(spark, varve):
    """Makes a table with Spark and returns its path."""
    varve.lake.mkdir(exist_ok=True)

    def make(columns, *statements, more=""):
        path = varve.lake / "theirs"
        spark(f"CREATE TABLE {name_of(path)} ({columns}) USING delta {more}")
        for statement in statements:
            spark(statement.replace("{t}", name_of(path)))
        return path
    return make


def test_partitions_of_odd_values(made, same_rows, varve):
    path = made("i int, s string, d date, t timestamp, b boolean, x decimal(10,2)",
                "INSERT INTO {t} VALUES (1, 'a=b/c %20é', date'2025-01-30', "
                "timestamp'2025-01-30 10:00:00.5', true, 1.50), (2, NULL, NULL, NULL, NULL, NULL), "
                "(3, ' ', date'1969-12-31', timestamp'1969-12-31 23:59:59', false, -0.01)",
                more="PARTITIONED BY (s, d, t, b, x)")
    assert len(same_rows(path)) == 3
    for where, expected in (("s = 'a=b/c %20é'", [1]), ("d < '2000-01-01'", [3]),
                            ("t >= '2025-01-30T10:00:00.5Z'", [1]), ("s IS NULL", [2]),
                            ("x = 1.5", [1]), ("NOT b", [3])):
        assert [row["i"] for row in varve.rows("scan", path, "--where", where)] == expected


def test_times_with_a_zone_and_without(made, same_rows, varve):
    path = made("t timestamp, n timestamp_ntz",
                "INSERT INTO {t} VALUES (timestamp'2025-03-30 01:30:00.123456Z', "
                "timestamp_ntz'2025-03-30 02:30:00.654321'), "
                "(timestamp'0001-01-01 00:00:00Z', timestamp_ntz'9999-12-31 23:59:59.999999'), "
                "(NULL, NULL)")
    rows = same_rows(path)
    assert rows[0] == {"t": "2025-03-30T01:30:00.123456Z", "n": "2025-03-30T02:30:00.654321"}
    where = "n > '2025-03-30T02:30:00' AND t < '2026-01-01'"
    assert len(varve.rows("scan", path, "--where", where)) == 2


def test_nested_types_decimals_and_floats(made, same_rows):
    path = made("y tinyint, z smallint, f float, d double, x decimal(38,18), w decimal(5,0), "
                "v binary, a array<struct<p: int, q: string>>, m map<string, array<int>>, "
                "r struct<u: struct<v: decimal(20,5)>, t: timestamp>",
                "INSERT INTO {t} VALUES (-128, 32767, float('NaN'), double('-Infinity'), "
                "12345678901234567890.123456789012345678BD, 99999, X'00ff', "
                "array(named_struct('p', 1, 'q', 'x'), NULL), map('k', array(1, NULL), 'l', NULL), "
                "named_struct('u', named_struct('v', 1.5BD), 't', timestamp'2025-01-30 10:00:00Z'))",
                "INSERT INTO {t} VALUES (NULL, NULL, float(0.1), double(5e-324), NULL, -1, X'', "
                "array(), map(), NULL)")
    assert len(same_rows(path)) == 2


def test_each_version_of_a_busy_table(made, same_rows, varve, spark):
    path = made("k bigint NOT NULL, v string",
                "INSERT INTO {t} SELECT id, 'a' FROM range(100)",
                "UPDATE {t} SET v = 'b' WHERE k % 10 = 0",
                "DELETE FROM {t} WHERE k >= 50",
                "MERGE INTO {t} t USING (SELECT id AS k FROM range(40, 60)) s ON t.k = s.k "
                "WHEN MATCHED THEN UPDATE SET v = 'm' WHEN NOT MATCHED THEN INSERT (k, v) VALUES (s.k, 'n')",
                "OPTIMIZE {t}", "RESTORE TABLE {t} TO VERSION AS OF 2",
                "ALTER TABLE {t} ADD COLUMNS (w double)", "INSERT INTO {t} VALUES (1000, 'z', 1.5)",
                "INSERT OVERWRITE {t} SELECT 7, 'o', 0.0D",
                more="TBLPROPERTIES ('delta.checkpointInterval' = '3', 'varve.key' = 'k', "
                     "'varve.orderBy' = 'k')")
    latest = varve.version(path)
    assert latest >= 8
    counts = [len(same_rows(path, version)) for version in range(latest + 1)]
    assert counts[:4] == [0, 100, 100, 50] and counts[-1] == 1
    result = varve.upsert(path, "k,v,w\n7,p,2.5\n8,q,\n")
    assert (result["updated"], result["inserted"]) == (1, 1)
    assert len(same_rows(path)) == 2
    spark(f"INSERT INTO {name_of(path)} VALUES (9, 'r', NULL)")
    assert len(same_rows(path)) == 3


def test_a_key_that_we_are_told_of_later(made, same_rows, varve, spark):
    path = made("timestamp timestamp_ntz, id string, x double",
                "INSERT INTO {t} VALUES (timestamp_ntz'2025-03-01 10:00:00', 'a', 1.0), "
                "(timestamp_ntz'2025-03-01 11:00:00', 'b', double('NaN'))",
                "ALTER TABLE {t} SET TBLPROPERTIES ('varve.key' = 'timestamp,id')")
    result = varve.upsert(path, "timestamp,id,x\n2025-03-01T10:00:00Z,a,2.5\n"
                                "2025-03-01T11:00:00,b,NaN\n2025-03-02T00:00:00,c,\n")
    assert (result["updated"], result["unchanged"], result["inserted"]) == (1, 1, 1)
    assert len(same_rows(path)) == 3


def refusal(done, feature):
    """Refused by name, and nothing read: the one other answer than the right rows."""
    return done.returncode == 7 and feature in done.stderr and done.stdout == ""


SHREDDING = "spark.sql.variant.forceShreddingSchemaForTest"

# What is read or refused by name, never read wrongly: the feature, and a table that uses it.
FEATURES = {
    "deletionVectors": ("k bigint, v string", ["INSERT INTO {t} SELECT id, 'a' FROM range(1000)",
                                               "DELETE FROM {t} WHERE k % 3 = 0",
                                               "UPDATE {t} SET v = 'b' WHERE k = 1"],
                        "TBLPROPERTIES ('delta.enableDeletionVectors' = 'true')"),
    "columnMapping": ("k bigint, `a b` string, gone int", [
        "INSERT INTO {t} VALUES (1, 'x', 1)", "ALTER TABLE {t} RENAME COLUMN `a b` TO c",
        "ALTER TABLE {t} DROP COLUMN gone", "INSERT INTO {t} VALUES (2, 'y')"],
        "TBLPROPERTIES ('delta.columnMapping.mode' = 'name')"),
    "typeWidening": ("k int, x float", [
        "INSERT INTO {t} VALUES (1, 1.5)", "ALTER TABLE {t} ALTER COLUMN k TYPE bigint",
        "ALTER TABLE {t} ALTER COLUMN x TYPE double",
        "INSERT INTO {t} VALUES (5000000000, 0.1D)"],
        "TBLPROPERTIES ('delta.enableTypeWidening' = 'true')"),
    "v2Checkpoint": ("k bigint, v string", ["INSERT INTO {t} SELECT id, 'a' FROM range(10)"] * 3,
                     "TBLPROPERTIES ('delta.checkpointPolicy' = 'v2', "
                     "'delta.checkpointInterval' = '2')"),
    "inCommitTimestamp": ("k bigint", ["INSERT INTO {t} VALUES (1)"],
                          "TBLPROPERTIES ('delta.enableInCommitTimestamps' = 'true')"),
    "rowTracking": ("k bigint", ["INSERT INTO {t} VALUES (1)"],
                    "TBLPROPERTIES ('delta.enableRowTracking' = 'true')"),
    "changeDataFeed": ("k bigint, v int", ["INSERT INTO {t} VALUES (1, 1), (2, 2)",
                                           "UPDATE {t} SET v = 3 WHERE k = 1"],
                       "TBLPROPERTIES ('delta.enableChangeDataFeed' = 'true')"),
    "generatedColumns": ("t timestamp, d date GENERATED ALWAYS AS (CAST(t AS DATE))",
                         ["INSERT INTO {t} (t) VALUES (timestamp'2025-01-30 10:00:00')"], ""),
    "identityColumns": ("i bigint GENERATED ALWAYS AS IDENTITY, v int",
                        ["INSERT INTO {t} (v) VALUES (1), (2)"], ""),
    "clustering": ("k bigint, v string", ["INSERT INTO {t} SELECT id, 'a' FROM range(10)"],
                   "CLUSTER BY (k)"),
    "variantType": ("k bigint, v variant", ["INSERT INTO {t} SELECT 1, parse_json('[1]')"], ""),
    "variantShredding": ("k bigint, v variant", [
        f"SET {SHREDDING}=struct<a bigint, n struct<p int, q array<double>>>", """
        INSERT INTO {t} SELECT id, CASE WHEN id % 5 = 0 THEN NULL WHEN id % 5 = 1
        THEN parse_json('[1, "a"]') WHEN id % 5 = 2 THEN parse_json('{"a":"text","more":1}')
        ELSE parse_json(concat('{"a":', id, ',"n":{"p":', id % 3, ',"q":[1,2.5]}}')) END
        FROM range(100)""", f"RESET {SHREDDING}"],
        "TBLPROPERTIES ('delta.enableVariantShredding' = 'true')"),
}
# A variant is text for Varve, the JSON of its value.
COLUMNS = dict.fromkeys(["variantType", "variantShredding"], "k, to_json(v) AS v")


@pytest.mark.parametrize("feature", FEATURES)
def test_a_feature_is_read_right_or_refused_by_name(made, same_rows, varve, spark, feature):
    columns, statements, more = FEATURES[feature]
    path = made(columns, *statements, more=more)
    done = varve.run("scan", path, "--format", "ndjson")
    if done.returncode != 0:
        assert refusal(done, feature), done.stderr
        return
    same_rows(path, columns=COLUMNS.get(feature, "*"))
    before = varve.version(path)
    first = spark(f"SELECT * FROM {name_of(path)}").columns[0]
    spark(f"ALTER TABLE {name_of(path)} SET TBLPROPERTIES ('varve.key' = '{first}')")
    row = {"k": 1, "i": 1, "t": "2025-01-30T10:00:00Z"}[first]
    done = varve.run("upsert", path, "-", "--input-format", "ndjson", "--json",
                     stdin=json.dumps({first: row}) + "\n")
    if done.returncode != 0:
        named = feature.replace("Shredding", "Type")  # that stands in the way first
        assert done.returncode == 7 and named in done.stderr, done.stderr
        assert varve.version(path) == before + 1
        return
    same_rows(path, columns=COLUMNS.get(feature, "*"))
