"""A power cut at any moment of a short history; the longer ones are in ci-long.sh."""

import pytest

import power
from conftest import BUILD


@pytest.mark.slow
@pytest.mark.parametrize("layout", ["plain", "mapped"])
def test_what_a_disk_may_be_left_with_is_a_sound_table(layout):
    disks, wrong, _ = power.try_story(BUILD.resolve(), layout, 4, 20)
    assert disks == 20
    assert wrong == []


@pytest.mark.slow
def test_one_whose_checkpoints_are_written_by_a_thread():
    disks, wrong, story = power.try_story(BUILD.resolve(), "plain", 4, 8, "large", 6)
    assert disks == 8
    assert wrong == []
    assert story.errands > 1
