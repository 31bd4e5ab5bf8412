"""Tables that deltalake wrote, with what its users suffer from: taken over, and repaired."""

import datetime
import json

import pyarrow as pa
import pytest
from deltalake import DeltaTable, write_deltalake

UTC = datetime.timezone.utc


def day(text):
    return datetime.date.fromisoformat(text)


def batch(times, symbols, prices, seen=None, tz="UTC"):
    """Rows as a bot of ours would have written them: local dates, whatever the time says."""
    stamps = [datetime.datetime.fromisoformat(text) for text in times]
    if tz is not None:
        stamps = [stamp.replace(tzinfo=UTC) for stamp in stamps]
    columns = {"ts": pa.array(stamps, pa.timestamp("us", tz)), "sym": symbols,
               "price": pa.array(prices, pa.float64()),
               "date": pa.array([stamp.date() for stamp in stamps], pa.date32())}
    if seen is not None:
        columns["seen"] = pa.array(seen, pa.int64())
    return pa.table(columns)


def write(varve, table, **options):
    varve.lake.mkdir(exist_ok=True)
    write_deltalake(str(varve.table("t")), table, mode="append", **options)


def adopt(varve, *arguments):
    return json.loads(varve.ok("adopt", "t", "--key", "ts,sym", "--json", *arguments))


def refused(varve, *arguments, status=3):
    before = varve.version("t")
    done = varve.run("adopt", "t", *arguments)
    assert done.returncode == status, done.stderr
    assert varve.version("t") == before
    return done.stderr


def rows(varve, *arguments):
    return sorted((row["ts"], row["sym"], row["price"]) for row in varve.rows("scan", "t",
                                                                              *arguments))


RETRIED = ["2025-01-10T10:00:00", "2025-01-10T11:00:00"]


@pytest.fixture
def retried(varve):
    """The same batch three times, the last time corrected."""
    for prices in ([1.0, 2.0], [1.0, 2.0], [1.5, 2.0]):
        write(varve, batch(RETRIED, ["A", "B"], prices, seen=[int(prices[0] * 10), 5]),
              partition_by=["date"])
    write(varve, batch(["2025-01-11T09:00:00"], ["A"], [3.0], seen=[1]))
    return varve


def test_doubled_keys_are_told_and_nothing_is_changed(retried):
    text = refused(retried, "--key", "ts,sym")
    assert "2 keys of table t are there more than once, 4 rows too many: add --dedupe" in text
    assert "--plan" not in text
    assert "--dedupe" in text and "sym = A: 3 rows" in text
    assert "varve.key" not in DeltaTable(str(retried.table("t"))).metadata().configuration


def test_the_plan_says_which_row_stays_and_writes_nothing(retried):
    before = sorted(path for path in retried.table("t").rglob("*") if path.is_file())
    done = retried.run("adopt", "t", "--key", "ts,sym", "--order-by", "seen", "--dedupe", "--plan")
    assert done.returncode == 0
    assert "+ varve.key = ts,sym" in done.stderr and "- 4 rows of 2 keys" in done.stderr
    assert "sym = A: 3 rows, the one with seen = 15 stays" in done.stderr
    assert "history: files of old versions for 7 days, the default (delta.deleted" in done.stderr
    assert sorted(path for path in retried.table("t").rglob("*") if path.is_file()) == before
    retried.ok("alter", "t", "set", "delta.logRetentionDuration=400d")
    done = retried.run("adopt", "t", "--key", "ts,sym", "--dedupe", "--plan")
    assert "history: the log for 400 days (delta.logRetentionDuration)" in done.stderr


