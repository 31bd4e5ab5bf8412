"""`ingest --maintain`: the tables are kept in good order by the process that fills them."""

import datetime as dt
import json
import subprocess
import time

BATCHES = 16


def test_files_stay_few_while_rows_come(varve):
    """Each flush makes a file; a slow producer, so that there are many."""
    varve.ok("init")
    varve.ok("alter", "signals", "set", "varve.maintain.tierFiles=3")
    day = dt.datetime.now(dt.timezone.utc).date()
    command = [str(varve.program), "--lake", str(varve.lake), "ingest", "signals", "--json",
               "--interval", "50ms", "--maintain", "--maintain-every", "200ms"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                          stderr=subprocess.PIPE, text=True) as ingest:
        for number in range(BATCHES):
            ingest.stdin.write(json.dumps({
                "timestamp": f"{day}T00:00:{number:02d}Z", "strategy_id": f"s{number}",
                "signal_type": "ml_entry", "signal_value": 0.5, "acted_upon": False, "source": "t"}) + "\n")
            ingest.stdin.flush()
            time.sleep(0.25)
        out, err = ingest.communicate(timeout=60)
    assert ingest.returncode == 0, err
    end = json.loads(out.splitlines()[-1])
    assert end["inserted"] == BATCHES, err
    upkeep = end["maintenance"]
    assert upkeep["failed"] == 0 and upkeep["runs"] > 2, upkeep
    assert upkeep["files_removed"] > upkeep["files_added"] > 0
    assert end["commits"] > 8
    assert len(varve.rows("files", "signals")) < end["commits"] / 2
    assert varve.rows("query", "SELECT count(*) AS n FROM signals") == [{"n": BATCHES}]
    operations = [row["operation"] for row in varve.rows("history", "signals")]
    assert operations.count("OPTIMIZE") >= 1
    varve.ok("verify", "signals")


def test_how_often_needs_what(varve):
    varve.ok("init")
    done = varve.run("ingest", "signals", "--maintain-every", "5s", stdin="")
    assert done.returncode == 2 and "--maintain" in done.stderr
