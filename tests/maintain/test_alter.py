"""Alter: the rules change, the rows stay, and every engine that can read the table reads the same."""

import json
import subprocess

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from deltalake import DeltaTable, QueryBuilder, write_deltalake

TABLE = "ticks"
SCHEMA = ("ts timestamp not null, sym string not null, price double, size int, tag string "
          "not null, date date not null")
HEAD = "ts,sym,price,size,tag\n"


@pytest.fixture
def ticks(varve):
    varve.ok("create", TABLE, "--schema", SCHEMA, "--partition-by", "date", "--key", "ts,sym",
             "--zorder", "ts,sym", "--check", "cheap: price IS NULL OR price < 1000")
    varve.upsert(TABLE, HEAD + "2025-01-10T10:00:00Z,A,1.5,7,x\n2025-01-11T10:00:00Z,B,,,y\n")
    return varve


def alter(varve, *arguments):
    return json.loads(varve.ok("alter", TABLE, *arguments, "--json"))


def rows(varve, *arguments):
    return sorted(varve.rows("scan", TABLE, *arguments), key=lambda row: str(list(row.values())))


def describe(varve):
    return json.loads(varve.ok("describe", TABLE, "--json"))


def columns(varve):
    return [(field["name"], field["type"], field["nullable"])
            for field in describe(varve)["schema"]]


def theirs(varve):
    """By deltalake's query engine: its way to pyarrow knows no column mapping."""
    query = QueryBuilder().register("t", DeltaTable(str(varve.table(TABLE))))
    return pa.table(query.execute("SELECT * FROM t").read_all())


def entry(varve):
    return varve.rows("history", TABLE, "--limit", "1")[0]


def test_a_new_column_is_null_in_the_rows_that_are_there(ticks):
    before = rows(ticks)
    assert alter(ticks, "add-column", "note string after price")["diff"] == [
        "+ column note string"]
    assert [name for name, _, _ in columns(ticks)][2:4] == ["price", "note"]
    assert [{k: v for k, v in row.items() if k != "note"} for row in rows(ticks)] == before
    assert {row["note"] for row in rows(ticks)} == {None}
    ticks.upsert(TABLE, "ts,sym,tag,note\n2025-01-12T00:00:00Z,C,z,hello\n")
    assert theirs(ticks)["note"].to_pylist().count("hello") == 1
    assert entry(ticks)["operation"] == "MERGE"
    assert ticks.rows("history", TABLE, "--limit", "2")[1]["operation"] == "ADD COLUMNS"
    assert rows(ticks, "--version", "1") == before


def test_a_renamed_column_keeps_its_values_and_its_roles(ticks):
    before = [list(row.values()) for row in rows(ticks)]
    done = ticks.run("alter", TABLE, "rename-column", "sym", "symbol")
    assert done.returncode == 7
    assert "--upgrade" in done.stderr and "reader 1, writer 3 -> reader 2, writer 5" in done.stderr
    alter(ticks, "rename-column", "sym", "symbol", "--upgrade")
    assert [list(row.values()) for row in rows(ticks)] == before
    assert (describe(ticks)["key"], describe(ticks)["zorder"]) == (["ts", "symbol"],) * 2
    result = ticks.upsert(TABLE, "ts,symbol,price,tag\n2025-01-10T10:00:00Z,A,2.5,x\n"
                          "2025-01-10T11:00:00Z,A,2.5,x\n")
    assert (result["updated"], result["inserted"]) == (1, 1)
    alter(ticks, "rename-column", "date", "day")  # a partition column, and no upgrade any more
    ticks.upsert(TABLE, "ts,symbol,price,tag\n2025-01-13T10:00:00Z,D,1,x\n")
    assert theirs(ticks).column_names == ["ts", "symbol", "price", "size", "tag", "day"]
    assert theirs(ticks).num_rows == len(rows(ticks)) == 4
    assert entry(ticks)["operation"] == "MERGE"
    ticks.ok("optimize", TABLE)
    ticks.ok("checkpoint", TABLE)
    assert theirs(ticks).num_rows == len(rows(ticks)) == 4
    assert [list(row.values()) for row in rows(ticks, "--version", "1")] == before


