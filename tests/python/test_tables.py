"""Tables: what goes in, from whom, and what comes out."""

import datetime as dt
import decimal
import json
import math

import duckdb
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
import varve
from package import OPENING, UTC, regime

ROWS = [regime(0), regime(1, vix=None), regime(2, "QQQ", regime="bearish_high", confidence=1.0)]
ORDER = "ORDER BY timestamp, symbol"


def stored(lake, columns="timestamp, symbol, regime, vix"):
    return lake.query(f"SELECT {columns} FROM market_regimes {ORDER}").to_dicts()


EXPECTED = [{name: row.get(name) for name in ("timestamp", "symbol", "regime", "vix")}
            for row in ROWS]


def polars_frame():
    return pl.DataFrame(ROWS, schema_overrides={"confidence": pl.Float64})


def pandas_frame():
    return pd.DataFrame(ROWS)


def pandas_filtered():
    """Row labels that are no range any more."""
    twice = pd.concat([pandas_frame(), pandas_frame()])
    return twice[[True, False, True, False, True, False]]


def test_row_labels_with_a_name_are_a_column(lake):
    """Those that pyarrow leaves out, too."""
    frame = pd.DataFrame({"v": [1.5, 2.5, 3.5]}, index=pd.RangeIndex(1, 4, name="seq"))
    lake.create("t", schema=frame, key="seq")
    table = lake.table("t")
    table.upsert(frame)
    assert table.scan().to_dicts() == [{"seq": n, "v": n + 0.5} for n in (1, 2, 3)]
    table.upsert(pd.DataFrame({"v": [9.0]}, index=pd.Index([2], name="seq")))
    table.upsert(pd.DataFrame({"seq": [3], "v": [3.5]}, index=pd.RangeIndex(1, name="seq")))
    table.upsert(pd.DataFrame({"seq": [4], "v": [4.5]}, index=pd.RangeIndex(1)))
    assert sorted(row["v"] for row in table.scan().to_dicts()) == [1.5, 3.5, 4.5, 9.0]


def duckdb_relation():
    source = pa.Table.from_pylist(ROWS)  # found by its name
    assert source.num_rows == 3
    return duckdb.sql("SELECT * FROM source")


@pytest.mark.parametrize("make", [
    lambda: ROWS, lambda: iter(ROWS), polars_frame, pandas_frame, pandas_filtered,
    duckdb_relation,
    lambda: pa.Table.from_pylist(ROWS), lambda: pa.RecordBatch.from_pylist(ROWS),
    lambda: pa.RecordBatchReader.from_batches(
        pa.Table.from_pylist(ROWS).schema, pa.Table.from_pylist(ROWS).to_batches())],
    ids=["dicts", "iterator", "polars", "pandas", "pandas-filtered", "duckdb", "table", "batch",
         "reader"])
def test_rows_of_all_kinds_are_the_same_rows(lake, regimes, make):
    result = regimes.upsert(make())
    assert (result.rows_in, result.inserted, result.version) == (3, 3, 1) or \
        result.duplicates_in_batch == result.rows_in - 3
    assert stored(lake) == EXPECTED
    again = regimes.upsert(make())
    assert (again.unchanged + again.duplicates_in_batch, again.rows_written) == (again.rows_in, 0)
    assert again.version == result.version == regimes.version


def test_one_dict_is_one_row(lake, regimes):
    assert regimes.upsert(regime()).inserted == 1
    assert regimes.upsert([]).rows_in == 0


