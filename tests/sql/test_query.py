"""SQL over the lake: time travel in any SELECT, parameters, several statements, no way out."""

import json
import time

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

T = "prices"
ONE = "k,v\n1,10\n2,20\n"
TWO = "k,v\n2,22\n3,30\n"


@pytest.fixture(scope="module")
def lake(tmp_path_factory, varve_on):
    varve = varve_on(tmp_path_factory.mktemp("sql") / "lake")
    varve.ok("create", T, "--schema", "k int not null, v int, seen timestamp", "--key", "k",
             "--order-by", "seen")
    varve.ok("create", "Other", "--schema", "k int not null, name string", "--key", "k")
    varve.upsert(T, ONE)
    time.sleep(1.1)  # file times and commit times have milliseconds, tests read seconds
    varve.upsert(T, TWO)
    varve.upsert("Other", "k,name\n1,one\n2,two\n")
    return varve


def sums(varve, sql, *options):
    return [tuple(row.values()) for row in varve.rows("query", sql, *options)]


def time_of(varve, version):
    return next(row["timestamp"] for row in varve.rows("history", T)
                if row["version"] == version)


@pytest.mark.parametrize("sql", ["DESCRIBE prices", "SELECT * FROM (DESCRIBE prices)", "DESC prices",
                                 "DESCRIBE SELECT * FROM prices", "describe FROM prices"])
def test_describe_says_what_is_not_null(lake, sql):
    rows = lake.rows("query", sql)
    assert [(row["column_name"], row["column_type"], row["null"]) for row in rows] == [
        ("k", "INTEGER", "NO"), ("v", "INTEGER", "YES"), ("seen", "TIMESTAMP WITH TIME ZONE", "YES")]


def test_describe_beside_rows_leaves_them(lake):
    """A table that is described and read is one view, which can't say what is NOT NULL."""
    sql = "SELECT (SELECT count(*) FROM (DESCRIBE prices)), (SELECT sum(v) FROM prices)"
    assert sums(lake, sql) == [(3, 62)]
    assert sums(lake, "DESCRIBE prices; SELECT sum(v) FROM prices") == [(62,)]
    assert sums(lake, "SELECT sum(v) FROM prices; SELECT count(*) FROM (DESCRIBE prices)") == [(3,)]
    assert sums(lake, "SELECT count(*) FROM (SUMMARIZE prices)") == [(3,)]
    assert lake.rows("query", "SELECT min FROM (SUMMARIZE prices)")[0]["min"] == "1"


@pytest.mark.parametrize("sql, expected", [
    ("SELECT sum(v) FROM prices", [(62,)]),
    ("SELECT sum(v) FROM prices AT (VERSION => 1)", [(30,)]),
    ("SELECT sum(v) FROM prices AT (VERSION => '1')", [(30,)]),
    ("SELECT sum(v) FROM prices AT (VERSION => 3 - 2)", [(30,)]),
    ("SELECT count(*) FROM prices AT (version => 0)", [(0,)]),
    ("SELECT sum(p.v) FROM prices AS p AT (VERSION => 1)", [(30,)]),
    ("SELECT sum(p.v) FROM prices p AT (VERSION => 1) WHERE p.k > 1", [(20,)]),
    ("SELECT sum(prices.v) FROM prices AT (VERSION => 1)", [(30,)]),
    ('SELECT sum(v) FROM main."prices" AT (VERSION => 1)', [(30,)]),
    ("SELECT (SELECT sum(v) FROM prices), (SELECT sum(v) FROM prices AT (VERSION => 1))",
     [(62, 30)]),
    ("SELECT n.k, o.v AS before, n.v AS after FROM prices n LEFT JOIN prices AS o AT (VERSION => 1) USING (k) "
     "ORDER BY 1", [(1, 10, 10), (2, 20, 22), (3, None, 30)]),
    ("SELECT a.v AS before, b.v AS after FROM prices AS a AT (VERSION => 1) JOIN prices AS b AT (VERSION => 2) "
     "ON a.k = b.k AND a.v <> b.v", [(20, 22)]),
    ("WITH old AS (FROM prices AT (VERSION => 1)), new AS (FROM prices) "
     "SELECT sum(old.v), sum(new.v) FROM old JOIN new USING (k)", [(30, 32)]),
    ("WITH prices AS (FROM prices AT (VERSION => 1)) SELECT sum(v) FROM prices", [(30,)]),
    ("SELECT sum(v) FROM prices AT (VERSION => 1) UNION ALL SELECT sum(v) FROM prices "
     "ORDER BY 1", [(30,), (62,)]),
    ("SELECT k FROM Other WHERE EXISTS (FROM prices AS p AT (VERSION => 1) WHERE p.k = Other.k "
     "AND p.v = 20)", [(2,)]),
    ("SELECT count(*) FROM prices WHERE 'x AT (VERSION => 1)' <> '' /* prices AT (VERSION => 1) "
     "*/", [(3,)]),
    ("FROM (SELECT sum(v) AS s FROM prices AT (VERSION => 1)) AS prices", [(30,)]),
    ("SELECT count(*) FROM prices AT (TIMESTAMP => now() + INTERVAL 1 DAY)", [(3,)]),
    ("SELECT count(*) FROM prices AT (TIMESTAMP => 'now')", [(3,)]),
    ("SELECT max(x) FROM range(4) AS r(x)", [(3,)]),
])
def test_at_on_any_table_of_any_select(lake, sql, expected):
    assert sums(lake, sql) == expected


