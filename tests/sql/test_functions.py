"""Functions over a table in SQL: what it went through, its commits, its files; and no way out."""

import json
import subprocess
import time

import pytest

T = "prices"


@pytest.fixture(scope="module")
def lake(tmp_path_factory, varve_on):
    varve = varve_on(tmp_path_factory.mktemp("functions") / "lake")
    varve.ok("create", T, "--schema", "k int not null, v int, seen timestamp", "--key", "k",
             "--order-by", "seen")
    varve.upsert(T, "k,v\n1,10\n2,20\n")
    time.sleep(0.05)  # commit times have milliseconds
    varve.upsert(T, "k,v\n2,22\n3,30\n")
    varve.ok("delete", T, "--where", "k = 1")
    time.sleep(1.1)  # what is created next is younger than anything of prices, by file time, too
    varve.ok("create", "signals", "--schema", "k int not null, name string", "--key", "k")
    varve.upsert("signals", "k,name\n1,one\n2,two\n")
    return varve


def rows(varve, sql, *options):
    return varve.rows("query", sql, *options)


def as_shown(found):
    """Commands show JSON as what it is, where SQL has a text."""
    return [{name: json.loads(value) if isinstance(value, str) and value.startswith("{") else value
             for name, value in row.items()} for row in found]


def tuples(varve, sql, *options):
    return [tuple(row.values()) for row in rows(varve, sql, *options)]


def time_of(varve, version, table=T):
    return next(row["timestamp"] for row in varve.rows("history", table)
                if row["version"] == version)


def by_all(found):
    return sorted(json.dumps(row) for row in found)


@pytest.mark.parametrize("arguments, options", [
    ("0", ["0"]), ("2", ["2"]), ("'2'", ["2"]), ("1, 2", ["1", "2"]), ("1 + 1, 3", ["2", "3"]),
    ("'-1h'", ["-1h"]), ("0, 'now'", ["0", "now"]),
])
def test_changes_are_those_of_the_command(lake, arguments, options):
    ends = [part for name, end in zip(("--from", "--to"), options) for part in (name, end)]
    expected = lake.rows("changes", T, *ends)
    assert expected
    assert by_all(rows(lake, f"FROM table_changes('{T}', {arguments})")) == by_all(expected)


def test_changes_between_times(lake):
    begin, end = time_of(lake, 1), time_of(lake, 2)
    expected = lake.rows("changes", T, "--from", "1", "--to", "2")
    for sql, options in (
            (f"FROM table_changes('{T}', '{begin}', '{end}')", ()),
            (f"FROM table_changes('{T}', TIMESTAMPTZ '{begin}', TIMESTAMPTZ '{end}')", ()),
            ("FROM table_changes($t, $a, $b)",
             ("--param", f"t={T}", "--param", f"a={begin}", "--param", f"b={end}")),
            ("FROM table_changes(?, ?, ?)",
             ("--param", f"1={T}", "--param", f"2={begin}", "--param", f"3={end}"))):
        assert by_all(rows(lake, sql, *options)) == by_all(expected)


def test_changes_after_the_latest_commit_are_none(lake):
    assert rows(lake, f"FROM table_changes('{T}', TIMESTAMPTZ '2999-01-01')") == []


def test_history_is_that_of_the_command(lake):
    assert as_shown(rows(lake, f"FROM table_history('{T}')")) == lake.rows("history", T)


def test_files_are_those_of_the_command(lake):
    expected = lake.rows("files", T)
    assert expected and as_shown(rows(lake, f"FROM table_files('{T}')")) == expected
    for at in ("1", "'1'", f"'{time_of(lake, 1)}'", f"TIMESTAMPTZ '{time_of(lake, 1)}'"):
        assert as_shown(rows(lake, f"FROM table_files('{T}', {at})")) == \
            lake.rows("files", T, "--at", "1")


