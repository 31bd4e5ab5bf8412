"""asof_join against polars' join_asof, and against a search for what was known."""

import datetime as dt
import random

import deltalake
import polars
import pyarrow
import pytest

BEGIN = dt.datetime(2025, 1, 30, 10, tzinfo=dt.timezone.utc)
INSTANT = pyarrow.timestamp("us", "UTC")


def text_of(time):
    return time.strftime("%Y-%m-%dT%H:%M:%SZ")


@pytest.fixture(scope="module")
def lake(varve_on, tmp_path_factory):
    """Quotes and trades of three symbols at random seconds; quotes are known late, or never."""
    varve = varve_on(tmp_path_factory.mktemp("asof"))
    chance = random.Random(3)
    varve.ok("create", "trades", "--schema", "ts timestamp not null, sym string not null, "
             "price double", "--key", "ts,sym")
    varve.ok("create", "quotes", "--schema", "ts timestamp not null, sym string not null, "
             "price double, bid double, seen timestamp", "--key", "ts,sym", "--order-by", "seen")
    varve.ok("create", "codes", "--schema", "id bigint not null", "--key", "id")
    varve.trades, varve.quotes = {}, {}
    for number in range(400):
        sym = chance.choice("ABC")
        varve.trades[BEGIN + dt.timedelta(seconds=chance.randrange(3600)), sym] = number
        sym = chance.choice("AB")
        at = BEGIN + dt.timedelta(seconds=chance.randrange(3600))
        varve.quotes[at, sym] = (number, at + dt.timedelta(
            seconds=chance.choice((-30, 0, 1, 5, 60, 600))))
    varve.upsert("trades", "ts,sym,price\n" + "".join(
        f"{text_of(at)},{sym},{price}\n" for (at, sym), price in varve.trades.items()))
    varve.upsert("quotes", "ts,sym,price,bid,seen\n" + "".join(
        f"{text_of(at)},{sym},1,{bid},{text_of(seen)}\n"
        for (at, sym), (bid, seen) in varve.quotes.items()))
    return varve


def joined(lake, arguments):
    rows = lake.rows("query", "SELECT ts, sym, price, bid, staleness_seconds AS stale FROM "
                     f"asof_join('trades', 'quotes', {arguments}) ORDER BY ts, sym")
    return [(row["ts"], row["sym"], row["bid"], row["stale"]) for row in rows]


@pytest.mark.parametrize("tolerance", [None, 0, 7, 60])
def test_by_event_it_is_polars_join_asof(lake, tolerance):
    trades = polars.DataFrame([(at, sym) for at, sym in lake.trades], schema=["ts", "sym"],
                              orient="row").sort("ts")
    quotes = polars.DataFrame([(at, sym, bid, at) for (at, sym), (bid, _) in lake.quotes.items()],
                              schema=["ts", "sym", "bid", "at"], orient="row").sort("ts")
    theirs = trades.join_asof(
        quotes, on="ts", by="sym", strategy="backward",
        tolerance=None if tolerance is None else dt.timedelta(seconds=tolerance))
    expected = sorted(
        (text_of(at).replace("Z", ".000000Z"), sym, bid,
         None if when is None else (at - when).total_seconds())
        for at, sym, bid, when in theirs.iter_rows())
    more = "" if tolerance is None else f", tolerance => '{tolerance}s'"
    assert joined(lake, f"by => 'sym', knowledge => 'event'{more}") == expected
    assert any(row[2] is None for row in expected) and any(row[2] is not None for row in expected)


@pytest.mark.parametrize("tolerance", [None, 20])
def test_by_order_nothing_is_seen_before_it_was_known(lake, tolerance):
    expected = []
    for at, sym in lake.trades:
        known = [(when, seen, bid) for (when, of), (bid, seen) in lake.quotes.items()
                 if of == sym and when <= at and seen <= at]
        when, _, bid = max(known, default=(None, None, None))
        stale = None if when is None else (at - when).total_seconds()
        if tolerance is not None and stale is not None and stale > tolerance:
            bid = stale = None
        expected.append((text_of(at).replace("Z", ".000000Z"), sym, bid, stale))
    more = "" if tolerance is None else f", tolerance => '{tolerance}s'"
    assert joined(lake, f"by => 'sym'{more}") == sorted(expected)
    assert joined(lake, f"'sym'{more}, knowledge => 'order'") == sorted(expected)
    assert sorted(expected) != joined(lake, f"by => 'sym', knowledge => 'event'{more}")


def test_columns_of_both_and_names_that_both_have(lake):
    row = lake.rows("query", "FROM asof_join('trades', 'quotes', by => 'sym') LIMIT 1")[0]
    assert list(row) == ["ts", "sym", "price", "ts_right", "price_right", "bid", "seen",
                         "staleness_seconds"]
    row = lake.rows("query", "FROM asof_join('trades', 'quotes') LIMIT 1")[0]
    assert list(row)[3:5] == ["ts_right", "sym_right"]


def test_a_condition_is_on_the_rows_of_the_second(lake):
    rows = lake.rows("query", "SELECT DISTINCT sym_right AS s FROM asof_join('trades', 'quotes', "
                     "condition => 'sym = ''A'' AND bid > 5') WHERE sym_right IS NOT NULL")
    assert rows == [{"s": "A"}]


