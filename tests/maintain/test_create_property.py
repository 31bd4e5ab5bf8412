"""Properties that a table is made with: the same rules as for those that are set later."""

import json

import pytest
from deltalake import DeltaTable


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


@pytest.mark.parametrize("given, hours", [
    ("30d", 720), ("30days", 720), ("90 days", 2160), ("36h", 36), ("1 day 12 hours", 36),
    ("interval 30 days", 720), ("interval 1 week", 168), ("INTERVAL 2 DAYS", 48)])
@pytest.mark.parametrize("way", ["create", "alter"])
def test_a_retention_is_stored_as_all_engines_read_it(varve, way, given, hours):
    name = "delta.deletedFileRetentionDuration"
    done = create(varve, *[f"{name}={given}"] if way == "create" else [])
    assert done.returncode == 0, done.stderr
    if way == "alter":
        varve.ok("alter", "t", "set", f"{name}={given}")
    stored = json.loads(varve.ok("describe", "t", "--json"))["properties"][name]
    assert stored == (f"interval {hours // 24} days" if hours % 24 == 0 else f"interval {hours} hours")
    table = DeltaTable(str(varve.table("t")))
    with pytest.raises(Exception, match=rf"\b{hours} hours"):
        table.vacuum(retention_hours=24, dry_run=True)


def test_an_alter_tells_other_engines_what_it_stored(varve):
    create(varve)
    varve.ok("alter", "t", "set", "delta.SetTransactionRetentionDuration=7d", "varve.maintain.sealAfter=2h")
    said = DeltaTable(str(varve.table("t"))).history(1)[0]["operationParameters"]["properties"]
    stored = json.loads(varve.ok("describe", "t", "--json"))["properties"]
    for name, value in json.loads(said).items():
        assert stored[name] == value
    assert stored["delta.setTransactionRetentionDuration"] == "interval 7 days"
    assert stored["varve.maintain.sealAfter"] == "2h"


COLUMNS = "ts timestamp, k bigint not null, x double, d date"


def create_bare(varve, *words):
    return varve.run("create", "t", "--schema", COLUMNS, "--partition-by", "d", *words)


@pytest.mark.parametrize("text, words", [
    ("varve.key=zz", "zz"),
    ("varve.KEY=zz", "zz"),
    ("varve.key=k,k", "twice"),
    ("varve.key=k,,x", "missing"),
    ("varve.orderBy=zz", "zz"),
    ("varve.orderBy=x", "timestamp or an integer"),
    ("varve.orderBy=ts,k", "one column"),
    ("varve.zorder=k,zz", "zz"),
    ("varve.partitionFrom=d=zz", "zz"),
    ("varve.partitionFrom=k=ts", "partition column"),
    ("varve.partitionFrom=ts", "date=timestamp"),
])
def test_columns_that_a_property_names_have_to_be_there(varve, text, words):
    done = create_bare(varve, "--property", text)
    assert (done.returncode, words in done.stderr) == (2, True), done.stderr
    assert not varve.table("t").exists()


def test_a_partition_of_the_order_column_is_refused(varve):
    """The clock fills it: the batch of yesterday, repeated, would move its rows."""
    words = ("--key", "k", "--order-by", "ts")
    done = create_bare(varve, *words, "--property", "varve.partitionFrom=d=ts")
    assert done.returncode == 2 and "names the order column" in done.stderr
    assert not varve.table("t").exists()
    assert create_bare(varve, *words).returncode == 0
    for changes in (("varve.partitionFrom=d=ts",), ("varve.orderBy=ts", "varve.partitionFrom=d=ts")):
        done = varve.run("alter", "t", "set", *changes)
        assert done.returncode == 2 and "names the order column" in done.stderr
    path = varve.table("t") / "_delta_log" / f"{0:020d}.json"  # as older software left it
    path.write_text(path.read_text().replace('"varve.orderBy":"ts"',
                                             '"varve.orderBy":"ts","varve.partitionFrom":"d=ts"'))
    varve.upsert("t", "ts,k,x,d\n2025-01-10T10:00:00Z,1,2,\n")
    assert len(varve.rows("scan", "t", "--where", "ts > '2025-01-01'")) == 1
    again = varve.upsert("t", "k,x\n1,2\n")
    assert again["unchanged"] == 1


