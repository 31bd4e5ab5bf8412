"""Parameters of SQL arrive with their types."""

import datetime as dt
import decimal
import uuid

import pytest
import varve
from package import OPENING, UTC, regime

D = decimal.Decimal
BERLIN = dt.timezone(dt.timedelta(hours=1))


@pytest.mark.parametrize("value, kind, back", [
    (5, "BIGINT", 5), (-2**63, "BIGINT", -2**63), (2**63, "DECIMAL(19,0)", D(2**63)),
    (1.5, "DOUBLE", 1.5), (1e300, "DOUBLE", 1e300), (float("-inf"), "DOUBLE", float("-inf")),
    (D("-12.50"), "DECIMAL(4,2)", D("-12.50")), (D("1E+3"), "DECIMAL(4,0)", D(1000)),
    (D("0.001"), "DECIMAL(3,3)", D("0.001")), (D(0), "DECIMAL(1,0)", D(0)),
    (D("9" * 38), "DECIMAL(38,0)", D("9" * 38)),
    (True, "BOOLEAN", True), (False, "BOOLEAN", False),
    (dt.date(2025, 1, 30), "DATE", dt.date(2025, 1, 30)), (dt.date.min, "DATE", dt.date.min),
    (dt.datetime(2025, 1, 30, 15, tzinfo=BERLIN), "TIMESTAMP WITH TIME ZONE",
     dt.datetime(2025, 1, 30, 14, tzinfo=UTC)),
    (dt.datetime(2025, 1, 30, 14, 0, 0, 1), "TIMESTAMP", dt.datetime(2025, 1, 30, 14, 0, 0, 1)),
    (dt.time(9, 30, 0, 250), "TIME", dt.time(9, 30, 0, 250)),
    (b"\x00a'\\\xff", "BLOB", b"\x00a'\\\xff"), (b"", "BLOB", b""), (bytearray(b"x"), "BLOB", b"x"),
    ("it's", "VARCHAR", "it's"), ("", "VARCHAR", "")])
def test_a_value_arrives_as_what_it_is(lake, value, kind, back):
    (row,) = lake.query("SELECT typeof($x) AS kind, $x AS x", {"x": value}).to_dicts()
    assert (row["kind"], row["x"]) == (kind, back)
    assert type(row["x"]) is type(back)


def test_none_and_nan(lake):
    (row,) = lake.query("SELECT $x IS NULL AS none, isnan($y) AS nan",
                        {"x": None, "y": float("nan")}).to_dicts()
    assert row == {"none": True, "nan": True}


def test_two_parameters_meet(lake):
    (row,) = lake.query("SELECT $a < $b AS less, $a + 1 AS sum, $t + INTERVAL 1 DAY AS later",
                        {"a": 9, "b": 10, "t": dt.date(2025, 1, 31)}).to_dicts()
    assert row["less"] is True and row["sum"] == 10
    assert row["later"] == dt.datetime(2025, 2, 1)


def test_beside_columns_and_in_time_travel(lake, regimes):
    regimes.upsert([regime(n, vix=10.0 + n) for n in range(10)])
    regimes.upsert([regime(10, vix=99.0)])
    count = "SELECT count(*) AS n FROM market_regimes "
    for where, params, n in (
            ("WHERE vix > $v", {"v": 15}, 5), ("WHERE vix >= $v", {"v": D("15.0")}, 6),
            ("WHERE timestamp < $t", {"t": OPENING + dt.timedelta(minutes=3)}, 3),
            ("WHERE timestamp < $t", {"t": OPENING.replace(tzinfo=None)}, 0),
            ("WHERE date = $d AND symbol = $s", {"d": OPENING.date(), "s": "SPY"}, 11),
            ("AT (VERSION => $v)", {"v": 1}, 10),
            ("AT (TIMESTAMP => $t)", {"t": dt.datetime.now(UTC)}, 11),
            ("WHERE vix BETWEEN $low AND $high", {"low": 12.5, "high": 14}, 2)):
        assert lake.query(count + where, params).to_dicts() == [{"n": n}], where
    found = lake.query("FROM table_changes('market_regimes', $v) SELECT count(*) AS n", {"v": 2})
    assert found.to_dicts() == [{"n": 1}]


def test_what_is_no_value(lake):
    for value in (object(), [1], dt.time(1, tzinfo=UTC), dt.timedelta(1)):
        with pytest.raises(TypeError):
            lake.query("SELECT $x", {"x": value})
    with pytest.raises(ValueError):
        lake.query("SELECT $x", {"x": D("NaN")})
    with pytest.raises(varve.UsageError, match="is no decimal"):
        lake.query("SELECT $x", {"x": 10**38})
    (row,) = lake.query("SELECT CAST($x AS UUID) AS x", {"x": uuid.UUID(int=7)}).to_dicts()
    assert "7" in str(row["x"])