def test_files(lake, regimes, tmp_path):
    csv, ndjson, parquet = tmp_path / "a.csv", tmp_path / "b.ndjson", tmp_path / "c.parquet"
    csv.write_text("timestamp,symbol,regime,vix\n2025-01-30T14:30:00Z,SPY,bullish_low,14.5\n")
    ndjson.write_text(json.dumps({**regime(1, vix=None), "timestamp": "2025-01-30T14:31:00Z"}))
    polars_frame().tail(1).write_parquet(parquet)
    result = regimes.upsert([csv, str(ndjson), parquet])
    assert (result.inserted, result.version) == (3, 1)
    assert stored(lake) == EXPECTED
    renamed = tmp_path / "rows.txt"
    csv.rename(renamed)
    with pytest.raises(ValueError, match="format="):
        regimes.upsert(renamed)
    assert regimes.upsert(renamed, format="csv").unchanged == 1


def test_a_result_says_what_happened(lake, regimes):
    regimes.upsert(regime(ingested_at=OPENING))
    result = regimes.upsert([
        regime(1), regime(1), regime(ingested_at=OPENING - dt.timedelta(seconds=1), vix=9.0)])
    assert result.as_dict() == {
        "rows_in": 3, "inserted": 1, "updated": 0, "unchanged": 0, "stale": 1,
        "duplicates_in_batch": 1, "rejected": 0, "repaired": 0, "already_applied": False,
        "rows_written": 1, "version": 2, "files_added": 1, "files_removed": 0, "attempts": 1,
        "rows_warned": 0, "columns_added": 0, "times_ambiguous": 0, "warnings": {}}
    assert repr(result) == ("UpsertResult(rows_in=3, inserted=1, stale=1, duplicates_in_batch=1, "
                            "rows_written=1, version=2, files_added=1, attempts=1)")
    assert result == result and result != regimes.upsert(regime(1))


def test_rows_that_warn_are_counted_by_rule(lake, regimes):
    row = regime(timestamp="2125-01-30T14:30:00Z")
    assert regimes.upsert(row).warnings == {"future_time": 1}
    told = []
    with varve.Writer(lake, interval=60.0, on_commit=told.append) as writer:
        writer.put("market_regimes", **{**row, "vix": 1.0})
        writer.flush()
    assert (told[0].result.rows_warned, told[0].result.warnings) == (1, {"future_time": 1})
    edited = regimes.update({"vix": "2.0"}, "true")
    assert (edited.rows_warned, edited.warnings) == (1, {"future_time": 1})
    edited = (regimes.merge([{**row, "vix": 3.0}], "t.timestamp = s.timestamp")
              .when_matched_update({"vix": "s.vix"}).execute())
    assert (edited.rows_warned, edited.warnings) == (1, {"future_time": 1})
    assert regimes.delete("true").warnings == {}


def test_a_numbered_batch_is_written_once(regimes):
    assert regimes.upsert(regime(), app_id="bot", app_version=7).inserted == 1
    again = regimes.upsert(regime(1), app_id="bot", app_version=7)
    assert again.already_applied and again.version == 1
    with pytest.raises(ValueError, match="app_version"):
        regimes.upsert(regime(), app_id="bot")
    with pytest.raises(varve.UsageError, match="app id"):
        regimes.upsert(regime(), app_version=8)


def test_a_dry_run_writes_nothing(regimes):
    assert regimes.upsert(regime(), dry_run=True).inserted == 1
    assert regimes.version == 0


def test_append_adds_a_key_twice(lake):
    assert lake.create("ticks", schema={"at": "timestamp not null", "a`b": "double"})
    assert not lake.create("ticks", schema={"at": "timestamp not null", "a`b": "double"})
    with pytest.raises(varve.UsageError, match="it is another one"):
        lake.create("ticks", schema="x int")
    ticks = lake["ticks"]
    for _ in range(2):
        ticks.append({"at": OPENING, "a`b": 1.5})
    assert ticks.scan(["a`b"]).to_dicts() == [{"a`b": 1.5}] * 2


