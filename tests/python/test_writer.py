"""The batch writer: rows one by one, in the lake once."""

import datetime as dt
import json
import math
import os
import signal
import subprocess
import sys
import threading
import time

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
import varve
from package import ENVIRONMENT, OPENING, UTC, regime

ON_DEMAND = {"interval": None, "sync": "5ms"}


@pytest.fixture
def writer(lake):
    with varve.Writer(lake, **ON_DEMAND) as opened:
        yield opened


def stored(lake, columns="*", table="market_regimes"):
    return lake.query(f"SELECT {columns} FROM {table} ORDER BY timestamp").to_dicts()


def test_rows_come_into_the_lake_once(lake, writer):
    assert writer.put("market_regimes", regime()) == 1
    assert writer.put("market_regimes", **regime(1)) == 2
    assert writer.put("market_regimes", regime(2), vix=20.0, source="x") == 3
    writer.put("market_regimes", regime(2), vix=21.0)
    assert stored(lake) == []
    writer.flush()
    assert [row["vix"] for row in stored(lake)] == [14.5, 14.5, 21.0]
    writer.put("market_regimes", regime(1))
    writer.flush(timeout=120)
    stats = writer.stats()
    assert (stats["inserted"], stats["unchanged"], stats["rows_waiting"]) == (3, 1, 0)
    assert stats["sequence_committed"] == stats["sequence_accepted"] == 5
    assert len(stored(lake)) == 3


def test_typed_rows(lake, writer):
    writer.put_market_regime(OPENING, "SPY", "bullish_low", vix=14.5, put_call_ratio=0.9,
                             futures_trend="up", confidence=1, model_version="m", source="s",
                             ingested_at=OPENING + dt.timedelta(seconds=1))
    writer.put_performance(OPENING.replace(tzinfo=None), "s1", unrealized_pnl=1.0,
                           realized_pnl=2.0, total_pnl=3.0, delta=0.1, gamma=0.2, theta=0.3,
                           vega=0.4, dte=45, entry_price=1.5, current_price=math.nan,
                           regime_at_entry="bullish_low", regime_current=None)
    us = round(OPENING.timestamp() * 1e6)
    writer.put_signal(us, "s1", "ml_entry", signal_value=0.9, acted_upon=True,
                      acted_at=pd.Timestamp(OPENING), source="s", source_version="1",
                      regime="neutral_low", futures_trend="flat", ingested_at=us + 1)
    writer.flush()
    assert stored(lake) == [{
        **regime(), "put_call_ratio": 0.9, "futures_trend": "up", "confidence": 1.0,
        "model_version": "m", "source": "s", "date": OPENING.date(),
        "ingested_at": OPENING + dt.timedelta(seconds=1)}]
    (row,) = stored(lake, table="performance_metrics")
    assert (row["timestamp"], row["dte"], row["current_price"]) == (OPENING, 45, None)
    assert (row["total_pnl"], row["vega"], row["regime_current"]) == (3.0, 0.4, None)
    (row,) = stored(lake, table="signals")
    assert (row["timestamp"], row["acted_at"], row["acted_upon"]) == (OPENING, OPENING, True)
    assert row["ingested_at"] == OPENING + dt.timedelta(microseconds=1)


def test_a_column_of_the_key_that_an_upsert_fills_in_need_not_be_put(lake, writer):
    lake.create("t", schema="ts timestamp not null, s string not null, q int not null default 7, "
                "date date not null", key=["ts", "s", "q", "date"], partition_by="date")
    writer.put("t", ts=OPENING, s="dict")
    writer.put_arrow("t", pa.table({"ts": [OPENING], "s": ["arrow"]}))
    with pytest.raises(varve.InvalidData, match='column "s" is absent'):
        writer.put_arrow("t", pa.table({"ts": [OPENING], "date": [OPENING.date()]}))
    with pytest.raises(varve.InvalidData, match="s has no value, and it is part of the key"):
        writer.put("t", ts=OPENING)
    writer.flush()
    assert lake.query("SELECT s, q, date FROM t ORDER BY s").to_dicts() == [
        {"s": way, "q": 7, "date": OPENING.date()} for way in ("arrow", "dict")]
    lake.table("t").alter("unset", "varve.partitionFrom")  # from then on nothing fills it in
    writer.put("t", ts=OPENING, s="dict")
    writer.flush()
    with pytest.raises(varve.InvalidData, match="date has no value"):
        writer.put("t", ts=OPENING, s="dict")


