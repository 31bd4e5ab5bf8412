"""What a run measured: samples by workload and engine, notes, the machine; as JSON and back."""

import datetime
import json
import os
import platform
import statistics
import sys


class Samples:
    def __init__(self):
        self.costs = {}    # workload -> engine -> [{"ms", "cpu_ms", "peak_mib", counts...}]
        self.notes = []    # lines for people
        self.facts = {}    # of the machine and the run
        self.growth = []   # {"of", "engine", "at", "what", "value"...}
        self.series = {}   # W12: engine -> [ms], in order

    def add(self, workload, engine, cost):
        row = {"ms": cost.ms, "cpu_ms": cost.cpu_ms, "peak_mib": cost.peak_mib, **cost.counts}
        self.costs.setdefault(workload, {}).setdefault(engine, []).append(row)

    def note(self, text):
        self.notes.append(text)
        print(f"  {text}", file=sys.stderr, flush=True)

    def grew(self, of, at, engine, what, values):
        """One point of a curve: `what`, such as "upsert ms", where there are `at` of `of`."""
        self.growth.append({"of": of, "at": at, "engine": engine, "what": what,
                            "median": statistics.median(values), "least": min(values),
                            "most": max(values)})
        print(f"  {of} {at:,}: {engine}: {what} {statistics.median(values):.2f}", file=sys.stderr,
              flush=True)

    def as_json(self):
        return json.dumps({"facts": self.facts, "notes": self.notes, "costs": self.costs,
                           "growth": self.growth, "series": self.series}, indent=1)


def machine():
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    return {"cores": os.cpu_count(), "memory_gib": round(memory),
            "system": f"{platform.system()} {platform.machine()}",
            "date": datetime.datetime.now(datetime.timezone.utc).strftime("%Y-%m-%d"),
            "load_at_begin": round(os.getloadavg()[0], 1)}
