#!/usr/bin/env python3
"""Statistics never change an answer: random conditions, with and without skipping, agree.

A condition inside a CASE is not understood by the pruning, so that all files are read for it; the
same one by itself skips files. Over every conformance table that is beside the project, and over
tables of deltalake whose statistics are then made to lie in their types: numbers as texts,
bounds that contradict each other, lists, counts that can't be.

    tests/interop/skipping.py [BUILD] [--seed N]      prints "N passed, N failed"
"""

import argparse
import datetime as dt
import decimal
import json
import pathlib
import random
import shutil
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parents[2]
CONFORMANCE = ROOT.parent / "shared" / "conformance"
PLAIN = ("string", "bigint", "int", "smallint", "tinyint", "float", "double", "boolean", "date",
         "timestamp", "timestamp_ntz", "long", "integer", "short", "byte")
CONDITIONS = 12  # a table


def quoted(name):
    return '"' + name.replace('"', '""') + '"'


def literal(value):
    return "'" + value.replace("'", "''") + "'"


class Lake:
    def __init__(self, program, folder):
        self.command = [str(program), "--lake", str(folder)]
        self.folder = folder

    def run(self, *words):
        return subprocess.run([*self.command, *words], capture_output=True, text=True, timeout=120,
                              check=False)

    def rows(self, sql):
        done = self.run("query", sql, "--format", "ndjson")
        if done.returncode != 0:
            raise RuntimeError(done.stderr.strip())
        return [json.loads(line) for line in done.stdout.splitlines()]


def columns_of(lake, table):
    done = lake.run("describe", table, "--json")
    if done.returncode != 0:
        raise RuntimeError(done.stderr.strip())
    schema = json.loads(done.stdout)["schema"]
    return [(one["name"], one["type"]) for one in schema if isinstance(one["type"], str) and (
        one["type"] in PLAIN or one["type"].startswith("decimal"))]


def values_of(lake, table, columns, chance):
    """Texts of a few values of each column, and of some that are near them."""
    parts = [f"SELECT {index} AS i, v FROM (SELECT DISTINCT {quoted(name)}::VARCHAR AS v FROM "
             f"{quoted(table)} LIMIT 40)" for index, (name, _) in enumerate(columns)]
    found = {index: [] for index in range(len(columns))}
    for row in lake.rows(" UNION ALL ".join(parts)):
        if row["v"] is not None:
            found[row["i"]].append(row["v"])
    for index, (_, kind) in enumerate(columns):
        texts = sorted(found[index])
        chosen = chance.sample(texts, min(len(texts), 4))
        if kind == "string":
            chosen += [text[:-1] for text in chosen if text] + [text + "~" for text in chosen] + [""]
        found[index] = chosen or [{"date": "2020-01-01", "boolean": "true", "string": "x"}.get(
            kind, "2020-01-01 00:00:00" if kind.startswith("timestamp") else "0")]
    return found


def condition(chance, columns, values):
    index = chance.randrange(len(columns))
    name, kind = quoted(columns[index][0]), columns[index][1]
    value = literal(chance.choice(values[index]))
    other = literal(chance.choice(values[index]))
    kinds = ["{n} = {v}", "{n} <> {v}", "{n} < {v}", "{n} <= {v}", "{n} > {v}", "{n} >= {v}",
             "{n} IS NULL", "{n} IS NOT NULL", "{n} IN ({v}, {o})", "{n} NOT IN ({v}, {o})",
             "{n} BETWEEN {v} AND {o}", "NOT ({n} > {v})", "{n} IS DISTINCT FROM {v}",
             "{n} IS NOT DISTINCT FROM {v}"]
    if kind == "string":
        kinds += ["{n} LIKE {v}", "starts_with({n}, {v})", "{n} > {v} AND {n} < {o}"]
    text = chance.choice(kinds).format(n=name, v=value, o=other)
    if chance.random() < 0.35:
        return f"({text} {chance.choice(['AND', 'OR', 'AND NOT', 'OR NOT'])} " \
               f"{condition(chance, columns, values)})"
    return f"({text})"


def check(lake, table, chance):
    """What the two ways differ in: a list of texts, empty where all agree."""
    columns = columns_of(lake, table)
    if not columns:
        return []
    values = values_of(lake, table, columns, chance)
    conditions = [condition(chance, columns, values) for _ in range(CONDITIONS)]
    digest = "hash(" + ", ".join(quoted(name) for name, _ in columns) + ")::HUGEINT"
    parts = []
    for index, text in enumerate(conditions):
        for way, where in (("skipped", text), ("all", f"CASE WHEN {digest} >= 0 THEN {text} END")):
            parts.append(f"SELECT {index} AS i, '{way}' AS way, count(*) AS n, "
                         f"(coalesce(sum({digest}), 0))::VARCHAR AS h FROM {quoted(table)} "
                         f"WHERE {where}")
    answers = {}
    for row in lake.rows(" UNION ALL ".join(parts)):
        answers.setdefault(row["i"], {})[row["way"]] = (row["n"], row["h"])
    return [f"{table}: {conditions[index]}: {found}" for index, found in sorted(answers.items())
            if found["skipped"] != found["all"]]


