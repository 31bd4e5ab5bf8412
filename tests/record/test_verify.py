"""Verify: what lies in storage is what was written, and nothing is cried that is not so."""

import base64
import functools
import gzip
import json
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile
import time

import deltalake
import pyarrow as pa
import pytest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))

import audit_check  # noqa: E402
import lakes  # noqa: E402
import mutate  # noqa: E402

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
FOREIGN = ROOT.parent / "shared" / "conformance"

damaged = pytest.mark.contradicts_itself


def verify(varve, *arguments):
    done = varve.run("verify", *arguments, "--json")
    assert done.returncode in (0, 10), done.stderr
    report = json.loads(done.stdout)
    assert report["whole"] == (done.returncode == 0)
    return report


def head_of(varve, table):
    return json.loads(varve.ok("seal", table))["head"]


def kinds(report):
    return sorted({finding["kind"] for finding in report["findings"] if finding["wrong"]})


def commit(varve, table, version):
    return varve.table(table) / "_delta_log" / f"{version:020}.json"


@pytest.fixture
def plain(varve):
    lakes.create(varve, "t")
    for seed in range(4):
        lakes.put(varve, "t", seed)
    return varve


@pytest.mark.slow
def test_every_mutation_is_found_and_named(program):
    found = mutate.run(program, 120, 11, ("plain", "mixed", "cleaned"))
    wrong = [(done, why) for done, why in found if why is not None]
    assert wrong == []


def foreign_tables():
    folders = [ROOT / "tests" / "golden" / "tables"] + ([FOREIGN] if FOREIGN.exists() else [])
    return [path.parent for folder in folders for path in sorted(folder.rglob("_delta_log"))]


def test_tables_of_other_software_are_no_alarm(varve_on, tmp_path):
    """What they lack (vacuumed files, files of a copy) is told as that, and nothing else."""
    varve = varve_on(tmp_path)
    odd = {}
    for table in foreign_tables():
        done = varve.run("verify", table, "--json", "--deep")
        assert done.returncode in (0, 10), f"{table}: {done.stderr}"
        report = json.loads(done.stdout)
        found = set(kinds(report))
        if found:
            odd[str(table)] = sorted(found)
    # These are there to be told: logs without their data, and logs that are wrong on purpose.
    allowed = {"file.missing", "file.size", "log.shortened", "state.unreadable", "commit.missing",
               "commit.unreadable", "vector.damaged", "hint.damaged", "rule.feature"}
    assert [table for table, found in odd.items() if not set(found) <= allowed] == []


def test_the_answer_stands_first_and_says_since_when(plain):
    since = plain.rows("history", "t")[-1]["timestamp"]
    for options, words in (([], "no commit found altered"),
                           (["--deep"], "nothing found altered")):
        first = plain.ok("verify", "t", *options).splitlines()[0]
        assert first.startswith(f"t: 5 versions, 0 to 4, whole: {words} since ")
        assert first.split()[-1][:19] == since[:19]
    lakes.create(plain, "u")
    assert [line.split(":")[0] for line in plain.ok("verify").splitlines()
            if not line.startswith(" ")] == ["t", "u"]


def test_each_commit_has_its_state(varve):
    lakes.build(varve, "mixed")
    report = verify(varve, "mixed")
    assert [(part["from"], part["to"], part["state"], part.get("covered_by"))
            for part in report["ranges"]] == [
        (0, 1, "chained", None), (2, 4, "foreign_covered", 5), (5, 6, "chained", None),
        (7, 7, "foreign_covered", 8), (8, report["version"] - 2, "chained", None),
        (report["version"] - 1, report["version"], "foreign_tail", None)]
    assert report["checked"]["without_hash"] > 0


def test_what_was_cleaned_up_is_proven_by_the_ledger_or_told(varve):
    lakes.build(varve, "cleaned")
    report = verify(varve, "cleaned")
    assert report["commits"]["cleaned_proven"] > 3 and report["ranges"][0]["from"] == 0
    assert not commit(varve, "cleaned", 0).exists()
    shutil.rmtree(varve.table("cleaned") / "_varve" / "ledger")
    report = verify(varve, "cleaned")
    assert report["whole"] and report["ranges"][0]["state"] == "cleaned_unproven"
    assert report["findings"][0]["kind"] == "log.unproven"
    assert verify(varve, "cleaned", "--strict")["whole"] is False


