"""Errors, and what must not be done: an exception each, and nothing worse."""

import multiprocessing
import os
import pathlib
import pickle
import re
import sqlite3

import polars as pl
import pyarrow as pa
import pytest
import varve
from package import ROOT, regime
from varve import _core


def test_each_status_has_a_class():
    header = (ROOT / "include/varve/status.h").read_text()
    codes = {int(code) for code in re.findall(r"#define VARVE_E[A-Z]+ (\d+)", header)}
    kinds = {kind.code: kind for kind in varve.VarveError.__subclasses__()}
    assert set(kinds) | {varve.VarveError.code} == codes
    documented = (ROOT / "docs/errors.md").read_text()
    assert all(kind.status in documented for kind in kinds.values())
    assert all(getattr(varve, kind.__name__) is kind for kind in kinds.values())


def test_an_error_says_it_all(lake, regimes):
    with pytest.raises(varve.InvalidData) as failed:
        regimes.upsert([regime(), regime(1, confidence=1.5)])
    error = failed.value
    assert (error.code, error.status, error.retryable) == (3, "INVALID_DATA", False)
    assert "confidence = 1.5 breaks confidence_range" in error.detail
    assert str(error) == error.message and error.message.endswith(error.detail)
    assert error.table == "market_regimes"
    with pytest.raises(varve.InvalidData) as failed:
        regimes.upsert([regime(), regime(1, confidence=1.5), regime(2, confidence=2.5)])
    lines = str(failed.value).split("\n")
    assert len(lines) == 2 and "confidence = 1.5" in lines[0] and "confidence = 2.5" in lines[1]
    with pytest.raises(varve.InvalidData) as failed:
        regimes.overwrite([regime(confidence=1.5)])
    assert failed.value.table == "market_regimes"
    with pytest.raises(varve.InvalidData) as failed:
        (regimes.merge([regime(confidence=1.5)], "t.symbol = s.symbol")
         .when_not_matched_insert_all().execute())
    assert failed.value.table == "market_regimes"
    again = pickle.loads(pickle.dumps(error))
    assert type(again) is varve.InvalidData and vars(again) == vars(error)
    with pytest.raises(varve.NotFound, match="version 99"):
        regimes.scan(at=99)
    with pytest.raises(varve.UsageError, match="LINE 1"):
        lake.query("SELECT nope FROM market_regimes")
    with pytest.raises(varve.NotFound, match="there are: market_regimes"):
        lake.table("nope")
    with pytest.raises(varve.NotFound, match="there is no folder /no/such/lake"):
        varve.Lake("/no/such/lake")


def test_a_corrupt_table(lake, regimes):
    log = pathlib.Path(lake.path) / "market_regimes/_delta_log"
    (log / f"{0:020d}.json").write_text("{nonsense")
    with pytest.raises(varve.Corrupt):
        lake.table("market_regimes").describe()


def test_a_failure_midway_in_a_stream(tmp_path):
    """In one thread: of several, those that the engine stops may be heard before the one that failed."""
    with varve.Lake(tmp_path / "one", create=True, threads=1) as lake:
        rows = lake.query("SELECT CASE WHEN i = 900000 THEN error('out of luck')::bigint ELSE i "
                          "END AS x FROM range(1000000) r(i)")
        with pytest.raises(varve.UsageError, match="out of luck"):
            rows.to_dicts()


def test_arguments_of_no_sense(lake, regimes, tmp_path):
    with pytest.raises(ValueError, match="a limit of 0"):
        regimes.scan(limit=0)
    with pytest.raises(ValueError, match="durability 'some'"):
        varve.Lake(tmp_path, durability="some")
    with pytest.raises(ValueError, match="a size"):
        varve.Lake(tmp_path, memory="much")
    with pytest.raises(TypeError):
        regimes.scan(at=1.5)
    with pytest.raises(ValueError, match="embedded null"):
        lake.query("SELECT '\0'")
    with pytest.raises(TypeError):
        lake.query(b"SELECT 1")
    with pytest.raises(varve.UsageError):
        lake.query("")
    with pytest.raises(TypeError, match="only Arrow data"):
        lake.export_parquet([regime()], tmp_path / "x")


