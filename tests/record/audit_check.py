"""Whether a table, or an export, is what was written: by docs/audit.md and docs/format-ledger.md
alone.

    python audit_check.py TABLE [HEAD]
    python audit_check.py --export FOLDER [SHA256]

Shares no code with Varve. Says what is wrong, a line each; the exit status is 10 where something is.
"""

import collections
import csv
import gzip
import hashlib
import json
import pathlib
import re
import sys
import urllib.parse

COMMIT = re.compile(r"^\d{20}\.json$")
LEDGER = re.compile(r"^(\d{20})-(\d{20})\.vl$")


def sha256(data):
    return hashlib.sha256(data).hexdigest()


def is_linked(actions):
    info = next((action["commitInfo"] for action in actions if "commitInfo" in action), None)
    return info is not None and str(info.get("engineInfo", "")).startswith("Varve/")


def link_of(actions):
    info = next(action["commitInfo"] for action in actions if "commitInfo" in action)
    link = info.get("varve")
    return link if isinstance(link, dict) else {}


def parse(data):
    lines = [line for line in data.decode("utf-8").split("\n") if line.strip()]
    actions = [json.loads(line) for line in lines]
    if not actions or not all(isinstance(action, dict) for action in actions):
        raise ValueError("no actions")
    return actions


def read_ledger(folder, wrong):
    """version -> bytes, of every whole member."""
    commits = {}
    last = -1
    for path in sorted(folder.glob("*")):
        name = LEDGER.match(path.name)
        if not name:
            wrong.append(f"{path.name}: no file of the ledger")
            continue
        try:
            head, members = path.read_bytes().split(b"\n", 1)
            head = json.loads(head)
            assert head["varveLedger"] == 1, "the format"
            entries = head["commits"]
            versions = [entry["version"] for entry in entries]
            assert versions == list(range(int(name[1]), int(name[2]) + 1)), "its name"
            missing = head.get("missing")
            if missing is None:
                assert versions[0] <= last + 1, "the file before it"
            else:
                assert missing == [last + 1, versions[0] - 1], "what is missing before it"
            assert sum(entry["stored"] for entry in entries) == len(members), "its length"
            last = max(last, versions[-1])
            at = 0
            for entry in entries:
                member = members[at:at + entry["stored"]]
                at += entry["stored"]
                data = gzip.decompress(member)
                assert member[:10] == b"\x1f\x8b\x08\0\0\0\0\0\0\x03", "the head of a member"
                assert len(data) == entry["bytes"] and sha256(data) == entry["sha256"], \
                    f"the bytes of version {entry['version']}"
                commits.setdefault(entry["version"], data)
        except Exception as error:  # pylint: disable=broad-except
            wrong.append(f"{path.name}: damaged: {error!r}")
    return commits


def check_link(version, link, run, first, wrong):
    """`run`: hashes of the commits from `first` on, up to the one before `version`."""
    if version == 0:
        if link.get("prevHash") is not None:
            wrong.append("version 0 has a link to something before it")
        return
    if link.get("prevHash") is None:
        if link.get("prevFrom") != "missing":
            wrong.append(f"version {version} has no hash of the commit before it")
        return
    if link.get("prevVersion") != version - 1:
        wrong.append(f"version {version} links to {link.get('prevVersion')}")
    if not run:
        return
    if link["prevHash"] != run[-1]:
        wrong.append(f"version {version - 1} is not what version {version} was written after")
        return
    start = link.get("chainFrom")
    if "prevChain" in link and isinstance(start, int) and first <= start < version - 1:
        chain = run[start - first]
        for own in run[start - first + 1:]:
            chain = sha256((chain + own).encode())
        if chain != link["prevChain"]:
            wrong.append(f"one of the versions {start} to {version - 1} was altered")


def check_files(table, files, wrong):
    """Every file that was ever added and is still there; those that are live must be."""
    for (path, tags, size), live in files.items():
        if "://" in path or path.startswith("/"):
            continue
        file = table / urllib.parse.unquote(path)
        if not file.exists():
            if live:
                wrong.append(f"{path}: missing")
            continue
        data = file.read_bytes()
        if len(data) != size or (tags and sha256(data) != tags):
            wrong.append(f"{path}: altered")


