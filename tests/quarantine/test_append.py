"""append adds rows and compares nothing; a dry run leaves no trace."""

import fcntl
import json
import os

import deltalake
import pytest

TABLE = "ticks"
ROWS = "ts,price\n2025-03-01T10:00:00Z,1.5\n2025-03-02T10:00:00Z,2.5\n"


@pytest.fixture
def ticks(varve):
    varve.ok("create", TABLE, "--schema", "ts timestamp not null, price double, date date",
             "--partition-by", "date", "--property", "varve.partitionFrom=date=ts",
             "--check", "positive: price > 0")
    return varve


def append(varve, text, *options):
    return varve.run("append", TABLE, "-", *options, stdin=text)


def tree(varve):
    return sorted(str(path) for path in varve.table(TABLE).rglob("*"))


def test_repeated_rows_are_there_twice(ticks):
    for _ in range(2):
        assert append(ticks, ROWS).returncode == 0
    assert len(ticks.rows("scan", TABLE)) == 4
    table = deltalake.DeltaTable(str(ticks.table(TABLE)))
    assert table.to_pyarrow_table().num_rows == 4
    newest = table.history()[0]
    assert newest["operation"] == "WRITE"
    assert newest["operationParameters"]["mode"] == "Append"
    assert newest["isBlindAppend"] is True
    assert newest["operationMetrics"]["numOutputRows"] == "2"


def test_a_batch_with_a_txn_is_there_once(ticks):
    for _ in range(2):
        assert append(ticks, ROWS, "--app-id", "load", "--app-version", "3").returncode == 0
    assert len(ticks.rows("scan", TABLE)) == 2


def test_rules_hold(ticks):
    done = append(ticks, ROWS + "2025-03-02T10:00:00Z,-1\n")
    assert done.returncode == 3 and "positive" in done.stderr
    assert ticks.rows("scan", TABLE) == []
    done = append(ticks, ROWS + "2025-03-02T10:00:00Z,-1\n", "--quarantine")
    assert done.returncode == 0
    assert len(ticks.rows("scan", TABLE)) == 2
    assert len(ticks.rows("quarantine", "show", TABLE)) == 1


DIES = {"VARVE_TEST_SEAMS": "crash=commit.after_put:1"}


def release(varve, **options):
    done = varve.run("quarantine", "release", TABLE, "--json", **options)
    assert done.returncode == 0, done.stderr
    result = json.loads(done.stdout)
    return result["inserted"], result["rejected"], result["batches_released"]


@pytest.fixture
def aside(varve):
    """Without a key. Two equal rows break one rule, a third one another."""
    varve.ok("create", TABLE, "--schema", "k int, x int", "--check", "x: x > 0", "--check", "k: k > 0")
    varve.ok("append", TABLE, "-", "--quarantine", stdin="k,x\n1,-1\n1,-1\n-2,1\n")
    return varve


def test_rows_without_a_key_are_released_once_they_are_good(aside):
    assert release(aside) == (0, 3, 0) and aside.version(TABLE) == 0
    aside.ok("alter", TABLE, "drop-constraint", "x")
    dry = json.loads(aside.ok("quarantine", "release", TABLE, "--dry-run", "--json"))
    assert (dry["inserted"], dry["rejected"]) == (2, 1) and aside.version(TABLE) == 1
    assert release(aside) == (2, 1, 0)
    assert aside.rows("quarantine", "show", TABLE)[0]["rule"] == "breaks k (k > 0)"
    newest = aside.rows("history", TABLE, "--limit", "1")[0]
    assert newest["operation"] == "WRITE" and "quarantine" in newest["operationParameters"]
    aside.ok("alter", TABLE, "drop-constraint", "k")
    assert release(aside) == (1, 0, 1)
    assert sorted((row["k"], row["x"]) for row in aside.rows("scan", TABLE)) == [
        (-2, 1), (1, -1), (1, -1)]
    # The same rows come again, and are rows as the first were.
    aside.ok("alter", TABLE, "add-constraint", "late", "x <> 5")
    for _ in range(2):
        aside.ok("append", TABLE, "-", "--quarantine", stdin="k,x\n1,5\n")
        aside.ok("alter", TABLE, "drop-constraint", "late")
        assert release(aside) == (1, 0, 1)
        aside.ok("delete", TABLE, "--where", "x = 5")
        aside.ok("alter", TABLE, "add-constraint", "late", "x <> 5")


def test_a_release_that_dies_behind_its_commit_has_written_its_rows_once(aside):
    aside.ok("alter", TABLE, "drop-constraint", "x")
    assert aside.run("quarantine", "release", TABLE, env=DIES).returncode < 0
    aside.ok("alter", TABLE, "drop-constraint", "k")
    assert aside.run("quarantine", "release", TABLE, env=DIES).returncode < 0
    assert release(aside) == (0, 0, 1)
    assert len(aside.rows("scan", TABLE)) == 3
    assert aside.rows("quarantine", "list", TABLE) == []


