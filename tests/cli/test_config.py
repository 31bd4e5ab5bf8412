"""A configuration file is for all commands: a line that one of them has no use for is no failure of it."""

import re
import shutil

import pytest
from conftest import Varve

CREATE = ("create", "t", "--schema", "ts timestamp not null, v int", "--key", "ts", "--order-by", "v")
MORE = "ts,v\n2025-01-02T00:00:00Z,2\n"
BAD = "ts,v\n2025-01-03T00:00:00Z,three\n"

# Each command as it works without a configuration: its words, and stdin.
LINES = [
    (("demo",), ""),
    (("init",), ""),
    (CREATE, ""),
    (("upsert", "t"), MORE),
    (("upsert", "t", "--quarantine"), BAD),
    (("append", "t", "--allow-duplicates"), "ts,v\n2025-01-05T00:00:00Z,5\n"),
    (("update", "t", "--set", "v=5", "--where", "v=2"), ""),
    (("delete", "t", "--where", "v=5"), ""),
    (("merge", "t", "--source", "more.csv", "--on", "t.ts = s.ts", "--when-not-matched", "insert *"), ""),
    (("overwrite", "t", "more.csv", "--yes"), ""),
    (("quarantine", "list", "t"), ""),
    (("quarantine", "show", "t"), ""),
    (("quarantine", "release", "t"), ""),
    (("quarantine", "drop", "t", "--yes"), ""),
    (("ingest", "t"), '{"ts":"2025-01-04T00:00:00Z","v":4}\n'),
    (("spool", "status"), ""),
    (("spool", "flush"), ""),
    (("spool", "verify"), ""),
    (("spool", "salvage", "--dry-run"), ""),
    (("simulate", "--days", "1", "--table", "signals"), ""),
    (("query", "SELECT ts, v FROM t"), ""),
    (("shell",), ".tables\nSELECT ts, v FROM t;\n.mode csv\n.tables\n"),
    (("scan", "t"), ""),
    (("scan", "t", "--version", "0"), ""),
    (("scan", "t", "--at", "now"), ""),
    (("scan", "t", "--known-at", "now"), ""),
    (("latest", "t", "--by", "v"), ""),
    (("range", "t"), ""),
    (("correlate",), ""),
    (("outcomes",), ""),
    (("transitions",), ""),
    (("gaps", "t", "--every", "1d"), ""),
    (("gaps", "signals", "--show", "lateness"), ""),
    (("signals", "audit"), ""),
    (("leak-check", "FROM t", "--known-at", "now"), ""),
    (("history", "t"), ""),
    (("changes", "t", "--from", "1"), ""),
    (("trace", "t", "ts=2025-01-02T00:00:00Z"), ""),
    (("why", "t", "FILE"), ""),
    (("tag", "create", "x"), ""),
    (("tag", "list"), ""),
    (("tag", "drop", "x"), ""),
    (("hold", "add", "y"), ""),
    (("hold", "release", "y"), ""),
    (("verify",), ""),
    (("doctor",), ""),
    (("seal",), ""),
    (("keygen", "a.key"), ""),
    (("export", "t"), ""),
    (("describe", "t"), ""),
    (("files", "t"), ""),
    (("tables",), ""),
    (("adopt", "t", "--key", "ts"), ""),
    (("alter", "t", "set", "delta.checkpointInterval=7"), ""),
    (("maintain", "--once"), ""),
    (("optimize", "t"), ""),
    (("vacuum", "t"), ""),
    (("restore", "t", "--version", "0", "--yes"), ""),
    (("checkpoint", "t"), ""),
    (("completion", "bash"), ""),
    (("completion", "words", "--", "scan", "t"), ""),
    (("version",), ""),
    (("help", "scan"), ""),
    (("scan", "--help"), ""),
]

# What a file may say, in parts that contradict neither each other nor any line above.
CONFIGS = {
    "work": "user=ann\nmessage=why\nthreads=1\nmemory=200MB\nquiet=true\nverbose=true\nno-progress=true\n"
            "no-pager=true\ncolor=always\nnan=string\n",
    "at": "at=now\nformat=parquet\n",
    "known-at": "known-at=now\nformat=svg\n",
    "json": "json=true\n",
    "output": "plot=true\noutput=out.csv\n",
}
NOT_OF_COMMANDS = {"config", "help", "lake", "version"}


