"""Lakes that earlier builds of Varve made (make_lake.py): read, proven, written and kept up by this one.

What they had then has to be there now, version by version; what they told to have taken has to come
into its table; and afterwards the table is as sound as a new one, also for deltalake.
"""

import collections
import datetime as dt
import json
import pathlib
import sys
import tarfile
import time

import deltalake
import pyarrow as pa
import pytest
from conftest import Varve

HERE = pathlib.Path(__file__).resolve().parent
LAKES = sorted(path.name.removesuffix(".tar.xz") for path in (HERE / "lakes").glob("*.tar.xz"))
NEWEST = "0.1.0"


def bag(rows):
    return collections.Counter(json.dumps(row, sort_keys=True) for row in rows)


class ThenVarve(Varve):
    """The program a day after the lake was made: whatever the year, no retention has ended."""

    def __init__(self, program, lake, told):
        super().__init__(program, lake)
        made = dt.datetime.fromisoformat(told["tables"]["plain"]["history"][0][2])
        system = program.resolve().parent / "tests" / "hard" / "libhard_system.so"
        clock = int(made.timestamp() + 86400 - time.time())
        self.env = {"LD_PRELOAD": str(system), "VARVE_HARD_CLOCK": str(clock)}

    def run(self, *arguments, env=None, **options):
        return super().run(*arguments, env={**self.env, **(env or {})}, **options)


def unpack(name, folder):
    with tarfile.open(HERE / "lakes" / f"{name}.tar.xz") as archive:
        archive.extractall(folder, filter="data")
    return json.loads((folder / "told.json").read_text())


@pytest.fixture(params=LAKES)
def old(request, program, tmp_path):
    """The program on an old lake, and what was told of it."""
    told = unpack(request.param, tmp_path)
    return ThenVarve(program, tmp_path / "lake", told), told


def check_versions(varve, told):
    """Rows as they were read then. A column that came later is not in older versions."""
    for name, table in told["tables"].items():
        for version, rows in enumerate(table["versions"]):
            assert bag(varve.rows("scan", name, "--version", version)) == bag(rows), \
                f"{name}, version {version}"


def check_history(varve, told):
    for name, table in told["tables"].items():
        found = [[row["version"], row["operation"], row["timestamp"]]
                 for row in varve.rows("history", name)]
        assert found[-len(table["history"]):] == table["history"], name


def check_proof(varve, told):
    for name in told["tables"]:
        head = ["--head", told["seals"][name]] if name in told["seals"] else []
        varve.ok("verify", name, "--deep", *head)


def check_pins(varve, told):
    for kind in ("tag", "hold"):
        found = collections.defaultdict(dict)
        for row in varve.rows(kind, "list"):
            found[row["name"]][row["table"]] = row["version"]
        assert found == told[f"{kind}s"]
    for tag, tables in told["tags"].items():
        for name, version in tables.items():
            assert bag(varve.rows("scan", name, "--at", tag)) == \
                bag(told["tables"][name]["versions"][version])


@pytest.mark.slow
def test_what_an_earlier_build_wrote_is_read_and_proven(old):
    varve, told = old
    assert {row["table"] for row in varve.rows("tables")} == told["tables"].keys()
    check_versions(varve, told)
    check_history(varve, told)
    check_proof(varve, told)
    check_pins(varve, told)
    for name, count in told["aside"].items():
        assert len(varve.rows("quarantine", "list", name)) == count


def by_key(rows):
    return {row["k"]: row for row in rows}


def deliver(varve, told):
    """What waits in the spool: it was copied with the lake, so that it has to be taken over."""
    if not told["waiting"]:
        return
    assert varve.run("spool", "flush").returncode != 0
    varve.ok("spool", "flush", "--adopt")
    for name, rows in told["waiting"].items():
        found = by_key(varve.rows("scan", name))
        for row in rows:
            assert row.items() <= found[row["k"]].items()
            assert row["k"] not in by_key(told["tables"][name]["versions"][-1])


def write(varve, name):
    """A key that is there and one that is not; a row less; all of it laid out anew."""
    before = by_key(varve.rows("scan", name))
    varve.upsert(name, '{"k": 1, "g": "b"}\n{"k": 999, "g": "a"}\n')
    varve.ok("delete", name, "--where", "k = 2")
    varve.ok("alter", name, "add-column", "later bigint")
    varve.ok("optimize", name, "--zorder", "k")
    varve.ok("checkpoint", name)
    after = by_key(varve.rows("scan", name))
    assert after.keys() == (before.keys() | {1, 999}) - {2}
    for key in after.keys() - {1, 999}:
        assert after[key] == {**before[key], "later": None}


@pytest.mark.slow
def test_what_an_earlier_build_wrote_is_written_to_and_kept_up(old):
    varve, told = old
    varve.ok("quarantine", "drop", "plain", "--yes")
    deliver(varve, told)
    for name in told["tables"].keys() & {"plain", "cleaned", "marked"}:
        write(varve, name)
    again = varve.upsert("plain", '{"k": 1, "g": "c"}\n', "--app-id", "feed", "--app-version", "9")
    assert again["already_applied"]
    said = json.loads(varve.ok("maintain", "--once", "--json"))
    assert (said["failed"], said["skipped"]) == (0, 0)
    check_versions(varve, told)
    check_history(varve, told)
    check_proof(varve, told)
    for name in told["tables"].keys() - {"marked"}:  # deltalake reads no mapped columns
        found = deltalake.QueryBuilder().register(
            "t", deltalake.DeltaTable(str(varve.table(name)))).execute("SELECT * FROM t")
        assert pa.table(found.read_all()).num_rows == len(varve.rows("scan", name))


def test_the_newest_of_them_is_what_this_build_makes(program, tmp_path):
    """Else what a later build is tried on is not what this one leaves: make_lake.py BUILD NAME."""
    sys.path.insert(0, str(HERE))
    import make_lake  # pylint: disable=import-outside-toplevel
    system = program.resolve().parent / "tests" / "hard" / "libhard_system.so"
    maker = make_lake.Maker(program, tmp_path / "lake", system)
    maker.make()
    told = unpack(NEWEST, tmp_path / "newest")

    def shape(said):  # rows come in the order of their files, whose names are by chance
        return {name: [[entry[:2] for entry in table["history"]],
                       [sorted(map(json.dumps, rows)) for rows in table["versions"]]]
                for name, table in said["tables"].items()}
    assert json.dumps(shape(maker.told)) == json.dumps(shape(told))
    assert maker.told["waiting"] == told["waiting"] and maker.told["aside"] == told["aside"]
