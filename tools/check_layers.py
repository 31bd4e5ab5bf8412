#!/usr/bin/env python3
"""Includes point down: what each layer may include, of ours and of others.

Exceptions stand in check_layers.txt as "path includes header: reason".
"""

import pathlib
import re
import sys

import csource

# What a layer may include besides itself and the public headers.
BELOW = {
    "base": (),
    "store": ("base",),
    "engine": ("base",),
    "delta": ("base", "store", "engine"),
    "table": ("base", "store", "engine", "delta"),
    "lake": ("base", "store", "engine", "delta", "table"),
    "ingest": ("base", "store", "engine", "delta", "table", "lake"),
    "api": ("base", "store", "engine", "delta", "table", "lake", "ingest"),
    # A user of the library like any other: the public headers alone.
    "cli": (),
    "server": (),
}

# Who alone may include headers whose name begins so. The command is a program, not the library:
# it may open the files that a person names.
ONLY = {
    "duckdb": ("engine",),
    "nanoarrow/": ("engine",),
    "flatcc": ("engine",),
    "yyjson": ("base",),
    "openssl/": ("base",),
    "xxhash": ("base",),
    "zlib": ("base",),
    "snappy": ("engine",),
    "zstd": ("engine",),
    "roaring/": ("delta",),
    "curl/": ("store",),
    "expat": ("store",),
    "microhttpd": ("server",),
    "histedit.h": ("cli",),
    "fcntl.h": ("store", "cli", "server"),
    "dirent.h": ("store", "cli", "server"),
    "ftw.h": ("store", "cli", "server"),
    "sys/file.h": ("store", "cli", "server"),
    "sys/mman.h": ("store", "cli", "server"),
    "sys/stat.h": ("store", "cli", "server"),
    "sys/statvfs.h": ("store", "cli", "server"),
    "sys/vfs.h": ("store", "cli", "server"),
}

# The public headers need nothing that the installed folder lacks.
PUBLIC_SYSTEM = {"stdint.h", "stddef.h"}

INCLUDE = re.compile(r'^[ \t]*#[ \t]*include[ \t]*(["<])([^">]+)[">]', re.MULTILINE)


def judge_ours(layer, header):
    """Why this layer must not include this header of ours, or None."""
    folder = header.split("/")[0]
    if "/" not in header:
        return f'"{header}" has no folder: write "{layer}/{header}"'
    if folder in ("varve", layer) or folder in BELOW[layer]:
        return None
    if folder not in BELOW:
        return f'"{header}": {folder} is no layer'
    return f"{layer} must not include {folder} ({header})"


def judge_others(layer, header):
    """Why this layer must not include this header of others, or None."""
    for start, allowed in ONLY.items():
        if header.startswith(start) and layer not in allowed:
            return f"<{header}> is for {', '.join(allowed)} alone"
    return None


def check_source(name, layer, text):
    """The problems of one source, as lines."""
    if layer not in BELOW:
        return [(None, f"{name}: src/{layer} is no layer: name it in tools/check_layers.py")]
    problems = []
    for match in INCLUDE.finditer(text):
        quote, header = match.groups()
        judge = judge_ours if quote == '"' else judge_others
        problem = judge(layer, header)
        if problem:
            line = text.count("\n", 0, match.start()) + 1
            problems.append((header, f"{name}:{line}: {problem}"))
    return problems


def check_public(name, text):
    """A public header includes its neighbours and a few standard headers only."""
    problems = []
    for quote, header in INCLUDE.findall(text):
        good = header.startswith("varve/") if quote == '"' else header in PUBLIC_SYSTEM
        if not good:
            problems.append(f"{name}: a public header must not include {header}")
    return problems


def check(root):
    """All problems of the tree, as lines."""
    excused = csource.exceptions(pathlib.Path(root) / "tools/check_layers.txt")
    problems, used = [], set()
    for path in csource.files(root, "src/**/*.c", "src/**/*.h"):
        name = path.relative_to(root).as_posix()
        for header, problem in check_source(name, name.split("/")[1], path.read_text("utf-8")):
            key = f"{name} includes {header}"
            if excused.get(key):
                used.add(key)
            else:
                problems.append(problem)
    for path in csource.files(root, "include/varve/*.h"):
        problems += check_public(path.relative_to(root).as_posix(), path.read_text("utf-8"))
    for key in sorted(set(excused) - used):
        problems.append(f"tools/check_layers.txt: not needed any more: {key}")
    return problems


if __name__ == "__main__":
    sys.exit(csource.report("check_layers", check(csource.ROOT), "includes point down"))
