"""Trace: the history of one row, as it really was."""

import datetime as dt
import json
import random

import pyarrow as pa
import pytest
from deltalake import write_deltalake

TABLE = "ticks"
SCHEMA = ("ts timestamp not null, sym string not null, price double, note string, "
          "date date not null")


@pytest.fixture
def ticks(varve):
    varve.ok("create", TABLE, "--schema", SCHEMA, "--partition-by", "date", "--key", "ts,sym")
    return varve


def trace(varve, *arguments, table=TABLE):
    return json.loads(varve.ok("trace", table, *arguments, "--format", "json"))


def rows_at(varve, version):
    text = varve.ok("scan", TABLE, "--version", version, "--format", "ndjson", "--nan", "string")
    return {(row["ts"], row["sym"]): row for row in map(json.loads, text.splitlines())}


def expected(states, key):
    """What a trace has to say, from the rows of every version."""
    before = None
    for version, rows in enumerate(states):
        after = rows.get(key)
        if before is None and after is not None:
            yield version, "insert", None, after
        elif before is not None and after is None:
            yield version, "delete", before, None
        elif before != after:
            names = [name for name in after if before[name] != after[name]]
            yield version, "update", {name: before[name] for name in names}, {
                name: after[name] for name in names}
        before = after


def put(varve, chance, message):
    seen = {(chance.randrange(3), chance.randrange(4)) for _ in range(5)}
    varve.upsert(TABLE, "ts,sym,price,note\n" + "".join(
        f"2025-01-1{day}T10:00:00Z,S{symbol},{chance.choice(['', 'NaN', '1', '2.5'])},"
        f"{chance.choice(['', 'a'])}\n" for day, symbol in sorted(seen)), "--message", message)


@pytest.mark.parametrize("seed, properties", [
    (1, ()), (2, ("--property", "delta.enableDeletionVectors=true")),
    (3, ("--property", "delta.enableChangeDataFeed=true")),
])
@pytest.mark.slow
def test_every_row_has_the_history_that_its_versions_show(varve, seed, properties):
    varve.ok("create", TABLE, "--schema", SCHEMA, "--partition-by", "date", "--key", "ts,sym",
             *properties)
    chance = random.Random(seed)
    for step in range(9):
        what = chance.randrange(6)
        if what == 0:
            varve.ok("optimize", TABLE)
        elif what == 1 and step > 2 and not properties:
            varve.ok("restore", TABLE, "--yes", "--version",
                     str(chance.randrange(varve.version(TABLE))))
        elif what == 2 and step > 2:
            varve.ok("delete", TABLE, "--where", f"sym = 'S{chance.randrange(4)}'")
        else:
            put(varve, chance, f"step {step}")
    states = [rows_at(varve, version) for version in range(varve.version(TABLE) + 1)]
    history = {entry["version"]: entry for entry in varve.rows("history", TABLE)}
    keys = sorted({key for rows in states for key in rows})
    for key in chance.sample(keys, 5):
        told = trace(varve, f"ts={key[0]}", f"sym={key[1]}")
        assert [(row["version"], row["change"], row["before"], row["after"])
                for row in told] == list(expected(states, key)), key
        for row in told:
            for name in ("timestamp", "userName", "operation", "userMetadata"):
                assert row[name] == history[row["version"]][name]


def test_a_row_that_is_only_written_anew_has_not_changed(varve):
    """With the feed on a restore over a compaction is a delete and an insert of each row."""
    varve.ok("create", "t", "--schema", "k int not null, v int, w int", "--key", "k",
             "--property", "delta.enableChangeDataFeed=true")
    varve.upsert("t", "k,v,w\n1,1,1\n")
    varve.upsert("t", "k,v,w\n2,2,2\n")
    varve.ok("optimize", "t")
    varve.ok("update", "t", "--set", "v = v", "--where", "true")
    varve.ok("update", "t", "--set", "v = 5", "--where", "k = 1")
    varve.ok("restore", "t", "--yes", "--version", "2")
    told = [(row["version"], row["change"], row["before"], row["after"])
            for row in trace(varve, "k=1", table="t")]
    assert told == [(1, "insert", None, {"k": 1, "v": 1, "w": 1}),
                    (5, "update", {"v": 1}, {"v": 5}), (6, "update", {"v": 5}, {"v": 1})]
    assert [row["version"] for row in trace(varve, "k=2", table="t")] == [2]


