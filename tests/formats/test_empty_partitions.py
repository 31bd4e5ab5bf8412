"""An empty text in a partition column is NULL there, as for every engine; and that is said."""

import pyarrow
import pyarrow.parquet
import pytest

FORMS = ["csv", "ndjson", "parquet", "arrow"]


def write(folder, form, values):
    path = folder / f"rows.{form}"
    rows = pyarrow.table({"id": [str(i) for i in range(len(values))],
                          "venue": pyarrow.array(values, pyarrow.string())})
    if form == "csv":
        path.write_text("id,venue\n" + "".join(
            f"{i},{'' if value is None else chr(34) + value + chr(34)}\n"
            for i, value in enumerate(values)))
    elif form == "ndjson":
        path.write_text("".join(
            f'{{"id":"{i}","venue":{"null" if value is None else chr(34) + value + chr(34)}}}\n'
            for i, value in enumerate(values)))
    elif form == "parquet":
        pyarrow.parquet.write_table(rows, path)
    else:
        with pyarrow.ipc.new_file(path, rows.schema) as file:
            file.write_table(rows)
    return path


@pytest.fixture
def parted(varve):
    varve.ok("create", "t", "--schema", "id string not null, venue string, x string", "--key",
             "id", "--partition-by", "venue")
    return varve


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("many", [1, 5000])
def test_it_is_told_once_with_the_number_of_rows(parted, tmp_path, form, many):
    done = parted.run("upsert", "t", write(tmp_path, form, ["", "a", None, ""] * many))
    assert done.returncode == 0
    rows = f"{2 * many} rows have an empty text in venue, which is NULL there"
    assert done.stderr.count(rows) == 1
    assert parted.rows("query", "SELECT count(*) AS n FROM t WHERE venue IS NULL") == [
        {"n": 3 * many}]


@pytest.mark.parametrize("form", FORMS)
def test_nothing_is_said_where_nothing_is_lost(parted, tmp_path, form):
    done = parted.run("upsert", "t", write(tmp_path, form, ["a", None, "b"]))
    assert done.returncode == 0 and "empty text" not in done.stderr
    done = parted.run("upsert", "t", "-", stdin='{"id":"z","venue":"a","x":""}\n')
    assert done.returncode == 0 and "empty text" not in done.stderr
    assert parted.rows("query", "SELECT x FROM t WHERE id = 'z'") == [{"x": ""}]


@pytest.mark.parametrize("form", FORMS)
def test_where_it_must_not_be_null_the_message_says_why(varve, tmp_path, form):
    varve.ok("create", "t", "--schema", "id string not null, venue string", "--key", "venue,id",
             "--partition-by", "venue")
    done = varve.run("upsert", "t", write(tmp_path, form, ["a", ""]))
    assert done.returncode == 3 and "1 of 2 rows rejected" in done.stderr
    assert "venue must not be NULL, it is part of the key, and an empty text in a partition " \
        "column is NULL" in done.stderr
    done = varve.run("upsert", "t", write(tmp_path, form, ["a", None]))
    assert done.returncode == 3 and "venue must not be NULL, it is part of the key" in done.stderr
    assert "empty text" not in done.stderr


# ---- What a column is filled with ---------------------------------------------------------------

FILLED = ["venue string default ''", "venue string generated always as (coalesce(s, ''))"]


@pytest.mark.parametrize("many", [1, 5000])
@pytest.mark.parametrize("venue", FILLED)
def test_what_is_filled_in_is_null_as_well_so_that_a_batch_may_be_repeated(varve, venue, many):
    varve.ok("create", "t", "--schema", f"id int not null, s string, {venue}", "--key", "id",
             "--partition-by", "venue")
    for text in ("id\n" + "".join(f"{i}\n" for i in range(many)),
                 "".join(f'{{"id":{i}}}\n' for i in range(many))):
        result = varve.upsert("t", text)
        assert result["inserted"] + result["unchanged"] == many and result["version"] == 1
    assert varve.rows("query", "SELECT count(*) FILTER (venue IS NULL) AS nulls, count(*) AS n "
                               "FROM t") == [{"nulls": many, "n": many}]
    if "default" not in venue:  # what it is generated as is what may be given
        assert varve.upsert("t", '{"id":0,"venue":""}')["unchanged"] == 1


@pytest.mark.parametrize("rule", ["key", "not null"])
@pytest.mark.parametrize("venue", FILLED)
def test_what_is_filled_in_is_refused_where_it_must_not_be_null(varve, tmp_path, venue, rule):
    """It was stored all the same, and with the key doubled by each repeat."""
    column, key = (venue, "id,venue") if rule == "key" else (f"{venue} not null", "id")
    varve.ok("create", "t", "--schema", f"id int not null, s string, {column}", "--key", key,
             "--partition-by", "venue")
    varve.upsert("t", '{"id":1,"s":"a","venue":"a"}')
    (tmp_path / "rows.csv").write_text("id\n2\n")
    said = "venue must not be NULL, " + ("it is part of the key, " * (rule == "key")) + \
        "and an empty text in a partition column is NULL"
    changes = [("upsert", "t", tmp_path / "rows.csv"), ("overwrite", "t", tmp_path / "rows.csv", "--yes"),
               ("append", "t", tmp_path / "rows.csv", "--allow-duplicates"),
               ("merge", "t", "--source", tmp_path / "rows.csv", "--on", "t.id = s.id",
                "--when-not-matched", "insert *"),
               ("update", "t", "--where", "true", "--set",
                "venue = DEFAULT" if "default" in venue else "s = NULL")]
    for change in changes:
        done = varve.run(*change)
        assert done.returncode == 3 and said in done.stderr, (change, done.stderr)
    assert varve.version("t") == 1
    assert varve.upsert("t", "id\n2\n", "--quarantine")["rejected"] == 1
