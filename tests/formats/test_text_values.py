"""What docs/input.md says of the values of texts holds, in CSV and in NDJSON."""

import json
import pathlib
import re

import pytest

PAGE = pathlib.Path(__file__).parents[2] / "docs/input.md"


def rows_of_page():
    for line in PAGE.read_text().splitlines():
        cells = [re.findall("`([^`]*)`", cell) for cell in line.strip("|").split("|")]
        if len(cells) == 3 and cells[0]:
            yield pytest.param(cells[0][0], cells[1], cells[2], id=cells[0][0])


def csv_of(values):
    return "k,v\n" + "".join(f'{number},"{value}"\n' for number, value in enumerate(values))


def ndjson_of(values):
    return "".join(json.dumps({"k": number, "v": value}) + "\n" for number, value in enumerate(values))


@pytest.mark.slow
@pytest.mark.parametrize("text_of, kind", [(csv_of, "csv"), (ndjson_of, "ndjson")])
@pytest.mark.parametrize("type_, taken, refused", rows_of_page())
def test_the_page_is_true(varve, type_, taken, refused, text_of, kind):
    varve.ok("create", "t", "--key", "k", "--schema", f"k int not null, v {type_}")
    given = ("--input-format", kind)
    varve.upsert("t", text_of(taken), *given)
    assert varve.rows("query", "SELECT count(v) AS n FROM t") == [{"n": len(taken)}]
    for value in refused:
        done = varve.run("upsert", "t", "-", *given, stdin=text_of([value]))
        assert done.returncode == 3 and " v " in done.stderr.replace(",", " "), (value, done.stderr)
    # All at once: each of them is a row of its own that is at fault, and none shadows another.
    done = varve.run("upsert", "t", "-", "--quarantine", "--json", *given,
                     stdin=text_of([*refused, *taken]))
    assert json.loads(done.stdout)["rejected"] == len(refused)


def test_every_type_is_on_the_page():
    assert len(list(rows_of_page())) == 10


def test_blanks_belong_to_values_of_csv_and_an_empty_line_is_a_row_of_one_column(varve):
    varve.ok("create", "t", "--schema", "k string not null, n bigint, b boolean, at timestamp",
             "--key", "k")
    varve.upsert("t", "k,n\n a , 5 \n\n\"b \",6\n\n")
    assert [(row["k"], row["n"]) for row in varve.rows("query", "FROM t ORDER BY n")] == [
        (" a ", 5), ("b ", 6)]
    varve.upsert("t", 'k,n\n"c" ,"7"\nd, "8" \n')
    assert [(row["k"], row["n"]) for row in varve.rows("query", "FROM t WHERE n > 6 ORDER BY n")] == [
        ("c", 7), ("d", 8)]
    for text in ("k,b\nc, true\n", "k,at\nc,2025-01-01 \n", "k,n\nc, \n", "k, n\nc,1\n"):
        assert varve.run("upsert", "t", "-", stdin=text).returncode == 3, text
    varve.ok("create", "one", "--schema", "v string")
    varve.ok("append", "one", "-", "--input-format", "csv", stdin="v\na\n\n")
    assert varve.rows("query", "SELECT count(*) AS n, count(v) AS c FROM one") == [{"n": 2, "c": 1}]
    varve.ok("create", "fed", "--schema", "v string", "--key", "v")
    varve.ok("ingest", "fed", "--input-format", "csv", stdin="v\na\n\n \nb\n\n")
    assert varve.rows("query", "SELECT v FROM fed ORDER BY v") == [{"v": "a"}, {"v": "b"}]
