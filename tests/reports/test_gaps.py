"""Gaps, coverage and lateness. What is asked at random is in test_gaps_model.py."""

import datetime as dt
import json
import pathlib
import zoneinfo

import pytest

UTC = dt.timezone.utc
ROOT = pathlib.Path(__file__).resolve().parents[2]
NEW_YORK = zoneinfo.ZoneInfo("America/New_York")


def stamp(when):
    return when.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def text(when):
    return stamp(when)


def gaps(varve, table, *arguments):
    done = varve.run("gaps", table, *arguments, "--format", "ndjson")
    assert done.returncode == 0, done.stderr
    return [json.loads(line) for line in done.stdout.splitlines()], done.stderr


def at_day(day, hour, minute):
    return dt.datetime(day.year, day.month, day.day, hour, minute, tzinfo=NEW_YORK).astimezone(UTC)


SESSIONS_AT_ENDS = {  # a calendar, a range, and how many hours it is open in that
    "New York, after the first day": (
        "timezone America/New_York\nvalid 2025-01-01 2025-12-31\nsession mon,tue,wed,thu 18:00 17:00",
        "2025-01-02", "2025-01-03", 23),
    "Sydney, before the last day": (
        "timezone Australia/Sydney\nvalid 2025-01-01 2025-12-31\nsession mon,tue,wed,thu,fri 10:00 16:00",
        "2025-12-30", "2025-12-31", 6),
    "Los Angeles, from an evening of two days ago": (
        "timezone America/Los_Angeles\nsession mon,tue,wed,thu,fri,sat,sun 17:00 17:00",
        "2025-03-05", "2025-03-05T04:00:00Z", 4),
}


@pytest.mark.parametrize("name", SESSIONS_AT_ENDS)
def test_all_sessions_that_reach_into_the_range_are_looked_at(varve, tmp_path, name):
    words, start, end, hours = SESSIONS_AT_ENDS[name]
    path = tmp_path / "calendar.txt"
    path.write_text(words + "\n")
    varve.ok("create", "t", "--schema", "at timestamp not null", "--key", "at")
    varve.upsert("t", f"at\n{start}T00:30:00Z\n")
    _, said = gaps(varve, "t", "--every", "1h", "--calendar", path, "--from", start, "--to", end)
    assert f"{hours - 1} of {hours} intervals missing" in said and "closed" not in said


def test_new_york_in_a_year_of_minutes(varve):
    """Half days, holidays and summer time, by rows that are all there, and some that are not."""
    varve.ok("create", "bars", "--schema", "at timestamp not null, v double", "--key", "at")
    rows = []
    for day in (dt.date(2024, 11, 27), dt.date(2024, 11, 29), dt.date(2024, 12, 2)):
        close = 13 if day.day == 29 else 16
        begin = at_day(day, 9, 30)
        rows += [begin + dt.timedelta(minutes=minute)
                 for minute in range((close * 60) - 570)]
    del rows[100:130], rows[389:391]
    varve.upsert("bars", "at,v\n" + "".join(f"{stamp(when)},1\n" for when in rows))
    found, said = gaps(varve, "bars", "--every", "1m", "--calendar", "xnys")
    assert [row["missing"] for row in found] == [30, 2]
    assert "32 of 990 intervals missing, coverage 96.77 %" in said  # 390 + 210 + 390
    found, _ = gaps(varve, "bars", "--every", "1d", "--calendar", "XNYS")
    assert found == []
    found, said = gaps(varve, "bars", "--every", "1d")
    assert [(row["from"][:10], row["missing"]) for row in found] == [
        ("2024-11-28", 1), ("2024-11-30", 2)]
    assert "calendar 24x7: 3 of 6" in said


