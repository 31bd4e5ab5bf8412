"""Who can read and write a table, by `varve doctor`, and by those who are said to."""

import json
import os
import pathlib
import re
import shutil
import subprocess

import deltalake
import polars as pl
import pyarrow as pa
import pytest
import state
from deltalake import DeltaTable, write_deltalake

ROOT = pathlib.Path(__file__).resolve().parents[2]
SOURCE = (ROOT / "src" / "table" / "audit" / "peers.c").read_text()
FACT = re.compile(r'^    \{"([A-Za-z0-9-]+)", (\d+), "(\w\w)", "(\w\w)", "(\w\w)", "(\w\w)"\},$', re.M)
FACTS = {fact[0]: fact[1:] for fact in FACT.findall(SOURCE)}
READER = {"columnMapping", "deletionVectors", "timestampNtz", "v2Checkpoint", "vacuumProtocolCheck",
          "typeWidening", "typeWidening-preview", "variantType", "variantType-preview",
          "variantShredding", "variantShredding-preview"}
WORDS = {"y": "yes", "p": "partly", "n": "no"}


def doctor(varve, table, *options):
    return json.loads(varve.ok("doctor", table, "--json", *options))


def engine(report, name):
    (found,) = [one for one in report["engines"] if one["engine"] == name]
    return found


def check(report, name):
    (found,) = [one for one in report["health"] if one["check"] == name]
    return found


def edit_first_commit(path, change):
    commit = path / "_delta_log" / f"{0:020}.json"
    lines = [change(json.loads(line)) for line in commit.read_text().splitlines()]
    commit.write_text("".join(json.dumps(line) + "\n" for line in lines))


def listed(path, features, reader, writer):
    """A table of two rows whose protocol lists features, which nothing in it uses."""
    def change(line):
        if "protocol" in line:
            line["protocol"] = {"minReaderVersion": reader, "minWriterVersion": writer}
            if writer == 7:
                line["protocol"]["writerFeatures"] = features
            if reader == 3:
                line["protocol"]["readerFeatures"] = [one for one in features if one in READER]
        if "inCommitTimestamp" in features and "commitInfo" in line:
            line["commitInfo"]["inCommitTimestamp"] = 1700000000000
        return line

    write_deltalake(path, pa.table({"a": pa.array([1, 2], pa.int64())}))
    edit_first_commit(path, change)
    return path


def works(call):
    try:
        call()
        return True
    except Exception:  # noqa: BLE001: each has refusals of its own
        return False


def test_the_manual_has_the_facts_of_the_source():
    rows = [[cell.strip() for cell in line.strip("|").split("|")]
            for line in (ROOT / "docs" / "engines.md").read_text().splitlines()
            if line.startswith("| `")]
    told = {row[0].strip("`"): row[1:] for row in rows}
    assert len(FACTS) > 20 and list(told) == list(FACTS)
    for feature, (release, *letters) in FACTS.items():
        since = "any" if release == "0" else f"{int(release) // 100}.{int(release) % 100}"
        assert told[feature] == [since] + [f"{WORDS[a]}, {WORDS[b]}" for a, b in letters], feature


LEGACY = [([], 1, writer) for writer in range(1, 7)] + [([], 2, 5), ([], 2, 6)]
LISTS = [([one], 3 if one in READER else 1, 7) for one in FACTS] + [
    (["deletionVectors", "inCommitTimestamp"], 3, 7), (["somethingNew"], 1, 7)]


@pytest.mark.skipif(not deltalake.__version__.startswith("1.6."),
                    reason="the facts are of another deltalake than this one")
@pytest.mark.parametrize("features, reader, writer", LEGACY + LISTS,
                         ids=lambda value: "+".join(value) if isinstance(value, list) else None)
