"""A feature that a table lists but does not use obliges nobody: such a table is written to. One that
it uses and Varve does not write is refused by name, and still read."""

import json
import os

import pyarrow as pa
import pyarrow.parquet
import pytest
from deltalake import DeltaTable

READERS = {"variantType", "variantType-preview", "variantShredding", "variantShredding-preview",
           "vacuumProtocolCheck", "v2Checkpoint", "columnMapping"}
VARIANT = {"type": "variant"}
SUSPENDED = {"delta.enableRowTracking": "false", "delta.rowTrackingSuspended": "true"}


def tables():
    """Features, properties of the table, what is else of column v; whether it may be written."""
    def field(**metadata):
        return {"metadata": metadata}
    yield ["identityColumns"], {}, {}, True
    yield ["identityColumns"], {}, field(**{"delta.identity.start": 1, "delta.identity.step": 1,
                                            "delta.identity.allowExplicitInsert": True}), False
    for variant in ("variantType", "variantType-preview"):
        yield [variant], {}, {}, True
        yield [variant], {}, VARIANT, False
        for shredding in ("variantShredding", "variantShredding-preview"):
            yield [variant, shredding], {"delta.enableVariantShredding": "true"}, {}, True
            yield [variant, shredding], {"delta.enableVariantShredding": "false"}, VARIANT, False
    tracking = ["rowTracking", "domainMetadata"]
    yield tracking, {}, {}, False  # to be listed is to be obliged
    yield tracking, {"delta.enableRowTracking": "false"}, {}, False
    yield tracking, {"delta.enableRowTracking": "true"}, {}, False
    yield tracking, SUSPENDED, {}, True
    for number in (1, 2, 3):
        yield [f"icebergCompatV{number}"], {}, {}, True
        yield [f"icebergCompatV{number}"], {f"delta.enableIcebergCompatV{number}": "true"}, {}, False
    yield ["icebergWriterCompatV1"], {}, {}, True
    yield ["icebergWriterCompatV1"], {"delta.enableIcebergWriterCompatV1": "true"}, {}, False
    for name in ("collations", "collations-preview"):
        yield [name], {}, {}, True
        yield [name], {}, field(__COLLATIONS={"v": "ICU.UNICODE"}), False
    yield ["checkpointProtection"], {}, {}, True
    yield ["checkpointProtection"], {"delta.requireCheckpointProtectionBeforeVersion": "0"}, {}, True
    yield ["checkpointProtection"], {"delta.requireCheckpointProtectionBeforeVersion": "2"}, {}, False
    yield ["materializePartitionColumns"], {}, {}, True
    yield ["materializePartitionColumns"], {}, {"partition": True}, False
    yield ["vacuumProtocolCheck"], {}, {}, True
    yield ["v2Checkpoint"], {"delta.checkpointPolicy": "classic"}, {}, True
    yield ["columnMapping"], {"delta.columnMapping.mode": "none"}, {}, True
    yield ["somethingNew"], {}, {}, False  # who does not know it can't tell


def name_of(case):
    features, properties, more, may_write = case
    words = [*features, *(f"{name.split('.')[-1]}={value}" for name, value in properties.items()),
             *more, "written" if may_write else "refused"]
    return " ".join(words)


def make(varve, features, properties, more):
    """A table of ours, as other software would have it."""
    partition = ("--partition-by", "v") if more.get("partition") else ()
    varve.ok("create", "t", "--schema", "k bigint not null, v string", "--key", "k", *partition)
    path = varve.table("t") / "_delta_log" / f"{0:020}.json"
    lines = [json.loads(line) for line in path.read_text().splitlines()]
    for line in lines:
        if "protocol" in line:
            readers = [one for one in features if one in READERS]
            line["protocol"] = {"minReaderVersion": 3 if readers else 1, "minWriterVersion": 7,
                                **({"readerFeatures": readers} if readers else {}),
                                "writerFeatures": features}
        if "metaData" in line:
            line["metaData"]["configuration"].update(properties)
            schema = json.loads(line["metaData"]["schemaString"])
            schema["fields"][1].update({name: value for name, value in more.items()
                                        if name != "partition"})
            line["metaData"]["schemaString"] = json.dumps(schema)
    path.write_text("".join(json.dumps(line) + "\n" for line in lines))