@pytest.mark.parametrize("sql, expected", [
    ("SELECT h.operation, c._change_type, c.k FROM table_changes('prices', 3) c JOIN "
     "table_history('prices') h ON h.version = c._commit_version", [("DELETE", "delete", 1)]),
    ("WITH c AS (FROM table_changes('prices', 2, 2)) SELECT k, v FROM c WHERE _change_type = "
     "'update_postimage'", [(2, 22)]),
    ("WITH prices AS (SELECT 7 AS x) SELECT x, (SELECT max(version) FROM "
     "table_history('prices')) FROM prices", [(7, 3)]),
    ("SELECT s.name, c.v FROM signals s LEFT JOIN table_changes('prices', 1, 1) c USING (k) "
     "ORDER BY 1", [("one", 10), ("two", 20)]),
    ("SELECT k FROM signals WHERE k IN (SELECT k FROM table_changes('prices', 3))", [(1,)]),
    ("SELECT k FROM signals s WHERE EXISTS (FROM table_changes('prices', 2) c WHERE c.k = s.k "
     "AND c.v = 22)", [(2,)]),
    ("SELECT a.n, b.n AS m FROM (SELECT count(*) n FROM table_changes('prices', 1, 1)) a, "
     "(SELECT count(*) n FROM table_changes('prices', 0)) b", [(2, 6)]),
    ("SELECT count(*) FROM table_history('prices') UNION ALL SELECT count(*) FROM "
     "table_history('signals')", [(4,), (2,)]),
    ("SELECT table_history.version FROM Table_History('prices') LIMIT 1", [(3,)]),
    ("SELECT h.a FROM table_history ( 'prices' /* ) */ ) AS h(a) ORDER BY a LIMIT 1", [(0,)]),
    ("FROM h: table_history('prices') SELECT max(h.version)", [(3,)]),
    ("SELECT '''table_history(' || count(*) FROM table_history('prices')", [("'table_history(4",)]),
    ("SELECT sum(rows - deleted) = (SELECT count(*) FROM prices) FROM table_files('prices')",
     [(True,)]),
    ("SELECT count(*) FROM table_history('prices'); SELECT max(version) FROM "
     "table_history('signals')", [(1,)]),
    ("SELECT count(*) FROM prices, LATERAL (SELECT * FROM table_changes('prices', 1, 1) c WHERE "
     "c.k = prices.k)", [(1,)]),
])
def test_functions_stand_wherever_tables_do(lake, sql, expected):
    assert tuples(lake, sql) == expected


def test_parameters_without_a_name_keep_their_values(lake):
    assert tuples(lake, "SELECT k, ? FROM table_changes('prices', ?, ?) WHERE k=?AND v=? ORDER BY "
                  "1", *[part for i, value in enumerate(("x", "1", "2", "2", "20"), 1)
                         for part in ("--param", f"{i}={value}")]) == [(2, "x"), (2, "x")]
    for marks in (("?", "?", "?"), ("$1", "$2", "$3"), ("$3", "$1", "$2")):
        values = ("a", "1", "2") if marks[0] != "$3" else ("1", "2", "a")
        sql = "SELECT sum(v), {} FROM prices AT (VERSION => {}) WHERE k={}".format(*marks)
        assert tuples(lake, sql, *[part for i, value in enumerate(values, 1)
                                   for part in ("--param", f"{i}={value}")]) == [(20, "a")]


def test_a_function_tells_of_the_version_that_the_query_reads(lake):
    first = time_of(lake, 1)
    for options in (("--at", "1"), ("--at", first), ("--known-at", first)):
        assert tuples(lake, "SELECT max(version) FROM table_history('prices')", *options) == [(1,)]
        assert as_shown(rows(lake, "FROM table_files('prices')", *options)) == \
            lake.rows("files", T, "--at", "1")
        assert tuples(lake, "SELECT count(*) FROM table_changes('prices', 0)", *options) == [(2,)]
        assert tuples(lake, "SELECT count(*) FROM table_changes('prices', 0, 'now')",
                      *options) == [(2,)]
        done = lake.run("query", "FROM table_changes('prices', 1, 2)", *options)
        assert done.returncode == 5 and "the latest is 1" in done.stderr


def test_a_version_as_option_is_of_one_table(lake):
    sql = "SELECT count(*) FROM prices, table_history('{}')"
    assert tuples(lake, sql.format("prices"), "--at", "1") == [(4,)]
    done = lake.run("query", sql.format("signals"), "--at", "1")
    assert done.returncode == 2 and "2 tables" in done.stderr


def test_a_table_that_was_not_made_yet_has_no_history(lake):
    before = time_of(lake, 3)
    assert tuples(lake, "SELECT (SELECT count(*) FROM table_history('signals')), (SELECT count(*) "
                  "FROM table_files('signals')), (SELECT count(name) FROM table_changes('signals', "
                  "0))", "--known-at", before) == [(0, 0, 0)]


