"""merge: against a model of random merges, by what other engines read, and where it is refused."""

import collections
import concurrent.futures
import json
import random

import deltalake
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

MODES = {"copy": [], "mark": ["delta.enableDeletionVectors=true"],
         "feed": ["delta.enableChangeDataFeed=true"]}
ROUNDS = 6


def create(varve, mode, *more):
    varve.ok("create", "t", "--schema", "k int not null, g string, v int, st struct<a: int, b: int>",
             "--partition-by", "g", *more,
             *(part for text in MODES[mode] for part in ("--property", text)))


def merge(varve, text, on, *clauses, **options):
    """Clauses: "matched: delete", "not-matched: insert *", "not-matched-by-source: delete"."""
    parts = [(kind, clause) for kind, clause in (text.split(": ", 1) for text in clauses)]
    return varve.run("merge", "t", "--source", "-", "--on", on, "--json",
                     *(part for kind, clause in parts for part in (f"--when-{kind}", clause)),
                     *options.get("more", []), stdin=text)


def merged(*arguments, **options):
    done = merge(*arguments, **options)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def newest(varve):
    return varve.rows("history", "t", "--limit", "1")[0]


def bag(rows):
    return collections.Counter(json.dumps([row[name] for name in ("k", "g", "v", "st")])
                               for row in rows)


def theirs(varve):
    builder = deltalake.QueryBuilder().register("t", deltalake.DeltaTable(str(varve.table("t"))))
    return pa.table(builder.execute("SELECT k, g, v, st FROM t").read_all()).to_pylist()


def check(varve, expected):
    assert bag(varve.rows("scan", "t")) == bag(expected)
    assert bag(theirs(varve)) == bag(expected)


def check_changes(varve, version):
    """What `changes` says leads from the version before to this one."""
    now = bag(varve.rows("scan", "t", "--version", str(version - 1)))
    for row in varve.rows("changes", "t", "--from", str(version), "--to", str(version)):
        comes = row["_change_type"] in ("insert", "update_postimage")
        now[json.dumps([row[name] for name in ("k", "g", "v", "st")])] += 1 if comes else -1
    assert +now == bag(varve.rows("scan", "t", "--version", str(version))) and not -now


# ---- The model -------------------------------------------------------------------------------

def above(value, limit):
    return value is not None and value > limit


ONS = [("t.k = s.k", lambda t, s: t["k"] == s["k"]),
       ("s.k = t.k and t.g = s.g", lambda t, s: t["k"] == s["k"] and t["g"] == s["g"]),
       ("t.k = s.k and t.g = 'a'", lambda t, s: t["k"] == s["k"] and t["g"] == "a"),
       ("t.k = s.k and flag", lambda t, s: t["k"] == s["k"] and s["flag"]),
       ("t.k + 1 = s.k", lambda t, s: t["k"] + 1 == s["k"]),
       ("t.v = s.v", lambda t, s: t["v"] is not None and t["v"] == s["v"])]
CONDITIONS = {
    "matched": [("s.flag", lambda t, s: s["flag"]), ("t.v > 5", lambda t, s: above(t["v"], 5)),
                ("t.v > s.v", lambda t, s: s["v"] is not None and above(t["v"], s["v"]))],
    "not-matched": [("flag", lambda t, s: s["flag"]), ("s.v > 4", lambda t, s: above(s["v"], 4))],
    "not-matched-by-source": [("t.g = 'b'", lambda t, s: t["g"] == "b"),
                              ("v > 6", lambda t, s: above(t["v"], 6))]}
ACTIONS = {
    "matched": [
        ("delete", None),
        ("update *", lambda t, s: {**t, "k": s["k"], "g": s["g"], "v": s["v"]}),
        ("update set v = s.v, g = upper(s.g)",
         lambda t, s: {**t, "v": s["v"], "g": s["g"] and s["g"].upper()}),
        ("update set st = {'a': s.k, 'b': NULL}",
         lambda t, s: {**t, "st": {"a": s["k"], "b": None}}),
        ("update set v = NULL, st = NULL", lambda t, s: {**t, "v": None, "st": None})],
    "not-matched": [
        ("insert *", lambda t, s: {"k": s["k"], "g": s["g"], "v": s["v"], "st": None}),
        ("insert (k, v) values (s.k + 100, coalesce(s.v, 0) + 1)",
         lambda t, s: {"k": s["k"] + 100, "g": None, "v": (s["v"] or 0) + 1, "st": None})],
    "not-matched-by-source": [
        ("delete", None),
        ("update set v = coalesce(v, 0) - 1", lambda t, s: {**t, "v": (t["v"] or 0) - 1})]}


