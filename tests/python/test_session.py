"""One Python process at work for long: three tables, each open by several handles of three lakes on one
folder (with the usual cache, a small one, and none), written from every kind of data by every way,
read by every way, kept up, with calls that fail, streams that are left half-read, objects that go
in any order, two threads on one lake, children that are forked. What one call leaves must do the
next no harm: after each, the rows are those of the model, plain dicts.

VARVE_TEST_SEED=random or a number: another story. VARVE_SESSION_STORIES: so many.
"""

import copy
import gc
import itertools
import json
import os
import pickle
import random
import threading

import polars as pl
import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet
import pytest
import varve

STEPS = 45
STORIES = int(os.environ.get("VARVE_SESSION_STORIES", "2"))
SEED = os.environ.get("VARVE_TEST_SEED", "20261129")
KEYS = 40
COLUMNS = ("k", "p", "v", "s", "o")
ARROW = pa.schema([("k", pa.int64()), ("p", pa.string()), ("v", pa.int64()), ("s", pa.string()),
                   ("o", pa.int64())])
LAYOUTS = {  # name of the table: what it is created with
    "plain": {"key": "k"},
    "ordered": {"key": "k", "order_by": "o", "partition_by": "p",
                "properties": {"delta.enableDeletionVectors": "true"}},
    "fed": {"key": "p,k", "partition_by": "p",
            "properties": {"delta.enableChangeDataFeed": "true", "delta.checkpointInterval": "5",
                           "delta.enableDeletionVectors": "true"}},
}
LAKES = ({}, {"cache": "1MiB", "threads": 1}, {"cache": False})
WHERE = [
    ("v > 3", lambda row: row["v"] is not None and row["v"] > 3),
    ("p = 'a'", lambda row: row["p"] == "a"),
    ("k < 12", lambda row: row["k"] < 12),
    ("k % 3 = 1 AND s IS NOT NULL", lambda row: row["k"] % 3 == 1 and row["s"] is not None),
    ("s IS NULL OR v IS NULL", lambda row: row["s"] is None or row["v"] is None),
    ("k = 7", lambda row: row["k"] == 7),
]


# ---- The model ----------------------------------------------------------------------------------


class Model:
    """Rows by key of every version of one table."""

    def __init__(self, name):
        self.name = name
        self.states = [{}]
        self.is_ordered = "order_by" in LAYOUTS[name]
        self.txn = 0

    @property
    def now(self):
        return self.states[-1]

    @property
    def version(self):
        return len(self.states) - 1

    def is_same(self, old, new):
        return all(old[name] == new[name] for name in COLUMNS
                   if not (name == "o" and self.is_ordered))

    def upserted(self, rows):
        """(the state, what is counted)."""
        state, best = dict(self.now), {}
        counts = dict.fromkeys(("inserted", "updated", "unchanged", "stale",
                                "duplicates_in_batch"), 0)
        for row in rows:
            other = best.get(row["k"])
            counts["duplicates_in_batch"] += other is not None
            if other is None or not self.is_ordered or row["o"] >= other["o"]:
                best[row["k"]] = row
        for key, row in best.items():
            old = state.get(key)
            if old is None:
                what = "inserted"
            elif self.is_same(old, row):
                what = "unchanged"
            elif self.is_ordered and row["o"] < old["o"]:
                what = "stale"
            else:
                what = "updated"
            counts[what] += 1
            if what in ("inserted", "updated"):
                state[key] = row
        return state, counts

    def changed(self, row, **values):
        """A row after an update, which is newer than what it replaces."""
        return {**row, "o": row["o"] + self.is_ordered, **values}


def bag(rows):
    return sorted(json.dumps({name: row[name] for name in COLUMNS}) for row in rows)


# ---- Data of every kind -------------------------------------------------------------------------


def arrow(rows):
    return pa.Table.from_pylist(rows, schema=ARROW)


class OnlyStream:
    """No more than the protocol."""

    def __init__(self, rows):
        self.table = arrow(rows)

    def __arrow_c_stream__(self, requested_schema=None):
        return self.table.__arrow_c_stream__(requested_schema)


def pandas_frame(rows):
    import pandas

    return arrow(rows).to_pandas(types_mapper=pandas.ArrowDtype)


def file_of(suffix, write):
    def make(rows, folder):
        path = folder / f"rows-{random.getrandbits(48)}.{suffix}"
        write(rows, path)
        return path
    return make


