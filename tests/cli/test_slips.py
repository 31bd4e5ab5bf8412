"""Slips of the pen, and answers that would mislead without a word: each is told."""

import bz2
import gzip
import lzma
import re
import subprocess

import pytest


@pytest.mark.parametrize("arguments, words", [
    (("alter", "signals", "add-colum", "x int"), "did you mean 'add-column'?"),
    (("alter", "signals", "frobnicate"), "alter can: add-column,"),
    (("scan", "signals", "--columns", "signal_typ"), "no column signal_typ; did you mean signal_type?"),
    (("scan", "signals", "--columns", "nothing_like_it"), "no column nothing_like_it\n"),
    (("latest", "signals", "--by", "strategyid"), "did you mean strategy_id?"),
    (("trace", "market_regimes", "symbl=SPY"), "did you mean symbol?"),
    (("scan", "sgnals"), "did you mean signals?"),
    (("hold", "signals", "--reason", "x"), "unknown option --reason; did you mean --message?"),
    (("hold", "signals", "--raisin", "x"), "unknown option --raisin; varve hold --help lists"),
    (("scan", "signals", "--as-of", "1"), "did you mean --at?"),
    (("create", "t", "--schema", "t timestmp, x int"), '"timestmp" at byte 3 is no type; did you mean timestamp?'),
    (("create", "t", "--schema", "t list"), "did you mean array<...>?"),
    (("create", "t", "--schema", "t UINT8"), "did you mean smallint?"),
    (("create", "t", "--schema", "t int8"), "did you mean tinyint (8 bits) or bigint (8 bytes)?"),
    (("query", "PIVOT signals ON source USING count(*)"), "PIVOT needs its values: FROM (PIVOT t ON"),
    (("query", "SELECT * FROM (pivot signals ON source USING count(*))"), "PIVOT needs its values"),
    (("create", "t", "--schema", "t qqqqqq"), "bigint or long, int, smallint"),
    (("query", "SELECT $a", "--param", "a:bigit=3"), "did you mean bigint?"),
    (("quarantine", "list", "signals", "7"), "quarantine show signals 7"),
])
def test_the_nearest_is_named(filled, arguments, words):
    done = filled(*arguments)
    assert done.returncode in (2, 5) and words in done.stderr, done.stderr


@pytest.mark.parametrize("name", ["x.pdf", "x.xlsx", "a.csv/x.txt", "x.parquet.gz"])
def test_a_name_that_says_no_format_is_refused(filled, tmp_path, name):
    (tmp_path / "a.csv").mkdir()
    done = filled("query", "SELECT 1", "-o", str(tmp_path / name))
    assert done.returncode == 2 and "end it with .csv, .json," in done.stderr
    assert not (tmp_path / name).exists()
    done = filled("query", "SELECT 1 AS n", "-o", str(tmp_path / name), "--format", "csv")
    assert done.returncode == 0 and (tmp_path / name).read_text() == "n\n1\n"


@pytest.mark.parametrize("name", ["x", "x.csv", "X.CSV", ".x", "x.", "a.b/x"])
def test_names_without_an_end_are_csv(filled, tmp_path, name):
    (tmp_path / "a.b").mkdir()
    assert filled("query", "SELECT 1 AS n", "-o", str(tmp_path / name)).returncode == 0
    assert (tmp_path / name).read_text() == "n\n1\n"


def test_of_several_statements_it_is_told_which_is_shown(filled):
    done = filled("query", "SELECT 1 AS a; SELECT 2 AS b;")
    assert (done.stdout, done.stderr) == (
        "b\n2\n", "2 statements: the rows are those of the last one\n")
    assert filled("query", "SET known_at = 'now'; SELECT 2 AS b").stderr == ""
    assert filled("query", "SELECT 1; SELECT 2 AS b", "--quiet").stderr == ""


def test_gaps_where_nothing_is_expected(filled):
    done = filled("gaps", "market_regimes", "--every", "1m", "--from", "2999-01-01", "--to",
                  "2999-01-02")
    assert ("calendar 24x7: no row was expected: it has no whole interval of 1m in that time that "
            "is over\n") in done.stderr
    assert "0.00 %" not in done.stderr


def test_history_counts_the_rows_that_an_overwrite_took(varve):
    varve.ok("create", "t", "--schema", "id bigint not null, v int", "--key", "id")
    varve.ok("upsert", "t", stdin="id,v\n1,1\n2,2\n3,3\n")
    varve.ok("overwrite", "t", "-", "--input-format", "csv", "--where", "id > 1", "--yes",
             stdin="id,v\n")
    first = varve.ok("history", "t", "--limit", "1", "--format", "csv").splitlines()[1]
    assert first.split(",")[-2] == "2"


def test_restore_names_tags_in_its_help(varve):
    assert "--at TAG" in varve.ok("restore", "--help")