@pytest.mark.parametrize("kind", ["timestamp", "timestamp_ntz"])
def test_daily_bars_that_are_stamped_at_midnight_are_of_that_day_in_new_york_too(varve, kind):
    varve.ok("create", "bars", "--schema", f"at {kind} not null, s string not null",
             "--key", "at,s")
    zone = "Z" if kind == "timestamp" else ""
    days = [dt.date(2025, 1, day) for day in (2, 3, 6, 7, 8, 10, 13)]  # the 9th: closed
    varve.upsert("bars", "at,s\n" + "".join(
        f"{day}T00:00:00{zone},{symbol}\n" for day in days for symbol in "AB"
        if (day.day, symbol) != (7, "B")))
    daily = ("--every", "1d", "--calendar", "XNYS", "--by", "s")
    found, said = gaps(varve, "bars", *daily)
    assert [(row["s"], row["from"][:19], row["to"][:19], row["missing"]) for row in found] == [
        ("B", "2025-01-07T00:00:00", "2025-01-08T00:00:00", 1)]
    assert "1 of 14 intervals missing" in said and "closed" not in said
    varve.upsert("bars", f"at,s\n2025-01-07T20:00:00{zone},B\n")  # an instant: days of New York
    found, said = gaps(varve, "bars", *daily)
    assert len(found) > 1 and "closed" in said


def test_each_group_is_of_days_or_of_instants_by_itself(varve):
    """Daily bars beside bars of the evening: what is asked of one is the answer to it alone."""
    varve.ok("create", "bars", "--schema", "at timestamp not null, s string", "--key", "at")
    rows = [(day, time, name) for day in (2, 3, 6, 7, 8, 10, 13)  # the 9th: closed
            for time, name in (("00:00:00", "daily"), ("20:59:00", "evening"))
            if (day, name) not in ((7, "daily"), (8, "evening"))]
    rows += [(6, "20:59:01", ""), (7, "00:00:00", "")]  # a group of both, whose name is NULL
    varve.upsert("bars", "at,s\n" + "".join(
        f"2025-01-{day:02d}T{time}Z,{name}\n" for day, time, name in rows))
    daily = ("--every", "1d", "--calendar", "XNYS", "--by", "s")
    found, said = gaps(varve, "bars", *daily)
    assert [(row["s"], row["from"][:19], row["to"][:19], row["missing"]) for row in found] == [
        ("daily", "2025-01-07T00:00:00", "2025-01-08T00:00:00", 1),
        ("evening", "2025-01-08T05:00:00", "2025-01-09T05:00:00", 1),
        (None, "2025-01-07T05:00:00", "2025-01-14T05:00:00", 4)]
    assert "6 of 19 intervals missing" in said and "closed" not in said
    found, _ = gaps(varve, "bars", *daily, "--show", "coverage")
    assert [(row["s"], row["expected"], row["present"], row["outside"], row["rows"]) for row in found] == [
        ("daily", 7, 6, 0, 6), ("evening", 7, 6, 0, 6), (None, 5, 1, 0, 2)]
    # By the rows of the range; of a group that has none there, by those before it.
    found, _ = gaps(varve, "bars", *daily, "--from", "2025-01-09", "--to", "2025-01-14T05:00:00Z",
                    "--show", "coverage")
    assert [(row["s"], row["expected"], row["present"]) for row in found] == [
        ("daily", 2, 2), ("evening", 2, 2), (None, 2, 0)]
    found, _ = gaps(varve, "bars", *daily, "--from", "2025-01-14", "--to", "2025-01-16")
    assert [(row["s"], row["from"][:19], row["missing"]) for row in found] == [
        ("daily", "2025-01-14T00:00:00", 2), ("evening", "2025-01-14T05:00:00", 1),
        (None, "2025-01-14T05:00:00", 1)]
    # As one, the table is not of days.
    found, _ = gaps(varve, "bars", *daily[:4])
    assert [(row["from"][:19], row["missing"]) for row in found] == [("2025-01-08T05:00:00", 1)]