def test_a_release_that_dies_before_its_commit_is_none(aside):
    aside.ok("alter", TABLE, "drop-constraint", "x")
    dies = {"VARVE_TEST_SEAMS": "crash=commit.before_put:1"}
    assert aside.run("quarantine", "release", TABLE, env=dies).returncode < 0
    assert aside.rows("scan", TABLE) == []
    aside.ok("alter", TABLE, "add-constraint", "x", "x > 0")
    aside.ok("alter", TABLE, "drop-constraint", "k")
    assert release(aside) == (1, 2, 0)
    aside.ok("alter", TABLE, "drop-constraint", "x")
    assert release(aside) == (2, 0, 1)


def test_two_releases_at_once_are_one_behind_the_other(aside):
    """Each would take the other's marks for its own."""
    aside.ok("alter", TABLE, "drop-constraint", "x")
    folder = os.open(aside.table(TABLE) / "_varve" / "quarantine", os.O_RDONLY)
    try:
        fcntl.flock(folder, fcntl.LOCK_EX)
        done = aside.run("quarantine", "release", TABLE)
        assert done.returncode == 4 and "are being released right now" in done.stderr
        aside.ok("quarantine", "release", TABLE, "--dry-run")
    finally:
        os.close(folder)
    assert release(aside) == (2, 1, 0)


def test_a_table_with_a_key_is_appended_to_only_where_that_is_allowed(varve):
    varve.ok("create", "keyed", "--schema", "k bigint not null, v double", "--key", "k")
    text = "k,v\n1,1.5\n1,2.5\n"
    done = varve.run("append", "keyed", "-", stdin=text)
    assert done.returncode == 2
    assert "has a key" in done.stderr and "upsert" in done.stderr
    assert varve.version("keyed") == 0 and varve.rows("scan", "keyed") == []
    assert varve.run("append", "keyed", "-", "--dry-run", stdin=text).returncode == 2
    varve.ok("append", "keyed", "-", "--allow-duplicates", stdin=text)
    assert len(varve.rows("scan", "keyed")) == 2
    assert varve.upsert("keyed", "k,v\n1,3.5\n")["repaired"] == 1
    assert varve.rows("scan", "keyed") == [{"k": 1, "v": 3.5}]
    text = "k,v\n1,3.5\n"
    varve.ok("append", "keyed", "-", "--allow-duplicates", stdin=text)
    said = varve.run("upsert", "keyed", "-", stdin=text).stderr
    assert "1 repaired; version 4" in said and "nothing written" not in said
    assert varve.run("upsert", "keyed", "-", "--allow-duplicates", stdin=text).returncode == 2


@pytest.mark.parametrize("many", [1, 5001])
@pytest.mark.parametrize("checkpoint", [False, True])
def test_of_rows_with_one_key_and_order_value_the_last_committed_stays(varve, many, checkpoint):
    def doubled(table, *order):
        varve.ok("create", table, "--schema", "k int not null, x string, o int", "--key", "k", *order)
        for x in ("old", "mid", "new"):
            varve.ok("append", table, "-", "--allow-duplicates", stdin=f"k,x,o\n0,{x},5\n")
        if checkpoint:
            varve.ok("checkpoint", table)
    rest = "".join(f"{k},z,3\n" for k in range(1, many))
    doubled("ordered", "--order-by", "o")
    result = varve.upsert("ordered", "k,x,o\n0,z,3\n" + rest)
    assert (result["stale"], result["repaired"]) == (1, 2)
    doubled("plain")
    result = varve.upsert("plain", "k,x,o\n0,old,5\n" + rest)
    assert (result["updated"], result["unchanged"], result["repaired"]) == (1, 0, 2)
    assert [varve.rows("scan", table, "--where", "k = 0")[0]["x"] for table in ("ordered", "plain")] == [
        "new", "old"]


def test_an_upsert_wants_a_key(ticks):
    done = ticks.run("upsert", TABLE, "-", stdin=ROWS)
    assert done.returncode == 2 and "key" in done.stderr


def test_a_dry_run_says_all_and_leaves_nothing(ticks):
    before = tree(ticks)
    done = append(ticks, ROWS, "--dry-run", "--json")
    assert done.returncode == 0
    assert '"inserted":2' in done.stdout and '"files_added":2' in done.stdout
    assert '"version":0' in done.stdout
    assert [name for name in tree(ticks) if name.endswith(".parquet")] == []
    assert [name for name in before if name not in tree(ticks)] == []
    assert ticks.version(TABLE) == 0


def test_a_dry_run_of_an_upsert_is_what_then_happens(market):
    text = ("timestamp,symbol,regime,vix\n2025-01-30T10:00:00Z,SPY,bullish_low,15\n"
            "2025-01-30T10:01:00Z,SPY,bullish_low,16\n")
    market.upsert("market_regimes", text)
    changed = text.replace(",16", ",17") + "2025-01-30T10:02:00Z,SPY,bullish_low,18\n"
    dry = market.upsert("market_regimes", changed, "--dry-run")
    assert market.version("market_regimes") == 1
    done = market.upsert("market_regimes", changed)
    for name in ("rows_in", "inserted", "updated", "unchanged", "files_added", "files_removed"):
        assert dry[name] == done[name], name
    assert (dry["version"], done["version"]) == (1, 2)