def test_a_limit_of_memory(tmp_path):
    with varve.Lake(tmp_path, memory="30MB", threads=1) as small:
        with pytest.raises(varve.Limit):
            small.query("SELECT list(i) FROM range(100000000) r(i)").to_dicts()


# ---- Streams are read once


def test_a_stream_is_read_once(regimes):
    regimes.upsert(regime())
    for read in (lambda rows: rows.to_dicts(), lambda rows: rows.to_polars(), list,
                 lambda rows: rows.__arrow_c_stream__(), lambda rows: rows.close()):
        rows = regimes.scan()
        read(rows)
        for again in (rows.to_dicts, rows.__arrow_c_stream__, rows.__arrow_c_schema__,
                      lambda: pl.DataFrame(rows), lambda: next(iter(rows))):
            with pytest.raises(varve.UsageError, match="read once"):
                again()
        rows.close()


def test_iteration_goes_on_where_it_was_left(regimes):
    regimes.upsert([regime(minute) for minute in range(5000)])
    all_rows = regimes.scan().to_dicts()
    rows = regimes.scan()
    found = [next(iter(rows)), next(iter(rows))]
    for row in rows:
        found.append(row)
        if len(found) == 2500:
            break
    for given_away in (rows.__arrow_c_stream__, rows.to_polars, rows.to_pyarrow, rows.to_pandas):
        with pytest.raises(varve.UsageError, match="taken as dicts"):
            given_away()
    assert found + rows.to_dicts() == all_rows
    with pytest.raises(varve.UsageError, match="read once"):
        rows.to_polars()
    rows = regimes.scan()
    next(iter(rows))
    rows.close()
    with pytest.raises(varve.UsageError, match="read once"):
        next(iter(rows))


def test_what_comes_behind_a_failure_is_not_taken_for_all(lake):
    sql = ("SELECT CASE WHEN i = 3000 THEN TIMESTAMP '290000-01-01' ELSE TIMESTAMP '2025-01-01' END "
           "AS t FROM range(9000) r(i) ORDER BY i")
    rows = lake.query(sql)
    with pytest.raises(ValueError, match="column .t. holds a time"):
        rows.to_dicts()
    for more in (rows.to_polars, rows.to_dicts, lambda: next(iter(rows))):
        with pytest.raises(varve.UsageError, match="ask for the rows again"):
            more()


@pytest.mark.parametrize("once", [
    lambda rows: (row for row in rows), iter, lambda rows: map(dict, rows),
    lambda rows: filter(None, rows)])
def test_an_iterator_that_was_used_up_is_no_empty_batch(regimes, once):
    rows = once([regime()])
    assert regimes.upsert(rows, app_id="bot", app_version=1).inserted == 1
    for use in (lambda: regimes.upsert(rows, app_id="bot", app_version=2),
                lambda: regimes.overwrite(rows), lambda: regimes.append(rows)):
        with pytest.raises(ValueError, match="used up"):
            use()
    assert regimes.version == 1 and len(regimes.scan().to_dicts()) == 1
    assert regimes.upsert([regime(1)], app_id="bot", app_version=2).inserted == 1


def test_a_reader_that_was_used_up_is_no_empty_table(lake, regimes):
    table = pa.Table.from_pylist([regime()])
    reader = table.to_reader()
    assert regimes.upsert(reader, app_id="bot", app_version=1, dry_run=True).inserted == 1
    merge = regimes.merge(reader, "t.symbol = s.symbol").when_not_matched_by_source_delete()
    with varve.Writer(lake, interval=None) as writer:
        for use in (lambda: regimes.upsert(reader, app_id="bot", app_version=1), merge.execute,
                    lambda: regimes.overwrite(reader), lambda: writer.put_arrow("market_regimes", reader)):
            with pytest.raises(varve.VarveError, match="used up") as caught:
                use()
            assert not caught.value.retryable
    assert regimes.upsert(table, app_id="bot", app_version=1).inserted == 1
    assert regimes.upsert(regimes.scan(where="false")).rows_in == 0


