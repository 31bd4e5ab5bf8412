"""Optimize: the rows stay, the files become few, nobody is disturbed."""

import datetime as dt
import json
import os
import random
import signal
import subprocess

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from deltalake import DeltaTable, write_deltalake

TABLE = "ticks"
SCHEMA = ("ts timestamp not null, sym string not null, price double, note string, "
          "date date not null")
HEAD = "ts,sym,price,note\n"
DAYS = ("2025-01-10", "2025-01-11", "2025-01-12")


@pytest.fixture
def ticks(varve):
    varve.ok("create", TABLE, "--schema", SCHEMA, "--partition-by", "date", "--key", "ts,sym")
    return varve


def fill(varve, batches, seed=1, rows=40):
    """So many commits of rows over three days: each day has as many small files."""
    chance = random.Random(seed)
    for number in range(batches):
        lines = [f"{chance.choice(DAYS)}T{chance.randrange(24):02d}:{chance.randrange(60):02d}:"
                 f"{number:02d}.{row:06d}Z,S{chance.randrange(9)},{chance.gauss(100, 9):.3f},"
                 for row in range(rows)]
        varve.upsert(TABLE, HEAD + "\n".join(lines) + "\n")


def rows(varve, *arguments):
    return sorted(varve.ok("scan", TABLE, "--format", "csv", *arguments).splitlines())


def optimize(varve, *arguments, table=TABLE):
    return json.loads(varve.ok("optimize", table, "--json", *arguments))


def files(varve, *arguments, table=TABLE):
    return varve.rows("files", table, *arguments)


def path(varve):
    return str(varve.table(TABLE))


def test_many_files_become_one_a_partition_and_the_rows_stay(ticks):
    fill(ticks, 6)
    before, version = rows(ticks), ticks.version(TABLE)
    result = optimize(ticks)
    assert (result["commits"], result["partitions"], result["files_added"]) == (1, 3, 3)
    assert result["files_removed"] == len(files(ticks, "--at", version))
    assert rows(ticks) == before
    assert rows(ticks, "--at", version) == before
    assert len(files(ticks)) == 3
    assert result["rows"] == len(before) - 1


def test_rows_lie_in_the_order_of_the_key(ticks):
    fill(ticks, 5)
    optimize(ticks)
    for file in files(ticks):
        table = pq.read_table(ticks.table(TABLE) / file["path"])
        keys = list(zip(table["ts"].to_pylist(), table["sym"].to_pylist()))
        assert keys == sorted(keys)


def test_a_file_of_one_row_group_is_halved_in_order(ticks):
    """NaN is known of each of them, though the engine tells it of the last one alone."""
    minutes = pa.array(dt.datetime(2025, 1, 10) + dt.timedelta(milliseconds=500 * number)
                       for number in range(90_000))
    prices = [float("nan") if number == 7 else number / 4 for number in range(90_000)]
    stored = pa.table({"ts": minutes.cast(pa.timestamp("us", "UTC")), "sym": ["A"] * 90_000, "price": prices,
                       "note": ["n"] * 90_000,
                       "date": pa.array([dt.date(2025, 1, 10)] * 90_000)})
    for first in (45_000, 0):
        write_deltalake(path(ticks), stored.slice(first, 45_000), mode="append")
    assert optimize(ticks)["files_added"] == 1
    [packed] = files(ticks)
    file = pq.ParquetFile(os.path.join(path(ticks), packed["path"]))
    groups = [file.metadata.row_group(index) for index in range(file.num_row_groups)]
    assert [group.num_rows for group in groups] == [45_056, 44_944]
    assert file.read(["ts"]).column("ts").combine_chunks().equals(stored["ts"].combine_chunks())
    assert ticks.rows("query", f"SELECT count(*) AS n FROM {TABLE} WHERE price > 1e9") == [{"n": 1}]


def test_a_second_run_does_nothing(ticks):
    fill(ticks, 4)
    for arguments in ([], ["--zorder", "ts,sym"], ["--zorder", "price", "--target-size", "1KB"]):
        assert optimize(ticks, *arguments)["commits"] == 1
        version = ticks.version(TABLE)
        again = optimize(ticks, *arguments)
        assert (again["commits"], again["files_removed"], again["version"]) == (0, 0, version)


def test_new_files_are_packed_with_the_small_ones_that_are_there(ticks):
    fill(ticks, 3)
    optimize(ticks)
    fill(ticks, 1, seed=2)
    before = rows(ticks)
    assert optimize(ticks)["files_added"] == 3
    assert len(files(ticks)) == 3 and rows(ticks) == before


