"""The last file of this folder: at each crash point that there is some process of the tests before this
one died. By night (VARVE_CRASH_EVERY=1 VARVE_CRASH_NTH=1 VARVE_DEEDS=all, and the whole folder in one
run), since by day not all are tried."""

import os

import points
import pytest

ELSEWHERE = {  # killed at by other tests
    **{f"spool.salvage_{what}": "tests/unit/ingest/test_spool_salvage.c"
       for what in ("copied", "kept", "sealed", "slotted", "written")},
    "new_folder.synced": "tests/record/test_export.py",
}


@pytest.mark.skipif("VARVE_CRASH_EVERY" not in os.environ, reason="by day not all are tried")
def test_a_process_died_at_each_point():
    there = points.in_source()
    assert len(there) > 50
    assert points.KILLED <= there
    assert there - points.KILLED == set(ELSEWHERE)


def test_what_is_tried_elsewhere_is_named_there():
    for name, path in ELSEWHERE.items():
        assert name in points.in_source()
        assert name in (points.ROOT / path).read_text()
