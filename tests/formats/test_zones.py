"""Times without a zone are read in one, by every way into a table as Python's zoneinfo has it."""

import datetime
import json
import zoneinfo

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

UTC = datetime.timezone.utc
# Days on which clocks move: by an hour, half an hour, two hours, a whole day; at night, at midnight.
DAYS = {
    "America/New_York": ["2026-03-08", "2026-11-01", "2026-07-01"],
    "Europe/Berlin": ["2026-03-29", "2026-10-25"],
    "Australia/Lord_Howe": ["2026-04-05", "2026-10-04"],
    "Antarctica/Troll": ["2026-03-29", "2026-10-25"],
    "America/Sao_Paulo": ["2018-02-17", "2018-02-18", "2018-11-04"],
    "Pacific/Apia": ["2011-12-29", "2011-12-30", "2011-12-31"],
    "Asia/Kolkata": ["2026-03-29"],
}


def instant(zone, naive):
    """The earlier instant of a local time and whether there are two; None: it never was."""
    earlier, later = (naive.replace(tzinfo=zone, fold=fold).astimezone(UTC) for fold in (0, 1))
    if earlier.astimezone(zone).replace(tzinfo=None) != naive:
        return None, False
    return earlier, later > earlier


def expected(name):
    zone = zoneinfo.ZoneInfo(name)
    times = [datetime.datetime.fromisoformat(day) + datetime.timedelta(minutes=15 * step)
             for day in DAYS[name] for step in range(4 * 24)]
    return {naive: instant(zone, naive) for naive in times}


def written(way, path, times, rows):
    """Rows k, ts: the times, and then one time again and again."""
    times = times + [times[-1]] * (rows - len(times))
    if way == "csv":
        path.write_text("k,ts\n" + "".join(f"{k},{t.isoformat()}\n" for k, t in enumerate(times)))
    elif way == "ndjson":
        path.write_text("".join(json.dumps({"k": k, "ts": t.isoformat(" ")}) + "\n"
                                for k, t in enumerate(times)))
    else:
        pq.write_table(pa.table({"k": range(len(times)), "ts": pa.array(times, pa.timestamp("us"))}),
                       path)
    return path


def make(varve, kind="timestamp"):
    varve.ok("create", "t", "--schema", f"k bigint not null, ts {kind}", "--key", "k")


@pytest.mark.parametrize("way", ["csv", "ndjson", "parquet"])
@pytest.mark.parametrize("name,rows", [(name, 0) for name in DAYS] + [("America/New_York", 50000)])
def test_every_quarter_of_an_hour_is_the_right_instant(varve, tmp_path, way, name, rows):
    wanted = expected(name)
    times = [naive for naive, (at, _) in wanted.items() if at is not None]
    make(varve)
    path = written(way, tmp_path / f"rows.{way}", times, rows)
    done = varve.run("upsert", "t", path, "--input-tz", name, "--json")
    assert done.returncode == 0, done.stderr
    twice = sum(wanted[naive][1] for naive in times)
    assert json.loads(done.stdout)["times_ambiguous"] == twice
    told = f"{twice} rows hold a time that {name} had twice"
    assert (told in done.stderr) == (twice > 0)
    got = [row["ts"] for row in varve.rows("query", f"SELECT ts FROM t WHERE k < {len(times)} "
                                           "ORDER BY k")]
    assert got == [wanted[naive][0].strftime("%Y-%m-%dT%H:%M:%S.%fZ") for naive in times]


@pytest.mark.parametrize("way", ["csv", "ndjson", "parquet"])
@pytest.mark.parametrize("name", [name for name in DAYS if name != "Asia/Kolkata"])
def test_each_time_that_never_was_is_a_bad_row(varve, tmp_path, way, name):
    wanted = expected(name)
    never = sum(at is None for at, _ in wanted.values())
    make(varve)
    path = written(way, tmp_path / f"rows.{way}", list(wanted), 0)
    done = varve.run("upsert", "t", path, "--input-tz", name)
    assert never > 0 and done.returncode == 3
    assert f"{never} of {len(wanted)} rows rejected, nothing written" in done.stderr
    reason = f"is a time that {name} never had, clocks were put forward"
    assert reason in done.stderr and "does not fit" not in done.stderr
    first = [at for at, _ in wanted.values()].index(None)
    line = {"csv": f" (line {first + 2})", "ndjson": f" (line {first + 1})", "parquet": ""}[way]
    assert f"row {first + 1}{line}: ts = " in done.stderr
    result = json.loads(varve.ok("upsert", "t", path, "--input-tz", name, "--quarantine", "--json"))
    assert (result["rejected"], result["inserted"]) == (never, len(wanted) - never)
    assert reason in varve.ok("quarantine", "show", "t")


