"""Restore: the table is what it was, and nothing of what came since is lost from its history."""

import json
import random
import re
import subprocess
import time

import pytest
from deltalake import DeltaTable

TABLE = "ticks"
SCHEMA = ("ts timestamp not null, sym string not null, price double, seen bigint, "
          "date date not null")


@pytest.fixture
def ticks(varve):
    varve.ok("create", TABLE, "--schema", SCHEMA, "--partition-by", "date", "--key", "ts,sym",
             "--order-by", "seen")
    return varve


def put(varve, number, *arguments, count=6):
    chance = random.Random(number)
    lines = [f"2025-01-1{chance.randrange(3)}T10:00:0{chance.randrange(6)}Z,S{row % 3},"
             f"{chance.random():.4f},{number}" for row in range(count)]
    return varve.upsert(TABLE, "ts,sym,price,seen\n" + "\n".join(lines) + "\n", *arguments)


def rows(varve, *arguments):
    return sorted(varve.ok("scan", TABLE, "--format", "csv", *arguments).splitlines())


def restore(varve, *arguments):
    return json.loads(varve.ok("restore", TABLE, "--yes", "--json", *arguments))


def test_each_version_comes_back_and_can_be_left_again(ticks):
    contents = [rows(ticks)]
    for number in range(1, 6):
        put(ticks, number)
        if number == 3:
            ticks.ok("optimize", TABLE)
        while len(contents) <= ticks.version(TABLE):
            contents.append(rows(ticks, "--at", len(contents)))
    order = list(range(len(contents)))
    random.Random(1).shuffle(order)
    for version in order:
        latest = ticks.version(TABLE)
        result = restore(ticks, "--version", version)
        assert rows(ticks) == contents[version]
        assert result["restored"] == version
        assert result["version"] == latest + (1 if result["changed"] else 0)
    for version, content in enumerate(contents):
        assert rows(ticks, "--at", version) == content
    assert len(DeltaTable(str(ticks.table(TABLE))).to_pyarrow_table()) == len(rows(ticks)) - 1


def test_by_time(ticks):
    put(ticks, 1)
    stamp = ticks.rows("history", TABLE, "--limit", "1")[0]["timestamp"]
    before = rows(ticks)
    put(ticks, 2)
    result = restore(ticks, "--timestamp", stamp)
    assert (result["restored"], rows(ticks)) == (1, before)
    entry = ticks.rows("history", TABLE, "--limit", "1")[0]
    assert entry["operation"] == "RESTORE"
    assert entry["operationParameters"] == {"version": None, "timestamp": stamp}


def test_what_was_restored_is_on_record_when_the_tag_is_gone(ticks):
    put(ticks, 1)
    put(ticks, 2)
    ticks.ok("--at", "1", "tag", "create", "t1", TABLE)

    def recorded(*arguments):
        assert restore(ticks, *arguments)["changed"]
        return ticks.rows("history", TABLE, "--limit", "1")[0]["operationParameters"]

    assert recorded("--at", "t1") == {"version": 1, "timestamp": None, "tag": "t1"}
    assert recorded("--version", 2) == {"version": 2, "timestamp": None}
    latest = ticks.version(TABLE)
    for path in (ticks.table(TABLE) / "_delta_log").glob("*.json"):
        path.write_text(re.sub(r'"timestamp":(\d+)', lambda match: '"timestamp":' + str(
            int(match[1]) - 2 * 3600 * 1000), path.read_text(), count=1))
    put(ticks, 3)
    assert recorded("--timestamp", "-1h") == {"version": latest, "timestamp": None}


def test_rules_come_back_with_the_rows(ticks):
    put(ticks, 1)
    table = DeltaTable(str(ticks.table(TABLE)))
    table.alter.add_constraint({"cheap": "price < 10"})
    assert "delta.constraints.cheap" in ticks.ok("describe", TABLE, "--json")
    restore(ticks, "--version", 1)
    assert "delta.constraints.cheap" not in ticks.ok("describe", TABLE, "--json")
    ticks.upsert(TABLE, "ts,sym,price,seen\n2025-01-10T11:00:00Z,S1,1000,9\n")