@pytest.mark.parametrize("more, words", [
    ({"checks": {"large": "v > 1"}}, "it has no delta.constraints.large"),
    ({"checks": {"small": "v < 11"}}, 'its delta.constraints.small is "v < 10"'),
    ({"properties": {"delta.checkpointInterval": 4}}, 'its delta.checkpointInterval is "3"'),
    ({"properties": {"note": "x"}}, "it has no note"),
    ({"history": "30d"}, "its delta.logRetentionDuration is "),
    ({"order_by": "v"}, 'its varve.orderBy is "at"'),
    ({"schema": "id bigint not null, v bigint not null"}, "its column v may be NULL"),
    ({"schema": "id bigint, v bigint default 3"}, "its column v has not the default 3"),
    ({"schema": "id bigint, n bigint generated always as (id + 2)"},
     r"its column n is not generated as id \+ 2"),
])
def test_create_wants_what_is_there_to_have_what_it_asks_for(lake, more, words):
    columns = ("id bigint, at timestamp, v bigint default 2, "
               "n bigint generated always as (id + 1)")
    made = {"key": "id", "order_by": "at", "checks": {"small": "v < 10"},
            "properties": {"delta.checkpointInterval": 3}, "history": "400d"}
    assert lake.create("t", schema=columns, **made)
    assert not lake.create("t", schema=columns, **made)
    assert not lake.create("t", schema="id bigint not null, v bigint", key="id")
    assert not lake.create("t", schema="id bigint, AT timestamp", key="id", order_by="AT")
    with pytest.raises(varve.UsageError, match="it is another one: " + words):
        lake.create("t", key="id", **{"schema": "id bigint, v bigint", **more})
    assert lake["t"].version == 0


def test_create_takes_all_options(lake):
    lake.create("t", schema=[("id", "bigint not null"), ("at", "timestamp"), ("v", "double")],
                key="id", order_by="at", zorder=["id", "at"], checks={"small": "v < 10"},
                properties={"delta.checkpointInterval": 3}, history="forever",
                description="for a test")
    said = lake["t"].describe()
    assert (said["key"], said["orderBy"], said["zorder"]) == (["id"], "at", ["id", "at"])
    assert said["properties"]["delta.checkpointInterval"] == "3"
    assert said["properties"]["delta.constraints.small"] == "v < 10"
    assert said["description"] == "for a test"
    with pytest.raises(varve.InvalidData, match="breaks small"):
        lake["t"].upsert({"id": 1, "v": 10})


def test_reads(lake, regimes):
    regimes.upsert(ROWS)
    assert regimes.scan(["symbol", "vix"], "vix > 1", limit=1).to_dicts() == [
        {"symbol": "SPY", "vix": 14.5}]
    assert regimes.scan("symbol", at=0).to_dicts() == []
    assert [row["symbol"] for row in regimes.latest()] == ["QQQ", "SPY"]
    assert [row["timestamp"].minute for row in regimes.latest(until=OPENING)] == [30]
    assert [row["timestamp"].minute for row in regimes.latest("regime")] == [32, 31]
    found = regimes.range(symbol="SPY", start=OPENING, end=OPENING + dt.timedelta(minutes=1))
    assert [row["vix"] for row in found] == [14.5]
    assert regimes.range(last=dt.timedelta(days=1)).to_dicts() == []
    assert [row["operation"] for row in regimes.history(limit=1)] == ["MERGE"]
    assert [row["userName"] for row in regimes.history()] == ["ann", "ann"]
    assert [row["rows"] for row in regimes.files()] == [3]
    assert regimes.checkpoint()["version"] == 1
    described = regimes.describe()
    assert (described["rows"], described["key"]) == (3, ["timestamp", "symbol"])
    assert [row["table"] for row in lake.tables()] == [
        "market_regimes", "performance_metrics", "signals"]


