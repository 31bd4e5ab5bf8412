#!/usr/bin/env python3
"""The long suites, as one run that goes on where it was cut off.

    tests/nightly.py BUILD [--fresh] [--list] [NAME...]

Each suite is a step that takes one core or two; two steps of one core run side by side. What a step
prints goes to BUILD/nightly/NAME.log; BUILD/nightly/report.md is a table of what each came to. A step that has
passed is not run again for the same source (the tree of the commit, nothing changed in it), but
with --fresh. Steps that are named are run, with those that they need. Ends with "N passed, N failed".
"""

import argparse
import datetime
import fcntl
import json
import os
import pathlib
import re
import signal
import subprocess
import sys
import time

import nightly_steps

ROOT = pathlib.Path(__file__).resolve().parent.parent
CORES = 2
CLOSING = re.compile(r"^.*\b\d+ (passed|failed)\b.*$", re.MULTILINE)


def source_of(root):
    """(commit, tree): the tree is None where files differ from the commit, or git does not know."""
    def git(*arguments):
        done = subprocess.run(["git", *arguments], cwd=root, capture_output=True, text=True, check=False)
        return done.stdout.strip() if done.returncode == 0 else None
    commit = git("rev-parse", "--short", "HEAD")
    return commit, git("rev-parse", "HEAD^{tree}") if git("status", "--porcelain") == "" else None


def closing_line(text):
    """The last line that counts something, else the last one that is not blank."""
    lines = [match.group() for match in CLOSING.finditer(text)] or text.split("\n")
    return next((line.strip() for line in reversed(lines) if line.strip()), "")


def can_begin(step, beside):
    return sum(other.cores for other in beside) + step.cores <= CORES and \
        not any(other.name in step.needs for other in beside)


class Running:
    """A step at work, in a process group of its own."""

    def __init__(self, step, log, lock, root):
        self.step = step
        self.log = log
        self.began = time.monotonic()
        with open(log, "wb") as out:
            # The lock is held as long as any process of the step lives, should this one be killed.
            self.process = subprocess.Popen(  # pylint: disable=consider-using-with
                ["/bin/sh", "-c", step.command], cwd=root, stdin=subprocess.DEVNULL, stdout=out,
                stderr=subprocess.STDOUT, start_new_session=True, pass_fds=[lock.fileno()])

    def stop(self):
        try:
            os.killpg(self.process.pid, signal.SIGKILL)
        except ProcessLookupError:
            pass

    def outcome(self):
        """None while it is at work; else (passed, what it came to, seconds, those of a processor)."""
        seconds = time.monotonic() - self.began
        is_late = seconds > self.step.seconds_max()
        if is_late:
            self.stop()
        pid, status, usage = os.wait4(self.process.pid, 0 if is_late else os.WNOHANG)
        if pid == 0:
            return None
        self.process.returncode = code = os.waitstatus_to_exitcode(status)
        self.stop()  # whatever it left behind
        told = closing_line(self.log.read_text(errors="replace"))
        if is_late:
            told = f"did not end within {self.step.seconds_max()} s; {told}"
        elif code != 0:
            told = f"exit status {code}; {told}"
        return code == 0 and not is_late, told, seconds, usage.ru_utime + usage.ru_stime


