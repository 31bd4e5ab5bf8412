"""A report of a sanitizer fails the test in which it came, and the run, whatever the test looks at."""

import os
import pathlib
import re
import shutil
import subprocess

import asan_commands
import pytest

TESTS = pathlib.Path(asan_commands.__file__).parent
QUIET = """
import os, pathlib

def test_quiet():
    pass

def test_reported():
    pathlib.Path(os.environ["VARVE_TEST_REPORTS"], "report.varve.1").write_text("a leak of 3 bytes")

def test_quiet_again():
    pass
"""


@pytest.fixture
def project(tmp_path, monkeypatch):
    """Two folders of tests that pass, beside the conftest of all."""
    folder = tmp_path / "tests"
    for name in ("a", "b"):
        (folder / name).mkdir(parents=True)
        (folder / name / "test_it.py").write_text("def test_quiet():\n    pass\n")
    shutil.copy(TESTS / "conftest.py", folder)
    monkeypatch.setattr(asan_commands, "ROOT", tmp_path)
    monkeypatch.setattr(asan_commands, "FOLDERS", ["a", "b"])
    monkeypatch.setattr(asan_commands, "PASSED_OVER", {})
    return tmp_path


def last_line(capfd):
    return capfd.readouterr().out.splitlines()[-1]


def test_the_test_in_which_a_report_came_fails(project, capfd):
    assert asan_commands.main([str(project)]) == 0
    assert last_line(capfd) == "2 passed, 0 failed"
    (project / "tests/b/test_it.py").write_text(QUIET)
    assert asan_commands.main([str(project)]) == 1
    told = capfd.readouterr().out
    assert re.search(r"^ERROR tests/b/test_it.py::test_reported - .*a leak of 3 bytes$", told, re.M)
    assert "3 passed, 1 error" in told
    assert told.endswith("1 passed, 2 failed\n")


def test_a_report_that_no_test_saw_fails_the_run(project, capfd):
    (project / "tests/a/test_it.py").write_text(QUIET)
    (project / "tests/conftest.py").unlink()
    assert asan_commands.main([str(project), "a"]) == 1
    told = capfd.readouterr().out
    assert "a leak of 3 bytes" in told and told.endswith("1 passed, 1 failed\n")
    assert asan_commands.main([str(project), "b"]) == 0  # a run forgets those of the one before


def test_what_is_passed_over_is_a_test(project, capfd, monkeypatch):
    assert asan_commands.main([str(project), "--part", "2/2"]) == 0
    (project / "tests/b/test_it.py").write_text("def test_wrong():\n    assert False\n")
    assert asan_commands.main([str(project), "--part", "1/2"]) == 0
    assert asan_commands.main([str(project), "--part", "2/2"]) == 1
    monkeypatch.setattr(asan_commands, "PASSED_OVER", {"b/test_it.py::test_wrong": "of no use here"})
    (project / "tests/b/test_it.py").write_text(
        "def test_wrong():\n    assert False\n\ndef test_quiet():\n    pass\n")
    assert asan_commands.main([str(project), "--part", "2/2"]) == 0
    capfd.readouterr()
    monkeypatch.setattr(asan_commands, "PASSED_OVER", {"b/test_it.py::test_no": "of no use here"})
    assert asan_commands.main([str(project)]) == 2
    assert "no such test: b/test_it.py::test_no" in capfd.readouterr().err


def test_the_real_folders_hold_tests():
    assert asan_commands.misnamed() == []
    for name in asan_commands.FOLDERS:
        assert list((TESTS / name).glob("test_*.py")), name


PROGRAM = """
#include <stdlib.h>
int main(int argc, char **argv)
{
    int *volatile numbers = malloc(12);
    volatile int most = 2147483647;
    if (*argv[1] == 'w')
        numbers[argc + 1] = 1;
    else if (*argv[1] == 'n')
        most = most + argc;
    else if (*argv[1] == 'a')
        abort();
    if (*argv[1] != 'l')
        free(numbers);
    numbers = NULL;
    return 0;
}
"""


@pytest.fixture(scope="session", name="wrong")
def fixture_wrong(tmp_path_factory):
    folder = tmp_path_factory.mktemp("wrong")
    (folder / "wrong.c").write_text(PROGRAM)
    subprocess.run(["gcc", "-g", "-fsanitize=address,undefined", "-fno-sanitize-recover=all", "-o",
                    folder / "wrong", folder / "wrong.c"], check=True)
    return folder / "wrong"


@pytest.mark.parametrize(("what", "told"), [
    ("write", "heap-buffer-overflow"), ("number", "__ubsan_handle_add_overflow_abort"),
    ("leak", "detected memory leaks"), ("abort", "ABRT"), ("fine", None)])
def test_the_settings_make_a_file_of_every_report(wrong, tmp_path, what, told):
    done = subprocess.run([wrong, what], env={**os.environ, **asan_commands.settings(tmp_path)},
                          stderr=subprocess.DEVNULL, check=False)
    found = [path.read_text() for path in tmp_path.iterdir()]
    assert done.returncode == (99 if told else 0)
    assert len(found) == (1 if told else 0) and all(told in text for text in found)
