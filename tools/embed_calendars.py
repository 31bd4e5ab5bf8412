#!/usr/bin/env python3
"""Makes C source of the calendars, as bytes: embed_calendars.py FILE... > calendar_data.c"""

import pathlib
import sys


def main(files):
    files = sorted(map(pathlib.Path, files))
    print('/* Made by tools/embed_calendars.py. */\n#include "lake/calendar.h"\n')
    for file in files:
        lines = [line for line in file.read_text(encoding="ascii").splitlines()
                 if line and not line.startswith("#")]
        data = "\n".join(lines).encode() + b"\n\0"
        print(f"static const char text_{file.stem.lower()}[] = {{")
        for at in range(0, len(data), 24):
            print("    " + ", ".join(map(str, data[at:at + 24])) + ",")
        print("};\n")
    print("const struct vv_calendar_data vv_calendar_data[] = {")
    for file in files:
        print(f'    {{"{file.stem}", text_{file.stem.lower()}}},')
    print("    {NULL, NULL},\n};")


if __name__ == "__main__":
    main(sys.argv[1:])
