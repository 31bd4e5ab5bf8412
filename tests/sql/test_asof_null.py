"""ASOF JOIN with equalities where values are NULL, against a loop over all pairs of rows.

The engine takes another way for 64 rows and more on the left, so there are more.
"""

import random

import pytest

KINDS = ["", "LEFT", "RIGHT", "FULL", "SEMI", "ANTI"]
HOLDS = {">=": lambda a, b: a >= b, ">": lambda a, b: a > b,
         "<=": lambda a, b: a <= b, "<": lambda a, b: a < b}


def some_rows(chance, count):
    seconds = chance.sample(range(400), count)
    return [(number, None if chance.random() < 0.1 else seconds[number],
             chance.choice((None, "a", "b", "c")), chance.choice((None, 1, 2)))
            for number in range(count)]


def stamp(second):
    return f"2025-01-30T10:{second // 60:02d}:{second % 60:02d}Z"


def csv_of(rows):
    return "id,t,k,j\n" + "".join(
        f"{number},{'' if t is None else stamp(t)},{k or ''},{j or ''}\n"
        for number, t, k, j in rows)


@pytest.fixture(scope="module")
def lake(varve_on, tmp_path_factory):
    varve = varve_on(tmp_path_factory.mktemp("asof-null"))
    chance = random.Random(23933)
    varve.p, varve.r = some_rows(chance, 120), some_rows(chance, 130)
    for table, rows in ("p", varve.p), ("r", varve.r):
        varve.ok("create", table, "--schema", "id int not null, t timestamp, k string, j int",
                 "--key", "id")
        varve.upsert(table, csv_of(rows))
        varve.ok("create", table + "_full", "--schema",
                 "id int not null, t timestamp not null, k string not null, j int not null",
                 "--key", "id")
        varve.upsert(table + "_full", csv_of([row for row in rows if None not in row]))
    return varve


def joined(left, right, kind, operator, columns):
    """What each row of the left meets: the nearest of those that are equal by the columns."""
    met = []
    for row in left:
        near = [other for other in right
                if row[1] is not None and other[1] is not None
                and HOLDS[operator](row[1], other[1])
                and all(row[at] is not None and row[at] == other[at] for at in columns)]
        nearest = max if operator in (">=", ">") else min
        met.append((row[0], nearest(near, key=lambda other: other[1])[0] if near else None))
    pairs = [pair for pair in met if pair[1] is not None]
    alone = [pair for pair in met if pair[1] is None]
    of_right = [(None, row[0]) for row in right if row[0] not in {pair[1] for pair in pairs}]
    return {"": pairs, "LEFT": pairs + alone, "RIGHT": pairs + of_right,
            "FULL": pairs + alone + of_right, "SEMI": [(pair[0], 0) for pair in pairs],
            "ANTI": [(pair[0], 0) for pair in alone]}[kind]


def answer(lake, kind, sql):
    shown = "p.id, 0 AS other" if kind in ("SEMI", "ANTI") else "p.id, r.id AS other"
    return sorted(((row["id"], row["other"]) for row in lake.rows("query", f"SELECT {shown} {sql}")),
                  key=str)


@pytest.mark.parametrize("operator", HOLDS)
@pytest.mark.parametrize("kind", KINDS)
def test_null_meets_nothing(lake, kind, operator):
    for condition, columns in (
            (f"p.t {operator} r.t AND p.k = r.k", [2]),
            (f"r.j = p.j AND (p.k = r.k AND p.t {operator} r.t)", [2, 3])):
        expected = joined(lake.p, lake.r, kind, operator, columns)
        assert answer(lake, kind, f"FROM p ASOF {kind} JOIN r ON {condition}") == sorted(
            expected, key=str)
        assert expected