@pytest.mark.parametrize("arguments, options, kind", [
    (("2025-01-30", "SPY", None), {}, TypeError), ((OPENING, 5, None), {}, TypeError),
    ((OPENING, "SPY", None), {"vix": "high"}, TypeError), ((OPENING,), {}, TypeError),
    ((OPENING, "SPY", None), {"nope": 1}, TypeError),
    ((pd.Timestamp("2025-01-30T14:30:00.000000001"), "SPY", None), {}, ValueError),
    ((2**70, "SPY", None), {}, OverflowError), ((OPENING, None, None), {}, varve.InvalidData),
    ((None, "SPY", None), {}, varve.InvalidData), ((pd.NaT, "SPY", None), {}, varve.InvalidData)])
def test_typed_rows_that_are_none(writer, arguments, options, kind):
    with pytest.raises(kind):
        writer.put_market_regime(*arguments, **options)
    assert writer.stats()["rows_put"] == 0


def test_whole_numbers_as_pandas_has_them(lake, writer):
    frame = pd.DataFrame({"dte": [45, None]})
    for minute, dte in enumerate(frame["dte"]):
        writer.put_performance(OPENING + dt.timedelta(minutes=minute), "s", dte=dte)
    writer.flush()
    assert stored(lake, "dte", "performance_metrics") == [{"dte": 45}, {"dte": None}]


def test_rows_that_were_set_aside_are_told_where_nobody_listens(lake, caplog):
    with varve.Writer(lake, **ON_DEMAND) as writer:
        for minute in range(3):
            writer.put("market_regimes", regime(minute, vix=-1))
        writer.put("market_regimes", regime(5))
    said, = [record.getMessage() for record in caplog.records if record.name == "varve"]
    assert "market_regimes: 3 rows were set aside into its quarantine, the first since" in said
    assert "vix" in said
    caplog.clear()
    with varve.Writer(lake, on_quarantine=lambda *_: None, **ON_DEMAND) as writer:
        writer.put("market_regimes", regime(7, vix=-1))
    assert not caplog.records


@pytest.mark.parametrize("value, is_true", [
    (True, True), (False, False), (np.True_, True), (np.False_, False)])
def test_what_was_acted_upon(lake, writer, value, is_true):
    writer.put_signal(OPENING, "s", "ml_entry", acted_upon=value)
    writer.flush()
    assert stored(lake, "acted_upon", "signals") == [{"acted_upon": is_true}]


@pytest.mark.parametrize("value", [math.nan, "False", "", None, 0, 1.0, pd.NA, np.float64(1)])
def test_what_is_no_bool_was_not_acted_upon_by_chance(writer, value):
    with pytest.raises(TypeError, match="acted_upon: a bool"):
        writer.put_signal(OPENING, "s", "ml_entry", acted_upon=value)
    assert writer.stats()["rows_put"] == 0


def test_a_limit_that_stays_is_not_waited_for(writer):
    kind = pa.int8()
    for _ in range(70):
        kind = pa.list_(kind)
    with pytest.raises(varve.Limit):
        writer.put_arrow("market_regimes", pa.table({"x": pa.array([None], kind)}))


def test_rows_that_cannot_be_taken(writer):
    with pytest.raises(varve.InvalidData, match="symbol has no value"):
        writer.put("market_regimes", timestamp=OPENING)
    with pytest.raises(varve.NotFound, match="nope"):
        writer.put("nope", regime())
    with pytest.raises(TypeError, match="column 'vix'"):
        writer.put("market_regimes", regime(vix=object()))
    with pytest.raises(OverflowError):
        writer.put_performance(OPENING, "s", dte=2**31)
    for dte in (1.5, 2.0**31, math.inf):
        with pytest.raises(ValueError, match="no integer of 32 bits"):
            writer.put_performance(OPENING, "s", dte=dte)
    with pytest.raises(TypeError):
        writer.put_arrow("market_regimes", [regime()])
    with pytest.raises(varve.InvalidData):
        writer.put_arrow("market_regimes", pl.DataFrame({"x": [1]}))
    assert writer.stats()["rows_put"] == 0


