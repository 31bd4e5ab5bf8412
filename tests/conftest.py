"""What the Python tests share: the program under test, and lakes to use it on."""

import collections
import json
import os
import pathlib
import re
import subprocess

import pytest

ROOT = pathlib.Path(__file__).resolve().parent.parent
BUILD = pathlib.Path(os.environ.get("VARVE_BUILD", ROOT / "build"))


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

    def name_absolute(self, name):
        """Makes a table's log name its files by absolute paths, as a converted table's may."""
        folder = self.table(name)
        for path in (folder / "_delta_log").glob("*.json"):
            lines = [json.loads(line) for line in path.read_text().splitlines()]
            for action in (line[kind] for line in lines for kind in ("add", "remove")
                           if kind in line):
                action["path"] = f"file://{folder}/{action['path']}"
            path.write_text("".join(json.dumps(line) + "\n" for line in lines))


@pytest.fixture(scope="session")
def program():
    path = BUILD / "varve"
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


@pytest.fixture
def mount_disk(tmp_path):
    """Mounts a file system of so many megabytes; the test is skipped where none can be mounted."""
    folder = tmp_path / "disk"

    def mount(megabytes):
        folder.mkdir()
        done = subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={megabytes}m", "tmpfs",
                               str(folder)], capture_output=True, check=False)
        if done.returncode != 0:
            pytest.skip(f"no file system can be mounted: {done.stderr.decode().strip()}")
        return folder

    yield mount
    if folder.is_mount():
        subprocess.run(["umount", "-l", str(folder)], check=False)


# ---- Every table that a test leaves: one state by its checkpoints and by its commits ----------

CHECKED_AT_ONCE = 50  # a process for each table would take longer than what it does
CHECKED = []  # folders
WAITING = []  # folders whose turn comes; a test's folder stays until the run ends
COUNTS = collections.Counter()


def tables_below(folder, but=()):
    for path, folders, _ in os.walk(folder):
        if "_delta_log" in folders:
            yield path
            folders.clear()
        folders[:] = [name for name in folders if pathlib.Path(path, name) not in but]


def check_states(tables):
    """Each table's latest version: as it lies there, by its commits alone, by a new checkpoint."""
    if tables:
        done = subprocess.run([BUILD / "tests" / "golden" / "state_check", *tables],
                              capture_output=True, text=True, timeout=300, check=False)
        assert done.returncode == 0, done.stdout + done.stderr
        COUNTS.update({what: int(number) for number, what in
                       re.findall(r"(\d+) ([a-z ]+)", done.stdout.splitlines()[-1])})


def check_waiting():
    """What is different is told by the table, whose path has the name of the test that left it."""
    tables = [table for folder in WAITING for table in tables_below(folder)]
    WAITING.clear()
    check_states(tables)


@pytest.fixture(autouse=True)
def one_state_by_every_way(request):
    folder = request.getfixturevalue("tmp_path") if "tmp_path" in request.fixturenames else None
    yield
    CHECKED.append(folder)
    if folder is not None and "contradicts_itself" not in request.keywords:
        WAITING.append(folder)
    if len(WAITING) >= CHECKED_AT_ONCE:
        check_waiting()


@pytest.fixture(autouse=True, scope="session")
def one_state_by_every_way_of_what_is_left(tmp_path_factory):
    yield
    check_waiting()
    check_states(list(tables_below(tmp_path_factory.getbasetemp(), but=CHECKED)))


# ---- A build with sanitizers: a report fails the test, whatever that expects (asan_commands.py) ----

REPORTS = os.environ.get("VARVE_TEST_REPORTS")  # folder of theirs, a file each
REPORTED = set()


@pytest.fixture(autouse=True)
def no_report_of_a_sanitizer():
    yield
    new = set(pathlib.Path(REPORTS).iterdir()) - REPORTED if REPORTS else set()
    REPORTED.update(new)
    assert not new, "\n".join(path.read_text(errors="replace")[:3000] for path in sorted(new))


def pytest_terminal_summary(terminalreporter):
    if COUNTS:
        text = ", ".join(f"{number} {what}" for what, number in COUNTS.items())
        terminalreporter.write_line(f"states compared: {text}")


def pytest_configure(config):
    config.addinivalue_line("markers", "contradicts_itself: leaves a table whose checkpoint and "
                                       "commits differ, on purpose")
    config.addinivalue_line("markers", "slow: takes seconds; passed over by `make check`")