def apply(actions, files):
    for action in actions:
        removed = action.get("remove")
        for key in [key for key in files if removed and key[0] == removed["path"]]:
            files[key] = False
    for action in actions:
        added = action.get("add")
        if added:
            tags = (added.get("tags") or {}).get("varve.sha256")
            files[(added["path"], tags, added["size"])] = True


def check_witnesses(table, known, wrong):
    """What else names a version: tags, holds, and the hint. `known`: versions that are there."""
    newest = max(known, default=-1)
    for path in sorted((table / "_varve" / "pins").glob("*.json")):
        try:
            pin = json.loads(path.read_text())
            if pin["version"] > newest:
                wrong.append(f"{pin['kind']} {pin['name']} names version {pin['version']}, the "
                             f"log ends at {newest}")
            elif pin["version"] not in known:
                wrong.append(f"{pin['kind']} {pin['name']} names version {pin['version']}, which "
                             "is gone")
        except (ValueError, KeyError, TypeError) as error:
            wrong.append(f"{path.name}: damaged: {error!r}")
    try:
        hint = json.loads((table / "_delta_log" / "_last_checkpoint").read_text())["version"]
        if hint > newest:
            wrong.append(f"_last_checkpoint names version {hint}, the log ends at {newest}")
    except (OSError, ValueError, KeyError, TypeError):
        pass  # readers pass it over


def check(table, head=None):
    """What is wrong, a sentence each, and the chain hash of the newest commit."""
    table = pathlib.Path(table)
    wrong = []
    ledger = read_ledger(table / "_varve" / "ledger", wrong)
    log = {int(path.name[:20]): path.read_bytes()
           for path in (table / "_delta_log").iterdir() if COMMIT.match(path.name)}
    files = {}
    run, first, chain, before = [], 0, None, None
    heads = set()
    for version in sorted(log.keys() | ledger.keys()):
        data = log.get(version, ledger.get(version))
        if version in log and version in ledger and log[version] != ledger[version]:
            wrong.append(f"version {version} differs between log and ledger")
        if version not in log and log and version > min(log):
            wrong.append(f"version {version} is missing from the log")
        if before is not None and version != before + 1:
            run, chain = [], None
            if log and before >= min(log):
                wrong.append(f"the versions between {before} and {version} are missing")
        try:
            actions = parse(data)
            linked = is_linked(actions)
            if linked:
                check_link(version, link_of(actions), run, first, wrong)
            apply(actions, files)
        except (ValueError, KeyError, TypeError) as error:
            wrong.append(f"version {version} can't be read: {error!r}")
            linked = False
        own = sha256(data)
        if linked or not run:
            run, first, chain = [own], version, own
        else:
            run.append(own)
            chain = sha256((chain + own).encode())
        heads.add(chain)
        before = version
    first_kept = min(log, default=0)
    checkpoints = [int(path.name[:20]) for path in (table / "_delta_log").iterdir()
                   if re.match(r"^\d{20}\.checkpoint.*parquet$", path.name)]
    if first_kept > 0 and not checkpoints:
        wrong.append("the log begins late, and no checkpoint stands for what was before")
    if checkpoints and before is not None and max(checkpoints) > before:
        wrong.append("the log ends before its newest checkpoint")
    check_witnesses(table, log.keys() | ledger.keys() | set(checkpoints), wrong)
    check_files(table, files, wrong)
    if head is not None and head.lower() not in heads:
        wrong.append("no version has the noted head")
    return wrong, chain


# ---- An export