@pytest.mark.parametrize("order", [(), ("--order-by", "seen")])
def test_one_row_of_each_key_stays(retried, order):
    before = rows(retried)
    result = adopt(retried, "--dedupe", *order, "--zorder", "sym")
    assert (result["keys_doubled"], result["rows_removed"], result["rows"]) == (2, 4, 7)
    assert rows(retried) == [("2025-01-10T10:00:00.000000Z", "A", 1.5),
                             ("2025-01-10T11:00:00.000000Z", "B", 2.0),
                             ("2025-01-11T09:00:00.000000Z", "A", 3.0)]
    entry = retried.rows("history", "t", "--limit", "1")[0]
    assert (entry["operation"], entry["version"]) == ("ADOPT", 4)
    assert rows(retried, "--version", "3") == before
    again = adopt(retried, "--dedupe", *order)
    assert not again["changed"] and again["version"] == result["version"]
    described = json.loads(retried.ok("describe", "t", "--json"))
    assert described["key"] == ["ts", "sym"] and described["zorder"] == ["sym"]
    assert described["properties"]["varve.partitionFrom"] == "date=ts"
    assert DeltaTable(str(retried.table("t"))).to_pyarrow_table().num_rows == 3
    result = retried.upsert("t", "ts,sym,price,seen\n2025-01-10T10:00:00Z,A,9,99\n")
    assert (result["updated"], result["repaired"]) == (1, 0)
    assert retried.run("verify", "t", "--deep").returncode == 0


def test_the_greatest_order_value_stays_though_it_was_written_first(varve):
    for seen, price in ((9, 1.0), (3, 2.0), (None, 3.0)):
        write(varve, batch(RETRIED[:1], ["A"], [price], seen=[seen]))
    adopt(varve, "--dedupe", "--order-by", "seen")
    assert [row[2] for row in rows(varve)] == [1.0]


def test_a_table_without_fault_is_only_declared(varve):
    write(varve, batch(RETRIED, ["A", "B"], [1.0, 2.0]))
    files = [row["path"] for row in varve.rows("files", "t")]
    result = adopt(varve, "--dedupe")
    assert result["changed"] and result["rows_removed"] == 0
    assert [row["path"] for row in varve.rows("files", "t")] == files
    assert not adopt(varve)["changed"]
    assert not json.loads(varve.ok("adopt", "t", "--json"))["changed"]


def test_local_dates_are_told_then_moved(varve):
    table = batch(["2025-01-10T10:00:00", "2025-01-10T23:30:00"], ["A", "B"], [1.0, 2.0])
    local = table.set_column(3, "date", pa.array([day("2025-01-10"), day("2025-01-11")]))
    write(varve, local, partition_by=["date"])
    result = adopt(varve)
    assert (result["rows_misdated"], result["rows_redated"]) == (1, 0)
    properties = json.loads(varve.ok("describe", "t", "--json"))["properties"]
    assert "varve.partitionFrom" not in properties
    result = adopt(varve, "--dedupe")
    assert (result["rows_misdated"], result["rows_redated"]) == (1, 1)
    assert {row["date"] for row in varve.rows("scan", "t")} == {"2025-01-10"}
    properties = json.loads(varve.ok("describe", "t", "--json"))["properties"]
    assert properties["varve.partitionFrom"] == "date=ts"
    assert not adopt(varve, "--dedupe")["changed"]


def naive(varve, times, **options):
    write(varve, batch(times, [f"S{i}" for i in range(len(times))], [1.0] * len(times), tz=None),
          **options)


def test_naive_times_become_instants_of_their_zone(varve):
    naive(varve, ["2025-01-10T20:00:00", "2025-07-10T20:00:00"], partition_by=["date"])
    result = adopt(varve, "--assume-tz", "America/New_York", "--dedupe")
    assert result["rows_redated"] == 2
    assert [row[0] for row in rows(varve)] == ["2025-01-11T01:00:00.000000Z",
                                               "2025-07-11T00:00:00.000000Z"]
    assert {row["date"] for row in varve.rows("scan", "t")} == {"2025-01-11", "2025-07-11"}
    types = {field.name: str(field.type) for field in DeltaTable(str(varve.table("t"))).schema().fields}
    assert "timestamp_ntz" not in types["ts"] and "timestamp" in types["ts"]
    theirs = DeltaTable(str(varve.table("t"))).to_pyarrow_table()
    assert sorted(theirs["ts"].to_pylist())[0] == datetime.datetime(2025, 1, 11, 1, tzinfo=UTC)
    assert [row["ts"] for row in varve.rows("scan", "t", "--version", "0")] != []
    assert not adopt(varve, "--assume-tz", "America/New_York", "--dedupe")["changed"]


