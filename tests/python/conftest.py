"""The Python package as a user gets it. The tests run in the environment of the other tests, with what
its own has on the path; `bare` is without all others."""

import pathlib
import subprocess
import sys

import pytest

sys.path.append(str(pathlib.Path(__file__).resolve().parents[1]))  # what all suites share

from installed import ENVIRONMENT, SITE, ensure_installed  # noqa: E402

ensure_installed()
sys.path.insert(0, str(SITE))

import varve  # noqa: E402

assert pathlib.Path(varve.__file__).parent == SITE / "varve"


@pytest.fixture
def lake(tmp_path):
    """A lake with the three market tables."""
    with varve.Lake(tmp_path / "lake", create=True, user="ann") as opened:
        opened.init()
        yield opened


@pytest.fixture
def regimes(lake):
    return lake.table("market_regimes")


@pytest.fixture
def bare():
    """Runs a Python text where nothing but the package is installed; what it prints."""
    def run_bare(text, *arguments, **options):
        command = [str(ENVIRONMENT / "bin/python"), "-I", "-c", text, *map(str, arguments)]
        done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60,
                              **options)
        assert done.returncode == 0, f"{done.stdout}\n{done.stderr}"
        return done.stdout
    return run_bare
