"""Bad input, case by case: the exit status, a message that says where, and nothing written."""

import json
import shutil

import pytest

HEAD = "timestamp,symbol,regime,vix,confidence,date\n"
GOOD = "2025-01-30T10:00:00Z,SPY,neutral_low,14.5,0.8,2025-01-30\n"


@pytest.fixture
def market(varve):
    varve.ok("init")
    varve.ok("upsert", "market_regimes", stdin=HEAD + GOOD)
    return varve


def state(varve):
    folder = varve.folder / "data" / "lake" / "market_regimes"
    return sorted((path.relative_to(folder).as_posix(), path.stat().st_size)
                  for path in folder.rglob("*") if path.is_file())


# rows behind a good one in line 2, exit status, what the message must hold
ROWS = {
    "wrong type": ("2025-01-30T10:01:00Z,SPY,neutral_low,high,,\n", ["row 2", "line 3", "vix", "high"]),
    "no timestamp": ("yesterday,SPY,neutral_low,,,\n", ["row 2", "timestamp", "yesterday"]),
    "NULL key": ("2025-01-30T10:01:00Z,,neutral_low,,,\n", ["row 2", "symbol"]),
    "bad enum": ("2025-01-30T10:01:00Z,SPY,sideways,,,\n", ["row 2", "sideways", "regime_known"]),
    "out of range": ("2025-01-30T10:01:00Z,SPY,neutral_low,,1.5,\n",
                     ["row 2", "1.5", "confidence_range"]),
    "NaN where bounded": ("2025-01-30T10:01:00Z,SPY,neutral_low,NaN,,\n", ["row 2", "vix_range"]),
    "date that disagrees": ("2025-01-30T10:01:00Z,SPY,neutral_low,,,2025-01-29\n",
                            ["row 2", "date", "2025-01-29"]),
    "below a microsecond": ("2025-01-30T10:01:00.0000001Z,SPY,neutral_low,,,\n",
                            ["row 2", "timestamp"]),
    "line numbers behind a quoted newline": (
        "2025-01-30T10:01:00Z,\"S\nPY\",neutral_low,1,,\n"
        "2025-01-30T10:02:00Z,SPY,sideways,,,\n", ["row 3", "line 5", "sideways"]),
}


@pytest.mark.parametrize("name", ROWS)
def test_a_bad_row_rejects_the_batch(market, name):
    rows, parts = ROWS[name]
    before = state(market)
    good = GOOD.replace("10:00", "11:00")
    done = market("upsert", "market_regimes", stdin=HEAD + good + rows)
    assert done.returncode == 3, done.stderr
    assert done.stdout == ""
    for part in parts:
        assert part in done.stderr, (part, done.stderr)
    assert state(market) == before


PARQUET = b"PAR1\x15\x04\x15 \x15$L\x15\n\0" + bytes(50) + b"\x32\0\0\0PAR1"
ARROW = b"ARROW1\0\0\xff\xff\xff\xff\x10\0\0\0" + bytes(50)
FILES = {
    "unknown column": (b"timestamp,symbol,regime,colour\n2025-01-30T10:00:00Z,A,neutral_low,red\n",
                       "rows.csv", ["colour"]),
    "column twice": (b"timestamp,symbol,regime,Symbol\n2025-01-30T10:00:00Z,A,neutral_low,B\n",
                     "rows.csv", ["ymbol"]),
    "no key column": (b"timestamp,regime\n2025-01-30T10:00:00Z,neutral_low\n", "rows.csv",
                      ["symbol"]),
    "ragged line": (b"timestamp,symbol,regime\n2025-01-30T10:00:00Z,A\n", "rows.csv", ["line 2"]),
    "open quote": (b"timestamp,symbol,regime\n2025-01-30T10:00:00Z,\"A,neutral_low\n", "rows.csv",
                   ["line 2", "never closed"]),
    "invalid UTF-8 in CSV": (b"timestamp,symbol,regime\n2025-01-30T10:00:00Z,\xff\xfe,neutral_low\n",
                             "rows.csv", ["line 2"]),
    "empty CSV": (b"", "rows.csv", ["rows.csv"]),
    "Parquet as CSV": (PARQUET, "rows.csv", ["rows.csv", "no CSV, but Parquet"]),
    "Arrow as CSV": (ARROW, "rows.csv", ["rows.csv", "no CSV, but Arrow IPC"]),
    "UTF-16 as CSV": ((HEAD + GOOD).encode("utf-16-le"), "rows.csv", ["line 1", "NUL", "UTF-16"]),
    "NULs as CSV": (bytes(3000), "rows.csv", ["line 1", "NUL", "no text"]),
    "CSV as Parquet": ((HEAD + GOOD).encode(), "rows.parquet",
                       ["rows.parquet cannot be read as Parquet: it does not begin with PAR1"]),
    "Arrow as Parquet": (ARROW, "rows.parquet", ["it is Arrow IPC"]),
    "cut Parquet": (PARQUET[:-1], "rows.parquet", ["rows.parquet", "it does not end with PAR1"]),
    "Parquet without a footer": (PARQUET, "rows.parquet", ["rows.parquet cannot be read"]),
    "empty Parquet": (b"", "rows.parquet", ["rows.parquet cannot be read as Parquet: it is empty"]),
    "broken JSON": (b'{"timestamp":"2025-01-30T10:00:00Z","symbol":"A","regime":"neutral_low"}\n'
                    b'{"timestamp":"2025-01-30T\n', "rows.ndjson", ["line 2"]),
    "unknown member": (b'{"timestamp":"2025-01-30T10:00:00Z","symbol":"A","regime":"neutral_low",'
                       b'"colour":1}\n', "rows.ndjson", ["colour"]),
    "invalid UTF-8 in JSON": (b'{"timestamp":"2025-01-30T10:00:00Z","symbol":"\xff"}\n',
                              "rows.ndjson", ["line 1"]),
}