def check_sums(folder, noted, wrong):
    """The files of the folder, by their names in it, that are what the list says."""
    sums = (folder / "SHA256SUMS").read_bytes()
    if noted is not None and sha256(sums) != noted:
        wrong.append("SHA256SUMS is not the one that was made")
    listed = dict(reversed(line.split("  ", 1)) for line in sums.decode().splitlines())
    there = {str(path.relative_to(folder)): path for path in folder.rglob("*") if path.is_file()}
    for name in ("SHA256SUMS", "SHA256SUMS.sig"):
        there.pop(name, None)
    wrong.extend(f"{name}: not listed" for name in there.keys() - listed.keys())
    wrong.extend(f"{name}: missing" for name in listed.keys() - there.keys())
    wrong.extend(f"{name}: altered" for name in listed.keys() & there.keys()
                 if sha256(there[name].read_bytes()) != listed[name])
    manifest = json.loads((folder / "manifest.json").read_text())
    for entry in manifest["files"]:
        path = there.get(entry["path"])
        if path is None or path.stat().st_size != entry["bytes"] or \
                listed.get(entry["path"]) != entry["sha256"]:
            wrong.append(f"{entry['path']}: not as in the manifest")
    if {entry["path"] for entry in manifest["files"]} | {"manifest.json", "index.html"} != \
            listed.keys():
        wrong.append("manifest.json and SHA256SUMS name different files")
    return manifest


def check_export_chain(folder, table, wrong):
    """The log of a table in an export; the data files that are live at its end, by path."""
    with open(folder / "commits.csv", newline="", encoding="utf-8") as file:
        lines = {int(line["version"]): line for line in csv.DictReader(file)}
    live, run, first, chain, before = {}, [], 0, None, None
    chains = set()
    for path in sorted((folder / "log").iterdir()):
        version, data = int(path.name[:20]), path.read_bytes()
        if before is not None and version != before + 1:
            run, chain = [], None
        actions = parse(data)
        linked = is_linked(actions)
        if linked:
            check_link(version, link_of(actions), run, first, wrong)
        own = sha256(data)
        if linked or not run:
            run, first, chain = [own], version, own
        else:
            run.append(own)
            chain = sha256((chain + own).encode())
        line = lines.get(version, {})
        if (line.get("sha256"), line.get("chain")) != (own, chain):
            wrong.append(f"version {version} is not as in commits.csv")
        for action in actions:
            if "remove" in action:
                live.pop(action["remove"]["path"], None)
        for action in actions:
            if "add" in action:
                live[action["add"]["path"]] = action["add"]
        chains.add(chain)
        before = version
    if before != table["version"] or len(lines) != table["commits"]:
        wrong.append(f"{table['table']}: commits are missing")
    seal = json.loads((folder / "seal.json").read_text())
    if (seal["version"], seal["head"]) != (before, chain) or table["head"] != chain:
        wrong.append(f"{table['table']}: its head is not the one of its commits")
    if (folder / "seals.ndjson").exists():
        for noted in (folder / "seals.ndjson").read_text().splitlines():
            if json.loads(noted)["head"].lower() not in chains:
                wrong.append(f"{table['table']}: a head that was noted is not in the chain")
    return live


def rows_of(folder, sources, live, columns):
    """The rows of the source files, with partition values. Needs pyarrow."""
    import pyarrow.parquet  # pylint: disable=import-outside-toplevel
    rows = []
    for source in sources:
        values = live[source["path"]]["partitionValues"]
        for row in pyarrow.parquet.ParquetFile(folder.parent / source["file"]).read().to_pylist():
            rows.append(tuple(str(row[name]) if name in row else str(values.get(name))
                              for name in columns))
    return rows


