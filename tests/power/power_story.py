"""What is told of a table in which also tags, holds, seals, clean-ups of the log and vacuums are
made, each day another one; and what of it has to be there after a power cut.
"""

import collections
import json
import pathlib
import sys

HERE = pathlib.Path(__file__).resolve().parent
sys.path[:0] = [str(HERE.parent), str(HERE.parent / "record")]

from conftest import Varve  # pylint: disable=wrong-import-position
from power_feed import FedStory, check_feed  # pylint: disable=wrong-import-position
from story import KEY, TABLE, Story, bag  # pylint: disable=wrong-import-position

NOT_FOUND = 5
DAY = 86400
MANY = 1100  # files that make a state so large that a thread of its own writes its checkpoints
FAR_MS = 4102444800000  # 2100-01-01

KINDS = ("small", "large", "fed")

OTHERS = {"commitInfo": {"timestamp": 7, "operation": "WRITE", "engineInfo": "other/1"}}

# What was told to be done: the newest version, the least that a vacuum cannot have taken, tags and
# holds by name, the last seal's (version, head) or None, batches in quarantine.
Told = collections.namedtuple("Told", "version floor tags holds seal aside")


class RecordedVarve(Varve):
    """The program with the recorder in it, at a time of its own."""

    def __init__(self, build, lake, journal):
        super().__init__(build / "varve", lake)
        self.journal = journal
        self.days = 0
        self.clock = build / "tests" / "hard" / "libhard_system.so"
        recorder = build / "tests" / "power" / "libpower_record.so"
        self.env = {"LD_PRELOAD": f"{recorder}:{self.clock}", "VARVE_POWER_ROOT": str(lake.parent),
                    "VARVE_POWER_JOURNAL": str(journal)}

    def environment(self):
        return {**self.env, "VARVE_HARD_CLOCK": str(self.days * DAY)}

    def run(self, *arguments, env=None, **options):
        return super().run(*arguments, env={**self.environment(), **(env or {})}, **options)

    def note(self, number):
        """That so many deeds were told to be done."""
        with open(self.journal, "a", encoding="utf-8") as file:
            file.write(f"N {number}\n")

    def note_durable(self, paths):
        """That these files were made by somebody else, and are on the disk for good."""
        with open(self.journal, "ab") as file:
            file.write(b"B\n")
            for path in paths:
                content, number = path.read_bytes(), path.stat().st_ino
                name = path.relative_to(self.lake.parent)
                file.write(f"C {number} {name}\nW {number} 0 {len(content)}\n".encode() + content)
            file.write(b"E\n")


class LaterVarve(Varve):
    """The program on a disk that is left, the day after."""

    def __init__(self, recorded, lake):
        super().__init__(recorded.program, lake)
        boot = lake.parent / "boot"
        boot.write_text("a0b1c2d3-0000-4000-8000-000000000000\n")
        self.env = {"LD_PRELOAD": recorded.env["LD_PRELOAD"], "VARVE_POWER_BOOT": str(boot),
                    "VARVE_HARD_CLOCK": str((recorded.days + 1) * DAY)}

    def environment(self):
        return self.env

    def run(self, *arguments, env=None, **options):
        return super().run(*arguments, env={**self.env, **(env or {})}, **options)


