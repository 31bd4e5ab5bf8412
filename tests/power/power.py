#!/usr/bin/env python3
"""Power cuts: what a disk may be left with, at any moment of a table's history, is a sound table.

    power.py BUILD STORIES [FIRST_SEED] [--cuts N]

A story (power_story.py) is told with a recorder (record.c) preloaded into each command. What
it wrote down is then cut at any place; of what was not synced by then, any part may be on the disk
and any part not: names one by one, of a file's bytes all, none, the first ones, or zeros; of a file that
is written to in memory each page as it was at any time since, or half of it. Of so many
of the different disks, the most likely to matter first, each is built, and must have a table that
  - is at a version not before the one that was last told to be committed,
  - has the rows of that version,
  - has nothing that `verify` finds missing or altered, with the head of the last seal,
  - has its whole history, in the log or in the ledger, and each older version that no vacuum took,
  - has the tags and holds that were told, what they name, and the rows that were set aside,
  - has in itself or in the spool beside it each row that an ingest has acknowledged, and gets it from there,
  - takes another upsert and its maintenance.
Of twelve stories the second four are of a table so large that a thread of the process writes its
checkpoints and cleans up its log while the process goes on; the third are mostly of ingests.
Prints what failed, and "N passed, N failed": a disk counts for one.
"""

import argparse
import collections
import hashlib
import itertools
import json
import os
import pathlib
import random
import shutil
import sys
import tempfile

HERE = pathlib.Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parent), str(HERE.parent / "record")]

# pylint: disable=wrong-import-position
from power_story import KINDS, LaterVarve, PowerStory, RecordedVarve, check
from story import LAYOUTS

DEEDS = 14
WAYS_MAX = 6  # disks of one cut
MIXES = 4     # of the pages of a file, beside the oldest of all and the newest of all
SECTOR_BYTES = 512

# A disk that a cut may leave: after so many deeds, and so many lines that the ingest under way has
# acknowledged. `least`: nothing is there of what was not synced, right behind such a record; or "".
Cut = collections.namedtuple("Cut", "told acked least files")


