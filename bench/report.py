#!/usr/bin/env python3
"""Makes tables and charts of what bench/run.py has measured.

    bench/report.py build/bench/results.json            Markdown, to standard output
    bench/report.py build/bench/results.json docs       into docs/performance.md, between its lines
                                                        <!-- bench PROFILE NAME --> and <!-- end -->,
                                                        and docs/charts/PROFILE-*.svg
"""

import json
import pathlib
import re
import statistics
import sys

import fit
import svg
import targets

OURS = [name for name in targets.ORDER if name.startswith("varve")]
MARKED = re.compile(r"(<!-- bench (\w+) ([\w-]+) -->\n).*?(<!-- end -->)", re.DOTALL)
MEMORY_OF = ["W2", "W4", "W5"]


class Results:
    """What run.py wrote, with medians."""

    def __init__(self, text):
        told = json.loads(text)
        self.facts, self.notes = told["facts"], told["notes"]
        self.costs, self.growth, self.series = told["costs"], told["growth"], told["series"]
        self.profile = self.facts["profile"]

    def values(self, workload, engine, what="ms"):
        return [row[what] for row in self.costs.get(workload, {}).get(engine, [])]

    def median(self, workload, engine, what="ms"):
        if engine == targets.FLOOR:
            return self.facts["sync_floor_ms"] if what == "ms" else None
        values = self.values(workload, engine, what)
        return statistics.median(values) if values else None

    def engines(self, among):
        there = {name for of_one in self.costs.values() for name in of_one}
        return [name for name in among if name in there]

    def workloads(self):
        return [name for name in targets.TITLES if name in self.costs]


def number(value):
    if value is None:
        return ""
    return f"{value:,.0f}" if value >= 100 else f"{value:.1f}" if value >= 1 else f"{value:.2f}"


def table(head, rows):
    lines = ["| " + " | ".join(head) + " |", "|---" * len(head) + "|"]
    return "\n".join(lines + ["| " + " | ".join(row) + " |" for row in rows])


def facts_text(results):
    told = results.facts
    machine = (f"{told['cores']} cores, {told['memory_gib']} GiB, {told['system']}, {told['date']}; load "
               f"average {told['load_at_begin']} at the begin and {told['load_at_end']} at the end.")
    if "rows" not in told:
        return machine
    return (f"{told['rows']:,} rows, {told['strategies']} strategies, {told['days']} days; {machine} Two "
            f"synced files and their folder took {told['sync_floor_ms']} ms "
            f"({told['sync_floor_least_ms']}-{told['sync_floor_most_ms']}), to make Parquet of 250 "
            f"rows {told['encode_floor_ms']} ms.")


def times(results, among, what="ms", with_spread=True):
    """Medians of each engine."""
    names = results.engines(among)

    def cell(workload, name):
        values = results.values(workload, name, what)
        if not any(values):
            return ""
        spread = f" ({number(min(values))}-{number(max(values))})"
        return number(statistics.median(values)) + (spread if with_spread and len(values) > 1 else "")

    rows = [[workload, targets.TITLES[workload], *(cell(workload, name) for name in names)]
            for workload in results.workloads() if results.engines(among)]
    return table(["", "workload", *names], [row for row in rows if any(row[2:])])


def verdicts(results):
    """Each target: [workload, what beside what, at most, by the wall, by the processor, the floor by the
    wall, verdict]. One that has both ratios is met where both hold."""
    rows = []
    for kind, goals in (("ms", targets.TIME), ("peak_mib", targets.MEMORY)):
        for workload, ours, other, most in goals:
            mine, theirs = (results.median(workload, name, kind) for name in (ours, other))
            if mine is None or theirs is None:
                continue
            ratio, used = mine / theirs, None
            least = results.median(workload, targets.LEAST.get(ours), kind) if kind == "ms" else None
            if kind == "ms" and other != targets.FLOOR:
                used = (results.median(workload, ours, "cpu_ms"),
                        results.median(workload, other, "cpu_ms"))
            by_cpu = used[0] / used[1] if used and used[0] and used[1] else None
            holds = (ratio <= most, by_cpu is None or by_cpu <= most)
            what = f"{ours} / {other}" + (", greatest memory (W14)" if kind != "ms" else "")
            rows.append([workload, what, f"{most}x", f"{ratio:.2f}x",
                         "" if by_cpu is None else f"{by_cpu:.2f}x",
                         "" if least is None else f"{least / theirs:.2f}x",
                         "met" if all(holds) else "missed" if not any(holds) or by_cpu is None else
                         "missed by the processor" if holds[0] else "missed by the wall"])
    return rows