@pytest.mark.parametrize("name", FILES)
def test_a_bad_file_is_refused(market, name):
    content, file, parts = FILES[name]
    (market.folder / file).write_bytes(content)
    before = state(market)
    done = market("upsert", "market_regimes", file)
    assert done.returncode == 3, done.stderr
    for part in parts:
        assert part in done.stderr, (part, done.stderr)
    assert "/proc/" not in done.stderr and "SELECT" not in done.stderr, "what nobody wrote"
    assert "LINE 1" not in done.stderr
    assert state(market) == before


def test_a_column_may_be_called_like_parquet(market):
    market("create", "t", "--schema", "PAR1 long not null", "--key", "PAR1")
    assert market("upsert", "t", "-", "--input-format", "csv", stdin="PAR1\n5\n").returncode == 0


TAKERS = {
    "upsert": ["upsert", "t"], "append": ["append", "t", "--allow-duplicates"],
    "overwrite": ["overwrite", "t", "--yes"],
    "merge": ["merge", "t", "--on", "t.k = s.k", "--when-not-matched", "insert *", "--source"],
}
LINES = {
    "rows.csv": ("k,a\n1,x\n2,y,z\n3,w\n\"4,v\n", ["row 2 (line 3): has 3 fields", "row 4 (line 5): has"], 2),
    "rows.ndjson": ('{"k":1}\n{"k":2\n{"k":3}\n[4]\n', ["row 2 (line 2): not JSON", "row 4 (line 4): "], 2),
    "ndjson.csv": ("k,a\n" + '{"k":1}\n' * 2000,
                   ["none of the first 100 lines", "line 101 has 1 field"], 2000),
    "csv.ndjson": ("k,a\n" + "1,x\n" * 2000, ["none of the first 100 lines is a row", "line 100"], 2001),
}


@pytest.mark.parametrize("file", LINES)
@pytest.mark.parametrize("taker", TAKERS)
def test_lines_that_are_no_rows_are_named_by_whatever_takes_rows(market, taker, file):
    """All of them, but for a file that has nothing else at its begin."""
    content, parts, bad = LINES[file]
    market("create", "t", "--schema", "k bigint not null, a string", "--key", "k")
    market("upsert", "t", "-", "--input-format", "csv", stdin="k,a\n1,old\n")
    (market.folder / file).write_text(content, encoding="utf-8")
    before = state(market)
    done = market(*TAKERS[taker], file)
    assert done.returncode == 3, done.stderr
    for part in parts:
        assert part in done.stderr, (part, done.stderr)
    assert state(market) == before
    if taker == "upsert":
        aside = market("upsert", "t", file, "--quarantine")
        assert aside.returncode == 0 and f" {bad} rejected" in aside.stderr, aside.stderr


