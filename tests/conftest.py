"""Fixtures that several test files share, and how XLA compiles the suite's thousands of small
programs.
"""

import hashlib
import importlib.metadata
import os
import platform
import sys
import threading
from pathlib import Path

import pytest

pytest_plugins = ["recording"]
"""--record-keras, and the fixture `recorded`."""

if sys.version_info < (3, 12):
    # Four fifths of the suite are compilation, and without fused loops of its newest kind XLA needs
    # two thirds of that. What users run has
    # them (an epoch of a dense network takes 1.5 times as long without): XLA_FLAGS= pytest tests
    # that. Newer JAX, which Python 3.11 never
    # gets, lacks the flag.
    os.environ.setdefault("XLA_FLAGS", "--xla_cpu_use_fusion_emitters=false")

MAX_PROGRAMS = 1500
"""Compiled programs that a process keeps: each takes 12 entries of its memory map or more, and
Linux allows 65,530.
"""


def cache_folder():
    """A folder of compiled programs that later runs read instead of compiling, or None if
    GLASSNET_TEST_CACHE is "off".

    Programs are machine code: the name of the folder says for which versions, CPU and flags.
    """
    root = (
        os.environ.get("GLASSNET_TEST_CACHE")
        or Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "glassnet-tests"
    )
    if str(root) == "off":
        return None
    versions = [importlib.metadata.version(name) for name in ("jax", "jaxlib", "numpy")]
    key = [*versions, platform.machine(), cpu_flags(), os.environ.get("XLA_FLAGS", "")]
    folder = Path(root) / hashlib.sha256("\n".join(key).encode()).hexdigest()[:16]
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    return folder


def cpu_flags():
    """What the CPU can do, as the system lists it."""
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return platform.processor()
    return next(
        (line for line in lines if line.startswith(("flags", "Features"))), platform.processor()
    )


if folder := cache_folder():
    # In the environment, so that processes which the tests start have it too. Without the last line
    # the folder's path would be part of
    # the key of every program.
    os.environ.setdefault("JAX_COMPILATION_CACHE_DIR", str(folder))
    os.environ.setdefault("JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS", "0")
    os.environ.setdefault("JAX_PERSISTENT_CACHE_MIN_ENTRY_SIZE_BYTES", "-1")
    os.environ.setdefault("JAX_PERSISTENT_CACHE_ENABLE_XLA_CACHES", "none")


class ProgramCount:
    """How many programs this process has compiled, or read from the cache, since they were last
    dropped.
    """

    def __init__(self):
        self.programs, self.listening = 0, False

    def listen(self):
        """Count from now on; JAX is not imported for it."""
        if not self.listening and "jax" in sys.modules:
            sys.modules["jax"].monitoring.register_event_duration_secs_listener(self.count)
            self.listening = True

    def count(self, event, seconds, **_):
        self.programs += event == "/jax/core/compile/backend_compile_duration"


COUNT = ProgramCount()


@pytest.fixture(autouse=True)
def _drop_programs():
    """Drop the compiled programs before the table of memory maps is full."""
    COUNT.listen()
    yield
    if COUNT.programs > MAX_PROGRAMS:
        sys.modules["jax"].clear_caches()
        COUNT.programs = 0


@pytest.fixture
def shared_data(monkeypatch):
    """The folder of real data beside the repository, which the loaders then read instead of
    downloading.
    """
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
    from glassnet.pipeline import prefetch

    monkeypatch.setattr(prefetch, "MAX_BATCHES_PER_CHUNK", 2)
