"""Many small files are read in a way of their own when they are packed: whoever wrote them, and
however, the rows stay what they are."""

import datetime as dt
import decimal
import hashlib
import json
import random
import uuid

import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from deltalake import DeltaTable, WriterProperties, write_deltalake

FIELDS = [("flag", "boolean", pa.bool_()), ("tiny", "byte", pa.int8()),
          ("small", "short", pa.int16()), ("mid", "integer", pa.int32()),
          ("large", "long", pa.int64()), ("real", "float", pa.float32()),
          ("wide", "double", pa.float64()), ("name", "string", pa.string()),
          ("day", "date", pa.date32()), ("at", "timestamp", pa.timestamp("us", "UTC")),
          ("cash", "decimal(9,2)", pa.decimal128(9, 2)),
          ("sum", "decimal(30,4)", pa.decimal128(30, 4))]
SCHEMA = pa.schema([(name, kind) for name, _, kind in FIELDS])
EPOCH = dt.datetime(2024, 12, 31, tzinfo=dt.timezone.utc)


def value(chance, name, row):
    if chance.random() < 0.15:
        return None
    return {
        "flag": lambda: chance.random() < 0.3,
        "tiny": lambda: chance.randrange(-128, 128),
        "small": lambda: chance.choice((-32768, 32767, row % 7)),
        "mid": lambda: chance.randrange(-2**31, 2**31),
        "large": lambda: chance.choice((-2**63, 2**63 - 1, row)),
        "real": lambda: chance.choice((0.5, float("inf"), float("nan"), -0.0, row / 4)),
        "wide": lambda: chance.choice((1e300, float("-inf"), chance.gauss(100, 9))),
        "name": lambda: chance.choice(("", "SPY", "überlang " * 9, f"row {row}")),
        "day": lambda: dt.date(1960, 1, 1) + dt.timedelta(days=chance.randrange(40000)),
        "at": lambda: EPOCH + dt.timedelta(microseconds=chance.randrange(10**14)),
        "cash": lambda: decimal.Decimal(chance.randrange(-10**8, 10**8)).scaleb(-2),
        "sum": lambda: decimal.Decimal(chance.randrange(-10**29, 10**29)).scaleb(-4),
    }[name]()


def some_rows(chance, count):
    empty = {name for name in SCHEMA.names if chance.random() < 0.1}
    columns = {name: [None if name in empty else value(chance, name, row) for row in range(count)]
               for name in SCHEMA.names}
    return pa.table(columns, schema=SCHEMA)


def how(chance):
    """Settings of a writer, of which some are for the engine's reader alone."""
    settings = {"compression": chance.choice(("none", "snappy", "zstd", "gzip", "lz4")),
                "data_page_version": chance.choice(("1.0", "2.0")),
                "version": chance.choice(("1.0", "2.6")),
                "data_page_size": chance.choice((64, 1024, 1 << 20)),
                "row_group_size": chance.choice((7, 1000)),
                "write_statistics": chance.random() < 0.5,
                "write_page_checksum": chance.random() < 0.5,
                "store_schema": chance.random() < 0.5,
                "store_decimal_as_integer": chance.random() < 0.5}
    kind = chance.randrange(5)
    if kind == 0:
        settings.update(use_dictionary=False, column_encoding={
            "mid": "DELTA_BINARY_PACKED", "wide": "BYTE_STREAM_SPLIT", "name": "DELTA_BYTE_ARRAY"})
    elif kind == 1:
        settings.update(use_dictionary=False)
    elif kind == 2:
        settings.update(use_dictionary=["name", "mid"], dictionary_pagesize_limit=100)
    elif kind == 3:
        settings.update(use_deprecated_int96_timestamps=True)
    return settings