def test_at_a_time(lake):
    first = time_of(lake, 1)
    for text in (f"'{first}'", f"TIMESTAMPTZ '{first}'", f"'{first}'::TIMESTAMPTZ + INTERVAL 5 MILLISECOND"):
        assert sums(lake, f"SELECT sum(v) FROM prices AT (TIMESTAMP => {text})") == [(30,)]


def test_at_of_sql_wins_over_the_option(lake):
    sql = "SELECT (SELECT sum(v) FROM prices AT (VERSION => 2)), (SELECT sum(v) FROM prices)"
    assert sums(lake, sql, "--at", "1") == [(62, 30)]


def test_a_version_as_option_is_of_one_table(lake):
    done = lake.run("query", "SELECT 1 FROM prices, Other", "--at", "1")
    assert done.returncode == 2 and "2 tables" in done.stderr
    assert sums(lake, "SELECT count(*) FROM prices, Other AT (VERSION => 1)", "--at", "1") == [(4,)]


@pytest.mark.parametrize("sql, status, message", [
    ("SELECT 1 FROM prices AT (VERSION => 99)", 5, "no version 99"),
    ("SELECT 1 FROM prices AT (VERSION => 99999999999999999999)", 2, "version"),
    ("SELECT 1 FROM prices AT (VERSION => -1)", 2, "version"),
    ("SELECT 1 FROM prices AT (VERSION => 1.5)", 2, "version"),
    ("SELECT 1 FROM prices AT (VERSION => NULL)", 2, "NULL"),
    ("SELECT 1 FROM prices AT (VERSION => 'q3')", 5, '"q3" is no version'),
    ("SELECT 1 FROM prices AT (VERSION => k)", 2, "k"),
    ("SELECT 1 FROM prices AT (TIMESTAMP => '2001-01-01')", 5, "there is no version as of"),
    ("SELECT 1 FROM prices AT (TIMESTAMP => 'soon')", 2, "soon"),
    ("SELECT 1 FROM prices AT (TIMESTAMP => 5)", 2, "time"),
    ("SELECT 1 FROM nothing AT (VERSION => 1)", 5, "nothing"),
    ("WITH w AS (SELECT 1) FROM w AT (VERSION => 1)", 2, "WITH"),
    ("SELECT 1 FROM range(3) AT (VERSION => 1)", 2, ""),
    ("SELECT 1 FROM information_schema.tables AT (VERSION => 1)", 2, "no table of the lake"),
    ("SELECT 1 FROM prices AT (SNAPSHOT => 1)", 2, ""),
    ("SELECT v FORM prices", 2, "^"),
    ("SELECT nope FROM prices", 2, "^"),
    ("", 2, "no SQL"),
    ("; -- nothing\n ;", 2, "no SQL"),
])
def test_what_cannot_be_read_is_named(lake, sql, status, message):
    done = lake.run("query", sql)
    assert done.returncode == status, done.stderr
    assert message in done.stderr
    assert done.stdout == ""


def place_of(stderr):
    """Number of the line, and its text from the mark below it on."""
    for line, mark in zip(stderr.splitlines(), stderr.splitlines()[1:]):
        if mark.strip() == "^":
            number, text = line.strip().removeprefix("LINE ").split(": ", 1)
            return int(number), line[mark.index("^"):] if text else ""
    return None


