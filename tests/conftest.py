"""Fixtures that several test files share."""

import threading
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


@pytest.fixture
def no_thread_stays():
    """Whatever a fit comes to, its thread is gone when it is over."""
    yield
    assert [thread.name for thread in threading.enumerate() if thread.name == "glassnet-data"] == []


@pytest.fixture
def small_chunks(monkeypatch):
    """Chunks of two batches, so that the five of `streams.BATCHES` make three."""
    from glassnet.data import chunks

    monkeypatch.setattr(chunks, "BATCHES", 2)
