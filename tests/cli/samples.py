"""Rows that several tests use."""

REGIMES = '''timestamp,symbol,regime,vix,confidence,source,ingested_at
2025-01-30T10:00:00Z,SPY,neutral_low,14.5,0.8,primary,2025-01-30T10:00:01Z
2025-01-30T10:01:00Z,SPY,neutral_low,,0.9,"a, ""b""",2025-01-30T10:01:01Z
2025-01-31T10:00:00Z,QQQ,bullish_high,NaN,0.7,,2025-01-31T10:00:01Z
'''