def file_of(chance, rows, path):
    """Writes rows by one of several writers; a column may be missing."""
    if chance.random() < 0.2:
        rows = rows.drop_columns([chance.choice(SCHEMA.names)])
    writer = chance.randrange(6)
    if writer == 0:
        pl.from_arrow(rows).write_parquet(
            path, compression=chance.choice(("uncompressed", "snappy", "zstd")),
            row_group_size=chance.choice((10, 1000)))
    else:
        pq.write_table(rows, path, **how(chance))
    out = rows
    for name in SCHEMA.names:
        if name not in rows.column_names:
            out = out.append_column(name, pa.nulls(len(rows), SCHEMA.field(name).type))
    return out.select(SCHEMA.names).cast(SCHEMA)


def commit(folder, version, actions):
    log = folder / "_delta_log"
    log.mkdir(parents=True, exist_ok=True)
    lines = "".join(json.dumps(action) + "\n" for action in actions)
    (log / f"{version:020d}.json").write_text(lines)


def table_of(folder, chance, count):
    """A table of small files that many writers have left; the rows that it holds."""
    fields = [{"name": name, "type": kind, "nullable": True, "metadata": {}}
              for name, kind, _ in FIELDS]
    folder.mkdir(parents=True)
    actions = [{"protocol": {"minReaderVersion": 1, "minWriterVersion": 2}},
               {"metaData": {"id": str(uuid.UUID(int=count)), "format": {"provider": "parquet",
                "options": {}}, "schemaString": json.dumps({"type": "struct", "fields": fields}),
                "partitionColumns": [], "configuration": {}, "createdTime": 0}}]
    rows = []
    for number in range(count):
        name = f"part-{number:05d}.parquet"
        made = some_rows(chance, chance.choice((0, 1, 5, 40, 300)))
        rows.append(file_of(chance, made, folder / name))
        actions.append({"add": {"path": name, "partitionValues": {}, "dataChange": True,
                                "size": (folder / name).stat().st_size, "modificationTime": 0}})
    commit(folder, 0, actions)
    return pa.concat_tables(rows)


def as_set(table):
    """Rows as texts in an order of their own; which zero a zero is a dictionary page forgets."""
    return sorted(repr([one + 0.0 if isinstance(one, float) else one for one in row.values()])
                  for row in table.cast(SCHEMA).to_pylist())


def read_back(folder):
    table = DeltaTable(str(folder))
    return pa.concat_tables([pq.read_table(folder / path, schema=SCHEMA) for path in
                             pa.table(table.get_add_actions())["path"].to_pylist()])


@pytest.mark.parametrize("seed", range(4))
def test_rows_of_many_writers_stay_what_they_are(varve, seed):
    chance = random.Random(seed)
    folder = varve.table("mixed")
    expected = table_of(folder, chance, 60)
    arguments = ["--zorder", "name,at"] if seed % 2 else []
    result = json.loads(varve.ok("optimize", "mixed", "--json", *arguments))
    assert (result["files_removed"], result["files_added"]) == (60, 1)
    assert as_set(read_back(folder)) == as_set(expected)


@pytest.mark.parametrize("properties", [
    None, WriterProperties(compression="SNAPPY", data_page_size_limit=100),
    WriterProperties(compression="UNCOMPRESSED", dictionary_page_size_limit=64),
    WriterProperties(compression="ZSTD", max_row_group_size=10)])
def test_rows_of_deltalake_stay_what_they_are(varve, properties):
    chance = random.Random(7)
    folder = varve.table("theirs")
    written = [some_rows(chance, 30) for _ in range(12)]
    for rows in written:
        write_deltalake(str(folder), rows, mode="append", writer_properties=properties)
    assert json.loads(varve.ok("optimize", "theirs", "--json"))["files_removed"] == 12
    assert as_set(read_back(folder)) == as_set(pa.concat_tables(written))


