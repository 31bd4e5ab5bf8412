"""The Python package as a user gets it: built into a wheel, installed into an environment of its
own below the build folder, anew only when something in it has changed. The tests run in the
environment of the other tests, with what that one has on the path; `bare` is without all others."""

import hashlib
import pathlib
import shutil
import subprocess
import sys

import pytest
from package import BUILD, ENVIRONMENT, ROOT, SITE

SOURCES = ("python/src/*.[ch]", "python/varve/*.py*", "python/varve/py.typed",
           "python/setup.py", "python/pyproject.toml", "include/varve/*.h")


def stamp():
    seen = hashlib.sha256(sys.version.encode())
    files = [path for pattern in SOURCES for path in sorted(ROOT.glob(pattern))]
    for path in [*files, BUILD / "libvarve.so.0"]:
        seen.update(str(path.relative_to(path.anchor)).encode() + path.read_bytes())
    return seen.hexdigest()


def run(*command):
    words = [str(word) for word in command]
    done = subprocess.run(words, capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"{words}\n{done.stdout}\n{done.stderr}"


def install():
    """Without network: what builds it is in the environment that the tests run in."""
    wheels = ENVIRONMENT / "wheel"
    shutil.rmtree(ENVIRONMENT, ignore_errors=True)
    run(sys.executable, "-m", "venv", "--without-pip", ENVIRONMENT)
    pip = [sys.executable, "-m", "pip", "--disable-pip-version-check", "-q"]
    run(*pip, "wheel", "--no-index", "--no-deps", "--no-build-isolation", "-w", wheels,
        ROOT / "python")
    (wheel,) = wheels.glob("*.whl")
    run(*pip, "--python", ENVIRONMENT / "bin/python", "install", "--no-index", "--no-deps",
        wheel)


def ensure_installed():
    wanted, written = stamp(), ENVIRONMENT / "stamp"
    if not written.exists() or written.read_text() != wanted:
        install()
        written.write_text(wanted)
    sys.path.insert(0, str(SITE))
    sys.path.append(str(ROOT / "tests"))  # what all suites share


ensure_installed()

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
