"""The example's two bots, the one on deltalake and polars and the one on Varve, on the same feeds."""

import json
import pathlib
import subprocess
import sys
import time

import polars as pl
import pytest
import varve
from package import BUILD, ROOT, SITE

FOLDER = ROOT / "examples/python"
sys.path.insert(0, str(FOLDER))

import bot  # noqa: E402
import bot_deltalake  # noqa: E402

KEY = ["timestamp", "symbol"]


def feed(*options):
    """Lines of a day of two symbols; some come late, some twice."""
    command = [str(BUILD / "varve"), "simulate", "--table", "market_regimes", "--start",
               "2025-01-30", "--symbols", "SPY,QQQ", "--repeats", "0.05", *options]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    return done.stdout.splitlines()


def run(program, path, lines):
    command = [sys.executable, str(FOLDER / program), str(path)]
    env = {"PYTHONPATH": str(SITE), "PATH": "/usr/bin:/bin"}
    done = subprocess.run(command, input="\n".join(lines), capture_output=True, text=True,
                          check=False, env=env, timeout=120)
    assert done.returncode == 0, done.stderr


def by_batches(writer, lines, size=200):
    """As a bot that flushes now and then."""
    for number, line in enumerate(lines, start=1):
        row = json.loads(line)
        row.pop("table")
        writer.add(row)
        if number % size == 0:
            writer.flush()
    writer.close()


def newest(lines):
    """What is right: of each key the row that was ingested last."""
    kept = {}
    for line in lines:
        row = json.loads(line)
        key = (row["timestamp"], row["symbol"])
        if key not in kept or row["ingested_at"] >= kept[key]["ingested_at"]:
            kept[key] = row
    return kept


def both(tmp_path, lines):
    """The tables of the old bot and of ours."""
    by_batches(bot_deltalake.MarketRegimesWriter(tmp_path / "old"), lines)
    with varve.Lake(tmp_path / "new", create=True) as lake:
        by_batches(bot.MarketRegimesWriter(lake), lines)
    return tuple(pl.read_delta(str(path)).sort(KEY).select(list(bot_deltalake.SCHEMA))
                 for path in (tmp_path / "old", tmp_path / "new/market_regimes"))


def test_a_feed_of_new_rows_gives_equal_tables(tmp_path):
    lines = feed("--corrections", "0")
    assert len(newest(lines)) < len(lines)  # some are there twice
    old, new = both(tmp_path, lines)
    assert new.height == len(newest(lines))
    assert old.equals(new)


def test_a_correction_is_lost_by_the_old_one(tmp_path):
    lines = feed("--corrections", "0.05")
    right = [row["confidence"] for _, row in sorted(newest(lines).items())]
    old, new = both(tmp_path, lines)
    assert new["confidence"].to_list() == right
    assert old.height == new.height
    wrong = sum(left != truth for left, truth in zip(old["confidence"], right))
    assert wrong > len(right) * 0.02


def test_both_run_as_programs(tmp_path):
    lines = feed("--corrections", "0")
    run("bot_deltalake.py", tmp_path / "old", lines)
    run("bot.py", tmp_path / "new", lines)
    old, new = (pl.read_delta(str(path)).sort(KEY).select(list(bot_deltalake.SCHEMA))
                for path in (tmp_path / "old", tmp_path / "new/market_regimes"))
    assert old.equals(new) and new.height == len(newest(lines))


def killed(program, path, lines):
    """Hands over the lines, and kills the program when it has read them."""
    text = ("import sys; sys.path[:0] = sys.argv[1:3]; import " + pathlib.Path(program).stem +
            " as bot, io, os, signal\n"
            "class Feed:\n"
            "    def __iter__(self):\n"
            "        yield from open(sys.argv[4])\n"
            "        os.kill(os.getpid(), signal.SIGKILL)\n"
            "sys.stdin = Feed()\n"
            "bot.main(sys.argv[3])\n")
    source = path.with_suffix(".ndjson")
    source.write_text("\n".join(lines))
    command = [sys.executable, "-c", text, str(SITE), str(FOLDER), str(path), str(source)]
    assert subprocess.run(command, check=False, timeout=120).returncode == -9


def test_a_bot_that_is_killed(tmp_path):
    lines = feed("--corrections", "0")
    killed("bot_deltalake.py", tmp_path / "old", lines)
    killed("bot.py", tmp_path / "new", lines)
    assert bot_deltalake.IdempotentWriter(tmp_path / "old", KEY).read() is None  # all are lost
    with varve.Lake(tmp_path / "new") as lake:
        bot.MarketRegimesWriter(lake).close()
        rows = lake.query("SELECT count(*) AS n FROM market_regimes").to_dicts()
    assert rows == [{"n": len(newest(lines))}]


def test_batches_of_frames(tmp_path):
    """IdempotentWriter by itself: whole frames, repeated, and numbered."""
    frame = pl.DataFrame(
        [json.loads(line) for line in feed("--corrections", "0")]).drop("table")
    with varve.Lake(tmp_path, create=True) as lake:
        lake.init()
        writer = bot.IdempotentWriter(lake, "market_regimes")
        first = writer.write(frame, number=1)
        assert first.inserted == frame.unique(KEY).height
        assert writer.write(frame, number=1).already_applied
        assert writer.write(frame).rows_written == 0
        with pytest.raises(varve.InvalidData):
            writer.write(frame.with_columns(regime=pl.lit("sideways")))


def test_a_batch_of_the_old_one_reads_the_table_and_ours_does_not(tmp_path):
    """A minute's rows into a table of many: ours does not grow with it."""
    rows = 200_000
    start = 1_738_247_400_000_000
    frame = pl.DataFrame({
        "timestamp": pl.Series([start + i * 1_000_000 for i in range(rows)]).cast(
            pl.Datetime("us", "UTC")),
        "symbol": "SPY", "regime": "bullish_low", "vix": 14.5}).with_columns(
            *(pl.lit(None, kind).alias(name) for name, kind in bot_deltalake.SCHEMA.items()
              if name not in ("timestamp", "symbol", "regime", "vix", "date", "ingested_at")),
            date=pl.col("timestamp").dt.date(), ingested_at=pl.col("timestamp"))
    frame = frame.select(list(bot_deltalake.SCHEMA))
    last = frame.tail(3).with_columns(pl.col("timestamp") + pl.duration(hours=1))
    old = bot_deltalake.IdempotentWriter(tmp_path / "old", KEY)
    old.write(frame)
    with varve.Lake(tmp_path / "new", create=True) as lake:
        lake.init()
        ours = bot.IdempotentWriter(lake, "market_regimes")
        ours.write(frame)
        started = time.process_time()
        assert ours.write(last).inserted == 3
        our_time = time.process_time() - started
    started = time.process_time()
    assert old.write(last) == 3
    old_time = time.process_time() - started
    assert our_time < old_time, (our_time, old_time)