@pytest.mark.parametrize("part", [b"DuckDB", b"PAR1", b"one text"])
def test_a_file_that_is_not_as_varve_wrote_it_is_packed_by_nobody(varve, part):
    """Also where what it holds can still be read: packed, it would hide that it was changed."""
    varve.ok("create", "t", "--schema", "k bigint not null, s string", "--key", "k")
    for number in range(12):
        varve.upsert("t", f"k,s\n{number},one text\n")
    file = sorted(varve.table("t").glob("**/part-*.parquet"))[5]
    content = bytearray(file.read_bytes())
    at = content.rfind(part)
    assert at >= 0
    content[at] ^= 1
    file.write_bytes(content)
    version = varve.version("t")
    done = varve.run("optimize", "t")
    assert done.returncode == 6 and file.name in done.stderr and "SHA-256" in done.stderr
    assert varve.version("t") == version
    content[at] ^= 1
    file.write_bytes(content)
    assert json.loads(varve.ok("optimize", "t", "--json"))["files_removed"] == 12


def damaged_table(varve):
    folder = varve.table("mixed")
    for number in range(12):
        write_deltalake(str(folder), pa.table({"x": list(range(1000)), "s": [f"v{number}"] * 1000}),
                        mode="append", writer_properties=WriterProperties(compression="SNAPPY"))
    file = sorted(folder.glob("*.parquet"))[5]
    content = bytearray(file.read_bytes())
    page = pq.ParquetFile(file).metadata.row_group(0).column(0)
    for at in range(page.dictionary_page_offset + 30, page.dictionary_page_offset + 300):
        content[at] = 0xff
    file.write_bytes(content)
    return file.name


def test_a_damaged_small_file_is_named_and_nothing_is_changed(varve):
    name = damaged_table(varve)
    version = varve.version("mixed")
    done = varve.run("optimize", "mixed")
    assert done.returncode != 0
    assert name in done.stderr and "a data file is damaged" in done.stderr
    assert varve.version("mixed") == version
    assert len(list(varve.table("mixed").glob("*.parquet"))) == 12


@pytest.mark.parametrize("is_renamed", [False, True])
def test_vectors_partitions_and_changed_columns_are_read_right(varve, is_renamed):
    schema = "k long not null, part string not null, price double, note string"
    varve.ok("create", "t", "--schema", schema, "--key", "k", "--partition-by", "part",
             "--property", "delta.enableDeletionVectors=true")
    for number in range(12):
        header = "k,part,price,note" if number < 6 or not is_renamed else "k,part,note,price"
        lines = [f"{number * 20 + row},{'ab'[number % 2]},{row / 4},n{row}" for row in range(20)]
        varve.upsert("t", header + "\n" + "\n".join(lines) + "\n")
        if number == 5:
            varve.ok("alter", "t", "add-column", "venue string")
            if is_renamed:
                for old, new in (("price", "cost"), ("note", "price"), ("cost", "note")):
                    varve.ok("alter", "t", "rename-column", old, new, "--upgrade")
    varve.ok("delete", "t", "--where", "k % 7 = 3")
    before = sorted(map(json.dumps, varve.rows("scan", "t")))
    result = json.loads(varve.ok("optimize", "t", "--json"))
    assert result["vectors_removed"] > 8
    assert sorted(map(json.dumps, varve.rows("scan", "t"))) == before


def texts(varve, table):
    """Rows as scan shows them; which zero a zero is a dictionary page forgets."""
    return sorted(json.dumps(row).replace("-0.0,", "0.0,") for row in varve.rows("scan", table))


def test_rows_that_vectors_took_from_both_kinds_of_files_stay_away(varve):
    table_of(varve.table("mixed"), random.Random(11), 40)
    varve.ok("alter", "mixed", "set", "delta.enableDeletionVectors=true", "--upgrade")
    varve.ok("delete", "mixed", "--where", "small % 7 = 3 OR small < 0")
    before = texts(varve, "mixed")
    result = json.loads(varve.ok("optimize", "mixed", "--json"))
    assert result["vectors_removed"] > 8
    assert texts(varve, "mixed") == before