def test_deltalake_and_polars_do_what_is_said_of_them(varve, tmp_path, features, reader, writer):
    path = listed(tmp_path / "t", features, reader, writer)
    report = doctor(varve, path)
    ours, theirs = engine(report, "delta-rs"), engine(report, "polars")
    text = str(path)
    asked = deltalake.QueryBuilder().register
    reads_all = works(lambda: DeltaTable(text).to_pyarrow_table())
    reads = reads_all or works(lambda: pa.table(
        asked("t", DeltaTable(text)).execute("SELECT * FROM t").read_all()))
    # By the legacy version 2 alone nothing is mapped yet, and all of it reads such a table.
    if (reader, writer) not in ((2, 5), (2, 6)):
        assert ours["read"] == ("yes" if reads_all else "partly" if reads else "no")
    assert theirs["read"] == ("yes" if works(lambda: pl.read_delta(text)) else "no")
    writes = works(lambda: write_deltalake(text, pa.table({"a": pa.array([3], pa.int64())}),
                                           mode="append"))
    assert ours["write"] == theirs["write"] == ("yes" if writes else "no")
    assert ours["together"] == writes
    assert [one["name"] for one in report["features"]][:len(features)] == features
    if not writes and features:
        assert set(ours["write_note"].split(", ")) <= set(features)


def test_spark_is_told_by_the_release_that_it_takes(varve, tmp_path):
    path = listed(tmp_path / "t", ["deletionVectors", "inCommitTimestamp"], 3, 7)
    spark = engine(doctor(varve, path), "Spark")
    assert spark["read_note"] == "from Delta 2.3 on" and spark["read"] == "yes"
    assert spark["write_note"] == "from Delta 3.3 on" and spark["write"] == "yes"
    assert not spark["together"] and "LogStore" in spark["together_note"]


def test_a_feature_that_is_listed_is_told_from_one_that_is_used(varve):
    varve.ok("create", "t", "--schema", "a bigint not null, b string", "--key", "a",
             "--check", "small: a < 1000", "--property", "delta.enableDeletionVectors=true")
    uses = {one["name"]: (one["in_use"], one["reader"])
            for one in doctor(varve, "t")["features"]}
    assert uses["checkConstraints"] == (True, False)
    assert uses["deletionVectors"] == (True, True)
    assert uses["appendOnly"] == (False, False)


def test_what_an_upgrade_costs(market):
    upgrades = {one["feature"]: one for one in doctor(market, "signals")["upgrades"]}
    assert upgrades["inCommitTimestamp"]["writers_lost"] == ["delta-rs", "polars"]
    assert upgrades["inCommitTimestamp"]["readers_lost"] == []
    assert upgrades["inCommitTimestamp"]["delta_to_write"] == "3.3"
    assert upgrades["columnMapping"]["readers_lost"] == ["delta-rs", "polars"]
    assert upgrades["deletionVectors"]["readers_lost"] == ["delta-rs"]
    market.ok("alter", "signals", "upgrade", "inCommitTimestamp", "--upgrade")
    after = doctor(market, "signals")
    assert "inCommitTimestamp" not in [one["feature"] for one in after["upgrades"]]
    assert engine(after, "delta-rs")["write_note"] == "inCommitTimestamp"


# ---- Health -------------------------------------------------------------------------------------

def three_commits(path):
    for value in range(3):
        write_deltalake(path, pa.table({"a": [value]}), mode="append")
    return sorted((path / "_delta_log").glob("*.json"))


def said_ms(commit):
    (info,) = [json.loads(line)["commitInfo"] for line in commit.read_text().splitlines()
               if "commitInfo" in line]
    return info["timestamp"]


def test_times_that_a_copy_changed_are_found_and_set_right(varve, tmp_path):
    commits = three_commits(tmp_path / "t")
    right = doctor(varve, tmp_path / "t")
    assert check(right, "commit_times")["good"] and right["ailments"] == 0
    day_ms = 86_400_000
    for number, commit in enumerate(commits):  # as if they had been made days ago, and copied
        lines = [json.loads(line) for line in commit.read_text().splitlines()]
        for line in lines:
            if "commitInfo" in line:
                line["commitInfo"]["timestamp"] -= (10 - number) * day_ms
        commit.write_text("".join(json.dumps(line) + "\n" for line in lines))
    found = check(doctor(varve, tmp_path / "t"), "commit_times")
    assert (found["good"], found["count"]) == (False, 3) and "--fix-times" in found["advice"]
    before = [commit.read_bytes() for commit in commits]
    assert doctor(varve, tmp_path / "t", "--fix-times")["times_fixed"] == 3
    assert [round(commit.stat().st_mtime * 1000) for commit in commits] == list(map(said_ms, commits))
    assert [commit.read_bytes() for commit in commits] == before
    again = doctor(varve, tmp_path / "t", "--fix-times")
    assert again["times_fixed"] == 0 and check(again, "commit_times")["good"]
    assert varve.rows("scan", tmp_path / "t", "--timestamp", "-228h") == [{"a": 0}]


