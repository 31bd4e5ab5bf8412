"""Many processes at once on one table: no key twice, no lost update, in any version."""

import datetime
import json
import os
import random
import subprocess

import pytest

TABLE = "quotes"
WRITERS = 8
BATCHES = 5
KEYS = 12


@pytest.fixture
def quotes(varve):
    varve.ok("create", TABLE, "--schema",
             "ts timestamp not null, sym string not null, value int, seen bigint not null, "
             "date date not null",
             "--partition-by", "date", "--key", "ts,sym", "--order-by", "seen")
    return varve


def key(chance):
    number = chance.randrange(KEYS)
    return f"2025-03-{1 + number % 3:02d}T10:00:00.000000Z", f"S{number}"


def make_batches(seed):
    """Batches of each writer. Order values are unique, so that who wins is never in doubt."""
    chance = random.Random(seed)
    order = list(range(1, WRITERS * BATCHES * 6 + 1))
    chance.shuffle(order)
    batches = []
    for writer in range(WRITERS):
        own = []
        for _ in range(BATCHES):
            own.append([(*key(chance), order[-1] * 10 + writer, order.pop()) for _ in range(6)])
        batches.append(own)
    return batches


def text(rows):
    lines = [f"{ts},{sym},{value},{seen}" for ts, sym, value, seen in rows]
    return "ts,sym,value,seen\n" + "\n".join(lines) + "\n"


WRITER = r"""
import json, subprocess, sys
program, lake, table, batches = sys.argv[1], sys.argv[2], sys.argv[3], json.load(sys.stdin)
for text in batches:
    done = subprocess.run([program, "--lake", lake, "upsert", table, "-", "--input-format", "csv",
                           "--json"], input=text, capture_output=True, text=True)
    print(json.dumps({"code": done.returncode, "out": done.stdout, "err": done.stderr}), flush=True)
"""


def start_writer(varve, texts):
    process = subprocess.Popen(["python3", "-c", WRITER, str(varve.program), str(varve.lake), TABLE],
                               stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    process.stdin.write(json.dumps(texts))
    process.stdin.close()
    return process


def finish(process):
    results = [json.loads(line) for line in process.stdout.read().splitlines()]
    process.wait(timeout=120)
    process.stdout.close()
    return results


def check_version(varve, version):
    rows = varve.rows("scan", TABLE, "--version", str(version))
    keys = [(row["ts"], row["sym"]) for row in rows]
    assert len(keys) == len(set(keys)), f"version {version} has a key twice"
    return {(row["ts"], row["sym"]): (row["seen"], row["value"]) for row in rows}


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(int(os.environ.get("VARVE_MULTI_SEEDS", "2"))))
def test_overlapping_keys(quotes, seed):
    batches = make_batches(seed)
    writers = [start_writer(quotes, [text(rows) for rows in own]) for own in batches]
    results = [finish(writer) for writer in writers]
    flat = [result for own in results for result in own]
    # CONFLICT is an answer, too: nothing was written then.
    assert all(result["code"] in (0, 4) for result in flat), [r["err"] for r in flat]
    assert sum(result["code"] == 0 for result in flat) >= len(flat) // 2

    expected = {}
    inserted = 0
    for own, answers in zip(batches, results):
        for rows, answer in zip(own, answers):
            if answer["code"] != 0:
                continue
            inserted += json.loads(answer["out"])["inserted"]
            for ts, sym, value, seen in rows:
                if seen > expected.get((ts, sym), (0, 0))[0]:
                    expected[ts, sym] = (seen, value)
    last = quotes.version(TABLE)
    previous = {}
    for version in range(1, last + 1):
        now = check_version(quotes, version)
        for place, (seen, _) in previous.items():
            assert now[place][0] >= seen, f"version {version} lost the update of {place}"
        previous = now
    assert previous == expected
    assert inserted == len(expected)


def test_disjoint_partitions_are_never_refused(quotes):
    writers = []
    for writer in range(WRITERS):
        day = datetime.date(2025, 5, 1) + datetime.timedelta(days=writer)
        texts = [text([(f"{day}T10:00:{number:02d}Z", "A", number, 1)]) for number in range(4)]
        writers.append(start_writer(quotes, texts))
    for writer in writers:
        for result in finish(writer):
            assert result["code"] == 0, result["err"]
            assert json.loads(result["out"])["inserted"] == 1
    rows = check_version(quotes, quotes.version(TABLE))
    assert len(rows) == WRITERS * 4


