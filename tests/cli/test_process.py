"""The command among other programs: pipes, signals, files, environment, terminals."""

import json
import os
import pty
import signal
import subprocess
import time

import pytest
from waiting import until_it_minds


def start(varve, *arguments, **more):
    return subprocess.Popen([str(varve.program), *arguments], cwd=varve.folder, env=varve.env,
                            stderr=subprocess.PIPE, **more)


def test_a_reader_that_has_seen_enough_is_no_failure(filled):
    process = start(filled, "query", "SELECT i, i * 2 AS j FROM range(5000000) t(i)",
                    stdout=subprocess.PIPE)
    assert process.stdout.readline() == b"i,j\n"
    process.stdout.close()
    assert process.wait(timeout=60) == 0
    assert process.stderr.read() == b""


def test_simulate_stops_with_its_reader(varve):
    process = start(varve, "simulate", "--days", "5000", stdout=subprocess.PIPE)
    assert process.stdout.readline().startswith(b'{"table":')
    process.stdout.close()
    assert process.wait(timeout=60) == 0


def test_a_full_disk_is_a_failure(filled):
    with open("/dev/full", "w", encoding="ascii") as full:
        process = start(filled, "tables", stdout=full)
        assert process.wait(timeout=60) == 8
    assert b"No space left" in process.stderr.read()


@pytest.mark.parametrize("arguments", [
    ("query", "SELECT max(hash(a.range, b.range)) FROM range(10000000) a, range(10000000) b"),
    ("simulate", "--rate", "1"),
])
def test_an_interrupt_ends_it_with_130(filled, arguments):
    process = start(filled, *arguments, stdout=subprocess.DEVNULL)
    until_it_minds(process, signal.SIGINT)
    time.sleep(1.5)
    assert process.poll() is None
    process.send_signal(signal.SIGINT)
    assert process.wait(timeout=120) == 130
    assert process.stderr.read().startswith(b"varve: ")


def test_an_interrupted_output_file_does_not_appear(filled, tmp_path):
    target = tmp_path / "rows.csv"
    process = start(filled, "query", "SELECT * FROM range(10000000000)", "-o", str(target))
    until_it_minds(process, signal.SIGTERM)
    time.sleep(1.5)
    process.send_signal(signal.SIGTERM)
    assert process.wait(timeout=120) == 130
    assert list(tmp_path.iterdir()) == []


def until(condition, seconds=60):
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.01)


@pytest.fixture
def spare(filled, tmp_path):
    """The folder of temporary files."""
    folder = tmp_path / "spare"
    folder.mkdir()
    filled.env["TMPDIR"] = str(folder)
    return folder


def test_what_a_killed_one_has_spilled_goes_with_the_next(filled, spare):
    process = start(filled, "--memory", "64MB", "query",
                    "SELECT count(*) FROM (SELECT DISTINCT hash(i), i FROM range(100000000) t(i))",
                    stdout=subprocess.DEVNULL)
    until(lambda: any(path.is_file() for path in spare.rglob("*")))
    subprocess.run([str(filled.program), "query", "SELECT 1"], env=filled.env, cwd=filled.folder,
                   check=True, capture_output=True)
    assert any(path.is_file() for path in spare.rglob("*"))  # it lives
    process.kill()
    process.wait(timeout=60)
    subprocess.run([str(filled.program), "query", "SELECT 1"], env=filled.env, cwd=filled.folder,
                   check=True, capture_output=True)
    assert not list(spare.glob("*/*"))  # the folder that they lie in stays


def test_a_parquet_that_nobody_reads_leaves_no_file(filled, spare):
    process = start(filled, "query", "--format", "parquet",
                    "SELECT hash(i) AS h FROM range(300000) t(i)", stdout=subprocess.PIPE)
    assert process.stdout.read(4) == b"PAR1"  # the pipe is full, and much is left
    process.kill()
    process.wait(timeout=60)
    assert not list(spare.glob("varve-output.*"))


def test_an_output_file_is_replaced_whole(filled, tmp_path):
    target = tmp_path / "rows.json"
    target.write_text("old")
    done = filled("query", "SELECT CAST('x' AS int)", "-o", target)
    assert done.returncode == 2
    assert target.read_text() == "old"
    assert filled.ok("query", "SELECT 1 AS one", "-o", target) == ""
    assert json.loads(target.read_text()) == [{"one": 1}]
    assert [path.name for path in tmp_path.iterdir()] == ["rows.json"]


def test_the_lake_comes_from_line_environment_file_or_default(varve):
    for name in ("line", "environment", "file", "data/lake"):
        varve.ok("--lake", name, "create", "t_" + name[:4].strip("/"), "--schema", "a int")
    (varve.folder / "config").write_text("# lakes\nlake = file\n")
    env = {"VARVE_LAKE": "environment"}

    def table(*arguments, env=None):
        rows = json.loads(varve.ok("tables", "--json", *arguments, env=env))
        return [row["table"] for row in rows]

    assert table() == ["t_data"]
    assert table("--config", "config") == ["t_file"]
    assert table("--config", "config", env=env) == ["t_envi"]
    assert table("--config", "config", "--lake", "line", env=env) == ["t_line"]


