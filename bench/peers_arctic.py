"""ArcticDB: one symbol for the table, sorted by time; rows of a range are read, merged, put back."""

import datetime

import arcticdb
import pandas
import polars

import schema


class Arctic:
    def __init__(self, folder):
        folder.mkdir(parents=True, exist_ok=True)
        self.library = arcticdb.Arctic(f"lmdb://{folder / 'arctic'}?map_size=60GB").get_library(
            "market", create_if_missing=True)
        self.batches = {}

    @staticmethod
    def indexed(frame):
        rows = frame.with_columns(polars.col("date").cast(polars.Datetime("ns"))).to_pandas()
        for name in rows.select_dtypes("datetimetz").columns:
            rows[name] = rows[name].dt.tz_localize(None).astype("datetime64[ns]")
        return rows.set_index("timestamp").sort_index(kind="stable")

    def load(self, file):
        rows = self.indexed(polars.read_parquet(file))
        self.library.write("performance_metrics", rows)
        return len(rows)

    def regimes(self, file):
        self.library.write("market_regimes", self.indexed(polars.read_parquet(file)))
        return 0

    def batch(self, name, file):
        self.batches = {name: self.indexed(polars.read_ipc_stream(file))}
        return len(self.batches[name])

    def read(self, begin, end, columns=None):
        return self.library.read("performance_metrics", date_range=(begin, end),
                                 columns=columns).data

    def upsert(self, name):
        batch = self.batches[name]
        whole = (batch.index.min(), batch.index.max())
        stored = self.read(*whole)
        if len(stored) == 0:
            self.library.update("performance_metrics", batch)
            return len(batch)
        left = batch.reset_index()
        there = stored.reset_index()[[*schema.KEY, "ingested_at"]]
        both = left.merge(there, on=schema.KEY, how="left", suffixes=("", "_there"))
        wins = ~(both["ingested_at"] <= both["ingested_at_there"])
        if not wins.any():
            return 0
        merged = pandas.concat([stored.reset_index(), left[wins.to_numpy()]])
        merged = merged.drop_duplicates(schema.KEY, keep="last").set_index("timestamp")
        self.library.update("performance_metrics", merged.sort_index(kind="stable"),
                            date_range=whole)
        return int(wins.sum())

    def range(self, strategy, begin, end):
        begin, end = (pandas.Timestamp(text).tz_localize(None) for text in (begin, end))
        rows = self.read(begin, end - pandas.Timedelta(1, "ns"))
        return len(rows[rows["strategy_id"] == strategy])

    def latest(self):
        """Who has its strategies in a list looks back a day at a time, until all were seen."""
        end = self.library.tail("performance_metrics", 1).data.index[-1]
        rows = self.read(end - pandas.Timedelta(1, "D"), end)
        return len(rows[~rows["strategy_id"].duplicated(keep="last")])

    def join(self, first):
        begin = pandas.Timestamp(datetime.date.fromisoformat(first))
        rows = self.read(begin, None, ["total_pnl"])
        regimes = self.library.read("market_regimes", columns=["symbol", "regime"]).data
        regimes = regimes[regimes["symbol"] == "SPY"][["regime"]]
        both = pandas.merge_asof(rows, regimes, left_index=True, right_index=True)
        return len(both.groupby("regime")["total_pnl"].agg(["count", "mean"]))

    def content(self):
        rows = self.library.read("performance_metrics",
                                 columns=["total_pnl", "dte", "ingested_at"]).data
        return schema.content_of({"rows": len(rows), "pnl": rows["total_pnl"].sum(),
                                  "dte": rows["dte"].sum(), "newest": rows["ingested_at"].max()})

    def close(self):
        pass
