"""The workloads by name, and what Varve is to reach beside its peers in the same run."""

TITLES = {
    "W1": "bulk load of a Parquet file",
    "W2": "upsert of 250 fresh rows",
    "W3": "the same again, nothing to write",
    "W4": "10,000 late rows over 30 days, half corrections",
    "W5": "100,000 late rows over all days, half corrections",
    "W6": "one strategy, last 7 days",
    "W6z": "the same, where tables are in z-order",
    "W7": "newest row of each strategy",
    "W8": "regime x performance, 30 days",
    "W9": "10,000 commits, no checkpoint: open, history(100), version 5,000",
    "W9c": "the same with checkpoints",
    "W9o": "the same, opened anew: its newest version",
    "W10": "1,000 small files packed",
    "W11": "1,000 small files in z-order",
    "W12": "sustained upserts of 250 rows, p50",
    "W13": "one row, a whole process",
}
ORDER = ["varve", "varve-no-sync", "varve-vectors", "varve-python", "varve-cli", "deltalake", "polars",
         "duckdb", "ducklake", "arcticdb", "spark", "pandas"]
FLOOR = "two synced files"
# What bench/floors.py measures, by the engine whose least it is.
LEAST = {"varve": "floor", "varve-vectors": "floor-vectors", "varve-no-sync": "floor-no-sync"}

# (workload, Varve's engine, the other's, at most so many times)
TIME = [
    ("W1", "varve", "ducklake", 0.8),
    ("W2", "varve-no-sync", "deltalake", 0.12),
    ("W2", "varve-no-sync", "duckdb", 0.75),
    ("W2", "varve", FLOOR, 2.5),
    ("W3", "varve", "deltalake", 0.15),
    ("W3", "varve", "duckdb", 0.9),
    ("W4", "varve", "deltalake", 0.85),
    ("W4", "varve-vectors", "ducklake", 0.4),
    ("W4", "varve-vectors", "duckdb", 0.5),
    ("W5", "varve", "deltalake", 0.85),
    ("W5", "varve-vectors", "ducklake", 0.9),
    ("W6z", "varve", "duckdb", 0.9),
    ("W6z", "varve", "polars", 0.35),
    ("W7", "varve", "arcticdb", 0.8),
    ("W8", "varve", "polars", 0.7),
    ("W8", "varve", "duckdb", 1.0),
    ("W9", "varve", "deltalake", 0.06),
    ("W9c", "varve", "deltalake", 0.2),
    ("W10", "varve", "deltalake", 0.33),
    ("W11", "varve", "deltalake", 0.33),
    ("W12", "varve-no-sync", "deltalake", 0.12),
    ("W12", "varve", FLOOR, 2.5),
    ("W13", "varve-cli", "deltalake", 0.2),
    ("W13", "varve-cli", "duckdb", 0.4),
]
# The same of the greatest memory: W14.
MEMORY = [
    ("W2", "varve", "deltalake", 0.6),
    ("W4", "varve", "deltalake", 1.0),
    ("W5", "varve", "deltalake", 1.0),
]