WHERE_AT_BELONGS = "belong behind the name of a table"


@pytest.mark.parametrize("sql, status, message, place", [
    # no table
    ("WITH w AS (SELECT 1) SELECT 1 FROM w AT (VERSION => 1)", 2, "w is a name of WITH", (1, "w AT")),
    ("WITH w AS (FROM prices),\n u AS (FROM w\n AT (TIMESTAMP => 'now')) FROM u", 2,
     "w is a name of WITH", (2, "w")),
    ("WITH RECURSIVE r AS (SELECT 1 AS i UNION ALL SELECT i + 1 FROM r AT (VERSION => 1) WHERE i < 3) "
     "FROM r", 2, "r is a name of WITH", (1, "r AT")),
    ("SELECT 1 FROM information_schema.tables AT (VERSION => 1)", 2, "tables is no table of the lake",
     (1, "information_schema.tables")),
    ("SELECT 1 FROM duckdb_tables AT (VERSION => 1)", 2, "no table of the lake", (1, "duckdb_tables")),
    ("FROM (SELECT 1) AT (VERSION => 1)", 2, WHERE_AT_BELONGS, (1, "")),
    ("FROM (FROM prices) AS p AT (TIMESTAMP => 'now')", 2, WHERE_AT_BELONGS, (1, "")),
    ("SELECT 1 FROM range(3) AT (VERSION => 1)", 2, WHERE_AT_BELONGS, (1, "")),
    ("SELECT 1 FROM prices,\nrange(3) AS r AT (VERSION => 1)", 2, WHERE_AT_BELONGS, (2, "")),
    ("FROM (VALUES (1)) AS v(x) AT (VERSION => 1)", 2, WHERE_AT_BELONGS, (1, "")),
    ("SELECT 1 FROM nothing AT (VERSION => 1)", 5, "nothing", (1, "nothing AT")),
    ("SELECT 1\nFROM prices\nJOIN nothing ON true", 5, "nothing", (3, "nothing ON")),
    ("SELECT 1 FROM read_csv('x')", 2, "read_csv", (1, "read_csv")),
    # no such version, no such time
    ("SELECT 1 FROM prices AT (VERSION => 99)", 5,
     "there is no version 99 yet: versions 0 to 2 are there", (1, "prices AT")),
    ("SELECT 1 FROM Other,\n  prices AS p AT (VERSION => 3)", 5, "no version 3 yet", (2, "prices AS")),
    ("EXPLAIN SELECT 1 FROM prices AT (VERSION => 3)", 5, "no version 3 yet", (1, "prices AT")),
    ("SELECT 'é', 1 FROM prices AT (VERSION => 'x')", 5, '"x" is no version', (1, "prices AT")),
    ("SELECT 1 FROM prices AT (VERSION => -1)", 2, "a version is a number such as 5",
     (1, "prices AT")),
    ("SELECT 1 FROM prices AT (VERSION => k)", 2, "table prices AT (k)", (1, "prices AT")),
    ("SELECT 1 FROM prices AT (TIMESTAMP => '2001-01-01')", 5, "there is no version as of",
     (1, "prices AT")),
    ("SELECT 1 FROM prices AT (TIMESTAMP => 'x')", 2, "a time a text such as", (1, "prices AT")),
    # a line that is shown in part
    ("SELECT " + "1, " * 200 + "1 FROM prices AT (VERSION => 9)" + " " * 300 + "WHERE k = 1", 5,
     "no version 9 yet", (1, "prices AT")),
])
def test_what_is_wrong_with_at_is_said_with_its_place(lake, sql, status, message, place):
    done = lake.run("query", sql)
    assert done.returncode == status, done.stderr
    assert message in done.stderr
    assert done.stdout == ""
    line, text = place_of(done.stderr)
    assert (line, text[:len(place[1])]) == place, done.stderr
    assert all(len(line) < 200 for line in done.stderr.splitlines())


def test_a_time_to_come_is_the_latest_version(lake):
    assert sums(lake, "SELECT sum(v) FROM prices AT (TIMESTAMP => '2999-01-01')") == [(62,)]