@damaged
@pytest.mark.parametrize("more", [(), ("--deep",)])
def test_a_hole_at_the_old_end_is_an_alarm_until_what_is_below_it_is_cleaned_up(varve, more):
    """As a clean-up of other software leaves it that was cut off: the ledger has nothing of it."""
    lakes.create(varve, "t", "--property", "delta.logRetentionDuration=interval 5 days")
    for seed in range(5):
        lakes.put(varve, "t", seed)
    varve.ok("checkpoint", "t")
    lakes.age(varve.table("t"), 20)
    lakes.put(varve, "t", 10)
    for version in (1, 2, 3):
        commit(varve, "t", version).unlink()
    report = verify(varve, "t", *more)
    assert kinds(report) == ["commit.missing"] and report["wrong"] == 3
    assert report["unreferenced_files"] == 0
    varve.ok("checkpoint", "t")
    report = verify(varve, "t", *more)
    assert report["whole"] and kinds(report) == [] and report["unreferenced_files"] == 0
    assert [finding["kind"] for finding in report["findings"]] == ["log.unproven"]
    assert (report["commits"]["cleaned_unproven"], report["commits"]["broken"]) == (3, 0)
    assert verify(varve, "t", "--strict")["whole"] is False
    live = varve.table("t") / varve.rows("files", "t")[0]["path"]
    live.unlink()
    assert kinds(verify(varve, "t")) == ["file.missing"]


@pytest.mark.slow
@damaged
@pytest.mark.parametrize("more", [(), ("--deep",)])
@pytest.mark.parametrize("version", [3, 5])
def test_a_damaged_commit_accuses_nothing_behind_it(varve, version, more):
    """What it did is as little known as of one that is missing: the next checkpoint says it."""
    lakes.create(varve, "t", "--property", "delta.checkpointInterval=5")
    for seed in range(11):
        lakes.put(varve, "t", seed)
    commit(varve, "t", version).write_text('{"broken')
    report = verify(varve, "t", *more)
    assert [(found["kind"], found["version"]) for found in report["findings"]] == [
        ("commit.unreadable", version), ("commit.altered", version)]
    live = varve.table("t") / varve.rows("files", "t")[0]["path"]
    live.unlink()
    assert kinds(verify(varve, "t")) == ["commit.altered", "commit.unreadable", "file.missing"]


@damaged
@pytest.mark.parametrize("version", [3, 5])
def test_a_lost_file_is_told_though_a_commit_behind_it_is_damaged_or_gone(varve, version):
    """The newest commit, and one that a checkpoint lies behind of: it is told once."""
    varve.ok("create", "t", "--schema", "k bigint not null", "--key", "k",
             "--property", "delta.checkpointInterval=4")
    for k in range(version if version == 3 else 9):
        varve.upsert("t", f"k\n{k}\n")
    added = [json.loads(line)["add"]["path"] for line in commit(varve, "t", 1).read_text().splitlines()
             if line.startswith('{"add"')]
    (varve.table("t") / added[0]).unlink()
    assert kinds(verify(varve, "t")) == ["file.missing"]
    commit(varve, "t", version).write_text('{"broken')
    found = [finding["kind"] for finding in verify(varve, "t")["findings"]]
    assert found.count("file.missing") == 1 and "commit.unreadable" in found
    commit(varve, "t", version).unlink()
    found = [finding["kind"] for finding in verify(varve, "t")["findings"]]
    assert found.count("file.missing") == 1


def test_what_a_vacuum_took_is_no_alarm_and_what_somebody_took_is(varve):
    lakes.build(varve, "vacuumed")
    report = verify(varve, "vacuumed", "--deep")
    assert report["whole"] and report["files_vacuumed"] > 0 and report["readable_from"] > 1
    # An old file that was removed after the vacuum: the retention still keeps it.
    live = {file["path"] for file in varve.rows("files", "vacuumed")}
    old = [path for path in lakes.files_of(varve.table("vacuumed"))["data"]
           if str(path.relative_to(varve.table("vacuumed"))) not in live]
    old[0].unlink()
    report = verify(varve, "vacuumed")
    assert kinds(report) == ["file.missing"]
    assert report["findings"][0]["file"].endswith(old[0].name)


@damaged
def test_a_log_that_loses_its_old_end_too_early_is_found(varve):
    lakes.create(varve, "t")
    for seed in range(4):
        lakes.put(varve, "t", seed)
    varve.ok("checkpoint", "t")
    lakes.put(varve, "t", 9)
    for version in range(3):
        commit(varve, "t", version).unlink()
    report = verify(varve, "t")
    assert kinds(report) == ["log.shortened"]
    assert "00000000000000000002.json" in report["findings"][0]["message"]


@damaged
def test_right_after_a_clean_up_of_other_software_there_is_no_alarm(varve):
    """The first commit that is left is young then, whatever the age of those that went."""
    lakes.create(varve, "t", "--property", "delta.logRetentionDuration=interval 5 days")
    for seed in range(4):
        lakes.put(varve, "t", seed)
    log = varve.table("t") / "_delta_log"
    old = time.time() - 20 * 86400
    for path in log.glob("*.json"):
        path.write_text(re.sub(r'"(modificationTime|deletionTimestamp)":\d+',
                               rf'"\1":{int(old * 1000)}', path.read_text()))
    lakes.age(varve.table("t"), 20)
    for path in log.glob("*.json"):
        os.utime(path, (old, old))
    lakes.put(varve, "t", 10)
    deltalake.DeltaTable(str(varve.table("t"))).create_checkpoint()
    for seed in range(11, 13):
        lakes.put(varve, "t", seed)
    shutil.rmtree(varve.table("t") / "_varve", ignore_errors=True)
    deltalake.DeltaTable(str(varve.table("t"))).cleanup_metadata()
    assert [commit(varve, "t", number).exists() for number in (3, 4, 5)] == [False, False, True]
    report = verify(varve, "t")
    assert report["whole"] and [finding["kind"] for finding in report["findings"]] == [
        "log.unproven"]
    commit(varve, "t", 5).unlink()  # which no clean-up may have taken
    assert kinds(verify(varve, "t")) == ["log.shortened"]