def test_a_dropped_column_is_gone_and_a_new_one_of_its_name_is_empty(ticks):
    alter(ticks, "drop-column", "size", "--upgrade")
    assert all("size" not in row for row in rows(ticks))
    alter(ticks, "add-column", "size int")
    assert {row["size"] for row in rows(ticks)} == {None}
    ticks.upsert(TABLE, "ts,sym,size,tag\n2025-01-12T00:00:00Z,C,5,z\n")
    assert sorted(theirs(ticks)["size"].to_pylist(), key=str) == [5, None, None]
    assert {row["size"] for row in rows(ticks, "--version", "1")} == {7, None}


def test_theirs_appended_to_a_mapped_table_is_read(ticks):
    alter(ticks, "rename-column", "size", "lots", "--upgrade")
    table = theirs(ticks).slice(0, 1)
    try:
        write_deltalake(str(ticks.table(TABLE)), table, mode="append")
    except Exception as error:  # deltalake does not write every table with CHECK under mapping
        pytest.skip(f"deltalake: {error}")
    assert len(rows(ticks)) == 3


@pytest.mark.parametrize("column, wider, name", [
    ("size", "bigint", "long"), ("size", "double", "double"), ("size", "decimal(12,2)",
                                                               "decimal(12,2)")])
def test_a_widened_column_reads_old_files_and_takes_new_values(ticks, column, wider, name):
    before = [row["size"] for row in rows(ticks)]
    assert ticks.run("alter", TABLE, "widen", column, wider).returncode == 7
    assert alter(ticks, "widen", column, wider, "--upgrade")["changed"]
    assert dict((c[0], c[1]) for c in columns(ticks))[column] == name
    assert [row["size"] and float(row["size"]) for row in rows(ticks)] == [
        value and float(value) for value in before]
    ticks.upsert(TABLE, "ts,sym,size,tag\n2025-01-12T00:00:00Z,C,3000000000,z\n")
    assert 3e9 in {float(row["size"] or 0) for row in rows(ticks)}
    ticks.ok("optimize", TABLE)
    assert 3e9 in {float(row["size"] or 0) for row in rows(ticks)}
    assert not alter(ticks, "widen", column, wider)["changed"]
    assert describe(ticks)["protocol"]["readerFeatures"] == ["typeWidening"]


def test_a_column_may_be_null_or_stand_elsewhere(ticks):
    alter(ticks, "drop-not-null", "tag")
    ticks.upsert(TABLE, "ts,sym\n2025-01-12T00:00:00Z,C\n")
    alter(ticks, "move-column", "tag")
    assert columns(ticks)[0] == ("tag", "string", True)
    alter(ticks, "move-column", "tag", "sym")
    assert [name for name, _, _ in columns(ticks)][:3] == ["ts", "sym", "tag"]
    assert theirs(ticks).num_rows == 3


def test_properties(ticks):
    result = alter(ticks, "set", "delta.checkpointInterval=3", "owner=desk")
    assert result["diff"] == ["+ delta.checkpointInterval = 3", "+ owner = desk"]
    assert entry(ticks)["operation"] == "SET TBLPROPERTIES"
    assert not alter(ticks, "set", "owner=desk")["changed"]
    alter(ticks, "unset", "owner")
    assert "owner" not in describe(ticks)["properties"]
    assert entry(ticks)["operation"] == "UNSET TBLPROPERTIES"


def test_a_constraint_holds_from_then_on_and_for_everybody(ticks):
    alter(ticks, "add-constraint", "tagged", "length(tag) < 3")
    assert ticks.run("upsert", TABLE, "-", "--input-format", "csv",
                     stdin=HEAD + "2025-01-12T00:00:00Z,C,1,1,long\n").returncode == 3
    bad = theirs(ticks).slice(0, 1).set_column(4, "tag", pa.array(["long"]))
    with pytest.raises(Exception, match="validation check|tagged"):
        write_deltalake(str(ticks.table(TABLE)), bad, mode="append")
    alter(ticks, "drop-constraint", "tagged")
    ticks.upsert(TABLE, HEAD + "2025-01-12T00:00:00Z,C,1,1,long\n")


def test_a_constraint_that_rows_break_names_them(ticks):
    version = ticks.version(TABLE)
    done = ticks.run("alter", TABLE, "add-constraint", "positive", "size > 0")
    assert done.returncode == 3
    assert "1 row of table" in done.stderr and "'sym': B" in done.stderr
    assert ticks.version(TABLE) == version


