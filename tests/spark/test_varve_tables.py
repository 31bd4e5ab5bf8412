"""Tables that Varve makes, in the hands of Spark: read, written, and taken back."""

import datetime
import json
import re
import shutil

import pytest
from py4j.protocol import Py4JJavaError

from conftest import Refused, name_of

HEAD = "timestamp,symbol,regime,vix,confidence,source,ingested_at\n"
ROWS = HEAD + (
    "2025-01-30T10:00:00.000001Z,SPY,neutral_low,14.5,0.8,primary,2025-01-30T10:00:01Z\n"
    "2025-01-30T23:59:59.999999Z,^GSPC,bullish_high,,1,\"ünï, \"\"cödé\"\"\",2025-01-31T00:00:01Z\n"
    "2025-01-31T00:00:00Z,BTC/USD,bearish_high,0,0,\"\",2025-01-31T00:00:01Z\n")


@pytest.fixture
def path(market):
    market.upsert("market_regimes", ROWS)
    return market.table("market_regimes")


def test_the_market_tables(market, spark, same_rows):
    for table in ("market_regimes", "performance_metrics", "signals"):
        feed = market.ok("simulate", "--days", "2", "--strategies", "2", "--table", table)
        market.upsert(table, feed)
        assert len(same_rows(market.table(table))) > 10
        assert same_rows(market.table(table), version=0) == []
    detail = spark(f"DESCRIBE DETAIL {name_of(market.table('signals'))}").first()
    assert detail["partitionColumns"] == ["date"]
    assert detail["properties"]["varve.key"] == "timestamp,strategy_id,signal_type"
    assert any(name.startswith("delta.constraints.") for name in detail["properties"])


def test_history_is_in_sparks_words(market, spark, path):
    entries = spark(f"DESCRIBE HISTORY {name_of(path)}").collect()
    assert [(entry["version"], entry["operation"]) for entry in entries] == [
        (1, "MERGE"), (0, "CREATE TABLE")]
    assert entries[0]["operationMetrics"]["numTargetRowsInserted"] == "3"
    assert entries[0]["engineInfo"].startswith("Varve/")
    ours = market.rows("history", "market_regimes")
    assert [entry["timestamp"].timestamp() for entry in entries] == pytest.approx(
        [as_seconds(row["timestamp"]) for row in ours], abs=0.001)


def as_seconds(text):
    return datetime.datetime.fromisoformat(text.replace("Z", "+00:00")).timestamp()


def test_every_type(varve, spark, same_rows):
    varve.ok("create", "types", "--key", "i", "--schema",
             "i int not null, s string, d double, f float, b boolean, t timestamp, "
             "n timestamp_ntz, e date, x decimal(38,10), y binary, z smallint, "
             "a array<double>, m map<string, bigint>, r struct<x: int, y: array<string>>")
    varve.upsert("types", "\n".join([
        '{"i":1,"s":"","d":0.1,"f":0.5,"b":true,"t":"2025-01-30T10:00:00.123456Z",'
        '"n":"2025-01-30T10:00:00.000001","e":"1969-12-31","x":12345678901234567890.0123456789,'
        '"y":"AAEC/w==","z":-32768,"a":[1.5,null],"m":{"k":1,"l":null},"r":{"x":1,"y":["q",null]}}',
        '{"i":2,"t":"1900-01-01T00:00:00Z","n":"9999-12-31T23:59:59.999999","e":"2024-02-29",'
        '"a":[],"m":{},"r":{"x":null,"y":[]}}',
        '{"i":3}']) + "\n")
    varve.upsert("types", "i,d,f\n4,NaN,Infinity\n5,-Infinity,NaN\n")
    assert len(same_rows(varve.table("types"))) == 5
    schema = spark(f"SELECT * FROM {name_of(varve.table('types'))}").schema
    assert [field.dataType.simpleString() for field in schema] == [
        "int", "string", "double", "float", "boolean", "timestamp", "timestamp_ntz", "date",
        "decimal(38,10)", "binary", "smallint", "array<double>", "map<string,bigint>",
        "struct<x:int,y:array<string>>"]


