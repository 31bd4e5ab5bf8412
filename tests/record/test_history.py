"""The history of a table is told without putting its newest version together."""

import json

from lakes import create, put


def test_a_table_that_can_not_be_read_has_a_history(varve):
    create(varve, "t")
    put(varve, "t", 1)
    before = varve.rows("history", "t")
    log = varve.table("t") / "_delta_log"
    protocol = {"minReaderVersion": 3, "minWriterVersion": 7, "readerFeatures": ["fromTheFuture"],
                "writerFeatures": ["fromTheFuture"]}
    (log / f"{2:020}.json").write_text(
        json.dumps({"commitInfo": {"timestamp": 1_900_000_000_000, "operation": "UPGRADE"}})
        + "\n" + json.dumps({"protocol": protocol}) + "\n")
    assert varve.run("scan", "t").returncode == 7
    after = varve.rows("history", "t")
    assert [row["operation"] for row in after] == ["UPGRADE"] + [
        row["operation"] for row in before]
    assert varve.rows("history", "t", "--limit", "2") == after[:2]
    assert varve.run("history", "nowhere").returncode == 5
    (log / f"{2:020}.json").unlink()
