"""Known-at: what was known then, and nothing that came to be known later."""

import json

import pytest
from deltalake import DeltaTable, write_deltalake

SCHEMA = "ts timestamp not null, sym string not null, price double, date date not null"


def create(varve, table):
    varve.ok("create", table, "--schema", SCHEMA, "--partition-by", "date", "--key", "ts,sym")


def put(varve, table, *rows):
    varve.upsert(table, "ts,sym,price\n" + "".join(f"2025-01-10T10:00:00Z,{row}\n" for row in rows))


def time_of(varve, table, version):
    return {entry["version"]: entry["timestamp"] for entry in varve.rows("history", table)}[version]


@pytest.fixture
def two(varve):
    """Table a, then table b; the time between them."""
    create(varve, "a")
    put(varve, "a", "A,1", "B,1")
    put(varve, "a", "A,2")
    create(varve, "b")
    put(varve, "b", "A,7")
    put(varve, "a", "A,3", "C,3")
    return varve


def test_each_table_is_read_as_it_was_known_then(two):
    for version, expected in ((1, [1, 1]), (2, [2, 1]), (3, [3, 1, 3])):
        when = time_of(two, "a", version)
        rows = two.rows("scan", "a", "--known-at", when)
        assert [row["price"] for row in sorted(rows, key=lambda row: row["sym"])] == expected
        rows = two.rows("query", "SELECT price FROM a ORDER BY sym", "--known-at", when)
        assert [row["price"] for row in rows] == expected
        assert len(two.rows("latest", "a", "--by", "sym", "--known-at", when)) == len(expected)
    assert len(two.rows("range", "a", "--from", "2025-01-01", "--known-at",
                        time_of(two, "a", 2))) == 2


def test_a_table_that_was_not_made_reads_as_empty_and_that_is_said(two):
    when = time_of(two, "a", 2)
    done = two.run("query", "SELECT a.price, b.price AS other FROM a LEFT JOIN b USING (ts, sym) "
                   "ORDER BY a.sym", "--known-at", when, "--format", "ndjson")
    assert [json.loads(line) for line in done.stdout.splitlines()] == [
        {"price": 2.0, "other": None}, {"price": 1.0, "other": None}]
    assert "table b was made after" in done.stderr and "table a" not in done.stderr
    assert two.rows("scan", "b", "--known-at", when) == []
    assert two.rows("scan", "b", "--known-at", "1999-01-01") == []
    assert two.run("scan", "b", "--at", when).returncode == 5  # a version is asked for


def test_what_is_asked_for_in_sql_wins(two):
    assert two.rows("query", "SELECT count(*) AS n FROM a AT (VERSION => 1)", "--known-at",
                    time_of(two, "a", 3)) == [{"n": 2}]


def test_what_is_gone_is_no_empty_table(varve):
    create(varve, "a")
    put(varve, "a", "A,1")
    varve.ok("checkpoint", "a")
    put(varve, "a", "A,2")
    (varve.table("a") / "_delta_log" / f"{0:020}.json").unlink()
    done = varve.run("scan", "a", "--known-at", "1999-01-01")
    assert done.returncode == 5 and "table a" in done.stderr


test_what_is_gone_is_no_empty_table = pytest.mark.contradicts_itself(
    test_what_is_gone_is_no_empty_table)


def test_a_leak_is_a_row_that_only_later_knowledge_gives(two):
    when = time_of(two, "a", 2)
    rows = two.rows("leak-check", "SELECT sym, price FROM a", "--known-at", when)
    assert rows == [{"_known": "now", "sym": "A", "price": 3.0},
                    {"_known": "now", "sym": "C", "price": 3.0},
                    {"_known": "then", "sym": "A", "price": 2.0}]
    assert two.rows("leak-check", "SELECT sym FROM a WHERE sym = 'B'", "--known-at", when) == []
    assert two.rows("leak-check", "SELECT sym, price FROM a", "--known-at",
                    time_of(two, "a", 3)) == []


