"""Rows that break a rule are set aside, durably and once, and come back when they are let."""

import json

import pytest

TABLE = "quotes"
CHECK = "delta.constraints.v_small"
GOOD = "2025-03-01T10:00:00Z,A,1\n"
BAD = "2025-03-01T10:01:00Z,A,100\n"


@pytest.fixture
def quotes(varve):
    varve.ok("create", TABLE, "--schema",
             "ts timestamp not null, sym string not null, v int, seen timestamp, date date",
             "--partition-by", "date", "--key", "ts,sym", "--order-by", "seen",
             "--property", "varve.partitionFrom=date=ts", "--check", "v_small: v < 10")
    return varve


def csv(*rows, header="ts,sym,v"):
    return header + "\n" + "".join(rows)


def files(varve):
    folder = varve.table(TABLE) / "_varve" / "quarantine"
    return {path.name: path.read_bytes() for path in sorted(folder.glob("*"))}


def values(varve):
    return {(row["ts"][:19], row["sym"]): row["v"] for row in varve.rows("scan", TABLE)}


def drop_the_check(varve):
    """What another engine does to a table when its rule turns out to be wrong."""
    log = varve.table(TABLE) / "_delta_log"
    commits = sorted(log.glob("*.json"))
    metadata = next(json.loads(line)["metaData"] for line in commits[0].read_text().splitlines()
                    if "metaData" in json.loads(line))
    del metadata["configuration"][CHECK]
    commit = [{"commitInfo": {"timestamp": 1, "operation": "DROP CONSTRAINT"}},
              {"metaData": metadata}]
    (log / f"{len(commits):020d}.json").write_text("\n".join(map(json.dumps, commit)) + "\n")


def test_bad_rows_are_set_aside_and_the_rest_goes_on(quotes):
    result = quotes.upsert(TABLE, csv(GOOD, BAD), "--quarantine")
    assert (result["inserted"], result["rejected"], result["version"]) == (1, 1, 1)
    assert values(quotes) == {("2025-03-01T10:00:00", "A"): 1}
    [row] = quotes.rows("quarantine", "show", TABLE)
    assert (row["row"], row["line"], row["column"], row["value"]) == (2, 3, "v", "100")
    assert "v_small" in row["rule"]
    assert row["values"] == {"ts": "2025-03-01T10:01:00Z", "sym": "A", "v": "100"}
    [batch] = quotes.rows("quarantine", "list", TABLE)
    assert batch["rows"] == 1 and "v_small" in batch["reason"] and batch["user_name"]


SECOND = "2025-03-01T10:05:00Z,B,2\n"


@pytest.mark.parametrize("times", [1, 40000], ids=["small", "large"])
def test_lines_of_csv_that_are_no_rows_are_set_aside(quotes, times):
    """Not the whole file for one of them; rows and lines are told as the file has them."""
    more = "".join(f"2025-03-02T{n // 3600:02}:{n // 60 % 60:02}:{n % 60:02}Z,C,3\n"
                   for n in range(times))
    text = csv(GOOD, "2025-03-01T10:02:00Z,A\n", "\n", BAD, "a,b,c,d\n", '"x"y,A,1\n', SECOND,
               '"2025-03-01T10:06:00Z","B, ""quoted""\nname",4\n', more, "late\n")
    done = quotes.run("upsert", TABLE, "-", stdin=text)
    assert done.returncode == 3 and "5 of " in done.stderr
    assert "row 2 (line 3): has 2 fields, the header has 3: 2025-" in done.stderr
    assert all(f"(line {line}): has" in done.stderr for line in (3, 6, 7, 11 + times))
    result = quotes.upsert(TABLE, text, "--quarantine")
    assert (result["inserted"], result["rejected"]) == (3 + times, 5)
    assert values(quotes)[("2025-03-01T10:06:00", 'B, "quoted"\nname')] == 4
    shown = quotes.rows("quarantine", "show", TABLE)
    assert [(row["row"], row["line"]) for row in shown] == [
        (2, 3), (3, 5), (4, 6), (5, 7), (8 + times, 11 + times)]
    assert [row["value"] for row in shown if row["column"] == "varve.line"] == [
        "2025-03-01T10:02:00Z,A", "a,b,c,d", '"x"y,A,1', "late"]
    assert shown[0]["rule"] == "has 2 fields, the header has 3"
    again = quotes.upsert(TABLE, text, "--quarantine")
    assert (again["rejected"], again["unchanged"]) == (5, 3 + times)
    assert len(quotes.rows("quarantine", "show", TABLE)) == 5


