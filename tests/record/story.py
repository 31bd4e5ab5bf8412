#!/usr/bin/env python3
"""Random histories of tables by every operation, and a model of what each version has.

    story.py PROGRAM STORIES [FIRST_SEED]

What is compared at the end: every version as Varve scans it and as deltalake reads it, the changes
between any two versions, the history of single rows, what was known at a time, and that verify
has nothing to say. Columns are numbered in the model: a renamed one keeps its number, one that is
dropped and comes again gets another.
"""

import collections
import itertools
import json
import pathlib
import random
import sys
import tempfile

TABLE = "t"
LAYOUTS = {
    "plain": [],
    "marked": ["delta.enableDeletionVectors=true"],
    "fed": ["delta.enableChangeDataFeed=true"],
    "mapped": ["delta.enableDeletionVectors=true", "delta.enableChangeDataFeed=true"],
}
KEY, GROUP, VALUE = 0, 1, 2  # numbers of columns
TAIL = ("_change_type", "_commit_version", "_commit_timestamp")

State = collections.namedtuple("State", "columns rows")  # {number: name}, {key: {number: value}}


def bag(rows):
    return collections.Counter(json.dumps(row, sort_keys=True) for row in rows)


class Story:
    """One table and its model."""

    def __init__(self, varve, layout, seed):
        self.varve = varve
        self.layout = layout
        self.chance = random.Random(f"{layout} {seed}")
        self.fresh = itertools.count(100)  # keys that nobody had
        self.numbers = itertools.count(3)
        self.deeds = []
        varve.ok("create", TABLE, "--schema", "k bigint not null, g string, v bigint", "--key", "k",
                 *(["--partition-by", "g"] if self.chance.random() < 0.7 else []),
                 *(part for text in LAYOUTS[layout] for part in ("--property", text)))
        self.states = [State({KEY: "k", GROUP: "g", VALUE: "v"}, {})]

    @property
    def now(self):
        return self.states[-1]

    # ---- Rows ---------------------------------------------------------------------------------

    def group(self):
        return self.chance.choice("abc")

    def row(self, key, group=None):
        row = {number: self.chance.choice([None, *range(9)]) for number in self.now.columns}
        return {**row, KEY: key, GROUP: group or self.group()}

    def named(self, row, columns=None):
        return {name: row.get(number) for number, name in (columns or self.now.columns).items()}

    def text(self, rows):
        return "".join(json.dumps(self.named(row)) + "\n" for row in rows)

    def keys(self, most=6):
        return self.chance.sample(range(20), self.chance.randint(1, most))

    def condition(self):
        """As SQL, and as a function of a row."""
        name = self.now.columns[VALUE]
        limit, group = self.chance.randrange(20), self.group()
        return self.chance.choice([
            (f"k < {limit}", lambda row: row[KEY] < limit),
            (f"g = '{group}'", lambda row: row[GROUP] == group),
            (f'"{name}" > {limit % 9}', lambda row: row[VALUE] is not None
             and row[VALUE] > limit % 9),
            (f'g <> \'{group}\' AND "{name}" IS NULL', lambda row: row[GROUP] != group
             and row[VALUE] is None),
        ])

    def kept(self, without):
        return {key: row for key, row in self.now.rows.items() if not without(row)}

    # ---- Deeds: each does one thing and returns the state after it ------------------------------

    def upsert(self):
        rows = [self.row(key) for key in self.keys()]
        self.varve.ok("upsert", TABLE, "-", "--input-format", "ndjson", stdin=self.text(rows))
        return self.now._replace(rows={**self.now.rows, **{row[KEY]: row for row in rows}})

    def append(self):
        rows = [self.row(next(self.fresh)) for _ in range(self.chance.randint(1, 4))]
        self.varve.ok("append", TABLE, "-", "--allow-duplicates", "--input-format", "ndjson",
                      stdin=self.text(rows))
        return self.now._replace(rows={**self.now.rows, **{row[KEY]: row for row in rows}})

    def delete(self):
        where, is_meant = self.condition()
        self.varve.ok("delete", TABLE, "--where", where)
        return self.now._replace(rows=self.kept(is_meant))

    def update(self):
        where, is_meant = self.condition()
        name, group = self.now.columns[VALUE], self.group()
        self.varve.ok("update", TABLE, "--where", where, "--set", f'"{name}" = "{name}" + 1',
                      "--set", f"g = '{group}'")
        return self.now._replace(rows={key: {
            **row, VALUE: None if row[VALUE] is None else row[VALUE] + 1, GROUP: group,
        } if is_meant(row) else row for key, row in self.now.rows.items()})

    def merge(self):
        name, limit, group = self.now.columns[VALUE], self.chance.randrange(9), self.group()
        source = {key: self.chance.randrange(9) for key in self.keys()}
        self.varve.ok(
            "merge", TABLE, "--source", "-", "--input-format", "ndjson", "--on", "t.k = s.k",
            "--when-matched", f"and s.x = {limit} delete",
            "--when-matched", f'update set "{name}" = s.x',
            "--when-not-matched", f"insert (k, g, \"{name}\") values (s.k, '{group}', s.x)",
            "--when-not-matched-by-source", f'and t."{name}" = {limit} delete',
            stdin="".join(json.dumps({"k": key, "x": value}) + "\n"
                          for key, value in source.items()))
        rows = {}
        for key, row in self.now.rows.items():
            if key in source and source[key] != limit:
                rows[key] = {**row, VALUE: source[key]}
            elif key not in source and row[VALUE] != limit:
                rows[key] = row
        for key, value in source.items():
            if key not in self.now.rows:
                rows[key] = {KEY: key, GROUP: group, VALUE: value}
        return self.now._replace(rows=rows)

    def overwrite(self):
        group = self.group()
        rows = [self.row(next(self.fresh), group) for _ in range(self.chance.randint(0, 3))]
        self.varve.ok("overwrite", TABLE, "-", "--where", f"g = '{group}'", "--yes",
                      "--input-format", "ndjson", stdin=self.text(rows))
        return self.now._replace(rows={**self.kept(lambda row: row[GROUP] == group),
                                       **{row[KEY]: row for row in rows}})

    def add_column(self):
        number = next(self.numbers)
        name = f"n{number}"
        self.varve.ok("alter", TABLE, "add-column", f"{name} bigint")
        return self.now._replace(columns={**self.now.columns, number: name})

    def rename_column(self):
        number = self.chance.choice([number for number in self.now.columns if number >= VALUE])
        name = f"r{next(self.fresh)}"
        self.varve.ok("alter", TABLE, "rename-column", self.now.columns[number], name, "--upgrade")
        return self.now._replace(columns={**self.now.columns, number: name})

    def drop_column(self):
        added = [number for number in self.now.columns if number > VALUE]
        if not added:
            return self.add_column()
        number = self.chance.choice(added)
        self.varve.ok("alter", TABLE, "drop-column", self.now.columns[number], "--upgrade")
        return self.now._replace(columns={other: name for other, name in self.now.columns.items()
                                          if other != number})

    def restore(self):
        version = self.chance.randrange(len(self.states))
        self.varve.ok("restore", TABLE, "--yes", "--version", version)
        return self.states[version]

    def optimize(self):
        names = f'k,{self.now.columns[VALUE]}'
        self.varve.ok("optimize", TABLE, *self.chance.choice([[], [], ["--zorder", names]]))
        return self.now

    def tidy(self):
        self.varve.ok(*self.chance.choice([("checkpoint", TABLE), ("vacuum", TABLE, "--yes")]))
        return self.now

    def maintain(self):
        """What is due, or, with the properties of a hasty table, all of it; commits may be none."""
        if self.chance.random() < 0.5:
            hasty = {"varve.maintain.tierFiles": "2", "varve.maintain.sealAfter": "0s",
                     "varve.maintain.reclusterAfter": "0s", "varve.maintain.vacuumEvery": "0s"}
            names = self.chance.sample(sorted(hasty), self.chance.randint(1, len(hasty)))
            self.varve.ok("alter", TABLE, "set", *(f"{name}={hasty[name]}" for name in names))
        said = json.loads(self.varve.ok("maintain", "--once", "--json"))
        assert (said["failed"], said["skipped"], said["left"]) == (0, 0, 0), said
        return self.now

    def theirs(self):
        """Rows by deltalake."""
        import deltalake  # pylint: disable=import-outside-toplevel
        import pyarrow as pa  # pylint: disable=import-outside-toplevel
        table = deltalake.DeltaTable(str(self.varve.table(TABLE)))
        if self.chance.random() < 0.3:
            where, is_meant = self.condition()
            table.delete(where)
            return self.now._replace(rows=self.kept(is_meant))
        rows = [self.row(next(self.fresh)) for _ in range(self.chance.randint(1, 3))]
        types = {KEY: pa.int64(), GROUP: pa.string()}
        deltalake.write_deltalake(table, pa.table(
            {name: pa.array([row[number] for row in rows], types.get(number, pa.int64()))
             for number, name in self.now.columns.items()}), mode="append")
        return self.now._replace(rows={**self.now.rows, **{row[KEY]: row for row in rows}})

    def choices(self):
        """Names of deeds, the frequent ones more than once."""
        choice = ["upsert"] * 4 + ["append", "delete", "update", "merge", "overwrite", "optimize",
                                   "maintain", "tidy", "restore", "add_column"]
        if self.layout == "plain":
            choice += ["theirs", "theirs"]
        if self.layout == "mapped":
            choice += ["rename_column", "drop_column"]
        return choice

    def tell(self, deeds):
        """Does so many things; each may be no commit, or several."""
        for _ in range(deeds):
            name = self.chance.choice(self.choices())
            self.deeds.append(name)
            state = getattr(self, name)()
            new = self.varve.version(TABLE) + 1 - len(self.states)
            assert new > 0 or state == self.now, f"{name} changed something without a commit"
            self.states += [self.now] * (new - 1) + [state] * (new > 0)

    # ---- What is compared ----------------------------------------------------------------------

    def expected(self, version, columns=None):
        state = self.states[version]
        return bag(self.named(row, columns or state.columns) for row in state.rows.values())

    def check_versions(self):
        for version in range(len(self.states)):
            rows = self.varve.rows("scan", TABLE, "--version", version)
            assert bag(rows) == self.expected(version), f"version {version}"

    def check_theirs(self):
        import deltalake  # pylint: disable=import-outside-toplevel
        import pyarrow as pa  # pylint: disable=import-outside-toplevel
        for version in self.chance.sample(range(len(self.states)), min(4, len(self.states))):
            table = deltalake.DeltaTable(str(self.varve.table(TABLE)), version=version)
            found = deltalake.QueryBuilder().register("t", table).execute("SELECT * FROM t")
            rows = pa.table(found.read_all()).to_pylist()
            assert bag(rows) == self.expected(version), f"deltalake, version {version}"

    def came_back(self, first, last):
        """Whether a column was dropped and restored between: files that were written meanwhile
        have nothing of it, others still do."""
        return any(number in self.states[before].columns
                   for version in range(first, last)
                   for number in set(self.states[last].columns) - set(self.states[version].columns)
                   for before in range(version))

    def check_changes(self):
        """Any range of them, with the columns of its end."""
        for _ in range(4):
            first, last = sorted(self.chance.choices(range(1, len(self.states)), k=2))
            if self.came_back(first - 1, last):
                continue
            columns = self.states[last].columns
            now = self.expected(first - 1, columns)
            for row in self.varve.rows("changes", TABLE, "--from", first, "--to", last):
                comes = row["_change_type"] in ("insert", "update_postimage")
                text = json.dumps({name: value for name, value in row.items()
                                   if name not in TAIL}, sort_keys=True)
                now[text] += 1 if comes else -1
            assert {text: count for text, count in now.items() if count} == self.expected(
                last, columns), f"changes of {first} to {last}"

    def deeds_of(self, key):
        """(version, insert, update or delete) of one row, in the columns that there are now."""
        for version in range(1, len(self.states)):
            old, new = (state.rows.get(key) for state in self.states[version - 1:version + 1])
            if old is None and new is not None:
                yield version, "insert"
            elif old is not None and new is None:
                yield version, "delete"
            elif old is not None and self.named(old) != self.named(new):
                yield version, "update"

    def check_traces(self):
        keys = sorted({key for state in self.states for key in state.rows})
        if self.came_back(0, len(self.states) - 1):
            return
        for key in self.chance.sample(keys, min(3, len(keys))):
            told = json.loads(self.varve.ok("trace", TABLE, f"k={key}", "--format", "json"))
            found = [(row["version"], row["change"]) for row in told]
            assert found == list(self.deeds_of(key)), f"trace of {key}"

    def check_known(self):
        """At the time of a commit that version was known, unless another came in its millisecond."""
        times = {row["version"]: row["timestamp"] for row in self.varve.rows("history", TABLE)}
        for version in self.chance.sample(range(1, len(self.states)),
                                          min(4, len(self.states) - 1)):
            if times[version] == times.get(version + 1):
                continue
            rows = self.varve.rows("scan", TABLE, "--known-at", times[version])
            assert bag(rows) == self.expected(version), f"known at {times[version]}"

    def check(self):
        self.check_versions()
        if self.layout != "mapped":
            self.check_theirs()
        self.check_changes()
        self.check_traces()
        self.check_known()
        self.varve.ok("verify", TABLE, "--deep")


def main(program, stories, first="0"):
    """Tells so many stories; prints how they ended."""
    sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent))
    from conftest import Varve  # pylint: disable=import-outside-toplevel
    failed = 0
    for number in range(int(first), int(first) + int(stories)):
        layout = list(LAYOUTS)[number % len(LAYOUTS)]
        with tempfile.TemporaryDirectory() as folder:
            story = Story(Varve(program, folder), layout, number)
            try:
                story.tell(25)
                story.check()
            except AssertionError as error:
                failed += 1
                print(f"story {number}, {layout}: {error}\n    {' '.join(story.deeds)}")
    print(f"{int(stories) - failed} passed, {failed} failed")
    return failed > 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
