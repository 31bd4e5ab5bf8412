"""A power cut at any moment of an ingest: what it has acknowledged is on each disk that may be left."""

import pytest

import power
from conftest import BUILD


@pytest.mark.slow
def test_what_an_ingest_acknowledged_is_on_what_a_disk_may_be_left_with():
    disks, wrong, story = power.try_story(BUILD.resolve(), "plain", 1, 24, "fed", 3)
    assert disks == 24
    assert wrong == []
    assert {feed.level for feed in story.feeds.values()} == {"spooled", "committed", "followed"}