def random_clauses(rng):
    """Of each kind some, the last one maybe for all: (kind, SQL, condition, action)."""
    clauses = []
    for kind, most in (("matched", 2), ("not-matched", 2), ("not-matched-by-source", 2)):
        count = rng.choice([0, *range(1, most + 1)])
        for number in range(count):
            words, action = rng.choice(ACTIONS[kind])
            when = ("", lambda t, s: True)
            if number < count - 1 or rng.random() < 0.5:
                when = rng.choice(CONDITIONS[kind])
                words = f"and {when[0]} {rng.choice(['', 'then '])}{words}"
            clauses.append((kind, words, when[1], action))
    return clauses or [("matched", "delete", lambda t, s: True, None)]


def take(clauses, kind, t, s):
    """The first clause of the kind whose condition is true."""
    return next((clause for clause in clauses if clause[0] == kind and clause[2](t, s)), None)


def model(rows, source, on, clauses):
    """The rows afterwards and the counts; None: some row is in doubt."""
    counts = collections.Counter()
    after, matched = [], set()
    for t in rows:
        partners = [i for i, s in enumerate(source) if on(t, s)]
        matched.update(partners)
        if partners:
            pairs = [(take(clauses, "matched", t, source[i]), source[i]) for i in partners]
            pairs = [pair for pair in pairs if pair[0]]
        else:
            pairs = [(clause, None) for clause in
                     [take(clauses, "not-matched-by-source", t, None)] if clause]
        if len(pairs) > 1 and any(clause[3] for clause, _ in pairs):
            return None
        if not pairs:
            after.append(t)
        elif pairs[0][0][3] is None:
            counts["deleted"] += 1
        else:
            counts["updated"] += 1
            after.append(pairs[0][0][3](t, pairs[0][1]))
    for i, s in enumerate(source):
        clause = take(clauses, "not-matched", None, s) if i not in matched else None
        if clause:
            counts["inserted"] += 1
            after.append(clause[3](None, s))
    return after, counts


def random_row(rng):
    return {"k": rng.randrange(20), "g": rng.choice("abcd"), "v": rng.choice([None, *range(9)])}


def as_text(form, source):
    if form == "ndjson":
        return "".join(json.dumps(row) + "\n" for row in source)
    return "k,g,v,flag\n" + "".join(
        f"{s['k']},{s['g']},{'' if s['v'] is None else s['v']},{str(s['flag']).lower()}\n"
        for s in source)


@pytest.mark.slow
@pytest.mark.parametrize("mode", MODES)
def test_random_merges_are_those_of_the_model(varve, mode):
    rng = random.Random(f"merge {mode}")
    create(varve, mode)
    rows = [{**random_row(rng), "st": None} for _ in range(12)] + [
        {"k": 30, "g": "e", "v": None, "st": {"a": 1, "b": None}}]
    varve.ok("append", "t", "-", "--input-format", "ndjson",
             stdin="".join(json.dumps(row) + "\n" for row in rows))
    version, outcomes = 1, collections.Counter()
    for _ in range(ROUNDS):
        source = [{**random_row(rng), "flag": rng.random() < 0.4}
                  for _ in range(rng.choice([1, 3, 6, 9]))]
        on, clauses = rng.choice(ONS), random_clauses(rng)
        what = f"{on[0]} {[clause[:2] for clause in clauses]} {source} {rows}"
        expected = model(rows, source, on[1], clauses)
        form = rng.choice(["csv", "ndjson"])
        done = merge(varve, as_text(form, source), on[0],
                     *(f"{clause[0]}: {clause[1]}" for clause in clauses),
                     more=["--input-format", form])
        if expected is None:
            assert done.returncode == 3 and "in doubt" in done.stderr, what + done.stderr
            outcomes["doubt"] += 1
            continue
        assert done.returncode == 0, what + done.stderr
        rows, counts = expected
        result = json.loads(done.stdout)
        for name in ("inserted", "updated", "deleted"):
            assert result[name] == counts[name], what
        assert result["rows_in"] == len(source)
        assert result["version"] == version + (1 if counts.total() else 0), what
        if counts.total():
            check(varve, rows)
            check_changes(varve, result["version"])
            outcomes["done"] += 1
        version = result["version"]
    assert outcomes["done"] >= ROUNDS // 2, outcomes