def test_history_has_sparks_words(ticks):
    put(ticks, 1)
    put(ticks, 2)
    removed = ticks.rows("files", TABLE)
    restore(ticks, "--version", 1, "--message", "bad feed")
    now = ticks.rows("files", TABLE)
    entry = ticks.rows("history", TABLE, "--limit", "1")[0]
    metrics = {name: int(value) for name, value in entry["operationMetrics"].items()}
    gone = {file["path"] for file in removed} - {file["path"] for file in now}
    back = {file["path"] for file in now} - {file["path"] for file in removed}
    assert (metrics["numRemovedFiles"], metrics["numRestoredFiles"]) == (len(gone), len(back))
    assert metrics["removedFilesSize"] == sum(f["bytes"] for f in removed if f["path"] in gone)
    assert metrics["numOfFilesAfterRestore"] == len(now)
    assert metrics["tableSizeAfterRestore"] == sum(file["bytes"] for file in now)
    assert entry["userMetadata"] == "bad feed"


def test_a_batch_that_was_applied_stays_applied(ticks):
    put(ticks, 1)
    put(ticks, 2, "--app-id", "bot", "--app-version", "7")
    restore(ticks, "--version", 1)
    before = rows(ticks)
    assert put(ticks, 2, "--app-id", "bot", "--app-version", "7")["already_applied"]
    assert rows(ticks) == before


def test_nothing_is_written_where_nothing_changes_or_for_a_trial(ticks):
    put(ticks, 1)
    put(ticks, 2)
    assert not restore(ticks, "--version", 2)["changed"]
    dry = json.loads(ticks.ok("restore", TABLE, "--version", "1", "--dry-run", "--json"))
    assert dry["changed"] and dry["files_removed"] > 0
    assert ticks.version(TABLE) == 2


@pytest.mark.parametrize("arguments, status, words", [
    (["--version", "1"], 2, "say --yes"), (["--yes"], 2, "--version N or --timestamp"),
    (["--version", "9", "--yes"], 5, "9"), (["--version", "x", "--yes"], 2, "version number"),
    (["--version", "1", "--timestamp", "now", "--yes"], 2, "one of"),
    (["--timestamp", "1999-01-01", "--yes"], 5, "there is no version as of"),
])
def test_what_can_not_be_is_refused(ticks, arguments, status, words):
    put(ticks, 1)
    put(ticks, 2)
    done = ticks.run("restore", TABLE, *arguments)
    assert done.returncode == status and words in done.stderr
    assert ticks.version(TABLE) == 2


def test_a_version_whose_files_are_gone_is_refused_by_name(ticks):
    for number in (1, 2, 3):
        put(ticks, number, count=30)
    ticks.ok("vacuum", TABLE, "--retain", "0s", "--unsafe", "--yes")
    before, version = rows(ticks), ticks.version(TABLE)
    done = ticks.run("restore", TABLE, "--version", "1", "--yes")
    assert done.returncode == 5
    assert "version 1" in done.stderr and "date=2025-01-1" in done.stderr
    assert (rows(ticks), ticks.version(TABLE)) == (before, version)


@pytest.fixture
def marked(varve):
    """Three rows in one file; versions 2 and 3 take a row each, by a deletion vector."""
    varve.ok("create", "r", "--schema", "id int not null, v int", "--key", "id",
             "--property", "delta.enableDeletionVectors=true")
    varve.upsert("r", "id,v\n1,1\n2,2\n3,3\n")
    varve.ok("delete", "r", "--where", "id = 1")
    varve.ok("delete", "r", "--where", "id = 2")
    return varve


def ids(varve, *arguments):
    return sorted(row["id"] for row in varve.rows("scan", "r", *arguments))


def test_a_version_whose_deletion_vector_is_gone_is_refused_by_name(marked):
    gone = set(path.name for path in marked.table("r").glob("*.bin"))
    done = marked.run("vacuum", "r", "--retain", "0h", "--unsafe", "--yes")
    gone -= set(path.name for path in marked.table("r").glob("*.bin"))
    assert done.returncode == 0 and len(gone) == 1
    assert "all versions from 3 on can be read; of those before, not all" in done.stderr
    version = marked.version("r")
    done = marked.run("restore", "r", "--version", "2", "--yes")
    assert done.returncode == 5 and gone.pop() in done.stderr
    assert (marked.version("r"), ids(marked)) == (version, [3])
    assert json.loads(marked.ok("restore", "r", "--version", "1", "--yes", "--json"))["changed"]
    assert ids(marked) == [1, 2, 3]  # the same file, which had no vector then


