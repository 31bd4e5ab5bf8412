"""A fuzzer runs for seconds of a processor, not of the clock."""

import importlib.util
import pathlib
import sys
import time

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]
LOADED = importlib.util.spec_from_file_location("fuzz_run", ROOT / "tests" / "fuzz" / "run.py")
fuzz_run = importlib.util.module_from_spec(LOADED)
LOADED.loader.exec_module(fuzz_run)

# What stands for a fuzzer: asleep for a while, then busy until it is asked to end.
SLEEPER = """#!{python}
import signal, sys, time
def end(*_):
    sys.stderr.write("stat::number_of_executed_units: 77\\n")
    sys.exit(0)
signal.signal(signal.SIGUSR1, end)
time.sleep(1.5)
while {busy}:
    pass
"""


@pytest.fixture
def target(tmp_path):
    def make(busy):
        path = tmp_path / "tests" / "fuzz" / "fuzz_csv"
        path.parent.mkdir(parents=True)
        path.write_text(SLEEPER.format(python=sys.executable, busy=busy))
        path.chmod(0o755)
        return tmp_path
    return make


def test_time_that_it_does_not_run_is_not_counted(target):
    began = time.monotonic()
    name, is_fine, text = fuzz_run.run(target(True), "csv", 1, 0)
    assert (name, is_fine) == ("csv", True), text
    assert text.startswith("77 inputs in ") and text.endswith(" seconds of a processor")
    assert time.monotonic() - began >= 2.4


def test_one_that_ends_by_itself_has_not_run_its_time(target):
    assert not fuzz_run.run(target(False), "csv", 1, 0)[1]
