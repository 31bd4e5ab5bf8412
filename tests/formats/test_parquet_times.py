"""Times in Parquet that are finer than a microsecond: none loses a digit without a word."""

import datetime
import json

import pyarrow
import pyarrow.ipc
import pyarrow.parquet
import pytest

UTC_NS = pyarrow.timestamp("ns", "UTC")
FIRST = 1763650000000000000  # 2025-11-20T14:46:40Z
RULE = "has digits below a microsecond, which would be lost"
WRITTEN = [{}, {"use_dictionary": False}, {"compression": "none"}, {"compression": "zstd"},
           {"compression": "gzip"}, {"data_page_version": "2.0"}, {"row_group_size": 2},
           {"use_deprecated_int96_timestamps": True},
           {"use_deprecated_int96_timestamps": True, "use_dictionary": False}]


def write(path, nanos, kind=UTC_NS, **options):
    rows = pyarrow.table({"v": range(len(nanos)), "ts": pyarrow.array(nanos, kind)})
    pyarrow.parquet.write_table(rows, path, **options)
    return path


def sorted_rows(varve):
    return sorted(varve.rows("scan", "t"), key=lambda row: row["v"])


@pytest.fixture
def timed(varve):
    varve.ok("create", "t", "--schema", "v bigint not null, ts timestamp", "--key", "v")
    return varve


@pytest.mark.parametrize("options", WRITTEN, ids=str)
def test_a_row_is_rejected_for_digits_that_would_be_lost(timed, tmp_path, options):
    path = write(tmp_path / "ns.parquet",
                 [FIRST + 1, None, FIRST + 2000, FIRST + 3999, -1, -2000], **options)
    done = timed.run("upsert", "t", path)
    assert done.returncode == 3 and "3 of 6 rows rejected, nothing written" in done.stderr
    for row, text in ((1, "2025-11-20T14:46:40.000000001"), (4, "2025-11-20T14:46:40.000003999"),
                      (5, "1969-12-31T23:59:59.999999999")):
        assert f"row {row}: ts = {text}" in done.stderr
    assert timed.version("t") == 0
    timed.ok("upsert", "t", path, "--quarantine")
    assert sorted_rows(timed) == [
        {"v": 1, "ts": None}, {"v": 2, "ts": "2025-11-20T14:46:40.000002Z"},
        {"v": 5, "ts": "1969-12-31T23:59:59.999998Z"}]


@pytest.mark.parametrize("options", WRITTEN, ids=str)
def test_digits_that_are_zero_are_none(timed, tmp_path, options):
    path = write(tmp_path / "ns.parquet", [FIRST, None, FIRST + 999000, -1000], **options)
    timed.ok("upsert", "t", path)
    assert [row["ts"] for row in sorted_rows(timed)] == [
        "2025-11-20T14:46:40.000000Z", None, "2025-11-20T14:46:40.000999Z",
        "1969-12-31T23:59:59.999999Z"]


@pytest.mark.parametrize("command", [
    ("upsert", "t", "FILE"), ("append", "t", "FILE", "--allow-duplicates"),
    ("overwrite", "t", "FILE", "--yes"),
    ("merge", "t", "--source", "FILE", "--on", "t.v = s.v", "--when-not-matched", "insert *")
], ids=lambda c: c[0])
def test_every_command_sees_them(timed, tmp_path, command):
    path = write(tmp_path / "ns.parquet", [FIRST + 1])
    arguments = [path if argument == "FILE" else argument for argument in command]
    done = timed.run(*arguments)
    assert done.returncode == 3 and RULE in done.stderr
    timed.ok(*arguments, "--truncate-time")
    assert sorted_rows(timed) == [{"v": 0, "ts": "2025-11-20T14:46:40.000000Z"}]


def test_two_keys_that_differ_below_a_microsecond_are_not_made_one(varve, tmp_path):
    varve.ok("create", "k", "--schema", "ts timestamp not null, v bigint", "--key", "ts")
    path = write(tmp_path / "ns.parquet", [FIRST + 1, FIRST + 999])
    assert "2 of 2 rows rejected" in varve.run("upsert", "k", path).stderr