def test_columns_that_a_table_finds_by_their_ids_are_found_by_them(varve):
    folder = varve.table("ids")
    folder.mkdir(parents=True)
    fields = [{"name": name, "type": kind, "nullable": True, "metadata": {
        "delta.columnMapping.id": number, "delta.columnMapping.physicalName": f"col-{name}"}}
        for number, (name, kind) in enumerate((("k", "long"), ("other", "long"), ("new", "double")), 1)]
    actions = [{"protocol": {"minReaderVersion": 2, "minWriterVersion": 5}},
               {"metaData": {"id": "5d0d1a43-7dfe-4a3a-a3b1-0a9c0c0d7a11", "format": {
                   "provider": "parquet", "options": {}}, "partitionColumns": [],
                   "schemaString": json.dumps({"type": "struct", "fields": fields}),
                   "configuration": {"delta.columnMapping.mode": "id",
                                     "delta.columnMapping.maxColumnId": "3"}, "createdTime": 0}}]
    for number in range(12):
        path = folder / f"part-{number}.parquet"
        # Names say the wrong thing.
        kinds = [pa.field("col-k", pa.int64(), metadata={"PARQUET:field_id": "2"}),
                 pa.field("col-other", pa.int64(), metadata={"PARQUET:field_id": "1"})]
        pq.write_table(pa.table([[100 + number, None], [number, -number]], pa.schema(kinds)), path)
        actions.append({"add": {"path": path.name, "partitionValues": {}, "dataChange": True,
                                "size": path.stat().st_size, "modificationTime": 0}})
    commit(folder, 0, actions)
    before = texts(varve, "ids")
    assert json.loads(varve.ok("optimize", "ids", "--json"))["files_removed"] == 12
    assert texts(varve, "ids") == before
    assert before[0] == '{"k": -1, "other": null, "new": null}'


@pytest.mark.parametrize("zorder", [(), ("--zorder", "mid,name")])
def test_commits_of_others_are_chained_while_their_files_are_packed(varve, zorder):
    """More of them than a thread is worth: the chain holds each, as if it were read at the end."""
    chance = random.Random(80)
    folder = varve.table("t")
    commits = 90
    fields = [{"name": name, "type": kind, "nullable": True, "metadata": {}}
              for name, kind, _ in FIELDS]
    folder.mkdir(parents=True)
    commit(folder, 0, [
        {"protocol": {"minReaderVersion": 1, "minWriterVersion": 2}},
        {"metaData": {"id": str(uuid.UUID(int=1)), "format": {"provider": "parquet",
         "options": {}}, "schemaString": json.dumps({"type": "struct", "fields": fields}),
         "partitionColumns": [], "configuration": {}, "createdTime": 0}}])
    rows = []
    for version in range(1, commits):
        name = f"part-{version:05d}.parquet"
        made = some_rows(chance, chance.choice((0, 3, 40)))
        rows.append(file_of(chance, made, folder / name))
        commit(folder, version, [
            {"add": {"path": name, "partitionValues": {}, "dataChange": True,
                     "size": (folder / name).stat().st_size, "modificationTime": version}}])
    varve.ok("optimize", "t", *zorder)
    assert as_set(read_back(folder)) == as_set(pa.concat_tables(rows))
    log = [folder / "_delta_log" / f"{version:020d}.json" for version in range(commits + 1)]
    hashes = [hashlib.sha256(one.read_bytes()).hexdigest() for one in log]
    chain = hashes[0]
    for found in hashes[1:commits]:
        chain = hashlib.sha256((chain + found).encode()).hexdigest()
    said = json.loads(log[commits].read_text().splitlines()[0])["commitInfo"]["varve"]
    assert said["prevHash"] == hashes[commits - 1] and said["prevVersion"] == commits - 1
    assert said["prevChain"] == chain and said["chainFrom"] == 0
    assert varve.run("verify", "t").returncode == 0