# ---- What it says, reads and refuses ------------------------------------------------------------

@pytest.fixture
def table(varve):
    """Three partitions of four rows; k is the key, o the order."""
    varve.ok("create", "t", "--schema", "k int not null, g string, v int, o bigint",
             "--partition-by", "g", "--key", "k", "--order-by", "o", "--check", "small: v < 1000")
    varve.upsert("t", "k,g,v,o\n" + "".join(f"{k},{'abc'[k // 4]},{k},1\n" for k in range(12)))
    return varve


def test_the_history_has_the_names_and_figures_of_spark(table):
    result = merged(table, "k,v,gone\n0,50,\n1,60,true\n77,7,\n", "t.k = s.k",
                    "matched: and s.gone delete", "matched: update set v = s.v",
                    "not-matched: insert (k, g, v) values (s.k, 'z', s.v)",
                    "not-matched-by-source: and t.k = 11 delete",
                    "not-matched-by-source: and t.k = 10 update set v = -1",
                    more=["--message", "by hand"])
    assert [result[name] for name in ("inserted", "updated", "deleted", "copied")] == [1, 2, 2, 4]
    entry = newest(table)
    assert entry["operation"] == "MERGE" and entry["userMetadata"] == "by hand"
    parameters = {name: json.loads(text) for name, text in entry["operationParameters"].items()}
    assert parameters == {
        "predicate": ["t.k = s.k"],
        "matchedPredicates": [{"predicate": "s.gone", "actionType": "delete"},
                              {"actionType": "update"}],
        "notMatchedPredicates": [{"actionType": "insert"}],
        "notMatchedBySourcePredicates": [{"predicate": "t.k = 11", "actionType": "delete"},
                                         {"predicate": "t.k = 10", "actionType": "update"}]}
    metrics = entry["operationMetrics"]
    expected = {"numSourceRows": 3, "numTargetRowsInserted": 1, "numTargetRowsUpdated": 2,
                "numTargetRowsMatchedUpdated": 1, "numTargetRowsNotMatchedBySourceUpdated": 1,
                "numTargetRowsDeleted": 2, "numTargetRowsMatchedDeleted": 1,
                "numTargetRowsNotMatchedBySourceDeleted": 1, "numTargetRowsCopied": 4,
                "numOutputRows": 7, "numTargetFilesRemoved": 2, "numTargetFilesAdded": 3}
    assert {name: metrics[name] for name in expected} == {
        name: str(value) for name, value in expected.items()}
    # The order column is stamped where nobody sets it, so that the new row is newer.
    orders = {row["k"]: row["o"] for row in table.rows("scan", "t")}
    assert orders[0] == 2 and orders[2] == 1 and orders[77] > 10**15


def test_only_files_that_can_hold_a_match_are_read(table):
    for path in table.table("t").glob("g=[bc]/*.parquet"):
        path.write_bytes(b"not to be read")
    merged(table, "k,v\n1,50\n2,60\n", "t.k = s.k", "matched: update *")
    merged(table, "k,v\n100,1\n", "t.k = s.k and t.g = 'a'", "matched: delete")
    # More values than are told one by one: their bounds.
    text = "k,v\n" + "".join(f"{k},1\n" for k in range(-200, 4))
    assert merged(table, text, "s.k = t.k", "matched: update set v = s.v")["updated"] == 4
    assert merged(table, "k,v\n", "s.k = t.k", "matched: delete")["deleted"] == 0
    done = merge(table, "k,v\n100,1\n", "t.k = s.k", "not-matched-by-source: delete")
    assert done.returncode != 0


AMBIGUOUS = "k,v,x\n1,10,1\n1,20,2\n5,30,1\n5,40,2\n7,1,1\n"