@damaged
@pytest.mark.parametrize("keep", [2, 4])
def test_a_rollback_shows_by_the_noted_head(plain, keep):
    head = head_of(plain, "t")
    assert verify(plain, "t", "--head", head)["noted_head_version"] == 4
    lakes.put(plain, "t", 20)
    assert verify(plain, "t", "--head", head)["noted_head_version"] == 4
    head = head_of(plain, "t")
    for version in range(keep + 1, 6):
        commit(plain, "t", version).unlink()
    assert verify(plain, "t")["whole"]  # the chain alone can't show it
    report = verify(plain, "t", "--head", head)
    assert kinds(report) == ["head.unknown"] and report["noted_head_version"] is None


def test_a_tail_that_was_written_anew_shows_by_the_noted_head(plain):
    head = head_of(plain, "t")
    for version in range(3, 5):
        commit(plain, "t", version).unlink()
    for seed in (30, 31):
        lakes.put(plain, "t", seed)
    assert verify(plain, "t")["whole"]
    assert kinds(verify(plain, "t", "--head", head)) == ["head.unknown"]
    # The same by a forger who writes the links himself.
    assert kinds(verify(plain, "t", "--head", "0" * 64)) == ["head.unknown"]


@damaged
def test_a_forged_history_with_right_links_shows_by_the_noted_head(plain):
    head = head_of(plain, "t")
    for version in range(1, 5):
        text = commit(plain, "t", version).read_text().replace('"userName":"', '"userName":"x')
        link = audit_check.sha256(commit(plain, "t", version - 1).read_bytes())
        text = re.sub('"prevHash":"[0-9a-f]*"', f'"prevHash":"{link}"', text)
        commit(plain, "t", version).write_text(text)
    assert verify(plain, "t")["whole"]
    assert kinds(verify(plain, "t", "--head", head)) == ["head.unknown"]
    wrong, _ = audit_check.check(plain.table("t"), head)
    assert wrong == ["no version has the noted head"]


@damaged
def test_a_table_that_cannot_be_opened_can_be_verified(plain):
    commit(plain, "t", 4).write_text('{"add":{"path')
    report = verify(plain, "t")
    assert [row["kind"] for row in report["findings"] if row["wrong"]] == ["commit.unreadable"]
    assert plain.run("describe", "t").returncode == 6


def test_files_that_nothing_names_are_listed_and_strict_fails(plain):
    stray = plain.table("t") / "date=2025-01-11" / "stray.parquet"
    stray.write_bytes(b"PAR1")
    report = verify(plain, "t")
    assert report["whole"] and report["unreferenced_files"] == 1
    assert report["unreferenced"] == [{"file": "date=2025-01-11/stray.parquet", "bytes": 4}]
    assert verify(plain, "t", "--strict")["whole"] is False
    assert "stray.parquet" in plain.ok("verify", "t")
    (plain.table("t") / "date=2025-01-11" / ".hidden").write_bytes(b"")
    stray.unlink()
    assert verify(plain, "t", "--strict")["whole"]


def test_of_many_files_those_behind_links_are_not_taken_for_named_by_nothing(varve):
    """The walk comes to the files before it comes to the links; it keeps the names of a thousand."""
    varve.ok("create", "t", "--schema", "d int not null, k int", "--partition-by", "d", "--key", "d")
    varve.upsert("t", "d\n" + "".join(f"{number}\n" for number in range(1000, 2100)))
    first = varve.table("t") / "d=0"
    first.mkdir()
    for path in list(varve.table("t").glob("d=*/*.parquet")):
        path.rename(first / path.name)
        path.symlink_to(first / path.name)
    assert verify(varve, "t", "--strict")["unreferenced_files"] == 0
    for number in range(3):
        (first / f"stray{number}.parquet").write_bytes(b"PAR1")
    report = verify(varve, "t")
    assert (report["unreferenced_files"], report["unreferenced_bytes"]) == (3, 12)
    assert len(report["unreferenced"]) == 3


def test_files_that_are_named_by_absolute_paths_are_looked_for_as_others_are(plain):
    newest = commit(plain, "t", 4)
    folder = plain.table("t")
    lines = [json.loads(line) for line in newest.read_text().splitlines()]
    for line in lines:
        if "add" in line:
            line["add"]["path"] = f"file://{folder}/{line['add']['path']}"
    newest.write_text("".join(json.dumps(line) + "\n" for line in lines))
    report = verify(plain, "t")
    assert report["whole"] and report["unreferenced_files"] == report["checked"]["outside"] == 0
    added = next(line["add"]["path"] for line in lines if "add" in line)
    os.rename(added[7:], folder / "moved.parquet")
    report = verify(plain, "t")
    assert [row["kind"] for row in report["findings"] if row["wrong"]] == ["file.missing"]
    assert report["unreferenced"][0]["file"] == "moved.parquet"


