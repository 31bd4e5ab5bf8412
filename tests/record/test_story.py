"""Random histories by every operation, held against a model; the long run is in ci-long.sh."""

import pytest

from story import LAYOUTS, Story


@pytest.mark.slow
@pytest.mark.parametrize("layout", LAYOUTS)
def test_every_version_change_and_row_is_as_the_model_has_it(varve, layout):
    story = Story(varve, layout, 1)
    story.tell(12)
    story.check()