@pytest.mark.slow
def test_beside_a_foreign_appender(quotes):
    deltalake = pytest.importorskip("deltalake")
    pyarrow = pytest.importorskip("pyarrow")
    rows = [[(f"2025-06-01T10:00:{n:02d}Z", f"own{w}", n, 1) for n in range(10)] for w in range(3)]
    writers = [start_writer(quotes, [text([row]) for row in own]) for own in rows]
    stamp = datetime.datetime(2025, 6, 1, 12, tzinfo=datetime.timezone.utc)
    appended = 0
    for number in range(8):
        table = pyarrow.table({
            "ts": pyarrow.array([stamp + datetime.timedelta(seconds=number)],
                                pyarrow.timestamp("us", "UTC")),
            "sym": ["foreign"], "value": pyarrow.array([number], pyarrow.int32()),
            "seen": pyarrow.array([1], pyarrow.int64()),
            "date": pyarrow.array([stamp.date()], pyarrow.date32())})
        deltalake.write_deltalake(str(quotes.table(TABLE)), table, mode="append")
        appended += 1
    for writer in writers:
        assert all(result["code"] == 0 for result in finish(writer))
    now = check_version(quotes, quotes.version(TABLE))
    assert len(now) == 30 + appended


UPKEEP = (["optimize", TABLE, "--zorder", "sym"], ["checkpoint", TABLE], ["vacuum", TABLE, "--yes"],
          ["maintain", "--once"], ["optimize", TABLE])


def foreign_merge(deltalake, pyarrow, path, number):
    """Keys of its own, the half of them new each time; how often others were faster."""
    stamp = datetime.datetime(2025, 3, 1, 10, tzinfo=datetime.timezone.utc)
    source = pyarrow.table({
        "ts": pyarrow.array([stamp] * 2, pyarrow.timestamp("us", "UTC")),
        "sym": [f"F{number}", f"F{number + 1}"],
        "value": pyarrow.array([number] * 2, pyarrow.int32()),
        "seen": pyarrow.array([number] * 2, pyarrow.int64()),
        "date": pyarrow.array([stamp.date()] * 2, pyarrow.date32())})
    for lost in range(50):
        try:
            (deltalake.DeltaTable(path)
             .merge(source, "t.ts = s.ts AND t.sym = s.sym", source_alias="s", target_alias="t")
             .when_matched_update_all().when_not_matched_insert_all().execute())
            return lost
        except deltalake.exceptions.CommitFailedError:
            pass  # nothing was written
    raise AssertionError("a merge of deltalake lost fifty races")


@pytest.mark.slow
def test_beside_upkeep_and_merges_of_deltalake(quotes):
    """Each version is what some order of the writers' batches makes; who keeps the table up or
    merges keys of its own changes nothing of the others'."""
    deltalake = pytest.importorskip("deltalake")
    pyarrow = pytest.importorskip("pyarrow")
    batches = make_batches(7)[:4]
    writers = [start_writer(quotes, [text(rows) for rows in own]) for own in batches]
    for number in range(5):
        foreign_merge(deltalake, pyarrow, str(quotes.table(TABLE)), number)
        done = quotes.run(*UPKEEP[number])
        assert done.returncode in (0, 4), done.stderr
    results = [finish(writer) for writer in writers]
    applied = [dict() for _ in range(quotes.version(TABLE) + 1)]  # by version: what a batch wrote
    for own, answers in zip(batches, results):
        for rows, answer in zip(own, answers):
            assert answer["code"] in (0, 4), answer["err"]
            if answer["code"] == 0:
                result = json.loads(answer["out"])
                best = {}
                for ts, sym, value, seen in rows:
                    best[ts, sym] = max(best.get((ts, sym), (0, 0)), (seen, value))
                # One that changed nothing is of the version that it saw.
                applied[result["version"]] |= best if result["rows_written"] else {}
    expected = {}
    for version, written in enumerate(applied):
        for place, row in written.items():
            expected[place] = max(expected.get(place, (0, 0)), row)
        if version == 0:
            continue
        found = check_version(quotes, version)
        ours = {place: row for place, row in found.items() if not place[1].startswith("F")}
        assert ours == expected, f"version {version}"
    theirs = {place[1]: row for place, row in found.items() if place[1].startswith("F")}
    assert theirs == {f"F{key}": (min(key, 4),) * 2 for key in range(6)}
    quotes.ok("verify", TABLE, "--deep")
