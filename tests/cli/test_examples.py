"""Every example that a help text or the README shows is run, in a folder like that of a reader."""

import hashlib
import json
import os
import re
import shutil
import signal
import subprocess
import time

import pytest
from conftest import BUILD, ROOT, Varve
from waiting import until_it_minds

DAY_MS = 86400 * 1000

# What the examples name and a lake does not have by itself.
FILES = {
    "today.csv": "timestamp,strategy_id,signal_type,signal_value,acted_upon\n"
                 "2025-01-30T10:00:00Z,iron_condor_1,ml_entry,0.9,false\n",
    "ticks.csv": "ts,price\n2025-01-30T10:00:00Z,1.5\n",
    "report.sql": "SELECT regime, count(*) AS n FROM market_regimes GROUP BY 1 ORDER BY 1\n",
}
SERVICE = re.compile(r"varve ingest .*--(socket|follow) ")
TABLES = {"market_regimes": 4, "performance_metrics": 2, "signals": 3}  # and how many batches


def age(table, days):
    """Makes the commits of a table older than they are; their chain of hashes stays whole."""
    before = None
    for path in sorted((table / "_delta_log").glob("*.json")):
        head, rest = path.read_text().split("\n", 1)
        info = json.loads(head)
        info["commitInfo"]["timestamp"] -= days * DAY_MS
        if before is not None:
            info["commitInfo"]["varve"]["prevHash"] = hashlib.sha256(before).hexdigest()
        before = (json.dumps(info, separators=(",", ":")) + "\n" + rest).encode()
        path.write_bytes(before)


@pytest.fixture(scope="session")
def template(tmp_path_factory):
    """A lake with rows of today, tables that are ten days old, and the files of the examples."""
    varve = Varve(tmp_path_factory.mktemp("examples"))
    varve.ok("init")
    for table, batches in TABLES.items():
        for batch in range(batches):
            feed = varve.ok("simulate", "--days", "1", "--seed", str(batch), "--table", table)
            varve.ok("upsert", table, "-", stdin=feed)
        age(varve.folder / "data" / "lake" / table, days=10)
    bad = json.loads(feed.splitlines()[0]) | {"signal_type": "gut_feeling"}
    varve.ok("upsert", "signals", "-", "--quarantine", stdin=json.dumps(bad) + "\n")
    varve.ok("create", "ticks", "--schema", "ts timestamp, price double")
    shutil.copytree(varve.folder / "data" / "lake", varve.folder / "data" / "demo")
    for name, text in FILES.items():
        (varve.folder / name).write_text(text)
    (varve.folder / "build").symlink_to(BUILD)
    return varve.folder


def run_service(folder, line, env):
    """A command that ends when it is told to: it has to start, and to end well."""
    with subprocess.Popen(["bash", "-c", f"exec {line}"], cwd=folder, env=env, text=True,
                          stdin=subprocess.DEVNULL, stderr=subprocess.PIPE) as process:
        spool = folder / "data/lake/_varve/spool"
        end = time.monotonic() + 60
        while not spool.is_dir() and process.poll() is None and time.monotonic() < end:
            time.sleep(0.02)
        if process.poll() is None:
            until_it_minds(process, signal.SIGTERM)
        time.sleep(0.3)
        assert process.poll() is None, f"$ {line}\n{process.stderr.read()}"
        process.send_signal(signal.SIGTERM)
        assert process.wait(timeout=60) == 0, f"$ {line}\n{process.stderr.read()}"


def run(folder, line):
    env = {name: value for name, value in os.environ.items() if not name.startswith("VARVE_")}
    env["PATH"] = f"{BUILD}:{env['PATH']}"
    if SERVICE.match(line):
        run_service(folder, line, env)
        return
    done = subprocess.run(["bash", "-o", "pipefail", "-c", line], cwd=folder, env=env, check=False,
                          stdin=subprocess.DEVNULL, capture_output=True, text=True,
                          errors="replace", timeout=120)
    assert done.returncode == 0, f"$ {line}\n{done.stdout[-500:]}{done.stderr}"


def commands():
    """Those of the program under test; a new one is in it without anybody's doing."""
    overview = subprocess.run([BUILD / "varve", "--help"], capture_output=True, text=True,
                              check=True).stdout
    listed = overview.split("Commands:\n")[1].split("\n\n")[0]
    return [line.split()[0] for line in listed.splitlines() if line[2] != " "]


def examples(command):
    """The lines to type, those that go on behind a backslash or in a quote put together."""
    text = subprocess.run([BUILD / "varve", command, "--help"], capture_output=True, text=True,
                          check=True).stdout
    assert text.startswith("Example:\n  "), f"{command} has no example"
    lines = []
    for line in text.split("\n\n")[0].splitlines()[1:]:
        goes_on = lines and (lines[-1].endswith("\\") or lines[-1].count("'") % 2 == 1)
        if goes_on:
            lines[-1] += "\n" + line
        else:
            lines.append(line.strip())
    return lines


@pytest.mark.slow
@pytest.mark.parametrize("command", commands())
def test_the_examples_of_a_command_work(template, tmp_path, command):
    folder = tmp_path / "folder"
    shutil.copytree(template, folder, symlinks=True)
    if command == "demo":
        shutil.rmtree(folder / "data")
    lines = examples(command)
    assert any(re.search(rf"\bvarve (.* )?{command}\b", line) for line in lines)
    for line in lines:
        run(folder, line)


def test_the_commands_of_the_readme_work(template, tmp_path):
    text = (ROOT / "README.md").read_text()
    block = text.split("## A dozen commands")[1].split("```")[1]
    lines = [line[2:] for line in block.splitlines() if line.startswith("$ ")]
    assert len(lines) >= 12
    (tmp_path / "build").symlink_to(BUILD)
    shutil.copytree(template / "data" / "demo", tmp_path / "data" / "demo")
    run(tmp_path, "set -e\n" + "\n".join(lines))