def test_naive_times_stay_where_no_zone_is_given(varve):
    naive(varve, ["2025-01-10T20:00:00"])
    assert adopt(varve)["changed"]
    assert varve.rows("scan", "t")[0]["ts"].startswith("2025-01-10T20:00:00")


def test_a_time_that_never_was_is_named(varve):
    naive(varve, ["2025-03-09T01:59:00", "2025-03-09T02:30:00"])
    text = refused(varve, "--key", "ts,sym", "--assume-tz", "America/New_York")
    assert "1 row holds a time that America/New_York never had" in text
    assert "2025-03-09 02:30:00" in text and "01:59" not in text
    assert adopt(varve, "--assume-tz", "Europe/London")["changed"]


def test_of_a_time_that_came_twice_the_earlier_is_taken_and_told(varve):
    naive(varve, ["2025-11-02T00:30:00", "2025-11-02T01:30:00", "2025-11-02T02:30:00"])
    done = varve.run("adopt", "t", "--key", "ts,sym", "--assume-tz", "America/New_York", "--json")
    assert json.loads(done.stdout)["times_ambiguous"] == 1
    assert "had twice" in done.stderr and "2025-11-02 01:30:00" in done.stderr
    assert [row[0][:16] for row in rows(varve)] == ["2025-11-02T04:30", "2025-11-02T05:30",
                                                    "2025-11-02T07:30"]


def test_texts_in_the_key_are_times_too(varve):
    varve.lake.mkdir(exist_ok=True)
    write_deltalake(str(varve.table("t")), pa.table({
        "ts": ["2025-01-10 20:00:00", "2025-01-10T20:00:00Z", "2025-01-10T20:00:00+01:00"],
        "sym": ["A", "B", "C"], "price": [1.0, 2.0, 3.0]}))
    adopt(varve, "--assume-tz", "America/New_York")
    assert {row[1]: row[0][:16] for row in rows(varve)} == {
        "A": "2025-01-11T01:00", "B": "2025-01-10T20:00", "C": "2025-01-10T19:00"}
    assert json.loads(varve.ok("describe", "t", "--json"))["key"] == ["ts", "sym"]


def test_keys_that_are_doubled_only_as_instants_are_found(varve):
    naive(varve, ["2025-01-10T20:00:00"])
    naive(varve, ["2025-01-10T20:00:00"])
    assert "more than once" in refused(varve, "--key", "ts,sym", "--assume-tz", "Asia/Tokyo")
    result = adopt(varve, "--assume-tz", "Asia/Tokyo", "--dedupe")
    assert (result["rows_removed"], len(rows(varve))) == (1, 1)


@pytest.mark.parametrize("arguments, status, says", [
    (("--key", "gone"), 2, "no column gone"),
    (("--key", "sym,sym"), 2, "twice"),
    (("--key", "ts,sym", "--order-by", "price"), 2, "timestamp or an integer"),
    (("--key", "ts,sym", "--order-by", "ts"), 2, "part of the key"),
    (("--key", "ts,sym", "--assume-tz", "Mars/North"), 2, "no time zone"),
    ((), 2, "Give --key"),
    (("--key", "price"), 3, "NULL in the key"),
])
def test_what_can_not_be_is_refused(varve, arguments, status, says):
    write(varve, batch(RETRIED, ["A", "B"], [1.0, None]))
    assert says in refused(varve, *arguments, status=status)


