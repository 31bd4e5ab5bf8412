"""Liquid clustering: declared in the domain that Spark declares it in, gone by when optimizing."""

import json
import subprocess

import pytest

DOMAIN = "delta.clustering"


@pytest.fixture
def table(varve):
    varve.ok("create", "t", "--key", "k", "--schema", "k int not null, a double, b string, c boolean")
    return varve


def actions(varve, version, name="t"):
    path = varve.table(name) / "_delta_log" / f"{version:020d}.json"
    return [json.loads(line) for line in path.read_text().splitlines()]


def domains(varve, version):
    return [action["domainMetadata"] for action in actions(varve, version)
            if "domainMetadata" in action]


def alter(varve, *words):
    return json.loads(varve.ok("alter", "t", *words, "--json"))


def clustered_by(varve):
    return json.loads(varve.ok("describe", "t", "--json"))["clusteringColumns"]


def fill(varve, files=4):
    for i in range(files):
        varve.upsert("t", "k,a,b\n" + "".join(f"{k},{k * 7919 % 1000},s{k % 13}\n"
                                              for k in range(i, 400, files)))


def test_clustering_is_declared_as_spark_does(table):
    refused = table.run("alter", "t", "cluster-by", "a")
    assert refused.returncode == 7 and "--upgrade" in refused.stderr
    done = alter(table, "cluster-by", "(b, A)", "--upgrade")
    assert done["diff"][-1] == "~ clustered by: none -> b,a"
    lines = actions(table, 1)
    assert json.loads(domains(table, 1)[0]["configuration"]) == {
        "clusteringColumns": [["b"], ["a"]], "domainName": DOMAIN}
    assert domains(table, 1)[0]["domain"] == DOMAIN and not domains(table, 1)[0]["removed"]
    assert not any("metaData" in line for line in lines)
    protocol = next(line["protocol"] for line in lines if "protocol" in line)
    assert {"clustering", "domainMetadata"} <= set(protocol["writerFeatures"])
    info = lines[0]["commitInfo"]
    assert (info["operation"], info["operationParameters"]) == (
        "CLUSTER BY", {"oldClusteringColumns": "", "newClusteringColumns": "b,a"})
    assert clustered_by(table) == ["b", "a"]
    assert not alter(table, "cluster-by", "b,a")["changed"]
    assert alter(table, "cluster-by", "a")["version"] == 2
    fill(table, 1)
    table.ok("checkpoint", "t")
    assert clustered_by(table) == ["a"]
    assert alter(table, "cluster-by", "none")["diff"] == ["~ clustered by: a -> none"]
    assert clustered_by(table) == []
    assert not alter(table, "cluster-by", "none")["changed"]


@pytest.mark.parametrize("columns, says", [
    ("gone", "no column gone"), ("a,a", "twice"), ("c", "no bounds"), ("a,b,k,a,b", "four"),
    ("", "word 1 of it is empty"), ("a,", "a name is missing")])
def test_what_can_not_be_is_refused(table, columns, says):
    done = table.run("alter", "t", "cluster-by", columns, "--upgrade")
    assert done.returncode == 2 and (says in done.stderr or "one to 4" in done.stderr)
    assert table.version("t") == 0


def test_columns_without_statistics_and_partitions_are_refused(varve):
    varve.ok("create", "t", "--key", "k", "--schema", "k int not null, a int",
             "--property", "delta.dataSkippingNumIndexedCols=1")
    done = varve.run("alter", "t", "cluster-by", "a", "--upgrade")
    assert done.returncode == 2 and "no statistics" in done.stderr
    varve.ok("create", "p", "--key", "k", "--schema", "k int not null, d date", "--partition-by", "d")
    done = varve.run("alter", "p", "cluster-by", "k", "--upgrade")
    assert done.returncode == 2 and "partitioned" in done.stderr


