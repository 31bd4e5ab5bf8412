"""Floats of any kind in any place, in files of several row groups: no bound and no filter in a file loses a row.

A condition inside a CASE is pushed into no scan, so that it is asked of every row.
"""

import random

import pyarrow as pa
import pyarrow.parquet
import pytest
from deltalake import BloomFilterProperties, ColumnProperties, WriterProperties, write_deltalake

ROWS, GROUP = 40_000, 5_000
PLACES = ["x", "g", "s.x", "d.s.x", "l[1]", "m['a']"]
VALUES = ["'NaN'", "'-Infinity'", "'Infinity'", "0", "-0.0", "1", "2.5", "1e30", "NULL"]
SCHEMA = ("k long not null, x double, g float, s struct<x:double>, d struct<s:struct<x:double>>, "
          "l array<double>, m map<string,double>")
TEMPLATES = ["{n} = {v}", "{n} <> {v}", "{n} < {v}", "{n} <= {v}", "{n} > {v}", "{n} >= {v}",
             "{n} IN ({v}, {o})", "{n} NOT IN ({v}, {o})", "{n} BETWEEN {v} AND {o}", "{n} IS DISTINCT FROM {v}",
             "NOT ({n} > {v})", "{n} > {v} OR {n} = {o}", "{n} >= {v} AND k >= 7000", "isnan({n})"]


def rows(chance, greatest="nan"):
    """In each row group a few values, so that it has a dictionary; often one, and of the zeros only one."""
    columns = {}
    for place in PLACES:
        columns[place] = []
        few = [float(greatest), float("-inf"), chance.choice([0.0, -0.0]), 1.0, 2.5, None]
        for group in range(ROWS // GROUP):  # the first has what is greatest and least
            values = few[:2] if group == 0 else chance.sample(few, chance.choice([1, 1, 2, 3]))
            columns[place] += [chance.choice(values) for _ in range(GROUP)]
    return pa.table({
        "k": pa.array(range(ROWS), pa.int64()), "x": columns["x"], "g": pa.array(columns["g"], pa.float32()),
        "s": [{"x": value} for value in columns["s.x"]], "d": [{"s": {"x": value}} for value in columns["d.s.x"]],
        "l": [[value] for value in columns["l[1]"]],
        "m": pa.array([[("a", value)] for value in columns["m['a']"]], pa.map_(pa.string(), pa.float64()))})


@pytest.fixture(scope="module", params=["ours", "ours without NaN", "theirs", "several of theirs"])
def filled(request, varve_on, tmp_path_factory):
    folder = tmp_path_factory.mktemp("floats")
    varve = varve_on(folder / "lake")
    chance = random.Random(len(request.param))
    varve.greatest = "Infinity" if request.param == "ours without NaN" else "NaN"
    if request.param.startswith("ours"):
        pyarrow.parquet.write_table(rows(chance, varve.greatest), folder / "r.parquet")
        varve.ok("create", "t", "--schema", SCHEMA, "--key", "k")
        varve.ok("upsert", "t", folder / "r.parquet")
        return varve
    filters = ColumnProperties(dictionary_enabled=True,
                               bloom_filter_properties=BloomFilterProperties(set_bloom_filter_enabled=True))
    for _ in range(1 if request.param == "theirs" else 3):
        write_deltalake(str(varve.table("t")), rows(chance), mode="append", writer_properties=WriterProperties(
            max_row_group_size=GROUP, default_column_properties=filters))
    return varve


def test_whatever_is_asked_of_them(filled):
    chance = random.Random(5)
    asked = [chance.choice(TEMPLATES).format(n=place, v=chance.choice(VALUES), o=chance.choice(VALUES))
             for place in PLACES for _ in range(40)]
    parts = [f"SELECT {at} AS i, {way} AS pushed, count(*) AS n, sum(k) AS h FROM t WHERE {where}"
             for at, text in enumerate(asked)
             for way, where in (("true", text), ("false", f"CASE WHEN k >= 0 THEN {text} END"))]
    answers = {True: {}, False: {}}
    for row in filled.rows("query", " UNION ALL ".join(parts)):
        answers[row["pushed"]][row["i"]] = (row["n"], row["h"])
    wrong = [(text, answers[True][at], answers[False][at]) for at, text in enumerate(asked)
             if answers[True][at] != answers[False][at]]
    assert not wrong and sum(n > 0 for n, _ in answers[True].values()) > len(asked) // 3


@pytest.mark.parametrize("place", PLACES)
def test_what_is_least_and_greatest(filled, place):
    for asked in (place, f"CASE WHEN k >= 0 THEN {place} END"):
        [row] = filled.rows("query", f"SELECT max({asked}) AS most, min({asked}) AS least FROM t", "--nan", "string")
        assert row == {"most": filled.greatest, "least": "-Infinity"}
        [row] = filled.rows("query", f"SELECT {asked} AS v FROM t ORDER BY v DESC NULLS LAST LIMIT 1", "--nan",
                            "string")
        assert row == {"v": filled.greatest}
