"""-o FILE: whole or not there, and what it does to what is there already."""

import os
import resource
import subprocess

import pytest

ROWS = "SELECT i, 'some text ' || i AS s FROM range(200000) t(i)"
FORMATS = ["csv", "ndjson", "json", "markdown", "box", "parquet", "arrow"]
NAMES = ["o.csv", "o.json", "o.ndjson", "o.md", "o.box", "o.parquet", "o.arrow", "o.arrows"]


def form_of(name):
    """No name of a file asks for boxes."""
    return ["--format", "box"] if name.endswith(".box") else []


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
    done = varve.run("query", ROWS, "-o", old, *form_of(name))
    assert done.returncode == 8, done.stderr
    assert str(old) in done.stderr and "No space left" in done.stderr, done.stderr
    assert done.stderr.splitlines()[1:] in ([], ["    Nothing was written; the same command may "
                                                 "succeed later."])
    assert old.read_text() == "old"
    assert os.listdir(full_disk) == [name]


@pytest.mark.parametrize("is_there", [False, True], ids=["new", "old"])
@pytest.mark.parametrize("name", NAMES)
def test_a_file_that_may_not_grow_leaves_no_half_file(varve, tmp_path, name, is_there):
    """The same without a file system of its own: a limit on the size of files."""
    def limit():
        resource.setrlimit(resource.RLIMIT_FSIZE, (50000, 50000))

    if is_there:
        (tmp_path / name).write_text("old")
    done = subprocess.run([str(varve.program), "query", ROWS, "-o", str(tmp_path / name),
                           *form_of(name)],
                          capture_output=True, text=True, preexec_fn=limit, check=False)
    assert done.returncode == 8, done.stderr
    assert name in done.stderr
    assert os.listdir(tmp_path) == ([name] if is_there else [])
    assert not is_there or (tmp_path / name).read_text() == "old"


@pytest.fixture
def full_device(tmp_path):
    """A device that takes nothing, of our own: a mistake must not replace the machine's."""
    path = tmp_path / "full"
    try:
        os.mknod(path, 0o666 | 0o020000, os.makedev(1, 7))
        path.open("wb").close()
    except OSError:
        pytest.skip("no device can be made here")
    return path


@pytest.mark.parametrize("sql", [ROWS, "SELECT 1 AS one"], ids=["many", "few"])
@pytest.mark.parametrize("form", FORMATS)
def test_a_full_device_is_said_and_stays(varve, full_device, form, sql):
    """Few rows are in a buffer up to the end: it is the last write that fails."""
    done = varve.run("query", sql, "-o", full_device, "--format", form)
    assert done.returncode == 8, done.stderr
    assert done.stderr.splitlines()[0] == f"varve: cannot write {full_device}: No space left on device"
    assert full_device.is_char_device()
    assert os.listdir(full_device.parent) == [full_device.name]


@pytest.mark.parametrize("sql", [ROWS, "SELECT 1 AS one"], ids=["many", "few"])
@pytest.mark.parametrize("form", FORMATS)
def test_a_full_disk_behind_stdout_is_said(varve, form, sql):
    with open("/dev/full", "wb") as full:
        done = subprocess.run([str(varve.program), "query", sql, "--format", form], stdout=full,
                              stderr=subprocess.PIPE, text=True, check=False)
    assert done.returncode == 8, done.stderr
    assert done.stderr.splitlines()[0] == "varve: cannot write to stdout: No space left on device"


@pytest.mark.parametrize("form", ["csv", "parquet"])
def test_a_link_stays_one_and_permissions_stay(varve, tmp_path, form):
    real, link = tmp_path / "real", tmp_path / "link"
    real.write_text("old")
    real.chmod(0o640)
    link.symlink_to(real)
    varve.ok("query", "SELECT 1 AS one", "-o", link, "--format", form)
    assert link.is_symlink()
    assert real.read_text() == "one\n1\n" if form == "csv" else real.read_bytes().endswith(b"PAR1")
    assert real.stat().st_mode & 0o777 == 0o640
    assert sorted(os.listdir(tmp_path)) == ["link", "real"]


@pytest.mark.parametrize("name", ["o.csv", "o.parquet"])
def test_its_bytes_are_on_the_disk_before_it_has_its_name(varve, tmp_path, name):
    """And its name is afterwards. What is synced is told by the sync that fails."""
    system = varve.program.resolve().parent / "tests" / "hard" / "libhard_system.so"
    path = tmp_path / "out" / name
    path.parent.mkdir()
    for number, status, words in ((1, 8, f"varve: cannot write {path}: Input/output error"),
                                  (2, 8, f"varve: {path} is written, but a power cut may undo that"),
                                  (3, 0, "")):
        path.write_text("old")
        done = varve.run("query", "SELECT 1 AS one", "-o", path, env={
            "LD_PRELOAD": str(system), "VARVE_HARD_ROOT": f"{tmp_path}/",
            "VARVE_HARD_EIO": f"sync:{number}"})
        assert done.returncode == status and done.stderr.startswith(words), (number, done.stderr)
        assert (path.read_bytes() == b"old") == (number == 1)
        assert os.listdir(path.parent) == [name]


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


@pytest.fixture(scope="module")
def long_table(tmp_path_factory, varve_on):
    """A table whose rows fill a pipe many times over."""
    varve = varve_on(tmp_path_factory.mktemp("long") / "lake")
    varve.ok("create", "long", "--schema", "k int not null, s string", "--key", "k")
    varve.ok("upsert", "long", "-", "--input-format", "csv",
             stdin="k,s\n" + "".join(f"{k},{k * 7919 % 100003} some text\n" for k in range(100000)))
    return varve


@pytest.mark.parametrize("reader", [["head", "-1"], ["head", "-c", "1"], ["true"]], ids=" ".join)
@pytest.mark.parametrize("form", FORMATS)
def test_a_reader_that_leaves_is_no_failure_in_any_format(long_table, form, reader):
    with subprocess.Popen([str(long_table.program), "--lake", str(long_table.lake), "scan", "long",
                           "--format", form],
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE) as scan, \
         subprocess.Popen(reader, stdin=scan.stdout, stdout=subprocess.PIPE) as head:
        scan.stdout.close()  # the reader's alone
        seen = head.communicate(timeout=60)[0]
        assert scan.wait(timeout=60) == 0
        assert scan.stderr.read() == b""
        assert head.returncode == 0
        assert bool(seen) == (reader != ["true"])
        if reader == ["head", "-1"] and form == "csv":
            assert seen == b"k,s\n"


def test_where_nothing_can_be_written(varve, tmp_path):
    for path, words in ((tmp_path, "folder"), (tmp_path / "no" / "o.csv", "No such file")):
        done = varve.run("query", "SELECT 1", "-o", path)
        assert done.returncode == 8
        assert words in done.stderr and str(path) in done.stderr
    assert os.listdir(tmp_path) == []
