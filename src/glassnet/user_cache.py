"""Folders in the user's cache, for downloaded datasets and for compiled programs."""

from __future__ import annotations

import hashlib
import os
import platform
from pathlib import Path

CPU_FILE = Path("/proc/cpuinfo")
CPU_LINES = ("vendor_id", "cpu family", "model", "flags", "Features", "CPU ")
"""Beginnings of the lines of that file that decide which machine code XLA makes."""


def user_cache_folder() -> Path:
    """Return glassnet's folder in the user's cache, for example ~/.cache/glassnet."""
    import platformdirs

    return Path(platformdirs.user_cache_dir("glassnet"))


def program_folder_name() -> str:
    """Return a folder name for the programs that XLA compiles in this environment.

    Programs are machine code for one version of XLA and one kind of processor. XLA also divides the
    loops of a program between the processors that it may use, so their number is part of the name.
    JAX's own key has none of this but the version.
    """
    import jaxlib.version

    variables = [os.environ.get(name, "") for name in ("NPROC", "PJRT_NPROC")]
    facts = [
        platform.system(),
        platform.machine(),
        *_describe_processor(),
        str(_count_processors()),
        *variables,
    ]
    digest = hashlib.sha256("\n".join(facts).encode()).hexdigest()[:16]
    return f"programs-jaxlib-{jaxlib.version.__version__}-{digest}"


def _describe_processor() -> list[str]:
    """Return the model and features of the first processor, as the system lists them."""
    try:
        text = CPU_FILE.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return [platform.processor()]
    return [line for line in text.split("\n\n")[0].splitlines() if line.startswith(CPU_LINES)]


def _count_processors() -> int:
    """Return the number of processors that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1
