"""The package itself: what is in it, how fast it is there, and where it works."""

import ast
import inspect
import os
import pathlib
import shutil
import subprocess
import sys
import zipfile

import pytest
import varve
from package import BUILD, ENVIRONMENT, ROOT, SITE
from varve import _core

USE = """
import sys, time
before = set(sys.modules)
cpu = time.process_time()
import varve
cpu = time.process_time() - cpu
heavy = {"numpy", "pandas", "polars", "pyarrow", "typing", "inspect", "json", "logging"}
assert not heavy & (set(sys.modules) - before), heavy & set(sys.modules)
with varve.Lake(sys.argv[1], create=True) as lake:
    lake.init()
    regimes = lake.table("market_regimes")
    regimes.upsert([{"timestamp": "2025-01-30T14:30:00Z", "symbol": "SPY",
                     "regime": "bullish_low", "vix": float("nan")}], quarantine=True)
    print(lake.query("SELECT 1 AS x").to_dicts(), regimes.quarantine.list().to_dicts()[0]["rows"])
    try:
        regimes.scan().to_polars()
    except ImportError as error:
        print(error)
print(cpu * 1e3)
"""


def test_it_works_with_nothing_else_installed(bare, tmp_path):
    *told, milliseconds = bare(USE, tmp_path / "lake").splitlines()
    assert told == ["[{'x': 1}] 1", "No module named 'polars'"]
    bare(USE, tmp_path / "lake")
    times = [float(milliseconds)] + [
        float(bare(USE, tmp_path / f"lake{number}").splitlines()[-1]) for number in range(4)]
    assert min(times) < 20, times


def test_the_wheel_holds_all_that_it_needs():
    (wheel,) = (ENVIRONMENT / "wheel").glob("*.whl")
    assert wheel.name.startswith("varve-0.1.0-cp39-abi3-linux_")
    names = set(zipfile.ZipFile(wheel).namelist())
    assert {"varve/py.typed", "varve/__init__.pyi", "varve/_core.pyi", "varve/_core.abi3.so",
            "varve/libs/libvarve.so.0", "varve/libs/libduckdb.so"} <= names
    loaded = pathlib.Path("/proc/self/maps").read_text()
    used = {line.split()[-1] for line in loaded.splitlines() if "libvarve" in line}
    assert used == {str(SITE / "varve/libs/libvarve.so.0")}


def other_pythons():
    """Other versions of Python that are on this machine: the wheel is for all from 3.9 on."""
    versions = pathlib.Path.home() / ".pyenv/versions"
    found = [path for path in sorted(versions.glob("3.*/bin/python"))
             if tuple(map(int, path.parts[-3].split(".")[:2])) >= (3, 9)]
    return found or [pytest.param(None, marks=pytest.mark.skip("no other Python is here"))]


@pytest.mark.parametrize("python", other_pythons(), ids=lambda path: path and path.parts[-3])
def test_it_works_in_other_versions(python, tmp_path):
    text = f"import sys; sys.path.insert(0, {str(SITE)!r})\n{USE}"
    command = [str(python), "-I", "-c", text, str(tmp_path / "lake")]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
    assert done.stdout.startswith("[{'x': 1}] 1\n"), done.stderr


# ---- Stubs


def parameters_of_stub(function):
    """Names, kinds and defaults of a function in a stub, as inspect shows them."""
    arguments = function.args
    plain = [argument.arg for argument in arguments.posonlyargs + arguments.args]
    required = len(plain) - len(arguments.defaults)
    defaults = [None] * required + [ast.unparse(value) for value in arguments.defaults]
    named = zip([argument.arg for argument in arguments.kwonlyargs],
                [ast.unparse(value) if value else None for value in arguments.kw_defaults])
    rest = [argument.arg for argument in (arguments.vararg, arguments.kwarg) if argument]
    return list(zip(plain, defaults)), list(named), rest


def parameters_of(function):
    plain, named, rest = [], [], []
    for parameter in inspect.signature(function).parameters.values():
        default = None if parameter.default is parameter.empty else repr(parameter.default)
        if parameter.kind in (parameter.VAR_POSITIONAL, parameter.VAR_KEYWORD):
            rest.append(parameter.name)
        else:
            where = named if parameter.kind is parameter.KEYWORD_ONLY else plain
            where.append((parameter.name, default))
    return plain, named, rest


def classes_of(name):
    tree = ast.parse((SITE / "varve" / name).read_text())
    return {node.name: node for node in tree.body if isinstance(node, ast.ClassDef)}


def test_the_stubs_say_what_is_there():
    stubs = classes_of("__init__.pyi")
    assert set(varve.__all__) - {"build_info"} <= set(stubs)
    for name in set(varve.__all__) - {"build_info"}:
        kind = getattr(varve, name)
        told = {node.name: node for node in stubs[name].body if isinstance(node, ast.FunctionDef)}
        there = {method for method in vars(kind) if not method.startswith("_")
                 and callable(getattr(kind, method))}
        assert there <= set(told), name
        for method, node in told.items():
            if method in ("__exit__",) or node.decorator_list:
                continue
            assert parameters_of_stub(node) == parameters_of(getattr(kind, method)), (name, method)


def test_the_stubs_of_the_extension_name_all_of_it():
    stubs = classes_of("_core.pyi")
    kinds = {name for name, kind in vars(_core).items() if isinstance(kind, type)}
    assert kinds == set(stubs)
    for name in kinds:
        told = {node.name for node in stubs[name].body if isinstance(node, ast.FunctionDef)}
        there = {method for method in vars(getattr(_core, name)) if not method.startswith("_")}
        assert there == told - {"__new__"}, name


def test_everything_public_is_documented():
    for name in varve.__all__:
        thing = getattr(varve, name)
        assert thing.__doc__, name
        if isinstance(thing, type):
            assert thing.__module__ == "varve"
            for method, function in vars(thing).items():
                if not method.startswith("_") and callable(function) and method != "as_dict":
                    assert function.__doc__, (name, method)


@pytest.mark.slow
def test_it_builds_against_an_installed_varve(tmp_path):
    """Away from the source tree, by what pkg-config says of what `make install` has put there."""
    prefix, source, built = tmp_path / "prefix", tmp_path / "source", tmp_path / "built"
    shutil.copytree(ROOT / "python", source, ignore=shutil.ignore_patterns("build", "*.egg-info"))
    subprocess.run(["meson", "install", "-C", BUILD, "--no-rebuild", "--destdir", prefix],
                   check=True, capture_output=True)
    (description,) = prefix.rglob("varve.pc")
    text = description.read_text()
    (before,) = [line for line in text.splitlines() if line.startswith("prefix=")]
    description.write_text(text.replace(before, f"prefix={prefix}{before[len('prefix='):]}"))
    env = {**os.environ, "PKG_CONFIG_PATH": str(description.parent)}
    env.pop("VARVE_BUILD", None)
    build = [sys.executable, "setup.py", "-q", "build", "--build-lib", str(built)]
    done = subprocess.run(build, cwd=source, env=env, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    use = f"import sys; sys.path.insert(0, {str(built)!r}); import varve; print(varve.__file__)"
    done = subprocess.run([sys.executable, "-I", "-c", use], capture_output=True, text=True,
                          check=False)
    assert done.stdout == f"{built}/varve/__init__.py\n", done.stderr
    env["PKG_CONFIG_PATH"] = str(tmp_path)
    done = subprocess.run(build, cwd=source, env=env, capture_output=True, text=True, check=False)
    assert done.returncode != 0 and "no libvarve to build against" in done.stderr
