"""A date that a timestamp is to say from now on: what was written before is looked at."""

import datetime as dt
import json

import pyarrow as pa
import pytest
from deltalake import write_deltalake

SCHEMA = "ts timestamp not null, sym string not null, ts2 timestamp, v int, date date not null"
HEAD = "ts,sym,v,date\n"
LATE = HEAD + "2025-01-02T23:00Z,A,1,2025-01-03\n"
RULE = "varve.partitionFrom=date=ts"


@pytest.fixture
def free(varve):
    """Partitioned by a date that nothing says."""
    varve.ok("create", "p", "--schema", SCHEMA, "--key", "ts,sym", "--partition-by", "date",
             "--property", "delta.enableDeletionVectors=true")
    varve.ok("alter", "p", "unset", "varve.partitionFrom")
    varve.upsert("p", HEAD + "2025-01-01T10:00Z,A,0,2025-01-01\n")
    return varve


def refuse(varve, rule=RULE, rows="1 row"):
    version = varve.version("p")
    done = varve.run("alter", "p", "set", rule)
    assert done.returncode == 3 and f"{rows} of table p lie" in done.stderr, done.stderr
    assert varve.version("p") == version
    return done.stderr


def test_a_row_that_was_put_under_another_date_stands_in_the_way(free):
    free.upsert("p", LATE)
    told = refuse(free)
    assert "date = 2025-01-03, ts = 2025-01-02 23:00:00" in told
    free.ok("update", "p", "--set", "date = '2025-01-02'", "--where", "date = '2025-01-03'")
    free.ok("alter", "p", "set", RULE)
    again = free.upsert("p", "ts,sym,v\n2025-01-02T23:00Z,A,2\n")
    assert (again["inserted"], again["updated"]) == (0, 1)
    free.ok("verify", "p", "--deep")
    between = "ts >= '2025-01-02T22:00:00Z' AND ts < '2025-01-03T00:00:00Z'"
    assert [row["v"] for row in free.rows("scan", "p", "--where", between)] == [2]
    told = json.loads(free.ok("trace", "p", "ts=2025-01-02T23:00Z", "sym=A", "--format", "json"))
    assert [(row["version"], row["change"]) for row in told] == [(3, "insert"), (4, "update"), (6, "update")]
    assert told[1]["before"] == {"date": "2025-01-03"}
    assert json.loads(free.ok("delete", "p", "--where", between, "--json"))["deleted"] == 1


def test_adopt_moves_such_rows_too_and_sets_the_rule(free):
    free.upsert("p", LATE)
    assert json.loads(free.ok("adopt", "p", "--dedupe", "--json"))["rows_redated"] == 1
    assert json.loads(free.ok("describe", "p", "--json"))["properties"]["varve.partitionFrom"] == "date=ts"
    free.ok("alter", "p", "set", RULE)
    assert free.upsert("p", "ts,sym,v\n2025-01-02T23:00Z,A,1\n")["unchanged"] == 1


def test_another_timestamp_is_another_rule(free):
    free.upsert("p", "ts,sym,ts2,date\n2025-01-02T10:00Z,A,2025-01-03T01:00Z,2025-01-02\n")
    refuse(free, "varve.partitionFrom=date=ts2", "2 rows")  # one of them has no ts2 at all
    free.ok("alter", "p", "set", RULE)
    refuse(free, "varve.partitionFrom=date=ts2", "2 rows")
    free.ok("alter", "p", "set", RULE + " ")  # as it is


def test_files_that_statistics_prove_are_not_read(free):
    free.upsert("p", HEAD + "2025-01-02T23:00Z,A,1,2025-01-02\n")
    for path in free.table("p").rglob("*.parquet"):
        path.unlink()
    free.ok("alter", "p", "set", RULE)


def test_rows_that_are_deleted_do_not_count(free):
    free.upsert("p", LATE + "2025-01-03T10:00Z,A,1,2025-01-03\n")
    refuse(free)
    free.ok("delete", "p", "--where", "ts < '2025-01-03'")
    assert sum(row["deleted"] or 0 for row in free.rows("files", "p")) == 1  # by a vector
    free.ok("alter", "p", "set", RULE)