def test_the_reports_know_what_was_known(market):
    for table in ("market_regimes", "signals", "performance_metrics"):
        rows = market.ok("simulate", "--days", "1", "--table", table)
        market.ok("upsert", table, "-", stdin=rows)
    for report in (("correlate", "--last", "3000d"), ("signals", "audit"), ("signals", "latency")):
        assert market.rows(*report) != []
        assert market.rows(*report, "--known-at", "1999-01-01") == []
        assert market.rows(*report, "--known-at", "now") == market.rows(*report)


def test_the_shell_goes_back_and_forth(two):
    when = time_of(two, "a", 1)
    text = two.ok("shell", "--format", "csv", stdin="SELECT count(*) AS n FROM a;\n"
                  f".known-at {when}\nSELECT sum(price) AS n FROM a;\n.known-at off\n"
                  "SELECT sum(price) AS n FROM a;\n")
    assert [line for line in text.splitlines() if line != "n"] == ["3", "2.0", "7.0"]


@pytest.mark.parametrize("arguments, words", [
    (("scan", "a", "--known-at", "soon"), "not a time"),
    (("scan", "a", "--known-at", "now", "--at", "1"), "give one of them"),
    (("history", "a", "--known-at", "now"), "means nothing to history"),
    (("leak-check", "SELECT 1"), "--known-at TIME"),
    (("leak-check", "SELECT 1 AS x, 2 AS x", "--known-at", "now"), "x"),
    (("leak-check", "DROP TABLE a", "--known-at", "now"), ""),
])
def test_questions_that_make_no_sense_are_refused(two, arguments, words):
    done = two.run(*arguments)
    assert done.returncode == 2 and words in done.stderr


def prices(rows):
    return [row["price"] for row in rows]


def test_set_known_at_holds_for_the_statements_behind_it(two):
    sql = "SELECT price FROM a ORDER BY sym"
    when = {version: time_of(two, "a", version) for version in (1, 2)}
    for text in (f"SET known_at = '{when[1]}'; {sql}", f"set Known_At to '{when[1]}';\n{sql};",
                 f"SET known_at = TIMESTAMPTZ '{when[2]}' - INTERVAL 1 MILLISECOND; {sql}"):
        assert prices(two.rows("query", text)) == [1, 1]
    assert prices(two.rows("query", f"SET known_at = $t; {sql}", "--param", f"t={when[2]}")) == [2, 1]
    both = f"SET known_at = '{when[1]}'; SET known_at = '{when[2]}'; {sql}"
    assert prices(two.rows("query", both)) == [2, 1]
    for end in ("SET known_at = NULL", "RESET known_at", "SET known_at TO NULL"):
        assert prices(two.rows("query", f"SET known_at = '{when[1]}'; {end}; {sql}")) == [3, 1, 3]
    assert prices(two.rows("query", f"{sql}; SET known_at = '{when[1]}'; {sql}")) == [1, 1]
    assert prices(two.rows("query", f"SET known_at = '{when[1]}'; SELECT 1 FROM a; RESET known_at; {sql}",
                           "--known-at", when[2])) == [3, 1, 3]
    assert prices(two.rows("query", f"SET known_at = '{when[2]}'; {sql}", "--known-at", when[1])) == [2, 1]


def test_set_known_at_reaches_functions_and_tables_that_were_not_made(two):
    when = time_of(two, "a", 2)
    assert two.rows("query", f"SET known_at = '{when}'; SELECT (SELECT max(version) FROM "
                    "table_history('a')) AS v, (SELECT count(*) FROM b) AS n, (SELECT count(*) FROM a "
                    "WHERE price = 2) AS p") == [{"v": 2, "n": 0, "p": 1}]
    assert two.rows("query", f"SET known_at = '{when}'; SELECT count(*) AS n FROM a AT (VERSION => 3)") \
        == [{"n": 3}]


