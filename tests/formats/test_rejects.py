"""What an error says of many bad rows: twenty of them with every reason, and how many more."""

import pytest


def bad(varve, columns, rows):
    varve.ok("create", "t", "--schema", "k bigint not null, a int, b int", "--key", "k",
             "--check", "a_small: a < 5", "--check", "b_small: b < 5")
    values = ",9" * columns.count(",")
    text = columns + "\n" + "".join(f"{k}{values}\n" for k in range(1, rows + 1))
    missing = "" if "b" in columns else ",b"
    text = text.replace(columns, columns + missing).replace(",9\n", ",9,1\n" if missing else ",9\n")
    done = varve.run("upsert", "t", "-", "--input-format", "csv", stdin=text)
    assert done.returncode == 3, done.stderr
    return done.stderr


@pytest.mark.parametrize("columns,reasons", [("k,a", 1), ("k,a,b", 2)])
@pytest.mark.parametrize("rows,named", [(1, 1), (20, 20), (21, 20), (64, 20)])
def test_twenty_rows_are_named_and_the_rest_is_counted(varve, columns, reasons, rows, named):
    text = bad(varve, columns, rows)
    for row in range(1, rows + 1):
        assert text.count(f"row {row} (line {row + 1}): ") == (reasons if row <= named else 0)
    assert (f"and {rows - named} more" in text) == (rows > named)


def test_lines_that_are_long_leave_room_for_the_count(varve):
    rule = " AND ".join(f"a < {n}" for n in range(5, 60))
    varve.ok("create", "t", "--schema", "k bigint not null, a int", "--key", "k",
             "--check", f"a_small: {rule}", "--check", f"a_low: {rule}")
    text = "k,a\n" + "".join(f"{k},99\n" for k in range(1, 65))
    done = varve.run("upsert", "t", "-", "--input-format", "csv", stdin=text)
    assert done.returncode == 3
    named = {line.split(" (line")[0] for line in done.stderr.split("row ")[1:] if " (line" in line}
    assert 1 < len(named) < 20
    assert f"and {64 - len(named)} more" in done.stderr