def test_a_row_that_never_was_has_no_history(ticks):
    put(ticks, random.Random(1), "m")
    assert trace(ticks, "ts=2025-01-10T10:00:00Z", "sym=nobody") == []
    assert ticks.ok("trace", TABLE, "ts=2025-01-10T10:00:00Z", "sym=nobody", "--format",
                    "csv").startswith("version,timestamp,userName,operation,userMetadata,change,")


def test_old_versions_are_told_from_the_ledger_and_what_is_lost_is_said(ticks):
    key = ("ts=2025-01-10T10:00:00Z", "sym=A")
    for price in range(4):
        ticks.upsert(TABLE, f"ts,sym,price\n2025-01-10T10:00:00Z,A,{price}\n")
    assert [row["version"] for row in trace(ticks, *key)] == [1, 2, 3, 4]
    ticks.ok("vacuum", TABLE, "--retain", "0s", "--unsafe", "--yes")
    ticks.upsert(TABLE, "ts,sym,price\n2025-01-10T10:00:00Z,A,9\n")
    done = ticks.run("trace", TABLE, *key, "--format", "json")
    assert done.returncode == 0 and "not told" in done.stderr and "1 to 4" in done.stderr
    assert [row["after"]["price"] for row in json.loads(done.stdout)] == [9.0]


@pytest.mark.parametrize("of", ["data", "vector"])
def test_a_file_that_the_latest_version_needs_is_no_lost_one(varve, of):
    varve.ok("create", TABLE, "--schema", SCHEMA, "--partition-by", "date", "--key", "ts,sym",
             "--property", "delta.enableDeletionVectors=true")
    for day in ("10", "11"):
        varve.upsert(TABLE, f"ts,sym,price\n2025-01-{day}T10:00:00Z,A,1\n2025-01-{day}T10:00:00Z,B,1\n")
    varve.upsert(TABLE, "ts,sym,price\n2025-01-11T10:00:00Z,A,2\n")
    if of == "vector":
        gone, version = next(varve.table(TABLE).rglob("deletion_vector_*")), 3
    else:
        path = next(row["path"] for row in varve.rows("files", TABLE, "--at", "2") if "2025-01-11" in row["path"])
        gone, version = varve.table(TABLE) / path, 2
    gone.unlink()
    key = ("ts=2025-01-11T10:00:00Z", "sym=A")
    done = varve.run("trace", TABLE, *key)
    assert done.returncode == 6 and done.stdout == ""
    assert f"what version {version} of table {TABLE} did can't be told: " in done.stderr
    assert gone.name in done.stderr and f"say --at {version - 1}" in done.stderr
    assert len(trace(varve, *key, "--at", version - 1)) == version - 2
    # The row of another day lies elsewhere.
    assert [row["version"] for row in trace(varve, "ts=2025-01-10T10:00:00Z", "sym=B")] == [1]


@pytest.mark.parametrize("then, now", [(["date"], ["sym"]), (["date"], []), ([], ["sym"]),
                                       (["date"], ["date", "sym"])])
def test_rows_that_lay_by_other_partition_columns(varve, then, now):
    """Their values are in no file: to read them as the table is now would make them NULL."""
    columns = {"ts": [dt.datetime(2025, 1, 10, 10, tzinfo=dt.timezone.utc)] * 2, "sym": ["A", "B"],
               "date": [dt.date(2025, 1, 10)] * 2}
    path = varve.table("p")
    write_deltalake(path, pa.table({**columns, "price": [1.0, 1.0]}), partition_by=then)
    write_deltalake(path, pa.table({**columns, "price": [2.0, 1.0]}), partition_by=now, mode="overwrite",
                    schema_mode="overwrite")
    varve.ok("adopt", "p", "--key", "ts,sym")
    write_deltalake(path, pa.table({**columns, "price": [3.0, 1.0]}), mode="overwrite")
    done = varve.run("changes", "p", "--from", "0")
    assert done.returncode == 7 and "version 0 changed can't be told" in done.stderr
    assert "other partition columns" in done.stderr
    assert [row["sym"] for row in varve.rows("changes", "p", "--from", "0", "--to", "0")] == ["A", "B"]
    latest = varve.version("p")
    assert {row["sym"] for row in varve.rows("changes", "p", "--from", latest)} >= {"A"}
    done = varve.run("trace", "p", "ts=2025-01-10T10:00:00Z", "sym=A", "--format", "json")
    assert "what version 0 did is not told" in done.stderr or \
        "what 2 versions from 0 to 1 did is not told" in done.stderr
    assert "other partition columns" in done.stderr
    told = json.loads(done.stdout)
    assert [(row["version"], row["after"]) for row in told] == [(latest, {"price": 3.0})]


