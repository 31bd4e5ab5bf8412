"""make install, and the examples as their readers build them: against what was installed."""

import os
import pathlib
import shutil
import subprocess
import sys
import time

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]
BUILD = pathlib.Path(os.environ.get("VARVE_BUILD", ROOT / "build"))


def run(*command, **options):
    done = subprocess.run([str(word) for word in command], capture_output=True, text=True,
                          check=False, **options)
    assert done.returncode == 0, f"{command}\n{done.stdout}\n{done.stderr}"
    return done.stdout


@pytest.fixture(scope="session")
def installed(tmp_path_factory):
    """A folder that everything was installed below, and moved once more: it has to stand that."""
    first = tmp_path_factory.mktemp("install")
    run("meson", "install", "-C", BUILD, "--no-rebuild", "--destdir", first)
    (found,) = [path.parent.parent for path in first.rglob("bin/varve")]
    moved = tmp_path_factory.mktemp("moved") / "prefix"
    shutil.move(found, moved)
    return moved


@pytest.fixture(scope="session")
def flags(installed):
    """What pkg-config says, for the place that the files were moved to."""
    (description,) = installed.rglob("varve.pc")
    env = {**os.environ, "PKG_CONFIG_PATH": str(description.parent)}
    prefix = f"--define-variable=prefix={installed}"
    words = run("pkg-config", prefix, "--cflags", "--libs", "varve", env=env).split()
    assert f"-I{installed}/include" in words
    assert run("pkg-config", "--modversion", "varve", env=env).strip() == "0.1.0"
    return words


def build(installed, flags, tmp_path, source):
    compiler = "c++" if source.suffix == ".cc" else "cc"
    if shutil.which(compiler) is None:
        pytest.skip(f"{compiler} is not installed")
    program = tmp_path / source.stem
    (library,) = installed.rglob("libvarve.so")
    strict = ["-Wall", "-Wextra", "-Wpedantic", "-Werror"]
    run(compiler, *strict, source, *flags, f"-Wl,-rpath,{library.parent}", "-o", program)
    return program


def test_files_land_where_others_look_for_them(installed):
    names = {str(path.relative_to(installed)) for path in installed.rglob("*") if path.is_file()}
    assert {"bin/varve", "include/varve/varve.h", "include/varve/market.h",
            "share/man/man1/varve.1", "share/bash-completion/completions/varve",
            "share/zsh/site-functions/_varve",
            "share/fish/vendor_completions.d/varve.fish",
            "lib/systemd/system/varve-ingest.service", "lib/systemd/system/varve-maintain.service",
            "lib/systemd/system/varve-maintain.timer", "lib/sysusers.d/varve.conf"} <= names
    (real,) = [name for name in names if name.endswith("libvarve.so.0.1.0")]
    dynamic = run("readelf", "-d", installed / real)
    assert "SONAME" in dynamic and "libvarve.so.0" in dynamic
    documents = {str(path.relative_to(ROOT / "docs")) for path in (ROOT / "docs").rglob("*.md")}
    assert "ingest.md" in documents
    assert {f"share/doc/varve/{name}" for name in documents} <= names
    public = {path.name for path in (ROOT / "include/varve").glob("*.h")}
    assert public == {path.name for path in (installed / "include/varve").iterdir()}


def test_the_installed_program_runs(installed, tmp_path):
    env = {"PATH": "/usr/bin:/bin", "HOME": str(tmp_path)}
    assert "varve 0.1.0" in run(installed / "bin/varve", "version", env=env)
    run(installed / "bin/varve", "--lake", tmp_path / "lake", "init", env=env)


def test_systemd_finds_nothing_wrong_with_the_service(installed, tmp_path):
    if shutil.which("systemd-analyze") is None:
        pytest.skip("systemd-analyze is not installed")
    text = (installed / "lib/systemd/system/varve-ingest.service").read_text()
    (line,) = [line for line in text.splitlines() if line.startswith("ExecStart=")]
    assert "@" not in text.replace("@system-service", "")
    unit = tmp_path / "varve-ingest.service"
    unit.write_text(text.replace(line.split("=")[1].split()[0], str(installed / "bin/varve")))
    run("systemd-analyze", "verify", "--man=no", unit)