def test_optimize_goes_by_it_and_marks_what_it_made(table):
    alter(table, "cluster-by", "a", "--upgrade")
    fill(table)
    before = sorted(map(str, table.rows("scan", "t")))
    result = json.loads(table.ok("optimize", "t", "--json"))
    assert (result["files_removed"], result["files_added"]) == (4, 1)
    assert sorted(map(str, table.rows("scan", "t"))) == before
    values = [row["a"] for row in table.rows("scan", "t")]
    assert values == sorted(values)
    entry = actions(table, table.version("t"))
    parameters = entry[0]["commitInfo"]["operationParameters"]
    assert (parameters["clusterBy"], parameters["zOrderBy"]) == ('["a"]', "[]")
    added = [line["add"] for line in entry if "add" in line]
    assert [add["clusteringProvider"] for add in added] == ["varve"]
    again = json.loads(table.ok("optimize", "t", "--json"))
    assert again["files_removed"] == 0
    fill(table, 2)
    assert clustered_by(table) == ["a"]


def test_files_that_others_have_clustered_are_left_alone(table):
    alter(table, "cluster-by", "a", "--upgrade")
    fill(table)
    path = table.table("t") / "_delta_log" / f"{5:020d}.json"
    lines = [json.loads(line) for line in path.read_text().splitlines()]
    for line in lines:
        if "add" in line:
            line["add"]["clusteringProvider"] = "liquid"
            name = line["add"]["path"]
    path.write_text("\n".join(map(json.dumps, lines)) + "\n")
    table.ok("optimize", "t")
    files = table.rows("files", "t")
    assert name in [row["path"] for row in files] and len(files) == 2


def test_a_clustering_column_is_not_dropped_and_may_be_renamed(table):
    alter(table, "cluster-by", "a", "--upgrade")
    done = table.run("alter", "t", "drop-column", "a", "--upgrade")
    assert done.returncode == 2 and "clustered by column a" in done.stderr
    alter(table, "rename-column", "a", "z", "--upgrade")
    assert clustered_by(table) == ["z"]
    alter(table, "add-column", "later int")
    alter(table, "cluster-by", "later")
    name = json.loads(domains(table, table.version("t"))[0]["configuration"])
    assert name["clusteringColumns"][0][0].startswith("col-")


def test_the_columns_of_others_may_be_plain_names(table):
    """As the protocol's own example has them; Spark has a list for each."""
    alter(table, "cluster-by", "a", "--upgrade")
    path = table.table("t") / "_delta_log" / f"{2:020d}.json"
    path.write_text(json.dumps({"domainMetadata": {"domain": DOMAIN, "removed": False,
        "configuration": json.dumps({"clusteringColumns": ["b", "a"]})}}) + "\n")
    assert clustered_by(table) == ["b", "a"]
    fill(table)
    table.ok("optimize", "t")


@pytest.mark.parametrize("words", ["k", "none"])
def test_a_declaration_that_names_no_column_is_mended(table, words):
    """As a column that went at the same time has left it."""
    alter(table, "cluster-by", "a", "--upgrade")
    domain = {"domain": DOMAIN, "removed": False, "configuration": json.dumps(
        {"clusteringColumns": [["gone"]], "domainName": DOMAIN})}
    path = table.table("t") / "_delta_log" / f"{2:020d}.json"
    path.write_text("".join(json.dumps(line) + "\n" for line in (
        {"commitInfo": {"timestamp": 1, "operation": "CLUSTER BY", "engineInfo": "other/1"}},
        {"domainMetadata": domain})))
    fill(table)
    done = table.run("optimize", "t")
    assert done.returncode == 6 and '"gone", which no column is called' in done.stderr
    alter(table, "cluster-by", words)
    assert clustered_by(table) == ([words] if words != "none" else [])
    table.ok("optimize", "t")


def test_restore_brings_it_back(table):
    alter(table, "cluster-by", "a", "--upgrade")
    fill(table, 1)
    alter(table, "cluster-by", "b")
    alter(table, "set", "delta.checkpointInterval=20")
    table.ok("restore", "t", "--version", "2", "--yes")
    assert clustered_by(table) == ["a"]
    table.ok("restore", "t", "--version", "0", "--yes")
    assert clustered_by(table) == []
    assert [domain["removed"] for domain in domains(table, table.version("t"))] == [True]