@pytest.mark.parametrize("kind", ["timestamp_ntz", "date"])
def test_a_column_of_another_kind_of_time(varve, tmp_path, kind):
    varve.ok("create", "t", "--schema", f"v bigint not null, ts {kind}", "--key", "v")
    midnight = 1763596800000000000
    done = varve.run("upsert", "t", write(tmp_path / "ns.parquet", [midnight + 7]))
    assert done.returncode == 3 and "2025-11-20T00:00:00.000000007Z" in done.stderr
    varve.ok("upsert", "t", write(tmp_path / "ns.parquet", [midnight]))
    assert sorted_rows(varve)[0]["ts"].startswith("2025-11-20")


@pytest.mark.parametrize("int96", [False, True])
@pytest.mark.parametrize("kind, column, of", [
    (pyarrow.list_(UTC_NS), "array<timestamp>", lambda times: times),
    (pyarrow.struct([("at", UTC_NS)]), "struct<at:timestamp>", lambda times: {"at": times[-1]}),
    (pyarrow.map_(pyarrow.string(), UTC_NS), "map<string,timestamp>",
     lambda times: [(str(i), time) for i, time in enumerate(times)]),
], ids=["array", "struct", "map"])
def test_within_nested_values(varve, tmp_path, kind, column, of, int96):
    varve.ok("create", "t", "--schema", f"v bigint not null, ts {column}", "--key", "v")
    good, bad = [FIRST, FIRST + 1000], [FIRST, FIRST + 1001]
    path = write(tmp_path / "ns.parquet", [None, of(good), of(bad), of(good)], kind,
                 use_deprecated_int96_timestamps=int96)
    done = varve.run("upsert", "t", path)
    assert done.returncode == 3 and "1 of 4 rows rejected" in done.stderr
    assert f"2025-11-20T14:46:40.000001001 {RULE}" in done.stderr
    varve.ok("upsert", "t", path, "--quarantine")
    assert [row["v"] for row in sorted_rows(varve)] == [0, 1, 3]
    # What was cut stands beside the rest, so that nobody takes that for all.
    shown = json.loads(varve.ok("quarantine", "show", "t", "--format", "ndjson"))
    assert [value for name, value in shown["values"].items() if name.startswith("ts.")] == [
        "2025-11-20T14:46:40.000001001"]
    varve.run("quarantine", "release", "t")
    assert len(sorted_rows(varve)) == 3


def test_a_row_that_was_set_aside_keeps_its_digits(timed, tmp_path):
    timed.ok("upsert", "t", write(tmp_path / "ns.parquet", [FIRST + 1, -1]), "--quarantine")
    shown = [json.loads(line)["values"]["ts"] for line in
             timed.ok("quarantine", "show", "t", "--format", "ndjson").splitlines()]
    assert shown == ["2025-11-20T14:46:40.000000001Z", "1969-12-31T23:59:59.999999999Z"]
    timed.run("quarantine", "release", "t")
    assert sorted_rows(timed) == []


def test_two_columns_at_once_and_names_that_need_quotes(varve, tmp_path):
    varve.ok("create", "t", "--schema", "v bigint not null, `a'x` timestamp, b timestamp",
             "--key", "v")
    rows = pyarrow.table({"v": [1, 2], "a'x": pyarrow.array([FIRST + 1, FIRST], UTC_NS),
                          "b": pyarrow.array([FIRST + 2, FIRST], UTC_NS)})
    pyarrow.parquet.write_table(rows, tmp_path / "ns.parquet")
    done = varve.run("upsert", "t", tmp_path / "ns.parquet")
    assert "1 of 2 rows rejected" in done.stderr
    assert "row 1: a'x = 2025-11-20T14:46:40.000000001Z" in done.stderr
    assert "row 1: b = 2025-11-20T14:46:40.000000002Z" in done.stderr


def test_of_many_rows_by_several_threads(timed, tmp_path):
    nanos = [FIRST + 1000 * row for row in range(120000)]
    nanos[70000] += 7
    path = write(tmp_path / "ns.parquet", nanos, row_group_size=50000)
    assert "row 70001: ts = " in timed.run("upsert", "t", path).stderr
    done = json.loads(timed.ok("upsert", "t", path, "--quarantine", "--json"))
    assert done["inserted"] == 119999 and done["rejected"] == 1


def test_an_added_column_is_of_the_same_type_whatever_is_rejected(varve, tmp_path):
    varve.ok("create", "t", "--schema", "v bigint not null", "--key", "v")
    path = write(tmp_path / "ns.parquet", [FIRST, FIRST + 1])
    assert varve.run("upsert", "t", path, "--evolve").returncode == 3
    varve.ok("upsert", "t", path, "--evolve", "--quarantine")
    assert "column.ts,timestamp\n" in varve.ok("describe", "t")