@pytest.mark.parametrize("option, text", [
    ("--key k", "varve.key=ts"), ("--key k", "varve.Key=k,ts"), ("--order-by ts", "varve.orderBy=k"),
    ("--zorder k", "varve.zorder=ts,k"), ("--property varve.key=k", "varve.key=ts")])
def test_columns_said_in_two_ways_have_to_be_the_same(varve, option, text):
    done = create_bare(varve, *option.split(), "--property", text)
    assert (done.returncode, "say it once" in done.stderr) == (2, True), done.stderr
    assert not varve.table("t").exists()


def test_a_key_given_as_a_property_is_the_key(varve):
    for _ in range(2):  # the second finds the same table
        done = create_bare(varve, "--property", "varve.Key=k, `ts`", "--key", "k,TS", "--property",
                           "varve.orderby=", "--property", "varve.partitionFrom=d=ts")
        assert done.returncode == 0, done.stderr
    made = json.loads(varve.ok("describe", "t", "--json"))
    assert [name.lower() for name in made["key"]] == ["k", "ts"]
    assert made["properties"]["varve.partitionFrom"] == "d=ts"
    varve.upsert("t", "ts,k,x\n2025-01-10T10:00:00Z,1,2\n")
    assert len(varve.rows("scan", "t")) == 1


@pytest.mark.parametrize("text, near", [
    ("varve.maintian=false", "(is it varve.maintain?)"),
    ("varve.maintain.tierfile=4", "(is it varve.maintain.tierFiles?)"),
    ("varve.ordredBy=ts", "(is it varve.orderBy?)"),
    ("varve.wran.small=x > 1", "(is it varve.warn.NAME?)"),
    ("Varve.something.else=1", "varve. are Varve's own"),
])
def test_a_varve_property_that_is_none_is_refused_with_the_nearest(varve, text, near):
    made = create_bare(varve, "--key", "k", "--property", text)
    assert (made.returncode, near in made.stderr) == (2, True), made.stderr
    assert not varve.table("t").exists()
    assert create_bare(varve, "--key", "k").returncode == 0
    done = varve.run("alter", "t", "set", text)
    assert (done.returncode, near in done.stderr) == (2, True), done.stderr
    assert varve.version("t") == 0


def test_names_of_varve_are_spelt_as_it_does_and_rules_are_free(varve):
    done = create_bare(varve, "--key", "k", "--property", "varve.MAINTAIN=false", "--property",
                       "varve.warn.small=x > 1")
    assert done.returncode == 0, done.stderr
    varve.ok("alter", "t", "set", "varve.orderby=ts")
    stored = json.loads(varve.ok("describe", "t", "--json"))["properties"]
    assert (stored["varve.maintain"], stored["varve.orderBy"]) == ("false", "ts")
    assert stored["varve.warn.small"] == "x > 1"


def test_a_check_that_names_no_column_is_a_mistake_of_the_command(varve):
    done = create_bare(varve, "--key", "k", "--check", "c: zz > 1")
    assert done.returncode == 2 and "constraint c" in done.stderr and "zz" in done.stderr
    assert not varve.table("t").exists()


def test_a_word_that_was_stored_as_it_was_typed_is_the_same(varve):
    """Once words were stored in any case; a create that is run each morning goes on."""
    words = ("create", "t", "--key", "k", "--schema", "k bigint not null",
             "--property", "delta.isolationLevel=serializable", "--property", "delta.parquet.compression.codec=ZSTD")
    varve.ok(*words)
    path = varve.table("t") / "_delta_log" / f"{0:020}.json"
    path.write_text(path.read_text().replace('"zstd"', '"ZSTD"').replace('"Serializable"', '"serializable"'))
    assert "ZSTD" in path.read_text() and '"serializable"' in path.read_text()
    varve.ok(*words)
    done = varve.run(*words[:-1], "delta.parquet.compression.codec=snappy")
    assert done.returncode == 2 and "another one" in done.stderr
