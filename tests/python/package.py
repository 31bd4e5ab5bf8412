"""Where the package is, rows that many tests write, and programs that get signals."""

import datetime as dt
import subprocess
import sys

from installed import BUILD, ENVIRONMENT, ROOT, SITE  # noqa: F401 (tests take them from here)

UTC = dt.timezone.utc
OPENING = dt.datetime(2025, 1, 30, 14, 30, tzinfo=UTC)


def regime(minute=0, symbol="SPY", **changed):
    """A row of market_regimes."""
    row = {"timestamp": OPENING + dt.timedelta(minutes=minute), "symbol": symbol,
           "regime": "bullish_low", "vix": 14.5}
    row.update(changed)
    return row


ENDLESS = "SELECT count(*) AS n FROM range(1000000000000) r(i) WHERE hash(i) = 1"
ROWS_ENDLESS = "SELECT i FROM range(1000000000000) r(i) WHERE i < 1000000 OR hash(i) = 1"

HEAD = f"""
import os, signal, sys, threading, time, varve
lake = varve.Lake(sys.argv[1], create=True)
def kick(number=signal.SIGINT, after=0.3):
    threading.Timer(after, os.kill, (os.getpid(), number)).start()
ENDLESS, ROWS_ENDLESS = {ENDLESS!r}, {ROWS_ENDLESS!r}
"""


def script(text, tmp_path, *python):
    """A program that has a lake."""
    command = [*(python or (ENVIRONMENT / "bin/python", "-I")), "-c", HEAD + text,
               tmp_path / "lake"]
    return subprocess.run([str(word) for word in command], capture_output=True, text=True,
                          timeout=300, check=False)


def script_full(text, tmp_path):
    """Where the other libraries are too."""
    return script(text, tmp_path, "env", f"PYTHONPATH={SITE}", sys.executable)
