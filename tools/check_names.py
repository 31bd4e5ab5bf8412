#!/usr/bin/env python3
"""Names, and calls that only some files may make.

Exceptions stand in check_names.txt as "path name: reason". When a build folder is given, the
symbols that its libvarve.so exports are compared with those that the public headers declare.
"""

import pathlib
import re
import subprocess
import sys

import csource

# Calls that the library must not make: its memory can fail in tests, and its process is another's.
LIBRARY_NEVER = re.compile(
    r"(?<![\w.>])(malloc|calloc|realloc|free|strdup|strndup|asprintf|vasprintf|printf|fprintf"
    r"|vprintf|vfprintf|puts|putchar|perror|exit|_exit|abort|setlocale|signal|sigaction)\("
)
UNDERSCORE = re.compile(r"\b(?:struct|enum|union|#define)\s+(_\w+)")
TYPEDEF_STRUCT = re.compile(r"\btypedef\s+(?:struct|enum|union)\b")
OPEN_NOTE = re.compile(r"\b(TODO|FIXME|XXX|HACK)\b")
LINE_COMMENT = re.compile(r"(?<!:)//")
MACHINE_PATH = re.compile(r"[\"' (](/(?:work|home)/[\w./-]*)")
DECLARED = re.compile(r"^VARVE_API\b[^;{]*?\b(?!__)(\w+)\s*\(", re.DOTALL | re.MULTILINE)


def guard_of(name):
    """The include guard that a header at this path has."""
    parts = pathlib.PurePosixPath(name).with_suffix("").parts
    if parts[0] == "include":
        return f"VARVE_{parts[-1].upper()}_H"
    if parts[0] == "python":
        return f"VP_{parts[-1].upper()}_H"
    return "_".join(("VV",) + parts[1:]).upper() + "_H"


def check_functions(name, text):
    """Shared functions bear our prefix, static ones none."""
    for function in csource.functions(text):
        head = "\n".join(function.body).split("{")[0]
        ours = function.name.startswith(("vv_", "varve_"))
        at = f"{name}:{function.first}: {function.name}"
        if re.search(r"\bstatic\b", head) and name.endswith(".c"):
            if ours:
                yield function.name, f"{at}: a static function has no prefix"
        elif not ours and function.name not in ("main", "LLVMFuzzerTestOneInput"):
            yield function.name, f"{at}: a shared function begins with vv_ or varve_"


def check_header(name, text):
    """Guard; in public headers the prefix of every function."""
    guard = guard_of(name)
    if f"#ifndef {guard}\n#define {guard}\n" not in text:
        yield guard, f"{name}: the include guard should be {guard}"
    if name.startswith("include/"):
        for found in DECLARED.findall(csource.plain(text)):
            if not found.startswith("varve_"):
                yield found, f"{name}: {found}: a public function begins with varve_"


def check_words(name, text, is_library):
    """Words that must not stand in a source."""
    bare = csource.plain(text)
    rules = [(UNDERSCORE, "a name of ours does not begin with an underscore")]
    if name.startswith("src/"):
        rules.append((TYPEDEF_STRUCT, "internal types are plain structs and enums"))
    if is_library:
        rules.append((LIBRARY_NEVER, "not in the library"))
    for rule, why in rules:
        for match in rule.finditer(bare):
            word = match.group(match.lastindex or 0)
            line = bare.count("\n", 0, match.start()) + 1
            yield word, f"{name}:{line}: {word}: {why}"
    strings_gone = re.sub(r'"(?:\\.|[^"\\\n])*"', '""', text)
    for rule, why in [
        (LINE_COMMENT, "comments are /* */"),
        (OPEN_NOTE, "finish it, or leave it out and say so in the documents"),
    ]:
        for match in rule.finditer(strings_gone if rule is LINE_COMMENT else text):
            # `//` inside a comment is prose, such as an address
            inside = strings_gone.rfind("/*", 0, match.start()) > strings_gone.rfind(
                "*/", 0, match.start()
            )
            if rule is OPEN_NOTE or not inside:
                line = text.count("\n", 0, match.start()) + 1
                yield match.group(0), f"{name}:{line}: {match.group(0)}: {why}"
    for match in MACHINE_PATH.finditer(text):
        yield match.group(1), f"{name}: {match.group(1)}: a path of one machine"


def check_file(name, text):
    """(word, problem) of one source."""
    if name.startswith("src/"):
        yield from check_functions(name, text)
    if name.endswith(".h") and not name.startswith("tests/"):
        yield from check_header(name, text)
    is_library = name.startswith("src/") and name.split("/")[1] not in ("cli", "server")
    yield from check_words(name, text, is_library)


def check_exports(build, headers):
    """What libvarve.so exports is what the headers declare."""
    declared = {name for text in headers for name in DECLARED.findall(csource.plain(text))}
    command = ["nm", "-D", "--defined-only", "--format=posix", str(build / "libvarve.so")]
    listed = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    exported = {line.split()[0].split("@")[0] for line in listed.splitlines()}
    for name in sorted(declared - exported):
        yield f"{name} is declared in include/varve and not in libvarve.so"
    for name in sorted(exported - declared):
        yield f"{name} is exported by libvarve.so and declared nowhere in include/varve"


def check(root, build=None):
    """All problems of the tree, as lines."""
    excused = csource.exceptions(pathlib.Path(root) / "tools/check_names.txt")
    problems, used, headers = [], set(), []
    for path in csource.files(root, *csource.SOURCES):
        name = path.relative_to(root).as_posix()
        text = path.read_text("utf-8")
        if name.startswith("include/"):
            headers.append(text)
        for word, problem in check_file(name, text):
            if excused.get(f"{name} {word}"):
                used.add(f"{name} {word}")
            else:
                problems.append(problem)
    for key in sorted(set(excused) - used):
        problems.append(f"tools/check_names.txt: not needed any more: {key}")
    if build is not None:
        problems += check_exports(build, headers)
    return problems


if __name__ == "__main__":
    BUILD = pathlib.Path(sys.argv[1]) if len(sys.argv) > 1 else None
    sys.exit(csource.report("check_names", check(csource.ROOT, BUILD), "names are as agreed"))