@pytest.mark.parametrize("once", [
    lambda rows: (row for row in rows), iter, lambda rows: map(lambda row: row, rows)])
def test_an_iterator_of_which_a_row_was_refused_is_used_up(regimes, once):
    rows = once([regime(), ("oops",), regime(2)])
    with pytest.raises(TypeError, match="row 2"):
        regimes.upsert(rows)
    with pytest.raises(ValueError, match="used up"):
        regimes.upsert(rows)


def test_no_rows_are_no_failure(regimes):
    for rows in ([], (), (row for row in ()), pa.Table.from_pylist([regime()]).slice(1),
                 pl.DataFrame([regime()]).clear()):
        assert regimes.upsert(rows).rows_in == 0


def test_a_cursor_stays_the_programs(regimes):
    cursor = sqlite3.connect(":memory:").cursor()
    cursor.row_factory = lambda _, row: {**regime(), "vix": row[0]}
    for vix in (20.0, 21.0):
        regimes.upsert(cursor.execute("SELECT ?", (vix,)))
    assert [row["vix"] for row in regimes.scan()] == [21.0]


def test_versions_of_an_app(regimes):
    """They count from 0, and grow."""
    for call in (regimes.upsert, regimes.append):
        with pytest.raises(varve.UsageError, match="count from 0"):
            call([regime()], app_id="bot", app_version=-1)
    with pytest.raises(varve.UsageError, match="count from 0"):
        regimes.delete("true", app_id="bot", app_version=-1)
    assert regimes.upsert([], app_id="bot", app_version=5).rows_in == 0
    assert regimes.upsert([regime()], app_id="bot", app_version=4).already_applied
    assert regimes.upsert([regime()], app_id="bot", app_version=6).inserted == 1


@pytest.mark.parametrize("source", [
    lambda table: table.to_reader(), lambda table: iter(table.to_pylist())])
def test_a_merge_uses_a_stream_up(regimes, source):
    regimes.upsert([regime(minute) for minute in range(3)])
    merge = (regimes.merge(source(pa.Table.from_pylist([regime()])), "t.timestamp = s.timestamp")
             .when_not_matched_by_source_delete())
    assert merge.execute().deleted == 2
    with pytest.raises(varve.UsageError, match="make the merge anew"):
        merge.execute()
    assert len(regimes.scan().to_dicts()) == 1
    again = (regimes.merge(pa.Table.from_pylist([regime()]), "t.timestamp = s.timestamp")
             .when_not_matched_by_source_delete())
    assert [again.execute().deleted for _ in range(2)] == [0, 0]


def test_no_time_is_not_the_latest(lake, regimes):
    for nothing in ("", " "):
        for call in (lambda: regimes.scan(at=nothing), lambda: lake.known_at(nothing),
                     lambda: lake.query("SELECT 1", at=nothing), lambda: regimes.trace(at=nothing),
                     lambda: lake.tag("q1", at=nothing), lambda: regimes.history(at=nothing)):
            with pytest.raises(ValueError, match="for now give None"):
                call()


def test_capsules_that_are_used_wrongly(regimes):
    regimes.upsert(regime())
    rows = regimes.scan()
    capsule = rows.__arrow_c_stream__(requested_schema=pa.schema([("x", pa.int8())]))

    class Holder:
        def __arrow_c_stream__(self, requested_schema=None):
            return capsule

    assert pa.RecordBatchReader.from_stream(Holder()).read_all().num_rows == 1
    with pytest.raises(ValueError, match="released or consumed"):
        regimes.upsert(Holder())
    del capsule
    rows = regimes.scan()
    capsule = rows.__arrow_c_stream__()  # never read: it releases itself
    del capsule, rows