def test_the_same_values_as_an_upsert_takes(lake, writer):
    lake.create("t", schema="id bigint not null, d double, t timestamp, b binary, "
                            "de decimal(20,3), a array<int>, m map<string,double>", key="id")
    row = {"id": 1, "d": math.inf, "t": OPENING, "b": b"\0\xff", "a": [1, None],
           "m": {"x": -0.5}, "de": None}
    writer.put("t", row)
    writer.put("t", {**row, "id": 2, "d": math.nan})
    writer.flush()
    first, second = lake.query("SELECT * FROM t ORDER BY id").to_dicts()
    assert first == row and math.isnan(second["d"])


@pytest.mark.parametrize("make", [pl.DataFrame, pd.DataFrame, pa.Table.from_pylist,
                                  pa.RecordBatch.from_pylist],
                         ids=lambda make: make.__qualname__)
def test_batches(lake, writer, make):
    rows = [regime(minute) for minute in range(3000)]
    assert writer.put_arrow("market_regimes", make(rows)) == 3000
    assert writer.put_arrow("market_regimes", make(rows)[:0]) == 0
    writer.flush()
    assert stored(lake, "timestamp, symbol, regime, vix") == rows
    assert writer.stats()["inserted"] == 3000


def test_reading_through(lake, writer):
    lake["market_regimes"].upsert(regime())
    writer.put("market_regimes", regime(vix=20.0))
    writer.put("market_regimes", regime(1, "QQQ"))
    rows = writer.scan("market_regimes", ["symbol", "vix"], "vix > 1", limit=5).to_dicts()
    assert sorted((row["symbol"], row["vix"]) for row in rows) == [("QQQ", 14.5), ("SPY", 20.0)]
    assert len(stored(lake)) == 1
    assert writer.scan("market_regimes").to_polars().height == 2


def test_a_stream_ends_with_its_writer(lake):
    with varve.Writer(lake, **ON_DEMAND) as writer:
        writer.put("market_regimes", regime())
        rows, capsule = writer.scan("market_regimes"), writer.scan("market_regimes")
        half = pa.RecordBatchReader.from_stream(capsule)
    for read in (rows.to_dicts, lambda: half.read_all()):
        with pytest.raises((varve.UsageError, OSError, ValueError), match="writer was closed"):
            read()
    for call in (lambda: writer.put("market_regimes", regime()), writer.flush, writer.sync,
                 lambda: writer.scan("market_regimes"), writer.stats):
        with pytest.raises(varve.UsageError, match="the writer is closed"):
            call()
    assert writer.closed and "closed" in repr(writer)
    writer.close()
    writer.abandon()


def test_what_is_in_the_spool_outlives_the_writer(lake):
    writer = varve.Writer(lake, **ON_DEMAND)
    writer.put("market_regimes", regime())
    writer.abandon()
    assert stored(lake) == []
    report = lake.spool(verify=True)
    assert report["sound"] is True and report["bytes_waiting"] > 0
    with lake.writer(**ON_DEMAND) as writer:
        writer.flush()
        assert len(stored(lake)) == 1


def test_a_damaged_spool(lake):
    writer = varve.Writer(lake, **ON_DEMAND)
    for minute in range(50):
        writer.put("market_regimes", regime(minute))
    writer.sync()
    writer.abandon()
    folder = os.path.join(lake.path, "_varve", "spool")
    (segment,) = [name for name in sorted(os.listdir(folder))
                  if os.path.getsize(os.path.join(folder, name)) > 4000
                  and b"SPY" in open(os.path.join(folder, name), "rb").read()]
    with open(os.path.join(folder, segment), "r+b") as file:
        data = file.read()
        file.seek(data.index(b"SPY"))
        file.write(b"XXX")
    with pytest.raises(varve.VerifyFailed) as failed:
        lake.spool(verify=True)
    assert segment in json.dumps(failed.value.report)
    with pytest.raises(varve.Corrupt, match=segment):
        varve.Writer(lake)


