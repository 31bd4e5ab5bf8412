"""A folder without a table is most likely the wrong one: nobody says that all is well there."""

import shutil

import pytest
from samples import REGIMES


@pytest.mark.parametrize("command", [["verify"], ["seal"], ["doctor"], ["maintain", "--once"],
                                     ["maintain", "--plan"], ["ingest"], ["spool", "status"],
                                     ["spool", "verify"], ["spool", "flush"], ["spool", "salvage"],
                                     ["export", "-o", "exported"]])
@pytest.mark.parametrize("is_there", [True, False], ids=["empty", "none"])
def test_who_looks_after_all_tables_says_that_there_is_none(varve_on, tmp_path, command, is_there):
    lake = tmp_path / "lake"
    if is_there:
        lake.mkdir()
    done = varve_on(lake).run(*command, stdin="")
    assert done.returncode == 5, done.stderr
    assert ("has no table" if is_there else "there is no lake") in done.stderr
    assert not (lake / "_varve").exists()


@pytest.fixture
def lost(varve):
    """A lake whose market_regimes has lost its log."""
    varve.ok("init")
    varve.ok("upsert", "market_regimes", stdin=REGIMES.replace(",NaN,", ",31.25,"))
    lake = varve.folder / "data" / "lake"
    shutil.rmtree(lake / "market_regimes" / "_delta_log")
    return lake


@pytest.mark.parametrize("command", [["init"], ["create", "market_regimes", "--schema", "a int"]],
                         ids=["init", "create"])
def test_no_new_table_is_made_in_the_place_of_one_that_lost_its_log(varve, lost, command):
    files = sorted((lost / "market_regimes").rglob("*.parquet"))
    assert files
    done = varve(*command)
    assert done.returncode == 2 and done.stdout == ""
    assert f"has {len(files)} Parquet file{'s' if len(files) > 1 else ''}, such as date=" in done.stderr
    assert "put the log back from a backup" in done.stderr and "market_regimes" in done.stderr
    assert not (lost / "market_regimes" / "_delta_log").exists()
    assert sorted((lost / "market_regimes").rglob("*.parquet")) == files
    varve.ok("create", "another", "--schema", "a int")


def test_where_nothing_of_a_table_is_left_one_is_made(varve, lost):
    for path in (lost / "market_regimes").rglob("*.parquet"):
        path.unlink()
    (lost / "market_regimes" / "README").write_text("x")
    varve.ok("init")
    assert varve.ok("query", "SELECT count(*) AS n FROM market_regimes") == "n\n0\n"
