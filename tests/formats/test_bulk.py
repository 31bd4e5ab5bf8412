"""Many rows of Parquet at once: the same table in whatever order they come."""

import datetime
import json
import random

import pyarrow
import pyarrow.parquet
import pytest

UTC = datetime.timezone.utc
DAYS, ROWS_OF_DAY = 6, 9000  # more days than are written straight anyway, and long enough runs
FIRST = datetime.datetime(2025, 1, 27, tzinfo=UTC)
SYMBOLS = [letter * 100 for letter in "ABC"]
# With little memory rows go to a table of the engine's, else they stay where they were decoded.
LITTLE, MUCH = ("--memory", "64MB"), ()
in_either = pytest.mark.parametrize("memory", [LITTLE, MUCH], ids=["table", "memory"])


def rows():
    """In the order of the key."""
    return [{"timestamp": FIRST + datetime.timedelta(days=day, seconds=second), "symbol": symbol,
             "regime": "bullish_low", "vix": float(day + second % 7),
             "ingested_at": FIRST + datetime.timedelta(days=90)}
            for day in range(DAYS) for second in range(ROWS_OF_DAY // len(SYMBOLS))
            for symbol in SYMBOLS]


def ordered(chance, whole):
    return whole


def backward(chance, whole):
    return whole[::-1]


def day_by_day(chance, whole):
    """Days in any order, and rows of a day too."""
    days = [whole[first:first + ROWS_OF_DAY] for first in range(0, len(whole), ROWS_OF_DAY)]
    chance.shuffle(days)
    return [row for day in days for row in chance.sample(day, len(day))]


def mixed(chance, whole):
    return chance.sample(whole, len(whole))


def write(path, whole):
    pyarrow.parquet.write_table(pyarrow.Table.from_pylist(whole), path, row_group_size=20000)
    return path


def upsert(market, path, *options):
    return json.loads(market.ok("upsert", "market_regimes", path, "--json", *options))


def files_of(lake, table):
    """Keys of each data file in their order, by the folder of the file's partition."""
    found = {}
    for path in (lake / table).rglob("part-*.parquet"):
        keys = pyarrow.parquet.read_table(path, columns=["timestamp", "symbol"],
                                          partitioning=None).to_pylist()
        found.setdefault(path.parent.name, []).append([(k["timestamp"], k["symbol"]) for k in keys])
    return found


@pytest.mark.slow
@in_either
@pytest.mark.parametrize("order", [ordered, backward, day_by_day, mixed])
def test_files_are_the_same_in_whatever_order_rows_come(market, tmp_path, order, memory):
    whole = rows()
    sent = order(random.Random(7), whole)
    result = upsert(market, write(tmp_path / "r.parquet", sent), *memory)
    assert result["inserted"] == len(whole) and result["duplicates_in_batch"] == 0
    files = files_of(market.lake, "market_regimes")
    assert len(files) == DAYS
    for day in range(DAYS):
        [keys] = files[f"date={(FIRST + datetime.timedelta(days=day)).date()}"]
        expected = whole[day * ROWS_OF_DAY:(day + 1) * ROWS_OF_DAY]
        assert keys == [(row["timestamp"], row["symbol"]) for row in expected]


@in_either
@pytest.mark.parametrize("distance", [1, 2, ROWS_OF_DAY + 1])
def test_a_key_that_comes_twice_is_found(market, tmp_path, distance, memory):
    """Beside each other, near, and far: in rows that ascend but for the one that is too many."""
    whole = rows()
    at = ROWS_OF_DAY // 2
    newer = whole[at] | {"vix": 99.5, "ingested_at": FIRST + datetime.timedelta(days=91)}
    sent = whole[:at + distance] + [newer] + whole[at + distance:]
    result = upsert(market, write(tmp_path / "r.parquet", sent), *memory)
    assert (result["inserted"], result["duplicates_in_batch"]) == (len(whole), 1)
    [row] = market.rows("query", "SELECT count(*) AS n, max(vix) AS vix FROM market_regimes "
                        "WHERE vix > 90")
    assert row == {"n": 1, "vix": 99.5}


@in_either
def test_a_bad_row_among_many(market, tmp_path, memory):
    sent = rows()
    sent[40000] |= {"regime": "bogus"}
    done = market.run("upsert", "market_regimes", write(tmp_path / "r.parquet", sent), *memory)
    assert done.returncode == 3 and "row 40001: regime" in done.stderr
    assert market.version("market_regimes") == 0
    result = upsert(market, tmp_path / "r.parquet", "--quarantine", *memory)
    assert (result["inserted"], result["rejected"]) == (len(sent) - 1, 1)


@in_either
def test_pages_that_are_damaged_are_of_the_input(market, tmp_path, memory):
    """The footer is whole, so that they are come upon on the way into the batch."""
    path = write(tmp_path / "r.parquet", rows())
    content = bytearray(path.read_bytes())
    content[1000:9000] = bytes(8000)
    path.write_bytes(content)
    done = market.run("upsert", "market_regimes", path, *memory)
    assert done.returncode == 3 and "r.parquet cannot be read as Parquet" in done.stderr
    assert market.version("market_regimes") == 0


@in_either
def test_the_next_load_finds_them(market, tmp_path, memory):
    path = write(tmp_path / "r.parquet", day_by_day(random.Random(8), rows()))
    assert upsert(market, path, *memory)["inserted"] == DAYS * ROWS_OF_DAY
    assert upsert(market, path, *memory)["unchanged"] == DAYS * ROWS_OF_DAY


@pytest.mark.slow
@in_either
@pytest.mark.parametrize("order", [ordered, day_by_day, mixed])
def test_files_that_are_written_again_have_their_order(market, tmp_path, order, memory):
    """Every other row first, then all of them, of which a third is corrected."""
    whole = rows()
    upsert(market, write(tmp_path / "r.parquet", whole[::2]), *memory)
    later = {"vix": 77.25, "ingested_at": FIRST + datetime.timedelta(days=91)}
    sent = [row | later if at % 3 == 0 else row for at, row in enumerate(whole)]
    result = upsert(market, write(tmp_path / "r.parquet", order(random.Random(9), sent)), *memory)
    assert (result["inserted"], result["updated"], result["unchanged"]) == (27000, 9000, 18000)
    files = files_of(market.lake, "market_regimes")
    for day in range(DAYS):
        folder = f"date={(FIRST + datetime.timedelta(days=day)).date()}"
        newest = max(files[folder], key=len)
        expected = whole[day * ROWS_OF_DAY:(day + 1) * ROWS_OF_DAY]
        assert newest == [(row["timestamp"], row["symbol"]) for row in expected]
    [row] = market.rows("query", "SELECT count(*) AS n FROM market_regimes WHERE vix = 77.25")
    assert row == {"n": 18000}


@pytest.mark.slow
@in_either
def test_a_partition_of_many_rows(market, tmp_path, memory):
    """All on one day: so many that the engine writes them by several threads, where it has a table."""
    sent = [{"timestamp": FIRST + datetime.timedelta(seconds=at), "symbol": "A" * 900,
             "regime": "bullish_low", "vix": float(at % 7),
             "ingested_at": FIRST + datetime.timedelta(days=90)} for at in range(80_000)]
    result = upsert(market, write(tmp_path / "r.parquet", sent), *memory)
    assert result["inserted"] == len(sent)
    [[keys]] = files_of(market.lake, "market_regimes").values()
    assert [key for key, _ in keys] == [row["timestamp"] for row in sent]


# ---- What a footer says of the values, which pyarrow leaves NaN out of, and others may write as they like ----

PLACES = ["x", "g", "s.x", "d.s.x"]


def write_floats(path, nan_in):
    """Floats from 0 to 1 in each place, and one NaN in one of them; more than a file of few rows has."""
    chance = random.Random(11)
    values = {place: [chance.random() for _ in range(60_000)] for place in PLACES}
    values[nan_in][35_000] = float("nan")
    rows = range(60_000)
    pyarrow.parquet.write_table(pyarrow.table({
        "k": pyarrow.array(rows, pyarrow.int64()), "x": values["x"],
        "g": pyarrow.array(values["g"], pyarrow.float32()),
        "s": [{"x": value} for value in values["s.x"]],
        "d": [{"s": {"x": value}} for value in values["d.s.x"]]}), path)
    assert path.stat().st_size > 1 << 20
    return path


@pytest.mark.parametrize("place", PLACES)
def test_a_nan_keeps_no_rule_that_the_bounds_of_its_file_keep(varve, tmp_path, place):
    path = write_floats(tmp_path / "r.parquet", place)
    schema = "k long not null, x double, g float, s struct<x:double>, d struct<s:struct<x:double>>"
    varve.ok("create", "strict", "--schema", schema, "--key", "k",
             *(word for at, one in enumerate(PLACES) for word in ("--check", f"r{at}: {one} <= 1")))
    done = varve.run("upsert", "strict", path)
    assert done.returncode == 3 and "row 35001: " in done.stderr
    assert f"breaks r{PLACES.index(place)} " in done.stderr and varve.version("strict") == 0
    result = json.loads(varve.ok("upsert", "strict", path, "--quarantine", "--json"))
    assert (result["inserted"], result["rejected"]) == (59_999, 1)
    varve.ok("create", "loose", "--schema", schema, "--key", "k",
             "--property", f"varve.warn.high={place} <= 1")
    result = json.loads(varve.ok("upsert", "loose", path, "--json"))
    assert (result["inserted"], result["rows_warned"]) == (60_000, 1)
    [row] = varve.rows("query", f"SELECT count(*) AS n, min(k) AS k FROM loose WHERE {place} > 1")
    assert row == {"n": 1, "k": 35_000}


@pytest.mark.parametrize("lie", ["nulls", "greatest"])
def test_a_rule_is_not_kept_by_what_a_footer_says(varve, tmp_path, lie):
    """It says that there is no NULL, or that 999,999 is the greatest; row 6 is otherwise."""
    path = tmp_path / "r.parquet"
    values = [at * 7919 % 999_983 for at in range(150_000)]
    values[5], values[6] = None if lie == "nulls" else 7_000_000, 999_999
    pyarrow.parquet.write_table(pyarrow.table({"k": range(len(values)), "v": pyarrow.array(values)}),
                                path, use_dictionary=False, compression="none")
    content = path.read_bytes()
    footer = len(content) - 8 - int.from_bytes(content[-8:-4], "little")
    # In Thrift: null_count of one, and behind it the bound; all bounds of eight bytes.
    if lie == "nulls":
        old, new = b"\x16\x02\x28", b"\x16\x00\x28"
    else:
        old, new = (value.to_bytes(8, "little") for value in values[5:7])
    path.write_bytes(content[:footer] + content[footer:].replace(old, new))
    said = pyarrow.parquet.read_metadata(path).row_group(0).column(1).statistics
    assert (said.null_count, said.max) == (0, 999_999) and path.stat().st_size > 1 << 20
    varve.ok("create", "t", "--schema", "k long not null, v long not null", "--key", "k",
             "--check", "small: v < 1000000")
    done = varve.run("upsert", "t", path)
    assert done.returncode == 3 and "1 of 150000 rows rejected" in done.stderr
    assert "row 6: v " in done.stderr and varve.version("t") == 0
    result = json.loads(varve.ok("upsert", "t", path, "--quarantine", "--json"))
    assert (result["inserted"], result["rejected"]) == (149_999, 1)
