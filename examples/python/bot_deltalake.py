"""A market regimes bot as many are written today, with deltalake and polars. Beside it is bot.py, the
same on Varve.

    varve simulate --table market_regimes | python bot_deltalake.py lake/market_regimes

What is wrong with it, each of which a test shows or a comment says:

  - an update is lost: a row whose key is there is thrown away, also where it is the newer one;
  - a batch reads the whole table, so that it takes longer with every day;
  - nothing holds between the read and the append: two writers insert one key twice;
  - rows that wait for their batch die with the program;
  - a regime that is misspelt is stored.
"""

import json
import sys
import time

import polars as pl
from deltalake import DeltaTable, write_deltalake
from deltalake.exceptions import TableNotFoundError

SCHEMA = {
    "timestamp": pl.Datetime("us", "UTC"), "symbol": pl.String, "regime": pl.String,
    "vix": pl.Float64, "put_call_ratio": pl.Float64, "futures_trend": pl.String,
    "confidence": pl.Float64, "model_version": pl.String, "source": pl.String, "date": pl.Date,
    "ingested_at": pl.Datetime("us", "UTC")}


class IdempotentWriter:
    """Appends the rows of a batch whose keys are not in the table yet."""

    def __init__(self, path, keys):
        self.path = str(path)
        self.keys = keys

    def read(self):
        """The whole table; None where there is none."""
        try:
            return pl.DataFrame(DeltaTable(self.path).to_pyarrow_table())
        except TableNotFoundError:
            return None

    def write(self, frame):
        """How many rows were new."""
        frame = frame.unique(subset=self.keys, keep="last", maintain_order=True)
        existing = self.read()
        if existing is not None:
            frame = frame.join(existing.select(self.keys), on=self.keys, how="anti")
        if frame.height:
            write_deltalake(self.path, frame, mode="append", partition_by=["date"])
        return frame.height


class MarketRegimesWriter:
    """Collects rows in memory and writes them each `interval` seconds."""

    def __init__(self, path, interval=60.0):
        self.writer = IdempotentWriter(path, ["timestamp", "symbol"])
        self.interval = interval
        self.rows = []
        self.flushed_at = time.monotonic()

    def add(self, row):
        self.rows.append(row)
        if time.monotonic() - self.flushed_at >= self.interval:
            self.flush()

    def flush(self):
        if self.rows:
            texts = [name for name in ("timestamp", "ingested_at")]
            frame = pl.DataFrame(self.rows, schema={
                name: pl.String if name in texts else kind
                for name, kind in SCHEMA.items() if name != "date"})
            frame = frame.with_columns(
                pl.col(texts).str.to_datetime("%Y-%m-%dT%H:%M:%S%.fZ", time_unit="us",
                                              time_zone="UTC"))
            frame = frame.with_columns(pl.col("timestamp").dt.date().alias("date"))
            self.writer.write(frame.select(list(SCHEMA)))
            self.rows = []
        self.flushed_at = time.monotonic()

    def close(self):
        self.flush()


def main(path):
    writer = MarketRegimesWriter(path)
    for line in sys.stdin:
        row = json.loads(line)
        row.pop("table", None)
        writer.add(row)
    writer.close()


if __name__ == "__main__":
    main(*sys.argv[1:])
