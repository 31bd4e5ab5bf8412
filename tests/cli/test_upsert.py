"""upsert: what goes in comes out again, what it says of it, and what it refuses."""

import json
import subprocess
import threading

import pytest

from samples import REGIMES

HEAD = "timestamp,symbol,regime,vix\n"


@pytest.fixture
def lake(varve):
    varve.ok("init")
    return varve


def upsert(lake, *arguments, **more):
    return json.loads(lake.ok("upsert", "market_regimes", "--json", *arguments, **more))


def test_summary_is_one_object(lake):
    done = lake("upsert", "market_regimes", "--json", stdin=HEAD + "2025-01-30,SPY,neutral_low,1\n")
    assert done.returncode == 0
    assert done.stderr == ""
    assert done.stdout.count("\n") == 1
    assert list(json.loads(done.stdout)) == [
        "table", "rows_in", "inserted", "updated", "unchanged", "stale", "duplicates_in_batch",
        "rejected", "repaired", "already_applied", "rows_written", "version", "files_added",
        "files_removed", "attempts", "rows_warned", "warnings"]


def test_without_json_a_sentence_on_stderr(lake):
    done = lake("upsert", "market_regimes", stdin=HEAD + "2025-01-30,SPY,neutral_low,1\n")
    assert done.stdout == ""
    assert done.stderr == "market_regimes: 1 row in: 1 inserted; version 1\n"
    done = lake("upsert", "market_regimes", "--quiet", stdin=HEAD + "2025-01-31,SPY,neutral_low,1\n")
    assert (done.stdout, done.stderr) == ("", "")


def test_a_batch_may_be_repeated(lake):
    row = "timestamp,symbol,regime,ingested_at\n2025-01-30,SPY,neutral_low,2025-01-30\n"
    assert upsert(lake, stdin=row)["inserted"] == 1
    again = upsert(lake, stdin=row)
    assert (again["unchanged"], again["rows_written"], again["version"]) == (1, 0, 1)


def test_a_txn_is_applied_once(lake):
    def batch(vix):
        return upsert(lake, "--app-id", "feed", "--app-version", "1",
                      stdin=HEAD + f"2025-01-30,SPY,neutral_low,{vix}\n")
    assert batch(1)["already_applied"] is False
    assert batch(2)["already_applied"] is True
    done = lake("upsert", "market_regimes", "--app-id", "feed", "--app-version", "1", stdin=HEAD)
    assert "applied before; nothing written" in done.stderr


def test_a_batch_that_changes_no_row_is_recorded_and_says_so(lake):
    row = HEAD + "2025-01-30,SPY,neutral_low,1\n"
    assert upsert(lake, stdin=row)["version"] == 1
    plain = lake("upsert", "market_regimes", stdin=row)
    assert "1 unchanged; version 1 (nothing written)" in plain.stderr
    named = ("--app-id", "feed", "--app-version", "1")
    dry = lake("upsert", "market_regimes", "--dry-run", *named, stdin=row)
    assert "(a dry run: nothing written)" in dry.stderr and "records" not in dry.stderr
    done = lake("upsert", "market_regimes", *named, stdin=row)
    assert "1 unchanged; no row written; version 2 records the batch" in done.stderr
    assert "nothing written" not in done.stderr
    assert json.loads(lake.ok("describe", "market_regimes", "--json"))["version"] == 2


@pytest.mark.parametrize("command", [
    ["delete", "t", "--where", "k = 9"], ["update", "t", "--where", "k = 9", "--set", "v = 1"],
    ["merge", "t", "--source", "-", "--on", "t.k = s.k", "--when-matched", "update *"]])
def test_a_change_of_no_row_is_recorded_and_says_so(varve, command):
    varve.ok("create", "t", "--schema", "k int not null, v int", "--key", "k")
    source = "k,v\n9,1\n" if command[0] == "merge" else None
    done = varve(*command, stdin=source)
    assert "t: no such rows; version 0 (nothing written)" in done.stderr
    named = ("--app-id", "feed", "--app-version", "1")
    assert "dry run" in varve(*command, *named, "--dry-run", stdin=source).stderr
    done = varve(*command, *named, stdin=source)
    assert "t: no such rows; version 1 records the batch" in done.stderr
    assert json.loads(varve.ok("describe", "t", "--json"))["version"] == 1


@pytest.mark.parametrize("form", ["csv", "ndjson"])
def test_what_comes_out_goes_in_again(lake, form):
    lake.ok("upsert", "market_regimes", stdin=REGIMES.replace("NaN", "1e-7"))
    lake.ok("scan", "market_regimes", "-o", f"rows.{form}")
    before = sorted(lake.ok("scan", "market_regimes").splitlines())
    again = upsert(lake, f"rows.{form}")
    assert (again["rows_in"], again["unchanged"]) == (3, 3)
    lake.ok("--lake", "other", "init")
    fresh = json.loads(lake.ok("--lake", "other", "upsert", "market_regimes", f"rows.{form}", "--json"))
    assert fresh["inserted"] == 3
    assert sorted(lake.ok("--lake", "other", "scan", "market_regimes").splitlines()) == before


