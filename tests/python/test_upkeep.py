"""Merge, upkeep, audit and pins from Python."""

import datetime as dt
import json
import os
import pathlib
import subprocess
import time

import pytest
import varve
from deltalake import DeltaTable
from package import OPENING, regime


@pytest.fixture
def table(lake):
    lake.create("t", schema="k int not null, g string, v double", key="k", partition_by="g")
    table = lake.table("t")
    for first in (0, 2, 4):
        table.upsert([{"k": k, "g": "a", "v": float(k)} for k in (first, first + 1)])
    return table


def rows(table, **options):
    return {row["k"]: row["v"] for row in table.scan(**options).to_dicts()}


def test_merge(lake, table):
    source = [{"k": 1, "v": 10.0, "gone": False}, {"k": 2, "v": 0.0, "gone": True},
              {"k": 9, "v": 9.5, "gone": False}]
    merge = (table.merge(source, "t.k = s.k", message="nightly", app_id="m", app_version=1)
             .when_matched_delete("s.gone")
             .when_matched_update({"v": "t.v + s.v"})
             .when_not_matched_insert({"k": "s.k", "g": "'b'", "v": "s.v"}, predicate="s.k > 5")
             .when_not_matched_by_source_update({"v": "-1.0"}, predicate="t.k = 0"))
    result = merge.execute()
    assert (result.inserted, result.updated, result.deleted) == (1, 2, 1)
    assert rows(table) == {0: -1.0, 1: 11.0, 3: 3.0, 4: 4.0, 5: 5.0, 9: 9.5}
    entry = table.history(1).to_dicts()[0]
    assert (entry["operation"], entry["userMetadata"]) == ("MERGE", "nightly")
    again = table.merge(source, "t.k = s.k", app_id="m", app_version=1).when_matched_delete()
    assert again.execute().already_applied
    read = DeltaTable(f"{lake.path}/t").to_pyarrow_table().to_pylist()
    assert {row["k"]: row["v"] for row in read} == rows(table)


def test_merge_of_all_columns_and_by_source(table):
    polars = pytest.importorskip("polars")
    frame = polars.DataFrame({"k": [1, 7], "g": ["a", "a"], "v": [1.5, 7.0]})
    planned = table.merge(frame, "t.k = s.k", dry_run=True).when_not_matched_insert_all().execute()
    assert planned.inserted == 1 and len(rows(table)) == 6
    (table.merge(frame, "t.k = s.k").when_matched_update_all().when_not_matched_insert_all()
     .when_not_matched_by_source_delete("t.k > 3").execute())
    assert rows(table) == {0: 0.0, 1: 1.5, 2: 2.0, 3: 3.0, 7: 7.0}


def test_merges_that_fail(table):
    source = [{"k": 1, "v": 1.0}]
    with pytest.raises(varve.UsageError):
        table.merge(source, "t.k = s.k").execute()
    with pytest.raises(varve.UsageError, match="nope"):
        table.merge(source, "t.k = s.nope").when_matched_delete().execute()
    with pytest.raises(varve.InvalidData) as caught:
        (table.merge(source * 2, "t.k = s.k").when_matched_update({"v": "s.v"}).execute())
    assert not caught.value.retryable
    with pytest.raises(TypeError):
        table.merge(source, "t.k = s.k").when_matched_update("v = s.v")
    with pytest.raises(ValueError):
        table.merge(source, "t.k = s.k", app_id="x")
    assert table.version == 3


def test_a_retention_raised_by_an_open_table_holds_for_what_was_removed_before(lake):
    lake.create("t", schema="k int not null, v double", key="k", properties={
        "delta.deletedFileRetentionDuration": "interval 0 seconds"})
    table = lake.table("t")
    for value in (1.0, 2.0, 3.0):
        table.upsert([{"k": 1, "v": value}])
    for path in pathlib.Path(lake.path, "t").glob("*.parquet"):
        os.utime(path, (0, 0))
    time.sleep(0.01)  # what was removed in this very millisecond stays
    assert table.vacuum().files == 2
    table.alter("set", "delta.deletedFileRetentionDuration=interval 30 days")
    assert table.vacuum().files == 0


def test_optimize_vacuum_and_restore(lake, table):
    planned = table.optimize(dry_run=True)
    assert planned.files_removed == 3 and len(table.files().to_dicts()) == 3
    done = table.optimize(target_size="1MB", message="pack")
    assert (done.files_added, done.files_removed, done.rows) == (1, 3, 6)
    assert table.optimize().commits == 0
    with pytest.raises(varve.UsageError):
        table.optimize(zorder="nope")

    assert table.vacuum().files == 0
    with pytest.raises(varve.UsageError, match="unsafe"):
        table.vacuum(retain="0s")
    listed = table.vacuum(retain=dt.timedelta(0), unsafe=True)
    assert listed.files == 3 == len(listed.paths) and all("g=a/" in path for path in listed.paths)
    lake.hold("keep")
    assert len(rows(table, at=2)) == 4
    lake.release("keep")
    removed = table.vacuum(retain="0s", unsafe=True, dry_run=False)
    assert (removed.files, removed.readable_version) == (3, 4)
    with pytest.raises(varve.NotFound):
        table.restore(1)
    table.delete("k = 1")
    back = table.restore(4, message="undo")
    assert back.changed and back.restored == 4 and len(rows(table)) == 6
    assert not table.restore(back.version).changed