def test_many_rows_with_a_time_that_never_was(varve, tmp_path):
    make(varve)
    times = [datetime.datetime(2026, 3, 8, 2, 30), datetime.datetime(2026, 3, 8, 3, 30)]
    path = written("csv", tmp_path / "rows.csv", times, 50000)
    done = varve.run("upsert", "t", path, "--input-tz", "America/New_York")
    assert done.returncode == 3 and "1 of 50000 rows rejected" in done.stderr
    assert "row 1 (line 2): ts = 2026-03-08T02:30:00 is a time" in done.stderr


def test_a_time_that_never_was_takes_no_real_row_away(varve):
    varve.ok("create", "n", "--schema", "ts timestamp not null, v int", "--key", "ts")
    text = "ts,v\n2026-03-08T02:30,1\n2026-03-08T03:30,2\n"
    result = varve.upsert("n", text, "--input-tz", "America/New_York", "--quarantine")
    assert (result["inserted"], result["rejected"], result["duplicates_in_batch"]) == (1, 1, 0)
    assert varve.rows("scan", "n")[0]["v"] == 2


def test_texts_that_name_a_zone_are_left_alone(varve):
    make(varve)
    text = "k,ts\n1,2026-11-01T01:30:00-05:00\n2,2026-03-08T02:30Z\n3,\n"
    result = varve.upsert("t", text, "--input-tz", "America/New_York")
    assert result["times_ambiguous"] == 0
    assert [row["ts"] for row in varve.rows("query", "SELECT ts FROM t ORDER BY k")] == [
        "2026-11-01T06:30:00.000000Z", "2026-03-08T02:30:00.000000Z", None]


@pytest.mark.parametrize("text", ["k,ts\n1,2026-11-01T01:30\n", '{"k":1,"ts":"2026-11-01T01:30"}\n'])
@pytest.mark.parametrize("command", [["append", "--allow-duplicates"], ["overwrite", "--yes"],
                                     ["merge", "--source", "-", "--on", "t.k = s.k", "--when-not-matched",
                                      "insert *"]])
def test_other_commands_do_as_upsert_does(varve, command, text):
    make(varve)
    form = ["--input-format", "ndjson" if text.startswith("{") else "csv"]
    files = [] if command[0] == "merge" else ["-"]
    call = [command[0], "t", *files, *command[1:], *form, "--input-tz", "America/New_York"]
    done = varve.run(*call, "--json", stdin=text)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["times_ambiguous"] == 1
    assert "1 row holds a time that America/New_York had twice" in done.stderr
    assert varve.rows("scan", "t")[0]["ts"] == "2026-11-01T05:30:00.000000Z"
    done = varve.run(*call, stdin=text.replace("11-01T01", "03-08T02"))
    assert done.returncode == 3 and "America/New_York never had" in done.stderr


def write(folder, form, times, kind=pa.timestamp("us")):
    """The same rows in a format; of CSV and NDJSON the times are texts."""
    path = folder / f"rows.{form}"
    rows = [{"k": k, "ts": time} for k, time in enumerate(times)]
    if form == "csv":
        path.write_text("k,ts\n" + "".join(f"{row['k']},{row['ts'].isoformat()}\n" for row in rows))
    elif form == "ndjson":
        path.write_text("".join(json.dumps(row, default=datetime.datetime.isoformat) + "\n"
                                for row in rows))
    else:
        table = pa.Table.from_pylist(
            rows, pa.schema([("k", pa.int64()), ("ts", kind)]))
        if form == "parquet":
            pq.write_table(table, path)
        else:
            with pa.ipc.new_file(path, table.schema) as file:
                file.write_table(table)
    return path


@pytest.mark.parametrize("form", ["csv", "ndjson", "parquet", "arrow"])
@pytest.mark.parametrize("unit", ["us", "ns"])
def test_a_column_without_zones_holds_what_the_clock_shows(varve, tmp_path, form, unit):
    """New York never had the first, and had the second twice: neither is anything here."""
    make(varve, "timestamp_ntz")
    times = [datetime.datetime(2026, 3, 8, 2, 30), datetime.datetime(2026, 11, 1, 1, 30)]
    path = write(tmp_path, form, times, pa.timestamp(unit))
    done = json.loads(varve.ok("upsert", "t", path, "--input-tz", "America/New_York", "--json"))
    assert (done["inserted"], done["times_ambiguous"]) == (2, 0)
    assert [row["ts"][:16] for row in varve.rows("query", "SELECT ts FROM t ORDER BY k")] == [
        "2026-03-08T02:30", "2026-11-01T01:30"]