def test_a_version_with_a_deletion_vector_comes_back(marked):
    marked.ok("restore", "r", "--version", "2", "--yes")
    assert ids(marked) == [2, 3]
    assert DeltaTable(str(marked.table("r"))).version() == 4


def announce(varve, operation, **parameters):
    """The commit by which a vacuum of any engine begins or ends."""
    commit = varve.table("r") / "_delta_log" / f"{varve.version('r') + 1:020}.json"
    commit.write_text(json.dumps({"commitInfo": {
        "timestamp": int(time.time() * 1000), "operation": operation, "engineInfo": "other/1",
        "operationParameters": parameters}}) + "\n")


@pytest.mark.parametrize("retention, is_kept", [("0 seconds", False), ("7 days", True)])
def test_what_a_vacuum_under_way_may_remove_does_not_come_back(varve, retention, is_kept):
    varve.ok("create", "r", "--schema", "id int not null, v int", "--key", "id",
             "--property", f"delta.deletedFileRetentionDuration=interval {retention}")
    for value in (1, 2):
        varve.upsert("r", f"id,v\n1,{value}\n")
    announce(varve, "VACUUM START",
             defaultRetentionMillis=7 * 86400000 if is_kept else 0)
    done = varve.run("restore", "r", "--version", "1", "--yes")
    if not is_kept:
        assert done.returncode == 4 and "version 3 and has not ended" in done.stderr
        assert varve.version("r") == 3
        announce(varve, "VACUUM END", status="COMPLETED")
        done = varve.run("restore", "r", "--version", "1", "--yes")
    assert done.returncode == 0 and varve.rows("scan", "r") == [{"id": 1, "v": 1}]


@pytest.mark.contradicts_itself
@pytest.mark.parametrize("damaged", [[0], [1], [0, 1]])
def test_a_damaged_commit_hides_no_vacuum_and_hinders_no_restore(varve, damaged):
    varve.ok("create", "r", "--schema", "id int not null, v int", "--key", "id",
             "--property", "delta.deletedFileRetentionDuration=interval 0 seconds")
    for value in (1, 2, 3):
        varve.upsert("r", f"id,v\n1,{value}\n")
        varve.ok("checkpoint", "r")
    for version in damaged:
        (varve.table("r") / "_delta_log" / f"{version:020}.json").write_text("{")
    announce(varve, "VACUUM START", defaultRetentionMillis=0)
    done = varve.run("restore", "r", "--version", "2", "--yes")
    assert done.returncode == 4 and "try again when it has" in done.stderr
    announce(varve, "VACUUM END", status="COMPLETED")
    varve.ok("restore", "r", "--version", "2", "--yes")
    assert varve.rows("scan", "r") == [{"id": 1, "v": 2}]
    varve.ok("restore", "r", "--version", "3", "--yes")


def drop_features(varve):
    """What DROP FEATURE of another engine leaves: nothing in the table needs it, and it is gone."""
    varve.ok("alter", "r", "set", "delta.enableDeletionVectors=false")
    varve.ok("delete", "r", "--where", "true")
    commit = varve.table("r") / "_delta_log" / f"{varve.version('r') + 1:020}.json"
    commit.write_text(
        '{"commitInfo":{"timestamp":1,"operation":"DROP FEATURE","engineInfo":"other/1"}}\n'
        '{"protocol":{"minReaderVersion":1,"minWriterVersion":2}}\n')


def protocol(varve):
    return DeltaTable(str(varve.table("r"))).protocol()


def test_features_that_were_dropped_come_back_with_what_needs_them(marked):
    had = protocol(marked)
    drop_features(marked)
    assert protocol(marked).min_reader_version == 1 and ids(marked) == []
    marked.ok("restore", "r", "--version", "0", "--yes")  # no row, but the property
    restored = protocol(marked)
    assert set(restored.reader_features) == set(had.reader_features) == {"deletionVectors"}
    assert set(restored.writer_features) >= set(had.writer_features)
    marked.ok("restore", "r", "--version", "2", "--yes")
    assert ids(marked) == [2, 3]
    assert marked.upsert("r", "id,v\n4,4\n")["inserted"] == 1