def test_the_history_in_the_shell_is_what_was_known(two):
    known, all_of_it = two.ok("shell", stdin=".mode csv\n.known-at 2001-01-01\n.history a\n"
                              ".known-at off\n.history a\n").split("version,timestamp")[1:]
    assert len(known.splitlines()) == 1 < len(all_of_it.splitlines())


def test_set_known_at_in_the_shell_goes_on(two):
    when = time_of(two, "a", 1)
    out = two.ok("shell", stdin=f".mode csv\nSET known_at = '{when}';\nSELECT sum(price) AS s FROM a;\n"
                 "SELECT count(*) AS n FROM b; RESET known_at;\n.explain on\nSET known_at = NULL;\n"
                 ".explain off\nSELECT sum(price) AS s FROM a;\n")
    assert out == "s\n2.0\nn\n0\ns\n7.0\n"


@pytest.mark.parametrize("sql, options, message", [
    ("SET known_at = 'soon'; SELECT 1", (), '"soon" is not a time'),
    ("SET known_at = 5; SELECT 1", (), '"5" is not a time'),
    ("SET known_at; SELECT 1", (), "only known_at can be set"),
    ("SET known_at = ; SELECT 1", (), "SET known_at"),
    ("SET threads = 1; SELECT 1", (), "only known_at can be set"),
    ("SET enable_external_access = true; SELECT 1", (), "only known_at can be set"),
    ("RESET known_at now; SELECT 1", (), "only known_at can be set"),
    ("SET known_at = (SELECT max(ts) FROM a); SELECT 1", (), "only known_at can be set"),
    ("SET known_at = 'now') FROM a WHERE ('x'; SELECT 1", (), "only known_at can be set"),
    ("SET known_at = '1'), ('2'; SELECT 1", (), "only known_at can be set"),
    ("SET known_at = (SELECT content FROM read_text('/etc/passwd')); SELECT 1", (), "read_text"),
    ("SET known_at = 'now'", (), "there is none"),
    ("SELECT 1; RESET known_at;", (), "there is none"),
    ("SET known_at = 'now'; SELECT 1", ("--at", "now"), "both say when"),
    ("SET known_at = $t; SELECT 1", (), "no value for the parameter $t"),
])
def test_what_cannot_be_set_is_named(two, sql, options, message):
    done = two.run("query", sql, *options)
    assert done.returncode == 2, done.stdout + done.stderr
    assert message in done.stderr and done.stdout == ""


def test_a_leak_check_says_itself_what_is_known(two):
    done = two.run("leak-check", "SET known_at = 'now'; SELECT 1 AS x FROM a", "--known-at", "now")
    assert done.returncode == 2 and "SET known_at" in done.stderr


@pytest.fixture
def ordered(varve):
    """Prices that bring the time at which they were known; B is a backfill, A was corrected."""
    varve.ok("create", "p", "--schema", "ts timestamp not null, sym string not null, price double, "
             "seen timestamp", "--key", "ts,sym", "--order-by", "seen")
    head = "ts,sym,price,seen\n"
    day = "2025-01-10T10:00:00Z"
    varve.upsert("p", f"{head}{day},A,1,2025-01-10T11:00:00Z\n{day},D,4,2025-01-10T11:00:00Z\n")
    varve.upsert("p", f"{head}{day},A,2,2025-01-12T00:00:00Z\n"
                      f"{day},B,7,2025-01-10T12:00:00Z\n"
                      f"2025-01-13T10:00:00Z,C,9,2025-01-13T11:00:00Z\n")
    varve.ok("delete", "p", "--where", "sym = 'D'")
    return varve


def leaks(varve, when, *more):
    return {(row["_known"], row["sym"], row["price"]) for row in varve.rows(
        "leak-check", "SELECT sym, price FROM p", "--known-at", when, *more)}


