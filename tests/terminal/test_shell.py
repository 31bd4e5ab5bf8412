"""The shell: statements and dot-commands, typed and piped."""

import json
import os
import signal
import time

import pytest

from terminal import Terminal

ROWS = """timestamp,symbol,regime,vix,put_call_ratio,confidence
2025-01-30T10:00:00Z,SPY,bullish_low,15.5,0.8,0.9
2025-01-30T10:01:00Z,SPY,bearish_low,16.5,0.9,0.8
"""


@pytest.fixture
def filled(market):
    market.upsert("market_regimes", ROWS)
    return market


@pytest.fixture
def shell(filled, tmp_path):
    made = []

    def start(**options):
        env = {"XDG_STATE_HOME": str(tmp_path / "state"), **options.pop("env", {})}
        terminal = Terminal([str(filled.program), "--lake", str(filled.lake), "shell"], env=env,
                            **options)
        terminal.expect("varve> ")
        made.append(terminal)
        return terminal
    return start


def piped(varve, text):
    return varve.run("shell", stdin=text)


# ---- Piped -----------------------------------------------------------------------------------


def test_statements_over_lines_and_in_lines(filled):
    done = piped(filled, "SELECT 'a;b' AS x -- not here;\n; SELECT count(*) AS n /* nor ; here */\n"
                         "FROM market_regimes;\n\nSELECT $$;$$ AS y")
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines() == ["x", "a;b", "n", "2", "y", ";"]


def test_the_first_failure_ends_it_with_its_status(filled):
    done = piped(filled, "SELECT 1 AS a;\nSELEC 2;\nSELECT 3 AS c;\n")
    assert (done.returncode, done.stdout) == (2, "a\n1\n")
    assert "SELEC" in done.stderr
    assert piped(filled, "SELECT * FROM nowhere;").returncode == 5


def test_dot_commands(filled):
    done = piped(filled, ".mode ndjson\n.param s=SPY\n.param n=1\n.param n=2\n"
                         "SELECT $s AS s, $n AS n;\nSELECT 7 AS seven;\n.tables\n.quit\nSELECT 9;\n")
    assert done.returncode == 0, done.stderr
    lines = [json.loads(line) for line in done.stdout.splitlines()]
    assert lines[:2] == [{"s": "SPY", "n": "2"}, {"seven": 7}]
    assert [line["table"] for line in lines[2:]] == ["market_regimes", "performance_metrics",
                                                    "signals"]


def test_at_holds_until_it_is_off(filled):
    count = "SELECT count(*) AS n FROM market_regimes;\n"
    done = piped(filled, f".at 0\n{count}.at off\n{count}")
    assert done.stdout.split() == ["n", "0", "n", "2"]


def test_at_takes_tags_and_names_those_that_there_are(filled):
    for tag in ("q3", "model-7"):
        filled.ok("tag", "create", tag)
    count = "SELECT count(*) AS n FROM market_regimes;\n"
    assert piped(filled, f".at q3\n{count}.at now\n{count}").stdout.split() == ["n", "2"] * 2
    done = piped(filled, f".at q4\n{count}")
    assert done.returncode == 5 and "no tag: tags are model-7, q3\n" in done.stderr


@pytest.mark.parametrize("line, words", [
    (".tabels", "did you mean '.tables'"), (".mode sideways", ".mode: box, csv, json, ndjson, markdown or plot, not 'sideways'"),
    (".mode parquet", "not 'parquet'; the other formats are for files"), (".mode svg", "not 'svg'"), (".timer maybe", "on or off"),
    (".param x", "NAME=VALUE"), (".read", "name of a file"), (".read nowhere.sql", "nowhere.sql"),
    (".schema nowhere", "nowhere"), (".history", "TABLE"), (".at", "a version, a time, a tag or off"), (".at q4", "'q4' is no version (5), no time (now, -2h) and no tag: there are none")])
def test_bad_dot_commands_say_what_is_wrong(filled, line, words):
    done = piped(filled, line + "\n")
    assert done.returncode in (2, 5)
    assert words in done.stderr


def test_read_runs_a_file_and_files_that_read_themselves_end(filled, tmp_path):
    script = tmp_path / "script.sql"
    script.write_text(".mode json\nSELECT 1 AS one\n")
    done = piped(filled, f".read {script}\nSELECT 2 AS two;\n")
    assert done.returncode == 0, done.stderr
    assert '"one"' in done.stdout and '"two"' in done.stdout
    loop = tmp_path / "loop.sql"
    loop.write_text(f".read {loop}\n")
    done = piped(filled, f".read {loop}\n")
    assert done.returncode == 2
    assert "too deep" in done.stderr


