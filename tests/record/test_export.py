"""An export for an auditor: whole or not there, and checked with sha256sum and openssl alone."""

import csv
import json
import os
import pathlib
import random
import re
import resource
import shutil
import signal
import subprocess
import sys

import pytest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))

import audit_check  # noqa: E402
import export_mutate  # noqa: E402
import lakes  # noqa: E402
from export_mutate import follow, steps_of  # noqa: E402

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
CHECKED = "Signature Verified Successfully\n"


def export(varve, folder, *arguments, **options):
    return json.loads(varve.ok("export", *arguments, "-o", folder, "--json", **options))


def rows_in(folder, table):
    with open(folder / table / "rows.csv", newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def leftovers(folder):
    return sorted(path.name for path in folder.iterdir() if ".part-" in path.name)


@pytest.fixture
def filled(varve):
    lakes.create(varve, "t")
    for seed in range(4):
        lakes.put(varve, "t", seed)
    return varve


@pytest.fixture(scope="module")
def many(varve_on, tmp_path_factory):
    """Tables with histories of every kind, a key, and an export of all of them."""
    folder = tmp_path_factory.mktemp("many")
    varve = varve_on(folder / "lake")
    return varve, folder, export_mutate.build(varve, folder)


def test_the_steps_of_the_index_find_nothing(many):
    _, folder, done = many
    assert done["tables"] == 4
    said = follow(folder / "made")
    assert said == done["sha256"] + "\n" + CHECKED * 5


def test_the_steps_are_those_of_the_documentation(many):
    text = (ROOT / "docs" / "audit.md").read_text()
    steps = steps_of(many[1] / "made")
    assert len(steps) == 9
    assert [step for step in steps if f"```sh\n{step}```" not in text] == []


def documented():
    """The steps of docs/audit.md, which are for exports with and without a key."""
    text = (ROOT / "docs" / "audit.md").read_text().split("## An export")[1]
    return re.findall(r"```sh\n(.*?)```", text, re.DOTALL)


def test_the_steps_of_the_documentation_hold_for_an_unsigned_export_too(many, filled, tmp_path):
    _, folder, signed = many
    assert len(documented()) == 9
    assert follow(folder / "made", documented()) == signed["sha256"] + "\n" + CHECKED * 5
    done = export(filled, tmp_path / "x")
    assert follow(tmp_path / "x", documented()) == (
        f"{done['sha256']}\nThe list is not signed: there is no key.pub.\n"
        "The heads are not signed: there is no key.pub.\n")


def test_the_independent_checker_agrees(many):
    _, folder, done = many
    assert audit_check.check_export(folder / "made", done["sha256"]) == []
    assert audit_check.check_export(folder / "made", "0" * 64) != []


def test_the_index_says_what_is_in_it(many):
    varve, folder, _ = many
    text = (folder / "made" / "index.html").read_text()
    for table in ("plain", "mixed", "cleaned", "marked"):
        assert f"<h2>{table}</h2>" in text
        assert f"<tr><th>rows</th><td>{len(varve.rows('scan', table))}</td></tr>" in text
        assert json.loads(varve.ok("seal", table))["head"] in text
    assert "of other software, which name no hash" in text
    assert "earlier seals that are in the chain" in text
    assert "files in vectors/ say which" in text
    assert "http" not in text.replace("https://", "http")  # nothing is fetched


def test_rows_are_those_of_a_scan(many):
    varve, folder, _ = many
    for table in ("plain", "mixed", "cleaned", "marked"):
        lines = varve.ok("scan", table, "--format", "csv").splitlines()
        ours = (folder / "made" / table / "rows.csv").read_text().splitlines()
        assert ours[0] == lines[0]
        assert sorted(ours[1:]) == sorted(lines[1:])


@pytest.mark.slow
def test_each_mutation_of_a_file_is_found(many):
    """One file of each kind, the ways in turn; ci-long.sh does every file in every way."""
    _, folder, done = many
    chance = random.Random(5)
    files = export_mutate.files_of(folder / "made")
    chance.shuffle(files)
    kinds = sorted({export_mutate.kind_of(path): path for path in files}.items())
    changes = [(path, export_mutate.WAYS[i % 4]) for i, (_, path) in enumerate(kinds)]
    assert len(changes) == 17
    found = list(export_mutate.missed(folder / "made", done["sha256"], changes, chance))
    assert [one for one in found if one[2]] == []


def test_a_forged_list_of_hashes_shows_the_chain(many):
    """Whoever can write SHA256SUMS anew still can't make a commit, or a data file, fit."""
    _, folder, _ = many
    for pattern, said in (("plain/log/*3.json", "broken: plain/log"),
                          ("plain/sources/*/*.parquet", "no commit names: plain/sources")):
        copy = folder / "forged"
        shutil.copytree(folder / "made", copy)
        path = sorted(copy.glob(pattern))[0]
        data = bytearray(path.read_bytes())
        data[len(data) // 2] ^= 1
        path.write_bytes(bytes(data))
        names = [line.split("  ", 1)[1] for line in (copy / "SHA256SUMS").read_text().splitlines()]
        (copy / "SHA256SUMS").write_text("".join(
            f"{audit_check.sha256((copy / name).read_bytes())}  {name}\n" for name in names))
        steps = [step for step in steps_of(copy) if "SHA256SUMS.sig" not in step or "find" in step]
        assert said in follow(copy, steps)
        shutil.rmtree(copy)


def test_a_file_behind_the_changes_that_no_commit_names_is_found(many):
    copy = many[1] / "told"
    shutil.copytree(many[1] / "made", copy)
    path = copy / "plain" / "changes-files.csv"
    first = path.read_text().splitlines()[1].split(",")
    assert first[-1] == "commit"
    steps = [steps_of(copy)[0], steps_of(copy)[-1]]
    assert follow(copy, steps) == ""
    path.write_text(path.read_text().replace(first[-2], "0" * 64))
    assert follow(copy, steps) == (
        f"in plain/changes-files.csv, but no commit names: {'0' * 64}\n")
    shutil.rmtree(copy)


def test_a_range_has_its_rows_and_the_files_that_can_hold_them(filled, tmp_path):
    done = export(filled, tmp_path / "x", "t", "--from", "2025-01-11", "--to", "2025-01-12")
    rows = rows_in(tmp_path / "x", "t")
    assert rows and {row["ts"][:10] for row in rows} == {"2025-01-11"}
    assert done["rows"] == len(rows) == len(
        filled.rows("scan", "t", "--where", "date = '2025-01-11'"))
    kept = {path.parent.name for path in (tmp_path / "x" / "t" / "sources").rglob("*.parquet")}
    assert kept == {"date=2025-01-11"}
    assert follow(tmp_path / "x") == done["sha256"] + "\n"
    assert audit_check.check_export(tmp_path / "x", done["sha256"]) == []


def test_an_older_version_has_the_chain_up_to_it(filled, tmp_path):
    then = filled.rows("scan", "t", "--version", "2")
    done = export(filled, tmp_path / "x", "t", "--at", "2")
    assert done["rows"] == len(then) and done["sha256"]
    manifest = json.loads((tmp_path / "x" / "manifest.json").read_text())["tables"][0]
    assert (manifest["version"], manifest["commits"]) == (2, 3)
    assert len(list((tmp_path / "x" / "t" / "log").iterdir())) == 3
    assert follow(tmp_path / "x") == done["sha256"] + "\n"


def test_what_was_known_then(filled, tmp_path):
    time = filled.rows("history", "t")[2]["timestamp"]
    lakes.create(filled, "later")
    done = export(filled, tmp_path / "x", "--known-at", time)
    assert done["tables"] == 1
    manifest = json.loads((tmp_path / "x" / "manifest.json").read_text())
    assert manifest["tables"][0]["version"] == 2


def changes_in(folder, table):
    rows = []
    for path in sorted((folder / table / "changes").glob("*.csv")):
        with open(path, newline="", encoding="utf-8") as file:
            rows += list(csv.DictReader(file))
    return rows


def table_of(folder, table="t"):
    manifest = json.loads((folder / "manifest.json").read_text())
    return next(one for one in manifest["tables"] if one["table"] == table)


def told_by(varve, table, *arguments):
    """What `varve changes` tells, as it stands in an export."""
    text = varve.ok("changes", table, *arguments, "--format", "csv")
    return list(csv.DictReader(text.splitlines()))


def as_set(rows):
    return sorted(tuple(sorted(row.items())) for row in rows)


def test_changes_are_those_that_changes_tells(many):
    """Of a restored table, one with commits of other software, and one with deletion vectors."""
    varve, folder, done = many
    count = 0
    for table in ("plain", "mixed", "marked"):
        found = changes_in(folder / "made", table)
        assert as_set(found) == as_set(told_by(varve, table, "--from", "0"))
        assert {row["_change_type"] for row in found} >= {"insert", "delete"} - (
            {"delete"} if table == "mixed" else set())
        versions = [int(row["_commit_version"]) for row in found]
        assert versions == sorted(versions)
        count += len(found)
    assert done["changes"] == count + len(changes_in(folder / "made", "cleaned"))


def test_changes_as_parquet_are_those_of_the_csv(many):
    import pyarrow.parquet  # pylint: disable=import-outside-toplevel
    _, folder, _ = many
    for path in sorted((folder / "made").glob("*/changes/*.parquet")):
        told = pyarrow.parquet.ParquetFile(path).read().to_pylist()
        with open(path.with_suffix(".csv"), newline="", encoding="utf-8") as file:
            lines = list(csv.DictReader(file))
        assert [(row["sym"], row["_change_type"], str(row["_commit_version"])) for row in told] == [
            (line["sym"], line["_change_type"], line["_commit_version"]) for line in lines]


def test_changes_of_commits_that_are_gone_are_named(varve, tmp_path):
    lakes.build(varve, "cleaned")
    shutil.rmtree(varve.table("cleaned") / "_varve" / "ledger")
    done = export(varve, tmp_path / "x")
    said = table_of(tmp_path / "x", "cleaned")
    assert said["firstVersion"] > 0
    assert [(gap["from"], gap["to"]) for gap in said["changesMissing"]] == [
        (0, said["firstVersion"] - 1)]
    assert "the commits are gone" in said["changesMissing"][0]["reason"]
    assert done["changes_missing"] == said["firstVersion"]
    assert as_set(changes_in(tmp_path / "x", "cleaned")) == as_set(
        told_by(varve, "cleaned", "--from", str(said["firstVersion"])))


def test_changes_of_a_range_are_of_its_rows_at_every_version(filled, tmp_path):
    filled.ok("update", "t", "--set", "price=-1", "--where", "date = '2025-01-11'")
    filled.ok("delete", "t", "--where", "sym = 'S1'")
    export(filled, tmp_path / "x", "t", "--from", "2025-01-11", "--to", "2025-01-12")
    found = changes_in(tmp_path / "x", "t")
    assert as_set(found) == as_set(
        row for row in told_by(filled, "t", "--from", "0") if row["date"] == "2025-01-11")
    assert {row["_change_type"] for row in found} == {
        "insert", "delete", "update_preimage", "update_postimage"}
    assert audit_check.check_export(tmp_path / "x") == []
    with open(tmp_path / "x" / "t" / "changes-files.csv", newline="", encoding="utf-8") as file:
        files = list(csv.DictReader(file))
    assert files and all("date=2025-01-11/" in line["path"] for line in files)
    assert all(line["proof"] == "commit" and line["sha256"] in "".join(
        path.read_text() for path in (tmp_path / "x" / "t" / "log").iterdir()) for line in files)


def test_a_row_that_an_update_moves_out_of_the_range_has_both_its_halves(varve, tmp_path):
    varve.ok("create", "t", "--schema", "id bigint not null, ts timestamp, x int", "--key", "id",
             "--order-by", "ts")
    varve.upsert("t", "id,ts,x\n1,2025-01-10T00:00:00Z,1\n2,2025-01-11T00:00:00Z,2\n")
    varve.upsert("t", "id,ts,x\n1,2025-02-10T00:00:00Z,3\n2,2025-01-12T00:00:00Z,4\n")
    varve.upsert("t", "id,ts,x\n1,2025-02-11T00:00:00Z,5\n")
    export(varve, tmp_path / "x", "--from", "2025-01-01", "--to", "2025-02-01")
    assert table_of(tmp_path / "x")["timeColumn"] == "ts"
    assert [(row["id"], row["x"], row["_change_type"]) for row in changes_in(tmp_path / "x", "t")] == [
        ("1", "1", "insert"), ("2", "2", "insert"), ("1", "1", "update_preimage"),
        ("1", "3", "update_postimage"), ("2", "2", "update_preimage"), ("2", "4", "update_postimage")]


def test_what_a_vacuum_took_is_named_and_the_rest_is_told(filled, tmp_path):
    filled.ok("vacuum", "t", "--retain", "0s", "--unsafe", "--yes")
    for seed in (20, 21):
        lakes.put(filled, "t", seed)
    done = filled.run("export", "t", "-o", tmp_path / "x", "--json")
    assert done.returncode == 0, done.stderr
    said = table_of(tmp_path / "x")
    (gap,) = said["changesMissing"][:1]
    assert "the vacuum of version 5" in gap["reason"] and gap["from"] >= 1
    lost = [version for one in said["changesMissing"] for version in range(one["from"], one["to"] + 1)]
    assert json.loads(done.stdout)["changes_missing"] == len(lost) > 0
    assert "is not told in the export" in done.stderr and "the vacuum of version 5" in done.stderr
    index = (tmp_path / "x" / "index.html").read_text()
    assert "row changes that can't be told" in index and "the vacuum of version 5" in index
    newest = filled.rows("history", "t")[0]["version"]
    whole = [version for version in range(newest + 1) if version not in lost]
    assert as_set(changes_in(tmp_path / "x", "t")) == as_set(
        row for version in whole
        for row in told_by(filled, "t", "--from", str(version), "--to", str(version)))
    for version in lost:
        assert filled.run("changes", "t", "--from", str(version), "--to", str(version)).returncode == 5
    assert audit_check.check_export(tmp_path / "x") == []


def test_no_change_is_read_from_a_file_that_was_altered(filled, tmp_path):
    filled.ok("update", "t", "--set", "price=-1", "--where", "true")
    live = {row["path"] for row in filled.rows("files", "t")}
    old = next(path for path in sorted(filled.table("t").rglob("*.parquet"))
               if str(path.relative_to(filled.table("t"))) not in live)
    bad = bytearray(old.read_bytes())
    bad[-9] ^= 1
    old.write_bytes(bytes(bad))
    done = filled.run("export", "t", "-o", tmp_path / "x")
    assert done.returncode == 10 and old.name in done.stderr, done.stderr
    export(filled, tmp_path / "y", "t", "--no-changes")
    assert leftovers(tmp_path) == []


def test_changes_that_are_left_out_are_said_to_be(filled, tmp_path):
    done = export(filled, tmp_path / "x", "--no-changes")
    assert "changes" not in done and "changes_missing" not in done
    assert not (tmp_path / "x" / "t" / "changes").exists()
    assert table_of(tmp_path / "x")["hasChanges"] is False
    assert "as they were at the end alone" in (tmp_path / "x" / "index.html").read_text()
    assert audit_check.check_export(tmp_path / "x", done["sha256"]) == []


def test_row_changes_are_counted_where_they_are_exported(filled, tmp_path):
    said = [filled.ok("export", "-o", tmp_path / name, *more)
            for name, more in (("with", []), ("without", ["--no-changes"]))]
    assert re.match(r"exported \d+ rows and \d+ row changes of 1 table to ", said[0]), said
    assert re.match(r"exported \d+ rows of 1 table to ", said[1]), said


@pytest.mark.slow
def test_a_long_history_is_told_in_parts(filled, tmp_path):
    """Of 1,100 versions, written by other software, one with a hole in it that nobody knows of."""
    table = filled.table("t")
    data = filled.rows("files", "t")[0]["path"]
    rows = int(filled.rows("files", "t")[0]["rows"])
    first = filled.rows("history", "t")[0]["version"] + 1
    for version in range(first, 1100):
        name = f"{pathlib.Path(data).parent}/{version}.parquet"
        os.link(table / data, table / name)
        add = {"path": name, "partitionValues": {"date": data[5:15]}, "dataChange": True,
               "size": (table / data).stat().st_size, "modificationTime": version}
        (table / "_delta_log" / f"{version:020}.json").write_text(json.dumps({"add": add}) + "\n")
    done = export(filled, tmp_path / "x", "t")
    names = sorted(path.stem for path in (tmp_path / "x" / "t" / "changes").glob("*.csv"))
    assert names == [f"{begin:020}-{min(begin + 499, 1099):020}" for begin in (0, 500, 1000)]
    found = changes_in(tmp_path / "x", "t")
    assert [int(row["_commit_version"]) for row in found if int(row["_commit_version"]) >= first] == [
        version for version in range(first, 1100) for _ in range(rows)]
    assert done["changes"] == len(found) and done["changes_missing"] == 0
    assert follow(tmp_path / "x") == done["sha256"] + "\n"


def test_a_folder_that_is_there_is_refused(filled, tmp_path):
    (tmp_path / "x").mkdir()
    done = filled.run("export", "-o", tmp_path / "x")
    assert done.returncode == 2 and "is there already" in done.stderr
    assert list((tmp_path / "x").iterdir()) == [] and leftovers(tmp_path) == []
    done = filled.run("export", "-o", tmp_path / "none" / "x")
    assert done.returncode == 5 and "make it first" in done.stderr


def test_without_a_name_the_folder_has_the_time(filled, tmp_path):
    done = subprocess.run([str(filled.program), "--lake", str(filled.lake), "export", "t"],
                          cwd=tmp_path, capture_output=True, text=True, check=True)
    name = re.search(r"to (export-\d{8}T\d{6}Z) ", done.stdout)[1]
    assert (tmp_path / name / "index.html").exists()


def test_on_a_full_disk_there_is_no_folder(filled, tmp_path):
    """At each size that a file may have at most, there is all of it or nothing."""
    codes = []
    for most in (0, 60, 300, 1000, 2000, 4000, 5000, 10_000_000):
        def limit(most=most):
            resource.setrlimit(resource.RLIMIT_FSIZE, (most, most))
        folder = tmp_path / str(most)
        done = subprocess.run(
            [str(filled.program), "--lake", str(filled.lake), "export", "-o", str(folder)],
            capture_output=True, text=True, preexec_fn=limit, check=False)
        assert leftovers(tmp_path) == []
        assert folder.exists() == (done.returncode == 0), done.stderr
        codes.append(done.returncode)
    assert set(codes[:-1]) == {8} and codes[-1] == 0


@pytest.mark.parametrize("seam", ["crash=new_folder.synced:1", "crash=store.stage.made:9"])
def test_killed_it_leaves_no_folder_of_that_name(filled, tmp_path, seam):
    done = filled.run("export", "-o", tmp_path / "x", env={"VARVE_TEST_SEAMS": seam})
    assert done.returncode == -signal.SIGKILL
    assert not (tmp_path / "x").exists() and len(leftovers(tmp_path)) == 1
    assert export(filled, tmp_path / "x")["tables"] == 1


def test_a_name_that_is_taken_meanwhile_is_not_written_over(filled, tmp_path):
    """The rename never replaces: an empty folder would be, by another call."""
    done = filled.run("export", "-o", tmp_path / "x",
                      env={"VARVE_TEST_SEAMS": "fail=store.rename_new_missing:1"})
    assert done.returncode == 0 and (tmp_path / "x" / "index.html").exists()


def test_a_table_that_was_tampered_with_is_not_exported(filled, tmp_path):
    commit = filled.table("t") / "_delta_log" / f"{1:020}.json"
    good = commit.read_text()
    commit.write_text(good.replace('"userName":"', '"userName":"X', 1))
    done = filled.run("export", "t", "-o", tmp_path / "x")
    assert done.returncode == 10 and "the chain is broken" in done.stderr
    commit.write_text(good)
    for data in filled.table("t").rglob("*.parquet"):
        bad = bytearray(data.read_bytes())
        bad[-9] ^= 1  # of the name of who wrote it: it can be read as ever
        data.write_bytes(bytes(bad))
    done = filled.run("export", "t", "-o", tmp_path / "x")
    assert done.returncode == 10 and "not what the log says" in done.stderr
    assert not (tmp_path / "x").exists() and leftovers(tmp_path) == []


def test_an_earlier_seal_that_does_not_fit_is_told(filled, tmp_path):
    seal = json.loads(filled.ok("seal", "t"))
    noted = tmp_path / "noted"
    noted.write_text(json.dumps(seal) + "\n" + json.dumps(dict(seal, table="other")) + "\n")
    lakes.put(filled, "t", 30)
    assert export(filled, tmp_path / "a", "t", "--seals", noted)["tables"] == 1
    assert json.loads((tmp_path / "a" / "t" / "seals.ndjson").read_text()) == seal
    noted.write_text(json.dumps(dict(seal, head="0" * 64)))
    done = filled.run("export", "t", "--seals", noted, "-o", tmp_path / "x")
    assert done.returncode == 10 and "is not what was sealed" in done.stderr
    noted.write_text(json.dumps(dict(seal, version=seal["version"] + 1)))
    done = filled.run("export", "t", "--at", str(seal["version"]), "--seals", noted,
                      "-o", tmp_path / "y")
    assert done.returncode == 0 and "is left out" in done.stderr
    noted.write_text("nonsense")
    done = filled.run("export", "t", "--seals", noted, "-o", tmp_path / "x")
    assert done.returncode == 2 and "earlier seals" in done.stderr


def test_a_table_that_was_rolled_back_is_not_exported(filled, tmp_path):
    noted = tmp_path / "noted"
    noted.write_text(filled.ok("seal", "t"))
    sealed = json.loads(noted.read_text())["version"]
    (filled.table("t") / "_delta_log" / f"{sealed:020}.json").unlink()
    shutil.rmtree(filled.table("t") / "_varve", ignore_errors=True)
    for more in ((), ("--at", str(sealed - 1)), ("--at", str(sealed - 2))):
        done = filled.run("export", "t", *more, "--seals", noted, "-o", tmp_path / "x")
        assert done.returncode == 10 and "was rolled back" in done.stderr, done.stderr
    assert not (tmp_path / "x").exists() and leftovers(tmp_path) == []


def test_a_sealed_table_that_was_deleted_is_missed(filled, tmp_path):
    lakes.create(filled, "u")
    noted = tmp_path / "noted"
    noted.write_text(filled.ok("seal"))
    shutil.rmtree(filled.table("u"))
    done = filled.run("export", "--seals", noted, "-o", tmp_path / "x")
    assert done.returncode == 10 and "of table u was sealed" in done.stderr
    assert not (tmp_path / "x").exists() and leftovers(tmp_path) == []
    assert export(filled, tmp_path / "named", "t", "--seals", noted)["tables"] == 1


def test_seals_are_of_a_table_however_it_is_named(filled, tmp_path):
    path, noted = filled.table("t"), tmp_path / "noted"
    seal = json.loads(filled.ok("seal", "t"))
    for written, asked in (("t", path), (str(path), "t"), (f"file://{path}/", f"{path}/")):
        noted.write_text(json.dumps(dict(seal, table=written)))
        export(filled, tmp_path / "good", asked, "--seals", noted)
        assert list((tmp_path / "good").glob("t/seals.ndjson"))
        shutil.rmtree(tmp_path / "good")
        noted.write_text(json.dumps(dict(seal, table=written, head="0" * 64)))
        done = filled.run("export", asked, "--seals", noted, "-o", tmp_path / "x")
        assert done.returncode == 10 and "is not what was sealed" in done.stderr


@pytest.mark.parametrize("named", ["lake/t", "./lake/t", "lake/../lake/t"])
def test_a_seal_of_a_table_by_a_relative_path_is_good_in_every_folder(filled, tmp_path, named):
    def run(folder, *arguments):
        return subprocess.run([filled.program, "--lake", filled.lake, *map(str, arguments)],
                              cwd=folder, capture_output=True, text=True, check=False)
    noted, other = tmp_path / "noted", tmp_path / "other"
    other.mkdir()
    noted.write_text(run(tmp_path, "seal", named).stdout)
    assert json.loads(noted.read_text())["table"] == str(filled.table("t").resolve())
    for number, folder in enumerate((tmp_path, other)):
        assert run(folder, "export", "--seals", noted, "-o", f"all{number}").returncode == 0
        assert (folder / f"all{number}" / "t" / "seals.ndjson").exists()
    assert run(tmp_path, "export", named, "-o", "one").returncode == 0
    again = tmp_path / "one" / "t" / "seal.json"
    assert run(other, "export", "--seals", again, "-o", "two").returncode == 0
    noted.write_text(json.dumps(dict(json.loads(noted.read_text()), table=named)))
    assert run(tmp_path, "export", "--seals", noted, "-o", "three").returncode == 0
    done = run(other, "export", "--seals", noted, "-o", "four")
    assert done.returncode == 2 and "from this folder" in done.stderr


def test_a_table_that_is_a_link_is_known_by_both_its_paths(filled, tmp_path):
    path, noted = filled.table("t"), tmp_path / "noted"
    path.rename(tmp_path / "real")
    path.symlink_to(tmp_path / "real")
    noted.write_text(filled.ok("seal", tmp_path / "real"))
    export(filled, tmp_path / "x", "--seals", noted)
    assert (tmp_path / "x" / "t" / "seals.ndjson").read_text() == noted.read_text()
    noted.write_text(json.dumps(dict(json.loads(noted.read_text()), head="0" * 64)))
    done = filled.run("export", "--seals", noted, "-o", tmp_path / "y")
    assert done.returncode == 10 and "is not what was sealed" in done.stderr
    done = filled.run("export", "t", tmp_path / "real", "-o", tmp_path / "y")
    assert done.returncode == 2 and "named twice" in done.stderr


def test_seals_that_are_not_looked_at_are_told(filled, tmp_path):
    lakes.create(filled, "u")
    noted = tmp_path / "noted"
    noted.write_text(filled.ok("seal"))
    done = filled.run("export", "t", "--seals", noted, "-o", tmp_path / "a")
    assert done.returncode == 0 and "1 of 2 earlier seals are not looked at" in done.stderr
    assert "not looked at" not in filled.run("export", "--seals", noted, "-o", tmp_path / "b").stderr
    for text, said in ((filled.ok("seal", "u"), "the first is of table u"),
                       (filled.ok("seal", "u").replace('"u"', '"gone"'), "of table gone"),
                       ("", "there is none in it"), ("\n \n", "there is none in it")):
        noted.write_text(text)
        done = filled.run("export", "t", "--seals", noted, "-o", tmp_path / "x")
        assert done.returncode == 2 and said in done.stderr, (text, done.stderr)
    assert not (tmp_path / "x").exists() and leftovers(tmp_path) == []


def test_a_message_is_one_line_of_the_commits(filled, tmp_path):
    """Whatever a message holds the steps find nothing, and it can't stand for a hash."""
    lakes.put(filled, "t", 30)
    text, noted = "one\n\"two\", three\r\nfour\tfive", tmp_path / "noted"
    fake = "ab" * 32
    for number, message in enumerate((text, f"x\n1,2,3,{fake}\n", f'",{fake}')):
        filled.upsert("t", f"ts,sym,price,note\n2025-01-20T10:00:00Z,S{number},1,n\n",
                      "--message", message)
    noted.write_text(filled.ok("seal", "t"))
    done = export(filled, tmp_path / "x", "t", "--seals", noted)
    assert follow(tmp_path / "x") == done["sha256"] + "\n"
    assert audit_check.check_export(tmp_path / "x", done["sha256"]) == []
    with open(tmp_path / "x" / "t" / "commits.csv", newline="", encoding="utf-8") as file:
        lines = file.read().splitlines()
    said = [line["userMetadata"] for line in csv.DictReader(lines)]
    assert said[-3] == 'one "two", three  four five'
    assert len(lines) == 1 + len(filled.rows("history", "t"))
    seals = tmp_path / "x" / "t" / "seals.ndjson"
    seals.write_text(json.dumps(dict(json.loads(seals.read_text()), head=fake)))
    assert f"not in the chain: {fake}" in follow(tmp_path / "x")


def test_tables_that_are_named_like_files_of_the_export(varve, tmp_path):
    names = ("manifest.json", "SHA256SUMS", "sha256sums.sig", "key.pub", "index.html", "-rf")
    for name in names:
        lakes.create(varve, "x")
        lakes.put(varve, "x", 1)
        varve.table("x").rename(varve.table(name))
    varve.ok("keygen", tmp_path / "key")
    done = export(varve, tmp_path / "x", "--key", tmp_path / "key")
    assert done["tables"] == len(names)
    folders = {path.parent.name for path in (tmp_path / "x").glob("*/rows.csv")}
    assert folders == {f"{name}-2" for name in names[:-1]} | {"table"}
    assert follow(tmp_path / "x") == done["sha256"] + "\n" + CHECKED * (1 + len(names))


def test_one_table_by_two_names_is_refused(filled, tmp_path):
    for other in ("t", filled.table("t"), f"{filled.lake}/./t/", f"file://{filled.table('t')}"):
        done = filled.run("export", "t", other, "-o", tmp_path / "x")
        assert done.returncode == 2 and "table" in done.stderr and "named twice" in done.stderr
    assert not (tmp_path / "x").exists()


def test_a_lake_with_a_table_that_cannot_be_read(filled, tmp_path):
    lakes.create(filled, "u")
    commit = filled.table("u") / "_delta_log" / f"{0:020}.json"
    protocol = {"protocol": {"minReaderVersion": 3, "minWriterVersion": 7,
                             "readerFeatures": ["catalogManaged"],
                             "writerFeatures": ["catalogManaged"]}}
    commit.write_text("".join(json.dumps(protocol) + "\n" if '"protocol"' in line else line
                              for line in commit.read_text().splitlines(keepends=True)))
    done = filled.run("export", "-o", tmp_path / "x")
    assert done.returncode == 7 and "table u" in done.stderr and "catalogManaged" in done.stderr
    assert "name the tables to export: varve export TABLE..." in done.stderr
    done = filled.run("export", "u", "-o", tmp_path / "x")
    assert done.returncode == 7 and "name the tables" not in done.stderr
    assert export(filled, tmp_path / "x", "t")["tables"] == 1


def test_without_sources_it_says_so(filled, tmp_path):
    done = export(filled, tmp_path / "x", "--no-sources")
    assert not (tmp_path / "x" / "t" / "sources").exists()
    assert "left out of this export" in (tmp_path / "x" / "index.html").read_text()
    assert follow(tmp_path / "x") == done["sha256"] + "\n"


def test_bad_ranges_and_versions(filled, tmp_path):
    lakes.create(filled, "u")
    for arguments, said in (
            (("t", "--from", "2025-02-01", "--to", "2025-01-01"), "after its end"),
            (("t", "--from", "someday"), "is not a time"),
            (("--at", "1"), "give a time or a tag instead"),
            (("t", "t"), "is named twice"),
            (("t", "--last", "3d", "--from", "2025-01-01"), "not both"),
            (("t", "--key", tmp_path / "none"), "none")):
        done = filled.run("export", *arguments, "-o", tmp_path / "x")
        assert done.returncode in (2, 5) and said in done.stderr, (arguments, done.stderr)
    assert not os.path.exists(tmp_path / "x") and leftovers(tmp_path) == []


def test_a_table_without_a_time_is_exported_whole(varve, tmp_path):
    varve.ok("create", "codes", "--schema", "id bigint not null, word string", "--key", "id")
    varve.upsert("codes", 'id,word\n1,"<b>&"\n2,\n')
    done = varve.run("export", "--from", "2025-01-01", "-o", tmp_path / "x")
    assert done.returncode == 0 and "has no time column" in done.stderr
    assert (tmp_path / "x" / "codes" / "rows.csv").read_text() == "id,word\n1,<b>&\n2,\n"
    done = varve.run("export", "--to", "someday", "-o", tmp_path / "y")
    assert done.returncode == 2 and "is not a time" in done.stderr


def test_all_types_are_those_of_a_scan(varve, tmp_path):
    varve.ok("create", "t", "--schema",
             "id bigint not null, a string, n timestamp_ntz, b binary, l array<int>, "
             "s struct<x:int,y:string>, m map<string,int>, d decimal(10,2), dt date, f float, "
             "g double, bo boolean, d2 decimal(18,18), "
             "w struct<l:array<float>,t:timestamp,n:timestamp_ntz,b:binary,d:decimal(38,20)>, "
             "x map<double,decimal(10,2)>", "--key", "id")
    rows = [{"id": 1, "a": 'x,"y', "n": "2025-01-30T10:00:00.5", "b": "AAEC", "l": [1, 2],
             "s": {"x": 1, "y": "q"}, "m": {"k": 2}, "d": 1.25, "dt": "2025-01-30", "f": "NaN",
             "g": "-Infinity", "bo": True, "d2": "-0.5",
             "w": {"l": [0.1, "NaN", None, "Infinity"], "t": "2025-01-30T10:00:00.5Z",
                   "n": "2025-01-30", "b": "AAEC", "d": "123456789012.12345678901234567890"},
             "x": {"NaN": 1, "0.5": None}}, {"id": 2, "a": ""}, {"id": 3, "a": "line\nfeed", "g": 0.1}]
    varve.upsert("t", "\n".join(map(json.dumps, rows)))
    export(varve, tmp_path / "x")
    assert (tmp_path / "x" / "t" / "rows.csv").read_text() == varve.ok(
        "query", "FROM t ORDER BY id", "--format", "csv")


@pytest.mark.parametrize("more", [(), ("--no-sources",)])
def test_no_row_is_read_from_a_file_that_was_altered(filled, tmp_path, more):
    path = filled.rows("files", "t")[0]["path"]
    data = filled.table("t") / path
    bad = bytearray(data.read_bytes())
    bad[4:len(bad) - 8] = bytes(len(bad) - 12)  # no reader makes sense of it
    data.write_bytes(bytes(bad))
    done = filled.run("export", "t", "-o", tmp_path / "x", *more)
    assert done.returncode == 10, done.stderr
    assert data.name in done.stderr and "not what the log says" in done.stderr
    assert not (tmp_path / "x").exists() and leftovers(tmp_path) == []


def test_what_a_killed_export_left_is_removed_by_the_next(filled, tmp_path):
    seam = {"VARVE_TEST_SEAMS": "crash=new_folder.synced:1"}
    assert filled.run("export", "-o", tmp_path / "x", env=seam).returncode == -signal.SIGKILL
    (left,) = leftovers(tmp_path)
    others = [".y.part-01234567", ".x.part-0123456", ".x.part-0123456z", ".x.part-012345678"]
    for name in others:
        (tmp_path / name).mkdir()
    export(filled, tmp_path / "x")
    assert left not in leftovers(tmp_path) and leftovers(tmp_path) == sorted(others)


def test_what_an_export_under_way_has_is_left_alone(filled, tmp_path):
    import fcntl  # pylint: disable=import-outside-toplevel
    busy = tmp_path / ".x.part-01234567"
    busy.mkdir()
    held = os.open(busy, os.O_RDONLY)
    fcntl.flock(held, fcntl.LOCK_EX)
    export(filled, tmp_path / "x")
    assert leftovers(tmp_path) == [busy.name]
    os.close(held)
    export(filled, tmp_path / "x2")
    assert leftovers(tmp_path) == [busy.name]  # of another name


def test_a_change_file_that_nothing_took_is_missed(varve, tmp_path):
    lakes.create(varve, "t", "--property", "delta.enableChangeDataFeed=true")
    for seed in range(4):
        lakes.put(varve, "t", seed)
    lakes.put(varve, "t", 0)
    path = next(varve.table("t").glob("_change_data/**/*.parquet"))
    content = path.read_bytes()
    path.unlink()
    done = varve.run("export", "t", "-o", tmp_path / "x")
    assert done.returncode == 10 and path.name in done.stderr and "the retention keeps it" in done.stderr
    assert varve.run("verify", "t").returncode == 10
    assert not (tmp_path / "x").exists() and leftovers(tmp_path) == []
    export(varve, tmp_path / "rows", "t", "--no-changes")
    path.write_bytes(content)
    varve.ok("hold", "add", "audit", "--at", "0")
    varve.ok("alter", "t", "set", "delta.deletedFileRetentionDuration=interval 0 days")
    path.unlink()
    done = varve.run("export", "t", "-o", tmp_path / "x")
    assert done.returncode == 10 and "the hold audit keeps it" in done.stderr
    varve.ok("hold", "release", "audit")
    assert export(varve, tmp_path / "y", "t")["changes_missing"] > 0  # as after a clean-up of others
