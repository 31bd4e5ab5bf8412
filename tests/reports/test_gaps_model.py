"""Gaps against a model that knows the words of docs/reports.md alone: it lays out all sessions that a
calendar has, and looks for each row, and from interval to interval, in all of them."""

import bisect
import dataclasses
import datetime as dt
import json
import random
import re
import zoneinfo

import pytest

UTC = dt.timezone.utc
FIRST, LAST = dt.date(2025, 1, 1), dt.date(2025, 12, 31)  # what the calendars know
WEEKDAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
DAILY = ",".join(WEEKDAYS)
DAY = dt.timedelta(days=1)
MINUTE = dt.timedelta(minutes=1)
TICK = dt.timedelta(microseconds=1)


@dataclasses.dataclass
class Calendar:
    """As a file has it: sessions are (weekdays or a date, open, close)."""

    zone: str
    sessions: list
    special: list = dataclasses.field(default_factory=list)  # no times: closed

    def text(self):
        return (f"calendar TEST\ntimezone {self.zone}\nvalid {FIRST} {LAST}\n"
                + "".join(f"session {' '.join(words)}\n" for words in self.sessions)
                + "".join(f"{'hours' if len(words) > 1 else 'closed'} {' '.join(words)}\n"
                          for words in self.special))

    def of(self, day):
        """(open, close) of the sessions that begin on a day, each an instant."""
        lines = [words for words in self.special if words[0] == str(day)] or [
            words for words in self.sessions if WEEKDAYS[day.weekday()] in words[0].split(",")]
        for words in (words for words in lines if len(words) > 1):
            begin, close = (dt.timedelta(hours=int(word[:2]), minutes=int(word[3:]))
                            for word in words[1:])
            yield self.instant(day, begin), self.instant(
                day, close if close > begin else close + DAY)

    def instant(self, day, after_midnight):
        local = dt.datetime.combine(day, dt.time()) + after_midnight
        return local.replace(tzinfo=zoneinfo.ZoneInfo(self.zone)).astimezone(UTC)

    def slots(self, every, low, high, by_date=False):
        """(begin, end, whether a session closes with it) in order of time, about a stretch of time."""
        first, last = max(low.date() - 4 * DAY, FIRST), min(high.date() + 4 * DAY, LAST)
        days = [first + number * DAY for number in range((last - first).days + 1)]
        if every == DAY:
            for day in (day for day in days if list(self.of(day))):
                yield *(dt.datetime.combine(when, dt.time(), UTC) if by_date
                        else self.instant(when, dt.timedelta()) for when in (day, day + DAY)), False
            return
        closes = {}  # by the opening; the later one of those that open at once
        for begin, close in (session for day in days for session in self.of(day)):
            closes[begin] = max(close, closes.get(begin, close))
        for begin, following in zip(sorted(closes), sorted(closes)[1:] + [None]):
            close = min(closes[begin], following or closes[begin])
            while begin < close:
                yield begin, min(begin + every, close), begin + every >= close
                begin += every


CALENDARS = {
    "a break, a night, two days that differ": Calendar(
        "America/New_York", [("mon,tue,wed,thu", "18:00", "03:00"), ("fri", "09:30", "12:00"),
                             ("fri", "13:00", "16:00")],
        [("2025-01-03",), ("2025-03-11",), ("2025-03-12", "10:00", "11:00"), ("2025-12-30",)]),
    "the one of docs/format-calendar.md": Calendar(
        "America/New_York", [("mon,tue,wed,thu", "18:00", "17:00"), ("fri", "09:30", "12:00"),
                             ("fri", "13:00", "16:00")]),
    "two that begin at once, and one within": Calendar(
        "Europe/London", [(DAILY, "09:00", "17:00"), (DAILY, "09:00", "10:30"), (DAILY, "14:00", "15:30")]),
    "touching, over midnight": Calendar("America/Los_Angeles", [(DAILY, "17:00", "17:00")]),
    "touching, within a day": Calendar(
        "Europe/London", [("mon,tue,wed,fri", "08:00", "12:15"), ("mon,tue,wed,fri", "12:15", "16:30"),
                          ("thu", "08:00", "16:00")], [("2025-03-31", "09:00", "12:15"),
                                                       ("2025-03-31", "12:15", "13:00")]),
    "touching, around the clock": Calendar("America/New_York", [(DAILY, "00:00", "24:00")]),
    "east": Calendar("Australia/Sydney", [(DAILY, "10:00", "16:00")]),
    "far east": Calendar("Pacific/Kiritimati", [("mon,tue,wed,thu,sat", "22:00", "21:00")]),
    "far west": Calendar("Etc/GMT+12", [("mon,wed,thu,sat", "23:30", "23:00")]),
    "from midnight to midnight": Calendar("Pacific/Pago_Pago", [(DAILY, "00:00", "00:00")]),
}
# Weeks, by their first days in UTC: a day from the ends of what the calendars know, whose sessions on
# the day beyond may reach into them; and changes of the clocks.
ENDS = ("2025-01-02", "2025-12-25")
ANY = "2025-06-10"
CHANGES = {"America/New_York": ["2025-03-07", "2025-10-31"], "America/Los_Angeles": ["2025-03-07", "2025-10-31"],
           "Europe/London": ["2025-03-28", "2025-10-24"], "Australia/Sydney": ["2025-04-04", "2025-10-03"]}
WEEK = 6 * DAY


def stamp(when):
    return when.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


# ---- The model -------------------------------------------------------------------------------------


def lies_in(slots, when):
    """The interval that a row is in; None: it is of a closed time."""
    index = bisect.bisect(slots, when, key=lambda slot: slot[0]) - 1
    if index >= 0 and when < slots[index][1]:
        return index
    return next((index for index, (_, end, closes) in enumerate(slots) if closes and end == when), None)