def test_maintenance(lake, regimes):
    for minute in range(9):
        regimes.upsert(regime(minute))
    planned = lake.maintain("market_regimes", plan=True).to_dicts()
    assert {row["outcome"] for row in planned} == {"planned"}
    version = regimes.version
    assert len(regimes.files().to_dicts()) == 9
    done = [row for row in lake.maintain(message="nightly") if row["table"] == "market_regimes"]
    assert [row["duty"] for row in done] == [row["duty"] for row in planned]
    assert {row["outcome"] for row in done} == {"done"}
    assert done[0]["files"] == 9 and "partition" in done[0]
    assert len(regimes.files().to_dicts()) == 1 and regimes.version > version
    assert regimes.history(limit=1).to_dicts()[0]["userMetadata"] == "nightly"
    with pytest.raises(varve.NotFound):
        lake.maintain("no_such_table")


def test_messages_and_time_travel(lake, regimes):
    regimes.upsert(regime(), message="first")
    before = dt.datetime.now(UTC)
    regimes.upsert(regime(vix=20.0), message="second")
    assert [row["userMetadata"] for row in regimes.history()] == ["second", "first", None]
    assert [row["vix"] for row in regimes.scan(at=before)] == [14.5]
    assert [row["vix"] for row in regimes.scan(at=before.isoformat())] == [14.5]
    sql = "SELECT now.vix - was.vix AS d FROM market_regimes AS now, " \
          "market_regimes AS was AT (VERSION => 1)"
    assert lake.query(sql).to_dicts() == [{"d": 5.5}]
    assert lake.query("SELECT vix FROM market_regimes", at=1).to_dicts() == [{"vix": 14.5}]


@pytest.mark.parametrize("value, sql, expected", [
    (5, "$x::int + 1", 6), (None, "$x IS NULL", True), (True, "$x::boolean", True),
    (1.5, "$x::double", 1.5), ("it's", "$x", "it's"), (OPENING, "$x::timestamptz", OPENING),
    (dt.date(2025, 1, 30), "$x::date", dt.date(2025, 1, 30))])
def test_parameters(lake, value, sql, expected):
    assert lake.query(f"SELECT {sql} AS y", {"x": value}).to_dicts() == [{"y": expected}]


def test_parameters_of_no_sense(lake):
    with pytest.raises(TypeError, match="parameter x: .* list"):
        lake.query("SELECT $x", {"x": []})
    with pytest.raises(varve.UsageError):
        lake.query("SELECT $x")


def test_quarantine(lake, regimes):
    bad = regime(1, regime="sideways")
    assert regimes.upsert([regime(), bad], quarantine=True).rejected == 1
    (batch,) = regimes.quarantine.list().to_dicts()
    assert batch["rows"] == 1 and "regime" in batch["reason"]
    (row,) = regimes.quarantine.show(batch["id"]).to_dicts()
    assert row["column"] == "regime" and json.loads(row["values"])["symbol"] == "SPY"
    assert regimes.quarantine.release(batch["id"]).rejected == 1
    with pytest.raises(varve.NotFound):
        regimes.quarantine.show("nope").to_dicts()
    assert regimes.quarantine.drop([batch["id"]]) == 1
    assert regimes.quarantine.list().to_dicts() == []


