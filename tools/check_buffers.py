#!/usr/bin/env python3
"""No text that memory was too short for is ever used in part, or taken for another.

The content of a buffer is taken with vv_buf_str alone. Of a buffer that failed it is VV_STR_LOST,
which those named below refuse as out of memory, and which a message shows as "...". A function
that hands it to anybody else has to ask vv_buf_ok of that buffer as well.
"""

import pathlib
import re
import sys

import csource

# The text itself is an argument of theirs, and they refuse it when it was lost.
REFUSING = {
    "vv_buf_add", "vv_arena_str",
    "vv_jw_string", "vv_jw_raw", "vv_jw_key_str", "vv_jw_key_string", "vv_json_parse",
    "vv_sql_name", "vv_sql_literal", "vv_sql_file",
    "vv_duck_text", "vv_duck_query", "vv_session_exec", "vv_session_int64", "vv_session_query",
    "vv_session_stream", "vv_session_make_view", "vv_duck_blame",
    "vv_source_open_bytes", "vv_store_put", "vv_store_put_if_absent",
}
# Their text is for people alone.
MESSAGES = {"vv_fail", "vv_fail_errno", "vv_note", "vv_detail", "vv_log"}
USE = re.compile(r"vv_buf_str\(\s*([^()]*?)\s*\)")
FIELD = re.compile(r"(?:\.|->)private_ptr\b")
# Those may touch the bytes: the buffer itself, and who sets bits in what it has added.
BYTES = {"src/base/buf.c", "src/base/buf.h", "src/ingest/spool_row.c",
         "src/ingest/spool_row_batch.c"}


def calls_around(text, at):
    """The names of the calls that the place stands in, the innermost first."""
    names, depth = [], 0
    for index in range(at - 1, -1, -1):
        char = text[index]
        if char == ")":
            depth += 1
        elif char == "(" and depth > 0:
            depth -= 1
        elif char == "(":
            name = re.search(r"(\w*)\s*$", text[:index]).group(1)
            names.append(name)
        elif char in ";{}" and depth == 0:
            break
    return names


def is_refused(text, use):
    """Whether whoever gets this very text refuses a lost one."""
    names = calls_around(text, use.start())
    if not names:
        return False
    if names[0] == "VV_ARG":
        return any(name in MESSAGES for name in names[1:2])
    behind = text[use.end():].lstrip()
    return names[0] in REFUSING and behind[:1] in (",", ")")


def check_text(name, text):
    """Problems of one source."""
    if name not in BYTES:
        for number, line in enumerate(csource.plain(text).split("\n"), 1):
            if FIELD.search(line):
                yield f"{name}:{number}: the bytes of a buffer are taken with vv_buf_str"
    for function in csource.functions(text):
        body = "\n".join(function.body)
        asked = set(re.findall(r"vv_buf_ok\(\s*([^()]*?)\s*\)", body))
        for use in USE.finditer(body):
            if use.group(1) in asked or is_refused(body, use):
                continue
            line = function.first + body[: use.start()].count("\n")
            yield (f"{name}:{line}: {function.name}: vv_buf_str({use.group(1)}) without "
                   f"vv_buf_ok({use.group(1)})")


def main():
    problems = []
    for path in csource.files(csource.ROOT, "src/**/*.c", "src/**/*.h"):
        name = str(pathlib.PurePosixPath(path.relative_to(csource.ROOT)))
        if name != "src/base/buf.h":
            problems += check_text(name, path.read_text(encoding="utf-8"))
    return csource.report("check_buffers", problems, "no buffer is used in part")


if __name__ == "__main__":
    sys.exit(main())