def test_alter(table):
    done = table.alter("add-column", "note string", message="notes")
    assert done.changed and "note" in done.diff and done.version == 4
    assert not table.alter("set", "delta.appendOnly=false", dry_run=True).version > 4
    table.alter("add-constraint", "small", "v < 100")
    with pytest.raises(varve.InvalidData):
        table.alter("add-constraint", "none", "v < 0")
    with pytest.raises(varve.UsageError):
        table.alter("paint", "red")
    with pytest.raises(varve.Unsupported):
        table.alter("drop-column", "note")


def test_changes_trace_and_why(table):
    table.update({"v": "v + 100"}, "k = 3")
    changes = table.changes(4).to_dicts()
    assert [(row["_change_type"], row["v"]) for row in changes] == [
        ("update_preimage", 3.0), ("update_postimage", 103.0)]
    assert len(table.changes(1, 2).to_dicts()) == 4
    with pytest.raises(varve.NotFound):
        table.changes(77)
    traced = table.trace(k=3).to_dicts()
    assert [row["change"] for row in traced] == ["insert", "update"]
    assert json.loads(traced[1]["after"]) == {"v": 103.0}
    assert table.trace({"k": 3}).to_dicts() == traced
    with pytest.raises(varve.UsageError):
        table.trace(g="a")
    file = table.files().to_dicts()[0]["path"]
    assert table.why(file).to_dicts()[0]["depth"] == 0
    with pytest.raises(varve.NotFound):
        table.why("nothing.parquet")


def test_a_key_of_times_is_traced(regimes):
    regimes.upsert([regime(1)])
    (row,) = regimes.trace(timestamp=OPENING + dt.timedelta(minutes=1), symbol="SPY").to_dicts()
    assert row["change"] == "insert"


def test_verify_and_seal(lake, table):
    sealed = table.seal()
    assert sealed["table"] == "t" and sealed["version"] == 3
    table.delete("k = 0")
    report = table.verify(head=sealed["head"], deep=True)
    assert isinstance(report, dict)
    with pytest.raises(varve.UsageError):
        lake.verify("t", head="none")
    data = next(row["path"] for row in table.files().to_dicts())
    with open(f"{lake.path}/t/{data}", "r+b") as file:
        file.write(b"XXXX")
    with pytest.raises(varve.VerifyFailed) as caught:
        lake.verify("t", deep=True)
    assert caught.value.report and caught.value.table == "t"
    with pytest.raises(varve.NotFound):
        lake.verify("nowhere")


def test_tags_and_holds(lake, table):
    assert lake.tag("q1", tables="t", message="quarter") == 1
    table.delete("k < 3")
    assert len(rows(table, at="q1")) == 6
    (tag,) = lake.tags().to_dicts()
    assert (tag["name"], tag["table"], tag["version"], tag["message"]) == ("q1", "t", 3, "quarter")
    with pytest.raises(varve.UsageError):
        lake.tag("q1", tables=["t"])
    assert lake.hold("h", at=2, tables="t") == 1
    assert [row["version"] for row in lake.holds().to_dicts()] == [2]
    assert (lake.untag("q1"), lake.release("h")) == (1, 1)
    with pytest.raises(varve.NotFound):
        lake.untag("q1")


def test_known_at_and_leaks(lake, table):
    then = dt.datetime.now(dt.timezone.utc)
    table.delete("k = 5")
    assert {row["_known"] for row in lake.leak_check("SELECT k FROM t", then)} == {"then"}
    lake.known_at(then)
    assert lake.query("SELECT count(*) AS n FROM t").to_dicts() == [{"n": 6}]
    lake.known_at(None)
    assert lake.query("SELECT count(*) AS n FROM t").to_dicts() == [{"n": 5}]


def test_known_at_ends_with_its_block(lake, table):
    early = dt.datetime.now(dt.timezone.utc)
    table.delete("k = 5")
    late = dt.datetime.now(dt.timezone.utc)
    table.delete("k = 4")

    def count():
        return lake.query("SELECT count(*) AS n FROM t").to_dicts()[0]["n"]

    with lake.known_at(late) as same:
        assert same is lake and count() == 5
        with pytest.raises(KeyError), lake.known_at(early):
            assert count() == 6
            raise KeyError
        assert count() == 5
        with pytest.raises(varve.UsageError):
            lake.known_at("someday")
        assert count() == 5
    assert count() == 4


def test_known_at_ends_at_what_sql_has_set(lake, table):
    middle = dt.datetime.now(dt.timezone.utc)
    table.delete("k = 5")

    def count():
        return lake.query("SELECT count(*) AS n FROM t").to_dicts()[0]["n"]

    lake.query(f"SET known_at = '{middle.isoformat()}'; SELECT 1").to_dicts()
    with lake.known_at("2020-01-01"):
        assert count() == 0
        lake.query("RESET known_at; SELECT 1").to_dicts()
        assert count() == 5
    assert count() == 6
    lake.query("RESET known_at; SELECT 1").to_dicts()
    with lake.known_at("2020-01-01"):
        assert count() == 0
    assert count() == 5


