"""Peers over a Delta table in Python. Each does a job its own way, as its users do it.

A job is a method that bench/worker.py times; it returns how many rows it wrote or found.
"""

import datetime

import deltalake
import pandas
import polars
import pyarrow
import pyarrow.parquet

import data
import schema


class DeltaFolder:
    def __init__(self, folder):
        self.path = str(folder / "performance_metrics")
        self.regimes_path = str(folder / "market_regimes")
        self.batches = {}

    def load(self, file):
        # One file a day, as their users get it from a daily job.
        rows = pyarrow.parquet.read_table(file)
        deltalake.write_deltalake(self.path, rows, partition_by=["date"])
        return rows.num_rows

    def regimes(self, file):
        rows = pyarrow.parquet.read_table(file)
        deltalake.write_deltalake(self.regimes_path, rows, partition_by=["date"])
        return rows.num_rows

    def batch(self, name, file):
        self.batches = {name: polars.read_ipc_stream(file)}
        return self.batches[name].height

    def history(self):
        return len(deltalake.DeltaTable(self.path).history(100))

    def log(self, path, version):
        opened = deltalake.DeltaTable(path)
        if len(opened.history(100)) != 100:
            raise RuntimeError("the history is short")
        return len(deltalake.DeltaTable(path, version=int(version)).file_uris())

    def cold(self, path):
        return deltalake.DeltaTable(path).version()

    def content(self):
        return data.content(polars.read_delta(self.path))

    def close(self):
        pass


class Seed(DeltaFolder):
    """pandas: read the whole table, drop what is there, append the rest."""

    def load(self, file):
        rows = pandas.read_parquet(file)
        deltalake.write_deltalake(self.path, rows, partition_by=["date"])
        return len(rows)

    def batch(self, name, file):
        frame = polars.read_ipc_stream(file)
        self.batches = {name: (frame.to_pandas(), frame.to_arrow().schema)}
        return frame.height

    def upsert(self, name):
        frame, arrow_schema = self.batches[name]
        table = deltalake.DeltaTable(self.path)
        stored = table.to_pandas()[schema.KEY]
        merged = frame.merge(stored, on=schema.KEY, how="left", indicator=True)
        news = merged[merged["_merge"] == "left_only"].drop(columns="_merge")
        if len(news):
            rows = pyarrow.Table.from_pandas(news, schema=arrow_schema, preserve_index=False)
            deltalake.write_deltalake(table, rows, mode="append")
        return len(news)

    def range(self, strategy, begin, end):
        frame = deltalake.DeltaTable(self.path).to_pandas()
        kept = frame[(frame["strategy_id"] == strategy) &
                     (frame["timestamp"] >= pandas.Timestamp(begin)) &
                     (frame["timestamp"] < pandas.Timestamp(end))]
        return len(kept.sort_values("timestamp"))

    def latest(self):
        frame = deltalake.DeltaTable(self.path).to_pandas()
        return len(frame.loc[frame.groupby("strategy_id")["timestamp"].idxmax()])

    def join(self, first):
        rows = deltalake.DeltaTable(self.path).to_pandas()
        rows = rows[rows["date"] >= datetime.date.fromisoformat(first)].sort_values("timestamp")
        regimes = deltalake.DeltaTable(self.regimes_path).to_pandas()
        regimes = regimes[regimes["symbol"] == "SPY"].sort_values("timestamp")
        both = pandas.merge_asof(rows, regimes[["timestamp", "regime"]], on="timestamp")
        return len(both.groupby("regime")["total_pnl"].agg(["count", "mean"]))