def test_a_head_proves_commits_of_others_that_have_left_the_log(varve):
    write = functools.partial(deltalake.write_deltalake, varve.table("f"), mode="append")
    write(pa.table({"a": [0]}), configuration={"delta.logRetentionDuration": "interval 0 days"})
    for number in range(1, 6):
        write(pa.table({"a": [number]}))
    head = head_of(varve, "f")
    for path in (varve.table("f") / "_delta_log").glob("*.json"):
        os.utime(path, (1e9, 1e9))
    varve.ok("checkpoint", "f")
    assert len(list((varve.table("f") / "_delta_log").glob("*.json"))) == 1
    assert head_of(varve, "f") == head
    assert verify(varve, "f", "--strict", "--head", head)["whole"]
    assert kinds(verify(varve, "f", "--strict")) == ["commit.unproven"]


def test_an_altered_change_file_is_found_deep(varve):
    lakes.create(varve, "t", "--property", "delta.enableChangeDataFeed=true")
    lakes.put(varve, "t", 0)
    varve.upsert("t", "ts,sym,price,note\n2025-01-10T10:00:00Z,S1,1,a\n")
    varve.upsert("t", "ts,sym,price,note\n2025-01-10T10:00:00Z,S1,2,b\n")
    path, = sorted((varve.table("t") / "_change_data").rglob("*.parquet"))[-1:]
    assert verify(varve, "t", "--deep")["whole"]
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    lakes.replace(path, bytes(data))
    assert kinds(verify(varve, "t", "--deep")) == ["file.altered"]


def test_doubled_keys_are_found_deep_and_repaired_by_the_next_upsert(plain):
    row = "ts,sym,price\n2025-01-20T10:00:00Z,S1,9\n"
    for _ in range(2):
        plain.ok("append", "t", "-", "--allow-duplicates", "--input-format", "csv", stdin=row)
    assert verify(plain, "t")["whole"]
    report = verify(plain, "t", "--deep")
    assert kinds(report) == ["key.doubled"] and "sym=S1" in report["findings"][0]["message"]
    assert "the next upsert of it repairs that" in report["findings"][0]["message"]
    plain.upsert("t", row)
    assert verify(plain, "t", "--deep")["whole"]


def test_of_a_doubled_key_with_null_no_upsert_is_promised_to_repair_it(varve):
    varve.ok("create", "t", "--schema", "k long not null, p string", "--key", "k,p", "--partition-by", "p")
    rows = pa.table({"k": [1], "p": pa.array([None], pa.string())})
    for _ in range(2):
        deltalake.write_deltalake(str(varve.table("t")), rows, mode="append")
    (finding,) = verify(varve, "t", "--deep")["findings"]
    assert "p=NULL stands in 2 rows" in finding["message"] and "varve delete" in finding["message"]
    assert "upsert of it repairs" not in finding["message"]


@damaged
@pytest.mark.parametrize("line, kind", [
    ('{"remove":{"path":"nowhere.parquet","deletionTimestamp":1,"dataChange":true}}',
     "rule.removed_nothing"),
    ('{"add":{"path":"%s","partitionValues":{},"size":1,"modificationTime":1,"dataChange":true,'
     '"deletionVector":{"storageType":"i","pathOrInlineDv":"x","sizeInBytes":1,"cardinality":1}}}',
     "rule.added_twice"),
])
def test_commits_that_break_the_protocol_are_named(plain, line, kind):
    path = plain.rows("files", "t")[0]["path"]
    commit(plain, "t", 5).write_text(line.replace("%s", path) + "\n")
    report = verify(plain, "t")
    assert kind in kinds(report)
    assert any(finding["version"] == 5 for finding in report["findings"])


@damaged
def test_a_checkpoint_that_says_something_else_is_named(plain):
    plain.ok("checkpoint", "t")
    saved = (plain.table("t") / "_delta_log" / f"{4:020}.checkpoint.parquet").read_bytes()
    lakes.put(plain, "t", 40)
    plain.ok("checkpoint", "t")
    target = plain.table("t") / "_delta_log" / f"{5:020}.checkpoint.parquet"
    target.write_bytes(saved)
    report = verify(plain, "t")
    assert kinds(report) == ["checkpoint.differs"] and target.name in report["findings"][0]["message"]


def test_a_checkpoint_that_has_statistics_as_columns_alone_is_no_alarm(varve):
    varve.ok("create", "t", "--schema", "k int not null, d decimal(18,18), e decimal(9,9), f float, g double",
             "--key", "k", "--property", "delta.checkpoint.writeStatsAsJson=false",
             "--property", "delta.checkpoint.writeStatsAsStruct=true")
    varve.upsert("t", '{"k":1,"d":0.5,"e":0.5,"f":0.1,"g":0.1}\n{"k":2,"d":-0.25,"f":-1e30,"g":1e30}\n')
    varve.ok("checkpoint", "t")
    assert verify(varve, "t")["whole"]