def test_a_table_of_days_that_stopped_is_of_days_in_the_range_after_it(varve):
    varve.ok("create", "bars", "--schema", "at timestamp not null", "--key", "at")
    varve.upsert("bars", "at\n2025-01-02T00:00:00Z\n2025-01-03T00:00:00Z\n")
    found, _ = gaps(varve, "bars", "--every", "1d", "--calendar", "XNYS", "--from", "2025-01-06",
                    "--to", "2025-01-08")
    assert [(row["from"][:19], row["to"][:19], row["missing"]) for row in found] == [
        ("2025-01-06T00:00:00", "2025-01-08T00:00:00", 2)]


def fill_until(varve, hours_ago, symbols="ab"):
    """A row at each hour of the last two days, until some hours ago. The hour that is begun."""
    varve.ok("create", "t", "--schema", "at timestamp not null, s string not null",
             "--key", "at,s")
    hour = dt.datetime.now(UTC).replace(minute=0, second=0, microsecond=0)
    varve.upsert("t", "at,s\n" + "".join(
        f"{stamp(hour - dt.timedelta(hours=back))},{symbol}\n"
        for back in range(hours_ago, 48) for symbol in symbols))
    return hour


def test_a_feed_that_died_is_missing_until_now(varve):
    """By groups and as one; a range that nobody ended with now goes to the newest row, and says so."""
    hour = fill_until(varve, 5)
    newest = hour - dt.timedelta(hours=5)
    for by in ([], ["--by", "s"]):
        found, said = gaps(varve, "t", "--every", "1h", "--last", "1d", *by)
        ends = [hour, hour + dt.timedelta(hours=1)]  # an hour may have passed since
        assert [row["from"] for row in found] == [stamp(newest + dt.timedelta(hours=1))] * (2 if by else 1)
        assert all(row["to"] in map(stamp, ends) and row["missing"] in (4, 5) for row in found)
        assert "newest" not in said
        for more in ([], ["--from", stamp(hour - dt.timedelta(hours=30))]):
            found, said = gaps(varve, "t", "--every", "1h", *by, *more)
            assert found == [] and f"coverage 100.00 %, up to the newest row, {stamp(newest)}\n" in said
    found, said = gaps(varve, "t", "--every", "1h", "--last", "3h")
    assert [row["missing"] for row in found] in ([2], [3])
    assert f"the newest row of t is of {stamp(newest)}" in said


def test_a_market_that_is_closed_is_not_missing_now(varve, tmp_path):
    """By a calendar in which it closed with the last row; in one in which it is open, it is."""
    hour = fill_until(varve, 3)
    opening = hour - dt.timedelta(hours=12)
    days = sorted({(hour + dt.timedelta(hours=hours)).date() for hours in range(-72, 25)})
    path = tmp_path / "calendar.txt"
    for close, missing, expected in ((hour - dt.timedelta(hours=2), 0, 10), (hour, 2, 12)):
        path.write_text("session mon 00:00 01:00\n" + "".join(
            f"hours {day} {opening:%H:%M} {close:%H:%M}\n" if day == opening.date() else f"closed {day}\n"
            for day in days))
        found, said = gaps(varve, "t", "--every", "1h", "--last", "1d", "--calendar", path)
        assert [row["missing"] for row in found] == [missing] * (missing > 0)
        assert f"{missing} of {expected} intervals missing" in said


def test_what_is_counted_back_from_a_time_of_at_ends_there(varve):
    """A second that was not over then is not missing, though it is over now."""
    varve.ok("create", "t", "--schema", "at timestamp not null", "--key", "at")
    varve.upsert("t", "at\n2025-01-01T00:00:00Z\n")
    at = dt.datetime.now(UTC)
    whole = at.replace(microsecond=0)
    while dt.datetime.now(UTC) <= whole + dt.timedelta(seconds=1):
        varve.upsert("t", f"at\n{stamp(dt.datetime.now(UTC))}\n")
    for option in ("--at", "--known-at"):
        found, said = gaps(varve, "t", "--every", "1s", "--last", "1m", option, stamp(at))
        assert [(row["to"], row["missing"]) for row in found] == [(stamp(whole), 59)], option
        assert "59 of 59" in said