def test_a_spool_has_one_owner(lake, writer):
    with pytest.raises(varve.VarveError) as failed:
        varve.Writer(lake)
    assert failed.value.code in (varve.Conflict.code, varve.UsageError.code)


# ---- Callbacks


def test_callbacks(lake):
    said = {"commit": [], "durable": [], "quarantine": [], "retry": []}
    with varve.Writer(
            lake, **ON_DEMAND, on_commit=said["commit"].append,
            on_durable=said["durable"].append,
            on_quarantine=lambda *told: said["quarantine"].append(told),
            on_retry=lambda *told: said["retry"].append(told)) as writer:
        writer.put("market_regimes", regime())
        writer.put("market_regimes", regime(1, regime="sideways"))
        writer.put_rejected("market_regimes", "no row at all", "it is a text")
        writer.sync()
        writer.flush()
    (commit,) = said["commit"]
    assert (commit.table, commit.sequence) == ("market_regimes", 3)
    assert (commit.result.inserted, commit.result.rejected) == (1, 2) and commit.seconds > 0
    assert "inserted=1" in repr(commit)
    assert max(said["durable"]) == 3 and said["retry"] == []
    first, second = sorted(said["quarantine"], key=lambda told: told[1])
    assert first[:2] == ("market_regimes", 2) and json.loads(first[2])["regime"] == "sideways"
    assert "regime_known" in first[3] and "it is a text" in second[3]
    assert {row["rows"] for row in lake["market_regimes"].quarantine.list()} == {2}


def test_of_a_rejected_text_that_is_too_long_the_reason_tells_what_is_kept(lake):
    most = 10 << 20
    for length in (most, most + 1):
        with lake.writer(sync="always") as writer:
            writer.put_rejected("market_regimes", "\x01" * length, "no row")  # six bytes each in JSON
    shown = lake["market_regimes"].quarantine.show().to_dicts()
    assert sorted((row["rule"], len(json.loads(row["values"])["varve.line"])) for row in shown) == [
        ("no row", most), (f"no row (its first {most} bytes of {most + 1} are kept)", most)]


def test_what_a_callback_raises_is_reported(lake, monkeypatch):
    seen = []
    monkeypatch.setattr(sys, "unraisablehook", lambda told: seen.append(told.exc_value))

    def fail(commit):
        raise RuntimeError("of the callback")

    with varve.Writer(lake, **ON_DEMAND, on_commit=fail) as writer:
        writer.put("market_regimes", regime())
        writer.flush()
    assert [str(error) for error in seen] == ["of the callback"]
    assert len(stored(lake)) == 1


def test_a_callback_must_not_call_its_writer(lake):
    said = []

    def call(commit):
        try:
            writer.flush()
        except varve.UsageError as error:
            said.append(str(error))
        lake.query("SELECT 1").to_dicts()  # the lake is free

    with varve.Writer(lake, **ON_DEMAND, on_commit=call) as writer:
        writer.put("market_regimes", regime())
        writer.flush()
    assert len(said) == 1 and "must not call its writer" in said[0]


def test_a_flush_that_fails_is_told_and_tried_again(lake):
    said, log = [], os.path.join(lake.path, "market_regimes", "_delta_log")
    with varve.Writer(lake, **ON_DEMAND, on_retry=lambda *told: said.append(told)) as writer:
        writer.put("market_regimes", regime())
        os.rename(log, log + ".away")
        with open(log, "w", encoding="ascii"):
            pass
        with pytest.raises(varve.Limit):
            writer.flush(timeout=0.5)
        os.remove(log)
        os.rename(log + ".away", log)
        writer.flush(timeout=120)
    table, error, seconds = said[0]
    assert table == "market_regimes" and isinstance(error, varve.VarveError) and seconds > 0
    assert len(stored(lake)) == 1


# ---- Threads, signals, processes