def test_deletion_vectors_and_the_change_feed_are_kept_to(varve):
    varve.ok("create", "t", "--schema", "ts timestamp not null, sym string not null, price double",
             "--property", "delta.enableChangeDataFeed=true", "--property",
             "delta.enableDeletionVectors=true")
    for price in (1, 2):
        varve.ok("append", "t", "-", "--input-format", "csv",
                 stdin=f"ts,sym,price\n2025-01-10T10:00:00Z,A,{price}\n2025-01-10T11:00:00Z,B{price},1\n")
    adopt(varve, "--dedupe")
    assert [row[1:] for row in rows(varve)] == [("A", 2.0), ("B1", 1.0), ("B2", 1.0)]
    changes = varve.rows("changes", "t", "--from", "3")
    assert [(row["_change_type"], row["price"]) for row in changes] == [("delete", 1.0)]


def assert_older_than_all(varve, order):
    assert [row[order] for row in varve.rows("scan", "t")] == [None]
    result = varve.upsert("t", f"ts,sym,price,{order}\n2025-01-10T23:30:00Z,B,9,2001-01-01T00:00:00Z\n")
    assert (result["updated"], result["stale"]) == (1, 0)
    assert [row["price"] for row in varve.rows("scan", "t")] == [9.0]


def test_a_row_that_moves_keeps_an_order_value_of_null(varve):
    table = batch(["2025-01-10T23:30:00"], ["B"], [2.0])
    table = table.set_column(3, "date", pa.array([day("2025-01-11")]))
    write(varve, table.append_column("at", pa.array([None], pa.timestamp("us", "UTC"))),
          partition_by=["date"])
    assert adopt(varve, "--dedupe", "--order-by", "at")["rows_redated"] == 1
    assert_older_than_all(varve, "at")


def test_times_that_get_a_zone_leave_an_order_value_of_null(varve):
    table = batch(["2025-01-10T23:30:00"], ["B"], [2.0], tz=None)
    write(varve, table.append_column("at", pa.array([None], pa.timestamp("us"))))
    assert adopt(varve, "--assume-tz", "UTC", "--order-by", "at")["changed"]
    assert_older_than_all(varve, "at")


@pytest.mark.parametrize("column", ["ts", "at"])
def test_digits_below_a_microsecond_are_refused_not_lost(varve, column):
    varve.lake.mkdir(exist_ok=True)
    times = ["2025-01-10 20:00:00.123456700", "2025-01-10 20:00:00.123456"]
    write_deltalake(str(varve.table("t")), pa.table({
        "ts": times if column == "ts" else ["2025-01-10 20:00:00"] * 2, "sym": ["A", "A"],
        "at": times}))
    text = refused(varve, "--key", "ts,sym", *(["--order-by", "at"] if column == "at" else []),
                   "--assume-tz", "UTC", "--dedupe")
    assert "1 row holds a time with digits below a microsecond" in text
    assert f"{column} = {times[0]}" in text and times[1] + "\n" not in text
    assert len(varve.rows("scan", "t")) == 2


def test_zeroes_below_a_microsecond_are_no_digits_that_are_lost(varve):
    varve.lake.mkdir(exist_ok=True)
    write_deltalake(str(varve.table("t")), pa.table({
        "ts": ["2025-01-10 20:00:00.123456000"], "sym": ["A"], "price": [1.0]}))
    assert adopt(varve, "--assume-tz", "UTC")["changed"]
    assert rows(varve) == [("2025-01-10T20:00:00.123456Z", "A", 1.0)]


def test_people_are_told_how_many_rows_are_there_afterwards(retried):
    arguments = ("adopt", "t", "--key", "ts,sym", "--dedupe")
    assert "would be adopted; 3 rows, 4 removed, version 3" in retried.run(*arguments, "--plan").stderr
    assert "t: adopted; 3 rows, 4 removed, version 4" in retried.run(*arguments).stderr
    assert "already; 3 rows, version 4" in retried.run(*arguments).stderr
    assert len(retried.rows("scan", "t")) == 3
