"""Random changes of a table and what each does to its rows, for test_edits.py.

A change is a job of edit_workers.py, and a function of the rows that were there ({k: row}), which it
changes, and of those of all versions; it gives the figures that who does it has to be told. A change
whose rows can't come is Refused.
"""

import random

KEYS, PARTS = 24, 3
COLUMNS = ("k", "p", "n", "who", "seen")


class Refused(Exception):
    """A rule is broken: nothing is to be written."""


def figures(inserted=0, updated=0, deleted=0, **others):
    return {"inserted": inserted, "updated": updated, "deleted": deleted, **others}


def base(row):
    return {column: row[column] for column in COLUMNS}


def newer(row, **changed):
    """As an edit leaves a row of which it sets other columns than the order column."""
    return {**row, "seen": row["seen"] + 1, **changed}


class Plan:
    """Changes by their names, made at random from a seed."""

    def __init__(self, seed):
        self.chance = random.Random(seed)
        self.is_partitioned, self.has_vectors, self.has_feed = seed % 5 != 2, seed % 2 == 1, seed % 3 == 1
        self.changes = {}
        self.fresh = 1000  # keys that one change alone brings

    def add(self, name, job, change):
        self.changes[name] = change
        return {"name": name, **job}

    # ---- Rows and conditions

    def row(self, key, **more):
        chance = self.chance
        return {"k": key, "p": chance.randrange(PARTS), "n": chance.randrange(100),
                "who": chance.choice(("ann", "bob", None)), "seen": chance.randrange(1, 40), **more}

    def rows(self, most=6, **more):
        """Of keys that lie together, mostly: then a file has few, and a condition leaves files out."""
        first = self.chance.choice((0, 4, 8, 12, 16))
        keys = range(KEYS) if self.chance.random() < 0.3 else range(first, first + 8)
        keys = self.chance.sample(keys, self.chance.randrange(1, most))
        return [self.row(key, **{name: value() for name, value in more.items()}) for key in keys]

    def condition(self):
        """As SQL that all engines take, and as a function of a row."""
        chance = self.chance
        m, part = chance.randrange(2, 6), chance.randrange(PARTS)
        rest, low = chance.randrange(m), chance.randrange(90)
        first = chance.randrange(0, KEYS, 4)
        last = first + chance.choice((1, 3, 3, 7))
        near = (f"k BETWEEN {first} AND {last}", lambda row: first <= row["k"] <= last)
        return chance.choice((
            near, near, near,
            (f"k % {m} = {rest}", lambda row: row["k"] % m == rest),
            (f"p = {part}", lambda row: row["p"] == part),
            (f"n BETWEEN {low} AND {low + 20}", lambda row: low <= row["n"] <= low + 20),
            (f"p = {part} AND n % {m} = {rest}", lambda row: row["p"] == part and row["n"] % m == rest),
            (f"k <= {last} AND who IS NOT NULL", lambda row: row["k"] <= last and row["who"] is not None)))

    # ---- Changes

    def update(self, name, stamps=True):
        """Sets that do not commute: in which order they came shows. Others than Varve stamp nothing."""
        where, is_meant = self.condition()
        add, part = self.chance.randrange(1, 9), self.chance.randrange(PARTS)
        sets, values = self.chance.choice((
            ({"n": f"n + {add}"}, lambda row: {"n": row["n"] + add}),
            ({"n": f"(n * 3 + {add}) % 101"}, lambda row: {"n": (row["n"] * 3 + add) % 101}),
            ({"p": f"(p + {part}) % {PARTS}", "n": "n + 1"},
             lambda row: {"p": (row["p"] + part) % PARTS, "n": row["n"] + 1})))

        def change(table, _):
            meant = [row for row in table.values() if is_meant(row)]
            for row in meant:
                after = newer(row, **values(row))
                table[row["k"]] = after if stamps else {**after, "seen": row["seen"]}
            return figures(updated=len(meant))
        return self.add(name, {"do": "update", "where": where, "set": sets}, change)

    def delete(self, name):
        where, is_meant = self.condition()

        def change(table, _):
            meant = [row["k"] for row in table.values() if is_meant(row)]
            for key in meant:
                del table[key]
            return figures(deleted=len(meant))
        return self.add(name, {"do": "delete", "where": where}, change)

    def upserting(self, rows):
        def change(table, _):
            told = figures(unchanged=0, stale=0, duplicates_in_batch=0, rejected=0)
            best = {}
            for row in rows:
                told["duplicates_in_batch"] += row["k"] in best
                if row["k"] not in best or row["seen"] >= best[row["k"]]["seen"]:
                    best[row["k"]] = row
            for row in best.values():
                stored = table.get(row["k"])
                if stored is None:
                    outcome = "inserted"
                elif {**stored, "seen": 0} == {**row, "seen": 0}:
                    outcome = "unchanged"
                else:
                    outcome = "stale" if row["seen"] < stored["seen"] else "updated"
                told[outcome] += 1
                if outcome in ("inserted", "updated"):
                    table[row["k"]] = row
            del told["deleted"]
            return told
        return change

    def upsert(self, name):
        rows = self.rows()
        rows += [self.row(rows[0]["k"])]
        return self.add(name, {"do": "upsert", "rows": rows}, self.upserting(rows))

    def overwrite(self, name):
        """Of a part; its rows can have keys that are elsewhere, where it is refused."""
        part = self.chance.randrange(PARTS)
        rows = [{**row, "p": part} for row in self.rows(4)]

        def change(table, _):
            gone = [row["k"] for row in table.values() if row["p"] == part]
            if any(row["k"] in table and row["k"] not in gone for row in rows):
                raise Refused
            for key in gone:
                del table[key]
            table.update({row["k"]: row for row in rows})
            return figures(inserted=len(rows), deleted=len(gone))
        return self.add(name, {"do": "overwrite", "where": f"p = {part}", "rows": rows}, change)

    def merge(self, name):
        rows = self.rows(8, gone=lambda: self.chance.random() < 0.3)
        part = self.chance.randrange(PARTS)
        clauses, cases = self.chance.choice((sync_clauses, sum_clauses, sweep_clauses))(part)
        job = {"do": "merge", "on": "t.k = s.k", "rows": rows, "clauses": clauses}
        return self.add(name, job, merging(rows, *cases))

    # ---- What others do

    def foreign_merge(self, name):
        """deltalake finds NULLs in the keys of what it deletes where it writes a change feed, and refuses."""
        rows = self.rows(5, gone=lambda: self.chance.random() < 0.3 and not self.has_feed)
        return self.add(name, {"do": "merge", "rows": rows},
                        merging(rows, lambda t, s: None if s["gone"] else base(s),
                                lambda s: None if s["gone"] else base(s), None))

    def append(self, name):
        self.fresh += 1
        row = self.row(self.fresh)

        def change(table, _):
            table[row["k"]] = row
            return figures()
        return self.add(name, {"do": "append", "rows": [row]}, change)

    # ---- What is no change of rows, and what brings rows back

    def run(self, name, *words, change=None):
        """Without a change: what leaves rows as they are, in as many commits as it likes."""
        job = {"do": "run", "words": list(words)}
        return self.add(name, job, change) if change else {"name": name, **job}

    def restore(self, name, version):
        def change(table, states):
            table.clear()
            table.update(states[version])
            return {}
        return self.run(name, "restore", "TABLE", "--version", str(version), "--yes", change=change)