SCHEMA = ("i int not null, s string, d double, f float, b boolean, t timestamp, n timestamp_ntz, "
          "e date, x decimal(38,10), y binary, z smallint")
EVERYTHING = (
    "i,s,d,f,b,t,n,e,x,y,z\n"
    '1,"",NaN,0.1,true,2025-01-30T10:00:00.123456Z,2025-01-30T10:00:00.000001,1969-12-31,'
    "-1234567890123456789012345678.0123456789,AAEC/w==,-32768\n"
    '2," a ""b"",c",Infinity,-Infinity,false,1900-01-01T00:00:00.000000Z,'
    "9999-12-31T23:59:59.999999,2024-02-29,0.0000000001,,7\n"
    '3,"line\nbreak",-0.0,3.4028235e+38,,,,,,,\n'
    '4,NULL,5e-324,1e-45,,,,,,,\n'
)


@pytest.mark.parametrize("form", ["csv", "ndjson"])
def test_every_type_survives_the_round_trip(varve, form):
    for name in ("a", "b"):
        varve.ok("create", name, "--key", "i", "--schema", SCHEMA)
    varve.ok("upsert", "a", stdin=EVERYTHING)
    query = "SELECT * FROM {} ORDER BY i"
    before = varve.ok("query", query.format("a"))
    assert before == EVERYTHING.replace('NULL', 'NULL')
    nan = ["--nan", "string"] if form == "ndjson" else []
    varve.ok("query", query.format("a"), "-o", f"out.{form}", *nan)
    varve.ok("upsert", "b", f"out.{form}")
    assert varve.ok("query", query.format("b")) == before


def test_formats_of_files_and_of_stdin(lake):
    csv = HEAD + "2025-01-30,SPY,neutral_low,1\n"
    ndjson = '{"timestamp":"2025-01-31","symbol":"SPY","regime":"neutral_low"}\n'
    (lake.folder / "a.csv").write_text(csv)
    (lake.folder / "b.jsonl").write_text(ndjson)
    (lake.folder / "c.txt").write_text(csv.replace("SPY", "QQQ"))
    assert upsert(lake, "a.csv", "b.jsonl")["rows_in"] == 2
    assert upsert(lake, "--input-format", "csv", "c.txt")["inserted"] == 1
    assert upsert(lake, stdin=ndjson.replace("SPY", "IWM"))["inserted"] == 1
    with (lake.folder / "b.jsonl").open() as file:
        done = subprocess.run([lake.program, "upsert", "market_regimes", "-"], stdin=file,
                              cwd=lake.folder, env=lake.env, capture_output=True, check=False)
    assert done.returncode == 0, done.stderr


def test_bad_rows_reject_the_batch_and_are_named(lake):
    done = lake("upsert", "market_regimes", "--json", stdin=(
        HEAD + "2025-01-30,SPY,neutral_low,1\n2025-01-30,QQQ,sideways,1\nnever,IWM,neutral_low,1\n"))
    assert done.returncode == 3
    assert done.stdout == ""
    assert "2 of 3 rows rejected, nothing written" in done.stderr
    assert "row 2 (line 3)" in done.stderr and "regime_known" in done.stderr
    assert "row 3 (line 4)" in done.stderr and "never" in done.stderr
    assert lake.ok("query", "SELECT count(*) AS n FROM market_regimes") == "n\n0\n"


def test_values_in_errors_do_not_steer_the_terminal(lake):
    done = lake("upsert", "market_regimes", stdin=HEAD + "2025-01-30,SPY,\x1b[31mred,1\n")
    assert done.returncode == 3
    assert "\x1b" not in done.stderr and "[31mred" in done.stderr
    done = lake("scan", "no\x1b[31msuch")
    assert done.returncode == 5
    assert "\x1b" not in done.stderr and "[31msuch" in done.stderr
    done = lake("no\x1b[31msuch")
    assert done.returncode == 2
    assert "no\\x1b[31msuch" in done.stderr


def test_simulated_rows_all_pass(lake):
    for table in ("market_regimes", "performance_metrics", "signals"):
        feed = lake.ok("simulate", "--days", "2", "--seed", "3", "--table", table)
        result = json.loads(lake.ok("upsert", table, "-", "--json", stdin=feed))
        assert result["rows_in"] == feed.count("\n")
        assert result["inserted"] + result["duplicates_in_batch"] == result["rows_in"]
        assert result["rejected"] == 0


def test_two_writers_lose_nothing(lake):
    def write(symbol):
        for minute in range(5):
            lake.ok("upsert", "market_regimes",
                    stdin=HEAD + f"2025-01-30T10:0{minute}:00Z,{symbol},neutral_low,1\n")
    threads = [threading.Thread(target=write, args=(name,)) for name in ("SPY", "QQQ")]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert lake.ok("query", "SELECT count(*) AS n FROM market_regimes") == "n\n10\n"


def test_one_row_is_told_as_one(lake):
    done = lake("upsert", "market_regimes", stdin=HEAD + "never,IWM,neutral_low,1\n")
    assert done.returncode == 3 and "1 of 1 row rejected" in done.stderr, done.stderr
