"""ASOF joins that are written as lookups, against the engine's own ASOF join.

Which of several rows with one time an ASOF join takes is open. A condition that is no plain comparison of two columns stays the engine's: "r.ts + INTERVAL 0 SECOND".
"""

import random

import pytest

ENGINES = "r.ts + INTERVAL 0 SECOND"


def stamp(second):
    return f"2025-01-30T{10 + second // 3600:02d}:{second // 60 % 60:02d}:{second % 60:02d}Z"


def some_rows(chance, first, seconds, nulls):
    lines = []
    for number, second in enumerate(seconds, first):
        time = "" if chance.random() < nulls else stamp(second)
        lines.append(f"{number},{time},{chance.choice('ABC')},{chance.randrange(100) / 4}\n")
    return "id,ts,sym,price\n" + "".join(lines)


@pytest.fixture(scope="module")
def lake(varve_on, tmp_path_factory):
    """Rows before the first of the other side, without a time, and many with one time."""
    varve = varve_on(tmp_path_factory.mktemp("lookup"))
    chance = random.Random(11)
    schema = "id bigint not null, ts timestamp, sym string, price double"
    for table in ("p", "r", "twins", "none"):
        varve.ok("create", table, "--schema", schema, "--key", "id")
    varve.ok("create", "zoneless", "--schema", schema.replace("timestamp", "timestamp_ntz"),
             "--key", "id")
    once = chance.sample(range(600, 9000), 2250)
    varve.upsert("p", some_rows(chance, 0, [chance.randrange(9000) for _ in range(2500)], 0.05))
    varve.upsert("p", some_rows(chance, 2500, chance.sample(range(9000), 2500), 0.05))
    varve.upsert("r", some_rows(chance, 0, once[:150], 0.1))
    varve.upsert("r", some_rows(chance, 150, once[150:250], 0.1))
    varve.upsert("twins", some_rows(chance, 0, [chance.randrange(50, 90) * 100 for _ in once], 0.1))
    varve.upsert("zoneless", some_rows(chance, 0, once[:50], 0))
    return varve


def answer(lake, sql, *arguments):
    return sorted(lake.ok("query", sql, *arguments).splitlines())


def is_lookup(lake, sql, *arguments):
    return "varve step" in lake.ok("query", "EXPLAIN " + sql, *arguments)


LOOKUPS = [
    "SELECT p.id, p.ts, r.id, r.price FROM p ASOF JOIN r ON p.ts >= r.ts",
    "SELECT p.id, p.ts, r.id, r.price FROM p ASOF LEFT JOIN r ON p.ts >= r.ts",
    "SELECT p.id, r.id FROM p asof left outer join r ON r.ts <= p.ts",
    'SELECT "P".id, "R".id FROM p AS "P" ASOF INNER JOIN r "R" ON "P".ts >= "R"."ts"',
    "SELECT p.id, r.id FROM p ASOF JOIN (SELECT ts, id FROM r WHERE sym = 'A') r ON p.ts >= r.ts",
    "SELECT p.id, r.x FROM p ASOF LEFT JOIN (SELECT ts, id AS x FROM r WHERE sym = 'Z') r "
    "ON p.ts >= r.ts",
    "SELECT p.id, r.id FROM p ASOF LEFT JOIN (SELECT * FROM r WHERE price * 2 > 20 AND id < $most)"
    " r -- those\n ON p.ts >= r.ts /* so */ WHERE p.sym <> 'B'",
    "SELECT p.id, r.id FROM p ASOF LEFT JOIN none r ON p.ts >= r.ts",
    "SELECT p.id, r.id FROM p ASOF JOIN r ON p.ts >= r.ts WHERE r.sym = 'A' AND p.id > 2000",
    "SELECT p.id, r.id FROM p ASOF LEFT JOIN r ON p.ts >= r.ts WHERE r.id IS NULL",
    "SELECT r.sym, count(*), count(r.id), min(p.price) FROM p ASOF LEFT JOIN r ON p.ts >= r.ts "
    "GROUP BY ALL HAVING count(*) > 1",
    "WITH w AS (SELECT p.id, r.id AS j FROM p ASOF JOIN r ON p.ts >= r.ts) SELECT * FROM w",
    "SELECT p.id FROM p AT (VERSION => 1) ASOF JOIN (SELECT ts FROM r WHERE id > ?) r "
    "ON p.ts >= r.ts WHERE p.id < ?",
    "SELECT p.id, r.id FROM p AT (VERSION => 1) ASOF JOIN r AS r AT (VERSION => 2) ON p.ts >= r.ts",
    "SELECT p.id, r.id FROM p ASOF JOIN r ON p.ts >= r.ts UNION ALL "
    "SELECT a.id, b.id FROM p a ASOF JOIN r b ON a.ts >= b.ts WHERE a.id > 4000",
    "SELECT p.id, (SELECT count(*) FROM r q WHERE q.ts < p.ts) FROM p ASOF JOIN r ON p.ts >= r.ts "
    "WHERE p.id < 50",
    "SELECT p.id, r.id FROM r AS p ASOF JOIN r ON p.ts >= r.ts",
    "SELECT p.id, p.ts, r.ts FROM p ASOF LEFT JOIN twins r ON p.ts >= r.ts",
    "SELECT r.id, p.ts FROM r ASOF LEFT JOIN p ON r.ts >= p.ts",
]


