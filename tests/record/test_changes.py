"""Changes: what each version did, so that the table can be told from its changes alone."""

import json
import random

import pytest

TABLE = "ticks"
SCHEMA = ("ts timestamp not null, sym string not null, price double, note string, "
          "date date not null")
TAIL = ("_change_type", "_commit_version", "_commit_timestamp")


@pytest.fixture
def ticks(varve):
    varve.ok("create", TABLE, "--schema", SCHEMA, "--partition-by", "date", "--key", "ts,sym")
    return varve


def put(varve, chance, count=8):
    seen = {(chance.randrange(3), chance.randrange(6)) for _ in range(count)}
    lines = [f"2025-01-1{day}T10:00:00Z,S{symbol},{chance.choice(['', 'NaN', '1', '2', '3'])},"
             f"{chance.choice(['', 'a'])}" for day, symbol in seen]
    return varve.upsert(TABLE, "ts,sym,price,note\n" + "\n".join(lines) + "\n")


def content(varve, *arguments):
    rows = varve.ok("scan", TABLE, "--format", "ndjson", "--nan", "string", *arguments)
    return sorted(json.dumps(json.loads(line), sort_keys=True) for line in rows.splitlines())


def changes(varve, *arguments):
    text = varve.ok("changes", TABLE, "--format", "ndjson", "--nan", "string", *arguments)
    return [json.loads(line) for line in text.splitlines()]


def apply(rows, change):
    """One change of a multiset of rows."""
    row = json.dumps({name: value for name, value in change.items() if name not in TAIL},
                     sort_keys=True)
    if change["_change_type"] in ("insert", "update_postimage"):
        rows.append(row)
    else:
        rows.remove(row)  # fails where it is not there


@pytest.mark.slow
@pytest.mark.parametrize("seed", [1, 2, 3])
def test_the_changes_lead_from_version_to_version(ticks, seed):
    chance = random.Random(seed)
    for _ in range(10):
        step = chance.randrange(8)
        if step == 0:
            ticks.ok("optimize", TABLE)
        elif step == 1 and ticks.version(TABLE) > 1:
            ticks.ok("restore", TABLE, "--yes", "--version",
                     str(chance.randrange(ticks.version(TABLE))))
        elif step == 2:
            ticks.ok("append", TABLE, "-", "--allow-duplicates", "--input-format", "csv",
                     stdin="ts,sym,price\n2025-01-10T10:00:00Z,S1,9\n")  # a key twice
        else:
            put(ticks, chance)
    rows = []
    by_version = {}
    for change in changes(ticks, "--from", "0"):
        by_version.setdefault(change["_commit_version"], []).append(change)
    for version in range(ticks.version(TABLE) + 1):
        for change in by_version.get(version, []):
            apply(rows, change)
        assert sorted(rows) == content(ticks, "--version", version), version


def test_an_upsert_shows_only_what_it_changed(ticks):
    ticks.upsert(TABLE, "ts,sym,price\n" + "".join(
        f"2025-01-10T10:00:00Z,S{number},{number}\n" for number in range(50)))
    ticks.upsert(TABLE, "ts,sym,price\n2025-01-10T10:00:00Z,S7,70\n2025-01-10T10:00:00Z,N,1\n"
                 "2025-01-10T10:00:00Z,S8,8\n")
    kinds = sorted((change["_change_type"], change["sym"], change["price"])
                   for change in changes(ticks, "--from", "2"))
    assert kinds == [("insert", "N", 1.0), ("update_postimage", "S7", 70.0),
                     ("update_preimage", "S7", 7.0)]


def test_a_compaction_is_no_change(ticks):
    for _ in range(3):
        put(ticks, random.Random(5))
        put(ticks, random.Random(6))
    before = ticks.version(TABLE)
    ticks.ok("optimize", TABLE)
    if ticks.version(TABLE) > before:
        assert changes(ticks, "--from", str(before + 1)) == []


def test_times_and_versions_say_the_same_range(ticks):
    for seed in range(4):
        put(ticks, random.Random(seed))
    stamps = {entry["version"]: entry["timestamp"] for entry in ticks.rows("history", TABLE)}
    assert changes(ticks, "--from", stamps[2], "--to", stamps[3]) == changes(
        ticks, "--from", "2", "--to", "3")
    for change in changes(ticks, "--from", "1"):
        assert change["_commit_timestamp"] == stamps[change["_commit_version"]]
    assert changes(ticks, "--from", "1999-01-01") == changes(ticks, "--from", "0")
    assert changes(ticks, "--from", "2999-01-01") == []


