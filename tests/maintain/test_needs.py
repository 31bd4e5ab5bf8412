"""What a column, a property or a feature needs is in the protocol, or the change is refused: other
software goes by what a protocol lists, and refuses a table that has more in it."""

import json

import pyarrow as pa
import pyarrow.parquet
import pytest
from deltalake import DeltaTable, write_deltalake

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


# ---- Properties -------------------------------------------------------------------------------

REFUSED = [("delta.checkpointPolicy=v2", "v2Checkpoint"),
           ("delta.CheckpointPolicy=V2", "v2Checkpoint"),
           *((f"delta.enableIcebergCompatV{n}=true", f"icebergCompatV{n}") for n in (1, 2, 3)),
           ("delta.universalFormat.enabledFormats=iceberg", "icebergCompatV2"),
           ("delta.writePartitionColumnsToParquet=true", "materializePartitionColumns"),
           ("delta.enableMaterializePartitionColumnsFeature=true", "materializePartitionColumns"),
           ("delta.requireCheckpointProtectionBeforeVersion=3", "checkpointProtection"),
           ("delta.coordinatedCommits.commitCoordinator-preview=x", "coordinatedCommits-preview"),
           ("delta.coordinatedCommits.commitCoordinatorConf-preview={}", "coordinatedCommits")]
BAD = [("delta.minReaderVersion=3", "no property"), ("delta.minWriterVersion=7", "no property"),
       ("delta.inCommitTimestampEnablementVersion=1", "not set by hand"),
       ("delta.inCommitTimestampEnablementTimestamp=1", "not set by hand"),
       ("delta.rowTracking.materializedRowIdColumnName=x", "not set by hand"),
       ("delta.columnMapping.maxColumnId=9", "not set by hand"),
       ("delta.isolationLevel=bla", "one of Serializable WriteSerializable"),
       ("delta.parquet.compression.codec=bla", "one of zstd snappy gzip"),
       ("delta.parquet.compression.codec=", "one of zstd snappy gzip"),
       ("delta.parquet.format.version=3.0.0", "1.0.0 or 2.12.0"),
       ("delta.parquet.format.version=2.1", "1.0.0 or 2.12.0"),
       ("delta.parquet.format.version=2.1.", "1.0.0 or 2.12.0"),
       ("delta.dataSkippingNumIndexedCols=xx", "-1 for all"),
       ("delta.dataSkippingNumIndexedCols=-2", "-1 for all"),
       ("delta.dataSkippingStringPrefixLength=-1", "0 or above"),
       ("delta.randomPrefixLength=0", "above 0"), ("delta.checkpointPolicy=v3", "to be classic"),
       ("delta.enableIcebergCompatV2=perhaps", "true or false"),
       ("delta.enableVariantShredding=1", "true or false"),
       ("delta.requireCheckpointProtectionBeforeVersion=-1", "0 or above"),
       ("delta.universalFormat.enabledFormats=lance", "to be hudi"),
       ("delta.randomizeFilePrefixes=2", "true or false")]
FINE = [("delta.checkpointPolicy=Classic", "classic"),
        ("delta.enableIcebergCompatV1=false", "false"),
        ("delta.requireCheckpointProtectionBeforeVersion=0", "0"),
        ("delta.isolationLevel=serializable", "Serializable"),
        ("delta.isolationLevel=WriteSerializable", "WriteSerializable"),
        ("delta.parquet.compression.codec=ZSTD", "zstd"),
        ("delta.parquet.compression.codec=lz4_raw", "lz4_raw"),
        ("delta.parquet.format.version=2.12.0", "2.12.0"),
        ("delta.parquet.format.version=1.0.0", "1.0.0"),
        ("delta.dataSkippingNumIndexedCols=-1", "-1"), ("delta.dataSkippingNumIndexedCols=0", "0"),
        ("delta.dataSkippingStringPrefixLength=0", "0"),
        ("delta.writePartitionColumnsToParquet=false", "false"), ("mine.checkpointPolicy=v2", "v2")]


@pytest.mark.parametrize("text, words, status", [(*case, 7) for case in REFUSED] +
                         [(*case, 2) for case in BAD], ids=lambda value: str(value))