def test_names_and_values_of_any_kind_are_told_as_json(varve):
    varve.ok("create", "t", "--schema", 'k string not null, `a"b"é` string, n bigint', "--key",
             "k")
    varve.upsert("t", json.dumps({"k": "it's", 'a"b"é': 'x"y\\z', "n": 1}) + "\n")
    varve.upsert("t", json.dumps({"k": "it's", 'a"b"é': None, "n": 1}) + "\n")
    told = trace(varve, "k=it's", table="t")
    assert told[0]["after"] == {"k": "it's", 'a"b"é': 'x"y\\z', "n": 1}
    assert told[1]["before"] == {'a"b"é': 'x"y\\z'} and told[1]["after"] == {'a"b"é': None}


def test_values_of_every_type_are_those_of_a_scan(varve):
    varve.ok("create", "t", "--schema", "k int not null, d decimal(18,18), e decimal(10,2), b binary, "
             "n timestamp_ntz, dt date, f float, bo boolean, l array<double>, "
             "s struct<`a'\"`:array<struct<t:timestamp,b:binary>>,d:decimal(38,20)>, "
             "m map<double,decimal(16,16)>, y map<binary,array<date>>, z map<string,int>", "--key", "k")
    row = {"k": 1, "d": "0.123456789012345678", "e": 1, "b": "AP8=", "n": "2025-01-30T10:00:00.5",
           "dt": "2025-01-30", "f": 0.1, "bo": True, "l": [1.5, "NaN", None, "-Infinity", 1e300],
           "s": {"a'\"": [{"t": "2025-01-30", "b": "AP8="}, None], "d": "123456789012.12345678901234567890"},
           "m": {"NaN": "-0.5", "0.5": None}, "y": {"AP8=": ["2025-01-30"], "": []}, "z": {"x\"y": 1}}
    varve.upsert("t", json.dumps(row) + "\n")
    varve.upsert("t", '{"k":1}\n')
    scanned = varve.ok("scan", "t", "--version", "1", "--format", "ndjson", "--nan", "string").strip()
    told = varve.ok("trace", "t", "k=1", "--format", "ndjson").splitlines()
    assert told[0].endswith(f'"after":{scanned}}}')
    assert json.loads(told[1])["after"] == dict.fromkeys(list(row)[1:])


@pytest.mark.parametrize("arguments, words", [
    ([], "ts=VALUE"), (["ts=2025-01-10"], "sym=VALUE"), (["sym"], "no column=value"),
    (["ts=soon", "sym=A"], "no value of column ts"), (["nothing=1"], "no column nothing"),
    (["ts=2025-01-10", "ts=2025-01-10", "sym=A"], "given twice"),
    (["ts=2025-01-10", "sym=A", "price=1"], "price is not in the key"),
])
def test_questions_that_make_no_sense_are_refused(ticks, arguments, words):
    done = ticks.run("trace", TABLE, *arguments)
    assert done.returncode == 2 and words in done.stderr


def test_a_zero_keeps_its_sign(varve):
    """A scan shows it, and so does a trace, which pairs and sorts rows on its way."""
    varve.ok("create", "zeros", "--schema", "k int not null, v double, n float, l array<double>, "
             "s struct<x: double>", "--key", "k")
    for zero in ("-0.0", "0.0"):
        row = f'{{"k":1,"v":{zero},"n":{zero},"l":[{zero}],"s":{{"x":{zero}}}}}'
        varve.run("upsert", "zeros", "-", "--input-format", "ndjson", stdin=row + "\n")
        varve.ok("delete", "zeros", "--where", "k = 1")
    told = varve.ok("trace", "zeros", "k=1", "--format", "ndjson").splitlines()
    assert len(told) == 4
    for line, zero in zip(told, ("-0.0", "-0.0", "0.0", "0.0")):
        assert f'{{"k":1,"v":{zero},"n":{zero},"l":[{zero}],"s":{{"x":{zero}}}}}' in line