def test_what_cannot_be_looked_into_is_refused(timed, tmp_path):
    path = write(tmp_path / "ns.parquet", [FIRST, FIRST + 1000], use_dictionary=False,
                 column_encoding={"ts": "DELTA_BINARY_PACKED"})
    done = timed.run("upsert", "t", path)
    assert done.returncode == 3 and "nobody can tell whether any would be lost" in done.stderr
    assert "--truncate-time" in done.stderr and "cannot be read" not in done.stderr
    timed.ok("upsert", "t", path, "--truncate-time")
    assert len(sorted_rows(timed)) == 2


def test_a_damaged_page_is_told(timed, tmp_path):
    path = write(tmp_path / "ns.parquet", [FIRST] * 3, use_dictionary=False, compression="none")
    whole = path.read_bytes()
    at = whole.index(FIRST.to_bytes(8, "little")) - 12
    path.write_bytes(whole[:at] + b"\xff" * 12 + whole[at + 12:])
    done = timed.run("upsert", "t", path)
    assert done.returncode == 3 and "cannot be read as Parquet" in done.stderr


def test_a_row_of_old_times_that_was_set_aside_keeps_its_digits(timed, tmp_path):
    """The engine gives out microseconds alone."""
    path = write(tmp_path / "ns.parquet", [FIRST + 1], use_deprecated_int96_timestamps=True)
    timed.ok("upsert", "t", path, "--quarantine")
    for _ in range(2):
        shown = json.loads(timed.ok("quarantine", "show", "t", "--format", "ndjson"))
        assert shown["values"] == {"v": "0", "ts": "2025-11-20T14:46:40.000000001"}
        timed.run("quarantine", "release", "t")
    assert sorted_rows(timed) == []


@pytest.mark.parametrize("int96", [False, True])
def test_columns_that_are_called_as_our_own_were(varve, tmp_path, int96):
    """Beside values that are told one by one."""
    names = ["fault_name", "fault_value", "fault_rule", "r", "c", "us", "ns"]
    varve.ok("create", "t", "--schema", "v bigint not null, ts timestamp, " +
             ", ".join(f"{name} string" for name in names), "--key", "v")
    rows = pyarrow.table({"v": [0, 1, 2], "ts": pyarrow.array(
        [FIRST + 1, FIRST, None], pyarrow.timestamp("ns") if int96 else UTC_NS)} |
        {name: ["x", "y", "z"] for name in names})
    pyarrow.parquet.write_table(rows, tmp_path / "ns.parquet", use_deprecated_int96_timestamps=int96)
    done = varve.run("upsert", "t", tmp_path / "ns.parquet")
    assert done.returncode == 3 and "1 of 3 rows rejected" in done.stderr
    varve.ok("upsert", "t", tmp_path / "ns.parquet", "--quarantine")
    for row, value in zip(sorted_rows(varve), "yz", strict=True):
        assert {row[name] for name in names} == {value}
    [shown] = varve.rows("quarantine", "show", "t")
    assert {shown["values"][name] for name in names} == {"x"}


TIMES = {-1: "1969-12-31T23:59:59.999999999Z", 1: "1970-01-01T00:00:00.000000001Z",
         -1000: "1969-12-31T23:59:59.999999Z", -1001: "1969-12-31T23:59:59.999998999Z",
         2**63 - 1: "2262-04-11T23:47:16.854775807Z", FIRST + 999: "2025-11-20T14:46:40.000000999Z",
         -2**63 + 1: "1677-09-21T00:12:43.145224193Z"}


@pytest.mark.parametrize("form", ["utc.parquet", "naive.parquet", "int96.parquet", "utc.arrow",
                                  "naive.arrow", "csv", "ndjson"])
def test_digits_that_are_cut_are_cut_downwards(timed, tmp_path, form):
    """By every way in: another microsecond is another key, and another date at midnight."""
    path = tmp_path / f"rows.{form}"
    kind = UTC_NS if form.startswith("utc") else pyarrow.timestamp("ns")
    times = {ns: text for ns, text in TIMES.items() if form != "naive.arrow" or abs(ns) < 2**62}
    if form.endswith("parquet"):
        write(path, list(times), kind, use_deprecated_int96_timestamps=form.startswith("int96"))
    elif form.endswith("arrow"):
        rows = pyarrow.table({"v": range(len(times)), "ts": pyarrow.array(list(times), kind)})
        with pyarrow.ipc.new_file(path, rows.schema) as file:
            file.write_table(rows)
    elif form == "csv":
        path.write_text("v,ts\n" + "".join(f"{v},{t}\n" for v, t in enumerate(times.values())))
    else:
        path.write_text("".join(json.dumps({"v": v, "ts": t}) + "\n"
                                for v, t in enumerate(times.values())))
    timed.ok("upsert", "t", path, "--truncate-time")
    assert [row["ts"] for row in sorted_rows(timed)] == [
        text[:26].removesuffix("Z") + "Z" for text in times.values()]