def arguments_of(sql):
    if "?" in sql:
        return "--param", "1=7", "--param", "2=2000"
    return ("--param", "most=90") if "$most" in sql else ()


@pytest.mark.parametrize("sql", LOOKUPS)
def test_a_lookup_answers_what_the_asof_join_does(lake, sql):
    engines = sql
    for before, after in ((">= r.ts", f">= {ENGINES}"), ('>= "R"."ts"', f'>= "R".{ENGINES[2:]}'),
                          ("r.ts <=", f"{ENGINES} <="), (">= b.ts", f">= b.{ENGINES[2:]}"),
                          (">= p.ts", f">= p.{ENGINES[2:]}")):
        engines = engines.replace(before, after)
    arguments = arguments_of(sql)
    assert is_lookup(lake, sql, *arguments)
    assert not is_lookup(lake, engines, *arguments)
    assert answer(lake, sql, *arguments) == answer(lake, engines, *arguments)


def test_of_rows_with_one_time_it_takes_one(lake):
    sql = "SELECT p.id, r.id AS twin, r.ts AS at FROM p ASOF JOIN twins r ON p.ts >= r.ts"
    twins = {row["id"]: row["ts"] for row in lake.rows("query", "SELECT id, ts FROM twins")}
    rows = lake.rows("query", sql)
    assert is_lookup(lake, sql)
    assert len({row["id"] for row in rows}) == len(rows) > 1000
    assert all(twins[row["twin"]] == row["at"] for row in rows)


@pytest.mark.parametrize("sql", [
    "SELECT * FROM p ASOF JOIN r ON p.ts >= r.ts",
    "SELECT p.* FROM p ASOF JOIN r ON p.ts >= r.ts",
    "SELECT max(COLUMNS('.*')) FROM p ASOF JOIN r ON p.ts >= r.ts",
    "SELECT r FROM p ASOF JOIN r ON p.ts >= r.ts",
    "SELECT p.id, r.id FROM p ASOF JOIN r ON p.ts > r.ts",
    "SELECT p.id, r.id FROM p ASOF JOIN r ON p.sym = r.sym AND p.ts >= r.ts",
    "SELECT p.id, r.id FROM p ASOF JOIN r ON p.id >= r.id",
    "SELECT p.id, r.id FROM p ASOF JOIN zoneless r ON p.ts >= r.ts",
    "SELECT p.id FROM p ASOF JOIN (SELECT ts FROM r WHERE random() < 0.5) r ON p.ts >= r.ts",
    "SELECT p.id FROM p ASOF JOIN (SELECT ts FROM r ORDER BY ts LIMIT 5) r ON p.ts >= r.ts",
    "SELECT p.id FROM p ASOF JOIN (SELECT max(ts) AS ts FROM r) r ON p.ts >= r.ts",
    "SELECT p.id FROM p ASOF JOIN (SELECT DISTINCT ts FROM r) r ON p.ts >= r.ts",
    "SELECT p.id FROM p ASOF JOIN (SELECT ts + INTERVAL 1 DAY AS ts FROM r) r ON p.ts >= r.ts",
    "SELECT p.id FROM p ASOF JOIN r TABLESAMPLE 50% ON p.ts >= r.ts",
    "WITH r AS (SELECT * FROM p) SELECT p.id FROM p ASOF JOIN r ON p.ts >= r.ts",
    "SELECT p.id FROM p ASOF JOIN (SELECT ts FROM r WHERE id > ? ) r ON p.ts >= r.ts",
    "SELECT p.id, r.j FROM p ASOF JOIN (SELECT ts, id AS j FROM r WHERE p.price > 9) r ON p.ts >= r.ts",
    "SELECT p.id, r.x FROM p ASOF JOIN (SELECT p.price AS x, ts FROM r) r ON p.ts >= r.ts",
    "SELECT none.id, (SELECT max(r.id) FROM p ASOF JOIN (SELECT ts, id FROM r WHERE price <= none.id) r "
    "ON p.ts >= r.ts) AS m FROM none",
    "SELECT (SELECT count(*) FROM p ASOF JOIN r ON p.ts >= r.ts)",
    "SELECT EXISTS (SELECT p.id FROM p ASOF JOIN r ON p.ts >= r.ts)",
    "SELECT #1, #5, #6 FROM p ASOF JOIN r ON p.ts >= r.ts",
    "SELECT p.id, (SELECT s FROM (SELECT p AS s)) AS w FROM p ASOF JOIN r ON p.ts >= r.ts",
    "SELECT p.id, current_query() FROM p ASOF JOIN r ON p.ts >= r.ts",
])
def test_what_could_show_the_difference_stays_the_engines(lake, sql):
    arguments = ("--param", "1=7") if "?" in sql else ()
    assert not is_lookup(lake, sql, *arguments)
    lake.ok("query", sql, *arguments)