def merging(rows, matched, not_matched, by_source):
    """Of each case a function that gives the row afterwards: None, none; the same one, untouched."""
    def change(table, _):
        told = figures()
        before, seen = dict(table), {row["k"] for row in rows}
        pairs = [(before.get(row["k"]), row) for row in rows]
        pairs += [(row, None) for key, row in before.items() if key not in seen and by_source]
        for stored, row in pairs:
            if stored is None:
                after = not_matched(row) if not_matched else None
            else:
                after = matched(stored, row) if row else by_source(stored)
            if after is stored:
                continue
            told["deleted" if after is None else "updated" if stored else "inserted"] += 1
            key = (stored or row)["k"]
            table.pop(key, None)
            if after is not None:
                table[key] = after
        return told
    return change


def sync_clauses(_):
    """The table becomes what the source says, where that is as new."""
    return ([["matched", "s.gone", "delete", None],
             ["matched", "s.seen >= t.seen", "update_all", None],
             ["not_matched", "not s.gone", "insert_all", None]],
            (lambda t, s: None if s["gone"] else base(s) if s["seen"] >= t["seen"] else t,
             lambda s: None if s["gone"] else base(s), None))


def sum_clauses(part):
    """Reads and writes what is stored, and looks at rows that the source says nothing of."""
    return ([["matched", None, "update", {"n": "(t.n * 2 + s.n) % 103", "who": "s.who"}],
             ["not_matched_by_source", f"t.p = {part} and t.n % 5 = 0", "delete", None]],
            (lambda t, s: newer(t, n=(t["n"] * 2 + s["n"]) % 103, who=s["who"]), None,
             lambda t: None if t["p"] == part and t["n"] % 5 == 0 else t))


def sweep_clauses(part):
    columns = {column: f"s.{column}" for column in ("k", "p", "n", "seen")}
    return ([["matched", "t.n > s.n", "delete", None],
             ["not_matched", None, "insert", columns],
             ["not_matched_by_source", f"t.p = {part}", "update", {"n": "t.n + 1"}]],
            (lambda t, s: None if t["n"] > s["n"] else t, lambda s: {**base(s), "who": None},
             lambda t: newer(t, n=t["n"] + 1) if t["p"] == part else t))
