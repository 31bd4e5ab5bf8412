"""The engines that are measured. Each does the same jobs its own way, as its users do them.

A job returns (milliseconds, rows); rows is what it wrote or found, None where it doesn't say.
"""

import json
import pathlib
import subprocess
import sys
import time

import deltalake
import duckdb
import pandas
import polars
import pyarrow

import data

HERE = pathlib.Path(__file__).resolve().parent
CONTENT_SQL = ("SELECT count(*) AS \"rows\", round(sum(total_pnl), 2) AS pnl, sum(dte) AS dte, "
               "CAST(max(ingested_at) AS VARCHAR) AS newest FROM performance_metrics")


def timed(job):
    begin = time.perf_counter()
    rows = job()
    return (time.perf_counter() - begin) * 1000, rows


def same_content(row):
    return {"rows": int(row["rows"]), "pnl": round(float(row["pnl"]), 2), "dte": int(row["dte"]),
            "newest": row["newest"].replace("T", " ")[:19]}


def join_sql(first):
    return ("SELECT r.regime, count(*) AS n, avg(p.total_pnl) AS pnl FROM performance_metrics p "
            "ASOF JOIN (SELECT timestamp, regime FROM market_regimes WHERE symbol = 'SPY') r "
            f"ON p.timestamp >= r.timestamp WHERE p.date >= DATE '{first}' GROUP BY r.regime")


class DeltaFolder:
    """What the engines over a Delta table in Python share."""

    def __init__(self, folder):
        self.path = str(folder / "performance_metrics")
        self.regimes_path = str(folder / "market_regimes")

    def load(self, base, regimes):
        # One file a day, as their users get it from a daily job.
        def job():
            deltalake.write_deltalake(self.path, base.to_arrow(), partition_by=["date"])
        spent = timed(job)
        deltalake.write_deltalake(self.regimes_path, regimes.to_arrow(), partition_by=["date"])
        return spent

    def content(self):
        return data.content(polars.read_delta(self.path))

    def close(self):
        pass


class Seed(DeltaFolder):
    """pandas: read the whole table, drop what is there, append the rest."""

    name = "pandas"
    is_right = False  # the anti-join loses updates

    def upsert(self, batch):
        frame = batch.to_pandas()
        schema = batch.to_arrow().schema

        def job():
            table = deltalake.DeltaTable(self.path)
            stored = table.to_pandas()[data.KEY]
            merged = frame.merge(stored, on=data.KEY, how="left", indicator=True)
            news = merged[merged["_merge"] == "left_only"].drop(columns="_merge")
            if len(news):
                rows = pyarrow.Table.from_pandas(news, schema=schema, preserve_index=False)
                deltalake.write_deltalake(table, rows, mode="append")
            return len(news)
        return timed(job)

    def range(self, strategy, begin, end):
        def job():
            frame = deltalake.DeltaTable(self.path).to_pandas()
            zone = frame["timestamp"].dt.tz
            kept = frame[(frame["strategy_id"] == strategy) &
                         (frame["timestamp"] >= pandas.Timestamp(begin, tz=zone)) &
                         (frame["timestamp"] < pandas.Timestamp(end, tz=zone))]
            return len(kept.sort_values("timestamp"))
        return timed(job)

    def latest(self):
        def job():
            frame = deltalake.DeltaTable(self.path).to_pandas()
            return len(frame.loc[frame.groupby("strategy_id")["timestamp"].idxmax()])
        return timed(job)

    def join(self, first):
        def job():
            rows = deltalake.DeltaTable(self.path).to_pandas()
            rows = rows[rows["date"] >= first].sort_values("timestamp")
            regimes = deltalake.DeltaTable(self.regimes_path).to_pandas()
            regimes = regimes[regimes["symbol"] == "SPY"].sort_values("timestamp")
            both = pandas.merge_asof(rows, regimes[["timestamp", "regime"]], on="timestamp")
            return len(both.groupby("regime")["total_pnl"].agg(["count", "mean"]))
        return timed(job)


