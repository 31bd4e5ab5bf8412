"""Binds a shared library's references to its own symbols, once, instead of at each start.

    python3 tools/bind_library.py libduckdb.so bound.so

A C++ library looks up tens of thousands of its own symbols by their long names whenever it is
loaded, since a program could put others in their place. Nobody means to do that to libduckdb, and a
short-lived command pays for it each time. What is left afterwards is what `-Bsymbolic` leaves: a
reference to a function or an object that the library defines is an offset. References to others
stay as they are, and so do those that have to be one in the whole process (unique and thread-local
symbols, resolvers).

Only for ELF of x86-64 that is laid out as GNU ld does; whatever else is refused, and nothing
written.
"""

import struct
import sys

PT_LOAD, PT_DYNAMIC = 1, 2
DT_PLTRELSZ, DT_SYMTAB, DT_RELA, DT_RELASZ, DT_JMPREL = 2, 6, 7, 8, 23
DT_RELACOUNT = 0x6FFFFFF9
R_64, R_GLOB_DAT, R_JUMP_SLOT, R_RELATIVE = 1, 6, 7, 8
STB_GLOBAL, STB_WEAK = 1, 2
STT_OBJECT, STT_FUNC = 1, 2
RELA = struct.Struct("<QQq")
PUSH = 0x68  # the second instruction of a lazy stub, with the number of its relocation


class Refused(Exception):
    pass


class Library:
    def __init__(self, data):
        self.data = bytearray(data)
        if self.data[:6] != b"\x7fELF\x02\x01" or self.read("<HH", 16) != (3, 62):
            raise Refused("not a shared library of x86-64")
        segments = [self.read("<IIQQQQ", self.read("<Q", 32)[0] + 56 * i)
                    for i in range(self.read("<H", 56)[0])]
        self.loads = [(s[3], s[2], s[5]) for s in segments if s[0] == PT_LOAD]
        dynamic = [s for s in segments if s[0] == PT_DYNAMIC]
        if len(dynamic) != 1:
            raise Refused("no dynamic section")
        self.tags = {}  # tag -> (value, where the value is)
        for at in range(dynamic[0][2], dynamic[0][2] + dynamic[0][5], 16):
            tag, value = self.read("<QQ", at)
            self.tags.setdefault(tag, (value, at + 8))

    def read(self, form, at):
        try:
            return struct.unpack_from(form, self.data, at)
        except struct.error as error:
            raise Refused(f"it ends within a table ({error})") from None

    def tag(self, tag):
        if tag not in self.tags:
            raise Refused(f"the dynamic section has no tag {tag:#x}")
        return self.tags[tag][0]

    def set_tag(self, tag, value):
        struct.pack_into("<Q", self.data, self.tags[tag][1], value)

    def offset(self, address):
        for start, offset, size in self.loads:
            if start <= address < start + size:
                return address - start + offset
        raise Refused(f"address {address:#x} is not in the file")

    def own_value(self, symbol):
        """The address of a symbol that the library may bind to itself; None: it may not."""
        _, info, _, section, value = self.read("<IBBHQ", self.symbols + 24 * symbol)
        is_own = section != 0 and info >> 4 in (STB_GLOBAL, STB_WEAK)
        return value if is_own and info & 15 in (STT_OBJECT, STT_FUNC) else None

    def renumber_stub(self, slot, old, new):
        """A stub of the PLT tells the loader by number which slot it is to fill."""
        stub = self.offset(self.read("<Q", self.offset(slot))[0])
        if self.read("<BI", stub) != (PUSH, old):
            raise Refused(f"the stub of relocation {old} is laid out in another way")
        struct.pack_into("<I", self.data, stub + 1, new)

    def bind(self):
        """The number of references that were bound."""
        start, size = self.offset(self.tag(DT_RELA)), self.tag(DT_RELASZ)
        plt, plt_size = self.offset(self.tag(DT_JMPREL)), self.tag(DT_PLTRELSZ)
        self.tag(DT_RELACOUNT)
        self.symbols = self.offset(self.tag(DT_SYMTAB))
        if start + size != plt:
            raise Refused("its two tables of relocations don't lie together")
        relative, others, slots, bound = [], [], [], 0
        for at in range(start, plt, RELA.size):
            place, info, addend = self.read(RELA.format, at)
            kind, symbol = info & 0xFFFFFFFF, info >> 32
            value = self.own_value(symbol) if kind in (R_64, R_GLOB_DAT) else None
            if kind == R_RELATIVE:
                relative.append((place, R_RELATIVE, addend))
            elif value is not None:
                relative.append((place, R_RELATIVE, value + (addend if kind == R_64 else 0)))
                bound += 1
            else:
                others.append((place, info, addend))
        for number, at in enumerate(range(plt, plt + plt_size, RELA.size)):
            place, info, addend = self.read(RELA.format, at)
            value = self.own_value(info >> 32) if info & 0xFFFFFFFF == R_JUMP_SLOT else None
            if value is not None:
                relative.append((place, R_RELATIVE, value))
                bound += 1
            else:
                self.renumber_stub(place, number, len(slots))
                slots.append((place, info, addend))
        relative.sort()  # the pages that they are in are then touched one after the other
        for number, relocation in enumerate(relative + others + slots):
            RELA.pack_into(self.data, start + RELA.size * number, *relocation)
        length = RELA.size * (len(relative) + len(others))
        self.set_tag(DT_RELASZ, length)
        self.set_tag(DT_RELACOUNT, len(relative))
        self.set_tag(DT_JMPREL, self.tag(DT_RELA) + length)
        self.set_tag(DT_PLTRELSZ, RELA.size * len(slots))
        return bound


def main():
    if len(sys.argv) != 3:
        sys.exit("usage: bind_library.py LIBRARY OUTPUT")
    source, output = sys.argv[1:]
    with open(source, "rb") as file:
        data = file.read()
    try:
        library = Library(data)
        bound = library.bind()
    except Refused as refused:
        sys.exit(f"{source}: {refused}")
    with open(output, "wb") as file:
        file.write(library.data)
    print(f"{source}: {bound} references to symbols of its own are bound")


if __name__ == "__main__":
    main()