def test_versions_and_times_that_are_gone(varve):
    """Other software cleans up a log without keeping its commits elsewhere."""
    varve.ok("create", "t", "--schema", "k int not null", "--key", "k")
    for k in range(4):
        varve.upsert("t", f"k\n{k}\n")
        time.sleep(0.01)
    third = next(row["timestamp"] for row in varve.rows("history", "t") if row["version"] == 3)
    varve.ok("checkpoint", "t")
    for version in range(4):
        (varve.table("t") / "_delta_log" / f"{version:020d}.json").unlink()
    for at, status, words in [
            ("VERSION => 2", 5, "version 2 is gone, its log was cleaned up: versions 4 to 4 are there"),
            ("VERSION => 0", 5, "version 0 is gone"),
            (f"TIMESTAMP => '{third}'", 5, "there is no version as of")]:
        done = varve.run("query", f"SELECT count(*) FROM t AT ({at})")
        assert done.returncode == status, done.stderr
        assert words in done.stderr and place_of(done.stderr) == (1, f"t AT ({at})"), done.stderr
    assert sums(varve, "SELECT count(*) FROM t AT (VERSION => 4)") == [(4,)]
    assert varve.run("scan", "t", "--version", "2").returncode == 5


def test_parameters(lake):
    assert sums(lake, "SELECT sum(v) FROM prices WHERE k >= $low AND k <= $high", "--param",
                "low=2", "--param", "high=2") == [(22,)]
    assert sums(lake, "SELECT sum(v) FROM prices AT (VERSION => $v)", "--param", "v=1") == [(30,)]
    assert sums(lake, "SELECT count(*) FROM prices AT (TIMESTAMP => $t)", "--param",
                "t=" + time_of(lake, 1)) == [(2,)]
    tricky = "a'b\"; DROP --=é"
    assert sums(lake, "SELECT $x || ''", "--param", f"x={tricky}") == [(tricky,)]
    assert sums(lake, "SELECT $Name = 'a' AND $nAME = 'a'", "--param", "name=a") == [(True,)]
    assert sums(lake, "SELECT $x = '' AND $x IS NOT NULL", "--param", "x=") == [(True,)]


def test_parameters_with_types(lake):
    assert sums(lake, "SELECT $low < $high", "--param", "low:bigint=9", "--param",
                "high:bigint=10") == [(True,)]  # as texts they would not be
    assert sums(lake, "SELECT sum(v) FROM prices WHERE k >= $low AND k <= $high", "--param",
                "low:double=1.5", "--param", "high:decimal=2.00") == [(22,)]
    assert sums(lake, "SELECT sum(v) FROM prices AT (VERSION => $v)", "--param",
                "v:bigint=1") == [(30,)]
    assert sums(lake, "SELECT octet_length($x) = 2", "--param", "x:binary=C0FF") == [(True,)]
    assert sums(lake, "SELECT $t = TIMESTAMPTZ '2025-01-30 09:00:00Z'", "--param",
                "t:timestamp=2025-01-30T10:00:00+01:00") == [(True,)]


@pytest.mark.parametrize("sql, params, message", [
    ("SELECT $a", [], "$a"), ("SELECT 1", ["b=1"], "$b"), ("SELECT $a", ["a"], "NAME=VALUE"),
    ("SELECT $a", ["=1"], "NAME=VALUE"), ("SELECT sum(v) FROM prices WHERE k = $a", ["a=x"], "x"),
    ("SELECT 1 FROM prices AT (VERSION => $v)", [], "$v"),
    ("SELECT $a", ["a:varint=1"], "none of string"), ("SELECT $a", ["a:bigint=1.5"], "no bigint"),
    ("SELECT $a", ["a:date=2025-02-30"], "no date"), ("SELECT $a", ["a:binary=abc"], "no binary"),
    ("SELECT $a", ["a:boolean=yes"], "no boolean"), ("SELECT $a", ["a:decimal="], "no decimal"),
    ("SELECT $a", ["a:decimal=+"], "no decimal"), ("SELECT $a", ["a:decimal=-"], "no decimal"),
    ("SELECT $a", ["a:timestamp_ntz=2025-01-30T10:00:00Z"], "no timestamp_ntz"),
    ("SELECT $a", ["a:time=25:00:00"], "no time"),
])
def test_parameters_that_do_not_fit(lake, sql, params, message):
    done = lake.run("query", sql, *[part for param in params for part in ("--param", param)])
    assert done.returncode == 2, done.stderr
    assert message in done.stderr