def target_table(results):
    return (table(["", "beside", "at most", "by the wall", "by the processor", "the floor", ""],
                  verdicts(results)) +
            "\n\nA target is met where it holds by the wall and, where it has such a ratio, by the processor. The "
            "floor (below: what DuckDB alone, in the version of the peers, takes to read and write such files) is given by "
            "the wall, beside the same peer: a target that is less asks for a faster engine, not for a faster Varve.")


def listed(words):
    return " and ".join(filter(None, [", ".join(words[:-1]), *words[-1:]]))


def summary(results):
    """One paragraph: how many targets are met, where Varve is the fastest of all, where others are."""
    rows = verdicts(results)
    met = sum(row[-1] == "met" for row in rows)
    ahead, behind = [], []
    peers = [name for name in results.engines(targets.ORDER) if name not in OURS]
    for workload in results.workloads():
        mine = [(value, name) for name in OURS if name != "varve-no-sync"
                for value in [results.median(workload, name)] if value is not None]
        others = [(value, name) for name in peers
                  for value in [results.median(workload, name)] if value is not None]
        if not mine or not others:
            continue
        (best, form), (least, peer) = min(mine), min(others)
        by = "" if form == "varve" else f", by {form}"
        if best <= least:
            ahead.append(f"{workload} ({least / best:.1f}x beside {peer}{by})")
        else:
            behind.append(f"{workload} ({peer} by {best / least:.1f}x)")
    parts = [f"**{met} of {len(rows)} targets are met.**"] if rows else []
    if ahead:
        parts.append(f"By the wall Varve, which syncs every commit, is the fastest of all in {listed(ahead)}.")
    if behind:
        parts.append(f"Others are faster in {listed(behind)}.")
    return " ".join(parts)


def floor_table(results):
    """Durable writes as multiples of what the disk takes."""
    floor = results.facts["sync_floor_ms"]
    names = results.engines(["varve", "varve-vectors", "varve-python", "duckdb"])
    rows = []
    for workload in ("W2", "W12"):  # W3 writes nothing, and syncs nothing
        cells = [results.median(workload, name) for name in names]
        if any(cells):
            rows.append([workload, *("" if value is None else f"{value / floor:.1f}x"
                                     for value in cells)])
    return table(["multiples of the sync floor", *names], rows) if rows else ""


def least_table(results):
    """What bench/floors.py took, and the engines as multiples of it."""
    rows = []
    for workload in results.workloads():
        for name, floor in targets.LEAST.items():
            least, mine = results.median(workload, floor), results.median(workload, name)
            if least is None or mine is None:
                continue
            used = results.median(workload, name, "cpu_ms") / results.median(workload, floor, "cpu_ms")
            rows.append([workload, name, number(least), number(mine), f"{mine / least:.2f}x",
                         number(results.median(workload, floor, "cpu_ms")), f"{used:.2f}x"])
    return table(["", "", "floor, ms", "Varve, ms", "beside it", "floor, ms of the processor",
                  "Varve beside it"], rows) if rows else ""


def memory_table(results):
    names = results.engines(targets.ORDER)
    rows = [[workload, *(number(max(results.values(workload, name, "peak_mib"), default=None))
                         for name in names)] for workload in MEMORY_OF if workload in results.costs]
    return table(["MiB", *names], rows) if rows else ""