def test_each_statement_sees_the_newest_rows(filled):
    import subprocess
    process = subprocess.Popen([str(filled.program), "--lake", str(filled.lake), "shell"],
                               stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, bufsize=1)
    process.stdin.write("SELECT count(*) AS n FROM market_regimes;\n")
    assert [process.stdout.readline(), process.stdout.readline()] == ["n\n", "2\n"]
    filled.upsert("market_regimes", "timestamp,symbol,regime,vix\n"
                                    "2025-01-31T10:00:00Z,SPY,bullish_low,15\n")
    out, _ = process.communicate("SELECT count(*) AS n FROM market_regimes;\n", timeout=120)
    assert out == "n\n3\n"


@pytest.mark.parametrize("word", ["quit", "exit;", " EXIT ", "Quit ;", ".quit"])
def test_bare_words_leave(filled, word):
    done = piped(filled, f"SELECT 1 AS one;\n{word}\nSELECT 2 AS two;\n")
    assert (done.returncode, done.stdout) == (0, "one\n1\n"), done.stderr


def test_bare_words_within_a_statement_are_its_own(filled):
    assert ".schema" in piped(filled, "help\n").stdout
    assert piped(filled, "SELECT 1 AS\nquit\n;\n").stdout == "quit\n1\n"
    assert piped(filled, "SELECT ('A')\n.lower() AS a;\n").stdout == "a\na\n"
    assert piped(filled, "quit it;\n").returncode == 2


# ---- Typed -----------------------------------------------------------------------------------


def test_the_way_out_of_a_statement_is_told(shell):
    terminal = shell()
    assert ".schema" in terminal.ask("help")
    terminal.ask("SELECT 1", prompt="...> ")
    told = terminal.ask(".quit", prompt="...> ")
    assert "Ctrl-C gives it up, then .quit works" in told
    terminal.ask("exit", prompt="then .quit works")
    terminal.expect("...> ")
    terminal.type("\x03")
    terminal.expect("varve> ")
    terminal.type("exit\r")
    assert terminal.close()[0] == 0


def test_a_conversation(shell):
    terminal = shell()
    assert "│ 2 │" in terminal.ask("SELECT count(*) AS n FROM market_regimes;").replace("  ", " ")
    terminal.ask("SELECT regime", prompt="...> ")
    assert "bearish_low" in terminal.ask("FROM market_regimes;")
    error = terminal.ask("SELECT nothing FROM market_regimes;")
    assert "nothing" in error and "varve:" in error
    assert "41" in terminal.ask("SELECT 40 + 1;")  # it went on
    assert " ms" in terminal.ask(".timer on") + terminal.ask("SELECT 1;")
    assert ".schema" in terminal.ask(".help")
    terminal.type(".quit\r")
    assert terminal.close()[0] == 0


def test_tab_completes_tables_columns_and_commands(shell):
    terminal = shell()
    terminal.type("SELECT confi\t FROM market_r\t;\r")
    assert "0.9" in terminal.expect("varve> ")
    terminal.type(".sch\tsignals\r")
    assert "strategy_id" in terminal.expect("varve> ")
    terminal.type("SELECT any_value('by ' || operation) FROM table_h\tsignals') WHERE version = 0;\r")
    assert "by CREATE TABLE" in terminal.expect("varve> ")
    terminal.type("SELECT * FROM s\t")
    terminal.type("\t")
    assert "signals" in terminal.expect("SET known_at")  # the words with s
    terminal.expect("varve> SELECT * FROM s")  # and the line anew
    terminal.type("\x03")
    terminal.expect("^C")
    terminal.expect("varve> ")
    terminal.type("\x04")
    assert terminal.close()[0] == 0


def test_ctrl_c_gives_up_the_statement_and_ctrl_d_leaves(shell):
    terminal = shell()
    terminal.ask("SELECT 1", prompt="...> ")
    terminal.type("garbage\x03")
    terminal.expect("varve> ")
    assert "42" in terminal.ask("SELECT 42;")
    terminal.type("\x04")
    assert terminal.close()[0] == 0


def test_ctrl_c_stops_a_statement_and_the_shell_goes_on(shell):
    terminal = shell()
    terminal.type("SELECT count(*) FROM range(100000000000) a, range(1000) b;\r")
    time.sleep(1)
    terminal.type("\x03")
    assert "interrupted" in terminal.expect("varve> ")
    time.sleep(2.5)  # nothing of it comes behind
    assert "43" in terminal.ask("SELECT 43;")
    terminal.type("SELECT count(*) FROM range(100000000000) a, range(1000) b;\r")
    time.sleep(1)
    terminal.type("\x03")
    assert "interrupted" in terminal.expect("varve> ")  # a second time as well
    terminal.type("\x04")
    assert terminal.close()[0] == 0


