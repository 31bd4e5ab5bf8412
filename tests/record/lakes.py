"""Tables with a history of every kind, and what can be done to their bytes."""

import hashlib
import os
import pathlib
import random
import re
import shutil

SCHEMA = ("ts timestamp not null, sym string not null, price double, note string, "
          "date date not null")
KINDS = ("plain", "mixed", "cleaned", "vacuumed", "copied")


def put(varve, table, seed, count=8):
    chance = random.Random(seed)
    seen = {(chance.randrange(3), chance.randrange(6)) for _ in range(count)}
    varve.upsert(table, "ts,sym,price,note\n" + "".join(
        f"2025-01-1{day}T10:00:00Z,S{symbol},{chance.randrange(100)},n\n"
        for day, symbol in sorted(seen)))


def create(varve, table, *more):
    varve.ok("create", table, "--schema", SCHEMA, "--partition-by", "date", "--key", "ts,sym",
             *more)


def foreign(varve, table, count):
    """Commits of other software."""
    import deltalake  # pylint: disable=import-outside-toplevel
    import pyarrow  # pylint: disable=import-outside-toplevel
    import datetime  # pylint: disable=import-outside-toplevel
    for number in range(count):
        target = deltalake.DeltaTable(str(varve.table(table)))
        at = datetime.datetime(2025, 3, 1 + target.version() % 28, tzinfo=datetime.timezone.utc)
        deltalake.write_deltalake(target, pyarrow.table({
            "ts": pyarrow.array([at], pyarrow.timestamp("us", "UTC")),
            "sym": [f"F{number}"], "price": [float(number)], "note": ["f"],
            "date": pyarrow.array([at.date()], pyarrow.date32())}), mode="append")


def age(table, days):
    """Makes all commits so many days older, as if they had been written then."""
    before = None
    for path in files_of(table)["commit"]:
        text = path.read_text()
        text = re.sub(r'"timestamp":(\d+)', lambda match: '"timestamp":' + str(
            int(match[1]) - days * 86400000), text, count=1)
        if before is not None:
            text = re.sub(r'"prevHash":"[0-9a-f]*"', f'"prevHash":"{before}"', text)
        path.write_text(text)
        before = hashlib.sha256(path.read_bytes()).hexdigest()


def build(varve, kind):
    """A table of that name, clean."""
    if kind == "plain":
        create(varve, kind)
        for seed in range(6):
            put(varve, kind, seed)
        varve.ok("optimize", kind)
        for seed in range(6, 12):
            put(varve, kind, seed)
        varve.ok("restore", kind, "--version", "3", "--yes")
        put(varve, kind, 12)
    elif kind == "mixed":
        create(varve, kind)
        put(varve, kind, 1)
        foreign(varve, kind, 3)
        put(varve, kind, 2)
        put(varve, kind, 3)
        foreign(varve, kind, 1)
        put(varve, kind, 4)
        varve.ok("optimize", kind)
        foreign(varve, kind, 2)
    elif kind == "cleaned":
        create(varve, kind, "--property", "delta.logRetentionDuration=interval 5 days")
        for seed in range(5):
            put(varve, kind, seed)
        varve.ok("checkpoint", kind)
        age(varve.table(kind), 20)
        put(varve, kind, 10)
        varve.ok("checkpoint", kind)
        put(varve, kind, 11)
        put(varve, kind, 12)
    elif kind == "vacuumed":
        create(varve, kind)
        for seed in range(5):
            put(varve, kind, seed)
        varve.ok("vacuum", kind, "--retain", "0s", "--unsafe", "--yes")
        for seed in range(5, 8):
            put(varve, kind, seed)
    elif kind == "copied":
        build_from = varve.table("plain")
        if not build_from.exists():
            build(varve, "plain")
        shutil.copytree(build_from, varve.table(kind), copy_function=shutil.copyfile)


def copy(source, target):
    """A copy that shares its bytes with the original: a file is replaced before it is altered."""
    shutil.copytree(source, target, copy_function=os.link)


def files_of(table):
    """Files by what they are."""
    table = pathlib.Path(table)
    log = sorted((table / "_delta_log").glob("*"))
    return {
        "commit": [path for path in log if path.suffix == ".json" and path.name[0] == "0"],
        "checkpoint": [path for path in log if ".checkpoint" in path.name],
        "hint": [path for path in log if path.name == "_last_checkpoint"],
        "ledger": sorted((table / "_varve" / "ledger").glob("*.vl")),
        "data": sorted(table.glob("date=*/*.parquet")),
    }


def replace(path, data):
    path.unlink()
    path.write_bytes(data)


def flip(chance, path, _):
    data = bytearray(path.read_bytes())
    data[chance.randrange(len(data))] ^= 1 << chance.randrange(8)
    replace(path, bytes(data))


def truncate(chance, path, _):
    data = path.read_bytes()
    replace(path, data[:chance.randrange(len(data))])


def grow(chance, path, _):
    replace(path, path.read_bytes() + bytes([chance.choice(b"\n }x\0")]))


def remove(_chance, path, _):
    path.unlink()


def swap(chance, path, others):
    other = chance.choice([other for other in others if other != path])
    mine, its = path.read_bytes(), other.read_bytes()
    replace(path, its)
    replace(other, mine)


def replay(chance, path, others):
    """An old file in the place of another."""
    other = chance.choice([other for other in others if other != path])
    replace(path, other.read_bytes())


def zero(chance, path, _):
    data = bytearray(path.read_bytes())
    at = chance.randrange(len(data))
    end = min(len(data), at + 1 + chance.randrange(64))
    if not any(data[at:end]):
        at, end = 0, len(data)
    data[at:end] = bytes(end - at)
    replace(path, bytes(data))


MUTATIONS = {function.__name__: function
             for function in (flip, truncate, grow, remove, swap, replay, zero)}