def work_table(results):
    """What does not depend on the machine: files and bytes of Varve, deltalake beside it."""
    rows = []
    for workload in results.workloads():
        cells = [workload]
        for name in ("varve" if workload != "W13" else "varve-cli", "deltalake"):
            if not results.values(workload, name):
                cells += [""] * 4
                continue
            count = {what: results.median(workload, name, what) for what in (
                "files_opened", "files_created", "folders_listed", "bytes_read", "bytes_mapped",
                "bytes_written", "syncs")}
            read = (count["bytes_read"] + count["bytes_mapped"]) / 1024
            cells += [f"{count['files_opened']:.0f} / {count['files_created']:.0f} / "
                      f"{count['folders_listed']:.0f}", number(read),
                      number(count["bytes_written"] / 1024), f"{count['syncs']:.0f}"]
        rows.append(cells)
    head = ["opened / made / listed", "KiB read", "KiB written", "syncs"]
    return table(["", *(f"varve: {name}" for name in head), *(f"deltalake: {name}" for name in head)],
                 rows)


def points_of(results, of, engine, what):
    return sorted((row["at"], row["median"]) for row in results.growth
                  if (row["of"], row["engine"], row["what"]) == (of, engine, what))


def growth_table(results, of):
    """Each curve: its values, and the power of its growth between the last two."""
    names = []
    for row in results.growth:
        if row["of"] == of and (row["engine"], row["what"]) not in names:
            names.append((row["engine"], row["what"]))
    sizes = sorted({row["at"] for row in results.growth if row["of"] == of})
    rows = []
    for engine, what in sorted(names, key=lambda name: name[1]):
        points = points_of(results, of, engine, what)
        there = dict(points)
        usable = [(x, y) for x, y in points if y > 0]
        power = f"{fit.last_power(usable):.2f}" if len(usable) > 1 else ""
        rows.append([engine, what, *(number(there.get(size)) for size in sizes), power])
    return table(["", "", *(f"{size:,} {of}" for size in sizes), "last power"], rows)


def projection(results):
    """A line through the log alone: what a table of a million files opens in."""
    lines = []
    for what in ("open, ms of the processor", "open, peak MiB of the process",
                 "upsert, ms of the processor"):
        points = points_of(results, "files", "varve", what)
        if len(points) < 2:
            continue
        start, slope = fit.per_unit(points)
        (files, value), each = points[-1], f"{slope * 1000:.3g} for each thousand"
        end = "1,000,000 files of 1,000 rows (10^9 rows)"
        lines.append(f"- {what}: {number(value)} at {end}, measured; {each}." if files == 10**6 else
                     f"- {what}: {number(value)} at {files:,} files; {each}, so "
                     f"{number(start + slope * 1e6)} at {end}.")
    return "\n".join(lines)


def sections(results):
    """{name: Markdown}: what stands between the marks of the document."""
    peers = ["varve", *(name for name in targets.ORDER if name not in OURS)]
    made = {"facts": facts_text(results)}
    if results.costs:
        made |= {
            "summary": summary(results),
            "targets": target_table(results),
            "peers": times(results, peers),
            "ours": times(results, OURS),
            "processor": times(results, targets.ORDER, "cpu_ms", with_spread=False),
            "least": least_table(results),
            "floor": floor_table(results),
            "memory": memory_table(results),
            "work": work_table(results),
            "notes": "\n".join(f"- {note}" for note in results.notes),
        }
    for of in ("rows", "commits", "files"):
        if any(row["of"] == of for row in results.growth):
            made[f"growth-{of}"] = (growth_table(results, of) +
                                    f"\n\n![Growth with {of}](charts/growth-{of}.svg)")
    if any(row["of"] == "files" for row in results.growth):
        made["projection"] = projection(results)
    return {name: part for name, part in made.items() if part}


HEADINGS = {"quick": "## The last run of `make bench`", "full": "## The last full run",
            "spark": "## Beside Spark"}
PARTS_OF = {"spark": ("facts", "peers", "processor", "memory")}  # of the others: all, and charts
NAMES = {"targets": "Beside the targets", "peers": "Beside the peers (ms, median, least-greatest)",
         "ours": "Varve in each of its forms (ms)", "processor": "Milliseconds of the processor",
         "least": "Beside the floor", "floor": "Beside the disk", "memory": "Greatest memory (W14)", "work": "Files, bytes, syncs",
         "notes": "Sustained upserts"}


