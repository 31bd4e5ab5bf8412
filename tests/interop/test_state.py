"""Tables of other writers: a checkpoint and the commits below it must come to one state."""

import json
import pathlib
import shutil
import subprocess

import pyarrow as pa
import pytest
from deltalake import CommitProperties, DeltaTable, Transaction, write_deltalake

import state

# The configuration in its checkpoint is not the one in its commits: it was edited by hand.
CONTRADICTS_ITSELF = ["parquet_row_group_skipping"]

needs_conformance = pytest.mark.skipif(
    not state.CONFORMANCE.is_dir() or shutil.which("zstd") is None,
    reason="the conformance tables are not beside the project, or zstd is missing",
)


def conformance_tables():
    manifest = state.CONFORMANCE / "manifest.json"
    if not manifest.exists():
        return []
    return [
        pytest.param(table, id=f"{table['source']}/{table['name']}",
                     marks=[pytest.mark.contradicts_itself] * (table["name"] in CONTRADICTS_ITSELF))
        for table in json.loads(manifest.read_text())
        if table["name"] != "300k-add-files-100-col-partitioned"
    ]


def unpack(table, target):
    archive = state.CONFORMANCE / table["archive"]
    command = ["tar", "--zstd", "-xf", str(archive), "-C", str(target), "table"]
    subprocess.run(command, check=True)
    return target / "table"


def check_same_state(table, tmp_path):
    """Compares each version that there is, loaded both ways; returns how many used a checkpoint."""
    commits = state.without_checkpoints(table, tmp_path / "commits")
    how, _ = state.dump(table)
    if commits is None:
        return 0
    with_checkpoint = 0
    latest = max(int(path.stem) for path in (table / "_delta_log").glob("*.json") if
                 path.stem.isdigit())
    for version in range(latest + 1):
        how, lines = state.dump(table, version)
        how_commits, lines_commits = state.dump(commits, version)
        assert how_commits["checkpoint"] == -1
        assert state.comparable(lines) == state.comparable(lines_commits)
        with_checkpoint += how["checkpoint"] >= 0
    return with_checkpoint


@needs_conformance
@pytest.mark.parametrize("table", conformance_tables())
def test_conformance_table_loads_as_its_manifest_says(table, tmp_path):
    path = unpack(table, tmp_path)
    refused_at_load = table["expect"] == "error" and "latest" not in table
    if refused_at_load:
        with pytest.raises(state.Refused) as refused:
            state.dump(path)
        codes = {"NOT_FOUND": 5, "CORRUPT": 6, "UNSUPPORTED": 7, "IO": 8}
        named = table["error_code"]
        assert refused.value.code in [codes[name] for name in
                                      ([named] if isinstance(named, str) else named)]
        return
    if "latest" not in table:
        pytest.skip("neither a version nor a refusal is stated")
    try:
        _, lines = state.dump(path)
    except state.Refused as refused:
        assert refused.code == 7
        assert any(f'"{feature}"' in str(refused) for feature in table["features"])
        return
    assert json.loads(lines[0])["version"] == table["latest"]
    if table["name"] not in CONTRADICTS_ITSELF:
        check_same_state(path, tmp_path)


def rows(first, count, date):
    return pa.table({
        "id": pa.array(range(first, first + count), pa.int64()),
        "text": pa.array([f"row {i}" for i in range(count)]),
        "number": pa.array([i / 8 for i in range(count)], pa.float64()),
        "at": pa.array([1738231200000000 + i for i in range(count)], pa.timestamp("us", "UTC")),
        "date": pa.array([date] * count),
    })


def test_state_is_the_one_that_deltalake_sees(tmp_path):
    path = tmp_path / "table"
    for i in range(5):
        properties = CommitProperties(app_transactions=[Transaction("app", i, 1700000000000)])
        write_deltalake(path, rows(i * 10, 10, f"2025-01-0{i + 1}"), mode="append",
                        partition_by=["date"], commit_properties=properties)
    DeltaTable(path).delete("id = 3")
    DeltaTable(path).create_checkpoint()
    write_deltalake(path, rows(100, 10, "it's 5% / day"), mode="append")
    DeltaTable(path).delete("date = '2025-01-02'")

    how, lines = state.dump(path)
    assert how["checkpoint"] == 5
    assert how["commitsRead"] == 2
    theirs = pa.table(DeltaTable(path).get_add_actions(flatten=False)).to_pylist()
    ours = {pathlib.PurePosixPath(path).name: add for (path, _), add in state.files(lines).items()}
    assert sorted(ours) == sorted(pathlib.PurePosixPath(add["path"]).name for add in theirs)
    for add in theirs:
        ours_add = ours[pathlib.PurePosixPath(add["path"]).name]
        assert ours_add["size"] == add["size_bytes"]
        assert ours_add["partitionValues"] == add["partition"]
        assert json.loads(ours_add["stats"])["numRecords"] == add["num_records"]
    assert '{"txn":{"appId":"app","version":4,"lastUpdated":1700000000000}}' in lines
    assert check_same_state(path, tmp_path) == 3


def test_checkpoint_of_an_unpartitioned_table_with_all_types(tmp_path):
    path = tmp_path / "table"
    data = pa.table({
        "b": pa.array([True, None]),
        "i8": pa.array([1, -1], pa.int8()),
        "f": pa.array([float("nan"), 1.5], pa.float32()),
        "dec": pa.array([1, 2], pa.decimal128(38, 10)),
        "bin": pa.array([b"\x00\xff", None]),
        "ntz": pa.array([0, 1], pa.timestamp("us")),
        "list": pa.array([[1], []], pa.list_(pa.int64())),
        "nested": pa.array([{"x": 1, "y": "z"}, None],
                           pa.struct([("x", pa.int64()), ("y", pa.string())])),
    })
    write_deltalake(path, data, configuration={"delta.checkpointInterval": "1",
                                               "delta.appendOnly": "false"})
    write_deltalake(path, data, mode="overwrite")
    DeltaTable(path).create_checkpoint()
    how, lines = state.dump(path)
    assert how["checkpoint"] == 1
    assert len(state.files(lines)) == 1
    assert check_same_state(path, tmp_path) >= 1


def test_log_that_deltalake_cleaned_up_still_loads(tmp_path):
    path = tmp_path / "table"
    for i in range(12):
        write_deltalake(path, rows(i * 10, 10, "2025-01-01"), mode="append",
                        configuration={"delta.logRetentionDuration": "interval 0 days"}
                        if i == 0 else None)
    DeltaTable(path).create_checkpoint()
    DeltaTable(path).cleanup_metadata()
    _, lines = state.dump(path)
    assert len(state.files(lines)) == 12
    with pytest.raises(state.Refused) as refused:
        state.dump(path, 99)
    assert "to 11 are there" in str(refused.value)
