"""Tables whose rows are of days: latest, range, gaps and export go by the date in the key.

A date stands for its first instant, UTC.
"""

import datetime as dt
import json
import random

import pytest

FIRST = dt.date(2025, 1, 1)


def day(number):
    return (FIRST + dt.timedelta(number)).isoformat()


@pytest.fixture(params=["", "day", "month"])
def bars(varve, request):
    """Daily bars, as one folder, a folder a day, a folder a month; loaded in one go, which is what `seen` says."""
    schema = "day date not null, symbol string not null, close double, seen timestamp, month string"
    varve.ok("create", "bars", "--schema", schema, "--key", "day,symbol", "--order-by", "seen",
             *(["--partition-by", request.param] if request.param else []))
    return varve


def load(varve, rows):
    lines = ["day,symbol,close,seen,month"]
    lines += [f"{when},{symbol},{close},2025-06-01T00:00:00Z,{when[:7]}" for when, symbol, close in rows]
    varve.upsert("bars", "\n".join(lines) + "\n")


def make(days, symbols, seed, part=0.7):
    chance = random.Random(seed)
    return [(day(number), f"S{name}", round(chance.uniform(1, 100), 2))
            for number in range(days) for name in range(symbols) if chance.random() < part]


def tuples(found):
    return [(row["day"], row["symbol"], row["close"]) for row in found]


@pytest.mark.parametrize("until, last", [
    (None, "9999-12-31"), ("2025-01-20", "2025-01-20"), ("2025-01-20T23:59:59Z", "2025-01-20"),
    ("2025-01-19T23:59:59.999999Z", "2025-01-19"), ("2024-12-31T23:00:00Z", "2024-12-31")])
def test_latest_goes_by_the_date(bars, until, last):
    rows = make(45, 4, 1)
    load(bars, rows[::2])
    load(bars, rows[1::2])
    newest = {}
    for row in rows:  # in order of day
        if row[0] <= last:
            newest[row[1]] = row
    done = bars.run("latest", "bars", *(["--until", until] if until else []), "--format", "ndjson")
    found = [json.loads(line) for line in done.stdout.splitlines()]
    assert done.returncode == 0 and tuples(found) == [newest[name] for name in sorted(newest)]
    assert "order column" not in done.stderr


@pytest.mark.parametrize("start, end", [
    (None, None), ("2025-01-05", "2025-01-12"), ("2025-01-05", None), (None, "2025-01-05"),
    ("2025-01-04T00:00:00.000001Z", "2025-01-11T00:00:00.000001Z"), ("2025-01-04T23:00:00Z", "2025-01-11T12:00:00Z"),
    ("2025-01-05T08:00:00+09:00", "2025-01-05T08:00:00+09:00"), ("2030-01-01", "2031-01-01")])
def test_range_has_the_days_that_begin_in_it(bars, start, end):
    rows = make(20, 3, 2)
    load(bars, rows)
    options = [*(["--from", start] if start else []), *(["--to", end] if end else [])]

    def instant(text):
        when = dt.datetime.fromisoformat(text.replace("Z", "+00:00"))
        return when if when.tzinfo else when.replace(tzinfo=dt.timezone.utc)

    def is_in(row):
        when = instant(row[0])
        return (start is None or when >= instant(start)) and (end is None or when < instant(end))

    found = bars.rows("range", "bars", *(options or ["--from", "1900-01-01"]))
    assert tuples(found) == [row for row in rows if is_in(row)]


def test_days_before_1970(bars):
    load(bars, [("1969-12-30", "S0", 1.0), ("1969-12-31", "S0", 2.0), ("1970-01-01", "S0", 3.0)])
    found = bars.rows("range", "bars", "--from", "1969-12-30T00:00:01Z", "--to", "1970-01-01")
    assert tuples(found) == [("1969-12-31", "S0", 2.0)]
    assert tuples(bars.rows("latest", "bars", "--until", "1969-12-31T12:00:00Z"))[0][0] == "1969-12-31"


