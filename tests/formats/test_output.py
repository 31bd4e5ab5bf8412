"""-o FILE: whole or not there, and what it does to what is there already."""

import os
import resource
import subprocess

import pytest

ROWS = "SELECT i, 'some text ' || i AS s FROM range(200000) t(i)"
NAMES = ["o.csv", "o.json", "o.ndjson", "o.md", "o.parquet", "o.arrow", "o.arrows"]


@pytest.fixture
def full_disk(tmp_path):
    """A file system with room for next to nothing."""
    folder = tmp_path / "full"
    folder.mkdir()
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", folder],
                             capture_output=True, check=False)
    if mounted.returncode != 0:
        pytest.skip("no file system can be mounted here")
    yield folder
    subprocess.run(["umount", folder], check=True)


@pytest.mark.parametrize("name", NAMES)
def test_a_full_disk_leaves_no_half_file(varve, full_disk, name):
    old = full_disk / name
    old.write_text("old")
    done = varve.run("query", ROWS, "-o", old)
    assert done.returncode == 8, done.stderr
    assert str(old) in done.stderr and "No space left" in done.stderr, done.stderr
    assert len(done.stderr.splitlines()) == 1
    assert old.read_text() == "old"
    assert os.listdir(full_disk) == [name]


@pytest.mark.parametrize("name", NAMES)
def test_a_file_that_may_not_grow_leaves_no_half_file(varve, tmp_path, name):
    """The same without a file system of its own: a limit on the size of files."""
    def limit():
        resource.setrlimit(resource.RLIMIT_FSIZE, (50000, 50000))

    done = subprocess.run([str(varve.program), "query", ROWS, "-o", str(tmp_path / name)],
                          capture_output=True, text=True, preexec_fn=limit, check=False)
    assert done.returncode == 8, done.stderr
    assert name in done.stderr
    assert os.listdir(tmp_path) == []


def test_a_link_stays_one_and_permissions_stay(varve, tmp_path):
    real, link = tmp_path / "real.csv", tmp_path / "link.csv"
    real.write_text("old")
    real.chmod(0o640)
    link.symlink_to(real)
    varve.ok("query", "SELECT 1 AS one", "-o", link)
    assert link.is_symlink()
    assert real.read_text() == "one\n1\n"
    assert real.stat().st_mode & 0o777 == 0o640
    assert sorted(os.listdir(tmp_path)) == ["link.csv", "real.csv"]


def test_devices_and_pipes_are_written_to_not_replaced(varve, tmp_path):
    null = tmp_path / "null"
    try:
        os.mknod(null, 0o666 | 0o020000, os.makedev(1, 3))
        null.open("wb").close()
    except OSError:
        null = None
    if null:
        varve.ok("query", ROWS, "-o", null)
        varve.ok("query", ROWS, "-o", null, "--format", "parquet")
        assert null.is_char_device()
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    with subprocess.Popen([str(varve.program), "query", "SELECT 1 AS one", "-o", str(pipe)]) as run:
        assert pipe.read_text() == "one\n1\n"
        assert run.wait(timeout=60) == 0
    assert pipe.is_fifo()


@pytest.mark.parametrize("form", ["csv", "ndjson", "json", "box", "markdown", "parquet", "arrow"])
def test_a_reader_that_leaves_is_no_failure_in_any_format(varve, form):
    with subprocess.Popen([str(varve.program), "query", ROWS, "--format", form],
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE) as run:
        assert run.stdout.read(1)
        run.stdout.close()
        assert run.wait(timeout=60) == 0
        assert run.stderr.read() == b""


def test_where_nothing_can_be_written(varve, tmp_path):
    for path, words in ((tmp_path, "folder"), (tmp_path / "no" / "o.csv", "No such file")):
        done = varve.run("query", "SELECT 1", "-o", path)
        assert done.returncode == 8
        assert words in done.stderr and str(path) in done.stderr
    assert os.listdir(tmp_path) == []