def test_a_line_that_says_a_column_twice_is_kept_whole_and_never_released(quotes):
    """Which of the two values is meant nobody knows."""
    line = '{"ts":"2025-03-01T10:02:00Z","sym":"A","sym":"B","v":3}'
    done = quotes.run("upsert", TABLE, "-", "--input-format", "ndjson", stdin=line)
    assert done.returncode == 3 and "sym is in the line twice: {" in done.stderr
    before = values(quotes)
    result = json.loads(quotes.run("upsert", TABLE, "-", "--input-format", "ndjson", "--quarantine",
                                   "--json", stdin=line).stdout)
    assert (result["inserted"], result["rejected"]) == (0, 1)
    [row] = quotes.rows("quarantine", "show", TABLE)
    assert (row["column"], row["value"], row["rule"], row["rules"]) == (
        "varve.line", line, "sym is in the line twice", 1)
    quotes.ok("quarantine", "release", TABLE)
    assert values(quotes) == before and len(quotes.rows("quarantine", "show", TABLE)) == 1


@pytest.mark.slow
@pytest.mark.parametrize("end", ["\n", ""], ids=["ended", "open"])
def test_lines_that_end_in_crlf_are_the_rows_that_lf_gives(varve, tmp_path, end):
    """Records that lie across the pieces that are read, and the last one, among them."""
    rows = [f'"k{n:05}, ""q""","{"x" * (n % 90)}, y",{n}' for n in range(30000)]
    text = "\n".join(["k,a,v", *rows[:9], "odd,line", "", *rows[9:]]) + end
    assert len(text) > 2 << 20
    stored = {}
    for name, line_end in (("lf", "\n"), ("crlf", "\r\n"), ("cr", "\r")):
        file = tmp_path / f"{name}.csv"
        file.write_bytes(text.replace("\n", line_end).encode())
        varve.ok("create", name, "--schema", "k string not null, a string, v int", "--key", "k")
        varve.ok("upsert", name, file, "--quarantine")
        stored[name] = varve.ok("query", f"SELECT * FROM {name} ORDER BY v", "--format", "csv")
        [row] = varve.rows("quarantine", "show", name)
        assert (row["row"], row["line"], row["value"]) == (10, 11, "odd,line")
    assert stored["lf"].count("\n") == 1 + len(rows)
    for name in ("crlf", "cr"):
        odd = set(stored[name].splitlines()) ^ set(stored["lf"].splitlines())
        assert sorted(odd) == [] and stored[name] == stored["lf"]


def test_csv_that_is_not_utf8_or_no_csv(quotes, tmp_path):
    file = tmp_path / "odd.csv"
    file.write_bytes(csv(GOOD).encode() + b"2025-03-01T10:02:00Z,\xff\x00,1\n" + SECOND.encode())
    quotes.ok("upsert", TABLE, file, "--quarantine")
    assert len(values(quotes)) == 2
    [row] = quotes.rows("quarantine", "show", TABLE)
    assert row["rule"] == "is not valid UTF-8" and "\ufffd" in row["value"]
    done = quotes.upsert(TABLE, csv(GOOD, '2025,"A\n', SECOND), "--quarantine")
    assert (done["unchanged"], done["rejected"]) == (2, 1)
    for text, says in (("ts;sym;v\n2025-03-01T10:00:00Z;A;1,5\n", "parted by semicolons"),
                       ("ts;sym;v\n2025-03-01T10:00:00Z;A;1\n", "parted by semicolons"),
                       ("ts\tsym\tv\n2025-03-01T10:00:00Z\tA\t1\n", "parted by tabs"),
                       ("ts, sym,v\n2025-03-01T10:00:00Z,A,1\n",
                        'no column " sym", but sym: take the blanks')):
        done = quotes.run("upsert", TABLE, "-", stdin=text)
        assert done.returncode == 3 and says in done.stderr