KINDS = {
    "dicts": lambda rows, folder: rows,
    "generator": lambda rows, folder: (row for row in rows),
    "polars": lambda rows, folder: pl.from_arrow(arrow(rows)),
    "pyarrow": lambda rows, folder: arrow(rows),
    "batches": lambda rows, folder: pa.RecordBatchReader.from_batches(
        ARROW, arrow(rows).to_batches(max_chunksize=7)),
    "pandas": lambda rows, folder: pandas_frame(rows),
    "stream": lambda rows, folder: OnlyStream(rows),
    "parquet": file_of("parquet", lambda rows, path: pyarrow.parquet.write_table(arrow(rows),
                                                                                 path)),
    "ndjson": file_of("ndjson", lambda rows, path: path.write_text(
        "".join(json.dumps(row) + "\n" for row in rows))),
}


# ---- A story ------------------------------------------------------------------------------------


class Story:
    def __init__(self, folder, seed):
        self.folder = folder
        self.chance = random.Random(seed)
        self.told = []
        self.lakes = [varve.Lake(folder / "lake", create=True, durability="off", **options)
                      for options in LAKES]
        self.models = {name: Model(name) for name in LAYOUTS}
        for name, layout in LAYOUTS.items():
            assert self.lakes[0].create(
                name, schema="k bigint not null, p string not null, v bigint, s string, o bigint",
                checks={"small": "v IS NULL OR v < 1000"}, **layout)
        self.handles = {name: [lake.table(name) for lake in self.lakes] for name in LAYOUTS}
        self.left = []  # (iterator, rows that were read, rows that there have to be)

    # ---- Choices

    def row(self, key):
        choose = self.chance.choice
        return {"k": key, "p": "abc"[key % 3], "v": choose([None, *range(9)]),
                "s": choose([None, "", "x", "ünï", "long " * 9]), "o": choose(range(5, 20))}

    def rows(self, most=12):
        return [self.row(self.chance.randrange(KEYS))
                for _ in range(self.chance.randint(1, most))]

    def rows_once(self):
        return list({row["k"]: row for row in self.rows()}.values())

    def data(self, rows):
        kind = self.chance.choice(list(KINDS))
        self.told[-1] += f" {len(rows)} rows as {kind}"
        return KINDS[kind](rows, self.folder)

    def handle(self, name):
        return self.chance.choice(self.handles[name])

    # ---- What a write leaves

    def settle(self, model, version, state):
        """A commit, or none where nothing changed."""
        if version != model.version:
            assert version == model.version + 1
            model.states.append(state)
        assert state == model.now
        if self.told[-1].startswith("append"):
            return
        assert self.handle(model.name).version == version

    def edit(self, model, version, state):
        assert version == model.version + (state != model.now or version != model.version)
        self.settle(model, version, state)

    def upsert(self, model, table):
        rows = self.rows(self.chance.choice([1, 12, 60]))
        state, counts = model.upserted(rows)
        options = {}
        if self.chance.random() < 0.2:
            options = {"app_id": "app", "app_version": model.txn + 1}
            model.txn += 1
        result = table.upsert(self.data(rows), **options)
        assert {name: getattr(result, name) for name in counts} == counts
        assert result.rows_in == len(rows) and result.rejected == 0
        if options:  # a batch that changes no row still commits its number
            assert result.version == model.version + 1
            again = table.upsert(self.rows(), **options)
            assert again.already_applied and again.version == result.version
        self.settle(model, result.version, state)

    def append(self, model, table):
        keys = [key for key in range(KEYS) if key not in model.now]
        rows = [self.row(key) for key in self.chance.sample(keys, min(len(keys), 3))]
        if rows:
            result = table.append(self.data(rows), allow_duplicates=True)
            self.settle(model, result.version, {**model.now, **{row["k"]: row for row in rows}})

    def delete(self, model, table):
        where, is_meant = self.chance.choice(WHERE)
        kept = {key: row for key, row in model.now.items() if not is_meant(row)}
        result = table.delete(where)
        assert result.deleted == len(model.now) - len(kept)
        self.settle(model, result.version, kept)

    def update(self, model, table):
        where, is_meant = self.chance.choice(WHERE)
        texts, values = self.chance.choice([
            ({"v": "v + 1"}, lambda row: {"v": None if row["v"] is None else row["v"] + 1}),
            ({"s": "concat(p, k)", "v": "k"},
             lambda row: {"s": f"{row['p']}{row['k']}", "v": row["k"]})])
        state = {key: model.changed(row, **values(row)) if is_meant(row) else row
                 for key, row in model.now.items()}
        result = table.update(texts, where)
        assert result.updated == sum(map(is_meant, model.now.values()))
        self.settle(model, result.version, state)

    def overwrite(self, model, table):
        rows = [row for row in self.rows_once() if row["p"] == "a"]
        result = table.overwrite(self.data(rows) if rows else [], "p = 'a'")
        state = {key: row for key, row in model.now.items() if row["p"] != "a"}
        self.settle(model, result.version, {**state, **{row["k"]: row for row in rows}})

    def merge(self, model, table):
        rows = self.rows_once()
        state = dict(model.now)
        for row in rows:
            old = state.get(row["k"])
            if old is None:
                state[row["k"]] = row
            elif row["v"] is None:
                del state[row["k"]]
            else:
                state[row["k"]] = model.changed(old, v=row["v"])
        result = (table.merge(self.data(rows), "t.k = s.k AND t.p = s.p")
                  .when_matched_delete("s.v IS NULL")
                  .when_matched_update({"v": "s.v"})
                  .when_not_matched_insert_all().execute())
        self.settle(model, result.version, state)

    def restore(self, model, table):
        version = self.chance.randrange(model.version + 1)
        result = table.restore(version)
        assert result.restored == version
        self.settle(model, result.version, model.states[version])

    def writer(self, model, table):
        """The batch writer, of a lake that is used meanwhile; its rows come by a commit, or none."""
        rows = self.rows()
        with self.chance.choice(self.lakes).writer(interval=None) as writer:
            for row in rows:
                writer.put(model.name, row)
            self.check(model, table)
            if self.chance.random() < 0.5:
                writer.flush()
        state, _ = model.upserted(rows)
        version = table.version
        assert version == model.version + 1  # its segment's number
        self.settle(model, version, state)

    # ---- Upkeep

    def kept_up(self, model):
        """Commits that change no row."""
        version = self.handle(model.name).version
        model.states += [model.now] * (version - model.version)

    def optimize(self, model, table):
        table.optimize(zorder=self.chance.choice([None, ["v", "s"]]))
        self.kept_up(model)

    def upkeep(self, model, table):
        self.chance.choice([
            table.checkpoint, lambda: table.vacuum(dry_run=self.chance.random() < 0.5),
            lambda: list(self.chance.choice(self.lakes).maintain(model.name)),
            lambda: table.alter("set", f"mine.x={self.chance.random()}"),
        ])()
        self.kept_up(model)

    # ---- Reading

    def check(self, model, table):
        """The latest version by one of many ways."""
        expected = bag(model.now.values())
        way = self.chance.choice(["dicts", "polars", "pyarrow", "pandas", "iter", "query", "part"])
        if way == "part":
            where, is_meant = self.chance.choice(WHERE)
            found = table.scan(where=where).to_dicts()
            expected = bag(filter(is_meant, model.now.values()))
        elif way == "query":
            found = table._lake.query(f"FROM {model.name}").to_dicts()
        elif way == "iter":
            found = list(table.scan())
        elif way == "polars":
            found = table.scan().to_polars().to_dicts()
        elif way == "pyarrow":
            found = pa.RecordBatchReader.from_stream(table.scan()).read_all().to_pylist()
        elif way == "pandas":
            found = pa.Table.from_pandas(table.scan().to_pandas(), schema=ARROW).to_pylist()
        else:
            found = table.scan().to_dicts()
        assert bag(found) == expected, way

    def read_old(self, model, table):
        version = self.chance.randrange(model.version + 1)
        expected = bag(model.states[version].values())
        if self.chance.random() < 0.5:
            assert bag(table.scan(at=version)) == expected
        else:
            (told,) = [row for row in table.history() if row["version"] == version]
            with table._lake.known_at(told["timestamp"]):
                assert bag(table.scan()) == expected
                assert bag(table._lake.query(f"FROM {model.name}")) == expected
        assert bag(table.scan()) == bag(model.now.values())

    def read_history(self, model, table):
        told = [row["version"] for row in table.history()]
        assert told == list(range(model.version, -1, -1))
        key = self.chance.randrange(KEYS)
        changes = list(table.trace(k=key, **({"p": "abc"[key % 3]} if model.name == "fed" else {})))
        rows, expected = [state.get(key) for state in model.states], []
        for version in range(1, len(rows)):
            old, new = rows[version - 1], rows[version]
            if old is None or new is None:
                differ = COLUMNS
            else:
                differ = [name for name in COLUMNS if old[name] != new[name]]
            if old != new:
                expected.append((version, *(row and {name: row[name] for name in differ}
                                            for row in (old, new))))
        found = [(row["version"], *(row[side] and json.loads(row[side])
                                    for side in ("before", "after"))) for row in changes]
        assert sorted(found, key=lambda change: change[0]) == expected

    def read_all_tables(self, model, table):
        """One query of all of them, by any lake."""
        union = " UNION ALL ".join(f"SELECT '{name}' AS t, count(*) AS n, sum(v) AS v FROM {name}"
                                   for name in self.models)
        found = {row["t"]: (row["n"], row["v"])
                 for row in self.chance.choice(self.lakes).query(union)}
        for name, other in self.models.items():
            values = [row["v"] for row in other.now.values() if row["v"] is not None]
            assert found[name] == (len(other.now), sum(values) if values else None)

    # ---- What is left behind

    def leave_half_read(self, model, table):
        """The stream stays what it was asked for, whatever is written until it is read on."""
        rows = iter(self.chance.choice([
            table.scan, lambda: table._lake.query(f"FROM {model.name}")])())
        read = list(itertools.islice(rows, self.chance.randrange(3)))
        self.left.append((rows, read, bag(model.now.values())))

    def read_on(self, *_):
        self.chance.shuffle(self.left)
        while self.left:
            rows, read, expected = self.left.pop()
            if self.chance.random() < 0.5:
                assert bag([*read, *rows]) == expected
            del rows
            if self.chance.random() < 0.3:
                gc.collect()

    def another_handle(self, model, table):
        handles = self.handles[model.name]
        place = self.chance.randrange(len(handles))
        new = self.lakes[place].table(model.name)
        if self.chance.random() < 0.5:
            handles[place].close()
        handles[place] = new
        del table
        gc.collect()

    def another_lake(self, *_):
        """Closed, or merely dropped, with its tables and streams still there."""
        place = self.chance.randrange(len(self.lakes))
        old, handles = self.lakes[place], [tables[place] for tables in self.handles.values()]
        self.lakes[place] = varve.Lake(self.folder / "lake", durability="off", **LAKES[place])
        for name, tables in self.handles.items():
            tables[place] = self.lakes[place].table(name)
        if self.chance.random() < 0.5:
            old.close()
            with pytest.raises(varve.UsageError, match="the lake is closed"):
                handles[0].scan()
        if self.chance.random() < 0.5:
            del old
        gc.collect()
        del handles

    # ---- Calls that fail

    def fail(self, model, table):
        kind, call = self.chance.choice([
            (varve.InvalidData, lambda: table.upsert([{**self.row(1), "k": None}])),
            (varve.InvalidData, lambda: table.upsert([self.row(1), {**self.row(2), "v": 5000}])),
            (varve.InvalidData, lambda: table.upsert([{**self.row(1), "nope": 1}])),
            (varve.InvalidData, lambda: table.update({"v": "5000"}, "k >= 0")),
            (varve.UsageError, lambda: table.delete("nope = 1")),
            (varve.UsageError, lambda: table._lake.query("SELECT nope FROM plain")),
            (varve.NotFound, lambda: table.scan(at=99999)),
            (varve.NotFound, lambda: table._lake.table("nope")),
            (varve.NotFound, lambda: table.restore(99999)),
            (varve.UsageError, lambda: table.append([self.row(1)])),
        ])
        if not model.now and kind is varve.InvalidData:
            return  # to update no row breaks no rule
        try:
            call()
        except varve.VarveError as failed:
            error = failed
        else:
            raise AssertionError("nothing failed")
        assert type(error) is kind and error.code == kind.code, repr(error)
        for twin in (pickle.loads(pickle.dumps(error)), copy.copy(error), copy.deepcopy(error)):
            assert type(twin) is kind and vars(twin) == vars(error) and str(twin) == str(error)
        del error
        assert table.version == model.version

    def interrupt(self, model, table):
        """It ends a call or is of no effect, and the next call knows nothing of it."""
        rows = self.rows(60)
        state, _ = model.upserted(rows)
        timer = threading.Timer(self.chance.uniform(0, 0.02), table._lake.interrupt)
        timer.start()
        try:
            table.upsert(rows)
        except varve.Interrupted:
            pass
        timer.join()
        version = table.version
        assert version in (model.version, model.version + 1)
        if version > model.version:
            model.states.append(state)

    # ---- Threads, and children

    def two_threads(self, model, table):
        """One reads while the other writes, through one lake: each read is of one version whole."""
        lake, failed, seen = table._lake, [], []
        fresh = [key for key in range(KEYS, KEYS + 5)]

        def read():
            try:
                while not done.is_set() or not seen:
                    seen.append(bag(lake.query(f"FROM {model.name}").to_dicts()))
            except BaseException as error:
                failed.append(error)

        done = threading.Event()
        thread = threading.Thread(target=read)
        first = model.version
        thread.start()
        try:
            for key in fresh:
                row = self.row(key)
                result = table.upsert([row])
                if result.version > model.version:
                    model.states.append({**model.now, key: model.upserted([row])[0][key]})
                assert result.version == model.version
        finally:
            done.set()
            thread.join()
        assert not failed
        allowed = [bag(state.values()) for state in model.states[first:]]
        places = [allowed.index(rows) for rows in seen]  # each is a version
        assert all(rows in allowed for rows in seen) and len(places) == len(seen)

    def two_writers(self, model, table):
        """Two threads upsert keys of their own by handles of one lake: both are done."""
        lake = table._lake
        parts = [[self.row(key) for key in range(start, KEYS, 2)] for start in (0, 1)]
        results, first = [None, None], dict(model.now)

        def write(number):
            with lake.table(model.name) as own:
                results[number] = own.upsert(parts[number])

        threads = [threading.Thread(target=write, args=(number,)) for number in (0, 1)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert all(results)
        for number in sorted((0, 1), key=lambda number: results[number].version):
            state, counts = model.upserted(parts[number])
            if counts["inserted"] + counts["updated"]:
                model.states.append(state)
        assert table.version == model.version and first is not model.now

    def fork(self, model, table):
        """A child that uses what is its parent's is refused; by a lake of its own it writes."""
        row = self.row(self.chance.randrange(KEYS))
        stream = table.scan()
        child = os.fork()
        if child == 0:  # no code of pytest runs here
            status = 1
            try:
                refused = 0
                for call in (table.scan, table._lake.tables, lambda: table.upsert([row]),
                             lambda: table.version, table.checkpoint):
                    try:
                        call()
                    except varve.UsageError:
                        refused += 1
                del stream, table
                gc.collect()
                if refused == 5:
                    with varve.Lake(self.folder / "lake", durability="off") as own:
                        own.table(model.name).upsert([row])
                    status = 0
            finally:
                os._exit(status)
        assert os.waitpid(child, 0)[1] == 0
        expected = bag(model.now.values())
        state, counts = model.upserted([row])
        if counts["inserted"] + counts["updated"]:
            model.states.append(state)
        assert bag(stream) == expected
        assert table.version == model.version

    DEEDS = ([upsert] * 5 + [delete, update] * 2 + [append, overwrite, merge, restore, writer]
             + [optimize, upkeep] * 2 + [read_old, read_history, read_all_tables]
             + [leave_half_read] * 3 + [read_on, another_handle, another_lake, fail, fail, interrupt]
             + [two_threads, two_writers, fork])

    def step(self):
        deed = self.chance.choice(self.DEEDS)
        model = self.models[self.chance.choice(list(self.models))]
        self.told.append(f"{deed.__name__} {model.name}")
        deed(self, model, self.handle(model.name))
        self.check(model, self.handle(model.name))

    def end(self):
        self.told.append("end")
        self.read_on()
        for model in self.models.values():
            for table in self.handles[model.name]:
                for version, state in enumerate(model.states):
                    assert bag(table.scan(at=version)) == bag(state.values()), version
                table.verify(deep=True)
        for lake in self.lakes:
            lake.close()


@pytest.mark.slow
@pytest.mark.parametrize("number", range(STORIES))
def test_whatever_is_done_the_rows_are_the_models(tmp_path, number):
    seed = str(random.getrandbits(32)) if SEED == "random" else SEED
    story = Story(tmp_path, f"{seed} {number}")
    try:
        for _ in range(STEPS):
            story.step()
        story.end()
    except BaseException:
        print(f"VARVE_TEST_SEED={seed}, story {number}:", *story.told, sep="\n  ")
        raise
