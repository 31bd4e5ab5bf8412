#!/usr/bin/env python3
"""Makes the tables under tables/. Run it to make them anew; file names hold random ids, so the
states must then be written anew as well (see README.md).

    make_tables.py FOLDER
"""

import json
import pathlib
import shutil
import sys

import pyarrow as pa
from deltalake import CommitProperties, DeltaTable, Transaction, write_deltalake


def rows(first, count, date="2025-01-01"):
    return pa.table({
        "id": pa.array(range(first, first + count), pa.int64()),
        "text": pa.array([None if i == 0 else f"row \"{i}\" ü" for i in range(count)]),
        "number": pa.array([i / 8 for i in range(count)], pa.float64()),
        "at": pa.array([1738231200000000 + i for i in range(count)], pa.timestamp("us", "UTC")),
        "date": pa.array([date] * count),
    })


def plain(path):
    for i in range(3):
        write_deltalake(path, rows(i * 10, 10), mode="append", commit_properties=CommitProperties(
            app_transactions=[Transaction("writer", i, 1700000000000 + i)]))
    DeltaTable(path).delete("id = 5")
    DeltaTable(path).alter.add_constraint({"positive": "id >= 0"})


def checkpointed(path):
    for date in ["2025-01-01", "a/b %:'x", "2025-01-03"]:
        write_deltalake(path, rows(0, 4, date), mode="append", partition_by=["date"])
    DeltaTable(path).delete("date = '2025-01-03'")
    DeltaTable(path).create_checkpoint()
    write_deltalake(path, rows(50, 4, "2025-01-05"), mode="append")
    DeltaTable(path).delete("date = '2025-01-01'")


def cleaned(path):
    for i in range(12):
        write_deltalake(path, rows(i, 1), mode="append",
                        configuration={"delta.logRetentionDuration": "interval 0 days"}
                        if i == 0 else None)
    DeltaTable(path).create_checkpoint()
    DeltaTable(path).cleanup_metadata()


def odd(path):
    """A log by hand: everything that a reader must get along with."""
    log = pathlib.Path(path) / "_delta_log"
    log.mkdir(parents=True)
    schema = {"type": "struct", "fields": [
        {"name": "x", "type": "long", "nullable": True, "metadata": {"unknown": {"n": 1.5}}}]}
    metadata = {"id": "8f0f7b39-6d8b-4b0b-8d4c-0c2c3a6f6d10", "name": None, "description": None,
                "format": {"provider": "parquet", "options": {}},
                "schemaString": json.dumps(schema), "partitionColumns": [],
                "configuration": {}, "createdTime": 1}

    def add(name, **more):
        return {"add": {"path": name, "partitionValues": {}, "size": 1, "modificationTime": 1,
                        "dataChange": True, "tags": None, "baseRowId": None, **more}}

    def remove(name, **more):
        return {"remove": {"path": name, "dataChange": True, **more}}

    def dv(text):
        return {"storageType": "u", "pathOrInlineDv": text, "offset": 1, "sizeInBytes": 36,
                "cardinality": 2}

    first, second = "a" * 20, "b" * 20
    commits = [
        [add("a"), {"metaData": metadata}, {"protocol": {"minReaderVersion": 1,
                                                         "minWriterVersion": 2}}],
        [{"unknownAction": {"path": "a"}}, add("with%20blank"), add("r/s"), {"txn": {
            "appId": "x", "version": 7}}],
        [remove("with blank", deletionTimestamp=5), remove("a"),
         add("a", deletionVector=dv(first), stats="{\"numRecords\":3}")],
        [add("a", deletionVector=dv(second), stats="{\"numRecords\":3}"),
         remove("a", deletionVector=dv(first), deletionTimestamp=6)],
        [add("r/s", stats="{\"numRecords\":9}", dataChange=False), {"txn": {
            "appId": "x", "version": 3, "lastUpdated": 4}}],
        [remove("r/s", deletionTimestamp=7)],
        [add("r/s")],
    ]
    for version, actions in enumerate(commits):
        text = "\n".join(json.dumps(action) for action in actions)
        ends = ["", "\n", "\n\n", "\r\n"]
        (log / f"{version:020}.json").write_text(text + ends[version % 4])
    for name in ["00000000000000000003.crc", "00000000000000000001.00000000000000000003"
                 ".compacted.json", ".00000000000000000007.json.crc", "_last_vacuum_info",
                 "00000000000000000007.json.tmp", "_last_checkpoint"]:
        (log / name).write_text("")


def main(folder):
    for make in [plain, checkpointed, cleaned, odd]:
        path = pathlib.Path(folder) / make.__name__
        shutil.rmtree(path, ignore_errors=True)
        make(str(path))


if __name__ == "__main__":
    main(*sys.argv[1:])