def test_of_several_statements_the_last_one_is_shown(lake):
    assert sums(lake, "SELECT 1; SELECT ';' ; SELECT sum(v) AS s FROM prices;") == [(62,)]
    assert sums(lake, "SELECT $a; SELECT $b::INT", "--param", "a=1", "--param", "b=2") == [(2,)]


def test_an_earlier_statement_that_fails_ends_it(lake):
    done = lake.run("query", "SELECT error('stop'); SELECT 1")
    assert done.returncode == 2 and "stop" in done.stderr and done.stdout == ""
    done = lake.run("query", "SELECT 1; SELECT 1 FROM nope; SELECT 2")
    assert done.returncode == 5 and done.stdout == ""


def test_explain_says_what_is_read(lake):
    tables, row = lake.rows("query", "EXPLAIN SELECT v FROM prices AT (VERSION => 1)")
    assert "prices, version 1" in tables["explain_value"]
    assert "PARQUET" in row["explain_value"].upper()


def test_a_file_of_sql(lake, tmp_path):
    path = tmp_path / "q.sql"
    path.write_text("-- a report\nSELECT sum(v) AS s\nFROM prices AT (VERSION => $v);\n")
    assert lake.rows("query", "-f", path, "--param", "v=1") == [{"s": 30}]


ESCAPES = [
    "FROM read_csv('{file}')", "FROM read_text('{file}')", "FROM read_blob('{file}')",
    "FROM read_parquet('{file}')", "FROM parquet_scan('{file}')", "FROM read_json('{file}')",
    "FROM '{file}'", "FROM '{file}' AS x", "FROM glob('/*')", "FROM sniff_csv('{file}')",
    "FROM parquet_metadata('{file}')", "FROM query('FROM read_text(''{file}'')')",
    "FROM query_table('prices')", "SELECT getenv('HOME')", "COPY prices TO '{file}.out'",
    "COPY (SELECT 1) TO '{file}.out'", "EXPORT DATABASE '{file}.out'", "ATTACH '{file}.db'",
    "INSTALL httpfs", "LOAD httpfs", "SET enable_external_access = true", "PRAGMA version",
    "SET allowed_directories = ['/']", "CALL pragma_version()", "CREATE TABLE x AS SELECT 1",
    "CREATE TEMP VIEW x AS SELECT 1", "DELETE FROM prices", "INSERT INTO prices VALUES (1, 1)",
    "EXPLAIN ANALYZE COPY prices TO '{file}.out'", "SELECT 1; COPY prices TO '{file}.out'",
    "WITH a AS (FROM read_text('{file}')) FROM a", "SELECT (FROM read_text('{file}'))",
    "SELECT * FROM prices, LATERAL (FROM read_text('{file}'))",
    "FROM duckdb_settings()", "FROM duckdb_secrets()", "FROM duckdb_extensions()",
    "FROM 'https://example.org/x.parquet'", "FROM read_parquet('s3://bucket/x')",
]


@pytest.mark.parametrize("sql", ESCAPES)
def test_sql_gets_out_nowhere(lake, tmp_path, sql):
    path = tmp_path / "secret.csv"
    path.write_text("password\nhunter2\n")
    done = lake.run("query", sql.format(file=path))
    assert done.returncode in (2, 5), done.stdout + done.stderr
    assert done.stdout == ""
    assert "hunter2" not in done.stderr
    assert [entry.name for entry in tmp_path.iterdir()] == ["secret.csv"]


def test_results_are_of_one_version_while_others_write(lake):
    rows = json.loads(lake.ok("query", "SELECT (SELECT count(*) FROM prices) AS a, (SELECT "
                              "count(*) FROM prices) AS b", "--json"))
    assert rows[0]["a"] == rows[0]["b"]


@pytest.mark.parametrize("where", [
    "EXISTS (FROM read_text('{file}'))", "k IN (SELECT 1 FROM read_csv('{file}'))",
    "true) UNION ALL (FROM read_text('{file}')", "(SELECT count(*) FROM Other) > 0",
    "k = 1; SELECT 1", "true) LIMIT (1", "",
])
def test_a_condition_of_scan_is_one_condition(lake, tmp_path, where):
    path = tmp_path / "secret.csv"
    path.write_text("password\nhunter2\n")
    done = lake.run("scan", T, "--where", where.format(file=path))
    assert done.returncode == 2, done.stdout
    assert "hunter2" not in done.stdout + done.stderr