@pytest.mark.parametrize("value, said", [('{"a": 1}', "is an object"), ('["A"]', "is an array")])
def test_a_key_is_a_plain_value(quotes, value, said):
    good = '{"ts": "2025-03-01T10:00:00Z", "sym": "A", "v": 1}\n'
    bad = f'{{"ts": "2025-03-01T10:00:00Z", "sym": {value}, "v": 1}}\n'
    done = quotes.run("upsert", TABLE, "-", stdin=good + bad)
    assert done.returncode == 3 and said in done.stderr and "part of the key" in done.stderr
    result = quotes.upsert(TABLE, good * 3000 + bad, "--quarantine")
    assert (result["inserted"], result["rejected"]) == (1, 1)
    [row] = quotes.rows("quarantine", "show", TABLE)
    assert (row["column"], row["line"]) == ("sym", 3001) and said in row["rule"]


def test_an_array_of_json_is_called_one(quotes):
    for text in ('[{"ts": "2025-03-01T10:00:00Z"}]', "[\n {}\n]\n"):
        done = quotes.run("upsert", TABLE, "-", stdin=text)
        assert done.returncode == 2 and "JSON array" in done.stderr and "jq" in done.stderr
    done = quotes.run("upsert", TABLE, "-", "--input-format", "ndjson", stdin="[{}]\n")
    assert done.returncode == 3 and "an array" in done.stderr


def test_without_the_option_one_bad_row_rejects_the_batch(quotes):
    done = quotes.run("upsert", TABLE, "-", stdin=csv(GOOD, BAD))
    assert done.returncode == 3
    assert quotes.version(TABLE) == 0 and files(quotes) == {}


def test_a_good_batch_leaves_no_quarantine(quotes):
    quotes.upsert(TABLE, csv(GOOD), "--quarantine")
    assert not (quotes.table(TABLE) / "_varve").exists()


@pytest.mark.parametrize("txn", [(), ("--app-id", "bot/1 é", "--app-version", "7")])
def test_a_replay_writes_the_same_file(quotes, txn):
    quotes.upsert(TABLE, csv(GOOD, BAD), "--quarantine", *txn)
    before = files(quotes)
    again = quotes.upsert(TABLE, csv(GOOD, BAD), "--quarantine", *txn)
    assert again["rows_written"] == 0
    assert len(before) == 1 and files(quotes) == before


def test_a_crash_before_the_commit_keeps_the_rows(quotes):
    txn = ("--app-id", "bot", "--app-version", "1")
    done = quotes.run("upsert", TABLE, "-", "--quarantine", *txn, stdin=csv(GOOD, BAD),
                      env={"VARVE_TEST_SEAMS": "crash=upsert.before_commit:1"})
    assert done.returncode < 0
    before = files(quotes)
    assert len(before) == 1 and values(quotes) == {}
    quotes.upsert(TABLE, csv(GOOD, BAD), "--quarantine", *txn)
    assert files(quotes) == before
    assert values(quotes) == {("2025-03-01T10:00:00", "A"): 1}


def test_a_batch_of_bad_rows_alone_writes_nothing(quotes):
    result = quotes.upsert(TABLE, csv(BAD), "--quarantine")
    assert (result["rejected"], result["rows_written"], result["version"]) == (1, 0, 0)
    assert len(files(quotes)) == 1 and quotes.version(TABLE) == 0