def test_writer_bot(installed, flags, tmp_path):
    program = build(installed, flags, tmp_path, ROOT / "examples/writer_bot.c")
    lake = tmp_path / "lake"
    lines = run(program, lake).splitlines()
    assert lines[0] == "1000 rows put"
    assert sorted(lines[1:]) == [
        "signals: 1000 rows committed in version 1",
        next(line for line in lines if line.startswith("signals: row 501 is in quarantine: "))]
    again = run(program, lake).splitlines()  # the same rows: nothing changes
    assert "signals: 1000 rows committed in version 2" in again  # its txn
    count = run(installed / "bin/varve", "--lake", lake, "query",
                "SELECT count(*) AS n FROM signals")
    assert count == "n\n999\n"


def test_writer_bot_from_cpp(installed, flags, tmp_path):
    program = build(installed, [*flags, "-pthread"], tmp_path, ROOT / "examples/writer_bot.cc")
    assert run(program, tmp_path / "lake").splitlines() == [
        "1560 rows put, 1560 inserted, 1 commits"]


def test_socket_bot(installed, tmp_path):
    """The service is killed while the bot runs; the bot does not notice but for the pause."""
    varve, lake, sock = installed / "bin/varve", tmp_path / "lake", tmp_path / "bots.sock"
    run(varve, "--lake", lake, "init")
    command = [varve, "--lake", lake, "ingest", "signals", "--socket", sock, "--ack", "--interval",
               "200ms", "--quiet"]
    service = subprocess.Popen(command, stderr=subprocess.DEVNULL)
    bot = subprocess.Popen([sys.executable, ROOT / "examples/socket_bot.py", sock, "50000"],
                           stdout=subprocess.PIPE, text=True)
    while not sock.exists():
        time.sleep(0.01)
    time.sleep(0.3)
    service.kill()
    service.wait()
    assert bot.poll() is None
    service = subprocess.Popen(command, stderr=subprocess.DEVNULL)
    out, _ = bot.communicate(timeout=600)
    service.terminate()
    assert service.wait(timeout=600) == 0 and bot.returncode == 0
    assert out.startswith("50000 rows sent and acknowledged\n")
    count = run(varve, "--lake", lake, "query", "SELECT count(*) AS n FROM signals")
    assert count == "n\n49999\n"
    aside = run(varve, "--lake", lake, "quarantine", "show", "signals", "--format", "ndjson")
    assert "1.5" in aside and len(aside.splitlines()) <= 2


def test_bot(installed, flags, tmp_path):
    program = build(installed, flags, tmp_path, ROOT / "examples/bot.c")
    lake = tmp_path / "lake"
    first = run(program, lake).splitlines()
    assert first == [f"minute {n}: written" for n in range(5)] + ["SPY is bullish_low, VIX 19.0"]
    again = run(program, lake).splitlines()
    assert again == [f"minute {n}: was there" for n in range(5)] + [first[-1]]


def test_correction(installed, flags, tmp_path):
    program = build(installed, flags, tmp_path, ROOT / "examples/correction.c")
    assert run(program, tmp_path / "lake").splitlines() == [
        "version 1 inserted, version 2 updated", "1: iron_condor_1 120.50",
        "now: iron_condor_1 118.25", "corrected by -2.25"]


def test_signals_from_cpp(installed, flags, tmp_path):
    program = build(installed, flags, tmp_path, ROOT / "examples/signals.cc")
    assert run(program, tmp_path / "lake").splitlines() == [
        "3 signals written", "refused with code 3, nothing was written", "iron_condor_1 0.8",
        "iron_condor_1 0.9"]