@pytest.mark.parametrize("case", list(tables()), ids=name_of)
def test_listed_is_not_used(varve, case):
    features, properties, more, may_write = case
    make(varve, features, properties, more)
    before = json.loads(varve.ok("describe", "t", "--json"))
    assert varve.rows("scan", "t") == []
    done = varve.run("upsert", "t", "-", "--input-format", "csv", "--json",
                     stdin="k,v\n1,x\n2,y\n")
    report = json.loads(varve.ok("doctor", "t", "--json"))
    ours = next(one for one in report["engines"] if one["engine"] == "Varve")
    assert ours["read"] == "yes" and ours["write"] == ("yes" if may_write else "no")
    if not may_write:
        assert done.returncode == 7 and f'"{features[0]}"' in done.stderr
        assert "reading it is fine" in done.stderr and varve.version("t") == 0
        refused = varve.run("checkpoint", "t")
        assert (refused.returncode, refused.stderr) == (7, done.stderr)
        assert not list((varve.table("t") / "_delta_log").glob("*.checkpoint.*"))
        return
    assert done.returncode == 0, done.stderr
    varve.ok("delete", "t", "--where", "k = 1")
    varve.ok("alter", "t", "add-column", "w int")
    varve.ok("optimize", "t")
    varve.ok("checkpoint", "t")
    assert varve.rows("scan", "t") == [{"k": 2, "v": "y", "w": None}]
    after = json.loads(varve.ok("describe", "t", "--json"))
    assert after["protocol"] == before["protocol"]
    assert properties.items() <= after["properties"].items()
    assert not any("baseRowId" in path.read_text()
                   for path in (varve.table("t") / "_delta_log").glob("*.json"))


def old_log(varve, change):
    """A log that a clean-up would shorten, of a table whose newest commit changes the protocol."""
    varve.ok("create", "t", "--schema", "k bigint not null", "--key", "k")
    for key in range(3):
        varve.upsert("t", f"k\n{key}\n")
    log = varve.table("t") / "_delta_log"
    (log / f"{4:020}.json").write_text(json.dumps({"protocol": change}) + "\n" +
                                       json.dumps({"somethingElse": {"x": 1}}) + "\n")
    for path in log.glob("*.json"):
        os.utime(path, (1600000000, 1600000000))
    return log


@pytest.mark.parametrize("change", [
    {"minReaderVersion": 1, "minWriterVersion": 7, "writerFeatures": ["fooBar"]},
    {"minReaderVersion": 1, "minWriterVersion": 9}], ids=["feature", "version"])
def test_no_checkpoint_takes_the_place_of_what_varve_does_not_know(varve, change):
    log = old_log(varve, change)
    before = sorted(path.name for path in log.iterdir())
    done = varve.run("checkpoint", "t")
    assert done.returncode == 7 and done.stderr == varve.run("vacuum", "t", "--yes").stderr
    assert sorted(path.name for path in log.iterdir()) == before
    assert len(varve.rows("scan", "t")) == 3


@pytest.mark.parametrize("feature", ["icebergCompatV2", "collations", "checkpointProtection",
                                     "materializePartitionColumns", "somethingNew"])
def test_no_table_is_given_what_varve_does_not_do(varve, feature):
    varve.ok("create", "t", "--schema", "k bigint not null", "--key", "k")
    done = varve.run("alter", "t", "upgrade", feature)
    assert done.returncode in (2, 7) and feature in done.stderr
    assert varve.version("t") == 0


def test_shredded_variants_that_are_no_variants_are_refused_by_name(varve):
    """Files that do not call the column a variant, with shredded parts: never read wrongly."""
    make(varve, ["variantType", "variantShredding"], {}, VARIANT)
    parts = pa.struct([pa.field("metadata", pa.binary(), False), pa.field("value", pa.binary()),
                       pa.field("typed_value", pa.int64())])
    file = varve.table("t") / "part-0.parquet"
    empty = b"\x01\x00\x00"

    def write(kind, row):
        pa.parquet.write_table(pa.table({"k": pa.array([1]), "v": pa.array([row], kind)}), file)
        (varve.table("t") / "_delta_log" / f"{1:020}.json").write_text(json.dumps({"add": {
            "path": file.name, "partitionValues": {}, "size": file.stat().st_size,
            "modificationTime": 0, "dataChange": True}}) + "\n")
    write(pa.struct(list(parts)[:2]), {"metadata": empty, "value": b"\x0c\x07"})
    assert varve.rows("scan", "t") == [{"k": 1, "v": "7"}]
    for value in ({"value": None, "typed_value": 7}, {"value": b"\x0c\x07", "typed_value": None}):
        write(parts, {"metadata": empty, **value})
        done = varve.run("scan", "t")
        assert done.returncode == 7 and "variantShredding" in done.stderr and done.stdout == ""
    assert DeltaTable(str(varve.table("t"))).version() == 1