def test_a_table_that_stopped_is_missing_in_the_whole_range(varve):
    varve.ok("create", "t", "--schema", "at timestamp not null", "--key", "at")
    varve.upsert("t", "at\n2025-01-01T00:00:00Z\n")
    span = ("--every", "1h", "--from", "2025-02-01", "--to", "2025-02-02")
    found, said = gaps(varve, "t", *span)
    assert [row["missing"] for row in found] == [24] and "24 of 24 intervals missing" in said
    found, _ = gaps(varve, "t", *span, "--show", "coverage")
    assert [(row["expected"], row["present"]) for row in found] == [(24, 0)]


def test_a_symbol_that_stopped_is_missing_in_the_whole_range(varve):
    varve.ok("create", "t", "--schema", "at timestamp not null, s string not null",
             "--key", "at,s")
    varve.upsert("t", "at,s\n2025-01-01T00:00:00Z,gone\n2025-02-01T00:00:00Z,here\n")
    found, _ = gaps(varve, "t", "--every", "1h", "--by", "s", "--from", "2025-02-01",
                    "--to", "2025-02-01T03:00:00Z")
    assert [(row["s"], row["missing"]) for row in found] == [("gone", 3), ("here", 2)]


@pytest.mark.parametrize("first, hours", [("00:00:00.000000", 3), ("23:59:59.999999", 4)])
def test_a_group_is_not_missing_before_its_first_row(varve, first, hours):
    """Where a session begins as the last one closes, a row of that moment is of the one that begins."""
    varve.ok("create", "t", "--schema", "at timestamp not null, s string not null", "--key", "at,s")
    at = f"2025-01-0{1 if first > '1' else 2}T{first}Z"
    varve.upsert("t", f"at,s\n2025-01-01T10:00:00Z,a\n{at},b\n2025-01-02T02:30:00Z,a\n")
    found, _ = gaps(varve, "t", "--every", "1h", "--by", "s", "--show", "coverage")
    assert [(row["s"], row["expected"], row["present"]) for row in found] == [("a", 17, 2), ("b", hours, 1)]


def test_a_first_row_at_the_very_close_is_of_that_session_whatever_others_have(varve):
    varve.ok("create", "t", "--schema", "at timestamp not null, s string not null", "--key", "at,s")
    for symbol in "ba":  # b alone, and when a has begun before it
        at = "2025-03-10T20:00:00Z" if symbol == "b" else "2025-03-10T17:00:00Z"
        varve.upsert("t", f"at,s\n{at},{symbol}\n")
        found, _ = gaps(varve, "t", "--every", "1h", "--by", "s", "--calendar", "XNYS", "--show", "coverage")
        assert [(row["s"], row["expected"], row["present"], row["outside"]) for row in found][-1] == (
            "b", 1, 1, 0)


def test_a_session_ends_where_the_next_one_begins(varve, tmp_path):
    """In the calendar of the documentation a night goes on until Friday at 17:00, and Friday has its own."""
    path = tmp_path / "calendar.txt"
    path.write_text((ROOT / "docs" / "format-calendar.md").read_text().split("```\n")[1])
    varve.ok("create", "t", "--schema", "at timestamp not null", "--key", "at")
    begin = dt.datetime(2025, 3, 3, tzinfo=UTC)
    varve.upsert("t", "at\n" + "".join(
        f"{stamp(begin + dt.timedelta(minutes=30 * half))}\n" for half in range(7 * 48)))
    found, said = gaps(varve, "t", "--every", "30m", "--calendar", path)
    # Thrice 23 hours, Thursday from 23:00 to 14:30, and 2 1/2 and 3 hours of Friday: 90.
    assert found == [] and "calendar MINE: 0 of 180 intervals missing" in said


