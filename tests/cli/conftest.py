"""The command `varve` of the build, and a lake of its own for each test."""

import os
import pathlib
import subprocess

import pytest
from samples import REGIMES

ROOT = pathlib.Path(__file__).resolve().parents[2]
BUILD = pathlib.Path(os.environ.get("VARVE_BUILD", ROOT / "build"))


class Varve:
    """Runs the command in a folder; stdout and stderr are texts."""

    def __init__(self, folder):
        self.program = BUILD / "varve"
        self.folder = folder
        self.env = {name: value for name, value in os.environ.items()
                    if not name.startswith("VARVE_") and name not in ("LC_ALL", "LANG")}

    def __call__(self, *arguments, stdin="", env=None, timeout=120):
        return subprocess.run(
            [str(self.program), *map(str, arguments)],
            input=stdin, capture_output=True, text=True, errors="replace", check=False,
            timeout=timeout, cwd=self.folder, env={**self.env, **(env or {})},
        )

    def ok(self, *arguments, **more):
        """The stdout of a run that has to succeed."""
        done = self(*arguments, **more)
        assert done.returncode == 0, done.stderr
        return done.stdout


@pytest.fixture
def varve(tmp_path):
    """The command, in an empty folder."""
    return Varve(tmp_path)


@pytest.fixture(scope="session")
def filled(tmp_path_factory):
    """A lake with the market tables and a few rows; read only."""
    varve = Varve(tmp_path_factory.mktemp("filled"))
    rows = REGIMES.replace(",NaN,", ",31.25,")
    varve.ok("init", "--user", "ann")
    varve.ok("upsert", "market_regimes", "--message", "first", stdin=rows)
    varve.ok("upsert", "market_regimes", "--message", "second",
             stdin="timestamp,symbol,regime,vix\n2025-01-30T10:00:00Z,SPY,bearish_low,20\n")
    return varve