class Polars(DeltaFolder):
    """polars over deltalake, with the partitions picked by hand."""

    name = "polars"
    is_right = True

    def upsert(self, batch):
        def job():
            dates = batch["date"].unique().to_list()
            there = polars.scan_delta(self.path).filter(polars.col("date").is_in(dates))
            keys = there.select([*data.KEY, "ingested_at"]).collect()
            both = batch.join(keys, on=data.KEY, how="left", suffix="_there")
            is_new = polars.col("ingested_at_there").is_null()
            news = both.filter(is_new).select(data.COLUMNS)
            newer = both.filter(~is_new & (polars.col("ingested_at") >
                                           polars.col("ingested_at_there")))
            if not newer.is_empty():
                kept = there.collect().select(data.COLUMNS).join(newer, on=data.KEY, how="anti")
                whole = polars.concat([kept, newer.select(data.COLUMNS), news])
                listed = ", ".join(f"'{date}'" for date in dates)
                deltalake.write_deltalake(self.path, whole.to_arrow(), mode="overwrite",
                                          predicate=f"date IN ({listed})")
            elif not news.is_empty():
                deltalake.write_deltalake(self.path, news.to_arrow(), mode="append")
            return news.height + newer.height
        return timed(job)

    def range(self, strategy, begin, end):
        def job():
            return (polars.scan_delta(self.path)
                    .filter(polars.col("date").is_between(begin.date(), end.date()),
                            polars.col("strategy_id") == strategy,
                            polars.col("timestamp") >= polars.lit(begin).dt.replace_time_zone("UTC"),
                            polars.col("timestamp") < polars.lit(end).dt.replace_time_zone("UTC"))
                    .sort("timestamp").collect().height)
        return timed(job)

    def latest(self):
        def job():
            rows = polars.scan_delta(self.path)
            newest = rows.group_by("strategy_id").agg(polars.col("timestamp").max())
            return rows.join(newest, on=["strategy_id", "timestamp"]).collect().height
        return timed(job)

    def join(self, first):
        def job():
            rows = (polars.scan_delta(self.path).filter(polars.col("date") >= first)
                    .select("timestamp", "total_pnl").sort("timestamp"))
            regimes = (polars.scan_delta(self.regimes_path).filter(polars.col("symbol") == "SPY")
                       .select("timestamp", "regime").sort("timestamp"))
            return (rows.join_asof(regimes, on="timestamp").group_by("regime")
                    .agg(polars.len(), polars.col("total_pnl").mean()).collect().height)
        return timed(job)


class Deltalake(DeltaFolder):
    """deltalake's merge, with the partitions picked by hand; reads by its own query engine."""

    name = "deltalake"
    is_right = True

    def upsert(self, batch):
        source = batch.to_arrow()
        dates = sorted({str(date) for date in batch["date"]})

        def job():
            listed = ", ".join(f"'{date}'" for date in dates)
            done = (deltalake.DeltaTable(self.path)
                    .merge(source, source_alias="s", target_alias="t",
                           predicate=f"t.date IN ({listed}) AND t.date = s.date AND "
                                     "t.timestamp = s.timestamp AND t.strategy_id = s.strategy_id")
                    .when_matched_update_all(predicate="s.ingested_at > t.ingested_at")
                    .when_not_matched_insert_all().execute())
            return done["num_target_rows_inserted"] + done["num_target_rows_updated"]
        return timed(job)

    def sql(self, sql):
        def job():
            builder = deltalake.QueryBuilder()
            builder.register("performance_metrics", deltalake.DeltaTable(self.path))
            batches = builder.execute(sql).read_all()
            return batches.num_rows
        return timed(job)

    def range(self, strategy, begin, end):
        return self.sql(
            f"SELECT * FROM performance_metrics WHERE strategy_id = '{strategy}' AND "
            f"date >= DATE '{begin.date()}' AND date <= DATE '{end.date()}' AND "
            f"timestamp >= TIMESTAMP '{begin}Z' AND timestamp < TIMESTAMP '{end}Z' "
            "ORDER BY timestamp")

    def latest(self):
        return self.sql("SELECT p.* FROM performance_metrics p JOIN (SELECT strategy_id, "
                        "max(timestamp) AS newest FROM performance_metrics GROUP BY strategy_id) n "
                        "ON p.strategy_id = n.strategy_id AND p.timestamp = n.newest")

    def join(self, first):
        # Its query engine has no ASOF join: the usual way is to go on in polars.
        def job():
            table = deltalake.DeltaTable(self.path)
            rows = polars.from_arrow(table.to_pyarrow_table(
                columns=["timestamp", "total_pnl"], partitions=[("date", ">=", str(first))]))
            regimes = polars.from_arrow(deltalake.DeltaTable(self.regimes_path).to_pyarrow_table(
                columns=["timestamp", "symbol", "regime"]))
            regimes = regimes.filter(polars.col("symbol") == "SPY").sort("timestamp")
            return (rows.sort("timestamp").join_asof(regimes, on="timestamp").group_by("regime")
                    .agg(polars.len(), polars.col("total_pnl").mean()).height)
        return timed(job)


