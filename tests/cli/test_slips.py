"""Slips of the pen, and answers that would mislead without a word: each is told."""

import pytest


@pytest.mark.parametrize("arguments, words", [
    (("alter", "signals", "add-colum", "x int"), "did you mean 'add-column'?"),
    (("alter", "signals", "frobnicate"), "alter can: add-column,"),
    (("scan", "signals", "--columns", "signal_typ"), "no column signal_typ; did you mean signal_type?"),
    (("scan", "signals", "--columns", "nothing_like_it"), "no column nothing_like_it\n"),
    (("latest", "signals", "--by", "strategyid"), "did you mean strategy_id?"),
    (("trace", "market_regimes", "symbl=SPY"), "did you mean symbol?"),
    (("scan", "sgnals"), "did you mean signals?"),
    (("quarantine", "list", "signals", "7"), "quarantine show signals 7"),
])
def test_the_nearest_is_named(filled, arguments, words):
    done = filled(*arguments)
    assert done.returncode in (2, 5) and words in done.stderr, done.stderr


@pytest.mark.parametrize("name", ["x.pdf", "x.xlsx", "a.csv/x.txt", "x.parquet.gz"])
def test_a_name_that_says_no_format_is_refused(filled, tmp_path, name):
    (tmp_path / "a.csv").mkdir()
    done = filled("query", "SELECT 1", "-o", str(tmp_path / name))
    assert done.returncode == 2 and "end it with .csv, .json," in done.stderr
    assert not (tmp_path / name).exists()
    done = filled("query", "SELECT 1 AS n", "-o", str(tmp_path / name), "--format", "csv")
    assert done.returncode == 0 and (tmp_path / name).read_text() == "n\n1\n"


@pytest.mark.parametrize("name", ["x", "x.csv", "X.CSV", ".x", "x.", "a.b/x"])
def test_names_without_an_end_are_csv(filled, tmp_path, name):
    (tmp_path / "a.b").mkdir()
    assert filled("query", "SELECT 1 AS n", "-o", str(tmp_path / name)).returncode == 0
    assert (tmp_path / name).read_text() == "n\n1\n"


def test_of_several_statements_it_is_told_which_is_shown(filled):
    done = filled("query", "SELECT 1 AS a; SELECT 2 AS b;")
    assert (done.stdout, done.stderr) == (
        "b\n2\n", "2 statements: the rows are those of the last one\n")
    assert filled("query", "SET known_at = 'now'; SELECT 2 AS b").stderr == ""
    assert filled("query", "SELECT 1; SELECT 2 AS b", "--quiet").stderr == ""


def test_gaps_where_nothing_is_expected(filled):
    done = filled("gaps", "market_regimes", "--every", "1m", "--from", "2999-01-01", "--to",
                  "2999-01-02")
    assert "calendar 24x7: no row was expected in that time" in done.stderr
    assert "0.00 %" not in done.stderr


def test_history_counts_the_rows_that_an_overwrite_took(varve):
    varve.ok("create", "t", "--schema", "id bigint not null, v int", "--key", "id")
    varve.ok("upsert", "t", stdin="id,v\n1,1\n2,2\n3,3\n")
    varve.ok("overwrite", "t", "-", "--input-format", "csv", "--where", "id > 1", "--yes",
             stdin="id,v\n")
    first = varve.ok("history", "t", "--limit", "1", "--format", "csv").splitlines()[1]
    assert first.split(",")[-2] == "2"


def test_restore_names_tags_in_its_help(varve):
    assert "--at TAG" in varve.ok("restore", "--help")


def test_an_unknown_tag_names_the_nearest(varve):
    varve.ok("init")
    varve.ok("tag", "create", "quarter1")
    for arguments in (("scan", "signals", "--at", "quater1"),
                      ("query", "FROM signals AT (VERSION => 'quarter2')")):
        done = varve(*arguments)
        assert done.returncode == 5 and "did you mean quarter1?" in done.stderr
    assert "did you mean" not in varve("scan", "signals", "--at", "spring").stderr