def test_an_unknown_tag_names_the_nearest(varve):
    varve.ok("init")
    varve.ok("tag", "create", "quarter1")
    for arguments in (("scan", "signals", "--at", "quater1"),
                      ("query", "FROM signals AT (VERSION => 'quarter2')")):
        done = varve(*arguments)
        assert done.returncode == 5 and "did you mean quarter1?" in done.stderr
    assert "did you mean" not in varve("scan", "signals", "--at", "spring").stderr


def test_an_argument_too_many_names_the_options_that_it_may_be_for(filled):
    done = filled("restore", "signals", "1")
    assert done.returncode == 2
    assert "'1' is one argument too many: varve restore TABLE [--version N]" in done.stderr
    done = filled("update", "signals", "signal_value = 5")
    assert done.returncode == 2 and "[--set " in done.stderr, done.stderr
    assert done.stderr.count("[--") <= 4


@pytest.mark.parametrize("word", ["TAG", "tag", "AS_OF"])
def test_at_by_another_word_names_the_two_that_there_are(filled, word):
    done = filled("query", f"SELECT * FROM signals AT ({word} => 'q1')")
    assert done.returncode == 2
    assert f"There is no AT ({word} => ...)" in done.stderr and "AT (VERSION => 'q1')" in done.stderr
    assert "There is no AT" not in filled("query", "SELECT * FRM signals AT (VERSION => 1)").stderr


def test_a_tag_that_is_nowhere_is_said_not_to_be_there(filled):
    done = filled("scan", "signals", "--at", "v1")
    assert done.returncode == 5
    assert "there is no tag v1 of table signals" in done.stderr
    assert "(its tags: none)" in done.stderr


@pytest.mark.parametrize("option", ["--at", "--known-at"])
def test_a_time_in_the_future_is_told_of(filled, option):
    words = "2999-01-01T00:00:00.000000Z is in the future: table signals is answered as of now, version "
    for arguments in (("scan", "signals"), ("query", "SELECT count(*) FROM signals")):
        done = filled(*arguments, option, "2999-01-01")
        assert done.returncode == 0 and done.stderr.count(words) == 1, done.stderr
        assert done.stdout == filled(*arguments).stdout
        assert filled(*arguments, option, "now").stderr == ""


def test_a_time_in_the_future_within_sql_is_told_of(filled):
    sql = "SELECT count(*) AS n FROM market_regimes AT (TIMESTAMP => {})"
    for text in ("'2999-01-01'", "now() + INTERVAL 1 DAY"):
        done = filled("query", sql.format(text))
        assert (done.returncode, done.stdout) == (0, "n\n3\n")
        assert done.stderr.count("is in the future: table market_regimes is answered as of now") == 1
    assert filled("query", sql.format("now()")).stderr == ""


def test_holds_are_not_called_tags(varve):
    varve.ok("create", "t", "--schema", "k int")
    varve.ok("tag", "create", "q3")
    assert "(its tags: q3)" in varve("scan", "t", "--at", "nope").stderr
    varve.ok("hold", "add", "audit")
    assert "(its tags and holds: audit, q3)" in varve("scan", "t", "--at", "nope").stderr


def test_what_was_not_there_then_is_not_said_never_to_be(filled):
    for words in (("--known-at", "2001-01-01"), ("--at", "0")):
        done = filled("range", "market_regimes", "--symbol", "SPY", *words)
        assert done.stderr.endswith("no rows: by then there were none of SPY\n")
        assert done.stderr.count("was made after") == (words[0] == "--known-at")
    assert filled("range", "market_regimes", "--symbol", "XYZ").stderr == (
        "no rows: there are none of XYZ at any time\n")


def test_types_of_parameters_go_by_the_names_of_types_of_columns(filled):
    done = filled("query", "SELECT $a + 1 AS n, typeof($a) AS t, $b AS b, $c AS c", "--param", "a:int=3",
                  "--param", "b:bool=true", "--param", "c:VARCHAR=x", "--format", "csv")
    assert done.stdout == "n,t,b,c\n4,BIGINT,true,x\n", done.stderr


@pytest.mark.parametrize("name", ["rows.nd", "rows.txt", "rows", "rows.json"])
def test_a_name_that_says_nothing_leaves_it_to_the_content(varve, tmp_path, name):
    varve.ok("create", "t", "--schema", "id bigint not null, v int", "--key", "id")
    path = tmp_path / name
    path.write_text('\n {"id":1,"v":2}\n')
    varve.ok("upsert", "t", str(path))
    path.write_text("\ufeffid,v\n2,3\n")
    varve.ok("upsert", "t", str(path))
    assert varve.ok("query", "FROM t ORDER BY id", "--format", "csv") == "id,v\n1,2\n2,3\n"
    path.write_text('[{"id":3}]')
    done = varve("upsert", "t", str(path))
    assert done.returncode == 2 and f"{name} begins with '['" in done.stderr
    path.write_bytes(b"PK\x03\x04\x14\x00")
    done = varve("upsert", "t", str(path))
    assert done.returncode == 2 and "its name does not say" in done.stderr