def whole_run(results, made, pictures):
    """All of a run, for a document that has one place for it."""
    parts = [HEADINGS[results.profile]] if results.profile in HEADINGS else []
    made = {name: part for name, part in made.items()
            if name in PARTS_OF.get(results.profile, made)}
    parts += [made[name] for name in ("summary", "facts") if name in made]
    parts += [f"**{title}**\n\n{made[name]}" for name, title in NAMES.items() if name in made]
    parts += [f"![{name}](charts/{name})" for name in pictures]
    return "\n\n".join(parts)


def bar_chart(results, workloads):
    groups = []
    for workload in workloads:
        bars = []
        for name in results.engines(targets.ORDER):
            values = results.values(workload, name)
            if values:
                bars.append((name, statistics.median(values), min(values), max(values)))
        if bars:
            groups.append((f"{workload}: {targets.TITLES[workload]}", bars))
    return groups


def charts(results):
    """{file name: SVG}."""
    made = {}
    for name, title, workloads in (("writes", "Writes", ["W1", "W2", "W3", "W4", "W5", "W13"]),
                                   ("reads", "Reads", ["W6", "W6z", "W7", "W8"]),
                                   ("log", "Logs and layout", ["W9", "W9c", "W10", "W11"])):
        groups = bar_chart(results, workloads)
        if groups:
            made[f"{results.profile}-{name}.svg"] = svg.bars(title, groups)
    for of, title, whats in (
            ("rows", "Rows of the table", ["upsert", "range", "latest", "history"]),
            ("commits", "Commits of a file each", ["upsert", "range", "latest", "history"]),
            ("files", "Files in the log", ["open", "upsert"])):
        lines = []
        for engine, mark in (("varve", ""), ("deltalake", "~")):
            for what in whats:
                points = points_of(results, of, engine, f"{what}, ms of the processor")
                if len(points) > 1 and all(value > 0 for _, value in points):
                    lines.append((f"{mark}{engine}: {what}", points))
        if lines:
            made[f"growth-{of}.svg"] = svg.curves(
                title, of, "ms of the processor", lines)
    sustained = []
    for name, series in results.series.items():
        step = max(1, len(series) // 20)
        points = [(place + 1, statistics.median(series[place:place + step]))
                  for place in range(0, len(series), step)]
        if len(points) > 1:
            sustained.append((name, points))
    if sustained:
        made[f"{results.profile}-sustained.svg"] = svg.curves(
            "Sustained upserts of 250 rows", "upserts so far", "ms", sustained, x_is_log=False)
    return made


def fill(document, profile, made):
    """The document with what is between the marks of the profile made anew; nothing where the run
    has no data for it."""
    def put(match):
        begin, of, name, end = match.groups()
        if of != profile:
            return match.group(0)
        return f"{begin}\n{made[name]}\n\n{end}" if made.get(name) else f"{begin}{end}"
    return MARKED.sub(put, document)


def text(json_text):
    """All of it, for a terminal or a file."""
    made = sections(Results(json_text))
    return "\n\n".join(f"## {name}\n\n{part}" for name, part in made.items())


def main():
    if len(sys.argv) not in (2, 3):
        raise SystemExit(__doc__)
    told = pathlib.Path(sys.argv[1]).read_text()
    if len(sys.argv) == 2:
        print(text(told))
        return
    docs, results = pathlib.Path(sys.argv[2]), Results(told)
    document, made = docs / "performance.md", sections(results)
    pictures = {} if results.profile in PARTS_OF else charts(results)
    made["all"] = whole_run(results, made, pictures)
    document.write_text(fill(document.read_text(), results.profile, made))
    (docs / "charts").mkdir(exist_ok=True)
    for name, picture in pictures.items():
        (docs / "charts" / name).write_text(picture)


if __name__ == "__main__":
    main()