def test_the_protocol_can_be_raised(ticks):
    alter(ticks, "upgrade", "deletionVectors")
    protocol = describe(ticks)["protocol"]
    assert (protocol["minReaderVersion"], protocol["minWriterVersion"]) == (3, 7)
    assert {"deletionVectors", "appendOnly", "invariants", "checkConstraints"} == set(
        protocol["writerFeatures"])
    assert entry(ticks)["operation"] == "UPGRADE PROTOCOL"
    assert json.loads(entry(ticks)["operationParameters"]["newProtocol"])["minReaderVersion"] == 3
    assert theirs(ticks).num_rows == 2


def test_the_last_column_beside_partition_columns_stays(varve):
    varve.ok("create", TABLE, "--schema", "p string, q int, r int", "--partition-by", "p", "--key", "p")
    assert alter(varve, "drop-column", "r", "--upgrade")["changed"]
    done = varve.run("alter", TABLE, "drop-column", "q", "--upgrade")
    assert done.returncode == 2 and "q is the last one that is no partition column" in done.stderr
    assert varve.upsert(TABLE, "p,q\na,1\n")["inserted"] == 1


def test_a_trial_writes_nothing(ticks):
    version = ticks.version(TABLE)
    result = alter(ticks, "drop-column", "size", "--upgrade", "--dry-run")
    assert result["changed"] and "- column size" in result["diff"]
    assert ticks.version(TABLE) == version


@pytest.mark.parametrize("words, status, message", [
    (["frobnicate", "x"], 2, "alter can:"),
    (["rename-column", "a"], 2, "OLD NEW"),
    (["rename-column", "nope", "b"], 2, "no column nope"),
    (["rename-column", "price", "", "--upgrade"], 2, "word 2 of it is empty; say it as: rename-column OLD NEW"),
    (["rename-column", "price", "  ", "--upgrade"], 2, "word 2 of it is empty"),
    (["rename-column", "price", "x\udcff", "--upgrade"], 2, r'"x\xff" is not UTF-8'),
    (["move-column", "price", ""], 2, "word 2 of it is empty; say it as: move-column COLUMN [AFTER]"),
    (["drop-column", ""], 2, "word 1 of it is empty"),
    (["set", "a=b", ""], 2, "word 2 of it is empty"),
    (["unset", " "], 2, "word 1 of it is empty"),
    (["drop-constraint", ""], 2, "word 1 of it is empty"),
    (["rename-column", "sym", "PRICE", "--upgrade"], 2, "already"),
    (["rename-column", "price", "cost", "--upgrade"], 2, "constraint cheap"),
    (["drop-column", "sym", "--upgrade"], 2, "in the key"),
    (["drop-column", "date", "--upgrade"], 2, "partition column"),
    (["drop-column", "price", "--upgrade"], 2, "constraint cheap"),
    (["add-column", "price double"], 2, "already"),
    (["add-column", "x double not null"], 2, "NOT NULL"),
    (["add-column", "x nonsense"], 2, ""),
    (["add-column", "x int after nope"], 2, "no column nope"),
    (["add-column", "x int, y int"], 2, "one column"),
    (["widen", "size", "smallint", "--upgrade"], 2, "no wider"),
    (["widen", "price", "decimal(10,2)", "--upgrade"], 2, "no wider"),
    (["widen", "sym", "int", "--upgrade"], 2, "no wider"),
    (["drop-not-null", "sym"], 2, "in the key"),
    (["set", "delta.appendOnly=perhaps"], 2, "true or false"),
    (["set", "delta.logRetentionDuration=soon"], 2, "time span"),
    (["set", "varve.key=ts,nope"], 2, "nope"),
    (["set", "delta.constraints.x=1"], 2, "add-constraint"),
    (["set", "noequals"], 2, "name=value"),
    (["unset", "nope"], 2, "no property nope"),
    (["add-constraint", "x", "price >"], 2, "ends too early"),
    (["add-constraint", "", "price > 0"], 2, "word 1 of it is empty"),
    (["add-constraint", "x", "nope > 1"], 2, "nope"),
    (["add-constraint", "a b", "size > 1"], 2, "no name"),
    (["add-constraint", "cheap", "price < 5"], 2, "drop it first"),
    (["drop-constraint", "nope"], 2, "no constraint nope"),
    (["upgrade", "timeTravel"], 7, "timeTravel"),
])
def test_what_makes_no_sense_changes_nothing(ticks, words, status, message):
    version = ticks.version(TABLE)
    done = ticks.run("alter", TABLE, *words)
    assert done.returncode == status, done.stderr
    assert message in done.stderr
    assert ticks.version(TABLE) == version


