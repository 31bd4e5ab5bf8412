"""What a command line may hold by mistake: bytes that are no text, options twice, empty variables; and a
result that can't be told of."""

import json
import os
import subprocess

import pytest

BAD = os.fsdecode(b"b\xf6t")  # Latin-1


@pytest.fixture
def table(varve_on, tmp_path):
    varve = varve_on(tmp_path / "lake")
    varve.ok("create", "t", "--schema", "id int not null, at timestamp, v string", "--key", "id",
             "--property", "note=kept")
    varve.upsert("t", "id,at,v\n1,2025-01-01T10:00:00Z,a\n2,2025-01-01T11:00:00Z,b\n")
    return varve


def refused(varve, *words, status=2, says, **options):
    done = varve.run(*words, **options)
    assert (done.returncode, done.stdout) == (status, "") and says in done.stderr, done
    assert varve.version("t") == 1
    return True


@pytest.mark.parametrize("words", [
    ["append", "t", "-", "--app-id", BAD, "--app-version", "1"],
    ["delete", "t", "--where", "id = 1", "--app-id", BAD, "--app-version", "1"],
    ["upsert", "t", "-", "--message", BAD], ["delete", "t", "--where", "id = 1", "--message", BAD],
    ["update", "t", "--where", "id = 1", "--set", "v = 'x'", "--user", BAD],
    ["alter", "t", "set", "note=x", "--message", BAD], ["alter", "t", "set", f"note={BAD}"],
    ["optimize", "t", "--message", BAD], ["tag", "create", "one", "--message", BAD],
    ["create", "u", "--schema", "id int", "--description", BAD],
    ["create", "u", "--schema", "id int", "--property", f"x={BAD}"]], ids=lambda words: " ".join(words[:3]))
def test_what_goes_into_the_log_is_text(table, words):
    """It would be kept as another text: an app id would not be found again, and its rows doubled."""
    assert refused(table, *words, says="is not UTF-8", stdin="id,v\n1,x\n")
    assert not table.table("u").exists()


@pytest.mark.parametrize("words", [
    ["delete", "t", "--where", "id = 1", "--where", "v = 'a'"],
    ["scan", "t", "--version", "0", "--version", "1"], ["scan", "t", "--columns", "id", "--columns=v"]])
def test_an_option_of_one_value_is_there_once(table, words):
    assert refused(table, *words, says="is there twice")


def test_a_global_option_overrules_the_one_before(table):
    assert table.ok("--format", "json", "scan", "t", "--columns", "id", "--format", "csv") == "id\n1\n2\n"


@pytest.mark.parametrize("words", [
    ["alter", "t", "set", "varve.key="], ["alter", "t", "set", "Varve.Key="], ["alter", "t", "set", "varve.zorder= "]])
def test_an_empty_property_is_no_property(table, words):
    assert refused(table, *words, says="is empty")


def test_a_bound_within_a_microsecond(table):
    """10:00 is before 10:00:00.0000005, so behind no such --from and before such a --to."""
    half = "2025-01-01T10:00:00.0000005Z"
    day = {"from": "2025-01-01", "to": "2025-01-02"}
    def ids(**bounds):
        words = [word for name, value in {**day, **bounds}.items() for word in (f"--{name}", value)]
        return [row["id"] for row in table.rows("range", "t", *words)]
    table.ok("alter", "t", "set", "varve.key=id,at")
    assert ids() == [1, 2]
    assert ids(**{"from": half}) == [2]
    assert ids(to=half) == [1]


def test_files_that_are_no_text(table, tmp_path):
    path = tmp_path / "file"
    path.write_bytes(b"SELECT 1 AS a\0 garbage")
    assert refused(table, "query", "-f", str(path), says="NUL byte")
    path.write_bytes(b"format=json\n\0\0nonsense\n")
    assert refused(table, "--config", str(path), "tables", says="NUL byte")


def test_files_without_an_end(table):
    assert refused(table, "query", "-f", "/dev/zero", status=9, says="too long")
    assert refused(table, "--config", "/dev/zero", "tables", says="too long")


@pytest.mark.parametrize("words", [["upsert", "t", "-"], ["delete", "t", "--where", "id = 1"],
                                   ["alter", "t", "set", "note=x"], ["tag", "create", "one"]])
def test_a_result_that_can_not_be_told_of_is_one(table, words):
    """Who repeats what failed has to know that this was done."""
    with open("/dev/full", "w", encoding="ascii") as full:
        done = subprocess.run([table.program, "--lake", table.lake, *words, "--json"], input="id,v\n3,x\n",
                              stdout=full, stderr=subprocess.PIPE, text=True, check=False)
    assert done.returncode == 8 and "what it tells of is done" in done.stderr, done
    assert table.version("t") == 2 or "tag" in words and table.ok("tag", "list")


@pytest.mark.parametrize("command", ["verify", "doctor", "describe"])
def test_a_report_takes_the_form_that_it_is_asked_for(table, tmp_path, command):
    shown = [table.ok(command, "t", *words) for words in (["--json"], ["--format", "json"], ["--format", "ndjson"])]
    assert json.loads(shown[0]) and shown[1:] == shown[:1] * 2
    target = tmp_path / "report.json"
    assert table.ok(command, "t", "-o", target) == "" and target.read_text() == shown[0]
    assert refused(table, command, "t", "-o", tmp_path / "report.parquet", says="gives no rows")
    assert not table.ok(command, "t").startswith("{")


def test_a_checkpoint_is_told_of_on_stderr(table):
    done = table.run("checkpoint", "t")
    assert (done.stdout, done.stderr) == ("", "checkpoint of t at version 1\n")
    assert table.run("checkpoint", "t", "--quiet").stderr == ""
