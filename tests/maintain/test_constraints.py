"""CHECK constraints that can't work never become a table's, whether it has rows or none."""

import pytest

SCHEMA = "k bigint not null, sym string, px double, d decimal(9,2), t timestamp"

REFUSED = [
    ("sym > 0", "Cannot compare values of type VARCHAR"),
    ("px", "its type is DOUBLE, not BOOLEAN"),
    ("1", "not BOOLEAN"),
    ("px > 0 and", "ends too early"),
    ('"px" > 0', "`back-quotes` name a column"),
    ("nope > 0", "nope"),
    ("frobnicate(px)", "frobnicate"),
]


@pytest.mark.parametrize("expression, words", REFUSED)
def test_of_a_new_table(varve, expression, words):
    done = varve.run("create", "c", "--schema", SCHEMA, "--key", "k", "--check", f"good: {expression}")
    assert done.returncode == 2 and words in done.stderr and "constraint good" in done.stderr
    assert "LINE 1" not in done.stderr and "SELECT" not in done.stderr
    assert varve.run("describe", "c").returncode == 5


@pytest.mark.parametrize("has_rows", [False, True])
def test_of_a_table_that_is_there(varve, has_rows):
    varve.ok("create", "c", "--schema", SCHEMA, "--key", "k")
    if has_rows:
        varve.upsert("c", "k,sym,px\n1,SPY,2.5\n2,x,3\n")
    version = varve.version("c")
    for expression, words in REFUSED:
        done = varve.run("alter", "c", "add-constraint", "good", expression)
        assert done.returncode == 2 and words in done.stderr, expression
        assert "LINE 1" not in done.stderr and "SELECT" not in done.stderr
    assert varve.version("c") == version
    for number, good in enumerate(("px > 0", "`px` IS NULL OR sym <> \"y\"", "t IS NULL", "true")):
        varve.ok("alter", "c", "add-constraint", f"c{number}", good)
