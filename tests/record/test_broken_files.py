"""A data file that is broken or missing is named by whatever meets it, with its table; a table that
lacks one is damaged (6), not missing (5)."""

import random
import shutil

import pytest

SCHEMA = "id bigint not null, day date not null, v bigint, s string, r bigint"
BATCH = "id,day,v,s\n2,2025-01-01,7,x\n9999999,2025-01-01,7,x\n"
DEEDS = {
    "scan": (["scan", "t"], None),
    "where": (["scan", "t", "--where", "id = 4"], None),
    "query": (["query", "SELECT count(*), sum(v), max(s) FROM t"], None),
    "two": (["query", "SELECT count(a.s), sum(b.v) FROM t AS a JOIN t AS b USING (id)"], None),
    "latest": (["latest", "t", "--by", "id"], None),
    "changes": (["changes", "t", "--from", "1"], None),
    "upsert": (["upsert", "t", "-"], BATCH),
    "delete": (["delete", "t", "--where", "id = 4"], None),
    "update": (["update", "t", "--set", "s='y'", "--where", "v >= 0"], None),
    "optimize": (["optimize", "t", "--zorder", "v,id"], None),
    "export": (["export", "t", "-o"], None),
}
# How many rows and files: the engine reads few files; of many small ones Varve's own reader does.
SIZES = {"few": (200, 2), "many": (200, 12), "large": (20000, 2)}


def fill(varve, size, vectors):
    rows, files = SIZES[size]
    chance = random.Random(1)
    varve.ok("create", "t", "--schema", SCHEMA, "--partition-by", "day", "--key", "id,day",
             *(("--property", "delta.enableDeletionVectors=true") if vectors else ()))
    for day in range(1, files + 1):
        varve.upsert("t", "id,day,v,s\n" + "".join(
            f"{number},2025-01-{day:02},{number % 97},{chance.random()}\n"
            for number in range(rows)))
    if vectors:
        varve.ok("delete", "t", "--where", "id = 3")


@pytest.fixture(scope="module", params=[(size, vectors) for size in SIZES
                                        for vectors in (False, True)],
                ids=lambda param: f"{param[0]}{'-vectors' if param[1] else ''}")
def lake(request, varve_on, tmp_path_factory):
    varve = varve_on(tmp_path_factory.mktemp("broken") / "lake")
    fill(varve, *request.param)
    return varve


def footer(content):
    return len(content) - 8 - int.from_bytes(content[-8:-4], "little")


def noise(length):
    return random.Random(2).randbytes(length)


def test_a_range_without_rows_does_not_fail_for_the_hint_where_rows_are(varve):
    varve.ok("create", "r", "--schema", "at timestamp not null, v int", "--key", "at")
    for day in (1, 2):
        varve.upsert("r", f"at,v\n2025-01-0{day}T00:00:00Z,{day}\n")
    empty = ("range", "r", "--from", "2025-03-01", "--format", "csv")
    done = varve.run(*empty)
    assert done.returncode == 0 and "the newest row of r is of 2025-01-02" in done.stderr
    sorted(varve.table("r").glob("*.parquet"))[0].unlink()
    done = varve.run(*empty)
    assert (done.returncode, done.stdout, done.stderr) == (0, "at,v\n", "")
    assert varve.run("range", "r", "--from", "2025-01-01").returncode == 6


HURTS = {
    "cut": lambda content: content[:len(content) // 2],
    "pages": lambda content: content[:4] + noise(footer(content) // 2 - 4) + content[
        footer(content) // 2:],  # those of the column r, which are the last, are sound
    "footer": lambda content: content[:footer(content)] + noise(
        len(content) - 8 - footer(content)) + content[-8:],
    "gone": None,
}


@pytest.mark.parametrize("hurt", HURTS)
def test_whatever_meets_it_names_it(lake, tmp_path, varve_on, hurt):
    for deed, (words, text) in DEEDS.items():
        varve = varve_on(tmp_path / deed)
        shutil.copytree(lake.lake, varve.lake)
        path, = varve.table("t").glob("day=2025-01-01/*.parquet")
        if hurt == "gone":
            path.unlink()
        else:
            path.write_bytes(HURTS[hurt](path.read_bytes()))
        before = varve.version("t")
        done = varve.run(*words, *([tmp_path / "out"] if deed == "export" else []), stdin=text)
        assert done.returncode == (10 if deed == "export" and hurt != "gone" else 6), (
            deed, done.stdout[:500], done.stderr)
        said = done.stderr.splitlines()[0]
        assert str(path) in said, (deed, said)
        assert varve.version("t") == before and not (tmp_path / "out").exists()


def test_one_of_many_is_found(varve):
    """What the engine says of a page that it makes no sense of does not say of which file."""
    fill(varve, "many", False)
    for day in range(20, 32):  # too long for a reader of small files
        varve.upsert("t", "id,day,v,s\n" + "".join(
            f"{number},2025-01-{day},{number % 97},{random.Random(number).random()}\n"
            for number in range(20000)))
    path, = varve.table("t").glob("day=2025-01-27/*.parquet")
    path.write_bytes(HURTS["pages"](path.read_bytes()))
    for words in (["scan", "t", "--where", "s LIKE '%none%'"],
                  ["query", "SELECT max(s) FROM t"],
                  ["query", "SELECT max(s) AS read_parquet, '' AS x FROM t"],
                  ["query", "SELECT v FROM t WHERE s LIKE '%none%'"]):
        done = varve.run(*words)
        assert done.returncode == 6 and done.stderr.count(".parquet") == 1, done.stderr
        assert f"{varve.table('t')}/day=2025-01-27/{path.name}" in done.stderr


@pytest.mark.parametrize("size", SIZES)
def test_a_value_that_reads_like_damage_is_none(varve, size):
    """The engine has no code for a broken file, so its sentences are judged by their words."""
    fill(varve, size, False)
    like = "strptime(s || ' likely corrupt', '%Y')"
    for words in (["query", f"SELECT count({like}) FROM t"],
                  ["query", f"SELECT {like} FROM t"],
                  ["query", "SELECT strptime('magic bytes', '%Y')"],
                  ["scan", "t", "--where", f"{like} > '2025-01-01'"]):
        done = varve.run(*words)
        assert done.returncode == 2 and ".parquet" not in done.stderr, (words, done.stderr)
        assert "Could not parse string" in done.stderr, done.stderr
        assert "broken" not in done.stderr, done.stderr


def test_a_vector_that_is_gone_is_damage(varve):
    fill(varve, "few", True)
    vectors = list(varve.table("t").glob("deletion_vector_*.bin"))
    for path in vectors:
        path.unlink()
    for words, text in (DEEDS["scan"], DEEDS["upsert"], DEEDS["delete"], DEEDS["optimize"]):
        done = varve.run(*words, stdin=text)
        assert done.returncode == 6, (words, done.stdout, done.stderr)
        assert any(str(path) in done.stderr for path in vectors), done.stderr
        assert "deletion vector of file day=" in done.stderr
