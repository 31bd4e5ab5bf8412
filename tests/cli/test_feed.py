"""simulate and demo."""

import datetime
import json
import os
import re
import subprocess
import time

import pytest


def test_same_seed_same_bytes(varve):
    line = ("simulate", "--days", "2", "--start", "2025-01-30", "--strategies", "2")
    first = varve.ok(*line, "--seed", "5")
    assert varve.ok(*line, "--seed", "5") == first
    assert varve.ok(*line, "--seed", "6") != first


def test_options_shape_the_feed(varve):
    text = varve.ok("simulate", "--days", "1", "--start", "2025-01-30", "--symbols", "ES,NQ",
                    "--strategies", "4", "--late", "0", "--repeats", "0", "--corrections", "0")
    rows = [json.loads(line) for line in text.splitlines()]
    of = {name: [row for row in rows if row["table"] == name] for name in
          ("market_regimes", "performance_metrics", "signals")}
    assert len(of["market_regimes"]) == 2 * 390
    assert {row["symbol"] for row in of["market_regimes"]} == {"ES", "NQ"}
    assert len(of["performance_metrics"]) == 4 * 390
    assert of["signals"]
    assert sum(map(len, of.values())) == len(rows)
    assert rows[0]["timestamp"].startswith("2025-01-30T14:30:")


def test_one_table_of_the_feed(varve):
    line = ("simulate", "--start", "2025-01-30")
    whole = varve.ok(*line).splitlines()
    signals = varve.ok(*line, "--table", "signals").splitlines()
    assert signals == [row for row in whole if '"table":"signals"' in row]


def test_rate_paces_the_feed(varve):
    line = ("simulate", "--start", "2025-01-30", "--table", "signals")
    rows = varve.ok(*line).count("\n")
    begin = time.monotonic()
    varve.ok(*line, "--rate", str(rows / 2))
    assert time.monotonic() - begin > 1.5


def test_rate_alone_is_a_live_feed_without_end(varve):
    begin = time.time()
    command = f"{varve.program} simulate --rate 400 --burst 3 --bad-share 0.05 | head -n 800"
    done = subprocess.run(command, shell=True, capture_output=True, cwd=varve.folder, timeout=300,
                          check=True)
    assert done.stderr == b"" and time.time() - begin > 1
    lines = done.stdout.decode(errors="replace").splitlines()
    assert len(lines) == 800
    rows = []
    for line in lines:
        try:
            rows.append(json.loads(line))
        except ValueError:
            pass
    good = [row for row in rows if isinstance(row, dict) and "ingested_at" in row]
    assert 700 < len(good) < 800
    for row in good:
        at = datetime.datetime.fromisoformat(row["ingested_at"]).timestamp()
        assert begin - 1 < at < time.time() + 1


@pytest.mark.slow
def test_demo_runs_in_its_own_lake_and_its_commands_work(varve):
    text = varve.ok("demo", timeout=300)
    assert all(len(line.replace(str(varve.program), "varve")) <= 80 or "whole: " in line
               for line in text.splitlines())
    steps = re.findall(r"^(\d+)\. ", text, re.M)
    assert steps == [str(number) for number in range(1, 17)]
    part = text.split("\n3. ")[1].split("\n4. ")[0]
    assert " 0 inserted, 0 updated," in part and "0 written" in part
    assert " 1 updated," in text.split("\n4. ")[1].split("\n5. ")[0]
    assert " 1 stale," in text.split("\n5. ")[1].split("\n6. ")[0]
    assert " 1 inserted," in text.split("\n6. ")[1].split("\n7. ")[0]
    part = text.split("\n7. ")[1].split("\n8. ")[0]
    assert " 1 inserted," in part and "2 rejected" in part
    assert "high" in part and "gut_feeling" in part
    assert "(6 shown)" in text.split("\n9. ")[1].split("\n10. ")[0]
    assert "bearish_low" in text.split("\n10. ")[1].split("\n11. ")[0]
    assert "iron_condor_1" in text.split("\n11. ")[1].split("\n12. ")[0]
    before, after = text.split("\n12. ")[1].split("\n13. ")[0].split("--version")[1:]
    assert "1 row\n" in before and "31.5 |" not in before
    assert "1 row\n" in after and "31.5 |" in after
    changed = text.split("\n13. ")[1].split("\n14. ")[0]
    assert "31.5 |" in changed and "1 row\n" in changed
    assert "vix revised" in text.split("\n14. ")[1].split("\n15. ")[0]
    row = text.split("\n15. ")[1].split("\n16. ")[0]
    assert "insert" in row and "update" in row and '{"vix":31.5' in row
    assert "market_regimes: 32 versions, 0 to 31, whole: nothing found altered since" in text
    following = text.split("Try next:")[1].replace("\\\n", " ")
    commands = [line.split("$ ")[1] for line in following.splitlines() if "$ " in line]
    assert len(commands) >= 5
    for command in commands:
        assert os.system(f"cd {varve.folder} && {command} >/dev/null") == 0
    names = {row["table"] for row in json.loads(varve.ok("--lake", "data/demo", "tables", "--json"))}
    assert names == {"market_regimes", "performance_metrics", "signals"}


def test_demo_leaves_other_folders_alone(varve):
    mine = varve.folder / "data" / "demo"
    mine.mkdir(parents=True)
    (mine / "work").write_text("years of it")
    done = varve("demo")
    assert done.returncode == 2
    assert "was not made by varve demo" in done.stderr
    assert [path.name for path in mine.iterdir()] == ["work"]
    lake = varve.folder / "lake"
    varve.ok("--lake", lake, "init")
    assert varve("demo", "--lake", lake).returncode == 2
    assert varve("demo", env={"VARVE_LAKE": str(lake)}).returncode == 2
    assert (lake / "signals").is_dir()