def test_a_feature_that_varve_does_not_write_does_not_come_back(varve):
    """Else nobody could take it back again."""
    varve.ok("create", "r", "--schema", "id int not null, v int", "--key", "id")
    log = varve.table("r") / "_delta_log"
    lines = [json.loads(line) for line in (log / f"{0:020}.json").read_text().splitlines()]
    metadata = next(line["metaData"] for line in lines if "metaData" in line)
    tracking = json.loads(json.dumps(metadata))
    tracking["configuration"]["delta.enableRowTracking"] = "true"
    features = ["rowTracking", "domainMetadata", "appendOnly", "invariants"]
    for version, actions in ((1, [{"metaData": tracking}, {"protocol": {
            "minReaderVersion": 1, "minWriterVersion": 7, "writerFeatures": features}}]),
                             (2, [{"metaData": metadata}, {"protocol": {
                                 "minReaderVersion": 1, "minWriterVersion": 2}}])):
        actions.insert(0, {"commitInfo": {"timestamp": 1, "operation": "X", "engineInfo": "other/1"}})
        (log / f"{version:020}.json").write_text("".join(json.dumps(line) + "\n" for line in actions))
    varve.upsert("r", "id,v\n1,1\n")
    done = varve.run("restore", "r", "--version", "1", "--yes")
    assert done.returncode == 7 and "can't be restored" in done.stderr, done.stderr
    assert varve.version("r") == 3 and varve.upsert("r", "id,v\n2,2\n")["inserted"] == 1


def test_deletion_vectors_of_a_table_without_the_feature_are_found_and_mended(varve):
    """Other software shows the deleted rows then."""
    varve.ok("create", "r", "--schema", "id int not null, v int", "--key", "id",
             "--property", "delta.enableDeletionVectors=true")
    varve.upsert("r", "id,v\n" + "".join(f"{n},{n}\n" for n in range(50)))
    varve.ok("delete", "r", "--where", "id < 5")
    (varve.table("r") / "_delta_log" / f"{3:020}.json").write_text(json.dumps(
        {"protocol": {"minReaderVersion": 1, "minWriterVersion": 2}}) + "\n")
    done = varve.run("verify", "r", "--json")
    finding, = [row for row in json.loads(done.stdout)["findings"] if row["wrong"]]
    assert (done.returncode, finding["kind"]) == (10, "rule.feature")
    report = json.loads(varve.ok("doctor", "r", "--json"))
    ailment, = [check for check in report["health"] if not check["good"]]
    assert (ailment["check"], ailment["count"]) == ("deletion_vectors", 5)
    assert ailment["advice"] == "varve alter r upgrade deletionVectors"
    result = json.loads(varve.ok("restore", "r", "--version", "2", "--yes", "--json"))
    assert (result["changed"], result["version"]) == (True, 4)
    assert json.loads(varve.ok("verify", "r", "--json"))["whole"]
    assert DeltaTable(str(varve.table("r"))).protocol().min_reader_version == 3
    assert not json.loads(varve.ok("restore", "r", "--version", "2", "--yes", "--json"))["changed"]


def test_ids_of_columns_are_not_used_again_after_a_restore_to_before_there_were_any(varve):
    varve.ok("create", "r", "--schema", "id int not null, v int", "--key", "id")

    def metadata():
        lines = "".join(path.read_text() for path in sorted(
            (varve.table("r") / "_delta_log").glob("*.json"))).splitlines()
        return [json.loads(line)["metaData"] for line in lines if '"metaData"' in line][-1]

    def most():
        return int(metadata()["configuration"]["delta.columnMapping.maxColumnId"])

    varve.ok("alter", "r", "rename-column", "v", "w", "--upgrade")
    varve.ok("alter", "r", "add-column", "x int")
    assert most() == 3
    varve.ok("restore", "r", "--version", "0", "--yes")
    assert most() == 3
    varve.ok("alter", "r", "rename-column", "v", "y", "--upgrade")
    ids = [field["metadata"]["delta.columnMapping.id"]
           for field in json.loads(metadata()["schemaString"])["fields"]]
    assert min(ids) > 3 and most() == max(ids)


