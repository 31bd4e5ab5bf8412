#!/usr/bin/env python3
"""What the documents say against what the code has.

Status codes in status.h and status.c against docs/errors.md, links between documents, the layers
in meson.build against those of check_layers.py, and the numbers of the decision records.
"""

import pathlib
import re
import sys

import check_layers
import csource

CODE = re.compile(r"^#define (VARVE_\w+) (\d+)\s", re.MULTILINE)
NAME = re.compile(r'case (VARVE_\w+):\s+return "(\w+)";')
SECTION = re.compile(r"^## (\d+) ([A-Z_]+) \(`(VARVE_\w+)`\)$", re.MULTILINE)
LINK = re.compile(r"(?<!!)\[[^\]]*\]\(([^)#\s]+)[^)]*\)")
LAYERS = re.compile(r"^layers = \[([^\]]*)\]", re.MULTILINE)
FENCE = re.compile(r"^```.*?^```", re.DOTALL | re.MULTILINE)
RECORD = re.compile(r"^(\d{4})-[a-z0-9-]+\.md$")


def codes_of(header, source):
    """(constant, number, name) of each status code in the code."""
    names = dict(NAME.findall(source))
    return {
        (constant, int(number), names.get(constant, "FAILED"))
        for constant, number in CODE.findall(header)
        if constant == "VARVE_OK" or constant.startswith("VARVE_E") and "_BYTES" not in constant
    }


def check_codes(header, source, manual):
    """The codes of the header have each one section of the manual, and the other way round."""
    written = {(constant, int(number), name) for number, name, constant in SECTION.findall(manual)}
    there = codes_of(header, source)
    if not there:
        yield "include/varve/status.h: no status code was found"
    for constant, number, name in sorted(there - written, key=lambda code: code[1]):
        yield f"docs/errors.md lacks the heading: ## {number} {name} (`{constant}`)"
    for constant, number, name in sorted(written - there, key=lambda code: code[1]):
        yield f"docs/errors.md: no such code: ## {number} {name} (`{constant}`)"


def check_links(path, text):
    """Links to files of the project lead somewhere."""
    for target in LINK.findall(FENCE.sub("", text)):
        if "://" in target or target.startswith("mailto:"):
            continue
        if not (path.parent / target).exists():
            yield f"{path.name}: the link to {target} leads nowhere"


def check_records(names):
    """Decision records are numbered 1, 2, 3 ... without a gap, each number once."""
    for expected, name in enumerate(sorted(names), start=1):
        match = RECORD.match(name)
        if not match:
            yield f"docs/adr/{name}: the name should be NNNN-words-of-it.md"
        elif int(match.group(1)) != expected:
            yield f"docs/adr/{name}: number {expected:04d} is missing or taken twice"
            return


def check_layer_list(meson):
    """meson.build builds the layers that check_layers.py knows, in the same order."""
    match = LAYERS.search(meson)
    built = re.findall(r"'(\w+)'", match.group(1)) if match else []
    known = [layer for layer in check_layers.BELOW if layer not in ("cli", "server")]
    if built != known:
        yield f"meson.build has the layers {built}, tools/check_layers.py has {known}"


def check(root):
    """All problems of the tree, as lines."""
    root = pathlib.Path(root)
    header = (root / "include/varve/status.h").read_text("utf-8")
    source = (root / "src/base/status.c").read_text("utf-8")
    manual = (root / "docs/errors.md").read_text("utf-8")
    problems = list(check_codes(header, source, manual))
    problems += check_layer_list((root / "meson.build").read_text("utf-8"))
    for path in csource.files(root, "*.md", "docs/**/*.md"):
        problems += check_links(path, path.read_text("utf-8"))
    problems += check_records(path.name for path in csource.files(root, "docs/adr/*.md"))
    return problems


if __name__ == "__main__":
    sys.exit(csource.report("check_docs", check(csource.ROOT), "the documents agree with the code"))
