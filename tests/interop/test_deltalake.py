"""Varve's tables in other hands, and other hands' tables in Varve: deltalake and polars, for real."""

import datetime as dt
import json
import math
import shutil

import deltalake
import polars as pl
import pytest
from deltalake import DeltaTable, write_deltalake

UTC = dt.timezone.utc
HEAD = "timestamp,symbol,regime,vix,confidence,source,ingested_at\n"
ROWS = HEAD + (
    "2025-01-30T10:00:00.000001Z,SPY,neutral_low,14.5,0.8,primary,2025-01-30T10:00:01Z\n"
    "2025-01-30T23:59:59.999999Z,^GSPC,bullish_high,,1,\"ünï, \"\"cödé\"\"\",2025-01-31T00:00:01Z\n"
    "2025-01-31T00:00:00Z,BTC/USD,bearish_high,0,0,\"\",2025-01-31T00:00:01Z\n")


def frame(**changed):
    """One row of market_regimes as others would write it."""
    row = {"timestamp": dt.datetime(2025, 1, 30, 12, tzinfo=UTC), "symbol": "QQQ",
           "regime": "neutral_low", "vix": 20.0, "put_call_ratio": 1.0, "futures_trend": "flat",
           "confidence": 0.5, "model_version": "1", "source": "py", "date": dt.date(2025, 1, 30),
           "ingested_at": dt.datetime(2025, 1, 30, 12, tzinfo=UTC)}
    return pl.DataFrame({**{name: [value] for name, value in row.items()},
                         **{name: [value] for name, value in changed.items()}}).to_arrow()


@pytest.fixture
def path(market):
    market.upsert("market_regimes", ROWS)
    return str(market.table("market_regimes"))


def test_they_read_what_we_write(path):
    rows = pl.read_delta(path).sort("timestamp")
    assert rows["timestamp"].to_list()[:2] == [
        dt.datetime(2025, 1, 30, 10, 0, 0, 1, tzinfo=UTC),
        dt.datetime(2025, 1, 30, 23, 59, 59, 999999, tzinfo=UTC)]
    assert rows["symbol"].to_list() == ["SPY", "^GSPC", "BTC/USD"]
    assert rows["vix"].to_list() == [14.5, None, 0.0]
    assert rows["source"].to_list() == ["primary", 'ünï, "cödé"', ""]
    assert rows["date"].to_list() == [dt.date(2025, 1, 30)] * 2 + [dt.date(2025, 1, 31)]
    table = DeltaTable(path)
    assert table.to_pyarrow_table().num_rows == 3
    history = table.history()
    assert [entry["operation"] for entry in history] == ["MERGE", "CREATE TABLE"]
    assert history[0]["operationMetrics"]["numTargetRowsInserted"] == "3"


LATE = dt.datetime(2025, 1, 30, 23, 59, 59, 999998, tzinfo=UTC)


@pytest.mark.parametrize("where, theirs, expected", [
    ("timestamp > '2025-01-30T23:59:59.999998Z'", pl.col("timestamp") > LATE, 2),
    ("vix >= 14.5", pl.col("vix") >= 14.5, 1),
    ("symbol = 'BTC/USD'", pl.col("symbol") == "BTC/USD", 1),
    ("source = ''", pl.col("source") == "", 1),
    ("confidence < 0.9", pl.col("confidence") < 0.9, 2)])
def test_files_are_skipped_by_our_statistics_and_nothing_is_lost(market, path, where, theirs,
                                                                 expected):
    ours = market.rows("query", f"SELECT count(*) AS n FROM market_regimes WHERE {where}")
    assert ours == [{"n": expected}]
    assert pl.scan_delta(path).filter(theirs).collect().height == expected


@pytest.mark.parametrize("bad", [
    {"regime": "sideways"}, {"confidence": 1.5}, {"confidence": math.nan}, {"vix": -1.0},
    {"vix": math.inf}, {"futures_trend": "sideways"}])
def test_they_enforce_our_constraints(path, bad):
    with pytest.raises(Exception, match="(?i)invalid|constraint|check"):
        write_deltalake(path, frame(**bad), mode="append")
    assert DeltaTable(path).version() == 1


def test_they_append_and_merge_and_we_go_on(market, path):
    write_deltalake(path, frame(), mode="append")
    (DeltaTable(path).merge(frame(vix=21.0), "t.timestamp = s.timestamp AND t.symbol = s.symbol",
                            source_alias="s", target_alias="t")
     .when_matched_update_all().when_not_matched_insert_all().execute())
    result = market.upsert("market_regimes", HEAD +
                           "2025-01-30T12:00:00Z,QQQ,neutral_low,22,0.5,py,2025-01-30T13:00:00Z\n")
    assert (result["updated"], result["inserted"]) == (1, 0)
    assert pl.read_delta(path).filter(pl.col("symbol") == "QQQ")["vix"].to_list() == [22.0]
    last = market.table("market_regimes") / "_delta_log" / f"{result['version']:020d}.json"
    info = json.loads(last.read_text().splitlines()[0])["commitInfo"]
    assert info["varve"]["prevVersion"] == result["version"] - 1
    assert len(info["varve"]["prevHash"]) == 64