def test_what_cannot_be_looked_into_is_not_rounded_towards_1970(timed, tmp_path):
    path = write(tmp_path / "ns.parquet", [FIRST, None, -1], use_dictionary=False,
                 column_encoding={"ts": "DELTA_BINARY_PACKED"})
    done = timed.run("upsert", "t", path, "--truncate-time")
    assert done.returncode == 3 and "may have been rounded up" in done.stderr
    assert timed.version("t") == 0


@pytest.mark.parametrize("kind, column, of", [
    (pyarrow.list_(UTC_NS), "array<timestamp>", lambda time: [FIRST + 1, time]),
    (pyarrow.struct([("at", UTC_NS)]), "struct<at:timestamp>", lambda time: {"at": time})],
    ids=["array", "struct"])
def test_within_nested_values_nothing_is_rounded_towards_1970(varve, tmp_path, kind, column, of):
    varve.ok("create", "t", "--schema", f"v bigint not null, ts {column}", "--key", "v")
    path = write(tmp_path / "ns.parquet", [of(FIRST + 1), of(-1)], kind)
    done = varve.run("upsert", "t", path, "--truncate-time")
    assert done.returncode == 3 and "1 of 2 rows rejected" in done.stderr
    assert "1969-12-31T23:59:59.999999999 has digits below a microsecond, which before 1970" in (
        done.stderr)


@pytest.mark.parametrize("int96", [False, True])
def test_a_row_of_several_such_columns_is_set_aside_whole(varve, tmp_path, int96):
    varve.ok("create", "t", "--schema", "v bigint not null, a timestamp, b timestamp", "--key", "v")
    kind = pyarrow.timestamp("ns") if int96 else UTC_NS
    rows = pyarrow.table({"v": [0], "a": pyarrow.array([FIRST + 1], kind),
                          "b": pyarrow.array([-2], kind)})
    path = tmp_path / "ns.parquet"
    pyarrow.parquet.write_table(rows, path, use_deprecated_int96_timestamps=int96)
    end = "" if int96 else "Z"
    whole = {"v": "0", "a": f"2025-11-20T14:46:40.000000001{end}",
             "b": f"1969-12-31T23:59:59.999999998{end}"}
    varve.ok("upsert", "t", path, "--quarantine")
    for _ in range(2):
        [shown] = varve.rows("quarantine", "show", "t")
        assert shown["values"] == whole and shown["rules"] == 2
        varve.run("quarantine", "release", "t")


@pytest.mark.parametrize("zone, time", [((), "2025-11-20T14:46:40.000000Z"),
                                        (("--input-tz", "Europe/Athens"), "2025-11-20T12:46:40.000000Z")])
def test_old_times_are_of_the_zone_of_the_batch(timed, tmp_path, zone, time):
    """Also where one of them is too fine."""
    path = write(tmp_path / "ns.parquet", [FIRST, FIRST + 1], pyarrow.timestamp("ns"),
                 use_deprecated_int96_timestamps=True)
    timed.ok("upsert", "t", path, "--quarantine", *zone)
    assert sorted_rows(timed) == [{"v": 0, "ts": time}]


def test_a_deep_file_is_looked_into(varve, tmp_path):
    """Of one that could not be any time may be finer. Forty lists are eighty groups."""
    kind, value = pyarrow.int64(), 1
    for _ in range(40):
        kind, value = pyarrow.list_(kind), [value]
    rows = pyarrow.table({"v": [1], "ts": pyarrow.array([FIRST // 1000], pyarrow.timestamp("us", "UTC")),
                          "deep": pyarrow.array([value], kind)})
    pyarrow.parquet.write_table(rows, tmp_path / "deep.parquet")
    varve.ok("create", "t", "--key", "v", "--schema", "v bigint not null, ts timestamp")
    done = varve.run("upsert", "t", tmp_path / "deep.parquet")
    assert "deep" in done.stderr and "may have digits" not in done.stderr