def test_what_varve_does_not_do_or_nobody_understands_is_not_stored(varve, text, words, status):
    done = create(varve, "--property", text)
    assert done.returncode == status and words in done.stderr, done.stderr
    assert not varve.table("t").exists()
    assert create(varve).returncode == 0
    done = varve.run("alter", "t", "set", text, "--upgrade")
    assert done.returncode == status and words in done.stderr, done.stderr
    assert varve.version("t") == 0


def test_what_is_fine_is_stored_as_delta_spells_it(varve):
    for text, stored in FINE:
        name = text.split("=")[0]
        done = create(varve, "--property", text)
        assert done.returncode == 0, done.stderr
        assert described(varve)["properties"][name] == stored and features(varve) == []
        varve.table("t").rename(varve.lake / f"made{text}".replace(".", "_").replace("=", "_"))
        assert create(varve).returncode == 0
        varve.ok("alter", "t", "set", text)
        assert described(varve)["properties"][name] == stored
        varve.table("t").rename(varve.lake / f"set{text}".replace(".", "_").replace("=", "_"))


@pytest.mark.parametrize("text", [text for text, _ in REFUSED if "Iceberg" not in text] +
                         ["delta.minReaderVersion=3", "delta.isolationLevel=bla",
                          "delta.inCommitTimestampEnablementVersion=1"])
def test_tables_that_have_it_are_read_and_written(table, text):
    """Other software, or an earlier Varve, has put it there; it may be unset."""
    name, _, value = text.partition("=")
    path = table.table("t") / "_delta_log" / f"{0:020}.json"
    path.write_text(path.read_text().replace('"configuration":{', '"configuration":'
                                             f"{{{json.dumps(name)}:{json.dumps(value)},"))
    table.upsert("t", "k,a\n1,x\n")
    table.ok("alter", "t", "set", "delta.checkpointInterval=7")
    table.ok("alter", "t", "add-column", "c int")
    assert table.rows("scan", "t") == [{"k": 1, "a": "x", "z": None, "c": None}]
    assert described(table)["properties"][name] == value
    table.ok("checkpoint", "t")  # of version 3: the policy asks for the feature that is not there
    table.ok("alter", "t", "unset", name)
    assert len(list(path.parent.glob("*.checkpoint.parquet"))) == 1


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


def test_shredding_lists_its_features(varve):
    assert create(varve).returncode == 0
    done = varve.run("alter", "t", "set", "delta.enableVariantShredding=true")
    assert done.returncode == 7 and "--upgrade" in done.stderr
    varve.ok("alter", "t", "set", "delta.enableVariantShredding=true", "--upgrade")
    assert {"variantShredding", "variantType"} <= set(features(varve))
    varve.upsert("t", "k,a\n1,x\n")


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


# ---- Names of constraints ---------------------------------------------------------------------

def constraints(varve):
    prefix = "delta.constraints."
    return {name[len(prefix):]: text for name, text in described(varve)["properties"].items()
            if name.startswith(prefix)}


def test_a_constraint_has_a_name_that_spark_finds(table):
    table.ok("alter", "t", "add-constraint", "X_Pos", "z > 0", "--upgrade")
    assert constraints(table) == {"x_pos": "z > 0"}
    assert not json.loads(table.ok("alter", "t", "add-constraint", "x_POS", "z > 0",
                                   "--json"))["changed"]
    done = table.run("alter", "t", "add-constraint", "x_pos", "z > 1")
    assert done.returncode == 2 and "has a constraint x_pos: z > 0" in done.stderr
    done = table.run("upsert", "t", "-", "--input-format", "csv", stdin="k,z\n1,-1\n")
    assert done.returncode == 3 and "x_pos" in done.stderr
    table.ok("alter", "t", "drop-constraint", "X_POS")
    assert constraints(table) == {}


def test_a_new_table_has_such_names_too(varve):
    words = ("--check", "Z_Pos: z > 0")
    assert create(varve, *words).returncode == 0
    assert constraints(varve) == {"z_pos": "z > 0"}
    assert create(varve, *words).returncode == 0  # it is there
    done = create(varve, "--check", "z_pos: z > 1")
    assert done.returncode == 2 and 'its delta.constraints.z_pos is "z > 0"' in done.stderr