class Polars(DeltaFolder):
    """polars over deltalake, with the partitions picked by hand."""

    def load(self, file):
        rows = polars.read_parquet(file)
        rows.write_delta(self.path, delta_write_options={"partition_by": ["date"]})
        return rows.height

    def upsert(self, name):
        batch = self.batches[name]
        dates = batch["date"].unique().to_list()
        there = polars.scan_delta(self.path).filter(polars.col("date").is_in(dates))
        keys = there.select([*schema.KEY, "ingested_at"]).collect()
        both = batch.join(keys, on=schema.KEY, how="left", suffix="_there")
        is_new = polars.col("ingested_at_there").is_null()
        news = both.filter(is_new).select(schema.COLUMNS)
        newer = both.filter(~is_new & (polars.col("ingested_at") >
                                       polars.col("ingested_at_there")))
        if not newer.is_empty():
            kept = there.collect().select(schema.COLUMNS).join(newer, on=schema.KEY, how="anti")
            whole = polars.concat([kept, newer.select(schema.COLUMNS), news])
            listed = ", ".join(f"'{date}'" for date in dates)
            deltalake.write_deltalake(self.path, whole.to_arrow(), mode="overwrite",
                                      predicate=f"date IN ({listed})")
        elif not news.is_empty():
            deltalake.write_deltalake(self.path, news.to_arrow(), mode="append")
        return news.height + newer.height

    def range(self, strategy, begin, end):
        begin, end = (datetime.datetime.fromisoformat(text) for text in (begin, end))
        return (polars.scan_delta(self.path)
                .filter(polars.col("date").is_between(begin.date(), end.date()),
                        polars.col("strategy_id") == strategy,
                        polars.col("timestamp") >= begin, polars.col("timestamp") < end)
                .sort("timestamp").collect().height)

    def latest(self):
        rows = polars.scan_delta(self.path)
        newest = rows.group_by("strategy_id").agg(polars.col("timestamp").max())
        return rows.join(newest, on=["strategy_id", "timestamp"]).collect().height

    def join(self, first):
        begin = datetime.date.fromisoformat(first)
        rows = (polars.scan_delta(self.path).filter(polars.col("date") >= begin)
                .select("timestamp", "total_pnl").sort("timestamp"))
        regimes = (polars.scan_delta(self.regimes_path).filter(polars.col("symbol") == "SPY")
                   .select("timestamp", "regime").sort("timestamp"))
        return (rows.join_asof(regimes, on="timestamp").group_by("regime")
                .agg(polars.len(), polars.col("total_pnl").mean()).collect().height)


class Deltalake(DeltaFolder):
    """deltalake's merge, with the partitions picked by hand; reads by its own query engine."""

    def batch(self, name, file):
        frame = polars.read_ipc_stream(file)
        self.batches = {name: (frame.to_arrow(), sorted({str(day) for day in frame["date"]}))}
        return frame.height

    def upsert(self, name):
        source, dates = self.batches[name]
        listed = ", ".join(f"'{date}'" for date in dates)
        done = (deltalake.DeltaTable(self.path)
                .merge(source, source_alias="s", target_alias="t",
                       predicate=f"t.date IN ({listed}) AND t.date = s.date AND "
                                 "t.timestamp = s.timestamp AND t.strategy_id = s.strategy_id")
                .when_matched_update_all(predicate="s.ingested_at > t.ingested_at")
                .when_not_matched_insert_all().execute())
        return done["num_target_rows_inserted"] + done["num_target_rows_updated"]

    def sql(self, text):
        builder = deltalake.QueryBuilder()
        builder.register("performance_metrics", deltalake.DeltaTable(self.path))
        return builder.execute(text).read_all().num_rows

    def range(self, strategy, begin, end):
        return self.sql(schema.range_sql(strategy, begin, end).replace("TIMESTAMPTZ", "TIMESTAMP"))

    def latest(self):
        return self.sql(schema.latest_sql())

    def join(self, first):
        # Its query engine has no ASOF join: the usual way is to go on in polars.
        table = deltalake.DeltaTable(self.path)
        rows = polars.from_arrow(table.to_pyarrow_table(
            columns=["timestamp", "total_pnl"], partitions=[("date", ">=", first)]))
        regimes = polars.from_arrow(deltalake.DeltaTable(self.regimes_path).to_pyarrow_table(
            columns=["timestamp", "symbol", "regime"]))
        regimes = regimes.filter(polars.col("symbol") == "SPY").sort("timestamp")
        return (rows.sort("timestamp").join_asof(regimes, on="timestamp").group_by("regime")
                .agg(polars.len(), polars.col("total_pnl").mean()).height)

    def optimize(self, path, columns, target):
        optimizer = deltalake.DeltaTable(path).optimize
        done = (optimizer.compact(target_size=int(target)) if columns == "-"
                else optimizer.z_order(columns.split(","), target_size=int(target)))
        return done["numFilesRemoved"]
