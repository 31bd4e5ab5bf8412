"""Columns that are called like those that changes have: none that Varve makes, and those of others."""

import json

import deltalake
import pyarrow
import pytest

NAMES = ("_change_type", "_Commit_Version", "_commit_timestamp")


@pytest.fixture
def t(varve):
    varve.ok("create", "t", "--schema", "k long not null, v long", "--key", "k")
    varve.upsert("t", "k,v\n1,1\n")
    return varve


@pytest.mark.parametrize("name", NAMES)
def test_no_column_is_called_so(t, name):
    evolve = ("upsert", "t", "-", "--input-format", "csv", "--evolve")
    merge = ("merge", "t", "--source", "-", "--input-format", "csv", "--on", "t.k = s.k",
             "--when-not-matched", "insert *", "--evolve")
    for arguments, text, status in (
            (("create", "u", "--schema", f"k long, {name} string"), None, 2),
            (("alter", "t", "add-column", f"{name} string"), None, 2),
            (("alter", "t", "rename-column", "v", name, "--upgrade"), None, 2),
            (evolve, f"k,{name}\n2,x\n", 3), (merge, f"k,{name}\n2,x\n", 3)):
        done = t.run(*arguments, stdin=text)
        assert done.returncode == status, done.stderr
        assert f"no column can be called {name}: changes" in done.stderr
    assert t.version("t") == 1
    assert not t.table("u").exists()


@pytest.fixture
def foreign(varve):
    varve.lake.mkdir()
    rows = pyarrow.table({"k": [1, 2], "_Change_type": ["x", "y"]})
    deltalake.write_deltalake(varve.table("t"), rows)
    return varve


def test_a_table_of_others_has_what_it_has(foreign):
    foreign.ok("adopt", "t", "--key", "k")
    foreign.upsert("t", "k,_change_type\n2,z\n3,w\n")
    foreign.ok("alter", "t", "add-column", "v long")
    assert [row["_Change_type"] for row in foreign.rows("query", "FROM t ORDER BY k")] == ["x", "z", "w"]
    done = foreign.run("alter", "t", "set", "delta.enableChangeDataFeed=true")
    assert done.returncode == 2 and "_Change_type" in done.stderr


def test_its_changes_are_not_told_until_it_is_renamed(foreign, tmp_path):
    version = foreign.version("t")
    for arguments in (("changes", "t", "--from", "0"), ("query", "FROM table_changes('t', 0)")):
        done = foreign.run(*arguments)
        assert done.returncode == 7
        assert "has a column _Change_type, and changes have one of their own" in done.stderr
    foreign.ok("export", "t", "-o", tmp_path / "made")
    (table,) = json.loads((tmp_path / "made" / "manifest.json").read_text())["tables"]
    (gap,) = table["changesMissing"]
    assert "the table has a column _Change_type" in gap["reason"]
    foreign.ok("alter", "t", "rename-column", "_Change_type", "kind", "--upgrade")
    told = foreign.rows("changes", "t", "--from", version)
    assert [(row["k"], row["kind"], row["_change_type"]) for row in told] == [
        (1, "x", "insert"), (2, "y", "insert")]
