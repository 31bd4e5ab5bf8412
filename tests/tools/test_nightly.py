"""The runner of the long suites: it tells what fails, goes on where it was cut off, and takes no result of
another source."""

import os
import pathlib
import signal
import subprocess
import sys
import time

import nightly
import nightly_steps
import pytest
from nightly_steps import Step

TESTS = pathlib.Path(nightly.__file__).parent
SECONDS = 60  # until what is waited for must have come


@pytest.fixture
def project(tmp_path):
    """A source in git; beside it `ran`, where steps note that they ran."""
    root = tmp_path / "project"
    root.mkdir()
    (root / "source").write_text("one\n")
    git(root, "init", "-q")
    commit(root, "one")
    return root


def git(root, *arguments):
    names = ["-c", "user.name=t", "-c", "user.email=t@t"]
    subprocess.run(["git", *names, *arguments], cwd=root, check=True, capture_output=True)


def commit(root, text):
    (root / "source").write_text(text)
    git(root, "add", "source")
    git(root, "commit", "-q", "--allow-empty", "-m", text)


def noting(name, command="true", cores=1, **more):
    return Step(name, cores, 1, f"echo {name} >>../ran; {command}", **more)


def ran(root):
    """The steps that ran since this was asked last."""
    path = root.parent / "ran"
    names = path.read_text().split() if path.exists() else []
    path.unlink(missing_ok=True)
    return names


def night(root, steps, **options):
    return nightly.Night(root, root.parent / "build", steps, **options)


def wait_for(is_so):
    end = time.monotonic() + SECONDS
    while not is_so():
        assert time.monotonic() < end
        time.sleep(0.02)


def test_a_step_that_fails_is_told_and_the_others_go_on(project, capsys):
    steps = [noting("a", "echo '3 passed, 0 failed'; echo more"),
             noting("b", "echo '1 passed, 2 failed'; exit 3"), noting("c")]
    one = night(project, steps)
    assert not one.run()
    assert sorted(ran(project)) == ["a", "b", "c"]
    assert one.sum() == "2 passed, 1 failed"
    assert "b: FAILED" in capsys.readouterr().out
    report = (one.folder / "report.md").read_text()
    assert "| a | 3 passed, 0 failed |" in report
    assert "| b | **FAILED**: exit status 3; 1 passed, 2 failed |" in report
    assert (one.folder / "b.log").read_text() == "1 passed, 2 failed\n"
    # What failed is run again, and nothing else.
    assert not night(project, steps).run()
    assert ran(project) == ["b"]


def test_what_passed_is_taken_for_the_same_source_alone(project):
    steps = [noting("a"), noting("b")]

    def both(**options):
        assert night(project, steps, **options).run()
        return sorted(ran(project)) == ["a", "b"]

    assert both()
    assert not both()
    assert both(fresh=True)
    commit(project, "two\n")
    assert both()
    (project / "source").write_text("three\n")
    assert both() and both()  # of no commit
    git(project, "checkout", "-q", "source")
    assert both()
    (project / "new").write_text("a file that git does not know\n")
    assert both() and both()
    (project / "new").unlink()
    assert both()
    git(project, "commit", "-q", "--allow-empty", "-m", "the same files")
    assert not both()
    assert "two" not in (project.parent / "build/nightly/report.md").read_text()


def test_a_source_that_is_changed_meanwhile_leaves_no_result(project):
    steps = [noting("a", "echo two >source"), noting("b", cores=2)]
    assert night(project, steps).run()
    assert ran(project) == ["a", "b"]
    git(project, "checkout", "-q", "source")
    assert night(project, steps).run()
    assert ran(project) == ["a", "b"]


def test_steps_of_one_core_run_side_by_side_and_others_alone(project):
    meets = "touch ../is-{0}; until [ -e ../is-{1} ]; do sleep 0.02; done; rm ../is-{1}"
    alone = "[ ! -e ../is-at-work ] && touch ../is-at-work && sleep 0.3 && rm ../is-at-work"
    steps = [noting("a", meets.format("a", "b")), noting("b", meets.format("b", "a")),
             noting("c", alone, cores=2), noting("d", alone, cores=2)]
    assert night(project, steps).run()
    assert ran(project)[2:] == ["c", "d"]