def test_columns_are_those_of_the_last_version(ticks):
    put(ticks, random.Random(1))
    ticks.ok("alter", TABLE, "add-column", "extra int")
    put(ticks, random.Random(2))
    assert all("extra" in change for change in changes(ticks, "--from", "1"))
    assert all("extra" not in change for change in changes(ticks, "--from", "1", "--to", "1"))


def test_a_tag_stands_for_its_version(ticks):
    for seed in range(4):
        put(ticks, random.Random(seed))
    ticks.ok("--at", "2", "tag", "create", "q1", TABLE)
    assert changes(ticks, "--from", "q1") == changes(ticks, "--from", "2") != []
    assert changes(ticks, "--from", "1", "--to", "q1") == changes(ticks, "--from", "1", "--to", "2")
    rows = ticks.rows("query", f"SELECT count(*) AS n FROM table_changes('{TABLE}', 'q1', 'q1')")
    assert rows == [{"n": len(changes(ticks, "--from", "2", "--to", "2"))}]
    done = ticks.run("query", f"FROM table_changes('{TABLE}', 'q1')", "--at", "1")
    assert done.returncode == 5 and "no version 2" in done.stderr and "latest is 1" in done.stderr


@pytest.mark.parametrize("arguments, status, words", [
    ([], 2, "--from"), (["--from", "soon"], 5, "there is no tag soon"),
    (["--from", "3.5"], 2, "neither a version nor a time"),
    (["--from", "9"], 5, "latest is 2"), (["--from", "2", "--to", "1"], 2, "empty"),
    (["--from", "1", "--to", "7"], 5, "7"),
])
def test_ranges_that_are_none_are_refused(ticks, arguments, status, words):
    put(ticks, random.Random(1))
    put(ticks, random.Random(2))
    done = ticks.run("changes", TABLE, *arguments)
    assert done.returncode == status and words in done.stderr


def test_what_a_vacuum_took_is_not_told_wrongly(ticks):
    for seed in range(4):
        put(ticks, random.Random(seed))
    ticks.ok("vacuum", TABLE, "--retain", "0s", "--unsafe", "--yes")
    done = ticks.run("changes", TABLE, "--from", "1")
    assert done.returncode != 0 and "date=2025-01-1" in done.stderr


def test_old_versions_are_told_after_the_log_was_cleaned_up(varve):
    varve.ok("create", TABLE, "--schema", SCHEMA, "--partition-by", "date", "--key", "ts,sym",
             "--property", "delta.logRetentionDuration=interval 0 days")
    for seed in range(3):
        put(varve, random.Random(seed))
    before = changes(varve, "--from", "0")
    varve.ok("checkpoint", TABLE)
    assert changes(varve, "--from", "0") == before


def test_a_range_from_within_a_microsecond_begins_behind_it(ticks):
    put(ticks, random.Random(1))
    time = ticks.rows("history", TABLE, "--limit", "1")[0]["timestamp"].rstrip("Z")
    assert changes(ticks, "--from", f"{time}Z") != []
    assert changes(ticks, "--from", f"{time}1Z") == []
    assert changes(ticks, "--from", "0", "--to", f"{time}1Z") == changes(ticks, "--from", "0")


def test_a_column_that_was_gone_for_a_while_is_named(varve):
    varve.ok("create", "p", "--schema", "k string not null, vol bigint", "--key", "k")
    varve.upsert("p", "k,vol\na,4\n")
    varve.ok("alter", "p", "drop-column", "vol", "--upgrade")
    dropped = varve.version("p")
    varve.ok("alter", "p", "add-column", "vol string")
    varve.upsert("p", "k,vol\na,four\n")
    words = f"version {dropped} dropped the column vol, which is back since"
    for command in (("changes", "p", "--from", "0"), ("trace", "p", "k=a")):
        assert "dropped the column" not in varve.run(*command).stderr
    varve.ok("restore", "p", "--version", "1", "--yes")
    for command in (("changes", "p", "--from", "0"), ("changes", "p", "--from", dropped),
                    ("trace", "p", "k=a")):
        done = varve.run(*command)
        assert done.returncode == 0 and done.stderr.count(words) == 1, (command, done.stderr)
