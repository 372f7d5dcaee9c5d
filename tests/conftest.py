"""Shared fixtures, and settings that make XLA compile the small programs of the tests quickly."""

import os
import random
import secrets
import sys
import threading
from pathlib import Path

import pytest

from glassnet.user_cache import program_folder_name, user_cache_folder

pytest_plugins = ["recording"]
"""The option --record-keras and the fixture `recorded`."""

if sys.version_info < (3, 12):
    # Compilation takes four fifths of the tests' time, and this flag saves a third of it. It makes
    # an epoch of a dense network 1.5 times slower, so users keep XLA's default. To test that
    # default, run: XLA_FLAGS= pytest. The JAX versions that need Python 3.12 have no such flag.
    os.environ.setdefault("XLA_FLAGS", "--xla_cpu_use_fusion_emitters=false")

MAX_PROGRAMS = 1500
"""Maximum number of compiled programs in a process.

Each needs 12 or more entries of the memory map. Linux allows 65,530 entries.
"""


def cache_folder():
    """Return the folder of compiled programs, or None if GLASSNET_TEST_CACHE is "off".

    Later runs read the programs instead of compiling them.
    """
    root = os.environ.get("GLASSNET_TEST_CACHE") or user_cache_folder().with_name("glassnet-tests")
    if str(root) == "off":
        return None
    folder = Path(root) / program_folder_name()
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    return folder


if folder := cache_folder():
    # JAX's own cache serves what the tests compile themselves too; with its options set, glassnet
    # leaves the cache to it. Environment variables also reach the processes that the tests start.
    # Without the last line, the folder's path would be part of each program's key.
    os.environ.setdefault("JAX_COMPILATION_CACHE_DIR", str(folder))
    os.environ.setdefault("JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS", "0")
    os.environ.setdefault("JAX_PERSISTENT_CACHE_MIN_ENTRY_SIZE_BYTES", "-1")
    os.environ.setdefault("JAX_PERSISTENT_CACHE_ENABLE_XLA_CACHES", "none")
else:
    os.environ.setdefault("GLASSNET_CACHE", "off")


class ProgramCount:
    """Number of programs that this process compiled or read from the cache since the last clearing."""

    def __init__(self):
        self.programs, self.listening = 0, False

    def listen(self):
        """Start counting if JAX is imported."""
        if not self.listening and "jax" in sys.modules:
            sys.modules["jax"].monitoring.register_event_duration_secs_listener(self.count)
            self.listening = True

    def count(self, event, seconds, **_):
        self.programs += event == "/jax/core/compile/backend_compile_duration"


COUNT = ProgramCount()


SEEDS = random.Random()
"""Where models without a seed get one, in place of the operating system."""

secrets.randbits = SEEDS.getrandbits


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup():
    """Give each test, with its fixtures, the same seeds in every run."""
    SEEDS.seed(0)


@pytest.fixture(autouse=True)
def _drop_programs():
    """Clear the compiled programs before the memory map is full."""
    COUNT.listen()
    yield
    if COUNT.programs > MAX_PROGRAMS:
        sys.modules["jax"].clear_caches()
        COUNT.programs = 0


@pytest.fixture
def shared_data(monkeypatch):
    """Return the folder of real data beside the repository, and make the loaders read it."""
    folder = Path(__file__).parents[2] / "shared" / "data"
    if not folder.is_dir():
        pytest.skip(f"real data not found at {folder}")
    monkeypatch.setenv("GLASSNET_DATA_HOME", str(folder))
    return folder


@pytest.fixture
def no_thread_stays():
    """Check that no data thread is alive after the test."""
    yield
    assert [thread.name for thread in threading.enumerate() if thread.name == "glassnet-data"] == []


@pytest.fixture
def small_chunks(monkeypatch):
    """Use chunks of two batches, so that the five of `streams.BATCHES` make three chunks."""
    from glassnet.pipeline import prefetch

    monkeypatch.setattr(prefetch, "MAX_BATCHES_PER_CHUNK", 2)
