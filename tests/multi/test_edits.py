"""Many processes that change one table in every way: each version is what some order makes of it.

Every change bears a name in its commit, so that the log says in which order they came. In that order
they are done again on a model: each version has to have the model's rows, and who made the change has to
have been told the model's figures. What failed has left nothing, what was done is in one version.
"""

import json
import os
import subprocess
import sys

import pytest
from edit_plan import COLUMNS, PARTS, Plan, Refused
from installed import ENVIRONMENT, ensure_installed

HERE = os.path.dirname(__file__)
TABLE = "t"
SEEDS = int(os.environ.get("VARVE_MULTI_SEEDS", "2"))
COMMANDS, PACKAGES, EACH = 3, 2, 9  # processes of a kind, and changes of one
QUARANTINED = 2
EDITS = ("update", "update", "delete", "merge", "merge", "upsert", "overwrite")


# ---- The table, and what is to be done to it --------------------------------------------------------

def create(varve, plan):
    """With rows in every part, and others that a rule of an hour keeps out; what brings them in."""
    varve.ok("create", TABLE, "--schema",
             "k bigint not null, p bigint not null, n bigint not null, who string, seen bigint not null",
             "--key", "k", "--order-by", "seen", *(["--partition-by", "p"] if plan.is_partitioned else []),
             "--property", f"delta.enableDeletionVectors={str(plan.has_vectors).lower()}",
             "--property", f"delta.enableChangeDataFeed={str(plan.has_feed).lower()}",
             "--property", "delta.checkpointInterval=7")
    for number in range(PARTS):
        rows = [{**plan.row(key), "p": number} for key in range(8 * number, 8 * number + 8)]
        job = plan.add(f"first {number}", {"rows": rows}, plan.upserting(rows))
        varve.upsert(TABLE, "".join(json.dumps(row) + "\n" for row in rows), "--message", job["name"])
    varve.ok("alter", TABLE, "add-constraint", "small", "n < 1000", "--upgrade")
    releases = []
    for number in range(QUARANTINED):
        rows = [dict(row, n=5000 + number) for row in plan.rows()]
        varve.upsert(TABLE, "".join(json.dumps(row) + "\n" for row in rows), "--quarantine")
        (batch,) = [row["id"] for row in varve.rows("quarantine", "list", TABLE)
                    if row["id"] not in str(releases)]
        releases.append(plan.run(f"release {number}", "quarantine", "release", "TABLE", batch,
                                 change=plan.upserting(rows)))
    varve.ok("alter", TABLE, "drop-constraint", "small")
    return releases


def edits(plan, worker):
    return [getattr(plan, do)(f"{do} {worker}.{number}")
            for number, do in enumerate(plan.chance.choices(EDITS, k=EACH))]


def killed(plan):
    """Changes that nobody is told the end of."""
    jobs = [getattr(plan, do)(f"killed {do}") for do in ("update", "merge", "delete")]
    return [dict(job, kill_after=plan.chance.uniform(0.03, 0.6)) for job in jobs]


def upkeep(plan, releases):
    return [plan.run("optimize 0", "optimize", "TABLE"), releases[0],
            plan.run("vacuum 0", "vacuum", "TABLE", "--yes"),
            plan.run("alter 0", "alter", "TABLE", "set", "delta.checkpointInterval=5"),
            plan.restore("restore 0", 2), plan.run("checkpoint 0", "checkpoint", "TABLE"), releases[1],
            plan.run("alter 1", "alter", "TABLE", "add-constraint", "few", "n < 1000000"),
            plan.run("optimize 1", "optimize", "TABLE"),
            plan.run("alter 2", "alter", "TABLE", "add-column", "later int")]


def foreign(plan):
    makers = [plan.append, plan.foreign_merge, plan.delete, lambda name: plan.update(name, stamps=False)]
    return [makers[number % len(makers)](f"foreign {number}") for number in range(EACH)]


# ---- Doing it -----------------------------------------------------------------------------------------

def start(python, *arguments, jobs=None):
    command = [str(python), os.path.join(HERE, "edit_workers.py"), *map(str, arguments)]
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    process.stdin.write(json.dumps(jobs))
    process.stdin.close()
    return process


def finish(process):
    answers = [json.loads(line) for line in process.stdout]
    assert process.wait(timeout=120) == 0
    process.stdout.close()
    return answers