@pytest.fixture(scope="module")
def template(tmp_path_factory):
    varve = Varve(tmp_path_factory.mktemp("config"))
    (varve.folder / "more.csv").write_text(MORE)
    varve.ok("init")
    varve.ok(*CREATE)
    varve.ok("upsert", "t", stdin="ts,v\n2025-01-01T00:00:00Z,1\n")
    return varve.folder


def take_all(varve, *more):
    """The exit status and words on stderr of each line, one after the other."""
    for words, stdin in LINES:
        out = varve.folder / "out.csv"
        if out.is_dir():
            shutil.rmtree(out)
        out.unlink(missing_ok=True)
        if words[0] == "why":
            file = next((varve.folder / "data" / "lake" / "t").rglob("*.parquet"))
            words = (*words[:2], file.relative_to(file.parents[0]) if file.parent.name == "t" else file)
        done = varve(*more, *words, stdin=stdin)
        yield words, done


def test_the_lines_are_of_all_commands(varve):
    listed = varve.ok("--help").split("Commands:\n")[1].split("\n\n")[0]
    names = [line.split()[0] for line in listed.splitlines() if line[2] != " "]
    assert {words[0] for words, _ in LINES} == set(names)


def test_the_files_are_of_all_global_options(varve):
    listed = varve.ok("--help").split("Global options:\n")[1]
    names = set(re.findall(r"^  (?:-\w, )?--([a-z-]+)", listed, re.MULTILINE))
    said = set(re.findall(r"^([a-z-]+)=", "".join(CONFIGS.values()), re.MULTILINE))
    assert said | NOT_OF_COMMANDS == names


@pytest.mark.slow
@pytest.mark.parametrize("name", [None, *CONFIGS])
def test_no_default_makes_a_command_fail(template, tmp_path, name):
    shutil.copytree(template, tmp_path, dirs_exist_ok=True)
    varve = Varve(tmp_path)
    if name:
        (tmp_path / "config").write_text(CONFIGS[name])
    for words, done in take_all(varve, *(["--config", "config"] if name else [])):
        assert done.returncode == 0, (words, done.stderr)


@pytest.mark.parametrize("line, words", [
    ("message=why", ("tag", "drop", "x", "--message", "why")),
    ("at=0", ("verify", "--at", "0")),
    ("known-at=now", ("history", "t", "--known-at", "now")),
    ("format=svg", ("tables", "--format", "svg")),
    ("plot=true", ("tables", "--plot")),
    ("format=arrow", ("describe", "t", "--format", "arrow")),
    ("json=true", ("demo", "--json")),
    ("output=x", ("simulate", "-o", "x")),
    ("at=0", ("scan", "t", "--at", "0", "--known-at", "now")),
])
def test_the_same_on_the_command_line_is_refused_though_a_file_says_it_too(filled, tmp_path, line, words):
    (tmp_path / "config").write_text(line + "\n")
    assert filled("--config", tmp_path / "config", *words).returncode == 2


def test_what_the_command_line_says_of_the_time_counts(template, tmp_path):
    shutil.copytree(template, tmp_path, dirs_exist_ok=True)
    varve = Varve(tmp_path)
    for line in ("at=1", "known-at=now"):
        (tmp_path / "config").write_text(line + "\n")
        for words in (["--version", "0"], ["--at", "0"], ["--known-at", "1971-01-01"]):
            assert varve.ok("--config", "config", "scan", "t", *words) == "ts,v\n", (line, words)


def test_the_ending_of_a_file_beats_the_format_of_a_configuration(template, tmp_path):
    shutil.copytree(template, tmp_path, dirs_exist_ok=True)
    varve = Varve(tmp_path)
    (tmp_path / "config").write_text("format=json\n")

    def written(name, *words):
        varve.ok("--config", "config", "scan", "t", "--columns", "v", "-o", name, *words)
        return (tmp_path / name).read_text()[0]

    assert (written("x.csv"), written("x.ndjson"), written("x.md")) == ("v", "{", "|")
    assert (written("plain"), written("odd.txt")) == ("[", "[")  # which say nothing of a format
    assert written("y.csv", "--format", "json") == "["