def test_an_upsert_at_the_same_time_is_judged_by_the_new_rules(ticks):
    """Writers that began before a change of the table end after it, by its rules."""
    writers = [subprocess.Popen(
        ["sh", "-c", f"for i in 1 2 3 4 5 6; do printf 'ts,sym,price,size,tag\\n"
         f"2025-02-0%dT00:00:00Z,W{number},1,1,t\\n' $i | '{ticks.program}' --lake '{ticks.lake}' "
         f"upsert {TABLE} - --input-format csv || exit 1; done"], stderr=subprocess.PIPE)
        for number in range(2)]
    for number in range(6):
        alter(ticks, "add-column", f"extra{number} int")
    assert [writer.wait() for writer in writers] == [0, 0], writers[0].stderr.read()
    assert len(rows(ticks)) == 2 + 12 and len(columns(ticks)) == 6 + 6


def test_a_new_key_is_one_that_no_two_rows_share(market):
    market.upsert("market_regimes", "timestamp,symbol,regime\n2025-01-30T10:00:00Z,SPY,bullish_low\n"
                                    "2025-01-30T10:00:00Z,QQQ,bullish_low\n")
    done = market.run("alter", "market_regimes", "set", "varve.key=timestamp")
    assert done.returncode == 3 and "1 key would be there more than once" in done.stderr
    assert "2025-01-30 10:00:00" in done.stderr and market.version("market_regimes") == 1
    market.ok("alter", "market_regimes", "set", "varve.key=timestamp,symbol,regime")
    assert len(market.rows("scan", "market_regimes")) == 2


def test_a_new_key_is_one_that_every_row_has(varve):
    varve.ok("create", "t", "--schema", "id bigint not null, g string", "--key", "id")
    varve.upsert("t", "id,g\n1,a\n2,\n3,c\n")
    for key in ("g", "id,g"):
        done = varve.run("alter", "t", "set", f"varve.key={key}")
        assert (done.returncode, varve.version("t")) == (3, 1)
        assert "1 of 3 rows of table t has NULL in the key: no row can be told by that" in done.stderr
    varve.ok("delete", "t", "--where", "g IS NULL")
    varve.ok("alter", "t", "set", "varve.key=g")
    assert varve.upsert("t", "id,g\n4,a\n")["updated"] == 1


@pytest.mark.parametrize("kind", ["struct<a int>", "array<int>", "map<string,int>"])
def test_a_mapped_table_takes_no_nested_column(ticks, tmp_path, kind):
    alter(ticks, "rename-column", "size", "lots", "--upgrade")
    before = ticks.version(TABLE)
    done = ticks.run("alter", TABLE, "add-column", f"q {kind}")
    assert done.returncode == 7 and "column q is nested" in done.stderr, done.stderr
    value = {"s": {"a": 1}, "a": [1], "m": [("a", 1)]}[kind[0]]
    types = {"s": pa.struct([("a", pa.int32())]), "a": pa.list_(pa.int32()), "m": pa.map_(pa.string(), pa.int32())}
    rows_of = pa.table({"ts": pa.array([1736503200000000], pa.timestamp("us", "UTC")), "sym": ["A"],
                        "tag": ["x"], "q": pa.array([value], types[kind[0]])})
    pq.write_table(rows_of, tmp_path / "q.parquet")
    for command in (("upsert", TABLE, tmp_path / "q.parquet"),
                    ("merge", TABLE, "--source", tmp_path / "q.parquet", "--on", "t.ts = s.ts and t.sym = s.sym",
                     "--when-not-matched", "insert *", "--when-matched", "update *")):
        done = ticks.run(*command, "--evolve")
        assert done.returncode == 7 and "column q is nested" in done.stderr, (command, done.stderr)
    assert ticks.version(TABLE) == before
