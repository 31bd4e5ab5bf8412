"""A table whose metaData has no schema: its history and files are shown, its rows never guessed."""

import json

import pytest

COMMIT = [
    {"protocol": {"minReaderVersion": 1, "minWriterVersion": 2}},
    {"metaData": {"id": "x", "format": {"provider": "parquet", "options": {}},
                  "partitionColumns": [], "configuration": {}}},
    {"commitInfo": {"timestamp": 1540415658000, "operation": "WRITE", "userName": "ann"}},
    {"add": {"path": "abc", "partitionValues": {}, "size": 1, "modificationTime": 1,
             "dataChange": True}},
]


@pytest.fixture()
def table(tmp_path):
    log = tmp_path / "t" / "_delta_log"
    log.mkdir(parents=True)
    (log / f"{0:020}.json").write_text("".join(json.dumps(line) + "\n" for line in COMMIT))
    return tmp_path / "t"


def test_history_and_files_are_shown(varve_on, tmp_path, table):
    varve = varve_on(tmp_path / "lake")
    assert "WRITE" in varve.ok("history", str(table))
    assert "abc" in varve.ok("files", str(table))


def test_rows_are_refused(varve_on, tmp_path, table):
    result = varve_on(tmp_path / "lake").run("scan", str(table))
    assert result.returncode == 6
    assert result.stdout == "" and "no columns" in result.stderr