def test_a_seal_is_signed_and_checked_also_by_openssl(plain, tmp_path):
    key = tmp_path / "audit.key"
    plain.ok("keygen", key)
    assert os.stat(key).st_mode & 0o777 == 0o600
    assert plain.run("keygen", key).returncode == 2
    seal = json.loads(plain.ok("seal", "t", "--key", key))
    arguments = ("--head", seal["head"], "--signature", seal["signature"])
    assert verify(plain, "t", *arguments, "--public-key", f"{key}.pub")["whole"]
    (tmp_path / "text").write_text("varve-seal-1 " + seal["head"])
    (tmp_path / "signature").write_bytes(base64.b64decode(seal["signature"]))
    check = ["openssl", "pkeyutl", "-verify", "-pubin", "-inkey", f"{key}.pub", "-rawin", "-in",
             tmp_path / "text", "-sigfile", tmp_path / "signature"]
    assert subprocess.run(check, check=False, capture_output=True).returncode == 0
    other = tmp_path / "other.key"
    plain.ok("keygen", other)
    done = plain.run("verify", "t", *arguments, "--public-key", f"{other}.pub")
    assert done.returncode == 10 and "signature" in done.stderr
    done = plain.run("verify", "t", "--head", seal["head"], "--signature", "x", "--public-key",
                     f"{other}.pub")
    assert done.returncode == 2 and "no signature" in done.stderr
    os.chmod(key, 0o644)
    assert "chmod 600" in plain.run("seal", "t", "--key", key).stderr


@pytest.mark.parametrize("arguments, status, words", [
    (["t", "--head", "abc"], 2, "no head"), (["--head", "0" * 64], 2, "one table"),
    (["t", "--signature", "x"], 2, "--head"), (["nothing"], 5, "no table nothing"),
    (["t", "--head", "0" * 64, "--signature", "A" * 86 + "==", "--public-key", "none"], 5,
     "none"),
])
def test_questions_that_make_no_sense_are_refused(plain, arguments, status, words):
    done = plain.run("verify", *arguments)
    assert done.returncode == status and words in done.stderr


def snippets():
    text = (ROOT / "docs" / "audit.md").read_text().split("## An export")[0]
    return re.findall(r"```sh\n(.*?)```", text, re.DOTALL)


def shell(folder, script, **environment):
    done = subprocess.run(["sh", "-c", script], cwd=folder, capture_output=True, text=True,
                          check=False, env={**os.environ, **environment})
    return done.returncode, done.stdout, done.stderr


@damaged
def test_the_commands_of_the_document_do_what_it_says(varve, tmp_path):
    """docs/audit.md, by hand: sha256sum and openssl alone."""
    lakes.create(varve, "t")
    for seed in range(7):
        lakes.put(varve, "t", seed)
    lakes.foreign(varve, "t", 1)
    lakes.put(varve, "t", 30)
    table = varve.table("t")
    link, chain, head, fold, files, signature = snippets()
    first, second = shell(table, link)[1].split()
    assert first == second and len(first) == 64
    assert shell(table, chain)[:2] == (0, "")
    assert shell(table, head)[1].strip() == head_of(varve, "t")
    seven = audit_check.sha256(commit(varve, "t", 7).read_bytes())
    folded = shell(table, fold, chain=seven)[1].strip()
    assert f'"prevChain":"{folded}","chainFrom":7' in commit(varve, "t", 9).read_text()
    status, said, _ = shell(table, files)
    assert status == 0 and said.count(": OK") == said.count("\n") > 0
    key = tmp_path / "audit.key"
    varve.ok("keygen", key)
    seal = json.loads(varve.ok("seal", "t", "--key", key))
    of = {"signature": seal["signature"], "key": f"{key}.pub"}
    assert shell(table, signature, head=seal["head"], **of)[0] == 0
    assert shell(table, signature, head="0" * 64, **of)[0] != 0
    assert varve.run("verify", "t", "--strict").returncode == 0  # none of them left a file there
    # And each of them shows what was altered.
    text = commit(varve, "t", 6).read_text()
    commit(varve, "t", 6).write_text(text.replace("n", "m", 1))
    first, second = shell(table, link)[1].split()
    assert first != second
    assert "00000000000000000007.json" in shell(table, chain)[1]
    added = json.loads([line for line in commit(varve, "t", 7).read_text().splitlines()
                        if line.startswith('{"add"')][0])["add"]["path"]
    (table / added).write_bytes(b"PAR1")
    assert shell(table, files)[0] != 0


