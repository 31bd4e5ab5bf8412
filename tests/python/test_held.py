"""Data files that are read again and again are held in memory: whatever is read, and however often,
the rows are those of the files."""

import datetime as dt
import decimal
import json
import pathlib
import random
import shutil
import subprocess
import threading

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import varve
from package import ROOT, regime

FOREIGN = ROOT.parent / "shared" / "conformance"
MANY = ("SELECT count(*), count(DISTINCT symbol), sum(vix), max(timestamp) FROM market_regimes "
        "WHERE vix > 3")


def rows_of(stream):
    """As text in one order: NaN is NaN, and -0.0 is not 0.0."""
    return sorted(repr(row) for row in stream.to_dicts())


def golden_tables(folder):
    del folder
    return sorted(log.parent for log in (ROOT / "tests/golden").rglob("_delta_log"))


def foreign_tables(folder):
    """Those that are beside the project, where they are: tables of other engines."""
    manifest = FOREIGN / "manifest.json"
    if not manifest.exists() or shutil.which("zstd") is None:
        pytest.skip("the conformance tables are not beside the project, or zstd is missing")
    for number, table in enumerate(json.loads(manifest.read_text())):
        archive = FOREIGN / table["archive"]
        if table["expect"] == "rows" and archive.stat().st_size < 1 << 18:
            target = folder / f"unpack{number}"
            target.mkdir()
            subprocess.run(["tar", "--zstd", "-xf", archive, "-C", target, "table"], check=True)
            yield target / "table"
            shutil.rmtree(target)


def read_all(lake, table):
    reads = {"query": lambda: lake.query('SELECT * FROM "t"'),
             "count": lambda: lake.query('SELECT count(*) AS n FROM "t"'),
             "scan": table.scan}
    answers = {}
    for name, read in reads.items():
        try:
            answers[name] = rows_of(read())
        except varve.VarveError as error:
            answers[name] = [type(error).__name__]
    return answers


def three_times_the_same(folder, tmp_path):
    """A copy of a table, by a lake that holds files and by one that does not."""
    root = tmp_path / "lake"
    shutil.rmtree(root, ignore_errors=True)
    shutil.copytree(folder, root / "t")
    return three_times(folder, root)


def three_times(folder, root):
    with varve.Lake(root, cache=False) as plain, varve.Lake(root) as lake:
        try:
            expected = read_all(plain, plain.table("t"))
            table = lake.table("t")
        except varve.VarveError:
            return None
        for _ in range(3):
            assert read_all(lake, table) == expected, folder
        assert plain.cache()["bytes_max"] == plain.cache()["bytes"] == 0
        return lake.cache()


KINDS = {
    "numbers": (pa.table({
        "k": pa.array(range(3000), pa.int64()), "x": [None, float("nan"), -0.0] * 1000,
        "t": ["", None, "a text that is longer than twelve bytes"] * 1000,
        "d": [dt.date(1900, 1, 1), None, dt.date(2025, 1, 30)] * 1000}),
        "k long not null, x double, t string, d date"),
    "nested": (pa.table({"k": pa.array([1, 2], pa.int64()), "l": [[1, None], None]}),
               "k long not null, l array<long>"),
    "nothing": (pa.table({"k": pa.array([], pa.int64()), "t": pa.array([], pa.string())}),
                "k long not null, t string"),
}


@pytest.fixture
def root(tmp_path):
    """Not the name of a table of the lake's."""
    return tmp_path / "tables"


def make(root, kind, **options):
    rows, schema = KINDS[kind]
    with varve.Lake(root, create=True) as lake:
        lake.create("t", schema=schema, key="k", **options)
        lake.table("t").upsert(rows)
    return root / "t"


def change(folder, work):
    with varve.Lake(folder.parent) as lake:
        work(lake.table("t"))


@pytest.mark.slow
@pytest.mark.parametrize("options", [
    {}, {"partition_by": "d"}, {"partition_by": "t"},
    {"properties": {"delta.enableDeletionVectors": "true"}}], ids=str)
