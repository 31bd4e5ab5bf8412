"""The state of a table as Varve's log layer sees it, by the program state_dump of the build."""

import json
import os
import pathlib
import re
import shutil
import subprocess

ROOT = pathlib.Path(__file__).resolve().parents[2]
BUILD = pathlib.Path(os.environ.get("VARVE_BUILD", ROOT / "build"))
CONFORMANCE = ROOT.parent / "shared" / "conformance"

# "2021-01-30 10:00:00+00", as a checkpoint's typed statistics come out
BLANK_TIME = re.compile(r"^(\d{4,5}-\d\d-\d\d) (\d\d:\d\d:\d\d)(\.\d+)?(\+00)?$")
ISO_TIME = re.compile(r"^(\d{4,5}-\d\d-\d\d)T(\d\d:\d\d:\d\d)(\.\d+)?(Z)?$")


class Refused(Exception):
    """The state could not be loaded; `code` is the exit status."""

    def __init__(self, code, message):
        super().__init__(message)
        self.code = code


def dump(table, version=None):
    """(how it was made, list of lines) of a version."""
    command = [str(BUILD / "tests" / "golden" / "state_dump"), str(table)]
    if version is not None:
        command.append(str(version))
    done = subprocess.run(command, check=False, capture_output=True, text=True, timeout=120)
    if done.returncode != 0:
        raise Refused(done.returncode, done.stderr)
    head, *lines = done.stdout.splitlines()
    return json.loads(head), lines


def files(lines):
    """The live files, by path and deletion vector."""
    adds = (json.loads(line)["add"] for line in lines if line.startswith('{"add"'))
    return {(add["path"], json.dumps(add.get("deletionVector"))): add for add in adds}


def normal(value):
    """A statistic in one spelling: times without a zone, trailing zeros or a T."""
    if isinstance(value, dict):
        return {name: normal(child) for name, child in value.items() if child not in (None, {})}
    if isinstance(value, str):
        match = BLANK_TIME.match(value) or ISO_TIME.match(value)
        if match:
            fraction = (match[3] or "").rstrip("0").rstrip(".")
            return f"{match[1]}T{match[2]}{fraction}"
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        return float(value)
    return value


def comparable(lines):
    """What must be the same from a checkpoint and from the commits: all but the tombstones."""
    state = []
    for line in lines:
        action = json.loads(line)
        if "remove" in action:
            continue
        add = action.get("add")
        if add and add.get("stats") is not None:
            add["stats"] = normal(json.loads(add["stats"]))
        if "metaData" in action:
            action["metaData"]["schemaString"] = json.loads(action["metaData"]["schemaString"])
        state.append(action)
    return state


def without_checkpoints(table, target):
    """A copy of a table's commits alone; None where they do not reach back to version 0."""
    log = pathlib.Path(table) / "_delta_log"
    if not (log / f"{0:020}.json").exists():
        return None
    copied = pathlib.Path(target) / "_delta_log"
    copied.mkdir(parents=True)
    for path in log.iterdir():
        if re.fullmatch(r"\d{20}\.json", path.name):
            shutil.copy2(path, copied / path.name)
    return target