@pytest.mark.parametrize("verb", ["upsert", "append"])
def test_a_batch_of_bad_rows_alone_is_recorded_by_its_txn(quotes, verb):
    """Its replay is a no-op like that of any other, whatever was done with the rows since."""
    batch = (verb, TABLE, "-", "--quarantine", "--app-id", "bot", "--app-version", "1",
             *(["--allow-duplicates"] if verb == "append" else []))
    done = quotes.run(*batch, stdin=csv(BAD))
    assert "1 rejected; no row written; version 1 records the batch" in done.stderr
    assert quotes.version(TABLE) == 1 and len(files(quotes)) == 1
    quotes.ok("quarantine", "drop", TABLE, "--yes")
    drop_the_check(quotes)
    again = json.loads(quotes.ok(*batch, "--json", stdin=csv(BAD)))
    assert again["already_applied"] and values(quotes) == {} and files(quotes) == {}


def test_a_replay_of_rejected_rows_undoes_no_correction(quotes):
    txn = ("--quarantine", "--app-id", "bot", "--app-version", "1")
    quotes.upsert(TABLE, csv(BAD), *txn)
    drop_the_check(quotes)
    quotes.ok("quarantine", "release", TABLE)
    quotes.upsert(TABLE, csv("2025-03-01T10:01:00Z,A,5\n"))
    assert quotes.upsert(TABLE, csv(BAD), *txn)["already_applied"]
    assert values(quotes) == {("2025-03-01T10:01:00", "A"): 5}


def test_a_bad_row_never_shadows_a_good_one(quotes):
    older = "2025-03-01T10:00:00Z,A,3,2025-03-01T11:00:00Z\n"
    newer_but_bad = "2025-03-01T10:00:00Z,A,30,2025-03-01T12:00:00Z\n"
    quotes.upsert(TABLE, csv(older, newer_but_bad, header="ts,sym,v,seen"), "--quarantine")
    assert values(quotes) == {("2025-03-01T10:00:00", "A"): 3}


def test_release_after_the_rule_is_gone(quotes):
    quotes.upsert(TABLE, csv(GOOD, BAD), "--quarantine")
    drop_the_check(quotes)
    done = json.loads(quotes.ok("quarantine", "release", TABLE, "--json"))
    assert (done["inserted"], done["rejected"], done["batches_released"]) == (1, 0, 1)
    assert values(quotes)["2025-03-01T10:01:00", "A"] == 100
    assert files(quotes) == {}


def test_release_is_as_of_the_arrival(quotes):
    quotes.upsert(TABLE, csv(BAD), "--quarantine")
    [batch] = quotes.rows("quarantine", "list", TABLE)
    quotes.upsert(TABLE, csv("2025-03-01T10:01:00Z,A,5\n"))
    drop_the_check(quotes)
    done = json.loads(quotes.ok("quarantine", "release", TABLE, "--json"))
    assert (done["stale"], done["updated"]) == (1, 0)
    assert values(quotes)["2025-03-01T10:01:00", "A"] == 5
    quotes.upsert(TABLE, csv("2025-03-02T10:01:00Z,B,500\n"))
    assert batch["arrival"] < quotes.rows("scan", TABLE, "--where", "sym = 'B'")[0]["seen"]


def test_release_keeps_the_order_value_of_a_row(quotes):
    row = "2025-03-01T10:01:00Z,A,100,2025-03-01T12:00:00Z\n"
    quotes.upsert(TABLE, csv(row, header="ts,sym,v,seen"), "--quarantine")
    drop_the_check(quotes)
    quotes.ok("quarantine", "release", TABLE)
    [stored] = quotes.rows("scan", TABLE)
    assert stored["seen"].startswith("2025-03-01T12:00:00")


def test_rows_that_still_break_a_rule_stay(quotes):
    wrong_type = "2025-03-01T10:02:00Z,A,abc\n"
    quotes.upsert(TABLE, csv(BAD, wrong_type, GOOD), "--quarantine")
    drop_the_check(quotes)
    done = json.loads(quotes.ok("quarantine", "release", TABLE, "--json"))
    assert (done["inserted"], done["rejected"], done["batches_released"]) == (1, 1, 0)
    [row] = quotes.rows("quarantine", "show", TABLE)
    assert (row["row"], row["line"], row["value"]) == (2, 3, "abc")
    assert "0 of 1 row released" in quotes.run("quarantine", "release", TABLE).stderr


