"""Spark with Delta: MERGE, with the partitions picked by hand. Batches are files, as it reads them."""

import pathlib

import pyspark.sql

import schema

JARS = sorted((pathlib.Path(__file__).resolve().parents[1] / "third_party" / "spark").glob("*.jar"))


class Spark:
    def __init__(self, folder):
        self.folder = folder
        settings = {
            "spark.driver.extraClassPath": ":".join(map(str, JARS)),
            "spark.driver.host": "127.0.0.1", "spark.driver.bindAddress": "127.0.0.1",
            "spark.driver.memory": "4g", "spark.ui.enabled": "false",
            "spark.ui.showConsoleProgress": "false", "spark.sql.shuffle.partitions": "4",
            "spark.sql.session.timeZone": "UTC",
            "spark.sql.extensions": "io.delta.sql.DeltaSparkSessionExtension",
            "spark.sql.catalog.spark_catalog": "org.apache.spark.sql.delta.catalog.DeltaCatalog",
            "spark.sql.warehouse.dir": str(folder / "warehouse"),
        }
        builder = pyspark.sql.SparkSession.builder.master("local[2]")
        for name, value in settings.items():
            builder = builder.config(name, value)
        self.session = builder.getOrCreate()
        self.session.sparkContext.setLogLevel("ERROR")
        for name in ("performance_metrics", "market_regimes"):
            if (folder / name).exists():
                self.view(name)

    def view(self, name):
        self.session.sql(f"CREATE OR REPLACE TEMP VIEW {name} AS "
                         f"SELECT * FROM delta.`{self.folder / name}`")

    def write(self, name, file):
        rows = self.session.read.parquet(file)
        (rows.repartition(2, "date").write.format("delta").partitionBy("date")
         .save(str(self.folder / name)))
        self.view(name)

    def load(self, file):
        self.write("performance_metrics", file)
        return self.session.sql("SELECT count(*) FROM performance_metrics").collect()[0][0]

    def regimes(self, file):
        self.write("market_regimes", file)
        return 0

    def batch(self, name, file):
        return self.take(self.session.read.parquet(file))

    def take(self, rows):
        """Rows as the batch of the next upsert; how many they are. What is cached of a file of the same
        name, which the batch before it had, is not the batch."""
        self.session.catalog.clearCache()
        rows = rows.cache()
        rows.createOrReplaceTempView("batch")
        self.dates = ", ".join(f"DATE '{row[0]}'" for row in rows.select("date").distinct().collect())
        return rows.count()

    def upsert(self, name):
        done = self.session.sql(
            f"MERGE INTO delta.`{self.folder / 'performance_metrics'}` t USING batch s "
            f"ON t.date IN ({self.dates}) AND t.date = s.date AND t.timestamp = s.timestamp "
            "AND t.strategy_id = s.strategy_id "
            "WHEN MATCHED AND s.ingested_at > t.ingested_at THEN UPDATE SET * "
            "WHEN NOT MATCHED THEN INSERT *").collect()
        return done[0]["num_affected_rows"]

    def count(self, sql):
        return len(self.session.sql(sql.replace("TIMESTAMPTZ", "TIMESTAMP")).collect())

    def range(self, strategy, begin, end):
        return self.count(schema.range_sql(strategy, begin, end))

    def latest(self):
        return self.count(schema.latest_sql())

    def join(self, first):
        # No ASOF: each regime holds until the next one.
        return self.count(
            "SELECT r.regime, count(*), avg(p.total_pnl) FROM performance_metrics p JOIN (SELECT "
            "timestamp, regime, lead(timestamp) OVER (ORDER BY timestamp) AS until FROM "
            "market_regimes WHERE symbol = 'SPY') r ON p.timestamp >= r.timestamp AND "
            f"(r.until IS NULL OR p.timestamp < r.until) WHERE p.date >= DATE '{first}' "
            "GROUP BY r.regime")

    def content(self):
        sql = schema.CONTENT_SQL.replace('"rows"', "`rows`").replace("VARCHAR", "STRING")
        return schema.content_of(self.session.sql(sql).collect()[0].asDict())

    def close(self):
        """Waits for the JVM, whose time of the processor counts."""
        gateway = self.session.sparkContext._gateway
        self.session.stop()
        gateway.shutdown()
        gateway.proc.stdin.close()
        gateway.proc.wait()
