"""DuckDB's own tables, and DuckLake. See peers_delta.py for what a job is."""

import pathlib

import duckdb
import polars

import schema


class Duckdb:
    """DuckDB's own storage with a primary key."""

    def __init__(self, folder):
        folder.mkdir(parents=True, exist_ok=True)
        self.link = duckdb.connect(str(folder / "market.duckdb"))
        self.link.execute("SET TimeZone = 'UTC'")

    def load(self, file):
        self.link.execute("CREATE TABLE performance_metrics AS FROM read_parquet(?) LIMIT 0",
                          [file])
        self.link.execute("ALTER TABLE performance_metrics ADD PRIMARY KEY "
                          "(timestamp, strategy_id)")
        return self.link.execute("INSERT INTO performance_metrics FROM read_parquet(?)",
                                 [file]).fetchone()[0]

    def regimes(self, file):
        self.link.execute("CREATE TABLE market_regimes AS FROM read_parquet(?)", [file])
        return 0

    def batch(self, name, file):
        self.link.register("batch", polars.read_ipc_stream(file).to_arrow())
        return self.link.execute("SELECT count(*) FROM batch").fetchone()[0]

    def upsert(self, name):
        sets = ", ".join(f"{column} = excluded.{column}" for column in schema.OTHERS)
        return self.link.execute(
            f"INSERT INTO performance_metrics FROM batch ON CONFLICT DO UPDATE SET {sets} "
            "WHERE excluded.ingested_at > performance_metrics.ingested_at").fetchone()[0]

    def count(self, sql):
        return self.link.sql(sql).to_arrow_table().num_rows

    def range(self, strategy, begin, end):
        return self.count(schema.range_sql(strategy, begin, end))

    def latest(self):
        return self.count(schema.latest_sql())

    def join(self, first):
        return self.count(schema.join_sql(first))

    def content(self):
        row = self.link.execute(schema.CONTENT_SQL).fetchone()
        return schema.content_of(dict(zip(["rows", "pnl", "dte", "newest"], row)))

    def close(self):
        self.link.close()


class Ducklake(Duckdb):
    """DuckLake: Parquet files, and a catalog in DuckDB; MERGE, with the partitions by hand."""

    def __init__(self, folder):
        import duckdb_ext

        folder.mkdir(parents=True, exist_ok=True)
        home = pathlib.Path(duckdb_ext.__path__[0])
        (extension,) = home.rglob("ducklake.duckdb_extension")
        self.link = duckdb.connect(config={"allow_unsigned_extensions": "true"})
        self.link.execute(f"LOAD '{extension}'")
        self.link.execute("SET TimeZone = 'UTC'")
        self.link.execute(f"ATTACH 'ducklake:{folder / 'catalog.ducklake'}' AS lake "
                          f"(DATA_PATH '{folder / 'data'}/')")
        self.link.execute("USE lake")

    def load(self, file):
        self.link.execute("CREATE TABLE performance_metrics AS FROM read_parquet(?) LIMIT 0",
                          [file])
        self.link.execute("ALTER TABLE performance_metrics SET PARTITIONED BY (date)")
        return self.link.execute("INSERT INTO performance_metrics FROM read_parquet(?)",
                                 [file]).fetchone()[0]

    def batch(self, name, file):
        frame = polars.read_ipc_stream(file)
        self.dates = ", ".join(f"DATE '{day}'" for day in sorted(set(frame["date"])))
        self.link.register("batch", frame.to_arrow())
        return frame.height

    def upsert(self, name):
        sets = ", ".join(f"{column} = s.{column}" for column in schema.OTHERS)
        values = ", ".join(f"s.{column}" for column in schema.COLUMNS)
        return self.link.execute(
            f"MERGE INTO performance_metrics t USING batch s ON t.date IN ({self.dates}) AND "
            "t.date = s.date AND t.timestamp = s.timestamp AND t.strategy_id = s.strategy_id "
            f"WHEN MATCHED AND s.ingested_at > t.ingested_at THEN UPDATE SET {sets} "
            f"WHEN NOT MATCHED THEN INSERT VALUES ({values})").fetchone()[0]
