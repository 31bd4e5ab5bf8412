"""Commits on a local disk: Spark's own LogStores lose some among processes, Varve's loses none."""

import json
import os
import pathlib
import subprocess

import pyspark
import pytest
from conftest import JARS, LOG_STORE, LOG_STORE_JAR, ROOT, name_of

PYSPARK_JARS = pathlib.Path(pyspark.__file__).parent / "jars"
CLASS_PATH = ":".join(map(str, [
    LOG_STORE_JAR, LOG_STORE_JAR.parent / "test", *JARS, *PYSPARK_JARS.glob("hadoop-client-*.jar"),
    *PYSPARK_JARS.glob("slf4j-api-*.jar")]))
ROUNDS = 300


def race(folder, store, rounds=ROUNDS, env=None):
    """The versions that each of two processes was told are its own; the log's folder."""
    log = folder / "_delta_log"
    log.mkdir(parents=True)
    command = ["java", "-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC", "-Xmx128m", "-cp", CLASS_PATH,
               "Race", store, str(log), str(folder / "seen")]
    racers = [subprocess.Popen([*command, str(who), str(rounds)], stdout=subprocess.PIPE,
                               stderr=subprocess.PIPE, text=True,
                               env={**os.environ, **(env or {})}) for who in range(2)]
    won = []
    for racer in racers:
        out, err = racer.communicate(timeout=120)
        assert racer.returncode == 0, err
        won.append({int(line) for line in out.split()})
    return won, log


def test_sparks_own_store_overwrites_commits_of_other_processes(tmp_path):
    """What the store of this project is there for."""
    won, _ = race(tmp_path, "io.delta.storage.LocalLogStore", 20)
    assert won[0] & won[1]  # both were told that the version is theirs; one file is there


@pytest.fixture(scope="module")
def slow(tmp_path_factory):
    """The environment of a process that a rename over a commit takes 300 ms."""
    library = tmp_path_factory.mktemp("slow") / "slow_rename.so"
    subprocess.run(["cc", "-shared", "-fPIC", "-O1", "-Wall", "-Werror", "-o", library,
                    ROOT / "spark" / "test" / "slow_rename.c", "-ldl"], check=True)
    return {"LD_PRELOAD": str(library)}


def lost_commits(won, log):
    """Versions that a process was told are its own, and that have the other one's commit."""
    return {version for who, versions in enumerate(won) for version in versions
            if json.loads((log / f"{version:020}.json").read_text())["by"] != who}


@pytest.mark.parametrize("store", ["io.delta.storage.HDFSLogStore", "io.delta.storage.LocalLogStore"])
def test_so_does_the_one_that_spark_takes_by_itself_where_it_is_slow(tmp_path, store, slow):
    """HDFSLogStore looks right before it renames: microseconds, in which a process can be stopped.
    Whoever comes second overwrites the commit and then fails at the name of its checksum: one is
    told that it has the version, and the other one's commit is there."""
    won, log = race(tmp_path, store, 10, slow)
    assert len(lost_commits(won, log)) >= 3


def test_the_store_of_this_project_is_never_too_slow(tmp_path, slow):
    won, log = race(tmp_path, LOG_STORE, 10, slow)
    assert not won[0] & won[1] and won[0] | won[1] == set(range(1, 11))
    assert not lost_commits(won, log)


def test_of_two_processes_one_wins_each_version_and_its_commit_stays(tmp_path):
    won, log = race(tmp_path, LOG_STORE)
    assert not won[0] & won[1]
    assert won[0] | won[1] == set(range(1, ROUNDS + 1))
    for version in range(1, ROUNDS + 1):
        (line,) = (log / f"{version:020}.json").read_text().splitlines()
        assert json.loads(line)["by"] == (0 if version in won[0] else 1)
    assert len(os.listdir(log)) == ROUNDS  # no temporary file is left


def test_the_store_is_the_one_that_the_session_uses(spark, tmp_path):
    java = spark.session._jvm.org.apache.spark.sql.delta.DeltaLog
    spark(f"CREATE TABLE {name_of(tmp_path / 't')} (a INT) USING delta")
    log = java.forTable(spark.session._jsparkSession, str(tmp_path / "t"))
    hadoop = log.newDeltaHadoopConf()
    path = spark.session._jvm.org.apache.hadoop.fs.Path(f"file:{tmp_path}/t/_delta_log/x.json")
    assert not log.store().isPartialWriteVisible(path, hadoop)
    assert not list((tmp_path / "t" / "_delta_log").glob(".*.tmp"))
