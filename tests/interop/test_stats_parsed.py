"""Statistics and partition values as columns of a checkpoint: what they say is what the log says."""

import decimal
import json

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

STRUCT = ("--property", "delta.checkpoint.writeStatsAsStruct=true")
ONLY_STRUCT = (*STRUCT, "--property", "delta.checkpoint.writeStatsAsJson=false")
QUOTED = 'q"d'
SCHEMA = ("k bigint not null, e decimal(38,18), d decimal(18,6), i int, f double, t timestamp, "
          "n timestamp_ntz, s struct<e: decimal(38,18), `q\"d`: double, e2: decimal(20,2)>")
ROW = {"k": 9007199254740993, "e": "1234.567890123456789012", "d": "123456789012.345678", "i": -5,
       "f": 0.1, "t": "2024-01-01T10:00:00.123456Z", "n": "2024-01-01T10:00:00.123456",
       "s": {"e": "-0.567890123456789012", QUOTED: 2.5, "e2": "1.5"}}
EXACT = "e >= 1234.567890123456789012 AND e <= 1234.567890123456789012"


def checkpoint(varve, table, version):
    return varve.table(table) / "_delta_log" / f"{version:020}.checkpoint.parquet"


def parsed(varve, table, version):
    """The first file's add."""
    rows = pq.read_table(checkpoint(varve, table, version), columns=["add"]).to_pylist()
    return next(row["add"] for row in rows if row["add"])


def alter_stats(varve, table, alter):
    """Of the commit of version 1, whose only file is somebody else's then."""
    path = varve.table(table) / "_delta_log" / f"{1:020}.json"
    lines = [json.loads(line) for line in path.read_text().splitlines()]
    for line in lines:
        if "commitInfo" in line:
            line["commitInfo"] = {"timestamp": 1, "engineInfo": "Other/1"}
        if "add" in line:
            line["add"]["stats"] = alter(json.loads(line["add"]["stats"]))
            line["add"].pop("tags")
    path.write_text("".join(json.dumps(line) + "\n" for line in lines))


@pytest.fixture
def own(varve):
    varve.ok("create", "own", "--key", "k", "--schema", SCHEMA, *ONLY_STRUCT)
    varve.upsert("own", json.dumps(ROW))
    return varve


def test_bounds_are_exact(own):
    own.ok("checkpoint", "own")
    stats = parsed(own, "own", 1)["stats_parsed"]
    for side in (stats["minValues"], stats["maxValues"]):
        assert side["k"] == ROW["k"] and side["i"] == -5 and side["f"] == 0.1
        assert side["e"] == decimal.Decimal(ROW["e"]) and side["d"] == decimal.Decimal(ROW["d"])
        assert side["s"]["e"] == decimal.Decimal(ROW["s"]["e"])
        assert side["s"][QUOTED] == 2.5
        assert side["t"].isoformat() == "2024-01-01T10:00:00.123456+00:00"
        assert side["n"].isoformat() == "2024-01-01T10:00:00.123456"
    assert stats["numRecords"] == 1 and stats["nullCount"]["s"]["e"] == 0
    assert len(own.rows("scan", "own", "--where", EXACT)) == 1


def test_exact_bounds_are_used(own):
    own.ok("checkpoint", "own")
    said = own.ok("files", "own", "--json")
    own.upsert("own", json.dumps({**ROW, "k": 1, "e": "7"}))
    own.ok("checkpoint", "own")
    plan = own.rows("scan", "own", "--where", "e = 7", "--explain")
    assert '"min":{"k":"9007199254740993"}' in said
    assert plan[0]["files_read"] == 1


@pytest.mark.contradicts_itself
@pytest.mark.parametrize("json_too", [False, True])
def test_rounded_bounds_of_earlier_checkpoints_are_not_believed(own, json_too):
    """As they were written: through a double, without a word on that."""
    own.ok("checkpoint", "own")
    path = checkpoint(own, "own", 1)
    table = pq.read_table(path)
    rows = table.to_pylist()
    for row in rows:
        if row["add"]:
            for side in ("minValues", "maxValues"):
                bounds = row["add"]["stats_parsed"][side]
                for part in (bounds, bounds["s"]):
                    part["e"] = decimal.Decimal(float(part["e"])).quantize(decimal.Decimal("1e-18"))
    pq.write_table(pa.Table.from_pylist(rows, schema=table.schema.remove_metadata()), path)
    assert len(own.rows("scan", "own", "--where", EXACT)) == 1
    # Nor are they in what is made of that checkpoint.
    if json_too:
        own.ok("alter", "own", "set", "delta.checkpoint.writeStatsAsJson=true")
    own.upsert("own", json.dumps({**ROW, "k": 1, "e": "7"}))
    version = own.version("own")
    own.ok("checkpoint", "own")
    assert len(own.rows("scan", "own", "--where", EXACT)) == 1
    rows = pq.read_table(checkpoint(own, "own", version), columns=["add"]).to_pylist()
    bounds = sorted((row["add"]["stats_parsed"]["minValues"] for row in rows if row["add"]),
                    key=lambda each: each["k"])
    assert bounds[0]["e"] == 7 and bounds[1]["e"] is None and bounds[1]["s"]["e"] is None
    assert bounds[1]["t"] is not None and bounds[1]["n"] is not None
    assert bounds[1]["k"] == ROW["k"] and bounds[1]["s"][QUOTED] == 2.5