@pytest.mark.parametrize("sql", [
    "FROM p ASOF LEFT JOIN (SELECT t + INTERVAL 0 SECOND AS t, k, id FROM r) r "
    "ON p.t >= r.t AND p.k = r.k",
    "FROM (SELECT * FROM p) p asof left join r AS r AT (VERSION => 1) on (r.t <= p.t and p.k = r.k)",
    "FROM p ASOF LEFT JOIN r JOIN (SELECT 1 AS one) o ON o.one = 1 ON p.t >= r.t AND p.k = r.k",
    "FROM p ASOF LEFT JOIN r NATURAL LEFT JOIN (SELECT id FROM p) o "
    "CROSS JOIN (SELECT 2 AS two) ON p.t >= r.t AND p.k = r.k",
    "FROM p ASOF LEFT JOIN (r JOIN p q ON q.id = r.id) ON p.t >= r.t AND p.k = r.k AND q.id >= 0",
    "FROM p ASOF LEFT JOIN r -- ON\n ON date_trunc($unit, p.t) >= r.t AND p.k = r.k",
    "FROM p ASOF LEFT JOIN r ON p.t >= r.t AND p.k || '?' = r.k || ?",
])
def test_however_it_is_written(lake, sql):
    def rows(sql, *arguments):
        return sorted(lake.ok("query", "SELECT p.id, r.id AS other " + sql, *arguments).splitlines())
    arguments = ["--param", "unit=second"] if "$unit" in sql else ["--param", "1=?"] * ("|| ?" in sql)
    expected = joined(lake.p, lake.r[:120] if "q.id" in sql else lake.r, "LEFT", ">=", [2])
    assert rows(sql, *arguments) == sorted(
        ["id,other"] + [f"{a},{'' if b is None else b}" for a, b in expected])


def test_two_of_them_in_one_statement(lake):
    expected = joined(lake.p, lake.r, "", ">=", [2])
    sql = ("WITH w AS (SELECT p.id, r.id AS other FROM p ASOF JOIN r ON p.t >= r.t AND p.k = r.k) "
           "SELECT count(*) AS n, (SELECT count(*) FROM p ASOF JOIN r ON p.t >= r.t AND p.j = r.j) "
           "AS m FROM w")
    assert lake.rows("query", sql) == [
        {"n": len(expected), "m": len(joined(lake.p, lake.r, "", ">=", [3]))}]
    assert lake.ok("query", "EXPLAIN SELECT p.id, r.id FROM p ASOF LEFT JOIN r "
                            "ON p.t >= r.t AND p.k = r.k").count("ASOF_JOIN") == 1


def test_columns_that_are_never_null_are_compared_as_written(lake):
    of_full = [[row for row in rows if None not in row] for rows in (lake.p, lake.r)]
    expected = sorted(joined(*of_full, "LEFT", ">=", [2]), key=str)
    sql = "FROM p_full p ASOF LEFT JOIN r_full r "
    for condition in "ON p.t >= r.t AND p.k = r.k", "USING (k, t)":
        assert answer(lake, "LEFT", sql + condition) == expected
        assert "CASE" not in lake.ok("query", f"EXPLAIN SELECT p.id, r.id {sql}{condition}")


@pytest.mark.parametrize("condition, words", [
    ("USING (k, t)", "write ON p.k = r.k AND p.t >= r.t"),
    ("ON p.t >= r.t AND p.k IS NOT DISTINCT FROM r.k", "IS NOT DISTINCT FROM"),
])
def test_what_the_engine_gets_wrong_is_refused(lake, condition, words):
    for kind in "", "LEFT":
        done = lake.run("query", f"SELECT p.id FROM p ASOF {kind} JOIN r {condition}")
        assert done.returncode == 2 and "LINE 1" in done.stderr
        assert words in done.stderr and "23933" in done.stderr
    assert lake.ok("query", "SELECT p.id FROM p ASOF JOIN r USING (t)")


def test_an_error_is_told_of_the_words_that_were_written(lake):
    done = lake.run("query", "SELECT p.id FROM p ASOF JOIN r ON p.time >= r.t AND p.k = r.k")
    assert done.returncode == 2 and "does not have a column named \"time\"" in done.stderr
    assert "ON p.time >= r.t AND" in done.stderr and "CASE" not in done.stderr


@pytest.mark.parametrize("by, columns", [("k", [2]), ("k,j", [2, 3])])
def test_asof_join_itself_gives_null_nothing(lake, by, columns):
    rows = lake.rows("query", "SELECT id, id_right AS other FROM asof_join('p', 'r', "
                     f"by => '{by}', left_time => 't', right_time => 't', knowledge => 'event') "
                     "ORDER BY id")
    expected = joined(lake.p, lake.r, "LEFT", ">=", columns)
    assert [(row["id"], row["other"]) for row in rows] == sorted(expected)