def test_several_rows_for_one_are_refused_by_name(table):
    done = merge(table, AMBIGUOUS, "t.k = s.k", "matched: update *")
    assert done.returncode == 3 and table.version("t") == 1
    for words in ("2 rows", "k = 1", "source rows 1, 2", "k = 5", "source rows 3, 4"):
        assert words in done.stderr
    assert "k = 7" not in done.stderr
    # A condition that leaves one of them says which one counts; what deletes, deletes once.
    result = merged(table, AMBIGUOUS, "t.k = s.k", "matched: and s.x = 2 update set v = s.v")
    assert result["updated"] == 2
    assert {row["k"]: row["v"] for row in table.rows("scan", "t")}[5] == 40
    result = merged(table, AMBIGUOUS, "t.k = s.k", "matched: delete")
    assert result["deleted"] == 3
    done = merge(table, "k,v\n3,1\n3,2\n", "t.k = s.k", "matched: and s.v = 1 delete",
                 "matched: update *")
    assert done.returncode == 3 and "k = 3" in done.stderr


REFUSED = [
    ("t.k = s.zz", ["matched: delete"], 2, "zz"),
    ("t.k = ", ["matched: delete"], 2, "syntax error"),
    ("k = 1", ["matched: delete"], 2, "Ambiguous"),
    ("t.k = (select 1 from u)", ["matched: delete"], 2, "only columns"),
    ("t.k = s.k", ["matched: update set nope = 1"], 2, "no column nope"),
    ("t.k = s.k", ["matched: update set v = 1, t.v = 2"], 2, "set twice"),
    ("t.k = s.k", ["matched: update set v"], 2, "COLUMN = VALUE"),
    ("t.k = s.k", ["matched: update set v = sum(s.v)"], 2, "the value of v"),
    ("t.k = s.k", ["matched: insert *"], 2, "updated or deleted only"),
    ("t.k = s.k", ["not-matched: delete"], 2, "inserted only"),
    ("t.k = s.k", ["not-matched: insert (k, v) values (s.k)"], 2, "more columns"),
    ("t.k = s.k", ["not-matched: insert (k) values (s.k, s.v)"], 2, "more values"),
    ("t.k = s.k", ["not-matched: insert (k) values (t.k)"], 2, "the value of k"),
    ("t.k = s.k", ["not-matched: insert (v) values (s.v)"], 3, "key"),
    ("t.k = s.k", ["not-matched-by-source: update *"], 2, "what to set"),
    ("t.k = s.k", ["not-matched-by-source: and s.v = 1 delete"], 2, 'condition "s.v = 1"'),
    ("t.k = s.k", ["matched: delete", "matched: update *"], 2, "no row comes here"),
    ("t.k = s.k", ["matched: and delete"], 2, "no condition"),
    ("t.k = s.k", ["matched: drop"], 2, "what is to be done"),
    ("t.k = s.k", ["matched: update set v = 5000"], 3, "small"),
    ("t.k = s.k", ["matched: update set v = 'x'"], 3, "v = x"),
    ("t.k = s.k", ["matched: update set k = 4"], 3, "k = 4"),
    ("t.k = s.k and false", ["not-matched: insert *"], 3, "k = 1 is there already"),
    ("t.k = s.k", [], 2, "what is to be done"),
]


def test_what_is_wrong_changes_nothing(table):
    for on, clauses, code, words in REFUSED:
        done = merge(table, "k,v\n1,1\n2,2\n99,1\n", on, *clauses)
        assert done.returncode == code, (on, clauses, done.stderr)
        assert words in done.stderr, (on, clauses, done.stderr)
    for arguments in (["--on", "true"], ["--source", "-"]):
        done = table.run("merge", "t", *arguments, "--when-matched", "delete", stdin="k\n1\n")
        assert done.returncode == 2
    done = merge(table, "k,v\nx,1\n", "t.k = s.k", "matched: delete")
    assert done.returncode == 3 and "k = 'x'" in done.stderr
    assert table.version("t") == 1 and len(list(table.table("t").rglob("*.parquet"))) == 3


def test_a_dry_run_writes_nothing_and_a_txn_is_applied_once(table):
    arguments = ("k,v\n1,5\n", "t.k = s.k", "matched: update *")
    result = merged(table, *arguments, more=["--dry-run"])
    assert (result["updated"], result["version"]) == (1, 1) and table.version("t") == 1
    assert len(list(table.table("t").rglob("*.parquet"))) == 3
    txn = ["--app-id", "load", "--app-version", "1"]
    assert merged(table, *arguments, more=txn)["version"] == 2
    assert merged(table, *arguments, more=txn)["already_applied"]
    table.ok("alter", "t", "set", "delta.appendOnly=true")
    done = merge(table, *arguments)
    assert done.returncode == 2 and "append-only" in done.stderr


