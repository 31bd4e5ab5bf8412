"""Times of a place's clock and columns without a zone: what is refused is so in every form."""

import datetime as dt
from zoneinfo import ZoneInfo

import polars as pl
import pyarrow as pa
import pytest
import varve
from package import UTC

NEW_YORK = ZoneInfo("America/New_York")
TEN = dt.datetime(2025, 1, 30, 10, tzinfo=NEW_YORK)


@pytest.fixture
def table(lake):
    lake.create("z", schema="id bigint not null, t timestamp, n timestamp_ntz, "
                            "l array<timestamp_ntz>, s struct<t:timestamp,n:timestamp_ntz>, "
                            "m map<string,timestamp_ntz>", key="id")
    return lake["z"]


def as_arrow(row, zone, unit="us"):
    time = pa.timestamp(unit, zone)
    types = {"id": pa.int64(), "t": time, "n": time, "l": pa.list_(time),
             "s": pa.struct([("t", time), ("n", time)]), "m": pa.map_(pa.string(), time)}
    return pa.Table.from_pylist([row], pa.schema([(name, types[name]) for name in row]))


def as_csv(row, folder):
    path = folder / "z.csv"
    path.write_text(",".join(row) + "\n" + ",".join(
        str(value) if name == "id" else value.isoformat() for name, value in row.items()) + "\n")
    return path


def test_four_forms_of_a_clock_of_a_place_are_refused_alike(table, tmp_path):
    row = {"id": 1, "n": TEN}
    for rows in (row, as_csv(row, tmp_path), as_arrow(row, "America/New_York"), pl.DataFrame([row]),
                 as_arrow(row, "America/New_York", "ns"), as_arrow(row, "-05:00")):
        with pytest.raises(varve.InvalidData, match="does not fit (type )?timestamp_ntz"):
            table.upsert(rows)
    assert table.scan().to_dicts() == []


def test_four_forms_of_utc_and_of_no_zone_are_taken_alike(table, tmp_path):
    clock = TEN.replace(tzinfo=None)
    for when, zones in ((clock, [None]), (clock.replace(tzinfo=UTC), ["UTC", "Etc/UTC", "+00:00"])):
        row = {"id": 1, "n": when}
        arrows = [as_arrow(row, zone, unit) for zone in zones for unit in ("us", "ns")]
        for rows in (row, as_csv(row, tmp_path), pl.DataFrame([row]), *arrows):
            table.upsert(rows)
            assert table.scan(["n"]).to_dicts() == [{"n": clock}]
            table.delete("true")


@pytest.mark.parametrize("row", [{"l": [TEN]}, {"s": {"n": TEN}}, {"m": [("a", TEN)]}])
def test_within_nested_values_too(table, row):
    with pytest.raises(varve.InvalidData, match="does not fit timestamp_ntz"):
        table.upsert(as_arrow({"id": 1, **row}, "America/New_York"))
    table.upsert(as_arrow({"id": 1, **row}, "UTC"))
    assert len(table.scan().to_dicts()) == 1


def test_a_timestamp_takes_them_all(table):
    types = {"t": pa.timestamp("us", "America/New_York"), "n": pa.timestamp("us")}
    row = {"id": 1, "t": TEN, "s": {"t": TEN, "n": dt.datetime(2025, 1, 30, 10)}}
    table.upsert(pa.Table.from_pylist([row], pa.schema([
        ("id", pa.int64()), ("t", types["t"]), ("s", pa.struct(types))])))
    (found,) = table.scan(["t", "s"])
    assert found == {"t": TEN, "s": {"t": TEN, "n": dt.datetime(2025, 1, 30, 10)}}


def test_a_writer_sets_them_aside(lake, table):
    told = []
    with lake.writer(on_quarantine=lambda table, sequence, row, why: told.append(why)) as writer:
        writer.put_arrow("z", as_arrow({"id": 1, "n": TEN}, "America/New_York"))
        writer.put_arrow("z", as_arrow({"id": 2, "t": TEN}, "America/New_York"))
        writer.flush()
    assert len(told) == 1 and "does not fit type timestamp_ntz" in told[0]
    assert table.scan(["id", "t", "n"]).to_dicts() == [{"id": 2, "t": TEN, "n": None}]
