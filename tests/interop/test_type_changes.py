"""What a column's type was before (delta.typeChanges): all changes have to be ones that Varve reads."""

import json

import pytest

ARRAY = {"type": "array", "elementType": "long", "containsNull": True}
STRUCT = {"type": "struct", "fields": [{"name": "x", "type": "long", "nullable": True,
                                        "metadata": {}}]}


def make(varve, changes, kind="integer", features=("typeWidening",), inner=None):
    """A table of ours, as other software would have it: the changes are those of column c."""
    varve.ok("create", "t", "--schema", "k bigint not null, c int", "--key", "k")
    path = varve.table("t") / "_delta_log" / f"{0:020}.json"
    lines = [json.loads(line) for line in path.read_text().splitlines()]
    for line in lines:
        if "protocol" in line and features:
            line["protocol"] = {"minReaderVersion": 3, "minWriterVersion": 7,
                                "readerFeatures": list(features), "writerFeatures": list(features)}
        if "metaData" in line:
            schema = json.loads(line["metaData"]["schemaString"])
            field = schema["fields"][1]
            field["type"] = kind
            target = kind["fields"][0] if inner else field
            target["metadata"] = {"delta.typeChanges": changes}
            line["metaData"]["schemaString"] = json.dumps(schema)
    path.write_text("".join(json.dumps(line) + "\n" for line in lines))


def change(old, new, **more):
    return {"fromType": old, "toType": new, **more}


@pytest.mark.parametrize("feature", ["typeWidening", "typeWidening-preview"])
@pytest.mark.parametrize("changes, words", [
    ([change("string", "integer")], "from string to integer"),
    ([change("byte", "short"), change("long", "integer")], "from long to integer"),
    ([change("long", "double")], "from long to double"),
    ([change("integer", "decimal(9,0)")], "from integer to decimal(9,0)"),
    ([change("decimal(10,2)", "decimal(10,1)")], "from decimal(10,2) to decimal(10,1)"),
    ([change("decimal(99,2)", "decimal(99,3)")], "from decimal(99,2) to decimal(99,3)"),
    ([change("byte", "decimal(4,2)")], "from byte to decimal(4,2)"),
    ([change("date", "timestamp")], "from date to timestamp"),
    ([change("short", "hugeint")], "from short to hugeint"),
    ([{"fromType": "short"}], "delta.typeChanges do not say"),
    ([7], "delta.typeChanges do not say"), ("all", "delta.typeChanges do not say")])
def test_others_are_refused_by_name(varve, changes, words, feature):
    make(varve, changes, features=[feature])
    done = varve.run("scan", "t")
    assert done.returncode == 7 and words in done.stderr and '"c"' in done.stderr, done.stderr


def test_nested_ones_are_refused_too(varve):
    make(varve, [change("string", "long", fieldPath="element")], ARRAY)
    done = varve.run("scan", "t")
    assert done.returncode == 7 and '"c", element was changed from string to long' in done.stderr


def test_those_of_fields_are_refused_too(varve):
    make(varve, [change("double", "long")], STRUCT, inner=True)
    done = varve.run("scan", "t")
    assert done.returncode == 7 and '"x" was changed from double to long' in done.stderr


@pytest.mark.parametrize("kind, changes", [
    ("long", [change("byte", "short"), change("short", "integer"), change("integer", "long")]),
    ("double", [change("float", "double")]), ("double", [change("integer", "double")]),
    ("timestamp_ntz", [change("date", "timestamp_ntz")]),
    ("decimal(14,4)", [change("byte", "decimal(10,0)"), change("decimal(10,0)", "decimal(14,4)")]),
    ("decimal(20,0)", [change("long", "decimal(20,0)")]),
    ("decimal(4,1)", [change("byte", "decimal(4,1)")]),
    (ARRAY, [change("short", "long", fieldPath="element")]), ("integer", [])])
def test_those_that_hold_all_values_are_read(varve, kind, changes):
    features = ["typeWidening", "timestampNtz"]
    make(varve, changes, kind, features)
    assert varve.rows("scan", "t") == []


def test_without_the_feature_they_mean_nothing(varve):
    make(varve, [change("string", "integer")], features=())
    assert varve.rows("scan", "t") == []
