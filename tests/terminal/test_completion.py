"""What a shell offers while somebody types, and the manual page: both from the tables of help."""

import re
import shutil
import subprocess

import pytest


def words(varve, *line):
    return varve.ok("completion", "words", "--", *line).split()


def commands_of_help(varve):
    listed = varve.ok("help").split("Commands:\n")[1].split("\nGlobal")[0]
    return re.findall(r"^  ([a-z-]+)", listed, re.MULTILINE)


def test_commands_and_options(varve):
    assert words(varve, "") == commands_of_help(varve)
    assert words(varve, "sc") == ["scan"]
    assert set(words(varve, "scan", "--col")) == {"--columns", "--color"}
    assert "--at" in words(varve, "scan", "t", "--")
    assert words(varve, "scan", "--", "--col") == []


def test_values_of_options(varve):
    formats = ["box", "csv", "json", "ndjson", "markdown", "parquet", "arrow"]
    assert words(varve, "scan", "--format", "")[:7] == formats
    assert words(varve, "scan", "--format=n") == ["--format=ndjson"]
    assert words(varve, "scan", "--format", "=", "n") == ["ndjson"]  # bash parts words at "="
    assert words(varve, "signals", "m") == ["missed"]
    assert words(varve, "help", "quar") == ["quarantine"]
    assert words(varve, "upsert", "-o", "") == []  # a file name: the shell knows those


def test_tables_of_the_lake_that_the_line_names(market, varve_on, tmp_path):
    assert words(market, "scan", "") == ["market_regimes", "performance_metrics", "signals"]
    assert words(market, "history", "si") == ["signals"]
    assert words(market, "verify", "signals", "ma") == ["market_regimes"]
    assert words(market, "quarantine", "list", "si") == ["signals"]
    elsewhere = varve_on(tmp_path / "elsewhere")
    assert words(elsewhere, "scan", "") == []
    assert words(elsewhere, "--lake", str(market.lake), "scan", "m") == ["market_regimes"]
    assert words(elsewhere, f"--lake={market.lake}", "scan", "m") == ["market_regimes"]


@pytest.mark.parametrize("line, expected", [
    ("varve sc", "scan"), ("varve scan sig", "signals"), ("varve scan --form", "--format"),
    ("varve scan --format = csv", "csv")])
def test_in_a_real_bash(market, line, expected):
    script = """
        source <("$0" completion bash)
        shift
        COMP_WORDS=("$0" "${@:2}"); COMP_CWORD=$(($# - 1))
        _varve
        printf '%s\\n' "${COMPREPLY[@]}"
    """
    done = subprocess.run(["bash", "-c", script, str(market.program), "_", *line.split()],
                          capture_output=True, text=True, check=True,
                          env={"VARVE_LAKE": str(market.lake), "PATH": "/usr/bin:/bin"})
    assert done.stdout.split() == [expected]
    assert done.stderr == ""


@pytest.mark.parametrize("shell", ["zsh", "fish"])
def test_other_shells_take_their_script(varve, shell):
    script = varve.ok("completion", shell)
    assert "completion words --" in script
    if shutil.which(shell):
        subprocess.run([shell, "-n"], input=script, text=True, check=True)


def test_an_unknown_shell_is_a_usage_error(varve):
    done = varve.run("completion", "tcsh")
    assert done.returncode == 2
    assert "tcsh" in done.stderr


def test_the_manual_page_has_all_of_it(varve):
    page = varve.ok("help", "--man")
    plain = page.replace("\\-", "-")
    for command in commands_of_help(varve):
        assert f"\n.SS {command} " in plain
        for option in re.findall(r"^ +(?:-\w, )?--([a-z-]+)", varve.ok("help", command), re.MULTILINE):
            assert f"\\fB--{option}\\fR" in plain or f"--{option}" in plain
    assert all(line[:1] != "." or re.match(r"\.(TH|SH|SS|TP|PP|RS|RE|nf|fi)\b", line)
               for line in page.splitlines())
    if shutil.which("groff"):
        done = subprocess.run(["groff", "-man", "-Tutf8", "-ww"], input=page, text=True,
                              capture_output=True, check=True)
        assert done.stderr == ""
        assert "EXIT STATUS" in re.sub(".\b", "", done.stdout)
