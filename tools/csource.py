"""What the checkers share: C sources without comments and strings, and the functions in them.

Not a C parser. It relies on how our files are laid out: the braces of a function stand in the
first column, and so does the line that its name begins on.
"""

import pathlib
import re
import subprocess

ROOT = pathlib.Path(__file__).resolve().parent.parent
# All C of ours.
SOURCES = ("src/**/*.c", "src/**/*.h", "include/**/*.h", "tests/**/*.c", "tests/**/*.h",
           "python/src/*.c", "python/src/*.h")
NOISE = re.compile(
    r'/\*.*?\*/|//[^\n]*|"(?:\\.|[^"\\\n])*"|\'(?:\\.|[^\'\\\n])+\'', re.DOTALL
)
HEAD = re.compile(r"(\w+)\s*\(([^{};]*)\)\s*\{?$", re.DOTALL)


def files(root, *patterns):
    """The files that git knows or would add, in order; without git, all that match."""
    command = ["git", "-C", str(root), "ls-files", "--cached", "--others", "--exclude-standard"]
    specs = [f":(glob){pattern}" for pattern in patterns]
    listed = subprocess.run(command + ["--", *specs], capture_output=True, text=True, check=False)
    if listed.returncode == 0:
        found = {root / line for line in listed.stdout.splitlines()}
    else:
        found = {path for pattern in patterns for path in root.glob(pattern)}
    return sorted(path for path in found if path.is_file())


def blank(match):
    """Keeps line ends and the quotes, so that line numbers and the shape stay."""
    text = match.group(0)
    inside = "".join(char if char == "\n" else " " for char in text[1:-1])
    return text[0] + inside + text[-1] if text[0] in "\"'" else " " + inside + " "


def plain(text):
    """The text with comments and the content of strings blanked."""
    return NOISE.sub(blank, text)


class Function:
    """A function definition: name, parameters, first and last line (from 1), body."""

    def __init__(self, name, parameters, first, lines):
        self.name = name
        self.parameters = parameters
        self.first = first
        self.last = first + len(lines) - 1
        self.body = lines

    def length(self):
        """Lines between the braces."""
        start = next(i for i, line in enumerate(self.body) if line.startswith("{"))
        return len(self.body) - start - 2

    def nesting(self):
        """The deepest block inside the body; an unbraced statement counts by its indentation."""
        depth = deepest = 0
        for line in self.body:
            for char in line:
                if char == "{":
                    depth += 1
                elif char == "}":
                    depth -= 1
            if not re.search(r"=\s*\{|\)\s*\{[^}]*\}|^\s*\{.*\}", line):
                deepest = max(deepest, depth - 1)
        return deepest


def split_parameters(text):
    """The parameters between the parentheses, as a list; [] for (void)."""
    parts, depth, part = [], 0, ""
    for char in text:
        depth += (char == "(") - (char == ")")
        if char == "," and depth == 0:
            parts.append(part)
            part = ""
        else:
            part += char
    parts.append(part)
    parts = [part.strip() for part in parts]
    return [] if parts in ([""], ["void"]) else parts


def parameters_of(head):
    """Name and parameters of the function that this text declares: its last outer (...)."""
    depth, end = 0, head.rfind(")")
    for at in range(end, -1, -1):
        depth += (head[at] == ")") - (head[at] == "(")
        if depth == 0:
            name = re.search(r"(\w+)\s*$", head[:at])
            return (name.group(1) if name else "?"), split_parameters(head[at + 1 : end])
    return "?", []


def functions(text):
    """All functions defined in a source."""
    lines = plain(text).split("\n")
    found, open_at = [], None
    for number, line in enumerate(lines):
        if line.rstrip() == "{":
            open_at = number
        elif line.rstrip() == "}" and open_at is not None:
            start = open_at
            while start > 0 and lines[start - 1].strip() and not re.match(
                r"[}#]|.*;\s*$", lines[start - 1]
            ):
                start -= 1
            name, parameters = parameters_of("\n".join(lines[start:open_at]))
            found.append(Function(name, parameters, start + 1, lines[start : number + 1]))
            open_at = None
    return found


def exceptions(path):
    """Lines "what: reason" of a text file, '#' for comments, as a dictionary."""
    table = {}
    if path.exists():
        for line in path.read_text(encoding="utf-8").splitlines():
            if line.strip() and not line.startswith("#"):
                what, _, reason = line.partition(": ")
                table[what.strip()] = reason.strip()
    return table


def report(tool, problems, what):
    """Prints the problems and gives the exit status."""
    for problem in problems:
        print(f"{tool}: {problem}")
    if not problems:
        print(f"{tool}: {what}")
    return 1 if problems else 0