class PowerStory(FedStory):
    """Deeds of Varve alone: others promise nothing for a power cut. Nothing is kept longer than it
    has to be: the log a day, what left the table not at all."""

    theirs = Story.upsert

    def __init__(self, varve, layout, seed, kind="small"):
        super().__init__(varve, layout, seed)
        varve.ok("alter", TABLE, "set", "delta.logRetentionDuration=1 days",
                 "delta.deletedFileRetentionDuration=0 seconds",
                 f"delta.checkpointInterval={2 if kind == 'large' else 4}")
        self.states.append(self.now)
        self.floor = 0
        self.tags, self.holds, self.seal_told, self.aside = {}, {}, None, 0
        self.told = []
        self.is_fed = kind == "fed"
        self.seams = None  # a list of all places that were passed
        self.errands = 0   # checkpoints that a thread of its own has written
        if kind == "large":
            self.enlarge()

    def enlarge(self):
        """Two commits of other software: files, and that they are gone, which is not forgotten."""
        table = self.varve.table(TABLE)
        first = (table / "_delta_log" / f"{0:020d}.json").read_text()
        (columns,) = (json.loads(line)["metaData"]["partitionColumns"]
                      for line in first.splitlines() if '"metaData"' in line)
        made = [table / f"other-{number}.parquet" for number in range(MANY)]
        files = [{"path": path.name, "partitionValues": {column: None for column in columns},
                  "size": 9, "dataChange": True} for path in made]
        for path in made:
            path.write_bytes(b"not read.")
        adds = [{"add": {**file, "modificationTime": 1}} for file in files]
        removes = [{"remove": {**file, "deletionTimestamp": FAR_MS, "extendedFileMetadata": True}}
                   for file in files]
        for actions in (adds, removes):
            path = table / "_delta_log" / f"{len(self.states):020d}.json"
            path.write_text("".join(json.dumps(action) + "\n" for action in [OTHERS, *actions]))
            made.append(path)
            self.states.append(self.now)
        self.varve.note_durable(made)
        self.seams = self.varve.journal.with_suffix(".seams")
        self.varve.env["VARVE_TEST_SEAMS"] = f"list={self.seams}"
        self.floor = len(self.states) - 1

    def choices(self):
        if self.seams is not None:
            return ["upsert", "append", "delete", "merge", "update", "tag", "vacuum"]
        if self.is_fed:
            return ["ingest"] * 5 + ["upsert", "vacuum", "clean_log", "maintain"]
        return super().choices() + ["clean_log"] * 3 + ["vacuum"] * 2 + \
            ["tag", "tag", "hold", "release", "seal", "set_aside"]

    def one(self):
        """One deed more, and what can be told of the table now. Mostly some days later."""
        self.varve.days += self.chance.choice([0, 1, 2])
        self.tell(1)
        if self.deeds[-1] in ("maintain", "tidy", "vacuum"):
            newest = len(self.states) - 1
            self.floor = max(self.floor, min([newest, *self.holds.values()]))
        self.note()

    def note(self):
        self.told.append(Told(len(self.states) - 1, self.floor, dict(self.tags), dict(self.holds),
                              self.seal_told, self.aside))
        self.varve.note(len(self.told) - 1)

    # ---- Deeds ---------------------------------------------------------------------------------

    def restore(self):
        version = self.chance.randrange(self.floor, len(self.states))
        self.varve.ok("restore", TABLE, "--yes", "--version", version)
        return self.states[version]

    def clean_log(self):
        self.varve.days += 2
        self.varve.ok("checkpoint", TABLE)
        return self.now

    def vacuum(self):
        self.varve.ok("vacuum", TABLE, "--yes", *self.chance.choice([[], ["--lite"]]))
        return self.now

    def pin(self, kind, names, prefix):
        name = f"{prefix}{next(self.fresh)}"
        self.varve.ok(kind, {"tag": "create", "hold": "add"}[kind], name)
        names[name] = len(self.states) - 1
        return self.now

    def tag(self):
        return self.pin("tag", self.tags, "tag")

    def hold(self):
        return self.pin("hold", self.holds, "hold")

    def release(self):
        for kind, verb, names in (("tag", "drop", self.tags), ("hold", "release", self.holds)):
            if names and self.chance.random() < 0.7:
                name = self.chance.choice(sorted(names))
                self.varve.ok(kind, verb, name)
                del names[name]
        return self.now

    def seal(self):
        said = json.loads(self.varve.ok("seal", TABLE))
        self.seal_told = (said["version"], said["head"])
        return self.now

    def set_aside(self):
        """A bad row beside a good one: it is in quarantine before the commit goes on without it."""
        row = self.row(self.chance.randrange(20))
        bad = f'{{"k": "bad {next(self.fresh)}"}}\n'
        self.varve.ok("upsert", TABLE, "-", "--input-format", "ndjson", "--quarantine",
                      stdin=self.text([row]) + bad)
        self.aside += 1
        return self.now._replace(rows={**self.now.rows, row[KEY]: row})


# ---- What has to be there ----------------------------------------------------------------------


def check_rows(varve, story, version, *where):
    assert bag(varve.rows("scan", TABLE, *where)) == story.expected(version), \
        f"other rows in version {version} {where}"


def check_pins(varve, story, both):
    """Tags and holds that are told before and after the cut; what a tag names can be read."""
    for kind, names in (("tag", both.tags), ("hold", both.holds)):
        if names:
            found = {row["name"]: row["version"] for row in varve.rows(kind, "list")}
            assert names.items() <= found.items(), f"{kind}s {found}, and not {names}"
    for name, version in both.tags.items():
        check_rows(varve, story, version, "--at", name)


def both_told(told, after):
    """What holds whatever part of the deed between was done."""
    return Told(told.version, after.floor, dict(told.tags.items() & after.tags.items()),
                dict(told.holds.items() & after.holds.items()), told.seal, told.aside)


def check(varve, story, number, acked, goes_on):
    """What is wrong with the table on that disk, when so many deeds were told, and so many lines of the
    next one; None: nothing."""
    described = varve.run("describe", TABLE, "--json")
    if described.returncode != 0:
        return None if number < 0 and described.returncode == NOT_FOUND else described.stderr
    version = json.loads(described.stdout)["version"]
    after = story.told[min(number + 1, len(story.told) - 1)]
    told = both_told(story.told[number], after) if number >= 0 else \
        Told(0, 0, {}, {}, None, 0)
    if not told.version <= version < len(story.states):
        return f"version {version}"
    try:
        check_rows(varve, story, version)
        last = version
        if story.feeds:
            last = check_feed(varve, story, version, story.feeds.get(number), acked)
        head = ["--head", told.seal[1]] if told.seal else []
        varve.ok("verify", TABLE, "--deep", *head)
        found = [row["version"] for row in varve.rows("history", TABLE)]
        assert found == list(range(last, -1, -1)), f"history has {found}"
        if told.floor < version:
            old = story.chance.randrange(told.floor, version)
            check_rows(varve, story, old, "--version", old)
        check_pins(varve, story, told)
        if told.aside:
            aside = varve.rows("quarantine", "list", TABLE)
            assert len(aside) >= told.aside, f"{len(aside)} batches in quarantine"
        if goes_on:
            varve.ok("upsert", TABLE, "-", "--input-format", "ndjson",
                     stdin='{"k": 999, "g": "a"}\n')
            varve.ok("maintain", "--once")
            varve.ok("verify", TABLE, "--deep", *head)
            assert len(varve.rows("history", TABLE)) > last + 1
    except AssertionError as error:
        return str(error)
    return None