def test_reports(lake, regimes):
    regimes.upsert([regime(minute) for minute in range(3)])
    lake["performance_metrics"].upsert([
        {"timestamp": OPENING + dt.timedelta(minutes=minute), "strategy_id": "s",
         "total_pnl": float(minute)} for minute in range(3)])
    lake["signals"].upsert([
        {"timestamp": OPENING, "strategy_id": "s", "signal_type": "ml_entry",
         "signal_value": 0.9, "acted_upon": False}])
    day = {"start": OPENING - dt.timedelta(days=1), "end": OPENING + dt.timedelta(days=1)}
    answer = lake.correlate(knowledge="event", **day)
    assert answer.info["symbol"] == "SPY" and answer.info["rows"] == 3
    assert [(row["regime"], row["pnl_change"]) for row in answer] == [("bullish_low", 2.0)]
    assert [row["symbol"] for row in lake.correlate(by="symbol", knowledge="event", **day)] == [
        "SPY"]
    assert len(lake.signals("missed").to_dicts()) == 1
    assert lake.signals("missed", min_value=0.95).to_dicts() == []
    assert [row["acted_upon"] for row in lake.signals(strategy="s")] == [False]
    assert [row["count"] for row in lake.signals("latency")] == [1]
    with pytest.raises(ValueError, match="audit, missed, latency"):
        lake.signals("nope")
    answer = lake.outcomes(horizons=["1m", dt.timedelta(minutes=2)], knowledge="event", **day)
    assert answer.info["signals"] == 1 and answer.info["symbol"] == "SPY"
    assert [(row["regime"], row["horizon"], row["pnl_change"]) for row in answer] == [
        ("bullish_low", "1m", 1.0), ("bullish_low", "120s", 2.0)]
    assert lake.outcomes(by="strategy", acted=True, **day).to_dicts() == []
    of = {acted: lake.outcomes(horizons=["1m"], knowledge="event", acted=acted, **day).to_dicts()
          for acted in (True, "yes", False, "no")}
    assert of[True] == of["yes"] == [] and of[False] == of["no"] != []
    with pytest.raises(ValueError, match="acted 'maybe'"):
        lake.outcomes(acted="maybe")
    answer = lake.transitions(**day)
    assert answer.info == {"symbol": "SPY"}
    assert [(row["to_regime"], row["count"], row["probability"]) for row in answer] == [
        ("bullish_low", 2, 1.0)]
    answer = lake.gaps("market_regimes", dt.timedelta(minutes=1), by="symbol", calendar="XNYS",
                       start=OPENING, end=OPENING + dt.timedelta(minutes=5))
    assert answer.info["calendar"] == "XNYS" and answer.info["missing"] == 2
    assert [(row["symbol"], row["missing"]) for row in answer] == [("SPY", 2)]
    assert [row["coverage"] for row in lake.gaps("signals", "1d", coverage=True)] == [1.0]
    assert sum(row["rows"] for row in lake.lateness("market_regimes")) == 3


def test_streams_go_to_other_libraries(lake, regimes, tmp_path):
    regimes.upsert(ROWS)
    frame = regimes.scan().to_polars()
    assert frame.height == 3 and frame["timestamp"].dtype == pl.Datetime("us", "UTC")
    table = regimes.scan().to_pyarrow()
    assert table.schema.field("date").type == pa.date32()
    assert pa.table(regimes.scan()).equals(table)
    pandas = regimes.scan(["symbol", "vix"]).to_pandas()
    assert pandas["symbol"].tolist() == ["SPY", "SPY", "QQQ"] and math.isnan(pandas["vix"][1])
    schema = pa.schema(regimes.scan(["vix"]))
    assert schema == pa.schema([("vix", pa.float64())])
    assert pl.DataFrame(regimes.scan()).equals(frame)
    reader = pa.RecordBatchReader.from_stream(regimes.scan())
    assert duckdb.sql("SELECT count(*) FROM reader").fetchall() == [(3,)]
    assert lake.export_parquet(regimes.scan(), tmp_path / "x.parquet") == 3
    assert pl.read_parquet(tmp_path / "x.parquet").equals(frame)


def test_a_stream_of_a_lake_goes_into_the_same_lake(lake, regimes):
    regimes.upsert([regime(minute) for minute in range(5000)])
    lake.create("copy", schema="timestamp timestamp not null, symbol string, vix double",
                key="timestamp,symbol")
    result = lake["copy"].upsert(regimes.scan(["timestamp", "symbol", "vix"]))
    assert result.inserted == 5000


def test_big_batches(lake, regimes):
    """More than a piece of text, more than a batch of rows."""
    rows = [regime(minute, vix=minute / 7, source="ünï\"\\\n\t\x01" * 9) for minute in range(20000)]
    assert regimes.upsert(rows).inserted == 20000
    found = stored(lake, "timestamp, vix, source")
    assert [(row["vix"], row["source"]) for row in found] == [
        (row["vix"], row["source"]) for row in rows]
    assert sum(1 for _ in regimes.scan()) == 20000


