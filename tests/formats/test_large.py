"""The ways that large inputs take come to what the ways of small ones come to."""

import collections
import datetime
import json
import random

import pytest

LARGE = "\n" * (1 << 20)  # so many blank lines: no rows, but a file that is large
START = datetime.datetime(2025, 1, 30, 23, 0)


def rows_of(chance, round_number):
    """Some new, some there already, some older and newer than what is there, some twice, some bad."""
    for _ in range(chance.choice([1, 40, 400])):
        minute = START + datetime.timedelta(minutes=chance.randrange(300))
        known = START + datetime.timedelta(hours=chance.randrange(12), minutes=round_number)
        row = {"timestamp": minute.isoformat() + "Z", "symbol": chance.choice("ABCDEFGH"),
               "vix": chance.choice([14.5, 0.0, -0.0, 21, None]), "regime": "bullish_low",
               "confidence": chance.choice([0.5, 0.25, 1])}
        if chance.random() < 0.7:
            row["ingested_at"] = known.isoformat() + "+00:00"
        if chance.random() < 0.05:
            row["confidence"] = chance.choice(["x", 1.50, {}])
        yield row


def make(varve, vectors):
    varve.ok("init")
    if vectors:
        varve.ok("alter", "market_regimes", "set", "delta.enableDeletionVectors=true", "--upgrade")
    return varve


@pytest.mark.slow
@pytest.mark.parametrize("vectors", [False, True])
def test_outcome_of_large_inputs_is_that_of_small_ones(varve_on, tmp_path, vectors):
    chance = random.Random(4711 + vectors)
    lakes = [make(varve_on(tmp_path / name), vectors) for name in ("small", "large")]
    outcomes = collections.Counter()
    for number in range(8):
        text = "".join(json.dumps(row) + "\n" for row in rows_of(chance, number))
        small, large = (lake.upsert("market_regimes", text + end, "--quarantine")
                        for lake, end in zip(lakes, ["", LARGE]))
        assert small == large, text
        outcomes.update({name: count for name, count in small.items() if isinstance(count, int)})
        # A row without an order value of its own bears the clock's.
        stored = [lake.rows("query", "SELECT timestamp, symbol, vix, confidence, CASE WHEN "
                            "ingested_at < TIMESTAMPTZ '2025-02-28' THEN ingested_at END AS o "
                            "FROM market_regimes ORDER BY ALL") for lake in lakes]
        assert stored[0] == stored[1]
    for name in ("inserted", "updated", "unchanged", "stale", "duplicates_in_batch", "rejected"):
        assert outcomes[name] > 0, outcomes
