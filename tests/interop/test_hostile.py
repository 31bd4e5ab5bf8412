"""Tables that somebody made to hurt: sizes that can't be, depths and widths that nobody has.

Each command on each of them ends with an answer or a refusal (CORRUPT, LIMIT, UNSUPPORTED), in
bounded memory and time; never in a crash."""

import json
import os
import struct
import subprocess
import time
import uuid
import zlib

import pytest

pytestmark = pytest.mark.contradicts_itself
SECONDS = 60
REFUSED = {6: "CORRUPT", 7: "UNSUPPORTED", 9: "LIMIT"}
COMMANDS = ["describe", "scan", "doctor"]
SCHEMA = {"type": "struct", "fields": [
    {"name": "a", "type": "long", "nullable": True, "metadata": {}}]}


def metadata(**changed):
    return {"metaData": {"id": "1", "format": {"provider": "parquet", "options": {}},
                         "schemaString": json.dumps(SCHEMA), "partitionColumns": [],
                         "configuration": {}, "createdTime": 1, **changed}}


def protocol(reader=1, writer=2, **changed):
    return {"protocol": {"minReaderVersion": reader, "minWriterVersion": writer, **changed}}


DV_PROTOCOL = protocol(3, 7, readerFeatures=["deletionVectors"], writerFeatures=["deletionVectors"])
INFO = {"commitInfo": {"timestamp": 1, "operation": "WRITE", "engineInfo": "other/1"}}


def add(**changed):
    return {"add": {"path": "a.parquet", "partitionValues": {}, "size": 10, "modificationTime": 1,
                    "dataChange": True, "stats": '{"numRecords":10}', **changed}}


def write_log(folder, *actions):
    log = folder / "_delta_log"
    log.mkdir(parents=True)
    text = "".join((action if isinstance(action, str) else json.dumps(action)) + "\n"
                   for action in actions)
    (log / f"{0:020}.json").write_text(text)
    (folder / "a.parquet").write_bytes(b"PAR1 nothing PAR1")


def vector(folder, content, **changed):
    """A table whose file has a deletion vector in a file of these bytes."""
    name = uuid.UUID(int=0)
    (folder).mkdir(parents=True)
    (folder / f"deletion_vector_{name}.bin").write_bytes(content)
    write_log(folder / "t", DV_PROTOCOL, metadata(), add(deletionVector={
        "storageType": "u", "pathOrInlineDv": "0" * 20, "offset": 1, "sizeInBytes": 36,
        "cardinality": 2, **changed}))
    os.replace(folder / f"deletion_vector_{name}.bin", folder / "t" / f"deletion_vector_{name}.bin")


def framed(data, size=None):
    return b"\x01" + struct.pack(">I", len(data) if size is None else size) + data + struct.pack(
        ">I", zlib.crc32(data))


ROARING = b"\xd1\xd3\x39\x64"
DEEP = "[" * 1_000_000 + "]" * 1_000_000
DEEP_OBJECT = '{"a":' * 1_000_000 + "1" + "}" * 1_000_000


def wide(count):
    return json.dumps({"type": "struct", "fields": [
        {"name": f"c{number}", "type": "long", "nullable": True, "metadata": {}}
        for number in range(count)]})


def nested(depth):
    return ('{"type":"struct","fields":[{"name":"a","type":' * depth + '"long"' +
            ',"nullable":true,"metadata":{}}]}' * depth)


