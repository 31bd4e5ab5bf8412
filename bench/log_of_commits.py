"""A table of very many small commits: a log alone, for what opens and reads it."""

import json

import deltalake

CHECKPOINT_EVERY = 100
SCHEMA = {"type": "struct", "fields": [
    {"name": "k", "type": "long", "nullable": True, "metadata": {}},
    {"name": "v", "type": "double", "nullable": True, "metadata": {}}]}


def commit(version):
    stamp = 1_750_000_000_000 + version * 60_000
    actions = []
    if version == 0:
        actions += [{"protocol": {"minReaderVersion": 1, "minWriterVersion": 2}},
                    {"metaData": {"id": "5fba94ed-9794-4965-ba6e-6ee3c0d22af9",
                                  "format": {"provider": "parquet", "options": {}},
                                  "schemaString": json.dumps(SCHEMA), "partitionColumns": [],
                                  "configuration": {"varve.key": "k"}, "createdTime": stamp}}]
    else:
        stats = {"numRecords": 250, "minValues": {"k": version * 250, "v": 0.5},
                 "maxValues": {"k": version * 250 + 249, "v": 99.5},
                 "nullCount": {"k": 0, "v": 0}}
        actions.append({"add": {"path": f"part-{version:05d}.parquet", "partitionValues": {},
                                "size": 9000, "modificationTime": stamp, "dataChange": True,
                                "stats": json.dumps(stats)}})
    actions.append({"commitInfo": {"timestamp": stamp, "operation": "WRITE",
                                   "operationParameters": {"mode": "Append"},
                                   "engineInfo": "bench"}})
    return "\n".join(json.dumps(action) for action in actions) + "\n"


def make(folder, commits, checkpoint_every=CHECKPOINT_EVERY):
    """`commits` + 1 versions, with checkpoints as deltalake writes them; 0: none."""
    log = folder / "_delta_log"
    log.mkdir(parents=True)
    for version in range(commits + 1):
        (log / f"{version:020d}.json").write_text(commit(version))
        if checkpoint_every and version % checkpoint_every == 0 and version > 0:
            deltalake.DeltaTable(str(folder)).create_checkpoint()