def local(keys):
    """As Python writes it: the dates of the place."""
    times = [dt.datetime(2025, 1, 2, 23, minute, tzinfo=dt.timezone.utc) for minute in keys]
    return pa.table({"ts": pa.array(times, pa.timestamp("us", "UTC")), "sym": ["B"] * len(keys),
                     "ts2": pa.nulls(len(keys), pa.timestamp("us", "UTC")),
                     "v": pa.array(keys, pa.int32()),
                     "date": [dt.date(2025, 1, 3)] * len(keys)})


def test_rows_of_others_are_found_where_they_lie_until_varve_has_rewritten_them(varve):
    varve.ok("create", "p", "--schema", SCHEMA, "--key", "ts,sym", "--partition-by", "date")
    varve.ok("alter", "p", "unset", "varve.partitionFrom")
    for keys in ([1, 2], [3, 4]):
        write_deltalake(str(varve.table("p")), local(keys), mode="append")
    varve.ok("alter", "p", "set", RULE)
    result = varve.upsert("p", "ts,sym,v\n2025-01-02T23:01Z,B,10\n2025-01-02T23:03Z,B,3\n")
    assert (result["inserted"], result["updated"]) == (0, 2)  # and they have moved
    varve.ok("optimize", "p")  # with the rule: what it writes is known to be doubtful
    assert varve.upsert("p", "ts,sym,v\n2025-01-02T23:04Z,B,4\n")["updated"] == 1
    varve.ok("alter", "p", "unset", "varve.partitionFrom")
    varve.ok("update", "p", "--set", "v = v + 1", "--where", "sym = 'B'")  # without
    refuse(varve)


@pytest.mark.parametrize("words", [
    ["alter", "p", "set", "varve.orderBy=v"], ["alter", "p", "unset", "varve.orderBy"],
    ["adopt", "p", "--order-by", "v"]])
def test_a_rule_that_nobody_goes_by_comes_with_the_order_column(free, words):
    """The order column derives no date, though older software has said that it does."""
    free.upsert("p", "ts,sym,ts2,date\n2025-01-01T10:00Z,A,2025-01-01T01:00Z,2025-01-01\n"
                     "2025-01-02T10:00Z,A,2025-01-03T01:00Z,2025-01-02\n")
    log = free.table("p") / "_delta_log"
    meta = json.loads((log / f"{1:020d}.json").read_text().splitlines()[-1])
    meta["metaData"]["configuration"].update({"varve.orderBy": "ts2",
                                              "varve.partitionFrom": "date=ts2"})
    path = log / f"{free.version('p') + 1:020d}.json"
    path.write_text(json.dumps(meta) + "\n")
    done = free.run(*words)
    assert done.returncode == 3 and "1 row of table p lies under another date" in done.stderr
    free.ok("adopt", "p", "--order-by", "v", "--dedupe")
    free.ok("alter", "p", "unset", "varve.orderBy")
    assert {row["date"] for row in free.rows("scan", "p")} == {"2025-01-01", "2025-01-03"}


def test_what_an_unseen_rule_has_left_is_found_and_moved(free):
    """As an earlier build set it, or another engine sets it."""
    free.upsert("p", LATE)
    log = free.table("p") / "_delta_log"
    meta = json.loads((log / f"{1:020d}.json").read_text().splitlines()[-1])
    meta["metaData"]["configuration"]["varve.partitionFrom"] = "date=ts"
    (log / f"{free.version('p') + 1:020d}.json").write_text(json.dumps(meta) + "\n")
    assert free.run("verify", "p").returncode == 0
    done = free.run("verify", "p", "--deep", "--json")
    (found,) = json.loads(done.stdout)["findings"]
    assert (done.returncode, found["kind"]) == (10, "date.wrong")
    assert "1 row lies under another date than the UTC date of ts" in found["message"]
    assert "nobody looks for it" in found["message"]
    assert "such as date = 2025-01-03, ts = 2025-01-02 23:00:00" in found["message"]
    checks = json.loads(free.ok("doctor", "p", "--keys", "--json"))["health"]
    assert [one["count"] for one in checks if one["check"] == "dates"] == [1]
    free.ok("adopt", "p", "--dedupe")
    free.ok("verify", "p", "--deep")
    checks = json.loads(free.ok("doctor", "p", "--keys", "--json"))["health"]
    assert [one["good"] for one in checks if one["check"] == "dates"] == [True]