def test_a_condition_of_scan_may_be_any_expression(lake):
    assert [row["k"] for row in lake.rows("scan", T, "--where", "v > 10 -- bigger\n AND k <> 3")] \
        == [2]
    assert len(lake.rows("scan", T, "--where", "k IN (1, 3) OR v BETWEEN 21 AND 23")) == 3


def test_a_number_that_no_double_holds_is_infinity(varve):
    """As DuckDB has it, wherever SQL is written."""
    varve.ok("create", "t", "--key", "k", "--schema", "k bigint not null, x double")
    varve.upsert("t", "k,x\n1,1\n2,inf\n3,-inf\n4,\n")
    out = varve.ok("query", "SELECT 1e400 AS a, -1e400 AS b, 1e400 > 5 AS c", "--format", "csv")
    assert out == "a,b,c\nInfinity,-Infinity,true\n"
    for where, keys in (("x < 1e999", [1, 3]), ("x = 1e400", [2]), ("x = -1e999", [3]),
                        ("x BETWEEN -1e999 AND 1", [1, 3]), ("x IN (1, 1e400)", [1, 2]),
                        ("x <> 'Infinity'::double", [1, 3])):
        assert [row["k"] for row in varve.rows("scan", "t", "--where", where)] == keys, where
        assert sums(varve, f"SELECT k FROM t WHERE {where} ORDER BY k") == [(k,) for k in keys]
    varve.ok("update", "t", "--set", "x = 1e999", "--where", "k = 4")
    varve.ok("delete", "t", "--where", "x = 1e999")
    assert sums(varve, "SELECT k FROM t ORDER BY k") == [(1,), (3,)]


DISTINCT = {  # conditions over one column, and the rows of `with_nulls` that they are true for
    "x is distinct from 5 or x = 7": [3, 4, 6, 7],
    "x = 7 or 5 is distinct from t.x": [3, 4, 6, 7],
    "not (x is not distinct from 5) or x = 7": [3, 4, 6, 7],
    "(k > 30 and x is not distinct from 5) or x is distinct from 5": [3, 4, 6, 7],
    "(x is distinct from 5 and x is distinct from 7) or x > 8": [3, 4, 7],
    "x + 0 is distinct from 5 or x::int = 7": [3, 4, 6, 7],
    "s is distinct from 'done' or s = 'late'": [1, 2, 3, 4, 6, 7],
    "x is not distinct from 5 or x = 7": [1, 2, 5, 6],
    "x is distinct from 5": [3, 4, 6, 7],
}


@pytest.fixture(scope="module")
def with_nulls(tmp_path_factory, varve_on):
    """Files whose row groups have one value and NULL, NULL alone, and values."""
    varve = varve_on(tmp_path_factory.mktemp("nulls") / "lake")
    varve.ok("create", "t", "--schema", "k bigint not null, x bigint, s string")
    for text in ('{"k":1,"x":5}\n{"k":2,"x":5}\n{"k":3}', '{"k":4}',
                 '{"k":5,"x":5,"s":"done"}\n{"k":6,"x":7,"s":"late"}\n{"k":7,"x":8}'):
        varve.ok("append", "t", "-", "--input-format", "ndjson", stdin=text + "\n")
    return varve


@pytest.mark.parametrize("condition", DISTINCT)
def test_is_distinct_from_finds_null_beside_or(with_nulls, condition):
    """The engine holds such an OR against bounds that know no NULL."""
    expected = [(k,) for k in DISTINCT[condition]]
    named = condition.replace("t.x", "x")
    for sql in (f"SELECT k FROM t WHERE {condition} ORDER BY k",
                f"SELECT k FROM t AT (VERSION => 3) WHERE {condition} ORDER BY k",
                f"SELECT a.k FROM t a JOIN (SELECT k, x, s FROM t WHERE {condition}) b USING (k) ORDER BY k",
                f"WITH c AS (SELECT k, {named} AS d, x FROM t) SELECT k FROM c WHERE d OR x = 99 ORDER BY k",
                f"SELECT k FROM t GROUP BY k, x, s HAVING {named} ORDER BY k"):
        assert sums(with_nulls, sql) == expected, sql
    assert sorted(row["k"] for row in with_nulls.rows("scan", "t", "--where", condition)) \
        == DISTINCT[condition]


