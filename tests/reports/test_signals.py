"""Signals: what was acted upon, what was missed, how long it took."""

import pytest

COLUMNS = ["timestamp", "strategy_id", "signal_type", "signal_value", "acted_upon", "acted_at",
           "seconds_to_action", "high_confidence", "source", "regime"]
ROWS = """timestamp,strategy_id,signal_type,signal_value,acted_upon,acted_at,source,regime
2025-01-30T10:00:00Z,a,ml_entry,0.9,true,2025-01-30T10:00:01.5Z,m,neutral_low
2025-01-30T10:01:00Z,a,ml_entry,0.8,false,,m,
2025-01-30T10:02:00Z,a,ml_entry,0.81,false,,m,
2025-01-30T10:03:00Z,a,ml_entry,,false,,m,
2025-01-30T10:04:00Z,a,ml_entry,0.7,true,2025-01-30T10:04:10.5Z,m,
2025-01-30T10:05:00Z,a,ml_entry,0.7,true,,m,
2025-01-30T10:06:00Z,b,rule_entry,0.95,false,,r,bullish_low
"""


@pytest.fixture
def signals(market):
    market.upsert("signals", ROWS)
    return market


def test_audit(signals):
    rows = signals.rows("signals", "audit")
    assert [list(row) for row in rows] == [COLUMNS] * 7
    assert [row["seconds_to_action"] for row in rows] == [1.5, None, None, None, 10.5, None, None]
    assert [row["high_confidence"] for row in rows] == [True, False, True, None, False, False, True]
    assert rows[0]["regime"] == "neutral_low"
    assert len(signals.rows("signals", "audit", "--strategy", "b")) == 1
    part = signals.rows("signals", "audit", "--from", "2025-01-30T10:01", "--to",
                        "2025-01-30T10:03")
    assert [row["signal_value"] for row in part] == [0.8, 0.81]


def test_missed(signals):
    def missed(*arguments):
        rows = signals.rows("signals", "missed", *arguments)
        assert all(list(row) == COLUMNS for row in rows)
        return [row["signal_value"] for row in rows]

    assert missed() == [0.81, 0.95]
    assert missed("--min-value", "0.81") == [0.95]
    assert missed("--min-value", "0") == [0.8, 0.81, 0.95]
    assert missed("--strategy", "a") == [0.81]


def test_latency(signals):
    assert signals.rows("signals", "latency") == [
        {"strategy_id": "a", "signal_type": "ml_entry", "count": 6, "acted": 3,
         "p50_seconds": 6.0, "p90_seconds": pytest.approx(9.6), "max_seconds": 10.5},
        {"strategy_id": "b", "signal_type": "rule_entry", "count": 1, "acted": 0,
         "p50_seconds": None, "p90_seconds": None, "max_seconds": None},
    ]


def test_an_older_version(signals):
    assert signals.rows("signals", "audit", "--at", "0") == []


@pytest.mark.parametrize("arguments, status, words", [
    (("signals",), 2, "audit|missed|latency"),
    (("signals", "lost"), 2, "'lost' is not one of"),
    (("signals", "audit", "--min-value", "1"), 2, "missed only"),
    (("signals", "missed", "--min-value", "nan"), 2, "nan"),
    (("signals", "audit", "--last", "1d", "--from", "now"), 2, "not both"),
    (("signals", "audit", "--at", "9"), 5, "9"),
])
def test_wrong_questions(signals, arguments, status, words):
    done = signals.run(*arguments)
    assert done.returncode == status
    assert words in done.stderr


@pytest.mark.parametrize("arguments, words", [
    (("audit", "--strategy", "nope"), "there are none of nope at any time"),
    (("missed", "--strategy", "nope"), "there are none of nope at any time"),
    (("latency", "--strategy", "nope"), "there are none of nope at any time"),
    (("audit", "--from", "2030-01-01"), "the newest row of signals is of 2025-01-30T"),
    (("missed", "--min-value", "0.99"), "each of 7 signals was acted upon or is not above"),
    (("audit", "--strategy", "a"), None),
])
def test_an_empty_answer_says_why(signals, arguments, words):
    done = signals.run("signals", *arguments, "--format", "ndjson")
    assert done.returncode == 0
    assert (done.stdout == "") == (words is not None)
    assert (words or "") in done.stderr and bool(words) == bool(done.stderr)
