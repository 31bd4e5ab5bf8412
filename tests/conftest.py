"""What the Python tests share: the program under test, and lakes to use it on."""

import json
import os
import pathlib
import subprocess

import pytest

ROOT = pathlib.Path(__file__).resolve().parent.parent


class Varve:
    """The program, on one lake."""

    def __init__(self, program, lake):
        self.program = program
        self.lake = pathlib.Path(lake)

    def run(self, *arguments, stdin=None, env=None, timeout=120):
        """Runs a command; returns the completed process, texts decoded."""
        command = [str(self.program), "--lake", str(self.lake), *map(str, arguments)]
        environment = {key: value for key, value in os.environ.items() if key != "VARVE_LAKE"}
        environment.update(env or {})
        return subprocess.run(command, input=stdin, capture_output=True, text=True,
                              env=environment, timeout=timeout, check=False)

    def ok(self, *arguments, **options):
        """Runs a command that must succeed; returns what it printed."""
        done = self.run(*arguments, **options)
        assert done.returncode == 0, f"{arguments}: exit {done.returncode}\n{done.stderr}"
        return done.stdout

    def upsert(self, table, text, *arguments, **options):
        """Upserts a text (CSV, or NDJSON where it starts with a brace); returns the result."""
        form = "ndjson" if text.startswith("{") else "csv"
        return json.loads(self.ok("upsert", table, "-", "--input-format", form, "--json",
                                  *arguments, stdin=text, **options))

    def rows(self, *arguments):
        """The rows that a command prints, as dictionaries."""
        text = self.ok(*arguments, "--format", "ndjson")
        return [json.loads(line) for line in text.splitlines()]

    def version(self, table):
        return json.loads(self.ok("describe", table, "--json"))["version"]

    def table(self, name):
        return self.lake / name


@pytest.fixture(scope="session")
def program():
    build = os.environ.get("VARVE_BUILD", str(ROOT / "build"))
    path = pathlib.Path(build) / "varve"
    assert path.exists(), f"no program at {path}: run make build"
    return path


@pytest.fixture
def varve(program, tmp_path):
    """The program on a lake that is not there yet."""
    return Varve(program, tmp_path / "lake")


@pytest.fixture
def market(varve):
    """The program on a lake with the three market tables."""
    varve.ok("init")
    return varve


@pytest.fixture(scope="session")
def varve_on(program):
    """Makes a Varve for any lake."""
    return lambda lake: Varve(program, lake)