def test_many_threads_put(lake):
    with varve.Writer(lake, interval=0.05, sync="5ms") as writer:
        def put(number):
            for turn in range(200):
                writer.put_market_regime(OPENING + dt.timedelta(minutes=turn), f"S{number}",
                                         "bullish_low", vix=float(turn))
        threads = [threading.Thread(target=put, args=(number,)) for number in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    counts = lake.query("SELECT symbol, count(*) AS n FROM market_regimes GROUP BY 1").to_dicts()
    assert sorted(row["symbol"] for row in counts) == ["S0", "S1", "S2", "S3"]
    assert {row["n"] for row in counts} == {200}


def test_close_waits_for_other_threads_and_ends_them(lake):
    """One that waits for a flush that can't be is told so."""
    log = os.path.join(lake.path, "market_regimes", "_delta_log")
    writer = varve.Writer(lake, **ON_DEMAND)
    writer.put("market_regimes", regime())
    os.rename(log, log + ".away")
    said = []

    def flush():
        try:
            writer.flush()
        except varve.VarveError as error:
            said.append(error)

    thread = threading.Thread(target=flush)
    thread.start()
    time.sleep(0.3)
    with pytest.raises(varve.VarveError):
        writer.close()
    thread.join()
    assert isinstance(said[0], varve.UsageError) and writer.closed
    os.rename(log + ".away", log)
    with varve.Writer(lake, **ON_DEMAND):
        pass
    assert len(stored(lake)) == 1


SMALL = {"spool_max": "1MiB", "bytes_max": "100MiB", **ON_DEMAND}


def test_a_full_spool_fails_or_waits(lake):
    rows = [regime(minute, source="x" * 2000) for minute in range(2000)]  # 4 MB
    with varve.Writer(lake, full="fail", **SMALL) as writer:
        with pytest.raises(varve.Limit, match="full"):
            for row in rows:
                writer.put("market_regimes", row)
        with pytest.raises(varve.Limit, match="full"):
            writer.put_arrow("market_regimes", pa.Table.from_pylist(rows))
    with varve.Writer(lake, **SMALL) as writer:
        for row in rows[:1000]:
            writer.put("market_regimes", row)
        writer.put_arrow("market_regimes", pa.Table.from_pylist(rows[1000:]))
    assert lake.query("SELECT count(*) AS n FROM market_regimes").to_dicts() == [{"n": 2000}]


SCRIPT = """
import datetime as dt, os, signal, sys, threading, time, varve
lake = varve.Lake(sys.argv[1], create=True)
lake.init()
log = sys.argv[1] + "/market_regimes/_delta_log"
def kick(after=0.4):
    threading.Timer(after, os.kill, (os.getpid(), signal.SIGINT)).start()
def put(writer, number=0):
    return writer.put("market_regimes", timestamp=f"2025-01-30T14:{number % 60:02}:{number // 60 % 60:02}Z",
                      symbol="SPY", regime="bullish_low", source="x" * 2000)
"""


def script(text, tmp_path):
    command = [str(ENVIRONMENT / "bin/python"), "-I", "-c", SCRIPT + text, str(tmp_path / "lake")]
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)


@pytest.mark.slow
@pytest.mark.parametrize("wait", [
    "writer.flush()", "[put(writer, number) for number in range(3000)]", "writer.close()"])
def test_ctrl_c_ends_what_waits(wait, tmp_path):
    """Nothing can be committed, so each of them would wait for ever, or long."""
    done = script(f"""
writer = varve.Writer(lake, interval=None, spool_max="1MiB")
put(writer)
os.rename(log, log + ".away")
kick()
try:
    try:
        {wait}
        time.sleep(1)
    except varve.VarveError as error:
        time.sleep(1)
except KeyboardInterrupt:
    print("interrupted")
os.rename(log + ".away", log)
time.sleep(2)  # a try that began before is over
if not writer.closed:
    writer.close()
with varve.Writer(lake):
    pass
print(lake.query("SELECT count(*) > 0 AS x FROM market_regimes").to_dicts())
""", tmp_path)
    assert done.stdout == "interrupted\n[{'x': True}]\n", done.stderr