class Duckdb:
    """DuckDB's own storage with a primary key."""

    name = "duckdb"
    is_right = True

    def __init__(self, folder):
        folder.mkdir(parents=True, exist_ok=True)
        self.path = str(folder / "market.duckdb")
        self.link = duckdb.connect(self.path)
        self.link.execute("SET TimeZone = 'UTC'")

    def load(self, base, regimes):
        frame = base.to_arrow()
        self.link.register("base", frame)
        self.link.register("base_regimes", regimes.to_arrow())

        def job():
            self.link.execute("CREATE TABLE performance_metrics AS FROM base LIMIT 0")
            self.link.execute("ALTER TABLE performance_metrics ADD PRIMARY KEY "
                              "(timestamp, strategy_id)")
            self.link.execute("INSERT INTO performance_metrics FROM base")
        spent = timed(job)
        self.link.execute("CREATE TABLE market_regimes AS FROM base_regimes")
        self.link.unregister("base")
        return spent

    def upsert(self, batch):
        frame = batch.to_arrow()
        sets = ", ".join(f"{name} = excluded.{name}" for name in data.COLUMNS
                         if name not in data.KEY)

        def job():
            self.link.register("batch", frame)
            done = self.link.execute(
                f"INSERT INTO performance_metrics FROM batch ON CONFLICT DO UPDATE SET {sets} "
                "WHERE excluded.ingested_at > performance_metrics.ingested_at").fetchone()
            self.link.unregister("batch")
            return done[0]
        return timed(job)

    def rows(self, sql):
        return timed(lambda: self.link.execute(sql).to_arrow_table().num_rows)

    def range(self, strategy, begin, end):
        return self.rows(
            f"SELECT * FROM performance_metrics WHERE strategy_id = '{strategy}' AND "
            f"timestamp >= TIMESTAMPTZ '{begin}Z' AND timestamp < TIMESTAMPTZ '{end}Z' "
            "ORDER BY timestamp")

    def latest(self):
        return self.rows("SELECT p.* FROM performance_metrics p JOIN (SELECT strategy_id, "
                         "max(timestamp) AS timestamp FROM performance_metrics GROUP BY 1) n "
                         "USING (strategy_id, timestamp)")

    def join(self, first):
        return self.rows(join_sql(first))

    def content(self):
        row = self.link.execute(CONTENT_SQL).fetchone()
        return same_content(dict(zip(["rows", "pnl", "dte", "newest"], row)))

    def close(self):
        self.link.close()