def test_files_of_the_target_size_are_left(ticks):
    fill(ticks, 4)
    least = min(file["bytes"] for file in files(ticks))
    assert optimize(ticks, "--target-size", str(least))["commits"] == 0
    packed = optimize(ticks, "--target-size", str(least * 5 // 2))
    assert 3 < packed["files_added"] < packed["files_removed"]


def test_the_table_property_says_the_target(ticks):
    ticks.ok("create", "small", "--schema", SCHEMA, "--partition-by", "date", "--key", "ts,sym",
             "--property", "delta.targetFileSize=1k")
    for number in range(3):
        ticks.upsert("small", HEAD + f"2025-01-10T00:00:0{number}Z,A,1,\n")
    assert optimize(ticks, table="small")["commits"] == 0
    assert optimize(ticks, "--target-size", "1MB", table="small")["files_added"] == 1


def test_a_condition_chooses_partitions(ticks):
    fill(ticks, 3)
    result = optimize(ticks, "--where", "date = '2025-01-11' OR date > '2025-01-11'")
    assert result["partitions"] == 2
    left = [file for file in files(ticks) if '2025-01-10' in file["path"]]
    assert len(left) == 3
    dry = optimize(ticks, "--dry-run")
    assert (dry["partitions"], dry["files_removed"], dry["commits"]) == (1, 3, 0)


@pytest.mark.parametrize("arguments, words", [
    (["--where", "sym = 'S1'"], "partition columns"),
    (["--where", "date ="], "syntax"),
    (["--where", "date = (SELECT max(date) FROM ticks)"], ""),
    (["--zorder", "date"], "partition column"),
    (["--zorder", "nope"], "no column nope"),
    (["--zorder", "ts,ts"], "twice"),
    (["--target-size", "0"], "above zero"),
    (["--target-size", "much"], "much"),
])
def test_what_makes_no_sense_is_refused(ticks, arguments, words):
    fill(ticks, 2)
    version = ticks.version(TABLE)
    done = ticks.run("optimize", TABLE, *arguments)
    assert done.returncode == 2 and words in done.stderr
    assert ticks.version(TABLE) == version


def test_a_table_without_partitions_or_key(varve):
    varve.ok("create", "plain", "--schema", "a int, b string")
    for number in range(4):
        varve.ok("append", "plain", "-", "--input-format", "csv", stdin=f"a,b\n{number},x\n,\n")
    before = sorted(varve.ok("scan", "plain").splitlines())
    assert optimize(varve, table="plain")["files_added"] == 1
    assert sorted(varve.ok("scan", "plain").splitlines()) == before
    assert varve.run("optimize", "plain", "--where", "a = 1").returncode == 2


def test_history_says_it_in_sparks_words(ticks):
    fill(ticks, 2)
    removed = files(ticks)
    optimize(ticks, "--zorder", "sym,ts", "--where", "date > '2025-01-01'")
    entry = ticks.rows("history", TABLE, "--limit", "1")[0]
    added = files(ticks)
    assert entry["operation"] == "OPTIMIZE"
    assert json.loads(entry["operationParameters"]["zOrderBy"]) == ["sym", "ts"]
    assert json.loads(entry["operationParameters"]["predicate"]) == ["date > '2025-01-01'"]
    metrics = {name: int(value) for name, value in entry["operationMetrics"].items()}
    assert metrics["numRemovedFiles"] == len(removed) == 6
    assert metrics["numRemovedBytes"] == sum(file["bytes"] for file in removed)
    assert metrics["numAddedFiles"] == len(added) == 3
    assert metrics["numAddedBytes"] == sum(file["bytes"] for file in added)
    sizes = sorted(file["bytes"] for file in added)
    assert [metrics[f"{name}FileSize"] for name in ("min", "p50", "max")] == sizes


def actions(varve, version):
    log = varve.table(TABLE) / "_delta_log" / f"{version:020d}.json"
    return [json.loads(line) for line in log.read_text().splitlines()]


def test_it_is_no_change_of_data(ticks):
    fill(ticks, 2)
    optimize(ticks)
    kinds = [line for line in actions(ticks, ticks.version(TABLE)) if "commitInfo" not in line]
    assert {list(line)[0] for line in kinds} == {"add", "remove"}
    assert not any(line.get("add", line.get("remove"))["dataChange"] for line in kinds)
    assert all(line["remove"]["extendedFileMetadata"] for line in kinds if "remove" in line)


def test_deltalake_reads_it_and_goes_on(ticks):
    fill(ticks, 4)
    before = DeltaTable(path(ticks)).to_pyarrow_table().sort_by([("ts", "ascending")])
    optimize(ticks, "--zorder", "sym,ts")
    table = DeltaTable(path(ticks))
    assert table.to_pyarrow_table().sort_by([("ts", "ascending")]).equals(before)
    table.optimize.compact()
    write_deltalake(path(ticks), before.slice(0, 1).set_column(
        0, "ts", pa.array([dt.datetime(2025, 1, 10, tzinfo=dt.timezone.utc)],
                          pa.timestamp("us", "UTC"))), mode="append")
    assert len(rows(ticks)) == before.num_rows + 2


def test_files_that_others_wrote_under_a_wrong_date_stay_findable(ticks):
    """A row of 23:30 UTC under the local date of its writer is still found by its key."""
    stamp = dt.datetime(2025, 1, 10, 23, 30, tzinfo=dt.timezone.utc)
    for price in (1.0, 2.0):
        write_deltalake(path(ticks), pa.table({
            "ts": pa.array([stamp + dt.timedelta(seconds=price)], pa.timestamp("us", "UTC")),
            "sym": ["S1"], "price": [price], "note": ["theirs"],
            "date": pa.array([dt.date(2025, 1, 11)])}), mode="append")
    assert optimize(ticks)["files_added"] == 1
    result = ticks.upsert(TABLE, HEAD + "2025-01-10T23:30:01Z,S1,5,ours\n")
    assert (result["inserted"], result["updated"]) == (0, 1)


def bounds(varve, column):
    """Least and greatest value of a column in each file, from the log that deltalake reads."""
    actions_ = pa.table(DeltaTable(path(varve)).get_add_actions(flatten=True))
    return list(zip(actions_[f"min.{column}"].to_pylist(),
                    actions_[f"max.{column}"].to_pylist()))


def test_z_order_narrows_each_of_its_columns(varve):
    """Of files that a question about one column opens: a line helps one column, z-order all."""
    varve.ok("create", TABLE, "--schema",
             "ts timestamp not null, sym string not null, price double", "--key", "ts,sym")
    chance = random.Random(3)
    lines = [f"2025-01-{1 + chance.randrange(28):02d}T{chance.randrange(24):02d}:00:00.{row:06d}Z,"
             f"a_long_common_prefix_{chance.randrange(500):04d},{chance.random():.6f}"
             for row in range(20000)]
    varve.upsert(TABLE, "ts,sym,price\n" + "\n".join(lines) + "\n")
    size = sum(file["bytes"] for file in files(varve)) // 64
    optimize(varve, "--zorder", "sym,price", "--target-size", str(size))
    count = len(files(varve))
    assert count >= 40

    def opened(column, value):
        return sum(low <= value <= high for low, high in bounds(varve, column))

    by_symbol = [opened("sym", f"a_long_common_prefix_{number:04d}") for number in range(0, 500, 25)]
    by_price = [opened("price", number / 20) for number in range(1, 20)]
    assert sum(by_symbol) / len(by_symbol) < count / 3
    assert sum(by_price) / len(by_price) < count / 3


def test_nulls_booleans_and_nan_have_a_place_in_z_order(varve):
    varve.ok("create", TABLE, "--schema", "ts timestamp not null, sym string not null, "
             "price double, flag boolean", "--key", "ts,sym")
    lines = [f"2025-01-10T00:00:{row % 60:02d}.{row:06d}Z,S{row % 7},"
             f"{['', 'NaN', '-1.5', '1e300'][row % 4]},{['', 'true', 'false'][row % 3]}"
             for row in range(3000)]
    varve.upsert(TABLE, "ts,sym,price,flag\n" + "\n".join(lines) + "\n")
    before = rows(varve)
    result = optimize(varve, "--zorder", "flag,price,sym", "--target-size", "2KB")
    assert result["files_added"] > 2 and rows(varve) == before


def seams(varve, name, number):
    environment = dict(os.environ, VARVE_TEST_SEAMS=f"crash={name}:{number}")
    return subprocess.run([varve.program, "--lake", varve.lake, "optimize", TABLE], check=False,
                          env=environment, capture_output=True, timeout=60).returncode


@pytest.mark.parametrize("name", ["optimize.before_publish", "optimize.before_commit",
                                  "commit.before_put", "commit.after_put"])
def test_killed_on_the_way_the_table_is_whole(ticks, name):
    fill(ticks, 4)
    before = rows(ticks)
    assert seams(ticks, name, 1) == -signal.SIGKILL
    assert rows(ticks) == before
    optimize(ticks)
    assert rows(ticks) == before and len(files(ticks)) == 3


def test_writers_go_on_while_it_runs(ticks):
    """Upserts that touch the very files: none fails, none is lost, and optimize succeeds."""
    fill(ticks, 8)
    expected = len(rows(ticks))
    writers = [subprocess.Popen(
        ["sh", "-c", f"for i in 0 1 2 3 4 5 6 7; do printf 'ts,sym,price,note\\n"
         f"2025-01-1{day}T01:02:03.00000%dZ,W,%d,\\n2025-01-1{day}T05:00:00Z,X,%d,\\n' $i $i $i"
         f" | '{ticks.program}' --lake '{ticks.lake}' upsert {TABLE} - --input-format csv "
         f"|| exit 1; done"], stderr=subprocess.PIPE) for day in range(3)]
    results = []
    while any(writer.poll() is None for writer in writers):
        results.append(optimize(ticks))
    assert [writer.wait() for writer in writers] == [0, 0, 0], writers[0].stderr.read()
    assert any(result["commits"] for result in results)
    stored = rows(ticks)
    assert len(stored) == expected + 3 * 8 + 3
    assert sum(",X,7.0," in row for row in stored) == 3
    optimize(ticks)
    assert rows(ticks) == stored and len(files(ticks)) == 3


def test_one_file_and_one_partition_are_told_as_one(ticks):
    fill(ticks, 3)
    for args in (("--dry-run",), ()):
        done = ticks.run("optimize", TABLE, *args, "--where", "date = '2025-01-10'")
        assert done.returncode == 0, done.stderr
        assert " in 1 partition" in done.stderr and "1 partitions" not in done.stderr, done.stderr
