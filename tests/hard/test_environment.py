"""Full disks, few descriptors, files that may not grow, no rights: a change is made or is not made.

Each deed is first done to a copy of the lake, where nothing is in its way: what the table has then,
or what it had before, is what it may have after the same deed in a hard place, and nothing else.
"""

import json
import os
import resource
import shutil
import subprocess

import pytest

SCHEMA = "k bigint not null, g string, v bigint, note string"
LINE = '{{"k": {}, "g": "{}", "v": {}, "note": "{}"}}\n'
NOBODY = 65534
IO, FAILURES = 8, range(1, 13)  # exit statuses


def lines(keys, value):
    return "".join(LINE.format(key, "abc"[key % 3], value, f"{key * 7919 % 100003:x}" * 20)
                   for key in keys)


DEEDS = {
    "upsert": (["upsert", "t", "-", "--input-format", "ndjson"], lines(range(500, 4500), 2)),
    "append": (["append", "t", "-", "--allow-duplicates", "--input-format", "ndjson"],
               lines(range(5000, 9000), 3)),
    "delete": (["delete", "t", "--where", "v = 1 AND k % 5 = 0"], ""),
    "update": (["update", "t", "--where", "k < 1000", "--set", "note = concat(note, 'x')"], ""),
    "merge": (["merge", "t", "--source", "-", "--input-format", "ndjson", "--on", "t.k = s.k",
               "--when-matched", "update set v = s.v", "--when-not-matched", "insert *"],
              lines(range(0, 3000, 2), 5)),
    "overwrite": (["overwrite", "t", "-", "--where", "g = 'a'", "--yes", "--input-format", "ndjson"],
                  lines(range(9000, 12000, 3), 6)),
    "optimize": (["optimize", "t", "--zorder", "k"], ""),
    "restore": (["restore", "t", "--yes", "--version", "1"], ""),
    "checkpoint": (["checkpoint", "t"], ""),
    "alter": (["alter", "t", "add-column", "more string"], ""),
}


def make(varve):
    varve.ok("create", "t", "--schema", SCHEMA, "--key", "k", "--partition-by", "g",
             "--property", "delta.enableDeletionVectors=true")
    for first in (0, 1500):
        varve.ok("upsert", "t", "-", "--input-format", "ndjson",
                 stdin=lines(range(first, first + 1500), 1))
    varve.ok("delete", "t", "--where", "k % 50 = 0")


def rows(varve):
    return sorted(varve.ok("scan", "t", "--format", "ndjson").splitlines())


@pytest.fixture(scope="module")
def finished(varve_on, tmp_path_factory):
    """A lake, its rows, and for each deed the rows after it."""
    lake = varve_on(tmp_path_factory.mktemp("finished") / "lake")
    make(lake)
    after = {}
    for name, (arguments, text) in DEEDS.items():
        copy = varve_on(lake.lake.parent / name)
        shutil.copytree(lake.lake, copy.lake)
        copy.ok(*arguments, stdin=text)
        after[name] = rows(copy)
    assert len({tuple(found) for found in after.values()}) >= len(DEEDS) - 2  # they do something
    return lake, rows(lake), after


def held(varve, finished, name, done):
    """The table is as it was, or as it should be; and the exit status says which."""
    _, before, after = finished
    found = rows(varve)
    assert done.returncode == 0 or done.returncode in FAILURES, done
    if done.returncode == 0:
        assert found == after[name]
    else:
        assert found == before, done.stderr
        assert len(done.stderr.splitlines()) <= 2 and done.stderr.startswith("varve: "), done.stderr
    varve.ok("verify", "t", "--deep")
    return done.returncode


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


@pytest.fixture
def copy(varve, finished):
    shutil.copytree(finished[0].lake, varve.lake)
    return varve


@pytest.mark.parametrize("name", DEEDS)
def test_files_that_may_not_grow(copy, finished, name):
    done = limited(copy, name, fsize=3000)
    if held(copy, finished, name, done) != 0:
        assert "File too large" in done.stderr, done.stderr
        assert limited(copy, name).returncode == 0


@pytest.mark.parametrize("count", [4, 8, 12, 16, 24])
@pytest.mark.parametrize("name", ["upsert", "optimize", "merge"])
def test_few_descriptors(copy, finished, name, count):
    done = limited(copy, name, nofile=count)
    if done.returncode == 127:
        return  # not even the loader could open the library
    if held(copy, finished, name, done) != 0:
        assert "Too many open files" in done.stderr, done.stderr


@pytest.fixture
def small_disk(mount_disk):
    return mount_disk(24)


@pytest.mark.parametrize("name", DEEDS)
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
        if done.returncode == 0 and pages > 0:
            break
    assert statuses[-1] == 0
    assert IO in statuses


def test_a_lake_on_a_file_system_that_is_read_only(varve_on, small_disk, finished):
    varve = varve_on(small_disk / "lake")
    shutil.copytree(finished[0].lake, varve.lake)
    subprocess.run(["mount", "-o", "remount,ro", str(small_disk)], check=True)
    for name, (arguments, text) in DEEDS.items():
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
    for name, (arguments, text) in DEEDS.items():
        done = run(*arguments, text=text)
        assert held(copy, finished, name, done) == IO, name
        assert "Permission denied" in done.stderr, done.stderr
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
    (varve.lake / "u").symlink_to(tmp_path / "gone")
    done = varve.run("scan", "u")
    assert done.returncode == 5, done
    assert "u" in done.stderr
    assert len(rows(varve)) > 0