def test_sql_from_a_file_and_from_stdin(filled, tmp_path):
    (tmp_path / "q.sql").write_text("SELECT 1 AS one\n")
    assert filled.ok("query", "-f", tmp_path / "q.sql") == "one\n1\n"
    assert filled.ok("query", "--file", "-", stdin="SELECT 2 AS two") == "two\n2\n"


def test_nan_in_json(filled):
    sql = "SELECT 'NaN'::DOUBLE AS a, '-inf'::DOUBLE AS b, 1.0 AS c"
    assert json.loads(filled.ok("query", sql, "--json")) == [{"a": None, "b": None, "c": 1.0}]
    text = filled.ok("query", sql, "--format", "ndjson", "--nan", "string")
    assert json.loads(text) == {"a": "NaN", "b": "-Infinity", "c": 1.0}
    assert filled.ok("query", sql) == "a,b,c\nNaN,-Infinity,1.0\n"


def on_terminal(varve, *arguments, env=None):
    """The output on a terminal of 80 columns."""
    controller, terminal = pty.openpty()
    subprocess.run(["stty", "cols", "80"], stdin=terminal, check=True)
    process = subprocess.Popen([str(varve.program), *arguments], cwd=varve.folder, stdin=terminal,
                               stdout=terminal, stderr=terminal, env={**varve.env, **(env or {})})
    os.close(terminal)
    text = b""
    while True:
        try:
            piece = os.read(controller, 65536)
        except OSError:
            break
        if not piece:
            break
        text += piece
    os.close(controller)
    assert process.wait(timeout=60) == 0
    return text.decode().replace("\r\n", "\n")


def test_a_terminal_gets_a_box_that_fits(filled):
    text = on_terminal(filled, "scan", "market_regimes", env={"NO_COLOR": "1"})
    assert text.startswith("+--")
    assert "3 rows, 11 columns (" in text
    assert all(len(line) <= 80 for line in text.splitlines())


def test_a_long_answer_shows_both_ends(filled):
    text = on_terminal(filled, "--no-pager", "query", "SELECT * FROM range(1000) t(i)",
                       env={"NO_COLOR": "1"})
    assert "|   0 |" in text and "| 999 |" in text and "| 500 |" not in text
    assert text.endswith("1000 rows (50 shown)\n")


def test_colours_only_where_they_are_wanted(filled):
    line = ("query", "SELECT NULL AS x")
    assert "\x1b[" in on_terminal(filled, *line, env={"TERM": "xterm"})
    assert "\x1b[" not in on_terminal(filled, *line, env={"NO_COLOR": "1"})
    assert "\x1b[" not in on_terminal(filled, *line, "--color", "never")
    assert "\x1b[" not in filled.ok(*line, "--format", "box")
    assert "\x1b[" in filled.ok(*line, "--format", "box", "--color", "always")


def test_frames_are_ascii_where_the_locale_is(filled):
    line = ("query", "SELECT 1 AS x", "--format", "box")
    assert filled.ok(*line).startswith("+---+")
    assert filled.ok(*line, env={"LANG": "C.UTF-8"}).startswith("\u250c")


def test_names_of_columns_are_escaped_as_values_are(filled):
    line = ("query", 'SELECT 1 AS "a\x1b[31mred", 2 AS "two\nlines", 3 AS "tab\tbed"', "--format", "box")
    head = filled.ok(*line, env={"LANG": "C.UTF-8"}).splitlines()
    assert "\x1b" not in "".join(head) and len({len(row) for row in head[:-1]}) == 1 and len(head) == 6
    assert r"a\x1b[31mred" in head[1] and r"two\nlines" in head[1] and r"tab\tbed" in head[1]


def closed(varve, *arguments, which, **more):
    """Runs it with some of its standard descriptors closed."""
    line = " ".join(f"{number}>&-" for number in which)
    return subprocess.run(["sh", "-c", f'exec "$@" {line}', "sh", varve.program, *arguments], cwd=varve.folder,
                          env=varve.env, capture_output=True, text=True, timeout=60, check=False, **more)


def test_a_closed_stdin_is_no_end_of_rows(varve):
    varve.ok("create", "d", "--schema", "k int not null", "--key", "k")
    for words in (("ingest", "d", "--quiet"), ("ingest", "d", "--input-format", "csv"),
                  ("ingest", "d", "--input-format", "arrow"), ("upsert", "d", "-", "--input-format", "csv"),
                  ("query", "-f", "-")):
        done = closed(varve, *words, which=[0])
        assert done.returncode == 8 and "folder" not in done.stderr, (words, done)
    assert "stdin is closed" in closed(varve, "ingest", "d", which=[0]).stderr


def test_messages_go_nowhere_else_where_stderr_is_closed(varve):
    """Its number is not that of a file of the lake, nor of anything that rows are waited for by."""
    varve.ok("create", "d", "--schema", "k int not null", "--key", "k")
    process = subprocess.Popen(["sh", "-c", 'exec "$@" 2>&-', "sh", varve.program, "ingest", "d"], cwd=varve.folder,
                               env=varve.env, stdin=subprocess.PIPE)
    until_it_minds(process, signal.SIGTERM)
    place = os.readlink(f"/proc/{process.pid}/fd/2")
    process.communicate(b'{"k":1}\nno row\n', timeout=60)
    assert (process.returncode, place) == (0, "/dev/null")
    assert varve.ok("scan", "d") == "k\n1\n"
    assert closed(varve, "query", "SELECT 1", which=[0, 1, 2]).returncode == 8
