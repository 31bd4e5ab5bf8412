"""A terminal of 80 columns: what a report is about is seen, and no line is longer."""

import pytest

from terminal import Terminal


@pytest.fixture(scope="module")
def lake(varve_on, tmp_path_factory):
    varve = varve_on(tmp_path_factory.mktemp("width") / "lake")
    varve.ok("init")
    for table in ("market_regimes", "performance_metrics", "signals"):
        rows = varve.ok("simulate", "--days", "2", "--seed", "3", "--table", table)
        varve.ok("upsert", table, "-", "--input-format", "ndjson", stdin=rows)
    return varve


def seen(lake, *words, columns=80):
    terminal = Terminal([str(lake.program), "--lake", str(lake.lake), *words], columns=columns,
                        env={"VARVE_PAGER": "cat"})
    status, text = terminal.close()
    assert status == 0, text
    lines = [line for line in text.splitlines() if line.startswith(("│", "┌", "├", "└"))]
    lines = lines[:next(i for i, line in enumerate(lines) if line.startswith("└")) + 1]
    assert lines and max(map(len, lines)) <= columns and len(set(map(len, lines))) == 1
    return lines


def names(lines):
    """The columns, their names put together from the lines that they take."""
    head = lines[1:next(i for i, line in enumerate(lines) if line.startswith("├"))]
    cells = zip(*(line.strip("│").split("│") for line in head))
    return ["".join(part.strip() for part in cell) for cell in cells]


@pytest.mark.parametrize("words, important", [
    (["correlate"], ["regime", "pnl_change", "mean_pnl_change", "worst_drawdown", "hit_rate"]),
    (["signals", "audit"], ["timestamp", "strategy_id", "signal_type", "signal_value",
                            "seconds_to_action"]),
    (["signals", "missed"], ["timestamp", "strategy_id", "signal_type", "signal_value"]),
    (["signals", "latency"], ["strategy_id", "signal_type", "count", "acted", "p50_seconds",
                              "p90_seconds", "max_seconds"]),
    (["history", "signals"], ["version", "timestamp", "userName", "operation", "userMetadata"]),
    (["files", "signals"], ["path", "rows", "bytes"]),
    (["tables"], ["table", "rows", "version", "last_commit"]),
    (["query", "SELECT *, signal_value * 2 AS wanted FROM signals"], ["timestamp", "strategy_id",
                                                                      "wanted"]),
    (["scan", "signals"], ["timestamp", "strategy_id", "signal_type"]),
    (["query", "FROM signals", "--explain"], ["table", "files", "pruned_by_partition",
                                              "pruned_by_statistics", "files_read"]),
])
def test_the_important_columns_are_seen(lake, words, important):
    shown = names(seen(lake, *words))
    assert [name for name in shown if name in important] == important
    assert "…" not in shown or shown.count("…") <= 3


def test_changes_show_the_key_of_what_changed(lake):
    shown = names(seen(lake, "changes", "performance_metrics", "--from", "1"))
    key = ["timestamp", "strategy_id"]
    assert [name for name in shown if name in key] == key
    assert "_change_type" in shown and "_commit_version" in shown


def test_trace_shows_by_which_operation(lake):
    row = lake.rows("scan", "performance_metrics", "--limit", "1")[0]
    lake.ok("--message", "a reason of some length for what was done here", "delete",
            "performance_metrics", "--where", f"strategy_id = '{row['strategy_id']}'")
    shown = names(seen(lake, "trace", "performance_metrics", f"timestamp={row['timestamp']}",
                       f"strategy_id={row['strategy_id']}"))
    assert {"version", "change", "operation", "userName"} <= set(shown)


def test_a_wide_terminal_shows_all_on_one_line(lake):
    lines = seen(lake, "correlate", columns=200)
    assert lines[2].startswith("├") and "…" not in lines[1]
    assert names(lines) == ["regime", "rows", "strategies", "share_of_time", "pnl_change",
                            "mean_pnl_change", "worst_drawdown", "hit_rate"]


def test_names_of_strategies_are_whole_where_there_is_room(lake):
    text = "\n".join(seen(lake, "signals", "latency"))
    assert "iron_condor_1" in text