class Inode:
    """A file: what is on the disk for good, and what was done since."""

    def __init__(self):
        self.durable = b""
        self.pending = []

    def apply(self, steps):
        content = bytearray(self.durable)
        for kind, at, data in steps:
            if kind == "T":
                del content[at:]
                content.extend(bytes(at - len(content)))
            elif kind == "P":  # a page may reach beyond the end of its file
                content[at:at + len(data)] = data[:max(0, len(content) - at)]
            else:
                content.extend(bytes(max(0, at - len(content))))
                content[at:at + len(data)] = data
        return bytes(content)

    def sync(self):
        self.durable = self.apply(self.pending)
        self.pending = []

    @property
    def is_mapped(self):
        return any(kind == "P" for kind, _, _ in self.pending)

    def mix(self, chance):
        """Each page as it was on the disk or at any look since, or the half of it; the length as well.
        The sectors of a page reach the disk one by one."""
        versions = {}
        for kind, at, data in self.pending:
            if kind == "P":
                versions.setdefault(at, []).append(data)
        lengths = [step for step in self.pending if step[0] == "T"]
        steps = lengths[:chance.randint(0, len(lengths))]
        for at, pages in versions.items():
            page = chance.choice([None, *pages])
            if page is not None:
                cut = chance.choice([len(page), len(page), chance.randrange(0, len(page), SECTOR_BYTES)])
                steps.append(("P", at, page[:cut]))
        return self.apply(steps)

    def ways(self):
        """Contents that a power cut may leave, the least first."""
        whole = self.apply(self.pending)
        if self.is_mapped:
            chance = random.Random(len(self.pending))
            mixes = [self.mix(chance) for _ in range(MIXES)]
            return list(dict.fromkeys([self.durable, *mixes, whole]))
        # What is behind the end of what is on the disk does not change that.
        kept = self.durable if all(kind == "W" and at >= len(self.durable)
                                   for kind, at, _ in self.pending) else b""
        more = len(whole) - len(kept)
        ways = [self.durable, whole, kept + bytes(more), whole[:len(kept) + more // 2],
                self.apply(self.pending[:-1])]
        return list(dict.fromkeys(ways)) if self.pending else [self.durable]


class Disk:
    """The model of what is on a disk for good and what is not yet."""

    def __init__(self):
        self.inodes = {}   # as they are open or named now, by number
        self.names = {}    # for good: path -> Inode, or None of a folder
        self.pending = []  # (kind, paths, inode), in order
        self.current = {}  # names as the program sees them

    @staticmethod
    def do(names, kind, paths, inode):
        if kind == "M":
            names[paths[0]] = None
        elif kind in "UX":
            names.pop(paths[0], None)
        elif kind == "R":
            names.pop(paths[0], None)
            names[paths[1]] = inode
        else:
            names[paths[-1]] = inode

    def record(self, kind, text, data):
        if kind == "C":
            number, path = text.split(" ", 1)
            self.inodes[number] = Inode()
            self.name(kind, [path], self.inodes[number])
        elif kind in "WP":
            number, at = text.split(" ")[:2]
            if number in self.inodes:
                self.inodes[number].pending.append((kind, int(at), data))
        elif kind == "T":
            number, length = text.split(" ")
            if number in self.inodes:
                self.inodes[number].pending.append((kind, int(length), b""))
        elif kind == "S":
            if text in self.inodes:
                self.inodes[text].sync()
        elif kind == "D":
            folder = text.rstrip("/")
            self.settle(lambda kind, paths: all(os.path.dirname(path) == folder for path in
                                                (paths[1:] if kind == "L" else paths)))
        elif kind in "YE":
            for inode in self.inodes.values():
                inode.sync()
            self.settle(lambda kind, paths: True)
        else:
            paths = text.split("\t")
            self.name(kind, paths, self.current.get(paths[0]))

    def name(self, kind, paths, inode):
        self.do(self.current, kind, paths, inode)
        self.pending.append((kind, paths, inode))

    def settle(self, is_synced):
        """Makes the names of a folder durable. What is synced of a name that was renamed from
        another folder stays in doubt until both are; of a link the new name alone is new."""
        left = []
        for kind, paths, inode in self.pending:
            if is_synced(kind, paths):
                self.do(self.names, kind, paths, inode)
            else:
                left.append((kind, paths, inode))
        self.pending = left

    def doubtful(self):
        """Inodes with bytes that are not for good, of which a name may be on the disk."""
        inodes = [inode for inode in self.names.values() if inode is not None]
        inodes += [inode for _, _, inode in self.pending if inode is not None]
        return [inode for inode in dict.fromkeys(inodes) if inode.pending]

    def ways(self, chance):
        """Disks that a cut here may leave: {path: bytes or None}. Nothing kept, all kept, then
        each way alone where they are few, others by chance."""
        inodes = self.doubtful()
        kept = [(False, True)] * len(self.pending)
        choices = kept + [tuple(range(len(inode.ways()))) for inode in inodes]
        count = 1
        for choice in choices:
            count = min(count * len(choice), 10 ** 6)
        if count <= WAYS_MAX:
            picks = list(itertools.product(*choices))
        else:
            picks = [tuple(choice[0] for choice in choices), tuple(choice[-1] for choice in choices)]
            # All names and none of the bytes: what a missing sync shows at once.
            picks.append((True,) * len(kept) + (0,) * len(inodes))
            while len(picks) < WAYS_MAX:
                picks.append(tuple(chance.choice(choice) for choice in choices))
        for pick in picks:
            yield self.disk(pick[:len(kept)], dict(zip(inodes, pick[len(kept):])))

    def disk(self, kept, contents):
        names = dict(self.names)
        for is_kept, (kind, paths, inode) in zip(kept, self.pending):
            if is_kept:
                self.do(names, kind, paths, inode)
        reachable = {}
        for path in sorted(names):
            folder = os.path.dirname(path)
            if folder in ("", ".") or folder in reachable:
                inode = names[path]
                reachable[path] = None if inode is None else \
                    inode.ways()[contents.get(inode, 0)]
        return reachable


def read_journal(path):
    """(kind, text, bytes) of each record."""
    data = path.read_bytes()
    at = 0
    while at < len(data):
        end = data.index(b"\n", at)
        kind, _, text = data[at:end].decode().partition(" ")
        at = end + 1
        length = int(text.split(" ")[2]) if kind in "WPA" else 0
        yield kind, text, data[at:at + length]
        at += length


def tell(build, folder, layout, seed, kind, deeds):
    """The story; its journal is beside the disk."""
    folder = folder.resolve()
    (folder / "disk").mkdir(parents=True)
    story = PowerStory(RecordedVarve(build, folder / "disk" / "lake", folder / "journal"), layout,
                       seed, kind)
    story.note()
    for _ in range(deeds):
        story.one()
    return story


def acknowledged(answers):
    """Lines up to the newest acknowledgement; 0: none came."""
    return max([0] + [json.loads(line).get("ack", 0) for line in answers.splitlines()])


def cuts_of(journal, chance):
    """All disks that cuts may leave, each once for what was told by then."""
    disk, told, acked, seen, is_whole = Disk(), -1, 0, set(), True

    def cuts(least=""):
        for number, way in enumerate(disk.ways(chance)):
            digest = hashlib.sha256(repr((told, acked, sorted(way.items()))).encode()).digest()
            if digest not in seen:
                seen.add(digest)
                yield Cut(told, acked, least if number == 0 else "", way)

    for kind, text, data in read_journal(journal):
        if kind == "N":
            told, acked = int(text), 0
        elif kind == "A":
            acked = max(acked, acknowledged(data))
        elif kind == "B":
            is_whole = False
        else:
            # Of pages the states before their sync count, too: nothing else may say what they are.
            if kind == "S" and is_whole and text in disk.inodes and disk.inodes[text].is_mapped:
                yield from cuts()
            disk.record(kind, text, data)
            is_whole = is_whole or kind == "E"
        if kind not in "WP" and is_whole:
            # A cut between two writes is one of the ways of the cut behind them.
            yield from cuts(kind)


def some_of(cuts, most, feeds, chance):
    """So many of them; of ingests some are the least that there may be when a line is acknowledged, and
    when something of a followed file was synced."""
    picks = []
    for least in (lambda cut: cut.least == "A",
                  lambda cut: cut.least == "S" and feeds[cut.told].level == "followed"):
        found = [cut for cut in cuts if cut.told in feeds and least(cut)]
        picks += chance.sample(found, min(len(found), most // 4))
    chosen = set(map(id, picks))
    others = [cut for cut in cuts if id(cut) not in chosen]
    return picks + chance.sample(others, min(len(others), most - len(picks)))


def build_disk(way, folder):
    for path, content in way.items():
        if content is None:
            (folder / path).mkdir(parents=True, exist_ok=True)
        else:
            (folder / path).parent.mkdir(parents=True, exist_ok=True)
            (folder / path).write_bytes(content)


def check_disk(story, cut, goes_on):
    """What is wrong with the table on that disk; None: nothing."""
    with tempfile.TemporaryDirectory() as folder:
        build_disk(cut.files, pathlib.Path(folder))
        varve = LaterVarve(story.varve, pathlib.Path(folder) / "lake")
        return check(varve, story, cut.told, cut.acked, goes_on)


def try_story(build, layout, seed, most, kind="small", deeds=DEEDS):
    """(disks that were checked, what was wrong, the story)."""
    chance = random.Random(seed)
    with tempfile.TemporaryDirectory() as folder:
        story = tell(build, pathlib.Path(folder), layout, seed, kind, deeds)
        if kind == "large":
            story.errands = story.seams.read_text().count("checkpoint_errand.done")
        cuts = list(cuts_of(pathlib.Path(folder).resolve() / "journal", chance))
        if most < len(cuts):
            cuts = some_of(cuts, most, story.feeds, chance)
        wrong = []
        for number, cut in enumerate(cuts):
            fault = check_disk(story, cut, number % 8 == 0)
            if fault is not None:
                wrong.append(f"story {seed}, {layout}, disk {number}, {cut.told} was told, "
                             f"{cut.acked} acknowledged: {fault}")
                keep = build / "power" / f"{seed}-{number}"
                shutil.rmtree(keep, ignore_errors=True)
                keep.mkdir(parents=True)
                build_disk(cut.files, keep)
        return len(cuts), wrong, story


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("build", type=lambda text: pathlib.Path(text).resolve())
    parser.add_argument("stories", type=int)
    parser.add_argument("first", type=int, nargs="?", default=0)
    parser.add_argument("--cuts", type=int, default=10 ** 9, help="disks of each story, at most")
    options = parser.parse_args()
    total = failed = 0
    for seed in range(options.first, options.first + options.stories):
        layout = list(LAYOUTS)[seed % len(LAYOUTS)]
        kind = KINDS[seed // len(LAYOUTS) % len(KINDS)]
        disks, wrong, story = try_story(options.build, layout, seed, options.cuts, kind)
        total += disks
        failed += len(wrong)
        for text in wrong[:10]:
            print(text)
        print(f"story {seed}, {layout}, {kind}: {disks} disks, {len(wrong)} of them unsound: "
              f"{' '.join(story.deeds)}", flush=True)
    print(f"{total - failed} passed, {failed} failed")
    return failed > 0


if __name__ == "__main__":
    sys.exit(main())
