"""A process that is killed while a thread of it writes a checkpoint and cleans up the log: the commit
stands that it was due at, nothing of the history is lost, and the next one that is due does it."""

import collections
import os

import errand
import points
import pytest

# Places of that thread's own. Those of the store it passes as the commit before it does, so that
# of a name some passages are the one's and some the other's.
SEAMS = {"checkpoint_errand.begun", "checkpoint_errand.done", "checkpoint.before_put",
         "checkpoint.put", "checkpoint.hint", "ledger.before_put", "ledger.put",
         "log_clean.remove", "store.stage.made", "store.put.written", "store.put.synced",
         "store.put.renamed", "store.put.linked", "store.put.folder_synced"}
# Each at most so often; all of them where VARVE_CRASH_NTH says so.
PASSAGES_MAX = 9 if "VARVE_CRASH_NTH" in os.environ else 1


@pytest.fixture(scope="module")
def made(varve_on, tmp_path_factory):
    varve = varve_on(tmp_path_factory.mktemp("made") / "lake")
    errand.make(varve)
    return varve


def upsert(varve, seams):
    return varve.run(*errand.UPSERT, stdin=errand.NEWS,
                     env=errand.later(varve, VARVE_TEST_SEAMS=seams))


def places(varve, listing):
    """(seam, n-th passage of the process) from the moment on at which the thread begins."""
    assert upsert(varve, f"list={listing}").returncode == 0
    passed, found = collections.Counter(), collections.defaultdict(list)
    for name in listing.read_text().split():
        passed[name] += 1
        if name in SEAMS and passed["checkpoint_errand.begun"]:
            found[name].append(passed[name])
    assert set(found) == SEAMS
    return [(name, nth) for name, passages in sorted(found.items())
            for nth in passages[:PASSAGES_MAX]]


@pytest.mark.slow
def test_it_is_killed_at_each_place(varve, made, tmp_path):
    errand.fresh(varve, made)
    kills = 0
    for seam, nth in places(varve, tmp_path / "seams"):
        errand.fresh(varve, made)
        done = upsert(varve, f"crash={seam}:{nth}")
        assert points.has_died(done.returncode, seam)
        errand.check(varve, is_committed=True)
        errand.check_goes_on(varve)
        kills += 1
    assert kills >= len(SEAMS)


@pytest.mark.parametrize("seam", ["checkpoint_errand.done"])
def test_the_answer_is_there_before_it_ends(varve, made, seam):
    """Nobody waits for the checkpoint to learn that the rows are committed, but for the process to end."""
    errand.fresh(varve, made)
    done = upsert(varve, f"crash={seam}:1")
    assert points.has_died(done.returncode, seam)
    assert errand.checkpoints(varve) == [errand.BASE, errand.DUE]
