"""Statements on tables that others have stumbled over: odd names, odd partitions, nested columns,
values that almost fit."""

import json

import pytest
from deltalake import DeltaTable, QueryBuilder


def theirs(varve, table="t"):
    found = QueryBuilder().register("t", DeltaTable(str(varve.table(table)))).execute("SELECT * FROM t")
    return sorted(json.dumps(row, default=str, sort_keys=True)
                  for row in found.read_all().to_struct_array().to_pylist())


def rows(varve, table="t", order="k"):
    return sorted(varve.rows("scan", table), key=lambda row: row[order])


def ndjson(*lines):
    return "".join(json.dumps(line) + "\n" for line in lines)


def merge(varve, lines, *clauses, on="t.k = s.k", table="t"):
    return json.loads(varve.ok("merge", table, "--source", "-", "--input-format", "ndjson", "--on", on,
                               *clauses, "--json", stdin=ndjson(*lines)))


UPSERT = ("--when-matched", "update *", "--when-not-matched", "insert *")


def test_names_with_dashes_quotes_dots_and_capitals(varve):
    names = ["order-id", "Größe", 'say"x"', "a.b", "camelCase", "select"]
    varve.ok("create", "t", "--key", "`order-id`", "--schema",
             "`order-id` bigint not null, " + ", ".join(f"`{name}` bigint" for name in names[1:]))
    merge(varve, [{name: number for name in names} for number in (1, 2)], *UPSERT,
          on='t."order-id" = s."order-id"')
    merge(varve, [{name: 2 if name == "order-id" else 7 for name in names}],
          "--when-matched", 'and t."camelCase" = 2 update set "say""x""" = s."a.b", "a.b" = t."select"',
          on='t."order-id" = s."order-id"')
    varve.ok("update", "t", "--set", '"camelCase" = "Größe" + 1', "--where", '"a.b" = 1')
    varve.ok("delete", "t", "--where", '"say""x""" = 99')
    assert rows(varve, order="order-id") == [
        {**{name: 1 for name in names}, "camelCase": 2},
        {**{name: 2 for name in names}, 'say"x"': 7}]


@pytest.mark.parametrize("kind, values", [
    ("string", ["a b", "a/b", "ü%20", "x=y", "'"]), ("date", ["2025-01-30", "0001-01-01", "9999-12-31"]),
    ("timestamp", ["2025-01-30T10:00:00.000000Z", "2025-01-30T10:00:00.123456Z"]),
    ("boolean", [True, False]), ("decimal(20,4)", [1.5, -0.0001]), ("double", [1.5, -1e300])])
def test_merging_the_same_into_odd_partitions_changes_nothing(varve, kind, values):
    varve.ok("create", "t", "--key", "k", "--schema", f"k bigint not null, p {kind}, v int",
             "--partition-by", "p")
    lines = [{"k": k, "p": value, "v": 1} for k, value in enumerate([*values, None])]
    done = merge(varve, lines, *UPSERT)
    assert done["inserted"] == len(lines)
    first = rows(varve)
    assert [row["k"] for row in first] == list(range(len(lines)))
    done = merge(varve, lines, *UPSERT, on="t.k = s.k AND t.p IS NOT DISTINCT FROM s.p")
    assert (done["updated"], done["inserted"]) == (len(lines), 0)
    assert rows(varve) == first
    upserted = varve.upsert("t", ndjson(*lines))
    assert upserted["unchanged"] == len(lines)
    varve.ok("optimize", "t", "--zorder", "k,v")
    varve.ok("vacuum", "t", "--yes")
    assert rows(varve) == first


def test_a_source_brings_a_column_into_a_partitioned_table(varve):
    varve.ok("create", "t", "--key", "k", "--schema", "k bigint not null, p string", "--partition-by", "p")
    merge(varve, [{"k": 1, "p": "a"}, {"k": 2, "p": "b"}], *UPSERT)
    done = merge(varve, [{"k": 2, "p": "b", "more": "x"}, {"k": 3, "p": "a", "more": "y"}],
                 *UPSERT, "--evolve")
    assert (done["inserted"], done["updated"]) == (1, 1)
    assert [(row["p"], row["more"]) for row in rows(varve)] == [
        ("a", None), ("b", "x"), ("a", "y")]


def test_booleans_and_constants_in_conditions(varve):
    varve.ok("create", "t", "--key", "k", "--schema", "k bigint not null, b boolean")
    merge(varve, [{"k": k, "b": k % 2 == 0} for k in range(6)], *UPSERT)
    assert merge(varve, [{"k": 9}], "--when-matched", "and t.b delete", on="t.b AND s.k = 9")["deleted"] == 3
    assert merge(varve, [{"k": 1}], "--when-matched", "and false update set b = true")["updated"] == 0
    assert merge(varve, [{"k": 1}], "--when-matched", "and true and not t.b delete")["deleted"] == 1
    assert json.loads(varve.ok("delete", "t", "--where", "b = false AND 1 = 1", "--json"))["deleted"] == 2
    assert rows(varve) == []