def test_an_interval_that_the_range_cuts_is_not_missing(varve):
    """A row at each full minute is no gap, wherever in the minute the range begins or ends."""
    varve.ok("create", "t", "--schema", "at timestamp not null, s string", "--key", "at,s")
    begin = dt.datetime(2025, 1, 1, 10, tzinfo=UTC)
    varve.upsert("t", "at,s\n" + "".join(
        f"{stamp(begin + dt.timedelta(minutes=minute))},{symbol}\n"
        for minute in range(30) for symbol in "ab"))
    every = ("--every", "1m", "--by", "s", "--from", "2025-01-01T10:05:42Z")
    found, said = gaps(varve, "t", *every)
    assert found == [] and "0 of 48 intervals missing" in said
    # 10:20 is there, and not over at the end of the range.
    found, said = gaps(varve, "t", *every, "--to", "2025-01-01T10:20:10Z")
    assert found == [] and "0 of 28 intervals missing" in said
    assert "closed" not in said
    # Whole ones at both ends count.
    found, said = gaps(varve, "t", "--every", "1m", "--by", "s", "--from", "2025-01-01T09:59:00Z",
                       "--to", "2025-01-01T10:31:00Z")
    assert [(row["s"], row["from"], row["missing"]) for row in found] == [
        (symbol, text(begin + dt.timedelta(minutes=minute)), 1)
        for symbol in "ab" for minute in (-1, 30)]
    assert "4 of 64" in said


def test_the_last_day_begins_within_an_hour(varve):
    varve.ok("create", "t", "--schema", "at timestamp not null", "--key", "at")
    now = dt.datetime.now(UTC)
    hour = now.replace(minute=0, second=0, microsecond=0)
    varve.upsert("t", "at\n" + "".join(
        f"{stamp(hour - dt.timedelta(hours=back))}\n" for back in range(30)))
    found, said = gaps(varve, "t", "--every", "1h", "--last", "1d")
    assert found == [] and ("0 of 24" in said or "0 of 23" in said)


def test_a_row_far_away_ends_the_report_before_it_is_made(varve):
    """The days up to the year 9999 are refused at once, by what to narrow."""
    varve.ok("create", "t", "--schema", "at timestamp not null", "--key", "at")
    varve.upsert("t", "at\n2025-01-01T00:00:00Z\n2025-01-03T00:00:00Z\n9999-12-01T00:00:00Z\n")
    done = varve.run("gaps", "t", "--every", "1d")
    assert done.returncode == 9
    assert "the days from 2025-01-01 to 9999-12-01 are 2912778, and the most are" in done.stderr
    assert "--from, --to" in done.stderr
    found, _ = gaps(varve, "t", "--every", "1d", "--to", "2025-02-01")
    assert [(row["from"][:10], row["missing"]) for row in found] == [
        ("2025-01-02", 1), ("2025-01-04", 28)]


def test_groups_times_intervals_have_a_limit(varve):
    varve.ok("create", "t", "--schema", "at timestamp not null, s long not null", "--key", "at,s")
    symbols = range(400)
    varve.upsert("t", "at,s\n" + "".join(f"2025-01-01T00:00:00Z,{s}\n" for s in symbols)
                 + "2025-01-05T00:00:00Z,0\n")
    every = ("--every", "1s", "--by", "s")
    for range_ in ((), ("--from", "2025-01-01")):  # each from its first row on; all in the range
        done = varve.run("gaps", "t", *every, *range_)
        assert done.returncode == 9
        assert "that are 138240400 intervals of 400 groups, and the most are" in done.stderr
        assert "shorter range (--from, --to, --last), a longer --every or fewer" in done.stderr
    # Groups that begin late have few intervals before the end.
    varve.upsert("t", "at,s\n" + "".join(f"2025-01-04T23:59:59Z,{s + 400}\n" for s in symbols))
    done = varve.run("gaps", "t", *every)
    assert "that are 138241200 intervals of 800 groups" in done.stderr