def test_a_naive_time_keeps_its_zone(quotes):
    quotes.upsert(TABLE, csv("2025-03-01T22:00:00,A,100\n"), "--quarantine", "--input-tz",
                  "America/New_York")
    drop_the_check(quotes)
    quotes.ok("quarantine", "release", TABLE)
    assert list(values(quotes)) == [("2025-03-02T03:00:00", "A")]


def test_what_no_column_takes_is_kept_and_nested_values_too(varve):
    varve.ok("create", TABLE, "--schema",
             "k int not null, v int, tags array<string>, pair struct<a:int,b:string>",
             "--key", "k", "--check", "v_small: v IS NULL OR v < 10")
    nested = {"k": 1, "v": 50, "tags": ["x", None, "é"], "pair": {"a": 1, "b": "\"q\""}}
    unknown = {"k": 2, "nothing": {"deep": [1]}}
    text = json.dumps(nested) + "\n" + json.dumps(unknown) + "\n"
    assert varve.upsert(TABLE, text, "--quarantine")["rejected"] == 2
    rows = varve.rows("quarantine", "show", TABLE)
    assert rows[1]["values"]["nothing"] == {"deep": [1]}
    drop_the_check(varve)
    done = json.loads(varve.ok("quarantine", "release", TABLE, "--json"))
    assert (done["inserted"], done["rejected"]) == (1, 1)
    [stored] = varve.rows("scan", TABLE)
    assert stored == nested


def test_several_files_are_one_batch(quotes, tmp_path):
    (tmp_path / "a.csv").write_text(csv(GOOD, BAD))
    (tmp_path / "b.csv").write_text(csv("2025-03-01T10:05:00Z,A,x\n"))
    quotes.ok("upsert", TABLE, tmp_path / "a.csv", tmp_path / "b.csv", "--quarantine")
    rows = quotes.rows("quarantine", "show", TABLE)
    assert [(row["row"], row["line"], row["source"].rsplit("/")[-1]) for row in rows] == [
        (2, 3, "a.csv"), (3, 2, "b.csv")]


def test_many_rejected_rows_are_all_kept(quotes):
    rows = [f"2025-03-01T10:{n // 60 % 60:02d}:{n % 60:02d}Z,S{n},{n}\n" for n in range(3000)]
    result = quotes.upsert(TABLE, csv(*rows), "--quarantine")
    assert (result["inserted"], result["rejected"]) == (10, 2990)
    assert len(quotes.rows("quarantine", "show", TABLE)) == 2990


def test_drop_asks_or_wants_a_word(quotes):
    quotes.upsert(TABLE, csv(BAD), "--quarantine")
    done = quotes.run("quarantine", "drop", TABLE)
    assert done.returncode == 2 and "--yes" in done.stderr
    assert len(files(quotes)) == 1
    done = quotes.run("quarantine", "drop", TABLE, "--yes")
    assert (done.stdout, done.stderr) == ("", f"{TABLE}: 1 row dropped from quarantine\n")
    assert files(quotes) == {}
    assert quotes.rows("quarantine", "list", TABLE) == []
    quotes.upsert(TABLE, csv(BAD), "--quarantine")
    done = quotes.run("quarantine", "drop", TABLE, "--yes", "--json")
    assert (json.loads(done.stdout), done.stderr) == ({"table": TABLE, "rows_dropped": 1}, "")


@pytest.mark.parametrize("name", ["nope", "../../_delta_log/0", "A", ""])
def test_a_batch_that_is_not_there(quotes, name):
    done = quotes.run("quarantine", "show", TABLE, name)
    assert done.returncode == (5 if name else 0), done.stderr


