"""Refuse computations in a process that was forked after JAX had started.

A fork copies the memory of a process, but not its threads. JAX computes in threads, so in such a
process every computation would wait forever. `multiprocessing` forks by default on Linux up to
Python 3.13.
"""

from __future__ import annotations

import os
import sys

from glassnet.errors import ConfigError, message

_lost_threads = False


def require_jax_threads() -> None:
    """Raise an error if JAX's threads do not exist in this process.

    Raises:
        ConfigError: the process was forked after JAX had started.
    """
    if _lost_threads:
        fix = (
            "JAX's threads do not exist here, so the computation would never end. Start processes "
            'with multiprocessing.get_context("spawn"), or with joblib\'s "loky", or fork before '
            "the first computation."
        )
        expected = "a process that was not forked after JAX had started"
        raise ConfigError(message("JAX", expected, fix=fix, process=os.getpid()))


def _check_after_fork() -> None:
    """Find out in a new process whether JAX had started in its parent."""
    global _lost_threads
    bridge = sys.modules.get("jax._src.xla_bridge")
    if bridge is not None:
        # Its public function takes a lock, which another thread may have held during the fork.
        # Without the private name of today, JAX counts as started: an error is better than a wait.
        _lost_threads = _lost_threads or bool(getattr(bridge, "_backends", True))


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_check_after_fork)
