"""Fixtures that several test files share, and how XLA compiles the suite's thousands of small programs."""

import os
import sys
import threading
from pathlib import Path

import pytest

pytest_plugins = ["recording"]
"""--record-keras, and the fixture `recorded`."""

if sys.version_info < (3, 12):
    # Four fifths of the suite are compilation, and without fused loops of its newest kind XLA needs two thirds of that. What users run has
    # them (an epoch of a dense network takes 1.5 times as long without): XLA_FLAGS= pytest tests that. Newer JAX, which Python 3.11 never
    # gets, lacks the flag.
    os.environ.setdefault("XLA_FLAGS", "--xla_cpu_use_fusion_emitters=false")


@pytest.fixture(autouse=True, scope="module")
def _programs_go():
    """JAX keeps compiled programs, each in pieces of memory of its own; Linux gives a process 65,530 of these, and the suite needs more."""
    yield
    if "jax" in sys.modules:
        sys.modules["jax"].clear_caches()


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