@pytest.mark.parametrize("text", ["", "nonsense\n", '{"varve.quarantine":2}\n',
                                  '{"varve.quarantine":1,"arrival":"2025-01-01T00:00:00Z"}\n{}\n'])
def test_a_damaged_file_is_named(quotes, text):
    quotes.upsert(TABLE, csv(BAD), "--quarantine")
    [name] = files(quotes)
    (quotes.table(TABLE) / "_varve" / "quarantine" / name).write_text(text)
    done = quotes.run("quarantine", "show", TABLE)
    assert done.returncode == 6
    assert name in done.stderr


def test_a_full_disk_writes_neither_quarantine_nor_rows(quotes):
    done = quotes.run("upsert", TABLE, "-", "--quarantine", stdin=csv(GOOD, BAD),
                      env={"VARVE_TEST_SEAMS": "fail=store.write:1"})
    assert done.returncode == 8, done.stderr
    assert files(quotes) == {} and quotes.version(TABLE) == 0


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize("many", [0, 30000])
def test_a_stray_quote_takes_its_line_alone(varve, tmp_path, end, many):
    """And no good row behind it; lines are told where they are."""
    varve.ok("create", "t", "--key", "k", "--schema", "k bigint not null, v string")
    lines = ["k,v", *(f"{n},\"a{end}b\"" for n in range(100, 100 + many)), "1,a", '2,"b', "3,c",
             "x,y", '4,"d', '5,"e"', '6,"""', "7,f", "8"]
    (tmp_path / "rows.csv").write_bytes(end.join(lines).encode())
    before = varve.run("upsert", "t", tmp_path / "rows.csv")
    assert before.returncode == 3 and "has a quote that is closed in line" in before.stderr
    done = json.loads(varve.ok("upsert", "t", tmp_path / "rows.csv", "--quarantine", "--json"))
    assert (done["rows_in"], done["inserted"], done["rejected"]) == (many + 9, many + 4, 5)
    assert [row["k"] for row in varve.rows("scan", "t", "--where", "k < 100")] == [1, 3, 5, 7]
    shown = varve.rows("quarantine", "show", "t")
    first = 3 + 2 * many
    assert [(row["row"] - many, row["line"], row["value"], row["rule"]) for row in shown] == [
        (2, first, '2,"b', f"has a quote that is closed in line {first + 3}, with text behind it"),
        (4, first + 2, "x", "does not fit type long"),
        (5, first + 3, '4,"d', f"has a quote that is closed in line {first + 4}, with text behind it"),
        (7, first + 5, '6,"""', "has a quote that is never closed"),
        (9, first + 7, "8", "has 1 field, the header has 2")]


@pytest.mark.parametrize("text", ["nonsense\n", "", '{"varve.quarantine":2,"arrival":"2025-03-01T10:00:00Z"}\nx\n'],
                         ids=["header", "empty", "row"])
def test_a_damaged_batch_hides_no_other(quotes, text):
    quotes.upsert(TABLE, csv(BAD), "--quarantine", "--app-id", "a", "--app-version", "1")
    quotes.upsert(TABLE, csv(BAD), "--quarantine", "--app-id", "b", "--app-version", "1")
    first, second = sorted(files(quotes))
    (quotes.table(TABLE) / "_varve" / "quarantine" / first).write_text(text)
    done = quotes.run("quarantine", "list", TABLE, "--format", "ndjson")
    assert done.returncode == 6 and f"1 of 2 batches in quarantine of {TABLE} can't be read" in done.stderr
    sound, damaged = map(json.loads, done.stdout.splitlines())
    assert sound["id"] == second[:-7] and sound["rows"] == 1 and "v_small" in sound["reason"]
    assert damaged["id"] == first[:-7] and damaged["rows"] is None and damaged["arrival"] is None
    assert f"{first} is none of a quarantine" in damaged["reason"]
    assert quotes.run("quarantine", "release", TABLE, first[:-7]).returncode == 6
    quotes.ok("quarantine", "show", TABLE, second[:-7])
    quotes.ok("alter", TABLE, "drop-constraint", "v_small")
    done = quotes.run("quarantine", "release", TABLE, "--json")
    assert done.returncode == 6 and f"1 batch in quarantine of {TABLE} can't be read and is not" in done.stderr
    assert f"batch {first[:-7]} stays in quarantine, it can't be read: " in done.stderr
    summary = json.loads(done.stdout)
    assert (summary["inserted"], summary["batches_released"], summary["batches_damaged"]) == (1, 1, 1)
    assert list(files(quotes)) == [first]
    quotes.ok("quarantine", "drop", TABLE, first[:-7], "--yes")
    assert files(quotes) == {}