def test_what_is_not_over_yet_is_not_missing(varve):
    varve.ok("create", "t", "--schema", "at timestamp not null", "--key", "at")
    now = dt.datetime.now(UTC)
    day = dt.datetime(now.year, now.month, now.day, tzinfo=UTC)
    varve.upsert("t", f"at\n{stamp(day - dt.timedelta(hours=30))}\n")
    found, _ = gaps(varve, "t", "--every", "1d", "--from", stamp(day - dt.timedelta(days=2)),
                    "--to", stamp(day + dt.timedelta(days=5)))
    assert [row["to"] for row in found] == [text(day)]


def test_without_rows(varve):
    varve.ok("create", "t", "--schema", "at timestamp not null, seen timestamp", "--key", "at",
             "--order-by", "seen")
    found, said = gaps(varve, "t", "--every", "1m")
    assert found == [] and "t has no row" in said
    varve.upsert("t", "at\n2025-01-01T00:00:00Z\n")
    found, said = gaps(varve, "t", "--every", "1m", "--from", "2025-02-01", "--to", "2025-02-02")
    assert "the newest row of t is of 2025-01-01T00:00:00.000000Z" in said
    assert gaps(varve, "t", "--show", "lateness", "--to", "2024-01-01")[0] == []


def test_lateness(varve):
    varve.ok("create", "t", "--schema", "at timestamp not null, s string, seen timestamp",
             "--key", "at", "--order-by", "seen")
    late = [-1, 0, 0.5, 1, 4.999999, 29, 60, 3600, 86400, 90000]
    varve.upsert("t", "at,s,seen\n" + "".join(
        f"{stamp(when)},{'ab'[index % 2]},{stamp(when + dt.timedelta(seconds=seconds))}\n"
        for index, seconds in enumerate(late)
        for when in [dt.datetime(2025, 1, 1, index, tzinfo=UTC)]))
    found, _ = gaps(varve, "t", "--show", "lateness")
    assert [(row["lateness"], row["from_seconds"], row["to_seconds"], row["rows"])
            for row in found] == [
        ("before its time", None, 0, 1), ("under 1s", 0, 1, 2), ("1s to 5s", 1, 5, 2),
        ("5s to 30s", 5, 30, 1), ("1m to 5m", 60, 300, 1), ("30m to 2h", 1800, 7200, 1),
        ("1d and more", 86400, None, 2)]
    assert [row["cumulative_share"] for row in found] == pytest.approx(
        [0.1, 0.3, 0.5, 0.6, 0.7, 0.8, 1.0])
    by, _ = gaps(varve, "t", "--show", "lateness", "--by", "s")
    assert sum(row["share"] for row in by) == pytest.approx(2)
    assert {row["s"] for row in by} == {"a", "b"}
    for column in ("at", "seen"):
        by, _ = gaps(varve, "t", "--show", "lateness", "--by", column)
        assert [(row["rows"], row["share"]) for row in by] == [(1, 1)] * 10
    done = varve.run("gaps", "t", "--show", "lateness", "--by", "s,s")
    assert done.returncode == 2 and "column s is named twice" in done.stderr


def test_lateness_needs_two_times(varve):
    """Without a time in the key the order column is the event time too."""
    varve.ok("create", "t", "--schema", "id bigint not null, seen timestamp", "--key", "id",
             "--order-by", "seen")
    varve.upsert("t", "id,seen\n1,2025-01-01T00:00:00Z\n2,2025-01-01T00:00:01Z\n")
    done = varve.run("gaps", "t", "--show", "lateness")
    assert done.returncode == 2
    assert "table t has one time, its order column seen: lateness is" in done.stderr


def test_a_key_without_a_time(varve):
    varve.ok("create", "states", "--schema", "k string not null", "--key", "k")
    for arguments in (["latest"], ["range"], ["gaps", "--every", "1d"]):
        done = varve.run(arguments[0], "states", *arguments[1:])
        assert done.returncode == 2 and "none is in its key" in done.stderr


