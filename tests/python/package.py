"""Where the package is, and rows that many tests write."""

import datetime as dt
import os
import pathlib
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]
BUILD = pathlib.Path(os.environ.get("VARVE_BUILD", ROOT / "build")).resolve()
ENVIRONMENT = BUILD / "python"
SITE = ENVIRONMENT / f"lib/python{sys.version_info.major}.{sys.version_info.minor}/site-packages"

UTC = dt.timezone.utc
OPENING = dt.datetime(2025, 1, 30, 14, 30, tzinfo=UTC)


def regime(minute=0, symbol="SPY", **changed):
    """A row of market_regimes."""
    row = {"timestamp": OPENING + dt.timedelta(minutes=minute), "symbol": symbol,
           "regime": "bullish_low", "vix": 14.5}
    row.update(changed)
    return row