def test_tables_of_every_kind_are_the_same_three_times(root, tmp_path, options):
    folder = make(root, "numbers", **options)
    assert three_times_the_same(folder, tmp_path)["files"] > 0
    change(folder, lambda table: table.delete("k % 7 = 0"))
    change(folder, lambda table: table.alter("add-column", "later long"))
    assert three_times_the_same(folder, tmp_path)["hits"] > 0
    change(folder, lambda table: table.upsert(pa.table({
        "k": pa.array([1, 10_000], pa.int64()), "x": [1.5, None], "t": ["new", "b"],
        "d": [dt.date(2025, 1, 30), None], "later": pa.array([1, None], pa.int64())})))
    assert three_times_the_same(folder, tmp_path)["hits"] > 0


PARTITIONS = {
    "boolean": [True, False], "byte": [-128, 127], "short": [-32768, 32767],
    "int": [-2**31, 2**31 - 1], "long": [-2**63, 2**63 - 1],
    "date": [dt.date(1900, 1, 1), dt.date(2025, 1, 30)],
    "timestamp": [dt.datetime(1969, 12, 31, 23, 59, 59, 999999, dt.timezone.utc),
                  dt.datetime(2025, 1, 30, 10, tzinfo=dt.timezone.utc)],
    "timestamp_ntz": [dt.datetime(1900, 1, 1, 0, 0, 1), dt.datetime(2025, 1, 30, 10)],
    "string": ["it's", "é, longer than the twelve bytes of a short text"],
    "double": [-0.5, 1e300], "decimal(20,2)": [decimal.Decimal("-0.01"), decimal.Decimal("12.5")]}


@pytest.mark.parametrize("kind", PARTITIONS)
def test_partition_values_of_every_type_come_with_the_rows(root, kind):
    """Some files are held, then all of them; rows without a value lie in a partition of their own."""
    low, high = PARTITIONS[kind]
    sqls = ["SELECT * FROM t ORDER BY k", "SELECT p, count(*) AS n, sum(k) FROM t GROUP BY p",
            "SELECT k, typeof(p) FROM t WHERE p = $low", "SELECT k FROM t WHERE p IS NULL",
            "SELECT max(p), min(p), count(p), count(DISTINCT p) FROM t WHERE k > 2000",
            "SELECT a.p, count(*) AS n FROM t a JOIN t b ON a.p = b.p AND a.k = b.k GROUP BY a.p"]
    with (varve.Lake(root, create=True) as lake,
          varve.Lake(root, create=True, cache=False) as plain):
        lake.create("t", schema=f"k long not null, p {kind}, q int", key="k", partition_by="p")
        for first, values in (0, [low, None]), (5000, [low, high, None]):
            lake.table("t").upsert([{"k": first + i, "p": values[i % len(values)], "q": i % 7}
                                    for i in range(2500)])
            for sql in sqls:
                params = {"low": low} if "$low" in sql else {}
                expected = rows_of(plain.query(sql, params))
                assert len(expected) > 0
                for _ in range(3):
                    assert rows_of(lake.query(sql, params)) == expected, sql
        assert lake.cache()["hits"] > 20


def test_columns_that_were_renamed_and_dropped(root, tmp_path):
    folder = make(root, "numbers")
    change(folder, lambda table: table.alter("rename-column", "x", "y", upgrade=True))
    change(folder, lambda table: table.alter("drop-column", "t"))
    assert three_times_the_same(folder, tmp_path)["hits"] > 0
    change(folder, lambda table: table.alter("add-column", "x long"))
    assert three_times_the_same(folder, tmp_path)["hits"] > 0


def test_a_table_that_is_a_link_out_of_the_lake(root, tmp_path):
    """SQL must not leave the lake, from memory as little as from files."""
    folder = make(root, "numbers")
    (tmp_path / "lake").mkdir()
    (tmp_path / "lake/t").symlink_to(folder)
    assert three_times(folder, tmp_path / "lake")["files"] == 0


