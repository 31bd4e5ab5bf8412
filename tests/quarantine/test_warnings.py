"""Rows that are odd and may be right: written, and counted by the rule that they are against."""

import json

import deltalake
import pytest

TABLE = "quotes"
RULES = ("varve.warn.small=v IS NULL OR v < 10", "varve.warn.not_x=sym <> 'X'",
         "varve.warn.past=ts <= _now + INTERVAL 1 HOUR")
ODD = {"small": 2, "not_x": 1, "past": 1}


def rows(extra=0):
    lines = ["ts,sym,v", "2025-03-01T10:00:00Z,A,1", "2025-03-01T10:00:00Z,X,99",
             "2125-03-01T10:00:00Z,B,10", "2025-03-01T10:00:00Z,C,"]
    lines += [f"2025-03-01T10:00:00.{number:06}Z,D,1" for number in range(extra)]
    return "\n".join(lines) + "\n"


@pytest.fixture
def quotes(varve):
    properties = [part for rule in RULES for part in ("--property", rule)]
    varve.ok("create", TABLE, "--schema", "ts timestamp not null, sym string not null, v int",
             "--key", "ts,sym", "--check", "v_sane: v IS NULL OR v < 1000", *properties)
    return varve


def metrics(varve, table=TABLE):
    return varve.rows("history", table)[0]["operationMetrics"]


def warned_in_history(varve, table=TABLE):
    prefix = "numSourceRowsWarned."
    return {name[len(prefix):]: int(value) for name, value in metrics(varve, table).items()
            if name.startswith(prefix)}


# Few rows are counted in memory, many by a statement over a table.
@pytest.mark.parametrize("extra", [0, 60000])
def test_rows_are_counted_and_written(quotes, extra):
    result = quotes.upsert(TABLE, rows(extra))
    assert result["inserted"] == 4 + extra
    assert (result["rows_warned"], result["warnings"]) == (2, ODD)
    assert warned_in_history(quotes) == ODD
    assert metrics(quotes)["numSourceRowsWarned"] == "2"
    read = deltalake.DeltaTable(str(quotes.table(TABLE)))
    assert read.to_pyarrow_table().num_rows == 4 + extra
    assert read.history(1)[0]["operationMetrics"]["numSourceRowsWarned"] == "2"


def test_a_person_is_told(quotes):
    done = quotes.run("upsert", TABLE, "-", stdin=rows())
    assert "2 rows warned: small 2, not_x 1, past 1" in done.stderr


def test_rows_that_are_not_odd_say_nothing(quotes):
    result = quotes.upsert(TABLE, "ts,sym,v\n2025-03-01T10:00:00Z,A,1\n")
    assert (result["rows_warned"], result["warnings"]) == (0, {})
    assert "numSourceRowsWarned" not in metrics(quotes)
    assert "warned" not in quotes.run("upsert", TABLE, "-", stdin=rows()[:40]).stderr


def test_rejected_rows_are_not_counted_and_duplicates_are(quotes):
    text = rows() + "2025-03-01T10:00:00Z,X,5000\n2025-03-01T10:00:00Z,X,98\n"
    result = quotes.upsert(TABLE, text, "--quarantine")
    assert (result["rejected"], result["duplicates_in_batch"]) == (1, 1)
    assert (result["rows_warned"], result["warnings"]) == (3, {**ODD, "small": 3, "not_x": 2})


def test_a_replay_counts_nothing(quotes):
    for applied in (False, True):
        result = quotes.upsert(TABLE, rows(), "--app-id", "a", "--app-version", "1")
        assert result["already_applied"] is applied
        assert result["warnings"] == ({} if applied else ODD)


def test_several_files_are_one_count(quotes, tmp_path):
    paths = [tmp_path / "a.csv", tmp_path / "b.ndjson"]
    paths[0].write_text(rows())
    paths[1].write_text('{"ts":"2025-03-02T10:00:00Z","sym":"X","v":11}\n')
    done = quotes.ok("upsert", TABLE, *paths, "--json")
    assert json.loads(done)["warnings"] == {"small": 3, "not_x": 2, "past": 1}


def test_an_expression_that_is_null_or_fails_warns(quotes):
    quotes.ok("alter", TABLE, "set", "varve.warn.known=v > 0",
              "varve.warn.fails=v * 3000000000 * 3000000000 < 1")
    result = quotes.upsert(TABLE, "ts,sym,v\n2025-03-01T10:00:00Z,A,\n2025-03-01T10:00:00Z,B,9\n")
    assert result["warnings"] == {"known": 1, "fails": 2}


def test_append_counts_too(varve):
    varve.ok("create", "ticks", "--schema", "ts timestamp not null, p double",
             "--property", "varve.warn.cheap=p > 1")
    done = varve.run("append", "ticks", "-", stdin="ts,p\n2025-03-01T10:00:00Z,0.5\n")
    assert "1 row warned: cheap 1" in done.stderr
    assert warned_in_history(varve, "ticks") == {"cheap": 1}


@pytest.mark.parametrize("rule, reason", [
    ("varve.warn.a=vv < 10", "no column"), ("varve.warn.a=v <", "ends too early"),
    ("varve.warn.a=read_text('/etc/passwd') = ''", "read_text"),
    ("varve.warn.a=ts < 5", "ompare"), ("varve.warn.a=sym", "VARCHAR, not BOOLEAN"),
    ("varve.warn.a=null", "not BOOLEAN"), ("varve.warn.a=5", "not BOOLEAN"), ("varve.warn.a b=v < 5", "is no name"),
    ("varve.warn.=v < 5", "is no name"), ("varve.warn.a=ts < _now - INTERVAL 1 DAY", "interval")])
