"""Builds the extension against libvarve, and puts libvarve and libduckdb into the package.

They are looked for in this order:
  1. the source tree around this folder: ../include, and ../build or the folder in VARVE_BUILD,
     where `make build` has put libvarve;
  2. an installed Varve, by pkg-config.

The package needs nothing else of either afterwards, but it does need the system's libcrypto 3 and
libz, so that a wheel is for machines like the one that it was built on.
"""

import os
import pathlib
import re
import shutil
import subprocess

from setuptools import Extension, setup
from setuptools.command.build_ext import build_ext

HERE = pathlib.Path(__file__).resolve().parent


class Varve:
    """Where the headers and the two libraries are."""

    def __init__(self, include, libvarve, libduckdb):
        self.include, self.libvarve, self.libduckdb = include, libvarve, libduckdb
        for path in (include / "varve" / "varve.h", libvarve, libduckdb):
            if not path.exists():
                raise SystemExit(f"varve: {path} is not there")

    @property
    def version(self):
        header = (self.include / "varve" / "version.h").read_text("utf-8")
        return re.search(r'VARVE_VERSION "([^"]+)"', header).group(1)


def of_tree():
    root = HERE.parent
    build = pathlib.Path(os.environ.get("VARVE_BUILD", root / "build"))
    if not (root / "include/varve/varve.h").exists():
        return None
    if not (build / "libvarve.so.0").exists():
        return None
    return Varve(root / "include", build / "libvarve.so.0",
                 root / "third_party/duckdb/lib/libduckdb.so")


def of_system():
    def ask(variable):
        command = ["pkg-config", f"--variable={variable}", "varve"]
        try:
            done = subprocess.run(command, capture_output=True, text=True, check=False)
        except FileNotFoundError:
            return None
        return pathlib.Path(done.stdout.strip()) if done.returncode == 0 else None

    folder = ask("libdir")
    if folder is None:
        return None
    return Varve(ask("includedir"), folder / "libvarve.so.0", folder / "varve/libduckdb.so")


class BuildWithLibraries(build_ext):
    """The libraries go beside the extension, which looks for them there first."""

    def run(self):
        super().run()
        target = pathlib.Path(self.get_ext_fullpath("varve._core")).parent / "libs"
        target.mkdir(parents=True, exist_ok=True)
        for library, name in ((VARVE.libvarve, "libvarve.so.0"),
                              (VARVE.libduckdb, "libduckdb.so")):
            shutil.copyfile(library, target / name)


VARVE = of_tree() or of_system()
if VARVE is None:
    raise SystemExit(
        "varve: no libvarve to build against: run `make build` in the source tree, or install "
        "Varve with `make install`, or name the build folder in VARVE_BUILD")

CORE = Extension(
    "varve._core",
    sources=sorted(f"src/{path.name}" for path in (HERE / "src").glob("*.c")),
    depends=sorted(f"src/{path.name}" for path in (HERE / "src").glob("*.h"))
    + sorted(str(path) for path in (VARVE.include / "varve").glob("*.h")),
    include_dirs=[str(VARVE.include)],
    extra_compile_args=["-std=gnu17", "-fvisibility=hidden", "-Wall", "-Wextra",
                        "-Wno-cast-function-type", "-Werror=implicit-function-declaration"],
    # libduckdb comes first: libvarve then finds it loaded, wherever it would look itself.
    extra_link_args=["-Wl,-rpath,$ORIGIN/libs", "-Wl,--no-as-needed", str(VARVE.libduckdb),
                     str(VARVE.libvarve)],
    py_limited_api=True,
)

setup(version=VARVE.version, ext_modules=[CORE], cmdclass={"build_ext": BuildWithLibraries},
      options={"bdist_wheel": {"py_limited_api": "cp39"}})
