"""Runs that were completed, or killed."""

import pytest

from lives import Killed, dying
from three_epochs import fit


@pytest.fixture(scope="module")
def uninterrupted(tmp_path_factory):
    return fit(tmp_path_factory.mktemp("whole"))[0]


@pytest.fixture
def killed(tmp_path, monkeypatch):
    """Return the folder of a run that was killed in its third epoch."""
    with dying(monkeypatch, 13), pytest.raises(Killed):
        fit(tmp_path)
    return tmp_path