@pytest.mark.parametrize("kind", ["tag", "hold"])
def test_a_pin_above_the_newest_version_tells_of_a_cut_off(plain, kind):
    plain.ok(kind, "create" if kind == "tag" else "add", "q3all", "t")
    assert verify(plain, "t")["whole"]
    assert audit_check.check(plain.table("t"))[0] == []
    commit(plain, "t", 4).unlink()
    report = verify(plain, "t")
    assert kinds(report) == ["commit.missing"]
    said = plain.run("verify", "t")
    assert said.returncode == 10
    assert f"{kind} q3all names version 4, the log ends at 3" in said.stdout + said.stderr
    wrong, _ = audit_check.check(plain.table("t"))
    assert wrong == [f"{kind} q3all names version 4, the log ends at 3"]


def test_a_hint_above_the_newest_version_tells_of_a_cut_off(plain):
    plain.ok("checkpoint", "t")
    log = plain.table("t") / "_delta_log"
    commit(plain, "t", 4).unlink()
    assert "commit.missing" in kinds(verify(plain, "t"))
    assert audit_check.check(plain.table("t"))[0] != []
    (log / f"{4:020}.checkpoint.parquet").unlink()
    assert {"commit.missing", "hint.damaged"} <= set(kinds(verify(plain, "t")))
    assert "_last_checkpoint names version 4, the log ends at 3" in \
        audit_check.check(plain.table("t"))[0]


def test_an_old_copy_of_the_log_is_told_by_a_pin(plain):
    """The pins were not put back with it."""
    copy = plain.lake.parent / "copy"
    shutil.copytree(plain.table("t") / "_delta_log", copy)
    for seed in range(10, 13):
        lakes.put(plain, "t", seed)
    plain.ok("tag", "create", "later", "t")
    shutil.rmtree(plain.table("t") / "_delta_log")
    shutil.copytree(copy, plain.table("t") / "_delta_log")
    said = plain.run("verify", "t")
    assert said.returncode == 10 and "tag later names version 7, the log ends at 4" in said.stdout
    whole = plain.run("tag", "drop", "later")
    assert whole.returncode == 0 and verify(plain, "t")["whole"]


def test_a_clean_up_that_a_power_cut_ended_loses_nothing(varve):
    """Of what it removed some is there again, not the youngest: the ledger has the others."""
    lakes.build(varve, "cleaned")
    table = varve.table("cleaned")
    history, head = varve.rows("history", "cleaned"), head_of(varve, "cleaned")
    rows = varve.rows("scan", "cleaned", "--version", "1")
    row = varve.rows("scan", "cleaned")[0]
    key = [f"{name}={row[name]}" for name in ("ts", "sym")]
    trace = varve.ok("trace", "cleaned", *key)
    kept = audit_check.read_ledger(table / "_varve" / "ledger", [])
    for version in (0, 2):
        commit(varve, "cleaned", version).write_bytes(kept[version])
    taken = sorted(kept.keys() - {0, 2})
    report = verify(varve, "cleaned", "--deep", "--head", head)
    assert report["whole"]
    assert [(found["kind"], found["version"]) for found in report["findings"]] == [
        ("log.cut_short", version) for version in taken]
    # Who knows nothing of retentions finds that, and nothing else.
    assert audit_check.check(table)[0] == [f"version {version} is missing from the log"
                                           for version in taken]
    assert varve.rows("history", "cleaned") == history
    assert varve.rows("history", "cleaned", "--limit", len(history) - 1) == history[:-1]
    assert varve.rows("scan", "cleaned", "--version", "1") == rows
    assert varve.ok("trace", "cleaned", *key) == trace
    assert head_of(varve, "cleaned") == head
    varve.ok("checkpoint", "cleaned")
    assert not commit(varve, "cleaned", 0).exists() and not commit(varve, "cleaned", 2).exists()
    assert verify(varve, "cleaned", "--deep", "--strict")["findings"] == []


@damaged
def test_a_commit_that_no_clean_up_may_have_taken_yet_is_missing(varve):
    lakes.build(varve, "plain")
    varve.ok("maintain", "--once")  # now the ledger has it
    commit(varve, "plain", 3).unlink()
    assert kinds(verify(varve, "plain")) == ["commit.missing"]


def test_a_seal_stands_for_what_others_wrote_before_it(varve):
    """The head of a run of other software's commits is that of all of them, as verify has it."""
    lakes.build(varve, "mixed")
    head = head_of(varve, "mixed")
    assert head == audit_check.check(varve.table("mixed"))[1]
    assert verify(varve, "mixed", "--head", head)["whole"]


def rewrite_ledger(path, version):
    """Other bytes for a commit, packed as they should be, under the hash of the right ones."""
    head, members = path.read_bytes().split(b"\n", 1)
    head = json.loads(head)
    at = 0
    for entry in head["commits"]:
        member = members[at:at + entry["stored"]]
        if entry["version"] == version:
            data = gzip.decompress(member).replace(b'"userName":"', b'"userName":"!', 1)
            packed = bytearray(gzip.compress(data, mtime=0))
            packed[:10] = member[:10]
            entry["stored"], entry["bytes"] = len(packed), len(data)
            members = members[:at] + bytes(packed) + members[at + len(member):]
            break
        at += entry["stored"]
    path.write_bytes(json.dumps(head).encode() + b"\n" + members)


