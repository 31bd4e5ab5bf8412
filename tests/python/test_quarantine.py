"""Rows that are set aside by way of the package are as whole as those of the command."""

import json
import pathlib

import pytest
import varve

SCHEMA = ("id string not null, s struct<a:int>, l array<struct<a:int>>, m map<string,struct<a:int>>, "
          "v int")
BAD = ({"s": {"a": 1, "x": 2}}, {"l": [{"a": 1, "x": 2}]}, {"m": {"k": {"a": 1, "x": 2}}},
       {"s": "text"}, {"new": {"deep": [1]}})


@pytest.fixture
def table(lake):
    lake.create("t", schema=SCHEMA, key="id")
    return lake.table("t")


def kept(table):
    rows = [json.loads(row["values"]) for row in table.quarantine.show().to_dicts()]
    return sorted(rows, key=lambda row: row["id"])


def test_rejected_dicts_stay_whole(table):
    rows = [{"id": str(n)} | row for n, row in enumerate(BAD)]
    assert table.upsert(rows, quarantine=True).rejected == len(BAD)
    for _ in range(2):
        assert kept(table) == rows
        assert table.quarantine.release().rejected == len(BAD)
    assert table.scan().to_dicts() == []


def test_rejected_rows_of_the_writer_stay_whole(lake, table):
    rows = [{"id": str(n)} | row for n, row in enumerate(BAD)]
    with varve.Writer(lake, interval=None) as writer:
        for row in rows:
            writer.put("t", row)
        writer.flush()
        assert writer.stats()["quarantined"] == len(BAD)
    for _ in range(2):
        assert kept(table) == rows
        assert table.quarantine.release().rejected == len(BAD)
    assert table.scan().to_dicts() == []


def test_a_none_is_no_default(lake):
    lake.create("d", schema="id string not null, state string default 'new', v int", key="id",
                checks={"c": "v > 0"})
    table = lake.table("d")
    table.upsert([{"id": "a", "state": None, "v": 0}, {"id": "b", "v": 0}], quarantine=True)
    table.alter("drop-constraint", "c")
    assert table.quarantine.release().rejected == 0
    assert {row["id"]: row["state"] for row in table.scan().to_dicts()} == {
        "a": None, "b": "new"}


def test_a_release_may_be_tried_and_goes_on_past_a_damaged_batch(lake):
    lake.create("d", schema="id string not null, v int", key="id", checks={"c": "v > 0"})
    table = lake.table("d")
    for name in "ab":
        table.upsert([{"id": name, "v": 0}], quarantine=True)
    table.alter("drop-constraint", "c")
    version = table.version
    assert table.quarantine.release(dry_run=True).inserted == 2
    assert len(kept(table)) == 2 and table.version == version
    first, second = (row["id"] for row in table.quarantine.list().to_dicts())
    folder = pathlib.Path(table.describe()["location"]) / "_varve" / "quarantine"
    (folder / f"{first}.ndjson").write_text("nonsense")
    with pytest.raises(varve.Corrupt):
        table.quarantine.release(first)
    with pytest.warns(RuntimeWarning, match="1 batch that can't be read stays"):
        assert table.quarantine.release().inserted == 1
    assert [row["id"] for row in table.quarantine.list().to_dicts()] == [first]
    assert [(row["table"], row["id"]) for row in lake.quarantine().to_dicts()] == [("d", first)]