def test_two_at_the_same_time_are_one_after_the_other(table):
    alter(table, "cluster-by", "a", "--upgrade")
    runs = [subprocess.Popen([table.program, "--lake", table.lake, "alter", "t", "cluster-by",
                              column], stderr=subprocess.PIPE) for column in ("b", "k", "a,b", "k,b")]
    assert [run.communicate() and run.returncode for run in runs] == [0, 0, 0, 0]
    history = [row for row in table.rows("history", "t") if row["operation"] == "CLUSTER BY"]
    steps = [row["operationParameters"] for row in reversed(history)]
    for before, after in zip(steps, steps[1:]):
        assert before["newClusteringColumns"] == after["oldClusteringColumns"]


def test_a_table_is_created_clustered(varve):
    create = ("create", "t", "--key", "k", "--schema", "k int not null, a double, c boolean",
              "--cluster-by", "A,k")
    varve.ok(*create)
    (domain,) = domains(varve, 0)
    assert json.loads(domain["configuration"])["clusteringColumns"] == [["a"], ["k"]]
    lines = actions(varve, 0)
    assert {"clustering", "domainMetadata"} <= set(lines[1]["protocol"]["writerFeatures"])
    assert json.loads(lines[0]["commitInfo"]["operationParameters"]["clusterBy"]) == ["A", "k"]
    assert clustered_by(varve) == ["a", "k"]
    varve.ok(*create)  # it is there, and the same
    varve.ok(*create[:-2])
    other = varve.run(*create[:-1], "k")
    assert other.returncode == 2 and "it is not clustered by these columns" in other.stderr
    for columns, says, more in (("gone", "no column gone", ()), ("c", "no bounds", ()),
                                ("k", "partitioned", ("--partition-by", "a"))):
        refused = varve.run("create", "u", *create[2:-1], columns, *more)
        assert refused.returncode == 2 and says in refused.stderr
    assert not varve.table("u").exists()


def cluster_by_a_field(varve, files):
    """As Spark may have it: by a field of a struct; the files are of its making."""
    path = varve.table("t") / "_delta_log" / f"{0:020d}.json"
    text = path.read_text()
    for version in range(1, files + 1):
        commit = path.with_name(f"{version:020d}.json")
        lines = [json.loads(line) for line in commit.read_text().splitlines()]
        for line in lines:
            line.get("add", {})["clusteringProvider"] = "liquid"
        commit.write_text("".join(json.dumps(line) + "\n" for line in lines))
    domain = {"domain": DOMAIN, "removed": False, "configuration": json.dumps(
        {"clusteringColumns": [["s", "x"]], "domainName": DOMAIN})}
    path.write_text(text.replace('"writerFeatures":[', '"writerFeatures":["clustering",')
                    + json.dumps({"domainMetadata": domain}) + "\n")


def test_files_clustered_by_a_field_of_a_struct_are_left_alone(varve):
    varve.ok("create", "t", "--key", "k", "--schema", "k int not null, s struct<x: int, y: int>",
             "--property", "delta.feature.domainMetadata=supported",
             "--property", "varve.maintain.tierFiles=2")
    for k in range(3):
        varve.upsert("t", json.dumps({"k": k, "s": {"x": k, "y": 0}}))
    cluster_by_a_field(varve, 3)
    assert clustered_by(varve) == ["s.x"]
    before = sorted(row["path"] for row in varve.rows("files", "t"))
    assert json.loads(varve.ok("optimize", "t", "--json"))["files_removed"] == 0
    assert json.loads(varve.ok("maintain", "--once", "--json"))["files_removed"] == 0
    varve.upsert("t", "".join(json.dumps({"k": k, "s": {"x": k, "y": 0}}) + "\n" for k in (3, 4)))
    varve.upsert("t", json.dumps({"k": 5, "s": {"x": 5, "y": 0}}))
    done = json.loads(varve.ok("optimize", "t", "--json"))
    assert (done["files_removed"], done["files_added"]) == (2, 1)  # those of Varve
    assert set(before) < {row["path"] for row in varve.rows("files", "t")}
    assert json.loads(varve.ok("optimize", "t", "--json"))["files_removed"] == 0
    dropped = varve.run("alter", "t", "drop-column", "s", "--upgrade")
    assert dropped.returncode == 2 and "clustered by column s.x" in dropped.stderr
    assert alter(varve, "cluster-by", "k")["diff"][-1] == "~ clustered by: s.x -> k"