def configuration(varve, version):
    """What the metaData of a commit says; None: it has none."""
    path = varve.table("t") / "_delta_log" / f"{version:020}.json"
    lines = [json.loads(line) for line in path.read_text().splitlines()]
    return next((line["metaData"]["configuration"] for line in lines if "metaData" in line), None)


def test_in_commit_timestamps_are_not_claimed_for_commits_without(varve):
    ict = "delta.enableInCommitTimestamps"
    varve.ok("create", "t", "--schema", "k bigint not null", "--key", "k", "--property",
             f"{ict}=true")
    varve.upsert("t", "k\n1\n")
    varve.ok("alter", "t", "set", f"{ict}=false")
    varve.upsert("t", "k\n2\n")
    varve.ok("alter", "t", "set", f"{ict}=true", "a=b")
    varve.upsert("t", "k\n3\n")
    now = configuration(varve, 4)
    since = {"delta.inCommitTimestampEnablementVersion", "delta.inCommitTimestampEnablementTimestamp"}
    assert since <= now.keys()
    varve.ok("restore", "t", "--version", "1", "--yes")
    assert varve.rows("scan", "t") == [{"k": 1}]
    assert configuration(varve, 6) == {name: value for name, value in now.items() if name != "a"}
    # To when they were off, and again to what is: they go on, and nothing is said twice.
    varve.ok("restore", "t", "--version", "3", "--yes")
    assert configuration(varve, 7) is None
    varve.ok("restore", "t", "--version", "5", "--yes")
    assert configuration(varve, 8) == now
    assert "inCommitTimestamp" in (varve.table("t") / "_delta_log" / f"{8:020}.json").read_text()
    varve.ok("verify", "t")


def test_timestamps_that_were_switched_off_stay_off(varve):
    ict = "delta.enableInCommitTimestamps"
    varve.ok("create", "t", "--schema", "k bigint not null", "--key", "k", "--property",
             f"{ict}=true")
    varve.upsert("t", "k\n1\n")
    varve.ok("alter", "t", "set", f"{ict}=false")
    varve.upsert("t", "k\n2\n")
    varve.ok("restore", "t", "--version", "1", "--yes")
    path = varve.table("t") / "_delta_log" / f"{4:020}.json"
    assert configuration(varve, 4) is None and '"inCommitTimestamp"' not in path.read_text()


@pytest.mark.contradicts_itself
def test_row_ids_are_not_used_again(varve):
    """A table whose row tracking rests is written to; the highest id that it gave stays."""
    varve.ok("create", "t", "--schema", "k bigint not null", "--key", "k")
    log = varve.table("t") / "_delta_log"

    def mark(version, number, *more):
        domain = {"domain": "delta.rowTracking", "removed": False,
                  "configuration": json.dumps({"rowIdHighWaterMark": number})}
        (log / f"{version:020}.json").write_text("".join(
            json.dumps(line) + "\n" for line in (*more, {"domainMetadata": domain})))
    mark(1, 10, {"protocol": {"minReaderVersion": 1, "minWriterVersion": 7, "writerFeatures": [
        "rowTracking", "domainMetadata"]}})
    mark(2, 20)
    path = log / f"{0:020}.json"
    lines = [json.loads(line) for line in path.read_text().splitlines()]
    for line in lines:
        if "metaData" in line:
            line["metaData"]["configuration"].update(
                {"delta.enableRowTracking": "false", "delta.rowTrackingSuspended": "true"})
    path.write_text("".join(json.dumps(line) + "\n" for line in lines))
    varve.upsert("t", "k\n1\n")
    varve.ok("restore", "t", "--version", "1", "--yes")
    assert varve.rows("scan", "t") == []
    assert "rowIdHighWaterMark" not in (log / f"{4:020}.json").read_text()


def test_files_with_absolute_paths_are_looked_for_too(varve):
    varve.ok("create", "r", "--schema", "id int not null, v int", "--key", "id")
    for value in (1, 2):
        varve.upsert("r", f"id,v\n1,{value}\n")
    varve.name_absolute("r")
    assert varve.rows("scan", "r", "--version", "1") == [{"id": 1, "v": 1}]
    dry = ("restore", "r", "--version", "1", "--dry-run")
    varve.ok(*dry)
    done = varve.run("vacuum", "r", "--retain", "0h", "--unsafe", "--yes")
    assert "all versions from 2 on can be read; of those before, not all" in done.stderr
    done = varve.run(*dry)
    assert done.returncode == 5 and "1 of its files is gone" in done.stderr


