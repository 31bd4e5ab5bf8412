#!/usr/bin/env python3
"""Makes a small lake with all that a build of Varve can do, for later ones to be tried on.

    make_lake.py BUILD NAME [SYSTEM]

BUILD/varve does it, in tests/golden/lakes/NAME.tar.xz: the folder `lake`, and `told.json` with what
that program said is in it. SYSTEM is the libhard_system.so of a build that has one (BUILD's own by
default): by it the first commits are a month old, so that the log can be cleaned up. What a program
has no command for is left out, and told.json has nothing of it.
"""

import io
import json
import lzma
import os
import pathlib
import signal
import subprocess
import sys
import tarfile
import tempfile

HERE = pathlib.Path(__file__).resolve().parent
MONTH = 30 * 86400
SCHEMA = "k bigint not null, g string, v double, note string, at timestamp"
REGIME = ("timestamp,symbol,regime,vix,confidence,source,ingested_at\n2025-01-30T10:00:00Z,SPY,"
          "neutral_low,14.5,0.8,primary,2025-01-30T10:00:01Z\n")


class Maker:
    def __init__(self, program, lake, system):
        self.program = program
        self.lake = lake
        self.system = system
        self.age = 0
        said = self.ok("help")
        self.commands = {line.split()[0] for line in said.splitlines() if line.startswith("  ")
                         and line.split()}
        self.told = {"program": self.ok("version").strip(), "tables": {}, "tags": {}, "holds": {},
                     "seals": {}, "aside": {}, "waiting": {}}

    def command(self, *arguments):
        return [str(self.program), "--lake", str(self.lake), *map(str, arguments)]

    def environment(self):
        return {**os.environ, "LD_PRELOAD": str(self.system), "VARVE_HARD_CLOCK": str(-self.age)}

    def run(self, *arguments, stdin=""):
        return subprocess.run(self.command(*arguments), input=stdin, capture_output=True, text=True,
                              env=self.environment(), timeout=120, check=False)

    def ok(self, *arguments, stdin=""):
        done = self.run(*arguments, stdin=stdin)
        if done.returncode != 0:
            sys.exit(f"{arguments}: {done.stderr}")
        return done.stdout

    def can(self, command):
        return command in self.commands

    def rows(self, *arguments):
        return [json.loads(line) for line in
                self.ok(*arguments, "--format", "ndjson").splitlines()]

    def upsert(self, table, keys, value, *more):
        self.ok("upsert", table, "-", "--input-format", "ndjson", *more, stdin="".join(
            json.dumps({"k": key, "g": "abc"[key % 3], "v": value + key / 8, "note": f"n{key}",
                        "at": f"2025-01-{key % 28 + 1:02}T10:00:00.123456Z"}) + "\n"
            for key in keys))

    # ---- The tables ----------------------------------------------------------------------------

    def create(self, table, *properties):
        self.ok("create", table, "--schema", SCHEMA, "--key", "k", "--partition-by", "g",
                *(word for text in properties for word in ("--property", text)))

    def plain(self):
        """A checkpoint in the middle, a txn, and whatever changes rows and columns."""
        self.create("plain")
        for number in range(10):
            self.upsert("plain", range(number, number + 3), number, "--app-id", "feed",
                        "--app-version", number)
        if self.can("delete"):
            self.ok("delete", "plain", "--where", "k = 4")
            self.ok("update", "plain", "--where", "g = 'b'", "--set", "note = 'updated'")
        if self.can("alter"):
            self.ok("alter", "plain", "add-column", "more string")
        if self.can("optimize"):
            self.ok("optimize", "plain")
        if self.can("restore"):
            self.ok("restore", "plain", "--version", "3", "--yes")
        self.upsert("plain", [1], 7)

    def marked(self):
        """Deletion vectors, a change feed, names of columns that are mapped."""
        if not self.can("delete"):
            return
        self.create("marked", "delta.enableDeletionVectors=true", "delta.enableChangeDataFeed=true")
        self.upsert("marked", range(9), 1)
        self.ok("delete", "marked", "--where", "k % 4 = 1")
        self.ok("alter", "marked", "rename-column", "note", "remark", "--upgrade")
        self.ok("update", "marked", "--where", "k = 0", "--set", "remark = 'changed'")
        self.ok("checkpoint", "marked")
        self.ok("alter", "marked", "drop-column", "v", "--upgrade")

    def cleaned(self):
        """The first commits are in the ledger alone, where there is one."""
        self.age = MONTH
        self.create("cleaned", "delta.logRetentionDuration=interval 2 days")
        for number in range(4):
            self.upsert("cleaned", [number, number + 1], number)
        self.ok("checkpoint", "cleaned")
        self.age = 0
        self.upsert("cleaned", [1], 9)
        self.ok("checkpoint", "cleaned")
        self.upsert("cleaned", [2], 9)

    def market(self):
        self.ok("init")
        self.ok("upsert", "market_regimes", "-", "--input-format", "csv", stdin=REGIME)

    # ---- What is beside them -------------------------------------------------------------------

    def aside(self):
        if self.can("quarantine"):
            self.ok("upsert", "plain", "-", "--input-format", "ndjson", "--quarantine",
                    stdin='{"k": "none"}\n{"k": 50, "g": "a", "v": 1}\n')
            self.told["aside"]["plain"] = len(self.rows("quarantine", "list", "plain"))

    def pins(self):
        if self.can("tag"):
            self.ok("tag", "create", "first", "--at", "2", "plain")
            self.ok("tag", "create", "q1")
            self.ok("hold", "add", "audit")
            for kind in ("tag", "hold"):
                for row in self.rows(kind, "list"):
                    self.told[f"{kind}s"].setdefault(row["name"], {})[row["table"]] = row["version"]
        if self.can("seal"):
            for line in self.ok("seal").splitlines():
                said = json.loads(line)
                self.told["seals"][said["table"]] = said["head"]
            self.upsert("plain", [60], 1)

    def spool(self):
        """Rows that are acknowledged and in no table: the process is killed."""
        if not self.can("ingest"):
            return
        waiting = {"plain": [{"k": 70 + number, "g": "c", "v": 0.5} for number in range(3)],
                   "cleaned": [{"k": 80, "g": "a", "v": 1.5}]}
        lines = [{"table": table, **row} for table, rows in waiting.items() for row in rows]
        process = subprocess.Popen(
            self.command("--quiet", "ingest", "--ack", "spooled", "--interval", "1h",
                         "--max-bytes", "64KiB", "--max-line", "4KiB"),
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=self.environment())
        process.stdin.write("".join(json.dumps(line) + "\n" for line in lines).encode())
        process.stdin.flush()
        while json.loads(process.stdout.readline())["ack"] < len(lines):
            pass
        process.send_signal(signal.SIGKILL)
        process.wait()
        self.told["waiting"] = waiting

    def tell(self):
        for row in self.rows("tables"):
            table = row["table"]
            history = self.rows("history", table)
            self.told["tables"][table] = {
                "history": [[entry["version"], entry["operation"], entry["timestamp"]]
                            for entry in history],
                "versions": [self.rows("scan", table, "--version", entry["version"])
                             for entry in reversed(history)]}

    def make(self):
        self.market()
        self.plain()
        self.marked()
        self.cleaned()
        self.aside()
        self.pins()
        self.tell()
        self.spool()