def test_times_out_of_order_are_made_to_rise(varve, tmp_path):
    commits = three_commits(tmp_path / "t")
    first = commits[0].stat().st_mtime_ns
    os.utime(commits[1], ns=(first - 10**9, first - 10**9))
    assert check(doctor(varve, tmp_path / "t"), "commit_times")["count"] == 1
    assert doctor(varve, tmp_path / "t", "--fix-times")["times_fixed"] >= 1
    times = [commit.stat().st_mtime_ns for commit in commits]
    assert times == sorted(times) and len(set(times)) == 3


@pytest.mark.parametrize("number, said", [(1, 4_102_444_800_000), (2, 4_102_444_800_000), (1, 7)])
def test_a_clock_that_was_wrong_makes_no_time_wrong(varve, tmp_path, number, said):
    commits = three_commits(tmp_path / "t")
    times = [commit.stat().st_mtime_ns for commit in commits]
    commits[number].write_text(commits[number].read_text().replace(
        f'"timestamp":{said_ms(commits[number])}', f'"timestamp":{said}'))
    assert said_ms(commits[number]) == said
    os.utime(commits[number], ns=(times[number], times[number]))
    report = doctor(varve, tmp_path / "t", "--fix-times")
    assert report["times_fixed"] == 0 and check(report, "commit_times")["good"]
    os.utime(commits[number], ns=(said * 10**6, said * 10**6))  # as an earlier doctor did
    doctor(varve, tmp_path / "t", "--fix-times")
    after = [commit.stat().st_mtime_ns // 10**6 for commit in commits]
    assert after == sorted(after) and check(doctor(varve, tmp_path / "t"), "commit_times")["good"]
    assert number == 2 or abs(after[2] * 10**6 - times[2]) < 10**9


def test_a_damaged_checkpoint_is_an_ailment_until_there_is_another(varve):
    varve.ok("create", "t", "--schema", "a bigint not null", "--key", "a")
    for number in range(3):
        varve.upsert("t", f"a\n{number}\n")
    varve.ok("checkpoint", "t")
    (path,) = (varve.table("t") / "_delta_log").glob("*.checkpoint*.parquet")
    content = bytearray(path.read_bytes())
    content[len(content) // 3] ^= 1
    path.write_bytes(content)
    found = check(doctor(varve, "t"), "checkpoint")
    assert (found["good"], found["advice"]) == (False, "varve checkpoint t")
    assert "checkpoint of version 3 is damaged" in found["message"] and path.name in found["message"]
    assert varve.run("verify", "t").returncode == 10
    varve.ok("checkpoint", "t")
    assert check(doctor(varve, "t"), "checkpoint")["good"]
    varve.ok("verify", "t")


@pytest.mark.slow
@pytest.mark.parametrize("size", ["0", "soon", "-5mb", "100mb"])
def test_doctor_and_optimize_know_one_target_size(varve, size):
    varve.ok("create", "t", "--schema", "a bigint not null", "--key", "a",
             "--property", "delta.checkpointInterval=1000")
    for number in range(12):
        varve.upsert("t", f"a\n{number}\n")

    def edit(line):
        if "metaData" in line:
            line["metaData"]["configuration"]["delta.targetFileSize"] = size
        return line
    edit_first_commit(varve.table("t"), edit)
    assert check(doctor(varve, "t"), "small_files")["count"] == 11
    varve.ok("optimize", "t")
    assert len(varve.rows("files", "t")) == 1


def test_what_ails_a_table_is_counted_and_told(varve):
    varve.ok("create", "t", "--schema", "a bigint not null, b string", "--key", "a",
             "--property", "delta.checkpointInterval=1000")
    for number in range(12):
        varve.upsert("t", f"a,b\n{number},x\n")
    left = varve.table("t") / "_delta_log" / "_commit_01234567.json.tmp"
    left.write_text("{}")
    os.utime(left, (1, 1))
    path = str(varve.table("t"))
    write_deltalake(path, pa.table({"a": pa.array([3], pa.int64()), "b": ["doubled"]}),
                    mode="append")
    report = doctor(varve, "t", "--keys")
    assert check(report, "small_files") == {
        "check": "small_files", "good": False, "count": 12, "advice": "varve optimize t",
        "message": "13 files, 12 fewer if small ones were packed together"}
    assert check(report, "checkpoint")["count"] == 14
    assert check(report, "checkpoint")["good"]  # of an interval of a thousand
    assert (check(report, "leftovers")["good"], check(report, "leftovers")["count"]) == (False, 1)
    assert check(report, "doubled_keys")["count"] == 1
    assert check(report, "null_keys")["good"]
    assert check(report, "statistics")["good"]
    assert report["ailments"] == 3
    varve.ok("optimize", "t")
    left.unlink()
    assert check(doctor(varve, "t"), "small_files")["good"]


def test_rows_that_have_null_in_the_key_are_counted(varve):
    """As other software writes them, which knows of no key."""
    varve.ok("create", "t", "--schema", "a bigint, b string")
    write_deltalake(str(varve.table("t")), pa.table({
        "a": pa.array([1, None, None], pa.int64()), "b": ["x", "y", "z"]}), mode="append")
    varve.ok("alter", "t", "set", "varve.orderBy=a")
    log = varve.table("t") / "_delta_log"
    meta = json.loads((log / f"{2:020d}.json").read_text().splitlines()[-1])
    meta["metaData"]["configuration"]["varve.key"] = "a"
    (log / f"{3:020d}.json").write_text(json.dumps(meta) + "\n")
    found = check(doctor(varve, "t", "--keys"), "null_keys")
    assert (found["good"], found["count"]) == (False, 2)
    assert found["message"] == "2 rows have NULL in the key"
    assert "null_keys" not in [one["check"] for one in doctor(varve, "t")["health"]]


def test_files_without_statistics_are_counted(varve, tmp_path):
    path = tmp_path / "t"
    write_deltalake(path, pa.table({"a": [1]}))

    def change(line):
        if "add" in line:
            del line["add"]["stats"]
        return line

    edit_first_commit(path, change)
    found = check(doctor(varve, path), "statistics")
    assert (found["good"], found["count"]) == (False, 1)


def test_deleted_rows_that_are_still_there(varve):
    varve.ok("create", "t", "--schema", "a bigint not null, b string", "--key", "a",
             "--property", "delta.enableDeletionVectors=true")
    varve.upsert("t", "a,b\n" + "".join(f"{n},x\n" for n in range(400)))
    varve.ok("delete", "t", "--where", "a < 100")
    found = check(doctor(varve, "t"), "deletion_vectors")
    assert (found["good"], found["count"]) == (False, 100)


# ---- Tables of any kind -------------------------------------------------------------------------

def test_all_tables_one_table_no_table(market):
    lines = market.ok("doctor", "--json").splitlines()
    assert [json.loads(line)["table"] for line in lines] == [
        "market_regimes", "performance_metrics", "signals"]
    text = market.ok("doctor", "signals")
    assert text.startswith("signals: version 0, 0 files, reader 1, writer 3, 0 ailments\n")
    assert "delta-rs (deltalake 1.6)" in text and "health\n" in text
    missing = market.run("doctor", "nothing")
    assert missing.returncode == 5 and "nothing" in missing.stderr


@pytest.mark.parametrize("vectors", [False, True])
def test_files_that_the_newest_version_needs_are_looked_for(varve, vectors):
    varve.ok("create", "t", "--schema", "a bigint not null", "--key", "a",
             *(("--property", "delta.enableDeletionVectors=true") if vectors else ()))
    for text in ("a\n1\n2\n", "a\n3\n"):
        varve.upsert("t", text)
    if vectors:
        varve.ok("delete", "t", "--where", "a = 1")
    found = check(doctor(varve, "t"), "files")
    assert found["good"] and found["count"] == 0
    files = list(varve.table("t").glob("*.bin" if vectors else "*.parquet"))
    assert len(files) == (1 if vectors else 2)
    data = max(files)
    content = data.read_bytes()
    for hurt in ([data.unlink] if vectors else [lambda: data.write_bytes(content[:-1]), data.unlink]):
        hurt()
        report = doctor(varve, "t")
        found = check(report, "files")
        assert not found["good"] and found["count"] == 1 and report["ailments"] >= 1
        assert "1 of 2 files are missing" in found["message"] and ".parquet" in found["message"]
        assert "varve verify t" in found["advice"]
    data.write_bytes(content)
    assert check(doctor(varve, "t"), "files")["good"]


@pytest.mark.contradicts_itself  # two of the logs are damaged
def test_damage_is_an_ailment_and_keeps_no_other_table_from_being_looked_at(varve):
    for name in ("behind", "key", "newest", "sound"):
        varve.ok("create", name, "--schema", "a bigint not null", "--key", "a")
        for value in range(3):
            varve.upsert(name, f"a\n{value}\n")
    varve.ok("checkpoint", "behind")
    for name, version in (("behind", 1), ("newest", 3)):
        commit = varve.table(name) / "_delta_log" / f"{version:020}.json"
        commit.write_bytes(commit.read_bytes()[:-40])
    log = varve.table("key") / "_delta_log"
    metadata = next(json.loads(line)["metaData"] for line in
                    (log / f"{0:020}.json").read_text().splitlines() if "metaData" in line)
    metadata["configuration"]["varve.key"] = "b"
    (log / f"{4:020}.json").write_text(json.dumps({"metaData": metadata}) + "\n")
    done = varve.run("doctor", "--json")
    reports = {report["table"]: report for report in map(json.loads, done.stdout.splitlines())}
    assert done.returncode == 6 and list(reports) == ["behind", "key", "sound"], done.stderr
    assert done.stderr.count("varve: ") == 1 and "table newest" in done.stderr
    assert [report["ailments"] for report in reports.values()] == [1, 1, 0]
    found = check(reports["behind"], "commit_times")
    assert not found["good"] and f"{1:020}.json" in found["message"]
    assert found["advice"] == "varve verify behind tells what is damaged"
    found = check(reports["key"], "properties")
    assert not found["good"] and 'varve.key names column "b"' in found["message"]
    assert check(reports["key"], "leftovers")["good"]
    assert varve.run("doctor", "behind", "key").returncode == 0
    for command in (("scan", "key"), ("query", "FROM key"), ("files", "key"),
                    ("describe", "key"), ("scan", "key", "--where", "a >= 0")):
        done = varve.run(*command)
        assert done.returncode == 0 and 'varve.key names column "b"' in done.stderr, done.stderr
    assert len(varve.rows("scan", "key")) == len(varve.rows("query", "FROM key")) == 3
    for command in (("upsert", "key", "-"), ("latest", "key")):
        assert varve.run(*command, "--quiet", stdin="a\n9\n").returncode in (2, 6), command
    varve.ok("alter", "key", "set", "varve.key=a")
    assert doctor(varve, "key")["ailments"] == 0


def test_nothing_is_written(market):
    market.upsert("market_regimes", "timestamp,symbol,regime\n2025-01-30T14:30:00Z,SPY,bullish_low\n")

    def seen():
        return {str(path): (path.stat().st_mtime_ns, path.is_file() and path.read_bytes())
                for path in sorted(market.lake.rglob("*"))}

    before = seen()
    market.ok("doctor", "--keys")
    assert seen() == before


def tables():
    if not (state.CONFORMANCE / "manifest.json").exists() or shutil.which("zstd") is None:
        return []
    return [table for table in json.loads((state.CONFORMANCE / "manifest.json").read_text())
            if table["expect"] != "rows" or table.get("features")]


@pytest.mark.contradicts_itself
@pytest.mark.parametrize("table", tables(), ids=lambda table: f"{table['source']}/{table['name']}")
def test_tables_of_others(varve, tmp_path, table):
    archive = state.CONFORMANCE / table["archive"]
    subprocess.run(["tar", "--zstd", "-xf", str(archive), "-C", str(tmp_path), "table"], check=False)
    done = varve.run("doctor", tmp_path / "table", "--json")
    if done.returncode != 0:  # its log can't be read
        assert table["expect"] == "error" and done.returncode in (5, 6), done.stderr
        return
    report = json.loads(done.stdout)
    names = {one["name"] for one in report["features"]}
    assert names >= set(table["features"])
    assert report["version"] == table.get("latest", report["version"])
    ours = engine(report, "Varve")
    if table.get("error_code") == "UNSUPPORTED":
        assert ours["read"] == "no"
        assert all(feature in ours["read_note"] for feature in table["features"])
    else:
        assert ours["read"] == "yes"
