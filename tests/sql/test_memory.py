"""What needs more memory than it may take says of which table, and what to do about it."""

import random

import pytest

ROWS = 300_000


@pytest.fixture(scope="module", name="large")
def fixture_large(varve_on, tmp_path_factory):
    """Tables whose rows take more than the 16 MB of the tests below."""
    lake = varve_on(tmp_path_factory.mktemp("large") / "lake")
    texts = random.Random(1)
    path = lake.lake.parent / "rows.csv"
    with open(path, "w", encoding="utf-8") as file:
        file.write("k,note\n")
        file.writelines(f"{k},{texts.getrandbits(200):x}\n" for k in range(ROWS))
    for table in "tu":
        lake.ok("create", table, "--schema", "k bigint not null, note string", "--key", "k")
    lake.ok("upsert", "t", path)
    lake.upsert("u", "k,note\n1,a\n2,b\n")
    return lake


@pytest.mark.parametrize("command, about", [
    (("changes", "t", "--from", "0"), "changes of table t"),
    (("leak-check", "SELECT * FROM t", "--known-at", "2020-01-01T00:00:00Z"), "table t"),
    (("query", "SELECT a.note, count(*) FROM t AS a, u GROUP BY ALL ORDER BY 1"), "tables t, u"),
    (("export",), "table t"),
], ids=lambda value: value[0] if isinstance(value, tuple) else "")
def test_too_little_memory_names_the_table(large, command, about):
    if command[0] == "export":
        command = ("export", "-o", large.lake.parent / "x", "t")
    else:
        command = (*command, "--format", "csv")
    done = large.run("--memory", "16MB", *command)
    assert done.returncode == 9, done.stderr
    said = done.stderr.splitlines()[-1]
    assert f"{about}: " in said and said.endswith("give it more memory, or fewer rows at once")
