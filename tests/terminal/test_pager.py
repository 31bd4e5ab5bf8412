"""What does not fit on the screen goes through a pager, and nothing else does."""

import os
import signal
import subprocess

import pytest
from terminal import Terminal

LONG = "SELECT i AS n FROM range(300) t(i)"


@pytest.fixture
def pager(tmp_path):
    """A pager that keeps what it gets; its path, and where it keeps that."""
    script, kept = tmp_path / "pager", tmp_path / "kept"
    script.write_text(f"#!/bin/sh\necho \"LESS=$LESS\" >{kept}.env\ncat >{kept}\necho paged\n")
    script.chmod(0o755)
    return script, kept


def on_terminal(varve, *arguments, env=None, **options):
    terminal = Terminal([str(varve.program), "--lake", str(varve.lake), *arguments],
                        env={"PATH": os.environ["PATH"], "LESS": "", **(env or {})}, **options)
    return terminal.close()


def test_a_long_answer_is_paged_whole(varve, pager):
    script, kept = pager
    status, seen = on_terminal(varve, "query", LONG, env={"PAGER": str(script)})
    assert (status, seen.strip()) == (0, "paged")
    lines = kept.read_text().splitlines()
    assert len(lines) == 305  # frames, the name of the column, the count
    assert lines[-1] == "300 rows"


def test_varve_pager_wins_and_less_gets_its_options(varve, pager, monkeypatch):
    script, kept = pager
    monkeypatch.delenv("LESS", raising=False)
    terminal = Terminal([str(varve.program), "query", LONG],
                        env={"VARVE_PAGER": str(script), "PAGER": "false"})
    assert terminal.close()[0] == 0
    assert kept.with_name("kept.env").read_text() == "LESS=FRSX\n"


@pytest.mark.parametrize("arguments, env", [
    (("query", "SELECT i FROM range(5) t(i)"), {}), (("--no-pager", "query", LONG), {}),
    (("query", LONG), {"PAGER": ""}), (("query", LONG), {"PAGER": "cat"}),
    (("query", LONG), {"VARVE_PAGER": ""}), (("query", LONG), {"TERM": "dumb"})],
    ids=["fits", "option", "none", "cat", "varve", "dumb"])
def test_no_pager(varve, pager, arguments, env):
    script, kept = pager
    status, seen = on_terminal(varve, *arguments, env={"PAGER": str(script), **env})
    assert status == 0
    assert "row" in seen.splitlines()[-1]
    assert not kept.exists()


def test_long_lines_count_by_what_they_take(varve, pager):
    script, kept = pager
    status, _ = on_terminal(varve, "query", "SELECT repeat('x', 400) AS x FROM range(6)",
                            "--format", "csv", env={"PAGER": str(script)}, columns=40)
    assert status == 0
    assert len(kept.read_text().splitlines()) == 7


def test_whoever_has_seen_enough_leaves(varve):
    for form in ("box", "csv"):
        status, seen = on_terminal(varve, "query", "SELECT i FROM range(3000000) t(i)", "--format",
                                   form, env={"PAGER": "head -n 3"})
        assert status == 0
        assert len(seen.splitlines()) == 3


def test_a_pager_that_is_none_is_named(varve):
    status, seen = on_terminal(varve, "query", LONG, env={"PAGER": "no-such-pager"})
    assert status == 8
    assert "set PAGER" in seen and "--no-pager" in seen


def test_pipes_and_files_know_no_pager(varve, pager, tmp_path):
    script, kept = pager
    out = tmp_path / "rows.csv"
    status, _ = on_terminal(varve, "query", LONG, "-o", str(out), env={"PAGER": str(script)})
    assert (status, len(out.read_text().splitlines())) == (0, 301)
    done = subprocess.run([str(varve.program), "query", LONG], capture_output=True, text=True,
                          env={**os.environ, "PAGER": str(script)}, check=True)
    assert len(done.stdout.splitlines()) == 301
    assert not kept.exists()


def test_the_shell_pages_too(varve, pager):
    script, kept = pager
    varve.ok("create", "t", "--schema", "a int")
    terminal = Terminal([str(varve.program), "--lake", str(varve.lake), "shell"],
                        env={"PAGER": str(script)})
    terminal.expect("varve> ")
    assert "paged" in terminal.ask(LONG + ";")
    assert kept.read_text().endswith("300 rows\n")
    terminal.type(".quit\r")
    assert terminal.close()[0] == 0


def test_what_ends_varve_ends_its_pager(varve, tmp_path):
    """Ctrl-C is for the pager, which the terminal tells, too; a supervisor knows Varve alone."""
    script = tmp_path / "pager"
    script.write_text("#!/bin/sh\necho here\nexec sleep 1000\n")
    script.chmod(0o755)
    terminal = Terminal([str(varve.program), "query", LONG], env={"PAGER": str(script)})
    terminal.expect("here")
    os.kill(terminal.child, signal.SIGTERM)
    assert terminal.close()[0] == 130


def test_ctrl_c_at_a_question_is_an_interrupt(varve):
    varve.ok("create", "t", "--schema", "k int not null", "--key", "k")
    varve.upsert("t", "k\n1\n")
    terminal = Terminal([str(varve.program), "--lake", str(varve.lake), "restore", "t", "--version", "0"])
    terminal.expect("[y/N]")
    terminal.type("\x03")
    status, seen = terminal.close()
    assert status == 130 and "interrupted" in seen
    assert varve.version("t") == 1