# ---- Checkpoints ------------------------------------------------------------------------------


def remove_log_before(path, version):
    for commit in (path / "_delta_log").glob("*.json"):
        if commit.stem.isdigit() and int(commit.stem) < version:
            commit.unlink()


def make_ticks(varve, *properties):
    options = [word for text in properties for word in ("--property", text)]
    varve.ok("create", "ticks", "--schema", "ts timestamp not null, id string not null, "
             "price double, day date not null", "--partition-by", "day", "--key", "ts,id",
             *options)
    for number in range(1, 13):
        varve.upsert("ticks", f"ts,id,price\n2025-01-{number:02d}T10:00:00Z,A,{number}.5\n",
                     "--app-id", "feed", "--app-version", str(number))
    return varve.table("ticks")


@pytest.mark.parametrize("properties, columns", [
    ([], {"stats"}),
    (["delta.checkpoint.writeStatsAsStruct=true"],
     {"stats", "stats_parsed", "partitionValues_parsed"}),
    (["delta.checkpoint.writeStatsAsStruct=true", "delta.checkpoint.writeStatsAsJson=false"],
     {"stats_parsed", "partitionValues_parsed"})])
def test_spark_reads_our_checkpoints(varve, spark, same_rows, properties, columns):
    path = make_ticks(varve, *properties)
    remove_log_before(path, 10)  # now the checkpoint is all there is of it
    checkpoint = path / "_delta_log" / f"{10:020d}.checkpoint.parquet"
    fields = spark.session.read.parquet(str(checkpoint)).schema["add"].dataType.names
    assert {"stats", "stats_parsed", "partitionValues_parsed"} & set(fields) == columns
    assert len(same_rows(path)) == 12
    for where, expected in (("day = '2025-01-03'", 1), ("price > 11", 2), ("price IS NULL", 0)):
        query = f"SELECT count(*) AS n FROM {name_of(path)} WHERE {where}"
        assert spark.rows(query) == [{"n": expected}]
    assert spark(f"SELECT max(price) FROM {name_of(path)}").first()[0] == 12.5
    spark(f"INSERT INTO {name_of(path)} VALUES (timestamp'2025-02-01 00:00:00', 'B', 1.0, "
          "date'2025-02-01')")
    assert len(same_rows(path)) == 13
    again = varve.upsert("ticks", "ts,id,price\n2025-01-01T10:00:00Z,A,7\n", "--app-id", "feed",
                         "--app-version", "12")
    assert again["already_applied"]


@pytest.mark.parametrize("properties", [
    [], ["delta.enableInCommitTimestamps=true", "delta.enableDeletionVectors=true"]],
    ids=["plain", "times and vectors"])
def test_checksum_files_are_believed_by_both_and_right(varve, spark, properties, tmp_path):
    """Spark holds ours against what it makes of the log, goes on from it, and Varve holds Spark's."""
    varve.ok("create", "t", "--schema", "k bigint not null, v string", "--key", "k",
             *(word for one in properties for word in ("--property", one)))
    for first in (0, 10):
        varve.upsert("t", "k,v\n" + "".join(f"{first + k},x\n" for k in range(10)))
    varve.ok("delete", "t", "--where", "k in (3, 13)")
    varve.ok("checkpoint", "t")
    path = varve.table("t")
    crc = path / "_delta_log" / f"{3:020}.crc"
    spoilt = tmp_path / "spoilt"
    shutil.copytree(path, spoilt)
    wrong = spoilt / "_delta_log" / crc.name
    wrong.write_text(re.sub(r'"numFiles":\d', '"numFiles":7', crc.read_text()))
    assert wrong.read_text() != crc.read_text()

    def snapshot(of):
        java = spark.session._jvm.org.apache.spark.sql.delta.DeltaLog
        java.clearCache()
        return java.forTable(spark.session._jsparkSession, str(of)).update(False, *[
            getattr(spark.session._jvm.scala, "None$").__getattr__("MODULE$")] * 2)

    def is_right(of):
        seen = snapshot(of)
        assert seen.checksumOpt().isDefined() and seen.version() == 3
        return seen.validateChecksum(
            getattr(spark.session._jvm.scala.collection.immutable, "Map$")
            .__getattr__("MODULE$").empty())
    said = snapshot(path).checksumOpt().get()
    sizes = [row["bytes"] for row in varve.rows("files", "t")]
    assert (said.numFiles(), said.tableSizeBytes()) == (len(sizes), sum(sizes))
    assert is_right(path)
    with pytest.raises(Py4JJavaError, match="[Nn]umber of files|numFiles|checksum"):
        is_right(spoilt)
    spark(f"INSERT INTO {name_of(path)} VALUES (100, 'y')")
    theirs = json.loads((path / "_delta_log" / f"{4:020}.crc").read_text())
    assert theirs["numFiles"] == len(sizes) + 1
    (found,) = [one for one in json.loads(varve.ok("doctor", "t", "--json"))["health"]
                if one["check"] == "checksum"]
    assert found["good"] and "version 4 is right" in found["message"]


