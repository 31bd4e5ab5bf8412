"""A spool whose file system was rolled back: its next rows must not be taken for committed ones."""

import os

from conftest import expected, signal_rows


def files_of(spool):
    return {path.name: path.read_bytes() for path in spool.iterdir()}


def roll_back(spool, files):
    """As they were, in place: the inodes stay, as with a snapshot of the file system."""
    for path in spool.iterdir():
        if path.name not in files:
            path.unlink()
    for name, content in files.items():
        with open(os.open(spool / name, os.O_RDWR | os.O_CREAT, 0o600), "r+b") as file:
            file.truncate(len(content))
            file.write(content)


def feed(lake, numbers, *arguments, status=0):
    run = lake.ingest("signals", *arguments)
    run.send(signal_rows(numbers))
    return run.end(status)


def test_rolled_back_it_ends_and_loses_nothing(lake):
    spool = lake.path / "_varve" / "spool"
    feed(lake, range(10))
    before = files_of(spool)
    feed(lake, range(10, 20))
    roll_back(spool, before)
    run = feed(lake, range(20, 30), status=4)
    assert run.heard("table signals has segment") and run.heard("--adopt")
    assert not run.heard("may succeed later")
    assert lake.values() == expected(range(20))
    refused = lake.run("ingest", "signals", stdin=signal_rows(range(20, 30)))
    assert refused.returncode == 4 and "--adopt" in refused.stderr
    assert "may succeed later" not in refused.stderr
    assert lake.spool()["refused"] is True
    feed(lake, range(20, 30), "--adopt")
    assert lake.values() == expected(range(30))
    assert lake.spool()["refused"] is False
    feed(lake, range(30, 40))
    assert lake.values() == expected(range(40))
