"""`ingest --maintain`: the tables are kept in good order by the process that fills them."""

import datetime as dt
import json
import subprocess
import time

BATCHES = 16


def is_in_order(varve, commits):
    """Compacted more than once, and to fewer files than half of what the commits made."""
    operations = [row["operation"] for row in varve.rows("history", "signals")]
    return operations.count("OPTIMIZE") >= 2 and len(varve.rows("files", "signals")) < commits / 2


def test_files_stay_few_while_rows_come(varve):
    """Each flush makes a file; a slow producer, so that there are many."""
    varve.ok("init")
    varve.ok("alter", "signals", "set", "varve.maintain.tierFiles=3")
    day = dt.datetime.now(dt.timezone.utc).date()
    command = [str(varve.program), "--lake", str(varve.lake), "ingest", "signals", "--json", "--ack",
               "committed", "--interval", "50ms", "--maintain", "--maintain-every", "200ms"]
    number, until = 0, time.monotonic() + 60
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                          stderr=subprocess.PIPE, text=True) as ingest:
        while number < BATCHES or (not is_in_order(varve, number) and time.monotonic() < until):
            ingest.stdin.write(json.dumps({
                "timestamp": f"{day}T{number // 60:02d}:{number % 60:02d}:00Z", "strategy_id": "s",
                "signal_type": "ml_entry", "signal_value": 0.5, "acted_upon": False, "source": "t"}) + "\n")
            ingest.stdin.flush()
            number += 1
            assert json.loads(ingest.stdout.readline()) == {"ack": number}  # a commit of its own
            time.sleep(0.1)
        out, err = ingest.communicate(timeout=60)
    assert ingest.returncode == 0, err
    end = json.loads(out.splitlines()[-1])
    assert (end["inserted"], end["commits"]) == (number, number), err
    upkeep = end["maintenance"]
    assert upkeep["failed"] == 0 and upkeep["runs"] >= 2, upkeep
    assert upkeep["files_removed"] > upkeep["files_added"] > 0
    assert is_in_order(varve, number)
    assert varve.rows("query", "SELECT count(*) AS n FROM signals") == [{"n": number}]
    varve.ok("verify", "signals")


def test_how_often_needs_what(varve):
    varve.ok("init")
    done = varve.run("ingest", "signals", "--maintain-every", "5s", stdin="")
    assert done.returncode == 2 and "--maintain" in done.stderr
