"""Each header compiles alone; the public ones for any C or C++ program."""

import pathlib
import shutil
import subprocess

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]
PUBLIC = sorted((ROOT / "include/varve").glob("*.h"))
INTERNAL = sorted((ROOT / "src").glob("*/*.h"))
STRICT = ["-fsyntax-only", "-Wall", "-Wextra", "-Wpedantic", "-Werror", "-I", str(ROOT / "include")]


def compiles(compiler, options, header, tmp_path):
    """Compiles a file that holds nothing but the header, twice."""
    if shutil.which(compiler) is None:
        pytest.skip(f"{compiler} is not installed")
    # In C a file that declares nothing is not allowed.
    source = tmp_path / ("a.cc" if "++" in compiler else "a.c")
    source.write_text(f'#include "{header}"\n' * 2 + "extern int nothing;\n")
    command = [compiler, *STRICT, *options, str(source)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("standard", ["c99", "c17"])
@pytest.mark.parametrize("header", PUBLIC, ids=lambda path: path.name)
def test_public_headers_are_plain_c(header, standard, tmp_path):
    compiles("gcc", [f"-std={standard}"], header, tmp_path)


@pytest.mark.parametrize("standard", ["c++11", "c++17"])
@pytest.mark.parametrize("header", PUBLIC, ids=lambda path: path.name)
def test_public_headers_are_plain_cpp(header, standard, tmp_path):
    compiles("g++", [f"-std={standard}"], header, tmp_path)


@pytest.mark.parametrize("header", INTERNAL, ids=lambda path: f"{path.parent.name}/{path.name}")
def test_internal_headers_compile_alone(header, tmp_path):
    options = ["-std=gnu17", "-D_GNU_SOURCE", "-I", str(ROOT / "src")]
    for folder in ("duckdb/include", "yyjson", "nanoarrow", "nanoarrow/flatcc/include"):
        options += ["-isystem", str(ROOT / "third_party" / folder)]
    compiles("gcc", options, header, tmp_path)