@pytest.mark.contradicts_itself
@pytest.mark.parametrize("number, told", [(2, 2), (1.5, None), ("1", None), (-1, None)])
def test_counts_that_are_none_are_unknown(own, number, told):
    alter_stats(own, "own", lambda stats: json.dumps(
        {**stats, "numRecords": number, "nullCount": {"k": number, "s": {"e": number}}}))
    own.ok("checkpoint", "own")
    stats = parsed(own, "own", 1)["stats_parsed"]
    assert stats["numRecords"] == told
    assert stats["nullCount"]["k"] == told and stats["nullCount"]["s"]["e"] == told


@pytest.mark.contradicts_itself
def test_bounds_that_are_no_values_are_none(own):
    odd = {"k": "7", "e": 0.1234567890123456789, "d": 1.23456789, "i": 3000000000, "f": "NaN",
           "t": "2024-01-01T10:00:00", "n": "epoch", "s": {"e": [1], QUOTED: 1e999}}
    alter_stats(own, "own", lambda stats: json.dumps(
        {**stats, "minValues": odd}).replace("0.12345678901234568", "0.1234567890123456789")
                .replace("Infinity", "1e999"))
    own.ok("checkpoint", "own")
    stats = parsed(own, "own", 1)["stats_parsed"]
    low = stats["minValues"]
    assert [low[name] for name in "kedifTnt" if name in low] == [None] * 7
    assert low["s"] == {"e": None, QUOTED: None, "e2": None}
    assert stats["maxValues"]["k"] == ROW["k"]


@pytest.mark.contradicts_itself
def test_bare_nan_is_no_bound(own):
    alter_stats(own, "own", lambda stats: json.dumps(
        {**stats, "minValues": {"f": float("nan")}, "maxValues": {"f": float("nan")}}))
    own.ok("checkpoint", "own")
    assert parsed(own, "own", 1)["stats_parsed"] is None
    assert len(own.rows("scan", "own", "--where", "f < 1")) == 1


@pytest.mark.parametrize("text, value", [("\x01\x02\xff", b"\x01\x02\xc3\xbf"),
                                         ("ab\\x41", b"ab\\x41"), ("", None), ("\\", b"\\")])
def test_binary_partition_values_are_the_bytes_of_the_text(varve, text, value):
    """No table of ours is partitioned by bytes; others' are read, and what we write of them is theirs."""
    varve.ok("create", "b", "--key", "k", "--schema", "k bigint not null, p string",
             "--partition-by", "p", *STRUCT)
    varve.upsert("b", '{"k":1,"p":"x"}')
    log = varve.table("b") / "_delta_log"
    for path in log.glob("*.json"):
        lines = [json.loads(line) for line in path.read_text().splitlines()]
        for line in lines:
            if "metaData" in line:
                line["metaData"]["schemaString"] = line["metaData"]["schemaString"].replace(
                    '"string"', '"binary"')
            if "add" in line:
                line["add"]["partitionValues"]["p"] = text
        path.write_text("".join(json.dumps(line) + "\n" for line in lines))
    varve.ok("checkpoint", "b")
    assert parsed(varve, "b", 1)["partitionValues_parsed"]["p"] == value
    told = varve.ok("query", "SELECT hex(p) AS h FROM b").splitlines()[1:]
    assert told == [value.hex().upper() if value else ""]


@pytest.mark.contradicts_itself
def test_what_typed_statistics_leave_out_accuses_no_table(varve):
    """Neither what is no value of its column, nor a column that has gone since."""
    varve.ok("create", "t", "--key", "k", "--schema", "k bigint not null, f double, t timestamp, i int", *ONLY_STRUCT)
    varve.upsert("t", json.dumps({"k": 1, "f": 2.0, "t": "2024-01-01T10:00:00Z", "i": 5}))
    alter_stats(varve, "t", lambda stats: json.dumps({
        **stats, "other": 1,
        "minValues": {**stats["minValues"], "t": "2024-01-01T09:00:00.1234567Z", "f": "NaN"}}))
    varve.ok("alter", "t", "drop-column", "i", "--upgrade")
    varve.ok("checkpoint", "t")
    assert "whole" in varve.ok("verify", "t")


@pytest.mark.contradicts_itself
def test_other_counts_in_a_checkpoint_are_found(own):
    """They are what deletes and compactions go by."""
    own.ok("checkpoint", "own")
    path = checkpoint(own, "own", 1)
    table = pq.read_table(path)
    adds = table.column("add").to_pylist()
    for add in adds:
        if add:
            add["stats_parsed"]["numRecords"] = 2
    at = table.schema.get_field_index("add")
    changed = table.set_column(at, table.schema.field("add"), pa.array(adds, table.schema.field("add").type))
    kept = {key: value for key, value in (table.schema.metadata or {}).items() if b"xxh3" not in key}
    pq.write_table(changed.replace_schema_metadata(kept), path)
    done = own.run("verify", "own")
    assert done.returncode == 10 and "describes a file differently" in done.stdout + done.stderr