@pytest.mark.parametrize("is_folder", [True, False], ids=["folder", "file"])
def test_a_file_that_is_behind_a_link_out_of_the_lake(root, tmp_path, is_folder):
    folder = make(root, "numbers", partition_by="d")
    moved = sorted(folder.glob("d=1900*" if is_folder else "d=1900*/*.parquet"))[0]
    elsewhere = tmp_path / "elsewhere"
    shutil.move(moved, elsewhere)
    moved.symlink_to(elsewhere)
    assert 0 < three_times(folder, root)["files"] < len(list(folder.glob("*/*.parquet")))


@pytest.mark.parametrize("kind", ["nested", "nothing"])
def test_what_has_no_plain_columns_or_no_rows(root, tmp_path, kind):
    three_times_the_same(make(root, kind), tmp_path)


@pytest.mark.contradicts_itself
@pytest.mark.parametrize("tables", [golden_tables, foreign_tables])
def test_tables_of_other_engines_are_the_same_three_times(tmp_path, tables):
    told = [three_times_the_same(table, tmp_path) for table in tables(tmp_path)]
    assert sum(counts is not None and counts["hits"] > 0 for counts in told) >= 3


def test_repeated_reads_see_every_commit(lake, regimes):
    for number in range(12):
        regimes.upsert([regime(number, vix=10.0 + number), regime(number, "QQQ", vix=1.0)])
        for _ in range(3):
            ((count, _, vix, newest),) = (tuple(row.values())
                                          for row in lake.query(MANY).to_dicts())
            assert (count, vix) == (number + 1, sum(10.0 + i for i in range(number + 1)))
            assert newest == regime(number)["timestamp"]
            assert regimes.scan(where="symbol = 'QQQ'").to_polars().height == number + 1
    regimes.delete("symbol = 'QQQ'")
    assert lake.query("SELECT count(*) AS n FROM market_regimes").to_dicts() == [{"n": 12}]
    regimes.optimize()
    for _ in range(3):
        assert lake.query(MANY).to_dicts()[0]["sum(vix)"] == sum(10.0 + i for i in range(12))
        assert regimes.range(start="2025-01-01", end="2025-02-01").to_polars().height == 12
        assert [row["vix"] for row in regimes.latest().to_dicts()] == [21.0]
    assert lake.cache()["hits"] > 100


def test_is_distinct_from_finds_null_beside_or(root):
    """Whether the engine's reader goes by bounds that know no NULL, or the rows are held."""
    with varve.Lake(root, create=True) as lake, varve.Lake(root, create=True, cache=False) as plain:
        lake.create("t", schema="k long not null, x long", key="k")
        lake.table("t").upsert([{"k": 1, "x": 5}, {"k": 2, "x": 5}, {"k": 3, "x": None}])
        for one in (plain, lake, lake, lake):
            for sql, params in (("SELECT k FROM t WHERE x IS DISTINCT FROM 5 OR x = 7", {}),
                                ("SELECT k FROM t WHERE x IS DISTINCT FROM $p OR x = $q", {"p": 5, "q": 7})):
                assert one.query(sql, params).to_dicts() == [{"k": 3}]
            assert one.table("t").scan(where="x IS DISTINCT FROM 5 OR x = 7").to_dicts() == [
                {"k": 3, "x": None}]
        assert lake.cache()["hits"] > 0


def test_what_is_held_is_counted_and_can_be_given_back(lake, regimes):
    regimes.upsert([regime(number) for number in range(500)])
    assert lake.cache()["files"] == 0
    lake.query(MANY).to_dicts()
    told = lake.cache()
    assert (told["files"], told["columns"], told["hits"]) == (1, 3, 0)  # those that it needs
    assert 500 * (8 + 16 + 8) < told["bytes"] < 3 * 500 * (8 + 16 + 8)
    lake.query(MANY).to_dicts()
    assert lake.cache(clear=True)["hits"] == 3
    assert lake.cache()["bytes"] == lake.cache()["files"] == 0
    assert lake.query(MANY).to_dicts()[0]["count_star()"] == 500


