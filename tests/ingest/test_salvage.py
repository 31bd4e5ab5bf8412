"""`varve spool salvage`: a damaged spool gives what can be read, says what is lost, and goes on."""

import json
import pathlib
import signal

from conftest import expected, signal_row, signal_rows, until
from test_signals import away


def fill(lake, *chunks):
    """A spool with a segment a chunk, left by a kill before any could be flushed."""
    run = lake.ingest("signals", "-", "--ack", "--interval", "1h")
    back = None
    sent = 0
    for index, numbers in enumerate(chunks):
        run.send(signal_rows(numbers))
        sent += len(numbers)
        while json.loads(run.process.stdout.readline())["ack"] < sent:
            pass
        back = back or away(lake)
        run.signal(signal.SIGHUP)  # seals it
        until(lambda index=index: [segment["state"] for segment in lake.spool()["segments"]]
              == ["sealed"] * (index + 1))
    run.kill()
    back()
    files = [segment["file"] for segment in lake.spool()["segments"]]
    return [lake.path / "_varve" / "spool" / file for file in files]


def spoil(path, at, count=1):
    content = bytearray(path.read_bytes())
    for place in range(at, at + count):
        content[place] ^= 0x55
    path.write_bytes(content)


def place_of(path, number):
    """Where the text of a row lies in a segment."""
    return path.read_bytes().index(signal_row(number).strip().encode())


def salvage(lake, *more):
    return json.loads(lake.ok("spool", "salvage", "--json", *more))


def test_what_can_be_read_is_committed_once(lake):
    first, second = fill(lake, range(100), range(100, 200))
    spoil(first, place_of(first, 10))
    spoil(first, place_of(first, 50), 700)
    spoil(second, place_of(second, 150))
    assert lake.run("spool", "verify").returncode == 10
    done = lake.run("spool", "flush")
    assert done.returncode == 6 and "spool salvage" in done.stderr

    plan = salvage(lake, "--dry-run")
    assert first.exists() and second.exists()
    report = salvage(lake)
    assert {**report, "dry_run": True} == plan
    lost = {sequence for loss in report["lost"]
            for sequence in range(loss["first_sequence"], loss["last_sequence"] + 1)}
    assert all(loss["certain"] for loss in report["lost"])
    assert {11, 51, 151} <= lost and len(lost) == report["rows_lost"] < 10
    assert report["rows_saved"] + report["rows_lost"] == 200
    damaged = [pathlib.Path(file["kept_as"]) for segment in report["segments"]
               for file in segment["files"]]
    assert [path.name for path in damaged] == [f"{first.name}.damaged", f"{second.name}.damaged"]
    assert all((first.parent / path).exists() for path in damaged)
    kept = json.loads(next(first.parent.glob("salvage-*.json")).read_text())
    assert kept == report

    # Sequences are lines here: what is in the table, read by deltalake, is the others, each once.
    run = lake.ingest("signals", "-", "--interval", "1h")
    run.send(signal_rows(range(200, 210)))
    run.end()
    assert lake.values() == expected([n for n in range(210) if n + 1 not in lost])
    assert "sound" in lake.run("spool", "salvage").stderr


def test_rows_that_are_in_their_table_already_are_not_taken_again(lake):
    """Killed between the commit and the removal of the segment, which then is damaged."""
    run = lake.ingest("signals", "-", "--interval", "1h",
                      env={"VARVE_TEST_SEAMS": "crash=writer.upserted:1"})
    run.send(signal_rows(range(50)))
    run.end(status=-signal.SIGKILL)
    assert lake.values() == expected(range(50))
    (segment,) = [path for path in (lake.path / "_varve" / "spool").glob("*.vs")
                  if b"strategy_id" in path.read_bytes()]
    spoil(segment, place_of(segment, 20))
    report = salvage(lake)
    assert report["rows_saved"] == 49 and report["rows_lost"] == 1
    version = json.loads(lake.ok("describe", "signals", "--json"))["version"]
    lake.ok("spool", "flush")
    assert json.loads(lake.ok("describe", "signals", "--json"))["version"] == version
    assert lake.values() == expected(range(50))


def test_a_segment_that_is_missing_is_noticed(lake):
    first, second, third = fill(lake, range(10), range(10, 30), range(30, 40))
    second.unlink()
    done = lake.run("spool", "flush")
    assert done.returncode == 6 and "rows 11 to 30" in done.stderr
    report = salvage(lake)
    assert report["lost"] == [{"first_sequence": 11, "last_sequence": 30, "certain": True}]
    lake.ok("spool", "flush")
    assert lake.values() == expected([*range(10), *range(30, 40)])
    assert not first.exists() and not third.exists()


def test_rows_without_a_table_and_a_lost_spool_file(lake):
    (segment,) = fill(lake, range(20))
    spoil(segment, 8192, 8)
    spoil(segment.parent / "spool", 0, 12288)
    done = lake.run("spool", "salvage")
    assert done.returncode == 2 and "--table NAME" in done.stderr
    done = lake.run("spool", "salvage", "--table", "nowhere")
    assert done.returncode == 5
    report = salvage(lake, "--table", "signals")
    assert report["rows_saved"] == 20 and report["rows_lost"] == 0 and report["new_id"]
    lake.ok("spool", "flush")
    assert lake.values() == expected(range(20))


def test_a_spool_in_use_is_left_alone(lake):
    assert "has no spool" in lake.ok("spool", "salvage")
    run = lake.ingest("signals", "-", "--interval", "1h")
    run.send(signal_rows(range(3)))
    until(lambda: (lake.path / "_varve" / "spool" / "spool").exists())
    done = lake.run("spool", "salvage")
    assert done.returncode == 4 and str(run.process.pid) in done.stderr
    run.end()
    assert lake.values() == expected(range(3))
    done = lake.run("spool", "salvage", "--spool", lake.folder / "nowhere")
    assert done.returncode == 5


def test_damage_under_a_running_ingest_ends_it(lake):
    """It waited for ever for a segment that never gets better, and said so five times a second."""
    run = lake.ingest("signals", "-", "--ack", "--interval", "1h")
    run.send(signal_rows(range(100)))
    while json.loads(run.process.stdout.readline())["ack"] < 100:
        pass
    (path,) = [lake.path / "_varve" / "spool" / segment["file"] for segment in lake.spool()["segments"]]
    with path.open("r+b") as file:
        file.seek(place_of(path, 50))
        file.write(b"\xff" * 20)
    run.end(6)
    told = [line for line in run.messages if "can't be sealed" in line]
    assert len(told) == 1 and "spool salvage" in told[0]
    assert any("not all rows can be committed" in line and "spool salvage" in line for line in run.messages)
    salvage(lake)
    lake.ok("spool", "flush")
    assert json.loads(lake.ok("query", "select count(*) as n from signals", "--json")) == [{"n": 99}]
