"""The versions and the kind of machine on which a report was made, without names or paths."""

from __future__ import annotations

import os
import platform
from importlib import metadata

import jax

from glassnet._version import __version__


def list_versions() -> list[tuple[str, str]]:
    """Return names and values: versions, system, processor and what JAX computes on."""
    devices = jax.devices()
    kinds = sorted({device.device_kind for device in devices})
    computer = f"{platform.system()}, {platform.machine()}, {os.cpu_count() or 1} CPUs"
    return [
        ("Glassnet", __version__),
        ("JAX", metadata.version("jax")),
        ("NumPy", metadata.version("numpy")),
        ("Python", platform.python_version()),
        ("Machine", computer),
        ("Computed on", f"{len(devices)} x {', '.join(kinds)}"),
    ]
