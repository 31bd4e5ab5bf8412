"""Full disks, few descriptors, files that may not grow, no rights: a change is made or is not made."""

import json
import os
import resource
import shutil
import subprocess

import pytest
from deeds import DEEDS, IO, SOME, held, lines, make, rows

NOBODY = 65534
SMALL = {"restore", "alter", "vacuum", "tag", "hold", "create"}  # write no long file


def limited(varve, name, **limits):
    """The deed, by a process with limits of the system."""
    def limit():
        for what, value in limits.items():
            number = getattr(resource, f"RLIMIT_{what.upper()}")
            resource.setrlimit(number, (value, value))

    arguments, text = DEEDS[name]
    return subprocess.run([str(varve.program), "--lake", str(varve.lake), *arguments], input=text,
                          capture_output=True, text=True, preexec_fn=limit, timeout=120,
                          check=False)


@pytest.mark.parametrize("name", SOME)
def test_files_that_may_not_grow(copy, finished, name):
    done = limited(copy, name, fsize=3000)
    status = held(copy, finished, name, done)
    assert status == IO or name in SMALL, status
    if status != 0:
        assert "File too large" in done.stderr, done.stderr
        assert limited(copy, name).returncode == 0


@pytest.mark.parametrize("name", ["upsert", "optimize", "merge"])
def test_few_descriptors(varve, finished, name):
    statuses = []
    for count in (4, 8, 12, 16, 24):
        shutil.rmtree(varve.lake, ignore_errors=True)
        shutil.copytree(finished[0].lake, varve.lake)
        done = limited(varve, name, nofile=count)
        if done.returncode == 127:
            continue  # not even the loader could open the library
        statuses.append(held(varve, finished, name, done))
        if done.returncode != 0:
            assert "Too many open files" in done.stderr, done.stderr
    assert IO in statuses, statuses


@pytest.fixture
def small_disk(mount_disk):
    return mount_disk(24)


@pytest.mark.slow
@pytest.mark.parametrize("name", [name for name in SOME if name != "ingest"])  # tests/ingest
def test_a_disk_that_fills_up(varve_on, small_disk, finished, name):
    """With more and more room, until it is enough."""
    arguments, text = DEEDS[name]
    statuses = []
    for pages in (0, 1, 2, 4, 8, 16, 32, 64, 4000):
        varve = varve_on(small_disk / "lake")
        shutil.rmtree(varve.lake, ignore_errors=True)
        shutil.copytree(finished[0].lake, varve.lake)
        status = os.statvfs(small_disk)
        room = status.f_bavail * status.f_bsize - pages * 4096
        with open(small_disk / "ballast", "wb") as file:
            os.posix_fallocate(file.fileno(), 0, max(room, 1))
        done = varve.run(*arguments, stdin=text, env={"TMPDIR": str(small_disk.parent)})
        (small_disk / "ballast").unlink()
        statuses.append(held(varve, finished, name, done))
        if done.returncode != 0:
            assert "No space left" in done.stderr, done.stderr
            assert "free some space there" in done.stderr, done.stderr
            assert "IO Error" not in done.stderr, done.stderr
        if done.returncode == 0 and pages > 0:
            break
    assert statuses[-1] == 0
    assert IO in statuses


def test_a_lake_on_a_file_system_that_is_read_only(varve_on, small_disk, finished):
    varve = varve_on(small_disk / "lake")
    shutil.copytree(finished[0].lake, varve.lake)
    subprocess.run(["mount", "-o", "remount,ro", str(small_disk)], check=True)
    for name in SOME:
        arguments, text = DEEDS[name]
        done = varve.run(*arguments, stdin=text)
        assert held(varve, finished, name, done) == IO, name
        assert "Read-only file system" in done.stderr, done.stderr


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become somebody else")
def test_a_lake_that_one_may_only_read(copy, finished):
    for path in [copy.lake.parent, *copy.lake.parent.parents]:
        if os.stat(path).st_mode & 0o005 != 0o005 and path != path.parent:
            os.chmod(path, os.stat(path).st_mode | 0o005)

    def run(*arguments, text=""):
        return subprocess.run([str(copy.program), "--lake", str(copy.lake), *arguments],
                              input=text, capture_output=True, text=True, user=NOBODY,
                              group=NOBODY, extra_groups=[], timeout=120, check=False)

    if run("--version").returncode != 0:
        pytest.skip("the program lies where others may not go")
    assert run("scan", "t", "--limit", "1", "--format", "ndjson").returncode == 0
    for name in SOME:
        arguments, text = DEEDS[name]
        done = run(*arguments, text=text)
        assert held(copy, finished, name, done) == IO, name
        assert "Permission denied" in done.stderr, done.stderr
        assert "give the user that runs Varve the right" in done.stderr, done.stderr
        assert done.stderr.count(".parquet") <= 1, done.stderr
    for path in sorted((copy.lake / "t" / "_delta_log").iterdir()):
        path.chmod(0)
    done = run("scan", "t")
    assert done.returncode == IO and "Permission denied" in done.stderr, done.stderr


ODD = ["blank here", "hash#tag", "per%20cent", "quote'quote", 'double"quote', "ümlaut-日本", "a=b",
       "semi;colon", "star*[x]?", "-dash", "{brace}", "$HOME", "new\nline", "trail."]


@pytest.mark.parametrize("name", ODD)
def test_a_folder_of_any_name(varve_on, tmp_path, name):
    """Of the lake, and as a value of a partition column."""
    varve = varve_on(tmp_path / name)
    varve.ok("create", "t", "--schema", "k bigint not null, g string", "--key", "k",
             "--partition-by", "g")
    for _ in range(2):
        varve.ok("upsert", "t", "-", "--input-format", "ndjson",
                 stdin=json.dumps({"k": 1, "g": name}) + "\n")
    assert [row["g"] for row in varve.rows("scan", "t")] == [name]
    varve.ok("optimize", "t")
    varve.ok("checkpoint", "t")
    varve.ok("vacuum", "t", "--yes")
    assert [row["g"] for row in varve.rows("scan", "t")] == [name]
    varve.ok("verify", "t", "--deep", "--strict")


def test_a_lake_and_a_table_behind_links(varve_on, tmp_path):
    real = varve_on(tmp_path / "real")
    make(real)
    before = rows(real)
    shutil.move(real.lake / "t", tmp_path / "elsewhere")
    (real.lake / "t").symlink_to(tmp_path / "elsewhere")
    (tmp_path / "link").symlink_to(real.lake)
    varve = varve_on(tmp_path / "link")
    assert rows(varve) == before
    varve.ok("upsert", "t", "-", "--input-format", "ndjson", stdin=lines([1], 9))
    varve.ok("optimize", "t")
    varve.ok("vacuum", "t", "--yes")
    assert (real.lake / "t").is_symlink()
    assert len(rows(real)) == len(before)
    real.ok("verify", "t", "--deep")


def test_a_link_that_leads_nowhere_is_named(varve_on, tmp_path):
    varve = varve_on(tmp_path / "lake")
    make(varve)
    (varve.lake / "w").symlink_to(tmp_path / "gone")
    done = varve.run("scan", "w")
    assert done.returncode == 5, done
    assert "w" in done.stderr
    assert len(rows(varve)) > 0
