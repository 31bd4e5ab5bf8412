"""The calendar of the New York Stock Exchange, against its rules written down anew."""

import datetime as dt
import pathlib

import pytest

FILE = pathlib.Path(__file__).resolve().parents[2] / "share" / "calendars" / "XNYS.txt"
MON, THU, FRI, SAT, SUN = 0, 3, 4, 5, 6


def read():
    """{date: None where closed, else (open, close)} of the lines with days."""
    days = {}
    for line in FILE.read_text().splitlines():
        words = line.split()
        if words and words[0] == "closed":
            days[dt.date.fromisoformat(words[1])] = None
        elif words and words[0] == "hours":
            days[dt.date.fromisoformat(words[1])] = (words[2], words[3])
    return days


def nth(year, month, weekday, number):
    first = dt.date(year, month, 1)
    return first + dt.timedelta((weekday - first.weekday()) % 7 + 7 * (number - 1))


def last_monday(year, month):
    last = dt.date(year, month + 1, 1) - dt.timedelta(1)
    return last - dt.timedelta(last.weekday())


def easter(year):
    """Gauss's rule, as Meeus gives it."""
    a, b, c = year % 19, year // 100, year % 100
    h = (19 * a + b - b // 4 - (b - (b + 8) // 25 + 1) // 3 + 15) % 30
    k = (32 + 2 * (b % 4) + 2 * (c // 4) - h - c % 4) % 7
    m = (a + 11 * h + 22 * k) // 451
    return dt.date(year, (h + k - 7 * m + 114) // 31, (h + k - 7 * m + 114) % 31 + 1)


def observed(day):
    """On a Sunday the Monday after, on a Saturday the Friday before."""
    return day + dt.timedelta({SAT: -1, SUN: 1}.get(day.weekday(), 0))


def holidays(year):
    new_year = dt.date(year, 1, 1)
    if new_year.weekday() != SAT:  # the Friday before is in the old year, and business goes on
        yield observed(new_year)
    if year >= 1998:
        yield nth(year, 1, MON, 3)
    yield nth(year, 2, MON, 3)
    yield easter(year) - dt.timedelta(2)
    yield last_monday(year, 5)
    if year >= 2022:
        yield observed(dt.date(year, 6, 19))
    yield observed(dt.date(year, 7, 4))
    yield nth(year, 9, MON, 1)
    yield nth(year, 11, THU, 4)
    yield observed(dt.date(year, 12, 25))


# Days that no rule gives.
SPECIAL = {
    "1994-04-27": None, "2001-09-11": None, "2001-09-12": None, "2001-09-13": None,
    "2001-09-14": None, "2004-06-11": None, "2007-01-02": None, "2012-10-29": None,
    "2012-10-30": None, "2018-12-05": None, "2025-01-09": None,
    "1990-12-27": ("09:31", "16:00"), "1991-01-17": ("09:31", "16:00"),
    "1991-02-25": ("09:31", "16:00"), "1994-02-11": ("09:30", "14:30"),
    "1995-12-18": ("10:30", "16:00"), "1996-01-08": ("11:00", "14:00"),
    "1997-10-27": ("09:30", "15:30"), "2001-09-17": ("09:33", "16:00"),
    "2001-10-08": ("09:31", "16:00"), "2002-09-11": ("12:00", "16:00"),
    "2003-03-20": ("09:32", "16:00"), "2004-06-07": ("09:32", "16:00"),
    "2005-06-01": ("09:30", "15:56"), "2006-12-27": ("09:32", "16:00"),
    # Early closings that the exchange chose year by year, before the rules of today and beside them.
    "1990-12-24": ("09:30", "14:00"), "1991-12-24": ("09:30", "14:00"),
    "1992-11-27": ("09:30", "14:00"), "1992-12-24": ("09:30", "14:00"),
    "1996-07-05": ("09:30", "13:00"), "1997-12-26": ("09:30", "13:00"),
    "1999-12-31": ("09:30", "13:00"), "2002-07-05": ("09:30", "13:00"),
    "2003-12-26": ("09:30", "13:00"),
}


def early(year):
    """Closings at one o'clock by rule, since 1993."""
    if year < 1993:
        return
    yield nth(year, 11, THU, 4) + dt.timedelta(1)
    if dt.date(year, 12, 24).weekday() <= THU:
        yield dt.date(year, 12, 24)
    third = dt.date(year, 7, 3)
    if year >= 1995 and third.weekday() <= THU and (year >= 2013 or third.weekday() != 2):
        yield third


def derived():
    days = {}
    for year in range(1990, 2029):
        days.update({day: ("09:30", "13:00") for day in early(year)})
        days.update({day: None for day in holidays(year)})
    days.update({dt.date.fromisoformat(day): hours for day, hours in SPECIAL.items()})
    return days


def test_every_day_is_as_the_rules_say():
    found, wanted = read(), derived()
    differ = {str(day): (found.get(day, "open"), wanted.get(day, "open"))
              for day in sorted(found.keys() | wanted.keys())
              if found.get(day, "open") != wanted.get(day, "open")}
    assert differ == {}
    assert len(found) > 440 and all(day.weekday() <= FRI for day in found)


def test_another_calendar_of_the_exchange_agrees():
    calendars = pytest.importorskip("exchange_calendars")
    schedule = calendars.get_calendar("XNYS", start="1990-01-01", end="2028-12-31").schedule
    found = read()
    day, end = dt.date(1990, 1, 1), dt.date(2028, 12, 31)
    open_days = {stamp.date() for stamp in schedule.index}
    while day <= end:
        assert (day in open_days) == (day.weekday() <= FRI and found.get(day, "") is not None)
        day += dt.timedelta(1)
