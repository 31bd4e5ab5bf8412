"""Columns, defaults and refusals of the commands that read: as their help and the manual say."""

import json

import pytest


@pytest.fixture(scope="module")
def lake(varve_on, tmp_path_factory):
    varve = varve_on(tmp_path_factory.mktemp("contract") / "lake")
    varve.ok("init")
    for table in ("market_regimes", "performance_metrics", "signals"):
        rows = varve.ok("simulate", "--days", "2", "--seed", "5", "--table", table)
        varve.ok("upsert", table, "-", "--input-format", "ndjson", "--message", "a day", stdin=rows)
    return varve


COLUMNS = {
    "history signals": "version,timestamp,userName,operation,operationParameters,operationMetrics,"
                       "userMetadata,engineInfo,rows,files",
    "files signals": "path,partition,bytes,rows,deleted,min,max,added_version,modified",
    "correlate": "regime,rows,strategies,share_of_time,pnl_change,mean_pnl_change,worst_drawdown,hit_rate",
    "correlate --by symbol": "symbol,regime,rows,strategies,share_of_time,pnl_change,mean_pnl_change,"
                             "worst_drawdown,hit_rate",
    "outcomes": "regime,horizon,signals,outcomes,pending,hit_rate,pnl_change,mean_pnl_change,"
                "median_pnl_change,mean_best,mean_worst,ic",
    "outcomes --by strategy": "strategy_id,horizon,signals,outcomes,pending,hit_rate,pnl_change,"
                              "mean_pnl_change,median_pnl_change,mean_best,mean_worst,ic",
    "transitions": "from_regime,to_regime,count,probability,mean_stay_seconds",
    "transitions --by symbol": "symbol,from_regime,to_regime,count,probability,"
                               "mean_stay_seconds",
    "gaps market_regimes --every 1m --by symbol": "symbol,from,to,missing,sessions",
    "gaps market_regimes --every 1m --show coverage": "expected,present,missing,coverage,"
                                                      "longest_gap,rows,outside,first,last",
    "gaps signals --show lateness": "lateness,from_seconds,to_seconds,rows,share,"
                                    "cumulative_share",
    "signals audit": "timestamp,strategy_id,signal_type,signal_value,acted_upon,acted_at,"
                     "seconds_to_action,high_confidence,source,regime",
    "signals latency": "strategy_id,signal_type,count,acted,p50_seconds,p90_seconds,max_seconds",
    "tables": "table,version,files,rows,bytes,last_commit,key,location,error",
    "quarantine list signals": "id,arrival,rows,source,app_id,app_version,user_name,reason",
}


@pytest.mark.parametrize("words", COLUMNS)
def test_columns(lake, words):
    assert lake.ok(*words.split(), "--format", "csv").splitlines()[0] == COLUMNS[words]


@pytest.mark.parametrize("words, status, message", [
    ("scan signals --at yesterday", 5, '"yesterday" is no version'),
    ("latest signals --at q3", 5, '"q3" is no version'),
    ("scan signals --at 3.5", 2, "neither a version nor a time"),
    ("scan signals --at -2x", 2, "neither a version nor a time"),
    ("scan signals --version 99", 5, "versions 0 to 1 are there"),
    ("files signals --at 99", 5, "versions 0 to 1 are there"),
    ("range signals --from 2025-02-02 --to 2025-02-01", 2, "begins at 2025-02-02, after its end"),
    ("signals audit --from 2025-02-02 --to 2025-02-01", 2, "begins at 2025-02-02, after its end"),
    ("correlate --from 2025-02-02 --to 2025-02-01", 2, "begins at 2025-02-02, after its end"),
    ("correlate --at 3", 2, "a version"),
    ("outcomes --at 3", 2, "a version"),
    ("signals audit --min-value 0.5", 2, "missed only"),
    ("verify signals --at 0", 2, "--at means nothing"),
    ("history signals --limit 0", 2, "out of range"),
    ("quarantine drop signals", 2, "--yes"),
    ("quarantine show signals nope", 5, "nope"),
    ("checkpoint nowhere", 5, "there are: market_regimes"),
])
def test_what_is_refused_says_why(lake, words, status, message):
    done = lake.run(*words.replace("'", "").split())
    assert done.returncode == status, done.stderr
    assert message in done.stderr
    assert done.stdout == ""


def test_an_empty_range_is_no_error(lake):
    done = lake.run("range", "signals", "--from", "2025-02-01", "--to", "2025-02-01")
    assert done.returncode == 0 and "the newest row" in done.stderr


def test_history_is_newest_first_and_knows_its_message(lake):
    rows = lake.rows("history", "signals")
    assert [row["version"] for row in rows] == [1, 0]
    assert rows[0]["userMetadata"] == "a day" and isinstance(rows[0]["operationMetrics"], dict)


def test_a_checkpoint_says_what_it_did(lake):
    said = json.loads(lake.ok("checkpoint", "signals", "--json"))
    assert said["table"] == "signals" and said["version"] == 1