def do_all(varve, plan, releases):
    """What each change was told, by its name."""
    path = varve.table(TABLE)
    by_command = ("command", varve.program, varve.lake, TABLE)
    jobs = [(sys.executable, by_command, edits(plan, f"c{number}")) for number in range(COMMANDS)]
    jobs += [(ENVIRONMENT / "bin/python", ("package", varve.lake, TABLE), edits(plan, f"p{number}"))
             for number in range(PACKAGES)]
    jobs += [(sys.executable, by_command, killed(plan)), (sys.executable, by_command, upkeep(plan, releases)),
             (sys.executable, ("foreign", path), foreign(plan))]
    processes = [start(python, *arguments, jobs=todo) for python, arguments, todo in jobs]
    told = {}
    for process, (_, _, todo) in zip(processes, jobs):
        answers = finish(process)
        assert [name for name, *_ in answers] == [job["name"] for job in todo]
        told.update({name: (code, result, error) for name, code, result, error in answers})
    return told


# ---- Judging it -----------------------------------------------------------------------------------------

def names_in(log):
    """Of the changes, by version; None: a commit that was not named, such as those of a vacuum."""
    names = []
    while (path := log / f"{len(names):020}.json").exists():
        lines = [json.loads(line) for line in path.read_text().splitlines()]
        (info,) = [line["commitInfo"] for line in lines if "commitInfo" in line]
        names.append(info.get("userMetadata"))
    return names


def in_order(rows):
    return sorted(([row[column] for column in COLUMNS] for row in rows), key=str)


def replay(plan, names):
    """The rows of each version, and the figures of each change that is in one."""
    states, figures = [], {}
    rows = {}
    for version, name in enumerate(names):
        if name in plan.changes:
            assert name not in figures, f"{name} is in two versions"
            try:
                figures[name] = (version, plan.changes[name](rows, states))
            except Refused:
                pytest.fail(f"version {version}: {name} breaks a rule and was written")
        states.append(dict(rows))
    return states, figures


def check_told(plan, told, names, states, figures):
    for name, (code, result, error) in told.items():
        if code is None:
            assert error == "killed", f"{name} {error}"
        elif name not in plan.changes:
            assert code in (0, 4), (name, error)
            assert code == 0 or name not in names, f"{name} was told {code}"
            assert result.get("commits", names.count(name)) == names.count(name), name
        elif code != 0:
            assert name not in figures, f"{name} was told {code}, and is in version {figures.get(name)}"
            assert code == 4 or code == 3 and any(is_refused(plan.changes[name], state) for state in states), (
                name, error)
        elif name in figures:
            version, expected = figures[name]
            assert result.get("version", version) == version, name
            got = {what: result[what] for what in expected if what in result}
            assert got == {what: expected[what] for what in got}, f"{name}, version {version}"
        else:
            check_idle(plan.changes[name], name, result, states)


def is_refused(change, state):
    try:
        change(dict(state), [state] * 10)
    except Refused:
        return True
    return False


def check_idle(change, name, result, states):
    """What made no commit had nothing to do: in the version that it names."""
    seen = [states[result["version"]]] if "version" in result else states
    for state in seen:
        after = dict(state)
        expected = change(after, states)
        got = {what: result[what] for what in expected if what in result}
        if after == state and got == {what: expected[what] for what in got}:
            return
    pytest.fail(f"{name} had something to do, and is in no version: {result}")


def check_versions(varve, names, states):
    last = len(states) - 1
    for version, rows in finish(start(ENVIRONMENT / "bin/python", "read", varve.lake, TABLE, last)):
        assert in_order(rows) == in_order(states[version].values()), f"version {version}: {names[version]}"
    some = sorted({last, *range(1, last, 9)})
    for version, rows in finish(start(sys.executable, "read-foreign", varve.table(TABLE), jobs=some)):
        assert in_order(rows) == in_order(states[version].values()), f"version {version} by deltalake"


def check_feed(varve, states):
    """What the versions say that they changed leads from each one's rows to the next one's."""
    now, by_version = [], {}
    for row in varve.rows("changes", TABLE, "--from", "0"):
        by_version.setdefault(row["_commit_version"], []).append(row)
    for version, state in enumerate(states):
        changed = by_version.get(version, [])
        gone = in_order(row for row in changed if row["_change_type"] in ("delete", "update_preimage"))
        for row in gone:
            assert row in now, f"version {version}: {row} was not there"
            now.remove(row)
        now += in_order(row for row in changed if row["_change_type"] in ("insert", "update_postimage"))
        assert sorted(now, key=str) == in_order(state.values()), f"changes of version {version}"


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(SEEDS))
def test_every_version_is_what_the_changes_before_it_make(varve, seed):
    pytest.importorskip("deltalake")
    ensure_installed()
    plan = Plan(seed)
    releases = create(varve, plan)
    told = do_all(varve, plan, releases)
    names = names_in(varve.table(TABLE) / "_delta_log")
    states, figures = replay(plan, names)
    check_versions(varve, names, states)
    check_told(plan, told, names, states, figures)
    check_feed(varve, states)
    lost = [name for name, (code, *_) in told.items() if code == 4]
    assert len(lost) < len(told) // 3, lost
    varve.ok("verify", TABLE, "--deep")
