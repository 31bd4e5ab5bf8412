"""A row without an order value of its own, where the stored one is ahead of the clock."""

import pytest

AHEAD = "2130-12-31T23:59:59.999999Z"


@pytest.mark.parametrize("many", [0, 20000])
@pytest.mark.parametrize("more", [["--check", "c: o < '2131-01-01'"], []])
@pytest.mark.parametrize("year", ["", ", y date generated always as (cast(o as date))"])
def test_what_depends_on_it_is_not_passed_by(varve, many, more, year):
    varve.ok("create", "t", "--key", "id", "--order-by", "o", "--schema",
             f"id int not null, v int, o timestamp{year}", *more)
    varve.upsert("t", f"id,v,o\n1,1,{AHEAD}\n2,1,2025-01-01T00:00:00Z\n")
    text = "id,v\n1,2\n2,2\n" + "".join(f"{n},2\n" for n in range(3, many))
    done = varve.run("upsert", "t", "-", stdin=text)
    rows = varve.rows("query", "SELECT * FROM t WHERE id < 3 ORDER BY id")
    if not more and not year:
        assert done.returncode == 0, done.stderr
        assert (rows[0]["v"], rows[0]["o"], rows[1]["v"]) == (2, "2131-01-01T00:00:00.000000Z", 2)
        return
    assert done.returncode == 3 and "1 row brings no o (row 1), and the stored ones have one" in done.stderr
    assert varve.version("t") == 1 and [row["v"] for row in rows] == [1, 1]
    again = varve.upsert("t", "id,v\n2,2\n")
    assert again["updated"] == 1
    varve.upsert("t", "id,v,o\n1,3,2130-12-31T23:59:59.999999Z\n")
    assert varve.rows("query", "SELECT v FROM t WHERE id = 1") == [{"v": 3}]