def pack(folder, path):
    """The same bytes for the same files."""
    data = io.BytesIO()
    with tarfile.open(fileobj=data, mode="w") as archive:
        for item in sorted(folder.rglob("*")):
            entry = archive.gettarinfo(item, str(item.relative_to(folder)))
            entry.uid = entry.gid = 0
            entry.uname = entry.gname = ""
            with open(item, "rb") if item.is_file() else io.BytesIO() as content:
                archive.addfile(entry, content if item.is_file() else None)
    path.write_bytes(lzma.compress(data.getvalue(), preset=9))


def main(build, name, system=None):
    build = pathlib.Path(build).resolve()
    system = pathlib.Path(system or build / "tests" / "hard" / "libhard_system.so").resolve()
    with tempfile.TemporaryDirectory() as text:
        folder = pathlib.Path(text)
        maker = Maker(build / "varve", folder / "lake", system)
        maker.make()
        (folder / "told.json").write_text(json.dumps(maker.told))
        path = HERE / "lakes" / f"{name}.tar.xz"
        pack(folder, path)
    sizes = {name: len(table["versions"]) for name, table in maker.told["tables"].items()}
    print(f"{path.name}: {path.stat().st_size} bytes, versions {sizes}")


if __name__ == "__main__":
    main(*sys.argv[1:])