@pytest.mark.parametrize("content, program", [
    (b"\x1f\x8b\x08\x00", "zcat"), (b"\x28\xb5\x2f\xfd\x00", "zstdcat"), (b"BZh91", "bzcat"),
    (b"\xfd7zXZ\x00", "xzcat")])
def test_a_compressed_file_names_what_unpacks_it(varve, content, program):
    varve.ok("create", "t", "--schema", "id bigint not null", "--key", "id")
    (varve.folder / "rows.csv.packed").write_bytes(content)
    done = varve("upsert", "t", "rows.csv.packed")
    assert done.returncode == 2
    assert f"as in {program} rows.csv.packed | varve ... -" in done.stderr


@pytest.mark.parametrize("pack, program", [(gzip.compress, "zcat"), (bz2.compress, "bzcat"),
                                           (lzma.compress, "xzcat")])
def test_compressed_rows_are_told_whatever_they_are_said_to_be(varve, pack, program):
    """By a name that says CSV, by an option, and on stdin."""
    varve.ok("create", "t", "--schema", "id bigint not null, BZh1 int", "--key", "id")
    packed = pack(b"id,BZh1\n1,2\n")
    (varve.folder / "rows.csv").write_bytes(packed)
    (varve.folder / "rows").write_bytes(packed)
    for arguments, name, file in (
            (["rows.csv"], "rows.csv is compressed, and such files are", "rows.csv"),
            (["rows", "--input-format", "ndjson"], "rows is compressed, and such files are", "rows"),
            (["-"], "stdin is compressed, and such input is", "FILE"),
            (["-", "--input-format", "csv"], "stdin is compressed, and such input is", "FILE")):
        for way in ("file", "pipe"):
            with open(varve.folder / "rows", "rb") as file_of_rows:
                given = {"stdin": file_of_rows} if way == "file" else {"input": packed}
                done = subprocess.run([str(varve.program), "upsert", "t", *arguments], **given,
                                      capture_output=True, check=False, cwd=varve.folder)
            said = done.stderr.decode()
            assert done.returncode == 2 and f"{name} not read" in said, said
            assert f"as in {program} {file} | varve ... -" in said
    (varve.folder / "rows.csv").write_bytes(b"BZh1,id\n2,1\n")
    varve.ok("upsert", "t", "rows.csv")


def test_a_file_without_an_ending_that_has_no_rows_is_said_to_be_what_it_is(varve):
    varve.ok("create", "t", "--schema", "id bigint not null", "--key", "id")
    (varve.folder / "folder").mkdir()
    (varve.folder / "empty").touch()
    for name, status, words in (("nowhere", 5, "cannot open nowhere: No such file"),
                                ("folder", 3, "folder is a folder, not a file with rows"),
                                ("empty", 3, "empty is empty")):
        done = varve("upsert", "t", name)
        assert done.returncode == status and words in done.stderr, done.stderr


def options_of(text):
    return re.findall(r"^  (?:-\w, )?--([a-z0-9-]+) [A-Z]", text, re.MULTILINE)


def test_an_option_that_is_empty_is_refused(program):
    """It is a variable that nobody has set: --head "$(cat missing)" would prove nothing."""
    def run(*words):
        return subprocess.run([program, *words], capture_output=True, text=True, check=False)
    overview = run("help").stdout
    commands = re.findall(r"^  ([a-z-]+)  +\w", overview.partition("Commands:")[2].partition(
        "Global options")[0], re.MULTILINE)
    asked = [("tables", name) for name in options_of(overview)]
    for command in commands:
        asked += [(command, name) for name in options_of(run(command, "--help").stdout)]
    assert len(asked) > 100 and ("verify", "head") in asked and ("upsert", "input-tz") in asked
    for command, name in asked:
        for value in ("", "  "):
            done = run(command, f"--{name}", value)
            assert done.returncode == 2 and f"--{name}" in done.stderr, (command, name, done)


def test_a_message_that_nothing_keeps_is_refused(filled):
    filled("tag", "create", "x", "--message", "kept")
    filled("hold", "add", "y", "--message", "kept")
    for words in (("tag", "drop", "x"), ("hold", "release", "y"),
                  ("quarantine", "drop", "signals", "--yes")):
        done = filled(*words, "--message", "why")
        assert done.returncode == 2 and "keeps no --message" in done.stderr, done
    assert filled("tag", "drop", "x").returncode == 0
    assert filled("hold", "release", "y").returncode == 0