def test_the_constraints_of_others_keep_their_names(table):
    """Mixed names, two of which are one to Spark: a drop takes the one that is spelt so."""
    table.ok("alter", "t", "add-constraint", "first", "z > 0", "--upgrade")
    path = table.table("t") / "_delta_log" / f"{1:020}.json"
    path.write_text(path.read_text().replace(
        '"delta.constraints.first":"z > 0"', '"delta.constraints.X_Pos":"z > 0",'
        '"delta.constraints.x_pos":"z > 1","delta.constraints.Other":"z > 2"'))
    assert set(constraints(table)) == {"X_Pos", "x_pos", "Other"}
    done = table.run("alter", "t", "add-constraint", "other", "z > 9")
    assert done.returncode == 2 and "z > 2" in done.stderr
    table.ok("alter", "t", "drop-constraint", "X_Pos")
    assert set(constraints(table)) == {"x_pos", "Other"}
    table.ok("alter", "t", "drop-constraint", "OTHER")
    table.ok("alter", "t", "drop-constraint", "x_pos")
    assert constraints(table) == {}
    done = table.run("alter", "t", "drop-constraint", "x_pos")
    assert done.returncode == 2 and "no constraint x_pos" in done.stderr


def test_spark_like_text_in_single_quotes_suits_both(table):
    """Double quotes are a text to Spark and to Varve, a column to deltalake."""
    table.ok("alter", "t", "add-constraint", "few", "a in ('x', 'y')", "--upgrade")
    path = str(table.table("t"))
    rows = pa.table({"k": pa.array([1], pa.int64()), "a": ["x"], "z": pa.array([1], pa.int64())},
                    pa.schema([pa.field("k", pa.int64(), False), ("a", pa.string()),
                               ("z", pa.int64())]))
    write_deltalake(path, rows, mode="append")
    table.upsert("t", "k,a\n2,y\n")
    assert len(table.rows("scan", "t")) == 2


# ---- Statistics -------------------------------------------------------------------------------

def bounds(varve):
    """The names that each file has minimums of."""
    log = sorted((varve.table("t") / "_delta_log").glob("*.json"))
    adds = [line["add"] for path in log for line in map(json.loads, path.read_text().splitlines())
            if "add" in line]
    return [json.loads(add["stats"])["minValues"] for add in adds]


@pytest.mark.parametrize("text", ["delta.dataSkippingNumIndexedCols=1",
                                  "delta.dataSkippingNumIndexedCols=0",
                                  "delta.dataSkippingStatsColumns=k"])
def test_a_clustering_column_has_statistics_whatever_is_set(varve, text):
    assert create(varve, "--cluster-by", "z").returncode == 0
    varve.ok("alter", "t", "set", text)
    for row in ("1,x,5", "2,y,6"):
        varve.upsert("t", f"k,a,z\n{row}\n")
    varve.ok("optimize", "t")
    varve.ok("update", "t", "--set", "a = 'q'", "--where", "k = 1")
    varve.ok("alter", "t", "rename-column", "z", "zz", "--upgrade")
    varve.upsert("t", "k,a,zz\n3,x,7\n")
    found = bounds(varve)
    assert len(found) >= 4 and all("z" in one and "a" not in one for one in found)


def test_columns_in_front_do_not_push_it_out(varve):
    assert create(varve, "--cluster-by", "z").returncode == 0
    kind = "struct<" + ", ".join(f"x{i}: int" for i in range(40)) + ">"
    varve.ok("alter", "t", "add-column", f"w {kind} after k")
    varve.upsert("t", '{"k": 1, "z": 5, "w": {"x1": 1}}\n')
    assert bounds(varve)[0]["z"] == 5 and "a" not in bounds(varve)[0]


@pytest.mark.parametrize("given, renamed, dropped", [
    ("a,z", "`b.c`,z", "z"), ("z, A", "z,`b.c`", "z"), ("a", "`b.c`", ""),
    ("z,k", "z,k", "z,k"), ("`a`,`z`", "`b.c`,z", "z")])
def test_the_list_of_statistics_follows_its_columns(varve, given, renamed, dropped):
    name = "delta.dataSkippingStatsColumns"
    for words, wanted in ((("rename-column", "a", "b.c"), renamed), (("drop-column", "a"), dropped)):
        assert create(varve, "--property", f"{name}={given}").returncode == 0
        varve.ok("alter", "t", *words, "--upgrade")
        assert described(varve)["properties"][name] == wanted
        varve.upsert("t", "k,z\n1,5\n")
        assert set(bounds(varve)[0]) == {one for one in ("k", "z") if one in wanted}
        varve.table("t").rename(varve.lake / words[0])