def test_nested_values_and_null_within_them_survive(varve):
    varve.ok("create", "t", "--key", "k", "--schema",
             "k bigint not null, l array<string>, s struct<a: int, b: struct<c: string>>, "
             "m map<string, int>, n bigint")
    lines = [{"k": 1, "l": ["x", None, ""], "s": {"a": None, "b": {"c": None}}, "m": {"z": None}, "n": 1},
             {"k": 2, "l": [], "s": {"a": 1, "b": None}, "m": {}, "n": 1},
             {"k": 3, "l": None, "s": None, "m": None, "n": 1}]
    merge(varve, lines, *UPSERT)
    first = rows(varve)
    assert [{**row, "m": None} for row in first] == [{**line, "m": None} for line in lines]
    merge(varve, [{"k": k} for k in (1, 2, 3)], "--when-matched", "update set n = t.n + 1")
    varve.ok("update", "t", "--set", "n = n + 1", "--where", "true")
    varve.ok("optimize", "t")
    assert rows(varve) == [{**row, "n": 3} for row in first]


def test_a_struct_with_a_field_named_as_the_partition(varve):
    varve.ok("create", "t", "--key", "k", "--schema", "k bigint not null, p string, s struct<p: int, q: int>",
             "--partition-by", "p")
    for k in range(4):
        varve.upsert("t", ndjson({"k": k, "p": "ab"[k % 2], "s": {"p": k, "q": -k}}))
    before = rows(varve)
    done = json.loads(varve.ok("optimize", "t", "--json"))
    assert (done["files_removed"], done["files_added"]) == (4, 2)
    assert rows(varve) == before
    assert [row["s"]["p"] for row in before] == [0, 1, 2, 3]