def test_what_reads_more_than_4_mib_is_held_from_its_second_run_on(lake):
    lake.create("t", schema="k long not null, p int, x double", key="k", partition_by="p")
    count = 500_000
    chance = random.Random(1)  # what is random can't be packed
    rows = {"k": pa.array(range(count), pa.int64()),
            "p": pa.array([number % 2 for number in range(count)], pa.int32()),
            "x": [chance.random() for _ in range(count)]}
    lake.table("t").upsert(pa.table(rows))
    first, second = (file["bytes"] for file in lake.table("t").files().to_dicts())
    assert max(first, second) < 4 << 20 < first + second
    expected = lake.query("SELECT sum(k), max(x) FROM t").to_dicts()
    assert lake.cache()["columns"] == 0
    for columns in 4, 4:
        assert lake.query("SELECT sum(k), max(x) FROM t").to_dicts() == expected
        assert lake.cache()["columns"] == columns
    lake.cache(clear=True)
    half = lake.query("SELECT max(x) FROM t WHERE p = 1").to_dicts()
    assert lake.cache()["columns"] == 1  # it is little that this one reads
    assert lake.query("SELECT max(x) FROM t WHERE p = 1").to_dicts() == half


def test_a_lake_holds_no_more_than_it_may(tmp_path):
    with varve.Lake(tmp_path / "lake", create=True, cache="100KiB", memory="256MB") as lake:
        lake.init()
        regimes = lake.table("market_regimes")
        for day in range(9):
            regimes.upsert([regime(1440 * day + number, vix=5.0) for number in range(800)])
        for _ in range(4):
            assert lake.query(MANY).to_dicts()[0]["sum(vix)"] == 9 * 800 * 5.0
            assert regimes.scan(where="vix < 5").to_dicts() == []
            assert 0 < lake.cache()["bytes"] <= lake.cache()["bytes_max"] == 100 << 10
    for options in ({"cache": "100MB", "memory": "256MB"}, {"cache": "1000000GB"}):
        with pytest.raises(varve.UsageError, match="more than a quarter of the memory"):
            varve.Lake(tmp_path / "lake", **options)


def test_how_much_may_be_held(lake):
    usual = lake.cache()["bytes_max"]
    assert 0 < usual <= 256 << 20
    for cache, bytes_max in ((None, usual), (True, usual), ("1MiB", 1 << 20), (False, 0), (0, 0),
                             ("0", 0)):
        with varve.Lake(lake.path, cache=cache) as other:
            assert other.cache()["bytes_max"] == bytes_max, cache


def test_threads_read_while_others_write(lake, regimes):
    regimes.upsert([regime(number, vix=5.0) for number in range(3000)])
    wrong = []

    def read():
        mine = varve.Lake(lake.path)
        for _ in range(8):
            for where in (lake, mine):  # one that takes turns, and one of its own
                row = where.query("SELECT count(*) AS n, sum(vix) AS v FROM market_regimes")
                row = row.to_dicts()[0]
                if row["n"] < 3000 or row["v"] != row["n"] * 5.0:
                    wrong.append(row)
        mine.close()

    readers = [threading.Thread(target=read) for _ in range(3)]
    for reader in readers:
        reader.start()
    for number in range(5):
        regimes.upsert([regime(5000 + number, vix=5.0)])
    for reader in readers:
        reader.join()
    assert wrong == []


def test_verify_reads_the_disk(lake, regimes):
    regimes.upsert([regime(number) for number in range(100)])
    for _ in range(3):
        lake.query(MANY).to_dicts()
    assert lake.cache()["files"] == 1
    (file,) = pathlib.Path(lake.path, "market_regimes").rglob("*.parquet")
    pq.write_table(pq.read_table(file).slice(0, 50), file)
    assert lake.query(MANY).to_dicts()[0]["count_star()"] == 100  # as it was written
    with pytest.raises(varve.VerifyFailed):
        lake.verify("market_regimes")