def test_rows_that_are_not_few_stay_the_engines(lake, varve_on, tmp_path):
    varve = varve_on(tmp_path)
    varve.ok("create", "p", "--schema", "id bigint not null, ts timestamp", "--key", "id")
    file = tmp_path / "rows.parquet"
    varve.ok("query", "SELECT i AS id, make_timestamptz(1700000000000000 + i) AS ts FROM "
             "range(250001) AS t(i)", "--format", "parquet", "-o", file)
    varve.ok("upsert", "p", file)
    sql = "SELECT max(p.id + r.id) FROM p ASOF JOIN p AS r ON p.ts >= r.ts"
    assert not is_lookup(varve, sql)
    varve.ok("delete", "p", "--where", "id = 7")
    assert is_lookup(varve, sql)
    assert answer(varve, sql, "--memory", "256MB") == ["500000", "max((p.id + r.id))"]


def test_an_error_is_told_of_the_words_that_were_written(lake):
    done = lake.run("query", "SELECT p.nothing, r.id FROM p ASOF JOIN r ON p.ts >= r.ts")
    assert done.returncode == 2
    assert "nothing" in done.stderr
    assert "step" not in done.stderr
    assert "FROM p ASOF JOIN r" in done.stderr
    done = lake.run("query", "SELECT ts FROM p ASOF JOIN r ON p.ts >= r.ts")
    assert done.returncode == 2
    assert "mbiguous" in done.stderr


@pytest.mark.parametrize("sql", [
    "SELECT CAST(p.sym AS INTEGER) FROM p ASOF JOIN r ON p.ts >= r.ts",
    "SELECT p.id FROM p ASOF JOIN r ON p.ts >= r.ts WHERE p.sym::INT > 3",
    "SELECT p.id FROM p ASOF JOIN (SELECT ts FROM r WHERE sym::INT > 3) r ON p.ts >= r.ts",
])
def test_a_value_that_fails_shows_no_words_that_nobody_wrote(lake, sql):
    assert is_lookup(lake, sql)
    done = lake.run("query", sql)
    assert done.returncode == 2 and "Could not convert string" in done.stderr
    assert "step" not in done.stderr and "SELECT *" not in done.stderr


def test_the_helper_column_is_no_column(lake):
    done = lake.run("query", 'SELECT p."VARVE STEP" FROM p ASOF JOIN r ON p.ts >= r.ts')
    assert done.returncode == 2 and "VARVE STEP" in done.stderr


@pytest.fixture(scope="module")
def series(varve_on, tmp_path_factory):
    """Rows of one time, known late, never or before their time; `one` is the same in all of them."""
    varve = varve_on(tmp_path_factory.mktemp("series"))
    chance = random.Random(5)
    schema = "ts timestamp not null, id bigint not null, one bigint"
    varve.ok("create", "a", "--schema", schema, "--key", "ts,id")
    varve.ok("create", "b", "--schema", schema + ", seen timestamp, price double", "--key", "ts,id",
             "--order-by", "seen")
    varve.upsert("a", "ts,id,one\n" + "".join(
        f"{stamp(chance.randrange(9000))},{number},1\n" for number in range(3000)))
    lines = []
    for number in range(400):
        second = chance.randrange(30, 600) * 15
        seen = max(0, second + chance.choice((-30, 0, 0, 5, 900)))
        known = "" if chance.random() < 0.1 else stamp(seen)
        lines.append(f"{stamp(second)},{number},1,{known},{number / 4}\n")
    for at in 0, 200:
        varve.upsert("b", "ts,id,one,seen,price\n" + "".join(lines[at:at + 200]))
    return varve


@pytest.mark.parametrize("more", ["", ", tolerance => '40s'", ", condition => 'id % 3 = 1'",
                                  ", condition => 'id < 0'"])
@pytest.mark.parametrize("knowledge", ["order", "event"])
def test_asof_join_of_one_series_is_a_lookup(series, knowledge, more):
    """With `by` it is the engine's join."""
    sql = ("SELECT ts, id, ts_right, id_right, seen, price, staleness_seconds FROM "
           f"asof_join('a', 'b', knowledge => '{knowledge}'{more}BY)")
    lookup, engines = sql.replace("BY", ""), sql.replace("BY", ", by => 'one'")
    assert "_step" in series.ok("query", "EXPLAIN " + lookup)
    assert "_step" not in series.ok("query", "EXPLAIN " + engines)
    assert len(answer(series, lookup)) == 3001
    assert answer(series, lookup) == answer(series, engines)
    assert answer(series, lookup, "--known-at", "2000-01-01") == \
        answer(series, engines, "--known-at", "2000-01-01")