class Liar:
    def __init__(self, stream=None, array=None):
        if stream is not None:
            self.__arrow_c_stream__ = stream
        if array is not None:
            self.__arrow_c_array__ = array


@pytest.mark.parametrize("liar, kind", [
    (Liar(stream=lambda: 5), (TypeError, ValueError)),
    (Liar(stream=lambda: 1 / 0), ZeroDivisionError),
    (Liar(array=lambda: 5), TypeError), (Liar(array=lambda: (1, 2)), (TypeError, ValueError)),
    (Liar(array=lambda: pa.array([1]).__arrow_c_array__()), varve.InvalidData),
    (Liar(stream=lambda: pa.schema([]).__arrow_c_schema__()), ValueError)])
def test_objects_that_only_look_like_arrow(regimes, liar, kind):
    with pytest.raises(kind):
        regimes.upsert(liar)
    assert regimes.version == 0


def test_an_input_that_fails_midway(regimes):
    def batches():
        yield pa.RecordBatch.from_pylist([regime()])
        raise RuntimeError("the feed is gone")

    schema = pa.RecordBatch.from_pylist([regime()]).schema
    with pytest.raises(varve.IOFailed, match="the feed is gone"):
        regimes.upsert(pa.RecordBatchReader.from_batches(schema, batches()))

    def rows():
        yield regime()
        raise RuntimeError("the feed is gone")

    with pytest.raises(RuntimeError):
        regimes.upsert(rows())
    assert regimes.version == 0


# ---- Lives


def test_a_lake_closed_before_its_stream_and_its_tables(tmp_path):
    with varve.Lake(tmp_path / "l", create=True) as lake:
        lake.init()
        table = lake.table("market_regimes")
        table.upsert([regime(minute) for minute in range(5000)])
        rows, more = table.scan(), iter(table.scan())
        next(more)
    assert lake.closed and "closed" in repr(lake)
    for call in (lake.tables, table.scan, lambda: table.version, lambda: table.upsert([]),
                 lambda: lake.table("signals"), lambda: lake.query("SELECT 1")):
        with pytest.raises(varve.UsageError, match="the lake is closed"):
            call()
    table.close()
    lake.close()
    del lake, table
    assert len(rows.to_dicts()) == 5000
    assert sum(1 for _ in more) == 4999


def test_a_closed_table(lake):
    with lake.table("signals") as table:
        table.scan().close()
    with pytest.raises(varve.UsageError, match="the table is closed"):
        table.scan()
    table.close()


def test_a_lake_of_a_parent_is_refused_in_a_child(lake, regimes):
    regimes.upsert(regime())
    rows = regimes.scan()
    reader, writer = multiprocessing.Pipe(duplex=False)
    child = os.fork()
    if child == 0:  # no code of pytest runs here
        try:
            lake.tables()
            writer.send("no error")
        except varve.UsageError as error:
            writer.send(str(error))
        del rows, regimes, lake
        os._exit(0)
    assert "forked" in reader.recv()
    assert os.waitpid(child, 0)[1] == 0
    assert len(rows.to_dicts()) == 1 and regimes.version == 1


def test_a_call_from_within_a_call(lake, regimes):
    """An input that asks for the lake that reads it would wait for itself."""
    said = []

    def batches():
        try:
            lake.query("SELECT 1")
        except varve.UsageError as error:
            said.append(str(error))
        yield pa.RecordBatch.from_pylist([regime()])

    schema = pa.RecordBatch.from_pylist([regime()]).schema
    assert regimes.upsert(pa.RecordBatchReader.from_batches(schema, batches())).inserted == 1
    assert len(said) == 1 and "in the middle of a call" in said[0]


def test_objects_of_the_extension_are_not_made_by_hand():
    for kind in (_core.Lake, _core.Table, _core.Stream):
        with pytest.raises(TypeError):
            kind()
        with pytest.raises(TypeError):
            object.__new__(kind)
