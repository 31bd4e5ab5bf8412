"""What is made of a data file that somebody has altered must not be committed: it would pass for written."""

import math
import shutil

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest

ROWS = 40000
SCHEMA = "k bigint not null, g string not null, v double, note string"
MODES = {"copied": [], "marked": ["delta.enableDeletionVectors=true"],
         "fed": ["delta.enableDeletionVectors=true", "delta.enableChangeDataFeed=true"]}
UPSERTED = "k,g,v,note\n7,a,1.5,new\n"
MERGED = ["--source", "-", "--on", "t.k = s.k", "--when-matched", "update *",
          "--when-not-matched", "insert *"]
DEEDS = {
    "optimize": (["optimize", "t"], None),
    "zorder": (["optimize", "t", "--zorder", "v,k"], None),
    "delete": (["delete", "t", "--where", "k = 7"], None),
    "update": (["update", "t", "--set", "note='seen'", "--where", "k = 7"], None),
    "update all": (["update", "t", "--set", "note='seen'", "--where", "true"], None),
    "merge": (["merge", "t", *MERGED], UPSERTED),
    "overwrite": (["overwrite", "t", "-", "--where", "k = 7", "--yes"], UPSERTED),
    "upsert": (["upsert", "t", "-"], UPSERTED),
    "upsert many": (["upsert", "t", "-"], "k,g,v,note\n" + "".join(
        f"{k},a,2.5,new\n" for k in range(0, ROWS, 2))),
}


def fill(varve, mode):
    varve.ok("create", "t", "--schema", SCHEMA, "--partition-by", "g", "--key", "k",
             *(word for pair in MODES[mode] for word in ("--property", pair)))
    for first in (0, ROWS):
        varve.upsert("t", "k,g,v,note\n" + "".join(
            f"{k},a,{math.sin(k)},text {k * 31 % 977}\n"
            for k in range(first, first + ROWS)))
    low, high = sorted(varve.table("t").glob("g=*/*.parquet"), key=least)
    return low, high


def least(path):
    return pq.ParquetFile(path).metadata.row_group(0).column(0).statistics.min


def a_value(low, _):
    """One row has another value; the file is as sound as before."""
    table = pq.read_table(low, partitioning=None)
    at = table.schema.get_field_index("v")
    pq.write_table(table.set_column(at, "v", pc.if_else(
        pc.equal(table["k"], 7), pa.scalar(999.0), table["v"])), low)


def another_file(low, high):
    shutil.copy(high, low)


def a_byte(low, _):
    """As long as it was, and every reader takes it."""
    content = low.read_bytes()
    at = content.rindex(b"DuckDB")
    low.write_bytes(content[:at] + b"DuckDC" + content[at + 6:])
    assert pq.read_table(low, partitioning=None).num_rows == ROWS


def state(varve):
    return varve.version("t"), {path.name for path in varve.table("t").glob("g=*/*")}


@pytest.mark.slow
@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("deed", DEEDS)
def test_nothing_is_made_of_an_altered_file(varve, deed, mode):
    low, high = fill(varve, mode)
    words, text = DEEDS[deed]
    assert low.stat().st_size > 256 << 10  # it is hashed beside the work
    sound, before = low.read_bytes(), state(varve)
    for alter in (a_value, another_file, a_byte):
        if alter is a_byte and mode == "marked" and deed in (
                "delete", "overwrite", "upsert", "upsert many"):
            continue  # no row of it is copied, and it keeps its SHA-256
        alter(low, high)
        done = varve.run(*words, stdin=text)
        assert done.returncode == 6, (alter.__name__, done.stdout, done.stderr)
        assert "is not as it was written" in done.stderr
        assert low.name in done.stderr
        low.write_bytes(sound)
        assert state(varve) == before, alter.__name__
    assert varve.run(*words, stdin=text).returncode == 0


@pytest.mark.parametrize("deed", ["optimize", "delete", "update", "merge"])
def test_a_file_without_a_hash_is_known_by_its_size(varve, deed):
    """Other software notes none."""
    import deltalake  # pylint: disable=import-outside-toplevel
    varve.lake.mkdir()
    for first in (0, ROWS):
        deltalake.write_deltalake(str(varve.table("t")), pa.table({
            "k": pa.array(range(first, first + ROWS)),
            "g": ["a"] * ROWS,
            "v": [math.sin(k) for k in range(ROWS)],
            "note": [f"text {k * 31 % 977}" for k in range(ROWS)]}), mode="append",
            partition_by=["g"])
    varve.ok("adopt", "t", "--key", "k")
    low, high = sorted(varve.table("t").glob("g=*/*.parquet"), key=least)
    sound, before = low.read_bytes(), state(varve)
    words, text = DEEDS[deed]
    for alter in (a_value, another_file):
        alter(low, high)
        if low.stat().st_size == len(sound):
            continue
        done = varve.run(*words, stdin=text)
        assert done.returncode == 6, (alter.__name__, done.stdout, done.stderr)
        low.write_bytes(sound)
        assert state(varve) == before
    varve.ok(*words, stdin=text)