def test_known_at_reaches_tables_whenever_they_were_opened(lake, table):
    early = dt.datetime.now(dt.timezone.utc)
    table.delete("k = 5")
    with lake.known_at("2020-01-01T00:00:00Z"):
        assert rows(table) == {} == rows(lake["t"])
        assert table.files().to_dicts() == table.history().to_dicts() == []
        assert table.changes(0).to_dicts() == table.trace(k=5).to_dicts() == []
        inside = lake["t"]
    with lake.known_at(early):
        assert 5 in rows(table) and 5 in rows(inside)
        assert [row["version"] for row in table.history()] == [3, 2, 1, 0]
        assert [row["version"] for row in table.history(1)] == [3]
        assert max(row["_commit_version"] for row in table.changes(0)) == 3
        assert [row["change"] for row in table.trace(k=5)] == ["insert"]
        assert table.version == 4 and 5 not in rows(table, at=4)
        assert {row["_commit_version"] for row in table.changes(4, 4)} == {4}
        stream = table.scan()
    assert len(stream.to_dicts()) == 6 and 5 not in rows(table) and len(rows(inside)) == 5
    assert [row["change"] for row in inside.trace(k=5)] == ["insert", "delete"]
    lake.query("SET known_at = '2020-01-01'; SELECT 1").to_dicts()
    assert rows(table) == rows(inside) == {}
    lake.query("RESET known_at; SELECT 1").to_dicts()
    assert len(rows(table)) == len(rows(inside)) == 5


def test_known_at_reaches_ranges_and_the_latest(lake, regimes):
    regimes.upsert([regime(minute) for minute in range(3)])
    times = {"start": OPENING, "end": OPENING + dt.timedelta(minutes=2)}
    with lake.known_at("2025-06-01"):
        assert regimes.range(**times).to_dicts() == regimes.latest().to_dicts() == []
        opened = lake["market_regimes"]
    for table in (regimes, opened):
        assert len(table.range(**times).to_dicts()) == 2 and len(table.latest().to_dicts()) == 1


def test_the_past_is_told_up_to_a_version(lake, table, tmp_path):
    lake.tag("filled")
    table.delete("k = 5")
    table.upsert([{"k": 5, "g": "a", "v": 7.0}])
    assert [row["version"] for row in table.history(at=3)] == [3, 2, 1, 0]
    assert [row["version"] for row in table.history(2, at="filled")] == [3, 2]
    assert [row["change"] for row in table.trace(k=5, at="filled")] == ["insert"]
    assert [row["change"] for row in table.trace({"k": 5}, at=4)] == ["insert", "delete"]
    assert [row["change"] for row in table.trace({"k": 5})] == ["insert", "delete", "insert"]
    with pytest.raises(varve.NotFound):
        table.history(at=99)
    (tmp_path / "lake/t/_delta_log" / f"{5:020}.json").write_text("{nonsense")
    for read in (table, varve.Lake(lake.path)["t"]):
        with pytest.raises(varve.Corrupt):
            read.history()
        assert [row["version"] for row in read.history(2, at=4)] == [4, 3]
        with pytest.raises(varve.Corrupt):
            read.trace(k=5)
        assert [row["change"] for row in read.trace(k=5, at=4)] == ["insert", "delete"]


def test_salvage(lake, table):
    with pytest.raises(varve.NotFound):
        lake.salvage()
    with varve.Writer(lake) as writer:
        writer.put("t", k=70, g="a", v=7.0)
    report = lake.salvage(dry_run=True)
    assert (report["segments"], report["rows_lost"], report["lost"]) == ([], 0, [])


def test_an_export_for_an_auditor(lake, table, tmp_path):
    subprocess.run(["openssl", "genpkey", "-algorithm", "ed25519", "-out", tmp_path / "key"],
                   check=True)
    (tmp_path / "key").chmod(0o600)
    noted = lake.seal("t")
    table.upsert([{"k": 7, "g": "b", "v": 7.0}])
    done = lake.export(tmp_path / "x", "t", key_file=tmp_path / "key", seals=[noted])
    assert (done["tables"], done["rows"], len(done["sha256"])) == (1, 7, 64) and done["signature"]
    assert done["changes"] >= 7 and done["changes_missing"] == 0
    manifest = json.loads((tmp_path / "x" / "manifest.json").read_text())
    assert manifest["tables"][0]["earlierSeals"] == 1
    assert lake.export(tmp_path / "y", at="2", tables=["t"], sources=False)["rows"] == 4
    assert "changes" not in lake.export(tmp_path / "w", "t", changes=False)
    with pytest.raises(varve.UsageError, match="is there already"):
        lake.export(tmp_path / "x")
    with pytest.raises(varve.VerifyFailed, match="is not what was sealed"):
        lake.export(tmp_path / "z", seals=[dict(noted, head="0" * 64)])
