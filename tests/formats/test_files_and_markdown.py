"""The data files as the log has them, and tables for documents."""

import json

import deltalake
import pytest

REGIMES = ("timestamp,symbol,regime,vix,source\n"
           "2025-01-29T10:00:00Z,SPY,bullish_low,15,\"a|b\"\n"
           "2025-01-30T10:00:00Z,QQQ,bullish_low,16.5,\"*x*\n<b>\"\n"
           "2025-01-30T11:00:00Z,SPY,bullish_low,,\\\n")


@pytest.fixture
def regimes(market):
    market.upsert("market_regimes", REGIMES)
    return market


def test_files_are_those_of_the_log(regimes):
    regimes.upsert("market_regimes", REGIMES.replace("16.5", "17"))
    found = regimes.rows("files", "market_regimes")
    table = deltalake.DeltaTable(str(regimes.table("market_regimes")))
    actions = table.get_add_actions(flatten=True)
    actions = {row["path"]: row for row in json.loads(json.dumps(
        __import__("pyarrow").table(actions).to_pylist(), default=str))}
    assert {row["path"] for row in found} == set(actions)
    for row in found:
        action = actions[row["path"]]
        assert row["bytes"] == action["size_bytes"]
        assert row["rows"] == action["num_records"]
        assert row["partition"] == {"date": action["partition.date"]}
        assert row["deleted"] == 0
        path = regimes.table("market_regimes") / row["path"]
        assert row["bytes"] == path.stat().st_size
    assert sorted(row["added_version"] for row in found) == [1, 2]
    second = next(row for row in found if row["added_version"] == 2)
    assert second["min"]["symbol"] == "QQQ" and second["max"]["symbol"] == "SPY"
    assert second["min"]["timestamp"].startswith("2025-01-30T10:00:00")


def test_files_of_an_older_version(regimes):
    assert regimes.rows("files", "market_regimes", "--at", "0") == []
    assert len(regimes.rows("files", "market_regimes", "--at", "1")) == 2


def test_files_of_a_table_of_others(varve, tmp_path):
    import pyarrow
    path = tmp_path / "theirs"
    deltalake.write_deltalake(str(path), pyarrow.table({"a": [1, 2]}))
    [row] = varve.rows("files", str(path))
    assert (row["rows"], row["partition"], row["min"]) == (2, None, None)


def cells(line):
    """The cells of a row as a Markdown parser parts them: by pipes without a backslash."""
    parts, cell, at = [], "", 0
    while at < len(line):
        if line[at] == "\\":
            cell += line[at:at + 2]
            at += 2
        elif line[at] == "|":
            parts.append(cell.strip())
            cell = ""
            at += 1
        else:
            cell += line[at]
            at += 1
    return parts[1:]


def test_markdown(regimes, tmp_path):
    text = regimes.ok("query", "SELECT symbol, vix, source FROM market_regimes ORDER BY timestamp",
                      "--format", "markdown")
    lines = text.splitlines()
    assert lines[:2] == ["| symbol | vix | source |", "|---|---:|---|"]
    assert [cells(line) for line in lines[2:]] == [
        ["SPY", "15.0", "a\\|b"], ["QQQ", "16.5", "\\*x\\*\\\\n\\<b\\>"], ["SPY", "", "\\\\"]]
    out = tmp_path / "table.md"
    regimes.ok("query", "SELECT symbol, vix, source FROM market_regimes ORDER BY timestamp", "-o",
               out)
    assert out.read_text() == text


def test_markdown_of_no_rows_is_its_head(regimes):
    text = regimes.ok("query", "SELECT symbol FROM market_regimes WHERE false", "--format",
                      "markdown")
    assert text == "| symbol |\n|---|\n"