def model(calendar, rows, every, start, end):
    """Of each group: [(from, to, how many)] of what is missing, expected and present intervals, and how
    many rows are of closed times. `rows`: {group: instants}."""
    until = end or max(when for times in rows.values() for when in times) + TICK
    answer = {}
    for name, times in sorted(rows.items()):
        before = [when for when in times if when < until]
        if not before:
            continue
        within = [when for when in before if not start or when >= start]
        by_date = every == DAY and all(when.time() == dt.time() for when in within or before)
        slots = list(calendar.slots(every, start or min(before), until, by_date))
        first = start
        if not start:  # from the interval on that its first row is in
            index = lies_in(slots, min(before))
            first = min(before) if index is None else slots[index][0]
        wanted = [index for index, (begin, close, _) in enumerate(slots)
                  if begin >= first and begin < until and (not end or close <= end)]
        placed = [lies_in(slots, when) for when in within]
        missing = sorted(set(wanted) - set(placed))
        runs = []
        for index in missing:
            if runs and runs[-1][-1] + 1 == index:
                runs[-1].append(index)
            else:
                runs.append([index])
        answer[name] = ([(slots[run[0]][0], slots[run[-1]][1], len(run)) for run in runs],
                        len(wanted), len(wanted) - len(missing), placed.count(None))
    return answer


# ---- Rows and ranges -------------------------------------------------------------------------------


def edges(calendar, every, low, high):
    """Instants at which a row, or a range, changes its interval; those that the calendar knows."""
    return sorted({when for begin, end, _ in calendar.slots(every, low, high)
                   for when in (begin, end) if low <= when < high})


def some_rows(chance, calendar, every, low, high):
    """Instants of three groups: mostly of edges, and just beside them. One begins late, one is of days."""
    known = edges(calendar, every, low, high)
    rows = {}
    for name, begins in (("early", 0), ("late", chance.randrange(len(known) // 2))):
        rows[name] = {when for when in known[begins:] if chance.random() < 0.4}
        rows[name] |= {when + chance.choice((-TICK, TICK, every / 3)) for when in known[begins:]
                       if chance.random() < 0.3}
        rows[name] |= {low + chance.random() * (high - low - TICK) for _ in range(6 * (name == "early"))}
        rows[name].add(known[begins])
    rows["days"] = {low + number * DAY for number in range(6) if chance.random() < 0.7} | {low + DAY}
    return {name: sorted(when for when in times if low <= when < high) for name, times in rows.items()}


def some_ranges(chance, known, low, high):
    """(start, end), either may be None: open; at edges, beside them and anywhere."""
    def some():
        return min(max(chance.choice((chance.choice(known), chance.choice(known) + TICK,
                                      low + DAY * chance.randrange(6),
                                      low + chance.random() * (high - low))), low), high)
    yield None, None
    yield chance.choice(((min(some(), high - TICK), None), (None, max(some(), low + DAY))))
    start, end = sorted((some(), some()))
    yield min(start, high - TICK), end


def gaps(varve, table, *arguments):
    done = varve.run("gaps", table, "--by", "s", *arguments, "--format", "ndjson")
    assert done.returncode == 0, done.stderr
    return [json.loads(line) for line in done.stdout.splitlines()], done.stderr


def numbers_in(said):
    """(expected, present, of closed times) as the summary has them."""
    missing, expected = map(int, (re.findall(r"(\d+) of (\d+) interval", said) or [(0, 0)])[0])
    outside = re.findall(r"(\d+) rows? (?:is|are) of", said) or [0]
    return expected, expected - missing, int(outside[0])


def check(varve, table, path, calendar, rows, every, start, end):
    wanted = model(calendar, rows, every, start, end)
    words = ["--calendar", path, "--every", f"{every // MINUTE}m",
             *(("--from", stamp(start)) if start else ()), *(("--to", stamp(end)) if end else ())]
    found, said = gaps(varve, table, *words)
    assert [(row["s"], row["from"], row["to"], row["missing"]) for row in found] == [
        (name, stamp(a), stamp(b), n) for name, (runs, *_) in wanted.items() for a, b, n in runs], words
    assert numbers_in(said) == tuple(sum(one[1 + i] for one in wanted.values()) for i in range(3)), words
    if not start and not end:
        found, _ = gaps(varve, table, *words, "--show", "coverage")
        assert {row["s"]: (row["expected"], row["present"], row["outside"], row["rows"], row["longest_gap"])
                for row in found} == {name: (*numbers, len(rows[name]), max((n for *_, n in runs), default=0))
                                      for name, (runs, *numbers) in wanted.items()}, words


@pytest.mark.parametrize("name", CALENDARS)
def test_random_rows_and_ranges(varve, tmp_path, name):
    calendar = CALENDARS[name]
    chance = random.Random(name)
    path = tmp_path / "calendar.txt"
    path.write_text(calendar.text())
    for week, lengths in ((ENDS[0], (25, 60)), (ENDS[1], (25, 60, 420)),
                          (chance.choice(CHANGES.get(calendar.zone, [ANY])), (60, 420, 1440, 1440))):
        table = f"week_{week}"
        low = dt.datetime.fromisoformat(week).replace(tzinfo=UTC)
        every = chance.choice(lengths) * MINUTE
        rows = some_rows(chance, calendar, every, low, low + WEEK)
        varve.ok("create", table, "--schema", "at timestamp not null, s string not null", "--key", "at,s")
        varve.upsert(table, "at,s\n" + "".join(
            f"{stamp(when)},{group}\n" for group, times in rows.items() for when in times))
        for start, end in some_ranges(chance, edges(calendar, every, low, low + WEEK), low, low + WEEK):
            check(varve, table, path, calendar, rows, every, start, end)