def test_doubled_keys_are_repaired(market, path):
    for _ in range(3):
        write_deltalake(path, frame(), mode="append")
    result = market.upsert("market_regimes", HEAD +
                           "2025-01-30T12:00:00Z,QQQ,neutral_low,20,0.5,py,2025-01-30T11:00:00Z\n")
    assert result["repaired"] == 2
    assert pl.read_delta(path).filter(pl.col("symbol") == "QQQ").height == 1


def test_a_row_under_a_wrong_date_is_found(market, path):
    late = dt.datetime(2025, 1, 31, 2, tzinfo=UTC)  # still the 30th in New York
    write_deltalake(path, frame(timestamp=late), mode="append")
    result = market.upsert("market_regimes", HEAD +
                           "2025-01-31T02:00:00Z,QQQ,bullish_low,20,0.5,py,2025-02-01T00:00:00Z\n")
    assert (result["updated"], result["inserted"]) == (1, 0)
    rows = pl.read_delta(path).filter(pl.col("symbol") == "QQQ")
    assert rows["date"].to_list() == [dt.date(2025, 1, 31)]


def test_their_optimize_and_checkpoint(market, path):
    for minute in range(12):
        market.upsert("market_regimes", HEAD + f"2025-01-30T15:{minute:02d}:00Z,SPY,neutral_low,"
                      f"{minute},0.5,a,2025-01-30T16:00:00Z\n")
    before = market.rows("query", "SELECT * FROM market_regimes ORDER BY ALL")
    table = DeltaTable(path)
    table.optimize.compact()
    table.create_checkpoint()
    assert market.rows("query", "SELECT * FROM market_regimes ORDER BY ALL") == before
    result = market.upsert("market_regimes", HEAD +
                           "2025-01-30T15:05:00Z,SPY,neutral_low,99,0.5,a,2025-01-30T17:00:00Z\n")
    assert result["updated"] == 1


def without_log_before(path, version):
    for commit in (path / "_delta_log").glob("*.json"):
        if commit.stem.isdigit() and int(commit.stem) < version:
            commit.unlink()


@pytest.mark.slow
@pytest.mark.parametrize("properties", [
    [], ["delta.checkpoint.writeStatsAsStruct=true"],
    ["delta.checkpoint.writeStatsAsStruct=true", "delta.checkpoint.writeStatsAsJson=false"]])
def test_they_read_our_checkpoints(varve, properties):
    options = [word for text in properties for word in ("--property", text)]
    varve.ok("create", "ticks", "--schema", "ts timestamp not null, id string not null, "
             "price double, day date not null", "--partition-by", "day", "--key", "ts,id",
             *options)
    for number in range(1, 13):
        varve.upsert("ticks", f"ts,id,price\n2025-01-{number:02d}T10:00:00Z,A,{number}.5\n",
                     "--app-id", "feed", "--app-version", str(number))
    rows = varve.rows("query", "SELECT * FROM ticks ORDER BY ts")
    bare = varve.lake / "bare"
    shutil.copytree(varve.table("ticks"), bare)
    for name in ("_last_checkpoint", f"{10:020d}.checkpoint.parquet"):
        (bare / "_delta_log" / name).unlink()
    assert varve.rows("query", "SELECT * FROM bare ORDER BY ts") == rows

    without_log_before(varve.table("ticks"), 10)
    path = str(varve.table("ticks"))
    assert DeltaTable(path).version() == 12
    assert pl.read_delta(path)["price"].sum() == sum(number + 0.5 for number in range(1, 13))
    assert pl.scan_delta(path).filter(pl.col("price") > 11).collect().height == 2
    assert varve.rows("query", "SELECT * FROM ticks ORDER BY ts") == rows
    again = varve.upsert("ticks", "ts,id,price\n2025-01-01T10:00:00Z,A,7\n", "--app-id", "feed",
                         "--app-version", "12")
    assert again["already_applied"]
    assert json.loads(varve.ok("checkpoint", "ticks", "--json")) == {
        "table": "ticks", "version": 12, "commits_cleaned": 0, "commits_kept": 0}
    assert DeltaTable(path).version() == 12


def test_we_read_and_upsert_into_theirs(varve, tmp_path):
    path = tmp_path / "theirs"
    stamp = dt.datetime(2025, 3, 1, 10)
    write_deltalake(str(path), pl.DataFrame({
        "at": [stamp, stamp + dt.timedelta(hours=1)], "id": ["a", "b"],
        "x": [1.0, math.nan]}).to_arrow())
    assert deltalake.DeltaTable(str(path)).protocol().min_reader_version == 3  # timestamp_ntz
    rows = varve.rows("scan", path, "--nan", "string")
    assert sorted(row["id"] for row in rows) == ["a", "b"]
    above = varve.rows("scan", path, "--where", "x > 5", "--nan", "string")
    assert [row["id"] for row in above] == ["b"], "NaN is greater than all"
    DeltaTable(str(path)).alter.set_table_properties({"varve.key": "at,id"},
                                                     raise_if_not_exists=False)
    result = varve.upsert(path, "at,id,x\n2025-03-01T10:00:00Z,a,2.5\n2025-03-02T00:00:00,c,\n")
    assert (result["updated"], result["inserted"]) == (1, 1)
    assert sorted(pl.read_delta(str(path))["id"].to_list()) == ["a", "b", "c"]
