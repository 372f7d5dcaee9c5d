"""Fixtures that several test files share."""

from pathlib import Path

import pytest


@pytest.fixture
def shared_data(monkeypatch):
    """The folder of real data beside the repository, which the loaders then read instead of downloading."""
    folder = Path(__file__).parents[2] / "shared" / "data"
    if not folder.is_dir():
        pytest.skip(f"real data not found at {folder}")
    monkeypatch.setenv("GLASSNET_DATA_HOME", str(folder))
    return folder