def check_export_rows(folder, table, live, wrong):
    """Source files are live, and proven as they claim; without a range they are all of them; their
    rows are the exported ones."""
    import pyarrow.parquet  # pylint: disable=import-outside-toplevel
    with open(folder / "sources.csv", newline="", encoding="utf-8") as file:
        sources = list(csv.DictReader(file))
    for source in sources:
        added = live.get(source["path"])
        data = (folder.parent / source["file"]).read_bytes()
        if added is None or added["size"] != len(data):
            wrong.append(f"{source['path']}: no file of that version")
        elif source["proof"] == "commit" and added["tags"]["varve.sha256"] != sha256(data):
            wrong.append(f"{source['path']}: not the file that its commit names")
    ranged = table["from"] is not None or table["to"] is not None
    if not ranged and table["commitsMissing"] == 0 and \
            {source["path"] for source in sources} != live.keys():
        wrong.append(f"{table['table']}: its files are not all there")
    columns = [column["name"] for column in table["columns"]]
    exported = pyarrow.parquet.ParquetFile(folder / "rows.parquet").read().to_pylist()
    with open(folder / "rows.csv", newline="", encoding="utf-8") as file:
        lines = sum(1 for _ in csv.reader(file)) - 1
    if not len(exported) == lines == table["rows"]:
        wrong.append(f"{table['table']}: {table['rows']} rows are told, {len(exported)} and "
                     f"{lines} there")
    if table["vectors"] > 0 or any(int(source["deleted"]) for source in sources) or \
            any(path not in live for path in (source["path"] for source in sources)):
        return
    said = sorted(tuple(str(row[name]) for name in columns) for row in exported)
    found = rows_of(folder, sources, live, columns)
    if ranged:
        at = columns.index(table["timeColumn"])
        found = [row for row in found
                 if (table["from"] is None or row[at] >= when(table["from"]))
                 and (table["to"] is None or row[at] < when(table["to"]))]
    if said != sorted(found):
        wrong.append(f"{table['table']}: its rows are not those of the source files")


def check_export_changes(folder, table, wrong):
    """One after the other the changes make the rows; no version of a gap is told."""
    columns = [column["name"] for column in table["columns"]]
    gaps = [range(gap["from"], gap["to"] + 1) for gap in table["changesMissing"]]
    rows, told = collections.Counter(), 0
    for path in sorted((folder / "changes").glob("*.csv")):
        first, last = (int(part) for part in path.stem.split("-"))
        with open(path, newline="", encoding="utf-8") as file:
            for line in csv.DictReader(file):
                version = int(line["_commit_version"])
                if not first <= version <= last or any(version in gap for gap in gaps):
                    wrong.append(f"{path.name}: tells of version {version}")
                row = tuple(line[name] for name in columns)
                rows[row] += 1 if line["_change_type"] in ("insert", "update_postimage") else -1
                told += 1
    if told != table["changes"]:
        wrong.append(f"{table['table']}: {table['changes']} changes are told, {told} there")
    with open(folder / "rows.csv", newline="", encoding="utf-8") as file:
        there = collections.Counter(tuple(line[name] for name in columns)
                                    for line in csv.DictReader(file))
    rows.subtract(there)
    key_has_time = table["timeColumn"] is None or (table["from"] is table["to"] is None)
    if not gaps and key_has_time and any(rows.values()):
        wrong.append(f"{table['table']}: its changes do not make its rows")


def when(text):
    """A time of the manifest as Python writes one of a row (to the second, or finer)."""
    import datetime  # pylint: disable=import-outside-toplevel
    return str(datetime.datetime.fromisoformat(text.replace("Z", "+00:00")))


def check_export(folder, noted=None):
    """What is wrong, a sentence each."""
    folder = pathlib.Path(folder)
    wrong = []
    try:
        manifest = check_sums(folder, noted, wrong)
        for table in manifest["tables"]:
            inside = folder / table["folder"]
            live = check_export_chain(inside, table, wrong)
            if table["hasSources"] and table["commitsMissing"] == 0:
                check_export_rows(inside, table, live, wrong)
            if table["hasChanges"]:
                check_export_changes(inside, table, wrong)
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        wrong.append(f"it can't be read: {error!r}")
    return wrong


def main():
    if sys.argv[1] == "--export":
        wrong = check_export(sys.argv[2], sys.argv[3] if len(sys.argv) > 3 else None)
        print("\n".join(wrong))
        return 10 if wrong else 0
    wrong, chain = check(sys.argv[1], sys.argv[2] if len(sys.argv) > 2 else None)
    for line in wrong:
        print(line)
    print(f"head {chain}")
    return 10 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
