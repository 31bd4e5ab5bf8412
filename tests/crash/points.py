"""The crash points that commands pass, and those that processes died at in this run of pytest."""

import collections
import pathlib
import re
import signal

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
KILLED = set()  # names


def passed(listing):
    """How often each was passed, of a command that ran with points=LISTING."""
    return collections.Counter(listing.read_text().split())


def passage(passed, index):
    """(name, n-th passage) of one in a list of all seams that were passed, in their order."""
    return passed[index], passed[:index + 1].count(passed[index])


def has_died(status, name, must=True):
    """Whether a process was killed there; it was where it must, and ended well otherwise."""
    if status == -signal.SIGKILL:
        KILLED.add(name)
        return True
    assert not must, f"{name} was not passed: status {status}"
    assert status == 0, f"{name}: status {status}"
    return False


def in_source():
    """All that there are: the names that calls have, and that structures with such a member have."""
    names = set()
    for path in (ROOT / "src").rglob("*.c"):
        names.update(re.findall(r'crash_point(?:\(| = )"([^"]+)"', path.read_text()))
    return names
