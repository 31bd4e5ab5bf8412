"""The deliberate bugs of mutants.toml still fit the source;
try_mutants.py tries whether they are caught."""

import os
import pathlib

import pytest

import try_mutants

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
BUILD = pathlib.Path(os.environ.get("VARVE_BUILD", ROOT / "build"))
MUTANTS = try_mutants.load()


def test_there_are_enough_and_no_two_of_a_name():
    names = [mutant["name"] for mutant in MUTANTS]
    assert len(names) >= 20
    assert len(set(names)) == len(names)


@pytest.mark.parametrize("mutant", MUTANTS, ids=[mutant["name"] for mutant in MUTANTS])
def test_each_changes_one_place(mutant):
    text = (ROOT / mutant["file"]).read_text()
    assert try_mutants.mutate(text, mutant) != text
    for test in mutant["tests"]:
        if try_mutants.is_program(test):
            assert (BUILD / "tests" / test).exists(), "no such test program"
        else:
            assert (ROOT / "tests" / test).exists()