@pytest.mark.parametrize("form", ["ndjson", "parquet", "arrow"])
def test_nor_is_one_within_a_nested_value_moved(varve, tmp_path, form):
    varve.ok("create", "t", "--schema", "k bigint not null, ts struct<at:array<timestamp_ntz>>",
             "--key", "k")
    path = write(tmp_path, form, [{"at": [datetime.datetime(2026, 3, 8, 2, 30)]}],
                 pa.struct([("at", pa.list_(pa.timestamp("us")))]))
    varve.ok("upsert", "t", path, "--input-tz", "America/New_York")
    assert varve.rows("query", "SELECT ts.at[1]::VARCHAR AS at FROM t") == [
        {"at": "2026-03-08 02:30:00"}]


@pytest.mark.parametrize("zone", [[], ["--input-tz", "America/New_York"]], ids=["utc", "zone"])
def test_an_offset_is_not_for_a_column_without_zones(varve, zone):
    """Whether 10:00+01 is 10:00 or 09:00 there is for whoever wrote it to say."""
    make(varve, "timestamp_ntz")
    done = varve.run("upsert", "t", "-", *zone, stdin="k,ts\n1,2026-11-20T10:00:00+01:00\n")
    assert done.returncode == 3
    assert "does not fit type timestamp_ntz, a time without an offset" in done.stderr
    varve.upsert("t", '{"k":1,"ts":"2026-11-20T10:00:00Z"}\n', *zone)
    assert varve.rows("scan", "t")[0]["ts"].startswith("2026-11-20T10:00:00")


PARTS = ("struct<at:timestamp,l:array<timestamp>,m:map<timestamp,struct<x:timestamp>>,d:timestamp,"
         "n:timestamp_ntz,z:timestamp>")


def parts(form, naive, changed):
    """A value of PARTS as `form` has it."""
    value = {"at": naive, "l": [None, naive], "m": (naive, naive), "d": datetime.date(2026, 1, 1),
             "n": naive, "z": naive.replace(tzinfo=UTC)} | changed
    key, x = value["m"]
    value["m"] = [(key, {"x": x})]
    if form == "ndjson":
        value |= {"m": {key.isoformat(): {"x": x}}, "d": value["d"].isoformat()}
    return value


def parts_kind(unit):
    kind = pa.timestamp(unit)
    return pa.struct([("at", kind), ("l", pa.list_(kind)),
                      ("m", pa.map_(kind, pa.struct([("x", kind)]))), ("d", pa.date32()),
                      ("n", kind), ("z", pa.timestamp(unit, "UTC"))])


@pytest.mark.parametrize("form, unit", [("ndjson", "us"), ("parquet", "us"), ("parquet", "ns"),
                                        ("arrow", "us"), ("arrow", "ns"), ("arrow", "s")])
def test_parts_of_nested_values_are_read_alike(varve, tmp_path, form, unit):
    """The earlier of two, and none of what never was, in whichever part it is."""
    make(varve, PARTS)
    twice, never = datetime.datetime(2026, 11, 1, 1, 30), datetime.datetime(2026, 3, 8, 2, 30)
    bad = [{"at": never}, {"l": [twice, never]}, {"m": (never, twice)}, {"m": (twice, never)}]
    path = write(tmp_path, form, [parts(form, twice, changed) for changed in [{}, *bad]],
                 parts_kind(unit))
    done = json.loads(varve.ok("upsert", "t", path, "--input-tz", "America/New_York", "--json",
                               "--quarantine"))
    assert (done["inserted"], done["rejected"]) == (1, 4)
    [row] = varve.rows("scan", "t")
    earlier = "2026-11-01T05:30:00.000000Z"
    assert row["ts"] == {
        "at": earlier, "l": [None, earlier], "m": {earlier: {"x": earlier}},
        "d": "2026-01-01T05:00:00.000000Z", "n": "2026-11-01T01:30:00.000000",
        "z": "2026-11-01T01:30:00.000000Z"}


def test_nor_does_a_zone_hide_digits_of_a_nested_time(varve, tmp_path):
    varve.ok("create", "t", "--schema", "k bigint not null, ts array<timestamp>", "--key", "k")
    path = tmp_path / "rows.parquet"
    pq.write_table(pa.table({"k": [1], "ts": pa.array([[1763650000000000001]],
                                                      pa.list_(pa.timestamp("ns")))}), path)
    zone = ["--input-tz", "America/New_York"]
    assert varve.run("upsert", "t", path, *zone).returncode == 3
    varve.ok("upsert", "t", path, *zone, "--truncate-time")
    assert varve.rows("scan", "t")[0]["ts"] == ["2025-11-20T19:46:40.000000Z"]