IS_IT = "x IS DISTINCT FROM 5 OR x = 7"
NAME = "((x IS DISTINCT FROM 5) OR (x = 7))"
GROUPED = {  # SELECTs that give IS_IT out, and their rows
    f"SELECT {IS_IT} AS g, count(*) AS n FROM t GROUP BY g ORDER BY {IS_IT}": "g,n\nfalse,3\ntrue,4\n",
    f"SELECT {IS_IT} AS g, count(*) AS n FROM t GROUP BY ALL ORDER BY {IS_IT}": "g,n\nfalse,3\ntrue,4\n",
    "SELECT x IS DISTINCT FROM 5 AS g, count(*) AS n FROM t WHERE k > 0 OR k < 0 GROUP BY g "
    "ORDER BY x IS DISTINCT FROM 5": "g,n\nfalse,3\ntrue,4\n",
    f"SELECT {IS_IT} AS g, count(*) AS n FROM t WHERE k < 5 GROUP BY {IS_IT} HAVING {IS_IT}": "g,n\ntrue,2\n",
    f"SELECT * FROM (SELECT {IS_IT} AS g, count(*) AS n FROM t WHERE k < 5 GROUP BY {IS_IT}) WHERE g": "g,n\ntrue,2\n",
    f"SELECT * FROM (SELECT DISTINCT {IS_IT} FROM t WHERE k < 5) q(g) WHERE g": "g\ntrue\n",
    f"SELECT {IS_IT}, count(*) AS n FROM t WHERE k < 5 GROUP BY 1 HAVING {IS_IT}": f"{NAME},n\ntrue,2\n",
    f"SELECT DISTINCT {IS_IT} FROM t ORDER BY {IS_IT}": f"{NAME}\nfalse\ntrue\n",
    f"SELECT {IS_IT} FROM t UNION SELECT {IS_IT} FROM t ORDER BY {IS_IT}": f"{NAME}\nfalse\ntrue\n",
    f"SELECT \"{NAME}\" FROM (SELECT {IS_IT}, k FROM t) WHERE k = 4": f"{NAME}\ntrue\n",
    "SELECT x % 2 IS DISTINCT FROM 1 AS g, count(*) AS n FROM t WHERE k > 0 OR k < 0 GROUP BY x % 2 ORDER BY n, x % 2":
        "g,n\ntrue,1\ntrue,2\nfalse,4\n",
}


@pytest.mark.parametrize("sql", GROUPED)
def test_is_distinct_from_beside_or_is_the_same_in_all_of_a_select(with_nulls, sql):
    assert with_nulls.ok("query", sql, "--format", "csv") == GROUPED[sql]


@pytest.mark.parametrize("sql", [
    f"SELECT k FROM (SELECT k, {IS_IT} FROM t) q(k, p) WHERE p ORDER BY k",
    f"WITH q(k, p) AS (SELECT k, {IS_IT} FROM t) SELECT k FROM q WHERE p ORDER BY k",
    f"SELECT k FROM (SELECT k, false AS p FROM t WHERE false UNION ALL SELECT k, {IS_IT} FROM t) WHERE p ORDER BY k",
])
def test_is_distinct_from_beside_or_meets_a_filter_from_outside(with_nulls, sql):
    assert sums(with_nulls, sql) == [(3,), (4,), (6,), (7,)]


def test_is_distinct_from_beside_or_takes_values_and_a_lookup(with_nulls):
    assert sums(with_nulls, "SELECT k FROM t WHERE x IS DISTINCT FROM $p OR x = $q ORDER BY k", "--param",
                "p=5", "--param", "q=7") == [(3,), (4,), (6,), (7,)]
    done = with_nulls.run("query", "SELECT k FROM t WHERE #2 IS DISTINCT FROM 5 OR x = 7")
    assert done.returncode == 2 and "name the column" in done.stderr
    with_nulls.ok("create", "l", "--schema", "k bigint not null, ts timestamp not null, o timestamp, x int",
                  "--key", "k,ts", "--order-by", "o")
    with_nulls.upsert("l", "k,ts,o,x\n1,2025-01-01T00:00:00Z,2025-01-01T00:00:00Z,\n"
                           "2,2025-01-02T00:00:00Z,2025-01-02T00:00:00Z,\n")
    call = "SELECT count(x_right IS NULL AND staleness_seconds IS NOT NULL OR NULL) FROM asof_join('l', 'l'{})"
    condition = ", condition => 'x IS DISTINCT FROM 5 OR x = 7'"
    assert sums(with_nulls, call.format(condition)) == sums(with_nulls, call.format(""))


