"""The market that the benchmark runs on: the same rows for every engine, from one seed."""

import datetime
import functools

import numpy
import polars

from schema import COLUMNS, KEY

MINUTES = 390  # of a trading day
DAYS = 55
FIRST_DAY = datetime.date(2025, 1, 6)
REGIMES = ["bullish_low", "bullish_high", "bearish_low", "bearish_high", "neutral_low",
           "neutral_high"]
SPARE_DAYS = 12  # after those of the table, for what comes fresh


def trading_days(count=DAYS):
    days = []
    day = FIRST_DAY
    while len(days) < count:
        if day.weekday() < 5:
            days.append(day)
        day += datetime.timedelta(days=1)
    return days


def opening(day):
    return datetime.datetime(day.year, day.month, day.day, 14, 30)


def performance(times, strategies, seed, ingested_at):
    """A row for each of `times` (datetimes) and each of so many strategies."""
    chance = numpy.random.default_rng(seed)
    count = len(times) * strategies
    pnl = numpy.round(chance.normal(0, 250, (len(times), strategies)).cumsum(axis=0), 2).ravel()
    realized = numpy.round(chance.normal(0, 100, count), 2)
    entry = numpy.round(400 + chance.normal(0, 20, count), 2)
    names = numpy.array([f"strategy_{number:03d}" for number in range(strategies)])
    regimes = numpy.array(REGIMES)
    stamp = numpy.repeat(numpy.array(times, dtype="datetime64[us]"), strategies)
    return polars.DataFrame({
        "timestamp": stamp,
        "strategy_id": numpy.tile(names, len(times)),
        "unrealized_pnl": pnl - realized,
        "realized_pnl": realized,
        "total_pnl": pnl,
        "delta": numpy.round(chance.uniform(-1, 1, count), 4),
        "gamma": numpy.round(chance.uniform(0, 0.1, count), 4),
        "theta": numpy.round(chance.uniform(-50, 0, count), 2),
        "vega": numpy.round(chance.uniform(0, 100, count), 2),
        "dte": chance.integers(0, 60, count).astype("int32"),
        "entry_price": entry,
        "current_price": numpy.round(entry + chance.normal(0, 3, count), 2),
        "regime_at_entry": regimes[chance.integers(0, 6, count)],
        "regime_current": regimes[chance.integers(0, 6, count)],
    }).with_columns(
        polars.col("timestamp").dt.replace_time_zone("UTC"),
        polars.col("timestamp").dt.date().alias("date"),
        polars.lit(ingested_at).cast(polars.Datetime("us", "UTC")).alias("ingested_at"),
    ).select(COLUMNS)


def regimes(days):
    """The regime of SPY, every half hour."""
    chance = numpy.random.default_rng(7)
    times = [opening(day) + datetime.timedelta(minutes=30 * slot)
             for day in days for slot in range(13)]
    return polars.DataFrame({
        "timestamp": times,
        "symbol": "SPY",
        "regime": numpy.array(REGIMES)[chance.integers(0, 6, len(times))],
        "vix": numpy.round(chance.uniform(10, 40, len(times)), 2),
        "confidence": numpy.round(chance.uniform(0.5, 1, len(times)), 3),
    }).with_columns(
        polars.col("timestamp").cast(polars.Datetime("us")).dt.replace_time_zone("UTC"),
        polars.col("timestamp").dt.date().alias("date"),
        polars.lit(times[0]).cast(polars.Datetime("us", "UTC")).alias("ingested_at"),
    )


def minutes(day, first, count):
    return [opening(day) + datetime.timedelta(minutes=first + number) for number in range(count)]


class Market:
    """The table as it is at first, and the batches of the workloads.

    A table grows by strategies over so many days, or, where the strategies are given, by days.
    """

    def __init__(self, rows, strategies=None, spare_days=SPARE_DAYS):
        self.strategies = strategies or max(2, round(rows / (MINUTES * DAYS)))
        self.loaded_days = max(1, round(rows / (MINUTES * strategies))) if strategies else DAYS
        self.spare_days = spare_days
        self.days = trading_days(self.loaded_days + spare_days)
        self.loaded = self.days[-1] + datetime.timedelta(days=60)
        self.loaded = datetime.datetime(self.loaded.year, self.loaded.month, self.loaded.day)
        self.per_batch = max(1, round(250 / self.strategies))
        self.fresh_used = 0
        self.height = self.loaded_days * MINUTES * self.strategies

    @functools.cached_property
    def base(self):
        times = [time for day in self.days[:self.loaded_days] for time in minutes(day, 0, MINUTES)]
        return performance(times, self.strategies, 1, self.loaded)

    @functools.cached_property
    def regimes(self):
        return regimes(self.days)

    def base_of_day(self, number):
        """The same table, a day at a time: for those that memory does not hold."""
        return performance(minutes(self.days[number], 0, MINUTES), self.strategies, number,
                           self.loaded)

    def fresh(self):
        """About 250 rows of the next minutes after the last day of the table."""
        day = self.days[self.loaded_days + self.fresh_used // MINUTES]
        first = self.fresh_used % MINUTES
        self.fresh_used += self.per_batch
        return performance(minutes(day, first, self.per_batch), self.strategies,
                           1000 + self.fresh_used, self.loaded + datetime.timedelta(hours=1))

    def fresh_left(self):
        return (self.spare_days - 1) * MINUTES - self.fresh_used  # the last day is W13's

    def late(self, rows, days, seed):
        """Rows over so many days: half of them corrections, half of them new (odd seconds)."""
        later = self.loaded + datetime.timedelta(days=1, seconds=seed)
        chance = numpy.random.default_rng(seed)
        picked = self.base.filter(polars.col("date").is_in(self.days[self.loaded_days - days:self.loaded_days]))
        rows = min(rows, picked.height)
        index = chance.choice(picked.height, rows, replace=False)
        index.sort()
        rows_of = picked[index]
        is_new = chance.permutation(rows) % 2 == 0
        return rows_of.with_columns(
            polars.when(polars.Series(is_new))
            .then(polars.col("timestamp") + datetime.timedelta(seconds=7 + seed))
            .otherwise(polars.col("timestamp")).alias("timestamp"),
            (polars.col("total_pnl") + 1 + seed).alias("total_pnl"),
            polars.lit(later).cast(polars.Datetime("us", "UTC")).alias("ingested_at"))


def apply(table, batches):
    """What the table holds after upserts of the batches: the yardstick for all engines."""
    batches = batches if isinstance(batches, list) else [batches]
    return (polars.concat([table, *batches]).sort("ingested_at", maintain_order=True)
            .unique(KEY, keep="last"))


def content(table):
    """A few figures that differ where the rows do."""
    return {"rows": table.height, "pnl": round(float(table["total_pnl"].sum()), 2),
            "dte": int(table["dte"].sum()),
            "newest": table["ingested_at"].max().strftime("%Y-%m-%d %H:%M:%S")}
