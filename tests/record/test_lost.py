"""Versions whose files are gone: who took them, and what can still be read."""

import re

import pytest

from lakes import create, put

NOW = ("vacuum", "t", "--retain", "0s", "--unsafe", "--yes", "--user", "vera")


def one(varve, price):
    varve.upsert("t", f"ts,sym,price\n2025-01-11T10:00:00Z,S,{price}\n")


def lost(varve, *arguments):
    done = varve.run(*arguments)
    assert done.returncode == 5 and done.stdout == "", done
    return done.stderr


def readable(varve):
    """The versions that can be read, by reading each."""
    return [version for version in range(varve.version("t") + 1)
            if varve.run("scan", "t", "--version", version).returncode == 0]


def told(varve, version):
    """What the message for a lost version says: the vacuum's version, and the readable ones."""
    text = lost(varve, "scan", "t", "--version", version)
    assert f"version {version} of table t can't be read" in text
    vacuum = re.search(r"the vacuum of version (\d+) \(\S+Z, by vera\)", text)
    span = re.search(r"versions? (\d+)(?: to (\d+))? can be read", text)
    return vacuum and int(vacuum[1]), int(span[1]), int(span[2] or span[1])


@pytest.fixture
def four(varve):
    create(varve, "t")
    for price in range(1, 5):
        one(varve, price)
    return varve


def test_the_vacuum_and_the_versions_that_are_left_are_named(four):
    four.ok(*NOW)
    assert readable(four) == [0, 4, 5, 6]
    for version in (1, 2, 3):
        assert told(four, version) == (5, 4, 6)


def test_of_two_vacuums_each_is_named_for_what_it_took(four):
    four.ok(*NOW)
    one(four, 5)
    one(four, 6)
    four.ok(*NOW)
    assert told(four, 1) == told(four, 3) == (5, 8, 10)
    assert told(four, 4) == told(four, 7) == (9, 8, 10)


def test_a_vacuum_that_did_not_reach_so_far_is_not_named(four):
    four.ok("vacuum", "t", "--retain", "30d", "--unsafe", "--yes", "--user", "nobody")
    one(four, 5)
    four.ok(*NOW)
    assert told(four, 1)[0] == four.version("t") - 1


@pytest.mark.parametrize("command", [
    ("query", "SELECT * FROM t AT (VERSION => 2)"),
    ("query", "SELECT * FROM t", "--at", "2"),
    ("latest", "t", "--at", "2"),
    ("range", "t", "--from", "2020-01-01", "--at", "2"),
    ("scan", "t", "--version", "2", "--where", "price > 0"),
])
def test_every_way_to_read_says_so(four, command):
    four.ok(*NOW)
    assert "version 2 of table t can't be read: the vacuum of version 5" in lost(four, *command)


def test_what_was_known_then_says_so_too(four):
    then = four.rows("history", "t")[2]["timestamp"]
    four.ok(*NOW)
    assert "the vacuum of version 5" in lost(four, "query", "SELECT * FROM t", "--known-at", then)


def test_versions_that_tags_keep_are_named(four):
    four.ok("--at", "2", "tag", "create", "q1", "t")
    four.ok(*NOW)
    text = lost(four, "scan", "t", "--version", "1")
    assert "versions 4 to 6 can be read, and version 2 (tag q1)" in text
    assert four.rows("scan", "t", "--version", "2")[0]["price"] == 2


def test_a_version_that_a_tag_did_not_keep_after_all_is_not_named(four):
    four.ok("--at", "2", "tag", "create", "q1", "t")
    kept, = [row["path"] for row in four.rows("files", "t", "--at", "2")]
    four.ok(*NOW)
    (four.table("t") / kept).unlink()
    text = lost(four, "scan", "t", "--version", "1")
    assert "versions 4 to 6 can be read" in text and "q1" not in text


def test_a_deletion_vector_that_was_taken_is_a_lost_file(varve):
    create(varve, "t", "--property", "delta.enableDeletionVectors=true")
    put(varve, "t", 1)
    first = varve.rows("scan", "t", "--version", "1")
    varve.ok("delete", "t", "--where", f"sym = '{first[0]['sym']}'")
    varve.ok("delete", "t", "--where", f"sym = '{first[-1]['sym']}'")
    varve.ok(*NOW)
    for version in range(varve.version("t") + 1):
        done = varve.run("scan", "t", "--version", version)
        assert done.returncode == 0 or "the vacuum of version" in done.stderr, version
    assert readable(varve)[-1] == varve.version("t") and len(readable(varve)) < 6


@pytest.mark.parametrize("feed", ["true", "false"])
def test_changes_that_can_not_be_told_any_more(varve, feed):
    create(varve, "t", "--property", f"delta.enableChangeDataFeed={feed}")
    for price in range(1, 5):
        one(varve, price)
    varve.ok(*NOW)
    one(varve, 5)
    text = lost(varve, "changes", "t", "--from", "2")
    assert "changes of table t from version 2 on can't be told: the vacuum of version 5" in text
    first = int(re.search(r"from version (\d+) on they can", text)[1])
    assert varve.ok("changes", "t", "--from", first)
    assert varve.run("changes", "t", "--from", first - 1).returncode == 5
    assert "the vacuum of version 5" in lost(
        varve, "query", "SELECT * FROM table_changes('t', 1, 3)")


def test_a_file_that_someone_else_took_is_no_vacuums(four):
    gone = {row["path"] for row in four.rows("query", "SELECT path FROM table_files('t')")}
    one(four, 5)
    for path in gone:
        (four.table("t") / path).unlink()
    text = lost(four, "scan", "t", "--version", "4")
    assert "no vacuum of the history took it" in text and "version 5 can be read" in text


def test_a_file_that_the_latest_version_needs_is_another_matter(four):
    live = [row["path"] for row in four.rows("files", "t")]
    for path in live:
        (four.table("t") / path).unlink()
    one_more = four.run("scan", "t", "--version", "4")
    assert "cannot read" in one_more.stderr and "vacuum" not in one_more.stderr
    four.ok("delete", "t", "--where", "price > 100")
    assert "vacuum" not in four.run("scan", "t", "--version", "4").stderr


@pytest.mark.parametrize("absolute", [False, True])
def test_a_trace_names_the_vacuum_that_took_what_it_can_t_tell(four, absolute):
    if absolute:
        four.name_absolute("t")
    four.ok(*NOW)
    done = four.run("trace", "t", "ts=2025-01-11T10:00:00Z", "sym=S")
    assert done.returncode == 0
    assert re.search(r"what \d+ versions from 1 to \d+ did is not told: the vacuum of version \d+ "
                     r"\(\S+Z, by vera\) took data files that are needed, such as \S+", done.stderr)
    assert "no version that can be told" in done.stderr
    assert "whether the table has it, varve scan t --where tells" in done.stderr
    held = four.run("scan", "t", "--where", "ts = '2025-01-11T10:00:00Z' and sym = 'S'")
    assert held.returncode == 0, held.stderr


def test_a_trace_of_a_row_that_never_was_says_so(four):
    done = four.run("trace", "t", "ts=2025-01-11T10:00:00Z", "sym=X")
    assert done.returncode == 0
    assert "t: no version that can be told brought, changed or took such a row" in done.stderr