@pytest.mark.parametrize("arguments, status, part", [
    (["upsert", "market_regimes", "nowhere.csv"], 5, "nowhere.csv"),
    (["upsert", "no_such_table", "-"], 5, "no_such_table"),
    (["upsert", "market_regimes", "-", "--input-format", "xml"], 2,
     "option --input-format: 'xml' is not one of csv|ndjson|parquet|arrow"),
    (["append", "market_regimes", "-", "--input-format", ""], 2, "option --input-format: '' is"),
    (["ingest", "market_regimes", "--input-format", "parquet"], 2,
     "option --input-format: 'parquet' is not one of"),
    (["upsert", "market_regimes", "rows.xlsx"], 2, "rows.xlsx: its name does not say"),
    (["scan", "market_regimes", "--format", "xml"], 2,
     "option --format: 'xml' is not one of box|csv|json|ndjson|markdown|parquet|arrow|plot|svg"),
    (["query", "SELECT 1", "--format", "CSV"], 2, "option --format: 'CSV' is not one of"),
    (["scan", "market_regimes", "--format", "xml", "-o", "rows.xml"], 2, "'xml' is not one of"),
    (["scan", "./empty"], 5, "_delta_log"),
    (["scan", "market_regimes", "--version", "7"], 5, "7"),
    (["scan", "market_regimes", "--timestamp", "1999-01-01"], 5, "1999"),
    (["scan", "market_regimes", "--timestamp", "someday"], 2, "someday"),
    (["scan", "market_regimes", "--columns", "colour"], 2, "colour"),
    (["scan", "market_regimes", "--columns", "vix,VIX"], 2, "column VIX is named twice"),
    (["query", "SELEC 1"], 2, "SELEC"),
    (["query", "SELECT colour FROM market_regimes"], 2, "colour"),
    (["query", "SELECT * FROM nothing_here"], 5, "nothing_here"),
    (["query", "DROP TABLE market_regimes"], 2, "SELECT"),
])
def test_a_bad_request_is_refused(market, arguments, status, part):
    (market.folder / "empty").mkdir()
    (market.folder / "rows.xlsx").write_bytes(b"PK\3\4 a sheet")
    before = state(market)
    done = market(*arguments, stdin="timestamp\n")
    assert not (market.folder / "rows.xml").exists()
    assert done.returncode == status, done.stderr
    assert part in done.stderr, done.stderr
    assert state(market) == before


def commit(varve, version):
    return varve.folder / "data/lake/market_regimes/_delta_log" / f"{version:020d}.json"


def rewrite_protocol(varve, protocol):
    """A further commit that changes the protocol."""
    commit(varve, 2).write_text(json.dumps({"protocol": protocol}) + "\n")


def test_an_unknown_reader_feature_is_refused_by_name(market):
    rewrite_protocol(market, {"minReaderVersion": 3, "minWriterVersion": 7,
                              "readerFeatures": ["fromTheFuture"],
                              "writerFeatures": ["fromTheFuture"]})
    for command in (["scan", "market_regimes"], ["describe", "market_regimes"]):
        done = market(*command)
        assert done.returncode == 7
        assert "fromTheFuture" in done.stderr


def test_an_unknown_writer_feature_refuses_writing_alone(market):
    rewrite_protocol(market, {"minReaderVersion": 1, "minWriterVersion": 7,
                              "writerFeatures": ["fromTheFuture"]})
    assert market.ok("scan", "market_regimes").count("SPY") == 1
    before = state(market)
    done = market("upsert", "market_regimes", stdin=HEAD + GOOD.replace("14.5", "15"))
    assert done.returncode == 7
    assert "fromTheFuture" in done.stderr
    assert state(market) == before


@pytest.mark.parametrize("torn", ["empty", "half"])
def test_a_torn_newest_commit_is_named_and_never_an_empty_one(market, torn):
    whole = commit(market, 1).read_bytes()
    commit(market, 1).write_bytes(b"" if torn == "empty" else whole[:len(whole) // 2])
    for command in (["scan", "market_regimes"], ["upsert", "market_regimes", "-"]):
        done = market(*command, stdin=HEAD + GOOD)
        assert done.returncode == 6, done.stderr
        assert f"{1:020d}.json" in done.stderr
    assert not commit(market, 2).exists()


def test_a_missing_data_file_is_an_error_never_fewer_rows(market):
    for path in (market.folder / "data/lake/market_regimes").rglob("*.parquet"):
        path.unlink()
    done = market("scan", "market_regimes")
    assert done.returncode in (5, 6, 8)
    assert "part-00000" in done.stderr


def test_a_gap_in_the_log_names_the_missing_version(market):
    market.ok("upsert", "market_regimes", stdin=HEAD + GOOD.replace("14.5", "15"))
    shutil.copy(commit(market, 2), commit(market, 4))
    done = market("scan", "market_regimes")
    assert done.returncode == 6
    assert "3" in done.stderr