def test_a_program_that_ends_has_closed_its_writer(tmp_path):
    done = script("writer = varve.Writer(lake)\nput(writer)\n", tmp_path)
    assert done.returncode == 0, done.stderr
    with varve.Lake(tmp_path / "lake") as lake:
        assert len(stored(lake)) == 1


def test_a_child_that_ends_has_closed_its_own_writer(tmp_path):
    """Not its parent's, which it can't close."""
    done = script("""
parents = [varve.Writer(lake, f"{lake.path}-spool-{n}") for n in range(3)]
if os.fork() == 0:
    lake = varve.Lake(lake.path)
    writer = varve.Writer(lake)
    put(writer)
else:
    put(parents[1], 1)
    assert os.wait()[1] == 0
""", tmp_path)
    assert done.returncode == 0 and done.stderr == "", done.stderr
    with varve.Lake(tmp_path / "lake") as lake:
        assert len(stored(lake)) == 2


def test_a_program_that_ends_closes_each_of_its_writers(tmp_path):
    """Whatever the others say."""
    done = script("""
lakes = [varve.Lake(f"{lake.path}-{n}", create=True) for n in range(5)]
for one in lakes:
    one.init()
writers = [varve.Writer(one) for one in lakes]
for writer in writers:
    put(writer)
for n in (1, 2, 3):
    os.rename(f"{lake.path}-{n}/market_regimes/_delta_log", f"{lake.path}-{n}/away")
""", tmp_path)
    assert "varve.NotFound: not all rows could be committed" in done.stderr, done.stderr
    for number in (0, 4):
        with varve.Lake(tmp_path / f"lake-{number}") as lake:
            assert len(stored(lake)) == 1


def test_a_program_that_is_killed_loses_nothing(tmp_path):
    done = script("""
writer = varve.Writer(lake)
for number in range(100):
    put(writer, number)
os.kill(os.getpid(), signal.SIGKILL)
""", tmp_path)
    assert done.returncode == -signal.SIGKILL
    with varve.Lake(tmp_path / "lake") as lake, varve.Writer(lake) as writer:
        writer.flush()
        assert len(stored(lake)) == 100


def test_a_writer_of_a_parent_is_refused_in_a_child(lake, writer):
    writer.put("market_regimes", regime())
    rows = writer.scan("market_regimes")
    reader, told = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            writer.put("market_regimes", regime(1))
        except varve.UsageError as error:
            os.write(told, str(error).encode())
        del rows
        os._exit(0)
    assert b"forked" in os.read(reader, 1000)
    assert os.waitpid(child, 0)[1] == 0
    assert writer.put("market_regimes", regime(1)) == 2


def test_a_writer_that_nobody_holds_ends(lake):
    writer = varve.Writer(lake, **ON_DEMAND)
    writer.put("market_regimes", regime())
    del writer
    with varve.Writer(lake, **ON_DEMAND):  # the spool is free
        pass
    assert len(stored(lake)) == 1


def test_options_of_no_sense(lake):
    for options in ({"full": "maybe"}, {"sync": "soon"}, {"sync": 0}, {"interval": "x"},
                    {"durability": "some"}, {"interval": 0}):
        with pytest.raises(ValueError):
            varve.Writer(lake, **options)
    with pytest.raises(AttributeError):
        varve.Writer("a path")


def test_times_with_and_without_a_zone_are_one(lake, writer):
    zone = dt.timezone(dt.timedelta(hours=-5))
    for time_of in (OPENING, OPENING.replace(tzinfo=None), OPENING.astimezone(zone),
                    pd.Timestamp(OPENING).tz_convert("Asia/Tokyo"),
                    dt.datetime(1969, 12, 31, 23, 59, 59, 999999, UTC)):
        writer.put_market_regime(time_of, "SPY", None)
    writer.flush()
    assert writer.stats()["quarantined"] == 5  # a regime is NOT NULL
    with lake["market_regimes"] as table:
        texts = [json.loads(row["values"])["timestamp"] for row in table.quarantine.show()]
    assert sorted(texts) == ["1969-12-31 23:59:59.999999+00"] + ["2025-01-30 14:30:00+00"] * 4
