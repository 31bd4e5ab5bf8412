"""A lake that deeds were done to, and a copy of it to do them in a hard place."""

import shutil

import pytest
from deeds import SOME, finish


@pytest.fixture(scope="session")
def finished(varve_on, tmp_path_factory):
    return finish(varve_on, tmp_path_factory.mktemp("finished"), SOME)


@pytest.fixture
def copy(varve, finished):
    shutil.copytree(finished[0].lake, varve.lake)
    return varve