def test_what_a_shallow_clone_has_elsewhere_is_looked_for_too(varve):
    """Its files are another table's, which may take them away."""
    for name in ("r", "clone"):
        varve.ok("create", name, "--schema", "id int not null, v int", "--key", "id")
    varve.upsert("r", "id,v\n1,1\n")
    origin = varve.table("r")
    lines = (origin / "_delta_log" / f"{1:020}.json").read_text().splitlines()
    add = next(json.loads(line)["add"] for line in lines if '"add"' in line)
    file, add["path"] = origin / add["path"], f"file://{origin}/{add['path']}"
    (varve.table("clone") / "_delta_log" / f"{1:020}.json").write_text("".join(
        json.dumps(line) + "\n" for line in (
            {"commitInfo": {"timestamp": 1, "operation": "CLONE", "engineInfo": "other/1"}},
            {"add": add})))
    assert varve.upsert("clone", "id,v\n1,2\n")["updated"] == 1
    varve.ok("restore", "clone", "--version", "1", "--dry-run")
    varve.ok("tag", "create", "q1", "--at", "1", "clone")
    varve.ok("tag", "drop", "q1")
    file.rename(varve.lake / "aside")
    for command in (("restore", "clone", "--version", "1", "--yes"),
                    ("tag", "create", "q1", "--at", "1", "clone"),
                    ("scan", "clone", "--version", "1")):
        done = varve.run(*command)
        assert done.returncode == 5 and str(file) in done.stderr, done.stderr
        assert "SELECT" not in done.stderr
    varve.ok("vacuum", "clone", "--retain", "0h", "--unsafe", "--yes")
    done = varve.run("scan", "clone", "--version", "1")
    assert "no vacuum of the history took it" in done.stderr, done.stderr
    report = json.loads(varve.run("verify", "clone", "--json").stdout)
    assert [row["kind"] for row in report["findings"] if row["wrong"]] == ["file.missing"]
    assert report["checked"]["outside"] == 1
    (varve.lake / "aside").rename(file)
    assert json.loads(varve.ok("verify", "clone", "--json"))["checked"]["outside"] == 1
    varve.ok("restore", "clone", "--version", "1", "--yes")
    assert varve.rows("scan", "clone") == [{"id": 1, "v": 1}]


def test_an_append_only_table_is_not_taken_back(varve):
    varve.ok("create", "log", "--schema", "a int", "--property", "delta.appendOnly=true")
    for _ in range(2):
        varve.ok("append", "log", "-", "--input-format", "csv", stdin="a\n1\n")
    done = varve.run("restore", "log", "--version", "1", "--yes")
    assert done.returncode == 2 and "append-only" in done.stderr


def test_writers_at_the_same_time_come_before_or_after(ticks):
    put(ticks, 1)
    base = rows(ticks)
    put(ticks, 2)
    writer = subprocess.Popen(
        ["sh", "-c", "for i in 1 2 3 4 5 6 7 8; do printf 'ts,sym,price,seen\\n"
         f"2025-02-0%dT00:00:00Z,N,1,1\\n' $i | '{ticks.program}' --lake '{ticks.lake}' upsert "
         f"{TABLE} - --input-format csv || exit 1; done"], stderr=subprocess.PIPE)
    restored = []
    while writer.poll() is None:
        restored.append(restore(ticks, "--version", 1)["version"])
    assert writer.returncode == 0, writer.stderr.read()
    history = {entry["version"]: entry["operation"] for entry in ticks.rows("history", TABLE)}
    for version, operation in history.items():
        if operation == "RESTORE":
            assert rows(ticks, "--at", version) == base


def test_to_before_in_commit_timestamps_is_done_once(varve):
    """They stay, and with them their feature: that is no difference that a restore could take away."""
    varve.ok("create", "t", "--key", "k", "--schema", "k bigint not null")
    varve.upsert("t", "k\n1\n")
    varve.ok("alter", "t", "set", "delta.enableInCommitTimestamps=true", "--upgrade")
    varve.ok("restore", "t", "--version", "1", "--yes")
    version = varve.version("t")
    varve.ok("restore", "t", "--version", "1", "--yes")
    assert varve.version("t") == version