def test_doctor_says_who_can_use_a_table(lake, regimes):
    regimes.upsert(regime())
    report = lake.doctor("market_regimes", keys=True)
    assert report["table"] == "market_regimes" and report["times_fixed"] == 0
    assert [one["engine"] for one in report["engines"]][:3] == ["Varve", "Spark", "delta-rs"]
    assert "doubled_keys" in [one["check"] for one in report["health"]]
    with pytest.raises(varve.NotFound, match="nothing"):
        lake.doctor("nothing")


def test_doctor_of_all_tables(lake):
    lake.create("plain", schema="k bigint", key="k")
    reports = lake.doctor()
    assert [one["table"] for one in reports] == sorted(row["table"] for row in lake.tables())
    assert reports[0].keys() == lake.doctor("plain").keys()


def test_columns_that_the_data_has_more_are_added_where_that_is_wanted(lake):
    lake.create("t", schema="k bigint not null, v double", key="k")
    table = lake.table("t")
    with pytest.raises(varve.InvalidData, match="extra"):
        table.upsert([{"k": 1, "v": 1.0, "extra": "x"}])
    done = table.upsert([{"k": 1, "v": 1.0, "extra": "x"}], evolve=True)
    assert (done.inserted, done.columns_added) == (1, 1)
    done = table.append([{"k": 2, "more": 5}], evolve=True, allow_duplicates=True)
    assert (done.inserted, done.columns_added) == (1, 1)
    merged = (table.merge([{"k": 2, "most": True}], "t.k = s.k", evolve=True)
              .when_matched_update_all().execute())
    assert (merged.updated, merged.columns_added) == (1, 1)
    with pytest.raises(varve.UsageError, match="yet_more"):
        (table.merge([{"k": 2, "yet_more": True}], "t.k = s.k")
         .when_matched_update({"yet_more": "s.yet_more"}).execute())
    assert lake.query("SELECT k, v, extra, more, most FROM t ORDER BY k").to_dicts() == [
        {"k": 1, "v": 1.0, "extra": "x", "more": None, "most": None},
        {"k": 2, "v": None, "extra": None, "more": 5, "most": True}]


def test_bytes_and_decimals_of_dicts_that_no_column_is_there_for(lake):
    lake.create("t", schema="k bigint not null", key="k")
    with pytest.raises(varve.Unsupported, match="column b holds bytes.*table first, as a binary"):
        lake.table("t").upsert([{"k": 1, "b": b"xx"}], evolve=True)
    with pytest.raises(varve.Unsupported, match="column b holds arrays or objects"):
        lake.table("t").upsert([{"k": 1, "b": [1]}], evolve=True)
    lake.table("t").upsert([{"k": 1, "d": decimal.Decimal("1.10"), "f": 0.1 + 0.2}], evolve=True)
    assert lake.query("SELECT d, f FROM t").to_dicts() == [{"d": "1.10", "f": 0.1 + 0.2}]


def test_an_older_version_is_read_though_the_newest_is_damaged(lake, regimes, tmp_path):
    for number in range(4):
        regimes.upsert(regime(number))
    log = next(path for path in tmp_path.rglob("_delta_log") if path.parent.name == regimes.name)
    (log / f"{3:020}.json").unlink()
    again = varve.Lake(log.parent.parent)
    assert len(again.table(regimes.name).scan(at=2).to_dicts()) == 2
    assert len(regimes.scan(at=1).to_dicts()) == 1
    with pytest.raises(varve.Corrupt, match="is missing, but version 4 needs it"):
        again.table(regimes.name).scan()
    with pytest.raises(varve.Corrupt, match="is missing, but version 4 needs it"):
        again.table(regimes.name).upsert(regime(9))
