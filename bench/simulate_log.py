"""The log of a table of very many files, without the files: for what opens it and plans on it.

A file for each minute of the trading days, 1,000 rows of it, as a checkpoint of Varve has them. Who would
read one of them fails, since none is there.
"""

import datetime
import hashlib
import json

import pyarrow
import pyarrow.parquet

import data

ROWS_EACH = 1_000
CHUNK = 100_000
TEXT_MAP = pyarrow.map_(pyarrow.string(), pyarrow.string())
PROTOCOL = pyarrow.struct([("minReaderVersion", pyarrow.int32()),
                           ("minWriterVersion", pyarrow.int32())])
META = pyarrow.struct([
    ("id", pyarrow.string()), ("name", pyarrow.string()), ("description", pyarrow.string()),
    ("format", pyarrow.struct([("provider", pyarrow.string()), ("options", TEXT_MAP)])),
    ("schemaString", pyarrow.string()), ("partitionColumns", pyarrow.list_(pyarrow.string())),
    ("configuration", TEXT_MAP), ("createdTime", pyarrow.int64())])
ADD = pyarrow.struct([
    ("path", pyarrow.string()), ("partitionValues", TEXT_MAP), ("size", pyarrow.int64()),
    ("modificationTime", pyarrow.int64()), ("dataChange", pyarrow.bool_()),
    ("stats", pyarrow.string()), ("tags", TEXT_MAP)])
SCHEMA = pyarrow.schema([("protocol", PROTOCOL), ("metaData", META), ("add", ADD)])


def minutes_of(count):
    """So many minutes of trading, day after day."""
    days = data.trading_days(count // data.MINUTES + 1)
    for number in range(count):
        yield (data.opening(days[number // data.MINUTES]) +
               datetime.timedelta(minutes=number % data.MINUTES))


def add_of(number, time):
    stamp = time.strftime("%Y-%m-%dT%H:%M:%S.000Z")
    day = stamp[:10]
    bounds = {"timestamp": stamp, "strategy_id": "strategy_000"}, {"timestamp": stamp,
                                                                  "strategy_id": "strategy_999"}
    return {"path": f"date={day}/part-{number:07d}.parquet", "partitionValues": [("date", day)],
            "tags": [("varve.sha256", hashlib.sha256(b"%d" % number).hexdigest())],
            "size": 60_000, "modificationTime": 1_750_000_000_000, "dataChange": False,
            "stats": json.dumps({"numRecords": ROWS_EACH, "minValues": bounds[0],
                                 "maxValues": bounds[1],
                                 "nullCount": {"timestamp": 0, "strategy_id": 0}},
                                separators=(",", ":"))}


def head_of(log):
    """Protocol and metadata of version 0, as a checkpoint has them."""
    actions = [json.loads(line) for line in (log / f"{0:020d}.json").read_text().splitlines()]
    protocol = next(action["protocol"] for action in actions if "protocol" in action)
    meta = next(action["metaData"] for action in actions if "metaData" in action)
    meta["configuration"] = list(meta.get("configuration", {}).items())
    meta["format"] = {"provider": meta["format"]["provider"],
                      "options": list(meta["format"].get("options", {}).items())}
    return [{"protocol": {name: protocol[name] for name in PROTOCOL.names}, "metaData": None,
             "add": None},
            {"protocol": None, "metaData": {name: meta.get(name) for name in META.names},
             "add": None}]


def make(table, count):
    """Version 1 of a new table: a checkpoint of `count` files. The time of the last of them."""
    log = table / "_delta_log"
    rows = head_of(log)
    path = log / f"{1:020d}.checkpoint.parquet"
    with pyarrow.parquet.ParquetWriter(path, SCHEMA, compression="zstd") as writer:
        for number, time in enumerate(minutes_of(count)):
            rows.append({"protocol": None, "metaData": None, "add": add_of(number, time)})
            if len(rows) == CHUNK:
                writer.write_table(pyarrow.Table.from_pylist(rows, SCHEMA))
                rows = []
        writer.write_table(pyarrow.Table.from_pylist(rows, SCHEMA))
    commit = {"commitInfo": {"timestamp": 1_750_000_000_000, "operation": "WRITE",
                             "operationParameters": {}, "engineInfo": "bench"}}
    (log / f"{1:020d}.json").write_text(json.dumps(commit) + "\n")
    (log / "_last_checkpoint").write_text(json.dumps({"version": 1, "size": count + 2}))
    return time