def test_a_sigint_at_the_prompt_gives_up_what_was_typed(shell):
    terminal = shell()
    for typed, prompt in (("", "varve> "), ("SELECT 4", "SELECT 4"), ("SELECT 1\r  + 2", "+ 2")):
        terminal.type(typed)
        if typed:
            terminal.expect(prompt)
        os.kill(terminal.child, signal.SIGINT)
        terminal.expect("varve> ")
        assert "43" in terminal.ask("SELECT 43;")
    terminal.type("\x04")
    assert terminal.close()[0] == 0


def test_ctrl_c_in_the_pager_is_the_pagers(shell, tmp_path):
    script = tmp_path / "pager"
    script.write_text("#!/bin/sh\ntrap 'echo; echo heard; exit' INT\necho here\nwhile :; do sleep 0.1; done\n")
    script.chmod(0o755)
    terminal = shell(env={"PAGER": str(script)})
    terminal.type("SELECT i FROM range(300) r(i);\r")
    terminal.expect("here\n")
    terminal.type("\x03")
    terminal.expect("varve> ")
    time.sleep(2.5)
    assert "43" in terminal.ask("SELECT 43;")
    terminal.type("\x04")
    assert terminal.close()[0] == 0


@pytest.mark.parametrize("statement", ["", "SELECT count(*) FROM range(100000000000) a, range(1000) b;\r"])
def test_a_supervisor_ends_the_shell(shell, statement):
    terminal = shell()
    terminal.ask("SELECT 43;")
    terminal.type(statement)
    time.sleep(1)
    os.kill(terminal.child, signal.SIGTERM)
    assert terminal.close()[0] == 130


def test_history_outlives_the_shell(shell, tmp_path):
    terminal = shell()
    terminal.ask("SELECT 4711;")
    terminal.type("\x04")
    assert terminal.close()[0] == 0
    kept = tmp_path / "state" / "varve" / "history"
    assert "SELECT" in kept.read_text() and kept.stat().st_mode & 0o077 == 0
    terminal = shell()
    terminal.type("\x10\r")  # Ctrl-P: the line before
    assert terminal.expect("varve> ").count("4711") >= 2
    terminal.type("\x04")
    assert terminal.close()[0] == 0


def test_output_takes_the_rows_of_one_statement(shell, tmp_path):
    terminal = shell()
    path = tmp_path / "rows.csv"
    terminal.ask(f".output {path}")
    assert "1 row written to" in terminal.ask("SELECT count(*) AS n FROM market_regimes;")
    assert path.read_text() == "n\n2\n"
    assert "42" in terminal.ask("SELECT 42;")  # on the terminal again
    assert path.read_text() == "n\n2\n"
    terminal.ask(f".output {tmp_path / 'nowhere' / 'rows.csv'}")
    assert "cannot write" in terminal.ask("SELECT 43 AS x;")
    terminal.ask(".output off")
    assert "44" in terminal.ask("SELECT 44;")
    terminal.type(".quit\r")
    assert terminal.close()[0] == 0


def test_explain_tells_which_files_are_read(shell):
    terminal = shell(columns=160, rows=200)
    text = terminal.ask(".explain SELECT * FROM market_regimes WHERE date = '2020-01-01'")
    assert "pruned_by_partition" in text and "market_regimes" in text and "EMPTY_RESULT" in text
    terminal.ask(".explain on")
    assert "files_read" in terminal.ask("SELECT * FROM market_regimes;")
    terminal.ask(".explain off")
    assert "bullish_low" in terminal.ask("SELECT regime FROM market_regimes;")
    terminal.type("\x04")
    assert terminal.close()[0] == 0


def test_errors_point_at_the_place(shell):
    terminal = shell()
    terminal.ask("SELECT vix,", prompt="...> ")
    error = terminal.ask("  nothing FROM market_regimes;")
    lines = error.splitlines()
    at = next(i for i, line in enumerate(lines) if "LINE 2:" in line)
    assert lines[at + 1].index("^") == lines[at].index("nothing")
    assert "no table" in terminal.ask("SELECT * FROM market_regime;").lower()
    terminal.type("\x04")
    assert terminal.close()[0] == 0


def test_mode_timer_param_and_read(shell, tmp_path):
    terminal = shell()
    script = tmp_path / "script.sql"
    script.write_text("SELECT regime\nFROM market_regimes\nWHERE vix > $v;\n")
    terminal.ask(".param v=16")
    terminal.ask(".mode ndjson")
    assert '{"regime":"bearish_low"}' in terminal.ask(f".read {script}")
    assert "v=16" in terminal.ask(".param")
    assert "on or off" in terminal.ask(".timer perhaps")
    terminal.ask(".timer on")
    assert " ms" in terminal.ask("SELECT 1 AS one;")
    terminal.type("\x04")
    assert terminal.close()[0] == 0
