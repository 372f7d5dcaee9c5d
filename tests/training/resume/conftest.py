"""Runs that ended, or were killed, for the tests that go on from them."""

import pytest

from lives import Killed, dying
from three_epochs import fit


@pytest.fixture(scope="module")
def uninterrupted(tmp_path_factory):
    return fit(tmp_path_factory.mktemp("whole"))[0]


@pytest.fixture
def killed(tmp_path, monkeypatch):
    """The folder of a run that was killed in its third epoch."""
    with dying(monkeypatch, 13), pytest.raises(Killed):
        fit(tmp_path)
    return tmp_path
