"""Why: which commit brought a file, and whence its rows came."""

import pathlib
import sys

import pytest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))

import lakes  # noqa: E402


def put(varve, *rows, message="m"):
    return varve.upsert("t", "ts,sym,price\n" + "".join(
        f"2025-01-10T10:00:00Z,{row}\n" for row in rows), "--message", message)["version"]


def files(varve, *arguments):
    return {row["path"] for row in varve.rows("files", "t", *arguments)}


@pytest.fixture
def table(varve):
    lakes.create(varve, "t")
    return varve


def test_a_file_has_the_commit_that_brought_it(table):
    version = put(table, "A,1", message="first")
    path, = files(table)
    row, = table.rows("why", "t", path)
    assert (row["depth"], row["file"], row["version"], row["userMetadata"]) == (
        0, path, version, "first")
    assert row["operation"] == "MERGE" and row["is_compaction"] is False
    assert row["removed_version"] is None
    assert table.rows("why", "t", path.split("/")[-1]) == [row]
    assert table.rows("why", table.table("t") / path) == [row]


def test_what_a_change_rewrote_is_told_but_not_followed(table):
    put(table, "A,1")
    first, = files(table)
    put(table, "A,2", "B,1")
    second, = files(table) - {first}
    put(table, "A,3")
    third, = files(table) - {first, second}
    assert [(row["depth"], row["file"], row["removed_version"])
            for row in table.rows("why", "t", third)] == [(0, third, None), (1, second, 3)]
    assert table.rows("why", "t", first)[0]["removed_version"] == 2


def test_compactions_are_followed_to_the_writes(table):
    parts = []
    for name in "ABCD":
        before = files(table)
        put(table, f"{name},1", message=name)
        parts += files(table) - before
        if name == "B":
            table.ok("optimize", "t")
            middle, = files(table)
    table.ok("optimize", "t")
    last, = files(table)
    told = table.rows("why", "t", last)
    assert told[0]["file"] == last and told[0]["is_compaction"] is True
    assert {(row["depth"], row["file"]) for row in told} == {
        (0, last), (1, middle), (1, parts[2]), (1, parts[3]), (2, parts[0]), (2, parts[1])}
    assert {row["file"]: row["userMetadata"] for row in told if row["file"] in parts} == dict(
        zip(parts, "ABCD"))


def test_files_that_are_none_are_refused(table):
    put(table, "A,1")
    for arguments, status, words in ((("t", "x.parquet"), 5, "no commit"),
                                     (("nowhere/x.parquet",), 2, "no table's folder"),
                                     (("t", ""), 2, "no file")):
        done = table.run("why", *arguments)
        assert done.returncode == status and words in done.stderr


def test_a_file_that_a_restore_brought_back_is_made_of_nothing_that_left_then(table):
    version = put(table, "A,1", message="first")
    path, = files(table)
    put(table, "A,2", message="second")
    other, = files(table)
    table.ok("restore", "t", "--version", version, "--yes")
    assert files(table) == {path}
    row, = table.rows("why", "t", path)
    assert (row["version"], row["userMetadata"], row["operation"]) == (version, "first", "MERGE")
    told = table.rows("why", "t", other)
    assert [one["file"] for one in told] == [other, path]


def test_rows_that_an_update_moved_came_from_another_partition(varve):
    varve.ok("create", "t", "--schema", "id bigint not null, g string, v double", "--key", "id",
             "--partition-by", "g")
    varve.upsert("t", "id,g,v\n1,a,1\n2,b,2\n3,a,3\n")
    old = {row["partition"]["g"]: row["path"] for row in varve.rows("files", "t")}
    varve.ok("update", "t", "--set", "g='c'", "--where", "id=1")
    moved, = [path for path in files(varve) if path.startswith("g=c/")]
    assert [row["file"] for row in varve.rows("why", "t", moved)] == [moved, old["a"]]
    varve.upsert("t", "id,g,v\n2,d,5\n")  # an upsert moves it, too
    moved, = [path for path in files(varve) if path.startswith("g=d/")]
    assert [row["file"] for row in varve.rows("why", "t", moved)] == [moved, old["b"]]
    varve.upsert("t", "id,g,v\n9,e,5\n")  # and what was inserted came from nowhere
    new, = [path for path in files(varve) if path.startswith("g=e/")]
    assert [row["file"] for row in varve.rows("why", "t", new)] == [new]