def test_it_stands_where_tables_do_and_takes_parameters(lake):
    rows = lake.rows("query", "WITH j AS (FROM asof_join('trades', 'quotes', by => $by)) "
                     "SELECT count(*) AS n FROM j JOIN trades USING (ts, sym)", "--param", "by=sym")
    assert rows == [{"n": len(lake.trades)}]
    assert lake.rows("query", "SELECT count(*) AS n FROM asof_join('trades', 'quotes')",
                     "--known-at", "1999-01-01") == [{"n": 0}]


@pytest.mark.parametrize("arguments, words", [
    ("'trades'", "does not take 1 argument"),
    ("'trades', 'nope'", "no table nope"),
    ("'trades', 'quotes', foo => 1", "has no argument foo"),
    ("'trades', 'quotes', 'sym', by => 'sym'", "by is given twice"),
    ("'trades', 'quotes', tolerance => '1h', '2h', '2h'", "tolerance is given twice"),
    ("'trades', 'quotes', by => 'bid'", "table trades has no column bid"),
    ("'trades', 'quotes', tolerance => 'x'", "not a length of time"),
    ("'trades', 'quotes', knowledge => 'commit'", "not one of order, event"),
    ("'quotes', 'trades'", "say knowledge => 'event'"),
    ("'trades', 'codes'", "table codes has no time column"),
    ("'trades', 'quotes', left_time => 'nope'", "table trades has no column nope"),
    ("'trades', 'quotes', right_time => 'bid'", "column bid of table quotes is no timestamp"),
    ("'trades', 'quotes', condition => 'nope = 1'", "the condition"),
    ("'trades', 'quotes', condition => '1=1) UNION (SELECT 1'", "the condition"),
    ("'trades', 'quotes', condition => 'sym IN (FROM read_csv(''/etc/passwd''))'", "files"),
])
def test_what_makes_no_sense_is_told(lake, arguments, words):
    done = lake.run("query", f"FROM asof_join({arguments})")
    assert done.returncode in (2, 5) and words in done.stderr, done.stderr
    assert done.stdout == ""


def test_a_version_is_one_tables(lake):
    done = lake.run("query", "FROM asof_join('trades', 'quotes')", "--at", "1")
    assert done.returncode == 2 and "give a time instead" in done.stderr


def test_the_time_is_named_where_the_key_has_none(varve):
    """Of a key without a time the order column is taken, which is told: here it looks ahead."""
    varve.ok("create", "regimes", "--schema", "ts timestamp not null, regime string, known timestamp, at timestamp",
             "--key", "ts", "--order-by", "known")
    varve.ok("create", "trades", "--schema", "id string not null, ts timestamp not null, seen timestamp",
             "--key", "id", "--order-by", "seen")
    varve.upsert("regimes", "ts,regime,known,at\n"
                 "2025-03-10T09:00:00Z,calm,2025-03-10T09:00:01Z,2025-03-12T09:00:00Z\n"
                 "2025-03-14T09:00:00Z,crash,2025-03-14T09:00:01Z,2025-03-10T09:00:00Z\n")
    varve.upsert("trades", "id,ts,seen\nT1,2025-03-11T15:00:00Z,2025-03-20T00:00:00Z\n")

    def found(more):
        done = varve.run("query", f"SELECT regime FROM asof_join('trades', 'regimes'{more})", "--format", "csv")
        assert done.returncode == 0, done.stderr
        return done.stdout.split()[1], done.stderr

    regime, said = found("")
    assert regime == "crash" and "order column, seen" in said
    assert found(", left_time => 'TS'") == ("calm", "")
    assert found(", knowledge => 'event', left_time => 'ts', right_time => 'at'") == ("crash", "")


@pytest.mark.parametrize("by, knowledge", [("sym", "event"), ("sym", "order"), (None, "event"), (None, "order")])
def test_of_rows_with_one_time_the_later_one_by_order_is_in_force(varve, by, knowledge):
    """Also where a key is there several times, which another engine has appended."""
    chance = random.Random(5)
    varve.ok("create", "trades", "--schema", "ts timestamp not null, sym string not null", "--key", "ts,sym")
    varve.ok("create", "quotes", "--schema", "ts timestamp not null, sym string not null, bid long, "
             "seen timestamp", "--key", "ts,sym", "--order-by", "seen")
    times = [BEGIN + dt.timedelta(minutes=minute) for minute in range(20)]
    quotes = [(at, "A", chance.randrange(1000), seen) for at in times for seen in (
        None, *(at + dt.timedelta(seconds=second) for second in range(4)))]
    chance.shuffle(quotes)
    deltalake.write_deltalake(str(varve.table("quotes")), pyarrow.table(dict(zip(
        ("ts", "sym", "bid", "seen"), zip(*quotes))), schema=pyarrow.schema([
            ("ts", INSTANT), ("sym", pyarrow.string()), ("bid", pyarrow.int64()), ("seen", INSTANT)])),
        mode="append")
    varve.upsert("trades", "ts,sym\n" + "".join(
        f"{text_of(at + dt.timedelta(seconds=30))},A\n" for at in times))
    more = f", by => '{by}'" if by else ""
    rows = varve.rows("query", "SELECT t.bid AS bid FROM asof_join('trades', 'quotes'"
                      f"{more}, knowledge => '{knowledge}') t ORDER BY t.ts")
    latest = {at: bid for at, _, bid, _ in sorted((row for row in quotes if row[3]), key=lambda row: row[3])}
    assert [row["bid"] for row in rows] == [latest[at] for at in times]