def test_explain_tells_of_tables_alone(lake):
    tables, _ = rows(lake, "EXPLAIN SELECT * FROM prices JOIN table_history('prices') ON true")
    assert tables["explain_value"].count("prices, version 3") == 1
    lake.ok("query", "--explain", "FROM table_changes('prices', 1)")


@pytest.mark.parametrize("sql, status, message", [
    ("FROM table_changes('price', 1)", 5, "did you mean prices?"),
    ("FROM table_history('Signal')", 5, "did you mean signals?"),
    ("FROM table_files('nothing_like_it')", 5, "there are: prices, signals"),
    ("FROM sgnals", 5, "did you mean signals?"),
    ("FROM table_changes('prices', 99)", 5, "no version 99 of table prices: the latest is 3"),
    ("FROM table_changes('prices', 3, 1)", 2, "the range is empty"),
    ("FROM table_changes('prices', 'soon')", 5, "there is no tag soon"),
    ("FROM table_changes('prices', 1.5)", 2, "1.5"),
    ("FROM table_changes('prices', NULL)", 2, "argument 2 is NULL"),
    ("FROM table_changes('prices', '')", 2, "argument 2 is empty"),
    ("FROM table_changes('prices')", 2, "write table_changes('t', from [, to])"),
    ("FROM table_changes()", 2, "write table_changes('t', from [, to])"),
    ("FROM table_history('prices', 1)", 2, "write table_history('t')"),
    ("FROM table_history(prices)", 2, "in quotes"),
    ("FROM table_history(5)", 2, "no name of a table"),
    ("FROM table_history(NULL)", 2, "argument 1 is NULL"),
    ("FROM table_changes('prices', start => 1)", 2, "have no names"),
    ("FROM prices, table_changes('prices', prices.k)", 2, "one value for the whole query"),
    ("FROM prices, table_changes('prices', prices.k + 1)", 2, "argument 2"),
    ("FROM table_changes('prices', (SELECT 1 FROM prices))", 2, "argument 2"),
    ("FROM table_files('prices', 9)", 5, "9"),
    ("FROM table_files('prices', 'q3')", 5, "q3"),
    ("FROM table_history('prices') WITH ORDINALITY", 2, "WITH ORDINALITY"),
    ("FROM main.table_history('prices')", 2, "not there in FROM"),
    ("FROM table_history('prices') AT (VERSION => 1)", 2, ""),
    ("SELECT table_history('prices')", 2, ""),
])
def test_what_cannot_be_told_is_named(lake, sql, status, message):
    done = lake.run("query", sql)
    assert done.returncode == status, done.stderr
    assert message in done.stderr
    assert done.stdout == ""


@pytest.fixture(scope="module")
def other(tmp_path_factory, varve_on):
    varve = varve_on(tmp_path_factory.mktemp("functions") / "other")
    varve.ok("create", "t", "--schema", "k int not null, secret string", "--key", "k")
    return varve


@pytest.mark.parametrize("function", ["table_changes('{}', 0)", "table_history('{}')",
                                      "table_files('{}')"])
@pytest.mark.parametrize("name", ["{path}", "./{name}", "../{name}", "file://{path}", ".", "..",
                                  "prices/", "s3://bucket/t", "lake/../../{name}"])
def test_a_name_is_no_path(lake, other, function, name):
    path = other.table("t")
    name = name.format(path=path, name="t")
    for sql in ("FROM " + function.format(name), f'FROM "{name}"'):
        done = subprocess.run([lake.program, "--lake", lake.lake, "query", sql], cwd=path,
                              capture_output=True, text=True, timeout=60, check=False)
        assert done.returncode == 2 and "is no name of a table" in done.stderr, done.stderr
        assert "secret" not in done.stdout + done.stderr


def test_a_condition_reads_no_other_table(lake):
    done = lake.run("scan", T, "--where", "k IN (SELECT version FROM table_history('prices'))")
    assert done.returncode == 2 and "table_history" in done.stderr


def test_the_shell_has_them(lake):
    out = lake.ok("shell", stdin=".mode csv\n.param v=3\nSELECT k, _change_type FROM "
                  "table_changes('prices', $v);\n")
    assert out == "k,_change_type\n1,delete\n"


def test_leaks_in_the_history_show(lake):
    out = lake.rows("leak-check", "SELECT version FROM table_history('prices')", "--known-at",
                    time_of(lake, 2))
    assert out == [{"_known": "now", "version": 3}]
