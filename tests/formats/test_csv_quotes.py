"""CSV of software that puts quotes around all that it writes (QUOTE_ALL): NULL is "" there."""

import pytest

TYPES = {
    "b": ("boolean", "true"), "y": ("tinyint", "1"), "h": ("smallint", "2"), "i": ("int", "3"),
    "l": ("bigint", "4"), "f": ("float", "1.5"), "d": ("double", "2.5"),
    "m": ("decimal(18,6)", "3.25"), "da": ("date", "2025-01-30"),
    "t": ("timestamp", "2025-01-30T10:00:00Z"), "n": ("timestamp_ntz", "2025-01-30T10:00:00"),
}


def line(values):
    return ",".join(f'"{value}"' for value in values) + "\n"


@pytest.mark.parametrize("count", [1, 30000])
def test_nothing_in_quotes_is_null_but_to_texts_and_bytes(varve, count):
    varve.ok("create", "q", "--key", "k", "--schema", "k int not null, s string, x binary, " + ", ".join(
        f"{name} {kind}" for name, (kind, _) in TYPES.items()))
    names = ["k", "s", "x", *TYPES]
    full = [value for _, value in TYPES.values()]
    text = line(names) + line([0, "a", "QUI=", *full]) + "".join(
        line([number, "", "", *[""] * len(TYPES)]) for number in range(1, count + 1))
    varve.upsert("q", text)
    nulls = " AND ".join(f"{name} IS NULL" for name in TYPES)
    values = " AND ".join(f"{name} IS NOT NULL" for name in TYPES)
    assert varve.rows("query", f"SELECT count(*) FILTER ({nulls}) AS nulls, "
                      f"count(*) FILTER ({values}) AS full, count(*) FILTER (s = '') AS texts, "
                      "count(*) FILTER (octet_length(x) = 0) AS bytes FROM q") == [
        {"nulls": count, "full": 1, "texts": count, "bytes": count}]


def test_a_column_that_is_not_null_still_is(varve):
    varve.ok("create", "q", "--key", "k", "--schema", "k int not null, px double not null, o bigint",
             "--order-by", "o")
    done = varve.run("upsert", "q", "-", stdin='"k","px","o"\n"1","","3"\n"2","5","4"\n')
    assert done.returncode == 3 and "px" in done.stderr and "NULL" in done.stderr
    done = varve.run("upsert", "q", "-", stdin='"k","px","o"\n"","1","3"\n')
    assert done.returncode == 3 and "NULL" in done.stderr
    # No order value of its own: the time of arrival.
    varve.upsert("q", '"k","px","o"\n"1","2","3"\n"2","3",""\n')
    assert varve.rows("query", "SELECT k FROM q WHERE o > 1000") == [{"k": 2}]


def test_set_aside_and_released_it_is_null_too(varve):
    varve.ok("create", "q", "--key", "k", "--schema", "k int not null, px double, s string, n int not null")
    varve.upsert("q", '"k","px","s","n"\n"1","","",""\n', "--quarantine")
    varve.ok("alter", "q", "drop-not-null", "n")
    varve.ok("quarantine", "release", "q")
    assert varve.rows("query", "SELECT * FROM q") == [{"k": 1, "px": None, "s": "", "n": None}]


def test_what_spreadsheets_and_software_with_times_alone_write(varve):
    varve.ok("create", "q", "--key", "k", "--schema", "k int not null, b boolean, d date")
    varve.upsert("q", "k,b,d\n1,TRUE,2025-01-02 00:00:00\n2,false,2025-01-02T00:00:00.000\n"
                      "3,False,2025-01-02 00:00\n4,tRuE,2025-01-02\n")
    assert varve.rows("query", "SELECT b, d FROM q ORDER BY k") == [
        {"b": b, "d": "2025-01-02"} for b in (True, False, False, True)]
    for value in "yes,", "t,", "wahr,", ",2025-01-02 00:00:01", ",2025-01-02 10:00:00", \
            ",2025-01-02 00:00:00.000001", ",2025-01-02T00:00:00Z", ",2025-13-02 00:00:00":
        done = varve.run("upsert", "q", "-", stdin=f"k,b,d\n9,{value}\n")
        assert done.returncode == 3 and "does not fit type" in done.stderr, value