def test_a_log_that_we_cleaned_up(varve, spark, same_rows):
    path = make_ticks(varve, "delta.logRetentionDuration=interval 5 days")
    for commit in sorted((path / "_delta_log").glob("*.json"))[:12]:
        text = re.sub(r'"timestamp":\d+', f'"timestamp":{int(commit.stem) + 1}', commit.read_text())
        commit.write_text(text)
    before = varve.rows("scan", path, "--version", "3")
    cleaned = json.loads(varve.ok("checkpoint", "ticks", "--json"))
    assert cleaned["commits_cleaned"] == 10
    assert not (path / "_delta_log" / f"{9:020d}.json").exists()
    spark("CLEAR CACHE")
    assert len(same_rows(path)) == 12
    assert len(same_rows(path, version=10)) == 10
    assert varve.rows("scan", path, "--version", "3") == before  # by the ledger
    spark(f"DELETE FROM {name_of(path)} WHERE day = '2025-01-01'")
    assert len(same_rows(path)) == 11


# ---- Spark writes -----------------------------------------------------------------------------

COLUMNS = "timestamp, symbol, regime, vix, confidence, source, date, ingested_at"


def insert(spark, path, regime="neutral_low", symbol="'QQQ'", vix="20.0", confidence="0.5"):
    spark(f"INSERT INTO {name_of(path)} ({COLUMNS}) VALUES (timestamp'2025-01-30 12:00:00Z', "
          f"{symbol}, '{regime}', {vix}, {confidence}, 'spark', date'2025-01-30', "
          "timestamp'2025-01-30 12:00:00Z')")


@pytest.mark.parametrize("bad, words", [
    ({"regime": "sideways"}, "regime_known"), ({"confidence": "1.5"}, "confidence_range"),
    ({"confidence": "double('NaN')"}, "confidence_range"), ({"vix": "-1.0"}, "vix_range"),
    ({"symbol": "NULL"}, "symbol")])
def test_spark_enforces_our_constraints(market, spark, path, bad, words):
    with pytest.raises(Refused, match=words):
        insert(spark, path, **bad)
    assert market.version("market_regimes") == 1


