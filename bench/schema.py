"""What all engines have to know of the two tables, and the questions in SQL. Needs no package."""

COLUMNS = ["timestamp", "strategy_id", "unrealized_pnl", "realized_pnl", "total_pnl", "delta",
           "gamma", "theta", "vega", "dte", "entry_price", "current_price", "regime_at_entry",
           "regime_current", "date", "ingested_at"]
KEY = ["timestamp", "strategy_id"]
OTHERS = [name for name in COLUMNS if name not in KEY]
CONTENT_SQL = ("SELECT count(*) AS \"rows\", round(sum(total_pnl), 2) AS pnl, sum(dte) AS dte, "
               "CAST(max(ingested_at) AS VARCHAR) AS newest FROM performance_metrics")


def join_sql(first):
    """W8, where SQL has ASOF."""
    return ("SELECT r.regime, count(*) AS n, avg(p.total_pnl) AS pnl FROM performance_metrics p "
            "ASOF JOIN (SELECT timestamp, regime FROM market_regimes WHERE symbol = 'SPY') r "
            f"ON p.timestamp >= r.timestamp WHERE p.date >= DATE '{first}' GROUP BY r.regime")


def range_sql(strategy, begin, end):
    """W6."""
    return (f"SELECT * FROM performance_metrics WHERE strategy_id = '{strategy}' AND "
            f"date >= DATE '{begin[:10]}' AND date <= DATE '{end[:10]}' AND "
            f"timestamp >= TIMESTAMPTZ '{begin}' AND timestamp < TIMESTAMPTZ '{end}' "
            "ORDER BY timestamp")


def latest_sql():
    """W7."""
    return ("SELECT p.* FROM performance_metrics p JOIN (SELECT strategy_id, "
            "max(timestamp) AS newest FROM performance_metrics GROUP BY strategy_id) n "
            "ON p.strategy_id = n.strategy_id AND p.timestamp = n.newest")


def content_of(row):
    """An answer to CONTENT_SQL, as bench/data.py has it."""
    return {"rows": int(row["rows"]), "pnl": round(float(row["pnl"]), 2), "dte": int(row["dte"]),
            "newest": str(row["newest"]).replace("T", " ")[:19]}