def unpack_all(folder):
    """The conformance tables that have rows, as tables of a lake."""
    manifest = CONFORMANCE / "manifest.json"
    if not manifest.exists() or shutil.which("zstd") is None:
        return []
    names = []
    for number, table in enumerate(json.loads(manifest.read_text())):
        if table["expect"] != "rows":
            continue
        target = folder / f"unpack{number}"
        target.mkdir()
        subprocess.run(["tar", "--zstd", "-xf", str(CONFORMANCE / table["archive"]), "-C",
                        str(target), "table"], check=True)
        name = f"t{number}_{''.join(c if c.isalnum() else '_' for c in table['name'])}"
        (target / "table").rename(folder / name)
        names.append(name)
    return names


# ---- Statistics of wrong types -------------------------------------------------------------------

def lies(chance, stats):
    """The same statistics with what no writer should write in some places; nothing that a
    well-typed bound says of the rows is changed to another one that could be true."""
    if chance.random() < 0.2:  # bounds that contradict each other
        stats["minValues"], stats["maxValues"] = stats["maxValues"], stats["minValues"]
        return stats
    wrong = [None, True, [], {}, [1], {"a": 1}, "", "x", "9" * 400, -1, 1e308, "NaN", "-Infinity"]
    for kind in ("minValues", "maxValues", "nullCount"):
        place = stats.get(kind)
        if chance.random() < 0.1:
            stats[kind] = chance.choice(wrong[:6])
            continue
        for name in list(place or {}):
            if chance.random() < 0.5:
                value = place[name]
                choices = [one for one in wrong if type(one) is not type(value) and not (
                    isinstance(one, (int, float)) and isinstance(value, (int, float)))]
                if kind == "nullCount":
                    choices += [-1, 10**12]
                elif isinstance(value, str):  # a text, a date or a time: none of these is a bound
                    choices = [None, True, [], {}, 3, -1, 1e308]
                place[name] = chance.choice(choices)
    return stats


def make_liars(folder, chance, count=12):
    import pyarrow as pa
    from deltalake import write_deltalake

    names = []
    for number in range(count):
        name = f"liar{number}"
        for part in range(4):
            size = 20
            low = part * 100
            numbers = [low + chance.randrange(100) if chance.random() < 0.9 else None
                       for _ in range(size)]
            write_deltalake(folder / name, pa.table({
                "i": pa.array(numbers, pa.int64()),
                "d": pa.array([None if n is None else n / 8 for n in numbers], pa.float64()),
                "s": pa.array([None if n is None else f"k{n:04}" for n in numbers]),
                "t": pa.array([None if n is None else
                               dt.datetime(2025, 1, 1 + part, n % 24, tzinfo=dt.timezone.utc)
                               for n in numbers],
                              pa.timestamp("us", "UTC")),
                "day": pa.array([dt.date(2025, 1 + part, 1 + (n or 0) % 28) for n in numbers]),
                "m": pa.array([None if n is None else decimal.Decimal(n) / 4 for n in numbers],
                              pa.decimal128(12, 2)),
                "b": pa.array([None if n is None else n % 2 == 0 for n in numbers]),
            }), mode="append")
        for commit in (folder / name / "_delta_log").glob("*.json"):
            lines = [json.loads(line) for line in commit.read_text().splitlines()]
            for line in lines:
                if "add" in line and number > 0:  # the first tells the truth
                    line["add"]["stats"] = json.dumps(lies(chance, json.loads(line["add"]["stats"])))
            commit.write_text("".join(json.dumps(line) + "\n" for line in lines))
        names.append(name)
    return names


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("build", nargs="?", default=str(ROOT / "build"))
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    passed = failed = 0
    with tempfile.TemporaryDirectory(prefix="varve-skipping-") as name:
        folder = pathlib.Path(name)
        lake = Lake(pathlib.Path(options.build) / "varve", folder)
        chance = random.Random(options.seed)
        for table in make_liars(folder, chance) + unpack_all(folder):
            try:
                problems = check(lake, table, chance)
            except RuntimeError as error:
                problems = [f"{table}: {error}"]
            passed += not problems
            failed += bool(problems)
            for problem in problems:
                print(problem)
    print(f"{passed} passed, {failed} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
