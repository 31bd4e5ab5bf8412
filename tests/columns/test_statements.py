"""What people mistype: conditions, properties, tables that are there already."""

import pytest


@pytest.fixture
def table(varve):
    varve.ok("create", "t", "--key", "k", "--schema", "k int not null, v string")
    varve.upsert("t", "k,v\n1,a\n2,b\n")
    return varve


def refused(varve, *arguments, status=2):
    done = varve.run(*arguments)
    assert done.returncode == status, done.stderr
    assert varve.version("t") == 1
    return done.stderr


WHERE = [("scan", "t"), ("delete", "t"), ("update", "t", "--set", "v = 'x'")]


@pytest.mark.parametrize("command", WHERE, ids=lambda command: command[0])
def test_a_condition_is_one_by_itself(table, command):
    for text in ("k = 1) or (k = 2", "true) or (true", "k = 1 order by k", "k = 1; select 1",
                 "k = 1 union select 1", "k = 1 limit 1", "k = 1 group by k"):
        refused(table, *command, "--where", text)
    refused(table, "update", "t", "--set", "v = 'x') || ('y'", "--where", "true")


@pytest.mark.parametrize("command", WHERE, ids=lambda command: command[0])
def test_an_error_shows_the_condition_alone(table, command):
    for text in ("kk = 3", "k + = 3", "sum(k) = 3", "k = 'x'"):
        stderr = refused(table, *command, "--where", text)
        assert f'in "{text}"' in stderr or "x" in text
        for ours in ("SELECT", "vv_", "read_parquet", "NULL", "c0"):
            assert ours not in stderr
    assert 'Near it is "k"' in refused(table, "scan", "t", "--where", "kk = 3")


@pytest.mark.parametrize("text", ["+".join(["k"] * 300) + " > 0",
                                  " or ".join(f"k = {i}" for i in range(1000)),
                                  "(" * 150 + "k = 1" + ")" * 150])
def test_a_condition_may_be_long(table, text):
    assert len(table.rows("scan", "t", "--where", text)) >= 1
    table.ok("delete", "t", "--where", text, "--dry-run")


def test_one_without_end_is_refused(table):
    refused(table, "scan", "t", "--where", "+".join(["k"] * 5000) + " > 0")


@pytest.mark.parametrize("words, says", [
    (("delta.appendOny=true",), "is it delta.appendOnly?"),
    (("delta.typo=1",), "no property delta.typo"),
    (("own.x=1", "own.X=2"), "own.X is set twice"),
    (("delta.checkpointInterval=5", "delta.checkpointinterval=6"), "set twice"),
])
def test_a_property_that_is_none_is_not_set(table, words, says):
    assert says in refused(table, "alter", "t", "set", *words)


def test_properties_of_others_and_of_ones_own_are_set(table):
    table.ok("alter", "t", "set", "delta.dataSkippingNumIndexedCols=5", "own.x=1")
    done = table.run("create", "u", "--schema", "k int", "--property", "delta.typo=1")
    assert done.returncode == 2 and not table.table("u").exists()


def test_a_key_that_is_no_column_is_a_matter_of_usage(varve):
    done = varve.run("create", "t", "--key", "q", "--schema", "k int")
    assert done.returncode == 2 and "key column q is not in the schema" in done.stderr


@pytest.mark.parametrize("arguments, says", [
    (("--key", "k", "--schema", "k int not null, w string"), "no column w"),
    (("--key", "k", "--schema", "k bigint not null, v string"), "column k is of type integer"),
    (("--key", "v", "--schema", "k int, v string not null"), 'its key is "k"'),
    (("--key", "k", "--schema", "k int not null, v string", "--partition-by", "v"), "partitioned"),
])
def test_a_table_that_is_there_and_another_one(table, arguments, says):
    assert says in refused(table, "create", "t", *arguments)


def test_a_table_that_is_there_and_has_grown(table):
    table.ok("alter", "t", "add-column", "w double")
    done = table.run("create", "t", "--key", "k", "--schema", "k int not null, v string")
    assert done.returncode == 0 and "was there already" in done.stderr


def test_no_table_within_a_table(table):
    for arguments in (("init",), ("create", "u", "--schema", "k int")):
        done = table.run("--lake", table.table("t"), *arguments)
        assert done.returncode == 2 and "is a table" in done.stderr
    assert sorted(path.name for path in table.table("t").iterdir() if path.is_dir()) == ["_delta_log"]