def test_the_batches_of_all_tables(varve):
    for name in "cab":
        varve.ok("create", name, "--key", "k", "--schema", "k int not null")
    said = varve.run("quarantine", "list")
    assert said.returncode == 0 and "no table of the lake has anything in quarantine" in said.stderr
    for name, row in [("c", "x"), ("a", "y"), ("c", "z")]:
        varve.ok("upsert", name, "-", "--quarantine", "--input-format", "csv", stdin=f"k\n{row}\n")
    listed = varve.rows("quarantine", "list")
    assert list(listed[0]) == ["table", *varve.rows("quarantine", "list", "a")[0]]
    assert [row["table"] for row in listed] == ["a", "c", "c"]
    for name in "ac":
        of_table = [{key: row[key] for key in row if key != "table"} for row in listed if row["table"] == name]
        assert of_table == varve.rows("quarantine", "list", name)
    # A table that can't be read, and a damaged batch, hide no other.
    (varve.table("a") / "_delta_log" / f"{0:020}.json").write_text("nonsense\n")
    (varve.table("c") / "_varve" / "quarantine" / f"{listed[1]['id']}.ndjson").write_text("nonsense\n")
    done = varve.run("quarantine", "list", "--format", "ndjson")
    lost, sound, damaged = map(json.loads, done.stdout.splitlines())
    assert done.returncode == 6 and "2 of these can't be read" in done.stderr
    assert (lost["table"], lost["id"], lost["rows"]) == ("a", None, None) and lost["reason"]
    assert (sound["table"], sound["id"], sound["rows"]) == ("c", listed[2]["id"], 1)
    assert (damaged["table"], damaged["id"], damaged["rows"]) == ("c", listed[1]["id"], None)


@pytest.mark.parametrize("verb", ["show", "release", "drop"])
def test_only_the_list_is_of_all_tables(quotes, verb):
    quotes.upsert(TABLE, csv(BAD), "--quarantine")
    done = quotes.run("quarantine", verb, "--yes")
    assert done.returncode == 2 and f"quarantine {verb}: of which table?" in done.stderr
    assert len(files(quotes)) == 1


LONG = 300_000  # bytes of a line that is no row


@pytest.mark.parametrize("form, lines", [
    ("csv", ["k,v", "1,a", "2,b,{}", "3,c"]),
    ("ndjson", ['{"k":1,"v":"a"}', '{"k":2,"v":{}', '{"k":3,"v":"c"}']),
])
@pytest.mark.parametrize("verb", ["upsert", "ingest"])
def test_of_a_long_line_that_is_no_row_nothing_is_lost(varve, form, lines, verb):
    varve.ok("create", "t", "--schema", "k LONG, v STRING", "--key", "k")
    lines = [line.replace("{}", "é" * (LONG // 2) + " THE END") for line in lines]
    options = ["-", "--quarantine"] if verb == "upsert" else []
    varve.ok(verb, "t", *options, "--input-format", form, stdin="\n".join(lines) + "\n")
    kept = varve.rows("quarantine", "show", "t")
    assert [(row["column"], row["values"]) for row in kept] == [("varve.line", {"varve.line": lines[-2]})]
    assert [row["k"] for row in varve.rows("scan", "t")] == [1, 3]