def test_what_fails_late_in_one_of_several_threads_is_told(varve, tmp_path):
    """Rows of another thread may wait just then: the engine gives them first, and no reason afterwards."""
    varve.ok("create", "many", "--schema", "k bigint not null, s string", "--key", "k")
    for first in (0, 50_000):
        numbers = pa.array(range(first, first + 50_000), pa.int64())
        pq.write_table(pa.table({"k": numbers, "s": numbers.cast(pa.string())}), tmp_path / "part.parquet")
        varve.ok("upsert", "many", str(tmp_path / "part.parquet"))
    sql = ("SELECT k, CASE WHEN row_number() OVER () = 90000 THEN CAST(s || 'x' AS INT) ELSE 1 END AS v "
           "FROM many")
    for _ in range(6):
        failed = varve.run("query", sql, "--format", "csv")
        assert failed.returncode != 0
        assert "Could not convert string" in failed.stderr


def test_names_that_differ_in_case_alone_are_two_tables(varve):
    for name, rows in (("CASE", "k,v\n1,1\n"), ("case", "k,v\n1,10\n2,20\n")):
        varve.ok("create", name, "--schema", "k int not null, v int", "--key", "k")
        varve.upsert(name, rows)
    assert sums(varve, 'SELECT (SELECT count(*) FROM "CASE"), (SELECT count(*) FROM "case")') == [(1, 2)]
    assert sums(varve, 'SELECT v FROM "CASE" UNION ALL SELECT v FROM "case" ORDER BY 1') == [(1,), (10,), (20,)]
    assert sums(varve, 'SELECT a.v, b.v FROM "CASE" a JOIN "case" b USING (k) WHERE b.v > 5') == [(1, 10)]
    assert sums(varve, 'SELECT sum(v) FROM "CASE"; SELECT sum(v) FROM "case"') == [(30,)]
    assert sums(varve, """SELECT (SELECT sum(v) FROM table_changes('CASE', 1)),
        (SELECT sum(v) FROM table_changes('case', 1))""") == [(1, 30)]
    done = varve.run("query", 'SELECT 1 FROM "CASE", "case"', "--at", "1")
    assert done.returncode == 2 and "2 tables" in done.stderr


def test_a_name_is_the_same_beside_another_table_as_alone(lake):
    for sql in ("FROM PRICES", "FROM prices a JOIN PRICES b USING (k)", "FROM table_history('PRICES')"):
        done = lake.run("query", sql)
        assert done.returncode == 5 and "no table PRICES" in done.stderr, (sql, done)


def test_no_table_has_the_name_of_the_view_of_a_version(varve):
    for name in ("odd", "even"):
        varve.ok("create", name, "--schema", "k int not null", "--key", "k")
    varve.upsert("even", "k\n1\n")
    varve.table("even").rename(varve.table("odd@0"))  # as other software may call a table
    sql = 'SELECT (SELECT count(*) FROM odd AT (VERSION => 0)), (SELECT count(*) FROM "odd@0")'
    assert sums(varve, sql) == [(0, 1)]


def test_tables_that_are_named_like_the_engines_own(varve):
    for name in ("pg_trades", "sqlite_master"):
        varve.ok("create", name, "--schema", "k int not null", "--key", "k")
        varve.upsert(name, "k\n7\n")
    sql = """SELECT (SELECT k FROM pg_trades), (SELECT k FROM main.sqlite_master WHERE k = 7),
        (SELECT a.k FROM pg_trades a JOIN pg_trades AS b AT (VERSION => 1) USING (k))"""
    assert sums(varve, sql) == [(7, 7, 7)]
    done = varve.run("query", "FROM pg_trades, sqlite_master", "--at", "1")
    assert done.returncode == 2 and "2 tables" in done.stderr
    assert varve.run("query", "FROM pg_tables LIMIT 0").returncode == 0
    assert varve.run("query", "FROM pg_nothing").returncode == 2
