"""Properties that a table is made with: the same rules as for those that are set later."""

import json

import pytest


def create(varve, *properties):
    words = [word for text in properties for word in ("--property", text)]
    return varve.run("create", "t", "--schema", "k bigint not null, x double", "--key", "k", *words)


def protocol(varve):
    return json.loads(varve.ok("describe", "t", "--json"))["protocol"]


@pytest.mark.parametrize("text, feature, reader", [
    ("delta.enableDeletionVectors=true", "deletionVectors", 3),
    ("delta.enableInCommitTimestamps=true", "inCommitTimestamp", 1),
    ("delta.enabletypewidening=TRUE", "typeWidening", 3),
    ("delta.feature.timestampNtz=supported", "timestampNtz", 3),
])
def test_what_a_property_needs_is_in_the_protocol(varve, text, feature, reader):
    done = create(varve, text)
    assert done.returncode == 0, done.stderr
    made = protocol(varve)
    assert (made["minReaderVersion"], made["minWriterVersion"]) == (reader, 7)
    assert feature in made["writerFeatures"] and "appendOnly" in made["writerFeatures"]
    assert (feature in (made.get("readerFeatures") or [])) == (reader == 3)


def test_one_that_is_off_needs_nothing_and_a_name_is_spelt_as_delta_does(varve):
    done = create(varve, "delta.enableDeletionVectors=false", "delta.CheckpointInterval=7", "mine=x")
    assert done.returncode == 0, done.stderr
    made = json.loads(varve.ok("describe", "t", "--json"))
    assert (made["protocol"]["minReaderVersion"], made["protocol"]["minWriterVersion"]) == (1, 2)
    assert made["properties"]["delta.checkpointInterval"] == "7"
    assert made["properties"]["mine"] == "x"


@pytest.mark.parametrize("text, status, words", [
    ("delta.appendOnly=perhaps", 2, "true or false"),
    ("delta.logRetentionDuration=soon", 2, "time span"),
    ("delta.checkpointInterval=0", 2, "above 0"),
    ("delta.constraints.low=x < 5", 2, "low: x < 5"),
    ("delta.columnMapping.mode=name", 2, "not set by hand"),
    ("delta.feature.timeTravel=supported", 7, "timeTravel"),
    ("delta.enableRowTracking=true", 7, "rowTracking"),
])
def test_what_can_not_be_makes_no_table(varve, text, status, words):
    done = create(varve, text)
    assert (done.returncode, words in done.stderr) == (status, True), done.stderr
    assert not varve.table("t").exists()


def test_create_and_alter_agree_on_every_property_that_is_true_or_false(varve):
    """The same name, the same answer: a protocol, or the same refusal."""
    names = ["appendOnly", "enableChangeDataFeed", "enableDeletionVectors", "enableInCommitTimestamps",
             "enableRowTracking", "enableTypeWidening"]
    for name in names:
        made = create(varve, f"delta.{name}=true")
        by_create = protocol(varve) if made.returncode == 0 else made.returncode
        varve.ok("create", f"plain_{name}", "--schema", "k bigint not null, x double", "--key", "k")
        done = varve.run("alter", f"plain_{name}", "set", f"delta.{name}=true", "--upgrade")
        by_alter = done.returncode
        if done.returncode == 0:
            by_alter = json.loads(varve.ok("describe", f"plain_{name}", "--json"))["protocol"]
        assert by_create == by_alter, name
        if made.returncode == 0:
            varve.table("t").rename(varve.lake / f"made_{name}")
