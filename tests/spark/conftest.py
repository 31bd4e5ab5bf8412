"""One Spark with Delta for the whole suite, and ways to compare what it and Varve say."""

import json
import os
import pathlib
import re

import pytest
from py4j.protocol import Py4JJavaError
from pyspark.errors import PySparkException
from pyspark.sql import SparkSession

ROOT = pathlib.Path(__file__).resolve().parents[2]
BUILD = pathlib.Path(os.environ.get("VARVE_BUILD", ROOT / "build"))
LOG_STORE = "io.varve.spark.LinkLogStore"
LOG_STORE_JAR = BUILD / "spark" / "varve-logstore.jar"
JARS = sorted((ROOT / "third_party" / "spark").glob("*.jar"))

TO_JSON = """to_json(struct(*), map('ignoreNullFields', 'false',
    'timestampFormat', "yyyy-MM-dd'T'HH:mm:ss.SSSSSSXXX",
    'timestampNTZFormat', "yyyy-MM-dd'T'HH:mm:ss.SSSSSS"))"""


class Refused(Exception):
    """What Spark says, without the hundred lines of its stack."""


class Spark:
    def __init__(self, session):
        self.session = session

    def __call__(self, sql):
        try:
            return self.session.sql(sql)
        except (PySparkException, Py4JJavaError) as error:
            lines = [line for line in str(error).splitlines() if not line.startswith("\tat ")]
            raise Refused("\n".join(lines[:6])) from None

    def rows(self, sql):
        """The rows of a query as dictionaries, with Spark's own idea of JSON."""
        lines = self.session.sql(f"SELECT {TO_JSON} AS line FROM ({sql})").collect()
        return [json.loads(line["line"]) for line in lines]


@pytest.fixture(scope="session")
def spark(tmp_path_factory):
    assert JARS, "no jars in third_party/spark: run ./setup.sh spark"
    assert LOG_STORE_JAR.exists(), "no LogStore: run make spark-logstore"
    home = tmp_path_factory.mktemp("spark")
    quick = "-XX:TieredStopAtLevel=1 -XX:+UseSerialGC"
    settings = {
        "spark.driver.extraClassPath": ":".join(map(str, [*JARS, LOG_STORE_JAR])),
        "spark.delta.logStore.file.impl": LOG_STORE,
        "spark.driver.extraJavaOptions": f"{quick} -Dderby.system.home={home}",
        "spark.driver.host": "127.0.0.1",
        "spark.driver.bindAddress": "127.0.0.1",
        "spark.driver.memory": "1g",
        "spark.ui.enabled": "false",
        "spark.ui.showConsoleProgress": "false",
        "spark.sql.extensions": "io.delta.sql.DeltaSparkSessionExtension",
        "spark.sql.catalog.spark_catalog": "org.apache.spark.sql.delta.catalog.DeltaCatalog",
        "spark.sql.session.timeZone": "UTC",
        "spark.sql.shuffle.partitions": "1",
        "spark.sql.warehouse.dir": str(home / "warehouse"),
        "spark.databricks.delta.snapshotPartitions": "1",
        # Else a VACUUM is ten thousand tasks, and takes minutes.
        "spark.sql.sources.parallelPartitionDiscovery.parallelism": "2",
        "spark.databricks.delta.vacuum.parallelDelete.enabled": "false",
    }
    builder = SparkSession.builder.master("local[2]").appName("varve-tests")
    for name, value in settings.items():
        builder = builder.config(name, value)
    session = builder.getOrCreate()
    session.sparkContext.setLogLevel("OFF")
    yield Spark(session)
    session.stop()


def name_of(path):
    """A table as Spark is told of it."""
    return f"delta.`{path}`"


ZERO_FRACTION = re.compile(r"(:\d\d)\.0+(?=Z|$)")


def plain(value):
    """One spelling of what the two print in two ways: numbers, fractions of times."""
    if isinstance(value, dict):
        return {key: plain(item) for key, item in value.items()}
    if isinstance(value, list):
        return [plain(item) for item in value]
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        return float(value)
    if isinstance(value, str):
        return ZERO_FRACTION.sub(r"\1", value)
    return value


def as_set(rows):
    return sorted(json.dumps(plain(row), sort_keys=True) for row in rows)


@pytest.fixture
def same_rows(varve, spark):
    """Both see the same rows of a table, at its latest version or a given one; returns them.

    What Varve prints in another shape than Spark, Spark is asked for as an expression."""
    def check(path, version=None, columns="*"):
        at = [] if version is None else ["--version", version]
        ours = varve.rows("scan", path, "--nan", "string", *at)
        theirs = spark.rows(f"SELECT {columns} FROM {name_of(path)}" +
                            ("" if version is None else f" VERSION AS OF {version}"))
        assert as_set(ours) == as_set(theirs)
        return ours
    return check
