"""What a column, a property or a feature needs is in the protocol, or the change is refused: other
software goes by what a protocol lists, and refuses a table that has more in it."""

import json

import pyarrow as pa
import pyarrow.parquet
import pytest
from deltalake import DeltaTable

NTZ = ["array<timestamp_ntz>", "map<string, timestamp_ntz>", "map<timestamp_ntz, int>",
       "struct<x: int, y: array<struct<z: timestamp_ntz>>>"]


def create(varve, *words, schema="k bigint not null, a string, z bigint"):
    return varve.run("create", "t", "--key", "k", "--schema", schema, *words)


@pytest.fixture
def table(varve):
    assert create(varve).returncode == 0
    return varve


def described(varve):
    return json.loads(varve.ok("describe", "t", "--json"))


def features(varve):
    return described(varve)["protocol"].get("writerFeatures") or []


# ---- Types ------------------------------------------------------------------------------------

@pytest.mark.parametrize("kind", NTZ)
def test_a_time_without_a_zone_within_a_column_needs_its_feature(table, kind):
    done = table.run("alter", "t", "add-column", f"c {kind}")
    assert done.returncode == 7 and "timestampNtz" in done.stderr and "--upgrade" in done.stderr
    assert table.version("t") == 0
    table.ok("alter", "t", "add-column", f"c {kind}", "--upgrade")
    table.ok("alter", "t", "add-column", f"d {kind}")  # it is there now
    assert "timestampNtz" in described(table)["protocol"]["readerFeatures"]
    table.upsert("t", "k,a\n1,x\n")
    if "map<timestamp" not in kind:  # deltalake has no such keys
        assert DeltaTable(str(table.table("t"))).to_pyarrow_table()["a"].to_pylist() == ["x"]


def test_columns_that_come_with_rows_have_no_such_time(table, tmp_path):
    """Times without a zone become instants: no evolution brings in a type that needs a feature."""
    path = tmp_path / "rows.parquet"
    rows = pa.table({"k": [1], "t": pa.array([0], pa.timestamp("us")),
                     "l": pa.array([[0]], pa.list_(pa.timestamp("us"))),
                     "s": pa.array([{"x": 0}], pa.struct([("x", pa.timestamp("us"))]))})
    pa.parquet.write_table(rows, path)
    table.ok("upsert", "t", path, "--evolve")
    types = json.dumps([field["type"] for field in described(table)["schema"]])
    assert "timestamp" in types and "ntz" not in types and features(table) == []


# ---- Features ---------------------------------------------------------------------------------

@pytest.mark.parametrize("feature, needs, is_reader", [("clustering", "domainMetadata", False),
                                                       ("variantShredding", "variantType", True)])
def test_a_feature_brings_what_it_needs(varve, feature, needs, is_reader):
    assert create(varve, "--property", f"delta.feature.{feature}=supported").returncode == 0
    made = described(varve)["protocol"]
    varve.table("t").rename(varve.lake / "made")
    assert create(varve).returncode == 0
    varve.ok("alter", "t", "upgrade", feature)
    assert described(varve)["protocol"] == made
    assert {feature, needs} <= set(made["writerFeatures"])
    assert ({feature, needs} <= set(made.get("readerFeatures") or [])) == is_reader


def test_a_partitioned_table_is_not_clustered_by_its_feature(varve):
    words = ("--partition-by", "a")
    done = create(varve, *words, "--property", "delta.feature.clustering=supported")
    assert done.returncode == 2 and "is partitioned" in done.stderr
    assert create(varve, *words).returncode == 0
    done = varve.run("alter", "t", "upgrade", "clustering")
    assert done.returncode == 2 and "is partitioned" in done.stderr and varve.version("t") == 0


def test_a_feature_is_supported_or_not_said(varve):
    done = create(varve, "--property", "delta.feature.deletionVectors=no")
    assert done.returncode == 2 and "has to be supported" in done.stderr
    assert not varve.table("t").exists()