class Night:
    """The steps, and what is known of them."""

    def __init__(self, root, build, steps, fresh=False):
        self.root, self.folder, self.steps = root, build / "nightly", steps
        self.folder.mkdir(parents=True, exist_ok=True)
        self.commit, self.tree = source_of(root)
        self.done = {}  # by name: a record, of this run or of one before
        self.began = datetime.datetime.now()
        state = self.folder / "state.json"
        if state.exists() and self.tree is not None and not fresh:
            self.done = {name: record for name, record in json.loads(state.read_text()).items()
                         if record["passed"] and record["tree"] == self.tree}
        self.lock = open(self.folder / "lock", "w")  # pylint: disable=consider-using-with

    def is_alone(self):
        """False: another run, or a step that one has left behind, is at work in this folder."""
        try:
            fcntl.flock(self.lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        return True

    def note(self, step, passed, told, seconds, processor):
        # What was changed meanwhile may have been tested or not.
        tree = self.tree if source_of(self.root) == (self.commit, self.tree) else None
        self.done[step.name] = {"passed": passed, "told": told, "seconds": round(seconds),
                                "processor": round(processor), "commit": self.commit, "tree": tree}
        self.save()
        print(f"=== {step.name}: {'passed' if passed else 'FAILED'}, {seconds:.0f} s: {told}", flush=True)

    def save(self):
        for name, text in (("state.json", json.dumps(self.done, indent=1)), ("report.md", self.report())):
            new = self.folder / f"{name}.new"
            new.write_text(text)
            new.replace(self.folder / name)

    def report(self):
        changed = "" if self.tree else ", with changes that are in no commit"
        lines = ["# The long suites", "",
                 f"`make nightly` of {self.commit}{changed}, {os.cpu_count()} cores, begun "
                 f"{self.began:%Y-%m-%d %H:%M}, written {datetime.datetime.now():%Y-%m-%d %H:%M}.", "",
                 "| suite | what it came to | seconds | of a processor | revision | command |",
                 "|---|---|--:|--:|---|---|"]
        for step in self.steps:
            cells = [step.name, "not run yet", "", "", "", f"`{step.command}`"]
            if record := self.done.get(step.name):
                cells[1:5] = [("" if record["passed"] else "**FAILED**: ") + record["told"],
                              record["seconds"], record["processor"], record["commit"]]
            lines.append("| " + " | ".join(str(cell).replace("|", "\\|") for cell in cells) + " |")
        return "\n".join([*lines, "", self.sum(), ""])

    def sum(self):
        passed = [step for step in self.steps if self.done.get(step.name, {}).get("passed")]
        waiting = sum(step.name not in self.done for step in self.steps)
        return f"{len(passed)} passed, {len(self.steps) - len(passed) - waiting} failed" + \
            (f", {waiting} not run" if waiting else "")

    def left(self, names):
        """Those of the names, or of all, that are to be run, with what they need."""
        wanted = {step.name for step in self.steps if step.name in names or
                  not (names or step.again) and step.name not in self.done}
        for step in reversed(self.steps):  # what is needed comes first
            if step.name in wanted:
                wanted |= {need for need in step.needs if self.step(need).again or need not in self.done}
        return [step for step in self.steps if step.name in wanted]

    def step(self, name):
        return next(step for step in self.steps if step.name == name)

    def run(self, names=()):
        """In order: a step for which there is no room yet is passed by none. True: all passed."""
        waiting = self.left(names)
        for step in self.steps:
            if step.name in self.done and step not in waiting and not names:
                print(f"=== {step.name}: passed before: {self.done[step.name]['told']}", flush=True)
        for step in waiting:
            self.done.pop(step.name, None)
        started, running = list(waiting), []
        try:
            while waiting or running:
                while waiting and can_begin(waiting[0], [one.step for one in running]):
                    self.begin(waiting.pop(0), running)
                self.settle(running)
                time.sleep(0.2)
        finally:
            for left in running:
                left.stop()
            self.save()
        return all(self.done[step.name]["passed"] for step in started)

    def begin(self, step, running):
        broken = [need for need in step.needs if not self.done[need]["passed"]]
        if broken:
            self.note(step, False, f"not run, since {broken[0]} failed", 0, 0)
            return
        print(f"=== {step.name}: {step.command}", flush=True)
        running.append(Running(step, self.folder / f"{step.name}.log", self.lock, self.root))

    def settle(self, running):
        for one in list(running):
            outcome = one.outcome()
            if outcome is not None:
                running.remove(one)
                self.note(one.step, *outcome)


def main(arguments):
    parser = argparse.ArgumentParser(usage=__doc__)
    parser.add_argument("build", type=lambda text: pathlib.Path(text).resolve())
    parser.add_argument("--fresh", action="store_true")
    parser.add_argument("--list", action="store_true")
    parser.add_argument("names", nargs="*")
    options = parser.parse_intermixed_args(arguments)
    steps = nightly_steps.steps(ROOT, options.build)
    unknown = set(options.names) - {step.name for step in steps}
    if unknown:
        parser.error(f"no such step: {' '.join(sorted(unknown))}")
    if options.list:
        for step in steps:
            print(f"{step.name:24} {step.cores} core{'s' * (step.cores > 1):1} {step.minutes:4} min  {step.command}")
        print(f"about {nightly_steps.minutes(steps, CORES):.0f} minutes on {CORES} idle cores")
        return 0
    night = Night(ROOT, options.build, steps, options.fresh)
    if not night.is_alone():
        raise SystemExit(f"{night.folder}: another run, or what one has left behind, is at work there")
    # SIGINT is ignored in what a shell has put in the background, and then in all that it starts.
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.default_int_handler)
    try:
        good = night.run(options.names)
    except KeyboardInterrupt:
        print(f"cut off; the same command goes on: {night.sum()}")
        return 130
    print(f"{night.folder / 'report.md'}\n{night.sum()}")
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
