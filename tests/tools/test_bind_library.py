"""A library that was bound does what it did, by its own functions, and without looking them up."""

import os
import pathlib
import re
import subprocess

import bind_library
import pytest

LIBRARY = """
#include <stdlib.h>
#include <string.h>
int number = 7;
int *pointer = &number;
int give(void) { return 1; }
int (*const table[])(void) = {give, give};
int call(void) { return give() + number; }
int call_table(void) { return table[1]() + *pointer; }
char *copy(const char *text) { char *made = malloc(100); return strcpy(made, text); }
int size(const char *text) { return (int)strlen(text); }
"""
PROGRAM = """
#include <stdio.h>
#include <stdlib.h>
int call(void), call_table(void), size(const char *text);
char *copy(const char *text);
#ifdef RIVAL
int give(void) { return 100; }
#endif
int main(void)
{
    char *made = copy("text");
    printf("%d %d %s %d\\n", call(), call_table(), made, size(made));
    free(made);
}
"""


def compile_c(folder, name, text, *arguments):
    (folder / f"{name}.c").write_text(text)
    subprocess.run(["gcc", f"{name}.c", "-o", *arguments], cwd=folder, check=True)


def bind(source, output):
    return subprocess.run(["python3", bind_library.__file__, str(source), str(output)],
                          capture_output=True, text=True)


@pytest.fixture
def folder(tmp_path):
    """A library, bound and not, and two programs, one with a function of the same name."""
    for name in ("plain", "bound"):
        (tmp_path / name).mkdir()
    compile_c(tmp_path, "some", LIBRARY, "plain/libsome.so", "-shared", "-fPIC", "-O1",
              "-fno-builtin", "-fno-inline", "-fno-ipa-cp", "-fcf-protection=none", "-Wl,-z,lazy")
    for name, option in (("program", "-DHONEST"), ("rival", "-DRIVAL")):
        compile_c(tmp_path, name, PROGRAM, name, option, "-Lplain", "-lsome", "-rdynamic")
    done = bind(tmp_path / "plain/libsome.so", tmp_path / "bound/libsome.so")
    assert done.returncode == 0, done.stderr
    return tmp_path


def run(folder, program, libraries, **environment):
    return subprocess.run([str(folder / program)], capture_output=True, text=True, check=True,
                          env={**os.environ, "LD_LIBRARY_PATH": str(folder / libraries), **environment})


@pytest.mark.parametrize("when", [{}, {"LD_BIND_NOW": "1"}])
def test_functions_of_itself_and_of_others_are_called_as_before(folder, when):
    for libraries in ("plain", "bound"):
        assert run(folder, "program", libraries, **when).stdout == "8 8 text 4\n"


@pytest.mark.parametrize("when", [{}, {"LD_BIND_NOW": "1"}])
def test_a_function_of_the_program_does_not_get_in_between(folder, when):
    assert run(folder, "rival", "plain", **when).stdout == "107 107 text 4\n"
    assert run(folder, "rival", "bound", **when).stdout == "8 8 text 4\n"


def test_what_it_defines_is_not_looked_up(folder):
    def looked_up(libraries):
        text = run(folder, "program", libraries, LD_DEBUG="bindings", LD_BIND_NOW="1").stderr
        return set(re.findall(r"binding file \S*libsome.so \[0\] to .*: normal symbol `(\w+)'", text))

    assert {"give", "number", "malloc", "strlen"} <= looked_up("plain")
    assert {"malloc", "strlen"} <= looked_up("bound")
    assert not {"give", "number", "table", "pointer"} & looked_up("bound")


def test_what_is_no_such_library_is_refused_and_nothing_written(folder):
    library = (folder / "plain/libsome.so").read_bytes()
    for name, data, words in (("text", b"no library", "not a shared library"),
                              ("cut", library[:1000], "it ends within"),
                              ("arm", library[:18] + b"\xb7" + library[19:], "of x86-64")):
        (folder / name).write_bytes(data)
        done = bind(folder / name, folder / "out")
        assert done.returncode == 1 and words in done.stderr, (name, done.stderr)
        assert not (folder / "out").exists()


def test_the_engine_of_this_checkout_is_bound():
    third_party = pathlib.Path(__file__).resolve().parents[2] / "third_party"
    if len((third_party / "stamp").read_text().split()) > 2:
        pytest.skip("the libduckdb that DUCKDB_HOME named is taken as it is")
    text = subprocess.run(["readelf", "-d", str(third_party / "duckdb/lib/libduckdb.so")],
                          capture_output=True, text=True, check=True).stdout
    slots = int(re.search(r"\(PLTRELSZ\)\s+(\d+)", text).group(1)) // 24
    assert slots < 1000, "setup.sh has left it as it was fetched"