def test_a_rule_that_is_none_is_refused(quotes, rule, reason):
    before = quotes.version(TABLE)
    done = quotes.run("alter", TABLE, "set", rule)
    assert done.returncode == 2 and reason in done.stderr
    assert quotes.version(TABLE) == before
    name, _, expression = rule.partition("=")
    made = quotes.run("create", "other", "--schema", "ts timestamp, v int, sym string",
                      "--property", f"{name}={expression}")
    assert made.returncode == 2 and not quotes.table("other").exists()


def test_more_rules_than_there_may_be_are_refused(quotes):
    many = [f"varve.warn.r{number}=v < {number}" for number in range(30)]
    done = quotes.run("alter", TABLE, "set", *many)
    assert done.returncode == 2 and "32" in done.stderr
    quotes.ok("alter", TABLE, "set", *many[:29])
    assert quotes.upsert(TABLE, "ts,sym,v\n2025-03-01T10:00:00Z,A,28\n")["rows_warned"] == 1


def test_a_column_that_a_rule_names_stays(quotes):
    done = quotes.run("alter", TABLE, "drop-column", "v", "--upgrade")
    assert done.returncode == 2 and "varve.warn.small" in done.stderr
    quotes.ok("alter", TABLE, "unset", "varve.warn.not_x")
    assert "not_x" not in quotes.upsert(TABLE, rows())["warnings"]


@pytest.mark.parametrize("rule, counts", [("nofunction(v)", {}), ("sym", {"odd": 4})])
def test_a_rule_of_another_engine_keeps_no_row_out(quotes, rule, counts):
    log = quotes.table(TABLE) / "_delta_log"
    first = (log / f"{0:020d}.json").read_text().splitlines()
    metadata = next(json.loads(line)["metaData"] for line in first if "metaData" in line)
    metadata["configuration"]["varve.warn.odd"] = rule
    commit = [{"commitInfo": {"timestamp": 1, "operation": "SET TBLPROPERTIES"}},
              {"metaData": metadata}]
    (log / f"{1:020d}.json").write_text("\n".join(map(json.dumps, commit)) + "\n")
    done = quotes.run("upsert", TABLE, "-", "--json", stdin=rows())
    assert done.returncode == 0 and "odd" in done.stdout + done.stderr
    assert json.loads(done.stdout)["warnings"] == ODD | counts


def test_the_market_tables_have_rules(varve):
    varve.ok("init", "--symbols", "SPY,QQQ")
    result = varve.upsert("market_regimes", "timestamp,symbol,regime\n"
                          "2025-01-30T10:00:00Z,SPY,bullish_low\n"
                          "2125-01-30T10:00:00Z,IWM,bullish_low\n")
    assert result["warnings"] == {"future_time": 1, "unknown_symbol": 1}
    result = varve.upsert("signals", "timestamp,strategy_id,signal_type,acted_upon,acted_at\n"
                          "2025-01-30T10:00:00Z,s,ml_entry,true,2025-01-30T09:59:59Z\n"
                          "2025-01-30T10:00:01Z,s,ml_entry,true,2025-01-30T10:00:01Z\n"
                          "2025-01-30T10:00:02Z,s,ml_entry,false,\n")
    assert result["warnings"] == {"acted_before_signal": 1}


def test_what_comes_late_to_the_writer_is_stale(market):
    row = {"timestamp": "2025-01-30T10:00:00Z", "strategy_id": "s", "total_pnl": 1}
    done = market.run("ingest", "performance_metrics", "--json", stdin=json.dumps(row) + "\n")
    assert done.returncode == 0
    end = json.loads(done.stdout)
    assert end["warnings"] == 1
    assert end["writer"]["tables"][0]["warned"] == {"stale_feed": 1}
    assert warned_in_history(market, "performance_metrics") == {"stale_feed": 1}


EDITS = {
    "update": ["--set", "v = v + 50", "--where", "sym <> 'C'"],
    "merge": ["--source", "-", "--input-format", "csv", "--on", "t.ts = s.ts AND t.sym = s.sym",
              "--when-matched", "update set v = s.v", "--when-not-matched", "insert *"],
    "overwrite": ["-", "--yes", "--input-format", "csv"],
}


@pytest.mark.parametrize("name, text, counts", [
    ("update", "", {"small": 3, "not_x": 1, "past": 1}),  # what is written, odd before or not
    ("merge", rows() + "2025-03-01T10:00:00Z,D,70\n", {"small": 3, "not_x": 1, "past": 1}),
    ("overwrite", rows(), ODD)])
def test_what_an_edit_writes_is_counted(quotes, name, text, counts):
    quotes.upsert(TABLE, rows())
    plan = json.loads(quotes.ok(name, TABLE, *EDITS[name], "--dry-run", "--json", stdin=text))
    result = json.loads(quotes.ok(name, TABLE, *EDITS[name], "--json", stdin=text))
    many = 2 if name == "overwrite" else 3
    assert (result["rows_warned"], result["warnings"]) == (many, counts)
    assert (plan["rows_warned"], plan["warnings"]) == (many, counts)
    assert warned_in_history(quotes) == counts
    assert metrics(quotes)["numSourceRowsWarned"] == str(many)
    done = quotes.run(name, TABLE, *EDITS[name], stdin=text)
    assert f"{many} rows warned: " in done.stderr


def test_an_edit_that_writes_nothing_odd_says_nothing(quotes):
    quotes.upsert(TABLE, rows())
    for words in (["update", "--set", "v = 1", "--where", "sym = 'A'"], ["delete", "--where", "v = 99"]):
        result = json.loads(quotes.ok(words[0], TABLE, *words[1:], "--json"))
        assert (result["rows_warned"], result["warnings"]) == (0, {})
        assert "numSourceRowsWarned" not in metrics(quotes)
