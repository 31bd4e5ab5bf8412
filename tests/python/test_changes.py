"""delete, update and overwrite from Python."""

import json

import pytest
import varve


@pytest.fixture
def table(tmp_path):
    with varve.Lake(tmp_path / "lake", create=True) as lake:
        lake.create("t", schema="k int not null, g string, v double", key="k",
                          partition_by="g", checks={"small": "v < 100"})
        table = lake.table("t")
        table.upsert([{"k": k, "g": "ab"[k % 2], "v": k * 1.5} for k in range(6)])
        yield table


def rows(table):
    return {row["k"]: (row["g"], row["v"]) for row in table.scan().to_dicts()}


def test_delete(table):
    result = table.delete("k in (1, 2)", message="bad ones")
    assert (result.deleted, result.copied, result.version) == (2, 4, 2)
    assert sorted(rows(table)) == [0, 3, 4, 5]
    entry = table.history(1).to_dicts()[0]
    assert (entry["operation"], entry["userMetadata"]) == ("DELETE", "bad ones")
    assert json.loads(entry["operationParameters"]) == {"predicate": '["k in (1, 2)"]'}
    assert table.delete("k = 77") == table.delete("false")
    with pytest.raises(varve.UsageError, match="nope"):
        table.delete("nope = 1")
    with pytest.raises(varve.UsageError, match="which rows"):
        table.delete("")


def test_update(table):
    result = table.update({"v": "v + 1", "g": "'c'"}, "k < 2")
    assert repr(result) == ("EditResult(rows_in=0, updated=2, copied=4, files_added=3, "
                            "files_removed=2, version=2, attempts=1)")
    assert rows(table)[0] == ("c", 1.0) and rows(table)[1] == ("c", 2.5)
    with pytest.raises(varve.InvalidData, match="small"):
        table.update({"v": "1000"}, "k = 3")
    with pytest.raises(varve.UsageError, match="nothing to set"):
        table.update({}, "true")
    with pytest.raises(TypeError, match="the value of v is 5: values are SQL as texts, such as {'v': '5'}"):
        table.update({"v": 5}, "true")
    assert table.update({"v": "0.0"}, "true", dry_run=True).updated == 6
    assert table.version == 2


def test_overwrite(table):
    with pytest.raises(varve.InvalidData, match="not true for 1 of 1"):
        table.overwrite([{"k": 9, "g": "b", "v": 1.0}], "g = 'a'")
    result = table.overwrite([{"k": 9, "g": "a", "v": 1.0}], "g = 'a'", app_id="x",
                             app_version=1)
    assert (result.rows_in, result.inserted, result.deleted) == (1, 1, 3)
    assert sorted(rows(table)) == [1, 3, 5, 9]
    again = table.overwrite([], app_id="x", app_version=1)
    assert again.already_applied and again.version == 2
    with pytest.raises(ValueError, match="app_version"):
        table.overwrite([], app_id="x")
    pa = pytest.importorskip("pyarrow")
    assert table.overwrite(pa.table({"k": [1, 2], "v": [1.0, 2.0]})).deleted == 4
    assert rows(table) == {1: (None, 1.0), 2: (None, 2.0)}