def test_a_condition_on_one_of_two_partition_columns(varve):
    varve.ok("create", "t", "--key", "k", "--schema", "k bigint not null, p string, q int",
             "--partition-by", "p,q")
    for k in range(8):
        varve.upsert("t", ndjson({"k": k, "p": "ab"[k % 2], "q": k // 4}))
    before = rows(varve)
    done = json.loads(varve.ok("optimize", "t", "--where", "p = 'a'", "--json"))
    assert (done["files_removed"], done["files_added"]) == (4, 2)
    assert rows(varve) == before
    parts = [json.dumps(row["partition"], sort_keys=True) for row in varve.rows("files", "t")]
    assert (len(parts), len(set(parts))) == (6, 4)


def test_a_table_whose_columns_came_one_by_one_is_packed(varve):
    varve.ok("create", "t", "--key", "k", "--schema", "k bigint not null")
    for k in range(4):
        varve.ok("upsert", "t", "-", "--input-format", "ndjson", "--evolve",
                 stdin=ndjson({"k": k, **{f"c{n}": n for n in range(k)}}))
    before = rows(varve)
    assert json.loads(varve.ok("optimize", "t", "--json"))["files_added"] == 1
    assert rows(varve) == before and before[3]["c2"] == 2 and before[0]["c2"] is None


def test_values_that_almost_fit(varve):
    varve.ok("create", "t", "--key", "k", "--schema", "k int not null, d decimal(6,2), s string")
    assert merge(varve, [{"k": "7", "d": "12.50", "s": 5}], *UPSERT)["inserted"] == 1
    assert rows(varve) == [{"k": 7, "d": 12.5, "s": "5"}]
    for line in ({"k": 1, "d": "1.555"}, {"k": 1, "d": 123456.0}, {"k": 1, "d": "much"},
                 {"k": 5000000000, "d": 1}, {"d": 1}):
        before = varve.version("t")
        done = varve.run("merge", "t", "--source", "-", "--input-format", "ndjson", "--on", "t.k = s.k",
                         *UPSERT, stdin=ndjson(line))
        assert done.returncode == 3, (line, done.stderr)
        assert varve.version("t") == before
    done = merge(varve, [{"k": 1, "x": "7.25"}], "--when-not-matched",
                 "insert (k, d) values (s.k, CAST(s.x AS DECIMAL(6,2)))")
    assert done["inserted"] == 1 and rows(varve)[0]["d"] == 7.25


def test_a_merge_of_decimals_meets_equal_ones(varve):
    varve.ok("create", "t", "--schema", "k decimal(38,10) not null, v int", "--key", "k")
    merge(varve, [{"k": "1.5000000000", "v": 1}, {"k": "99999999999999999999.0000000001", "v": 2}], *UPSERT)
    done = merge(varve, [{"k": "1.5", "v": 7}, {"k": "99999999999999999999.0000000001", "v": 8}], *UPSERT)
    assert (done["updated"], done["inserted"]) == (2, 0)


def test_a_merge_that_has_nothing_to_do_leaves_an_empty_table_as_it_is(varve):
    varve.ok("create", "t", "--key", "k", "--schema", "k bigint not null, v int")
    before = varve.ok("describe", "t", "--json")
    done = merge(varve, [{"k": 1, "v": 1}], "--when-matched", "update *")
    assert done["version"] == 0 and varve.ok("describe", "t", "--json") == before


def test_many_unique_keys_are_ambiguous_to_nobody(varve):
    """A check that counts by something else than rows finds some among so many."""
    varve.ok("create", "t", "--key", "k", "--schema", "k bigint not null, v bigint")
    csv = "k,v\n" + "".join(f"{k},{k}\n" for k in range(150000))
    varve.upsert("t", csv)
    done = json.loads(varve.ok("merge", "t", "--source", "-", "--input-format", "csv", "--on", "t.k = s.k",
                               "--when-matched", "update set v = s.v + 1", "--json", stdin=csv))
    assert done["updated"] == 150000
    counted = varve.rows("query", "SELECT count(*) AS n, sum(v - k) AS d FROM t")
    assert [int(value) for value in counted[0].values()] == [150000, 150000]


def test_expressions_of_constraints_are_kept_as_they_are(varve):
    varve.ok("create", "t", "--key", "k", "--schema", "k bigint not null, `high-price` double, s string",
             "--check", "high: `high-price` > 0.0", "--check", "kind: s IN ('a', 'bc') OR s LIKE 'x%'")
    (path,) = (varve.table("t") / "_delta_log").glob("*.json")
    text = path.read_text()
    assert "`high-price` > 0.0" in text and "s IN ('a', 'bc') OR s LIKE 'x%'" in text
    assert varve.upsert("t", ndjson({"k": 1, "high-price": 1.5, "s": "xyz"}))["inserted"] == 1
    done = varve.run("upsert", "t", "-", "--input-format", "ndjson",
                     stdin=ndjson({"k": 2, "high-price": -1, "s": "a"}))
    assert done.returncode == 3 and "high" in done.stderr


def test_a_whole_partition_is_deleted_though_its_rows_are_not_counted(varve):
    varve.ok("create", "t", "--key", "k", "--schema", "k bigint not null, p string", "--partition-by", "p")
    varve.upsert("t", ndjson({"k": 1, "p": "a"}, {"k": 2, "p": "a"}, {"k": 3, "p": "b"}))
    path = varve.table("t") / "_delta_log" / f"{1:020}.json"
    lines = [json.loads(line) for line in path.read_text().splitlines()]
    for line in lines:
        line.get("add", {}).pop("stats", None)
    path.write_text("".join(json.dumps(line) + "\n" for line in lines))
    done = json.loads(varve.ok("delete", "t", "--where", "p = 'a'", "--json"))
    assert done["deleted"] == 2
    assert [row["k"] for row in rows(varve)] == [3]


@pytest.mark.parametrize("statement", [
    ("delete", "t", "--where", "k = 1"), ("update", "t", "--set", "v = 9", "--where", "k = 1"),
    ("optimize", "t"), ("merge",)])
def test_statistics_are_of_the_columns_that_the_table_says(varve, statement):
    varve.ok("create", "t", "--key", "k", "--schema", "k bigint not null, v int, w int, `a.b` int",
             "--property", "delta.dataSkippingStatsColumns=w,`a.b`")
    for first in (1, 11):
        varve.upsert("t", ndjson(*({"k": first + n, "v": n, "w": n, "a.b": n} for n in range(3))))
    if statement == ("merge",):
        merge(varve, [{"k": 1, "v": 5, "w": 5, "a.b": 5}], *UPSERT)
    else:
        varve.ok(*statement)
    log = varve.table("t") / "_delta_log" / f"{varve.version('t'):020}.json"
    stats = [json.loads(line["add"]["stats"]) for line in map(json.loads, log.read_text().splitlines())
             if "add" in line]
    assert stats and all(set(one["minValues"]) == {"w", "a.b"} == set(one["nullCount"]) for one in stats)


def test_vacuum_of_a_partition_of_null(varve):
    varve.ok("create", "t", "--key", "k", "--schema", "k bigint not null, p string", "--partition-by", "p",
             "--property", "delta.deletedFileRetentionDuration=interval 0 seconds")
    varve.upsert("t", ndjson({"k": 1, "p": None}, {"k": 2, "p": None}))
    varve.ok("delete", "t", "--where", "k = 1")
    varve.ok("vacuum", "t", "--yes")
    assert rows(varve) == [{"k": 2, "p": None}]
    assert len(theirs(varve)) == 1
    assert len(list(varve.table("t").rglob("*.parquet"))) == 1


def test_a_restore_by_time_goes_on_with_checkpoints(varve):
    varve.ok("create", "t", "--key", "k", "--schema", "k bigint not null",
             "--property", "delta.checkpointInterval=2")
    for k in range(3):
        varve.upsert("t", ndjson({"k": k}))
    then = varve.rows("history", "t")[1]["timestamp"]
    varve.ok("restore", "t", "--timestamp", then, "--yes")
    assert [row["k"] for row in rows(varve)] == [0, 1]
    assert (varve.table("t") / "_delta_log" / f"{4:020}.checkpoint.parquet").exists()
    assert theirs(varve) == ['{"k": 0}', '{"k": 1}']