@damaged
def test_the_ledger_gives_no_bytes_but_those_it_took(varve):
    lakes.build(varve, "cleaned")
    (path,) = (varve.table("cleaned") / "_varve" / "ledger").glob("*.vl")
    assert len(varve.rows("scan", "cleaned", "--version", "1")) > 0
    rewrite_ledger(path, 1)
    done = varve.run("scan", "cleaned", "--version", "1")
    assert done.returncode == 6 and "its SHA-256 is not the one that was noted" in done.stderr, done


def rewrite_newest(varve, table, change):
    """The newest commit, which no link reaches yet."""
    path = commit(varve, table, varve.version(table))
    text = change(path.read_text())
    assert text != path.read_text()
    path.write_text(text)


def test_the_newest_commit_is_said_to_be_proven_by_nothing(plain):
    version, head = plain.version("t"), head_of(plain, "t")
    said = f"version {version}, the newest: only a head noted elsewhere proves it"
    assert said in plain.ok("verify", "t")
    assert verify(plain, "t")["not_proven_from"] == version
    told = plain.ok("verify", "t", "--head", head)
    assert said not in told and f"of version {version}, the newest: it proves it" in told
    assert verify(plain, "t", "--head", head)["not_proven_from"] is None
    lakes.put(plain, "t", 40)
    lakes.put(plain, "t", 41)
    told = plain.ok("verify", "t", "--head", head)
    assert f"and nothing of {version + 1} to {version + 2}" in told
    assert verify(plain, "t", "--head", head)["not_proven_from"] == version + 1
    rewrite_newest(plain, "t", lambda text: text.replace('"timestamp"', '"userNamed":"x","timestamp"', 1))
    assert plain.run("verify", "t", "--head", head).returncode == 0  # and says so:
    assert f"and nothing of {version + 1} to {version + 2}" in plain.ok("verify", "t", "--head", head)


def test_the_altered_commit_is_the_broken_one(plain):
    for seed in range(50, 54):
        lakes.put(plain, "t", seed)
    path = commit(plain, "t", 3)
    path.write_text(path.read_text() + "\n")
    report = verify(plain, "t")
    assert [(part["from"], part["to"], part["state"]) for part in report["ranges"]] == [
        (0, 2, "chained"), (3, 3, "broken"), (4, plain.version("t"), "chained")]
    assert report["head"] is None
    assert "\n  head " not in plain.run("verify", "t").stdout


def test_strict_fails_for_what_nothing_proves(plain):
    lakes.foreign(plain, "t", 2)
    assert verify(plain, "t", "--deep")["whole"]
    last = plain.version("t")
    report = verify(plain, "t", "--strict")
    assert kinds(report) == ["commit.unproven"] and f"{last - 1} to {last}" in str(report["findings"])
    assert verify(plain, "t", "--strict", "--head", head_of(plain, "t"))["whole"]
    head = head_of(plain, "t")
    lakes.foreign(plain, "t", 1)
    report = verify(plain, "t", "--strict", "--head", head)
    assert f"{last + 1} to {last + 1}" in str(report["findings"])
    lakes.put(plain, "t", 60)
    assert verify(plain, "t", "--strict")["whole"]


def test_a_newest_commit_that_was_cut_contradicts_its_metrics(plain):
    rewrite_newest(plain, "t", lambda text: "".join(
        line for line in text.splitlines(True) if not line.startswith('{"add"')))
    assert "rule.metrics" in kinds(verify(plain, "t"))


def test_a_newest_commit_from_before_the_one_before_it(plain):
    def years_ago(text):
        return re.sub(r'"timestamp":(\d+)', lambda match: '"timestamp":' + str(
            int(match[1]) - 3 * 365 * 86400000), text, count=1)
    rewrite_newest(plain, "t", years_ago)
    report = verify(plain, "t")
    assert kinds(report) == ["rule.time"] and "no later than version" in str(report["findings"])


def test_a_newest_commit_from_the_future_is_told(plain):
    rewrite_newest(plain, "t", lambda text: re.sub(
        r'"timestamp":(\d+)', lambda match: '"timestamp":' + str(int(match[1]) + 10**10), text,
        count=1))
    report = verify(plain, "t")
    assert report["whole"] and [found["kind"] for found in report["findings"]] == ["time.ahead"]


@pytest.fixture
def as_nobody(program, varve_on):
    """verify by a user who may not read what root has closed; the lake lies where that one can go."""
    if os.geteuid() != 0:
        pytest.skip("needs root")
    with tempfile.TemporaryDirectory(dir="/tmp") as folder:
        os.chmod(folder, 0o755)
        varve = varve_on(pathlib.Path(folder) / "lake")
        if subprocess.run([program, "version"], user=65534, group=65534, extra_groups=[],
                          capture_output=True, check=False).returncode != 0:
            pytest.skip("the program lies where others can't go")
        for table in ("t", "u"):
            lakes.create(varve, table)
            for seed in range(4):
                lakes.put(varve, table, seed)
        varve.ok("maintain", "--once")
        yield varve