def test_merges_at_the_same_time_lose_nothing(table):
    """Each counts one up: one that was beaten sees what the other made of the row."""
    arguments = ["merge", "t", "--source", "-", "--on", "t.k = s.k", "--when-matched",
                 "update set v = t.v + s.v", "--when-not-matched", "insert (k, v) values (s.k, s.v)"]
    for text, expected in (("k,v\n500,1\n", {500: 6}), ("k,v\n5,1\n500,1\n", {5: 11, 500: 12})):
        with concurrent.futures.ThreadPoolExecutor(4) as pool:
            done = list(pool.map(lambda _, text=text: table.run(*arguments, stdin=text), range(6)))
        assert not any(process.returncode for process in done), [each.stderr for each in done]
        values = [(row["k"], row["v"]) for row in table.rows("scan", "t")]
        assert [(k, v) for k, v in sorted(values) if k in expected] == sorted(expected.items())
    assert table.version("t") == 13


def test_words_of_clauses_may_be_names_and_texts(varve, tmp_path):
    """Conditions and values hold commas, keywords and quotes; the source is a Parquet file."""
    varve.ok("create", "t", "--schema", "k int, set string, \"insert\" string")
    varve.ok("append", "t", "-", stdin="k,set,insert\n1,x,y\n2,x,y\n3,x,y\n")
    path = tmp_path / "source.parquet"
    pq.write_table(pa.table({"k": pa.array([1, 2, 9], pa.int32()), "delete": ["update *", "b", "c"],
                             "then": [True, False, True]}), path)
    result = json.loads(varve.ok(
        "merge", "t", "--source", path, "--on", "t.k = s.k", "--json",
        "--when-matched", "and s.delete = 'update *' AND s.\"then\" THEN UPDATE SET "
                          "\"set\" = concat('a, b = ', s.delete), t.\"insert\" = 'it''s'",
        "--when-matched", "delete",
        "--when-not-matched", "insert (k, \"insert\") values (least(s.k, 5), 'values (1, 2)')"))
    assert [result[name] for name in ("inserted", "updated", "deleted")] == [1, 1, 1]
    rows = {row["k"]: (row["set"], row["insert"]) for row in varve.rows("scan", "t")}
    assert rows == {1: ("a, b = update *", "it's"), 3: ("x", "y"), 5: (None, "values (1, 2)")}


def test_now_is_one_time_in_all_clauses(varve):
    varve.ok("create", "t", "--schema", "k int not null, ts timestamp")
    varve.ok("append", "t", "-", stdin='{"k":1,"ts":"2024-01-01T00:00:00Z"}\n'
             '{"k":3,"ts":"2024-01-01T00:00:00Z"}\n')
    merged(varve, '{"k":1}\n{"k":2}\n', "t.k = s.k", "matched: update set ts = now()",
           "not-matched: insert (k, ts) values (s.k, now())",
           "not-matched-by-source: update set ts = current_timestamp")
    rows = varve.rows("scan", "t")
    assert len(rows) == 3 and len({row["ts"] for row in rows}) == 1, rows


@pytest.mark.parametrize("lines", [1, 3000])
def test_a_null_in_every_line_is_what_a_star_sets(varve, lines):
    """As in CSV, whose header has the column; what no line names stays as it is."""
    varve.ok("create", "t", "--schema", "k int not null, g string, v int, d int default 7")
    varve.ok("append", "t", "-", stdin="k,g,v,d\n1,a,1,1\n")
    rows = "".join(f'{{"k":{k},"g":null,"d":null}}\n' for k in range(1, lines + 1))
    done = varve.run("merge", "t", "--source", "-", "--input-format", "ndjson", "--on", "t.k = s.k",
                     "--when-matched", "update *", "--when-not-matched", "insert *", stdin=rows)
    assert done.returncode == 0, done.stderr
    scanned = varve.rows("scan", "t")
    assert {"k": 1, "g": None, "v": 1, "d": None} in scanned and len(scanned) == lines
    assert {(row["g"], row["v"], row["d"]) for row in scanned if row["k"] > 1} <= {(None, None, None)}