def test_spark_appends_merges_updates_and_deletes_and_we_go_on(market, spark, path, same_rows):
    name = name_of(path)
    insert(spark, path)
    assert len(same_rows(path)) == 4
    spark(f"MERGE INTO {name} t USING (SELECT timestamp'2025-01-30 12:00:00Z' AS ts, 'QQQ' AS s, "
          "21.0D AS v UNION ALL SELECT timestamp'2025-01-30 12:01:00Z', 'QQQ', 22.0D) n "
          "ON t.timestamp = n.ts AND t.symbol = n.s WHEN MATCHED THEN UPDATE SET vix = n.v "
          "WHEN NOT MATCHED THEN INSERT (timestamp, symbol, regime, vix, date, ingested_at) "
          "VALUES (n.ts, n.s, 'bearish_low', n.v, date'2025-01-30', n.ts)")
    assert len(same_rows(path)) == 5
    spark(f"UPDATE {name} SET vix = 30.0 WHERE symbol = 'SPY'")
    spark(f"DELETE FROM {name} WHERE symbol = 'BTC/USD'")
    rows = same_rows(path)
    assert sorted((row["symbol"], row["vix"]) for row in rows if row["vix"]) == [
        ("QQQ", 21.0), ("QQQ", 22.0), ("SPY", 30.0)]

    result = market.upsert("market_regimes", HEAD +
                           "2025-01-30T12:00:00Z,QQQ,neutral_low,23,0.5,py,2025-01-30T13:00:00Z\n"
                           "2025-01-30T10:00:00.000001Z,SPY,neutral_low,1,,,2024-01-01T00:00:00Z\n"
                           "2025-02-03T12:00:00Z,QQQ,neutral_low,24,0.5,py,2025-02-03T13:00:00Z\n")
    assert (result["updated"], result["inserted"], result["stale"]) == (1, 1, 1)
    assert len(same_rows(path)) == 5
    commit = path / "_delta_log" / f"{result['version']:020d}.json"
    info = json.loads(commit.read_text().splitlines()[0])["commitInfo"]
    assert info["varve"]["prevVersion"] == result["version"] - 1
    for version in range(result["version"] + 1):
        same_rows(path, version)
    operations = [row["operation"] for row in market.rows("history", "market_regimes")]
    assert operations == ["MERGE", "DELETE", "UPDATE", "MERGE", "WRITE", "MERGE", "CREATE TABLE"]


def test_rows_doubled_by_spark_are_repaired(market, spark, path, same_rows):
    for _ in range(2):
        insert(spark, path)
    result = market.upsert("market_regimes", HEAD +
                           "2025-01-30T12:00:00Z,QQQ,neutral_low,20,0.5,spark,2025-01-30T11:00:00Z\n")
    assert (result["repaired"], result["unchanged"] + result["stale"]) == (1, 1)
    assert len(same_rows(path)) == 4


def test_spark_optimizes_checkpoints_and_vacuums(market, spark, path, same_rows):
    name = name_of(path)
    spark(f"ALTER TABLE {name} SET TBLPROPERTIES ('delta.checkpointInterval' = '2', "
          "'delta.checkpoint.writeStatsAsStruct' = 'true')")
    for minute in range(3):
        market.upsert("market_regimes", HEAD + f"2025-01-30T15:{minute:02d}:00Z,SPY,neutral_low,"
                      f"{minute},0.5,a,2025-01-30T16:00:00Z\n")
    spark(f"OPTIMIZE {name} ZORDER BY (symbol)")
    insert(spark, path)
    newest = json.loads((path / "_delta_log" / "_last_checkpoint").read_text())["version"]
    assert newest % 2 == 0 and newest >= market.version("market_regimes") - 1
    assert len(same_rows(path)) == 7
    spark(f"VACUUM {name}")
    result = market.upsert("market_regimes", HEAD +
                           "2025-01-30T15:01:00Z,SPY,neutral_low,99,0.5,a,2025-01-30T17:00:00Z\n")
    assert result["updated"] == 1
    same_rows(path)
    spark(f"RESTORE TABLE {name} TO VERSION AS OF 1")
    assert len(same_rows(path)) == 3
    properties = json.loads(market.ok("describe", "market_regimes", "--json"))["properties"]
    assert properties["varve.key"] == "timestamp,symbol"


def test_what_spark_alters_holds_for_us(market, spark, path, same_rows):
    name = name_of(path)
    spark(f"ALTER TABLE {name} ADD COLUMNS (note string AFTER source)")
    spark(f"ALTER TABLE {name} ADD CONSTRAINT short_note CHECK (note IS NULL OR length(note) < 5)")
    head = HEAD.replace("source", "source,note")
    row = "2025-01-30T12:00:00Z,QQQ,neutral_low,20,0.5,py,{},2025-01-30T13:00:00Z\n"
    market.upsert("market_regimes", head + row.format("ok"))
    done = market.run("upsert", "market_regimes", "-", stdin=head + row.format("far too long"))
    assert done.returncode == 3
    assert "short_note" in done.stderr
    assert [row["note"] for row in same_rows(path) if row["note"]] == ["ok"]