def test_a_time_that_is_the_order_column_is_told(varve):
    """When rows were written is not when they happened."""
    varve.ok("create", "state", "--schema", "k string not null, seen timestamp, v int",
             "--key", "k", "--order-by", "seen")
    varve.ok("create", "news", "--schema", "k string not null, at timestamp not null, seen timestamp",
             "--key", "k,at", "--order-by", "seen")
    varve.upsert("state", "k,seen,v\na,2025-03-10T10:00:00Z,1\nb,2025-03-10T12:30:00Z,2\n")
    varve.upsert("news", "k,at,seen\na,2025-03-10T10:00:00Z,2025-03-10T11:00:00Z\n")
    for arguments in (["latest"], ["range", "--from", "2025-01-01"], ["range", "--last", "1h"],
                      ["gaps", "--every", "1h"]):
        for table, is_told in (("state", True), ("news", False)):
            done = varve.run(arguments[0], table, *arguments[1:])
            assert done.returncode == 0, done.stderr
            words = "no time is in the key of table state: its rows are taken to be of the time in"
            assert done.stderr.count(words) == is_told, done.stderr
            assert is_told is ("order column, seen" in done.stderr)
    assert not varve.run("latest", "state", "--quiet").stderr


@pytest.mark.parametrize("arguments, status, words", [
    ((), 2, "how often are rows expected"),
    (("--every", "soon"), 2, "is not a length of time"),
    (("--every", "10ms"), 2, "a second or more"),
    (("--every", "2d"), 2, "each day at the least"),
    (("--every", "1m", "--by", "nope"), 2, "no column nope"),
    (("--every", "1m", "--calendar", "/nowhere"), 5, "one of 24x7, XNYS"),
    (("--every", "1m", "--calendar", "XNYS", "--from", "1980-01-01"), 2,
     "knows the days from 1990-01-01 to 2028-12-31"),
    (("--every", "1s", "--from", "1900-01-01", "--to", "2020-01-01"), 9, "a longer --every"),
    (("--show", "lateness", "--every", "1m"), 2, "mean nothing"),
    (("--show", "lateness"), 2, "no order column that is a time"),
    (("--every", "1m", "--last", "1d", "--to", "now"), 2, "not both"),
])
def test_wrong_questions(varve, arguments, status, words):
    varve.ok("create", "t", "--schema", "at timestamp not null", "--key", "at")
    varve.upsert("t", "at\n2025-01-01T00:00:00Z\n")
    done = varve.run("gaps", "t", *arguments)
    assert done.returncode == status and words in done.stderr


def test_an_empty_table_says_nothing_of_what_to_expect(varve):
    varve.ok("create", "t", "--schema", "at timestamp not null, symbol string not null",
             "--key", "at,symbol")
    span = ("--from", "2025-01-01", "--to", "2025-01-02")
    for words, end in ((("--by", "symbol"), "t has no row\n"), ((), "t has no row\n"),
                       (("--by", "symbol", *span), "t has no row before the end of that time\n"),
                       (("--by", "symbol", "--last", "1h"), "before the end of that time\n")):
        rows, said = gaps(varve, "t", "--every", "1h", *words)
        assert rows == [] and said.startswith("calendar 24x7: nothing says what to expect: ")
        assert said.endswith(end) and said.count("\n") == 1, said
        end = () if "--last" in words or "--to" in words else ("--to", "now")
        assert varve.run("gaps", "t", "--every", "1h", *words, *end,
                         "--strict").returncode == 10
    rows, said = gaps(varve, "t", "--every", "1h", *span)
    assert rows[0]["missing"] == 24 and "24 of 24 intervals missing" in said


