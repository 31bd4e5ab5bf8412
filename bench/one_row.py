"""Upserts the rows of a CSV file as a whole process: what a job started by cron costs.

Imports nothing that its engine does not need. Usage: one_row.py ENGINE TABLE FILE
"""

import sys

engine, table, path = sys.argv[1:]

if engine == "duckdb":
    import duckdb

    link = duckdb.connect(table)
    link.execute("SET TimeZone = 'UTC'")
    link.execute("INSERT INTO performance_metrics FROM read_csv(?, types = {'timestamp': "
                 "'TIMESTAMPTZ', 'ingested_at': 'TIMESTAMPTZ', 'dte': 'INTEGER'}) "
                 "ON CONFLICT DO UPDATE SET total_pnl = excluded.total_pnl, "
                 "ingested_at = excluded.ingested_at "
                 "WHERE excluded.ingested_at > performance_metrics.ingested_at", [path])
    link.close()
elif engine == "ducklake":
    import pathlib

    import duckdb
    import duckdb_ext

    (extension,) = pathlib.Path(duckdb_ext.__path__[0]).rglob("ducklake.duckdb_extension")
    link = duckdb.connect(config={"allow_unsigned_extensions": "true"})
    link.execute(f"LOAD '{extension}'")
    link.execute("SET TimeZone = 'UTC'")
    link.execute(f"ATTACH 'ducklake:{table}/catalog.ducklake' AS lake")
    link.execute("USE lake")
    link.execute("CREATE TEMP TABLE batch AS FROM performance_metrics LIMIT 0")
    link.execute("INSERT INTO batch FROM read_csv(?, types = {'timestamp': 'TIMESTAMPTZ', "
                 "'ingested_at': 'TIMESTAMPTZ', 'dte': 'INTEGER'})", [path])
    link.execute("MERGE INTO performance_metrics t USING batch s ON t.date = s.date AND "
                 "t.timestamp = s.timestamp AND t.strategy_id = s.strategy_id WHEN MATCHED AND "
                 "s.ingested_at > t.ingested_at THEN UPDATE SET total_pnl = s.total_pnl, "
                 "ingested_at = s.ingested_at WHEN NOT MATCHED THEN INSERT")
    link.close()
elif engine == "deltalake":
    import deltalake
    import pyarrow
    import pyarrow.csv

    target = deltalake.DeltaTable(table)
    schema = pyarrow.schema(target.schema())
    rows = pyarrow.csv.read_csv(path, convert_options=pyarrow.csv.ConvertOptions(
        column_types=dict(zip(schema.names, schema.types))))
    days = ", ".join(f"'{day}'" for day in set(map(str, rows["date"].to_pylist())))
    (target.merge(rows, source_alias="s", target_alias="t",
                  predicate=f"t.date IN ({days}) AND t.date = s.date AND "
                            "t.timestamp = s.timestamp AND t.strategy_id = s.strategy_id")
     .when_matched_update_all(predicate="s.ingested_at > t.ingested_at")
     .when_not_matched_insert_all().execute())
elif engine == "spark":
    import pathlib

    import peers_spark

    spark = peers_spark.Spark(pathlib.Path(table).parent)
    spark.take(spark.session.read.csv(path, header=True,
                                      schema=spark.session.table("performance_metrics").schema))
    spark.upsert("performance_metrics")
    spark.close()
else:
    import deltalake

    key = ["timestamp", "strategy_id"]
    if engine == "polars":
        import polars

        there = polars.scan_delta(table)
        rows = polars.read_csv(path, schema_overrides=there.collect_schema())
        days = rows["date"].unique().to_list()
        keys = there.filter(polars.col("date").is_in(days)).select(key).collect()
        rows = rows.join(keys, on=key, how="anti").to_arrow()
        is_empty = rows.num_rows == 0
    else:
        import pandas

        stored = deltalake.DeltaTable(table).to_pandas()
        rows = pandas.read_csv(path, parse_dates=["timestamp", "ingested_at"])
        rows["date"] = pandas.to_datetime(rows["date"]).dt.date
        rows = rows.astype({name: stored[name].dtype for name in stored.columns
                            if name != "date"})
        rows = rows[~rows.set_index(key).index.isin(stored.set_index(key).index)]
        is_empty = rows.empty
    if not is_empty:
        deltalake.write_deltalake(table, rows, mode="append")