CASES = {
    "a length of 4 GB in a vector": lambda path: vector(
        path, framed(ROARING + b"\0" * 32, 0xFFFFFFFF)),
    "a length of 2 GB in log and vector": lambda path: vector(
        path, framed(ROARING + b"\0" * 32, 0x7FFFFFFF), sizeInBytes=0x7FFFFFFF),
    "a length of 4 GB in the log": lambda path: vector(
        path, framed(ROARING + b"\0" * 32), sizeInBytes=0xFFFFFFFF),
    "a vector of 2^60 buckets": lambda path: vector(
        path, framed(ROARING + struct.pack("<Q", 1 << 60) + b"\0" * 24)),
    "a vector of 2^32 buckets": lambda path: vector(
        path, framed(ROARING + struct.pack("<Q", 1 << 32) + b"\0" * 24)),
    "an inline vector of 4 GB": lambda path: write_log(
        path / "t", DV_PROTOCOL, metadata(), add(deletionVector={
            "storageType": "i", "pathOrInlineDv": "0" * 45, "sizeInBytes": 0x7FFFFFFF,
            "cardinality": 2})),
    "a cardinality of 2^62": lambda path: vector(
        path, framed(ROARING + b"\0" * 32), cardinality=1 << 62),
    "an offset at the end of 31 bits": lambda path: vector(
        path, framed(ROARING + b"\0" * 32), offset=0x7FFFFFFF),
    "a million arrays in an unknown action": lambda path: write_log(
        path / "t", INFO, protocol(), metadata(), '{"other":' + DEEP + "}"),
    "a million objects in an add": lambda path: write_log(
        path / "t", INFO, protocol(), metadata(), '{"add":' + DEEP_OBJECT + "}"),
    "a million arrays in statistics": lambda path: write_log(
        path / "t", INFO, protocol(), metadata(), add(stats='{"minValues":{"a":' + DEEP + "}}")),
    "a million arrays in a schema": lambda path: write_log(
        path / "t", INFO, protocol(), metadata(schemaString=DEEP)),
    "a hundred thousand structs in each other": lambda path: write_log(
        path / "t", INFO, protocol(), metadata(schemaString=nested(100_000))),
    "a hundred thousand columns": lambda path: write_log(
        path / "t", INFO, protocol(), metadata(schemaString=wide(100_000)), add()),
    "a hundred thousand partition columns": lambda path: write_log(
        path / "t", INFO, protocol(), metadata(
            schemaString=wide(100_000), partitionColumns=[f"c{n}" for n in range(100_000)]), add()),
    "a hundred thousand features": lambda path: write_log(
        path / "t", INFO, protocol(3, 7, readerFeatures=[f"r{n}" for n in range(100_000)],
                                   writerFeatures=[f"w{n}" for n in range(100_000)]), metadata()),
    "one feature a hundred thousand times": lambda path: write_log(
        path / "t", INFO, protocol(3, 7, readerFeatures=["deletionVectors"] * 100_000,
                                   writerFeatures=["deletionVectors"] * 100_000), metadata()),
    "a hundred thousand properties": lambda path: write_log(
        path / "t", INFO, protocol(), metadata(
            configuration={f"p{n}": "x" for n in range(100_000)})),
    "files of 2^62 bytes and rows": lambda path: write_log(
        path / "t", INFO, protocol(), metadata(), *(
            add(path=f"{n}.parquet", size=1 << 62, stats='{"numRecords":%d}' % (1 << 62))
            for n in range(5))),
    "a path of a megabyte": lambda path: write_log(
        path / "t", INFO, protocol(), metadata(), add(path="a" * 1_000_000)),
    "a partition value of a megabyte": lambda path: write_log(
        path / "t", INFO, protocol(), metadata(partitionColumns=["a"]),
        add(partitionValues={"a": "1" * 1_000_000})),
    "times at the ends of 64 bits": lambda path: write_log(
        path / "t", {"commitInfo": {"timestamp": 2**63 - 1, "inCommitTimestamp": -2**63}},
        protocol(), metadata(createdTime=2**63 - 1), add(modificationTime=-2**63)),
    "numbers of a thousand digits": lambda path: write_log(
        path / "t", INFO, protocol(), metadata(), '{"add":{"path":"a","partitionValues":{},"size":' +
        "9" * 1000 + ',"modificationTime":1,"dataChange":true}}'),
}


def measured(command):
    """(exit status, stderr, seconds)"""
    start = time.monotonic()
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE) as process:
        _, err = process.communicate(timeout=SECONDS)
    return process.returncode, err.decode(errors="replace"), time.monotonic() - start


@pytest.mark.parametrize("case", CASES)
def test_it_is_answered_or_refused(varve, program, tmp_path, case):
    CASES[case](tmp_path / "lake")
    path = str(tmp_path / "lake" / "t")
    limit = f"ulimit -v {6_000_000}; exec"
    for command in COMMANDS:
        words = ["/usr/bin/env", "bash", "-c", f'{limit} "$@"', "sh", str(program), "--memory",
                 "256MB", "--threads", "1", command, path]
        status, err, seconds = measured(words)
        allowed = {0, 10, 8, 5, *REFUSED}  # the data file is none: what is read of it fails, too
        assert status in allowed, f"{command}: {status}\n{err[:2000]}"
        assert status == 0 or len(err) < 20_000, command
        assert seconds < SECONDS


def test_a_refusal_names_the_file(varve, tmp_path):
    CASES["a million arrays in an unknown action"](tmp_path / "lake")
    done = varve.run("describe", tmp_path / "lake" / "t")
    assert done.returncode == 6 and f"{0:020}.json" in done.stderr
    CASES["a length of 4 GB in a vector"](tmp_path / "other")
    done = varve.run("scan", tmp_path / "other" / "t")
    assert done.returncode == 6 and "a.parquet" in done.stderr