def test_by_order_a_row_is_known_from_its_order_column(ordered):
    now = {("now", "A", 2.0), ("now", "C", 9.0)}
    assert leaks(ordered, "2025-01-11") == now  # B's time came before, though it was written later
    assert leaks(ordered, "2025-01-11", "--knowledge", "order") == now
    assert leaks(ordered, "2025-01-12") == {("now", "C", 9.0)}
    assert leaks(ordered, "2025-01-14") == set()
    assert leaks(ordered, "2025-01-09") == now | {("now", "B", 7.0)}


def test_by_order_what_stood_there_then_counts(ordered):
    """A correction and a removal since: the version of then has what was replaced."""
    when = time_of(ordered, "p", 1)
    ordered.upsert("p", "ts,sym,price,seen\n2025-01-10T10:00:00Z,A,3,2999-01-01T00:00:00Z\n")
    assert leaks(ordered, when) == {
        ("then", "A", 1.0), ("now", "A", 3.0), ("then", "D", 4.0)}


def test_by_order_what_came_later_and_is_gone_is_on_neither_side(ordered):
    """What is gone goes by commit: help and docs/reports.md say so, and the answer does."""
    when = time_of(ordered, "p", 1)
    head, day = "ts,sym,price,seen\n", "2025-01-10T10:00:00Z"
    ordered.upsert("p", f"{head}{day},E,5,2025-01-10T11:00:00Z\n{day},F,6,2025-01-10T11:00:00Z\n")
    ordered.upsert("p", f"{head}{day},F,7,2999-01-01T00:00:00Z\n")
    ordered.ok("delete", "p", "--where", "sym = 'E'")
    assert leaks(ordered, when) == {("then", "D", 4.0), ("now", "F", 7.0)}
    said = ordered.run("leak-check", "SELECT sym FROM p", "--known-at", when).stderr
    assert "what was committed by then (--knowledge commit" in said
    for arguments in (("SELECT sym FROM p WHERE sym = 'B'",), ("FROM p", "--knowledge", "commit")):
        said = ordered.run("leak-check", *arguments, "--known-at", when).stderr
        assert "--knowledge commit" not in said


def test_by_order_a_table_that_lay_otherwise_then_is_refused(ordered):
    """Its files of then do not have the values of what was a partition column."""
    when = time_of(ordered, "p", 1)
    path = ordered.table("p")
    rows = DeltaTable(path).to_pyarrow_table()
    write_deltalake(path, rows, mode="overwrite", schema_mode="overwrite", partition_by=["sym"])
    done = ordered.run("leak-check", "SELECT sym FROM p", "--known-at", when)
    assert done.returncode == 7 and "other partition columns in version 1" in done.stderr, done
    assert ordered.ok("leak-check", "SELECT sym FROM p", "--known-at", when, "--knowledge", "commit")


def test_by_commit_and_by_event(ordered):
    when = time_of(ordered, "p", 1)
    assert leaks(ordered, when, "--knowledge", "commit") == {
        ("then", "A", 1.0), ("now", "A", 2.0), ("now", "B", 7.0), ("now", "C", 9.0),
        ("then", "D", 4.0)}
    assert leaks(ordered, "2025-01-11", "--knowledge", "event") == {("now", "C", 9.0)}
    assert leaks(ordered, "2025-01-14", "--knowledge", "event") == set()


def test_a_condition_hides_no_correction(ordered):
    """Files that a condition rules out still say which keys were known."""
    ordered.upsert("p", "ts,sym,price,seen\n2025-01-10T10:00:00Z,B,70,2025-01-10T13:00:00Z\n")
    assert ordered.rows("leak-check", "SELECT sym FROM p WHERE price BETWEEN 5 AND 8",
                        "--known-at", "2025-01-11") == []


def test_tables_that_do_not_say_it_are_judged_by_commit(two):
    done = two.run("leak-check", "SELECT sym, price FROM a", "--known-at", time_of(two, "a", 2))
    assert "they count from their commit" in done.stderr
    assert "knowledge by order: 3 rows differ" in done.stderr