def test_nested_values_that_went_out_as_csv_name_the_formats_that_they_come_in_by(varve):
    """As JSON they would have to be guessed; by the other formats they come back as they went."""
    varve.ok("create", "t", "--schema", "id bigint, l array<int>, s struct<a: int, b: string>, "
             "m map<string,double>", "--key", "id")
    varve.ok("upsert", "t", stdin='{"id":1,"l":[1,null],"s":{"a":1,"b":"x, \\"y\\""},"m":{"k":1.5}}\n'
             '{"id":2,"l":[],"s":null,"m":{}}\n')
    text = varve.ok("scan", "t", "--format", "csv")
    assert '"{""a"":1,""b"":""x, \\""y\\""""}"' in text
    done = varve("upsert", "t", stdin=text)
    assert done.returncode == 3
    for part in ("l = '[1,null]' does not fit type array<integer>", "s = ", "m = "):
        line = next(line for line in done.stderr.splitlines() if part in line)
        assert line.endswith(", whose values come by NDJSON, Parquet or Arrow"), line
    for name in ("t.ndjson", "t.parquet", "t.arrow"):
        varve.ok("scan", "t", "-o", name)
        assert "2 unchanged" in varve("upsert", "t", name).stderr
    # Of NDJSON, a wrong value is just that.
    done = varve("upsert", "t", stdin='{"id":3,"l":"x"}\n')
    assert done.returncode == 3 and "NDJSON" not in done.stderr


def test_a_parameter_that_is_given_twice_is_refused(filled):
    for second in ("x=2", "X=2", "x:bigint=1"):
        done = filled("query", "SELECT $x", "--param", "x=1", "--param", second)
        assert (done.returncode, done.stdout) == (2, "") and "is there twice" in done.stderr, done
    assert filled("query", "SELECT $x AS a, $y AS b", "--param", "x=1", "--param", "y=2").stdout == "a,b\n1,2\n"


def test_a_write_heeds_the_form_that_it_is_asked_for_or_refuses_it(varve, tmp_path):
    """Nothing is written where the sum of it could not be told as asked for."""
    varve.ok("create", "t", "--schema", "k int not null", "--key", "k")
    upsert = ("upsert", "t", "-", "--input-format", "csv")
    for words in (("-o", "r.csv"), ("-o", "r.txt"), ("--format", "csv"), ("--format", "parquet"), ("--plot",),
                  ("--format", "svg")):
        done = varve(*upsert, *words, stdin="k\n1\n")
        assert (done.returncode, done.stdout) == (2, "") and words[0].lstrip("-o") in done.stderr, done
    assert list(tmp_path.glob("r.*")) == [] and varve.ok("scan", "t") == "k\n"
    assert '"inserted":1' in varve.ok(*upsert, "--format", "json", stdin="k\n1\n")
    assert varve.ok(*upsert, "-o", "r.json", stdin="k\n2\n") == ""
    assert '"inserted":1' in (tmp_path / "r.json").read_text()
    assert varve.ok(*upsert, "--json", "-o", "r.txt", stdin="k\n3\n") == ""
    assert '"inserted":1' in (tmp_path / "r.txt").read_text()
    # words for people, and defaults of other commands, are as they were
    (tmp_path / "varve.conf").write_text("format=csv\n")
    for words in (("--format", "box"), ("-o", "-"), ("--config", "varve.conf")):
        done = varve(*upsert, *words, stdin="k\n3\n")
        assert (done.returncode, done.stdout) == (0, "") and "1 unchanged" in done.stderr, done


@pytest.mark.parametrize("words", [
    ("optimize", "signals"), ("alter", "signals", "set", "note=x"), ("tag", "create", "f"), ("tag", "drop", "f"),
    ("hold", "add", "g"), ("hold", "release", "g"), ("maintain", "--once"), ("quarantine", "release", "signals"),
    ("spool", "flush"), ("restore", "signals", "--version", "0", "--yes"), ("checkpoint", "signals"),
    ("delete", "signals", "--where", "false"), ("ingest",), ("init",)], ids=lambda words: " ".join(words[:2]))
def test_json_is_heeded_by_whatever_sums_up(filled, words):
    done = filled(*words, "--format", "csv")
    assert done.returncode == 2 and "say --json" in done.stderr, done
    assert filled.ok(*words, "--format", "json")[:1] in ("{", "[")


def test_rows_of_commands_that_write_too_have_every_format(filled, tmp_path):
    for words in (("tag", "list"), ("hold", "list"), ("quarantine", "list"), ("maintain", "--plan")):
        assert filled(*words, "--format", "csv").returncode == 0
        assert filled(*words, "-o", str(tmp_path / "rows.csv")).returncode == 0


def test_a_chart_and_another_form_are_two_forms(filled):
    for words in (("--format", "csv"), ("--json",)):
        done = filled("correlate", "--plot", *words)
        assert (done.returncode, done.stdout) == (2, "") and "give one of them" in done.stderr, done