def run_as_nobody(varve, *arguments):
    return subprocess.run([str(varve.program), "--lake", str(varve.lake), *arguments], user=65534,
                          group=65534, extra_groups=[], capture_output=True, text=True, check=False)


@pytest.mark.parametrize("what", ["commit", "newest", "ledger", "data", "log"])
def test_what_may_not_be_read_is_not_called_altered(as_nobody, what):
    table = as_nobody.table("t")
    path = {"commit": lambda: commit(as_nobody, "t", 1),
            "newest": lambda: commit(as_nobody, "t", as_nobody.version("t")),
            "ledger": lambda: next((table / "_varve" / "ledger").iterdir()),
            "data": lambda: next(table.glob("date=*/*.parquet")),
            "log": lambda: table / "_delta_log"}[what]()
    head = head_of(as_nobody, "t")
    assert run_as_nobody(as_nobody, "verify", "--deep", "--strict").returncode == 0
    path.chmod(0o111 if path.is_dir() else 0)  # a table that is there, and can't be listed
    done = run_as_nobody(as_nobody, "verify", "--deep", "--strict")
    assert done.returncode == 8, (done.stdout, done.stderr)
    assert "could not be judged" in done.stderr.lower()
    assert "NOT WHOLE" not in done.stdout and "\nu: " in "\n" + done.stdout
    assert path.name in done.stdout + done.stderr
    done = run_as_nobody(as_nobody, "verify", "t", "--deep", "--strict", "--head", head)
    assert done.returncode == 8
    if what != "log":
        report = json.loads(run_as_nobody(as_nobody, "verify", "t", "--deep", "--json").stdout)
        assert (report["whole"], report["wrong"]) == (False, 0) and report["unread"] >= 1
        assert report["head"] is None
    other = commit(as_nobody, "u", 1)
    other.write_text(other.read_text() + "\n")
    done = run_as_nobody(as_nobody, "verify", "--deep")
    assert done.returncode == 10 and "u: NOT WHOLE" in done.stdout


def test_the_signature_that_was_checked_is_told(plain, tmp_path):
    plain.ok("keygen", tmp_path / "key")
    seal = json.loads(plain.ok("seal", "t", "--key", tmp_path / "key"))
    arguments = ("t", "--head", seal["head"], "--signature", seal["signature"], "--public-key",
                 tmp_path / "key.pub")
    assert "the signature of the noted head is right" in plain.ok("verify", *arguments)
    assert verify(plain, *arguments)["signature_valid"] is True


@pytest.fixture
def checkpoints_alone(varve):
    """Checkpoints of versions 10 and 12, and no commit: not in the log, nor in the ledger."""
    varve.ok("create", "g", "--schema", "k string not null, x double", "--key", "k")
    for number in range(12):
        varve.upsert("g", f"k,x\na,{number}\n")
    varve.ok("checkpoint", "g")
    shutil.rmtree(varve.table("g") / "_varve")
    (varve.table("g") / "_delta_log" / "_last_checkpoint").unlink()
    for path in (varve.table("g") / "_delta_log").glob("*.json"):
        path.unlink()
    assert [path.name[18:20] for path in
            sorted((varve.table("g") / "_delta_log").glob("*.parquet"))] == ["10", "12"]
    return varve


@pytest.mark.parametrize("more", [(), ("--deep",)])
def test_checkpoints_with_no_commit_between_them_accuse_each_other_of_nothing(
        checkpoints_alone, more):
    report = verify(checkpoints_alone, "g", *more)
    assert report["whole"] and kinds(report) == [] and report["unreferenced"] == []
    assert report["checked"]["checkpoints"] == 2


def test_with_no_commit_nothing_is_called_proven_nor_a_version_or_time_made_up(checkpoints_alone):
    said = checkpoints_alone.ok("verify", "g")
    assert "no commit is left that could prove it" in said
    assert "-1" not in said and "1970" not in said and "whole" not in said
    assert verify(checkpoints_alone, "g")["not_proven_from"] == 12


@pytest.mark.parametrize("command", [("history", "g"), ("changes", "g", "--from", "0"),
                                     ("seal", "g"), ("why", "g", "k=a")])
def test_a_table_of_checkpoints_alone_is_not_said_to_be_none(checkpoints_alone, command):
    done = checkpoints_alone.run(*command)
    assert done.returncode == 5 and "no commit in _delta_log any more" in done.stderr, done
    assert "version 12" in done.stderr and "not a Delta table" not in done.stderr


def test_a_state_is_not_carried_over_commits_that_are_gone(checkpoints_alone):
    """Two more, and the first of them gone: that the second removes its file is no accusation."""
    for number in range(2):
        checkpoints_alone.upsert("g", f"k,x\nb,{number}\n")
    commit(checkpoints_alone, "g", 13).unlink()
    found = verify(checkpoints_alone, "g")["findings"]
    assert "rule.removed_nothing" not in {finding["kind"] for finding in found}
    assert "state.unreadable" in {finding["kind"] for finding in found}