def test_the_last_days_and_where_the_rows_are(bars):
    today = dt.datetime.now(dt.timezone.utc).date()
    rows = [((today - dt.timedelta(n)).isoformat(), "S0", float(n)) for n in range(9, 1, -1)]
    load(bars, rows)
    ends = dt.datetime.now(dt.timezone.utc).date()
    found = tuples(bars.rows("range", "bars", "--last", "5d"))
    assert found == [row for row in rows if row[0] > (ends - dt.timedelta(5)).isoformat()] or ends != today
    done = bars.run("range", "bars", "--last", "1d")
    assert done.returncode == 0 and f"{rows[-1][0]}T00:00:00" in done.stderr


def gaps(varve, *arguments):
    done = varve.run("gaps", "bars", "--every", "1d", *arguments, "--format", "ndjson")
    assert done.returncode == 0, done.stderr
    return [json.loads(line) for line in done.stdout.splitlines()], done.stderr


def test_gaps_are_days_of_the_calendar(bars):
    """The 1st was a holiday, the 9th the day of mourning; the 4th, 5th, 11th and 12th a weekend."""
    open_days = ["2025-01-02", "2025-01-03", "2025-01-06", "2025-01-07", "2025-01-08",
                 "2025-01-10", "2025-01-13"]
    load(bars, [(when, "S0", 1.0) for when in open_days if when not in ("2025-01-03", "2025-01-06")] +
         [("2025-01-02", "S1", 1.0), ("2025-01-11", "S1", 1.0), ("2025-01-13", "S1", 1.0)])
    found, said = gaps(bars, "--by", "symbol", "--calendar", "XNYS")
    assert [(row["symbol"], row["from"][:10], row["to"][:10], row["missing"]) for row in found] == [
        ("S0", "2025-01-03", "2025-01-07", 2), ("S1", "2025-01-03", "2025-01-11", 5)]
    assert all(row[name].endswith("T00:00:00.000000Z") for row in found for name in ("from", "to"))
    assert "7 of 14 intervals missing" in said
    assert "1 row is of a time when the calendar is closed" in said
    found, _ = gaps(bars, "--by", "symbol", "--calendar", "XNYS", "--from", "2025-01-07",
                    "--to", "2025-01-09", "--show", "coverage")
    assert [(row["symbol"], row["expected"], row["present"]) for row in found] == [
        ("S0", 2, 2), ("S1", 2, 0)]


def test_gaps_around_the_clock(bars):
    rows = make(60, 1, 3)
    load(bars, rows)
    there = {row[0] for row in rows}
    span = [day(n) for n in range(60) if min(there) <= day(n) <= max(there)]
    found, _ = gaps(bars, "--show", "coverage")
    assert (found[0]["expected"], found[0]["present"]) == (len(span), len(there))


def test_what_needs_an_instant_says_so(bars):
    load(bars, make(5, 1, 4))
    done = bars.run("gaps", "bars", "--every", "1h")
    assert done.returncode == 2
    assert "rows of table bars are of days (day in its key is a date): say --every 1d" in done.stderr
    for arguments in (["gaps", "bars", "--show", "lateness"],
                      ["query", "FROM asof_join('bars', 'bars', by => 'symbol')"]):
        done = bars.run(*arguments)
        assert done.returncode == 2, done.stderr
        assert "day in its key is a date, and a timestamp is needed here" in done.stderr


def test_export_of_some_days(bars, tmp_path):
    rows = make(12, 2, 5)
    load(bars, rows)
    bars.upsert("bars", "day,symbol,close,seen,month\n"
                f"{rows[0][0]},{rows[0][1]},-1,2025-06-02T00:00:00Z,2025-01\n")
    bars.ok("export", "bars", "--from", day(3), "--to", day(7), "-o", tmp_path / "x")
    lines = (tmp_path / "x" / "bars" / "rows.csv").read_text().splitlines()[1:]
    assert [line.split(",")[:2] for line in lines] == [
        list(row[:2]) for row in rows if day(3) <= row[0] < day(7)]
    assert json.loads((tmp_path / "x" / "manifest.json").read_text())["tables"][0]["timeColumn"] == "day"
