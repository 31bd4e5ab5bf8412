"""The Python package as a user gets it: built into a wheel, installed into an environment of its
own below the build folder, anew only when something in it has changed."""

import fcntl
import hashlib
import os
import pathlib
import shutil
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent
BUILD = pathlib.Path(os.environ.get("VARVE_BUILD", ROOT / "build")).resolve()
ENVIRONMENT = BUILD / "python"
SITE = ENVIRONMENT / f"lib/python{sys.version_info.major}.{sys.version_info.minor}/site-packages"

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
    """Folders of tests run side by side: one installs, the others wait."""
    with open(BUILD / "python.lock", "w", encoding="utf-8") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        wanted, written = stamp(), ENVIRONMENT / "stamp"
        if not written.exists() or written.read_text() != wanted:
            install()
            written.write_text(wanted)