def test_builds_are_made_for_those_that_are_to_run(project):
    steps = [noting("build", again=True), noting("other", "false", again=True),
             noting("a", needs=("build",)), noting("b", needs=("build", "other"))]
    one = night(project, steps)
    assert not one.run()
    assert sorted(ran(project)) == ["a", "build", "other"]
    assert one.done["b"]["told"] == "not run, since other failed"
    assert one.sum() == "2 passed, 2 failed"
    steps[1] = noting("other", again=True)
    assert night(project, steps).run()
    *builds, last = ran(project)
    assert sorted(builds) == ["build", "other"] and last == "b"  # those two side by side
    assert night(project, steps).run()
    assert ran(project) == []
    assert night(project, steps).run(["a"])  # it is named
    assert ran(project) == ["build", "a"]


def test_a_step_that_hangs_is_ended(project, monkeypatch):
    monkeypatch.setattr(nightly_steps, "MINUTES_MAX", 0)
    steps = [Step("a", 1, 0.004, "echo so far; sleep 600 & wait"), noting("b")]
    one = night(project, steps)
    began = time.monotonic()
    assert not one.run()
    assert time.monotonic() - began < SECONDS
    assert one.done["a"]["told"] == "did not end within 1 s; so far"
    assert one.done["b"]["passed"]


RUN = """
import pathlib, sys
sys.path.insert(0, {tests!r})
import nightly
from nightly_steps import Step
nightly.ROOT = pathlib.Path({root!r})
nightly.nightly_steps.steps = lambda root, build: [
    Step("a", 2, 1, "echo a >>../ran"),
    Step("b", 2, 1, "echo b >>../ran; [ -e ../go ] || exec sleep 600")]
sys.exit(nightly.main(sys.argv[1:]))
"""


def start(project):
    text = RUN.format(tests=str(TESTS), root=str(project))
    return subprocess.Popen([sys.executable, "-c", text, str(project.parent / "build")],
                            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL])
def test_what_was_cut_off_goes_on(project, number):
    """One that is killed can't end its step: until that has ended, no other run begins."""
    path = project.parent / "ran"
    process = start(project)
    wait_for(lambda: path.exists() and path.read_text() == "a\nb\n")
    second = start(project)
    assert "is at work there" in second.communicate(timeout=SECONDS)[0]
    assert second.returncode == 1
    process.send_signal(number)
    told = process.communicate(timeout=SECONDS)[0] if number == signal.SIGTERM else ""
    process.wait()
    assert ran(project) == ["a", "b"]
    (project.parent / "go").touch()
    if number == signal.SIGTERM:
        assert process.returncode == 130 and "1 passed, 0 failed, 1 not run" in told
    else:
        left = night(project, [])
        assert not left.is_alone()
        os.kill(child_of_group(project), signal.SIGKILL)
        wait_for(left.is_alone)
        left.lock.close()
    last = start(project)
    told = last.communicate(timeout=SECONDS)[0]
    assert last.returncode == 0, told
    assert ran(project) == ["b"]
    assert "2 passed, 0 failed" in told


def child_of_group(project):
    """The sleep that was left behind: it stands in the project's folder."""
    for folder in pathlib.Path("/proc").glob("[0-9]*"):
        try:
            if (folder / "cmdline").read_bytes() == b"sleep\x00600\x00" and \
                    (folder / "cwd").resolve() == project:
                return int(folder.name)
        except OSError:
            continue
    raise AssertionError("no sleep is left")


@pytest.mark.parametrize("text, line", [
    ("", ""), ("all well\n\n", "all well"), ("4 passed, 0 failed\nbye\n", "4 passed, 0 failed"),
    ("== 3 passed in 2 s ==\nstates compared: 3\n", "== 3 passed in 2 s =="),
    ("1 passed, 0 failed\n2 passed, 1 failed, 3 skipped\n", "2 passed, 1 failed, 3 skipped")])
def test_the_closing_line_is_found(text, line):
    assert nightly.closing_line(text) == line


# ---- The real ones ------------------------------------------------------------------------------


def test_the_steps_are_sound_and_a_night_is_enough():
    root = TESTS.parent
    steps = nightly_steps.steps(root, root / "build")
    names = [step.name for step in steps]
    assert len(set(names)) == len(names)
    for number, step in enumerate(steps):
        assert set(step.needs) <= set(names[:number]), step.name
        for word in step.command.replace("::", " ").split():
            if word.endswith((".py", ".sh")):
                assert (root / word).exists(), word
    targets = {path.name for path in (TESTS / "fuzz" / "corpus").iterdir()}
    assert {name[5:] for name in names if name.startswith("fuzz-")} == targets
    assert nightly_steps.minutes(steps, nightly.CORES) <= 300
