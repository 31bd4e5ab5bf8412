"""A folder without a table is most likely the wrong one: nobody says that all is well there."""

import pytest


@pytest.mark.parametrize("command", [["verify"], ["seal"], ["doctor"], ["maintain", "--once"],
                                     ["maintain", "--plan"], ["ingest"]])
@pytest.mark.parametrize("is_there", [True, False], ids=["empty", "none"])
def test_who_looks_after_all_tables_says_that_there_is_none(varve_on, tmp_path, command, is_there):
    lake = tmp_path / "lake"
    if is_there:
        lake.mkdir()
    done = varve_on(lake).run(*command, stdin="")
    assert done.returncode == 5, done.stderr
    assert ("has no table" if is_there else "there is no lake") in done.stderr
    assert not (lake / "_varve").exists()