class Varve:
    """libvarve in a process of its own (bench/warm.c): the lake open, batches in memory."""

    is_right = True

    def __init__(self, folder, build, durability="on", vectors=False):
        self.name = "varve" if durability == "on" else "varve, no sync"
        self.name += ", vectors" if vectors else ""
        self.build = build
        self.durability = durability
        self.vectors = vectors
        self.lake = folder / "lake"
        self.batches = folder / "batches"
        self.scratch = folder / "batch.csv"
        self.process = None
        self.batches_made = 0
        folder.mkdir(parents=True, exist_ok=True)

    def cli(self, lake, *arguments):
        done = subprocess.run([str(self.build / "varve"), "--lake", str(lake), *map(str, arguments)],
                              capture_output=True, text=True, check=False)
        if done.returncode != 0:
            raise RuntimeError(f"varve {' '.join(map(str, arguments))}: {done.stderr}")
        return done.stdout

    def load(self, base, regimes):
        self.cli(self.lake, "init")
        if self.vectors:
            self.cli(self.lake, "alter", "performance_metrics", "set",
                     "delta.enableDeletionVectors=true", "--upgrade")
        self.cli(self.batches, "create", "batches", "--key", "batch,timestamp,strategy_id",
                 "--schema", "batch string not null, timestamp timestamp, strategy_id string, "
                 "unrealized_pnl double, realized_pnl double, total_pnl double, delta double, "
                 "gamma double, theta double, vega double, dte int, entry_price double, "
                 "current_price double, regime_at_entry string, regime_current string, date date, "
                 "ingested_at timestamp")
        base.write_csv(self.scratch)
        spent = timed(lambda: self.cli(self.lake, "upsert", "performance_metrics", self.scratch))
        regimes.write_csv(self.scratch)
        self.cli(self.lake, "upsert", "market_regimes", self.scratch)
        self.process = subprocess.Popen(
            [str(self.build / "bench" / "varve_warm"), str(self.lake), str(self.batches),
             self.durability], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        return spent

    def ask(self, *parts):
        self.process.stdin.write("\t".join(map(str, parts)) + "\n")
        self.process.stdin.flush()
        took, number = self.process.stdout.readline().rstrip("\n").split("\t")
        if took == "error":
            raise RuntimeError(f"{' '.join(map(str, parts))}: {number}")
        return int(took) / 1000, int(number)

    def prepare(self, batch):
        """Into the memory of the process, which is not measured: the peers have theirs there."""
        self.batches_made += 1
        name = f"b{self.batches_made}"
        batch.with_columns(polars.lit(name).alias("batch")).write_csv(self.scratch)
        self.cli(self.batches, "upsert", "batches", self.scratch)
        self.ask("batch", name, f"batch = '{name}'", ",".join(data.COLUMNS))
        return name

    def upsert(self, batch):
        name = self.prepare(batch)
        return self.ask("upsert", "performance_metrics", name)

    def range(self, strategy, begin, end):
        return self.ask("range", "performance_metrics", strategy, f"{begin.isoformat()}Z",
                        f"{end.isoformat()}Z")

    def latest(self):
        return self.ask("latest", "performance_metrics")

    def join(self, first):
        return self.ask("query", join_sql(first))

    def content(self):
        return same_content(json.loads(self.cli(self.lake, "query", CONTENT_SQL, "--format",
                                                "ndjson").splitlines()[0]))

    def close(self):
        if self.process is not None:
            self.process.stdin.close()
            self.process.wait()


def one_row_processes(folder, build, batch):
    """Commands that upsert one row as a process of their own: {name: (command, input)}."""
    row = folder / "one.csv"
    batch.write_csv(row)
    python = [sys.executable, str(HERE / "one_row.py")]
    return {
        "varve": [str(build / "varve"), "--lake", str(folder / "varve" / "lake"), "upsert",
                  "performance_metrics", str(row)],
        "deltalake": [*python, "deltalake", str(folder / "deltalake" / "performance_metrics"),
                      str(row)],
        "polars": [*python, "polars", str(folder / "polars" / "performance_metrics"), str(row)],
        "duckdb": [*python, "duckdb", str(folder / "duckdb" / "market.duckdb"), str(row)],
        "pandas": [*python, "pandas", str(folder / "pandas" / "performance_metrics"), str(row)],
    }
