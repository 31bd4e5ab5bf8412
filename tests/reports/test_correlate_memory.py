"""With little memory `correlate` goes by windows, which the engine can spill, else by lists."""

import pytest


@pytest.mark.slow
def test_both_ways_give_the_same_digits(market, tmp_path):
    """150,000 rows are too many for lists in a quarter of 64 MB."""
    performance, regimes = tmp_path / "performance.parquet", tmp_path / "regimes.parquet"
    market.ok("query", "SELECT make_timestamptz(1738231200000000 + CAST(hash(i) % 9000000 AS BIGINT) "
              "* 200000) AS timestamp, 's' || (hash(i + 5) % 37) AS strategy_id, CASE WHEN "
              "hash(i + 1) % 90 = 0 THEN NULL WHEN hash(i + 1) % 90 = 1 THEN 'nan'::DOUBLE WHEN "
              "hash(i + 1) % 90 = 2 THEN 'inf'::DOUBLE ELSE CAST(hash(i + 2) % 100000 AS DOUBLE) "
              "/ 7 END AS total_pnl FROM range(150000) AS t(i) QUALIFY row_number() OVER "
              "(PARTITION BY timestamp, strategy_id ORDER BY i) = 1",
              "--format", "parquet", "-o", performance)
    market.ok("query", "SELECT make_timestamptz(1738231200000000 + i * 3600000000) AS timestamp, "
              "'SPY' AS symbol, ['bullish_low', 'bearish_high', 'neutral_low'][1 + i % 3] AS regime, "
              "make_timestamptz(1738231200000000 + i * 3600000000) AS ingested_at "
              "FROM range(500) AS t(i)", "--format", "parquet", "-o", regimes)
    market.ok("upsert", "performance_metrics", performance)
    market.ok("upsert", "market_regimes", regimes)
    for span in ("--from", "2025-01-01"), ("--from", "2025-01-31", "--to", "2025-02-19T07:00:01Z"):
        lists = market.run("correlate", *span)
        windows = market.run("correlate", *span, "--memory", "64MB")
        assert lists.returncode == windows.returncode == 0, windows.stderr
        assert lists.stdout == windows.stdout
        assert lists.stdout.count("\n") == 4