def test_a_monitor_is_told_by_the_exit_status(varve):
    varve.ok("create", "t", "--schema", "at timestamp not null", "--key", "at")
    varve.upsert("t", "at\n" + "".join(
        f"2025-01-01T{hour:02}:30:00Z\n" for hour in range(24) if hour not in (7, 8)))
    words = ("gaps", "t", "--every", "1h", "--strict", "--from", "2025-01-01")
    for show in ("missing", "coverage"):
        assert varve.run(*words, "--to", "2025-01-01T07:00:00Z", "--show", show).returncode == 0
        done = varve.run(*words, "--to", "2025-01-02", "--show", show)
        assert done.returncode == 10 and "table t: 2 intervals missing\n" in done.stderr
        assert len(done.stdout.splitlines()) == 2  # they are shown all the same
    done = varve.run(*words, "--to", "2025-01-01T00:30:00Z")  # nothing whole, so nothing missing
    assert done.returncode == 0 and "no whole interval of 1h" in done.stderr
    done = varve.run("gaps", "t", "--show", "lateness", "--strict")
    assert done.returncode == 2 and "--strict" in done.stderr


def test_a_dead_feed_is_never_well(varve):
    varve.ok("create", "t", "--schema", "at timestamp not null", "--key", "at")
    varve.upsert("t", "at\n2025-01-01T00:00:00Z\n2025-01-01T01:00:00Z\n")
    for words in ((), ("--from", "2025-06-01"), ("--from", "2025-01-01", "--show", "coverage")):
        done = varve.run("gaps", "t", "--every", "1h", *words, "--strict")
        assert done.returncode == 2 and done.stderr.endswith(
            "add --last of at least two times --every, or --to now\n"), done.stderr
        assert done.stdout == ""
        for end in (("--to", "now"), *([("--last", "2h")] if not words else [])):
            assert varve.run("gaps", "t", "--every", "1h", *words, *end, "--strict").returncode == 10


def test_a_range_behind_the_newest_row_says_why_nothing_is_expected(varve):
    varve.ok("create", "t", "--schema", "at timestamp not null", "--key", "at")
    for count in (0, 1):
        if count:
            varve.upsert("t", "at\n2025-01-01T00:00:00Z\n")
        rows, said = gaps(varve, "t", "--every", "1h", "--from", "2025-06-01")
        assert rows == [] and said.startswith(
            "calendar 24x7: no row was expected: without --last or --to that time ends with the "
            "newest row, and none is in it\n"), said
    assert "the newest row of t is of 2025-01-01T00:00:00" in said


@pytest.mark.parametrize("lines, words", [
    ("", "has no session"),
    ("session mon 09:30", "line 1: it needs two times"),
    ("session mon 09:30 24:01", "line 1: it needs two times"),
    ("session moon 09:30 10:00", "line 1: days are mon"),
    ("\nclosed 2025-02-30", "line 2: it needs a date"),
    ("closed 2025-02-03\nclosed 2025-02-03", "line 2: days must be in order"),
    ("hours 2025-02-03 10:00 12:00\nhours 2025-02-03 11:00 12:00", "days must be in order"),
    ("valid 2025-01-01 2024-01-01", "line 1: it needs two dates"),
    ("valid 2025-01-01 2025-02-01\nclosed 2026-01-01", "outside of the days that are valid"),
    ("closed 2025-01-01\nvalid 2025-01-01 2025-02-01", "line 2: it has to be before all days"),
    ("session mon 09:30 12:00 13:00 16:00", "line 1: it goes on behind what it says"),
    ("hours 2025-02-03 24:00 00:00", "line 1: what opens at 24:00"),
    ("timezone America/New York", "line 1: it goes on behind what it says"),
    ("holiday 2025-01-01", "line 1: a line begins with calendar"),
    ("timezone Mars/Olympus\nsession mon 09:00 10:00", "Mars/Olympus"),
])
def test_a_calendar_that_means_nothing(varve, tmp_path, lines, words):
    path = tmp_path / "bad.txt"
    path.write_text(lines + "\n")
    varve.ok("create", "t", "--schema", "at timestamp not null", "--key", "at")
    varve.upsert("t", "at\n2025-01-06T00:00:00Z\n")
    done = varve.run("gaps", "t", "--every", "1m", "--calendar", path)
    assert done.returncode == 2 and words in done.stderr, done.stderr
