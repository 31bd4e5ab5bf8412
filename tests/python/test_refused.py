"""A row that no statement of the engine gets by is set aside for itself: what is behind it arrives."""

import datetime as dt

import pyarrow as pa
import pytest
import varve

LEAST = -(2**63) + 1


def one(kind, value, more=None):
    return pa.table({"k": pa.array(["bad"]), "c": pa.array([value], kind), **(more or {})})


MAP = pa.map_(pa.string(), pa.float64())
ROWS = {
    "ns": ("timestamp", one(pa.timestamp("ns"), LEAST), "has digits below a microsecond"),
    "ns, ntz": ("timestamp_ntz", one(pa.timestamp("ns"), LEAST), "has digits below a microsecond"),
    "ns, date": ("date", one(pa.timestamp("ns"), LEAST), "does not fit type date"),
    "late date": ("timestamp", one(pa.date32(), 2**31 - 2), "does not fit type timestamp"),
    "a key twice": ("map<string,double>", one(MAP, [("x", 1.5), ("x", 2.5)]), "does not fit type map"),
    "struct for map": ("map<string,struct<x:long>>",
                       one(pa.struct([("x", pa.struct([("q", pa.int64())]))]), {"x": {"q": 1}}), "does not fit type map"),
    "struct for map of numbers": ("map<long,long>", one(pa.struct([("x", pa.int64())]), {"x": 1}), "does not fit type map"),
    "map for struct": ("struct<x:struct<q:long>>",
                       one(pa.map_(pa.string(), pa.struct([("x", pa.int64())])), [("x", {"x": 1})]), "does not fit type struct"),
    "ns in a list": ("array<timestamp>", one(pa.list_(pa.timestamp("ns")), [LEAST]), "does not fit type array"),
    "ms in a list": ("array<timestamp>", one(pa.list_(pa.timestamp("ms")), [2**63 - 2]), "does not fit type array"),
    "ms in a struct": ("struct<x:timestamp>", one(pa.struct([("x", pa.timestamp("ms"))]), {"x": 2**63 - 2}),
                       "does not fit type struct"),
    "list for map": ("map<string,struct<x:long>>", one(pa.list_(pa.struct([("q", pa.int64())])), [{"q": 1}]),
                     "does not fit type map"),
}


@pytest.mark.parametrize("name", list(ROWS))
def test_it_is_set_aside_alone(tmp_path, name):
    column, bad, reason = ROWS[name]
    with varve.Lake(tmp_path / "lake", create=True) as lake:
        lake.create("t", schema=f"k string not null, c {column}, n long", key=["k"])
        with varve.Writer(lake, interval=None, sync="5ms") as writer:
            writer.put_arrow("t", bad)
            writer.put("t", k="good", n=1)
            writer.flush(timeout=60)
        assert lake.query("SELECT k FROM t").to_dicts() == [{"k": "good"}]
        aside = lake.table("t").quarantine.show().to_dicts()
        assert len(aside) == 1 and reason in aside[0]["rule"], aside
        assert aside[0]["values"].startswith('{"k":"bad"')
