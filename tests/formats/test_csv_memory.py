"""CSV that is larger than what is read of it at once: in little memory, and with long values."""

import hashlib

import pytest

VALUE_MAX = 16 << 20  # bytes of the longest line that the engine reads
RECORD_MAX = 64 << 20


@pytest.fixture
def table(varve):
    varve.ok("create", "t", "--schema", "k bigint not null, note string", "--key", "k")
    return varve


def test_some_megabytes_fit_a_small_limit(table, tmp_path):
    path = tmp_path / "rows.csv"
    path.write_text("k,note\n" + "".join(f"{k},{k * 7919 % 1000003:040d}\n" for k in range(100000)))
    assert path.stat().st_size > 4 << 20
    for arguments in (["append", "--allow-duplicates"], ["upsert"]):
        done = table.run("--memory", "256MB", arguments[0], "t", path, *arguments[1:])
        assert done.returncode == 0, done.stderr
    assert table.rows("query", "SELECT count(*) AS n, sum(k) AS s FROM t") == [
        {"n": 100000, "s": 4999950000}]


def long_value(number):
    return f"{number}," * ((VALUE_MAX - 100) // 2)


def test_lines_of_almost_16_mb_are_read_wherever_they_lie(table, tmp_path):
    path = tmp_path / "rows.csv"
    with open(path, "w", encoding="utf-8") as file:
        file.write("k,note\n")
        for number in range(4):
            file.write(f'{number},"{long_value(number)}"\n')
            file.writelines(f"{k},x\n" for k in range(1000 + number * 100, 1100 + number * 100))
    table.ok("upsert", "t", path)
    assert table.rows("query", "SELECT count(*) AS n FROM t") == [{"n": 404}]
    assert table.rows("query", "SELECT k, md5(note) AS m FROM t WHERE k < 4 ORDER BY k") == [
        {"k": k, "m": hashlib.md5(long_value(k).encode()).hexdigest()} for k in range(4)]


def test_a_longer_line_that_the_engine_refuses_is_read_by_itself(table, tmp_path):
    path = tmp_path / "rows.csv"
    path.write_text(f'k,note\n1,a\n2,"{"x" * (VALUE_MAX + 100)}"\n3,b\n')
    table.ok("upsert", "t", path)
    assert table.rows("query", "SELECT k, length(note) AS n FROM t ORDER BY k") == [
        {"k": 1, "n": 1}, {"k": 2, "n": VALUE_MAX + 100}, {"k": 3, "n": 1}]


def test_a_record_that_is_too_long_is_refused_by_name_of_the_limit(table, tmp_path):
    path = tmp_path / "rows.csv"
    path.write_text(f'k,note\n1,a\n2,"{"x" * (RECORD_MAX + 100)}"\n3,b\n')
    done = table.run("upsert", "t", path)
    assert done.returncode == 3, done.stderr
    assert "the record that begins in line 3 is longer than 64 MB; is a quote never closed" in done.stderr
    assert table.rows("query", "SELECT count(*) AS n FROM t") == [{"n": 0}]
